//! Contribution analysis in the worker, on the host.
#![cfg(not(target_arch = "wasm32"))]

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use quartermeg_core::network::Network;
use quartermeg_core::session::Samples;
use quartermeg_formats::config::hex;
use quartermeg_formats::scenario::KEYBOARD;
use quartermeg_formats::{link, network_file, own};
use quartermeg_search::{Contributions, Measured, Part, Recipe, Space, Study};
use quartermeg_web::protocol::{
    AnalysisPhase, AnalysisRequest, AnalysisView, ContributionsView, Event, OwnSample, Request,
    SampleData, Speed, ToWorker,
};
use quartermeg_worker::time::{Clock, Next, SETTLE_MILLIS};
use quartermeg_worker::trainer::Trainer;

const SETUP: &str = "v=1&scenario=own&head=3&seed=7&stop=6&policy=----------------------bbbbbbb1";
const N_SEEDS: u32 = 2;
const STEPS: u32 = 2;
/// Samples to learn from, and those that are held out.
const N_LEARN: u32 = 3;
const N_HELD_OUT: u32 = 5;
/// Codes of an input of the network.
const LEN: u32 = 48 * 48;

/// Time stands still, so a slice ends with a run, unless it is waited for.
#[derive(Clone, Default)]
struct TestClock(Rc<Cell<f64>>);

impl Clock for TestClock {
    fn now(&self) -> f64 {
        self.0.get()
    }
}

struct Bench {
    trainer: Trainer<TestClock>,
    clock: TestClock,
    newest: u32,
    next: Next,
    /// What layers contribute, as it was told last.
    known: Option<ContributionsView>,
}

impl Bench {
    fn empty() -> Self {
        let clock = TestClock::default();
        Self {
            trainer: Trainer::new(clock.clone()),
            clock,
            newest: 0,
            next: Next::Idle,
            known: None,
        }
    }

    fn ask(&mut self, request: Request) -> Vec<Event> {
        self.newest += 1;
        let id = self.newest;
        self.trainer.handle(ToWorker { id, request });
        self.events()
    }

    fn events(&mut self) -> Vec<Event> {
        let events: Vec<Event> = self
            .trainer
            .take_events()
            .into_iter()
            .map(|it| it.event)
            .collect();
        for event in &events {
            if let Event::Contributions(view) = event {
                self.known = Some((**view).clone());
            }
        }
        events
    }

    fn slice(&mut self) -> Vec<Event> {
        self.next = self.trainer.slice();
        if let Next::After(millis) = self.next {
            self.clock.0.set(self.clock.0.get() + millis);
        }
        self.events()
    }

    fn refusal(&mut self, request: Request) -> String {
        match &self.ask(request)[..] {
            [Event::Failed { message }] => message.clone(),
            other => panic!("{other:?}"),
        }
    }

    fn open_network(&mut self) {
        let name = "mine.safetensors".to_owned();
        let bytes = network_bytes();
        self.ask(Request::OpenFile { name, bytes });
        let setup = SETUP.to_owned();
        self.ask(Request::Configure { setup });
        // What edits would cost is worked out, and nobody edits.
        self.slice();
        self.clock.0.set(self.clock.0.get() + SETTLE_MILLIS);
    }

    fn ready() -> Self {
        let mut bench = Self::empty();
        bench.open_network();
        bench.ask(Request::SetSamples {
            replace: false,
            range: 0,
            samples: (0..N_LEARN + N_HELD_OUT).map(sample).collect(),
        });
        bench
    }

    fn analysis(&mut self, request: AnalysisRequest) -> Vec<AnalysisView> {
        views(self.ask(Request::Analysis(request)))
    }

    fn prepare(&mut self) -> AnalysisView {
        let prepared = self.analysis(AnalysisRequest::Prepare {
            n_seeds: N_SEEDS,
            steps: STEPS,
        });
        assert_eq!(prepared.len(), 1);
        assert_eq!(prepared[0].phase, AnalysisPhase::Counting);
        let told = self.work_until(|view| view.phase == AnalysisPhase::Standing);
        told.last().expect("it was counted").clone()
    }

    /// Slices until the analysis says what is waited for: all that it said.
    fn work_until(&mut self, is_it: impl Fn(&AnalysisView) -> bool) -> Vec<AnalysisView> {
        let mut told = Vec::new();
        for _ in 0..10_000 {
            told.extend(views(self.slice()));
            if told.last().is_some_and(&is_it) {
                return told;
            }
        }
        panic!("it never comes: {:?}", told.last());
    }

    fn run(&mut self) -> AnalysisView {
        self.analysis(AnalysisRequest::Run);
        let told = self.work_until(|view| view.phase == AnalysisPhase::Done);
        told.last().expect("it is done").clone()
    }

    fn saved(&mut self) -> Measured {
        match &self.ask(Request::Analysis(AnalysisRequest::Save))[..] {
            [Event::Exported { name, bytes }, Event::Analysis(_)] => {
                assert_eq!(name, "contributions.json");
                Measured::read(bytes, &space()).expect("it is of this network")
            }
            other => panic!("{other:?}"),
        }
    }
}

fn views(events: Vec<Event>) -> Vec<AnalysisView> {
    let views = events.into_iter().filter_map(|event| match event {
        Event::Analysis(view) => Some(*view),
        _ => None,
    });
    views.collect()
}

fn network_bytes() -> Vec<u8> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    fs::read(root.join(KEYBOARD.network_path)).expect("the file ships")
}

fn network() -> Network {
    let (link, _) = link::parse(SETUP);
    let network = network_file::read(&network_bytes()).expect("a network");
    own::with_head(&network, link.setup.head).expect("it takes a new classifier")
}

fn space() -> Space {
    Space::of(&network())
}

/// Stripes, by which the classes differ.
fn codes(id: u32) -> Vec<i8> {
    let code = |at: u32| {
        let stripe = (at / (5 + 7 * (id % 3)) + id) % 2;
        if stripe == 0 { -128 } else { 100 }
    };
    (0..LEN).map(code).collect()
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

/// The same, by the study alone.
fn expected() -> Measured {
    let network = network();
    let (link, _) = link::parse(SETUP);
    let rate = link.setup.learning_rate;
    let space = Space::of(&network);
    let study = Study::new(
        network,
        link.setup,
        samples(0..N_LEARN),
        samples(N_LEARN..N_LEARN + N_HELD_OUT),
    )
    .expect("they fit");
    let study = Arc::new(study);
    let trials = Contributions::trials(&space, rate, &[7, 8], STEPS);
    let outcomes: Vec<_> = trials
        .iter()
        .map(|trial| study.run(trial).expect("it runs"))
        .collect();
    let recipe = Recipe {
        study: hex(&study.identity()),
        command: String::new(),
        steps: STEPS,
        rate,
        seeds: vec![7, 8],
    };
    assert_eq!(
        outcomes[0].of(Part::Validation).count(),
        study.n_validation()
    );
    Measured::of(&space, recipe, &outcomes)
}

#[test]
fn it_measures_what_the_study_measures_and_tells_it() {
    let mut bench = Bench::ready();
    let standing = bench.prepare();
    let n_policies = standing.counted[1];
    assert_eq!(standing.counted[0], n_policies);
    assert_eq!(standing.runs, [0, N_SEEDS * n_policies]);
    let [whole, run] = standing.macs;
    assert!(run < whole, "{run} of {whole}");
    assert_eq!(bench.slice(), []);
    assert_eq!(bench.next, Next::Idle);

    let done = bench.run();
    let known = bench.known.take().expect("policies are solved by it now");
    assert_eq!(done.runs, [N_SEEDS * n_policies; 2]);
    assert_eq!(done.seconds_left, 0);
    let expected = expected();
    assert_eq!(bench.saved(), expected);
    let contributions = expected.contributions(&space());
    let view = done.contributions.expect("they are told at the end");
    assert_eq!((view.n_seeds, view.steps), (N_SEEDS, STEPS));
    assert_eq!(*view, known);
    for cell in &contributions.cells {
        let gains = &view.layers[cell.layer];
        let ratio = cell.update.ratio();
        let gain = gains
            .iter()
            .find(|it| it.ratio.to_bits() == ratio.to_bits());
        let gain = gain.expect("every cell is told");
        assert!((f64::from(gain.mean) - cell.spread().mean).abs() < 1e-6);
        assert!((f64::from(gain.sd) - cell.spread().sd).abs() < 1e-6);
    }
}

#[test]
fn what_was_kept_is_not_run_again() {
    let mut bench = Bench::ready();
    bench.prepare();
    bench.analysis(AnalysisRequest::Run);
    for _ in 0..40 {
        bench.slice();
    }
    let paused = bench.analysis(AnalysisRequest::Pause).remove(0);
    assert_eq!(paused.phase, AnalysisPhase::Standing);
    let n_done = paused.runs[0];
    assert!((30..=40).contains(&n_done), "{n_done}");
    let counts = paused.counts.expect("what is known is told on pausing");
    assert_eq!(counts.lines().count(), n_done as usize);
    assert_eq!(bench.slice(), []);
    assert_eq!(bench.next, Next::Idle);
    let refused = bench.refusal(Request::Analysis(AnalysisRequest::Save));
    assert!(refused.contains("not done yet"), "{refused}");

    // Another worker, which is given what was kept, and lines that are damaged.
    let mut other = Bench::ready();
    other.prepare();
    let key = paused.key.clone();
    let damaged = format!("{counts}9999 7 1\n3 8 100000\nnonsense\n1 7");
    let recall = |key: &str, counts: &str| AnalysisRequest::Recall {
        key: key.to_owned(),
        counts: counts.to_owned(),
    };
    let strange = other.analysis(recall("another", &counts)).remove(0);
    assert_eq!(strange.runs[0], 0);
    let recalled = other.analysis(recall(&key, &damaged)).remove(0);
    assert_eq!(recalled.runs[0], n_done);
    other.run();
    bench.run();
    assert_eq!(other.saved(), bench.saved());
}

#[test]
fn it_waits_while_training_runs_and_ends_when_told() {
    let mut bench = Bench::ready();
    bench.prepare();
    bench.analysis(AnalysisRequest::Run);
    bench.ask(Request::Play(Speed::OperationPerSecond));
    for _ in 0..10 {
        assert_eq!(views(bench.slice()), []);
    }
    bench.ask(Request::Pause);
    for _ in 0..10 {
        bench.slice();
        assert_eq!(bench.next, Next::Soon);
    }
    assert_eq!(bench.analysis(AnalysisRequest::Cancel), []);
    for _ in 0..1_000 {
        assert_eq!(views(bench.slice()), []);
    }
    assert_eq!(bench.slice(), []);
    assert_eq!(bench.next, Next::Idle);
    // What comes too late changes nothing.
    assert_eq!(bench.analysis(AnalysisRequest::Run), []);
}

#[test]
fn it_needs_a_plan_and_samples() {
    let request = || {
        Request::Analysis(AnalysisRequest::Prepare {
            n_seeds: 1,
            steps: 1,
        })
    };
    let mut bench = Bench::empty();
    assert!(bench.refusal(request()).contains("no plan yet"));
    bench.open_network();
    assert!(bench.refusal(request()).contains("samples"));
}
