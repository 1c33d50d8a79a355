//! All runs of a drift, and the accuracies that come of them.

use super::{Drift, Learner, LearnerPlan, Measure};
use crate::study::share;

/// All runs with so many seeds, each by the place of its learner in [`Learner::ALL`] and its seed:
/// every learner with the first seed, then with the others, so that all of them are known roughly
/// before any is known well. Who learns nothing is the same with every seed, and runs once.
#[must_use]
pub fn runs(first_seed: u64, n_seeds: u32) -> Vec<(usize, u64)> {
    let mut runs = Vec::new();
    for at in 0..n_seeds {
        let first = usize::from(at > 0);
        let seed = first_seed.wrapping_add(at.into());
        runs.extend((first..Learner::ALL.len()).map(|learner| (learner, seed)));
    }
    runs
}

/// What is known of a learner at one measure.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// After which step, and in which world.
    pub measure: Measure,
    /// Accuracy of each run that has come so far, in `0.0..=1.0`.
    pub accuracies: Vec<f64>,
}

impl Drift {
    /// The curves of a learner, of the samples that each of its runs recognized so far
    /// ([`super::Course::known`]); measures that no run has come to are left out.
    #[must_use]
    pub fn curves(&self, learner: &LearnerPlan, runs: &[&[u32]]) -> Vec<Point> {
        let mut points = Vec::new();
        for (at, &measure) in self.measures().iter().enumerate() {
            // Who learns nothing was measured once in each world.
            let is_still = learner.policy.is_none();
            let at = if is_still { measure.world } else { at };
            let n_held_out = self.n_held_out()[measure.world];
            let mut accuracies = Vec::new();
            for run in runs {
                if let Some(&correct) = run.get(at) {
                    accuracies.push(share(correct as usize, n_held_out));
                }
            }
            if !accuracies.is_empty() {
                points.push(Point {
                    measure,
                    accuracies,
                });
            }
        }
        points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_come_one_after_another_and_who_learns_nothing_runs_once() {
        let first = [(0, 7), (1, 7), (2, 7), (3, 7), (4, 7)];
        assert_eq!(runs(7, 1), first);
        let second = [(1, 8), (2, 8), (3, 8), (4, 8)];
        assert_eq!(runs(7, 2), [&first[..], &second].concat());
        assert_eq!(
            runs(u64::MAX, 2)[5..],
            second.map(|(learner, _)| (learner, 0))
        );
    }
}
