//! Everything that can happen to the page.

use quartermeg_core::policy::LayerUpdate;
use quartermeg_core::quant::ChannelChoice;
use quartermeg_formats::setup::RateSchedule;

use super::{
    AnalysisAction, CameraAction, DriftAction, MotionAction, OwnAction, RunsAction, SearchAction,
};
use crate::protocol::{ExportKind, FromWorker, Speed};

/// Something happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    // -- Transport -----------------------------------------------------------------------------
    /// Train. Refused with an alert when the plan does not fit the budget; remembered while
    /// plan or samples are still on their way.
    Play,
    /// Stop training.
    Pause,
    /// Finish the step under way, or run a whole one.
    Step,
    /// Run one operation.
    NextOperation,
    /// Undo one operation.
    PreviousOperation,
    /// Go to the moment after so many operations of this step.
    Seek(u32),
    /// Go to the operation at which most memory is live.
    SeekPeak,
    /// Back to step 0.
    Reset,
    /// Train at another speed.
    SetSpeed(Speed),

    // -- Setup (each can be undone) ------------------------------------------------------------
    /// Another scenario, by id.
    SetScenario(String),
    /// Another device, by id; the budget becomes its SRAM.
    SetDevice(String),
    /// Another memory budget in bytes; clamped to what is possible.
    SetBudget(u32),
    /// Another learning rate, from the next step on; clamped to what is possible.
    SetLearningRate(f32),
    /// QAS on or off, from the next step on.
    SetQas(bool),
    /// Another seed; training starts again.
    SetSeed(u64),
    /// Another step to stop after; clamped to what is possible.
    SetStopAfter(u32),
    /// What one convolution updates (index from 0); training starts again.
    SetLayer {
        /// Index of the convolution, from 0.
        layer: usize,
        /// What it updates.
        update: LayerUpdate,
        /// Whether its input is computed again instead of being kept.
        recompute: bool,
        /// Which channels of its ratio learn; `None` for those that the rule for all says.
        channels: Option<ChannelChoice>,
    },
    /// As [`Self::SetLayer`], of one row after another, until [`Self::EndDrag`]: one edit, which is
    /// planned at the end.
    Paint {
        /// Index of the convolution, from 0.
        layer: usize,
        /// What it updates.
        update: LayerUpdate,
    },
    /// The budget line was dragged to so many bytes; the best policy known for them is applied.
    DragBudget(u32),
    /// The pointer that painted or dragged was lifted.
    EndDrag,
    /// A whole policy as link text, for example that of a preset; training starts again.
    SetPolicy(String),
    /// Other rules of the arithmetic, as the text of [`quartermeg_formats::numerics`]; training
    /// starts again.
    SetNumerics(String),
    /// Another factor between the rates of biases and weights, from the next step on; clamped to
    /// what is possible.
    SetBiasRate(f32),
    /// Another momentum, from the next step on; clamped to what is possible.
    SetMomentum(f32),
    /// Another schedule of the learning rate, from the next step on.
    SetSchedule(RateSchedule),
    /// Back to the setup before the newest change.
    Undo,
    /// Forward again.
    Redo,

    // -- Looking -------------------------------------------------------------------------------
    /// Point at an operation, or at none.
    SelectOp(Option<u32>),
    /// Point at a tensor, or at none.
    SelectTensor(Option<u32>),
    /// Point at a convolution, or at none.
    SelectLayer(Option<u32>),
    /// Show the plan without the passes of [`quartermeg_formats::waterfall::PASSES`] whose bit is
    /// set; 0 shows the plan that trains.
    LeaveOut(u8),
    /// Show the plan on the map again, in the place of a schedule from a file.
    CloseImported,
    /// Show or hide a panel ([`quartermeg_formats::link::PANELS`]).
    SetPanelHidden {
        /// Its name.
        panel: String,
        /// Whether it is hidden.
        hidden: bool,
    },
    /// Lock or free a control ([`quartermeg_formats::link::LOCKS`]).
    SetControlLocked {
        /// Its name.
        control: String,
        /// Whether it is locked.
        locked: bool,
    },
    /// Take a notice away.
    Dismiss(u32),

    // -- Drawing -------------------------------------------------------------------------------
    /// Predict the class of the drawing: 28 x 28 grey values, row by row.
    Classify(Vec<u8>),
    /// The drawing was wiped away.
    ClearPrediction,
    /// Learn from the drawing.
    AddSample {
        /// 28 x 28 grey values, row by row.
        pixels: Vec<u8>,
        /// Its class.
        label: u32,
    },

    // -- Motion --------------------------------------------------------------------------------
    /// Something about windows of motion.
    Motion(MotionAction),

    // -- A person's own network and samples ----------------------------------------------------
    /// Something about them.
    Own(OwnAction),
    /// Something about the camera that takes images of them.
    Camera(CameraAction),

    // -- Runs to compare -----------------------------------------------------------------------
    /// Something about them.
    Runs(RunsAction),

    // -- Contribution analysis -----------------------------------------------------------------
    /// Something about it.
    Analysis(AnalysisAction),
    /// Something about a world that changes.
    Drift(DriftAction),

    // -- Search for a policy -------------------------------------------------------------------
    /// Something about it.
    Search(SearchAction),

    // -- Files and links -----------------------------------------------------------------------
    /// Hold what would be exported against the board.
    CheckExport {
        /// Whether trained weights go in.
        with_weights: bool,
    },
    /// Write the files of a kind and hand them over.
    Export {
        /// Which.
        kind: ExportKind,
        /// Whether trained weights go in.
        with_weights: bool,
        /// How.
        to: Handover,
    },
    /// A file was copied, or, with a reason, was not.
    FileCopied {
        /// Its name.
        name: String,
        /// Whether it was.
        result: Result<(), String>,
    },
    /// A person chose or dropped a file; the app's root sends it when its bytes are there.
    OpenFile {
        /// Its name.
        name: String,
        /// Its contents.
        bytes: Vec<u8>,
    },
    /// Copy the share link.
    CopyLink,
    /// The link was copied, or, with a reason, was not.
    LinkCopied(Result<(), String>),
    /// Something that a person should know went wrong outside, as a sentence.
    Alert(String),

    // -- What the app's root tells -------------------------------------------------------------
    /// The page was loaded.
    Started {
        /// Fragment of its address.
        fragment: String,
        /// Whether the person asked for little movement; training then waits for Play.
        calm: bool,
    },
    /// The fragment of the address was changed from outside.
    FragmentChanged(String),
    /// The list of programs that were verified has come: their digests
    /// ([`quartermeg_formats::verified::digests`]).
    VerifiedLoaded(Vec<String>),
    /// A file of the scenario was handed to the worker.
    FileLoaded(File),
    /// A file of the scenario could not be had, and why, as a sentence.
    FileFailed {
        /// Which.
        file: File,
        /// The sentence.
        message: String,
    },
    /// The worker told something.
    Worker(FromWorker),
    /// The worker ended without a word, or sent what cannot be understood.
    WorkerLost(String),
    /// All commands up to this number were carried out.
    Done(u32),
}

/// How exported files are handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handover {
    /// As downloads.
    Download,
    /// The one of this name goes to the clipboard.
    Copy(&'static str),
    /// Painted, as a download.
    Picture,
}

/// A file of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum File {
    /// The network.
    Network,
    /// The samples.
    Samples,
    /// The network of a scenario whose samples are a person's own.
    OwnNetwork,
    /// What the layers of the network contribute.
    Contributions,
}
