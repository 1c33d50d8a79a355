//! The numerics as lists to choose from, each choice with what it costs.

use quartermeg_core::quant::Rules;
use quartermeg_formats::numerics::{self, PROFILES, RULES};

use super::{Seen, text};
use crate::protocol::RulesView;

/// Text of rules and how they are called, for a list.
pub type Choices = Vec<(String, String)>;

/// The profile that these rules are, or, where they are none, their text.
#[must_use]
pub fn name(rules: Rules) -> String {
    PROFILES
        .iter()
        .find(|profile| profile.rules == rules)
        .map_or_else(|| numerics::text(rules), |profile| profile.name.to_owned())
}

/// All profiles; rules that are none come last.
#[must_use]
pub fn profiles(rules: Rules, plans: Option<&RulesView>) -> Choices {
    let mut choices: Choices = PROFILES
        .iter()
        .enumerate()
        .map(|(at, profile)| {
            let bytes = plans.and_then(|it| Some((*it.profiles.get(at)?, it.arena_bytes)));
            let is_chosen = profile.rules == rules;
            let label = label(profile.name, is_chosen, bytes);
            (numerics::text(profile.rules), label)
        })
        .collect();
    let own = numerics::text(rules);
    if choices.iter().all(|(text, _)| *text != own) {
        choices.push((own, "Your own".to_owned()));
    }
    choices
}

/// All choices of one rule, by its position in [`RULES`].
#[must_use]
pub fn choices(rules: Rules, rule: usize, plans: Option<&RulesView>) -> Choices {
    (0u8..)
        .zip(RULES[rule].choices)
        .filter_map(|(choice, (_, name))| {
            let chosen = numerics::with_choice(rules, rule, choice)?;
            let bytes = plans.and_then(|it| {
                let bytes = it.choices.get(rule)?.get(usize::from(choice))?;
                Some((*bytes, it.arena_bytes))
            });
            let label = label(name, chosen == rules, bytes);
            Some((numerics::text(chosen), label))
        })
        .collect()
}

/// What a rule would be in the nearest profile, if it differs.
#[must_use]
pub fn in_profile(rules: Rules, rule: usize) -> Option<String> {
    let (profile, differences) = numerics::nearest_profile(rules);
    if !differences.contains(&rule) {
        return None;
    }
    let choice = profile.rules.choices()[rule];
    numerics::with_choice(rules, rule, choice).map(numerics::text)
}

/// The rules that can change nothing, and why, in a sentence; empty where there is none.
#[must_use]
pub fn idle(plans: &RulesView) -> String {
    let parts: Vec<String> = RULES
        .iter()
        .zip(&plans.idle)
        .filter_map(|(rule, reason)| Some(format!("{} ({})", rule.name, reason.as_ref()?)))
        .collect();
    if parts.is_empty() {
        return String::new();
    }
    format!("Without effect here: {}.", parts.join("; "))
}

/// Rules, steps, shares that moved and that were rounded to nothing, and the loss.
#[must_use]
pub fn seen_row(seen: &Seen) -> Vec<String> {
    let shares = seen.effect.shares();
    let share = |at: usize| shares.map_or(text::UNKNOWN.to_owned(), |all| text::percent(all[at]));
    vec![
        numerics::text(seen.rules)
            .replace(',', ", ")
            .replace(':', ": "),
        text::number(seen.step.into()),
        share(0),
        share(1),
        seen.effect
            .mean_loss()
            .map_or(text::UNKNOWN.to_owned(), text::loss),
    ]
}

/// A choice with the difference between its bytes and those of the plan in force. They are unknown
/// until it is planned; it has none where it cannot be compiled.
fn label(name: &str, is_chosen: bool, bytes: Option<(Option<u32>, u32)>) -> String {
    if is_chosen {
        return name.to_owned();
    }
    let cost = match bytes {
        None => "\u{2026}".to_owned(),
        Some((None, _)) => "cannot be planned".to_owned(),
        Some((Some(bytes), arena_bytes)) if bytes == arena_bytes => "same".to_owned(),
        Some((Some(bytes), arena_bytes)) => {
            let sign = if bytes > arena_bytes { '+' } else { '\u{2212}' };
            let difference = u64::from(bytes.abs_diff(arena_bytes));
            format!("{sign}{} B", text::number(difference))
        }
    };
    format!("{name} ({cost})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plans() -> RulesView {
        let mut plans = RulesView {
            arena_bytes: 1_000,
            profiles: vec![Some(1_000), Some(5_000), Some(400), None],
            choices: RULES
                .iter()
                .map(|rule| vec![Some(1_000); rule.choices.len()])
                .collect(),
            idle: vec![None; RULES.len()],
        };
        plans.choices[numerics::UPDATE][3] = Some(2_234);
        plans.idle[4] = Some("there are no float masters".to_owned());
        plans
    }

    #[test]
    fn a_choice_states_its_difference_in_bytes() {
        let labels = |choices: Choices| -> Vec<String> {
            choices.into_iter().map(|(_, label)| label).collect()
        };
        assert_eq!(
            labels(profiles(Rules::DEVICE, Some(&plans()))),
            [
                "Device",
                "Simulator (+4,000 B)",
                "TinyEngine (rules re-created) (\u{2212}600 B)",
                "Device, TFLM forward (cannot be planned)",
            ]
        );
        let updates = choices(Rules::DEVICE, numerics::UPDATE, Some(&plans()));
        assert_eq!(updates[3].0, "device,update:int16");
        let updates = labels(updates);
        assert_eq!(updates[0], "stochastic");
        assert_eq!(updates[1], "nearest (same)");
        assert_eq!(updates[3], "int16 (+1,234 B)");
        let unknown = choices(Rules::DEVICE, numerics::GRADIENT, None);
        assert_eq!(unknown[1].1, "int8 with one scale (\u{2026})");
    }

    #[test]
    fn rules_of_no_profile_are_the_persons_own() {
        let rules = numerics::parse("device,update:int16").expect("known");
        assert_eq!(name(Rules::TFLM), "Device, TFLM forward");
        assert_eq!(name(rules), "device,update:int16");
        let last = profiles(rules, None).pop().expect("choices");
        assert_eq!(last, ("device,update:int16".into(), "Your own".into()));
        assert_eq!(in_profile(rules, numerics::UPDATE), Some("device".into()));
        assert_eq!(in_profile(rules, numerics::GRADIENT), None);
    }

    #[test]
    fn rules_that_change_nothing_are_said() {
        assert_eq!(
            idle(&plans()),
            "Without effect here: Codes of masters (there are no float masters)."
        );
        assert_eq!(idle(&RulesView::default()), "");
    }
}
