//! Whole training steps a second: `cargo bench -p quartermeg-tests --bench mcunet_step`, with
//! the folder that has MCUNet in `QUARTERMEG_REFERENCE_DIR`.

#[path = "../tests/common/steps.rs"]
mod steps;

use quartermeg_core::compile::{Passes, Together};
use quartermeg_core::quant::Rules;
use quartermeg_core::runtime::kernels::Native;
use quartermeg_formats::numerics;
use steps::Steps;

/// Windows of which the best counts, and steps in each.
const N_WINDOWS: u32 = 12;
const N_STEPS: u32 = 20;

#[expect(clippy::print_stdout, reason = "the table is the result")]
fn main() {
    // `cargo test` runs benches too, without this argument.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("steps a second, best of {N_WINDOWS} windows of {N_STEPS} steps");
    for text in [
        "device",
        "device,gradient:int8",
        "simulator",
        "tinyengine",
        "tflm",
    ] {
        let rules = numerics::parse(text).expect("rules that there are");
        mcunet(text, rules, Passes::ALL);
    }
    let keyboard = |name: &str, passes: Passes| {
        let rate = Steps::<Native>::keyboard(passes).best_rate(N_WINDOWS, 10 * N_STEPS);
        println!("keyboard {name:32} {rate:8.1}");
    };
    keyboard("device", Passes::ALL);
    // What it costs to let layers run together.
    for (name, passes) in [
        ("no pass", Passes::NONE),
        ("layer by layer", APART),
        ("frozen layers row by row", ROWS),
        ("blocks by hidden channels", CHANNELS),
    ] {
        mcunet(name, Rules::DEVICE, passes);
        keyboard(name, passes);
    }
}

const APART: Passes = Passes {
    streaming: Together::Never,
    hidden_channels: Together::Never,
    ..Passes::ALL
};
const ROWS: Passes = Passes {
    streaming: Together::Everywhere,
    ..APART
};
const CHANNELS: Passes = Passes {
    hidden_channels: Together::Everywhere,
    ..APART
};

#[expect(clippy::print_stdout, reason = "the table is the result")]
fn mcunet(name: &str, rules: Rules, passes: Passes) {
    match Steps::<Native>::mcunet(rules, passes) {
        Some(mut steps) => {
            let rate = steps.best_rate(N_WINDOWS, N_STEPS);
            println!("mcunet   {name:32} {rate:8.1}");
        }
        None => println!("mcunet   {name:32} NOT RUN: QUARTERMEG_REFERENCE_DIR is not set"),
    }
}
