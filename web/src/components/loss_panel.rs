//! How wrong the network is, step by step.

use yew::prelude::*;

use super::chart_canvas::ChartCanvas;
use super::data_table::DataTable;
use super::hooks::{use_app, use_size};
use crate::charts::loss;
use crate::state::{Shared, text};

/// Rows of the table.
const ROWS: usize = 20;
const COLUMNS: &[&str] = &["Step", "Loss", "Smoothed"];

/// The loss over the steps.
#[component]
pub(super) fn LossPanel() -> Html {
    let state = use_app();
    let frame = use_node_ref();
    let (width, height) = use_size(&frame);
    let stop_after = state.setup().stop_after;
    let a = state.runs.a();
    let scene = use_memo(
        (state.losses.clone(), a.cloned(), stop_after, width, height),
        |(losses, a, stop_after, width, height)| {
            let (points, a) = (losses.points(), a.as_deref());
            Shared::new(loss::scene(points, a, *stop_after, *width, *height))
        },
    );
    let newest = loss::newest_smoothed(state.losses.points());
    #[expect(clippy::cast_possible_truncation, reason = "a number to be written")]
    let smoothed = newest.map(|loss| text::loss(loss as f32));
    let mut label = match &smoothed {
        Some(smoothed) => format!(
            "Loss over {}; the smoothed loss is now {smoothed}.",
            text::count(state.step, "step", "steps"),
        ),
        None => "Loss over the steps; no step has finished yet.".to_owned(),
    };
    if a.is_some() {
        label.push_str(" Dashed: run A.");
    }
    let rows = {
        let losses = state.losses.clone();
        Callback::from(move |()| {
            let row = |(step, raw, smooth): (u32, f32, f64)| {
                #[expect(clippy::cast_possible_truncation, reason = "a number to be written")]
                let smooth = text::loss(smooth as f32);
                vec![text::number(u64::from(step)), text::loss(raw), smooth]
            };
            loss::samples(losses.points(), ROWS)
                .into_iter()
                .map(row)
                .collect()
        })
    };
    html! {
        <section class="panel loss" aria-labelledby="loss-title">
            <div class="panel-head">
                <h2 id="loss-title">{ "Training loss" }</h2>
                <p class="key note">
                    if a.is_some() {
                        <span><i class="line dashed" />{ "run A" }</span>
                    }
                    <span><i class="line faint" />{ "each sample" }</span>
                    <span>
                        <i class="line" />{ "smoothed" }
                        if let Some(smoothed) = smoothed {
                            <b class="number">{ smoothed }</b>
                        }
                    </span>
                </p>
            </div>
            <div class="chart" ref={frame}>
                <ChartCanvas scene={(*scene).clone()} {label} />
            </div>
            <DataTable name="Loss in numbers" columns={COLUMNS} {rows} />
        </section>
    }
}
