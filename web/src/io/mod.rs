//! The page's dealings with the browser, apart from what it draws: files in and out, the
//! address bar, the clipboard, images, the camera, what the browser keeps.

pub mod camera;
pub mod clipboard;
pub mod clock;
mod cut;
pub mod document;
pub mod download;
pub mod fetch;
pub mod fragment;
pub mod open;
pub mod picture;
pub mod samples;
pub mod storage;

use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{Document, Url, Window};

/// The window.
///
/// # Panics
/// Outside a page.
pub(crate) fn window() -> Window {
    web_sys::window().expect("the page runs in a window")
}

/// The document.
///
/// # Panics
/// Outside a page.
pub(crate) fn document() -> Document {
    window().document().expect("the window shows a document")
}

/// The address of a file beside the page.
pub(crate) fn url(path: &str) -> Result<String, JsValue> {
    let base = document().base_uri()?.unwrap_or_default();
    Ok(Url::new_with_base(path, &base)?.href())
}

/// Why something failed, as the browser says it.
pub(crate) fn reason(error: &JsValue) -> String {
    let text = error
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()))
        .or_else(|| error.as_string())
        .unwrap_or_default();
    if text.is_empty() {
        "the browser gives no reason".to_owned()
    } else {
        text
    }
}
