//! Windows of motion: what the network takes them for, and learning from a recording.

use gloo::timers::callback::Timeout;
use yew::prelude::*;

use super::hooks::{use_app, use_dispatch};
use super::motion_plot::motion_plot;
use super::open_button::OpenButton;
use super::prediction::prediction;
use super::select_field::SelectField;
use super::send::{on_click, sender};
use crate::charts::motion::seconds;
use crate::protocol::MotionView;
use crate::state::{Action, MotionAction, text};

/// How long a window stands before the network is asked.
const PAUSE_MILLIS: u32 = 80;
/// Licence and source of the windows that ship.
const LICENCE: &str = "static/data/watch-person.LICENSE.txt";

/// Where the drawing pad is in other scenarios.
#[component]
pub(super) fn MotionPanel() -> Html {
    let state = use_app();
    let dispatch = use_dispatch();
    let label = use_state_eq(|| 0u32);
    let motion = &state.motion;
    let (source, window) = (motion.source, motion.window);
    // The network is asked again when it has learned something.
    let asked_about = (
        (motion.view.clone(), source, window),
        state.accuracies.clone(),
        state.playback.is_on(),
        state.planning,
    );
    {
        let dispatch = dispatch.clone();
        use_effect_with(asked_about, move |_| {
            let question = Timeout::new(PAUSE_MILLIS, move || {
                dispatch.dispatch(Action::Motion(MotionAction::Ask));
            });
            move || drop(question)
        });
    }
    let (Some(view), Some((codes, class))) = (motion.view.clone(), motion.shown()) else {
        return html! {};
    };
    let send = |action| on_click(&dispatch, Action::Motion(action));
    let show = |window: usize| send(MotionAction::Show { source, window });
    let onsource = sender(&dispatch, |source: String| {
        let source = source.parse().unwrap_or(0);
        Action::Motion(MotionAction::Show { source, window: 0 })
    });
    let onlabel = {
        let label = label.clone();
        Callback::from(move |class: String| label.set(class.parse().unwrap_or(0)))
    };
    let names = motion.recordings.iter().map(|it| it.name.clone());
    let sources = std::iter::once("Held-out windows of this person".to_owned()).chain(names);
    let n_windows = motion.n_windows();
    let name = |class: u32| {
        let name = view.class_names.get(class as usize);
        name.map_or("", String::as_str)
    };
    let is_added = motion.is_added();
    let n_added = state.samples.map_or(0, |samples| samples.n_drawn);
    html! {
        <section class="panel draw" aria-labelledby="motion-title">
            <div class="panel-head">
                <h2 id="motion-title">{ "Recognize a movement" }</h2>
                <OpenButton recording={true} text="Open a recording (CSV)" />
            </div>
            <div class="motion-tools">
                <SelectField
                    name="Shown"
                    options={numbered(sources)}
                    value={source.to_string()}
                    onchoose={onsource}
                />
                <button
                    type="button"
                    class="button"
                    aria-label="Previous window"
                    disabled={window == 0}
                    onclick={show(window.saturating_sub(1))}
                >
                    { "Previous" }
                </button>
                <button
                    type="button"
                    class="button"
                    aria-label="Next window"
                    disabled={window + 1 >= n_windows}
                    onclick={show(window + 1)}
                >
                    { "Next" }
                </button>
                <span class="note" role="status" aria-label="Window">
                    { format!("Window {} of {n_windows}", window + 1) }
                </span>
            </div>
            <div class="draw-body motion-body">
                <div>
                    { motion_plot(&view, codes, false) }
                    <p class="truth">
                        if let Some(class) = class {
                            if motion.recording().is_some() { { "Labelled " } } else { { "It is " } }
                            <b>{ name(class) }</b>
                            { ". " }
                        }
                        if let Some((class, probability)) = motion.before {
                            { "Before learning: " }
                            <b>{ name(class) }</b>
                            { format!(", {}.", text::percent(probability)) }
                        }
                    </p>
                </div>
                { prediction(&state, &view.class_names) }
            </div>
            if motion.recording().is_some() {
                <div class="motion-tools">
                    <SelectField
                        name="Label"
                        options={numbered(view.class_names.iter().cloned())}
                        value={label.to_string()}
                        onchoose={onlabel}
                    />
                    <button
                        type="button"
                        class="button"
                        disabled={is_added || state.samples.is_none()}
                        onclick={send(MotionAction::Add { label: *label })}
                    >
                        { "Add sample" }
                    </button>
                    <span class="note" role="status" aria-label="Added windows">
                        if n_added > 0 {
                            { format!("{} added to what is learned from", text::count(n_added, "window", "windows")) }
                        }
                    </span>
                </div>
            }
            { rules(&view, codes) }
            <p class="note">
                { "Recordings stay on this page; they are not part of a link or a file. The movements \
                   are from the SPAR data set (Burns et al. 2018), as seglearn ships it: " }
                <a href={LICENCE}>{ "source and licence" }</a>
                { "." }
            </p>
        </section>
    }
}

/// Options whose values count from 0.
fn numbered(names: impl Iterator<Item = String>) -> Vec<(AttrValue, AttrValue)> {
    names
        .enumerate()
        .map(|(number, name)| (number.to_string().into(), name.into()))
        .collect()
}

/// What a file may hold.
fn rules(view: &MotionView, window: &[i8]) -> Html {
    let columns: Vec<String> = view
        .channels
        .iter()
        .map(|it| format!("{} ({})", it.name, it.unit))
        .collect();
    let n_rows = window.len() / view.channels.len().max(1);
    html! {
        <details>
            <summary>{ "What a recording looks like" }</summary>
            <p class="note">
                { format!(
                    "A CSV file with {} columns: {}. Acceleration with gravity, turns about the same \
                     axes, from a watch on the wrist. One row a moment, {} rows a second; average \
                     pairs of 50 Hz. A first row with names may stand above; cells are separated by \
                     commas, semicolons or tabs. At least {n_rows} rows ({:.2} s); a window begins \
                     every {} rows, and “Add sample” adds all windows of the file under one label.",
                    columns.len(),
                    columns.join(", "),
                    view.rate_hz,
                    seconds(view, window),
                    n_rows / 2,
                ) }
            </p>
        </details>
    }
}
