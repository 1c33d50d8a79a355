//! What ships: a network, samples, and the settings that a newcomer meets.

use std::borrow::Cow;

use quartermeg_core::network::Network;
use quartermeg_core::policy::{LayerUpdate, Policy};
use quartermeg_core::quant::Rules;

use crate::own;
use crate::setup::{Head, RateSchedule, Setup};

/// What a sample is, and so what a person can add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleKind {
    /// A grey image that a person can draw.
    Drawing,
    /// A window of a motion recording.
    Motion,
    /// Whatever a person brings, in classes of their own.
    Own,
}

/// A scenario and its files, which lie beside the page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scenario {
    /// Name in links and files.
    pub id: &'static str,
    /// Name as people see it.
    pub name: &'static str,
    /// Path of the network file, relative to the page; empty where a person brings it.
    pub network_path: &'static str,
    /// Path of the file of samples, relative to the page; empty where a person brings them.
    pub samples_path: &'static str,
    /// Path of the file of contributions (`docs/formats.md`), relative to the page; empty where none
    /// ships.
    pub contributions_path: &'static str,
    /// What its samples are.
    pub samples: SampleKind,
    /// What the default policy does, one character a convolution (see [`crate::link`]).
    pub policy: &'static str,
    /// Learning rate of the default policy.
    pub learning_rate: f32,
    /// Seed of rounding noise and sample order.
    pub seed: u64,
    /// Steps after which training stops.
    pub stop_after: u32,
}

/// Printed digits learn to be handwritten ones.
pub const KEYBOARD: Scenario = Scenario {
    id: "keyboard",
    name: "Keyboard: learn my handwriting",
    network_path: "static/models/keyboard.safetensors",
    samples_path: "static/data/keyboard-digits.safetensors.gz",
    contributions_path: "static/data/keyboard-contributions.json",
    samples: SampleKind::Drawing,
    policy: "------------2b42b42b21b11b11b1",
    learning_rate: 0.004,
    // Of the first ten seeds the one whose loss falls most evenly, so that what a newcomer
    // watches is typical; its accuracy lies in the middle of theirs.
    seed: 4,
    stop_after: 500,
};

/// Exercises of right arms learn to be those of a new person's left arm.
pub const WATCH: Scenario = Scenario {
    id: "watch",
    name: "Watch: learn this patient's movements",
    network_path: "static/models/watch.safetensors",
    samples_path: "static/data/watch-person.safetensors.gz",
    contributions_path: "static/data/watch-contributions.json",
    samples: SampleKind::Motion,
    policy: "111111111111111---------------",
    learning_rate: 0.004,
    seed: 1,
    stop_after: 560,
};

/// A detector of people learns to see one of them, or other classes of a person's own images.
pub const PERSON: Scenario = Scenario {
    id: "person",
    name: "Person: learn to see me",
    network_path: "static/models/person.tflite",
    samples_path: "",
    contributions_path: "",
    samples: SampleKind::Own,
    policy: "---------11111111111111----",
    learning_rate: 0.008,
    seed: 1,
    stop_after: 400,
};

/// A network and samples that a person brings; it has no files, and its default policy is that of
/// the network ([`crate::own::default_policy`]).
pub const OWN: Scenario = Scenario {
    id: "own",
    name: "Your own network",
    network_path: "",
    samples_path: "",
    contributions_path: "",
    samples: SampleKind::Own,
    policy: "",
    learning_rate: 0.004,
    seed: 4,
    stop_after: 500,
};

/// The scenarios that the page shows, the default first.
pub const SCENARIOS: [Scenario; 4] = [KEYBOARD, WATCH, PERSON, OWN];

/// Those of them whose network ships, as the command line has them.
pub const ALL: [Scenario; 3] = [KEYBOARD, WATCH, PERSON];

/// The scenario of that id, of those that the page shows.
#[must_use]
pub fn by_id(id: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().find(|scenario| scenario.id == id)
}

impl Scenario {
    /// Whether the samples are a person's own, and so the classes of the classifier.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.samples == SampleKind::Own
    }

    /// Whether the network is a person's own.
    #[must_use]
    pub fn is_own_network(&self) -> bool {
        self.network_path.is_empty()
    }

    /// The settings that a newcomer meets.
    #[must_use]
    pub fn default_setup(&self) -> Setup {
        Setup {
            scenario: self.id.to_owned(),
            device: quartermeg_core::device::DEVICES[0].id.to_owned(),
            budget_bytes: quartermeg_core::device::DEVICES[0].sram_bytes,
            learning_rate: self.learning_rate,
            bias_rate_factor: 1.0,
            schedule: RateSchedule::Constant,
            momentum: 0.9,
            qas: true,
            rules: Rules::DEVICE,
            seed: self.seed,
            stop_after: self.stop_after,
            head: self.is_own().then(Head::default),
            policy: crate::link::parse_policy(self.policy)
                .unwrap_or_else(|_invalid| Policy::default()),
        }
    }
}

/// A policy that people can choose by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// Name in files and on the command line.
    pub id: &'static str,
    /// Name as people see it.
    pub name: Cow<'static, str>,
    /// The policy.
    pub policy: Policy,
}

/// The presets of a scenario's network, the default first.
#[must_use]
pub fn presets(scenario: &Scenario, network: &Network) -> Vec<Preset> {
    if scenario.is_own_network() {
        return own::presets(network);
    }
    vec![
        Preset {
            id: "default",
            name: "Sparse update (default)".into(),
            policy: scenario.default_setup().policy,
        },
        Preset {
            id: "classifier",
            name: "Classifier only".into(),
            policy: Policy::classifier_only(network),
        },
        Preset {
            id: "bias",
            name: "All biases".into(),
            policy: Policy::uniform(network, LayerUpdate::Bias),
        },
        Preset {
            id: "full",
            name: "Full update".into(),
            policy: Policy::uniform(network, LayerUpdate::Weights { ratio: 1.0 }),
        },
    ]
}
