//! Drift over the steps: the accuracy in the world as it is now, which changes at an upright line,
//! and from there on the accuracy in the world before, which shows what is forgotten. Learners
//! differ in the shape of their marks; who does not fit on the board is dashed.

use super::accuracy::share_label;
use super::compare::dashes;
use super::contributions::mark;
use super::loss::draw_axes;
use super::{Align, Area, Axis, Paint, Scene};
use crate::protocol::{LearnerCurves, MeasuredShare};

const LEFT: f64 = 44.0;
/// Room for the names behind the curves.
const RIGHT: f64 = 76.0;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 22.0;
/// Narrower than this, one plot stands below the other.
const SIDE_BY_SIDE: f64 = 760.0;
/// Share of the width or height that the first plot has.
const FIRST: f64 = 0.56;
/// Names that stand closer than this are moved apart.
const NAME: f64 = 13.0;
/// An upright line whose words would leave the plot has them on its other side.
const WORDS: f64 = 104.0;

/// The learners in the order of [`crate::protocol::DriftView::learners`]: name, and how each is
/// drawn.
const LEARNERS: [(&str, Paint, f64); 5] = [
    ("none", Paint::Muted, 1.25),
    ("classifier", Paint::Role(4), 1.5),
    ("biases", Paint::Role(7), 1.5),
    ("sparse", Paint::Int8Qas, 2.5),
    ("full", Paint::Int8, 1.5),
];

/// The chart of a world that changes after the first of `steps`.
#[must_use]
pub fn scene(
    curves: &[LearnerCurves],
    fits: &[bool],
    steps: [u32; 2],
    [width, height]: [f64; 2],
) -> Scene {
    let mut scene = Scene::new(width, height);
    let [change, end] = [steps[0], steps[0].saturating_add(steps[1])].map(f64::from);
    let is_wide = width >= SIDE_BY_SIDE;
    let (first, second) = if is_wide {
        let at = FIRST * width;
        ([0.0, at, 0.0, height], [at, width, 0.0, height])
    } else {
        let at = FIRST * height;
        ([0.0, width, 0.0, at], [0.0, width, at, height])
    };
    let plots = [
        ("Accuracy in the world as it is now", first, [0.0, end]),
        (
            "Forgetting: accuracy in the world before",
            second,
            [change, end],
        ),
    ];
    let values = range(curves);
    for (plot, (title, [left, right, top, bottom], span)) in plots.into_iter().enumerate() {
        let area = Area {
            left: left + LEFT,
            top: top + TOP,
            right: (right - RIGHT).max(left + LEFT + 1.0),
            bottom: (bottom - BOTTOM).max(top + TOP + 1.0),
        };
        let x = Axis {
            values: span,
            pixels: [area.left, area.right],
        };
        let y = Axis {
            values,
            pixels: [area.bottom, area.top],
        };
        draw_axes(&mut scene, area, &x, &y, share_label);
        scene.title((left + 2.0, top + 9.0), title, Align::Start, Paint::Ink);
        if plot == 0 {
            draw_change(&mut scene, area, x.pixel(change));
        }
        if curves.is_empty() {
            // Beside the line of the change.
            let right = if plot == 0 {
                x.pixel(change)
            } else {
                area.right
            };
            let middle = (0.5 * (area.left + right), 0.5 * (area.top + area.bottom));
            scene.text(middle, "not measured yet", Align::Middle, Paint::Muted);
        }
        let mut names = Vec::new();
        for (at, curves) in curves.iter().enumerate().take(LEARNERS.len()) {
            let points = points(curves, plot == 0, steps[0]);
            let place =
                |it: &MeasuredShare| (x.pixel(f64::from(it.step)), y.pixel(f64::from(it.mean)));
            for point in points.iter().filter(|it| it.sd > 0.0) {
                let (at, _) = place(point);
                let [low, high] = [point.mean - point.sd, point.mean + point.sd]
                    .map(|share| y.pixel(f64::from(share).clamp(values[0], values[1])));
                scene.line(vec![(at, low), (at, high)], Paint::Faint, 1.0);
            }
            let line: Vec<(f64, f64)> = points.iter().map(place).collect();
            let fits = fits.get(at).is_none_or(|&fits| fits);
            draw_learner(&mut scene, at, &line, fits);
            names.extend(line.last().map(|&end| (at, end)));
        }
        draw_names(&mut scene, area, names);
    }
    scene
}

/// The moment at which the world changes.
fn draw_change(scene: &mut Scene, area: Area, at: f64) {
    scene.line(vec![(at, area.top), (at, area.bottom)], Paint::Ink, 1.0);
    let (side, align) = if area.right - at < WORDS {
        (-5.0, Align::End)
    } else {
        (5.0, Align::Start)
    };
    let words = (at + side, area.top + 9.0);
    scene.text(words, "the world changes", align, Paint::Ink);
}

/// What a plot shows of a learner.
fn points(curves: &LearnerCurves, is_now: bool, change: u32) -> Vec<MeasuredShare> {
    let mut points = curves.before.clone();
    if is_now {
        points.retain(|it| it.step <= change);
        points.extend_from_slice(&curves.after);
    } else {
        points.retain(|it| it.step >= change);
    }
    points
}

fn draw_learner(scene: &mut Scene, learner: usize, line: &[(f64, f64)], fits: bool) {
    let (_, paint, width) = LEARNERS[learner];
    if !fits {
        for dash in dashes(line) {
            scene.line(dash, paint, width);
        }
    } else if line.len() > 1 {
        scene.line(line.to_vec(), paint, width);
    }
    for &at in line {
        mark(scene, learner, at, paint);
    }
}

/// The names of learners behind the ends of their curves, none on another.
fn draw_names(scene: &mut Scene, area: Area, mut names: Vec<(usize, (f64, f64))>) {
    // They are five at most.
    for end in (1..names.len()).rev() {
        for at in 0..end {
            if names[at].1.1 > names[at + 1].1.1 {
                names.swap(at, at + 1);
            }
        }
    }
    let mut lowest = area.top - NAME;
    for (_, (_, y)) in &mut names {
        lowest = y.max(lowest + NAME);
        *y = lowest;
    }
    let mut highest = area.bottom + NAME;
    for (_, (_, y)) in names.iter_mut().rev() {
        highest = y.min(highest - NAME);
        *y = highest;
    }
    for (learner, (_, y)) in names {
        let (name, paint, _) = LEARNERS[learner];
        let left = area.right + 12.0;
        mark(scene, learner, (left, y), paint);
        scene.text((left + 8.0, y), name, Align::Start, Paint::Ink);
    }
}

/// Shares around everything that is shown, in whole tenths.
fn range(curves: &[LearnerCurves]) -> [f64; 2] {
    let (mut low, mut high) = (1.0f64, 0.0f64);
    for curves in curves {
        for shares in [&curves.before, &curves.after] {
            for share in shares {
                low = low.min(f64::from(share.mean - share.sd));
                high = high.max(f64::from(share.mean + share.sd));
            }
        }
    }
    if low > high {
        return [0.0, 1.0];
    }
    let low = (low * 10.0).floor().clamp(0.0, 9.0);
    let high = (high * 10.0).ceil().clamp(low + 1.0, 10.0);
    [low / 10.0, high / 10.0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::Mark;

    fn share(step: u32, mean: f32) -> MeasuredShare {
        MeasuredShare {
            step,
            mean,
            sd: 0.05,
        }
    }

    fn curves() -> Vec<LearnerCurves> {
        let learner = |level: f32| LearnerCurves {
            n_runs: 2,
            before: vec![share(0, level), share(10, level), share(30, level - 0.1)],
            after: vec![share(10, level - 0.3), share(30, level - 0.05)],
        };
        [0.5, 0.61, 0.62, 0.8, 0.81].map(learner).into()
    }

    fn drawn(size: [f64; 2]) -> Scene {
        scene(&curves(), &[true, true, true, true, false], [10, 20], size)
    }

    fn texts(scene: &Scene) -> Vec<(String, (f64, f64))> {
        let text = |mark: &Mark| match mark {
            Mark::Text { text, at, .. } => Some((text.clone(), *at)),
            _ => None,
        };
        scene.marks.iter().filter_map(text).collect()
    }

    #[test]
    fn every_learner_is_named_in_both_plots_and_no_name_hides_another() {
        for size in [[1_200.0, 300.0], [340.0, 480.0]] {
            let all = texts(&drawn(size));
            for (name, _, _) in LEARNERS {
                assert_eq!(all.iter().filter(|it| it.0 == name).count(), 2, "{name}");
            }
            let mut places: Vec<(f64, f64)> = all
                .iter()
                .filter(|it| LEARNERS.iter().any(|learner| learner.0 == it.0))
                .map(|it| it.1)
                .collect();
            while let Some((x, y)) = places.pop() {
                let is_free = |it: &(f64, f64)| (it.0 - x).abs() > 1.0 || (it.1 - y).abs() > 12.0;
                assert!(places.iter().all(is_free), "{size:?}");
            }
        }
    }

    #[test]
    fn the_world_changes_where_it_does() {
        let scene = drawn([1_200.0, 300.0]);
        // 44 + 10 / 30 of the plot, which ends at 0.56 x 1200 - 76.
        let at = 44.0 + (672.0 - 76.0 - 44.0) / 3.0;
        let is_line = |mark: &Mark| match mark {
            Mark::Line { points, paint, .. } => {
                *paint == Paint::Ink && points.iter().all(|point| (point.0 - at).abs() < 1e-9)
            }
            _ => false,
        };
        assert!(scene.marks.iter().any(is_line));
        let words = texts(&scene);
        assert!(
            words
                .iter()
                .any(|it| it.0 == "the world changes" && it.1.0 > at)
        );
    }

    #[test]
    fn the_world_as_it_is_now_falls_where_it_changes_and_the_old_one_begins_there() {
        let curve = &curves()[3];
        let steps = |is_now| -> Vec<(u32, f32)> {
            let points = points(curve, is_now, 10);
            points.iter().map(|it| (it.step, it.mean)).collect()
        };
        assert_eq!(steps(true), [(0, 0.8), (10, 0.8), (10, 0.5), (30, 0.75)]);
        assert_eq!(steps(false), [(10, 0.8), (30, 0.7)]);
    }

    #[test]
    fn who_does_not_fit_is_dashed() {
        let pieces = |fits: bool| {
            let all = [true, true, true, true, fits];
            let scene = scene(&curves(), &all, [10, 20], [1_200.0, 300.0]);
            let of_full = |mark: &&Mark| {
                matches!(
                    mark,
                    Mark::Line {
                        paint: Paint::Int8,
                        ..
                    }
                )
            };
            scene.marks.iter().filter(of_full).count()
        };
        assert_eq!(pieces(true), 2);
        assert!(pieces(false) > 20);
    }

    #[test]
    fn the_axis_holds_every_spread() {
        let [low, high] = range(&curves());
        assert!(
            (low - 0.1).abs() < 1e-9 && (high - 0.9).abs() < 1e-9,
            "{low} {high}"
        );
        assert_eq!(range(&[]).map(|it| format!("{it}")), ["0", "1"]);
        let perfect = LearnerCurves {
            n_runs: 1,
            before: vec![share(0, 1.0)],
            after: vec![],
        };
        assert_eq!(range(&[perfect])[1].to_string(), "1");
    }

    #[test]
    fn nothing_is_drawn_before_anything_is_measured() {
        let empty = scene(&[], &[], [10, 20], [340.0, 480.0]);
        let is_mark = |mark: &Mark| matches!(mark, Mark::Circle { .. } | Mark::Polygon { .. });
        assert!(!empty.marks.iter().any(is_mark));
        assert!(texts(&empty).iter().any(|it| it.0 == "not measured yet"));
        // A frame that is not laid out yet, and a run of no length.
        let _no_panic = scene(&curves(), &[], [0, 0], [0.0, 0.0]);
    }
}
