//! The Quartermeg page: what it knows, and how it is drawn.
//!
//! [`app::start`] draws it. It talks with its worker in messages ([`protocol`]).

pub mod app;
pub mod bridge;
pub mod build;
pub mod charts;
pub mod components;
pub mod io;
pub mod protocol;
pub mod state;
