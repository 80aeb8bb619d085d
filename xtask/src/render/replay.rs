//! `render --replay`: a recording of a session to a sound file.

use super::{Args, Format, format, golden, output};
use crate::program;
use crate::{Failure, Outcome};
use attacca_engine::record::{LARGEST, Recording, Replayed};
use attacca_engine::{Notice, Target};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The backend that `--backend` names when nothing is said; a recording knows its own.
const DEFAULT_BACKEND: &str = "jit";

pub(super) fn run(args: &Args) -> Outcome {
    let format = format(args)?;
    let path = &args.file;
    let unreadable = |what: String| Failure::Usage(format!("{}: {what}", path.display()));
    let bytes = read(path).map_err(|e| unreadable(e.to_string()))?;
    let recording = Recording::from_bytes(&bytes).map_err(unreadable)?;
    let target = target(args)?;
    let played = recording
        .replay(target, program::files(&args.libs))
        .map_err(|what| Failure::Rejected(format!("{}: {what}", path.display())))?;
    tell(args, &recording, &played);
    let channels: Vec<Vec<f64>> =
        played.channels.iter().map(|one| one.iter().map(|x| f64::from(*x)).collect()).collect();
    if let Some(expected) = &args.expect {
        golden::compare(expected, &channels, args.tolerance)?;
        if args.out.is_none() {
            return Ok(());
        }
    }
    let frames = channels.first().map_or(0, Vec::len) as u64;
    let rate = recording.edits.last().map_or(recording.rate, |edit| edit.rate);
    let sound = output::Sound { rate, frames, channels: &channels };
    let bytes = output::encode(format, args.bits, &sound)?;
    output::save(&out(args, format), &bytes)
}

/// The bytes of a file that can be a recording: no more than one can have.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = 2 * LARGEST as u64;
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::other("too large to be a recording"));
    }
    Ok(bytes)
}

fn target(args: &Args) -> Result<Option<Target>, Failure> {
    if args.backend == DEFAULT_BACKEND {
        Ok(None)
    } else {
        program::target(&args.backend).map(Some)
    }
}

fn out(args: &Args, format: Format) -> PathBuf {
    let default = || match format {
        Format::Wav => {
            let name = args.file.with_extension("wav");
            name.file_name().map_or_else(|| "out.wav".into(), PathBuf::from)
        }
        Format::Csv | Format::Json => PathBuf::from("-"),
    };
    args.out.clone().unwrap_or_else(default)
}

/// What the programs told, to standard error; with `--stats` also the edits.
fn tell(args: &Args, recording: &Recording, played: &Replayed) {
    for notice in &played.notices {
        match notice {
            Notice::Printed { text } => eprint!("{text}"),
            Notice::Fault { message, line } => eprintln!("note: line {line}: stopped: {message}"),
            Notice::Report { message } => eprintln!("note: {message}"),
            Notice::SwapDone { at, words, lines, .. } if args.stats => {
                eprintln!("swap at {at}: {words} words copied, {lines} lines exchanged");
            }
            Notice::SwapDone { .. } => {}
        }
    }
    if !recording.note.is_empty() {
        eprintln!("note: {}; it ends there", recording.note);
    }
}
