//! `diff`: what of a program's state another version of it would keep, as a person reads it.

use crate::{Outcome, program};
use attacca_engine::Target;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The program that plays
    old: PathBuf,
    /// The program that takes over
    new: PathBuf,
    /// Frames a second
    #[arg(long, default_value_t = 48_000.0)]
    sample_rate: f64,
    /// Folder searched for modules
    #[arg(long = "lib", value_name = "DIR")]
    libs: Vec<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let compile = |path: &PathBuf| {
        program::compile(path, &program::options(Target::default(), args.sample_rate), &args.libs)
    };
    let ((old, _), (new, _)) = (compile(&args.old)?, compile(&args.new)?);
    program::print(&old.plan_to(&new).1.text)
}
