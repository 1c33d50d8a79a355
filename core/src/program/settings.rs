//! Training settings.

use crate::runtime::StepParams;

/// How the learning rate changes from step to step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// It does not.
    Constant,
    /// Up from zero in a straight line, then down to zero along half a cosine (paper App. C).
    Cosine {
        /// Steps of the rise.
        warmup_steps: u32,
        /// Steps after which the rate is zero.
        total_steps: u32,
    },
}

impl Schedule {
    /// What the learning rate is multiplied by in `step`, in `0.0..=1.0`.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "a rate needs no more than 24 bits of the step"
    )]
    pub fn factor(self, step: u32) -> f32 {
        let Self::Cosine {
            warmup_steps,
            total_steps,
        } = self
        else {
            return 1.0;
        };
        if step < warmup_steps {
            return (step as f32 + 1.0) / (warmup_steps as f32 + 1.0);
        }
        if step >= total_steps {
            return 0.0;
        }
        let through = (step - warmup_steps) as f32 / (total_steps - warmup_steps) as f32;
        0.5 * (1.0 + libm::cosf(core::f32::consts::PI * through))
    }
}

/// Training settings that travel with a program but are not part of its identity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Learning rate.
    pub learning_rate: f32,
    /// What the rate of biases is multiplied by; 1 for one rate.
    pub bias_rate_factor: f32,
    /// How the rate changes.
    pub schedule: Schedule,
    /// Share of the momentum buffer that is kept from step to step, where the optimizer has one.
    pub momentum: f32,
    /// Whether gradients are scaled by QAS.
    pub qas: bool,
    /// Seed of rounding noise and sample order.
    pub seed: u64,
}

impl Settings {
    pub(crate) const WORDS: usize = 12;

    /// One constant rate, QAS, and the usual momentum where the optimizer has any.
    #[must_use]
    pub const fn constant(learning_rate: f32, seed: u64) -> Self {
        Self {
            learning_rate,
            bias_rate_factor: 1.0,
            schedule: Schedule::Constant,
            momentum: 0.9,
            qas: true,
            seed,
        }
    }

    /// What holds in step number `step`, counted from 0.
    #[must_use]
    pub fn step_params(&self, step: u32) -> StepParams {
        StepParams {
            learning_rate: self.learning_rate * self.schedule.factor(step),
            bias_rate_factor: self.bias_rate_factor,
            momentum: self.momentum,
            qas: self.qas,
            seed: self.seed,
            step,
        }
    }

    #[cfg(feature = "compile")]
    pub(crate) fn encode(&self) -> [u32; Self::WORDS] {
        let [a, b, c, d, e, f, g, h] = self.seed.to_le_bytes();
        let [kind, warmup_steps, total_steps] = match self.schedule {
            Schedule::Constant => [0, 0, 0],
            Schedule::Cosine {
                warmup_steps,
                total_steps,
            } => [1, warmup_steps, total_steps],
        };
        [
            self.learning_rate.to_bits(),
            u32::from(self.qas),
            u32::from_le_bytes([a, b, c, d]),
            u32::from_le_bytes([e, f, g, h]),
            self.bias_rate_factor.to_bits(),
            self.momentum.to_bits(),
            kind,
            warmup_steps,
            total_steps,
            0,
            0,
            0,
        ]
    }

    pub(crate) fn decode(w: &[u32; Self::WORDS]) -> Self {
        Self {
            learning_rate: f32::from_bits(w[0]),
            bias_rate_factor: f32::from_bits(w[4]),
            schedule: if w[6] == 1 {
                Schedule::Cosine {
                    warmup_steps: w[7],
                    total_steps: w[8],
                }
            } else {
                Schedule::Constant
            },
            momentum: f32::from_bits(w[5]),
            qas: w[1] != 0,
            seed: u64::from(w[2]) | (u64::from(w[3]) << 32),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cosine_rises_and_falls_to_zero() {
        let schedule = Schedule::Cosine {
            warmup_steps: 4,
            total_steps: 104,
        };
        for (step, expected) in [(0, 0.2), (3, 0.8), (4, 1.0), (54, 0.5), (104, 0.0)] {
            let found = schedule.factor(step);
            assert!((found - expected).abs() < 1e-6, "step {step}: {found}");
        }
        assert!((0.0..0.001).contains(&schedule.factor(103)));
        assert!((Schedule::Constant.factor(7) - 1.0).abs() < f32::EPSILON);
    }
}
