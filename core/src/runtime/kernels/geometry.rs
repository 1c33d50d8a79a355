//! Which taps of a kernel meet which pixels.

use core::ops::Range;

use crate::program::Geometry;

/// Taps along one axis that fall inside the input for output position `out`: the first and one
/// past the last. Tap `t` reads input position `out * stride + t - padding`.
#[inline(always)]
pub(in crate::runtime) fn taps_inside(
    geometry: &Geometry,
    axis: usize,
    out: usize,
) -> Range<usize> {
    let start = out * geometry.stride[axis] as usize;
    let padding = geometry.padding[axis] as usize;
    let first = padding.saturating_sub(start);
    let end = (geometry.input[axis] as usize + padding)
        .saturating_sub(start)
        .min(geometry.kernel[axis] as usize);
    first.min(end)..end
}

/// Output positions along one axis for which `tap` falls inside the input.
#[inline(always)]
pub(in crate::runtime) fn outputs_inside(
    geometry: &Geometry,
    axis: usize,
    tap: usize,
) -> Range<usize> {
    let stride = geometry.stride[axis] as usize;
    let padding = geometry.padding[axis] as usize;
    let first = padding.saturating_sub(tap).div_ceil(stride);
    let end = (geometry.input[axis] as usize + padding)
        .saturating_sub(tap)
        .div_ceil(stride)
        .min(geometry.output[axis] as usize);
    first.min(end)..end
}

/// The taps of an output pixel that lie inside the input, ascending: tap index, input pixel.
#[inline(always)]
pub(in crate::runtime) fn window(
    geometry: &Geometry,
    oy: usize,
    ox: usize,
) -> impl Iterator<Item = (usize, usize)> {
    let columns = taps_inside(geometry, 1, ox);
    let [sh, sw] = geometry.stride.map(|stride| stride as usize);
    let [pt, pl] = geometry.padding.map(|padding| padding as usize);
    let (kw, w) = (geometry.kernel[1] as usize, geometry.input[1] as usize);
    taps_inside(geometry, 0, oy).flat_map(move |ky| {
        columns.clone().map(move |kx| {
            let pixel = (oy * sh + ky - pt) * w + ox * sw + kx - pl;
            (ky * kw + kx, pixel)
        })
    })
}

/// The taps through which an input pixel reaches output pixels, ascending: tap index, output
/// pixel.
#[inline(always)]
pub(in crate::runtime) fn gather(
    geometry: &Geometry,
    iy: usize,
    ix: usize,
) -> impl Iterator<Item = (usize, usize)> {
    let [kh, kw] = geometry.kernel.map(|extent| extent as usize);
    let [pt, pl] = geometry.padding.map(|padding| padding as usize);
    let [sh, sw] = geometry.stride.map(|stride| stride as usize);
    let [out_h, out_w, _] = geometry.output.map(|extent| extent as usize);
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
