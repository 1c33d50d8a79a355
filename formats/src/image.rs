//! From a 28 x 28 grey image, as MNIST has it, to the codes that a 48 x 48 network reads.

/// Rows and columns of a small image.
pub const IMAGE_EXTENT: usize = 28;
/// Rows and columns of the network's input.
pub const INPUT_EXTENT: usize = 48;

/// Grey as television defines it (ITU-R BT.601), rounded.
#[must_use]
pub fn grey([r, g, b]: [u8; 3]) -> u8 {
    let sum = 299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b);
    u8::try_from((sum + 500) / 1_000).unwrap_or(u8::MAX)
}

/// Bilinear enlargement in integers, so that every target gives the same codes.
///
/// Output position `i` reads source position `((2 i + 1) * 28 - 48) / 96`, clamped to the image;
/// the four neighbours are weighted in 96ths and the sum is rounded half up. A code is the grey
/// value minus 128. `pixels` holds 28 * 28 values, row by row; the result 48 * 48 codes.
#[must_use]
pub fn enlarge(pixels: &[u8]) -> Vec<i8> {
    const PARTS: i32 = 2 * 48;
    const LAST: usize = IMAGE_EXTENT - 1;
    let position = |out: usize| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_possible_wrap,
            clippy::cast_sign_loss,
            reason = "all values lie in 0..=27 * 96"
        )]
        {
            let at = ((2 * out as i32 + 1) * 28 - 48).clamp(0, 27 * PARTS);
            let first = (at / PARTS) as usize;
            (first, (first + 1).min(LAST), (at % PARTS) as u32)
        }
    };
    let pixel = |y: usize, x: usize| u32::from(pixels[y * IMAGE_EXTENT + x]);
    let mut codes = Vec::with_capacity(INPUT_EXTENT * INPUT_EXTENT);
    for out_y in 0..INPUT_EXTENT {
        let (y0, y1, fy) = position(out_y);
        for out_x in 0..INPUT_EXTENT {
            let (x0, x1, fx) = position(out_x);
            let upper = (96 - fx) * pixel(y0, x0) + fx * pixel(y0, x1);
            let lower = (96 - fx) * pixel(y1, x0) + fx * pixel(y1, x1);
            let value = ((96 - fy) * upper + fy * lower + 4608) / 9216;
            #[expect(clippy::cast_possible_truncation, reason = "a mean of bytes is a byte")]
            let byte = value as u8;
            codes.push(byte.wrapping_sub(128).cast_signed());
        }
    }
    codes
}
