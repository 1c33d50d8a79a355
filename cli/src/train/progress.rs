//! The steps of a run: what is printed on the way, and where the run stands after each epoch.

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use quartermeg_core::runtime::kernels::Native;
use quartermeg_core::runtime::{Trace, UpdateTrace};
use quartermeg_core::session::Session;
use quartermeg_formats::checkpoint::{self, Checkpoint};
use quartermeg_formats::setup::Setup;
use serde::Serialize;

use super::Arguments;
use crate::output;

#[derive(Serialize)]
struct Progress {
    step: u32,
    mean_loss: f64,
}

/// What one epoch did.
#[derive(Serialize)]
struct EpochRecord {
    epoch: u32,
    step: u32,
    mean_loss: f64,
    /// Rate of the last step.
    learning_rate: f32,
    /// Share of the elements that learn whose value changed, on average over steps.
    moved: f64,
    /// Share of the elements whose change was rounded to nothing.
    rounded_to_nothing: f64,
    accuracy: Option<f64>,
}

/// Adds up what updates did.
#[derive(Default)]
struct Tally {
    elements: u64,
    moved: u64,
    vanished: u64,
}

impl Trace for Tally {
    fn update(&mut self, update: UpdateTrace) {
        self.elements += u64::from(update.n_elements);
        self.moved += u64::from(update.n_moved);
        self.vanished += u64::from(update.n_vanished);
    }
}

impl Tally {
    fn share(&self, count: u64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "shares for people")]
        let share = count as f64 / self.elements.max(1) as f64;
        share
    }
}

/// Trains up to the step where the setup stops, and returns the last loss.
pub(super) fn train(
    session: &mut Session<Native>,
    setup: &Setup,
    arguments: &Arguments,
    accuracy: &dyn Fn(&Session<Native>) -> anyhow::Result<Option<f64>>,
) -> anyhow::Result<Option<f32>> {
    let n_steps = setup.stop_after;
    let bar = ProgressBar::new(u64::from(n_steps)).with_style(
        ProgressStyle::with_template("{bar:40} {pos}/{len} steps  {per_sec}  loss {msg}")
            .unwrap_or_else(|_invalid| ProgressStyle::default_bar()),
    );
    bar.set_position(u64::from(session.step_count()));
    let n_samples = u32::try_from(session.samples().len()).unwrap_or(u32::MAX);
    let mut loss = None;
    let (mut sum, mut of_epoch) = (Mean::default(), Mean::default());
    let mut tally = Tally::default();
    while session.step_count() < n_steps {
        let record = session.step(&mut tally);
        loss = Some(record.loss);
        sum.add(record.loss);
        of_epoch.add(record.loss);
        bar.inc(1);
        if arguments.epochs.is_none() && record.step.is_multiple_of(arguments.every) {
            let mean_loss = std::mem::take(&mut sum).value();
            bar.set_message(format!("{mean_loss:.4}"));
            if arguments.json {
                output::json(&Progress {
                    step: record.step,
                    mean_loss,
                })?;
            }
        }
        if record.step.is_multiple_of(n_samples) {
            let mean_loss = std::mem::take(&mut of_epoch).value();
            let done = std::mem::take(&mut tally);
            if arguments.epochs.is_some() {
                let done_epoch = EpochRecord {
                    epoch: record.step / n_samples,
                    step: record.step,
                    mean_loss,
                    learning_rate: setup.settings().step_params(record.step - 1).learning_rate,
                    moved: done.share(done.moved),
                    rounded_to_nothing: done.share(done.vanished),
                    accuracy: accuracy(session)?,
                };
                report(&done_epoch, arguments.json, &bar)?;
            }
            save(session, setup, arguments)?;
        }
    }
    bar.finish_and_clear();
    save(session, setup, arguments)?;
    Ok(loss)
}

fn report(epoch: &EpochRecord, json: bool, bar: &ProgressBar) -> anyhow::Result<()> {
    if json {
        return output::json(epoch);
    }
    let accuracy = epoch.accuracy.map_or_else(String::new, |share| {
        format!("  accuracy {:.1} %", 100.0 * share)
    });
    bar.println(format!(
        "epoch {:>3}  loss {:.4}{accuracy}",
        epoch.epoch, epoch.mean_loss
    ));
    Ok(())
}

fn save(session: &Session<Native>, setup: &Setup, arguments: &Arguments) -> anyhow::Result<()> {
    let Some(path) = &arguments.checkpoint else {
        return Ok(());
    };
    let checkpoint = Checkpoint {
        steps: session.step_count(),
        state: session.state(),
    };
    let file = checkpoint::write(session.program(), &setup.settings(), &checkpoint);
    // Written beside it first, so that a run that is cut off leaves a whole file.
    let part = path.with_extension("part");
    std::fs::write(&part, file)
        .and_then(|()| std::fs::rename(&part, path))
        .with_context(|| format!("{} cannot be written.", path.display()))
}

#[derive(Default)]
struct Mean {
    sum: f64,
    count: u32,
}

impl Mean {
    fn add(&mut self, value: f32) {
        self.sum += f64::from(value);
        self.count += 1;
    }

    fn value(&self) -> f64 {
        self.sum / f64::from(self.count.max(1))
    }
}
