//! The plan without the passes that can be left out, as an outline behind the plan on the map.
//!
//! The two have different operations: one that runs several layers at once stands for several of
//! the other. Operations of the same name stand at the same place; those between two such places
//! share the room between them evenly.

use crate::protocol::PlanView;

/// A stretch of the outline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// Where it begins, in operations of the plan on the map.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// Bytes that are live there without the passes.
    pub bytes: u32,
}

/// The outline of `plain`, names and live bytes of its operations, behind `plan`.
#[must_use]
pub fn outline(plain: &[(String, u32)], plan: &PlanView) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::with_capacity(plain.len());
    // The first of each that has no place yet.
    let (mut next, mut op) = (0, 0);
    for (at, name) in plan.ops.iter().map(|op| &op.name).enumerate() {
        let waiting = plain.get(next..).unwrap_or_default();
        if let Some(found) = waiting.iter().position(|(plain, _)| plain == name) {
            place(&mut spans, &waiting[..found], [op, at]);
            place(&mut spans, &waiting[found..=found], [at, at + 1]);
            (next, op) = (next + found + 1, at + 1);
        }
    }
    place(
        &mut spans,
        plain.get(next..).unwrap_or_default(),
        [op, plan.ops.len()],
    );
    spans
}

/// The outline of another plan of the same network, behind `plan`.
#[must_use]
pub fn outline_of(other: &PlanView, plan: &PlanView) -> Vec<Span> {
    let names = other.ops.iter().map(|op| op.name.clone());
    let live: Vec<(String, u32)> = names.zip(other.live_bytes.iter().copied()).collect();
    outline(&live, plan)
}

/// Places operations evenly between two operations of the plan. Where there is no room, what they
/// need counts to the one before.
fn place(spans: &mut Vec<Span>, plain: &[(String, u32)], [from, to]: [usize; 2]) {
    let number = |value: usize| u32::try_from(value).map_or(f64::MAX, f64::from);
    if from == to || plain.is_empty() {
        let bytes = plain.iter().map(|(_, bytes)| *bytes).max().unwrap_or(0);
        if let Some(last) = spans.last_mut() {
            last.bytes = last.bytes.max(bytes);
            last.to = number(to);
        }
        return;
    }
    let width = number(to - from) / number(plain.len());
    for (index, &(_, bytes)) in plain.iter().enumerate() {
        spans.push(Span {
            from: number(from) + width * number(index),
            to: number(from) + width * number(index + 1),
            bytes,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::OpView;

    fn outline_of(plain: &[(&str, u32)], names: &[&str]) -> Vec<(f64, f64, u32)> {
        let plain: Vec<(String, u32)> = plain
            .iter()
            .map(|&(name, it)| (name.to_owned(), it))
            .collect();
        let op = |name: &&str| OpView {
            name: (*name).to_owned(),
            help: String::new(),
            reads: Vec::new(),
            writes: Vec::new(),
        };
        let plan = PlanView {
            ops: names.iter().map(op).collect(),
            ..PlanView::default()
        };
        let spans = outline(&plain, &plan);
        spans.iter().map(|it| (it.from, it.to, it.bytes)).collect()
    }

    #[test]
    fn the_same_operations_stand_at_the_same_place() {
        let plain = [("a", 1), ("b", 2), ("c", 3)];
        let expected = [(0.0, 1.0, 1), (1.0, 2.0, 2), (2.0, 3.0, 3)];
        assert_eq!(outline_of(&plain, &["a", "b", "c"]), expected);
    }

    #[test]
    fn several_share_the_room_of_one_that_stands_for_them() {
        let plain = [
            ("a", 1),
            ("b", 2),
            ("c", 3),
            ("loss", 4),
            ("c back", 5),
            ("b back", 6),
        ];
        let expected = [
            (0.0, 0.5, 1),
            (0.5, 1.0, 2),
            (1.0, 2.0, 3),
            (2.0, 3.0, 4),
            (3.0, 3.5, 5),
            (3.5, 4.0, 6),
        ];
        assert_eq!(
            outline_of(&plain, &["a to b", "c", "loss", "c to b back"]),
            expected
        );
    }

    #[test]
    fn what_has_no_room_counts_to_the_one_before() {
        let plain = [("a", 1), ("gone", 9), ("b", 2)];
        assert_eq!(
            outline_of(&plain, &["a", "b"]),
            [(0.0, 1.0, 9), (1.0, 2.0, 2)]
        );
        assert_eq!(outline_of(&plain[..1], &["a", "new"]), [(0.0, 2.0, 1)]);
        assert_eq!(outline_of(&[], &["a"]), []);
    }
}
