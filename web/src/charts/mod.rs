//! Pure descriptions of the charts: what stands where, in CSS pixels.
//!
//! A window of [`motion`] becomes the points of lines, which the document draws. Any other chart is
//! a function from data and size to a [`Scene`]; `components/chart_canvas.rs` draws
//! scenes and knows nothing else. Colours are named by what they mean ([`Paint`]); the style
//! sheet says what they look like. Nothing here names a browser; all of it is tested on the host.

pub mod accuracy;
mod axis;
pub mod compare;
pub mod contributions;
mod curve;
pub mod drift;
pub mod ghost;
mod hatch;
pub mod ink;
pub mod loss;
pub mod memory_map;
pub mod motion;
mod pinned;
pub mod qas;
mod scene;
pub mod search;

pub use axis::Axis;
pub use hatch::{Pattern, Stroke};
pub use scene::{Align, Area, Mark, Paint, Scene};
