//! The emulated board against this machine and wasm. `cargo xtask test firmware` builds the images
//! and names their folder in `QUARTERMEG_FIRMWARE_DIR`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use object::{Object as _, ObjectSection as _};
use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::device::DEVICES;
use quartermeg_core::program::Program;
use quartermeg_core::runtime::kernels::Native;
use quartermeg_core::runtime::{NoTrace, STATE_BYTES};
use quartermeg_core::session::Session;
use quartermeg_formats::config::{Trained, hex};
use quartermeg_formats::verified::{self, Verified, VerifiedProgram};
use quartermeg_formats::{board as on_board, explain, scenario};
use quartermeg_twin::board::emulated;
use quartermeg_twin::pack::{Job, pack};
use quartermeg_twin::run::{self, Ended};
use quartermeg_twin::{Board, Images, Report, examine, samples};

use crate::exports::{self, Export};
use crate::forge;

/// What the stack may take at most; more is kept for it. Docs state the bound.
const STACK_BOUND: u64 = 11 * 1024;
/// Steps of a program with samples of its scenario, and how many samples take turns.
const LEARNED: (u32, u32) = (24, 8);
/// Steps of a program with pseudo-random samples.
const RANDOM: u32 = 10;
/// Steps of MCUNet.
const MCUNET: u32 = 3;
/// Steps that are compared with the page's.
const PAGE: u32 = 12;
/// RAM and flash of the emulated machine.
const MACHINE_BYTES: u32 = 4 * 1024 * 1024;

#[test]
fn every_program_trains_alike_on_board_machine_and_wasm() {
    let Some((folder, images)) = exports::images("programs on the board") else {
        return;
    };
    let exports: Vec<Export> = exports::shipped()
        .into_iter()
        .chain(exports::mcunet())
        .collect();
    let found = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(at) =
            Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&at| at < exports.len())
        {
            let report = verify(&images, &exports[at]);
            found
                .lock()
                .expect("no worker panics with it")
                .push((at, report));
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let mut found = found.into_inner().expect("no worker panicked with it");
    found.sort_by_key(|(at, _)| *at);
    assert_eq!(found.len(), exports.len());
    let core_version = found[0].1.core_version.clone();
    let programs = found.into_iter().map(|(at, report)| {
        eprintln!(
            "{:<22} {:<10} arena {:>7} B  stack {:>5} B  flash {:>7} B",
            exports[at].name(),
            report.board,
            report.arena_bytes,
            report.stack_high_water_bytes,
            report.flash_bytes
        );
        VerifiedProgram {
            scenario: exports[at].scenario.clone(),
            preset: exports[at].preset.clone(),
            board: report.board,
            identity: report.program_identity,
            program_sha256: report.program_sha256,
            arena_bytes: report.arena_bytes,
            stack_high_water_bytes: report.stack_high_water_bytes,
            steps: report.steps,
            weights_digest: report.weights_digest,
        }
    });
    let list = Verified {
        core_version,
        programs: programs.collect(),
    };
    let text = serde_json::to_string_pretty(&list).expect("plain data");
    fs::write(folder.join(verified::FILE_NAME), text)
        .expect("the folder of the images can be written");
}

/// Runs a program on the smallest board that it fits and checks everything that must hold; the
/// boards before that one must refuse it.
fn verify(images: &Images, export: &Export) -> Report {
    let name = export.name();
    let shipped = scenario::by_id(&export.scenario);
    let has_samples = shipped.is_some_and(|scenario| !scenario.samples_path.is_empty());
    let (n_steps, n_samples) = match (shipped, has_samples) {
        (Some(_), true) => LEARNED,
        (Some(_), false) => (RANDOM, RANDOM),
        (None, _) => (MCUNET, MCUNET),
    };
    let arena_bytes = u64::from(export.sram_total_bytes - STATE_BYTES);
    for device in emulated() {
        let board = Board::open(images, device.id).expect("its image was built");
        let result = examine(images, &board, &export.file, n_steps, n_samples);
        if arena_bytes > board.block_bytes {
            let sentence = result.expect_err("it cannot fit").to_string();
            for bytes in [arena_bytes, board.block_bytes] {
                assert!(
                    sentence.contains(&explain::bytes(bytes)),
                    "{name}: {sentence}"
                );
            }
            continue;
        }
        let report = result.unwrap_or_else(|error| panic!("{name} on {}: {error:#}", device.id));
        check(&report, export, has_samples.then_some(LEARNED.1 as usize));
        return report;
    }
    panic!("{name} fits no board");
}

fn check(report: &Report, export: &Export, n_samples: Option<usize>) {
    let name = export.name();
    assert!(
        report.equal_native,
        "{name}: this machine differs: {report:?}"
    );
    assert!(report.equal_wasm, "{name}: wasm differs: {report:?}");
    assert_eq!(report.kernels[2], "simd128", "wasm was built without SIMD");
    assert_eq!(
        report.loss_bits.len(),
        report.steps as usize,
        "{name}: losses"
    );
    assert!(
        report.arena_high_water_bytes <= report.arena_bytes && report.beyond_arena_bytes == 0,
        "{name}: writes outside of its arena: {report:?}"
    );
    assert_eq!(
        report.arena_bytes + report.statics_bytes,
        u64::from(export.sram_total_bytes),
        "{name}: arena and statics are not what is stated"
    );
    let stack = report.stack_high_water_bytes;
    assert!(
        stack > 0 && stack <= STACK_BOUND,
        "{name}: a stack of {stack} B"
    );
    let Some(n_samples) = n_samples else { return };
    let losses: Vec<f32> = report
        .loss_bits
        .iter()
        .map(|bits| f32::from_bits(u32::from_str_radix(bits, 16).expect("hexadecimal digits")))
        .collect();
    let [first, last] = [&losses[..n_samples], &losses[losses.len() - n_samples..]]
        .map(|pass| pass.iter().sum::<f32>());
    assert!(
        last < 0.9 * first,
        "{name}: the loss does not fall: {losses:?}"
    );
}

#[test]
fn every_arithmetic_trains_alike() {
    let Some((_, images)) = exports::images("rules on the board") else {
        return;
    };
    let rules = [
        "simulator",
        "tinyengine",
        "tflm",
        "device,gradient:int8",
        "device,update:int16,optimizer:momentum",
    ];
    let exports = rules.into_iter().map(exports::keyboard);
    let exports = exports.chain([
        exports::keyboard_computed_again(),
        exports::keyboard_own_channels(),
    ]);
    for export in exports {
        let name = export.name();
        let arena_bytes = u64::from(export.sram_total_bytes - STATE_BYTES);
        let board = emulated()
            .map(|device| Board::open(&images, device.id).expect("its image was built"))
            .find(|board| arena_bytes <= board.block_bytes)
            .expect("a board that it fits");
        let report = examine(&images, &board, &export.file, 3, 3)
            .unwrap_or_else(|error| panic!("{name}: {error:#}"));
        eprintln!("{name}: stack {} B", report.stack_high_water_bytes);
        check(&report, &export, None);
    }
}

/// Inputs that are computed again change no weight: the losses are those without them.
#[test]
fn inputs_computed_again_change_no_weight() {
    let Some((_, images)) = exports::images("inputs computed again on the board") else {
        return;
    };
    let board = Board::open(&images, DEVICES[0].id).expect("its image was built");
    let run = |export: &Export| {
        let report = examine(&images, &board, &export.file, 3, 3).expect("it fits");
        (report.loss_bits, report.weights_digest)
    };
    assert_eq!(
        run(&exports::keyboard_computed_again()),
        run(&exports::keyboard("device"))
    );
}

/// The board's weights after some steps are those of the page and of `quartermeg train`, from the
/// start and from where an exported run stands.
#[test]
fn the_board_learns_what_the_page_learns() {
    let Some((_, images)) = exports::images("the page's steps on the board") else {
        return;
    };
    let board = Board::open(&images, DEVICES[0].id).expect("its image was built");
    let learn = samples::shipped(&scenario::KEYBOARD).expect("they ship");
    let file = exports::keyboard("device").file;
    let mut session: Session<Native> =
        Session::new(AlignedBytes::copy_of(&file), learn).expect("a session");
    for part in 0..2 {
        let trained = Trained {
            steps: session.step_count(),
            state: session.state(),
            weights_digest: hex(&session.weights_digest()),
        };
        let file = if part == 0 {
            file.clone()
        } else {
            exports::trained_keyboard(&trained)
        };
        let report = examine(&images, &board, &file, PAGE, PAGE).expect("it fits");
        let losses: Vec<String> = (0..PAGE)
            .map(|_| format!("{:08x}", session.step(&mut NoTrace).loss.to_bits()))
            .collect();
        assert_eq!(report.loss_bits, losses, "part {part}");
        assert_eq!(report.weights_digest, hex(&session.weights_digest()));
    }
}

#[test]
fn every_image_has_exactly_the_memory_of_its_board() {
    let Some((_, images)) = exports::images("the memory of the images") else {
        return;
    };
    for device in emulated() {
        let board = Board::open(&images, device.id).expect("its image was built");
        let ram_bytes = u64::from(device.sram_bytes.min(MACHINE_BYTES));
        assert_eq!(board.ram_bytes, ram_bytes, "{}", device.id);
        assert_eq!(
            board.flash_bytes,
            u64::from(device.flash_bytes.min(MACHINE_BYTES))
        );
        assert_eq!(board.statics_bytes, u64::from(STATE_BYTES), "{}", device.id);
        assert_eq!(
            board.stack_bytes + board.statics_bytes + board.block_bytes,
            ram_bytes,
            "{}: nothing else may lie in RAM",
            device.id
        );
        assert!(board.stack_bytes > STACK_BOUND);
        assert_eq!(board.stack_bytes, u64::from(on_board::STACK_BYTES));
        let kept = u64::from(on_board::CODE_BYTES);
        assert!(
            (kept - 8 * 1024..=kept).contains(&board.image_bytes),
            "{}: {kept} B of flash are kept for an image of {} B",
            device.id,
            board.image_bytes
        );
        eprintln!(
            "{:<10} image {} B: code {} B, constants {} B",
            device.id, board.image_bytes, board.text_bytes, board.rodata_bytes
        );
    }
}

/// One step of a program on the smallest board, by its first sample.
fn one_step(board: &Board, program: &[u8]) -> (AlignedBytes, Ended) {
    let export = exports::keyboard("device");
    let original = Program::parse(AlignedBytes::copy_of(&export.file)).expect("a program");
    let chosen = samples::choose(Some(&scenario::KEYBOARD), &original, 0, 1).expect("it ships");
    let job = Job {
        program,
        samples: &chosen.samples,
        first_step: 0,
        n_steps: 1,
    };
    let blob = pack(job).expect("it can be packed");
    let ended = run::on_board(board, blob.as_ref()).expect("the emulator runs");
    (blob, ended)
}

#[test]
fn a_program_one_byte_too_large_for_the_board_is_refused() {
    let Some((_, images)) = exports::images("a program that is one byte too large") else {
        return;
    };
    let board = Board::open(&images, DEVICES[0].id).expect("its image was built");
    let file = exports::keyboard("device").file;
    let fits = forge::with_arena(&file, board.block_bytes);
    let (_, ended) = one_step(&board, &fits);
    assert!(matches!(ended, Ended::Done(_)), "{ended:?}");
    let too_large = forge::with_arena(&file, board.block_bytes + 1);
    let (blob, ended) = one_step(&board, &too_large);
    let Ended::Refused(sentence) = &ended else {
        panic!("it is not refused: {ended:?}");
    };
    for bytes in [board.block_bytes, board.block_bytes + 1] {
        assert!(sentence.contains(&explain::bytes(bytes)), "{sentence}");
    }
    assert_eq!(run::native(&blob, board.block_bytes), ended);
    let in_wasm = run::in_wasm(&images, blob.as_ref(), board.block_bytes).expect("node runs");
    assert_eq!(in_wasm, ended);
}

#[test]
fn the_board_refuses_what_was_changed_each_with_its_sentence() {
    let Some((_, images)) = exports::images("changed programs on the board") else {
        return;
    };
    let board = Board::open(&images, DEVICES[0].id).expect("its image was built");
    let file = exports::keyboard("device").file;
    let flipped = |bit: usize| {
        let mut file = file.clone();
        file[bit / 8] ^= 1 << (bit % 8);
        file
    };
    let cases = [
        (forge::with_other_version(&file), "is of format version"),
        (forge::with_other_identity(&file), "another identity"),
        (flipped(0), "not a Quartermeg program"),
        (flipped(8 * 17), "The program is damaged"),
        (flipped(8 * 40), "The program is damaged"),
        (flipped(4 * file.len()), "The program is damaged"),
        (flipped(8 * file.len() - 1), "The program is damaged"),
    ];
    for (program, part) in cases {
        let (_, ended) = one_step(&board, &program);
        assert!(
            matches!(&ended, Ended::Refused(sentence) if sentence.contains(part)),
            "{part}: {ended:?}"
        );
    }
    let (mut blob, _) = one_step(&board, &file);
    let frame = blob.as_ref().len() - file.len();
    blob.as_mut()[frame - 1] ^= 1;
    let ended = run::on_board(&board, blob.as_ref()).expect("the emulator runs");
    assert!(
        matches!(&ended, Ended::Refused(sentence) if sentence.contains("samples are damaged")),
        "{ended:?}"
    );
}

/// An image whose stack begins close to the end of the RAM must end in a fault, not in wrong bits.
#[test]
fn a_stack_that_leaves_the_ram_is_a_fault() {
    let Some((_, images)) = exports::images("a stack without room") else {
        return;
    };
    let board = Board::open(&images, DEVICES[0].id).expect("its image was built");
    let folder = tempfile::tempdir().expect("a folder");
    let narrow = Board {
        elf: with_stack(&board, 6 * 1024, folder.path()),
        ..board.clone()
    };
    let file = exports::keyboard("device").file;
    let (_, ended) = one_step(&narrow, &file);
    assert!(
        matches!(&ended, Ended::Failed(text) if text.contains("fault The program touched memory")),
        "{ended:?}"
    );
    let (_, ended) = one_step(&board, &file);
    assert!(matches!(ended, Ended::Done(_)), "{ended:?}");
}

/// A copy of the image whose stack starts so many bytes above its end.
fn with_stack(board: &Board, bytes: u32, folder: &Path) -> PathBuf {
    let mut image = fs::read(&board.elf).expect("an image");
    let (vectors, _) = object::File::parse(image.as_slice())
        .expect("an ELF file")
        .section_by_name(".vector_table")
        .and_then(|section| section.file_range())
        .expect("the vectors lie in the file");
    let stack_bytes = u32::try_from(board.stack_bytes).expect("a small stack");
    // The first vector is where the stack starts.
    let at = usize::try_from(vectors).expect("a small file");
    let start: [u8; 4] = image[at..at + 4].try_into().expect("four bytes");
    let start = u32::from_le_bytes(start) - stack_bytes + bytes;
    image[at..at + 4].copy_from_slice(&start.to_le_bytes());
    let path = folder.join("narrow.elf");
    fs::write(&path, image).expect("the folder can be written");
    path
}
