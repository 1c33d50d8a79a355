//! Windows of motion: those held out, and those of a person's recordings.

use super::{AppState, Shared};
use crate::protocol::{MotionView, Request, SampleData};
use quartermeg_formats::scenario::SampleKind;

/// Something about windows of motion.
#[derive(Clone, Debug, PartialEq)]
pub enum MotionAction {
    /// A person chose a recording.
    Open {
        /// Name of the file.
        name: String,
        /// Its contents.
        bytes: Vec<u8>,
    },
    /// Shows a window.
    Show {
        /// 0 for the windows that are held out, else the number of a recording, from 1.
        source: usize,
        /// Which of its windows, from 0; ends at the last one.
        window: usize,
    },
    /// Asks again what the window that is shown is taken for.
    Ask,
    /// Learns from the recording that is shown.
    Add {
        /// Its class.
        label: u32,
    },
}

/// A person's recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// Name of its file.
    pub name: String,
    /// Codes of its windows, `[time, channel]` each.
    pub windows: Shared<Vec<Vec<i8>>>,
}

/// What is known of motion, and what is shown of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Motion {
    /// How it is recorded, and the windows that are held out; none until it has arrived, and in
    /// other scenarios.
    pub view: Option<Shared<MotionView>>,
    /// A person's recordings, in the order of their arrival.
    pub recordings: Vec<Recording>,
    /// What is shown: 0 for the windows that are held out, else the number of a recording, from 1.
    pub source: usize,
    /// Which of its windows.
    pub window: usize,
    /// What it was taken for before learning: class and probability.
    pub before: Option<(u32, f32)>,
    /// Recordings that are learned from, and their class.
    added: Vec<(usize, u32)>,
}

impl Motion {
    /// The recording that is shown; none for the windows that are held out.
    #[must_use]
    pub fn recording(&self) -> Option<&Recording> {
        self.recordings.get(self.source.checked_sub(1)?)
    }

    /// Windows of what is shown.
    #[must_use]
    pub fn n_windows(&self) -> usize {
        match self.recording() {
            Some(recording) => recording.windows.len(),
            None => self.view.as_ref().map_or(0, |view| view.held_out.len()),
        }
    }

    /// Codes of the window that is shown, and its class where that is known.
    #[must_use]
    pub fn shown(&self) -> Option<(&[i8], Option<u32>)> {
        if let Some(recording) = self.recording() {
            let label = |&(number, label): &(usize, u32)| (number == self.source).then_some(label);
            let label = self.added.iter().rev().find_map(label);
            return Some((recording.windows.get(self.window)?, label));
        }
        let (label, codes) = self.view.as_ref()?.held_out.get(self.window)?;
        Some((codes, Some(*label)))
    }

    /// Whether the recording that is shown is learned from already.
    #[must_use]
    pub fn is_added(&self) -> bool {
        self.added.iter().any(|&(number, _)| number == self.source)
    }
}

impl AppState {
    /// Whether the samples are windows of motion.
    #[must_use]
    pub fn is_motion(&self) -> bool {
        self.scenario().samples == SampleKind::Motion
    }

    pub(super) fn take_motion(&mut self, action: MotionAction) {
        match action {
            MotionAction::Open { name, bytes } => {
                if self.motion.view.is_some() {
                    self.notices.clear(super::Topic::Refusal);
                    self.send(Request::ReadRecording { name, bytes });
                }
            }
            MotionAction::Show { source, window } => {
                self.motion.source = source.min(self.motion.recordings.len());
                let last = self.motion.n_windows().saturating_sub(1);
                self.motion.window = window.min(last);
                self.forget_prediction();
            }
            MotionAction::Ask => {
                if let Some((codes, _)) = self.motion.shown()
                    && self.plan.is_some()
                {
                    let data = SampleData::Codes(codes.to_vec());
                    self.classify_request = self.send(Request::Predict { data, range: 0 });
                }
            }
            MotionAction::Add { label } => {
                let is_new = self.motion.recording().is_some() && !self.motion.is_added();
                if self.samples.is_some() && is_new {
                    let number = self.motion.source;
                    self.motion.added.push((number, label));
                    self.send_recording(number, label);
                }
            }
        }
    }

    /// A recording has arrived; it is shown at once.
    pub(super) fn recording_read(&mut self, name: String, windows: Vec<Vec<i8>>) {
        self.motion.recordings.push(Recording {
            name,
            windows: Shared::new(windows),
        });
        let source = self.motion.recordings.len();
        self.take_motion(MotionAction::Show { source, window: 0 });
    }

    /// Gives the recordings that are learned from to a worker that has just read the samples of
    /// the scenario.
    pub(super) fn send_recordings(&mut self) {
        for (number, label) in self.motion.added.clone() {
            self.send_recording(number, label);
        }
    }

    fn send_recording(&mut self, number: usize, label: u32) {
        let recording = number.checked_sub(1);
        if let Some(recording) = recording.and_then(|at| self.motion.recordings.get(at)) {
            let windows = recording.windows.to_vec();
            self.send(Request::AddWindows { windows, label });
        }
    }

    /// Whether the file is a recording for this scenario, by its name.
    pub(super) fn is_recording(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.is_motion() && [".csv", ".tsv", ".txt"].iter().any(|it| name.ends_with(it))
    }
}
