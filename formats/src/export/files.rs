//! Every kind of file that leaves Quartermeg but the PNG of the memory map, which is painted by
//! whoever has something to paint with: names and contents.

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::device::{self, DEVICES};
use quartermeg_core::network::Network;
use quartermeg_core::program::{Program, Settings};
use serde::{Deserialize, Serialize};

use super::error::YamlError;
use super::{c, report, rust, svg, weights, yaml};
use crate::board::{self, BoardFit};
use crate::config::{self, Trained};
use crate::program_file;
use crate::setup::Setup;

/// Name of the memory map as PNG.
pub const PICTURE_NAME: &str = "memory-map.png";

/// A kind of export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// The configuration, which people can read.
    Configuration,
    /// The program, which a device uses in place.
    Program,
    /// The program as a C header and source file.
    C,
    /// The program as a Rust module without the standard library.
    Rust,
    /// What learns, as options of `tiny-training`.
    Options,
    /// All weights, as safetensors.
    Weights,
    /// Only the weights that changed, as safetensors.
    Delta,
    /// Sizes, operations and policy, as Markdown and JSON.
    Report,
    /// The memory map as SVG.
    Map,
}

impl Kind {
    /// Names of its files, in the order in which [`Source::files`] gives them.
    #[must_use]
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::Configuration => &["quartermeg.json"],
            Self::Program => &["quartermeg.qmeg"],
            Self::C => &[c::HEADER_NAME, c::SOURCE_NAME],
            Self::Rust => &[rust::FILE_NAME],
            Self::Options => &["quartermeg.yaml"],
            Self::Weights => &["weights.safetensors"],
            Self::Delta => &["delta.safetensors"],
            Self::Report => &["report.md", "report.json"],
            Self::Map => &["memory-map.svg"],
        }
    }

    /// Whether its files are text.
    #[must_use]
    pub fn is_text(self) -> bool {
        !matches!(self, Self::Program | Self::Weights | Self::Delta)
    }

    /// Whether its files are about trained weights and nothing else.
    #[must_use]
    pub fn is_weights(self) -> bool {
        matches!(self, Self::Weights | Self::Delta)
    }
}

/// What all kinds are made from. It is of one kind of programs, so that the code that writes files
/// is compiled with this crate, for size, wherever it is used.
#[derive(Debug)]
pub struct Source<'a> {
    /// What was chosen.
    pub setup: &'a Setup,
    /// The network.
    pub network: &'a Network,
    /// What it was compiled to.
    pub program: &'a Program<AlignedBytes>,
    /// Trained weights that go in; none where they are those that the program starts with.
    pub trained: Option<&'a Trained>,
}

impl Source<'_> {
    /// The contents of the files of a kind, in the order of [`Kind::names`].
    ///
    /// # Errors
    /// When the policy cannot be said as options of `tiny-training`.
    pub fn files(&self, kind: Kind) -> Result<Vec<Vec<u8>>, YamlError> {
        let Self {
            setup,
            network,
            program,
            trained,
        } = *self;
        let one = |text: String| vec![text.into_bytes()];
        Ok(match kind {
            Kind::Configuration => {
                let described = config::describe(setup, network, program, trained, true);
                one(config::to_json(&described))
            }
            Kind::Program => vec![self.program_file()],
            Kind::C => {
                let file = self.program_file();
                vec![
                    c::header(program, &file).into_bytes(),
                    c::source(program, &file).into_bytes(),
                ]
            }
            Kind::Rust => one(rust::module(program, &self.program_file())),
            Kind::Options => one(yaml::write(program, &setup.policy, setup.qas)?),
            Kind::Weights => self.weights(weights::whole::write),
            Kind::Delta => self.weights(weights::delta::write),
            Kind::Report => {
                let report = report::report(setup, network, program, self.on_board());
                vec![
                    report::markdown(&report, program).into_bytes(),
                    report::json(&report).into_bytes(),
                ]
            }
            Kind::Map => one(svg::write(program, network.name(), self.budget())),
        })
    }

    /// How the program, with all that goes into its file, lies on the chosen board.
    #[must_use]
    pub fn on_board(&self) -> BoardFit {
        let device = device::by_id(&self.setup.device).unwrap_or(DEVICES[0]);
        let file_bytes = self.program_file().len();
        board::fit(&self.setup.device, &device, self.program, file_bytes)
    }

    /// What the block may use, unless there is no limit.
    #[must_use]
    pub fn budget(&self) -> Option<u32> {
        Some(self.setup.budget_bytes).filter(|&bytes| bytes < u32::MAX)
    }

    /// The trained weights; where there are none, those of the start.
    fn weights(
        &self,
        write: fn(&Program<AlignedBytes>, &Settings, &Trained) -> Vec<u8>,
    ) -> Vec<Vec<u8>> {
        let start;
        let trained = if let Some(trained) = self.trained {
            trained
        } else {
            start = weights::start(self.program);
            &start
        };
        vec![write(self.program, &self.setup.settings(), trained)]
    }

    fn program_file(&self) -> Vec<u8> {
        let file = program_file::write(self.setup, self.network, self.program, self.trained);
        file.as_ref().to_vec()
    }
}
