//! The command-line twin of the Quartermeg page: the same core, the same numbers.

mod board;
mod drift;
mod export;
mod files;
mod folder;
mod images;
mod inspect;
mod load;
mod memory;
mod numerics;
mod output;
mod picture;
mod replay;
mod runs;
mod search;
mod setup;
mod source;
mod step;
mod train;
mod verify;

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
    /// List the boards, their memory, and what there is for them.
    Boards(board::Arguments),
    /// List the layers of a network.
    Inspect(inspect::Arguments),
    /// State what a training step needs, in bytes.
    Memory(memory::Arguments),
    /// Train, and print the digest of the weights.
    Train(Box<train::Arguments>),
    /// Measure what each layer contributes to the accuracy.
    Analyze(Box<search::analyze::Arguments>),
    /// Find the best update policy within a budget.
    Search(Box<search::Arguments>),
    /// Change the world under the learner, and measure what each way of learning recovers and forgets.
    Drift(Box<drift::Arguments>),
    /// Write a program and what belongs to it, for devices, other tools and people.
    Export(Box<export::Arguments>),
    /// Tell whether exported files are whole and belong together.
    Verify(verify::Arguments),
    /// Run one forward and backward pass, and write everything that can be compared.
    Step(step::Arguments),
    /// Run a trajectory of steps, and print their losses.
    Replay(replay::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Boards(arguments) => board::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Memory(arguments) => memory::run(&arguments),
        Command::Train(arguments) => train::run(&arguments),
        Command::Analyze(arguments) => search::analyze::run(&arguments),
        Command::Search(arguments) => search::run(&arguments),
        Command::Drift(arguments) => drift::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
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
