//! What the policy's editor is told, held against plans that are made whole.
#![cfg(not(target_arch = "wasm32"))]

#[path = "common/files.rs"]
mod files;

use std::cell::Cell;
use std::rc::Rc;

use files::{file, load_network, load_samples};
use quartermeg_formats::link;
use quartermeg_formats::scenario::{KEYBOARD, Scenario, WATCH};
use quartermeg_web::protocol::{
    CHOICES, ContributionsView, CostsView, Event, PlanView, Request, ToWorker,
};
use quartermeg_worker::time::{Clock, Next};
use quartermeg_worker::trainer::Trainer;

/// Time stands still, so that a slice does all that it may do, unless it is waited for.
#[derive(Clone, Default)]
struct TestClock(Rc<Cell<f64>>);

impl Clock for TestClock {
    fn now(&self) -> f64 {
        self.0.get()
    }
}

struct Bench(Trainer<TestClock>, u32, Rc<Cell<f64>>);

impl Bench {
    fn of(scenario: &Scenario) -> Self {
        let clock = TestClock::default();
        let mut bench = Self(Trainer::new(clock.clone()), 0, clock.0);
        bench.ask(load_network(scenario));
        bench.ask(load_samples(scenario));
        bench
    }

    fn ask(&mut self, request: Request) -> Vec<Event> {
        self.1 += 1;
        let id = self.1;
        self.0.handle(ToWorker { id, request });
        let events = self.0.take_events();
        events.into_iter().map(|event| event.event).collect()
    }

    fn configure(&mut self, setup: &str) -> (PlanView, Vec<Event>) {
        let setup = setup.to_owned();
        let mut events = self.ask(Request::Configure { setup });
        match events.remove(0) {
            Event::Planned(plan) => (*plan, events),
            other => panic!("{other:?}"),
        }
    }

    /// Whether contributions are of now, as it is told once nothing else is left to be planned.
    fn origins(&mut self) -> Vec<bool> {
        let mut told = Vec::new();
        loop {
            let next = self.0.slice();
            for event in self.0.take_events() {
                if let Event::ContributionsOrigin { is_same } = event.event {
                    told.push(is_same);
                }
            }
            match next {
                Next::Idle => return told,
                Next::Soon => {}
                Next::After(millis) => self.2.set(self.2.get() + millis),
            }
        }
    }

    fn costs(&mut self) -> CostsView {
        self.0.slice();
        let events = self.0.take_events();
        let costs = events.into_iter().find_map(|event| match event.event {
            Event::Costs(view) => Some(*view),
            _ => None,
        });
        costs.expect("costs come first")
    }
}

fn contributions_of(scenario: &Scenario) -> Request {
    Request::LoadContributions {
        scenario: scenario.id.to_owned(),
        file: file(scenario.contributions_path),
    }
}

fn view(events: &[Event]) -> Option<&ContributionsView> {
    events.iter().find_map(|event| match event {
        Event::Contributions(view) => Some(&**view),
        _ => None,
    })
}

/// Of a choice of every layer: what is told before it is chosen is what comes of it.
#[test]
fn a_choice_costs_what_its_plan_says() {
    let mut bench = Bench::of(&KEYBOARD);
    let (before, _) = bench.configure("v=1");
    let costs = bench.costs();
    assert_eq!(costs.policy, before.policy);
    assert_eq!(costs.peak_bytes, before.lower_bound_bytes);
    assert_eq!(costs.layers.len(), before.layers.len());
    let policy = link::parse_policy(&before.policy).expect("a policy");
    let mut n_freed = 0;
    for layer in 0..before.layers.len() {
        let choice = (layer * 5 + 3) % CHOICES.len();
        let mut other = policy.clone();
        other.set(layer, CHOICES[choice]);
        let setup = format!("v=1&policy={}", link::policy_text(&other));
        let (after, _) = bench.configure(&setup);
        assert_eq!(after.policy, link::policy_text(&other));
        let cost = costs.layers[layer][choice];
        let more = |after: u32, before: u32| i64::from(after) - i64::from(before);
        assert_eq!(
            i64::from(cost.peak_bytes),
            more(after.lower_bound_bytes, before.lower_bound_bytes),
            "layer {layer}"
        );
        assert_eq!(
            i64::from(cost.trainable_bytes),
            more(after.persistent_bytes, before.persistent_bytes)
        );
        assert_eq!(
            cost.macs_step,
            after.macs_step.cast_signed() - before.macs_step.cast_signed()
        );
        n_freed += u32::from(cost.saved_bytes < 0);
        // Back again: the same costs, so an edit and its inverse leave nothing behind.
        if layer % 10 == 0 {
            bench.configure("v=1");
            assert_eq!(bench.costs(), costs);
        }
    }
    assert!(n_freed > 0);
}

#[test]
fn contributions_are_told_whichever_file_comes_first() {
    for scenario in [&KEYBOARD, &WATCH] {
        let setup = format!("v=1&scenario={}", scenario.id);
        let mut bench = Bench::of(scenario);
        let (plan, events) = bench.configure(&setup);
        assert_eq!(view(&events), None);
        let events = bench.ask(contributions_of(scenario));
        let late = view(&events).expect("the network is there").clone();
        assert_eq!(late.layers.len(), plan.layers.len());
        assert!(late.n_seeds >= 3 && late.classifier[0] > 0.5);
        assert!(late.command.contains(scenario.id));
        assert!(late.layers.iter().all(|cells| cells[0].ratio == 0.0));

        let mut bench = Bench::of(scenario);
        assert_eq!(bench.ask(contributions_of(scenario)), []);
        let (_, events) = bench.configure(&setup);
        assert_eq!(view(&events), Some(&late));
        // Once is enough.
        let (_, events) = bench.configure(&format!("{setup}&seed=9"));
        assert_eq!(view(&events), None);
    }
}

#[test]
fn a_file_of_contributions_is_opened_as_any_other_and_refused_where_it_does_not_fit() {
    let mut bench = Bench::of(&KEYBOARD);
    bench.configure("v=1");
    let mut open = |bytes: Vec<u8>| {
        bench.ask(Request::OpenFile {
            name: "contributions.json".to_owned(),
            bytes,
        })
    };
    let events = open(file(WATCH.contributions_path));
    let [Event::Failed { message }] = &events[..] else {
        panic!("{events:?}");
    };
    assert!(message.contains("another network"), "{message}");
    let events = open(file(KEYBOARD.contributions_path));
    assert!(view(&events).is_some());
    let mut damaged = file(KEYBOARD.contributions_path);
    damaged.truncate(2_000);
    let events = open(damaged);
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::Failed { message } if message.contains("analyze")))
    );
}

/// What ships was measured with the settings and samples that are there at first.
#[test]
fn where_contributions_come_from_is_told_whenever_it_changes() {
    for scenario in [&KEYBOARD, &WATCH] {
        let mut bench = Bench::of(scenario);
        let setup = format!("v=1&scenario={}", scenario.id);
        bench.configure(&setup);
        bench.ask(contributions_of(scenario));
        assert_eq!(bench.origins(), [true], "{}", scenario.id);
        // Neither the policy nor what a trial has of its own matters.
        bench.configure(&format!("{setup}&policy=-&seed=9&lr=0.5&budget=60000"));
        assert!(bench.origins().is_empty());
        bench.configure(&format!("{setup}&qas=off"));
        assert_eq!(bench.origins(), [false]);
        bench.configure(&setup);
        assert_eq!(bench.origins(), [true]);
    }
}

/// Without whole policies the contributions are summed up, as the exact solver does.
#[test]
fn a_sum_of_contributions_is_told_as_one() {
    let mut bench = Bench::of(&KEYBOARD);
    let (plan, _) = bench.configure("v=1");
    let text = String::from_utf8(file(KEYBOARD.contributions_path)).expect("text");
    let (cells, _) = text
        .split_once(",\"policies\"")
        .expect("whole policies ship");
    bench.ask(Request::LoadContributions {
        scenario: KEYBOARD.id.to_owned(),
        file: format!("{cells}}}").into_bytes(),
    });
    let mut gains = Vec::new();
    for budget_bytes in [40_000, 80_000, 140_000] {
        let events = bench.ask(Request::Solve {
            budget_bytes,
            before: plan.policy.clone(),
        });
        let [
            Event::Solved {
                policy: Some(policy),
                gain: Some(gain),
                is_measured: false,
            },
        ] = &events[..]
        else {
            panic!("{events:?}");
        };
        let (plan, _) = bench.configure(&format!("v=1&policy={policy}"));
        assert!(plan.arena_bytes <= budget_bytes);
        gains.push(*gain);
    }
    assert!(gains.is_sorted() && gains[2] > gains[0], "{gains:?}");
}

/// Whatever the budget: what is solved fits when it is planned whole, and more bytes never gain
/// less.
#[test]
fn what_is_solved_fits_the_budget() {
    for scenario in [&KEYBOARD, &WATCH] {
        let mut bench = Bench::of(scenario);
        let (full, _) = bench.configure(&format!("v=1&scenario={}", scenario.id));
        let before = full.policy.clone();
        let ask = |budget_bytes| Request::Solve {
            budget_bytes,
            before: before.clone(),
        };
        let events = bench.ask(ask(100_000));
        let nothing = Event::Solved {
            policy: None,
            gain: None,
            is_measured: false,
        };
        assert_eq!(
            events,
            std::slice::from_ref(&nothing),
            "nothing was analysed"
        );
        bench.ask(contributions_of(scenario));
        assert_eq!(bench.ask(ask(4_096)), [nothing]);
        let mut gains = Vec::new();
        for budget_bytes in (24..=160).step_by(8).map(|kib| kib * 1024) {
            let events = bench.ask(ask(budget_bytes));
            let [
                Event::Solved {
                    policy: Some(policy),
                    gain: Some(gain),
                    is_measured: true,
                },
            ] = &events[..]
            else {
                panic!("{events:?}");
            };
            let setup = format!("v=1&scenario={}&policy={policy}", scenario.id);
            let (plan, _) = bench.configure(&setup);
            assert!(plan.arena_bytes <= budget_bytes);
            gains.push(*gain);
        }
        let (first, last) = (gains[0], gains[gains.len() - 1]);
        assert!(last > first, "{gains:?}");
        assert!(gains.is_sorted(), "{gains:?}");
    }
}
