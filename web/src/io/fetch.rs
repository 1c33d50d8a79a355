//! Files beside the page.

use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

/// Fetches a file; `what` names it for people.
///
/// # Errors
/// A sentence that says what could not be had, why, and what to do.
pub async fn bytes(what: &str, path: &str) -> Result<Vec<u8>, String> {
    let sentence = |reason: &str| {
        format!(
            "{what} ({path}) cannot be loaded: {reason}. Check the connection and load the page \
             again."
        )
    };
    let response = respond(path)
        .await
        .map_err(|error| sentence(&super::reason(&error)))?;
    if !response.ok() {
        return Err(sentence(&format!(
            "the server answers {}",
            response.status()
        )));
    }
    contents(&response)
        .await
        .map_err(|error| sentence(&super::reason(&error)))
}

async fn respond(path: &str) -> Result<Response, JsValue> {
    let url = super::url(path)?;
    JsFuture::from(super::window().fetch_with_str(&url))
        .await?
        .dyn_into()
}

async fn contents(response: &Response) -> Result<Vec<u8>, JsValue> {
    let buffer: ArrayBuffer = JsFuture::from(response.array_buffer()?).await?.dyn_into()?;
    Ok(Uint8Array::new(&buffer).to_vec())
}
