//! The loss over the steps.

use quartermeg_formats::runs::Run;

use super::axis::floor_u32;
use super::compare::losses;
use super::curve::{quantile, smoothed, thinned};
use super::{Align, Area, Axis, Paint, Scene, pinned};
use crate::state::text;

const LEFT: f64 = 34.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 22.0;
/// Where the axis ends while there is no loss.
const EMPTY_TOP: f64 = 3.0;
/// A running mean that forgets faster than this is no help to the eye.
const SHORTEST_HALF_LIFE: f64 = 8.0;

/// Steps in which a loss loses half of its weight in the smoothed line.
#[must_use]
pub fn half_life(last_step: u32) -> f64 {
    (f64::from(last_step) / 15.0)
        .round()
        .clamp(SHORTEST_HALF_LIFE, 1000.0)
}

/// The smoothed loss after the newest step.
#[must_use]
pub fn newest_smoothed(points: &[(u32, f32)]) -> Option<f64> {
    let last_step = points.last()?.0;
    smoothed(points, half_life(last_step))
        .last()
        .map(|&(_, loss)| loss)
}

/// About `n` points of the raw and the smoothed line, for a table.
#[must_use]
pub fn samples(points: &[(u32, f32)], n: usize) -> Vec<(u32, f32, f64)> {
    let last_step = points.last().map_or(0, |point| point.0);
    let smooth = smoothed(points, half_life(last_step));
    let stride = points.len().div_ceil(n.max(1)).max(1);
    let mut rows: Vec<(u32, f32, f64)> = points
        .iter()
        .zip(smooth)
        .map(|(&(step, loss), (_, smooth))| (step, loss, smooth))
        .rev()
        .step_by(stride)
        .collect();
    rows.reverse();
    rows
}

/// The chart: every loss as a thin line, and the smoothed one over it; behind them that of the run
/// `a` that others are compared with.
#[must_use]
pub fn scene(
    points: &[(u32, f32)],
    a: Option<&Run>,
    stop_after: u32,
    width: f64,
    height: f64,
) -> Scene {
    let mut scene = Scene::new(width, height);
    let plot = Area {
        left: LEFT,
        top: TOP,
        right: (width - RIGHT).max(LEFT + 1.0),
        bottom: (height - BOTTOM).max(TOP + 1.0),
    };
    let last_step = points.last().map_or(0, |point| point.0);
    let smooth = smoothed(points, half_life(last_step));
    let x = steps_axis(last_step, stop_after, plot);
    let y = Axis {
        values: [0.0, top_of(points, &smooth)],
        pixels: [plot.bottom, plot.top],
    };
    draw_axes(&mut scene, plot, &x, &y, text::log_ratio);
    if let Some(a) = a {
        pinned::draw(&mut scene, losses(a), [&x, &y], plot);
    }

    if points.is_empty() {
        let middle = (
            0.5 * (plot.left + plot.right),
            0.5 * (plot.top + plot.bottom),
        );
        scene.text(
            middle,
            "no step has finished yet",
            Align::Middle,
            Paint::Muted,
        );
        return scene;
    }
    let place = |(step, loss): (f64, f64)| (x.pixel(step), y.pixel(loss).max(plot.top));
    let raw: Vec<(f64, f64)> = points
        .iter()
        .filter(|(_, loss)| loss.is_finite())
        .map(|&(step, loss)| place((f64::from(step), f64::from(loss))))
        .collect();
    scene.line(thinned(&raw), Paint::Faint, 1.0);
    let line = smooth
        .iter()
        .filter(|point| point.1.is_finite())
        .map(|&point| place(point));
    scene.line(line.collect(), Paint::Ink, 2.0);
    scene
}

/// The axis of the steps: up to where training stops, or, while that is far, to the next round
/// number, so that the curve fills the chart and does not crawl.
pub(super) fn steps_axis(last_step: u32, stop_after: u32, plot: Area) -> Axis {
    let mut end = 100u32;
    let mut factors = [2, 5, 10].into_iter().cycle();
    let mut decade = 100u32;
    while end < last_step {
        let factor = factors.next().unwrap_or(10);
        end = decade.saturating_mul(factor);
        if factor == 10 {
            decade = end;
        }
    }
    let end = end.min(stop_after.max(last_step)).max(1);
    Axis {
        values: [0.0, f64::from(end)],
        pixels: [plot.left, plot.right],
    }
}

/// Grid, numbers on the left, steps below.
pub(super) fn draw_axes(
    scene: &mut Scene,
    plot: Area,
    x: &Axis,
    y: &Axis,
    label: fn(f32) -> String,
) {
    let Area {
        left,
        right,
        bottom,
        ..
    } = plot;
    scene.fill(plot, Paint::Ground);
    for value in y.ticks(floor_u32(plot.height() / 32.0).max(2)) {
        let at = y.pixel(value);
        scene.line(vec![(left, at), (right, at)], Paint::Rule, 1.0);
        #[expect(clippy::cast_possible_truncation, reason = "a number to be written")]
        let label = label(value as f32);
        scene.text((left - 6.0, at), label, Align::End, Paint::Muted);
    }
    scene.line(vec![(left, bottom), (right, bottom)], Paint::Muted, 1.0);
    for value in x.whole_ticks(floor_u32(plot.width() / 60.0).max(2)) {
        let at = x.pixel(value);
        let align = if right - at < 14.0 {
            Align::End
        } else {
            Align::Middle
        };
        let shown = text::number(u64::from(floor_u32(value)));
        scene.line(vec![(at, bottom), (at, bottom + 4.0)], Paint::Muted, 1.0);
        scene.text((at, bottom + 13.0), shown, align, Paint::Muted);
    }
}

/// Single losses jump; the axis ends where nearly all of them lie below, and the rest touches
/// the upper edge.
fn top_of(points: &[(u32, f32)], smooth: &[(f64, f64)]) -> f64 {
    let high = quantile(points.iter().map(|point| point.1), 0.95).map_or(0.0, f64::from);
    let highest_smooth = smooth
        .iter()
        .map(|point| point.1)
        .filter(|loss| loss.is_finite())
        .fold(0.0, f64::max);
    if points.is_empty() {
        return EMPTY_TOP;
    }
    (1.1 * high).max(1.1 * highest_smooth).max(0.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::Mark;

    const PLOT: Area = Area {
        left: 0.0,
        top: 0.0,
        right: 100.0,
        bottom: 100.0,
    };

    #[test]
    fn the_steps_axis_ends_at_round_numbers_or_the_stop() {
        for (last, stop, expected) in [
            (0, 600, 100.0),
            (100, 600, 100.0),
            (101, 600, 200.0),
            (300, 600, 500.0),
            (501, 600, 600.0),
            (1001, 10_000_000, 2000.0),
            (700, 600, 700.0),
            (0, 10, 10.0),
        ] {
            let axis = steps_axis(last, stop, PLOT);
            assert!(
                (axis.values[1] - expected).abs() < 1e-9,
                "{last} {stop} {axis:?}"
            );
        }
        steps_axis(u32::MAX, u32::MAX, PLOT);
    }

    #[test]
    fn nothing_leaves_the_chart() {
        let points: Vec<(u32, f32)> = (1..=500)
            .map(|step| (step, if step % 50 == 0 { 40.0 } else { 1.0 }))
            .collect();
        let scene = scene(&points, None, 600, 300.0, 200.0);
        for mark in &scene.marks {
            if let Mark::Line { points, .. } = mark {
                assert!(
                    points
                        .iter()
                        .all(|&(x, y)| (0.0..=300.0).contains(&x) && (0.0..=200.0).contains(&y))
                );
            }
        }
    }

    #[test]
    fn a_diverged_run_and_no_run_can_be_drawn() {
        let n_marks =
            |points: &[(u32, f32)], side| scene(points, None, 600, side, side).marks.len();
        assert!(n_marks(&[], 200.0) > 0);
        assert!(n_marks(&[(1, f32::NAN), (2, f32::INFINITY)], 200.0) > 0);
        assert!(n_marks(&[(1, 1.0)], 0.0) > 0);
        assert_eq!(newest_smoothed(&[]), None);
    }

    #[test]
    fn the_table_is_short_and_ends_with_the_newest_step() {
        let points: Vec<(u32, f32)> = (1..=1000).map(|step| (step, 1.0)).collect();
        let rows = samples(&points, 12);
        assert!(rows.len() <= 13);
        assert_eq!(rows.last().map(|row| row.0), Some(1000));
    }
}
