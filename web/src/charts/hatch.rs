//! Patterns that tell roles apart without colour.

use super::Area;

/// A line from one point to another.
pub type Stroke = [(f64, f64); 2];

/// How a role is hatched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Not at all.
    Plain,
    /// Lines that rise.
    Rising,
    /// Lines that fall.
    Falling,
    /// Lines that lie.
    Lying,
    /// Lines that stand.
    Standing,
    /// Lines that lie and lines that stand.
    Grid,
    /// Lines that rise and lines that fall.
    Crossed,
    /// Lines that rise, far apart.
    Sparse,
}

/// The patterns in the order of [`quartermeg_core::program::Role::ALL`].
const PATTERNS: [Pattern; 11] = [
    Pattern::Crossed,
    Pattern::Plain,
    Pattern::Plain,
    Pattern::Standing,
    Pattern::Grid,
    Pattern::Plain,
    Pattern::Rising,
    Pattern::Lying,
    Pattern::Falling,
    Pattern::Sparse,
    Pattern::Standing,
];

/// Pixels between two lines.
const SPACING: f64 = 5.0;

impl Pattern {
    /// The pattern of a role.
    #[must_use]
    pub fn of_role(role: u8) -> Self {
        PATTERNS
            .get(usize::from(role))
            .copied()
            .unwrap_or(Self::Plain)
    }

    /// The lines of the pattern inside an area. They lie on a lattice of the whole plane, so
    /// that neighbours of one role join.
    #[must_use]
    pub fn strokes(self, area: Area) -> Vec<Stroke> {
        match self {
            Self::Plain => Vec::new(),
            Self::Rising => slanted(area, SPACING * 1.4, true),
            Self::Sparse => slanted(area, SPACING * 2.4, true),
            Self::Falling => slanted(area, SPACING * 1.4, false),
            Self::Crossed => {
                let mut strokes = slanted(area, SPACING * 1.8, true);
                strokes.extend(slanted(area, SPACING * 1.8, false));
                strokes
            }
            Self::Lying => lying(area),
            Self::Standing => standing(area),
            Self::Grid => {
                let mut strokes = lying(area);
                strokes.extend(standing(area));
                strokes
            }
        }
    }
}

fn lattice(from: f64, to: f64, spacing: f64) -> impl Iterator<Item = f64> {
    let first = (from / spacing).ceil();
    (0..4096u32)
        .map(move |n| (first + f64::from(n)) * spacing)
        .take_while(move |&at| at < to)
}

fn lying(area: Area) -> Vec<Stroke> {
    lattice(area.top, area.bottom, SPACING)
        .map(|y| [(area.left, y), (area.right, y)])
        .collect()
}

fn standing(area: Area) -> Vec<Stroke> {
    lattice(area.left, area.right, SPACING)
        .map(|x| [(x, area.top), (x, area.bottom)])
        .collect()
}

/// Diagonals cut to the area. A rising line has a constant `x + y`, a falling one a constant
/// `x - y`.
fn slanted(area: Area, spacing: f64, rising: bool) -> Vec<Stroke> {
    let Area {
        left,
        top,
        right,
        bottom,
    } = area;
    if rising {
        lattice(left + top, right + bottom, spacing)
            .map(|sum| {
                let from = left.max(sum - bottom);
                let to = right.min(sum - top);
                [(from, sum - from), (to, sum - to)]
            })
            .collect()
    } else {
        lattice(left - bottom, right - top, spacing)
            .map(|difference| {
                let from = left.max(difference + top);
                let to = right.min(difference + bottom);
                [(from, from - difference), (to, to - difference)]
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Area = Area {
        left: 3.0,
        top: 7.0,
        right: 40.0,
        bottom: 22.0,
    };

    #[test]
    fn every_line_stays_inside() {
        for pattern in PATTERNS {
            for (x, y) in pattern.strokes(AREA).into_iter().flatten() {
                assert!((AREA.left..=AREA.right).contains(&x), "{pattern:?} {x}");
                assert!((AREA.top..=AREA.bottom).contains(&y), "{pattern:?} {y}");
            }
        }
    }

    #[test]
    fn all_but_plain_draw_something() {
        for pattern in PATTERNS {
            assert_eq!(pattern.strokes(AREA).is_empty(), pattern == Pattern::Plain);
        }
    }

    #[test]
    fn neighbours_join() {
        let lower = Area {
            top: AREA.bottom,
            bottom: 60.0,
            ..AREA
        };
        let upper_x: Vec<f64> = Pattern::Standing
            .strokes(AREA)
            .iter()
            .map(|stroke| stroke[0].0)
            .collect();
        let lower_x: Vec<f64> = Pattern::Standing
            .strokes(lower)
            .iter()
            .map(|stroke| stroke[0].0)
            .collect();
        assert_eq!(upper_x, lower_x);
    }
}
