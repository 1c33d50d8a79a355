//! What a chart consists of.

/// A rectangle in CSS pixels; `y` grows downwards.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Area {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Lower edge.
    pub bottom: f64,
}

impl Area {
    /// Width.
    #[must_use]
    pub fn width(self) -> f64 {
        self.right - self.left
    }

    /// Height.
    #[must_use]
    pub fn height(self) -> f64 {
        self.bottom - self.top
    }

    /// Whether a point lies inside or on the upper left edges.
    #[must_use]
    pub fn contains(self, x: f64, y: f64) -> bool {
        (self.left..self.right).contains(&x) && (self.top..self.bottom).contains(&y)
    }

    /// The same rectangle, smaller by `margin` on each side.
    #[must_use]
    pub fn shrunk(self, margin: f64) -> Self {
        Self {
            left: self.left + margin,
            top: self.top + margin,
            right: self.right - margin,
            bottom: self.bottom - margin,
        }
    }
}

/// A colour, named by what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Paint {
    /// Text and lines that matter.
    Ink,
    /// Text and lines that explain.
    Muted,
    /// Grid lines.
    Rule,
    /// The ground of the backward pass.
    Shade,
    /// The ground of the chart.
    Ground,
    /// The ground of the panel around it.
    Card,
    /// A limit, and what exceeds it.
    Limit,
    /// The ground of what exceeds a limit.
    LimitShade,
    /// A single measurement, where a curve runs through many.
    Faint,
    /// Ratios of the float network.
    FloatNetwork,
    /// Ratios of int8 as it comes.
    Int8,
    /// Ratios of int8 with QAS.
    Int8Qas,
    /// A tensor, by index into [`quartermeg_core::program::Role::ALL`].
    Role(u8),
    /// The pattern on a tensor.
    Hatch(u8),
}

/// Where a text stands relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// It begins there.
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

/// One thing to draw.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// A filled rectangle.
    Fill {
        /// Where.
        area: Area,
        /// In which colour.
        paint: Paint,
    },
    /// The edges of a rectangle.
    Outline {
        /// Where.
        area: Area,
        /// In which colour.
        paint: Paint,
        /// Width of the line.
        width: f64,
    },
    /// Connected lines.
    Line {
        /// Through which points.
        points: Vec<(f64, f64)>,
        /// In which colour.
        paint: Paint,
        /// Width of the line.
        width: f64,
    },
    /// A circle.
    Circle {
        /// Centre.
        at: (f64, f64),
        /// Radius.
        radius: f64,
        /// In which colour.
        paint: Paint,
        /// Filled, or only its edge.
        filled: bool,
    },
    /// A filled polygon.
    Polygon {
        /// Its corners.
        points: Vec<(f64, f64)>,
        /// In which colour.
        paint: Paint,
    },
    /// A line of text, its middle at the height of `at`.
    Text {
        /// Where.
        at: (f64, f64),
        /// What.
        text: String,
        /// On which side of `at`.
        align: Align,
        /// In which colour.
        paint: Paint,
        /// Whether it is bold.
        bold: bool,
    },
}

/// A chart, ready to be drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    /// Width in CSS pixels.
    pub width: f64,
    /// Height in CSS pixels.
    pub height: f64,
    /// What to draw, the lowest first.
    pub marks: Vec<Mark>,
}

impl Scene {
    /// An empty scene.
    #[must_use]
    pub fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            marks: Vec::new(),
        }
    }

    /// Adds a filled rectangle.
    pub fn fill(&mut self, area: Area, paint: Paint) {
        self.marks.push(Mark::Fill { area, paint });
    }

    /// Adds the edges of a rectangle.
    pub fn outline(&mut self, area: Area, paint: Paint, width: f64) {
        self.marks.push(Mark::Outline { area, paint, width });
    }

    /// Adds connected lines.
    pub fn line(&mut self, points: Vec<(f64, f64)>, paint: Paint, width: f64) {
        self.marks.push(Mark::Line {
            points,
            paint,
            width,
        });
    }

    /// Adds a dashed line from left to right.
    pub fn dashes(&mut self, y: f64, from: f64, to: f64, paint: Paint, width: f64) {
        const DASH: f64 = 6.0;
        const GAP: f64 = 3.0;
        let mut x = from;
        while x < to {
            self.line(vec![(x, y), ((x + DASH).min(to), y)], paint, width);
            x += DASH + GAP;
        }
    }

    /// Adds a line of text.
    pub fn text(&mut self, at: (f64, f64), text: impl Into<String>, align: Align, paint: Paint) {
        self.marks.push(Mark::Text {
            at,
            text: text.into(),
            align,
            paint,
            bold: false,
        });
    }

    /// Adds a line of bold text.
    pub fn title(&mut self, at: (f64, f64), text: impl Into<String>, align: Align, paint: Paint) {
        self.marks.push(Mark::Text {
            at,
            text: text.into(),
            align,
            paint,
            bold: true,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_end_where_they_should() {
        let mut scene = Scene::new(20.0, 10.0);
        scene.dashes(5.0, 0.0, 20.0, Paint::Limit, 1.0);
        let ends: Vec<f64> = scene
            .marks
            .iter()
            .map(|mark| match mark {
                Mark::Line { points, .. } => points[1].0,
                _ => f64::NAN,
            })
            .collect();
        assert_eq!(ends, [6.0, 15.0, 20.0]);
    }
}
