//! Weights against gradients, tensor by tensor: what QAS is for.

use super::axis::floor_u32;
use super::{Align, Area, Axis, Mark, Paint, Scene};
use crate::protocol::UpdateView;
use crate::state::text;

const LEFT: f64 = 34.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 20.0;
const BOTTOM: f64 = 20.0;
/// Space between the two groups, in columns.
const GAP: f64 = 1.0;

/// The three ways to look at one ratio, in the order of [`UpdateView::log_ratios`].
pub const KINDS: [(&str, Paint); 3] = [
    ("float network", Paint::FloatNetwork),
    ("int8 as it comes", Paint::Int8),
    ("int8 with QAS", Paint::Int8Qas),
];

/// The tensors of the chart, weights first, each in the order of its layer.
#[must_use]
pub fn columns(updates: &[UpdateView]) -> [Vec<&UpdateView>; 2] {
    let of_kind = |bias: bool| {
        // The classifier, which has no index, comes last, as in the network.
        let mut order: Vec<(u32, u32)> = (0..)
            .zip(updates)
            .filter(|(_, update)| update.bias == bias)
            .map(|(index, update)| (update.layer.unwrap_or(u32::MAX), index))
            .collect();
        order.sort_unstable();
        let found = order.iter();
        found
            .filter_map(|&(_, index)| updates.get(index as usize))
            .collect()
    };
    [of_kind(false), of_kind(true)]
}

/// The chart: one column a tensor, its three ratios as three marks of different shape.
#[must_use]
pub fn scene(updates: &[UpdateView], width: f64, height: f64) -> Scene {
    let mut scene = Scene::new(width, height);
    let plot = Area {
        left: LEFT,
        top: TOP,
        right: (width - RIGHT).max(LEFT + 1.0),
        bottom: (height - BOTTOM).max(TOP + 1.0),
    };
    let groups = columns(updates);
    let y = Axis {
        values: range(updates),
        pixels: [plot.bottom, plot.top],
    };
    scene.fill(plot, Paint::Ground);
    for value in y.ticks(floor_u32(plot.height() / 34.0).max(2)) {
        let at = y.pixel(value);
        scene.line(vec![(plot.left, at), (plot.right, at)], Paint::Rule, 1.0);
        scene.text(
            (plot.left - 6.0, at),
            format!("{value:.0}"),
            Align::End,
            Paint::Muted,
        );
    }
    scene.line(
        vec![(plot.left, plot.bottom), (plot.right, plot.bottom)],
        Paint::Muted,
        1.0,
    );
    scene.title((2.0, 9.0), "ln(|W| / |G|)", Align::Start, Paint::Ink);

    if updates.iter().all(|update| update.log_ratios == [None; 3]) {
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
    let count = |n: usize| u32::try_from(n).map_or(0.0, f64::from);
    let n_columns = count(groups[0].len()) + count(groups[1].len()) + GAP;
    let step = plot.width() / n_columns.max(1.0);
    let mut start = plot.left;
    for (group, name) in groups.iter().zip(["weights", "biases"]) {
        let end = start + step * count(group.len());
        for (position, update) in group.iter().enumerate() {
            draw_column(
                &mut scene,
                start + step * (count(position) + 0.5),
                &y,
                update,
            );
        }
        if !group.is_empty() {
            let middle = 0.5 * (start + end);
            scene.line(
                vec![
                    (start + 2.0, plot.bottom + 4.0),
                    (end - 2.0, plot.bottom + 4.0),
                ],
                Paint::Muted,
                1.0,
            );
            scene.text(
                (middle, plot.bottom + 13.0),
                name,
                Align::Middle,
                Paint::Muted,
            );
        }
        start = end + step * GAP;
    }
    scene
}

fn draw_column(scene: &mut Scene, x: f64, y: &Axis, update: &UpdateView) {
    let at = |kind: usize| {
        let ratio = update.log_ratios.get(kind).copied().flatten()?;
        ratio.is_finite().then(|| (x, y.pixel(f64::from(ratio))))
    };
    if let (Some(as_it_comes), Some(with_qas)) = (at(1), at(2)) {
        scene.line(vec![as_it_comes, with_qas], Paint::Faint, 1.0);
    }
    if let Some(at) = at(0) {
        scene.marks.push(Mark::Circle {
            at,
            radius: 5.0,
            paint: KINDS[0].1,
            filled: false,
        });
    }
    if let Some((x, y)) = at(1) {
        let points = vec![(x, y - 4.0), (x + 4.0, y), (x, y + 4.0), (x - 4.0, y)];
        scene.marks.push(Mark::Polygon {
            points,
            paint: KINDS[1].1,
        });
    }
    if let Some(at) = at(2) {
        scene.marks.push(Mark::Circle {
            at,
            radius: 2.5,
            paint: KINDS[2].1,
            filled: true,
        });
    }
}

/// Whole numbers around all ratios.
fn range(updates: &[UpdateView]) -> [f64; 2] {
    let ratios = updates
        .iter()
        .flat_map(|update| update.log_ratios.into_iter().flatten());
    let finite = ratios.map(f64::from).filter(|ratio| ratio.is_finite());
    let [low, high] = finite.fold([f64::MAX, f64::MIN], |[low, high], it| {
        [low.min(it), high.max(it)]
    });
    if low > high {
        return [0.0, 10.0];
    }
    [(low - 0.5).floor(), (high + 0.5).ceil()]
}

/// The ratios of one tensor as texts, for a table.
#[must_use]
pub fn row(update: &UpdateView) -> [String; 3] {
    update
        .log_ratios
        .map(|ratio| ratio.map_or_else(|| text::UNKNOWN.to_owned(), text::log_ratio))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(layer: Option<u32>, bias: bool, log_ratios: [Option<f32>; 3]) -> UpdateView {
        UpdateView {
            name: String::new(),
            layer,
            bias,
            log_ratios,
            n_elements: 1,
            n_moved: 0,
            n_vanished: 0,
        }
    }

    #[test]
    fn weights_come_before_biases_and_the_classifier_last() {
        let none = [None; 3];
        let updates = [
            update(None, false, none),
            update(Some(3), true, none),
            update(Some(3), false, none),
            update(Some(1), false, none),
        ];
        let [weights, biases] = columns(&updates);
        let layers: Vec<Option<u32>> = weights.iter().map(|update| update.layer).collect();
        assert_eq!(layers, [Some(1), Some(3), None]);
        assert_eq!(biases.len(), 1);
    }

    #[test]
    fn only_known_ratios_are_drawn() {
        let marks = |ratios| {
            let scene = scene(&[update(Some(0), false, ratios)], 300.0, 200.0);
            scene
                .marks
                .iter()
                .filter(|it| matches!(it, Mark::Circle { .. } | Mark::Polygon { .. }))
                .count()
        };
        assert_eq!(marks([Some(2.0), Some(11.0), Some(2.0)]), 3);
        assert_eq!(marks([Some(2.0), None, None]), 1);
        assert_eq!(marks([Some(f32::INFINITY), None, None]), 0);
        assert_eq!(scene(&[], 0.0, 0.0).width.to_bits(), 0.0f64.to_bits());
    }

    #[test]
    fn the_axis_holds_all_ratios() {
        let whole = |updates: &[UpdateView]| range(updates).map(|end| format!("{end}"));
        let updates = [update(None, true, [Some(-1.2), Some(9.7), None])];
        assert_eq!(whole(&updates), ["-2", "11"]);
        assert_eq!(whole(&[]), ["0", "10"]);
    }
}
