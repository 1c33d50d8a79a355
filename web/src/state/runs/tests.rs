//! Runs as a person and a worker make them.

use quartermeg_core::policy::LayerUpdate;
use quartermeg_formats::runs::{Run, store};

use super::{ASIDE_KEY, KEY, MAX_RUNS, RunsAction, base, changed, table};
use crate::protocol::{Event, PlanView, Position, Request};
use crate::state::tests::{Page, plan};
use crate::state::{Action, Command, NoticeKind, Topic};

impl Page {
    fn runs(&mut self, action: RunsAction) {
        self.act(Action::Runs(action));
    }

    /// Trains up to a step, measures there, and pauses.
    fn train(&mut self, step: u32, correct: u32) {
        self.act(Action::Play);
        for step in 1..=step {
            self.progress(step);
        }
        self.tell_newest(Event::Accuracy {
            step,
            correct,
            total: 20,
        });
        self.act(Action::Pause);
        self.tell_newest(Event::Position(Box::new(Position {
            step,
            loss: Some(1.5),
            weights_digest: format!("{step}"),
            ..Position::default()
        })));
    }

    fn configured(&mut self, arena_bytes: u32) {
        self.tell_newest(Event::Planned(Box::new(with_identity(arena_bytes))));
    }

    /// Number, steps and seed of each run that is kept.
    fn kept(&self) -> Vec<(u32, u32, u64)> {
        let kept = self.state.runs.kept.iter();
        kept.map(|run| (run.id, run.steps, run.setup().seed))
            .collect()
    }

    /// What was stored last, since the last call.
    fn stored(&mut self) -> Option<String> {
        let commands = self.commands().into_iter().rev();
        let mut texts = commands.filter_map(|command| match command {
            Command::KeepText { key: KEY, text } => Some((*text).clone()),
            _ => None,
        });
        texts.next()
    }

    fn downloads(&mut self) -> Vec<(String, String)> {
        let file = |command| match command {
            Command::Download { name, bytes } => {
                Some((name, String::from_utf8(bytes.to_vec()).expect("UTF-8")))
            }
            _ => None,
        };
        self.commands().into_iter().filter_map(file).collect()
    }
}

fn with_identity(arena_bytes: u32) -> PlanView {
    PlanView {
        identity: format!("plan of {arena_bytes}"),
        cycles_step: 2.16e6,
        ..plan(arena_bytes)
    }
}

/// The same page, opened again: plans of before are not there.
fn opened_again() -> Page {
    let mut page = with_a_run();
    page.runs(RunsAction::Stamped(1, String::new()));
    let stored = page.stored();
    let mut page = Page::training();
    page.runs(RunsAction::Stored(stored));
    page.act(Action::SetSeed(7));
    page.configured(2_000);
    page
}

/// A page with run 1 (seed 4, 60 steps) and a plan for seed 7.
fn with_a_run() -> Page {
    let mut page = Page::training();
    page.configured(1_000);
    page.train(60, 10);
    page.act(Action::SetSeed(7));
    page.configured(2_000);
    page
}

#[test]
fn a_run_is_kept_when_another_setup_begins() {
    let mut page = with_a_run();
    assert_eq!(page.kept(), [(1, 60, 4)]);
    let run = page.state.runs.get(1).expect("it was kept");
    assert_eq!(run.accuracies, [(60, 10, 20)]);
    assert_eq!((run.losses.len(), run.loss), (60, Some(1.5)));
    assert_eq!(run.n_samples, [100, 20]);
    assert_eq!(run.weights_digest, "60");
    let costs = run.costs.expect("it was planned");
    assert_eq!(costs.arena_bytes, 1_000);
    let millis = costs.step_millis.expect("a Cortex-M7");
    assert!((millis - 10.0).abs() < 1e-3, "{millis}");
    let commands = page.commands();
    assert!(commands.contains(&Command::StampRun(1)));

    page.runs(RunsAction::Stamped(
        1,
        "2026-11-30T09:41:05+01:00".to_owned(),
    ));
    let text = page.stored().expect("it is stored");
    let (runs, pinned) = store::decode(&text).expect("it can be read");
    assert_eq!((runs.len(), pinned), (1, None));
    assert_eq!(runs[0].kept_at, "2026-11-30T09:41:05+01:00");
}

#[test]
fn a_board_without_a_processor_has_no_time_a_step() {
    let mut page = Page::training();
    page.act(Action::SetDevice("unlimited".to_owned()));
    page.configured(1_000);
    page.train(20, 10);
    let costs = page.state.live_run().costs.expect("it was planned");
    assert_eq!((costs.arena_bytes, costs.step_millis), (1_000, None));
}

#[test]
fn a_short_run_is_kept_only_when_it_is_asked_for() {
    let mut page = Page::training();
    page.configured(1_000);
    page.train(9, 1);
    page.act(Action::Reset);
    assert_eq!(page.kept(), []);
    page.train(9, 1);
    page.runs(RunsAction::Keep);
    assert_eq!(page.kept(), [(1, 9, 4)]);
    assert_eq!(page.state.kept_live(), Some(1));
    // Nothing has been trained: there is nothing to keep.
    page.act(Action::Reset);
    page.runs(RunsAction::Keep);
    page.runs(RunsAction::Pin(None));
    assert_eq!((page.kept().len(), page.state.runs.pinned), (1, None));
}

#[test]
fn the_same_run_again_is_one_run_and_takes_its_name_along() {
    let mut page = Page::training();
    page.configured(1_000);
    page.train(60, 10);
    page.act(Action::Reset);
    page.train(60, 10);
    page.act(Action::Reset);
    assert_eq!(page.kept(), [(1, 60, 4)]);
    page.runs(RunsAction::Rename(1, " Mine ".to_owned()));
    // A shorter one of the same is there already; a longer one takes its place.
    page.train(30, 8);
    page.act(Action::Reset);
    assert_eq!(page.kept(), [(1, 60, 4)]);
    page.train(90, 12);
    page.act(Action::Reset);
    assert_eq!(page.kept(), [(1, 90, 4)]);
    assert_eq!(page.state.runs.get(1).expect("kept").title(), "Mine");
    // The same settings with another outcome are another run.
    page.train(90, 13);
    page.act(Action::Reset);
    assert_eq!(page.kept().len(), 2);
}

#[test]
fn what_is_pinned_stands_still() {
    let mut page = Page::training();
    page.configured(1_000);
    page.train(60, 10);
    page.runs(RunsAction::Pin(None));
    assert_eq!(page.state.runs.pinned, Some(1));
    page.train(90, 12);
    page.act(Action::Reset);
    assert_eq!(page.kept(), [(1, 60, 4), (2, 90, 4)]);
    // Nothing has to be planned for it: its plan was there.
    let [a, b] = page.state.compared_plans();
    assert_eq!(a.expect("planned").arena_bytes, 1_000);
    assert_eq!(b.expect("planned").arena_bytes, 1_000);
}

#[test]
fn an_accuracy_that_comes_after_the_last_step_is_added() {
    let mut page = Page::training();
    page.configured(1_000);
    page.act(Action::SetStopAfter(20));
    for step in 1..=20 {
        page.progress(step);
    }
    page.tell_newest(Event::Position(Box::new(Position {
        step: 20,
        stop_reached: true,
        ..Position::default()
    })));
    assert_eq!(page.kept(), [(1, 20, 4)]);
    assert_eq!(page.state.runs.get(1).expect("kept").accuracies, []);
    page.tell_newest(Event::Accuracy {
        step: 20,
        correct: 15,
        total: 20,
    });
    let run = page.state.runs.get(1).expect("kept");
    assert_eq!(run.accuracies, [(20, 15, 20)]);
    assert!(page.stored().is_some());
}

#[test]
fn a_setting_that_changes_while_it_trains_is_a_phase() {
    let mut page = Page::training();
    page.configured(1_000);
    page.train(20, 5);
    page.act(Action::SetLearningRate(0.5));
    // Where it runs, and when it stops, changes no weight.
    page.act(Action::SetBudget(300_000));
    page.act(Action::SetStopAfter(700));
    page.train(30, 6);
    page.act(Action::Reset);
    let run = page.state.runs.get(1).expect("kept").clone();
    let from: Vec<u32> = run.phases.iter().map(|phase| phase.from_step).collect();
    assert_eq!(from, [0, 20]);
    assert!(!run.phases[0].setup.contains("lr="));
    assert!(run.phases[1].setup.contains("lr=0.5") && run.phases[1].setup.contains("stop=700"));
    // A change and its opposite at one step are none.
    page.train(20, 5);
    page.act(Action::SetLearningRate(0.25));
    page.act(Action::SetLearningRate(0.5));
    assert_eq!(page.state.live_run().phases.len(), 1);
}

#[test]
fn weights_from_a_file_begin_at_their_step() {
    let mut page = Page::training();
    page.configured(1_000);
    page.tell_newest(Event::Resumed { steps: 500 });
    page.train(0, 5);
    for step in 501..=509 {
        page.progress(step);
    }
    page.act(Action::Reset);
    assert_eq!(page.kept(), []);
    page.tell_newest(Event::Resumed { steps: 500 });
    for step in 501..=510 {
        page.progress(step);
    }
    page.act(Action::Reset);
    assert_eq!(page.kept(), [(1, 510, 4)]);
    assert_eq!(
        page.state.runs.get(1).expect("kept").phases[0].from_step,
        500
    );
}

#[test]
fn what_changed_is_told_against_the_run_before_or_a() {
    let mut page = with_a_run();
    page.train(60, 12);
    page.act(Action::SetLayer {
        layer: 2,
        update: LayerUpdate::Bias,
        recompute: false,
        channels: None,
    });
    page.configured(3_000);
    page.train(60, 11);
    page.act(Action::Reset);
    let told = |page: &Page, place: usize| {
        let runs = &page.state.runs;
        base(&runs.kept, runs.pinned, place).map(|base| changed(base, &runs.kept[place]))
    };
    assert_eq!(told(&page, 0), None);
    assert_eq!(
        told(&page, 1).as_deref(),
        Some("seed 4 → 7; peak +1,000 B; accuracy +10.0 points")
    );
    let last = told(&page, 2).expect("there is a run before");
    assert!(
        last.starts_with("layer 2: ") && last.ends_with("accuracy \u{2212}5.0 points"),
        "{last}"
    );
    page.runs(RunsAction::Pin(Some(1)));
    let last = told(&page, 2).expect("A is another run");
    assert!(last.starts_with("seed 4 → 7; layer 2: "), "{last}");
    assert_eq!(told(&page, 0), None);
}

#[test]
fn a_run_that_is_compared_is_planned_again_when_its_network_is_there() {
    let mut page = opened_again();
    page.commands();
    page.runs(RunsAction::Pin(Some(1)));
    assert_eq!(
        page.state.compared_plans()[0],
        Err("its plan is on its way.")
    );
    let setup = page.state.runs.get(1).expect("kept").phases[0]
        .setup
        .clone();
    assert!(page.requests().contains(&Request::PlanOther { setup }));
    page.tell_newest(Event::PlannedOther(Box::new(with_identity(1_000))));
    let [a, b] = page.state.compared_plans();
    assert_eq!(a.expect("planned").arena_bytes, 1_000);
    assert_eq!(b.expect("planned").arena_bytes, 2_000);
    // It is not asked for twice.
    page.runs(RunsAction::Pin(Some(1)));
    assert_eq!(page.requests(), []);
}

#[test]
fn a_plan_that_is_not_of_the_run_is_not_shown() {
    for event in [
        Event::PlannedOther(Box::new(with_identity(999))),
        Event::Failed {
            message: "No.".to_owned(),
        },
    ] {
        let mut page = opened_again();
        page.runs(RunsAction::Pin(Some(1)));
        page.tell_newest(event);
        let [a, _] = page.state.compared_plans();
        assert_eq!(
            a,
            Err("the network, or the version that planned it, is not here.")
        );
    }
}

#[test]
fn a_run_is_loaded_as_an_edit_that_can_be_undone() {
    let mut page = with_a_run();
    page.runs(RunsAction::Load(1));
    assert_eq!(page.state.setup().seed, 4);
    page.act(Action::Undo);
    assert_eq!(page.state.setup().seed, 7);
}

#[test]
fn names_and_notes_are_kept_and_cut() {
    let mut page = with_a_run();
    page.commands();
    let own = page.state.runs.get(1).expect("kept").title();
    page.runs(RunsAction::Rename(1, own));
    assert_eq!(page.state.runs.get(1).expect("kept").name, "");
    page.runs(RunsAction::Rename(1, "x".repeat(500)));
    page.runs(RunsAction::Note(1, "  why  ".to_owned()));
    let run = page.state.runs.get(1).expect("kept").clone();
    assert_eq!((run.name.len(), &*run.note), (80, "why"));
    let (runs, _) = store::decode(&page.stored().expect("stored")).expect("readable");
    assert_eq!(runs, [(*run).clone()]);
    page.runs(RunsAction::Rename(1, String::new()));
    assert!(
        page.state
            .runs
            .get(1)
            .expect("kept")
            .title()
            .ends_with("seed 4")
    );
    // There is no such run.
    page.runs(RunsAction::Rename(9, "x".to_owned()));
    assert_eq!(page.kept().len(), 1);
}

#[test]
fn a_deleted_run_can_be_put_back_and_all_cannot() {
    let mut page = with_a_run();
    page.runs(RunsAction::Pin(Some(1)));
    page.runs(RunsAction::Delete(1));
    assert_eq!((page.kept().len(), page.state.runs.pinned), (0, None));
    assert!(page.said(Topic::Runs).is_some() && page.state.runs.can_put_back());
    page.runs(RunsAction::PutBack);
    assert_eq!(page.kept(), [(1, 60, 4)]);

    page.runs(RunsAction::AskToClear(true));
    assert!(page.state.runs.asks_to_clear);
    page.runs(RunsAction::AskToClear(false));
    assert_eq!(page.kept().len(), 1);
    page.commands();
    page.runs(RunsAction::Clear);
    assert!(page.kept().is_empty() && !page.state.runs.can_put_back());
    let stored = page.stored().expect("the browser forgets them, too");
    assert_eq!(store::decode(&stored), Ok((Vec::new(), None)));
}

#[test]
fn the_oldest_run_that_nobody_named_makes_room() {
    let mut page = Page::training();
    let runs: Vec<Run> = (1..=200)
        .map(|id| Run {
            id,
            name: if id == 2 { "Mine" } else { "" }.to_owned(),
            ..Run::default()
        })
        .collect();
    assert_eq!(runs.len(), MAX_RUNS);
    let text = store::encode(runs.iter(), Some(1));
    page.runs(RunsAction::Stored(Some(text)));
    page.configured(1_000);
    page.train(20, 5);
    page.runs(RunsAction::Keep);
    let ids: Vec<u32> = page.kept().iter().map(|run| run.0).collect();
    // 1 is pinned, 2 has a name.
    assert_eq!((ids.len(), &ids[..3]), (MAX_RUNS, &[1, 2, 4][..]));
    assert_eq!(ids.last(), Some(&201));
}

#[test]
fn what_another_window_stored_is_shown() {
    let mut page = with_a_run();
    page.runs(RunsAction::Pin(Some(1)));
    let other = Run {
        id: 5,
        ..Run::default()
    };
    let text = store::encode([other].iter(), None);
    page.runs(RunsAction::Stored(Some(text)));
    assert_eq!(page.kept().iter().map(|run| run.0).collect::<Vec<_>>(), [5]);
    assert_eq!(page.state.runs.pinned, None);
    page.runs(RunsAction::Stored(None));
    assert_eq!(page.kept(), []);
}

#[test]
fn what_cannot_be_read_is_put_aside_or_left_where_it_is() {
    let mut page = Page::training();
    page.commands();
    page.runs(RunsAction::Stored(Some("quartermeg-runs 9 abc".to_owned())));
    let (kind, sentence) = page.said(Topic::Runs).expect("it is said");
    assert_eq!(kind, NoticeKind::Alert);
    assert!(
        sentence.contains("another version") && sentence.contains(ASIDE_KEY),
        "{sentence}"
    );
    let aside = page
        .commands()
        .into_iter()
        .find_map(|command| match command {
            Command::KeepText { key, text } => Some((key, (*text).clone())),
            _ => None,
        });
    assert_eq!(aside, Some((ASIDE_KEY, "quartermeg-runs 9 abc".to_owned())));

    // There is no room for it: nothing is written over it until all is cleared.
    page.runs(RunsAction::NotStored(ASIDE_KEY, "quota".to_owned()));
    page.configured(1_000);
    page.train(20, 5);
    page.runs(RunsAction::Keep);
    page.runs(RunsAction::Stamped(1, "now".to_owned()));
    assert_eq!(page.stored(), None);
    page.runs(RunsAction::Clear);
    assert!(page.stored().is_some());
}

#[test]
fn a_full_storage_is_told_and_nothing_is_lost_on_the_page() {
    let mut page = with_a_run();
    page.runs(RunsAction::NotStored(
        KEY,
        "the quota has been exceeded".to_owned(),
    ));
    let (kind, sentence) = page.said(Topic::Runs).expect("it is said");
    assert_eq!(kind, NoticeKind::Alert);
    assert!(
        sentence.contains("the quota has been exceeded"),
        "{sentence}"
    );
    // Another window's list would take away what only this page has.
    page.runs(RunsAction::Stored(None));
    assert_eq!(page.kept(), [(1, 60, 4)]);
}

#[test]
fn all_runs_and_the_live_one_are_handed_over() {
    let mut page = with_a_run();
    page.commands();
    page.runs(RunsAction::DownloadCsv);
    let files = page.downloads();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].0, table::CSV_NAME);
    assert_eq!(files[0].1.lines().count(), 2);

    page.train(5, 5);
    page.runs(RunsAction::DownloadJson);
    let (name, text) = page.downloads().remove(0);
    assert_eq!(name, table::JSON_NAME);
    assert_eq!(text.matches("\"setups\":").count(), 2);
    // Once it is kept, it is there only once.
    page.runs(RunsAction::Keep);
    page.runs(RunsAction::DownloadJson);
    let (_, text) = page.downloads().remove(0);
    assert_eq!(text.matches("\"setups\":").count(), 2);
}
