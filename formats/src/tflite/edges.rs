//! Operators that may only stand at the edges of a network.

use super::error::{OperatorProblem, Refusal, TensorProblem};
use super::importer::Importer;
use super::schema::{Operator, element};
use super::view::Stage;

const SOFTMAX_OPTIONS: u8 = 9;

impl<'a> Importer<'a> {
    /// `QUANTIZE` of a float32 input: from here on, the network is one of int8 codes.
    pub(super) fn quantize(&mut self, operator: &Operator<'a>) -> Result<(), Refusal> {
        let mut view = self.view(&self.operand(operator, 0)?)?;
        if view.stage != Stage::Real {
            return Err(operator.refuse(OperatorProblem::Edge));
        }
        let result = self.result(operator)?;
        let quant = result.quant()?;
        let known = &mut self.values[view.value].quant;
        // An input may be quantized twice, but not in two ways.
        if known.scale > 0.0 && *known != quant {
            return Err(result.refuse(TensorProblem::Requantized));
        }
        *known = quant;
        view.stage = Stage::Codes;
        self.set_view(&result, view)
    }

    /// `DEQUANTIZE` of the last codes, which are what a network gives here.
    pub(super) fn dequantize(&mut self, operator: &Operator<'a>) -> Result<(), Refusal> {
        let source = self.operand(operator, 0)?;
        source.require(element::INT8)?;
        let view = self.view(&source)?;
        let result = self.result(operator)?;
        result.require(element::FLOAT32)?;
        if matches!(view.stage, Stage::Real | Stage::Padded(_)) {
            return Err(operator.refuse(OperatorProblem::Edge));
        }
        self.set_view(&result, view)
    }

    /// `SOFTMAX` of the logits.
    pub(super) fn softmax(&mut self, operator: &Operator<'a>) -> Result<(), Refusal> {
        let mut view = self.codes(operator, 0)?;
        let beta = operator.options(SOFTMAX_OPTIONS)?.float(0)?;
        if beta.to_bits() != 1.0_f32.to_bits() {
            return Err(operator.refuse(OperatorProblem::Beta));
        }
        let result = self.result(operator)?;
        view.stage = Stage::Probabilities(result.quant()?);
        self.set_view(&result, view)
    }
}
