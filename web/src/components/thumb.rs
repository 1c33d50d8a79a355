//! A sample as a small image.

use wasm_bindgen::{Clamped, JsCast};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};
use yew::prelude::*;

use crate::protocol::SampleData;
use crate::state::Shared;

/// Properties of [`Thumb`].
#[derive(Properties, PartialEq)]
pub(super) struct ThumbProps {
    /// The sample.
    pub data: Shared<SampleData>,
    /// Height, width and channels.
    pub input: [u32; 3],
    /// What it shows.
    pub label: AttrValue,
}

/// The sample in colours, or its first channel in grey.
#[component]
pub(super) fn Thumb(props: &ThumbProps) -> Html {
    let canvas = use_node_ref();
    use_effect_with(
        (props.data.clone(), props.input, canvas.clone()),
        |(data, input, canvas)| {
            if let Some(canvas) = canvas.cast::<HtmlCanvasElement>() {
                // A browser without canvases shows none.
                let _ = paint(&canvas, data, *input);
            }
        },
    );
    let [height, width, _] = props.input;
    html! {
        <canvas
            ref={canvas}
            class="thumb"
            width={width.to_string()}
            height={height.to_string()}
            role="img"
            aria-label={&props.label}
            title={&props.label}
        />
    }
}

fn paint(canvas: &HtmlCanvasElement, data: &SampleData, [_, w, c]: [u32; 3]) -> Option<()> {
    let context = canvas.get_context("2d").ok()??;
    let context = context.dyn_into::<CanvasRenderingContext2d>().ok()?;
    let values: Vec<u8> = match data {
        SampleData::Pixels(pixels) => pixels.clone(),
        SampleData::Codes(codes) => codes
            .iter()
            .map(|code| code.cast_unsigned().wrapping_add(128))
            .collect(),
    };
    let colours: Vec<u8> = values
        .chunks_exact(c.max(1) as usize)
        .flat_map(|pixel| match *pixel {
            [r, g, b] => [r, g, b, 255],
            _ => [pixel[0], pixel[0], pixel[0], 255],
        })
        .collect();
    let image = ImageData::new_with_u8_clamped_array(Clamped(&colours), w).ok()?;
    context.put_image_data(&image, 0.0, 0.0).ok()
}
