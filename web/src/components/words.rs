//! What happens here, in three sentences.

use yew::prelude::*;

use super::glossary::Entry;
use super::term::Term;
use crate::state::AppState;

/// Whose work a scenario stands on, and where its licence lies; that of Watch stands in its panel.
const CREDITS: [(&str, &str, &str); 2] = [
    (
        "keyboard",
        "The handwritten digits are a selection of MNIST (LeCun, Cortes, Burges). ",
        "static/data/keyboard-digits.LICENSE.txt",
    ),
    (
        "person",
        "The network is the person detection of TensorFlow Lite Micro, as microflow 0.1.3 ships it. ",
        "static/models/person.LICENSE.txt",
    ),
];

/// The text under the tool.
pub(super) fn words(state: &AppState) -> Html {
    let term = |entry: Entry| html! { <Term {entry} /> };
    html! {
        <section class="words" aria-labelledby="words-title">
            <h2 id="words-title">{ "What happens here" }</h2>
            <p>
                if state.is_own() && !state.is_own_network() {
                    { "A small int8 network that knows whether there is a person in a picture learns \
                       to see you, or whatever else you show it, one " }
                } else if state.is_own() {
                    { "Your int8 network learns the classes that you bring, one " }
                } else if state.is_motion() {
                    { "A small int8 network knows seven shoulder exercises by the right arms of five \
                       people. It learns those of a new person’s left arm, of which it recognizes few: \
                       of two new people 44 % of the windows before learning, 87 % after it. It learns one " }
                } else {
                    { "A small int8 network that knows printed digits learns handwritten ones, one " }
                }
                { "sample at a time, with the program that a microcontroller would run: compiled \
                   ahead for your " }
                { term(Entry::UpdatePolicy) }
                { " and " }
                { term(Entry::ChannelRatio) }
                { ", and executed in one " }
                { term(Entry::Arena) }
                { " of exactly the device’s size. " }
            </p>
            <p>
                { "The forward pass keeps each " }
                { term(Entry::SavedActivation) }
                { " that a weight gradient will need, so every layer you let learn lengthens a " }
                { term(Entry::Lifetime) }
                { " on the map and may raise the " }
                { term(Entry::Peak) }
                { ". " }
            </p>
            <p>
                { "Values are integers with a " }
                { term(Entry::Scale) }
                { " and a " }
                { term(Entry::ZeroPoint) }
                { "; every layer has to " }
                { term(Entry::Requantize) }
                { " its sums to 8 bits, and " }
                { term(Entry::Qas) }
                { " brings the gradients of such weights back into proportion. " }
            </p>
            <p class="note">
                { "The method is that of “On-Device Training Under 256KB Memory” (Lin et al., \
                   NeurIPS 2022). Everything runs in this page; nothing is sent anywhere. " }
                for (_, credit, licence) in CREDITS.into_iter().filter(|it| it.0 == state.setup().scenario) {
                    <>{ credit }<a href={licence}>{ "Licence" }</a></>
                }
            </p>
        </section>
    }
}
