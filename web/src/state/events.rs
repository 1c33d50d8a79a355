//! What the worker tells, and what becomes of it.

use std::rc::Rc;

use super::history::add_accuracy;
use super::policy::Expected;
use super::{
    AccuracyPoint, AppState, Command, Imported, MotionAction, NoticeKind, Playback, SampleCounts,
    Selection, Shared, Topic, WorkerStatus,
};
use crate::protocol::{Batch, Event, FromWorker, Position};

impl AppState {
    pub(super) fn worker_told(&mut self, message: FromWorker) {
        let FromWorker { id, event } = message;
        // Events of a run that is over are let go by.
        let current = id >= self.run_request;
        match event {
            Event::Ready { build, simd } => {
                if build != crate::build::ID {
                    self.notices.put(
                        NoticeKind::Alert,
                        Topic::Worker,
                        format!(
                            "The page is of version {}, the part of it that trains of version \
                             {build}; load the page again.",
                            crate::build::ID
                        ),
                    );
                }
                self.outbox.push(Command::MarkReady {
                    build: build.clone(),
                    simd,
                });
                self.worker = WorkerStatus::Ready { build, simd };
            }
            Event::Planned(plan) if current => {
                self.planning = false;
                self.program_sha256 = Rc::from("");
                self.plan = Some(Shared::new(*plan));
                self.known_overflow = None;
                self.drop_lost_selection();
                self.plan_without();
                self.plan_others_again(id);
                self.watch_budget();
                self.start_if_waiting();
                self.resume_analysis();
                self.resume_search();
            }
            Event::RulesPlanned(plans) if id >= self.plan_request => {
                self.rules_plan = Some(Shared::new(*plans));
                self.rules_plan_stale = false;
            }
            Event::PassesPlanned(view) if id >= self.plan_request => {
                self.passes.view = Some(Shared::new(*view));
                self.passes.stale = false;
            }
            Event::Costs(view) if id >= self.plan_request => {
                self.editor.costs = Some(Shared::new(*view));
                self.editor.costs_stale = false;
            }
            Event::Contributions(view) if id >= self.load_request => {
                self.editor.contributions = (view.n_seeds > 0).then(|| Shared::new(*view));
                self.editor.are_foreign = false;
                self.resume_search();
            }
            Event::ContributionsOrigin { is_same } if id >= self.load_request => {
                self.editor.are_foreign = !is_same;
            }
            Event::Solved {
                policy,
                gain,
                is_measured,
            } => self.solved(id, policy.as_deref(), Expected { gain, is_measured }),
            Event::PlannedWithout { left_out, plan } if id >= self.plan_request => {
                self.planned_without(left_out, *plan);
            }
            Event::PlannedOther(plan) => self.planned_other(id, Some(*plan)),
            Event::Overflow(view) if id >= self.plan_request => {
                self.known_overflow = Some(Shared::new(*view));
            }
            Event::Analysis(view) => self.analysis_told(id, *view),
            Event::Search(view) => self.search_told(id, *view),
            Event::Drift(view) => self.drift_told(id, *view),
            Event::DriftPreview(preview) => self.drift_previewed(id, *preview),
            Event::Timeline { plan, n_overlaps } => {
                self.imported = Some(Imported {
                    plan: Shared::new(*plan),
                    n_overlaps,
                });
                self.selection = Selection::default();
                self.notices.put(
                    NoticeKind::News,
                    Topic::Opened,
                    "The training graph was opened: the memory map shows its schedule, and \
                     training goes on as it was."
                        .to_owned(),
                );
            }
            Event::SamplesReady { n_learn, n_test } if id >= self.load_request => {
                self.samples = (n_learn > 0).then_some(SampleCounts {
                    n_learn,
                    n_drawn: 0,
                    n_test,
                });
                if !self.is_own() {
                    self.send_drawn();
                }
                self.start_if_waiting();
                self.resume_analysis();
                self.resume_search();
            }
            Event::Motion(view) if id >= self.load_request => {
                self.motion.view = Some(Shared::new(*view));
                let (source, window) = (self.motion.source, self.motion.window);
                self.take_motion(MotionAction::Show { source, window });
            }
            Event::RecordingRead { name, windows } => self.recording_read(name, windows),
            Event::PredictionBefore { class, probability } if id >= self.classify_request => {
                self.motion.before = Some((class, probability));
            }
            Event::OtherScenario { scenario } => self.open_elsewhere(id, &scenario),
            Event::NetworkOpened(view) => self.network_opened(id, *view),
            Event::SamplesRead(samples) => self.samples_read(id, samples),
            Event::Progress(batch) if current => self.take_batch(*batch),
            Event::Position(position) if current => self.take_position(id, *position),
            Event::Accuracy {
                step,
                correct,
                total,
            } if current => {
                let point = AccuracyPoint {
                    step,
                    correct,
                    total,
                };
                self.accuracies.update(|points| add_accuracy(points, point));
                self.refresh_kept();
            }
            Event::Prediction { probabilities } if id >= self.classify_request => {
                self.prediction = Some(Shared::new(probabilities));
            }
            Event::SampleAdded { n_learn } => {
                if let Some(samples) = &mut self.samples {
                    samples.n_drawn += n_learn.saturating_sub(samples.n_learn);
                    samples.n_learn = n_learn;
                }
            }
            Event::Exported { name, bytes } => self.exported(id, name, bytes),
            Event::ExportChecked(view) => self.export = Some(Shared::new(*view)),
            Event::ProgramChanged { sha256 } if current => {
                self.program_sha256 = Rc::from(sha256);
            }
            Event::Resumed { steps } => self.take_resumed(id, steps),
            Event::Opened {
                setup,
                resumed_at,
                notes,
            } => {
                self.take_opened(id, &setup, resumed_at, notes);
            }
            Event::Failed { message } => self.take_refusal(id, message),
            Event::Crashed { message } => self.worker_lost(&message),
            Event::Planned(_)
            | Event::SamplesReady { .. }
            | Event::Motion(_)
            | Event::RulesPlanned(_)
            | Event::PassesPlanned(_)
            | Event::Costs(_)
            | Event::Contributions(_)
            | Event::ContributionsOrigin { .. }
            | Event::PlannedWithout { .. }
            | Event::Overflow(_)
            | Event::ProgramChanged { .. }
            | Event::Progress(_)
            | Event::Position(_)
            | Event::Accuracy { .. }
            | Event::Prediction { .. }
            | Event::PredictionBefore { .. } => {}
        }
    }

    fn take_batch(&mut self, batch: Batch) {
        self.step = batch.step;
        self.op = batch.op;
        if let Some(&(_, loss)) = batch.losses.last() {
            self.loss = Some(loss);
        }
        if !batch.losses.is_empty() {
            self.losses.update(|losses| losses.extend(&batch.losses));
        }
        if !batch.losses.is_empty() {
            let setup = &self.link.setup;
            self.effects.update(|effects| effects.take(setup, &batch));
        }
        if !batch.updates.is_empty() {
            self.updates = Shared::new(batch.updates);
        }
        if self.playback == Playback::Running {
            self.steps_per_second = batch.steps_per_second;
        }
        self.follow_live();
    }

    fn take_position(&mut self, id: u32, position: Position) {
        if let Some(batch) = position.batch {
            self.take_batch(batch);
        }
        self.step = position.step;
        self.op = position.op;
        self.loss = position.loss;
        self.stop_reached = position.stop_reached;
        let stopped = id >= self.playback_request && !position.running;
        if stopped && self.playback == Playback::Running {
            self.playback = Playback::Paused;
        }
        if self.playback != Playback::Running {
            self.weights_digest = Rc::from(position.weights_digest);
            self.sample = position.sample.map(Shared::new);
        }
        self.follow_live();
        if self.stop_reached {
            self.end_live();
        }
    }

    fn take_opened(&mut self, id: u32, setup: &str, resumed_at: Option<u32>, notes: Vec<String>) {
        let (link, _) = quartermeg_formats::link::parse(setup);
        self.remember();
        self.redo.clear();
        self.last_edit = None;
        if link.setup.scenario != self.setup().scenario {
            self.stop_camera();
        }
        self.link.setup = link.setup;
        self.follow_classes();
        self.forget_run();
        self.notices.clear(Topic::Restart);
        self.playback = Playback::Paused;
        (self.run_request, self.playback_request) = (id, id);
        (self.planning, self.plan_request, self.rules_plan_stale) = (true, id, true);
        self.passes.stale = true;
        self.imported = None;
        self.step = resumed_at.unwrap_or(0);
        self.runs.began_at = self.step;
        let mut sentences = vec![match resumed_at {
            Some(step) => format!(
                "The file was opened: settings, policy and trained weights after {}.",
                super::text::count(step, "step", "steps")
            ),
            None => "The file was opened: settings and policy, without trained weights.".into(),
        }];
        sentences.extend(notes);
        self.notices
            .put(NoticeKind::News, Topic::Opened, sentences.join(" "));
    }

    /// The weights that were opened are those of the plan that is there.
    fn take_resumed(&mut self, id: u32, steps: u32) {
        self.forget_run();
        self.notices.clear(Topic::Restart);
        self.playback = Playback::Paused;
        (self.run_request, self.playback_request) = (id, id);
        self.step = steps;
        self.runs.began_at = steps;
        self.notices.put(
            NoticeKind::News,
            Topic::Opened,
            format!(
                "The trained weights were opened; training goes on after {}.",
                super::text::count(steps, "step", "steps")
            ),
        );
    }

    /// The file that was opened is of another scenario: it is opened again once that one's network
    /// is there.
    fn open_elsewhere(&mut self, id: u32, scenario: &str) {
        let file = self.own.opening(id);
        self.pause();
        self.set_scenario(scenario);
        self.notices.clear(Topic::Restart);
        match file {
            // The network has come meanwhile.
            Some((name, bytes)) if self.network_loaded => self.open_file(name, bytes),
            file => self.reopening = file,
        }
    }

    /// Opens the file that waited for the network that is there now.
    pub(super) fn reopen(&mut self) {
        if let Some((name, bytes)) = self.reopening.take() {
            self.open_file(name, bytes);
        }
    }

    fn take_refusal(&mut self, id: u32, message: String) {
        if self.refused_own(id, &message) || self.refused_drift(id, &message) {
            return;
        }
        self.planned_other(id, None);
        self.refused_solution(id);
        self.refused_analysis(id);
        self.refused_search(id);
        if id == self.run_request {
            self.planning = false;
        }
        if id == self.playback_request || id == self.run_request {
            self.pause();
        }
        let message = if id == self.run_request && self.leave_linked_policy() {
            format!("{message} The link's policy was left out; the usual one is there instead.")
        } else {
            message
        };
        self.notices.put(NoticeKind::Alert, Topic::Refusal, message);
    }

    /// Takes the usual policy where the first that came, with a link, cannot be planned: without
    /// any plan there is nothing to go on with.
    fn leave_linked_policy(&mut self) -> bool {
        let usual = self.default_setup().policy;
        let is_first = self.plan.is_none() && self.network_loaded && !self.is_own_network();
        let leaves = is_first && self.setup().policy != usual;
        if leaves {
            self.link.setup.policy = usual;
            self.configure();
        }
        leaves
    }

    /// What was pointed at may not be there any more.
    fn drop_lost_selection(&mut self) {
        let Some(plan) = self.shown_plan() else {
            return;
        };
        let keep = |index: Option<u32>, len: usize| index.filter(|&index| (index as usize) < len);
        self.selection = Selection {
            op: keep(self.selection.op, plan.ops.len()),
            tensor: keep(self.selection.tensor, plan.tensors.len()),
            layer: keep(self.selection.layer, plan.layers.len()),
        };
    }
}
