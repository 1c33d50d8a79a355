//! Taking the result away.

use web_sys::{HtmlDialogElement, HtmlInputElement};
use yew::prelude::*;

use super::hooks::{use_app, use_dispatch};
use crate::protocol::ExportKind;
use crate::state::Action;

const KINDS: [(ExportKind, &str, &str); 2] = [
    (
        ExportKind::Configuration,
        "quartermeg.json",
        "Settings and policy as text: for people, for the command line, and to be opened here again.",
    ),
    (
        ExportKind::Program,
        ".qmeg",
        "The compiled training program: for firmware, which runs it in place.",
    ),
];

/// A button and the dialog that it opens.
#[component]
pub(super) fn ExportDialog() -> Html {
    let state = use_app();
    let dispatch = use_dispatch();
    let dialog = use_node_ref();
    let kind = use_state_eq(|| ExportKind::Configuration);
    let with_weights = use_state_eq(|| false);
    let open = {
        let dialog = dialog.clone();
        move |_: MouseEvent| {
            if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                // It fails only where the dialog is open already.
                let _ = dialog.show_modal();
            }
        }
    };
    let close = {
        let dialog = dialog.clone();
        move || {
            if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                dialog.close();
            }
        }
    };
    let ondownload = {
        let (kind, with_weights, close) = (*kind, *with_weights, close.clone());
        move |_: MouseEvent| {
            dispatch.dispatch(Action::Export { kind, with_weights });
            close();
        }
    };
    let onweights = {
        let with_weights = with_weights.clone();
        move |event: Event| {
            with_weights.set(event.target_unchecked_into::<HtmlInputElement>().checked());
        }
    };
    html! {
        <>
            <button type="button" class="button quiet" disabled={state.plan.is_none()} onclick={open}>
                { "Export" }
            </button>
            <dialog ref={dialog} class="dialog" aria-labelledby="export-title">
                <h2 id="export-title">{ "Take it with you" }</h2>
                <fieldset class="choices" aria-label="File">
                    for (choice, name, help) in KINDS {
                        <label class="choice">
                            <input
                                type="radio"
                                name="export-kind"
                                checked={*kind == choice}
                                onchange={{
                                    let kind = kind.clone();
                                    move |_: Event| kind.set(choice)
                                }}
                            />
                            <span>
                                <b>{ name }</b>
                                <span class="note">{ help }</span>
                            </span>
                        </label>
                    }
                </fieldset>
                <label class="choice">
                    <input type="checkbox" checked={*with_weights} onchange={onweights} />
                    <span>{ "With trained weights" }</span>
                </label>
                <div class="dialog-tools">
                    <button type="button" class="button" onclick={move |_: MouseEvent| close()}>
                        { "Cancel" }
                    </button>
                    <button type="button" class="button main" onclick={ondownload}>{ "Download" }</button>
                </div>
            </dialog>
        </>
    }
}
