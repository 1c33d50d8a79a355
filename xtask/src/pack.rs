//! The page's module as its visitors get it: compressed with xz, a quarter smaller than with the gzip of
//! a host, and unpacked by a small script (`docs/decisions/0013-a-module-in-xz.md`).

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use liblzma::stream::{Check, Filters, LzmaOptions, Stream};
use liblzma::write::XzEncoder;

use crate::node::Node;
use crate::{process, tools};

/// What the module is called then.
pub(crate) const PACKED: &str = "quartermeg.wasm.xz";
/// The script that unpacks it.
pub(crate) const UNPACK: &str = "unpack.js";
/// What it is made of, beside the library.
const SOURCE: &str = "xtask/src/unpack.js";
/// As small as it gets: the module is compressed once and fetched often.
const PRESET: u32 = 9 | liblzma::stream::PRESET_EXTREME;
/// Code of a module begins at any byte, and says much about the byte behind it.
const POSITION_BITS: u32 = 0;
const CONTEXT_BITS: u32 = 4;

/// Writes `module` and the script that unpacks it into `folder`, and gives `script`, which fetches
/// a module called `name`, as one that fetches this.
pub(crate) fn pack(
    node: &Node,
    root: &Path,
    module: &Path,
    script: &str,
    name: &str,
    folder: &Path,
) -> Result<String> {
    let bytes = fs::read(module).with_context(|| format!("{} is missing", module.display()))?;
    let packed = compressed(&bytes).context("the module cannot be compressed")?;
    fs::create_dir_all(folder).with_context(|| format!("{} is refused", folder.display()))?;
    fs::write(folder.join(PACKED), packed).context("the compressed module cannot be written")?;
    let library = tools::xz_decompress(node)?;
    process::run(
        process::command(&node.node)
            .arg(tools::esbuild(node)?)
            .arg(root.join(SOURCE))
            .args(["--bundle", "--format=esm", "--log-level=warning"])
            .arg(format!("--alias:xz-decompress={}", library.display()))
            .arg(format!("--outfile={}", folder.join(UNPACK).display())),
        "the script that unpacks the module could not be made; the message of esbuild stands above",
    )?;
    fetching_packed(script, name)
}

fn compressed(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut options = LzmaOptions::new_preset(PRESET)?;
    options
        .position_bits(POSITION_BITS)
        .literal_context_bits(CONTEXT_BITS);
    // Browsers check a module when they compile it.
    let stream = Stream::new_stream_encoder(Filters::new().lzma2(&options), Check::None)?;
    let mut encoder = XzEncoder::new_stream(Vec::new(), stream);
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

/// The script that wasm-bindgen wrote, with another place that the module comes from.
fn fetching_packed(script: &str, name: &str) -> Result<String> {
    let address = |name: &str| format!("new URL('{name}', import.meta.url)");
    let plain = address(name);
    ensure!(
        script.matches(&plain).count() == 1,
        "the script of wasm-bindgen does not fetch {name} in the way that xtask/src/pack.rs knows"
    );
    let packed = format!("unpacked({})", address(PACKED));
    let script = script.replace(&plain, &packed);
    Ok(format!(
        "import {{ unpacked }} from './{UNPACK}';\n{script}"
    ))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_compressed_module_is_the_same_again() {
        let module: Vec<u8> = (0..50_000u32)
            .flat_map(|at| (at * at).to_le_bytes())
            .collect();
        let packed = compressed(&module).unwrap();
        assert!(packed.len() < module.len());
        let mut again = Vec::new();
        liblzma::read::XzDecoder::new(&packed[..])
            .read_to_end(&mut again)
            .unwrap();
        assert_eq!(again, module);
    }

    #[test]
    fn the_script_fetches_the_packed_module() {
        let script = "if (a === undefined) { a = new URL('q.wasm', import.meta.url); }";
        let packed = fetching_packed(script, "q.wasm").unwrap();
        assert_eq!(
            packed,
            "import { unpacked } from './unpack.js';\nif (a === undefined) { \
             a = unpacked(new URL('quartermeg.wasm.xz', import.meta.url)); }"
        );
        assert!(fetching_packed(script, "other.wasm").is_err());
    }
}
