//! The map itself: two canvases, one for the plan and one for what is looked at.

use web_sys::HtmlElement;
use yew::prelude::*;

use super::budget_handle::BudgetHandle;
use super::chart_canvas::ChartCanvas;
use super::hooks::{use_dispatch, use_size};
use crate::charts::ghost::Span;
use crate::charts::memory_map::{self, Pointers, View};
use crate::protocol::PlanView;
use crate::state::{Action, Dispatch, Shared};

/// Properties of [`MapCanvas`].
#[derive(Properties, PartialEq)]
pub(super) struct MapCanvasProps {
    /// What to draw.
    pub plan: Shared<PlanView>,
    /// The outline behind it.
    pub ghost: Shared<Vec<Span>>,
    /// Which part of it.
    pub view: View,
    /// What the upper canvas shows.
    pub pointers: Pointers,
    /// Whether the selection stays when the pointer leaves.
    pub pinned: bool,
    /// Pins or frees the selection.
    pub onpin: Callback<bool>,
    /// Whether the budget line can be dragged.
    pub draggable: bool,
    /// Id of the text that explains the keys.
    pub described_by: AttrValue,
}

/// The picture and its keys. The lower canvas is drawn once a plan; the upper one follows.
#[component]
pub(super) fn MapCanvas(props: &MapCanvasProps) -> Html {
    let dispatch = use_dispatch();
    let frame = use_node_ref();
    let (width, height) = use_size(&frame);
    let scene = use_memo(
        (
            props.plan.clone(),
            props.ghost.clone(),
            props.view,
            width,
            height,
        ),
        |(plan, ghost, view, width, height)| {
            Shared::new(memory_map::scene(plan, ghost, *view, *width, *height))
        },
    );
    let layout = memory_map::layout(&props.plan, props.view, width, height);
    let overlay = use_memo(
        (
            props.plan.clone(),
            props.view,
            props.pointers,
            width,
            height,
        ),
        |(plan, _, pointers, width, height)| {
            Shared::new(memory_map::overlay(
                plan,
                &layout,
                *pointers,
                [*width, *height],
            ))
        },
    );
    let looked_at = |plan: Shared<PlanView>, frame: NodeRef| {
        move |event: &PointerEvent| {
            let (x, y) = place(&frame, event)?;
            let op = memory_map::op_at(&plan, &layout, x)?;
            Some((op, memory_map::tensor_at(&plan, &layout, x, y)))
        }
    };
    let look = looked_at(props.plan.clone(), frame.clone());
    let onpointermove = {
        let (dispatch, pinned) = (dispatch.clone(), props.pinned);
        let look = looked_at(props.plan.clone(), frame.clone());
        let Pointers {
            op: old_op,
            tensor: old_tensor,
            ..
        } = props.pointers;
        move |event: PointerEvent| {
            if !pinned
                && let Some((op, tensor)) = look(&event)
                && (Some(op), tensor) != (old_op, old_tensor)
            {
                select(&dispatch, Some(op), tensor);
            }
        }
    };
    let onpointerdown = {
        let (dispatch, onpin, pinned) = (dispatch.clone(), props.onpin.clone(), props.pinned);
        let selected = props.pointers.tensor;
        move |event: PointerEvent| {
            if let Some((op, tensor)) = look(&event) {
                // A second click on the same tensor frees it.
                onpin.emit(!(pinned && tensor == selected));
                select(&dispatch, Some(op), tensor);
            }
        }
    };
    let onpointerleave = {
        let (dispatch, pinned) = (dispatch.clone(), props.pinned);
        move |_: PointerEvent| {
            if !pinned {
                select(&dispatch, None, None);
            }
        }
    };
    let onkeydown = keys(props, &dispatch);
    let View { budget, room, .. } = props.view;
    let handle = budget.zip(room).filter(|(bytes, _)| {
        let [lowest, highest] = layout.y.values;
        props.draggable && (lowest..=highest).contains(&f64::from(*bytes)) && width > 0.0
    });
    html! {
        <div class="map-frame">
        <div
            ref={frame.clone()}
            class="chart map-chart"
            tabindex="0"
            role="application"
            aria-label="Memory map"
            aria-describedby={&props.described_by}
            {onpointermove}
            {onpointerdown}
            {onpointerleave}
            {onkeydown}
        >
            <ChartCanvas scene={(*scene).clone()} />
            <ChartCanvas scene={(*overlay).clone()} class="over" />
        </div>
        if let Some((bytes, most)) = handle {
            <BudgetHandle {bytes} {most} {layout} frame={frame.clone()} />
        }
        </div>
    }
}

/// Where a pointer is, from the upper left corner of the map.
fn place(frame: &NodeRef, event: &PointerEvent) -> Option<(f64, f64)> {
    let corner = frame.cast::<HtmlElement>()?.get_bounding_client_rect();
    Some((
        f64::from(event.client_x()) - corner.left(),
        f64::from(event.client_y()) - corner.top(),
    ))
}

fn select(dispatch: &Dispatch, op: Option<u32>, tensor: Option<u32>) {
    dispatch.dispatch(Action::SelectOp(op));
    dispatch.dispatch(Action::SelectTensor(tensor));
}

/// Arrows move, Home and End leap, Enter pins, Escape frees.
fn keys(props: &MapCanvasProps, dispatch: &Dispatch) -> impl Fn(KeyboardEvent) + 'static {
    let (plan, dispatch, onpin) = (props.plan.clone(), dispatch.clone(), props.onpin.clone());
    let Pointers {
        op,
        tensor,
        play_head,
        ..
    } = props.pointers;
    let pinned = props.pinned;
    move |event: KeyboardEvent| {
        if event.ctrl_key() || event.alt_key() || event.meta_key() {
            return;
        }
        let last = u32::try_from(plan.ops.len())
            .unwrap_or(u32::MAX)
            .saturating_sub(1);
        let here = op.or(play_head).unwrap_or(0).min(last);
        let go = |to: u32| {
            // The tensor stays where it lives on, else the largest one is shown.
            let stays = tensor.filter(|tensor| memory_map::live_at(&plan, to).contains(tensor));
            select(
                &dispatch,
                Some(to),
                stays.or_else(|| memory_map::largest_at(&plan, to)),
            );
        };
        match event.key().as_str() {
            "ArrowLeft" => go(if op.is_some() {
                here.saturating_sub(1)
            } else {
                here
            }),
            "ArrowRight" => go(if op.is_some() {
                (here + 1).min(last)
            } else {
                here
            }),
            "Home" => go(0),
            "End" => go(last),
            up_or_down @ ("ArrowUp" | "ArrowDown") => {
                let upwards = up_or_down == "ArrowUp";
                let next = memory_map::neighbour(&plan, here, tensor, upwards);
                select(&dispatch, Some(here), next);
            }
            "Enter" if op.is_some() => onpin.emit(!pinned),
            "Escape" => {
                onpin.emit(false);
                select(&dispatch, None, None);
            }
            _ => return,
        }
        event.prevent_default();
    }
}
