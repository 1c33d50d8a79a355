//! Messages about the contribution analysis.

use serde::{Deserialize, Serialize};

use super::ContributionsView;

/// What the page may ask of the contribution analysis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AnalysisRequest {
    /// Works out what an analysis of the setup and its samples takes; it stands until
    /// [`Self::Run`]. One that is under way ends.
    Prepare {
        /// Seeds of each run; the first is that of the setup.
        n_seeds: u32,
        /// Steps of each run.
        steps: u32,
    },
    /// Takes over what was measured before.
    Recall {
        /// The analysis that it is of ([`AnalysisView::key`]).
        key: String,
        /// As [`AnalysisView::counts`].
        counts: String,
    },
    /// Goes on, whenever there is nothing else to do.
    Run,
    /// Stands still, and keeps what is known.
    Pause,
    /// Ends it.
    Cancel,
    /// Writes what it measured as a file of contributions; answered by
    /// [`super::Event::Exported`].
    Save,
}

/// How a contribution analysis stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AnalysisView {
    /// Identity of network, samples and settings, with steps and learning rate: analyses with the
    /// same key share what they measure.
    pub key: String,
    /// What it does.
    pub phase: AnalysisPhase,
    /// Policies whose work is known, and all of them.
    pub counted: [u32; 2],
    /// Runs that are done, and all of them.
    pub runs: [u32; 2],
    /// Expected time of the other runs, in seconds.
    pub seconds_left: u32,
    /// Multiply-accumulates of all runs: if nothing were kept of frozen layers, and as it is.
    pub macs: [u64; 2],
    /// What is known, to be kept for later; none where it was told before.
    pub counts: Option<String>,
    /// What those cells gain that were measured so far; none where it was told before.
    pub contributions: Option<Box<ContributionsView>>,
}

/// What a contribution analysis does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AnalysisPhase {
    /// It works out how long it will take.
    #[default]
    Counting,
    /// It stands still.
    Standing,
    /// It runs whenever there is nothing else to do.
    Running,
    /// Everything is measured.
    Done,
}
