//! The loader: whatever it accepts runs without a panic, and what the compiler writes is sound.
#![cfg(feature = "compile")]

mod common;

use common::network::{Style, random_network};
use common::panics::Panics;
use common::policy::random_policy;
use common::rng::Rng;
use common::rules::Setup;
use common::run;
use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::network::Network;
use quartermeg_core::program::{Op, Program, ProgramError, Role};
use quartermeg_core::quant::GradientType;
use quartermeg_core::runtime::kernels::{Kernels, Native, Reference};
use quartermeg_core::runtime::{NoTrace, Runtime};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;
#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

const CHECKSUM_AT: usize = 16;
const CHECKED_FROM: usize = 20;
/// Blocks beyond this are not allocated by the tests.
const LARGEST_BLOCK: u32 = 1 << 22;
/// Images under random rules, and the seed of the first: found by trying, so that few images
/// have every choice.
const N_UNDER_RULES: u64 = 6;
const FIRST_UNDER_RULES: u64 = 36_391;

fn fix_checksum(bytes: &mut [u8]) {
    let checksum = quartermeg_core::checksum::crc32(&bytes[CHECKED_FROM..]);
    bytes[CHECKSUM_AT..CHECKSUM_AT + 4].copy_from_slice(&checksum.to_le_bytes());
}

fn word_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn put_word(bytes: &mut [u8], at: usize, word: u32) {
    bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
}

/// Everything that a caller may do with a program that was accepted; whether it was.
fn run_everything<K: Kernels>(image: &AlignedBytes) -> bool {
    let Ok(program) = Program::parse(image.clone()) else {
        return false;
    };
    let meta = *program.meta();
    let settings = program.settings();
    let _ = settings.step_params(u32::MAX);
    for tensor in 0..program.n_tensors() {
        let _ = program.name(program.tensor(tensor).name);
    }
    if meta.arena_bytes > LARGEST_BLOCK {
        return true;
    }
    let mut runtime: Runtime<_, _, K> = run::runtime_of(program);
    let n_codes = meta
        .input_shape
        .iter()
        .map(|&extent| u64::from(extent))
        .product::<u64>();
    let codes = vec![77; usize::try_from(n_codes).expect("accepted")];
    runtime
        .load_sample(&codes, meta.head.n_classes - 1)
        .expect("the sample has the stated shape");
    runtime.step(&settings.step_params(1), &mut NoTrace);
    runtime.forward();
    let _ = runtime.logits().len();
    let _ = runtime.weights_digest();
    runtime.reset();
    true
}

/// Runs a mutant on both kernel sets; whether the loader accepted it.
fn try_to_run(image: &AlignedBytes, panics: &mut Panics, case: impl FnOnce() -> String) -> bool {
    let mut accepted = false;
    let run = || accepted = run_everything::<Native>(image) && run_everything::<Reference>(image);
    panics.catch(run, case);
    accepted
}

/// Images that are small enough to be changed in every place.
fn tiny_images() -> impl Iterator<Item = (u64, AlignedBytes)> {
    let style = Style {
        max_extent: 4,
        max_blocks: 2,
        rough: true,
        varied: false,
    };
    let of_the_device = (0..4).map(move |seed| {
        let mut rng = Rng::new(1000 + seed);
        let network = random_network(&mut rng, style);
        let policy = random_policy(&mut rng, &network);
        (seed, run::image_of(&network, &policy))
    });
    of_the_device.chain(under_random_rules())
}

/// The same under random rules: together they have every choice of every rule, pools over
/// windows and int8 heads.
fn under_random_rules() -> impl Iterator<Item = (u64, AlignedBytes)> {
    let style = Style {
        max_extent: 4,
        max_blocks: 2,
        rough: true,
        varied: true,
    };
    (0..N_UNDER_RULES).map(move |seed| {
        let image = Setup::random(FIRST_UNDER_RULES + seed, style, 0).image();
        (4 + seed, image)
    })
}

/// Kinds of sections, in the order in which they stand.
const PLACE_OF_OPS: usize = 2;
const PLACE_OF_LAYERS: usize = 3;

/// Offset, length in bytes and number of words a record of each section.
fn sections(bytes: &[u8]) -> Vec<(usize, usize, usize)> {
    let record_words = [36, 10, 11, 36, 15, 15, 2, 1, 1, 12, 1, 1];
    (0..record_words.len())
        .map(|kind| {
            let entry = 64 + 12 * kind;
            let size = |at| usize::try_from(word_at(bytes, at)).expect("small");
            (size(entry + 4), size(entry + 8), record_words[kind])
        })
        .collect()
}

/// The layout that the tests below rely on; a record that grows would otherwise hide from them.
#[test]
fn the_sections_hold_whole_records_as_these_tests_know_them() {
    for (seed, image) in tiny_images() {
        let program = Program::parse(image.as_ref()).expect("what is compiled can be loaded");
        let places = sections(image.as_ref());
        let counts = [
            (1, program.n_tensors()),
            (PLACE_OF_OPS, program.n_ops()),
            (PLACE_OF_LAYERS, program.n_layers()),
            (4, program.n_adds()),
            (5, program.n_pools()),
            (6, program.n_aliases()),
        ];
        for (kind, n_records) in counts {
            let n_records = usize::try_from(n_records).expect("small");
            let (_, len, words) = places[kind];
            assert_eq!(len, 4 * words * n_records, "image {seed}, section {kind}");
        }
        assert_eq!([places[0].1, places[9].1], [4 * 36, 4 * 12]);
        for layer in 0..program.n_layers() {
            let record = program.layer(layer);
            let at = places[PLACE_OF_LAYERS].0 + 4 * 36 * usize::try_from(layer).expect("small");
            let field = |field: usize| word_at(image.as_ref(), at + 4 * field);
            assert_eq!(field(N_FROZEN), record.n_frozen);
            assert_eq!(field(N_FROZEN + 1), record.n_trainable);
            assert_eq!(field(CHANNELS), record.channels.unwrap_or(u32::MAX));
            assert_eq!(
                field(WEIGHT_TENSOR),
                record.weight_tensor.unwrap_or(u32::MAX)
            );
            assert_eq!(field(BIAS_TENSOR), record.bias_tensor.unwrap_or(u32::MAX));
        }
    }
}

/// Fields of a layer's record.
const N_FROZEN: usize = 19;
const CHANNELS: usize = 21;
const WEIGHT_TENSOR: usize = 28;
const BIAS_TENSOR: usize = 30;

/// The rules of the images must reach every choice, or some loader check is never met.
#[test]
fn the_images_have_every_choice_of_every_rule() {
    let mut met = [[false; 5]; 12];
    let (mut n_pools, mut n_int8_heads) = (0, 0);
    for (_, image) in tiny_images() {
        let program = Program::parse(image.as_ref()).expect("what is compiled can be loaded");
        for (met, choice) in met.iter_mut().zip(program.rules().choices()) {
            met[usize::from(choice)] = true;
        }
        n_pools += program.n_pools();
        n_int8_heads += u32::from(program.meta().head.classifier.is_none());
    }
    let n_met = met.map(|met| met.iter().filter(|&&met| met).count());
    assert_eq!(n_met, [4, 3, 2, 5, 2, 2, 2, 2, 2, 2, 2, 2]);
    assert!(
        n_pools > 1 && n_int8_heads > 1,
        "{n_pools} pools, {n_int8_heads} heads"
    );
}

/// Values that are near the old one, at an end of a range, or plausible in that place.
fn mutants(old: u32, neighbour: u32) -> Vec<u32> {
    let mut words = vec![
        0,
        1,
        2,
        3,
        8,
        old.wrapping_add(1),
        old.wrapping_sub(1),
        old.wrapping_add(4),
        old.wrapping_sub(4),
        old.wrapping_mul(2),
        old / 2,
        old ^ 0x8000_0000,
        neighbour,
        4096,
        4097,
        65_536,
        i32::MAX.cast_unsigned(),
        u32::MAX,
        u32::MAX - 1,
        f32::NAN.to_bits(),
        f32::INFINITY.to_bits(),
    ];
    words.sort_unstable();
    words.dedup();
    words.retain(|&word| word != old);
    words
}

#[test]
fn every_changed_word_is_refused_or_runs() {
    let mut panics = Panics::default();
    let (mut refused, mut accepted) = (0, 0);
    for (seed, original) in tiny_images() {
        let bytes = original.as_ref();
        for (kind, (offset, len, words)) in sections(bytes).into_iter().enumerate() {
            // Of the long sections without records (constants, names) a part is enough.
            let step = if words == 1 { 4 * (1 + len / 400) } else { 4 };
            for at in (offset..offset + len / 4 * 4).step_by(step) {
                let old = word_at(bytes, at);
                // The same field of the next record, or of the first behind the last one.
                let next = at + 4 * words;
                let neighbour = if next < offset + len {
                    word_at(bytes, next)
                } else {
                    word_at(bytes, offset + (at - offset) % (4 * words))
                };
                for word in mutants(old, neighbour) {
                    let mut mutant = original.clone();
                    put_word(mutant.as_mut(), at, word);
                    fix_checksum(mutant.as_mut());
                    let was_accepted = try_to_run(&mutant, &mut panics, || {
                        let record = (at - offset) / (4 * words);
                        let field = (at - offset) / 4 % words;
                        format!(
                            "network {seed}: section {kind}, record {record}, field {field}: \
                             {old} became {word}"
                        )
                    });
                    if was_accepted {
                        accepted += 1;
                    } else {
                        refused += 1;
                    }
                }
            }
        }
        // Header and section table.
        for at in (8..64 + 12 * 12).step_by(4) {
            let old = word_at(bytes, at);
            for word in mutants(old, word_at(bytes, at + 12)) {
                let mut mutant = original.clone();
                put_word(mutant.as_mut(), at, word);
                fix_checksum(mutant.as_mut());
                try_to_run(&mutant, &mut panics, || {
                    format!("network {seed}: byte {at}: {old} became {word}")
                });
            }
        }
    }
    panics.assert_none();
    // Both must happen, or the test proves nothing.
    assert!(
        refused > 1000 && accepted > 1000,
        "{refused} refused, {accepted} accepted"
    );
}

/// Two changes at once get past checks that compare two fields.
#[test]
fn several_changed_words_are_refused_or_run() {
    let mut panics = Panics::default();
    for (seed, original) in tiny_images() {
        let bytes = original.as_ref();
        let tables: Vec<_> = sections(bytes)
            .into_iter()
            .filter(|&(_, len, words)| words > 1 && len > 0)
            .collect();
        let mut rng = Rng::new(seed);
        for case in 0..6000 {
            let mut mutant = original.clone();
            for _ in 0..2 + rng.below(3) {
                let (offset, len, words) = rng.choose(&tables);
                let at = offset + 4 * rng.below(len / 4);
                let field = (at - offset) / 4 % words;
                let other = offset + 4 * (words * rng.below(len / 4 / words) + field);
                let word = rng.choose(&mutants(word_at(bytes, at), word_at(bytes, other)));
                put_word(
                    mutant.as_mut(),
                    at,
                    if rng.chance(0.5) {
                        word_at(bytes, other)
                    } else {
                        word
                    },
                );
            }
            fix_checksum(mutant.as_mut());
            try_to_run(&mutant, &mut panics, || {
                format!("network {seed}, case {case}")
            });
        }
    }
    panics.assert_none();
}

#[test]
fn truncated_images_are_refused() {
    let mut panics = Panics::default();
    for (_, original) in tiny_images() {
        let bytes = original.as_ref();
        for len in (0..bytes.len()).step_by(7) {
            let part = AlignedBytes::copy_of(&bytes[..len]);
            assert!(Program::parse(part.as_ref()).is_err());
            if len < 64 {
                continue;
            }
            // As above, but with a header that fits what is left.
            let mut honest = part;
            put_word(honest.as_mut(), 12, u32::try_from(len).expect("small"));
            fix_checksum(honest.as_mut());
            try_to_run(&honest, &mut panics, || format!("{len} bytes are left"));
        }
    }
    panics.assert_none();
}

#[test]
fn changed_bytes_fail_the_checksum() {
    let (_, original) = tiny_images().next().expect("some");
    for at in (CHECKED_FROM..original.as_ref().len()).step_by(3) {
        let mut mutant = original.clone();
        mutant.as_mut()[at] ^= 0x10;
        let error = Program::parse(mutant.as_ref()).expect_err("a byte was changed");
        assert!(matches!(error, ProgramError::Checksum { .. }), "{error:?}");
    }
}

#[test]
fn an_image_at_an_odd_address_is_refused() {
    let (_, original) = tiny_images().next().expect("some");
    let mut shifted = AlignedBytes::zeroed(original.as_ref().len() + 1);
    shifted.as_mut()[1..].copy_from_slice(original.as_ref());
    let error = Program::parse(&shifted.as_ref()[1..]).expect_err("not aligned");
    assert_eq!(error, ProgramError::Misaligned);
}

#[test]
fn compiling_twice_gives_the_same_bytes() {
    for seed in 0..50 {
        let build = || Setup::random(seed, Style::VARIED, 0).image();
        assert!(build() == build(), "seed {seed}");
    }
}

#[test]
fn a_pool_may_stand_before_more_layers() {
    use common::network::{Ask, Sketch};
    use quartermeg_core::network::Shape;

    let mut rng = Rng::new(1);
    let mut sketch = Sketch::new(&mut rng, Style::SMOOTH, Shape { h: 3, w: 4, c: 2 });
    let pointwise = |out_channels| Ask {
        depthwise: false,
        kernel: [1, 1],
        out_channels,
        same: true,
        clamped: true,
    };
    sketch.conv(pointwise(7));
    sketch.average_pool();
    sketch.conv(pointwise(5));
    let network: Network = sketch.classifier(3);
    let policy = quartermeg_core::policy::Policy::uniform(
        &network,
        quartermeg_core::policy::LayerUpdate::Weights { ratio: 1.0 },
    );
    let samples = run::random_samples(&mut Rng::new(2), &network, 2);
    let mut runtime: Runtime<_, _, Native> = run::runtime_of(run::program_of(&network, &policy));
    run::train(&mut runtime, &samples);
}

/// The start values of a layer are written even if no operation uses the layer, so its tensors
/// must be checked all the same.
#[test]
fn a_layer_without_operation_may_not_claim_any_tensor() {
    use common::network::{Ask, Sketch};
    use quartermeg_core::network::Shape;

    let mut rng = Rng::new(4);
    let mut sketch = Sketch::new(&mut rng, Style::SMOOTH, Shape { h: 2, w: 2, c: 3 });
    let ask = Ask {
        depthwise: false,
        kernel: [1, 1],
        out_channels: 3,
        same: true,
        clamped: false,
    };
    sketch.conv(ask);
    sketch.conv(ask);
    sketch.average_pool();
    let network = sketch.classifier(2);
    let policy = quartermeg_core::policy::Policy::classifier_only(&network);
    let original = run::image_of(&network, &policy);
    let places = sections(original.as_ref());
    let second_op = places[PLACE_OF_OPS].0 + 4 * places[PLACE_OF_OPS].2;
    let second_layer = places[PLACE_OF_LAYERS].0 + 4 * places[PLACE_OF_LAYERS].2;
    let mut panics = Panics::default();
    for bias_tensor in 0..12 {
        let mut mutant = original.clone();
        // The second convolution computes the first layer; the second layer is left over.
        put_word(mutant.as_mut(), second_op + 4, 0);
        put_word(mutant.as_mut(), second_layer + 4 * BIAS_TENSOR, bias_tensor);
        fix_checksum(mutant.as_mut());
        try_to_run(&mutant, &mut panics, || format!("tensor {bias_tensor}"));
    }
    panics.assert_none();
}

/// Whether two tensors may share bytes while both are live.
fn is_declared<B: AsRef<[u8]>>(program: &Program<B>, pair: (u32, u32)) -> bool {
    (0..program.n_aliases()).any(|alias| {
        let (from, to) = program.alias(alias);
        (from, to) == pair || (to, from) == pair
    })
}

/// Largest sum of the bytes that are live at one operation; shared bytes count once.
fn live_peak<B: AsRef<[u8]>>(program: &Program<B>) -> u32 {
    (0..program.n_ops())
        .map(|op_idx| {
            let live = |tensor: u32| program.tensor(tensor).is_live_at(op_idx);
            let all: u32 = (0..program.n_tensors())
                .filter(|&tensor| live(tensor))
                .map(|tensor| program.tensor(tensor).size_bytes.next_multiple_of(4))
                .sum();
            let shared: u32 = (0..program.n_aliases())
                .map(|alias| program.alias(alias))
                .filter(|&(from, to)| live(from) && live(to))
                .map(|(from, _)| program.tensor(from).size_bytes.next_multiple_of(4))
                .sum();
            all - shared
        })
        .max()
        .unwrap_or(0)
}

#[test]
fn placements_are_sound_and_close_to_the_lower_bound() {
    let mut ratios = Vec::new();
    let style = Style {
        max_extent: 12,
        max_blocks: 6,
        rough: true,
        varied: false,
    };
    for seed in 0..800 {
        let program = if seed < 400 {
            let mut rng = Rng::new(seed);
            let network = random_network(&mut rng, style);
            let policy = random_policy(&mut rng, &network);
            run::program_of(&network, &policy)
        } else {
            let varied = Style {
                varied: true,
                ..style
            };
            Setup::random(seed, varied, 0).program()
        };
        let meta = program.meta();
        for first in 0..program.n_tensors() {
            let a = program.tensor(first);
            assert!(
                a.offset.is_multiple_of(4) && a.end() <= meta.arena_bytes,
                "seed {seed}: {a:?}"
            );
            let is_parameter = matches!(
                a.role,
                Role::TrainableWeight
                    | Role::TrainableBias
                    | Role::Classifier
                    | Role::OptimizerState
            );
            assert_eq!(
                is_parameter,
                a.end() <= meta.persistent_bytes,
                "seed {seed}: {a:?}"
            );
            for second in first + 1..program.n_tensors() {
                let b = program.tensor(second);
                let live_together = a.first_use <= b.last_use && b.first_use <= a.last_use;
                let overlap = a.offset < b.end() && b.offset < a.end();
                assert!(
                    !(live_together && overlap) || is_declared(&program, (first, second)),
                    "seed {seed}: {a:?} and {b:?}"
                );
            }
        }
        assert_eq!(meta.lower_bound_bytes, live_peak(&program), "seed {seed}");
        assert!(meta.arena_bytes >= meta.lower_bound_bytes, "seed {seed}");
        ratios.push(f64::from(meta.arena_bytes) / f64::from(meta.lower_bound_bytes));
    }
    ratios.sort_by(f64::total_cmp);
    let met = ratios.iter().filter(|&&ratio| ratio <= 1.0).count();
    let (median, worst) = (ratios[ratios.len() / 2], ratios[ratios.len() - 1]);
    println!(
        "arena / lower bound: {met} of {} equal, median {median:.4}, worst {worst:.4}",
        ratios.len()
    );
    println!(
        "90 %: {:.4}, 99 %: {:.4}",
        ratios[ratios.len() * 9 / 10],
        ratios[ratios.len() * 99 / 100]
    );
    assert!(
        median < 1.01 && worst < 1.25,
        "median {median}, worst {worst}"
    );
}

/// Extents whose product leaves 32 bits, as a 32-bit target would compute it.
#[test]
fn extents_that_overflow_a_32_bit_product_are_refused() {
    for (_, original) in tiny_images() {
        let (layers, len, words) = sections(original.as_ref())[PLACE_OF_LAYERS];
        for record in (layers..layers + len).step_by(4 * words) {
            for fields in [&[1, 2, 3][..], &[4, 5, 6], &[1, 2, 4, 5], &[7, 8, 3]] {
                let mut mutant = original.clone();
                for field in fields {
                    put_word(mutant.as_mut(), record + 4 * field, 4096);
                }
                // The channels must add up, or the product is never formed.
                let n_channels = word_at(mutant.as_ref(), record + 4 * 3);
                for (field, word) in [
                    (N_FROZEN, n_channels),
                    (N_FROZEN + 1, 0),
                    (CHANNELS, u32::MAX),
                    (WEIGHT_TENSOR, u32::MAX),
                    (WEIGHT_TENSOR + 1, u32::MAX),
                    (WEIGHT_TENSOR + 3, u32::MAX),
                ] {
                    put_word(mutant.as_mut(), record + 4 * field, word);
                }
                fix_checksum(mutant.as_mut());
                let parsed = Program::parse(mutant.as_ref());
                assert!(parsed.is_err(), "fields {fields:?}");
            }
        }
    }
}

/// Of int8 gradients the weight gradient is an int32 sum over the output pixels, so there may not
/// be too many. The compiler refuses such a layer; here its f32 program is dressed up.
#[test]
fn more_pixels_than_an_int32_sum_can_hold_are_refused() {
    let mut panics = Panics::default();
    for (extent, is_accepted) in [(256, true), (258, false)] {
        let image = with_int8_gradients(&one_large_layer(extent));
        let parsed = Program::parse(image.as_ref()).map(|_| ());
        assert_eq!(parsed.is_ok(), is_accepted, "{extent}: {parsed:?}");
        try_to_run(&image, &mut panics, || {
            format!("{extent} x {extent} pixels")
        });
    }
    panics.assert_none();
}

/// One convolution whose output has `extent` x `extent` pixels, trained with f32 gradients.
fn one_large_layer(extent: usize) -> AlignedBytes {
    use common::network::{Ask, Sketch};
    use quartermeg_core::network::{PoolKind, Shape};

    let shape = Shape {
        h: extent,
        w: extent,
        c: 1,
    };
    let mut rng = Rng::new(3);
    let mut sketch = Sketch::new(&mut rng, Style::SMOOTH, shape);
    sketch.conv(Ask {
        depthwise: false,
        kernel: [1, 1],
        out_channels: 2,
        same: true,
        clamped: false,
    });
    // The mean over all pixels has the same limit, so there are fewer before it.
    while sketch.here().shape.h * sketch.here().shape.w > 128 * 128 {
        sketch.pool(PoolKind::Average, false, false);
    }
    sketch.average_pool();
    let network = sketch.classifier(2);
    let all = quartermeg_core::policy::LayerUpdate::Weights { ratio: 1.0 };
    run::image_of(
        &network,
        &quartermeg_core::policy::Policy::uniform(&network, all),
    )
}

/// The same program with int8 gradients in place of its f32 ones, which are no smaller.
fn with_int8_gradients(image: &AlignedBytes) -> AlignedBytes {
    /// Words of the facts and of a tensor's record.
    const RULES: usize = 26;
    const DTYPE: usize = 0;
    const SIZE: usize = 3;
    const SCALED_I8: u32 = 5;
    let program = Program::parse(image.as_ref()).expect("what is compiled can be loaded");
    let places = sections(image.as_ref());
    // The device's rules are all zeros; the third rule is the storage of gradients.
    let word = (GradientType::I8 as u32) << 6;
    let mut dressed = image.clone();
    put_word(dressed.as_mut(), places[0].0 + 4 * RULES, word);
    let logits = program.op(program.meta().loss_op);
    for tensor in 0..program.n_tensors() {
        let record = program.tensor(tensor);
        let of_loss = matches!(logits, Op::Loss { gradient, .. } if gradient == tensor);
        if record.role != Role::Gradient || of_loss {
            continue;
        }
        let n: u32 = record.shape.iter().product();
        let at = places[1].0 + 4 * places[1].2 * usize::try_from(tensor).expect("small");
        put_word(dressed.as_mut(), at + 4 * DTYPE, SCALED_I8);
        put_word(dressed.as_mut(), at + 4 * SIZE, n.next_multiple_of(4) + 4);
    }
    fix_checksum(dressed.as_mut());
    dressed
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::{AlignedBytes, Panics, Program, fix_checksum, tiny_images, try_to_run};

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 2000,
            rng_seed: RngSeed::Fixed(1),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn flipped_bytes_are_refused_or_run(
            which in 0_usize..10,
            flips in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..4),
        ) {
            let (_, mut image) = tiny_images().nth(which).expect("so many");
            for (at, flip) in flips {
                let at = at.index(image.as_ref().len());
                image.as_mut()[at] ^= flip;
            }
            fix_checksum(image.as_mut());
            let mut panics = Panics::default();
            try_to_run(&image, &mut panics, || "the image".into());
            panics.assert_none();
        }

        #[test]
        fn noise_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let image = AlignedBytes::copy_of(&bytes);
            prop_assert!(Program::parse(image.as_ref()).is_err());
        }
    }
}
