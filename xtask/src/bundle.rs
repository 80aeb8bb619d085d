//! `bundle`: the plugin as hosts expect to find it.

use crate::setup::{self, Need};
use crate::shell::{cargo, root, target_dir};
use crate::{Failure, Outcome};
use std::fs;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Optimised for use; otherwise the build that the tests use
    #[arg(long)]
    release: bool,
    /// Also copy the bundles into the user's plugin folders
    #[arg(long)]
    install: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let made = bundle(if args.release { "release" } else { "checked" })?;
    if args.install {
        install(&made)?;
    }
    Ok(())
}

/// Paths of the finished bundles.
pub(crate) struct Bundles {
    /// The CLAP plugin.
    pub(crate) clap: PathBuf,
    /// The VST3 plugin.
    pub(crate) vst3: PathBuf,
}

/// Builds the plugin in this profile and lays out its bundles in `target/bundled`.
pub(crate) fn bundle(profile: &str) -> Result<Bundles, Failure> {
    setup::ensure(&[Need::Build])?;
    cargo(&["build", "--quiet", "--package", "attacca", "--profile", profile])?;
    let name = display_name()?;
    let library = target_dir().join(profile).join(library_name());
    let out = target_dir().join("bundled");
    let clap = out.join(format!("{name}.clap"));
    let vst3 = out.join(format!("{name}.vst3"));
    copy(&library, &clap)?;
    copy(
        &library,
        &vst3.join("Contents").join(vst3_folder()).join(format!("{name}{}", vst3_suffix())),
    )?;
    println!("{}\n{}", clap.display(), vst3.display());
    Ok(Bundles { clap, vst3 })
}

/// The name in `bundler.toml`.
fn display_name() -> Result<String, Failure> {
    let path = root().join("bundler.toml");
    let text = fs::read_to_string(&path)
        .map_err(|e| Failure::Usage(format!("{}: {e}", path.display())))?;
    let line = text.lines().find_map(|line| line.strip_prefix("name"));
    let name = line.and_then(|rest| rest.split('"').nth(1));
    name.map(str::to_owned)
        .ok_or_else(|| Failure::Usage(format!("{}: no `name = \"..\"`", path.display())))
}

fn library_name() -> String {
    format!("{}attacca{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
}

fn vst3_folder() -> String {
    match std::env::consts::OS {
        "macos" => "MacOS".into(),
        "windows" => format!("{}-win", std::env::consts::ARCH),
        _ => format!("{}-linux", std::env::consts::ARCH),
    }
}

fn vst3_suffix() -> &'static str {
    match std::env::consts::OS {
        "macos" => "",
        "windows" => ".vst3",
        _ => ".so",
    }
}

fn copy(from: &Path, to: &Path) -> Outcome {
    let failed = |e: std::io::Error| Failure::Usage(format!("cannot write {}: {e}", to.display()));
    if let Some(dir) = to.parent() {
        fs::create_dir_all(dir).map_err(failed)?;
    }
    // A host may have the old file open: replace it, never write into it.
    let fresh = to.with_extension("new");
    fs::copy(from, &fresh).map_err(failed)?;
    fs::rename(&fresh, to).map_err(failed)
}

fn install(made: &Bundles) -> Outcome {
    let home = std::env::var_os("HOME")
        .map(PathBuf::from)
        .ok_or_else(|| Failure::Usage("HOME is not set".into()))?;
    let (clap_dir, vst3_dir) = match std::env::consts::OS {
        "macos" => {
            (home.join("Library/Audio/Plug-Ins/CLAP"), home.join("Library/Audio/Plug-Ins/VST3"))
        }
        "linux" => (home.join(".clap"), home.join(".vst3")),
        other => {
            return Err(Failure::Usage(format!(
                "`--install` does not know the plugin folders of {other}"
            )));
        }
    };
    let name = |path: &Path| path.file_name().map(PathBuf::from).unwrap_or_default();
    copy(&made.clap, &clap_dir.join(name(&made.clap)))?;
    let inner = Path::new("Contents").join(vst3_folder());
    let file = made
        .vst3
        .file_stem()
        .map(|s| format!("{}{}", s.to_string_lossy(), vst3_suffix()))
        .unwrap_or_default();
    copy(
        &made.vst3.join(&inner).join(&file),
        &vst3_dir.join(name(&made.vst3)).join(&inner).join(&file),
    )?;
    println!("installed into {} and {}", clap_dir.display(), vst3_dir.display());
    Ok(())
}
