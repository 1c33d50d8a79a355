//! Drawing a character: what the network takes it for, and learning from it.

use std::rc::Rc;

use gloo::timers::callback::Timeout;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::hooks::{use_app, use_dispatch, use_id};
use super::pad::{Pad, Pen};
use super::pixels::Pixels;
use super::prediction::prediction;
use crate::charts::ink::Drawing;
use crate::state::{Action, Shared, text};

/// How long the pen rests before the network is asked.
const PAUSE_MILLIS: u32 = 80;

/// Pad, prediction, and the way into the samples.
#[component]
pub(super) fn DrawPanel() -> Html {
    let state = use_app();
    let dispatch = use_dispatch();
    let label_id = use_id("label");
    let drawing = use_mut_ref(Shared::<Drawing>::default);
    let shown = use_state_eq(Shared::<Drawing>::default);
    let label = use_state_eq(|| 0u32);
    let image = use_memo(shown.clone(), |drawing| {
        drawing.image().map(Rc::<[u8]>::from)
    });

    // The network is asked again when it has learned something.
    let learned = (
        state.accuracies.clone(),
        state.playback.is_on(),
        state.plan.is_some(),
    );
    {
        let dispatch = dispatch.clone();
        use_effect_with(((*image).clone(), learned), move |(image, _)| {
            let question = image.clone().map(|image| {
                Timeout::new(PAUSE_MILLIS, move || {
                    dispatch.dispatch(Action::Classify(image.to_vec()));
                })
            });
            move || drop(question)
        });
    }
    let onpen = {
        let (drawing, shown) = (drawing.clone(), shown.clone());
        Callback::from(move |pen| {
            let mut drawing = drawing.borrow_mut();
            drawing.update(|drawing| match pen {
                Pen::Down(at) => drawing.begin(at),
                Pen::Draw(at) => drawing.extend(at),
            });
            shown.set(drawing.clone());
        })
    };
    let clear = {
        let (dispatch, shown) = (dispatch.clone(), shown.clone());
        move || {
            *drawing.borrow_mut() = Shared::default();
            shown.set(Shared::default());
            dispatch.dispatch(Action::ClearPrediction);
        }
    };
    let onadd = {
        let (dispatch, image, clear, label) =
            (dispatch.clone(), image.clone(), clear.clone(), *label);
        move |_: MouseEvent| {
            if let Some(image) = &*image {
                dispatch.dispatch(Action::AddSample {
                    pixels: image.to_vec(),
                    label,
                });
                clear();
            }
        }
    };
    let onclear = move |_: MouseEvent| clear();
    let onlabel = {
        let label = label.clone();
        move |event: Event| {
            if let Ok(class) = event
                .target_unchecked_into::<HtmlSelectElement>()
                .value()
                .parse()
            {
                label.set(class);
            }
        }
    };
    let Some(plan) = state.plan.clone() else {
        return html! {};
    };
    let n_drawn = state.samples.map_or(0, |samples| samples.n_drawn);
    html! {
        <section class="panel draw" aria-labelledby="draw-title">
            <div class="panel-head">
                <h2 id="draw-title">{ "Draw a digit" }</h2>
                if let Some(image) = &*image {
                    <span class="seen note">
                        { "as the network sees it" }
                        <Pixels grey={image.clone()} label="The drawing in 28 by 28 pixels" />
                    </span>
                }
            </div>
            <div class="draw-body">
                <Pad drawing={(*shown).clone()} {onpen} />
                { prediction(&state, &plan.classes) }
            </div>
            <div class="draw-tools">
                <button type="button" class="button" disabled={image.is_none()} onclick={onclear}>
                    { "Clear drawing" }
                </button>
                <label for={label_id.clone()} class="label">{ "Label" }</label>
                <select id={label_id} class="field label-field" onchange={onlabel}>
                    for (class, name) in plan.classes.iter().enumerate() {
                        <option
                            value={class.to_string()}
                            selected={u32::try_from(class).ok() == Some(*label)}
                        >
                            { name }
                        </option>
                    }
                </select>
                <button
                    type="button"
                    class="button"
                    disabled={image.is_none() || state.samples.is_none()}
                    onclick={onadd}
                >
                    { "Add sample" }
                </button>
                <span class="note" role="status" aria-label="Drawn samples">
                    if n_drawn > 0 {
                        { format!("{} added to what is learned from", text::count(n_drawn, "drawing", "drawings")) }
                    }
                </span>
            </div>
            <p class="note">{ "Drawings stay on this page; they are not part of a link or a file." }</p>
        </section>
    }
}
