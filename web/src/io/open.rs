//! Files that a person chooses or drops on the page.

use gloo::events::{EventListener, EventListenerOptions};
use gloo::file::Blob;
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::spawn_local;
use web_sys::{DragEvent, FileList};

use crate::state::text;

/// Largest file that is read: no network, configuration or program comes near it.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// A file, or a sentence that says why it was not read.
pub type Read = Result<(String, Vec<u8>), String>;

/// Reads the first of the chosen files and hands it over.
pub fn read_first(files: Option<FileList>, done: impl FnOnce(Read) + 'static) {
    if let Some(file) = files.and_then(|files| files.get(0)) {
        spawn_local(async move { done(read(file).await) });
    }
}

/// Reads a file.
///
/// # Errors
/// A sentence that says which file cannot be read, and why.
pub(super) async fn read(file: web_sys::File) -> Read {
    let name = file.name();
    let blob = Blob::from(file);
    if blob.size() > MAX_BYTES {
        return Err(format!(
            "\"{name}\" has {}; files of up to {} can be opened.",
            text::bytes(blob.size()),
            text::bytes(MAX_BYTES)
        ));
    }
    match gloo::file::futures::read_as_bytes(&blob).await {
        Ok(bytes) => Ok((name, bytes)),
        Err(error) => Err(format!(
            "\"{name}\" cannot be read: {error}. Choose it again."
        )),
    }
}

/// Takes files that are dropped anywhere on the page, until it is dropped itself.
pub fn listen_to_drops(done: impl Fn(Read) + Clone + 'static) -> [EventListener; 2] {
    let active = EventListenerOptions::enable_prevent_default();
    let window = super::window();
    // Without this a browser shows a dropped file in the place of the page.
    let over = EventListener::new_with_options(&window, "dragover", active, |event| {
        event.prevent_default();
    });
    let drop = EventListener::new_with_options(&window, "drop", active, move |event| {
        if event.default_prevented() {
            // A part of the page has taken it.
            return;
        }
        event.prevent_default();
        let files = event
            .unchecked_ref::<DragEvent>()
            .data_transfer()
            .and_then(|transfer| transfer.files());
        read_first(files, done.clone());
    });
    [over, drop]
}
