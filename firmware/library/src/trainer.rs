//! Where training stands: a program in its block, the steps so far, and the step under way.

use quartermeg_core::program::Program;
use quartermeg_core::runtime::{NoTrace, Runtime, StepParams};

use crate::error::QmError;

/// Bytes of a program in flash.
pub(crate) type Flash = &'static [u8];

/// A program in its block `A`, and where training stands.
pub(crate) struct Trainer<A> {
    runtime: Runtime<Flash, A>,
    /// Steps finished: the number of the next one, counted from 0.
    steps: u32,
    running: Option<Running>,
}

/// A step that is under way.
struct Running {
    params: StepParams,
    next_op: u32,
    loss: f32,
}

/// The program, if it is whole and is the one that its header names.
pub(crate) fn load(bytes: &[u8]) -> Result<Program<&[u8]>, QmError> {
    let program = Program::parse(bytes)?;
    if program.identity() == program.compute_identity() {
        Ok(program)
    } else {
        Err(QmError::ProgramDamaged)
    }
}

/// Index of the largest logit, the first of equals.
pub(crate) fn largest(logits: &[f32]) -> u32 {
    let mut best = (0, f32::NEG_INFINITY);
    for (class, &logit) in (0..).zip(logits) {
        if logit > best.1 {
            best = (class, logit);
        }
    }
    best.0
}

impl<A: AsRef<[u8]> + AsMut<[u8]>> Trainer<A> {
    /// Starts at step 0 with the parameters that the program starts with.
    pub(crate) fn new(program: Program<Flash>, arena: A) -> Result<Self, QmError> {
        Ok(Self {
            runtime: Runtime::new(program, arena)?,
            steps: 0,
            running: None,
        })
    }

    /// Number of classes.
    pub(crate) fn n_classes(&self) -> usize {
        self.runtime.program().meta().head.n_classes as usize
    }

    /// Runs the forward pass; the logits are those of `codes` until the next call.
    pub(crate) fn infer(&mut self, codes: &[i8]) -> Result<&[f32], QmError> {
        self.between_steps()?;
        self.runtime.load_sample(codes, 0)?;
        self.runtime.forward();
        Ok(self.runtime.logits())
    }

    /// Begins a step.
    pub(crate) fn begin(&mut self, codes: &[i8], label: u32) -> Result<(), QmError> {
        self.between_steps()?;
        if self.steps == u32::MAX {
            return Err(QmError::Steps);
        }
        self.runtime.load_sample(codes, label)?;
        let settings = self.runtime.program().settings();
        self.running = Some(Running {
            params: settings.step_params(self.steps),
            next_op: 0,
            loss: 0.0,
        });
        Ok(())
    }

    /// Runs at most `max_ops` operations of the step under way. The loss, when that was the last.
    pub(crate) fn advance(&mut self, max_ops: u32) -> Result<Option<f32>, QmError> {
        let running = self.running.as_mut().ok_or(QmError::NoStep)?;
        let n_ops = self.runtime.program().n_ops();
        let end = running.next_op.saturating_add(max_ops).min(n_ops);
        for op_idx in running.next_op..end {
            if let Some(loss) = self.runtime.run_op(op_idx, &running.params, &mut NoTrace) {
                running.loss = loss;
            }
        }
        running.next_op = end;
        if end < n_ops {
            return Ok(None);
        }
        let loss = running.loss;
        self.running = None;
        self.steps += 1;
        Ok(Some(loss))
    }

    /// Steps finished.
    pub(crate) fn steps(&self) -> u32 {
        self.steps
    }

    /// Says how many steps the parameters have behind them.
    pub(crate) fn set_steps(&mut self, steps: u32) -> Result<(), QmError> {
        self.between_steps()?;
        self.steps = steps;
        Ok(())
    }

    /// The trained parameters.
    pub(crate) fn state(&self) -> Result<&[u8], QmError> {
        self.between_steps()?;
        Ok(self.runtime.state())
    }

    /// Takes trained parameters with so many steps behind them, and gives up the step under way.
    pub(crate) fn restore(&mut self, state: &[u8], steps: u32) -> Result<(), QmError> {
        self.runtime.set_state(state)?;
        self.running = None;
        self.steps = steps;
        Ok(())
    }

    /// Goes back to the start, and gives up the step under way.
    pub(crate) fn reset(&mut self) {
        self.runtime.reset();
        self.running = None;
        self.steps = 0;
    }

    /// SHA-256 of all weights.
    pub(crate) fn weights_digest(&self) -> Result<[u8; 32], QmError> {
        self.between_steps()?;
        Ok(self.runtime.weights_digest())
    }

    fn between_steps(&self) -> Result<(), QmError> {
        if self.running.is_some() {
            return Err(QmError::StepRunning);
        }
        Ok(())
    }
}
