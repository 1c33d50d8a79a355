//! One layer of the policy: bias and weights.

use quartermeg_core::policy::LayerUpdate;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlElement;
use yew::prelude::*;

use super::hooks::use_dispatch;
use super::reset_dot::reset_dot;
use super::send::on_click;
use crate::state::{Action, Dispatch, text};

/// The ratios of the paper, and how they are drawn.
const RATIOS: [(f32, &str); 5] = [
    (0.0, "0"),
    (0.125, "⅛"),
    (0.25, "¼"),
    (0.5, "½"),
    (1.0, "1"),
];

/// Properties of [`LayerRow`].
#[derive(Properties, PartialEq)]
pub(super) struct LayerRowProps {
    /// Index of the convolution, from 0.
    pub index: usize,
    /// Its name.
    pub name: AttrValue,
    /// Its shape.
    pub shape: AttrValue,
    /// What it updates.
    pub update: LayerUpdate,
    /// Whether its input is computed again.
    pub recompute: bool,
    /// Whether it can be.
    pub recomputable: bool,
    /// What it updates at first.
    pub default: LayerUpdate,
    /// Whether a link fixed the policy.
    pub locked: bool,
    /// Whether it is pointed at.
    pub selected: bool,
}

/// Brings the row of a layer into view and the focus to it.
pub(super) fn show_layer(layer: u32) {
    let row = gloo::utils::document().get_element_by_id(&row_id(layer as usize));
    if let Some(row) = row.and_then(|row| row.dyn_into::<HtmlElement>().ok()) {
        // An element that is gone meanwhile cannot be focused, and need not.
        let _ = row.focus();
    }
}

fn row_id(layer: usize) -> String {
    format!("layer-{layer}")
}

/// A box for the bias and five stops for the ratio. Weights take the bias along.
#[component]
pub(super) fn LayerRow(props: &LayerRowProps) -> Html {
    let dispatch = use_dispatch();
    let layer = props.index;
    let ratio = props.update.ratio();
    let has_weights = matches!(props.update, LayerUpdate::Weights { .. });
    // What the layer goes back to when its weights are frozen again.
    let without_weights = use_mut_ref(|| LayerUpdate::Bias);
    if !has_weights {
        *without_weights.borrow_mut() = props.update;
    }
    let set = {
        let dispatch = dispatch.clone();
        let recompute = props.recompute;
        Callback::from(move |update| {
            dispatch.dispatch(Action::SetLayer {
                layer,
                update,
                recompute,
            });
        })
    };
    let onbias = {
        let checked = props.update.updates_bias();
        let update = if checked {
            LayerUpdate::Frozen
        } else {
            LayerUpdate::Bias
        };
        set.reform(move |_: Event| update)
    };
    let back = Action::SetLayer {
        layer,
        update: props.default,
        recompute: false,
    };
    let point = |to: Option<u32>| {
        let dispatch = dispatch.clone();
        move |_: MouseEvent| dispatch.dispatch(Action::SelectLayer(to))
    };
    let short = props
        .name
        .split_once('.')
        .map_or(&*props.name, |(_, short)| short)
        .to_owned();
    let other = !RATIOS
        .iter()
        .any(|(known, _)| known.to_bits() == ratio.to_bits());
    html! {
        <li
            id={row_id(layer)}
            class={classes!("layer", props.selected.then_some("selected"))}
            tabindex="-1"
            onmouseenter={point(u32::try_from(layer).ok())} onmouseleave={point(None)}
        >
            <span class="layer-name" title={format!("{}: {}", props.name, props.shape)}>
                <span class="label number">{ layer }</span>
                <span class="layer-kind">{ short }</span>
                { reset_dot(
                    &dispatch,
                    &format!("Layer {layer}"),
                    props.update != props.default || props.recompute,
                    props.locked,
                    back,
                ) }
                if other {
                    <span class="note">{ text::ratio(ratio) }</span>
                }
                if props.recomputable && has_weights {
                    { again(&dispatch, props) }
                }
            </span>
            <label class="bias" title={if has_weights { "Weights take the bias along" } else { "Bias" }}>
                <input
                    type="checkbox"
                    aria-label={format!("Bias of layer {layer}")}
                    checked={props.update.updates_bias()}
                    disabled={props.locked || has_weights}
                    onchange={onbias}
                />
            </label>
            <fieldset class="stops" aria-label={format!("Weight ratio of layer {layer}")}>
                for (ratio_of_stop, sign) in RATIOS {
                    { stop(
                        format!("ratio-{layer}"),
                        (ratio_of_stop, sign),
                        ratio_of_stop.to_bits() == ratio.to_bits(),
                        props.locked,
                        {
                            let without_weights = without_weights.clone();
                            set.reform(move |_: Event| {
                                if ratio_of_stop > 0.0 {
                                    LayerUpdate::Weights { ratio: ratio_of_stop }
                                } else {
                                    *without_weights.borrow()
                                }
                            })
                        },
                    ) }
                }
            </fieldset>
        </li>
    }
}

/// Whether the input of the layer is kept for its weight gradient, or computed again.
fn again(dispatch: &Dispatch, props: &LayerRowProps) -> Html {
    let toggled = Action::SetLayer {
        layer: props.index,
        update: props.update,
        recompute: !props.recompute,
    };
    html! {
        <button
            type="button"
            class="again"
            aria-pressed={props.recompute.to_string()}
            aria-label={format!("Compute the input of layer {} again", props.index)}
            title="Compute its input again in the backward pass instead of keeping it"
            disabled={props.locked}
            onclick={on_click(dispatch, toggled)}
        >
            { "\u{21bb}" }
        </button>
    }
}

/// One of the five.
fn stop(
    group: String,
    (ratio, sign): (f32, &'static str),
    checked: bool,
    locked: bool,
    onchange: Callback<Event>,
) -> Html {
    html! {
        <label class="stop">
            <input
                type="radio"
                name={group}
                aria-label={text::ratio(ratio)}
                {checked}
                disabled={locked}
                {onchange}
            />
            <span aria-hidden="true">{ sign }</span>
        </label>
    }
}
