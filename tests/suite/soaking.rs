//! A short soak on each backend; `cargo xtask soak` makes it long.

use attacca_engine::Target;
use attacca_tests::soak::soak;
use std::time::Duration;

/// The time of a run.
const TIME: Duration = Duration::from_secs(10);

#[test]
fn random_edits_of_random_programs_never_stop_the_sound() {
    for target in Target::ALL {
        let seen = soak(*target, 1, TIME).unwrap_or_else(|what| panic!("{what}"));
        assert!(seen.swaps > 20 && seen.faults > 0, "{target}: {seen:?}");
        eprintln!("{target}: {seen:?}");
    }
}
