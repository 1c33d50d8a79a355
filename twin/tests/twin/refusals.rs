//! What the driver refuses, on this machine: the firmware and the wasm module run the same code.

use std::mem::MaybeUninit;

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::program::Program;
use quartermeg_core::session::Samples;
use quartermeg_firmware::blob::{CHECKED_FROM, HEADER_BYTES};
use quartermeg_firmware::{Blob, Bytes, Refusal, load};
use quartermeg_formats::{explain, scenario};
use quartermeg_twin::pack::{Job, pack};
use quartermeg_twin::samples;

use crate::{exports, forge};

/// Flips of every program, spread over its bytes.
const N_FLIPS: usize = 150;
/// Bytes at the front of which every bit is flipped: the header and the table of sections.
const N_FRONT: usize = 208;

fn blob_of(program: &[u8]) -> AlignedBytes {
    let samples = Samples::new([1, 1, 1], vec![0], vec![0]).expect("one sample of one code");
    pack(Job {
        program,
        samples: &samples,
        first_step: 0,
        n_steps: 1,
    })
    .expect("it can be packed")
}

fn refusal(program: &[u8]) -> Option<Refusal> {
    let blob = blob_of(program);
    let blob = Blob::parse(blob.as_ref()).expect("a blob");
    load(&blob).err()
}

#[test]
fn a_program_with_any_bit_flipped_is_refused() {
    for export in exports::shipped().into_iter().chain(exports::mcunet()) {
        assert_eq!(refusal(&export.file), None, "{}", export.name());
        let mut program = export.file.clone();
        let front = (0..8 * N_FRONT).step_by(5);
        let last = 8 * program.len() - 1;
        let spread = (0..N_FLIPS).map(|flip| flip * last / (N_FLIPS - 1));
        for bit in front.chain(spread) {
            program[bit / 8] ^= 1 << (bit % 8);
            assert!(
                refusal(&program).is_some(),
                "{}: bit {bit} may be flipped",
                export.name()
            );
            program[bit / 8] ^= 1 << (bit % 8);
        }
        assert!(program == export.file, "every flip was undone");
    }
}

#[test]
fn every_reason_has_its_own_sentence() {
    let file = exports::keyboard("device").file;
    let mut damaged = file.clone();
    damaged[file.len() / 2] ^= 1;
    let mut foreign = file.clone();
    foreign[0] ^= 1;
    let sentences = [
        (forge::with_other_version(&file), "is of format version"),
        (forge::with_other_identity(&file), "another identity"),
        (damaged, "The program is damaged"),
        (foreign, "not a Quartermeg program"),
        (file[..file.len() - 4].to_vec(), "it was cut off"),
    ];
    for (program, part) in sentences {
        let sentence = refusal(&program).expect("it is refused").to_string();
        assert!(sentence.contains(part), "{sentence}");
    }
}

/// Runs a blob in a block of so many bytes and says why it was refused.
fn run(blob: &AlignedBytes, block_bytes: usize) -> Result<String, Refusal> {
    let mut block = AlignedBytes::zeroed(block_bytes);
    let mut text = String::new();
    let mut place = MaybeUninit::uninit();
    quartermeg_firmware::run(blob.as_ref(), block.as_mut(), &mut place, &mut text)?;
    Ok(text)
}

/// Keyboard with its first sample.
fn keyboard() -> (AlignedBytes, usize) {
    let export = exports::keyboard("device");
    let program = Program::parse(AlignedBytes::copy_of(&export.file)).expect("a program");
    let chosen = samples::choose(scenario::by_id("keyboard"), &program, 0, 1).expect("it ships");
    let blob = pack(Job {
        program: &export.file,
        samples: &chosen.samples,
        first_step: 0,
        n_steps: 1,
    });
    (
        blob.expect("it can be packed"),
        program.meta().arena_bytes as usize,
    )
}

#[test]
fn a_block_that_lacks_a_byte_is_refused_with_both_sizes() {
    let (blob, needed) = keyboard();
    assert!(run(&blob, needed).is_ok());
    let refusal = run(&blob, needed - 1).expect_err("one byte is missing");
    assert_eq!(
        refusal,
        Refusal::TooLarge {
            needed,
            available: needed - 1
        }
    );
    let sentence = refusal.to_string();
    for bytes in [needed, needed - 1] {
        let bytes = explain::bytes(bytes as u64);
        assert!(sentence.contains(&bytes), "{sentence}");
    }
    assert!(sentence.contains("1 B are missing"), "{sentence}");
}

#[test]
fn samples_with_any_byte_changed_are_refused() {
    let (blob, needed) = keyboard();
    let frame = blob.as_ref().len() - exports::keyboard("device").file.len();
    for at in (CHECKED_FROM..HEADER_BYTES).chain((HEADER_BYTES..frame).step_by(31)) {
        let mut changed = blob.clone();
        changed.as_mut()[at] ^= 0x10;
        assert!(run(&changed, needed).is_err(), "byte {at} may be changed");
    }
    let mut changed = blob.clone();
    changed.as_mut()[frame - 1] ^= 1;
    let sentence = run(&changed, needed).expect_err("damaged").to_string();
    assert!(sentence.contains("The samples are damaged"), "{sentence}");
    changed.as_mut()[0] ^= 1;
    let sentence = run(&changed, needed).expect_err("foreign").to_string();
    assert!(sentence.contains("No program lies behind"), "{sentence}");
}

#[test]
fn a_blob_that_was_cut_off_is_refused() {
    let (blob, _) = keyboard();
    for len in [0, HEADER_BYTES - 1, HEADER_BYTES, blob.as_ref().len() - 1] {
        let cut = Blob::parse(&blob.as_ref()[..len]).map(|_| ());
        assert!(
            matches!(cut, Err(Refusal::BlobLength { .. })),
            "{len} bytes: {cut:?}"
        );
    }
}

#[test]
fn a_sample_of_another_size_or_class_is_refused_before_the_first_step() {
    let export = exports::keyboard("device");
    let refusal = run(&blob_of(&export.file), 1 << 20).expect_err("one code is not an image");
    let sentence = refusal.to_string();
    assert!(sentence.contains("Sample 0 does not fit"), "{sentence}");
}

/// The firmware writes sizes without an allocator; they must read like everywhere else.
#[test]
fn bytes_read_as_everywhere_else() {
    let values = [
        0,
        1,
        999,
        1000,
        1023,
        1024,
        1075,
        1076,
        1536,
        9999,
        123_456,
        999_999,
        1_000_000,
        1_048_524,
        1_048_575,
        1_048_576,
        1_999_999,
        12_345_678,
        1_234_567_890,
    ];
    for value in values {
        let expected = explain::bytes(value as u64);
        assert_eq!(Bytes(value).to_string(), expected);
    }
}
