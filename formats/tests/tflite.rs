//! The importer of `.tflite` files: what real networks become, and what is refused.

mod common;
#[path = "common/flatbuffer.rs"]
mod flatbuffer;

use flatbuffer::{Field, Table};
use quartermeg_core::network::{Clamp, Conv, Network, NetworkError, NodeKind, PoolKind};
use quartermeg_formats::explain;
use quartermeg_formats::tflite::{
    OperatorProblem, Place, TensorProblem, TfliteError, is_tflite, read,
};

// ---- real networks ------------------------------------------------------------------------------

/// What a network must become; the sizes were worked out from the file by another program.
struct Expected {
    name: &'static str,
    /// Height, width, channels.
    input: [usize; 3],
    classes: usize,
    /// Ordinary and dense layers, depthwise layers, adds, global pools, other pools.
    nodes: [usize; 5],
    macs: u64,
    weights: usize,
    has_softmax: bool,
}

const EXPECTED: [Expected; 9] = [
    Expected {
        name: "person_detect",
        input: [96, 96, 1],
        classes: 2,
        nodes: [15, 13, 0, 1, 0],
        macs: 7_157_888,
        weights: 207_968,
        has_softmax: true,
    },
    Expected {
        name: "speech",
        input: [49, 40, 1],
        classes: 4,
        nodes: [2, 0, 0, 0, 0],
        macs: 336_000,
        weights: 16_640,
        has_softmax: true,
    },
    Expected {
        name: "sine",
        input: [1, 1, 1],
        classes: 1,
        nodes: [3, 0, 0, 0, 0],
        macs: 288,
        weights: 288,
        has_softmax: false,
    },
    Expected {
        name: "vww_96_int8",
        input: [96, 96, 3],
        classes: 2,
        nodes: [15, 13, 0, 1, 0],
        macs: 7_489_664,
        weights: 208_112,
        has_softmax: true,
    },
    Expected {
        name: "pretrainedResnet_quant",
        input: [32, 32, 3],
        classes: 10,
        nodes: [10, 0, 3, 1, 0],
        macs: 12_501_632,
        weights: 77_360,
        has_softmax: true,
    },
    Expected {
        name: "kws_ref_model",
        input: [49, 10, 1],
        classes: 12,
        nodes: [6, 4, 0, 1, 0],
        macs: 2_656_768,
        weights: 22_016,
        has_softmax: true,
    },
    Expected {
        name: "str_ww_ref_model",
        input: [30, 1, 40],
        classes: 3,
        nodes: [5, 4, 0, 0, 0],
        macs: 826_368,
        weights: 46_040,
        has_softmax: true,
    },
    Expected {
        name: "ad01_int8",
        input: [1, 1, 640],
        classes: 640,
        nodes: [10, 0, 0, 0, 0],
        macs: 264_192,
        weights: 264_192,
        has_softmax: false,
    },
    Expected {
        name: "tinyengine-vww",
        input: [80, 80, 3],
        classes: 2,
        nodes: [31, 15, 8, 1, 1],
        macs: 11_578_816,
        weights: 420_520,
        has_softmax: false,
    },
];

fn node_counts(network: &Network) -> [usize; 5] {
    let mut counts = [0; 5];
    for node in network.nodes() {
        match &node.kind {
            NodeKind::Conv(conv) => counts[usize::from(conv.depthwise)] += 1,
            NodeKind::Add { .. } => counts[2] += 1,
            NodeKind::AveragePool => counts[3] += 1,
            NodeKind::Pool(_) => counts[4] += 1,
            NodeKind::Logits { .. } | NodeKind::Classifier(_) => {}
        }
    }
    counts
}

/// All convolutions, the dense layer of an int8 classifier included.
fn convs(network: &Network) -> impl Iterator<Item = &Conv> {
    network.nodes().iter().filter_map(|node| match &node.kind {
        NodeKind::Conv(conv) => Some(conv),
        _ => None,
    })
}

#[test]
fn real_networks_become_what_their_files_say() {
    for expected in EXPECTED {
        let name = expected.name;
        let Some(bytes) = common::network(name) else {
            continue;
        };
        assert!(is_tflite(&bytes), "{name}");
        let network = read(name, &bytes)
            .unwrap_or_else(|error| panic!("{name}: {}", explain::tflite(&error)));
        assert_eq!(network.name(), name);
        let shape = network.input().shape;
        assert_eq!([shape.h, shape.w, shape.c], expected.input, "{name}");
        assert_eq!(network.classes().len(), expected.classes, "{name}");
        assert_eq!(network.classes()[0], "0");
        assert_eq!(node_counts(&network), expected.nodes, "{name}");
        assert_eq!(network.macs_forward(), expected.macs, "{name}");
        let weights: usize = convs(&network).map(|conv| conv.weight.len()).sum();
        assert_eq!(weights, expected.weights, "{name}");
        let last = &network.nodes().last().expect("a head").kind;
        let NodeKind::Logits { softmax } = last else {
            panic!("{name} ends in {last:?}")
        };
        assert_eq!(softmax.is_some(), expected.has_softmax, "{name}");
        if let Some(softmax) = softmax {
            assert!(
                (softmax.scale - 1.0 / 256.0).abs() < f32::EPSILON && softmax.zero_point == -128
            );
        }
        assert!(network.features().is_some(), "{name}");
    }
}

#[test]
fn details_of_person_detect() {
    let bytes = common::network("person_detect").expect("packaged");
    let network = read("person_detect", &bytes).expect("importable");
    let (_, first, conv) = network.convs().next().expect("a layer");
    // Eight filters on one channel: depthwise in the file, ordinary in a network.
    assert_eq!(first.name, "depthwise_conv_2d.0");
    assert!(!conv.depthwise);
    assert_eq!(
        (conv.bias.len(), conv.kernel, conv.stride),
        (8, [3, 3], [2, 2])
    );
    // 96 rows, stride 2: one row is missing, and it is the one below.
    assert_eq!(conv.padding, [0, 0, 1, 1]);
    let input = network.input().quant;
    assert_eq!(input.zero_point, -1);
    assert!((input.scale - 0.007_843_14).abs() < 1e-8);
    // RELU6 ends before the codes do: 6 real units are 254 steps of the output.
    let (_, _, conv) = network.convs().nth(1).expect("a layer");
    let steps = (6.0 / conv.output.scale).round();
    assert_eq!(i32::from(conv.clamp.min), conv.output.zero_point);
    assert!((f32::from(conv.clamp.max) - f32::from(conv.clamp.min) - steps.min(255.0)).abs() < 0.5);
}

#[test]
fn a_network_with_three_outputs_is_refused() {
    let Some(bytes) = common::network("tinyengine-detection") else {
        return;
    };
    let error = read("detection", &bytes).expect_err("three outputs");
    assert_eq!(
        error,
        TfliteError::Ends {
            inputs: 1,
            outputs: 3
        }
    );
    let sentence = explain::tflite(&error);
    assert!(sentence.contains("3 outputs"), "{sentence}");
}

// ---- made networks ------------------------------------------------------------------------------

// Numbers of fields in the schema.
const CODES: usize = 1;
const GRAPHS: usize = 2;
const BUFFERS: usize = 4;
const TENSORS: usize = 0;
const OPERATORS: usize = 3;
const SHAPE: usize = 0;
const ELEMENT: usize = 1;
const QUANT: usize = 4;
const INPUTS: usize = 1;
const OPTIONS: usize = 4;

// Tensors of the made network.
const INPUT: usize = 0;
const FILTER: usize = 1;
const BIAS: usize = 2;
const MAP: usize = 3;
const POOLED: usize = 4;
const FLAT: usize = 5;
const OUTPUT: usize = 6;
const PADDING: usize = 7;

fn quant(scale: f32, zero_point: i64) -> Field {
    Field::Table(Table::new([
        (2, Field::Floats(vec![scale])),
        (3, Field::Longs(vec![zero_point])),
    ]))
}

fn tensor(name: &str, shape: &[i32], element: u8, buffer: i32) -> Table {
    Table::new([
        (SHAPE, Field::Ints(shape.to_vec())),
        (ELEMENT, Field::Byte(element)),
        (2, Field::Int(buffer)),
        (3, Field::Bytes(name.into())),
        (QUANT, quant(0.05, -3)),
    ])
}

fn operator(code: i32, inputs: &[usize], output: usize, union: u8, options: Table) -> Table {
    let index = |&tensor: &usize| i32::try_from(tensor).expect("small");
    Table::new([
        (0, Field::Int(code)),
        (INPUTS, Field::Ints(inputs.iter().map(index).collect())),
        (2, Field::Ints(vec![index(&output)])),
        (3, Field::Byte(union)),
        (OPTIONS, Field::Table(options)),
    ])
}

/// A convolution of 4 x 4 x 2 to 4 x 4 x 3, the mean of it, and a softmax.
fn model() -> Table {
    let code = |kind: u8| Table::new([(0, Field::Byte(kind)), (3, Field::Int(i32::from(kind)))]);
    let buffer = |bytes: &[u8]| Table::new([(0, Field::Bytes(bytes.to_vec()))]);
    let mut filter = tensor("filter", &[3, 3, 3, 2], 9, 1);
    filter.set(QUANT, quant(0.01, 0));
    let mut output = tensor("output", &[1, 3], 9, 0);
    output.set(QUANT, quant(1.0 / 256.0, -128));
    let border: Vec<u8> = [0, 0, 1, 1, 1, 1, 0, 0_i32]
        .into_iter()
        .flat_map(i32::to_le_bytes)
        .collect();
    let tensors = vec![
        tensor("input", &[1, 4, 4, 2], 9, 0),
        filter,
        tensor("bias", &[3], 2, 2),
        tensor("map", &[1, 4, 4, 3], 9, 0),
        tensor("pooled", &[1, 1, 1, 3], 9, 0),
        tensor("flat", &[1, 3], 9, 0),
        output,
        tensor("padding", &[4, 2], 2, 3),
    ];
    let window = |fields: &[(usize, i32)]| {
        let fields = fields
            .iter()
            .map(|&(field, value)| (field, Field::Int(value)));
        Table::new(fields.chain([(0, Field::Byte(0))]))
    };
    let operators = vec![
        operator(0, &[INPUT, FILTER, BIAS], MAP, 1, window(&[(1, 1), (2, 1)])),
        operator(
            1,
            &[MAP],
            POOLED,
            5,
            window(&[(1, 4), (2, 4), (3, 4), (4, 4)]),
        ),
        operator(2, &[POOLED], FLAT, 17, Table::default()),
        operator(3, &[FLAT], OUTPUT, 9, Table::new([(0, Field::Float(1.0))])),
    ];
    let graph = Table::new([
        (TENSORS, Field::Tables(tensors)),
        (1, Field::Ints(vec![0])),
        (2, Field::Ints(vec![6])),
        (OPERATORS, Field::Tables(operators)),
    ]);
    Table::new([
        (0, Field::Int(3)),
        (CODES, Field::Tables([3, 1, 22, 25].map(code).to_vec())),
        (GRAPHS, Field::Tables(vec![graph])),
        (
            BUFFERS,
            Field::Tables(vec![
                Table::default(),
                buffer(&[7; 54]),
                buffer(&[1; 12]),
                buffer(&border),
            ]),
        ),
    ])
}

fn tensor_of(model: &mut Table, index: usize) -> &mut Table {
    model.item(GRAPHS, 0).item(TENSORS, index)
}

fn operator_of(model: &mut Table, index: usize) -> &mut Table {
    model.item(GRAPHS, 0).item(OPERATORS, index)
}

fn options_of(model: &mut Table, index: usize) -> &mut Table {
    operator_of(model, index).table(OPTIONS)
}

/// The made network after a change.
fn changed(change: impl Fn(&mut Table)) -> Result<Network, TfliteError> {
    let mut model = model();
    change(&mut model);
    read("made", &model.file())
}

/// The first convolution of the made network after a change.
fn first_clamp(change: impl Fn(&mut Table)) -> Clamp {
    let network = changed(change).expect("importable");
    let (_, _, conv) = network.convs().next().expect("a layer");
    conv.clamp
}

#[test]
fn the_made_network_can_be_read() {
    let network = changed(|_| {}).expect("importable");
    assert_eq!(node_counts(&network), [1, 0, 0, 1, 0]);
    let (_, node, conv) = network.convs().next().expect("a layer");
    assert_eq!(node.name, "conv_2d.0");
    assert_eq!(conv.padding, [1; 4]);
    assert_eq!(conv.bias, [0x0101_0101; 3]);
    assert_eq!(conv.weight_scale, [0.01; 3]);
}

#[test]
fn names_biases_and_new_codes_may_be_missing() {
    let network = changed(|model| {
        for index in 0..=OUTPUT {
            tensor_of(model, index).remove(3);
        }
        operator_of(model, 0).set(INPUTS, Field::Ints(vec![0, 1, -1]));
        for index in 0..4 {
            model.item(CODES, index).remove(3);
        }
    });
    let network = network.expect("importable");
    let (_, _, conv) = network.convs().next().expect("a layer");
    assert_eq!(conv.bias, [0; 3]);
}

#[test]
fn fused_activations_become_clamps() {
    // Scale 0.05, zero point -3: one real unit is 20 codes.
    for (activation, min, max) in [(0, -128, 127), (1, -3, 127), (2, -23, 17), (3, -3, 117)] {
        let clamp = first_clamp(|model| {
            options_of(model, 0).set(3, Field::Byte(activation));
        });
        assert_eq!(clamp, Clamp { min, max }, "activation {activation}");
    }
}

#[test]
fn a_border_joins_the_padding_of_the_convolution() {
    let network = changed(|model| {
        model.items(CODES).push(Table::new([(0, Field::Byte(34))]));
        let graph = model.item(GRAPHS, 0);
        let tensors = graph.items(TENSORS);
        tensors.push(tensor("padded", &[1, 6, 6, 2], 9, 0));
        let padded = tensors.len() - 1;
        let pad = operator(4, &[INPUT, PADDING], padded, 22, Table::default());
        graph.items(OPERATORS).insert(0, pad);
        let inputs = [padded, FILTER, BIAS].map(|index| i32::try_from(index).expect("small"));
        operator_of(model, 1).set(INPUTS, Field::Ints(inputs.to_vec()));
        options_of(model, 1).set(0, Field::Byte(1));
    });
    let network = network.expect("importable");
    let (_, node, conv) = network.convs().next().expect("a layer");
    assert_eq!((node.name.as_str(), conv.padding), ("conv_2d.1", [1; 4]));
}

#[test]
fn a_pool_that_is_not_the_plain_mean_of_all_keeps_its_window() {
    let network = changed(|model| {
        model.item(CODES, 1).set(3, Field::Int(17));
    });
    let network = network.expect("importable");
    let NodeKind::Pool(pool) = &network.nodes()[1].kind else {
        panic!("no pool")
    };
    assert_eq!((pool.kind, pool.kernel), (PoolKind::Max, [4, 4]));
    // The stride of a window that covers everything says nothing.
    assert_eq!(pool.stride, [1, 1]);
}

#[test]
fn a_mean_with_another_scale_is_a_convolution_of_ones() {
    let network = changed(|model| {
        model.item(CODES, 1).set(3, Field::Int(40));
        let tensors = model.item(GRAPHS, 0).items(TENSORS);
        tensors[POOLED].set(QUANT, quant(0.02, 5));
        tensors[FLAT].set(QUANT, quant(0.02, 5));
        let mut axes = tensor("axes", &[2], 2, 4);
        axes.remove(QUANT);
        tensors.push(axes);
        let axes: Vec<u8> = [1, -2_i32].into_iter().flat_map(i32::to_le_bytes).collect();
        let buffer = Table::new([(0, Field::Bytes(axes))]);
        model.items(BUFFERS).push(buffer);
        let mean = operator_of(model, 1);
        mean.set(INPUTS, Field::Ints(vec![3, 8]));
        mean.set(3, Field::Byte(27));
        let options = Table::new([(0, Field::Byte(1))]);
        mean.set(OPTIONS, Field::Table(options));
    });
    let network = network.expect("importable");
    let ones = convs(&network).nth(1).expect("a second layer");
    assert!(ones.depthwise && ones.weight.iter().all(|&code| code == 1));
    assert_eq!((ones.kernel, ones.weight.len()), ([4, 4], 48));
    assert_eq!(ones.weight_scale, [1.0 / 16.0; 3]);
}

// ---- refusals -----------------------------------------------------------------------------------

type Change = fn(&mut Table);

#[test]
fn operators_that_do_not_fit_are_named() {
    use OperatorProblem as P;
    let cases: [(usize, &str, P, Change); 17] = [
        (0, "LSTM", P::Unsupported, |model| {
            model.item(CODES, 0).set(3, Field::Int(16));
        }),
        (0, "SignalFft", P::Unsupported, |model| {
            let code = model.item(CODES, 0);
            code.set(3, Field::Int(32));
            code.set(1, Field::Bytes(b"SignalFft".to_vec()));
        }),
        (1, "kind 205", P::Unsupported, |model| {
            model.item(CODES, 1).set(3, Field::Int(205));
        }),
        (0, "kind -1", P::Unsupported, |model| {
            operator_of(model, 0).set(0, Field::Int(9));
        }),
        (0, "CONV_2D", P::Operands, |model| {
            operator_of(model, 0).set(INPUTS, Field::Ints(vec![0]));
        }),
        (0, "CONV_2D", P::Operands, |model| {
            operator_of(model, 0).set(2, Field::Ints(vec![3, 4]));
        }),
        (0, "CONV_2D", P::Options, |model| {
            operator_of(model, 0).set(3, Field::Byte(2));
        }),
        (3, "SOFTMAX", P::Options, |model| {
            operator_of(model, 3).remove(OPTIONS);
        }),
        (0, "CONV_2D", P::Dilation, |model| {
            options_of(model, 0).set(4, Field::Int(2));
        }),
        (0, "CONV_2D", P::Activation, |model| {
            options_of(model, 0).set(3, Field::Byte(4));
        }),
        (0, "CONV_2D", P::Window, |model| {
            options_of(model, 0).set(1, Field::Int(0));
        }),
        (1, "AVERAGE_POOL_2D", P::Window, |model| {
            options_of(model, 1).set(3, Field::Int(i32::MIN));
        }),
        (1, "AVERAGE_POOL_2D", P::Window, |model| {
            let options = options_of(model, 1);
            options.set(0, Field::Byte(1));
            options.set(3, Field::Int(i32::MAX));
        }),
        (0, "CONV_2D", P::Groups, |model| {
            tensor_of(model, INPUT).set(SHAPE, Field::Ints(vec![1, 4, 4, 4]));
        }),
        (0, "DEPTHWISE_CONV_2D", P::DepthMultiplier, |model| {
            model.item(CODES, 0).set(3, Field::Int(4));
            operator_of(model, 0).set(3, Field::Byte(2));
            tensor_of(model, FILTER).set(SHAPE, Field::Ints(vec![1, 3, 3, 6]));
            options_of(model, 0).set(3, Field::Int(3));
        }),
        (3, "SOFTMAX", P::Beta, |model| {
            options_of(model, 3).set(0, Field::Float(2.0));
        }),
        (2, "QUANTIZE", P::Edge, |model| {
            model.item(CODES, 2).set(3, Field::Int(114));
        }),
    ];
    for (index, name, problem, change) in cases {
        let error = changed(change).expect_err(name);
        let operator = Place {
            index,
            name: name.into(),
        };
        assert_eq!(error, TfliteError::Operator { operator, problem });
        let sentence = explain::tflite(&error);
        let start = format!("Operator {index} ({name}) ");
        assert!(
            sentence.starts_with(&start) && sentence.ends_with('.'),
            "{sentence}"
        );
    }
}

/// Adds a constant int32 tensor.
fn ints(model: &mut Table, shape: &[i32], values: &[i32]) -> usize {
    let bytes = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let buffers = model.items(BUFFERS);
    buffers.push(Table::new([(0, Field::Bytes(bytes))]));
    let buffer = i32::try_from(buffers.len() - 1).expect("small");
    let tensors = model.item(GRAPHS, 0).items(TENSORS);
    tensors.push(tensor("constant", shape, 2, buffer));
    tensors.len() - 1
}

/// Adds an operator at the end, and the int8 tensor that it makes.
fn append(
    model: &mut Table,
    kind: i32,
    union: u8,
    options: Table,
    inputs: &[usize],
    shape: &[i32],
) -> usize {
    let codes = model.items(CODES);
    codes.push(Table::new([(3, Field::Int(kind))]));
    let code = i32::try_from(codes.len() - 1).expect("small");
    let graph = model.item(GRAPHS, 0);
    let tensors = graph.items(TENSORS);
    tensors.push(tensor("made", shape, 9, 0));
    let output = tensors.len() - 1;
    let operators = graph.items(OPERATORS);
    operators.push(operator(code, inputs, output, union, options));
    output
}

/// Adds an average pool over 4 x 4, which reads `input` and makes one pixel.
fn append_pool(model: &mut Table, input: usize) {
    let fields = [1, 2, 3, 4].map(|field| (field, Field::Int(4)));
    append(model, 1, 5, Table::new(fields), &[input], &[1, 1, 1, 3]);
}

#[test]
fn operators_that_do_not_fit_each_other_are_named() {
    use OperatorProblem as P;
    let cases: [(&str, P, Change); 9] = [
        ("AVERAGE_POOL_2D", P::Padded, |model| {
            let y = append(
                model,
                34,
                22,
                Table::default(),
                &[MAP, PADDING],
                &[1, 6, 6, 3],
            );
            append_pool(model, y);
        }),
        ("PAD", P::Padding, |model| {
            let border = ints(model, &[4, 2], &[0, 0, 0, 0, 0, 0, 1, 1]);
            append(
                model,
                34,
                22,
                Table::default(),
                &[MAP, border],
                &[1, 4, 4, 5],
            );
        }),
        ("PAD", P::Padding, |model| {
            let border = ints(model, &[4, 2], &[0, 0, -1, 0, 0, 0, 0, 0]);
            append(
                model,
                34,
                22,
                Table::default(),
                &[MAP, border],
                &[1, 3, 4, 3],
            );
        }),
        ("AVERAGE_POOL_2D", P::Reshape, |model| {
            let y = append(model, 22, 17, Table::default(), &[MAP], &[1, 8, 2, 3]);
            append_pool(model, y);
        }),
        ("AVERAGE_POOL_2D", P::Transpose, |model| {
            let order = ints(model, &[4], &[0, 2, 1, 3]);
            let y = append(
                model,
                39,
                26,
                Table::default(),
                &[MAP, order],
                &[1, 4, 4, 3],
            );
            append_pool(model, y);
        }),
        ("TRANSPOSE", P::Transpose, |model| {
            let order = ints(model, &[4], &[0, 2, 2, 3]);
            append(
                model,
                39,
                26,
                Table::default(),
                &[MAP, order],
                &[1, 4, 4, 3],
            );
        }),
        ("MEAN", P::Axes, |model| {
            let axes = ints(model, &[1], &[-1]);
            append(model, 40, 27, Table::default(), &[MAP, axes], &[1, 4, 4]);
        }),
        ("FULLY_CONNECTED", P::Dense, |model| {
            // The filter has rows of 18, the map 48 codes.
            tensor_of(model, FILTER).set(SHAPE, Field::Ints(vec![3, 18]));
            model.item(GRAPHS, 0).items(OPERATORS).remove(0);
            append(model, 9, 8, Table::default(), &[INPUT, FILTER], &[1, 3]);
        }),
        ("ADD", P::Broadcast, |model| {
            let y = append(model, 22, 17, Table::default(), &[MAP], &[1, 48]);
            append(model, 0, 11, Table::default(), &[MAP, y], &[1, 4, 4, 3]);
        }),
    ];
    for (name, problem, change) in cases {
        let error = changed(|model| {
            model.item(GRAPHS, 0).items(OPERATORS).truncate(1);
            change(model);
        });
        let error = error.expect_err(name);
        assert!(explain::tflite(&error).ends_with('.'));
        let TfliteError::Operator {
            operator,
            problem: found,
        } = error
        else {
            panic!("{name}: {error:?}")
        };
        assert_eq!((operator.name.as_str(), found), (name, problem));
    }
}

/// Without a limit, a small file could ask for any amount of memory.
#[test]
fn weights_cannot_be_shared_without_end() {
    let chain = |n_layers: usize| {
        changed(|model| {
            tensor_of(model, INPUT).set(SHAPE, Field::Ints(vec![1, 512]));
            tensor_of(model, FILTER).set(SHAPE, Field::Ints(vec![512, 512]));
            let buffer = model.item(BUFFERS, 1);
            buffer.set(0, Field::Bytes(vec![1; 512 * 512]));
            model.item(GRAPHS, 0).items(OPERATORS).clear();
            let mut input = INPUT;
            for _ in 0..n_layers {
                let inputs = [input, FILTER];
                input = append(model, 9, 8, Table::default(), &inputs, &[1, 512]);
            }
            let output = i32::try_from(input).expect("small");
            model.item(GRAPHS, 0).set(2, Field::Ints(vec![output]));
        })
    };
    assert_eq!(convs(&chain(3).expect("importable")).count(), 3);
    let error = chain(6).expect_err("too much");
    let is_shared = matches!(
        &error,
        TfliteError::Tensor { tensor, problem: TensorProblem::Shared } if tensor.index == FILTER
    );
    assert!(is_shared, "{error:?}");
}

#[test]
fn tensors_that_do_not_fit_are_named() {
    use TensorProblem as P;
    let cases: [(usize, &str, P, Change); 19] = [
        (INPUT, "input", P::Type { found: 3 }, |model| {
            tensor_of(model, INPUT).set(ELEMENT, Field::Byte(3));
        }),
        (INPUT, "input", P::Type { found: 0 }, |model| {
            tensor_of(model, INPUT).set(ELEMENT, Field::Byte(0));
        }),
        (BIAS, "bias", P::Type { found: 4 }, |model| {
            tensor_of(model, BIAS).set(ELEMENT, Field::Byte(4));
        }),
        (INPUT, "input", P::Batch, |model| {
            tensor_of(model, INPUT).set(SHAPE, Field::Ints(vec![2, 4, 4, 2]));
        }),
        (INPUT, "input", P::Shape, |model| {
            tensor_of(model, INPUT).set(SHAPE, Field::Ints(vec![1, -1, 4, 2]));
        }),
        (INPUT, "input", P::Shape, |model| {
            tensor_of(model, INPUT).set(SHAPE, Field::Ints(vec![1, 1, 4, 4, 2]));
        }),
        (INPUT, "input", P::Shape, |model| {
            tensor_of(model, INPUT).set(SHAPE, Field::Ints(vec![1, 65_536, 65_536, 2]));
        }),
        (INPUT, "input", P::Shape, |model| {
            tensor_of(model, INPUT).set(SHAPE, Field::Ints(vec![1, 32]));
        }),
        (MAP, "map", P::ShapeMismatch, |model| {
            tensor_of(model, MAP).set(SHAPE, Field::Ints(vec![1, 4, 5, 3]));
        }),
        (FILTER, "filter", P::Scale { channel: 0 }, |model| {
            tensor_of(model, FILTER).set(QUANT, quant(0.0, 0));
        }),
        (
            FILTER,
            "filter",
            P::Scales {
                expected: 3,
                found: 2,
            },
            |model| {
                let scales = Table::new([(2, Field::Floats(vec![0.1; 2]))]);
                tensor_of(model, FILTER).set(QUANT, Field::Table(scales));
            },
        ),
        (FILTER, "filter", P::ZeroPoint, |model| {
            tensor_of(model, FILTER).set(QUANT, quant(0.01, 1));
        }),
        (MAP, "map", P::ZeroPoint, |model| {
            tensor_of(model, MAP).set(QUANT, quant(0.01, 128));
        }),
        (POOLED, "pooled", P::Requantized, |model| {
            tensor_of(model, POOLED).set(QUANT, quant(0.04, -3));
        }),
        (
            FILTER,
            "filter",
            P::Data {
                expected: 54,
                found: 53,
            },
            |model| {
                let buffer = model.item(BUFFERS, 1);
                buffer.set(0, Field::Bytes(vec![7; 53]));
            },
        ),
        (
            BIAS,
            "bias",
            P::Data {
                expected: 12,
                found: 0,
            },
            |model| {
                tensor_of(model, BIAS).set(2, Field::Int(99));
            },
        ),
        (MAP, "map", P::Variable, |model| {
            tensor_of(model, MAP).set(5, Field::Byte(1));
        }),
        (FLAT, "flat", P::NotComputed, |model| {
            model.item(GRAPHS, 0).items(OPERATORS).remove(2);
        }),
        (INPUT, "input", P::MadeTwice, |model| {
            tensor_of(model, INPUT).set(SHAPE, Field::Ints(vec![1, 4, 4, 2]));
            tensor_of(model, FILTER).set(SHAPE, Field::Ints(vec![2, 3, 3, 2]));
            model.item(BUFFERS, 1).set(0, Field::Bytes(vec![7; 36]));
            tensor_of(model, BIAS).set(SHAPE, Field::Ints(vec![2]));
            model.item(BUFFERS, 2).set(0, Field::Bytes(vec![0; 8]));
            operator_of(model, 0).set(2, Field::Ints(vec![0]));
        }),
    ];
    for (index, name, problem, change) in cases {
        let error = changed(change).expect_err(name);
        let tensor = Place {
            index,
            name: name.into(),
        };
        assert_eq!(error, TfliteError::Tensor { tensor, problem });
        let sentence = explain::tflite(&error);
        let start = format!("Tensor {index} ({name}) ");
        assert!(
            sentence.starts_with(&start) && sentence.ends_with('.'),
            "{sentence}"
        );
    }
}

#[test]
fn files_that_are_no_single_network_are_refused() {
    let cases: [(TfliteError, Change); 4] = [
        (TfliteError::Subgraphs { found: 0 }, |model| {
            model.remove(GRAPHS);
        }),
        (TfliteError::Subgraphs { found: 2 }, |model| {
            let graphs = model.items(GRAPHS);
            graphs.push(graphs[0].clone());
        }),
        (
            TfliteError::Ends {
                inputs: 2,
                outputs: 1,
            },
            |model| {
                model.item(GRAPHS, 0).set(1, Field::Ints(vec![0, 1]));
            },
        ),
        (
            TfliteError::Tensor {
                tensor: Place {
                    index: 99,
                    name: String::new(),
                },
                problem: TensorProblem::Missing,
            },
            |model| {
                model.item(GRAPHS, 0).set(2, Field::Ints(vec![99]));
            },
        ),
    ];
    for (expected, change) in cases {
        let error = changed(change).expect_err("refused");
        assert!(explain::tflite(&error).ends_with('.'));
        assert_eq!(error, expected);
    }
    assert_eq!(read("text", b"not a network"), Err(TfliteError::NotTflite));
    assert_eq!(read("nothing", b""), Err(TfliteError::NotTflite));
}

#[test]
fn rules_of_networks_name_the_operator() {
    let error = changed(|model| {
        let mut codes = vec![7; 54];
        codes[20] = 0x80;
        model.item(BUFFERS, 1).set(0, Field::Bytes(codes));
    });
    let error = error.expect_err("a weight of -128");
    let TfliteError::Network {
        operator: Some(operator),
        error: rule,
    } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!((operator.index, operator.name.as_str()), (0, "CONV_2D"));
    assert_eq!(
        *rule,
        NetworkError::WeightCode {
            node: 0,
            position: 20
        }
    );
    let sentence = explain::tflite(&error);
    assert!(
        sentence.contains("weight code -128 at position 20"),
        "{sentence}"
    );
}

#[test]
fn every_cut_file_is_refused() {
    for bytes in [model().file(), common::network("sine").expect("packaged")] {
        for len in 0..bytes.len() {
            if let Ok(network) = read("cut", &bytes[..len]) {
                // The tail of a file may hold nothing that is needed.
                assert_eq!(Ok(network), read("cut", &bytes), "{len} bytes");
            }
        }
    }
}
