//! Which memory is in use during which operations.

use super::error::TinyEngineError;
use super::graph::{Source, ValueId};
use super::op::Op;
use super::passes::Passes;
use super::steps::{Schedule, Step};

/// The generator rounds every tensor up to this many bytes.
const ALIGN: u32 = 4;

/// A tensor of the arena.
#[derive(Clone, Debug)]
pub(super) struct Lifetime {
    /// The value that gives it its name and shape.
    pub value: ValueId,
    /// Whether it is an operand for which memory is set aside though nothing is stored in it.
    pub is_operand: bool,
    /// Size, rounded up.
    pub bytes: u32,
    /// First operation during which it is live.
    pub first: u32,
    /// First operation after it.
    pub end: u32,
    /// Operation after which only a quarter of it is in use.
    pub quarter_after: Option<u32>,
    /// First byte in the arena, once it is placed.
    pub offset: u32,
}

/// The tensors in the order of their birth, and which of them an operation touches.
#[derive(Default)]
pub(super) struct Lifetimes {
    /// The tensors.
    pub tensors: Vec<Lifetime>,
    /// For each operation the tensors that it reads.
    pub reads: Vec<Vec<u32>>,
    /// For each operation the tensors that it writes.
    pub writes: Vec<Vec<u32>>,
}

/// Finds the lifetimes. A tensor lives from the first operation that touches it to the last; a
/// gradient that no operation uses up lives to the end.
///
/// # Errors
/// A tensor that is larger than the arena may become.
pub(super) fn find(schedule: &Schedule, passes: &Passes) -> Result<Lifetimes, TinyEngineError> {
    let mut found = Lifetimes::default();
    let mut known: Vec<Option<u32>> = vec![None; schedule.values.len()];
    for (now, step) in (0..).zip(&schedule.steps) {
        let mut touch = |value: ValueId| {
            let memory = schedule.memory_of(value);
            if !schedule.is_in_arena(memory) {
                return is_set_aside(schedule, step, memory).then(|| {
                    found.add(Lifetime {
                        value: memory,
                        is_operand: true,
                        bytes: operand_bytes(schedule, step, memory),
                        quarter_after: None,
                        ..Lifetime::new(memory, now)
                    })
                });
            }
            let index = *known[memory].get_or_insert_with(|| {
                found.add(Lifetime {
                    bytes: schedule.bytes[memory],
                    quarter_after: schedule.quarter_after[memory],
                    ..Lifetime::new(memory, now)
                })
            });
            found.tensors[index as usize].end = now + 1;
            Some(index)
        };
        let reads = step
            .reads
            .iter()
            .filter_map(|&value| touch(value))
            .collect();
        let writes = step
            .writes
            .iter()
            .filter_map(|&value| touch(value))
            .collect();
        found.reads.push(reads);
        found.writes.push(writes);
    }
    if !passes.sgd_in_place {
        let n_steps = u32::try_from(schedule.steps.len()).unwrap_or(u32::MAX);
        for (id, value) in schedule.values.iter().enumerate() {
            let kept = known[schedule.memory_of(id)].filter(|_| value.output_info.is_some());
            if let Some(index) = kept {
                found.tensors[index as usize].end = n_steps;
            }
        }
    }
    for tensor in &mut found.tensors {
        tensor.bytes = tensor
            .bytes
            .checked_next_multiple_of(ALIGN)
            .ok_or_else(|| TinyEngineError::DoesNotFit {
                tensor: schedule.values[tensor.value].name.clone(),
                bytes: tensor.bytes,
            })?;
    }
    Ok(found)
}

impl Lifetime {
    fn new(value: ValueId, now: u32) -> Self {
        Self {
            value,
            is_operand: false,
            bytes: 0,
            first: now,
            end: now + 1,
            quarter_after: None,
            offset: 0,
        }
    }
}

impl Lifetimes {
    fn add(&mut self, tensor: Lifetime) -> u32 {
        let index = u32::try_from(self.tensors.len()).unwrap_or(u32::MAX);
        self.tensors.push(tensor);
        index
    }
}

/// Whether the generator sets memory aside for an operand that lies elsewhere: the label at the
/// loss, the scale of a division, the constant of a product.
fn is_set_aside(schedule: &Schedule, step: &Step, memory: ValueId) -> bool {
    match step.op {
        Op::Loss | Op::Divide => true,
        Op::Multiply => schedule.values[memory].source == Source::Constant,
        _ => false,
    }
}

/// Such an operand counts as large as the largest operand.
fn operand_bytes(schedule: &Schedule, step: &Step, memory: ValueId) -> u32 {
    let elements = step
        .reads
        .iter()
        .map(|&value| schedule.values[value].n_elements);
    // At most u32::MAX / 4 elements of at most 4 bytes.
    elements.max().unwrap_or(0) * schedule.values[memory].element.bytes()
}
