//! The card below the map: one operation and one tensor in numbers.

use yew::prelude::*;

use super::legend::role_name;
use super::swatch::swatch;
use crate::protocol::PlanView;
use crate::state::{Selection, text};

/// A card of constant height for what is looked at, `pinned` or not. Its `id` is for the description
/// of the map.
pub(super) fn inspector(
    plan: &PlanView,
    selection: Selection,
    pinned: bool,
    id: &AttrValue,
) -> Html {
    let Some(op_index) = selection.op else {
        return hint(plan, id);
    };
    let op = plan.ops.get(op_index as usize);
    let live = plan
        .live_bytes
        .get(op_index as usize)
        .copied()
        .unwrap_or_default();
    let tensor = selection
        .tensor
        .and_then(|tensor| plan.tensors.get(tensor as usize));
    let op_name = |index: u32| {
        let name = plan
            .ops
            .get(index as usize)
            .map_or("", |op| op.name.as_str());
        format!("{} ({name})", index + 1)
    };
    html! {
        <div class="inspector" id={id} aria-live="polite">
            <p class="inspected-op">
                <b>{ format!("Operation {}: ", op_index + 1) }{ op.map_or("", |op| &op.name) }</b>
                <span class="note">
                    { format!(" {} live", text::bytes(u64::from(live))) }
                    if pinned { { " · pinned" } }
                </span>
            </p>
            if let Some(tensor) = tensor {
                <p class="inspected-tensor">
                    { swatch(tensor.role) }
                    <b>{ &tensor.name }</b>
                    <span class="note">{ format!("{}, {}", role_name(tensor.role), tensor.layout) }</span>
                </p>
                <dl class="facts">
                    { fact("Size", text::bytes(u64::from(tensor.size_bytes))) }
                    { fact(
                        "Addresses",
                        format!(
                            "[{}, {})",
                            text::number(u64::from(tensor.offset)),
                            text::number(u64::from(tensor.offset) + u64::from(tensor.size_bytes)),
                        ),
                    ) }
                    { fact("Born", op_name(tensor.first_op)) }
                    { fact("Dies", op_name(tensor.last_op)) }
                </dl>
            } else {
                <p class="note">{ op.map_or("", |op| &op.help) }</p>
            }
        </div>
    }
}

/// What stands there before anything is looked at.
fn hint(plan: &PlanView, id: &AttrValue) -> Html {
    let peak = plan.peak_op as usize;
    let live = plan.live_bytes.get(peak).copied().unwrap_or_default();
    let name = plan.ops.get(peak).map_or("", |op| op.name.as_str());
    html! {
        <div class="inspector" {id}>
            <p>
                { "Most is live during operation " }
                <b>{ format!("{} ({name})", peak + 1) }</b>
                { format!(": {}.", text::bytes(u64::from(live))) }
            </p>
            <p class="note">
                { "Point at a tensor or touch it, or focus the map and use the arrow keys: left and right walk \
                   through the operations, up and down through the tensors; Enter pins, Escape \
                   frees." }
            </p>
        </div>
    }
}

fn fact(name: &'static str, value: String) -> Html {
    let value = AttrValue::from(value);
    html! {
        <div class="fact">
            <dt class="label">{ name }</dt>
            <dd class="number" title={&value}>{ value }</dd>
        </div>
    }
}
