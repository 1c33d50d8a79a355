//! The pad to draw on, by mouse, finger, pen or keyboard.

use web_sys::Element;
use yew::prelude::*;

use super::chart_canvas::ChartCanvas;
use super::hooks::{use_id, use_size};
use crate::charts::ink::{Drawing, Point, SIDE};
use crate::charts::{Area, Mark, Paint, Scene};
use crate::state::Shared;

/// Width of a stroke as a share of the pad.
const STROKE: f64 = 0.07;

/// A movement of the pen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pen {
    /// The pen was put down.
    Down(Point),
    /// The pen, which is down, was moved.
    Draw(Point),
}

/// Properties of [`Pad`].
#[derive(Properties, PartialEq)]
pub(super) struct PadProps {
    /// What was drawn.
    pub drawing: Shared<Drawing>,
    /// The pen was moved.
    pub onpen: Callback<Pen>,
}

/// A square for one character.
#[component]
pub(super) fn Pad(props: &PadProps) -> Html {
    let frame = use_node_ref();
    let hint = use_id("pad");
    let side = use_size(&frame).0;
    let drawing_with = use_state_eq(|| None::<i32>);
    // The pen of the keyboard: its place in pixels of the image, and whether it is down.
    let pen = use_state_eq(|| ((SIDE / 2, SIDE / 2), false));
    let has_focus = use_state_eq(|| false);
    let shown_pen = has_focus.then_some(*pen);
    let scene = use_memo(
        (props.drawing.clone(), side, shown_pen),
        |(drawing, side, pen)| Shared::new(scene(drawing, *side, *pen)),
    );

    let onpointerdown = {
        let (frame, drawing_with, onpen) =
            (frame.clone(), drawing_with.clone(), props.onpen.clone());
        move |event: PointerEvent| {
            if event.button() == 0
                && let Some(element) = frame.cast::<Element>()
            {
                // Without the capture, a line that leaves the pad ends there.
                let _ = element.set_pointer_capture(event.pointer_id());
                drawing_with.set(Some(event.pointer_id()));
                onpen.emit(Pen::Down(place(&element, &event)));
            }
        }
    };
    let onpointermove = {
        let (frame, drawing_with, onpen) =
            (frame.clone(), drawing_with.clone(), props.onpen.clone());
        move |event: PointerEvent| {
            if *drawing_with == Some(event.pointer_id())
                && let Some(element) = frame.cast::<Element>()
            {
                onpen.emit(Pen::Draw(place(&element, &event)));
            }
        }
    };
    let end = {
        let drawing_with = drawing_with.clone();
        Callback::from(move |_: PointerEvent| drawing_with.set(None))
    };
    let onkeydown = {
        let (pen, onpen) = (pen.clone(), props.onpen.clone());
        move |event: KeyboardEvent| {
            let ((x, y), is_down) = *pen;
            let last = SIDE - 1;
            let (to, down) = match event.key().as_str() {
                "ArrowLeft" => ((x.saturating_sub(1), y), is_down),
                "ArrowRight" => (((x + 1).min(last), y), is_down),
                "ArrowUp" => ((x, y.saturating_sub(1)), is_down),
                "ArrowDown" => ((x, (y + 1).min(last)), is_down),
                " " => ((x, y), !is_down),
                _ => return,
            };
            event.prevent_default();
            pen.set((to, down));
            match (is_down, down) {
                (false, true) => onpen.emit(Pen::Down(centre(to))),
                (true, true) => onpen.emit(Pen::Draw(centre(to))),
                _ => {}
            }
        }
    };
    let onfocus = {
        let has_focus = has_focus.clone();
        // A click focuses, too, but needs no pen of the keyboard.
        move |event: FocusEvent| {
            let target = event.target_unchecked_into::<Element>();
            has_focus.set(target.matches(":focus-visible").unwrap_or(false));
        }
    };
    let onblur = move |_: FocusEvent| {
        has_focus.set(false);
        pen.set((pen.0, false));
    };
    html! {
        <>
            <div
                ref={frame}
                class="pad"
                tabindex="0"
                role="application"
                aria-label="Drawing pad"
                aria-describedby={hint.clone()}
                {onpointerdown}
                {onpointermove}
                onpointerup={end.clone()}
                onpointercancel={end}
                {onkeydown}
                {onfocus}
                {onblur}
            >
                <ChartCanvas scene={(*scene).clone()} />
            </div>
            <p id={hint} class="hidden-visually">
                { "With the keyboard: the arrow keys move the pen, the space bar puts it down or lifts it." }
            </p>
        </>
    }
}

/// Where a pointer is, as shares of the pad.
fn place(element: &Element, event: &PointerEvent) -> Point {
    let corner = element.get_bounding_client_rect();
    let (width, height) = (corner.width().max(1.0), corner.height().max(1.0));
    (
        (f64::from(event.client_x()) - corner.left()) / width,
        (f64::from(event.client_y()) - corner.top()) / height,
    )
}

/// The middle of a pixel of the image, as shares of the pad.
fn centre((x, y): (u32, u32)) -> Point {
    let side = f64::from(SIDE);
    ((f64::from(x) + 0.5) / side, (f64::from(y) + 0.5) / side)
}

/// Strokes with round joints, and the pen of the keyboard.
fn scene(drawing: &Drawing, side: f64, pen: Option<((u32, u32), bool)>) -> Scene {
    let mut scene = Scene::new(side, side);
    scene.fill(
        Area {
            left: 0.0,
            top: 0.0,
            right: side,
            bottom: side,
        },
        Paint::Ground,
    );
    let at = |(x, y): Point| (x * side, y * side);
    for stroke in drawing.strokes() {
        let points: Vec<(f64, f64)> = stroke.iter().map(|&point| at(point)).collect();
        for &at in &points {
            let radius = 0.5 * STROKE * side;
            scene.marks.push(Mark::Circle {
                at,
                radius,
                paint: Paint::Ink,
                filled: true,
            });
        }
        scene.line(points, Paint::Ink, STROKE * side);
    }
    if let Some((place, is_down)) = pen {
        let (paint, radius) = (Paint::Limit, 0.6 * STROKE * side);
        scene.marks.push(Mark::Circle {
            at: at(centre(place)),
            radius,
            paint,
            filled: is_down,
        });
    }
    scene
}
