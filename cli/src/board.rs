//! The options `--board`, `--sram` and `--flash`, and `quartermeg boards`.

use std::fmt::Write as _;

use anyhow::{Context as _, bail};
use quartermeg_core::device::{self, CUSTOM_ID, Device};
use quartermeg_formats::board::{self, BoardReport};
use quartermeg_formats::explain;
use serde::Serialize;

use crate::output;

/// A board by its id, or with sizes of one's own.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct OnBoard {
    /// The board that the step is meant for, by its id (see `quartermeg boards`), or custom with
    /// --sram and --flash.
    #[arg(long)]
    board: Option<String>,
    /// SRAM of a custom board, in bytes, or as 200KiB or 1MiB.
    #[arg(long, requires = "flash", value_parser = bytes)]
    sram: Option<u32>,
    /// Flash of a custom board, in the same form.
    #[arg(long, requires = "sram", value_parser = bytes)]
    flash: Option<u32>,
}

impl OnBoard {
    /// The board and its id in links and files; none where none was named.
    pub(crate) fn chosen(&self) -> anyhow::Result<Option<(String, Device)>> {
        let is_custom = self.board.as_deref() == Some(CUSTOM_ID);
        let id = match (&self.board, self.sram.zip(self.flash)) {
            (None, None) => return Ok(None),
            (Some(_), Some((sram, flash))) if is_custom => format!("{CUSTOM_ID}:{sram}:{flash}"),
            (_, Some(_)) => bail!("--sram and --flash are for --board {CUSTOM_ID}."),
            (Some(_), None) if is_custom => {
                bail!(
                    "A custom board needs its sizes: --board {CUSTOM_ID} --sram 200KiB --flash \
                     512KiB."
                )
            }
            (Some(id), None) => id.clone(),
        };
        let device = device::by_id(&id).with_context(|| {
            if is_custom {
                return "A custom board has at least 16.0 KiB (16,384 B) of SRAM and some flash."
                    .to_owned();
            }
            let ids: Vec<&str> = device::DEVICES.iter().map(|device| device.id).collect();
            format!(
                "There is no board \"{id}\"; there are: {}, {CUSTOM_ID}.",
                ids.join(", ")
            )
        })?;
        Ok(Some((id, device)))
    }
}

/// `204800`, `204800B`, `200KiB` or `1MiB` as bytes.
pub(crate) fn bytes(text: &str) -> Result<u32, String> {
    let (digits, unit) = [("KiB", 1024), ("MiB", 1024 * 1024), ("B", 1)]
        .into_iter()
        .find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))
        .unwrap_or((text, 1));
    digits
        .trim_end()
        .parse::<u32>()
        .ok()
        .and_then(|count| count.checked_mul(unit))
        .ok_or_else(|| format!("\"{text}\" is no size; write bytes, or as 200KiB or 1MiB"))
}

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Boards {
    boards: Vec<BoardReport>,
}

/// `quartermeg boards`: the boards, their memory, and what there is for them.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let boards: Vec<BoardReport> = device::DEVICES
        .iter()
        .map(|device| board::report(device.id, device))
        .collect();
    if arguments.json {
        return output::json(&Boards { boards });
    }
    let mut text = String::from(
        "id          core        MHz  block              flash              support            name\n",
    );
    let size = |bytes: u32| match bytes {
        u32::MAX => "no limit".to_owned(),
        bytes => format!("{} KiB", explain::number(u64::from(bytes / 1024))),
    };
    for board in &boards {
        let clock = board
            .clock_mhz
            .map_or_else(|| "-".to_owned(), |mhz| mhz.to_string());
        writeln!(
            text,
            "{:<10}  {:<10}  {clock:>3}  {:<17}  {:<17}  {:<17}  {}",
            board.id,
            board.core,
            size(board.sram_bytes),
            size(board.flash_bytes),
            board.support,
            board.name
        )?;
    }
    writeln!(
        text,
        "{CUSTOM_ID:<10}  sizes of your own: --board {CUSTOM_ID} --sram 200KiB --flash 512KiB"
    )?;
    text.push_str("\nWhere the block lies, and where the figures stand:\n");
    for board in &boards {
        writeln!(text, "{:<10}  {}", board.id, board.source)?;
    }
    output::text(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_bytes_and_binary_units() {
        for (text, size) in [
            ("204800", Some(204_800)),
            ("204800B", Some(204_800)),
            ("200KiB", Some(204_800)),
            ("1 MiB", Some(1_048_576)),
            ("200KB", None),
            ("-1", None),
            ("4096MiB", None),
            ("KiB", None),
        ] {
            assert_eq!(bytes(text).ok(), size, "{text}");
        }
    }
}
