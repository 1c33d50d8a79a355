//! `quartermeg step`: one forward and backward pass, to be compared with another program's.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use quartermeg_formats::explain;
use quartermeg_formats::reproduce::{self, StepInput};
use serde::Serialize;

use crate::numerics::Numerics;
use crate::output;
use crate::source::{self, ModelFile};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    model: ModelFile,
    #[command(flatten)]
    numerics: Numerics,
    /// What the step starts from: safetensors with `input` int8 `[1,c,h,w]`, `label` int32
    /// `[1]`, `fc.weight` and `fc.bias` float32.
    #[arg(long)]
    input: PathBuf,
    /// Where to write outputs, gradients and norms of every convolution, as safetensors.
    #[arg(long)]
    trace: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Summary {
    loss: f32,
    logits: Vec<f32>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let rules = arguments.numerics.rules()?;
    let network = arguments.model.read()?;
    let file = source::read_file(&arguments.input)?;
    let in_input = |error| {
        anyhow!(
            "{}: {}",
            arguments.input.display(),
            explain::reproduce(&error)
        )
    };
    let input = StepInput::read(&network, &file).map_err(in_input)?;
    let trace = reproduce::step(&input, rules).map_err(in_input)?;
    std::fs::write(&arguments.trace, trace.to_safetensors())
        .with_context(|| format!("{} cannot be written.", arguments.trace.display()))?;
    if arguments.json {
        return output::json(&Summary {
            loss: trace.loss,
            logits: trace.logits,
        });
    }
    output::text(&format!("loss  {}\n", trace.loss))
}
