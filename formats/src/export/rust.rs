//! The program as a Rust module that needs no standard library.

use quartermeg_core::program::Program;
use quartermeg_core::program::image::{CORE_VERSION, FORMAT_VERSION};

use super::arrays;
use super::stamp::Stamp;
use crate::config::hex;

/// Name of the module's file.
pub const FILE_NAME: &str = "quartermeg_program.rs";
const ARRAY_BEGIN: &str = "Aligned([\n";
const ARRAY_END: &str = "]);";

/// The module. `file` is the program file ([`crate::program_file::write`]) of `program`.
#[must_use]
pub fn module<B: AsRef<[u8]>>(program: &Program<B>, file: &[u8]) -> String {
    let meta = program.meta();
    let [height, width, channels] = meta.input_shape;
    format!(
        "//! A training program of Quartermeg.\n\
         //!\n\
         //! `{stamp}`\n\
         \n\
         /// Bytes that start at a multiple of 16, as a program needs them.\n\
         #[repr(C, align(16))]\n\
         pub struct Aligned<const N: usize>(pub [u8; N]);\n\
         \n\
         /// Bytes of the program.\n\
         pub const PROGRAM_BYTES: usize = {program_bytes};\n\
         /// Bytes of the block that the program runs in; it starts at a multiple of 16.\n\
         pub const ARENA_BYTES: usize = {arena};\n\
         /// The first bytes of the block, which keep their contents from step to step.\n\
         pub const PERSISTENT_BYTES: usize = {persistent};\n\
         /// Height, width and channels of the input.\n\
         pub const INPUT_SHAPE: [usize; 3] = [{height}, {width}, {channels}];\n\
         /// What one step of an input code is worth.\n\
         pub const INPUT_SCALE: f32 = f32::from_bits(0x{scale:08x});\n\
         /// The input code of zero.\n\
         pub const INPUT_ZERO_POINT: i32 = {zero_point};\n\
         /// Number of classes.\n\
         pub const CLASSES: u32 = {classes};\n\
         /// Version of the program's format.\n\
         pub const FORMAT_VERSION: u32 = {FORMAT_VERSION};\n\
         /// Version of the core that wrote it: major, minor, patch.\n\
         pub const CORE_VERSION: [u32; 3] = [{major}, {minor}, {patch}];\n\
         /// SHA-256 of network, policy and plan.\n\
         pub const IDENTITY: &str = \"{identity}\";\n\
         \n\
         /// The program, for `quartermeg_core::program::Program::parse(&PROGRAM.0[..])`.\n\
         #[rustfmt::skip]\n\
         pub static PROGRAM: Aligned<PROGRAM_BYTES> = {ARRAY_BEGIN}{elements}{ARRAY_END}\n",
        stamp = Stamp::of("rust", program).line(),
        program_bytes = file.len(),
        arena = meta.arena_bytes,
        persistent = meta.persistent_bytes,
        scale = meta.input_quant.scale.to_bits(),
        zero_point = meta.input_quant.zero_point,
        classes = meta.head.n_classes,
        major = CORE_VERSION >> 16,
        minor = CORE_VERSION >> 8 & 0xff,
        patch = CORE_VERSION & 0xff,
        identity = hex(&program.identity()),
        elements = arrays::elements(file),
    )
}

/// The program file inside a module; none where the array is missing or damaged.
#[must_use]
pub fn program_of_module(text: &str) -> Option<Vec<u8>> {
    arrays::bytes_between(text, ARRAY_BEGIN, ARRAY_END)
}
