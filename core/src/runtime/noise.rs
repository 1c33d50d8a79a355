//! Rounding noise and sample order: pure functions of the seed, without state, so that tiling,
//! fusion and the order of execution cannot change them.

/// Stands where a parameter would, for the order of the samples.
const ORDER: u32 = u32::MAX;

/// Mixes 32 bits: a bijection of multiplications and shifts whose constants were found by
/// Chris Wellons' search for low bias.
#[inline(always)]
#[must_use]
pub fn mix(mut bits: u32) -> u32 {
    bits ^= bits >> 16;
    bits = bits.wrapping_mul(0x7feb_352d);
    bits ^= bits >> 15;
    bits = bits.wrapping_mul(0x846c_a68b);
    bits ^ (bits >> 16)
}

/// Noise of one parameter in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noise {
    key: u32,
}

impl Noise {
    /// `parameter` is `2 * layer` for weights and `2 * layer + 1` for biases.
    #[must_use]
    pub fn new(seed: u64, step: u32, parameter: u32) -> Self {
        let [a, b, c, d, e, f, g, h] = seed.to_le_bytes();
        let low = u32::from_le_bytes([a, b, c, d]);
        let high = u32::from_le_bytes([e, f, g, h]);
        let key = [low, high, step, parameter]
            .into_iter()
            .fold(0x9e37_79b9, |key, part| {
                mix(key ^ part).wrapping_add(0x6d2b_79f5)
            });
        Self { key }
    }

    /// The hash of one element, by its flat index in the full tensor.
    #[inline(always)]
    #[must_use]
    pub fn bits(self, index: u32) -> u32 {
        mix(index.wrapping_mul(0x9e37_79b1) ^ self.key)
    }

    /// A multiple of 2^-24 in `0.0..1.0`.
    #[inline(always)]
    #[must_use]
    pub fn unit(self, index: u32) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "24 bits fit f32")]
        let top = (self.bits(index) >> 8) as f32;
        top * (1.0 / 16_777_216.0)
    }
}

/// Which of `n_samples` is learned in `step`: each once an epoch, in an order that depends on
/// the seed and the epoch.
///
/// `n_samples` is above zero.
#[must_use]
pub fn sample_at(seed: u64, step: u32, n_samples: u32) -> u32 {
    let epoch = step / n_samples;
    let position = step % n_samples;
    let noise = Noise::new(seed, epoch, ORDER);
    let start = noise.bits(0) % n_samples;
    // A stride near half of the samples keeps neighbours apart even if they are sorted by class.
    let mut stride = n_samples / 4 + noise.bits(1) % (n_samples / 2 + 1);
    while greatest_common_divisor(stride, n_samples) != 1 {
        stride = (stride + 1) % n_samples.max(2);
    }
    let at = (u64::from(start) + u64::from(stride) * u64::from(position)) % u64::from(n_samples);
    #[expect(clippy::cast_possible_truncation, reason = "below n_samples")]
    let sample = at as u32;
    sample
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_comes_once_an_epoch() {
        for n_samples in [1, 2, 3, 10, 300, 301] {
            for epoch in 0..3 {
                let mut seen = [false; 301];
                for position in 0..n_samples {
                    let sample = sample_at(7, epoch * n_samples + position, n_samples);
                    assert!(!core::mem::replace(&mut seen[sample as usize], true));
                }
            }
        }
    }

    #[test]
    fn noise_has_golden_values() {
        let noise = Noise::new(0x0123_4567_89ab_cdef, 5, 3);
        let bits = [0, 1, 2, 1000].map(|index| noise.bits(index));
        // Computed by a separate implementation in Python.
        assert_eq!(
            bits,
            [1_721_996_522, 3_679_052_986, 442_447_181, 995_819_963]
        );
        assert!((0..1000).all(|index| (0.0..1.0).contains(&noise.unit(index))));
    }
}
