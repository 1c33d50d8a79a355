//! Contributions as a file: how many validation samples each policy of an analysis recognized,
//! seed by seed, so that gains and their spread can be worked out anew (`docs/formats.md`).

use std::fmt::{self, Display, Formatter};

use quartermeg_formats::link;
use serde::{Deserialize, Serialize};

use crate::space::update_text;
use crate::study::{Outcome, Part};
use crate::{Choice, Contributions, Space};

/// What the file says that it is.
const FORMAT: &str = "quartermeg-contributions";
/// Version of the format.
const VERSION: u32 = 1;

/// What an analysis measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    format: String,
    version: u32,
    /// Network, samples and settings that it holds for ([`crate::Study::identity`], hexadecimal).
    pub study: String,
    /// The command that measures it again; empty where a page measured it.
    #[serde(default)]
    pub command: String,
    /// Steps of each run.
    pub steps: u32,
    /// Learning rate.
    pub rate: f32,
    /// Seeds of the runs.
    pub seeds: Vec<u64>,
    /// Samples that were measured on.
    pub validation_samples: u32,
    /// Of these, those that the classifier alone recognizes, one number a seed.
    pub classifier: Vec<u32>,
    /// The same for each cell, in the order of [`Space::cells`].
    pub cells: Vec<MeasuredCell>,
    /// The same for whole policies, where some were trained; by link text, in its order.
    #[serde(default)]
    pub policies: Vec<MeasuredPolicy>,
}

/// What a whole policy reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasuredPolicy {
    /// Its link text.
    pub policy: String,
    /// Validation samples that are recognized, one number a seed; the seeds may be others than
    /// those of the cells.
    pub correct: Vec<u32>,
}

/// What one layer with one update reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasuredCell {
    /// Index of the convolution.
    pub layer: usize,
    /// `bias`, or the ratio of its weights: `1/8`, `1/4`, `1/2`, `1`.
    pub update: String,
    /// Validation samples that are recognized, one number a seed.
    pub correct: Vec<u32>,
}

/// How an analysis was made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recipe {
    /// As [`Measured::study`].
    pub study: String,
    /// As [`Measured::command`].
    pub command: String,
    /// As [`Measured::steps`].
    pub steps: u32,
    /// As [`Measured::rate`].
    pub rate: f32,
    /// As [`Measured::seeds`].
    pub seeds: Vec<u64>,
}

/// Why a file of contributions cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MeasuredError {
    /// It is no such file; what the reader says.
    Unreadable(String),
    /// It has another version.
    Version(u32),
    /// It is not of this network: its cells are not those that the network has.
    OtherNetwork,
    /// A count is missing, or larger than the number of samples.
    Counts,
}

impl Display for MeasuredError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(reason) => write!(
                f,
                "The file holds no contributions ({reason}); `quartermeg analyze --output FILE` \
                 writes such a file."
            ),
            Self::Version(version) => write!(
                f,
                "The contributions are of version {version}, and version {VERSION} is read here; \
                 measure them again."
            ),
            Self::OtherNetwork => f.write_str(
                "The contributions were measured on another network: their layers and ratios are \
                 not those of this one. Choose its scenario first.",
            ),
            Self::Counts => f.write_str(
                "The contributions are damaged: a cell has not one count a seed, or a count above \
                 the number of samples. Measure them again.",
            ),
        }
    }
}

impl std::error::Error for MeasuredError {}

impl Measured {
    /// Reads the outcomes of [`Contributions::trials`], in their order.
    #[must_use]
    pub fn of(space: &Space, recipe: Recipe, outcomes: &[Outcome]) -> Self {
        let n_seeds = recipe.seeds.len().max(1);
        let validation_samples = outcomes
            .first()
            .map_or(0, |first| count(first.of(Part::Validation).count()));
        let by_policy = outcomes
            .chunks_exact(n_seeds)
            .map(|outcomes| outcomes.iter().map(Outcome::recognized).collect());
        Self::of_counts(space, recipe, validation_samples, by_policy)
    }

    /// From the validation samples that the classifier alone recognizes, one number a seed, and
    /// then the same for each cell, in the order of [`Space::cells`].
    #[must_use]
    pub fn of_counts(
        space: &Space,
        recipe: Recipe,
        validation_samples: u32,
        mut counts: impl Iterator<Item = Vec<u32>>,
    ) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            study: recipe.study,
            command: recipe.command,
            steps: recipe.steps,
            rate: recipe.rate,
            seeds: recipe.seeds,
            validation_samples,
            classifier: counts.next().unwrap_or_default(),
            cells: space
                .cells()
                .zip(counts)
                .map(|((layer, at), correct)| MeasuredCell {
                    layer,
                    update: update_text(space.layers()[layer][at]),
                    correct,
                })
                .collect(),
            policies: Vec::new(),
        }
    }

    /// Adds whole policies, by link text, with an outcome a seed; those with fewer seeds than the
    /// cells have, and those that are cells, are left out.
    pub fn add_policies<'a>(
        &mut self,
        space: &Space,
        known: impl IntoIterator<Item = (&'a str, Vec<&'a Outcome>)>,
    ) {
        let n_seeds = self.seeds.len();
        let whole = known.into_iter().filter(|(policy, outcomes)| {
            let choice = choice_of(space, policy).unwrap_or_default();
            let n_layers = choice.iter().filter(|&&at| at > 0).count();
            n_layers > 1 && outcomes.len() >= n_seeds
        });
        self.policies = whole
            .map(|(policy, outcomes)| MeasuredPolicy {
                policy: policy.to_owned(),
                correct: outcomes.into_iter().map(Outcome::recognized).collect(),
            })
            .collect();
    }

    /// Every policy that was trained, with its mean accuracy: the classifier alone, each cell
    /// alone, and the whole ones.
    pub fn trained<'a>(&'a self, space: &'a Space) -> impl Iterator<Item = (Choice, f64)> + 'a {
        let accuracy = |correct: &[u32]| {
            let n = f64::from(self.validation_samples) * count_of(correct);
            correct.iter().copied().map(f64::from).sum::<f64>() / n.max(1.0)
        };
        let alone = (space.frozen(), accuracy(&self.classifier));
        let cells = space.cells().zip(&self.cells);
        let cells = cells.map(move |((layer, at), cell)| {
            let mut choice = space.frozen();
            choice[layer] = at;
            (choice, accuracy(&cell.correct))
        });
        let whole = self
            .policies
            .iter()
            .filter_map(move |it| Some((choice_of(space, &it.policy)?, accuracy(&it.correct))));
        std::iter::once(alone).chain(cells).chain(whole)
    }

    /// Whether a file looks like one of contributions.
    #[must_use]
    pub fn is_one(bytes: &[u8]) -> bool {
        let name = FORMAT.as_bytes();
        let beginning = &bytes[..bytes.len().min(64)];
        beginning.windows(name.len()).any(|window| window == name)
    }

    /// Reads a file and holds it against the network's `space`.
    ///
    /// # Errors
    /// When it is no such file, damaged, or of another network.
    pub fn read(bytes: &[u8], space: &Space) -> Result<Self, MeasuredError> {
        let measured: Self = serde_json::from_slice(bytes)
            .map_err(|error| MeasuredError::Unreadable(error.to_string()))?;
        if measured.format != FORMAT {
            return Err(MeasuredError::Unreadable("it says so".to_owned()));
        }
        if measured.version != VERSION {
            return Err(MeasuredError::Version(measured.version));
        }
        let cells = space
            .cells()
            .map(|(layer, at)| (layer, update_text(space.layers()[layer][at])));
        let known = measured
            .cells
            .iter()
            .map(|cell| (cell.layer, cell.update.clone()));
        if !cells.eq(known) {
            return Err(MeasuredError::OtherNetwork);
        }
        let of_network = |it: &MeasuredPolicy| choice_of(space, &it.policy).is_some();
        if !measured.policies.iter().all(of_network) {
            return Err(MeasuredError::OtherNetwork);
        }
        let n_seeds = measured.seeds.len();
        let is_counted = |it: &MeasuredPolicy| {
            let mut counts = it.correct.iter();
            !it.correct.is_empty() && counts.all(|&count| count <= measured.validation_samples)
        };
        let is_whole = |correct: &Vec<u32>| {
            let most = measured.validation_samples;
            correct.len() == n_seeds && correct.iter().all(|&count| count <= most)
        };
        let counts = measured.cells.iter().map(|cell| &cell.correct);
        let has_all = counts.chain([&measured.classifier]).all(is_whole);
        let has_all = has_all && measured.policies.iter().all(is_counted);
        if n_seeds == 0 || measured.validation_samples == 0 || !has_all {
            return Err(MeasuredError::Counts);
        }
        Ok(measured)
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> String {
        // It has no map with keys that are no texts, nor a float that is not finite.
        let mut text = serde_json::to_string(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// What each cell gains.
    #[must_use]
    pub fn contributions(&self, space: &Space) -> Contributions {
        let n = f64::from(self.validation_samples.max(1));
        let accuracies = |counts: &Vec<u32>| -> Vec<f64> {
            counts.iter().map(|&count| f64::from(count) / n).collect()
        };
        let cells = self.cells.iter().map(|cell| accuracies(&cell.correct));
        Contributions::of(space, accuracies(&self.classifier), cells)
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn count_of(counts: &[u32]) -> f64 {
    crate::statistics::count(counts.len())
}

fn choice_of(space: &Space, policy: &str) -> Option<Choice> {
    let policy = link::parse_policy(policy).ok()?;
    space.choice(&policy)
}
