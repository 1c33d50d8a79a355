//! Weights as files come back whole under every rule of update; damage is refused, never a panic.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::compile::compile;
use quartermeg_core::program::Program;
use quartermeg_core::runtime::NoTrace;
use quartermeg_core::session::Session;
use quartermeg_formats::config::{Trained, hex};
use quartermeg_formats::export::identify::identify;
use quartermeg_formats::export::{WeightsError, c, rust, svg, weights};
use quartermeg_formats::link::parse_policy;
use quartermeg_formats::scenario::KEYBOARD;
use quartermeg_formats::setup::Setup;
use quartermeg_formats::{explain, network_file, numerics, program_file, sample_file};

fn read(path: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path))
        .expect("a file of the repository")
}

/// The Keyboard network after two steps under some rules, frozen layers between those that learn.
fn example(rules: &str) -> (Setup, Program<AlignedBytes>, Trained, Vec<u8>) {
    let network = network_file::read(&read(KEYBOARD.network_path)).expect("a network");
    let mut setup = KEYBOARD.default_setup();
    setup.rules = numerics::parse(rules).expect("rules");
    setup.policy = parse_policy("------------------------12b(0.3)-8").expect("a policy");
    let image = compile(&network, &setup.policy, setup.rules, setup.settings()).expect("compiles");
    let learn = sample_file::read_digits(&read(KEYBOARD.samples_path))
        .expect("digits")
        .learn;
    let mut session: Session = Session::new(image.clone(), learn).expect("a session");
    session.step(&mut NoTrace);
    session.step(&mut NoTrace);
    let trained = Trained {
        steps: 2,
        state: session.state(),
        weights_digest: hex(&session.weights_digest()),
    };
    let program = Program::parse(image).expect("a program");
    let file = program_file::write(&setup, &network, &program, Some(&trained));
    (setup, program, trained, file.as_ref().to_vec())
}

const RULES: [&str; 4] = [
    "device",
    "device,update:int16,optimizer:momentum",
    "simulator,optimizer:momentum",
    "tinyengine",
];

#[test]
fn weights_come_back_whole_and_as_what_changed() {
    for rules in RULES {
        let (setup, program, trained, _) = example(rules);
        let settings = setup.settings();
        let whole = weights::whole::write(&program, &settings, &trained);
        let delta = weights::delta::write(&program, &settings, &trained);
        for file in [&whole, &delta] {
            assert_eq!(
                weights::read(&program, &settings, file),
                Ok(trained.clone()),
                "{rules}"
            );
        }
        assert_eq!(whole, weights::whole::write(&program, &settings, &trained));
        assert!(delta.len() < whole.len(), "{rules}");
        // Nothing changed, nothing written.
        let start = weights::start(&program);
        let none = weights::delta::write(&program, &settings, &start);
        assert!(none.len() < 1024, "{rules}: {}", none.len());
        assert_eq!(weights::read(&program, &settings, &none), Ok(start));
    }
}

/// Where a program brings trained weights, a delta still counts from the network's own.
#[test]
fn a_delta_counts_from_the_network_not_from_what_came_with_the_program() {
    let (setup, program, trained, file) = example("device");
    let with_weights = Program::parse(AlignedBytes::copy_of(&file)).expect("a program");
    let settings = setup.settings();
    assert_eq!(
        weights::delta::write(&program, &settings, &trained),
        weights::delta::write(&with_weights, &settings, &trained)
    );
}

#[test]
fn weights_that_were_changed_are_refused() {
    let (setup, program, trained, _) = example("device");
    let settings = setup.settings();
    let whole = weights::whole::write(&program, &settings, &trained);
    let tensors = safetensors::SafeTensors::deserialize(&whole).expect("a container");
    let data = whole.len()
        - tensors
            .iter()
            .map(|(_, view)| view.data().len())
            .sum::<usize>();
    let position = |name: &str| {
        let inside = tensors.tensor(name).expect("a tensor").data();
        let start = inside.as_ptr().addr() - whole.as_ptr().addr();
        assert!(start >= data);
        start
    };
    let changed = |name: &str| {
        let mut file = whole.clone();
        file[position(name)] ^= 1;
        weights::read(&program, &settings, &file)
    };
    assert_eq!(
        changed("0.stem.weight"),
        Err(WeightsError::Frozen {
            name: "0.stem.weight".to_owned()
        })
    );
    assert_eq!(changed("classifier.weight"), Err(WeightsError::Digest));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// The headers are where a reader can be led astray, so most damage goes there.
    #[test]
    fn damaged_weights_are_refused_or_the_same(
        is_delta in any::<bool>(),
        changes in proptest::collection::vec((0usize..4000, any::<u8>()), 1..6),
        cut in proptest::option::of(0usize..4000),
    ) {
        thread_local! {
            static EXAMPLE: (Setup, Program<AlignedBytes>, Trained, Vec<u8>) = example("device");
        }
        EXAMPLE.with(|(setup, program, trained, _)| {
            let settings = setup.settings();
            let mut file = if is_delta {
                weights::delta::write(program, &settings, trained)
            } else {
                weights::whole::write(program, &settings, trained)
            };
            for (at, byte) in changes {
                let at = at % file.len();
                file[at] = byte;
            }
            if let Some(cut) = cut {
                file.truncate(cut);
            }
            let _ = identify(&file);
            match weights::read(program, &settings, &file) {
                Ok(found) => assert_eq!(found.state, trained.state),
                Err(error) => assert!(explain::weights(&error).ends_with('.')),
            }
        });
    }

    #[test]
    fn damaged_sources_are_refused_or_the_same(
        is_rust in any::<bool>(),
        changes in proptest::collection::vec((any::<usize>(), any::<char>()), 1..4),
    ) {
        thread_local! {
            static SOURCES: [String; 2] = {
                let (_, program, _, file) = example("device");
                [c::source(&program, &file), rust::module(&program, &file)]
            };
        }
        let mut text = SOURCES.with(|sources| sources[usize::from(is_rust)].clone());
        let whole = identify(text.as_bytes()).expect("whole");
        for (at, character) in changes {
            let at = at % text.len();
            text.replace_range(at..=at, &character.to_string());
            if !text.is_ascii() {
                break;
            }
        }
        if let Ok(found) = identify(text.as_bytes()) {
            prop_assert_eq!(found.program, whole.program);
        }
    }
}

#[test]
fn a_map_is_well_formed_for_every_rule() {
    for rules in RULES {
        let (_, program, ..) = example(rules);
        for budget in [None, Some(1), Some(u32::MAX)] {
            let text = svg::write(&program, "a<b>", budget);
            assert_eq!(
                text.matches("<rect").count(),
                text.matches("/>").count() - paths(&text)
            );
            assert!(!text.contains("=\"-"), "something lies outside");
            assert!(text.contains("a&lt;b&gt;") && !text.contains("a<b>"));
        }
    }
}

fn paths(text: &str) -> usize {
    text.matches("<path").count()
}
