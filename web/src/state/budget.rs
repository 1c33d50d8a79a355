//! The budget: what fits, and what is said when something does not.

use quartermeg_formats::explain;

use super::{AppState, NoticeKind, Topic};
use crate::protocol::OverflowView;

impl AppState {
    /// Whether the budget has no limit.
    #[must_use]
    pub fn is_unlimited(&self) -> bool {
        self.setup().budget_bytes == u32::MAX
    }

    /// Whether the plan fits the budget; also when there is none yet.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.missing_bytes() == 0
    }

    /// Bytes that the budget lacks.
    #[must_use]
    pub fn missing_bytes(&self) -> u32 {
        let budget = self.setup().budget_bytes;
        self.plan()
            .map_or(0, |plan| plan.arena_bytes.saturating_sub(budget))
    }

    /// Share of the budget that the plan needs: above 1 when it does not fit.
    #[must_use]
    pub fn budget_share(&self) -> Option<f32> {
        let plan = self.plan()?;
        #[expect(clippy::cast_precision_loss, reason = "a share to draw")]
        let share = plan.arena_bytes as f32 / self.setup().budget_bytes as f32;
        Some(share)
    }

    /// Where a step ends because the plan does not fit, and what helps as far as it was found.
    #[must_use]
    pub fn overflow(&self) -> Option<&OverflowView> {
        let known = self.known_overflow.as_deref()?;
        let is_of_now = known.budget_bytes == self.setup().budget_bytes && !self.planning;
        (is_of_now && !self.fits()).then_some(known)
    }

    /// Where a step ends: `operation 17 of 80 (block3.expand: forward)`.
    #[must_use]
    pub fn overflow_op(&self) -> Option<String> {
        let (op, plan) = (self.overflow()?.op, self.plan()?);
        let name = &plan.ops.get(op as usize)?.name;
        Some(format!(
            "operation {} of {} ({name})",
            op + 1,
            plan.ops.len()
        ))
    }

    /// The sentence that says what does not fit, where, how many bytes are missing, and what
    /// helps; none where the plan fits.
    #[must_use]
    pub fn over_budget(&self) -> Option<String> {
        let plan = self.plan()?;
        if self.fits() {
            return None;
        }
        let budget = self.setup().budget_bytes;
        let needed = explain::over_budget(plan.arena_bytes, budget, self.device().name);
        let place = plan
            .ops
            .get(plan.peak_op as usize)
            .map_or_else(String::new, |op| {
                format!(
                    " Most is live at operation {} ({}).",
                    plan.peak_op + 1,
                    op.name
                )
            });
        let fitting: Vec<String> = plan
            .presets
            .iter()
            .filter(|preset| preset.arena_bytes.is_some_and(|bytes| bytes <= budget))
            .map(|preset| format!("\"{}\"", preset.name))
            .collect();
        let advice = if fitting.is_empty() {
            "No preset fits this budget.".to_owned()
        } else {
            format!("Presets that fit: {}.", fitting.join(", "))
        };
        Some(format!("{needed}{place} {advice}"))
    }

    /// Says so when the plan does not fit, takes it back when it does, and stops training.
    pub(super) fn watch_budget(&mut self) {
        let Some(sentence) = self.over_budget() else {
            self.notices.clear(Topic::Budget);
            return;
        };
        self.notices.put(NoticeKind::Alert, Topic::Budget, sentence);
        self.pause();
    }

    /// Whether the plan does not fit, which the alert then says anew.
    pub(super) fn refused_by_budget(&mut self) -> bool {
        let Some(sentence) = self.over_budget() else {
            return false;
        };
        let sentence = format!("Training cannot start. {sentence}");
        self.notices.put(NoticeKind::Alert, Topic::Budget, sentence);
        self.pause();
        true
    }
}
