//! The update policy as it is edited: what each choice would cost, painting over rows, and the
//! budget line that is dragged.

use quartermeg_core::policy::{LayerUpdate, Policy};
use quartermeg_formats::link;
use quartermeg_formats::setup::BUDGET_RANGE;

use super::difference::{self, MAX_NAMED};
use super::setup::Control;
use super::{AppState, Shared, text};
use crate::protocol::{ContributionsView, CostsView, PresetView, Request};

/// What belongs to the editing of the policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PolicyEditor {
    /// What other choices would cost; none until it was worked out once.
    pub costs: Option<Shared<CostsView>>,
    /// Whether that belongs to the plan before.
    pub costs_stale: bool,
    /// What layers contribute; none where nothing is known of it.
    pub contributions: Option<Shared<ContributionsView>>,
    /// Whether they were measured with other settings or samples than those of now.
    pub(super) are_foreign: bool,
    /// Whether rows are being painted over; the plan waits for the end.
    pub(super) is_painting: bool,
    /// The budget line under way.
    drag: Option<Drag>,
    /// What the newest solution changed.
    solution: Option<Shared<Solution>>,
    /// Why there is none, as a sentence.
    unsolved: Option<&'static str>,
}

/// A budget line that is being dragged, or whose solution is on its way.
#[derive(Clone, Debug, PartialEq)]
struct Drag {
    /// Where it is, in bytes.
    budget_bytes: u32,
    /// Number of the request that looks for its policy, and the budget that it is for.
    solving: Option<(u32, u32)>,
    /// Whether it was let go of.
    is_over: bool,
    from: Before,
}

/// How things stood when the line was taken hold of.
#[derive(Clone, Debug, PartialEq)]
struct Before {
    policy: Policy,
    arena_bytes: u32,
}

/// What a solution is expected to bring.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Expected {
    /// Gain in accuracy, as a share; none where that of the policy before is not known.
    pub(super) gain: Option<f32>,
    /// Whether it was measured, rather than summed up.
    pub(super) is_measured: bool,
}

/// What a solution changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    from: Before,
    expected: Expected,
    /// Layers that the newest policy does otherwise than the one before it.
    pub flashed: Vec<usize>,
    /// Counts solutions up, so that a layer that changes again flashes again.
    pub number: u32,
}

impl AppState {
    /// Where the budget line is: where it is dragged to, or the budget.
    #[must_use]
    pub fn budget_line(&self) -> u32 {
        let drag = self.editor.drag.as_ref();
        drag.map_or(self.setup().budget_bytes, |drag| drag.budget_bytes)
    }

    /// The preset that the policy differs from in the fewest layers, and its policy.
    #[must_use]
    pub fn nearest_preset(&self) -> Option<(&PresetView, Policy)> {
        let policy = &self.setup().policy;
        let presets = self.plan()?.presets.iter();
        presets
            .filter_map(|preset| {
                let known = link::parse_policy(&preset.policy).ok()?;
                (known.layers.len() == policy.layers.len()).then_some((preset, known))
            })
            .min_by_key(|(_, known)| differing(known, policy).count())
    }

    /// What the newest solution changed; none after any other edit.
    #[must_use]
    pub fn solution(&self) -> Option<&Shared<Solution>> {
        self.editor.solution.as_ref()
    }

    /// What became of the budget line: what its solution changed, or why nothing did.
    #[must_use]
    pub fn solution_text(&self) -> Option<String> {
        if let Some(sentence) = self.editor.unsolved {
            return Some(sentence.to_owned());
        }
        let solution = self.solution()?;
        let changes = changes_text(&solution.from.policy, &self.setup().policy);
        let Some(changes) = changes else {
            return Some("The policy is the best that is known for this budget.".to_owned());
        };
        let peak = match self.plan().filter(|_| !self.planning) {
            Some(plan) => {
                text::bytes_more(i64::from(plan.arena_bytes) - i64::from(solution.from.arena_bytes))
            }
            None => "\u{2026}".to_owned(),
        };
        let Expected { gain, is_measured } = solution.expected;
        let how = if is_measured {
            "as measured"
        } else {
            "by the sum of contributions, which overlap"
        };
        let gain = match gain {
            Some(gain) => format!("expected accuracy {} points, {how}", text::points(gain)),
            None => "expected accuracy not known of the policy before".to_owned(),
        };
        Some(format!("{changes}, peak {peak}, {gain}"))
    }

    /// Paints one row; the plan follows when painting ends.
    pub(super) fn paint(&mut self, layer: usize, update: LayerUpdate) {
        self.editor.is_painting = true;
        self.edit(Control::Paint, |setup| setup.policy.set(layer, update));
    }

    /// The pointer was lifted: what was painted is planned, and the budget line stays where it is.
    pub(super) fn end_drag(&mut self) {
        if std::mem::take(&mut self.editor.is_painting) {
            self.configure();
        }
        match &mut self.editor.drag {
            // What is still to be solved belongs to this edit.
            Some(drag) if drag.solving.is_some() => drag.is_over = true,
            _ => (self.editor.drag, self.last_edit) = (None, None),
        }
    }

    /// The budget line is dragged: the best policy known for it is looked for. Where nothing is
    /// known of what layers contribute, the policy stays.
    pub(super) fn drag_budget(&mut self, bytes: u32) {
        let budget_bytes = bytes.clamp(BUDGET_RANGE[0], BUDGET_RANGE[1]);
        let Some(plan) = self.plan() else {
            return;
        };
        let arena_bytes = plan.arena_bytes;
        if self.editor.contributions.is_none() || self.is_locked("policy") {
            self.editor.solution = None;
            self.set_budget(budget_bytes);
            self.editor.unsolved = Some(if self.is_locked("policy") {
                "The policy is fixed by the link, so it stays."
            } else {
                "Accuracy not analysed yet, so the policy stays."
            });
            return;
        }
        let policy = self.setup().policy.clone();
        let drag = self.editor.drag.get_or_insert(Drag {
            budget_bytes,
            solving: None,
            is_over: false,
            from: Before {
                policy,
                arena_bytes,
            },
        });
        (drag.budget_bytes, drag.is_over) = (budget_bytes, false);
        if drag.solving.is_none() {
            self.solve();
        }
    }

    /// Asks for the policy of the budget line.
    fn solve(&mut self) {
        let Some(drag) = &self.editor.drag else {
            return;
        };
        let budget_bytes = drag.budget_bytes;
        let before = link::policy_text(&drag.from.policy);
        let id = self.send(Request::Solve {
            budget_bytes,
            before,
        });
        if let Some(drag) = &mut self.editor.drag {
            drag.solving = Some((id, budget_bytes));
        }
    }

    /// Takes over what was solved, and asks again where the line has moved on meanwhile.
    pub(super) fn solved(&mut self, id: u32, policy: Option<&str>, expected: Expected) {
        let drag = self.editor.drag.clone();
        let Some((drag, budget_bytes)) = drag.and_then(|drag| match drag.solving {
            Some((asked, budget_bytes)) if asked == id => Some((drag, budget_bytes)),
            _ => None,
        }) else {
            return;
        };
        let policy = policy.and_then(|policy| link::parse_policy(policy).ok());
        let old = self.setup().policy.clone();
        let is_solved = policy.is_some();
        // Where the line was before on its way; what an earlier drag changed is over.
        let before = self.editor.solution.take();
        let next = before.as_ref().map_or(0, |it| it.number.wrapping_add(1));
        let before = before.filter(|before| before.from == drag.from);
        self.edit(Control::BudgetLine, |setup| {
            setup.budget_bytes = budget_bytes;
            if let Some(policy) = policy {
                setup.policy = policy;
            }
        });
        let changed: Vec<usize> = differing(&old, &self.setup().policy).collect();
        // The line may move on to a budget with the same policy: what changed goes on flashing.
        let (flashed, number) = match before {
            Some(before) if changed.is_empty() => (before.flashed.clone(), before.number),
            _ => (changed, next),
        };
        self.editor.solution = is_solved.then(|| {
            Shared::new(Solution {
                from: drag.from.clone(),
                expected,
                flashed,
                number,
            })
        });
        self.editor.unsolved =
            (!is_solved).then_some("Not even the classifier alone fits, so the policy stays.");
        if let Some(drag) = &mut self.editor.drag {
            drag.solving = None;
        }
        if drag.budget_bytes != budget_bytes {
            self.solve();
        } else if drag.is_over {
            self.editor.drag = None;
            self.last_edit = None;
        }
    }

    /// A question of the budget line that was refused ends the drag: the line is the budget again.
    pub(super) fn refused_solution(&mut self, id: u32) {
        let drag = self.editor.drag.as_ref();
        if drag.is_some_and(|drag| drag.solving.is_some_and(|(asked, _)| asked == id)) {
            (self.editor.drag, self.last_edit) = (None, None);
        }
    }

    /// Where another edit is made, what the budget line changed is no news any more.
    pub(super) fn forget_solution(&mut self) {
        (self.editor.solution, self.editor.unsolved) = (None, None);
    }
}

/// The layers that two policies treat differently.
fn differing<'a>(one: &'a Policy, other: &'a Policy) -> impl Iterator<Item = usize> + 'a {
    let pairs = one.layers.iter().zip(&other.layers).enumerate();
    pairs
        .filter(|(_, (one, other))| one != other)
        .map(|(layer, _)| layer)
}

/// The layers that two policies treat differently: `layer 30: ratio 1 → 1/2`; none where they are
/// alike.
fn changes_text(old: &Policy, new: &Policy) -> Option<String> {
    let changes = difference::of_policies(old, new);
    let named = changes.get(..MAX_NAMED.min(changes.len()))?.join(", ");
    let more = u32::try_from(changes.len().saturating_sub(MAX_NAMED)).unwrap_or(u32::MAX);
    match (changes.len(), more) {
        (0, _) => None,
        (_, 0) => Some(named),
        _ => Some(format!(
            "{named} and {}",
            text::count(more, "other layer", "other layers")
        )),
    }
}
