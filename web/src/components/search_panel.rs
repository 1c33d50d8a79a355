//! The search for a policy: what it is to do, how it goes on, and what came of it.

use quartermeg_formats::setup::BUDGET_RANGE;
use web_sys::HtmlElement;
use yew::prelude::*;

use super::beside::Beside;
use super::chart_canvas::ChartCanvas;
use super::data_table::DataTable;
use super::hooks::{use_app, use_dispatch, use_size};
use super::number_field::NumberField;
use super::run_keys::{RunKeys, run_keys};
use super::select_field::SelectField;
use super::send::{committer, on_click, optional_committer, sender};
use crate::charts::search as charts;
use crate::protocol::{AnalysisPhase, SearchPhase, SearchView};
use crate::state::analysis::MAX_SEEDS;
use crate::state::search::{MAX_PLANS, PointRow};
use crate::state::{Action, AppState, Dispatch, SearchAction, Shared, text};

const STEP_COLUMNS: &[&str] = &["Layers frozen", "Layer", "Bytes", "Accuracy"];
const DIFFERENCE_COLUMNS: &[&str] = &[
    "Found",
    "Against",
    "Within bytes",
    "Difference",
    "Interval",
    "",
];
const POINT_COLUMNS: [&str; 7] = [
    "From",
    "Layers that learn",
    "Bytes",
    "Multiply-accumulates a step",
    "Sum of contributions",
    "Accuracy",
    "",
];

/// What is to be searched, what runs it, the charts and the policies.
#[component]
pub(super) fn SearchPanel(props: &Beside) -> Html {
    let state = props.state.clone();
    let dispatch = use_dispatch();
    let view = state.search.view.clone();
    html! {
        <section class="panel search" aria-labelledby="search-title">
            <div class="panel-head">
                <h2 id="search-title">{ "Search" }</h2>
                if view.is_some() {
                    <p class="key note">
                        <span><i class="found" />{ "found" }</span>
                        <span><i class="square" />{ "preset" }</span>
                        <span><i class="triangle" />{ "baseline" }</span>
                    </p>
                }
            </div>
            { measurement(&state, &dispatch) }
            if let Some(view) = view {
                { charts_of(&state, view.clone()) }
                if !view.differences.is_empty() {
                    { result(&state) }
                }
                if !state.search_rows().is_empty() {
                    { points(&state, &dispatch) }
                }
            }
        </section>
    }
}

/// The settings, how far the search is, and the keys that run it.
fn measurement(state: &AppState, dispatch: &Dispatch) -> Html {
    let phase = match state.search_phase() {
        _ if !state.is_searching() => None,
        SearchPhase::Done => Some(AnalysisPhase::Done),
        _ if state.search_runs() => Some(AnalysisPhase::Running),
        _ => Some(AnalysisPhase::Standing),
    };
    let keys = RunKeys {
        of: "Search for a policy",
        phase,
        has_begun: true,
        percent: state.search_percent(),
        text: state.search_text(),
        note: state.search_note(),
        prepare: (
            "Search",
            state.can_search(),
            Action::Search(SearchAction::Begin),
        ),
        run: Action::Search(SearchAction::Run),
        pause: Action::Search(SearchAction::Pause),
        done: None,
        cancel: Action::Search(SearchAction::Cancel),
    };
    html! {
        <>
            { run_keys(dispatch, keys, fields(state, dispatch)) }
            if phase.is_none() {
                { limits(state, dispatch) }
            }
        </>
    }
}

/// How much is to be planned and trained.
fn fields(state: &AppState, dispatch: &Dispatch) -> Html {
    let choices = state.search.choices;
    let seeds: Vec<(AttrValue, AttrValue)> = (1..=MAX_SEEDS)
        .map(|it| (it.to_string().into(), it.to_string().into()))
        .collect();
    let rates: Vec<(AttrValue, AttrValue)> = vec![
        ("0".into(), "as set".into()),
        ("1".into(), "half, once, twice".into()),
    ];
    let accepted = format!(
        "Give a whole number of policies from 1 to {}.",
        text::number(MAX_PLANS.into())
    );
    html! {
        <>
            <SelectField
                name="Seeds"
                options={seeds}
                value={choices.n_seeds.to_string()}
                onchoose={sender(dispatch, |chosen: String| {
                    Action::Search(SearchAction::SetSeeds(chosen.parse().unwrap_or(1)))
                })}
            />
            <NumberField
                name="Policies to plan"
                value={text::number(u64::from(choices.n_plans))}
                oncommit={committer([1, MAX_PLANS], accepted, sender(dispatch, |plans| {
                    Action::Search(SearchAction::SetPlans(plans))
                }))}
            />
            <SelectField
                name="Learning rates"
                options={rates}
                value={u8::from(choices.tunes_rate).to_string()}
                onchoose={sender(dispatch, |chosen: String| {
                    Action::Search(SearchAction::SetTunesRate(chosen == "1"))
                })}
            />
            <label class="check">
                <input
                    type="checkbox"
                    checked={choices.eliminates}
                    onchange={on_change(dispatch, !choices.eliminates)}
                />
                { "Backward elimination" }
            </label>
        </>
    }
}

fn on_change(dispatch: &Dispatch, eliminates: bool) -> Callback<Event> {
    let dispatch = dispatch.clone();
    Callback::from(move |_| {
        dispatch.dispatch(Action::Search(SearchAction::SetEliminates(eliminates)));
    })
}

/// Limits beside the budget, and where backward elimination stops; they open.
fn limits(state: &AppState, dispatch: &Dispatch) -> Html {
    let choices = state.search.choices;
    let shown = |limit: Option<u64>| limit.map_or_else(String::new, text::number);
    let threshold = choices.threshold.map(|tenths| match tenths % 10 {
        0 => (tenths / 10).to_string(),
        tenth => format!("{}.{tenth}", tenths / 10),
    });
    html! {
        <details class="limits">
            <summary>{ "Limits" }</summary>
            <div class="measurement">
                if choices.eliminates {
                    <NumberField
                        name="Eliminate down to, %"
                        inputmode="decimal"
                        value={threshold.unwrap_or_default()}
                        oncommit={optional_committer(
                            [0.0, 100.0],
                            "Give an accuracy from 0 to 100 %, or nothing for that of the classifier alone.",
                            sender(dispatch, |percent: Option<f64>| {
                                Action::Search(SearchAction::SetThreshold(percent.map(tenths)))
                            }),
                        )}
                    />
                }
                <NumberField
                    name="Flash at most, B"
                    value={shown(choices.flash_bytes.map(u64::from))}
                    oncommit={optional_committer(
                        [1, BUDGET_RANGE[1]],
                        "Give a whole number of bytes, or nothing for no limit.",
                        sender(dispatch, |bytes| Action::Search(SearchAction::SetFlash(bytes))),
                    )}
                />
                <NumberField
                    name="Multiply-accumulates a step at most"
                    value={shown(choices.macs_step)}
                    oncommit={optional_committer(
                        [1, u64::MAX],
                        "Give a whole number, or nothing for no limit.",
                        sender(dispatch, |macs| Action::Search(SearchAction::SetMacs(macs))),
                    )}
                />
            </div>
        </details>
    }
}

/// A percentage in tenths.
fn tenths(percent: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 0 to 1000"
    )]
    let tenths = (10.0 * percent).round() as u32;
    tenths
}

fn charts_of(state: &AppState, view: Shared<SearchView>) -> Html {
    html! {
            <div class="search-charts">
                <div>
                    <Plot shows={Shows::Generations} view={view.clone()} />
                    <p class="note">{ state.gap_text().unwrap_or_default() }</p>
                </div>
                if !view.steps.is_empty() {
                    <div>
                        <Plot shows={Shows::Elimination} view={view.clone()} />
                        <p class="note">{ state.elimination_text().unwrap_or_default() }</p>
                        <DataTable
                            name="Steps of backward elimination"
                            columns={STEP_COLUMNS}
                            rows={{
                                let state = state.clone();
                                Callback::from(move |()| state.elimination_rows())
                            }}
                        />
                    </div>
                }
                if !view.points.is_empty() {
                    <div><Front view={view.clone()} /></div>
                }
            </div>
    }
}

/// Which picture.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shows {
    Generations,
    Elimination,
}

#[derive(Properties, PartialEq)]
struct PlotProps {
    shows: Shows,
    view: Shared<SearchView>,
}

/// A picture of a search.
#[component]
fn Plot(props: &PlotProps) -> Html {
    let frame = use_node_ref();
    let (width, height) = use_size(&frame);
    let (shows, n_layers) = (props.shows, use_app().n_layers());
    let scene = use_memo(
        (props.view.clone(), shows, n_layers, width, height),
        |(view, shows, n_layers, width, height)| {
            let size = [*width, *height];
            Shared::new(match shows {
                Shows::Generations => charts::generations(view, size),
                Shows::Elimination => charts::elimination(view, *n_layers, size),
            })
        },
    );
    let label = match shows {
        Shows::Generations => "Sum of contributions of each generation of the evolution",
        Shows::Elimination => "Accuracy of each step of backward elimination",
    };
    html! {
        <div class="chart" ref={frame}>
            <ChartCanvas scene={(*scene).clone()} {label} />
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct FrontProps {
    view: Shared<SearchView>,
}

/// Accuracy against bytes; a point that is chosen is loaded.
#[component]
fn Front(props: &FrontProps) -> Html {
    let state = use_app();
    let dispatch = use_dispatch();
    let frame = use_node_ref();
    let (width, height) = use_size(&frame);
    let size = [width, height];
    let looked_at = state.search.looked_at;
    let view = props.view.clone();
    let scene = use_memo(
        (view.clone(), looked_at, width, height),
        |(view, looked_at, width, height)| {
            Shared::new(charts::front(view, *looked_at, [*width, *height]))
        },
    );
    let under = {
        let (frame, view) = (frame.clone(), view.clone());
        move |event: &MouseEvent| {
            let area = frame.cast::<HtmlElement>()?.get_bounding_client_rect();
            let at = (
                f64::from(event.client_x()) - area.left(),
                f64::from(event.client_y()) - area.top(),
            );
            charts::point_at(&view, size, at)
        }
    };
    let send = {
        let dispatch = dispatch.clone();
        move |action| dispatch.dispatch(Action::Search(action))
    };
    let onpointermove = {
        let (under, send) = (under.clone(), send.clone());
        move |event: PointerEvent| {
            let at = under(&event);
            if at.is_some() && at != looked_at {
                send(SearchAction::Look(at));
            }
        }
    };
    let onclick = {
        let send = send.clone();
        move |event: MouseEvent| {
            if let Some(at) = under(&event) {
                send(SearchAction::Load(at));
            }
        }
    };
    // Those that have a mark, from the fewest bytes to the most.
    let mut marked: Vec<usize> = (0..view.points.len())
        .filter(|&at| view.points[at].trained.is_some())
        .collect();
    marked.sort_by_key(|&at| view.points[at].arena_bytes);
    let place = looked_at.and_then(|at| marked.iter().position(|&it| it == at));
    let last = marked.len().saturating_sub(1);
    let onkeydown = move |event: KeyboardEvent| {
        let to = match (event.key().as_str(), place) {
            ("ArrowLeft" | "ArrowDown", Some(place)) => place.saturating_sub(1),
            ("ArrowRight" | "ArrowUp", Some(place)) => (place + 1).min(last),
            ("ArrowLeft" | "ArrowDown" | "End", _) => last,
            ("ArrowRight" | "ArrowUp" | "Home", _) => 0,
            ("Enter" | " ", Some(place)) => {
                event.prevent_default();
                if let Some(&at) = marked.get(place) {
                    send(SearchAction::Load(at));
                }
                return;
            }
            _ => return,
        };
        event.prevent_default();
        send(SearchAction::Look(marked.get(to).copied()));
    };
    let said = looked_at.and_then(|at| state.point_text(at));
    html! {
        <>
            <div
                class="chart chosen"
                ref={frame}
                tabindex="0"
                role="slider"
                aria-label="Policy"
                aria-valuemin="0"
                aria-valuemax={last.to_string()}
                aria-valuenow={place.unwrap_or(0).to_string()}
                aria-valuetext={said.clone().unwrap_or_else(|| "no policy".to_owned())}
                {onpointermove}
                {onclick}
                {onkeydown}
            >
                <ChartCanvas scene={(*scene).clone()} />
            </div>
            <p class="note looked-at">
                { said.unwrap_or_else(|| "Click a point to load its policy, or use the arrow keys and Enter.".to_owned()) }
            </p>
        </>
    }
}

/// What came of the search, in sentences and in numbers.
fn result(state: &AppState) -> Html {
    let rows = {
        let state = state.clone();
        Callback::from(move |()| state.difference_rows())
    };
    html! {
        <div class="result">
            for sentence in state.search_result() {
                <p>{ sentence }</p>
            }
            <p class="note">
                { "The found policy that is best on the validation samples, in points of accuracy on the \
                   test samples; the intervals hold the true difference in 95 of 100 cases." }
            </p>
            <DataTable name="Differences in numbers" columns={DIFFERENCE_COLUMNS} {rows} />
        </div>
    }
}

/// The policies in numbers, each of which can be loaded.
fn points(state: &AppState, dispatch: &Dispatch) -> Html {
    let locked = state.is_locked("policy");
    html! {
        <div class="scroll points" role="region" aria-label="Policies of the search" tabindex="0">
            <table aria-label="Policies of the search">
                <thead>
                    <tr>
                        for (at, name) in POINT_COLUMNS.into_iter().enumerate() {
                            if name.is_empty() {
                                <td />
                            } else {
                                <th scope="col" class={(at > 0).then_some("number")}>{ name }</th>
                            }
                        }
                    </tr>
                </thead>
                <tbody>
                    for (at, row) in state.search_rows().into_iter().enumerate() {
                        { point(at, row, locked, dispatch) }
                    }
                </tbody>
            </table>
        </div>
    }
}

fn point(at: usize, row: PointRow, locked: bool, dispatch: &Dispatch) -> Html {
    let verb = if row.is_loaded { "Loaded" } else { "Load" };
    let name = format!("{verb}: the policy of {}", row.origin);
    html! {
        <tr key={at} aria-current={row.is_loaded.then_some("true")}>
            <th scope="row" class={row.is_found.then_some("found")}>
                { row.origin }
                if !row.remark.is_empty() {
                    <span class="note">{ format!(" {}", row.remark) }</span>
                }
            </th>
            for (cell, name) in row.cells.into_iter().zip(&POINT_COLUMNS[1..]) {
                <td class="number" data-name={*name}>{ cell }</td>
            }
            <td>
                // It stays where it is when it is pressed, so that the keyboard does not lose its place.
                <button
                    type="button"
                    class="button small"
                    aria-label={name}
                    aria-pressed={row.is_loaded.to_string()}
                    disabled={locked}
                    onclick={on_click(dispatch, Action::Search(SearchAction::Load(at)))}
                >
                    { verb }
                </button>
            </td>
        </tr>
    }
}
