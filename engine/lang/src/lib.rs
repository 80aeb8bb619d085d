//! attacca-lang: text to MIR. No I/O, threads, unsafe, globals, or panics on user text.

pub mod builtins;
pub mod hir;
