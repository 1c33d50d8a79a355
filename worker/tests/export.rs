//! What leaves the worker and comes back to it, on the host.
#![cfg(not(target_arch = "wasm32"))]

#[path = "common/bench.rs"]
mod bench;
#[path = "common/files.rs"]
mod files;

use bench::Bench;
use files::{load_network, load_samples};
use quartermeg_formats::scenario::KEYBOARD;
use quartermeg_web::protocol::{Event, ExportKind, ExportView, PlanView, Position, Request};
use quartermeg_worker::time::Next;

const KINDS: [ExportKind; 9] = [
    ExportKind::Configuration,
    ExportKind::Program,
    ExportKind::C,
    ExportKind::Rust,
    ExportKind::Options,
    ExportKind::Weights,
    ExportKind::Delta,
    ExportKind::Report,
    ExportKind::Map,
];

impl Bench {
    /// Network, samples and plan of Keyboard are there.
    fn ready(setup: &str) -> (Self, PlanView) {
        let mut bench = Self::empty();
        assert_eq!(bench.ask(load_network(&KEYBOARD)), []);
        bench.ask(load_samples(&KEYBOARD));
        let setup = setup.to_owned();
        let plan = match &bench.ask(Request::Configure { setup })[..] {
            [Event::Planned(plan), Event::Position(_)] => (**plan).clone(),
            other => panic!("{other:?}"),
        };
        (bench, plan)
    }

    /// The digest of the program, which is told beside everything else.
    fn program(&mut self) -> String {
        while self.trainer.slice() == Next::Soon {
            let mut events = self.trainer.take_events().into_iter();
            let found = events.find_map(|it| match it.event {
                Event::ProgramChanged { sha256 } => Some(sha256),
                _ => None,
            });
            if let Some(sha256) = found {
                return sha256;
            }
        }
        panic!("it is never told");
    }

    fn step(&mut self) -> Position {
        match &self.ask(Request::Step)[..] {
            [Event::Position(position)] => (**position).clone(),
            other => panic!("{other:?}"),
        }
    }

    fn export(&mut self, kind: ExportKind) -> Vec<(String, Vec<u8>)> {
        let with_weights = false;
        let events = self.ask(Request::Export { kind, with_weights });
        let file = |event| match event {
            Event::Exported { name, bytes } => (name, bytes),
            other => panic!("{other:?}"),
        };
        events.into_iter().map(file).collect()
    }

    fn check(&mut self, with_weights: bool) -> ExportView {
        match &self.ask(Request::CheckExport { with_weights })[..] {
            [Event::ExportChecked(view)] => (**view).clone(),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn every_kind_is_written_under_its_names_and_belongs_to_the_plan() {
    let (mut bench, plan) = Bench::ready("");
    bench.step();
    for kind in KINDS {
        let files = bench.export(kind);
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, kind.names());
        for (name, bytes) in &files {
            let found = quartermeg_formats::export::identify::identify(bytes).expect("an export");
            assert_eq!(found.stamp.identity, plan.identity, "{name}");
            assert_eq!(std::str::from_utf8(bytes).is_ok(), kind.is_text(), "{name}");
        }
    }
}

#[test]
fn weights_of_both_kinds_are_gone_on_from() {
    let (mut bench, _) = Bench::ready("v=1&stop=8");
    for _ in 0..4 {
        bench.step();
    }
    let files: Vec<_> = [ExportKind::Weights, ExportKind::Delta]
        .map(|kind| bench.export(kind).remove(0))
        .into();
    let (end, _) = bench.train();
    for (name, bytes) in files {
        let (mut other, _) = Bench::ready("v=1&stop=8");
        other.step();
        other.ask(Request::NextOperation);
        let open = Request::OpenFile {
            name: name.clone(),
            bytes: bytes.clone(),
        };
        let events = other.ask(open.clone());
        let [Event::Resumed { steps: 4 }, Event::Position(position)] = &events[..] else {
            panic!("{name}: {events:?}");
        };
        assert_eq!((position.step, position.op), (4, 0), "{name}");
        let (now, _) = other.train();
        assert_eq!(
            (now.step, &now.weights_digest),
            (8, &end.weights_digest),
            "{name}"
        );

        // The plan of another policy is not theirs, and stays as it is.
        let (mut foreign, plan) = Bench::ready("v=1&numerics=simulator");
        let before = foreign.step().weights_digest;
        let sentence = foreign.refusal(open);
        assert!(
            sentence.starts_with(&format!("\"{name}\" was not opened: ")),
            "{sentence}"
        );
        let short: String = plan.identity.chars().take(8).collect();
        assert!(sentence.contains(&short), "{sentence}");
        let again = foreign.export(ExportKind::Weights).remove(0).1;
        let weights = Request::OpenFile {
            name: "own".to_owned(),
            bytes: again,
        };
        let events = foreign.ask(weights);
        assert!(
            matches!(&events[..], [Event::Resumed { steps: 1 }, Event::Position(position)]
                if position.weights_digest == before),
            "{events:?}"
        );
    }
}

#[test]
fn damaged_weights_change_nothing() {
    let (mut bench, _) = Bench::ready("");
    let digest = bench.step().weights_digest;
    let (_, mut bytes) = bench.export(ExportKind::Weights).remove(0);
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let name = "weights.safetensors".to_owned();
    let sentence = bench.refusal(Request::OpenFile { name, bytes });
    assert!(sentence.contains("changed"), "{sentence}");
    let events = bench.ask(Request::Pause);
    assert!(
        matches!(&events[..], [Event::Position(position)] if position.weights_digest == digest),
        "{events:?}"
    );
}

#[test]
fn the_board_is_held_against_what_goes_on_it() {
    let (mut bench, plan) = Bench::ready("");
    bench.step();
    let view = bench.check(false);
    assert!(
        view.fits && view.fit.starts_with("Fits 256 KiB"),
        "{view:?}"
    );
    assert!(view.support.contains("emulated Cortex-M7") && view.step.contains("ms"));
    assert_eq!(view.no_options, None);
    // Trained weights take their part of the flash.
    assert_ne!(bench.check(true).fit, view.fit);
    // The block alone fits, but not with the stack.
    bench.ask(Request::SetDevice {
        device: format!("custom:{}:1048576", plan.arena_bytes),
        budget_bytes: plan.arena_bytes,
    });
    let view = bench.check(false);
    assert!(!view.fits, "{view:?}");
    assert!(view.fit.contains("12.2 KiB (12,528 B) of SRAM are missing"));
    assert!(view.step.is_empty());
}

#[test]
fn the_program_has_the_digest_that_the_firmware_test_writes() {
    use sha2::{Digest as _, Sha256};

    let (mut bench, _) = Bench::ready("");
    let (_, file) = bench.export(ExportKind::Program).remove(0);
    let digest = quartermeg_formats::config::hex(&Sha256::digest(&file));
    assert_eq!(bench.program(), digest);
    // Which board its configuration names is of no account.
    assert_eq!(Bench::ready("v=1&device=stm32h743").0.program(), digest);
    assert_ne!(Bench::ready("v=1&lr=0.5").0.program(), digest);
}
