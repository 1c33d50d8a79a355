//! Messages about drift: a world that changes under the learner.

use serde::{Deserialize, Serialize};

use super::AnalysisPhase;

/// How the world changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftChange {
    /// In which way.
    pub kind: ChangeKind,
    /// How much, in the unit of the kind.
    pub amount: i32,
}

/// A way in which a world can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeKind {
    /// Images written by another hand, in degrees to the right.
    Slant,
    /// Images that are turned, in degrees clockwise.
    Rotation,
    /// Images in another light, in per cent.
    Light,
    /// Motion of the other arm; there is no more or less of it.
    OtherArm,
    /// Motion of a sensor that has turned around the forearm, in degrees.
    TurnedSensor,
    /// A class that comes with the change: its index.
    NewClass,
}

/// What the page may ask of drift.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DriftRequest {
    /// Some samples before and after a change; answered by [`super::Event::DriftPreview`].
    Preview(DriftChange),
    /// Plans all learners and works out how long they take; it stands until [`Self::Run`]. One
    /// that is under way ends.
    Prepare {
        /// How the world changes.
        change: DriftChange,
        /// Steps before the change and after it.
        steps: [u32; 2],
        /// Seeds of each learner; the first is that of the setup.
        n_seeds: u32,
    },
    /// Goes on, whenever there is nothing else to do.
    Run,
    /// Stands still, and keeps what is known.
    Pause,
    /// Ends it.
    Cancel,
}

/// How a drift stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DriftView {
    /// What it does; its first phase plans policies.
    pub phase: AnalysisPhase,
    /// Policies that are planned, and all of them.
    pub counted: [u32; 2],
    /// Runs that are done, and all of them.
    pub runs: [u32; 2],
    /// Expected time of the other runs, in seconds.
    pub seconds_left: u32,
    /// Samples that each world is measured on, before the change and after it.
    pub n_held_out: [u32; 2],
    /// Each way of learning, in the order nothing, classifier only, biases, sparse, full; none
    /// before they are planned.
    pub learners: Vec<LearnerView>,
    /// What is known of each learner, in the same order; none where it was told before.
    pub curves: Option<Vec<LearnerCurves>>,
}

/// A way of learning and what it costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearnerView {
    /// Bytes of the block; 0 where nothing learns.
    pub arena_bytes: u32,
    /// Whether the board has them.
    pub fits: bool,
    /// Layers that learn.
    pub n_layers: u32,
}

/// What is known of a learner.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LearnerCurves {
    /// Runs that it is the mean of; 0 while the first is under way.
    pub n_runs: u32,
    /// Accuracies in the world before the change.
    pub before: Vec<MeasuredShare>,
    /// Accuracies in the one after it.
    pub after: Vec<MeasuredShare>,
}

/// An accuracy after some steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MeasuredShare {
    /// Steps that were learned.
    pub step: u32,
    /// Mean share of the samples that are recognized.
    pub mean: f32,
    /// Standard deviation over the seeds.
    pub sd: f32,
}

/// Some samples before and after a change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftPreview {
    /// Height, width and channels of each.
    pub input: [u32; 3],
    /// Class and codes, before the change.
    pub before: Vec<(u32, Vec<i8>)>,
    /// Class and codes, after it.
    pub after: Vec<(u32, Vec<i8>)>,
}
