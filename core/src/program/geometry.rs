//! How a window slides over an activation.

/// Extents of a convolution or a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Input height, width, channels.
    pub input: [u32; 3],
    /// Output height, width, channels.
    pub output: [u32; 3],
    /// Window height and width.
    pub kernel: [u32; 2],
    /// Vertical and horizontal stride.
    pub stride: [u32; 2],
    /// Padding above and to the left; below and right follow from the output size.
    pub padding: [u32; 2],
}

impl Geometry {
    /// Input elements.
    #[must_use]
    pub fn in_len(&self) -> usize {
        self.input.iter().map(|&extent| extent as usize).product()
    }

    /// Output elements.
    #[must_use]
    pub fn out_len(&self) -> usize {
        self.output.iter().map(|&extent| extent as usize).product()
    }
}
