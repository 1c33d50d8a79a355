//! A word that explains itself on hover, focus and touch.

use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use super::glossary::Entry;
use super::hooks::use_id;

/// Space between the word, its explanation and the edge of the window, in CSS pixels.
const MARGIN: f64 = 8.0;

/// Properties of [`Term`].
#[derive(Properties, PartialEq)]
pub(super) struct TermProps {
    /// Which word.
    #[prop_or_default]
    pub entry: Option<Entry>,
    /// How it is written here, where not as in the glossary.
    #[prop_or_default]
    pub text: Option<AttrValue>,
    /// What it means, where the glossary does not have it.
    #[prop_or_default]
    pub meaning: &'static str,
}

/// The word as a button; Escape closes the explanation.
#[component]
pub(super) fn Term(props: &TermProps) -> Html {
    let id = use_id("term");
    let open = use_state_eq(|| false);
    let (word, tip) = (use_node_ref(), use_node_ref());
    {
        let (word, tip) = (word.clone(), tip.clone());
        use_effect_with(*open, move |open| {
            if *open && let (Some(word), Some(tip)) = (word.cast(), tip.cast()) {
                place(&word, &tip);
            }
        });
    }
    let set = |value: bool| {
        let open = open.clone();
        move || open.set(value)
    };
    let (enter, leave) = (set(true), set(false));
    let (focus, blur, click) = (set(true), set(false), set(true));
    let close = set(false);
    let onkeydown = {
        let is_open = *open;
        move |event: KeyboardEvent| {
            if is_open && event.key() == "Escape" {
                event.stop_propagation();
                close();
            }
        }
    };
    let described = open.then(|| id.clone());
    let text = match (&props.text, props.entry) {
        (Some(text), _) => text.clone(),
        (None, entry) => AttrValue::Static(entry.map_or("", Entry::word)),
    };
    html! {
        <span onmouseenter={move |_| enter()} onmouseleave={move |_| leave()}>
            <button
                ref={word}
                type="button"
                class="term"
                aria-describedby={described}
                onfocus={move |_| focus()}
                onblur={move |_| blur()}
                onclick={move |_| click()}
                {onkeydown}
            >
                { text }
            </button>
            if *open {
                <span ref={tip} {id} class="tip" role="tooltip">{ props.entry.map_or(props.meaning, Entry::meaning) }</span>
            }
        </span>
    }
}

/// Puts the explanation below the word, or above where there is no room, inside the window.
fn place(word: &Element, tip: &HtmlElement) {
    let window = gloo::utils::window();
    let extent = |value: Result<wasm_bindgen::JsValue, _>| {
        value
            .ok()
            .and_then(|value| value.as_f64())
            .unwrap_or_default()
    };
    let (width, height) = (extent(window.inner_width()), extent(window.inner_height()));
    let (at, box_of_tip) = (
        word.get_bounding_client_rect(),
        tip.get_bounding_client_rect(),
    );
    let left = at
        .left()
        .min(width - box_of_tip.width() - MARGIN)
        .max(MARGIN);
    let below = at.bottom() + MARGIN;
    let top = if below + box_of_tip.height() > height {
        (at.top() - box_of_tip.height() - MARGIN).max(MARGIN)
    } else {
        below
    };
    let style = tip.style();
    // A browser without these two properties shows the explanation where it stands.
    let _ = style.set_property("left", &format!("{left}px"));
    let _ = style.set_property("top", &format!("{top}px"));
}
