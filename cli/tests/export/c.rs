//! The C sources compile as strict C99 and hold the program.

use std::fs;
use std::process::Command;

use super::{export, place, text};

const MAIN: &str = r#"
#include <stdio.h>
#include "quartermeg_program.h"

int main(void) {
    if ((uintptr_t)quartermeg_program % 16u != 0u) {
        return 2;
    }
    fprintf(stderr, "%u %u %u %u %u %u %.9g %d %u %s %s", (unsigned)QUARTERMEG_ARENA_BYTES,
            (unsigned)QUARTERMEG_PERSISTENT_BYTES, (unsigned)QUARTERMEG_INPUT_HEIGHT,
            (unsigned)QUARTERMEG_INPUT_WIDTH, (unsigned)QUARTERMEG_INPUT_CHANNELS,
            (unsigned)QUARTERMEG_CLASSES, (double)QUARTERMEG_INPUT_SCALE,
            (int)QUARTERMEG_INPUT_ZERO_POINT, (unsigned)QUARTERMEG_FORMAT_VERSION,
            QUARTERMEG_CORE_VERSION, QUARTERMEG_IDENTITY);
    return fwrite(quartermeg_program, 1u, QUARTERMEG_PROGRAM_BYTES, stdout)
                   == QUARTERMEG_PROGRAM_BYTES
               ? 0
               : 3;
}
"#;

#[test]
fn the_sources_compile_without_a_warning_and_hold_the_program() {
    let folder = place("c");
    let summary = export(&folder, &["--as", "c,qmeg"]);
    fs::write(folder.join("main.c"), MAIN).expect("written");
    let program = folder.join("main");
    let compiled = Command::new("cc")
        .args([
            "-std=c99",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-Wpedantic",
            "-o",
        ])
        .arg(&program)
        .args(["main.c", "quartermeg_program.c"])
        .current_dir(&folder)
        .output()
        .expect("a C compiler, which Rust's linker needs, too");
    assert!(
        compiled.status.success(),
        "{}",
        String::from_utf8_lossy(&compiled.stderr)
    );
    let output = Command::new(&program).output().expect("it runs");
    assert!(output.status.success(), "{:?}", output.status);

    let file = fs::read(folder.join("quartermeg.qmeg")).expect("a program");
    assert!(output.stdout == file, "the array is not the program");
    let bytes = quartermeg_core::bytes::AlignedBytes::copy_of(&file);
    let parsed = quartermeg_core::program::Program::parse(bytes).expect("a program");
    let meta = parsed.meta();
    let [height, width, channels] = meta.input_shape;
    let printed = String::from_utf8(output.stderr).expect("text");
    let words: Vec<&str> = printed.split(' ').collect();
    let scale: f32 = words[6].parse().expect("a number");
    assert_eq!(scale.to_bits(), meta.input_quant.scale.to_bits());
    let expected = [
        meta.arena_bytes.to_string(),
        meta.persistent_bytes.to_string(),
        height.to_string(),
        width.to_string(),
        channels.to_string(),
        meta.head.n_classes.to_string(),
        words[6].to_owned(),
        meta.input_quant.zero_point.to_string(),
        quartermeg_core::program::image::FORMAT_VERSION.to_string(),
        env!("CARGO_PKG_VERSION").to_owned(),
        summary["identity"].as_str().expect("text").to_owned(),
    ];
    assert_eq!(words, expected, "{}", text(&folder));
}
