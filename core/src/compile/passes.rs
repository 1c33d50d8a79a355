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
    /// Gradients and masks of what nothing that learns needs are left out.
    pub prune: bool,
    /// A parameter is updated as soon as its gradient exists and its old value was used for the
    /// last time, instead of at the end of the step.
    pub reorder: bool,
    /// Gradient and update of a parameter are one operation, which forms the gradient tile by
    /// tile, so that it never exists as a whole.
    pub fuse: bool,
    /// Frozen layers run row by row.
    pub streaming: Together,
    /// The backward pass of an inverted-residual block runs hidden channel by hidden channel;
    /// with `reorder` and `fuse` alone, because that is how it updates the block.
    pub hidden_channels: Together,
    /// An operation's output takes the place of an input that dies there.
    pub in_place: bool,
}

impl Passes {
    /// Every pass.
    pub const ALL: Self = Self {
        prune: true,
        reorder: true,
        fuse: true,
        streaming: Together::WhereNeeded,
        hidden_channels: Together::WhereNeeded,
        in_place: true,
    };
    /// None of those that can be left out.
    pub const NONE: Self = Self {
        prune: false,
        reorder: false,
        fuse: false,
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
