//! The memory map: every tensor as a rectangle, its operations across, its addresses upwards.

use quartermeg_core::program::Role;

use super::axis::floor_u32;
use super::ghost::Span;
use super::{Align, Area, Axis, Mark, Paint, Pattern, Scene};
use crate::protocol::{PlanView, TensorView};
use crate::state::text;

/// Room for the addresses on the left.
const LEFT: f64 = 56.0;
/// Room on the right.
const RIGHT: f64 = 10.0;
/// Room for the name of the budget line above.
const TOP: f64 = 24.0;
/// Room for operations and phases below.
const BOTTOM: f64 = 38.0;
/// Rectangles with a shorter side are too small for a pattern and an edge.
const SMALLEST: f64 = 4.0;
/// About the width of a character.
const CHARACTER: f64 = 6.4;

/// Which part of the addresses is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The budget; none where there is no limit.
    pub budget: Option<u32>,
    /// Up to where the budget may be raised: the board's memory, so that the map stands still
    /// while the budget changes.
    pub room: Option<u32>,
    /// Only what changes during a step, from the end of what keeps its contents to the end of
    /// the arena, rather than all up to the budget.
    pub zoomed: bool,
    /// The highest byte that has to find room besides the plan: of the outline behind it, or of
    /// the map beside it.
    pub ghost: Option<u32>,
}

/// Where things stand on the map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layout {
    /// The plot without its labels.
    pub plot: Area,
    /// Operations; operation `k` reaches from `k` to `k + 1`.
    pub x: Axis,
    /// Addresses.
    pub y: Axis,
}

/// What the second, transparent layer shows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pointers {
    /// Operations that have run in the step under way; none where the play head is not shown.
    pub play_head: Option<u32>,
    /// The operation that is looked at.
    pub op: Option<u32>,
    /// The tensor that is looked at.
    pub tensor: Option<u32>,
    /// The convolution whose tensors are looked at.
    pub layer: Option<u32>,
}

/// Finds the places for a map of that size.
#[must_use]
pub fn layout(plan: &PlanView, view: View, width: f64, height: f64) -> Layout {
    let plot = Area {
        left: LEFT,
        top: TOP,
        right: (width - RIGHT).max(LEFT + 1.0),
        bottom: (height - BOTTOM).max(TOP + 1.0),
    };
    let needed = plan.arena_bytes.max(view.ghost.unwrap_or(0));
    let [lowest, highest] = if view.zoomed {
        [plan.persistent_bytes, needed]
    } else {
        let limit = view.budget.max(view.room);
        [0, needed.max(limit.unwrap_or(0))]
    };
    Layout {
        plot,
        x: Axis {
            values: [0.0, n_ops(plan)],
            pixels: [plot.left, plot.right],
        },
        y: Axis {
            values: [f64::from(lowest), f64::from(highest.max(lowest + 1))],
            pixels: [plot.bottom, plot.top],
        },
    }
}

/// The map of a plan, and behind it an outline of another one.
#[must_use]
pub fn scene(plan: &PlanView, ghost: &[Span], view: View, width: f64, height: f64) -> Scene {
    let layout = layout(plan, view, width, height);
    let mut scene = Scene::new(width, height);
    draw_ground(&mut scene, plan, &layout);
    draw_addresses(&mut scene, &layout);
    let budget = view
        .budget
        .filter(|&budget| f64::from(budget) <= layout.y.values[1]);
    if let Some(budget) = budget.filter(|&budget| plan.arena_bytes > budget) {
        let bottom = layout.y.pixel(f64::from(budget));
        scene.fill(
            Area {
                bottom,
                ..layout.plot
            },
            Paint::LimitShade,
        );
    }
    draw_ghost(&mut scene, &layout, ghost);
    for tensor in in_drawing_order(plan).filter_map(|index| plan.tensors.get(index)) {
        draw_tensor(&mut scene, &layout, tensor);
    }
    draw_phases(&mut scene, plan, &layout);
    if let Some(budget) = budget {
        draw_budget(&mut scene, plan, &layout, budget);
    }
    draw_peak(&mut scene, plan, &layout);
    scene
}

/// The layer above the map: play head and what is looked at.
#[must_use]
pub fn overlay(plan: &PlanView, layout: &Layout, pointers: Pointers, size: [f64; 2]) -> Scene {
    let mut scene = Scene::new(size[0], size[1]);
    if let Some(op) = pointers.op.filter(|&op| (op as usize) < plan.ops.len()) {
        let [from, to] = op_edges(layout, op);
        let column = Area {
            left: from,
            right: to,
            ..layout.plot
        };
        scene.outline(column, Paint::Ink, 1.0);
        if let Some(op) = plan.ops.get(op as usize) {
            for &tensor in op.reads.iter().chain(&op.writes) {
                mark_tensor(&mut scene, layout, plan.tensors.get(tensor as usize));
            }
        }
    }
    if let Some(layer) = pointers
        .layer
        .and_then(|layer| plan.layers.get(layer as usize))
    {
        let owned = format!(" of {}", layer.name);
        for tensor in plan
            .tensors
            .iter()
            .filter(|tensor| tensor.name.ends_with(&owned))
        {
            mark_tensor(&mut scene, layout, Some(tensor));
        }
    }
    let chosen = pointers
        .tensor
        .and_then(|tensor| plan.tensors.get(tensor as usize));
    let area = chosen.map(|tensor| tensor_area(layout, tensor));
    if let Some(area) = area.filter(|area| area.height() > 0.0) {
        scene.outline(area.shrunk(-2.0), Paint::Ground, 2.0);
        scene.outline(area, Paint::Ink, 2.0);
    }
    if let Some(op) = pointers.play_head {
        let x = layout.x.pixel(f64::from(op));
        let Area { top, bottom, .. } = layout.plot;
        scene.line(vec![(x, top), (x, bottom + 4.0)], Paint::Ink, 2.0);
        scene.marks.push(Mark::Polygon {
            points: vec![
                (x - 5.0, bottom + 9.0),
                (x + 5.0, bottom + 9.0),
                (x, bottom + 1.0),
            ],
            paint: Paint::Ink,
        });
    }
    scene
}

/// The rectangle of a tensor, cut to what is shown; never thinner than a pixel, unless nothing of
/// it is shown.
#[must_use]
pub fn tensor_area(layout: &Layout, tensor: &TensorView) -> Area {
    let left = layout.x.pixel(f64::from(tensor.first_op));
    let right = layout.x.pixel(f64::from(tensor.last_op) + 1.0);
    let end = f64::from(tensor.offset) + f64::from(tensor.size_bytes);
    let lowest = layout.plot.bottom;
    let top = layout.y.pixel(end).min(lowest);
    let bottom = layout.y.pixel(f64::from(tensor.offset)).min(lowest);
    let top = if top < lowest {
        top.min(bottom - 1.0)
    } else {
        lowest
    };
    Area {
        left,
        top,
        right: right.max(left + 1.0),
        bottom,
    }
}

/// The tensor under a point: of several the one that is drawn last.
#[must_use]
pub fn tensor_at(plan: &PlanView, layout: &Layout, x: f64, y: f64) -> Option<u32> {
    let mut found = None;
    for index in in_drawing_order(plan) {
        if plan
            .tensors
            .get(index)
            .is_some_and(|it| tensor_area(layout, it).contains(x, y))
        {
            found = u32::try_from(index).ok();
        }
    }
    found
}

/// The operation under a point, if it is on the plot.
#[must_use]
pub fn op_at(plan: &PlanView, layout: &Layout, x: f64) -> Option<u32> {
    if plan.ops.is_empty() || !(layout.plot.left..layout.plot.right).contains(&x) {
        return None;
    }
    Some(floor_u32(layout.x.value(x)))
}

/// Tensors that are live during an operation, from the lowest address upwards.
#[must_use]
pub fn live_at(plan: &PlanView, op: u32) -> Vec<u32> {
    let mut live: Vec<(u32, u32)> = (0u32..)
        .zip(&plan.tensors)
        .filter(|(_, tensor)| (tensor.first_op..=tensor.last_op).contains(&op))
        .map(|(index, tensor)| (tensor.offset, index))
        .collect();
    live.sort_unstable();
    live.into_iter().map(|(_, index)| index).collect()
}

/// The live tensor above or below another one; the lowest or highest where there is none.
#[must_use]
pub fn neighbour(plan: &PlanView, op: u32, tensor: Option<u32>, upwards: bool) -> Option<u32> {
    let live = live_at(plan, op);
    let Some(position) = live.iter().position(|&index| Some(index) == tensor) else {
        return if upwards { live.first() } else { live.last() }.copied();
    };
    let next = if upwards {
        position + 1
    } else {
        position.saturating_sub(1)
    };
    live.get(next.min(live.len().saturating_sub(1))).copied()
}

/// The largest tensor that is live during an operation.
#[must_use]
pub fn largest_at(plan: &PlanView, op: u32) -> Option<u32> {
    live_at(plan, op).into_iter().max_by_key(|&index| {
        plan.tensors
            .get(index as usize)
            .map_or(0, |it| it.size_bytes)
    })
}

/// Roles that occur in a plan, in the order of the legend.
#[must_use]
pub fn roles(plan: &PlanView) -> Vec<u8> {
    (0u8..)
        .take(Role::ALL.len())
        .filter(|role| plan.tensors.iter().any(|tensor| tensor.role == *role))
        .collect()
}

fn n_ops(plan: &PlanView) -> f64 {
    u32::try_from(plan.ops.len().max(1)).map_or(f64::MAX, f64::from)
}

/// What stays lies below, then by birth: who takes somebody's place is drawn over it.
fn in_drawing_order(plan: &PlanView) -> impl Iterator<Item = usize> {
    let mut order: Vec<(u32, u32)> = (0..)
        .zip(&plan.tensors)
        .map(|(index, tensor)| {
            let stays = Role::ALL
                .get(usize::from(tensor.role))
                .is_some_and(|it| it.is_persistent());
            (if stays { 0 } else { tensor.first_op + 1 }, index)
        })
        .collect();
    order.sort_unstable();
    order.into_iter().map(|(_, index)| index as usize)
}

fn op_edges(layout: &Layout, op: u32) -> [f64; 2] {
    [
        layout.x.pixel(f64::from(op)),
        layout.x.pixel(f64::from(op) + 1.0),
    ]
}

/// Where the loss and the backward pass begin.
fn loss_edges(plan: &PlanView, layout: &Layout) -> [f64; 2] {
    plan.loss_ops
        .map(|op| layout.x.pixel(f64::from(op).min(n_ops(plan))))
}

/// A thin outline, where the tensor is in view.
fn mark_tensor(scene: &mut Scene, layout: &Layout, tensor: Option<&TensorView>) {
    let area = tensor.map(|tensor| tensor_area(layout, tensor));
    if let Some(area) = area.filter(|area| area.height() > 0.0) {
        scene.outline(area, Paint::Ink, 1.0);
    }
}

fn draw_ground(scene: &mut Scene, plan: &PlanView, layout: &Layout) {
    scene.fill(layout.plot, Paint::Ground);
    let [_, backward] = loss_edges(plan, layout);
    scene.fill(
        Area {
            left: backward,
            ..layout.plot
        },
        Paint::Shade,
    );
}

fn draw_addresses(scene: &mut Scene, layout: &Layout) {
    let Area { left, right, .. } = layout.plot;
    for bytes in layout.y.byte_ticks(floor_u32(layout.plot.height() / 44.0)) {
        let y = layout.y.pixel(bytes);
        scene.line(vec![(left, y), (right, y)], Paint::Rule, 1.0);
        scene.text((left - 8.0, y), address(bytes), Align::End, Paint::Muted);
    }
}

/// `64 KiB`, or `1.5 MiB`, which is as long as the margin is wide; ticks are whole KiB.
fn address(bytes: f64) -> String {
    let kib = bytes / 1024.0;
    if kib < 1.0 {
        "0".to_owned()
    } else if kib < 1024.0 {
        format!("{kib} KiB")
    } else {
        format!("{} MiB", kib / 1024.0)
    }
}

/// The outline: a step line over a faint ground.
fn draw_ghost(scene: &mut Scene, layout: &Layout, ghost: &[Span]) {
    let bottom = layout.plot.bottom;
    let mut points = Vec::with_capacity(2 * ghost.len() + 2);
    for span in ghost {
        let y = layout.y.pixel(f64::from(span.bytes)).min(bottom);
        let [left, right] = [span.from, span.to].map(|op| layout.x.pixel(op));
        let area = Area {
            left,
            top: y,
            right,
            bottom,
        };
        scene.fill(area, Paint::Rule);
        points.extend([(left, y), (right, y)]);
    }
    let ends = [points.first(), points.last()].map(|it| it.map(|&(x, _)| (x, bottom)));
    if let [Some(first), Some(last)] = ends {
        points.insert(0, first);
        points.push(last);
        scene.line(points, Paint::Muted, 1.5);
    }
}

fn draw_tensor(scene: &mut Scene, layout: &Layout, tensor: &TensorView) {
    let area = tensor_area(layout, tensor);
    if area.height() <= 0.0 {
        return;
    }
    scene.fill(area, Paint::Role(tensor.role));
    if area.width() < SMALLEST || area.height() < SMALLEST {
        return;
    }
    for stroke in Pattern::of_role(tensor.role).strokes(area) {
        scene.line(stroke.to_vec(), Paint::Hatch(tensor.role), 1.0);
    }
    // Two edges are enough to tell neighbours apart.
    scene.fill(
        Area {
            bottom: area.top + 1.0,
            ..area
        },
        Paint::Ground,
    );
    scene.fill(
        Area {
            right: area.left + 1.0,
            ..area
        },
        Paint::Ground,
    );
}

fn draw_phases(scene: &mut Scene, plan: &PlanView, layout: &Layout) {
    let Area {
        left,
        right,
        top,
        bottom,
    } = layout.plot;
    scene.line(vec![(left, bottom), (right, bottom)], Paint::Muted, 1.0);
    let [loss, backward] = loss_edges(plan, layout);
    let has_room_before = loss - left > 14.0 * CHARACTER;
    let has_room_inside = backward - loss > 5.0 * CHARACTER;
    // A name that is wider than what it names stands below the lines.
    let end = if has_room_inside || has_room_before {
        bottom + 30.0
    } else {
        bottom + 18.0
    };
    for x in [loss, backward] {
        scene.line(vec![(x, top), (x, end)], Paint::Muted, 1.0);
    }

    // Operations are counted from 1; the number stands below the middle of its column.
    for number in layout.x.whole_ticks(floor_u32(layout.plot.width() / 60.0)) {
        let x = layout.x.pixel(number - 0.5);
        if number >= 1.0 && (x - loss).abs() > 12.0 {
            let label = text::number(u64::from(floor_u32(number)));
            scene.line(vec![(x, bottom), (x, bottom + 3.0)], Paint::Muted, 1.0);
            scene.text((x, bottom + 11.0), label, Align::Middle, Paint::Muted);
        }
    }
    let words = bottom + 28.0;
    scene.title((left, words), "forward", Align::Start, Paint::Ink);
    // The name of the loss stands inside or, where it is too short, before it; where there is no
    // room either, the backward pass makes some.
    let middle = 0.5 * (loss + backward);
    let mut behind = backward + 5.0;
    if has_room_inside || !has_room_before {
        behind = behind.max(middle + 3.0 * CHARACTER);
        scene.title((middle, words), "loss", Align::Middle, Paint::Ink);
    } else {
        scene.title((loss - 5.0, words), "loss", Align::End, Paint::Ink);
    }
    scene.title((behind, words), "backward", Align::Start, Paint::Ink);
}

fn draw_budget(scene: &mut Scene, plan: &PlanView, layout: &Layout, budget: u32) {
    let Area {
        left, right, top, ..
    } = layout.plot;
    let y = layout.y.pixel(f64::from(budget));
    scene.dashes(y, left, right, Paint::Limit, 2.0);
    let is_over = plan.arena_bytes > budget;
    // So close to the upper edge the two names would stand on each other.
    let is_close = y - top < 20.0;
    if !(is_over && is_close) {
        let name = format!("budget {}", text::bytes(u64::from(budget)));
        label_above(scene, plan, layout, y, [name, "budget".to_owned()]);
    }
    if is_over {
        let missing = u64::from(plan.arena_bytes - budget);
        let labels = [
            format!("{} over", text::bytes(missing)),
            format!("{} B over", text::number(missing)),
        ];
        label_above(scene, plan, layout, top, labels);
    }
}

/// A name above a limit, on a ground of its own, where the flag of the peak is not. The second,
/// short one is taken where the flag leaves no room for the first.
fn label_above(scene: &mut Scene, plan: &PlanView, layout: &Layout, y: f64, labels: [String; 2]) {
    let width_of =
        |label: &str| CHARACTER * u32::try_from(label.chars().count()).map_or(0.0, f64::from);
    let Area { left, right, .. } = layout.plot;
    let peak = peak_x(plan, layout);
    let room = (peak - left - 10.0).max(right - peak - 60.0);
    let [long, short] = labels;
    let label = if width_of(&long) <= room { long } else { short };
    let width = width_of(&label);
    let (top, bottom) = (y - 19.0, y - 3.0);
    if peak > right - width - 60.0 {
        scene.fill(
            Area {
                left,
                top,
                right: left + width + 6.0,
                bottom,
            },
            Paint::Card,
        );
        scene.title((left + 2.0, y - 11.0), label, Align::Start, Paint::Limit);
    } else {
        scene.fill(
            Area {
                left: right - width - 6.0,
                top,
                right,
                bottom,
            },
            Paint::Card,
        );
        scene.title((right - 2.0, y - 11.0), label, Align::End, Paint::Limit);
    }
}

/// The middle of the operation at which the largest sum of bytes is live.
fn peak_x(plan: &PlanView, layout: &Layout) -> f64 {
    let [from, to] = op_edges(layout, plan.peak_op);
    0.5 * (from + to)
}

/// A flag above the operation at which the largest sum of bytes is live.
fn draw_peak(scene: &mut Scene, plan: &PlanView, layout: &Layout) {
    let x = peak_x(plan, layout);
    let y = layout.plot.top;
    scene.marks.push(Mark::Polygon {
        points: vec![(x - 5.0, y - 8.0), (x + 5.0, y - 8.0), (x, y)],
        paint: Paint::Ink,
    });
    // At the right edge its name stands before it.
    let is_at_edge = x + 9.0 + 4.0 * CHARACTER > layout.plot.right + RIGHT;
    let (at, align) = if is_at_edge {
        (x - 9.0, Align::End)
    } else {
        (x + 9.0, Align::Start)
    };
    scene.title((at, y - 9.0), "peak", align, Paint::Ink);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::OpView;

    fn tensor(role: u8, offset: u32, size_bytes: u32, first_op: u32, last_op: u32) -> TensorView {
        TensorView {
            name: format!("tensor at {offset}"),
            role,
            offset,
            size_bytes,
            first_op,
            last_op,
            layout: String::new(),
        }
    }

    fn of(budget: Option<u32>) -> View {
        View {
            budget,
            room: None,
            zoomed: false,
            ghost: None,
        }
    }

    fn plan() -> PlanView {
        let op = OpView {
            name: String::new(),
            help: String::new(),
            reads: vec![0],
            writes: vec![1],
        };
        PlanView {
            arena_bytes: 4096,
            persistent_bytes: 1024,
            peak_op: 1,
            loss_ops: [2, 3],
            live_bytes: vec![2048, 4096, 3072, 2048],
            // The third takes the place of the second during operation 2.
            tensors: vec![
                tensor(2, 0, 1024, 0, 3),
                tensor(5, 1024, 2048, 0, 2),
                tensor(8, 1024, 2048, 2, 3),
            ],
            ops: vec![op; 4],
            ..PlanView::default()
        }
    }

    #[test]
    fn a_tensor_stands_at_its_address_and_operations() {
        let layout = layout(&plan(), of(Some(8192)), 466.0, 262.0);
        let area = tensor_area(&layout, &plan().tensors[1]);
        assert_eq!(
            area,
            Area {
                left: 56.0,
                top: 149.0,
                right: 356.0,
                bottom: 199.0
            }
        );
    }

    #[test]
    fn the_highest_of_budget_and_arena_fits() {
        for (budget, highest) in [(None, 4096.0), (Some(1024), 4096.0), (Some(9000), 9000.0)] {
            let layout = layout(&plan(), of(budget), 400.0, 300.0);
            assert!((layout.y.pixel(highest) - layout.plot.top).abs() < 1e-9);
        }
    }

    #[test]
    fn the_name_of_the_peak_stays_on_the_map() {
        for peak_op in 0..4 {
            let plan = PlanView { peak_op, ..plan() };
            let marks = scene(&plan, &[], of(None), 120.0, 300.0).marks;
            let named = marks.iter().find_map(|mark| match mark {
                Mark::Text {
                    at, text, align, ..
                } if text == "peak" => Some((at.0, *align)),
                _ => None,
            });
            let (x, align) = named.expect("the peak has a name");
            let end = if align == Align::End {
                x
            } else {
                x + 4.0 * CHARACTER
            };
            assert!(end <= 120.0, "operation {peak_op}");
        }
    }

    #[test]
    fn a_lower_budget_leaves_the_scale_as_it_is() {
        let layout = |budget| {
            let view = View {
                room: Some(16_384),
                ..of(Some(budget))
            };
            layout(&plan(), view, 400.0, 300.0)
        };
        assert_eq!(layout(9000), layout(16_384));
        assert!((layout(9000).y.pixel(16_384.0) - layout(9000).plot.top).abs() < 1e-9);
    }

    #[test]
    fn zoomed_in_only_what_changes_is_shown() {
        let plan = plan();
        let view = View {
            budget: Some(8192),
            room: None,
            zoomed: true,
            ghost: None,
        };
        let layout = layout(&plan, view, 466.0, 262.0);
        assert!(tensor_area(&layout, &plan.tensors[0]).height() <= 0.0);
        let area = tensor_area(&layout, &plan.tensors[1]);
        assert!((area.bottom - layout.plot.bottom).abs() < 1e-9);
        let limits = scene(&plan, &[], view, 466.0, 262.0);
        let is_limit = |mark: &Mark| {
            matches!(
                mark,
                Mark::Line {
                    paint: Paint::Limit,
                    ..
                }
            )
        };
        assert!(!limits.marks.iter().any(is_limit));
    }

    #[test]
    fn names_of_limits_leave_room_for_the_flag_of_the_peak() {
        for (width, peak_op) in [(340.0, 0), (340.0, 1), (340.0, 2), (900.0, 1), (900.0, 3)] {
            let plan = PlanView { peak_op, ..plan() };
            let marks = scene(&plan, &[], of(Some(2048)), width, 300.0).marks;
            let spans: Vec<[f64; 2]> = marks
                .iter()
                .filter_map(|mark| match mark {
                    Mark::Text {
                        at: (x, _),
                        text,
                        align,
                        paint,
                        ..
                    } if *paint == Paint::Limit || text == "peak" => {
                        let width = CHARACTER * f64::from(u8::try_from(text.len()).unwrap());
                        Some(match align {
                            Align::End => [x - width, *x],
                            _ => [*x, x + width],
                        })
                    }
                    _ => None,
                })
                .collect();
            let [budget, over, flag] = spans[..] else {
                panic!("{spans:?}")
            };
            for [from, to] in [budget, over] {
                assert!(
                    to < flag[0] || flag[1] < from,
                    "{width}, {peak_op}: {spans:?}"
                );
            }
        }
    }

    #[test]
    fn addresses_are_short_enough_for_the_margin() {
        let named = [0.0, 65_536.0, 524_288.0, 1_048_576.0, 1_572_864.0].map(address);
        assert_eq!(named, ["0", "64 KiB", "512 KiB", "1 MiB", "1.5 MiB"]);
    }

    #[test]
    fn a_point_finds_what_is_drawn_there() {
        let plan = plan();
        let layout = layout(&plan, of(None), 466.0, 262.0);
        let middle_of = |op: f64, address: f64| (layout.x.pixel(op + 0.5), layout.y.pixel(address));
        for (op, address, expected) in [
            (0.0, 10.0, Some(0)),
            (1.0, 2000.0, Some(1)),
            (2.0, 2000.0, Some(2)),
            (3.0, 4000.0, None),
        ] {
            let (x, y) = middle_of(op, address);
            assert_eq!(tensor_at(&plan, &layout, x, y), expected);
        }
        assert_eq!(op_at(&plan, &layout, layout.x.pixel(2.5)), Some(2));
        assert_eq!(op_at(&plan, &layout, 3.0), None);
    }

    #[test]
    fn the_keyboard_climbs_through_the_live_tensors() {
        let plan = plan();
        assert_eq!(live_at(&plan, 2), [0, 1, 2]);
        assert_eq!(live_at(&plan, 3), [0, 2]);
        assert_eq!(neighbour(&plan, 3, None, true), Some(0));
        assert_eq!(neighbour(&plan, 3, Some(0), true), Some(2));
        assert_eq!(neighbour(&plan, 3, Some(2), true), Some(2));
        assert_eq!(neighbour(&plan, 3, Some(0), false), Some(0));
        assert_eq!(largest_at(&plan, 0), Some(1));
        assert_eq!(neighbour(&PlanView::default(), 0, None, true), None);
    }

    #[test]
    fn what_exceeds_the_budget_is_marked() {
        let marked = |budget| {
            scene(&plan(), &[], of(budget), 400.0, 300.0)
                .marks
                .iter()
                .any(|mark| {
                    matches!(
                        mark,
                        Mark::Fill {
                            paint: Paint::LimitShade,
                            ..
                        }
                    )
                })
        };
        assert!(marked(Some(2048)));
        assert!(!marked(Some(4096)));
        assert!(!marked(None));
    }

    #[test]
    fn a_budget_just_below_the_edge_is_named_by_what_is_over() {
        let names = |budget| {
            let marks = scene(&plan(), &[], of(Some(budget)), 466.0, 262.0).marks;
            let is_limit = |mark: &&Mark| {
                matches!(
                    mark,
                    Mark::Text {
                        paint: Paint::Limit,
                        ..
                    }
                )
            };
            marks.iter().filter(is_limit).count()
        };
        assert_eq!([names(2_048), names(4_000), names(4_096)], [2, 1, 1]);
    }

    #[test]
    fn an_outline_lies_behind_the_plan_and_has_room() {
        let view = View {
            ghost: Some(10_000),
            ..of(Some(8192))
        };
        let ghost = [(0.0, 1.0, 4_000), (1.0, 4.0, 10_000)];
        let ghost = ghost.map(|(from, to, bytes)| Span { from, to, bytes });
        let at = layout(&plan(), view, 466.0, 262.0);
        assert!((at.y.pixel(10_000.0) - at.plot.top).abs() < 1e-9);
        let marks = scene(&plan(), &ghost, view, 466.0, 262.0).marks;
        let outline = marks.iter().position(|mark| match mark {
            Mark::Line { points, paint, .. } => *paint == Paint::Muted && points.len() == 6,
            _ => false,
        });
        let first_tensor = marks.iter().position(|mark| {
            matches!(
                mark,
                Mark::Fill {
                    paint: Paint::Role(_),
                    ..
                }
            )
        });
        assert!(outline.is_some() && outline < first_tensor);
    }

    #[test]
    fn the_loss_is_named_inside_where_there_is_room() {
        let name_of_loss = |loss_ops| {
            let plan = PlanView { loss_ops, ..plan() };
            let scene = scene(&plan, &[], of(None), 466.0, 262.0);
            let found = scene.marks.iter().find_map(|mark| match mark {
                Mark::Text { text, at, .. } if text == "loss" => Some(at.0),
                _ => None,
            });
            found.expect("the loss has a name")
        };
        // A column is 100 wide and begins at 56.
        assert!((name_of_loss([1, 3]) - 256.0).abs() < 1e-9);
        let narrow = PlanView {
            ops: vec![plan().ops[0].clone(); 40],
            loss_ops: [20, 21],
            ..plan()
        };
        let at = layout(&narrow, of(None), 466.0, 262.0);
        assert_eq!(loss_edges(&narrow, &at).map(floor_u32), [256, 266]);
        // Where no operation belongs to the backward pass, it begins behind the last one.
        let endless = PlanView {
            loss_ops: [20, 99],
            ..narrow
        };
        assert_eq!(loss_edges(&endless, &at).map(floor_u32), [256, 456]);
    }

    #[test]
    fn an_empty_plan_and_no_room_can_be_drawn() {
        let empty = scene(&PlanView::default(), &[], of(Some(1)), 0.0, 0.0);
        assert!(!empty.marks.is_empty());
        assert!(roles(&PlanView::default()).is_empty());
        assert_eq!(roles(&plan()), [2, 5, 8]);
    }
}
