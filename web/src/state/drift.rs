//! Drift: a world that changes under the learners. What is asked of the worker, and what it tells.

use quartermeg_formats::scenario::SampleKind;
use quartermeg_formats::setup::Setup;

use super::analysis::duration;
use super::{AppState, Shared, text};
use crate::protocol::{
    AnalysisPhase, ChangeKind, DriftChange, DriftPreview, DriftRequest, DriftView, LearnerCurves,
    MeasuredShare, Request, SampleData,
};

/// Most seeds that can be chosen.
pub const MAX_SEEDS: u32 = 5;
/// Most steps before the change, and after it.
pub const MAX_STEPS: u32 = 1_000_000;

/// A way in which the world can change, as people choose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// Which.
    pub kind: ChangeKind,
    /// Its name.
    pub name: &'static str,
    /// Name of its strength; empty where it has none.
    pub strength: &'static str,
    /// Strength that it begins with.
    start: i32,
    /// Smallest and largest strength.
    pub range: [i32; 2],
}

const SLANT: Way = Way {
    kind: ChangeKind::Slant,
    name: "Another hand (slant)",
    strength: "Slant in degrees",
    start: 25,
    range: [-60, 60],
};
const ROTATION: Way = Way {
    kind: ChangeKind::Rotation,
    name: "Rotation",
    strength: "Angle in degrees",
    start: 30,
    range: [-180, 180],
};
const LIGHT: Way = Way {
    kind: ChangeKind::Light,
    name: "Another light",
    strength: "Light in per cent",
    start: 40,
    range: [5, 400],
};
const OTHER_ARM: Way = Way {
    kind: ChangeKind::OtherArm,
    name: "The other arm",
    strength: "",
    start: 0,
    range: [0, 0],
};
const TURNED_SENSOR: Way = Way {
    kind: ChangeKind::TurnedSensor,
    name: "A sensor that has turned",
    strength: "Angle in degrees",
    start: 90,
    range: [-180, 180],
};
const NEW_CLASS: Way = Way {
    kind: ChangeKind::NewClass,
    name: "A new class",
    strength: "",
    start: 0,
    range: [0, i32::MAX],
};

const OF_IMAGES: &[Way] = &[SLANT, ROTATION, LIGHT, NEW_CLASS];
const OF_MOTION: &[Way] = &[OTHER_ARM, TURNED_SENSOR, NEW_CLASS];
const OF_OTHERS: &[Way] = &[NEW_CLASS];

/// The learners, in the order of [`DriftView::learners`]: in a table, in a sentence, and beside a
/// line.
const LEARNERS: [[&str; 2]; 5] = [
    ["No learning", " without learning"],
    ["Classifier only", " with the classifier only"],
    ["Biases", " with biases"],
    ["Sparse update", " with sparse update"],
    ["Full update", " with full update"],
];

/// Something about drift.
#[derive(Clone, Debug, PartialEq)]
pub enum DriftAction {
    /// Another way, by its place in [`AppState::drift_ways`].
    SetWay(usize),
    /// Another strength, or another class that comes.
    SetAmount(f32),
    /// Another number of steps before the change.
    SetBefore(u32),
    /// Another number of steps after it.
    SetAfter(u32),
    /// Another number of seeds.
    SetSeeds(u32),
    /// Show samples before and after the change that is chosen.
    Show,
    /// Plan the learners and work out how long they take.
    Prepare,
    /// Go on.
    Run,
    /// Stand still.
    Pause,
    /// End it.
    Cancel,
}

/// A sample that is shown: its class and its codes.
pub type Shown = (u32, Shared<SampleData>);

/// Some samples before and after the change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preview {
    /// Height, width and channels.
    pub input: [u32; 3],
    /// The samples of each world.
    pub worlds: [Vec<Shown>; 2],
}

/// Drift, as far as the page knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drift {
    /// How it stands; none where there is none.
    pub view: Option<Shared<DriftView>>,
    /// What is known of each learner; none where that is nothing.
    pub curves: Option<Shared<Vec<LearnerCurves>>>,
    /// Samples before and after the change that is chosen.
    pub preview: Option<Shared<Preview>>,
    /// Why the worker refused, in a sentence.
    pub refusal: Option<String>,
    kind: Option<ChangeKind>,
    /// Strengths that were chosen.
    amounts: Vec<DriftChange>,
    steps: [Option<u32>; 2],
    n_seeds: Option<u32>,
    /// What the samples that are shown were asked for, and the number of the request.
    previewed: Option<(u32, DriftChange, u32)>,
    under_way: Option<UnderWay>,
}

#[derive(Clone, Debug, PartialEq)]
struct UnderWay {
    request: u32,
    setup: Setup,
    change: DriftChange,
    steps: [u32; 2],
    n_seeds: u32,
    n_learn: u32,
}

impl AppState {
    pub(super) fn take_drift(&mut self, action: DriftAction) {
        match action {
            DriftAction::SetWay(way) => {
                self.drift.kind = self.drift_ways().get(way).map(|it| it.kind);
            }
            DriftAction::SetAmount(amount) => {
                let way = self.drift_way();
                let kind = way.kind;
                #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
                let amount = (amount.round() as i32).clamp(way.range[0], way.range[1]);
                self.drift.amounts.retain(|it| it.kind != kind);
                self.drift.amounts.push(DriftChange { kind, amount });
            }
            DriftAction::SetBefore(steps) => self.drift.steps[0] = Some(steps.clamp(1, MAX_STEPS)),
            DriftAction::SetAfter(steps) => self.drift.steps[1] = Some(steps.clamp(1, MAX_STEPS)),
            DriftAction::SetSeeds(n) => self.drift.n_seeds = Some(n.clamp(1, MAX_SEEDS)),
            DriftAction::Show => self.show_drift(),
            DriftAction::Prepare => self.prepare_drift(),
            DriftAction::Run => self.ask_drift(DriftRequest::Run),
            DriftAction::Pause => self.ask_drift(DriftRequest::Pause),
            DriftAction::Cancel => {
                self.ask_drift(DriftRequest::Cancel);
                self.end_drift();
            }
        }
    }

    fn ask_drift(&mut self, request: DriftRequest) {
        if self.drift.under_way.is_some() {
            self.send(Request::Drift(request));
        }
    }

    fn end_drift(&mut self) {
        self.drift.under_way = None;
        (self.drift.view, self.drift.curves) = (None, None);
    }

    fn prepare_drift(&mut self) {
        let Some(samples) = self.samples.filter(|_| self.can_drift()) else {
            return;
        };
        let (change, steps) = (self.drift_change(), self.drift_steps());
        let n_seeds = self.drift_seeds();
        self.end_drift();
        self.drift.refusal = None;
        let request = self.send(Request::Drift(DriftRequest::Prepare {
            change,
            steps,
            n_seeds,
        }));
        self.drift.under_way = Some(UnderWay {
            request,
            setup: self.setup().clone(),
            change,
            steps,
            n_seeds,
            n_learn: samples.n_learn,
        });
    }

    fn show_drift(&mut self) {
        let Some((change, n_learn)) = self.unshown_drift() else {
            return;
        };
        self.drift.refusal = None;
        let request = self.send(Request::Drift(DriftRequest::Preview(change)));
        self.drift.previewed = Some((request, change, n_learn));
    }

    /// The worker that had it is gone, or its network.
    pub(super) fn leave_drift(&mut self) {
        self.end_drift();
        (self.drift.preview, self.drift.previewed) = (None, None);
        self.drift.refusal = None;
    }

    /// The worker tells how it stands.
    pub(super) fn drift_told(&mut self, id: u32, mut view: DriftView) {
        let under_way = self.drift.under_way.as_ref();
        if under_way.is_none_or(|it| it.request != id) {
            return;
        }
        if let Some(curves) = view.curves.take() {
            self.drift.curves = Some(Shared::new(curves));
        }
        self.drift.view = Some(Shared::new(view));
    }

    /// The worker shows samples before and after the change.
    pub(super) fn drift_previewed(&mut self, id: u32, preview: DriftPreview) {
        if self.drift.previewed.is_none_or(|it| it.0 != id) {
            return;
        }
        let input = preview.input;
        let shown = |(label, codes)| (label, Shared::new(SampleData::Codes(codes)));
        let worlds =
            [preview.before, preview.after].map(|samples| samples.into_iter().map(shown).collect());
        self.drift.preview = Some(Shared::new(Preview { input, worlds }));
    }

    /// Whether a request that was refused was about drift, which has ended with it.
    pub(super) fn refused_drift(&mut self, id: u32, message: &str) -> bool {
        let under_way = self.drift.under_way.as_ref();
        let is_run = under_way.is_some_and(|it| it.request == id);
        let is_preview = self.drift.previewed.is_some_and(|it| it.0 == id);
        if is_run {
            self.end_drift();
        }
        if is_preview {
            self.drift.preview = None;
        }
        if is_run || is_preview {
            self.drift.refusal = Some(message.to_owned());
        }
        is_run || is_preview
    }

    // -- What is chosen ------------------------------------------------------------------------

    /// The changes that samples of this kind can have.
    #[must_use]
    pub fn drift_ways(&self) -> &'static [Way] {
        match self.scenario().samples {
            SampleKind::Drawing => OF_IMAGES,
            SampleKind::Motion => OF_MOTION,
            SampleKind::Own => match self.own.input() {
                Some([height, width, _]) if height > 1 && width > 1 => OF_IMAGES,
                _ => OF_OTHERS,
            },
        }
    }

    /// The way that is chosen.
    #[must_use]
    pub fn drift_way(&self) -> Way {
        let ways = self.drift_ways();
        let chosen = ways.iter().find(|it| Some(it.kind) == self.drift.kind);
        *chosen.unwrap_or(&ways[0])
    }

    /// The change that is chosen.
    #[must_use]
    pub fn drift_change(&self) -> DriftChange {
        let Way { kind, start, .. } = self.drift_way();
        let chosen = self.drift.amounts.iter().find(|it| it.kind == kind);
        let mut change = chosen.copied().unwrap_or(DriftChange {
            kind,
            amount: start,
        });
        if kind == ChangeKind::NewClass {
            // The class may be gone.
            let last = self.class_names().len().saturating_sub(1);
            change.amount = change.amount.min(i32::try_from(last).unwrap_or(i32::MAX));
        }
        change
    }

    /// Steps before the change and after it, together as many as a training has unless they were
    /// chosen.
    #[must_use]
    pub fn drift_steps(&self) -> [u32; 2] {
        let half = self.setup().stop_after.div_ceil(2).clamp(1, MAX_STEPS);
        self.drift.steps.map(|steps| steps.unwrap_or(half))
    }

    /// Seeds of each learner.
    #[must_use]
    pub fn drift_seeds(&self) -> u32 {
        self.drift.n_seeds.unwrap_or(3)
    }

    /// Whether it can be begun.
    #[must_use]
    pub fn can_drift(&self) -> bool {
        self.can_analyze()
    }

    /// The change that is chosen and the number of samples, where no sample before and after it
    /// was asked for yet.
    #[must_use]
    pub fn unshown_drift(&self) -> Option<(DriftChange, u32)> {
        let samples = self.samples.filter(|_| self.can_drift())?;
        let wanted = (self.drift_change(), samples.n_learn);
        let asked = self.drift.previewed.map(|(_, change, n)| (change, n));
        (asked != Some(wanted)).then_some(wanted)
    }

    /// What is missing, in a sentence; empty where nothing is.
    #[must_use]
    pub fn drift_missing(&self) -> &'static str {
        match self.samples {
            _ if self.lacks_network() => {
                "Open a network and add samples first; then the world can change under it."
            }
            None if self.is_own() => {
                "Add samples to learn from first; some of each class are held out to measure on."
            }
            Some(samples) if samples.n_test < 2 => {
                "Forgetting and recovery are measured on samples that are held out, and there are \
                 fewer than two: add samples, or let every 5th of a class be held out."
            }
            _ => "",
        }
    }

    // -- What is shown -------------------------------------------------------------------------

    /// Whether one was asked for, and has not ended.
    #[must_use]
    pub fn is_drifting(&self) -> bool {
        self.drift.under_way.is_some()
    }

    /// What it does; as long as nothing was told, it plans.
    #[must_use]
    pub fn drift_phase(&self) -> AnalysisPhase {
        let view = self.drift.view.as_ref();
        view.map_or(AnalysisPhase::Counting, |view| view.phase)
    }

    /// Steps before and after the change of what is shown.
    #[must_use]
    pub fn shown_drift_steps(&self) -> [u32; 2] {
        let under_way = self.drift.under_way.as_ref();
        under_way.map_or_else(|| self.drift_steps(), |it| it.steps)
    }

    /// Whether each learner has the bytes that it needs.
    #[must_use]
    pub fn drift_fits(&self) -> Vec<bool> {
        let view = self.drift.view.as_ref();
        view.map_or_else(Vec::new, |view| {
            view.learners.iter().map(|it| it.fits).collect()
        })
    }

    /// Whether something was measured.
    #[must_use]
    pub fn has_drifted(&self) -> bool {
        self.drift.view.as_ref().is_some_and(|it| it.runs[0] > 0)
    }

    /// Share that is done, in percent.
    #[must_use]
    pub fn drift_percent(&self) -> u32 {
        let Some(view) = &self.drift.view else {
            return 0;
        };
        let [done, all] = match view.phase {
            AnalysisPhase::Counting => view.counted,
            _ => view.runs,
        };
        100 * done / all.max(1)
    }

    /// How it stands, in sentences.
    #[must_use]
    pub fn drift_text(&self) -> String {
        let Some(view) = &self.drift.view else {
            return "Planning every learner.".to_owned();
        };
        let [done, all] = view.runs;
        let runs = text::count(all, "run", "runs");
        let left = duration(view.seconds_left);
        let waits = match view.phase {
            AnalysisPhase::Running if self.playback.is_on() => "training",
            AnalysisPhase::Running
                if self.is_analyzing() && self.analysis_phase() == AnalysisPhase::Running =>
            {
                "the contribution analysis"
            }
            _ => "",
        };
        match view.phase {
            AnalysisPhase::Counting => {
                let [counted, of] = view.counted;
                format!("Planning every learner: {counted} of {of} policies.")
            }
            AnalysisPhase::Done => format!("All {runs} are done."),
            _ if !waits.is_empty() => {
                format!("{done} of {runs} done. It waits while {waits} runs.")
            }
            _ if done == 0 => format!("{runs}, {left}."),
            _ => format!("{done} of {runs} done, {left} left."),
        }
    }

    /// What is or was run, what does not fit, and whether settings are others since, in sentences.
    #[must_use]
    pub fn drift_note(&self) -> String {
        let Some(under_way) = &self.drift.under_way else {
            return self.drift_missing().to_owned();
        };
        let [before, after] = under_way.steps;
        let mut sentences = vec![format!(
            "{}: {} before the change, {} after it, {}.",
            self.change_text(under_way.change),
            text::count(before, "step", "steps"),
            text::number(after.into()),
            text::count(under_way.n_seeds, "seed", "seeds"),
        )];
        if let Some(view) = &self.drift.view {
            let learners = view.learners.iter().zip(LEARNERS);
            for (learner, [name, _]) in learners.filter(|(it, _)| !it.fits) {
                sentences.push(format!(
                    "{name} needs {} and does not fit; it is run all the same and drawn dashed, to \
                     show what is lost.",
                    text::bytes(learner.arena_bytes.into())
                ));
            }
            if !view.learners.is_empty() {
                let [old, new] = view.n_held_out;
                sentences.push(format!(
                    "Measured on {} of the world before and {} of the one after it, which nothing \
                     learns from.",
                    text::count(old, "sample", "samples"),
                    text::number(new.into()),
                ));
            }
        }
        let n_learn = self.samples.map_or(0, |it| it.n_learn);
        if *self.setup() != under_way.setup || n_learn != under_way.n_learn {
            sentences.push("It goes on with the settings and samples it began with.".to_owned());
        }
        sentences.join(" ")
    }

    /// A change in words.
    fn change_text(&self, DriftChange { kind, amount }: DriftChange) -> String {
        let way = OF_IMAGES.iter().chain(OF_MOTION);
        let name = way.into_iter().find(|it| it.kind == kind);
        let name = name.map_or("", |it| it.name);
        match kind {
            ChangeKind::OtherArm => name.to_owned(),
            ChangeKind::Light => format!("{name}, {amount}\u{a0}%"),
            ChangeKind::NewClass => {
                let class = usize::try_from(amount).unwrap_or(usize::MAX);
                let names = self.class_names();
                format!("{name}, {}", names.get(class).map_or("", String::as_str))
            }
            _ => format!("{name}, {amount}\u{b0}"),
        }
    }

    /// Every learner in numbers, for a table.
    #[must_use]
    pub fn drift_rows(&self) -> Vec<Vec<String>> {
        let Some(view) = &self.drift.view else {
            return Vec::new();
        };
        let learners = view.learners.iter().enumerate();
        let rows = learners.map(|(at, learner)| {
            let found = self.found(at);
            let unknown = || text::UNKNOWN.to_owned();
            let share = |share: Option<MeasuredShare>| share.map_or_else(unknown, share_text);
            let difference = |pair: Option<[f32; 2]>| pair.map_or_else(unknown, points);
            let [name, _] = LEARNERS[at.min(LEARNERS.len() - 1)];
            let bytes = match learner.arena_bytes {
                0 => "none to learn".to_owned(),
                bytes => text::bytes(bytes.into()),
            };
            vec![
                match at {
                    2 => format!(
                        "{name} of the last {}",
                        text::count(learner.n_layers, "layer", "layers")
                    ),
                    _ => name.to_owned(),
                },
                share(found.before),
                share(found.right_after),
                share(found.end),
                difference(found.recovery()),
                share(found.old_end),
                difference(found.forgetting()),
                bytes,
                if learner.fits { "yes" } else { "no" }.to_owned(),
            ]
        });
        rows.collect()
    }

    /// What came of it, in sentences; none before every learner has been run once.
    #[must_use]
    pub fn drift_result(&self) -> Option<String> {
        let curves = self.drift.curves.as_ref()?;
        let under_way = self.drift.under_way.as_ref()?;
        if curves.len() < LEARNERS.len() || curves.iter().any(|it| it.n_runs == 0) {
            return None;
        }
        let mut sentences = vec![
            format!(
                "Recovery: {} after the change, accuracy is {}.",
                text::count(under_way.steps[1], "step", "steps"),
                self.listed(&|it| Some(text::percent(it.end?.mean))),
            ),
            format!(
                "Forgetting, in points of accuracy in the world before (minus is forgotten): {}.",
                self.listed(&|it| Some(points(it.forgetting()?))),
            ),
        ];
        if under_way.change.kind == ChangeKind::NewClass {
            let [old, all] = self.drift.view.as_ref()?.n_held_out;
            #[expect(clippy::cast_precision_loss, reason = "samples are few")]
            let [n_old, n_all] = [old as f32, all as f32];
            let of_new = |it: &Found| {
                let recognized = it.end?.mean * n_all - it.old_end?.mean * n_old;
                let share = recognized / (n_all - n_old).max(1.0);
                Some(text::percent(share.clamp(0.0, 1.0)))
            };
            let of_new = self.listed(&of_new);
            sentences.push(format!("Recognized of the new class alone: {of_new}."));
        }
        Some(sentences.join(" "))
    }

    /// What is known of each learner, in words.
    fn listed(&self, value: &dyn Fn(&Found) -> Option<String>) -> String {
        let mut words = String::new();
        for (at, [_, name]) in LEARNERS.into_iter().enumerate() {
            if let Some(value) = value(&self.found(at)) {
                if !words.is_empty() {
                    words.push_str(", ");
                }
                words.push_str(&value);
                words.push_str(name);
            }
        }
        words
    }

    /// What is known of a learner around the change and at the end.
    fn found(&self, learner: usize) -> Found {
        let curves = self.drift.curves.as_ref();
        let curve = curves.and_then(|it| it.get(learner));
        let [before, after] = self.shown_drift_steps();
        let at = |world: usize, step: u32| {
            let curve = curve?;
            let mut shares = [&curve.before, &curve.after][world].iter();
            shares.find(|it| it.step == step).copied()
        };
        let end = before.saturating_add(after);
        Found {
            before: at(0, before),
            right_after: at(1, before),
            end: at(1, end),
            old_end: at(0, end),
        }
    }
}

/// What is known of a learner.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Found {
    /// In the world before, when it changes.
    before: Option<MeasuredShare>,
    /// In the world after, when it changes.
    right_after: Option<MeasuredShare>,
    /// In the world after, at the end.
    end: Option<MeasuredShare>,
    /// In the world before, at the end.
    old_end: Option<MeasuredShare>,
}

impl Found {
    fn recovery(self) -> Option<[f32; 2]> {
        Some([self.right_after?.mean, self.end?.mean])
    }

    fn forgetting(self) -> Option<[f32; 2]> {
        Some([self.before?.mean, self.old_end?.mean])
    }
}

/// A difference in points.
fn points([from, to]: [f32; 2]) -> String {
    text::points(to - from)
}

/// `78.0 %`, and where several seeds differ `78.0 % ± 1.2`.
fn share_text(MeasuredShare { mean, sd, .. }: MeasuredShare) -> String {
    if sd > 0.0 {
        format!("{} \u{b1} {:.1}", text::percent(mean), 100.0 * sd)
    } else {
        text::percent(mean)
    }
}
