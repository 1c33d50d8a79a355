//! What the page consists of: one part a file, a component where it has hooks of its own, a function
//! where it has none (`docs/decisions/0008-a-page-of-600-kb.md`).
//!
//! Components hold no logic. They read the state from a context, show it, and dispatch actions;
//! what they remember for themselves is what no one else asks about (an open list, a text that is
//! being typed, strokes of a drawing). [`page::Page`] is the root.

mod accuracy_panel;
mod analysis_panel;
mod budget_handle;
mod camera;
mod chart_canvas;
mod compared_chart;
mod comparison;
mod data_table;
mod draw_panel;
mod export_dialog;
mod field_name;
mod file_picker;
mod glossary;
mod hooks;
mod icon;
mod inspector;
mod layer_list;
mod layer_row;
mod legend;
mod loss_panel;
mod map_canvas;
mod map_panel;
mod map_table;
mod masthead;
mod motion_panel;
mod motion_plot;
mod notices;
mod number_field;
mod numbers_panel;
mod numerics_drawer;
mod numerics_effect;
mod open_button;
mod overflow_card;
mod own_class;
mod own_fields;
mod own_panel;
mod pad;
pub mod page;
mod palette;
mod pixels;
mod policy_panel;
mod prediction;
mod qas_panel;
mod readout;
mod reset_dot;
mod run_row;
mod runs_panel;
mod search_panel;
mod select_field;
mod send;
mod setup_fields;
mod share_button;
mod shortcuts;
mod stateline;
mod swatch;
mod term;
mod thumb;
mod transport;
mod verified_label;
mod waterfall;
mod words;
