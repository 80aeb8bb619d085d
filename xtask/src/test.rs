//! `test` and `ci`: everything that must hold, in one build profile.

use crate::setup::{self, Need};
use crate::shell::{cargo, run as spawn};
use crate::{Outcome, bundle, layers, soak};
use std::process::Command;
use std::time::Instant;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only the tests of the crates, without the plugin and its window
    #[arg(long)]
    fast: bool,
}

const PROFILE: &[&str] = &["--profile", "checked"];

pub(crate) fn run(args: &Args) -> Outcome {
    if args.fast {
        return step("tests", || {
            cargo(
                &[
                    &[
                        "test",
                        "--quiet",
                        "--workspace",
                        "--exclude",
                        "attacca",
                        "--exclude",
                        "attacca-tests",
                    ],
                    PROFILE,
                ]
                .concat(),
            )
        });
    }
    setup::ensure(&[Need::Build, Need::Window])?;
    step("format", || cargo(&["fmt", "--all", "--check"]))?;
    step("layers", layers::run)?;
    step("lints", || {
        cargo(
            &[
                &["clippy", "--quiet", "--workspace", "--all-targets"],
                PROFILE,
                &["--", "-D", "warnings"],
            ]
            .concat(),
        )
    })?;
    step("bundle", || bundle::bundle("checked").map(drop))?;
    step("tests", || cargo(&[&["test", "--workspace", "--no-fail-fast"], PROFILE].concat()))
}

/// What CI runs; with `slow` also the long runs.
pub(crate) fn ci(slow: bool) -> Outcome {
    run(&Args { fast: false })?;
    if !slow {
        return Ok(());
    }
    step("soak", || soak::run(&soak::Args::long()))?;
    step("long runs", || {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.env("ATTACCA_SLOW", "1").args(["test", "--workspace", "--profile", "checked"]);
        spawn(&mut command, "cargo test (long runs)")
    })
}

fn step(name: &str, body: impl FnOnce() -> Outcome) -> Outcome {
    let start = Instant::now();
    eprintln!("== {name}");
    let outcome = body();
    eprintln!("== {name}: {:.1} s", start.elapsed().as_secs_f64());
    outcome
}
