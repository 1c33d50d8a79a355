//! Where a network, a policy and samples come from: a file or a scenario that ships.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::network::Network;
use quartermeg_core::policy::{Policy, SchemeError, parse_channels, parse_recompute, parse_scheme};
use quartermeg_core::program::{Program, Settings};
use quartermeg_core::quant::ChannelChoice;
use quartermeg_core::quant::Rules;
use quartermeg_formats::config::Trained;
use quartermeg_formats::export::{weights, yaml};
use quartermeg_formats::model::{self, ModelKind};
use quartermeg_formats::motion::Description;
use quartermeg_formats::sample_file::Parts;
use quartermeg_formats::scenario::{self, SampleKind, Scenario};
use quartermeg_formats::setup::Head;
use quartermeg_formats::{explain, link, own, sample_file};

/// A file that ships, read when the program is built.
macro_rules! shipped {
    ($path:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../static/", $path))
    };
}

/// Network of a scenario, and its samples where it has some.
fn scenario_files(scenario: &Scenario) -> anyhow::Result<(&'static [u8], Option<&'static [u8]>)> {
    match scenario.id {
        "keyboard" => Ok((
            shipped!("models/keyboard.safetensors"),
            Some(shipped!("data/keyboard-digits.safetensors.gz")),
        )),
        "watch" => Ok((
            shipped!("models/watch.safetensors"),
            Some(shipped!("data/watch-person.safetensors.gz")),
        )),
        "person" => Ok((shipped!("models/person.tflite"), None)),
        id => bail!("Scenario \"{id}\" does not ship with the command line."),
    }
}

/// A network file as it is.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ModelFile {
    /// A network file: Quartermeg's own (.safetensors), int8 .tflite, or one of `tiny-training`
    /// (.pkl).
    model: PathBuf,
}

impl ModelFile {
    pub(crate) fn read(&self) -> anyhow::Result<Network> {
        read_model(&self.model).map(|(network, _)| network)
    }
}

/// A network file, or a scenario in its place, as it is trained.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct NetworkSource {
    /// A network file: Quartermeg's own (.safetensors), int8 .tflite, or one of `tiny-training`
    /// (.pkl).
    #[arg(value_name = "MODEL", conflicts_with = "scenario")]
    pub(crate) file: Option<PathBuf>,
    /// A scenario that ships: keyboard, watch or person.
    #[arg(long)]
    scenario: Option<String>,
    /// Classes of a new classifier; 10 where the file's own classifier is replaced anyway, as for
    /// the networks of `tiny-training`, 2 for the scenario person, else the file's own classifier
    /// is kept.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=4096))]
    classes: Option<u32>,
}

impl NetworkSource {
    pub(crate) fn load(
        &self,
        rules: Rules,
    ) -> anyhow::Result<(Network, Option<&'static Scenario>)> {
        let (network, scenario, _) = self.load_with_classes(rules, self.n_classes())?;
        Ok((network, scenario))
    }

    /// Classes of a new classifier, where a number is asked for.
    pub(crate) fn n_classes(&self) -> Option<usize> {
        self.classes.map(|classes| classes as usize)
    }

    /// The network with a new classifier of so many classes, and that classifier; that of a scenario
    /// keeps its own, unless its samples are a person's own.
    pub(crate) fn load_with_classes(
        &self,
        rules: Rules,
        n_classes: Option<usize>,
    ) -> anyhow::Result<(Network, Option<&'static Scenario>, Option<Head>)> {
        if let Some(id) = &self.scenario {
            let scenario = scenario_by_id(id)?;
            let head = scenario.default_setup().head.map(|head| Head {
                n_classes: n_classes
                    .and_then(|n_classes| u32::try_from(n_classes).ok())
                    .unwrap_or(head.n_classes),
                ..head
            });
            return Ok((scenario_network(scenario, head)?, Some(scenario), head));
        }
        let path = self
            .file
            .as_deref()
            .context("Name a network file or a --scenario.")?;
        let (network, kind) = read_model(path)?;
        let network = model::for_training(&network, kind, n_classes, rules)
            .map_err(|error| anyhow!("{}: {}", path.display(), explain::of_network(&error)))?;
        let head = model::new_classes(kind, n_classes)
            .and_then(|n_classes| u32::try_from(n_classes).ok())
            .map(|n_classes| Head {
                n_classes,
                seed: model::CLASSIFIER_SEED,
            });
        Ok((network, None, head))
    }
}

/// Reads a network file of any kind.
pub(crate) fn read_model(path: &Path) -> anyhow::Result<(Network, ModelKind)> {
    let name = path
        .file_stem()
        .map_or_else(|| "network".into(), |stem| stem.to_string_lossy());
    model::read(&name, &read_file(path)?)
        .map_err(|error| anyhow!("{}: {}", path.display(), error.sentence()))
}

/// A scenario that ships, by its id.
pub(crate) fn scenario_by_id(id: &str) -> anyhow::Result<&'static Scenario> {
    let known = scenario::ALL.iter().find(|scenario| scenario.id == id);
    known.with_context(|| {
        let ids: Vec<&str> = scenario::ALL.iter().map(|scenario| scenario.id).collect();
        format!(
            "There is no scenario \"{id}\"; there are: {}.",
            ids.join(", ")
        )
    })
}

/// The network of a scenario, with a new classifier where one is asked for.
pub(crate) fn scenario_network(scenario: &Scenario, head: Option<Head>) -> anyhow::Result<Network> {
    let (file, _) = scenario_files(scenario)?;
    let (network, _) = model::read(scenario.id, file).map_err(|error| anyhow!(error.sentence()))?;
    own::with_head(&network, head).map_err(|error| anyhow!(explain::of_network(&error)))
}

/// The samples of a scenario; none where they are a person's own.
pub(crate) fn scenario_samples(scenario: &Scenario) -> anyhow::Result<Option<Parts>> {
    let (_, Some(samples)) = scenario_files(scenario)? else {
        return Ok(None);
    };
    let parts = match scenario.samples {
        SampleKind::Drawing => sample_file::read_digits(samples).map(|digits| Parts {
            learn: digits.learn,
            test: digits.test,
        }),
        SampleKind::Motion | SampleKind::Own => sample_file::read_parts(samples),
    };
    parts
        .map(Some)
        .map_err(|error| anyhow!(explain::samples(&error)))
}

/// How the motion of a scenario is recorded; none where its samples are none.
pub(crate) fn scenario_motion(scenario: &Scenario) -> Option<Description> {
    let (_, samples) = scenario_files(scenario).ok()?;
    Description::read(samples?)
}

/// Trained weights of `program`, from any file that carries some.
pub(crate) fn weights(
    path: &Path,
    program: &Program<AlignedBytes>,
    settings: &Settings,
) -> anyhow::Result<Trained> {
    weights::read(program, settings, &read_file(path)?)
        .map_err(|error| anyhow!("{}: {}", path.display(), explain::weights(&error)))
}

pub(crate) fn read_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{} cannot be read.", path.display()))
}

/// A preset of the scenario, a scheme (see [`parse_scheme`]), the text of a link's policy, or a
/// YAML file with the options of `tiny-training`; behind each may stand `;recompute=` and what
/// [`parse_recompute`] reads, `;first=` or `;largest=` and what [`parse_channels`] reads.
pub(crate) fn policy(
    network: &Network,
    scenario: Option<&Scenario>,
    text: &str,
) -> anyhow::Result<Policy> {
    let parts = text.split(';');
    let is_choice = |part: &&str| {
        let key = part.split_once('=').map_or("", |(key, _)| key);
        ["recompute", "first", "largest"].contains(&key)
    };
    let scheme: Vec<&str> = parts.clone().take_while(|part| !is_choice(part)).collect();
    let mut policy = plain_policy(network, scenario, &scheme.join(";"))?;
    for part in parts.skip(scheme.len()) {
        let (key, layers) = part.split_once('=').unwrap_or((part, ""));
        match key {
            "recompute" => {
                parse_recompute(network, &policy, layers).map(|layers| policy.recompute = layers)
            }
            "first" => parse_channels(&mut policy, ChannelChoice::First, layers),
            "largest" => parse_channels(&mut policy, ChannelChoice::Largest, layers),
            _ => Err(SchemeError::Form),
        }
        .map_err(|error| anyhow!("{}", explain_scheme(text, error)))?;
    }
    Ok(policy)
}

fn plain_policy(
    network: &Network,
    scenario: Option<&Scenario>,
    text: &str,
) -> anyhow::Result<Policy> {
    if let Some(scenario) = scenario {
        let presets = scenario::presets(scenario, network);
        if let Some(preset) = presets.into_iter().find(|preset| preset.id == text) {
            return Ok(preset.policy);
        }
    }
    if is_yaml(text) {
        let options = yaml::read(&read_file(Path::new(text))?)
            .map_err(|error| anyhow!("{text}: {}", explain::yaml(&error)))?;
        return parse_scheme(network, &options.scheme())
            .map_err(|error| anyhow!("{}", explain_scheme(text, error)));
    }
    if let Ok(policy) = link::parse_policy(text)
        && policy.layers.len() == network.convs().count()
    {
        return Ok(policy);
    }
    parse_scheme(network, text).map_err(|error| anyhow!("{}", explain_scheme(text, error)))
}

fn is_yaml(text: &str) -> bool {
    let ending = Path::new(text).extension();
    ending.is_some_and(|ending| ending == "yaml" || ending == "yml")
}

fn explain_scheme(text: &str, error: SchemeError) -> String {
    let reason = match error {
        SchemeError::Count { asked, available } => {
            format!("it asks for {asked} convolutions, but the network has {available}")
        }
        SchemeError::Index { layer } => {
            format!("layer {layer} is not among the last n_bias_update convolutions")
        }
        SchemeError::Recompute { layer } => format!(
            "the input of layer {layer} cannot be computed again: its weights must learn, and a \
             convolution must have made the input"
        ),
        SchemeError::Channels { layer } => format!(
            "layer {layer} has no channels to choose from: its ratio must lie between 0 and 1"
        ),
        SchemeError::Lengths => {
            "manual_weight_idx and weight_update_ratio differ in length".to_owned()
        }
        SchemeError::OtherNetwork { expected, found } => {
            format!("it is for a network of {expected} convolutions, but this one has {found}")
        }
        SchemeError::Ratio => "a ratio is not a number in 0..1".to_owned(),
        _ => "it is none of default, classifier, full, bias:K, last:K, a published one as \
              mcunet-99kb, one character a \
              convolution (-, b, 8, 4, 2, 1), a .yaml file with the options of tiny-training, or \
              n_bias_update=..;manual_weight_idx=..;weight_update_ratio=.., each with or without \
              ;recompute=all or ;recompute=3-5 behind it, and with ;first= or ;largest= for the \
              layers that choose their channels so"
            .to_owned(),
    };
    format!("Scheme \"{text}\" cannot be used: {reason}.")
}
