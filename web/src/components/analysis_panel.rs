//! What each layer contributes to the accuracy, and its measurement.

use quartermeg_formats::setup::MAX_STEPS;
use web_sys::HtmlElement;
use yew::prelude::*;

use super::beside::Beside;
use super::chart_canvas::ChartCanvas;
use super::data_table::DataTable;
use super::hooks::{use_dispatch, use_size};
use super::number_field::NumberField;
use super::run_keys::{RunKeys, run_keys};
use super::select_field::SelectField;
use super::send::{committer, sender};
use crate::charts::contributions::{self, SIGNS, UPDATES};
use crate::state::analysis::MAX_SEEDS;
use crate::state::{Action, AnalysisAction, AppState, Dispatch, Shared, text};

const COLUMNS: &[&str] = &["Layer", "Bias", "1/8", "1/4", "1/2", "1"];

/// The chart with its numbers, and what runs the analysis.
#[component]
pub(super) fn AnalysisPanel(props: &Beside) -> Html {
    let state = props.state.clone();
    let dispatch = use_dispatch();
    let frame = use_node_ref();
    let (width, height) = use_size(&frame);
    let view = state.contributions().cloned();
    let n_layers = state.n_layers();
    let selected = state.selection.layer;
    let scene = use_memo(
        (view.clone(), n_layers, selected, width, height),
        |(view, n_layers, selected, width, height)| {
            let size = [*width, *height];
            Shared::new(contributions::scene(
                view.as_deref(),
                *n_layers,
                *selected,
                size,
            ))
        },
    );
    let rows = {
        let state = state.clone();
        Callback::from(move |()| state.contribution_rows())
    };
    let last = n_layers.saturating_sub(1);
    let look = {
        let dispatch = dispatch.clone();
        move |layer: Option<u32>| dispatch.dispatch(Action::SelectLayer(layer))
    };
    let onpointermove = {
        let (look, frame) = (look.clone(), frame.clone());
        move |event: PointerEvent| {
            let Some(frame) = frame.cast::<HtmlElement>() else {
                return;
            };
            let at = f64::from(event.client_x()) - frame.get_bounding_client_rect().left();
            let layer = contributions::layer_at(n_layers, width, at);
            if layer != selected {
                look(layer);
            }
        }
    };
    let onpointerleave = {
        let look = look.clone();
        move |_: PointerEvent| look(None)
    };
    let onkeydown = move |event: KeyboardEvent| {
        look(match (event.key().as_str(), selected) {
            ("ArrowLeft" | "ArrowDown", Some(layer)) => Some(layer.saturating_sub(1)),
            ("ArrowRight" | "ArrowUp", Some(layer)) => Some((layer + 1).min(last)),
            ("ArrowLeft" | "ArrowDown" | "End", _) => Some(last),
            ("ArrowRight" | "ArrowUp" | "Home", _) => Some(0),
            ("Escape", _) => None,
            _ => return,
        });
        event.prevent_default();
    };
    let said = selected.and_then(|layer| state.contribution_text(layer));
    html! {
        <section class="panel analysis" aria-labelledby="analysis-title">
            <div class="panel-head">
                <h2 id="analysis-title">{ "Contributions" }</h2>
                <p class="key note">
                    for ((name, ratio), sign) in UPDATES.into_iter().zip(SIGNS) {
                        <span>
                            <i class={sign} />
                            { if ratio > 0.0 { format!("weights {name}") } else { name.to_owned() } }
                        </span>
                    }
                </p>
            </div>
            <p class="note">{ state.contributions_note() }</p>
            <div
                class="chart"
                ref={frame}
                tabindex="0"
                role="slider"
                aria-label="Contribution of layer"
                aria-valuemin="0"
                aria-valuemax={last.to_string()}
                aria-valuenow={selected.unwrap_or(0).to_string()}
                aria-valuetext={said.clone().unwrap_or_else(|| "no layer".to_owned())}
                {onpointermove}
                {onpointerleave}
                {onkeydown}
            >
                <ChartCanvas scene={(*scene).clone()} />
            </div>
            <p class="looked-at">
                { said.unwrap_or_else(|| "Point at a column, or move with the arrow keys.".to_owned()) }
            </p>
            { measurement(&state, &dispatch) }
            if view.is_some() {
                <DataTable name="Contributions in numbers" columns={COLUMNS} {rows} />
            }
        </section>
    }
}

/// What is to be measured, how far it is, and the keys that run it.
fn measurement(state: &AppState, dispatch: &Dispatch) -> Html {
    let is_analyzing = state.is_analyzing();
    let keys = RunKeys {
        of: "Contribution analysis",
        phase: is_analyzing.then(|| state.analysis_phase()),
        has_begun: state.has_analyzed(),
        percent: Some(state.analysis_percent()),
        text: state.analysis_text(),
        note: state.analysis_note(),
        prepare: (
            "Analyse",
            state.can_analyze(),
            Action::Analysis(AnalysisAction::Prepare),
        ),
        run: Action::Analysis(AnalysisAction::Run),
        pause: Action::Analysis(AnalysisAction::Pause),
        done: Some(("Save", Action::Analysis(AnalysisAction::Save))),
        cancel: Action::Analysis(AnalysisAction::Cancel),
    };
    run_keys(dispatch, keys, fields(state, dispatch))
}

/// Seeds and steps of an analysis that is not begun yet.
fn fields(state: &AppState, dispatch: &Dispatch) -> Html {
    let seeds: Vec<(AttrValue, AttrValue)> = (1..=MAX_SEEDS)
        .map(|it| (it.to_string().into(), it.to_string().into()))
        .collect();
    let accepted = format!(
        "Give a whole number of steps from 1 to {}.",
        text::number(MAX_STEPS.into())
    );
    let set_seeds =
        |chosen: String| Action::Analysis(AnalysisAction::SetSeeds(chosen.parse().unwrap_or(1)));
    let set_steps = |steps| Action::Analysis(AnalysisAction::SetSteps(steps));
    html! {
        <>
            <SelectField
                name="Seeds"
                options={seeds}
                value={state.analysis_seeds().to_string()}
                onchoose={sender(dispatch, set_seeds)}
            />
            <NumberField
                name="Steps of a run"
                value={text::number(u64::from(state.analysis_steps()))}
                oncommit={committer([1, MAX_STEPS], accepted, sender(dispatch, set_steps))}
            />
        </>
    }
}
