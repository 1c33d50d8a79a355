//! Files of samples: `x` int8 `[n, c, h, w]` and `y` int32 `[n]`, alone or in two parts, to learn
//! from and to measure on; and the digits that ship.

use quartermeg_core::session::{Samples, SamplesError};
use safetensors::SafeTensors;

use crate::image::{self, IMAGE_EXTENT, INPUT_EXTENT};
use crate::tensors::{self, TensorFileError};

/// Why a file of samples was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SampleFileError {
    /// The container or one of its tensors.
    Tensors(TensorFileError),
    /// A label is negative.
    NegativeLabel {
        /// Its position.
        position: usize,
        /// The label.
        label: i32,
    },
    /// Images and labels do not fit together.
    Samples(SamplesError),
}

impl From<TensorFileError> for SampleFileError {
    fn from(error: TensorFileError) -> Self {
        Self::Tensors(error)
    }
}

/// Samples to learn from and samples to measure the accuracy on.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Samples to learn from.
    pub learn: Samples,
    /// Samples for the accuracy.
    pub test: Samples,
}

/// The digits that ship: those to learn from as images, too.
#[derive(Clone, Debug)]
pub struct Digits {
    /// 28 x 28 grey values of the samples to learn from, one image after the other.
    pub learn_pixels: Vec<u8>,
    /// The same as codes.
    pub learn: Samples,
    /// Samples for the accuracy.
    pub test: Samples,
}

/// Reads `x` int8 `[n, c, h, w]` and `y` int32 `[n]`, gzip or not.
///
/// # Errors
/// What is wrong with the file, and which tensor.
pub fn read(file: &[u8]) -> Result<Samples, SampleFileError> {
    let bytes = tensors::unpacked(file)?;
    let tensors = tensors::open(&bytes)?;
    read_codes(&tensors, "x", "y")
}

/// Reads `learn_x`, `test_x` int8 `[n, c, h, w]` and their labels, gzip or not.
///
/// # Errors
/// What is wrong with the file, and which tensor.
pub fn read_parts(file: &[u8]) -> Result<Parts, SampleFileError> {
    let bytes = tensors::unpacked(file)?;
    let tensors = tensors::open(&bytes)?;
    Ok(Parts {
        learn: read_codes(&tensors, "learn_x", "learn_y")?,
        test: read_codes(&tensors, "test_x", "test_y")?,
    })
}

fn read_codes(
    tensors: &SafeTensors<'_>,
    codes_name: &str,
    labels_name: &str,
) -> Result<Samples, SampleFileError> {
    let (planar, shape) = tensors::i8s(tensors, codes_name)?;
    let &[n, c, h, w] = shape.as_slice() else {
        return Err(TensorFileError::Shape {
            name: codes_name.to_owned(),
            expected: "four dimensions (n, c, h, w)".to_owned(),
            found: shape,
        }
        .into());
    };
    let labels = labels(&tensors::i32s(tensors, labels_name)?.0)?;
    let mut codes = Vec::with_capacity(planar.len());
    for sample in 0..n {
        for position in 0..h * w {
            for channel in 0..c {
                codes.push(planar[(sample * c + channel) * h * w + position]);
            }
        }
    }
    Samples::new([h, w, c], codes, labels).map_err(SampleFileError::Samples)
}

/// Reads the digits that ship: `learn_x`, `test_x` uint8 `[n, 28, 28]` and their labels.
///
/// # Errors
/// What is wrong with the file, and which tensor.
pub fn read_digits(file: &[u8]) -> Result<Digits, SampleFileError> {
    let bytes = tensors::unpacked(file)?;
    let tensors = tensors::open(&bytes)?;
    let read_part = |part: &str| {
        let name = format!("{part}_x");
        let (pixels, shape) = tensors::u8s(&tensors, &name)?;
        if shape.len() != 3 || shape[1..] != [IMAGE_EXTENT; 2] {
            return Err(SampleFileError::from(TensorFileError::Shape {
                name,
                expected: "n x 28 x 28".to_owned(),
                found: shape,
            }));
        }
        let codes = pixels
            .chunks_exact(IMAGE_EXTENT * IMAGE_EXTENT)
            .flat_map(image::enlarge)
            .collect();
        let labels = labels(&tensors::i32s(&tensors, &format!("{part}_y"))?.0)?;
        let samples = Samples::new([INPUT_EXTENT, INPUT_EXTENT, 1], codes, labels)
            .map_err(SampleFileError::Samples)?;
        Ok((pixels, samples))
    };
    let (learn_pixels, learn) = read_part("learn")?;
    let (_, test) = read_part("test")?;
    Ok(Digits {
        learn_pixels,
        learn,
        test,
    })
}

fn labels(labels: &[i32]) -> Result<Vec<u32>, SampleFileError> {
    labels
        .iter()
        .enumerate()
        .map(|(position, &label)| {
            u32::try_from(label)
                .map_err(|_not_a_class| SampleFileError::NegativeLabel { position, label })
        })
        .collect()
}
