//! Layers with weights: ordinary, depthwise and dense.

use quartermeg_core::network::{Conv, NodeKind, Shape, Value};

use super::error::{OperatorProblem, Refusal, TensorProblem};
use super::flatbuffer::Table;
use super::importer::Importer;
use super::quant;
use super::schema::{Operator, Tensor};
use super::window::Window;

/// Numbers of the options of each kind in the schema.
const CONV_OPTIONS: u8 = 1;
const DEPTHWISE_OPTIONS: u8 = 2;
const DENSE_OPTIONS: u8 = 8;

/// What the three kinds of layers differ in.
struct Filters {
    depthwise: bool,
    window: Window,
    /// OHWI.
    weight: Vec<i8>,
    channels: usize,
    /// Number of the fused activation.
    activation: u8,
    /// The axes of the output's tensor.
    axes: Vec<usize>,
}

impl<'a> Importer<'a> {
    /// `CONV_2D`: weights `[o, kh, kw, i]`, as a network has them.
    pub(super) fn convolution(&mut self, operator: &Operator<'a>) -> Result<(), Refusal> {
        let (input, border) = self.map(operator)?;
        let filter = self.operand(operator, 1)?;
        let [channels, kh, kw, depth] = filter.dims_of()?;
        let Shape { h, w, c } = input.shape;
        if depth != c {
            return Err(operator.refuse(OperatorProblem::Groups));
        }
        let options = operator.options(CONV_OPTIONS)?;
        refuse_dilation(operator, &options, [4, 5])?;
        let filters = Filters {
            depthwise: false,
            window: Window::new(operator, &options, [kh, kw], [h, w], border)?,
            weight: self.weights(&filter)?,
            channels,
            activation: options.byte(3)?,
            axes: vec![0, 1, 2, 3],
        };
        self.layer(operator, input.value, &filter, filters)
    }

    /// `DEPTHWISE_CONV_2D`: weights `[1, kh, kw, c]`, in a network `[c, kh, kw, 1]`. Several
    /// outputs of one single channel are an ordinary convolution.
    pub(super) fn depthwise(&mut self, operator: &Operator<'a>) -> Result<(), Refusal> {
        let (input, border) = self.map(operator)?;
        let filter = self.operand(operator, 1)?;
        let [1, kh, kw, channels] = filter.dims_of()? else {
            return Err(filter.refuse(TensorProblem::Shape));
        };
        let Shape { h, w, c } = input.shape;
        let options = operator.options(DEPTHWISE_OPTIONS)?;
        refuse_dilation(operator, &options, [5, 6])?;
        let multiplier = usize::try_from(options.int(3, 0)?).unwrap_or(0);
        let fits = multiplier.checked_mul(c) == Some(channels);
        if !fits || (multiplier != 1 && c != 1) {
            return Err(operator.refuse(OperatorProblem::DepthMultiplier));
        }
        let codes = self.weights(&filter)?;
        let filters = Filters {
            depthwise: multiplier == 1,
            window: Window::new(operator, &options, [kh, kw], [h, w], border)?,
            weight: (0..channels)
                .flat_map(|channel| codes.iter().skip(channel).step_by(channels).copied())
                .collect(),
            channels,
            activation: options.byte(4)?,
            axes: vec![0, 1, 2, 3],
        };
        self.layer(operator, input.value, &filter, filters)
    }

    /// `FULLY_CONNECTED`: weights `[o, i]`, a kernel that covers its whole input.
    pub(super) fn dense(&mut self, operator: &Operator<'a>) -> Result<(), Refusal> {
        let input = self.codes(operator, 0)?;
        let filter = self.operand(operator, 1)?;
        let [channels, features] = filter.dims_of()?;
        let options = operator.options(DENSE_OPTIONS)?;
        if !input.is_straight() {
            return Err(operator.refuse(OperatorProblem::Transpose));
        }
        let shape = self.values[input.value].shape;
        if features != shape.len() || options.byte(1)? != 0 {
            return Err(operator.refuse(OperatorProblem::Dense));
        }
        let axes = match self.result(operator)?.dims()?.len() {
            1 => vec![3],
            2 => vec![0, 3],
            3 => vec![0, 2, 3],
            _ => vec![0, 1, 2, 3],
        };
        let filters = Filters {
            depthwise: false,
            window: Window {
                kernel: [shape.h, shape.w],
                stride: [1, 1],
                padding: [0; 4],
                output: [1, 1],
            },
            weight: self.weights(&filter)?,
            channels,
            activation: options.byte(0)?,
            axes,
        };
        self.layer(operator, input.value, &filter, filters)
    }

    /// The codes of `filter`, in the order of the file.
    fn weights(&mut self, filter: &Tensor<'a>) -> Result<Vec<i8>, Refusal> {
        let codes = filter.codes()?;
        self.spend(filter, codes.len())?;
        Ok(codes.collect())
    }

    fn layer(
        &mut self,
        operator: &Operator<'a>,
        input: usize,
        filter: &Tensor<'a>,
        filters: Filters,
    ) -> Result<(), Refusal> {
        let channels = filters.channels;
        let bias = match operator.operand(2)? {
            Some(index) => {
                let tensor = self.model.tensor(index)?;
                let bias = tensor.ints()?;
                if bias.len() != channels {
                    return Err(tensor.refuse(TensorProblem::ShapeMismatch));
                }
                bias
            }
            None => vec![0; channels],
        };
        let output = self.result(operator)?.quant()?;
        let Window {
            kernel,
            stride,
            padding,
            output: [h, w],
        } = filters.window;
        let conv = Conv {
            depthwise: filters.depthwise,
            kernel,
            stride,
            padding,
            weight: filters.weight,
            bias,
            weight_scale: quant::weights(filter, channels)?,
            real_scale: None,
            output,
            clamp: operator.clamp(filters.activation, output)?,
        };
        let value = Value {
            shape: Shape { h, w, c: channels },
            quant: output,
        };
        let kind = NodeKind::Conv(conv);
        self.node(operator, kind, vec![input], value, filters.axes)
    }
}

fn refuse_dilation(
    operator: &Operator<'_>,
    options: &Table<'_>,
    fields: [usize; 2],
) -> Result<(), Refusal> {
    for field in fields {
        if options.int(field, 1)? != 1 {
            return Err(operator.refuse(OperatorProblem::Dilation));
        }
    }
    Ok(())
}
