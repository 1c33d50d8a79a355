//! Text to whoever is connected, and the end of the program, by semihosting.

use core::fmt;
use core::panic::PanicInfo;

use semihosting::io::{self, Write as _};
use semihosting::process;

/// Exit code of a panic, that of every Rust program.
const PANICKED: i32 = 101;

/// The standard output of the machine that is connected; nothing where that has none.
pub(super) struct Console(Option<io::Stdout>);

impl Console {
    pub(super) fn open() -> Self {
        Self(io::stdout().ok())
    }

    /// Writes a line where it is too late to mind that it cannot be written.
    pub(super) fn say(&mut self, line: fmt::Arguments<'_>) {
        let _ = fmt::Write::write_fmt(self, line);
        let _ = fmt::Write::write_str(self, "\n");
    }
}

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let output = self.0.as_mut().ok_or(fmt::Error)?;
        output
            .write_all(text.as_bytes())
            .map_err(|_error| fmt::Error)
    }
}

/// Ends the program.
pub(super) fn exit(code: i32) -> ! {
    process::exit(code)
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    Console::open().say(format_args!("panicked {info}"));
    exit(PANICKED)
}
