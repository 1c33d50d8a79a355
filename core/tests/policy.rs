//! What a policy means: which channels learn, what the byte formula counts, and that pruning
//! the backward pass changes no gradient that is kept.
#![cfg(all(feature = "compile", not(target_arch = "wasm32")))]

mod common;

use common::network::{Ask, Sketch, Style, random_network};
use common::policy::{choose_own_channels, raised, random_policy};
use common::rng::Rng;
use common::run;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use quartermeg_core::network::{Clamp, Conv, Network, NodeKind, Shape};
use quartermeg_core::policy::{
    LayerUpdate, PUBLISHED, Policy, PolicyError, PublishedScheme, SchemeError, analytic_bytes,
    parse_channels, parse_scheme, selected_channels, selected_count,
};
use quartermeg_core::program::{Op, Phase, Program};
use quartermeg_core::quant::{ChannelChoice, QuantParams, Rules, ShortcutGradient};
use quartermeg_core::runtime::kernels::Native;
use quartermeg_core::runtime::{NoTrace, Runtime};

fn conv(depthwise: bool, kernel: [usize; 2], out_channels: usize, weight: Vec<i8>) -> Conv {
    Conv {
        depthwise,
        kernel,
        stride: [1, 1],
        padding: [0; 4],
        weight,
        bias: vec![0; out_channels],
        weight_scale: vec![0.01; out_channels],
        real_scale: None,
        output: QuantParams {
            scale: 0.1,
            zero_point: 0,
        },
        clamp: Clamp {
            min: -128,
            max: 127,
        },
    }
}

/// The channels that learn by the default rule.
fn largest_channels(conv: &Conv, in_channels: usize, ratio: f32) -> Vec<usize> {
    selected_channels(conv, in_channels, ratio, ChannelChoice::Largest)
}

#[test]
fn channels_with_the_largest_sum_of_squares_learn() {
    // Two outputs, three input channels: sums of squares 10, 9 and 20.
    let conv = conv(false, [1, 1], 2, vec![1, 0, -2, 3, 3, 4]);
    assert_eq!(largest_channels(&conv, 3, 0.34), [2]);
    assert_eq!(largest_channels(&conv, 3, 0.67), [0, 2]);
    assert_eq!(largest_channels(&conv, 3, 1.0), [0, 1, 2]);
}

#[test]
fn ties_go_to_the_lower_channel() {
    let ordinary = conv(false, [1, 1], 1, vec![5, -5, 5, -5]);
    assert_eq!(largest_channels(&ordinary, 4, 0.5), [0, 1]);
    // One filter a channel, four taps each: 4, 9, 4, 9.
    let filters = vec![1, 1, 1, 1, 3, 0, 0, 0, 0, 0, 0, -2, 0, -3, 0, 0];
    let depthwise = conv(true, [2, 2], 4, filters);
    assert_eq!(largest_channels(&depthwise, 4, 0.25), [1]);
    assert_eq!(largest_channels(&depthwise, 4, 0.75), [0, 1, 3]);
}

#[test]
fn a_strong_negative_weight_counts_as_much_as_a_positive_one() {
    let conv = conv(false, [1, 1], 1, vec![100, -127, 126]);
    assert_eq!(largest_channels(&conv, 3, 0.4), [1]);
}

#[test]
fn the_number_of_channels_is_rounded_down() {
    for channels in 0..=4096_usize {
        assert_eq!(selected_count(0.125, channels), channels / 8);
        assert_eq!(selected_count(0.25, channels), channels / 4);
        assert_eq!(selected_count(0.5, channels), channels / 2);
        assert_eq!(selected_count(0.75, channels), 3 * channels / 4);
        assert_eq!(selected_count(1.0, channels), channels);
        assert_eq!(selected_count(0.0, channels), 0);
    }
    // Ratios that f32 cannot hold mean what was written.
    for (ratio, channels, expected) in [(0.7, 10, 7), (0.3, 10, 3), (0.1, 30, 3), (0.6, 5, 3)] {
        assert_eq!(selected_count(ratio, channels), expected);
    }
}

/// The first `round(r * C)` channels, half to even, whatever their weights.
#[test]
fn the_first_channels_learn_where_the_rule_says_so() {
    for (ratio, n_channels, expected) in [
        (0.5, 4, 2),
        (0.5, 5, 2),
        (0.5, 7, 4),
        (0.25, 6, 2),
        (0.25, 10, 2),
        (0.25, 11, 3),
        (0.125, 4, 0),
        (0.125, 12, 2),
        (0.125, 20, 2),
        (0.7, 10, 7),
        (0.0, 9, 0),
        (1.0, 9, 9),
    ] {
        // The last channels have the largest weights.
        let weight = (0..n_channels)
            .map(|channel| i8::try_from(channel).expect("small"))
            .collect();
        let conv = conv(false, [1, 1], 1, weight);
        let chosen = selected_channels(&conv, n_channels, ratio, ChannelChoice::First);
        let first: Vec<usize> = (0..expected).collect();
        assert_eq!(chosen, first, "{ratio} of {n_channels}");
    }
}

#[test]
fn a_program_trains_the_channels_that_its_rule_or_a_layer_chooses() {
    for seed in 0..60 {
        let mut rng = Rng::new(seed);
        let network = random_network(&mut rng, Style::VARIED);
        let mut policy = random_policy(&mut rng, &network);
        choose_own_channels(&mut rng, &mut policy);
        for channels in [ChannelChoice::Largest, ChannelChoice::First] {
            let rules = Rules {
                channels,
                ..Rules::DEVICE
            };
            let program = run::program_under(&network, &policy, rules);
            let layers = network.convs().zip(&policy.layers);
            for (layer, ((_, node, conv), update)) in (0..).zip(layers) {
                let n_channels = network.values()[node.inputs[0]].shape.c;
                let choice = policy.channels_of(usize::try_from(layer).expect("small"), channels);
                let chosen = selected_channels(conv, n_channels, update.ratio(), choice);
                let record = program.layer(layer);
                let n_trainable = usize::try_from(record.n_trainable).expect("small");
                assert_eq!(n_trainable, chosen.len(), "seed {seed}");
            }
        }
    }
}

/// A chain of so many convolutions.
fn chain(n_convs: usize) -> Network {
    let mut rng = Rng::new(1);
    let mut sketch = Sketch::new(&mut rng, Style::SMOOTH, Shape { h: 1, w: 2, c: 2 });
    for _ in 0..n_convs {
        sketch.conv(Ask {
            depthwise: false,
            kernel: [1, 1],
            out_channels: 2,
            same: true,
            clamped: false,
        });
    }
    sketch.average_pool();
    sketch.classifier(2)
}

/// The scheme in the words of the released code.
fn options_of(published: &PublishedScheme) -> String {
    let join = |items: Vec<String>| items.join("-");
    let indices = published.weights.iter().map(|(layer, _)| layer.to_string());
    let ratios = published.weights.iter().map(|(_, ratio)| ratio.to_string());
    format!(
        "n_bias_update={};manual_weight_idx={};weight_update_ratio={}",
        published.n_biases,
        join(indices.collect()),
        join(ratios.collect())
    )
}

#[test]
fn published_schemes_fit_their_networks_and_refuse_others() {
    let networks = [42, 51, 60].map(|n_convs| (n_convs, chain(n_convs)));
    for published in &PUBLISHED {
        let same_name = PUBLISHED.iter().filter(|other| other.id == published.id);
        assert_eq!(same_name.count(), 1, "{}", published.id);
        let mut n_fitting = 0;
        for (n_convs, network) in &networks {
            let parsed = parse_scheme(network, published.id);
            if *n_convs != published.n_convs {
                let refusal = SchemeError::OtherNetwork {
                    expected: published.n_convs,
                    found: *n_convs,
                };
                assert_eq!(parsed, Err(refusal), "{}", published.id);
                continue;
            }
            n_fitting += 1;
            let policy = parsed.expect("it is for this network");
            policy.check(network).expect("so many layers");
            assert_eq!(
                parse_scheme(network, &options_of(published)).as_ref(),
                Ok(&policy),
                "{}",
                published.id
            );
            let frozen = n_convs - published.n_biases;
            for (layer, update) in policy.layers.iter().enumerate() {
                assert_eq!(update.updates_bias(), layer >= frozen, "{}", published.id);
                let listed = published.weights.iter().find(|(at, _)| *at == layer);
                let ratio = listed.map_or(0.0, |&(_, ratio)| ratio);
                assert!((update.ratio() - ratio).abs() < f32::EPSILON);
            }
            run::program_of(network, &policy);
        }
        assert_eq!(n_fitting, 1, "{}", published.id);
    }
}

/// A stem and a depthwise layer whose bytes can be counted on paper.
fn paper_network() -> Network {
    let mut rng = Rng::new(9);
    let mut sketch = Sketch::new(&mut rng, Style::SMOOTH, Shape { h: 4, w: 4, c: 3 });
    let ask = Ask {
        depthwise: false,
        kernel: [3, 3],
        out_channels: 8,
        same: true,
        clamped: true,
    };
    sketch.conv(ask);
    sketch.conv(Ask {
        depthwise: true,
        ..ask
    });
    sketch.average_pool();
    sketch.classifier(5)
}

#[test]
fn the_byte_formula_equals_a_count_by_hand() {
    let network = paper_network();
    let bytes = |layers: [LayerUpdate; 2]| {
        let bytes = analytic_bytes(&network, &Policy::new(layers.to_vec()));
        (bytes.weights, bytes.activations, bytes.total())
    };
    let part = LayerUpdate::Weights { ratio: 0.5 };
    // Only the classifier: its eight int8 features.
    assert_eq!(bytes([LayerUpdate::Frozen; 2]), (0, 8, 8));
    // Depthwise bias: 8 biases of 4 bytes; 4 x 4 x 8 mask bits are 16 bytes.
    assert_eq!(
        bytes([LayerUpdate::Frozen, LayerUpdate::Bias]),
        (32, 24, 56)
    );
    // Half of the depthwise channels: 4 filters of 9 bytes more, and 4 channels of 16 pixels.
    assert_eq!(bytes([LayerUpdate::Frozen, part]), (32 + 36, 24 + 64, 156));
    // Half of three input channels is one: 8 outputs x 9 taps, and 16 saved codes.
    assert_eq!(
        bytes([part, LayerUpdate::Frozen]),
        (32 + 72, 8 + 16 + 16, 144)
    );
}

#[test]
fn a_policy_must_fit_its_network() {
    let network = paper_network();
    let short = Policy::new(vec![LayerUpdate::Bias]);
    let error = short.check(&network).expect_err("one layer is missing");
    assert_eq!(
        error,
        PolicyError::LayerCount {
            expected: 2,
            found: 1
        }
    );
    for ratio in [-0.1, 1.1, f32::INFINITY] {
        let layers = vec![LayerUpdate::Bias, LayerUpdate::Weights { ratio }];
        let error = Policy::new(layers)
            .check(&network)
            .expect_err("not a ratio");
        assert_eq!(error, PolicyError::Ratio { layer: 1, ratio });
    }
    let layers = vec![LayerUpdate::Bias, LayerUpdate::Weights { ratio: f32::NAN }];
    assert!(Policy::new(layers).check(&network).is_err());
}

fn backward_ops<B: AsRef<[u8]>>(program: &Program<B>) -> Vec<Op> {
    (0..program.n_ops())
        .map(|op_idx| program.op(op_idx))
        .filter(|op| op.phase() == Phase::Backward)
        .collect()
}

#[test]
fn training_only_the_classifier_has_no_other_backward_operation() {
    for seed in 0..40 {
        let network = random_network(&mut Rng::new(seed), Style::SMALL);
        let program = run::program_of(&network, &Policy::classifier_only(&network));
        let ops = backward_ops(&program);
        assert!(matches!(ops[..], [Op::ClassifierUpdate { .. }]), "{ops:?}");
        let has_mask = (0..program.n_ops()).any(|op_idx| {
            matches!(
                program.op(op_idx),
                Op::Conv { mask: Some(_), .. } | Op::Add { mask: Some(_), .. }
            )
        });
        assert!(!has_mask, "seed {seed}");
    }
}

#[test]
fn no_gradient_flows_below_the_first_layer_that_learns() {
    for seed in 0..40 {
        let mut rng = Rng::new(seed);
        let network = random_network(&mut rng, Style::SMALL);
        let policy = random_policy(&mut rng, &network);
        let first = policy
            .layers
            .iter()
            .position(|update| *update != LayerUpdate::Frozen);
        let program = run::program_of(&network, &policy);
        for op in backward_ops(&program) {
            if let Some(layer) = op.layer() {
                let layer = usize::try_from(layer).expect("small");
                assert!(
                    first.is_some_and(|first| layer >= first),
                    "seed {seed}: {op:?}"
                );
                let reaches_below = matches!(op, Op::ConvBackwardInput { .. });
                assert!(
                    !reaches_below || first != Some(layer),
                    "seed {seed}: {op:?}"
                );
            }
        }
    }
}

/// Dropped means that no gradient is formed for the shortcut; the forward pass and what learns
/// behind the last add do not notice.
#[test]
fn a_dropped_shortcut_passes_no_gradient_on() {
    let (mut n_shortcuts, mut n_changed) = (0, 0);
    for seed in 0..60 {
        let mut rng = Rng::new(seed);
        let network = random_network(&mut rng, Style::VARIED);
        let policy = Policy::uniform(&network, LayerUpdate::Weights { ratio: 1.0 });
        let (codes, label) = run::random_samples(&mut rng, &network, 1).remove(0);
        let last_add = (0..network.nodes().len())
            .rev()
            .find(|&at| matches!(network.nodes()[at].kind, NodeKind::Add { .. }));
        let Some(last_add) = last_add else {
            continue;
        };
        let after = |shortcut| {
            let rules = Rules {
                shortcut,
                ..Rules::DEVICE
            };
            let program = run::program_under(&network, &policy, rules);
            let ops = backward_ops(&program);
            let mut runtime: Runtime<_, _, Native> = run::runtime_of(program);
            runtime.load_sample(&codes, label).expect("it fits");
            let loss = runtime.step(&run::params_at(0), &mut NoTrace);
            let weights = network.convs().zip(0..).map(|((node_idx, ..), layer)| {
                let tensor = runtime.program().layer(layer).weight_tensor;
                let bytes = runtime.tensor_bytes(tensor.expect("every layer learns"));
                (node_idx, bytes.to_vec())
            });
            (ops, loss.to_bits(), weights.collect::<Vec<_>>())
        };
        let (ops, loss, weights) = after(ShortcutGradient::Accumulated);
        let (ops_dropped, loss_dropped, weights_dropped) = after(ShortcutGradient::Dropped);
        let shortcuts = |ops: &[Op]| {
            let uses = ops.iter().map(|op| match *op {
                Op::AddBackward { shortcut, .. } => usize::from(shortcut.is_some()),
                Op::ConvBackwardInput { accumulate, .. } => usize::from(accumulate),
                _ => 0,
            });
            uses.sum::<usize>()
        };
        n_shortcuts += shortcuts(&ops);
        assert_eq!(shortcuts(&ops_dropped), 0, "seed {seed}");
        assert_eq!(loss, loss_dropped, "seed {seed}");
        for (kept, dropped) in weights.iter().zip(&weights_dropped) {
            if kept.0 > last_add {
                assert_eq!(kept, dropped, "seed {seed}");
            }
            n_changed += usize::from(kept != dropped);
        }
    }
    assert!(
        n_shortcuts > 60 && n_changed > 20,
        "{n_shortcuts} shortcuts, {n_changed} layers"
    );
}

/// The parameters after one step, by layer: original channels and their weights, and the bias.
type Updated = Vec<(Vec<u16>, Vec<i8>, Vec<u8>)>;

fn after_one_step(network: &Network, policy: &Policy, sample: &run::Sample) -> Updated {
    let program = run::program_of(network, policy);
    let mut runtime: Runtime<_, _, Native> = run::runtime_of(program);
    runtime
        .load_sample(&sample.0, sample.1)
        .expect("the sample fits");
    runtime.step(&run::params_at(0), &mut NoTrace);
    (0..runtime.program().n_layers())
        .zip(network.convs().zip(&policy.layers))
        .map(|(layer, ((_, node, conv), update))| {
            let record = runtime.program().layer(layer);
            let n_channels = network.values()[node.inputs[0]].shape.c;
            let channels = largest_channels(conv, n_channels, update.ratio())
                .into_iter()
                .map(|channel| u16::try_from(channel).expect("small"))
                .collect();
            let bytes = |tensor: Option<u32>| {
                tensor.map_or(Vec::new(), |tensor| runtime.tensor_bytes(tensor).to_vec())
            };
            let weights = bytes(record.weight_tensor)
                .iter()
                .map(|b| b.cast_signed())
                .collect();
            (channels, weights, bytes(record.bias_tensor))
        })
        .collect()
}

/// The weights of `channels` out of rows over the channels `all`.
fn pick(weights: &[i8], all: &[u16], channels: &[u16]) -> Vec<i8> {
    weights
        .chunks_exact(all.len())
        .flat_map(|row| {
            channels
                .iter()
                .map(|channel| row[all.binary_search(channel).expect("a subset")])
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 120,
        rng_seed: RngSeed::Fixed(2),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_pruned_policy_moves_what_it_keeps_as_the_full_one_does(seed in any::<u64>()) {
        let mut rng = Rng::new(seed);
        let network = random_network(&mut rng, Style::SMALL);
        let policy = random_policy(&mut rng, &network);
        let sample = run::random_samples(&mut rng, &network, 1).remove(0);
        let full = Policy::uniform(&network, LayerUpdate::Weights { ratio: 1.0 });
        let expected = after_one_step(&network, &full, &sample);
        let found = after_one_step(&network, &policy, &sample);
        for (layer, (found, expected)) in found.iter().zip(&expected).enumerate() {
            if !found.0.is_empty() {
                let kept = pick(&expected.1, &expected.0, &found.0);
                prop_assert_eq!(&found.1, &kept, "weights of layer {}", layer);
            }
            if !found.2.is_empty() {
                prop_assert_eq!(&found.2, &expected.2, "bias of layer {}", layer);
            }
        }
    }

    #[test]
    fn more_updates_never_need_fewer_persistent_bytes(seed in any::<u64>()) {
        let mut rng = Rng::new(seed);
        let network = random_network(&mut rng, Style::SMALL);
        let policy = random_policy(&mut rng, &network);
        let before = run::program_of(&network, &policy);
        let analytic = analytic_bytes(&network, &policy);
        for layer in 0..policy.layers.len() {
            let more = raised(&policy, layer);
            let after = run::program_of(&network, &more);
            prop_assert!(after.meta().persistent_bytes >= before.meta().persistent_bytes);
            let raised = analytic_bytes(&network, &more);
            prop_assert!(raised.weights >= analytic.weights);
            prop_assert!(raised.activations >= analytic.activations);
        }
    }

    #[test]
    fn selected_channels_are_the_strongest(seed in any::<u64>(), ratio in 0.0_f32..=1.0) {
        let mut rng = Rng::new(seed);
        let network = random_network(&mut rng, Style::SMALL);
        for (_, node, conv) in network.convs() {
            let n_channels = network.values()[node.inputs[0]].shape.c;
            let taps = conv.kernel[0] * conv.kernel[1];
            let mut energy = vec![0_u64; n_channels];
            for (at, &code) in conv.weight.iter().enumerate() {
                let channel = if conv.depthwise { at / taps } else { at % n_channels };
                energy[channel] += u64::from(code.unsigned_abs()).pow(2);
            }
            let chosen = largest_channels(conv, n_channels, ratio);
            prop_assert!(chosen.is_sorted());
            prop_assert_eq!(chosen.len(), selected_count(ratio, n_channels));
            for &inside in &chosen {
                for outside in (0..n_channels).filter(|channel| !chosen.contains(channel)) {
                    let stronger = energy[inside] > energy[outside];
                    let tie = energy[inside] == energy[outside] && inside < outside;
                    prop_assert!(stronger || tie);
                }
            }
        }
    }
}

#[test]
fn only_what_a_convolution_made_and_weights_need_is_computed_again() {
    let network = paper_network();
    let all = LayerUpdate::Weights { ratio: 1.0 };
    let policy = |layers: [LayerUpdate; 2], recompute: &[usize]| Policy {
        layers: layers.to_vec(),
        recompute: recompute.to_vec(),
        channels: Vec::new(),
    };
    // The first convolution reads the input of the network.
    assert_eq!(policy([all; 2], &[]).recomputable(&network), [1]);
    assert_eq!(policy([all; 2], &[1]).check(&network), Ok(()));
    let error = |layer| Err(PolicyError::Recompute { layer });
    assert_eq!(policy([all; 2], &[0]).check(&network), error(0));
    assert_eq!(policy([all; 2], &[2]).check(&network), error(2));
    assert_eq!(policy([all; 2], &[1, 1]).check(&network), error(1));
    let bias = [all, LayerUpdate::Bias];
    assert_eq!(policy(bias, &[1]).check(&network), error(1));
}

#[test]
fn a_layer_chooses_channels_only_where_some_learn() {
    let network = paper_network();
    let half = LayerUpdate::Weights { ratio: 0.5 };
    let mut policy = Policy::new(vec![LayerUpdate::Bias, half]);
    let first = Some(ChannelChoice::First);
    policy.set_channels(0, first);
    policy.set_channels(2, first);
    assert!(policy.is_plain());
    policy.set_channels(1, first);
    assert_eq!(policy.channels, [(1, ChannelChoice::First)]);
    assert_eq!(policy.check(&network), Ok(()));
    assert_eq!(
        [0, 1].map(|layer| policy.channels_of(layer, ChannelChoice::Largest)),
        [ChannelChoice::Largest, ChannelChoice::First]
    );
    policy.set(1, LayerUpdate::Weights { ratio: 0.25 });
    assert_eq!(policy.own_channels(1), first);
    let mut doubled = policy.clone();
    doubled.channels.push((1, ChannelChoice::Largest));
    let error = Err(PolicyError::Channels { layer: 1 });
    assert_eq!(doubled.check(&network), error);
    let mut stranger = policy.clone();
    stranger.channels[0].0 = 7;
    assert_eq!(
        stranger.check(&network),
        Err(PolicyError::Channels { layer: 7 })
    );
    let mut idle = policy.clone();
    idle.layers[1] = LayerUpdate::Bias;
    assert_eq!(idle.check(&network), error);
    policy.set(1, LayerUpdate::Frozen);
    assert!(policy.is_plain());
}

#[test]
fn the_channels_of_layers_are_read_from_text() {
    let half = LayerUpdate::Weights { ratio: 0.5 };
    let all = LayerUpdate::Weights { ratio: 1.0 };
    let (first, largest) = (ChannelChoice::First, ChannelChoice::Largest);
    let mut policy = Policy::new(vec![half, LayerUpdate::Bias, half, all, half]);
    assert_eq!(parse_channels(&mut policy, first, "all"), Ok(()));
    assert_eq!(policy.channels, [(0, first), (2, first), (4, first)]);
    assert_eq!(parse_channels(&mut policy, largest, "4-0"), Ok(()));
    assert_eq!(policy.channels, [(0, largest), (2, first), (4, largest)]);
    for (text, error) in [
        ("1", SchemeError::Channels { layer: 1 }),
        ("0-3", SchemeError::Channels { layer: 3 }),
        ("5", SchemeError::Channels { layer: 5 }),
        ("", SchemeError::Form),
        ("0-x", SchemeError::Form),
    ] {
        assert_eq!(
            parse_channels(&mut policy, first, text),
            Err(error),
            "{text}"
        );
    }
}
