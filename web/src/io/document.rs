//! What the page asks the browser about, and what it writes on the document for tests and for
//! reports of faults.

use wasm_bindgen::JsValue;

use crate::build;

/// Whether the person asked for little movement.
pub fn prefers_calm() -> bool {
    super::window()
        .match_media("(prefers-reduced-motion: reduce)")
        .ok()
        .flatten()
        .is_some_and(|query| query.matches())
}

/// Writes builds and SIMD on the root element.
pub fn mark_ready(worker_build: &str, worker_simd: bool) {
    let Some(root) = super::document().document_element() else {
        return;
    };
    let simd = format!("page:{} worker:{worker_simd}", build::SIMD);
    let written: Result<(), JsValue> = root
        .set_attribute("data-simd", &simd)
        .and_then(|()| root.set_attribute("data-build", worker_build));
    // It fails only for names that are no attributes.
    let _ = written;
}
