//! Runs trials on all threads, and keeps the outcome of each the moment it is there.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use quartermeg_core::policy::Policy;
use quartermeg_formats::config::hex;
use quartermeg_formats::explain;
use quartermeg_search::trials_file::{Known, KnownOutcomes};
use quartermeg_search::{Outcome, Planned, Study, Trial};

use super::options::{Shard, sentence};

/// Digits of the identity in the name of a file of outcomes.
const NAME_DIGITS: usize = 16;

/// What takes longer is announced.
const LONG: Duration = Duration::from_secs(5);

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
        // The longest run says how long the others will take, before they begin.
        let longest = (0..waiting.len()).max_by_key(|&at| (waiting[at].1, std::cmp::Reverse(at)));
        let Some((first, macs)) = longest.map(|at| waiting.remove(at)) else {
            return Ok(());
        };
        let known = run_one(&self.study, first)?;
        let took = Duration::from_millis(known.milliseconds);
        self.keep(first, known)?;
        let left: u64 = waiting.iter().map(|(_, macs)| macs).sum();
        let threads = self.threads;
        announce(what, waiting.len(), threads, took, macs, left);
        self.run_rest(&waiting, left)?;
        self.tally.run += waiting.len() + 1;
        Ok(())
    }

    fn run_rest(&mut self, trials: &[(&Trial, u64)], macs: u64) -> anyhow::Result<()> {
        let bar = ProgressBar::new(macs).with_style(
            ProgressStyle::with_template("{bar:40} {percent} %  {msg}  {eta} left")
                .unwrap_or_else(|_invalid| ProgressStyle::default_bar()),
        );
        let next = AtomicUsize::new(0);
        let (sender, receiver) = mpsc::channel();
        let study = &self.study;
        let threads = self.threads.min(trials.len());
        let (known, file, path) = (&mut self.known, &mut self.file, &self.path);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                let (sender, next) = (sender.clone(), &next);
                scope.spawn(move || {
                    while let Some((trial, macs)) = trials.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        let known = run_one(study, trial);
                        // Nobody listens any more after an error.
                        if sender.send((*trial, *macs, known)).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            let mut n_done = 0;
            for (trial, macs, now_known) in receiver {
                write(file, path, &known.add(trial, now_known?))?;
                n_done += 1;
                bar.inc(macs);
                bar.set_message(format!("{n_done} of {} runs", trials.len()));
            }
            anyhow::Ok(())
        })?;
        bar.finish_and_clear();
        Ok(())
    }

    fn keep(&mut self, trial: &Trial, known: Known) -> anyhow::Result<()> {
        let line = self.known.add(trial, known);
        write(&mut self.file, &self.path, &line)
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

/// Says how long the rest will take, going by the first run, where one would wonder.
fn announce(what: &str, n_left: usize, threads: usize, first: Duration, macs: u64, left: u64) {
    #[expect(clippy::cast_precision_loss, reason = "an estimate for people")]
    let share = left as f64 / macs.max(1) as f64 / threads as f64;
    let time = first.mul_f64(share);
    if time < LONG {
        return;
    }
    let runs = explain::number(n_left as u64);
    eprintln!(
        "{what}: {runs} more runs on {threads} threads, about {}.",
        HumanDuration(time)
    );
}
