//! The options that analysis and search share, and what they come to.

use std::path::PathBuf;

use anyhow::anyhow;
use quartermeg_formats::scenario::Scenario;
use quartermeg_formats::setup::MAX_STEPS;
use quartermeg_search::Study;

use super::laboratory::Laboratory;
use crate::load::{self, SampleOptions};
use crate::runs::{RunOptions, sentence};
use crate::setup::SetupOptions;

#[derive(Debug, clap::Args)]
pub(crate) struct StudyOptions {
    #[command(flatten)]
    setup: SetupOptions,
    #[command(flatten)]
    samples: SampleOptions,
    /// Steps of every run; a link's or scenario's own if absent.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_STEPS)))]
    steps: Option<u32>,
    #[command(flatten)]
    runs: RunOptions,
    /// Folder that keeps the outcome of every run, so that a search which was cut off goes on where
    /// it stood, and that of another budget begins with what is known.
    #[arg(long, default_value = ".quartermeg")]
    cache: PathBuf,
    /// Do one share of the runs of the analysis, as 2/8, and nothing else. When all shares are in
    /// one --cache, the same command without --shard goes on from them.
    #[arg(long, value_parser = shard)]
    shard: Option<Shard>,
}

/// One share of some work, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    pub(super) place: u32,
    pub(super) of: u32,
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.place, self.of)
    }
}

/// Reads `2/8`.
fn shard(text: &str) -> Result<Shard, String> {
    let parts = text.split_once('/');
    let numbers = parts.and_then(|(place, of)| place.parse().ok().zip(of.parse().ok()));
    numbers
        .map(|(place, of)| Shard { place, of })
        .filter(|shard| shard.of <= 65_536 && (1..=shard.of).contains(&shard.place))
        .ok_or_else(|| format!("\"{text}\" is no share; write the second of eight as 2/8"))
}

/// What is searched, how, and where the outcomes are kept.
pub(super) struct Plan {
    pub(super) laboratory: Laboratory,
    pub(super) scenario: Option<&'static Scenario>,
    pub(super) seeds: Vec<u64>,
    pub(super) rate: f32,
    pub(super) steps: u32,
    pub(super) shard: Option<Shard>,
}

impl StudyOptions {
    /// Reads network and samples, and opens the file of outcomes.
    pub(super) fn plan(&self) -> anyhow::Result<Plan> {
        let load::Loaded {
            network,
            setup,
            scenario,
            learn,
            test,
        } = load::load(&self.setup, &self.samples)?;
        let steps = self.steps.unwrap_or(setup.stop_after);
        let (rate, first) = (setup.learning_rate, setup.seed);
        let study = Study::new(network, setup, learn, test.unwrap_or_default())
            .map_err(|error| anyhow!(sentence(&error)))?;
        Ok(Plan {
            laboratory: Laboratory::open(study, self.runs.threads(), &self.cache, self.shard)?,
            scenario,
            seeds: self.runs.seeds_from(first),
            rate,
            steps,
            shard: self.shard,
        })
    }
}
