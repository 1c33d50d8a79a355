//! The search for a policy: what is asked of the worker, what it tells, and what the browser keeps of
//! it, so that a page that is loaded again goes on where it stood.

use quartermeg_formats::link;

use super::analysis::{Study, duration};
use super::setup::Control;
use super::{AppState, Command, Shared, Topic, text};
use crate::protocol::{
    DifferenceView, PointView, Request, SearchOptions, SearchPhase, SearchRequest, SearchView,
};

/// Where it is kept which search was left.
const LEFT_KEY: &str = "search";
/// Where it is kept what the newest search trained, behind a line with its key: as much as a browser
/// keeps without being asked.
const TRAINED_KEY: &str = "trained";
/// Most policies to plan that can be asked for.
pub const MAX_PLANS: u32 = 100_000;
/// What is written where a limit is left out.
const NONE: &str = "-";

/// Something about the search.
#[derive(Clone, Debug, PartialEq)]
pub enum SearchAction {
    /// Another number of seeds.
    SetSeeds(u32),
    /// Another number of policies to plan.
    SetPlans(u32),
    /// Whether learning rates are tuned.
    SetTunesRate(bool),
    /// Whether there is backward elimination.
    SetEliminates(bool),
    /// The accuracy below which it stops, in tenths of a percent; none for that of the classifier
    /// alone.
    SetThreshold(Option<u32>),
    /// The limit of flash, in bytes.
    SetFlash(Option<u32>),
    /// The limit of multiply-accumulates of a step.
    SetMacs(Option<u64>),
    /// Begin.
    Begin,
    /// Go on.
    Run,
    /// Stand still.
    Pause,
    /// End it; what was trained is kept.
    Cancel,
    /// Look at a policy of the chart, by its place among those of the search.
    Look(Option<usize>),
    /// Load that policy, and the learning rate that it was trained with.
    Load(usize),
}

/// What a person chose, in whole numbers, as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choices {
    /// Seeds that each policy is trained with.
    pub n_seeds: u32,
    /// Policies to plan.
    pub n_plans: u32,
    /// Whether learning rates are tuned.
    pub tunes_rate: bool,
    /// Whether there is backward elimination.
    pub eliminates: bool,
    /// As [`SearchAction::SetThreshold`].
    pub threshold: Option<u32>,
    /// As [`SearchAction::SetFlash`].
    pub flash_bytes: Option<u32>,
    /// As [`SearchAction::SetMacs`].
    pub macs_step: Option<u64>,
}

impl Default for Choices {
    fn default() -> Self {
        let SearchOptions {
            n_seeds,
            n_plans,
            tunes_rate,
            eliminates,
            ..
        } = SearchOptions::default();
        Self {
            n_seeds,
            n_plans,
            tunes_rate,
            eliminates,
            threshold: None,
            flash_bytes: None,
            macs_step: None,
        }
    }
}

impl Choices {
    fn options(self) -> SearchOptions {
        let threshold = self.threshold.map(|tenths| {
            #[expect(clippy::cast_precision_loss, reason = "at most 1000")]
            let share = tenths as f32 / 1000.0;
            share
        });
        SearchOptions {
            n_seeds: self.n_seeds,
            n_plans: self.n_plans,
            tunes_rate: self.tunes_rate,
            eliminates: self.eliminates,
            threshold,
            flash_bytes: self.flash_bytes,
            macs_step: self.macs_step,
        }
    }
}

/// The search, as far as the page knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Search {
    /// How it stands; none where there is none.
    pub view: Option<Shared<SearchView>>,
    /// The policy that is looked at, by its place among those of the search.
    pub looked_at: Option<usize>,
    /// How the next one is made.
    pub choices: Choices,
    under_way: Option<UnderWay>,
    /// A search that was left, to go on with.
    left: Option<Left>,
    /// What was trained, as it is kept.
    trained: Shared<String>,
}

#[derive(Clone, Debug, PartialEq)]
struct UnderWay {
    request: u32,
    study: Study,
    choices: Choices,
}

/// A search that was left when the page was, or its worker ended.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Left {
    scenario: String,
    key: String,
    budget_bytes: u32,
    runs: bool,
    choices: Choices,
}

impl Left {
    fn text(&self) -> String {
        let Self {
            scenario,
            key,
            budget_bytes,
            runs,
            choices,
        } = self;
        let limit = |limit: Option<u64>| limit.map_or_else(|| NONE.to_owned(), |it| it.to_string());
        format!(
            "{scenario} {key} {budget_bytes} {} {} {} {} {} {} {} {}",
            u8::from(*runs),
            choices.n_seeds,
            choices.n_plans,
            u8::from(choices.tunes_rate),
            u8::from(choices.eliminates),
            limit(choices.threshold.map(u64::from)),
            limit(choices.flash_bytes.map(u64::from)),
            limit(choices.macs_step),
        )
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let (scenario, key) = (words.next()?.to_owned(), words.next()?.to_owned());
        let numbers: Option<Vec<Option<u64>>> = words
            .map(|word| match word {
                NONE => Some(None),
                word => word.parse().ok().map(Some),
            })
            .collect();
        let numbers = numbers?;
        let &[
            budget,
            runs,
            seeds,
            plans,
            tunes,
            eliminates,
            threshold,
            flash,
            macs,
        ] = numbers.as_slice()
        else {
            return None;
        };
        let narrow = |number: Option<u64>| number.and_then(|it| u32::try_from(it).ok());
        Some(Self {
            scenario,
            key,
            budget_bytes: narrow(budget)?,
            runs: runs == Some(1),
            choices: Choices {
                n_seeds: narrow(seeds)?,
                n_plans: narrow(plans)?,
                tunes_rate: tunes == Some(1),
                eliminates: eliminates == Some(1),
                threshold: narrow(threshold),
                flash_bytes: narrow(flash),
                macs_step: macs,
            },
        })
    }
}

impl AppState {
    pub(super) fn take_search(&mut self, action: SearchAction) {
        let choices = &mut self.search.choices;
        match action {
            SearchAction::SetSeeds(n_seeds) => {
                choices.n_seeds = n_seeds.clamp(1, super::analysis::MAX_SEEDS);
            }
            SearchAction::SetPlans(n_plans) => choices.n_plans = n_plans.clamp(1, MAX_PLANS),
            SearchAction::SetTunesRate(tunes) => choices.tunes_rate = tunes,
            SearchAction::SetEliminates(eliminates) => choices.eliminates = eliminates,
            SearchAction::SetThreshold(tenths) => choices.threshold = tenths,
            SearchAction::SetFlash(bytes) => choices.flash_bytes = bytes,
            SearchAction::SetMacs(macs) => choices.macs_step = macs,
            SearchAction::Begin => {
                self.search.left = None;
                self.begin_search();
            }
            SearchAction::Run => self.run_search(true),
            SearchAction::Pause => self.run_search(false),
            SearchAction::Cancel => self.cancel_search(),
            SearchAction::Look(point) => self.search.looked_at = point,
            SearchAction::Load(point) => {
                self.search.looked_at = Some(point);
                let view = self.search.view.as_ref();
                let point = view.and_then(|view| view.points.get(point));
                if let Some(PointView {
                    policy, trained, ..
                }) = point.cloned()
                {
                    self.load_policy(&policy, trained.map(|it| it.rate));
                }
            }
        }
    }

    fn begin_search(&mut self) {
        let Some(study) = self.study() else {
            return;
        };
        let choices = self.search.choices;
        let request = self.send(Request::Search(SearchRequest::Begin(choices.options())));
        self.search = Search {
            choices,
            left: self.search.left.take(),
            under_way: Some(UnderWay {
                request,
                study,
                choices,
            }),
            ..Search::default()
        };
        self.notices.clear(Topic::Kept);
    }

    fn run_search(&mut self, runs: bool) {
        let Some(left) = self.search_as_left(runs) else {
            return;
        };
        self.store(LEFT_KEY, Some(left.text()));
        self.send(Request::Search(if runs {
            SearchRequest::Run
        } else {
            SearchRequest::Pause
        }));
    }

    fn cancel_search(&mut self) {
        if self.search.under_way.take().is_some() {
            self.send(Request::Search(SearchRequest::Cancel));
            self.store(LEFT_KEY, None);
        }
        self.forget_search();
    }

    fn forget_search(&mut self) {
        self.search = Search {
            choices: self.search.choices,
            left: self.search.left.take(),
            ..Search::default()
        };
    }

    /// The search under way, as it is found again later.
    fn search_as_left(&self, runs: bool) -> Option<Left> {
        let under_way = self.search.under_way.as_ref()?;
        let setup = &under_way.study.setup;
        Some(Left {
            scenario: setup.scenario.clone(),
            key: self.search.view.as_ref()?.key.clone(),
            budget_bytes: setup.budget_bytes,
            runs,
            choices: under_way.choices,
        })
    }

    /// Asks the browser whether a search was left.
    pub(super) fn recall_left_search(&mut self) {
        let key = LEFT_KEY.to_owned();
        self.outbox.push(Command::Recall { key });
    }

    /// The worker that had the search is gone, or its network.
    pub(super) fn leave_search(&mut self) {
        let view = self.search.view.as_ref();
        let is_done = view.is_some_and(|view| view.phase == SearchPhase::Done);
        let runs = view.is_some_and(|view| view.runs);
        if let Some(left) = self.search_as_left(runs).filter(|_| !is_done) {
            self.search.left = Some(left);
        }
        self.forget_search();
    }

    /// Begins the search that was left, once all that it needs is there.
    pub(super) fn resume_search(&mut self) {
        if self.search.under_way.is_some() || !self.can_search() {
            return;
        }
        let setup = self.setup();
        let left = self.search.left.as_ref();
        let left = left
            .filter(|it| it.scenario == setup.scenario && it.budget_bytes == setup.budget_bytes);
        if let Some(left) = left {
            self.search.choices = left.choices;
            self.begin_search();
        }
    }

    /// The browser has told what it had kept; whether that is about a search.
    pub(super) fn search_recalled(&mut self, key: &str, kept: Option<&str>) -> bool {
        if key == LEFT_KEY {
            self.search.left = kept.and_then(Left::parse);
            self.resume_search();
            return true;
        }
        if key != TRAINED_KEY {
            return false;
        }
        let view = self.search.view.as_ref();
        if let Some((key, kept)) = kept.and_then(|kept| kept.split_once('\n'))
            && view.is_some_and(|view| view.key == key)
        {
            // What was trained meanwhile comes after it.
            let newer = self.search.trained.clone();
            self.search.trained = Shared::new(format!("{kept}{}", *newer));
            let (key, trained) = (key.to_owned(), kept.to_owned());
            self.send(Request::Search(SearchRequest::Recall { key, trained }));
        }
        true
    }

    /// The worker tells how the search stands.
    pub(super) fn search_told(&mut self, id: u32, mut view: SearchView) {
        let under_way = self.search.under_way.as_ref();
        if under_way.is_none_or(|it| it.request != id) {
            return;
        }
        let is_first = self.search.view.is_none();
        let left = if is_first {
            self.search.left.take()
        } else {
            None
        };
        if left.as_ref().is_some_and(|left| left.key != view.key) {
            // Samples or settings are not those of the search that was left.
            self.cancel_search();
            return;
        }
        if let Some(lines) = view.trained.take() {
            let trained = format!("{}{lines}", *self.search.trained);
            self.store(TRAINED_KEY, Some(format!("{}\n{trained}", view.key)));
            self.search.trained = Shared::new(trained);
        }
        let is_done = view.phase == SearchPhase::Done;
        self.search.view = Some(Shared::new(view));
        if is_first {
            let key = TRAINED_KEY.to_owned();
            self.outbox.push(Command::Recall { key });
            let runs = left.is_none_or(|left| left.runs);
            if runs {
                let left = self.search_as_left(true);
                self.store(LEFT_KEY, left.map(|it| it.text()));
            } else {
                self.run_search(false);
            }
        }
        if is_done {
            self.store(LEFT_KEY, None);
        }
    }

    /// Whether a request that was refused was about the search, which has ended with it.
    pub(super) fn refused_search(&mut self, id: u32) {
        let under_way = self.search.under_way.as_ref();
        if under_way.is_some_and(|it| it.request == id) {
            self.forget_search();
            self.store(LEFT_KEY, None);
        }
    }

    fn load_policy(&mut self, policy: &str, rate: Option<f32>) {
        let Ok(policy) = link::parse_policy(policy) else {
            return;
        };
        if self.is_locked("policy") {
            return;
        }
        let is_rate_locked = self.is_locked("lr");
        self.edit(Control::Policy, |setup| {
            setup.policy = policy;
            if let Some(rate) = rate.filter(|_| !is_rate_locked) {
                setup.learning_rate = rate;
            }
        });
    }

    // -- What is shown -------------------------------------------------------------------------

    /// Whether a search can be begun.
    #[must_use]
    pub fn can_search(&self) -> bool {
        self.can_analyze() && self.editor.contributions.is_some()
    }

    /// Whether one was begun, and was not closed.
    #[must_use]
    pub fn is_searching(&self) -> bool {
        self.search.under_way.is_some()
    }

    /// What it does; as long as nothing was told, it plans.
    #[must_use]
    pub fn search_phase(&self) -> SearchPhase {
        let view = self.search.view.as_ref();
        view.map_or(SearchPhase::Planning, |view| view.phase)
    }

    /// Whether it goes on by itself.
    #[must_use]
    pub fn search_runs(&self) -> bool {
        self.search.view.as_ref().is_none_or(|view| view.runs)
    }

    /// Share of the phase that is done, in percent; none where that cannot be told.
    #[must_use]
    pub fn search_percent(&self) -> Option<u32> {
        let view = self.search.view.as_ref()?;
        let [done, all] = view.done;
        (view.phase != SearchPhase::Planning && all > 0).then(|| 100 * done / all)
    }

    /// How the search stands, in a sentence.
    #[must_use]
    pub fn search_text(&self) -> String {
        let Some(view) = &self.search.view else {
            return "Planning.".to_owned();
        };
        let planned = text::count(view.planned, "policy planned", "policies planned");
        let what = match view.phase {
            SearchPhase::Planning => format!("Planning: {planned}"),
            SearchPhase::Eliminating => "Backward elimination".to_owned(),
            SearchPhase::Training => "Training what was chosen".to_owned(),
            SearchPhase::Done => return format!("Done. {planned}."),
        };
        let [done, all] = view.done;
        let runs = if view.phase == SearchPhase::Planning {
            String::new()
        } else {
            let most = if view.phase == SearchPhase::Eliminating {
                "at most "
            } else {
                ""
            };
            let done = text::number(u64::from(done));
            format!(": {done} of {most}{} done", text::count(all, "run", "runs"))
        };
        let left = view.seconds_left.map(duration);
        let left = left.map_or(String::new(), |left| format!(", {left} left"));
        let waits = if self.playback.is_on() && view.runs {
            " It waits while training runs."
        } else {
            ""
        };
        format!("{what}{runs}{left}.{waits}")
    }

    /// What a search does, or why none can be begun, in sentences.
    #[must_use]
    pub fn search_note(&self) -> String {
        if self.is_searching() {
            let began = self.search.under_way.as_ref();
            let is_other = began.is_some_and(|it| !self.is_study(&it.study, true));
            return if is_other {
                "It goes on with the settings, samples and budget it began with.".to_owned()
            } else {
                String::new()
            };
        }
        if self.editor.contributions.is_none() {
            return "A search goes by what layers contribute, and that is not known here yet: \
                    analyse it above first."
                .to_owned();
        }
        let budget = text::bytes(u64::from(self.setup().budget_bytes));
        format!(
            "Looks for the policies with the largest sum of contributions within {budget}, a half and \
             a quarter of it; trains them, the presets and the usual baselines with seeds that had no \
             part in choosing; and states their accuracy on samples that had none."
        )
    }

    /// How far the best sum is from what no policy can exceed; none before both are known.
    #[must_use]
    pub fn gap_text(&self) -> Option<String> {
        let view = self.search.view.as_ref()?;
        let (best, bound) = view.best_gain.zip(view.bound_gain)?;
        Some(format!(
            "Best sum of contributions {}, the exact bound {}: a gap of {}.",
            text::points(best),
            text::points(bound),
            text::points(bound - best).trim_start_matches(['+', '\u{b1}']),
        ))
    }

    /// How backward elimination stands, in a sentence; none before it has a step.
    #[must_use]
    pub fn elimination_text(&self) -> Option<String> {
        let view = self.search.view.as_ref()?;
        let threshold = text::percent(view.threshold?);
        let last = view.steps.last()?;
        let frozen = u32::try_from(view.steps.len() - 1).unwrap_or(u32::MAX);
        let frozen = text::count(frozen, "layer", "layers");
        let [accuracy, _] = last.accuracy;
        let is_below = view.threshold.is_some_and(|it| accuracy < it);
        let end = if is_below {
            ", below the threshold, so it stops"
        } else {
            ""
        };
        Some(format!(
            "{frozen} frozen, the least important first: {}{end}. Threshold {threshold}.",
            text::percent(accuracy)
        ))
    }

    /// What came of it against what it is compared with: a sentence for each share of the budget; none
    /// before it is done.
    #[must_use]
    pub fn search_result(&self) -> Vec<String> {
        let Some(view) = &self.search.view else {
            return Vec::new();
        };
        let sentences = [1, 2, 4].into_iter().filter_map(|share| {
            let compared = || view.differences.iter().filter(move |it| it.share == share);
            let ours = &compared().next()?.ours;
            let named = |verdict: Verdict| {
                let named = compared().filter(|it| Verdict::of(it) == verdict);
                named.map(|it| it.theirs.as_str()).collect::<Vec<_>>()
            };
            let [better, worse] = [Verdict::Better, Verdict::Worse].map(named);
            let unknown = compared().count() - better.len() - worse.len();
            let list = |verdict: &str, names: &[&str]| match names {
                [] => format!("{verdict} than none"),
                names => format!("{verdict} than {}", names.join("; ")),
            };
            let unknown = match (unknown, compared().count()) {
                (0, _) => String::new(),
                (unknown, all) => {
                    format!(". For {unknown} of {all} no difference is shown")
                }
            };
            Some(format!(
                "Within {}, {ours} is {}, and {}{unknown}.",
                text::bytes(u64::from(view.budget_bytes / share)),
                list("better", &better),
                list("worse", &worse),
            ))
        });
        sentences.collect()
    }

    /// The same in numbers, for a table.
    #[must_use]
    pub fn difference_rows(&self) -> Vec<Vec<String>> {
        let Some(view) = &self.search.view else {
            return Vec::new();
        };
        let rows = view.differences.iter().map(|it| {
            let [low, high] = it.interval.map(text::points);
            vec![
                it.ours.clone(),
                it.theirs.clone(),
                text::number(u64::from(view.budget_bytes / it.share.max(1))),
                text::points(it.mean),
                format!("{low} to {high}"),
                Verdict::of(it).text().to_owned(),
            ]
        });
        rows.collect()
    }

    /// A policy of the search in words.
    #[must_use]
    pub fn point_text(&self, at: usize) -> Option<String> {
        let view = self.search.view.as_ref()?;
        let point = view.points.get(at)?;
        let bytes = if point.arena_bytes > 0 {
            format!(", {}", text::bytes(u64::from(point.arena_bytes)))
        } else {
            String::new()
        };
        let fits = if point.fits { "" } else { ", over the limits" };
        let front = point.trained.filter(|it| it.on_front);
        let front = front.map_or("", |_| ", on the front");
        Some(format!(
            "{}{bytes}{fits}: {}{front}",
            point.origin,
            self.accuracy_of(point)
                .unwrap_or_else(|| "not trained yet".to_owned()),
        ))
    }

    /// `80.2 % \u{b1} 1.2`; none before it was trained.
    fn accuracy_of(&self, point: &PointView) -> Option<String> {
        let [mean, sd] = point.trained?.accuracy;
        Some(self.spread_text(mean, sd))
    }

    /// One seed has no spread.
    fn spread_text(&self, mean: f32, sd: f32) -> String {
        let under_way = self.search.under_way.as_ref();
        if under_way.is_some_and(|it| it.choices.n_seeds > 1) {
            format!("{} \u{b1} {:.1}", text::percent(mean), 100.0 * sd)
        } else {
            text::percent(mean)
        }
    }

    /// Policies of the search, for a table.
    #[must_use]
    pub fn search_rows(&self) -> Vec<PointRow> {
        let Some(view) = &self.search.view else {
            return Vec::new();
        };
        let now = link::policy_text(&self.setup().policy);
        let rows = view.points.iter().map(|point| {
            let known = |number: u64| {
                if number > 0 {
                    text::number(number)
                } else {
                    text::UNKNOWN.to_owned()
                }
            };
            PointRow {
                origin: point.origin.clone(),
                is_found: point.is_found,
                is_loaded: point.policy == now,
                cells: [
                    learning_text(&point.policy),
                    known(u64::from(point.arena_bytes)),
                    known(point.macs_step),
                    point
                        .gain
                        .map_or_else(|| text::UNKNOWN.to_owned(), text::points),
                    self.accuracy_of(point)
                        .unwrap_or_else(|| text::UNKNOWN.to_owned()),
                ],
                remark: match point.trained {
                    _ if !point.fits => "over the limits",
                    Some(it) if it.on_front => "on the front",
                    _ => "",
                },
            }
        });
        rows.collect()
    }

    /// Steps of backward elimination, for a table.
    #[must_use]
    pub fn elimination_rows(&self) -> Vec<Vec<String>> {
        let (Some(view), Some(plan)) = (&self.search.view, self.plan()) else {
            return Vec::new();
        };
        let steps = view.steps.iter().enumerate();
        let rows = steps.map(|(at, step)| {
            let layer = step.frozen_layer.and_then(|layer| {
                let name = &plan.layers.get(layer as usize)?.name;
                Some(format!("{layer} {name}"))
            });
            let [mean, sd] = step.accuracy;
            vec![
                at.to_string(),
                layer.unwrap_or_else(|| text::UNKNOWN.to_owned()),
                text::number(u64::from(step.arena_bytes)),
                self.spread_text(mean, sd),
            ]
        });
        rows.collect()
    }
}

/// What a difference says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Better,
    Worse,
    Unknown,
}

impl Verdict {
    fn of(difference: &DifferenceView) -> Self {
        let [low, high] = difference.interval;
        if low > 0.0 {
            Self::Better
        } else if high < 0.0 {
            Self::Worse
        } else {
            Self::Unknown
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Unknown => "no difference shown",
        }
    }
}

/// A policy of the search, in a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointRow {
    /// Where it comes from.
    pub origin: String,
    /// Whether the search found it.
    pub is_found: bool,
    /// Whether it is the policy of the page.
    pub is_loaded: bool,
    /// What learns, bytes, multiply-accumulates of a step, sum of contributions, accuracy.
    pub cells: [String; 5],
    /// Where it stands among the others.
    pub remark: &'static str,
}

/// How many layers beside the classifier learn.
fn learning_text(policy: &str) -> String {
    let policy = link::parse_policy(policy).unwrap_or_default();
    let learning = policy.layers.iter().filter(|it| it.updates_bias()).count();
    learning.to_string()
}
