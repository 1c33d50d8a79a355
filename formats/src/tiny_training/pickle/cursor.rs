//! Bytes of a pickle, front to back.

use super::super::error::PickleError;

/// Longest line of a name.
const MAX_LINE: usize = 256;

pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Offset of the next byte.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    fn left(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// The next `len` bytes, if they are there; they are still the next ones afterwards.
    pub(super) fn require(&self, len: u64) -> Result<&'a [u8], PickleError> {
        let left = self.left();
        usize::try_from(len)
            .ok()
            .and_then(|len| left.get(..len))
            .ok_or(PickleError::Truncated {
                needed: len,
                left: left.len(),
            })
    }

    /// The next `len` bytes, if they are there.
    pub(super) fn take(&mut self, len: u64) -> Result<&'a [u8], PickleError> {
        let taken = self.require(len)?;
        self.at += taken.len();
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PickleError> {
        let left = self.left();
        let bytes = left.first_chunk::<N>().ok_or(PickleError::Truncated {
            needed: N as u64,
            left: left.len(),
        })?;
        self.at += N;
        Ok(*bytes)
    }

    pub(super) fn u8(&mut self) -> Result<u8, PickleError> {
        self.array().map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, PickleError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, PickleError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, PickleError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32, PickleError> {
        self.array().map(i32::from_le_bytes)
    }

    /// A float has its first byte first, unlike everything else.
    pub(super) fn f64(&mut self) -> Result<f64, PickleError> {
        self.array().map(f64::from_be_bytes)
    }

    /// A signed integer of as many bytes as the first byte says.
    pub(super) fn long(&mut self) -> Result<i64, PickleError> {
        let len = self.u8()?;
        let bytes = self.take(u64::from(len))?;
        let mut word = [0; 8];
        let negative = bytes.last().is_some_and(|&last| last >= 0x80);
        if negative {
            word = [0xff; 8];
        }
        word.get_mut(..bytes.len())
            .ok_or(PickleError::Integer { bytes: bytes.len() })?
            .copy_from_slice(bytes);
        Ok(i64::from_le_bytes(word))
    }

    pub(super) fn text(&mut self, len: u64) -> Result<&'a str, PickleError> {
        str::from_utf8(self.take(len)?).map_err(|_error| PickleError::Utf8)
    }

    /// A text that ends with a line feed.
    pub(super) fn line(&mut self) -> Result<&'a str, PickleError> {
        let len = self
            .left()
            .iter()
            .take(MAX_LINE)
            .position(|&byte| byte == b'\n')
            .ok_or(PickleError::Line)?;
        let line = self.text(len as u64)?;
        self.at += 1;
        Ok(line)
    }
}
