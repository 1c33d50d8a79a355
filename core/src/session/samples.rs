//! Samples to learn from or to measure on.

use alloc::vec::Vec;

/// Why samples do not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SamplesError {
    /// An extent is zero, or the number of codes is not that of the labels.
    Length {
        /// Codes that the labels call for.
        expected: usize,
        /// Codes that there are.
        found: usize,
    },
}

/// Inputs as int8 codes in NHWC order, and their classes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Samples {
    shape: [usize; 3],
    codes: Vec<i8>,
    labels: Vec<u32>,
}

impl Samples {
    /// `shape` is height, width, channels; `codes` holds one input after the other.
    ///
    /// # Errors
    /// When the numbers do not fit together.
    pub fn new(shape: [usize; 3], codes: Vec<i8>, labels: Vec<u32>) -> Result<Self, SamplesError> {
        let len = shape
            .iter()
            .try_fold(labels.len(), |len, &extent| len.checked_mul(extent));
        if len != Some(codes.len()) || shape.contains(&0) {
            return Err(SamplesError::Length {
                expected: len.unwrap_or(usize::MAX),
                found: codes.len(),
            });
        }
        Ok(Self {
            shape,
            codes,
            labels,
        })
    }

    /// Height, width, channels.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Codes and class of one sample.
    ///
    /// # Panics
    /// When there is no such sample.
    #[must_use]
    pub fn get(&self, sample: usize) -> (&[i8], u32) {
        let len = self.codes.len() / self.labels.len();
        (
            &self.codes[sample * len..(sample + 1) * len],
            self.labels[sample],
        )
    }

    /// Adds one; `codes` has the length of the others.
    pub(crate) fn push(&mut self, codes: &[i8], label: u32) {
        self.codes.extend_from_slice(codes);
        self.labels.push(label);
    }
}
