//! The clipboard.

use js_sys::Reflect;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlDocument, HtmlTextAreaElement};

/// Copies a text.
///
/// # Errors
/// Why it could not be copied.
pub async fn copy(text: &str) -> Result<(), String> {
    match copy_directly(text).await {
        Ok(()) => Ok(()),
        // Pages that are not served securely have no clipboard, and a person may have forbidden
        // it; copying a selected text is allowed more often.
        Err(_) => copy_selection(text).map_err(|error| super::reason(&error)),
    }
}

async fn copy_directly(text: &str) -> Result<(), JsValue> {
    let navigator = super::window().navigator();
    if Reflect::get(&navigator, &JsValue::from_str("clipboard"))?.is_undefined() {
        return Err(JsValue::UNDEFINED);
    }
    JsFuture::from(navigator.clipboard().write_text(text)).await?;
    Ok(())
}

fn copy_selection(text: &str) -> Result<(), JsValue> {
    let document = super::document();
    let area: HtmlTextAreaElement = document.create_element("textarea")?.unchecked_into();
    area.set_value(text);
    area.set_read_only(true);
    document.body().ok_or(JsValue::NULL)?.append_child(&area)?;
    area.select();
    let copied = document
        .unchecked_ref::<HtmlDocument>()
        .exec_command("copy");
    area.remove();
    if copied? {
        Ok(())
    } else {
        Err(JsValue::from_str("the browser forbids it"))
    }
}
