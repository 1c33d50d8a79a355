//! Scales, zero points, and fused activations as clamps.

use quartermeg_core::network::Clamp;
use quartermeg_core::quant::QuantParams;

use super::error::{Refusal, TensorProblem};
use super::flatbuffer::Table;
use super::schema::Tensor;

/// Scales and zero points as they stand in the file.
///
/// The dimension that they run along is not read: each use knows it, and some files have a wrong
/// one on their biases.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scales<'a> {
    scales: &'a [[u8; 4]],
    zero_points: &'a [[u8; 8]],
}

impl<'a> Scales<'a> {
    pub(super) fn of(table: Option<Table<'a>>) -> Result<Self, Refusal> {
        Ok(match table {
            Some(table) => Self {
                scales: table.vector(2)?,
                zero_points: table.vector(3)?,
            },
            None => Self {
                scales: &[],
                zero_points: &[],
            },
        })
    }
}

/// The scales of `tensor`, each checked.
fn scales(tensor: &Tensor<'_>, scales: &[[u8; 4]]) -> Result<Vec<f32>, Refusal> {
    scales
        .iter()
        .enumerate()
        .map(|(channel, &scale)| {
            let scale = f32::from_le_bytes(scale);
            if scale.is_normal() && scale > 0.0 {
                Ok(scale)
            } else {
                Err(tensor.refuse(TensorProblem::Scale { channel }))
            }
        })
        .collect()
}

/// Scale and zero point of an activation.
pub(super) fn activation(tensor: &Tensor<'_>) -> Result<QuantParams, Refusal> {
    let quant = tensor.scales()?;
    let &[scale] = scales(tensor, quant.scales)?.as_slice() else {
        return Err(tensor.refuse(TensorProblem::Scales {
            expected: 1,
            found: quant.scales.len(),
        }));
    };
    let zero_point = match quant.zero_points {
        &[zero_point] => i8::try_from(i64::from_le_bytes(zero_point)).ok(),
        _ => None,
    };
    let zero_point = zero_point.ok_or_else(|| tensor.refuse(TensorProblem::ZeroPoint))?;
    Ok(QuantParams {
        scale,
        zero_point: i32::from(zero_point),
    })
}

/// The scales of weights for `channels` outputs: one for all, or one each; zero points are 0.
pub(super) fn weights(tensor: &Tensor<'_>, channels: usize) -> Result<Vec<f32>, Refusal> {
    let quant = tensor.scales()?;
    let found = quant.scales.len();
    if found != 1 && found != channels {
        return Err(tensor.refuse(TensorProblem::Scales {
            expected: channels,
            found,
        }));
    }
    if quant.zero_points.iter().flatten().any(|&byte| byte != 0) {
        return Err(tensor.refuse(TensorProblem::ZeroPoint));
    }
    let mut scales = scales(tensor, quant.scales)?;
    scales.resize(channels, scales[0]);
    Ok(scales)
}

/// The fused activation of number `activation` as codes, by the rule of TensorFlow Lite Micro:
/// each bound is divided by the scale in f32 and rounded half away from zero.
pub(super) fn clamp(activation: u8, output: QuantParams) -> Option<Clamp> {
    let bounds = match activation {
        0 => [None, None],
        1 => [Some(0.0), None],
        2 => [Some(-1.0), Some(1.0)],
        3 => [Some(0.0), Some(6.0)],
        _ => return None,
    };
    let code = |bound: f32| {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "saturates, and is clamped right after"
        )]
        let steps = (bound / output.scale).round() as i32;
        let code = output.zero_point.saturating_add(steps).clamp(-128, 127);
        i8::try_from(code).ok()
    };
    Some(Clamp {
        min: bounds[0].map_or(Some(i8::MIN), code)?,
        max: bounds[1].map_or(Some(i8::MAX), code)?,
    })
}
