//! The device twin: runs an exported program on the emulated board, natively and in wasm, by one
//! driver (`firmware/`), and compares what came out.

pub mod board;
pub mod pack;
pub mod report;
pub mod run;
pub mod samples;

pub use board::Board;
pub use report::{Report, examine};

use std::path::{Path, PathBuf};

/// The folder with what [`run`] needs: `ID.elf` for every board, and `driver.wasm`.
#[derive(Clone, Debug)]
pub struct Images(PathBuf);

impl Images {
    /// The images in that folder, as `cargo xtask firmware` builds them.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        Self(folder.to_path_buf())
    }

    fn elf(&self, board: &str) -> PathBuf {
        self.0.join(format!("{board}.elf"))
    }

    fn wasm(&self) -> PathBuf {
        self.0.join("driver.wasm")
    }
}
