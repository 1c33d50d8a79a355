//! Which samples a program learns from: those that its scenario ships with, in the order in which
//! the page would take them, or else pseudo-random codes.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use quartermeg_core::program::Program;
use quartermeg_core::runtime::{mix, sample_at};
use quartermeg_core::session::Samples;
use quartermeg_formats::scenario::{SampleKind, Scenario};
use quartermeg_formats::{explain, sample_file};

/// Seed of the pseudo-random codes.
pub const SEED: u32 = 2022;
/// How many pseudo-random samples take turns.
const N_RANDOM: u32 = 4;

/// Samples, and a word on where they are from.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The samples, in the order in which they take turns.
    pub samples: Samples,
    /// Where they are from, as a person reads it.
    pub source: String,
}

/// Chooses at most `n_samples` samples for the steps from `first_step` on.
///
/// # Errors
/// When the scenario's file cannot be read.
pub fn choose<B: AsRef<[u8]>>(
    scenario: Option<&Scenario>,
    program: &Program<B>,
    first_step: u32,
    n_samples: u32,
) -> anyhow::Result<Chosen> {
    let shape = program.meta().input_shape.map(|extent| extent as usize);
    if let Some(scenario) = scenario.filter(|scenario| !scenario.samples_path.is_empty()) {
        let learn = shipped(scenario)?;
        if learn.shape() == shape {
            let seed = program.settings().seed;
            let n_learn = u32::try_from(learn.len()).unwrap_or(u32::MAX);
            let order = (0..n_samples.min(n_learn))
                .map(|at| learn.get(sample_at(seed, first_step + at, n_learn) as usize));
            return Ok(Chosen {
                samples: collect(shape, order)?,
                source: format!(
                    "the first {} of the scenario \"{}\"",
                    n_samples.min(n_learn),
                    scenario.id
                ),
            });
        }
    }
    let n_samples = n_samples.min(N_RANDOM);
    let n_classes = program.meta().head.n_classes;
    let n_codes = shape.iter().product();
    let codes: Vec<Vec<i8>> = (0..n_samples)
        .map(|sample| noise(sample, n_codes))
        .collect();
    let order = (0..n_samples).zip(&codes);
    let order = order.map(|(sample, codes)| (codes.as_slice(), sample % n_classes));
    Ok(Chosen {
        samples: collect(shape, order)?,
        source: format!("{n_samples} of pseudo-random codes, seed {SEED}"),
    })
}

fn collect<'a>(
    shape: [usize; 3],
    samples: impl Iterator<Item = (&'a [i8], u32)>,
) -> anyhow::Result<Samples> {
    let (mut codes, mut labels) = (Vec::new(), Vec::new());
    for (of_sample, label) in samples {
        codes.extend_from_slice(of_sample);
        labels.push(label);
    }
    Samples::new(shape, codes, labels).map_err(|error| anyhow!("{error:?}"))
}

/// The samples to learn from that a scenario ships with.
///
/// # Errors
/// When their file cannot be read.
pub fn shipped(scenario: &Scenario) -> anyhow::Result<Samples> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let path = root.join(scenario.samples_path);
    let file =
        std::fs::read(&path).with_context(|| format!("{} cannot be read.", path.display()))?;
    let learn = match scenario.samples {
        SampleKind::Drawing => sample_file::read_digits(&file).map(|digits| digits.learn),
        SampleKind::Motion | SampleKind::Own => {
            sample_file::read_parts(&file).map(|parts| parts.learn)
        }
    };
    learn.map_err(|error| anyhow!(explain::samples(&error)))
}

fn noise(sample: u32, n_codes: usize) -> Vec<i8> {
    (0u32..)
        .take(n_codes)
        .map(|at| mix(mix(SEED ^ (sample << 24)) ^ at).to_le_bytes()[0].cast_signed())
        .collect()
}
