//! `quartermeg export`: a program and what belongs to it, as files.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{anyhow, bail};
use clap::ValueEnum as _;
use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::compile::compile;
use quartermeg_core::device::DEVICES;
use quartermeg_core::network::Network;
use quartermeg_core::program::Program;
use quartermeg_formats::board::BoardFit;
use quartermeg_formats::config::{Trained, hex};
use quartermeg_formats::explain;
use quartermeg_formats::export::files::{Kind as Written, PICTURE_NAME, Source};
use quartermeg_formats::setup::{CLASSES_RANGE, MAX_STEPS, Setup};
use serde::Serialize;

use crate::board::OnBoard;
use crate::setup::{SetupOptions, Start};
use crate::{files, output, picture, source};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    setup: SetupOptions,
    #[command(flatten)]
    board: OnBoard,
    /// Kinds of files, joined by commas; all that apply if absent.
    #[arg(long = "as", value_enum, value_delimiter = ',', value_name = "KINDS")]
    kinds: Vec<Kind>,
    /// Folder to write to; it is made where it is missing.
    #[arg(long)]
    out: PathBuf,
    /// Trained weights to go into the files: weights or a delta as they are exported, a checkpoint
    /// of `train`, a configuration or a program.
    #[arg(long)]
    weights: Option<PathBuf>,
    /// Number of steps after which training stops; a link's or scenario's own if absent.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_STEPS)))]
    steps: Option<u32>,
    /// Overwrite files that exist.
    #[arg(long)]
    force: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// The configuration, which people can read.
    Json,
    /// The program, which a device uses in place.
    Qmeg,
    /// The program as a C header and source file.
    C,
    /// The program as a Rust module without the standard library.
    Rust,
    /// What learns, as options of `tiny-training`.
    Yaml,
    /// All weights, as safetensors.
    Weights,
    /// Only the weights that changed, as safetensors.
    Delta,
    /// Sizes, operations and policy, as Markdown and JSON.
    Report,
    /// The memory map as SVG.
    Svg,
    /// The memory map as PNG.
    Png,
}

/// What all kinds are made from.
struct Export {
    network: Network,
    setup: Setup,
    program: Program<AlignedBytes>,
    /// None where the weights are those that the program starts with.
    trained: Option<Trained>,
}

#[derive(Serialize)]
struct Summary {
    identity: String,
    /// How the program lies on its board.
    on_board: BoardFit,
    files: Vec<OnDisk>,
    left_out: Vec<LeftOut>,
}

#[derive(Serialize)]
struct OnDisk {
    path: String,
    bytes: usize,
}

#[derive(Serialize)]
struct LeftOut {
    kind: String,
    reason: String,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let export = prepare(arguments)?;
    let mut written: Vec<(&str, Vec<u8>)> = Vec::new();
    let mut left_out = Vec::new();
    for &kind in Kind::value_variants() {
        let is_asked_for = arguments.kinds.contains(&kind);
        if !is_asked_for && !arguments.kinds.is_empty() {
            continue;
        }
        match export.files(kind, is_asked_for) {
            Ok(made) => written.extend(made),
            Err(error) if is_asked_for => return Err(error),
            Err(error) => left_out.push(LeftOut {
                kind: kind
                    .to_possible_value()
                    .map_or_else(String::new, |value| value.get_name().to_owned()),
                reason: error.to_string(),
            }),
        }
    }
    let paths = files::write_all(&arguments.out, &written, arguments.force)?;
    let summary = Summary {
        identity: hex(&export.program.identity()),
        on_board: export.source().on_board(),
        files: paths
            .iter()
            .zip(&written)
            .map(|(path, (_, bytes))| OnDisk {
                path: path.display().to_string(),
                bytes: bytes.len(),
            })
            .collect(),
        left_out,
    };
    if arguments.json {
        return output::json(&summary);
    }
    for left_out in &summary.left_out {
        eprintln!("{} is left out. {}", left_out.kind, left_out.reason);
    }
    let on_board = &summary.on_board;
    let mut text = format!(
        "identity  {}\nboard     {} {}\n",
        summary.identity,
        on_board.sentence(),
        on_board.support_sentence()
    );
    for file in &summary.files {
        writeln!(text, "{}  {}", file.path, explain::bytes(file.bytes as u64))?;
    }
    output::text(&text)
}

fn prepare(arguments: &Arguments) -> anyhow::Result<Export> {
    let Start {
        network, mut setup, ..
    } = arguments.setup.start(None)?;
    if let Some(head) = setup.head {
        if !head.is_possible() {
            bail!(
                "A configuration has room for a new classifier of {} to {} classes, not {}; choose \
                 another number with --classes.",
                CLASSES_RANGE[0],
                CLASSES_RANGE[1],
                head.n_classes
            );
        }
        if network.int8_classifier().is_some() {
            bail!(
                "With these numerics the classifier is made of the first rows of the file's own, \
                 which a configuration cannot say; choose numerics whose classifier is new."
            );
        }
    }
    match (arguments.board.chosen()?, &arguments.setup.link) {
        (Some((id, device)), _) => {
            (setup.device, setup.budget_bytes) = (id, device.sram_bytes);
        }
        (None, None) => {
            (setup.device, setup.budget_bytes) = (DEVICES[0].id.to_owned(), DEVICES[0].sram_bytes);
        }
        // A link says its device and budget.
        (None, Some(_)) => {}
    }
    if let Some(steps) = arguments.steps {
        setup.stop_after = steps;
    }
    let image = compile(&network, &setup.policy, setup.rules, setup.settings())
        .map_err(|error| anyhow!(explain::compile(&error)))?;
    let program = Program::parse(image).map_err(|error| anyhow!(explain::program(&error)))?;
    let trained = match &arguments.weights {
        Some(path) => Some(source::weights(path, &program, &setup.settings())?),
        None => None,
    };
    Ok(Export {
        network,
        setup,
        program,
        trained,
    })
}

impl Export {
    fn source(&self) -> Source<'_> {
        Source {
            setup: &self.setup,
            network: &self.network,
            program: &self.program,
            trained: self.trained.as_ref(),
        }
    }

    /// The files of a kind: names and contents.
    fn files(
        &self,
        kind: Kind,
        is_asked_for: bool,
    ) -> anyhow::Result<Vec<(&'static str, Vec<u8>)>> {
        let source = self.source();
        let Some(kind) = kind.written() else {
            let file = picture::write(&self.program, self.network.name(), source.budget())?;
            return Ok(vec![(PICTURE_NAME, file)]);
        };
        // Weights of the start are for whoever asks for them.
        if kind.is_weights() && self.trained.is_none() && !is_asked_for {
            bail!("There are no trained weights; name them with --weights.");
        }
        let files = source
            .files(kind)
            .map_err(|error| anyhow!(explain::yaml(&error)))?;
        Ok(kind.names().iter().copied().zip(files).collect())
    }
}

impl Kind {
    /// The kind as it is written for the page, too; none of what is painted here.
    fn written(self) -> Option<Written> {
        Some(match self {
            Self::Json => Written::Configuration,
            Self::Qmeg => Written::Program,
            Self::C => Written::C,
            Self::Rust => Written::Rust,
            Self::Yaml => Written::Options,
            Self::Weights => Written::Weights,
            Self::Delta => Written::Delta,
            Self::Report => Written::Report,
            Self::Svg => Written::Map,
            Self::Png => return None,
        })
    }
}
