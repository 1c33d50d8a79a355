//! The worlds before and after a change.

use quartermeg_core::network::Value;
use quartermeg_core::session::Samples;
use quartermeg_formats::input_range::InputRange;
use quartermeg_formats::motion::Channel;

use super::{image, motion};

/// The world as it is.
pub const BEFORE: usize = 0;
/// The world after the change.
pub const AFTER: usize = 1;

/// How the world changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Images written by another hand ([`super::slanted`]).
    Slant {
        /// Degrees to the right.
        degrees: i32,
    },
    /// Images that are turned ([`super::rotated`]).
    Rotation {
        /// Degrees clockwise.
        degrees: i32,
    },
    /// Images in another light ([`super::lit`]).
    Light {
        /// Of the light before.
        percent: u32,
    },
    /// Motion of the other arm ([`super::mirrored`]).
    OtherArm,
    /// Motion of a sensor that has turned ([`super::turned`]).
    TurnedSensor {
        /// Degrees around the x axis.
        degrees: i32,
    },
    /// A class that is withheld, and comes with the change.
    NewClass {
        /// Which.
        class: u32,
    },
}

/// Why a drift cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriftError {
    /// The samples are no images.
    NoImages,
    /// The samples are no motion whose axes are known.
    NoAxes,
    /// There are no samples of the class to learn from or to measure on, or none of another.
    NoSamples,
}

impl DriftError {
    /// What is missing, and what to do.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::NoImages => {
                "The network does not read images of two rows and columns or more; choose another \
                 change."
            }
            Self::NoAxes => {
                "These samples are no motion with axes x, y and z; choose another change."
            }
            Self::NoSamples => {
                "Samples are missing: the world before the change and the one after it each need \
                 some to learn from and some that are held out. For a new class, that is some of \
                 it and some of another class; add them, or choose another class."
            }
        }
    }
}

/// Samples to learn from and to measure on, each [`BEFORE`] and [`AFTER`] the change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worlds {
    /// To learn from.
    pub learn: [Samples; 2],
    /// To measure on.
    pub held_out: [Samples; 2],
}

/// Most samples that one accuracy is measured on.
const MOST_MEASURED: usize = 200;
/// So many samples that no search has chosen by are enough to measure on.
const ENOUGH_MEASURED: usize = 50;

impl Change {
    /// Every kind of change, with the strength that page and command line begin with.
    pub const USUAL: [Self; 6] = [
        Self::Slant { degrees: 25 },
        Self::Rotation { degrees: 30 },
        Self::Light { percent: 40 },
        Self::OtherArm,
        Self::TurnedSensor { degrees: 90 },
        Self::NewClass { class: 0 },
    ];

    /// The weakest and the strongest that can be chosen, in the unit of the change; none where
    /// there is no more or less of it.
    #[must_use]
    pub fn strengths(self) -> Option<[i32; 2]> {
        match self {
            Self::Slant { .. } => Some([-60, 60]),
            Self::Rotation { .. } | Self::TurnedSensor { .. } => Some([-180, 180]),
            Self::Light { .. } => Some([5, 400]),
            Self::OtherArm | Self::NewClass { .. } => None,
        }
    }

    /// Codes of a sample after the change. `channels` are those of motion, none for other samples.
    ///
    /// # Errors
    /// When samples of this kind cannot be changed so.
    pub fn of(
        self,
        codes: &[i8],
        input: Value,
        channels: &[Channel],
    ) -> Result<Vec<i8>, DriftError> {
        let shape = input.shape;
        let is_motion = matches!(self, Self::OtherArm | Self::TurnedSensor { .. });
        let is_new_class = matches!(self, Self::NewClass { .. });
        if is_motion && (!motion::has_axes(channels) || channels.len() != shape.c) {
            return Err(DriftError::NoAxes);
        }
        if !is_motion && !is_new_class && (shape.h < 2 || shape.w < 2) {
            return Err(DriftError::NoImages);
        }
        Ok(match self {
            Self::Slant { degrees } => image::slanted(codes, shape, degrees),
            Self::Rotation { degrees } => image::rotated(codes, shape, degrees),
            Self::Light { percent } => {
                let [black, ..] = InputRange::of(input.quant).codes(input.quant);
                image::lit(codes, black, percent)
            }
            Self::OtherArm => motion::mirrored(codes, channels, input),
            Self::TurnedSensor { degrees } => motion::turned(codes, channels, input, degrees),
            Self::NewClass { .. } => codes.to_vec(),
        })
    }

    /// Both worlds of samples to learn from and of those that are held out. Where that leaves
    /// enough, only those held-out samples are measured on that no search chooses a policy by
    /// ([`crate::Part::Test`]), and of many only some, at equal distances.
    ///
    /// # Errors
    /// When samples of this kind cannot be changed so, or there are too few.
    pub fn worlds(
        self,
        [learn, held_out]: [&Samples; 2],
        input: Value,
        channels: &[Channel],
    ) -> Result<Worlds, DriftError> {
        let [learn, learn_after] = self.both(learn.clone(), input, channels)?;
        let [held_out, held_out_after] = self.both(measured(held_out), input, channels)?;
        Ok(Worlds {
            learn: [learn, learn_after],
            held_out: [held_out, held_out_after],
        })
    }

    /// Some samples before the change and after it.
    fn both(
        self,
        all: Samples,
        input: Value,
        channels: &[Channel],
    ) -> Result<[Samples; 2], DriftError> {
        if let Self::NewClass { class } = self {
            let others = picked(&all, &|_, label| label != class);
            // Without one of the class nothing would come, without another nothing was there.
            if others.is_empty() || others.len() == all.len() {
                return Err(DriftError::NoSamples);
            }
            return Ok([others, all]);
        }
        let mut codes = Vec::new();
        let mut labels = Vec::new();
        for sample in 0..all.len() {
            let (before, label) = all.get(sample);
            codes.extend(self.of(before, input, channels)?);
            labels.push(label);
        }
        if labels.is_empty() {
            return Err(DriftError::NoSamples);
        }
        let changed = collected(&all, codes, labels);
        Ok([all, changed])
    }
}

/// Those of the held-out samples that are measured on.
fn measured(held_out: &Samples) -> Samples {
    let of_test = picked(held_out, &|sample, _| !sample.is_multiple_of(2));
    let samples = if of_test.len() >= ENOUGH_MEASURED {
        of_test
    } else {
        held_out.clone()
    };
    let (all, most) = (samples.len(), MOST_MEASURED);
    // The first of each of `most` equal stretches.
    picked(&samples, &|sample, _| {
        all <= most || sample * most % all < most
    })
}

fn picked(samples: &Samples, is_wanted: &dyn Fn(usize, u32) -> bool) -> Samples {
    let mut codes = Vec::new();
    let mut labels = Vec::new();
    for sample in 0..samples.len() {
        let (of_sample, label) = samples.get(sample);
        if is_wanted(sample, label) {
            codes.extend_from_slice(of_sample);
            labels.push(label);
        }
    }
    collected(samples, codes, labels)
}

fn collected(like: &Samples, codes: Vec<i8>, labels: Vec<u32>) -> Samples {
    Samples::new(like.shape(), codes, labels).expect("invariant: every sample has its length")
}

#[cfg(test)]
mod tests {
    use quartermeg_core::network::Shape;
    use quartermeg_core::quant::QuantParams;

    use super::*;

    const INPUT: Value = Value {
        shape: Shape { h: 2, w: 2, c: 1 },
        quant: QuantParams {
            scale: 1.0 / 255.0,
            zero_point: -128,
        },
    };

    /// Sample `n` has the codes `n`, `n + 1`, `n + 2`, `n + 3` and the class `n % 3`.
    fn samples(n: u32) -> Samples {
        let codes = (0..n).flat_map(|at| (at..at + 4).map(|it| i8::try_from(it % 100).unwrap()));
        let labels = (0..n).map(|at| at % 3);
        Samples::new([2, 2, 1], codes.collect(), labels.collect()).unwrap()
    }

    fn worlds(change: Change, n_learn: u32, n_held_out: u32) -> Result<Worlds, DriftError> {
        change.worlds([&samples(n_learn), &samples(n_held_out)], INPUT, &[])
    }

    #[test]
    fn the_world_before_is_as_it_was_and_the_one_after_is_changed() {
        let worlds = worlds(Change::Rotation { degrees: 180 }, 4, 3).unwrap();
        assert_eq!(worlds.learn[BEFORE], samples(4));
        assert_eq!(worlds.held_out[BEFORE], samples(3));
        assert_eq!(worlds.learn[AFTER].get(2), (&[5, 4, 3, 2][..], 2));
        assert_eq!(worlds.held_out[AFTER].get(1), (&[4, 3, 2, 1][..], 1));
    }

    #[test]
    fn light_is_counted_from_the_black_of_the_input() {
        let light = Change::Light { percent: 50 };
        assert_eq!(
            light.of(&[-128, -28, 0, 127], INPUT, &[]).unwrap(),
            [-128, -78, -64, -1]
        );
        // Black is in the middle of these codes' range, that of -1 and 1.
        let grey = Value {
            quant: QuantParams {
                scale: 2.0 / 255.0,
                zero_point: -1,
            },
            ..INPUT
        };
        assert_eq!(light.of(&[-128, 127, -28, 0], grey, &[]).unwrap()[0], -128);
    }

    #[test]
    fn a_class_is_withheld_and_comes() {
        let worlds = worlds(Change::NewClass { class: 1 }, 6, 7).unwrap();
        let labels = |samples: &Samples| -> Vec<u32> {
            (0..samples.len()).map(|at| samples.get(at).1).collect()
        };
        assert_eq!(labels(&worlds.learn[BEFORE]), [0, 2, 0, 2]);
        assert_eq!(worlds.learn[AFTER], samples(6));
        assert_eq!(labels(&worlds.held_out[BEFORE]), [0, 2, 0, 2, 0]);
        assert_eq!(worlds.held_out[AFTER], samples(7));
    }

    #[test]
    fn what_cannot_be_changed_is_refused() {
        for (change, expected) in [
            (Change::OtherArm, DriftError::NoAxes),
            (Change::TurnedSensor { degrees: 9 }, DriftError::NoAxes),
            (Change::NewClass { class: 3 }, DriftError::NoSamples),
        ] {
            assert_eq!(worlds(change, 6, 6), Err(expected));
        }
        let slant = Change::Slant { degrees: 9 };
        assert_eq!(worlds(slant, 6, 0), Err(DriftError::NoSamples));
        // One class alone is no world to which another can come.
        let new = Change::NewClass { class: 0 };
        assert_eq!(worlds(new, 1, 6), Err(DriftError::NoSamples));
        let line = Value {
            shape: Shape { h: 1, w: 4, c: 1 },
            ..INPUT
        };
        assert_eq!(slant.of(&[0; 4], line, &[]), Err(DriftError::NoImages));
    }

    #[test]
    fn many_samples_are_thinned_and_few_are_all_measured() {
        let firsts = |n: u32| -> Vec<u32> {
            let measured = measured(&samples(n));
            (0..measured.len()).map(|at| measured.get(at).1).collect()
        };
        assert_eq!(firsts(7).len(), 7);
        assert_eq!(firsts(99).len(), 99);
        // Every other one, beginning with the second.
        assert_eq!(firsts(100).len(), 50);
        assert_eq!(firsts(100)[..4], [1, 0, 2, 1]);
        assert_eq!(firsts(400).len(), 200);
        assert_eq!(firsts(1_000).len(), 200);
        assert_eq!(firsts(770).len(), 200);
    }
}
