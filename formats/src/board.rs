//! Whether a program fits a board, and how long a step may take there.

use quartermeg_core::device::cost::{self, Basis, Work};
use quartermeg_core::device::{Device, Support};
use quartermeg_core::program::Program;
use serde::Serialize;

use crate::explain;

/// A board as reports state it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BoardReport {
    /// Id in links and files.
    pub id: String,
    /// Name as people see it.
    pub name: &'static str,
    /// Its processor.
    pub core: &'static str,
    /// Its highest clock in MHz; none where it is not stated.
    pub clock_mhz: Option<u32>,
    /// SRAM that the one block may use: the largest piece with consecutive addresses.
    pub sram_bytes: u32,
    /// All SRAM for data.
    pub sram_total_bytes: u32,
    /// Flash.
    pub flash_bytes: u32,
    /// `verified firmware`, `library` or `byte counts only`.
    pub support: &'static str,
    /// Where the figures stand.
    pub source: &'static str,
}

/// A program on a board.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BoardFit {
    /// The board.
    pub board: BoardReport,
    /// Whether block, program and constants fit.
    pub fits: bool,
    /// Bytes that the block lacks.
    pub missing_sram_bytes: u32,
    /// Bytes that program and constants lack in flash; the code is not counted.
    pub missing_flash_bytes: u32,
    /// How long a step may take, where there is something to estimate it from.
    pub step: Option<StepEstimate>,
}

/// How long a step may take.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct StepEstimate {
    /// Milliseconds.
    pub milliseconds: f32,
    /// Largest relative error on a measured latency that was not fitted; none where nothing was
    /// measured on such a chip.
    pub error: Option<f32>,
    /// What the estimate rests on.
    pub basis: &'static str,
}

/// Everything that reports state about a board; `id` is its text in links and files.
#[must_use]
pub fn report(id: &str, device: &Device) -> BoardReport {
    BoardReport {
        id: id.to_owned(),
        name: device.name,
        core: device.core.name(),
        clock_mhz: (device.clock_mhz > 0).then_some(device.clock_mhz),
        sram_bytes: device.sram_bytes,
        sram_total_bytes: device.sram_total_bytes,
        flash_bytes: device.flash_bytes,
        support: Support::name(device.support),
        source: device.source(),
    }
}

/// How a program lies on a board; `file_bytes` is what goes into flash: the program with what is
/// attached to it.
#[must_use]
pub fn fit<B: AsRef<[u8]>>(
    id: &str,
    device: &Device,
    program: &Program<B>,
    file_bytes: usize,
) -> BoardFit {
    let missing_sram_bytes = device.missing_sram(program.meta().arena_bytes);
    let program_bytes = u32::try_from(file_bytes).unwrap_or(u32::MAX);
    let missing_flash_bytes = device.missing_flash(program_bytes);
    let step = cost::estimate(&Work::of_step(program), device).map(|estimate| StepEstimate {
        milliseconds: estimate.milliseconds,
        error: (estimate.basis == Basis::Measured).then_some(cost::HELD_OUT_ERROR),
        basis: match estimate.basis {
            Basis::Measured => "the paper's latencies on this chip, with the paper's kernels",
            Basis::Clock => "the paper's latencies on an STM32F746, by the ratio of the clocks",
            Basis::CoreMark => {
                "the paper's latencies on a Cortex-M7, by the ratios of clock and CoreMark"
            }
        },
    });
    BoardFit {
        board: report(id, device),
        fits: missing_sram_bytes == 0 && missing_flash_bytes == 0,
        missing_sram_bytes,
        missing_flash_bytes,
        step,
    }
}

impl BoardFit {
    /// Whether it fits, and what is missing, in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let name = self.board.name;
        let missing =
            |bytes: u32, of: &str| format!("{} of {of}", explain::bytes(u64::from(bytes)));
        match (self.missing_sram_bytes, self.missing_flash_bytes) {
            (0, 0) => format!("Fits {name}."),
            (sram, 0) => format!(
                "Does not fit {name}: {} missing.",
                missing(sram, "SRAM are")
            ),
            (0, flash) => format!(
                "Does not fit {name}: {} missing.",
                missing(flash, "flash are")
            ),
            (sram, flash) => format!(
                "Does not fit {name}: {} and {} missing.",
                missing(sram, "SRAM"),
                missing(flash, "flash are")
            ),
        }
    }
}

impl StepEstimate {
    /// The estimate with its error, in words.
    #[must_use]
    pub fn text(&self) -> String {
        let error = self.error.map_or_else(
            || "error not known".to_owned(),
            |share| format!("error up to {:.1} % where it was measured", 100.0 * share),
        );
        format!(
            "about {:.0} ms ({error}; from {})",
            self.milliseconds, self.basis
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quartermeg_core::device::by_id;

    fn with(missing_sram_bytes: u32, missing_flash_bytes: u32) -> BoardFit {
        BoardFit {
            board: report("256k", &by_id("256k").expect("a board")),
            fits: missing_sram_bytes == 0 && missing_flash_bytes == 0,
            missing_sram_bytes,
            missing_flash_bytes,
            step: None,
        }
    }

    #[test]
    fn what_is_missing_is_said_in_bytes() {
        for (fit, sentence) in [
            (with(0, 0), "Fits 256 KiB microcontroller."),
            (
                with(1536, 0),
                "Does not fit 256 KiB microcontroller: 1.5 KiB (1,536 B) of SRAM are missing.",
            ),
            (
                with(0, 12),
                "Does not fit 256 KiB microcontroller: 12 B of flash are missing.",
            ),
            (
                with(1, 2),
                "Does not fit 256 KiB microcontroller: 1 B of SRAM and 2 B of flash are missing.",
            ),
        ] {
            assert_eq!(fit.sentence(), sentence);
        }
    }
}
