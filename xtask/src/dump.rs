//! `dump`: one stage of the compilation of a program, as text.

use crate::program::{files, human, print, read};
use crate::{Failure, Outcome};
use attacca_engine::pipeline::{self, Options, Stage};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Program file
    file: PathBuf,
    /// tokens, tree, names, types, staged, mir, image, opt, bytecode, clif, asm, wat or state
    #[arg(long)]
    stage: String,
    /// Folder searched for modules
    #[arg(long = "lib", value_name = "DIR")]
    libs: Vec<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let stage: Stage = args.stage.parse().map_err(Failure::Usage)?;
    let text = read(&args.file)?;
    let name = args.file.display().to_string();
    let (dump, compiled) =
        pipeline::dump(&name, &text, &Options::default(), &files(&args.libs), stage);
    eprint!("{}", human(&compiled));
    match dump {
        Some(dump) => print(&dump),
        None => Err(Failure::Rejected(format!("{name} does not get as far as `{}`", args.stage))),
    }
}
