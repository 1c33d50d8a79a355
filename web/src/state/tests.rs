//! The reducer, tested as a person and a worker would use it.

mod analysis;
mod drift;
mod search;

use std::rc::Rc;

use quartermeg_core::policy::LayerUpdate;
use quartermeg_core::quant::ChannelChoice;
use quartermeg_formats::setup::RateSchedule;
use quartermeg_formats::waterfall::{ALL_LEFT_OUT, PASSES};
use yew::Reducible as _;

use super::{
    Action, AppState, Camera, CameraAction, Command, ENDED, File, Gathered, GatheredFile, Handover,
    MotionAction, NO_CAMERA_HERE, NoticeKind, OwnAction, Playback, Target, Topic, WorkerStatus,
};
use crate::protocol::{
    Batch, CHOICES, CellCost, ContributionsView, CostsView, Event, FromWorker, MotionView,
    NetworkView, OpView, OverflowView, PassesView, PlanView, Position, PresetView, ReadSample,
    Request, SampleData, Speed, ToWorker,
};

/// A page whose commands are looked at instead of being carried out.
pub(super) struct Page {
    pub(super) state: Rc<AppState>,
    seen: u32,
}

impl Page {
    pub(super) fn opened(fragment: &str) -> Self {
        let mut page = Self {
            state: Rc::new(AppState::new()),
            seen: 0,
        };
        page.act(Action::Started {
            fragment: fragment.to_owned(),
            calm: false,
        });
        page
    }

    /// A page that trains the default.
    pub(super) fn training() -> Self {
        let mut page = Self::opened("");
        page.act(Action::FileLoaded(File::Network));
        page.tell_newest(Event::Planned(Box::new(plan(1_000))));
        page.tell_newest(samples());
        page
    }

    pub(super) fn act(&mut self, action: Action) {
        self.state = self.state.clone().reduce(action);
    }

    pub(super) fn tell(&mut self, id: u32, event: Event) {
        self.act(Action::Worker(FromWorker { id, event }));
    }

    pub(super) fn tell_newest(&mut self, event: Event) {
        self.tell(self.state.newest_request, event);
    }

    pub(super) fn progress(&mut self, step: u32) {
        self.tell_newest(Event::Progress(Box::new(Batch {
            step,
            losses: vec![(step, 1.5)],
            steps_per_second: 500.0,
            ..Batch::default()
        })));
    }

    /// Commands since the last call.
    pub(super) fn commands(&mut self) -> Vec<Command> {
        let done = std::mem::replace(&mut self.seen, self.state.outbox.newest());
        let commands = self.state.outbox.after(done);
        commands.map(|(_, command)| command.clone()).collect()
    }

    /// Requests since the last call.
    pub(super) fn requests(&mut self) -> Vec<Request> {
        self.messages().into_iter().map(|it| it.request).collect()
    }

    pub(super) fn messages(&mut self) -> Vec<ToWorker> {
        self.commands()
            .into_iter()
            .filter_map(|command| match command {
                Command::Send(message) => Some((*message).clone()),
                _ => None,
            })
            .collect()
    }

    pub(super) fn said(&self, topic: Topic) -> Option<(NoticeKind, String)> {
        self.state
            .notices
            .iter()
            .find(|notice| notice.topic == topic)
            .map(|notice| (notice.kind, notice.text.clone()))
    }
}

pub(super) fn plan(arena_bytes: u32) -> PlanView {
    PlanView {
        arena_bytes,
        peak_op: 1,
        ops: ["first", "second", "third"]
            .map(|name| OpView {
                name: name.to_owned(),
                help: String::new(),
                reads: vec![],
                writes: vec![],
            })
            .to_vec(),
        presets: vec![
            PresetView {
                name: "Small".to_owned(),
                policy: String::new(),
                arena_bytes: Some(17_000),
            },
            PresetView {
                name: "Large".to_owned(),
                policy: String::new(),
                arena_bytes: Some(500_000),
            },
        ],
        ..PlanView::default()
    }
}

fn samples() -> Event {
    Event::SamplesReady {
        n_learn: 100,
        n_test: 20,
    }
}

#[test]
fn the_page_loads_compiles_and_trains_by_itself() {
    let mut page = Page::opened("");
    let paths: Vec<String> = page
        .commands()
        .into_iter()
        .filter_map(|command| match command {
            Command::Load { path, .. } => Some(path),
            _ => None,
        })
        .collect();
    assert_eq!(paths.len(), 3);
    page.act(Action::FileLoaded(File::Network));
    assert!(matches!(page.requests()[..], [Request::Configure { .. }]));
    page.tell_newest(Event::Planned(Box::new(plan(1_000))));
    assert_eq!(page.state.playback, Playback::Waiting);
    page.tell(2, samples());
    assert_eq!(page.requests(), [Request::Play(Speed::TenStepsPerSecond)]);
    assert_eq!(page.state.playback, Playback::Running);
}

#[test]
fn a_calm_page_waits_for_play() {
    let mut page = Page {
        state: Rc::new(AppState::new()),
        seen: 0,
    };
    page.act(Action::Started {
        fragment: String::new(),
        calm: true,
    });
    page.act(Action::FileLoaded(File::Network));
    page.tell_newest(Event::Planned(Box::new(plan(1_000))));
    page.act(Action::Play);
    assert_eq!(page.state.playback, Playback::Waiting);
    page.requests();
    page.tell_newest(samples());
    assert_eq!(page.requests(), [Request::Play(Speed::TenStepsPerSecond)]);
}

#[test]
fn each_command_is_carried_out_once() {
    let mut page = Page::opened("");
    let newest = page.state.outbox.newest();
    page.act(Action::Export {
        kind: crate::protocol::ExportKind::Program,
        with_weights: false,
        to: Handover::Download,
    });
    page.act(Action::CopyLink);
    let before = page.state.clone();
    page.act(Action::Done(newest));
    assert_eq!(page.state, before, "there is nothing to draw");
    let left: Vec<_> = page.state.outbox.after(0).collect();
    assert!(matches!(left[..], [(_, Command::CopyLink(_))]));
}

#[test]
fn an_edit_before_the_first_step_leaves_the_curves_as_they_are() {
    let mut page = Page::training();
    let curves = |page: &Page| (page.state.losses.clone(), page.state.accuracies.clone());
    let empty = curves(&page);
    page.act(Action::SetSeed(7));
    assert_eq!(curves(&page), empty);
    page.progress(1);
    page.act(Action::SetSeed(8));
    assert_ne!(curves(&page), empty);
    assert!(page.state.losses.points().is_empty());
}

#[test]
fn a_plan_that_does_not_fit_stops_training_and_says_what_helps() {
    let mut page = Page::training();
    page.requests();
    page.act(Action::SetBudget(20_000));
    assert_eq!(page.state.playback, Playback::Running);
    page.act(Action::SetLayer {
        layer: 0,
        update: LayerUpdate::Weights { ratio: 1.0 },
        recompute: false,
        channels: None,
    });
    page.tell_newest(Event::Planned(Box::new(plan(30_720))));
    assert_eq!(page.state.playback, Playback::Paused);
    let (kind, text) = page.said(Topic::Budget).expect("an alert");
    assert_eq!(kind, NoticeKind::Alert);
    for part in [
        "30.0 KiB (30,720 B)",
        "10.5 KiB (10,720 B) are missing",
        "operation 2 (second)",
        "Presets that fit: \"Small\".",
    ] {
        assert!(text.contains(part), "{part:?} in {text:?}");
    }

    page.requests();
    page.act(Action::Play);
    page.act(Action::Step);
    assert_eq!(page.requests(), []);
    assert!(page.said(Topic::Budget).is_some());

    page.act(Action::SetBudget(40_000));
    assert_eq!(page.said(Topic::Budget), None);
    page.act(Action::Play);
    assert!(
        page.requests()
            .contains(&Request::Play(Speed::TenStepsPerSecond))
    );
}

#[test]
fn the_device_brings_its_budget() {
    let mut page = Page::training();
    page.act(Action::SetDevice("unlimited".to_owned()));
    assert!(page.state.is_unlimited());
    assert_eq!(page.state.budget_text(), "no limit");
    page.act(Action::SetDevice("no such device".to_owned()));
    assert_eq!(page.state.setup().device, "unlimited");
}

#[test]
fn an_input_is_computed_again_only_where_weights_learn() {
    let mut page = Page::training();
    let mut set = |ratio: f32, recompute| {
        let update = if ratio > 0.0 {
            LayerUpdate::Weights { ratio }
        } else {
            LayerUpdate::Bias
        };
        page.act(Action::SetLayer {
            layer: 3,
            update,
            recompute,
            channels: None,
        });
        page.state.setup().policy.recompute.clone()
    };
    assert_eq!(set(0.0, true), [0; 0]);
    assert_eq!(set(0.5, true), [3]);
    assert_eq!(set(1.0, true), [3]);
    assert_eq!(set(0.0, true), [0; 0]);
    assert_eq!(set(0.5, false), [0; 0]);
    page.act(Action::Undo);
    page.act(Action::Undo);
    assert_eq!(page.state.setup().policy.recompute, [3]);
}

#[test]
fn a_layer_chooses_its_channels_as_long_as_it_has_some() {
    let mut page = Page::training();
    let mut set = |update, channels| {
        page.act(Action::SetLayer {
            layer: 3,
            update,
            recompute: false,
            channels,
        });
        page.state.setup().policy.own_channels(3)
    };
    let first = Some(ChannelChoice::First);
    let weights = |ratio| LayerUpdate::Weights { ratio };
    assert_eq!(set(LayerUpdate::Bias, first), None);
    assert_eq!(set(weights(0.5), first), first);
    assert_eq!(set(weights(0.5), None), None);
    page.act(Action::Undo);
    assert_eq!(page.state.setup().policy.own_channels(3), first);
    // Painted over, it keeps its choice; frozen, it has none left.
    for (update, kept) in [(weights(0.25), first), (LayerUpdate::Frozen, None)] {
        page.act(Action::Paint { layer: 3, update });
        page.act(Action::EndDrag);
        assert_eq!(page.state.setup().policy.own_channels(3), kept);
    }
}

#[test]
fn another_policy_starts_again_and_training_goes_on() {
    let mut page = Page::training();
    page.progress(1_234);
    page.requests();
    page.act(Action::SetLayer {
        layer: 3,
        update: LayerUpdate::Bias,
        recompute: false,
        channels: None,
    });
    assert_eq!((page.state.step, page.state.losses.points().len()), (0, 0));
    assert!(
        page.said(Topic::Restart)
            .is_some_and(|(_, text)| text.contains("1,234 steps"))
    );
    let messages = page.messages();
    assert!(matches!(
        messages[..],
        [ToWorker {
            request: Request::Configure { .. },
            ..
        }]
    ));

    // What the old run still has to say is let go by.
    page.tell(
        messages[0].id - 1,
        Event::Progress(Box::new(Batch {
            step: 1_240,
            ..Batch::default()
        })),
    );
    assert_eq!(page.state.step, 0);

    page.tell_newest(Event::Planned(Box::new(plan(2_000))));
    assert_eq!(page.requests(), [Request::Play(Speed::TenStepsPerSecond)]);
}

#[test]
fn learning_rate_qas_and_stop_are_tuned_without_a_restart() {
    let mut page = Page::training();
    page.progress(100);
    page.requests();
    page.act(Action::SetLearningRate(0.5));
    page.act(Action::SetQas(false));
    page.act(Action::SetStopAfter(50));
    assert_eq!(page.state.step, 100);
    assert!(page.state.stop_reached);
    let tuned = page.requests();
    assert_eq!(tuned.len(), 3);
    assert_eq!(
        tuned[2],
        Request::Tune {
            setup: "v=1&lr=0.5&qas=off&stop=50".to_owned()
        }
    );
    page.act(Action::SetLearningRate(f32::NAN));
    page.act(Action::SetStopAfter(0));
    assert!((page.state.setup().learning_rate - 0.5).abs() < 1e-6);
    assert_eq!(page.state.setup().stop_after, 1);
}

#[test]
fn training_ends_at_the_step_to_stop_after() {
    let mut page = Page::training();
    page.tell_newest(Event::Position(Box::new(Position {
        step: 600,
        stop_reached: true,
        weights_digest: "abc".to_owned(),
        ..Position::default()
    })));
    assert_eq!(page.state.playback, Playback::Paused);
    assert_eq!(&*page.state.weights_digest, "abc");
    page.requests();
    page.act(Action::Play);
    assert_eq!(page.requests(), []);
    assert!(page.said(Topic::Refusal).is_some());
    page.act(Action::SetStopAfter(700));
    page.act(Action::Play);
    assert!(
        page.requests()
            .contains(&Request::Play(Speed::TenStepsPerSecond))
    );
}

#[test]
fn a_position_from_before_play_does_not_pause() {
    let mut page = Page::training();
    let play = page.state.playback_request;
    page.tell(play - 1, Event::Position(Box::default()));
    assert_eq!(page.state.playback, Playback::Running);
}

#[test]
fn pause_holds_at_once_and_records_on_their_way_still_count() {
    let mut page = Page::training();
    page.act(Action::Pause);
    assert!(!page.state.playback.is_on());
    page.progress(7);
    assert_eq!(page.state.step, 7);
}

#[test]
fn changes_are_undone_and_done_again() {
    let mut page = Page::training();
    let original = page.state.setup().clone();
    page.act(Action::SetLearningRate(0.1));
    page.act(Action::SetLearningRate(0.2));
    page.act(Action::SetSeed(9));
    let changed = page.state.setup().clone();
    assert!(page.state.can_undo() && !page.state.can_redo());
    page.act(Action::Undo);
    assert!((page.state.setup().learning_rate - 0.2).abs() < 1e-6);
    // A slider that was dragged is one change.
    page.act(Action::Undo);
    assert_eq!(*page.state.setup(), original);
    assert!(!page.state.can_undo());
    page.act(Action::Undo);
    page.act(Action::Redo);
    page.act(Action::Redo);
    assert_eq!(*page.state.setup(), changed);
    page.act(Action::Undo);
    page.act(Action::SetQas(false));
    assert!(!page.state.can_redo());
}

#[test]
fn the_link_follows_the_setup_and_the_setup_the_link() {
    let mut page = Page::training();
    page.commands();
    page.act(Action::SetSeed(9));
    assert!(
        page.commands()
            .contains(&Command::WriteFragment("v=1&seed=9".to_owned()))
    );
    page.act(Action::FragmentChanged(
        "v=1&seed=3&hide=draw&lock=seed&colour=red".to_owned(),
    ));
    assert_eq!(page.state.setup().seed, 3);
    assert!(page.state.is_hidden("draw") && page.state.is_locked("seed"));
    assert!(
        page.said(Topic::Link)
            .is_some_and(|(_, text)| text.contains("colour"))
    );
    page.act(Action::SetPanelHidden {
        panel: "draw".to_owned(),
        hidden: false,
    });
    assert!(!page.state.is_hidden("draw"));
}

#[test]
fn drawn_samples_survive_a_worker_that_ends() {
    let mut page = Page::training();
    page.act(Action::AddSample {
        pixels: vec![7; 784],
        label: 3,
    });
    page.tell_newest(Event::SampleAdded { n_learn: 101 });
    assert_eq!(
        page.state.samples.map(|it| (it.n_learn, it.n_drawn)),
        Some((101, 1))
    );
    page.progress(10);
    page.commands();

    page.tell(
        0,
        Event::Crashed {
            message: "out of luck".to_owned(),
        },
    );
    assert_eq!(page.state.worker, WorkerStatus::Restarting);
    assert!(
        page.said(Topic::Worker)
            .is_some_and(|(_, text)| text.contains("out of luck"))
    );
    let commands = page.commands();
    assert!(matches!(
        commands[..],
        [
            Command::StampRun(1),
            Command::RestartWorker,
            Command::Load { .. },
            Command::Load { .. },
            Command::Load { .. }
        ]
    ));
    page.tell(
        0,
        Event::Ready {
            build: crate::build::ID.to_owned(),
            simd: true,
        },
    );
    page.act(Action::FileLoaded(File::Network));
    page.tell_newest(Event::Planned(Box::new(plan(1_000))));
    page.tell_newest(samples());
    let requests = page.requests();
    assert!(matches!(
        requests[..],
        [
            Request::Configure { .. },
            Request::AddSample { label: 3, .. }
        ]
    ));
}

#[test]
fn a_worker_that_ends_again_and_again_is_given_up() {
    let mut page = Page::training();
    for _ in 0..20 {
        page.act(Action::WorkerLost("no script".to_owned()));
    }
    assert_eq!(page.state.worker, WorkerStatus::Gone);
    let restarts = page
        .commands()
        .iter()
        .filter(|command| **command == Command::RestartWorker)
        .count();
    assert_eq!(restarts, 5);
}

#[test]
fn an_opened_file_takes_over_and_can_be_undone() {
    let mut page = Page::training();
    page.progress(50);
    page.act(Action::OpenFile {
        name: "quartermeg.json".to_owned(),
        bytes: vec![],
    });
    let id = page.state.newest_request;
    page.tell(
        id,
        Event::Opened {
            setup: "v=1&seed=5".to_owned(),
            resumed_at: Some(40),
            notes: vec!["A note.".to_owned()],
        },
    );
    page.tell(id, Event::Planned(Box::new(plan(1_000))));
    page.tell(
        id,
        Event::Position(Box::new(Position {
            step: 40,
            ..Position::default()
        })),
    );
    assert_eq!((page.state.setup().seed, page.state.step), (5, 40));
    assert_eq!(page.state.playback, Playback::Paused);
    assert!(
        page.said(Topic::Opened)
            .is_some_and(|(_, text)| text.contains("A note."))
    );
    page.act(Action::Undo);
    let default = quartermeg_formats::scenario::SCENARIOS[0].default_setup();
    assert_eq!(page.state.setup(), &default);
}

#[test]
fn a_refused_request_leaves_everything_else() {
    let mut page = Page::training();
    page.act(Action::OpenFile {
        name: "x".to_owned(),
        bytes: vec![],
    });
    page.tell_newest(Event::Failed {
        message: "No.".to_owned(),
    });
    assert_eq!(page.state.playback, Playback::Running);
    assert!(page.said(Topic::Refusal).is_some());
    let id = page.state.notices.iter().next().map(|notice| notice.id);
    page.act(Action::Dismiss(id.expect("a notice")));
    assert_eq!(page.said(Topic::Refusal), None);
}

#[test]
fn a_link_with_a_policy_that_cannot_be_planned_leads_to_the_usual_one() {
    let policy = format!("1r{}", "b".repeat(29));
    let mut page = Page::opened(&format!("v=1&seed=9&policy={policy}"));
    page.act(Action::FileLoaded(File::Network));
    let seed = page.state.setup().seed;
    page.requests();
    let refuse = |page: &mut Page| {
        let message = "The input of layer 0 cannot be computed again.".to_owned();
        page.tell(page.state.run_request, Event::Failed { message });
    };
    refuse(&mut page);
    let usual = page.state.default_setup().policy;
    assert_eq!((&page.state.setup().policy, seed), (&usual, 9));
    let said = page.said(Topic::Refusal).expect("an alert").1;
    assert!(said.starts_with("The input of") && said.contains("the usual one"));
    assert!(matches!(page.requests()[..], [Request::Configure { .. }]));
    // What is refused then is no fault of the link, and nothing goes round in circles.
    refuse(&mut page);
    assert_eq!(page.requests(), []);
}

#[test]
fn a_missing_file_is_said_and_nothing_waits() {
    let mut page = Page::opened("");
    page.act(Action::FileFailed {
        file: File::Network,
        message: "It is not there.".to_owned(),
    });
    assert_eq!(page.state.playback, Playback::Paused);
    assert!(!page.state.planning);
    page.act(Action::FileLoaded(File::Samples));
    assert!(page.said(Topic::Files).is_some());
}

#[test]
fn the_answer_to_a_wiped_drawing_is_not_shown() {
    let mut page = Page::training();
    page.act(Action::Classify(vec![0; 784]));
    let id = page.state.newest_request;
    page.act(Action::ClearPrediction);
    page.tell(
        id,
        Event::Prediction {
            probabilities: vec![1.0],
        },
    );
    assert!(page.state.prediction.is_none());
    page.act(Action::Classify(vec![0; 784]));
    page.tell_newest(Event::Prediction {
        probabilities: vec![0.25, 0.75],
    });
    assert_eq!(page.state.predicted_class(), Some((1, 0.75)));
}

#[test]
fn the_peak_is_jumped_to_so_that_it_has_just_run() {
    let mut page = Page::training();
    page.requests();
    page.act(Action::SeekPeak);
    assert_eq!(page.requests(), [Request::Seek(2)]);
    page.tell_newest(Event::Position(Box::new(Position {
        op: 2,
        ..Position::default()
    })));
    assert_eq!(page.state.play_head(), Some(1));
    assert_eq!(page.state.operation_text(), "2 of 3: second");
}

#[test]
fn other_numerics_start_again_and_can_be_undone() {
    let mut page = Page::training();
    page.progress(20);
    page.requests();
    page.act(Action::SetNumerics("device,update:int16".to_owned()));
    assert_eq!(page.state.step, 0);
    assert!(
        page.said(Topic::Restart)
            .is_some_and(|(_, text)| text.contains("the numerics changed"))
    );
    let configured = Request::Configure {
        setup: "v=1&numerics=device,update:int16".to_owned(),
    };
    assert_eq!(page.requests(), [configured]);
    page.act(Action::SetNumerics("no such rules".to_owned()));
    assert!(page.said(Topic::Refusal).is_some());
    page.act(Action::Undo);
    assert_eq!(page.state.fragment(), "");
    // A link brings them too.
    page.act(Action::FragmentChanged("v=1&numerics=tflm".to_owned()));
    assert_eq!(
        page.state.setup().rules,
        quartermeg_core::quant::Rules::TFLM
    );
}

#[test]
fn rates_are_tuned_without_a_restart() {
    let mut page = Page::training();
    page.progress(20);
    page.requests();
    page.act(Action::SetMomentum(7.0));
    page.act(Action::SetBiasRate(0.5));
    page.act(Action::SetBiasRate(f32::NAN));
    page.act(Action::SetSchedule(RateSchedule::Cosine {
        warmup_steps: 9,
    }));
    assert_eq!(page.state.step, 20);
    let setup = "v=1&biaslr=0.5&schedule=cosine:9&momentum=0.999".to_owned();
    let tuned = page.requests();
    assert_eq!(tuned.len(), 3);
    assert_eq!(tuned[2], Request::Tune { setup });
}

#[test]
fn costs_are_stale_until_they_are_of_the_newest_plan() {
    let mut page = Page::training();
    let plans = || Event::RulesPlanned(Box::default());
    page.tell_newest(plans());
    assert!(page.state.rules_plan.is_some() && !page.state.rules_plan_stale);
    page.act(Action::SetSeed(9));
    let configured = page.state.newest_request;
    page.tell(configured - 1, plans());
    assert!(page.state.rules_plan_stale);
    // A request that leaves the plan as it is does not outdate them.
    page.act(Action::Play);
    page.act(Action::Reset);
    page.tell(configured, plans());
    assert!(!page.state.rules_plan_stale);
}

/// The last of the passes is left out.
const WITHOUT_LAST: u8 = 1 << (PASSES.len() - 1);

/// What the passes save: 40,000 B, 30,000 B with the first, 15,000 B without the last, 10,000 B
/// with all.
fn passes() -> Event {
    let mut view = PassesView {
        arena_bytes: vec![None; usize::from(ALL_LEFT_OUT) + 1],
        plain: vec![("first".to_owned(), 40_000)],
    };
    for at_work in 0..=PASSES.len() {
        let bytes = match at_work {
            0 => 40_000,
            1 => 30_000,
            _ if at_work < PASSES.len() => 15_000,
            _ => 10_000,
        };
        let left_out = ALL_LEFT_OUT & (ALL_LEFT_OUT << at_work);
        view.arena_bytes[usize::from(left_out)] = Some(bytes);
    }
    Event::PassesPlanned(Box::new(view))
}

#[test]
fn the_waterfall_says_what_each_pass_saves() {
    let mut page = Page::training();
    assert_eq!(page.state.waterfall(), None);
    page.tell_newest(passes());
    let waterfall = page.state.waterfall().expect("known");
    assert_eq!(waterfall.rows.len(), 1 + PASSES.len());
    let shares: Vec<f64> = waterfall.rows.iter().map(|row| row.share).collect();
    assert_eq!(shares, [1.0, 0.75, 0.375, 0.375, 0.375, 0.375, 0.25]);
    assert_eq!(waterfall.rows[1].saved, "\u{2212}25.0\u{a0}%");
    assert!(
        waterfall
            .summary
            .contains("75.0\u{a0}%: 29.3 KiB (30,000 B)")
    );
    // The budget of the board is far off; a near one is drawn.
    assert_eq!(waterfall.budget, None);
    page.act(Action::SetBudget(50_000));
    let waterfall = page.state.waterfall().expect("known");
    assert_eq!(waterfall.budget, Some(1.0));
    assert!((waterfall.rows[0].share - 0.8).abs() < 1e-9);
    page.act(Action::SetSeed(9));
    assert!(page.state.passes.stale);
}

#[test]
fn a_pass_is_left_out_on_the_map_alone() {
    let mut page = Page::training();
    page.tell_newest(passes());
    page.requests();
    page.act(Action::LeaveOut(WITHOUT_LAST));
    assert_eq!(page.requests(), [Request::PlanWithout(WITHOUT_LAST)]);
    assert_eq!(page.state.left_out_text(), None, "not there yet");
    let without = || Event::PlannedWithout {
        left_out: WITHOUT_LAST,
        plan: Box::new(plan(1_500)),
    };
    page.tell_newest(without());
    let name = "hidden channel by hidden channel";
    assert_eq!(page.state.left_out_text().as_deref(), Some(name));
    let shown = page.state.shown_plan().expect("a plan");
    assert_eq!(shown.arena_bytes, 1_500);
    assert_eq!(page.state.plan().expect("a plan").arena_bytes, 1_000);
    let waterfall = page.state.waterfall().expect("known");
    assert!(!waterfall.rows[PASSES.len()].at_work && waterfall.rows[PASSES.len()].saved.is_empty());
    assert_eq!(waterfall.rows[PASSES.len()].bytes, "14.6 KiB (15,000 B)");

    // Another policy is shown without the same passes.
    page.act(Action::SetSeed(9));
    page.requests();
    page.tell_newest(Event::Planned(Box::new(plan(2_000))));
    assert!(
        page.requests()
            .contains(&Request::PlanWithout(WITHOUT_LAST))
    );
    page.act(Action::LeaveOut(0));
    assert_eq!(page.state.shown_plan().expect("a plan").arena_bytes, 2_000);
    // What comes late is not wanted any more.
    page.tell_newest(without());
    assert_eq!(page.state.left_out_text(), None);
}

#[test]
fn what_helps_is_said_of_the_plan_and_the_budget_of_now() {
    let mut page = Page::opened("#v=1&budget=20000");
    page.act(Action::FileLoaded(File::Network));
    page.tell_newest(Event::Planned(Box::new(plan(30_000))));
    assert_eq!(page.state.overflow(), None);
    let overflow = Event::Overflow(Box::new(OverflowView {
        budget_bytes: 20_000,
        op: 1,
        ..OverflowView::default()
    }));
    page.tell_newest(overflow.clone());
    let op = page.state.overflow_op();
    assert_eq!(op.as_deref(), Some("operation 2 of 3 (second)"));
    page.act(Action::SetBudget(25_000));
    assert_eq!(page.state.overflow(), None, "of another budget");
    page.act(Action::SetBudget(20_000));
    page.tell_newest(overflow);
    assert!(page.state.overflow().is_some());
    page.act(Action::SetSeed(3));
    assert_eq!(page.state.overflow(), None, "of another plan");
}

#[test]
fn a_schedule_from_a_file_takes_the_map_and_nothing_else() {
    let mut page = Page::training();
    page.act(Action::SelectOp(Some(2)));
    let imported = PlanView {
        lower_bound_bytes: 1_024,
        arena_bytes: 2_048,
        ..plan(9_999_999)
    };
    page.tell_newest(Event::Timeline {
        plan: Box::new(imported),
        n_overlaps: 2,
    });
    assert_eq!(page.state.selection.op, None);
    assert_eq!(page.state.playback, Playback::Running);
    assert!(page.state.fits());
    assert_eq!(
        page.state.imported_text(),
        "TinyEngine's released schedule, re-created: 3 operations, peak 1,024 B in operation 2, \
         arena 2,048 B. 2 pairs of tensors share bytes while both are live, as in the released \
         placement."
    );
    let shown = |page: &Page| page.state.shown_plan().map(|plan| plan.arena_bytes);
    assert_eq!(shown(&page), Some(2_048));
    page.act(Action::CloseImported);
    assert_eq!(shown(&page), Some(1_000));
    assert_eq!(page.state.imported_text(), "");
}

// -- A person's own network and samples ----------------------------------------------------------

impl Page {
    fn own(&mut self, action: OwnAction) {
        self.act(Action::Own(action));
    }

    /// A page on which a network of two layers and an input of 2 x 2 was opened.
    fn own_network() -> Self {
        let mut page = Self::opened("v=1&scenario=own");
        page.open_network([2, 2, 1]);
        page.requests();
        page
    }

    fn open_network(&mut self, input: [u32; 3]) {
        self.act(Action::OpenFile {
            name: "mine.tflite".to_owned(),
            bytes: vec![1],
        });
        self.tell_newest(Event::NetworkOpened(Box::new(NetworkView {
            n_layers: 2,
            n_classes: 30,
            input,
            policy: "-b".to_owned(),
            ..NetworkView::default()
        })));
        self.tell(
            self.state.run_request,
            Event::Planned(Box::new(plan(1_000))),
        );
    }

    fn add(&mut self, target: Target, images: &[(&str, Option<&str>)], failed: &[&str]) {
        self.own(OwnAction::Gather(Gathered {
            target,
            n_announced: images.len() + failed.len(),
            n_done: images.len() + failed.len(),
            images: images
                .iter()
                .map(|(name, folder)| GatheredFile {
                    name: (*name).to_owned(),
                    folder: folder.map(str::to_owned),
                    bytes: vec![9; 4],
                })
                .collect(),
            tables: vec![],
            failed: failed.iter().map(|it| (*it).to_owned()).collect(),
        }));
    }

    fn class(&self, place: usize) -> Target {
        Target::Class(self.state.own_classes()[place].id)
    }

    /// Name and number of samples of each class.
    fn classes(&self) -> Vec<(String, usize)> {
        let classes = self.state.own_classes().iter();
        classes
            .map(|class| (class.name.clone(), class.samples.len()))
            .collect()
    }
}

#[test]
fn a_link_about_an_own_network_waits_for_its_file() {
    let mut page = Page::opened("v=1&scenario=own&head=3&policy=b1");
    assert!(page.state.lacks_network() && !page.state.planning);
    assert_eq!(page.requests(), []);
    page.act(Action::Play);
    assert!(page.said(Topic::Refusal).is_some());
    page.open_network([2, 2, 1]);
    assert_eq!(page.state.policy_text(), "b1");
    assert_eq!(page.classes().len(), 3);
    // Another network than the link's is said and gets its own default.
    let mut page = Page::opened("v=1&scenario=own&policy=b1b");
    page.open_network([2, 2, 1]);
    assert_eq!(page.state.policy_text(), "-b");
    assert!(
        page.said(Topic::Opened)
            .is_some_and(|(_, text)| text.contains("another network"))
    );
}

#[test]
fn an_opened_network_takes_over_and_undo_goes_back() {
    let mut page = Page::training();
    page.act(Action::SetDevice("stm32f746".to_owned()));
    page.open_network([2, 2, 1]);
    assert!(page.state.is_own());
    assert_eq!(page.state.setup().device, "stm32f746");
    assert_eq!(page.state.playback, Playback::Paused);
    page.act(Action::Undo);
    assert!(!page.state.is_own() && page.state.plan.is_none());
    page.commands();
    page.act(Action::Redo);
    assert!(matches!(page.requests()[..], [Request::OpenNetwork { .. }]));
}

#[test]
fn every_fifth_sample_is_held_out() {
    let mut page = Page::own_network();
    page.add(page.class(0), &[("a.png", None); 6], &[]);
    let requests = page.requests();
    let Request::SetSamples { samples, .. } = &requests[0] else {
        panic!("{requests:?}");
    };
    let held_out: Vec<bool> = samples.iter().map(|it| it.held_out).collect();
    assert_eq!(held_out, [false, false, false, false, true, false]);
    assert!(matches!(requests[1], Request::Predict { .. }));
    page.own(OwnAction::SetHoldOut(false));
    let [
        Request::SetSamples {
            replace: true,
            samples,
            ..
        },
    ] = &page.requests()[..]
    else {
        panic!("all samples are sent again");
    };
    assert!(samples.iter().all(|it| !it.held_out));
}

#[test]
fn folders_become_classes() {
    let mut page = Page::own_network();
    let images = [
        ("1.png", Some("dog")),
        ("2.png", Some("cat")),
        ("3.png", Some("cow")),
    ];
    page.add(Target::Folders, &images, &[]);
    let names: Vec<(String, usize)> = ["cat", "cow", "dog"].map(|it| (it.to_owned(), 1)).into();
    assert_eq!(page.classes(), names);
    assert_eq!(page.state.setup().head.map(|head| head.n_classes), Some(3));
}

#[test]
fn classes_beyond_the_possible_are_left_out_and_said() {
    let mut page = Page::own_network();
    let names: Vec<String> = (0..25).map(|it| format!("c{it}")).collect();
    let images: Vec<(&str, Option<&str>)> = names
        .iter()
        .map(|name| ("x.png", Some(name.as_str())))
        .collect();
    page.add(Target::Folders, &images, &[]);
    assert_eq!(page.classes().len(), 20);
    let (kind, text) = page.said(Topic::Samples).expect("an alert");
    assert_eq!(kind, NoticeKind::Alert);
    assert!(text.contains("20 samples were added.") && text.contains("5 samples were left out"));
}

#[test]
fn samples_end_at_the_limit() {
    let mut page = Page::own_network();
    page.add(page.class(0), &vec![("a.png", None); 1_999], &[]);
    page.add(
        page.class(1),
        &[("a.png", None); 3],
        &["\"b.gif\" is no image."],
    );
    assert_eq!(page.classes()[1].1, 1);
    let (_, text) = page.said(Topic::Samples).expect("an alert");
    assert!(
        text.contains("2 samples were left out") && text.contains("b.gif"),
        "{text}"
    );
}

#[test]
fn what_was_cleared_or_removed_can_be_put_back() {
    let mut page = Page::own_network();
    page.own(OwnAction::AddClass);
    page.add(page.class(1), &[("a.png", None); 2], &[]);
    let Target::Class(id) = page.class(1) else {
        panic!("a class")
    };
    page.own(OwnAction::RenameClass {
        class: id,
        name: " owl ".to_owned(),
    });
    let before = page.classes();
    page.own(OwnAction::ClearClass(id));
    assert_eq!(page.classes()[1], ("owl".to_owned(), 0));
    page.own(OwnAction::PutBack);
    assert_eq!(page.classes(), before);
    page.own(OwnAction::RemoveClass(id));
    assert_eq!(page.classes().len(), 2);
    page.own(OwnAction::PutBack);
    assert_eq!(page.classes(), before);
    assert!(page.said(Topic::Aside).is_none());
    // Two classes have to stay.
    page.own(OwnAction::RemoveClass(id));
    let Target::Class(first) = page.class(0) else {
        panic!("a class")
    };
    page.own(OwnAction::RemoveClass(first));
    assert_eq!(page.classes().len(), 2);
}

#[test]
fn a_file_of_samples_goes_through_the_worker_with_its_labels() {
    let mut page = Page::own_network();
    let file = |name: &str| GatheredFile {
        name: name.to_owned(),
        folder: None,
        bytes: vec![0],
    };
    page.own(OwnAction::Gather(Gathered {
        target: page.class(0),
        n_announced: 4,
        n_done: 4,
        images: vec![],
        tables: ["x_labels.npy", "x.npy", "y_labels.npy", "z.csv"]
            .map(file)
            .into(),
        failed: vec![],
    }));
    let messages = page.messages();
    assert!(matches!(
        &messages[0].request,
        Request::ReadSamples { name, labels: Some(_), .. } if name == "x.npy"
    ));
    let sample = |class: Option<&str>| ReadSample {
        class: class.map(str::to_owned),
        data: SampleData::Codes(vec![0; 4]),
    };
    page.tell(
        messages[0].id,
        Event::SamplesRead(vec![sample(Some("1")), sample(Some("0"))]),
    );
    assert_eq!(page.classes(), [("0".to_owned(), 1), ("1".to_owned(), 1)]);
    page.tell(
        messages[1].id,
        Event::Failed {
            message: "\"z.csv\" was left out.".to_owned(),
        },
    );
    let (_, text) = page.said(Topic::Samples).expect("an alert");
    for part in ["2 samples were added.", "y_labels.npy", "z.csv"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(page.state.own.progress().is_none());
}

#[test]
fn own_samples_survive_a_worker_that_ends() {
    let mut page = Page::own_network();
    page.add(page.class(0), &[("a.png", None)], &[]);
    page.tell_newest(Event::SamplesReady {
        n_learn: 1,
        n_test: 0,
    });
    page.commands();
    page.act(Action::WorkerLost("no luck".to_owned()));
    assert!(matches!(page.requests()[..], [Request::OpenNetwork { .. }]));
    page.tell_newest(Event::NetworkOpened(Box::default()));
    assert!(matches!(
        &page.requests()[..],
        [Request::Configure { .. }, Request::SetSamples { samples, .. }] if samples.len() == 1
    ));
}

#[test]
fn another_input_size_drops_the_samples_and_says_so() {
    let mut page = Page::own_network();
    page.add(page.class(0), &[("a.png", None)], &[]);
    page.open_network([4, 4, 3]);
    assert_eq!(page.classes()[0].1, 0);
    assert!(
        page.said(Topic::Opened)
            .is_some_and(|(_, text)| text.contains("1 sample"))
    );
}

#[test]
fn a_tried_file_is_not_learned_from() {
    let mut page = Page::own_network();
    page.add(Target::Try, &[("t.png", None)], &[]);
    assert!(matches!(page.requests()[..], [Request::Predict { .. }]));
    assert_eq!(page.classes()[0].1, 0);
    page.own(OwnAction::SetRange(Some(2)));
    assert!(matches!(
        page.requests()[..],
        [
            Request::SetSamples { range: 2, .. },
            Request::Predict { range: 2, .. }
        ]
    ));
}

// -- Motion --------------------------------------------------------------------------------------

/// Class and only code of the windows that are held out.
const HELD_OUT: [(u32, i8); 3] = [(1, 10), (0, 11), (1, 12)];

impl Page {
    /// A page that trains on windows of motion.
    fn watch() -> Self {
        let mut page = Self::opened("v=1&scenario=watch");
        page.act(Action::FileLoaded(File::Network));
        page.tell_newest(Event::Planned(Box::new(plan(1_000))));
        page.tell_newest(samples());
        page.tell_newest(motion());
        page.commands();
        page
    }

    fn motion(&mut self, action: MotionAction) {
        self.act(Action::Motion(action));
    }

    /// A recording of two windows is there.
    fn record(&mut self) {
        self.act(Action::OpenFile {
            name: "Mine.CSV".to_owned(),
            bytes: vec![1],
        });
        assert!(matches!(
            &self.requests()[..],
            [Request::ReadRecording { name, .. }] if name == "Mine.CSV"
        ));
        self.tell_newest(Event::RecordingRead {
            name: "Mine.CSV".to_owned(),
            windows: vec![vec![1], vec![2]],
        });
    }

    /// The codes that the newest question is about.
    fn asked(&mut self) -> Vec<i8> {
        self.motion(MotionAction::Ask);
        match &self.requests()[..] {
            [
                Request::Predict {
                    data: SampleData::Codes(codes),
                    ..
                },
            ] => codes.clone(),
            other => panic!("{other:?}"),
        }
    }
}

fn motion() -> Event {
    Event::Motion(Box::new(MotionView {
        class_names: vec!["rest".to_owned(), "row".to_owned()],
        held_out: HELD_OUT.map(|(class, code)| (class, vec![code])).to_vec(),
        ..MotionView::default()
    }))
}

#[test]
fn held_out_windows_are_gone_through_and_asked_about() {
    let mut page = Page::watch();
    assert!(page.state.is_motion());
    assert_eq!(page.state.class_names(), ["rest", "row"]);
    assert_eq!(page.state.motion.shown(), Some((&[10][..], Some(1))));
    assert_eq!(page.asked(), [10]);
    let (source, window) = (0, 1);
    page.motion(MotionAction::Show { source, window });
    let old = page.state.newest_request;
    // The answer about the window before is not that of this one.
    page.tell(
        old,
        Event::PredictionBefore {
            class: 1,
            probability: 0.5,
        },
    );
    assert_eq!(page.state.motion.before, None);
    assert_eq!(page.asked(), [11]);
    page.tell_newest(Event::PredictionBefore {
        class: 0,
        probability: 0.75,
    });
    assert_eq!(page.state.motion.before, Some((0, 0.75)));
    let window = 99;
    page.motion(MotionAction::Show { source, window });
    assert_eq!((page.state.motion.window, page.asked()), (2, vec![12]));
}

#[test]
fn a_recording_is_shown_labelled_and_learned_from_once() {
    let mut page = Page::watch();
    page.record();
    assert_eq!(page.state.motion.n_windows(), 2);
    assert_eq!(page.state.motion.shown(), Some((&[1][..], None)));
    page.motion(MotionAction::Add { label: 1 });
    assert!(matches!(
        &page.requests()[..],
        [Request::AddWindows { windows, label: 1 }] if windows.len() == 2
    ));
    page.tell_newest(Event::SampleAdded { n_learn: 102 });
    assert_eq!(page.state.samples.map(|it| it.n_drawn), Some(2));
    assert_eq!(page.state.motion.shown(), Some((&[1][..], Some(1))));
    page.motion(MotionAction::Add { label: 0 });
    assert_eq!(page.requests(), []);
    assert!(page.state.samples_text().contains("2 brought by you"));
    // What is held out is not learned from.
    page.motion(MotionAction::Show {
        source: 0,
        window: 0,
    });
    page.motion(MotionAction::Add { label: 0 });
    assert!(
        page.requests()
            .iter()
            .all(|it| !matches!(it, Request::AddWindows { .. }))
    );
}

#[test]
fn recordings_survive_a_worker_that_ends_and_another_scenario() {
    let mut page = Page::watch();
    page.record();
    page.motion(MotionAction::Add { label: 1 });
    page.act(Action::WorkerLost("no luck".to_owned()));
    assert!(page.state.motion.view.is_none());
    page.act(Action::FileLoaded(File::Network));
    page.commands();
    page.tell_newest(samples());
    assert!(matches!(
        page.requests()[..],
        [Request::AddWindows { label: 1, .. }]
    ));
    page.act(Action::SetScenario("keyboard".to_owned()));
    page.commands();
    page.tell_newest(samples());
    assert!(
        page.requests()
            .iter()
            .all(|it| !matches!(it, Request::AddWindows { .. }))
    );
}

#[test]
fn what_was_told_about_the_scenario_before_is_let_go_by() {
    let mut page = Page::watch();
    let old = page.state.newest_request;
    page.act(Action::SetScenario("keyboard".to_owned()));
    for event in [motion(), samples(), Event::Planned(Box::new(plan(1_000)))] {
        page.tell(old, event);
    }
    assert!(page.state.motion.view.is_none() && page.state.samples.is_none());
    assert!(page.state.plan.is_none());
    assert_ne!(page.state.playback, Playback::Running);
}

#[test]
fn a_file_of_another_scenario_is_opened_when_its_network_is_there() {
    let mut page = Page::training();
    page.progress(5);
    page.act(Action::OpenFile {
        name: "quartermeg.json".to_owned(),
        bytes: vec![7],
    });
    let scenario = "watch".to_owned();
    page.commands();
    page.tell_newest(Event::OtherScenario { scenario });
    assert!(page.state.is_motion());
    assert!(page.said(Topic::Restart).is_none());
    page.act(Action::FileLoaded(File::Network));
    assert!(matches!(
        &page.requests()[..],
        [.., Request::OpenFile { name, bytes }] if name == "quartermeg.json" && bytes == &[7]
    ));
    // It is opened once.
    page.act(Action::FileLoaded(File::Network));
    assert!(matches!(page.requests()[..], [Request::Configure { .. }]));
    page.act(Action::Undo);
    assert!(!page.state.is_motion());

    page.act(Action::OpenFile {
        name: "person.qmeg".to_owned(),
        bytes: vec![8],
    });
    page.commands();
    let scenario = "person".to_owned();
    page.tell_newest(Event::OtherScenario { scenario });
    page.person_network_arrives();
    assert!(matches!(
        &page.requests()[..],
        [.., Request::OpenFile { name, bytes }] if name == "person.qmeg" && bytes == &[8]
    ));
}

// -- The Person scenario and the camera ----------------------------------------------------------

impl Page {
    /// A page in the Person scenario, whose network has arrived.
    fn person() -> Self {
        let mut page = Self::opened("v=1&scenario=person");
        page.person_network_arrives();
        page
    }

    fn person_network_arrives(&mut self) {
        let loads: Vec<u32> = self
            .commands()
            .into_iter()
            .filter_map(|command| match command {
                Command::Load {
                    file: File::OwnNetwork,
                    scenario: "person",
                    path,
                    id,
                } if path.ends_with("person.tflite") => Some(id),
                _ => None,
            })
            .collect();
        let [id] = loads[..] else { panic!("{loads:?}") };
        self.tell(
            id,
            Event::NetworkOpened(Box::new(NetworkView {
                n_layers: 27,
                n_classes: 2,
                input: [2, 2, 1],
                policy: "b".repeat(27),
                ..NetworkView::default()
            })),
        );
        self.tell(
            self.state.run_request,
            Event::Planned(Box::new(plan(1_000))),
        );
    }

    fn camera(&mut self, action: CameraAction) {
        self.act(Action::Camera(action));
    }

    /// The camera runs.
    fn watched() -> Self {
        let mut page = Self::person();
        page.commands();
        page.camera(CameraAction::Use);
        assert_eq!(page.commands(), [Command::StartCamera]);
        page.camera(CameraAction::Started);
        assert_eq!(page.state.camera, Camera::On);
        page
    }
}

#[test]
fn the_person_scenario_loads_its_network_and_names_two_classes() {
    let mut page = Page::person();
    let names: Vec<(String, usize)> = ["Me", "Not me"].map(|it| (it.to_owned(), 0)).into();
    assert_eq!(page.classes(), names);
    assert_eq!(page.state.setup(), &page.state.default_setup());
    assert_eq!(page.state.own.file_name(), "person.tflite");
    assert!(!page.state.lacks_network());
    page.add(page.class(0), &[("a.png", None)], &[]);
    page.act(Action::WorkerLost("no luck".to_owned()));
    page.person_network_arrives();
    assert!(matches!(
        &page.requests()[..],
        [Request::Configure { .. }, Request::SetSamples { samples, .. }] if samples.len() == 1
    ));
}

#[test]
fn samples_of_both_own_scenarios_are_kept_apart() {
    let mut page = Page::person();
    page.add(page.class(1), &[("a.png", None); 2], &[]);
    // A network of one's own goes to its own scenario.
    page.open_network([2, 2, 1]);
    assert_eq!(page.state.setup().scenario, "own");
    assert_eq!(page.state.policy_text(), "-b");
    page.add(page.class(0), &[("b.png", None); 3], &[]);
    page.commands();
    page.act(Action::SetScenario("person".to_owned()));
    page.person_network_arrives();
    assert_eq!(page.classes()[1], ("Not me".to_owned(), 2));
    page.requests();
    page.act(Action::SetScenario("own".to_owned()));
    let [message] = &page.messages()[..] else {
        panic!("the network is opened again");
    };
    let Request::OpenNetwork { scenario, .. } = &message.request else {
        panic!("{message:?}");
    };
    assert_eq!(scenario, "own");
    page.tell_newest(Event::NetworkOpened(Box::new(NetworkView {
        n_layers: 2,
        input: [2, 2, 1],
        policy: "-b".to_owned(),
        ..NetworkView::default()
    })));
    assert_eq!(page.classes()[0].1, 3);
    assert_eq!(page.state.policy_text(), "-b");
}

#[test]
fn folders_take_the_place_of_given_names() {
    let mut page = Page::person();
    let images = [("1.png", Some("anna")), ("2.png", Some("boris"))];
    page.add(Target::Folders, &images, &[]);
    let names: Vec<(String, usize)> = ["anna", "boris"].map(|it| (it.to_owned(), 1)).into();
    assert_eq!(page.classes(), names);
}

#[test]
fn images_of_the_camera_are_learned_or_tried() {
    let mut page = Page::watched();
    let target = page.class(0);
    page.camera(CameraAction::Frame(target, vec![7; 4]));
    assert!(matches!(
        page.requests()[..],
        [
            Request::SetSamples { replace: false, .. },
            Request::Predict { .. }
        ]
    ));
    assert_eq!(page.classes()[0].1, 1);
    assert!(page.said(Topic::Samples).is_none());
    page.camera(CameraAction::Frame(Target::Try, vec![7; 4]));
    assert!(matches!(page.requests()[..], [Request::Predict { .. }]));
    assert_eq!(page.classes()[0].1, 1);

    page.camera(CameraAction::Stop);
    assert_eq!(page.commands(), [Command::StopCamera]);
    // An image that was under way is not taken.
    page.camera(CameraAction::Frame(target, vec![7; 4]));
    assert_eq!(page.classes()[0].1, 1);
}

#[test]
fn an_image_without_room_is_said() {
    let mut page = Page::watched();
    page.add(page.class(0), &vec![("a.png", None); 2_000], &[]);
    page.camera(CameraAction::Frame(page.class(1), vec![7; 4]));
    assert!(
        page.said(Topic::Samples)
            .is_some_and(|(_, text)| text.contains("1 sample was left out"))
    );
}

#[test]
fn the_camera_stops_where_it_is_not_wanted() {
    for action in [
        Action::SetScenario("keyboard".to_owned()),
        Action::FragmentChanged("v=1".to_owned()),
    ] {
        let mut page = Page::watched();
        page.act(action);
        assert_eq!(page.state.camera, Camera::Off);
        assert!(page.commands().contains(&Command::StopCamera));
    }
    let mut page = Page::watched();
    page.open_network([2, 2, 3]);
    assert!(page.commands().contains(&Command::StopCamera));
    // Permission that comes after the person has gone.
    let mut page = Page::person();
    page.camera(CameraAction::Use);
    page.act(Action::SetScenario("keyboard".to_owned()));
    page.commands();
    page.camera(CameraAction::Started);
    assert_eq!(page.commands(), [Command::StopCamera]);
    assert_eq!(page.state.camera, Camera::Off);
}

#[test]
fn why_there_is_no_camera_is_said_with_what_to_do() {
    for (name, part) in [
        ("NotAllowedError", "not allowed"),
        ("NotFoundError", "no camera"),
        ("NotReadableError", "another program"),
        (NO_CAMERA_HERE, "https"),
        (ENDED, "unplugged"),
        ("TypeError", "TypeError"),
    ] {
        let mut page = Page::person();
        page.camera(CameraAction::Use);
        page.camera(CameraAction::Failed(name.to_owned()));
        assert_eq!(page.state.camera, Camera::Off);
        let (kind, text) = page.said(Topic::Camera).expect("an alert");
        assert_eq!(kind, NoticeKind::Alert);
        assert!(text.contains(part) && text.contains("files"), "{text}");
        // Asked again, it is not said any more.
        page.camera(CameraAction::Use);
        assert!(page.said(Topic::Camera).is_none());
    }
}

#[test]
fn exported_files_go_where_they_were_asked_for() {
    use crate::protocol::ExportKind;

    let mut page = Page::training();
    page.commands();
    let mut export = |kind, to| {
        page.act(Action::Export {
            kind,
            with_weights: false,
            to,
        });
        page.state.newest_request
    };
    let copied = export(ExportKind::Report, Handover::Copy("report.json"));
    let painted = export(ExportKind::Map, Handover::Picture);
    let downloaded = export(ExportKind::Map, Handover::Download);
    page.commands();
    let mut exported = |id, name: &str| {
        page.tell(
            id,
            Event::Exported {
                name: name.to_owned(),
                bytes: vec![1],
            },
        );
        page.commands()
    };
    assert_eq!(exported(copied, "report.md"), []);
    assert!(matches!(
        &exported(copied, "report.json")[..],
        [Command::CopyFile { name, .. }] if name == "report.json"
    ));
    assert!(matches!(
        exported(painted, "memory-map.svg")[..],
        [Command::PaintMap { .. }]
    ));
    assert!(matches!(
        exported(downloaded, "memory-map.svg")[..],
        [Command::Download { .. }]
    ));
    for (result, kind) in [
        (Ok(()), NoticeKind::News),
        (Err("no".to_owned()), NoticeKind::Alert),
    ] {
        let name = "report.json".to_owned();
        page.act(Action::FileCopied { name, result });
        assert_eq!(page.said(Topic::Exported).expect("a notice").0, kind);
    }
}

#[test]
fn only_a_program_on_the_list_is_verified() {
    let mut page = Page::training();
    assert_eq!(page.state.is_verified(), None, "the list has not come");
    page.act(Action::VerifiedLoaded(vec!["0f".to_owned()]));
    assert_eq!(page.state.is_verified(), None, "the program is not known");
    for (sha256, is_verified) in [("0f", true), ("1f", false), ("0f", true)] {
        page.tell_newest(Event::ProgramChanged {
            sha256: sha256.to_owned(),
        });
        assert_eq!(page.state.is_verified(), Some(is_verified));
    }
    // While a plan is on its way nothing is known of it.
    page.act(Action::SetSeed(9));
    assert_eq!(page.state.is_verified(), None);
}

#[test]
fn opened_weights_are_where_training_goes_on_from() {
    let mut page = Page::training();
    page.progress(9);
    page.act(Action::OpenFile {
        name: "weights.safetensors".to_owned(),
        bytes: vec![0],
    });
    page.tell_newest(Event::Resumed { steps: 50 });
    assert_eq!(
        (page.state.step, page.state.playback),
        (50, Playback::Paused)
    );
    let (kind, text) = page.said(Topic::Opened).expect("a notice");
    assert_eq!(kind, NoticeKind::News);
    assert!(text.contains("after 50 steps"), "{text}");
}

#[test]
fn a_custom_board_begins_with_the_sizes_before_and_keeps_a_budget() {
    let mut page = Page::training();
    page.act(Action::SetDevice("stm32f746".to_owned()));
    page.act(Action::SetDevice("custom".to_owned()));
    assert_eq!(page.state.setup().device, "custom:327680:1048576:216");
    page.act(Action::SetBudget(300_000));
    page.act(Action::SetDevice("custom:327680:524288".to_owned()));
    assert_eq!(page.state.setup().budget_bytes, 300_000);
    page.act(Action::SetDevice("custom:200000:524288".to_owned()));
    assert_eq!(page.state.setup().budget_bytes, 200_000);
    page.act(Action::Undo);
    assert_eq!(page.state.setup().device, "custom:327680:524288");
    // No limit is no size to begin with.
    page.act(Action::SetDevice("unlimited".to_owned()));
    page.act(Action::SetDevice("custom".to_owned()));
    assert_eq!(page.state.setup().device, "custom:262144:1048576:216");
}

fn contributions() -> Event {
    Event::Contributions(Box::new(ContributionsView {
        n_seeds: 3,
        ..ContributionsView::default()
    }))
}

#[test]
fn painted_rows_are_one_edit_that_is_planned_at_the_end() {
    let mut page = Page::training();
    page.requests();
    let before = page.state.setup().clone();
    let half = LayerUpdate::Weights { ratio: 0.5 };
    for layer in 3..8 {
        page.act(Action::Paint {
            layer,
            update: half,
        });
    }
    assert!(page.requests().is_empty());
    assert!(page.state.planning);
    assert!((3..8).all(|layer| page.state.layer_update(layer) == half));
    page.act(Action::EndDrag);
    assert!(matches!(page.requests()[..], [Request::Configure { .. }]));
    page.act(Action::Paint {
        layer: 9,
        update: half,
    });
    page.act(Action::EndDrag);
    page.act(Action::Undo);
    assert_eq!(page.state.layer_update(9), before.policy.layers[9]);
    assert_eq!(page.state.layer_update(3), half);
    page.act(Action::Undo);
    assert_eq!(*page.state.setup(), before);
}

#[test]
fn the_budget_line_solves_the_newest_place_that_it_was_dragged_to() {
    let mut page = Page::training();
    page.tell_newest(contributions());
    page.requests();
    let before = page.state.setup().clone();
    page.act(Action::DragBudget(90_000));
    page.act(Action::DragBudget(80_000));
    page.act(Action::DragBudget(70_000));
    assert_eq!(page.state.budget_line(), 70_000);
    assert_eq!(page.state.setup(), &before, "nothing is solved yet");
    let messages = page.messages();
    let [first] = &messages[..] else {
        panic!("one question at a time: {messages:?}");
    };
    assert!(matches!(
        first.request,
        Request::Solve {
            budget_bytes: 90_000,
            ..
        }
    ));
    let solved = |letter: &str| Event::Solved {
        policy: Some(letter.repeat(before.policy.layers.len())),
        gain: Some(-0.003),
        is_measured: true,
    };
    page.tell(first.id, solved("b"));
    assert_eq!(page.state.setup().budget_bytes, 90_000);
    page.act(Action::EndDrag);
    let messages = page.messages();
    let [
        Request::Configure { .. },
        Request::Solve {
            budget_bytes: 70_000,
            before: asked,
        },
    ] = [&messages[0].request, &messages[1].request]
    else {
        panic!("the plan of what was solved, and the next question: {messages:?}");
    };
    assert_eq!(
        *asked,
        quartermeg_formats::link::policy_text(&before.policy)
    );
    page.tell(messages[1].id, solved("-"));
    page.tell_newest(Event::Planned(Box::new(plan(600))));
    let setup = page.state.setup();
    assert_eq!(setup.budget_bytes, 70_000);
    assert!(setup.policy.layers.iter().all(|it| !it.updates_bias()));
    let solution = page.state.solution().expect("it was solved");
    assert_eq!(solution.flashed.len(), before.policy.layers.len());
    let sentence = page.state.solution_text().expect("a sentence");
    assert!(sentence.contains("\u{2192} frozen"), "{sentence}");
    assert!(sentence.contains("peak \u{2212}400 B"), "{sentence}");
    assert!(
        sentence.ends_with("expected accuracy \u{2212}0.3 points, as measured"),
        "{sentence}"
    );
    // A drag that changes no layer lets nothing flash, and one is not the end of the other.
    page.messages();
    page.act(Action::DragBudget(69_000));
    let id = page.messages()[0].id;
    page.tell(id, solved("-"));
    page.act(Action::DragBudget(68_000));
    let id = page.messages().last().expect("a question").id;
    page.tell(id, solved("b"));
    page.act(Action::DragBudget(67_000));
    let id = page.messages().last().expect("a question").id;
    page.tell(id, solved("b"));
    let solution = page.state.solution().expect("it was solved");
    assert_eq!(solution.flashed.len(), before.policy.layers.len());
    page.act(Action::EndDrag);
    page.act(Action::Undo);
    page.act(Action::Undo);
    assert_eq!(*page.state.setup(), before, "a drag is one edit");
    assert_eq!(page.state.solution_text(), None);
}

#[test]
fn a_refused_solution_lets_the_budget_line_go_back() {
    let mut page = Page::training();
    page.tell_newest(contributions());
    let before = page.state.setup().clone();
    page.messages();
    page.act(Action::DragBudget(90_000));
    let id = page.messages()[0].id;
    page.act(Action::DragBudget(80_000));
    page.act(Action::EndDrag);
    assert_eq!(page.state.budget_line(), 80_000);
    let refusal = |text: &str| Event::Failed {
        message: text.to_owned(),
    };
    page.tell(id + 7, refusal("Something else was refused."));
    assert_eq!(
        page.state.budget_line(),
        80_000,
        "that was another question"
    );
    page.tell(id, refusal("There is no plan yet; try again in a moment."));
    assert_eq!(page.state.budget_line(), before.budget_bytes);
    assert_eq!(*page.state.setup(), before);
    assert!(page.said(Topic::Refusal).is_some());
    // The line can be taken hold of again.
    page.messages();
    page.act(Action::DragBudget(70_000));
    assert!(matches!(page.requests()[..], [Request::Solve { .. }]));
}

#[test]
fn without_an_analysis_the_budget_line_moves_the_budget_alone() {
    let mut page = Page::training();
    page.requests();
    let policy = page.state.setup().policy.clone();
    page.act(Action::DragBudget(70_000));
    assert!(matches!(
        page.requests()[..],
        [Request::SetDevice {
            budget_bytes: 70_000,
            ..
        }]
    ));
    assert_eq!(page.state.setup().policy, policy);
    let sentence = page.state.solution_text().expect("a sentence");
    assert!(sentence.starts_with("Accuracy not analysed yet"));
    page.act(Action::SetSeed(9));
    assert_eq!(page.state.solution_text(), None);
}

#[test]
fn a_budget_in_which_nothing_fits_keeps_the_policy() {
    let mut page = Page::training();
    page.tell_newest(contributions());
    page.requests();
    let policy = page.state.setup().policy.clone();
    page.act(Action::DragBudget(16_384));
    let id = page.messages()[0].id;
    page.tell(
        id,
        Event::Solved {
            policy: None,
            gain: None,
            is_measured: false,
        },
    );
    assert_eq!(page.state.setup().policy, policy);
    assert_eq!(page.state.setup().budget_bytes, 16_384);
    let sentence = page.state.solution_text().expect("a sentence");
    assert!(sentence.starts_with("Not even the classifier alone"));
}

#[test]
fn costs_are_stale_from_an_edit_until_the_new_ones() {
    let mut page = Page::training();
    let costs = |peak_bytes| {
        let cell = CellCost {
            peak_bytes,
            ..CellCost::default()
        };
        Event::Costs(Box::new(CostsView {
            layers: vec![[cell; CHOICES.len()]; 2],
            ..CostsView::default()
        }))
    };
    assert!(page.state.editor.costs.is_none());
    page.tell_newest(costs(5));
    assert!(!page.state.editor.costs_stale);
    page.act(Action::SetSeed(3));
    assert!(page.state.editor.costs_stale);
    page.tell(1, costs(6));
    assert!(
        page.state.editor.costs_stale,
        "these were of the plan before"
    );
    page.tell_newest(costs(7));
    assert!(!page.state.editor.costs_stale);
    let known = page.state.editor.costs.as_ref().expect("known");
    assert_eq!(known.layers[1][0].peak_bytes, 7);
}
