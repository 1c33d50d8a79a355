//! Changes of the setup, their undo, and what each means for the run.

use std::rc::Rc;

use quartermeg_core::device::{self, CUSTOM_ID, DEVICES};
use quartermeg_core::policy::LayerUpdate;
use quartermeg_core::quant::ChannelChoice;
use quartermeg_formats::board;
use quartermeg_formats::link::{self, Link};
use quartermeg_formats::numerics;
use quartermeg_formats::scenario;
use quartermeg_formats::setup::{
    BIAS_RATE_RANGE, BUDGET_RANGE, LEARNING_RATE_RANGE, MAX_STEPS, MOMENTUM_RANGE, RateSchedule,
    Setup,
};

use super::{AppState, File, NoticeKind, Passes, Playback, PolicyEditor, Topic, text};
use crate::protocol::Request;

/// Setups that can be gone back to.
const MAX_UNDO: usize = 100;

/// A control that edits the setup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    Scenario,
    Device,
    Budget,
    LearningRate,
    Qas,
    Seed,
    StopAfter,
    Policy,
    Paint,
    BudgetLine,
    Numerics,
    BiasRate,
    Momentum,
    Schedule,
    Head,
}

impl Control {
    /// Whether its edits come in a stream, of which undo takes back the whole.
    fn is_slider(self) -> bool {
        matches!(
            self,
            Self::Budget | Self::LearningRate | Self::Paint | Self::BudgetLine
        )
    }
}

impl AppState {
    pub(super) fn set_device(&mut self, id: &str) {
        let old = self.device();
        // A custom board begins with the sizes of the one before.
        let id = if id == CUSTOM_ID {
            let old = if self.is_unlimited() { DEVICES[0] } else { old };
            &board::custom_id(old.sram_bytes, old.flash_bytes, old.clock_mhz)
        } else {
            id
        };
        let Some(device) = device::by_id(id) else {
            return;
        };
        let is_resized = device.sram_bytes != old.sram_bytes;
        let stays_custom = device.id == CUSTOM_ID && old.id == CUSTOM_ID;
        self.edit(Control::Device, |setup| {
            id.clone_into(&mut setup.device);
            if is_resized || !stays_custom {
                setup.budget_bytes = device.sram_bytes;
            }
        });
    }

    pub(super) fn set_budget(&mut self, bytes: u32) {
        self.edit(Control::Budget, |setup| {
            setup.budget_bytes = bytes.clamp(BUDGET_RANGE[0], BUDGET_RANGE[1]);
        });
    }

    pub(super) fn set_learning_rate(&mut self, rate: f32) {
        if rate.is_finite() {
            self.edit(Control::LearningRate, |setup| {
                setup.learning_rate = rate.clamp(LEARNING_RATE_RANGE[0], LEARNING_RATE_RANGE[1]);
            });
        }
    }

    pub(super) fn set_qas(&mut self, qas: bool) {
        self.edit(Control::Qas, |setup| setup.qas = qas);
    }

    pub(super) fn set_seed(&mut self, seed: u64) {
        self.edit(Control::Seed, |setup| setup.seed = seed);
    }

    pub(super) fn set_stop_after(&mut self, steps: u32) {
        self.edit(Control::StopAfter, |setup| {
            setup.stop_after = steps.clamp(1, MAX_STEPS);
        });
    }

    pub(super) fn set_layer(
        &mut self,
        layer: usize,
        update: LayerUpdate,
        recompute: bool,
        channels: Option<ChannelChoice>,
    ) {
        self.edit(Control::Policy, |setup| {
            setup.policy.set(layer, update);
            setup.policy.set_recompute(layer, recompute);
            setup.policy.set_channels(layer, channels);
        });
    }

    pub(super) fn set_policy(&mut self, policy: &str) {
        let n_layers = self.setup().policy.layers.len();
        match link::parse_policy(policy) {
            Ok(policy) if policy.layers.len() == n_layers => {
                self.edit(Control::Policy, |setup| setup.policy = policy);
            }
            Ok(policy) => self.notices.put(
                NoticeKind::Alert,
                Topic::Refusal,
                format!(
                    "The policy has {} layers, but the network has {n_layers}; give one entry \
                     for each.",
                    policy.layers.len()
                ),
            ),
            Err(error) => self.notices.put(
                NoticeKind::Alert,
                Topic::Refusal,
                format!(
                    "The policy cannot be read at character {}; use -, b, 8, 4, 2, 1.",
                    error.position + 1
                ),
            ),
        }
    }

    pub(super) fn set_numerics(&mut self, rules: &str) {
        match numerics::parse(rules) {
            Ok(rules) => self.edit(Control::Numerics, |setup| setup.rules = rules),
            Err(error) => self.notices.put(
                NoticeKind::Alert,
                Topic::Refusal,
                quartermeg_formats::explain::numerics(&error),
            ),
        }
    }

    pub(super) fn set_bias_rate(&mut self, factor: f32) {
        if factor.is_finite() {
            self.edit(Control::BiasRate, |setup| {
                setup.bias_rate_factor = factor.clamp(BIAS_RATE_RANGE[0], BIAS_RATE_RANGE[1]);
            });
        }
    }

    pub(super) fn set_momentum(&mut self, share: f32) {
        if share.is_finite() {
            self.edit(Control::Momentum, |setup| {
                setup.momentum = share.clamp(MOMENTUM_RANGE[0], MOMENTUM_RANGE[1]);
            });
        }
    }

    pub(super) fn set_schedule(&mut self, schedule: RateSchedule) {
        self.edit(Control::Schedule, |setup| {
            setup.schedule = match schedule {
                RateSchedule::Constant => RateSchedule::Constant,
                RateSchedule::Cosine { warmup_steps } => RateSchedule::Cosine {
                    warmup_steps: warmup_steps.min(MAX_STEPS),
                },
            };
        });
    }

    pub(super) fn set_scenario(&mut self, id: &str) {
        let Some(scenario) = scenario::by_id(id) else {
            return;
        };
        if scenario.id != self.setup().scenario {
            self.edit(Control::Scenario, |setup| *setup = scenario.default_setup());
        }
    }

    /// Edits the setup; what is not a change leaves everything as it is.
    pub(super) fn edit(&mut self, control: Control, change: impl FnOnce(&mut Setup)) {
        let mut setup = self.setup().clone();
        change(&mut setup);
        if setup == *self.setup() {
            return;
        }
        if !(control.is_slider() && self.last_edit == Some(control)) {
            self.remember();
        }
        self.redo.clear();
        self.last_edit = Some(control);
        self.forget_solution();
        self.take_setup(setup);
    }

    /// Makes the current setup one to go back to.
    pub(super) fn remember(&mut self) {
        if self.undo.len() == MAX_UNDO {
            self.undo.remove(0);
        }
        self.undo.push(Rc::new(self.setup().clone()));
    }

    pub(super) fn undo_edit(&mut self) {
        if let Some(setup) = self.undo.pop() {
            self.redo.push(Rc::new(self.setup().clone()));
            self.last_edit = None;
            self.forget_solution();
            self.take_setup((*setup).clone());
        }
    }

    pub(super) fn redo_edit(&mut self) {
        if let Some(setup) = self.redo.pop() {
            self.undo.push(Rc::new(self.setup().clone()));
            self.last_edit = None;
            self.forget_solution();
            self.take_setup((*setup).clone());
        }
    }

    /// Takes over a link that came from outside.
    pub(super) fn take_link(&mut self, fragment: &str) {
        let link = self.corrected(fragment);
        self.link.hidden = link.hidden;
        self.link.locked = link.locked;
        self.replace_setup(link.setup);
    }

    /// Puts another setup in the place of the whole one, which can be gone back to.
    pub(super) fn replace_setup(&mut self, setup: Setup) {
        if setup != *self.setup() {
            self.remember();
            self.redo.clear();
            self.last_edit = None;
            self.take_setup(setup);
        }
    }

    /// Reads a link; what had to be corrected is said.
    pub(super) fn corrected(&mut self, fragment: &str) -> Link {
        let (link, corrections) = link::parse(fragment);
        if corrections.is_empty() {
            self.notices.clear(Topic::Link);
        } else {
            let sentences: Vec<String> = corrections
                .iter()
                .map(quartermeg_formats::explain::correction)
                .collect();
            self.notices
                .put(NoticeKind::News, Topic::Link, sentences.join(" "));
        }
        link
    }

    /// Takes over a setup and tells the worker what it means for the run.
    fn take_setup(&mut self, setup: Setup) {
        let old = std::mem::replace(&mut self.link.setup, setup);
        let new = &self.link.setup;
        if old.scenario != new.scenario {
            self.restart("the scenario");
            self.stop_camera();
            self.plan = None;
            self.forget_prediction();
            self.reopening = None;
            self.load_files();
            return;
        }
        if old.head != new.head {
            self.restart("the classifier");
            self.prediction = None;
            self.follow_classes();
            self.configure();
            self.send_samples();
            return;
        }
        let changed = [
            (old.policy != new.policy, "the policy"),
            (old.rules != new.rules, "the numerics"),
            (old.seed != new.seed, "the seed"),
        ];
        let reasons: Vec<&str> = changed
            .into_iter()
            .filter_map(|(differs, what)| differs.then_some(what))
            .collect();
        if reasons.is_empty() {
            self.tune(&old);
            self.watch_budget();
        } else {
            self.restart(&reasons.join(" and "));
            self.configure();
        }
    }

    /// Tells the worker what takes effect from the next step on.
    fn tune(&mut self, old: &Setup) {
        // What differs, and whether it is only where training may run.
        let new = self.setup();
        let moved = old.device != new.device || old.budget_bytes != new.budget_bytes;
        let (device, budget_bytes) = (new.device.clone(), new.budget_bytes);
        let tuned = *new
            != Setup {
                device: device.clone(),
                budget_bytes,
                ..old.clone()
            };
        let stop_after = new.stop_after;
        self.tune_live(old);
        // Before the network is there, the setup goes with the first `Configure`.
        if !self.network_loaded {
            return;
        }
        if tuned {
            let setup = self.setup_text();
            self.send(Request::Tune { setup });
            self.stop_reached = self.step >= stop_after;
        }
        if moved {
            self.send(Request::SetDevice {
                device,
                budget_bytes,
            });
        }
    }

    /// Forgets the run; training goes on from step 0 if it was on.
    pub(super) fn restart(&mut self, reason: &str) {
        if self.step > 0 {
            let lost = text::count(self.step, "step was", "steps were");
            let fate = if self.is_long() {
                "kept as a run"
            } else {
                "dropped"
            };
            self.notices.put(
                NoticeKind::News,
                Topic::Restart,
                format!("Training began again, because {reason} changed; {lost} {fate}."),
            );
        }
        if self.playback == Playback::Running {
            self.playback = Playback::Waiting;
        }
        self.forget_run();
    }

    /// Compiles the setup, once the network is there.
    pub(super) fn configure(&mut self) {
        (self.planning, self.rules_plan_stale) = (true, true);
        (self.passes.stale, self.editor.costs_stale) = (true, true);
        if self.network_loaded && !self.editor.is_painting {
            let setup = self.setup_text();
            self.run_request = self.send(Request::Configure { setup });
            self.plan_request = self.run_request;
        }
    }

    /// Fetches the files of the scenario; what is known of the old ones is forgotten.
    pub(super) fn load_files(&mut self) {
        let scenario = self.scenario();
        self.notices.clear(Topic::Files);
        self.network_loaded = false;
        self.samples = None;
        self.rules_plan = None;
        self.passes = Passes::default();
        self.editor = PolicyEditor::default();
        self.motion.view = None;
        self.leave_analysis();
        self.leave_search();
        self.leave_drift();
        // What the worker still tells is about other files.
        self.load_request = self.newest_request + 1;
        self.run_request = self.load_request;
        if scenario.is_own() {
            self.load_own(scenario);
            return;
        }
        self.planning = true;
        self.load(File::Network, scenario);
        self.load(File::Samples, scenario);
        if !scenario.contributions_path.is_empty() {
            self.load(File::Contributions, scenario);
        }
    }

    /// Link text of the setup alone.
    pub(super) fn setup_text(&self) -> String {
        link::to_fragment(&Link {
            setup: self.setup().clone(),
            hidden: Vec::new(),
            locked: Vec::new(),
        })
    }
}
