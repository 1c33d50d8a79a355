//! The search for a policy, as a person, a worker and a browser would use it.

use super::*;
use crate::protocol::{
    ContributionsView, DifferenceView, PointView, SearchPhase, SearchRequest, SearchView, StepView,
    TrainedView,
};
use crate::state::{AnalysisAction, SearchAction};

const KEY: &str = "0123456789abcdef-500";
const OTHER: &str = "------------------------------";

impl Page {
    fn search(&mut self, action: SearchAction) {
        self.act(Action::Search(action));
    }

    /// A page that knows what layers contribute.
    fn analysed() -> Self {
        let mut page = Self::training();
        page.know_contributions();
        page
    }

    fn know_contributions(&mut self) {
        let view = ContributionsView {
            layers: vec![Vec::new(); 30],
            n_seeds: 1,
            ..ContributionsView::default()
        };
        let id = self.state.newest_request;
        self.tell(id, Event::Contributions(Box::new(view)));
    }

    /// Begins a search: the number of its request.
    fn begin(&mut self) -> u32 {
        self.commands();
        self.search(SearchAction::Begin);
        let messages = self.messages();
        let [message] = &messages[..] else {
            panic!("{messages:?}");
        };
        message.id
    }

    fn search_told(&mut self, id: u32, view: SearchView) {
        self.tell(id, Event::Search(Box::new(view)));
    }

    fn search_requests(&mut self) -> Vec<SearchRequest> {
        let requests = self.requests().into_iter().filter_map(|it| match it {
            Request::Search(request) => Some(request),
            _ => None,
        });
        requests.collect()
    }

    fn kept_texts(&mut self) -> Vec<(String, Option<String>)> {
        let kept = self.commands().into_iter().filter_map(|it| match it {
            Command::Keep { key, text } => Some((key, text)),
            _ => None,
        });
        kept.collect()
    }

    fn search_recall(&mut self, key: &str, text: Option<&str>) {
        self.act(Action::Analysis(AnalysisAction::Recalled {
            key: key.to_owned(),
            text: text.map(str::to_owned),
        }));
    }
}

fn view(phase: SearchPhase) -> SearchView {
    SearchView {
        key: KEY.to_owned(),
        phase,
        runs: phase != SearchPhase::Done,
        budget_bytes: 262_144,
        planned: 1_234,
        done: [5, 20],
        seconds_left: Some(70),
        ..SearchView::default()
    }
}

fn point(origin: &str, policy: &str) -> PointView {
    PointView {
        origin: origin.to_owned(),
        is_found: true,
        policy: policy.to_owned(),
        fits: true,
        arena_bytes: 70_400,
        macs_step: 3_579_912,
        gain: Some(0.182),
        trained: Some(TrainedView {
            rate: 0.002,
            accuracy: [0.809, 0.012],
            on_front: true,
        }),
    }
}

#[test]
fn a_search_needs_contributions_and_says_so() {
    let mut page = Page::training();
    assert!(!page.state.can_search());
    assert!(page.state.search_note().contains("analyse it above first"));
    page.know_contributions();
    assert!(page.state.can_search());
    assert!(page.state.search_note().contains("256.0 KiB"));
}

#[test]
fn a_search_tells_how_far_it_is() {
    let mut page = Page::analysed();
    let id = page.begin();
    assert!(page.state.is_searching());
    page.search_told(id, view(SearchPhase::Planning));
    assert_eq!(
        page.state.search_text(),
        "Planning: 1,234 policies planned, about 70 s left. It waits while training runs."
    );
    assert_eq!(page.state.search_percent(), None);
    page.act(Action::Pause);
    page.search_told(id, view(SearchPhase::Eliminating));
    assert_eq!(page.state.search_percent(), Some(25));
    assert_eq!(
        page.state.search_text(),
        "Backward elimination: 5 of at most 20 runs done, about 70 s left."
    );
    page.search(SearchAction::Pause);
    assert_eq!(page.search_requests(), [SearchRequest::Pause]);
    page.search_told(id, view(SearchPhase::Done));
    assert_eq!(page.state.search_text(), "Done. 1,234 policies planned.");
    // What another search tells is let go by.
    page.search_told(id + 1, view(SearchPhase::Training));
    assert_eq!(page.state.search_phase(), SearchPhase::Done);
    page.search(SearchAction::Cancel);
    assert!(!page.state.is_searching() && page.state.search.view.is_none());
}

#[test]
fn what_was_trained_is_kept_and_gone_on_with_after_a_reload() {
    let mut page = Page::analysed();
    page.search(SearchAction::SetSeeds(2));
    page.search(SearchAction::SetThreshold(Some(805)));
    page.search(SearchAction::SetMacs(Some(5_000_000_000)));
    let id = page.begin();
    let lines = |text: &str| SearchView {
        trained: Some(text.to_owned()),
        ..view(SearchPhase::Training)
    };
    page.search_told(id, lines("one\n"));
    page.search_told(id, lines("two\n"));
    let kept = page.kept_texts();
    let left = format!("keyboard {KEY} 262144 1 2 1000 0 1 805 - 5000000000");
    assert_eq!(
        kept,
        [
            ("trained".to_owned(), Some(format!("{KEY}\none\n"))),
            ("search".to_owned(), Some(left.clone())),
            ("trained".to_owned(), Some(format!("{KEY}\none\ntwo\n"))),
        ]
    );

    // The page is loaded again: what was left waits for contributions.
    let mut page = Page::training();
    page.search_recall("search", Some(&left));
    assert!(!page.state.is_searching());
    page.commands();
    page.know_contributions();
    let requests = page.search_requests();
    let [SearchRequest::Begin(options)] = &requests[..] else {
        panic!("{requests:?}");
    };
    assert_eq!(
        (options.n_seeds, options.macs_step),
        (2, Some(5_000_000_000))
    );
    assert!((options.threshold.unwrap_or(0.0) - 0.805).abs() < 1e-6);
    let id = page.state.newest_request;
    page.search_told(id, view(SearchPhase::Planning));
    let key = "trained".to_owned();
    assert!(
        page.commands()
            .contains(&Command::Recall { key: key.clone() })
    );
    // What another search trained is of no use.
    page.search_recall(&key, Some("fedcba9876543210-500\none\n"));
    page.search_recall(&key, Some(&format!("{KEY}\none\ntwo\n")));
    assert_eq!(
        page.search_requests(),
        [SearchRequest::Recall {
            key: KEY.to_owned(),
            trained: "one\ntwo\n".to_owned()
        }]
    );
    page.search_told(id, lines("three\n"));
    assert_eq!(
        page.kept_texts(),
        [(key, Some(format!("{KEY}\none\ntwo\nthree\n")))]
    );
    page.search_told(id, view(SearchPhase::Done));
    assert_eq!(page.kept_texts(), [("search".to_owned(), None)]);
}

#[test]
fn a_search_of_other_samples_or_another_budget_is_not_gone_on_with() {
    let mut page = Page::analysed();
    page.commands();
    page.search_recall(
        "search",
        Some(&format!("keyboard {KEY} 1000 1 2 1000 0 1 - - -")),
    );
    assert!(!page.state.is_searching(), "another budget");
    page.search_recall("search", Some("no such text"));
    assert!(!page.state.is_searching());
    page.search_recall(
        "search",
        Some("keyboard other-500 262144 0 2 1000 0 1 - - -"),
    );
    assert!(page.state.is_searching());
    let id = page.state.newest_request;
    page.search_told(id, view(SearchPhase::Planning));
    assert!(!page.state.is_searching(), "another key");
    assert!(page.search_requests().contains(&SearchRequest::Cancel));
}

#[test]
fn a_point_is_loaded_with_its_rate_and_undone_at_once() {
    let mut page = Page::analysed();
    let before = page.state.setup().clone();
    let id = page.begin();
    let points = vec![point("evolution", OTHER)];
    page.search_told(
        id,
        SearchView {
            points,
            ..view(SearchPhase::Done)
        },
    );
    let said = page.state.point_text(0).unwrap_or_default();
    assert_eq!(
        said,
        "evolution, 68.8 KiB (70,400 B): 80.9\u{a0}% ± 1.2, on the front"
    );
    assert!(!page.state.search_rows()[0].is_loaded);
    page.search(SearchAction::Load(0));
    let setup = page.state.setup();
    assert!((setup.learning_rate - 0.002).abs() < 1e-9);
    assert!(setup.policy.layers.iter().all(|it| !it.updates_bias()));
    assert!(page.state.search_rows()[0].is_loaded);
    assert_eq!(page.state.search.looked_at, Some(0));
    page.act(Action::Undo);
    assert_eq!(*page.state.setup(), before);
    // There is no such point.
    page.search(SearchAction::Load(7));
    assert_eq!(*page.state.setup(), before);
}

#[test]
fn the_result_is_said_in_words_and_numbers() {
    let mut page = Page::analysed();
    let id = page.begin();
    let difference = |theirs: &str, mean, interval| DifferenceView {
        share: 1,
        ours: "evolution".to_owned(),
        theirs: theirs.to_owned(),
        mean,
        interval,
    };
    let step = |frozen_layer, accuracy| StepView {
        frozen_layer,
        policy: OTHER.to_owned(),
        arena_bytes: 1_000,
        accuracy,
    };
    page.search_told(
        id,
        SearchView {
            differences: vec![
                difference("last", 0.03, [0.01, 0.05]),
                difference("bias", -0.01, [-0.03, 0.01]),
            ],
            best_gain: Some(0.25),
            bound_gain: Some(0.262),
            threshold: Some(0.77),
            steps: vec![step(None, [0.8, 0.01]), step(Some(3), [0.76, 0.02])],
            ..view(SearchPhase::Done)
        },
    );
    assert_eq!(
        page.state.search_result(),
        [
            "Within 256.0 KiB (262,144 B), evolution is better than last, and worse than none. For 1 of \
          2 no difference is shown."
        ]
    );
    let rows = page.state.difference_rows();
    assert_eq!(rows[0][3..], ["+3.0", "+1.0 to +5.0", "better"]);
    assert_eq!(rows[1][5], "no difference shown");
    assert_eq!(
        page.state.gap_text().as_deref(),
        Some("Best sum of contributions +25.0, the exact bound +26.2: a gap of 1.2.")
    );
    let said = page.state.elimination_text().unwrap_or_default();
    assert!(
        said.starts_with("1 layer frozen") && said.contains("so it stops"),
        "{said}"
    );
    assert_eq!(page.state.elimination_rows().len(), 2);
}

#[test]
fn a_refused_search_is_over() {
    let mut page = Page::analysed();
    let id = page.begin();
    let message = "Nothing fits.".to_owned();
    page.tell(id, Event::Failed { message });
    assert!(!page.state.is_searching());
    assert!(page.state.can_search());
}
