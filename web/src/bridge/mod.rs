//! The page's end of the line to the worker: requests in order, events out, and a new worker
//! when the old one has ended.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo::events::EventListener;
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{ErrorEvent, Event as DomEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

use crate::io;
use crate::protocol::{Event, FromWorker, ToWorker};

/// The worker's script, relative to the page.
const SCRIPT: &str = "static/worker.js";

/// What comes from the worker.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// An event.
    Message(FromWorker),
    /// The worker ended, or speaks what cannot be understood; the reason, for a sentence.
    Lost(String),
}

/// A worker and what it is still to be told.
pub struct Bridge {
    line: Rc<Line>,
}

struct Line {
    listener: Box<dyn Fn(Said)>,
    worker: RefCell<Option<RunningWorker>>,
    /// Whether the worker listens; what is sent before it does would be lost.
    is_ready: Cell<bool>,
    /// Whether the worker has ended; what it says after that is of no interest.
    is_lost: Cell<bool>,
    queue: RefCell<Vec<ToWorker>>,
}

/// A worker with its listeners; all of them end when it is dropped.
struct RunningWorker {
    worker: Worker,
    _listeners: [EventListener; 3],
}

impl Drop for RunningWorker {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}

impl Bridge {
    /// Starts a worker and passes on what it says.
    pub fn new(listener: impl Fn(Said) + 'static) -> Self {
        let bridge = Self {
            line: Rc::new(Line {
                listener: Box::new(listener),
                worker: RefCell::new(None),
                is_ready: Cell::new(false),
                is_lost: Cell::new(false),
                queue: RefCell::new(Vec::new()),
            }),
        };
        bridge.restart();
        bridge
    }

    /// Sends a request; it waits here until the worker listens.
    pub fn send(&self, message: ToWorker) {
        if self.line.is_ready.get() {
            self.line.post(&message);
        } else if !self.line.is_lost.get() {
            self.line.queue.borrow_mut().push(message);
        }
    }

    /// Ends the worker and starts a new one, which knows nothing.
    pub fn restart(&self) {
        let line = &self.line;
        line.worker.replace(None);
        line.queue.borrow_mut().clear();
        line.is_ready.set(false);
        line.is_lost.set(false);
        match line.clone().spawn() {
            Ok(worker) => {
                line.worker.replace(Some(worker));
            }
            Err(error) => line.lose(format!("it cannot be started: {}", io::reason(&error))),
        }
    }
}

impl Line {
    fn spawn(self: Rc<Self>) -> Result<RunningWorker, JsValue> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options(&io::url(SCRIPT)?, &options)?;
        let line = self.clone();
        let on_message = EventListener::new(&worker, "message", move |event| {
            let data = event.unchecked_ref::<MessageEvent>().data();
            line.receive(&data);
        });
        let line = self.clone();
        let on_error = EventListener::new(&worker, "error", move |event| {
            line.lose(error_reason(event));
        });
        let on_garbled = EventListener::new(&worker, "messageerror", move |_event| {
            self.lose("a message was damaged".to_owned());
        });
        Ok(RunningWorker {
            worker,
            _listeners: [on_message, on_error, on_garbled],
        })
    }

    fn receive(&self, data: &JsValue) {
        if self.is_lost.get() {
            return;
        }
        let bytes = Uint8Array::new(data).to_vec();
        match postcard::from_bytes::<Vec<FromWorker>>(&bytes) {
            Ok(events) => events.into_iter().for_each(|event| self.tell(event)),
            Err(error) => self.lose(format!("its message cannot be read: {error}")),
        }
    }

    fn tell(&self, message: FromWorker) {
        match &message.event {
            Event::Ready { .. } => {
                self.is_ready.set(true);
                for message in self.queue.take() {
                    self.post(&message);
                }
            }
            Event::Crashed { .. } => {
                self.is_ready.set(false);
                self.is_lost.set(true);
            }
            _ => {}
        }
        (self.listener)(Said::Message(message));
    }

    fn post(&self, message: &ToWorker) {
        let posted = postcard::to_allocvec(message)
            .map_err(|error| error.to_string())
            .and_then(|bytes| {
                let array = Uint8Array::from(bytes.as_slice());
                let transfer = js_sys::Array::of1(&array.buffer());
                match &*self.worker.borrow() {
                    Some(running) => running
                        .worker
                        .post_message_with_transfer(&array, &transfer)
                        .map_err(|error| io::reason(&error)),
                    None => Ok(()),
                }
            });
        if let Err(reason) = posted {
            self.lose(format!("a request cannot be sent: {reason}"));
        }
    }

    /// Says once that the worker has ended.
    fn lose(&self, reason: String) {
        if !self.is_lost.replace(true) {
            self.is_ready.set(false);
            (self.listener)(Said::Lost(reason));
        }
    }
}

fn error_reason(event: &DomEvent) -> String {
    let message = event
        .dyn_ref::<ErrorEvent>()
        .map(ErrorEvent::message)
        .unwrap_or_default();
    if message.is_empty() {
        // A script that cannot be loaded has no message.
        "its script cannot be loaded".to_owned()
    } else {
        message
    }
}
