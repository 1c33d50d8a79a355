//! How fast whole steps are at least, by processor time. Only a built-for-speed run on x86-64
//! says anything: `cargo test --release -p quartermeg-tests --test speed`.

mod common {
    pub(crate) mod steps;
}

use std::sync::Mutex;

use common::steps::Steps;
use quartermeg_core::compile::Passes;
use quartermeg_core::quant::Rules;
use quartermeg_core::runtime::kernels::{Kernels, Native, Reference};

/// The least that is asked of one network.
struct Floor {
    /// Steps a second.
    rate: f64,
    /// How many times as fast as the same step in plain loops. Both are timed in one run, so a
    /// slow machine does not excuse a slow step, nor a fast one hide it.
    gain: f64,
}

/// MCUNet under its 99 KB scheme, whole network, nothing cached.
const MCUNET: Floor = Floor {
    rate: 100.0,
    gain: 30.0,
};
/// Keyboard as a newcomer meets it.
const KEYBOARD: Floor = Floor {
    rate: 500.0,
    gain: 8.0,
};
/// Windows of which the best counts.
const N_WINDOWS: u32 = 10;
/// So often the windows are repeated where they are below a floor: a machine may have other work
/// for seconds, but a slow step is slow in all of them.
const N_ROUNDS: u32 = 6;
/// Held by whoever measures: two that run at once would measure each other.
static MEASURING: Mutex<()> = Mutex::new(());

#[test]
fn mcunet_learns_fast() {
    fn steps<K: Kernels>() -> Option<Steps<K>> {
        Steps::mcunet(Rules::DEVICE, Passes::ALL)
    }
    let (Some(tiled), Some(plain)) = (steps::<Native>(), steps::<Reference>()) else {
        eprintln!("NOT RUN: steps a second of MCUNet (QUARTERMEG_REFERENCE_DIR is not set)");
        return;
    };
    check("MCUNet", (tiled, 5), (plain, 1), &MCUNET);
}

#[test]
fn keyboard_learns_fast() {
    let (tiled, plain) = (Steps::keyboard(Passes::ALL), Steps::keyboard(Passes::ALL));
    check("Keyboard", (tiled, 20), (plain, 5), &KEYBOARD);
}

/// Times steps by the kernels of the machine and by plain loops, each with the steps of a window.
fn check(
    what: &str,
    (mut tiled, n_steps): (Steps<Native>, u32),
    (mut plain, n_plain_steps): (Steps<Reference>, u32),
    floor: &Floor,
) {
    if cfg!(debug_assertions) {
        eprintln!("NOT RUN: steps a second of {what} (not built with --release)");
        return;
    }
    let _alone = MEASURING.lock();
    let Floor {
        rate: least,
        gain: least_gain,
    } = *floor;
    let (mut rate, mut plain_rate) = (0.0_f64, 0.0_f64);
    for _ in 0..N_ROUNDS {
        // In turns, so that a machine's busy second does not fall on one of them alone.
        for _ in 0..N_WINDOWS {
            rate = rate.max(tiled.best_rate(1, n_steps));
            plain_rate = plain_rate.max(plain.best_rate(1, n_plain_steps));
        }
        if rate >= least && rate >= least_gain * plain_rate {
            break;
        }
    }
    let gain = rate / plain_rate;
    eprintln!("{what}: {rate:.0} steps a second, {gain:.1} times as many as in plain loops");
    if !cfg!(target_arch = "x86_64") {
        return;
    }
    assert!(
        rate >= least,
        "{what}: {rate:.0} steps a second, below {least}"
    );
    assert!(
        gain >= least_gain,
        "{what}: {gain:.1} times plain loops, below {least_gain}"
    );
}
