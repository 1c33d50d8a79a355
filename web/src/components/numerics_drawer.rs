//! The rules of the arithmetic, each with what it costs and what it did.

use quartermeg_core::quant::{Optimizer, Rules};
use quartermeg_formats::numerics::{self as rules_text, RULES};
use quartermeg_formats::setup::{BIAS_RATE_RANGE, MAX_STEPS, MOMENTUM_RANGE, RateSchedule, Setup};
use web_sys::HtmlDetailsElement;
use yew::prelude::*;

use super::hooks::{use_app, use_dispatch};
use super::number_field::NumberField;
use super::numerics_effect::numerics_effect;
use super::reset_dot::reset_dot;
use super::select_field::SelectField;
use super::send::{committer, sender};
use crate::protocol::RulesView;
use crate::state::{Action, Dispatch, Shared, numerics, text};

/// Closed it names the rules in force; what it holds is only there while it is open.
#[component]
pub(super) fn NumericsDrawer() -> Html {
    let state = use_app();
    let open = use_state_eq(|| false);
    let ontoggle = {
        let open = open.clone();
        move |event: Event| open.set(event.target_unchecked_into::<HtmlDetailsElement>().open())
    };
    let setup = state.setup();
    html! {
        <details class="more numerics" {ontoggle}>
            <summary>{ "Numerics: " }<b>{ numerics::name(setup.rules) }</b></summary>
            if *open {
                <div class="settings">
                    <Fields
                        setup={setup.clone()}
                        default={state.default_setup()}
                        plans={state.rules_plan.clone()}
                        stale={state.rules_plan_stale}
                        locked={state.is_locked("numerics")}
                    />
                    { numerics_effect(&state.effects, setup.rules) }
                </div>
            }
        </details>
    }
}

#[derive(Properties, PartialEq)]
struct FieldsProps {
    setup: Setup,
    default: Setup,
    plans: Option<Shared<RulesView>>,
    stale: bool,
    locked: bool,
}

/// The profile, and every rule that can change something.
#[component]
fn Fields(props: &FieldsProps) -> Html {
    let dispatch = use_dispatch();
    let (setup, stale, locked) = (&props.setup, props.stale, props.locked);
    let (rules, default) = (setup.rules, &props.default);
    let plans = props.plans.as_deref();
    let value = rules_text::text(rules);
    let onchoose = sender(&dispatch, Action::SetNumerics);
    let is_idle = |rule: usize| plans.is_some_and(|it| matches!(it.idle.get(rule), Some(Some(_))));
    let (nearest, _) = rules_text::nearest_profile(rules);
    html! {
        <>
            <p class="note">
                { "In parentheses: what a choice adds to the arena, planned by the compiler." }
            </p>
            <SelectField
                name="Profile"
                options={options(numerics::profiles(rules, plans))}
                {value}
                {stale}
                {locked}
                {onchoose}
            >
                { reset_dot(
                    &dispatch,
                    "Profile",
                    rules != default.rules,
                    locked,
                    Action::SetNumerics(rules_text::text(default.rules)),
                ) }
            </SelectField>
            <p class="note">{ format!("{}: {}", nearest.name, nearest.help) }</p>
            for at in (0..RULES.len()).filter(|&at| !is_idle(at)) {
                { rule_field(&dispatch, at, rules, plans, [stale, locked]) }
            }
            if let Some(plans) = plans {
                <p class="note">{ numerics::idle(plans) }</p>
            }
            { rates(setup, default, locked, &dispatch) }
        </>
    }
}

/// One rule by its position in [`RULES`], with the dot that brings its choice in the profile back.
pub(super) fn rule_field(
    dispatch: &Dispatch,
    at: usize,
    rules: Rules,
    plans: Option<&RulesView>,
    [stale, locked]: [bool; 2],
) -> Html {
    let rule = &RULES[at];
    html! {
        <SelectField
            key={rule.id}
            name={rule.name}
            help={rule.help}
            options={options(numerics::choices(rules, at, plans))}
            value={rules_text::text(rules)}
            {stale}
            {locked}
            onchoose={sender(dispatch, Action::SetNumerics)}
        >
            if let Some(in_profile) = numerics::in_profile(rules, at) {
                { reset_dot(dispatch, rule.name, true, locked, Action::SetNumerics(in_profile)) }
            }
        </SelectField>
    }
}

fn options(choices: numerics::Choices) -> Vec<(AttrValue, AttrValue)> {
    let options = choices.into_iter();
    options
        .map(|(value, name)| (value.into(), name.into()))
        .collect()
}

/// Momentum, schedule and the rate of biases: they cost no byte of their own and take effect from
/// the next step on.
fn rates(setup: &Setup, default: &Setup, locked: bool, dispatch: &Dispatch) -> Html {
    let between = |[low, high]: [f32; 2]| format!("Give a number from {low} to {high}.");
    let steps = format!(
        "Give a whole number of steps from 0 to {}.",
        text::number(MAX_STEPS.into())
    );
    let warmup = |warmup_steps| Action::SetSchedule(RateSchedule::Cosine { warmup_steps });
    let kind = |text: String| {
        Action::SetSchedule(RateSchedule::parse(&text).unwrap_or(RateSchedule::Constant))
    };
    let (momentum, schedule_at_first, bias_rate) =
        (default.momentum, default.schedule, default.bias_rate_factor);
    let schedules: [(AttrValue, AttrValue); 2] = [
        ("constant".into(), "constant".into()),
        ("cosine".into(), "cosine".into()),
    ];
    let (schedule, warmup_steps) = match setup.schedule {
        RateSchedule::Constant => ("constant", None),
        RateSchedule::Cosine { warmup_steps } => ("cosine", Some(warmup_steps)),
    };
    html! {
        <>
            if setup.rules.optimizer == Optimizer::Momentum {
                <NumberField
                    name="Momentum"
                    help="The share of the last change that the next one keeps."
                    inputmode="decimal"
                    value={setup.momentum.to_string()}
                    {locked}
                    oncommit={committer(MOMENTUM_RANGE, between(MOMENTUM_RANGE), sender(dispatch, Action::SetMomentum))}
                >
                    { reset_dot(
                        dispatch,
                        "Momentum",
                        setup.momentum.to_bits() != momentum.to_bits(),
                        locked,
                        Action::SetMomentum(momentum),
                    ) }
                </NumberField>
            }
            <SelectField
                name="Rate schedule"
                help="How the learning rate changes. A cosine falls to zero where training stops. \
                      It costs no byte: each step is handed its rate."
                options={schedules.to_vec()}
                value={schedule}
                {locked}
                onchoose={sender(dispatch, kind)}
            >
                { reset_dot(
                    dispatch,
                    "Rate schedule",
                    setup.schedule != schedule_at_first,
                    locked,
                    Action::SetSchedule(schedule_at_first),
                ) }
            </SelectField>
            if let Some(warmup_steps) = warmup_steps {
                <NumberField
                    name="Warm-up steps"
                    help="Steps over which the rate rises in a straight line before it falls."
                    value={text::number(warmup_steps.into())}
                    {locked}
                    oncommit={committer([0, MAX_STEPS], steps, sender(dispatch, warmup))}
                >
                    { reset_dot(dispatch, "Warm-up steps", warmup_steps > 0, locked, warmup(0)) }
                </NumberField>
            }
            <NumberField
                name="Bias rate factor"
                help="What the learning rate is multiplied by for biases."
                inputmode="decimal"
                value={setup.bias_rate_factor.to_string()}
                {locked}
                oncommit={committer(BIAS_RATE_RANGE, between(BIAS_RATE_RANGE), sender(dispatch, Action::SetBiasRate))}
            >
                { reset_dot(
                    dispatch,
                    "Bias rate factor",
                    setup.bias_rate_factor.to_bits() != bias_rate.to_bits(),
                    locked,
                    Action::SetBiasRate(bias_rate),
                ) }
            </NumberField>
        </>
    }
}
