//! Boards on the command line.

use std::process::{Command, Output};

use serde_json::Value;

fn quartermeg(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_quartermeg"))
        .args(arguments)
        .output()
        .expect("the command starts")
}

fn text(arguments: &[&str]) -> String {
    let output = quartermeg(arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&text(arguments)).expect("one object")
}

#[test]
fn boards_are_listed_with_what_there_is_for_them() {
    let report = json(&["boards", "--json"]);
    let boards = report["boards"].as_array().expect("a list");
    let of = |id: &str| {
        let found = boards.iter().find(|board| board["id"] == id);
        found.unwrap_or_else(|| panic!("no {id}"))
    };
    for id in [
        "stm32f746",
        "nrf52840",
        "rp2040",
        "rp2350",
        "esp32s3",
        "256k-m4",
    ] {
        assert!(
            of(id)["source"]
                .as_str()
                .is_some_and(|source| !source.is_empty())
        );
    }
    assert_eq!(boards[0]["id"], "256k");
    assert_eq!(of("256k")["support"], "verified firmware");
    // The other 64 KiB do not follow the first 128.
    assert_eq!(of("stm32f407")["sram_bytes"], 128 * 1024);
    assert_eq!(of("stm32f407")["sram_total_bytes"], 192 * 1024);
    assert_eq!(of("stm32h743")["sram_bytes"], 512 * 1024);
    let table = text(&["boards"]);
    for board in boards {
        assert!(table.contains(board["id"].as_str().expect("an id")));
    }
    assert!(table.contains("--board custom --sram 200KiB --flash 512KiB"));
}

#[test]
fn memory_and_inspect_say_whether_a_step_fits_and_what_is_missing() {
    let on = |command: &str, board: &[&str]| {
        let scenario = [
            command,
            "--scenario",
            "keyboard",
            "--scheme",
            "default",
            "--json",
        ];
        json(&[&scenario[..], board].concat())
    };
    let memory = on("memory", &[]);
    assert_eq!(memory["on_board"]["board"]["id"], "256k");
    assert_eq!(memory["on_board"]["fits"], true);
    let f407 = on("memory", &["--board", "stm32f407"]);
    let arena = memory["arena_bytes"].as_u64().expect("bytes");
    assert_eq!(f407["on_board"]["fits"], false);
    assert_eq!(f407["on_board"]["missing_sram_bytes"], arena - 131_072);
    let inspected = on("inspect", &["--board", "stm32f407"]);
    assert_eq!(inspected["on_board"], f407["on_board"]);

    // Only the chip that was measured has an error; of other processors nothing is known.
    let step = |board: &str| on("memory", &["--board", board])["on_board"]["step"].clone();
    assert!(step("stm32f746")["error"].is_number());
    assert!(step("stm32f407")["milliseconds"].is_number() && step("stm32f407")["error"].is_null());
    assert!(step("rp2040").is_null());

    let custom = ["--board", "custom", "--sram", "128KiB", "--flash", "1MiB"];
    let custom = on("memory", &custom);
    assert_eq!(custom["on_board"]["board"]["id"], "custom:131072:1048576");
    assert_eq!(custom["on_board"]["missing_sram_bytes"], arena - 131_072);
    let sentence = text(&["memory", "--scenario", "keyboard", "--scheme", "full"]);
    assert!(
        sentence.contains("Does not fit 256 KiB microcontroller: "),
        "{sentence}"
    );
    assert!(sentence.contains("of SRAM are missing."), "{sentence}");
}

#[test]
fn boards_that_cannot_be_had_are_refused_in_a_sentence() {
    for (board, words) in [
        (&["--board", "moon"][..], "There is no board \"moon\""),
        (&["--board", "custom"], "--sram 200KiB"),
        (
            &["--board", "custom", "--sram", "1KiB", "--flash", "1MiB"],
            "at least 16.0 KiB",
        ),
        (
            &["--board", "256k", "--sram", "64KiB", "--flash", "1MiB"],
            "for --board custom",
        ),
        (
            &["--sram", "64KiB", "--flash", "1MiB"],
            "for --board custom",
        ),
        (
            &["--board", "custom", "--sram", "a lot", "--flash", "1MiB"],
            "no size",
        ),
    ] {
        let output = quartermeg(&[&["memory", "--scenario", "keyboard"], board].concat());
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{board:?}");
        assert!(errors.contains(words), "{board:?}: {errors}");
    }
}
