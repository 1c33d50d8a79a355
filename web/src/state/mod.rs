//! The page's state: a pure function of what a person did and of what the worker told.
//!
//! # For components
//! `app.rs` puts two contexts around the page: `Rc<AppState>` (read) and [`Dispatch`] (write).
//!
//! ```text
//! let state = use_context::<Rc<AppState>>().expect("the page stands inside the app");
//! let dispatch = use_context::<Dispatch>().expect("the page stands inside the app");
//! let onclick = move |_| dispatch.dispatch(Action::Step);
//! html! { <output aria-label="Steps">{ state.steps_text() }</output> }
//! ```
//!
//! * Every click, key and file is one [`Action`]; components send it and hold no logic.
//! * What is shown as a number comes from a selector (`*_text`, in `select.rs`), so that all
//!   places write it alike; `text.rs` has the formats.
//! * [`Shared`] values compare by pointer: use them as dependencies of effects and memos
//!   (`use_effect_with(state.losses.clone(), ...)`), and as properties.
//! * Refusals and news are [`Notice`]s: alerts go into `role="alert"`, the others into
//!   `role="status"`; each has a dismiss action.
//! * Effects on the world are [`Command`]s, which only the app's root carries out.
//!
//! Nothing here names a browser; all of it is tested on the host.

mod action;
pub mod analysis;
mod budget;
mod camera;
mod command;
mod difference;
pub mod drift;
mod effect;
mod events;
mod export;
mod history;
mod motion;
mod notice;
pub mod numerics;
mod own;
mod passes;
mod playback;
mod policy;
mod reduce;
pub mod runs;
pub mod search;
mod select;
mod setup;
mod shared;
#[cfg(test)]
mod tests;
pub mod text;

use std::rc::Rc;

use quartermeg_formats::link::Link;
use quartermeg_formats::scenario::{OWN, PERSON, SCENARIOS};
use quartermeg_formats::setup::Setup;
use yew::{Reducible, UseReducerDispatcher};

pub use action::{Action, File, Handover};
pub use analysis::{Analysis, AnalysisAction};
pub use camera::{Camera, CameraAction, ENDED, NO_CAMERA_HERE};
pub use command::{Command, Outbox};
pub use drift::{Drift, DriftAction};
pub use effect::{Effects, Seen};
pub use history::{AccuracyPoint, Losses};
pub use motion::{Motion, MotionAction, Recording};
pub use notice::{Notice, NoticeKind, Notices, Topic};
pub use own::{Gathered, GatheredFile, Own, OwnAction, OwnClass, Probe, Sample, Target};
pub use passes::{PassRow, Passes, Waterfall};
pub use playback::Playback;
pub use policy::{PolicyEditor, Solution};
pub use runs::{Runs, RunsAction};
pub use search::{Search, SearchAction};
pub use shared::Shared;

use crate::protocol::{
    ExportView, OverflowView, PlanView, RulesView, SampleView, Speed, UpdateView,
};

/// How components send an [`Action`].
pub type Dispatch = UseReducerDispatcher<AppState>;

/// Everything that the page shows.
#[derive(Clone, Debug, PartialEq)]
pub struct AppState {
    /// What the link in the address bar says: setup, hidden panels, locked controls.
    pub link: Link,
    /// The compiled setup; none until the first one has arrived. While a new setup compiles,
    /// the old plan stays and [`Self::planning`] is set.
    pub plan: Option<Shared<PlanView>>,
    /// Whether a plan is on its way.
    pub planning: bool,
    /// What other numerics would need; none until it was worked out once.
    pub rules_plan: Option<Shared<RulesView>>,
    /// Whether that belongs to the plan before.
    pub rules_plan_stale: bool,
    /// What the passes of the compiler save, and the plan without some of them.
    pub passes: Passes,
    /// The policy as it is edited.
    pub editor: PolicyEditor,
    /// The contribution analysis.
    pub analysis: Analysis,
    /// The search for a policy.
    pub search: Search,
    /// A world that changes under the learners.
    pub drift: Drift,
    /// Where the plan ends a step, and what helps, where it does not fit
    /// ([`Self::overflow`] is what is true now).
    known_overflow: Option<Shared<OverflowView>>,
    /// A schedule from a file, which the map shows in the place of the plan.
    pub imported: Option<Imported>,
    /// Whether training runs, waits, or is paused.
    pub playback: Playback,
    /// How fast training shall run.
    pub speed: Speed,
    /// Steps finished.
    pub step: u32,
    /// Operations finished inside the step under way; 0 between steps
    /// ([`Self::play_head`] is the index of the newest of them).
    pub op: u32,
    /// Newest loss.
    pub loss: Option<f32>,
    /// Steps a second, as measured last while training ran.
    pub steps_per_second: f32,
    /// SHA-256 of all weights, as hexadecimal digits; empty while training runs.
    pub weights_digest: Rc<str>,
    /// The sample of the step under way, while training is paused.
    pub sample: Option<Shared<SampleView>>,
    /// Whether training stopped because the step to stop after was reached.
    pub stop_reached: bool,
    /// Losses since step 0.
    pub losses: Shared<Losses>,
    /// Accuracies since step 0.
    pub accuracies: Shared<Vec<AccuracyPoint>>,
    /// What the newest step did to each parameter. Norms are there when the step gathered them.
    pub updates: Shared<Vec<UpdateView>>,
    /// What the numerics did to the parameters.
    pub effects: Shared<Effects>,
    /// Samples; none until they have arrived.
    pub samples: Option<SampleCounts>,
    /// Class probabilities of the drawing.
    pub prediction: Option<Shared<Vec<f32>>>,
    /// What a person brought: samples, and perhaps a network.
    pub own: Own,
    /// Windows of motion, where a scenario has them.
    pub motion: Motion,
    /// A file that was opened and waits for the network of its scenario: name and contents.
    reopening: Option<(String, Vec<u8>)>,
    /// What a person brought for the other scenario of this kind.
    other_own: Own,
    /// Whether the camera runs.
    pub camera: Camera,
    /// What is pointed at or chosen, for highlights that belong together.
    pub selection: Selection,
    /// What would be exported, held against the board; none until it was asked for.
    pub export: Option<Shared<ExportView>>,
    /// Exports that are no downloads: numbers of their requests.
    exporting: Vec<(u32, Handover)>,
    /// Digests of the programs that trained alike on the emulated board and elsewhere; none until
    /// the list has come, which a page may be without.
    verified: Option<Shared<Vec<String>>>,
    /// SHA-256 of the program that would be exported, as the worker told it last.
    program_sha256: Rc<str>,
    /// Runs that are kept to be compared.
    pub runs: Runs,
    /// Alerts and news.
    pub notices: Notices,
    /// The worker.
    pub worker: WorkerStatus,
    /// Workers that have ended.
    restarts: u32,
    /// Whether the worker was given the network of the scenario.
    network_loaded: bool,
    /// Setups to go back to, the newest last.
    undo: Vec<Rc<Setup>>,
    /// Setups to go forward to, the newest last.
    redo: Vec<Rc<Setup>>,
    /// The control of the newest edit; a dragged slider makes one entry.
    last_edit: Option<setup::Control>,
    /// Drawn samples, so that a new worker can be given them.
    drawn: Shared<Vec<DrawnSample>>,
    /// Number of the newest request.
    newest_request: u32,
    /// Number of the request with which this run began; events of older requests are of a run
    /// that is over.
    run_request: u32,
    /// Number of the first request of the chosen scenario; samples of older ones are of another.
    load_request: u32,
    /// Number of the request that brought the newest plan.
    plan_request: u32,
    /// Number of the newest request that starts or stops training.
    playback_request: u32,
    /// Number of the newest question about the drawing.
    classify_request: u32,
    /// Counts what has happened beside the progress of training.
    pub news: u32,
    /// Effects on the world that are still to be carried out.
    pub outbox: Outbox,
}

/// The released schedule of a training graph of `TinyEngine`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// What the map draws.
    pub plan: Shared<PlanView>,
    /// Pairs of tensors that share bytes while both are live.
    pub n_overlaps: u32,
}

/// Numbers of samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SampleCounts {
    /// To learn from, those of the person included.
    pub n_learn: u32,
    /// Of these, drawn or brought by the person.
    pub n_drawn: u32,
    /// To measure the accuracy on.
    pub n_test: u32,
}

/// What is pointed at or chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Index of an operation.
    pub op: Option<u32>,
    /// Index of a tensor.
    pub tensor: Option<u32>,
    /// Index of a convolution.
    pub layer: Option<u32>,
}

/// The worker, as far as the page knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WorkerStatus {
    /// It has not said a word yet.
    #[default]
    Starting,
    /// It runs.
    Ready {
        /// Build of its code.
        build: String,
        /// Whether its kernels use SIMD.
        simd: bool,
    },
    /// It ended, and a new one is starting.
    Restarting,
    /// It ended too often; the page has to be loaded again.
    Gone,
}

/// A sample that a person drew.
#[derive(Clone, Debug, PartialEq, Eq)]
struct DrawnSample {
    pixels: Vec<u8>,
    label: u32,
}

impl AppState {
    /// The state before anything has happened.
    #[must_use]
    pub fn new() -> Self {
        Self {
            link: Link::of_scenario(&SCENARIOS[0]),
            plan: None,
            planning: false,
            rules_plan: None,
            rules_plan_stale: false,
            passes: Passes::default(),
            editor: PolicyEditor::default(),
            analysis: Analysis::default(),
            search: Search::default(),
            drift: Drift::default(),
            known_overflow: None,
            imported: None,
            playback: Playback::Paused,
            speed: Speed::TenStepsPerSecond,
            step: 0,
            op: 0,
            loss: None,
            steps_per_second: 0.0,
            weights_digest: Rc::from(""),
            sample: None,
            stop_reached: false,
            losses: Shared::default(),
            accuracies: Shared::default(),
            updates: Shared::default(),
            effects: Shared::default(),
            samples: None,
            prediction: None,
            own: Own::of(&OWN),
            other_own: Own::of(&PERSON),
            motion: Motion::default(),
            reopening: None,
            camera: Camera::Off,
            selection: Selection::default(),
            export: None,
            exporting: Vec::new(),
            verified: None,
            program_sha256: Rc::from(""),
            runs: Runs::default(),
            notices: Notices::default(),
            worker: WorkerStatus::Starting,
            restarts: 0,
            network_loaded: false,
            undo: Vec::new(),
            redo: Vec::new(),
            last_edit: None,
            drawn: Shared::default(),
            newest_request: 0,
            run_request: 0,
            load_request: 0,
            plan_request: 0,
            playback_request: 0,
            classify_request: 0,
            news: 0,
            outbox: Outbox::default(),
        }
    }
}

impl Default for AppState {
    fn default() -> Self {
        Self::new()
    }
}

impl Reducible for AppState {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        reduce::reduce(self, action)
    }
}
