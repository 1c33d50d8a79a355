//! What leaves a step: a caller's sink, which occupies no byte of the arena.

/// A parameter tensor that a step changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Parameter {
    /// The int8 weights of a convolution.
    Weight(u32),
    /// The int32 bias of a convolution.
    Bias(u32),
    /// The f32 weights of the classifier.
    ClassifierWeight,
    /// The f32 biases of the classifier.
    ClassifierBias,
}

impl Parameter {
    /// The number that keys the rounding noise; the classifier is not rounded.
    #[must_use]
    pub fn noise_key(self) -> u32 {
        match self {
            Self::Weight(layer) => 2 * layer,
            Self::Bias(layer) => 2 * layer + 1,
            Self::ClassifierWeight | Self::ClassifierBias => u32::MAX - 1,
        }
    }
}

/// Sums of squares of a parameter and its gradient, over the elements that learn.
///
/// The classifier has only float values, so its three gradients and two weights are equal.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SquareSums {
    /// Of the weights as real numbers, `s_w * W` (bias: `s_w * s_x * b`).
    pub float_weight: f32,
    /// Of the gradient with respect to them, `G / s_w` (bias: `G / (s_w * s_x)`).
    pub float_gradient: f32,
    /// Of the integer weights.
    pub int_weight: f32,
    /// Of the gradient with respect to them.
    pub int_gradient: f32,
    /// Of that gradient after QAS.
    pub qas_gradient: f32,
}

impl SquareSums {
    /// Adds one output channel: sums over integer weights and gradients that share a scale.
    pub(crate) fn add_channel(&mut self, weight: f32, gradient: f32, scale: f32) {
        let square = scale * scale;
        let inverse = 1.0 / square;
        self.float_weight += weight * square;
        self.float_gradient += gradient * inverse;
        self.int_weight += weight;
        self.int_gradient += gradient;
        self.qas_gradient += gradient * inverse * inverse;
    }

    /// `log(|W| / |G|)` as a float network, int8 without and int8 with QAS would have it
    /// (paper Eq. 2-4, Figure 3), in the natural base; `None` where a sum is zero.
    #[must_use]
    pub fn log_ratios(&self) -> [Option<f32>; 3] {
        [
            (self.float_weight, self.float_gradient),
            (self.int_weight, self.int_gradient),
            (self.int_weight, self.qas_gradient),
        ]
        .map(|(weight, gradient)| {
            (weight > 0.0 && gradient > 0.0 && gradient.is_finite())
                .then(|| 0.5 * (libm::logf(weight) - libm::logf(gradient)))
        })
    }
}

/// What one update did to one parameter tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UpdateTrace {
    /// Which tensor.
    pub parameter: Parameter,
    /// Elements of the tensor.
    pub n_elements: u32,
    /// Elements that never change because their output channel is dead: its weight scale is so
    /// small that QAS would blow its gradient up.
    pub n_dead: u32,
    /// Elements whose value changed.
    pub n_moved: u32,
    /// Elements whose change was not zero but was rounded to nothing.
    pub n_vanished: u32,
    /// Norms, if the sink asked for them.
    pub squares: Option<SquareSums>,
}

/// Receives what a step has to tell.
pub trait Trace {
    /// Whether updates should gather norms, which costs a pass over the gradient.
    fn wants_squares(&self) -> bool {
        false
    }

    /// A tile of a weight gradient, before QAS: `rows` holds `[n, taps, trainable channels]` for
    /// the output channels from `first` on, of a depthwise layer `[taps, n]` for its trainable
    /// channels from `first` on.
    fn weight_gradient(&mut self, layer: u32, first: usize, rows: &[f32]) {
        let _ = (layer, first, rows);
    }

    /// The bias gradient of one output channel, before QAS.
    fn bias_gradient(&mut self, layer: u32, channel: usize, gradient: f32) {
        let _ = (layer, channel, gradient);
    }

    /// The gradient of one parameter of the classifier, by its flat index.
    fn classifier_gradient(&mut self, parameter: Parameter, index: usize, gradient: f32) {
        let _ = (parameter, index, gradient);
    }

    /// An update took place.
    fn update(&mut self, update: UpdateTrace) {
        let _ = update;
    }
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTrace;

impl Trace for NoTrace {}
