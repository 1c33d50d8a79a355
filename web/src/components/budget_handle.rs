//! The budget line of the map as a thing to drag: a slider that stands on it.

use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use super::hooks::use_dispatch;
use crate::charts::memory_map::Layout;
use crate::state::{Action, text};

/// Bytes that an arrow key moves it, and a page key.
const STEPS: [u32; 2] = [1024, 16 * 1024];

/// Properties of [`BudgetHandle`].
#[derive(Properties, PartialEq)]
pub(super) struct BudgetHandleProps {
    /// Where the line is, in bytes.
    pub bytes: u32,
    /// The most that it can be.
    pub most: u32,
    /// Where things stand on the map.
    pub layout: Layout,
    /// The map.
    pub frame: NodeRef,
}

/// A strip along the line that follows the pointer or the arrow keys.
#[component]
pub(super) fn BudgetHandle(props: &BudgetHandleProps) -> Html {
    let dispatch = use_dispatch();
    let held = use_state_eq(|| false);
    let Layout { plot, y, .. } = props.layout;
    let (bytes, most) = (props.bytes, props.most);
    let onpointerdown = {
        let held = held.clone();
        move |event: PointerEvent| {
            event.prevent_default();
            event.stop_propagation();
            let Some(target) = event.target_dyn_into::<Element>() else {
                return;
            };
            // A pointer that is gone meanwhile cannot be captured, and need not.
            let _ = target.set_pointer_capture(event.pointer_id());
            if let Some(target) = event.target_dyn_into::<HtmlElement>() {
                let _ = target.focus();
            }
            held.set(true);
        }
    };
    let onpointermove = {
        let (dispatch, held, frame) = (dispatch.clone(), held.clone(), props.frame.clone());
        move |event: PointerEvent| {
            event.stop_propagation();
            let frame = frame.cast::<HtmlElement>().filter(|_| *held);
            let Some(corner) = frame.map(|frame| frame.get_bounding_client_rect()) else {
                return;
            };
            let value = y.value(f64::from(event.client_y()) - corner.top());
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "bytes of a board; what is below nothing becomes nothing"
            )]
            let value = (value.round() as u32).min(most);
            // Whole hundreds of bytes are as fine as a pixel.
            dispatch.dispatch(Action::DragBudget(value / 64 * 64));
        }
    };
    let onpointerup = {
        let (dispatch, held) = (dispatch.clone(), held.clone());
        Callback::from(move |_: PointerEvent| {
            if *held {
                held.set(false);
                dispatch.dispatch(Action::EndDrag);
            }
        })
    };
    let onkeydown = {
        let dispatch = dispatch.clone();
        move |event: KeyboardEvent| {
            let [step, page] = STEPS;
            let to = match event.key().as_str() {
                "ArrowUp" | "ArrowRight" => bytes.saturating_add(step),
                "ArrowDown" | "ArrowLeft" => bytes.saturating_sub(step),
                "PageUp" => bytes.saturating_add(page),
                "PageDown" => bytes.saturating_sub(page),
                "End" => most,
                "Home" => page,
                _ => return,
            };
            event.prevent_default();
            event.stop_propagation();
            dispatch.dispatch(Action::DragBudget(to.min(most)));
        }
    };
    let onkeyup = move |event: KeyboardEvent| {
        if event.key() != "Tab" {
            dispatch.dispatch(Action::EndDrag);
        }
    };
    let top = y.pixel(f64::from(bytes));
    let style = format!(
        "top: {top}px; left: {}px; width: {}px",
        plot.left,
        plot.right - plot.left
    );
    html! {
        <div
            class={classes!("budget-handle", held.then_some("held"))}
            role="slider"
            tabindex="0"
            aria-label="Budget line"
            aria-orientation="vertical"
            aria-valuemin="0"
            aria-valuemax={most.to_string()}
            aria-valuenow={bytes.to_string()}
            aria-valuetext={text::bytes(u64::from(bytes))}
            title="Drag the budget, or use the arrow keys: the policy follows"
            {style}
            {onpointerdown}
            {onpointermove}
            onpointerup={onpointerup.clone()}
            onpointercancel={onpointerup}
            {onkeydown}
            {onkeyup}
        />
    }
}
