//! Every backward rule against central differences of the dequantized network in f64.
//!
//! Gradients are with respect to the integer tensors, straight through the rounding and zero
//! where the forward clamp was active (numerics: "Gradients").
//! The model in f64 is therefore pinned to the integers of the core's own forward pass: each
//! value is its unrounded formula plus the constant that rounding added at this sample.
//! It moves as the formula does, stays flat beyond a clamp, and needs no smooth sample except
//! that no value may lie at an edge of its clamp.
#![cfg(all(feature = "compile", not(target_arch = "wasm32")))]

mod common;

use common::network::{Ask, Sketch, Style, random_network};
use common::rng::Rng;
use common::run::{self, Sample};
use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::network::{Clamp, Conv, Network, NodeKind, Pool, PoolKind, Shape};
use quartermeg_core::policy::{LayerUpdate, Policy};
use quartermeg_core::program::{Op, Program, Settings};
use quartermeg_core::quant::QuantParams;
use quartermeg_core::runtime::kernels::{Kernels, Native};
use quartermeg_core::runtime::scratch::{CHANNEL_TILE, ROW_TILE};
use quartermeg_core::runtime::{NoTrace, Runtime, StepParams};

/// Half the distance of a central difference, in units of the integer that is moved.
const STEP: f64 = 1e-4;
/// Values nearer than this to an edge of a clamp would make a difference meaningless.
const EDGE: f64 = 2e-2;
/// Largest relative L2 error of one tensor: f32 sums against f64.
const TOLERANCE: f64 = 2e-5;

/// All numbers of the network that a difference may move.
#[derive(Clone)]
struct Parameters {
    /// OHWI weights of each convolution, the dense layer of an int8 head included; of an f32
    /// classifier last.
    weights: Vec<Vec<f64>>,
    biases: Vec<Vec<f64>>,
}

/// The network in f64, pinned to one forward pass of the core.
struct Model<'a> {
    network: &'a Network,
    parameters: Parameters,
    /// The integers of every value, as the core computed them.
    codes: Vec<Vec<f64>>,
    /// What rounding added to each element of each value.
    offsets: Vec<Vec<f64>>,
    label: usize,
}

impl<'a> Model<'a> {
    /// `None` if a value lies too near to an edge of its clamp.
    fn new(network: &'a Network, codes: Vec<Vec<f64>>, label: usize) -> Option<Self> {
        let (mut weights, mut biases) = (Vec::new(), Vec::new());
        for node in network.nodes() {
            match &node.kind {
                NodeKind::Conv(conv) => {
                    weights.push(conv.weight.iter().map(|&code| f64::from(code)).collect());
                    biases.push(conv.bias.iter().map(|&bias| f64::from(bias)).collect());
                }
                NodeKind::Classifier(classifier) => {
                    weights.push(classifier.weight.iter().map(|&w| f64::from(w)).collect());
                    biases.push(classifier.bias.iter().map(|&b| f64::from(b)).collect());
                }
                _ => {}
            }
        }
        let mut model = Self {
            network,
            parameters: Parameters { weights, biases },
            offsets: codes.iter().map(|codes| vec![0.0; codes.len()]).collect(),
            codes,
            label,
        };
        for node_idx in 0..network.nodes().len() - 1 {
            let raw = model.node(node_idx, &model.codes, &model.parameters);
            let clamp = clamp_of(&network.nodes()[node_idx].kind);
            let value = node_idx + 1;
            for (at, raw) in raw.into_iter().enumerate() {
                let code = model.codes[value][at];
                let [low, high] = edges(clamp);
                if (raw - low).abs() < EDGE || (raw - high).abs() < EDGE {
                    return None;
                }
                // The core's code is the formula's, rounded and clamped.
                let clamped = raw.clamp(f64::from(clamp.min), f64::from(clamp.max));
                assert!(
                    (clamped - code).abs() < 0.501,
                    "node {node_idx}: {raw}, {code}"
                );
                let inside = (low..high).contains(&raw);
                model.offsets[value][at] = if inside { code - raw } else { 0.0 };
            }
        }
        Some(model)
    }

    /// The loss when `value` has the integers `moved` and the parameters are `parameters`.
    fn loss_from(&self, value: usize, moved: Vec<f64>, parameters: &Parameters) -> f64 {
        let mut values = self.codes.clone();
        let mut is_moved = vec![false; values.len()];
        is_moved[value] = true;
        values[value] = moved;
        for node_idx in 0..self.network.nodes().len() {
            let node = &self.network.nodes()[node_idx];
            // Values before the moved one are those of the core.
            let output = node_idx + 1;
            if output == value || !node.inputs.iter().any(|&input| is_moved[input]) {
                continue;
            }
            is_moved[output] = true;
            values[output] = self.pinned(node_idx, &values, parameters);
        }
        self.cross_entropy(&values[values.len() - 1])
    }

    /// The output of one node: its formula, its clamp, and what rounding added.
    fn pinned(&self, node_idx: usize, values: &[Vec<f64>], parameters: &Parameters) -> Vec<f64> {
        let raw = self.node(node_idx, values, parameters);
        if self.network.nodes()[node_idx].kind.is_head() {
            return raw;
        }
        let clamp = clamp_of(&self.network.nodes()[node_idx].kind);
        let [low, high] = edges(clamp);
        raw.into_iter()
            .zip(&self.offsets[node_idx + 1])
            .map(|(raw, offset)| {
                if raw < low {
                    f64::from(clamp.min)
                } else if raw > high {
                    f64::from(clamp.max)
                } else {
                    raw + offset
                }
            })
            .collect()
    }

    fn node(&self, node_idx: usize, values: &[Vec<f64>], parameters: &Parameters) -> Vec<f64> {
        let node = &self.network.nodes()[node_idx];
        let input = self.network.values()[node.inputs[0]];
        let output = self.network.values()[node_idx + 1];
        let x = &values[node.inputs[0]];
        let layer = self
            .network
            .convs()
            .take_while(|&(at, ..)| at < node_idx)
            .count();
        match &node.kind {
            NodeKind::Conv(conv) => conv_f64(
                conv,
                input.shape,
                output.shape,
                input.quant,
                x,
                &parameters.weights[layer],
                &parameters.biases[layer],
            ),
            NodeKind::Add { output, .. } => {
                let other = self.network.values()[node.inputs[1]].quant;
                let y = &values[node.inputs[1]];
                x.iter()
                    .zip(y)
                    .map(|(&a, &b)| {
                        let sum = real(a, input.quant) + real(b, other);
                        sum / f64::from(output.scale) + f64::from(output.zero_point)
                    })
                    .collect()
            }
            NodeKind::AveragePool => {
                let pixels = input.shape.h * input.shape.w;
                let c = input.shape.c;
                (0..c)
                    .map(|channel| {
                        let sum: f64 = x.iter().skip(channel).step_by(c).sum();
                        sum / count(pixels)
                    })
                    .collect()
            }
            NodeKind::Pool(pool) => pool_f64(
                pool,
                input.shape,
                output.shape,
                x,
                &self.codes[node.inputs[0]],
            ),
            NodeKind::Logits { .. } => x.iter().map(|&x| real(x, input.quant)).collect(),
            NodeKind::Classifier(_) => {
                let weights = &parameters.weights[layer];
                weights
                    .chunks_exact(x.len())
                    .zip(&parameters.biases[layer])
                    .map(|(row, bias)| {
                        let products = x.iter().zip(row).map(|(&x, w)| real(x, input.quant) * w);
                        products.sum::<f64>() + bias
                    })
                    .collect()
            }
        }
    }

    fn cross_entropy(&self, logits: &[f64]) -> f64 {
        let max = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = logits.iter().map(|logit| (logit - max).exp()).sum();
        sum.ln() + max - logits[self.label]
    }

    /// Central differences with respect to every element of a value.
    fn value_gradient(&self, value: usize) -> Vec<f64> {
        differences(&self.codes[value], |moved| {
            self.loss_from(value, moved, &self.parameters)
        })
    }

    /// Central differences with respect to the weights or biases of the node `node_idx`.
    fn parameter_gradient(
        &self,
        node_idx: usize,
        layer: usize,
        of: impl Fn(&mut Parameters) -> &mut Vec<Vec<f64>>,
    ) -> Vec<f64> {
        let mut start = self.parameters.clone();
        let start = std::mem::take(&mut of(&mut start)[layer]);
        let is_classifier = self.network.nodes()[node_idx].kind.is_head();
        differences(&start, |moved| {
            let mut parameters = self.parameters.clone();
            of(&mut parameters)[layer] = moved;
            let output = self.pinned(node_idx, &self.codes, &parameters);
            if is_classifier {
                self.cross_entropy(&output)
            } else {
                self.loss_from(node_idx + 1, output, &self.parameters)
            }
        })
    }
}

fn differences(start: &[f64], loss: impl Fn(Vec<f64>) -> f64) -> Vec<f64> {
    (0..start.len())
        .map(|at| {
            let moved_by = |distance: f64| {
                let mut moved = start.to_vec();
                moved[at] += distance;
                loss(moved)
            };
            (moved_by(STEP) - moved_by(-STEP)) / (2.0 * STEP)
        })
        .collect()
}

fn conv_f64(
    conv: &Conv,
    input: Shape,
    output: Shape,
    x_quant: QuantParams,
    x: &[f64],
    weights: &[f64],
    biases: &[f64],
) -> Vec<f64> {
    let [kh, kw] = conv.kernel;
    let mut y = Vec::with_capacity(output.len());
    for oy in 0..output.h {
        for ox in 0..output.w {
            for o in 0..output.c {
                let mut sum = biases[o];
                for ky in 0..kh {
                    for kx in 0..kw {
                        let iy = (oy * conv.stride[0] + ky).checked_sub(conv.padding[0]);
                        let ix = (ox * conv.stride[1] + kx).checked_sub(conv.padding[1]);
                        let (Some(iy), Some(ix)) = (iy, ix) else {
                            continue;
                        };
                        if iy >= input.h || ix >= input.w {
                            continue;
                        }
                        let pixel = (iy * input.w + ix) * input.c;
                        let z = f64::from(x_quant.zero_point);
                        if conv.depthwise {
                            sum += (x[pixel + o] - z) * weights[(o * kh + ky) * kw + kx];
                        } else {
                            let row = ((o * kh + ky) * kw + kx) * input.c;
                            for c in 0..input.c {
                                sum += (x[pixel + c] - z) * weights[row + c];
                            }
                        }
                    }
                }
                let scale = f64::from(x_quant.scale) * f64::from(conv.weight_scale[o])
                    / f64::from(conv.output.scale);
                y.push(sum * scale + f64::from(conv.output.zero_point));
            }
        }
    }
    y
}

/// The pool of `x`. Of a maximum, the first of the largest `codes` is followed: ties among the
/// integers are broken so, and a small move makes no other one larger.
fn pool_f64(pool: &Pool, input: Shape, output: Shape, x: &[f64], codes: &[f64]) -> Vec<f64> {
    let mut y = Vec::with_capacity(output.len());
    for oy in 0..output.h {
        for ox in 0..output.w {
            for channel in 0..output.c {
                let mut window = Vec::new();
                for ky in 0..pool.kernel[0] {
                    for kx in 0..pool.kernel[1] {
                        let iy = (oy * pool.stride[0] + ky).checked_sub(pool.padding[0]);
                        let ix = (ox * pool.stride[1] + kx).checked_sub(pool.padding[1]);
                        if let (Some(iy), Some(ix)) = (iy, ix)
                            && iy < input.h
                            && ix < input.w
                        {
                            window.push((iy * input.w + ix) * input.c + channel);
                        }
                    }
                }
                y.push(match pool.kind {
                    PoolKind::Average => {
                        window.iter().map(|&at| x[at]).sum::<f64>() / count(window.len())
                    }
                    PoolKind::Max => {
                        let first = |best: usize, at: usize| {
                            if codes[at] > codes[best] { at } else { best }
                        };
                        let winner = window.into_iter().reduce(first);
                        x[winner.expect("a window sees its input")]
                    }
                });
            }
        }
    }
    y
}

fn real(code: f64, quant: QuantParams) -> f64 {
    (code - f64::from(quant.zero_point)) * f64::from(quant.scale)
}

fn clamp_of(kind: &NodeKind) -> Clamp {
    match kind {
        NodeKind::Conv(Conv { clamp, .. }) | NodeKind::Add { clamp, .. } => *clamp,
        NodeKind::Pool(pool) => pool.clamp,
        NodeKind::AveragePool | NodeKind::Logits { .. } | NodeKind::Classifier(_) => Clamp {
            min: i8::MIN,
            max: i8::MAX,
        },
    }
}

/// Formulas between these round to a code inside the clamp.
fn edges(clamp: Clamp) -> [f64; 2] {
    [f64::from(clamp.min) - 0.5, f64::from(clamp.max) + 0.5]
}

fn count(value: usize) -> f64 {
    f64::from(u32::try_from(value).expect("small"))
}

/// What the core computed in one step: gradients at values, and of parameters by layer.
#[derive(Default)]
struct Found {
    codes: Vec<Vec<f64>>,
    values: Vec<Option<Vec<f64>>>,
    /// In OHWI order, all channels.
    weights: Vec<Option<Vec<f64>>>,
    biases: Vec<Option<Vec<f64>>>,
    head: [Vec<f64>; 2],
}

type Run = Runtime<AlignedBytes, AlignedBytes, Native>;

fn floats(bytes: &[u8]) -> Vec<f64> {
    bytes
        .chunks_exact(4)
        .map(|word| f64::from(f32::from_le_bytes(word.try_into().expect("four bytes"))))
        .collect()
}

fn narrow(values: &[f64]) -> Vec<f32> {
    // They came from f32, so nothing is lost.
    #[expect(clippy::cast_possible_truncation, reason = "exact")]
    values.iter().map(|&value| value as f32).collect()
}

/// Value of the network that a tensor's name belongs to.
fn value_of(program: &Program<AlignedBytes>, tensor: u32) -> usize {
    let name = program.tensor(tensor).name;
    if name == quartermeg_core::program::TensorRecord::NO_NAME {
        0
    } else {
        usize::try_from(name).expect("small") + 1
    }
}

fn run_core(network: &Network, sample: &Sample) -> Found {
    let policy = Policy::uniform(network, LayerUpdate::Weights { ratio: 1.0 });
    let program = run::program_apart(network, &policy);
    let n_values = network.values().len();
    let n_layers = usize::try_from(program.n_layers()).expect("small");
    let mut found = Found {
        codes: vec![Vec::new(); n_values],
        values: vec![None; n_values],
        weights: vec![None; n_layers],
        biases: vec![None; n_layers],
        head: Default::default(),
    };
    found.codes[0] = sample.0.iter().map(|&code| f64::from(code)).collect();
    // The classifier must keep its value until its gradients are read; biases move by
    // `rate * G`, so a large rate shows G to many digits in their integers.
    let frozen = without_qas(0.0);
    let mut runtime: Run = run::runtime_of(program);
    runtime
        .load_sample(&sample.0, sample.1)
        .expect("the sample fits");
    for op_idx in 0..runtime.program().n_ops() {
        let op = runtime.program().op(op_idx);
        match op {
            Op::ClassifierUpdate { .. } => read_classifier_update(&mut runtime, op_idx, &mut found),
            Op::BiasUpdate { layer, gradient } => {
                let bias = read_bias_update(&mut runtime, op_idx, layer, gradient);
                found.biases[usize::try_from(layer).expect("small")] = Some(bias);
            }
            Op::WeightUpdate {
                layer, x, gradient, ..
            } => {
                let weight = weight_gradient(&runtime, layer, x, gradient);
                found.weights[usize::try_from(layer).expect("small")] = Some(weight);
            }
            _ => {
                runtime.run_op(op_idx, &frozen, &mut NoTrace);
            }
        }
        read_values(&runtime, op, &mut found);
    }
    found
}

/// Codes and value gradients that the operation has just written. A gradient that is added to
/// later is read again then.
fn read_values(runtime: &Run, op: Op, found: &mut Found) {
    let program = runtime.program();
    let (codes, gradients) = match op {
        Op::Conv { y, .. } | Op::Add { y, .. } | Op::AveragePool { y, .. } | Op::Pool { y, .. } => {
            (Some(y), [None, None])
        }
        Op::Loss { gradient, .. } => (None, [Some(gradient), None]),
        Op::ClassifierBackwardInput { out, .. }
        | Op::LogitsBackward { out, .. }
        | Op::AveragePoolBackward { out, .. }
        | Op::PoolBackward { out, .. }
        | Op::ConvBackwardInput { out, .. } => (None, [Some(out), None]),
        Op::AddBackward {
            shortcut, branch, ..
        } => (None, [shortcut, branch]),
        _ => (None, [None, None]),
    };
    if let Some(tensor) = codes {
        let bytes = runtime.tensor_bytes(tensor);
        found.codes[value_of(program, tensor)] = bytes
            .iter()
            .map(|byte| f64::from(byte.cast_signed()))
            .collect();
    }
    for tensor in gradients.into_iter().flatten() {
        found.values[value_of(program, tensor)] = Some(floats(runtime.tensor_bytes(tensor)));
    }
}

/// The first step at a rate, without QAS.
fn without_qas(learning_rate: f32) -> StepParams {
    let settings = Settings {
        qas: false,
        ..Settings::constant(learning_rate, 1)
    };
    settings.step_params(0)
}

/// With rate 1 the classifier moves by exactly its gradient, up to one rounding of the sum; its
/// old values are put back.
fn read_classifier_update(runtime: &mut Run, op_idx: u32, found: &mut Found) {
    let head = runtime.program().meta().head;
    let head = head.classifier.expect("an f32 classifier");
    let tensors = [head.weight_tensor, head.bias_tensor];
    let state = runtime.state().to_vec();
    // From zero, so that the rounding of the difference loses nothing.
    for tensor in tensors {
        let record = runtime.program().tensor(tensor);
        let range = [record.offset, record.end()].map(|at| usize::try_from(at).expect("small"));
        runtime.arena_mut()[range[0]..range[1]].fill(0);
    }
    let params = without_qas(1.0);
    runtime.run_op(op_idx, &params, &mut NoTrace);
    found.head = tensors.map(|tensor| {
        floats(runtime.tensor_bytes(tensor))
            .into_iter()
            .map(|value| -value)
            .collect()
    });
    runtime.set_state(&state).expect("the same program");
}

/// The bias gradient, from how far a large rate moves the integers.
fn read_bias_update(runtime: &mut Run, op_idx: u32, layer: u32, gradient: u32) -> Vec<f64> {
    let tensor = runtime
        .program()
        .layer(layer)
        .bias_tensor
        .expect("the layer learns");
    let integers = |runtime: &Run| -> Vec<f64> {
        let words = runtime.tensor_bytes(tensor).chunks_exact(4);
        words
            .map(|word| f64::from(i32::from_le_bytes(word.try_into().expect("four"))))
            .collect()
    };
    let gradients = floats(runtime.tensor_bytes(gradient));
    let largest = gradients
        .iter()
        .fold(0.0_f64, |max, gradient| max.max(gradient.abs()));
    // No sum over pixels can then reach the limit of a bias step.
    let pixels = count(gradients.len() / integers(runtime).len());
    let rate = if largest > 0.0 {
        2f64.powi(29) / (largest * pixels)
    } else {
        1.0
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "any rate near this one will do"
    )]
    let learning_rate = rate as f32;
    let before = integers(runtime);
    let state = runtime.state().to_vec();
    let params = without_qas(learning_rate);
    runtime.run_op(op_idx, &params, &mut NoTrace);
    let after = integers(runtime);
    runtime.set_state(&state).expect("the same program");
    before
        .iter()
        .zip(after)
        .map(|(before, after)| (before - after) / f64::from(learning_rate))
        .collect()
}

/// The whole weight gradient in OHWI order, tile by tile as the runtime forms it.
fn weight_gradient(runtime: &Run, layer: u32, x: u32, gradient: u32) -> Vec<f64> {
    let record = runtime.program().layer(layer);
    let x: Vec<i8> = runtime
        .tensor_bytes(x)
        .iter()
        .map(|byte| byte.cast_signed())
        .collect();
    let gradient = narrow(&floats(runtime.tensor_bytes(gradient)));
    let (taps, channels) = (record.taps(), record.in_channels());
    let mut all = vec![0.0; record.weight_len(channels)];
    if record.depthwise {
        for first in (0..channels).step_by(CHANNEL_TILE) {
            let n = (channels - first).min(CHANNEL_TILE);
            let mut rows = vec![0.0; taps * n];
            Native::depthwise_weight_gradient(&record, None, &x, &gradient, first, &mut rows);
            for (at, value) in rows.into_iter().enumerate() {
                all[(first + at % n) * taps + at / n] = f64::from(value);
            }
        }
    } else {
        let row_len = taps * channels;
        for first in (0..record.out_channels()).step_by(ROW_TILE) {
            let n = (record.out_channels() - first).min(ROW_TILE);
            let mut rows = vec![0.0; n * row_len];
            Native::conv_weight_gradient(&record, &x, &gradient, first, &mut rows);
            for (at, value) in rows.into_iter().enumerate() {
                all[first * row_len + at] = f64::from(value);
            }
        }
    }
    all
}

/// How much was compared; a suite that compares zeros proves nothing.
#[derive(Debug, Default)]
struct Tally {
    tensors: usize,
    nonzero: usize,
    masked: usize,
}

impl Tally {
    fn compare(&mut self, what: &str, found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len(), "{what}");
        let norm =
            |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
        let error = norm(&mut found.iter().zip(expected).map(|(a, b)| a - b));
        let size = norm(&mut expected.iter().copied());
        // Differences of a loss near one carry 1e-16 / STEP of noise in every element.
        let noise = 1e-11 * count(found.len()).sqrt();
        assert!(
            error <= TOLERANCE * size + noise,
            "{what}: error {error:e} of {size:e}\nfound {found:?}\nexpected {expected:?}"
        );
        self.tensors += 1;
        self.nonzero += expected.iter().filter(|value| value.abs() > noise).count();
        self.masked += expected.iter().filter(|value| **value == 0.0).count();
    }
}

/// Compares everything that the core computes on one sample; `None` if the sample lies at an
/// edge or teaches nothing.
fn check(network: &Network, sample: &Sample, tally: &mut Tally) -> Option<()> {
    let found = run_core(network, sample);
    let mut codes = found.codes.clone();
    let logits = network.values().len() - 1;
    codes[logits] = vec![0.0; network.classes().len()];
    let label = usize::try_from(sample.1).expect("small");
    let mut model = Model::new(network, codes, label)?;
    model.codes[logits] = model.node(logits - 1, &model.codes, &model.parameters);
    // Where the network is sure of the label, its probability less one has few digits in f32.
    if model.cross_entropy(&model.codes[logits]) < 0.01 {
        return None;
    }
    for (value, gradient) in found.values.iter().enumerate() {
        if let Some(gradient) = gradient {
            let what = format!("gradient at value {value}");
            tally.compare(&what, gradient, &model.value_gradient(value));
        }
    }
    let nodes = network.nodes().iter().enumerate();
    let convs = nodes.filter(|(_, node)| matches!(node.kind, NodeKind::Conv(_)));
    for (layer, (node_idx, node)) in convs.enumerate() {
        let weights = model.parameter_gradient(node_idx, layer, |p| &mut p.weights);
        let found_weights = found.weights[layer].as_ref().expect("every layer learns");
        tally.compare(
            &format!("weights of {}", node.name),
            found_weights,
            &weights,
        );
        let biases = model.parameter_gradient(node_idx, layer, |p| &mut p.biases);
        let found_biases = found.biases[layer].as_ref().expect("every layer learns");
        tally.compare(&format!("biases of {}", node.name), found_biases, &biases);
    }
    let head = network.nodes().len() - 1;
    if matches!(network.nodes()[head].kind, NodeKind::Logits { .. }) {
        return Some(());
    }
    let n_layers = network.convs().count();
    let weights = model.parameter_gradient(head, n_layers, |p| &mut p.weights);
    tally.compare("classifier weights", &found.head[0], &weights);
    let biases = model.parameter_gradient(head, n_layers, |p| &mut p.biases);
    tally.compare("classifier biases", &found.head[1], &biases);
    Some(())
}

/// Draws networks until `n_checks` samples were compared.
fn check_many(n_checks: usize, build: impl Fn(&mut Rng) -> Network) -> Tally {
    let mut tally = Tally::default();
    let mut checked = 0;
    for seed in 0..200 {
        let mut rng = Rng::new(seed);
        let network = build(&mut rng);
        let sample = run::random_samples(&mut rng, &network, 1).remove(0);
        checked += usize::from(check(&network, &sample, &mut tally).is_some());
        if checked == n_checks {
            return tally;
        }
    }
    panic!("only {checked} samples stay clear of every edge");
}

fn with_layer(rng: &mut Rng, shape: Shape, ask: Ask) -> Network {
    let mut sketch = Sketch::new(rng, Style::SMOOTH, shape);
    // A layer in front, so that the gradient at the layer's input is computed too.
    sketch.conv(Ask {
        depthwise: false,
        kernel: [1, 1],
        out_channels: shape.c,
        same: true,
        clamped: false,
    });
    sketch.conv(ask);
    sketch.average_pool();
    sketch.classifier(4)
}

fn check_layer(ask: Ask) {
    let tally = check_many(6, |rng| {
        let shape = Shape {
            h: 2 + rng.below(2),
            w: 3,
            c: ask.out_channels,
        };
        with_layer(rng, shape, ask)
    });
    assert!(tally.nonzero > 100, "{tally:?}");
}

const ORDINARY: Ask = Ask {
    depthwise: false,
    kernel: [3, 3],
    out_channels: 3,
    same: false,
    clamped: true,
};

#[test]
fn ordinary_convolution() {
    check_layer(ORDINARY);
}

#[test]
fn convolution_over_one_axis() {
    check_layer(Ask {
        kernel: [1, 3],
        ..ORDINARY
    });
}

#[test]
fn pointwise_convolution() {
    check_layer(Ask {
        kernel: [1, 1],
        same: true,
        ..ORDINARY
    });
}

#[test]
fn depthwise_convolution() {
    check_layer(Ask {
        depthwise: true,
        out_channels: 9,
        ..ORDINARY
    });
}

#[test]
fn dense_layer() {
    let tally = check_many(6, |rng| {
        let mut sketch = Sketch::new(rng, Style::SMOOTH, Shape { h: 3, w: 2, c: 2 });
        sketch.conv(Ask {
            kernel: [1, 1],
            same: true,
            ..ORDINARY
        });
        sketch.dense(7);
        sketch.classifier(3)
    });
    assert!(tally.nonzero > 100, "{tally:?}");
}

#[test]
fn residual_block() {
    let tally = check_many(6, |rng| {
        let mut sketch = Sketch::new(rng, Style::SMOOTH, Shape { h: 2, w: 3, c: 2 });
        sketch.conv(Ask {
            kernel: [1, 1],
            same: true,
            ..ORDINARY
        });
        sketch.inverted_residual(true);
        sketch.average_pool();
        sketch.classifier(3)
    });
    assert!(tally.nonzero > 100, "{tally:?}");
}

/// A pool over windows between two convolutions; overlapping and padded windows are drawn, and
/// clamps.
fn check_pool(kind: PoolKind, same: bool, clamped: bool) {
    let tally = check_many(6, |rng| {
        let shape = Shape { h: 4, w: 3, c: 2 };
        let mut sketch = Sketch::new(rng, Style::SMOOTH, shape);
        // So many channels that not all gradients of a value can cancel to a few digits.
        let pointwise = Ask {
            kernel: [1, 1],
            out_channels: 6,
            same: true,
            ..ORDINARY
        };
        sketch.conv(pointwise);
        sketch.pool(kind, same, clamped);
        sketch.conv(Ask {
            clamped: false,
            ..pointwise
        });
        sketch.average_pool();
        sketch.classifier(4)
    });
    assert!(tally.nonzero > 100, "{tally:?}");
    assert!(!clamped || tally.masked > 10, "{tally:?}");
}

#[test]
fn average_over_windows() {
    check_pool(PoolKind::Average, true, false);
    check_pool(PoolKind::Average, false, false);
    check_pool(PoolKind::Average, true, true);
}

#[test]
fn maximum_over_windows() {
    check_pool(PoolKind::Max, true, false);
    check_pool(PoolKind::Max, false, false);
    check_pool(PoolKind::Max, true, true);
}

#[test]
fn int8_head() {
    let tally = check_many(8, |rng| {
        let mut sketch = Sketch::new(rng, Style::SMOOTH, Shape { h: 3, w: 2, c: 2 });
        sketch.conv(Ask {
            kernel: [1, 1],
            same: true,
            ..ORDINARY
        });
        sketch.int8_head(4)
    });
    assert!(tally.nonzero > 100, "{tally:?}");
}

#[test]
fn random_networks() {
    let style = Style {
        max_extent: 4,
        max_blocks: 2,
        rough: false,
        varied: false,
    };
    let tally = check_many(10, |rng| random_network(rng, style));
    // Both sides of the masks were met.
    assert!(tally.nonzero > 1000 && tally.masked > 100, "{tally:?}");
}

#[test]
fn random_networks_with_pools_over_windows_and_int8_heads() {
    let style = Style {
        max_extent: 5,
        max_blocks: 2,
        rough: false,
        varied: true,
    };
    let tally = check_many(20, |rng| random_network(rng, style));
    assert!(tally.nonzero > 1000 && tally.masked > 100, "{tally:?}");
}

/// The comparison must see a gradient that is off by a thousandth.
#[test]
fn a_small_error_is_seen() {
    let expected = [3.0, -4.0, 0.5];
    Tally::default().compare("the same", &expected, &expected);
    let wrong = expected.map(|value| value * 1.001);
    let seen = std::panic::catch_unwind(|| {
        Tally::default().compare("wrong", &wrong, &expected);
    });
    assert!(seen.is_err());
}
