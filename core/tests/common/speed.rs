//! Times the kernel sets at the shapes of the Keyboard network (`pretrain/net.py`), in one run.

use std::hint::black_box;

use quartermeg_core::quant::Rules;
use quartermeg_core::runtime::kernels::{Accumulate, Codes, Kernels, Reference};
use quartermeg_core::runtime::scratch::{self, CHANNEL_TILE, ROW_TILE};

use super::layer::{Geometry, LayerCase, Shape};
use super::rng::Rng;

/// Milliseconds that one measurement takes at least: well above the resolution of a browser's
/// clock, and short enough that some measurements escape the other work of a busy machine.
const MIN_MILLIS: f64 = 2.0;
/// Measurements of which the shortest counts.
const REPETITIONS: usize = 20;

/// Inverted residual blocks: hidden channels, stride, output channels.
const BLOCKS: [[usize; 3]; 10] = [
    [16, 1, 8],
    [48, 2, 16],
    [64, 2, 24],
    [96, 1, 24],
    [96, 2, 40],
    [160, 1, 40],
    [160, 1, 40],
    [240, 2, 64],
    [288, 1, 64],
    [288, 1, 64],
];

/// What a kernel computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    Forward,
    BackwardInput,
    WeightGradient,
}

impl Pass {
    pub(crate) const ALL: [Self; 3] = [Self::Forward, Self::BackwardInput, Self::WeightGradient];
}

/// One layer's time a call, by two kernel sets.
#[derive(Clone, Debug)]
pub(crate) struct Timing {
    pub(crate) layer: String,
    pub(crate) depthwise: bool,
    pub(crate) pass: Pass,
    pub(crate) reference_nanos: f64,
    pub(crate) nanos: f64,
}

impl Timing {
    pub(crate) fn ratio(&self) -> f64 {
        self.reference_nanos / self.nanos
    }
}

/// Pointwise and depthwise layers of the network, equal ones once.
fn layers() -> Vec<(Shape, [usize; 2], Geometry)> {
    let mut found: Vec<(Shape, [usize; 2], Geometry)> = Vec::new();
    let mut add = |depthwise, side, inputs, outputs, stride| {
        let shape = Shape {
            depthwise,
            in_channels: inputs,
            out_channels: outputs,
            // All of them learn, so that the weight gradient covers them.
            n_trainable: inputs,
        };
        let (extent, padding) = if depthwise { (3, 1) } else { (1, 0) };
        let geometry = Geometry {
            kernel: [extent; 2],
            stride: [stride; 2],
            padding: [padding; 4],
        };
        let is_known = found.iter().any(|(known, at, geometry)| {
            known.depthwise == depthwise
                && (known.in_channels, known.out_channels) == (inputs, outputs)
                && at[0] == side
                && geometry.stride[0] == stride
        });
        if !is_known {
            found.push((shape, [side; 2], geometry));
        }
    };
    // The stem halves the 48 x 48 input and has 16 channels.
    let (mut side, mut width) = (24, 16);
    for [hidden, stride, outputs] in BLOCKS {
        if hidden != width {
            add(false, side, width, hidden, 1);
        }
        add(true, side, hidden, hidden, stride);
        side = side.div_ceil(stride);
        add(false, side, hidden, outputs, 1);
        width = outputs;
    }
    found
}

/// Times `K` and the reference; `now` tells milliseconds.
pub(crate) fn compare<K: Kernels>(now: impl Fn() -> f64 + Copy) -> Vec<Timing> {
    let mut rng = Rng::new(1);
    let mut timings = Vec::new();
    for (shape, extent, geometry) in layers() {
        let case = LayerCase::new(&mut rng, shape, extent, &geometry);
        let record = &case.record;
        let layer = format!(
            "{} {}x{} {} -> {}, stride {}",
            if shape.depthwise {
                "depthwise"
            } else {
                "pointwise"
            },
            extent[0],
            extent[1],
            shape.in_channels,
            shape.out_channels,
            record.stride[0]
        );
        for pass in Pass::ALL {
            let [reference_nanos, nanos] = times::<K>(&case, pass, now);
            let (layer, depthwise) = (layer.clone(), shape.depthwise);
            timings.push(Timing {
                layer,
                depthwise,
                pass,
                reference_nanos,
                nanos,
            });
        }
    }
    timings
}

fn times<K: Kernels>(case: &LayerCase, pass: Pass, now: impl Fn() -> f64 + Copy) -> [f64; 2] {
    // Both sets take turns, so that a slow moment hits both.
    let (mut reference, mut other) = (call::<Reference>(case, pass), call::<K>(case, pass));
    let mut calls = [1, 1];
    let mut best = [f64::INFINITY; 2];
    for _ in 0..REPETITIONS {
        best[0] = best[0].min(nanos_per_call(now, &mut *reference, &mut calls[0]));
        best[1] = best[1].min(nanos_per_call(now, &mut *other, &mut calls[1]));
    }
    best
}

/// `calls` grows until they take long enough, and stays so for the next measurement.
fn nanos_per_call(now: impl Fn() -> f64, run: &mut dyn FnMut(), calls: &mut u32) -> f64 {
    loop {
        let start = now();
        for _ in 0..*calls {
            run();
        }
        let millis = now() - start;
        if millis >= MIN_MILLIS {
            return millis * 1e6 / f64::from(*calls);
        }
        *calls *= 2;
    }
}

/// One whole layer, as a step calls it.
fn call<K: Kernels>(case: &LayerCase, pass: Pass) -> Box<dyn FnMut() + '_> {
    let record = &case.record;
    match pass {
        Pass::Forward => {
            let mut codes = vec![0; record.out_len()];
            let mut scratch = vec![0; scratch::conv_forward(record, Rules::DEVICE) / 2];
            Box::new(move || {
                let (x, y) = (black_box(&case.x), &mut codes);
                let requantize = case.requantize();
                if record.depthwise {
                    let codes = Codes::Narrow(&case.trainable);
                    K::depthwise_forward(record, codes, &requantize, x, y, &mut []);
                } else {
                    let weights = case.weights();
                    K::conv_forward(record, weights, &requantize, x, y, &mut [], &mut scratch);
                }
                black_box(&codes);
            })
        }
        Pass::BackwardInput => {
            let mut out = vec![0.0; record.in_len()];
            Box::new(move || {
                let (gradient, weights) = (black_box(&case.gradient), case.weights());
                if record.depthwise {
                    K::depthwise_backward_input(record, weights, gradient, &mut out, false);
                } else {
                    K::conv_backward_input(record, weights, gradient, &mut out, Accumulate::No);
                }
                black_box(&out);
            })
        }
        Pass::WeightGradient => {
            let mut rows = vec![0.0; scratch::weight_update(record)];
            Box::new(move || {
                let (x, gradient) = (black_box(&case.saved), &case.gradient);
                let n = if record.depthwise {
                    record.in_channels()
                } else {
                    record.out_channels()
                };
                let tile = if record.depthwise {
                    CHANNEL_TILE
                } else {
                    ROW_TILE
                };
                let row_len = rows.len() / tile;
                for first in (0..n).step_by(tile) {
                    let rows = &mut rows[..row_len * (n - first).min(tile)];
                    if record.depthwise {
                        K::depthwise_weight_gradient(record, None, x, gradient, first, rows);
                    } else {
                        K::conv_weight_gradient(record, x, gradient, first, rows);
                    }
                    black_box(rows);
                }
            })
        }
    }
}

/// Time of the reference over time of the other set, over all layers of one kind.
pub(crate) fn ratio_of(timings: &[Timing], depthwise: bool, pass: Pass) -> f64 {
    let of_kind = timings
        .iter()
        .filter(|t| t.depthwise == depthwise && t.pass == pass);
    let (reference, other) = of_kind.fold((0.0, 0.0), |(a, b), timing| {
        (a + timing.reference_nanos, b + timing.nanos)
    });
    reference / other
}

/// A table of all timings, and the ratios over all layers of a kind.
pub(crate) fn table(name: &str, timings: &[Timing]) -> String {
    let mut lines = vec![format!("reference ns, {name} ns, ratio")];
    lines.extend(timings.iter().map(|timing| {
        format!(
            "{:36} {:15} {:>11.0} {:>11.0} {:>6.2}",
            timing.layer,
            format!("{:?}", timing.pass),
            timing.reference_nanos,
            timing.nanos,
            timing.ratio()
        )
    }));
    for depthwise in [false, true] {
        for pass in Pass::ALL {
            let kind = if depthwise { "depthwise" } else { "pointwise" };
            let ratio = ratio_of(timings, depthwise, pass);
            lines.push(format!("all {kind} layers, {pass:?}: {ratio:.2}"));
        }
    }
    lines.join("\n")
}
