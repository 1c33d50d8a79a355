//! Small drawings on buttons.

use yew::prelude::*;

/// A drawing.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Glyph {
    Reset,
    Back,
    Forward,
    Step,
    Play,
    Pause,
    Undo,
    Redo,
    Close,
    Peak,
    Zoom,
}

impl Glyph {
    /// The outline, in a square of 16 units.
    fn path(self) -> &'static str {
        match self {
            Self::Reset => "M8 2.5V0L4.2 3.2 8 6.5V4a4.5 4.5 0 1 1-4.4 5.5H2.1A6 6 0 1 0 8 2.5z",
            Self::Back => "M4 3h2v10H4zM13 3v10L6.5 8z",
            Self::Forward => "M10 3h2v10h-2zM3 3v10l6.5-5z",
            Self::Step => "M2 3v10l5.5-5zM7.5 3v10L13 8zM13 3h1.8v10H13z",
            Self::Play => "M3.5 2v12L13.5 8z",
            Self::Pause => "M3.5 2.5h3.2v11H3.5zM9.3 2.5h3.2v11H9.3z",
            Self::Undo => {
                "M6 2v3h3.5a4.5 4.5 0 0 1 0 9H5v-1.7h4.5a2.8 2.8 0 0 0 0-5.6H6v3L1.5 5.8z"
            }
            Self::Redo => {
                "M10 2v3H6.5a4.5 4.5 0 0 0 0 9H11v-1.7H6.5a2.8 2.8 0 0 1 0-5.6H10v3l4.5-3.9z"
            }
            Self::Close => {
                "M3.2 2 8 6.8 12.8 2 14 3.2 9.2 8l4.8 4.8-1.2 1.2L8 9.2 3.2 14 2 12.8 6.8 8 2 3.2z"
            }
            Self::Zoom => {
                "M7 1a6 6 0 0 1 4.7 9.7l3.6 3.6-1 1-3.6-3.6A6 6 0 1 1 7 1zm0 1.5a4.5 4.5 0 1 0 0 9 4.5 \
                 4.5 0 0 0 0-9zM6.3 4.5h1.4v1.8h1.8v1.4H7.7v1.8H6.3V7.7H4.5V6.3h1.8z"
            }
            Self::Peak => "M8 2.5 15 13.5H1zM8 5.8 4.1 12h7.8z",
        }
    }
}

/// A drawing that says nothing to those who do not see it; its button has a name.
pub(super) fn icon(glyph: Glyph) -> Html {
    html! {
        <svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">
            <path d={glyph.path()} fill-rule="evenodd" />
        </svg>
    }
}

/// A button that is a drawing and has a name.
pub(super) fn icon_button(
    name: &'static str,
    class: &'static str,
    glyph: Glyph,
    disabled: bool,
    onclick: Callback<MouseEvent>,
) -> Html {
    html! {
        <button type="button" {class} aria-label={name} title={name} {disabled} {onclick}>
            { icon(glyph) }
        </button>
    }
}
