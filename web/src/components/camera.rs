//! The camera: what it sees, what the network takes that for, and taking images of a class.

use gloo::events::EventListener;
use gloo::timers::callback::Interval;
use web_sys::HtmlVideoElement;
use yew::prelude::*;

use super::hooks::{use_app, use_dispatch};
use super::prediction::prediction;
use super::send::on_click;
use crate::io;
use crate::state::{Action, Camera, CameraAction, Dispatch, Target};

/// Time between two images while Capture is held, in milliseconds.
const CAPTURE_MILLIS: u32 = 200;
/// Time between two images that the network is asked about.
const ASK_MILLIS: u32 = 250;

/// The button that starts and stops the camera; none where the network takes no images.
pub(super) fn switch(camera: Camera, dispatch: &Dispatch) -> Html {
    let (text, action) = match camera {
        Camera::Off => ("Use camera", CameraAction::Use),
        Camera::Asked => ("Asking…", CameraAction::Stop),
        Camera::On => ("Stop camera", CameraAction::Stop),
    };
    let onclick = on_click(dispatch, Action::Camera(action));
    html! {
        <button type="button" class="button" {onclick}>{ text }</button>
    }
}

/// Sends what the camera sees, if it sees anything yet.
fn send(dispatch: &Dispatch, target: Target, input: [u32; 3]) {
    if let Some(pixels) = io::camera::frame(input) {
        dispatch.dispatch(Action::Camera(CameraAction::Frame(target, pixels)));
    }
}

/// Properties of [`CameraView`].
#[derive(Properties, PartialEq)]
pub(super) struct CameraViewProps {
    /// Height, width and channels of the network's input.
    pub input: [u32; 3],
}

/// The picture as in a mirror, and, once something was learned, what the network takes it for.
#[component]
pub(super) fn CameraView(props: &CameraViewProps) -> Html {
    let state = use_app();
    let dispatch = use_dispatch();
    let video = use_node_ref();
    let input = props.input;
    {
        let dispatch = dispatch.clone();
        use_effect_with(video.clone(), move |video| {
            if let Some(video) = video.cast::<HtmlVideoElement>() {
                io::camera::show(video);
            }
            // Nobody is watched by a page that nobody sees.
            let document = io::document();
            let on_hidden = EventListener::new(&document.clone(), "visibilitychange", move |_| {
                if document.hidden() {
                    dispatch.dispatch(Action::Camera(CameraAction::Stop));
                }
            });
            move || drop(on_hidden)
        });
    }
    let has_learned = state.step > 0;
    use_effect_with((has_learned, input), move |(has_learned, input)| {
        let input = *input;
        let questions = has_learned
            .then(|| Interval::new(ASK_MILLIS, move || send(&dispatch, Target::Try, input)));
        move || drop(questions)
    });
    let [h, w, _] = input;
    html! {
        <div class="camera" role="group" aria-label="Camera">
            <video
                ref={video}
                style={format!("aspect-ratio: {w} / {h}")}
                aria-label="What the camera sees, as in a mirror"
                autoplay={true}
                muted={true}
                playsinline={true}
            />
            if has_learned {
                { prediction(&state, &state.class_names()) }
            } else {
                <p class="note">
                    { "Hold or press “Capture” of a class to take images of it: move, and turn, so that \
                       they differ. Then press Play; what the network sees is named here." }
                </p>
            }
        </div>
    }
}

/// Properties of [`Capture`].
#[derive(Properties, PartialEq)]
pub(super) struct CaptureProps {
    /// The class.
    pub class: u32,
    /// Its name.
    pub name: AttrValue,
    /// Height, width and channels of the network's input.
    pub input: [u32; 3],
}

/// A button that takes an image of a class when pressed, and more while it is held, by pointer or
/// key.
#[component]
pub(super) fn Capture(props: &CaptureProps) -> Html {
    let dispatch = use_dispatch();
    let repeats = use_mut_ref(|| None::<Interval>);
    // The click at the end of a press is no second one.
    let was_pressed = use_mut_ref(|| false);
    let take = {
        let (target, input) = (Target::Class(props.class), props.input);
        move || send(&dispatch, target, input)
    };
    let begin = {
        let (take, repeats) = (take.clone(), repeats.clone());
        move || {
            take();
            repeats.replace(Some(Interval::new(CAPTURE_MILLIS, take.clone())));
        }
    };
    let end = move || drop(repeats.take());
    let onpointerdown = {
        let (begin, was_pressed) = (begin.clone(), was_pressed.clone());
        move |event: PointerEvent| {
            if event.button() == 0 {
                was_pressed.replace(true);
                begin();
            }
        }
    };
    let onpointerup = {
        let end = end.clone();
        move |_: PointerEvent| end()
    };
    let onpointerleave = {
        let (end, was_pressed) = (end.clone(), was_pressed.clone());
        Callback::from(move |_: PointerEvent| {
            was_pressed.replace(false);
            end();
        })
    };
    let onkeydown = move |event: KeyboardEvent| {
        if is_press(&event) {
            event.prevent_default();
            if !event.repeat() {
                begin();
            }
        }
    };
    let onkeyup = {
        let end = end.clone();
        move |event: KeyboardEvent| {
            if is_press(&event) {
                event.prevent_default();
                end();
            }
        }
    };
    let onblur = move |_: FocusEvent| end();
    let onclick = move |_: MouseEvent| {
        if !was_pressed.replace(false) {
            take();
        }
    };
    html! {
        <button
            type="button"
            class="button capture"
            aria-label={format!("Capture {}", props.name)}
            {onpointerdown}
            {onpointerup}
            onpointercancel={onpointerleave.clone()}
            {onpointerleave}
            {onkeydown}
            {onkeyup}
            {onblur}
            {onclick}
        >
            { "Capture" }
        </button>
    }
}

fn is_press(event: &KeyboardEvent) -> bool {
    matches!(event.key().as_str(), " " | "Enter")
}
