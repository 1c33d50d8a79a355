//! The parameters of a program: what lies in the persistent part of the block, under which name,
//! and how a layer's weights are put together from the channels that learn and those that do not.

use quartermeg_core::program::image::Section;
use quartermeg_core::program::{DType, LayerRecord, Program, TensorIdx, TensorRecord};
use safetensors::Dtype;

/// One tensor of the persistent part of the block.
pub(super) struct Parameter {
    /// For example `20.block3.expand.weight`.
    pub(super) name: String,
    pub(super) record: TensorRecord,
    /// The layer whose weights these are.
    pub(super) weights_of: Option<u32>,
}

impl Parameter {
    pub(super) fn dtype(&self) -> Dtype {
        dtype(self.record.dtype)
    }

    pub(super) fn n_elements(&self) -> usize {
        self.record.size_bytes as usize / self.element_bytes()
    }

    pub(super) fn element_bytes(&self) -> usize {
        self.record.dtype.bytes(1)
    }

    pub(super) fn range(&self) -> std::ops::Range<usize> {
        let start = self.record.offset as usize;
        start..start + self.record.size_bytes as usize
    }
}

pub(super) fn dtype(dtype: DType) -> Dtype {
    match dtype {
        DType::I8 => Dtype::I8,
        DType::I32 => Dtype::I32,
        DType::F32 => Dtype::F32,
        DType::Bit | DType::I16 | DType::ScaledI8 => Dtype::U8,
    }
}

/// Every tensor that keeps its contents, in the order of the layers.
pub(super) fn all<B: AsRef<[u8]>>(program: &Program<B>) -> Vec<Parameter> {
    let mut all = Vec::new();
    let mut push = |owner: &str, parts: [(&str, Option<TensorIdx>); 5], layer: Option<u32>| {
        for (part, tensor) in parts {
            if let Some(tensor) = tensor {
                all.push(Parameter {
                    name: format!("{owner}.{part}"),
                    record: program.tensor(tensor),
                    weights_of: layer.filter(|_| part == "weight"),
                });
            }
        }
    };
    for layer in 0..program.n_layers() {
        let record = program.layer(layer);
        let [weight, bias] = record.velocity_tensors;
        push(
            &layer_name(program, layer),
            [
                ("weight", record.weight_tensor),
                ("bias", record.bias_tensor),
                ("weight.remainder", record.remainder_tensor),
                ("weight.momentum", weight),
                ("bias.momentum", bias),
            ],
            Some(layer),
        );
    }
    if let Some(classifier) = program.meta().head.classifier {
        let [weight, bias] = classifier.velocity_tensors;
        push(
            "classifier",
            [
                ("weight", Some(classifier.weight_tensor)),
                ("bias", Some(classifier.bias_tensor)),
                ("weight.remainder", None),
                ("weight.momentum", weight),
                ("bias.momentum", bias),
            ],
            None,
        );
    }
    all
}

/// `20.block3.expand`: the index makes it unique.
pub(super) fn layer_name<B: AsRef<[u8]>>(program: &Program<B>, layer: u32) -> String {
    format!("{layer}.{}", program.name(program.layer(layer).name))
}

/// `[O, kh, kw, I]`, or `[C, kh, kw, 1]` of a depthwise layer.
pub(super) fn weight_shape(record: &LayerRecord) -> Vec<usize> {
    let [kernel_h, kernel_w] = record.kernel.map(|extent| extent as usize);
    let inputs = if record.depthwise {
        1
    } else {
        record.in_channels()
    };
    vec![record.out_channels(), kernel_h, kernel_w, inputs]
}

/// `n_bytes` of the constants.
pub(super) fn constants<B: AsRef<[u8]>>(
    program: &Program<B>,
    offset: u32,
    n_bytes: usize,
) -> &[u8] {
    let start = offset as usize;
    &program.section(Section::Constants)[start..start + n_bytes]
}

/// Where one weight stands: in the whole tensor, and in its source.
pub(super) struct Place {
    /// Index in the whole tensor.
    pub(super) whole: usize,
    /// Index among those that learn, or among those that do not.
    pub(super) source: usize,
    /// Whether it learns.
    pub(super) learns: bool,
}

/// The places of all weights of a layer.
pub(super) fn places<B: AsRef<[u8]>>(program: &Program<B>, record: &LayerRecord) -> Vec<Place> {
    let (n_frozen, n_trainable) = (record.n_frozen as usize, record.n_trainable as usize);
    let channels = record.in_channels();
    let list: Vec<usize> = match record.channels {
        None => (0..channels).collect(),
        Some(offset) => constants(program, offset, 2 * channels)
            .chunks_exact(2)
            .map(|pair| usize::from(u16::from_le_bytes([pair[0], pair[1]])))
            .collect(),
    };
    let rows = record.weight_len(1);
    let mut places = Vec::with_capacity(rows * channels);
    for row in 0..rows {
        for (position, &channel) in list.iter().enumerate() {
            let learns = position >= n_frozen;
            places.push(Place {
                whole: if record.depthwise {
                    channel * rows + row
                } else {
                    row * channels + channel
                },
                source: if learns {
                    row * n_trainable + position - n_frozen
                } else {
                    row * n_frozen + position
                },
                learns,
            });
        }
    }
    places
}
