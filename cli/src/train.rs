//! `quartermeg train`: trains and prints the digest of the weights, which for a link and a
//! number of steps is that of the page.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};
use quartermeg_core::compile::compile;
use quartermeg_core::network::Network;
use quartermeg_core::runtime::NoTrace;
use quartermeg_core::runtime::kernels::Native;
use quartermeg_core::session::{Evaluator, Samples, Session};
use quartermeg_formats::config::hex;
use quartermeg_formats::scenario::SCENARIOS;
use quartermeg_formats::setup::{LEARNING_RATE_RANGE, MAX_STEPS, Setup};
use quartermeg_formats::{explain, link, network_file, numerics, sample_file};
use serde::Serialize;

use crate::{output, source};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A network file; its samples come from --data.
    #[arg(conflicts_with_all = ["scenario", "link"], requires = "data")]
    file: Option<PathBuf>,
    /// A scenario that ships: keyboard.
    #[arg(long, conflicts_with = "link")]
    scenario: Option<String>,
    /// A link of the page, or what stands behind its #.
    #[arg(long)]
    link: Option<String>,
    /// Samples to learn from: safetensors with `x` int8 `[n,c,h,w]` and `y` int32 `[n]`.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Samples to measure the accuracy on, of the same form.
    #[arg(long)]
    eval: Option<PathBuf>,
    /// Number of steps; a link's or scenario's own if absent.
    #[arg(long, value_parser = clap::value_parser!(u32).range(0..=i64::from(MAX_STEPS)))]
    steps: Option<u32>,
    /// What learns (as for `memory --scheme`).
    #[arg(long, allow_hyphen_values = true)]
    scheme: Option<String>,
    /// Learning rate.
    #[arg(long)]
    lr: Option<f32>,
    /// Arithmetic (as for `memory --numerics`); a link's or scenario's own if absent.
    #[arg(long)]
    numerics: Option<String>,
    /// Quantization-aware scaling of the gradients: on or off.
    #[arg(long, value_parser = ["on", "off"])]
    qas: Option<String>,
    /// Seed of rounding noise and sample order.
    #[arg(long)]
    seed: Option<u64>,
    /// Print a line with step and mean loss every so many steps.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    every: u32,
    /// Print JSON, one object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Progress {
    step: u32,
    mean_loss: f64,
}

#[derive(Serialize)]
struct Summary {
    steps: u32,
    loss: Option<f32>,
    accuracy: Option<f64>,
    peak_bytes: u32,
    weights_digest: String,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (network, setup, learn, test) = load(arguments)?;
    let image = compile(&network, &setup.policy, setup.rules, setup.settings())
        .map_err(|error| anyhow!(explain::compile(&error)))?;
    let mut session: Session<Native> =
        Session::new(image.clone(), learn).map_err(|error| anyhow!(explain::session(&error)))?;
    let peak_bytes = session.program().meta().arena_bytes;
    if peak_bytes > setup.budget_bytes {
        let device = quartermeg_core::device::by_id(&setup.device);
        let name = device.map_or("the device", |device| device.name);
        bail!(explain::over_budget(peak_bytes, setup.budget_bytes, name));
    }
    let n_steps = arguments.steps.unwrap_or(setup.stop_after);
    let loss = train(&mut session, n_steps, arguments)?;
    let accuracy = match test {
        Some(test) => {
            let mut evaluator: Evaluator<Native> =
                Evaluator::new(image).map_err(|error| anyhow!(explain::session(&error)))?;
            let measured = evaluator
                .begin(&session.state())
                .and_then(|()| evaluator.advance(&test, usize::MAX))
                .map_err(|error| anyhow!(explain::input(&error)))?;
            measured.map(|accuracy| f64::from(accuracy.correct) / f64::from(accuracy.total))
        }
        None => None,
    };
    let summary = Summary {
        steps: session.step_count(),
        loss,
        accuracy,
        peak_bytes,
        weights_digest: hex(&session.weights_digest()),
    };
    if arguments.json {
        return output::json(&summary);
    }
    let accuracy = summary.accuracy.map_or_else(
        || "not measured".to_owned(),
        |share| format!("{:.2} %", 100.0 * share),
    );
    output::text(&format!(
        "steps           {}\nloss            {}\naccuracy        {accuracy}\n\
         peak memory     {}\nweights digest  {}\n",
        explain::number(u64::from(summary.steps)),
        summary
            .loss
            .map_or_else(|| "none yet".to_owned(), |loss| format!("{loss:.4}")),
        explain::bytes(u64::from(peak_bytes)),
        summary.weights_digest
    ))
}

type Loaded = (Network, Setup, Samples, Option<Samples>);

fn load(arguments: &Arguments) -> anyhow::Result<Loaded> {
    let (network, mut setup, mut samples, scenario) = if let Some(path) = &arguments.file {
        let network = network_file::read(&source::read_file(path)?)
            .map_err(|error| anyhow!("{}: {}", path.display(), explain::network(&error)))?;
        let mut setup = SCENARIOS[0].default_setup();
        setup.policy = quartermeg_core::policy::Policy::classifier_only(&network);
        (network, setup, None, None)
    } else {
        let (setup, corrections) = match (&arguments.link, &arguments.scenario) {
            (Some(text), _) => {
                let (link, corrections) = link::parse(text);
                (link.setup, corrections)
            }
            (None, Some(id)) => (source::scenario_by_id(id)?.default_setup(), Vec::new()),
            (None, None) => bail!("Name a network file, a --scenario or a --link."),
        };
        for correction in &corrections {
            eprintln!("{}", explain::correction(correction));
        }
        let scenario = source::scenario_by_id(&setup.scenario)?;
        let network = source::scenario_network(scenario)?;
        let digits = source::scenario_samples(scenario)?;
        (
            network,
            setup,
            Some((digits.learn, digits.test)),
            Some(scenario),
        )
    };
    if let Some(scheme) = &arguments.scheme {
        setup.policy = source::policy(&network, scenario, scheme)?;
    }
    if let Some(rate) = arguments.lr {
        let [lowest, highest] = LEARNING_RATE_RANGE;
        if !(lowest..=highest).contains(&rate) {
            bail!("--lr {rate} cannot be used: a learning rate lies in {lowest}..{highest}.");
        }
        setup.learning_rate = rate;
    }
    if let Some(text) = &arguments.numerics {
        setup.rules = numerics::parse(text).map_err(|error| anyhow!(explain::numerics(&error)))?;
    }
    if let Some(qas) = &arguments.qas {
        setup.qas = qas == "on";
    }
    if let Some(seed) = arguments.seed {
        setup.seed = seed;
    }
    if arguments.link.is_none() {
        // Without a link there is no device to hold the step to.
        setup.budget_bytes = u32::MAX;
    }
    let read = |path: &PathBuf| {
        sample_file::read(&source::read_file(path)?)
            .map_err(|error| anyhow!("{}: {}", path.display(), explain::samples(&error)))
    };
    let (mut learn, mut test) = match samples.take() {
        Some((learn, test)) => (Some(learn), Some(test)),
        None => (None, None),
    };
    if let Some(path) = &arguments.data {
        learn = Some(read(path)?);
    }
    if let Some(path) = &arguments.eval {
        test = Some(read(path)?);
    }
    let learn = learn.context("Name the samples to learn from with --data.")?;
    Ok((network, setup, learn, test))
}

/// Trains and returns the last loss.
fn train(
    session: &mut Session<Native>,
    n_steps: u32,
    arguments: &Arguments,
) -> anyhow::Result<Option<f32>> {
    let bar = ProgressBar::new(u64::from(n_steps)).with_style(
        ProgressStyle::with_template("{bar:40} {pos}/{len} steps  {per_sec}  loss {msg}")
            .unwrap_or_else(|_invalid| ProgressStyle::default_bar()),
    );
    let mut loss = None;
    let mut sum = 0.0;
    for _ in 0..n_steps {
        let record = session.step(&mut NoTrace);
        loss = Some(record.loss);
        sum += f64::from(record.loss);
        bar.inc(1);
        if record.step.is_multiple_of(arguments.every) {
            let mean_loss = sum / f64::from(arguments.every);
            bar.set_message(format!("{mean_loss:.4}"));
            if arguments.json {
                output::json(&Progress {
                    step: record.step,
                    mean_loss,
                })?;
            }
            sum = 0.0;
        }
    }
    bar.finish_and_clear();
    Ok(loss)
}
