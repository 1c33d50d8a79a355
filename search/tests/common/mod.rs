//! What the tests of this package share: the networks that ship.

use std::fs;
use std::path::Path;

use quartermeg_core::network::Network;
use quartermeg_formats::network_file;
use quartermeg_formats::scenario::Scenario;

/// A file that ships.
pub(crate) fn shipped(path: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    fs::read(root.join(path)).expect("it ships")
}

/// The network of a scenario.
pub(crate) fn network(scenario: &Scenario) -> Network {
    network_file::read(&shipped(scenario.network_path)).expect("a network file")
}
