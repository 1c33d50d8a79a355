//! Runs a program in one borrowed block of memory.
//!
//! Everything that a step writes lies in the block; nothing here allocates, and a program that
//! passed [`Program::parse`] runs without a failing path.

mod apply;
mod backward;
mod block;
mod classifier;
mod digest;
mod elementwise;
mod int8_gradient;
pub mod kernels;
mod noise;
mod parameter_gradient;
mod pool;
pub mod scratch;
mod step;
mod stream;
mod trace;
mod update;

use core::marker::PhantomData;
use core::ops::Range;

pub use noise::{Noise, mix, sample_at};
pub use trace::{NoTrace, Parameter, SquareSums, Trace, UpdateTrace};
pub use update::StepParams;

use crate::program::{Op, Program, TensorIdx};
use crate::quant::UpdateRule;
use kernels::{Kernels, Native};

/// Why a block of memory cannot hold a program.
#[expect(
    missing_docs,
    reason = "the fields are named by the sentence of their variant"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArenaError {
    /// It is too small.
    TooSmall { needed: usize, found: usize },
    /// It does not start at a multiple of four.
    Misaligned,
}

/// What a sample or a state must look like.
#[expect(
    missing_docs,
    reason = "the fields are named by the sentence of their variant"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputError {
    /// The input has another number of elements.
    InputLength { expected: usize, found: usize },
    /// There is no such class.
    Label { label: u32, n_classes: u32 },
    /// The trained parameters have another number of bytes.
    StateLength { expected: usize, found: usize },
}

/// A program with the block that it runs in. `P` holds the program's bytes, `A` the block.
#[derive(Debug)]
pub struct Runtime<P, A, K = Native> {
    program: Program<P>,
    arena: A,
    kernels: PhantomData<K>,
}

/// Bytes of a runtime itself on a device of 32 bits, with program and block borrowed: what is
/// written besides the block, apart from the stack.
pub const STATE_BYTES: u32 = 240;
#[cfg(target_pointer_width = "32")]
const _: () = assert!(size_of::<Runtime<&[u8], &mut [u8]>>() == STATE_BYTES as usize);

impl<P: AsRef<[u8]>, A: AsRef<[u8]> + AsMut<[u8]>, K: Kernels> Runtime<P, A, K> {
    /// Takes a block of at least [`crate::program::Meta::arena_bytes`] bytes and writes the
    /// start values of all trainable parameters into it.
    ///
    /// # Errors
    /// When the block is too small or not aligned to four bytes.
    #[cfg_attr(page, optimize(size))]
    pub fn new(program: Program<P>, arena: A) -> Result<Self, ArenaError> {
        let needed = program.meta().arena_bytes as usize;
        let found = arena.as_ref().len();
        if found < needed {
            return Err(ArenaError::TooSmall { needed, found });
        }
        let aligned = needed & !3;
        if bytemuck::try_cast_slice::<u8, u32>(&arena.as_ref()[..aligned]).is_err() {
            return Err(ArenaError::Misaligned);
        }
        let mut runtime = Self {
            program,
            arena,
            kernels: PhantomData,
        };
        runtime.reset();
        Ok(runtime)
    }

    /// The program.
    pub fn program(&self) -> &Program<P> {
        &self.program
    }

    /// The whole block.
    pub fn arena(&self) -> &[u8] {
        self.arena.as_ref()
    }

    /// The whole block, for tests that poison what is not live.
    pub fn arena_mut(&mut self) -> &mut [u8] {
        self.arena.as_mut()
    }

    /// The contents of one tensor.
    pub fn tensor_bytes(&self, tensor: TensorIdx) -> &[u8] {
        &self.arena.as_ref()[self.range(tensor)]
    }

    /// Writes the start values of all trainable parameters: those of the trained state that came
    /// with the program, or the network's own.
    #[cfg_attr(page, optimize(size))]
    pub fn reset(&mut self) {
        let state = self.program.section(crate::program::image::Section::State);
        if !state.is_empty() {
            self.arena.as_mut()[..state.len()].copy_from_slice(state);
            return;
        }
        let is_master = self.program.rules().update == UpdateRule::Master;
        for layer in 0..self.program.n_layers() {
            let record = self.program.layer(layer);
            if let Some(tensor) = record.weight_tensor {
                let len = record.weight_len(record.n_trainable as usize);
                if is_master {
                    self.write_masters(tensor, record.start_weight, len, |code: i8| {
                        f32::from(code)
                    });
                } else {
                    self.write_constants(tensor, record.start_weight, len);
                }
            }
            if let Some(tensor) = record.bias_tensor {
                let outputs = record.out_channels();
                if is_master {
                    #[expect(clippy::cast_precision_loss, reason = "the rule of f32 masters")]
                    self.write_masters(tensor, record.bias, outputs, |bias: i32| bias as f32);
                } else {
                    self.write_constants(tensor, record.bias, 4 * outputs);
                }
            }
            let state = record.velocity_tensors.into_iter();
            self.clear(state.chain([record.remainder_tensor]));
        }
        let head = self.program.meta().head;
        if let Some(classifier) = head.classifier {
            let tensor = classifier.weight_tensor;
            self.write_constants(tensor, classifier.start_weight, 4 * head.weight_len());
            let n_bytes = 4 * head.n_classes as usize;
            self.write_constants(classifier.bias_tensor, classifier.start_bias, n_bytes);
            self.clear(classifier.velocity_tensors.into_iter());
        }
    }

    /// The trained parameters: the persistent part of the block.
    pub fn state(&self) -> &[u8] {
        &self.arena.as_ref()[..self.program.meta().persistent_bytes as usize]
    }

    /// Restores trained parameters that [`Self::state`] gave.
    ///
    /// # Errors
    /// When the length differs; nothing is changed then.
    #[cfg_attr(page, optimize(size))]
    pub fn set_state(&mut self, state: &[u8]) -> Result<(), InputError> {
        let expected = self.program.meta().persistent_bytes as usize;
        if state.len() != expected {
            return Err(InputError::StateLength {
                expected,
                found: state.len(),
            });
        }
        self.arena.as_mut()[..expected].copy_from_slice(state);
        Ok(())
    }

    /// Writes one sample: int8 codes in NHWC order, and its class.
    ///
    /// # Errors
    /// When the number of codes differs or there is no such class.
    pub fn load_sample(&mut self, codes: &[i8], label: u32) -> Result<(), InputError> {
        let meta = *self.program.meta();
        let input = self.range(meta.input_tensor);
        if codes.len() != input.len() {
            return Err(InputError::InputLength {
                expected: input.len(),
                found: codes.len(),
            });
        }
        let n_classes = meta.head.n_classes;
        if label >= n_classes {
            return Err(InputError::Label { label, n_classes });
        }
        let label_range = self.range(meta.label_tensor);
        let arena = self.arena.as_mut();
        arena[input].copy_from_slice(bytemuck::cast_slice(codes));
        arena[label_range].copy_from_slice(&label.to_le_bytes());
        Ok(())
    }

    /// Runs one whole step on the sample that was loaded, and returns its loss.
    pub fn step(&mut self, params: &StepParams, trace: &mut impl Trace) -> f32 {
        let mut loss = 0.0;
        for op_idx in 0..self.program.n_ops() {
            if let Some(value) = self.run_op(op_idx, params, trace) {
                loss = value;
            }
        }
        loss
    }

    /// Runs the forward pass on the sample that was loaded; the logits are in
    /// [`Self::logits`] until the next operation.
    pub fn forward(&mut self) {
        for op_idx in 0..self.program.meta().loss_op {
            let op = self.program.op(op_idx);
            if !matches!(op, Op::SaveChannels { .. }) {
                self.run_forward(op_idx, op);
            }
        }
    }

    /// The logits, one f32 a class, after [`Self::forward`].
    pub fn logits(&self) -> &[f32] {
        bytemuck::cast_slice(self.tensor_bytes(self.program.meta().logits_tensor))
    }

    fn write_constants(&mut self, tensor: TensorIdx, offset: u32, n_bytes: usize) {
        let range = self.range(tensor);
        let values = self.program.constants::<u8>(offset, n_bytes);
        self.arena.as_mut()[range].copy_from_slice(values);
    }

    fn write_masters<T: bytemuck::AnyBitPattern>(
        &mut self,
        tensor: TensorIdx,
        offset: u32,
        len: usize,
        master: impl Fn(T) -> f32,
    ) {
        let range = self.range(tensor);
        let values = self.program.constants::<T>(offset, len);
        let masters = bytemuck::cast_slice_mut::<u8, f32>(&mut self.arena.as_mut()[range]);
        for (out, &value) in masters.iter_mut().zip(values) {
            *out = master(value);
        }
    }

    fn clear(&mut self, tensors: impl Iterator<Item = Option<TensorIdx>>) {
        for tensor in tensors.flatten() {
            let range = self.range(tensor);
            self.arena.as_mut()[range].fill(0);
        }
    }

    fn range(&self, tensor: TensorIdx) -> Range<usize> {
        let record = self.program.tensor(tensor);
        record.offset as usize..record.end() as usize
    }
}
