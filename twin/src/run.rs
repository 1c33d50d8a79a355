//! The three front ends of the driver: the emulated board, this machine, and Node.js.

use std::fmt::Write as _;
use std::mem::MaybeUninit;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use quartermeg_core::bytes::AlignedBytes;

use crate::{Board, Images};

/// Longest time that one run may take.
const LIMIT: Duration = Duration::from_mins(15);
/// How often a run is asked whether it has ended.
const PAUSE: Duration = Duration::from_millis(5);

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It trained to its end.
    Done(Outcome),
    /// The driver refused the blob, with this sentence.
    Refused(String),
    /// It broke off: a panic, a fault, or what the emulator said.
    Failed(String),
}

/// What a run said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The kernels of the machine.
    pub kernels: String,
    /// Bits of the loss of every step, an f32.
    pub loss_bits: Vec<u32>,
    /// SHA-256 of all weights, as hexadecimal digits.
    pub weights_digest: String,
    /// CRC-32 of the arena, as hexadecimal digits.
    pub arena_checksum: String,
    /// Size of the arena.
    pub arena_bytes: u64,
    /// Bytes of the arena up to the last that was written.
    pub arena_high_water_bytes: u64,
    /// Bytes behind the arena up to the last that was written.
    pub beyond_arena_bytes: u64,
    /// Deepest byte of the stack that was written; of the board alone.
    pub stack_high_water_bytes: u64,
}

impl Outcome {
    /// Whether losses, weights and every byte of the arena are the same.
    #[must_use]
    pub fn equals(&self, other: &Self) -> bool {
        self.loss_bits == other.loss_bits
            && self.weights_digest == other.weights_digest
            && self.arena_checksum == other.arena_checksum
    }
}

/// Runs a blob on the emulated board.
///
/// # Errors
/// When the emulator cannot be started or does not end.
pub fn on_board(board: &Board, blob: &[u8]) -> anyhow::Result<Ended> {
    let folder = tempfile::tempdir().context("A folder for the blob cannot be made.")?;
    let file = folder.path().join("blob.bin");
    std::fs::write(&file, blob)
        .with_context(|| format!("{} cannot be written.", file.display()))?;
    // A comma would end the file's name.
    let name = file.to_string_lossy().replace(',', ",,");
    let mut emulator = emulator();
    emulator.arg(&board.elf).arg("-device").arg(format!(
        "loader,file={name},addr={:#x},force-raw=on",
        board.image_bytes
    ));
    ended(&mut emulator)
}

/// Runs a blob in the wasm module, in a block of so many bytes.
///
/// # Errors
/// When Node.js cannot be started or does not end.
pub fn in_wasm(images: &Images, blob: &[u8], block_bytes: u64) -> anyhow::Result<Ended> {
    let folder = tempfile::tempdir().context("A folder for the blob cannot be made.")?;
    let file = folder.path().join("blob.bin");
    std::fs::write(&file, blob)
        .with_context(|| format!("{} cannot be written.", file.display()))?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware/wasm/run.mjs");
    let mut node = Command::new("node");
    node.arg(script)
        .arg(images.wasm())
        .arg(&file)
        .arg(block_bytes.to_string());
    ended(&mut node)
}

/// Runs a blob on this machine, in a block of so many bytes.
#[must_use]
pub fn native(blob: &AlignedBytes, block_bytes: u64) -> Ended {
    let mut block = AlignedBytes::zeroed(usize::try_from(block_bytes).unwrap_or(usize::MAX));
    let mut text = String::new();
    let mut place = MaybeUninit::uninit();
    let result = quartermeg_firmware::run(blob.as_ref(), block.as_mut(), &mut place, &mut text);
    if let Err(refusal) = result {
        let _ = writeln!(text, "refused {refusal}");
    }
    read(&text, result.is_ok(), "")
}

/// What a program printed, and whether its exit code was that of a success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printed {
    /// Its standard output.
    pub text: String,
    /// Its standard error.
    pub errors: String,
    /// Whether it said that it succeeded.
    pub is_success: bool,
}

/// Runs an image that brings everything along on the emulated machine.
///
/// # Errors
/// When the emulator cannot be started or does not end.
pub fn image(elf: &Path) -> anyhow::Result<Printed> {
    printed(emulator().arg(elf))
}

/// The emulated machine, without the image that it is to run.
fn emulator() -> Command {
    let mut emulator = Command::new("qemu-system-arm");
    emulator
        .args(["-machine", "mps2-an500", "-cpu", "cortex-m7", "-nodefaults"])
        .args(["-display", "none", "-monitor", "none", "-serial", "none"])
        .args(["-semihosting-config", "enable=on,target=native", "-kernel"]);
    emulator
}

/// Runs a program to its end and reads what the driver printed in it.
fn ended(command: &mut Command) -> anyhow::Result<Ended> {
    let printed = printed(command)?;
    Ok(read(&printed.text, printed.is_success, &printed.errors))
}

/// Runs a program to its end.
fn printed(command: &mut Command) -> anyhow::Result<Printed> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{name} cannot be started; is it installed?"))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let stdout = thread::spawn(move || all(stdout));
    let stderr = thread::spawn(move || all(stderr));
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if start.elapsed() > LIMIT {
            child.kill()?;
            child.wait()?;
            bail!("{name} did not end within {} seconds.", LIMIT.as_secs());
        }
        thread::sleep(PAUSE);
    };
    let text = |reader: thread::JoinHandle<String>| reader.join().unwrap_or_default();
    Ok(Printed {
        text: text(stdout),
        errors: text(stderr),
        is_success: status.success(),
    })
}

fn all(pipe: Option<impl std::io::Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        // What came before the pipe broke is read all the same.
        let _ = pipe.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads the lines of the driver.
fn read(text: &str, is_success: bool, errors: &str) -> Ended {
    let mut outcome = Outcome::default();
    for line in text.lines() {
        let (word, value) = line.split_once(' ').unwrap_or((line, ""));
        let number = || value.parse().unwrap_or(u64::MAX);
        match word {
            "refused" => return Ended::Refused(value.to_owned()),
            "loss" => {
                let bits = value.rsplit(' ').next().unwrap_or(value);
                match u32::from_str_radix(bits, 16) {
                    Ok(bits) => outcome.loss_bits.push(bits),
                    Err(_not_bits) => return Ended::Failed(line.to_owned()),
                }
            }
            "kernels" => value.clone_into(&mut outcome.kernels),
            "weights_digest" => value.clone_into(&mut outcome.weights_digest),
            "arena_checksum" => value.clone_into(&mut outcome.arena_checksum),
            "arena_bytes" => outcome.arena_bytes = number(),
            "arena_high_water_bytes" => outcome.arena_high_water_bytes = number(),
            "beyond_arena_bytes" => outcome.beyond_arena_bytes = number(),
            "stack_high_water_bytes" => outcome.stack_high_water_bytes = number(),
            "program_bytes" => {}
            _ => return Ended::Failed(format!("{text}{errors}")),
        }
    }
    if is_success && !outcome.weights_digest.is_empty() {
        Ended::Done(outcome)
    } else {
        Ended::Failed(format!("{text}{errors}"))
    }
}
