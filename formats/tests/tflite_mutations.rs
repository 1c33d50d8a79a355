//! Damaged `.tflite` files: no panic and no large allocation, whatever is changed.
//!
//! The format has no checksum, so whatever a mutation leaves readable reaches the importer.

mod common;
#[path = "common/memory.rs"]
mod memory;

use memory::measured;
use quartermeg_formats::{explain, tflite};

/// Mutations in all; half of them change the structure behind a valid header.
const N_MUTATIONS: usize = 48_000;
/// What one import may hold at once, in bytes.
const MAX_HELD: usize = 64 << 20;

const NETWORKS: [&str; 10] = [
    "person_detect",
    "speech",
    "sine",
    "vww_96_int8",
    "pretrainedResnet_quant",
    "kws_ref_model",
    "str_ww_ref_model",
    "ad01_int8",
    "tinyengine-vww",
    "tinyengine-detection",
];

// ---- where the structure is ---------------------------------------------------------------------

/// What a field of a table is.
enum Kind {
    Scalar,
    Vector,
    Table(&'static [Kind]),
    Tables(&'static [Kind]),
}

use Kind::{Scalar, Vector};

const OPTIONS: &[Kind] = &[Scalar, Scalar, Scalar, Scalar, Scalar, Scalar, Scalar];
const OPERATOR: &[Kind] = &[Scalar, Vector, Vector, Scalar, Kind::Table(OPTIONS)];
const QUANT: &[Kind] = &[Vector, Vector, Vector, Vector, Scalar, Scalar, Scalar];
const TENSOR: &[Kind] = &[
    Vector,
    Scalar,
    Scalar,
    Vector,
    Kind::Table(QUANT),
    Scalar,
    Scalar,
    Vector,
];
const GRAPH: &[Kind] = &[
    Kind::Tables(TENSOR),
    Vector,
    Vector,
    Kind::Tables(OPERATOR),
    Vector,
];
const CODE: &[Kind] = &[Scalar, Vector, Scalar, Scalar];
const BUFFER: &[Kind] = &[Vector];
const MODEL: &[Kind] = &[
    Scalar,
    Kind::Tables(CODE),
    Kind::Tables(GRAPH),
    Vector,
    Kind::Tables(BUFFER),
];

fn word(bytes: &[u8], at: usize) -> usize {
    let word = bytes[at..].first_chunk().expect("inside the file");
    usize::try_from(u32::from_le_bytes(*word)).expect("a small file")
}

fn short(bytes: &[u8], at: usize) -> usize {
    usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
}

/// Adds the places of all offsets, lengths, vtable entries and numbers of the table at `at`, with
/// the bytes that each takes. The file is one that can be read.
fn places(bytes: &[u8], at: usize, kinds: &[Kind], found: &mut Vec<(usize, usize)>) {
    let back = i32::from_le_bytes(*bytes[at..].first_chunk().expect("inside the file"));
    let vtable =
        usize::try_from(i64::try_from(at).expect("small") - i64::from(back)).expect("valid");
    found.extend([(at, 4), (vtable, 2), (vtable + 2, 2)]);
    for (number, kind) in kinds.iter().enumerate() {
        let slot = vtable + 4 + 2 * number;
        if slot >= vtable + short(bytes, vtable) {
            break;
        }
        found.push((slot, 2));
        let offset = short(bytes, slot);
        if offset == 0 {
            continue;
        }
        let field = at + offset;
        found.push((field, 4));
        if matches!(kind, Scalar) {
            continue;
        }
        let target = field + word(bytes, field);
        match kind {
            Scalar => {}
            Kind::Table(kinds) => places(bytes, target, kinds, found),
            Vector => {
                // The length, and the first few elements: shapes, scales, indices.
                let len = word(bytes, target).min(8);
                found.extend((0..=len).map(|index| (target + 4 * index, 4)));
            }
            Kind::Tables(kinds) => {
                found.push((target, 4));
                for index in 0..word(bytes, target) {
                    let element = target + 4 + 4 * index;
                    found.push((element, 4));
                    places(bytes, element + word(bytes, element), kinds, found);
                }
            }
        }
    }
}

// ---- mutations ----------------------------------------------------------------------------------

/// `SplitMix64`.
struct Rng(u64);

impl Rng {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).expect("small");
        usize::try_from(self.bits() % end).expect("small")
    }
}

/// Another number in place of `old`: near it, extreme, plausible, or anything.
fn other_number(rng: &mut Rng, old: u32, file_len: usize) -> u32 {
    let small = u32::try_from(rng.below(64)).expect("small");
    match rng.below(12) {
        0 => 0,
        1 => u32::MAX,
        2 => i32::MAX.cast_unsigned(),
        3 => i32::MIN.cast_unsigned(),
        4 => old.wrapping_add(4 * (1 + small)),
        5 => old.wrapping_sub(4 * (1 + small)),
        6 => old ^ (1 << rng.below(32)),
        7 => 1 << rng.below(32),
        8 => small,
        9 => old.wrapping_mul(1 + small),
        10 => u32::try_from(rng.below(file_len)).expect("a small file"),
        _ => u32::try_from(rng.bits() >> 32).expect("32 bits"),
    }
}

/// Changes some places, whose old bytes it returns, the last change last.
fn mutate(
    rng: &mut Rng,
    bytes: &mut [u8],
    structure: &[(usize, usize)],
    is_structural: bool,
) -> Vec<(usize, Vec<u8>)> {
    let n_changes = 1 + rng.below(4) * rng.below(2);
    (0..n_changes)
        .map(|_| {
            let (at, width) = if is_structural {
                structure[rng.below(structure.len())]
            } else {
                (rng.below(bytes.len()), 1 + rng.below(4))
            };
            let width = width.min(bytes.len() - at);
            let old = bytes[at..at + width].to_vec();
            let mut number = [0; 4];
            number[..width].copy_from_slice(&old);
            let other = other_number(rng, u32::from_le_bytes(number), bytes.len());
            bytes[at..at + width].copy_from_slice(&other.to_le_bytes()[..width]);
            (at, old)
        })
        .collect()
}

#[test]
fn no_mutation_breaks_the_importer() {
    let files = NETWORKS.map(|name| common::network(name).map(|bytes| (name, bytes)));
    let files: Vec<_> = files.into_iter().flatten().collect();
    let n_each = N_MUTATIONS.div_ceil(files.len());
    let (mut n_all, mut n_read, mut most_held) = (0, 0, 0);
    for (name, mut bytes) in files {
        let mut structure = Vec::new();
        places(&bytes, word(&bytes, 0), MODEL, &mut structure);
        // Elements of a vector are taken for words, so the last ones may end behind the file.
        structure.retain(|(at, width)| at + width <= bytes.len());
        assert!(structure.len() > 200, "{name}: {} places", structure.len());
        let mut rng = Rng(0);
        for index in 0..n_each {
            let changes = mutate(&mut rng, &mut bytes, &structure, index % 2 == 0);
            let end = if index % 16 == 15 {
                rng.below(bytes.len())
            } else {
                bytes.len()
            };
            let outcome = std::panic::catch_unwind(|| {
                measured(|| match tflite::read(name, &bytes[..end]) {
                    Ok(network) => !network.nodes().is_empty(),
                    Err(error) => {
                        assert!(explain::tflite(&error).ends_with('.'));
                        false
                    }
                })
            });
            let (is_read, memory) = outcome
                .unwrap_or_else(|_| panic!("{name}, mutation {index}, {end} bytes: {changes:?}"));
            assert!(
                memory.peak <= MAX_HELD,
                "{name}, mutation {index}: {memory:?}"
            );
            n_all += 1;
            n_read += usize::from(is_read);
            most_held = most_held.max(memory.peak);
            for (at, old) in changes.into_iter().rev() {
                bytes[at..at + old.len()].copy_from_slice(&old);
            }
        }
    }
    println!("{n_all} mutations, {n_read} of them readable, at most {most_held} bytes held");
    assert!(n_all >= 40_000);
    // Both outcomes occur, so that the mutations are neither too weak nor too strong.
    assert!(n_read > n_all / 20 && n_read < n_all - n_all / 20);
}
