//! Firmware in C (`firmware/c`) on the emulated board against this machine. `cargo xtask test
//! firmware` builds the library, exports the program as C and provides the compiler.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use object::{Object as _, ObjectSection as _};
use quartermeg_c::error::QmError;
use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::checksum::crc32;
use quartermeg_core::program::Program;
use quartermeg_core::runtime::kernels::Native;
use quartermeg_core::runtime::{NoTrace, Runtime};
use quartermeg_core::session::{Samples, Session, largest};
use quartermeg_formats::config::hex;
use quartermeg_formats::export::c;
use quartermeg_formats::scenario;
use quartermeg_twin::pack::{Job, pack};
use quartermeg_twin::run::{self, Ended};
use quartermeg_twin::samples;

use crate::{exports, library};

/// Steps, each with a sample of its own.
const STEPS: u32 = 12;
/// Operations between two looks at the watchdog, as in `main.c`.
const SLICE: u32 = 3;
/// What a person should keep for the stack, at least.
const STACK_BYTES: usize = 12 * 1024;
/// As a person would compile for a Cortex-M7, with every warning an error.
const FLAGS: [&str; 13] = [
    "-mcpu=cortex-m7",
    "-mthumb",
    "-mfpu=fpv5-sp-d16",
    "-mfloat-abi=hard",
    "-ffp-contract=off",
    "-std=c99",
    "-O2",
    "-ffreestanding",
    "-nostdlib",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wl,--gc-sections",
];

fn folder_of_c() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware/c")
}

/// The samples as `main.c` includes them.
fn samples_header(samples: &Samples) -> String {
    let n_codes = samples.get(0).0.len();
    let mut text = format!(
        "#define N_SAMPLES {}\n#define FIRST_STEP 0\nstatic const uint32_t labels[N_SAMPLES] = {{",
        samples.len()
    );
    for at in 0..samples.len() {
        let _ = write!(text, "{},", samples.get(at).1);
    }
    let _ = write!(
        text,
        "}};\nstatic const int8_t samples[N_SAMPLES][{n_codes}] = {{"
    );
    for at in 0..samples.len() {
        text.push('{');
        for code in samples.get(at).0 {
            let _ = write!(text, "{code},");
        }
        text.push_str("},\n");
    }
    text.push_str("};\n");
    text
}

/// Compiles the program and links it with the library.
fn compile(folder: &Path, samples: &Samples) -> PathBuf {
    fs::write(folder.join("samples.h"), samples_header(samples)).expect("the folder is ours");
    let sources = folder_of_c();
    let header = sources.join("../library");
    let elf = folder.join("main.elf");
    let output = Command::new("arm-none-eabi-gcc")
        .args(FLAGS)
        .arg("-T")
        .arg(sources.join("link.ld"))
        .arg("-I")
        .arg(&header)
        .arg("-I")
        .arg(folder)
        .arg(sources.join("main.c"))
        .arg(sources.join("stack.c"))
        .arg(sources.join("startup.c"))
        .arg(sources.join("semihosting.c"))
        .arg(folder.join(c::SOURCE_NAME))
        .arg(folder.join("libquartermeg_c.a"))
        .arg("-lgcc")
        .arg("-o")
        .arg(&elf)
        .output()
        .expect("arm-none-eabi-gcc can be started");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    elf
}

/// What the driver says on this machine: the lines of the losses, and of the digest.
fn by_the_driver(file: &[u8], samples: &Samples) -> (Vec<String>, String) {
    let blob = pack(Job {
        program: file,
        samples,
        first_step: 0,
        n_steps: STEPS,
    })
    .expect("it can be packed");
    let Ended::Done(outcome) = run::native(&blob, 1 << 20) else {
        panic!("the driver does not run");
    };
    let losses = outcome.loss_bits.iter().enumerate();
    let losses = losses
        .map(|(step, bits)| format!("loss {step} {bits:08x}"))
        .collect();
    (losses, format!("weights_digest {}", outcome.weights_digest))
}

/// The lines of an inference with the parameters `state`.
fn inference(file: &[u8], state: &[u8], codes: &[i8]) -> [String; 2] {
    let program = Program::parse(AlignedBytes::copy_of(file)).expect("a program");
    let arena = AlignedBytes::zeroed(program.meta().arena_bytes as usize);
    let mut runtime: Runtime<_, _> = Runtime::new(program, arena).expect("an arena");
    runtime.set_state(state).expect("a state");
    runtime.load_sample(codes, 0).expect("a sample");
    runtime.forward();
    let mut logits = "logits".to_owned();
    for logit in runtime.logits() {
        let _ = write!(logits, " {:08x}", logit.to_bits());
    }
    [format!("class {}", largest(runtime.logits())), logits]
}

/// The line of a call that was refused.
fn refusal(what: &str, error: QmError) -> String {
    let number = error as u32;
    format!("{what} {number} {}", library::text_of(number))
}

/// Everything that `main.c` must print.
fn expected(file: &[u8], samples: &Samples) -> Vec<String> {
    let program = Program::parse(AlignedBytes::copy_of(file)).expect("a program");
    let meta = *program.meta();
    let n_ops = program.n_ops();
    let (losses, digest) = by_the_driver(file, samples);
    // The state by a session, which takes the same samples in the same order.
    let learn = samples::shipped(&scenario::KEYBOARD).expect("they ship");
    let mut session: Session<Native> =
        Session::new(AlignedBytes::copy_of(file), learn).expect("a session");
    let start = session.state();
    for _ in 0..STEPS {
        session.step(&mut NoTrace);
    }
    assert_eq!(
        digest,
        format!("weights_digest {}", hex(&session.weights_digest()))
    );
    let trained = session.state();
    let checksum = format!("state_checksum {:08x}", crc32(&trained));
    let half = losses.len() / 2;
    let codes = samples.get(0).0;

    let mut lines = vec![format!(
        "sizes {} {} {} {} {n_ops} {:08x}",
        meta.arena_bytes,
        meta.persistent_bytes,
        codes.len(),
        meta.head.n_classes,
        meta.input_quant.scale.to_bits()
    )];
    let refused = [
        ("not_ready", QmError::NotReady),
        ("too_small", QmError::ArenaTooSmall),
        ("misaligned", QmError::ArenaMisaligned),
        ("damaged", QmError::ProgramDamaged),
        ("cut_off", QmError::ProgramLength),
        ("no_arena", QmError::Null),
        ("still_not_ready", QmError::NotReady),
        ("input", QmError::InputLength),
        ("label", QmError::Label),
        ("state", QmError::StateLength),
        ("no_step", QmError::NoStep),
    ];
    lines.extend(refused.map(|(what, error)| refusal(what, error)));
    lines.push("whole".to_owned());
    lines.extend(inference(file, &start, codes));
    lines.extend(losses.clone());
    lines.extend([digest.clone(), checksum.clone()]);
    lines.extend(inference(file, &trained, codes));
    lines.push("sliced".to_owned());
    lines.extend(losses.clone());
    lines.extend([digest.clone(), checksum.clone()]);
    lines.push(format!("fed {}", STEPS * n_ops.div_ceil(SLICE)));
    lines.push("restored".to_owned());
    lines.extend_from_slice(&losses[..half]);
    lines.push(refusal("running", QmError::StepRunning));
    lines.extend_from_slice(&losses[half..]);
    lines.extend([digest, checksum]);
    lines
}

#[test]
fn firmware_in_c_learns_what_the_driver_learns() {
    let Some((images, _)) = exports::images("firmware in C on the board") else {
        return;
    };
    let folder = images.join("c");
    let source = fs::read_to_string(folder.join(c::SOURCE_NAME)).expect("it was exported");
    let file = c::program_of_source(&source).expect("a program as C");
    let program = Program::parse(AlignedBytes::copy_of(&file)).expect("a program");
    let chosen = samples::choose(Some(&scenario::KEYBOARD), &program, 0, STEPS).expect("they ship");

    let elf = compile(&folder, &chosen.samples);
    let printed = run::image(&elf).expect("the emulator runs");
    assert!(printed.is_success, "{printed:?}");
    let mut lines: Vec<&str> = printed.text.lines().collect();
    let stack = lines.pop().and_then(|line| line.strip_prefix("stack "));
    let stack: usize = stack
        .and_then(|bytes| bytes.parse().ok())
        .expect("the last line says how much of the stack was used");
    let expected = expected(&file, &chosen.samples);
    assert_eq!(lines, expected);
    print_sizes(&elf, file.len());
    eprintln!("firmware in C: {stack} B of stack");
    assert!((1024..=STACK_BYTES).contains(&stack), "{stack} B of stack");
}

fn print_sizes(elf: &Path, program_bytes: usize) {
    let bytes = fs::read(elf).expect("it was linked");
    let elf = object::File::parse(&*bytes).expect("an ELF file");
    let size = |name: &str| {
        elf.section_by_name(name)
            .map_or(0, |section| section.size())
    };
    eprintln!(
        "firmware in C: {} B of flash, {program_bytes} B of them the program",
        size(".text") + size(".ARM.exidx") + size(".data")
    );
}
