//! A number on the transport bar.

use yew::prelude::*;

/// What is shown of a number.
pub(super) struct Readout {
    /// Its name.
    pub name: &'static str,
    /// Class that fixes its width.
    pub class: &'static str,
    /// Its value, ready to be read.
    pub value: String,
    /// What the value is measured against.
    pub context: String,
    /// Whether the value is alarming.
    pub alarming: bool,
}

/// A labelled number, what stands in parentheses being less important. It is not announced as it changes: that would never end.
pub(super) fn readout(readout: Readout) -> Html {
    let Readout {
        name,
        class,
        value,
        context,
        alarming,
    } = readout;
    let (value, detail) = match value.split_once(" (") {
        Some((value, detail)) => (value.to_owned(), Some(format!(" ({detail}"))),
        None => (value, None),
    };
    html! {
        <div class={classes!("readout", class, alarming.then_some("alarming"))}>
            <span class="label" aria-hidden="true">{ name }</span>
            <output class="number" aria-label={name} aria-live="off">
                { value }
                if let Some(detail) = detail {
                    <span class="detail">{ detail }</span>
                }
            </output>
            if !context.is_empty() {
                <span class="label context">{ context }</span>
            }
        </div>
    }
}
