//! The dot beside a setting that is not what it was at first.

use yew::prelude::*;

use super::send::on_click;
use crate::state::{Action, Dispatch};

/// A dot that sends `back`, which brings the default of the setting `name` back; nothing where
/// nothing was changed.
pub(super) fn reset_dot(
    dispatch: &Dispatch,
    name: &str,
    changed: bool,
    locked: bool,
    back: Action,
) -> Html {
    let name = format!("{name} back to default");
    dot(dispatch, name, changed, locked, back)
}

/// The same under another name.
pub(super) fn dot(
    dispatch: &Dispatch,
    name: String,
    changed: bool,
    locked: bool,
    back: Action,
) -> Html {
    if !changed {
        return html! {};
    }
    let name = AttrValue::from(name);
    html! {
        <button
            type="button"
            class="dot"
            aria-label={name.clone()}
            title={name}
            disabled={locked}
            onclick={on_click(dispatch, back)}
        />
    }
}
