//! Opening a network, a configuration, a program, trained weights or a recording.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::hooks::use_dispatch;
use crate::app::opened;
use crate::io::open::read_first;

/// Properties of [`OpenButton`].
#[derive(Properties, PartialEq)]
pub(super) struct OpenButtonProps {
    /// What stands on it.
    #[prop_or(AttrValue::Static("Open"))]
    pub text: AttrValue,
    /// Whether it is what to do next.
    #[prop_or_default]
    pub main: bool,
    /// Whether it asks for a motion recording only.
    #[prop_or_default]
    pub recording: bool,
}

/// A button that asks for a file; files can also be dropped on the page.
#[component]
pub(super) fn OpenButton(props: &OpenButtonProps) -> Html {
    let dispatch = use_dispatch();
    let input = use_node_ref();
    let onclick = {
        let input = input.clone();
        move |_: MouseEvent| {
            if let Some(input) = input.cast::<HtmlInputElement>() {
                input.click();
            }
        }
    };
    let onchange = move |event: Event| {
        let input = event.target_unchecked_into::<HtmlInputElement>();
        let dispatch = dispatch.clone();
        read_first(input.files(), move |read| dispatch.dispatch(opened(read)));
        // The same file can be opened again.
        input.set_value("");
    };
    let (class, title, accept, label) = if props.recording {
        (
            "button",
            "Open a CSV file; you can also drop it on the page",
            ".csv,.tsv,.txt",
            "Recording to open",
        )
    } else {
        (
            if props.main {
                "button main"
            } else {
                "button quiet"
            },
            "Open a network (.tflite, .pkl, .safetensors), quartermeg.json, a .qmeg file or trained weights; you can also drop it on the page",
            ".json,.qmeg,.tflite,.pkl,.safetensors,.gz",
            "File to open",
        )
    };
    html! {
        <>
            <button
                type="button"
                {class}
                {title}
                {onclick}
            >
                { &props.text }
            </button>
            <input
                ref={input}
                type="file"
                {accept}
                hidden={true}
                aria-label={label}
                tabindex="-1"
                {onchange}
            />
        </>
    }
}
