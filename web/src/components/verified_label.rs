//! Whether the program on the page was seen to train alike on the emulated board.

use yew::prelude::*;

use crate::state::AppState;

/// What it means that it was, or was not, in a sentence each.
const VERIFIED: &str = "A test trained this very program on an emulated Cortex-M7, on the host and \
                        in wasm: losses, weights and memory are the same in every bit.";
const NOT_VERIFIED: &str = "Only the presets of the scenarios, with the settings that they come \
                            with, were run on the emulated board. To run this one: \
                            cargo xtask firmware FILE.qmeg";

/// The label; `explained` adds its meaning, which else is there to be pointed at.
pub(super) fn verified_label(state: &AppState, explained: bool) -> Html {
    let Some(is_verified) = state.is_verified() else {
        return html! {};
    };
    let (text, meaning) = if is_verified {
        (
            "Verified on emulated Cortex-M7, 0 bytes different",
            VERIFIED,
        )
    } else {
        ("Not verified", NOT_VERIFIED)
    };
    html! {
        <p class={classes!("verified", is_verified.then_some("is-so"))}>
            <output aria-label="Verification" aria-live="off" title={(!explained).then_some(meaning)}>
                { text }
            </output>
            if explained {
                <span class="note">{ " " }{ meaning }</span>
            }
        </p>
    }
}
