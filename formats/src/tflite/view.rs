//! A tensor of the file as a view of a value of the network.

use quartermeg_core::network::Shape;
use quartermeg_core::quant::QuantParams;

/// What the elements of a tensor are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stage {
    /// Real numbers that `QUANTIZE` turns into codes: the input of some networks.
    Real,
    /// The codes of the value.
    Codes,
    /// The codes of the value inside a border of zero points: top, left, bottom, right.
    Padded([usize; 4]),
    /// The softmax of the value, with this scale and zero point.
    Probabilities(QuantParams),
}

/// A view: which value, and which axis of it each axis of the tensor is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct View {
    /// Number of the value.
    pub(super) value: usize,
    /// How the value's codes are grouped; the same codes in the same order.
    pub(super) shape: Shape,
    /// For each axis of the tensor: 0 the sample, 1 height, 2 width, 3 channels. An axis of the
    /// value that is not listed has the extent 1.
    pub(super) axes: Vec<usize>,
    pub(super) stage: Stage,
}

impl View {
    /// The view with extents `dims`: `[1, h, w, c]`, `[1, w, c]`, `[1, c]` or `[c]`.
    ///
    /// `None` if the first extent of several is not 1.
    pub(super) fn new(value: usize, dims: &[usize], stage: Stage) -> Option<Self> {
        let (axes, [h, w, c]): (&[usize], _) = match *dims {
            [1, h, w, c] => (&[0, 1, 2, 3], [h, w, c]),
            [1, w, c] => (&[0, 2, 3], [1, w, c]),
            [1, c] => (&[0, 3], [1, 1, c]),
            [c] => (&[3], [1, 1, c]),
            _ => return None,
        };
        Some(Self {
            value,
            shape: Shape { h, w, c },
            axes: axes.to_vec(),
            stage,
        })
    }

    /// Extents of the value's axes, its border included: sample, height, width, channels.
    fn extents(&self) -> [usize; 4] {
        let [top, left, bottom, right] = match self.stage {
            Stage::Padded(border) => border,
            _ => [0; 4],
        };
        let Shape { h, w, c } = self.shape;
        [1, h + top + bottom, w + left + right, c]
    }

    /// Extents of the tensor.
    pub(super) fn dims(&self) -> Vec<usize> {
        let extents = self.extents();
        self.axes.iter().map(|&axis| extents[axis]).collect()
    }

    /// Whether the tensor has its elements in the order of the value: axes of extent 1 may lie
    /// anywhere, the others are in order.
    pub(super) fn is_straight(&self) -> bool {
        let extents = self.extents();
        let moving = self.axes.iter().filter(|&&axis| extents[axis] > 1);
        moving.is_sorted()
    }
}
