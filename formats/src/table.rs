//! Files of samples that are no images: CSV and arrays of numpy (`docs/formats.md`).

use quartermeg_core::network::Value;

use crate::npy::NpySamples;
use crate::{csv_samples, explain, npy};

/// What the name of a file ends in that holds the labels of the array `x.npy`.
pub const LABELS_ENDING: &str = "_labels.npy";
/// What the names of such files end in.
const ENDINGS: [&str; 4] = [".csv", ".tsv", ".txt", ".npy"];

/// The values of a sample, in the order height, width, channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// Grey or colour values, 0 to 255.
    Pixels(Vec<u8>),
    /// Codes of the network's input.
    Codes(Vec<i8>),
}

/// A sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSample {
    /// Its class, where the file names it.
    pub class: Option<String>,
    /// Its values.
    pub values: Values,
}

/// Whether a file holds samples and is no image, by its name.
#[must_use]
pub fn is_table(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Names that systems give to files of their own.
#[must_use]
pub fn is_of_the_system(name: &str) -> bool {
    name.starts_with('.') || name == "Thumbs.db" || name == "desktop.ini"
}

/// Reads a file of samples for a network with that input; `labels` is the file of labels that
/// belongs to an array.
///
/// # Errors
/// The sentence that says what is wrong with the file.
pub fn read(
    name: &str,
    file: &[u8],
    labels: Option<&[u8]>,
    input: Value,
) -> Result<Vec<TableSample>, String> {
    if name.to_ascii_lowercase().ends_with(".npy") {
        return read_npy(file, labels, input);
    }
    let rows = csv_samples::read(file, input).map_err(|error| explain::csv_samples(&error))?;
    Ok(rows
        .into_iter()
        .map(|row| TableSample {
            class: row.class,
            values: Values::Codes(row.codes),
        })
        .collect())
}

fn read_npy(file: &[u8], labels: Option<&[u8]>, input: Value) -> Result<Vec<TableSample>, String> {
    let samples = npy::samples(file, input).map_err(|error| explain::npy(&error))?;
    let all: Vec<Values> = match samples {
        NpySamples::Pixels(all) => all.into_iter().map(Values::Pixels).collect(),
        NpySamples::Codes(all) => all.into_iter().map(Values::Codes).collect(),
    };
    let mut classes = vec![None; all.len()];
    if let Some(labels) = labels {
        let labels = npy::labels(labels, all.len())
            .map_err(|error| format!("its labels cannot be used. {}", explain::npy(&error)))?;
        classes = labels.iter().map(|label| Some(label.to_string())).collect();
    }
    Ok(classes
        .into_iter()
        .zip(all)
        .map(|(class, values)| TableSample { class, values })
        .collect())
}
