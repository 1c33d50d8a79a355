//! The files that ship, against figures that the pretraining scripts computed on their own.

mod fit;
mod forward;
mod keyboard;
mod memory_passes;
mod person;
mod watch;

use std::fs;
use std::path::Path;

use quartermeg_core::compile::compile;
use quartermeg_core::network::Network;
use quartermeg_core::policy::Policy;
use quartermeg_core::program::{Program, Settings};
use quartermeg_core::quant::Rules;
use quartermeg_formats::config::hex;
use quartermeg_formats::memory::{self, MemoryReport};
use quartermeg_formats::scenario::{ALL, Scenario};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

const SETTINGS: Settings = Settings::constant(0.01, 1);

fn read(path: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    fs::read(root.join(path)).expect("a file of the repository")
}

fn golden(path: &str) -> Value {
    serde_json::from_slice(&read(path)).expect("JSON")
}

fn network(scenario: &Scenario) -> Network {
    quartermeg_formats::network_file::read(&read(scenario.network_path))
        .expect("the network that ships")
}

fn sha256(codes: &[i8]) -> String {
    let bytes: Vec<u8> = codes.iter().map(|code| code.cast_unsigned()).collect();
    hex(&Sha256::digest(bytes))
}

fn report(network: &Network, policy: &Policy) -> MemoryReport {
    let image = compile(network, policy, Rules::DEVICE, SETTINGS).expect("compiles");
    memory::report(network, policy, &Program::parse(image).expect("valid"))
}

#[test]
fn what_ships_is_what_its_provenance_describes() {
    let provenance = golden("static/models/PROVENANCE.json");
    let files = provenance["files"].as_object().expect("files");
    for path in ALL
        .iter()
        .flat_map(|scenario| [scenario.network_path, scenario.samples_path])
        .filter(|path| !path.is_empty())
    {
        let bytes = read(path);
        let entry = &files[path.strip_prefix("static/").expect("a shipped file")];
        assert_eq!(entry["bytes"], bytes.len());
        assert_eq!(entry["sha256"], hex(&Sha256::digest(&bytes)), "{path}");
    }
}
