//! What every other choice of a layer would add or free, worked out beside training.

use quartermeg_core::compile::{Outline, outline};
use quartermeg_core::network::Network;
use quartermeg_formats::link;
use quartermeg_formats::setup::Setup;

use quartermeg_web::protocol::{CHOICES, CellCost, CostsView};

/// Plans the setup with each other choice of each layer.
#[derive(Debug)]
pub(crate) struct CostsPlanner {
    setup: Setup,
    /// What the setup itself needs; none before the first layer is planned.
    base: Option<Outline>,
    view: CostsView,
}

impl CostsPlanner {
    /// Begins with a setup that was compiled.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn new(setup: &Setup) -> Self {
        Self {
            setup: setup.clone(),
            base: None,
            view: CostsView {
                policy: link::policy_text(&setup.policy),
                ..CostsView::default()
            },
        }
    }

    /// Plans one layer more; everything, once there is no layer left.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn advance(&mut self, network: &Network) -> Option<CostsView> {
        // What compiles does so with any choice of a layer.
        let base = self.base.get_or_insert_with(|| {
            outline(network, &self.setup.policy, self.setup.rules).unwrap_or_default()
        });
        self.view.peak_bytes = base.peak_bytes;
        let layer = self.view.layers.len();
        if layer < self.setup.policy.layers.len() {
            let costs = CHOICES.map(|choice| {
                let mut policy = self.setup.policy.clone();
                policy.set(layer, choice);
                let other = outline(network, &policy, self.setup.rules).unwrap_or(*base);
                cost(base, &other)
            });
            self.view.layers.push(costs);
        }
        let is_done = self.view.layers.len() == self.setup.policy.layers.len();
        is_done.then(|| self.view.clone())
    }
}

fn cost(base: &Outline, other: &Outline) -> CellCost {
    let less = |ours: u32, theirs: u32| ours.cast_signed() - theirs.cast_signed();
    CellCost {
        peak_bytes: less(other.peak_bytes, base.peak_bytes),
        saved_bytes: less(other.saved_bytes, base.saved_bytes),
        trainable_bytes: less(other.trainable_bytes, base.trainable_bytes),
        macs_step: other.macs_step.cast_signed() - base.macs_step.cast_signed(),
    }
}
