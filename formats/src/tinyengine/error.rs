//! Why a graph was refused.

/// Why a graph was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TinyEngineError {
    /// The file is longer than [`super::MAX_FILE_BYTES`].
    TooLong {
        /// Bytes of the file.
        bytes: usize,
    },
    /// It has more objects, lists or elements than that many operators can have.
    TooManyParts,
    /// It is not JSON; the reader's reason with line and column.
    Json(String),
    /// It is JSON, but not a list of operators.
    NotAGraph,
    /// It has more than [`super::MAX_OPERATORS`] operators.
    TooManyOperators {
        /// Operators of the file.
        found: usize,
    },
    /// An operator cannot be used.
    Operator {
        /// Position in the file, from 0.
        index: u32,
        /// Its name; empty where it has none.
        name: String,
        /// The tensor; its position, for example `inputs[2]`, where it has no name; none where
        /// the operator itself is wrong.
        tensor: Option<String>,
        /// What is wrong.
        problem: Problem,
    },
    /// No operator computes a loss.
    NoLoss,
    /// A tensor finds no place below [`super::MAX_ARENA_BYTES`].
    DoesNotFit {
        /// Its name.
        tensor: String,
        /// Its size.
        bytes: u32,
    },
}

/// What is wrong with an operator or a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A field is missing or holds something else.
    Field {
        /// Its name.
        field: &'static str,
        /// What it must hold.
        expected: &'static str,
    },
    /// Operators of this type are not known.
    UnknownType {
        /// The type.
        found: String,
    },
    /// A list has another length.
    Count {
        /// Field that holds the list.
        field: &'static str,
        /// Length that the type of operator needs.
        expected: usize,
        /// Length found.
        found: usize,
    },
    /// No earlier operator computes the tensor.
    NotComputed,
    /// An earlier operator has computed the tensor already.
    ComputedTwice,
    /// A field says something else than at the tensor's first mention.
    Differs {
        /// The field.
        field: &'static str,
    },
    /// The shape has more elements than can be counted in bytes.
    TooLarge,
    /// The shape has another number of elements than the operator's other tensors need.
    Elements {
        /// Elements needed.
        expected: u32,
        /// Elements found.
        found: u32,
    },
}
