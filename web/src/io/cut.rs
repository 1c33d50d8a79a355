//! A picture in the size of a network's input.

use js_sys::{Object, Reflect};
use quartermeg_formats::image::grey;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

/// Takes the largest part in the middle that has the aspect of the input, scales it, and returns
/// its values.
///
/// `size` is width and height of the picture. `draw` draws it: the part `x, y, w, h` onto all of a
/// canvas of the given width and height.
pub(super) fn cut(
    size: [u32; 2],
    [h, w, c]: [u32; 3],
    draw: impl FnOnce(&CanvasRenderingContext2d, [f64; 4], [f64; 2]) -> Result<(), JsValue>,
) -> Result<Vec<u8>, JsValue> {
    let [width, height] = size.map(f64::from);
    let (to_width, to_height) = (f64::from(w), f64::from(h));
    let scale = (width / to_width).min(height / to_height);
    let (part_width, part_height) = (scale * to_width, scale * to_height);

    let canvas: HtmlCanvasElement = super::document().create_element("canvas")?.dyn_into()?;
    canvas.set_width(w);
    canvas.set_height(h);
    let options = Object::new();
    Reflect::set(&options, &"willReadFrequently".into(), &JsValue::TRUE)?;
    let context: CanvasRenderingContext2d = canvas
        .get_context_with_context_options("2d", &options)?
        .ok_or(JsValue::NULL)?
        .dyn_into()?;
    // What is transparent lies on white.
    context.set_fill_style_str("#fff");
    context.fill_rect(0.0, 0.0, to_width, to_height);
    context.set_image_smoothing_enabled(true);
    // Bilinear, from a smaller copy where the image is much larger.
    Reflect::set(&context, &"imageSmoothingQuality".into(), &"medium".into())?;
    let (x, y) = (0.5 * (width - part_width), 0.5 * (height - part_height));
    draw(
        &context,
        [x, y, part_width, part_height],
        [to_width, to_height],
    )?;
    let colours = context
        .get_image_data(0.0, 0.0, to_width, to_height)?
        .data()
        .0;
    let (pixels, _) = colours.as_chunks::<4>();
    Ok(if c == 1 {
        pixels.iter().map(|&[r, g, b, _]| grey([r, g, b])).collect()
    } else {
        pixels.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect()
    })
}
