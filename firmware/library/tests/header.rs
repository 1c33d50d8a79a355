//! The header is what cbindgen makes of the interface.

use std::path::Path;
use std::{env, fs};

use cbindgen::{
    Braces, Builder, Config, DocumentationStyle, EnumConfig, ExportConfig, Language, RenameRule,
    Style,
};

/// With this variable the header is written instead.
const WRITE: &str = "QUARTERMEG_WRITE_HEADER";

const HEAD: &str = "\
/*
 * Quartermeg for firmware in C: trains and runs an exported program in memory that the firmware
 * provides. Made by cbindgen from firmware/library/src; not to be edited.
 *
 * Nothing here allocates and nothing calls back. A function that returns anything but QM_ERROR_NONE
 * did nothing, except that qm_init then leaves a trainer that is not ready. What comes out is the
 * same, bit for bit, on every machine. The floating-point unit must be on before the first call, and
 * its modes of rounding as after a reset.
 *
 * A panic would be a bug of the library: it ends in an endless loop, out of which a watchdog leads.
 */";

fn header() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let renamed = [
        ("QmError", "qm_error"),
        ("QmSizes", "qm_sizes"),
        ("QmTrainer", "qm_trainer"),
    ];
    let config = Config {
        language: Language::C,
        cpp_compat: true,
        header: Some(HEAD.to_owned()),
        include_guard: Some("QUARTERMEG_H".to_owned()),
        no_includes: true,
        sys_includes: ["stdbool.h", "stddef.h", "stdint.h"]
            .map(str::to_owned)
            .to_vec(),
        braces: Braces::SameLine,
        line_length: 100,
        style: Style::Both,
        usize_is_size_t: true,
        documentation_style: DocumentationStyle::Doxy,
        enumeration: EnumConfig {
            rename_variants: RenameRule::QualifiedScreamingSnakeCase,
            ..EnumConfig::default()
        },
        export: ExportConfig {
            rename: renamed
                .map(|(from, to)| (from.to_owned(), to.to_owned()))
                .into(),
            ..ExportConfig::default()
        },
        ..Config::default()
    };
    let bindings = Builder::new()
        .with_config(config)
        .with_src(folder.join("src/error.rs"))
        .with_src(folder.join("src/interface.rs"))
        .generate()
        .expect("the interface can be said in C");
    let mut text = Vec::new();
    bindings.write(&mut text);
    String::from_utf8(text).expect("sources are UTF-8")
}

#[test]
fn the_header_is_what_the_interface_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("quartermeg.h");
    let made = header();
    if env::var_os(WRITE).is_some() {
        fs::write(&path, &made).expect("the header can be written");
    }
    let committed = fs::read_to_string(&path).expect("the header");
    assert!(
        committed == made,
        "the header is out of date; write it with {WRITE}=1 cargo test -p quartermeg-firmware-library"
    );
}
