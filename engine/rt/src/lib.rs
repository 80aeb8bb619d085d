//! attacca-rt: what runs while sound runs.
//!
//! Knows no language and no backend. Nothing reachable from [`processor::Processor::process`]
//! allocates, frees, locks, logs or calls the system.

mod ahead;
mod block;
pub mod carry;
pub mod code;
pub mod ctx;
pub mod event;
pub mod fade;
pub mod ftz;
pub mod guard;
pub mod heap;
pub mod load;
pub mod migrate;
pub mod param;
pub mod processor;
pub mod program;
pub mod record;
pub mod sample;
pub mod sched;
mod settings;
pub mod state;
pub mod swap;
pub mod tap;
pub mod transport;
pub mod voices;

/// A frequency or sample rate in hertz.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Hz(pub f64);

/// Most channels a program or host has, in each direction.
pub const MAX_CHANNELS: usize = 64;
