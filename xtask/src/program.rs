//! Reading and compiling program files; printing what the compiler says.

use crate::{Failure, Outcome};
use attacca_engine::pipeline::{self, Compiled, Options};
use attacca_engine::{Files, Hz, Message, Program, Severity, Target};
use clap::ValueEnum;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The text of a program file; status 2 if it cannot be read.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    let bytes = fs::read(path).map_err(|e| Failure::Usage(format!("{}: {e}", path.display())))?;
    String::from_utf8(bytes).map_err(|e| {
        Failure::Usage(format!(
            "{}: not UTF-8 text (byte {})",
            path.display(),
            e.utf8_error().valid_up_to()
        ))
    })
}

/// How the arithmetic is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Math {
    /// Every operation as written.
    Strict,
    /// Contracted and reassociated.
    Fast,
}

impl Math {
    /// Status 2 for what is still to come.
    pub(crate) fn available(self) -> Result<(), Failure> {
        match self {
            Self::Strict => Ok(()),
            Self::Fast => Err(Failure::Usage("`--math fast` is not built yet".into())),
        }
    }
}

/// The backend of this name; status 2 if there is none, or not yet.
pub(crate) fn target(name: &str) -> Result<Target, Failure> {
    name.parse().map_err(|e: attacca_engine::TargetError| Failure::Usage(e.to_string()))
}

/// To compile for a backend at a sample rate in Hz.
pub(crate) fn options(target: Target, rate: f64) -> Options {
    Options { target, rate: Hz(rate), ..Options::default() }
}

/// Compiles a file. Prints its diagnostics to standard error; status 1 if it is rejected.
pub(crate) fn compile(
    path: &Path,
    options: &Options,
    libs: &[PathBuf],
) -> Result<(Arc<Program>, Compiled), Failure> {
    let compiled = compile_any(path, options, libs)?;
    eprint!("{}{}", said(&compiled), human(&compiled));
    match compiled.program.clone() {
        Some(program) => Ok((program, compiled)),
        None => Err(Failure::Rejected(format!("{} was rejected", path.display()))),
    }
}

/// Compiles a file, good or bad; status 2 if it cannot be read.
pub(crate) fn compile_any(
    path: &Path,
    options: &Options,
    libs: &[PathBuf],
) -> Result<Compiled, Failure> {
    let text = read(path)?;
    Ok(pipeline::compile_with(&path.display().to_string(), &text, options, &files(libs)))
}

/// Finds what programs use: beside them, in these folders, and where the environment says.
pub(crate) fn files(libs: &[PathBuf]) -> Files {
    Files::from_environment().with_folders(libs).in_folder("")
}

/// What macro code printed, with a line end.
pub(crate) fn said(compiled: &Compiled) -> String {
    let text = &compiled.printed;
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("{text}{end}")
}

/// The diagnostics as text, with the lines they are about.
pub(crate) fn human(compiled: &Compiled) -> String {
    compiled.diagnostics.render(&compiled.sources)
}

/// Text to standard output. That whoever reads it has seen enough is no failure; any other is status 2.
pub(crate) fn print(text: &str) -> Outcome {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Usage(format!("cannot write to standard output: {e}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// One diagnostic as one JSON object.
pub(crate) fn json(message: &Message) -> String {
    serde_json::json!({
        "severity": message.severity.name(),
        "code": message.code,
        "message": message.message,
        "file": message.file,
        "start": { "line": message.line, "column": message.column },
        "end": { "line": message.end_line, "column": message.end_column },
        "notes": message.notes,
    })
    .to_string()
}

/// Whether any of them rejects the program.
pub(crate) fn rejected(messages: &[Message]) -> bool {
    messages.iter().any(|m| m.severity == Severity::Error)
}
