//! The layers and what the policy does with each, grouped by block.

use quartermeg_core::policy::Policy;
use yew::prelude::*;

use super::layer_row::LayerRow;
use crate::protocol::{LayerView, PlanView};
use crate::state::Shared;

/// Properties of [`LayerList`].
#[derive(Properties, PartialEq)]
pub(super) struct LayerListProps {
    /// The compiled plan, which knows the layers.
    pub plan: Shared<PlanView>,
    /// The chosen policy.
    pub policy: Policy,
    /// The policy of the scenario.
    pub default: Policy,
    /// Whether a link fixed the policy.
    pub locked: bool,
    /// The layer that is pointed at.
    pub selected: Option<u32>,
}

/// One group a block, one row a layer.
#[component]
pub(super) fn LayerList(props: &LayerListProps) -> Html {
    html! {
        <div
            class="layers"
            role="group"
            aria-label="Layers"
            tabindex={props.locked.then_some("0")}
        >
            for (block, first, layers) in blocks(&props.plan.layers) {
                <section key={first}>
                    <h3 class="block-name">{ block }</h3>
                    <ul>
                        for (index, layer) in (first..).zip(layers) {
                            <LayerRow
                                key={index}
                                {index}
                                name={layer.name.clone()}
                                shape={layer.shape.clone()}
                                update={props.policy.layers.get(index).copied().unwrap_or_default()}
                                recompute={props.policy.recompute.contains(&index)}
                                recomputable={layer.recomputable}
                                default={props.default.layers.get(index).copied().unwrap_or_default()}
                                locked={props.locked}
                                selected={props.selected.is_some_and(|it| it as usize == index)}
                            />
                        }
                    </ul>
                </section>
            }
        </div>
    }
}

/// The part of a layer's name before the dot.
fn block_of(layer: &LayerView) -> &str {
    layer
        .name
        .split_once('.')
        .map_or(layer.name.as_str(), |(block, _)| block)
}

/// Neighbours of one block, with the index of the first.
fn blocks(layers: &[LayerView]) -> Vec<(&str, usize, &[LayerView])> {
    let mut first = 0;
    layers
        .chunk_by(|a, b| block_of(a) == block_of(b))
        .map(|chunk| {
            let start = first;
            first += chunk.len();
            (chunk.first().map_or("", block_of), start, chunk)
        })
        .collect()
}
