//! The passes of the compiler: what each saves, and the plan without some of them, which is only
//! looked at.

use quartermeg_formats::waterfall::{ALL_LEFT_OUT, PASSES, PLAIN};

use super::{AppState, Selection, Shared, text};
use crate::protocol::{PassesView, PlanView, Request};

/// Budgets further above the largest bar than this are not drawn, so that the bars stay readable.
const FURTHEST_BUDGET: f64 = 1.5;

/// What is known of the passes, and which of them are left out to look at the plan without them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Passes {
    /// What each saves; none until it was worked out once.
    pub view: Option<Shared<PassesView>>,
    /// Whether that belongs to the plan before.
    pub stale: bool,
    /// Passes that are switched off: the bit of each is set.
    pub left_out: u8,
    /// The plan without passes that the map shows, and which it lacks.
    pub(super) plan: Option<(u8, Shared<PlanView>)>,
}

/// One bar of the waterfall.
#[derive(Clone, Debug, PartialEq)]
pub struct PassRow {
    /// Name of the pass, or of the plan without any.
    pub name: &'static str,
    /// Which of [`PASSES`]; none for the plan without any.
    pub pass: Option<u8>,
    /// Whether it is at work.
    pub at_work: bool,
    /// Size of the block, in words.
    pub bytes: String,
    /// What it saved, in words; empty where it is left out or saves nothing to speak of.
    pub saved: String,
    /// Share of the width that the block takes.
    pub share: f64,
    /// Share of the width that the block before took.
    pub before: f64,
}

/// The bars, the largest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Waterfall {
    /// The bars.
    pub rows: Vec<PassRow>,
    /// What all of them save, in words.
    pub summary: String,
    /// Share of the width at which the budget stands; none where it is far off.
    pub budget: Option<f64>,
}

impl Passes {
    /// The passes that the plan on the map lacks.
    #[must_use]
    pub fn shown_left_out(&self) -> u8 {
        self.plan.as_ref().map_or(0, |(left_out, _)| *left_out)
    }
}

impl AppState {
    /// Which passes the plan on the map lacks, in words; none where it is the plan that trains.
    #[must_use]
    pub fn left_out_text(&self) -> Option<String> {
        let left_out = self.passes.shown_left_out();
        let lacks = |pass: &usize| left_out & (1 << pass) != 0;
        let names: Vec<&str> = (0..PASSES.len())
            .filter(lacks)
            .map(|it| PASSES[it])
            .collect();
        (!names.is_empty() && self.imported.is_none()).then(|| names.join(", "))
    }

    /// The waterfall of the passes, without those that are switched off.
    #[must_use]
    pub fn waterfall(&self) -> Option<Waterfall> {
        let view = self.passes.view.as_ref()?;
        let bytes_without = |left_out: u8| {
            let bytes = view.arena_bytes.get(usize::from(left_out)).copied();
            bytes.flatten().map(f64::from)
        };
        let whole = bytes_without(ALL_LEFT_OUT)?;
        let budget = f64::from(self.setup().budget_bytes);
        let is_near = budget <= FURTHEST_BUDGET * whole;
        let widest = if is_near { whole.max(budget) } else { whole };
        let row = |name, pass, at_work, before: f64, bytes: Option<f64>| PassRow {
            name,
            pass,
            at_work,
            bytes: bytes.map_or_else(|| text::UNKNOWN.to_owned(), in_bytes),
            saved: match bytes {
                Some(bytes) if at_work && pass.is_some() => difference(before, bytes),
                _ => String::new(),
            },
            share: bytes.unwrap_or(before) / widest,
            before: before / widest,
        };
        let mut rows = vec![row(PLAIN, None, true, whole, Some(whole))];
        let (mut left_out, mut before) = (ALL_LEFT_OUT, whole);
        for (pass, name) in (0u8..).zip(PASSES) {
            let at_work = self.passes.left_out & (1 << pass) == 0;
            if at_work {
                left_out &= !(1 << pass);
            }
            let bytes = bytes_without(left_out);
            rows.push(row(name, Some(pass), at_work, before, bytes));
            before = bytes.unwrap_or(before);
        }
        let share = text::percent(share_of(whole - before, whole));
        let verb = if self.passes.left_out == 0 {
            "save"
        } else {
            "that are on save"
        };
        Some(Waterfall {
            rows,
            summary: format!(
                "The passes of the compiler {verb} {share}: {}",
                in_bytes((whole - before).max(0.0))
            ),
            budget: is_near.then_some(budget / widest),
        })
    }

    /// Leaves passes out on the map, or none.
    pub(super) fn leave_out(&mut self, left_out: u8) {
        self.passes.left_out = left_out & ALL_LEFT_OUT;
        if self.passes.left_out == 0 {
            if self.passes.plan.take().is_some() {
                self.selection = Selection::default();
            }
        } else {
            self.plan_without();
        }
    }

    /// Asks for the plan without the passes that are switched off, if some are.
    pub(super) fn plan_without(&mut self) {
        if self.passes.left_out != 0 && self.plan.is_some() {
            self.send(Request::PlanWithout(self.passes.left_out));
        }
    }

    /// Shows such a plan, if it is still wanted.
    pub(super) fn planned_without(&mut self, left_out: u8, plan: PlanView) {
        if left_out == self.passes.left_out {
            self.passes.plan = Some((left_out, Shared::new(plan)));
            self.selection = Selection::default();
        }
    }
}

/// Bytes of a block, in words.
pub(super) fn in_bytes(bytes: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "bytes of a block, held exactly"
    )]
    let bytes = bytes as u64;
    text::bytes(bytes)
}

fn share_of(part: f64, whole: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "a share of three digits")]
    let share = (part / whole) as f32;
    share
}

/// What a pass saves; one that orders tensors differently may also cost a few bytes.
fn difference(before: f64, after: f64) -> String {
    let sign = match before.total_cmp(&after) {
        std::cmp::Ordering::Greater => "\u{2212}",
        std::cmp::Ordering::Equal => return "nothing".to_owned(),
        std::cmp::Ordering::Less => "+",
    };
    let percent = text::percent(share_of((before - after).abs(), before));
    format!("{sign}{percent}")
}
