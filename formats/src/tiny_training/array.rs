//! Numpy arrays as a pickle holds them.

use std::borrow::Cow;

use super::budget::Budget;
use super::error::FieldError;
use super::pickle::Buffer;

/// Largest number of dimensions of an array.
pub(super) const MAX_RANK: usize = 4;

/// Type of an array's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named after its type")]
pub enum ElementType {
    Bool,
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
}

impl ElementType {
    /// By the kind and size that numpy writes.
    pub(super) fn of_numpy(name: &str) -> Option<Self> {
        Some(match name {
            "b1" => Self::Bool,
            "i1" => Self::I8,
            "u1" => Self::U8,
            "i2" => Self::I16,
            "u2" => Self::U16,
            "i4" => Self::I32,
            "u4" => Self::U32,
            "i8" => Self::I64,
            "u8" => Self::U64,
            "f4" => Self::F32,
            "f8" => Self::F64,
            _ => return None,
        })
    }

    /// Bytes of one element.
    #[must_use]
    pub fn size(self) -> usize {
        match self {
            Self::Bool | Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }

    /// Its name as numpy prints it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::I8 => "int8",
            Self::U8 => "uint8",
            Self::I16 => "int16",
            Self::U16 => "uint16",
            Self::I32 => "int32",
            Self::U32 => "uint32",
            Self::I64 => "int64",
            Self::U64 => "uint64",
            Self::F32 => "float32",
            Self::F64 => "float64",
        }
    }
}

/// Element type and order of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dtype {
    pub(super) element: ElementType,
    pub(super) big_endian: bool,
}

/// Extents of an array, outermost first; at most four.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArrayShape {
    extents: [u32; MAX_RANK],
    rank: u8,
}

impl ArrayShape {
    /// `None` for more than four extents, or one that 32 bits cannot hold.
    pub(super) fn new(extents: impl IntoIterator<Item = u64>) -> Option<Self> {
        let mut shape = Self {
            extents: [0; MAX_RANK],
            rank: 0,
        };
        for extent in extents {
            *shape.extents.get_mut(usize::from(shape.rank))? = u32::try_from(extent).ok()?;
            shape.rank += 1;
        }
        Some(shape)
    }

    /// The extents, outermost first.
    #[must_use]
    pub fn extents(&self) -> &[u32] {
        &self.extents[..usize::from(self.rank)]
    }

    /// Number of elements, or `None` if 64 bits cannot hold it.
    pub(super) fn n_elements(&self) -> Option<u64> {
        self.extents()
            .iter()
            .try_fold(1_u64, |n, &extent| n.checked_mul(u64::from(extent)))
    }
}

/// An array whose data has exactly the length that shape and element type call for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Array<'a> {
    pub(super) dtype: Dtype,
    pub(super) shape: ArrayShape,
    /// The first index runs fastest, instead of the last.
    pub(super) column_major: bool,
    pub(super) data: Buffer<'a>,
}

impl<'a> Array<'a> {
    /// The data, once it is sure that the array is what the caller needs, and paid for: the bytes
    /// themselves and as many for the numbers that are made of them.
    fn bytes(
        &self,
        element: ElementType,
        shape: ArrayShape,
        budget: &mut Budget,
    ) -> Result<Cow<'a, [u8]>, FieldError> {
        if self.dtype.element != element {
            return Err(FieldError::ElementType {
                expected: element,
                found: self.dtype.element,
            });
        }
        if self.shape != shape {
            return Err(FieldError::Shape {
                expected: shape,
                found: self.shape,
            });
        }
        let size = self.data.len();
        if !budget.take(size.saturating_mul(2)) {
            return Err(FieldError::TooLarge { size });
        }
        Ok(self.data.to_bytes())
    }

    /// The elements of an int8 array `[O, I, kh, kw]` in the order `[O, kh, kw, I]`.
    pub(super) fn i8s_channel_last(
        &self,
        shape: [usize; 4],
        budget: &mut Budget,
    ) -> Result<Vec<i8>, FieldError> {
        let bytes = self.bytes(ElementType::I8, shape_of(&shape), budget)?;
        let [n_out, n_in, n_rows, n_cols] = shape;
        let strides = if self.column_major {
            [1, n_out, n_out * n_in, n_out * n_in * n_rows]
        } else {
            [n_in * n_rows * n_cols, n_rows * n_cols, n_cols, 1]
        };
        let mut codes = Vec::with_capacity(bytes.len());
        for out in 0..n_out {
            for row in 0..n_rows {
                for col in 0..n_cols {
                    let first = out * strides[0] + row * strides[2] + col * strides[3];
                    codes.extend(
                        (0..n_in).map(|channel| bytes[first + channel * strides[1]].cast_signed()),
                    );
                }
            }
        }
        Ok(codes)
    }

    /// The elements of an int32 array `[n]`.
    pub(super) fn i32s(&self, n: usize, budget: &mut Budget) -> Result<Vec<i32>, FieldError> {
        let bytes = self.bytes(ElementType::I32, shape_of(&[n]), budget)?;
        Ok(self.words(&bytes).map(u32::cast_signed).collect())
    }

    /// The elements of a float32 array `[n]`.
    pub(super) fn f32s(&self, n: usize, budget: &mut Budget) -> Result<Vec<f32>, FieldError> {
        let bytes = self.bytes(ElementType::F32, shape_of(&[n]), budget)?;
        Ok(self.words(&bytes).map(f32::from_bits).collect())
    }

    fn words(&self, bytes: &[u8]) -> impl ExactSizeIterator<Item = u32> {
        let (words, _) = bytes.as_chunks::<4>();
        let big_endian = self.dtype.big_endian;
        words.iter().map(move |&word| {
            if big_endian {
                u32::from_be_bytes(word)
            } else {
                u32::from_le_bytes(word)
            }
        })
    }
}

/// A shape of extents that were checked to be small.
fn shape_of(extents: &[usize]) -> ArrayShape {
    ArrayShape::new(extents.iter().map(|&extent| extent as u64))
        .expect("invariant: at most four extents, each at most 4096")
}
