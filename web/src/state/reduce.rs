//! The reducer: one action, one new state.

use std::rc::Rc;

use super::{
    Action, AppState, Command, DrawnSample, File, MotionAction, NoticeKind, Playback, Selection,
    Shared, Topic, WorkerStatus, text,
};
use crate::protocol::{Event, FromWorker, Request, ToWorker};
use quartermeg_formats::scenario::Scenario;

/// Workers that may end before the page gives up.
const MAX_RESTARTS: u32 = 5;
/// Grey values of a drawing.
const DRAWING_PIXELS: usize =
    quartermeg_formats::image::IMAGE_EXTENT * quartermeg_formats::image::IMAGE_EXTENT;

/// The state after `action`.
pub(super) fn reduce(mut state: Rc<AppState>, action: Action) -> Rc<AppState> {
    let fragment = state.fragment();
    let new = Rc::make_mut(&mut state);
    new.news = new.news.wrapping_add(u32::from(is_news(&action)));
    new.take(action);
    let changed = new.fragment();
    if changed != fragment {
        new.outbox.push(Command::WriteFragment(changed));
    }
    state
}

/// Whether more has happened than that training has gone on, or that commands were carried out.
fn is_news(action: &Action) -> bool {
    !matches!(
        action,
        Action::Done(_)
            | Action::Worker(FromWorker {
                event: Event::Progress(_) | Event::Accuracy { .. },
                ..
            })
    )
}

impl AppState {
    fn take(&mut self, action: Action) {
        match action {
            Action::Play => self.play(),
            Action::Pause => self.pause(),
            Action::Step => self.inspect(Request::Step),
            Action::NextOperation => self.inspect(Request::NextOperation),
            Action::PreviousOperation => self.inspect(Request::PreviousOperation),
            Action::Seek(op) => self.inspect(Request::Seek(op)),
            Action::SeekPeak => {
                if let Some(peak) = self.plan().map(|plan| plan.peak_op) {
                    self.selection.op = Some(peak);
                    self.inspect(Request::Seek(peak + 1));
                }
            }
            Action::Reset => self.reset(),
            Action::SetSpeed(speed) => {
                self.speed = speed;
                if self.playback == Playback::Running {
                    self.playback_request = self.send(Request::Play(speed));
                }
            }

            Action::SetScenario(id) => self.set_scenario(&id),
            Action::SetDevice(id) => self.set_device(&id),
            Action::SetBudget(bytes) => self.set_budget(bytes),
            Action::SetLearningRate(rate) => self.set_learning_rate(rate),
            Action::SetQas(qas) => self.set_qas(qas),
            Action::SetSeed(seed) => self.set_seed(seed),
            Action::SetStopAfter(steps) => self.set_stop_after(steps),
            Action::SetLayer {
                layer,
                update,
                recompute,
                channels,
            } => self.set_layer(layer, update, recompute, channels),
            Action::Paint { layer, update } => self.paint(layer, update),
            Action::DragBudget(bytes) => self.drag_budget(bytes),
            Action::EndDrag => self.end_drag(),
            Action::SetPolicy(policy) => self.set_policy(&policy),
            Action::SetNumerics(rules) => self.set_numerics(&rules),
            Action::SetBiasRate(factor) => self.set_bias_rate(factor),
            Action::SetMomentum(share) => self.set_momentum(share),
            Action::SetSchedule(schedule) => self.set_schedule(schedule),
            Action::Undo => self.undo_edit(),
            Action::Redo => self.redo_edit(),

            Action::SelectOp(op) => self.selection.op = op,
            Action::SelectTensor(tensor) => self.selection.tensor = tensor,
            Action::SelectLayer(layer) => self.selection.layer = layer,
            Action::LeaveOut(left_out) => self.leave_out(left_out),
            Action::CloseImported => {
                self.imported = None;
                self.selection = Selection::default();
            }
            Action::SetPanelHidden { panel, hidden } => {
                put(
                    &mut self.link.hidden,
                    &quartermeg_formats::link::PANELS,
                    &panel,
                    hidden,
                );
            }
            Action::SetControlLocked { control, locked } => {
                put(
                    &mut self.link.locked,
                    &quartermeg_formats::link::LOCKS,
                    &control,
                    locked,
                );
            }
            Action::Dismiss(id) => self.notices.dismiss(id),

            Action::Classify(pixels) => {
                if self.plan.is_some() && pixels.len() == DRAWING_PIXELS {
                    self.classify_request = self.send(Request::Classify(pixels));
                }
            }
            Action::ClearPrediction => self.forget_prediction(),
            Action::AddSample { pixels, label } => self.add_sample(pixels, label),
            Action::Motion(action) => self.take_motion(action),
            Action::Own(action) => self.take_own(action),
            Action::Camera(action) => self.take_camera(action),
            Action::Runs(action) => self.take_runs(action),
            Action::Analysis(action) => self.take_analysis(action),
            Action::Search(action) => self.take_search(action),
            Action::Drift(action) => self.take_drift(action),

            Action::CheckExport { with_weights } => self.check_export(with_weights),
            Action::Export {
                kind,
                with_weights,
                to,
            } => self.start_export(kind, with_weights, to),
            Action::FileCopied { name, result } => self.file_copied(&name, result),
            Action::OpenFile { name, bytes } if self.is_recording(&name) => {
                self.take_motion(MotionAction::Open { name, bytes });
            }
            Action::OpenFile { name, bytes } => {
                self.notices.clear(Topic::Opened);
                self.open_file(name, bytes);
            }
            Action::CopyLink => {
                let fragment = self.fragment();
                self.outbox.push(Command::CopyLink(fragment));
            }
            Action::LinkCopied(result) => self.link_copied(result),
            Action::Alert(sentence) => {
                self.notices
                    .put(NoticeKind::Alert, Topic::Refusal, sentence);
            }

            Action::Started { fragment, calm } => {
                self.link = self.corrected(&fragment);
                self.load_files();
                self.recall_left();
                self.recall_left_search();
                if !calm && !self.is_own() {
                    self.playback = Playback::Waiting;
                }
            }
            Action::FragmentChanged(fragment) => self.take_link(&fragment),
            Action::VerifiedLoaded(list) => self.verified = Some(Shared::new(list)),
            Action::FileLoaded(file) => self.file_loaded(file),
            Action::FileFailed { file, message } => self.file_failed(file, message),
            Action::Worker(message) => self.worker_told(message),
            Action::WorkerLost(reason) => self.worker_lost(&reason),
            Action::Done(number) => self.outbox.done(number),
        }
    }

    // -- Requests ------------------------------------------------------------------------------

    /// Sends a request and returns its number.
    pub(super) fn send(&mut self, request: Request) -> u32 {
        self.newest_request += 1;
        let id = self.newest_request;
        self.outbox
            .push(Command::Send(Shared::new(ToWorker { id, request })));
        id
    }

    /// Fetches a file for the worker.
    pub(super) fn load(&mut self, file: File, scenario: &'static Scenario) -> u32 {
        self.newest_request += 1;
        let id = self.newest_request;
        let path = match file {
            File::Network | File::OwnNetwork => scenario.network_path,
            File::Samples => scenario.samples_path,
            File::Contributions => scenario.contributions_path,
        };
        self.outbox.push(Command::Load {
            file,
            scenario: scenario.id,
            path: path.to_owned(),
            id,
        });
        id
    }

    // -- Transport -----------------------------------------------------------------------------

    fn play(&mut self) {
        if self.stop_reached {
            let stop_after = self.setup().stop_after;
            self.notices.put(
                NoticeKind::News,
                Topic::Refusal,
                format!(
                    "Training stopped after {}, as was set. Raise \"Stop after steps\" to go \
                     on, or press Reset to begin again.",
                    text::count(stop_after, "step", "steps")
                ),
            );
            return;
        }
        if self.refused_by_budget() || self.refused_without_samples() {
            return;
        }
        self.playback = Playback::Waiting;
        self.start_if_waiting();
    }

    /// Starts training that waits, as soon as it can.
    pub(super) fn start_if_waiting(&mut self) {
        if self.playback == Playback::Waiting && self.can_train() {
            self.playback = Playback::Running;
            self.weights_digest = Rc::from("");
            self.sample = None;
            self.playback_request = self.send(Request::Play(self.speed));
        }
    }

    pub(super) fn pause(&mut self) {
        if self.playback == Playback::Running {
            self.playback_request = self.send(Request::Pause);
        }
        self.playback = Playback::Paused;
    }

    /// A request that looks into a step; it pauses training.
    fn inspect(&mut self, request: Request) {
        if self.refused_by_budget() || self.refused_without_samples() {
            return;
        }
        if !self.can_train() {
            self.notices.put(
                NoticeKind::News,
                Topic::Refusal,
                "Network and samples are still on their way; try again in a moment.".to_owned(),
            );
            return;
        }
        self.playback = Playback::Paused;
        self.playback_request = self.send(request);
    }

    fn reset(&mut self) {
        self.playback = Playback::Paused;
        self.notices.clear(Topic::Restart);
        self.forget_run();
        if self.plan.is_some() && !self.planning {
            self.run_request = self.send(Request::Reset);
            self.playback_request = self.run_request;
        }
    }

    /// Forgets all that this run has brought, once it is kept to be compared.
    pub(super) fn forget_run(&mut self) {
        self.end_live();
        self.forget_live();
        (self.step, self.op, self.loss) = (0, 0, None);
        self.steps_per_second = 0.0;
        self.weights_digest = Rc::from("");
        self.sample = None;
        self.stop_reached = false;
        self.losses.clear();
        self.accuracies.clear();
        self.updates.clear();
        self.notices.clear(Topic::Refusal);
    }

    // -- Drawing -------------------------------------------------------------------------------

    /// The answer to a question that is still on its way is not wanted any more.
    pub(super) fn forget_prediction(&mut self) {
        self.classify_request = self.newest_request + 1;
        (self.prediction, self.motion.before) = (None, None);
    }

    fn add_sample(&mut self, pixels: Vec<u8>, label: u32) {
        if self.samples.is_none() || pixels.len() != DRAWING_PIXELS {
            return;
        }
        self.drawn.update(|drawn| {
            drawn.push(DrawnSample {
                pixels: pixels.clone(),
                label,
            });
        });
        self.send(Request::AddSample { pixels, label });
    }

    // -- Files and links -----------------------------------------------------------------------

    fn link_copied(&mut self, result: Result<(), String>) {
        match result {
            Ok(()) => self.notices.put(
                NoticeKind::News,
                Topic::Link,
                "The link was copied. It carries scenario, device, settings and policy, but \
                 nothing that was drawn or trained."
                    .to_owned(),
            ),
            Err(reason) => self.notices.put(
                NoticeKind::Alert,
                Topic::Link,
                format!("The link could not be copied ({reason}); copy it from the address bar."),
            ),
        }
    }

    fn file_loaded(&mut self, file: File) {
        if file == File::Network && !self.is_own() {
            self.network_loaded = true;
            self.configure();
            self.reopen();
        }
    }

    fn file_failed(&mut self, file: File, message: String) {
        if file == File::Contributions {
            // Nothing needs them but the budget line, which then says that they are missing.
            return;
        }
        self.notices.put(NoticeKind::Alert, Topic::Files, message);
        if file != File::Samples {
            self.planning = false;
            self.reopening = None;
        }
        self.playback = Playback::Paused;
    }

    // -- Worker --------------------------------------------------------------------------------

    /// Starts another worker and gives it all that the old one had.
    pub(super) fn worker_lost(&mut self, reason: &str) {
        if self.worker == WorkerStatus::Gone {
            return;
        }
        let was_on = self.playback.is_on();
        let lost = if self.step == 0 {
            String::new()
        } else {
            format!(
                " {} lost;",
                text::count(self.step, "step was", "steps were")
            )
        };
        self.forget_run();
        self.playback = Playback::Paused;
        self.prediction = None;
        self.restarts += 1;
        if self.restarts > MAX_RESTARTS {
            self.worker = WorkerStatus::Gone;
            self.planning = false;
            self.notices.put(
                NoticeKind::Alert,
                Topic::Worker,
                format!(
                    "The part of the page that trains has failed {MAX_RESTARTS} times \
                     ({reason}). Your settings are in the address bar; load the page again."
                ),
            );
            return;
        }
        let advice = if was_on {
            " Press Play to train again."
        } else {
            ""
        };
        self.notices.put(
            NoticeKind::Alert,
            Topic::Worker,
            format!(
                "The part of the page that trains has failed ({reason}) and was started \
                 again;{lost} your settings, drawings and samples are kept.{advice}"
            ),
        );
        self.worker = WorkerStatus::Restarting;
        // Requests that still wait were meant for the worker that is gone.
        self.outbox.drop_requests();
        self.outbox.push(Command::RestartWorker);
        self.load_files();
    }

    /// Gives what a person added to a worker that has just read the samples of the scenario.
    pub(super) fn send_drawn(&mut self) {
        if self.is_motion() {
            self.send_recordings();
            return;
        }
        let drawn = self.drawn.clone();
        for sample in drawn.iter() {
            self.send(Request::AddSample {
                pixels: sample.pixels.clone(),
                label: sample.label,
            });
        }
    }
}

/// Puts a known name into a list or takes it out.
fn put(list: &mut Vec<String>, known: &[&str], name: &str, wanted: bool) {
    list.retain(|entry| entry != name);
    if wanted && known.contains(&name) {
        list.push(name.to_owned());
    }
}
