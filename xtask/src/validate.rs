//! `validate`: the VST3 bundle in hosts other than our own.
//!
//! pedalboard (from PyPI, in a virtual environment under `target`) loads it as effect and as
//! instrument, plays through it, moves a parameter, and saves and restores its state.

use crate::setup::{self, Need};
use crate::shell::{root, run as spawn, target_dir};
use crate::{Outcome, bundle};
use std::process::Command;

pub(crate) fn run() -> Outcome {
    setup::ensure(&[Need::Build, Need::Python])?;
    let bundles = bundle::bundle("checked")?;
    let venv = target_dir().join("validate-venv");
    let python = venv.join("bin").join("python");
    if !venv.join("ready").exists() {
        spawn(Command::new("python3").arg("-m").arg("venv").arg(&venv), "python3 -m venv")?;
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "pedalboard==0.9.26", "mido", "numpy"]);
        spawn(&mut pip, "pip install pedalboard")?;
        if let Err(error) = std::fs::write(venv.join("ready"), "") {
            eprintln!("warning: {}: {error}", venv.display());
        }
    }
    let script = root().join("tests").join("hosts").join("pedalboard_host.py");
    spawn(Command::new(&python).arg(script).arg(&bundles.vst3), "pedalboard_host.py")
}
