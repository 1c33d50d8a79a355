//! Drift in the worker, on the host.
#![cfg(not(target_arch = "wasm32"))]

#[path = "common/files.rs"]
mod files;

use std::cell::Cell;

use files::{load_network, load_samples};
use quartermeg_core::runtime::NoTrace;
use quartermeg_core::session::Samples;
use quartermeg_formats::scenario::{KEYBOARD, WATCH};
use quartermeg_formats::{link, network_file, own};
use quartermeg_search::Spread;
use quartermeg_search::drift::{Change, Drift, LineUp};
use quartermeg_web::protocol::{
    AnalysisPhase, ChangeKind, DriftChange, DriftPreview, DriftRequest, DriftView, Event,
    LearnerCurves, OwnSample, Request, SampleData, Speed, ToWorker,
};
use quartermeg_web::state::AppState;
use quartermeg_worker::time::{Clock, Next};
use quartermeg_worker::trainer::Trainer;

const SETUP: &str = "v=1&scenario=own&head=3&seed=7&stop=6&policy=----------------------bbbbbbb1";
const STEPS: [u32; 2] = [2, 3];
const N_SEEDS: u32 = 2;
/// Runs: nothing once, the other four with each seed.
const N_RUNS: u32 = 1 + 4 * N_SEEDS;
/// Samples to learn from, and those that are held out.
const N_LEARN: u32 = 4;
const N_HELD_OUT: u32 = 7;
const SLANT: DriftChange = DriftChange {
    kind: ChangeKind::Slant,
    amount: 30,
};

/// What comes of it in the command line program (`cli/tests/drift.rs`): learner, world and step, then
/// the samples that each seed recognized.
const KNOWN: &str = include_str!("../../search/tests/known/drift.txt");

/// Whenever it is asked, so many milliseconds later.
struct Ticking {
    now: Cell<f64>,
    by: f64,
}

impl Clock for Ticking {
    fn now(&self) -> f64 {
        self.now.replace(self.now.get() + self.by)
    }
}

struct Bench {
    trainer: Trainer<Ticking>,
    newest: u32,
    next: Next,
}

impl Bench {
    fn empty(by: f64) -> Self {
        let now = Cell::new(0.0);
        Self {
            trainer: Trainer::new(Ticking { now, by }),
            newest: 0,
            next: Next::Idle,
        }
    }

    fn ask(&mut self, request: Request) -> Vec<Event> {
        self.newest += 1;
        let id = self.newest;
        self.trainer.handle(ToWorker { id, request });
        self.events()
    }

    fn events(&mut self) -> Vec<Event> {
        let events = self.trainer.take_events().into_iter();
        events.map(|it| it.event).collect()
    }

    fn refusal(&mut self, request: DriftRequest) -> String {
        match &self.ask(Request::Drift(request))[..] {
            [Event::Failed { message }] => message.clone(),
            other => panic!("{other:?}"),
        }
    }

    /// A network and samples of a person's own are there.
    fn ready(by: f64) -> Self {
        let mut bench = Self::empty(by);
        let name = "mine.safetensors".to_owned();
        let bytes = files::file(KEYBOARD.network_path);
        bench.ask(Request::OpenFile { name, bytes });
        let setup = SETUP.to_owned();
        bench.ask(Request::Configure { setup });
        bench.ask(Request::SetSamples {
            replace: false,
            range: 0,
            samples: (0..N_LEARN + N_HELD_OUT).map(sample).collect(),
        });
        bench
    }

    fn drift(&mut self, request: DriftRequest) -> Vec<DriftView> {
        views(self.ask(Request::Drift(request)))
    }

    /// Slices until the drift says what is waited for: all that it said.
    fn work_until(&mut self, is_it: impl Fn(&DriftView) -> bool) -> Vec<DriftView> {
        let mut told = Vec::new();
        for _ in 0..100_000 {
            self.next = self.trainer.slice();
            told.extend(views(self.events()));
            if told.last().is_some_and(&is_it) {
                return told;
            }
        }
        panic!("it never comes: {:?}", told.last());
    }

    fn prepare(&mut self, change: DriftChange) -> DriftView {
        let told = self.drift(prepare(change));
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].phase, AnalysisPhase::Counting);
        let told = self.work_until(|view| view.phase == AnalysisPhase::Standing);
        told.last().expect("it is planned").clone()
    }

    /// What is known at the end.
    fn run(&mut self) -> Vec<LearnerCurves> {
        self.drift(DriftRequest::Run);
        let told = self.work_until(|view| view.phase == AnalysisPhase::Done);
        let last = told.last().expect("it is done");
        assert_eq!((last.runs, last.seconds_left), ([N_RUNS; 2], 0));
        last.curves.clone().expect("the last run is told")
    }

    fn preview(&mut self, change: DriftChange) -> DriftPreview {
        match &self.ask(Request::Drift(DriftRequest::Preview(change)))[..] {
            [Event::DriftPreview(preview)] => (**preview).clone(),
            other => panic!("{other:?}"),
        }
    }
}

fn prepare(change: DriftChange) -> DriftRequest {
    DriftRequest::Prepare {
        change,
        steps: STEPS,
        n_seeds: N_SEEDS,
    }
}

fn views(events: Vec<Event>) -> Vec<DriftView> {
    let views = events.into_iter().filter_map(|event| match event {
        Event::Drift(view) => Some(*view),
        _ => None,
    });
    views.collect()
}

/// Stripes, by which the classes differ.
fn codes(id: u32) -> Vec<i8> {
    let code = |at: u32| {
        let stripe = (at / (5 + 7 * (id % 3)) + id) % 2;
        if stripe == 0 { -128 } else { 100 }
    };
    (0..48 * 48).map(code).collect()
}

fn sample(id: u32) -> OwnSample {
    OwnSample {
        id,
        label: id % 3,
        held_out: id >= N_LEARN,
        data: SampleData::Codes(codes(id)),
    }
}

fn samples(ids: std::ops::Range<u32>) -> Samples {
    let codes = ids.clone().flat_map(codes).collect();
    Samples::new([48, 48, 1], codes, ids.map(|id| id % 3).collect()).expect("they fit together")
}

/// Samples that each learner recognizes, seed by seed, by the experiment alone.
fn expected() -> Vec<Vec<Vec<u32>>> {
    let setup = link::parse(SETUP).0.setup;
    let network = network_file::read(&files::file(KEYBOARD.network_path)).expect("a network");
    let network = own::with_head(&network, setup.head).expect("it takes a new classifier");
    let mut line_up = LineUp::new(&network, &setup.policy);
    while line_up.learners(setup.budget_bytes).is_none() {
        line_up
            .plan_next(&network, setup.rules)
            .expect("it compiles");
    }
    let learners = line_up
        .learners(setup.budget_bytes)
        .expect("all are planned");
    let change = Change::Slant { degrees: 30 };
    let samples = [samples(0..N_LEARN), samples(N_LEARN..N_LEARN + N_HELD_OUT)];
    let worlds = change.worlds([&samples[0], &samples[1]], network.input(), &[]);
    let drift = Drift::new(network, setup, worlds.expect("images"), STEPS).expect("it fits");
    let of_learner = |policy: Option<&_>| {
        let runs = [7, 8].map(|seed| {
            let mut course = drift.begin(policy, seed).expect("it fits");
            while !course.advance(&mut NoTrace) {}
            course.known().to_vec()
        });
        runs.to_vec()
    };
    let all = learners.iter().map(|it| of_learner(it.policy.as_ref()));
    all.collect()
}

#[test]
fn it_measures_what_the_experiment_measures_however_time_is_cut() {
    let expected = expected();
    // Each slice is a whole run, a few samples, and one sample.
    let told = [0.0, 3.0, 13.0].map(|by| {
        let mut bench = Bench::ready(by);
        let standing = bench.prepare(SLANT);
        assert_eq!(standing.runs, [0, N_RUNS]);
        assert_eq!(standing.counted[0], standing.counted[1]);
        assert_eq!(standing.n_held_out, [N_HELD_OUT; 2]);
        assert_eq!(standing.learners.len(), 5);
        assert_eq!(standing.learners[0].arena_bytes, 0);
        bench.run()
    });
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0], told[2]);
    // Steps 0, 1, 2, then each step in both worlds.
    let places = [vec![0, 1, 2, 4, 6, 8], vec![3, 5, 7, 9]];
    let steps = [vec![0u32, 1, 2, 3, 4, 5], vec![2, 3, 4, 5]];
    for (learner, (curves, runs)) in told[0].iter().zip(&expected).enumerate() {
        let is_still = learner == 0;
        assert_eq!(curves.n_runs, if is_still { 1 } else { N_SEEDS });
        let worlds = [&curves.before, &curves.after];
        for world in 0..2 {
            let found: Vec<u32> = worlds[world].iter().map(|it| it.step).collect();
            assert_eq!(found, steps[world]);
            for (share, &place) in worlds[world].iter().zip(&places[world]) {
                let place = if is_still { world } else { place };
                let sum = f64::from(runs[0][place] + runs[1][place]);
                let mean = sum / f64::from(2 * N_HELD_OUT);
                assert!(
                    (f64::from(share.mean) - mean).abs() < 1e-6,
                    "{learner} {world}"
                );
            }
        }
    }
    // Who learns nothing stays what it was.
    for world in [&told[0][0].before, &told[0][0].after] {
        assert!(
            world
                .iter()
                .all(|it| it.mean.to_bits() == world[0].mean.to_bits())
        );
    }
}

#[test]
fn it_comes_to_what_the_command_line_comes_to() {
    let told = Bench::ready(0.0).prepared_and_run();
    let mut lines = KNOWN.lines();
    for (name, curves) in ["nothing", "classifier", "biases", "sparse", "full"]
        .into_iter()
        .zip(&told)
    {
        for (world, shares) in [("before", &curves.before), ("after", &curves.after)] {
            for share in shares {
                let place = format!("{name} {world} {} ", share.step);
                let line = lines.next().expect("a line for every measure");
                let counts = line.strip_prefix(&place).expect(line).split(' ');
                let accuracies: Vec<f64> = counts
                    .map(|count| count.parse::<f64>().expect(line) / f64::from(N_HELD_OUT))
                    .collect();
                let Spread { mean, sd } = Spread::of(&accuracies);
                assert!((f64::from(share.mean) - mean).abs() < 1e-6, "{line}");
                assert!((f64::from(share.sd) - sd).abs() < 1e-6, "{line}");
            }
        }
    }
    assert_eq!(lines.next(), None);
}

/// Where page and command line are asked nothing else, they run the same.
#[test]
fn the_page_begins_with_the_usual_strengths() {
    let page = AppState::new();
    assert_eq!(page.drift_change().amount, 25);
    assert_eq!(Change::USUAL[0], Change::Slant { degrees: 25 });
    for way in page.drift_ways() {
        let kind = |change: &Change| match change {
            Change::Slant { .. } => ChangeKind::Slant,
            Change::Rotation { .. } => ChangeKind::Rotation,
            Change::Light { .. } => ChangeKind::Light,
            Change::OtherArm => ChangeKind::OtherArm,
            Change::TurnedSensor { .. } => ChangeKind::TurnedSensor,
            Change::NewClass { .. } => ChangeKind::NewClass,
        };
        let usual = Change::USUAL.into_iter().find(|it| kind(it) == way.kind);
        let strengths = usual.expect("every kind is there").strengths();
        if way.kind == ChangeKind::NewClass {
            assert_eq!((strengths, way.strength), (None, ""));
        } else {
            assert_eq!(strengths, Some(way.range), "{}", way.name);
        }
    }
}

#[test]
fn it_pauses_tells_what_it_has_and_goes_on() {
    let mut bench = Bench::ready(13.0);
    bench.prepare(SLANT);
    bench.drift(DriftRequest::Run);
    let told = bench.work_until(|view| view.runs[0] == 2);
    // The curve of a run grows while it is under way.
    let growing = |view: &&DriftView| {
        let curves = view.curves.as_ref();
        curves.is_some_and(|it| it[1].n_runs == 0 && !it[1].before.is_empty())
    };
    assert!(told.iter().any(|view| growing(&view)));
    let paused = bench.drift(DriftRequest::Pause).remove(0);
    assert_eq!(paused.phase, AnalysisPhase::Standing);
    assert!(paused.seconds_left > 0);
    for _ in 0..10 {
        bench.next = bench.trainer.slice();
        assert_eq!(views(bench.events()), []);
    }
    assert_eq!(bench.next, Next::Idle);
    assert_eq!(bench.run(), Bench::ready(0.0).prepared_and_run());
}

impl Bench {
    fn prepared_and_run(mut self) -> Vec<LearnerCurves> {
        self.prepare(SLANT);
        self.run()
    }
}

#[test]
fn it_waits_while_training_runs_and_ends_when_told() {
    let mut bench = Bench::ready(0.0);
    bench.prepare(SLANT);
    bench.drift(DriftRequest::Run);
    bench.ask(Request::Play(Speed::OperationPerSecond));
    for _ in 0..10 {
        bench.trainer.slice();
        assert_eq!(views(bench.events()), []);
    }
    bench.ask(Request::Pause);
    bench.work_until(|view| view.runs[0] > 0);
    assert_eq!(bench.drift(DriftRequest::Cancel), []);
    for _ in 0..1_000 {
        bench.trainer.slice();
        assert_eq!(views(bench.events()), []);
    }
    // What comes too late changes nothing.
    assert_eq!(bench.drift(DriftRequest::Run), []);
}

#[test]
fn what_cannot_be_done_is_said() {
    let mut bench = Bench::empty(0.0);
    assert!(bench.refusal(prepare(SLANT)).contains("no plan yet"));
    let mut bench = Bench::ready(0.0);
    let other = |kind, amount| prepare(DriftChange { kind, amount });
    for (request, expected) in [
        (other(ChangeKind::OtherArm, 0), "no motion with axes"),
        (other(ChangeKind::NewClass, 9), "Samples are missing"),
        (other(ChangeKind::NewClass, -1), "-1"),
        (other(ChangeKind::Light, -5), "-5"),
    ] {
        let sentence = bench.refusal(request);
        assert!(sentence.contains(expected), "{sentence}");
    }
    // Nothing is under way after a refusal.
    assert_eq!(bench.drift(DriftRequest::Run), []);
}

#[test]
fn samples_are_shown_before_and_after() {
    let mut bench = Bench::ready(0.0);
    let preview = bench.preview(DriftChange {
        kind: ChangeKind::Rotation,
        amount: 180,
    });
    assert_eq!(preview.input, [48, 48, 1]);
    let [before, after] = [&preview.before, &preview.after];
    assert_eq!((before.len(), after.len()), (4, 4));
    for ((class, codes), (same, changed)) in before.iter().zip(after) {
        assert_eq!(class, same);
        let backwards: Vec<i8> = codes.iter().rev().copied().collect();
        assert_eq!(*changed, backwards);
    }
    let preview = bench.preview(DriftChange {
        kind: ChangeKind::NewClass,
        amount: 0,
    });
    let classes =
        [preview.before, preview.after].map(|it| it.iter().map(|it| it.0).collect::<Vec<_>>());
    assert_eq!(classes, [vec![1, 2], vec![0, 0]]);
}

#[test]
fn motion_has_changes_of_its_own() {
    let mut bench = Bench::empty(0.0);
    bench.ask(load_network(&WATCH));
    bench.ask(load_samples(&WATCH));
    let setup = "v=1&scenario=watch&stop=6".to_owned();
    bench.ask(Request::Configure { setup });
    let preview = bench.preview(DriftChange {
        kind: ChangeKind::OtherArm,
        amount: 0,
    });
    let [before, after] = [&preview.before, &preview.after];
    assert_eq!(preview.input, [1, 64, 6]);
    assert_eq!((before.len(), after.len()), (6, 6));
    let channel = |codes: &[i8], at: usize| -> Vec<i8> {
        codes.iter().skip(at).step_by(6).copied().collect()
    };
    for ((_, before), (_, after)) in before.iter().zip(after) {
        // ay, az and wx stay; ax, wy and wz are turned round.
        for (at, is_kept) in [false, true, true, true, false, false]
            .into_iter()
            .enumerate()
        {
            assert_eq!(channel(before, at) == channel(after, at), is_kept, "{at}");
        }
    }
    assert!(
        bench
            .refusal(prepare(SLANT))
            .contains("does not read images")
    );
}
