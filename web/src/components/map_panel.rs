//! The memory map with its legend and the card of what is looked at.

use yew::prelude::*;

use super::glossary::Entry;
use super::hooks::{use_app, use_dispatch, use_id};
use super::icon::{Glyph, icon};
use super::inspector::inspector;
use super::legend::Legend;
use super::map_canvas::MapCanvas;
use super::overflow_card::overflow_card;
use super::send::on_click;
use super::term::Term;
use super::waterfall::waterfall;
use crate::charts::ghost;
use crate::charts::memory_map::{self, Pointers, View};
use crate::protocol::Speed;
use crate::state::{Action, AppState, Shared};

/// The centre column.
#[component]
pub(super) fn MapPanel() -> Html {
    let state = use_app();
    let dispatch = use_dispatch();
    let pinned = use_state_eq(|| false);
    let zoomed = use_state_eq(|| false);
    let has_ghost = use_state_eq(|| false);
    let card = use_id("inspector");
    let onzoom = {
        let zoomed = zoomed.clone();
        move |_: MouseEvent| zoomed.set(!*zoomed)
    };
    let onpin = {
        let pinned = pinned.clone();
        Callback::from(move |value| pinned.set(value))
    };
    let is_own = state.imported.is_none();
    let plain = state.passes.view.clone().filter(|_| is_own);
    let outline = use_memo(
        (
            plain.clone().filter(|_| *has_ghost),
            state.shown_plan().cloned(),
        ),
        |(plain, plan)| {
            Shared::new(match (plain, plan) {
                (Some(plain), Some(plan)) => ghost::outline(&plain.plain, plan),
                _ => Vec::new(),
            })
        },
    );
    let onghost = {
        let has_ghost = has_ghost.clone();
        Callback::from(move |_: Event| has_ghost.set(!*has_ghost))
    };
    let left_out = state.left_out_text();
    let has_budget = is_own && !state.is_unlimited();
    let onclose = {
        let (dispatch, pinned) = (dispatch.clone(), pinned.clone());
        move |_: MouseEvent| {
            dispatch.dispatch(Action::CloseImported);
            pinned.set(false);
        }
    };
    let onpeak = {
        let (state, dispatch, pinned) = (state.clone(), dispatch.clone(), pinned.clone());
        let trains = is_own && left_out.is_none();
        move |_: MouseEvent| {
            let Some(plan) = state.shown_plan() else {
                return;
            };
            let peak = plan.peak_op;
            if trains && !state.playback.is_on() && state.can_train() {
                dispatch.dispatch(Action::SeekPeak);
            }
            dispatch.dispatch(Action::SelectOp(Some(peak)));
            dispatch.dispatch(Action::SelectTensor(memory_map::largest_at(plan, peak)));
            pinned.set(true);
        }
    };
    html! {
        <section
            class={classes!("panel", "map", (!is_own).then_some("imported"))}
            aria-labelledby="map-title"
        >
            <div class="panel-head">
                <h2 id="map-title">{ "Memory" }<span class="wide">{ " of one step" }</span></h2>
                <span class="tools">
                    if is_own {
                        <button
                            type="button"
                            class="button quiet"
                            aria-pressed={if *zoomed { "true" } else { "false" }}
                            aria-label="Zoom"
                            title="Zoom: show only what changes during a step"
                            onclick={onzoom}
                        >
                            { icon(Glyph::Zoom) }<span class="wide">{ "Zoom" }</span>
                        </button>
                    } else {
                        <button type="button" class="button" onclick={onclose}>
                            { "Back to my plan" }
                        </button>
                    }
                    <button type="button" class="button quiet" onclick={onpeak}>
                        { icon(Glyph::Peak) }{ "Jump to peak" }
                    </button>
                </span>
            </div>
            if let Some(names) = &left_out {
                <p class="note caption without" role="status">
                    <b>{ format!("Shown without: {names}.") }</b>
                    { " Training and exports have all passes. " }
                    <button type="button" class="link" onclick={on_click(&dispatch, Action::LeaveOut(0))}>
                        { "Back to all passes" }
                    </button>
                </p>
            } else if is_own {
                <p class="note caption">
                    { "Each rectangle is a tensor: its " }
                    <Term entry={Entry::Lifetime} />
                    { " across, its place in the " }
                    <Term entry={Entry::Arena} />
                    { " upwards." }
                </p>
            } else {
                <p class="note caption">{ state.imported_text() }</p>
            }
            if is_own { { overflow_card(&state, &dispatch) } }
            if let Some(plan) = state.shown_plan().cloned() {
                <MapCanvas
                    plan={plan.clone()}
                    ghost={(*outline).clone()}
                    view={View {
                        budget: has_budget.then_some(state.budget_line()),
                        room: has_budget.then_some(state.device().sram_bytes),
                        zoomed: is_own && *zoomed,
                        ghost: outline.iter().map(|span| span.bytes).max(),
                    }}
                    pointers={pointers(&state)}
                    pinned={*pinned}
                    {onpin}
                    draggable={has_budget && !state.is_locked("budget")}
                    described_by={card.clone()}
                />
                if let Some(sentence) = state.solution_text() {
                    <p class="solution" role="status">{ sentence }</p>
                }
                <Legend
                    plan={plan.clone()}
                    ghost={plain.is_some().then_some(*has_ghost)}
                    {onghost}
                />
                if is_own { { waterfall(&state, &dispatch) } }
                { inspector(&plan, state.selection, *pinned, &card) }
            } else {
                <p class="chart map-chart waiting note">
                    if state.lacks_network() {
                        { "The map appears as soon as a network is open." }
                    } else if state.planning {
                        { "The plan is on its way." }
                    } else {
                        { "There is no plan." }
                    }
                </p>
            }
        </section>
    }
}

/// The play head moves only while the eye can follow it.
fn pointers(state: &AppState) -> Pointers {
    let follows = state.imported.is_none()
        && state.left_out_text().is_none()
        && (!state.playback.is_on() || state.speed == Speed::OperationPerSecond);
    Pointers {
        play_head: (follows && state.op > 0).then_some(state.op),
        op: state.selection.op,
        tensor: state.selection.tensor,
        layer: state.selection.layer,
    }
}
