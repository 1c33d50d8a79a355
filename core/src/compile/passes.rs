//! Which passes of the compiler are at work.

/// Where layers run together instead of one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Together {
    /// Nowhere.
    Never,
    /// Where they would otherwise make the block of memory larger; elsewhere they are faster one
    /// after another.
    WhereNeeded,
    /// Wherever they can.
    Everywhere,
}

/// What the compiler may do to make the block of memory smaller; all of it unless one asks.
///
/// The weights that come out are the same whatever is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passes {
    /// Frozen layers run row by row.
    pub streaming: Together,
    /// The backward pass of an inverted-residual block runs hidden channel by hidden channel.
    pub hidden_channels: Together,
    /// An operation's output takes the place of an input that dies there.
    pub in_place: bool,
}

impl Passes {
    /// Every pass.
    pub const ALL: Self = Self {
        streaming: Together::WhereNeeded,
        hidden_channels: Together::WhereNeeded,
        in_place: true,
    };
    /// None of those that can be left out.
    pub const NONE: Self = Self {
        streaming: Together::Never,
        hidden_channels: Together::Never,
        in_place: false,
    };
}

impl Default for Passes {
    fn default() -> Self {
        Self::ALL
    }
}
