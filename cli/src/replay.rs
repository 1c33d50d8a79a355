//! `quartermeg replay`: a trajectory of steps, to be compared with another program's.

use std::path::PathBuf;

use anyhow::anyhow;
use quartermeg_formats::explain;
use quartermeg_formats::reproduce::{self, Trajectory};
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
    /// What the trajectory starts from: safetensors with `images`, `labels`, `fc.weight.init`,
    /// `fc.bias.init`, `lr`, `n_bias_update`, `manual_weight_idx` and `weight_update_ratio`.
    #[arg(long)]
    input: PathBuf,
    /// Number of steps; step t learns image t mod n.
    #[arg(long, default_value_t = 40)]
    steps: u32,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    losses: Vec<f32>,
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
    let trajectory = Trajectory::read(&network, &file).map_err(in_input)?;
    let losses = reproduce::replay(&trajectory, rules, arguments.steps).map_err(in_input)?;
    if arguments.json {
        return output::json(&Report { losses });
    }
    let lines = losses
        .iter()
        .enumerate()
        .map(|(step, loss)| format!("{step:>5}  {loss}\n"));
    output::text(&lines.collect::<String>())
}
