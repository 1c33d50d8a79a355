//! Messages between the page and its worker, as postcard bytes both ways.
//!
//! They live no longer than a page, so they carry no version; the handshake compares builds.
//! A setup travels as the text of a link ([`quartermeg_formats::link`]).

mod analysis;
mod drift;
mod search;

use quartermeg_core::policy::LayerUpdate;
use serde::{Deserialize, Serialize};

pub use analysis::{AnalysisPhase, AnalysisRequest, AnalysisView};
pub use drift::{
    ChangeKind, DriftChange, DriftPreview, DriftRequest, DriftView, LearnerCurves, LearnerView,
    MeasuredShare,
};
/// Files that can be written.
pub use quartermeg_formats::export::files::Kind as ExportKind;
pub use search::{
    DifferenceView, GenerationView, PointView, SearchOptions, SearchPhase, SearchRequest,
    SearchView, StepView, TrainedView,
};

/// The bytes of a message to the page: events that happened together, which are drawn together.
/// Here, and not where it is sent, because this crate is compiled for size.
///
/// # Errors
/// When the message cannot be written.
pub fn encode(events: &[FromWorker]) -> postcard::Result<Vec<u8>> {
    postcard::to_allocvec(events)
}

/// A message to the worker, from its bytes.
///
/// # Errors
/// When they are no message.
pub fn decode(bytes: &[u8]) -> postcard::Result<ToWorker> {
    postcard::from_bytes(bytes)
}

/// A request and the number that its answers carry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToWorker {
    /// Counts up; events that answer an older request can be told apart.
    pub id: u32,
    /// What is wanted.
    pub request: Request,
}

/// What the page may ask for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// The network file of a scenario; the worker keeps it and compiles when configured.
    LoadNetwork {
        /// Id of the scenario.
        scenario: String,
        /// Its contents.
        file: Vec<u8>,
    },
    /// The file of samples of a scenario.
    LoadSamples {
        /// Id of the scenario.
        scenario: String,
        /// Its contents.
        file: Vec<u8>,
    },
    /// Compiles the setup of this link text and starts at step 0; answered by
    /// [`Event::Planned`] and [`Event::Position`].
    Configure {
        /// Link text of the whole setup.
        setup: String,
    },
    /// Changes learning rates, momentum, QAS and the step to stop after, from the next step on.
    Tune {
        /// Link text of the whole setup.
        setup: String,
    },
    /// Another device and budget, which go into what is exported; the plan stays.
    SetDevice {
        /// Id of the device.
        device: String,
        /// Bytes that the one block may use.
        budget_bytes: u32,
    },
    /// What layers contribute in a scenario, as the bytes of a file of contributions
    /// (`docs/formats.md`); the worker keeps it for policies that are solved. Answered by
    /// [`Event::Contributions`], at once or when the network is there.
    LoadContributions {
        /// Id of the scenario.
        scenario: String,
        /// Its contents.
        file: Vec<u8>,
    },
    /// Looks for the policy that gains most within a budget; answered by [`Event::Solved`].
    Solve {
        /// Bytes that the one block may use.
        budget_bytes: u32,
        /// Link text of the policy that its gain is held against.
        before: String,
    },
    /// Plans the setup without the passes of [`quartermeg_formats::waterfall::PASSES`] whose bit is
    /// set, to look at; what trains and is exported stays as it is. Answered by
    /// [`Event::PlannedWithout`].
    PlanWithout(u8),
    /// Plans another setup of the network that is there, to look at; nothing else changes.
    /// Answered by [`Event::PlannedOther`].
    PlanOther {
        /// Link text of that setup.
        setup: String,
    },
    /// Trains until paused or until the step to stop after.
    Play(Speed),
    /// Stops training.
    Pause,
    /// Finishes the step under way, or runs a whole one.
    Step,
    /// Runs one operation.
    NextOperation,
    /// Undoes one operation.
    PreviousOperation,
    /// Goes to the moment after so many operations of this step.
    Seek(u32),
    /// Back to step 0.
    Reset,
    /// Predicts the class of a 28 x 28 grey image.
    Classify(Vec<u8>),
    /// Adds a 28 x 28 grey image to the samples to learn from.
    AddSample {
        /// Grey values, row by row.
        pixels: Vec<u8>,
        /// Its class.
        label: u32,
    },
    /// Cuts a motion recording (CSV) into windows; answered by [`Event::RecordingRead`].
    ReadRecording {
        /// Name of the file.
        name: String,
        /// Its contents.
        bytes: Vec<u8>,
    },
    /// Adds windows of a motion recording to the samples to learn from.
    AddWindows {
        /// Codes of each, `[time, channel]`.
        windows: Vec<Vec<i8>>,
        /// Their class.
        label: u32,
    },
    /// Writes the files of a kind.
    Export {
        /// Which.
        kind: ExportKind,
        /// Whether trained weights go in; into files of weights they always do.
        with_weights: bool,
    },
    /// Holds what would be exported against the board; answered by [`Event::ExportChecked`].
    CheckExport {
        /// Whether trained weights go in.
        with_weights: bool,
    },
    /// Predicts the class of an input of a person's own network, or of a window of motion (codes);
    /// of the latter also what it was taken for before learning, [`Event::PredictionBefore`].
    Predict {
        /// The input.
        data: SampleData,
        /// How pixels become codes: index into
        /// [`quartermeg_formats::input_range::InputRange::ALL`].
        range: u8,
    },
    /// A network for samples of a person's own, which the worker keeps; answered by
    /// [`Event::NetworkOpened`].
    OpenNetwork {
        /// Id of the scenario that it is for.
        scenario: String,
        /// Name of the file.
        name: String,
        /// Its contents.
        bytes: Vec<u8>,
    },
    /// Samples for a person's own network, beside those that are there or in their place. Weights
    /// stay as they are. Answered by [`Event::SamplesReady`].
    SetSamples {
        /// Whether those that are there go.
        replace: bool,
        /// How pixels become codes, as for [`Self::Predict`].
        range: u8,
        /// The samples.
        samples: Vec<OwnSample>,
    },
    /// Reads a file of samples (CSV, .npy) for a person's own network; answered by
    /// [`Event::SamplesRead`].
    ReadSamples {
        /// Name of the file.
        name: String,
        /// Its contents.
        bytes: Vec<u8>,
        /// Contents of the file with the labels, where there is one.
        labels: Option<Vec<u8>>,
    },
    /// Something about the contribution analysis; answered by [`Event::Analysis`].
    Analysis(AnalysisRequest),
    /// Something about the search for a policy; answered by [`Event::Search`].
    Search(SearchRequest),
    /// Something about a world that changes; answered by [`Event::Drift`], or by
    /// [`Event::DriftPreview`].
    Drift(DriftRequest),
    /// Reads a file that a person opened, and restores what it says; a network is kept as by
    /// [`Self::OpenNetwork`].
    OpenFile {
        /// Its name, for sentences.
        name: String,
        /// Its contents.
        bytes: Vec<u8>,
    },
}

/// An input of a network, in the order height, width, channels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SampleData {
    /// Grey or colour values, 0 to 255.
    Pixels(Vec<u8>),
    /// Codes of the network's input.
    Codes(Vec<i8>),
}

/// A sample that a person brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnSample {
    /// Number that the page knows it by.
    pub id: u32,
    /// Its class.
    pub label: u32,
    /// Whether the accuracy is measured on it, so that it is not learned from.
    pub held_out: bool,
    /// The input.
    pub data: SampleData,
}

/// A sample that was read from a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadSample {
    /// Name of its class, where the file says so.
    pub class: Option<String>,
    /// The input.
    pub data: SampleData,
}

/// How motion is recorded, and the windows that the accuracy is measured on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MotionView {
    /// Names of the classes, in their order.
    pub class_names: Vec<String>,
    /// Moments a second.
    pub rate_hz: u16,
    /// What is recorded at each moment.
    pub channels: Vec<ChannelView>,
    /// Windows that are not learned from: class, and codes `[time, channel]`.
    pub held_out: Vec<(u32, Vec<i8>)>,
}

/// A channel of a recording.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChannelView {
    /// For example `ax`.
    pub name: String,
    /// Unit of its values.
    pub unit: String,
    /// Value of code 0, and how much each code is more than the one before.
    pub line: [f64; 2],
}

/// A person's own network, as the page shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkView {
    /// Kind of the file, for example `TensorFlow Lite network`.
    pub kind: String,
    /// Number of convolutions.
    pub n_layers: u32,
    /// Multiply-accumulates of the forward pass.
    pub macs_forward: u64,
    /// Height, width and channels of the input.
    pub input: [u32; 3],
    /// Classes of the network's own classifier.
    pub n_classes: u32,
    /// Features that a new classifier reads; 0 where none can be put on.
    pub n_features: u32,
    /// How pixels become codes, unless a person says otherwise: index into
    /// [`quartermeg_formats::input_range::InputRange::ALL`].
    pub range: u8,
    /// Link text of the default policy.
    pub policy: String,
}

/// How fast training runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Speed {
    /// One operation a second.
    OperationPerSecond,
    /// Ten steps a second.
    TenStepsPerSecond,
    /// As fast as the machine allows.
    Unlimited,
}

/// An event and the request that it answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FromWorker {
    /// Number of the request; 0 for what nobody asked for.
    pub id: u32,
    /// What happened.
    pub event: Event,
}

/// What the worker tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The worker runs; sent first.
    Ready {
        /// Build of the worker's code.
        build: String,
        /// Whether its kernels use SIMD.
        simd: bool,
    },
    /// The setup was compiled.
    Planned(Box<PlanView>),
    /// What every choice of the numerics would need; nobody asked for it.
    RulesPlanned(Box<RulesView>),
    /// What each pass of the compiler saves; nobody asked for it.
    PassesPlanned(Box<PassesView>),
    /// What every other choice of a layer would add or free; nobody asked for it.
    Costs(Box<CostsView>),
    /// What layers contribute, as the worker knows it; nobody may have asked for it.
    Contributions(Box<ContributionsView>),
    /// Where those contributions come from; nobody asked for it.
    ContributionsOrigin {
        /// Whether they were measured with the settings and samples that are there now.
        is_same: bool,
    },
    /// The best policy that is known within a budget.
    Solved {
        /// Link text of the policy; none where nothing fits, or nothing is known of what layers
        /// contribute.
        policy: Option<String>,
        /// Accuracy that it is expected to gain over the policy of the request, as a share; none
        /// where that one's gain is not known.
        gain: Option<f32>,
        /// Whether that was measured, rather than summed up from contributions.
        is_measured: bool,
    },
    /// The setup as it would be planned without some passes.
    PlannedWithout {
        /// Those passes, as in [`Request::PlanWithout`].
        left_out: u8,
        /// The plan.
        plan: Box<PlanView>,
    },
    /// Another setup, as it would be planned.
    PlannedOther(Box<PlanView>),
    /// The plan does not fit the budget: where a step would end, and what helps as far as it was
    /// found; nobody asked for it.
    Overflow(Box<OverflowView>),
    /// How the contribution analysis stands; carries the number of the request that prepared it.
    Analysis(Box<AnalysisView>),
    /// How the search for a policy stands; nobody may have asked for it.
    Search(Box<SearchView>),
    /// How a drift stands; carries the number of the request that prepared it.
    Drift(Box<DriftView>),
    /// What was asked for by [`DriftRequest::Preview`].
    DriftPreview(Box<DriftPreview>),
    /// A training graph of TinyEngine was read; the setup stays.
    Timeline {
        /// Its schedule, as the map draws it.
        plan: Box<PlanView>,
        /// Pairs of tensors that share bytes while both are live.
        n_overlaps: u32,
    },
    /// The samples have arrived.
    SamplesReady {
        /// Samples to learn from.
        n_learn: u32,
        /// Samples that the accuracy is measured on.
        n_test: u32,
    },
    /// The samples that have arrived are windows of motion, and their network is there.
    Motion(Box<MotionView>),
    /// A motion recording was read; nothing is learned from it yet.
    RecordingRead {
        /// Name of the file.
        name: String,
        /// Codes of its windows, `[time, channel]` each.
        windows: Vec<Vec<i8>>,
    },
    /// What the window that was asked about was taken for before learning.
    PredictionBefore {
        /// The most probable class.
        class: u32,
        /// Its probability.
        probability: f32,
    },
    /// The file that was opened is of a scenario whose network is not there: the page loads that
    /// scenario and opens the file again.
    OtherScenario {
        /// Id of the scenario.
        scenario: String,
    },
    /// A person's own network was read and is kept.
    NetworkOpened(Box<NetworkView>),
    /// A file of samples was read; nothing is learned from them yet.
    SamplesRead(Vec<ReadSample>),
    /// Training went on; at most 20 a second.
    Progress(Box<Batch>),
    /// Where training stands after it paused, stepped, or was reset.
    Position(Box<Position>),
    /// An accuracy was measured.
    Accuracy {
        /// Steps that the measured weights had behind them.
        step: u32,
        /// Right answers.
        correct: u32,
        /// Questions.
        total: u32,
    },
    /// A prediction for the drawing.
    Prediction {
        /// Softmax of the logits, one a class.
        probabilities: Vec<f32>,
    },
    /// Samples were added.
    SampleAdded {
        /// Samples to learn from, the new ones included.
        n_learn: u32,
    },
    /// A file was written; a kind of several answers with one after the other.
    Exported {
        /// Proposed name.
        name: String,
        /// Contents.
        bytes: Vec<u8>,
    },
    /// What would be exported was held against the board.
    ExportChecked(Box<ExportView>),
    /// The program that would be exported is another, by a plan or by what takes effect from the
    /// next step on.
    ProgramChanged {
        /// SHA-256 of it without trained weights, as hexadecimal digits
        /// ([`quartermeg_formats::verified::program_sha256`]).
        sha256: String,
    },
    /// Trained weights were read for the plan that is there: training goes on from them. Answered
    /// together with `Position`.
    Resumed {
        /// Steps behind them.
        steps: u32,
    },
    /// A file was read: the page takes over its setup. Answered together with `Planned` and
    /// `Position`.
    Opened {
        /// Link text of the setup.
        setup: String,
        /// Steps of the trained weights inside, if there are some.
        resumed_at: Option<u32>,
        /// What a person should know, as sentences.
        notes: Vec<String>,
    },
    /// A request was refused; nothing has changed. One sentence: what, where, how many bytes,
    /// what to do.
    Failed {
        /// The sentence.
        message: String,
    },
    /// The worker is about to end.
    Crashed {
        /// Message of the panic.
        message: String,
    },
}

/// What a person should know before an export.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportView {
    /// Whether program and firmware fit the board.
    pub fits: bool,
    /// Whether they do, what is missing, and what to do.
    pub fit: String,
    /// What there is that runs the program's operations there.
    pub support: String,
    /// How long a step may take there, if that can be estimated.
    pub step: String,
    /// Why there are no options of `tiny-training`, if there are none.
    pub no_options: Option<String>,
}

/// Bytes that are live at the peak: a tensor, or all parameters of one role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveView {
    /// Name of the tensor, or how many there are.
    pub name: String,
    /// Name of the role.
    pub role: String,
    /// Bytes; storage that two tensors share counts once.
    pub bytes: u32,
    /// Why it is there, as a clause.
    pub because: String,
    /// The layers whose entries in the policy make it so, by index.
    pub layers: Vec<u32>,
}

/// What the passes of the compiler save.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassesView {
    /// Size of the block without the passes of [`quartermeg_formats::waterfall::PASSES`] whose bit
    /// is set in the index; none where it is not known yet.
    pub arena_bytes: Vec<Option<u32>>,
    /// Name of each operation of a step without any of them, and the bytes live during it.
    pub plain: Vec<(String, u32)>,
}

/// What every choice of a layer would add or free, with everything else as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostsView {
    /// Link text of the policy that the others differ from by one layer.
    pub policy: String,
    /// Bytes live at the peak of that policy.
    pub peak_bytes: u32,
    /// By layer, one a choice of [`CHOICES`].
    pub layers: Vec<[CellCost; CHOICES.len()]>,
}

/// What a layer can do, in the order of a row of the policy.
pub const CHOICES: [LayerUpdate; 6] = [
    LayerUpdate::Frozen,
    LayerUpdate::Bias,
    LayerUpdate::Weights { ratio: 0.125 },
    LayerUpdate::Weights { ratio: 0.25 },
    LayerUpdate::Weights { ratio: 0.5 },
    LayerUpdate::Weights { ratio: 1.0 },
];

/// What one choice adds; less than nothing is freed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellCost {
    /// Bytes live at the peak.
    pub peak_bytes: i32,
    /// Bytes of saved activations.
    pub saved_bytes: i32,
    /// Bytes of parameters that learn.
    pub trainable_bytes: i32,
    /// Multiply-accumulates of a step.
    pub macs_step: i64,
}

/// What layers contribute to the accuracy (paper §4.2).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ContributionsView {
    /// Accuracy of the classifier alone, as a share: mean and standard deviation over the seeds.
    pub classifier: [f32; 2],
    /// By layer, from the first.
    pub layers: Vec<Vec<GainView>>,
    /// How often each policy was trained.
    pub n_seeds: u32,
    /// Steps of each run.
    pub steps: u32,
    /// Learning rate of each run.
    pub rate: f32,
    /// Samples that the accuracy was measured on.
    pub validation_samples: u32,
    /// The command that measures it again; empty where this page measured it.
    pub command: String,
}

/// What one layer gains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GainView {
    /// Ratio of the weights that learn; 0 where the bias alone does.
    pub ratio: f32,
    /// Accuracy gained over the classifier alone, as a share: mean over the seeds.
    pub mean: f32,
    /// Its standard deviation.
    pub sd: f32,
}

/// Where a plan that does not fit the budget ends a step, and what helps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverflowView {
    /// The budget that it is about.
    pub budget_bytes: u32,
    /// The first operation that cannot run, from 0.
    pub op: u32,
    /// Name of the tensor that does not fit then.
    pub tensor: String,
    /// Its bytes.
    pub tensor_bytes: u32,
    /// Bytes that are missing for it.
    pub missing_bytes: u32,
    /// The largest hole that the other tensors can leave at that moment.
    pub hole_bytes: u32,
    /// Changes that were tried, and those that are known to wait.
    pub progress: [u32; 2],
    /// Whether nothing more is tried.
    pub is_done: bool,
    /// What learning the classifier alone needs, where even that does not fit.
    pub least_bytes: Option<u32>,
    /// Changes that make it fit, the cheapest first.
    pub fixes: Vec<FixView>,
}

/// A change that makes a policy fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixView {
    /// What changes, as a clause.
    pub text: String,
    /// Link text of the policy after it.
    pub policy: String,
    /// Size of the block after it.
    pub arena_bytes: u32,
    /// Parameters that learn no more.
    pub lost_parameters: u64,
}

/// A compiled setup, as the page draws it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlanView {
    /// SHA-256 of network, policy and plan, as hexadecimal digits.
    pub identity: String,
    /// Size of the one block: "Peak memory".
    pub arena_bytes: u32,
    /// First part, which keeps its contents.
    pub persistent_bytes: u32,
    /// What no placement can go below.
    pub lower_bound_bytes: u32,
    /// Operation at which the largest sum of bytes is live.
    pub peak_op: u32,
    /// Bytes live at each operation.
    pub live_bytes: Vec<u32>,
    /// What is live at the peak, largest first; nothing of a foreign schedule.
    pub peak_tensors: Vec<LiveView>,
    /// Index of the first operation of the loss and of the backward pass.
    pub loss_ops: [u32; 2],
    /// Flash: program and constants.
    pub flash_bytes: u32,
    /// Multiply-accumulates of the forward pass.
    pub macs_forward: u64,
    /// Multiply-accumulates of a step.
    pub macs_step: u64,
    /// Cycles of a step on a Cortex-M7, estimated
    /// ([`quartermeg_core::device::cost::Work::cycles`]); 0 where they are not known.
    pub cycles_step: f32,
    /// Tensors in the order of the program.
    pub tensors: Vec<TensorView>,
    /// Operations in the order of the program.
    pub ops: Vec<OpView>,
    /// Convolutions in the order of their index.
    pub layers: Vec<LayerView>,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Policies to choose by name.
    pub presets: Vec<PresetView>,
    /// Link text of the policy that was compiled.
    pub policy: String,
}

/// A policy to choose by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PresetView {
    /// Name as people see it.
    pub name: String,
    /// Link text of the policy.
    pub policy: String,
    /// Size of the block that it needs; none where it cannot be compiled.
    pub arena_bytes: Option<u32>,
}

/// What the numerics would need, with everything else as it was compiled.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RulesView {
    /// Size of the block as it was compiled.
    pub arena_bytes: u32,
    /// Size of the block under each of [`quartermeg_formats::numerics::PROFILES`]; none where it
    /// cannot be compiled.
    pub profiles: Vec<Option<u32>>,
    /// The same for the choices of each of [`quartermeg_formats::numerics::RULES`].
    pub choices: Vec<Vec<Option<u32>>>,
    /// Why a rule changes nothing here, if it cannot.
    pub idle: Vec<Option<String>>,
}

/// A tensor of the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TensorView {
    /// For example `saved input of block3.expand`.
    pub name: String,
    /// Index into [`quartermeg_core::program::Role::ALL`].
    pub role: u8,
    /// First byte in the block.
    pub offset: u32,
    /// Bytes.
    pub size_bytes: u32,
    /// First operation during which it is live.
    pub first_op: u32,
    /// Last operation during which it is live.
    pub last_op: u32,
    /// Element type and extents, for example `int8 12 x 12 x 48`.
    pub layout: String,
}

/// An operation of the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpView {
    /// For example `block3.expand: input gradient`.
    pub name: String,
    /// What it does, in a sentence.
    pub help: String,
    /// Tensors read, by index.
    pub reads: Vec<u32>,
    /// Tensors written, by index.
    pub writes: Vec<u32>,
}

/// A convolution and what the policy does with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerView {
    /// Name, for example `block3.expand`; the part before the dot is its block.
    pub name: String,
    /// For example `1x1, 24 -> 96, 6 x 6`.
    pub shape: String,
    /// Whether it is depthwise.
    pub depthwise: bool,
    /// Number of weights.
    pub n_weights: u32,
    /// Number of biases.
    pub n_biases: u32,
    /// Whether its input can be computed again, once its weights learn.
    pub recomputable: bool,
}

/// What happened since the last batch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// Steps finished.
    pub step: u32,
    /// Operations finished inside the step under way.
    pub op: u32,
    /// Losses of the steps of this batch, the last one being that of `step`; at most 512, evenly
    /// thinned by averaging neighbours, with the step of each.
    pub losses: Vec<(u32, f32)>,
    /// Measured over the last second or so.
    pub steps_per_second: f32,
    /// What the newest step did to each parameter, in the order of the updates.
    pub updates: Vec<UpdateView>,
    /// What the updates of the newest steps did.
    pub effect: EffectView,
}

/// What updates did to the parameters of the convolutions, summed over the newest steps; the
/// classifier, which is never rounded, does not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EffectView {
    /// Steps.
    pub n_steps: u32,
    /// Elements that learn.
    pub n_elements: u64,
    /// Elements that changed.
    pub n_moved: u64,
    /// Elements whose change was rounded to nothing.
    pub n_vanished: u64,
    /// Elements of dead channels, which are left as they are.
    pub n_dead: u64,
    /// Sum of the losses of the steps.
    pub sum_of_losses: f32,
}

impl EffectView {
    /// Adds what later steps did.
    pub fn add(&mut self, later: &Self) {
        self.n_steps += later.n_steps;
        self.n_elements += later.n_elements;
        self.n_moved += later.n_moved;
        self.n_vanished += later.n_vanished;
        self.n_dead += later.n_dead;
        self.sum_of_losses += later.sum_of_losses;
    }

    /// Mean loss of a step; none before the first.
    #[must_use]
    pub fn mean_loss(&self) -> Option<f32> {
        #[expect(clippy::cast_precision_loss, reason = "few steps")]
        let n_steps = self.n_steps as f32;
        (n_steps > 0.0).then(|| self.sum_of_losses / n_steps)
    }
}

/// What a step did to one parameter tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpdateView {
    /// For example `block3.expand weight`.
    pub name: String,
    /// Index of the convolution; none for the classifier.
    pub layer: Option<u32>,
    /// Whether it is a bias.
    pub bias: bool,
    /// Natural log of |W| / |G|: as a float network, int8 as it comes, int8 after QAS.
    pub log_ratios: [Option<f32>; 3],
    /// Elements that learn.
    pub n_elements: u32,
    /// Elements that changed.
    pub n_moved: u32,
    /// Elements whose change was rounded to nothing.
    pub n_vanished: u32,
}

/// Where training stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Steps finished.
    pub step: u32,
    /// Operations finished inside the step under way; 0 between steps.
    pub op: u32,
    /// Newest loss.
    pub loss: Option<f32>,
    /// SHA-256 of all weights, as hexadecimal digits.
    pub weights_digest: String,
    /// Whether training is under way.
    pub running: bool,
    /// Whether it stopped because the step to stop after was reached.
    pub stop_reached: bool,
    /// Losses and updates since the last batch.
    pub batch: Option<Batch>,
    /// The sample of the step under way (or, between steps, of the next one).
    pub sample: Option<SampleView>,
}

/// A sample as people see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleView {
    /// Its number; of a person's own sample the one that the page knows it by.
    pub index: u32,
    /// Its class.
    pub label: u32,
    /// Grey values of its 28 x 28 pixels; none where the page has the sample, or it is no image.
    pub pixels: Vec<u8>,
    /// Codes of a window of motion, `[time, channel]`; none of another sample.
    pub codes: Vec<i8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_the_trip() {
        let message = FromWorker {
            id: 7,
            event: Event::Position(Box::new(Position {
                step: 3,
                loss: Some(0.5),
                batch: Some(Batch {
                    losses: vec![(1, 2.0)],
                    ..Batch::default()
                }),
                ..Position::default()
            })),
        };
        let bytes = postcard::to_allocvec(&message).expect("encodes");
        assert_eq!(
            postcard::from_bytes::<FromWorker>(&bytes).expect("decodes"),
            message
        );
    }
}
