//! A drift is the same training as everywhere, on other samples from the change on.

mod common;

use common::{network, shipped};
use quartermeg_core::compile::compile;
use quartermeg_core::policy::Policy;
use quartermeg_core::runtime::NoTrace;
use quartermeg_core::runtime::kernels::Native;
use quartermeg_core::session::{Evaluator, Samples, Session};
use quartermeg_formats::motion::Description;
use quartermeg_formats::sample_file;
use quartermeg_formats::scenario::WATCH;
use quartermeg_formats::setup::Setup;
use quartermeg_search::drift::{
    AFTER, BEFORE, Change, Course, Drift, Learner, LineUp, Measure, Worlds,
};
use quartermeg_search::{Cost, Limits, Planned, Planner, Space, baselines};

const STEPS: [u32; 2] = [3, 6];
const SEED: u64 = 5;

/// A few samples of Watch before and after a change.
fn worlds(change: Change) -> Worlds {
    let file = shipped(WATCH.samples_path);
    let parts = sample_file::read_parts(&file).expect("samples");
    let description = Description::read(&file).expect("a description");
    let few = |samples: &Samples, n: usize| {
        let each = (0..n).map(|at| samples.get(at * samples.len() / n));
        let (codes, labels): (Vec<&[i8]>, Vec<u32>) = each.unzip();
        Samples::new(samples.shape(), codes.concat(), labels).expect("they fit together")
    };
    let (learn, held_out) = (few(&parts.learn, 7), few(&parts.test, 7));
    let input = network(&WATCH).input();
    let worlds = change.worlds([&learn, &held_out], input, &description.channels);
    worlds.expect("it can be changed")
}

fn drift(change: Change) -> Drift {
    let worlds = worlds(change);
    Drift::new(network(&WATCH), WATCH.default_setup(), worlds, STEPS).expect("it fits")
}

fn finished(mut course: Course) -> Course {
    while !course.advance(&mut NoTrace) {}
    course
}

fn sparse() -> Policy {
    WATCH.default_setup().policy
}

/// Counts and digest of a session that keeps nothing, is given each sample by hand, and has every
/// pass of the compiler.
fn plainly(worlds: &Worlds, policy: &Policy, measures: &[Measure]) -> (Vec<u32>, [u8; 32]) {
    let setup = Setup {
        seed: SEED,
        stop_after: STEPS[0] + STEPS[1],
        ..WATCH.default_setup()
    };
    let settings = setup.settings();
    let image = compile(&network(&WATCH), policy, setup.rules, settings).expect("it compiles");
    let mut session: Session<Native> =
        Session::new(image.clone(), worlds.learn[BEFORE].clone()).expect("it fits");
    let mut counts = Vec::new();
    for measure in measures {
        while session.step_count() < measure.step {
            if session.step_count() == STEPS[0] {
                // Another session goes on with the same weights, and with the other samples.
                let state = session.state();
                session =
                    Session::new(image.clone(), worlds.learn[AFTER].clone()).expect("it fits");
                session.resume(&state, STEPS[0]).expect("its own state");
            }
            session.step(&mut NoTrace);
        }
        let mut evaluator: Evaluator<Native> = Evaluator::new(image.clone()).expect("it fits");
        evaluator.begin(&session.state()).expect("its own state");
        let held_out = &worlds.held_out[measure.world];
        let correct = (0..held_out.len()).filter(|&sample| {
            let (codes, label) = held_out.get(sample);
            evaluator.classify(codes).expect("it fits") == label as usize
        });
        counts.push(u32::try_from(correct.count()).expect("few"));
    }
    (counts, session.weights_digest())
}

#[test]
fn weights_go_on_over_the_change() {
    for change in [Change::OtherArm, Change::NewClass { class: 2 }] {
        let drift = drift(change);
        for policy in [Policy::classifier_only(&network(&WATCH)), sparse()] {
            let course = finished(drift.begin(Some(&policy), SEED).expect("it fits"));
            let expected = plainly(&worlds(change), &policy, drift.measures());
            assert_eq!((course.known().to_vec(), course.weights_digest()), expected);
        }
    }
}

#[test]
fn samples_of_the_new_world_make_other_weights() {
    let digests: Vec<[u8; 32]> = [
        Change::TurnedSensor { degrees: 0 },
        Change::TurnedSensor { degrees: 90 },
    ]
    .map(|change| finished(drift(change).begin(Some(&sparse()), SEED).expect("it fits")))
    .map(|course| course.weights_digest())
    .into();
    assert_ne!(digests[0], digests[1]);
}

#[test]
fn a_change_of_strength_zero_changes_nothing() {
    let drift = drift(Change::TurnedSensor { degrees: 0 });
    let course = finished(drift.begin(Some(&sparse()), SEED).expect("it fits"));
    let of_world = |world| {
        let all = drift.measures().iter().zip(course.known());
        all.filter(|(it, _)| it.step >= STEPS[0] && it.world == world)
            .map(|(_, &count)| count)
            .collect::<Vec<u32>>()
    };
    assert_eq!(of_world(BEFORE), of_world(AFTER));
}

#[test]
fn who_learns_nothing_stays_what_it_was() {
    let drift = drift(Change::OtherArm);
    let least = drift.begin(Some(&Policy::classifier_only(&network(&WATCH))), SEED);
    let untouched = least.expect("it fits").weights_digest();
    let course = finished(drift.begin(None, SEED).expect("it fits"));
    assert_eq!(course.weights_digest(), untouched);
    // Its counts are those of the unchanged network, whenever it is asked.
    let at = |step| [BEFORE, AFTER].map(|world| Measure { step, world });
    let worlds = worlds(Change::OtherArm);
    let policy = Policy::classifier_only(&network(&WATCH));
    let (counts, _) = plainly(&worlds, &policy, &at(0));
    assert_eq!(course.known(), counts);
    let again = finished(drift.begin(None, SEED + 1).expect("it fits"));
    assert_eq!(again.known(), counts);
}

#[test]
fn courses_that_take_turns_do_not_disturb_each_other() {
    let drift = drift(Change::OtherArm);
    let alone: Vec<Vec<u32>> = [SEED, SEED + 1]
        .map(|seed| finished(drift.begin(Some(&sparse()), seed).expect("it fits")))
        .map(|course| course.known().to_vec())
        .into();
    let mut both = [SEED, SEED + 1].map(|seed| drift.begin(Some(&sparse()), seed).expect("fits"));
    let mut turn = 0;
    loop {
        // Now one, now seven of the other.
        let course = &mut both[turn % 2];
        for _ in 0..=6 * (turn % 2) {
            course.advance(&mut NoTrace);
        }
        turn += 1;
        if both
            .iter()
            .all(|it| it.known().len() == drift.measures().len())
        {
            break;
        }
    }
    assert_eq!(both.map(|it| it.known().to_vec()).to_vec(), alone);
}

#[test]
fn the_work_is_what_is_done() {
    let drift = drift(Change::OtherArm);
    let mut course = drift.begin(Some(&sparse()), SEED).expect("it fits");
    let work = course.work();
    let mut units = 1;
    while !course.advance(&mut NoTrace) {
        let done = course.done();
        assert_eq!(done.n_steps + done.n_measured, units);
        units += 1;
    }
    assert_eq!(course.done(), work);
    assert_eq!(work.n_steps, u64::from(STEPS[0] + STEPS[1]));
    assert_eq!(work.n_steps + work.n_measured, units);
}

#[test]
fn learners_are_planned_by_the_planner_and_biases_fill_the_block() {
    let network = network(&WATCH);
    let rules = WATCH.default_setup().rules;
    let mut line_up = LineUp::new(&network, &sparse());
    let [_, n_policies] = line_up.planned();
    for _ in 0..n_policies {
        assert_eq!(line_up.learners(u32::MAX), None);
        line_up.plan_next(&network, rules).expect("it compiles");
    }
    let bytes = |policy: &Policy| {
        let cost = Cost::of(&network, policy, rules).expect("it compiles");
        cost.sram_total_bytes - quartermeg_core::runtime::STATE_BYTES
    };
    let budget = bytes(&sparse());
    let learners = line_up.learners(budget).expect("all are planned");
    assert_eq!(learners.len(), Learner::ALL.len());
    assert_eq!(learners[0].policy, None);
    for learner in &learners[1..] {
        let needs = bytes(learner.policy.as_ref().expect("it learns"));
        assert_eq!(
            (learner.arena_bytes, learner.fits),
            (needs, needs <= budget)
        );
    }
    assert!(learners[3].fits && !learners[4].fits);
    // The biases are those that the search holds its policies against.
    let space = Space::of(&network);
    let plan = |policies: &[Policy], bytes: u32| {
        let planned = policies
            .iter()
            .map(|policy| Planned::within(&network, policy, rules, bytes));
        planned.collect()
    };
    let mut planner = Planner::new(space.clone(), plan);
    let ends = baselines::biases(&space);
    let expected = baselines::longest(&ends, &mut planner, &Limits::of_block(budget));
    let expected = expected.expect("some fit");
    assert_eq!(learners[2].policy, Some(space.policy(&expected)));
    // Where nothing fits, all are there and say so.
    let nowhere = line_up.learners(1).expect("all are planned");
    assert!(nowhere[1..].iter().all(|it| !it.fits));
    assert_eq!(nowhere[2].n_layers, 1);
}
