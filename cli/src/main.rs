//! The command-line twin of the Quartermeg page: the same core, the same numbers.

mod folder;
mod images;
mod inspect;
mod memory;
mod numerics;
mod output;
mod replay;
mod source;
mod step;
mod train;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Train an int8 network in a quarter of a megabyte.
#[derive(Debug, Parser)]
#[command(name = "quartermeg", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the layers of a network.
    Inspect(inspect::Arguments),
    /// State what a training step needs, in bytes.
    Memory(memory::Arguments),
    /// Train, and print the digest of the weights.
    Train(Box<train::Arguments>),
    /// Run one forward and backward pass, and write everything that can be compared.
    Step(step::Arguments),
    /// Run a trajectory of steps, and print their losses.
    Replay(replay::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Memory(arguments) => memory::run(&arguments),
        Command::Train(arguments) => train::run(&arguments),
        Command::Step(arguments) => step::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
