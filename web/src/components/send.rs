//! Callbacks that send an action.

use yew::prelude::*;

use crate::state::{Action, Dispatch};

/// Sends an action on every click.
pub(super) fn on_click(dispatch: &Dispatch, action: Action) -> Callback<MouseEvent> {
    let dispatch = dispatch.clone();
    Callback::from(move |_| dispatch.dispatch(action.clone()))
}

/// Sends what `action` makes of a value.
pub(super) fn sender<T: 'static>(dispatch: &Dispatch, action: fn(T) -> Action) -> Callback<T> {
    let dispatch = dispatch.clone();
    Callback::from(move |value| dispatch.dispatch(action(value)))
}

/// As [`committer`], where nothing may be typed either.
pub(super) fn optional_committer<T: std::str::FromStr + PartialOrd + Copy + 'static>(
    range: [T; 2],
    accepted: &'static str,
    send: Callback<Option<T>>,
) -> Callback<String, Result<(), String>> {
    let some = send.reform(|value| Some(value));
    let commit = committer(range, accepted.to_owned(), some);
    Callback::from(move |typed: String| {
        if typed.trim().is_empty() {
            send.emit(None);
            return Ok(());
        }
        commit.emit(typed)
    })
}

/// Reads a number and hands it on, or says what would be accepted.
pub(super) fn committer<T: std::str::FromStr + PartialOrd + Copy + 'static>(
    [low, high]: [T; 2],
    accepted: String,
    send: Callback<T>,
) -> Callback<String, Result<(), String>> {
    Callback::from(move |typed: String| {
        let digits: String = typed
            .chars()
            .filter(|it| !matches!(it, ',' | ' ' | '_'))
            .collect();
        match digits.parse::<T>() {
            Ok(value) if (low..=high).contains(&value) => {
                send.emit(value);
                Ok(())
            }
            _ => Err(accepted.clone()),
        }
    })
}
