//! What is taken away: how files are handed over, and whether their program was verified.

use super::{AppState, Command, Handover, NoticeKind, Shared, Topic};
use crate::protocol::{ExportKind, Request};

impl AppState {
    pub(super) fn check_export(&mut self, with_weights: bool) {
        if self.plan.is_some() {
            self.send(Request::CheckExport { with_weights });
        }
    }

    pub(super) fn start_export(&mut self, kind: ExportKind, with_weights: bool, to: Handover) {
        if self.plan.is_none() {
            return;
        }
        let id = self.send(Request::Export { kind, with_weights });
        if to != Handover::Download {
            self.exporting.push((id, to));
        }
    }

    /// Hands over a file that the worker has written.
    pub(super) fn exported(&mut self, id: u32, name: String, bytes: Vec<u8>) {
        // Answers come in the order of the requests.
        self.exporting.retain(|(request, _)| *request >= id);
        let to = self.exporting.iter().find(|(request, _)| *request == id);
        let bytes = Shared::new(bytes);
        match to.map_or(Handover::Download, |(_, to)| *to) {
            Handover::Download => self.outbox.push(Command::Download { name, bytes }),
            Handover::Picture => self.outbox.push(Command::PaintMap { svg: bytes }),
            Handover::Copy(wanted) if wanted == name => {
                self.outbox.push(Command::CopyFile { name, bytes });
            }
            Handover::Copy(_) => {}
        }
    }

    pub(super) fn file_copied(&mut self, name: &str, result: Result<(), String>) {
        let (kind, text) = match result {
            Ok(()) => (NoticeKind::News, format!("\"{name}\" was copied.")),
            Err(reason) => (
                NoticeKind::Alert,
                format!("\"{name}\" could not be copied ({reason}); download it instead."),
            ),
        };
        self.notices.put(kind, Topic::Exported, text);
    }

    /// Whether the program on the page trained alike, bit for bit, on the emulated board and
    /// elsewhere; none while program or list are on their way.
    #[must_use]
    pub fn is_verified(&self) -> Option<bool> {
        let list = self.verified.as_ref()?;
        let is_known = !self.planning && !self.program_sha256.is_empty();
        is_known.then(|| list.iter().any(|digest| **digest == *self.program_sha256))
    }

    /// Whether there are trained weights to take away.
    #[must_use]
    pub fn has_trained(&self) -> bool {
        self.step > 0 || self.op > 0
    }
}
