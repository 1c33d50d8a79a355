//! One layer of the policy: bias and weights.

use quartermeg_core::policy::LayerUpdate;
use quartermeg_core::quant::ChannelChoice;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlElement;
use yew::prelude::*;

use super::brush::Brush;
use super::hooks::use_dispatch;
use super::reset_dot::dot;
use super::send::on_click;
use crate::protocol::{CHOICES, CellCost};
use crate::state::{Action, Dispatch, text};

/// The ratios of the paper, how they are drawn, and their place in [`CHOICES`] where the bias is
/// frozen without weights.
const RATIOS: [(f32, &str, usize); 5] = [
    (0.0, "0", 0),
    (0.125, "⅛", 2),
    (0.25, "¼", 3),
    (0.5, "½", 4),
    (1.0, "1", 5),
];
/// Place of the bias alone in [`CHOICES`].
const BIAS: usize = 1;

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
    /// Which channels of its ratio learn, where it says so itself.
    pub channels: Option<ChannelChoice>,
    /// Which do where it does not.
    pub rule: ChannelChoice,
    /// What it updates in the nearest preset.
    pub default: LayerUpdate,
    /// What each of [`CHOICES`] would cost.
    pub costs: Option<[CellCost; CHOICES.len()]>,
    /// The largest change of the peak that any choice of any layer makes, in bytes.
    pub largest: u32,
    /// Bytes that the peak may still grow by.
    pub room: i64,
    /// Whether the budget line changed it just now: the number of that change.
    pub flash: Option<u32>,
    /// Told which of [`CHOICES`] is looked at.
    pub onlook: Callback<Option<(usize, usize)>>,
    /// What is painted while a pointer is held.
    pub brush: Brush,
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
        let (recompute, channels) = (props.recompute, props.channels);
        Callback::from(move |update| {
            dispatch.dispatch(Action::SetLayer {
                layer,
                update,
                recompute,
                channels,
            });
        })
    };
    let bias_choice = if props.update.updates_bias() { 0 } else { BIAS };
    let bias_update = CHOICES[bias_choice];
    let onbias = set.reform(move |_: Event| bias_update);
    let back = Action::SetLayer {
        layer,
        update: props.default,
        recompute: false,
        channels: None,
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
        .any(|(known, ..)| known.to_bits() == ratio.to_bits());
    let look = |choice: usize| {
        let onlook = props.onlook.clone();
        move || onlook.emit(Some((layer, choice)))
    };
    // Held on one row and moved over others, a pointer gives them the same choice.
    let take = |update: LayerUpdate| {
        let (dispatch, brush) = (dispatch.clone(), props.brush.clone());
        let is_free = !props.locked;
        Callback::from(move |event: PointerEvent| {
            if is_free && event.button() == 0 {
                brush.take(&dispatch, layer, update, &event);
            }
        })
    };
    let onpointerenter = {
        let (dispatch, brush) = (dispatch.clone(), props.brush.clone());
        move |event: PointerEvent| brush.paint(&dispatch, layer, event.buttons())
    };
    let flash = props.flash.map(|number| {
        if number % 2 == 0 {
            "flash-even"
        } else {
            "flash-odd"
        }
    });
    html! {
        <li
            id={row_id(layer)}
            class={classes!("layer", props.selected.then_some("selected"), flash)}
            tabindex="-1"
            {onpointerenter}
            onmouseenter={point(u32::try_from(layer).ok())} onmouseleave={point(None)}
        >
            <span class="layer-name" title={format!("{}: {}", props.name, props.shape)}>
                <span class="label number">{ layer }</span>
                <span class="layer-kind">{ short }</span>
                { dot(
                    &dispatch,
                    format!("Layer {layer} back to the preset"),
                    props.update != props.default || props.recompute || props.channels.is_some(),
                    props.locked,
                    back,
                ) }
                if other {
                    <span class="note">{ text::ratio(ratio) }</span>
                }
                if props.recomputable && has_weights {
                    { again(&dispatch, props) }
                }
                if props.update.is_partial() {
                    { first(&dispatch, props) }
                }
            </span>
            <label
                class="bias"
                title={has_weights.then_some("Weights take the bias along")}
                onpointerdown={(!has_weights).then(|| take(bias_update))}
                onpointerenter={ignoring_pointer(look(bias_choice))}
                onfocusin={ignoring_focus(look(bias_choice))}
            >
                <input
                    type="checkbox"
                    aria-label={format!("Bias of layer {layer}")}
                    checked={props.update.updates_bias()}
                    disabled={props.locked || has_weights}
                    onchange={onbias}
                />
                { cost_bar(props, bias_choice) }
            </label>
            <fieldset class="stops" aria-label={format!("Weight ratio of layer {layer}")}>
                for (ratio_of_stop, sign, choice) in RATIOS {
                    { {
                        let update = if ratio_of_stop > 0.0 {
                            CHOICES[choice]
                        } else {
                            *without_weights.borrow()
                        };
                        let choice = if update == LayerUpdate::Bias { BIAS } else { choice };
                        html! {
                            <label
                                class="stop"
                                onpointerdown={take(update)}
                                onpointerenter={ignoring_pointer(look(choice))}
                                onfocusin={ignoring_focus(look(choice))}
                            >
                                <input
                                    type="radio"
                                    name={format!("ratio-{layer}")}
                                    aria-label={text::ratio(ratio_of_stop)}
                                    checked={ratio_of_stop.to_bits() == ratio.to_bits()}
                                    disabled={props.locked}
                                    onchange={set.reform(move |_: Event| update)}
                                />
                                <span aria-hidden="true">
                                    { sign }
                                    { cost_bar(props, choice) }
                                </span>
                            </label>
                        }
                    } }
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
        channels: props.channels,
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

/// Whether the first channels of the ratio learn, or those with the largest weights.
fn first(dispatch: &Dispatch, props: &LayerRowProps) -> Html {
    let is_first = props.channels.unwrap_or(props.rule) == ChannelChoice::First;
    let (other, title) = if is_first {
        let title = "Its first channels learn; let those with the largest weights learn instead";
        (ChannelChoice::Largest, title)
    } else {
        let title = "Its channels with the largest weights learn; let the first ones learn instead";
        (ChannelChoice::First, title)
    };
    let toggled = Action::SetLayer {
        layer: props.index,
        update: props.update,
        recompute: props.recompute,
        // What all layers do needs no word of its own.
        channels: (other != props.rule).then_some(other),
    };
    html! {
        <button
            type="button"
            class="again first"
            aria-pressed={is_first.to_string()}
            aria-label={format!("Train the 1st channels of layer {}", props.index)}
            {title}
            disabled={props.locked}
            onclick={on_click(dispatch, toggled)}
        >
            { "1st" }
        </button>
    }
}

/// What a choice would add to the peak or free, as a bar; none for what is chosen or changes
/// nothing.
fn cost_bar(props: &LayerRowProps, choice: usize) -> Html {
    let peak = props.costs.map_or(0, |costs| costs[choice].peak_bytes);
    if peak == 0 {
        return html! {};
    }
    let share = 100.0 * f64::from(peak.unsigned_abs()) / f64::from(props.largest.max(1));
    let class = if i64::from(peak) > props.room {
        "cost over"
    } else if peak > 0 {
        "cost more"
    } else {
        "cost less"
    };
    html! { <i {class} style={format!("width: {:.0}%", share.max(8.0))} /> }
}

fn ignoring_pointer(act: impl Fn() + 'static) -> Callback<PointerEvent> {
    Callback::from(move |_: PointerEvent| act())
}

fn ignoring_focus(act: impl Fn() + 'static) -> Callback<FocusEvent> {
    Callback::from(move |_: FocusEvent| act())
}
