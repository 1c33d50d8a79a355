//! Damaged files: whatever they say, they are read or refused with a sentence, within the limits.

use std::hint::black_box;

use quartermeg_formats::explain;
use quartermeg_formats::tiny_training::{MAX_DECODED, read};

use super::builder::{crc, zip};
use super::memory::{Memory, measured};
use super::reference;
use super::small;

/// A generator of pseudo random numbers (xorshift64*), so that every run does the same.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() >> 11).expect("53 bits") % n
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// Instructions of pickles, and lengths at the limits.
const BYTES: &[u8] = b"(.NJKMGXBCR)t]ae}suqhrjcb\x80\x85\x86\x87\x88\x89\x8a\x8c\x8d\x8e\x93\x94\x95\x96\0\x01\x7f\xff";
const WORDS: [u32; 6] = [0, 1, 0xffff, 0x7fff_ffff, 0x8000_0000, u32::MAX];

/// Overwrites 1 to 8 bytes at `at`; gives what was there.
fn overwrite(rng: &mut Rng, bytes: &mut [u8], at: usize) -> Vec<u8> {
    let mut new: Vec<u8> = match rng.below(5) {
        0 => vec![bytes[at] ^ (1 << rng.below(8))],
        1 => vec![rng.byte()],
        2 => vec![rng.pick(BYTES)],
        3 => rng.pick(&WORDS).to_le_bytes().to_vec(),
        _ => rng.next().to_le_bytes().to_vec(),
    };
    new.truncate(bytes.len() - at);
    let place = &mut bytes[at..at + new.len()];
    let old = place.to_vec();
    place.copy_from_slice(&new);
    old
}

/// Reads the file, whatever comes of it: whether it was read, and the memory that it took.
fn read_anyway(file: &[u8]) -> (bool, Memory) {
    let (result, memory) = measured(|| read("damaged", file));
    assert!(memory.largest <= MAX_DECODED, "{memory:?}");
    assert!(memory.peak <= MAX_DECODED, "{memory:?}");
    let error = match result {
        Ok(network) => {
            black_box(network);
            return (true, memory);
        }
        Err(error) => error,
    };
    let sentence = explain::tiny_training(&error);
    assert!(sentence.ends_with('.'), "{sentence}");
    (false, memory)
}

/// What became of a number of damaged files.
#[derive(Default)]
struct Outcome {
    n_files: u32,
    n_read: u32,
    memory: Memory,
}

impl Outcome {
    fn add(&mut self, (was_read, memory): (bool, Memory)) {
        self.n_files += 1;
        self.n_read += u32::from(was_read);
        self.memory.peak = self.memory.peak.max(memory.peak);
        self.memory.largest = self.memory.largest.max(memory.largest);
    }

    fn report(&self, what: &str) {
        eprintln!(
            "{what}: {} damaged files, {} of them still networks; largest request {} B, most \
             memory {} B",
            self.n_files, self.n_read, self.memory.largest, self.memory.peak
        );
    }
}

/// Where the bytes of the pickle lie in a file with one stored pickle, and where its CRC-32 is.
struct Layout {
    pickle: std::ops::Range<usize>,
    crc_at: usize,
}

impl Layout {
    fn of(file: &[u8]) -> Self {
        let half = |at: usize| usize::from(u16::from_le_bytes([file[at], file[at + 1]]));
        let find = |what: &[u8]| {
            file.windows(what.len())
                .rposition(|window| window == what)
                .expect("a record of the zip")
        };
        // The first record of the directory is that of the pickle.
        let end = find(b"PK\x05\x06");
        let word = |at: usize| half(at) | half(at + 2) << 16;
        let record = word(end + 16);
        let start = 30 + half(26) + half(28);
        Self {
            pickle: start..start + word(record + 24),
            crc_at: record + 16,
        }
    }

    fn make_crc_right(&self, file: &mut [u8]) {
        let crc = crc(&file[self.pickle.clone()]);
        file[self.crc_at..self.crc_at + 4].copy_from_slice(&crc.to_le_bytes());
    }
}

/// Offsets in the pickle of all bytes that are not inside a text of more than 64 bytes: of the
/// instructions, names and numbers, but not of the arrays' contents.
fn field_bytes(pickle: &[u8]) -> Vec<usize> {
    let mut offsets = Vec::new();
    let mut at = 0;
    while at < pickle.len() {
        offsets.push(at);
        let len = pickle.get(at + 1..at + 5).map_or(0, |len| {
            u32::from_le_bytes([len[0], len[1], len[2], len[3]]) as usize
        });
        if pickle[at] == b'X' && len > 64 && len < pickle.len() - at {
            offsets.extend(at + 1..at + 5);
            at += 5 + len;
        } else {
            at += 1;
        }
    }
    offsets
}

/// Damages a real file: one half in the pickle's fields behind a CRC-32 that is right, the other
/// half anywhere. The damage is undone after each time, which is faster than a copy.
fn damage(name: &str, seed: u64, n_files: u32) {
    let Some(mut file) = reference::file(name, "reading damaged copies") else {
        return;
    };
    let whole = file.clone();
    let layout = Layout::of(&file);
    let fields = field_bytes(&file[layout.pickle.clone()]);
    let mut rng = Rng(seed);
    let (mut inside, mut anywhere) = (Outcome::default(), Outcome::default());
    for index in 0..n_files {
        if index % 2 == 0 {
            let at = layout.pickle.start + rng.pick(&fields);
            let old = overwrite(&mut rng, &mut file, at);
            layout.make_crc_right(&mut file);
            inside.add(read_anyway(&file));
            file[at..at + old.len()].copy_from_slice(&old);
            file[layout.crc_at..layout.crc_at + 4]
                .copy_from_slice(&whole[layout.crc_at..layout.crc_at + 4]);
        } else {
            // Every fourth time near the end, where the directory is; every eighth time cut off.
            let at = match rng.below(8) {
                0 | 1 => file.len() - 1 - rng.below(256),
                _ => rng.below(file.len()),
            };
            if rng.below(8) == 0 {
                anywhere.add(read_anyway(&file[..at]));
            } else {
                let old = overwrite(&mut rng, &mut file, at);
                anywhere.add(read_anyway(&file));
                file[at..at + old.len()].copy_from_slice(&old);
            }
        }
    }
    assert!(file == whole, "the damage is undone");
    inside.report(&format!("{name}, in the fields"));
    anywhere.report(&format!("{name}, anywhere"));
}

#[test]
fn damaged_copies_of_mcunet() {
    damage("mcunet-5fps", 1, 8_000);
}

#[test]
fn damaged_copies_of_mbv2() {
    damage("mbv2-w0.35", 2, 9_000);
}

#[test]
fn damaged_copies_of_proxyless() {
    damage("proxyless-w0.3", 3, 9_000);
}

/// The small network takes damage of every kind, since it is written anew each time: bytes
/// overwritten, taken out, put in, moved; in every protocol.
#[test]
fn damaged_copies_of_the_small_network() {
    let mut rng = Rng(4);
    let mut outcome = Outcome::default();
    let pickles = [2, 3, 4, 5].map(|protocol| small::network().pickle(protocol));
    for index in 0..40_000_usize {
        let mut pickle = pickles[index % 4].clone();
        for _ in 0..=rng.below(3) {
            let at = rng.below(pickle.len());
            match rng.below(6) {
                0..=2 => {
                    overwrite(&mut rng, &mut pickle, at);
                }
                3 => {
                    let end = (at + 1 + rng.below(16)).min(pickle.len());
                    pickle.drain(at..end);
                }
                4 => pickle.insert(at, rng.pick(BYTES)),
                _ => {
                    let end = (at + rng.below(64)).min(pickle.len());
                    let part = pickle[at..end].to_vec();
                    let to = rng.below(pickle.len());
                    pickle.splice(to..to, part);
                }
            }
            if pickle.is_empty() {
                pickle.push(0x80);
            }
        }
        let mut file = zip(&pickle);
        if index % 16 == 0 {
            let at = rng.below(file.len());
            overwrite(&mut rng, &mut file, at);
        }
        outcome.add(read_anyway(&file));
    }
    outcome.report("small network");
    assert!(
        outcome.n_read > 100,
        "the damage goes no deeper than the first byte"
    );
}
