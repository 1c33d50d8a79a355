//! The rules of the arithmetic in which implementations differ, and the named sets of them
//! (numerics: "Profiles").

/// How an accumulator becomes a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequantizeRule {
    /// `half_even(f32(sat_i32(acc + b)) * m) + z_y`.
    HalfEven,
    /// `half_even(f32(f32(acc) + b) * m) + z_y`, with the bias as f32: the released simulator.
    FloatBias,
    /// `trunc(f32(sat_i32(acc + b)) * m) + z_y`: the released firmware.
    Truncate,
    /// The fixed-point multiplier and shift of TensorFlow Lite Micro.
    FixedPoint,
}

/// How residual adds and average pools round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementwiseRule {
    /// Half to even; the zero point is added outside the rounding.
    HalfEven,
    /// Half away from zero; the zero point lies inside the rounding.
    HalfAway,
    /// Fixed-point adds and means half away from zero, as TensorFlow Lite Micro computes them.
    FixedPoint,
}

/// Element type in which gradients with respect to activations are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GradientType {
    /// f32.
    F32,
    /// int8 codes with one scale a tensor.
    I8,
}

/// How an update reaches a weight that learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateRule {
    /// int8 in place, the delta rounded stochastically.
    Stochastic,
    /// int8 in place, the delta rounded to the nearest.
    Nearest,
    /// int8 in place, `trunc(w - delta)`.
    Truncate,
    /// int8 with an int8 remainder of 1/256 codes, the delta rounded to the nearest.
    Int16,
    /// An f32 master copy, from which codes are rounded whenever they are used.
    Master,
}

/// What the codes of an f32 master copy may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MasterCodes {
    /// -127..=127, as every other weight.
    Clamped,
    /// Whatever the master rounds to.
    Unclamped,
}

/// Output channels whose weight scale is so small that QAS blows their gradient up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadChannels {
    /// Never updated.
    Frozen,
    /// Updated like every other.
    Updated,
}

/// The gradient at the shortcut of a residual add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShortcutGradient {
    /// Added to the branch's, as the chain rule says.
    Accumulated,
    /// Lost: only the branch passes a gradient on.
    Dropped,
}

/// The input of a weight gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GradientInput {
    /// `x - z_x`.
    Centered,
    /// The raw code.
    Raw,
}

/// Which channels of a partial ratio learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelChoice {
    /// `floor(r * C)` with the largest sum of squares.
    Largest,
    /// The first `round(r * C)`.
    First,
}

/// What the network's last layer, where its file has it in f32, is trained as. A file's own int8
/// classifier stays what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassifierType {
    /// f32 weights on dequantized features.
    F32,
    /// An int8 layer whose codes are the logits (`Network::with_int8_classifier`).
    I8,
}

/// What the softmax sees of an int8 classifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogitScale {
    /// Dequantized logits.
    Real,
    /// The codes themselves.
    Codes,
}

/// The optimizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Optimizer {
    /// Plain SGD.
    Sgd,
    /// SGD with an f32 momentum buffer for every parameter that learns.
    Momentum,
}

/// Number of rules.
pub const N_RULES: usize = 12;

/// One choice for every rule. A program carries them in its facts, so they are part of its
/// identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Accumulator to code.
    pub requantize: RequantizeRule,
    /// Adds and average pools.
    pub elementwise: ElementwiseRule,
    /// Storage of activation gradients.
    pub gradient: GradientType,
    /// Update of trainable weights and biases.
    pub update: UpdateRule,
    /// Range of rounded masters.
    pub master_codes: MasterCodes,
    /// Dead output channels.
    pub dead_channels: DeadChannels,
    /// Gradient through shortcuts.
    pub shortcut: ShortcutGradient,
    /// Zero point in weight gradients.
    pub gradient_input: GradientInput,
    /// Channels of a partial ratio.
    pub channels: ChannelChoice,
    /// Softmax of an int8 classifier.
    pub logits: LogitScale,
    /// Optimizer.
    pub optimizer: Optimizer,
    /// Element type of the classifier.
    pub classifier: ClassifierType,
}

impl Rules {
    /// What a device does: the default.
    pub const DEVICE: Self = Self {
        requantize: RequantizeRule::HalfEven,
        elementwise: ElementwiseRule::HalfEven,
        gradient: GradientType::F32,
        update: UpdateRule::Stochastic,
        master_codes: MasterCodes::Clamped,
        dead_channels: DeadChannels::Frozen,
        shortcut: ShortcutGradient::Accumulated,
        gradient_input: GradientInput::Centered,
        channels: ChannelChoice::Largest,
        logits: LogitScale::Real,
        optimizer: Optimizer::Sgd,
        classifier: ClassifierType::F32,
    };

    /// The released `PyTorch` simulator.
    pub const SIMULATOR: Self = Self {
        requantize: RequantizeRule::FloatBias,
        update: UpdateRule::Master,
        master_codes: MasterCodes::Unclamped,
        dead_channels: DeadChannels::Updated,
        ..Self::DEVICE
    };

    /// The released firmware, its rules re-created.
    pub const TINYENGINE: Self = Self {
        requantize: RequantizeRule::Truncate,
        elementwise: ElementwiseRule::HalfAway,
        update: UpdateRule::Truncate,
        dead_channels: DeadChannels::Updated,
        shortcut: ShortcutGradient::Dropped,
        gradient_input: GradientInput::Raw,
        channels: ChannelChoice::First,
        logits: LogitScale::Codes,
        ..Self::DEVICE
    };

    /// The device with the forward pass of TensorFlow Lite Micro.
    pub const TFLM: Self = Self {
        requantize: RequantizeRule::FixedPoint,
        elementwise: ElementwiseRule::FixedPoint,
        ..Self::DEVICE
    };

    /// The number of the choice of every rule, in the order of the fields.
    #[must_use]
    pub fn choices(self) -> [u8; N_RULES] {
        [
            self.requantize as u8,
            self.elementwise as u8,
            self.gradient as u8,
            self.update as u8,
            self.master_codes as u8,
            self.dead_channels as u8,
            self.shortcut as u8,
            self.gradient_input as u8,
            self.channels as u8,
            self.logits as u8,
            self.optimizer as u8,
            self.classifier as u8,
        ]
    }

    /// The rules of such numbers; `None` where there is no such choice.
    #[must_use]
    pub fn from_choices(choices: [u8; N_RULES]) -> Option<Self> {
        use {
            ChannelChoice as Channels, ElementwiseRule as Elementwise,
            RequantizeRule as Requantize, UpdateRule as Update,
        };
        let [
            requantize,
            elementwise,
            gradient,
            update,
            master_codes,
            dead_channels,
            shortcut,
            gradient_input,
            channels,
            logits,
            optimizer,
            classifier,
        ] = choices;
        let requantizes = [
            Requantize::HalfEven,
            Requantize::FloatBias,
            Requantize::Truncate,
            Requantize::FixedPoint,
        ];
        let elementwises = [
            Elementwise::HalfEven,
            Elementwise::HalfAway,
            Elementwise::FixedPoint,
        ];
        let updates = [
            Update::Stochastic,
            Update::Nearest,
            Update::Truncate,
            Update::Int16,
            Update::Master,
        ];
        Some(Self {
            requantize: pick(requantize, requantizes)?,
            elementwise: pick(elementwise, elementwises)?,
            gradient: pick(gradient, [GradientType::F32, GradientType::I8])?,
            update: pick(update, updates)?,
            master_codes: pick(master_codes, [MasterCodes::Clamped, MasterCodes::Unclamped])?,
            dead_channels: pick(dead_channels, [DeadChannels::Frozen, DeadChannels::Updated])?,
            shortcut: pick(
                shortcut,
                [ShortcutGradient::Accumulated, ShortcutGradient::Dropped],
            )?,
            gradient_input: pick(
                gradient_input,
                [GradientInput::Centered, GradientInput::Raw],
            )?,
            channels: pick(channels, [Channels::Largest, Channels::First])?,
            logits: pick(logits, [LogitScale::Real, LogitScale::Codes])?,
            optimizer: pick(optimizer, [Optimizer::Sgd, Optimizer::Momentum])?,
            classifier: pick(classifier, [ClassifierType::F32, ClassifierType::I8])?,
        })
    }

    /// The rules as one word of a program ([`place_in_word`] says where each lies).
    #[cfg(feature = "compile")]
    pub(crate) fn encode(self) -> u32 {
        let choices = (0..).zip(self.choices());
        choices.fold(0, |word, (rule, choice)| {
            word | u32::from(choice) << place_in_word(rule).0
        })
    }

    /// The rules of a word; `None` where it holds a choice that does not exist.
    pub(crate) fn decode(word: u32) -> Option<Self> {
        let mut choices = [0; N_RULES];
        for (rule, choice) in (0..).zip(&mut choices) {
            let (shift, mask) = place_in_word(rule);
            *choice = (word >> shift & mask).to_le_bytes()[0];
        }
        Self::from_choices(choices)
    }
}

/// Shift and mask of a rule in a program's word: three bits each for the first ten, one for the
/// last two, which are choices between two.
fn place_in_word(rule: u32) -> (u32, u32) {
    const N_WIDE: u32 = 10;
    if rule < N_WIDE {
        (3 * rule, 7)
    } else {
        (2 * N_WIDE + rule, 1)
    }
}

fn pick<T: Copy, const N: usize>(choice: u8, choices: [T; N]) -> Option<T> {
    choices.get(usize::from(choice)).copied()
}

#[cfg(all(test, feature = "compile"))]
mod tests {
    use super::*;

    #[test]
    fn every_named_set_comes_back_from_its_word() {
        let momentum = Rules {
            optimizer: Optimizer::Momentum,
            gradient: GradientType::I8,
            update: UpdateRule::Int16,
            ..Rules::DEVICE
        };
        let int8_classifier = Rules {
            classifier: ClassifierType::I8,
            logits: LogitScale::Codes,
            ..momentum
        };
        for rules in [
            Rules::DEVICE,
            Rules::SIMULATOR,
            Rules::TINYENGINE,
            Rules::TFLM,
            momentum,
            int8_classifier,
        ] {
            assert_eq!(Rules::decode(rules.encode()), Some(rules));
        }
        assert_eq!(Rules::DEVICE.encode(), 0);
        assert_eq!(Rules::decode(u32::MAX), None);
    }
}
