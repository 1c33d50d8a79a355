//! Windows of motion: those that ship, and those of a person's recordings.

use quartermeg_core::network::Network;
use quartermeg_core::session::{Samples, largest};
use quartermeg_formats::explain;
use quartermeg_formats::motion::{Channel, Description};

use crate::files::short;
use crate::samples::count;
use crate::time::Clock;
use crate::trainer::{Compiled, Trainer, evaluator, no_plan, no_samples, softmax};
use quartermeg_web::protocol::{ChannelView, Event, MotionView};

/// How the windows that ship were recorded.
#[derive(Debug)]
pub(crate) struct Motion(Description);

impl Motion {
    /// Reads the description in a file of windows.
    pub(crate) fn read(file: &[u8]) -> Result<Self, String> {
        Description::read(file).map(Self).ok_or_else(|| {
            "The samples cannot be used: their file does not say how they were recorded.".to_owned()
        })
    }

    /// What is recorded at each moment.
    pub(crate) fn channels(&self) -> &[Channel] {
        &self.0.channels
    }

    #[cfg_attr(page, optimize(size))]
    fn view(&self, network: &Network, held_out: &Samples) -> MotionView {
        let input = network.input();
        let channels = self.0.channels.iter();
        MotionView {
            class_names: self.0.class_names.clone(),
            rate_hz: self.0.rate_hz,
            channels: channels
                .map(|it| ChannelView {
                    name: it.name.clone(),
                    unit: it.unit.clone(),
                    line: it.line(input),
                })
                .collect(),
            held_out: (0..held_out.len())
                .map(|index| {
                    let (codes, label) = held_out.get(index);
                    (label, codes.to_vec())
                })
                .collect(),
        }
    }
}

impl<C: Clock> Trainer<C> {
    /// Tells how motion is recorded, once network and windows are there.
    pub(crate) fn tell_motion(&mut self, id: u32) {
        if let (Ok(network), Some(motion), Some(samples)) =
            (&self.network, &self.motion, &self.samples)
            && self.network_of == self.samples_of
        {
            let view = motion.view(network, &samples.test);
            self.tell(id, Event::Motion(Box::new(view)));
        }
    }

    /// Whether windows of motion are learned.
    pub(crate) fn shows_motion(&self) -> bool {
        let compiled = self.compiled.as_ref();
        self.motion.is_some() && compiled.is_some_and(|it| it.setup.scenario == self.samples_of)
    }

    pub(crate) fn read_recording(
        &mut self,
        id: u32,
        name: String,
        bytes: &[u8],
    ) -> Result<(), String> {
        let Some(Motion(description)) = self.motion.as_ref().filter(|_| self.shows_motion()) else {
            return Err(no_samples());
        };
        let input = self.network.as_ref().map_err(String::clone)?.input();
        let windows = description.windows(bytes, input).map_err(|error| {
            let sentence = explain::recording(&error, description);
            format!("\"{}\" was left out: {sentence}", short(&name))
        })?;
        self.tell(id, Event::RecordingRead { name, windows });
        Ok(())
    }

    pub(crate) fn add_windows(
        &mut self,
        id: u32,
        windows: &[Vec<i8>],
        label: u32,
    ) -> Result<(), String> {
        let Some(run) = &mut self.run else {
            return Err(no_samples());
        };
        for codes in windows {
            run.session
                .add_sample(codes, label)
                .map_err(|error| explain::input(&error))?;
        }
        let n_learn = count(run.session.samples().len());
        self.is_origin_new = true;
        self.tell(id, Event::SampleAdded { n_learn });
        Ok(())
    }

    /// Predicts with the weights from before learning.
    pub(crate) fn predict_untrained(&mut self, id: u32, codes: &[i8]) -> Result<(), String> {
        let Compiled {
            program, untrained, ..
        } = self.compiled.as_mut().ok_or_else(no_plan)?;
        let reader = evaluator(untrained, program)?;
        reader
            .classify(codes)
            .map_err(|error| explain::input(&error))?;
        let probabilities = softmax(reader.logits());
        let best = largest(&probabilities);
        self.tell(
            id,
            Event::PredictionBefore {
                class: count(best),
                probability: probabilities.get(best).copied().unwrap_or_default(),
            },
        );
        Ok(())
    }
}
