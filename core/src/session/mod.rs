//! A training session: a program, its samples, and where training stands.
//!
//! The page and the command line share it, so that the same settings give the same weights.

mod cursor;
mod evaluate;
mod samples;

use alloc::vec::Vec;

pub use evaluate::{Accuracy, Evaluator};
pub use samples::{Samples, SamplesError};

use crate::bytes::AlignedBytes;
use crate::program::{Program, ProgramError, Settings};
use crate::runtime::kernels::{Kernels, Native};
use crate::runtime::{ArenaError, InputError, Runtime, StepParams, Trace, sample_at};

/// Why a session cannot start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionError {
    /// The program was refused.
    Program(ProgramError),
    /// The block was refused.
    Arena(ArenaError),
    /// A sample or state does not fit the program.
    Input(InputError),
    /// There is nothing to learn from.
    NoSamples,
}

/// What one finished step had to say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepRecord {
    /// Number of steps finished, this one included.
    pub step: u32,
    /// Loss of the sample, before the update.
    pub loss: f32,
}

/// A program, its samples, and where training stands.
#[derive(Debug)]
pub struct Session<K = Native> {
    runtime: Runtime<AlignedBytes, AlignedBytes, K>,
    samples: Samples,
    settings: Settings,
    /// Steps finished.
    step: u32,
    /// Operations finished inside the step that is under way; 0 between steps.
    op: u32,
    loss: Option<f32>,
    snapshot: Option<cursor::Snapshot>,
}

impl<K: Kernels> Session<K> {
    /// Starts at step 0, with the parameters that the program starts with.
    ///
    /// # Errors
    /// When program, block or samples do not fit together.
    pub fn new(image: AlignedBytes, samples: Samples) -> Result<Self, SessionError> {
        Self::of(
            Program::parse(image).map_err(SessionError::Program)?,
            samples,
        )
    }

    /// As [`Self::new`], of a program that was checked before: checking takes as long as compiling.
    ///
    /// # Errors
    /// When block or samples do not fit the program.
    #[cfg_attr(page, optimize(size))]
    pub fn of(program: Program<AlignedBytes>, samples: Samples) -> Result<Self, SessionError> {
        let settings = program.settings();
        let arena = AlignedBytes::zeroed(program.meta().arena_bytes as usize);
        let runtime = Runtime::new(program, arena).map_err(SessionError::Arena)?;
        if samples.is_empty() {
            return Err(SessionError::NoSamples);
        }
        let mut session = Self {
            runtime,
            samples,
            settings,
            step: 0,
            op: 0,
            loss: None,
            snapshot: None,
        };
        session.check_samples()?;
        Ok(session)
    }

    /// Every sample must fit, so that no step can fail.
    fn check_samples(&mut self) -> Result<(), SessionError> {
        for sample in 0..self.samples.len() {
            let (codes, label) = self.samples.get(sample);
            self.runtime
                .load_sample(codes, label)
                .map_err(SessionError::Input)?;
        }
        Ok(())
    }

    /// The program.
    pub fn program(&self) -> &Program<AlignedBytes> {
        self.runtime.program()
    }

    /// Program and block.
    pub fn runtime(&self) -> &Runtime<AlignedBytes, AlignedBytes, K> {
        &self.runtime
    }

    /// The samples.
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// Adds a sample; it is learned from the next step on.
    ///
    /// # Errors
    /// When it does not fit the program.
    pub fn add_sample(&mut self, codes: &[i8], label: u32) -> Result<(), InputError> {
        let meta = self.program().meta();
        let expected: usize = meta
            .input_shape
            .iter()
            .map(|&extent| extent as usize)
            .product();
        let n_classes = meta.head.n_classes;
        if codes.len() != expected {
            return Err(InputError::InputLength {
                expected,
                found: codes.len(),
            });
        }
        if label >= n_classes {
            return Err(InputError::Label { label, n_classes });
        }
        self.samples.push(codes, label);
        Ok(())
    }

    /// Training settings.
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// Changes the training settings from the next step on.
    pub fn set_settings(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// Steps finished.
    pub fn step_count(&self) -> u32 {
        self.step
    }

    /// Operations finished inside the step under way; 0 between steps.
    pub fn op_count(&self) -> u32 {
        self.op
    }

    /// Loss of the newest step whose loss is known.
    pub fn loss(&self) -> Option<f32> {
        self.loss
    }

    /// SHA-256 of all weights.
    pub fn weights_digest(&self) -> [u8; 32] {
        self.runtime.weights_digest()
    }

    /// Back to step 0 and the parameters that the program starts with.
    pub fn reset(&mut self) {
        self.runtime.reset();
        (self.step, self.op, self.loss, self.snapshot) = (0, 0, None, None);
    }

    /// Restores trained parameters and how many steps they took.
    ///
    /// # Errors
    /// When the state has another length.
    pub fn resume(&mut self, state: &[u8], step: u32) -> Result<(), InputError> {
        self.runtime.set_state(state)?;
        (self.step, self.op, self.loss, self.snapshot) = (step, 0, None, None);
        Ok(())
    }

    /// The trained parameters between steps: of a step under way, those it started with.
    pub fn state(&self) -> Vec<u8> {
        match &self.snapshot {
            Some(snapshot) if self.op > 0 => snapshot.state().to_vec(),
            _ => self.runtime.state().to_vec(),
        }
    }

    /// Which sample the step with that number learns from; of a step that has begun the sample it
    /// has, even if samples were added since.
    pub fn sample_of_step(&self, step: u32) -> usize {
        if let Some(begun) = self
            .snapshot
            .as_ref()
            .and_then(|snapshot| snapshot.sample_of(step))
        {
            return begun;
        }
        #[expect(clippy::cast_possible_truncation, reason = "samples are far fewer")]
        let n_samples = self.samples.len() as u32;
        sample_at(self.settings.seed, step, n_samples) as usize
    }

    fn params(&self) -> StepParams {
        self.settings.step_params(self.step)
    }

    /// Finishes the step under way, or runs a whole one.
    pub fn step(&mut self, trace: &mut impl Trace) -> StepRecord {
        while !self.next_op(trace) {}
        StepRecord {
            step: self.step,
            loss: self.loss.unwrap_or_default(),
        }
    }
}

/// Index of the largest value, the first of equals.
#[must_use]
pub fn largest(values: &[f32]) -> usize {
    let mut best = 0;
    for (idx, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = idx;
        }
    }
    best
}
