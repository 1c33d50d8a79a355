//! What the rules in force did to the parameters, and what others did before.

use quartermeg_core::quant::Rules;
use yew::prelude::*;

use super::data_table::table;
use crate::state::{Effects, Seen, numerics, text};

/// Names and classes of the shares, in the order of `EffectView::shares`.
const SHARES: [(&str, &str); 4] = [
    ("moved", "moved"),
    ("rounded to nothing", "vanished"),
    ("dead", "dead"),
    ("zero gradient", "still"),
];

const COLUMNS: &[&str] = &["Rules", "Steps", "Moved", "To nothing", "Loss"];

/// A bar of shares, and a row for each set of rules that was tried.
pub(super) fn numerics_effect(effects: &Effects, rules: Rules) -> Html {
    let seen = effects.seen();
    let current = seen.iter().position(|it| it.rules == rules);
    let note = match current {
        None => "Train some steps to see how many weights move.",
        Some(at) if seen[at].effect.n_elements == 0 => {
            "Only the float classifier learns; nothing is rounded."
        }
        _ => {
            "Shares and losses are means of the last 50 steps. Another policy, seed or rate begins \
             the table anew."
        }
    };
    let rows: Vec<Vec<String>> = seen.iter().map(numerics::seen_row).collect();
    html! {
        <div class="effect">
            <h3>{ "Effect on what learns" }</h3>
            { current.map_or_else(Html::default, |at| bar(&seen[at])) }
            if !rows.is_empty() {
                <p class="label">{ "Seen so far, all else being equal" }</p>
                { table(&"Effect of numerics seen so far".into(), COLUMNS, rows, current) }
            }
            <p class="note">{ note }</p>
        </div>
    }
}

fn bar(seen: &Seen) -> Html {
    let Some(shares) = seen.effect.shares() else {
        return html! {};
    };
    let parts = || shares.iter().zip(SHARES);
    html! {
        <>
            <div class="shares" aria-hidden="true">
                for (share, (_, class)) in parts() {
                    <span {class} style={format!("flex-grow: {share}")} />
                }
            </div>
            <ul class="key" aria-label="Shares of the parameters">
                for (share, (name, class)) in parts() {
                    <li><i {class} />{ name }<span class="number">{ text::percent(*share) }</span></li>
                }
            </ul>
        </>
    }
}
