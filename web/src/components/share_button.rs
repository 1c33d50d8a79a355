//! The link to what is set up here.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::hooks::{use_app, use_dispatch};
use super::send::on_click;
use crate::io::fragment;
use crate::state::{Action, Topic};

/// Copies the link; where the clipboard is refused, shows it to be copied by hand.
#[component]
pub(super) fn ShareButton() -> Html {
    let state = use_app();
    let dispatch = use_dispatch();
    let onclick = on_click(&dispatch, Action::CopyLink);
    let refused = state
        .notices
        .alerts()
        .any(|notice| notice.topic == Topic::Link);
    html! {
        <>
            <button type="button" class="button quiet" {onclick}>{ "Share link" }</button>
            if refused {
                <SelectedLink link={fragment::link(&state.fragment())} />
            }
        </>
    }
}

#[derive(Properties, PartialEq)]
struct SelectedLinkProps {
    link: AttrValue,
}

/// The link, selected, so that one key copies it.
#[component]
fn SelectedLink(props: &SelectedLinkProps) -> Html {
    let input = use_node_ref();
    use_effect_with((props.link.clone(), input.clone()), |(_, input)| {
        if let Some(input) = input.cast::<HtmlInputElement>() {
            // An element that cannot be focused can still be read.
            let _ = input.focus();
            input.select();
        }
    });
    html! {
        <input
            ref={input}
            class="field shared-link"
            aria-label="Link to copy"
            readonly={true}
            value={&props.link}
        />
    }
}
