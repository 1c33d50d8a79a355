//! Keeps what the updates of the newest step had to tell, and sums over the newest steps.

use std::collections::VecDeque;

use quartermeg_core::runtime::{Parameter, Trace, UpdateTrace};

use quartermeg_web::protocol::EffectView;

/// Steps over which effects are summed.
const WINDOW_STEPS: usize = 50;

/// Updates of one step, in their order. The list keeps its memory from step to step.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    updates: Vec<UpdateTrace>,
    /// Whether it does without norms, whose gathering costs time.
    pub(crate) is_brief: bool,
    /// What each of the newest steps did; at most [`WINDOW_STEPS`].
    effects: VecDeque<EffectView>,
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

    /// A step with this loss is finished.
    pub(crate) fn finish(&mut self, step: u32, loss: f32) {
        if step <= self.summed {
            return;
        }
        self.summed = step;
        let mut effect = EffectView {
            n_steps: 1,
            sum_of_losses: loss,
            ..EffectView::default()
        };
        for update in &self.updates {
            if matches!(update.parameter, Parameter::Weight(_) | Parameter::Bias(_)) {
                effect.n_elements += u64::from(update.n_elements);
                effect.n_moved += u64::from(update.n_moved);
                effect.n_vanished += u64::from(update.n_vanished);
                effect.n_dead += u64::from(update.n_dead);
            }
        }
        if self.effects.len() == WINDOW_STEPS {
            self.effects.pop_front();
        }
        self.effects.push_back(effect);
    }

    /// What the newest steps did together.
    pub(crate) fn effect(&self) -> EffectView {
        let mut sum = EffectView::default();
        for effect in &self.effects {
            sum.add(effect);
        }
        sum
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
        recorder.finish(1, 2.0);
        recorder.finish(1, 2.0);
        let expected = EffectView {
            n_steps: 1,
            n_elements: 20,
            n_moved: 4,
            n_vanished: 6,
            n_dead: 2,
            sum_of_losses: 2.0,
        };
        assert_eq!(recorder.effect(), expected);
    }

    #[test]
    fn the_window_holds_the_newest_steps_however_often_it_is_read() {
        let mut recorder = Recorder::default();
        for step in 1..=60 {
            recorder.finish(step, if step <= 10 { 9.0 } else { 1.0 });
            recorder.effect();
        }
        let effect = recorder.effect();
        assert_eq!((effect.n_steps, effect.mean_loss()), (50, Some(1.0)));
    }
}
