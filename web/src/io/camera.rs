//! The camera. Its images go to the element that shows them and, cut, to whoever asks; nowhere
//! else.

use std::cell::RefCell;

use gloo::events::EventListener;
use js_sys::{Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlVideoElement, MediaStream, MediaStreamConstraints, MediaStreamTrack};

use super::cut::cut;
use crate::state::NO_CAMERA_HERE;

/// A camera that runs.
struct Running {
    stream: MediaStream,
    /// The element that shows it.
    video: Option<HtmlVideoElement>,
    _on_end: Vec<EventListener>,
}

thread_local! {
    static RUNNING: RefCell<Option<Running>> = const { RefCell::new(None) };
}

/// Asks the browser for the camera; `on_end` is called when it ends by itself.
///
/// # Errors
/// The name of the reason, as the browser calls it.
pub async fn start(on_end: impl Fn() + Clone + 'static) -> Result<(), String> {
    let stream = ask().await.map_err(|error| name_of(&error))?;
    let on_end = tracks(&stream)
        .map(|track| {
            let on_end = on_end.clone();
            EventListener::once(&track, "ended", move |_| on_end())
        })
        .collect();
    RUNNING.set(Some(Running {
        stream,
        video: None,
        _on_end: on_end,
    }));
    Ok(())
}

async fn ask() -> Result<MediaStream, JsValue> {
    // A page that did not come safely has none, whatever the type says.
    let devices = super::window().navigator().media_devices()?;
    if devices.is_undefined() {
        return Err(NO_CAMERA_HERE.into());
    }
    let wanted = Object::new();
    Reflect::set(&wanted, &"facingMode".into(), &"user".into())?;
    let constraints = MediaStreamConstraints::new();
    constraints.set_video(&wanted);
    let promise = devices.get_user_media_with_constraints(&constraints)?;
    JsFuture::from(promise).await?.dyn_into()
}

fn name_of(error: &JsValue) -> String {
    Reflect::get(error, &"name".into())
        .ok()
        .and_then(|name| name.as_string())
        .or_else(|| error.as_string())
        .unwrap_or_else(|| super::reason(error))
}

fn tracks(stream: &MediaStream) -> impl Iterator<Item = MediaStreamTrack> {
    stream
        .get_tracks()
        .iter()
        .map(JsCast::unchecked_into::<MediaStreamTrack>)
        .collect::<Vec<_>>()
        .into_iter()
}

/// Stops the camera, if it runs.
pub fn stop() {
    if let Some(running) = RUNNING.take() {
        for track in tracks(&running.stream) {
            track.stop();
        }
        if let Some(video) = running.video {
            video.set_src_object(None);
        }
    }
}

/// Shows the camera in an element, from which images are then taken.
pub fn show(video: HtmlVideoElement) {
    RUNNING.with_borrow_mut(|running| {
        if let Some(running) = running {
            video.set_src_object(Some(&running.stream));
            running.video = Some(video);
        }
    });
}

/// What the camera sees, in the size of an input (height, width, channels); none before its first
/// image is there.
#[must_use]
pub fn frame(input: [u32; 3]) -> Option<Vec<u8>> {
    RUNNING.with_borrow(|running| {
        let video = running.as_ref()?.video.as_ref()?;
        let size = [video.video_width(), video.video_height()];
        if size.contains(&0) {
            return None;
        }
        cut(size, input, |context, [x, y, w, h], [to_w, to_h]| {
            context.draw_image_with_html_video_element_and_sw_and_sh_and_dx_and_dy_and_dw_and_dh(
                video, x, y, w, h, 0.0, 0.0, to_w, to_h,
            )
        })
        .ok()
    })
}
