//! What quantization-aware scaling is for.

use yew::prelude::*;

use super::chart_canvas::ChartCanvas;
use super::data_table::DataTable;
use super::glossary::Entry;
use super::hooks::{use_app, use_size};
use super::term::Term;
use crate::charts::qas;
use crate::state::{Shared, text};

const COLUMNS: &[&str] = &[
    "Tensor",
    "Float",
    "int8",
    "int8 with QAS",
    "Elements that moved",
];

/// Weights against gradients, tensor by tensor.
#[component]
pub(super) fn QasPanel() -> Html {
    let state = use_app();
    let frame = use_node_ref();
    let (width, height) = use_size(&frame);
    let scene = use_memo(
        (state.updates.clone(), width, height),
        |(updates, width, height)| Shared::new(qas::scene(updates, *width, *height)),
    );
    let label = format!(
        "Natural logarithm of weights over gradients for {} in three units: float network, int8 as \
         it comes, int8 with QAS.",
        text::count(
            u32::try_from(state.updates.len()).unwrap_or(u32::MAX),
            "updated tensor",
            "updated tensors",
        ),
    );
    let rows = {
        let updates = state.updates.clone();
        Callback::from(move |()| {
            let [weights, biases] = qas::columns(&updates);
            weights
                .into_iter()
                .chain(biases)
                .map(|update| {
                    let mut cells = vec![update.name.clone()];
                    cells.extend(qas::row(update));
                    cells.push(format!(
                        "{} of {}",
                        text::number(u64::from(update.n_moved)),
                        text::number(u64::from(update.n_elements)),
                    ));
                    cells
                })
                .collect()
        })
    };
    html! {
        <section class="panel qas" aria-labelledby="qas-title">
            <div class="panel-head">
                <h2 id="qas-title"><Term entry={Entry::Qas} text="QAS" />{ ": weights over gradients" }</h2>
                <p class="key note">
                    for ((name, _), shape) in qas::KINDS.into_iter().zip(["ring", "diamond", "disc"]) {
                        <span><i class={shape} />{ name }</span>
                    }
                </p>
            </div>
            <div class="chart" ref={frame}>
                <ChartCanvas scene={(*scene).clone()} {label} />
            </div>
            <div class="foot">
            <details class="data">
                <summary>{ "Why ring and disc nearly coincide" }</summary>
                <p class="note">
                    { "They do so by construction. In int8, a weight is W/s and its gradient s·G, \
                       with the scale s of its channel; so |W|/|G| is off by 1/s². QAS multiplies \
                       the gradient by 1/s² and thereby brings the ratio back to that of the float \
                       network; what is left is rounding. Tensors that the policy freezes have no \
                       gradient and are absent." }
                </p>
            </details>
            <DataTable
                name="Weights against gradients in numbers"
                columns={COLUMNS}
                {rows}
            />
            </div>
        </section>
    }
}
