//! Losses and accuracies since step 0, in bounded memory.

/// Points that a history holds at most.
pub(super) const MAX_POINTS: usize = 4_000;

/// Losses since step 0: one point a step at first, then means of 2, 4, 8 ... steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Losses {
    points: Vec<(u32, f32)>,
    /// Steps of one point.
    stride: u32,
    /// Steps and sum of the point that is being filled.
    open: (u32, f32),
}

impl Default for Losses {
    fn default() -> Self {
        Self {
            points: Vec::new(),
            stride: 1,
            open: (0, 0.0),
        }
    }
}

impl Losses {
    /// Points `(step, loss)` in the order of their steps; at most 4,000.
    #[must_use]
    pub fn points(&self) -> &[(u32, f32)] {
        &self.points
    }

    /// Steps that one point stands for.
    #[must_use]
    pub fn stride(&self) -> u32 {
        self.stride
    }

    /// Adds losses of later steps. A loss of a step that is already there is left out: it comes
    /// from a step that was gone back over and ran again, with the same bits.
    pub(super) fn extend(&mut self, losses: &[(u32, f32)]) {
        for &(step, loss) in losses {
            if self.points.last().is_some_and(|&(last, _)| step <= last) {
                continue;
            }
            self.open.0 += 1;
            self.open.1 += loss;
            if self.open.0 >= self.stride {
                self.close(step);
            }
        }
    }

    fn close(&mut self, step: u32) {
        #[expect(clippy::cast_precision_loss, reason = "strides are far smaller")]
        let mean = self.open.1 / self.open.0 as f32;
        self.open = (0, 0.0);
        self.points.push((step, mean));
        if self.points.len() >= MAX_POINTS {
            self.halve();
        }
    }

    fn halve(&mut self) {
        self.stride = self.stride.saturating_mul(2);
        self.points = self
            .points
            .chunks(2)
            .map(|pair| match *pair {
                [(_, a), (step, b)] => (step, 0.5 * (a + b)),
                _ => pair[0],
            })
            .collect();
    }
}

/// A measured accuracy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccuracyPoint {
    /// Steps that the measured weights had behind them.
    pub step: u32,
    /// Right answers.
    pub correct: u32,
    /// Questions.
    pub total: u32,
}

impl AccuracyPoint {
    /// Share of right answers, 0 to 1.
    #[must_use]
    pub fn share(self) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "samples are far fewer")]
        let share = self.correct as f32 / self.total.max(1) as f32;
        share
    }
}

/// Adds a measurement; one of a step that was measured before takes the old one's place.
pub(super) fn add_accuracy(points: &mut Vec<AccuracyPoint>, point: AccuracyPoint) {
    points.retain(|known| known.step < point.step);
    if points.len() >= MAX_POINTS {
        // Every other one goes; the newest, which is shown as a number, is yet to come.
        let mut position = 0;
        points.retain(|_| {
            position += 1;
            position % 2 == 0
        });
    }
    points.push(point);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_history_stays_bounded_and_in_order() {
        let mut losses = Losses::default();
        for step in 1..=50_000u32 {
            losses.extend(&[(step, 2.0)]);
        }
        assert!(losses.points().len() < MAX_POINTS);
        assert!(losses.points().is_sorted_by(|a, b| a.0 < b.0));
        assert!(
            losses
                .points()
                .iter()
                .all(|&(_, loss)| (loss - 2.0).abs() < 1e-6)
        );
        assert_eq!(losses.stride(), 16);
        assert!(
            losses
                .points()
                .last()
                .is_some_and(|&(step, _)| step > 49_900)
        );
    }

    #[test]
    fn a_step_that_ran_again_is_one_point() {
        let mut losses = Losses::default();
        losses.extend(&[(1, 1.0), (2, 2.0)]);
        losses.extend(&[(2, 2.0), (3, 3.0)]);
        assert_eq!(losses.points(), [(1, 1.0), (2, 2.0), (3, 3.0)]);
    }

    #[test]
    fn accuracies_stay_in_order() {
        let mut points = Vec::new();
        for step in [0, 10, 20, 10] {
            add_accuracy(
                &mut points,
                AccuracyPoint {
                    step,
                    correct: 1,
                    total: 2,
                },
            );
        }
        assert_eq!(
            points.iter().map(|point| point.step).collect::<Vec<_>>(),
            [0, 10]
        );
    }
}
