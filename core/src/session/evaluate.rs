//! Accuracy, measured in slices beside a running session, on weights as they were when the
//! measurement began.

use super::{Samples, SessionError, largest};
use crate::bytes::AlignedBytes;
use crate::program::Program;
use crate::runtime::kernels::{Kernels, Native};
use crate::runtime::{InputError, Runtime};

/// A finished measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accuracy {
    /// Samples whose largest logit is that of their class.
    pub correct: u32,
    /// Samples measured.
    pub total: u32,
}

/// Runs the forward pass in a block of its own.
#[derive(Debug)]
pub struct Evaluator<K = Native> {
    runtime: Runtime<AlignedBytes, AlignedBytes, K>,
    next: usize,
    correct: u32,
}

impl<K: Kernels> Evaluator<K> {
    /// Takes the program of a session.
    ///
    /// # Errors
    /// When the program is refused.
    pub fn new(image: AlignedBytes) -> Result<Self, SessionError> {
        Self::of(Program::parse(image).map_err(SessionError::Program)?)
    }

    /// As [`Self::new`], of a program that was checked before.
    ///
    /// # Errors
    /// When the block is refused.
    pub fn of(program: Program<AlignedBytes>) -> Result<Self, SessionError> {
        let arena = AlignedBytes::zeroed(program.meta().arena_bytes as usize);
        let runtime = Runtime::new(program, arena).map_err(SessionError::Arena)?;
        Ok(Self {
            runtime,
            next: 0,
            correct: 0,
        })
    }

    /// Starts a measurement of these trained parameters.
    ///
    /// # Errors
    /// When the state has another length.
    pub fn begin(&mut self, state: &[u8]) -> Result<(), InputError> {
        self.runtime.set_state(state)?;
        (self.next, self.correct) = (0, 0);
        Ok(())
    }

    /// Measures at most `n_samples` more; the accuracy once all have been measured.
    ///
    /// # Errors
    /// When a sample does not fit the program.
    pub fn advance(
        &mut self,
        samples: &Samples,
        n_samples: usize,
    ) -> Result<Option<Accuracy>, InputError> {
        let end = samples.len().min(self.next.saturating_add(n_samples));
        for sample in self.next..end {
            let (codes, label) = samples.get(sample);
            let class = self.classify(codes)?;
            self.correct += u32::from(class == label as usize);
        }
        self.next = end;
        #[expect(clippy::cast_possible_truncation, reason = "samples are far fewer")]
        let total = samples.len() as u32;
        Ok((end == samples.len()).then_some(Accuracy {
            correct: self.correct,
            total,
        }))
    }

    /// The class of the largest logit for one input; [`Self::logits`] holds them all.
    ///
    /// # Errors
    /// When the input does not fit the program.
    pub fn classify(&mut self, codes: &[i8]) -> Result<usize, InputError> {
        self.runtime.load_sample(codes, 0)?;
        self.runtime.forward();
        Ok(largest(self.runtime.logits()))
    }

    /// The logits of the newest input.
    pub fn logits(&self) -> &[f32] {
        self.runtime.logits()
    }
}
