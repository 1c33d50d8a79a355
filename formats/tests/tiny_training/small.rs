//! A small network with everything that the real ones have.

use super::builder::{Array, Item, dict};

/// Scale and zero point of a value.
type Quant = (f64, i32);

const IMAGE: Quant = (2.0 / 255.0, 0);
const RELU6: Quant = (6.0 / 255.0, -128);
const NARROW: Quant = (0.05, 3);
const BRANCH: Quant = (0.04, -7);
const SUM: Quant = (0.06, 1);
const LOGITS: Quant = (0.17, -34);

/// Weight codes of a convolution: every one from -127 to 127 in turn.
pub(crate) fn codes(len: usize) -> Vec<i8> {
    (-127..=127).cycle().skip(100).take(len).collect()
}

pub(crate) fn int8s(shape: &[i32], codes: &[i8]) -> Array {
    Array {
        dtype: "i1",
        order: "|",
        shape: shape.to_vec(),
        column_major: false,
        data: codes.iter().map(|code| code.cast_unsigned()).collect(),
    }
}

fn floats(values: impl IntoIterator<Item = f32>) -> Array {
    let values: Vec<f32> = values.into_iter().collect();
    Array {
        dtype: "f4",
        order: "<",
        shape: vec![i32::try_from(values.len()).expect("few")],
        column_major: false,
        data: values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect(),
    }
}

fn ints(values: impl IntoIterator<Item = i32>) -> Array {
    let values: Vec<i32> = values.into_iter().collect();
    Array {
        dtype: "i4",
        order: "<",
        shape: vec![i32::try_from(values.len()).expect("few")],
        column_major: false,
        data: values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect(),
    }
}

/// Input and output channels, kernel, stride, whether it is depthwise, rows of input and output.
type Geometry = (i32, i32, i32, i32, bool, [i32; 2]);

fn conv(geometry: Geometry, x: Quant, y: Quant) -> Item {
    let (n_in, n_out, kernel, stride, depthwise, [rows_in, rows_out]) = geometry;
    let per_filter = if depthwise { 1 } else { n_in };
    let shape = [n_out, per_filter, kernel, kernel];
    let len = usize::try_from(shape.iter().product::<i32>()).expect("positive");
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let scales = (0..n_out).map(|channel| 0.001 + channel as f32 / 1024.0);
    dict([
        ("in_channel", Item::Int(n_in)),
        ("in_shape", Item::Int(rows_in)),
        ("out_channel", Item::Int(n_out)),
        ("out_shape", Item::Int(rows_out)),
        ("kernel_size", Item::Tuple(vec![Item::Int(kernel); 2])),
        ("stride", Item::Int(stride)),
        ("groups", Item::Int(if depthwise { n_in } else { 1 })),
        ("depthwise", Item::Bool(depthwise)),
        ("act", Item::None),
        (
            "params",
            dict([
                ("weight", Item::Array(int8s(&shape, &codes(len)))),
                ("bias", Item::Array(ints((0..n_out).map(|c| 1000 * c - 7)))),
                ("x_scale", Item::Float(x.0)),
                ("x_zero", Item::Int(x.1)),
                ("y_scale", Item::Float(y.0)),
                ("y_zero", Item::Int(y.1)),
                ("w_scales", Item::Array(floats(scales))),
            ]),
        ),
    ])
}

/// 8 x 8 x 3 in, 5 classes out: a first convolution, a block without expansion, a block with
/// expansion and shortcut.
pub(crate) fn network() -> Item {
    let mut classifier = conv((4, 5, 1, 1, false, [1, 1]), SUM, LOGITS);
    for key in ["in_shape", "out_shape", "depthwise", "act"] {
        classifier.remove("", key);
    }
    dict([
        (
            "first_conv",
            conv((3, 6, 3, 2, false, [8, 4]), IMAGE, RELU6),
        ),
        (
            "blocks",
            Item::List(vec![
                dict([
                    ("pointwise1", Item::None),
                    ("depthwise", conv((6, 6, 3, 1, true, [4, 4]), RELU6, RELU6)),
                    (
                        "pointwise2",
                        conv((6, 4, 1, 1, false, [4, 4]), RELU6, NARROW),
                    ),
                    ("residual", Item::None),
                    ("se", Item::None),
                ]),
                dict([
                    (
                        "pointwise1",
                        conv((4, 8, 1, 1, false, [4, 4]), NARROW, RELU6),
                    ),
                    ("depthwise", conv((8, 8, 5, 1, true, [4, 4]), RELU6, RELU6)),
                    (
                        "pointwise2",
                        conv((8, 4, 1, 1, false, [4, 4]), RELU6, BRANCH),
                    ),
                    (
                        "residual",
                        dict([
                            ("in_channel", Item::Int(4)),
                            ("in_shape", Item::Int(4)),
                            (
                                "params",
                                dict([
                                    ("x_scale", Item::Float(NARROW.0)),
                                    ("x_zero", Item::Int(NARROW.1)),
                                    ("y_scale", Item::Float(SUM.0)),
                                    ("y_zero", Item::Int(SUM.1)),
                                ]),
                            ),
                        ]),
                    ),
                    ("se", Item::None),
                ]),
            ]),
        ),
        ("feature_mix", Item::None),
        ("classifier", classifier),
    ])
}
