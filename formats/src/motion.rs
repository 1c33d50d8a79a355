//! Motion recordings: how the windows that ship were made, and windows of a recording in CSV
//! (`docs/formats.md`).

use quartermeg_core::network::Value;
use safetensors::SafeTensors;
use serde_json::Value as Json;

use crate::csv_samples::{cell, number, separator_of};
use crate::tensors;

/// Windows that a recording may have.
pub const MAX_WINDOWS: usize = 2_000;
/// Key of the description in the metadata of the file of windows.
const METADATA_KEY: &str = "quartermeg.samples";
/// Version of the description that this code reads.
const VERSION: u64 = 1;
/// Characters of a cell that a sentence repeats.
const MAX_CELL: usize = 40;

/// How recordings become codes, and names for people to read.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// Names of the classes, in their order.
    pub class_names: Vec<String>,
    /// Samples a second.
    pub rate_hz: u16,
    /// What is recorded at each moment.
    pub channels: Vec<Channel>,
}

/// A channel of a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Channel {
    /// For example `ax`.
    pub name: String,
    /// Unit of its values, for example `g`.
    pub unit: String,
    /// What is subtracted from a value.
    pub mean: f64,
    /// What the difference is divided by.
    pub deviation: f64,
}

/// Why a recording was refused. Lines and columns count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordingError {
    /// It is not UTF-8.
    Text,
    /// A row has another number of values than there are channels.
    Columns {
        /// The line.
        line: usize,
        /// Number of channels.
        expected: usize,
        /// Cells of the row.
        found: usize,
    },
    /// A cell is no finite number.
    Number {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
        /// What stands there.
        found: String,
    },
    /// It is shorter than a window.
    TooShort {
        /// Its rows.
        found: usize,
        /// Rows of a window.
        needed: usize,
    },
    /// It has more than [`MAX_WINDOWS`] windows.
    TooLong {
        /// Rows that it may have.
        most: usize,
    },
}

impl Description {
    /// Reads the description in the metadata of a file of windows, gzip or not; none where the
    /// file has none, or one that cannot be used.
    #[must_use]
    pub fn read(file: &[u8]) -> Option<Self> {
        let bytes = tensors::unpacked(file).ok()?;
        let (_, metadata) = SafeTensors::read_metadata(&bytes).ok()?;
        let text = metadata.metadata().as_ref()?.get(METADATA_KEY)?;
        let json: Json = serde_json::from_slice(text.as_bytes()).ok()?;
        if json.get("version")?.as_u64()? != VERSION {
            return None;
        }
        let rate_hz = json.get("rate_hz")?.as_u64()?;
        let names = json.get("class_names")?.as_array()?.iter();
        let channels = json.get("channels")?.as_array()?.iter();
        Some(Self {
            class_names: names.map(word).collect::<Option<_>>()?,
            rate_hz: u16::try_from(rate_hz).ok().filter(|&rate| rate > 0)?,
            channels: channels.map(Channel::read).collect::<Option<_>>()?,
        })
    }

    /// Seconds of so many moments.
    #[must_use]
    pub fn seconds(&self, moments: usize) -> f64 {
        f64::from(u32::try_from(moments).unwrap_or(u32::MAX)) / f64::from(self.rate_hz)
    }

    /// Cuts a recording in CSV into windows of codes, `[time, channel]` each. One moment a row,
    /// one channel a column, in the order and units of [`Self::channels`]; the first row may name
    /// them. A window begins every half window; what is left at the end is not used.
    ///
    /// # Errors
    /// The first line that cannot be used, or that there are too few or too many rows.
    pub fn windows(&self, file: &[u8], input: Value) -> Result<Vec<Vec<i8>>, RecordingError> {
        let codes = self.codes(file, input)?;
        let n_channels = self.channels.len();
        let rows = codes.len() / n_channels.max(1);
        let needed = input.shape.w;
        if rows < needed {
            return Err(RecordingError::TooShort {
                found: rows,
                needed,
            });
        }
        let hop = (needed / 2).max(1);
        let starts = (0..=rows - needed).step_by(hop);
        Ok(starts
            .map(|at| codes[at * n_channels..(at + needed) * n_channels].to_vec())
            .collect())
    }

    fn codes(&self, file: &[u8], input: Value) -> Result<Vec<i8>, RecordingError> {
        let text = str::from_utf8(file).map_err(|_not_text| RecordingError::Text)?;
        let text = text.trim_start_matches('\u{feff}');
        let expected = self.channels.len();
        let most = MAX_WINDOWS * (input.shape.w / 2).max(1);
        let mut separator = None;
        let mut codes = Vec::new();
        for (line, content) in (1..).zip(text.lines()) {
            if content.starts_with('#') || content.trim().is_empty() {
                continue;
            }
            let is_first = separator.is_none();
            let separator = *separator.get_or_insert_with(|| separator_of(content));
            let cells: Vec<&str> = content.split(separator).map(cell).collect();
            if cells.len() != expected {
                return Err(RecordingError::Columns {
                    line,
                    expected,
                    found: cells.len(),
                });
            }
            // A header has no number at all, so that a slip in the first row is no header.
            if is_first && cells.iter().all(|cell| number(cell).is_none()) {
                continue;
            }
            if codes.len() >= most * expected {
                return Err(RecordingError::TooLong { most });
            }
            for ((column, cell), channel) in (1..).zip(cells).zip(&self.channels) {
                let value = number(cell).ok_or_else(|| RecordingError::Number {
                    line,
                    column,
                    found: cell.chars().take(MAX_CELL).collect(),
                })?;
                codes.push(channel.code(value, input));
            }
        }
        Ok(codes)
    }
}

fn word(json: &Json) -> Option<String> {
    json.as_str().map(str::to_owned)
}

impl Channel {
    fn read(json: &Json) -> Option<Self> {
        Some(Self {
            name: word(json.get("name")?)?,
            unit: word(json.get("unit")?)?,
            mean: json.get("mean")?.as_f64()?,
            deviation: json.get("deviation")?.as_f64().filter(|it| *it > 0.0)?,
        })
    }

    /// The code of a value: its distance from the mean in deviations, divided by the scale of the
    /// input, rounded half to even, moved by the zero point and held inside -128..=127.
    #[must_use]
    pub fn code(&self, value: f64, input: Value) -> i8 {
        let real = (value - self.mean) / self.deviation;
        let code = (real / f64::from(input.quant.scale)).round_ties_even()
            + f64::from(input.quant.zero_point);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "held inside the range before"
        )]
        let code = code.clamp(-128.0, 127.0) as i8;
        code
    }

    /// Values as a line of the code: what code 0 stands for, and by how much each code differs
    /// from the one before.
    #[must_use]
    pub fn line(&self, input: Value) -> [f64; 2] {
        let step = self.deviation * f64::from(input.quant.scale);
        [self.mean - step * f64::from(input.quant.zero_point), step]
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;
    use quartermeg_core::network::Shape;
    use quartermeg_core::quant::QuantParams;

    use super::*;

    const INPUT: Value = Value {
        shape: Shape { h: 1, w: 4, c: 2 },
        quant: QuantParams {
            scale: 0.25,
            zero_point: 1,
        },
    };

    fn description() -> Description {
        let channel = |name: &str, mean, deviation| Channel {
            name: name.to_owned(),
            unit: "g".to_owned(),
            mean,
            deviation,
        };
        Description {
            class_names: vec!["rest".to_owned()],
            rate_hz: 25,
            channels: vec![channel("x", 1.0, 2.0), channel("y", 0.0, 1.0)],
        }
    }

    fn windows(text: &str) -> Result<Vec<Vec<i8>>, RecordingError> {
        description().windows(text.as_bytes(), INPUT)
    }

    fn rows(count: usize) -> String {
        (0..count).fold(String::new(), |mut text, row| {
            let _ = writeln!(text, "{row},0");
            text
        })
    }

    #[test]
    fn windows_begin_every_half_window_and_the_rest_is_left() {
        let all = windows(&rows(9)).expect("three windows");
        let first: Vec<i8> = all.iter().map(|window| window[0]).collect();
        // (0 - 1) / 2 / 0.25 + 1, and two moments later each.
        assert_eq!(first, [-1, 3, 7]);
        assert_eq!(all[0], [-1, 1, 1, 1, 3, 1, 5, 1]);
    }

    #[test]
    fn a_header_comments_and_other_separators_change_nothing() {
        let plain = windows("1,2\n3,4\n5,6\n7,8\n");
        for text in [
            "ax,ay\n1,2\n3,4\n5,6\n7,8",
            "\u{feff}# Monday\r\n\"a\";\"b\"\r\n1;2\r\n\r\n3;4\r\n5;6\r\n7;8\r\n",
            "1\t2\n3\t4\n5\t6\n7\t8\n",
        ] {
            assert_eq!(windows(text), plain, "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (text, expected) in [
            (
                "1,2\n3\n",
                RecordingError::Columns {
                    line: 2,
                    expected: 2,
                    found: 1,
                },
            ),
            (
                "x,2\n3,4\n",
                RecordingError::Number {
                    line: 1,
                    column: 1,
                    found: "x".to_owned(),
                },
            ),
            (
                "x,y\n3,inf\n",
                RecordingError::Number {
                    line: 2,
                    column: 2,
                    found: "inf".to_owned(),
                },
            ),
            (
                "x,y\n1,2\n",
                RecordingError::TooShort {
                    found: 1,
                    needed: 4,
                },
            ),
            (
                "",
                RecordingError::TooShort {
                    found: 0,
                    needed: 4,
                },
            ),
        ] {
            assert_eq!(windows(text), Err(expected), "{text:?}");
        }
        let bytes = [0xff, 0xfe];
        assert_eq!(
            description().windows(&bytes, INPUT),
            Err(RecordingError::Text)
        );
        let most = MAX_WINDOWS * 2;
        assert!(windows(&rows(most)).is_ok());
        assert_eq!(
            windows(&rows(most + 1)),
            Err(RecordingError::TooLong { most })
        );
    }

    #[test]
    fn a_code_comes_back_from_its_value() {
        for channel in description().channels {
            let [zero, step] = channel.line(INPUT);
            for code in i8::MIN..=i8::MAX {
                assert_eq!(channel.code(zero + step * f64::from(code), INPUT), code);
            }
        }
    }

    proptest! {
        #[test]
        fn no_file_is_too_strange(bytes: Vec<u8>) {
            // Whatever it says, it ends, and without a panic.
            let _ = description().windows(&bytes, INPUT);
            prop_assert!(Description::read(&bytes).is_none());
        }
    }
}
