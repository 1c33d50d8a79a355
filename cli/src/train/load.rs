//! What a run trains: network and setup as its options say, and samples.

use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use quartermeg_core::network::Network;
use quartermeg_core::session::Samples;
use quartermeg_formats::scenario::Scenario;
use quartermeg_formats::setup::{MAX_STEPS, Setup};
use quartermeg_formats::{explain, sample_file};

use super::Arguments;
use crate::folder::Folder;
use crate::setup::Start;
use crate::source;

pub(super) struct Loaded {
    pub(super) network: Network,
    pub(super) setup: Setup,
    pub(super) learn: Samples,
    pub(super) test: Option<Samples>,
}

pub(super) fn load(arguments: &Arguments) -> anyhow::Result<Loaded> {
    let folder = match &arguments.data {
        Some(path) if path.is_dir() => Some(Folder::open(path)?),
        _ => None,
    };
    let Start {
        network,
        mut setup,
        scenario,
    } = arguments.setup.start(folder.as_ref())?;
    if let Some(folder) = &folder {
        let (asked, known) = (folder.n_classes(), network.classes().len());
        if asked > known {
            bail!(
                "The classifier knows {known} classes, but --data has folders of {asked}: {}.",
                folder.names().join(", ")
            );
        }
    }
    let (learn, test) = samples(arguments, folder.as_ref(), &network, scenario)?;
    if let Some(epochs) = arguments.epochs {
        let n_samples = u32::try_from(learn.len()).unwrap_or(u32::MAX);
        setup.stop_after = epochs.saturating_mul(n_samples).min(MAX_STEPS);
    }
    if let Some(steps) = arguments.steps {
        setup.stop_after = steps;
    }
    Ok(Loaded {
        network,
        setup,
        learn,
        test,
    })
}

/// Samples to learn from and to measure on; files take the place of what a scenario has.
fn samples(
    arguments: &Arguments,
    folder: Option<&Folder>,
    network: &Network,
    scenario: Option<&'static Scenario>,
) -> anyhow::Result<(Samples, Option<Samples>)> {
    let parts = match scenario {
        Some(scenario) if !scenario.is_own() => source::scenario_samples(scenario)?,
        _ => None,
    };
    let (mut learn, mut test) = parts.map(|parts| (parts.learn, parts.test)).unzip();
    match (folder, &arguments.data) {
        (Some(folder), _) if arguments.eval.is_none() => {
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
    if let Some(path) = &arguments.eval {
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

fn read_file(path: &Path) -> anyhow::Result<Samples> {
    sample_file::read(&source::read_file(path)?)
        .map_err(|error| anyhow!("{}: {}", path.display(), explain::samples(&error)))
}
