//! Two runs side by side: curves, numbers, maps.

use quartermeg_formats::runs::Run;
use yew::prelude::*;

use super::compared_chart::{ComparedChart, Drawing};
use super::data_table::table;
use crate::state::runs::{changed, facts};
use crate::state::{AppState, Shared, text};

const COLUMNS: &[&str] = &["Of the run", "A", "B", "B \u{2212} A"];

/// A, which is pinned, and B, which is another run or the live one.
pub(super) fn comparison(state: &AppState, a: &Shared<Run>, live: Run) -> Html {
    let beside = state.runs.beside.and_then(|id| state.runs.get(id));
    let b = beside.cloned().unwrap_or_else(|| Shared::new(live));
    let plans = state.compared_plans();
    let picture = |drawing: Drawing, label: String| {
        html! { <ComparedChart {drawing} {label} /> }
    };
    // Each map has the outline of the other.
    let maps = [["A", "B"], ["B", "A"]].into_iter().enumerate();
    let maps = maps.map(|(at, [name, other_name])| {
        let other = plans[1 - at].as_ref().ok().cloned();
        let (caption, map) = match &plans[at] {
            Ok(plan) => {
                let bytes = text::bytes(u64::from(plan.arena_bytes));
                let caption =
                    format!("Memory of {name}: {bytes}. Outline: what is live in {other_name}.");
                let map = picture(Drawing::Map(plan.clone(), other), caption.clone());
                (caption, map)
            }
            Err(reason) => (format!("Memory of {name}: {reason}"), html! {}),
        };
        html! { <figure><figcaption class="note">{ caption }</figcaption>{ map }</figure> }
    });
    let live = if beside.is_some() {
        ""
    } else {
        ", the live run"
    };
    let name_of_b = format!("B: {}{live}", b.title());
    html! {
        <section class="comparison" aria-labelledby="comparison-title">
            <h3 id="comparison-title">{ "A and B" }</h3>
            <p class="key note">
                for (line, name) in [("line dashed", format!("A: {}", a.title())), ("line", name_of_b)] {
                    <span><i class={line} />{ name }</span>
                }
            </p>
            <p>{ format!("From A to B: {}.", changed(a, &b)) }</p>
            <div class="side-by-side">
                { picture(
                    Drawing::Curves(a.clone(), b.clone()),
                    "Accuracy and smoothed loss over the steps: A dashed, B solid.".to_owned(),
                ) }
                { table(&"Difference".into(), COLUMNS, facts(a, &b), None) }
                { for maps }
            </div>
        </section>
    }
}
