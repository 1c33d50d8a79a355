//! Between the core's layouts and those of `PyTorch`.

use quartermeg_core::network::Conv;

/// `[c, h, w]` to `[h, w, c]`.
pub(super) fn to_nhwc<T: Copy>(planar: &[T], channels: usize) -> Vec<T> {
    transposed(planar, channels)
}

/// `[h, w, c]` to `[c, h, w]`.
pub(super) fn to_nchw<T: Copy>(values: &[T], channels: usize) -> Vec<T> {
    transposed(values, values.len() / channels.max(1))
}

/// A matrix of `rows`, transposed.
fn transposed<T: Copy>(values: &[T], rows: usize) -> Vec<T> {
    let columns = values.len() / rows.max(1);
    (0..columns)
        .flat_map(|column| (0..rows).map(move |row| row * columns + column))
        .map(|at| values[at])
        .collect()
}

/// `[out, kh, kw, in]` to `[out, in, kh, kw]`; depthwise weights `[c, kh, kw]` are equal in both.
pub(super) fn to_oihw<T: Copy>(weight: &[T], conv: &Conv) -> Vec<T> {
    if conv.depthwise {
        return weight.to_vec();
    }
    let per_output = weight.len() / conv.bias.len().max(1);
    let in_channels = per_output / (conv.kernel[0] * conv.kernel[1]).max(1);
    weight
        .chunks_exact(per_output.max(1))
        .flat_map(|row| to_nchw(row, in_channels))
        .collect()
}

/// The shape of such a weight.
pub(super) fn oihw_shape(conv: &Conv) -> Vec<usize> {
    let [kh, kw] = conv.kernel;
    let per_output = conv.weight.len() / conv.bias.len().max(1);
    vec![conv.bias.len(), per_output / (kh * kw).max(1), kh, kw]
}
