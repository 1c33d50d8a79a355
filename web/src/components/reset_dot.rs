//! The dot beside a setting that is not what it was at first.

use yew::prelude::*;

/// Properties of [`ResetDot`].
#[derive(Properties, PartialEq)]
pub(super) struct ResetDotProps {
    /// Name of the setting.
    pub name: AttrValue,
    /// Whether it differs from the default.
    pub changed: bool,
    /// Whether it may not be changed.
    #[prop_or_default]
    pub locked: bool,
    /// Brings the default back.
    pub onreset: Callback<()>,
}

/// A dot that brings the default back; nothing where nothing was changed.
#[component]
pub(super) fn ResetDot(props: &ResetDotProps) -> Html {
    if !props.changed {
        return html! {};
    }
    let onclick = props.onreset.reform(|_: MouseEvent| ());
    let name = format!("{} back to default", props.name);
    html! {
        <button
            type="button"
            class="dot"
            aria-label={name.clone()}
            title={name}
            disabled={props.locked}
            {onclick}
        />
    }
}
