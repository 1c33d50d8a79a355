//! Drift, as a person and a worker would use it.

use super::*;
use crate::protocol::ChangeKind::{self, Light, NewClass, OtherArm, Rotation, Slant, TurnedSensor};
use crate::protocol::{
    AnalysisPhase, DriftChange, DriftPreview, DriftRequest, DriftView, LearnerCurves, LearnerView,
    MeasuredShare,
};
use crate::state::{DriftAction, text};

impl Page {
    fn drift(&mut self, action: DriftAction) {
        self.act(Action::Drift(action));
    }

    /// Requests about drift since the last call, with their numbers.
    fn drift_requests(&mut self) -> Vec<(u32, DriftRequest)> {
        let messages = self.messages().into_iter();
        let requests = messages.filter_map(|message| match message.request {
            Request::Drift(request) => Some((message.id, request)),
            _ => None,
        });
        requests.collect()
    }

    /// Prepares a drift: the number of its request.
    fn prepare_drift(&mut self) -> u32 {
        self.commands();
        self.drift(DriftAction::Prepare);
        let requests = self.drift_requests();
        let [(id, DriftRequest::Prepare { .. })] = &requests[..] else {
            panic!("{requests:?}");
        };
        *id
    }

    fn drift_told(&mut self, id: u32, view: DriftView) {
        self.tell(id, Event::Drift(Box::new(view)));
    }
}

fn view(phase: AnalysisPhase, runs: [u32; 2]) -> DriftView {
    let learner = |arena_bytes, fits, n_layers| LearnerView {
        arena_bytes,
        fits,
        n_layers,
    };
    DriftView {
        phase,
        counted: [5, 10],
        runs,
        seconds_left: 42,
        n_held_out: [90, 100],
        learners: vec![
            learner(0, true, 0),
            learner(12_000, true, 0),
            learner(90_000, true, 7),
            learner(140_000, true, 18),
            learner(287_352, false, 30),
        ],
        curves: None,
    }
}

/// Curves over 250 steps before and 250 after: each learner with its accuracy before the change,
/// right after it, at the end, and at the end in the world before.
fn curves(shares: [[f32; 4]; 5], n_runs: u32) -> Vec<LearnerCurves> {
    let share = |step, mean| MeasuredShare {
        step,
        mean,
        sd: if n_runs > 1 { 0.012 } else { 0.0 },
    };
    let learner = |[before, right_after, end, old]: [f32; 4]| LearnerCurves {
        n_runs,
        before: vec![share(0, 0.1), share(250, before), share(500, old)],
        after: vec![share(250, right_after), share(500, end)],
    };
    shares.map(learner).into()
}

const SHARES: [[f32; 4]; 5] = [
    [0.68, 0.47, 0.47, 0.68],
    [0.7, 0.5, 0.605, 0.69],
    [0.71, 0.52, 0.65, 0.7],
    [0.8, 0.6, 0.78, 0.76],
    [0.81, 0.61, 0.77, 0.82],
];

#[test]
fn only_changes_of_its_kind_are_offered() {
    let kinds = |page: &Page| -> Vec<ChangeKind> {
        page.state.drift_ways().iter().map(|it| it.kind).collect()
    };
    let page = Page::training();
    assert_eq!(kinds(&page), [Slant, Rotation, Light, NewClass]);
    let watch = Page::opened("v=1&scenario=watch");
    assert_eq!(kinds(&watch), [OtherArm, TurnedSensor, NewClass]);
    let own = Page::opened("v=1&scenario=own");
    assert_eq!(kinds(&own), [NewClass]);
    assert!(own.state.drift_missing().contains("Open a network"));
    assert!(!own.state.can_drift());
}

#[test]
fn samples_are_shown_before_and_after_the_change_that_is_chosen() {
    let mut page = Page::training();
    page.commands();
    assert!(page.state.unshown_drift().is_some());
    page.drift(DriftAction::Show);
    let slant = DriftChange {
        kind: Slant,
        amount: 25,
    };
    let requests = page.drift_requests();
    let [(id, DriftRequest::Preview(change))] = &requests[..] else {
        panic!("{requests:?}");
    };
    assert_eq!(*change, slant);
    // It is asked for once.
    assert_eq!(page.state.unshown_drift(), None);
    page.drift(DriftAction::Show);
    assert_eq!(page.drift_requests(), []);
    let preview = DriftPreview {
        input: [1, 2, 1],
        before: vec![(3, vec![1, 2])],
        after: vec![(3, vec![4, 5])],
    };
    page.tell(id + 100, Event::DriftPreview(Box::new(preview.clone())));
    assert_eq!(page.state.drift.preview, None, "nobody asked for it");
    page.tell(*id, Event::DriftPreview(Box::new(preview)));
    let shown = page.state.drift.preview.as_deref().expect("it is shown");
    let (class, data) = &shown.worlds[1][0];
    assert_eq!((*class, &**data), (3, &SampleData::Codes(vec![4, 5])));
    // Another strength is another picture, and it stays inside its range.
    page.drift(DriftAction::SetAmount(-900.0));
    assert_eq!(page.state.drift_change().amount, -60);
    assert!(page.state.unshown_drift().is_some());
    // Each way keeps its strength.
    page.drift(DriftAction::SetWay(1));
    assert_eq!(page.state.drift_change().amount, 30);
    page.drift(DriftAction::SetWay(0));
    assert_eq!(page.state.drift_change().amount, -60);
    page.drift(DriftAction::SetWay(99));
    assert_eq!(
        page.state.drift_change(),
        DriftChange {
            amount: -60,
            ..slant
        }
    );
}

#[test]
fn a_drift_is_prepared_run_paused_and_cancelled() {
    let mut page = Page::training();
    page.act(Action::Pause);
    assert_eq!(page.state.drift_steps(), [250, 250]);
    page.drift(DriftAction::SetBefore(0));
    page.drift(DriftAction::SetAfter(40));
    page.drift(DriftAction::SetSeeds(9));
    page.commands();
    page.drift(DriftAction::Prepare);
    let requests = page.drift_requests();
    let (id, request) = &requests[0];
    let expected = DriftRequest::Prepare {
        change: page.state.drift_change(),
        steps: [1, 40],
        n_seeds: 5,
    };
    assert_eq!(*request, expected);
    let id = *id;
    assert_eq!(page.state.drift_phase(), AnalysisPhase::Counting);
    page.drift_told(id, view(AnalysisPhase::Counting, [0, 21]));
    assert_eq!(page.state.drift_percent(), 50);
    assert!(page.state.drift_text().contains("5 of 10 policies"));
    page.drift_told(id, view(AnalysisPhase::Standing, [0, 21]));
    assert_eq!(page.state.drift_text(), "21 runs, about 42 s.");
    let note = page.state.drift_note();
    assert!(
        note.contains("1 step before the change, 40 after it, 5 seeds"),
        "{note}"
    );
    assert!(
        note.contains("Full update needs 280.6 KiB (287,352 B)"),
        "{note}"
    );
    assert!(!note.contains("it began with"), "{note}");
    page.drift(DriftAction::Run);
    page.drift(DriftAction::Pause);
    let asked: Vec<DriftRequest> = page.drift_requests().into_iter().map(|it| it.1).collect();
    assert_eq!(asked, [DriftRequest::Run, DriftRequest::Pause]);
    page.drift_told(id, view(AnalysisPhase::Running, [7, 21]));
    assert_eq!(
        page.state.drift_text(),
        "7 of 21 runs done, about 42 s left."
    );
    assert_eq!(page.state.drift_percent(), 33);
    page.act(Action::SetSeed(77));
    assert!(page.state.drift_note().contains("it began with"));
    page.drift(DriftAction::Cancel);
    let asked: Vec<DriftRequest> = page.drift_requests().into_iter().map(|it| it.1).collect();
    assert_eq!(asked, [DriftRequest::Cancel]);
    assert!(!page.state.is_drifting());
    // What is still on its way is about nothing.
    page.drift_told(id, view(AnalysisPhase::Running, [8, 21]));
    assert_eq!(page.state.drift.view, None);
    page.drift(DriftAction::Run);
    assert_eq!(page.drift_requests(), []);
}

#[test]
fn it_waits_while_training_runs() {
    let mut page = Page::training();
    let id = page.prepare_drift();
    page.drift_told(id, view(AnalysisPhase::Running, [7, 21]));
    assert!(
        page.state
            .drift_text()
            .contains("waits while training runs")
    );
}

#[test]
fn the_result_is_said_with_what_was_measured() {
    let mut page = Page::training();
    let id = page.prepare_drift();
    let mut first = view(AnalysisPhase::Running, [2, 13]);
    let mut unfinished = curves(SHARES, 1);
    unfinished[4].n_runs = 0;
    unfinished[4].after.clear();
    first.curves = Some(unfinished);
    page.drift_told(id, first);
    // Full update has not been run to its end.
    assert_eq!(page.state.drift_result(), None);
    let rows = page.state.drift_rows();
    assert_eq!(rows[4][3], text::UNKNOWN);
    let mut last = view(AnalysisPhase::Done, [13, 13]);
    last.curves = Some(curves(SHARES, 3));
    page.drift_told(id, last);
    assert_eq!(
        page.state.drift_result().expect("all are known"),
        "Recovery: 250 steps after the change, accuracy is 47.0\u{a0}% without learning, \
         60.5\u{a0}% with the classifier only, 65.0\u{a0}% with biases, 78.0\u{a0}% with sparse \
         update, 77.0\u{a0}% with full update. Forgetting, in points of accuracy in the world \
         before (minus is forgotten): ±0.0 without learning, \u{2212}1.0 with the classifier only, \u{2212}1.0 with \
         biases, \u{2212}4.0 with sparse update, +1.0 with full update."
    );
    assert_eq!(page.state.drift_text(), "All 13 runs are done.");
    let rows = page.state.drift_rows();
    assert_eq!(
        rows[3],
        [
            "Sparse update",
            "80.0\u{a0}% ± 1.2",
            "60.0\u{a0}% ± 1.2",
            "78.0\u{a0}% ± 1.2",
            "+18.0",
            "76.0\u{a0}% ± 1.2",
            "\u{2212}4.0",
            "136.7 KiB (140,000 B)",
            "yes"
        ]
    );
    assert_eq!(rows[2][0], "Biases of the last 7 layers");
    assert_eq!(rows[0][7], "none to learn");
    assert_eq!(rows[4][8], "no");
    assert_eq!(page.state.drift_fits(), [true, true, true, true, false]);
    // Nothing that was told is lost by a report without curves.
    page.drift_told(id, view(AnalysisPhase::Done, [13, 13]));
    assert!(page.state.drift_result().is_some());
}

#[test]
fn the_new_class_is_told_apart() {
    let mut page = Page::training();
    page.drift(DriftAction::SetWay(3));
    let id = page.prepare_drift();
    let mut done = view(AnalysisPhase::Done, [5, 5]);
    // Of 90 old and 100 samples: 0.8 * 100 - 0.8 * 90 = 8 of 10 new ones.
    let mut shares = SHARES;
    shares[3] = [0.8, 0.7, 0.8, 0.8];
    done.curves = Some(curves(shares, 1));
    page.drift_told(id, done);
    let result = page.state.drift_result().expect("all are known");
    assert!(
        result.contains("80.0\u{a0}% with sparse update"),
        "{result}"
    );
    let of_new = result
        .split("of the new class alone")
        .nth(1)
        .expect("it is said");
    assert!(
        of_new.contains("80.0\u{a0}% with sparse update"),
        "{of_new}"
    );
}

#[test]
fn a_refusal_is_said_in_the_panel_and_ends_it() {
    let mut page = Page::training();
    let id = page.prepare_drift();
    let message = "Samples are missing.".to_owned();
    page.tell(id, Event::Failed { message });
    assert!(!page.state.is_drifting());
    assert_eq!(
        page.state.drift.refusal.as_deref(),
        Some("Samples are missing.")
    );
    assert_eq!(page.said(Topic::Refusal), None);
    // The next one begins anew.
    page.prepare_drift();
    assert_eq!(page.state.drift.refusal, None);
}

#[test]
fn it_ends_with_its_files() {
    let mut page = Page::training();
    page.drift(DriftAction::Show);
    let id = page.prepare_drift();
    page.drift_told(id, view(AnalysisPhase::Standing, [0, 13]));
    page.act(Action::SetScenario("watch".to_owned()));
    assert!(!page.state.is_drifting());
    assert_eq!(page.state.drift.view, None);
    assert_eq!(page.state.drift_way().kind, OtherArm);
}

#[test]
fn a_hidden_panel_is_named_in_links() {
    let page = Page::opened("v=1&hide=drift");
    assert!(page.state.is_hidden("drift"));
    assert!(page.state.fragment().contains("hide=drift"));
}
