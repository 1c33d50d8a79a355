//! Image files as the pixels of a network's input.

use std::path::Path;

use anyhow::{Context as _, bail};
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder as _, ImageReader, Rgb, RgbImage};
use quartermeg_core::network::Shape;
use quartermeg_formats::image::grey;

/// Grey or colour values, 0 to 255, row by row: the largest part in the middle that has the
/// aspect of the input, scaled to it.
pub(crate) fn read(path: &Path, input: Shape) -> anyhow::Result<Vec<u8>> {
    if !matches!(input.c, 1 | 3) {
        bail!(
            "{} cannot be used: the network reads {} channels, an image has 1 or 3; bring CSV or \
             .npy.",
            path.display(),
            input.c
        );
    }
    let image = decode(path).with_context(|| {
        format!(
            "{} is no image that can be read (PNG, JPEG and BMP can)",
            path.display()
        )
    })?;
    let (width, height) = (extent(input.w)?, extent(input.h)?);
    let [left, top, part_width, part_height] =
        middle([image.width(), image.height()], [width, height]);
    let scaled = DynamicImage::ImageRgb8(on_white(&image))
        .crop_imm(left, top, part_width, part_height)
        .resize_exact(width, height, FilterType::Triangle)
        .into_rgb8();
    Ok(if input.c == 1 {
        scaled.pixels().map(|&Rgb(colour)| grey(colour)).collect()
    } else {
        scaled.into_raw()
    })
}

/// The image, turned as the camera says.
fn decode(path: &Path) -> anyhow::Result<DynamicImage> {
    // What a file is says its beginning, not its name.
    let mut decoder = ImageReader::open(path)?
        .with_guessed_format()?
        .into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// What is transparent lies on white.
fn on_white(image: &DynamicImage) -> RgbImage {
    let image = image.to_rgba8();
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [r, g, b, alpha] = image.get_pixel(x, y).0;
        Rgb([r, g, b].map(|value| {
            let sum = u32::from(value) * u32::from(alpha) + 255 * u32::from(255 - alpha);
            u8::try_from((sum + 127) / 255).unwrap_or(u8::MAX)
        }))
    })
}

/// Left, top, width and height of the largest part in the middle that has an aspect.
fn middle([width, height]: [u32; 2], [to_width, to_height]: [u32; 2]) -> [u32; 4] {
    // The other side of the part, from the side that it shares with the image.
    let other = |shared: u32, to_shared: u32, to_other: u32| {
        let (shared, to_shared, to_other) =
            (u64::from(shared), u64::from(to_shared), u64::from(to_other));
        let rounded = (2 * shared * to_other + to_shared) / (2 * to_shared);
        u32::try_from(rounded.max(1)).unwrap_or(u32::MAX)
    };
    let is_tall =
        u64::from(width) * u64::from(to_height) <= u64::from(height) * u64::from(to_width);
    let (part_width, part_height) = if is_tall {
        (width, other(width, to_width, to_height).min(height))
    } else {
        (other(height, to_height, to_width).min(width), height)
    };
    [
        (width - part_width) / 2,
        (height - part_height) / 2,
        part_width,
        part_height,
    ]
}

fn extent(extent: usize) -> anyhow::Result<u32> {
    u32::try_from(extent).context("The network's input is too large for an image.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_part_of_the_aspect_is_taken_from_the_middle() {
        assert_eq!(middle([90, 60], [48, 48]), [15, 0, 60, 60]);
        assert_eq!(middle([60, 91], [48, 48]), [0, 15, 60, 60]);
        assert_eq!(middle([100, 100], [64, 32]), [0, 25, 100, 50]);
        assert_eq!(middle([1, 1], [64, 1]), [0, 0, 1, 1]);
    }

    #[test]
    fn what_is_transparent_is_white() {
        let mut image = image::RgbaImage::new(2, 1);
        image.put_pixel(1, 0, image::Rgba([100, 0, 255, 128]));
        let image = on_white(&DynamicImage::ImageRgba8(image));
        assert_eq!(image.into_raw(), [255, 255, 255, 177, 127, 255]);
    }
}
