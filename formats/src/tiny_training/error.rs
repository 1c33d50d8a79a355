//! Why a file was refused: ids and positions; `explain` makes sentences of them.

use std::fmt;

use quartermeg_core::network::NetworkError;

use super::array::{ArrayShape, ElementType};
use super::pickle::Kind;
use super::place::Place;

/// Why a file was refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TinyTrainingError {
    /// The zip around the pickle.
    Archive(ArchiveError),
    /// The pickle cannot be read.
    Pickle {
        /// Offset in the pickle of the instruction that cannot be carried out.
        at: usize,
        /// Why not.
        error: PickleError,
    },
    /// A dictionary has a key that is not known here, so it may mean what is not done here.
    UnknownKey {
        /// The dictionary.
        place: Place,
        /// The key.
        key: Excerpt,
    },
    /// A field of a dictionary cannot be used.
    Field {
        /// The dictionary, or the one that holds its `params`.
        place: Place,
        /// Key of the field.
        field: &'static str,
        /// Why not.
        error: FieldError,
    },
    /// Every field can be read, but the network breaks a rule.
    Network {
        /// The part that breaks it.
        place: Place,
        /// The rule.
        error: NetworkError,
    },
}

impl From<ArchiveError> for TinyTrainingError {
    fn from(error: ArchiveError) -> Self {
        Self::Archive(error)
    }
}

/// Why no pickle could be taken from the zip. Sizes and offsets are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveError {
    /// There is no directory at the end, so it is no zip or was cut off.
    NoDirectory,
    /// The directory is malformed after this many entries.
    Directory {
        /// Entries read before.
        entries: usize,
    },
    /// No entry is called `data.pkl`.
    NoPickle {
        /// Entries in the zip.
        entries: usize,
    },
    /// More than one entry is called `data.pkl`.
    SeveralPickles,
    /// The pickle is encrypted.
    Encrypted,
    /// The pickle is packed in a way that is not known here.
    Method {
        /// The zip's number of the method.
        method: u16,
    },
    /// The pickle's own header is malformed, or its bytes lie outside the file.
    Entry {
        /// Offset of the header, as the directory gives it.
        at: u64,
        /// Packed size, as the directory gives it.
        size: u64,
    },
    /// The packed bytes are damaged.
    Packed,
    /// The pickle is larger than [`super::MAX_DECODED`].
    TooLarge {
        /// Its size.
        size: u64,
    },
    /// The pickle has another size than the directory says.
    Size {
        /// The directory's.
        expected: u64,
        /// The pickle's, or one byte more than was expected.
        found: u64,
    },
    /// The pickle has another CRC-32 than the directory says.
    Checksum {
        /// The directory's.
        expected: u32,
        /// The pickle's.
        found: u32,
    },
}

/// Why an instruction of the pickle could not be carried out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PickleError {
    /// The pickle ends inside the instruction.
    Truncated {
        /// Bytes that the instruction still needs.
        needed: u64,
        /// Bytes that are left.
        left: usize,
    },
    /// It does not start with a protocol from 2 to 5.
    Protocol {
        /// The protocol, or `None` if there is none.
        found: Option<u8>,
    },
    /// The instruction is not known here.
    Opcode {
        /// Its code.
        code: u8,
    },
    /// It refers to data outside the pickle, as a `PyTorch` tensor does.
    Outside,
    /// It names a function or class that is not known here.
    Name {
        /// Module and name.
        name: Excerpt,
    },
    /// The line of a name has no end.
    Line,
    /// A text is not UTF-8.
    Utf8,
    /// A text that stands for bytes has a character above U+00FF.
    Latin1,
    /// An integer has more than 64 bits.
    Integer {
        /// Its bytes.
        bytes: usize,
    },
    /// The stack holds too few values.
    Stack,
    /// A slot of the memo is empty.
    Memo {
        /// Its index.
        index: u32,
    },
    /// A value is of another kind than the instruction needs.
    Operand {
        /// The kind that is needed.
        expected: Kind,
        /// The kind that is there.
        found: Kind,
    },
    /// A function's arguments are not those that numpy writes.
    Arguments,
    /// A dictionary's key is longer than any that is known here.
    Key {
        /// Its bytes.
        bytes: usize,
    },
    /// A dictionary has a key twice.
    RepeatedKey {
        /// The key.
        key: Excerpt,
    },
    /// An element type is not known here.
    ElementType {
        /// Numpy's name of it.
        name: Excerpt,
    },
    /// An array has more dimensions than [`ArrayShape`] has.
    Dimensions {
        /// Their number.
        found: usize,
    },
    /// An array's data has another length than its shape and element type call for.
    ArrayLength {
        /// Bytes that they call for.
        expected: u64,
        /// Bytes that are there.
        found: usize,
    },
    /// More values, or more that are open at once, than any known network needs.
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// What is decoded would exceed [`super::MAX_DECODED`].
    TooLarge,
}

/// Why a field cannot be used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FieldError {
    /// It is not there.
    Missing,
    /// Its value is of another kind.
    Kind {
        /// The kind that is needed.
        expected: Kind,
        /// The kind that is there.
        found: Kind,
    },
    /// It must be `None`, since what it describes is not done here.
    NotNone {
        /// The kind that is there.
        found: Kind,
    },
    /// The shortcut has a convolution, which is not done here.
    ConvShortcut,
    /// A number, or a number of entries, is out of range.
    Range {
        /// The number.
        found: i64,
        /// The smallest one that is possible.
        min: i64,
        /// The largest one that is possible.
        max: i64,
    },
    /// A kernel has an even extent, so it has no middle.
    EvenKernel {
        /// Its extent.
        found: usize,
    },
    /// A number contradicts what precedes this part.
    Number {
        /// What follows from it.
        expected: i64,
        /// What is there.
        found: i64,
    },
    /// The scale of what is read is not the scale of the value that is read.
    Scale {
        /// The value's.
        expected: f32,
        /// The field's.
        found: f32,
    },
    /// A scale is not a positive number of single precision.
    NotAScale {
        /// The number.
        found: f64,
    },
    /// An array has another element type.
    ElementType {
        /// The one that is needed.
        expected: ElementType,
        /// The one that is there.
        found: ElementType,
    },
    /// An array has another shape.
    Shape {
        /// The one that follows from the other fields.
        expected: ArrayShape,
        /// The one that is there.
        found: ArrayShape,
    },
    /// An array was announced but never filled.
    Unfilled,
    /// What is decoded would exceed [`super::MAX_DECODED`].
    TooLarge {
        /// Bytes that this field decodes to.
        size: usize,
    },
}

/// The start of a text of the file, as far as an error needs it: printable ASCII, with `?` for
/// everything else, so that a file cannot control the terminal or the page that shows it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Excerpt {
    bytes: [u8; Self::MAX],
    len: usize,
}

impl Excerpt {
    /// Longest excerpt.
    const MAX: usize = 48;

    /// The start of `parts`, joined by dots.
    pub(super) fn new(parts: &[&str]) -> Self {
        let mut excerpt = Self {
            bytes: [0; Self::MAX],
            len: 0,
        };
        for (index, part) in parts.iter().enumerate() {
            let dot = (index > 0).then_some('.');
            for char in dot.into_iter().chain(part.chars()) {
                let Some(place) = excerpt.bytes.get_mut(excerpt.len) else {
                    return excerpt;
                };
                *place = match u8::try_from(char) {
                    Ok(byte) if byte.is_ascii_graphic() || byte == b' ' => byte,
                    _ => b'?',
                };
                excerpt.len += 1;
            }
        }
        excerpt
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text =
            str::from_utf8(&self.bytes[..self.len]).expect("invariant: only ASCII is put in");
        f.write_str(text)
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}
