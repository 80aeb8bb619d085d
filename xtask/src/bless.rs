//! `bless`: rewrites expected results after a change that is meant to change them.

use crate::Outcome;
use crate::shell::run as spawn;
use std::process::Command;

pub(crate) fn run() -> Outcome {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.env("UPDATE_EXPECT", "1").env("ATTACCA_BLESS", "1");
    command.args([
        "test",
        "--workspace",
        "--exclude",
        "attacca",
        "--profile",
        "checked",
        "--no-fail-fast",
    ]);
    spawn(&mut command, "cargo test (blessing)")?;
    println!("expected results rewritten; read the difference before you commit it");
    Ok(())
}
