//! Samples as text: one sample a row (`docs/formats.md`).

use quartermeg_core::network::Value;

use crate::input_range::quantize;

/// Samples that a file may hold.
pub const MAX_SAMPLES: usize = 2_000;
/// First line of a file whose values are int8 codes.
const CODES_LINE: &str = "# int8 codes";
/// Name of the column with the class.
const LABEL: &str = "label";

/// Why a file was refused. Lines and columns count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CsvError {
    /// It is not UTF-8.
    Text,
    /// There is no row of values.
    Empty,
    /// There are more rows than samples are possible.
    TooMany,
    /// A row has another number of values than the network's input.
    Columns {
        /// The line.
        line: usize,
        /// Values of the input; a class may come on top.
        expected: usize,
        /// Cells of the row.
        found: usize,
    },
    /// A cell is no number, or, in a file of codes, no whole number in -128..=127.
    Number {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
        /// What stands there.
        found: String,
    },
    /// The class of a row is empty.
    NoClass {
        /// The line.
        line: usize,
    },
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its class, where the file has a column for it.
    pub class: Option<String>,
    /// Its values as codes.
    pub codes: Vec<i8>,
}

/// Reads all rows. Values are separated by commas, semicolons or tabs; real numbers are quantized
/// with scale and zero point of `input`.
///
/// # Errors
/// The first line that cannot be used, and why.
pub fn read(file: &[u8], input: Value) -> Result<Vec<Row>, CsvError> {
    let text = str::from_utf8(file).map_err(|_not_text| CsvError::Text)?;
    let text = text.trim_start_matches('\u{feff}');
    let mut are_codes = false;
    let mut label = None;
    let mut separator = None;
    let mut rows = Vec::new();
    for (line, content) in (1..).zip(text.lines()) {
        if content.starts_with('#') {
            are_codes |= content.trim_end().eq_ignore_ascii_case(CODES_LINE);
            continue;
        }
        if content.trim().is_empty() {
            continue;
        }
        let is_first = separator.is_none();
        let separator = *separator.get_or_insert_with(|| separator_of(content));
        let cells: Vec<&str> = content.split(separator).map(cell).collect();
        if is_first && is_header(&cells) {
            label = cells
                .iter()
                .position(|name| name.eq_ignore_ascii_case(LABEL));
            continue;
        }
        if rows.len() == MAX_SAMPLES {
            return Err(CsvError::TooMany);
        }
        rows.push(row(&cells, label, are_codes, line, input)?);
    }
    if rows.is_empty() {
        return Err(CsvError::Empty);
    }
    Ok(rows)
}

fn row(
    cells: &[&str],
    label: Option<usize>,
    are_codes: bool,
    line: usize,
    input: Value,
) -> Result<Row, CsvError> {
    let expected = input.shape.len();
    // Without a name, one cell too many is the class, and it is the last.
    let label = label.or((cells.len() == expected + 1).then_some(expected));
    if cells.len() != expected + usize::from(label.is_some()) {
        return Err(CsvError::Columns {
            line,
            expected,
            found: cells.len(),
        });
    }
    let mut class = None;
    let mut codes = Vec::with_capacity(expected);
    for (position, &cell) in cells.iter().enumerate() {
        if label == Some(position) {
            if cell.is_empty() {
                return Err(CsvError::NoClass { line });
            }
            class = Some(cell.to_owned());
            continue;
        }
        let code = if are_codes {
            cell.parse().ok()
        } else {
            number(cell).map(|real| quantize(real, input.quant))
        };
        codes.push(code.ok_or_else(|| CsvError::Number {
            line,
            column: position + 1,
            found: cell.chars().take(40).collect(),
        })?);
    }
    Ok(Row { class, codes })
}

/// A finite number.
pub(crate) fn number(cell: &str) -> Option<f64> {
    cell.parse().ok().filter(|number: &f64| number.is_finite())
}

pub(crate) fn separator_of(line: &str) -> char {
    [',', ';', '\t']
        .into_iter()
        .find(|&separator| line.contains(separator))
        .unwrap_or(',')
}

/// A cell without the spaces and quotation marks around it.
pub(crate) fn cell(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text)
}

/// Whether a row names columns: one is called `label`, or a cell before the last is no number.
fn is_header(cells: &[&str]) -> bool {
    let before = &cells[..cells.len().saturating_sub(1)];
    cells.iter().any(|name| name.eq_ignore_ascii_case(LABEL))
        || before.iter().any(|cell| number(cell).is_none())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quartermeg_core::network::Shape;
    use quartermeg_core::quant::QuantParams;

    use super::*;

    fn input(c: usize) -> Value {
        Value {
            shape: Shape { h: 1, w: 1, c },
            quant: QuantParams {
                scale: 0.5,
                zero_point: 1,
            },
        }
    }

    fn rows(text: &str) -> Result<Vec<Row>, CsvError> {
        read(text.as_bytes(), input(2))
    }

    fn plain(class: Option<&str>, codes: [i8; 2]) -> Row {
        Row {
            class: class.map(str::to_owned),
            codes: codes.to_vec(),
        }
    }

    #[test]
    fn values_are_quantized_and_classes_kept() {
        for text in [
            "1.5,-2,cat\n",
            "\u{feff}x;y;label\r\n1.5;-2;cat\r\n\r\n",
            "label\tx\ty\n\"cat\"\t 1.5\t-2e0\n",
            "# measured on Monday\nx,y,class\n1.5,-2,cat",
            "# int8 codes\n4,-3,cat",
        ] {
            assert_eq!(
                rows(text),
                Ok(vec![plain(Some("cat"), [4, -3])]),
                "{text:?}"
            );
        }
        assert_eq!(
            rows("1e9,-1e9\n0,0"),
            Ok(vec![plain(None, [127, -128]), plain(None, [1, 1])])
        );
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_place() {
        let number = |line, column, found: &str| CsvError::Number {
            line,
            column,
            found: found.to_owned(),
        };
        for (text, error) in [
            ("", CsvError::Empty),
            ("x,y,label\n", CsvError::Empty),
            (
                "1,2\n1,2,3,4",
                CsvError::Columns {
                    line: 2,
                    expected: 2,
                    found: 4,
                },
            ),
            ("1,2\n\n1,NaN", number(3, 2, "NaN")),
            ("# int8 codes\n1,128", number(2, 2, "128")),
            ("x,y,label\n1,2,", CsvError::NoClass { line: 2 }),
            (&"1,2\n".repeat(MAX_SAMPLES + 1), CsvError::TooMany),
        ] {
            assert_eq!(rows(text), Err(error.clone()));
            assert!(crate::explain::csv_samples(&error).ends_with('.'));
        }
        assert_eq!(read(&[0xff, b','], input(2)), Err(CsvError::Text));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(file in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&file, input(2));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-0-9.,;\t\n#\" a-z]{0,200}") {
            if let Ok(rows) = read(text.as_bytes(), input(2)) {
                prop_assert!(rows.iter().all(|row| row.codes.len() == 2));
            }
        }
    }
}
