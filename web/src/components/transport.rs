//! The bar that runs the training and shows how it goes.

use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::hooks::{use_app, use_dispatch};
use super::icon::{Glyph, Icon};
use super::readout::Readout;
use crate::protocol::Speed;
use crate::state::{Action, text};

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
#[component]
pub(super) fn Transport() -> Html {
    let state = use_app();
    let dispatch = use_dispatch();
    let send = |action: Action| {
        let dispatch = dispatch.clone();
        Callback::from(move |_: MouseEvent| dispatch.dispatch(action.clone()))
    };
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
    let stop = text::number(u64::from(state.setup().stop_after));
    let budget = if state.is_unlimited() {
        state.budget_text()
    } else {
        format!("of {}", state.budget_text())
    };
    html! {
        <div class="transport" role="group" aria-label="Training">
            <div class="keys">
                <IconButton name="Reset" glyph={Glyph::Reset} onclick={send(Action::Reset)} />
                <IconButton
                    name="Previous operation"
                    glyph={Glyph::Back}
                    onclick={send(Action::PreviousOperation)}
                />
                <IconButton
                    name="Next operation"
                    glyph={Glyph::Forward}
                    onclick={send(Action::NextOperation)}
                />
                <button
                    type="button"
                    class="button step"
                    aria-label="Step"
                    title="Step (.)"
                    onclick={send(Action::Step)}
                >
                    <Icon glyph={Glyph::Step} /><span>{ "Step" }</span>
                </button>
                <button
                    type="button"
                    class="button main play"
                    title={if runs { "Pause (space)" } else { "Play (space)" }}
                    onclick={send(if runs { Action::Pause } else { Action::Play })}
                >
                    <Icon glyph={if runs { Glyph::Pause } else { Glyph::Play }} />
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
                <Readout
                    name="Steps"
                    class="of-steps"
                    value={state.steps_text()}
                    context={format!("of {stop}")}
                />
                <Readout name="Loss" class="of-loss" value={state.loss_text()} />
                <Readout name="Accuracy" class="of-share" value={state.accuracy_text()} />
                <Readout
                    name="Peak memory"
                    class="of-bytes"
                    value={state.peak_text()}
                    context={budget}
                    alarming={!state.fits()}
                />
                <Readout name="Steps per second" class="of-rate" value={state.speed_text()} />
            </div>
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct IconButtonProps {
    name: AttrValue,
    glyph: Glyph,
    onclick: Callback<MouseEvent>,
}

#[component]
fn IconButton(props: &IconButtonProps) -> Html {
    html! {
        <button
            type="button"
            class="button icon"
            aria-label={&props.name}
            title={&props.name}
            onclick={props.onclick.clone()}
        >
            <Icon glyph={props.glyph} />
        </button>
    }
}
