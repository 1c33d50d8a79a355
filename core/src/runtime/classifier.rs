//! The f32 classifier and its loss. `exp` and `ln` come from one portable library on every
//! target, so that the bits do not depend on it.

use super::trace::{Parameter, SquareSums, UpdateTrace};
use crate::quant::QuantParams;

#[expect(clippy::cast_precision_loss, reason = "at most nine bits")]
fn real(code: i8, quant: QuantParams) -> f32 {
    (i32::from(code) - quant.zero_point) as f32 * quant.scale
}

/// `logits[o] = sum_i real(x[i]) * W[o, i] + b[o]`, the sum ascending from 0.
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

/// `g_x[i] = sum_o g[o] * W[o, i] * s_x`, the sum ascending from 0.
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

/// Plain SGD on the classifier.
pub(super) fn update(
    quant: QuantParams,
    x: &[i8],
    gradient: &[f32],
    weight: &mut [f32],
    bias: &mut [f32],
    learning_rate: f32,
    wants_squares: bool,
) -> [UpdateTrace; 2] {
    let mut of_weight = Tally::new(weight.len(), wants_squares);
    let mut of_bias = Tally::new(bias.len(), wants_squares);
    let rows = weight.chunks_exact_mut(x.len()).zip(bias).zip(gradient);
    for ((row, bias), &gradient) in rows {
        for (weight, &code) in row.iter_mut().zip(x) {
            of_weight.change(weight, gradient * real(code, quant), learning_rate);
        }
        of_bias.change(bias, gradient, learning_rate);
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
}

impl Tally {
    fn new(n_elements: usize, wants_squares: bool) -> Self {
        Self {
            n_elements,
            moved: 0,
            vanished: 0,
            squares: wants_squares.then_some([0.0; 2]),
        }
    }

    fn change(&mut self, value: &mut f32, gradient: f32, learning_rate: f32) {
        if let Some([weight, of_gradient]) = &mut self.squares {
            *weight += *value * *value;
            *of_gradient += gradient * gradient;
        }
        let delta = learning_rate * gradient;
        let new = *value - delta;
        let same = new.to_bits() == value.to_bits();
        self.moved += u32::from(!same);
        self.vanished += u32::from(same && delta != 0.0);
        *value = new;
    }

    fn finish(self, parameter: Parameter) -> UpdateTrace {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "at most 4096 classes and features"
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
