//! Whether a program fits a board, and how long a step may take there.

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::device::cost::{self, Basis, Work};
use quartermeg_core::device::{CUSTOM_ID, Core, Device, Support};
use quartermeg_core::program::Program;
use quartermeg_core::runtime::STATE_BYTES;
use serde::Serialize;

use crate::explain;

/// RAM that the firmware keeps for its stack.
pub const STACK_BYTES: u32 = 12 * 1024;
/// Flash that is kept for the firmware's vectors, code and constants; the test of the firmware
/// holds it against the image (`docs/firmware.md`).
pub const CODE_BYTES: u32 = 144 * 1024;

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
    /// Whether block, program and constants fit, without anything that runs them.
    pub fits: bool,
    /// Bytes that the block lacks.
    pub missing_sram_bytes: u32,
    /// Bytes that program and constants lack in flash; the code is not counted.
    pub missing_flash_bytes: u32,
    /// The same together with the firmware that runs them.
    pub with_firmware: FirmwareFit,
    /// How long a step may take, where there is something to estimate it from.
    pub step: Option<StepEstimate>,
    #[serde(skip)]
    support: Support,
    /// Whether its processor is stated.
    #[serde(skip)]
    is_named: bool,
}

/// What a board needs for a program and the firmware that runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FirmwareFit {
    /// Whether all of it fits.
    pub fits: bool,
    /// SRAM that is needed: the block, the stack and the statics.
    pub sram_bytes: u32,
    /// Of it the stack.
    pub stack_bytes: u32,
    /// Of it the statics.
    pub statics_bytes: u32,
    /// Flash that is needed: the program with what is attached to it, and the code.
    pub flash_bytes: u32,
    /// Of it the code.
    pub code_bytes: u32,
    /// Bytes of SRAM that are missing.
    pub missing_sram_bytes: u32,
    /// Bytes of flash that are missing.
    pub missing_flash_bytes: u32,
}

impl FirmwareFit {
    /// The needs of a block and of a program file on a board. The block needs consecutive
    /// addresses; stack and statics may lie elsewhere.
    fn of(device: &Device, arena_bytes: u32, program_bytes: u32) -> Self {
        let sram_bytes = arena_bytes.saturating_add(STACK_BYTES + STATE_BYTES);
        let flash_bytes = program_bytes.saturating_add(CODE_BYTES);
        let missing_sram_bytes = device
            .missing_sram(arena_bytes)
            .max(sram_bytes.saturating_sub(device.sram_total_bytes));
        let missing_flash_bytes = device.missing_flash(flash_bytes);
        Self {
            fits: missing_sram_bytes == 0 && missing_flash_bytes == 0,
            sram_bytes,
            stack_bytes: STACK_BYTES,
            statics_bytes: STATE_BYTES,
            flash_bytes,
            code_bytes: CODE_BYTES,
            missing_sram_bytes,
            missing_flash_bytes,
        }
    }
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

/// The id of a custom board, from bytes of SRAM and flash and a clock in MHz, which is 0 where it is
/// not stated.
#[must_use]
pub fn custom_id(sram_bytes: u32, flash_bytes: u32, clock_mhz: u32) -> String {
    match clock_mhz {
        0 => format!("{CUSTOM_ID}:{sram_bytes}:{flash_bytes}"),
        clock_mhz => format!("{CUSTOM_ID}:{sram_bytes}:{flash_bytes}:{clock_mhz}"),
    }
}

/// Cycles of a step on a Cortex-M7, estimated. Here, and not where it is asked for, because this
/// crate is compiled for size.
#[must_use]
pub fn cycles_of_step(program: &Program<AlignedBytes>) -> f32 {
    Work::of_step(program).cycles()
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
            Basis::Assumed => {
                "the paper's latencies on an STM32F746, by the ratio of the clocks, as if it were \
                 a Cortex-M7"
            }
        },
    });
    BoardFit {
        board: report(id, device),
        fits: missing_sram_bytes == 0 && missing_flash_bytes == 0,
        missing_sram_bytes,
        missing_flash_bytes,
        with_firmware: FirmwareFit::of(device, program.meta().arena_bytes, program_bytes),
        step,
        support: device.support,
        is_named: device.core != Core::Unknown,
    }
}

impl BoardFit {
    /// Whether it fits together with its firmware; where it does not, what is missing, of what,
    /// and what to do.
    #[must_use]
    pub fn sentence(&self) -> String {
        let FirmwareFit {
            sram_bytes,
            stack_bytes,
            statics_bytes,
            flash_bytes,
            code_bytes,
            missing_sram_bytes: sram,
            missing_flash_bytes: flash,
            ..
        } = self.with_firmware;
        let name = self.board.name;
        if self.board.sram_bytes == u32::MAX {
            return "No board is chosen, so nothing is held against its memory.".to_owned();
        }
        if sram == 0 && flash == 0 {
            return format!(
                "Fits {name}: {} of SRAM with stack and statics, {} of flash with the firmware.",
                bytes(sram_bytes),
                bytes(flash_bytes)
            );
        }
        let missing = match (sram, flash) {
            (sram, 0) => format!("{} of SRAM are missing", bytes(sram)),
            (0, flash) => format!("{} of flash are missing", bytes(flash)),
            (sram, flash) => format!(
                "{} of SRAM and {} of flash are missing",
                bytes(sram),
                bytes(flash)
            ),
        };
        let arena = bytes(sram_bytes - stack_bytes - statics_bytes);
        let of_sram = format!(
            " The arena takes {arena}, the stack {}, statics {}.",
            bytes(stack_bytes),
            bytes(statics_bytes)
        );
        let of_flash = format!(
            " The program takes {}, the firmware {}.",
            bytes(flash_bytes - code_bytes),
            bytes(code_bytes)
        );
        let (parts, advice) = match (sram, flash) {
            (_, 0) => (
                of_sram,
                "Choose a policy that needs less, or a board with more SRAM.",
            ),
            (0, _) => (
                of_flash,
                "Choose a smaller network, or a board with more flash.",
            ),
            _ => (
                of_sram + &of_flash,
                "Choose a smaller network, or a board with more memory.",
            ),
        };
        format!("Does not fit {name}: {missing}.{parts} {advice}")
    }

    /// What there is that runs the program's operations on the board; nothing where none is chosen.
    #[must_use]
    pub fn support_sentence(&self) -> String {
        let core = self.board.core;
        match self.support {
            Support::VerifiedFirmware => {
                "Its firmware has every operation and is tested on an emulated Cortex-M7."
                    .to_owned()
            }
            Support::Library => format!(
                "The library has every operation and compiles for its {core}, but was never run \
                 on it."
            ),
            Support::ByteCounts if self.board.sram_bytes == u32::MAX => String::new(),
            Support::ByteCounts => format!(
                "Only its bytes are known: there is neither firmware nor a library for {}; the \
                 report lists the kinds of operations that yours has to have.",
                if self.is_named { core } else { "its processor" }
            ),
        }
    }
}

fn bytes(bytes: u32) -> String {
    explain::bytes(u64::from(bytes))
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

    /// A block and a program file on a board.
    fn on(id: &str, arena_bytes: u32, program_bytes: u32) -> BoardFit {
        let device = by_id(id).expect("a board");
        let with_firmware = FirmwareFit::of(&device, arena_bytes, program_bytes);
        let missing_sram_bytes = device.missing_sram(arena_bytes);
        BoardFit {
            board: report(id, &device),
            fits: missing_sram_bytes == 0,
            missing_sram_bytes,
            missing_flash_bytes: 0,
            with_firmware,
            step: None,
            support: device.support,
            is_named: device.core != Core::Unknown,
        }
    }

    #[test]
    fn stack_statics_and_code_take_their_part_of_the_board() {
        let most = 256 * 1024 - STACK_BYTES - STATE_BYTES;
        let fits = on("256k", most, 1024 * 1024 - CODE_BYTES);
        assert!(fits.with_firmware.fits, "{fits:?}");
        assert_eq!(
            fits.sentence(),
            "Fits 256 KiB microcontroller: 256.0 KiB (262,144 B) of SRAM with stack and statics, \
             1.0 MiB (1,048,576 B) of flash with the firmware."
        );
        assert_eq!(
            on("256k", most + 1, 0).sentence(),
            "Does not fit 256 KiB microcontroller: 1 B of SRAM are missing. The arena takes \
             243.8 KiB (249,617 B), the stack 12.0 KiB (12,288 B), statics 240 B. Choose a policy \
             that needs less, or a board with more SRAM."
        );
        let flash = on("256k", 0, 1024 * 1024 - CODE_BYTES + 12).sentence();
        assert!(
            flash.starts_with("Does not fit 256 KiB microcontroller: 12 B of flash are missing. "),
            "{flash}"
        );
        let both = on("256k", most + 1, 1024 * 1024).sentence();
        assert!(
            both.contains("1 B of SRAM and 144.0 KiB (147,456 B) of flash are missing."),
            "{both}"
        );
    }

    #[test]
    fn the_stack_may_lie_beside_the_largest_piece_of_memory() {
        let whole_piece = on("stm32f407", 128 * 1024, 0);
        assert!(whole_piece.with_firmware.fits);
        let larger = on("stm32f407", 128 * 1024 + 4, 0);
        assert_eq!(larger.with_firmware.missing_sram_bytes, 4);
    }

    #[test]
    fn a_custom_board_is_known_by_its_id() {
        for clock_mhz in [0, 84] {
            let id = custom_id(204_800, 524_288, clock_mhz);
            let device = by_id(&id).expect("a board");
            let found = (device.sram_bytes, device.flash_bytes, device.clock_mhz);
            assert_eq!(found, (204_800, 524_288, clock_mhz), "{id}");
        }
    }

    #[test]
    fn what_runs_the_operations_is_said_of_every_board() {
        for (id, words) in [
            ("256k", "tested on an emulated Cortex-M7"),
            ("rp2040", "compiles for its Cortex-M0+"),
            ("esp32s3", "neither firmware nor a library for Xtensa LX7"),
            ("custom:65536:65536", "a library for its processor"),
        ] {
            let sentence = on(id, 0, 0).support_sentence();
            assert!(sentence.contains(words), "{id}: {sentence}");
        }
        let sentence = on("unlimited", u32::MAX - 1, u32::MAX).sentence();
        assert!(sentence.starts_with("No board is chosen"), "{sentence}");
    }
}
