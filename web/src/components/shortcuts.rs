//! Keys that work anywhere on the page where no control has them.

use gloo::events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use yew::prelude::*;

use super::hooks::{use_app, use_dispatch};
use crate::state::Action;

/// Space plays and pauses, the full stop steps.
#[component]
pub(super) fn Shortcuts() -> Html {
    let runs = use_app().playback.is_on();
    let dispatch = use_dispatch();
    use_effect_with(runs, move |runs| {
        let runs = *runs;
        let options = EventListenerOptions::enable_prevent_default();
        let document = gloo::utils::document();
        let listener =
            EventListener::new_with_options(&document, "keydown", options, move |event| {
                let Some(event) = event.dyn_ref::<KeyboardEvent>() else {
                    return;
                };
                if event.ctrl_key() || event.alt_key() || event.meta_key() || is_taken(event) {
                    return;
                }
                match event.key().as_str() {
                    " " if runs => dispatch.dispatch(Action::Pause),
                    " " => dispatch.dispatch(Action::Play),
                    "." => dispatch.dispatch(Action::Step),
                    _ => return,
                }
                event.prevent_default();
            });
        move || drop(listener)
    });
    html! {}
}

/// Whether a control has the focus, which then has the key.
fn is_taken(event: &KeyboardEvent) -> bool {
    const CONTROLS: &str = "a, button, input, select, textarea, summary, dialog, [tabindex]";
    event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .is_some_and(|element| element.closest(CONTROLS).ok().flatten().is_some())
}
