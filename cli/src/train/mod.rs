//! `quartermeg train`: trains and prints the digest of the weights, which for a link and a
//! number of steps is that of the page.

mod progress;

use std::path::PathBuf;

use anyhow::{Context as _, anyhow, bail};
use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::compile::compile;
use quartermeg_core::runtime::kernels::Native;
use quartermeg_core::session::{Evaluator, Samples, Session};
use quartermeg_formats::config::hex;
use quartermeg_formats::setup::MAX_STEPS;
use quartermeg_formats::{checkpoint, explain};
use serde::Serialize;

use crate::load::{self, Loaded, SampleOptions};
use crate::setup::SetupOptions;
use crate::{output, source};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    setup: SetupOptions,
    #[command(flatten)]
    samples: SampleOptions,
    /// Where to write the class that is predicted for each sample of --eval, one a line.
    #[arg(long, requires = "eval")]
    predictions: Option<PathBuf>,
    /// Number of steps; a link's or scenario's own if absent.
    #[arg(long, value_parser = clap::value_parser!(u32).range(0..=i64::from(MAX_STEPS)))]
    steps: Option<u32>,
    /// Number of times that each sample is learned, in place of --steps.
    #[arg(long, conflicts_with = "steps", value_parser = clap::value_parser!(u32).range(1..))]
    epochs: Option<u32>,
    /// Print a line with step and mean loss every so many steps.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    every: u32,
    /// Trained weights to start from in place of the network's own: weights or a delta as they are
    /// exported, a checkpoint, a configuration or a program. The run goes on after their steps.
    #[arg(long)]
    weights: Option<PathBuf>,
    /// Where to write after every epoch, and at the end, where the run stands; a run that finds
    /// this file goes on from it.
    #[arg(long)]
    checkpoint: Option<PathBuf>,
    /// Print JSON, one object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Summary {
    steps: u32,
    loss: Option<f32>,
    accuracy: Option<f64>,
    /// Samples to learn from.
    learn_samples: usize,
    /// Samples that the accuracy is measured on.
    test_samples: usize,
    peak_bytes: u32,
    weights_digest: String,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Loaded {
        network,
        mut setup,
        learn,
        test,
        ..
    } = load::load(&arguments.setup, &arguments.samples)?;
    if let Some(epochs) = arguments.epochs {
        let n_samples = u32::try_from(learn.len()).unwrap_or(u32::MAX);
        setup.stop_after = epochs.saturating_mul(n_samples).min(MAX_STEPS);
    }
    if let Some(steps) = arguments.steps {
        setup.stop_after = steps;
    }
    let (learn_samples, test_samples) = (learn.len(), test.as_ref().map_or(0, Samples::len));
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
    if let Some(path) = &arguments.weights {
        let settings = setup.settings();
        let trained = source::weights(path, session.program(), &settings)?;
        session
            .resume(&trained.state, trained.steps)
            .map_err(|error| anyhow!(explain::input(&error)))?;
    }
    if let Some(path) = arguments.checkpoint.as_deref().filter(|path| path.exists()) {
        let file = source::read_file(path)?;
        let found = checkpoint::read(session.program(), &setup.settings(), &file)
            .map_err(|error| anyhow!("{}: {}", path.display(), explain::checkpoint(&error)))?;
        session
            .resume(&found.state, found.steps)
            .map_err(|error| anyhow!(explain::input(&error)))?;
    }
    let accuracy_of = |session: &Session<Native>| match &test {
        Some(test) => predicted(&image, session, test).map(|classes| Some(share(&classes, test))),
        None => Ok(None),
    };
    let loss = progress::train(&mut session, &setup, arguments, &accuracy_of)?;
    let accuracy = match &test {
        Some(test) => {
            let classes = predicted(&image, &session, test)?;
            if let Some(path) = &arguments.predictions {
                let mut lines = classes
                    .iter()
                    .map(usize::to_string)
                    .collect::<Vec<_>>()
                    .join("\n");
                lines.push('\n');
                std::fs::write(path, lines)
                    .with_context(|| format!("{} cannot be written.", path.display()))?;
            }
            Some(share(&classes, test))
        }
        None => None,
    };
    let summary = Summary {
        steps: session.step_count(),
        loss,
        accuracy,
        learn_samples,
        test_samples,
        peak_bytes,
        weights_digest: hex(&session.weights_digest()),
    };
    if arguments.json {
        return output::json(&summary);
    }
    let accuracy = summary.accuracy.map_or_else(
        || "not measured".to_owned(),
        |share| {
            let samples = explain::number(test_samples as u64);
            format!("{:.2} % of {samples}", 100.0 * share)
        },
    );
    output::text(&format!(
        "steps           {}\nsamples         {}\nloss            {}\naccuracy        {accuracy}\n\
         peak memory     {}\nweights digest  {}\n",
        explain::number(u64::from(summary.steps)),
        explain::number(learn_samples as u64),
        summary
            .loss
            .map_or_else(|| "none yet".to_owned(), |loss| format!("{loss:.4}")),
        explain::bytes(u64::from(peak_bytes)),
        summary.weights_digest
    ))
}

/// The class of the largest logit of every sample.
fn predicted(
    image: &AlignedBytes,
    session: &Session<Native>,
    test: &Samples,
) -> anyhow::Result<Vec<usize>> {
    let mut evaluator: Evaluator<Native> =
        Evaluator::new(image.clone()).map_err(|error| anyhow!(explain::session(&error)))?;
    let in_words = |error| anyhow!(explain::input(&error));
    evaluator.begin(&session.state()).map_err(in_words)?;
    (0..test.len())
        .map(|sample| evaluator.classify(test.get(sample).0).map_err(in_words))
        .collect()
}

/// Share of right answers.
fn share(classes: &[usize], test: &Samples) -> f64 {
    let right = (0..test.len())
        .zip(classes)
        .filter(|&(sample, &class)| test.get(sample).1 as usize == class)
        .count();
    #[expect(clippy::cast_precision_loss, reason = "samples are few")]
    let share = right as f64 / test.len().max(1) as f64;
    share
}
