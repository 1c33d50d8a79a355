//! `quartermeg inspect`: the layers of a network.

use std::fmt::Write as _;

use anyhow::anyhow;
use quartermeg_core::compile::compile;
use quartermeg_core::network::{Network, NodeKind, PoolKind, Shape};
use quartermeg_core::program::{Program, Settings};
use quartermeg_core::quant::ClassifierType;
use quartermeg_formats::board::{self, BoardFit};
use quartermeg_formats::explain;
use serde::Serialize;

use crate::board::OnBoard;
use crate::memory::board_text;
use crate::numerics::Numerics;
use crate::output;
use crate::source::{self, NetworkSource};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    network: NetworkSource,
    #[command(flatten)]
    numerics: Numerics,
    /// What learns on the board that is named (as for `memory --scheme`); only the classifier if
    /// absent.
    #[arg(long, requires = "board", allow_hyphen_values = true)]
    scheme: Option<String>,
    #[command(flatten)]
    board: OnBoard,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    name: String,
    classes: Vec<String>,
    macs_forward: u64,
    layers: Vec<Layer>,
    /// A step of the scheme on the board, where one is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_board: Option<BoardFit>,
}

#[derive(Serialize)]
struct Layer {
    index: usize,
    conv_index: Option<usize>,
    name: String,
    kind: &'static str,
    input_shape: [usize; 3],
    output_shape: [usize; 3],
    weight_bytes: usize,
    macs: u64,
    input_scale: f32,
    input_zero_point: i32,
    output_scale: f32,
    output_zero_point: i32,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let rules = arguments.numerics.rules()?;
    let (mut network, scenario) = arguments.network.load(rules)?;
    if rules.classifier == ClassifierType::I8 {
        network = network
            .with_int8_classifier()
            .map_err(|error| anyhow!(explain::compile(&error.into())))?;
    }
    let on_board = match arguments.board.chosen()? {
        None => None,
        Some((id, device)) => {
            let scheme = arguments.scheme.as_deref().unwrap_or("classifier");
            let policy = source::policy(&network, scenario, scheme)?;
            let image = compile(&network, &policy, rules, Settings::constant(0.0, 0))
                .map_err(|error| anyhow!(explain::compile(&error)))?;
            let program =
                Program::parse(image).map_err(|error| anyhow!(explain::program(&error)))?;
            Some(board::fit(&id, &device, &program, program.bytes().len()))
        }
    };
    let report = Report {
        name: network.name().to_owned(),
        classes: network.classes().to_vec(),
        macs_forward: network.macs_forward(),
        layers: layers(&network),
        on_board,
    };
    if arguments.json {
        return output::json(&report);
    }
    let mut text = String::from(
        "index  conv  layer                 kind             input          output         weights     MACs\n",
    );
    for layer in &report.layers {
        let conv = layer
            .conv_index
            .map_or_else(|| "-".to_owned(), |conv| conv.to_string());
        let shape = |[h, w, c]: [usize; 3]| format!("{h}x{w}x{c}");
        writeln!(
            text,
            "{:>5}  {conv:>4}  {:<20}  {:<15}  {:<13}  {:<13}  {:>7}  {:>7}",
            layer.index,
            layer.name,
            layer.kind,
            shape(layer.input_shape),
            shape(layer.output_shape),
            layer.weight_bytes,
            layer.macs
        )?;
    }
    if let (Some(layer), Some(_)) = (report.layers.last(), network.int8_classifier()) {
        writeln!(
            text,
            "the classifier is int8: a logit is {} * (code - {})",
            layer.output_scale, layer.output_zero_point
        )?;
    }
    if let Some(on_board) = &report.on_board {
        text.push('\n');
        text.push_str(&board_text(on_board));
    }
    output::text(&text)
}

fn layers(network: &Network) -> Vec<Layer> {
    let extents = |shape: Shape| [shape.h, shape.w, shape.c];
    let classifier = network.int8_classifier();
    let mut n_convs = 0;
    network
        .nodes()
        .iter()
        .enumerate()
        .map(|(index, node)| {
            let input = network.values()[node.inputs[0]];
            let output = network.values()[index + 1];
            let (kind, weight_bytes) = match &node.kind {
                NodeKind::Conv(conv) if classifier == Some(index) => {
                    ("int8_classifier", conv.weight.len())
                }
                NodeKind::Conv(conv) if conv.depthwise => ("depthwise", conv.weight.len()),
                NodeKind::Conv(conv) if conv.kernel == [1, 1] => ("pointwise", conv.weight.len()),
                NodeKind::Conv(conv) => ("conv", conv.weight.len()),
                NodeKind::Add { .. } => ("add", 0),
                NodeKind::AveragePool => ("average_pool", 0),
                NodeKind::Pool(pool) => match pool.kind {
                    PoolKind::Average => ("window_average_pool", 0),
                    PoolKind::Max => ("max_pool", 0),
                },
                NodeKind::Logits { .. } => ("logits", 0),
                NodeKind::Classifier(classifier) => ("classifier", 4 * classifier.weight.len()),
            };
            let is_conv = matches!(node.kind, NodeKind::Conv(_)) && classifier != Some(index);
            let conv_index = is_conv.then(|| {
                n_convs += 1;
                n_convs - 1
            });
            Layer {
                index,
                conv_index,
                name: node.name.clone(),
                kind,
                input_shape: extents(input.shape),
                output_shape: extents(output.shape),
                weight_bytes,
                macs: network.node_macs(index),
                input_scale: input.quant.scale,
                input_zero_point: input.quant.zero_point,
                output_scale: output.quant.scale,
                output_zero_point: output.quant.zero_point,
            }
        })
        .collect()
}
