//! One class of a person's own samples.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::camera::Capture;
use super::file_picker::{DropZone, FilePicker};
use super::hooks::use_dispatch;
use super::icon::{Glyph, icon};
use super::send::on_click;
use super::thumb::Thumb;
use crate::state::{Action, OwnAction, OwnClass, Target, text};

/// Samples of a class that are shown.
const N_SHOWN: usize = 5;

/// Properties of [`ClassCard`].
#[derive(Properties, PartialEq)]
pub(super) struct ClassCardProps {
    /// The class.
    pub class: OwnClass,
    /// Height, width and channels of a sample.
    pub input: [u32; 3],
    /// Whether the camera runs.
    pub camera: bool,
    /// Whether the class may go.
    pub removable: bool,
}

/// Name, samples, and the way in for more; files can be dropped on it.
#[component]
pub(super) fn ClassCard(props: &ClassCardProps) -> Html {
    let dispatch = use_dispatch();
    let OwnClass { id, name, samples } = &props.class;
    let id = *id;
    let send = |action| on_click(&dispatch, Action::Own(action));
    // What is being typed stands through all that happens meanwhile.
    let typed = use_state_eq(|| None::<String>);
    let oninput = {
        let typed = typed.clone();
        move |event: InputEvent| {
            typed.set(Some(
                event.target_unchecked_into::<HtmlInputElement>().value(),
            ));
        }
    };
    let onchange = {
        let (dispatch, typed) = (dispatch.clone(), typed.clone());
        move |event: Event| {
            let name = event.target_unchecked_into::<HtmlInputElement>().value();
            typed.set(None);
            dispatch.dispatch(Action::Own(OwnAction::RenameClass { class: id, name }));
        }
    };
    let n_samples = u32::try_from(samples.len()).unwrap_or(u32::MAX);
    let more = samples.len().saturating_sub(N_SHOWN);
    html! {
        <DropZone
            class="own-class"
            target={Target::Class(id)}
            label={format!("Class {name}: drop files or folders here")}
        >
            <div class="own-class-head">
                <input
                    class="field"
                    aria-label={format!("Name of class {name}")}
                    value={(*typed).clone().unwrap_or_else(|| name.clone())}
                    maxlength="40"
                    autocomplete="off"
                    spellcheck="false"
                    {oninput}
                    {onchange}
                />
                if !samples.is_empty() {
                    <span class="note" role="status" aria-label={format!("Samples of {name}")}>
                        { text::count(n_samples, "sample", "samples") }
                    </span>
                }
                if props.camera {
                    <Capture class={id} name={name.clone()} input={props.input} />
                }
                <FilePicker
                    text="Add"
                    label={format!("Add to {name}")}
                    target={Target::Class(id)}
                />
                if props.removable {
                    <button
                        type="button"
                        class="button quiet icon"
                        aria-label={format!("Remove class {name}")}
                        title="Remove this class"
                        onclick={send(OwnAction::RemoveClass(id))}
                    >
                        { icon(Glyph::Close) }
                    </button>
                }
            </div>
            if samples.is_empty() {
                <p class="note drop-hint">{ "Drop images, folders, CSV or .npy here" }</p>
            } else {
                <div class="own-class-body">
                    <div class="thumbs">
                        for sample in samples.iter().take(N_SHOWN) {
                            <Thumb
                                key={sample.id}
                                data={sample.data.clone()}
                                input={props.input}
                                label={sample.name.to_string()}
                            />
                        }
                        if more > 0 {
                            <span class="note">{ format!("+{more}") }</span>
                        }
                    </div>
                    <button
                        type="button"
                        class="button quiet small"
                        aria-label={format!("Clear {name}")}
                        onclick={send(OwnAction::ClearClass(id))}
                    >
                        { "Clear" }
                    </button>
                </div>
            }
        </DropZone>
    }
}
