//! The contribution analysis, as a person, a worker and a browser would use it.

use super::*;
use crate::protocol::{
    AnalysisPhase, AnalysisRequest, AnalysisView, ContributionsView, GainView, LayerView,
};
use crate::state::AnalysisAction;

const KEY: &str = "0123456789abcdef-500-3b83126f";

impl Page {
    fn analyze(&mut self, action: AnalysisAction) {
        self.act(Action::Analysis(action));
    }

    /// Begins an analysis: the number of its request.
    fn prepare(&mut self) -> u32 {
        self.commands();
        self.analyze(AnalysisAction::Prepare);
        let messages = self.messages();
        let [message] = &messages[..] else {
            panic!("{messages:?}");
        };
        message.id
    }

    fn told(&mut self, id: u32, phase: AnalysisPhase, runs: [u32; 2]) {
        self.tell(
            id,
            Event::Analysis(Box::new(AnalysisView {
                key: KEY.to_owned(),
                phase,
                runs,
                counted: [5, 10],
                seconds_left: 200,
                macs: [300, 149],
                ..AnalysisView::default()
            })),
        );
    }

    fn remembered(&mut self) -> Vec<(String, Option<String>)> {
        let kept = self.commands().into_iter().filter_map(|it| match it {
            Command::Keep { key, text } => Some((key, text)),
            _ => None,
        });
        kept.collect()
    }

    fn recall(&mut self, key: &str, text: Option<&str>) {
        self.analyze(AnalysisAction::Recalled {
            key: key.to_owned(),
            text: text.map(str::to_owned),
        });
    }

    fn analysis_requests(&mut self) -> Vec<AnalysisRequest> {
        let requests = self.requests().into_iter().filter_map(|it| match it {
            Request::Analysis(request) => Some(request),
            _ => None,
        });
        requests.collect()
    }
}

fn contributions() -> ContributionsView {
    let gain = |ratio, mean, sd| GainView { ratio, mean, sd };
    ContributionsView {
        classifier: [0.7, 0.0],
        layers: vec![
            vec![gain(0.0, 0.011, 0.002), gain(1.0, -0.02, 0.001)],
            vec![],
        ],
        n_seeds: 2,
        steps: 500,
        validation_samples: 10,
        ..ContributionsView::default()
    }
}

#[test]
fn an_analysis_says_how_long_it_takes_before_it_starts() {
    let mut page = Page::training();
    page.analyze(AnalysisAction::SetSeeds(2));
    page.analyze(AnalysisAction::SetSteps(40));
    let id = page.prepare();
    assert!(page.state.is_analyzing());
    page.told(id, AnalysisPhase::Counting, [0, 20]);
    assert_eq!(page.state.analysis_percent(), 50);
    assert!(page.state.analysis_text().contains("5 of 10 policies"));
    let commands = page.commands();
    let key = format!("outcomes:{KEY}");
    assert!(commands.contains(&Command::Recall { key }), "{commands:?}");
    page.told(id, AnalysisPhase::Standing, [0, 20]);
    assert_eq!(page.state.analysis_text(), "20 runs, about 3 min.");
    assert!(page.state.analysis_note().contains("2.0 times fewer"));
    page.analyze(AnalysisAction::Run);
    assert_eq!(
        page.remembered(),
        [(
            "analysis".to_owned(),
            Some(format!("keyboard {KEY} 2 40 1"))
        )]
    );
    page.told(id, AnalysisPhase::Running, [5, 20]);
    assert!(page.state.analysis_text().contains("waits while training"));
    page.act(Action::Pause);
    assert_eq!(
        page.state.analysis_text(),
        "5 of 20 runs done, about 3 min left."
    );
    assert_eq!(page.state.analysis_percent(), 25);
}

#[test]
fn what_is_measured_is_shown_and_kept() {
    let mut page = Page::training();
    let id = page.prepare();
    page.told(id, AnalysisPhase::Running, [1, 20]);
    page.commands();
    let view = AnalysisView {
        key: KEY.to_owned(),
        phase: AnalysisPhase::Done,
        runs: [20, 20],
        counts: Some("0 1 7\n".to_owned()),
        contributions: Some(Box::new(contributions())),
        ..AnalysisView::default()
    };
    page.tell(id, Event::Analysis(Box::new(view)));
    assert_eq!(
        page.remembered(),
        [
            (format!("outcomes:{KEY}"), Some("0 1 7\n".to_owned())),
            ("outcomes".to_owned(), Some(KEY.to_owned())),
            ("analysis".to_owned(), None)
        ]
    );
    assert_eq!(page.state.analysis_text(), "All 20 runs are done.");
    let layer = |name: &str| LayerView {
        name: name.to_owned(),
        shape: String::new(),
        depthwise: false,
        n_weights: 1,
        n_biases: 1,
        recomputable: false,
    };
    let plan = PlanView {
        layers: vec![layer("stem"), layer("head")],
        ..plan(1_000)
    };
    page.tell_newest(Event::Planned(Box::new(plan)));
    let said = |layer| page.state.contribution_text(layer);
    assert_eq!(
        said(0).as_deref(),
        Some("Layer 0, stem: bias +1.1 ± 0.2, 1 −2.0 ± 0.1")
    );
    assert_eq!(said(1).as_deref(), Some("Layer 1, head: not measured yet"));
    assert_eq!(said(2), None);
    let rows = page.state.contribution_rows();
    assert_eq!(
        rows[1],
        ["0 stem", "+1.1 ± 0.2", "–", "–", "–", "−2.0 ± 0.1"]
    );
    page.commands();
    page.analyze(AnalysisAction::Save);
    assert_eq!(page.analysis_requests(), [AnalysisRequest::Save]);
}

#[test]
fn a_page_that_is_loaded_again_goes_on_where_it_stood() {
    let mut page = Page::opened("");
    let key = "analysis".to_owned();
    assert!(page.commands().contains(&Command::Recall { key }));
    page.recall("analysis", Some(&format!("keyboard {KEY} 2 40 1")));
    page.act(Action::FileLoaded(File::Network));
    page.tell_newest(Event::Planned(Box::new(plan(1_000))));
    assert_eq!(page.analysis_requests(), []);
    page.tell_newest(samples());
    let prepared = page.messages();
    let prepared = prepared
        .iter()
        .find(|it| {
            it.request
                == Request::Analysis(AnalysisRequest::Prepare {
                    n_seeds: 2,
                    steps: 40,
                })
        })
        .expect("it is prepared");
    page.told(prepared.id, AnalysisPhase::Counting, [0, 20]);
    page.recall(&format!("outcomes:{KEY}"), Some("0 1 7\n"));
    let recalled = AnalysisRequest::Recall {
        key: KEY.to_owned(),
        counts: "0 1 7\n".to_owned(),
    };
    assert_eq!(page.analysis_requests(), [recalled, AnalysisRequest::Run]);
    let chosen = (page.state.analysis_seeds(), page.state.analysis_steps());
    assert_eq!(chosen, (2, 40));
}

#[test]
fn an_analysis_of_other_settings_or_another_scenario_is_not_gone_on_with() {
    let mut page = Page::training();
    page.recall("analysis", Some(&format!("watch {KEY} 2 40 1")));
    assert_eq!(page.analysis_requests(), []);
    page.recall("analysis", Some("keyboard another 2 40 1"));
    page.told(page.state.newest_request, AnalysisPhase::Counting, [0, 20]);
    assert!(!page.state.is_analyzing());
    assert_eq!(
        page.analysis_requests().last(),
        Some(&AnalysisRequest::Cancel)
    );
    page.recall("analysis", Some("nonsense"));
    assert_eq!(page.analysis_requests(), []);
}

#[test]
fn an_analysis_survives_its_worker() {
    let mut page = Page::training();
    let id = page.prepare();
    page.told(id, AnalysisPhase::Running, [4, 20]);
    page.act(Action::WorkerLost("gone".to_owned()));
    assert!(!page.state.is_analyzing());
    page.act(Action::FileLoaded(File::Network));
    page.tell_newest(Event::Planned(Box::new(plan(1_000))));
    page.commands();
    page.tell_newest(samples());
    let again = page.messages().pop().expect("it is prepared again");
    page.told(again.id, AnalysisPhase::Counting, [0, 20]);
    page.commands();
    page.recall(&format!("outcomes:{KEY}"), None);
    assert_eq!(page.analysis_requests(), [AnalysisRequest::Run]);
}

#[test]
fn it_can_be_paused_and_ended() {
    let mut page = Page::training();
    let id = page.prepare();
    page.told(id, AnalysisPhase::Running, [4, 20]);
    page.commands();
    page.analyze(AnalysisAction::Pause);
    assert_eq!(page.analysis_requests(), [AnalysisRequest::Pause]);
    page.analyze(AnalysisAction::Cancel);
    assert!(!page.state.is_analyzing());
    // What is on its way from the one that ended changes nothing.
    page.told(id, AnalysisPhase::Running, [5, 20]);
    assert_eq!(page.state.analysis.view, None);
    assert_eq!(page.remembered(), [("analysis".to_owned(), None)]);
}

#[test]
fn refusals_are_told() {
    let mut page = Page::training();
    let id = page.prepare();
    let message = "There is nothing to measure on.".to_owned();
    page.tell(id, Event::Failed { message });
    assert!(!page.state.is_analyzing());
    assert!(page.said(Topic::Refusal).is_some());
    page.analyze(AnalysisAction::NotKept("no room".to_owned()));
    let (kind, text) = page.said(Topic::Kept).expect("it is said");
    assert_eq!(kind, NoticeKind::Alert);
    assert!(text.contains("no room"), "{text}");
    // Nothing to analyze yet.
    let mut page = Page::opened("");
    page.commands();
    page.analyze(AnalysisAction::Prepare);
    assert_eq!(page.analysis_requests(), []);
}

#[test]
fn the_browser_keeps_the_counts_of_the_newest_analyses_alone() {
    let mut page = Page::opened("");
    let commands = page.commands();
    let prefix = "outcomes:";
    assert!(commands.contains(&Command::ListKept { prefix }));
    page.act(Action::FileLoaded(File::Network));
    page.tell_newest(Event::Planned(Box::new(plan(1_000))));
    page.tell_newest(samples());
    let name = |at: u32| format!("a{at:02}");
    // Of three nobody knows the age, of nine it is known, and one of those is gone.
    let order: Vec<String> = (3..12).chain([99]).map(name).collect();
    page.recall("outcomes", Some(&order.join(" ")));
    let keys = (0..12).map(|at| format!("{prefix}{}", name(at))).collect();
    page.analyze(AnalysisAction::Listed(keys));
    assert_eq!(page.remembered(), [], "twelve are kept");

    let id = page.prepare();
    page.told(id, AnalysisPhase::Running, [1, 20]);
    page.commands();
    let counts = |key: &str| {
        Event::Analysis(Box::new(AnalysisView {
            key: key.to_owned(),
            counts: Some("0 1 7\n".to_owned()),
            ..AnalysisView::default()
        }))
    };
    let order_after = |first: u32| {
        let known = (first..12).map(name).chain([KEY.to_owned()]);
        Some(known.collect::<Vec<_>>().join(" "))
    };
    page.tell(id, counts(KEY));
    let kept = (format!("{prefix}{KEY}"), Some("0 1 7\n".to_owned()));
    assert_eq!(
        page.remembered(),
        [
            kept.clone(),
            (format!("{prefix}a00"), None),
            ("outcomes".to_owned(), order_after(1))
        ]
    );
    // Going on with the newest changes no order.
    page.tell(id, counts(KEY));
    assert_eq!(page.remembered(), [kept]);
}

#[test]
fn contributions_of_other_settings_say_so() {
    let mut page = Page::training();
    let rate = page.state.setup().learning_rate;
    let view = |rate| {
        Event::Contributions(Box::new(ContributionsView {
            rate,
            ..contributions()
        }))
    };
    page.tell_newest(view(rate));
    let is_foreign = |page: &Page| page.state.contributions_note().contains("Measured with");
    assert!(!is_foreign(&page));
    page.tell_newest(Event::ContributionsOrigin { is_same: false });
    assert!(page.state.contributions_note().contains("other settings"));
    page.tell_newest(Event::ContributionsOrigin { is_same: true });
    assert!(!is_foreign(&page));
    page.tell_newest(view(2.0 * rate));
    let note = page.state.contributions_note();
    assert!(note.ends_with(&format!("Measured with learning rate {}.", 2.0 * rate)));
}

#[test]
fn a_change_of_settings_is_said() {
    let mut page = Page::training();
    let id = page.prepare();
    page.told(id, AnalysisPhase::Running, [4, 20]);
    page.act(Action::SetBudget(100_000));
    assert!(!page.state.analysis_note().contains("it began with"));
    page.act(Action::SetLearningRate(0.5));
    assert!(page.state.analysis_note().contains("it began with"));
}
