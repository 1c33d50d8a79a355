//! Samples of a person's own by class, and what the network takes one for.

use gloo::timers::callback::Timeout;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::camera::{self, CameraView};
use super::file_picker::{DropZone, FilePicker};
use super::hooks::{use_app, use_dispatch};
use super::open_button::OpenButton;
use super::own_class::ClassCard;
use super::own_fields::own_fields;
use super::prediction::prediction;
use super::send::on_click;
use super::thumb::Thumb;
use crate::state::{Action, AppState, Camera, Dispatch, OwnAction, Target};

/// How long the network is left alone before it is asked again.
const PAUSE_MILLIS: u32 = 80;
/// The largest number of classes.
const MAX_CLASSES: usize = quartermeg_formats::setup::CLASSES_RANGE[1] as usize;

/// Where the drawing pad is in other scenarios.
pub(super) fn own_panel(state: &AppState, dispatch: &Dispatch) -> Html {
    html! {
        <section class="panel own" aria-labelledby="own-title">
            <div class="panel-head">
                <h2 id="own-title">{ "Your samples" }</h2>
                if !state.lacks_network() {
                    <p class="note">{ state.samples_text() }</p>
                }
            </div>
            if state.lacks_network() {
                { network_wanted(state) }
            } else {
                { samples(state, dispatch) }
                if state.camera != Camera::On {
                    <Trial />
                }
                { own_fields(state, dispatch) }
            }
            <p class="note">
                if state.is_own_network() {
                    { "Network and samples" }
                } else {
                    { "Images, from the camera or from files," }
                }
                { " stay on this machine: nothing is uploaded, and they are not part of a link." }
                if state.camera == Camera::On {
                    { " Images taken one right after another are much alike, so the accuracy on \
                       those held out flatters." }
                }
            </p>
        </section>
    }
}

/// What to do before there is a network.
fn network_wanted(state: &AppState) -> Html {
    let has_policy = !state.setup().policy.layers.is_empty();
    html! {
        <div class="wanted">
            <p>
                if has_policy {
                    { "This link is about your own network: open its file." }
                } else {
                    { "Open the file of an int8 network, or drop it anywhere on this page." }
                }
            </p>
            <OpenButton text="Open a network" main={true} />
            <ul class="note">
                <li>{ "TensorFlow Lite, fully quantized to int8 (.tflite)" }</li>
                <li>{ "MCUNet, MobileNetV2 and ProxylessNAS of tiny-training (.pkl)" }</li>
                <li>{ "Quartermeg (.safetensors)" }</li>
            </ul>
        </div>
    }
}

/// The classes.
fn samples(state: &AppState, dispatch: &Dispatch) -> Html {
    let Some(input) = state.own.input() else {
        return html! {};
    };
    let classes = state.own_classes();
    let is_new = state.setup().head.is_some();
    let has_camera = state.camera == Camera::On;
    let onadd = on_click(dispatch, Action::Own(OwnAction::AddClass));
    html! {
        <>
            <p class="note network-facts">
                <b>{ state.own.file_name().to_owned() }</b>
                { format!(": {}.", state.network_text()) }
            </p>
            if let Some(advice) = state.own_advice() {
                <p class="advice">{ advice }</p>
            }
            if has_camera {
                <CameraView {input} />
            }
            <div class="own-classes">
                for class in classes {
                    <ClassCard
                        key={class.id}
                        class={class.clone()}
                        {input}
                        camera={has_camera}
                        removable={is_new && classes.len() > 2}
                    />
                }
            </div>
            <DropZone
                class="own-tools"
                target={Target::Folders}
                label="All classes: drop a folder with one folder per class here"
            >
                if is_new {
                    <button
                        type="button"
                        class="button"
                        disabled={classes.len() >= MAX_CLASSES}
                        onclick={onadd}
                    >
                        { "Add class" }
                    </button>
                }
                if state.takes_images() {
                    { camera::switch(state.camera, dispatch) }
                }
                <FilePicker
                    text="Add folder of classes"
                    label="Add folder of classes"
                    target={Target::Folders}
                    folder={true}
                />
                if let Some((done, total)) = state.own.progress() {
                    <span class="note reading">
                        <progress
                            aria-label="Files read"
                            value={done.to_string()}
                            max={total.to_string()}
                        />
                        { format!("{done} of {total}") }
                    </span>
                }
            </DropZone>
        </>
    }
}

/// What the network takes the newest sample for, or another file.
#[component]
fn Trial() -> Html {
    let state = use_app();
    let dispatch = use_dispatch();
    let probe = state.own.probe.clone();
    // The network is asked again when it has learned something.
    let learned = (
        state.accuracies.clone(),
        state.playback.is_on(),
        state.planning,
        state.step == 0,
    );
    {
        let dispatch = dispatch.clone();
        let data = probe.as_ref().map(|probe| probe.data.clone());
        use_effect_with((data, learned), move |(data, _)| {
            let question = data.is_some().then(|| {
                Timeout::new(PAUSE_MILLIS, move || {
                    dispatch.dispatch(Action::Own(OwnAction::Ask));
                })
            });
            move || drop(question)
        });
    }
    let Some(input) = state.own.input() else {
        return html! {};
    };
    html! {
        <DropZone class="trial" target={Target::Try} label="Try: drop an image here">
            <div class="trial-head">
                <h3>{ "What is it?" }</h3>
                <FilePicker text="Try a file" label="Try a file" target={Target::Try} />
            </div>
            if let Some(probe) = probe {
                <div class="trial-body">
                    <figure>
                        <Thumb data={probe.data} {input} label={format!("Tried: {}", probe.name)} />
                        <figcaption class="note">{ probe.name.to_string() }</figcaption>
                    </figure>
                    { prediction(&state, &state.class_names()) }
                </div>
            } else {
                <p class="note drop-hint">{ "The newest sample is tried, or a file that you drop here." }</p>
            }
        </DropZone>
    }
}

/// A labelled check box.
pub(super) fn tick(text: &'static str, checked: bool, onchange: Callback<bool>) -> Html {
    let onchange = move |event: Event| {
        onchange.emit(event.target_unchecked_into::<HtmlInputElement>().checked());
    };
    html! {
        <label class="tick">
            <input type="checkbox" {checked} {onchange} />
            <span>{ text }</span>
        </label>
    }
}
