//! The runs that are kept, and two of them side by side.

use yew::prelude::*;

use super::comparison::comparison;
use super::run_row::{KeptRows, button, change_name, live_row};
use crate::state::runs::{MAX_RUNS, NUMBERS};
use crate::state::{AppState, Dispatch, RunsAction, text};

/// The table of runs, and below it the comparison with the one that is pinned.
pub(super) fn runs_panel(state: &AppState, dispatch: &Dispatch) -> Html {
    let live = state.live_run();
    let runs = &state.runs;
    let n_runs = u32::try_from(runs.kept.len()).unwrap_or(u32::MAX);
    let tool =
        |name: &str, action| button(dispatch, "button quiet", [name, name], None, false, action);
    let columns = ["Compare", "Run", change_name(runs.pinned.is_some())].into_iter();
    let columns = columns.chain(NUMBERS).chain(["Note", "Setup"]);
    html! {
        <section class="panel runs" aria-labelledby="runs-title">
            <div class="panel-head">
                <h2 id="runs-title">{ "Runs" }</h2>
                <span class="tools">
                    { tool("CSV", RunsAction::DownloadCsv) }
                    { tool("JSON", RunsAction::DownloadJson) }
                    { tool("Clear all", RunsAction::AskToClear(true)) }
                </span>
            </div>
            <div class="ask" role="status" aria-label="Question">
                if runs.asks_to_clear {
                    { format!("Delete {} with names and notes, for good?", text::count(n_runs, "run", "runs")) }
                    { tool("Delete all", RunsAction::Clear) }
                    { tool("Cancel", RunsAction::AskToClear(false)) }
                }
            </div>
            <p class="note">
                { format!(
                    "A run of 10 steps or more is kept when it ends: at its last step, by Reset, or by \
                     another setup. This browser keeps {MAX_RUNS} until you delete them; the oldest \
                     without name or note goes first. Pin one as A to compare."
                ) }
            </p>
            <div class="scroll" role="region" aria-label="Table of runs" tabindex="0">
                // On a narrow screen each row is a card; the roles keep it a table.
                <table role="table" aria-label="Runs">
                    <thead role="rowgroup">
                        <tr role="row">
                            for name in columns {
                                <th scope="col" role="columnheader">{ name }</th>
                            }
                        </tr>
                    </thead>
                    <KeptRows
                        kept={runs.kept.clone()}
                        pinned={runs.pinned}
                        beside={runs.beside}
                        is_locked={!state.link.locked.is_empty()}
                    />
                    <tbody role="rowgroup">{ live_row(state, dispatch, &live) }</tbody>
                </table>
            </div>
            if let Some(a) = runs.a() {
                { comparison(state, a, live) }
            }
        </section>
    }
}
