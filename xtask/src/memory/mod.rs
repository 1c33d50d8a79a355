//! `cargo xtask memory`: what training steps need, measured by the command line program and written
//! to `docs/memory.md`.

mod document;

use std::ffi::OsStr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::workspace::{REFERENCE_VARIABLE, Workspace, package};
use crate::{process, report};

/// What `quartermeg memory --passes --peak --json` says of one step, as far as the document has it.
#[derive(Deserialize)]
struct Step {
    arena_bytes: u32,
    lower_bound_bytes: u32,
    forward_peak_bytes: u32,
    backward_peak_bytes: u32,
    sram_total_bytes: u32,
    #[serde(rename = "macs_step")]
    macs: u64,
    macs_again: u64,
    passes: Vec<Pass>,
    peak: Peak,
}

/// What a step needs with a pass of the compiler and all before it.
#[derive(Deserialize)]
struct Pass {
    name: String,
    arena_bytes: u32,
    forward_peak_bytes: u32,
    backward_peak_bytes: u32,
}

/// The operation at which the most bytes are live.
#[derive(Deserialize)]
struct Peak {
    op: u32,
    name: String,
    bytes: u32,
    tensors: Vec<LiveTensor>,
}

/// A tensor that is live there, or all parameters of one role.
#[derive(Deserialize)]
struct LiveTensor {
    name: String,
    role: String,
    bytes: u32,
}

/// A step with f32 activation gradients, and with int8 ones.
struct Both {
    float: Step,
    int8: Step,
}

/// A published scheme on the network that it was published for.
struct Published {
    /// Name of the network's file, without its ending.
    network: &'static str,
    scheme: &'static str,
    /// Figures of the paper and of its released demo.
    figures: &'static str,
    /// Bytes that all that is written at run time should not exceed.
    reach_bytes: u32,
    /// Bytes that would be better still.
    aim_bytes: u32,
}

const PUBLISHED: [Published; 4] = [
    Published {
        network: "mcunet-5fps",
        scheme: "mcunet-49kb",
        figures: "released demo 221,904 B; measured 134 KB, the smallest of its MCUNet points",
        reach_bytes: 100 * 1024,
        aim_bytes: 88 * 1024,
    },
    Published {
        network: "mcunet-5fps",
        scheme: "mcunet-99kb",
        figures: "measured 160 and 173 KB",
        reach_bytes: 134 * 1024,
        aim_bytes: 128 * 1024,
    },
    Published {
        network: "mbv2-w0.35",
        scheme: "mbv2-99kb",
        figures: "measured 141 KB",
        reach_bytes: 134 * 1024,
        aim_bytes: 127 * 1024,
    },
    Published {
        network: "proxyless-w0.3",
        scheme: "proxyless-98kb",
        figures: "measured 135 KB",
        reach_bytes: 134 * 1024,
        aim_bytes: 131 * 1024,
    },
];

/// The scenarios that ship, and the presets of each.
const SCENARIOS: [&str; 3] = ["keyboard", "watch", "person"];
const PRESETS: [&str; 4] = ["default", "classifier", "bias", "full"];

/// What learns in the rows that compare keeping inputs with computing them again.
const RECOMPUTED: [&str; 2] = ["default", "full"];

/// A step that keeps the inputs that it needs, and one that computes again all that it can.
struct Recomputed {
    scenario: &'static str,
    preset: &'static str,
    kept: Step,
    again: Step,
}

/// Measures every row and writes the document.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let folder = std::env::var_os(REFERENCE_VARIABLE)
        .map(PathBuf::from)
        .with_context(|| {
            format!(
                "MIT's networks do not ship; name the folder that has them under models/ in \
                 {REFERENCE_VARIABLE}"
            )
        })?;
    report::step("Compiling the published schemes");
    let mut published = Vec::new();
    for row in PUBLISHED {
        let model = folder.join("models").join(format!("{}.pkl", row.network));
        let network = [model.as_os_str(), OsStr::new("--classes=10")];
        let both = both(workspace, &network, row.scheme)?;
        published.push((row, both));
    }
    report::step("Compiling the presets of the scenarios");
    let mut presets = Vec::new();
    for scenario in SCENARIOS {
        for preset in PRESETS {
            let network = ["--scenario", scenario].map(OsStr::new);
            presets.push((scenario, preset, both(workspace, &network, preset)?));
        }
    }
    report::step("Compiling steps that compute inputs again");
    let mut recomputed = Vec::new();
    for scenario in SCENARIOS {
        for preset in RECOMPUTED {
            let network = ["--scenario", scenario].map(OsStr::new);
            let again = format!("{preset};recompute=all");
            recomputed.push(Recomputed {
                scenario,
                preset,
                kept: step(workspace, &network, preset, "device")?,
                again: step(workspace, &network, &again, "device")?,
            });
        }
    }
    let path = workspace.root.join("docs/memory.md");
    std::fs::write(&path, document::text(&published, &recomputed, &presets))
        .with_context(|| format!("{} cannot be written", path.display()))?;
    report::result(report::short(&path));
    Ok(())
}

/// Asks the command line program for a step with f32 gradients, and for one with int8 gradients.
fn both(workspace: &Workspace, network: &[&OsStr], scheme: &str) -> Result<Both> {
    Ok(Both {
        float: step(workspace, network, scheme, "device")?,
        int8: step(workspace, network, scheme, "device,gradient:int8")?,
    })
}

/// Asks the command line program for a step.
fn step(workspace: &Workspace, network: &[&OsStr], scheme: &str, numerics: &str) -> Result<Step> {
    let mut quartermeg = process::cargo();
    quartermeg
        .args(["run", "--locked", "--quiet", "--package", package::CLI])
        .args(["--", "memory", "--passes", "--peak", "--json"])
        .args(["--scheme", scheme, "--numerics", numerics])
        .args(network)
        .current_dir(&workspace.root);
    process::json(&mut quartermeg)
}
