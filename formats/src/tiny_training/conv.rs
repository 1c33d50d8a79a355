//! From the dictionary of a convolution to the core's convolution.

use quartermeg_core::network::{Clamp, Conv, Shape, Value};
use quartermeg_core::quant::QuantParams;

use super::budget::Budget;
use super::error::{FieldError, TinyTrainingError};
use super::fields::Fields;
use super::place::Place;

/// Largest extent of a value, as in the core.
pub(super) const MAX_EXTENT: u16 = 4096;

/// The codes that a layer may output. The activation function is in the scale: of a layer with
/// `ReLU6`, code -128 stands for 0 and code 127 for at most 6.
pub(super) const CLAMP: Clamp = Clamp {
    min: -128,
    max: 127,
};

/// Keys of a convolution.
const KEYS: [&str; 10] = [
    "in_channel",
    "in_shape",
    "out_channel",
    "out_shape",
    "kernel_size",
    "stride",
    "groups",
    "depthwise",
    "act",
    "params",
];

/// Keys of its `params`.
const PARAMS: [&str; 7] = [
    "weight", "bias", "x_scale", "x_zero", "y_scale", "y_zero", "w_scales",
];

/// What a convolution must be at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Any kernel, all channels.
    Ordinary,
    /// One tap, all channels.
    Pointwise,
    /// Any kernel, one filter per channel.
    Depthwise,
}

/// The dictionary of the convolution in `field`.
pub(super) fn open<'p, 'a>(
    parent: &Fields<'p, 'a>,
    field: &'static str,
    place: Place,
) -> Result<Fields<'p, 'a>, TinyTrainingError> {
    parent.dict(field, place, &KEYS)
}

/// Whether `field` holds a dictionary with a key that only a convolution has.
pub(super) fn is_conv(parent: &Fields<'_, '_>, field: &str) -> bool {
    ["out_channel", "kernel_size", "stride", "groups"]
        .iter()
        .any(|key| parent.has_in(field, key))
}

/// The dictionary of its parameters.
fn open_params<'p, 'a>(
    fields: &Fields<'p, 'a>,
    place: Place,
) -> Result<Fields<'p, 'a>, TinyTrainingError> {
    fields.dict("params", place, &PARAMS)
}

/// Scale and zero point in a pair of fields.
pub(super) fn quant(
    params: &Fields<'_, '_>,
    [scale, zero]: [&'static str; 2],
) -> Result<QuantParams, TinyTrainingError> {
    let zero_point = params.integer(zero, -128, 127)?;
    Ok(QuantParams {
        scale: params.scale(scale)?,
        zero_point: i32::try_from(zero_point).expect("invariant: from -128 to 127"),
    })
}

/// Refuses parameters that were made for an input with another scale or zero point.
pub(super) fn check_input(
    params: &Fields<'_, '_>,
    input: QuantParams,
) -> Result<(), TinyTrainingError> {
    let found = quant(params, ["x_scale", "x_zero"])?;
    // The bits, since no arithmetic lies between the two.
    if found.scale.to_bits() != input.scale.to_bits() {
        let error = FieldError::Scale {
            expected: input.scale,
            found: found.scale,
        };
        return Err(params.error("x_scale", error));
    }
    if found.zero_point != input.zero_point {
        let error = FieldError::Number {
            expected: i64::from(input.zero_point),
            found: i64::from(found.zero_point),
        };
        return Err(params.error("x_zero", error));
    }
    Ok(())
}

/// The value that the first convolution reads: the image.
pub(super) fn image(fields: &Fields<'_, '_>, place: Place) -> Result<Value, TinyTrainingError> {
    let [h, w] = fields.pair("in_shape", MAX_EXTENT)?;
    let c = fields.extent("in_channel", MAX_EXTENT)?;
    let params = open_params(fields, place)?;
    Ok(Value {
        shape: Shape { h, w, c },
        quant: quant(&params, ["x_scale", "x_zero"])?,
    })
}

/// A convolution of `input`, and the value that it makes.
pub(super) fn read(
    fields: &Fields<'_, '_>,
    place: Place,
    role: Role,
    input: Value,
    budget: &mut Budget,
) -> Result<(Conv, Value), TinyTrainingError> {
    let depthwise = role == Role::Depthwise;
    fields.none("act")?;
    fields.agree_bool("depthwise", depthwise)?;
    fields.agree("in_channel", input.shape.c)?;
    fields.agree_pair("in_shape", [input.shape.h, input.shape.w])?;
    let channels = fields.extent("out_channel", MAX_EXTENT)?;
    let kernel = fields.pair(
        "kernel_size",
        if role == Role::Pointwise {
            1
        } else {
            MAX_EXTENT
        },
    )?;
    if let Some(&found) = kernel.iter().find(|extent| extent.is_multiple_of(2)) {
        return Err(fields.error("kernel_size", FieldError::EvenKernel { found }));
    }
    let stride = fields.pair("stride", 2)?;
    fields.extent("groups", MAX_EXTENT)?;
    fields.agree("groups", if depthwise { input.shape.c } else { 1 })?;
    if depthwise {
        fields.agree("out_channel", input.shape.c)?;
    }
    // As many pixels before the image as after it, so that the middle of the kernel starts on the
    // first pixel.
    let [top, left] = kernel.map(|extent| (extent - 1) / 2);
    let shape = Shape {
        h: (input.shape.h - 1) / stride[0] + 1,
        w: (input.shape.w - 1) / stride[1] + 1,
        c: channels,
    };
    fields.agree_pair("out_shape", [shape.h, shape.w])?;

    let params = open_params(fields, place)?;
    check_input(&params, input.quant)?;
    let output = quant(&params, ["y_scale", "y_zero"])?;
    let per_filter = if depthwise { 1 } else { input.shape.c };
    let weight = params
        .array("weight")?
        .i8s_channel_last([channels, per_filter, kernel[0], kernel[1]], budget)
        .map_err(|error| params.error("weight", error))?;
    let bias = params
        .array("bias")?
        .i32s(channels, budget)
        .map_err(|error| params.error("bias", error))?;
    let weight_scale = params
        .array("w_scales")?
        .f32s(channels, budget)
        .map_err(|error| params.error("w_scales", error))?;
    // The simulator multiplies and divides the file's own digits.
    let [x_scale, y_scale] = [params.real("x_scale")?, params.real("y_scale")?];
    let real_scale = weight_scale
        .iter()
        .map(|&scale| x_scale * f64::from(scale) / y_scale)
        .collect();
    let conv = Conv {
        depthwise,
        kernel,
        stride,
        padding: [top, left, top, left],
        weight,
        bias,
        weight_scale,
        real_scale: Some(real_scale),
        output,
        clamp: CLAMP,
    };
    let value = Value {
        shape,
        quant: output,
    };
    Ok((conv, value))
}
