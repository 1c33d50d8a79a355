//! The arithmetic of TensorFlow Lite Micro's reference kernels, as a plain and slow interpreter
//! of a [`Network`]. It shares no formula with the core, whose rule `tflm` is held against it.

mod fixed;
mod softmax;

use fixed::Multiplier;
use quartermeg_core::network::{Clamp, Conv, Network, NodeKind, Pool, PoolKind, Shape, Value};
use quartermeg_core::quant::QuantParams;

/// Bits by which both operands of an add are shifted up before they are scaled.
const ADD_SHIFT: u32 = 20;

/// All results of one forward pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// Codes of every value, height by width by channels: the input, then one for each node. The
    /// logits node repeats what it reads.
    pub values: Vec<Vec<i8>>,
    /// Codes of the probabilities, where the network ends in a softmax.
    pub softmax: Option<Vec<i8>>,
}

/// Runs `network` on the codes `input`.
///
/// # Panics
/// When the input has another length than the network's, or the network ends in an f32
/// classifier.
pub fn forward(network: &Network, input: &[i8]) -> Forward {
    assert_eq!(input.len(), network.input().shape.len());
    let mut values = vec![input.to_vec()];
    let mut probabilities = None;
    for (node_idx, node) in network.nodes().iter().enumerate() {
        let [x, y] = [node.inputs[0], node_idx + 1].map(|value| network.values()[value]);
        let codes = &values[node.inputs[0]];
        let result = match &node.kind {
            NodeKind::Conv(conv) => convolve(conv, x, y, codes),
            NodeKind::Add { clamp, .. } => {
                let second = node.inputs[1];
                let quants = [x.quant, network.values()[second].quant, y.quant];
                add(quants, *clamp, codes, &values[second])
            }
            NodeKind::AveragePool => {
                let whole = Pool {
                    kind: PoolKind::Average,
                    kernel: [x.shape.h, x.shape.w],
                    stride: [1, 1],
                    padding: [0; 4],
                    clamp: Clamp {
                        min: i8::MIN,
                        max: i8::MAX,
                    },
                };
                pool(&whole, x.shape, y.shape, codes)
            }
            NodeKind::Pool(window) => pool(window, x.shape, y.shape, codes),
            NodeKind::Logits { softmax } => {
                probabilities = softmax.map(|_| softmax::softmax(x.quant.scale, codes));
                codes.clone()
            }
            NodeKind::Classifier(_) => panic!("an f32 classifier is no int8 layer"),
        };
        values.push(result);
    }
    Forward {
        values,
        softmax: probabilities,
    }
}

fn clamped(code: i32, clamp: Clamp) -> i8 {
    let code = code.clamp(i32::from(clamp.min), i32::from(clamp.max));
    i8::try_from(code).expect("the clamp lies inside i8")
}

/// Pairs of kernel and input positions that meet for output position `output`.
fn overlap(
    kernel: usize,
    stride: usize,
    before: usize,
    extent: usize,
    output: usize,
) -> impl Iterator<Item = (usize, usize)> + Clone {
    (0..kernel).filter_map(move |tap| {
        let position = (output * stride + tap).checked_sub(before)?;
        (position < extent).then_some((tap, position))
    })
}

fn convolve(conv: &Conv, x: Value, y: Value, codes: &[i8]) -> Vec<i8> {
    let [kh, kw] = conv.kernel;
    let depth = if conv.depthwise { 1 } else { x.shape.c };
    // All in f64, in this order; dense layers too.
    let real = |weight_scale: f32| {
        f64::from(x.quant.scale) * f64::from(weight_scale) / f64::from(y.quant.scale)
    };
    let scales = conv.weight_scale.iter();
    let multipliers: Vec<_> = scales.map(|&scale| Multiplier::new(real(scale))).collect();
    let mut result = Vec::with_capacity(y.shape.len());
    for oy in 0..y.shape.h {
        let rows = overlap(kh, conv.stride[0], conv.padding[0], x.shape.h, oy);
        for ox in 0..y.shape.w {
            let columns = overlap(kw, conv.stride[1], conv.padding[1], x.shape.w, ox);
            for (o, multiplier) in multipliers.iter().enumerate() {
                let mut sum = conv.bias[o];
                for (ky, iy) in rows.clone() {
                    for (kx, ix) in columns.clone() {
                        for i in 0..depth {
                            let weight = conv.weight[((o * kh + ky) * kw + kx) * depth + i];
                            let channel = if conv.depthwise { o } else { i };
                            let code = codes[(iy * x.shape.w + ix) * x.shape.c + channel];
                            sum += i32::from(weight) * (i32::from(code) - x.quant.zero_point);
                        }
                    }
                }
                let code = multiplier.apply(sum) + y.quant.zero_point;
                result.push(clamped(code, conv.clamp));
            }
        }
    }
    result
}

/// Both operands are brought to one scale, twice the larger of theirs, with 20 more bits.
fn add([a, b, y]: [QuantParams; 3], clamp: Clamp, first: &[i8], second: &[i8]) -> Vec<i8> {
    let common = 2.0 * f64::from(a.scale.max(b.scale));
    let [of_a, of_b] = [a, b].map(|quant| Multiplier::new(f64::from(quant.scale) / common));
    let bits = f64::from(1 << ADD_SHIFT);
    let of_sum = Multiplier::new(common / (bits * f64::from(y.scale)));
    let operand = |code: i8, quant: QuantParams, multiplier: Multiplier| {
        multiplier.apply((i32::from(code) - quant.zero_point) << ADD_SHIFT)
    };
    let pairs = first.iter().zip(second);
    pairs
        .map(|(&first, &second)| {
            let sum = operand(first, a, of_a) + operand(second, b, of_b);
            clamped(of_sum.apply(sum) + y.zero_point, clamp)
        })
        .collect()
}

fn pool(pool: &Pool, x: Shape, y: Shape, codes: &[i8]) -> Vec<i8> {
    let mut result = Vec::with_capacity(y.len());
    for oy in 0..y.h {
        let rows = overlap(pool.kernel[0], pool.stride[0], pool.padding[0], x.h, oy);
        for ox in 0..y.w {
            let columns = overlap(pool.kernel[1], pool.stride[1], pool.padding[1], x.w, ox);
            for channel in 0..y.c {
                let (mut sum, mut count, mut largest) = (0_i32, 0_i32, i32::from(i8::MIN));
                for (_, iy) in rows.clone() {
                    for (_, ix) in columns.clone() {
                        let code = i32::from(codes[(iy * x.w + ix) * x.c + channel]);
                        sum += code;
                        count += 1;
                        largest = largest.max(code);
                    }
                }
                let code = match pool.kind {
                    PoolKind::Max => largest,
                    // Half away from zero, of the codes themselves.
                    PoolKind::Average if sum > 0 => (sum + count / 2) / count,
                    PoolKind::Average => (sum - count / 2) / count,
                };
                result.push(clamped(code, pool.clamp));
            }
        }
    }
    result
}
