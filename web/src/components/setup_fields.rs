//! Scenario, device, budget and what a run starts with.

use quartermeg_core::device::{
    self, CUSTOM_CLOCK_RANGE, CUSTOM_FLASH_RANGE, CUSTOM_ID, CUSTOM_SRAM_RANGE,
};
use quartermeg_formats::setup::{BUDGET_RANGE, LEARNING_RATE_RANGE, MAX_STEPS};
use quartermeg_formats::{board, scenario};
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::glossary::Entry;
use super::number_field::NumberField;
use super::reset_dot::reset_dot;
use super::select_field::SelectField;
use super::send::{committer, on_click, sender};
use super::term::Term;
use crate::state::{Action, AppState, Dispatch, text};

/// Steps of the slider of the budget, in bytes.
const BUDGET_STEP: u32 = 4096;
/// Where the slider of the budget ends; the field beside it takes more.
const BUDGET_SLIDER_END: u32 = 512 * 1024;

/// Scenario, device, budget and preset: what is always in view.
pub(super) fn main_fields(state: &AppState, dispatch: &Dispatch) -> Html {
    let (setup, default) = (state.setup(), state.default_setup());
    let scenarios: Vec<(AttrValue, AttrValue)> = scenario::SCENARIOS
        .iter()
        .map(|it| (it.id.into(), it.name.into()))
        .collect();
    let devices: Vec<(AttrValue, AttrValue)> = device::DEVICES
        .iter()
        .map(|it| (it.id.into(), it.name.into()))
        .chain([(CUSTOM_ID.into(), "Custom".into())])
        .collect();
    // A custom board is listed by that name, whatever its sizes.
    let device = state.device().id;
    html! {
        <>
            <SelectField
                name="Scenario"
                options={scenarios}
                value={setup.scenario.clone()}
                locked={state.is_locked("scenario")}
                onchoose={sender(dispatch, Action::SetScenario)}
            />
            <SelectField
                name="Device"
                options={devices}
                value={device}
                locked={state.is_locked("device")}
                onchoose={sender(dispatch, Action::SetDevice)}
            >
                { reset_dot(
                    dispatch,
                    "Device",
                    setup.device != default.device,
                    state.is_locked("device"),
                    Action::SetDevice(default.device),
                ) }
            </SelectField>
            if device == CUSTOM_ID {
                { custom_fields(state, dispatch) }
            }
            { budget_fields(state, dispatch) }
            { qas_switch(state, dispatch) }
        </>
    }
}

/// Sizes and clock of a custom board.
fn custom_fields(state: &AppState, dispatch: &Dispatch) -> Html {
    let device = state.device();
    let sizes = [device.sram_bytes, device.flash_bytes, device.clock_mhz];
    let field = |place: usize, name, note: &'static str, range, accepted: String| {
        let send = sender(dispatch, Action::SetDevice).reform(move |value| {
            let mut sizes = sizes;
            sizes[place] = value;
            let [sram_bytes, flash_bytes, clock_mhz] = sizes;
            board::custom_id(sram_bytes, flash_bytes, clock_mhz)
        });
        html! {
            <NumberField
                {name}
                value={text::number(u64::from(sizes[place]))}
                {note}
                locked={state.is_locked("device")}
                oncommit={committer(range, accepted, send)}
            />
        }
    };
    let bytes = |[least, _]: [u32; 2]| {
        let least = text::bytes(u64::from(least));
        format!("Give a size in whole bytes, from {least} up.")
    };
    let [_, fastest] = CUSTOM_CLOCK_RANGE;
    let clock = format!(
        "Give a clock in whole MHz up to {}, or 0 if it is not known.",
        text::number(u64::from(fastest))
    );
    html! {
        <div class="custom-board" role="group" aria-label="Custom board">
            { field(0, "SRAM", "bytes", CUSTOM_SRAM_RANGE, bytes(CUSTOM_SRAM_RANGE)) }
            { field(1, "Flash", "bytes", CUSTOM_FLASH_RANGE, bytes(CUSTOM_FLASH_RANGE)) }
            { field(2, "Clock", "MHz", CUSTOM_CLOCK_RANGE, clock) }
        </div>
    }
}

/// The budget, as a number and as a slider; neither where the device has no limit.
fn budget_fields(state: &AppState, dispatch: &Dispatch) -> Html {
    let budget = state.setup().budget_bytes;
    if state.is_unlimited() {
        return html! {};
    }
    let locked = state.is_locked("budget");
    let accepted = format!(
        "Give the budget in whole bytes, from {} up.",
        text::bytes(u64::from(BUDGET_RANGE[0])),
    );
    let device_bytes = state.device().sram_bytes;
    let oninput = {
        let dispatch = dispatch.clone();
        move |event: InputEvent| {
            let value = event.target_unchecked_into::<HtmlInputElement>().value();
            if let Ok(bytes) = value.parse() {
                dispatch.dispatch(Action::SetBudget(bytes));
            }
        }
    };
    html! {
        <div class="budget">
            <NumberField
                name="Memory budget"
                value={text::number(u64::from(budget))}
                {locked}
                oncommit={committer(BUDGET_RANGE, accepted, sender(dispatch, Action::SetBudget))}
            >
                { reset_dot(
                    dispatch,
                    "Memory budget",
                    budget != device_bytes,
                    locked,
                    Action::SetBudget(device_bytes),
                ) }
            </NumberField>
            <input
                type="range"
                aria-label="Memory budget slider"
                aria-valuetext={state.budget_text()}
                min={BUDGET_RANGE[0].to_string()}
                max={BUDGET_SLIDER_END.to_string()}
                step={BUDGET_STEP.to_string()}
                value={budget.to_string()}
                disabled={locked}
                {oninput}
            />
        </div>
    }
}

/// The switch of quantization-aware scaling.
fn qas_switch(state: &AppState, dispatch: &Dispatch) -> Html {
    let qas = state.setup().qas;
    let default = state.default_setup().qas;
    let locked = state.is_locked("qas");
    let onclick = on_click(dispatch, Action::SetQas(!qas));
    html! {
        <div class="setting row">
            <button
                type="button"
                class="switch"
                role="switch"
                aria-checked={if qas { "true" } else { "false" }}
                aria-label="QAS"
                disabled={locked}
                title={locked.then_some("Fixed by the link")}
                {onclick}
            />
            <span class="grow">
                <Term entry={Entry::Qas} />
                <span class="note">{ " quantization-aware scaling" }</span>
            </span>
            { reset_dot(dispatch, "QAS", qas != default, locked, Action::SetQas(default)) }
        </div>
    }
}

/// Learning rate, seed and stop: what is seldom changed.
pub(super) fn more_fields(state: &AppState, dispatch: &Dispatch) -> Html {
    let (setup, default) = (state.setup(), state.default_setup());
    let [slowest, fastest] = LEARNING_RATE_RANGE;
    let rate = format!("Give a learning rate from {slowest} to {fastest}.");
    let seed = format!("Give a whole number from 0 to {}.", text::number(u64::MAX));
    let stop = format!(
        "Give a whole number of steps from 1 to {}.",
        text::number(MAX_STEPS.into())
    );
    html! {
        <>
            <NumberField
                name="Learning rate"
                inputmode="decimal"
                value={setup.learning_rate.to_string()}
                locked={state.is_locked("lr")}
                oncommit={committer(LEARNING_RATE_RANGE, rate, sender(dispatch, Action::SetLearningRate))}
            >
                { reset_dot(
                    dispatch,
                    "Learning rate",
                    setup.learning_rate.to_bits() != default.learning_rate.to_bits(),
                    state.is_locked("lr"),
                    Action::SetLearningRate(default.learning_rate),
                ) }
            </NumberField>
            <NumberField
                name="Seed"
                value={setup.seed.to_string()}
                locked={state.is_locked("seed")}
                oncommit={committer([0, u64::MAX], seed, sender(dispatch, Action::SetSeed))}
            >
                { reset_dot(
                    dispatch,
                    "Seed",
                    setup.seed != default.seed,
                    state.is_locked("seed"),
                    Action::SetSeed(default.seed),
                ) }
            </NumberField>
            <NumberField
                name="Stop after steps"
                value={text::number(u64::from(setup.stop_after))}
                locked={state.is_locked("stop")}
                oncommit={committer([1, MAX_STEPS], stop, sender(dispatch, Action::SetStopAfter))}
            >
                { reset_dot(
                    dispatch,
                    "Stop after steps",
                    setup.stop_after != default.stop_after,
                    state.is_locked("stop"),
                    Action::SetStopAfter(default.stop_after),
                ) }
            </NumberField>
        </>
    }
}

/// Policies to choose by name; `nearest` is the name of the one that is most like the policy.
pub(super) fn presets(state: &AppState, dispatch: &Dispatch, nearest: Option<&str>) -> Html {
    const OWN: &str = "";
    let Some(plan) = state.plan() else {
        return html! {};
    };
    let chosen = state
        .preset()
        .map_or(OWN.to_owned(), |preset| preset.policy.clone());
    let mut options: Vec<(AttrValue, AttrValue)> = plan
        .presets
        .iter()
        .map(|preset| (preset.policy.clone().into(), preset.name.clone().into()))
        .collect();
    if chosen.is_empty() {
        let name = match nearest {
            Some(nearest) => format!("Your own, near \u{201c}{nearest}\u{201d}"),
            None => "Your own".to_owned(),
        };
        options.push((OWN.into(), name.into()));
    }
    let default = state.default_setup().policy;
    let changed = state.setup().policy != default;
    let default = quartermeg_formats::link::policy_text(&default);
    let locked = state.is_locked("policy");
    html! {
        <SelectField
            name="Preset"
            {options}
            value={chosen}
            {locked}
            onchoose={sender(dispatch, Action::SetPolicy)}
        >
            { reset_dot(dispatch, "Policy", changed, locked, Action::SetPolicy(default)) }
        </SelectField>
    }
}
