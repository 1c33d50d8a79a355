//! A choice of one among a few.

use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::hooks::use_id;

/// Properties of [`SelectField`].
#[derive(Properties, PartialEq)]
pub(super) struct SelectFieldProps {
    /// Its name.
    pub name: &'static str,
    /// Values and how they are called.
    pub options: Vec<(AttrValue, AttrValue)>,
    /// The chosen value; an empty one chooses nothing.
    pub value: AttrValue,
    /// Another value was chosen.
    pub onchoose: Callback<String>,
    /// Whether a link fixed it.
    #[prop_or_default]
    pub locked: bool,
    /// The dot that brings the default back.
    #[prop_or_default]
    pub children: Html,
}

/// A labelled list.
#[component]
pub(super) fn SelectField(props: &SelectFieldProps) -> Html {
    let id = use_id("field");
    let onchange = {
        let onchoose = props.onchoose.clone();
        move |event: Event| {
            onchoose.emit(event.target_unchecked_into::<HtmlSelectElement>().value());
        }
    };
    html! {
        <div class="setting">
            <div class="setting-name">
                <label for={id.clone()} class="label">{ props.name }</label>
                { props.children.clone() }
            </div>
            <select
                {id}
                class="field"
                disabled={props.locked}
                title={props.locked.then_some("Fixed by the link")}
                {onchange}
            >
                for (value, text) in &props.options {
                    <option value={value} selected={*value == props.value}>{ text }</option>
                }
            </select>
        </div>
    }
}
