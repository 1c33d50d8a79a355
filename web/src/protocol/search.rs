//! Messages about the search for a policy.

use serde::{Deserialize, Serialize};

/// What the page may ask of the search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SearchRequest {
    /// Begins a search within the board of the setup, by what the worker knows of contributions; it
    /// goes on whenever there is nothing else to do. One that is under way ends.
    Begin(SearchOptions),
    /// Takes over what was trained before.
    Recall {
        /// The search that it is of ([`SearchView::key`]).
        key: String,
        /// The lines of [`SearchView::trained`], together.
        trained: String,
    },
    /// Goes on, whenever there is nothing else to do.
    Run,
    /// Stands still, and keeps what is known.
    Pause,
    /// Ends it.
    Cancel,
}

/// How a search is made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchOptions {
    /// Seeds that each policy is trained with; the first is that of the setup.
    pub n_seeds: u32,
    /// Policies that the evolution plans for each share of the budget, at most.
    pub n_plans: u32,
    /// Whether policies are trained with half and twice the learning rate too.
    pub tunes_rate: bool,
    /// Whether there is backward elimination.
    pub eliminates: bool,
    /// Accuracy below which it stops, as a share; that of the classifier alone if none.
    pub threshold: Option<f32>,
    /// Bytes of program and constants; without limit if none.
    pub flash_bytes: Option<u32>,
    /// Multiply-accumulates of a step; without limit if none.
    pub macs_step: Option<u64>,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self {
            n_seeds: 3,
            n_plans: 1_000,
            tunes_rate: false,
            eliminates: true,
            threshold: None,
            flash_bytes: None,
            macs_step: None,
        }
    }
}

/// How a search stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SearchView {
    /// Identity of network, samples and settings, with the steps of a run: searches with the same key
    /// share what they train.
    pub key: String,
    /// What it does.
    pub phase: SearchPhase,
    /// Whether it goes on when there is nothing else to do.
    pub runs: bool,
    /// Bytes of the one block that policies may need.
    pub budget_bytes: u32,
    /// Policies that were planned.
    pub planned: u32,
    /// Runs of the phase that are done, and all of them, at most.
    pub done: [u32; 2],
    /// Expected time of the other runs of the phase, at most, in seconds; none before it is known.
    pub seconds_left: Option<u32>,
    /// What the evolution came to.
    pub generations: Vec<GenerationView>,
    /// The largest sum of gains that was found within the whole budget, as a share of accuracy.
    pub best_gain: Option<f32>,
    /// A sum that no policy within the whole budget exceeds.
    pub bound_gain: Option<f32>,
    /// Accuracy below which backward elimination stops; none before it is known.
    pub threshold: Option<f32>,
    /// What backward elimination came to.
    pub steps: Vec<StepView>,
    /// Policies that were chosen, and what they are compared with.
    pub points: Vec<PointView>,
    /// The best found policy against the others, once all are trained.
    pub differences: Vec<DifferenceView>,
    /// Samples that `points` state their accuracy on.
    pub test_samples: u32,
    /// Lines about what was trained since they were told last, to be kept; none where nothing was.
    pub trained: Option<String>,
}

/// What a search does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SearchPhase {
    /// It plans policies.
    #[default]
    Planning,
    /// It freezes one layer after another.
    Eliminating,
    /// It trains what was chosen.
    Training,
    /// Everything is known.
    Done,
}

/// A generation of the evolution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GenerationView {
    /// Share of the budget that it searches within: 1, 2 for a half, 4 for a quarter.
    pub share: u32,
    /// Largest sum of gains so far.
    pub best_gain: f32,
    /// Mean of the generation.
    pub mean_gain: f32,
}

/// A step of backward elimination.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepView {
    /// The layer that is frozen since the step before; none of the first, which trains everything.
    pub frozen_layer: Option<u32>,
    /// Link text of what still learns.
    pub policy: String,
    /// Bytes of the one block.
    pub arena_bytes: u32,
    /// Accuracy on the validation samples: mean and standard deviation over the seeds.
    pub accuracy: [f32; 2],
}

/// A policy with what it costs and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointView {
    /// The methods or presets that it comes from.
    pub origin: String,
    /// Whether the search found it, or is compared with it.
    pub is_found: bool,
    /// Its link text.
    pub policy: String,
    /// Whether it stays within all limits; so does one whose cost is not known yet.
    pub fits: bool,
    /// Bytes of the one block; 0 before they are known.
    pub arena_bytes: u32,
    /// Multiply-accumulates of a step.
    pub macs_step: u64,
    /// Sum of the gains of its cells; none where a ratio is not one of those analysed.
    pub gain: Option<f32>,
    /// What training came to; none before.
    pub trained: Option<TrainedView>,
}

/// What training a policy came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainedView {
    /// Learning rate, the best on the validation samples.
    pub rate: f32,
    /// Accuracy on the test samples: mean and standard deviation over the seeds.
    pub accuracy: [f32; 2],
    /// Whether no other policy has a larger accuracy with no more bytes.
    pub on_front: bool,
}

/// What the best found policy has over another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DifferenceView {
    /// Share of the budget that both fit: 1, 2 for a half, 4 for a quarter.
    pub share: u32,
    /// Where the found one comes from.
    pub ours: String,
    /// Where the other comes from.
    pub theirs: String,
    /// Mean difference of the accuracies on the test samples.
    pub mean: f32,
    /// Interval that holds the true one in 95 of 100 cases.
    pub interval: [f32; 2],
}
