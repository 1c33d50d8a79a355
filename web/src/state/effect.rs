//! What the numerics did: how many parameters moved, and how many updates came to nothing.

use quartermeg_core::quant::Rules;
use quartermeg_formats::link::{self, Link};
use quartermeg_formats::scenario::SCENARIOS;
use quartermeg_formats::setup::Setup;

use crate::protocol::{Batch, EffectView};

/// Steps over which effects and losses are taken together.
const WINDOW_STEPS: u32 = 50;

/// What the newest steps did, and what was seen last under each set of rules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effects {
    /// The newest batches; together about [`WINDOW_STEPS`].
    batches: Vec<EffectView>,
    losses: Vec<f32>,
    /// What the rows have in common, as the text of a link: all of the setup that decides the
    /// weights, but not its rules.
    setting: String,
    seen: Vec<Seen>,
}

/// What was seen last under a set of rules.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// The rules.
    pub rules: Rules,
    /// Steps behind the weights.
    pub step: u32,
    /// What the updates of the last steps did.
    pub effect: EffectView,
    /// Mean loss of the last steps.
    pub loss: Option<f32>,
}

impl EffectView {
    /// Shares of the elements that learn: moved, rounded to nothing, dead, and the others, whose
    /// gradient was zero. None where nothing was updated.
    #[must_use]
    pub fn shares(&self) -> Option<[f32; 4]> {
        if self.n_elements == 0 {
            return None;
        }
        let changed = self.n_moved + self.n_vanished + self.n_dead;
        let still = self.n_elements.saturating_sub(changed);
        #[expect(clippy::cast_precision_loss, reason = "a share to show")]
        let shares = [self.n_moved, self.n_vanished, self.n_dead, still]
            .map(|count| count as f32 / self.n_elements as f32);
        Some(shares)
    }
}

impl Effects {
    /// One entry for each set of rules, in the order of their first appearance.
    #[must_use]
    pub fn seen(&self) -> &[Seen] {
        &self.seen
    }

    /// Adds what a batch tells of the rules in force. Under another setting, rows would compare
    /// what cannot be compared, so they go.
    pub(super) fn take(&mut self, setup: &Setup, batch: &Batch) {
        let rules = setup.rules;
        let mut link = Link::of_scenario(&SCENARIOS[0]);
        link.setup = Setup {
            device: link.setup.device,
            budget_bytes: link.setup.budget_bytes,
            stop_after: link.setup.stop_after,
            rules: link.setup.rules,
            ..setup.clone()
        };
        let setting = link::to_fragment(&link);
        if self.setting != setting {
            self.setting = setting;
            self.seen.clear();
        }
        self.batches.push(batch.effect);
        while self.sum().n_steps > WINDOW_STEPS && self.batches.len() > 1 {
            self.batches.remove(0);
        }
        self.losses
            .extend(batch.losses.iter().map(|&(_, loss)| loss));
        let n_old = self.losses.len().saturating_sub(WINDOW_STEPS as usize);
        self.losses.drain(..n_old);
        let seen = Seen {
            rules,
            step: batch.step,
            effect: self.sum(),
            loss: self.mean_loss(),
        };
        match self.seen.iter_mut().find(|known| known.rules == rules) {
            Some(known) => *known = seen,
            None => self.seen.push(seen),
        }
    }

    /// A run has begun; what was seen before stays.
    pub(super) fn begin_run(&mut self) {
        self.batches.clear();
        self.losses.clear();
    }

    fn sum(&self) -> EffectView {
        let mut sum = EffectView::default();
        for batch in &self.batches {
            sum.add(batch);
        }
        sum
    }

    fn mean_loss(&self) -> Option<f32> {
        #[expect(clippy::cast_precision_loss, reason = "at most 50 losses")]
        let count = self.losses.len() as f32;
        (count > 0.0).then(|| self.losses.iter().sum::<f32>() / count)
    }
}

#[cfg(test)]
mod tests {
    use quartermeg_core::policy::Policy;

    use super::*;

    fn batch(step: u32, n_moved: u64) -> Batch {
        Batch {
            step,
            losses: vec![(step, 2.0)],
            effect: EffectView {
                n_steps: 10,
                n_elements: 100,
                n_moved,
                n_vanished: 40,
                n_dead: 10,
            },
            ..Batch::default()
        }
    }

    #[test]
    fn a_window_slides_and_rows_stay_apart() {
        let mut effects = Effects::default();
        let mut setup = SCENARIOS[0].default_setup();
        for step in 1..=20 {
            effects.take(&setup, &batch(10 * step, 20));
        }
        let seen = effects.seen()[0];
        assert_eq!((seen.step, seen.effect.n_steps), (200, 50));
        assert_eq!(seen.effect.shares(), Some([0.2, 0.4, 0.1, 0.3]));
        assert_eq!(seen.loss, Some(2.0));

        effects.begin_run();
        (setup.rules, setup.stop_after) = (Rules::TFLM, 7);
        effects.take(&setup, &batch(10, 0));
        assert_eq!(effects.seen().len(), 2);
        assert_eq!(effects.seen()[1].effect.n_moved, 0);

        setup.policy = Policy::default();
        effects.take(&setup, &batch(10, 0));
        assert_eq!(effects.seen().len(), 1);
    }

    #[test]
    fn nothing_updated_has_no_shares() {
        assert_eq!(EffectView::default().shares(), None);
    }
}
