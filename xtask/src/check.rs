//! `check`: reports what is wrong with programs.

use crate::program::{self, compile_any, human, json, rejected, said};
use crate::{Failure, Outcome};
use attacca_engine::pipeline::Options;
use clap::ValueEnum;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Program files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Human: text with source lines, to standard error. Json: one object a line, to standard output
    #[arg(long, default_value = "human")]
    message_format: Format,
    /// Folder searched for modules
    #[arg(long = "lib", value_name = "DIR")]
    libs: Vec<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Human,
    Json,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let mut bad = 0;
    let mut unreadable = None;
    for file in &args.files {
        let compiled = match compile_any(file, &Options::default(), &args.libs) {
            Ok(compiled) => compiled,
            Err(Failure::Usage(message) | Failure::Rejected(message)) => {
                eprintln!("error: {message}");
                unreadable = Some(Failure::Usage(String::new()));
                continue;
            }
        };
        let messages = compiled.messages();
        match args.message_format {
            Format::Human => eprint!("{}{}", said(&compiled), human(&compiled)),
            Format::Json => {
                let lines: Vec<String> = messages.iter().map(|m| json(m) + "\n").collect();
                program::print(&lines.concat())?;
            }
        }
        bad += usize::from(rejected(&messages));
    }
    if let Some(failure) = unreadable {
        return Err(failure);
    }
    match bad {
        0 => Ok(()),
        1 => Err(Failure::Rejected("1 program was rejected".into())),
        n => Err(Failure::Rejected(format!("{n} programs were rejected"))),
    }
}
