//! The Rust module compiles without the standard library and trains as the program does.

use std::fs;
use std::path::Path;
use std::process::Command;

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::program::Program;
use quartermeg_core::runtime::{NoTrace, Runtime};

use super::{export, place, text};

const LIB: &str = "#![no_std]\n#![deny(warnings, missing_docs)]\n//! The exported module, and nothing else.\n\npub mod quartermeg_program;\n";

const MAIN: &str = r#"
use module::quartermeg_program::{ARENA_BYTES, CLASSES, IDENTITY, INPUT_SHAPE, PROGRAM};
use quartermeg_core::program::Program;
use quartermeg_core::runtime::{NoTrace, Runtime};

#[repr(C, align(16))]
struct Block([u8; ARENA_BYTES]);

fn main() {
    let program = Program::parse(&PROGRAM.0[..]).expect("a program");
    let settings = program.settings();
    let mut block = Box::new(Block([0; ARENA_BYTES]));
    let mut runtime: Runtime<&[u8], &mut [u8]> =
        Runtime::new(program, &mut block.0[..]).expect("a block");
    println!("{IDENTITY}");
    for step in 0..4 {
        let codes: Vec<i8> = (0..INPUT_SHAPE.iter().product::<usize>() as u32)
            .map(|index| (index * 7 + step * 13) as i8)
            .collect();
        runtime.load_sample(&codes, step % CLASSES).expect("a sample");
        let loss = runtime.step(&settings.step_params(step), &mut NoTrace);
        println!("{:08x}", loss.to_bits());
    }
}
"#;

/// The same steps from the program file.
fn losses(file: &[u8]) -> Vec<String> {
    let program = Program::parse(AlignedBytes::copy_of(file)).expect("a program");
    let settings = program.settings();
    let meta = *program.meta();
    let n_codes = meta.input_shape.iter().product::<u32>();
    let block = AlignedBytes::zeroed(meta.arena_bytes as usize);
    let mut runtime: Runtime<_, _> = Runtime::new(program, block).expect("a block");
    (0..4)
        .map(|step| {
            let codes: Vec<i8> = (0..n_codes)
                .map(|index| (index * 7 + step * 13).to_le_bytes()[0].cast_signed())
                .collect();
            runtime
                .load_sample(&codes, step % meta.head.n_classes)
                .expect("a sample");
            let loss = runtime.step(&settings.step_params(step), &mut NoTrace);
            format!("{:08x}", loss.to_bits())
        })
        .collect()
}

#[test]
fn the_module_trains_with_the_same_losses_as_the_program() {
    let folder = place("rust");
    let source = folder.join("src");
    let summary = export(&source, &["--as", "rust,qmeg"]);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let manifest = format!(
        "[package]\nname = \"module\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [dependencies]\nquartermeg-core = {{ path = {:?} }}\n\n[workspace]\n",
        text(&root.join("core"))
    );
    fs::write(folder.join("Cargo.toml"), manifest).expect("written");
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).expect("copied");
    fs::write(source.join("lib.rs"), LIB).expect("written");
    fs::write(source.join("main.rs"), MAIN).expect("written");
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline", "--manifest-path"])
        .arg(folder.join("Cargo.toml"))
        // Kept from run to run, beside the folder that is made anew.
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("rust-target"))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let printed = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines[0], summary["identity"]);
    let file = fs::read(source.join("quartermeg.qmeg")).expect("a program");
    assert_eq!(lines[1..], losses(&file));
}
