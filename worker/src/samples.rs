//! The samples of the scenario, and what a person drew.

use quartermeg_core::session::{Samples, Session};
use quartermeg_formats::image::IMAGE_EXTENT;
use quartermeg_formats::{explain, sample_file};

use quartermeg_web::protocol::SampleView;

/// Pixels of a small image.
const IMAGE_PIXELS: usize = IMAGE_EXTENT * IMAGE_EXTENT;

/// Samples to learn from and to measure on.
#[derive(Debug)]
pub(crate) struct SampleSet {
    /// The samples to learn from that came with the scenario.
    pub(crate) learn: Samples,
    /// Grey values of the samples to learn from, drawn ones included.
    pub(crate) pixels: Vec<u8>,
    /// Numbers of the samples to learn from, where the page knows them by one.
    pub(crate) ids: Vec<u32>,
    /// The samples to measure on.
    pub(crate) test: Samples,
}

impl SampleSet {
    /// Reads the file of a scenario.
    pub(crate) fn read(file: &[u8]) -> Result<Self, String> {
        let digits = sample_file::read_digits(file)
            .map_err(|error| format!("The samples cannot be used: {}", explain::samples(&error)))?;
        Ok(Self {
            learn: digits.learn,
            pixels: digits.learn_pixels,
            ids: Vec::new(),
            test: digits.test,
        })
    }

    /// The sample of the step under way, or, between steps, of the next one.
    pub(crate) fn view(&self, session: &Session) -> Option<SampleView> {
        let index = session.sample_of_step(session.step_count());
        if let Some(&id) = self.ids.get(index) {
            let (_, label) = session.samples().get(index);
            return Some(SampleView {
                index: id,
                label,
                pixels: Vec::new(),
            });
        }
        let pixels = self
            .pixels
            .get(index * IMAGE_PIXELS..(index + 1) * IMAGE_PIXELS)?;
        let (_, label) = session.samples().get(index);
        Some(SampleView {
            index: count(index),
            label,
            pixels: pixels.to_vec(),
        })
    }
}

/// Whether these are the pixels of a drawing.
pub(crate) fn check_image(pixels: &[u8]) -> Result<(), String> {
    if pixels.len() == IMAGE_PIXELS {
        return Ok(());
    }
    Err(format!(
        "A drawing has {IMAGE_EXTENT} x {IMAGE_EXTENT} grey values, but this has {}.",
        pixels.len()
    ))
}

/// A number of samples.
pub(crate) fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
