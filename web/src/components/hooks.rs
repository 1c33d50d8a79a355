//! What components have in common: the state, the size of an element, the colour scheme.

use std::rc::Rc;

use gloo::events::EventListener;
use gloo::timers::callback::Timeout;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, ResizeObserver};
use yew::prelude::*;

use crate::state::{AppState, Dispatch};

/// How long [`use_late`] waits: an edit is seen on the map by then.
const LATE_MILLIS: u32 = 100;

/// The state of the page; the component renders again whenever it changes.
#[hook]
pub(super) fn use_app() -> Rc<AppState> {
    use_context::<Rc<AppState>>().expect("invariant: the page stands inside the app")
}

/// The way to send an action.
#[hook]
pub(super) fn use_dispatch() -> Dispatch {
    use_context::<Dispatch>().expect("invariant: the page stands inside the app")
}

/// Width and height of an element in whole CSS pixels; zero before it is laid out.
#[hook]
pub(super) fn use_size(node: &NodeRef) -> (f64, f64) {
    let size = use_state_eq(|| (0.0, 0.0));
    {
        let size = size.clone();
        use_effect_with(node.clone(), move |node| {
            let observed = node.cast::<Element>().and_then(|element| {
                let measured = element.clone();
                let measure = Closure::<dyn FnMut()>::new(move || {
                    let (width, height) = (measured.client_width(), measured.client_height());
                    size.set((f64::from(width), f64::from(height)));
                });
                let observer = ResizeObserver::new(measure.as_ref().unchecked_ref()).ok()?;
                observer.observe(&element);
                Some((observer, measure))
            });
            move || {
                if let Some((observer, _measure)) = observed {
                    observer.disconnect();
                }
            }
        });
    }
    *size
}

/// A value as it was a moment ago: what is large and seldom looked at is drawn once no frame waits
/// for it, and once for many changes in a row.
#[hook]
pub(super) fn use_late<T: Clone + PartialEq + 'static>(newest: &T) -> T {
    let late = use_state_eq(|| newest.clone());
    {
        let late = late.setter();
        use_effect_with(newest.clone(), move |newest| {
            let newest = newest.clone();
            let timer = Timeout::new(LATE_MILLIS, move || late.set(newest));
            move || drop(timer)
        });
    }
    (*late).clone()
}

/// A number that changes when colours or pixels do: on another colour scheme, and on another
/// resolution of the screen.
#[hook]
pub(super) fn use_appearance() -> u32 {
    let version = use_state(|| 0u32);
    {
        let version = version.clone();
        use_effect_with((), move |()| {
            // A counter of its own, because the handle inside the closure stays the first one.
            let changes = Rc::new(std::cell::Cell::new(0u32));
            let query = |text: &str| {
                let list = gloo::utils::window().match_media(text).ok().flatten()?;
                let (version, changes) = (version.clone(), Rc::clone(&changes));
                Some(EventListener::new(&list, "change", move |_| {
                    changes.set(changes.get() + 1);
                    version.set(changes.get());
                }))
            };
            let ratio = gloo::utils::window().device_pixel_ratio();
            let listeners = [
                query("(prefers-color-scheme: dark)"),
                query(&format!("(resolution: {ratio}dppx)")),
            ];
            move || drop(listeners)
        });
    }
    *version
}

/// An id that no other element has.
#[hook]
pub(super) fn use_id(prefix: &'static str) -> AttrValue {
    thread_local! {
        static NEWEST: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
    }
    (*use_memo((), |()| {
        let number = NEWEST.get() + 1;
        NEWEST.set(number);
        AttrValue::from(format!("{prefix}-{number}"))
    }))
    .clone()
}
