//! The camera: whether it runs, what stands in its way, and where its images go.

use super::{AppState, Command, NoticeKind, Target, Topic};
use crate::protocol::SampleData;

/// What images of the camera are called.
const FRAME_NAME: &str = "Camera";

/// Whether the camera runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Camera {
    /// It does not, and nobody was asked for it.
    #[default]
    Off,
    /// The browser was asked for it, and perhaps asks the person.
    Asked,
    /// It runs.
    On,
}

/// Something about the camera.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CameraAction {
    /// A person wants it.
    Use,
    /// It is to be stopped.
    Stop,
    /// The browser has given it.
    Started,
    /// The browser refused it, or it ended: the name of the reason, as the browser calls it.
    Failed(String),
    /// An image in the size of the network's input.
    Frame(Target, Vec<u8>),
}

/// Why there is no camera, as a sentence; `name` is that of the browser's exception.
fn sentence(name: &str) -> String {
    let reason = match name {
        NO_CAMERA_HERE => {
            "This page has no way to a camera: browsers give one to pages from https or from this \
             machine only."
        }
        "NotAllowedError" => {
            "The camera was not allowed. The permission stands in the browser's settings for this \
             page."
        }
        "NotFoundError" | "OverconstrainedError" => "There is no camera on this machine.",
        "NotReadableError" | "AbortError" => {
            "The camera could not be started; perhaps another program uses it."
        }
        ENDED => "The camera has ended: it was unplugged, or the permission was taken back.",
        _ => {
            return format!(
                "The camera could not be started ({name}). Image files do as well: use Add, or drop \
                 them on a class."
            );
        }
    };
    format!("{reason} Image files do as well: use Add, or drop them on a class.")
}

/// The name of the reason where the browser has no way to a camera at all.
pub const NO_CAMERA_HERE: &str = "NoMediaDevices";
/// The name of the reason where a camera that ran has ended.
pub const ENDED: &str = "Ended";

impl AppState {
    /// Whether the network takes images, so that a camera is of use.
    #[must_use]
    pub fn takes_images(&self) -> bool {
        self.own
            .input()
            .is_some_and(|[_, _, channels]| matches!(channels, 1 | 3))
    }

    pub(super) fn take_camera(&mut self, action: CameraAction) {
        match action {
            CameraAction::Use if self.camera == Camera::Off && self.is_own() => {
                self.notices.clear(Topic::Camera);
                self.camera = Camera::Asked;
                self.outbox.push(Command::StartCamera);
            }
            CameraAction::Use => {}
            CameraAction::Stop => self.stop_camera(),
            CameraAction::Started if self.camera == Camera::Asked => self.camera = Camera::On,
            // It was not wanted any more when it came.
            CameraAction::Started => self.outbox.push(Command::StopCamera),
            CameraAction::Failed(name) => {
                if self.camera != Camera::Off {
                    self.camera = Camera::Off;
                    self.notices
                        .put(NoticeKind::Alert, Topic::Camera, sentence(&name));
                }
            }
            CameraAction::Frame(target, pixels) => {
                if self.camera == Camera::On {
                    self.add_quietly(target, FRAME_NAME, SampleData::Pixels(pixels));
                }
            }
        }
    }

    /// Stops the camera, if it runs or is on its way.
    pub(super) fn stop_camera(&mut self) {
        if self.camera != Camera::Off {
            self.camera = Camera::Off;
            self.outbox.push(Command::StopCamera);
        }
    }
}
