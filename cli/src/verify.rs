//! `quartermeg verify`: whether exported files are whole and belong together.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::program::Program;
use quartermeg_formats::export::identify::{Found, identify};
use quartermeg_formats::export::{weights, yaml};
use quartermeg_formats::{explain, program_file};
use serde::Serialize;

use crate::{output, source};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Files of any kind that `export` writes, and checkpoints.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Summary {
    identity: String,
    files: Vec<Verified>,
}

#[derive(Serialize)]
struct Verified {
    path: String,
    kind: String,
    format_version: u32,
    core_version: String,
}

/// A file, its contents, and what they turned out to be.
struct Candidate<'a> {
    path: &'a Path,
    file: Vec<u8>,
    found: Found,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let candidates = arguments
        .files
        .iter()
        .map(|path| {
            let file = source::read_file(path)?;
            let found = identify(&file)
                .map_err(|error| anyhow!("{}: {}", path.display(), explain::export(&error)))?;
            Ok(Candidate { path, file, found })
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let identity = most_common(&candidates);
    if let Some(other) = candidates
        .iter()
        .find(|candidate| candidate.found.stamp.identity != identity)
    {
        bail!(
            "{} belongs to another program: its identity is {}, that of the others {identity}; \
             export it again from the same network and policy.",
            other.path.display(),
            other.found.stamp.identity
        );
    }
    let program = candidates
        .iter()
        .find_map(|candidate| candidate.found.program.as_ref());
    if let Some(image) = program {
        against(image, &candidates)?;
    }
    let summary = Summary {
        identity: identity.to_owned(),
        files: candidates
            .iter()
            .map(|candidate| Verified {
                path: candidate.path.display().to_string(),
                kind: candidate.found.stamp.kind.clone(),
                format_version: candidate.found.stamp.format_version,
                core_version: candidate.found.stamp.core_version.clone(),
            })
            .collect(),
    };
    if arguments.json {
        return output::json(&summary);
    }
    let lines = summary
        .files
        .iter()
        .map(|file| format!("{:<14} {}\n", file.kind, file.path));
    output::text(&format!(
        "identity  {identity}\n{}The files are whole and belong together.\n",
        lines.collect::<String>()
    ))
}

/// The identity that most files have; of equally many that of the first.
fn most_common<'a>(candidates: &'a [Candidate<'_>]) -> &'a str {
    let identity = |candidate: &'a Candidate<'_>| candidate.found.stamp.identity.as_str();
    let count = |wanted: &str| {
        let same = candidates
            .iter()
            .filter(|candidate| identity(candidate) == wanted);
        same.count()
    };
    let mut most = "";
    for candidate in candidates {
        if count(identity(candidate)) > count(most) {
            most = identity(candidate);
        }
    }
    most
}

/// Holds weights and policies against the program that lies beside them.
fn against(image: &AlignedBytes, candidates: &[Candidate<'_>]) -> anyhow::Result<()> {
    let program =
        Program::parse(image.clone()).map_err(|error| anyhow!(explain::program(&error)))?;
    let opened = program_file::read(image.as_ref())
        .map_err(|error| anyhow!(explain::program_file(&error)))?;
    for Candidate { path, file, found } in candidates {
        let in_file = |sentence: String| anyhow!("{}: {sentence}", path.display());
        match found.stamp.kind.as_str() {
            weights::whole::KIND | weights::delta::KIND => {
                weights::read(&program, &program.settings(), file)
                    .map_err(|error| in_file(explain::weights(&error)))?;
            }
            "yaml" => {
                let [of_file, of_program] =
                    [yaml::read(file), yaml::Options::of(&opened.setup.policy)]
                        .map(|options| options.map_err(|error| in_file(explain::yaml(&error))));
                if !of_file?.agrees_with(&of_program?) {
                    return Err(in_file(
                        "Its options say another policy than the program has; export it again."
                            .to_owned(),
                    ));
                }
            }
            _ => {}
        }
    }
    Ok(())
}
