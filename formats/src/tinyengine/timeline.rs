//! The result: what a memory map draws.

use quartermeg_core::program::Role;

use super::error::TinyEngineError;
use super::graph::{ElementType, Source};
use super::lifetimes::{Lifetime, Lifetimes};
use super::op::Op;
use super::steps::{Schedule, Step};

/// Memory of one training step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// Fused operations in execution order.
    pub ops: Vec<TimelineOp>,
    /// Tensors in the order of their birth.
    pub tensors: Vec<TimelineTensor>,
    /// Bytes live during each operation; where tensors overlap, both count.
    pub live_bytes: Vec<u32>,
    /// Size of the arena.
    pub arena_bytes: u32,
    /// Largest live sum of the forward pass.
    pub forward_peak_bytes: u32,
    /// First operation at which it is reached.
    pub forward_peak_op: u32,
    /// Largest live sum of the loss and the backward pass.
    pub backward_peak_bytes: u32,
    /// First operation at which it is reached.
    pub backward_peak_op: u32,
}

/// A fused operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineOp {
    /// Name of the operator of the file that it comes from.
    pub name: String,
    /// What it does, in the generator's words, for example `DEPTHWISE_CONV_2D`.
    pub kind: &'static str,
    /// Part of the step.
    pub phase: Phase,
    /// Parameter that it reads first or changes, for example `v4_conv_1_weight`.
    pub parameter: Option<String>,
    /// Tensors that it reads, by index.
    pub reads: Vec<u32>,
    /// Tensors that it writes, by index.
    pub writes: Vec<u32>,
}

/// Part of a training step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Up to the logits.
    Forward,
    /// From the first float value to the last operation that reads nothing from before.
    Loss,
    /// From the first operation behind the loss that reads what the forward pass saved.
    Backward,
}

/// A tensor in the arena.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineTensor {
    /// Its name in the file.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// What the generator calls it.
    pub released_type: ReleasedType,
    /// Element type in the file.
    pub element: ElementType,
    /// Shape in the file: batch, channels, rows, columns.
    pub shape: Vec<u32>,
    /// First byte in the arena.
    pub offset: u32,
    /// Size, rounded up to 4 bytes.
    pub size_bytes: u32,
    /// First operation during which it is live.
    pub first_op: u32,
    /// Last operation during which it is live.
    pub last_op: u32,
    /// Operation after which a quarter of it is in use: a depthwise convolution of stride 2 has
    /// overwritten its input.
    pub quarter_after_op: Option<u32>,
}

/// The generator's word for a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleasedType {
    /// Gone when the first float operation begins.
    Inference,
    /// Needed from then on.
    TrainingActivation,
}

impl Timeline {
    /// Tensors that the forward pass leaves to the backward pass.
    pub fn saved(&self) -> impl Iterator<Item = &TimelineTensor> {
        self.tensors.iter().filter(|tensor| {
            self.phase(tensor.first_op) == Some(Phase::Forward)
                && self.phase(tensor.last_op) == Some(Phase::Backward)
        })
    }

    fn phase(&self, op: u32) -> Option<Phase> {
        self.ops.get(op as usize).map(|op| op.phase)
    }

    /// Pairs of tensors, by index, that share bytes while both are live. A right placement has
    /// none; the released one has.
    #[must_use]
    pub fn overlaps(&self) -> Vec<[u32; 2]> {
        let mut pairs = Vec::new();
        for (a, first) in (0..).zip(&self.tensors) {
            for (b, second) in (0..a).zip(&self.tensors) {
                let from = first.first_op.max(second.first_op);
                let share_time = from <= first.last_op.min(second.last_op);
                let share_bytes = first.offset < second.offset + second.bytes_from(from)
                    && second.offset < first.offset + first.bytes_from(from);
                if share_time && share_bytes {
                    pairs.push([b, a]);
                }
            }
        }
        pairs
    }
}

impl TimelineTensor {
    /// Bytes in use for a tensor that is born during an operation.
    fn bytes_from(&self, op: u32) -> u32 {
        match self.quarter_after_op {
            Some(quartered) if op > quartered => self.size_bytes.div_ceil(4),
            _ => self.size_bytes,
        }
    }
}

/// Operations at which the phases begin.
struct Borders {
    loss_begins: u32,
    loss_op: u32,
    backward_begins: u32,
}

impl Borders {
    fn find(schedule: &Schedule, lifetimes: &Lifetimes) -> Option<Self> {
        let position = |wanted: &dyn Fn(&Step) -> bool| {
            let found = (0..).zip(&schedule.steps).find(|(_, step)| wanted(step));
            found.map(|(op, _): (u32, _)| op)
        };
        let loss_op = position(&|step| step.op == Op::Loss)?;
        let writes_float = |step: &Step| {
            let mut writes = step.writes.iter();
            writes.any(|&value| schedule.values[value].element == ElementType::F32)
        };
        let loss_begins = position(&writes_float).map_or(loss_op, |op| op.min(loss_op));
        let backward_begins = (0..)
            .zip(&lifetimes.reads)
            .skip(loss_op as usize + 1)
            .find(|(_, reads)| {
                let mut reads = reads.iter();
                reads.any(|&it| lifetimes.tensors[it as usize].first < loss_begins)
            })
            .map_or(u32::MAX, |(op, _)| op);
        Some(Self {
            loss_begins,
            loss_op,
            backward_begins,
        })
    }

    fn phase(&self, op: u32) -> Phase {
        if op < self.loss_begins {
            Phase::Forward
        } else if op < self.backward_begins {
            Phase::Loss
        } else {
            Phase::Backward
        }
    }

    fn role(&self, schedule: &Schedule, tensor: &Lifetime) -> Role {
        let value = &schedule.values[tensor.value];
        if tensor.is_operand {
            return match value.source {
                Source::Parameter if tensor.first == self.loss_op => Role::Label,
                _ => Role::Scratch,
            };
        }
        if value.source == Source::Input {
            Role::Input
        } else if tensor.first > self.loss_op {
            Role::Gradient
        } else if value.element == ElementType::Bool {
            Role::Mask
        } else if tensor.first < self.loss_begins && tensor.end > self.backward_begins {
            Role::SavedActivation
        } else {
            Role::Activation
        }
    }
}

/// Puts the result together.
///
/// # Errors
/// No operation computes a loss, or more bytes are live than can be counted.
pub(super) fn timeline(
    schedule: &Schedule,
    lifetimes: Lifetimes,
) -> Result<Timeline, TinyEngineError> {
    let borders = Borders::find(schedule, &lifetimes).ok_or(TinyEngineError::NoLoss)?;
    let mut live_bytes = vec![0_u32; schedule.steps.len()];
    for tensor in &lifetimes.tensors {
        for live in &mut live_bytes[tensor.first as usize..tensor.end as usize] {
            // Only tensors on top of each other can be more than the arena.
            *live = live
                .checked_add(tensor.bytes)
                .ok_or_else(|| TinyEngineError::DoesNotFit {
                    tensor: schedule.values[tensor.value].name.clone(),
                    bytes: tensor.bytes,
                })?;
        }
    }
    let (forward, backward) = live_bytes.split_at(borders.loss_begins as usize);
    let (forward_peak_op, forward_peak_bytes) = peak(forward);
    let (backward_peak_op, backward_peak_bytes) = peak(backward);
    let tensors = lifetimes.tensors.iter().map(|tensor| {
        let value = &schedule.values[tensor.value];
        TimelineTensor {
            name: value.name.clone(),
            role: borders.role(schedule, tensor),
            released_type: if tensor.end > borders.loss_begins {
                ReleasedType::TrainingActivation
            } else {
                ReleasedType::Inference
            },
            element: value.element,
            shape: value.shape.clone(),
            offset: tensor.offset,
            size_bytes: tensor.bytes,
            first_op: tensor.first,
            last_op: tensor.end - 1,
            quarter_after_op: tensor.quarter_after,
        }
    });
    let arena_bytes = lifetimes
        .tensors
        .iter()
        .map(|it| it.offset + it.bytes)
        .max();
    Ok(Timeline {
        tensors: tensors.collect(),
        arena_bytes: arena_bytes.unwrap_or(0),
        forward_peak_bytes,
        forward_peak_op,
        backward_peak_bytes,
        backward_peak_op: borders.loss_begins + backward_peak_op,
        live_bytes,
        ops: (0..)
            .zip(&schedule.steps)
            .zip(lifetimes.reads.into_iter().zip(lifetimes.writes))
            .map(|((op, step), (reads, writes))| TimelineOp {
                name: schedule.nodes[step.node].name.clone(),
                kind: step.op.name(),
                phase: borders.phase(op),
                parameter: parameter(schedule, step),
                reads,
                writes,
            })
            .collect(),
    })
}

/// The first of the largest values, and its position.
fn peak(live_bytes: &[u32]) -> (u32, u32) {
    let largest = live_bytes.iter().copied().max().unwrap_or(0);
    let at = (0..).zip(live_bytes).find(|(_, live)| **live == largest);
    (at.map_or(0, |(op, _)| op), largest)
}

/// Parameter that an operation changes or else reads first.
fn parameter(schedule: &Schedule, step: &Step) -> Option<String> {
    if let Some(gradient) = step.update {
        return schedule.values[gradient].output_info.clone();
    }
    let read = schedule.nodes[step.node]
        .inputs
        .iter()
        .map(|&value| &schedule.values[schedule.memory_of(value)]);
    let mut parameters = read.filter(|value| value.source == Source::Parameter);
    parameters.next().map(|value| value.name.clone())
}
