//! A small grey image.

use wasm_bindgen::{Clamped, JsCast};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};
use yew::prelude::*;

use crate::charts::ink::SIDE;

/// Properties of [`Pixels`].
#[derive(Properties, PartialEq)]
pub(super) struct PixelsProps {
    /// 28 x 28 grey values, row by row.
    pub grey: std::rc::Rc<[u8]>,
    /// What it shows.
    pub label: AttrValue,
}

/// The image, pixel by pixel.
#[component]
pub(super) fn Pixels(props: &PixelsProps) -> Html {
    let canvas = use_node_ref();
    use_effect_with((props.grey.clone(), canvas.clone()), |(grey, canvas)| {
        if let Some(canvas) = canvas.cast::<HtmlCanvasElement>() {
            paint(&canvas, grey);
        }
    });
    html! {
        <canvas
            ref={canvas}
            class="pixels"
            width={SIDE.to_string()}
            height={SIDE.to_string()}
            role="img"
            aria-label={&props.label}
        />
    }
}

fn paint(canvas: &HtmlCanvasElement, grey: &[u8]) -> Option<()> {
    let context = canvas.get_context("2d").ok()??;
    let context = context.dyn_into::<CanvasRenderingContext2d>().ok()?;
    let colours: Vec<u8> = grey
        .iter()
        .flat_map(|&grey| [grey, grey, grey, 255])
        .collect();
    let image = ImageData::new_with_u8_clamped_array(Clamped(&colours), SIDE).ok()?;
    context.put_image_data(&image, 0.0, 0.0).ok()
}
