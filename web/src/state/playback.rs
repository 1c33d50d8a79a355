//! Whether training runs.

/// Whether training runs, as the person sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Playback {
    /// Training stands still.
    #[default]
    Paused,
    /// Training starts as soon as plan and samples are there.
    Waiting,
    /// Training runs.
    Running,
}

impl Playback {
    /// Whether the transport offers Pause rather than Play.
    #[must_use]
    pub fn is_on(self) -> bool {
        self != Self::Paused
    }
}
