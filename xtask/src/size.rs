//! How much a visitor downloads, and how much that may be.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;
use walkdir::WalkDir;

use crate::report;
use crate::summary::Tally;

/// HTML, styles, scripts and wasm, each compressed as a host would.
const CODE_LIMIT: Budget = Budget {
    what: "page (HTML, CSS, JS and wasm, gzipped)",
    limit_bytes: 600 * 1024,
};

/// The networks and data sets, as they are: they hardly compress.
const DATA_LIMIT: Budget = Budget {
    what: "networks and data",
    limit_bytes: 1024 * 1024,
};

struct Budget {
    what: &'static str,
    limit_bytes: u64,
}

impl Budget {
    /// Reports the size and whether it stays within the budget.
    fn holds(&self, size_bytes: u64) -> bool {
        let holds = size_bytes <= self.limit_bytes;
        report::step(format_args!(
            "{}: {size_bytes} B of {} B: {}",
            self.what,
            self.limit_bytes,
            if holds { "ok" } else { "TOO LARGE" }
        ));
        holds
    }
}

/// Weighs the finished page; each budget counts as one test.
pub(crate) fn check(dist: &Path) -> Result<Tally> {
    let sizes = Sizes::of(dist)?;
    let mut tally = Tally::default();
    tally.count(CODE_LIMIT.holds(sizes.code_gzip_bytes));
    tally.count(DATA_LIMIT.holds(sizes.data_bytes));
    Ok(tally)
}

/// What the files of a page weigh.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sizes {
    code_gzip_bytes: u64,
    data_bytes: u64,
}

impl Sizes {
    fn of(dist: &Path) -> Result<Self> {
        let mut sizes = Self::default();
        for entry in WalkDir::new(dist).sort_by_file_name() {
            let entry = entry.with_context(|| format!("{} cannot be read", dist.display()))?;
            if !entry.file_type().is_file() {
                continue;
            }
            let path = entry.path();
            match kind(path.strip_prefix(dist)?) {
                Kind::Code => {
                    let size_bytes = gzip_bytes(path)?;
                    eprintln!("    {size_bytes:>8} B  {}", report::short(path));
                    sizes.code_gzip_bytes += size_bytes;
                }
                Kind::Data => sizes.data_bytes += entry.metadata()?.len(),
                Kind::Other => {}
            }
        }
        if sizes.code_gzip_bytes == 0 {
            bail!("{} holds no page to weigh", dist.display());
        }
        Ok(sizes)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Code,
    Data,
    /// Icons, licences and the like, which no budget counts.
    Other,
}

/// What a file counts as, by its path below the page's folder.
fn kind(path: &Path) -> Kind {
    let extension = path
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default();
    match extension {
        "html" | "css" | "js" | "mjs" | "wasm" | "xz" => Kind::Code,
        "safetensors" | "tflite" if path.starts_with("static/models") => Kind::Data,
        _ if path.starts_with("static/data") => Kind::Data,
        _ => Kind::Other,
    }
}

fn gzip_bytes(path: &Path) -> Result<u64> {
    let bytes = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&bytes)?;
    Ok(encoder.finish()?.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_counts_once_and_under_the_right_budget() {
        for (path, expected) in [
            ("index.html", Kind::Code),
            ("pkg/quartermeg_bg.wasm", Kind::Code),
            ("pkg/quartermeg.wasm.xz", Kind::Code),
            ("static/style.css", Kind::Code),
            ("static/models/keyboard.safetensors", Kind::Data),
            ("static/models/person.tflite", Kind::Data),
            ("static/models/keyboard.md", Kind::Other),
            ("static/data/digits.safetensors", Kind::Data),
            ("static/icon.svg", Kind::Other),
        ] {
            assert_eq!(kind(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn weighs_code_compressed_and_data_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let dist = folder.path();
        fs::create_dir_all(dist.join("static/data")).unwrap();
        fs::write(dist.join("index.html"), "a".repeat(100_000)).unwrap();
        fs::write(dist.join("static/data/x.bin"), vec![7; 5000]).unwrap();
        let sizes = Sizes::of(dist).unwrap();
        assert!(sizes.code_gzip_bytes < 1000, "{sizes:?}");
        assert_eq!(sizes.data_bytes, 5000);
    }

    #[test]
    fn an_empty_folder_is_no_page() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Sizes::of(folder.path()).is_err());
    }

    #[test]
    fn a_budget_holds_up_to_its_last_byte() {
        assert!(DATA_LIMIT.holds(1024 * 1024));
        assert!(!DATA_LIMIT.holds(1024 * 1024 + 1));
    }
}
