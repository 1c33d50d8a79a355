//! Runs trials on all threads, and keeps the outcome of each the moment it is there.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use quartermeg_core::policy::Policy;
use quartermeg_formats::config::hex;
use quartermeg_search::trials_file::{Known, KnownOutcomes};
use quartermeg_search::{Outcome, Planned, Study, Trial};

use super::options::Shard;
use crate::runs::{self, sentence};

/// Digits of the identity in the name of a file of outcomes.
const NAME_DIGITS: usize = 16;

/// A study with what is known of it.
pub(super) struct Laboratory {
    pub(super) study: Arc<Study>,
    threads: usize,
    pub(super) known: KnownOutcomes,
    file: File,
    pub(super) path: PathBuf,
    pub(super) tally: Tally,
}

/// What was done in this run, and what the frozen beginnings saved.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    /// Trials that were run.
    pub(super) run: usize,
    /// Trials whose outcome was known.
    pub(super) known: usize,
    /// Multiply-accumulates of all trials that were asked for, if nothing were kept.
    pub(super) macs_whole: u64,
    /// As many as are run where frozen beginnings are kept.
    pub(super) macs_run: u64,
    /// Seconds that all trials that were asked for took, each on one thread, whenever it was run.
    pub(super) seconds: f64,
}

impl Laboratory {
    /// Reads every file of outcomes in `cache` that belongs to the study; a share has a file of its
    /// own, so that several may write into one folder.
    pub(super) fn open(
        study: Study,
        threads: usize,
        cache: &Path,
        shard: Option<Shard>,
    ) -> anyhow::Result<Self> {
        let mut identity = hex(&study.identity());
        identity.truncate(NAME_DIGITS);
        let written = |path: &Path| format!("{} cannot be written.", path.display());
        fs::create_dir_all(cache).with_context(|| written(cache))?;
        let mut known = KnownOutcomes::default();
        for path in files_of(cache, &identity)? {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("{} cannot be read.", path.display()))?;
            let n_unread = known.read(&text, study.n_held_out());
            if n_unread > 0 {
                eprintln!(
                    "{}: {n_unread} of {} lines cannot be read and are left out; their runs are \
                     made again.",
                    path.display(),
                    text.lines().count()
                );
            }
        }
        let name = match shard {
            Some(shard) => format!("{identity}.{}-of-{}.jsonl", shard.place, shard.of),
            None => format!("{identity}.jsonl"),
        };
        let path = cache.join(name);
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| written(&path))?;
        // What was cut off stands in a line of its own.
        if file.metadata().is_ok_and(|it| it.len() > 0) {
            file.write_all(b"\n").with_context(|| written(&path))?;
        }
        Ok(Self {
            study: Arc::new(study),
            threads,
            known,
            file,
            path,
            tally: Tally::default(),
        })
    }

    /// Outcomes of trials, in their order; those that are not known are run.
    pub(super) fn outcomes(
        &mut self,
        what: &str,
        trials: &[Trial],
    ) -> anyhow::Result<Vec<Outcome>> {
        self.run(what, trials)?;
        let outcomes = trials.iter().map(|trial| {
            let known = self.known.get(trial);
            let known = known.context("invariant: the trial was run")?;
            Ok(known.outcome.clone())
        });
        outcomes.collect()
    }

    /// Runs those trials whose outcome is not known.
    pub(super) fn run(&mut self, what: &str, trials: &[Trial]) -> anyhow::Result<()> {
        self.run_unknown(what, trials)?;
        let known = trials.iter().filter_map(|trial| self.known.get(trial));
        self.tally.seconds += known.map(|known| seconds(known.milliseconds)).sum::<f64>();
        Ok(())
    }

    fn run_unknown(&mut self, what: &str, trials: &[Trial]) -> anyhow::Result<()> {
        let macs = self.macs(trials)?;
        let mut waiting: Vec<(&Trial, u64)> = Vec::new();
        for (trial, [whole, run]) in trials.iter().zip(macs) {
            self.tally.macs_whole += whole;
            self.tally.macs_run += run;
            if self.known.get(trial).is_some() {
                self.tally.known += 1;
            } else if !waiting.iter().any(|(other, _)| *other == trial) {
                waiting.push((trial, run));
            }
        }
        // The longest first, so that no thread ends long after the others, and its time tells that
        // of the others well.
        let longest = (0..waiting.len()).max_by_key(|&at| (waiting[at].1, std::cmp::Reverse(at)));
        if let Some(longest) = longest {
            waiting[..=longest].rotate_right(1);
        }
        let (study, known) = (&self.study, &mut self.known);
        let (file, path) = (&mut self.file, &self.path);
        runs::all(
            what,
            self.threads,
            &waiting,
            |trial, _| run_one(study, trial),
            |trial, now_known| write(file, path, &known.add(trial, now_known)),
        )?;
        self.tally.run += waiting.len();
        Ok(())
    }

    /// Multiply-accumulates of each trial, whole and with frozen beginnings kept.
    fn macs(&self, trials: &[Trial]) -> anyhow::Result<Vec<[u64; 2]>> {
        // Trials of one policy differ in seed and rate alone.
        let mut last: Option<(&Policy, u32, [u64; 2])> = None;
        let macs = trials.iter().map(|trial| {
            if let Some((policy, steps, macs)) = last
                && *policy == trial.policy
                && steps == trial.steps
            {
                return Ok(macs);
            }
            let run = self.study.begin(trial);
            let macs = run.map_err(|error| anyhow!(sentence(&error)))?.macs();
            last = Some((&trial.policy, trial.steps, macs));
            Ok(macs)
        });
        macs.collect()
    }

    /// Plans policies within a budget, on all threads.
    pub(super) fn plan(&self, policies: &[Policy], sram_total_bytes: u32) -> Vec<Planned> {
        let (network, rules) = (self.study.network(), self.study.setup().rules);
        let per_thread = policies.len().div_ceil(self.threads).max(1);
        std::thread::scope(|scope| {
            let parts: Vec<_> = policies
                .chunks(per_thread)
                .map(|part| {
                    scope.spawn(move || {
                        let planned = part
                            .iter()
                            .map(|it| Planned::within(network, it, rules, sram_total_bytes));
                        planned.collect::<Vec<_>>()
                    })
                })
                .collect();
            let planned = parts.into_iter().flat_map(|part| {
                part.join()
                    .expect("invariant: the planner does not panic on a checked network")
            });
            planned.collect()
        })
    }
}

/// Files of outcomes of a study: its own, and those of its shares.
fn files_of(cache: &Path, identity: &str) -> anyhow::Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(cache).with_context(|| format!("{} cannot be read.", cache.display()))?;
    let mut paths: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(identity) && path.extension().is_some_and(|it| it == "jsonl")
        })
        .collect();
    paths.sort();
    Ok(paths)
}

fn run_one(study: &Arc<Study>, trial: &Trial) -> anyhow::Result<Known> {
    let started = Instant::now();
    let outcome = study
        .run(trial)
        .map_err(|error| anyhow!(sentence(&error)))?;
    Ok(Known {
        outcome,
        milliseconds: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    })
}

fn seconds(milliseconds: u64) -> f64 {
    Duration::from_millis(milliseconds).as_secs_f64()
}

fn write(file: &mut File, path: &Path, line: &str) -> anyhow::Result<()> {
    file.write_all(line.as_bytes())
        .with_context(|| format!("{} cannot be written.", path.display()))
}
