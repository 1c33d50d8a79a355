//! Selectors: what the page shows, worked out from the state.

use quartermeg_core::device::{self, Device};
use quartermeg_core::policy::LayerUpdate;
use quartermeg_formats::link;
use quartermeg_formats::scenario::{self, Scenario};
use quartermeg_formats::setup::Setup;

use super::{AccuracyPoint, AppState, Imported, Shared, text};
use crate::protocol::{LayerView, OpView, PlanView, PresetView};

impl AppState {
    /// What the person chose.
    #[must_use]
    pub fn setup(&self) -> &Setup {
        &self.link.setup
    }

    /// The plan, if there is one.
    #[must_use]
    pub fn plan(&self) -> Option<&PlanView> {
        self.plan.as_deref()
    }

    /// What the memory map shows: a schedule from a file, the plan without some passes, or else
    /// the plan.
    #[must_use]
    pub fn shown_plan(&self) -> Option<&Shared<PlanView>> {
        let imported = self.imported.as_ref().map(|imported| &imported.plan);
        let without = self.passes.plan.as_ref().map(|(_, plan)| plan);
        imported.or(without).or(self.plan.as_ref())
    }

    /// The chosen scenario.
    #[must_use]
    pub fn scenario(&self) -> &'static Scenario {
        scenario::by_id(&self.setup().scenario).unwrap_or(&scenario::SCENARIOS[0])
    }

    /// The chosen device.
    #[must_use]
    pub fn device(&self) -> Device {
        device::by_id(&self.setup().device).unwrap_or(device::DEVICES[0])
    }

    /// What a newcomer meets in the chosen scenario.
    #[must_use]
    pub fn default_setup(&self) -> Setup {
        let mut setup = self.scenario().default_setup();
        if self.is_own_network() {
            setup.policy = self.own.default_policy();
        }
        setup
    }

    /// Names of the classes.
    #[must_use]
    pub fn class_names(&self) -> Vec<String> {
        if self.is_own() {
            return self
                .own_classes()
                .iter()
                .map(|it| it.name.clone())
                .collect();
        }
        if let Some(view) = &self.motion.view {
            return view.class_names.clone();
        }
        self.plan()
            .map_or_else(Vec::new, |plan| plan.classes.clone())
    }

    /// Whether a link has locked this control ([`link::LOCKS`]).
    #[must_use]
    pub fn is_locked(&self, control: &str) -> bool {
        self.link.locked.iter().any(|locked| locked == control)
    }

    /// Whether a link has hidden this panel ([`link::PANELS`]).
    #[must_use]
    pub fn is_hidden(&self, panel: &str) -> bool {
        self.link.hidden.iter().any(|hidden| hidden == panel)
    }

    /// Whether a setup can be gone back to.
    #[must_use]
    pub fn can_undo(&self) -> bool {
        !self.undo.is_empty()
    }

    /// Whether a setup can be gone forward to.
    #[must_use]
    pub fn can_redo(&self) -> bool {
        !self.redo.is_empty()
    }

    /// Whether plan and samples are there and the plan fits, so that training can run.
    #[must_use]
    pub fn can_train(&self) -> bool {
        self.plan.is_some() && self.samples.is_some() && !self.planning && self.fits()
    }

    /// Whether there may be an operation to undo.
    #[must_use]
    pub fn can_go_back(&self) -> bool {
        self.can_train() && (self.op > 0 || self.step > 0)
    }

    /// What a convolution updates (index from 0).
    #[must_use]
    pub fn layer_update(&self, layer: usize) -> LayerUpdate {
        self.setup()
            .policy
            .layers
            .get(layer)
            .copied()
            .unwrap_or_default()
    }

    /// Link text of the chosen policy.
    #[must_use]
    pub fn policy_text(&self) -> String {
        link::policy_text(&self.setup().policy)
    }

    /// The preset that the chosen policy is, if it is one.
    #[must_use]
    pub fn preset(&self) -> Option<&PresetView> {
        let policy = self.policy_text();
        self.plan()?
            .presets
            .iter()
            .find(|preset| preset.policy == policy)
    }

    /// Index of the operation that ran last, inside a step; none between steps.
    #[must_use]
    pub fn play_head(&self) -> Option<u32> {
        self.op.checked_sub(1)
    }

    /// The operation at the play head.
    #[must_use]
    pub fn current_op(&self) -> Option<&OpView> {
        self.plan()?.ops.get(self.play_head()? as usize)
    }

    /// The convolution that is pointed at.
    #[must_use]
    pub fn selected_layer(&self) -> Option<&LayerView> {
        self.plan()?.layers.get(self.selection.layer? as usize)
    }

    /// The newest accuracy.
    #[must_use]
    pub fn accuracy(&self) -> Option<AccuracyPoint> {
        self.accuracies.last().copied()
    }

    /// The most probable class of the drawing, and its probability.
    #[must_use]
    pub fn predicted_class(&self) -> Option<(usize, f32)> {
        let probabilities = self.prediction.as_ref()?;
        let best = quartermeg_core::session::largest(probabilities);
        probabilities
            .get(best)
            .map(|&probability| (best, probability))
    }

    /// Fragment of the share link, without `#`; empty for the default.
    #[must_use]
    pub fn fragment(&self) -> String {
        link::to_fragment(&self.link)
    }

    // -- Numbers as they are shown -------------------------------------------------------------

    /// "Steps": `1,234`.
    #[must_use]
    pub fn steps_text(&self) -> String {
        text::number(u64::from(self.step))
    }

    /// "Operation": `17 of 80: block3.expand: forward`; empty between steps.
    #[must_use]
    pub fn operation_text(&self) -> String {
        match (self.plan(), self.current_op()) {
            (Some(plan), Some(op)) => {
                format!("{} of {}: {}", self.op, plan.ops.len(), op.name)
            }
            _ => String::new(),
        }
    }

    /// "Loss": `0.1234`.
    #[must_use]
    pub fn loss_text(&self) -> String {
        self.loss.map_or_else(unknown, text::loss)
    }

    /// "Accuracy": `87.5 % (263 of 300)`.
    #[must_use]
    pub fn accuracy_text(&self) -> String {
        self.accuracy().map_or_else(unknown, |point| {
            format!(
                "{} ({} of {})",
                text::percent(point.share()),
                text::number(u64::from(point.correct)),
                text::number(u64::from(point.total)),
            )
        })
    }

    /// "Peak memory": `123.4 KiB (126,362 B)`.
    #[must_use]
    pub fn peak_text(&self) -> String {
        self.plan()
            .map_or_else(unknown, |plan| text::bytes(u64::from(plan.arena_bytes)))
    }

    /// What the schedule from a file is; empty where there is none.
    #[must_use]
    pub fn imported_text(&self) -> String {
        let Some(Imported { plan, n_overlaps }) = &self.imported else {
            return String::new();
        };
        let count = u32::try_from(plan.ops.len()).unwrap_or(u32::MAX);
        let overlaps = match n_overlaps {
            0 => String::new(),
            1 => " 1 pair of tensors shares bytes while both are live, as in the released \
                  placement."
                .to_owned(),
            n => format!(
                " {} pairs of tensors share bytes while both are live, as in the released \
                 placement.",
                text::number(u64::from(*n))
            ),
        };
        format!(
            "TinyEngine's released schedule, re-created: {}, peak {} B in operation {}, \
             arena {} B.{overlaps}",
            text::count(count, "operation", "operations"),
            text::number(u64::from(plan.lower_bound_bytes)),
            text::number(u64::from(plan.peak_op) + 1),
            text::number(u64::from(plan.arena_bytes)),
        )
    }

    /// The budget: `256.0 KiB (262,144 B)`, or `no limit`.
    #[must_use]
    pub fn budget_text(&self) -> String {
        if self.is_unlimited() {
            return "no limit".to_owned();
        }
        text::bytes(u64::from(self.setup().budget_bytes))
    }

    /// "Steps per second": `512`, as measured last.
    #[must_use]
    pub fn speed_text(&self) -> String {
        if self.steps_per_second < 10.0 {
            return format!("{:.1}", self.steps_per_second);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a positive rate, rounded for people"
        )]
        let rate = self.steps_per_second.round() as u64;
        text::number(rate)
    }

    /// Samples to learn from and to measure on, in words.
    #[must_use]
    pub fn samples_text(&self) -> String {
        if self.is_own() {
            return self.own_samples_text();
        }
        let Some(samples) = self.samples else {
            return "Samples are on their way".to_owned();
        };
        let own = if samples.n_drawn == 0 {
            String::new()
        } else {
            format!(
                " ({} {} by you)",
                text::number(u64::from(samples.n_drawn)),
                if self.is_motion() { "brought" } else { "drawn" }
            )
        };
        format!(
            "{} to learn from{own}, {} to measure on",
            text::number(u64::from(samples.n_learn)),
            text::number(u64::from(samples.n_test)),
        )
    }
}

fn unknown() -> String {
    text::UNKNOWN.to_owned()
}
