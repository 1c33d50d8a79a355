//! The card below the map: one operation and one tensor in numbers.

use yew::prelude::*;

use super::legend::role_name;
use super::swatch::Swatch;
use crate::protocol::PlanView;
use crate::state::{Selection, Shared, text};

/// Properties of [`Inspector`].
#[derive(Properties, PartialEq)]
pub(super) struct InspectorProps {
    /// The plan on the map.
    pub plan: Shared<PlanView>,
    /// What is looked at.
    pub selection: Selection,
    /// Whether it is pinned.
    pub pinned: bool,
    /// Id, for the description of the map.
    pub id: AttrValue,
}

/// A card of constant height.
#[component]
pub(super) fn Inspector(props: &InspectorProps) -> Html {
    let plan = &props.plan;
    let Some(op_index) = props.selection.op else {
        return hint(plan, &props.id);
    };
    let op = plan.ops.get(op_index as usize);
    let live = plan
        .live_bytes
        .get(op_index as usize)
        .copied()
        .unwrap_or_default();
    let tensor = props
        .selection
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
        <div class="inspector" id={&props.id} aria-live="polite">
            <p class="inspected-op">
                <b>{ format!("Operation {}: ", op_index + 1) }{ op.map_or("", |op| &op.name) }</b>
                <span class="note">
                    { format!(" {} live", text::bytes(u64::from(live))) }
                    if props.pinned { { " · pinned" } }
                </span>
            </p>
            if let Some(tensor) = tensor {
                <p class="inspected-tensor">
                    <Swatch role={tensor.role} />
                    <b>{ &tensor.name }</b>
                    <span class="note">{ format!("{}, {}", role_name(tensor.role), tensor.layout) }</span>
                </p>
                <dl class="facts">
                    <Fact name="Size" value={text::bytes(u64::from(tensor.size_bytes))} />
                    <Fact
                        name="Addresses"
                        value={format!(
                            "[{}, {})",
                            text::number(u64::from(tensor.offset)),
                            text::number(u64::from(tensor.offset) + u64::from(tensor.size_bytes)),
                        )}
                    />
                    <Fact name="Born" value={op_name(tensor.first_op)} />
                    <Fact name="Dies" value={op_name(tensor.last_op)} />
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

#[derive(Properties, PartialEq)]
struct FactProps {
    name: &'static str,
    value: AttrValue,
}

#[component]
fn Fact(props: &FactProps) -> Html {
    html! {
        <div class="fact">
            <dt class="label">{ props.name }</dt>
            <dd class="number" title={&props.value}>{ &props.value }</dd>
        </div>
    }
}
