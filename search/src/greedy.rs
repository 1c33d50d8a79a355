//! The greedy search: what gains most for its bytes is taken next, until nothing more fits.

use crate::{Choice, Contributions, Limits, Planner};

/// Starts with the classifier alone and makes, again and again, the one change of a layer that
/// gains most for each byte that it adds to the plan; none where not even that fits.
#[must_use]
pub fn search(
    contributions: &Contributions,
    planner: &mut Planner<'_>,
    limits: &Limits,
) -> Option<Choice> {
    let mut best = planner.space().frozen();
    if !planner.fits(&best, limits) {
        return None;
    }
    loop {
        let before = contributions.gain(&best);
        let larger: Vec<Choice> = neighbours(planner, &best)
            .into_iter()
            .filter(|choice| contributions.gain(choice) > before)
            .collect();
        planner.plan_all(&larger);
        let bytes = planner.cost(&best)?.sram_total_bytes;
        let mut next: Option<(f64, Choice)> = None;
        for choice in larger {
            let Some(cost) = planner.cost(&choice).filter(|cost| limits.allow(cost)) else {
                continue;
            };
            // What costs nothing at the peak is worth a byte.
            let added = cost.sram_total_bytes.saturating_sub(bytes).max(1);
            let worth = (contributions.gain(&choice) - before) / f64::from(added);
            if next.as_ref().is_none_or(|(most, _)| worth > *most) {
                next = Some((worth, choice));
            }
        }
        match next {
            Some((_, choice)) => best = choice,
            None => return Some(best),
        }
    }
}

/// Every choice that differs in one layer.
fn neighbours(planner: &Planner<'_>, choice: &[usize]) -> Vec<Choice> {
    let layers = planner.space().layers().iter().enumerate();
    layers
        .flat_map(|(layer, updates)| {
            (0..updates.len())
                .filter(move |&at| at != choice[layer])
                .map(move |at| {
                    let mut other = choice.to_vec();
                    other[layer] = at;
                    other
                })
        })
        .collect()
}
