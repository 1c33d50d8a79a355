//! The files that ship, as requests.

use std::fs;
use std::path::PathBuf;

use quartermeg_formats::scenario::Scenario;
use quartermeg_web::protocol::Request;

pub(crate) fn file(path: &str) -> Vec<u8> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    fs::read(root.join(path)).expect("the file ships")
}

pub(crate) fn load_network(scenario: &Scenario) -> Request {
    Request::LoadNetwork {
        scenario: scenario.id.to_owned(),
        file: file(scenario.network_path),
    }
}

pub(crate) fn load_samples(scenario: &Scenario) -> Request {
    Request::LoadSamples {
        scenario: scenario.id.to_owned(),
        file: file(scenario.samples_path),
    }
}
