//! What a pickle builds: data, and nothing that could be called.
//!
//! Containers lie side by side on a heap and name each other by index. So one that is used twice
//! is built once, one that contains itself does no harm, and dropping them takes no recursion.

use std::borrow::Cow;

use super::super::array::{Array, Dtype};
use super::super::error::FieldError;

/// Kind of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named after its kind")]
pub enum Kind {
    None,
    Bool,
    Integer,
    Float,
    Text,
    Bytes,
    Tuple,
    List,
    Dictionary,
    ElementType,
    Array,
    Function,
}

/// The functions and classes that a pickle may name. None of them is one of ours to call: each
/// stands for a way to put its arguments together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Function {
    /// `_codecs.encode(text, "latin1")`: bytes.
    Encode,
    /// `collections.OrderedDict()`.
    OrderedDict,
    /// `numpy.dtype(name, align, copy)`.
    Dtype,
    /// `numpy.ndarray`, only as an argument.
    Ndarray,
    /// `numpy.core.multiarray._reconstruct(ndarray, shape, kind)`: an array to be filled.
    Reconstruct,
    /// `numpy.core.multiarray.scalar(dtype, bytes)`: one number.
    Scalar,
    /// `numpy.core.numeric._frombuffer(bytes, dtype, shape, order)`: an array.
    FromBuffer,
}

impl Function {
    pub(super) fn of_name(module: &str, name: &str) -> Option<Self> {
        // numpy 2 calls the same module `numpy._core`.
        let module = match module {
            "numpy._core.multiarray" => "numpy.core.multiarray",
            "numpy._core.numeric" => "numpy.core.numeric",
            other => other,
        };
        Some(match (module, name) {
            ("_codecs", "encode") => Self::Encode,
            ("collections", "OrderedDict") => Self::OrderedDict,
            ("numpy", "dtype") => Self::Dtype,
            ("numpy", "ndarray") => Self::Ndarray,
            ("numpy.core.multiarray", "_reconstruct") => Self::Reconstruct,
            ("numpy.core.multiarray", "scalar") => Self::Scalar,
            ("numpy.core.numeric", "_frombuffer") => Self::FromBuffer,
            _ => return None,
        })
    }
}

/// Bytes of the pickle, as they are or as a text.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Buffer<'a> {
    /// As they are.
    Raw(&'a [u8]),
    /// Each byte as the character of its number, which protocol 2 does for want of bytes.
    Latin1 {
        /// The text; no character is above U+00FF.
        text: &'a str,
        /// Its characters, and so its bytes.
        len: usize,
    },
}

impl<'a> Buffer<'a> {
    pub(in super::super) fn len(self) -> usize {
        match self {
            Self::Raw(bytes) => bytes.len(),
            Self::Latin1 { len, .. } => len,
        }
    }

    pub(in super::super) fn to_bytes(self) -> Cow<'a, [u8]> {
        match self {
            Self::Raw(bytes) => Cow::Borrowed(bytes),
            Self::Latin1 { text, len } => {
                let mut bytes = Vec::with_capacity(len);
                bytes.extend(text.chars().map(|char| {
                    u8::try_from(char).expect("invariant: checked when the text was encoded")
                }));
                Cow::Owned(bytes)
            }
        }
    }
}

/// A value; containers by their index on the heap.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Value<'a> {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a str),
    Bytes(Buffer<'a>),
    Tuple { start: usize, len: usize },
    List(usize),
    Dict(usize),
    Dtype(usize),
    Array(usize),
    Function(Function),
}

impl Value<'_> {
    pub(in super::super) fn kind(self) -> Kind {
        match self {
            Self::None => Kind::None,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Integer,
            Self::Float(_) => Kind::Float,
            Self::Text(_) => Kind::Text,
            Self::Bytes(_) => Kind::Bytes,
            Self::Tuple { .. } => Kind::Tuple,
            Self::List(_) => Kind::List,
            Self::Dict(_) => Kind::Dictionary,
            Self::Dtype(_) => Kind::ElementType,
            Self::Array(_) => Kind::Array,
            Self::Function(_) => Kind::Function,
        }
    }
}

/// The containers. Every index in a [`Value`] is one of this heap.
#[derive(Debug, Default)]
pub(in super::super) struct Heap<'a> {
    /// The entries of all tuples, one tuple after the other.
    pub(super) items: Vec<Value<'a>>,
    pub(super) lists: Vec<Vec<Value<'a>>>,
    pub(super) dicts: Vec<Vec<(&'a str, Value<'a>)>>,
    pub(super) dtypes: Vec<Dtype>,
    /// `None` until the array is filled.
    pub(super) arrays: Vec<Option<Array<'a>>>,
}

impl<'a> Heap<'a> {
    pub(super) fn tuple(&self, start: usize, len: usize) -> &[Value<'a>] {
        &self.items[start..start + len]
    }
}

/// A pickle that was read.
#[derive(Debug)]
pub(in super::super) struct Pickle<'a> {
    pub(super) heap: Heap<'a>,
    pub(super) root: Value<'a>,
}

impl<'a> Pickle<'a> {
    /// The outermost value.
    pub(in super::super) fn root(&self) -> Value<'a> {
        self.root
    }

    /// The entries of a tuple or list.
    pub(in super::super) fn sequence(&self, value: Value<'a>) -> Option<&[Value<'a>]> {
        match value {
            Value::Tuple { start, len } => Some(self.heap.tuple(start, len)),
            Value::List(list) => Some(&self.heap.lists[list]),
            _ => None,
        }
    }

    /// The entries of a dictionary; no key is there twice.
    pub(in super::super) fn dict(&self, value: Value<'a>) -> Option<&[(&'a str, Value<'a>)]> {
        match value {
            Value::Dict(dict) => Some(&self.heap.dicts[dict]),
            _ => None,
        }
    }

    /// An array that was filled.
    pub(in super::super) fn array(&self, value: Value<'a>) -> Result<&Array<'a>, FieldError> {
        match value {
            Value::Array(array) => self.heap.arrays[array].as_ref().ok_or(FieldError::Unfilled),
            other => Err(FieldError::Kind {
                expected: Kind::Array,
                found: other.kind(),
            }),
        }
    }
}
