//! What a held pointer gives to the rows that it moves over. A mouse begins at once; a finger after
//! it has rested on a choice for a moment, since a list is scrolled by one that moves at once.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo::events::{EventListener, EventListenerOptions};
use gloo::timers::callback::Timeout;
use quartermeg_core::policy::LayerUpdate;
use web_sys::Element;
use yew::prelude::*;

use crate::state::{Action, Dispatch};

/// How long a finger rests before it paints, in milliseconds.
const REST_MILLIS: u32 = 350;
/// How far one that rests may move, in CSS pixels.
const REST_PIXELS: u32 = 8;

/// What is painted, shared by the rows of a list.
#[derive(Clone, Default)]
pub(super) struct Brush(Rc<Held>);

#[derive(Default)]
struct Held {
    stroke: Cell<Option<Stroke>>,
    /// A finger that rests: where, and what begins the stroke when it has rested long enough.
    resting: RefCell<Option<([i32; 2], Timeout)>>,
}

#[derive(Clone, Copy)]
struct Stroke {
    /// The row where it began.
    layer: usize,
    update: LayerUpdate,
    /// Whether it paints: by a mouse, once it has reached another row.
    is_painting: bool,
}

impl PartialEq for Brush {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Brush {
    /// A pointer went down on a choice.
    pub(super) fn take(
        &self,
        dispatch: &Dispatch,
        layer: usize,
        update: LayerUpdate,
        event: &PointerEvent,
    ) {
        let stroke = Stroke {
            layer,
            update,
            is_painting: false,
        };
        if event.pointer_type() != "touch" {
            self.0.stroke.set(Some(stroke));
            return;
        }
        // A finger is captured by what it touches first; rows hear of it once it is let go.
        if let Some(target) = event.target_dyn_into::<Element>() {
            // One that is gone meanwhile cannot be released, and need not.
            let _ = target.release_pointer_capture(event.pointer_id());
        }
        let (held, dispatch) = (self.0.clone(), dispatch.clone());
        let rested = Timeout::new(REST_MILLIS, move || {
            held.stroke.set(Some(Stroke {
                is_painting: true,
                ..stroke
            }));
            dispatch.dispatch(Action::Paint { layer, update });
        });
        let at = [event.client_x(), event.client_y()];
        self.0.resting.replace(Some((at, rested)));
    }

    /// A pointer moved: a finger that does so before it has rested scrolls.
    pub(super) fn follow(&self, event: &PointerEvent) {
        let mut resting = self.0.resting.borrow_mut();
        if let Some(([x, y], _)) = &*resting
            && (event.client_x().abs_diff(*x)).max(event.client_y().abs_diff(*y)) > REST_PIXELS
        {
            *resting = None;
        }
    }

    /// A pointer came to a row.
    pub(super) fn paint(&self, dispatch: &Dispatch, layer: usize, buttons: u16) {
        let Some(stroke) = self.0.stroke.get().filter(|_| buttons & 1 != 0) else {
            return;
        };
        let update = stroke.update;
        if !stroke.is_painting {
            if stroke.layer == layer {
                return;
            }
            self.0.stroke.set(Some(Stroke {
                is_painting: true,
                ..stroke
            }));
            dispatch.dispatch(Action::Paint {
                layer: stroke.layer,
                update,
            });
        }
        dispatch.dispatch(Action::Paint { layer, update });
    }

    /// The pointer went up, or away.
    pub(super) fn lift(&self, dispatch: &Dispatch) {
        self.0.resting.take();
        if self
            .0
            .stroke
            .take()
            .is_some_and(|stroke| stroke.is_painting)
        {
            dispatch.dispatch(Action::EndDrag);
        }
    }

    fn is_painting(&self) -> bool {
        self.0.stroke.get().is_some_and(|stroke| stroke.is_painting)
    }

    /// As long as a finger paints, the list does not scroll, and no menu opens below the finger.
    pub(super) fn hold_still(&self, list: &Element) -> [EventListener; 2] {
        ["touchmove", "contextmenu"].map(|event| {
            let brush = self.clone();
            let options = EventListenerOptions::enable_prevent_default();
            EventListener::new_with_options(list, event, options, move |event| {
                if brush.is_painting() {
                    event.prevent_default();
                }
            })
        })
    }
}
