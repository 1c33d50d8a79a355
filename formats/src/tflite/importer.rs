//! Walks the operators in order and collects values and nodes.

use quartermeg_core::network::{Network, NetworkError, Node, NodeKind, Shape, Value};
use quartermeg_core::quant::QuantParams;

use super::error::{OperatorProblem, Refusal, TensorProblem, TfliteError};
use super::schema::{Model, Operator, Tensor, element, kind};
use super::view::{Stage, View};

/// Largest number of classes; more than that a network refuses, and their names are not made.
const MAX_CLASSES: usize = 4096;
/// What the weights of all operators together may have beyond the file's own length.
const SPARE_WEIGHTS: usize = 1 << 20;

/// What has been read so far.
pub(super) struct Importer<'a> {
    pub(super) model: Model<'a>,
    /// The view that each tensor is, once it is known.
    views: Vec<Option<Box<View>>>,
    /// The input, then the output of each node.
    pub(super) values: Vec<Value>,
    /// Whether no node has read the input yet, so that its codes can still be regrouped.
    input_is_open: bool,
    nodes: Vec<Node>,
    /// The operator of each node.
    operators: Vec<Operator<'a>>,
    /// How many more weights may be copied. Operators may share weights in the file, so without
    /// a limit a small file could ask for any amount of memory.
    budget: usize,
}

/// Reads `bytes`, which carry the identifier.
pub(super) fn import(name: &str, bytes: &[u8]) -> Result<Network, Refusal> {
    let model = Model::open(bytes)?;
    let mut importer = Importer {
        model,
        views: vec![None; model.tensors.len()],
        values: Vec::new(),
        input_is_open: true,
        nodes: Vec::new(),
        operators: Vec::new(),
        budget: bytes.len().saturating_add(SPARE_WEIGHTS),
    };
    importer.input()?;
    for index in 0..model.operators.len() {
        if let Some(operator) = model.operator(index)? {
            importer.operator(&operator)?;
        }
    }
    importer.finish(name)
}

impl<'a> Importer<'a> {
    fn input(&mut self) -> Result<(), Refusal> {
        let tensor = self.model.tensor(self.model.input)?;
        // Real numbers have no scale yet; the one of `QUANTIZE` takes this place.
        let (stage, quant) = if tensor.element()? == element::FLOAT32 {
            let unknown = QuantParams {
                scale: 0.0,
                zero_point: 0,
            };
            (Stage::Real, unknown)
        } else {
            (Stage::Codes, tensor.quant()?)
        };
        let view = flat_view(&tensor, 0, stage)?;
        self.values.push(Value {
            shape: view.shape,
            quant,
        });
        self.set_view(&tensor, view)
    }

    fn operator(&mut self, operator: &Operator<'a>) -> Result<(), Refusal> {
        match operator.kind {
            kind::CONV_2D => self.convolution(operator),
            kind::DEPTHWISE_CONV_2D => self.depthwise(operator),
            kind::FULLY_CONNECTED => self.dense(operator),
            kind::ADD => self.add(operator),
            kind::AVERAGE_POOL_2D | kind::MAX_POOL_2D => self.pool(operator),
            kind::MEAN => self.mean(operator),
            kind::RESHAPE | kind::SQUEEZE | kind::EXPAND_DIMS => self.reshape(operator),
            kind::TRANSPOSE => self.transpose(operator),
            kind::PAD => self.pad(operator),
            kind::QUANTIZE => self.quantize(operator),
            kind::DEQUANTIZE => self.dequantize(operator),
            kind::SOFTMAX => self.softmax(operator),
            _ => Err(operator.refuse(OperatorProblem::Unsupported)),
        }
    }

    fn finish(mut self, name: &str) -> Result<Network, Refusal> {
        let output = self.model.tensor(self.model.output)?;
        let view = self.view(&output)?;
        let softmax = match view.stage {
            Stage::Codes => None,
            Stage::Probabilities(quant) => Some(quant),
            Stage::Real | Stage::Padded(_) => {
                return Err(output.refuse(TensorProblem::NotComputed));
            }
        };
        let classes = self.values[view.value].shape.c;
        if classes > MAX_CLASSES {
            return Err(TfliteError::Network {
                operator: None,
                error: NetworkError::ClassCount { classes },
            }
            .into());
        }
        self.nodes.push(Node {
            name: "logits".into(),
            kind: NodeKind::Logits { softmax },
            inputs: vec![view.value],
        });
        let classes = (0..classes).map(|class| class.to_string()).collect();
        Network::new(name.into(), classes, self.values[0], self.nodes).map_err(|error| {
            TfliteError::Network {
                operator: error
                    .node()
                    .and_then(|node| self.operators.get(node))
                    .map(Operator::place),
                error,
            }
            .into()
        })
    }

    /// The tensor that operand `operand` is.
    pub(super) fn operand(
        &self,
        operator: &Operator<'a>,
        operand: usize,
    ) -> Result<Tensor<'a>, Refusal> {
        let index = operator
            .operand(operand)?
            .ok_or_else(|| operator.refuse(OperatorProblem::Operands))?;
        self.model.tensor(index)
    }

    /// The tensor that the operator makes.
    pub(super) fn result(&self, operator: &Operator<'a>) -> Result<Tensor<'a>, Refusal> {
        self.model.tensor(operator.result()?)
    }

    /// The view that `tensor` is.
    pub(super) fn view(&self, tensor: &Tensor<'_>) -> Result<View, Refusal> {
        self.views
            .get(tensor.index)
            .and_then(|view| view.as_deref().cloned())
            .ok_or_else(|| tensor.refuse(TensorProblem::NotComputed))
    }

    /// The view of codes that operand `operand` is.
    pub(super) fn codes(&self, operator: &Operator<'a>, operand: usize) -> Result<View, Refusal> {
        let tensor = self.operand(operator, operand)?;
        tensor.require(element::INT8)?;
        let view = self.view(&tensor)?;
        match view.stage {
            Stage::Codes => Ok(view),
            Stage::Padded(_) => Err(operator.refuse(OperatorProblem::Padded)),
            Stage::Real | Stage::Probabilities(_) => Err(operator.refuse(OperatorProblem::Edge)),
        }
    }

    /// The map that the operator slides over, and the border of a `PAD` before it.
    pub(super) fn map(&mut self, operator: &Operator<'a>) -> Result<(View, [usize; 4]), Refusal> {
        let tensor = self.operand(operator, 0)?;
        tensor.require(element::INT8)?;
        let mut view = self.view(&tensor)?;
        let border = match view.stage {
            Stage::Codes => [0; 4],
            Stage::Padded(border) => border,
            Stage::Real | Stage::Probabilities(_) => {
                return Err(operator.refuse(OperatorProblem::Edge));
            }
        };
        view.stage = Stage::Codes;
        if !view.is_straight() {
            return Err(operator.refuse(OperatorProblem::Transpose));
        }
        let &[1, h, w, c] = view.dims().as_slice() else {
            return Err(tensor.refuse(TensorProblem::Shape));
        };
        view.shape = Shape { h, w, c };
        self.group(operator, &view)?;
        Ok((view, border))
    }

    /// Makes sure that the value of `view` is grouped as the view is; the input can be regrouped
    /// until a node has read it.
    pub(super) fn group(&mut self, operator: &Operator<'a>, view: &View) -> Result<(), Refusal> {
        let value = &mut self.values[view.value];
        if view.value == 0 && self.input_is_open {
            value.shape = view.shape;
        }
        if value.shape == view.shape {
            Ok(())
        } else {
            Err(operator.refuse(OperatorProblem::Reshape))
        }
    }

    /// Takes `count` weights off the budget.
    pub(super) fn spend(&mut self, tensor: &Tensor<'_>, count: usize) -> Result<(), Refusal> {
        self.budget = self
            .budget
            .checked_sub(count)
            .ok_or_else(|| tensor.refuse(TensorProblem::Shared))?;
        Ok(())
    }

    /// Adds a node whose output is `value`, and makes `result` the view of it that has the axes
    /// `axes`.
    pub(super) fn node(
        &mut self,
        operator: &Operator<'a>,
        kind: NodeKind,
        inputs: Vec<usize>,
        value: Value,
        axes: Vec<usize>,
    ) -> Result<(), Refusal> {
        let place = operator.place();
        self.nodes.push(Node {
            name: format!("{}.{}", place.name.to_ascii_lowercase(), place.index),
            kind,
            inputs,
        });
        self.operators.push(*operator);
        self.input_is_open = false;
        let view = View {
            value: self.values.len(),
            shape: value.shape,
            axes,
            stage: Stage::Codes,
        };
        self.values.push(value);
        self.set_view(&self.result(operator)?, view)
    }

    /// Makes `tensor` the view `view`, whose extents it must have.
    pub(super) fn set_view(&mut self, tensor: &Tensor<'_>, view: View) -> Result<(), Refusal> {
        if tensor.dims()? != view.dims() {
            return Err(tensor.refuse(TensorProblem::ShapeMismatch));
        }
        match self.views[tensor.index].replace(Box::new(view)) {
            None => Ok(()),
            Some(_) => Err(tensor.refuse(TensorProblem::MadeTwice)),
        }
    }
}

/// `tensor` as a view of `value` in the order of its codes.
pub(super) fn flat_view(tensor: &Tensor<'_>, value: usize, stage: Stage) -> Result<View, Refusal> {
    View::new(value, &tensor.dims()?, stage).ok_or_else(|| tensor.refuse(TensorProblem::Batch))
}
