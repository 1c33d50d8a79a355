//! A window of motion, drawn.

use yew::prelude::*;

use crate::charts::motion::{HEIGHT, seconds, strips};
use crate::protocol::MotionView;

/// The channels over time; the lines differ in their dashes, too. A small one stands in a line of
/// text.
pub(super) fn motion_plot(view: &MotionView, codes: &[i8], small: bool) -> Html {
    let length = format!("{:.2} s", seconds(view, codes));
    let last = (codes.len() / view.channels.len().max(1)).saturating_sub(1);
    let strips = strips(view, codes);
    let legend = || {
        let axes = strips.first().map(|strip| strip.lines.as_slice());
        html! {
            for (index, (axis, _)) in axes.unwrap_or_default().iter().enumerate() {
                <span class="axis">
                    <svg viewBox="0 0 18 4" aria-hidden="true">
                        <line class={format!("line-{index}")} x2="18" y1="2" y2="2" />
                    </svg>
                    { axis }
                </span>
            }
        }
    };
    html! {
        <span class={classes!("motion", small.then_some("small"))}>
            for strip in &strips {
                <span class="strip">
                    <span class="strip-head">
                        if !small { <b>{ strip.title }</b> }
                        { format!("±{} {}", strip.end, strip.unit) }
                        if !small { { legend() } }
                    </span>
                    <svg
                        class="lines"
                        viewBox={format!("0 0 {last} {HEIGHT}")}
                        preserveAspectRatio="none"
                        role="img"
                        aria-label={format!("{} x, y and z in {} over {length}", strip.title, strip.unit)}
                    >
                        <line class="zero" x2={last.to_string()} y1="20" y2="20" />
                        for (index, (_, points)) in strip.lines.iter().enumerate() {
                            <polyline class={format!("line-{index}")} points={points.clone()} />
                        }
                    </svg>
                </span>
            }
            <span class="strip-time">
                if small { { legend() } } else { <span>{ "0 s" }</span> }
                <span>{ &length }</span>
            </span>
        </span>
    }
}
