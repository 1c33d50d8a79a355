//! Losses between two batches, and the rate of steps.

use std::collections::VecDeque;

/// Losses that one batch holds at most.
const MAX_LOSSES: usize = 512;
/// Time over which the rate of steps is measured.
const RATE_MILLIS: f64 = 1_000.0;

/// Losses since the last batch, thinned where they are many.
#[derive(Debug)]
pub(crate) struct LossBatch {
    losses: Vec<(u32, f32)>,
    stride: u32,
    open: (u32, f32),
}

impl Default for LossBatch {
    fn default() -> Self {
        Self {
            losses: Vec::with_capacity(MAX_LOSSES),
            stride: 1,
            open: (0, 0.0),
        }
    }
}

impl LossBatch {
    /// Adds the loss of a finished step.
    pub(crate) fn push(&mut self, step: u32, loss: f32) {
        self.open.0 += 1;
        self.open.1 += loss;
        if self.open.0 < self.stride {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "strides are far smaller")]
        let mean = self.open.1 / self.open.0 as f32;
        self.open = (0, 0.0);
        self.losses.push((step, mean));
        if self.losses.len() == MAX_LOSSES {
            self.halve();
        }
    }

    fn halve(&mut self) {
        self.stride *= 2;
        let mut kept = 0;
        for pair in 0..self.losses.len() / 2 {
            let [(_, a), (step, b)] = [self.losses[2 * pair], self.losses[2 * pair + 1]];
            self.losses[kept] = (step, 0.5 * (a + b));
            kept += 1;
        }
        self.losses.truncate(kept);
    }

    /// Hands over what has gathered; the last entry is the loss of `newest` itself.
    pub(crate) fn take(&mut self, newest: Option<(u32, f32)>) -> Vec<(u32, f32)> {
        let mut losses = self.losses.clone();
        if let Some(newest) = newest.filter(|_| self.open.0 > 0 || !losses.is_empty()) {
            if losses.last().is_some_and(|&(step, _)| step == newest.0) {
                losses.pop();
            }
            losses.push(newest);
        }
        self.clear();
        losses
    }

    /// Forgets what has gathered.
    pub(crate) fn clear(&mut self) {
        self.losses.clear();
        self.stride = 1;
        self.open = (0, 0.0);
    }
}

/// Steps a second over the last second.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    /// Moment and number of steps, oldest first.
    marks: VecDeque<(f64, u32)>,
}

impl Rate {
    /// Training begins or goes on.
    pub(crate) fn begin(&mut self, now: f64, step: u32) {
        self.marks.clear();
        self.marks.push_back((now, step));
    }

    /// The rate at this moment.
    pub(crate) fn measure(&mut self, now: f64, step: u32) -> f32 {
        self.marks.push_back((now, step));
        while self.marks.len() > 2 && now - self.marks[1].0 >= RATE_MILLIS {
            self.marks.pop_front();
        }
        let (then, first) = self.marks[0];
        if now <= then {
            return 0.0;
        }
        #[expect(clippy::cast_possible_truncation, reason = "a rate to show")]
        let rate = (f64::from(step.saturating_sub(first)) * 1_000.0 / (now - then)) as f32;
        rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_batch_is_thinned_and_ends_with_the_newest_loss() {
        let mut batch = LossBatch::default();
        for step in 1..=1_500u32 {
            batch.push(step, 1.0);
        }
        let losses = batch.take(Some((1_500, 7.0)));
        assert!(losses.len() <= MAX_LOSSES);
        assert!(losses.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(losses.last(), Some(&(1_500, 7.0)));
        assert_eq!(batch.take(Some((1_500, 7.0))), []);
    }

    #[test]
    fn the_rate_forgets_what_is_long_ago() {
        let mut rate = Rate::default();
        rate.begin(0.0, 0);
        assert!((rate.measure(100.0, 10) - 100.0).abs() < 1e-3);
        for tick in 2..100u32 {
            rate.measure(f64::from(tick) * 100.0, 10);
        }
        assert!(rate.measure(10_000.0, 10).abs() < 1e-3);
    }
}
