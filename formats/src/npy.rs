//! Arrays of numpy, `.npy` of version 1 or 2: samples and labels (`docs/formats.md`).

use quartermeg_core::network::Value;

use crate::input_range::quantize;

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Longest header that is read; numpy's own have about 120 bytes.
const MAX_HEADER: usize = 4_096;
/// Most dimensions that are read.
const MAX_DIMENSIONS: usize = 8;

/// Why an array was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NpyError {
    /// It does not begin as an array of numpy does.
    Foreign,
    /// Its version is neither 1 nor 2.
    Version {
        /// The file's version.
        found: u8,
    },
    /// Its header cannot be read.
    Header,
    /// Its elements are of another type than can be used here.
    Type {
        /// Numpy's name of the type.
        found: String,
    },
    /// It is stored column by column.
    Columns,
    /// Its data are shorter or longer than its shape says.
    Length {
        /// Bytes that the shape calls for; none where they cannot be counted.
        expected: Option<usize>,
        /// Bytes that there are.
        found: usize,
    },
    /// Its shape is not that of samples of this network.
    Shape {
        /// Its extents.
        found: Vec<usize>,
        /// Height, width and channels of the network's input.
        expected: [usize; 3],
    },
    /// An element is not a finite number, or a label is negative.
    Value {
        /// Its position.
        position: usize,
    },
    /// Labels are not one number a sample.
    Labels {
        /// Samples.
        expected: usize,
        /// The extents of the labels.
        found: Vec<usize>,
    },
}

/// Element types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    I8,
    U8,
    I32,
    I64,
    F32,
}

impl Type {
    fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I32 | Self::F32 => 4,
            Self::I64 => 8,
        }
    }
}

/// An array whose data have the length that its shape calls for.
struct Array<'a> {
    dtype: Type,
    shape: Vec<usize>,
    data: &'a [u8],
}

/// Samples of an array, one after the other, each in the order height, width, channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NpySamples {
    /// uint8: grey or colour values.
    Pixels(Vec<Vec<u8>>),
    /// int8 as it is, float32 quantized.
    Codes(Vec<Vec<i8>>),
}

/// Reads samples: int8, uint8 or float32 `[n, h, w, c]`, also `[n, h, w]`, `[n, c, h, w]` or flat.
///
/// # Errors
/// What is wrong with the array.
pub fn samples(file: &[u8], input: Value) -> Result<NpySamples, NpyError> {
    let array = read(file)?;
    let shape = input.shape;
    let expected = [shape.h, shape.w, shape.c];
    let wrong = || NpyError::Shape {
        found: array.shape.clone(),
        expected,
    };
    let (&n_samples, extents) = array.shape.split_first().ok_or_else(wrong)?;
    let is_planar = extents == [shape.c, shape.h, shape.w] && extents != expected;
    let fits = extents == expected
        || is_planar
        || extents == [shape.len()]
        || (shape.c == 1 && extents == [shape.h, shape.w]);
    if !fits || n_samples == 0 {
        return Err(wrong());
    }
    let element = array.dtype.size();
    let images = array.data.chunks_exact(shape.len() * element);
    // Which element of the file stands at a place of the network's order.
    let source = |at: usize| {
        if is_planar {
            (at % shape.c) * shape.h * shape.w + at / shape.c
        } else {
            at
        }
    };
    let order = || (0..shape.len()).map(source);
    match array.dtype {
        Type::U8 => Ok(NpySamples::Pixels(
            images
                .map(|image| order().map(|at| image[at]).collect())
                .collect(),
        )),
        Type::I8 => Ok(NpySamples::Codes(
            images
                .map(|image| order().map(|at| image[at].cast_signed()).collect())
                .collect(),
        )),
        Type::F32 => {
            let mut samples = Vec::with_capacity(n_samples);
            for (index, image) in images.enumerate() {
                let (values, _) = image.as_chunks::<4>();
                let mut codes = Vec::with_capacity(shape.len());
                for at in order() {
                    let real = f32::from_le_bytes(values[at]);
                    if !real.is_finite() {
                        return Err(NpyError::Value {
                            position: index * shape.len() + at,
                        });
                    }
                    codes.push(quantize(f64::from(real), input.quant));
                }
                samples.push(codes);
            }
            Ok(NpySamples::Codes(samples))
        }
        Type::I32 | Type::I64 => Err(NpyError::Type {
            found: (if element == 4 { "int32" } else { "int64" }).to_owned(),
        }),
    }
}

/// Reads labels: int8, uint8, int32 or int64 `[n]` or `[n, 1]`.
///
/// # Errors
/// What is wrong with the array.
pub fn labels(file: &[u8], n_samples: usize) -> Result<Vec<u64>, NpyError> {
    let array = read(file)?;
    if array.shape != [n_samples] && array.shape != [n_samples, 1] {
        return Err(NpyError::Labels {
            expected: n_samples,
            found: array.shape,
        });
    }
    let element = array.dtype.size();
    array
        .data
        .chunks_exact(element)
        .enumerate()
        .map(|(position, bytes)| {
            let value = match (array.dtype, bytes) {
                (Type::I8, &[byte]) => i64::from(byte.cast_signed()),
                (Type::U8, &[byte]) => i64::from(byte),
                (Type::I32, &[a, b, c, d]) => i64::from(i32::from_le_bytes([a, b, c, d])),
                (Type::I64, bytes) => bytes.try_into().map_or(-1, i64::from_le_bytes),
                _ => {
                    return Err(NpyError::Type {
                        found: "float32".to_owned(),
                    });
                }
            };
            u64::try_from(value).map_err(|_negative| NpyError::Value { position })
        })
        .collect()
}

fn read(file: &[u8]) -> Result<Array<'_>, NpyError> {
    let rest = file.strip_prefix(MAGIC).ok_or(NpyError::Foreign)?;
    let &[major, _minor, ref rest @ ..] = rest else {
        return Err(NpyError::Header);
    };
    let (len, rest) = match (major, rest) {
        (1, &[a, b, ref rest @ ..]) => (usize::from(u16::from_le_bytes([a, b])), rest),
        (2, &[a, b, c, d, ref rest @ ..]) => {
            let len = u32::from_le_bytes([a, b, c, d]);
            (usize::try_from(len).unwrap_or(usize::MAX), rest)
        }
        (1 | 2, _) => return Err(NpyError::Header),
        (found, _) => return Err(NpyError::Version { found }),
    };
    if len > MAX_HEADER || len > rest.len() {
        return Err(NpyError::Header);
    }
    let (header, data) = rest.split_at(len);
    let header = str::from_utf8(header).map_err(|_not_text| NpyError::Header)?;
    let (dtype, shape) = parse(header)?;
    let expected = shape
        .iter()
        .try_fold(dtype.size(), |len, &extent| len.checked_mul(extent));
    if expected != Some(data.len()) {
        return Err(NpyError::Length {
            expected,
            found: data.len(),
        });
    }
    Ok(Array { dtype, shape, data })
}

/// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (10, 3), }`.
fn parse(header: &str) -> Result<(Type, Vec<usize>), NpyError> {
    let value_of = |key: &str| {
        let (_, rest) = header.split_once(&format!("'{key}'"))?;
        Some(rest.trim_start().strip_prefix(':')?.trim_start())
    };
    let descr = value_of("descr")
        .and_then(|rest| rest.strip_prefix('\''))
        .and_then(|rest| rest.split_once('\''))
        .map(|(descr, _)| descr)
        .ok_or(NpyError::Header)?;
    let dtype = match descr {
        "|i1" | "<i1" => Type::I8,
        "|u1" | "<u1" => Type::U8,
        "<i4" => Type::I32,
        "<i8" => Type::I64,
        "<f4" => Type::F32,
        other => {
            return Err(NpyError::Type {
                found: other.chars().take(20).collect(),
            });
        }
    };
    let order = value_of("fortran_order").ok_or(NpyError::Header)?;
    if order.starts_with("True") {
        return Err(NpyError::Columns);
    }
    if !order.starts_with("False") {
        return Err(NpyError::Header);
    }
    let (extents, _) = value_of("shape")
        .and_then(|rest| rest.strip_prefix('('))
        .and_then(|rest| rest.split_once(')'))
        .ok_or(NpyError::Header)?;
    let mut shape = Vec::new();
    for extent in extents.split(',').map(str::trim) {
        if extent.is_empty() {
            continue;
        }
        if shape.len() == MAX_DIMENSIONS {
            return Err(NpyError::Header);
        }
        shape.push(extent.parse().map_err(|_not_a_number| NpyError::Header)?);
    }
    Ok((dtype, shape))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quartermeg_core::network::Shape;
    use quartermeg_core::quant::QuantParams;

    use super::*;

    fn input() -> Value {
        Value {
            shape: Shape { h: 2, w: 1, c: 3 },
            quant: QuantParams {
                scale: 0.5,
                zero_point: 0,
            },
        }
    }

    fn file(version: u8, descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}   \n");
        let mut file = MAGIC.to_vec();
        file.extend([version, 0]);
        let len = header.len().to_le_bytes();
        file.extend(&len[..if version == 1 { 2 } else { 4 }]);
        file.extend(header.as_bytes());
        file.extend(data);
        file
    }

    #[test]
    fn every_type_and_order_is_read() {
        let bytes: Vec<u8> = (0..12).collect();
        let two = vec![(0..6).collect::<Vec<u8>>(), (6..12).collect()];
        for (version, shape) in [(1, "(2, 2, 1, 3)"), (2, "(2, 6)")] {
            let file = file(version, "|u1", shape, &bytes);
            assert_eq!(samples(&file, input()), Ok(NpySamples::Pixels(two.clone())));
        }
        let planar = file(1, "|i1", "(1, 3, 2, 1)", &[0, 1, 10, 11, 20, 255]);
        let order = vec![vec![0, 10, 20, 1, 11, -1]];
        assert_eq!(samples(&planar, input()), Ok(NpySamples::Codes(order)));
        let reals: Vec<u8> = [0.0f32, 0.5, -1.0, 1e9, -1e9, 0.25]
            .iter()
            .flat_map(|real| real.to_le_bytes())
            .collect();
        let codes = vec![vec![0, 1, -2, 127, -128, 1]];
        let real = file(1, "<f4", "(1, 2, 1, 3)", &reals);
        assert_eq!(samples(&real, input()), Ok(NpySamples::Codes(codes)));
    }

    #[test]
    fn labels_are_whole_numbers() {
        let long: Vec<u8> = [3i64, 0].iter().flat_map(|it| it.to_le_bytes()).collect();
        assert_eq!(labels(&file(1, "<i8", "(2,)", &long), 2), Ok(vec![3, 0]));
        assert_eq!(
            labels(&file(2, "|u1", "(2, 1)", &[9, 1]), 2),
            Ok(vec![9, 1])
        );
        assert_eq!(
            labels(&file(1, "|i1", "(2,)", &[1, 255]), 2),
            Err(NpyError::Value { position: 1 })
        );
        assert_eq!(
            labels(&file(1, "|u1", "(2,)", &[9, 1]), 3),
            Err(NpyError::Labels {
                expected: 3,
                found: vec![2]
            })
        );
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        let shape = |found: &[usize]| NpyError::Shape {
            found: found.to_vec(),
            expected: [2, 1, 3],
        };
        let cut = file(1, "|u1", "(2, 6)", &[0; 12]);
        let nan: Vec<u8> = [f32::NAN; 6]
            .iter()
            .flat_map(|it| it.to_le_bytes())
            .collect();
        for (file, error) in [
            (b"GIF89a".to_vec(), NpyError::Foreign),
            (
                file(3, "|u1", "(1, 6)", &[0; 6]),
                NpyError::Version { found: 3 },
            ),
            (cut[..9].to_vec(), NpyError::Header),
            (cut[..20].to_vec(), NpyError::Header),
            (
                cut[..cut.len() - 1].to_vec(),
                NpyError::Length {
                    expected: Some(12),
                    found: 11,
                },
            ),
            (
                file(1, "<f8", "(1, 6)", &[0; 48]),
                NpyError::Type {
                    found: "<f8".into(),
                },
            ),
            (
                file(1, "<i4", "(1, 6)", &[0; 24]),
                NpyError::Type {
                    found: "int32".into(),
                },
            ),
            (file(1, "|u1", "(6,)", &[0; 6]), shape(&[6])),
            (file(1, "|u1", "(0, 6)", &[]), shape(&[0, 6])),
            (file(1, "|u1", "()", &[0]), shape(&[])),
            (
                file(1, "|u1", "(18446744073709551615, 6)", &[]),
                NpyError::Length {
                    expected: None,
                    found: 0,
                },
            ),
            (
                file(1, "<f4", "(1, 6)", &nan),
                NpyError::Value { position: 0 },
            ),
        ] {
            assert_eq!(samples(&file, input()), Err(error.clone()));
            assert!(crate::explain::npy(&error).ends_with('.'));
        }
        let mut columns = file(1, "|u1", "(1, 6)", &[0; 6]);
        let at = columns
            .windows(5)
            .position(|it| it == b"False")
            .expect("there");
        columns[at..at + 5].copy_from_slice(b"True ");
        assert_eq!(samples(&columns, input()), Err(NpyError::Columns));
    }

    proptest! {
        #[test]
        fn a_changed_byte_is_read_or_refused(at in 0usize..110, byte: u8, len in 0usize..120) {
            let mut file = file(1, "<f4", "(1, 2, 1, 3)", &[0; 24]);
            if let Some(place) = file.get_mut(at) {
                *place = byte;
            }
            file.truncate(len);
            let _ = samples(&file, input());
            let _ = labels(&file, 1);
        }
    }
}
