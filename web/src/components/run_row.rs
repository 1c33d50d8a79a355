//! A row of the table of runs.

use quartermeg_formats::runs::Run;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::hooks::use_dispatch;
use super::send::on_click;
use crate::state::runs::{NUMBERS, base, changed, numbers};
use crate::state::{Action, AppState, Dispatch, RunsAction, Shared};

/// Properties of [`KeptRows`].
#[derive(Properties, PartialEq)]
pub(super) struct KeptRowsProps {
    /// The runs.
    pub kept: Shared<Vec<Shared<Run>>>,
    /// The one that is A.
    pub pinned: Option<u32>,
    /// The one that is B; none where that is the live one.
    pub beside: Option<u32>,
    /// Whether a link fixed a setting, so that none can be loaded.
    pub is_locked: bool,
}

/// The rows of the runs that are kept; they are drawn anew only when one of them changes.
#[component]
pub(super) fn KeptRows(props: &KeptRowsProps) -> Html {
    let dispatch = use_dispatch();
    html! {
        <tbody role="rowgroup">
            for (place, run) in props.kept.iter().enumerate() {
                { kept_row(&dispatch, props, place, run) }
            }
        </tbody>
    }
}

fn kept_row(dispatch: &Dispatch, props: &KeptRowsProps, place: usize, run: &Run) -> Html {
    let id = run.id;
    let is_a = props.pinned == Some(id);
    let is_b = props.beside == Some(id);
    // What is being typed outlives a row that is drawn anew, so the value is only the first one.
    let field = |what: &str, value: &str, empty: String, action: fn(u32, String) -> RunsAction| {
        let dispatch = dispatch.clone();
        let onchange = move |event: Event| {
            let input = event.target_unchecked_into::<HtmlInputElement>();
            let text = input.value();
            if text.is_empty() {
                input.set_value(&empty);
            }
            dispatch.dispatch(Action::Runs(action(id, text)));
        };
        html! {
            <input
                class="field"
                aria-label={format!("{what} of run {id}")}
                ~defaultValue={value.to_owned()}
                {onchange}
            />
        }
    };
    let pin = if is_a {
        RunsAction::Unpin
    } else {
        RunsAction::Pin(Some(id))
    };
    row(
        dispatch,
        &format!("run {id}"),
        run,
        (
            change_name(props.pinned.is_some()),
            base(&props.kept, props.pinned, place).map_or_else(String::new, |it| changed(it, run)),
        ),
        [
            (is_a, pin),
            (is_b, RunsAction::Beside((!is_b).then_some(id))),
        ],
        [
            field("Name", &run.title(), run.own_title(), RunsAction::Rename),
            field("Note", &run.note, String::new(), RunsAction::Note),
        ],
        &[
            ("Load", props.is_locked, RunsAction::Load(id)),
            ("Delete", false, RunsAction::Delete(id)),
        ],
    )
}

/// The last row: what is trained now.
pub(super) fn live_row(state: &AppState, dispatch: &Dispatch, live: &Run) -> Html {
    let runs = &state.runs;
    let kept = state.kept_live();
    let base = base(&runs.kept, runs.pinned, runs.kept.len());
    let change = match (kept, base) {
        (Some(id), _) => format!("kept as run {id}"),
        (None, Some(base)) => changed(base, live),
        (None, None) => String::new(),
    };
    row(
        dispatch,
        "the live run",
        live,
        (change_name(runs.pinned.is_some()), change),
        [
            (false, RunsAction::Pin(None)),
            (runs.beside.is_none(), RunsAction::Beside(None)),
        ],
        [html! { live.title() }, html! {}],
        &[(
            "Keep",
            !state.can_keep() || kept.is_some(),
            RunsAction::Keep,
        )],
    )
}

fn row(
    dispatch: &Dispatch,
    name: &str,
    run: &Run,
    (change_name, change): (&'static str, String),
    sides: [(bool, RunsAction); 2],
    [title, note]: [Html; 2],
    tools: &[(&str, bool, RunsAction)],
) -> Html {
    let [a, b] = sides;
    let side = |text: &str, label: &str, (is_pressed, action): (bool, RunsAction)| {
        let label = format!("{label} {name}");
        button(
            dispatch,
            "button side",
            [text, &label],
            Some(is_pressed),
            false,
            action,
        )
    };
    html! {
        <tr role="row" key={run.id}>
            <td role="cell">{ side("A", "As A,", a) }{ side("B", "As B,", b) }</td>
            <th scope="row" role="rowheader">
                { title }
                <span class="label">{ format!("{name} {}", time(&run.kept_at)) }</span>
            </th>
            <td role="cell" class="change" data-label={change_name}>{ change }</td>
            for (name, value) in NUMBERS.into_iter().zip(numbers(run)) {
                <td role="cell" class="number" data-label={name}>{ value }</td>
            }
            <td role="cell" class="noted" data-label="Note">{ note }</td>
            <td role="cell">
                for (text, disabled, action) in tools {
                    { button(
                        dispatch,
                        "link",
                        [text, &format!("{text} {name}")],
                        None,
                        *disabled,
                        action.clone(),
                    ) }
                }
            </td>
        </tr>
    }
}

/// What the column is called that says what changed.
pub(super) fn change_name(is_pinned: bool) -> &'static str {
    if is_pinned {
        "Changed from A"
    } else {
        "What changed"
    }
}

/// `2026-11-30 09:41` of `2026-11-30T09:41:05+01:00`.
fn time(kept_at: &str) -> String {
    kept_at.get(..16).unwrap_or_default().replace('T', " ")
}

/// A button with its text and its whole name, and whether it is pressed, where it can be.
pub(super) fn button(
    dispatch: &Dispatch,
    class: &'static str,
    [text, name]: [&str; 2],
    is_pressed: Option<bool>,
    disabled: bool,
    action: RunsAction,
) -> Html {
    html! {
        <button
            type="button"
            {class}
            aria-label={name.to_owned()}
            aria-pressed={is_pressed.map(|it| if it { "true" } else { "false" })}
            {disabled}
            onclick={on_click(dispatch, Action::Runs(action))}
        >
            { text }
        </button>
    }
}
