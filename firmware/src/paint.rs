//! How far memory was written: it is covered with a pattern first, and the last byte that differs
//! from the pattern afterwards is the high-water mark.

use quartermeg_core::runtime::mix;

/// Keeps the pattern apart from the noise that training itself draws.
const KEY: u32 = 0x7061_696e;

/// The pattern depends on the place, so that no run of equal values hides behind it.
fn word(index: usize) -> [u8; 4] {
    #[expect(clippy::cast_possible_truncation, reason = "any bits will do")]
    let index = index as u32;
    mix(index ^ KEY).to_le_bytes()
}

/// Covers all of `block`.
pub fn cover(block: &mut [u8]) {
    for (index, bytes) in block.chunks_mut(4).enumerate() {
        bytes.copy_from_slice(&word(index)[..bytes.len()]);
    }
}

/// Bytes of `part` up to the last that was written; it starts `offset` bytes into the block that
/// was covered.
#[must_use]
pub fn high_water(part: &[u8], offset: usize) -> usize {
    let is_written =
        |&(at, &byte): &(usize, &u8)| byte != word((offset + at) / 4)[(offset + at) % 4];
    part.iter()
        .enumerate()
        .rev()
        .find(is_written)
        .map_or(0, |(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_written_byte_counts_and_no_other() {
        let mut block = [0; 43];
        cover(&mut block);
        assert_eq!(high_water(&block, 0), 0);
        assert_eq!(high_water(&block[17..], 17), 0);
        block[20] = !block[20];
        block[7] = !block[7];
        assert_eq!(high_water(&block, 0), 21);
        assert_eq!(high_water(&block[17..], 17), 4);
        assert_eq!(high_water(&block[21..], 21), 0);
    }
}
