//! What the network takes an input for.

use yew::prelude::*;

use crate::state::{AppState, text};

/// One bar a class of `names`, without a length where nothing was asked.
pub(super) fn prediction(state: &AppState, names: &[String]) -> Html {
    let best = state.predicted_class().map(|(class, _)| class);
    let share_of = |class: usize| state.prediction.as_ref()?.get(class).copied();
    html! {
        <ol class="prediction" aria-label="Prediction">
            for (class, name) in names.iter().enumerate() {
                <li key={class} class={(best == Some(class)).then_some("best")}>
                    <span class="class-name">{ name }</span>
                    <span class="bar" aria-hidden="true">
                        <span style={format!("width: {}%", 100.0 * share_of(class).unwrap_or(0.0))} />
                    </span>
                    <span class="number">
                        { share_of(class).map_or_else(|| text::UNKNOWN.to_owned(), text::percent) }
                    </span>
                </li>
            }
        </ol>
    }
}
