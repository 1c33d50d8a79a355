//! The curves of two runs over the same steps: accuracy above, loss below; A dashed, B solid.

use quartermeg_formats::runs::Run;

use super::accuracy::share_label;
use super::loss::{draw_axes, steps_axis};
use super::{Align, Area, Axis, Paint, Scene};
use crate::state::text;

const LEFT: f64 = 44.0;
/// Room for the letters behind the curves.
const RIGHT: f64 = 18.0;
/// Room for the name of each half.
const TOP: f64 = 20.0;
const BOTTOM: f64 = 22.0;
/// Share of the height that the accuracy has.
const UPPER: f64 = 0.48;
const DASH: f64 = 6.0;
const GAP: f64 = 4.0;
/// Letters that stand closer than this are moved apart.
const LETTER: f64 = 12.0;

/// How each run is drawn.
const PAINTS: [Paint; 2] = [Paint::Int8, Paint::Ink];
const NAMES: [&str; 2] = ["A", "B"];

/// The chart.
#[must_use]
pub fn scene(runs: [&Run; 2], width: f64, height: f64) -> Scene {
    let mut scene = Scene::new(width, height);
    let accuracies = runs.map(|run| accuracies(run).collect::<Vec<_>>());
    let losses = runs.map(|run| {
        losses(run)
            .filter(|point| point.1.is_finite())
            .collect::<Vec<_>>()
    });
    let highest = losses.iter().flatten().map(|point| point.1);
    let top_of_loss = 1.1 * highest.fold(0.1, f64::max);
    let last_step = runs[0].steps.max(runs[1].steps);
    let middle = UPPER * height;
    let halves = [
        (
            "Accuracy",
            &accuracies,
            [0.0, middle],
            1.0,
            share_label as fn(f32) -> String,
        ),
        (
            "Loss, smoothed",
            &losses,
            [middle, height],
            top_of_loss,
            text::log_ratio,
        ),
    ];
    for (name, curves, [from, to], highest, label) in halves {
        let plot = Area {
            left: LEFT,
            top: from + TOP,
            right: (width - RIGHT).max(LEFT + 1.0),
            bottom: (to - BOTTOM).max(from + TOP + 1.0),
        };
        let x = steps_axis(last_step, last_step, plot);
        let y = Axis {
            values: [0.0, highest],
            pixels: [plot.bottom, plot.top],
        };
        draw_axes(&mut scene, plot, &x, &y, label);
        scene.title((2.0, from + 9.0), name, Align::Start, Paint::Ink);
        let lines = [&curves[0], &curves[1]].map(|points| {
            let place = |&(step, value): &(u32, f64)| (x.pixel(f64::from(step)), y.pixel(value));
            points.iter().map(place).collect::<Vec<_>>()
        });
        draw_pair(&mut scene, &lines);
    }
    scene
}

/// Measured accuracies of a run as shares, with the step of each.
pub(super) fn accuracies(run: &Run) -> impl Iterator<Item = (u32, f64)> {
    let measured = run.accuracies.iter().filter(|it| it.2 > 0);
    measured.map(|&(step, right, of)| (step, f64::from(right) / f64::from(of)))
}

/// Smoothed losses of a run, with the step of each.
pub(super) fn losses(run: &Run) -> impl Iterator<Item = (u32, f64)> {
    run.losses
        .iter()
        .map(|&(step, loss)| (step, f64::from(loss)))
}

/// Both curves, with their letters behind them.
fn draw_pair(scene: &mut Scene, lines: &[Vec<(f64, f64)>; 2]) {
    for dash in dashes(&lines[0]) {
        scene.line(dash, PAINTS[0], 2.0);
    }
    if lines[1].len() > 1 {
        scene.line(lines[1].clone(), PAINTS[1], 2.0);
    }
    let mut ends = [lines[0].last().copied(), lines[1].last().copied()];
    if let [Some(a), Some(b)] = &mut ends
        && (a.0 - b.0).abs() < LETTER
        && (a.1 - b.1).abs() < LETTER
    {
        // They keep their order.
        let middle = 0.5 * (a.1 + b.1);
        let up = if a.1 <= b.1 { -0.5 } else { 0.5 } * LETTER;
        (a.1, b.1) = (middle + up, middle - up);
    }
    for (at, end) in ends.into_iter().enumerate() {
        if let Some((x, y)) = end {
            scene.title((x + 4.0, y), NAMES[at], Align::Start, PAINTS[at]);
        }
    }
}

/// A curve in dashes.
pub(super) fn dashes(points: &[(f64, f64)]) -> Vec<Vec<(f64, f64)>> {
    let mut dashes = Vec::new();
    let mut dash: Vec<(f64, f64)> = points.first().copied().into_iter().collect();
    // Whether the pen is down, and how far it goes until that changes.
    let (mut down, mut rest) = (true, DASH);
    for pair in points.windows(2) {
        let [mut from, to] = [pair[0], pair[1]];
        loop {
            let (dx, dy) = (to.0 - from.0, to.1 - from.1);
            let length = dx.hypot(dy);
            if length <= rest {
                rest -= length;
                if down {
                    dash.push(to);
                }
                break;
            }
            let part = rest / length;
            from = (from.0 + part * dx, from.1 + part * dy);
            if down {
                dash.push(from);
                dashes.push(std::mem::take(&mut dash));
            } else {
                dash = vec![from];
            }
            down = !down;
            rest = if down { DASH } else { GAP };
        }
    }
    if dash.len() > 1 {
        dashes.push(dash);
    }
    dashes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::Mark;

    fn run(losses: &[(u32, f32)], accuracies: &[(u32, u32, u32)]) -> Run {
        Run {
            steps: losses.last().map_or(0, |it| it.0),
            losses: losses.to_vec(),
            accuracies: accuracies.to_vec(),
            ..Run::default()
        }
    }

    fn letters(scene: &Scene) -> Vec<(&str, f64, f64)> {
        let letter = |mark: &Mark| match mark {
            Mark::Text { at, text, .. } => {
                let name = NAMES.into_iter().find(|name| name == text)?;
                Some((name, at.0, at.1))
            }
            _ => None,
        };
        scene.marks.iter().filter_map(letter).collect()
    }

    #[test]
    fn dashes_cover_the_share_that_they_should() {
        let points = [(0.0, 0.0), (30.0, 40.0), (30.0, 90.0)];
        let dashes = dashes(&points);
        assert_eq!(dashes.len(), 10);
        let length = |dash: &Vec<(f64, f64)>| -> f64 {
            let steps = dash.windows(2);
            steps
                .map(|it| (it[1].0 - it[0].0).hypot(it[1].1 - it[0].1))
                .sum()
        };
        assert!(dashes.iter().all(|dash| (length(dash) - DASH).abs() < 1e-9));
        assert_eq!(super::dashes(&[]), Vec::<Vec<(f64, f64)>>::new());
        assert_eq!(super::dashes(&[(1.0, 1.0)]).len(), 0);
    }

    #[test]
    fn both_runs_have_a_letter_in_each_half_and_none_hides_the_other() {
        let a = run(&[(50, 2.0), (100, 1.0)], &[(0, 1, 10), (100, 9, 10)]);
        let scene = scene([&a, &a], 400.0, 300.0);
        let found = letters(&scene);
        let names: Vec<&str> = found.iter().map(|it| it.0).collect();
        assert_eq!(names, ["A", "B", "A", "B"]);
        for pair in found.chunks(2) {
            assert!((pair[0].2 - pair[1].2).abs() >= LETTER - 1e-9);
        }
    }

    #[test]
    fn nothing_leaves_the_chart() {
        let a = run(&[(50, 9.0), (100, f32::NAN)], &[(0, 1, 10), (100, 10, 10)]);
        let b = run(&[(700, 0.5)], &[(700, 0, 10)]);
        let scene = scene([&a, &b], 400.0, 300.0);
        for mark in &scene.marks {
            if let Mark::Line { points, .. } = mark {
                let inside =
                    |&(x, y): &(f64, f64)| (0.0..=400.0).contains(&x) && (0.0..=300.0).contains(&y);
                assert!(points.iter().all(inside), "{points:?}");
            }
        }
        // The shorter run ends where it ended.
        let ends = letters(&scene);
        assert!(ends[0].1 < ends[1].1);
    }

    #[test]
    fn runs_without_steps_can_be_drawn() {
        let nothing = Run::default();
        let empty = scene([&nothing, &nothing], 400.0, 300.0);
        assert_eq!(letters(&empty), []);
        assert!(!scene([&nothing, &nothing], 0.0, 0.0).marks.is_empty());
    }
}
