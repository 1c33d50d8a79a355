//! Files that the page writes.

use gloo::timers::callback::Timeout;
use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{Blob, HtmlAnchorElement, Url};

/// Time that the browser has to begin the download before its source is freed.
const KEEP_MILLIS: u32 = 30_000;

/// Offers a file as a download.
///
/// # Errors
/// A sentence that says what could not be written, and why.
pub fn offer(name: &str, bytes: &[u8]) -> Result<(), String> {
    try_offer(name, bytes).map_err(|error| {
        format!(
            "\"{name}\" cannot be written: {}. Allow downloads for this page and try again.",
            super::reason(&error)
        )
    })
}

fn try_offer(name: &str, bytes: &[u8]) -> Result<(), JsValue> {
    let parts = Array::of1(&Uint8Array::from(bytes));
    let blob = Blob::new_with_u8_array_sequence(&parts)?;
    let url = Url::create_object_url_with_blob(&blob)?;
    let document = super::document();
    let anchor: HtmlAnchorElement = document.create_element("a")?.unchecked_into();
    anchor.set_href(&url);
    anchor.set_download(name);
    anchor.set_hidden(true);
    let body = document.body().ok_or(JsValue::NULL)?;
    body.append_child(&anchor)?;
    anchor.click();
    anchor.remove();
    Timeout::new(KEEP_MILLIS, move || {
        // It fails only for what is no address.
        let _ = Url::revoke_object_url(&url);
    })
    .forget();
    Ok(())
}
