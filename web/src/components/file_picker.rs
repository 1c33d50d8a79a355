//! A button that asks for files with samples.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::hooks::{use_app, use_dispatch};
use crate::io::samples::{Source, gather};
use crate::state::{Action, AppState, Dispatch, OwnAction, Target};

/// Properties of [`FilePicker`].
#[derive(Properties, PartialEq)]
pub(super) struct FilePickerProps {
    /// What stands on the button.
    pub text: AttrValue,
    /// What the button and its field are called.
    pub label: AttrValue,
    /// Where the files go.
    pub target: Target,
    /// Whether a folder is asked for.
    #[prop_or_default]
    pub folder: bool,
}

/// A button and the field behind it.
#[component]
pub(super) fn FilePicker(props: &FilePickerProps) -> Html {
    let state = use_app();
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
    let onchange = {
        let (state, target) = (state.clone(), props.target);
        move |event: Event| {
            let input = event.target_unchecked_into::<HtmlInputElement>();
            if let Some(files) = input.files() {
                read(&state, &dispatch, Source::of_list(&files), target);
            }
            // The same files can be chosen again.
            input.set_value("");
        }
    };
    let accept = (!props.folder).then_some("image/*,.csv,.tsv,.txt,.npy");
    html! {
        <>
            <button
                type="button"
                class="button"
                aria-label={&props.label}
                disabled={state.own.progress().is_some()}
                {onclick}
            >
                { &props.text }
            </button>
            <input
                ref={input}
                type="file"
                hidden={true}
                multiple={props.target != Target::Try}
                webkitdirectory={props.folder}
                {accept}
                aria-label={format!("{}: files", props.label)}
                tabindex="-1"
                {onchange}
            />
        </>
    }
}

/// Properties of [`DropZone`].
#[derive(Properties, PartialEq)]
pub(super) struct DropZoneProps {
    /// Where files go that are dropped here.
    pub target: Target,
    /// Names for styles.
    pub class: &'static str,
    /// What it is called.
    pub label: AttrValue,
    /// What stands in it.
    pub children: Html,
}

/// A part of the page that takes files and folders.
#[component]
pub(super) fn DropZone(props: &DropZoneProps) -> Html {
    let state = use_app();
    let dispatch = use_dispatch();
    let is_over = use_state_eq(|| false);
    let ondragover = {
        let is_over = is_over.clone();
        move |event: DragEvent| {
            event.prevent_default();
            event.stop_propagation();
            is_over.set(true);
        }
    };
    let ondragleave = {
        let is_over = is_over.clone();
        move |_: DragEvent| is_over.set(false)
    };
    let ondrop = {
        let (is_over, target) = (is_over.clone(), props.target);
        move |event: DragEvent| {
            event.prevent_default();
            event.stop_propagation();
            is_over.set(false);
            if let Some(transfer) = event.data_transfer() {
                read(&state, &dispatch, Source::of_drop(&transfer), target);
            }
        }
    };
    html! {
        <div
            class={classes!(props.class, is_over.then_some("over"))}
            role="group"
            aria-label={&props.label}
            {ondragover}
            {ondragleave}
            {ondrop}
        >
            { props.children.clone() }
        </div>
    }
}

fn read(state: &AppState, dispatch: &Dispatch, source: Source, target: Target) {
    if let Some(input) = state.own.input() {
        let dispatch = dispatch.clone();
        gather(source, target, input, move |gathered| {
            dispatch.dispatch(Action::Own(OwnAction::Gather(gathered)));
        });
    }
}
