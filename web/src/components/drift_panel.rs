//! A world that changes under the learners: what each forgets and recovers.

use yew::prelude::*;

use super::beside::Beside;
use super::chart_canvas::ChartCanvas;
use super::data_table::table;
use super::hooks::{use_dispatch, use_size};
use super::motion_plot::motion_plot;
use super::number_field::NumberField;
use super::run_keys::{RunKeys, run_keys};
use super::select_field::SelectField;
use super::send::{committer, sender};
use super::thumb::Thumb;
use crate::charts::drift;
use crate::protocol::{ChangeKind, SampleData};
use crate::state::drift::{MAX_SEEDS, MAX_STEPS, Preview, Shown};
use crate::state::{Action, AppState, Dispatch, DriftAction, Shared, text};

const WHAT: &str = "Each way of learning first learns in the world as it is, then in a changed one (a \
    distribution shift). Recovery is what comes back in the changed world; forgetting is what is \
    lost in the one before. All have the bytes of the same board.";

const COLUMNS: &[&str] = &[
    "Learner",
    "Before the change",
    "Right after",
    "At the end",
    "Recovery, points",
    "World before, at the end",
    "Change there, points",
    "Planned bytes",
    "Fits",
];

/// What is to change, the runs, their chart and their numbers.
#[component]
pub(super) fn DriftPanel(props: &Beside) -> Html {
    let state = props.state.clone();
    let dispatch = use_dispatch();
    let frame = use_node_ref();
    let (width, height) = use_size(&frame);
    let scene = use_memo(
        (
            state.drift.curves.clone(),
            state.drift_fits(),
            state.shown_drift_steps(),
            width,
            height,
        ),
        |(curves, fits, steps, width, height)| {
            let curves = curves.as_deref().map_or(&[][..], Vec::as_slice);
            Shared::new(drift::scene(curves, fits, *steps, [*width, *height]))
        },
    );
    {
        let dispatch = dispatch.clone();
        use_effect_with(state.unshown_drift(), move |unshown| {
            if unshown.is_some() {
                dispatch.dispatch(Action::Drift(DriftAction::Show));
            }
        });
    }
    let result = state.drift_result();
    let label = match &result {
        Some(result) => format!("Accuracy over the steps. {result}"),
        None => "Accuracy over the steps; not every learner has been run yet.".to_owned(),
    };
    let rows = state.drift_rows();
    html! {
        <section class="panel drift" aria-labelledby="drift-title">
            <div class="panel-head">
                <h2 id="drift-title">{ "Drift" }</h2>
            </div>
            <p class="note">{ WHAT }</p>
            { runs(&state, &dispatch) }
            if let Some(sentence) = &state.drift.refusal {
                <p class="error" role="alert">{ sentence }</p>
            }
            if let Some(preview) = &state.drift.preview {
                { worlds(&state, preview) }
            }
            <div class="chart" ref={frame}>
                <ChartCanvas scene={(*scene).clone()} {label} />
            </div>
            <p class="result" role="status" aria-label="Result of the drift">{ result }</p>
            if !rows.is_empty() {
                <div class="scroll" role="region" aria-label="Drift in numbers" tabindex="0">
                    { table(&"Drift".into(), COLUMNS, rows, None) }
                </div>
            }
        </section>
    }
}

/// What is to be run, how far it is, and the keys that run it.
fn runs(state: &AppState, dispatch: &Dispatch) -> Html {
    let keys = RunKeys {
        of: "Runs of the drift",
        phase: state.is_drifting().then(|| state.drift_phase()),
        has_begun: state.has_drifted(),
        percent: Some(state.drift_percent()),
        text: state.drift_text(),
        note: state.drift_note(),
        prepare: (
            "Prepare",
            state.can_drift(),
            Action::Drift(DriftAction::Prepare),
        ),
        run: Action::Drift(DriftAction::Run),
        pause: Action::Drift(DriftAction::Pause),
        done: None,
        cancel: Action::Drift(DriftAction::Cancel),
    };
    run_keys(dispatch, keys, fields(state, dispatch))
}

/// The change, the steps on both of its sides, and the seeds, of a drift that is not begun yet.
fn fields(state: &AppState, dispatch: &Dispatch) -> Html {
    let ways = state.drift_ways().iter();
    let way = state.drift_way();
    let place = ways.clone().position(|it| it.kind == way.kind).unwrap_or(0);
    let amount = state.drift_change().amount;
    let [low, high] = way.range;
    let set_way =
        |chosen: String| Action::Drift(DriftAction::SetWay(chosen.parse().unwrap_or_default()));
    let set_class =
        |chosen: String| Action::Drift(DriftAction::SetAmount(chosen.parse().unwrap_or_default()));
    let set_seeds =
        |chosen: String| Action::Drift(DriftAction::SetSeeds(chosen.parse().unwrap_or(1)));
    let accepted = format!("Give a whole number from {low} to {high}.");
    let steps = format!(
        "Give a whole number of steps from 1 to {}.",
        text::number(MAX_STEPS.into())
    );
    let steps_of = |action: fn(u32) -> Action| {
        committer([1, MAX_STEPS], steps.clone(), sender(dispatch, action))
    };
    let [before, after] = state.drift_steps().map(|steps| text::number(steps.into()));
    let set_before = steps_of(|it| Action::Drift(DriftAction::SetBefore(it)));
    let set_after = steps_of(|it| Action::Drift(DriftAction::SetAfter(it)));
    let ways = ways.map(|it| it.name.to_owned()).collect();
    let seeds = (1..=MAX_SEEDS).map(|it| it.to_string()).collect();
    let n_seeds = state.drift_seeds().to_string();
    let set_amount = |amount: f32| Action::Drift(DriftAction::SetAmount(amount));
    #[expect(clippy::cast_precision_loss, reason = "angles and shares are small")]
    let range = [low as f32, high as f32];
    let amount = amount.to_string();
    html! {
        <>
            { choice("Change", ways, place.to_string(), 0, sender(dispatch, set_way)) }
            if way.kind == ChangeKind::NewClass {
                { choice("Class that comes", state.class_names(), amount, 0, sender(dispatch, set_class)) }
            } else if !way.strength.is_empty() {
                { number(way.strength, amount, committer(range, accepted, sender(dispatch, set_amount))) }
            }
            { number("Steps before", before, set_before) }
            { number("Steps after", after, set_after) }
            { choice("Seeds of a learner", seeds, n_seeds, 1, sender(dispatch, set_seeds)) }
        </>
    }
}

/// A choice among names that are numbered from `first`.
fn choice(
    name: &'static str,
    names: Vec<String>,
    value: String,
    first: usize,
    onchoose: Callback<String>,
) -> Html {
    let mut options: Vec<(AttrValue, AttrValue)> = Vec::new();
    for (at, name) in names.into_iter().enumerate() {
        options.push(((first + at).to_string().into(), name.into()));
    }
    html! { <SelectField {name} {options} {value} {onchoose} /> }
}

/// A number, which may be negative.
fn number(
    name: &'static str,
    value: String,
    oncommit: Callback<String, Result<(), String>>,
) -> Html {
    html! { <NumberField {name} {value} inputmode="text" {oncommit} /> }
}

/// The first samples of both worlds.
fn worlds(state: &AppState, preview: &Preview) -> Html {
    let names = state.class_names();
    let world = |name: &'static str, samples: &[Shown]| {
        let shown = samples.iter().map(|(class, data)| {
            let class = names.get(*class as usize).map_or("", String::as_str);
            match (&state.motion.view, &**data) {
                (Some(view), SampleData::Codes(codes)) if state.is_motion() => html! {
                    <span class="window">
                        <b class="note">{ class }</b>
                        { motion_plot(view, codes, true) }
                    </span>
                },
                _ => html! {
                    <Thumb
                        data={data.clone()}
                        input={preview.input}
                        label={format!("{class}, {name}")}
                    />
                },
            }
        });
        // Curves need more room than images.
        let most = if state.is_motion() { 1 } else { usize::MAX };
        html! {
            <figure>
                <figcaption class="note">{ name }</figcaption>
                <div class="thumbs">{ for shown.take(most) }</div>
            </figure>
        }
    };
    let is_new_class = state.drift_way().kind == ChangeKind::NewClass;
    let [before, after] = &preview.worlds;
    html! {
        <div class="worlds">
            { world(if is_new_class { "before the change" } else { "as it is" }, before) }
            { world(if is_new_class { "what comes" } else { "changed" }, after) }
        </div>
    }
}
