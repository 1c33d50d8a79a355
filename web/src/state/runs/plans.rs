//! Plans of the runs that are compared, which the worker makes again to be looked at.

use super::{AppState, Shared};
use crate::protocol::{PlanView, Request};

impl AppState {
    /// The plans of A and B, or why there is none, as the end of a sentence.
    pub fn compared_plans(&self) -> [Result<Shared<PlanView>, &'static str>; 2] {
        const WAITS: &str = "its plan is on its way.";
        [self.runs.pinned, self.runs.beside].map(|id| {
            let Some(id) = id else {
                return self.live_plan().cloned().ok_or(WAITS);
            };
            match self.runs.plans.iter().find(|(run, _)| *run == id) {
                Some((_, Some(plan))) => Ok(plan.clone()),
                Some((_, None)) => Err("the network, or the version that planned it, is not here."),
                None if self.is_plannable(id) => Err(WAITS),
                None => Err("it is of another scenario; load the run to see it."),
            }
        })
    }

    /// Whether the network of a run may be there.
    fn is_plannable(&self, id: u32) -> bool {
        let run = self.runs.get(id);
        run.is_some_and(|run| run.setup().scenario == self.setup().scenario)
    }

    /// Asks for the plans of the runs that are compared, as far as the network is there.
    pub(in crate::state) fn plan_others(&mut self) {
        if self.plan.is_none() || self.runs.pinned.is_none() {
            return;
        }
        for id in [self.runs.pinned, self.runs.beside].into_iter().flatten() {
            let is_known = self.runs.plans.iter().any(|(run, _)| *run == id)
                || self.runs.asked.iter().any(|(_, run)| *run == id);
            if is_known || !self.is_plannable(id) {
                continue;
            }
            let phase = self.runs.get(id).and_then(|run| run.phases.last());
            if let Some(setup) = phase.map(|phase| phase.setup.clone()) {
                let request = self.send(Request::PlanOther { setup });
                self.runs.asked.push((request, id));
            }
        }
    }

    /// The plan of the setup has come: those that were asked for before it never will, and what
    /// could not be planned may be possible now.
    pub(in crate::state) fn plan_others_again(&mut self, id: u32) {
        self.runs.asked.retain(|(request, _)| *request > id);
        self.runs.plans.retain(|(_, plan)| plan.is_some());
        self.plan_others();
    }

    /// A plan that was asked for has come, or, without one, cannot be had.
    pub(in crate::state) fn planned_other(&mut self, request: u32, plan: Option<PlanView>) {
        let asked = &mut self.runs.asked;
        if let Some(place) = asked.iter().position(|(number, _)| *number == request) {
            let (_, id) = asked.remove(place);
            let run = self.runs.get(id);
            let is_of_run = |plan: &PlanView| run.is_some_and(|it| it.identity == plan.identity);
            let plan = plan.filter(is_of_run);
            self.remember_plan(id, plan.map(Shared::new));
        }
    }

    /// Keeps a plan beside those of the runs that are compared.
    pub(super) fn remember_plan(&mut self, id: u32, plan: Option<Shared<PlanView>>) {
        let compared = [self.runs.pinned, self.runs.beside];
        let plans = &mut self.runs.plans;
        plans.retain(|(run, _)| *run != id && compared.contains(&Some(*run)));
        plans.push((id, plan));
    }
}
