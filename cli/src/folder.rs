//! Samples as a folder with one sub-folder a class (`docs/formats.md`).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use quartermeg_core::network::Value;
use quartermeg_core::session::Samples;
use quartermeg_formats::input_range::InputRange;
use quartermeg_formats::sample_file::{Parts, SampleFileError};
use quartermeg_formats::setup::CLASSES_RANGE;
use quartermeg_formats::table::{self, LABELS_ENDING, Values};
use quartermeg_formats::{explain, own};

use crate::{images, source};

/// A folder whose sub-folders are classes; nothing of its samples has been read yet.
pub(crate) struct Folder {
    path: PathBuf,
    /// Sorted by name, without those that systems put there for themselves.
    classes: Vec<Class>,
}

struct Class {
    name: String,
    files: Vec<PathBuf>,
}

impl Folder {
    /// Lists a folder to learn from; the place of a class among the sorted names is its label.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let folder = Self::list(path)?;
        let [least, most] = CLASSES_RANGE.map(|n_classes| n_classes as usize);
        let n_classes = folder.classes.len();
        let at = path.display();
        if n_classes < least {
            let found = match folder.classes.first() {
                Some(only) => format!("one folder of a class alone, \"{}\"", only.name),
                None => "no folder of a class".to_owned(),
            };
            bail!(
                "{at} holds {found}; make a folder for each of at least {least} classes and put \
                 its samples there."
            );
        }
        if n_classes > most {
            bail!(
                "{at} holds folders of {n_classes} classes, but at most {most} can be learned; \
                 take some away."
            );
        }
        if let Some(empty) = folder.classes.iter().find(|class| class.files.is_empty()) {
            bail!(
                "{} holds no sample; put images, CSV or .npy there, or take the folder away.",
                path.join(&empty.name).display()
            );
        }
        Ok(folder)
    }

    /// Lists a folder to measure on; classes may be missing and their folders empty.
    pub(crate) fn list(path: &Path) -> anyhow::Result<Self> {
        let mut classes = Vec::new();
        for entry in sorted(path)? {
            let name = name(&entry)?;
            if !entry.is_dir() {
                eprintln!(
                    "{} is left out: it lies beside the folders of the classes.",
                    entry.display()
                );
                continue;
            }
            let files = sorted(&entry)?;
            if let Some(inner) = files.iter().find(|file| file.is_dir()) {
                bail!(
                    "{} is a folder inside the folder of a class; move its files up.",
                    inner.display()
                );
            }
            classes.push(Class { name, files });
        }
        Ok(Self {
            path: path.to_path_buf(),
            classes,
        })
    }

    pub(crate) fn n_classes(&self) -> usize {
        self.classes.len()
    }

    /// The names of the classes, in the order of their labels.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.classes
            .iter()
            .map(|class| class.name.as_str())
            .collect()
    }

    /// All samples, class by class, with the label that `names` gives each.
    pub(crate) fn read(&self, names: &[&str], input: Value) -> anyhow::Result<Samples> {
        let all = self.by_label(names, input)?;
        samples(
            input,
            labelled(&all).map(|(_, label, codes)| (label, codes)),
        )
    }

    /// All samples, and of each class every fifth held out, as on the page.
    pub(crate) fn read_parts(&self, input: Value) -> anyhow::Result<Parts> {
        let all = self.by_label(&self.names(), input)?;
        let part = |held_out: bool| {
            let chosen = labelled(&all)
                .filter(|&(position, ..)| own::is_held_out(position) == held_out)
                .map(|(_, label, codes)| (label, codes));
            samples(input, chosen)
        };
        Ok(Parts {
            learn: part(false)?,
            test: part(true)?,
        })
    }

    /// The codes of every sample of every class of `names`.
    fn by_label(&self, names: &[&str], input: Value) -> anyhow::Result<Vec<Vec<Vec<i8>>>> {
        let pixel_codes = InputRange::of(input.quant).codes(input.quant);
        let mut all = vec![Vec::new(); names.len()];
        for class in &self.classes {
            for file in &class.files {
                for (own_class, values) in values_of(file, class, input)? {
                    let name = own_class.as_deref().unwrap_or(&class.name);
                    let label = names.iter().position(|known| *known == name);
                    let label = label.with_context(|| {
                        format!(
                            "{} holds a sample of class \"{name}\", but the classes to learn are \
                             the folders {}.",
                            file.display(),
                            names.join(", ")
                        )
                    })?;
                    all[label].push(match values {
                        Values::Codes(codes) => codes,
                        Values::Pixels(pixels) => pixels
                            .into_iter()
                            .map(|pixel| pixel_codes[usize::from(pixel)])
                            .collect(),
                    });
                }
            }
        }
        if all.iter().all(Vec::is_empty) {
            bail!("{} holds no sample.", self.path.display());
        }
        Ok(all)
    }
}

/// The samples of a file, each with its class where the file itself names it.
fn values_of(
    file: &Path,
    class: &Class,
    input: Value,
) -> anyhow::Result<Vec<(Option<String>, Values)>> {
    let file_name = name(file)?;
    if !table::is_table(&file_name) {
        return Ok(vec![(
            None,
            Values::Pixels(images::read(file, input.shape)?),
        )]);
    }
    if let Some(stem) = file_name.strip_suffix(LABELS_ENDING) {
        let array = file.with_file_name(format!("{stem}.npy"));
        if !class.files.contains(&array) {
            bail!(
                "{} holds labels of {}, which is not there.",
                file.display(),
                array.display()
            );
        }
        // It is read together with its samples.
        return Ok(Vec::new());
    }
    let labels = file_name.strip_suffix(".npy").and_then(|stem| {
        let labels = file.with_file_name(format!("{stem}{LABELS_ENDING}"));
        class.files.contains(&labels).then_some(labels)
    });
    let labels = labels.as_deref().map(source::read_file).transpose()?;
    table::read(
        &file_name,
        &source::read_file(file)?,
        labels.as_deref(),
        input,
    )
    .map(|rows| {
        rows.into_iter()
            .map(|row| (row.class, row.values))
            .collect()
    })
    .map_err(|sentence| anyhow!("{}: {sentence}", file.display()))
}

/// Position in its class, label and codes of every sample.
fn labelled(all: &[Vec<Vec<i8>>]) -> impl Iterator<Item = (usize, u32, &[i8])> {
    (0..).zip(all).flat_map(|(label, samples)| {
        samples
            .iter()
            .enumerate()
            .map(move |(position, codes)| (position, label, codes.as_slice()))
    })
}

fn samples<'a>(
    input: Value,
    chosen: impl Iterator<Item = (u32, &'a [i8])>,
) -> anyhow::Result<Samples> {
    let (mut codes, mut labels) = (Vec::new(), Vec::new());
    for (label, sample) in chosen {
        codes.extend_from_slice(sample);
        labels.push(label);
    }
    let shape = input.shape;
    Samples::new([shape.h, shape.w, shape.c], codes, labels)
        .map_err(|error| anyhow!(explain::samples(&SampleFileError::Samples(error))))
}

/// What lies in a folder, by name, but what systems put there for themselves.
fn sorted(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let unreadable = || format!("The folder {} cannot be read.", folder.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        if !table::is_of_the_system(&entry.file_name().to_string_lossy()) {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> anyhow::Result<String> {
    let name = path.file_name().and_then(|name| name.to_str());
    name.map(str::to_owned).with_context(|| {
        format!(
            "The name of {} is not UTF-8 text; give it another one.",
            path.display()
        )
    })
}
