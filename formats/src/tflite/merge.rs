//! The residual add.

use quartermeg_core::network::{NodeKind, Value};

use super::error::{OperatorProblem, Refusal};
use super::importer::Importer;
use super::schema::Operator;

const ADD_OPTIONS: u8 = 11;

impl<'a> Importer<'a> {
    /// `ADD` of two values of one shape. The sum does not depend on their order; the one that
    /// was computed first is taken for the shortcut.
    pub(super) fn add(&mut self, operator: &Operator<'a>) -> Result<(), Refusal> {
        let first = self.codes(operator, 0)?;
        let second = self.codes(operator, 1)?;
        if first.shape != second.shape || first.axes != second.axes {
            return Err(operator.refuse(OperatorProblem::Broadcast));
        }
        self.group(operator, &first)?;
        self.group(operator, &second)?;
        let output = self.result(operator)?.quant()?;
        let kind = NodeKind::Add {
            output,
            clamp: operator.clamp(operator.options(ADD_OPTIONS)?.byte(0)?, output)?,
        };
        let value = Value {
            shape: first.shape,
            quant: output,
        };
        let inputs = vec![first.value.min(second.value), first.value.max(second.value)];
        self.node(operator, kind, inputs, value, first.axes)
    }
}
