//! A number on the transport bar.

use yew::prelude::*;

/// Properties of [`Readout`].
#[derive(Properties, PartialEq)]
pub(super) struct ReadoutProps {
    /// Its name.
    pub name: AttrValue,
    /// Its value, ready to be read.
    pub value: AttrValue,
    /// What the value is measured against.
    #[prop_or_default]
    pub context: AttrValue,
    /// Class that fixes its width.
    pub class: &'static str,
    /// Whether the value is alarming.
    #[prop_or_default]
    pub alarming: bool,
}

/// A labelled number, what stands in parentheses being less important. It is not announced as it changes: that would never end.
#[component]
pub(super) fn Readout(props: &ReadoutProps) -> Html {
    let name = &props.name;
    let (value, detail) = match props.value.split_once(" (") {
        Some((value, detail)) => (value, Some(format!(" ({detail}"))),
        None => (&*props.value, None),
    };
    html! {
        <div class={classes!("readout", props.class, props.alarming.then_some("alarming"))}>
            <span class="label" aria-hidden="true">{ name }</span>
            <output class="number" aria-label={name} aria-live="off">
                { value }
                if let Some(detail) = detail {
                    <span class="detail">{ detail }</span>
                }
            </output>
            if !props.context.is_empty() {
                <span class="label context">{ &props.context }</span>
            }
        </div>
    }
}
