//! The memory map as PNG: the marks of [`quartermeg_formats::export::map`], painted with a font
//! that is built in, so that the picture is the same on every machine.

use std::convert::Infallible;

use anyhow::Context as _;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::mono_font::ascii::{FONT_7X14, FONT_7X14_BOLD};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor as _};
use embedded_graphics::text::{Alignment, Baseline, Text, TextStyleBuilder};
use embedded_graphics::{Drawable as _, Pixel};
use png::{BitDepth, ColorType, Encoder};
use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::program::Program;
use quartermeg_formats::export::Stamp;
use quartermeg_formats::export::identify::PNG_KEY;
use quartermeg_formats::export::map::{
    self, Align, Area, CARD, Colour, HEIGHT, Mark, Pattern, WIDTH,
};

/// The map of a program; `budget` is what the block may use.
pub(crate) fn write(
    program: &Program<AlignedBytes>,
    name: &str,
    budget: Option<u32>,
) -> anyhow::Result<Vec<u8>> {
    let mut canvas = Canvas::new();
    for mark in map::marks(program, name, budget) {
        canvas.paint(&mark);
    }
    canvas
        .encoded(&Stamp::of("png", program).line())
        .context("The picture cannot be written.")
}

/// Red, green and blue of every pixel, row by row.
struct Canvas {
    pixels: Vec<Colour>,
}

impl Canvas {
    fn new() -> Self {
        let count = usize::try_from(WIDTH * HEIGHT).unwrap_or_default();
        Self {
            pixels: vec![CARD; count],
        }
    }

    fn set(&mut self, x: i32, y: i32, colour: Colour) {
        if (0..WIDTH).contains(&x)
            && let Ok(index) = usize::try_from(y * WIDTH + x)
            && let Some(pixel) = self.pixels.get_mut(index)
        {
            *pixel = colour;
        }
    }

    fn paint(&mut self, mark: &Mark) {
        match mark {
            Mark::Fill {
                area,
                colour,
                pattern,
            } => self.fill(*area, *colour, *pattern),
            Mark::Text {
                at: [x, y],
                text,
                align,
                colour: [red, green, blue],
                bold,
            } => {
                let font = if *bold { &FONT_7X14_BOLD } else { &FONT_7X14 };
                let alignment = match align {
                    Align::Start => Alignment::Left,
                    Align::Middle => Alignment::Center,
                    Align::End => Alignment::Right,
                };
                let style = TextStyleBuilder::new()
                    .alignment(alignment)
                    .baseline(Baseline::Middle)
                    .build();
                let ink = MonoTextStyle::new(font, Rgb888::new(*red, *green, *blue));
                let Ok(_end) =
                    Text::with_text_style(text, Point::new(*x, *y), ink, style).draw(self);
            }
        }
    }

    fn fill(&mut self, area: Area, colour: Colour, pattern: Option<(Pattern, Colour)>) {
        for y in area.y..area.y + area.height {
            for x in area.x..area.x + area.width {
                let hatch = pattern.filter(|(pattern, _)| pattern.covers(x, y));
                self.set(x, y, hatch.map_or(colour, |(_, ink)| ink));
            }
        }
    }

    fn encoded(&self, stamp: &str) -> Result<Vec<u8>, png::EncodingError> {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, WIDTH.unsigned_abs(), HEIGHT.unsigned_abs());
        encoder.set_color(ColorType::Rgb);
        encoder.set_depth(BitDepth::Eight);
        encoder.add_text_chunk(PNG_KEY.to_owned(), stamp.to_owned())?;
        let mut writer = encoder.write_header()?;
        writer.write_image_data(self.pixels.as_flattened())?;
        writer.finish()?;
        Ok(file)
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(WIDTH.unsigned_abs(), HEIGHT.unsigned_abs())
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(
        &mut self,
        pixels: I,
    ) -> Result<(), Infallible> {
        for Pixel(at, colour) in pixels {
            self.set(at.x, at.y, [colour.r(), colour.g(), colour.b()]);
        }
        Ok(())
    }
}
