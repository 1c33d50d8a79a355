//! The memory map as a picture: what stands where, in whole pixels, for whoever draws it.
//!
//! Colours are those of the page in daylight, patterns tell roles apart without them, and all
//! arithmetic is in whole numbers, so that the picture is the same everywhere.

use quartermeg_core::program::{Program, Role};

use crate::{describe, explain, memory};

/// Red, green and blue.
pub type Colour = [u8; 3];

/// Width of the picture in pixels.
pub const WIDTH: i32 = 1200;
/// Height of the picture in pixels.
pub const HEIGHT: i32 = 720;
/// The plot: left, top, right, bottom.
const PLOT: [i32; 4] = [90, 56, 1180, 560];

/// The ground of the picture.
pub const CARD: Colour = [0xf8, 0xf9, 0xf6];
const GROUND: Colour = [0xff, 0xff, 0xff];
const SHADE: Colour = [0xf1, 0xf3, 0xf0];
const INK: Colour = [0x1b, 0x24, 0x21];
const MUTED: Colour = [0x53, 0x60, 0x5a];
const RULE: Colour = [0xe2, 0xe6, 0xe1];
const LIMIT: Colour = [0xb4, 0x23, 0x1f];
const LIMIT_SHADE: Colour = [0xf9, 0xd9, 0xd6];

/// Colour, colour of the pattern, and pattern of every role, in the order of [`Role::ALL`].
const ROLES: [(Colour, Colour, Pattern); Role::ALL.len()] = [
    ([0x87, 0x96, 0xa3], [0x56, 0x66, 0x73], Pattern::Crossed),
    ([0x63, 0x73, 0x7e], [0x63, 0x73, 0x7e], Pattern::Plain),
    ([0xc2, 0xd2, 0xea], [0xc2, 0xd2, 0xea], Pattern::Plain),
    ([0x7e, 0xa3, 0xda], [0x2f, 0x62, 0xb0], Pattern::Standing),
    ([0x7a, 0x5c, 0xb0], [0xc6, 0xb6, 0xe4], Pattern::Grid),
    ([0xbf, 0xc9, 0xc3], [0xbf, 0xc9, 0xc3], Pattern::Plain),
    ([0xe9, 0xa1, 0x36], [0x8a, 0x54, 0x08], Pattern::Rising),
    ([0x2f, 0x9e, 0x87], [0xb5, 0xe3, 0xd9], Pattern::Lying),
    ([0xd0, 0x60, 0x3d], [0xf6, 0xc7, 0xb8], Pattern::Falling),
    ([0xcf, 0xd7, 0xd2], [0x56, 0x64, 0x5d], Pattern::Sparse),
    ([0xc7, 0x9a, 0xc4], [0x74, 0x3a, 0x70], Pattern::Standing),
];

/// How a role is hatched, on a lattice of the whole picture, so that neighbours of one role join.
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

impl Pattern {
    /// Pixels after which the pattern repeats, in both directions.
    #[must_use]
    pub fn period(self) -> i32 {
        match self {
            Self::Plain => 1,
            Self::Lying | Self::Standing | Self::Grid => 5,
            Self::Rising | Self::Falling => 7,
            Self::Crossed => 9,
            Self::Sparse => 12,
        }
    }

    /// Whether a pixel of the picture is one of the pattern's.
    #[must_use]
    pub fn covers(self, x: i32, y: i32) -> bool {
        let is_on = |distance: i32| distance.rem_euclid(self.period()) == 0;
        match self {
            Self::Plain => false,
            Self::Rising | Self::Sparse => is_on(x + y),
            Self::Falling => is_on(x - y),
            Self::Lying => is_on(y),
            Self::Standing => is_on(x),
            Self::Grid => is_on(x) || is_on(y),
            Self::Crossed => is_on(x + y) || is_on(x - y),
        }
    }
}

/// A rectangle: left and upper edge, width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// Left edge.
    pub x: i32,
    /// Upper edge.
    pub y: i32,
    /// Width.
    pub width: i32,
    /// Height.
    pub height: i32,
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A filled rectangle, with the pattern of a role or without.
    Fill {
        /// Where.
        area: Area,
        /// In which colour.
        colour: Colour,
        /// Pattern and its colour.
        pattern: Option<(Pattern, Colour)>,
    },
    /// A line of text, its middle at the height of `at`.
    Text {
        /// Where.
        at: [i32; 2],
        /// What.
        text: String,
        /// On which side of `at`.
        align: Align,
        /// In which colour.
        colour: Colour,
        /// Whether it is bold.
        bold: bool,
    },
}

/// The picture of a program, the lowest mark first; `budget` is what the block may use.
#[must_use]
pub fn marks<B: AsRef<[u8]>>(program: &Program<B>, name: &str, budget: Option<u32>) -> Vec<Mark> {
    let arena = program.meta().arena_bytes;
    let mut map = Map {
        marks: Vec::new(),
        highest: arena.max(budget.unwrap_or(0)).max(1),
        n_ops: program.n_ops().max(1),
    };
    map.ground(program, budget);
    map.tensors(program);
    map.axes(program);
    map.limit(arena, budget);
    map.peak(program);
    // A longer name would run into the budget's.
    let name: String = name.chars().take(40).collect();
    let title = format!(
        "{name}: memory of one training step, {}",
        explain::bytes(u64::from(arena))
    );
    map.text([PLOT[0], 20], &title, Align::Start, INK, true);
    map.legend(program);
    map.marks
}

struct Map {
    marks: Vec<Mark>,
    /// The address at the upper edge.
    highest: u32,
    n_ops: u32,
}

impl Map {
    fn x(&self, op: u32) -> i32 {
        PLOT[0] + scaled(PLOT[2] - PLOT[0], op, self.n_ops)
    }

    fn y(&self, address: u32) -> i32 {
        PLOT[3] - scaled(PLOT[3] - PLOT[1], address, self.highest)
    }

    fn fill(&mut self, [left, top, right, bottom]: [i32; 4], colour: Colour) {
        self.marks.push(Mark::Fill {
            area: Area {
                x: left,
                y: top,
                width: right - left,
                height: bottom - top,
            },
            colour,
            pattern: None,
        });
    }

    fn text(&mut self, at: [i32; 2], text: &str, align: Align, colour: Colour, bold: bool) {
        self.marks.push(Mark::Text {
            at,
            text: text.to_owned(),
            align,
            colour,
            bold,
        });
    }

    fn ground<B: AsRef<[u8]>>(&mut self, program: &Program<B>, budget: Option<u32>) {
        let [left, top, right, bottom] = PLOT;
        self.fill(PLOT, GROUND);
        let backward = self.x(program.meta().loss_op + 1);
        self.fill([backward, top, right, bottom], SHADE);
        if let Some(budget) = budget.filter(|&budget| budget < self.highest) {
            let limit = self.y(budget);
            self.fill([left, top, right, limit], LIMIT_SHADE);
        }
        let mut step = 1024;
        while self.highest / step > 10 {
            step *= 2;
        }
        for tick in 0..=self.highest / step {
            let y = self.y(tick * step);
            self.fill([left, y, right, y + 1], RULE);
            let kib = format!("{} KiB", explain::number(u64::from(tick * (step / 1024))));
            self.text([left - 8, y], &kib, Align::End, MUTED, false);
        }
    }

    fn tensors<B: AsRef<[u8]>>(&mut self, program: &Program<B>) {
        // What stays lies below, then by birth: who takes somebody's place is drawn over it.
        let mut order: Vec<(u32, u32)> = (0..program.n_tensors())
            .map(|tensor| {
                let record = program.tensor(tensor);
                let birth = if record.role.is_persistent() {
                    0
                } else {
                    record.first_use + 1
                };
                (birth, tensor)
            })
            .collect();
        order.sort_unstable();
        for (_, tensor) in order {
            let record = program.tensor(tensor);
            let [left, right] = [self.x(record.first_use), self.x(record.last_use + 1)];
            let [top, bottom] = [self.y(record.end()), self.y(record.offset)];
            let area = Area {
                x: left,
                y: top.min(bottom - 1),
                width: (right - left).max(1),
                height: (bottom - top).max(1),
            };
            let (colour, hatch, pattern) = style(record.role);
            self.marks.push(Mark::Fill {
                area,
                colour,
                pattern: (pattern != Pattern::Plain).then_some((pattern, hatch)),
            });
            // Two edges are enough to tell neighbours apart.
            if area.width >= 4 && area.height >= 4 {
                let Area {
                    x,
                    y,
                    width,
                    height,
                } = area;
                self.fill([x, y, x + width, y + 1], GROUND);
                self.fill([x, y, x + 1, y + height], GROUND);
            }
        }
    }

    fn axes<B: AsRef<[u8]>>(&mut self, program: &Program<B>) {
        let [left, top, right, bottom] = PLOT;
        self.fill([left, bottom, right, bottom + 1], MUTED);
        let loss_op = program.meta().loss_op;
        let [loss, backward] = [self.x(loss_op), self.x(loss_op + 1)];
        for x in [loss, backward] {
            self.fill([x, top, x + 1, bottom + 34], MUTED);
        }
        self.text([left, bottom + 28], "forward", Align::Start, INK, true);
        self.text([loss - 5, bottom + 28], "loss", Align::End, INK, true);
        self.text(
            [backward + 6, bottom + 28],
            "backward",
            Align::Start,
            INK,
            true,
        );
        let step = (0..7)
            .flat_map(|power| [1, 2, 5].map(|digit| digit * 10u32.pow(power)))
            .find(|step| self.n_ops / step <= 20)
            .unwrap_or(self.n_ops);
        // Operations are counted from 1; the number stands below the middle of its column.
        for number in (step..=self.n_ops).step_by(step as usize) {
            let middle = i32::midpoint(self.x(number - 1), self.x(number));
            if (middle - loss).abs() > 24 {
                self.fill([middle, bottom, middle + 1, bottom + 4], MUTED);
                self.text(
                    [middle, bottom + 12],
                    &number.to_string(),
                    Align::Middle,
                    MUTED,
                    false,
                );
            }
        }
    }

    fn limit(&mut self, arena: u32, budget: Option<u32>) {
        let Some(budget) = budget else {
            return;
        };
        let [left, _, right, _] = PLOT;
        let y = self.y(budget);
        for x in (left..right).step_by(9) {
            self.fill([x, y - 1, (x + 6).min(right), y + 1], LIMIT);
        }
        let mut label = format!("budget {}", explain::bytes(u64::from(budget)));
        if arena > budget {
            label = format!(
                "{label}, {} over",
                explain::bytes(u64::from(arena - budget))
            );
        }
        self.text([right, 20], &label, Align::End, LIMIT, true);
    }

    /// A flag above the operation at which the largest sum of bytes is live.
    fn peak<B: AsRef<[u8]>>(&mut self, program: &Program<B>) {
        let live = memory::live_bytes(program);
        let most = live.iter().copied().max().unwrap_or(0);
        let Some((op, _)) = (0..).zip(&live).find(|&(_, &bytes)| bytes == most) else {
            return;
        };
        let middle = i32::midpoint(self.x(op), self.x(op + 1));
        for row in 0..6 {
            let y = PLOT[1] - 7 + row;
            self.fill([middle - 5 + row, y, middle + 6 - row, y + 1], INK);
        }
        self.text([middle + 10, PLOT[1] - 9], "peak", Align::Start, INK, true);
    }

    fn legend<B: AsRef<[u8]>>(&mut self, program: &Program<B>) {
        let occurs =
            |role: Role| (0..program.n_tensors()).any(|tensor| program.tensor(tensor).role == role);
        let roles = Role::ALL.into_iter().filter(|&role| occurs(role));
        for (position, role) in (0..).zip(roles) {
            let (colour, hatch, pattern) = style(role);
            let (x, y) = (PLOT[0] + 270 * (position % 4), 618 + 24 * (position / 4));
            self.marks.push(Mark::Fill {
                area: Area {
                    x,
                    y: y - 8,
                    width: 28,
                    height: 16,
                },
                colour,
                pattern: (pattern != Pattern::Plain).then_some((pattern, hatch)),
            });
            self.text([x + 36, y], describe::role(role), Align::Start, INK, false);
        }
        let identity = crate::config::hex(&program.identity());
        let words = format!("identity {identity}, core {}", env!("CARGO_PKG_VERSION"));
        self.text([PLOT[0], 700], &words, Align::Start, MUTED, false);
    }
}

/// `length * part / whole`.
fn scaled(length: i32, part: u32, whole: u32) -> i32 {
    let scaled = i64::from(length) * i64::from(part) / i64::from(whole);
    i32::try_from(scaled).unwrap_or(length)
}

fn style(role: Role) -> (Colour, Colour, Pattern) {
    let index = Role::ALL.iter().position(|&known| known == role);
    ROLES[index.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_repeat_after_their_period() {
        for (_, _, pattern) in ROLES {
            let period = pattern.period();
            let covered = (0..period)
                .flat_map(|x| (0..period).map(move |y| (x, y)))
                .filter(|&(x, y)| {
                    assert_eq!(pattern.covers(x, y), pattern.covers(x + period, y - period));
                    pattern.covers(x, y)
                })
                .count();
            assert_eq!(covered == 0, pattern == Pattern::Plain);
        }
    }
}
