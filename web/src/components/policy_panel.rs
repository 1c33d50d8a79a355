//! What the device is, and what a step may change.

use yew::prelude::*;

use super::glossary::Entry;
use super::hooks::{use_app, use_dispatch};
use super::icon::{Glyph, Icon};
use super::layer_list::LayerList;
use super::numerics_drawer::NumericsDrawer;
use super::setup_fields::{MainFields, MoreFields, Presets};
use super::term::Term;
use crate::state::Action;

/// The left column.
#[component]
pub(super) fn PolicyPanel() -> Html {
    let state = use_app();
    let dispatch = use_dispatch();
    let send = |action: Action| {
        let dispatch = dispatch.clone();
        move |_: MouseEvent| dispatch.dispatch(action.clone())
    };
    let locked = state.is_locked("policy");
    html! {
        <section class="panel policy" aria-labelledby="policy-title">
            <div class="panel-head">
                <h2 id="policy-title"><Term entry={Entry::UpdatePolicy} text="Update policy" /></h2>
                <span class="tools">
                    <button
                        type="button"
                        class="button quiet icon"
                        aria-label="Undo"
                        title="Undo"
                        disabled={!state.can_undo()}
                        onclick={send(Action::Undo)}
                    >
                        <Icon glyph={Glyph::Undo} />
                    </button>
                    <button
                        type="button"
                        class="button quiet icon"
                        aria-label="Redo"
                        title="Redo"
                        disabled={!state.can_redo()}
                        onclick={send(Action::Redo)}
                    >
                        <Icon glyph={Glyph::Redo} />
                    </button>
                </span>
            </div>
            if !state.link.locked.is_empty() {
                <p class="note">{ "What is greyed is fixed by the link that was opened." }</p>
            }
            <div class="settings">
                <MainFields />
                <Presets />
                <div class="drawers">
                    <details class="more">
                        <summary>{ "More" }</summary>
                        <div class="settings"><MoreFields /></div>
                    </details>
                    <NumericsDrawer />
                </div>
            </div>
            if let Some(plan) = state.plan.clone() {
                <div class="layers-head label" aria-hidden="true">
                    <span>{ "Layer" }</span>
                    <span>{ "Bias" }</span>
                    <span>{ "Channel ratio" }</span>
                </div>
                <LayerList
                    {plan}
                    policy={state.setup().policy.clone()}
                    default={state.default_setup().policy}
                    {locked}
                />
            }
        </section>
    }
}
