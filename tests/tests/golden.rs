//! Golden vectors of single operations (`vectors/ops`), made without any code of the core:
//! every value must come out to the bit, with every kernel set that runs on the host.
//!
//! The operation under test stands in a small network. Its operands are written into the arena
//! just before the program runs it, and its results are read just after.

#![expect(clippy::unwrap_used, reason = "a test ends at the first failure")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use bytemuck::{NoUninit, Pod, cast_slice};
use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::compile::compile;
use quartermeg_core::network::{Clamp, Classifier, Conv, Network, NetworkBuilder, Shape, Value};
use quartermeg_core::policy::{LayerUpdate, Policy, selected_channels};
use quartermeg_core::program::{LayerRecord, Op, Program, Settings, TensorIdx};
use quartermeg_core::quant::{ChannelChoice, QuantParams, Rules};
use quartermeg_core::runtime::kernels::{Accumulate, Codes, Kernels, Portable, Reference, Weights};
use quartermeg_core::runtime::scratch::{CHANNEL_TILE, ROW_TILE};
use quartermeg_core::runtime::{NoTrace, Noise, Runtime, mix, sample_at};
use quartermeg_tests::policy_record::Update;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use walkdir::WalkDir;

type Machine<K> = Runtime<AlignedBytes, AlignedBytes, K>;

/// The convolution under test is the second one.
const LAYER: u32 = 1;
const FULL: Clamp = Clamp {
    min: -128,
    max: 127,
};

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

fn read<T: DeserializeOwned>(path: &Path) -> T {
    let text = fs::read(path).unwrap();
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

// ---- the record ---------------------------------------------------------------------------------

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "one is read at a time")]
enum Record {
    Conv(Case<ConvParams, ConvTensors, ConvExpect>),
    Add(Case<AddParams, AddTensors, AddExpect>),
    AveragePool(Case<NoParams, PoolTensors, PoolExpect>),
    Classifier(Case<ClassifierParams, ClassifierTensors, ClassifierExpect>),
}

#[derive(Deserialize)]
struct Case<P, T, E> {
    #[serde(rename = "case")]
    name: String,
    params: P,
    tensors: T,
    expect: E,
    tolerance: f64,
}

#[derive(Deserialize)]
struct Tensor {
    shape: Vec<usize>,
    #[serde(default)]
    scale: Scale,
    #[serde(default)]
    zero_point: i32,
    #[serde(default)]
    data: Vec<f64>,
}

#[derive(Default, Deserialize)]
#[serde(untagged)]
enum Scale {
    #[default]
    None,
    PerTensor(f32),
    PerChannel(Vec<f32>),
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the generator checked that values read back"
)]
impl Tensor {
    fn codes(&self) -> Vec<i8> {
        self.data.iter().map(|&value| value as i8).collect()
    }

    fn i32s(&self) -> Vec<i32> {
        self.data.iter().map(|&value| value as i32).collect()
    }

    fn f32s(&self) -> Vec<f32> {
        self.data.iter().map(|&value| value as f32).collect()
    }

    /// Packed bits, the first in the lowest bit of the first byte.
    fn bits(&self) -> Vec<u8> {
        let mut bytes = vec![0u8; self.data.len().div_ceil(8)];
        for (at, &bit) in self.data.iter().enumerate() {
            bytes[at / 8] |= u8::from(bit > 0.5) << (at % 8);
        }
        bytes
    }

    fn quant(&self) -> QuantParams {
        let Scale::PerTensor(scale) = self.scale else {
            panic!("no scale")
        };
        QuantParams {
            scale,
            zero_point: self.zero_point,
        }
    }

    fn channel_scales(&self) -> Vec<f32> {
        let Scale::PerChannel(scales) = &self.scale else {
            panic!("no scales")
        };
        scales.clone()
    }

    fn value(&self) -> Value {
        let &[h, w, c] = self.shape.as_slice() else {
            panic!("not an activation")
        };
        Value {
            shape: Shape { h, w, c },
            quant: self.quant(),
        }
    }
}

#[derive(Deserialize)]
struct ConvParams {
    depthwise: bool,
    stride: [usize; 2],
    padding: [usize; 4],
    clamp: [i8; 2],
    update: Update,
    channels: Vec<usize>,
    learning_rate: f32,
    qas: bool,
    seed: String,
    step: u32,
}

#[derive(Deserialize)]
struct ConvTensors {
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    y: Tensor,
    gradient: Tensor,
}

#[derive(Deserialize)]
struct ConvExpect {
    y: Tensor,
    mask: Tensor,
    masked_gradient: Tensor,
    gradient_x: Tensor,
    gradient_weight: Tensor,
    new_weight: Tensor,
    new_bias: Tensor,
}

#[derive(Deserialize)]
struct AddParams {
    clamp: [i8; 2],
}

#[derive(Deserialize)]
struct AddTensors {
    a: Tensor,
    b: Tensor,
    y: Tensor,
    gradient: Tensor,
}

#[derive(Deserialize)]
struct AddExpect {
    y: Tensor,
    mask: Tensor,
    /// Absent where nothing before the shortcut learns.
    gradient_a: Option<Tensor>,
    gradient_b: Tensor,
}

#[derive(Deserialize)]
struct NoParams {}

#[derive(Deserialize)]
struct PoolTensors {
    x: Tensor,
    gradient: Tensor,
}

#[derive(Deserialize)]
struct PoolExpect {
    y: Tensor,
    gradient_x: Tensor,
}

#[derive(Deserialize)]
struct ClassifierParams {
    label: u32,
    learning_rate: f32,
}

#[derive(Deserialize)]
struct ClassifierTensors {
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
}

#[derive(Deserialize)]
struct ClassifierExpect {
    logits: Tensor,
    loss: Tensor,
    gradient_logits: Tensor,
    gradient_x: Tensor,
    new_weight: Tensor,
    new_bias: Tensor,
}

// ---- comparison ---------------------------------------------------------------------------------

fn equal<T: PartialEq + std::fmt::Debug>(case: &str, what: &str, found: &[T], expected: &[T]) {
    assert_eq!(found.len(), expected.len(), "{case}: length of {what}");
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found, expected, "{case}: {what}[{at}]");
    }
}

/// Equal bits, but for the sign of zero, which no sum keeps.
fn equal_f32(case: &str, what: &str, found: &[f32], expected: &[f32]) {
    let bits = |values: &[f32]| -> Vec<u32> {
        values.iter().map(|value| (value + 0.0).to_bits()).collect()
    };
    equal(case, what, &bits(found), &bits(expected));
}

// ---- the network around an operation ------------------------------------------------------------

fn no_settings() -> Settings {
    Settings {
        qas: false,
        ..Settings::constant(0.0, 0)
    }
}

fn machine<K: Kernels>(network: &Network, layers: Vec<LayerUpdate>) -> Machine<K> {
    let image = compile(network, &Policy::new(layers), Rules::DEVICE, no_settings()).unwrap();
    let program = Program::parse(image).unwrap();
    let arena = AlignedBytes::zeroed(program.meta().arena_bytes as usize);
    Runtime::new(program, arena).unwrap()
}

/// A depthwise convolution that hands on its input as it is; its bias learns, so that what
/// follows needs gradients.
fn identity(value: Value) -> Conv {
    let c = value.shape.c;
    Conv {
        depthwise: true,
        kernel: [1, 1],
        stride: [1, 1],
        padding: [0; 4],
        weight: vec![1; c],
        bias: vec![0; c],
        weight_scale: vec![1.0; c],
        real_scale: None,
        output: value.quant,
        clamp: FULL,
    }
}

fn blank_classifier(n_features: usize) -> Classifier {
    Classifier {
        weight: vec![0.5; 2 * n_features],
        bias: vec![0.0; 2],
    }
}

fn write<K: Kernels, T: NoUninit>(machine: &mut Machine<K>, tensor: TensorIdx, values: &[T]) {
    let record = machine.program().tensor(tensor);
    let range = record.offset as usize..record.end() as usize;
    machine.arena_mut()[range].copy_from_slice(cast_slice(values));
}

fn tensor<K: Kernels, T: Pod>(machine: &Machine<K>, tensor: TensorIdx) -> Vec<T> {
    cast_slice(machine.tensor_bytes(tensor)).to_vec()
}

// ---- convolution --------------------------------------------------------------------------------

type ConvCase = Case<ConvParams, ConvTensors, ConvExpect>;

fn case_conv(case: &ConvCase) -> Conv {
    let tensors = &case.tensors;
    let &[_, kh, kw, _] = tensors.weight.shape.as_slice() else {
        panic!("not a weight")
    };
    let [min, max] = case.params.clamp;
    Conv {
        depthwise: case.params.depthwise,
        kernel: [kh, kw],
        stride: case.params.stride,
        padding: case.params.padding,
        weight: tensors.weight.codes(),
        bias: tensors.bias.i32s(),
        weight_scale: tensors.weight.channel_scales(),
        real_scale: None,
        output: tensors.y.quant(),
        clamp: Clamp { min, max },
    }
}

/// Elements of `channels` of a full weight (OHWI), in the order that a program stores:
/// `[O, taps, n]`, depthwise `[taps, n]`.
fn gather<T: Copy>(layer: &LayerRecord, full: &[T], channels: &[usize]) -> Vec<T> {
    let (taps, in_channels) = (layer.taps(), layer.in_channels());
    let rows = if layer.depthwise {
        taps
    } else {
        layer.out_channels() * taps
    };
    let at = |row: usize, channel: usize| {
        if layer.depthwise {
            channel * taps + row
        } else {
            row * in_channels + channel
        }
    };
    (0..rows)
        .flat_map(|row| channels.iter().map(move |&channel| full[at(row, channel)]))
        .collect()
}

fn check_conv<K: Kernels>(case: &ConvCase) {
    let name = format!("{} ({})", case.name, K::NAME);
    let name = name.as_str();
    let (params, tensors, expect) = (&case.params, &case.tensors, &case.expect);
    let conv = case_conv(case);
    let update = params.update.layer_update();
    let x_value = tensors.x.value();
    let in_channels = x_value.shape.c;
    let channels = selected_channels(&conv, in_channels, update.ratio(), ChannelChoice::Largest);
    equal(name, "channels", &channels, &params.channels);

    let n_outputs = conv.bias.len();
    let mut builder = NetworkBuilder::new("case", x_value);
    let value = builder.conv("before", 0, identity(x_value));
    let value = builder.conv("case", value, conv.clone());
    let value = builder.average_pool("pool", value);
    let network = builder
        .classifier(value, blank_classifier(n_outputs))
        .unwrap();
    let mut machine: Machine<K> = machine(&network, vec![LayerUpdate::Bias, update]);
    let seed = u64::from_str_radix(&params.seed, 16).unwrap();
    let settings = Settings {
        qas: params.qas,
        ..Settings::constant(params.learning_rate, seed)
    };
    let step = settings.step_params(params.step);
    let gradient = tensors.gradient.f32s();
    let mut n_checked = 0;
    machine
        .load_sample(&vec![0; x_value.shape.len()], 0)
        .unwrap();
    for op_idx in 0..machine.program().n_ops() {
        let op = machine.program().op(op_idx);
        if op.layer() != Some(LAYER) {
            machine.run_op(op_idx, &step, &mut NoTrace);
            continue;
        }
        match op {
            Op::Conv { x, .. } => write(&mut machine, x, &tensors.x.codes()),
            Op::MaskScale { gradient: at, .. } => write(&mut machine, at, &gradient),
            _ => {}
        }
        machine.run_op(op_idx, &step, &mut NoTrace);
        match op {
            Op::Conv { y, mask, .. } => {
                equal(name, "y", &tensor::<K, i8>(&machine, y), &expect.y.codes());
                let mask = tensor::<K, u8>(&machine, mask.unwrap());
                equal(name, "mask", &mask, &expect.mask.bits());
            }
            Op::MaskScale { out, .. } => {
                let expected = expect.masked_gradient.f32s();
                equal_f32(
                    name,
                    "masked gradient",
                    &tensor::<K, f32>(&machine, out),
                    &expected,
                );
            }
            Op::ConvBackwardInput {
                out, accumulate, ..
            } => {
                assert!(!accumulate);
                let expected = expect.gradient_x.f32s();
                equal_f32(
                    name,
                    "gradient_x",
                    &tensor::<K, f32>(&machine, out),
                    &expected,
                );
            }
            Op::BiasUpdate { .. } | Op::WeightUpdate { .. } | Op::SaveChannels { .. } => {}
            other => panic!("{name}: unexpected {other:?}"),
        }
        n_checked += 1;
    }
    let n_expected = match update {
        LayerUpdate::Frozen => 3,
        LayerUpdate::Bias => 4,
        LayerUpdate::Weights { .. } if channels.len() == in_channels => 5,
        LayerUpdate::Weights { .. } => 6,
    };
    assert_eq!(n_checked, n_expected, "{name}: operations");

    let layer = machine.program().layer(LAYER);
    if let Some(bias) = layer.bias_tensor {
        equal(
            name,
            "new bias",
            &tensor::<K, i32>(&machine, bias),
            &expect.new_bias.i32s(),
        );
    }
    if let Some(weight) = layer.weight_tensor {
        let expected = gather(&layer, &expect.new_weight.codes(), &channels);
        equal(
            name,
            "new weight",
            &tensor::<K, i8>(&machine, weight),
            &expected,
        );
    }
    check_weight_gradient::<K>(case, &layer, &channels);
    check_accumulation::<K>(case, &layer, &channels);
}

/// The gradient of the trainable weights, tile by tile.
fn check_weight_gradient<K: Kernels>(case: &ConvCase, layer: &LayerRecord, channels: &[usize]) {
    if channels.is_empty() {
        return;
    }
    let in_channels = layer.in_channels();
    let saved: Vec<i8> = case
        .tensors
        .x
        .codes()
        .chunks_exact(in_channels)
        .flat_map(|pixel| channels.iter().map(|&channel| pixel[channel]))
        .collect();
    let g = case.expect.masked_gradient.f32s();
    let expected = gather(layer, &case.expect.gradient_weight.f32s(), channels);
    let (taps, n) = (layer.taps(), channels.len());
    let mut found = vec![f32::NAN; expected.len()];
    if layer.depthwise {
        let list: Vec<u16> = channels
            .iter()
            .map(|&channel| channel.try_into().unwrap())
            .collect();
        let list = layer.is_partial().then_some(list.as_slice());
        for first in (0..n).step_by(CHANNEL_TILE) {
            let n_tile = (n - first).min(CHANNEL_TILE);
            let mut rows = vec![f32::NAN; taps * n_tile];
            K::depthwise_weight_gradient(layer, list, &saved, &g, first, &mut rows);
            for (tap, row) in rows.chunks_exact(n_tile).enumerate() {
                found[tap * n + first..][..n_tile].copy_from_slice(row);
            }
        }
    } else {
        for (tile, rows) in found.chunks_mut(ROW_TILE * taps * n).enumerate() {
            K::conv_weight_gradient(layer, &saved, &g, ROW_TILE * tile, rows);
        }
    }
    equal_f32(&case.name, "gradient_weight", &found, &expected);
}

/// A gradient that is already there is added after the sum.
fn check_accumulation<K: Kernels>(case: &ConvCase, layer: &LayerRecord, channels: &[usize]) {
    let frozen: Vec<usize> = (0..layer.in_channels())
        .filter(|channel| !channels.contains(channel))
        .collect();
    let order: Vec<u16> = frozen
        .iter()
        .chain(channels)
        .map(|&channel| channel.try_into().unwrap())
        .collect();
    let full = case.tensors.weight.codes();
    let (frozen, trainable) = (
        gather(layer, &full, &frozen),
        gather(layer, &full, channels),
    );
    let weights = Weights {
        frozen: &frozen,
        trainable: Codes::Narrow(&trainable),
        channels: layer.is_partial().then_some(order.as_slice()),
    };
    let g = case.expect.masked_gradient.f32s();
    let sums = case.expect.gradient_x.f32s();
    let earlier: Vec<f32> = (0u16..)
        .zip(&sums)
        .map(|(at, _)| f32::from(at % 17) - 7.7)
        .collect();
    let expected: Vec<f32> = earlier
        .iter()
        .zip(&sums)
        .map(|(earlier, sum)| earlier + sum)
        .collect();
    let mut found = earlier;
    if layer.depthwise {
        K::depthwise_backward_input(layer, weights, &g, &mut found, true);
    } else {
        K::conv_backward_input(layer, weights, &g, &mut found, Accumulate::After);
    }
    equal_f32(&case.name, "accumulated gradient", &found, &expected);
}

// ---- the other operations -----------------------------------------------------------------------

fn check_add<K: Kernels>(case: &Case<AddParams, AddTensors, AddExpect>) {
    let name = format!("{} ({})", case.name, K::NAME);
    let name = name.as_str();
    let (tensors, expect) = (&case.tensors, &case.expect);
    let (a, b) = (tensors.a.value(), tensors.b.value());
    let [min, max] = case.params.clamp;
    let mut builder = NetworkBuilder::new("case", a);
    let shortcut = builder.conv("shortcut", 0, identity(a));
    let branch = builder.conv(
        "branch",
        shortcut,
        Conv {
            output: b.quant,
            ..identity(a)
        },
    );
    let value = builder.add(
        "case",
        shortcut,
        branch,
        tensors.y.quant(),
        Clamp { min, max },
    );
    let value = builder.average_pool("pool", value);
    let network = builder
        .classifier(value, blank_classifier(a.shape.c))
        .unwrap();
    let first = if expect.gradient_a.is_some() {
        LayerUpdate::Bias
    } else {
        LayerUpdate::Frozen
    };
    let mut machine: Machine<K> = machine(&network, vec![first, LayerUpdate::Bias]);
    let step = no_settings().step_params(0);
    machine.load_sample(&vec![0; a.shape.len()], 0).unwrap();
    let mut n_checked = 0;
    for op_idx in 0..machine.program().n_ops() {
        let op = machine.program().op(op_idx);
        match op {
            Op::Add { a, b, .. } => {
                write(&mut machine, a, &tensors.a.codes());
                write(&mut machine, b, &tensors.b.codes());
            }
            Op::AddBackward { gradient, .. } => {
                write(&mut machine, gradient, &tensors.gradient.f32s());
            }
            _ => {}
        }
        machine.run_op(op_idx, &step, &mut NoTrace);
        match op {
            Op::Add { y, mask, .. } => {
                equal(name, "y", &tensor::<K, i8>(&machine, y), &expect.y.codes());
                let mask = tensor::<K, u8>(&machine, mask.unwrap());
                equal(name, "mask", &mask, &expect.mask.bits());
                n_checked += 1;
            }
            Op::AddBackward {
                shortcut, branch, ..
            } => {
                for (at, expected) in [
                    (shortcut, expect.gradient_a.as_ref()),
                    (branch, Some(&expect.gradient_b)),
                ] {
                    assert_eq!(at.is_some(), expected.is_some(), "{name}: which gradients");
                    if let (Some(at), Some(expected)) = (at, expected) {
                        let found = tensor::<K, f32>(&machine, at);
                        equal_f32(name, "gradient", &found, &expected.f32s());
                        n_checked += 1;
                    }
                }
            }
            _ => {}
        }
    }
    assert_eq!(
        n_checked,
        if expect.gradient_a.is_some() { 3 } else { 2 },
        "{name}"
    );
}

fn check_average_pool<K: Kernels>(case: &Case<NoParams, PoolTensors, PoolExpect>) {
    let name = format!("{} ({})", case.name, K::NAME);
    let name = name.as_str();
    let (tensors, expect) = (&case.tensors, &case.expect);
    let x_value = tensors.x.value();
    let mut builder = NetworkBuilder::new("case", x_value);
    let value = builder.conv("before", 0, identity(x_value));
    let value = builder.average_pool("case", value);
    let network = builder
        .classifier(value, blank_classifier(x_value.shape.c))
        .unwrap();
    let mut machine: Machine<K> = machine(&network, vec![LayerUpdate::Bias]);
    let step = no_settings().step_params(0);
    machine
        .load_sample(&vec![0; x_value.shape.len()], 0)
        .unwrap();
    let mut n_checked = 0;
    for op_idx in 0..machine.program().n_ops() {
        let op = machine.program().op(op_idx);
        match op {
            Op::AveragePool { x, .. } => write(&mut machine, x, &tensors.x.codes()),
            Op::AveragePoolBackward { gradient, .. } => {
                write(&mut machine, gradient, &tensors.gradient.f32s());
            }
            _ => {}
        }
        machine.run_op(op_idx, &step, &mut NoTrace);
        match op {
            Op::AveragePool { y, .. } => {
                equal(name, "y", &tensor::<K, i8>(&machine, y), &expect.y.codes());
                n_checked += 1;
            }
            Op::AveragePoolBackward { out, .. } => {
                let found = tensor::<K, f32>(&machine, out);
                equal_f32(name, "gradient_x", &found, &expect.gradient_x.f32s());
                n_checked += 1;
            }
            _ => {}
        }
    }
    assert_eq!(n_checked, 2, "{name}");
}

fn check_classifier<K: Kernels>(
    case: &Case<ClassifierParams, ClassifierTensors, ClassifierExpect>,
) {
    let name = format!("{} ({})", case.name, K::NAME);
    let name = name.as_str();
    let (tensors, expect) = (&case.tensors, &case.expect);
    let x_value = tensors.x.value();
    let mut builder = NetworkBuilder::new("case", x_value);
    let value = builder.conv("before", 0, identity(x_value));
    let classifier = Classifier {
        weight: tensors.weight.f32s(),
        bias: tensors.bias.f32s(),
    };
    let network = builder.classifier(value, classifier).unwrap();
    let mut machine: Machine<K> = machine(&network, vec![LayerUpdate::Bias]);
    let learning_rate = case.params.learning_rate;
    let step = Settings::constant(learning_rate, 0).step_params(0);
    machine
        .load_sample(&vec![0; x_value.shape.len()], case.params.label)
        .unwrap();
    let mut n_checked = 0;
    for op_idx in 0..machine.program().n_ops() {
        let op = machine.program().op(op_idx);
        if let Op::Classifier { x, .. } = op {
            write(&mut machine, x, &tensors.x.codes());
        }
        let loss = machine.run_op(op_idx, &step, &mut NoTrace);
        let found = |at| tensor::<K, f32>(&machine, at);
        match op {
            Op::Classifier { logits, .. } => {
                equal_f32(name, "logits", &found(logits), &expect.logits.f32s());
            }
            Op::Loss { gradient, .. } => {
                equal_f32(name, "loss", &[loss.unwrap()], &expect.loss.f32s());
                let expected = expect.gradient_logits.f32s();
                equal_f32(name, "gradient at the logits", &found(gradient), &expected);
            }
            Op::ClassifierBackwardInput { out, .. } => {
                equal_f32(name, "gradient_x", &found(out), &expect.gradient_x.f32s());
            }
            Op::ClassifierUpdate { .. } => {
                let head = machine.program().meta().head.classifier.unwrap();
                equal_f32(
                    name,
                    "new weight",
                    &found(head.weight_tensor),
                    &expect.new_weight.f32s(),
                );
                equal_f32(
                    name,
                    "new bias",
                    &found(head.bias_tensor),
                    &expect.new_bias.f32s(),
                );
            }
            _ => continue,
        }
        n_checked += 1;
    }
    assert_eq!(n_checked, 4, "{name}");
}

// ---- all of them --------------------------------------------------------------------------------

fn check_case<K: Kernels>(record: &Record) {
    let tolerance = match record {
        Record::Conv(case) => {
            check_conv::<K>(case);
            case.tolerance
        }
        Record::Add(case) => {
            check_add::<K>(case);
            case.tolerance
        }
        Record::AveragePool(case) => {
            check_average_pool::<K>(case);
            case.tolerance
        }
        Record::Classifier(case) => {
            check_classifier::<K>(case);
            case.tolerance
        }
    };
    assert!(
        tolerance.abs() < f64::MIN_POSITIVE,
        "every check here is exact"
    );
}

fn check_all<K: Kernels>() {
    let mut n_cases = 0;
    for entry in WalkDir::new(vectors().join("ops")).sort_by_file_name() {
        let entry = entry.unwrap();
        if entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            check_case::<K>(&read(entry.path()));
            n_cases += 1;
        }
    }
    assert!(n_cases >= 63, "{n_cases} cases");
}

#[test]
fn reference_kernels_meet_every_vector() {
    check_all::<Reference>();
}

#[test]
fn portable_kernels_meet_every_vector() {
    check_all::<Portable>();
}

#[test]
fn a_changed_vector_is_noticed() {
    let path = vectors().join("ops/conv/conv3x3-s1.json");
    let changes: [fn(&mut ConvCase); 6] = [
        |case| case.expect.y.data[3] += 1.0,
        |case| case.expect.mask.data[5] = 1.0 - case.expect.mask.data[5],
        |case| case.expect.gradient_x.data[0] *= 1.000_001,
        |case| case.expect.gradient_weight.data[0] *= 1.000_001,
        |case| case.expect.new_weight.data[0] += 1.0,
        |case| case.expect.new_bias.data[0] += 1.0,
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let Record::Conv(mut case) = read(&path) else {
            panic!("not a convolution")
        };
        change(&mut case);
        let outcome = std::panic::catch_unwind(|| check_conv::<Reference>(&case));
        assert!(outcome.is_err(), "change {at} was not noticed");
    }
}

#[derive(Deserialize)]
struct Manifest {
    sha256: std::collections::BTreeMap<String, String>,
}

#[test]
fn the_manifest_names_every_file_and_its_checksum() {
    let manifest: Manifest = read(&vectors().join("manifest.json"));
    let mut n_files = 0;
    for entry in WalkDir::new(vectors()) {
        let entry = entry.unwrap();
        let name = entry.path().strip_prefix(vectors()).unwrap();
        let name = name.to_str().unwrap().replace('\\', "/");
        if !entry.file_type().is_file() || name == "manifest.json" {
            continue;
        }
        let digest = Sha256::digest(fs::read(entry.path()).unwrap());
        let hex = digest.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        });
        assert_eq!(manifest.sha256.get(&name), Some(&hex), "{name}");
        n_files += 1;
    }
    assert_eq!(n_files, manifest.sha256.len());
}

// ---- functions ----------------------------------------------------------------------------------

#[derive(Deserialize)]
struct Functions {
    expf: Values,
    logf: Values,
    mix: Vec<Mixed>,
    noise: Vec<NoiseOfKey>,
    order: Vec<Order>,
}

#[derive(Deserialize)]
struct Values {
    argument: Vec<String>,
    value: Vec<String>,
}

#[derive(Deserialize)]
struct Mixed {
    bits: String,
    mixed: String,
}

#[derive(Deserialize)]
struct NoiseOfKey {
    seed: String,
    step: u32,
    parameter: u32,
    index: Vec<u32>,
    bits: Vec<String>,
    unit: Vec<f32>,
}

#[derive(Deserialize)]
struct Order {
    seed: String,
    n_samples: u32,
    step: Vec<u32>,
    sample: Vec<u32>,
}

fn functions() -> Functions {
    read(&vectors().join("functions.json"))
}

fn hex32(text: &str) -> u32 {
    u32::from_str_radix(text, 16).unwrap()
}

fn hex64(text: &str) -> u64 {
    u64::from_str_radix(text, 16).unwrap()
}

#[test]
fn the_pinned_library_computes_the_same_exponentials_and_logarithms() {
    let Functions { expf, logf, .. } = functions();
    for (values, function) in [(expf, libm::expf as fn(f32) -> f32), (logf, libm::logf)] {
        assert!(values.argument.len() > 50);
        for (argument, value) in values.argument.iter().zip(&values.value) {
            let found = function(f32::from_bits(hex32(argument)));
            assert_eq!(found.to_bits(), hex32(value), "at {argument}");
        }
    }
}

#[test]
fn noise_has_golden_values() {
    let functions = functions();
    for Mixed { bits, mixed } in &functions.mix {
        assert_eq!(mix(hex32(bits)), hex32(mixed), "{bits}");
    }
    assert!(!functions.noise.is_empty());
    for golden in &functions.noise {
        let noise = Noise::new(hex64(&golden.seed), golden.step, golden.parameter);
        for ((&index, bits), unit) in golden.index.iter().zip(&golden.bits).zip(&golden.unit) {
            assert_eq!(noise.bits(index), hex32(bits), "{} {index}", golden.seed);
            assert_eq!(
                noise.unit(index).to_bits(),
                unit.to_bits(),
                "{} {index}",
                golden.seed
            );
        }
    }
}

#[test]
fn the_order_of_the_samples_has_golden_values() {
    let functions = functions();
    assert!(!functions.order.is_empty());
    for golden in &functions.order {
        let seed = hex64(&golden.seed);
        for (&step, &sample) in golden.step.iter().zip(&golden.sample) {
            assert_eq!(
                sample_at(seed, step, golden.n_samples),
                sample,
                "step {step}"
            );
        }
    }
}
