//! The few tables and fields of the schema that an int8 network needs.

use quartermeg_core::network::Clamp;
use quartermeg_core::quant::QuantParams;

use super::error::{OperatorProblem, Place, Refusal, TensorProblem, TfliteError};
use super::flatbuffer::{Table, Tables};
use super::quant;

/// Most elements of a tensor; a network has no larger value either.
const MAX_ELEMENTS: usize = 1 << 26;
/// Most extents of a tensor that has a place in a network.
const MAX_RANK: usize = 4;

/// Element types, by their number in the schema.
pub(super) mod element {
    pub(crate) const FLOAT32: u8 = 0;
    pub(crate) const INT32: u8 = 2;
    pub(crate) const INT8: u8 = 9;
}

/// Kinds of operators, by their number in the schema.
pub(super) mod kind {
    pub(crate) const ADD: i32 = 0;
    pub(crate) const AVERAGE_POOL_2D: i32 = 1;
    pub(crate) const CONV_2D: i32 = 3;
    pub(crate) const DEPTHWISE_CONV_2D: i32 = 4;
    pub(crate) const DEQUANTIZE: i32 = 6;
    pub(crate) const FULLY_CONNECTED: i32 = 9;
    pub(crate) const MAX_POOL_2D: i32 = 17;
    pub(crate) const RESHAPE: i32 = 22;
    pub(crate) const SOFTMAX: i32 = 25;
    pub(crate) const CUSTOM: i32 = 32;
    pub(crate) const PAD: i32 = 34;
    pub(crate) const TRANSPOSE: i32 = 39;
    pub(crate) const MEAN: i32 = 40;
    pub(crate) const SQUEEZE: i32 = 43;
    pub(crate) const EXPAND_DIMS: i32 = 70;
    pub(crate) const QUANTIZE: i32 = 114;
}

/// Names of the supported kinds, and of those that small networks often use besides.
const KIND_NAMES: &[(i32, &str)] = &[
    (kind::ADD, "ADD"),
    (kind::AVERAGE_POOL_2D, "AVERAGE_POOL_2D"),
    (2, "CONCATENATION"),
    (kind::CONV_2D, "CONV_2D"),
    (kind::DEPTHWISE_CONV_2D, "DEPTHWISE_CONV_2D"),
    (kind::DEQUANTIZE, "DEQUANTIZE"),
    (kind::FULLY_CONNECTED, "FULLY_CONNECTED"),
    (14, "LOGISTIC"),
    (16, "LSTM"),
    (kind::MAX_POOL_2D, "MAX_POOL_2D"),
    (18, "MUL"),
    (19, "RELU"),
    (21, "RELU6"),
    (kind::RESHAPE, "RESHAPE"),
    (23, "RESIZE_BILINEAR"),
    (kind::SOFTMAX, "SOFTMAX"),
    (27, "SVDF"),
    (28, "TANH"),
    (kind::PAD, "PAD"),
    (kind::TRANSPOSE, "TRANSPOSE"),
    (kind::MEAN, "MEAN"),
    (kind::SQUEEZE, "SQUEEZE"),
    (44, "UNIDIRECTIONAL_SEQUENCE_LSTM"),
    (45, "STRIDED_SLICE"),
    (49, "SPLIT"),
    (67, "TRANSPOSE_CONV"),
    (kind::EXPAND_DIMS, "EXPAND_DIMS"),
    (97, "RESIZE_NEAREST_NEIGHBOR"),
    (102, "SPLIT_V"),
    (kind::QUANTIZE, "QUANTIZE"),
    (117, "HARD_SWISH"),
    (129, "CALL_ONCE"),
    (142, "VAR_HANDLE"),
    (143, "READ_VARIABLE"),
    (144, "ASSIGN_VARIABLE"),
];

/// Signed little-endian words.
pub(super) fn words(words: &[[u8; 4]]) -> impl Iterator<Item = i32> {
    words.iter().map(|&word| i32::from_le_bytes(word))
}

/// The one subgraph of a file, with the tables it refers to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Model<'a> {
    kinds: Tables<'a>,
    buffers: Tables<'a>,
    pub(super) tensors: Tables<'a>,
    pub(super) operators: Tables<'a>,
    /// Index of the input's tensor.
    pub(super) input: i32,
    /// Index of the output's tensor.
    pub(super) output: i32,
}

impl<'a> Model<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let model = Table::root(bytes)?;
        let subgraphs = model.tables(2)?;
        let found = subgraphs.len();
        let (1, Some(graph)) = (found, subgraphs.get(0)?) else {
            return Err(TfliteError::Subgraphs { found }.into());
        };
        let (inputs, outputs) = (graph.vector(1)?, graph.vector(2)?);
        let (&[input], &[output]) = (inputs, outputs) else {
            return Err(TfliteError::Ends {
                inputs: inputs.len(),
                outputs: outputs.len(),
            }
            .into());
        };
        Ok(Self {
            kinds: model.tables(1)?,
            buffers: model.tables(4)?,
            tensors: graph.tables(0)?,
            operators: graph.tables(3)?,
            input: i32::from_le_bytes(input),
            output: i32::from_le_bytes(output),
        })
    }

    /// The tensor of index `index`, which is negative for an operand that is left out.
    pub(super) fn tensor(&self, index: i32) -> Result<Tensor<'a>, Refusal> {
        let position = usize::try_from(index).unwrap_or(usize::MAX);
        let table = self.tensors.get(position)?;
        let table = table.ok_or_else(|| TfliteError::Tensor {
            tensor: Place::new(position, b""),
            problem: TensorProblem::Missing,
        })?;
        let tensor = Tensor {
            model: *self,
            table,
            index: position,
        };
        if table.byte(5)? != 0 {
            return Err(tensor.refuse(TensorProblem::Variable));
        }
        Ok(tensor)
    }

    /// The operator of index `index`, if there is one.
    pub(super) fn operator(&self, index: usize) -> Result<Option<Operator<'a>>, Refusal> {
        let Some(table) = self.operators.get(index)? else {
            return Ok(None);
        };
        let mut operator = Operator {
            table,
            index,
            kind: -1,
            custom: b"",
        };
        let position = usize::try_from(table.int(0, 0)?).unwrap_or(usize::MAX);
        if let Some(code) = self.kinds.get(position)? {
            // Old files have the byte alone, new ones both.
            operator.kind = code.int(3, 0)?.max(i32::from(code.byte(0)?));
            operator.custom = code.bytes(1)?;
        }
        Ok(Some(operator))
    }
}

/// A tensor and where its data are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tensor<'a> {
    model: Model<'a>,
    table: Table<'a>,
    pub(super) index: usize,
}

impl<'a> Tensor<'a> {
    #[cold]
    pub(super) fn refuse(&self, problem: TensorProblem) -> Refusal {
        // A name that cannot be read must not hide the problem.
        let name = self.table.bytes(3).unwrap_or_default();
        TfliteError::Tensor {
            tensor: Place::new(self.index, name),
            problem,
        }
        .into()
    }

    /// Number of the element type.
    pub(super) fn element(&self) -> Result<u8, Refusal> {
        self.table.byte(1)
    }

    pub(super) fn require(&self, element: u8) -> Result<(), Refusal> {
        let found = self.element()?;
        if found == element {
            Ok(())
        } else {
            Err(self.refuse(TensorProblem::Type { found }))
        }
    }

    /// Extents, 1 to 4 of them, each at least 1.
    pub(super) fn dims(&self) -> Result<Vec<usize>, Refusal> {
        let extents = self.table.vector::<4>(0)?;
        let mut elements = 1_usize;
        let dims: Option<Vec<usize>> = words(extents.get(..=MAX_RANK).unwrap_or(extents))
            .map(|extent| {
                let extent = usize::try_from(extent).ok().filter(|&extent| extent > 0)?;
                elements = elements
                    .checked_mul(extent)
                    .filter(|&elements| elements <= MAX_ELEMENTS)?;
                Some(extent)
            })
            .collect();
        dims.filter(|dims| (1..=MAX_RANK).contains(&dims.len()))
            .ok_or_else(|| self.refuse(TensorProblem::Shape))
    }

    /// Extents, of which there must be `N`.
    pub(super) fn dims_of<const N: usize>(&self) -> Result<[usize; N], Refusal> {
        <[usize; N]>::try_from(self.dims()?)
            .ok()
            .ok_or_else(|| self.refuse(TensorProblem::Shape))
    }

    /// The constant data of the tensor: as many bytes as its shape calls for.
    fn data(&self, element_bytes: usize) -> Result<&'a [u8], Refusal> {
        let expected = self.dims()?.iter().product::<usize>() * element_bytes;
        let buffer = usize::try_from(self.table.int(2, 0)?).unwrap_or(usize::MAX);
        let data = match self.model.buffers.get(buffer)? {
            Some(buffer) => buffer.bytes(0)?,
            None => &[],
        };
        if data.len() != expected {
            let found = data.len();
            return Err(self.refuse(TensorProblem::Data { expected, found }));
        }
        Ok(data)
    }

    /// Constant int8 codes.
    pub(super) fn codes(&self) -> Result<impl ExactSizeIterator<Item = i8> + use<'a>, Refusal> {
        self.require(element::INT8)?;
        Ok(self.data(1)?.iter().map(|&byte| byte.cast_signed()))
    }

    /// Constant int32 numbers.
    pub(super) fn ints(&self) -> Result<Vec<i32>, Refusal> {
        self.require(element::INT32)?;
        Ok(words(self.data(4)?.as_chunks().0).collect())
    }

    /// All scales and zero points, unchecked.
    pub(super) fn scales(&self) -> Result<quant::Scales<'a>, Refusal> {
        quant::Scales::of(self.table.table(4)?)
    }

    /// Scale and zero point of an int8 activation.
    pub(super) fn quant(&self) -> Result<QuantParams, Refusal> {
        self.require(element::INT8)?;
        quant::activation(self)
    }
}

/// An operator of the subgraph.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operator<'a> {
    table: Table<'a>,
    pub(super) index: usize,
    /// Number of its kind; -1 where the file names none.
    pub(super) kind: i32,
    custom: &'a [u8],
}

impl<'a> Operator<'a> {
    pub(super) fn place(&self) -> Place {
        let known = KIND_NAMES.iter().find(|(kind, _)| *kind == self.kind);
        match known {
            Some((_, name)) => Place::new(self.index, name.as_bytes()),
            None if self.kind == kind::CUSTOM => Place::new(self.index, self.custom),
            None => Place::new(self.index, format!("kind {}", self.kind).as_bytes()),
        }
    }

    #[cold]
    pub(super) fn refuse(&self, problem: OperatorProblem) -> Refusal {
        TfliteError::Operator {
            operator: self.place(),
            problem,
        }
        .into()
    }

    /// Index of the tensor that operand `operand` is, if the operator has it.
    pub(super) fn operand(&self, operand: usize) -> Result<Option<i32>, Refusal> {
        let index = words(self.table.vector(1)?).nth(operand);
        Ok(index.filter(|&index| index >= 0))
    }

    /// Index of the one tensor that it makes.
    pub(super) fn result(&self) -> Result<i32, Refusal> {
        let index = match self.table.vector(2)? {
            &[index] => i32::from_le_bytes(index),
            _ => -1,
        };
        if index < 0 {
            return Err(self.refuse(OperatorProblem::Operands));
        }
        Ok(index)
    }

    /// Its options, which must be of number `union` in the schema.
    pub(super) fn options(&self, union: u8) -> Result<Table<'a>, Refusal> {
        let found = self.table.byte(3)?;
        self.table
            .table(4)?
            .filter(|_| found == union)
            .ok_or_else(|| self.refuse(OperatorProblem::Options))
    }

    /// The clamp that fused activation `activation` means for an output of `output`.
    pub(super) fn clamp(&self, activation: u8, output: QuantParams) -> Result<Clamp, Refusal> {
        quant::clamp(activation, output).ok_or_else(|| self.refuse(OperatorProblem::Activation))
    }
}
