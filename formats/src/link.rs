//! Links: the state in a URL fragment, only what differs from the scenario's default.
//!
//! `#v=1&scenario=keyboard&device=256k&budget=262144&lr=0.01&qas=on&seed=1&stop=600`
//! `&policy=--b1&hide=draw,export&lock=seed,lr`
//!
//! A policy has one character a convolution: `-` frozen, `b` bias, `8` `4` `2` `1` bias and
//! weights at the ratio 1/8, 1/4, 1/2, 1; any other ratio stands in parentheses, `(0.3)`. Behind
//! weights, `r` says that the convolution's input is computed again instead of being kept.
//! A person's own network (`scenario=own`) takes a policy of any length. Where the classes are a
//! person's own (`own` and `person`) there is `head`: the classes of the new classifier and their
//! seed, `3` or `3:7`, or `own` for the classifier of the file.
//! Values that cannot be used are replaced by the default and reported, never fatal.

use std::fmt::Write as _;

use quartermeg_core::device;
use quartermeg_core::policy::{LayerUpdate, Policy};
use quartermeg_core::quant::ChannelChoice;

use crate::numerics;
use crate::scenario::{self, Scenario};
use crate::setup::{
    BIAS_RATE_RANGE, BUDGET_RANGE, Head, LEARNING_RATE_RANGE, MAX_STEPS, MOMENTUM_RANGE,
    RateSchedule, Setup,
};

/// Version of links that this code writes and reads.
pub const LINK_VERSION: u32 = 1;

/// Panels that a link may hide.
pub const PANELS: [&str; 12] = [
    "policy", "map", "loss", "qas", "draw", "accuracy", "analysis", "search", "drift", "export",
    "words", "runs",
];

/// Controls that a link may lock.
pub const LOCKS: [&str; 10] = [
    "scenario", "device", "budget", "lr", "qas", "numerics", "seed", "stop", "policy", "speed",
];

/// What a link says.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// What decides the weights.
    pub setup: Setup,
    /// Panels that the link hides, of [`PANELS`].
    pub hidden: Vec<String>,
    /// Controls that the link locks, of [`LOCKS`].
    pub locked: Vec<String>,
}

impl Link {
    /// The default of a scenario, nothing hidden or locked.
    #[must_use]
    pub fn of_scenario(scenario: &Scenario) -> Self {
        Self {
            setup: scenario.default_setup(),
            hidden: Vec::new(),
            locked: Vec::new(),
        }
    }
}

/// A part of a link that could not be taken as it was.
#[derive(Clone, Debug, PartialEq)]
pub enum Correction {
    /// The link is of a newer version; what is understood was taken.
    Version {
        /// What the link says.
        found: String,
    },
    /// There is no such key.
    UnknownKey {
        /// The key.
        key: String,
    },
    /// The value cannot be used; the default stands.
    Value {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// What stands instead.
        used: String,
    },
}

/// Why a policy text was refused: position of the first character that has no meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyTextError {
    /// Byte position.
    pub position: usize,
}

/// Reads a policy text.
///
/// # Errors
/// The position of the first character that has no meaning.
pub fn parse_policy(text: &str) -> Result<Policy, PolicyTextError> {
    let mut layers: Vec<LayerUpdate> = Vec::new();
    let mut recompute = Vec::new();
    let mut channels: Vec<(usize, ChannelChoice)> = Vec::new();
    let mut rest = text.char_indices();
    while let Some((position, character)) = rest.next() {
        if matches!(character, 'f' | 'l' | 'r') {
            let learning = layers.last().filter(|update| update.ratio() > 0.0);
            let layer = layers.len().wrapping_sub(1);
            let is_new = if character == 'r' {
                recompute.last() != Some(&layer)
            } else {
                channels.last().is_none_or(|&(last, _)| last != layer)
            };
            if learning.is_none() || !is_new {
                return Err(PolicyTextError { position });
            }
            match character {
                'f' => channels.push((layer, ChannelChoice::First)),
                'l' => channels.push((layer, ChannelChoice::Largest)),
                _ => recompute.push(layer),
            }
            continue;
        }
        let weights = |ratio| LayerUpdate::Weights { ratio };
        layers.push(match character {
            '-' => LayerUpdate::Frozen,
            'b' => LayerUpdate::Bias,
            '8' => weights(0.125),
            '4' => weights(0.25),
            '2' => weights(0.5),
            '1' => weights(1.0),
            '(' => {
                let number: String = rest
                    .by_ref()
                    .map(|(_, inner)| inner)
                    .take_while(|&inner| inner != ')')
                    .collect();
                let ratio: f32 = number
                    .parse()
                    .map_err(|_not_a_number| PolicyTextError { position })?;
                if !(0.0..=1.0).contains(&ratio) {
                    return Err(PolicyTextError { position });
                }
                weights(ratio)
            }
            _ => return Err(PolicyTextError { position }),
        });
    }
    Ok(Policy {
        layers,
        recompute,
        channels,
    })
}

/// Writes a policy text.
#[must_use]
pub fn policy_text(policy: &Policy) -> String {
    let mut text = String::new();
    for (layer, update) in policy.layers.iter().enumerate() {
        match update {
            LayerUpdate::Frozen => text.push('-'),
            LayerUpdate::Bias => text.push('b'),
            LayerUpdate::Weights { ratio } => {
                let bits = ratio.to_bits();
                match [0.125f32, 0.25, 0.5, 1.0]
                    .iter()
                    .position(|known| known.to_bits() == bits)
                {
                    Some(known) => text.push(['8', '4', '2', '1'][known]),
                    None => {
                        // Writing to a string cannot fail.
                        let _ = write!(text, "({ratio})");
                    }
                }
            }
        }
        match policy.own_channels(layer) {
            Some(ChannelChoice::First) => text.push('f'),
            Some(ChannelChoice::Largest) => text.push('l'),
            None => {}
        }
        if policy.recompute.binary_search(&layer).is_ok() {
            text.push('r');
        }
    }
    text
}

/// Writes the fragment, without `#`; empty for a scenario's default.
#[must_use]
pub fn to_fragment(link: &Link) -> String {
    let scenario = scenario::by_id(&link.setup.scenario).unwrap_or(&scenario::SCENARIOS[0]);
    let default = scenario.default_setup();
    let setup = &link.setup;
    let mut parts = Vec::new();
    let mut put = |key: &str, value: String, differs: bool| {
        if differs {
            parts.push(format!("{key}={value}"));
        }
    };
    put(
        "scenario",
        setup.scenario.clone(),
        setup.scenario != scenario::SCENARIOS[0].id,
    );
    put(
        "device",
        setup.device.clone(),
        setup.device != default.device,
    );
    let device_budget = device::by_id(&setup.device).map(|device| device.sram_bytes);
    put(
        "budget",
        setup.budget_bytes.to_string(),
        Some(setup.budget_bytes) != device_budget,
    );
    let lr_differs = setup.learning_rate.to_bits() != default.learning_rate.to_bits();
    put("lr", setup.learning_rate.to_string(), lr_differs);
    put(
        "qas",
        (if setup.qas { "on" } else { "off" }).to_owned(),
        setup.qas != default.qas,
    );
    put(
        "numerics",
        numerics::text(setup.rules),
        setup.rules != default.rules,
    );
    put(
        "biaslr",
        setup.bias_rate_factor.to_string(),
        setup.bias_rate_factor.to_bits() != default.bias_rate_factor.to_bits(),
    );
    put(
        "schedule",
        setup.schedule.text(),
        setup.schedule != default.schedule,
    );
    put(
        "momentum",
        setup.momentum.to_string(),
        setup.momentum.to_bits() != default.momentum.to_bits(),
    );
    put("seed", setup.seed.to_string(), setup.seed != default.seed);
    put(
        "stop",
        setup.stop_after.to_string(),
        setup.stop_after != default.stop_after,
    );
    put("head", Head::text(setup.head), setup.head != default.head);
    put(
        "policy",
        policy_text(&setup.policy),
        setup.policy != default.policy,
    );
    put("hide", link.hidden.join(","), !link.hidden.is_empty());
    put("lock", link.locked.join(","), !link.locked.is_empty());
    if parts.is_empty() {
        return String::new();
    }
    format!("v={LINK_VERSION}&{}", parts.join("&"))
}

/// Reads a link or its fragment, with or without what stands before `#`.
///
/// The number of layers of a policy is only known to the network; whoever compiles it checks it.
#[must_use]
pub fn parse(link: &str) -> (Link, Vec<Correction>) {
    let fragment = link.rsplit_once('#').map_or(link, |(_, fragment)| fragment);
    let pairs: Vec<(&str, &str)> = fragment
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .collect();
    let mut corrections = Vec::new();
    let value_of = |wanted: &str| {
        pairs
            .iter()
            .rev()
            .find(|(key, _)| *key == wanted)
            .map(|(_, value)| *value)
    };
    let chosen = match value_of("scenario") {
        Some(id) => scenario::by_id(id).unwrap_or_else(|| {
            corrections.push(value_correction("scenario", id, scenario::SCENARIOS[0].id));
            &scenario::SCENARIOS[0]
        }),
        None => &scenario::SCENARIOS[0],
    };
    let mut link = Link::of_scenario(chosen);
    // The device comes before the budget, whose default it sets.
    if let Some(id) = value_of("device") {
        match device::by_id(id) {
            Some(device) => {
                id.clone_into(&mut link.setup.device);
                link.setup.budget_bytes = device.sram_bytes;
            }
            None => corrections.push(value_correction("device", id, &link.setup.device)),
        }
    }
    for (key, value) in pairs {
        take(&mut link, key, value, &mut corrections);
    }
    (link, corrections)
}

fn value_correction(key: &str, value: &str, used: &str) -> Correction {
    Correction::Value {
        key: key.to_owned(),
        value: shortened(value),
        used: used.to_owned(),
    }
}

/// Text from outside, cut to a length that a sentence can hold.
fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

fn take(link: &mut Link, key: &str, value: &str, corrections: &mut Vec<Correction>) {
    let setup = &mut link.setup;
    let scenario = scenario::by_id(&setup.scenario).unwrap_or(&scenario::SCENARIOS[0]);
    let mut replaced = |used: String| corrections.push(value_correction(key, value, &used));
    match key {
        "scenario" | "device" => {}
        "v" => {
            if value != LINK_VERSION.to_string() {
                corrections.push(Correction::Version {
                    found: shortened(value),
                });
            }
        }
        "budget" => match value.parse::<u32>() {
            Ok(bytes) if (BUDGET_RANGE[0]..=BUDGET_RANGE[1]).contains(&bytes) => {
                setup.budget_bytes = bytes;
            }
            _ => replaced(setup.budget_bytes.to_string()),
        },
        "lr" => match value.parse::<f32>() {
            Ok(rate) if (LEARNING_RATE_RANGE[0]..=LEARNING_RATE_RANGE[1]).contains(&rate) => {
                setup.learning_rate = rate;
            }
            _ => replaced(setup.learning_rate.to_string()),
        },
        "qas" => match value {
            "on" => setup.qas = true,
            "off" => setup.qas = false,
            _ => replaced((if setup.qas { "on" } else { "off" }).to_owned()),
        },
        "numerics" => match numerics::parse(value) {
            Ok(rules) => setup.rules = rules,
            Err(_) => replaced(numerics::text(setup.rules)),
        },
        "biaslr" => match value.parse::<f32>() {
            Ok(factor) if (BIAS_RATE_RANGE[0]..=BIAS_RATE_RANGE[1]).contains(&factor) => {
                setup.bias_rate_factor = factor;
            }
            _ => replaced(setup.bias_rate_factor.to_string()),
        },
        "schedule" => match RateSchedule::parse(value) {
            Some(schedule) => setup.schedule = schedule,
            None => replaced(setup.schedule.text()),
        },
        "momentum" => match value.parse::<f32>() {
            Ok(share) if (MOMENTUM_RANGE[0]..=MOMENTUM_RANGE[1]).contains(&share) => {
                setup.momentum = share;
            }
            _ => replaced(setup.momentum.to_string()),
        },
        "seed" => match value.parse::<u64>() {
            Ok(seed) => setup.seed = seed,
            Err(_) => replaced(setup.seed.to_string()),
        },
        "stop" => match value.parse::<u32>() {
            Ok(steps) if (1..=MAX_STEPS).contains(&steps) => setup.stop_after = steps,
            _ => replaced(setup.stop_after.to_string()),
        },
        "head" if scenario.is_own() => match Head::parse(value) {
            Some(head) => setup.head = head,
            None => replaced(Head::text(setup.head)),
        },
        "policy" => match parse_policy(value) {
            // Only the file of a person's own network knows how many layers it has.
            Ok(policy)
                if scenario.is_own_network()
                    || policy.layers.len() == setup.policy.layers.len() =>
            {
                setup.policy = policy;
            }
            _ => replaced(policy_text(&setup.policy)),
        },
        "hide" => link.hidden = known(key, value, &PANELS, corrections),
        "lock" => link.locked = known(key, value, &LOCKS, corrections),
        _ => corrections.push(Correction::UnknownKey {
            key: shortened(key),
        }),
    }
}

/// The names of a list that exist; the others are reported.
fn known(key: &str, value: &str, names: &[&str], corrections: &mut Vec<Correction>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in value.split(',').filter(|name| !name.is_empty()) {
        if !names.contains(&name) {
            corrections.push(value_correction(key, name, "nothing"));
        } else if !found.iter().any(|known| known == name) {
            found.push(name.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_default_is_an_empty_fragment() {
        let link = Link::of_scenario(&scenario::KEYBOARD);
        assert_eq!(to_fragment(&link), "");
        assert_eq!(parse("https://example.org/page#"), (link, vec![]));
    }

    #[test]
    fn a_changed_link_comes_back_the_same() {
        let mut link = Link::of_scenario(&scenario::KEYBOARD);
        link.setup.learning_rate = 0.1 + 0.2;
        link.setup.seed = u64::MAX;
        link.setup.qas = false;
        link.setup.rules = numerics::parse("simulator,gradient:int8").expect("known");
        link.setup.bias_rate_factor = 0.5;
        link.setup.momentum = 0.8;
        link.setup.schedule = RateSchedule::Cosine { warmup_steps: 7 };
        link.setup.device = "stm32f746".to_owned();
        link.setup.budget_bytes = 100_000;
        link.setup.policy.layers[0] = LayerUpdate::Weights { ratio: 0.3 };
        link.setup.policy.channels = vec![(0, ChannelChoice::First)];
        link.hidden = vec!["draw".to_owned()];
        link.locked = vec!["seed".to_owned(), "lr".to_owned()];
        assert_eq!(parse(&to_fragment(&link)), (link, vec![]));
    }

    #[test]
    fn a_custom_board_stands_in_the_link_with_its_bytes() {
        let mut link = Link::of_scenario(&scenario::KEYBOARD);
        link.setup.device = "custom:204800:524288".to_owned();
        link.setup.budget_bytes = 204_800;
        assert_eq!(to_fragment(&link), "v=1&device=custom:204800:524288");
        assert_eq!(parse(&to_fragment(&link)), (link, vec![]));
        let (link, corrections) = parse("#device=custom:1:1");
        assert_eq!((link.setup.device.as_str(), corrections.len()), ("256k", 1));
    }

    #[test]
    fn an_own_network_has_any_number_of_layers_and_a_head() {
        let mut link = Link::of_scenario(&scenario::OWN);
        assert_eq!(to_fragment(&link), "v=1&scenario=own");
        link.setup.policy = parse_policy("--b1r2(0.3)r").expect("a policy");
        assert_eq!(link.setup.policy.recompute, [3, 5]);
        for (text, position) in [("r1", 0), ("1-r", 2), ("br", 1), ("1rr", 2), ("(0)r", 3)] {
            assert_eq!(parse_policy(text), Err(PolicyTextError { position }));
        }
        link.setup.policy = parse_policy("2fr-4l(0.3)f8").expect("a policy");
        assert_eq!(
            link.setup.policy.channels,
            [
                (0, ChannelChoice::First),
                (2, ChannelChoice::Largest),
                (3, ChannelChoice::First)
            ]
        );
        assert_eq!(policy_text(&link.setup.policy), "2fr-4l(0.3)f8");
        assert_eq!(parse_policy("2rf"), parse_policy("2fr"));
        for (text, position) in [("f2", 0), ("bf", 1), ("2fl", 2), ("2-l", 2), ("(0)f", 3)] {
            assert_eq!(parse_policy(text), Err(PolicyTextError { position }));
        }
        for head in [
            None,
            Some(Head {
                n_classes: 3,
                seed: 0,
            }),
            Some(Head {
                n_classes: 20,
                seed: 9,
            }),
        ] {
            link.setup.head = head;
            assert_eq!(parse(&to_fragment(&link)), (link.clone(), vec![]));
        }
        for (text, n_corrections) in [
            ("head=1", 1),
            ("head=21", 1),
            ("head=3:x", 1),
            ("head=3", 0),
        ] {
            let (_, corrections) = parse(&format!("#scenario=own&{text}"));
            assert_eq!(corrections.len(), n_corrections, "{text}");
        }
        let (link, corrections) = parse("#scenario=person&head=3&policy=-");
        assert_eq!(link.setup.head.map(|head| head.n_classes), Some(3));
        assert_eq!(link.setup.policy.layers.len(), 27);
        assert_eq!(corrections.len(), 1);
        let (link, corrections) = parse("#head=3");
        assert_eq!((link.setup.head, corrections.len()), (None, 1));
    }

    #[test]
    fn what_cannot_be_used_is_replaced_and_reported() {
        let (link, corrections) =
            parse("#v=9&lr=nan&seed=-1&policy=xyz&colour=red&hide=map,moon&budget=1");
        let mut expected = Link::of_scenario(&scenario::KEYBOARD);
        expected.hidden = vec!["map".to_owned()];
        assert_eq!(link, expected);
        assert_eq!(corrections.len(), 7);
    }

    proptest! {
        #[test]
        fn any_text_gives_a_link(text in ".{0,200}") {
            let (link, _) = parse(&text);
            prop_assert_eq!(parse(&to_fragment(&link)), (link, vec![]));
        }

        #[test]
        fn any_values_give_a_link(
            key in "(v|scenario|device|budget|lr|qas|numerics|biaslr|schedule|momentum|seed|stop|head|policy|hide|lock)",
            value in "[-a-z0-9.,:()+e]{0,40}",
        ) {
            let (link, _) = parse(&format!("#{key}={value}"));
            prop_assert_eq!(parse(&to_fragment(&link)), (link, vec![]));
        }
    }
}
