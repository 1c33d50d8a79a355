//! Keeps what the updates of the newest step had to tell, and sums over steps.

use quartermeg_core::runtime::{Parameter, Trace, UpdateTrace};

use quartermeg_web::protocol::EffectView;

/// Updates of one step, in their order. The list keeps its memory from step to step.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    updates: Vec<UpdateTrace>,
    /// Whether it does without norms, whose gathering costs time.
    pub(crate) is_brief: bool,
    /// What the steps since the last call of [`Self::take_effect`] did.
    effect: EffectView,
    /// The newest step that was summed; one that was gone back over is not summed again.
    summed: u32,
}

impl Recorder {
    pub(crate) fn clear(&mut self) {
        self.updates.clear();
    }

    /// Forgets the sums too, because training begins again.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn updates(&self) -> &[UpdateTrace] {
        &self.updates
    }

    /// A step is finished.
    pub(crate) fn finish(&mut self, step: u32) {
        if step <= self.summed {
            return;
        }
        self.summed = step;
        self.effect.n_steps += 1;
        for update in &self.updates {
            if matches!(update.parameter, Parameter::Weight(_) | Parameter::Bias(_)) {
                self.effect.n_elements += u64::from(update.n_elements);
                self.effect.n_moved += u64::from(update.n_moved);
                self.effect.n_vanished += u64::from(update.n_vanished);
                self.effect.n_dead += u64::from(update.n_dead);
            }
        }
    }

    /// Hands over the sums.
    pub(crate) fn take_effect(&mut self) -> EffectView {
        std::mem::take(&mut self.effect)
    }
}

impl Trace for Recorder {
    fn wants_squares(&self) -> bool {
        !self.is_brief
    }

    fn update(&mut self, update: UpdateTrace) {
        self.updates.push(update);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_summed_once_and_without_the_classifier() {
        let update = |parameter| UpdateTrace {
            parameter,
            n_elements: 10,
            n_dead: 1,
            n_moved: 2,
            n_vanished: 3,
            squares: None,
        };
        let mut recorder = Recorder::default();
        recorder.update(update(Parameter::Weight(0)));
        recorder.update(update(Parameter::Bias(0)));
        recorder.update(update(Parameter::ClassifierWeight));
        recorder.finish(1);
        recorder.finish(1);
        let expected = EffectView {
            n_steps: 1,
            n_elements: 20,
            n_moved: 4,
            n_vanished: 6,
            n_dead: 2,
        };
        assert_eq!(recorder.take_effect(), expected);
        assert_eq!(recorder.take_effect(), EffectView::default());
    }
}
