//! Files that a person exports or opens.

use quartermeg_core::network::Network;
use quartermeg_core::program::Program;
use quartermeg_core::program::image::MAGIC;
use quartermeg_formats::config::{self, Opened, Trained};
use quartermeg_formats::setup::Setup;
use quartermeg_formats::{explain, program_file};

use quartermeg_web::protocol::ExportKind;

/// Characters of a file's name that a sentence holds.
const MAX_NAME: usize = 60;

/// Writes a file: its name and contents.
pub(crate) fn export<B: AsRef<[u8]>>(
    kind: ExportKind,
    setup: &Setup,
    network: &Network,
    program: &Program<B>,
    trained: Option<&Trained>,
) -> (String, Vec<u8>) {
    match kind {
        ExportKind::Configuration => {
            let configuration = config::describe(setup, network, program, trained, true);
            (
                "quartermeg.json".to_owned(),
                config::to_json(&configuration).into_bytes(),
            )
        }
        ExportKind::Program => {
            let image = program_file::write(setup, network, program, trained);
            (
                format!("quartermeg-{}.qmeg", setup.scenario),
                image.as_ref().to_vec(),
            )
        }
    }
}

/// A file's name, cut to a length that a sentence can hold.
pub(crate) fn short(name: &str) -> String {
    name.chars().take(MAX_NAME).collect()
}

/// Reads a configuration or a program; the contents tell which it is. What looks like neither is
/// refused as what its name promises.
pub(crate) fn open(name: &str, bytes: &[u8]) -> Result<Opened, String> {
    let promises = |ending: &str| name.to_ascii_lowercase().ends_with(ending);
    let as_program = || program_file::read(bytes).map_err(|it| explain::program_file(&it));
    let as_configuration = || config::read(bytes).map_err(|it| explain::config(&it));
    let result = if bytes.starts_with(&MAGIC) {
        as_program()
    } else if looks_like_text(bytes) {
        as_configuration()
    } else if promises(".qmeg") {
        as_program()
    } else if promises(".json") {
        as_configuration()
    } else {
        Err(
            "This is neither a network (.pkl, .tflite, .safetensors) nor a configuration \
             (quartermeg.json) nor a program (.qmeg)."
                .to_owned(),
        )
    };
    result.map_err(|sentence| format!("\"{}\" was not opened: {sentence}", short(name)))
}

fn looks_like_text(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(256)];
    start.trim_ascii_start().starts_with(b"{") && !start.contains(&0)
}
