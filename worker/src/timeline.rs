//! A schedule of `TinyEngine` as the page draws it.

use quartermeg_formats::tinyengine::{Phase, Timeline, TimelineOp, TimelineTensor};

use crate::plan::role_index;
use quartermeg_web::protocol::{OpView, PlanView, TensorView};

/// Everything that the map draws of a schedule. A tensor of which only a quarter is in use from
/// some operation on becomes two.
#[cfg_attr(page, optimize(size))]
pub(crate) fn view(timeline: &Timeline) -> PlanView {
    let mut tensors = Vec::new();
    // For each tensor of the schedule where it lies, and its quarter with its first operation.
    let mut places = Vec::new();
    for tensor in &timeline.tensors {
        let whole = index(tensors.len());
        let quartered = tensor.quarter_after_op.filter(|&op| op < tensor.last_op);
        tensors.push(tensor_view(tensor));
        let quarter = quartered.map(|op| {
            let view = tensor_view(tensor);
            let first_op = op + 1;
            tensors[whole as usize].last_op = op;
            tensors.push(TensorView {
                name: format!("{} (the quarter still in use)", view.name),
                size_bytes: view.size_bytes.div_ceil(4),
                first_op,
                ..view
            });
            (whole + 1, first_op)
        });
        places.push((whole, quarter));
    }
    let place = |tensor: u32, op: u32| match places[tensor as usize] {
        (_, Some((quarter, first_op))) if op >= first_op => quarter,
        (whole, _) => whole,
    };
    let n_ops = index(timeline.ops.len());
    let begins = |phase: fn(Phase) -> bool| {
        let found = (0..).zip(&timeline.ops).find(|(_, op)| phase(op.phase));
        found.map_or(n_ops, |(op, _)| op)
    };
    let is_forward_peak = timeline.forward_peak_bytes >= timeline.backward_peak_bytes;
    PlanView {
        arena_bytes: timeline.arena_bytes,
        lower_bound_bytes: timeline
            .forward_peak_bytes
            .max(timeline.backward_peak_bytes),
        peak_op: if is_forward_peak {
            timeline.forward_peak_op
        } else {
            timeline.backward_peak_op
        },
        live_bytes: timeline.live_bytes.clone(),
        loss_ops: [
            begins(|phase| phase != Phase::Forward),
            begins(|phase| phase == Phase::Backward),
        ],
        ops: (0..)
            .zip(&timeline.ops)
            .map(|(at, op)| op_view(op, |tensor| place(tensor, at)))
            .collect(),
        tensors,
        ..PlanView::default()
    }
}

fn tensor_view(tensor: &TimelineTensor) -> TensorView {
    let extents: Vec<String> = tensor.shape.iter().map(u32::to_string).collect();
    TensorView {
        name: tensor.name.clone(),
        role: role_index(tensor.role),
        offset: tensor.offset,
        size_bytes: tensor.size_bytes,
        first_op: tensor.first_op,
        last_op: tensor.last_op,
        layout: format!("{} {}", tensor.element.name(), extents.join(" x ")),
    }
}

fn op_view(op: &TimelineOp, place: impl Fn(u32) -> u32) -> OpView {
    let parameter = op.parameter.as_ref();
    OpView {
        name: parameter.map_or_else(|| op.kind.to_owned(), |it| format!("{}: {it}", op.kind)),
        help: format!("Operator {} of the file.", op.name),
        reads: op.reads.iter().map(|&tensor| place(tensor)).collect(),
        writes: op.writes.iter().map(|&tensor| place(tensor)).collect(),
    }
}

fn index(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use quartermeg_core::program::Role;
    use quartermeg_formats::tinyengine::{ElementType, ReleasedType};

    use super::*;

    fn tensor(first_op: u32, last_op: u32, quarter_after_op: Option<u32>) -> TimelineTensor {
        TimelineTensor {
            name: "x".to_owned(),
            role: Role::SavedActivation,
            released_type: ReleasedType::Inference,
            element: ElementType::I8,
            shape: vec![1, 3, 8, 8],
            offset: 0,
            size_bytes: 192,
            first_op,
            last_op,
            quarter_after_op,
        }
    }

    fn op(phase: Phase, parameter: Option<&str>, reads: Vec<u32>, writes: Vec<u32>) -> TimelineOp {
        TimelineOp {
            name: "nn.mcuconv2d@0".to_owned(),
            kind: "CONV_2D",
            phase,
            parameter: parameter.map(str::to_owned),
            reads,
            writes,
        }
    }

    #[test]
    fn a_quartered_tensor_becomes_two_and_operations_follow() {
        let timeline = Timeline {
            ops: vec![
                op(Phase::Forward, Some("v1_weight"), vec![0], vec![1]),
                op(Phase::Forward, None, vec![0], vec![1]),
                op(Phase::Loss, None, vec![0, 1], vec![1]),
                op(Phase::Backward, None, vec![0], vec![]),
            ],
            tensors: vec![tensor(0, 3, Some(1)), tensor(0, 2, Some(2))],
            live_bytes: vec![384; 4],
            arena_bytes: 384,
            forward_peak_bytes: 384,
            forward_peak_op: 0,
            backward_peak_bytes: 384,
            backward_peak_op: 2,
        };
        let plan = view(&timeline);
        let lives: Vec<_> = plan
            .tensors
            .iter()
            .map(|it| (it.size_bytes, it.first_op, it.last_op))
            .collect();
        // Nothing is left of the second after the operation that overwrites it.
        assert_eq!(lives, [(192, 0, 1), (48, 2, 3), (192, 0, 2)]);
        assert_eq!(plan.ops[1].reads, [0]);
        assert_eq!(plan.ops[2].reads, [1, 2]);
        assert_eq!((plan.loss_ops, plan.peak_op), ([2, 3], 0));
        assert_eq!(plan.ops[0].name, "CONV_2D: v1_weight");
        assert_eq!(plan.ops[1].name, "CONV_2D");
        assert_eq!(plan.tensors[0].layout, "int8 1 x 3 x 8 x 8");
    }
}
