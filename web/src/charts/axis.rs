//! From values to pixels and back, and where to write numbers.

/// A linear axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// Values at both ends.
    pub values: [f64; 2],
    /// Pixels at both ends; the first may be the larger one.
    pub pixels: [f64; 2],
}

impl Axis {
    /// The pixel of a value.
    #[must_use]
    pub fn pixel(&self, value: f64) -> f64 {
        let [from, to] = self.values;
        let [start, end] = self.pixels;
        let span = to - from;
        if span.abs() < f64::EPSILON {
            return start;
        }
        start + (value - from) / span * (end - start)
    }

    /// The value at a pixel.
    #[must_use]
    pub fn value(&self, pixel: f64) -> f64 {
        let reversed = Self {
            values: self.pixels,
            pixels: self.values,
        };
        reversed.pixel(pixel)
    }

    /// Round values on the axis, at most `max_count`, in steps of 1, 2 or 5 times a power of ten.
    #[must_use]
    pub fn ticks(&self, max_count: u32) -> Vec<f64> {
        let [low, high] = self.ordered();
        let step = step_of_ten((high - low) / f64::from(max_count.max(1)));
        multiples(low, high, step)
    }

    /// Like [`Self::ticks`], in whole numbers.
    #[must_use]
    pub fn whole_ticks(&self, max_count: u32) -> Vec<f64> {
        let [low, high] = self.ordered();
        let step = step_of_ten((high - low) / f64::from(max_count.max(1))).max(1.0);
        multiples(low, high, step)
    }

    /// Round numbers of bytes on the axis, at most `max_count`, in steps that are powers of two.
    #[must_use]
    pub fn byte_ticks(&self, max_count: u32) -> Vec<f64> {
        let [low, high] = self.ordered();
        let mut step = 1024.0;
        while (high - low) / step > f64::from(max_count.max(1)) {
            step *= 2.0;
        }
        multiples(low, high, step)
    }

    fn ordered(&self) -> [f64; 2] {
        let [a, b] = self.values;
        [a.min(b), a.max(b)]
    }
}

fn step_of_ten(at_least: f64) -> f64 {
    if at_least <= 0.0 || !at_least.is_finite() {
        return 1.0;
    }
    let power = 10f64.powf(at_least.log10().floor());
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|digit| digit * power)
        // A hair of slack for powers that are not exact.
        .find(|&step| step >= at_least * 0.999_999)
        .unwrap_or(10.0 * power)
}

fn multiples(low: f64, high: f64, step: f64) -> Vec<f64> {
    let mut ticks = Vec::new();
    let mut multiple = (low / step).ceil();
    while multiple * step <= high + step * 1e-6 && ticks.len() < 64 {
        // Adding zero turns a negative zero into a positive one.
        ticks.push(multiple * step + 0.0);
        multiple += 1.0;
    }
    ticks
}

/// The whole part of a number that is not negative.
pub(super) fn floor_u32(value: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates, which is what is wanted"
    )]
    let whole = value.floor() as u32;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(low: f64, high: f64) -> Axis {
        Axis {
            values: [low, high],
            pixels: [100.0, 0.0],
        }
    }

    #[test]
    fn a_pixel_and_its_value_belong_together() {
        let axis = axis(2.0, 4.0);
        assert!((axis.pixel(2.5) - 75.0).abs() < 1e-9);
        assert!((axis.value(75.0) - 2.5).abs() < 1e-9);
        assert!(
            (Axis {
                values: [1.0, 1.0],
                ..axis
            }
            .pixel(5.0)
                - 100.0)
                .abs()
                < 1e-9
        );
    }

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(axis(0.0, 2.4).ticks(5), [0.0, 0.5, 1.0, 1.5, 2.0]);
        assert_eq!(axis(-3.0, 13.0).ticks(4), [0.0, 5.0, 10.0]);
        assert_eq!(axis(0.0, 3.0).whole_ticks(10), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(axis(0.0, 0.0).ticks(4), [0.0]);
    }

    #[test]
    fn byte_ticks_are_powers_of_two_apart() {
        assert_eq!(
            axis(0.0, 262_144.0).byte_ticks(4),
            [0.0, 65_536.0, 131_072.0, 196_608.0, 262_144.0]
        );
    }
}
