//! The layout of a flatbuffer, with every offset and every length checked.
//!
//! A table starts with the distance back to its vtable; a vtable lists for each field where in
//! the table it lies, 0 for a field that is absent. Vectors, strings and tables are reached by
//! offsets relative to the place of the offset.

use super::error::{Refusal, TfliteError};

/// What stands at `at` leads out of the file.
#[cold]
fn outside(at: usize) -> Refusal {
    TfliteError::Layout { at }.into()
}

/// `len` bytes from `at` on.
fn slice(bytes: &[u8], at: usize, len: usize) -> Result<&[u8], Refusal> {
    at.checked_add(len)
        .and_then(|end| bytes.get(at..end))
        .ok_or_else(|| outside(at))
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], Refusal> {
    bytes
        .get(at..)
        .and_then(<[u8]>::first_chunk)
        .copied()
        .ok_or_else(|| outside(at))
}

fn length(bytes: &[u8], at: usize) -> Result<usize, Refusal> {
    usize::try_from(u32::from_le_bytes(array(bytes, at)?))
        .ok()
        .ok_or_else(|| outside(at))
}

/// Where the offset at `at` leads.
fn target(bytes: &[u8], at: usize) -> Result<usize, Refusal> {
    at.checked_add(length(bytes, at)?)
        .ok_or_else(|| outside(at))
}

/// A table: its fields are reached by their number in the schema.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a> {
    bytes: &'a [u8],
    at: usize,
    len: usize,
    vtable: &'a [u8],
}

impl<'a> Table<'a> {
    /// The root of the file.
    pub(super) fn root(bytes: &'a [u8]) -> Result<Self, Refusal> {
        Self::new(bytes, target(bytes, 0)?)
    }

    fn new(bytes: &'a [u8], at: usize) -> Result<Self, Refusal> {
        let back = i64::from(i32::from_le_bytes(array(bytes, at)?));
        let vtable_at = i64::try_from(at)
            .ok()
            .and_then(|at| usize::try_from(at - back).ok())
            .ok_or_else(|| outside(at))?;
        let [a, b, c, d] = array(bytes, vtable_at)?;
        let vtable_len = usize::from(u16::from_le_bytes([a, b]));
        let len = usize::from(u16::from_le_bytes([c, d]));
        slice(bytes, at, len)?;
        Ok(Self {
            bytes,
            at,
            len,
            vtable: slice(bytes, vtable_at, vtable_len)?,
        })
    }

    /// Position of a field of `size` bytes, if the table has it.
    fn position(&self, field: usize, size: usize) -> Result<Option<usize>, Refusal> {
        let Some(&entry) = self
            .vtable
            .get(4 + 2 * field..)
            .and_then(<[u8]>::first_chunk)
        else {
            return Ok(None);
        };
        let offset = usize::from(u16::from_le_bytes(entry));
        if offset + size > self.len {
            return Err(outside(self.at));
        }
        Ok((offset != 0).then(|| self.at + offset))
    }

    fn scalar<const N: usize>(&self, field: usize) -> Result<Option<[u8; N]>, Refusal> {
        let at = self.position(field, N)?;
        at.map(|at| array(self.bytes, at)).transpose()
    }

    /// A byte, or 0.
    pub(super) fn byte(&self, field: usize) -> Result<u8, Refusal> {
        Ok(self.scalar(field)?.map_or(0, |[byte]| byte))
    }

    /// A 32-bit number, or `default`.
    pub(super) fn int(&self, field: usize, default: i32) -> Result<i32, Refusal> {
        Ok(self.scalar(field)?.map_or(default, i32::from_le_bytes))
    }

    /// A 32-bit float, or 0.
    pub(super) fn float(&self, field: usize) -> Result<f32, Refusal> {
        Ok(self.scalar(field)?.map_or(0.0, f32::from_le_bytes))
    }

    /// A table that the field leads to.
    pub(super) fn table(&self, field: usize) -> Result<Option<Self>, Refusal> {
        let at = self.position(field, 4)?;
        at.map(|at| Self::new(self.bytes, target(self.bytes, at)?))
            .transpose()
    }

    /// Elements of `N` bytes; none if the field is absent.
    pub(super) fn vector<const N: usize>(&self, field: usize) -> Result<&'a [[u8; N]], Refusal> {
        Ok(self.vector_at(field)?.1)
    }

    /// A vector and where its first element lies.
    fn vector_at<const N: usize>(&self, field: usize) -> Result<(usize, &'a [[u8; N]]), Refusal> {
        let Some(at) = self.position(field, 4)? else {
            return Ok((0, &[]));
        };
        let at = target(self.bytes, at)?;
        let len = length(self.bytes, at)?
            .checked_mul(N)
            .ok_or_else(|| outside(at))?;
        let elements = slice(self.bytes, at + 4, len)?;
        Ok((at + 4, elements.as_chunks().0))
    }

    /// Bytes or text; none if the field is absent.
    pub(super) fn bytes(&self, field: usize) -> Result<&'a [u8], Refusal> {
        Ok(self.vector::<1>(field)?.as_flattened())
    }

    /// Tables; none if the field is absent.
    pub(super) fn tables(&self, field: usize) -> Result<Tables<'a>, Refusal> {
        let (at, offsets) = self.vector_at::<4>(field)?;
        Ok(Tables {
            bytes: self.bytes,
            at,
            len: offsets.len(),
        })
    }
}

/// A vector of tables.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tables<'a> {
    bytes: &'a [u8],
    at: usize,
    len: usize,
}

impl<'a> Tables<'a> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The table of index `index`, if there is one.
    pub(super) fn get(&self, index: usize) -> Result<Option<Table<'a>>, Refusal> {
        if index >= self.len {
            return Ok(None);
        }
        let table = Table::new(self.bytes, target(self.bytes, self.at + 4 * index)?)?;
        Ok(Some(table))
    }
}
