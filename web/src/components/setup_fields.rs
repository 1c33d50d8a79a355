//! Scenario, device, budget and what a run starts with.

use quartermeg_core::device;
use quartermeg_formats::scenario;
use quartermeg_formats::setup::{BUDGET_RANGE, LEARNING_RATE_RANGE, MAX_STEPS};
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::glossary::Entry;
use super::hooks::{use_app, use_dispatch, use_id};
use super::number_field::NumberField;
use super::reset_dot::ResetDot;
use super::select_field::SelectField;
use super::term::Term;
use crate::state::{Action, Dispatch, text};

/// Steps of the slider of the budget, in bytes.
const BUDGET_STEP: u32 = 4096;
/// Where the slider of the budget ends; the field beside it takes more.
const BUDGET_SLIDER_END: u32 = 512 * 1024;

pub(super) fn sender<T: 'static>(
    dispatch: &Dispatch,
    action: impl Fn(T) -> Action + 'static,
) -> Callback<T> {
    let dispatch = dispatch.clone();
    Callback::from(move |value| dispatch.dispatch(action(value)))
}

/// Reads a number and sends it, or says what would be accepted.
pub(super) fn committer<T: std::str::FromStr + PartialOrd + Copy + 'static>(
    dispatch: &Dispatch,
    [low, high]: [T; 2],
    accepted: String,
    action: impl Fn(T) -> Action + 'static,
) -> Callback<String, Result<(), String>> {
    let dispatch = dispatch.clone();
    Callback::from(move |typed: String| {
        let digits: String = typed
            .chars()
            .filter(|it| !matches!(it, ',' | ' ' | '_'))
            .collect();
        match digits.parse::<T>() {
            Ok(value) if (low..=high).contains(&value) => {
                dispatch.dispatch(action(value));
                Ok(())
            }
            _ => Err(accepted.clone()),
        }
    })
}

/// Scenario, device, budget and preset: what is always in view.
#[component]
pub(super) fn MainFields() -> Html {
    let state = use_app();
    let dispatch = use_dispatch();
    let (setup, default) = (state.setup(), state.default_setup());
    let scenarios: Vec<(AttrValue, AttrValue)> = scenario::SCENARIOS
        .iter()
        .map(|it| (it.id.into(), it.name.into()))
        .collect();
    let devices: Vec<(AttrValue, AttrValue)> = device::DEVICES
        .iter()
        .map(|it| (it.id.into(), it.name.into()))
        .collect();
    html! {
        <>
            <SelectField
                name="Scenario"
                options={scenarios}
                value={setup.scenario.clone()}
                locked={state.is_locked("scenario")}
                onchoose={sender(&dispatch, Action::SetScenario)}
            />
            <SelectField
                name="Device"
                options={devices}
                value={setup.device.clone()}
                locked={state.is_locked("device")}
                onchoose={sender(&dispatch, Action::SetDevice)}
            >
                <ResetDot
                    name="Device"
                    changed={setup.device != default.device}
                    locked={state.is_locked("device")}
                    onreset={sender(&dispatch, move |()| Action::SetDevice(default.device.clone()))}
                />
            </SelectField>
            <Budget />
            <Qas />
        </>
    }
}

/// The budget, as a number and as a slider; neither where the device has no limit.
#[component]
fn Budget() -> Html {
    let state = use_app();
    let dispatch = use_dispatch();
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
                oncommit={committer(&dispatch, BUDGET_RANGE, accepted, Action::SetBudget)}
            >
                <ResetDot
                    name="Memory budget"
                    changed={budget != device_bytes}
                    {locked}
                    onreset={sender(&dispatch, move |()| Action::SetBudget(device_bytes))}
                />
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
#[component]
fn Qas() -> Html {
    let state = use_app();
    let dispatch = use_dispatch();
    let id = use_id("qas");
    let qas = state.setup().qas;
    let default = state.default_setup().qas;
    let locked = state.is_locked("qas");
    let onclick = sender(&dispatch, move |_: MouseEvent| Action::SetQas(!qas));
    html! {
        <div class="setting row">
            <button
                {id}
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
            <ResetDot
                name="QAS"
                changed={qas != default}
                {locked}
                onreset={sender(&dispatch, move |()| Action::SetQas(default))}
            />
        </div>
    }
}

/// Learning rate, seed and stop: what is seldom changed.
#[component]
pub(super) fn MoreFields() -> Html {
    let state = use_app();
    let dispatch = use_dispatch();
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
                oncommit={committer(&dispatch, LEARNING_RATE_RANGE, rate, Action::SetLearningRate)}
            >
                <ResetDot
                    name="Learning rate"
                    changed={setup.learning_rate.to_bits() != default.learning_rate.to_bits()}
                    locked={state.is_locked("lr")}
                    onreset={sender(&dispatch, move |()| Action::SetLearningRate(default.learning_rate))}
                />
            </NumberField>
            <NumberField
                name="Seed"
                value={setup.seed.to_string()}
                locked={state.is_locked("seed")}
                oncommit={committer(&dispatch, [0, u64::MAX], seed, Action::SetSeed)}
            >
                <ResetDot
                    name="Seed"
                    changed={setup.seed != default.seed}
                    locked={state.is_locked("seed")}
                    onreset={sender(&dispatch, move |()| Action::SetSeed(default.seed))}
                />
            </NumberField>
            <NumberField
                name="Stop after steps"
                value={text::number(u64::from(setup.stop_after))}
                locked={state.is_locked("stop")}
                oncommit={committer(&dispatch, [1, MAX_STEPS], stop, Action::SetStopAfter)}
            >
                <ResetDot
                    name="Stop after steps"
                    changed={setup.stop_after != default.stop_after}
                    locked={state.is_locked("stop")}
                    onreset={sender(&dispatch, move |()| Action::SetStopAfter(default.stop_after))}
                />
            </NumberField>
        </>
    }
}

/// Policies to choose by name.
#[component]
pub(super) fn Presets() -> Html {
    const OWN: &str = "";
    let state = use_app();
    let dispatch = use_dispatch();
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
        options.push((OWN.into(), "Your own".into()));
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
            onchoose={sender(&dispatch, Action::SetPolicy)}
        >
            <ResetDot
                name="Policy"
                {changed}
                {locked}
                onreset={sender(&dispatch, move |()| Action::SetPolicy(default.clone()))}
            />
        </SelectField>
    }
}
