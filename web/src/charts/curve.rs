//! Curves: smoothing and thinning.

/// A running mean in which a point `half_life` steps ago counts half.
pub(super) fn smoothed(points: &[(u32, f32)], half_life: f64) -> Vec<(f64, f64)> {
    let mut weighted_sum = 0.0;
    let mut weight = 0.0;
    let mut last = None;
    points
        .iter()
        .map(|&(step, value)| {
            let gap = last.map_or(0, |last: u32| step.saturating_sub(last));
            last = Some(step);
            let kept = (-f64::from(gap) / half_life.max(f64::EPSILON)).exp2();
            weighted_sum = weighted_sum * kept + f64::from(value);
            weight = weight * kept + 1.0;
            (f64::from(step), weighted_sum / weight)
        })
        .collect()
}

/// At most two points, the lowest and the highest, for each pixel column.
pub(super) fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut thin: Vec<(f64, f64)> = Vec::new();
    let mut rest = points;
    while let Some(&(x, _)) = rest.first() {
        let column = x.floor();
        let n = rest
            .iter()
            .take_while(|point| point.0 < column + 1.0)
            .count()
            .max(1);
        let (here, later) = rest.split_at(n.min(rest.len()));
        rest = later;
        let by_height = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let low = here.iter().min_by(by_height);
        let high = here.iter().max_by(by_height);
        if let (Some(&low), Some(&high)) = (low, high) {
            if n == 1 {
                thin.push(low);
            } else if low.0 <= high.0 {
                thin.extend([low, high]);
            } else {
                thin.extend([high, low]);
            }
        }
    }
    thin
}

/// The value that `share` of the values do not exceed.
pub(super) fn quantile(values: impl Iterator<Item = f32>, share: f64) -> Option<f32> {
    let mut sorted: Vec<f32> = values.filter(|value| value.is_finite()).collect();
    sorted.sort_by(f32::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    let scaled = u32::try_from(last).map_or(0.0, f64::from) * share.clamp(0.0, 1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the last index"
    )]
    let position = scaled.round() as usize;
    sorted.get(position).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_stays_what_it_is() {
        let points: Vec<(u32, f32)> = (1..100).map(|step| (step, 1.5)).collect();
        assert!(
            smoothed(&points, 10.0)
                .iter()
                .all(|&(_, value)| (value - 1.5).abs() < 1e-9)
        );
    }

    #[test]
    fn old_points_count_less() {
        let curve = smoothed(&[(0, 0.0), (10, 1.0)], 10.0);
        assert!((curve[1].1 - 1.0 / 1.5).abs() < 1e-9);
    }

    #[test]
    fn peaks_survive_thinning() {
        let points: Vec<(f64, f64)> = (0..1000)
            .map(|n| (f64::from(n) / 100.0, if n == 537 { 9.0 } else { 1.0 }))
            .collect();
        let thin = thinned(&points);
        assert!(thin.len() <= 20);
        assert!(thin.iter().any(|&(_, value)| value > 8.0));
        assert!(thin.is_sorted_by(|a, b| a.0 <= b.0));
    }

    #[test]
    fn quantiles_leave_out_what_is_no_number() {
        let values = [3.0, f32::NAN, 1.0, 2.0, f32::INFINITY];
        assert_eq!(quantile(values.into_iter(), 1.0), Some(3.0));
        assert_eq!(quantile(values.into_iter(), 0.0), Some(1.0));
        assert_eq!(quantile(std::iter::empty(), 0.5), None);
    }
}
