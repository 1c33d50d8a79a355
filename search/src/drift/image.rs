//! Changes of images, on codes `[row, column, channel]`.
//!
//! Where a changed image shows what lay outside the old one, the pixel of its edge that is nearest
//! goes on: around a drawing that is its ground, and in a photograph no edge is made up.

use quartermeg_core::network::Shape;

use super::{code, sin_cos};

/// Written by another hand: strokes lean to the right by so many degrees, or to the left.
#[must_use]
pub fn slanted(codes: &[i8], shape: Shape, degrees: i32) -> Vec<i8> {
    let [sin, cos] = sin_cos(degrees.clamp(-MAX_SLANT, MAX_SLANT));
    mapped(codes, shape, [[1.0, sin / cos], [0.0, 1.0]])
}

/// Beyond this, nothing can be read.
const MAX_SLANT: i32 = 60;

/// Turned clockwise around the middle.
#[must_use]
pub fn rotated(codes: &[i8], shape: Shape, degrees: i32) -> Vec<i8> {
    let [sin, cos] = sin_cos(degrees);
    mapped(codes, shape, [[cos, sin], [-sin, cos]])
}

/// In so many per cent of the light: the distance of each code from that of black becomes larger or
/// smaller, and what is lighter than white stays white.
#[must_use]
pub fn lit(codes: &[i8], black: i8, percent: u32) -> Vec<i8> {
    let share = f64::from(percent) / 100.0;
    let light = |&it: &i8| code(f64::from(black) + share * (f64::from(it) - f64::from(black)));
    codes.iter().map(light).collect()
}

/// An image whose pixels come from elsewhere in another: `matrix` leads from a place around the
/// middle to the place that it comes from, columns first, between whose four pixels it is
/// interpolated.
fn mapped(codes: &[i8], shape: Shape, matrix: [[f64; 2]; 2]) -> Vec<i8> {
    let middle = [shape.w, shape.h].map(|extent| 0.5 * (float(extent) - 1.0));
    let mut changed = Vec::with_capacity(codes.len());
    for row in 0..shape.h {
        for column in 0..shape.w {
            let from_middle = [float(column) - middle[0], float(row) - middle[1]];
            let place = |axis: usize, extent: usize| {
                let [across, down] = matrix[axis];
                let at = middle[axis] + across * from_middle[0] + down * from_middle[1];
                neighbours(at, extent)
            };
            let ([left, right], x) = place(0, shape.w);
            let ([upper, lower], y) = place(1, shape.h);
            for channel in 0..shape.c {
                let pixel = |row: usize, column: usize| {
                    let at = (row * shape.w + column) * shape.c + channel;
                    f64::from(codes[at])
                };
                let between = |row: usize| (1.0 - x) * pixel(row, left) + x * pixel(row, right);
                changed.push(code((1.0 - y) * between(upper) + y * between(lower)));
            }
        }
    }
    changed
}

/// The pixels on both sides of a place, held inside the image, and the share of the second.
fn neighbours(at: f64, extent: usize) -> ([usize; 2], f64) {
    let last = extent.saturating_sub(1);
    let at = at.clamp(0.0, float(last));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the last pixel"
    )]
    let first = at as usize;
    ([first, (first + 1).min(last)], at - float(first))
}

fn float(extent: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "images are small")]
    let extent = extent as f64;
    extent
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(h: usize, w: usize, c: usize) -> Shape {
        Shape { h, w, c }
    }

    /// Codes that differ from place to place.
    fn pattern(shape: Shape) -> Vec<i8> {
        let values = 0..u32::try_from(shape.len()).unwrap();
        let values = values.map(|at| u8::try_from(at * 97 % 251).unwrap().cast_signed());
        values.collect()
    }

    #[test]
    fn nothing_changes_at_strength_zero() {
        for shape in [shape(5, 4, 3), shape(1, 1, 1), shape(7, 7, 1)] {
            let codes = pattern(shape);
            assert_eq!(slanted(&codes, shape, 0), codes);
            assert_eq!(rotated(&codes, shape, 0), codes);
            assert_eq!(rotated(&codes, shape, 360), codes);
            assert_eq!(lit(&codes, -128, 100), codes);
        }
    }

    #[test]
    fn quarter_turns_move_whole_pixels() {
        // 1 2     3 1     4 3
        // 3 4  -> 4 2  -> 2 1
        let codes = [1, 2, 3, 4];
        assert_eq!(rotated(&codes, shape(2, 2, 1), 90), [3, 1, 4, 2]);
        assert_eq!(rotated(&codes, shape(2, 2, 1), 180), [4, 3, 2, 1]);
        assert_eq!(rotated(&codes, shape(2, 2, 1), -90), [2, 4, 1, 3]);
        // Channels stay together.
        let two = [1, -1, 2, -2, 3, -3, 4, -4];
        assert_eq!(
            rotated(&two, shape(2, 2, 2), 180),
            [4, -4, 3, -3, 2, -2, 1, -1]
        );
    }

    #[test]
    fn an_upright_stroke_leans_by_a_pixel_a_row_at_45_degrees() {
        #[rustfmt::skip]
        let upright = [
            0, 0, 9, 0, 0,
            0, 0, 9, 0, 0,
            0, 0, 9, 0, 0,
        ];
        #[rustfmt::skip]
        let leaning = [
            0, 0, 0, 9, 0,
            0, 0, 9, 0, 0,
            0, 9, 0, 0, 0,
        ];
        assert_eq!(slanted(&upright, shape(3, 5, 1), 45), leaning);
        let back = slanted(&leaning, shape(3, 5, 1), -45);
        assert_eq!(back, upright);
    }

    #[test]
    fn between_pixels_their_mean_counts_and_behind_the_edge_the_edge() {
        // tan(45°) / 2 of a row: two rows, so half a pixel up and down.
        let codes = [0, 40, 80, 0, 40, 80];
        assert_eq!(slanted(&codes, shape(2, 3, 1), 45), [0, 20, 60, 20, 60, 80]);
    }

    #[test]
    fn light_is_counted_from_black() {
        assert_eq!(lit(&[-128, -28, 127], -128, 50), [-128, -78, -1]);
        assert_eq!(lit(&[-128, -28, 127], -128, 200), [-128, 72, 127]);
        assert_eq!(lit(&[0, 10, -10], 0, 150), [0, 15, -15]);
        assert_eq!(lit(&[5, 100], 3, 0), [3, 3]);
    }

    #[test]
    fn every_angle_has_an_image() {
        let shape = shape(3, 2, 1);
        let codes = pattern(shape);
        for degrees in [i32::MIN, -90, 91, 720, i32::MAX] {
            assert_eq!(slanted(&codes, shape, degrees).len(), codes.len());
            assert_eq!(rotated(&codes, shape, degrees).len(), codes.len());
        }
    }
}
