//! Everything that is checked when a program is loaded, so that a step cannot fail.

use super::TensorIdx;
use super::block::Block;
use super::geometry::Geometry;
use super::image::{
    CHECKED_FROM, ENTRY_BYTES, FORMAT_VERSION, HEADER_BYTES, MAGIC, SECTION_ALIGN, Section,
};
use super::layer::LayerRecord;
use super::meta::Meta;
use super::op::Op;
use super::operands::Access;
use super::pool::PoolRecord;
use super::settings::Settings;
use super::tensor::{DType, TensorRecord};
use super::view::{Program, Sections, range, words};
use crate::checksum::crc32;
use crate::quant::{FixedScale, GradientType, Optimizer, QuantParams, RequantizeRule, UpdateRule};
use crate::runtime::scratch::{self, HIDDEN_TILE};

/// Alignment of every tensor in the arena and of the arena itself, in bytes.
pub(crate) const TENSOR_ALIGN: u32 = 4;

const MAX_EXTENT: u32 = 4096;
const MAX_ELEMENTS: u64 = 1 << 26;
const MAX_FEATURES: u32 = 65_536;
/// Largest number of products summed in one int32 accumulator: 255 * 127 * this < 2^31.
pub(crate) const MAX_REDUCTION: usize = 65_536;

/// Why an image is not a program.
#[expect(
    missing_docs,
    reason = "the fields are named by the sentence of their variant"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProgramError {
    /// The first bytes are not those of a program.
    Magic,
    /// The image is shorter than its header says, or than a header.
    Truncated { expected: usize, found: usize },
    /// The layout is of a version that this core does not read.
    Version { found: u32, supported: u32 },
    /// The checksum differs: bytes were changed.
    Checksum { expected: u32, found: u32 },
    /// The rules of the arithmetic are not among those that this core knows.
    Rules { found: u32 },
    /// The image does not start at a multiple of four.
    Misaligned,
    /// A section lies outside the image, out of order, or has an impossible length.
    Section { section: usize },
    /// A field of the facts of the whole program is out of range.
    Meta,
    /// A record of a tensor is malformed, or it lies outside the arena.
    Tensor { tensor: u32 },
    /// A record of a convolution is malformed.
    Layer { layer: u32 },
    /// A record of a residual add is malformed.
    Add { add: u32 },
    /// A record of a pool over windows is malformed.
    Pool { pool: u32 },
    /// An operation is unknown, out of order, or names what does not exist.
    Op { op: u32 },
    /// An operation's tensor has another type, size or lifetime than the operation needs.
    Operand { op: u32, tensor: u32 },
    /// Two tensors that are live at once overlap, and no alias declares it.
    Overlap { first: u32, second: u32 },
    /// An alias is not an operation in place.
    Alias { alias: u32 },
    /// The trained parameters do not have the length of the persistent part.
    State { expected: u32, found: u32 },
}

pub(super) fn sections(bytes: &[u8]) -> Result<Sections, ProgramError> {
    if bytes.len() < MAGIC.len() || bytes[..MAGIC.len()] != MAGIC {
        return Err(ProgramError::Magic);
    }
    if bytes.len() < HEADER_BYTES {
        return Err(ProgramError::Truncated {
            expected: HEADER_BYTES,
            found: bytes.len(),
        });
    }
    let [version, len, checksum, n_sections] = words::<4>(&bytes[8..24]);
    if version != FORMAT_VERSION {
        return Err(ProgramError::Version {
            found: version,
            supported: FORMAT_VERSION,
        });
    }
    if len as usize != bytes.len() {
        return Err(ProgramError::Truncated {
            expected: len as usize,
            found: bytes.len(),
        });
    }
    let found = crc32(&bytes[CHECKED_FROM..]);
    if found != checksum {
        return Err(ProgramError::Checksum {
            expected: checksum,
            found,
        });
    }
    if bytemuck::try_cast_slice::<u8, u32>(&bytes[..HEADER_BYTES]).is_err() {
        return Err(ProgramError::Misaligned);
    }
    let table_end = HEADER_BYTES + Section::COUNT * ENTRY_BYTES;
    if n_sections as usize != Section::COUNT || bytes.len() < table_end {
        return Err(ProgramError::Section { section: 0 });
    }
    let mut sections = [(0, 0); Section::COUNT];
    let mut end = table_end as u64;
    for (idx, entry) in sections.iter_mut().enumerate() {
        let at = HEADER_BYTES + idx * ENTRY_BYTES;
        let [kind, offset, len] = words::<3>(&bytes[at..at + ENTRY_BYTES]);
        let in_order = kind as usize == idx
            && u64::from(offset) >= end
            && (offset as usize).is_multiple_of(SECTION_ALIGN);
        end = u64::from(offset) + u64::from(len);
        if !in_order || end > bytes.len() as u64 {
            return Err(ProgramError::Section { section: idx });
        }
        *entry = (offset, len);
    }
    let record_words = [
        (Section::Meta, Meta::WORDS),
        (Section::Tensors, TensorRecord::WORDS),
        (Section::Ops, Op::WORDS),
        (Section::Layers, LayerRecord::WORDS),
        (Section::Adds, super::AddRecord::WORDS),
        (Section::Pools, PoolRecord::WORDS),
        (Section::Aliases, 2),
        (Section::Settings, Settings::WORDS),
    ];
    for (section, n_words) in record_words {
        let len = sections[section as usize].1 as usize;
        let single = matches!(section, Section::Meta | Section::Settings);
        if !len.is_multiple_of(4 * n_words) || (single && len != 4 * n_words) {
            return Err(ProgramError::Section {
                section: section as usize,
            });
        }
    }
    Ok(sections)
}

pub(super) fn meta(bytes: &[u8], sections: &Sections) -> Result<Meta, ProgramError> {
    let (offset, len) = sections[Section::Meta as usize];
    let words: [u32; Meta::WORDS] = words(&bytes[range(offset, len)]);
    let meta = Meta::decode(&words).ok_or(ProgramError::Rules {
        found: words[Meta::RULES_WORD],
    })?;
    let extents = [
        meta.input_shape[0],
        meta.input_shape[1],
        meta.input_shape[2],
        meta.head.n_classes,
    ];
    let features_fit = if meta.head.classifier.is_some() {
        (1..=MAX_FEATURES).contains(&meta.head.n_features)
    } else {
        meta.head.n_features == meta.head.n_classes
    };
    let ok = features_fit
        && extents
            .iter()
            .all(|extent| (1..=MAX_EXTENT).contains(extent))
        && meta.persistent_bytes <= meta.arena_bytes
        && meta.arena_bytes <= i32::MAX.cast_unsigned()
        && is_quant(meta.input_quant)
        && is_quant(meta.head.x_quant);
    if ok {
        Ok(meta)
    } else {
        Err(ProgramError::Meta)
    }
}

pub(super) fn program(program: &Program<&[u8]>) -> Result<(), ProgramError> {
    for layer in 0..program.n_layers() {
        check_layer(program, layer)?;
    }
    for add in 0..program.n_adds() {
        let record = program.add(add);
        let ok = is_quant(record.a_quant)
            && is_quant(record.b_quant)
            && is_quant(record.y_quant)
            && is_clamp(record.clamp)
            && record.fixed.into_iter().all(FixedScale::is_usable)
            && record.len > 0;
        if !ok {
            return Err(ProgramError::Add { add });
        }
    }
    for pool in 0..program.n_pools() {
        let record = program.pool(pool);
        let [_, _, c] = record.geometry.input;
        if !is_geometry(&record.geometry)
            || record.geometry.output[2] != c
            || record.geometry.kernel[0] * record.geometry.kernel[1] > 65_536
            || !is_clamp(record.clamp)
        {
            return Err(ProgramError::Pool { pool });
        }
    }
    check_constants_of_head(program)?;
    for tensor in 0..program.n_tensors() {
        check_tensor(program, tensor)?;
    }
    check_parameters(program)?;
    for op_idx in 0..program.n_ops() {
        check_op(program, op_idx)?;
    }
    check_meta_tensors(program)?;
    check_lifetimes(program)?;
    for alias in 0..program.n_aliases() {
        check_alias(program, alias)?;
    }
    check_overlaps(program)?;
    let state = program.sections()[Section::State as usize].1;
    if state != 0 && state != program.meta().persistent_bytes {
        return Err(ProgramError::State {
            expected: program.meta().persistent_bytes,
            found: state,
        });
    }
    Ok(())
}

fn check_layer(program: &Program<&[u8]>, layer: u32) -> Result<(), ProgramError> {
    let error = ProgramError::Layer { layer };
    let record = program.layer(layer);
    let plain = is_geometry(&record.geometry())
        && record.n_frozen.checked_add(record.n_trainable) == Some(record.input[2])
        && (!record.depthwise || record.input[2] == record.output[2])
        && is_quant(record.x_quant)
        && is_quant(record.y_quant)
        && is_clamp(record.clamp)
        && record.weight_tensor.is_some() == (record.n_trainable > 0)
        && (record.channels.is_some() || !record.is_partial());
    if !plain {
        return Err(error);
    }
    // In u64: on a 32-bit target these products may leave usize.
    let filters = if record.depthwise {
        1
    } else {
        record.output[2]
    };
    let [kh, kw] = record.kernel;
    let per_filter = product(&[kh, kw, if record.depthwise { 1 } else { record.input[2] }]);
    let products = product(&[filters, kh, kw, record.input[2]]) <= MAX_ELEMENTS
        && per_filter <= MAX_REDUCTION as u64;
    if !products {
        return Err(error);
    }
    let outputs = record.out_channels();
    let constants = [
        (
            record.frozen_weight,
            record.weight_len(record.n_frozen as usize),
            1,
        ),
        (
            record.start_weight,
            record.weight_len(record.n_trainable as usize),
            1,
        ),
        (record.bias, outputs, 4),
        (record.effective_scale, outputs, 4),
        (record.weight_scale, outputs, 4),
    ];
    let constants_fit = constants
        .into_iter()
        .all(|(offset, len, size)| constant_fits(program, offset, len, size))
        && record.channels.is_none_or(|offset| {
            constant_fits(program, offset, record.in_channels(), 2)
                && is_permutation(
                    program.constants::<u16>(offset, record.in_channels()),
                    &record,
                )
        });
    if !constants_fit {
        return Err(error);
    }
    let is_fixed = program.rules().requantize == RequantizeRule::FixedPoint;
    let fixed_scales_fit = record.fixed_scale.is_some() == is_fixed
        && record.fixed_scale.is_none_or(|offset| {
            constant_fits(program, offset, outputs, 8)
                && program
                    .constants::<[i32; 2]>(offset, outputs)
                    .iter()
                    .all(|&words| FixedScale::from_words(words).is_usable())
        });
    if !fixed_scales_fit {
        return Err(error);
    }
    // Of int8 gradients these are summed in int32, over the output pixels.
    let learns = record.weight_tensor.or(record.bias_tensor).is_some();
    if program.rules().gradient == GradientType::I8
        && learns
        && product(&record.output[..2]) > MAX_REDUCTION as u64
    {
        return Err(error);
    }
    let scales = program.constants::<f32>(record.effective_scale, outputs);
    let weight_scales = program.constants::<f32>(record.weight_scale, outputs);
    if scales
        .iter()
        .any(|scale| !scale.is_finite() || *scale < 0.0)
        || weight_scales
            .iter()
            .any(|scale| !scale.is_finite() || *scale <= 0.0)
    {
        return Err(error);
    }
    Ok(())
}

/// Extents and stride are in range, and the output has a size that padding smaller than the
/// window can give. Kernels rely on it.
fn is_geometry(geometry: &Geometry) -> bool {
    let extents = geometry
        .input
        .iter()
        .chain(&geometry.output)
        .chain(&geometry.kernel);
    let in_range = extents
        .copied()
        .all(|extent| (1..=MAX_EXTENT).contains(&extent))
        && geometry
            .stride
            .iter()
            .all(|stride| (1..=2).contains(stride))
        && geometry.padding[0] < geometry.kernel[0]
        && geometry.padding[1] < geometry.kernel[1]
        && product(&geometry.input) <= MAX_ELEMENTS
        && product(&geometry.output) <= MAX_ELEMENTS;
    // Padding below and to the right is not stored: it is smaller than the kernel, so the output
    // lies between these two sizes.
    in_range
        && (0..2).all(|axis| {
            let padded = geometry.input[axis] + geometry.padding[axis];
            let fewest = padded.saturating_sub(geometry.kernel[axis]) / geometry.stride[axis] + 1;
            let most = (padded - 1) / geometry.stride[axis] + 1;
            (fewest..=most).contains(&geometry.output[axis])
        })
}

fn product(extents: &[u32]) -> u64 {
    extents.iter().map(|&extent| u64::from(extent)).product()
}

/// Each channel once: both parts ascend, and no channel is in both.
fn is_permutation(channels: &[u16], record: &LayerRecord) -> bool {
    let (frozen, trainable) = channels.split_at(record.n_frozen as usize);
    let ascending = |part: &[u16]| part.windows(2).all(|pair| pair[0] < pair[1]);
    ascending(frozen)
        && ascending(trainable)
        && channels
            .iter()
            .all(|&channel| u32::from(channel) < record.input[2])
        && frozen
            .iter()
            .all(|channel| trainable.binary_search(channel).is_err())
}

fn constant_fits(program: &Program<&[u8]>, offset: u32, len: usize, size: usize) -> bool {
    let available = program.sections()[Section::Constants as usize].1;
    let end = u64::from(offset) + len as u64 * size as u64;
    (offset as usize).is_multiple_of(4) && end <= u64::from(available)
}

fn check_constants_of_head(program: &Program<&[u8]>) -> Result<(), ProgramError> {
    let head = program.meta().head;
    let fits = head.classifier.is_none_or(|classifier| {
        constant_fits(program, classifier.start_weight, head.weight_len(), 4)
            && constant_fits(program, classifier.start_bias, head.n_classes as usize, 4)
    });
    if fits {
        Ok(())
    } else {
        Err(ProgramError::Meta)
    }
}

fn check_tensor(program: &Program<&[u8]>, tensor: u32) -> Result<(), ProgramError> {
    let error = ProgramError::Tensor { tensor };
    let record = TensorRecord::decode(&program.record(Section::Tensors, tensor)).ok_or(error)?;
    let meta = program.meta();
    let end = u64::from(record.offset) + u64::from(record.size_bytes);
    let limit = if record.role.is_persistent() {
        meta.persistent_bytes
    } else {
        meta.arena_bytes
    };
    let ok = record.size_bytes > 0
        && record.offset.is_multiple_of(TENSOR_ALIGN)
        && end <= u64::from(limit)
        && (record.role.is_persistent() || record.offset >= meta.persistent_bytes)
        && record.first_use <= record.last_use
        && record.last_use < program.n_ops();
    if ok { Ok(()) } else { Err(error) }
}

/// Parameters are written when a program starts, whether an operation uses them or not.
fn check_parameters(program: &Program<&[u8]>) -> Result<(), ProgramError> {
    let fits = |tensor: TensorIdx, dtype: DType, n_elements: usize| {
        tensor < program.n_tensors() && {
            let record = program.tensor(tensor);
            record.role.is_persistent()
                && record.dtype == dtype
                && record.size_bytes as usize == dtype.bytes(n_elements)
        }
    };
    let rules = program.rules();
    let optional = |tensor: Option<TensorIdx>, wanted: bool, dtype: DType, n_elements: usize| {
        tensor.is_some() == wanted && tensor.is_none_or(|tensor| fits(tensor, dtype, n_elements))
    };
    let has_momentum = rules.optimizer == Optimizer::Momentum;
    for layer in 0..program.n_layers() {
        let record = program.layer(layer);
        let n_weights = record.weight_len(record.n_trainable as usize);
        let outputs = record.out_channels();
        let (weights, biases) = (record.weight_tensor, record.bias_tensor);
        let has_remainder = rules.update == UpdateRule::Int16 && weights.is_some();
        let [weight_velocity, bias_velocity] = record.velocity_tensors;
        let of_weights = DType::of_weights(rules);
        let of_biases = DType::of_biases(rules);
        let ok = optional(weights, weights.is_some(), of_weights, n_weights)
            && optional(biases, biases.is_some(), of_biases, outputs)
            && optional(record.remainder_tensor, has_remainder, DType::I8, n_weights)
            && optional(
                weight_velocity,
                has_momentum && weights.is_some(),
                DType::F32,
                n_weights,
            )
            && optional(
                bias_velocity,
                has_momentum && biases.is_some(),
                DType::F32,
                outputs,
            );
        if !ok {
            return Err(ProgramError::Layer { layer });
        }
    }
    let head = program.meta().head;
    let ok = head.classifier.is_none_or(|classifier| {
        let lens = [head.weight_len(), head.n_classes as usize];
        fits(classifier.weight_tensor, DType::F32, lens[0])
            && fits(classifier.bias_tensor, DType::F32, lens[1])
            && (0..2).all(|at| {
                optional(
                    classifier.velocity_tensors[at],
                    has_momentum,
                    DType::F32,
                    lens[at],
                )
            })
    });
    if ok { Ok(()) } else { Err(ProgramError::Meta) }
}

fn check_op(program: &Program<&[u8]>, op_idx: u32) -> Result<(), ProgramError> {
    let error = ProgramError::Op { op: op_idx };
    let op = Op::decode(&program.record(Section::Ops, op_idx)).ok_or(error)?;
    let phase_fits = match op.phase() {
        super::Phase::Forward => op_idx < program.meta().loss_op,
        super::Phase::Loss => op_idx == program.meta().loss_op,
        super::Phase::Backward => op_idx > program.meta().loss_op,
    };
    if !phase_fits
        || op.layer().is_some_and(|layer| layer >= program.n_layers())
        || op.add().is_some_and(|add| add >= program.n_adds())
        || op.pool().is_some_and(|pool| pool >= program.n_pools())
    {
        return Err(error);
    }
    let rules = program.rules();
    let fits = match op {
        Op::AveragePool {
            pixels, channels, ..
        }
        | Op::AveragePoolBackward {
            pixels, channels, ..
        } => (1..=65_536).contains(&pixels) && (1..=MAX_EXTENT).contains(&channels),
        Op::Conv { layer, scratch, .. } => {
            scratch.is_some() == (scratch::conv_forward(&program.layer(layer), rules) > 0)
        }
        Op::Stream { first, .. } => first < program.n_layers() && program.stream(op).is_some(),
        Op::BlockBackward { .. } => {
            rules.gradient == GradientType::F32
                && program
                    .block(op)
                    .is_some_and(|block| is_block_backward(&block, op))
        }
        Op::ConvBackwardInput { layer, scratch, .. } => {
            scratch.is_some() == (scratch::conv_backward_input(&program.layer(layer), rules) > 0)
        }
        Op::Classifier { .. }
        | Op::ClassifierBackwardInput { .. }
        | Op::ClassifierUpdate { .. } => program.meta().head.classifier.is_some(),
        Op::Logits { .. } | Op::LogitsBackward { .. } => program.meta().head.classifier.is_none(),
        Op::PoolBackward { pool, x, .. } => x.is_some() == program.pool(pool).is_max,
        Op::WeightUpdate { layer, .. }
        | Op::WeightGradient { layer, .. }
        | Op::WeightApply { layer, .. } => program.layer(layer).n_trainable > 0,
        Op::BiasUpdate { layer, .. }
        | Op::BiasGradient { layer, .. }
        | Op::BiasApply { layer, .. } => program.layer(layer).bias_tensor.is_some(),
        Op::SaveChannels { layer, .. } => program.layer(layer).is_partial(),
        _ => true,
    };
    if !fits {
        return Err(error);
    }
    let operands = program.operands(op);
    for (position, operand) in operands.iter().enumerate() {
        if operands
            .iter()
            .take(position)
            .any(|earlier| earlier.tensor == operand.tensor)
        {
            return Err(error);
        }
        let tensor = operand.tensor;
        let mismatch = ProgramError::Operand { op: op_idx, tensor };
        if tensor >= program.n_tensors() {
            return Err(mismatch);
        }
        let record = program.tensor(tensor);
        let lives = record.is_live_at(op_idx);
        let size_fits = record.size_bytes as usize == operand.dtype.bytes(operand.n_elements);
        if !lives || !size_fits || record.dtype != operand.dtype {
            return Err(mismatch);
        }
    }
    Ok(())
}

/// Whether the operation has just what the layers of its block need.
fn is_block_backward(block: &Block, op: Op) -> bool {
    let Op::BlockBackward {
        out,
        accumulate,
        expand_mask,
        expand_x,
        depthwise_x,
        tile,
        ..
    } = op
    else {
        return false;
    };
    let Block {
        expand, depthwise, ..
    } = block;
    let learns = expand.weight_tensor.or(expand.bias_tensor).is_some();
    let is_reached = expand_mask.is_some();
    (1..=HIDDEN_TILE).contains(&(tile as usize))
        && is_reached == (learns || out.is_some())
        && (out.is_some() || !accumulate)
        && expand_x.is_some() == (expand.n_trainable > 0)
        && depthwise_x.is_some() == (depthwise.n_trainable > 0)
}

fn check_meta_tensors(program: &Program<&[u8]>) -> Result<(), ProgramError> {
    let meta = program.meta();
    let input_len: u64 = meta
        .input_shape
        .iter()
        .map(|&extent| u64::from(extent))
        .product();
    let sizes = [
        (meta.input_tensor, input_len),
        (meta.label_tensor, 4),
        (meta.logits_tensor, 4 * u64::from(meta.head.n_classes)),
    ];
    let ok = sizes.into_iter().all(|(tensor, bytes)| {
        tensor < program.n_tensors() && u64::from(program.tensor(tensor).size_bytes) == bytes
    }) && meta.loss_op < program.n_ops();
    if ok { Ok(()) } else { Err(ProgramError::Meta) }
}

/// A tensor is written before it is read, inside the lifetime that the table states.
fn check_lifetimes(program: &Program<&[u8]>) -> Result<(), ProgramError> {
    let meta = program.meta();
    for tensor in 0..program.n_tensors() {
        let record = program.tensor(tensor);
        let last_op = program.n_ops() - 1;
        if record.role.is_persistent() {
            if record.first_use != 0 || record.last_use != last_op {
                return Err(ProgramError::Tensor { tensor });
            }
            continue;
        }
        if tensor == meta.input_tensor || tensor == meta.label_tensor {
            if record.first_use != 0 {
                return Err(ProgramError::Tensor { tensor });
            }
            continue;
        }
        let first = program
            .operands(program.op(record.first_use))
            .iter()
            .find(|operand| operand.tensor == tensor);
        if first.is_none_or(|operand| operand.access != Access::Write) {
            return Err(ProgramError::Tensor { tensor });
        }
    }
    Ok(())
}

fn check_alias(program: &Program<&[u8]>, alias: u32) -> Result<(), ProgramError> {
    let (from, to) = program.alias(alias);
    let ok = from < program.n_tensors() && to < program.n_tensors() && {
        let (before, after) = (program.tensor(from), program.tensor(to));
        before.last_use == after.first_use
            && before.offset == after.offset
            && program.op(after.first_use).in_place() == Some((from, to))
            && match program.stream(program.op(after.first_use)) {
                Some(stream) => stream.may_overwrite(),
                None => before.size_bytes == after.size_bytes,
            }
    };
    if ok {
        Ok(())
    } else {
        Err(ProgramError::Alias { alias })
    }
}

fn check_overlaps(program: &Program<&[u8]>) -> Result<(), ProgramError> {
    let declared = |first: TensorIdx, second: TensorIdx| {
        (0..program.n_aliases()).any(|alias| {
            let pair = program.alias(alias);
            pair == (first, second) || pair == (second, first)
        })
    };
    for first in 0..program.n_tensors() {
        let a = program.tensor(first);
        for second in first + 1..program.n_tensors() {
            let b = program.tensor(second);
            let live_together = a.first_use <= b.last_use && b.first_use <= a.last_use;
            let overlap = a.offset < b.end() && b.offset < a.end();
            if live_together && overlap && !declared(first, second) {
                return Err(ProgramError::Overlap { first, second });
            }
        }
    }
    Ok(())
}

/// Name `idx`: the section holds the number of names, then offset and length of each, then text.
pub(super) fn name(section: &[u8], idx: u32) -> Option<&str> {
    let [n_names] = words::<1>(section.get(..4)?);
    if idx >= n_names {
        return None;
    }
    let at = 4 + 8 * idx as usize;
    let [offset, len] = words::<2>(section.get(at..at + 8)?);
    let end = (offset as usize).checked_add(len as usize)?;
    core::str::from_utf8(section.get(offset as usize..end)?).ok()
}

fn is_quant(quant: QuantParams) -> bool {
    quant.scale.is_normal() && quant.scale > 0.0 && (-128..=127).contains(&quant.zero_point)
}

fn is_clamp([min, max]: [i32; 2]) -> bool {
    (-128..=127).contains(&min) && min <= max && max <= 127
}
