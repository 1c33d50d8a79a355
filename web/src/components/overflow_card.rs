//! Where a step ends because the plan does not fit the budget, and what helps.

use yew::prelude::*;

use super::send::on_click;
use crate::protocol::{FixView, OverflowView};
use crate::state::{Action, AppState, Dispatch, text};

/// The operation, the tensor, the bytes that are missing, and the cheapest changes; nothing where
/// the plan fits.
pub(super) fn overflow_card(state: &AppState, dispatch: &Dispatch) -> Html {
    let (Some(found), Some(op)) = (state.overflow(), state.overflow_op()) else {
        return html! {};
    };
    let bytes = |value: u32| text::bytes(u64::from(value));
    let look = {
        let (dispatch, op) = (dispatch.clone(), found.op);
        move |_: MouseEvent| {
            dispatch.dispatch(Action::LeaveOut(0));
            dispatch.dispatch(Action::SelectOp(Some(op)));
        }
    };
    let locked = state.is_locked("policy");
    html! {
        <section class="overflow" aria-label="Out of memory">
            <p>
                <b>{ "Out of memory at " }</b>
                <button type="button" class="link" onclick={look}>{ op }</button>
                { format!(
                    ": {} needs {}, the largest hole that can be left is {}, so {} are missing. \
                     The whole step lacks {}.",
                    found.tensor,
                    bytes(found.tensor_bytes),
                    bytes(found.hole_bytes),
                    bytes(found.missing_bytes),
                    bytes(state.missing_bytes()),
                ) }
            </p>
            <p class="note" aria-live="polite">{ progress(found) }</p>
            if !found.fixes.is_empty() {
                <ul class="fixes" aria-label="The cheapest changes that fit">
                    for fix in &found.fixes {
                        { entry(fix, state, locked, dispatch) }
                    }
                </ul>
            }
        </section>
    }
}

/// How far the search is.
fn progress(found: &OverflowView) -> String {
    let [tried, waiting] = found.progress;
    if let Some(least) = found.least_bytes {
        return format!(
            "No policy fits: learning the classifier alone needs {}.",
            text::bytes(u64::from(least))
        );
    }
    let tried_text = text::count(tried, "change was", "changes were");
    if !found.is_done {
        return format!(
            "Looking for the two cheapest changes that fit: {tried_text} tried, {} wait.",
            text::number(u64::from(waiting))
        );
    }
    if found.fixes.is_empty() {
        return format!("{tried_text} tried; none fits. Choose a larger device.");
    }
    format!("The changes that fit and cost the fewest parameters; {tried_text} tried.")
}

fn entry(fix: &FixView, state: &AppState, locked: bool, dispatch: &Dispatch) -> Html {
    let needed = state.plan().map_or(0, |plan| plan.arena_bytes);
    let name = AttrValue::from(format!("Apply: {}", fix.text));
    html! {
        <li>
            <span>
                { &fix.text }
                <span class="note">
                    { format!(
                        " needs {}, {} less; {} learn no more",
                        text::bytes(u64::from(fix.arena_bytes)),
                        text::bytes(u64::from(needed.saturating_sub(fix.arena_bytes))),
                        text::count(
                            u32::try_from(fix.lost_parameters).unwrap_or(u32::MAX),
                            "parameter",
                            "parameters",
                        ),
                    ) }
                </span>
            </span>
            <button
                type="button"
                class="button small"
                aria-label={name}
                disabled={locked}
                onclick={on_click(dispatch, Action::SetPolicy(fix.policy.clone()))}
            >
                { "Apply" }
            </button>
        </li>
    }
}
