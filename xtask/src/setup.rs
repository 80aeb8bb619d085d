//! System packages: finds out which are missing, installs them where that is allowed, or says how.

use crate::{Failure, Outcome};
use std::path::Path;
use std::process::Command;

/// A Debian package and how to tell that it is there.
struct Package {
    name: &'static str,
    probe: Probe,
}

enum Probe {
    /// A program on the path.
    Program(&'static str),
    /// A shared library the loader knows.
    Library(&'static str),
    /// A file.
    File(&'static str),
}

const fn package(name: &'static str, probe: Probe) -> Package {
    Package { name, probe }
}

/// What building the plugin needs besides Rust and gcc.
const BUILD: &[Package] = &[package("g++", Probe::Program("g++"))];

/// What the tests of the plugin's window need.
const WINDOW: &[Package] = &[
    package("xvfb", Probe::Program("Xvfb")),
    package("xdotool", Probe::Program("xdotool")),
    package("imagemagick", Probe::Program("import")),
    package("libgl1", Probe::Library("libGL.so.1")),
    package("libegl1", Probe::Library("libEGL.so.1")),
    package("libgl1-mesa-dri", Probe::File("/usr/lib/x86_64-linux-gnu/dri/swrast_dri.so")),
    package("libxkbcommon-x11-0", Probe::Library("libxkbcommon-x11.so.0")),
    package("libx11-xcb1", Probe::Library("libX11-xcb.so.1")),
    package("libxcursor1", Probe::Library("libXcursor.so.1")),
];

/// What the hosts written in Python need.
const PYTHON: &[Package] = &[package("python3-venv", Probe::Program("python3"))];

/// Which parts of the system a command uses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Building the plugin.
    Build,
    /// Opening its window without a screen.
    Window,
    /// Python virtual environments.
    Python,
}

/// Makes sure that the packages are there; status 2 with the one line to run where it may not install them.
pub(crate) fn ensure(needs: &[Need]) -> Outcome {
    let packages = needs.iter().flat_map(|need| match need {
        Need::Build => BUILD,
        Need::Window => WINDOW,
        Need::Python => PYTHON,
    });
    let missing: Vec<&str> = packages.filter(|p| !present(&p.probe)).map(|p| p.name).collect();
    if missing.is_empty() || !cfg!(target_os = "linux") {
        return Ok(());
    }
    let line = format!("apt-get install -y --no-install-recommends {}", missing.join(" "));
    if !is_root() || !on_path("apt-get") {
        return Err(Failure::Usage(format!("system packages are missing; run: sudo {line}")));
    }
    eprintln!("installing system packages: {}", missing.join(" "));
    let script = format!("apt-get update -q && DEBIAN_FRONTEND=noninteractive {line}");
    match Command::new("sh").args(["-c", &script]).stdout(std::process::Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) | Err(_) => {
            Err(Failure::Usage(format!("could not install system packages; run: {line}")))
        }
    }
}

fn present(probe: &Probe) -> bool {
    match probe {
        Probe::Program(name) => on_path(name),
        Probe::File(path) => Path::new(path).exists(),
        Probe::Library(name) => Command::new("/sbin/ldconfig")
            .arg("-p")
            .output()
            .is_ok_and(|out| String::from_utf8_lossy(&out.stdout).contains(name)),
    }
}

fn on_path(name: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(name).is_file()))
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout.starts_with(b"0\n"))
}
