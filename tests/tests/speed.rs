//! How fast whole steps are at least, by processor time. Only a built-for-speed run on x86-64
//! says anything: `cargo test --release -p quartermeg-tests --test speed`.

mod common {
    pub(crate) mod steps;
}

use common::steps::Steps;
use quartermeg_core::compile::Passes;
use quartermeg_core::quant::Rules;

/// Steps a second of MCUNet under its 99 KB scheme, whole network, nothing cached.
const LEAST_MCUNET: f64 = 100.0;
/// Steps a second of Keyboard as a newcomer meets it.
const LEAST_KEYBOARD: f64 = 500.0;
/// Windows of which the best counts.
const N_WINDOWS: u32 = 10;

fn check(what: &str, steps: impl FnOnce() -> Option<Steps>, n_steps: u32, least: f64) {
    let skip = |reason| eprintln!("NOT RUN: steps a second of {what} ({reason})");
    if cfg!(debug_assertions) {
        return skip("not built with --release");
    }
    let Some(mut steps) = steps() else {
        return skip("QUARTERMEG_REFERENCE_DIR is not set");
    };
    let rate = steps.best_rate(N_WINDOWS, n_steps);
    eprintln!("{what}: {rate:.0} steps a second");
    let is_asserted = cfg!(target_arch = "x86_64");
    assert!(
        !is_asserted || rate >= least,
        "{what}: {rate:.0} steps a second, below {least}"
    );
}

#[test]
fn mcunet_learns_fast() {
    check(
        "MCUNet",
        || Steps::mcunet(Rules::DEVICE, Passes::ALL),
        5,
        LEAST_MCUNET,
    );
}

#[test]
fn keyboard_learns_fast() {
    check(
        "Keyboard",
        || Some(Steps::keyboard(Passes::ALL)),
        20,
        LEAST_KEYBOARD,
    );
}
