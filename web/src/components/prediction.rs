//! What the network takes an input for.

use yew::prelude::*;

use crate::state::{Shared, text};

/// Properties of [`Prediction`].
#[derive(Properties, PartialEq)]
pub(super) struct PredictionProps {
    /// Names of the classes.
    pub names: Vec<String>,
    /// One probability a class; none where nothing was asked.
    pub probabilities: Option<Shared<Vec<f32>>>,
    /// The most probable class.
    pub best: Option<usize>,
}

/// One bar a class.
#[component]
pub(super) fn Prediction(props: &PredictionProps) -> Html {
    let share_of = |class: usize| {
        props
            .probabilities
            .as_ref()
            .and_then(|all| all.get(class))
            .copied()
    };
    html! {
        <ol class="prediction" aria-label="Prediction">
            for (class, name) in props.names.iter().enumerate() {
                <li key={class} class={(props.best == Some(class)).then_some("best")}>
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
