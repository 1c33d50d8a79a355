//! Alerts and news, above everything and moving nothing.

use gloo::timers::callback::Timeout;
use yew::prelude::*;

use super::hooks::{use_app, use_dispatch};
use super::icon::{Glyph, icon};
use super::send::on_click;
use crate::state::{Action, Notice, OwnAction, RunsAction, Topic};

/// How long a sentence stays that need not be dismissed.
const PASSING_MILLIS: u32 = 8_000;

/// The live regions stand there before they have something to say, so that it is heard.
#[component]
pub(super) fn NoticeList() -> Html {
    let state = use_app();
    let dispatch = use_dispatch();
    let show = |notice: &Notice| {
        html! {
            <div class="notice" key={notice.id}>
                <p>{ &notice.text }</p>
                if notice.topic == Topic::Aside && state.own.can_put_back() {
                    <button type="button" class="button" onclick={on_click(&dispatch, Action::Own(OwnAction::PutBack))}>
                        { "Put back" }
                    </button>
                }
                if notice.topic == Topic::Runs && state.runs.can_put_back() {
                    <button type="button" class="button" onclick={on_click(&dispatch, Action::Runs(RunsAction::PutBack))}>
                        { "Put back" }
                    </button>
                }
                <button
                    type="button"
                    class="button quiet icon"
                    aria-label="Dismiss"
                    onclick={on_click(&dispatch, Action::Dismiss(notice.id))}
                >
                    { icon(Glyph::Close) }
                </button>
            </div>
        }
    };
    // What is seen on the page anyway need not stay as a sentence.
    let passing = state
        .notices
        .news()
        .find(|it| matches!(it.topic, Topic::Restart | Topic::Network | Topic::Samples))
        .map(|it| it.id);
    {
        let dispatch = dispatch.clone();
        use_effect_with(passing, move |passing| {
            let timeout = passing.map(|id| {
                Timeout::new(PASSING_MILLIS, move || {
                    dispatch.dispatch(Action::Dismiss(id));
                })
            });
            move || drop(timeout)
        });
    }
    let has_alerts = state.notices.alerts().next().is_some();
    html! {
        <div class="notices">
            if has_alerts {
                <div class="alerts" role="alert">{ for state.notices.alerts().map(show) }</div>
            }
            <div role="status" aria-label="News">{ for state.notices.news().map(show) }</div>
        </div>
    }
}
