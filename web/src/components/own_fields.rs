//! The classifier of a person's own network, and how its samples are read.

use quartermeg_formats::input_range::InputRange;
use quartermeg_formats::setup::{CLASSES_RANGE, Head};
use yew::prelude::*;

use super::number_field::NumberField;
use super::own_panel::tick;
use super::select_field::SelectField;
use super::send::{committer, sender};
use crate::state::{Action, AppState, Dispatch, OwnAction, text};

/// The value of a list that leaves the choice to the network.
const AUTOMATIC: &str = "";
const NEW: &str = "new";
const KEPT: &str = "own";

/// Classifier, held-out samples, range of the pixels, and the rules in words.
pub(super) fn own_fields(state: &AppState, dispatch: &Dispatch) -> Html {
    let Some(network) = state.own.network.clone() else {
        return html! {};
    };
    let onrange = sender(dispatch, |value: String| {
        Action::Own(OwnAction::SetRange(value.parse().ok()))
    });
    let automatic = InputRange::ALL.get(usize::from(network.range));
    let mut ranges: Vec<(AttrValue, AttrValue)> = vec![(
        AUTOMATIC.into(),
        format!(
            "{}, as the input says",
            automatic.map_or("", |it| it.name())
        )
        .into(),
    )];
    for (index, range) in InputRange::ALL.iter().enumerate() {
        ranges.push((index.to_string().into(), range.name().into()));
    }
    html! {
        <>
            { head_fields(state, dispatch) }
            <details class="more">
                <summary>{ "How samples are read" }</summary>
                <div class="settings">
                    { tick(
                        "Hold out every 5th sample of a class for the accuracy",
                        state.own.holds_out,
                        sender(dispatch, |on| Action::Own(OwnAction::SetHoldOut(on))),
                    ) }
                    <SelectField
                        name="Black to white"
                        options={ranges}
                        value={state.own.range.map_or_else(String::new, |it| it.to_string())}
                        onchoose={onrange}
                    />
                    <p class="note">
                        { "Images: the largest middle part of the input’s shape, scaled; grey for \
                           one channel. Where the range is that of the codes, a pixel’s code is its \
                           value minus 128: white, 255, is +127." }
                    </p>
                    <p class="note">
                        { "CSV: one sample a row, a header if you like; the last column, or the one \
                           called “label”, is the class. Values are real numbers, quantized with \
                           the input’s scale and zero point; after a first line “# int8 codes” \
                           they are codes." }
                    </p>
                    <p class="note">
                        { "NumPy: x.npy, int8 codes, uint8 pixels or float32 numbers of shape \
                           [n, height, width, channels]; x_labels.npy beside it names the classes." }
                    </p>
                </div>
            </details>
        </>
    }
}

/// A new classifier with its classes and seed, or the network's own.
fn head_fields(state: &AppState, dispatch: &Dispatch) -> Html {
    let head = state.setup().head;
    let n_own = state.own.network.as_ref().map_or(0, |it| it.n_classes);
    let onhead = sender(dispatch, |value: String| {
        Action::Own(OwnAction::SetHead((value == NEW).then(Head::default)))
    });
    let [fewest, most] = CLASSES_RANGE;
    let accepted = format!("Give a whole number of classes from {fewest} to {most}.");
    let seeds = format!("Give a whole number from 0 to {}.", text::number(u64::MAX));
    let with = |change: fn(Head, u64) -> Head| {
        let (head, dispatch) = (head.unwrap_or_default(), dispatch.clone());
        Callback::from(move |value: u64| {
            let head = Some(change(head, value));
            dispatch.dispatch(Action::Own(OwnAction::SetHead(head)));
        })
    };
    let n_classes = with(|head, value| Head {
        n_classes: u32::try_from(value).unwrap_or(u32::MAX),
        ..head
    });
    let seed = with(|head, seed| Head { seed, ..head });
    html! {
        <details class="more">
            <summary>{ "Classifier" }</summary>
            <div class="settings">
                if state.own.can_keep_head() {
                    <SelectField
                        name="Classifier"
                        options={vec![
                            (NEW.into(), "New".into()),
                            (KEPT.into(), format!("Its own, {n_own} classes").into()),
                        ]}
                        value={if head.is_some() { NEW } else { KEPT }}
                        onchoose={onhead}
                    />
                }
                if let Some(head) = head {
                    <NumberField
                        name="Classes"
                        value={head.n_classes.to_string()}
                        oncommit={committer(
                            [u64::from(fewest), u64::from(most)],
                            accepted,
                            n_classes,
                        )}
                    />
                    <NumberField
                        name="Start seed"
                        value={head.seed.to_string()}
                        oncommit={committer([0, u64::MAX], seeds, seed)}
                    />
                    <p class="note">
                        { "Its weights start uniform, ±1/sqrt(features), drawn from the seed." }
                    </p>
                }
            </div>
        </details>
    }
}
