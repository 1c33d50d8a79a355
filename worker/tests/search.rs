//! The search for a policy in the worker, on the host: the same however its time is cut, gone on with
//! where it stood, and true to what the planner says.
#![cfg(not(target_arch = "wasm32"))]

#[path = "common/files.rs"]
mod files;

use std::cell::Cell;

use files::{file, load_network, load_samples};
use quartermeg_formats::link;
use quartermeg_formats::scenario::WATCH;
use quartermeg_web::protocol::{
    Event, Request, SearchOptions, SearchPhase, SearchRequest, SearchView, ToWorker,
};
use quartermeg_worker::time::{Clock, Next};
use quartermeg_worker::trainer::Trainer;

const SETUP: &str = "v=1&scenario=watch&stop=2&budget=60000";
const BUDGET: u32 = 60_000;

/// Goes by a step each time that it is looked at; 0 stands still.
struct Steps {
    now: Cell<f64>,
    step: f64,
}

impl Clock for Steps {
    fn now(&self) -> f64 {
        self.now.set(self.now.get() + self.step);
        self.now.get()
    }
}

struct Bench {
    trainer: Trainer<Steps>,
    newest: u32,
    /// Everything that was told to be kept.
    trained: String,
    view: Option<SearchView>,
}

impl Bench {
    /// With everything that a search needs, and a clock of such steps.
    fn new(step: f64) -> Self {
        let clock = Steps {
            now: Cell::new(0.0),
            step,
        };
        let mut bench = Self {
            trainer: Trainer::new(clock),
            newest: 0,
            trained: String::new(),
            view: None,
        };
        bench.ask(load_network(&WATCH));
        bench.ask(load_samples(&WATCH));
        let setup = SETUP.to_owned();
        bench.ask(Request::Configure { setup });
        bench
    }

    fn with_contributions(step: f64) -> Self {
        let mut bench = Self::new(step);
        bench.ask(Request::LoadContributions {
            scenario: WATCH.id.to_owned(),
            file: file(WATCH.contributions_path),
        });
        bench
    }

    fn ask(&mut self, request: Request) -> Vec<Event> {
        self.newest += 1;
        let id = self.newest;
        self.trainer.handle(ToWorker { id, request });
        self.take()
    }

    fn take(&mut self) -> Vec<Event> {
        let events = self.trainer.take_events();
        let events: Vec<Event> = events.into_iter().map(|event| event.event).collect();
        for event in &events {
            match event {
                Event::Search(view) => {
                    self.trained.extend(view.trained.clone());
                    self.view = Some((**view).clone());
                }
                Event::Failed { message } => panic!("{message}"),
                _ => {}
            }
        }
        events
    }

    /// Slices until a search is so far, and how many that took.
    fn slices_until(&mut self, is_there: impl Fn(&SearchView) -> bool) -> usize {
        for n in 0..200_000 {
            if self.view.as_ref().is_some_and(&is_there) {
                return n;
            }
            let next = self.trainer.slice();
            self.take();
            assert!(
                next != Next::Idle || self.view.as_ref().is_some_and(&is_there),
                "it stands still: {:?}",
                self.view
            );
        }
        panic!("it does not end");
    }

    fn finish(&mut self) -> SearchView {
        self.slices_until(|view| view.phase == SearchPhase::Done);
        self.view.clone().expect("it was told")
    }
}

fn options() -> SearchOptions {
    SearchOptions {
        n_seeds: 1,
        n_plans: 80,
        tunes_rate: false,
        eliminates: true,
        // Two steps cannot reach it.
        threshold: Some(0.99),
        flash_bytes: None,
        macs_step: None,
    }
}

/// What does not depend on time.
fn result(view: &SearchView) -> SearchView {
    SearchView {
        seconds_left: None,
        trained: None,
        ..view.clone()
    }
}

#[test]
fn a_search_is_the_same_however_its_time_is_cut() {
    let mut whole = Bench::with_contributions(0.0);
    whole.ask(Request::Search(SearchRequest::Begin(options())));
    let together = whole.finish();
    // Every look at the clock takes more than a slice.
    let mut cut = Bench::with_contributions(13.0);
    cut.ask(Request::Search(SearchRequest::Begin(options())));
    let apart = cut.finish();
    assert!(result(&apart) == result(&together), "time has a say");
    assert_eq!(cut.trained.lines().count(), whole.trained.lines().count());

    // Backward elimination stopped at once; everything that fits the budget says so truly.
    assert_eq!(together.steps.len(), 1);
    let origins: Vec<&str> = together.points.iter().map(|it| &*it.origin).collect();
    for origin in ["evolution 1/2", "last", "classifier, preset classifier"] {
        assert!(origins.contains(&origin), "{origin} of {origins:?}");
    }
    assert!(together.best_gain <= together.bound_gain);
    assert!(together.points.iter().any(|it| it.is_found && it.fits));
    assert!(together.points.iter().all(|it| it.trained.is_some()));
    assert!(!together.differences.is_empty());
    for point in &together.points {
        let setup = format!("v=1&scenario=watch&policy={}", point.policy);
        let events = whole.ask(Request::Configure { setup });
        let Some(Event::Planned(plan)) = events.first() else {
            panic!("{events:?}");
        };
        assert_eq!(plan.arena_bytes, point.arena_bytes, "{}", point.origin);
        assert_eq!(point.fits, plan.arena_bytes <= BUDGET, "{}", point.origin);
        assert!(link::parse_policy(&point.policy).is_ok());
    }
    // No point of the front is beaten.
    let places: Vec<(u32, f32, bool)> = together
        .points
        .iter()
        .filter_map(|it| {
            let trained = it.trained?;
            Some((it.arena_bytes, trained.accuracy[0], trained.on_front))
        })
        .collect();
    for &(bytes, accuracy, on_front) in &places {
        let beaten = places
            .iter()
            .any(|it| it.0 <= bytes && it.1 >= accuracy && (it.0, it.1) != (bytes, accuracy));
        assert_eq!(on_front, !beaten, "{bytes} {accuracy}");
    }
}

#[test]
fn a_search_that_was_left_goes_on_where_it_stood() {
    let mut first = Bench::with_contributions(13.0);
    first.ask(Request::Search(SearchRequest::Begin(options())));
    first.slices_until(|view| view.phase == SearchPhase::Training && view.done[0] >= 3);
    first.ask(Request::Search(SearchRequest::Pause));
    let left = first.view.clone().expect("it was told");
    assert!(!left.runs);
    for _ in 0..50 {
        first.trainer.slice();
        first.take();
    }
    assert_eq!(first.view.as_ref(), Some(&left), "it went on");

    let mut second = Bench::with_contributions(13.0);
    second.ask(Request::Search(SearchRequest::Begin(options())));
    let key = left.key.clone();
    let trained = format!("no line of it\n{}", first.trained);
    second.ask(Request::Search(SearchRequest::Recall { key, trained }));
    let again = second.finish();
    // The other one goes on too.
    first.ask(Request::Search(SearchRequest::Run));
    assert!(result(&again) == result(&first.finish()));
    let n_lines = |text: &str| text.lines().count();
    assert!(n_lines(&first.trained) > n_lines(&second.trained) + 3);

    // What is of another search is not taken over.
    let mut other = Bench::with_contributions(0.0);
    other.ask(Request::Search(SearchRequest::Begin(options())));
    let key = format!("{}0", left.key);
    let trained = first.trained.clone();
    other.ask(Request::Search(SearchRequest::Recall { key, trained }));
    other.finish();
    assert_eq!(n_lines(&other.trained), n_lines(&first.trained));

    second.ask(Request::Search(SearchRequest::Cancel));
    for _ in 0..200 {
        second.trainer.slice();
    }
    assert_eq!(second.trainer.slice(), Next::Idle);
    assert!(
        second
            .take()
            .iter()
            .all(|it| !matches!(it, Event::Search(_)))
    );
}

#[test]
fn what_cannot_be_searched_is_said() {
    let refusal = |bench: &mut Bench, options: SearchOptions| {
        bench.newest += 1;
        let request = Request::Search(SearchRequest::Begin(options));
        let id = bench.newest;
        bench.trainer.handle(ToWorker { id, request });
        match &bench.trainer.take_events()[..] {
            [event] => match &event.event {
                Event::Failed { message } => message.clone(),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    };
    let said = refusal(&mut Bench::new(0.0), options());
    assert!(said.contains("analyse that first"), "{said}");
    let mut bench = Bench::with_contributions(0.0);
    let few = SearchOptions {
        macs_step: Some(1_000),
        ..options()
    };
    let said = refusal(&mut bench, few);
    assert!(said.contains("multiply-accumulates a step"), "{said}");
    let small = SearchOptions {
        flash_bytes: Some(5_000),
        ..options()
    };
    let said = refusal(&mut bench, small);
    assert!(said.contains("of flash"), "{said}");
}
