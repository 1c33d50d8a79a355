//! The tensors that each operation reads and writes, with the type and length it relies on.

use super::block::Block;
use super::layer::{AddRecord, LayerRecord};
use super::meta::HeadRecord;
use super::op::Op;
use super::pool::PoolRecord;
use super::stream::Stream;
use super::{DType, TensorIdx};
use crate::quant::Rules;
use crate::runtime::scratch;

/// What an operation refers to.
#[derive(Clone, Copy, Debug)]
pub struct Records {
    /// The convolution that it names.
    pub layer: Option<LayerRecord>,
    /// The residual add that it names.
    pub add: Option<AddRecord>,
    /// The layers that it runs row by row.
    pub stream: Option<Stream>,
    /// The layers whose backward pass it runs together.
    pub block: Option<Block>,
    /// The pool over windows that it names.
    pub pool: Option<PoolRecord>,
    /// What makes the logits.
    pub head: HeadRecord,
    /// The rules of the program.
    pub rules: Rules,
}

/// How an operation touches a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads it.
    Read,
    /// Writes all of it.
    Write,
    /// Changes what it holds.
    ReadWrite,
}

/// A tensor as an operation uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operand {
    /// Which tensor.
    pub tensor: TensorIdx,
    /// How it is touched.
    pub access: Access,
    /// Element type that the operation expects.
    pub dtype: DType,
    /// Number of elements that the operation expects.
    pub n_elements: usize,
}

/// The operands of one operation.
#[derive(Clone, Copy, Debug)]
pub struct Operands {
    items: [Option<Operand>; Self::MAX],
    len: usize,
}

impl Operands {
    const MAX: usize = 18;

    fn new() -> Self {
        Self {
            items: [None; Self::MAX],
            len: 0,
        }
    }

    fn push(&mut self, tensor: TensorIdx, access: Access, dtype: DType, n_elements: usize) {
        self.items[self.len] = Some(Operand {
            tensor,
            access,
            dtype,
            n_elements,
        });
        self.len += 1;
    }

    fn push_if(
        &mut self,
        tensor: Option<TensorIdx>,
        access: Access,
        dtype: DType,
        n_elements: usize,
    ) {
        if let Some(tensor) = tensor {
            self.push(tensor, access, dtype, n_elements);
        }
    }

    /// The operands.
    pub fn iter(&self) -> impl Iterator<Item = Operand> + '_ {
        self.items.iter().flatten().copied()
    }
}

impl Op {
    /// Every tensor that the operation touches, with the type and length it relies on.
    #[must_use]
    pub fn operands(self, records: &Records) -> Operands {
        use Access::{Read, ReadWrite, Write};
        let mut operands = Operands::new();
        let Records {
            layer,
            add,
            stream,
            block,
            pool,
            head,
            rules,
        } = records;
        let gradient_type = DType::of_gradients(*rules);
        let features = head.n_features as usize;
        let classes = head.n_classes as usize;
        match (self, layer.as_ref(), add.as_ref()) {
            (
                Self::Conv {
                    x,
                    y,
                    mask,
                    scratch,
                    ..
                },
                Some(layer),
                _,
            ) => {
                operands.push(x, Read, DType::I8, layer.in_len());
                operands.push(y, Write, DType::I8, layer.out_len());
                operands.push_if(mask, Write, DType::Bit, layer.out_len());
                let bytes = scratch::conv_forward(layer, *rules);
                operands.push_if(scratch, Write, DType::I8, bytes);
                push_weight(&mut operands, layer, *rules, Read);
                let bias_type = DType::of_biases(*rules);
                operands.push_if(layer.bias_tensor, Read, bias_type, layer.out_channels());
            }
            (Self::Stream { x, y, scratch, .. }, ..) => {
                if let Some(stream) = stream {
                    operands.push(x, Read, DType::I8, stream.in_len());
                    operands.push(y, Write, DType::I8, stream.out_len());
                    let bytes = scratch::stream(stream, *rules);
                    operands.push(scratch, Write, DType::I8, bytes);
                }
            }
            (Self::Add { a, b, y, mask, .. }, _, Some(add)) => {
                let len = add.len as usize;
                operands.push(a, Read, DType::I8, len);
                operands.push(b, Read, DType::I8, len);
                operands.push(y, Write, DType::I8, len);
                operands.push_if(mask, Write, DType::Bit, len);
            }
            (
                Self::AveragePool {
                    x,
                    y,
                    pixels,
                    channels,
                },
                ..,
            ) => {
                let channels = channels as usize;
                operands.push(x, Read, DType::I8, channels * pixels as usize);
                operands.push(y, Write, DType::I8, channels);
            }
            (Self::SaveChannels { x, saved, .. }, Some(layer), _) => {
                operands.push(x, Read, DType::I8, layer.in_len());
                operands.push(saved, Write, DType::I8, saved_len(layer));
            }
            (Self::Classifier { x, logits }, ..) => {
                operands.push(x, Read, DType::I8, features);
                operands.push(logits, Write, DType::F32, classes);
                push_head(&mut operands, head, Read);
            }
            (Self::Logits { x, logits }, ..) => {
                operands.push(x, Read, DType::I8, classes);
                operands.push(logits, Write, DType::F32, classes);
            }
            (Self::LogitsBackward { gradient, out }, ..) => {
                operands.push(gradient, Read, DType::F32, classes);
                operands.push(out, Write, gradient_type, classes);
            }
            (Self::Pool { x, y, mask, .. }, ..) => {
                if let Some(pool) = pool {
                    operands.push(x, Read, DType::I8, pool.geometry.in_len());
                    operands.push(y, Write, DType::I8, pool.geometry.out_len());
                    operands.push_if(mask, Write, DType::Bit, pool.geometry.out_len());
                }
            }
            (
                Self::PoolBackward {
                    x,
                    gradient,
                    out,
                    mask,
                    ..
                },
                ..,
            ) => {
                if let Some(pool) = pool {
                    operands.push_if(x, Read, DType::I8, pool.geometry.in_len());
                    operands.push(gradient, Read, gradient_type, pool.geometry.out_len());
                    operands.push(out, Write, gradient_type, pool.geometry.in_len());
                    operands.push(mask, Read, DType::Bit, pool.geometry.out_len());
                }
            }
            (
                Self::Loss {
                    logits,
                    label,
                    gradient,
                },
                ..,
            ) => {
                operands.push(logits, Read, DType::F32, classes);
                operands.push(label, Read, DType::I32, 1);
                operands.push(gradient, Write, DType::F32, classes);
            }
            (Self::ClassifierBackwardInput { gradient, out }, ..) => {
                operands.push(gradient, Read, DType::F32, classes);
                operands.push(out, Write, gradient_type, features);
                if let Some(classifier) = &head.classifier {
                    let tensor = classifier.weight_tensor;
                    operands.push(tensor, Read, DType::F32, classes * features);
                }
            }
            (Self::ClassifierUpdate { x, gradient }, ..) => {
                operands.push(x, Read, DType::I8, features);
                operands.push(gradient, Read, DType::F32, classes);
                push_head(&mut operands, head, ReadWrite);
            }
            (
                Self::AveragePoolBackward {
                    gradient,
                    out,
                    pixels,
                    channels,
                },
                ..,
            ) => {
                let channels = channels as usize;
                operands.push(gradient, Read, gradient_type, channels);
                operands.push(out, Write, gradient_type, channels * pixels as usize);
            }
            (
                Self::MaskScale {
                    gradient,
                    out,
                    mask,
                    ..
                },
                Some(layer),
                _,
            ) => {
                operands.push(gradient, Read, gradient_type, layer.out_len());
                operands.push(out, Write, gradient_type, layer.out_len());
                operands.push(mask, Read, DType::Bit, layer.out_len());
            }
            (Self::BiasUpdate { gradient, .. }, Some(layer), _) => {
                operands.push(gradient, Read, gradient_type, layer.out_len());
                push_bias_update(&mut operands, layer, *rules);
            }
            (
                Self::BlockBackward {
                    gradient,
                    out,
                    accumulate,
                    expand_mask,
                    expand_x,
                    depthwise_mask,
                    depthwise_x,
                    scratch,
                    tile,
                    ..
                },
                ..,
            ) => {
                let Some(block) = block else {
                    return operands;
                };
                let Block {
                    expand,
                    depthwise,
                    project,
                } = block;
                operands.push(gradient, Read, DType::F32, project.out_len());
                let access = if accumulate { ReadWrite } else { Write };
                operands.push_if(out, access, DType::F32, expand.in_len());
                operands.push_if(expand_mask, Read, DType::Bit, expand.out_len());
                operands.push(depthwise_mask, Read, DType::Bit, depthwise.out_len());
                let tile = tile as usize;
                let is_reached = expand_mask.is_some();
                let parts = scratch::block_parts(block, *rules, tile, is_reached, accumulate);
                operands.push(scratch, Write, DType::I8, parts.total());
                push_weight(&mut operands, project, *rules, Read);
                for (layer, x) in [(expand, expand_x), (depthwise, depthwise_x)] {
                    operands.push_if(x, Read, DType::I8, saved_len(layer));
                    push_weight_update(&mut operands, layer, *rules);
                    push_bias_update(&mut operands, layer, *rules);
                }
            }
            (
                Self::ConvBackwardInput {
                    gradient,
                    out,
                    accumulate,
                    scratch,
                    ..
                },
                Some(layer),
                _,
            ) => {
                operands.push(gradient, Read, gradient_type, layer.out_len());
                let access = if accumulate { ReadWrite } else { Write };
                operands.push(out, access, gradient_type, layer.in_len());
                let bytes = scratch::conv_backward_input(layer, *rules);
                operands.push_if(scratch, Write, DType::I8, bytes);
                push_weight(&mut operands, layer, *rules, Read);
            }
            (
                Self::WeightUpdate {
                    x,
                    gradient,
                    scratch,
                    ..
                },
                Some(layer),
                _,
            ) => {
                operands.push(x, Read, DType::I8, saved_len(layer));
                operands.push(gradient, Read, gradient_type, layer.out_len());
                operands.push(scratch, Write, DType::F32, scratch::weight_update(layer));
                push_weight_update(&mut operands, layer, *rules);
            }
            (Self::BiasGradient { gradient, out, .. }, Some(layer), _) => {
                operands.push(gradient, Read, gradient_type, layer.out_len());
                operands.push(out, Write, DType::F32, layer.out_channels());
            }
            (Self::BiasApply { gradient, .. }, Some(layer), _) => {
                operands.push(gradient, Read, DType::F32, layer.out_channels());
                push_bias_update(&mut operands, layer, *rules);
            }
            (
                Self::WeightGradient {
                    x, gradient, out, ..
                },
                Some(layer),
                _,
            ) => {
                let n_elements = layer.weight_len(layer.n_trainable as usize);
                operands.push(x, Read, DType::I8, saved_len(layer));
                operands.push(gradient, Read, gradient_type, layer.out_len());
                operands.push(out, Write, DType::F32, n_elements);
            }
            (Self::WeightApply { gradient, .. }, Some(layer), _) => {
                let n_elements = layer.weight_len(layer.n_trainable as usize);
                operands.push(gradient, Read, DType::F32, n_elements);
                push_weight_update(&mut operands, layer, *rules);
            }
            (
                Self::AddBackward {
                    gradient,
                    shortcut,
                    branch,
                    mask,
                    ..
                },
                _,
                Some(add),
            ) => {
                let len = add.len as usize;
                operands.push(gradient, Read, gradient_type, len);
                operands.push_if(shortcut, Write, gradient_type, len);
                operands.push_if(branch, Write, gradient_type, len);
                operands.push(mask, Read, DType::Bit, len);
            }
            // An operation without its record has no operands; the loader refuses it.
            _ => {}
        }
        operands
    }
}

/// Elements of the saved activation: the trainable channels of every input pixel.
fn saved_len(layer: &LayerRecord) -> usize {
    layer.input[0] as usize * layer.input[1] as usize * layer.n_trainable as usize
}

fn push_weight(operands: &mut Operands, layer: &LayerRecord, rules: Rules, access: Access) {
    let n_elements = layer.weight_len(layer.n_trainable as usize);
    let weight_type = DType::of_weights(rules);
    operands.push_if(layer.weight_tensor, access, weight_type, n_elements);
}

/// A weight and what is kept beside it, as an update touches them.
fn push_weight_update(operands: &mut Operands, layer: &LayerRecord, rules: Rules) {
    push_weight(operands, layer, rules, Access::ReadWrite);
    let n_elements = layer.weight_len(layer.n_trainable as usize);
    let velocity = layer.velocity_tensors[0];
    operands.push_if(
        layer.remainder_tensor,
        Access::ReadWrite,
        DType::I8,
        n_elements,
    );
    operands.push_if(velocity, Access::ReadWrite, DType::F32, n_elements);
}

/// A bias and what is kept beside it, as an update touches them.
fn push_bias_update(operands: &mut Operands, layer: &LayerRecord, rules: Rules) {
    let outputs = layer.out_channels();
    let bias_type = DType::of_biases(rules);
    operands.push_if(layer.bias_tensor, Access::ReadWrite, bias_type, outputs);
    let velocity = layer.velocity_tensors[1];
    operands.push_if(velocity, Access::ReadWrite, DType::F32, outputs);
}

fn push_head(operands: &mut Operands, head: &HeadRecord, access: Access) {
    let Some(classifier) = &head.classifier else {
        return;
    };
    let lens = [head.weight_len(), head.n_classes as usize];
    let tensors = [classifier.weight_tensor, classifier.bias_tensor];
    for (at, (tensor, len)) in tensors.into_iter().zip(lens).enumerate() {
        operands.push(tensor, access, DType::F32, len);
        if access == Access::ReadWrite {
            operands.push_if(classifier.velocity_tensors[at], access, DType::F32, len);
        }
    }
}
