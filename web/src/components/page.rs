//! The whole page.

use yew::prelude::*;

use super::accuracy_panel::AccuracyPanel;
use super::analysis_panel::AnalysisPanel;
use super::draw_panel::DrawPanel;
use super::drift_panel::DriftPanel;
use super::hooks::{use_app, use_dispatch};
use super::loss_panel::LossPanel;
use super::map_panel::MapPanel;
use super::masthead::masthead;
use super::motion_panel::MotionPanel;
use super::notices::NoticeList;
use super::numbers_panel::numbers_panel;
use super::own_panel::own_panel;
use super::policy_panel::policy_panel;
use super::qas_panel::QasPanel;
use super::runs_panel::runs_panel;
use super::search_panel::SearchPanel;
use super::shortcuts::Shortcuts;
use super::stateline::stateline;
use super::transport::transport;
use super::words::words;

/// Head, transport, panels and words; what a link hides is not there.
#[component]
pub fn Page() -> Html {
    let state = use_app();
    let dispatch = use_dispatch();
    let shows = |panel: &str| !state.is_hidden(panel);
    // A person's own samples stand beside the map, because nothing happens without them.
    let (own, draw) = (
        state.is_own() && shows("draw"),
        !state.is_own() && shows("draw"),
    );
    let (qas_above, qas_below) = (shows("qas") && !own, shows("qas") && own);
    html! {
        <>
            <Shortcuts />
            { masthead(&state) }
            <main>
                { transport(&state, &dispatch) }
                <div class="board">
                    { stateline(&state) }
                    if shows("policy") {
                        <div class="column left">{ policy_panel(&state, &dispatch) }</div>
                    }
                    if shows("map") {
                        <div class="column centre"><MapPanel /></div>
                    }
                    if own || shows("loss") || qas_above {
                        <div class="column right">
                            if own { { own_panel(&state, &dispatch) } }
                            if shows("loss") { <LossPanel /> }
                            if qas_above { <QasPanel /> }
                        </div>
                    }
                    if draw || qas_below || shows("accuracy") {
                        <div class="column extra">
                            if draw {
                                if state.is_motion() { <MotionPanel /> } else { <DrawPanel /> }
                            }
                            if qas_below { <QasPanel /> }
                            if shows("accuracy") { <AccuracyPanel /> }
                        </div>
                    }
                    if shows("analysis") {
                        <div class="column below"><AnalysisPanel state={state.clone()} /></div>
                    }
                    if shows("search") {
                        <div class="column below"><SearchPanel state={state.clone()} /></div>
                    }
                    if shows("drift") {
                        <div class="column below"><DriftPanel state={state.clone()} /></div>
                    }
                    if shows("map") {
                        <div class="column below">{ numbers_panel(&state, &dispatch) }</div>
                    }
                    if shows("runs") {
                        <div class="column below">{ runs_panel(&state, &dispatch) }</div>
                    }
                    if shows("words") {
                        { words(&state) }
                    }
                </div>
            </main>
            <NoticeList />
        </>
    }
}
