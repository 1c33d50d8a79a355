//! What each pass of the compiler saves, worked out beside training, one plan at a time.

use quartermeg_core::network::Network;
use quartermeg_formats::setup::Setup;
use quartermeg_formats::waterfall::{self, ALL_LEFT_OUT, PASSES};
use quartermeg_formats::{describe, memory};

use quartermeg_web::protocol::PassesView;

/// Plans the setup without each choice of passes.
#[derive(Debug)]
pub(crate) struct PassesPlanner {
    setup: Setup,
    view: PassesView,
    /// Passes to leave out that are still to be planned, the last first.
    waiting: Vec<u8>,
}

impl PassesPlanner {
    /// Begins with a setup that needs a block of `arena_bytes` with every pass.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn new(setup: &Setup, arena_bytes: u32) -> Self {
        let mut view = PassesView {
            arena_bytes: vec![None; usize::from(ALL_LEFT_OUT) + 1],
            plain: Vec::new(),
        };
        view.arena_bytes[0] = Some(arena_bytes);
        // The waterfall of all passes comes first.
        let is_of_waterfall = |left_out: &u8| {
            (0..=PASSES.len()).any(|at_work| *left_out == ALL_LEFT_OUT & (ALL_LEFT_OUT << at_work))
        };
        let (first, later): (Vec<u8>, Vec<u8>) = (1..=ALL_LEFT_OUT).partition(is_of_waterfall);
        Self {
            setup: setup.clone(),
            view,
            waiting: later.into_iter().chain(first).collect(),
        }
    }

    /// Plans one more; what is known, once the waterfall of all passes is and once everything is.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn advance(&mut self, network: &Network) -> Option<PassesView> {
        let left_out = self.waiting.pop()?;
        let Setup { policy, rules, .. } = &self.setup;
        let settings = self.setup.settings();
        let planned = waterfall::compile_without(network, policy, *rules, settings, left_out);
        if let Ok(program) = planned {
            self.view.arena_bytes[usize::from(left_out)] = Some(program.meta().arena_bytes);
            if left_out == ALL_LEFT_OUT {
                let ops = (0..program.n_ops()).map(|op| program.op(op));
                let names = ops.map(|op| describe::op(&program, op).0);
                self.view.plain = names.zip(memory::live_bytes(&program)).collect();
            }
        }
        let n_later = usize::from(ALL_LEFT_OUT) - PASSES.len();
        let is_told = self.waiting.is_empty() || self.waiting.len() == n_later;
        is_told.then(|| self.view.clone())
    }

    /// Whether everything is planned.
    pub(crate) fn is_done(&self) -> bool {
        self.waiting.is_empty()
    }
}
