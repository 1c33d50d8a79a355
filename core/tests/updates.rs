//! Every update, computed again from the gradients that the step tells: the new weights, biases,
//! remainders and momentum buffers must come out to the bit, and the counts must be right.
//!
//! The model works in f64 and rounds to f32 after each operation, which gives the same bits as
//! f32 arithmetic.
#![cfg(all(feature = "compile", not(target_arch = "wasm32")))]
#![expect(clippy::float_cmp, reason = "what is compared is exact")]

mod common;

use std::collections::BTreeMap;

use common::network::Style;
use common::policy::choose_own_channels;
use common::rng::Rng;
use common::rules::Setup;
use common::run::{self, Sample};
use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::network::{Conv, NodeKind};
use quartermeg_core::policy::{LayerUpdate, selected_channels};
use quartermeg_core::program::{LayerRecord, Schedule, Settings};
use quartermeg_core::quant::{DeadChannels, Optimizer, UpdateRule};
use quartermeg_core::runtime::kernels::Native;
use quartermeg_core::runtime::{
    NoTrace, Noise, Parameter, Runtime, StepParams, Trace, UpdateTrace,
};

type Run = Runtime<AlignedBytes, AlignedBytes, Native>;

const DEAD: f32 = 1e-6;
const ALL_RULES: [UpdateRule; 5] = [
    UpdateRule::Stochastic,
    UpdateRule::Nearest,
    UpdateRule::Truncate,
    UpdateRule::Int16,
    UpdateRule::Master,
];

/// The f32 next to `value`, as f64.
fn single(value: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the rounding that is meant"
    )]
    let rounded = value as f32;
    f64::from(rounded)
}

fn bytes_of(runtime: &Run, tensor: Option<u32>) -> Vec<u8> {
    tensor.map_or(Vec::new(), |tensor| runtime.tensor_bytes(tensor).to_vec())
}

fn i8s(bytes: &[u8]) -> Vec<f64> {
    bytes
        .iter()
        .map(|byte| f64::from(byte.cast_signed()))
        .collect()
}

fn i32s(bytes: &[u8]) -> Vec<f64> {
    let words = bytes.chunks_exact(4);
    words
        .map(|word| f64::from(i32::from_le_bytes(word.try_into().expect("four bytes"))))
        .collect()
}

fn f32s(bytes: &[u8]) -> Vec<f64> {
    let words = bytes.chunks_exact(4);
    words
        .map(|word| f64::from(f32::from_le_bytes(word.try_into().expect("four bytes"))))
        .collect()
}

/// What a step tells of its gradients and updates.
#[derive(Default)]
struct Recorder {
    layers: Vec<LayerRecord>,
    /// In the order in which the weights are stored.
    weights: BTreeMap<u32, Vec<f64>>,
    biases: BTreeMap<u32, Vec<f64>>,
    classifier: BTreeMap<Parameter, Vec<f64>>,
    updates: BTreeMap<Parameter, UpdateTrace>,
}

fn size(value: u32) -> usize {
    usize::try_from(value).expect("small")
}

impl Trace for Recorder {
    fn weight_gradient(&mut self, layer: u32, first: usize, rows: &[f32]) {
        let record = &self.layers[size(layer)];
        let (taps, n_trainable) = (record.taps(), size(record.n_trainable));
        let all = self
            .weights
            .entry(layer)
            .or_insert_with(|| vec![f64::NAN; record.weight_len(n_trainable)]);
        let n = rows.len() / taps;
        for (at, &gradient) in rows.iter().enumerate() {
            let place = if record.depthwise {
                at / n * n_trainable + first + at % n
            } else {
                first * taps * n_trainable + at
            };
            all[place] = f64::from(gradient);
        }
    }

    fn bias_gradient(&mut self, layer: u32, channel: usize, gradient: f32) {
        let all = self.biases.entry(layer).or_default();
        assert_eq!(all.len(), channel, "channel by channel");
        all.push(f64::from(gradient));
    }

    fn classifier_gradient(&mut self, parameter: Parameter, index: usize, gradient: f32) {
        let all = self.classifier.entry(parameter).or_default();
        assert_eq!(all.len(), index, "element by element");
        all.push(f64::from(gradient));
    }

    fn update(&mut self, update: UpdateTrace) {
        let before = self.updates.insert(update.parameter, update);
        assert!(before.is_none(), "each parameter is updated once");
    }
}

/// One stored parameter tensor with what is kept beside it.
#[derive(Clone, Debug, PartialEq)]
struct Stored {
    /// Codes, biases or f32 values.
    values: Vec<f64>,
    remainders: Vec<f64>,
    velocity: Vec<f64>,
}

/// Every tensor that learns.
fn stored(runtime: &Run) -> BTreeMap<Parameter, Stored> {
    let program = runtime.program();
    let is_master = program.rules().update == UpdateRule::Master;
    let mut all = BTreeMap::new();
    for layer in 0..program.n_layers() {
        let record = program.layer(layer);
        let [of_weight, of_bias] = record.velocity_tensors;
        if record.weight_tensor.is_some() {
            let bytes = bytes_of(runtime, record.weight_tensor);
            let stored = Stored {
                values: if is_master { f32s(&bytes) } else { i8s(&bytes) },
                remainders: i8s(&bytes_of(runtime, record.remainder_tensor)),
                velocity: f32s(&bytes_of(runtime, of_weight)),
            };
            all.insert(Parameter::Weight(layer), stored);
        }
        if record.bias_tensor.is_some() {
            let bytes = bytes_of(runtime, record.bias_tensor);
            let stored = Stored {
                values: if is_master {
                    f32s(&bytes)
                } else {
                    i32s(&bytes)
                },
                remainders: Vec::new(),
                velocity: f32s(&bytes_of(runtime, of_bias)),
            };
            all.insert(Parameter::Bias(layer), stored);
        }
    }
    if let Some(head) = program.meta().head.classifier {
        for (parameter, tensor, velocity) in [
            (Parameter::ClassifierWeight, head.weight_tensor, 0),
            (Parameter::ClassifierBias, head.bias_tensor, 1),
        ] {
            let stored = Stored {
                values: f32s(&bytes_of(runtime, Some(tensor))),
                remainders: Vec::new(),
                velocity: f32s(&bytes_of(runtime, head.velocity_tensors[velocity])),
            };
            all.insert(parameter, stored);
        }
    }
    all
}

/// One element of a parameter: its weight scale for QAS and its index in the full tensor.
#[derive(Clone, Copy)]
struct Element {
    /// `s_w`, or `s_w * s_x` for a bias; `None` for the classifier, which QAS does not concern.
    scale: Option<f64>,
    is_dead: bool,
    index: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counts {
    dead: u32,
    moved: u32,
    vanished: u32,
}

/// What the whole suite met; a suite that met no saturation proves nothing about it.
#[derive(Debug, Default)]
struct Met {
    counts: [Counts; 5],
    saturated: [u32; 5],
}

struct Model<'a> {
    setup: &'a Setup,
    params: StepParams,
}

impl Model<'_> {
    /// The convolution and its input scale behind layer `layer`.
    fn conv(&self, layer: u32) -> (&Conv, usize, f64) {
        let network = &self.setup.network;
        let convs = network.nodes().iter().filter_map(|node| match &node.kind {
            NodeKind::Conv(conv) => Some((conv, network.values()[node.inputs[0]])),
            _ => None,
        });
        let (conv, input) = convs.clone().nth(size(layer)).expect("a convolution");
        (conv, input.shape.c, f64::from(input.quant.scale))
    }

    /// The elements of a parameter in the order in which they are stored.
    fn elements(&self, parameter: Parameter, len: usize) -> Vec<Element> {
        let is_dead =
            |scale: f32| self.setup.rules.dead_channels == DeadChannels::Frozen && scale < DEAD;
        let index = |at: usize| u32::try_from(at).expect("small");
        match parameter {
            Parameter::Weight(layer) => {
                let (conv, n_channels, _) = self.conv(layer);
                let update = self.setup.policy.layers.get(size(layer)).copied();
                let update = update.unwrap_or(LayerUpdate::Weights { ratio: 1.0 });
                let rule = self.setup.rules.channels;
                let choice = self.setup.policy.channels_of(size(layer), rule);
                let chosen = selected_channels(conv, n_channels, update.ratio(), choice);
                let (taps, n) = (conv.kernel[0] * conv.kernel[1], chosen.len());
                let element = |at: usize| {
                    let channel = chosen[at % n];
                    let (row, tap) = (at / n, at / n % taps);
                    let (output, flat) = if conv.depthwise {
                        (channel, channel * taps + tap)
                    } else {
                        (row / taps, row * n_channels + channel)
                    };
                    let scale = conv.weight_scale[output];
                    Element {
                        scale: Some(f64::from(scale)),
                        is_dead: is_dead(scale),
                        index: index(flat),
                    }
                };
                (0..len).map(element).collect()
            }
            Parameter::Bias(layer) => {
                let (conv, _, x_scale) = self.conv(layer);
                let scales = conv.weight_scale.iter().enumerate();
                scales
                    .map(|(channel, &scale)| Element {
                        scale: Some(single(f64::from(scale) * x_scale)),
                        is_dead: is_dead(scale),
                        index: index(channel),
                    })
                    .collect()
            }
            Parameter::ClassifierWeight | Parameter::ClassifierBias => {
                let element = Element {
                    scale: None,
                    is_dead: false,
                    index: 0,
                };
                vec![element; len]
            }
        }
    }

    /// What the update makes of `before`, and how many elements it counts.
    fn updated(
        &self,
        parameter: Parameter,
        before: &Stored,
        gradient: &[f64],
        met: &mut Met,
    ) -> (Stored, Counts) {
        let mut after = before.clone();
        let mut counts = Counts::default();
        assert_eq!(gradient.len(), before.values.len(), "{parameter:?}");
        let elements = self.elements(parameter, gradient.len());
        for (at, (element, &gradient)) in elements.into_iter().zip(gradient).enumerate() {
            if element.is_dead {
                counts.dead += 1;
                continue;
            }
            let step = self.step_of(element, gradient, after.velocity.get_mut(at));
            let change = match parameter {
                Parameter::Weight(_) => self.weight(parameter, element, &mut after, at, step),
                Parameter::Bias(_) => self.bias(parameter, element, &mut after.values[at], step),
                Parameter::ClassifierWeight => float(&mut after.values[at], self.rate(), step),
                Parameter::ClassifierBias => float(&mut after.values[at], self.bias_rate(), step),
            };
            counts.moved += u32::from(change.moved);
            counts.vanished += u32::from(change.vanished);
            met.saturated[self.setup.rules.update as usize] += u32::from(change.saturated);
        }
        (after, counts)
    }

    /// The gradient after QAS and momentum.
    fn step_of(&self, element: Element, gradient: f64, velocity: Option<&mut f64>) -> f64 {
        let scaled = match element.scale {
            Some(scale) if self.params.qas => {
                single(gradient * single(1.0 / single(scale * scale)))
            }
            _ => gradient,
        };
        let has_momentum = self.setup.rules.optimizer == Optimizer::Momentum;
        assert_eq!(velocity.is_some(), has_momentum);
        let Some(velocity) = velocity else {
            return scaled;
        };
        let kept = single(f64::from(self.params.momentum) * *velocity);
        *velocity = single(kept + scaled);
        *velocity
    }

    fn rate(&self) -> f64 {
        f64::from(self.params.learning_rate)
    }

    fn bias_rate(&self) -> f64 {
        single(self.rate() * f64::from(self.params.bias_rate_factor))
    }

    fn unit(&self, parameter: Parameter, element: Element) -> f64 {
        let StepParams { seed, step, .. } = self.params;
        f64::from(Noise::new(seed, step, parameter.noise_key()).unit(element.index))
    }

    fn weight(
        &self,
        parameter: Parameter,
        element: Element,
        after: &mut Stored,
        at: usize,
        step: f64,
    ) -> Change {
        let rule = self.setup.rules.update;
        let value = &mut after.values[at];
        if rule == UpdateRule::Master {
            let old = *value;
            let change = float(value, self.rate(), step);
            return Change {
                moved: value.round_ties_even() != old.round_ties_even(),
                ..change
            };
        }
        let old = *value;
        let delta = single(self.rate() * step);
        let limit = 2f64.powi(21);
        let clamped = delta.clamp(-limit, limit);
        let (wish, least, most) = match rule {
            UpdateRule::Int16 => {
                let old_code = old;
                let old = 256.0 * old + after.remainders[at];
                let rounded = (256.0 * clamped).clamp(-limit, limit).round_ties_even();
                let fine = (old - rounded).clamp(-127.0 * 256.0, 127.0 * 256.0);
                // The code is the nearest to the fine value, a tie going up.
                let code = (fine / 256.0 + 0.5).floor();
                after.remainders[at] = fine - 256.0 * code;
                *value = code;
                return Change {
                    moved: code != old_code,
                    vanished: rounded == 0.0 && delta != 0.0,
                    saturated: fine != old - rounded,
                };
            }
            UpdateRule::Truncate => (single(old - clamped).trunc(), -128.0, 127.0),
            UpdateRule::Nearest => (old - clamped.round_ties_even(), -127.0, 127.0),
            _ => {
                let noisy = single(clamped + self.unit(parameter, element));
                (old - noisy.floor(), -127.0, 127.0)
            }
        };
        *value = wish.clamp(least, most);
        Change {
            moved: *value != old,
            vanished: wish == old && delta != 0.0,
            saturated: *value != wish,
        }
    }

    fn bias(&self, parameter: Parameter, element: Element, value: &mut f64, step: f64) -> Change {
        let rule = self.setup.rules.update;
        if rule == UpdateRule::Master {
            return float(value, self.bias_rate(), step);
        }
        let old = *value;
        let delta = single(self.bias_rate() * step);
        let limit = 2f64.powi(30);
        let clamped = delta.clamp(-limit, limit);
        let rounded = match rule {
            UpdateRule::Truncate => clamped.trunc(),
            UpdateRule::Nearest | UpdateRule::Int16 => clamped.round_ties_even(),
            _ => single(clamped + self.unit(parameter, element)).floor(),
        };
        let wish = old - rounded;
        *value = wish.clamp(f64::from(i32::MIN), f64::from(i32::MAX));
        Change {
            moved: *value != old,
            vanished: rounded == 0.0 && delta != 0.0,
            saturated: *value != wish,
        }
    }
}

/// What became of one element.
struct Change {
    moved: bool,
    vanished: bool,
    saturated: bool,
}

/// `value -= rate * step`, in f32.
fn float(value: &mut f64, rate: f64, step: f64) -> Change {
    let old = *value;
    let delta = single(rate * step);
    *value = single(old - delta);
    Change {
        moved: *value != old,
        vanished: *value == old && delta != 0.0,
        saturated: false,
    }
}

/// Runs all samples of a setup and compares every parameter after every step.
fn check(setup: &Setup, met: &mut Met) {
    let mut runtime: Run = run::runtime_of(setup.program());
    let n_layers = runtime.program().n_layers();
    let layers: Vec<_> = (0..n_layers)
        .map(|layer| runtime.program().layer(layer))
        .collect();
    for (step, (codes, label)) in (0..).zip(&setup.samples) {
        let params = setup.settings.step_params(step);
        let before = stored(&runtime);
        let mut recorder = Recorder {
            layers: layers.clone(),
            ..Recorder::default()
        };
        runtime.load_sample(codes, *label).expect("the sample fits");
        runtime.step(&params, &mut recorder);
        let after = stored(&runtime);
        assert!(before.keys().eq(recorder.updates.keys()), "all that learns");
        let model = Model { setup, params };
        for (&parameter, before) in &before {
            let gradient = match parameter {
                Parameter::Weight(layer) => &recorder.weights[&layer],
                Parameter::Bias(layer) => &recorder.biases[&layer],
                of_classifier => &recorder.classifier[&of_classifier],
            };
            let (expected, counts) = model.updated(parameter, before, gradient, met);
            let at = || format!("{parameter:?}, step {step}, {:?}", setup.rules);
            assert_eq!(after[&parameter], expected, "{}", at());
            let update = &recorder.updates[&parameter];
            let found = Counts {
                dead: update.n_dead,
                moved: update.n_moved,
                vanished: update.n_vanished,
            };
            assert_eq!(found, counts, "{}", at());
            assert_eq!(size(update.n_elements), before.values.len(), "{}", at());
            let total = &mut met.counts[setup.rules.update as usize];
            total.dead += counts.dead;
            total.moved += counts.moved;
            total.vanished += counts.vanished;
        }
    }
}

#[test]
fn every_update_can_be_computed_again() {
    let mut met = Met::default();
    for seed in 0..400 {
        let mut setup = Setup::random(9000 + seed, Style::VARIED, 4);
        choose_own_channels(&mut Rng::new(seed), &mut setup.policy);
        check(&setup, &mut met);
    }
    for (rule, (counts, &saturated)) in ALL_RULES
        .into_iter()
        .zip(met.counts.iter().zip(&met.saturated))
    {
        assert_eq!(met.counts[rule as usize], *counts);
        let all_met = counts.dead > 100 && counts.moved > 1000 && counts.vanished > 1000;
        assert!(all_met, "{rule:?}: {met:?}");
        assert!(
            saturated > 20 || rule == UpdateRule::Master,
            "{rule:?}: {met:?}"
        );
    }
}

/// Steps that are far smaller than a code add up in a remainder, and in a master, but not in an
/// int8 code that is rounded to the nearest.
#[test]
fn small_steps_add_up_only_where_something_keeps_them() {
    for (rule, adds_up) in [
        (UpdateRule::Int16, true),
        (UpdateRule::Master, true),
        (UpdateRule::Nearest, false),
    ] {
        let mut n_moved = 0;
        for seed in 0..20 {
            let mut setup = Setup::random(seed, Style::SMALL, 1);
            setup.rules.update = rule;
            setup.rules.optimizer = Optimizer::Sgd;
            let mut runtime: Run = run::runtime_of(setup.program());
            let start = rounded_weights(&runtime);
            let mut largest = Largest::default();
            step(&mut runtime, &setup.samples[0], &mut largest, 0.0);
            if largest.0 == 0.0 {
                continue;
            }
            // Deltas of at most a twentieth of a code.
            let learning_rate = 0.05 / largest.0;
            largest = Largest::default();
            for _ in 0..60 {
                let before = runtime.state().to_vec();
                step(&mut runtime, &setup.samples[0], &mut largest, learning_rate);
                keep_weights_only(&mut runtime, before);
            }
            if largest.0 * learning_rate < 0.5 {
                let pairs = start.into_iter().zip(rounded_weights(&runtime));
                n_moved += pairs.filter(|(start, end)| start != end).count();
            }
        }
        assert_eq!(n_moved > 0, adds_up, "{rule:?}: {n_moved} weights moved");
    }
}

/// The codes that the next forward pass will use of all weights that learn.
fn rounded_weights(runtime: &Run) -> Vec<f64> {
    let all = stored(runtime).into_iter();
    all.filter(|(parameter, _)| matches!(parameter, Parameter::Weight(_)))
        .flat_map(|(_, stored)| stored.values)
        .map(f64::round_ties_even)
        .collect()
}

/// Takes back what a step changed, but for the weights of the layers: at the rate that suits
/// them, biases and classifier would run away.
fn keep_weights_only(runtime: &mut Run, mut state: Vec<u8>) {
    let program = runtime.program();
    for layer in 0..program.n_layers() {
        let record = program.layer(layer);
        let tensors = [record.weight_tensor, record.remainder_tensor];
        for tensor in tensors.into_iter().flatten() {
            let record = program.tensor(tensor);
            state[size(record.offset)..size(record.end())]
                .copy_from_slice(runtime.tensor_bytes(tensor));
        }
    }
    runtime.set_state(&state).expect("the same program");
}

/// One step without QAS.
fn step(runtime: &mut Run, (codes, label): &Sample, trace: &mut impl Trace, learning_rate: f32) {
    let settings = Settings {
        qas: false,
        ..Settings::constant(learning_rate, 3)
    };
    runtime.load_sample(codes, *label).expect("the sample fits");
    runtime.step(&settings.step_params(0), trace);
}

/// The largest weight gradient of a run.
#[derive(Default)]
struct Largest(f32);

impl Trace for Largest {
    fn weight_gradient(&mut self, _layer: u32, _first: usize, rows: &[f32]) {
        self.0 = rows.iter().fold(self.0, |max, g| max.max(g.abs()));
    }
}

/// A delta that is not a number counts as zero.
#[test]
fn a_gradient_that_is_no_number_changes_no_code() {
    for rule in ALL_RULES {
        if rule == UpdateRule::Master {
            continue;
        }
        let mut n_codes = 0;
        for seed in 0..20 {
            let mut setup = Setup::random(seed, Style::SMALL, 1);
            setup.rules.update = rule;
            let mut runtime: Run = run::runtime_of(setup.program());
            // Only an f32 classifier can hold what is no number.
            let Some(head) = runtime.program().meta().head.classifier else {
                continue;
            };
            let bias = size(runtime.program().tensor(head.bias_tensor).offset);
            runtime.arena_mut()[bias..bias + 4].copy_from_slice(&f32::NAN.to_le_bytes());
            let before = stored(&runtime);
            let (codes, label) = &setup.samples[0];
            runtime.load_sample(codes, *label).expect("the sample fits");
            let loss = runtime.step(&setup.settings.step_params(0), &mut NoTrace);
            assert!(loss.is_nan());
            let after = stored(&runtime);
            for (parameter, before) in before {
                if matches!(parameter, Parameter::Weight(_) | Parameter::Bias(_)) {
                    assert_eq!(
                        after[&parameter].values, before.values,
                        "{parameter:?}, {:?}",
                        setup.rules
                    );
                    n_codes += before.values.len();
                }
            }
        }
        assert!(n_codes > 1000, "{rule:?}: {n_codes}");
    }
}

#[test]
fn the_rate_follows_the_schedule_and_nothing_else_changes() {
    let (warmup_steps, total_steps) = (5, 65);
    let settings = Settings {
        schedule: Schedule::Cosine {
            warmup_steps,
            total_steps,
        },
        bias_rate_factor: 0.5,
        momentum: 0.75,
        ..Settings::constant(0.3, 9)
    };
    for step in 0..80 {
        let factor = if step < warmup_steps {
            f64::from(step + 1) / f64::from(warmup_steps + 1)
        } else if step < total_steps {
            let through = f64::from(step - warmup_steps) / f64::from(total_steps - warmup_steps);
            0.5 + 0.5 * (std::f64::consts::PI * through).cos()
        } else {
            0.0
        };
        let params = settings.step_params(step);
        let expected = 0.3 * factor;
        assert!(
            (f64::from(params.learning_rate) - expected).abs() < 1e-7,
            "step {step}: {} instead of {expected}",
            params.learning_rate
        );
        let rest = StepParams {
            learning_rate: 0.3,
            ..params
        };
        let plain = Settings {
            schedule: Schedule::Constant,
            ..settings
        };
        assert_eq!(rest, plain.step_params(step));
    }
}
