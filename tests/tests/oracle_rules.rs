//! Whole steps of small networks under every rule against an independent model
//! (`oracle/rule_steps.py`), to the bit: rate, loss, and the digest of all weights.

#![expect(clippy::unwrap_used, reason = "a test ends at the first failure")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::compile::compile;
use quartermeg_core::network::{
    Clamp, Classifier, Conv, Network, Node, NodeKind, Pool, PoolKind, Shape, Value,
};
use quartermeg_core::program::{Program, Schedule, Settings};
use quartermeg_core::quant::{N_RULES, QuantParams, Rules};
use quartermeg_core::runtime::kernels::{Kernels, Portable, Reference};
use quartermeg_core::runtime::{NoTrace, Runtime};
use quartermeg_tests::policy_record::{Update, policy};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    networks: Vec<NetworkRecord>,
    samples: Vec<Sample>,
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct NetworkRecord {
    name: String,
    input: Input,
    n_classes: usize,
    nodes: Vec<NodeRecord>,
}

#[derive(Deserialize)]
struct Input {
    shape: [usize; 3],
    scale: f32,
    zero_point: i32,
}

#[derive(Deserialize)]
struct NodeRecord {
    inputs: Vec<usize>,
    #[serde(flatten)]
    operation: Operation,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Operation {
    Conv {
        depthwise: bool,
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 4],
        clamp: [i8; 2],
        weight: Vec<i8>,
        bias: Vec<i32>,
        weight_scale: Vec<f32>,
        scale: f32,
        zero_point: i32,
    },
    Add {
        clamp: [i8; 2],
        scale: f32,
        zero_point: i32,
    },
    AveragePool,
    Pool {
        kind: Kind,
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 4],
        clamp: [i8; 2],
    },
    Classifier {
        weight: Vec<f32>,
        bias: Vec<f32>,
    },
    Logits,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Average,
    Max,
}

#[derive(Deserialize)]
struct Sample {
    label: u32,
    codes: Vec<i8>,
}

#[derive(Deserialize)]
struct Run {
    name: String,
    network: String,
    choices: [u8; N_RULES],
    policy: Vec<Update>,
    learning_rate: f32,
    bias_rate_factor: f32,
    momentum: f32,
    /// Steps of the rise, and of the whole.
    schedule: Option<[u32; 2]>,
    qas: bool,
    seed: String,
    start_digest: String,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    rate_bits: String,
    loss_bits: String,
    moved: u32,
    digest: String,
}

fn clamp([min, max]: [i8; 2]) -> Clamp {
    Clamp { min, max }
}

fn network(record: NetworkRecord) -> Network {
    let [h, w, c] = record.input.shape;
    let quant = |scale, zero_point| QuantParams { scale, zero_point };
    let input = Value {
        shape: Shape { h, w, c },
        quant: quant(record.input.scale, record.input.zero_point),
    };
    let nodes = record.nodes.into_iter().enumerate();
    let nodes = nodes.map(|(at, node)| Node {
        name: format!("node{at}"),
        kind: match node.operation {
            Operation::Conv {
                depthwise,
                kernel,
                stride,
                padding,
                clamp: limits,
                weight,
                bias,
                weight_scale,
                scale,
                zero_point,
            } => NodeKind::Conv(Conv {
                depthwise,
                kernel,
                stride,
                padding,
                weight,
                bias,
                weight_scale,
                real_scale: None,
                output: quant(scale, zero_point),
                clamp: clamp(limits),
            }),
            Operation::Add {
                clamp: limits,
                scale,
                zero_point,
            } => NodeKind::Add {
                output: quant(scale, zero_point),
                clamp: clamp(limits),
            },
            Operation::AveragePool => NodeKind::AveragePool,
            Operation::Pool {
                kind,
                kernel,
                stride,
                padding,
                clamp: limits,
            } => NodeKind::Pool(Pool {
                kind: match kind {
                    Kind::Average => PoolKind::Average,
                    Kind::Max => PoolKind::Max,
                },
                kernel,
                stride,
                padding,
                clamp: clamp(limits),
            }),
            Operation::Classifier { weight, bias } => {
                NodeKind::Classifier(Classifier { weight, bias })
            }
            Operation::Logits => NodeKind::Logits { softmax: None },
        },
        inputs: node.inputs,
    });
    let classes = (0..record.n_classes).map(|class| class.to_string());
    Network::new(record.name, classes.collect(), input, nodes.collect()).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn check_run<K: Kernels>(run: &Run, network: &Network, samples: &[Sample]) {
    let settings = Settings {
        learning_rate: run.learning_rate,
        bias_rate_factor: run.bias_rate_factor,
        schedule: match run.schedule {
            None => Schedule::Constant,
            Some([warmup_steps, total_steps]) => Schedule::Cosine {
                warmup_steps,
                total_steps,
            },
        },
        momentum: run.momentum,
        qas: run.qas,
        seed: u64::from_str_radix(&run.seed, 16).unwrap(),
    };
    let rules = Rules::from_choices(run.choices).unwrap();
    let image = compile(network, &policy(&run.policy), rules, settings).unwrap();
    let program = Program::parse(image).unwrap();
    let arena = AlignedBytes::zeroed(program.meta().arena_bytes as usize);
    let mut runtime = Runtime::<_, _, K>::new(program, arena).unwrap();
    assert_eq!(
        hex(&runtime.weights_digest()),
        run.start_digest,
        "{}: start",
        run.name
    );
    for (step, expected) in (0..).zip(&run.steps) {
        let at = format!("{} ({}), step {step}", run.name, K::NAME);
        let sample = &samples[step as usize % samples.len()];
        runtime.load_sample(&sample.codes, sample.label).unwrap();
        let params = settings.step_params(step);
        assert_eq!(
            format!("{:08x}", params.learning_rate.to_bits()),
            expected.rate_bits,
            "{at}: rate {}",
            params.learning_rate
        );
        let loss = runtime.step(&params, &mut NoTrace);
        assert_eq!(
            format!("{:08x}", loss.to_bits()),
            expected.loss_bits,
            "{at}: loss {loss}"
        );
        assert_eq!(
            hex(&runtime.weights_digest()),
            expected.digest,
            "{at}: weights"
        );
    }
}

fn check_all<K: Kernels>() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/rule_steps.json");
    let vectors: Vectors = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let networks: Vec<_> = vectors.networks.into_iter().map(network).collect();
    let mut met = [[false; 5]; N_RULES];
    for run in &vectors.runs {
        let found = networks.iter().find(|found| found.name() == run.network);
        check_run::<K>(run, found.unwrap(), &vectors.samples);
        let moved: u32 = run.steps.iter().map(|step| step.moved).sum();
        assert!(moved > 0, "{}: no weight moved", run.name);
        for (met, choice) in met.iter_mut().zip(run.choices) {
            met[usize::from(choice)] = true;
        }
    }
    // Every choice of every rule occurs.
    let n_met = met.map(|met| met.into_iter().filter(|&met| met).count());
    assert_eq!(n_met, [4, 3, 2, 5, 2, 2, 2, 2, 2, 2, 2, 2]);
}

#[test]
fn reference_kernels_equal_the_independent_model() {
    check_all::<Reference>();
}

#[test]
fn portable_kernels_equal_the_independent_model() {
    check_all::<Portable>();
}
