//! Whole training steps a second: `cargo bench -p quartermeg-tests --bench mcunet_step`, with
//! the folder that has MCUNet in `QUARTERMEG_REFERENCE_DIR`.

#[path = "../tests/common/steps.rs"]
mod steps;

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
        match Steps::mcunet(rules) {
            Some(mut steps) => {
                println!(
                    "mcunet {text:22} {:8.1}",
                    steps.best_rate(N_WINDOWS, N_STEPS)
                );
            }
            None => println!("mcunet {text:22} NOT RUN: QUARTERMEG_REFERENCE_DIR is not set"),
        }
    }
    let rate = Steps::keyboard().best_rate(N_WINDOWS, 10 * N_STEPS);
    println!("keyboard {:20} {rate:8.1}", "device");
}
