//! Attacca's headless commands: `cargo xtask COMMAND`. One file per command.
//!
//! Status: 0 done; 1 the program was rejected, faulted, or differs from its golden; 2 wrong usage
//! or unreadable file.

mod bench;
mod bless;
mod bundle;
mod check;
mod demo;
mod diff;
mod dump;
mod fmt;
mod layers;
mod peer;
mod program;
mod render;
mod setup;
mod shell;
mod soak;
mod test;
mod validate;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Attacca without a DAW: render, check, test, bundle",
    version
)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Renders a program to a sound file, csv or json
    Render(render::Args),
    /// Reports what is wrong with programs
    Check(check::Args),
    /// Lays out programs in the standard form
    Fmt(fmt::Args),
    /// Prints one stage of the compilation of a program
    Dump(dump::Args),
    /// Prints what of one program's state another version of it keeps
    Diff(diff::Args),
    /// Plays a program on the sound card
    Play {
        /// Program file
        file: PathBuf,
    },
    /// Builds the plugin, plays a phrase through it in an embedded host, edits it three times, writes demo.wav
    Demo,
    /// Builds the plugin bundles in target/bundled
    Bundle(bundle::Args),
    /// Loads the VST3 bundle in other hosts
    Validate,
    /// Measures speed, compile time and swaps
    Bench(bench::Args),
    /// Edits random programs at random while they play
    Soak(soak::Args),
    /// Runs every test
    Test(test::Args),
    /// Runs what CI runs
    Ci {
        /// Also the long runs
        #[arg(long)]
        slow: bool,
    },
    /// Rewrites the expected results of golden tests
    Bless,
    /// Checks which crate depends on which, lists the longest files, functions and structs
    Layers,
}

/// How a command ends when it does not succeed.
pub(crate) enum Failure {
    /// Status 1: said already, or said now.
    Rejected(String),
    /// Status 2: wrong usage or unreadable file.
    Usage(String),
}

/// What every command returns.
pub(crate) type Outcome = Result<(), Failure>;

fn main() -> ExitCode {
    let outcome = match Args::parse().command {
        Command::Render(args) => render::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Fmt(args) => fmt::run(&args),
        Command::Dump(args) => dump::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Play { .. } => not_built("`play`"),
        Command::Demo => demo::run(),
        Command::Bundle(args) => bundle::run(&args),
        Command::Validate => validate::run(),
        Command::Bench(args) => bench::run(&args),
        Command::Soak(args) => soak::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Ci { slow } => test::ci(slow),
        Command::Bless => bless::run(),
        Command::Layers => layers::run(),
    };
    let (message, status) = match outcome {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Rejected(message)) => (message, 1),
        Err(Failure::Usage(message)) => (message, 2),
    };
    if !message.is_empty() {
        eprintln!("error: {message}");
    }
    ExitCode::from(status)
}

/// The answer of a part that is still to come.
fn not_built(what: &str) -> Outcome {
    Err(Failure::Usage(format!("{what} is not built yet")))
}
