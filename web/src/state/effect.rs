//! What the numerics did: how many parameters moved, and how many updates came to nothing.

use quartermeg_core::quant::Rules;
use quartermeg_formats::link::{self, Link};
use quartermeg_formats::scenario::SCENARIOS;
use quartermeg_formats::setup::Setup;

use crate::protocol::{Batch, EffectView};

/// What was seen last under each set of rules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effects {
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
        let seen = Seen {
            rules,
            step: batch.step,
            effect: batch.effect,
        };
        match self.seen.iter_mut().find(|known| known.rules == rules) {
            Some(known) => *known = seen,
            None => self.seen.push(seen),
        }
    }
}

#[cfg(test)]
mod tests {
    use quartermeg_core::policy::Policy;

    use super::*;

    fn batch(step: u32, n_moved: u64) -> Batch {
        Batch {
            step,
            effect: EffectView {
                n_steps: 10,
                n_elements: 100,
                n_moved,
                n_vanished: 40,
                n_dead: 10,
                sum_of_losses: 20.0,
            },
            ..Batch::default()
        }
    }

    #[test]
    fn rules_have_a_row_each_while_the_setting_is_the_same() {
        let mut effects = Effects::default();
        let mut setup = SCENARIOS[0].default_setup();
        effects.take(&setup, &batch(10, 0));
        effects.take(&setup, &batch(20, 20));
        let [seen] = effects.seen() else {
            panic!("one row for one set of rules");
        };
        assert_eq!(seen.step, 20);
        assert_eq!(seen.effect.shares(), Some([0.2, 0.4, 0.1, 0.3]));
        assert_eq!(seen.effect.mean_loss(), Some(2.0));

        (setup.rules, setup.stop_after) = (Rules::TFLM, 7);
        effects.take(&setup, &batch(10, 0));
        assert_eq!(effects.seen().len(), 2);
        assert_eq!(effects.seen()[1].effect.n_moved, 0);

        setup.policy = Policy::default();
        effects.take(&setup, &batch(10, 0));
        assert_eq!(effects.seen().len(), 1);
    }

    #[test]
    fn nothing_updated_has_no_shares_and_no_loss() {
        assert_eq!(EffectView::default().shares(), None);
        assert_eq!(EffectView::default().mean_loss(), None);
    }
}
