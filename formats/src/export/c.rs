//! The program as a C header and a C99 source file.

use quartermeg_core::program::Program;
use quartermeg_core::program::image::{CORE_VERSION, FORMAT_VERSION};

use super::arrays;
use super::stamp::Stamp;
use crate::config::hex;

/// Name of the header, which the source file includes.
pub const HEADER_NAME: &str = "quartermeg_program.h";
/// Name of the source file.
pub const SOURCE_NAME: &str = "quartermeg_program.c";
const ARRAY_BEGIN: &str = "quartermeg_program[QUARTERMEG_PROGRAM_BYTES] = {\n";
const ARRAY_END: &str = "};";

/// The header: sizes, shapes, versions and identity as macros, and the array's declaration.
/// `file` is the program file ([`crate::program_file::write`]) of `program`.
#[must_use]
pub fn header<B: AsRef<[u8]>>(program: &Program<B>, file: &[u8]) -> String {
    let meta = program.meta();
    let [height, width, channels] = meta.input_shape;
    let core = format!(
        "{}.{}.{}",
        CORE_VERSION >> 16,
        CORE_VERSION >> 8 & 0xff,
        CORE_VERSION & 0xff
    );
    format!(
        "/* {stamp} */\n\
         #ifndef QUARTERMEG_PROGRAM_H\n\
         #define QUARTERMEG_PROGRAM_H\n\
         \n\
         #include <stdint.h>\n\
         \n\
         /* Bytes of the program, and of the block that it runs in; both start at a multiple of \
         16. */\n\
         #define QUARTERMEG_PROGRAM_BYTES {program_bytes}u\n\
         #define QUARTERMEG_ARENA_BYTES {arena}u\n\
         /* The first bytes of the block, which keep their contents from step to step. */\n\
         #define QUARTERMEG_PERSISTENT_BYTES {persistent}u\n\
         \n\
         /* The input: int8 codes, row by row, the channels of a pixel side by side; a code stands \
         for\n   (code - zero point) * scale. */\n\
         #define QUARTERMEG_INPUT_HEIGHT {height}u\n\
         #define QUARTERMEG_INPUT_WIDTH {width}u\n\
         #define QUARTERMEG_INPUT_CHANNELS {channels}u\n\
         #define QUARTERMEG_INPUT_SCALE {scale:e}f\n\
         #define QUARTERMEG_INPUT_ZERO_POINT ({zero_point})\n\
         #define QUARTERMEG_CLASSES {classes}u\n\
         \n\
         #define QUARTERMEG_FORMAT_VERSION {FORMAT_VERSION}u\n\
         #define QUARTERMEG_CORE_VERSION \"{core}\"\n\
         #define QUARTERMEG_IDENTITY \"{identity}\"\n\
         \n\
         #if defined(__GNUC__) || defined(__clang__)\n\
         #define QUARTERMEG_ALIGN_16 __attribute__((aligned(16)))\n\
         #elif defined(_MSC_VER)\n\
         #define QUARTERMEG_ALIGN_16 __declspec(align(16))\n\
         #elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L\n\
         #define QUARTERMEG_ALIGN_16 _Alignas(16)\n\
         #else\n\
         #error \"say how this compiler aligns an array to 16 bytes\"\n\
         #endif\n\
         \n\
         #ifdef __cplusplus\n\
         extern \"C\" {{\n\
         #endif\n\
         \n\
         extern QUARTERMEG_ALIGN_16 const uint8_t \
         quartermeg_program[QUARTERMEG_PROGRAM_BYTES];\n\
         \n\
         #ifdef __cplusplus\n\
         }}\n\
         #endif\n\
         \n\
         #endif\n",
        stamp = Stamp::of("c-header", program).line(),
        program_bytes = file.len(),
        arena = meta.arena_bytes,
        persistent = meta.persistent_bytes,
        scale = meta.input_quant.scale,
        zero_point = meta.input_quant.zero_point,
        classes = meta.head.n_classes,
        identity = hex(&program.identity()),
    )
}

/// The source file: the array.
#[must_use]
pub fn source<B: AsRef<[u8]>>(program: &Program<B>, file: &[u8]) -> String {
    format!(
        "/* {} */\n#include \"{HEADER_NAME}\"\n\nQUARTERMEG_ALIGN_16 const uint8_t {ARRAY_BEGIN}{}{ARRAY_END}\n",
        Stamp::of("c", program).line(),
        arrays::elements(file)
    )
}

/// The program file inside a source file; none where the array is missing or damaged.
#[must_use]
pub fn program_of_source(text: &str) -> Option<Vec<u8>> {
    arrays::bytes_between(text, ARRAY_BEGIN, ARRAY_END)
}
