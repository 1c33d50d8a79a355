//! Which taps of a kernel meet which pixels.

use core::ops::Range;

use crate::program::LayerRecord;

/// Taps along one axis that fall inside the input for output position `out`: the first and one
/// past the last. Tap `t` reads input position `out * stride + t - padding`.
#[inline(always)]
pub(super) fn taps_inside(layer: &LayerRecord, axis: usize, out: usize) -> Range<usize> {
    let start = out * layer.stride[axis] as usize;
    let padding = layer.padding[axis] as usize;
    let first = padding.saturating_sub(start);
    let end = (layer.input[axis] as usize + padding)
        .saturating_sub(start)
        .min(layer.kernel[axis] as usize);
    first.min(end)..end
}

/// Output positions along one axis for which `tap` falls inside the input.
#[inline(always)]
pub(super) fn outputs_inside(layer: &LayerRecord, axis: usize, tap: usize) -> Range<usize> {
    let stride = layer.stride[axis] as usize;
    let padding = layer.padding[axis] as usize;
    let first = padding.saturating_sub(tap).div_ceil(stride);
    let end = (layer.input[axis] as usize + padding)
        .saturating_sub(tap)
        .div_ceil(stride)
        .min(layer.output[axis] as usize);
    first.min(end)..end
}

/// The taps of an output pixel that lie inside the input, ascending: tap index, input pixel.
#[inline(always)]
pub(super) fn window(
    layer: &LayerRecord,
    oy: usize,
    ox: usize,
) -> impl Iterator<Item = (usize, usize)> {
    let columns = taps_inside(layer, 1, ox);
    let [sh, sw] = layer.stride.map(|stride| stride as usize);
    let [pt, pl] = layer.padding.map(|padding| padding as usize);
    let (kw, w) = (layer.kernel[1] as usize, layer.input[1] as usize);
    taps_inside(layer, 0, oy).flat_map(move |ky| {
        columns.clone().map(move |kx| {
            let pixel = (oy * sh + ky - pt) * w + ox * sw + kx - pl;
            (ky * kw + kx, pixel)
        })
    })
}

/// The taps through which an input pixel reaches output pixels, ascending: tap index, output
/// pixel.
#[inline(always)]
pub(super) fn gather(
    layer: &LayerRecord,
    iy: usize,
    ix: usize,
) -> impl Iterator<Item = (usize, usize)> {
    let [kh, kw] = layer.kernel.map(|extent| extent as usize);
    let [pt, pl] = layer.padding.map(|padding| padding as usize);
    let [sh, sw] = layer.stride.map(|stride| stride as usize);
    let [out_h, out_w, _] = layer.output.map(|extent| extent as usize);
    let reach = |shifted: Option<usize>, stride: usize, extent: usize| {
        let shifted = shifted?;
        (shifted.is_multiple_of(stride) && shifted / stride < extent).then_some(shifted / stride)
    };
    (0..kh).flat_map(move |ky| {
        let oy = reach((iy + pt).checked_sub(ky), sh, out_h);
        (0..kw).filter_map(move |kx| {
            let ox = reach((ix + pl).checked_sub(kx), sw, out_w)?;
            Some((ky * kw + kx, oy? * out_w + ox))
        })
    })
}
