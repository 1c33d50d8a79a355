//! The head of the page: what it is, and the ways in and out.

use yew::prelude::*;

use super::export_dialog::ExportDialog;
use super::open_button::OpenButton;
use super::share_button::ShareButton;
use crate::state::AppState;

/// Name, promise, files and link.
pub(super) fn masthead(state: &AppState) -> Html {
    html! {
        <header class="masthead">
            <div class="brand">
                <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
                    <rect
                        x="3"
                        y="3"
                        width="26"
                        height="26"
                        rx="3"
                        fill="none"
                        stroke="currentColor"
                        stroke-width="3"
                    />
                    <rect x="7" y="16.5" width="8.5" height="8.5" rx="1" fill="currentColor" />
                </svg>
                <h1>{ "Quartermeg" }</h1>
            </div>
            <p class="promise">
                { "Train a neural network in a quarter of a megabyte, in your browser, and take the \
                   result to a real chip." }
            </p>
            <div class="tools">
                <OpenButton />
                <ShareButton />
                if !state.is_hidden("export") {
                    <ExportDialog />
                }
            </div>
        </header>
    }
}
