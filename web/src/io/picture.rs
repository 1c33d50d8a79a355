//! The memory map as a picture: the browser paints its SVG.

use gloo::file::Blob;
use js_sys::{Array, Function, Promise};
use quartermeg_formats::export::map::{HEIGHT, WIDTH};
use quartermeg_formats::export::{Stamp, png};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    BlobPropertyBag, CanvasRenderingContext2d, HtmlCanvasElement, HtmlImageElement, Url,
};

/// Pixels of the picture for one of the map, in both directions.
const SCALE: u32 = 2;

/// Paints the memory map, an exported SVG file, as PNG with the stamp of the map.
///
/// # Errors
/// A sentence that says why it cannot be painted.
pub async fn png(svg: &[u8]) -> Result<Vec<u8>, String> {
    let painted = paint(svg).await.map_err(|error| {
        format!(
            "The memory map cannot be painted: {}. Take the SVG instead.",
            super::reason(&error)
        )
    })?;
    let bytes = gloo::file::futures::read_as_bytes(&painted)
        .await
        .map_err(|error| format!("The picture cannot be read: {error}. Take the SVG instead."))?;
    let stamped = Stamp::find(&String::from_utf8_lossy(svg)).and_then(|stamp| {
        let stamp = Stamp {
            kind: "png".to_owned(),
            ..stamp
        };
        png::with_stamp(&bytes, &stamp.line())
    });
    Ok(stamped.unwrap_or(bytes))
}

async fn paint(svg: &[u8]) -> Result<Blob, JsValue> {
    let kind = BlobPropertyBag::new();
    kind.set_type("image/svg+xml");
    let parts = Array::of1(&js_sys::Uint8Array::from(svg));
    let source = web_sys::Blob::new_with_u8_array_sequence_and_options(&parts, &kind)?;
    let url = Url::create_object_url_with_blob(&source)?;
    let image = HtmlImageElement::new()?;
    image.set_src(&url);
    let decoded = JsFuture::from(image.decode()).await;
    // It fails only for what is no address.
    let _ = Url::revoke_object_url(&url);
    decoded?;

    let canvas: HtmlCanvasElement = super::document().create_element("canvas")?.unchecked_into();
    let [width, height] = [WIDTH, HEIGHT].map(|extent| extent.unsigned_abs() * SCALE);
    canvas.set_width(width);
    canvas.set_height(height);
    let context: CanvasRenderingContext2d = canvas
        .get_context("2d")?
        .ok_or(JsValue::NULL)?
        .unchecked_into();
    context.draw_image_with_html_image_element_and_dw_and_dh(
        &image,
        0.0,
        0.0,
        f64::from(width),
        f64::from(height),
    )?;
    let mut asked = Ok(());
    let png = Promise::new(&mut |resolve: Function, _reject| {
        asked = canvas.to_blob(&resolve);
    });
    asked?;
    let png: web_sys::Blob = JsFuture::from(png).await?.dyn_into()?;
    Ok(Blob::from(png))
}
