//! Random rules of the arithmetic, and runs under them.

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::compile::compile;
use quartermeg_core::network::Network;
use quartermeg_core::policy::Policy;
use quartermeg_core::program::{Program, Schedule, Settings};
use quartermeg_core::quant::{ClassifierType, Rules};

use super::network::{Style, random_network};
use super::policy::random_policy;
use super::rng::Rng;
use super::run::{self, Sample};

/// One choice for every rule, each as likely as the others.
pub(crate) fn random_rules(rng: &mut Rng) -> Rules {
    /// Choices of each rule, in the order of [`Rules::choices`].
    const N_CHOICES: [usize; 12] = [4, 3, 2, 5, 2, 2, 2, 2, 2, 2, 2, 2];
    let choices = N_CHOICES.map(|n| u8::try_from(rng.below(n)).expect("small"));
    Rules::from_choices(choices).expect("there are so many choices")
}

/// The usual settings with another rate for biases, another momentum, and sometimes a schedule.
pub(crate) fn random_settings(rng: &mut Rng) -> Settings {
    let schedule = if rng.chance(0.5) {
        Schedule::Constant
    } else {
        Schedule::Cosine {
            warmup_steps: u32::try_from(rng.below(3)).expect("small"),
            total_steps: 6,
        }
    };
    Settings {
        bias_rate_factor: rng.choose(&[1.0, 0.5, 2.0]),
        momentum: rng.choose(&[0.9, 0.5]),
        qas: rng.chance(0.7),
        schedule,
        ..run::SETTINGS
    }
}

/// A network, a policy, rules, settings and samples: all that a run depends on.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) network: Network,
    pub(crate) policy: Policy,
    pub(crate) rules: Rules,
    pub(crate) settings: Settings,
    pub(crate) samples: Vec<Sample>,
}

impl Setup {
    pub(crate) fn random(seed: u64, style: Style, n_samples: usize) -> Self {
        let mut rng = Rng::new(seed);
        let network = random_network(&mut rng, style);
        let rules = random_rules(&mut rng);
        Self {
            policy: random_policy(&mut rng, &network),
            rules,
            settings: random_settings(&mut rng),
            samples: run::random_samples(&mut rng, &network, n_samples),
            // As the compiler makes it, so that layers of the program are layers of the network.
            network: match rules.classifier {
                ClassifierType::I8 => network.with_int8_classifier().expect("ordinary weights"),
                ClassifierType::F32 => network,
            },
        }
    }

    pub(crate) fn image(&self) -> AlignedBytes {
        compile(&self.network, &self.policy, self.rules, self.settings)
            .expect("chains and residual blocks can be differentiated")
    }

    pub(crate) fn program(&self) -> Program<AlignedBytes> {
        Program::parse(self.image()).expect("what is compiled can be loaded")
    }
}
