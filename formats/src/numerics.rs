//! Profiles and rules of the arithmetic as people name them (`docs/numerics.md`).
//!
//! As text, rules are a profile and what differs from it: `device`, or
//! `device,update:nearest,gradient:int8`.

use quartermeg_core::quant::{N_RULES, Rules};

/// A named set of rules.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// Name in files, links and on the command line.
    pub id: &'static str,
    /// Name as people see it.
    pub name: &'static str,
    /// What it is.
    pub help: &'static str,
    /// Its rules.
    pub rules: Rules,
}

/// All profiles, the default first.
pub const PROFILES: [Profile; 4] = [
    Profile {
        id: "device",
        name: "Device",
        help: "int8 weights in place, stochastic rounding: what a chip does here.",
        rules: Rules::DEVICE,
    },
    Profile {
        id: "simulator",
        name: "Simulator",
        help: "The paper's released PyTorch simulator: float masters of weights and biases.",
        rules: Rules::SIMULATOR,
    },
    Profile {
        id: "tinyengine",
        name: "TinyEngine (rules re-created)",
        help: "The paper's released firmware: truncation, no gradient through shortcuts.",
        rules: Rules::TINYENGINE,
    },
    Profile {
        id: "tflm",
        name: "Device, TFLM forward",
        help: "As device, with the forward pass of TensorFlow Lite Micro.",
        rules: Rules::TFLM,
    },
];

/// One rule and its choices, in the order of [`Rules::choices`].
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Name in text.
    pub id: &'static str,
    /// Name as people see it.
    pub name: &'static str,
    /// What it decides.
    pub help: &'static str,
    /// Name in text and name as people see it of each choice.
    pub choices: &'static [(&'static str, &'static str)],
}

/// Position of the rule about the storage of gradients.
pub const GRADIENT: usize = 2;
/// Position of the rule about updates.
pub const UPDATE: usize = 3;
/// Position of the rule about the channels that a ratio stands for.
pub const CHANNELS: usize = 8;
/// Position of the rule about the optimizer.
pub const OPTIMIZER: usize = 10;

/// All rules.
pub const RULES: [Rule; N_RULES] = [
    Rule {
        id: "requantize",
        name: "Requantize",
        help: "How an accumulator becomes an int8 code.",
        choices: &[
            ("half-even", "round half to even"),
            ("float-bias", "float bias, half to even"),
            ("truncate", "truncate"),
            ("fixed", "fixed point (TFLM)"),
        ],
    },
    Rule {
        id: "elementwise",
        name: "Adds and pools",
        help: "How residual adds and average pools round.",
        choices: &[
            ("half-even", "half to even"),
            ("half-away", "half away from zero"),
            ("fixed", "fixed point (TFLM)"),
        ],
    },
    Rule {
        id: "gradient",
        name: "Gradient width",
        help: "How gradients at activations are stored.",
        choices: &[("f32", "float32"), ("int8", "int8 with one scale")],
    },
    Rule {
        id: "update",
        name: "Update rounding",
        help: "How an update smaller than one code reaches an int8 weight.",
        choices: &[
            ("stochastic", "stochastic"),
            ("nearest", "nearest"),
            ("truncate", "truncate"),
            ("int16", "int16"),
            ("master", "float32 master"),
        ],
    },
    Rule {
        id: "codes",
        name: "Codes of masters",
        help: "Whether a float master may round to more than 127.",
        choices: &[("clamped", "at most 127"), ("unclamped", "any")],
    },
    Rule {
        id: "dead",
        name: "Dead channels",
        help: "Channels whose weight scale is below 1e-6.",
        choices: &[("frozen", "left as they are"), ("updated", "updated")],
    },
    Rule {
        id: "shortcut",
        name: "Shortcut gradient",
        help: "Whether the gradient flows through shortcuts.",
        choices: &[("accumulated", "flows"), ("dropped", "dropped")],
    },
    Rule {
        id: "input",
        name: "Weight gradient's input",
        help: "Whether the input's zero point is subtracted.",
        choices: &[("centered", "zero point subtracted"), ("raw", "raw code")],
    },
    Rule {
        id: "channels",
        name: "Channels of a ratio",
        help: "Which input channels learn at a ratio below 1.",
        choices: &[("largest", "largest weights"), ("first", "first ones")],
    },
    Rule {
        id: "logits",
        name: "Logits of an int8 classifier",
        help: "What the softmax sees.",
        choices: &[("real", "dequantized"), ("codes", "raw codes")],
    },
    Rule {
        id: "optimizer",
        name: "Optimizer",
        help: "Momentum costs four bytes for every parameter that learns.",
        choices: &[("sgd", "SGD"), ("momentum", "SGD with momentum")],
    },
    Rule {
        id: "classifier",
        name: "Classifier",
        help: "float32 weights, or int8 weights whose codes are eight times the logits.",
        choices: &[("f32", "float32"), ("int8", "int8, logits in steps of 1/8")],
    },
];

/// Why a text names no rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumericsError {
    /// The part that has no meaning, cut to 40 characters.
    pub part: String,
}

/// Reads rules.
///
/// # Errors
/// The first part that names no profile, rule or choice.
pub fn parse(text: &str) -> Result<Rules, NumericsError> {
    let error = |part: &str| NumericsError {
        part: part.chars().take(40).collect(),
    };
    let (profile, parts) = text.split_once(',').unwrap_or((text, ""));
    let profile = PROFILES
        .iter()
        .find(|known| known.id == profile)
        .ok_or_else(|| error(profile))?;
    let mut choices = profile.rules.choices();
    for part in parts.split(',').filter(|part| !part.is_empty()) {
        let found = part.split_once(':').and_then(|(rule, choice)| {
            let at = RULES.iter().position(|known| known.id == rule)?;
            let mut known = RULES[at].choices.iter().zip(0u8..);
            let (_, number) = known.find(|((id, _), _)| *id == choice)?;
            Some((at, number))
        });
        let (at, number) = found.ok_or_else(|| error(part))?;
        choices[at] = number;
    }
    Rules::from_choices(choices).ok_or_else(|| error(text))
}

/// These rules with another choice for one of them, by its position in [`RULES`]; `None` where
/// there is no such choice.
#[must_use]
pub fn with_choice(rules: Rules, rule: usize, choice: u8) -> Option<Rules> {
    let mut choices = rules.choices();
    *choices.get_mut(rule)? = choice;
    Rules::from_choices(choices)
}

/// The profile from which rules differ least, and where: positions in [`RULES`].
#[must_use]
pub fn nearest_profile(rules: Rules) -> (&'static Profile, Vec<usize>) {
    let of = |profile: &Profile| -> Vec<usize> {
        let (mine, theirs) = (rules.choices(), profile.rules.choices());
        (0..N_RULES).filter(|&at| mine[at] != theirs[at]).collect()
    };
    let mut best = (&PROFILES[0], of(&PROFILES[0]));
    for profile in &PROFILES[1..] {
        let differences = of(profile);
        if differences.len() < best.1.len() {
            best = (profile, differences);
        }
    }
    best
}

/// Writes rules; [`parse`] reads them back.
#[must_use]
pub fn text(rules: Rules) -> String {
    let (profile, differences) = nearest_profile(rules);
    let choices = rules.choices();
    let mut text = profile.id.to_owned();
    for at in differences {
        let (id, _) = RULES[at].choices[usize::from(choices[at])];
        text.push(',');
        text.push_str(RULES[at].id);
        text.push(':');
        text.push_str(id);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn profiles_are_named_and_differences_follow() {
        for profile in PROFILES {
            assert_eq!(text(profile.rules), profile.id);
        }
        let rules = parse("simulator,update:int16").expect("known");
        assert_eq!(text(rules), "simulator,update:int16");
        for wrong in [
            "",
            "chip",
            "device,update",
            "device,update:none",
            "device;x",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_rules_come_back(choices in proptest::array::uniform12(0u8..5)) {
            if let Some(rules) = Rules::from_choices(choices) {
                prop_assert_eq!(parse(&text(rules)), Ok(rules));
            }
        }
    }
}
