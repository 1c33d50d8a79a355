//! Draws a [`Scene`] on a canvas, sharp on every screen.

use std::rc::Rc;

use plotters::prelude::{DrawingBackend, ShapeStyle};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, IntoFont, RGBAColor, TextStyle};
use plotters_canvas::CanvasBackend;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};
use yew::prelude::*;

use super::hooks::use_appearance;
use super::palette::Palette;
use crate::charts::{Align, Area, Mark, Scene};
use crate::state::Shared;

const FONT: &str = "system-ui, sans-serif";
/// Size of all text, in CSS pixels.
const FONT_SIZE: f64 = 11.0;

/// Width of the edge of a circle, in CSS pixels.
const RING_WIDTH: f64 = 1.25;
/// Units of a pixel. The drawing library rounds to whole units; with units as large as pixels,
/// slanted lines would be staircases.
const UNITS: i32 = 8;

/// Properties of [`ChartCanvas`].
#[derive(Properties, PartialEq)]
pub(super) struct ChartCanvasProps {
    /// What to draw.
    pub scene: Shared<Scene>,
    /// What the picture shows, for those who do not see it; none where the parent says it.
    #[prop_or_default]
    pub label: Option<AttrValue>,
    /// Class of the canvas.
    #[prop_or_default]
    pub class: Classes,
}

/// A picture of a scene, drawn at most once a frame and only when the scene is another one.
#[component]
pub(super) fn ChartCanvas(props: &ChartCanvasProps) -> Html {
    let canvas = use_node_ref();
    let appearance = use_appearance();
    use_effect_with(
        (props.scene.clone(), appearance, canvas.clone()),
        |(scene, _, canvas)| {
            let (scene, canvas) = (scene.clone(), canvas.clone());
            let frame = AnimationFrame::request(move || {
                if let Some(canvas) = canvas.cast::<HtmlCanvasElement>() {
                    draw(&canvas, &scene);
                }
            });
            move || drop(frame)
        },
    );
    let role = props.label.as_ref().map(|_| "img");
    let hidden = props.label.is_none().then_some("true");
    html! {
        <canvas
            ref={canvas}
            class={props.class.clone()}
            {role}
            aria-label={props.label.clone()}
            aria-hidden={hidden}
        />
    }
}

/// A call before the next frame, which does not happen if this is dropped first.
struct AnimationFrame {
    handle: Option<i32>,
    _callback: Closure<dyn FnMut()>,
}

impl AnimationFrame {
    fn request(callback: impl FnMut() + 'static) -> Rc<Self> {
        let callback = Closure::<dyn FnMut()>::new(callback);
        let window = gloo::utils::window();
        let handle = window
            .request_animation_frame(callback.as_ref().unchecked_ref())
            .ok();
        Rc::new(Self {
            handle,
            _callback: callback,
        })
    }
}

impl Drop for AnimationFrame {
    fn drop(&mut self) {
        if let Some(handle) = self.handle {
            // Cancelling a frame that has passed does nothing.
            let _ = gloo::utils::window().cancel_animation_frame(handle);
        }
    }
}

/// Draws all marks. A chart that cannot be drawn stays empty; its table has the numbers.
fn draw(canvas: &HtmlCanvasElement, scene: &Scene) {
    let brush = Brush {
        ratio: gloo::utils::window().device_pixel_ratio().max(1.0),
        palette: Palette::read(),
    };
    // Giving a canvas a size wipes it.
    canvas.set_width(brush.pixels(scene.width).unsigned_abs());
    canvas.set_height(brush.pixels(scene.height).unsigned_abs());
    let Some(mut backend) = CanvasBackend::with_canvas_object(canvas.clone()) else {
        return;
    };
    if shrink(canvas).is_none() {
        return;
    }
    for mark in &scene.marks {
        if brush.draw(&mut backend, mark).is_none() {
            return;
        }
    }
}

/// Makes the units of the canvas small parts of a pixel.
fn shrink(canvas: &HtmlCanvasElement) -> Option<()> {
    let context = canvas.get_context("2d").ok()??;
    let context = context.dyn_into::<CanvasRenderingContext2d>().ok()?;
    let unit = 1.0 / f64::from(UNITS);
    context.scale(unit, unit).ok()
}

/// From CSS pixels and paints to units of the canvas and colours.
struct Brush {
    ratio: f64,
    palette: Palette,
}

impl Brush {
    /// The nearest pixel of the screen.
    fn pixels(&self, css_pixels: f64) -> i32 {
        rounded(css_pixels * self.ratio)
    }

    /// The nearest edge of a pixel, in units: what lies or stands is sharp there.
    fn at(&self, css_pixels: f64) -> i32 {
        UNITS * self.pixels(css_pixels)
    }

    /// The nearest unit, for what is slanted or round.
    fn fine(&self, css_pixels: f64) -> i32 {
        rounded(css_pixels * self.ratio * f64::from(UNITS))
    }

    fn point(&self, (x, y): (f64, f64)) -> (i32, i32) {
        (self.at(x), self.at(y))
    }

    fn fine_point(&self, (x, y): (f64, f64)) -> (i32, i32) {
        (self.fine(x), self.fine(y))
    }

    fn corners(&self, area: Area) -> [(i32, i32); 2] {
        [
            self.point((area.left, area.top)),
            self.point((area.right, area.bottom)),
        ]
    }

    /// Width of a sharp line: at least one pixel.
    fn width(&self, css_pixels: f64) -> i32 {
        self.at(css_pixels).max(UNITS)
    }

    fn draw(&self, on: &mut CanvasBackend, mark: &Mark) -> Option<()> {
        match mark {
            Mark::Fill { area, paint } => {
                let colour = self.palette.colour(*paint);
                fill_rectangle(on, self.corners(*area), colour)
            }
            Mark::Outline { area, paint, width } => {
                self.outline(on, *area, self.palette.colour(*paint), *width)
            }
            Mark::Line {
                points,
                paint,
                width,
            } => self.line(on, points, self.palette.colour(*paint), *width),
            Mark::Circle {
                at,
                radius,
                paint,
                filled,
            } => {
                let style = ShapeStyle {
                    color: self.palette.colour(*paint),
                    filled: *filled,
                    stroke_width: self.fine(RING_WIDTH).unsigned_abs(),
                };
                let radius = self.fine(*radius).unsigned_abs();
                on.draw_circle(self.fine_point(*at), radius, &style, *filled)
                    .ok()
            }
            Mark::Polygon { points, paint } => {
                let points: Vec<(i32, i32)> =
                    points.iter().map(|&at| self.fine_point(at)).collect();
                on.fill_polygon(points, &filled(self.palette.colour(*paint)))
                    .ok()
            }
            Mark::Text {
                at,
                text,
                align,
                paint,
                bold,
            } => {
                let h_pos = match align {
                    Align::Start => HPos::Left,
                    Align::Middle => HPos::Center,
                    Align::End => HPos::Right,
                };
                let weight = if *bold {
                    FontStyle::Bold
                } else {
                    FontStyle::Normal
                };
                let colour = self.palette.colour(*paint);
                let font = (FONT, FONT_SIZE * self.ratio * f64::from(UNITS))
                    .into_font()
                    .style(weight)
                    .color(&colour);
                let style: TextStyle<'_> = font.pos(Pos::new(h_pos, VPos::Center));
                on.draw_text(text, &style, self.point(*at)).ok()
            }
        }
    }

    /// Four filled edges inside the area: a stroke would lie between pixels and be blurred.
    fn outline(
        &self,
        on: &mut CanvasBackend,
        area: Area,
        colour: RGBAColor,
        width: f64,
    ) -> Option<()> {
        let [(left, top), (right, bottom)] = self.corners(area);
        let width = self.width(width);
        for corners in [
            [(left, top), (right, top + width)],
            [(left, bottom - width), (right, bottom)],
            [(left, top), (left + width, bottom)],
            [(right - width, top), (right, bottom)],
        ] {
            fill_rectangle(on, corners, colour)?;
        }
        Some(())
    }

    /// Lines that lie or stand are filled rectangles, for the same reason.
    fn line(
        &self,
        on: &mut CanvasBackend,
        points: &[(f64, f64)],
        colour: RGBAColor,
        width: f64,
    ) -> Option<()> {
        if let [from, to] = points[..] {
            let [(x0, y0), (x1, y1)] = [self.point(from), self.point(to)];
            let width = self.width(width);
            let before = width / UNITS / 2 * UNITS;
            let behind = width - before;
            let corners = if y0 == y1 {
                Some([(x0.min(x1), y0 - before), (x0.max(x1), y0 + behind)])
            } else if x0 == x1 {
                Some([(x0 - before, y0.min(y1)), (x0 + behind, y0.max(y1))])
            } else {
                None
            };
            if let Some(corners) = corners {
                return fill_rectangle(on, corners, colour);
            }
        }
        let points: Vec<(i32, i32)> = points.iter().map(|&at| self.fine_point(at)).collect();
        let stroke_width = self.fine(width).max(UNITS).unsigned_abs();
        let style = ShapeStyle {
            color: colour,
            filled: false,
            stroke_width,
        };
        on.draw_path(points, &style).ok()
    }
}

fn fill_rectangle(
    on: &mut CanvasBackend,
    [from, to]: [(i32, i32); 2],
    colour: RGBAColor,
) -> Option<()> {
    on.draw_rect(from, to, &filled(colour), true).ok()
}

fn rounded(value: f64) -> i32 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "`as` saturates; screens are small"
    )]
    let whole = value.round() as i32;
    whole
}

fn filled(colour: RGBAColor) -> ShapeStyle {
    ShapeStyle {
        color: colour,
        filled: true,
        stroke_width: 0,
    }
}
