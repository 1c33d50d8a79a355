//! `REORDER_GCONV_TCONV`: a weight gradient waits until the layer below has its bias gradient.

use super::op::Op;
use super::steps::{Schedule, Step};

/// Moves every weight gradient behind the next bias update that follows a transposed convolution.
/// That of a depthwise convolution stays: what comes next overwrites what it reads.
pub(super) fn weight_gradients_last(schedule: &mut Schedule) {
    let mut at = 0;
    while at < schedule.steps.len() {
        at = moved(schedule, at).unwrap_or(at + 1);
    }
}

/// Moves the weight gradient at a position with what prepares its input, and returns where to go
/// on; none where nothing was moved.
fn moved(schedule: &mut Schedule, at: usize) -> Option<usize> {
    let steps = &schedule.steps;
    if steps[at].op != Op::GroupConvolution || steps[at].depthwise {
        return None;
    }
    let prepares = |step: &Step| matches!(step.op, Op::Cast | Op::StridedSlice | Op::Tile);
    let finishes = |step: &&Step| matches!(step.op, Op::PermuteGroups | Op::Transpose);
    let n_before = steps[..at]
        .iter()
        .rev()
        .take_while(|it| prepares(it))
        .count();
    let n_after = steps[at + 1..].iter().take_while(finishes).count();
    let (first, end) = (at - n_before, at + 1 + n_after);
    let position = |from: usize, op| {
        let found = steps[from..].iter().position(|step| step.op == op)?;
        Some(from + found)
    };
    let target = position(position(end, Op::TransposeConvolution)?, Op::BiasUpdate)? + 1;
    let is_needed = steps[first..end]
        .iter()
        .flat_map(|it| &it.writes)
        .any(|&value| {
            let memory = schedule.memory_of(value);
            let reads = steps[end..target].iter().flat_map(|step| &step.reads);
            reads
                .into_iter()
                .any(|&read| schedule.memory_of(read) == memory)
        });
    if is_needed {
        return None;
    }
    schedule.steps[first..target].rotate_left(end - first);
    Some(target)
}
