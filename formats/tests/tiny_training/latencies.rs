//! The paper's latencies against the estimate for the networks that they were measured with.

use quartermeg_core::compile::compile;
use quartermeg_core::device::by_id;
use quartermeg_core::device::cost::{HELD_OUT_ERROR, MEASURED, Work, estimate};
use quartermeg_core::policy::parse_scheme;
use quartermeg_core::program::{Program, Settings};
use quartermeg_core::quant::Rules;
use quartermeg_formats::model::{ModelKind, for_training};
use quartermeg_formats::tiny_training::read;

use super::reference::file;

#[test]
fn steps_of_the_published_networks_are_estimated_within_the_stated_error() {
    let board = by_id("stm32f746").expect("a board");
    for (name, measured) in ["mbv2-w0.35", "proxyless-w0.3", "mcunet-5fps"]
        .into_iter()
        .zip(&MEASURED)
    {
        let Some(bytes) = file(name, "the estimated latency") else {
            return;
        };
        let network = read(name, &bytes).expect("a network");
        let network = for_training(&network, ModelKind::TinyTraining, None, Rules::DEVICE)
            .expect("a classifier");
        let policy = parse_scheme(&network, measured.scheme).expect("published");
        let image = compile(&network, &policy, Rules::DEVICE, Settings::constant(0.0, 0))
            .expect("compiles");
        let program = Program::parse(image).expect("a program");
        let found = estimate(&Work::of_step(&program), &board).expect("a Cortex-M7");
        let error = found.milliseconds / measured.milliseconds - 1.0;
        assert!(error.abs() <= HELD_OUT_ERROR, "{name}: {error}");
    }
}
