//! Policies that are trained on the same samples, one after another.

use std::sync::Arc;

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::compile::{CompileError, Passes, Together, compile_with};
use quartermeg_core::network::Network;
use quartermeg_core::policy::Policy;
use quartermeg_core::program::{Op, Program, Settings};
use quartermeg_core::runtime::kernels::Native;
use quartermeg_core::runtime::{NoTrace, Runtime, Trace, sample_at};
use quartermeg_core::session::{Samples, Session, SessionError, largest};
use quartermeg_formats::numerics;
use quartermeg_formats::setup::Setup;
use sha2::{Digest as _, Sha256};

use crate::frozen::{Beginning, Kept, Values};

/// Trained the fastest way. The weights are those of every other way (`core/tests/passes.rs`).
const FAST: Passes = Passes {
    streaming: Together::Never,
    hidden_channels: Together::Never,
    ..Passes::ALL
};

/// Frozen beginnings that are kept at a time: trials are taken in the order of the layer that they
/// begin at, and no machine runs more of them at once.
const KEPT: usize = 8;

/// Which of the samples of a study are learned from, and which are measured on.
pub(crate) const LEARN: usize = 0;
pub(crate) const HELD_OUT: usize = 1;

/// Which of the held-out samples an accuracy is of. What a search chooses by must not be what its
/// result is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The first, third, fifth …: contributions and learning rates are chosen by these.
    Validation,
    /// The others: the accuracy of what was chosen is stated on these.
    Test,
}

impl Part {
    fn has(self, sample: usize) -> bool {
        sample.is_multiple_of(2) == (self == Self::Validation)
    }
}

/// Why a policy cannot be trained.
#[derive(Clone, Debug, PartialEq)]
pub enum StudyError {
    /// The policy was refused.
    Compile(CompileError),
    /// Samples and network do not fit together.
    Session(SessionError),
    /// Nothing is held out to measure the accuracy on.
    NothingHeldOut,
}

/// One policy, trained once.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// What learns.
    pub policy: Policy,
    /// Learning rate.
    pub rate: f32,
    /// Seed of rounding noise and sample order.
    pub seed: u64,
    /// Steps.
    pub steps: u32,
}

/// What came of a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether each held-out sample is recognized after the last step.
    pub correct: Vec<bool>,
}

impl Outcome {
    /// Share of the samples of a part that are recognized, in `0.0..=1.0`.
    #[must_use]
    pub fn accuracy(&self, part: Part) -> f64 {
        let of_part = || (0..self.correct.len()).filter(|&sample| part.has(sample));
        let correct = of_part().filter(|&sample| self.correct[sample]).count();
        share(correct, of_part().count())
    }

    /// Validation samples that are recognized.
    #[must_use]
    pub fn recognized(&self) -> u32 {
        let recognized = self.of(Part::Validation).filter(|&correct| correct);
        u32::try_from(recognized.count()).unwrap_or(u32::MAX)
    }

    /// Whether each sample of a part is recognized.
    pub fn of(&self, part: Part) -> impl Iterator<Item = bool> + '_ {
        let all = self.correct.iter().copied().enumerate();
        all.filter(move |&(sample, _)| part.has(sample))
            .map(|(_, correct)| correct)
    }
}

pub(crate) fn share(count: usize, total: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "samples are few")]
    let share = count as f64 / total.max(1) as f64;
    share
}

/// Network, samples and settings that all trials share.
#[derive(Debug)]
pub struct Study {
    network: Network,
    setup: Setup,
    /// Samples to learn from, then those that are held out; of a world that changes, both of the
    /// world after the change behind them.
    samples: Vec<Samples>,
    kept: Kept,
    /// The only part of the held-out samples that is measured on, if not both are.
    part: Option<Part>,
}

impl Study {
    /// `setup` says everything but what a [`Trial`] does; `learn` and `held_out` are the samples to
    /// learn from and to measure on.
    ///
    /// # Errors
    /// When the network cannot be trained, or the samples do not fit it.
    pub fn new(
        network: Network,
        setup: Setup,
        learn: Samples,
        held_out: Samples,
    ) -> Result<Self, StudyError> {
        Self::of(network, setup, vec![learn, held_out])
    }

    /// As [`Self::new`], of samples to learn from and to measure on, and, in a world that changes,
    /// of both after the change.
    pub(crate) fn of(
        network: Network,
        setup: Setup,
        samples: Vec<Samples>,
    ) -> Result<Self, StudyError> {
        if samples[HELD_OUT].len() < 2 {
            return Err(StudyError::NothingHeldOut);
        }
        let study = Self {
            network,
            setup,
            samples,
            kept: Kept::at_most(KEPT),
            part: None,
        };
        let image = study.least_image()?;
        for samples in &study.samples {
            Session::<Native>::new(image.clone(), samples.clone()).map_err(StudyError::Session)?;
        }
        Ok(study)
    }

    /// Keeps at most so many frozen beginnings at a time, where memory is scarce and one trial runs
    /// after another.
    #[must_use]
    pub fn keeping(self, most: usize) -> Self {
        Self {
            kept: Kept::at_most(most),
            ..self
        }
    }

    /// Measures on one part of the held-out samples alone; outcomes say of the others that they are
    /// not recognized.
    #[must_use]
    pub fn measuring(self, part: Part) -> Self {
        Self {
            part: Some(part),
            ..self
        }
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// What all trials share.
    #[must_use]
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Samples to learn from.
    #[must_use]
    pub fn n_learn(&self) -> usize {
        self.samples[0].len()
    }

    /// Samples to measure on, both parts.
    #[must_use]
    pub fn n_held_out(&self) -> usize {
        self.samples[1].len()
    }

    /// Samples of the part that contributions are measured on.
    #[must_use]
    pub fn n_validation(&self) -> usize {
        self.n_held_out().div_ceil(2)
    }

    /// SHA-256 of everything that decides an outcome but the trial itself: network, samples and
    /// settings.
    #[must_use]
    pub fn identity(&self) -> [u8; 32] {
        let setup = &self.setup;
        let mut hash = Sha256::new();
        hash.update(env!("CARGO_PKG_VERSION"));
        // As links write them: the page has no debug text.
        let settings = format!(
            "{} {} {} {} {}",
            numerics::text(setup.rules),
            setup.schedule.text(),
            setup.bias_rate_factor.to_bits(),
            setup.momentum.to_bits(),
            setup.qas
        );
        hash.update(settings);
        // Every constant of the network is part of its program.
        if let Ok(image) = self.least_image() {
            hash.update(image.as_ref());
        }
        for samples in &self.samples {
            // Alike on machines of any word size.
            hash.update((samples.len() as u64).to_le_bytes());
            for sample in 0..samples.len() {
                let (codes, label) = samples.get(sample);
                let bytes: Vec<u8> = codes.iter().map(|code| code.cast_unsigned()).collect();
                hash.update(bytes);
                hash.update(label.to_le_bytes());
            }
        }
        hash.finalize().into()
    }

    /// The program that trains the classifier alone.
    fn least_image(&self) -> Result<AlignedBytes, StudyError> {
        let policy = Policy::classifier_only(&self.network);
        let settings = Settings::constant(0.0, 0);
        compile_with(&self.network, &policy, self.setup.rules, settings, FAST)
            .map_err(StudyError::Compile)
    }

    /// Begins a trial.
    ///
    /// # Errors
    /// When the policy does not fit the network.
    pub fn begin(self: &Arc<Self>, trial: &Trial) -> Result<Run, StudyError> {
        let setup = Setup {
            learning_rate: trial.rate,
            seed: trial.seed,
            stop_after: trial.steps,
            ..self.setup.clone()
        };
        let settings = setup.settings();
        let image = compile_with(&self.network, &trial.policy, setup.rules, settings, FAST)
            .map_err(StudyError::Compile)?;
        let of_session = |error| StudyError::Session(error);
        let program =
            Program::parse(image).map_err(|error| of_session(SessionError::Program(error)))?;
        let arena = AlignedBytes::zeroed(program.meta().arena_bytes as usize);
        let beginning = Beginning::of(&program);
        let values = self
            .kept
            .values(&beginning, self.samples.iter().map(Samples::len).sum());
        Ok(Run {
            study: Arc::clone(self),
            runtime: Runtime::new(program, arena)
                .map_err(|error| of_session(SessionError::Arena(error)))?,
            beginning,
            values,
            settings,
            n_steps: trial.steps,
            step: 0,
            correct: Vec::with_capacity(self.n_held_out()),
        })
    }

    /// Runs a whole trial.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub fn run(self: &Arc<Self>, trial: &Trial) -> Result<Outcome, StudyError> {
        let mut run = self.begin(trial)?;
        loop {
            if let Some(outcome) = run.advance(&mut NoTrace) {
                return Ok(outcome);
            }
        }
    }
}

/// What a trial has to compute, in multiply-accumulates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Steps.
    pub n_steps: u64,
    /// Samples that are measured after the last of them.
    pub n_measured: u64,
    /// Of a step, the frozen beginning included.
    pub step: u64,
    /// Of the forward pass, the frozen beginning included.
    pub forward: u64,
    /// Of the frozen beginning of one sample.
    pub beginning: u64,
}

impl Work {
    /// Of the trial if nothing were kept of the frozen beginning.
    #[must_use]
    pub fn whole(&self) -> u64 {
        self.n_steps * self.step + self.n_measured * self.forward
    }

    /// Of the trial once the beginning of every sample is kept.
    #[must_use]
    pub fn behind_beginning(&self) -> u64 {
        self.whole() - (self.n_steps + self.n_measured) * self.beginning
    }
}

/// A trial under way.
#[derive(Debug)]
pub struct Run {
    study: Arc<Study>,
    runtime: Runtime<AlignedBytes, AlignedBytes>,
    beginning: Beginning,
    values: Arc<Values>,
    settings: Settings,
    n_steps: u32,
    step: u32,
    correct: Vec<bool>,
}

impl Run {
    /// Learns from one more sample, or measures one more after the last step; the outcome after
    /// the last of these. Whoever trains elsewhere too hands in what listens there, so that the
    /// step is compiled once.
    pub fn advance(&mut self, trace: &mut impl Trace) -> Option<Outcome> {
        if self.step < self.n_steps {
            self.learn(LEARN, trace);
            return None;
        }
        if self.correct.len() < self.study.n_held_out() {
            let sample = self.correct.len();
            let is_measured = self.study.part.is_none_or(|part| part.has(sample));
            let is_correct = is_measured && self.recognizes(HELD_OUT, sample, trace);
            self.correct.push(is_correct);
        }
        (self.correct.len() == self.study.n_held_out()).then(|| Outcome {
            correct: self.correct.clone(),
        })
    }

    /// SHA-256 of all weights as they are.
    #[must_use]
    pub fn weights_digest(&self) -> [u8; 32] {
        self.runtime.weights_digest()
    }

    /// Multiply-accumulates of its parts.
    #[must_use]
    pub fn work(&self) -> Work {
        let program = self.runtime.program();
        let layers = (0..self.beginning.end).filter_map(|op| program.op(op).layer());
        let beginning = layers
            .map(|layer| {
                let record = program.layer(layer);
                record.macs(record.in_channels())
            })
            .sum();
        Work {
            n_steps: self.n_steps.into(),
            n_measured: match self.study.part {
                None => self.study.n_held_out(),
                Some(Part::Validation) => self.study.n_validation(),
                Some(Part::Test) => self.study.n_held_out() / 2,
            } as u64,
            step: program.meta().macs_step,
            forward: program.meta().macs_forward,
            beginning,
        }
    }

    /// Multiply-accumulates of the whole trial: as many as there would be if nothing were kept of
    /// frozen beginnings, and as many as there are once everything is.
    #[must_use]
    pub fn macs(&self) -> [u64; 2] {
        let work = self.work();
        [work.whole(), work.behind_beginning()]
    }

    /// Steps that were learned.
    pub(crate) fn step(&self) -> u32 {
        self.step
    }

    /// Learns from the next of some samples.
    pub(crate) fn learn(&mut self, of: usize, trace: &mut impl Trace) {
        let samples = &self.study.samples[of];
        #[expect(clippy::cast_possible_truncation, reason = "samples are far fewer")]
        let n_samples = samples.len() as u32;
        let sample = sample_at(self.settings.seed, self.step, n_samples) as usize;
        let label = samples.get(sample).1;
        self.load(of, sample, trace);
        let range = self
            .runtime
            .program()
            .tensor(self.runtime.program().meta().label_tensor);
        self.runtime.arena_mut()[range.offset as usize..range.end() as usize]
            .copy_from_slice(&label.to_le_bytes());
        let params = self.settings.step_params(self.step);
        for op in self.beginning.end..self.runtime.program().n_ops() {
            self.runtime.run_op(op, &params, trace);
        }
        self.step += 1;
    }

    /// Whether one of some samples is recognized.
    pub(crate) fn recognizes(&mut self, of: usize, sample: usize, trace: &mut impl Trace) -> bool {
        self.load(of, sample, trace);
        let params = self.settings.step_params(self.step);
        for op in self.beginning.end..self.runtime.program().meta().loss_op {
            if !matches!(self.runtime.program().op(op), Op::SaveChannels { .. }) {
                self.runtime.run_op(op, &params, trace);
            }
        }
        largest(self.runtime.logits()) == self.study.samples[of].get(sample).1 as usize
    }

    /// Puts what the frozen beginning leaves behind of a sample into the block.
    fn load(&mut self, of: usize, sample: usize, trace: &mut impl Trace) {
        let before = self.study.samples[..of].iter().map(Samples::len);
        let at = sample + before.sum::<usize>();
        let values = Arc::clone(&self.values);
        if let Some(bytes) = values[at].get() {
            let mut rest = &bytes[..];
            for &tensor in &self.beginning.tensors {
                let record = self.runtime.program().tensor(tensor);
                let range = record.offset as usize..record.end() as usize;
                let (value, behind) = rest.split_at(range.len());
                self.runtime.arena_mut()[range].copy_from_slice(value);
                rest = behind;
            }
            return;
        }
        let (codes, label) = self.study.samples[of].get(sample);
        self.runtime
            .load_sample(codes, label)
            .expect("invariant: samples were checked against the network");
        let params = self.settings.step_params(0);
        for op in 0..self.beginning.end {
            self.runtime.run_op(op, &params, trace);
        }
        let bytes: Vec<u8> = self
            .beginning
            .tensors
            .iter()
            .flat_map(|&tensor| self.runtime.tensor_bytes(tensor))
            .copied()
            .collect();
        // Another thread may have been first; it found the same.
        let _same = values[at].set(bytes.into());
    }
}
