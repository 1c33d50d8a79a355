//! What helps a policy that does not fit, and where a step would end.

use quartermeg_core::compile::compile;
use quartermeg_core::network::Network;
use quartermeg_core::policy::{LayerUpdate, Policy};
use quartermeg_core::program::Program;
use quartermeg_core::quant::Rules;
use quartermeg_formats::describe;
use quartermeg_formats::fit::{Fix, Search, WANTED};
use quartermeg_formats::memory::{live_bytes, overflow};
use quartermeg_formats::scenario::KEYBOARD;

use crate::{SETTINGS, network};

fn arena_bytes(network: &Network, policy: &Policy) -> u32 {
    let image = compile(network, policy, Rules::DEVICE, SETTINGS).expect("compiles");
    Program::parse(image).expect("valid").meta().arena_bytes
}

fn finished(mut search: Search, network: &Network) -> Search {
    for _ in 0..10_000 {
        if search.is_done() {
            return search;
        }
        search.advance(network);
    }
    panic!("the search does not end: {search:?}");
}

fn check(network: &Network, budget: u32, fixes: &[Fix]) {
    assert!(fixes.is_sorted_by_key(|fix| fix.lost_parameters));
    for fix in fixes {
        assert!(fix.arena_bytes <= budget, "{fix:?}");
        assert_eq!(
            fix.arena_bytes,
            arena_bytes(network, &fix.policy),
            "{fix:?}"
        );
        assert!(fix.lost_parameters > 0 && !fix.text.is_empty(), "{fix:?}");
    }
}

#[test]
fn the_cheapest_single_changes_fit() {
    let network = network(&KEYBOARD);
    let policy = KEYBOARD.default_setup().policy;
    let needed = arena_bytes(&network, &policy);
    let budget = needed - 1_000;
    let search = Search::new(&network, &policy, Rules::DEVICE, budget);
    let search = finished(search, &network);
    let fixes = search.fixes();
    assert_eq!(fixes.len(), WANTED, "{fixes:?}");
    check(&network, budget, fixes);
    // One entry of the policy, which learns less; and nothing cheaper of that kind fits.
    let changed = |fix: &Fix| {
        let pairs = policy.layers.iter().zip(&fix.policy.layers);
        pairs.filter(|(a, b)| a != b).count()
    };
    assert_eq!(changed(&fixes[0]), 1, "{fixes:?}");
    for layer in 0..policy.layers.len() {
        for lower in [0.125, 0.25, 0.5] {
            let mut other = policy.clone();
            if policy.layers[layer].ratio() <= lower {
                continue;
            }
            other.layers[layer] = LayerUpdate::Weights { ratio: lower };
            let fits = arena_bytes(&network, &other) <= budget;
            let is_found = fixes.iter().any(|fix| fix.policy == other);
            if fits && !is_found {
                let lost = n_parameters(&network, &policy) - n_parameters(&network, &other);
                assert!(lost >= fixes[WANTED - 1].lost_parameters, "{layer} {lower}");
            }
        }
    }
    // With a budget that it fits exactly, the first fix is found again.
    let again = search.clone().with_budget(&network, fixes[0].arena_bytes);
    let again = finished(again, &network);
    check(&network, fixes[0].arena_bytes, again.fixes());
    assert!(again.fixes().iter().any(|it| it.policy == fixes[0].policy));
}

/// Parameters that learn, as the program has them.
fn n_parameters(network: &Network, policy: &Policy) -> u64 {
    let image = compile(network, policy, Rules::DEVICE, SETTINGS).expect("compiles");
    let program = Program::parse(image).expect("valid");
    let layers = (0..program.n_layers()).map(|layer| program.layer(layer));
    layers
        .map(|layer| {
            let weights = layer.weight_len(layer.n_trainable as usize);
            let biases = layer.bias_tensor.map_or(0, |_| layer.out_channels());
            (weights + biases) as u64
        })
        .sum()
}

#[test]
fn where_one_change_is_too_little_several_are_combined() {
    let network = network(&KEYBOARD);
    let all = LayerUpdate::Weights { ratio: 1.0 };
    let policy = Policy::uniform(&network, all);
    let least = arena_bytes(&network, &Policy::classifier_only(&network));
    let budget = least + 8 * 1024;
    let search = Search::new(&network, &policy, Rules::DEVICE, budget);
    let search = finished(search, &network);
    assert_eq!(search.fixes().len(), WANTED);
    check(&network, budget, search.fixes());
    for fix in search.fixes() {
        let lost = n_parameters(&network, &policy) - n_parameters(&network, &fix.policy);
        assert_eq!(fix.lost_parameters, lost, "{fix:?}");
    }
}

#[test]
fn where_nothing_helps_the_least_is_known() {
    let network = network(&KEYBOARD);
    let policy = KEYBOARD.default_setup().policy;
    let least = arena_bytes(&network, &Policy::classifier_only(&network));
    let search = Search::new(&network, &policy, Rules::DEVICE, least - 1);
    let search = finished(search, &network);
    assert_eq!(search.least_bytes(), Some(least));
    assert!(search.fixes().is_empty());
}

#[test]
fn a_smaller_block_ends_the_step_where_too_much_is_live() {
    let network = network(&KEYBOARD);
    let policy = KEYBOARD.default_setup().policy;
    let image = compile(&network, &policy, Rules::DEVICE, SETTINGS).expect("compiles");
    let program = Program::parse(image).expect("valid");
    let needed = program.meta().arena_bytes;
    let live = live_bytes(&program);
    assert_eq!(overflow(&program, needed), None);
    let mut n_live = 0;
    for budget in [needed - 4, needed - 4_000, needed / 2, 1_000] {
        let found = overflow(&program, budget).expect("it does not fit");
        let op = found.op as usize;
        assert!(live[..op].iter().all(|&live| live <= budget), "{found:?}");
        if budget < program.meta().persistent_bytes {
            // The parameters alone are too many.
            assert!(
                found.op == 0 && found.hole_bytes < found.tensor_bytes,
                "{found:?}"
            );
            continue;
        }
        n_live += 1;
        assert_eq!(live[op] - budget, found.missing_bytes, "{found:?}");
        let born = (0..program.n_tensors()).find(|&tensor| {
            let record = program.tensor(tensor);
            let is_it = describe::tensor(&program, tensor) == found.tensor;
            is_it && record.first_use == found.op && record.size_bytes == found.tensor_bytes
        });
        assert!(born.is_some(), "{found:?}");
        // What the hole is too small by is what is missing, as long as the others fit at all.
        if found.hole_bytes > 0 {
            let room = found.tensor_bytes.next_multiple_of(4);
            assert_eq!(room - found.hole_bytes, found.missing_bytes, "{found:?}");
        }
    }
    assert_eq!(n_live, 2);
}

#[test]
fn what_learns_no_more_is_not_computed_again_either() {
    let network = network(&KEYBOARD);
    let all = LayerUpdate::Weights { ratio: 1.0 };
    let mut policy = Policy::classifier_only(&network);
    let n_layers = policy.layers.len();
    policy.layers[n_layers - 3..].fill(all);
    policy.recompute = policy.recomputable(&network);
    assert!(!policy.recompute.is_empty());
    // So little that layers have to be frozen.
    let least = arena_bytes(&network, &Policy::classifier_only(&network));
    let budget = least + 256;
    assert!(budget < arena_bytes(&network, &policy));
    let search = Search::new(&network, &policy, Rules::DEVICE, budget);
    let search = finished(search, &network);
    assert!(!search.fixes().is_empty(), "{search:?}");
    check(&network, budget, search.fixes());
}
