//! Operators that only regroup, reorder or frame codes; they make views and no nodes.

use super::error::{OperatorProblem, Refusal, TensorProblem};
use super::importer::{Importer, flat_view};
use super::schema::{Operator, Tensor, element};
use super::view::{Stage, View};

/// Widest border that a `PAD` may add on one side.
const MAX_BORDER: usize = 4095;

impl<'a> Importer<'a> {
    /// `RESHAPE`, `SQUEEZE` and `EXPAND_DIMS`: the shape of the result says everything.
    pub(super) fn reshape(&mut self, operator: &Operator<'a>) -> Result<(), Refusal> {
        let (view, result) = self.relabel(operator)?;
        if !view.is_straight() || matches!(view.stage, Stage::Padded(_)) {
            return Err(operator.refuse(OperatorProblem::Transpose));
        }
        let regrouped = flat_view(&result, view.value, view.stage)?;
        if regrouped.shape.len() != view.shape.len() {
            return Err(result.refuse(TensorProblem::ShapeMismatch));
        }
        self.set_view(&result, regrouped)
    }

    /// `TRANSPOSE`. Where only axes of extent 1 move, the result is as good as reshaped; any
    /// other order lasts until a mean has reduced the axes that moved.
    pub(super) fn transpose(&mut self, operator: &Operator<'a>) -> Result<(), Refusal> {
        let (mut view, result) = self.relabel(operator)?;
        let order = self.operand(operator, 1)?.ints()?;
        let refused = || operator.refuse(OperatorProblem::Transpose);
        let axes: Option<Vec<usize>> = order
            .iter()
            .map(|&axis| view.axes.get(usize::try_from(axis).ok()?).copied())
            .collect();
        let axes = axes.ok_or_else(refused)?;
        let is_permutation =
            axes.len() == view.axes.len() && view.axes.iter().all(|axis| axes.contains(axis));
        if !is_permutation || matches!(view.stage, Stage::Padded(_)) {
            return Err(refused());
        }
        view.axes = axes;
        if view.is_straight()
            && let Some(regrouped) = View::new(view.value, &view.dims(), view.stage)
        {
            view = regrouped;
        }
        self.set_view(&result, view)
    }

    /// `PAD`: a border for the convolution that reads it.
    pub(super) fn pad(&mut self, operator: &Operator<'a>) -> Result<(), Refusal> {
        let (mut view, result) = self.relabel(operator)?;
        let refused = || operator.refuse(OperatorProblem::Padding);
        let borders = self.operand(operator, 1)?.ints()?;
        let borders: Option<Vec<usize>> = borders
            .iter()
            .map(|&border| usize::try_from(border).ok().filter(|&b| b <= MAX_BORDER))
            .collect();
        let borders = borders.ok_or_else(refused)?;
        let &[0, 0, top, bottom, left, right, 0, 0] = borders.as_slice() else {
            return Err(refused());
        };
        if view.stage != Stage::Codes || view.axes != [0, 1, 2, 3] {
            return Err(refused());
        }
        view.stage = Stage::Padded([top, left, bottom, right]);
        self.set_view(&result, view)
    }

    /// What the operator reads, and the tensor it makes: of the same type and with the same
    /// scale, because the codes stay as they are.
    fn relabel(&self, operator: &Operator<'a>) -> Result<(View, Tensor<'a>), Refusal> {
        let source = self.operand(operator, 0)?;
        let result = self.result(operator)?;
        result.require(source.element()?)?;
        if source.element()? == element::INT8 && source.quant()? != result.quant()? {
            return Err(result.refuse(TensorProblem::Requantized));
        }
        Ok((self.view(&source)?, result))
    }
}
