//! A search for a policy: the generations of the evolution, backward elimination, and accuracy against
//! bytes.

use super::axis::floor_u32;
use super::loss::draw_axes;
use super::{Align, Area, Axis, Mark, Paint, Scene};
use crate::protocol::{PointView, SearchView};
use crate::state::text;

const LEFT: f64 = 44.0;
const RIGHT: f64 = 14.0;
/// Room for the name of the chart.
const TOP: f64 = 22.0;
/// Room for the axis and its name.
const BOTTOM: f64 = 36.0;
/// Half the size of a mark.
const MARK: f64 = 4.0;
/// How near the pointer has to be to a mark.
const REACH: f64 = 16.0;
/// Bytes in a unit of the axis of bytes.
const KIB: f64 = 1024.0;

/// The shares of the budget that are searched, how each is called, and how it is drawn.
const SHARES: [(u32, &str, Paint); 3] = [
    (1, "whole", Paint::Ink),
    (2, "1/2", Paint::Int8Qas),
    (4, "1/4", Paint::Int8),
];

/// The best sum of contributions of each generation, thick, its mean, thin, and the bound.
#[must_use]
pub fn generations(view: &SearchView, [width, height]: [f64; 2]) -> Scene {
    let of_share = |share: u32| view.generations.iter().filter(move |it| it.share == share);
    let most = SHARES.map(|(share, ..)| of_share(share).count());
    let most = most.into_iter().max().unwrap_or(0);
    let gains = view.generations.iter();
    let gains = gains.flat_map(|it| [it.best_gain, it.mean_gain]);
    // The bound has its name above it.
    let gains = gains
        .chain(view.bound_gain.map(|it| 1.12 * it))
        .map(in_points);
    let (mut scene, plot, x, y) = chart(
        [width, height],
        ["Sum of contributions, in points", "generation"],
        // Names stand behind the lines.
        [0.0, 1.15 * count(most.max(10))],
        around(gains.chain([0.0])),
    );
    for (share, name, paint) in SHARES {
        let line = |gain: fn(&crate::protocol::GenerationView) -> f32| {
            let places = of_share(share).zip(1u32..);
            let places =
                places.map(|(it, at)| (x.pixel(f64::from(at)), y.pixel(in_points(gain(it)))));
            places.collect::<Vec<_>>()
        };
        let best = line(|it| it.best_gain);
        if let Some(&(end, height)) = best.last() {
            scene.marks.push(Mark::Circle {
                at: (end, height),
                radius: 2.5,
                paint,
                filled: true,
            });
            scene.title((end + 5.0, height), name, Align::Start, paint);
        }
        scene.line(line(|it| it.mean_gain), paint, 1.0);
        scene.line(best, paint, 2.0);
    }
    if let Some(bound) = view.bound_gain {
        let at = y.pixel(in_points(bound));
        scene.dashes(at, plot.left, plot.right, Paint::Muted, 1.0);
        let label = (plot.right - 2.0, at - 8.0);
        scene.text(label, "no policy gains more", Align::End, Paint::Muted);
    }
    scene
}

/// The accuracy of each step of backward elimination, and the threshold.
#[must_use]
pub fn elimination(view: &SearchView, n_layers: u32, size: [f64; 2]) -> Scene {
    let ends = view.steps.iter().flat_map(|it| {
        let [mean, sd] = it.accuracy;
        [mean - sd, mean + sd]
    });
    let ends = ends.chain(view.threshold).map(percent);
    let (mut scene, plot, x, y) = chart(
        size,
        ["Backward elimination, accuracy in %", "layers frozen"],
        [0.0, f64::from(n_layers.max(1))],
        around(ends),
    );
    if let Some(threshold) = view.threshold {
        let at = y.pixel(percent(threshold));
        scene.dashes(at, plot.left, plot.right, Paint::Limit, 1.0);
        let label = (plot.right - 2.0, at + 8.0);
        scene.text(label, "threshold", Align::End, Paint::Limit);
    }
    let places: Vec<(f64, f64)> = view
        .steps
        .iter()
        .zip(0u32..)
        .map(|(it, at)| (x.pixel(f64::from(at)), y.pixel(percent(it.accuracy[0]))))
        .collect();
    for (step, &at) in view.steps.iter().zip(&places) {
        whisker(&mut scene, &y, at.0, step.accuracy);
        scene.marks.push(Mark::Circle {
            at,
            radius: 2.5,
            paint: Paint::Int8Qas,
            filled: true,
        });
    }
    scene.line(places, Paint::Int8Qas, 1.5);
    scene
}

/// Accuracy against bytes: what was found as circles, presets as squares, the usual baselines as
/// triangles; filled on the front, of which a line tells the way. Beyond the right edge lies what needs
/// more than twice the budget.
#[must_use]
pub fn front(view: &SearchView, looked_at: Option<usize>, size: [f64; 2]) -> Scene {
    let (mut scene, plot, x, y) = front_axes(view, size);
    let budget = x.pixel(f64::from(view.budget_bytes) / KIB);
    if view.budget_bytes > 0 && budget <= plot.right {
        let ends = vec![(budget, plot.top), (budget, plot.bottom)];
        scene.line(ends, Paint::Limit, 1.0);
        let label = (budget - 4.0, plot.bottom - 8.0);
        scene.text(label, "budget", Align::End, Paint::Limit);
    }
    if view.points.iter().all(|it| it.trained.is_none()) {
        let middle = (
            0.5 * (plot.left + plot.right),
            0.5 * (plot.top + plot.bottom),
        );
        scene.text(middle, "nothing trained yet", Align::Middle, Paint::Muted);
        return scene;
    }
    let mut on_front: Vec<(f64, f64)> = Vec::new();
    for (at, point) in view.points.iter().enumerate() {
        let (Some(place), Some(trained)) = (place(point, &x, &y), point.trained) else {
            continue;
        };
        whisker(&mut scene, &y, place.0, trained.accuracy);
        draw(&mut scene, point, place, trained.on_front);
        if trained.on_front {
            on_front.push(place);
        }
        if looked_at == Some(at) {
            scene.marks.push(Mark::Circle {
                at: place,
                radius: 2.2 * MARK,
                paint: Paint::Ink,
                filled: false,
            });
        }
    }
    on_front.sort_by(|one, other| one.0.total_cmp(&other.0));
    // Nothing is known between two policies: what fits the larger budget is the smaller one.
    let mut way: Vec<(f64, f64)> = Vec::new();
    for place in on_front {
        way.extend(way.last().map(|before| (place.0, before.1)));
        way.push(place);
    }
    way.extend(way.last().map(|last| (plot.right, last.1)));
    scene.line(way, Paint::Int8Qas, 1.0);
    scene
}

/// The policy whose mark is at a place of the chart of accuracy against bytes.
#[must_use]
pub fn point_at(view: &SearchView, size: [f64; 2], at: (f64, f64)) -> Option<usize> {
    let (_, _, x, y) = front_axes(view, size);
    let near = view.points.iter().enumerate().filter_map(|(index, point)| {
        let (left, top) = place(point, &x, &y)?;
        let distance = (left - at.0).hypot(top - at.1);
        (distance <= REACH).then_some((index, distance))
    });
    let nearest = near.min_by(|one, other| one.1.total_cmp(&other.1))?;
    Some(nearest.0)
}

fn front_axes(view: &SearchView, size: [f64; 2]) -> (Scene, Area, Axis, Axis) {
    let trained = || view.points.iter().filter(|it| it.trained.is_some());
    let largest = trained().map(|it| it.arena_bytes).max().unwrap_or(0);
    let bytes = largest.clamp(view.budget_bytes, view.budget_bytes.saturating_mul(2));
    let ends = trained().flat_map(|it| {
        let [mean, sd] = it.trained.map_or([0.0; 2], |it| it.accuracy);
        [mean - sd, mean + sd]
    });
    chart(
        size,
        ["Accuracy on test samples, in %", "memory, in KiB"],
        [0.0, 1.04 * f64::from(bytes.max(1024)) / KIB],
        around(ends.map(percent)),
    )
}

fn place(point: &PointView, x: &Axis, y: &Axis) -> Option<(f64, f64)> {
    let [mean, _] = point.trained?.accuracy;
    let kib = f64::from(point.arena_bytes) / KIB;
    Some((x.pixel(kib.min(x.values[1])), y.pixel(percent(mean))))
}

fn draw(scene: &mut Scene, point: &PointView, (x, y): (f64, f64), filled: bool) {
    let corners = |corners: &[(f64, f64)]| {
        let corners = corners
            .iter()
            .map(|(dx, dy)| (x + MARK * dx, y + MARK * dy));
        corners.collect::<Vec<_>>()
    };
    let (points, paint) = if point.is_found {
        scene.marks.push(Mark::Circle {
            at: (x, y),
            radius: 1.1 * MARK,
            paint: Paint::Int8Qas,
            filled,
        });
        return;
    } else if point.origin.contains("preset") {
        let square = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)];
        (corners(&square), Paint::Ink)
    } else {
        (
            corners(&[(0.0, -1.2), (1.2, 1.0), (-1.2, 1.0)]),
            Paint::Int8,
        )
    };
    if filled {
        scene.marks.push(Mark::Polygon { points, paint });
    } else {
        let closed = [&points[..], &points[..1]].concat();
        scene.line(closed, paint, 1.25);
    }
}

/// One standard deviation to both sides.
fn whisker(scene: &mut Scene, y: &Axis, at: f64, [mean, sd]: [f32; 2]) {
    if sd > 0.0 {
        let ends = [mean - sd, mean + sd].map(|end| (at, y.pixel(percent(end))));
        scene.line(ends.to_vec(), Paint::Faint, 1.0);
    }
}

/// A chart with its axes: across, and upwards.
fn chart(
    [width, height]: [f64; 2],
    [name, below]: [&'static str; 2],
    across: [f64; 2],
    upwards: [f64; 2],
) -> (Scene, Area, Axis, Axis) {
    let mut scene = Scene::new(width, height);
    let plot = Area {
        left: LEFT,
        top: TOP,
        right: (width - RIGHT).max(LEFT + 1.0),
        bottom: (height - BOTTOM).max(TOP + 1.0),
    };
    let x = Axis {
        values: across,
        pixels: [plot.left, plot.right],
    };
    let y = Axis {
        values: upwards,
        pixels: [plot.bottom, plot.top],
    };
    draw_axes(&mut scene, plot, &x, &y, whole);
    scene.title((2.0, 9.0), name, Align::Start, Paint::Ink);
    let middle = (0.5 * (plot.left + plot.right), plot.bottom + 27.0);
    scene.text(middle, below, Align::Middle, Paint::Muted);
    (scene, plot, x, y)
}

/// A number of points or percent on an axis.
fn whole(value: f32) -> String {
    let magnitude = text::number(u64::from(floor_u32(f64::from(value.abs().round()))));
    if value < -0.5 {
        format!("\u{2212}{magnitude}")
    } else {
        magnitude
    }
}

/// A range around values, at least a few whole steps wide.
fn around(values: impl Iterator<Item = f64>) -> [f64; 2] {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values {
        (low, high) = (low.min(value), high.max(value));
    }
    if low > high {
        return [0.0, 100.0];
    }
    let margin = (0.08 * (high - low)).max(2.5);
    [low - margin, high + margin]
}

fn in_points(share: f32) -> f64 {
    percent(share)
}

fn percent(share: f32) -> f64 {
    100.0 * f64::from(share)
}

fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{GenerationView, StepView, TrainedView};

    const SIZE: [f64; 2] = [400.0, 240.0];

    fn point(origin: &str, is_found: bool, arena_bytes: u32, accuracy: f32) -> PointView {
        PointView {
            origin: origin.to_owned(),
            is_found,
            policy: String::new(),
            fits: true,
            arena_bytes,
            macs_step: 1,
            gain: None,
            trained: (accuracy > 0.0).then_some(TrainedView {
                rate: 0.01,
                accuracy: [accuracy, 0.01],
                on_front: is_found,
            }),
        }
    }

    fn view() -> SearchView {
        SearchView {
            budget_bytes: 100 * 1024,
            bound_gain: Some(0.3),
            threshold: Some(0.7),
            points: vec![
                point("evolution", true, 90 * 1024, 0.8),
                point("evolution 1/2", true, 50 * 1024, 0.78),
                point("last", false, 80 * 1024, 0.72),
                point("preset full", false, 900 * 1024, 0.75),
                point("bias", false, 20 * 1024, 0.0),
            ],
            generations: (0..4u8)
                .map(|at| GenerationView {
                    share: 1,
                    best_gain: 0.1 + 0.01 * f32::from(at),
                    mean_gain: 0.05,
                })
                .collect(),
            steps: (0..3u8)
                .map(|at| StepView {
                    frozen_layer: at.checked_sub(1).map(u32::from),
                    policy: String::new(),
                    arena_bytes: 1,
                    accuracy: [0.8 - 0.01 * f32::from(at), 0.02],
                })
                .collect(),
            ..SearchView::default()
        }
    }

    fn texts(scene: &Scene) -> Vec<&str> {
        let texts = scene.marks.iter().filter_map(|mark| match mark {
            Mark::Text { text, .. } => Some(&**text),
            _ => None,
        });
        texts.collect()
    }

    #[test]
    fn a_trained_policy_is_found_where_its_mark_is() {
        let view = view();
        let (_, plot, x, y) = front_axes(&view, SIZE);
        for (at, point) in view.points.iter().enumerate() {
            match place(point, &x, &y) {
                Some(place) => {
                    assert!(plot.shrunk(-1.0).contains(place.0, place.1), "{place:?}");
                    let beside = (place.0 + 3.0, place.1 - 3.0);
                    assert_eq!(point_at(&view, SIZE, beside), Some(at));
                }
                None => assert_eq!(point.origin, "bias"),
            }
        }
        assert_eq!(point_at(&view, SIZE, (0.0, 0.0)), None);
    }

    #[test]
    fn marks_of_the_front_are_filled_and_the_others_are_not() {
        let scene = front(&view(), Some(1), SIZE);
        let circles = |wanted: bool| {
            let marks = scene.marks.iter();
            let circles =
                marks.filter(|it| matches!(it, Mark::Circle { filled, .. } if *filled == wanted));
            circles.count()
        };
        // The two that were found, and the ring around the one that is looked at.
        assert_eq!((circles(true), circles(false)), (2, 1));
        assert!(
            !scene
                .marks
                .iter()
                .any(|it| matches!(it, Mark::Polygon { .. }))
        );
        assert!(texts(&scene).contains(&"budget"));
    }

    #[test]
    fn charts_say_their_limits_and_stand_empty() {
        let scene = generations(&view(), SIZE);
        assert!(texts(&scene).contains(&"no policy gains more"));
        assert!(texts(&scene).contains(&"whole"));
        assert!(texts(&elimination(&view(), 30, SIZE)).contains(&"threshold"));
        let nothing = SearchView::default();
        // A frame that is not laid out yet.
        for size in [SIZE, [0.0, 0.0]] {
            let _no_panic = (generations(&nothing, size), elimination(&nothing, 0, size));
            assert!(texts(&front(&nothing, None, size)).contains(&"nothing trained yet"));
        }
    }
}
