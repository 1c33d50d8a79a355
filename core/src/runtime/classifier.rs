//! The f32 classifier and its loss. `exp` and `ln` come from one portable library on every
//! target, so that the bits do not depend on it.

use super::trace::{Parameter, SquareSums, Trace, UpdateTrace};
use super::update::{StepParams, with_momentum};
use crate::quant::{LogitScale, QuantParams};

#[expect(clippy::cast_precision_loss, reason = "at most nine bits")]
#[inline]
fn real(code: i8, quant: QuantParams) -> f32 {
    (i32::from(code) - quant.zero_point) as f32 * quant.scale
}

/// `logits[o] = sum_i real(x[i]) * W[o, i] + b[o]`, the sum ascending from 0.
#[inline]
pub(super) fn forward(
    quant: QuantParams,
    x: &[i8],
    weight: &[f32],
    bias: &[f32],
    logits: &mut [f32],
) {
    for ((logit, row), bias) in logits
        .iter_mut()
        .zip(weight.chunks_exact(x.len()))
        .zip(bias)
    {
        let mut sum = 0.0;
        for (&code, weight) in x.iter().zip(row) {
            sum += real(code, quant) * weight;
        }
        *logit = sum + bias;
    }
}

/// Turns logits into the gradient of the cross-entropy with respect to them, and returns the
/// loss.
#[inline]
pub(super) fn softmax_cross_entropy(logits: &mut [f32], label: u32) -> f32 {
    let label = (label as usize).min(logits.len() - 1);
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let at_label = logits[label] - max;
    let mut sum = 0.0;
    for logit in logits.iter_mut() {
        *logit = libm::expf(*logit - max);
        sum += *logit;
    }
    for (class, probability) in logits.iter_mut().enumerate() {
        *probability /= sum;
        if class == label {
            *probability -= 1.0;
        }
    }
    libm::logf(sum) - at_label
}

/// f32 logits from the codes of an int8 head.
#[inline]
pub(super) fn logits(quant: QuantParams, rule: LogitScale, x: &[i8], logits: &mut [f32]) {
    for (logit, &code) in logits.iter_mut().zip(x) {
        *logit = match rule {
            LogitScale::Real => real(code, quant),
            LogitScale::Codes => f32::from(code),
        };
    }
}

/// `g_x[i] = sum_o g[o] * W[o, i] * s_x`, the sum ascending from 0.
#[inline]
pub(super) fn backward_input(scale: f32, gradient: &[f32], weight: &[f32], out: &mut [f32]) {
    out.fill(0.0);
    for (gradient, row) in gradient.iter().zip(weight.chunks_exact(out.len())) {
        for (sum, weight) in out.iter_mut().zip(row) {
            *sum += gradient * weight;
        }
    }
    for sum in out {
        *sum *= scale;
    }
}

/// The parameters of the classifier, and their momentum buffers, empty for plain SGD.
pub(super) struct Stored<'a> {
    pub(super) weight: &'a mut [f32],
    pub(super) bias: &'a mut [f32],
    pub(super) velocities: [&'a mut [f32]; 2],
}

/// SGD on the classifier.
#[inline]
pub(super) fn update(
    quant: QuantParams,
    x: &[i8],
    gradient: &[f32],
    stored: Stored<'_>,
    params: &StepParams,
    trace: &mut impl Trace,
) -> [UpdateTrace; 2] {
    let Stored {
        weight,
        bias,
        velocities: [weight_velocity, bias_velocity],
    } = stored;
    let wants_squares = trace.wants_squares();
    let mut of_weight = Tally::new(weight.len(), wants_squares, params.learning_rate);
    let bias_rate = params.learning_rate * params.bias_rate_factor;
    let mut of_bias = Tally::new(bias.len(), wants_squares, bias_rate);
    let rows = weight.chunks_exact_mut(x.len()).zip(bias).zip(gradient);
    for (class, ((row, bias), &gradient)) in rows.enumerate() {
        for (feature, (weight, &code)) in row.iter_mut().zip(x).enumerate() {
            let gradient = gradient * real(code, quant);
            let at = class * x.len() + feature;
            let step = with_momentum(weight_velocity, at, params.momentum, gradient);
            of_weight.change(weight, gradient, step);
            trace.classifier_gradient(Parameter::ClassifierWeight, at, gradient);
        }
        let step = with_momentum(bias_velocity, class, params.momentum, gradient);
        of_bias.change(bias, gradient, step);
        trace.classifier_gradient(Parameter::ClassifierBias, class, gradient);
    }
    [
        of_weight.finish(Parameter::ClassifierWeight),
        of_bias.finish(Parameter::ClassifierBias),
    ]
}

struct Tally {
    n_elements: usize,
    moved: u32,
    vanished: u32,
    squares: Option<[f32; 2]>,
    learning_rate: f32,
}

impl Tally {
    #[inline]
    fn new(n_elements: usize, wants_squares: bool, learning_rate: f32) -> Self {
        Self {
            n_elements,
            moved: 0,
            vanished: 0,
            squares: wants_squares.then_some([0.0; 2]),
            learning_rate,
        }
    }

    /// Changes `value` by `step`, the gradient after momentum.
    #[inline]
    fn change(&mut self, value: &mut f32, gradient: f32, step: f32) {
        if let Some([weight, of_gradient]) = &mut self.squares {
            *weight += *value * *value;
            *of_gradient += gradient * gradient;
        }
        let delta = self.learning_rate * step;
        let new = *value - delta;
        let same = new.to_bits() == value.to_bits();
        self.moved += u32::from(!same);
        self.vanished += u32::from(same && delta != 0.0);
        *value = new;
    }

    #[inline]
    fn finish(self, parameter: Parameter) -> UpdateTrace {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "at most 4096 classes of 65536 features"
        )]
        let n_elements = self.n_elements as u32;
        UpdateTrace {
            parameter,
            n_elements,
            n_dead: 0,
            n_moved: self.moved,
            n_vanished: self.vanished,
            squares: self.squares.map(|[weight, gradient]| SquareSums {
                float_weight: weight,
                float_gradient: gradient,
                int_weight: weight,
                int_gradient: gradient,
                qas_gradient: gradient,
            }),
        }
    }
}
