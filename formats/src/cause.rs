//! Which entries of the policy a tensor is there for.
//!
//! A tensor stays live until the last operation that needs it, so that operation is its cause.

use std::cmp::Reverse;

use quartermeg_core::program::{LayerRecord, Op, Phase, Program, Role, TensorIdx};

use crate::explain;

/// Layers that are named where many have a share.
const MAX_NAMED: usize = 3;

/// Why a tensor that does not keep its contents is live: a clause, and the layers that it is about.
#[cfg_attr(page, optimize(size))]
pub(crate) fn of_tensor<B: AsRef<[u8]>>(
    program: &Program<B>,
    tensor: TensorIdx,
) -> (String, Vec<u32>) {
    let op = program.op(program.tensor(tensor).last_use);
    match op {
        Op::Loss { .. } => ("the loss needs it".to_owned(), Vec::new()),
        Op::ClassifierUpdate { .. } => ("the classifier learns".to_owned(), Vec::new()),
        _ if op.phase() == Phase::Forward => ("needed for the forward pass".to_owned(), Vec::new()),
        Op::WeightUpdate { layer, .. } => (weights_learn(program, layer), vec![layer]),
        Op::BiasUpdate { layer, .. } => (bias_learns(program, layer), vec![layer]),
        Op::BlockBackward {
            first, expand_x, ..
        } if expand_x == Some(tensor) => (weights_learn(program, first), vec![first]),
        Op::BlockBackward {
            first, depthwise_x, ..
        } if depthwise_x == Some(tensor) => {
            let depthwise = first + 1;
            (weights_learn(program, depthwise), vec![depthwise])
        }
        // The updates of its projection are other operations.
        Op::BlockBackward { first, .. } => of_flow(program, first..first + 2),
        Op::MaskScale { layer, .. } => of_flow(program, layer..layer + 1),
        _ => of_flow(program, 0..0),
    }
}

/// Why the gradient comes by: layers of `here` that learn, and the earliest one that does, to which
/// it flows.
#[cfg_attr(page, optimize(size))]
fn of_flow<B: AsRef<[u8]>>(program: &Program<B>, here: std::ops::Range<u32>) -> (String, Vec<u32>) {
    let learning = || (0..program.n_layers()).filter(|&layer| learns(&program.layer(layer)));
    let mut clauses = Vec::new();
    let mut layers = Vec::new();
    for layer in learning().filter(|layer| here.contains(layer)) {
        clauses.push(cell(program, layer));
        layers.push(layer);
    }
    if let Some(earliest) = learning().next().filter(|layer| !layers.contains(layer)) {
        let flows = cell(program, earliest);
        clauses.push(format!("{flows}: the gradient flows to there"));
        layers.push(earliest);
    }
    (clauses.join("; "), layers)
}

/// Why parameters of a role are there.
#[cfg_attr(page, optimize(size))]
pub(crate) fn of_role<B: AsRef<[u8]>>(program: &Program<B>, role: Role) -> (String, Vec<u32>) {
    let size = |tensor: Option<u32>| tensor.map_or(0, |it| program.tensor(it).size_bytes);
    let part = |record: &LayerRecord| match role {
        Role::TrainableWeight => size(record.weight_tensor),
        Role::TrainableBias => size(record.bias_tensor),
        _ => {
            let [weight, bias] = record.velocity_tensors;
            size(record.remainder_tensor) + size(weight) + size(bias)
        }
    };
    let what = match role {
        Role::TrainableWeight => "weights learn in",
        Role::TrainableBias => "biases learn in",
        Role::Classifier => return ("the classifier always learns".to_owned(), Vec::new()),
        _ => "the update rule and the optimizer remember something of",
    };
    let mut parts: Vec<(u32, u32)> = (0..program.n_layers())
        .map(|layer| (part(&program.layer(layer)), layer))
        .filter(|&(bytes, _)| bytes > 0)
        .collect();
    parts.sort_by_key(|&(bytes, layer)| (Reverse(bytes), layer));
    let count = parts.len();
    let layers: Vec<u32> = parts.into_iter().map(|(_, layer)| layer).collect();
    let named = &layers[..count.min(MAX_NAMED)];
    let names: Vec<&str> = named.iter().map(|&layer| name(program, layer)).collect();
    let of = match (count, names.as_slice()) {
        (0, _) => "the classifier".to_owned(),
        (1, [only]) => (*only).to_owned(),
        (_, [first, ..]) if count > MAX_NAMED => {
            let count = explain::number(count as u64);
            format!("{count} layers, most of all in {first}")
        }
        _ => names.join(", "),
    };
    (format!("{what} {of}"), named.to_vec())
}

fn learns(record: &LayerRecord) -> bool {
    record.bias_tensor.is_some() || record.weight_tensor.is_some()
}

fn name<B: AsRef<[u8]>>(program: &Program<B>, layer: u32) -> &str {
    program.name(program.layer(layer).name)
}

/// What the policy lets a layer learn.
fn cell<B: AsRef<[u8]>>(program: &Program<B>, layer: u32) -> String {
    if program.layer(layer).weight_tensor.is_some() {
        weights_learn(program, layer)
    } else {
        bias_learns(program, layer)
    }
}

fn weights_learn<B: AsRef<[u8]>>(program: &Program<B>, layer: u32) -> String {
    let record = program.layer(layer);
    let of = name(program, layer);
    let all = record.n_frozen + record.n_trainable;
    if record.n_frozen == 0 {
        format!("weights of {of} learn (all {all} channels)")
    } else {
        let some = record.n_trainable;
        format!("weights of {of} learn ({some} of {all} channels)")
    }
}

fn bias_learns<B: AsRef<[u8]>>(program: &Program<B>, layer: u32) -> String {
    format!("bias of {} learns", name(program, layer))
}
