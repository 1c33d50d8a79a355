//! The firmware's image for one board: where things lie, as the linker placed them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SectionKind};
use quartermeg_core::device::{Core, DEVICES, Device};

use crate::Images;

/// The boards that the emulated machine stands for: those with its processor.
pub fn emulated() -> impl Iterator<Item = &'static Device> {
    let fits = |device: &&Device| matches!(device.core, Core::CortexM7 | Core::Unknown);
    DEVICES.iter().filter(fits)
}

/// An image, and the figures of its board.
#[derive(Clone, Debug)]
pub struct Board {
    /// Name of the board, as in `quartermeg_core::device`.
    pub id: String,
    /// The image, an ELF file.
    pub elf: PathBuf,
    /// RAM of the board.
    pub ram_bytes: u64,
    /// Flash of the board.
    pub flash_bytes: u64,
    /// RAM that is kept for the stack.
    pub stack_bytes: u64,
    /// RAM that the image itself needs for statics.
    pub statics_bytes: u64,
    /// RAM that is left for the arena.
    pub block_bytes: u64,
    /// Flash that the image takes; the blob starts behind it.
    pub image_bytes: u64,
    /// Machine code.
    pub text_bytes: u64,
    /// Constants of the code.
    pub rodata_bytes: u64,
}

impl Board {
    /// Reads the image of a board.
    ///
    /// # Errors
    /// When it cannot be read or is not an image of the firmware.
    pub fn open(images: &Images, id: &str) -> anyhow::Result<Self> {
        let path = images.elf(id);
        let bytes =
            std::fs::read(&path).with_context(|| format!("{} cannot be read.", path.display()))?;
        Self::read(id, &path, &bytes)
            .with_context(|| format!("{} is not an image of the firmware", path.display()))
    }

    fn read(id: &str, path: &Path, bytes: &[u8]) -> anyhow::Result<Self> {
        let elf = object::File::parse(bytes)?;
        let symbol = |name: &str| {
            elf.symbol_by_name(name)
                .map(|symbol| symbol.address())
                .ok_or_else(|| anyhow!("symbol {name} is missing"))
        };
        let size_of = |name: &str| {
            elf.section_by_name(name)
                .map_or(0, |section| section.size())
        };
        let [block_start, block_end] = [symbol("_block_start")?, symbol("_block_end")?];
        let [stack_end, stack_start] = [symbol("_stack_end")?, symbol("_stack_start")?];
        let statics_bytes = elf
            .sections()
            .filter(|section| {
                let kind = section.kind();
                let is_written = matches!(
                    kind,
                    SectionKind::Data | SectionKind::UninitializedData | SectionKind::Tls
                );
                is_written || (stack_end..block_end).contains(&section.address())
            })
            .map(|section| section.size())
            .sum();
        Ok(Self {
            id: id.to_owned(),
            elf: path.to_path_buf(),
            ram_bytes: block_end - stack_end,
            flash_bytes: symbol("_flash_end")?,
            stack_bytes: stack_start - stack_end,
            statics_bytes,
            block_bytes: block_end - block_start,
            image_bytes: symbol("_blob_start")?,
            text_bytes: size_of(".text"),
            rodata_bytes: size_of(".rodata"),
        })
    }
}
