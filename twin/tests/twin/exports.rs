//! The programs that the tests run: every shipped scenario with each of its presets, MCUNet with
//! published schemes, and Keyboard with other rules.

use std::path::{Path, PathBuf};
use std::{env, fs};

use quartermeg_core::compile::compile;
use quartermeg_core::network::Network;
use quartermeg_core::policy::{parse_channels, parse_scheme};
use quartermeg_core::program::Program;
use quartermeg_core::quant::{ChannelChoice, Rules};
use quartermeg_formats::config::{Trained, hex};
use quartermeg_formats::scenario::{ALL, KEYBOARD, OWN, presets};
use quartermeg_formats::setup::Setup;
use quartermeg_formats::{memory, model, numerics, own, program_file, verified};
use quartermeg_twin::Images;
use sha2::{Digest as _, Sha256};

/// Names the folder of the images that `cargo xtask test firmware` builds.
const IMAGES: &str = "QUARTERMEG_FIRMWARE_DIR";
/// Names the folder of reference data, which is not part of the repository.
const REFERENCE: &str = "QUARTERMEG_REFERENCE_DIR";
/// Schemes of MCUNet.
const MCUNET_SCHEMES: [&str; 2] = ["mcunet-49kb", "mcunet-99kb"];

/// An export and what it was made from.
pub(crate) struct Export {
    /// Scenario, or network.
    pub(crate) scenario: String,
    /// Preset, or scheme.
    pub(crate) preset: String,
    /// The file.
    pub(crate) file: Vec<u8>,
    /// Bytes that `quartermeg memory` states for all that is written.
    pub(crate) sram_total_bytes: u32,
}

impl Export {
    fn new(scenario: &str, preset: &str, network: &Network, setup: &Setup) -> Self {
        let image = compile(network, &setup.policy, setup.rules, setup.settings())
            .expect("it can be trained that way");
        let program = Program::parse(image).expect("the compiler writes programs");
        let report = memory::report(network, &setup.policy, &program);
        let file = program_file::write(setup, network, &program, None);
        assert_eq!(
            verified::program_sha256(setup, network, &program),
            hex(&Sha256::digest(file.as_ref())),
            "the page knows it by another digest"
        );
        Self {
            scenario: scenario.to_owned(),
            preset: preset.to_owned(),
            file: file.as_ref().to_vec(),
            sram_total_bytes: report.sram_total_bytes,
        }
    }

    /// As a person names it.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.scenario, self.preset)
    }
}

/// The folder of the images. `None`, and a line that says so, where they are not built.
pub(crate) fn images(what: &str) -> Option<(PathBuf, Images)> {
    let Some(folder) = env::var_os(IMAGES).map(PathBuf::from) else {
        eprintln!("NOT RUN: {what}: {IMAGES} is not set; `cargo xtask test firmware` sets it");
        return None;
    };
    let images = Images::in_folder(&folder);
    Some((folder, images))
}

/// The programs of the scenarios that ship.
pub(crate) fn shipped() -> Vec<Export> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut exports = Vec::new();
    for scenario in &ALL {
        let file = fs::read(root.join(scenario.network_path)).expect("it ships");
        let (network, _) = model::read(scenario.id, &file).expect("a network file");
        let setup = scenario.default_setup();
        let network = own::with_head(&network, setup.head).expect("it has features");
        for preset in presets(scenario, &network) {
            let setup = Setup {
                policy: preset.policy,
                ..setup.clone()
            };
            exports.push(Export::new(scenario.id, preset.id, &network, &setup));
        }
    }
    exports
}

/// The programs of MCUNet; none, and a line that says so, without the reference data.
pub(crate) fn mcunet() -> Vec<Export> {
    let Some(folder) = env::var_os(REFERENCE).map(PathBuf::from) else {
        eprintln!("NOT RUN: MCUNet on the board: {REFERENCE} is not set");
        return Vec::new();
    };
    let path = folder.join("models/mcunet-5fps.pkl");
    let file = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (network, kind) = model::read("mcunet", &file).expect("a network file");
    let network = model::for_training(&network, kind, None, Rules::DEVICE).expect("features");
    let export = |scheme: &&str| {
        let setup = Setup {
            policy: parse_scheme(&network, scheme).expect("the scheme is for this network"),
            ..OWN.default_setup()
        };
        Export::new("mcunet", scheme, &network, &setup)
    };
    MCUNET_SCHEMES.iter().map(export).collect()
}

/// The default policy of Keyboard with the rules of that name.
pub(crate) fn keyboard(rules: &str) -> Export {
    let (network, setup) = keyboard_setup(rules);
    Export::new(KEYBOARD.id, rules, &network, &setup)
}

/// The default policy of Keyboard with every input that can be computed again.
pub(crate) fn keyboard_computed_again() -> Export {
    let (network, mut setup) = keyboard_setup("device");
    setup.policy.recompute = setup.policy.recomputable(&network);
    Export::new(KEYBOARD.id, "computed again", &network, &setup)
}

/// The default policy of Keyboard with the first channels of every other layer that has a choice,
/// and the ones with the largest weights of the rest.
pub(crate) fn keyboard_own_channels() -> Export {
    let (network, mut setup) = keyboard_setup("device");
    let mut policy = setup.policy.clone();
    parse_channels(&mut policy, ChannelChoice::First, "all").expect("there are some");
    for (layer, _) in policy.channels.iter().step_by(2) {
        setup
            .policy
            .set_channels(*layer, Some(ChannelChoice::First));
    }
    assert!(setup.policy.channels.len() > 1);
    Export::new(KEYBOARD.id, "own channels", &network, &setup)
}

/// The file of the default policy of Keyboard with trained weights.
pub(crate) fn trained_keyboard(trained: &Trained) -> Vec<u8> {
    let (network, setup) = keyboard_setup("device");
    let image = compile(&network, &setup.policy, setup.rules, setup.settings())
        .expect("it can be trained that way");
    let program = Program::parse(image).expect("the compiler writes programs");
    program_file::write(&setup, &network, &program, Some(trained))
        .as_ref()
        .to_vec()
}

fn keyboard_setup(rules: &str) -> (Network, Setup) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let file = fs::read(root.join(KEYBOARD.network_path)).expect("it ships");
    let (network, _) = model::read(KEYBOARD.id, &file).expect("a network file");
    let setup = Setup {
        rules: numerics::parse(rules).expect("rules have that name"),
        ..KEYBOARD.default_setup()
    };
    (network, setup)
}
