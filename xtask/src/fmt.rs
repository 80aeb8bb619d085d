//! `fmt`: lays out programs in the standard form.

use crate::program::{print, read};
use crate::{Failure, Outcome};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Program files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Only name the files that would change; status 1 if there are any
    #[arg(long)]
    check: bool,
}

/// What became of a file.
enum Done {
    Same,
    Changes,
    Refused,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let (mut changed, mut refused) = (0, 0);
    let mut unreadable = None;
    for file in &args.files {
        match one(file, args.check) {
            Ok(Done::Same) => {}
            Ok(Done::Changes) => changed += 1,
            Ok(Done::Refused) => refused += 1,
            Err(Failure::Usage(message) | Failure::Rejected(message)) => {
                eprintln!("error: {message}");
                unreadable = Some(Failure::Usage(String::new()));
            }
        }
    }
    match (unreadable, refused, changed) {
        (Some(failure), _, _) => Err(failure),
        (None, 0, n) if args.check && n > 0 => {
            Err(Failure::Rejected(format!("{} would change", files(n))))
        }
        (None, 0, _) => Ok(()),
        (None, n, _) => Err(Failure::Rejected(format!("{} left as they were", files(n)))),
    }
}

fn files(count: usize) -> String {
    if count == 1 { "1 file".to_owned() } else { format!("{count} files") }
}

/// Lays out one file; with `check` only names it if it would change.
fn one(file: &Path, check: bool) -> Result<Done, Failure> {
    let text = read(file)?;
    let laid_out = match attacca_engine::format(&file.display().to_string(), &text) {
        Ok(laid_out) => laid_out,
        Err(refused) => {
            eprint!("{}", refused.text);
            return Ok(Done::Refused);
        }
    };
    if laid_out == text {
        return Ok(Done::Same);
    }
    if check {
        print(&format!("{}\n", file.display()))?;
    } else {
        std::fs::write(file, laid_out)
            .map_err(|e| Failure::Usage(format!("{}: {e}", file.display())))?;
    }
    Ok(Done::Changes)
}
