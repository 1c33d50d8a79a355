//! Which passes of the compiler are at work.

/// Which frozen layers run row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Streaming {
    /// None.
    Never,
    /// Those that would otherwise make the block larger; the others are faster as a whole.
    WhereNeeded,
    /// All that can.
    Everywhere,
}

/// What the compiler may do to make the block smaller; all of it unless one asks.
///
/// The weights that come out are the same whatever is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passes {
    /// Frozen layers that run row by row.
    pub streaming: Streaming,
    /// An operation's output takes the place of an input that dies there.
    pub in_place: bool,
}

impl Passes {
    /// Every pass.
    pub const ALL: Self = Self {
        streaming: Streaming::WhereNeeded,
        in_place: true,
    };
    /// None of those that can be left out.
    pub const NONE: Self = Self {
        streaming: Streaming::Never,
        in_place: false,
    };
}

impl Default for Passes {
    fn default() -> Self {
        Self::ALL
    }
}
