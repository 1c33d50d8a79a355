//! What each pass of the compiler saves, and its switch.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::term::Term;
use crate::state::{Action, AppState, Dispatch, PassRow};

/// What each pass does, in the order of the bars.
const MEANINGS: [&str; 7] = [
    "The step as differentiation writes it: gradients and masks of everything, each gradient of a \
     parameter a tensor of its own, and the updates at the end.",
    "Gradients and masks that nothing that learns needs are left out.",
    "A parameter is updated as soon as its gradient exists and its old value is not needed any more.",
    "The gradient of a parameter is formed tile by tile by its update, and never exists as a whole.",
    "An operation’s output takes the place of an input that is not needed any more.",
    "Frozen layers run together, keeping only the rows that the next one reads.",
    "The backward pass of a block goes a few hidden channels at a time, so that the gradients of the \
     expanded activations never exist as a whole. Only with reorder and fuse.",
];

/// Bars from the largest to the smallest, folded away below the map; nothing before the sizes are
/// known.
pub(super) fn waterfall(state: &AppState, dispatch: &Dispatch) -> Html {
    let Some(waterfall) = state.waterfall() else {
        return html! {};
    };
    let stale = state.passes.stale.then_some("stale");
    let left_out = state.passes.left_out;
    let budget = waterfall
        .budget
        .map(|at| format!("left: {:.3}%", 100.0 * at));
    let is_over = state.overflow().is_some();
    html! {
        <details class={classes!("waterfall", stale)}>
            <summary>{ waterfall.summary }</summary>
            <ul aria-label="What each pass of the compiler saves">
                for (row, meaning) in waterfall.rows.iter().zip(MEANINGS) {
                    { bar(row, meaning, left_out, budget.as_ref(), dispatch) }
                }
            </ul>
            <p class="note">
                if budget.is_some() {
                    <i class={classes!("budget-mark", is_over.then_some("alarming"))} aria-hidden="true" />
                    { format!("budget {}. ", state.budget_text()) }
                }
                { "A pass that is switched off is left out on the map only: what trains and is exported \
                   has all of them, and the weights come out the same, bit for bit." }
            </p>
        </details>
    }
}

fn bar(
    row: &PassRow,
    meaning: &'static str,
    left_out: u8,
    budget: Option<&String>,
    dispatch: &Dispatch,
) -> Html {
    let width = |share: f64| format!("width: {:.3}%", 100.0 * share);
    let name = match row.pass {
        None => html! { <span class="pass-name"><Term text={row.name} {meaning} /></span> },
        Some(pass) => {
            let dispatch = dispatch.clone();
            let onchange = move |event: Event| {
                let input: HtmlInputElement = event.target_unchecked_into();
                let bit = 1 << pass;
                dispatch.dispatch(Action::LeaveOut(if input.checked() {
                    left_out & !bit
                } else {
                    left_out | bit
                }));
            };
            html! {
                <span class="pass-name">
                    <input type="checkbox" aria-label={row.name} checked={row.at_work} {onchange} />
                    <Term text={row.name} {meaning} />
                </span>
            }
        }
    };
    html! {
        <li class={classes!("pass", (!row.at_work).then_some("off"))}>
            { name }
            <span class="track" aria-hidden="true">
                <i class="spared" style={width(row.before)} />
                <i class="needed" style={width(row.share)} />
                if let Some(at) = budget {
                    <i class="budget-line" style={at.clone()} />
                }
            </span>
            <span class="pass-bytes number">{ &row.bytes }</span>
            <span class="pass-saved number">{ if row.at_work { row.saved.as_str() } else { "off" } }</span>
        </li>
    }
}
