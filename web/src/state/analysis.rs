//! The contribution analysis: what is asked of the worker, what it tells, and what the browser keeps
//! of it, so that a page that is loaded again goes on where it stood.

use quartermeg_formats::setup::{MAX_STEPS, Setup};

use super::{AppState, Command, NoticeKind, Shared, Topic, text};
use crate::charts::contributions;
use crate::protocol::{AnalysisPhase, AnalysisRequest, AnalysisView, ContributionsView, Request};

/// Where it is kept which analysis was left.
const LEFT_KEY: &str = "analysis";
/// Where the counts of an analysis are kept: its key follows.
const COUNTS_KEY: &str = "outcomes:";
/// Where it is kept in which order counts were.
const ORDER_KEY: &str = "outcomes";
/// Analyses whose counts are kept at most.
const MAX_KEPT: usize = 12;
/// Most seeds that can be chosen.
pub const MAX_SEEDS: u32 = 5;

/// Something about the analysis.
#[derive(Clone, Debug, PartialEq)]
pub enum AnalysisAction {
    /// Another number of seeds.
    SetSeeds(u32),
    /// Another number of steps of each run.
    SetSteps(u32),
    /// Work out how long it takes.
    Prepare,
    /// Go on.
    Run,
    /// Stand still.
    Pause,
    /// End it; what is known is kept.
    Cancel,
    /// Download what it measured.
    Save,
    /// What the browser had kept under a key.
    Recalled {
        /// The key.
        key: String,
        /// The text; none where there was none.
        text: Option<String>,
    },
    /// Under which keys the browser keeps counts.
    Listed(Vec<String>),
    /// The browser refused to keep a text, and why.
    NotKept(String),
}

/// The contribution analysis, as far as the page knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Analysis {
    /// How it stands; none where there is none.
    pub view: Option<Shared<AnalysisView>>,
    /// What it has measured so far; none where that is nothing.
    pub partial: Option<Shared<ContributionsView>>,
    /// Seeds of each run, where they were chosen.
    n_seeds: Option<u32>,
    /// Steps of each run, where they were chosen.
    steps: Option<u32>,
    /// What was asked for, and the number of the request; none where there is no analysis.
    under_way: Option<UnderWay>,
    /// An analysis that was left, to go on with.
    left: Option<Left>,
    /// Analyses whose counts the browser keeps, the oldest first.
    kept: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
struct UnderWay {
    request: u32,
    study: Study,
    n_seeds: u32,
    steps: u32,
}

/// What something is measured with.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Study {
    pub(super) setup: Setup,
    /// Samples to learn from.
    n_learn: u32,
}

/// An analysis that was left when the page was, or its worker ended.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Left {
    scenario: String,
    key: String,
    n_seeds: u32,
    steps: u32,
    runs: bool,
}

impl Left {
    fn text(&self) -> String {
        let Self {
            scenario,
            key,
            n_seeds,
            steps,
            runs,
        } = self;
        format!("{scenario} {key} {n_seeds} {steps} {}", u8::from(*runs))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        Some(Self {
            scenario: words.next()?.to_owned(),
            key: words.next()?.to_owned(),
            n_seeds: words.next()?.parse().ok()?,
            steps: words.next()?.parse().ok()?,
            runs: words.next()? == "1",
        })
    }
}

impl AppState {
    pub(super) fn take_analysis(&mut self, action: AnalysisAction) {
        match action {
            AnalysisAction::SetSeeds(n_seeds) => {
                self.analysis.n_seeds = Some(n_seeds.clamp(1, MAX_SEEDS));
            }
            AnalysisAction::SetSteps(steps) => {
                self.analysis.steps = Some(steps.clamp(1, MAX_STEPS));
            }
            AnalysisAction::Prepare => {
                self.analysis.left = None;
                self.prepare_analysis(self.analysis_seeds(), self.analysis_steps());
            }
            AnalysisAction::Run => self.run_analysis(true),
            AnalysisAction::Pause => self.run_analysis(false),
            AnalysisAction::Cancel => self.cancel_analysis(),
            AnalysisAction::Save => {
                self.send(Request::Analysis(AnalysisRequest::Save));
            }
            AnalysisAction::Recalled { key, text } => {
                if !self.search_recalled(&key, text.as_deref()) {
                    self.recalled(&key, text);
                }
            }
            AnalysisAction::Listed(keys) => self.clear_counts(&keys),
            AnalysisAction::NotKept(reason) => self.notices.put(
                NoticeKind::Alert,
                Topic::Kept,
                format!(
                    "The browser does not keep what is measured ({reason}). Analysis and search go \
                     on, but begin again when the page is loaded again; save the results of an \
                     analysis when it is done."
                ),
            ),
        }
    }

    fn prepare_analysis(&mut self, n_seeds: u32, steps: u32) {
        let Some(study) = self.study() else {
            return;
        };
        let request = self.send(Request::Analysis(AnalysisRequest::Prepare {
            n_seeds,
            steps,
        }));
        self.analysis.under_way = Some(UnderWay {
            request,
            study,
            n_seeds,
            steps,
        });
        // One that was left is begun again with what it was begun with.
        (self.analysis.n_seeds, self.analysis.steps) = (Some(n_seeds), Some(steps));
        (self.analysis.view, self.analysis.partial) = (None, None);
        self.notices.clear(Topic::Kept);
    }

    fn run_analysis(&mut self, runs: bool) {
        let Some(left) = self.as_left(runs) else {
            return;
        };
        self.store(LEFT_KEY, Some(left.text()));
        self.send(Request::Analysis(if runs {
            AnalysisRequest::Run
        } else {
            AnalysisRequest::Pause
        }));
    }

    fn cancel_analysis(&mut self) {
        if self.analysis.under_way.take().is_some() {
            self.send(Request::Analysis(AnalysisRequest::Cancel));
            self.store(LEFT_KEY, None);
        }
        (self.analysis.view, self.analysis.partial) = (None, None);
    }

    /// The analysis under way, as it is found again later.
    fn as_left(&self, runs: bool) -> Option<Left> {
        let under_way = self.analysis.under_way.as_ref()?;
        Some(Left {
            scenario: under_way.study.setup.scenario.clone(),
            key: self.analysis.view.as_ref()?.key.clone(),
            n_seeds: under_way.n_seeds,
            steps: under_way.steps,
            runs,
        })
    }

    pub(super) fn store(&mut self, key: &str, text: Option<String>) {
        let key = key.to_owned();
        self.outbox.push(Command::Keep { key, text });
    }

    /// Asks the browser whether an analysis was left, and which ones it keeps counts of.
    pub(super) fn recall_left(&mut self) {
        for key in [LEFT_KEY, ORDER_KEY] {
            let key = key.to_owned();
            self.outbox.push(Command::Recall { key });
        }
        self.outbox.push(Command::ListKept { prefix: COUNTS_KEY });
    }

    /// The counts of an analysis are the newest that the browser keeps.
    fn keep_counts(&mut self, key: &str, counts: String) {
        self.store(&format!("{COUNTS_KEY}{key}"), Some(counts));
        let kept = &mut self.analysis.kept;
        if kept.last().is_none_or(|newest| newest != key) {
            kept.retain(|known| known != key);
            kept.push(key.to_owned());
            self.forget_old_counts();
        }
    }

    /// The browser has told what it keeps: what nobody knows the age of is the oldest.
    fn clear_counts(&mut self, keys: &[String]) {
        let there = keys.iter().filter_map(|key| key.strip_prefix(COUNTS_KEY));
        let mut kept: Vec<String> = there.map(str::to_owned).collect();
        let mut known = std::mem::take(&mut self.analysis.kept);
        known.retain(|key| kept.contains(key));
        kept.retain(|key| !known.contains(key));
        kept.append(&mut known);
        self.analysis.kept = kept;
        if self.analysis.kept.len() > MAX_KEPT {
            self.forget_old_counts();
        }
    }

    /// Forgets all but the newest counts.
    fn forget_old_counts(&mut self) {
        let n_old = self.analysis.kept.len().saturating_sub(MAX_KEPT);
        let old: Vec<String> = self.analysis.kept.drain(..n_old).collect();
        for key in old {
            self.store(&format!("{COUNTS_KEY}{key}"), None);
        }
        let order = self.analysis.kept.join(" ");
        self.store(ORDER_KEY, Some(order));
    }

    /// The worker that had the analysis is gone, or its network.
    pub(super) fn leave_analysis(&mut self) {
        let runs = self
            .analysis
            .view
            .as_ref()
            .is_some_and(|view| view.phase == AnalysisPhase::Running);
        if let Some(left) = self.as_left(runs) {
            self.analysis.left = Some(left);
        }
        self.analysis.under_way = None;
        (self.analysis.view, self.analysis.partial) = (None, None);
    }

    /// Prepares the analysis that was left, once all that it needs is there.
    pub(super) fn resume_analysis(&mut self) {
        let is_ready = self.plan.is_some() && self.samples.is_some() && !self.planning;
        if self.analysis.under_way.is_some() || !is_ready {
            return;
        }
        let scenario = &self.setup().scenario;
        let left = self.analysis.left.as_ref();
        if let Some(&Left { n_seeds, steps, .. }) = left.filter(|it| it.scenario == *scenario) {
            self.prepare_analysis(n_seeds, steps);
        }
    }

    /// The browser has told what it had kept.
    fn recalled(&mut self, key: &str, text: Option<String>) {
        if key == LEFT_KEY {
            self.analysis.left = text.as_deref().and_then(Left::parse);
            self.resume_analysis();
            return;
        }
        if key == ORDER_KEY {
            let order = text.unwrap_or_default();
            self.analysis.kept = order.split_whitespace().map(str::to_owned).collect();
            return;
        }
        let Some(key) = key.strip_prefix(COUNTS_KEY) else {
            return;
        };
        let view = self.analysis.view.as_ref();
        if view.is_none_or(|view| view.key != key) {
            return;
        }
        if let Some(counts) = text {
            let key = key.to_owned();
            self.send(Request::Analysis(AnalysisRequest::Recall { key, counts }));
        }
        if let Some(left) = self.analysis.left.take()
            && left.runs
        {
            self.run_analysis(true);
        }
    }

    /// The worker tells how the analysis stands.
    pub(super) fn analysis_told(&mut self, id: u32, mut view: AnalysisView) {
        let under_way = self.analysis.under_way.as_ref();
        if under_way.is_none_or(|it| it.request != id) {
            return;
        }
        if self.analysis.view.is_none() {
            let left = self.analysis.left.as_ref();
            if left.is_some_and(|left| left.key != view.key) {
                // Samples or settings are not those of the analysis that was left.
                self.analysis.left = None;
                self.cancel_analysis();
                return;
            }
            let key = format!("{COUNTS_KEY}{}", view.key);
            self.outbox.push(Command::Recall { key });
        }
        if let Some(counts) = view.counts.take() {
            self.keep_counts(&view.key, counts);
        }
        if let Some(contributions) = view.contributions.take()
            && contributions.layers.iter().any(|gains| !gains.is_empty())
        {
            self.analysis.partial = Some(Shared::new(*contributions));
        }
        if view.phase == AnalysisPhase::Done {
            self.store(LEFT_KEY, None);
        }
        self.analysis.view = Some(Shared::new(view));
    }

    /// Whether a request that was refused was about the analysis, which has ended with it.
    pub(super) fn refused_analysis(&mut self, id: u32) {
        let under_way = self.analysis.under_way.as_ref();
        if under_way.is_some_and(|it| it.request == id) {
            self.analysis.under_way = None;
            (self.analysis.view, self.analysis.partial) = (None, None);
            self.store(LEFT_KEY, None);
        }
    }

    // -- What is shown -------------------------------------------------------------------------

    /// Seeds of an analysis that is begun now.
    #[must_use]
    pub fn analysis_seeds(&self) -> u32 {
        self.analysis.n_seeds.unwrap_or(3)
    }

    /// Steps of each run of an analysis that is begun now.
    #[must_use]
    pub fn analysis_steps(&self) -> u32 {
        self.analysis.steps.unwrap_or(self.setup().stop_after)
    }

    /// Whether an analysis can be begun.
    #[must_use]
    pub fn can_analyze(&self) -> bool {
        self.plan.is_some() && self.samples.is_some_and(|it| it.n_test >= 2) && !self.planning
    }

    /// Whether one was asked for, and has not ended.
    #[must_use]
    pub fn is_analyzing(&self) -> bool {
        self.analysis.under_way.is_some()
    }

    /// What it does; as long as nothing was told, it works out how long it takes.
    #[must_use]
    pub fn analysis_phase(&self) -> AnalysisPhase {
        let view = self.analysis.view.as_ref();
        view.map_or(AnalysisPhase::Counting, |view| view.phase)
    }

    /// What layers contribute, as far as it is known: what is being measured, or was.
    #[must_use]
    pub fn contributions(&self) -> Option<&Shared<ContributionsView>> {
        let known = self.editor.contributions.as_ref();
        self.analysis.partial.as_ref().or(known)
    }

    /// What a layer contributes, in words; none where that is not known.
    #[must_use]
    pub fn contribution_text(&self, layer: u32) -> Option<String> {
        let view = self.contributions()?;
        let layer = layer as usize;
        let name = &self.plan()?.layers.get(layer)?.name;
        let row = contributions::row(view, layer);
        let gains = row
            .into_iter()
            .zip(contributions::UPDATES)
            .filter_map(|(gain, (update, _))| Some(format!("{update} {}", gain?)));
        let gains: Vec<String> = gains.collect();
        let gains = if gains.is_empty() {
            "not measured yet".to_owned()
        } else {
            gains.join(", ")
        };
        Some(format!("Layer {layer}, {name}: {gains}"))
    }

    /// Layers of the network.
    #[must_use]
    pub fn n_layers(&self) -> u32 {
        let layers = self.plan().map_or(0, |plan| plan.layers.len());
        u32::try_from(layers).unwrap_or(u32::MAX)
    }

    /// What every layer contributes, for a table: the last layer first.
    #[must_use]
    pub fn contribution_rows(&self) -> Vec<Vec<String>> {
        let (Some(view), Some(plan)) = (self.contributions(), self.plan()) else {
            return Vec::new();
        };
        let layers = plan.layers.iter().enumerate().rev();
        let rows = layers.map(|(at, layer)| {
            let mut row = vec![format!("{at} {}", layer.name)];
            let gains = contributions::row(view, at).into_iter();
            row.extend(gains.map(|gain| gain.unwrap_or_else(|| text::UNKNOWN.to_owned())));
            row
        });
        rows.collect()
    }

    /// What the chart shows and where it comes from, in sentences.
    #[must_use]
    pub fn contributions_note(&self) -> String {
        const WHAT: &str = "What a layer adds to the accuracy of the classifier alone when its bias, \
                            or a share of its weights too, learns beside it.";
        let Some(view) = self.contributions() else {
            return WHAT.to_owned();
        };
        let spread = if view.n_seeds > 1 {
            "; upright lines are one standard deviation"
        } else {
            ""
        };
        format!(
            "{WHAT} {}, {} each, on {} that nothing learns from{spread}.{}",
            text::count(view.n_seeds, "seed", "seeds"),
            text::count(view.steps, "step", "steps"),
            text::count(view.validation_samples, "sample", "samples"),
            self.foreign_text(view).unwrap_or_default(),
        )
    }

    /// What is said of contributions that were measured with other settings than those of now.
    fn foreign_text(&self, view: &ContributionsView) -> Option<String> {
        if self.analysis.partial.is_some() {
            // What is being measured says of itself with what it goes on.
            return None;
        }
        if self.editor.are_foreign {
            let other = " Measured with other settings or samples than those of now.";
            return Some(other.to_owned());
        }
        let is_rate_of_now = view.rate.to_bits() == self.setup().learning_rate.to_bits();
        (!is_rate_of_now).then(|| format!(" Measured with learning rate {}.", view.rate))
    }

    /// Whether some of its runs are done.
    #[must_use]
    pub fn has_analyzed(&self) -> bool {
        let view = self.analysis.view.as_ref();
        view.is_some_and(|view| view.runs[0] > 0)
    }

    /// Share that is done, in percent.
    #[must_use]
    pub fn analysis_percent(&self) -> u32 {
        let Some(view) = &self.analysis.view else {
            return 0;
        };
        let [done, all] = match view.phase {
            AnalysisPhase::Counting => view.counted,
            _ => view.runs,
        };
        100 * done / all.max(1)
    }

    /// How the analysis stands, in sentences.
    #[must_use]
    pub fn analysis_text(&self) -> String {
        let Some(view) = &self.analysis.view else {
            return "Working out how long it takes.".to_owned();
        };
        let [done, all] = view.runs;
        let runs = text::count(all, "run", "runs");
        let done = text::number(u64::from(done));
        let left = duration(view.seconds_left);
        match view.phase {
            AnalysisPhase::Counting => {
                let [counted, of] = view.counted;
                format!("Working out how long it takes: {counted} of {of} policies.")
            }
            AnalysisPhase::Standing if view.runs[0] == 0 => format!("{runs}, {left}."),
            AnalysisPhase::Running if self.playback.is_on() => {
                format!("{done} of {runs} done. It waits while training runs.")
            }
            AnalysisPhase::Standing | AnalysisPhase::Running => {
                format!("{done} of {runs} done, {left} left.")
            }
            AnalysisPhase::Done => format!("All {runs} are done."),
        }
    }

    /// What keeping the frozen beginnings saves, and what else a person should know, in sentences.
    #[must_use]
    pub fn analysis_note(&self) -> String {
        let Some(view) = &self.analysis.view else {
            return String::new();
        };
        let mut sentences = Vec::new();
        let [whole, run] = view.macs;
        if let Some(tenths) = (whole * 10).checked_div(run) {
            sentences.push(format!(
                "What frozen layers compute of a sample is kept: {}.{} times fewer \
                 multiply-accumulates.",
                tenths / 10,
                tenths % 10
            ));
        }
        if view.phase == AnalysisPhase::Standing && view.seconds_left > LONG_SECONDS {
            sentences.push(
                "It may run on for as long as this page is open; a page that is loaded again goes \
                 on where it stood."
                    .to_owned(),
            );
        }
        if self.analysis_is_stale() {
            sentences.push("It goes on with the settings and samples it began with.".to_owned());
        }
        sentences.join(" ")
    }

    /// Whether settings or samples are others than when it began.
    fn analysis_is_stale(&self) -> bool {
        let under_way = self.analysis.under_way.as_ref();
        under_way.is_some_and(|it| !self.is_study(&it.study, false))
    }

    /// What something would be measured with now; none as long as network or samples are missing.
    pub(super) fn study(&self) -> Option<Study> {
        let samples = self.samples.filter(|_| self.plan.is_some())?;
        Some(Study {
            setup: self.setup().clone(),
            n_learn: samples.n_learn,
        })
    }

    /// Whether what is measured now would be measured with the same; steps and budget may matter or
    /// not.
    pub(super) fn is_study(&self, study: &Study, with_budget: bool) -> bool {
        let Study { setup, n_learn } = study;
        let mut now = Setup {
            policy: setup.policy.clone(),
            device: setup.device.clone(),
            ..self.setup().clone()
        };
        if !with_budget {
            (now.budget_bytes, now.stop_after) = (setup.budget_bytes, setup.stop_after);
        }
        now == *setup && self.samples.is_none_or(|it| it.n_learn == *n_learn)
    }
}

/// What takes longer is announced.
const LONG_SECONDS: u32 = 10 * 60;

/// A time that was estimated: `about 40 s`, `about 3 min`, `about 2 h 10 min`.
pub(super) fn duration(seconds: u32) -> String {
    match seconds {
        0..100 => format!("about {seconds} s"),
        100..5_400 => format!("about {} min", (seconds + 30) / 60),
        _ => {
            let minutes = (seconds + 300) / 600 * 10;
            format!("about {} h {} min", minutes / 60, minutes % 60)
        }
    }
}
