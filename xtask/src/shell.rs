//! Running other programs, from the root of the workspace.

use crate::{Failure, Outcome};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The folder cargo builds into.
pub(crate) fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Runs cargo with these arguments; its output goes to the terminal.
pub(crate) fn cargo(args: &[&str]) -> Outcome {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    run(Command::new(cargo).args(args), &format!("cargo {}", args.join(" ")))
}

/// Runs a command, in the root of the workspace; `what` names it in the message of a failure.
pub(crate) fn run(command: &mut Command, what: &str) -> Outcome {
    match command.current_dir(root()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::Rejected(format!("`{what}` failed ({status})"))),
        Err(error) => Err(Failure::Usage(format!("cannot run `{what}`: {error}"))),
    }
}
