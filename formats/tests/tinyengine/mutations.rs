//! Changed graphs: nothing panics, and nothing large is allocated.

use quartermeg_formats::explain;
use quartermeg_formats::tinyengine::{Passes, PlaceOrder, Timeline, read_with};
use serde_json::{Value as Json, json};

use crate::MOST_BYTES;
use crate::memory::measured;
use crate::released::released_graph;
use crate::small::small_graph;

/// A small generator of numbers (xorshift), so that a failure can be repeated by its seed.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).expect("below a bound")
    }
}

const NUMBERS: [u64; 9] = [0, 1, 2, 3, 8, 160, 65_536, 4_294_967_295, u64::MAX];
const TEXTS: [&str; 12] = [
    "",
    "int8",
    "int32",
    "float32",
    "bool",
    "activation",
    "parameter",
    "constant",
    "cast",
    "reshape",
    "nn.mcutruncate",
    "out_nn.mcuconv2d@0",
];

/// Changes something inside one operator, or the list of operators.
fn change_structure(graph: &mut Json, rng: &mut Rng) {
    let operators = graph.as_array_mut().expect("a list");
    let at = rng.below(operators.len());
    match rng.below(12) {
        0 => {
            operators.remove(at);
        }
        1 => {
            let copy = operators[at].clone();
            operators.insert(rng.below(operators.len()), copy);
        }
        2 => {
            let other = rng.below(operators.len());
            operators.swap(at, other);
        }
        _ => change_inside(&mut operators[at], rng),
    }
}

fn change_inside(json: &mut Json, rng: &mut Rng) {
    match json {
        Json::Object(fields) => {
            let at = rng.below(fields.len());
            let Some(name) = fields.keys().nth(at).cloned() else {
                return;
            };
            if rng.below(20) == 0 {
                fields.remove(&name);
            } else if let Some(inner) = fields.get_mut(&name) {
                change_inside(inner, rng);
            }
        }
        Json::Array(elements) if !elements.is_empty() => {
            let at = rng.below(elements.len());
            match rng.below(12) {
                0 => {
                    elements.remove(at);
                }
                1 => {
                    let copy = elements[at].clone();
                    elements.insert(at, copy);
                }
                _ => change_inside(&mut elements[at], rng),
            }
        }
        Json::Number(_) => *json = json!(NUMBERS[rng.below(NUMBERS.len())]),
        Json::String(text) if rng.below(2) == 0 => {
            // Another number behind the @ makes it the name of another tensor.
            let stem = text.split('@').next().expect("a stem").to_owned();
            *text = format!("{stem}@{}", rng.below(430));
        }
        Json::String(text) => TEXTS[rng.below(TEXTS.len())].clone_into(text),
        _ => *json = json!(rng.below(2) == 0),
    }
}

fn change_bytes(bytes: &mut Vec<u8>, rng: &mut Rng) {
    for _ in 0..=rng.below(3) {
        let at = rng.below(bytes.len());
        match rng.below(5) {
            0 => bytes.truncate(at),
            1 => {
                bytes.remove(at);
            }
            2 => bytes.insert(at, b"0123456789[]{},:\"-.e\\n"[rng.below(22)]),
            3 => bytes[at] ^= 1 << rng.below(8),
            _ => bytes[at] = b'0' + u8::try_from(rng.below(10)).expect("a digit"),
        }
        if bytes.is_empty() {
            return;
        }
    }
}

/// Whatever is read without an error can be drawn.
fn check_is_drawable(timeline: &Timeline) {
    let n_ops = u32::try_from(timeline.ops.len()).expect("few operations");
    assert_eq!(timeline.live_bytes.len(), timeline.ops.len());
    for tensor in &timeline.tensors {
        assert!(tensor.first_op <= tensor.last_op && tensor.last_op < n_ops);
        assert!(tensor.size_bytes > 0 && tensor.size_bytes % 4 == 0);
        assert!(tensor.offset + tensor.size_bytes <= timeline.arena_bytes);
    }
    let touched = timeline
        .ops
        .iter()
        .flat_map(|op| op.reads.iter().chain(&op.writes));
    assert!(
        touched
            .into_iter()
            .all(|&it| (it as usize) < timeline.tensors.len())
    );
    let sum = |op: u32| {
        let tensors = timeline.tensors.iter();
        let live = tensors.filter(|it| (it.first_op..=it.last_op).contains(&op));
        live.map(|it| it.size_bytes).sum::<u32>()
    };
    for (op, &live) in (0..).zip(&timeline.live_bytes) {
        assert_eq!(live, sum(op));
    }
}

/// How mutations fared: read, refused.
#[derive(Default)]
struct Fates {
    read: u32,
    refused: u32,
    most_held: usize,
}

impl Fates {
    fn print(&self) {
        eprintln!(
            "{} mutations read, {} refused, at most {} bytes held",
            self.read, self.refused, self.most_held
        );
    }

    fn try_one(&mut self, bytes: &[u8], passes: &Passes, what: &str) {
        let (result, memory) = measured(|| read_with(bytes, passes));
        assert!(memory.peak <= MOST_BYTES, "{what}: {memory:?}");
        self.most_held = self.most_held.max(memory.peak);
        match result {
            Ok(timeline) => {
                check_is_drawable(&timeline);
                self.read += 1;
            }
            Err(error) => {
                let sentence = explain::tinyengine(&error);
                assert!(
                    sentence.ends_with('.') && sentence.len() < 600,
                    "{what}: {sentence}"
                );
                self.refused += 1;
            }
        }
    }
}

fn random_passes(rng: &mut Rng) -> Passes {
    let mut coin = || rng.below(2) == 0;
    Passes {
        fuse_tile: coin(),
        fuse_cast: coin(),
        fuse_where_zeros: coin(),
        where_in_place: coin(),
        multiply_in_place: coin(),
        sgd_in_place: coin(),
        reorder: coin(),
        bit_masks: coin(),
        depthwise_in_place: coin(),
        order: if coin() {
            PlaceOrder::LongestFirst
        } else {
            PlaceOrder::LargestFirst
        },
    }
}

fn mutate(graph: &[u8], n_each: u64) -> Fates {
    let parsed: Json = serde_json::from_slice(graph).expect("JSON");
    let mut fates = Fates::default();
    for seed in 1..=n_each {
        let mut rng = Rng(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut changed = parsed.clone();
        for _ in 0..=rng.below(2) {
            change_structure(&mut changed, &mut rng);
        }
        let passes = if rng.below(2) == 0 {
            Passes::RELEASED
        } else {
            random_passes(&mut rng)
        };
        fates.try_one(
            changed.to_string().as_bytes(),
            &passes,
            &format!("structure, seed {seed}"),
        );
        let mut bytes = graph.to_vec();
        change_bytes(&mut bytes, &mut rng);
        fates.try_one(&bytes, &passes, &format!("bytes, seed {seed}"));
    }
    // Both kinds of fate, or the mutations are too mild or too wild to show anything.
    assert!(fates.read > 0 && fates.refused > 0);
    fates
}

#[test]
fn mutations_of_a_small_graph_do_no_harm() {
    let fates = mutate(small_graph().to_string().as_bytes(), 5000);
    assert_eq!(fates.read + fates.refused, 10_000);
    fates.print();
}

#[test]
fn mutations_of_the_released_graph_do_no_harm() {
    let Some(graph) = released_graph("10,000 mutations of the released graph") else {
        return;
    };
    let fates = mutate(&graph, 5000);
    assert_eq!(fates.read + fates.refused, 10_000);
    fates.print();
}
