//! What differs between two setups, in words.

use quartermeg_core::policy::{LayerUpdate, Policy};
use quartermeg_core::quant::ChannelChoice;
use quartermeg_formats::setup::{Head, Setup};
use quartermeg_formats::{numerics, runs, scenario};

use super::text;

/// Layers that are named one by one; of more only their number is told.
pub(super) const MAX_NAMED: usize = 3;

/// What is different in `new`, a clause each: `seed 0 → 7`, `layer 30: ratio 1 → 1/2`.
#[must_use]
pub(super) fn clauses(old: &Setup, new: &Setup) -> Vec<String> {
    if old.scenario != new.scenario {
        // Nothing else can be compared.
        let name = |setup: &Setup| {
            let known = scenario::by_id(&setup.scenario);
            known.map_or_else(String::new, |it| it.name.to_owned())
        };
        return vec![format!("scenario {}", change(&name(old), &name(new)))];
    }
    let mut clauses: Vec<String> = SETTINGS
        .iter()
        .filter_map(|(name, value)| {
            let (old, new) = (value(old), value(new));
            (old != new).then(|| format!("{name} {}", change(&old, &new)))
        })
        .collect();
    let layers = of_policies(&old.policy, &new.policy);
    if layers.len() > MAX_NAMED {
        clauses.push(format!("{} layers", layers.len()));
    } else {
        clauses.extend(layers);
    }
    clauses
}

/// A setting: its name, and how its value is written.
type Setting = (&'static str, fn(&Setup) -> String);

/// The settings in the order in which they are told.
const SETTINGS: [Setting; 11] = [
    ("board", |it| runs::board(it).name.to_owned()),
    ("budget", |it| match it.budget_bytes {
        u32::MAX => "no limit".to_owned(),
        bytes => text::bytes(u64::from(bytes)),
    }),
    ("classes", |it| Head::text(it.head)),
    ("learning rate", |it| it.learning_rate.to_string()),
    ("rate of biases", |it| format!("×{}", it.bias_rate_factor)),
    ("schedule", |it| it.schedule.text()),
    ("momentum", |it| it.momentum.to_string()),
    ("QAS", |it| if it.qas { "on" } else { "off" }.to_owned()),
    ("numerics", |it| numerics::text(it.rules)),
    ("seed", |it| it.seed.to_string()),
    ("stop after", |it| text::number(u64::from(it.stop_after))),
];

/// What each layer does differently, a clause each.
pub(super) fn of_policies(old: &Policy, new: &Policy) -> Vec<String> {
    let [n_old, n_new] = [old, new].map(|policy| policy.layers.len());
    if n_old != n_new {
        let change = change(&n_old.to_string(), &n_new.to_string());
        return vec![format!("layers {change}")];
    }
    let mut clauses = Vec::new();
    for (layer, (&before, &after)) in old.layers.iter().zip(&new.layers).enumerate() {
        let [was_again, is_again] = [old, new].map(|policy| policy.recompute.contains(&layer));
        let mut clause = if before == after {
            String::new()
        } else {
            of_updates(before, after)
        };
        if was_again != is_again {
            let and = if clause.is_empty() { "" } else { ", " };
            let how = if is_again { "computed again" } else { "kept" };
            clause = format!("{clause}{and}input {how}");
        }
        let [chose, chooses] = [old, new].map(|policy| policy.own_channels(layer));
        if chose != chooses && after.ratio() > 0.0 {
            let and = if clause.is_empty() { "" } else { ", " };
            let which = match chooses {
                Some(ChannelChoice::First) => "its first channels",
                Some(ChannelChoice::Largest) => "its channels with the largest weights",
                None => "channels as all layers",
            };
            clause = format!("{clause}{and}{which}");
        }
        if !clause.is_empty() {
            clauses.push(format!("layer {layer}: {clause}"));
        }
    }
    clauses
}

/// `ratio 1 → 1/2`, `frozen → bias`.
fn of_updates(before: LayerUpdate, after: LayerUpdate) -> String {
    let both = before.ratio() > 0.0 && after.ratio() > 0.0;
    let [before, after] = [before, after].map(|update| match update {
        LayerUpdate::Frozen => "frozen".to_owned(),
        LayerUpdate::Bias => "bias".to_owned(),
        LayerUpdate::Weights { ratio } if both => text::ratio(ratio),
        LayerUpdate::Weights { ratio } => format!("ratio {}", text::ratio(ratio)),
    });
    let named = if both { "ratio " } else { "" };
    format!("{named}{}", change(&before, &after))
}

fn change(old: &str, new: &str) -> String {
    format!("{old} \u{2192} {new}")
}

#[cfg(test)]
mod tests {
    use quartermeg_core::quant::Rules;
    use quartermeg_formats::scenario::{KEYBOARD, WATCH};
    use quartermeg_formats::setup::RateSchedule;

    use super::*;

    fn changed(change: impl FnOnce(&mut Setup)) -> String {
        let old = KEYBOARD.default_setup();
        let mut new = old.clone();
        change(&mut new);
        clauses(&old, &new).join("; ")
    }

    #[test]
    fn each_setting_is_told_with_both_values() {
        assert_eq!(changed(|_| ()), "");
        assert_eq!(changed(|it| it.seed = 7), "seed 4 → 7");
        assert_eq!(changed(|it| it.qas = false), "QAS on → off");
        assert_eq!(
            changed(|it| it.budget_bytes = 1_536),
            "budget 256.0 KiB (262,144 B) → 1.5 KiB (1,536 B)"
        );
        assert_eq!(
            changed(|it| it.stop_after = 1_200),
            "stop after 500 → 1,200"
        );
        assert_eq!(
            changed(|it| it.schedule = RateSchedule::Cosine { warmup_steps: 5 }),
            "schedule constant → cosine:5"
        );
        let of_rules = changed(|it| it.rules = Rules::TFLM);
        assert!(of_rules.starts_with("numerics device → "), "{of_rules}");
        let several = changed(|it| {
            it.learning_rate = 0.5;
            it.bias_rate_factor = 2.0;
            it.momentum = 0.25;
        });
        assert!(
            several.contains(" → 0.5; rate of biases ×1 → ×2; momentum ")
                && several.ends_with(" → 0.25"),
            "{several}"
        );
    }

    #[test]
    fn few_layers_are_named_and_many_counted() {
        let weights = |ratio| LayerUpdate::Weights { ratio };
        let of = |old: LayerUpdate, new: LayerUpdate| {
            let mut before = KEYBOARD.default_setup();
            let mut after = before.clone();
            before.policy.set(2, old);
            after.policy.set(2, new);
            clauses(&before, &after).join("; ")
        };
        let (half, one) = (weights(0.5), weights(1.0));
        assert_eq!(of(one, half), "layer 2: ratio 1 → 1/2");
        assert_eq!(
            of(LayerUpdate::Frozen, LayerUpdate::Bias),
            "layer 2: frozen → bias"
        );
        assert_eq!(of(half, LayerUpdate::Frozen), "layer 2: ratio 1/2 → frozen");
        assert_eq!(
            changed(|it| {
                let last = it.policy.layers.len() - 1;
                it.policy.set(last, one);
                it.policy.set_recompute(last, true);
                it.policy.layers[0] = LayerUpdate::Bias;
                it.policy.layers[1] = LayerUpdate::Bias;
                it.policy.layers[2] = LayerUpdate::Bias;
            }),
            "4 layers"
        );
        let [mut before, mut after] = [0, 0].map(|_| KEYBOARD.default_setup());
        before.policy.set(3, one);
        after.policy.set(3, one);
        after.policy.set_recompute(3, true);
        assert_eq!(clauses(&before, &after), ["layer 3: input computed again"]);
        assert_eq!(clauses(&after, &before), ["layer 3: input kept"]);
        let choose = |setup: &mut Setup, choice| setup.policy.set_channels(3, choice);
        choose(&mut before, Some(ChannelChoice::First));
        assert_eq!(
            clauses(&before, &after),
            ["layer 3: input computed again, channels as all layers"]
        );
        after.policy.set_recompute(3, false);
        assert_eq!(clauses(&after, &before), ["layer 3: its first channels"]);
        choose(&mut after, Some(ChannelChoice::Largest));
        assert_eq!(
            clauses(&before, &after),
            ["layer 3: its channels with the largest weights"]
        );
    }

    #[test]
    fn networks_that_differ_are_not_compared_layer_by_layer() {
        assert_eq!(
            clauses(&KEYBOARD.default_setup(), &WATCH.default_setup()).len(),
            1
        );
        let n_layers = KEYBOARD.default_setup().policy.layers.len();
        assert_eq!(
            changed(|it| it.policy.layers.push(LayerUpdate::Frozen)),
            format!("layers {n_layers} → {}", n_layers + 1)
        );
    }
}
