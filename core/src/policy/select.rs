//! Which channels of a partially updated layer learn.

use alloc::vec::Vec;

use crate::network::Conv;
use crate::quant::ChannelChoice;

/// `floor(ratio * channels)`, the number of channels that learn.
///
/// The product is rounded to f32, so that a ratio written as 0.7 selects 7 of 10 channels, as
/// `int(0.7 * 10)` does in the released code.
#[must_use]
pub fn selected_count(ratio: f32, channels: usize) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "both factors are small and not negative; the rule is floor"
    )]
    let count = (ratio * channels as f32) as usize;
    count.min(channels)
}

/// `round(ratio * channels)`, half to even: what the released firmware selects.
fn rounded_count(ratio: f32, channels: usize) -> usize {
    #[expect(clippy::cast_precision_loss, reason = "at most 4096 channels")]
    let count = crate::quant::half_even(ratio * channels as f32);
    usize::try_from(count).unwrap_or(0).min(channels)
}

/// How many channels [`selected_channels`] selects.
pub(crate) fn count_under(choice: ChannelChoice, ratio: f32, channels: usize) -> usize {
    match choice {
        ChannelChoice::First => rounded_count(ratio, channels),
        ChannelChoice::Largest => selected_count(ratio, channels),
    }
}

/// The input channels (depthwise: channels) of `conv` that learn at `ratio`, ascending:
/// those with the largest sum of squares of the int8 codes, ties by lower index
/// (paper: larger L2 norm; numerics: "channels of a partial ratio"), or the first ones.
#[must_use]
pub fn selected_channels(
    conv: &Conv,
    in_channels: usize,
    ratio: f32,
    choice: ChannelChoice,
) -> Vec<usize> {
    let count = count_under(choice, ratio, in_channels);
    if choice == ChannelChoice::First || count == 0 || count == in_channels {
        return (0..count).collect();
    }
    let mut energy = alloc::vec![0u64; in_channels];
    if conv.depthwise {
        let taps = conv.kernel[0] * conv.kernel[1];
        for (channel, filter) in conv.weight.chunks_exact(taps).enumerate() {
            energy[channel] = filter.iter().map(|&code| square(code)).sum();
        }
    } else {
        for pixel in conv.weight.chunks_exact(in_channels) {
            for (sum, &code) in energy.iter_mut().zip(pixel) {
                *sum += square(code);
            }
        }
    }
    // Most energy first, of equals the lower channel; the middle zero makes it the planner's sort.
    let mut order: Vec<(u64, u32, u32)> = (0..)
        .zip(&energy)
        .map(|(channel, &energy)| (!energy, 0, channel))
        .collect();
    order.sort_unstable();
    order.truncate(count);
    let channels = order.into_iter().map(|(_, _, channel)| channel as usize);
    let mut channels: Vec<usize> = channels.collect();
    channels.sort_unstable();
    channels
}

fn square(code: i8) -> u64 {
    u64::from(code.unsigned_abs()).pow(2)
}
