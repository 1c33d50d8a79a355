//! The forward pass, code by code.

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::compile::{Passes, Together, compile_with};
use quartermeg_core::network::Network;
use quartermeg_core::policy::Policy;
use quartermeg_core::program::{Op, Program, Settings};
use quartermeg_core::quant::Rules;
use quartermeg_core::runtime::kernels::Kernels;
use quartermeg_core::runtime::{NoTrace, Runtime};
use quartermeg_core::session::Samples;
use quartermeg_formats::config::hex;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{SETTINGS, sha256};

/// Every code of every layer and every bit of the logits, for each sample that `golden` records.
pub(crate) fn check<K: Kernels>(network: &Network, learn: &Samples, golden: &Value) {
    // Layer by layer, so that every code exists at some time.
    let layer_by_layer = Passes {
        streaming: Together::Never,
        ..Passes::ALL
    };
    let image = compile_with(
        network,
        &Policy::classifier_only(network),
        Rules::DEVICE,
        SETTINGS,
        layer_by_layer,
    )
    .expect("compiles");
    let program = Program::parse(image).expect("valid");
    let arena = AlignedBytes::zeroed(program.meta().arena_bytes as usize);
    let mut runtime: Runtime<_, _, K> = Runtime::new(program, arena).expect("fits");
    let params = Settings::constant(0.0, 0).step_params(0);
    for (sample, expected) in golden["samples"]
        .as_array()
        .expect("samples")
        .iter()
        .enumerate()
    {
        let (codes, label) = learn.get(sample);
        assert_eq!(expected["label"], label);
        assert_eq!(expected["input_sha256"], sha256(codes));
        runtime.load_sample(codes, label).expect("fits");
        let mut nodes = expected["nodes"].as_array().expect("nodes").iter();
        for op_idx in 0..runtime.program().meta().loss_op {
            runtime.run_op(op_idx, &params, &mut NoTrace);
            let (Op::Conv { y, .. } | Op::Add { y, .. } | Op::AveragePool { y, .. }) =
                runtime.program().op(op_idx)
            else {
                continue;
            };
            let node = nodes.next().expect("a node for each operation");
            let digest = hex(&Sha256::digest(runtime.tensor_bytes(y)));
            assert_eq!(
                node["sha256"], digest,
                "{} of sample {sample}",
                node["name"]
            );
        }
        assert!(nodes.next().is_none(), "every node was compared");
        let logits: Vec<String> = runtime
            .logits()
            .iter()
            .map(|logit| format!("{:08x}", logit.to_bits()))
            .collect();
        assert_eq!(
            expected["logits_bits"],
            Value::from(logits),
            "sample {sample}"
        );
    }
}
