//! The name of a field.

use yew::prelude::*;

use super::term::Term;

/// A label; or, since a label cannot hold a button, a word that explains itself, and then the
/// field bears its name too.
pub(super) fn field_name(id: &AttrValue, name: &'static str, help: &'static str) -> Html {
    if help.is_empty() {
        return html! { <label for={id} class="label">{ name }</label> };
    }
    html! {
        <span class="label"><Term text={name} meaning={help} /></span>
    }
}
