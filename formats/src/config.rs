//! `quartermeg.json`: a configuration that people can read, with or without trained weights
//! (`docs/formats.md`, schema in `static/quartermeg.schema.json`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use quartermeg_core::network::Network;
use quartermeg_core::policy::{LayerUpdate, Policy};
use quartermeg_core::program::Program;
use quartermeg_core::quant::ChannelChoice;
use serde::{Deserialize, Serialize};

use crate::numerics;
use crate::scenario;
use crate::setup::{
    BIAS_RATE_RANGE, BUDGET_RANGE, Head, LEARNING_RATE_RANGE, MAX_STEPS, MOMENTUM_RANGE,
    RateSchedule, Setup,
};

/// Value of the field `format`.
pub const FORMAT: &str = "quartermeg";
/// Version of the layout that this code writes and reads.
pub const VERSION: u32 = 1;

/// A configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Configuration {
    /// Always `quartermeg`.
    pub format: String,
    /// Version of this layout.
    pub version: u32,
    /// Version of the core that wrote it.
    pub core_version: String,
    /// SHA-256 of network, policy and plan, as hexadecimal digits.
    pub identity: String,
    /// Id of the scenario.
    pub scenario: String,
    /// The device.
    pub device: DevicePart,
    /// Training settings.
    pub training: TrainingPart,
    /// The new classifier where the samples are a person's own; absent where the network's own is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classifier: Option<ClassifierPart>,
    /// What learns, one entry a convolution in order of its index; the classifier always learns.
    pub policy: Vec<PolicyRow>,
    /// What the plan needs.
    pub memory: MemoryPart,
    /// Trained weights, if they were wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trained: Option<TrainedPart>,
}

/// The device and its budget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DevicePart {
    /// Id of the device.
    pub id: String,
    /// Bytes that the one block may use.
    pub budget_bytes: u32,
}

/// Training settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TrainingPart {
    /// The arithmetic: a profile, and the rules that differ from it.
    pub numerics: String,
    /// Learning rate.
    pub learning_rate: f32,
    /// What the rate of biases is multiplied by.
    #[serde(default = "one")]
    pub bias_rate_factor: f32,
    /// `constant`, or `cosine` with the steps of its rise: `cosine:50`.
    #[serde(default = "constant")]
    pub schedule: String,
    /// Share of the momentum buffer that is kept, where the optimizer has one.
    #[serde(default = "usual_momentum")]
    pub momentum: f32,
    /// Whether gradients are scaled by QAS.
    pub qas: bool,
    /// Seed of rounding noise and sample order.
    pub seed: u64,
    /// Steps after which training stops.
    pub stop_after_steps: u32,
}

/// A new classifier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ClassifierPart {
    /// Number of classes.
    pub classes: u32,
    /// How the start values are drawn: `uniform-fan-in`, uniform in ±1/sqrt(features).
    pub start: String,
    /// Seed of the start values.
    pub seed: u64,
}

fn one() -> f32 {
    1.0
}

fn constant() -> String {
    RateSchedule::Constant.text()
}

fn usual_momentum() -> f32 {
    0.9
}

/// What one convolution updates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PolicyRow {
    /// Index of the convolution, from the input, 0-based.
    pub layer: u32,
    /// Its name.
    pub name: String,
    /// Whether the bias learns.
    pub bias: bool,
    /// Ratio of the input channels whose weights learn; 0 for none. Weights learn only with
    /// their bias.
    pub weight_ratio: f32,
    /// Whether the input is computed again for the gradient of the weights instead of being kept:
    /// fewer bytes, more multiply-accumulates, the same weights.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub recompute: bool,
    /// Which input channels learn at this ratio; where it is left out, those that the numerics
    /// choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<ChannelsPart>,
}

/// Which channels of a ratio learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum ChannelsPart {
    /// Those with the largest weights.
    Largest,
    /// The first ones.
    First,
}

impl From<ChannelChoice> for ChannelsPart {
    fn from(choice: ChannelChoice) -> Self {
        match choice {
            ChannelChoice::Largest => Self::Largest,
            ChannelChoice::First => Self::First,
        }
    }
}

impl From<ChannelsPart> for ChannelChoice {
    fn from(part: ChannelsPart) -> Self {
        match part {
            ChannelsPart::Largest => Self::Largest,
            ChannelsPart::First => Self::First,
        }
    }
}

/// What the plan needs, in bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MemoryPart {
    /// The one block.
    pub arena_bytes: u32,
    /// Its first part, which keeps its contents from step to step.
    pub persistent_bytes: u32,
    /// What no placement can go below, for this order of operations.
    pub lower_bound_bytes: u32,
}

/// Trained weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TrainedPart {
    /// Steps they took.
    pub steps: u32,
    /// SHA-256 over all weights, as hexadecimal digits.
    pub weights_digest: String,
    /// The persistent part of the block as base64; absent where the program carries it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<String>,
}

/// Trained weights beside a setup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trained {
    /// Steps they took.
    pub steps: u32,
    /// The persistent part of the block.
    pub state: Vec<u8>,
    /// SHA-256 over all weights, as hexadecimal digits.
    pub weights_digest: String,
}

/// What a configuration or a program restores.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// Everything that a person chose.
    pub setup: Setup,
    /// SHA-256 of network, policy and plan, as hexadecimal digits.
    pub identity: String,
    /// Trained weights, if they are inside.
    pub trained: Option<Trained>,
}

/// Why a configuration was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// It is not JSON, or a field is missing or of another type; the reader's reason.
    Json(String),
    /// It is JSON, but not a configuration of Quartermeg.
    Foreign,
    /// It is of a newer version.
    Version {
        /// The file's version.
        found: u32,
    },
    /// A field holds what cannot be used.
    Field {
        /// The field.
        field: &'static str,
        /// What it holds.
        found: String,
    },
    /// The trained weights are damaged.
    Parameters,
}

/// Describes a compiled setup. `trained` carries steps, digest and the persistent part;
/// `with_parameters` writes the latter as text.
#[must_use]
pub fn describe<B: AsRef<[u8]>>(
    setup: &Setup,
    network: &Network,
    program: &Program<B>,
    trained: Option<&Trained>,
    with_parameters: bool,
) -> Configuration {
    let meta = program.meta();
    Configuration {
        format: FORMAT.to_owned(),
        version: VERSION,
        core_version: env!("CARGO_PKG_VERSION").to_owned(),
        identity: hex(&program.identity()),
        scenario: setup.scenario.clone(),
        device: DevicePart {
            id: setup.device.clone(),
            budget_bytes: setup.budget_bytes,
        },
        training: TrainingPart {
            numerics: numerics::text(setup.rules),
            learning_rate: setup.learning_rate,
            bias_rate_factor: setup.bias_rate_factor,
            schedule: setup.schedule.text(),
            momentum: setup.momentum,
            qas: setup.qas,
            seed: setup.seed,
            stop_after_steps: setup.stop_after,
        },
        classifier: setup.head.map(|head| ClassifierPart {
            classes: head.n_classes,
            start: Head::START.to_owned(),
            seed: head.seed,
        }),
        policy: policy_rows(network, &setup.policy),
        memory: MemoryPart {
            arena_bytes: meta.arena_bytes,
            persistent_bytes: meta.persistent_bytes,
            lower_bound_bytes: meta.lower_bound_bytes,
        },
        trained: trained.map(|trained| TrainedPart {
            steps: trained.steps,
            weights_digest: trained.weights_digest.clone(),
            parameters: with_parameters.then(|| BASE64.encode(&trained.state)),
        }),
    }
}

/// A policy, one row a convolution in order of its index.
pub(crate) fn policy_rows(network: &Network, policy: &Policy) -> Vec<PolicyRow> {
    network
        .convs()
        .zip(&policy.layers)
        .zip(0..)
        .map(|(((_, node, _), update), layer)| PolicyRow {
            layer,
            name: node.name.clone(),
            bias: update.updates_bias(),
            weight_ratio: update.ratio(),
            recompute: policy.recompute.contains(&(layer as usize)),
            channels: policy.own_channels(layer as usize).map(ChannelsPart::from),
        })
        .collect()
}

/// Writes a configuration as indented JSON with a final newline.
#[must_use]
pub fn to_json(configuration: &Configuration) -> String {
    let mut text = serde_json::to_string_pretty(configuration)
        .expect("invariant: a configuration has only text, numbers and lists");
    text.push('\n');
    text
}

/// Reads a configuration.
///
/// # Errors
/// What is wrong with it, and which field.
pub fn read(text: &[u8]) -> Result<Opened, ConfigError> {
    let value: serde_json::Value =
        serde_json::from_slice(text).map_err(|error| ConfigError::Json(error.to_string()))?;
    if value.get("format").and_then(|format| format.as_str()) != Some(FORMAT) {
        return Err(ConfigError::Foreign);
    }
    let version = value
        .get("version")
        .and_then(serde_json::Value::as_u64)
        .unwrap_or_default();
    if version != u64::from(VERSION) {
        return Err(ConfigError::Version {
            found: u32::try_from(version).unwrap_or(u32::MAX),
        });
    }
    // Once more from the text, because its reader names the line of a fault.
    let configuration: Configuration =
        serde_json::from_slice(text).map_err(|error| ConfigError::Json(error.to_string()))?;
    let setup = setup_of(&configuration)?;
    let trained = configuration
        .trained
        .and_then(|trained| {
            trained.parameters.map(|parameters| {
                Ok(Trained {
                    steps: trained.steps,
                    state: BASE64
                        .decode(parameters)
                        .map_err(|_damaged| ConfigError::Parameters)?,
                    weights_digest: trained.weights_digest,
                })
            })
        })
        .transpose()?;
    Ok(Opened {
        setup,
        identity: configuration.identity,
        trained,
    })
}

pub(crate) fn setup_of(configuration: &Configuration) -> Result<Setup, ConfigError> {
    let field = |field, found: &dyn std::fmt::Display| ConfigError::Field {
        field,
        found: found.to_string().chars().take(60).collect(),
    };
    let scenario = scenario::by_id(&configuration.scenario)
        .ok_or_else(|| field("scenario", &configuration.scenario))?;
    if quartermeg_core::device::by_id(&configuration.device.id).is_none() {
        return Err(field("device.id", &configuration.device.id));
    }
    let budget_bytes = configuration.device.budget_bytes;
    if !(BUDGET_RANGE[0]..=BUDGET_RANGE[1]).contains(&budget_bytes) {
        return Err(field("device.budget_bytes", &budget_bytes));
    }
    let training = &configuration.training;
    let rules = numerics::parse(&training.numerics)
        .map_err(|_unknown| field("training.numerics", &training.numerics))?;
    let schedule = RateSchedule::parse(&training.schedule)
        .ok_or_else(|| field("training.schedule", &training.schedule))?;
    let ranges = [
        (
            "training.learning_rate",
            training.learning_rate,
            LEARNING_RATE_RANGE,
        ),
        (
            "training.bias_rate_factor",
            training.bias_rate_factor,
            BIAS_RATE_RANGE,
        ),
        ("training.momentum", training.momentum, MOMENTUM_RANGE),
    ];
    for (name, value, [lowest, highest]) in ranges {
        if !(lowest..=highest).contains(&value) {
            return Err(field(name, &value));
        }
    }
    if !(1..=MAX_STEPS).contains(&training.stop_after_steps) {
        return Err(field(
            "training.stop_after_steps",
            &training.stop_after_steps,
        ));
    }
    let head = head_of(scenario.is_own(), configuration.classifier.as_ref())
        .map_err(|found| field("classifier", &found))?;
    // Only the file of a person's own network knows how many layers it has.
    let expected = if scenario.is_own_network() {
        configuration.policy.len()
    } else {
        scenario.default_setup().policy.layers.len()
    };
    if configuration.policy.len() != expected {
        let rows = format!("{} rows instead of {expected}", configuration.policy.len());
        return Err(field("policy", &rows));
    }
    let mut layers = Vec::with_capacity(expected);
    let (mut recompute, mut channels) = (Vec::new(), Vec::new());
    for (row, layer) in configuration.policy.iter().zip(0..) {
        let in_order = row.layer == layer;
        let ratio_fits = (0.0..=1.0).contains(&row.weight_ratio);
        let learns = row.weight_ratio > 0.0;
        let chooses = row.recompute || row.channels.is_some();
        if !in_order || !ratio_fits || (learns && !row.bias) || (chooses && !learns) {
            let choice = match row.channels {
                Some(choice) => format!(", channels {choice:?}"),
                None => String::new(),
            };
            let found = format!(
                "layer {}: bias {}, weight_ratio {}, recompute {}{choice}",
                row.layer, row.bias, row.weight_ratio, row.recompute
            );
            return Err(field("policy", &found));
        }
        if row.recompute {
            recompute.push(layers.len());
        }
        if let Some(choice) = row.channels {
            channels.push((layers.len(), choice.into()));
        }
        layers.push(match (row.bias, learns) {
            (_, true) => LayerUpdate::Weights {
                ratio: row.weight_ratio,
            },
            (true, false) => LayerUpdate::Bias,
            (false, false) => LayerUpdate::Frozen,
        });
    }
    Ok(Setup {
        scenario: configuration.scenario.clone(),
        device: configuration.device.id.clone(),
        budget_bytes,
        learning_rate: training.learning_rate,
        bias_rate_factor: training.bias_rate_factor,
        schedule,
        momentum: training.momentum,
        qas: training.qas,
        rules,
        seed: training.seed,
        stop_after: training.stop_after_steps,
        head,
        policy: Policy {
            layers,
            recompute,
            channels,
        },
    })
}

/// The new classifier that a configuration asks for, or what it asks for in vain.
fn head_of(is_own: bool, part: Option<&ClassifierPart>) -> Result<Option<Head>, String> {
    let Some(part) = part else {
        return Ok(None);
    };
    let head = Head {
        n_classes: part.classes,
        seed: part.seed,
    };
    if is_own && part.start == Head::START && head.is_possible() {
        return Ok(Some(head));
    }
    Err(format!("{} classes, start {}", part.classes, part.start))
}

/// Bytes as hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::{env, fs};

    use super::*;

    /// Set `QUARTERMEG_WRITE_SCHEMA` to write the file instead of comparing it.
    #[test]
    fn the_published_schema_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../static/quartermeg.schema.json");
        let schema = schemars::schema_for!(Configuration);
        let mut text = serde_json::to_string_pretty(&schema).expect("JSON");
        text.push('\n');
        if env::var_os("QUARTERMEG_WRITE_SCHEMA").is_some() {
            fs::write(&path, &text).expect("the schema can be written");
        }
        assert_eq!(
            fs::read_to_string(path).expect("the published schema"),
            text
        );
    }

    #[test]
    fn foreign_newer_and_broken_configurations_are_told_apart() {
        assert!(matches!(read(b"{"), Err(ConfigError::Json(_))));
        assert_eq!(read(b"{\"a\":1}"), Err(ConfigError::Foreign));
        let newer = b"{\"format\":\"quartermeg\",\"version\":2}";
        assert_eq!(read(newer), Err(ConfigError::Version { found: 2 }));
        let missing = b"{\"format\":\"quartermeg\",\"version\":1}";
        assert!(matches!(read(missing), Err(ConfigError::Json(_))));
    }
}
