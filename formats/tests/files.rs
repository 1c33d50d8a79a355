//! What is written is read back; what is damaged is refused with a sentence.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::compile::compile;
use quartermeg_core::network::Network;
use quartermeg_core::policy::LayerUpdate;
use quartermeg_core::program::Program;
use quartermeg_core::quant::{ChannelChoice, Rules};
use quartermeg_core::runtime::NoTrace;
use quartermeg_core::session::Session;
use quartermeg_formats::config::{self, Trained, hex};
use quartermeg_formats::export::{YamlError, yaml};
use quartermeg_formats::program_file::{self, ProgramFileError};
use quartermeg_formats::scenario::KEYBOARD;
use quartermeg_formats::setup::Setup;
use quartermeg_formats::{explain, link, network_file, sample_file};

fn read(path: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path))
        .expect("a file of the repository")
}

struct Example {
    setup: Setup,
    network: Network,
    image: AlignedBytes,
    trained: Trained,
}

fn example() -> Example {
    let network = network_file::read(&read(KEYBOARD.network_path)).expect("a network");
    let mut setup = KEYBOARD.default_setup();
    setup.seed = 9;
    setup.policy.layers[20] = LayerUpdate::Weights { ratio: 0.3 };
    setup.policy.set_channels(20, Some(ChannelChoice::First));
    setup.policy.set_channels(29, Some(ChannelChoice::Largest));
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
    Example {
        setup,
        network,
        image,
        trained,
    }
}

#[test]
fn a_configuration_comes_back_with_and_without_weights() {
    let Example {
        setup,
        network,
        image,
        trained,
    } = example();
    let program = Program::parse(image).expect("valid");
    for with_parameters in [false, true] {
        let described =
            config::describe(&setup, &network, &program, Some(&trained), with_parameters);
        let opened = config::read(config::to_json(&described).as_bytes()).expect("reads");
        assert_eq!(opened.setup, setup);
        assert_eq!(opened.trained, with_parameters.then(|| trained.clone()));
        assert_eq!(opened.identity, hex(&program.identity()));
    }
}

#[test]
fn a_program_comes_back_with_and_without_weights_and_resumes() {
    let Example {
        setup,
        network,
        image,
        trained,
    } = example();
    let program = Program::parse(image).expect("valid");
    let file = program_file::write(&setup, &network, &program, Some(&trained));
    let opened = program_file::read(file.as_ref()).expect("reads");
    assert_eq!(opened.setup, setup);
    assert_eq!(opened.trained.as_ref(), Some(&trained));
    assert_eq!(opened.identity, hex(&program.identity()));
    let learn = sample_file::read_digits(&read(KEYBOARD.samples_path))
        .expect("digits")
        .learn;
    let session: Session = Session::new(file, learn).expect("starts from the weights inside");
    assert_eq!(hex(&session.weights_digest()), trained.weights_digest);
    let bare = program_file::write(&setup, &network, &program, None);
    assert_eq!(
        program_file::read(bare.as_ref()).expect("reads").trained,
        None
    );
}

#[test]
fn damaged_truncated_foreign_and_newer_programs_are_refused_in_a_sentence() {
    let Example {
        setup,
        network,
        image,
        ..
    } = example();
    let program = Program::parse(image).expect("valid");
    let good = program_file::write(&setup, &network, &program, None);
    let good = good.as_ref();
    let mut damaged = good.to_vec();
    damaged[5000] ^= 1;
    let mut newer = good.to_vec();
    newer[8] += 1;
    for (file, words) in [
        (damaged.as_slice(), "checksum"),
        (&good[..good.len() - 1], "cut off"),
        (
            b"GIF89a, not a program".as_slice(),
            "not a Quartermeg program",
        ),
        (newer.as_slice(), "newer"),
        (&[], "not a Quartermeg program"),
    ] {
        let error = program_file::read(file).expect_err("refused");
        let sentence = explain::program_file(&error);
        assert!(sentence.contains(words), "{sentence}");
    }
    assert!(matches!(
        program_file::read(&good[..10]),
        Err(ProgramFileError::Program(_))
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// No reader panics or accepts, whatever it is given.
    #[test]
    fn readers_refuse_noise(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(network_file::read(&bytes).is_err());
        prop_assert!(sample_file::read(&bytes).is_err());
        prop_assert!(sample_file::read_digits(&bytes).is_err());
        prop_assert!(sample_file::read_parts(&bytes).is_err());
        prop_assert!(config::read(&bytes).is_err());
        prop_assert!(program_file::read(&bytes).is_err());
    }

    /// Changed bytes of a real network never panic; the container has no checksum, so some
    /// changes are other valid networks.
    #[test]
    fn a_changed_network_never_panics(
        changes in proptest::collection::vec((0usize..12_000, any::<u8>()), 1..6),
    ) {
        let mut file = read(KEYBOARD.network_path);
        for (at, byte) in changes {
            file[at] = byte;
        }
        let _ = network_file::read(&file).map_err(|error| explain::network(&error));
    }
}

#[test]
fn the_options_of_tiny_training_choose_the_channels_with_the_largest_weights() {
    let Example { network, setup, .. } = example();
    let write = |last_layers: &str, channels| {
        let text = format!("{}{last_layers}", "-".repeat(27));
        let policy = link::parse_policy(&text).expect("a policy");
        let rules = Rules {
            channels,
            ..setup.rules
        };
        let image = compile(&network, &policy, rules, setup.settings()).expect("compiles");
        let program = Program::parse(image).expect("a program");
        yaml::write(&program, &policy, setup.qas)
    };
    let (first, largest) = (ChannelChoice::First, ChannelChoice::Largest);
    for (last_layers, rule, refused) in [
        ("b2b", largest, None),
        ("b2l1", largest, None),
        ("b2l1f", first, None),
        ("b2f4f", largest, Some(28)),
        ("b2l4", first, Some(29)),
    ] {
        let refused = refused.map(|layer| YamlError::FirstChannels { layer });
        assert_eq!(write(last_layers, rule).err(), refused, "{last_layers}");
    }
}
