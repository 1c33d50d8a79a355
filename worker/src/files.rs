//! What a person exports, held against the board, and files that a person opens.

use quartermeg_core::program::image::MAGIC;
use quartermeg_formats::config::{self, Opened};
use quartermeg_formats::export::files::Source;
use quartermeg_formats::export::yaml;
use quartermeg_formats::{explain, program_file};

use quartermeg_web::protocol::ExportView;

/// Characters of a file's name that a sentence holds.
const MAX_NAME: usize = 60;

/// What a person should know before an export.
pub(crate) fn check(source: &Source<'_>) -> ExportView {
    let on_board = source.on_board();
    let no_options = yaml::Options::of(&source.setup.policy).err();
    ExportView {
        fits: on_board.with_firmware.fits,
        fit: on_board.sentence(),
        support: on_board.support_sentence(),
        step: on_board.step.map_or_else(String::new, |step| step.text()),
        no_options: no_options.map(|error| explain::yaml(&error)),
    }
}

/// A file's name, cut to a length that a sentence can hold.
pub(crate) fn short(name: &str) -> String {
    name.chars().take(MAX_NAME).collect()
}

/// Reads a configuration or a program; the contents tell which it is. What looks like neither is
/// refused as what its name promises.
#[cfg_attr(page, optimize(size))]
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
             (quartermeg.json) nor a program (.qmeg) nor trained weights (.safetensors)."
                .to_owned(),
        )
    };
    result.map_err(|sentence| format!("\"{}\" was not opened: {sentence}", short(name)))
}

fn looks_like_text(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(256)];
    start.trim_ascii_start().starts_with(b"{") && !start.contains(&0)
}
