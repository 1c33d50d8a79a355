//! The layers and what the policy does with each, grouped by block.

use quartermeg_core::policy::{LayerUpdate, Policy};
use quartermeg_core::quant::ChannelChoice;
use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use super::brush::Brush;
use super::hooks::use_dispatch;
use super::layer_row::LayerRow;
use crate::protocol::{CHOICES, CostsView, LayerView, PlanView};
use crate::state::{Action, Dispatch, Shared, Solution, text};

/// Properties of [`LayerList`].
#[derive(Properties, PartialEq)]
pub(super) struct LayerListProps {
    /// The compiled plan, which knows the layers.
    pub plan: Shared<PlanView>,
    /// The chosen policy.
    pub policy: Policy,
    /// The channels of a ratio that a layer chooses which says nothing of them.
    pub channels: ChannelChoice,
    /// That of the nearest preset.
    pub default: Policy,
    /// What other choices would cost.
    pub costs: Option<Shared<CostsView>>,
    /// Whether that is of the plan before.
    pub stale: bool,
    /// Bytes that the plan may need.
    pub budget_bytes: u32,
    /// What the budget line changed.
    pub solution: Option<Shared<Solution>>,
    /// Whether a link fixed the policy.
    pub locked: bool,
    /// The layer that is pointed at.
    pub selected: Option<u32>,
}

/// What the choice that is looked at would cost, and below it one group a block, one row a layer.
#[component]
pub(super) fn LayerList(props: &LayerListProps) -> Html {
    let dispatch = use_dispatch();
    let looked = use_state_eq(|| None::<(usize, usize)>);
    let brush = use_memo((), |()| Brush::default());
    let list = use_node_ref();
    {
        let (brush, list) = (brush.clone(), list.clone());
        use_effect_with((), move |()| {
            let listeners = list.cast::<Element>().map(|list| brush.hold_still(&list));
            move || drop(listeners)
        });
    }
    let onlook = {
        let looked = looked.setter();
        use_callback((), move |choice, ()| looked.set(choice))
    };
    let lift = {
        let (dispatch, brush) = (dispatch.clone(), brush.clone());
        Callback::from(move |_: PointerEvent| brush.lift(&dispatch))
    };
    let onpointermove = {
        let brush = brush.clone();
        move |event: PointerEvent| brush.follow(&event)
    };
    let onpointerleave = {
        let (lift, onlook) = (lift.clone(), onlook.clone());
        move |event: PointerEvent| {
            lift.emit(event);
            onlook.emit(None);
        }
    };
    let onkeydown = {
        let (policy, locked) = (props.policy.clone(), props.locked);
        move |event: KeyboardEvent| walk(&event, &dispatch, &policy, locked)
    };
    let cells = props.costs.iter().flat_map(|costs| costs.layers.iter());
    let changes = cells
        .flatten()
        .map(|cell| cell.peak_bytes.unsigned_abs())
        .max();
    let peak = props.costs.as_ref().map_or(0, |costs| costs.peak_bytes);
    let room = i64::from(props.budget_bytes) - i64::from(peak);
    let flash = |layer: usize| {
        let solution = props.solution.as_ref()?;
        let has_changed = solution.flashed.contains(&layer);
        has_changed.then_some(solution.number)
    };
    html! {
        <>
        { readout(props, *looked) }
        <div class="layers-head label" aria-hidden="true">
            <span>{ "Layer" }</span>
            <span>{ "Bias" }</span>
            <span>{ "Channel ratio" }</span>
        </div>
        <div
            ref={list}
            class={classes!("layers", props.stale.then_some("stale"))}
            role="group"
            aria-label="Layers"
            aria-describedby="layers-keys"
            tabindex={props.locked.then_some("0")}
            onpointerup={lift.clone()}
            onpointercancel={lift}
            {onpointermove}
            {onpointerleave}
            {onkeydown}
        >
            for (block, first, layers) in blocks(&props.plan.layers) {
                <section key={first}>
                    <h3 class="block-name">{ block }</h3>
                    <ul>
                        for (index, layer) in (first..).zip(layers) {
                            <LayerRow
                                key={index}
                                {index}
                                name={layer.name.clone()}
                                shape={layer.shape.clone()}
                                update={props.policy.layers.get(index).copied().unwrap_or_default()}
                                recompute={props.policy.recompute.contains(&index)}
                                recomputable={layer.recomputable}
                                channels={props.policy.own_channels(index)}
                                rule={props.channels}
                                default={props.default.layers.get(index).copied().unwrap_or_default()}
                                costs={props.costs.as_ref().and_then(|it| it.layers.get(index).copied())}
                                largest={changes.unwrap_or(1)}
                                {room}
                                flash={flash(index)}
                                onlook={onlook.clone()}
                                brush={(*brush).clone()}
                                locked={props.locked}
                                selected={props.selected.is_some_and(|it| it as usize == index)}
                            />
                        }
                    </ul>
                </section>
            }
        </div>
        </>
    }
}

/// What the choice that is looked at would add or free.
fn readout(props: &LayerListProps, looked: Option<(usize, usize)>) -> Html {
    let known = looked.and_then(|(layer, choice)| {
        let view = props.plan.layers.get(layer)?;
        let costs = props.costs.as_ref()?.layers.get(layer)?;
        Some((layer, view, CHOICES[choice], costs[choice]))
    });
    let Some((layer, view, choice, cost)) = known else {
        return html! {
            <p id="layers-keys" class="cell-cost note">
                { "Point at a choice for its cost. Hold and move over rows to paint them; with keys, \
                   up and down change the row, with Shift they copy." }
            </p>
        };
    };
    let what = match choice {
        LayerUpdate::Frozen => "frozen".to_owned(),
        LayerUpdate::Bias => "bias alone".to_owned(),
        LayerUpdate::Weights { ratio } => format!("ratio {}", text::ratio(ratio)),
    };
    let is_chosen = props.policy.layers.get(layer) == Some(&choice);
    let macs = text::more(cost.macs_step);
    html! {
        <p
            id="layers-keys"
            class={classes!("cell-cost", props.stale.then_some("stale"))}
            role="status"
        >
            <span class="cell-name">
                <b>{ format!("{layer} {}: {what}", view.name) }</b>
                <span class="note">{ format!(" {}", view.shape) }</span>
            </span>
            if is_chosen {
                <span>{ "This is chosen." }</span>
            } else {
                <span class="cell-numbers">
                    <span>{ "peak " }<b>{ text::bytes_more(cost.peak_bytes.into()) }</b></span>
                    <span>{ format!("saved {}", text::bytes_more(cost.saved_bytes.into())) }</span>
                    <span>{ format!("trainable {}", text::bytes_more(cost.trainable_bytes.into())) }</span>
                    <span>{ format!("{macs} MAC a step") }</span>
                </span>
            }
        </p>
    }
}

/// Up and down go to the same control of the next row; with Shift that row gets the same choice.
fn walk(event: &KeyboardEvent, dispatch: &Dispatch, policy: &Policy, locked: bool) {
    if event.ctrl_key() || event.alt_key() || event.meta_key() {
        return;
    }
    let key = event.key();
    let is_down = match key.as_str() {
        "ArrowDown" => true,
        "ArrowUp" => false,
        _ => return,
    };
    let Some(control) = event.target_dyn_into::<Element>() else {
        return;
    };
    let row = control.closest(".layer").ok().flatten();
    let layer = row.and_then(|row| row.id().strip_prefix("layer-")?.parse::<usize>().ok());
    let Some(layer) = layer else {
        return;
    };
    event.prevent_default();
    let next = if is_down {
        layer.checked_add(1)
    } else {
        layer.checked_sub(1)
    };
    let Some(next) = next.filter(|&next| next < policy.layers.len()) else {
        return;
    };
    if event.shift_key() && !locked {
        dispatch.dispatch(Action::Paint {
            layer: next,
            update: policy.layers[layer],
        });
        dispatch.dispatch(Action::EndDrag);
    }
    let kind = control.get_attribute("type").unwrap_or_default();
    let chosen = match kind.as_str() {
        "checkbox" => String::new(),
        // What was copied is chosen there as soon as the row is drawn.
        _ if event.shift_key() => {
            let ratio = control.get_attribute("aria-label").unwrap_or_default();
            format!("[aria-label='{ratio}']")
        }
        _ => ":checked".to_owned(),
    };
    let document = gloo::utils::document();
    let find = |chosen: &str| {
        let selector = format!("#layer-{next} input[type='{kind}']{chosen}");
        document.query_selector(&selector).ok().flatten()
    };
    let found = find(&chosen).or_else(|| find(""));
    if let Some(input) = found.and_then(|input| input.dyn_into::<HtmlElement>().ok()) {
        // An element that is gone meanwhile cannot be focused, and need not.
        let _ = input.focus();
    }
}

/// The part of a layer's name before the dot.
fn block_of(layer: &LayerView) -> &str {
    layer
        .name
        .split_once('.')
        .map_or(layer.name.as_str(), |(block, _)| block)
}

/// Neighbours of one block, with the index of the first.
fn blocks(layers: &[LayerView]) -> Vec<(&str, usize, &[LayerView])> {
    let mut first = 0;
    layers
        .chunk_by(|a, b| block_of(a) == block_of(b))
        .map(|chunk| {
            let start = first;
            first += chunk.len();
            (chunk.first().map_or("", block_of), start, chunk)
        })
        .collect()
}
