//! What the colours and patterns of the map mean.

use quartermeg_core::program::Role;
use quartermeg_formats::describe;
use yew::prelude::*;

use super::glossary::Entry;
use super::swatch::swatch;
use super::term::Term;
use crate::charts::memory_map;
use crate::protocol::PlanView;
use crate::state::Shared;

/// What the outline is.
const GHOST: &str = "How many bytes would be live if every layer ran on its own, without the passes \
    that save memory. Operations of the same name stand below each other; where one runs several \
    layers at once, theirs share its width.";

/// Properties of [`Legend`].
#[derive(Properties, PartialEq)]
pub(super) struct LegendProps {
    /// The plan on the map.
    pub plan: Shared<PlanView>,
    /// Whether the outline of the plan without passes is shown; none where there is no such plan.
    pub ghost: Option<bool>,
    /// Shows or hides it.
    pub onghost: Callback<Event>,
}

/// The roles that occur in the plan, and the switch of the outline behind it.
#[component]
pub(super) fn Legend(props: &LegendProps) -> Html {
    html! {
        <ul class="legend" aria-label="Legend">
            for role in memory_map::roles(&props.plan) {
                <li key={role}>
                    { swatch(role) }
                    if is_saved(role) {
                        <Term entry={Entry::SavedActivation} />
                    } else {
                        { role_name(role) }
                    }
                </li>
            }
            if let Some(checked) = props.ghost {
                <li>
                    <label class="ghost">
                        <input type="checkbox" {checked} onchange={&props.onghost} />
                        <i aria-hidden="true" />
                        { "without passes" }
                    </label>
                    <Term text="?" meaning={GHOST} />
                </li>
            }
        </ul>
    }
}

fn is_saved(role: u8) -> bool {
    Role::ALL.get(usize::from(role)) == Some(&Role::SavedActivation)
}

/// The name of a role by its index.
pub(super) fn role_name(role: u8) -> &'static str {
    Role::ALL
        .get(usize::from(role))
        .map_or("", |role| describe::role(*role))
}
