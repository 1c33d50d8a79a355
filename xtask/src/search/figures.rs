//! The figures of `docs/search.md`.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;

use super::{Contribution, SearchReport, Spread, Subject};

/// Width and height of a figure, in pixels.
const SIZE: (u32, u32) = (860, 380);
const BIAS: RGBColor = RGBColor(0xd9, 0x5f, 0x02);
const WEIGHTS: RGBColor = RGBColor(0x1b, 0x6c, 0xa8);
const COMPARED: RGBColor = RGBColor(0x70, 0x70, 0x70);

/// What each layer contributes by its bias and by its weights (figure 5 of the paper); bars are
/// means over the seeds, lines reach one standard deviation up and down.
pub(super) fn contributions(path: &Path, report: &SearchReport) -> Result<()> {
    let root = canvas(path)?;
    let of = |update: &str| -> Vec<&Contribution> {
        let contributions = report.analysis.contributions.iter();
        contributions.filter(|it| it.update == update).collect()
    };
    let series = [
        ("bias", of("bias"), BIAS),
        ("all weights", of("1"), WEIGHTS),
    ];
    let all = || series.iter().flat_map(|(_, cells, _)| cells.iter());
    let ends = |Spread { mean, sd }: Spread| [100.0 * (mean - sd), 100.0 * (mean + sd)];
    let (mut low, mut high) = (0.0f64, 0.0f64);
    for [down, up] in all().map(|cell| ends(cell.gain)) {
        (low, high) = (low.min(down), high.max(up));
    }
    let n_layers = all().map(|cell| cell.layer + 1).max().unwrap_or(1);
    let edge = |layer: usize| f64::from(u32::try_from(layer).unwrap_or(u32::MAX));
    let mut chart = ChartBuilder::on(&root)
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(52)
        .build_cartesian_2d(-0.5..edge(n_layers) - 0.5, low - 0.5..high + 0.5)
        .map_err(drawn)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(n_layers.min(22))
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:+.0}"))
        .x_desc("layer")
        .y_desc("accuracy over the classifier alone, points")
        .draw()
        .map_err(drawn)?;
    for (at, (name, cells, color)) in series.into_iter().enumerate() {
        let (from, to) = if at == 0 { (-0.4, 0.0) } else { (0.0, 0.4) };
        let bars = cells.iter().map(|cell| {
            let x = edge(cell.layer);
            let corners = [(x + from, 0.0), (x + to, 100.0 * cell.gain.mean)];
            Rectangle::new(corners, color.mix(0.8).filled())
        });
        chart
            .draw_series(bars)
            .map_err(drawn)?
            .label(name)
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 14, y + 5)], color.filled()));
        let spreads = cells.iter().map(|cell| {
            let x = edge(cell.layer) + f64::midpoint(from, to);
            let [down, up] = ends(cell.gain);
            PathElement::new([(x, down), (x, up)], BLACK.mix(0.7))
        });
        chart.draw_series(spreads).map_err(drawn)?;
    }
    legend(&mut chart)?;
    root.present().map_err(drawn)
}

/// Accuracy against bytes: what the search found, what it is compared with, and the front.
pub(super) fn front(path: &Path, subject: &Subject, report: &SearchReport) -> Result<()> {
    let root = canvas(path)?;
    let kib = |bytes: u32| f64::from(bytes) / 1024.0;
    let most = report.points.iter().map(|it| it.sram_total_bytes).max();
    // What needs far more than the budget would press the rest into a corner.
    let right = kib(most.unwrap_or(0)).min(2.2 * kib(subject.budget_bytes));
    let shown = || {
        let points = report.points.iter();
        points.filter(move |it| kib(it.sram_total_bytes) <= right)
    };
    let ends = |Spread { mean, sd }: Spread| [100.0 * (mean - sd), 100.0 * (mean + sd)];
    let (mut low, mut high) = (100.0f64, 0.0f64);
    for [down, up] in shown().map(|point| ends(point.accuracy)) {
        (low, high) = (low.min(down), high.max(up));
    }
    let mut chart = ChartBuilder::on(&root)
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(52)
        .build_cartesian_2d(0.0..1.05 * right, low - 1.0..high + 1.0)
        .map_err(drawn)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .x_desc("all that is written but the stack, KiB")
        .y_desc("test accuracy, %")
        .draw()
        .map_err(drawn)?;
    let budget = kib(subject.budget_bytes);
    chart
        .draw_series([PathElement::new(
            [(budget, low - 1.0), (budget, high + 1.0)],
            RED.mix(0.7),
        )])
        .map_err(drawn)?
        .label("budget")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 14, y)], RED.mix(0.7)));
    let mut on_front: Vec<(f64, f64)> = shown()
        .filter(|point| point.on_front)
        .map(|point| (kib(point.sram_total_bytes), 100.0 * point.accuracy.mean))
        .collect();
    on_front.sort_by(|one, other| one.0.total_cmp(&other.0));
    chart
        .draw_series(LineSeries::new(on_front, WEIGHTS.mix(0.5)))
        .map_err(drawn)?
        .label("front")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 14, y)], WEIGHTS.mix(0.5)));
    for (name, is_found, color) in [("found", true, WEIGHTS), ("compared", false, COMPARED)] {
        let points = || shown().filter(|point| point.found == is_found);
        let spreads = points().map(|point| {
            let x = kib(point.sram_total_bytes);
            let [down, up] = ends(point.accuracy);
            PathElement::new([(x, down), (x, up)], color.mix(0.6))
        });
        chart.draw_series(spreads).map_err(drawn)?;
        let dots = points().map(|point| {
            let at = (kib(point.sram_total_bytes), 100.0 * point.accuracy.mean);
            Circle::new(at, 5, color.filled())
        });
        chart
            .draw_series(dots)
            .map_err(drawn)?
            .label(name)
            .legend(move |(x, y)| Circle::new((x + 7, y), 5, color.filled()));
        let names = points().map(|point| {
            let at = (kib(point.sram_total_bytes), 100.0 * point.accuracy.mean);
            let style = ("sans-serif", 11).into_font().color(&color);
            EmptyElement::at(at) + Text::new(short(&point.origin), (8, -5), style)
        });
        chart.draw_series(names).map_err(drawn)?;
    }
    legend(&mut chart)?;
    root.present().map_err(drawn)
}

/// The first of the names that a policy has.
fn short(origin: &str) -> String {
    origin.split(", ").next().unwrap_or_default().to_owned()
}

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn canvas(path: &Path) -> Result<Canvas<'_>> {
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE).map_err(drawn)?;
    Ok(root)
}

type Chart<'a> = ChartContext<
    'a,
    SVGBackend<'a>,
    Cartesian2d<plotters::coord::types::RangedCoordf64, plotters::coord::types::RangedCoordf64>,
>;

fn legend(chart: &mut Chart<'_>) -> Result<()> {
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.2))
        .draw()
        .map_err(drawn)
}

fn drawn<E: std::fmt::Display>(error: E) -> anyhow::Error {
    anyhow!("the figure cannot be drawn: {error}")
}
