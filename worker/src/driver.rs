//! Connects the trainer to the browser: messages in, events out, and a turn for the browser
//! between two slices.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo::timers::callback::Timeout;
use js_sys::Uint8Array;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{DedicatedWorkerGlobalScope, MessageChannel, MessageEvent, MessagePort, Performance};

use crate::time::{Clock, Next};
use crate::trainer::Trainer;
use quartermeg_web::build;
use quartermeg_web::protocol::{self, Event, FromWorker};

/// Time in which the page draws a new plan, in milliseconds: where there are few cores, what nobody
/// asked for would take one of those that draw.
const DRAWN_MILLIS: u32 = 32;

/// Starts to answer; the worker lives until the page ends it.
///
/// # Panics
/// Outside a worker.
#[cfg_attr(page, optimize(size))]
pub(crate) fn start() {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    std::panic::set_hook(Box::new(|panic| {
        let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
        let message = panic.to_string();
        post(
            &scope,
            &[FromWorker {
                id: 0,
                event: Event::Crashed { message },
            }],
        );
    }));
    let channel = MessageChannel::new().expect("every browser with workers has channels");
    let performance = scope.performance().expect("every worker has a clock");
    let driver = Rc::new(Driver {
        scope,
        trainer: RefCell::new(Trainer::new(PageClock(performance))),
        wake: channel.port2(),
        is_waking: Cell::new(false),
        timer: Cell::new(None),
    });

    // These two closures live as long as the worker does.
    let on_wake = {
        let driver = driver.clone();
        Closure::<dyn FnMut()>::new(move || {
            driver.is_waking.set(false);
            driver.turn();
        })
    };
    channel
        .port1()
        .set_onmessage(Some(on_wake.into_js_value().unchecked_ref()));
    let on_message = {
        let driver = driver.clone();
        Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            driver.receive(&event.data());
        })
    };
    driver
        .scope
        .set_onmessage(Some(on_message.into_js_value().unchecked_ref()));

    post(
        &driver.scope,
        &[FromWorker {
            id: 0,
            event: Event::Ready {
                build: build::ID.to_owned(),
                simd: build::SIMD,
            },
        }],
    );
}

struct PageClock(Performance);

impl Clock for PageClock {
    fn now(&self) -> f64 {
        self.0.now()
    }
}

struct Driver {
    scope: DedicatedWorkerGlobalScope,
    trainer: RefCell<Trainer<PageClock>>,
    /// A message here comes back behind all messages that wait, and without the delay that
    /// browsers add to timers.
    wake: MessagePort,
    is_waking: Cell<bool>,
    timer: Cell<Option<Timeout>>,
}

impl Driver {
    fn receive(self: &Rc<Self>, data: &JsValue) {
        let bytes = Uint8Array::new(data).to_vec();
        match protocol::decode(&bytes) {
            Ok(message) => self.trainer.borrow_mut().handle(message),
            Err(error) => {
                let message =
                    format!("A request could not be read ({error}); load the page again.");
                post(
                    &self.scope,
                    &[FromWorker {
                        id: 0,
                        event: Event::Failed { message },
                    }],
                );
            }
        }
        if self.post_events() {
            self.turn_after(DRAWN_MILLIS);
        } else {
            self.wake_soon();
        }
    }

    #[cfg_attr(page, optimize(size))]
    fn turn(self: &Rc<Self>) {
        let next = self.trainer.borrow_mut().slice();
        self.post_events();
        match next {
            Next::Idle => self.timer.set(None),
            Next::Soon => self.wake_soon(),
            Next::After(millis) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "at most a second"
                )]
                self.turn_after(millis.ceil() as u32);
            }
        }
    }

    fn turn_after(self: &Rc<Self>, millis: u32) {
        let driver = self.clone();
        let timer = Timeout::new(millis, move || driver.turn());
        self.timer.set(Some(timer));
    }

    fn wake_soon(&self) {
        self.timer.set(None);
        if !self.is_waking.replace(true) {
            // It fails only for values that cannot be copied.
            let _ = self.wake.post_message(&JsValue::NULL);
        }
    }

    /// Tells what has happened; whether a new plan is to be drawn.
    fn post_events(&self) -> bool {
        let events = self.trainer.borrow_mut().take_events();
        if !events.is_empty() {
            post(&self.scope, &events);
        }
        let is_plan = |it: &FromWorker| matches!(it.event, Event::Planned(_));
        events.iter().any(is_plan)
    }
}

/// Sends events; their bytes are handed over, not copied.
fn post(scope: &DedicatedWorkerGlobalScope, events: &[FromWorker]) {
    let Ok(bytes) = protocol::encode(events) else {
        return;
    };
    let array = Uint8Array::from(bytes.as_slice());
    let transfer = js_sys::Array::of1(&array.buffer());
    // It fails only for values that cannot be copied.
    let _ = scope.post_message_with_transfer(&array, &transfer);
}
