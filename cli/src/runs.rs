//! Runs that know nothing of each other: their options, and all threads for them.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use quartermeg_formats::explain;
use quartermeg_search::StudyError;

/// What takes longer is announced.
const LONG: Duration = Duration::from_secs(5);

/// How many runs there are, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct RunOptions {
    /// How many seeds each policy is trained with; the first is that of --seed.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) seeds: u32,
    /// Threads; as many as the machine has if absent. The results do not depend on it.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

impl RunOptions {
    pub(crate) fn threads(&self) -> usize {
        self.threads.map_or_else(
            || std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            usize::from,
        )
    }

    /// The seeds from the first one on.
    pub(crate) fn seeds_from(&self, first: u64) -> Vec<u64> {
        let all = 0..u64::from(self.seeds);
        all.map(|at| first.wrapping_add(at)).collect()
    }
}

/// Why runs cannot begin.
pub(crate) fn sentence(error: &StudyError) -> String {
    match error {
        StudyError::Compile(error) => explain::compile(error),
        StudyError::Session(error) => explain::session(error),
        StudyError::NothingHeldOut => "There is nothing to measure the accuracy on: name at least \
                                       two samples with --eval, or give every class of --data at \
                                       least five samples, of which every fifth is held out."
            .to_owned(),
    }
}

/// How far one job is.
pub(crate) struct Progress<'a> {
    bar: &'a ProgressBar,
    told: Cell<u64>,
}

impl Progress<'_> {
    /// So many multiply-accumulates of the job are done.
    pub(crate) fn tell(&self, macs: u64) {
        let told = self.told.replace(macs);
        self.bar.inc(macs.saturating_sub(told));
    }
}

/// Does all jobs, each with its multiply-accumulates, on so many threads in their order, and takes
/// what came of each as soon as it is there. The first that is done says how long the others will
/// take.
pub(crate) fn all<Job: Sync, Outcome: Send>(
    what: &str,
    threads: usize,
    jobs: &[(Job, u64)],
    run: impl Fn(&Job, &Progress<'_>) -> anyhow::Result<Outcome> + Sync,
    mut take: impl FnMut(&Job, Outcome) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let macs = jobs.iter().map(|(_, macs)| macs).sum();
    let bar = ProgressBar::new(macs).with_style(
        ProgressStyle::with_template("{bar:40} {percent} %  {msg}  {eta} left")
            .unwrap_or_else(|_invalid| ProgressStyle::default_bar()),
    );
    let threads = threads.min(jobs.len());
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, next, bar, run) = (sender.clone(), &next, &bar, &run);
            scope.spawn(move || {
                while let Some((job, macs)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let progress = Progress {
                        bar,
                        told: Cell::new(0),
                    };
                    let result = run(job, &progress);
                    progress.tell(*macs);
                    // Nobody listens any more after an error.
                    if sender.send((job, *macs, result)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (n_before, (job, of_job, result)) in receiver.into_iter().enumerate() {
            take(job, result?)?;
            if n_before == 0 {
                announce(what, jobs.len() - 1, threads, begun.elapsed(), of_job, macs);
            }
            bar.set_message(format!("{} of {} runs", n_before + 1, jobs.len()));
        }
        anyhow::Ok(())
    })?;
    bar.finish_and_clear();
    Ok(())
}

/// Says how long the rest will take, going by the first run, where one would wonder.
fn announce(what: &str, n_left: usize, threads: usize, first: Duration, macs: u64, all: u64) {
    #[expect(clippy::cast_precision_loss, reason = "an estimate for people")]
    let share = all as f64 / macs.max(1) as f64 / threads as f64;
    let time = first.mul_f64(share).saturating_sub(first);
    if time < LONG {
        return;
    }
    let runs = explain::number(n_left as u64);
    eprintln!(
        "{what}: {runs} more runs on {threads} threads, about {}.",
        HumanDuration(time)
    );
}
