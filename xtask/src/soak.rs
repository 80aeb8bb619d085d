//! `soak`: random edits of random programs while they play, on each backend in turn.

#[path = "../../tests/suite/soak.rs"]
mod body;
#[path = "../../tests/suite/pieces.rs"]
mod pieces;

use crate::{Failure, Outcome};
use attacca_engine::Target;
use std::time::Duration;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long, all backends together
    #[arg(long, default_value_t = 20.0)]
    minutes: f64,
    /// The same seed makes the same programs and edits
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Args {
    /// The run of `ci --slow`: 20 minutes.
    pub(crate) fn long() -> Self {
        Self { minutes: 20.0, seed: 1 }
    }
}

pub(crate) fn run(args: &Args) -> Outcome {
    if !(args.minutes.is_finite() && args.minutes > 0.0 && args.minutes <= 1e5) {
        return Err(Failure::Usage(format!("--minutes {}: not a time", args.minutes)));
    }
    let time = Duration::from_secs_f64(args.minutes * 60.0 / Target::ALL.len() as f64);
    for target in Target::ALL {
        let seen = body::soak(*target, args.seed, time).map_err(Failure::Rejected)?;
        println!(
            "{target}: {} edits, {} swaps, {} programs stopped as meant, {} frames",
            seen.edits, seen.swaps, seen.faults, seen.frames
        );
    }
    Ok(())
}
