//! Every backward operation on its own, computed again in f64 from what it actually read, under
//! random rules.
//!
//! f32 gradients must agree up to the rounding of their sums. int8 gradients must lie within half
//! a step of their scale, and the gradients of weights and biases that come from them are exact
//! integer sums, so they must come out to the bit.
#![cfg(all(feature = "compile", not(target_arch = "wasm32")))]
#![expect(clippy::float_cmp, reason = "what is compared is exact")]

mod common;

use std::collections::BTreeMap;

use common::network::Style;
use common::policy::choose_own_channels;
use common::rng::Rng;
use common::rules::Setup;
use common::run;
use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::network::{Conv, NodeKind, Value};
use quartermeg_core::policy::{LayerUpdate, selected_channels};
use quartermeg_core::program::{DType, Geometry, Op};
use quartermeg_core::quant::{
    GradientInput, GradientType, LogitScale, MasterCodes, ShortcutGradient, UpdateRule,
};
use quartermeg_core::runtime::kernels::Native;
use quartermeg_core::runtime::{Runtime, Trace};

type Run = Runtime<AlignedBytes, AlignedBytes, Native>;

/// Rounding of f32 sums, relative to the sum of the magnitudes.
const TOLERANCE: f64 = 3e-6;

fn size(value: u32) -> usize {
    usize::try_from(value).expect("small")
}

fn count(value: usize) -> f64 {
    f64::from(u32::try_from(value).expect("small"))
}

/// The f32 next to `value`, as f64.
fn single(value: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the rounding that is meant"
    )]
    let rounded = value as f32;
    f64::from(rounded)
}

fn f32s(bytes: &[u8]) -> Vec<f64> {
    let words = bytes.chunks_exact(4);
    words
        .map(|word| f64::from(f32::from_le_bytes(word.try_into().expect("four bytes"))))
        .collect()
}

/// A gradient as it is stored.
#[derive(Clone, Debug)]
struct Gradient {
    /// f32 values, or codes.
    stored: Vec<f64>,
    /// The scale of codes; `None` for f32.
    scale: Option<f64>,
}

impl Gradient {
    fn read(runtime: &Run, tensor: u32) -> Self {
        let record = runtime.program().tensor(tensor);
        let bytes = runtime.tensor_bytes(tensor);
        let n: usize = record.shape.iter().map(|&extent| size(extent)).product();
        if record.dtype == DType::F32 {
            return Self {
                stored: f32s(bytes),
                scale: None,
            };
        }
        assert_eq!(record.dtype, DType::ScaledI8);
        let codes = bytes[..n].iter();
        Self {
            stored: codes.map(|byte| f64::from(byte.cast_signed())).collect(),
            scale: Some(f32s(&bytes[n.next_multiple_of(4)..])[0]),
        }
    }

    fn at(&self, index: usize) -> f64 {
        self.stored[index] * self.scale.unwrap_or(1.0)
    }

    fn values(&self) -> Vec<f64> {
        (0..self.stored.len()).map(|at| self.at(at)).collect()
    }
}

/// A sum with the sum of the magnitudes of its terms.
#[derive(Clone, Copy, Default)]
struct Sum {
    value: f64,
    magnitude: f64,
}

impl Sum {
    fn of(value: f64) -> Self {
        let mut sum = Self::default();
        sum.add(value);
        sum
    }

    fn add(&mut self, term: f64) {
        self.value += term;
        self.magnitude += term.abs();
    }
}

fn sums(values: impl IntoIterator<Item = f64>) -> Vec<Sum> {
    values.into_iter().map(Sum::of).collect()
}

/// The found gradient must be the expected one as precisely as its type can hold it; where an
/// operation quantizes it, the largest value has the largest code.
fn compare(what: &str, found: &Gradient, expected: &[Sum], quantizes: bool) {
    assert_eq!(found.stored.len(), expected.len(), "{what}");
    let rounding = |sum: &Sum| TOLERANCE * sum.magnitude;
    if let Some(scale) = found.scale.filter(|_| quantizes) {
        let largest = expected
            .iter()
            .map(|sum| sum.value.abs())
            .fold(0.0, f64::max);
        let of_largest = expected.iter().map(rounding).fold(0.0, f64::max);
        // A scale below the normal range of f32 is a multiple of its smallest number.
        let of_scale = 127.0 * f64::from(f32::from_bits(1));
        assert!(
            scale * 127.0 <= (largest + of_largest) * (1.0 + 1e-6) + of_scale,
            "{what}: scale {scale}, largest {largest}"
        );
    }
    for (at, sum) in expected.iter().enumerate() {
        let half_step = found.scale.filter(|_| quantizes).unwrap_or(0.0) / 2.0;
        let allowed = half_step * (1.0 + 1e-5) + rounding(sum) + 1e-38;
        let error = (found.at(at) - sum.value).abs();
        assert!(
            error <= allowed,
            "{what}: element {at} is {} instead of {}, off by {error:e} of {allowed:e}",
            found.at(at),
            sum.value
        );
    }
}

/// Pairs of tap and input position along one axis that meet at an output position.
fn reach(geometry: &Geometry, axis: usize, out: usize) -> Vec<(usize, usize)> {
    let taps = 0..size(geometry.kernel[axis]);
    taps.filter_map(|tap| {
        let at =
            (out * size(geometry.stride[axis]) + tap).checked_sub(size(geometry.padding[axis]))?;
        (at < size(geometry.input[axis])).then_some((tap, at))
    })
    .collect()
}

/// Calls `visit(out_pixel, tap, in_pixel)` for all taps inside the input, in reading order.
fn each_tap(geometry: &Geometry, mut visit: impl FnMut(usize, usize, usize)) {
    let [out_h, out_w] = [0, 1].map(|axis| size(geometry.output[axis]));
    for oy in 0..out_h {
        for ox in 0..out_w {
            for (ky, iy) in reach(geometry, 0, oy) {
                for (kx, ix) in reach(geometry, 1, ox) {
                    let tap = ky * size(geometry.kernel[1]) + kx;
                    visit(oy * out_w + ox, tap, iy * size(geometry.input[1]) + ix);
                }
            }
        }
    }
}

struct Model<'a> {
    setup: &'a Setup,
}

impl Model<'_> {
    /// A convolution with its input and output.
    fn conv(&self, layer: u32) -> (&Conv, Value, Value) {
        let network = &self.setup.network;
        let nodes = network.nodes().iter().enumerate();
        let mut convs = nodes.filter_map(|(at, node)| match &node.kind {
            NodeKind::Conv(conv) => {
                let [x, y] = [node.inputs[0], at + 1].map(|value| network.values()[value]);
                Some((conv, x, y))
            }
            _ => None,
        });
        convs.nth(size(layer)).expect("a convolution")
    }

    fn chosen(&self, layer: u32) -> Vec<usize> {
        let (conv, x, _) = self.conv(layer);
        let update = self.setup.policy.layers.get(size(layer)).copied();
        let update = update.unwrap_or(LayerUpdate::Weights { ratio: 1.0 });
        let rule = self.setup.rules.channels;
        let choice = self.setup.policy.channels_of(size(layer), rule);
        selected_channels(conv, x.shape.c, update.ratio(), choice)
    }

    fn effective_scale(&self, layer: u32, channel: usize) -> f64 {
        let (conv, x, y) = self.conv(layer);
        let product = f64::from(x.quant.scale) * f64::from(conv.weight_scale[channel]);
        single(product / f64::from(y.quant.scale))
    }

    /// All weights as the step uses them, OHWI: the network's own, and those that learn as the
    /// block has them.
    fn weights(&self, runtime: &Run, layer: u32) -> Vec<f64> {
        let (conv, x, _) = self.conv(layer);
        let mut weights: Vec<f64> = conv.weight.iter().map(|&code| f64::from(code)).collect();
        let Some(tensor) = runtime.program().layer(layer).weight_tensor else {
            return weights;
        };
        let bytes = runtime.tensor_bytes(tensor);
        let rules = self.setup.rules;
        let stored: Vec<f64> = match (rules.update, rules.master_codes) {
            (UpdateRule::Master, MasterCodes::Clamped) => {
                let rounded = f32s(bytes).into_iter().map(f64::round_ties_even);
                rounded.map(|code| code.clamp(-127.0, 127.0)).collect()
            }
            (UpdateRule::Master, MasterCodes::Unclamped) => {
                let rounded = f32s(bytes).into_iter().map(f64::round_ties_even);
                rounded.map(|code| code.clamp(-32768.0, 32767.0)).collect()
            }
            _ => bytes.iter().map(|b| f64::from(b.cast_signed())).collect(),
        };
        let chosen = self.chosen(layer);
        let taps = conv.kernel[0] * conv.kernel[1];
        for (at, weight) in stored.into_iter().enumerate() {
            let (row, channel) = (at / chosen.len(), chosen[at % chosen.len()]);
            let flat = if conv.depthwise {
                channel * taps + row
            } else {
                row * x.shape.c + channel
            };
            weights[flat] = weight;
        }
        weights
    }

    /// `g_acc`: f32 gradients have the scale of their channel in them, codes have not.
    fn accumulator_gradient(&self, layer: u32, gradient: &Gradient) -> Vec<f64> {
        let n_channels = self.conv(layer).2.shape.c;
        let values = gradient.values().into_iter().enumerate();
        let scale = |at: usize| match gradient.scale {
            Some(_) => self.effective_scale(layer, at % n_channels),
            None => 1.0,
        };
        values.map(|(at, value)| value * scale(at)).collect()
    }

    fn input_gradient(&self, runtime: &Run, layer: u32, gradient: &Gradient) -> Vec<Sum> {
        let (conv, x, y) = self.conv(layer);
        let weights = self.weights(runtime, layer);
        let gradient = self.accumulator_gradient(layer, gradient);
        let taps = conv.kernel[0] * conv.kernel[1];
        let mut sums = vec![Sum::default(); x.shape.len()];
        let geometry = runtime.program().layer(layer).geometry();
        each_tap(&geometry, |out, tap, pixel| {
            for output in 0..y.shape.c {
                let g = gradient[out * y.shape.c + output];
                if conv.depthwise {
                    sums[pixel * x.shape.c + output].add(g * weights[output * taps + tap]);
                    continue;
                }
                for channel in 0..x.shape.c {
                    let weight = weights[(output * taps + tap) * x.shape.c + channel];
                    sums[pixel * x.shape.c + channel].add(g * weight);
                }
            }
        });
        sums
    }

    /// Of the channels that learn, in stored order; `gradient` may be codes, whose scales are
    /// left out.
    fn weight_gradient(&self, runtime: &Run, layer: u32, x: u32, gradient: &[f64]) -> Vec<Sum> {
        let (conv, value, y) = self.conv(layer);
        let n = self.chosen(layer).len();
        let taps = conv.kernel[0] * conv.kernel[1];
        let zero_point = match self.setup.rules.gradient_input {
            GradientInput::Centered => f64::from(value.quant.zero_point),
            GradientInput::Raw => 0.0,
        };
        let codes = runtime.tensor_bytes(x);
        let real = |at: usize| f64::from(codes[at].cast_signed()) - zero_point;
        let filters = if conv.depthwise { 1 } else { y.shape.c };
        let mut sums = vec![Sum::default(); filters * taps * n];
        let chosen = self.chosen(layer);
        let geometry = runtime.program().layer(layer).geometry();
        each_tap(&geometry, |out, tap, pixel| {
            for (k, &channel) in chosen.iter().enumerate() {
                for filter in 0..filters {
                    let output = if conv.depthwise { channel } else { filter };
                    let g = gradient[out * y.shape.c + output];
                    sums[(filter * taps + tap) * n + k].add(real(pixel * n + k) * g);
                }
            }
        });
        sums
    }

    /// Output channel of a stored weight.
    fn output_of(&self, layer: u32, at: usize) -> usize {
        let (conv, ..) = self.conv(layer);
        let chosen = self.chosen(layer);
        let taps = conv.kernel[0] * conv.kernel[1];
        if conv.depthwise {
            chosen[at % chosen.len()]
        } else {
            at / (taps * chosen.len())
        }
    }
}

/// Whether bit `at` of the mask `tensor` says that the clamp was inactive.
fn is_inside(mask: &[u8], at: usize) -> bool {
    mask[at / 8] >> (at % 8) & 1 == 1
}

/// Gathers the gradients of one parameter, in stored order.
#[derive(Default)]
struct Gathered {
    depthwise_taps: Option<usize>,
    n_trainable: usize,
    weights: Vec<f64>,
    biases: Vec<f64>,
}

impl Trace for Gathered {
    fn weight_gradient(&mut self, _layer: u32, first: usize, rows: &[f32]) {
        let Some(taps) = self.depthwise_taps else {
            self.weights.extend(rows.iter().map(|&g| f64::from(g)));
            return;
        };
        self.weights.resize(taps * self.n_trainable, f64::NAN);
        let n = rows.len() / taps;
        for (at, &gradient) in rows.iter().enumerate() {
            let place = at / n * self.n_trainable + first + at % n;
            self.weights[place] = f64::from(gradient);
        }
    }

    fn bias_gradient(&mut self, _layer: u32, _channel: usize, gradient: f32) {
        self.biases.push(f64::from(gradient));
    }
}

/// `sum * (scale * m)` with one rounding for each conversion and product.
fn exact(sum: f64, scale: f64, of_channel: f64) -> f64 {
    single(single(sum) * single(scale * of_channel))
}

/// Runs one operation and compares what it wrote.
fn check_op(model: &Model<'_>, runtime: &mut Run, op_idx: u32, step: u32) -> Option<&'static str> {
    let setup = model.setup;
    let op = runtime.program().op(op_idx);
    let params = setup.settings.step_params(step);
    let read = |tensor: u32| Gradient::read(runtime, tensor);
    let what = format!("{op:?} under {:?}", setup.rules);
    let mut gathered = Gathered::default();
    // What each written gradient should be.
    let mut expected: Vec<(u32, Vec<Sum>)> = Vec::new();
    let kind = match op {
        Op::LogitsBackward { gradient, out } => {
            let scale = match setup.rules.logits {
                LogitScale::Real => f64::from(runtime.program().meta().head.x_quant.scale),
                LogitScale::Codes => 1.0,
            };
            let values = read(gradient).values();
            expected.push((out, sums(values.into_iter().map(|g| g * scale))));
            "logits"
        }
        Op::ClassifierBackwardInput { gradient, out } => {
            let head = runtime.program().meta().head;
            let classifier = head.classifier.expect("an f32 classifier");
            let weights = f32s(runtime.tensor_bytes(classifier.weight_tensor));
            let n = size(head.n_features);
            let mut all = vec![Sum::default(); n];
            for (class, g) in read(gradient).values().into_iter().enumerate() {
                for (feature, sum) in all.iter_mut().enumerate() {
                    sum.add(g * weights[class * n + feature] * f64::from(head.x_quant.scale));
                }
            }
            expected.push((out, all));
            "classifier"
        }
        Op::AveragePoolBackward {
            gradient,
            out,
            pixels,
            ..
        } => {
            let row = read(gradient).values().into_iter();
            let row: Vec<f64> = row.map(|g| g / f64::from(pixels)).collect();
            expected.push((out, sums(row.repeat(size(pixels)))));
            "mean of all pixels"
        }
        Op::PoolBackward {
            pool,
            x,
            gradient,
            out,
            mask,
        } => {
            let record = runtime.program().pool(pool);
            let n_channels = size(record.geometry.input[2]);
            let mask = runtime.tensor_bytes(mask);
            let mut windows = BTreeMap::<usize, Vec<usize>>::new();
            each_tap(&record.geometry, |out, _, pixel| {
                windows.entry(out).or_default().push(pixel);
            });
            let gradient = read(gradient);
            let mut all = vec![Sum::default(); record.geometry.in_len()];
            for (out, pixels) in windows {
                for channel in 0..n_channels {
                    let at = out * n_channels + channel;
                    if !is_inside(mask, at) {
                        continue;
                    }
                    let Some(x) = x else {
                        for pixel in &pixels {
                            let share = gradient.at(at) / count(pixels.len());
                            all[pixel * n_channels + channel].add(share);
                        }
                        continue;
                    };
                    let codes = runtime.tensor_bytes(x);
                    let code = |pixel: &usize| codes[pixel * n_channels + channel].cast_signed();
                    let largest = pixels.iter().map(code).max().expect("not empty");
                    let winner = pixels.iter().find(|pixel| code(pixel) == largest);
                    let winner = winner.expect("the largest is among them");
                    all[winner * n_channels + channel].add(gradient.at(at));
                }
            }
            expected.push((out, all));
            if record.is_max {
                "maximum"
            } else {
                "mean of windows"
            }
        }
        Op::MaskScale {
            layer,
            gradient,
            out,
            mask,
        } => {
            let mask = runtime.tensor_bytes(mask);
            let gradient = read(gradient);
            let n_channels = model.conv(layer).2.shape.c;
            let values = gradient.values().into_iter().enumerate();
            let masked = values.map(|(at, value)| match gradient.scale {
                _ if !is_inside(mask, at) => 0.0,
                Some(_) => value,
                None => value * model.effective_scale(layer, at % n_channels),
            });
            expected.push((out, sums(masked)));
            "mask"
        }
        Op::ConvBackwardInput {
            layer,
            gradient,
            out,
            accumulate,
            ..
        } => {
            let mut all = model.input_gradient(runtime, layer, &read(gradient));
            if accumulate {
                let before = read(out).values();
                for (sum, before) in all.iter_mut().zip(before) {
                    sum.add(before);
                }
            }
            expected.push((out, all));
            if accumulate {
                "sum at a shortcut"
            } else {
                "convolution"
            }
        }
        Op::AddBackward {
            add,
            gradient,
            shortcut,
            branch,
            mask,
        } => {
            let is_dropped = setup.rules.shortcut == ShortcutGradient::Dropped;
            assert!(!is_dropped || shortcut.is_none(), "{what}");
            let record = runtime.program().add(add);
            let mask = runtime.tensor_bytes(mask);
            let gradient = read(gradient).values();
            for (out, quant) in [(shortcut, record.a_quant), (branch, record.b_quant)] {
                let factor = f64::from(quant.scale) / f64::from(record.y_quant.scale);
                let values = gradient.iter().enumerate();
                let passed =
                    values.map(|(at, &g)| if is_inside(mask, at) { g * factor } else { 0.0 });
                if let Some(out) = out {
                    expected.push((out, sums(passed)));
                }
            }
            "add"
        }
        Op::BiasUpdate { layer, gradient } => {
            let gradient = read(gradient);
            runtime.run_op(op_idx, &params, &mut gathered);
            let n_channels = gathered.biases.len();
            for (channel, &found) in gathered.biases.iter().enumerate() {
                let mut sum = Sum::default();
                let own = gradient.stored.iter().skip(channel).step_by(n_channels);
                own.for_each(|&stored| sum.add(stored));
                let of_channel = model.effective_scale(layer, channel);
                assert_parameter(&what, found, sum, gradient.scale, of_channel);
            }
            return Some("bias");
        }
        Op::WeightUpdate {
            layer, x, gradient, ..
        } => {
            let gradient = read(gradient);
            let expected = model.weight_gradient(runtime, layer, x, &gradient.stored);
            let record = runtime.program().layer(layer);
            gathered.depthwise_taps = record.depthwise.then(|| record.taps());
            gathered.n_trainable = size(record.n_trainable);
            runtime.run_op(op_idx, &params, &mut gathered);
            assert_eq!(gathered.weights.len(), expected.len(), "{what}");
            for (at, (&found, sum)) in gathered.weights.iter().zip(expected).enumerate() {
                let of_channel = model.effective_scale(layer, model.output_of(layer, at));
                assert_parameter(&what, found, sum, gradient.scale, of_channel);
            }
            return Some("weight");
        }
        _ => {
            runtime.run_op(op_idx, &params, &mut gathered);
            return None;
        }
    };
    runtime.run_op(op_idx, &params, &mut gathered);
    // Masks leave codes as they are or zero, and factors go into the scale.
    let quantizes = !matches!(
        op,
        Op::MaskScale { .. } | Op::AddBackward { .. } | Op::AveragePoolBackward { .. }
    );
    for (out, expected) in expected {
        compare(&what, &Gradient::read(runtime, out), &expected, quantizes);
    }
    Some(kind)
}

/// A gradient of a parameter: of int8 gradients exactly the integer sum times the scales.
fn assert_parameter(what: &str, found: f64, sum: Sum, scale: Option<f64>, of_channel: f64) {
    match scale {
        Some(scale) => assert_eq!(found, exact(sum.value, scale, of_channel), "{what}"),
        None => assert!(
            (found - sum.value).abs() <= TOLERANCE * sum.magnitude + 1e-38,
            "{what}: {found} instead of {}",
            sum.value
        ),
    }
}

#[test]
fn every_backward_operation_can_be_computed_again() {
    let mut met = BTreeMap::<_, u32>::new();
    for seed in 0..300 {
        let mut setup = Setup::random(20_000 + seed, Style::VARIED, 2);
        choose_own_channels(&mut Rng::new(seed), &mut setup.policy);
        let model = Model { setup: &setup };
        let mut runtime: Run = run::runtime_of(setup.program());
        for (step, (codes, label)) in (0..).zip(&setup.samples) {
            runtime.load_sample(codes, *label).expect("the sample fits");
            for op_idx in 0..runtime.program().n_ops() {
                if let Some(kind) = check_op(&model, &mut runtime, op_idx, step) {
                    let is_int8 = setup.rules.gradient == GradientType::I8;
                    *met.entry((kind, is_int8)).or_default() += 1;
                }
            }
        }
    }
    // Every kind, with both types of gradients.
    assert_eq!(met.len(), 2 * 11, "{met:?}");
    assert!(met.values().all(|&n| n >= 20), "{met:?}");
}
