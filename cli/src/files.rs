//! Files that are written whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use quartermeg_formats::explain;

/// Writes files into a folder, which is made where it is missing. Every file is written under
/// another name beside its place first and then renamed, so that none is ever half there; a file
/// that exists is overwritten only with `force`.
pub(crate) fn write_all(
    folder: &Path,
    files: &[(&str, Vec<u8>)],
    force: bool,
) -> anyhow::Result<Vec<PathBuf>> {
    let places: Vec<PathBuf> = files.iter().map(|(name, _)| folder.join(name)).collect();
    if !force
        && let Some((path, found)) = places
            .iter()
            .find_map(|path| Some((path, fs::symlink_metadata(path).ok()?)))
    {
        bail!(explain::exists(&path.display().to_string(), found.len()));
    }
    fs::create_dir_all(folder)
        .with_context(|| format!("The folder {} cannot be made.", folder.display()))?;
    let parts: Vec<PathBuf> = files
        .iter()
        .map(|(name, _)| folder.join(format!(".{name}.{}.part", std::process::id())))
        .collect();
    let written = files
        .iter()
        .zip(&parts)
        .try_for_each(|((_, bytes), part)| fs::write(part, bytes).map_err(|error| (part, error)))
        .and_then(|()| {
            parts.iter().zip(&places).try_for_each(|(part, place)| {
                fs::rename(part, place).map_err(|error| (place, error))
            })
        });
    if let Err((path, error)) = written {
        for part in &parts {
            // Those that are not there need no taking away.
            let _ = fs::remove_file(part);
        }
        return Err(error).with_context(|| format!("{} cannot be written.", path.display()));
    }
    Ok(places)
}
