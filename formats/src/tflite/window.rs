//! Where a kernel slides: padding and output extents.

use super::error::{OperatorProblem, Refusal};
use super::flatbuffer::Table;
use super::schema::Operator;

/// A kernel on a map; pairs are vertical, horizontal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    pub(super) kernel: [usize; 2],
    pub(super) stride: [usize; 2],
    /// Top, left, bottom, right.
    pub(super) padding: [usize; 4],
    /// Extents of the output.
    pub(super) output: [usize; 2],
}

impl Window {
    /// The window that `options` describe: field 0 is the padding rule, fields 1 and 2 the
    /// horizontal and the vertical stride. `border` is what a `PAD` before adds.
    pub(super) fn new(
        operator: &Operator<'_>,
        options: &Table<'_>,
        kernel: [usize; 2],
        input: [usize; 2],
        border: [usize; 4],
    ) -> Result<Self, Refusal> {
        let stride = [options.int(2, 0)?, options.int(1, 0)?];
        let same = match options.byte(0)? {
            0 => Some(true),
            1 => Some(false),
            _ => None,
        };
        same.and_then(|same| Self::slide(kernel, stride, same, input, border))
            .ok_or_else(|| operator.refuse(OperatorProblem::Window))
    }

    fn slide(
        kernel: [usize; 2],
        stride: [i32; 2],
        same: bool,
        input: [usize; 2],
        border: [usize; 4],
    ) -> Option<Self> {
        let mut window = Self {
            kernel,
            stride: [1, 1],
            padding: border,
            output: [1, 1],
        };
        for axis in 0..2 {
            let kernel = kernel[axis];
            let stride = usize::try_from(stride[axis]).ok().filter(|&s| s > 0)?;
            let mut extent = input[axis] + border[axis] + border[axis + 2];
            if same {
                // As many outputs as strides fit; what is missing for the last one is added on
                // both sides, the odd one below or at the right.
                let covered = (extent.div_ceil(stride) - 1) * stride + kernel;
                let missing = covered.saturating_sub(extent);
                window.padding[axis] += missing / 2;
                window.padding[axis + 2] += missing - missing / 2;
                extent += missing;
            }
            window.output[axis] = extent.checked_sub(kernel)? / stride + 1;
            // The stride of a kernel that covers everything has no effect.
            window.stride[axis] = if extent == kernel { 1 } else { stride };
        }
        Some(window)
    }
}
