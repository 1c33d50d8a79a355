//! What other numerics would need, worked out beside training, one choice at a time.

use quartermeg_core::network::{Network, NodeKind};
use quartermeg_core::quant::{ClassifierType, DEAD_CHANNEL_SCALE, Rules, UpdateRule};
use quartermeg_formats::numerics::{self, PROFILES, RULES};
use quartermeg_formats::setup::Setup;

use crate::plan;
use quartermeg_web::protocol::RulesView;

/// Plans the setup under all rules that are one choice away.
#[derive(Debug)]
pub(crate) struct RulesPlanner {
    setup: Setup,
    /// Size of the block under the rules of the setup.
    arena_bytes: u32,
    /// Rules and the size of the block under them.
    known: Vec<(Rules, Option<u32>)>,
    /// Rules that are still to be planned.
    waiting: Vec<Rules>,
}

impl RulesPlanner {
    /// Begins with a setup that needs a block of `arena_bytes`.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn new(setup: &Setup, arena_bytes: u32) -> Self {
        let mut waiting: Vec<Rules> = Vec::new();
        let profiles = PROFILES.iter().map(|profile| profile.rules);
        let choices = (0..RULES.len()).flat_map(|rule| choices_of(setup.rules, rule));
        for rules in profiles.chain(choices.flatten()) {
            if rules != setup.rules && !waiting.contains(&rules) {
                waiting.push(rules);
            }
        }
        Self {
            setup: setup.clone(),
            arena_bytes,
            known: vec![(setup.rules, Some(arena_bytes))],
            waiting,
        }
    }

    /// Plans one more; everything, once nothing is left.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn advance(&mut self, network: &Network) -> Option<RulesView> {
        if let Some(rules) = self.waiting.pop() {
            let Setup { policy, .. } = &self.setup;
            let bytes = plan::arena_bytes(network, policy, rules, self.setup.settings());
            self.known.push((rules, bytes));
        }
        self.waiting.is_empty().then(|| self.view(network))
    }

    fn view(&self, network: &Network) -> RulesView {
        let bytes_of = |wanted: Rules| {
            let mut known = self.known.iter();
            known
                .find(|(rules, _)| *rules == wanted)
                .and_then(|&(_, bytes)| bytes)
        };
        let positions = 0..RULES.len();
        RulesView {
            arena_bytes: self.arena_bytes,
            profiles: PROFILES.iter().map(|it| bytes_of(it.rules)).collect(),
            choices: positions
                .map(|rule| {
                    choices_of(self.setup.rules, rule)
                        .map(|rules| rules.and_then(bytes_of))
                        .collect()
                })
                .collect(),
            idle: RULES
                .iter()
                .map(|rule| idle(network, &self.setup, rule.id).map(str::to_owned))
                .collect(),
        }
    }
}

/// The rules under each choice of one of them.
fn choices_of(rules: Rules, rule: usize) -> impl Iterator<Item = Option<Rules>> {
    (0u8..)
        .take(RULES[rule].choices.len())
        .map(move |choice| numerics::with_choice(rules, rule, choice))
}

/// Why a rule changes nothing, if it cannot.
fn idle(network: &Network, setup: &Setup, rule: &str) -> Option<&'static str> {
    let layers = &setup.policy.layers;
    let has = |wanted: fn(&NodeKind) -> bool| network.nodes().iter().any(|it| wanted(&it.kind));
    let learns = layers.iter().any(|layer| layer.updates_bias());
    let has_weights = layers.iter().any(|layer| layer.ratio() > 0.0);
    let is_own_int8 = has(|kind| matches!(kind, NodeKind::Logits { .. }));
    let is_int8 = is_own_int8 || setup.rules.classifier == ClassifierType::I8;
    let has_dead = network.convs().zip(layers).any(|((_, _, conv), layer)| {
        let mut scales = conv.weight_scale.iter();
        layer.updates_bias() && scales.any(|&scale| scale < DEAD_CHANNEL_SCALE)
    });
    let has_add = has(|kind| matches!(kind, NodeKind::Add { .. }));
    let has_pool = has(|kind| matches!(kind, NodeKind::AveragePool | NodeKind::Pool(_)));
    let (works, reason) = match rule {
        "elementwise" => (has_add || has_pool, "the network neither adds nor pools"),
        "gradient" | "update" => (learns || is_int8, "only the float classifier learns"),
        "codes" => (
            setup.rules.update == UpdateRule::Master,
            "there are no float masters",
        ),
        "dead" => (has_dead, "no channel that learns is dead"),
        "shortcut" => (has_add && learns, "no gradient meets a shortcut"),
        "input" => (has_weights || is_int8, "no int8 weights learn"),
        "channels" => (
            layers.iter().any(|layer| layer.is_partial()),
            "no channel ratio lies between 0 and 1",
        ),
        "logits" => (is_int8, "the classifier is float"),
        "classifier" => (!is_own_int8, "the network's own classifier is int8"),
        _ => (true, ""),
    };
    (!works).then_some(reason)
}
