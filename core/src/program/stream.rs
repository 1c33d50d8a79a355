//! Frozen layers that run together, row by row, so that what lies between them never exists as a
//! whole.

use core::ops::Range;

use super::layer::{AddRecord, LayerRecord};

/// Most layers of one stream: expand, depthwise, project.
pub const MAX_STREAM_LAYERS: usize = 3;

/// Two or three convolutions in a row, and the residual add whose branch they are, if any.
///
/// Between two layers lies a line buffer with as many rows as the later one's kernel is high.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    layers: [LayerRecord; MAX_STREAM_LAYERS],
    n_layers: usize,
    add: Option<AddRecord>,
}

impl Stream {
    /// The stream of these layers, each of which reads what the one before it writes; `None`
    /// where they are not two or three frozen layers whose shapes follow one another, or the add
    /// does not take their output and their input.
    #[must_use]
    pub fn new(layers: &[LayerRecord], add: Option<AddRecord>) -> Option<Self> {
        let (&first, rest) = layers.split_first()?;
        let last = rest.last()?;
        let is_frozen = |layer: &LayerRecord| {
            layer.n_trainable == 0 && layer.weight_tensor.or(layer.bias_tensor).is_none()
        };
        let follow = |pair: &[LayerRecord]| pair[0].output == pair[1].input;
        let adds_up =
            add.is_none_or(|add| first.input == last.output && add.len as usize == last.out_len());
        let fits = layers.len() <= MAX_STREAM_LAYERS
            && layers.iter().all(is_frozen)
            && layers.windows(2).all(follow)
            && adds_up;
        let mut all = [first; MAX_STREAM_LAYERS];
        for (slot, layer) in all.iter_mut().zip(layers) {
            *slot = *layer;
        }
        fits.then_some(Self {
            layers: all,
            n_layers: layers.len(),
            add,
        })
    }

    /// The layers in order.
    #[must_use]
    pub fn layers(&self) -> &[LayerRecord] {
        &self.layers[..self.n_layers]
    }

    /// The residual add behind them.
    #[must_use]
    pub fn add(&self) -> Option<&AddRecord> {
        self.add.as_ref()
    }

    /// Elements of the input.
    #[must_use]
    pub fn in_len(&self) -> usize {
        self.layers[0].in_len()
    }

    /// Elements of the output.
    #[must_use]
    pub fn out_len(&self) -> usize {
        self.layers[self.n_layers - 1].out_len()
    }

    /// Rows of the line buffer behind layer `at`.
    #[must_use]
    pub fn buffer_rows(&self, at: usize) -> usize {
        let next = &self.layers[at + 1];
        next.kernel[0].min(next.input[0]) as usize
    }

    /// Whether the output may lie where the input does, from the same offset on: no row of it
    /// reaches into rows of the input that are still to be read.
    #[must_use]
    pub fn may_overwrite(&self) -> bool {
        let rows = self.layers[self.n_layers - 1].output[0] as usize;
        let (in_row, out_row) = (
            self.layers[0].in_row(),
            self.layers[self.n_layers - 1].out_row(),
        );
        (0..rows).all(|row| {
            // Rows of the first layer that this row and those above it take.
            let mut made = row + 1;
            for layer in self.layers()[1..].iter().rev() {
                made = layer.rows_read(made - 1).end;
            }
            let first = &self.layers[0];
            made == first.output[0] as usize
                || (row + 1) * out_row <= first.rows_read(made).start * in_row
        })
    }
}

impl LayerRecord {
    /// Elements of one row of the input.
    #[must_use]
    pub fn in_row(&self) -> usize {
        self.input[1] as usize * self.input[2] as usize
    }

    /// Elements of one row of the output.
    #[must_use]
    pub fn out_row(&self) -> usize {
        self.output[1] as usize * self.output[2] as usize
    }

    /// The rows of the input, at least one, that output row `row` reads.
    #[must_use]
    pub fn rows_read(&self, row: usize) -> Range<usize> {
        let [height, kernel, stride, padding] = [
            self.input[0],
            self.kernel[0],
            self.stride[0],
            self.padding[0],
        ]
        .map(|extent| extent as usize);
        let end = (row * stride + kernel)
            .saturating_sub(padding)
            .clamp(1, height);
        let start = (row * stride).saturating_sub(padding);
        start.min(end - 1)..end
    }

    /// The layer as it computes output row `row` alone, of the rows that it reads.
    #[must_use]
    pub fn of_one_row(&self, row: usize) -> Self {
        let [height, start] = [self.rows_read(row).len(), row * self.stride[0] as usize]
            .map(|rows| u32::try_from(rows).unwrap_or(u32::MAX));
        let padding = self.padding[0].saturating_sub(start);
        Self {
            input: [height, self.input[1], self.input[2]],
            output: [1, self.output[1], self.output[2]],
            padding: [padding, self.padding[1]],
            ..*self
        }
    }
}
