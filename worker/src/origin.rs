//! Whether what layers contribute was measured with the settings and samples that are there now.

use quartermeg_core::policy::Policy;
use quartermeg_core::session::Samples;
use quartermeg_formats::config::hex;
use quartermeg_formats::setup::Setup;
use quartermeg_search::Study;

use crate::time::Clock;
use crate::trainer::{Compiled, Trainer};
use quartermeg_web::protocol::Event;

/// What the answer depends on.
#[derive(Debug, PartialEq)]
pub(crate) struct Origin {
    /// The study that was measured.
    study: String,
    /// The setup as far as a study has it.
    setup: Setup,
    /// Samples to learn from, and samples to measure on.
    n_samples: [usize; 2],
}

impl<C: Clock> Trainer<C> {
    /// Tells it, if it may be another than it was told last. The samples are hashed for it, which
    /// takes as long as a few plans.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn tell_origin(&mut self) {
        self.is_origin_new = false;
        let (Some(solver), Some(compiled)) = (&self.solver, &self.compiled) else {
            return;
        };
        let Some([learn, held_out]) = self.study_samples() else {
            return;
        };
        let Compiled { setup, network, .. } = compiled;
        // A trial has these of its own.
        let of_study = Setup {
            policy: Policy::default(),
            device: String::new(),
            budget_bytes: 0,
            learning_rate: 0.0,
            seed: 0,
            stop_after: 0,
            ..setup.clone()
        };
        let origin = Origin {
            study: solver.study().to_owned(),
            setup: of_study,
            n_samples: [learn.len(), held_out.len()],
        };
        if self.origin.as_ref() == Some(&origin) {
            return;
        }
        let study = Study::new(
            (**network).clone(),
            setup.clone(),
            learn.clone(),
            held_out.clone(),
        );
        let is_same = study.is_ok_and(|study| hex(&study.identity()) == origin.study);
        self.origin = Some(origin);
        let id = self.newest_request;
        self.tell(id, Event::ContributionsOrigin { is_same });
    }

    /// Samples to learn from and to measure on, as a study of what is compiled would have them.
    pub(crate) fn study_samples(&self) -> Option<[&Samples; 2]> {
        let compiled = self.compiled.as_ref()?;
        let held_out = if compiled.is_own() {
            &self.own.set
        } else {
            &self.samples
        };
        let run = self.run.as_ref()?;
        Some([run.session.samples(), &held_out.as_ref()?.test])
    }
}
