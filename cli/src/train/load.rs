//! What a run trains: network, setup and samples, from a link, a scenario or files.

use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use quartermeg_core::network::Network;
use quartermeg_core::policy::Policy;
use quartermeg_core::quant::Rules;
use quartermeg_core::session::Samples;
use quartermeg_formats::scenario::{OWN, SCENARIOS, Scenario};
use quartermeg_formats::setup::{
    BIAS_RATE_RANGE, Head, LEARNING_RATE_RANGE, MAX_STEPS, MOMENTUM_RANGE, RateSchedule, Setup,
};
use quartermeg_formats::{explain, link, numerics, own, sample_file};

use super::Arguments;
use crate::folder::Folder;
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
    let (network, mut setup, scenario) = match &arguments.link {
        Some(text) => by_link(text, arguments, folder.as_ref())?,
        None => by_options(arguments, folder.as_ref())?,
    };
    if let Some(folder) = &folder {
        let (asked, known) = (folder.n_classes(), network.classes().len());
        if asked > known {
            bail!(
                "The classifier knows {known} classes, but --data has folders of {asked}: {}.",
                folder.names().join(", ")
            );
        }
    }
    if let Some(scheme) = &arguments.scheme {
        setup.policy = source::policy(&network, scenario, scheme)?;
    }
    settings(arguments, &mut setup)?;
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

type Start = (Network, Setup, Option<&'static Scenario>);

fn by_link(text: &str, arguments: &Arguments, folder: Option<&Folder>) -> anyhow::Result<Start> {
    let (link, corrections) = link::parse(text);
    for correction in &corrections {
        eprintln!("{}", explain::correction(correction));
    }
    let mut setup = link.setup;
    if let (Some(Head { n_classes, .. }), Some(folder)) = (setup.head, folder)
        && n_classes as usize != folder.n_classes()
    {
        bail!(
            "The link asks for a classifier of {n_classes} classes, but --data has folders of {}: \
             {}. Make them one number; in a link it is head={}.",
            folder.n_classes(),
            folder.names().join(", "),
            folder.n_classes()
        );
    }
    if setup.scenario != OWN.id {
        if arguments.network.file.is_some() {
            bail!(
                "The link is about the scenario \"{}\", which has its network; leave MODEL out, or \
                 take a link with scenario=own.",
                setup.scenario
            );
        }
        let scenario = source::scenario_by_id(&setup.scenario)?;
        return Ok((
            source::scenario_network(scenario, setup.head)?,
            setup,
            Some(scenario),
        ));
    }
    let path = arguments.network.file.as_deref().context(
        "The link is about a network of one's own: name the network's file, and its samples with \
         --data.",
    )?;
    let (network, _) = source::read_model(path)?;
    let network = own::with_head(&network, setup.head)
        .map_err(|error| anyhow!("{}: {}", path.display(), explain::of_network(&error)))?;
    if setup.policy.layers.is_empty() {
        setup.policy = own::default_policy(&network);
    }
    Ok((network, setup, Some(&OWN)))
}

fn by_options(arguments: &Arguments, folder: Option<&Folder>) -> anyhow::Result<Start> {
    let rules = match &arguments.numerics {
        Some(text) => numerics_of(text)?,
        None => Rules::DEVICE,
    };
    let source = &arguments.network;
    let mut n_classes = source.n_classes();
    if let (Some(folder), Some(asked)) = (folder, n_classes)
        && folder.n_classes() != asked
    {
        bail!(
            "--classes {asked} contradicts --data, which has folders of {} classes: {}; leave \
             --classes out.",
            folder.n_classes(),
            folder.names().join(", ")
        );
    }
    if n_classes.is_none() {
        n_classes = folder.map(Folder::n_classes);
    }
    let (network, scenario) = source.load_with_classes(rules, n_classes)?;
    let mut setup = scenario.unwrap_or(&SCENARIOS[0]).default_setup();
    if scenario.is_none() {
        setup.policy = Policy::classifier_only(&network);
    }
    // Without a link there is no device to hold the step to.
    setup.budget_bytes = u32::MAX;
    Ok((network, setup, scenario))
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

fn numerics_of(text: &str) -> anyhow::Result<Rules> {
    numerics::parse(text).map_err(|error| anyhow!(explain::numerics(&error)))
}

/// Puts the options in the place of what the link or the scenario says.
fn settings(arguments: &Arguments, setup: &mut Setup) -> anyhow::Result<()> {
    let numbers = [
        (
            "--lr",
            "learning rate",
            arguments.lr,
            LEARNING_RATE_RANGE,
            &mut setup.learning_rate,
        ),
        (
            "--bias-rate",
            "factor of the bias rate",
            arguments.bias_rate,
            BIAS_RATE_RANGE,
            &mut setup.bias_rate_factor,
        ),
        (
            "--momentum",
            "momentum",
            arguments.momentum,
            MOMENTUM_RANGE,
            &mut setup.momentum,
        ),
    ];
    for (name, what, given, [lowest, highest], value) in numbers {
        if let Some(given) = given {
            if !(lowest..=highest).contains(&given) {
                bail!("{name} {given} cannot be used: a {what} lies in {lowest}..{highest}.");
            }
            *value = given;
        }
    }
    if let Some(text) = &arguments.numerics {
        setup.rules = numerics_of(text)?;
    }
    if let Some(text) = &arguments.schedule {
        setup.schedule = RateSchedule::parse(text).with_context(|| {
            format!("--schedule {text} cannot be used: it is constant, cosine or cosine:W.")
        })?;
    }
    if let Some(qas) = &arguments.qas {
        setup.qas = qas == "on";
    }
    if let Some(seed) = arguments.seed {
        setup.seed = seed;
    }
    Ok(())
}
