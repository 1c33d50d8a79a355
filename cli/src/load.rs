//! What is trained: network and setup as the options say, and samples.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use quartermeg_core::network::Network;
use quartermeg_core::session::Samples;
use quartermeg_formats::motion::{Channel, Description};
use quartermeg_formats::scenario::Scenario;
use quartermeg_formats::setup::Setup;
use quartermeg_formats::{explain, sample_file};

use crate::folder::Folder;
use crate::setup::{SetupOptions, Start};
use crate::source;

/// The options that say which samples there are.
#[derive(Debug, clap::Args)]
pub(crate) struct SampleOptions {
    /// Samples to learn from: a folder with one sub-folder a class, of images (PNG, JPEG, BMP), CSV
    /// or .npy; or safetensors with `x` int8 `[n,c,h,w]` and `y` int32 `[n]`. A folder says how
    /// many classes the new classifier has, and without --eval every fifth sample of a class is
    /// held out to measure the accuracy on.
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
    /// Samples to measure the accuracy on, a folder or safetensors.
    #[arg(long)]
    pub(crate) eval: Option<PathBuf>,
}

pub(crate) struct Loaded {
    pub(crate) network: Network,
    pub(crate) setup: Setup,
    /// None for a network file without a link.
    pub(crate) scenario: Option<&'static Scenario>,
    pub(crate) learn: Samples,
    pub(crate) test: Option<Samples>,
}

pub(crate) fn load(options: &SetupOptions, files: &SampleOptions) -> anyhow::Result<Loaded> {
    let folder = match &files.data {
        Some(path) if path.is_dir() => Some(Folder::open(path)?),
        _ => None,
    };
    let Start {
        network,
        setup,
        scenario,
    } = options.start(folder.as_ref())?;
    if let Some(folder) = &folder {
        let (asked, known) = (folder.n_classes(), network.classes().len());
        if asked > known {
            bail!(
                "The classifier knows {known} classes, but --data has folders of {asked}: {}.",
                folder.names().join(", ")
            );
        }
    }
    let (learn, test) = samples(files, folder.as_ref(), &network, scenario)?;
    Ok(Loaded {
        network,
        setup,
        scenario,
        learn,
        test,
    })
}

/// Samples to learn from and to measure on; files take the place of what a scenario has.
fn samples(
    files: &SampleOptions,
    folder: Option<&Folder>,
    network: &Network,
    scenario: Option<&'static Scenario>,
) -> anyhow::Result<(Samples, Option<Samples>)> {
    let parts = match scenario {
        Some(scenario) if !scenario.is_own() => source::scenario_samples(scenario)?,
        _ => None,
    };
    let (mut learn, mut test) = parts.map(|parts| (parts.learn, parts.test)).unzip();
    match (folder, &files.data) {
        (Some(folder), _) if files.eval.is_none() => {
            let parts = folder.read_parts(network.input())?;
            (learn, test) = (
                Some(parts.learn),
                (!parts.test.is_empty()).then_some(parts.test),
            );
        }
        (Some(folder), _) => learn = Some(folder.read(&folder.names(), network.input())?),
        (None, Some(path)) => learn = Some(read_file(path)?),
        (None, None) => {}
    }
    if let Some(path) = &files.eval {
        test = Some(if path.is_dir() {
            let measured = Folder::list(path)?;
            let names = folder.map_or_else(|| measured.names(), Folder::names);
            measured.read(&names, network.input())?
        } else {
            read_file(path)?
        });
    }
    let learn = learn.context("Name the samples to learn from with --data.")?;
    Ok((learn, test))
}

/// What motion is recorded by: as the file of `--data` describes it, else as that of the scenario
/// does; nothing where neither is about motion.
pub(crate) fn channels(
    files: &SampleOptions,
    scenario: Option<&'static Scenario>,
) -> anyhow::Result<Vec<Channel>> {
    let described = match &files.data {
        Some(path) if !path.is_dir() => Description::read(&source::read_file(path)?),
        _ => None,
    };
    let of_scenario = || scenario.and_then(source::scenario_motion);
    let description = described.or_else(of_scenario);
    Ok(description.map_or_else(Vec::new, |it| it.channels))
}

fn read_file(path: &Path) -> anyhow::Result<Samples> {
    sample_file::read(&source::read_file(path)?)
        .map_err(|error| anyhow!("{}: {}", path.display(), explain::samples(&error)))
}
