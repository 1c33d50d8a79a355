//! The accuracy on samples that training never sees.

use quartermeg_formats::runs::Run;

use super::compare::accuracies;
use super::loss::{draw_axes, steps_axis};
use super::{Area, Axis, Mark, Paint, Scene, pinned};
use crate::state::AccuracyPoint;

const LEFT: f64 = 44.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 22.0;
/// More dots than this would run into one another.
const MAX_DOTS: usize = 40;

/// The chart: measurements as dots on a line, from 0 to 100 per cent; behind them those of the run
/// `a` that others are compared with.
#[must_use]
pub fn scene(
    points: &[AccuracyPoint],
    a: Option<&Run>,
    last_step: u32,
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
    let x = steps_axis(last_step, stop_after, plot);
    let y = Axis {
        values: [0.0, 1.0],
        pixels: [plot.bottom, plot.top],
    };
    draw_axes(&mut scene, plot, &x, &y, share_label);
    if let Some(a) = a {
        pinned::draw(&mut scene, accuracies(a), [&x, &y], plot);
    }

    let line: Vec<(f64, f64)> = points
        .iter()
        .map(|point| {
            (
                x.pixel(f64::from(point.step)),
                y.pixel(f64::from(point.share())),
            )
        })
        .collect();
    if line.len() <= MAX_DOTS {
        for &at in &line {
            scene.marks.push(Mark::Circle {
                at,
                radius: 3.0,
                paint: Paint::Ink,
                filled: true,
            });
        }
    }
    scene.line(line, Paint::Ink, 2.0);
    scene
}

/// A share as the axis names it.
pub(super) fn share_label(share: f32) -> String {
    format!("{:.0} %", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_stands_at_its_share() {
        let points = [AccuracyPoint {
            step: 50,
            correct: 1,
            total: 2,
        }];
        let scene = scene(&points, None, 100, 100, 252.0, 132.0);
        let dots: Vec<(f64, f64)> = scene
            .marks
            .iter()
            .filter_map(|mark| match mark {
                Mark::Circle { at, .. } => Some(*at),
                _ => None,
            })
            .collect();
        assert_eq!(dots, [(144.0, 60.0)]);
    }
}
