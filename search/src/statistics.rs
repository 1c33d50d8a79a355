//! Means with their spread, and differences with their interval.

use serde::Serialize;

use crate::study::{Outcome, Part};

/// Half the width of an interval that holds 95 % of a normal distribution, in standard deviations.
const Z_95: f64 = 1.96;

/// Mean and standard deviation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Standard deviation of the sample; 0 of a single value.
    pub sd: f64,
}

impl Spread {
    /// Of some values.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let n = count(values.len());
        let mean = values.iter().sum::<f64>() / n.max(1.0);
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self {
            mean,
            sd: (squares / (n - 1.0).max(1.0)).sqrt(),
        }
    }
}

/// How much more of the test samples one policy recognizes than another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Mean difference of the accuracies.
    pub mean: f64,
    /// Interval that holds the true one in 95 of 100 cases. Each test sample counts once, with the
    /// difference of how often it was recognized over the seeds; so it is about other samples of
    /// the kind, learned with these seeds.
    pub interval: [f64; 2],
}

impl Difference {
    /// Of outcomes with the same seeds in the same order.
    #[must_use]
    pub fn between(ours: &[Outcome], theirs: &[Outcome], part: Part) -> Self {
        let rates = |outcomes: &[Outcome]| {
            let mut sums: Vec<f64> = Vec::new();
            for outcome in outcomes {
                let correct: Vec<bool> = outcome.of(part).collect();
                sums.resize(correct.len(), 0.0);
                for (sum, correct) in sums.iter_mut().zip(correct) {
                    *sum += f64::from(u8::from(correct)) / count(outcomes.len());
                }
            }
            sums
        };
        let differences: Vec<f64> = rates(ours)
            .iter()
            .zip(rates(theirs))
            .map(|(ours, theirs)| ours - theirs)
            .collect();
        let Spread { mean, sd } = Spread::of(&differences);
        let half = Z_95 * sd / count(differences.len()).max(1.0).sqrt();
        Self {
            mean,
            interval: [mean - half, mean + half],
        }
    }
}

pub(crate) fn count(n: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "values are few")]
    let n = n as f64;
    n
}
