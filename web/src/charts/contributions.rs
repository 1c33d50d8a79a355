//! What each layer contributes to the accuracy, as in figure 5 of the paper: one column a layer, its
//! bias and its weights at each ratio as marks of different shape.

use super::axis::floor_u32;
use super::{Align, Area, Axis, Mark, Paint, Scene};
use crate::protocol::{ContributionsView, GainView};
use crate::state::text;

const LEFT: f64 = 42.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 34.0;
/// Half of the width and height of a mark.
const MARK: f64 = 3.5;

/// What a layer can learn, and the ratio of its weights ([`GainView::ratio`]).
pub const UPDATES: [(&str, f32); 5] = [
    ("bias", 0.0),
    ("1/8", 0.125),
    ("1/4", 0.25),
    ("1/2", 0.5),
    ("1", 1.0),
];
/// Class of the sign of each in a legend, which looks like its mark.
pub const SIGNS: [&str; 5] = ["diamond", "ring", "triangle", "square", "disc"];

/// The chart of a network with so many layers, one of which may be looked at.
#[must_use]
pub fn scene(
    view: Option<&ContributionsView>,
    n_layers: u32,
    selected: Option<u32>,
    [width, height]: [f64; 2],
) -> Scene {
    let mut scene = Scene::new(width, height);
    let (plot, x) = layout(n_layers, width, height);
    let layers = view.map_or(&[][..], |view| &view.layers);
    let y = Axis {
        values: range(layers),
        pixels: [plot.bottom, plot.top],
    };
    scene.fill(plot, Paint::Ground);
    let half = 0.5 * (x.pixel(1.0) - x.pixel(0.0));
    if let Some(layer) = selected.filter(|&layer| layer < n_layers) {
        let middle = x.pixel(f64::from(layer));
        let column = Area {
            left: middle - half,
            right: middle + half,
            ..plot
        };
        scene.fill(column, Paint::Rule);
    }
    for value in y.whole_ticks(floor_u32(plot.height() / 34.0).max(2)) {
        let at = y.pixel(value);
        let tick = match floor_u32(value.abs()) {
            0 => "0".to_owned(),
            points if value < 0.0 => format!("\u{2212}{points}"),
            points => format!("+{points}"),
        };
        let label = (plot.left - 6.0, at);
        scene.line(
            vec![(plot.left - 4.0, at), (plot.left, at)],
            Paint::Muted,
            1.0,
        );
        scene.text(label, tick, Align::End, Paint::Muted);
    }
    for layer in x.whole_ticks(floor_u32(plot.width() / 36.0).max(2)) {
        let at = (x.pixel(layer), plot.bottom + 11.0);
        scene.text(at, format!("{layer:.0}"), Align::Middle, Paint::Muted);
    }
    let below = (0.5 * (plot.left + plot.right), plot.bottom + 25.0);
    scene.text(
        below,
        "layer, from the input to the classifier",
        Align::Middle,
        Paint::Muted,
    );
    scene.title(
        (2.0, 9.0),
        "accuracy gained, in points",
        Align::Start,
        Paint::Ink,
    );
    let Some(view) = view else {
        let middle = (below.0, 0.5 * (plot.top + plot.bottom));
        scene.text(middle, "not measured yet", Align::Middle, Paint::Muted);
        return scene;
    };
    let zero = y.pixel(0.0);
    scene.line(vec![(plot.left, zero), (plot.right, zero)], Paint::Ink, 1.0);
    let alone = format!(
        "0 = classifier alone, {}",
        text::percent(view.classifier[0])
    );
    scene.text((plot.right, 9.0), alone, Align::End, Paint::Muted);
    let offset = (half / 3.0).min(2.4 * MARK);
    for (layer, gains) in (0u32..).zip(layers) {
        let mut before = None;
        for gain in gains {
            let Some(kind) = kind_of(gain) else {
                continue;
            };
            let [mean, sd] = in_points(gain);
            let place = [-2.0, -1.0, 0.0, 1.0, 2.0]
                .get(kind)
                .copied()
                .unwrap_or(0.0);
            let at = (x.pixel(f64::from(layer)) + place * offset, y.pixel(mean));
            if sd > 0.0 {
                let ends = [mean - sd, mean + sd].map(|end| (at.0, y.pixel(end)));
                scene.line(ends.to_vec(), Paint::Muted, 1.0);
            }
            if let Some(from) = before {
                scene.line(vec![from, at], Paint::Faint, 1.0);
            }
            // The ratios of a layer belong together.
            before = (kind > 0).then_some(at);
            let paint = if kind == 0 {
                Paint::Int8
            } else {
                Paint::Int8Qas
            };
            mark(&mut scene, kind, at, paint);
        }
    }
    scene
}

/// The layer whose column is at a place.
#[must_use]
pub fn layer_at(n_layers: u32, width: f64, at: f64) -> Option<u32> {
    let (_, x) = layout(n_layers, width, 0.0);
    let layer = x.value(at) + 0.5;
    (layer >= 0.0 && layer < f64::from(n_layers)).then(|| floor_u32(layer))
}

/// Where the marks stand, and the axis of the layers.
fn layout(n_layers: u32, width: f64, height: f64) -> (Area, Axis) {
    let plot = Area {
        left: LEFT,
        top: TOP,
        right: (width - RIGHT).max(LEFT + 1.0),
        bottom: (height - BOTTOM).max(TOP + 1.0),
    };
    let x = Axis {
        values: [-0.5, f64::from(n_layers.max(1)) - 0.5],
        pixels: [plot.left, plot.right],
    };
    (plot, x)
}

/// A mark of one of five shapes: diamond, ring, triangle, square, disc.
pub(super) fn mark(scene: &mut Scene, kind: usize, (x, y): (f64, f64), paint: Paint) {
    let corners = |corners: &[(f64, f64)]| {
        let points = corners.iter().map(|(dx, dy)| (x + dx, y + dy));
        Mark::Polygon {
            points: points.collect(),
            paint,
        }
    };
    let circle = |radius, filled| Mark::Circle {
        at: (x, y),
        radius,
        paint,
        filled,
    };
    let (near, far) = (MARK, 1.2 * MARK);
    scene.marks.push(match kind {
        0 => corners(&[(0.0, -far), (far, 0.0), (0.0, far), (-far, 0.0)]),
        1 => circle(0.8 * MARK, false),
        2 => corners(&[(0.0, -far), (far, near), (-far, near)]),
        3 => corners(&[(-near, -near), (near, -near), (near, near), (-near, near)]),
        _ => circle(MARK, true),
    });
}

fn kind_of(gain: &GainView) -> Option<usize> {
    let mut kinds = UPDATES.iter();
    kinds.position(|(_, ratio)| ratio.to_bits() == gain.ratio.to_bits())
}

/// Mean and standard deviation.
fn in_points(gain: &GainView) -> [f64; 2] {
    [gain.mean, gain.sd].map(|share| 100.0 * f64::from(share))
}

/// Points around all gains with their spread, and zero.
fn range(layers: &[Vec<GainView>]) -> [f64; 2] {
    let ends = layers.iter().flatten().flat_map(|gain| {
        let [mean, sd] = in_points(gain);
        [mean - sd, mean + sd]
    });
    let [low, high] = ends.fold([0.0f64, 0.0], |[low, high], end| {
        [low.min(end), high.max(end)]
    });
    let margin = (0.06 * (high - low)).max(0.5);
    [low - margin, high + margin]
}

/// The gains of a layer as texts, in the order of [`UPDATES`]; none where one is not known.
#[must_use]
pub fn row(view: &ContributionsView, layer: usize) -> [Option<String>; 5] {
    let mut row: [Option<String>; 5] = Default::default();
    for gain in view.layers.get(layer).into_iter().flatten() {
        let [_, sd] = in_points(gain);
        let mean = text::points(gain.mean);
        let text = if view.n_seeds > 1 {
            format!("{mean} \u{b1} {sd:.1}")
        } else {
            mean
        };
        if let Some(cell) = kind_of(gain).and_then(|kind| row.get_mut(kind)) {
            *cell = Some(text);
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> ContributionsView {
        let gain = |ratio, mean, sd| GainView { ratio, mean, sd };
        ContributionsView {
            classifier: [0.72, 0.01],
            layers: vec![
                vec![gain(1.0, 0.03, 0.0)],
                vec![],
                vec![
                    gain(0.0, 0.01, 0.0),
                    gain(0.125, -0.02, 0.005),
                    gain(1.0, 0.05, 0.02),
                ],
            ],
            n_seeds: 2,
            ..ContributionsView::default()
        }
    }

    #[test]
    fn every_cell_is_one_mark_and_its_spread_one_line() {
        let scene = scene(Some(&view()), 3, None, [300.0, 200.0]);
        let shapes = |wanted: fn(&Mark) -> bool| scene.marks.iter().filter(|it| wanted(it)).count();
        assert_eq!(shapes(|it| matches!(it, Mark::Polygon { .. })), 1);
        assert_eq!(shapes(|it| matches!(it, Mark::Circle { .. })), 3);
        let upright = |it: &Mark| match it {
            Mark::Line { points, .. } => {
                points.len() == 2 && (points[0].0 - points[1].0).abs() < 1e-9
            }
            _ => false,
        };
        assert_eq!(shapes(upright), 2);
        let said = |wanted: &str| {
            let mut marks = scene.marks.iter();
            marks.any(|it| matches!(it, Mark::Text { text, .. } if text.contains(wanted)))
        };
        assert!(said("classifier alone, 72.0"));
    }

    #[test]
    fn nothing_is_drawn_before_anything_is_measured() {
        let empty = scene(None, 3, Some(1), [300.0, 200.0]);
        assert!(
            empty
                .marks
                .iter()
                .all(|it| !matches!(it, Mark::Polygon { .. } | Mark::Circle { .. }))
        );
        // A frame that is not laid out yet.
        let _no_panic = scene(Some(&view()), 0, None, [0.0, 0.0]);
    }

    #[test]
    fn a_place_belongs_to_the_column_it_is_in() {
        assert_eq!(layer_at(3, 352.0, LEFT + 1.0), Some(0));
        assert_eq!(layer_at(3, 352.0, LEFT + 150.0), Some(1));
        assert_eq!(layer_at(3, 352.0, 341.0), Some(2));
        assert_eq!(layer_at(3, 352.0, 10.0), None);
        assert_eq!(layer_at(3, 352.0, 351.0), None);
        assert_eq!(layer_at(0, 352.0, 100.0), None);
    }

    #[test]
    fn rows_say_means_and_spreads() {
        let row = row(&view(), 2).map(Option::unwrap_or_default);
        assert_eq!(row, ["+1.0 ± 0.0", "−2.0 ± 0.5", "", "", "+5.0 ± 2.0"]);
    }

    #[test]
    fn the_axis_holds_zero_and_every_spread() {
        let [low, high] = range(&view().layers);
        assert!(low < -2.5 && high > 7.0 && high < 8.0, "{low} {high}");
        assert_eq!(range(&[]).map(|end| format!("{end}")), ["-0.5", "0.5"]);
    }
}
