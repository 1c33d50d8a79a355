//! Addresses: the released first fit, tensor by tensor to the lowest address that looks free.
//!
//! Two things of the released code are kept because its addresses depend on them. Tensors that
//! live during exactly the same operations do not see each other, and while the free gaps are
//! cut, the gap behind one that was cut is passed over. Both can place tensors on top of each
//! other; [`super::Timeline::overlaps`] tells where.

use super::error::TinyEngineError;
use super::lifetimes::{Lifetime, Lifetimes};
use super::passes::PlaceOrder;
use super::steps::Schedule;

/// The released limit: 10 MiB.
pub const MAX_ARENA_BYTES: u32 = 10 * 1024 * 1024;

/// Gives every tensor its offset.
///
/// # Errors
/// A tensor that finds no place below [`MAX_ARENA_BYTES`].
pub(super) fn first_fit(
    schedule: &Schedule,
    lifetimes: &mut Lifetimes,
    order: PlaceOrder,
) -> Result<(), TinyEngineError> {
    let tensors = &mut lifetimes.tensors;
    let mut in_order: Vec<(u32, u32)> = (0..)
        .zip(&*tensors)
        .map(|(index, tensor)| {
            let key = match order {
                PlaceOrder::LongestFirst => tensor.end - tensor.first,
                PlaceOrder::LargestFirst => tensor.bytes,
            };
            (!key, index)
        })
        .collect();
    // The largest key first; of equals the one that is born first.
    in_order.sort_unstable();
    let in_order: Vec<usize> = in_order.iter().map(|&(_, index)| index as usize).collect();
    for (n_placed, &index) in in_order.iter().enumerate() {
        let tensor = &tensors[index];
        let mut gaps = vec![(0, MAX_ARENA_BYTES)];
        for &other in &in_order[..n_placed] {
            let other = &tensors[other];
            if meet(tensor, other) {
                cut(
                    &mut gaps,
                    (other.offset, other.offset + bytes_for(other, tensor)),
                );
            }
        }
        let offset = gaps
            .iter()
            .filter(|(from, to)| to - from >= tensor.bytes)
            .map(|&(from, _)| from)
            .min()
            .ok_or_else(|| TinyEngineError::DoesNotFit {
                tensor: schedule.values[tensor.value].name.clone(),
                bytes: tensor.bytes,
            })?;
        tensors[index].offset = offset;
    }
    Ok(())
}

/// Whether two tensors are live during the same operation, but not during exactly the same ones.
fn meet(a: &Lifetime, b: &Lifetime) -> bool {
    a.first < b.end && b.first < a.end && (a.first, a.end) != (b.first, b.end)
}

/// Bytes of a placed tensor that a later one must keep clear of.
fn bytes_for(placed: &Lifetime, later: &Lifetime) -> u32 {
    match placed.quarter_after {
        Some(operation) if later.first > operation => placed.bytes.div_ceil(4),
        _ => placed.bytes,
    }
}

/// Cuts what is taken out of the gaps that it touches.
fn cut(gaps: &mut Vec<(u32, u32)>, taken: (u32, u32)) {
    let mut at = 0;
    while let Some(&(from, to)) = gaps.get(at) {
        if from <= taken.1 && taken.0 <= to {
            if to > taken.1 {
                gaps.push((taken.1, to));
            }
            if from < taken.0 {
                gaps.push((from, taken.0));
            }
            // The next gap moves to this position and is passed over, as released.
            gaps.remove(at);
        }
        at += 1;
    }
}
