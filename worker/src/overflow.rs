//! What helps a plan that does not fit its budget, tried beside everything else.

use quartermeg_core::network::Network;
use quartermeg_core::program::Program;
use quartermeg_formats::fit::Search;
use quartermeg_formats::setup::Setup;
use quartermeg_formats::{link, memory};

use quartermeg_web::protocol::{FixView, OverflowView};

/// Changes that are tried between two reports.
const TRIED_BETWEEN: u32 = 5;

/// Looks for changes of the policy.
#[derive(Debug)]
pub(crate) struct OverflowPlanner {
    search: Search,
    view: OverflowView,
    /// Whether anything was told.
    is_told: bool,
}

impl OverflowPlanner {
    /// Begins where a program does not fit. `before` is a search for the same setup with another
    /// budget.
    pub(crate) fn new<B: AsRef<[u8]>>(
        program: &Program<B>,
        network: &Network,
        setup: &Setup,
        before: Option<Self>,
    ) -> Option<Self> {
        let budget_bytes = setup.budget_bytes;
        let found = memory::overflow(program, budget_bytes)?;
        let search = match before {
            Some(before) => before.search.with_budget(network, budget_bytes),
            None => Search::new(network, &setup.policy, setup.rules, budget_bytes),
        };
        let view = OverflowView {
            budget_bytes,
            op: found.op,
            tensor: found.tensor,
            tensor_bytes: found.tensor_bytes,
            missing_bytes: found.missing_bytes,
            hole_bytes: found.hole_bytes,
            ..OverflowView::default()
        };
        Some(Self {
            search,
            view,
            is_told: false,
        })
    }

    /// Where the step ends, and what was found so far.
    #[cfg_attr(page, optimize(size))]
    fn view(&self) -> OverflowView {
        let fixes = self.search.fixes().iter().map(|fix| FixView {
            text: fix.text.clone(),
            policy: link::policy_text(&fix.policy),
            arena_bytes: fix.arena_bytes,
            lost_parameters: fix.lost_parameters,
        });
        OverflowView {
            progress: self.search.progress(),
            is_done: self.search.is_done(),
            least_bytes: self.search.least_bytes(),
            fixes: fixes.collect(),
            ..self.view.clone()
        }
    }

    /// Where the step ends, once, before anything is tried.
    pub(crate) fn begin(&mut self) -> Option<OverflowView> {
        let is_told = std::mem::replace(&mut self.is_told, true);
        (!is_told).then(|| self.view())
    }

    /// Tries one more change; what was found, where that is news.
    pub(crate) fn advance(&mut self, network: &Network) -> Option<OverflowView> {
        let (n_fixes, [n_tried, _]) = (self.search.fixes().len(), self.search.progress());
        self.search.advance(network);
        let [now, _] = self.search.progress();
        let is_news = self.search.is_done()
            || self.search.fixes().len() > n_fixes
            || now / TRIED_BETWEEN > n_tried / TRIED_BETWEEN;
        is_news.then(|| self.view())
    }

    /// Whether nothing more is tried.
    pub(crate) fn is_done(&self) -> bool {
        self.search.is_done()
    }
}
