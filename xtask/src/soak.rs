//! `soak`: random edits of random programs while they play, on each backend in turn, in the engine alone
//! and in the plugin's file in an embedded host.

#[path = "../../tests/suite/soak.rs"]
mod body;
#[path = "../../plugin/tests/soak/hosted.rs"]
mod hosted;
#[path = "../../tests/suite/pieces.rs"]
mod pieces;

use crate::demo::rig;
use crate::{Failure, Outcome, bundle};
use attacca_engine::Target;
use std::time::Duration;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long, all backends together; a quarter is for the engine alone
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
    let bundles = bundle::bundle("checked")?;
    let entry = rig::entry_from(&bundles.clap);
    let part = args.minutes * 60.0 / Target::ALL.len() as f64;
    for target in Target::ALL {
        let time = Duration::from_secs_f64(part * 0.25);
        let seen = body::soak(*target, args.seed, time).map_err(Failure::Rejected)?;
        println!(
            "{target}: {} edits, {} swaps, {} programs stopped as meant, {} frames",
            seen.edits, seen.swaps, seen.faults, seen.frames
        );
        let time = Duration::from_secs_f64(part * 0.75);
        let seen =
            hosted::soak(&entry, target.name(), args.seed, time).map_err(Failure::Rejected)?;
        let [before, after] = seen.memory.map(|bytes| bytes >> 20);
        println!(
            "{target} in the plugin: {} edits, {} swaps, {} programs stopped as meant, {} frames, \
             {} activations, {} instances, {before} MB then {after} MB",
            seen.edits, seen.swaps, seen.faults, seen.frames, seen.activations, seen.instances
        );
    }
    Ok(())
}
