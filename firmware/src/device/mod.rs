//! The board: memory, what protects it, and what is said to whom is connected.

mod console;
mod fault;
mod memory;
mod protection;

use core::fmt::Write as _;
use core::mem::MaybeUninit;

use cortex_m_rt::entry;
use quartermeg_firmware::Trainer;

use console::Console;

/// Exit code of a program that was refused.
const REFUSED: i32 = 2;

#[entry]
fn main() -> ! {
    // The only static: what a step writes besides the block and the stack.
    static mut STATE: MaybeUninit<Trainer<'static>> = MaybeUninit::uninit();

    protection::enable();
    let mut console = Console::open();
    let result =
        quartermeg_firmware::run(memory::blob(), memory::take_block(), STATE, &mut console)
            .and_then(|()| {
                let used = memory::stack_high_water();
                writeln!(console, "stack_high_water_bytes {used}")?;
                Ok(())
            });
    match result {
        Ok(()) => console::exit(0),
        Err(refusal) => {
            console.say(format_args!("refused {refusal}"));
            console::exit(REFUSED)
        }
    }
}
