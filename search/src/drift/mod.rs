//! Drift: a world that changes under a learner, and what each way of learning forgets and recovers.
//!
//! A [`Change`] makes of the samples of a scenario two [`Worlds`], before and after. A [`Drift`] is
//! the experiment: a learner learns in the first, then in the second, its weights and momentum going
//! on over the change, and is measured in both. No change draws a random number, so the worlds are
//! a function of the samples alone (`docs/drift.md`).

mod experiment;
mod image;
mod learners;
mod motion;
mod runs;
mod worlds;

pub use experiment::{Course, Drift, Measure};
pub use image::{lit, rotated, slanted};
pub use learners::{Learner, LearnerPlan, LineUp};
pub use motion::{mirrored, turned};
pub use runs::{Point, runs};
pub use worlds::{AFTER, BEFORE, Change, DriftError, Worlds};

/// Sine and cosine of whole degrees. They are sums and products alone, so that every machine finds
/// the same bits.
fn sin_cos(degrees: i32) -> [f64; 2] {
    let degrees = degrees.rem_euclid(360);
    let quarters = (degrees + 45) / 90;
    let x = f64::from(degrees - 90 * quarters) * (std::f64::consts::PI / 180.0);
    let (mut sin, mut cos) = (x, 1.0);
    let (mut sin_term, mut cos_term) = (x, 1.0);
    for n in 1..10 {
        let twice = f64::from(2 * n);
        cos_term *= -x * x / (twice * (twice - 1.0));
        sin_term *= -x * x / (twice * (twice + 1.0));
        cos += cos_term;
        sin += sin_term;
    }
    match quarters % 4 {
        0 => [sin, cos],
        1 => [cos, -sin],
        2 => [-sin, -cos],
        _ => [-cos, sin],
    }
}

/// The nearest code, held inside -128..=127.
fn code(value: f64) -> i8 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "held inside the range before"
    )]
    let code = value.round().clamp(-128.0, 127.0) as i8;
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_are_those_of_the_library() {
        for degrees in -400..=400 {
            let [sin, cos] = sin_cos(degrees);
            let angle = f64::from(degrees).to_radians();
            assert!((sin - angle.sin()).abs() < 1e-12, "{degrees}");
            assert!((cos - angle.cos()).abs() < 1e-12, "{degrees}");
        }
        // Nothing is left of a rounding where an image or an axis stays as it is.
        assert_eq!(
            sin_cos(0).map(f64::to_bits),
            [0.0, 1.0f64].map(f64::to_bits)
        );
    }

    #[test]
    fn codes_stay_codes() {
        assert_eq!([127.6, -900.0, 2.5, -2.5].map(code), [127, -128, 3, -3]);
    }
}
