//! attacca-rt: what runs while sound runs.
//!
//! Knows no language and no backend. Nothing reachable from [`processor::Processor::process`]
//! allocates, frees, locks, logs or calls the system.

pub mod code;
pub mod ctx;
pub mod ftz;
pub mod heap;
pub mod state;

/// A frequency or sample rate in hertz.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Hz(pub f64);
