//! Opening a configuration or a program.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::hooks::use_dispatch;
use crate::app::opened;
use crate::io::open::read_first;

/// A button that asks for a file; files can also be dropped on the page.
#[component]
pub(super) fn OpenButton() -> Html {
    let dispatch = use_dispatch();
    let input = use_node_ref();
    let onclick = {
        let input = input.clone();
        move |_: MouseEvent| {
            if let Some(input) = input.cast::<HtmlInputElement>() {
                input.click();
            }
        }
    };
    let onchange = move |event: Event| {
        let input = event.target_unchecked_into::<HtmlInputElement>();
        let dispatch = dispatch.clone();
        read_first(input.files(), move |read| dispatch.dispatch(opened(read)));
        // The same file can be opened again.
        input.set_value("");
    };
    html! {
        <>
            <button
                type="button"
                class="button quiet"
                title="Open quartermeg.json or a .qmeg file; you can also drop it on the page"
                {onclick}
            >
                { "Open" }
            </button>
            <input
                ref={input}
                type="file"
                accept=".json,.qmeg"
                hidden={true}
                aria-label="File to open"
                tabindex="-1"
                {onchange}
            />
        </>
    }
}
