//! The keys of many runs in the worker: what is to be run, how far it is, and what starts it.

use yew::prelude::*;

use super::send::on_click;
use crate::protocol::AnalysisPhase;
use crate::state::{Action, Dispatch};

/// Runs as their keys show them.
pub(super) struct RunKeys {
    /// What is run, for those who do not see it.
    pub of: &'static str,
    /// What they do; none where there are none.
    pub phase: Option<AnalysisPhase>,
    /// Whether some are done.
    pub has_begun: bool,
    /// Share that is done, in percent; none where that cannot be told.
    pub percent: Option<u32>,
    /// How they stand, in sentences.
    pub text: String,
    /// What else a person should know, in sentences.
    pub note: String,
    /// What works out how long they take: its name, whether it can be done, and how.
    pub prepare: (&'static str, bool, Action),
    /// What runs them.
    pub run: Action,
    /// What lets them stand still.
    pub pause: Action,
    /// What can be done with what they measured.
    pub done: Option<(&'static str, Action)>,
    /// What ends them.
    pub cancel: Action,
}

/// The keys, behind the fields of runs that are not begun yet.
pub(super) fn run_keys(dispatch: &Dispatch, keys: RunKeys, fields: Html) -> Html {
    let button = |name: &'static str, class: &'static str, enabled: bool, action| {
        html! {
            <button type="button" {class} disabled={!enabled} onclick={on_click(dispatch, action)}>
                { name }
            </button>
        }
    };
    let main = match keys.phase {
        None => Some(keys.prepare),
        Some(AnalysisPhase::Counting) => Some(("Start", false, keys.run)),
        Some(AnalysisPhase::Standing) if keys.has_begun => Some(("Resume", true, keys.run)),
        Some(AnalysisPhase::Standing) => Some(("Start", true, keys.run)),
        Some(AnalysisPhase::Running) => Some(("Pause", true, keys.pause)),
        Some(AnalysisPhase::Done) => keys.done.map(|(name, action)| (name, true, action)),
    };
    let is_done = keys.phase == Some(AnalysisPhase::Done);
    html! {
        <div class="measurement" role="group" aria-label={keys.of}>
            if keys.phase.is_none() {
                { fields }
            }
            if let Some((name, enabled, action)) = main {
                { button(name, "button main", enabled, action) }
            }
            if keys.phase.is_some() {
                { button(if is_done { "Close" } else { "Cancel" }, "button", true, keys.cancel) }
                <div class="how-far">
                    if !is_done {
                        <progress aria-label={keys.of} max="100" value={keys.percent.map(|it| it.to_string())} />
                    }
                    <p class="number">{ keys.text }</p>
                </div>
            }
            <p class="note">{ keys.note }</p>
        </div>
    }
}
