//! Which small changes of a policy make it fit a budget: the planner itself tries them, one at a
//! time and the cheapest first, where a change costs as many parameters as learn no more.

use quartermeg_core::compile::compile;
use quartermeg_core::network::{Conv, Network};
use quartermeg_core::policy::{LayerUpdate, Policy, selected_count};
use quartermeg_core::program::{Program, Settings};
use quartermeg_core::quant::Rules;

/// Ratios that a layer may come down to, as one who reads them writes them.
const RATIOS: [(f32, &str); 3] = [(0.5, "1/2"), (0.25, "1/4"), (0.125, "1/8")];
/// Changes that are looked for.
pub const WANTED: usize = 2;

/// A change that makes a policy fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Fix {
    /// What changes, as a clause.
    pub text: String,
    /// The policy after it.
    pub policy: Policy,
    /// Parameters that learn no more.
    pub lost_parameters: u64,
    /// Size of the block after it.
    pub arena_bytes: u32,
}

/// A change that is still to be tried.
#[derive(Clone, Debug)]
struct Change {
    text: String,
    policy: Policy,
    lost: u64,
    /// What it changes at most, where changes of one kind can be compared: the first layer that
    /// still learns, and the place of the largest ratio. What changes less needs no less memory.
    extent: Option<[usize; 2]>,
}

/// What is tried now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Whether the classifier alone fits.
    Least,
    /// One entry of the policy, or the biases of the first layers that learn.
    Single,
    /// Freezing the first layers, and no ratio above some limit.
    Combined,
    /// Nothing more.
    Done,
}

/// A search for the cheapest changes.
#[derive(Clone, Debug)]
pub struct Search {
    policy: Policy,
    rules: Rules,
    budget_bytes: u32,
    stage: Stage,
    /// The cheapest last.
    waiting: Vec<Change>,
    fixes: Vec<Fix>,
    /// Extents of combined changes that were not enough.
    too_little: Vec<[usize; 2]>,
    n_tried: u32,
    /// Policies that were planned, for another budget.
    known: Vec<(Policy, Option<u32>)>,
    least_bytes: Option<u32>,
}

impl Search {
    /// Begins with a policy that does not fit.
    #[must_use]
    pub fn new(network: &Network, policy: &Policy, rules: Rules, budget_bytes: u32) -> Self {
        let policy_of_least = Policy::classifier_only(network);
        Self {
            policy: policy.clone(),
            rules,
            budget_bytes,
            stage: Stage::Least,
            waiting: vec![Change {
                text: String::new(),
                lost: 0,
                policy: policy_of_least,
                extent: None,
            }],
            fixes: Vec::new(),
            too_little: Vec::new(),
            n_tried: 0,
            known: Vec::new(),
            least_bytes: None,
        }
    }

    /// Begins again with another budget; what was planned is remembered.
    #[must_use]
    pub fn with_budget(self, network: &Network, budget_bytes: u32) -> Self {
        Self {
            known: self.known,
            ..Self::new(network, &self.policy, self.rules, budget_bytes)
        }
    }

    /// What was found, the cheapest first; at most [`WANTED`].
    #[must_use]
    pub fn fixes(&self) -> &[Fix] {
        &self.fixes
    }

    /// Changes that were tried, and those that are known to wait.
    #[must_use]
    pub fn progress(&self) -> [u32; 2] {
        let waiting = u32::try_from(self.waiting.len()).unwrap_or(u32::MAX);
        [self.n_tried, waiting]
    }

    /// Whether there is nothing more to try.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// What learning the classifier alone needs, where even that does not fit.
    #[must_use]
    pub fn least_bytes(&self) -> Option<u32> {
        self.least_bytes.filter(|&bytes| bytes > self.budget_bytes)
    }

    /// Tries one more change.
    pub fn advance(&mut self, network: &Network) {
        let Some(change) = self.waiting.pop() else {
            self.begin_next(network);
            return;
        };
        if let Some(extent) = change.extent
            && self.too_little.iter().any(|it| is_less(extent, *it))
        {
            return;
        }
        let arena_bytes = self.arena_bytes(network, &change.policy);
        if self.stage == Stage::Least {
            self.least_bytes = arena_bytes;
            if self.least_bytes().is_some() {
                self.stage = Stage::Done;
            }
            return;
        }
        self.n_tried += 1;
        match arena_bytes {
            Some(arena_bytes) if arena_bytes <= self.budget_bytes => {
                self.fixes.push(Fix {
                    text: change.text,
                    policy: change.policy,
                    lost_parameters: change.lost,
                    arena_bytes,
                });
                if self.fixes.len() == WANTED {
                    self.waiting.clear();
                    self.stage = Stage::Done;
                }
            }
            _ => self.too_little.extend(change.extent),
        }
    }

    fn begin_next(&mut self, network: &Network) {
        self.stage = match self.stage {
            Stage::Least => Stage::Single,
            Stage::Single => Stage::Combined,
            Stage::Combined | Stage::Done => Stage::Done,
        };
        let mut changes = match self.stage {
            Stage::Single => singles(network, &self.policy),
            Stage::Combined => combined(network, &self.policy),
            Stage::Least | Stage::Done => Vec::new(),
        };
        changes.retain(|it| self.fixes.iter().all(|fix| fix.policy != it.policy));
        // The cheapest is popped first; of equals the one that was written first.
        changes.reverse();
        changes.sort_by_key(|change| std::cmp::Reverse(change.lost));
        changes.dedup_by(|a, b| a.policy == b.policy);
        self.waiting = changes;
    }

    fn arena_bytes(&mut self, network: &Network, policy: &Policy) -> Option<u32> {
        if let Some((_, bytes)) = self.known.iter().find(|(known, _)| known == policy) {
            return *bytes;
        }
        let settings = Settings::constant(0.0, 0);
        let bytes = compile(network, policy, self.rules, settings)
            .ok()
            .and_then(|image| Program::parse(image).ok())
            .map(|program| program.meta().arena_bytes);
        self.known.push((policy.clone(), bytes));
        bytes
    }
}

/// Whether an extent changes no more than another one.
fn is_less([first, ratio]: [usize; 2], [other_first, other_ratio]: [usize; 2]) -> bool {
    first <= other_first && ratio <= other_ratio
}

/// A convolution as far as its parameters are counted.
struct Layer<'a> {
    name: &'a str,
    conv: &'a Conv,
    in_channels: usize,
    out_channels: usize,
}

impl Layer<'_> {
    fn n_channels(&self, update: LayerUpdate) -> usize {
        selected_count(update.ratio(), self.in_channels)
    }

    fn n_parameters(&self, update: LayerUpdate) -> u64 {
        let filters = if self.conv.depthwise {
            1
        } else {
            self.out_channels
        };
        let per_channel = self.conv.kernel[0] * self.conv.kernel[1] * filters;
        let biases = if update.updates_bias() {
            self.out_channels
        } else {
            0
        };
        (self.n_channels(update) * per_channel + biases) as u64
    }
}

fn layers(network: &Network) -> Vec<Layer<'_>> {
    let of_value = |value: usize| network.values()[value].shape.c;
    network
        .convs()
        .map(|(node_idx, node, conv)| Layer {
            name: &node.name,
            conv,
            in_channels: of_value(node.inputs[0]),
            out_channels: of_value(node_idx + 1),
        })
        .collect()
}

fn n_parameters(layers: &[Layer<'_>], policy: &Policy) -> u64 {
    let each = layers.iter().zip(&policy.layers);
    each.map(|(layer, &update)| layer.n_parameters(update))
        .sum()
}

/// Every entry of the policy with less, and the biases of the first layers that learn.
fn singles(network: &Network, policy: &Policy) -> Vec<Change> {
    let layers = layers(network);
    let before = n_parameters(&layers, policy);
    let change = |text: String, policy: Policy| Change {
        text,
        lost: before - n_parameters(&layers, &policy),
        policy,
        extent: None,
    };
    let mut changes = Vec::new();
    for (index, (layer, &update)) in layers.iter().zip(&policy.layers).enumerate() {
        let with = |update: LayerUpdate| {
            let mut policy = policy.clone();
            policy.set(index, update);
            policy
        };
        let name = layer.name;
        if update.ratio() > 0.0 {
            let old = ratio_text(update.ratio());
            for (ratio, text) in RATIOS {
                let lower = LayerUpdate::Weights { ratio };
                if (1..layer.n_channels(update)).contains(&layer.n_channels(lower)) {
                    let text = format!("ratio of {name} from {old} to {text}");
                    changes.push(change(text, with(lower)));
                }
            }
            let text = format!("weights of {name} (ratio {old}) off, its bias stays");
            changes.push(change(text, with(LayerUpdate::Bias)));
        }
        if update.updates_bias() {
            let what = if update.ratio() > 0.0 {
                "bias and weights"
            } else {
                "bias"
            };
            let text = format!("{what} of {name} off");
            changes.push(change(text, with(LayerUpdate::Frozen)));
        }
    }
    // The gradient need not flow as far without the first biases.
    let first = policy.layers.iter().position(|it| it.updates_bias());
    let first = first.unwrap_or(layers.len());
    let n_biases = policy.layers[first..]
        .iter()
        .take_while(|it| it.ratio() <= 0.0)
        .count();
    for end in first + 2..=first + n_biases {
        let text = match layers.get(end) {
            Some(layer) => format!("biases of all layers before {} off", layer.name),
            None => "all biases off".to_owned(),
        };
        changes.push(change(text, frozen_before(policy, end)));
    }
    changes
}

/// The first layers frozen, and no ratio above a limit.
fn combined(network: &Network, policy: &Policy) -> Vec<Change> {
    let layers = layers(network);
    let before = n_parameters(&layers, policy);
    let first = policy.layers.iter().position(|it| it.updates_bias());
    let first = first.unwrap_or(layers.len());
    let mut changes = Vec::new();
    for end in first..=layers.len() {
        let frozen = frozen_before(policy, end);
        let of_end = layers.get(end).map(|layer| layer.name);
        for limit in 0..=RATIOS.len() + 1 {
            let (limited, of_limit) = match limit.checked_sub(1) {
                None => (frozen.clone(), None),
                Some(at) => match RATIOS.get(at) {
                    Some(&(ratio, text)) => (
                        limited(&frozen, ratio),
                        Some(format!("no ratio above {text}")),
                    ),
                    None => (limited(&frozen, 0.0), Some("no weights learn".to_owned())),
                },
            };
            if limited == *policy || (limit > 0 && limited == frozen) {
                continue;
            }
            let freeze = match of_end {
                _ if end == first => None,
                Some(name) => Some(format!("all layers before {name} frozen")),
                None => Some("only the classifier learns".to_owned()),
            };
            let clauses: Vec<String> = freeze.into_iter().chain(of_limit).collect();
            changes.push(Change {
                text: clauses.join(", "),
                lost: before - n_parameters(&layers, &limited),
                policy: limited,
                extent: Some([end, limit]),
            });
        }
    }
    changes
}

fn frozen_before(policy: &Policy, end: usize) -> Policy {
    let mut policy = policy.clone();
    for layer in 0..end {
        policy.set(layer, LayerUpdate::Frozen);
    }
    policy
}

fn limited(policy: &Policy, limit: f32) -> Policy {
    let update = if limit > 0.0 {
        LayerUpdate::Weights { ratio: limit }
    } else {
        LayerUpdate::Bias
    };
    let mut limited = policy.clone();
    for (layer, old) in policy.layers.iter().enumerate() {
        if old.ratio() > limit {
            limited.set(layer, update);
        }
    }
    limited
}

fn ratio_text(ratio: f32) -> String {
    let mut known = RATIOS.iter();
    known
        .find(|(known, _)| known.to_bits() == ratio.to_bits())
        .map_or_else(|| ratio.to_string(), |(_, text)| (*text).to_owned())
}
