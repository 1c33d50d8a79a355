//! A choice of one among a few.

use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::field_name::field_name;
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
    /// Whether what the options say is about to change.
    #[prop_or_default]
    pub stale: bool,
    /// Whether a link fixed it.
    #[prop_or_default]
    pub locked: bool,
    /// What it is, where the name explains itself.
    #[prop_or_default]
    pub help: &'static str,
    /// The dot that brings the default back.
    #[prop_or_default]
    pub children: Html,
}

/// A labelled list.
#[component]
pub(super) fn SelectField(props: &SelectFieldProps) -> Html {
    let id = use_id("field");
    let list = use_node_ref();
    {
        let list = list.clone();
        // An option that a person chose once no longer follows its attribute.
        use_effect_with(
            (props.options.clone(), props.value.clone()),
            move |(_, value)| {
                if let Some(list) = list.cast::<HtmlSelectElement>() {
                    list.set_value(value);
                }
            },
        );
    }
    let onchange = {
        let onchoose = props.onchoose.clone();
        move |event: Event| {
            onchoose.emit(event.target_unchecked_into::<HtmlSelectElement>().value());
        }
    };
    html! {
        <div class="setting">
            <div class="setting-name">
                { field_name(&id, props.name, props.help) }
                { props.children.clone() }
            </div>
            <select
                ref={list}
                {id}
                class={classes!("field", props.stale.then_some("stale"))}
                aria-label={(!props.help.is_empty()).then_some(props.name)}
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
