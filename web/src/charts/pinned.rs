//! The curve of the run that others are compared with, behind that of the live one.

use super::compare::dashes;
use super::{Align, Area, Axis, Paint, Scene};

/// How far its letter stands above the end of the curve, and from the upper edge at least.
const LETTER: f64 = 8.0;

/// Draws `points`, steps and values in the order of the steps, in thin dashes up to where the axis
/// of the steps ends, and there the letter A.
pub(super) fn draw(
    scene: &mut Scene,
    points: impl Iterator<Item = (u32, f64)>,
    [x, y]: [&Axis; 2],
    plot: Area,
) {
    let end = x.values[1];
    let mut line: Vec<(f64, f64)> = Vec::new();
    let mut last = None;
    for (step, value) in points.filter(|point| point.1.is_finite()) {
        let (step, is_beyond) = (f64::from(step), f64::from(step) > end);
        let (at, value) = match last {
            // Where it leaves the chart.
            Some((from, before)) if is_beyond => {
                let part = (end - from) / (step - from);
                (end, before + part * (value - before))
            }
            None if is_beyond => break,
            _ => (step, value),
        };
        line.push((x.pixel(at), y.pixel(value).clamp(plot.top, plot.bottom)));
        last = Some((step, value));
        if is_beyond {
            break;
        }
    }
    let [_, .., (right, height)] = line[..] else {
        return;
    };
    for dash in dashes(&line) {
        scene.line(dash, Paint::Int8, 1.0);
    }
    let above = (height - LETTER).max(plot.top + LETTER);
    let align = if right - plot.left < LETTER {
        Align::Start
    } else {
        Align::End
    };
    scene.title((right, above), "A", align, Paint::Int8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::Mark;

    const PLOT: Area = Area {
        left: 0.0,
        top: 0.0,
        right: 100.0,
        bottom: 50.0,
    };

    /// Where the curve is, and where its letter.
    type Drawn = (Vec<(f64, f64)>, Option<(f64, f64)>);

    fn drawn(points: &[(u32, f64)]) -> Drawn {
        let x = Axis {
            values: [0.0, 100.0],
            pixels: [0.0, 100.0],
        };
        let y = Axis {
            values: [0.0, 1.0],
            pixels: [50.0, 0.0],
        };
        let mut scene = Scene::new(100.0, 50.0);
        draw(&mut scene, points.iter().copied(), [&x, &y], PLOT);
        let (mut line, mut letter) = (Vec::new(), None);
        for mark in scene.marks {
            match mark {
                Mark::Line { points, .. } => line.extend(points),
                Mark::Text { at, .. } => letter = Some(at),
                _ => {}
            }
        }
        (line, letter)
    }

    #[test]
    fn a_longer_run_is_cut_where_the_axis_ends() {
        let (line, letter) = drawn(&[(0, 0.0), (50, 0.5), (150, 1.0), (300, 0.0)]);
        let inside = |&(x, y): &(f64, f64)| x <= 100.0 && (0.0..=50.0).contains(&y);
        assert!(line.iter().all(inside), "{line:?}");
        assert!(line.iter().any(|&(x, _)| x > 90.0), "{line:?}");
        // Halfway from 0.5 to 1 there is no room above.
        assert_eq!(letter, Some((100.0, LETTER)));
    }

    #[test]
    fn a_shorter_run_has_its_letter_where_it_ends() {
        let (line, letter) = drawn(&[(0, f64::NAN), (10, 5.0), (40, 0.2)]);
        assert!(line.iter().all(|&(x, _)| x <= 40.0), "{line:?}");
        assert_eq!(letter, Some((40.0, 32.0)));
    }

    #[test]
    fn a_run_without_a_line_in_sight_is_not_drawn() {
        assert_eq!(drawn(&[]), (Vec::new(), None));
        assert_eq!(drawn(&[(0, 0.5)]), (Vec::new(), None));
        assert_eq!(drawn(&[(101, 0.5)]), (Vec::new(), None));
    }
}
