//! The tensors in numbers, for those who read the map by ear or by byte.

use yew::prelude::*;

use super::map_table::MapTable;
use crate::protocol::PlanView;
use crate::state::{AppState, text};

/// The table of the plan, which can be folded away.
pub(super) fn numbers_panel(state: &AppState) -> Html {
    let Some(plan) = state.shown_plan().cloned() else {
        return html! {};
    };
    let facts = match state.imported {
        Some(_) => state.imported_text(),
        None => facts(&plan),
    };
    html! {
        <section class="panel numbers" aria-labelledby="numbers-title">
            <h2 id="numbers-title">{ "Every tensor in numbers" }</h2>
            <p class="note">{ facts }</p>
            <details open={true}>
                <summary>{ "Addresses in bytes from the start of the block; operations count from 1" }</summary>
                <MapTable {plan} />
            </details>
        </section>
    }
}

fn facts(plan: &PlanView) -> String {
    format!(
        "Arena {}, of which {} keep their contents; no placement needs less than {}. \
         The call stack is not part of it and not counted. \
         Flash {}. {} multiply-accumulates a step, {} of them forward.",
        text::bytes(u64::from(plan.arena_bytes)),
        text::bytes(u64::from(plan.persistent_bytes)),
        text::bytes(u64::from(plan.lower_bound_bytes)),
        text::bytes(u64::from(plan.flash_bytes)),
        text::number(plan.macs_step),
        text::number(plan.macs_forward),
    )
}
