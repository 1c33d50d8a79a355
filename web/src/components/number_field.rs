//! A number that is typed.

use gloo::timers::callback::Timeout;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::field_name::field_name;
use super::hooks::use_id;

/// How long a text stands still before it is taken as meant.
const PAUSE_MILLIS: u32 = 500;

/// Properties of [`NumberField`].
#[derive(Properties, PartialEq)]
pub(super) struct NumberFieldProps {
    /// Its name.
    pub name: &'static str,
    /// The value that counts.
    pub value: AttrValue,
    /// Takes a text, or says in a sentence why it cannot be taken.
    pub oncommit: Callback<String, Result<(), String>>,
    /// Keyboard to offer on a screen: `numeric` or `decimal`.
    #[prop_or("numeric")]
    pub inputmode: &'static str,
    /// Whether a link fixed it.
    #[prop_or_default]
    pub locked: bool,
    /// What follows the number, for example a unit.
    #[prop_or_default]
    pub note: AttrValue,
    /// What it is, where the name explains itself.
    #[prop_or_default]
    pub help: &'static str,
    /// The dot that brings the default back.
    #[prop_or_default]
    pub children: Html,
}

/// A labelled number. It is taken on Enter, on leaving, and when typing has stopped for a moment;
/// what cannot be taken stays as text, with the reason below it.
#[component]
pub(super) fn NumberField(props: &NumberFieldProps) -> Html {
    let id = use_id("field");
    let error_id = format!("{id}-error");
    let typed = use_state_eq(|| None::<String>);
    let error = use_state_eq(|| None::<String>);
    let waiting = use_mut_ref(|| None::<Timeout>);
    {
        // A value that came from elsewhere takes the place of what was typed.
        let (typed, error) = (typed.clone(), error.clone());
        use_effect_with(props.value.clone(), move |_| {
            typed.set(None);
            error.set(None);
        });
    }
    let commit = {
        let (typed, error, oncommit) = (typed.clone(), error.clone(), props.oncommit.clone());
        Callback::from(
            move |(text, done): (String, bool)| match oncommit.emit(text) {
                Ok(()) => {
                    error.set(None);
                    if done {
                        typed.set(None);
                    }
                }
                Err(sentence) => error.set(Some(sentence)),
            },
        )
    };
    let oninput = {
        let (typed, waiting, commit) = (typed.clone(), waiting.clone(), commit.clone());
        move |event: InputEvent| {
            let text = event.target_unchecked_into::<HtmlInputElement>().value();
            typed.set(Some(text.clone()));
            let commit = commit.clone();
            let timeout = Timeout::new(PAUSE_MILLIS, move || commit.emit((text, false)));
            *waiting.borrow_mut() = Some(timeout);
        }
    };
    let onchange = {
        let commit = commit.clone();
        move |event: Event| {
            *waiting.borrow_mut() = None;
            commit.emit((
                event.target_unchecked_into::<HtmlInputElement>().value(),
                true,
            ));
        }
    };
    let shown = (*typed)
        .clone()
        .map_or_else(|| props.value.clone(), AttrValue::from);
    html! {
        <div class="setting">
            <div class="setting-name">
                { field_name(&id, props.name, props.help) }
                { props.children.clone() }
                if !props.note.is_empty() {
                    <span class="note">{ &props.note }</span>
                }
            </div>
            <input
                {id}
                class="field"
                aria-label={(!props.help.is_empty()).then_some(props.name)}
                type="text"
                inputmode={props.inputmode}
                autocomplete="off"
                spellcheck="false"
                value={shown}
                disabled={props.locked}
                title={props.locked.then_some("Fixed by the link")}
                aria-invalid={error.is_some().then_some("true")}
                aria-describedby={error.is_some().then(|| error_id.clone())}
                {oninput}
                {onchange}
            />
            if let Some(sentence) = &*error {
                <p id={error_id} class="error" role="alert">{ sentence }</p>
            }
        </div>
    }
}
