//! The bar that runs the training and shows how it goes.

use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::icon::{Glyph, icon, icon_button};
use super::readout::{Readout, readout};
use super::send::on_click;
use crate::protocol::Speed;
use crate::state::{Action, AppState, Dispatch, text};

const SPEEDS: [(Speed, &str, &str); 3] = [
    (
        Speed::OperationPerSecond,
        "operation",
        "One operation per second",
    ),
    (Speed::TenStepsPerSecond, "ten", "10 steps per second"),
    (Speed::Unlimited, "unlimited", "As fast as possible"),
];

/// Buttons, speed and numbers.
pub(super) fn transport(state: &AppState, dispatch: &Dispatch) -> Html {
    let send = |action| on_click(dispatch, action);
    let key = |name, glyph, action| icon_button(name, "button icon", glyph, false, send(action));
    let onchange = {
        let dispatch = dispatch.clone();
        move |event: Event| {
            let chosen = event.target_unchecked_into::<HtmlSelectElement>().value();
            if let Some((speed, ..)) = SPEEDS.iter().find(|(_, id, _)| *id == chosen) {
                dispatch.dispatch(Action::SetSpeed(*speed));
            }
        }
    };
    let runs = state.playback.is_on();
    let speed_locked = state.is_locked("speed");
    html! {
        <div class="transport" role="group" aria-label="Training">
            <div class="keys">
                { key("Reset", Glyph::Reset, Action::Reset) }
                { key("Previous operation", Glyph::Back, Action::PreviousOperation) }
                { key("Next operation", Glyph::Forward, Action::NextOperation) }
                <button
                    type="button"
                    class="button step"
                    aria-label="Step"
                    title="Step (.)"
                    onclick={send(Action::Step)}
                >
                    { icon(Glyph::Step) }<span>{ "Step" }</span>
                </button>
                <button
                    type="button"
                    class="button main play"
                    title={if runs { "Pause (space)" } else { "Play (space)" }}
                    onclick={send(if runs { Action::Pause } else { Action::Play })}
                >
                    { icon(if runs { Glyph::Pause } else { Glyph::Play }) }
                    { if runs { "Pause" } else { "Play" } }
                </button>
                <select
                    class="field speed"
                    aria-label="Speed"
                    title={if speed_locked { "Speed: fixed by the link" } else { "Speed" }}
                    disabled={speed_locked}
                    {onchange}
                >
                    for (speed, id, name) in SPEEDS {
                        <option value={id} selected={state.speed == speed}>{ name }</option>
                    }
                </select>
            </div>
            <div class="readouts">
                for each in readouts(state) {
                    { readout(each) }
                }
            </div>
        </div>
    }
}

/// The numbers on the bar.
fn readouts(state: &AppState) -> [Readout; 5] {
    let plain = |name, class, value| Readout {
        name,
        class,
        value,
        context: String::new(),
        alarming: false,
    };
    let stop = text::number(u64::from(state.setup().stop_after));
    let budget = if state.is_unlimited() {
        state.budget_text()
    } else {
        format!("of {}", state.budget_text())
    };
    [
        Readout {
            context: format!("of {stop}"),
            ..plain("Steps", "of-steps", state.steps_text())
        },
        plain("Loss", "of-loss", state.loss_text()),
        plain("Accuracy", "of-share", state.accuracy_text()),
        Readout {
            context: budget,
            alarming: !state.fits(),
            ..plain("Peak memory", "of-bytes", state.peak_text())
        },
        plain("Steps per second", "of-rate", state.speed_text()),
    ]
}
