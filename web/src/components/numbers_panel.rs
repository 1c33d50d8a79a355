//! The tensors in numbers, for those who read the map by ear or by byte.

use yew::prelude::*;

use super::layer_row::show_layer;
use super::map_table::MapTable;
use crate::protocol::{LiveView, PlanView};
use crate::state::{Action, AppState, Dispatch, text};

/// The table of the plan, which can be folded away.
pub(super) fn numbers_panel(state: &AppState, dispatch: &Dispatch) -> Html {
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
            { why_this_peak(&plan, dispatch) }
            <details open={true}>
                <summary>{ "Addresses in bytes from the start of the block; operations count from 1" }</summary>
                <MapTable {plan} />
            </details>
        </section>
    }
}

/// What is live at the peak, with its share.
fn why_this_peak(plan: &PlanView, dispatch: &Dispatch) -> Html {
    let at = plan.peak_op as usize;
    let (Some(op), Some(&live)) = (plan.ops.get(at), plan.live_bytes.get(at)) else {
        return html! {};
    };
    if plan.peak_tensors.is_empty() {
        return html! {};
    }
    #[expect(clippy::cast_precision_loss, reason = "a share of three digits")]
    let share = |bytes: u32| text::percent(bytes as f32 / live as f32);
    html! {
        <details class="why">
            <summary>
                { format!(
                    "Why this peak: {} are live during operation {} ({})",
                    text::bytes(u64::from(live)),
                    at + 1,
                    op.name,
                ) }
            </summary>
            <div class="scroll" role="region" aria-label="What is live at the peak" tabindex="0">
                <table aria-label="Live at the peak">
                    <thead>
                        <tr>
                            <th scope="col">{ "Tensor" }</th>
                            <th scope="col" class="number">{ "Bytes" }</th>
                            <th scope="col" class="number">{ "Share" }</th>
                            <th scope="col">{ "Role" }</th>
                            <th scope="col">{ "Because" }</th>
                        </tr>
                    </thead>
                    <tbody>
                        for tensor in &plan.peak_tensors {
                            <tr>
                                <th scope="row">{ &tensor.name }</th>
                                <td class="number">{ text::number(u64::from(tensor.bytes)) }</td>
                                <td class="number">{ share(tensor.bytes) }</td>
                                <td>{ &tensor.role }</td>
                                <td>{ because(tensor, plan, dispatch) }</td>
                            </tr>
                        }
                    </tbody>
                </table>
            </div>
        </details>
    }
}

/// Why a tensor is there, with a way to each entry of the policy that is meant.
fn because(tensor: &LiveView, plan: &PlanView, dispatch: &Dispatch) -> Html {
    let layers = tensor.layers.iter().filter_map(|&layer| {
        let name = &plan.layers.get(layer as usize)?.name;
        let dispatch = dispatch.clone();
        let onclick = move |_: MouseEvent| {
            dispatch.dispatch(Action::SelectLayer(Some(layer)));
            show_layer(layer);
        };
        let label = AttrValue::from(format!("Layer {layer} of the policy: {name}"));
        Some(html! {
            <button type="button" class="link" aria-label={label.clone()} title={label} {onclick}>
                { format!("layer {layer}") }
            </button>
        })
    });
    html! {
        <>
            { &tensor.because }
            for layer in layers {
                <>{ " " }{ layer }</>
            }
        </>
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
