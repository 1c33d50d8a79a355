//! The samples of the scenario, and what a person drew.

use quartermeg_core::session::{Samples, Session};
use quartermeg_formats::image::IMAGE_EXTENT;
use quartermeg_formats::sample_file::Parts;
use quartermeg_formats::scenario::SampleKind;
use quartermeg_formats::{explain, sample_file};

use quartermeg_web::protocol::SampleView;

/// Pixels of a small image.
const IMAGE_PIXELS: usize = IMAGE_EXTENT * IMAGE_EXTENT;

/// Samples to learn from and to measure on.
#[derive(Debug)]
pub(crate) struct SampleSet {
    /// The samples to learn from that came with the scenario.
    pub(crate) learn: Samples,
    /// Grey values of the samples to learn from, drawn ones included; none where they are no
    /// images.
    pub(crate) pixels: Vec<u8>,
    /// Numbers of the samples to learn from, where the page knows them by one.
    pub(crate) ids: Vec<u32>,
    /// The samples to measure on.
    pub(crate) test: Samples,
}

impl SampleSet {
    /// Reads the file of a scenario with samples of this kind.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn read(kind: SampleKind, file: &[u8]) -> Result<Self, String> {
        let read = if kind == SampleKind::Motion {
            sample_file::read_parts(file).map(|Parts { learn, test }| (learn, Vec::new(), test))
        } else {
            sample_file::read_digits(file).map(|it| (it.learn, it.learn_pixels, it.test))
        };
        let (learn, pixels, test) = read
            .map_err(|error| format!("The samples cannot be used: {}", explain::samples(&error)))?;
        Ok(Self {
            learn,
            pixels,
            ids: Vec::new(),
            test,
        })
    }

    /// The sample of the step under way, or, between steps, of the next one.
    pub(crate) fn view(&self, session: &Session) -> Option<SampleView> {
        let index = session.sample_of_step(session.step_count());
        let (codes, label) = session.samples().get(index);
        let mut view = SampleView {
            index: count(index),
            label,
            pixels: Vec::new(),
            codes: Vec::new(),
        };
        if let Some(&id) = self.ids.get(index) {
            view.index = id;
        } else if self.pixels.is_empty() {
            view.codes = codes.to_vec();
        } else {
            let pixels = index * IMAGE_PIXELS..(index + 1) * IMAGE_PIXELS;
            view.pixels = self.pixels.get(pixels)?.to_vec();
        }
        Some(view)
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
