//! What a person chooses: the part of a link, a configuration and a page that decides which
//! weights come out.

use quartermeg_core::policy::Policy;
use quartermeg_core::program::{Schedule, Settings};
use quartermeg_core::quant::Rules;

/// Smallest and largest memory budget, in bytes.
pub const BUDGET_RANGE: [u32; 2] = [16 * 1024, u32::MAX];
/// Smallest and largest learning rate.
pub const LEARNING_RATE_RANGE: [f32; 2] = [1e-6, 10.0];
/// Largest number of steps after which training may stop.
pub const MAX_STEPS: u32 = 10_000_000;

/// Smallest and largest factor between the rates of biases and weights.
pub const BIAS_RATE_RANGE: [f32; 2] = [0.0, 16.0];
/// Smallest and largest momentum.
pub const MOMENTUM_RANGE: [f32; 2] = [0.0, 0.999];

/// How the learning rate changes; a cosine reaches zero where training stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateSchedule {
    /// It does not.
    Constant,
    /// Up in a straight line for some steps, then down along half a cosine.
    Cosine {
        /// Steps of the rise.
        warmup_steps: u32,
    },
}

impl RateSchedule {
    /// `constant`, `cosine`, or `cosine:50` for a rise of 50 steps.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Constant => "constant".to_owned(),
            Self::Cosine { warmup_steps: 0 } => "cosine".to_owned(),
            Self::Cosine { warmup_steps } => format!("cosine:{warmup_steps}"),
        }
    }

    /// Reads such a text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "constant" => Some(Self::Constant),
            "cosine" => Some(Self::Cosine { warmup_steps: 0 }),
            _ => {
                let warmup_steps = text.strip_prefix("cosine:")?.parse().ok()?;
                (warmup_steps <= MAX_STEPS).then_some(Self::Cosine { warmup_steps })
            }
        }
    }
}

/// Smallest and largest number of classes of a new classifier.
pub const CLASSES_RANGE: [u32; 2] = [2, 20];

/// A new classifier in place of the network's own: its start values are uniform in
/// ±1/sqrt(features), a function of the seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Classes.
    pub n_classes: u32,
    /// Seed of the start values.
    pub seed: u64,
}

impl Default for Head {
    fn default() -> Self {
        Self {
            n_classes: CLASSES_RANGE[0],
            seed: 0,
        }
    }
}

impl Head {
    /// How the start values are drawn, as people and files call it.
    pub const START: &str = "uniform-fan-in";

    /// `3`, or `3:7` for a seed of 7; `own` for the network's own classifier.
    #[must_use]
    pub fn text(head: Option<Self>) -> String {
        match head {
            None => "own".to_owned(),
            Some(Self { n_classes, seed: 0 }) => n_classes.to_string(),
            Some(Self { n_classes, seed }) => format!("{n_classes}:{seed}"),
        }
    }

    /// Reads such a text; the inner `None` is the network's own classifier.
    #[must_use]
    pub fn parse(text: &str) -> Option<Option<Self>> {
        if text == "own" {
            return Some(None);
        }
        let (n_classes, seed) = text.split_once(':').unwrap_or((text, "0"));
        let head = Self {
            n_classes: n_classes.parse().ok()?,
            seed: seed.parse().ok()?,
        };
        head.is_possible().then_some(Some(head))
    }

    /// Whether the number of classes can be had.
    #[must_use]
    pub fn is_possible(self) -> bool {
        (CLASSES_RANGE[0]..=CLASSES_RANGE[1]).contains(&self.n_classes)
    }
}

/// Scenario, device, training settings and policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// Id of the scenario.
    pub scenario: String,
    /// Id of the device.
    pub device: String,
    /// Bytes that the one block may use.
    pub budget_bytes: u32,
    /// Learning rate.
    pub learning_rate: f32,
    /// What the rate of biases is multiplied by.
    pub bias_rate_factor: f32,
    /// How the rate changes.
    pub schedule: RateSchedule,
    /// Share of the momentum buffer that is kept, where the optimizer has one.
    pub momentum: f32,
    /// Whether gradients are scaled by QAS.
    pub qas: bool,
    /// The rules of the arithmetic.
    pub rules: Rules,
    /// Seed of rounding noise and sample order.
    pub seed: u64,
    /// Steps after which training stops.
    pub stop_after: u32,
    /// The new classifier where the samples are a person's own; none keeps the network's classifier.
    pub head: Option<Head>,
    /// What learns.
    pub policy: Policy,
}

impl Setup {
    /// The settings that go into a program.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            learning_rate: self.learning_rate,
            bias_rate_factor: self.bias_rate_factor,
            schedule: match self.schedule {
                RateSchedule::Constant => Schedule::Constant,
                RateSchedule::Cosine { warmup_steps } => Schedule::Cosine {
                    warmup_steps: warmup_steps.min(self.stop_after),
                    total_steps: self.stop_after,
                },
            },
            momentum: self.momentum,
            qas: self.qas,
            seed: self.seed,
        }
    }
}
