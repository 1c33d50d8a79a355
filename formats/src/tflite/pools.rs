//! Layers without weights: average, maximum and mean.

use quartermeg_core::network::{Clamp, Conv, NodeKind, Pool, PoolKind, Shape, Value};

use super::error::{OperatorProblem, Refusal, TensorProblem};
use super::importer::Importer;
use super::schema::{Operator, kind};
use super::window::Window;

const POOL_OPTIONS: u8 = 5;
const REDUCER_OPTIONS: u8 = 27;
/// The clamp of a layer without activation.
const OPEN: Clamp = Clamp {
    min: i8::MIN,
    max: i8::MAX,
};

impl<'a> Importer<'a> {
    /// `AVERAGE_POOL_2D` and `MAX_POOL_2D`.
    pub(super) fn pool(&mut self, operator: &Operator<'a>) -> Result<(), Refusal> {
        let (input, border) = self.map(operator)?;
        if border != [0; 4] {
            return Err(operator.refuse(OperatorProblem::Padded));
        }
        let options = operator.options(POOL_OPTIONS)?;
        let kernel = [options.int(4, 0)?, options.int(3, 0)?];
        let kernel = kernel.map(|extent| usize::try_from(extent).unwrap_or(0));
        if kernel.contains(&0) {
            return Err(operator.refuse(OperatorProblem::Window));
        }
        let Shape { h, w, c } = input.shape;
        let window = Window::new(operator, &options, kernel, [h, w], border)?;
        let value = self.values[input.value];
        let result = self.result(operator)?;
        if result.quant()? != value.quant {
            return Err(result.refuse(TensorProblem::Requantized));
        }
        let pool = Pool {
            kind: if operator.kind == kind::MAX_POOL_2D {
                PoolKind::Max
            } else {
                PoolKind::Average
            },
            kernel,
            stride: window.stride,
            padding: window.padding,
            clamp: operator.clamp(options.byte(5)?, value.quant)?,
        };
        let [h, w] = window.output;
        let value = Value {
            shape: Shape { h, w, c },
            quant: value.quant,
        };
        let kind = simplest(pool, input.shape);
        self.node(operator, kind, vec![input.value], value, vec![0, 1, 2, 3])
    }

    /// `MEAN` over height, width or both. Where the output has another scale or zero point, it is
    /// a depthwise convolution of ones whose weight scale is one by the number of pixels.
    pub(super) fn mean(&mut self, operator: &Operator<'a>) -> Result<(), Refusal> {
        let input = self.codes(operator, 0)?;
        self.group(operator, &input)?;
        let keeps_axes = operator.options(REDUCER_OPTIONS)?.byte(0)? != 0;
        let mut is_reduced = [false; 4];
        let rank = input.axes.len();
        for axis in self.operand(operator, 1)?.ints()? {
            let from_end = usize::try_from(axis.unsigned_abs()).unwrap_or(usize::MAX);
            let position = if axis < 0 {
                rank.checked_sub(from_end)
            } else {
                Some(from_end)
            };
            let axis = position.and_then(|position| input.axes.get(position));
            let &axis = axis.ok_or_else(|| operator.refuse(OperatorProblem::Axes))?;
            is_reduced[axis] = true;
        }
        if is_reduced[3] {
            return Err(operator.refuse(OperatorProblem::Axes));
        }
        let mut axes = input.axes.clone();
        if !keeps_axes {
            axes.retain(|&axis| !is_reduced[axis]);
        }
        let Shape { h, w, c } = input.shape;
        let extent = |axis: usize, extent: usize| if is_reduced[axis] { extent } else { 1 };
        let kernel = [extent(1, h), extent(2, w)];
        let result = self.result(operator)?;
        let output = result.quant()?;
        let kind = if output == self.values[input.value].quant {
            let pool = Pool {
                kind: PoolKind::Average,
                kernel,
                stride: [1, 1],
                padding: [0; 4],
                clamp: OPEN,
            };
            simplest(pool, input.shape)
        } else {
            let pixels = kernel[0] * kernel[1];
            let count = pixels.checked_mul(c);
            self.spend(&result, count.unwrap_or(usize::MAX))?;
            #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^24 pixels")]
            let scale = 1.0 / pixels as f32;
            NodeKind::Conv(Conv {
                depthwise: true,
                kernel,
                stride: [1, 1],
                padding: [0; 4],
                weight: vec![1; pixels * c],
                bias: vec![0; c],
                weight_scale: vec![scale; c],
                real_scale: None,
                output,
                clamp: OPEN,
            })
        };
        let value = Value {
            shape: Shape {
                h: h + 1 - kernel[0],
                w: w + 1 - kernel[1],
                c,
            },
            quant: output,
        };
        self.node(operator, kind, vec![input.value], value, axes)
    }
}

/// A pool as the node that says most about it.
fn simplest(pool: Pool, input: Shape) -> NodeKind {
    let covers_all = pool.kernel == [input.h, input.w] && pool.padding == [0; 4];
    if pool.kind == PoolKind::Average && covers_all && pool.clamp == OPEN {
        NodeKind::AveragePool
    } else {
        NodeKind::Pool(pool)
    }
}
