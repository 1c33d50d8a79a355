//! Whatever passes of the compiler are at work, and whatever is computed again instead of being
//! kept, the same weights come out.
#![cfg(all(feature = "compile", not(target_arch = "wasm32")))]

mod common;

use common::network::{Ask, Sketch, Style};
use common::poison::train_poisoned;
use common::policy::random_policy;
use common::rng::Rng;
use common::rules::Setup;
use common::run;
use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::compile::{Outline, Passes, Together, compile_with, outline};
use quartermeg_core::network::{Network, Shape};
use quartermeg_core::policy::{LayerUpdate, Policy};
use quartermeg_core::program::{Op, Program, Role};
use quartermeg_core::runtime::Runtime;
use quartermeg_core::runtime::kernels::{Kernels, Native, Reference};
use quartermeg_core::runtime::scratch::HIDDEN_TILE;

const TOGETHER: [Together; 3] = [Together::Never, Together::WhereNeeded, Together::Everywhere];

/// Some of the combinations of passes, with all and none among them.
fn combinations(rng: &mut Rng) -> Vec<Passes> {
    let mut combinations = vec![Passes::ALL, Passes::NONE];
    combinations.extend((0..16).map(|_| {
        // Some passes work only with others.
        let [prune, reorder, fuse, in_place] = [(); 4].map(|()| rng.chance(0.75));
        Passes {
            prune,
            reorder,
            fuse,
            streaming: rng.choose(&TOGETHER),
            hidden_channels: rng.choose(&TOGETHER),
            in_place,
        }
    }));
    combinations
}

/// A network of separable convolutions and inverted residuals, which starts with few channels,
/// as those do that see images.
fn separable(rng: &mut Rng) -> Network {
    let shape = Shape {
        h: 5 + rng.below(8),
        w: 5 + rng.below(8),
        c: 3,
    };
    let kernels = [(); 3].map(|()| (rng.choose(&[1, 3, 5]), rng.chance(0.5)));
    let mut sketch = Sketch::new(rng, Style::SMALL, shape);
    for block in 0..3u8 {
        let n_channels = sketch.here().shape.c;
        let starts_dense = block != 1;
        let (kernel, same) = kernels[usize::from(block)];
        if starts_dense {
            sketch.conv(Ask {
                depthwise: false,
                kernel: if block == 0 { [3, 3] } else { [1, 1] },
                out_channels: 2 * n_channels + 1,
                same,
                clamped: true,
            });
        }
        let kernel = [kernel, 3].map(|extent: usize| {
            let Shape { h, w, .. } = sketch.here().shape;
            extent.min(h).min(w)
        });
        let out_channels = sketch.here().shape.c;
        sketch.conv(Ask {
            depthwise: true,
            kernel,
            out_channels,
            same,
            clamped: true,
        });
        sketch.conv(Ask {
            depthwise: false,
            kernel: [1, 1],
            out_channels: 2,
            same: true,
            clamped: false,
        });
    }
    sketch.inverted_residual(true);
    sketch.average_pool();
    sketch.classifier(3)
}

/// A random run in which nothing before some layer learns.
fn setup(seed: u64) -> Setup {
    let mut setup = Setup::random(70_000 + seed, Style::VARIED, 4);
    let mut rng = Rng::new(seed);
    if seed.is_multiple_of(2) {
        setup.network = separable(&mut rng);
        setup.policy = random_policy(&mut rng, &setup.network);
        setup.samples = run::random_samples(&mut rng, &setup.network, 4);
    }
    let n_frozen = rng.below(setup.policy.layers.len() + 1);
    setup.policy.layers[..n_frozen].fill(LayerUpdate::Frozen);
    setup
}

fn program(setup: &Setup, passes: Passes) -> Program<AlignedBytes> {
    let Setup {
        network, policy, ..
    } = setup;
    let image = compile_with(network, policy, setup.rules, setup.settings, passes)
        .expect("chains and residual blocks can be differentiated");
    Program::parse(image).expect("what is compiled can be loaded")
}

fn trained<K: Kernels>(setup: &Setup, program: Program<AlignedBytes>) -> [u8; 32] {
    let mut runtime: Runtime<_, _, K> = run::runtime_of(program);
    run::train(&mut runtime, &setup.samples);
    runtime.weights_digest()
}

fn streams(program: &Program<AlignedBytes>) -> impl Iterator<Item = Op> {
    (0..program.n_ops())
        .map(|op| program.op(op))
        .filter(|op| matches!(op, Op::Stream { .. }))
}

/// How many blocks of each kind ran hidden channel by hidden channel.
#[derive(Debug, Default)]
struct Blocks {
    all: u32,
    /// No gradient is needed before the depthwise convolution.
    without_expand: u32,
    /// The input gradient is added to that of a shortcut.
    added: u32,
    /// Some of the channels of the depthwise convolution learn.
    partial: u32,
    /// There is more than one tile of hidden channels.
    wide: u32,
    /// As many channels at once as can be.
    large: u32,
}

impl Blocks {
    fn counts(&self) -> [u32; 6] {
        [
            self.all,
            self.without_expand,
            self.added,
            self.partial,
            self.wide,
            self.large,
        ]
    }

    fn count(&mut self, program: &Program<AlignedBytes>) {
        for op in (0..program.n_ops()).map(|op| program.op(op)) {
            let (
                Op::BlockBackward {
                    expand_mask,
                    accumulate,
                    tile,
                    ..
                },
                Some(block),
            ) = (op, program.block(op))
            else {
                continue;
            };
            self.all += 1;
            self.without_expand += u32::from(expand_mask.is_none());
            self.added += u32::from(accumulate);
            self.partial += u32::from(block.depthwise.is_partial());
            self.wide += u32::from(block.hidden() > tile as usize);
            self.large += u32::from(tile as usize == HIDDEN_TILE);
        }
    }
}

/// Updates whose gradient is a tensor.
fn of_updates_apart(program: &Program<AlignedBytes>) -> usize {
    (0..program.n_ops())
        .map(|op| program.op(op))
        .filter(|op| matches!(op, Op::WeightApply { .. } | Op::BiasApply { .. }))
        .count()
}

#[test]
fn every_combination_of_passes_leaves_the_same_weights() {
    let (mut n_streams, mut n_adds, mut n_over_input) = (0, 0, 0);
    let (mut n_lower, mut n_apart) = (0, 0);
    let mut blocks = Blocks::default();
    for seed in 0..400 {
        let setup = setup(seed);
        let expected = trained::<Reference>(&setup, program(&setup, Passes::NONE));
        let naive = program(&setup, Passes::NONE).meta().lower_bound_bytes;
        for passes in combinations(&mut Rng::new(seed)) {
            let at = format!("seed {seed}, {passes:?}");
            let program = program(&setup, passes);
            let is_asked =
                [passes.streaming, passes.hidden_channels].contains(&Together::Everywhere);
            // Fused updates at the end of the step keep more than their gradients.
            if !is_asked && (passes.reorder || !passes.fuse) {
                assert!(program.meta().lower_bound_bytes <= naive, "{at}");
            }
            n_lower += u32::from(program.meta().lower_bound_bytes < naive);
            n_apart += u32::from(of_updates_apart(&program) > 0);
            for op in streams(&program) {
                n_streams += 1;
                n_adds += u32::from(op.add().is_some());
            }
            blocks.count(&program);
            let input = program.meta().input_tensor;
            n_over_input += (0..program.n_aliases())
                .filter(|&alias| program.alias(alias).0 == input)
                .count();
            assert_eq!(trained::<Native>(&setup, program.clone()), expected, "{at}");
            let poisoned = train_poisoned(program.clone(), &setup.samples, |_, _| {});
            assert_eq!(poisoned, expected, "{at}, poisoned");
            assert_eq!(trained::<Reference>(&setup, program), expected, "{at}");
        }
    }
    // The passes were at work, in all their forms.
    assert!(
        n_streams > 100 && n_adds > 5 && n_over_input > 20 && n_lower > 300 && n_apart > 300,
        "{n_streams} streams, {n_adds} with an add, {n_over_input} over the input, {n_lower} \
         lower, {n_apart} with updates apart"
    );
    let fewest = blocks.counts().into_iter().min();
    assert!(fewest > Some(50), "{blocks:?}");
}

/// The policy with some of the inputs computed again that can be.
fn with_recompute(
    policy: &Policy,
    network: &Network,
    mut is_wanted: impl FnMut() -> bool,
) -> Policy {
    let mut policy = policy.clone();
    policy.recompute = policy.recomputable(network);
    policy.recompute.retain(|_| is_wanted());
    policy
}

/// Multiply-accumulates of what is computed again.
fn macs_again(program: &Program<AlignedBytes>) -> u64 {
    (0..program.n_ops())
        .map(|op| match program.op(op) {
            Op::Conv {
                layer, again: true, ..
            } => {
                let record = program.layer(layer);
                record.macs(record.in_channels())
            }
            _ => 0,
        })
        .sum()
}

#[test]
fn computing_inputs_again_leaves_the_same_weights() {
    let (mut n_again, mut n_chained, mut n_masks, mut n_saved, mut n_lower) = (0, 0, 0, 0, 0);
    for seed in 0..300 {
        let mut setup = setup(10_000 + seed);
        let kept = program(&setup, Passes::NONE);
        let expected = trained::<Reference>(&setup, kept.clone());
        let mut rng = Rng::new(seed);
        let some = with_recompute(&setup.policy, &setup.network, || rng.chance(0.5));
        let all = with_recompute(&setup.policy, &setup.network, || true);
        for policy in [some, all] {
            setup.policy = policy;
            for passes in combinations(&mut rng).into_iter().take(4) {
                let at = format!("seed {seed}, {passes:?}, {:?}", setup.policy.recompute);
                let program = program(&setup, passes);
                let mut written = Vec::new();
                for op in (0..program.n_ops()).map(|op| program.op(op)) {
                    match op {
                        Op::Conv {
                            x,
                            y,
                            mask,
                            again: true,
                            ..
                        } => {
                            n_again += 1;
                            n_chained += u32::from(written.contains(&x));
                            n_masks += u32::from(mask.is_some());
                            written.push(y);
                        }
                        Op::SaveChannels { again: true, .. } => n_saved += 1,
                        _ => {}
                    }
                }
                let (meta, of_kept) = (program.meta(), kept.meta());
                assert_eq!(meta.macs_forward, of_kept.macs_forward, "{at}");
                if passes == Passes::NONE {
                    let macs = of_kept.macs_step + macs_again(&program);
                    assert_eq!(meta.macs_step, macs, "{at}");
                    n_lower += u32::from(meta.lower_bound_bytes < of_kept.lower_bound_bytes);
                }
                assert_eq!(trained::<Native>(&setup, program.clone()), expected, "{at}");
                let poisoned = train_poisoned(program.clone(), &setup.samples, |_, _| {});
                assert_eq!(poisoned, expected, "{at}, poisoned");
                assert_eq!(trained::<Reference>(&setup, program), expected, "{at}");
            }
        }
    }
    let all = [n_again, n_chained, n_masks, n_saved];
    assert!(all.into_iter().min() > Some(500), "{all:?}");
    // Gradients mostly hold the peak of these.
    assert!(n_lower > 20, "{n_lower}");
}

/// What is told of a plan before its tensors are placed is what the plan then is.
#[test]
fn an_outline_tells_what_the_plan_needs() {
    let mut n_placed_exactly = 0;
    for seed in 0..400 {
        let setup = setup(seed);
        let Setup {
            network,
            policy,
            rules,
            ..
        } = &setup;
        let outline = outline(network, policy, *rules).expect("it compiles");
        let program = program(&setup, Passes::ALL);
        let meta = program.meta();
        let tensors = (0..program.n_tensors()).map(|tensor| program.tensor(tensor));
        let saved = tensors
            .filter(|it| it.role == Role::SavedActivation && it.is_live_at(meta.loss_op))
            .map(|tensor| tensor.size_bytes.next_multiple_of(4));
        let expected = Outline {
            peak_bytes: meta.lower_bound_bytes,
            trainable_bytes: meta.persistent_bytes,
            saved_bytes: saved.sum(),
            macs_step: meta.macs_step,
        };
        assert_eq!(outline, expected, "seed {seed}");
        n_placed_exactly += u32::from(meta.arena_bytes == outline.peak_bytes);
    }
    assert!(n_placed_exactly > 0);
}
