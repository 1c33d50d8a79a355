//! Effects on the world, decided by the reducer and carried out by the app's root.

use super::{File, Shared};
use crate::protocol::ToWorker;

/// One effect.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Send a request to the worker.
    Send(Shared<ToWorker>),
    /// Fetch a file of the scenario and hand it to the worker under this request number.
    Load {
        /// Which.
        file: File,
        /// Id of the scenario.
        scenario: &'static str,
        /// Path, relative to the page.
        path: String,
        /// Number of the request.
        id: u32,
    },
    /// End the worker, if there still is one, and start a new one.
    RestartWorker,
    /// Offer a file as a download.
    Download {
        /// Proposed name.
        name: String,
        /// Contents.
        bytes: Shared<Vec<u8>>,
    },
    /// Copy a text file.
    CopyFile {
        /// Its name.
        name: String,
        /// Its contents, which are UTF-8.
        bytes: Shared<Vec<u8>>,
    },
    /// Paint the memory map and offer it as a download.
    PaintMap {
        /// The map as SVG.
        svg: Shared<Vec<u8>>,
    },
    /// Keep a text in the browser under a key, or forget what is kept there.
    Keep {
        /// The key.
        key: String,
        /// The text; none forgets it.
        text: Option<String>,
    },
    /// Tell what is kept under a key, by [`super::AnalysisAction::Recalled`].
    Recall {
        /// The key.
        key: String,
    },
    /// Tell under which keys that begin so something is kept, by [`super::AnalysisAction::Listed`].
    ListKept {
        /// How they begin.
        prefix: &'static str,
    },
    /// Ask the browser for the camera.
    StartCamera,
    /// Stop the camera.
    StopCamera,
    /// Write the fragment into the address bar.
    WriteFragment(String),
    /// Copy the page's address with this fragment.
    CopyLink(String),
    /// Keep a text in the browser's storage.
    KeepText {
        /// Under which key.
        key: &'static str,
        /// The text.
        text: Shared<String>,
    },
    /// Tell when the run of this number was kept: now.
    StampRun(u32),
    /// Tell the document which builds run and whether they use SIMD.
    MarkReady {
        /// Build of the worker's code.
        build: String,
        /// Whether the worker uses SIMD.
        simd: bool,
    },
}

/// Commands in their order, numbered so that none is carried out twice.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    newest: u32,
    waiting: Vec<(u32, Command)>,
}

/// Two that have seen the same commands are equal: that some were carried out is nothing to draw.
impl PartialEq for Outbox {
    fn eq(&self, other: &Self) -> bool {
        self.newest == other.newest
    }
}

impl Outbox {
    /// Adds a command.
    pub(super) fn push(&mut self, command: Command) {
        self.newest += 1;
        self.waiting.push((self.newest, command));
    }

    /// Forgets the commands up to this number.
    pub(super) fn done(&mut self, up_to: u32) {
        self.waiting.retain(|(number, _)| *number > up_to);
    }

    /// Forgets the requests that no worker has been sent yet.
    pub(super) fn drop_requests(&mut self) {
        self.waiting
            .retain(|(_, command)| !matches!(command, Command::Send(_) | Command::Load { .. }));
    }

    /// Number of the newest command.
    #[must_use]
    pub fn newest(&self) -> u32 {
        self.newest
    }

    /// Commands with a larger number than `done`.
    pub fn after(&self, done: u32) -> impl Iterator<Item = &(u32, Command)> {
        self.waiting
            .iter()
            .filter(move |(number, _)| *number > done)
    }

    /// Whether there is nothing to carry out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
