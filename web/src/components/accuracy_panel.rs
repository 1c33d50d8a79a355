//! How often the network is right about samples that it never learns from.

use yew::prelude::*;

use super::chart_canvas::ChartCanvas;
use super::data_table::DataTable;
use super::hooks::{use_app, use_size};
use crate::charts::accuracy;
use crate::state::{Shared, text};

const COLUMNS: &[&str] = &["Step", "Accuracy", "Right", "Of"];

/// The accuracy over the steps.
#[component]
pub(super) fn AccuracyPanel() -> Html {
    let state = use_app();
    let frame = use_node_ref();
    let (width, height) = use_size(&frame);
    let stop_after = state.setup().stop_after;
    let a = state.runs.a();
    // The axis is that of the loss, whose newest step it has to hold.
    let last_step = state.losses.points().last().map_or(0, |point| point.0);
    let scene = use_memo(
        (
            state.accuracies.clone(),
            a.cloned(),
            last_step,
            stop_after,
            width,
            height,
        ),
        |(accuracies, a, last_step, stop_after, width, height)| {
            Shared::new(accuracy::scene(
                accuracies,
                a.as_deref(),
                *last_step,
                *stop_after,
                *width,
                *height,
            ))
        },
    );
    let mut label = match state.accuracy() {
        Some(_) => format!(
            "Accuracy over the steps; it is now {}.",
            state.accuracy_text()
        ),
        None => "Accuracy over the steps; it has not been measured yet.".to_owned(),
    };
    if a.is_some() {
        label.push_str(" Dashed: run A.");
    }
    let rows = {
        let accuracies = state.accuracies.clone();
        Callback::from(move |()| {
            accuracies
                .iter()
                .map(|point| {
                    vec![
                        text::number(u64::from(point.step)),
                        text::percent(point.share()),
                        text::number(u64::from(point.correct)),
                        text::number(u64::from(point.total)),
                    ]
                })
                .collect()
        })
    };
    html! {
        <section class="panel accuracy" aria-labelledby="accuracy-title">
            <div class="panel-head">
                <h2 id="accuracy-title">{ "Accuracy" }</h2>
                <p class="key note">
                    if a.is_some() {
                        <span><i class="line dashed" />{ "run A" }</span>
                    }
                    <span>{ state.samples_text() }</span>
                </p>
            </div>
            <div class="chart" ref={frame}>
                <ChartCanvas scene={(*scene).clone()} {label} />
            </div>
            <DataTable
                name="Accuracy in numbers"
                columns={COLUMNS}
                {rows}
            />
        </section>
    }
}
