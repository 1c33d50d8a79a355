//! The worker's logic on the host, with the network and the samples that ship.
#![cfg(not(target_arch = "wasm32"))]

#[path = "common/files.rs"]
mod files;

use std::cell::Cell;
use std::rc::Rc;

use files::{file, load_network, load_samples};
use quartermeg_formats::scenario::KEYBOARD;
use quartermeg_formats::waterfall::ALL_LEFT_OUT;
use quartermeg_web::protocol::{
    Event, ExportKind, FromWorker, OverflowView, PlanView, Position, Request, Speed, ToWorker,
};
use quartermeg_worker::time::{Clock, Next, SETTLE_MILLIS};
use quartermeg_worker::trainer::Trainer;

/// A clock that goes on a little whenever it is looked at.
#[derive(Clone, Default)]
struct TestClock(Rc<Cell<f64>>);

impl TestClock {
    fn wait(&self, millis: f64) {
        self.0.set(self.0.get() + millis);
    }
}

impl Clock for TestClock {
    fn now(&self) -> f64 {
        self.wait(0.5);
        self.0.get()
    }
}

struct Bench {
    trainer: Trainer<TestClock>,
    clock: TestClock,
    newest: u32,
}

impl Bench {
    fn empty() -> Self {
        let clock = TestClock::default();
        Self {
            trainer: Trainer::new(clock.clone()),
            clock,
            newest: 0,
        }
    }

    /// Network, samples and plan are there.
    fn ready(setup: &str) -> Self {
        let mut bench = Self::empty();
        assert_eq!(bench.ask(load_network(&KEYBOARD)), []);
        bench.ask(load_samples(&KEYBOARD));
        bench.configure(setup);
        bench
    }

    fn ask(&mut self, request: Request) -> Vec<Event> {
        self.newest += 1;
        let id = self.newest;
        self.trainer.handle(ToWorker { id, request });
        let events = self.trainer.take_events();
        assert!(events.iter().all(|event| event.id == id));
        events.into_iter().map(|event| event.event).collect()
    }

    fn configure(&mut self, setup: &str) -> (PlanView, Position) {
        let setup = setup.to_owned();
        match &self.ask(Request::Configure { setup })[..] {
            [Event::Planned(plan), Event::Position(position)] => {
                ((**plan).clone(), (**position).clone())
            }
            other => panic!("{other:?}"),
        }
    }

    fn position(&mut self, request: Request) -> Position {
        match &self.ask(request)[..] {
            [Event::Position(position)] => (**position).clone(),
            other => panic!("{other:?}"),
        }
    }

    fn refusal(&mut self, request: Request) -> String {
        match &self.ask(request)[..] {
            [Event::Failed { message }] => message.clone(),
            other => panic!("{other:?}"),
        }
    }

    /// Lets slices run until nothing is left to do, and returns what was told.
    fn run_until_idle(&mut self) -> Vec<FromWorker> {
        let mut events = Vec::new();
        for _ in 0..100_000 {
            let next = self.trainer.slice();
            events.extend(self.trainer.take_events());
            match next {
                Next::Idle => return events,
                Next::Soon => {}
                Next::After(millis) => self.clock.wait(millis),
            }
        }
        panic!("training does not end");
    }

    fn digest_after(&mut self, setup: &str, seed_requests: &[Request]) -> String {
        self.configure(setup);
        for request in seed_requests {
            self.ask(request.clone());
        }
        self.ask(Request::Play(Speed::Unlimited));
        let events = self.run_until_idle();
        last_position(&events).weights_digest
    }
}

fn last_position(events: &[FromWorker]) -> Position {
    let positions = events.iter().rev().find_map(|event| match &event.event {
        Event::Position(position) => Some((**position).clone()),
        _ => None,
    });
    positions.expect("a position")
}

#[test]
fn the_plan_is_there_before_the_samples() {
    let mut bench = Bench::empty();
    bench.ask(load_network(&KEYBOARD));
    let (plan, position) = bench.configure("");
    assert!(plan.arena_bytes <= 256 * 1024);
    assert_eq!(plan.layers.len(), KEYBOARD.policy.len());
    assert_eq!(plan.classes.len(), 10);
    assert_eq!(plan.live_bytes.len(), plan.ops.len());
    let most = plan.live_bytes.iter().copied().max();
    assert_eq!(most, Some(plan.live_bytes[plan.peak_op as usize]));
    assert_eq!(most, Some(plan.lower_bound_bytes));
    assert!(
        plan.presets
            .iter()
            .all(|preset| preset.arena_bytes.is_some())
    );
    assert_eq!(plan.presets[0].arena_bytes, Some(plan.arena_bytes));
    assert_eq!(position.step, 0);
    assert!(
        bench
            .refusal(Request::Play(Speed::Unlimited))
            .contains("samples")
    );
    let events = bench.ask(load_samples(&KEYBOARD));
    assert!(matches!(
        events[..],
        [Event::SamplesReady { .. }, Event::Position(_)]
    ));
}

#[test]
fn the_same_setup_gives_the_same_weights_and_another_seed_others() {
    let mut bench = Bench::ready("");
    let first = bench.digest_after("v=1&stop=8&seed=7", &[]);
    assert_eq!(first.len(), 64);
    assert_ne!(bench.digest_after("v=1&stop=8&seed=8", &[]), first);
    let inspected = [
        Request::Step,
        Request::NextOperation,
        Request::Seek(60),
        Request::PreviousOperation,
        Request::Seek(2),
    ];
    assert_eq!(bench.digest_after("v=1&stop=8&seed=7", &inspected), first);
}

#[test]
fn training_tells_its_losses_and_stops() {
    let mut bench = Bench::ready("v=1&stop=300");
    bench.ask(Request::Play(Speed::Unlimited));
    let events = bench.run_until_idle();
    let mut losses = Vec::new();
    let mut accuracies = Vec::new();
    for event in &events {
        assert_eq!(event.id, bench.newest);
        match &event.event {
            Event::Progress(batch) => {
                losses.extend(batch.losses.iter().copied());
                assert!(!batch.updates.is_empty());
                assert!(
                    batch
                        .updates
                        .iter()
                        .any(|update| update.log_ratios[2].is_some())
                );
            }
            Event::Position(position) => {
                assert!(position.stop_reached && !position.running);
                let batch = position.batch.as_ref().expect("a batch");
                losses.extend(batch.losses.iter().copied());
            }
            Event::Accuracy {
                step,
                correct,
                total,
            } => accuracies.push((*step, *correct, *total)),
            Event::RulesPlanned(_)
            | Event::PassesPlanned(_)
            | Event::Costs(_)
            | Event::ProgramChanged { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(losses.len(), 300);
    assert!(
        losses
            .iter()
            .zip(1..)
            .all(|(&(step, _), expected)| step == expected)
    );
    let mean = |part: &[(u32, f32)]| part.iter().map(|&(_, loss)| loss).sum::<f32>() / 100.0;
    assert!(mean(&losses[200..]) < mean(&losses[..100]));
    let (first, last) = (accuracies[0], accuracies[accuracies.len() - 1]);
    assert_eq!((first.0, first.2), (0, 1_000), "before learning");
    assert_eq!((last.0, last.2), (300, 1_000), "at rest");
    let share = |(_, correct, total): (u32, u32, u32)| f64::from(correct) / f64::from(total);
    assert!(share(last) > share(first), "{accuracies:?}");
}

#[test]
fn inside_a_step_nothing_is_learned_until_it_is_finished() {
    let mut bench = Bench::ready("");
    let start = bench.position(Request::Step);
    assert_eq!((start.step, start.op), (1, 0));
    assert!(start.batch.is_some_and(|batch| batch.losses.len() == 1));
    let digest = start.weights_digest;
    let first = bench.position(Request::NextOperation);
    assert_eq!((first.step, first.op), (1, 1));
    for request in [
        Request::Seek(70),
        Request::PreviousOperation,
        Request::Seek(3),
        Request::NextOperation,
    ] {
        assert_eq!(bench.position(request).weights_digest, digest);
    }
    let back = bench.position(Request::Seek(0));
    assert_eq!((back.step, back.op), (1, 0));
    let before = bench.position(Request::PreviousOperation);
    assert_eq!(
        before.step, 1,
        "the start of this step is as far as it goes"
    );
    let next = bench.position(Request::Step);
    assert_eq!(next.step, 2);
    let undone = bench.position(Request::PreviousOperation);
    assert_eq!(undone.step, 1);
    assert_eq!(undone.weights_digest, digest);
    let redone = bench.position(Request::NextOperation);
    assert_eq!((redone.step, redone.op), (2, 0));
    assert_eq!(redone.weights_digest, next.weights_digest);
}

#[test]
fn settings_change_from_the_next_step_on() {
    let mut plain = Bench::ready("");
    plain.ask(Request::Step);
    let expected = plain.position(Request::Step).weights_digest;
    let mut tuned = Bench::ready("");
    let program = programs(tuned.run_until_idle());
    assert_eq!(program.len(), 1);
    tuned.ask(Request::Step);
    tuned.ask(Request::NextOperation);
    let tune = Request::Tune {
        setup: "v=1&lr=5&qas=off&stop=10".to_owned(),
    };
    for _ in 0..3 {
        assert_eq!(tuned.ask(tune.clone()), []);
    }
    let told = programs(tuned.run_until_idle());
    assert!(told.len() == 1 && told != program, "{told:?}");
    assert_eq!(tuned.position(Request::Step).weights_digest, expected);
    let after = tuned.position(Request::Step).weights_digest;
    assert_ne!(after, plain.position(Request::Step).weights_digest);
}

/// The programs that would be exported, as they were told.
fn programs(events: Vec<FromWorker>) -> Vec<String> {
    let of = |message: FromWorker| match message.event {
        Event::ProgramChanged { sha256 } => Some(sha256),
        _ => None,
    };
    events.into_iter().filter_map(of).collect()
}

#[test]
fn what_other_numerics_would_need_is_what_they_need() {
    let mut bench = Bench::empty();
    bench.ask(load_network(&KEYBOARD));
    let (plan, _) = bench.configure("");
    let events = bench.run_until_idle();
    let found = events.iter().find_map(|message| match &message.event {
        Event::RulesPlanned(plans) => Some(plans),
        _ => None,
    });
    let plans = found.expect("the rules were planned");
    assert_eq!(plans.arena_bytes, plan.arena_bytes);
    assert_eq!(plans.profiles[0], Some(plan.arena_bytes));
    for (numerics, expected) in [
        ("simulator", plans.profiles[1]),
        ("tinyengine", plans.profiles[2]),
        ("device,update:int16", plans.choices[3][3]),
        ("device,optimizer:momentum", plans.choices[10][1]),
        ("device,classifier:int8", plans.choices[11][1]),
    ] {
        let (plan, _) = bench.configure(&format!("v=1&numerics={numerics}"));
        assert_eq!(Some(plan.arena_bytes), expected, "{numerics}");
    }
    let idle = |rule: usize| plans.idle[rule].is_some();
    assert!(idle(4) && idle(9) && !idle(3));
}

#[test]
fn what_each_pass_saves_is_what_the_plan_without_it_needs() {
    let mut bench = Bench::empty();
    bench.ask(load_network(&KEYBOARD));
    let (plan, _) = bench.configure("");
    let events = bench.run_until_idle();
    let views: Vec<_> = events
        .iter()
        .filter_map(|message| match &message.event {
            Event::PassesPlanned(view) => Some(view),
            _ => None,
        })
        .collect();
    let [first, whole] = &views[..] else {
        panic!("{views:?}")
    };
    // The waterfall is told before the rest.
    let known: Vec<usize> = (0..first.arena_bytes.len())
        .filter(|&it| first.arena_bytes[it].is_some())
        .collect();
    assert_eq!(known, [0, 32, 48, 56, 60, 62, 63]);
    assert_eq!(whole.arena_bytes[0], Some(plan.arena_bytes));
    assert!(whole.arena_bytes[usize::from(ALL_LEFT_OUT)] > whole.arena_bytes[0]);
    for left_out in 1..=ALL_LEFT_OUT {
        let told = bench.ask(Request::PlanWithout(left_out));
        let [Event::PlannedWithout { left_out: of, plan }] = &told[..] else {
            panic!("{told:?}")
        };
        assert_eq!(*of, left_out);
        let expected = whole.arena_bytes[usize::from(left_out)];
        assert_eq!(Some(plan.arena_bytes), expected, "{left_out}");
        if left_out == ALL_LEFT_OUT {
            let ops: Vec<(String, u32)> = plan
                .ops
                .iter()
                .map(|op| op.name.clone())
                .zip(plan.live_bytes.iter().copied())
                .collect();
            assert_eq!(ops, whole.plain);
        }
    }
}

#[test]
fn another_setup_is_planned_as_it_would_be_trained_and_nothing_changes() {
    let mut bench = Bench::ready("");
    let (plan, _) = bench.configure("");
    let policy = &plan.presets.last().expect("there are presets").policy;
    assert_ne!(*policy, plan.policy);
    let setup = &format!("v=1&seed=7&lr=0.5&policy={policy}");
    let before = bench.position(Request::Step);
    let ask = |setup: &str| Request::PlanOther {
        setup: setup.to_owned(),
    };
    let told = bench.ask(ask(setup));
    let [Event::PlannedOther(other)] = &told[..] else {
        panic!("{told:?}")
    };
    let again = bench.position(Request::Pause);
    assert_eq!(
        (again.step, again.weights_digest),
        (before.step, before.weights_digest)
    );
    let (planned, _) = bench.configure(setup);
    let as_looked_at = PlanView {
        presets: Vec::new(),
        ..planned
    };
    assert_eq!(**other, as_looked_at);
    assert!(other.policy == *policy && other.cycles_step > 0.0);
    // The network of another scenario is not there.
    let told = bench.ask(ask("v=1&scenario=watch"));
    assert!(matches!(&told[..], [Event::Failed { .. }]), "{told:?}");
}

#[test]
fn what_nobody_asked_for_waits_until_edits_settle() {
    let mut bench = Bench::empty();
    bench.ask(load_network(&KEYBOARD));
    let (plan, _) = bench.configure("");
    let is_late = |event: &FromWorker| {
        matches!(
            event.event,
            Event::PassesPlanned(_) | Event::RulesPlanned(_)
        )
    };
    // Slices until there is nothing to do for a while: that while, and what was told.
    let slices = |bench: &mut Bench| {
        let mut told = Vec::new();
        loop {
            let next = bench.trainer.slice();
            told.extend(bench.trainer.take_events());
            if let Next::After(millis) = next {
                return (millis, told);
            }
            assert_eq!(next, Next::Soon);
        }
    };
    for edit in 0..5 {
        bench.configure(&format!("v=1&seed={edit}&budget={}", plan.arena_bytes - 1));
        let (millis, told) = slices(&mut bench);
        // What an edit would cost, and where the step ends, is told at once.
        let [costs, program, overflow] = &told[..] else {
            panic!("{told:?}")
        };
        assert!(matches!(&costs.event, Event::Costs(_)), "{costs:?}");
        assert!(matches!(&program.event, Event::ProgramChanged { .. }));
        let Event::Overflow(view) = &overflow.event else {
            panic!("{overflow:?}")
        };
        assert!(view.progress[0] == 0 && view.missing_bytes > 0, "{view:?}");
        assert!((100.0..=SETTLE_MILLIS).contains(&millis), "{millis}");
        bench.clock.wait(0.9 * millis);
    }
    let (millis, told) = slices(&mut bench);
    assert!(told.is_empty() && millis > 0.0, "{told:?}");
    bench.clock.wait(millis);
    let told = bench.run_until_idle();
    assert_eq!(told.iter().filter(|it| is_late(it)).count(), 3);
    assert!(overflows(told).last().is_some_and(|it| it.is_done));
}

#[test]
fn what_helps_is_looked_for_as_long_as_the_plan_does_not_fit() {
    let mut bench = Bench::empty();
    bench.ask(load_network(&KEYBOARD));
    let (plan, _) = bench.configure("");
    assert!(overflows(bench.run_until_idle()).is_empty());

    let budget_bytes = plan.arena_bytes - 1_000;
    let set_budget = |budget_bytes| Request::SetDevice {
        device: "custom".to_owned(),
        budget_bytes,
    };
    assert_eq!(bench.ask(set_budget(budget_bytes)), []);
    let found = overflows(bench.run_until_idle());
    // Where the step ends is told before anything is tried.
    let first = &found[0];
    assert!((1..=1_000).contains(&first.missing_bytes), "{first:?}");
    assert!(first.fixes.is_empty() && !first.is_done);
    let last = found.last().expect("an end");
    assert!(last.is_done);
    assert_eq!(last.fixes.len(), 2, "{last:?}");
    for fix in &last.fixes {
        let setup = format!("v=1&policy={}", fix.policy);
        let (fixed, _) = bench.configure(&setup);
        assert_eq!(fixed.arena_bytes, fix.arena_bytes, "{fix:?}");
        assert!(fix.arena_bytes <= budget_bytes, "{fix:?}");
    }

    // It ends with the budget.
    bench.configure("");
    bench.ask(set_budget(budget_bytes));
    assert_eq!(bench.ask(set_budget(plan.arena_bytes)), []);
    assert!(overflows(bench.run_until_idle()).is_empty());
}

fn overflows(events: Vec<FromWorker>) -> Vec<OverflowView> {
    let of = |message: FromWorker| match message.event {
        Event::Overflow(view) => Some(*view),
        _ => None,
    };
    events.into_iter().filter_map(of).collect()
}

#[test]
fn a_list_is_read_as_a_training_graph() {
    let mut bench = Bench::ready("");
    let message = bench.refusal(Request::OpenFile {
        name: "graph.json".to_owned(),
        bytes: b" [1]".to_vec(),
    });
    assert!(message.starts_with("\"graph.json\" was not opened: "));
}

#[test]
fn slow_speeds_keep_their_time() {
    let mut bench = Bench::ready("v=1&stop=5");
    bench.ask(Request::Play(Speed::TenStepsPerSecond));
    let before = bench.clock.now();
    bench.run_until_idle();
    let took = bench.clock.now() - before;
    assert!(took >= 400.0, "{took}");

    let mut bench = Bench::ready("");
    bench.ask(Request::Play(Speed::OperationPerSecond));
    bench.trainer.slice();
    let events = bench.trainer.take_events();
    assert!(matches!(
        &events[..],
        [FromWorker { event: Event::Progress(batch), .. }] if batch.op == 1 && batch.step == 0
    ));
    let paused = bench.position(Request::Pause);
    assert_eq!((paused.step, paused.op, paused.running), (0, 1, false));
}

#[test]
fn a_file_that_was_exported_restores_the_run() {
    for kind in [ExportKind::Configuration, ExportKind::Program] {
        let mut bench = Bench::ready("v=1&seed=3&lr=0.02");
        for _ in 0..5 {
            bench.ask(Request::Step);
        }
        let expected = bench.position(Request::Pause);
        let events = bench.ask(Request::Export {
            kind,
            with_weights: true,
        });
        let [Event::Exported { name, bytes }] = &events[..] else {
            panic!("{events:?}");
        };
        let mut other = Bench::ready("");
        let events = other.ask(Request::OpenFile {
            name: name.clone(),
            bytes: bytes.clone(),
        });
        let [
            Event::Opened {
                setup,
                resumed_at,
                notes,
            },
            Event::Planned(_),
            Event::Position(position),
        ] = &events[..]
        else {
            panic!("{events:?}");
        };
        assert_eq!(setup, "v=1&lr=0.02&seed=3");
        assert_eq!((*resumed_at, &notes[..]), (Some(5), &[][..]));
        assert_eq!(
            (position.step, &position.weights_digest),
            (5, &expected.weights_digest)
        );
        let next = other.position(Request::Step);
        assert_eq!(
            next.weights_digest,
            bench.position(Request::Step).weights_digest
        );
        assert_eq!(other.position(Request::Reset).step, 0);
    }
}

#[test]
fn files_that_are_something_else_change_nothing() {
    let mut bench = Bench::ready("");
    let before = bench.position(Request::Step);
    let mut damaged = match &bench.ask(Request::Export {
        kind: ExportKind::Program,
        with_weights: false,
    })[..]
    {
        [Event::Exported { bytes, .. }] => bytes.clone(),
        other => panic!("{other:?}"),
    };
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    let files: [&[u8]; 6] = [
        b"",
        b"{}",
        b"{",
        b"\x89PNG",
        &file(KEYBOARD.samples_path),
        &damaged,
    ];
    for bytes in files {
        let message = bench.refusal(Request::OpenFile {
            name: "some.file".to_owned(),
            bytes: bytes.to_vec(),
        });
        assert!(
            message.starts_with("\"some.file\" was not opened: "),
            "{message}"
        );
    }
    for (name, words) in [
        ("picture.qmeg", "not a Quartermeg program"),
        ("picture.json", "configuration"),
        ("picture.gif", "neither"),
    ] {
        let message = bench.refusal(Request::OpenFile {
            name: name.to_owned(),
            bytes: b"GIF89a".to_vec(),
        });
        assert!(message.contains(words), "{message}");
    }
    assert_eq!(
        bench.position(Request::Pause).weights_digest,
        before.weights_digest
    );
}

#[test]
fn drawings_are_classified_and_learned() {
    let mut bench = Bench::ready("");
    let events = bench.ask(Request::Classify(vec![0; 784]));
    let [Event::Prediction { probabilities }] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(probabilities.len(), 10);
    assert!((probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    let position = bench.position(Request::Pause);
    assert!(
        position
            .sample
            .is_some_and(|sample| sample.pixels.len() == 784)
    );

    let add = |label| Request::AddSample {
        pixels: vec![9; 784],
        label,
    };
    let n_learn = match bench.ask(add(3))[..] {
        [Event::SampleAdded { n_learn }] => n_learn,
        ref other => panic!("{other:?}"),
    };
    assert!(bench.refusal(add(10)).contains("class"));
    assert!(bench.refusal(Request::Classify(vec![0; 3])).contains("28"));
    // Another setup keeps what was drawn.
    bench.configure("v=1&seed=2");
    match bench.ask(add(4))[..] {
        [Event::SampleAdded { n_learn: more }] => assert_eq!(more, n_learn + 1),
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_asked_too_early_is_refused() {
    let mut bench = Bench::empty();
    for request in [
        Request::Play(Speed::Unlimited),
        Request::Step,
        Request::Reset,
        Request::Classify(vec![0; 784]),
        Request::Configure {
            setup: String::new(),
        },
        Request::LoadNetwork {
            scenario: KEYBOARD.id.to_owned(),
            file: vec![1, 2, 3],
        },
        Request::LoadSamples {
            scenario: KEYBOARD.id.to_owned(),
            file: vec![1, 2, 3],
        },
        Request::Export {
            kind: ExportKind::Program,
            with_weights: true,
        },
    ] {
        assert!(bench.refusal(request).ends_with('.'));
    }
    assert_eq!(bench.trainer.slice(), Next::Idle);
}
