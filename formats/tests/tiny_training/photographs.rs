//! The published networks see in real photographs what is there.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use flate2::read::GzDecoder;
use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::compile::compile;
use quartermeg_core::network::NodeKind;
use quartermeg_core::policy::Policy;
use quartermeg_core::program::{Program, Settings};
use quartermeg_core::quant::Rules;
use quartermeg_core::runtime::Runtime;
use quartermeg_core::runtime::kernels::Portable;
use quartermeg_formats::tiny_training::read;
use safetensors::SafeTensors;

use super::reference;

/// A class and its int8 logit.
type Guess = (usize, i32);

/// For each network and photograph the three best classes, as
/// `tests/oracle/photographs.py` computes them.
const EXPECTED: [(&str, [[Guess; 3]; 3]); 3] = [
    (
        "mcunet-5fps",
        [
            [(285, 96), (281, 85), (282, 78)],
            [(967, 68), (809, 47), (925, 45)],
            [(872, 55), (523, 28), (875, 18)],
        ],
    ),
    (
        "mbv2-w0.35",
        [
            [(285, 83), (281, 76), (282, 73)],
            [(967, 69), (960, 50), (925, 47)],
            [(872, 46), (523, 37), (486, 28)],
        ],
    ),
    (
        "proxyless-w0.3",
        [
            [(285, 105), (287, 100), (281, 96)],
            [(967, 82), (968, 59), (809, 58)],
            [(872, 51), (523, 47), (875, 27)],
        ],
    ),
];
const PHOTOGRAPHS: [&str; 3] = ["chelsea", "coffee", "camera"];

/// Codes `[128, 128, 3]` of every photograph.
fn photographs() -> Vec<Vec<i8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/photographs/photographs.safetensors.gz");
    let packed = fs::read(path).expect("a file of the repository");
    let mut bytes = Vec::new();
    GzDecoder::new(packed.as_slice())
        .read_to_end(&mut bytes)
        .expect("a whole file");
    let tensors = SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let codes = |name| {
        let tensor = tensors.tensor(name).expect("a photograph");
        assert_eq!(tensor.shape(), [128, 128, 3]);
        tensor
            .data()
            .iter()
            .map(|&byte| byte.cast_signed())
            .collect()
    };
    PHOTOGRAPHS.map(codes).to_vec()
}

#[test]
fn published_networks_recognise_photographs() {
    let photographs = photographs();
    for (name, expected) in EXPECTED {
        let Some(file) = reference::file(name, "recognition of photographs") else {
            continue;
        };
        let network = read(name, &file).expect("a network");
        assert!(matches!(
            network.nodes().last().map(|node| &node.kind),
            Some(NodeKind::Logits { softmax: None })
        ));
        let head = network.nodes().last().expect("a head");
        let output = network.values()[head.inputs[0]].quant;
        let policy = Policy::classifier_only(&network);
        let image = compile(&network, &policy, Rules::DEVICE, Settings::constant(0.0, 0))
            .expect("a program can be made of it");
        let program = Program::parse(image).expect("it can be loaded");
        let arena = AlignedBytes::zeroed(program.meta().arena_bytes as usize);
        let mut runtime: Runtime<_, _, Portable> =
            Runtime::new(program, arena).expect("the block is large enough");
        for (photograph, (codes, best)) in photographs.iter().zip(expected).enumerate() {
            runtime.load_sample(codes, 0).expect("the photograph fits");
            runtime.forward();
            let logits = runtime.logits();
            let mut order: Vec<usize> = (0..logits.len()).collect();
            order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
            let at = format!("{name}, {}", PHOTOGRAPHS[photograph]);
            assert_eq!(order[0], best[0].0, "{at}");
            for (class, logit) in best {
                #[expect(clippy::cast_possible_truncation, reason = "a code")]
                let found = (logits[class] / output.scale).round() as i32 + output.zero_point;
                assert_eq!(found, logit, "{at}, class {class}");
            }
        }
    }
}
