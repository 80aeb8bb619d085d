//! attacca-jit: MIR in kernel form to native code, through Cranelift.
//!
//! Takes a verified module with a kernel, gives [`Code`](attacca_rt::code::Code) that owns its
//! executable pages. Code is shared and immutable; everything it changes is reached through one
//! pointer to a [`code::RawCtx`]. Nothing here runs on the audio thread but [`code`] and the
//! helpers of [`libcalls`], which neither allocate nor panic.

mod bits;
mod calls;
mod code;
mod compile;
mod emit;
mod graph;
mod libcalls;
mod memory;
mod objects;
mod ops;
mod pairs;
mod sounds;
mod stubs;

pub use compile::{Jit, Report};
