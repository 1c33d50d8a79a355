//! Where training stands, in words: the operation that ran last, and the digest of the weights.

use std::borrow::Cow;

use yew::prelude::*;

use super::motion_plot::motion_plot;
use super::pixels::Pixels;
use super::thumb::Thumb;
use super::verified_label::verified_label;
use crate::protocol::SampleView;
use crate::state::{AppState, Shared, text};

/// One line below the transport bar, of constant height.
pub(super) fn stateline(state: &AppState) -> Html {
    let operation = state.operation_text();
    let help = (state.op > 0)
        .then(|| state.plan()?.ops.get(state.op as usize - 1))
        .flatten()
        .map(|op| op.help.clone());
    let hint = if let (Some(found), Some(op)) = (state.overflow(), state.overflow_op()) {
        let missing = text::bytes(u64::from(found.missing_bytes));
        format!("A step would end at {op}: {missing} are missing there.").into()
    } else if state.is_own() && state.samples.is_none() {
        Cow::Borrowed(
            "Without samples to learn from, nothing runs; the map shows what a step would do.",
        )
    } else if state.playback.is_on() {
        "Training. Pause to look inside a step, operation by operation.".into()
    } else {
        "Between two steps. “Next operation” walks into the next one.".into()
    };
    html! {
        <div class="stateline">
            <output class="operation" aria-label="Operation">
                if !operation.is_empty() {
                    <b>{ operation }</b>
                    { ". " }
                    { help.unwrap_or_default() }
                }
            </output>
            if state.op == 0 {
                <span class="note hint">{ hint }</span>
            }
            if let Some(sample) = state.sample.clone() {
                if let Some((place, own)) = state.own_sample(sample.index).filter(|_| state.is_own()) {
                    <span class="sample note">
                        <Thumb
                            data={own.data.clone()}
                            input={state.own.input().unwrap_or_default()}
                            label={own.name.to_string()}
                        />
                        { state.class_names().get(place).cloned().unwrap_or_default() }
                    </span>
                } else {
                    <span class="sample note">
                        if let Some(view) = state.motion.view.as_ref().filter(|_| !sample.codes.is_empty()) {
                            { motion_plot(view, &sample.codes, true) }
                        } else if !sample.pixels.is_empty() {
                            <Image sample={sample.clone()} />
                        }
                        { format!(
                            "sample {}: {}",
                            text::number(u64::from(sample.index) + 1),
                            state.class_names().get(sample.label as usize).map_or("", String::as_str),
                        ) }
                    </span>
                }
            }
            { verified_label(state, false) }
            if !state.weights_digest.is_empty() {
                <span class="digest">
                    <span class="label" aria-hidden="true">{ "Weights digest" }</span>
                    <output class="mono" aria-label="Weights digest" aria-live="off">
                        { &*state.weights_digest }
                    </output>
                </span>
            }
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct ImageProps {
    sample: Shared<SampleView>,
}

/// The sample of the step under way, or of the next one, where it is an image.
#[component]
fn Image(props: &ImageProps) -> Html {
    let grey = use_memo(props.sample.clone(), |sample| {
        std::rc::Rc::<[u8]>::from(&*sample.pixels)
    });
    html! { <Pixels grey={(*grey).clone()} label="The sample in 28 by 28 pixels" /> }
}
