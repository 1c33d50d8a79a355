//! How long a step may take: cycles by class of operation.
//!
//! The only latencies of whole training steps that are published for a microcontroller are those
//! of the paper's figure 10c: three networks on an STM32F746 at 216 MHz, under its own engine with
//! kernels written for the Cortex-M7. Three figures cannot tell eight classes apart, so two things are
//! fitted, the cost of a multiply-accumulate that reuses what it has loaded and of one that does
//! not (depthwise); everything else is counted in their units. What comes out is an estimate of
//! what kernels as good as the paper's need, not of this core's own kernels, which nobody has
//! timed on a chip.

use super::{Core, Device};
use crate::program::{LayerRecord, Op, Program};

/// What an operation spends its cycles on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A convolution over channels and space, forward.
    Dense,
    /// A convolution over channels alone, forward.
    Pointwise,
    /// A convolution of each channel alone, forward.
    Depthwise,
    /// The gradient at the input of a dense or pointwise convolution.
    InputGradient,
    /// The gradient at the input of a depthwise convolution.
    DepthwiseInputGradient,
    /// The gradient of weights, and their update.
    WeightGradient,
    /// The float classifier in both directions.
    Classifier,
    /// One visit of every element: adds, pools, masks, copies, biases, the loss.
    Elementwise,
}

impl Class {
    /// All classes, in the order of [`Work::units`].
    pub const ALL: [Self; 8] = [
        Self::Dense,
        Self::Pointwise,
        Self::Depthwise,
        Self::InputGradient,
        Self::DepthwiseInputGradient,
        Self::WeightGradient,
        Self::Classifier,
        Self::Elementwise,
    ];

    /// Name as people see it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dense => "dense convolution",
            Self::Pointwise => "pointwise convolution",
            Self::Depthwise => "depthwise convolution",
            Self::InputGradient => "input gradient",
            Self::DepthwiseInputGradient => "depthwise input gradient",
            Self::WeightGradient => "weight gradient",
            Self::Classifier => "classifier",
            Self::Elementwise => "elementwise",
        }
    }

    /// Cycles of a Cortex-M7 per multiply-accumulate, or per element.
    #[must_use]
    pub fn cycles(self) -> f32 {
        match self {
            Self::Depthwise | Self::DepthwiseInputGradient => CYCLES_WITHOUT_REUSE,
            _ => CYCLES_WITH_REUSE,
        }
    }
}

/// Cycles per multiply-accumulate that reuses what it has loaded, and per element of everything
/// that visits elements once: what the first two of [`MEASURED`] say.
pub const CYCLES_WITH_REUSE: f32 = 2.825;
/// Cycles per multiply-accumulate of a depthwise convolution, from the same two.
pub const CYCLES_WITHOUT_REUSE: f32 = 5.895;

/// Largest relative error on a measured latency that was not fitted: MCUNet's when the other two
/// give the costs (3.4 %), MobileNetV2's when they come from Proxyless and MCUNet (3.6 %). Without
/// Proxyless the two costs cannot be told apart, because the others are alike in their share of
/// depthwise convolutions.
pub const HELD_OUT_ERROR: f32 = 0.036;

/// A latency that was measured on an STM32F746, and the work of that step here.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Network of `tiny-training`, and the published scheme near 100 KB, which is the one that the
    /// figure's memory agrees with.
    pub scheme: &'static str,
    /// Milliseconds a step (paper, figure 10c, "TTE, sparse").
    pub milliseconds: f32,
    /// The work of a step under that scheme.
    pub work: Work,
}

/// The published latencies; the first two are fitted, the last is what the costs are held against.
pub const MEASURED: [Measured; 3] = [
    Measured {
        scheme: "mbv2-99kb",
        milliseconds: 373.0,
        work: Work {
            units: [
                1_769_472, 12_068_864, 2_808_576, 5_203_968, 559_872, 2_111_232, 3_360, 334_650,
            ],
        },
    },
    Measured {
        scheme: "proxyless-98kb",
        milliseconds: 443.0,
        work: Work {
            units: [
                1_769_472, 11_485_184, 5_365_248, 4_325_376, 1_514_496, 1_671_168, 2_880, 262_410,
            ],
        },
    },
    Measured {
        scheme: "mcunet-99kb",
        milliseconds: 546.0,
        work: Work {
            units: [
                1_769_472, 16_879_616, 3_804_416, 8_790_016, 1_027_840, 2_473_984, 4_800, 341_066,
            ],
        },
    },
];

/// The board that was measured.
const MEASURED_ON: &str = "stm32f746";

/// `CoreMark` a MHz of the Cortex-M7 over that of the Cortex-M4: 5.01 over 3.40.
const M4_OVER_M7: f32 = 5.01 / 3.40;

/// What an estimate rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Latencies that were measured on this chip.
    Measured,
    /// Those of the same processor on another chip, by the ratio of the clocks.
    Clock,
    /// Those of a Cortex-M7, by the ratio of clocks and of `CoreMark`; nothing was held against it.
    CoreMark,
    /// Those of a Cortex-M7, by the ratio of the clocks, for a board whose processor nobody named.
    Assumed,
}

/// An estimate of one training step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Milliseconds.
    pub milliseconds: f32,
    /// What it rests on.
    pub basis: Basis,
}

/// Milliseconds of a step on a board; none where nothing is known about its processor.
#[must_use]
pub fn estimate(work: &Work, device: &Device) -> Option<Estimate> {
    estimate_cycles(work.cycles(), device)
}

/// The same of a step that takes so many cycles of a Cortex-M7 ([`Work::cycles`]).
#[must_use]
pub fn estimate_cycles(cycles: f32, device: &Device) -> Option<Estimate> {
    let (factor, basis) = match device.core {
        Core::CortexM7 if device.id == MEASURED_ON => (1.0, Basis::Measured),
        Core::CortexM7 => (1.0, Basis::Clock),
        Core::CortexM4 => (M4_OVER_M7, Basis::CoreMark),
        Core::Unknown if device.clock_mhz > 0 => (1.0, Basis::Assumed),
        _ => return None,
    };
    #[expect(clippy::cast_precision_loss, reason = "a few hundred MHz")]
    let cycles_a_millisecond = 1000.0 * device.clock_mhz as f32;
    Some(Estimate {
        milliseconds: factor * cycles / cycles_a_millisecond,
        basis,
    })
}

/// What a step does, in multiply-accumulates or elements of each class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Amounts in the order of [`Class::ALL`].
    pub units: [u64; Class::ALL.len()],
}

impl Work {
    /// The work of all operations of a step.
    #[must_use]
    pub fn of_step<B: AsRef<[u8]>>(program: &Program<B>) -> Self {
        let mut work = Self::default();
        for op_idx in 0..program.n_ops() {
            work.add_op(program, program.op(op_idx));
        }
        work
    }

    /// The work of one operation.
    #[must_use]
    pub fn of_op<B: AsRef<[u8]>>(program: &Program<B>, op: Op) -> Self {
        let mut work = Self::default();
        work.add_op(program, op);
        work
    }

    /// The classes that it has anything of, with the amount.
    pub fn classes(&self) -> impl Iterator<Item = (Class, u64)> {
        let all = Class::ALL.into_iter().zip(self.units);
        all.filter(|&(_, units)| units > 0)
    }

    fn add_op<B: AsRef<[u8]>>(&mut self, program: &Program<B>, op: Op) {
        if let Some(stream) = program.stream(op) {
            for layer in stream.layers() {
                let (class, units) = of_conv(layer);
                self.units[class as usize] += units;
            }
            let sums = stream.add().map_or(0, |add| u64::from(add.len));
            self.units[Class::Elementwise as usize] += sums;
        } else if let Some(block) = program.block(op) {
            let macs = block.macs(op);
            let [expand, depthwise] = [&block.expand, &block.depthwise];
            // Masks, and bias gradients, layer by layer.
            let elements = |layer: &LayerRecord| {
                let passes = 1 + usize::from(layer.bias_tensor.is_some());
                (passes * layer.out_len()) as u64
            };
            let is_reached = macs.depthwise_input > 0;
            let of_expand = if is_reached { elements(expand) } else { 0 };
            let added = [
                (Class::InputGradient, macs.dense_input),
                (Class::DepthwiseInputGradient, macs.depthwise_input),
                (Class::WeightGradient, macs.weight),
                (Class::Elementwise, elements(depthwise) + of_expand),
            ];
            for (class, units) in added {
                self.units[class as usize] += units;
            }
        } else {
            let (class, units) = of_whole(program, op);
            self.units[class as usize] += units;
        }
    }

    /// Cycles of a Cortex-M7.
    #[must_use]
    pub fn cycles(&self) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "an estimate of two digits")]
        let cycles = |(class, &units): (&Class, &u64)| class.cycles() * units as f32;
        Class::ALL.iter().zip(&self.units).map(cycles).sum()
    }
}

/// Class and multiply-accumulates of the forward pass of a convolution.
fn of_conv(layer: &LayerRecord) -> (Class, u64) {
    let class = if layer.depthwise {
        Class::Depthwise
    } else if layer.kernel == [1, 1] {
        Class::Pointwise
    } else {
        Class::Dense
    };
    (class, layer.macs(layer.in_channels()))
}

/// Class and amount of an operation that works on whole tensors.
fn of_whole<B: AsRef<[u8]>>(program: &Program<B>, op: Op) -> (Class, u64) {
    let elements = |tensor: u32| {
        let shape = program.tensor(tensor).shape;
        shape.iter().map(|&extent| u64::from(extent)).product()
    };
    let head = program.meta().head;
    let classes = u64::from(head.n_classes);
    match op {
        Op::Conv { layer, .. } => of_conv(&program.layer(layer)),
        // Counted layer by layer.
        Op::Stream { .. } | Op::BlockBackward { .. } => (Class::Elementwise, 0),
        Op::ConvBackwardInput { layer, .. } => {
            let record = program.layer(layer);
            let class = if record.depthwise {
                Class::DepthwiseInputGradient
            } else {
                Class::InputGradient
            };
            (class, record.macs(record.in_channels()))
        }
        Op::WeightUpdate { layer, .. } | Op::WeightGradient { layer, .. } => {
            let record = program.layer(layer);
            let macs = record.macs(record.n_trainable as usize);
            (Class::WeightGradient, macs)
        }
        Op::Classifier { .. }
        | Op::ClassifierBackwardInput { .. }
        | Op::ClassifierUpdate { .. } => (Class::Classifier, u64::from(head.n_features) * classes),
        Op::Add { y, .. } => (Class::Elementwise, elements(y)),
        Op::AveragePool {
            pixels, channels, ..
        }
        | Op::AveragePoolBackward {
            pixels, channels, ..
        } => (Class::Elementwise, u64::from(pixels) * u64::from(channels)),
        Op::Pool { pool, y, .. } => {
            let [kernel_h, kernel_w] = program.pool(pool).geometry.kernel;
            (
                Class::Elementwise,
                elements(y) * u64::from(kernel_h) * u64::from(kernel_w),
            )
        }
        Op::SaveChannels { saved, .. } => (Class::Elementwise, elements(saved)),
        Op::PoolBackward { out, .. } | Op::MaskScale { out, .. } => {
            (Class::Elementwise, elements(out))
        }
        Op::BiasUpdate { gradient, .. }
        | Op::BiasGradient { gradient, .. }
        | Op::BiasApply { gradient, .. }
        | Op::WeightApply { gradient, .. }
        | Op::AddBackward { gradient, .. } => (Class::Elementwise, elements(gradient)),
        Op::Loss { .. } | Op::Logits { .. } | Op::LogitsBackward { .. } => {
            (Class::Elementwise, classes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::by_id;

    /// Multiply-accumulates with and without reuse, per cycle of the measured step.
    fn row(measured: &Measured) -> [f64; 2] {
        let cycles = f64::from(measured.milliseconds) * 216e3;
        let mut row = [0.0; 2];
        for (class, &units) in Class::ALL.iter().zip(&measured.work.units) {
            let column = usize::from(matches!(
                class,
                Class::Depthwise | Class::DepthwiseInputGradient
            ));
            row[column] += f64::from(u32::try_from(units).expect("small")) / cycles;
        }
        row
    }

    /// The two costs that give both latencies, and the relative error on the third.
    fn fit(fitted: [usize; 2], held_out: usize) -> ([f64; 2], f64) {
        let [a, b] = fitted.map(|index| row(&MEASURED[index]));
        let determinant = a[0] * b[1] - a[1] * b[0];
        let costs = [(b[1] - a[1]) / determinant, (a[0] - b[0]) / determinant];
        let held = row(&MEASURED[held_out]);
        (costs, costs[0] * held[0] + costs[1] * held[1] - 1.0)
    }

    #[test]
    fn the_costs_are_those_of_the_first_two_latencies() {
        let ([with_reuse, without_reuse], error) = fit([0, 1], 2);
        assert!(
            (with_reuse - f64::from(CYCLES_WITH_REUSE)).abs() < 0.002,
            "{with_reuse}"
        );
        assert!(
            (without_reuse - f64::from(CYCLES_WITHOUT_REUSE)).abs() < 0.002,
            "{without_reuse}"
        );
        let (_, other) = fit([1, 2], 0);
        let worst = error.abs().max(other.abs());
        assert!(
            (worst - f64::from(HELD_OUT_ERROR)).abs() < 0.001,
            "{error} {other}"
        );
        // The third split tells nothing.
        assert!(fit([0, 2], 1).1.abs() > 1.0);
    }

    #[test]
    fn the_estimate_of_the_measured_board_is_within_its_error() {
        let board = by_id("stm32f746").expect("a board");
        for measured in MEASURED {
            let found = estimate(&measured.work, &board).expect("a Cortex-M7");
            assert_eq!(found.basis, Basis::Measured);
            let error = found.milliseconds / measured.milliseconds - 1.0;
            assert!(
                error.abs() <= HELD_OUT_ERROR,
                "{}: {error}",
                measured.scheme
            );
        }
    }

    #[test]
    fn other_boards_scale_or_have_no_estimate() {
        let work = MEASURED[2].work;
        let of = |id: &str| estimate(&work, &by_id(id).expect("a board"));
        let [f746, h743, f407] =
            ["stm32f746", "stm32h743", "stm32f407"].map(|id| of(id).expect("one"));
        assert!((f746.milliseconds / h743.milliseconds - 480.0 / 216.0).abs() < 1e-3);
        assert_eq!((h743.basis, f407.basis), (Basis::Clock, Basis::CoreMark));
        assert!(f407.milliseconds > f746.milliseconds);
        for id in ["rp2040", "esp32s3", "unlimited", "custom:204800:524288"] {
            assert_eq!(of(id), None, "{id}");
        }
        let custom = of("custom:204800:524288:216").expect("a clock is enough");
        assert_eq!(
            (custom.milliseconds, custom.basis),
            (f746.milliseconds, Basis::Assumed)
        );
    }
}
