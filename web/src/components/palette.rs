//! The colours of the charts, as the style sheet gives them.

use std::cell::RefCell;

use plotters::style::RGBAColor;
use web_sys::CssStyleDeclaration;

use crate::charts::Paint;

/// Reads colours from the custom properties of the document, each once.
pub(super) struct Palette {
    style: Option<CssStyleDeclaration>,
    known: RefCell<Vec<(Paint, RGBAColor)>>,
}

impl Palette {
    /// The colours as they are now.
    pub(super) fn read() -> Self {
        let root = gloo::utils::document().document_element();
        let style = root.and_then(|root| gloo::utils::window().get_computed_style(&root).ok()?);
        Self {
            style,
            known: RefCell::default(),
        }
    }

    /// The colour of a paint.
    pub(super) fn colour(&self, paint: Paint) -> RGBAColor {
        if let Some((_, colour)) = self
            .known
            .borrow()
            .iter()
            .find(|(known, _)| *known == paint)
        {
            return *colour;
        }
        let colour = self
            .look_up(&property(paint))
            .unwrap_or(RGBAColor(128, 128, 128, 1.0));
        self.known.borrow_mut().push((paint, colour));
        colour
    }

    fn look_up(&self, property: &str) -> Option<RGBAColor> {
        let value = self.style.as_ref()?.get_property_value(property).ok()?;
        let digits = value.trim().strip_prefix('#')?;
        let channel = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        Some(RGBAColor(channel(0)?, channel(2)?, channel(4)?, 1.0))
    }
}

/// The custom property of a paint.
fn property(paint: Paint) -> String {
    let name = match paint {
        Paint::Ink => "--chart-ink",
        Paint::Muted => "--chart-muted",
        Paint::Rule => "--chart-rule",
        Paint::Shade => "--chart-shade",
        Paint::Ground => "--chart-ground",
        Paint::Card => "--chart-card",
        Paint::Limit => "--chart-limit",
        Paint::LimitShade => "--chart-limit-shade",
        Paint::Faint => "--chart-faint",
        Paint::FloatNetwork => "--chart-float-network",
        Paint::Int8 => "--chart-int8",
        Paint::Int8Qas => "--chart-int8-qas",
        Paint::Role(role) => return format!("--role-{role}"),
        Paint::Hatch(role) => return format!("--hatch-{role}"),
    };
    name.to_owned()
}
