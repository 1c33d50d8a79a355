//! A picture of two runs, as large as its place.

use quartermeg_formats::runs::Run;
use yew::prelude::*;

use super::chart_canvas::ChartCanvas;
use super::hooks::use_size;
use crate::charts::memory_map::{self, View};
use crate::charts::{Scene, compare, ghost};
use crate::protocol::PlanView;
use crate::state::Shared;

/// What is drawn.
#[derive(Clone, PartialEq)]
pub(super) enum Drawing {
    /// The curves of A and B.
    Curves(Shared<Run>, Shared<Run>),
    /// A memory map and, behind it, the outline of the other run's, at whose scale it is.
    Map(Shared<PlanView>, Option<Shared<PlanView>>),
}

/// Properties of [`ComparedChart`].
#[derive(Properties, PartialEq)]
pub(super) struct ComparedChartProps {
    /// What to draw.
    pub drawing: Drawing,
    /// What it shows, for those who do not see it.
    pub label: AttrValue,
}

/// The picture.
#[component]
pub(super) fn ComparedChart(props: &ComparedChartProps) -> Html {
    let frame = use_node_ref();
    let (width, height) = use_size(&frame);
    let scene = use_memo(
        (props.drawing.clone(), width, height),
        |(drawing, width, height)| Shared::new(scene(drawing, *width, *height)),
    );
    html! {
        <div ref={frame} class="chart compared">
            <ChartCanvas scene={(*scene).clone()} label={props.label.clone()} />
        </div>
    }
}

fn scene(drawing: &Drawing, width: f64, height: f64) -> Scene {
    match drawing {
        Drawing::Curves(a, b) => compare::scene([a, b], width, height),
        Drawing::Map(plan, other) => {
            let outline = other
                .as_ref()
                .map_or_else(Vec::new, |other| ghost::outline_of(other, plan));
            let view = View {
                budget: None,
                room: None,
                zoomed: false,
                ghost: other.as_ref().map(|other| other.arena_bytes),
            };
            memory_map::scene(plan, &outline, view, width, height)
        }
    }
}
