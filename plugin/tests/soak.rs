//! A short soak of the real plugin on each backend; `cargo xtask soak` makes it long.

#[path = "soak/hosted.rs"]
mod hosted;
mod rig;

use attacca_engine::Target;
use attacca_tests::pieces;
use std::time::Duration;

/// The time of a run.
const TIME: Duration = Duration::from_secs(10);

#[test]
fn random_edits_in_a_host_never_stop_the_sound() {
    let entry = rig::entry();
    for target in Target::ALL {
        let seen =
            hosted::soak(&entry, target.name(), 1, TIME).unwrap_or_else(|what| panic!("{what}"));
        eprintln!("{target}: {seen:?}");
        assert!(seen.swaps > 100 && seen.faults > 0 && seen.activations > 1, "{seen:?}");
    }
}
