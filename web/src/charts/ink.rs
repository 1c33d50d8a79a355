//! Drawings by hand: from strokes to an image like those that the network learns from.
//!
//! The digits of the data set fill a box of 20 x 20 pixels, whose centre of mass stands in the
//! middle of 28 x 28; so does a drawing, whatever its size and place on the pad.

/// Pixels on a side of the image.
pub const SIDE: u32 = 28;
/// Pixels on a side of the box that the ink fills.
const BOX_SIDE: f64 = 20.0;
/// Half of the width of a stroke, in pixels of the image.
const RADIUS: f64 = 1.1;

/// A point on the pad; both coordinates are between 0 and 1.
pub type Point = (f64, f64);

/// Strokes in the order in which they were drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawing {
    strokes: Vec<Vec<Point>>,
}

impl Drawing {
    /// Whether there is no ink.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.strokes.is_empty()
    }

    /// The strokes.
    #[must_use]
    pub fn strokes(&self) -> &[Vec<Point>] {
        &self.strokes
    }

    /// Puts the pen down.
    pub fn begin(&mut self, at: Point) {
        self.strokes.push(vec![clamped(at)]);
    }

    /// Moves the pen, which is down.
    pub fn extend(&mut self, at: Point) {
        if let Some(stroke) = self.strokes.last_mut() {
            stroke.push(clamped(at));
        }
    }

    /// The image that the network is asked about, row by row; none without ink.
    #[must_use]
    pub fn image(&self) -> Option<Vec<u8>> {
        let boxed = self.scaled_to_box()?;
        let middle = f64::from(SIDE) / 2.0;
        let first = rasterized(&boxed, (middle, middle));
        let (x, y) = centre_of_mass(&first)?;
        // Moving the strokes rather than the pixels keeps the edges smooth.
        let image = rasterized(&boxed, (2.0 * middle - x, 2.0 * middle - y));
        Some(image.iter().map(|&ink| byte(ink)).collect())
    }

    /// Strokes around the origin, the longer side of their bounding box as long as the ink box.
    fn scaled_to_box(&self) -> Option<Vec<Vec<Point>>> {
        let mut points = self.strokes.iter().flatten();
        let &(x, y) = points.next()?;
        let [mut left, mut right, mut top, mut bottom] = [x, x, y, y];
        for &(x, y) in points {
            left = left.min(x);
            right = right.max(x);
            top = top.min(y);
            bottom = bottom.max(y);
        }
        let longer = (right - left).max(bottom - top);
        // A dot stays a dot.
        let scale = (BOX_SIDE - 2.0 * RADIUS) / longer.max(0.05);
        let (middle_x, middle_y) = (0.5 * (left + right), 0.5 * (top + bottom));
        let place = |&(x, y): &Point| ((x - middle_x) * scale, (y - middle_y) * scale);
        Some(
            self.strokes
                .iter()
                .map(|stroke| stroke.iter().map(place).collect())
                .collect(),
        )
    }
}

fn clamped((x, y): Point) -> Point {
    (x.clamp(0.0, 1.0), y.clamp(0.0, 1.0))
}

/// Pixels with an amount of ink between 0 and 1, for strokes around `origin`.
fn rasterized(strokes: &[Vec<Point>], origin: Point) -> Vec<f64> {
    let mut image = Vec::with_capacity((SIDE * SIDE) as usize);
    for row in 0..SIDE {
        for column in 0..SIDE {
            let pixel = (
                f64::from(column) + 0.5 - origin.0,
                f64::from(row) + 0.5 - origin.1,
            );
            let distance = strokes
                .iter()
                .map(|stroke| distance_to(stroke, pixel))
                .fold(f64::MAX, f64::min);
            image.push((RADIUS + 0.5 - distance).clamp(0.0, 1.0));
        }
    }
    image
}

fn distance_to(stroke: &[Point], pixel: Point) -> f64 {
    let dot = stroke
        .first()
        .map_or(f64::MAX, |&from| distance_to_segment(from, from, pixel));
    stroke
        .windows(2)
        .map(|ends| distance_to_segment(ends[0], ends[1], pixel))
        .fold(dot, f64::min)
}

fn distance_to_segment(from: Point, to: Point, at: Point) -> f64 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length_squared = dx * dx + dy * dy;
    let along = if length_squared > 0.0 {
        (((at.0 - from.0) * dx + (at.1 - from.1) * dy) / length_squared).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (at.0 - from.0 - along * dx).hypot(at.1 - from.1 - along * dy)
}

fn centre_of_mass(image: &[f64]) -> Option<Point> {
    let mut sums = [0.0; 3];
    for (row, pixels) in (0u32..).zip(image.chunks(SIDE as usize)) {
        for (column, &ink) in (0u32..).zip(pixels) {
            sums[0] += ink;
            sums[1] += ink * (f64::from(column) + 0.5);
            sums[2] += ink * (f64::from(row) + 0.5);
        }
    }
    (sums[0] > 0.0).then(|| (sums[1] / sums[0], sums[2] / sums[0]))
}

fn byte(ink: f64) -> u8 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 255"
    )]
    let grey = (255.0 * ink.clamp(0.0, 1.0)).round() as u8;
    grey
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawing(strokes: &[&[Point]]) -> Drawing {
        let mut drawing = Drawing::default();
        for stroke in strokes {
            for (position, &point) in stroke.iter().enumerate() {
                if position == 0 {
                    drawing.begin(point);
                } else {
                    drawing.extend(point);
                }
            }
        }
        drawing
    }

    fn mass_of(image: &[u8]) -> Point {
        let ink: Vec<f64> = image.iter().map(|&grey| f64::from(grey) / 255.0).collect();
        centre_of_mass(&ink).unwrap()
    }

    #[test]
    fn no_ink_is_no_image() {
        assert_eq!(Drawing::default().image(), None);
        let mut drawing = Drawing::default();
        drawing.extend((0.5, 0.5));
        assert!(drawing.is_empty());
    }

    #[test]
    fn ink_is_centred_by_its_mass() {
        let seven = drawing(&[&[(0.05, 0.1), (0.3, 0.1), (0.15, 0.5)]]);
        let (x, y) = mass_of(&seven.image().unwrap());
        assert!((x - 14.0).abs() < 0.2 && (y - 14.0).abs() < 0.2, "{x} {y}");
    }

    #[test]
    fn size_and_place_on_the_pad_do_not_matter() {
        let small = drawing(&[&[(0.1, 0.1), (0.2, 0.3)], &[(0.1, 0.3), (0.2, 0.1)]]);
        let large = drawing(&[&[(0.4, 0.2), (0.7, 0.8)], &[(0.4, 0.8), (0.7, 0.2)]]);
        let (small, large) = (small.image().unwrap(), large.image().unwrap());
        let worst = small
            .iter()
            .zip(&large)
            .map(|(a, b)| a.abs_diff(*b))
            .max()
            .unwrap();
        assert!(worst <= 1, "{worst}");
    }

    #[test]
    fn the_longer_side_fills_twenty_pixels() {
        let one = drawing(&[&[(0.5, 0.2), (0.5, 0.9)]]).image().unwrap();
        let rows: Vec<bool> = one
            .chunks(28)
            .map(|row| row.iter().any(|&grey| grey > 127))
            .collect();
        assert_eq!(rows.iter().filter(|&&ink| ink).count(), 20);
        assert!(one.contains(&255));
    }

    #[test]
    fn edges_are_smooth() {
        let slash = drawing(&[&[(0.2, 0.8), (0.8, 0.3)]]).image().unwrap();
        assert!(slash.iter().any(|grey| (30..220).contains(grey)));
    }

    #[test]
    fn a_dot_is_small_and_in_the_middle() {
        let dot = drawing(&[&[(0.9, 0.1)]]).image().unwrap();
        assert!(dot.iter().filter(|&&grey| grey > 127).count() < 12);
        let (x, y) = mass_of(&dot);
        assert!((x - 14.0).abs() < 0.1 && (y - 14.0).abs() < 0.1);
    }
}
