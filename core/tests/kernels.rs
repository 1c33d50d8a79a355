//! One suite for every kernel set: the bits must be those of [`Reference`].
//!
//! The same tests run natively and, in a browser's worker, as WebAssembly with SIMD.
#![cfg(feature = "compile")]

mod common;

use common::layer::{LayerCase, ODD_CHANNELS, REQUANTIZE_RULES, Shape};
use common::network::{Style, random_network};
use common::policy::random_policy;
use common::rng::Rng;
use common::rules::Setup;
use common::run;
use quartermeg_core::program::AddRecord;
use quartermeg_core::quant::{
    ElementwiseRule, FixedScale, QuantParams, RequantizeRule, Rules, UpdateRule,
};
use quartermeg_core::runtime::kernels::{Accumulate, Codes, Kernels, Native, Portable, Reference};
use quartermeg_core::runtime::scratch;
use quartermeg_core::runtime::{Runtime, StepParams, Trace, UpdateTrace};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;
#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// Runs a generic check for every kernel set of the target.
macro_rules! on_every_set {
    ($check:ident) => {
        $check::<Portable>();
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        $check::<quartermeg_core::runtime::kernels::Simd128>();
    };
}

/// Ordinary layers over all pairs of odd channel counts, depthwise ones over all counts; of each
/// one without, one with some and one with only trainable channels.
fn cases(depthwise: bool) -> impl Iterator<Item = LayerCase> {
    let pairs = ODD_CHANNELS.into_iter().flat_map(move |in_channels| {
        let outputs = if depthwise {
            vec![in_channels; 6]
        } else {
            ODD_CHANNELS.to_vec()
        };
        outputs
            .into_iter()
            .map(move |out_channels| (in_channels, out_channels))
    });
    (0..)
        .zip(pairs)
        .flat_map(move |(seed, (in_channels, out_channels))| {
            let mut rng = Rng::new(seed);
            let some = 1 + rng.below(in_channels);
            [0, some, in_channels].into_iter().map(move |n_trainable| {
                let shape = Shape {
                    depthwise,
                    in_channels,
                    out_channels,
                    n_trainable,
                };
                LayerCase::random(&mut rng, shape)
            })
        })
}

/// The same layers under every requantize rule, with int8 and with int16 codes.
fn variants(depthwise: bool) -> impl Iterator<Item = LayerCase> {
    let mut rng = Rng::new(17);
    cases(depthwise).flat_map(move |case| {
        let mut all = Vec::new();
        for rule in REQUANTIZE_RULES {
            for wide in [false, true] {
                // Without trainable channels there are no masters.
                if !wide || case.record.n_trainable > 0 {
                    all.push(case.under(&mut rng, rule, wide));
                }
            }
        }
        all
    })
}

/// The same layers with int8 and with int16 codes, for what does not requantize.
fn widths(depthwise: bool) -> impl Iterator<Item = LayerCase> {
    variants(depthwise).filter(|case| case.rule == RequantizeRule::HalfEven)
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// What a forward kernel leaves: codes and mask, which start as garbage.
fn forward<K: Kernels>(case: &LayerCase, with_mask: bool) -> (Vec<i8>, Vec<u8>) {
    let record = &case.record;
    let mut codes = vec![0x5a; record.out_len()];
    let mut mask = vec![
        0xa5;
        if with_mask {
            record.out_len().div_ceil(8)
        } else {
            0
        }
    ];
    let requantize = case.requantize();
    if record.depthwise {
        let (narrow, wide);
        let weights = match case.trainable() {
            Codes::Narrow(trainable) => {
                narrow = merged(case, trainable);
                Codes::Narrow(&narrow)
            }
            Codes::Wide(trainable) => {
                wide = merged(case, trainable);
                Codes::Wide(&wide)
            }
        };
        K::depthwise_forward(record, weights, &requantize, &case.x, &mut codes, &mut mask);
    } else {
        let mut scratch = vec![0x5a5a; scratch::conv_forward(record, Rules::DEVICE) / 2];
        let weights = case.weights();
        K::conv_forward(
            record,
            weights,
            &requantize,
            &case.x,
            &mut codes,
            &mut mask,
            &mut scratch,
        );
    }
    (codes, mask)
}

/// Depthwise weights in original channel order, from whichever source they come.
fn merged<T: Copy + From<i8>>(case: &LayerCase, trainable: &[T]) -> Vec<T> {
    let n_channels = case.record.in_channels();
    let n_frozen = usize::try_from(case.record.n_frozen).expect("small");
    let n_trainable = n_channels - n_frozen;
    let mut merged = vec![T::from(0); case.record.taps() * n_channels];
    for tap in 0..case.record.taps() {
        for position in 0..n_channels {
            let channel = case
                .channels
                .as_ref()
                .map_or(position, |channels| usize::from(channels[position]));
            merged[tap * n_channels + channel] = if position < n_frozen {
                T::from(case.frozen[tap * n_frozen + position])
            } else {
                trainable[tap * n_trainable + position - n_frozen]
            };
        }
    }
    merged
}

fn forward_equals_reference<K: Kernels>(depthwise: bool) {
    let (mut inside, mut cut) = (0, 0);
    for case in variants(depthwise) {
        for with_mask in [false, true] {
            let expected = forward::<Reference>(&case, with_mask);
            let found = forward::<K>(&case, with_mask);
            assert_eq!(
                found,
                expected,
                "{} with mask {with_mask}, {:?}, wide {}: {:?}",
                K::NAME,
                case.rule,
                case.masters.is_some(),
                case.record
            );
            let ones = expected.1.iter().map(|byte| byte.count_ones()).sum::<u32>();
            inside += ones;
            cut += u32::try_from(case.record.out_len()).expect("small") - ones;
        }
    }
    // The suite would prove little if no value, or every value, were cut off.
    assert!(
        inside > 1000 && cut > 1000,
        "{inside} values inside the clamp, {cut} cut off"
    );
}

fn conv_forward<K: Kernels>() {
    forward_equals_reference::<K>(false);
}

fn depthwise_forward<K: Kernels>() {
    forward_equals_reference::<K>(true);
}

fn add_forward<K: Kernels>() {
    let mut rng = Rng::new(3);
    for len in (1..40).chain([255, 256, 1001]) {
        let mut quant = || QuantParams {
            scale: rng.real(0.01, 0.1),
            zero_point: rng.between(-128, 127),
        };
        let (a_quant, b_quant, y_quant) = (quant(), quant(), quant());
        let clamp = common::layer::random_clamp(&mut rng);
        let record = AddRecord {
            a_quant,
            b_quant,
            y_quant,
            clamp,
            len: u32::try_from(len).expect("small"),
            fixed: fixed_factors([a_quant, b_quant, y_quant]),
        };
        let (a, b) = (rng.codes(len), rng.codes(len));
        for rule in [
            ElementwiseRule::HalfEven,
            ElementwiseRule::HalfAway,
            ElementwiseRule::FixedPoint,
        ] {
            for mask_bytes in [0, len.div_ceil(8)] {
                let (mut expected, mut expected_mask) = (a.clone(), vec![0xa5; mask_bytes]);
                let (mut found, mut found_mask) = (a.clone(), vec![0x5a; mask_bytes]);
                Reference::add_forward(&record, rule, &mut expected, &b, &mut expected_mask);
                K::add_forward(&record, rule, &mut found, &b, &mut found_mask);
                assert_eq!(found, expected, "{} {rule:?}: {record:?}", K::NAME);
                assert_eq!(
                    found_mask,
                    expected_mask,
                    "{} {rule:?}: {record:?}",
                    K::NAME
                );
            }
        }
    }
}

/// Shortcut and branch to twice the larger of their scales, and from there to the sum's.
fn fixed_factors(quants: [QuantParams; 3]) -> [FixedScale; 3] {
    let [a, b, y] = quants.map(|quant| f64::from(quant.scale));
    let common = 2.0 * a.max(b);
    [a / common, b / common, common / (f64::from(1 << 20) * y)].map(FixedScale::of)
}

fn backward_input<K: Kernels>(case: &LayerCase, start: &[f32], accumulate: Accumulate) -> Vec<u32> {
    let mut out = start.to_vec();
    let (record, weights) = (&case.record, case.weights());
    if record.depthwise {
        let accumulate = accumulate == Accumulate::After;
        K::depthwise_backward_input(record, weights, &case.gradient, &mut out, accumulate);
    } else {
        K::conv_backward_input(record, weights, &case.gradient, &mut out, accumulate);
    }
    bits(&out)
}

fn backward_input_equals_reference<K: Kernels>(depthwise: bool) {
    let mut rng = Rng::new(5);
    for case in widths(depthwise) {
        let start = rng.gradients(case.record.in_len());
        for accumulate in [Accumulate::No, Accumulate::After, Accumulate::Within] {
            let expected = backward_input::<Reference>(&case, &start, accumulate);
            let found = backward_input::<K>(&case, &start, accumulate);
            assert_eq!(
                found,
                expected,
                "{} accumulating {accumulate:?}, wide {}: {:?}",
                K::NAME,
                case.masters.is_some(),
                case.record
            );
        }
    }
}

fn conv_backward_input<K: Kernels>() {
    backward_input_equals_reference::<K>(false);
}

fn depthwise_backward_input<K: Kernels>() {
    backward_input_equals_reference::<K>(true);
}

fn conv_weight_gradient<K: Kernels>() {
    for case in cases(false).filter(|case| case.record.n_trainable > 0) {
        let record = &case.record;
        let row_len = record.taps() * case.saved.len() / (record.in_len() / record.in_channels());
        for first in (0..record.out_channels()).step_by(scratch::ROW_TILE) {
            let n_rows = (record.out_channels() - first).min(scratch::ROW_TILE);
            let mut expected = vec![f32::NAN; n_rows * row_len];
            let mut found = expected.clone();
            let (x, gradient) = (&case.saved, &case.gradient);
            Reference::conv_weight_gradient(record, x, gradient, first, &mut expected);
            K::conv_weight_gradient(record, x, gradient, first, &mut found);
            assert_eq!(
                bits(&found),
                bits(&expected),
                "{} from {first}: {record:?}",
                K::NAME
            );
        }
    }
}

fn depthwise_weight_gradient<K: Kernels>() {
    for case in cases(true).filter(|case| case.record.n_trainable > 0) {
        let record = &case.record;
        let n_trainable = usize::try_from(record.n_trainable).expect("small");
        for first in (0..n_trainable).step_by(scratch::CHANNEL_TILE) {
            let n = (n_trainable - first).min(scratch::CHANNEL_TILE);
            let mut expected = vec![f32::NAN; n * record.taps()];
            let mut found = expected.clone();
            let (x, gradient, kept) = (&case.saved, &case.gradient, case.kept());
            Reference::depthwise_weight_gradient(record, kept, x, gradient, first, &mut expected);
            K::depthwise_weight_gradient(record, kept, x, gradient, first, &mut found);
            assert_eq!(
                bits(&found),
                bits(&expected),
                "{} from {first}: {record:?}",
                K::NAME
            );
        }
    }
}

/// Counts the int8 weights that a run moved.
#[derive(Default)]
struct Moved(u32);

impl Trace for Moved {
    fn update(&mut self, update: UpdateTrace) {
        if matches!(
            update.parameter,
            quartermeg_core::runtime::Parameter::Weight(_)
        ) {
            self.0 += update.n_moved;
        }
    }
}

/// The digest after each of five steps, and how many weights moved.
fn digests<K: Kernels>(seed: u64) -> (Vec<[u8; 32]>, u32) {
    let mut rng = Rng::new(seed);
    let network = random_network(&mut rng, Style::SMALL);
    let policy = random_policy(&mut rng, &network);
    let samples = run::random_samples(&mut rng, &network, 5);
    let mut runtime: Runtime<_, _, K> = run::runtime_of(run::program_of(&network, &policy));
    let mut moved = Moved::default();
    let digests = (0..)
        .zip(&samples)
        .map(|(step, (codes, label))| {
            runtime.load_sample(codes, *label).expect("the sample fits");
            let params = StepParams {
                qas: !seed.is_multiple_of(3),
                ..run::params_at(step)
            };
            let loss = runtime.step(&params, &mut moved);
            assert!(
                loss.is_finite() && loss >= 0.0,
                "the loss of seed {seed} is {loss}"
            );
            runtime.weights_digest()
        })
        .collect();
    (digests, moved.0)
}

/// All digests of [`whole_steps`], combined: the same on every target. It changes only with the
/// arithmetic, or with the random networks of this suite.
const DIGEST_OF_ALL_RUNS: &str = "3b734aec4f08d48655f295e0ab520323ddbdaa1cf5d60e9fa834162060fa3445";

fn whole_steps<K: Kernels>() {
    let mut moved = 0;
    let mut all = [0; 32];
    for seed in 0..120 {
        let (expected, n_moved) = digests::<Reference>(seed);
        let (found, _) = digests::<K>(seed);
        assert_eq!(
            found,
            expected,
            "{} parts from the reference at seed {seed}",
            K::NAME
        );
        moved += n_moved;
        for digest in &found {
            combine(&mut all, digest);
        }
    }
    assert_eq!(hex(all), DIGEST_OF_ALL_RUNS, "{}", K::NAME);
    // Equal digests would say nothing about the backward pass if no weight had moved.
    assert!(moved > 10_000, "only {moved} weights moved");
}

fn combine(all: &mut [u8; 32], digest: &[u8; 32]) {
    for (byte, digest) in all.iter_mut().zip(digest) {
        *byte ^= digest;
    }
}

fn hex(digest: [u8; 32]) -> String {
    digest
        .iter()
        .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// Bits of the loss and digest of the weights after each of five steps under random rules, and
/// how many weights moved.
fn steps_under_rules<K: Kernels>(setup: &Setup) -> (Vec<(u32, [u8; 32])>, u32) {
    let mut runtime: Runtime<_, _, K> = run::runtime_of(setup.program());
    let mut moved = Moved::default();
    let steps = (0..)
        .zip(&setup.samples)
        .map(|(step, (codes, label))| {
            runtime.load_sample(codes, *label).expect("the sample fits");
            let loss = runtime.step(&setup.settings.step_params(step), &mut moved);
            assert!(loss.is_finite() && loss >= 0.0, "the loss is {loss}");
            (loss.to_bits(), runtime.weights_digest())
        })
        .collect();
    (steps, moved.0)
}

/// All losses and digests of [`whole_steps_under_rules`], combined, as above.
const DIGEST_UNDER_ALL_RULES: &str =
    "42b4512f67f4aadafcf8735d8282bf46eed3bceb109e22ff4f73fee467af121c";

fn whole_steps_under_rules<K: Kernels>() {
    let mut moved = [0; 5];
    let mut all = [0; 32];
    for seed in 0..200 {
        let setup = Setup::random(5000 + seed, Style::VARIED, 5);
        let (expected, n_moved) = steps_under_rules::<Reference>(&setup);
        let (found, _) = steps_under_rules::<K>(&setup);
        assert_eq!(
            found,
            expected,
            "{} parts from the reference at seed {seed}: {:?}",
            K::NAME,
            setup.rules
        );
        moved[setup.rules.update as usize] += n_moved;
        for (loss, digest) in &found {
            combine(&mut all, digest);
            for (byte, loss) in all.iter_mut().zip(loss.to_le_bytes()) {
                *byte ^= loss;
            }
        }
    }
    assert_eq!(hex(all), DIGEST_UNDER_ALL_RULES, "{}", K::NAME);
    // Every way of updating was at work.
    assert!(moved.iter().all(|&moved| moved > 1000), "{moved:?}");
    assert_eq!(moved.len(), UpdateRule::Master as usize + 1);
}

#[test]
fn ordinary_forward_is_bit_equal() {
    on_every_set!(conv_forward);
}

#[test]
fn depthwise_forward_is_bit_equal() {
    on_every_set!(depthwise_forward);
}

#[test]
fn residual_add_is_bit_equal() {
    on_every_set!(add_forward);
}

#[test]
fn ordinary_input_gradient_is_bit_equal() {
    on_every_set!(conv_backward_input);
}

#[test]
fn depthwise_input_gradient_is_bit_equal() {
    on_every_set!(depthwise_backward_input);
}

#[test]
fn ordinary_weight_gradient_is_bit_equal() {
    on_every_set!(conv_weight_gradient);
}

#[test]
fn depthwise_weight_gradient_is_bit_equal() {
    on_every_set!(depthwise_weight_gradient);
}

#[test]
fn whole_steps_give_the_same_weights() {
    on_every_set!(whole_steps);
}

#[test]
fn whole_steps_under_all_rules_give_the_same_weights() {
    on_every_set!(whole_steps_under_rules);
}

/// The flag that turns SIMD on can be lost (RUSTFLAGS in the environment replaces it), and then
/// every test above would still pass on arrays.
#[test]
fn the_native_kernels_are_the_fastest_of_the_target() {
    let expected = if cfg!(target_feature = "simd128") {
        "simd128"
    } else {
        "portable"
    };
    assert_eq!(<Native as Kernels>::NAME, expected);
    // Whoever builds for wasm says what is expected, so that a flag that got lost is seen.
    if let Some(simd) = option_env!("QUARTERMEG_EXPECT_SIMD") {
        assert_eq!(expected == "simd128", simd == "1");
    }
}
