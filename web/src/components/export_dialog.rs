//! Taking the result away.

use web_sys::{HtmlDialogElement, HtmlInputElement};
use yew::prelude::*;

use super::hooks::{use_app, use_dispatch};
use super::verified_label::verified_label;
use crate::protocol::ExportKind;
use crate::state::{Action, AppState, Handover};

/// What can be taken away: its kind, how it is handed over, what it is called, what it is for.
const CHOICES: [(ExportKind, Handover, &str, &str); 10] = [
    (
        ExportKind::Configuration,
        Handover::Download,
        "quartermeg.json",
        "Settings and policy, to be read and opened again.",
    ),
    (
        ExportKind::Program,
        Handover::Download,
        "quartermeg.qmeg",
        "The compiled program, which firmware runs in place.",
    ),
    (
        ExportKind::C,
        Handover::Download,
        "quartermeg_program.h, .c",
        "The program as an array for firmware in C.",
    ),
    (
        ExportKind::Rust,
        Handover::Download,
        "quartermeg_program.rs",
        "The program as a module for firmware in Rust.",
    ),
    (
        ExportKind::Options,
        Handover::Download,
        "quartermeg.yaml",
        "The policy as options of tiny-training.",
    ),
    (
        ExportKind::Weights,
        Handover::Download,
        "weights.safetensors",
        "All weights as trained; open it here to go on.",
    ),
    (
        ExportKind::Delta,
        Handover::Download,
        "delta.safetensors",
        "Only what changed; open it here to go on.",
    ),
    (
        ExportKind::Report,
        Handover::Download,
        "report.md",
        "Sizes, operations, policy and board; as JSON, too.",
    ),
    (
        ExportKind::Map,
        Handover::Download,
        "memory-map.svg",
        "The memory map as a drawing.",
    ),
    (
        ExportKind::Map,
        Handover::Picture,
        "memory-map.png",
        "The memory map as pixels, two for one.",
    ),
];

/// A button and the dialog that it opens.
#[component]
pub(super) fn ExportDialog() -> Html {
    let state = use_app();
    let dispatch = use_dispatch();
    let dialog = use_node_ref();
    let chosen = use_state_eq(|| 0usize);
    let with_weights = use_state_eq(|| false);
    let onopen = {
        let (dialog, dispatch, with_weights) = (dialog.clone(), dispatch.clone(), *with_weights);
        move |_: MouseEvent| {
            dispatch.dispatch(Action::CheckExport { with_weights });
            if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                // It fails only where the dialog is open already.
                let _ = dialog.show_modal();
            }
        }
    };
    let close = {
        let dialog = dialog.clone();
        Callback::from(move |()| {
            if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                dialog.close();
            }
        })
    };
    let onweights = {
        let (with_weights, dispatch) = (with_weights.clone(), dispatch.clone());
        move |event: Event| {
            let checked = event.target_unchecked_into::<HtmlInputElement>().checked();
            with_weights.set(checked);
            dispatch.dispatch(Action::CheckExport {
                with_weights: checked,
            });
        }
    };
    let (kind, to, ..) = CHOICES[*chosen];
    let refusal = refusal(&state, kind);
    // The files leave the dialog behind, so that what is said of them can be seen.
    let hand_over = |to: Handover| {
        let (dispatch, close, with_weights) = (dispatch.clone(), close.clone(), *with_weights);
        Callback::from(move |_: MouseEvent| {
            close.emit(());
            dispatch.dispatch(Action::Export {
                kind,
                with_weights,
                to,
            });
        })
    };
    let names = kind.names();
    html! {
        <>
            <button type="button" class="button quiet" disabled={state.plan.is_none()} onclick={onopen}>
                { "Export" }
            </button>
            <dialog ref={dialog} class="dialog export" aria-labelledby="export-title">
                <h2 id="export-title">{ "Take it with you" }</h2>
                { facts(&state) }
                <fieldset class="choices" aria-label="File">
                    for (index, (_, _, name, help)) in CHOICES.iter().enumerate() {
                        <label class="choice">
                            <input
                                type="radio"
                                name="export-kind"
                                checked={*chosen == index}
                                onchange={{
                                    let chosen = chosen.clone();
                                    move |_: Event| chosen.set(index)
                                }}
                            />
                            <span>
                                <b>{ *name }</b>
                                <span class="note">{ *help }</span>
                            </span>
                        </label>
                    }
                </fieldset>
                <label class="choice">
                    <input
                        type="checkbox"
                        checked={*with_weights || kind.is_weights()}
                        disabled={kind.is_weights()}
                        onchange={onweights}
                    />
                    <span>{ "With trained weights" }</span>
                </label>
                <p class="refusal note" role="status" aria-label="Why not">{ refusal.clone().unwrap_or_default() }</p>
                <div class="dialog-tools">
                    <button type="button" class="button" onclick={close.reform(|_: MouseEvent| ())}>
                        { "Cancel" }
                    </button>
                    if kind.is_text() && to == Handover::Download {
                        for name in names {
                            <button
                                type="button"
                                class="button"
                                disabled={refusal.is_some()}
                                onclick={hand_over(Handover::Copy(name))}
                            >
                                { if names.len() == 1 { "Copy".to_owned() } else { format!("Copy {name}") } }
                            </button>
                        }
                    }
                    <button
                        type="button"
                        class="button main"
                        disabled={refusal.is_some()}
                        onclick={hand_over(to)}
                    >
                        { "Download" }
                    </button>
                </div>
            </dialog>
        </>
    }
}

/// What the program is, and how it lies on the board.
fn facts(state: &AppState) -> Html {
    let identity = state.plan().map(|plan| plan.identity.clone());
    html! {
        <div class="export-facts">
            <p class="identity">
                <span class="label">{ "Identity" }</span>
                <output class="mono" aria-label="Identity">{ identity }</output>
            </p>
            { verified_label(state, true) }
            if let Some(check) = &state.export {
                <p class={classes!((!check.fits).then_some("error"))} role="status" aria-label="Board check">
                    { &check.fit }
                </p>
                <p class="note">
                    { &check.support }
                    if !check.step.is_empty() {
                        { format!(" One step there: {}.", check.step) }
                    }
                </p>
            }
        </div>
    }
}

/// Why files of that kind cannot be had now, if they cannot.
fn refusal(state: &AppState, kind: ExportKind) -> Option<String> {
    match kind {
        ExportKind::Weights | ExportKind::Delta if !state.has_trained() => {
            Some("Nothing was trained yet; press Step or Play first.".to_owned())
        }
        ExportKind::Options => state.export.as_ref()?.no_options.clone(),
        _ => None,
    }
}
