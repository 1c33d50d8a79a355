//! What the device is, and what a step may change.

use quartermeg_formats::numerics::CHANNELS;
use yew::prelude::*;

use super::glossary::Entry;
use super::icon::{Glyph, icon_button};
use super::layer_list::LayerList;
use super::numerics_drawer::{NumericsDrawer, rule_field};
use super::send::on_click;
use super::setup_fields::{main_fields, more_fields, presets};
use super::term::Term;
use crate::state::{Action, AppState, Dispatch};

/// The left column.
pub(super) fn policy_panel(state: &AppState, dispatch: &Dispatch) -> Html {
    let tool = |name, glyph, can: bool, action| {
        icon_button(
            name,
            "button quiet icon",
            glyph,
            !can,
            on_click(dispatch, action),
        )
    };
    let locked = state.is_locked("policy");
    let nearest = state.nearest_preset();
    let nearest_name = nearest.as_ref().map(|(preset, _)| &*preset.name);
    html! {
        <section class="panel policy" aria-labelledby="policy-title">
            <div class="panel-head">
                <h2 id="policy-title"><Term entry={Entry::UpdatePolicy} text="Update policy" /></h2>
                <span class="tools">
                    { tool("Undo", Glyph::Undo, state.can_undo(), Action::Undo) }
                    { tool("Redo", Glyph::Redo, state.can_redo(), Action::Redo) }
                </span>
            </div>
            if !state.link.locked.is_empty() {
                <p class="note">{ "What is greyed is fixed by the link that was opened." }</p>
            }
            <div class="settings">
                { main_fields(state, dispatch) }
                { presets(state, dispatch, nearest_name) }
                <div class="drawers">
                    <details class="more">
                        <summary>{ "More" }</summary>
                        <div class="settings">{ more_fields(state, dispatch) }</div>
                    </details>
                    <NumericsDrawer />
                </div>
            </div>
            if let Some(plan) = state.plan.clone() {
                { channels(state, dispatch) }
                <LayerList
                    {plan}
                    policy={state.setup().policy.clone()}
                    channels={state.setup().rules.channels}
                    default={nearest.map_or_else(|| state.default_setup().policy, |(_, policy)| policy)}
                    costs={state.editor.costs.clone()}
                    stale={state.editor.costs_stale}
                    budget_bytes={state.setup().budget_bytes}
                    solution={state.solution().cloned()}
                    {locked}
                    selected={state.selection.layer}
                />
            }
        </section>
    }
}

/// Which channels a ratio below 1 stands for: a rule of the numerics that belongs to the policy.
fn channels(state: &AppState, dispatch: &Dispatch) -> Html {
    html! {
        <div class="channels">
            { rule_field(
                dispatch,
                CHANNELS,
                state.setup().rules,
                state.rules_plan.as_deref(),
                [state.rules_plan_stale, state.is_locked("numerics")],
            ) }
        </div>
    }
}
