//! What a program is made of: network, policy and training settings, from a link, a scenario or
//! files, and options that take the place of what those say.

use anyhow::{Context as _, anyhow, bail};
use quartermeg_core::network::Network;
use quartermeg_core::policy::Policy;
use quartermeg_core::quant::Rules;
use quartermeg_formats::scenario::{OWN, Scenario};
use quartermeg_formats::setup::{
    BIAS_RATE_RANGE, Head, LEARNING_RATE_RANGE, MOMENTUM_RANGE, RateSchedule, Setup,
};
use quartermeg_formats::{explain, link, numerics, own};

use crate::folder::Folder;
use crate::source::{self, NetworkSource};

/// The options that decide which program comes out.
#[derive(Debug, clap::Args)]
pub(crate) struct SetupOptions {
    #[command(flatten)]
    network: NetworkSource,
    /// A link of the page, or what stands behind its #; one about your own network (`scenario=own`)
    /// needs the network's file and --data.
    #[arg(long, conflicts_with_all = ["scenario", "classes"])]
    pub(crate) link: Option<String>,
    /// What learns (as for `memory --scheme`).
    #[arg(long, allow_hyphen_values = true)]
    scheme: Option<String>,
    /// Learning rate.
    #[arg(long)]
    lr: Option<f32>,
    /// What the rate of biases is multiplied by.
    #[arg(long)]
    bias_rate: Option<f32>,
    /// How the rate changes: constant, cosine, or cosine:W with a rise of W steps.
    #[arg(long)]
    schedule: Option<String>,
    /// Share of the momentum buffer that is kept, where --numerics has optimizer:momentum.
    #[arg(long)]
    momentum: Option<f32>,
    /// Arithmetic (as for `memory --numerics`); a link's or scenario's own if absent.
    #[arg(long)]
    numerics: Option<String>,
    /// Quantization-aware scaling of the gradients: on or off.
    #[arg(long, value_parser = ["on", "off"])]
    qas: Option<String>,
    /// Seed of rounding noise and sample order.
    #[arg(long)]
    seed: Option<u64>,
}

/// What the options say.
pub(crate) struct Start {
    pub(crate) network: Network,
    pub(crate) setup: Setup,
    /// None for a network file without a link.
    pub(crate) scenario: Option<&'static Scenario>,
}

impl SetupOptions {
    /// Whether they say what learns.
    pub(crate) fn names_policy(&self) -> bool {
        self.scheme.is_some() || self.link.is_some()
    }

    /// Network and setup; a folder of samples decides the classes of a new classifier.
    pub(crate) fn start(&self, folder: Option<&Folder>) -> anyhow::Result<Start> {
        let mut start = match &self.link {
            Some(text) => by_link(text, self, folder)?,
            None => by_options(self, folder)?,
        };
        if let Some(scheme) = &self.scheme {
            start.setup.policy = source::policy(&start.network, start.scenario, scheme)?;
        }
        settings(self, &mut start.setup)?;
        Ok(start)
    }
}

fn by_link(text: &str, arguments: &SetupOptions, folder: Option<&Folder>) -> anyhow::Result<Start> {
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
        return Ok(Start {
            network: source::scenario_network(scenario, setup.head)?,
            setup,
            scenario: Some(scenario),
        });
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
    Ok(Start {
        network,
        setup,
        scenario: Some(&OWN),
    })
}

fn by_options(arguments: &SetupOptions, folder: Option<&Folder>) -> anyhow::Result<Start> {
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
    let (network, scenario, head) = source.load_with_classes(rules, n_classes)?;
    let mut setup = scenario.unwrap_or(&OWN).default_setup();
    setup.head = head;
    if scenario.is_none() {
        setup.policy = Policy::classifier_only(&network);
    }
    // Without a link there is no device to hold the step to.
    setup.budget_bytes = u32::MAX;
    Ok(Start {
        network,
        setup,
        scenario,
    })
}

fn numerics_of(text: &str) -> anyhow::Result<Rules> {
    numerics::parse(text).map_err(|error| anyhow!(explain::numerics(&error)))
}

/// Puts the options in the place of what the link or the scenario says.
fn settings(arguments: &SetupOptions, setup: &mut Setup) -> anyhow::Result<()> {
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
