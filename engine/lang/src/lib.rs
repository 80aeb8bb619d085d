//! From source text to MIR: syntax, names, types, lowering, and what is said about mistakes.
//!
//! Takes texts and gives data. Does no I/O, starts no threads, keeps no globals, uses no unsafe
//! code, and never panics on what a user wrote.

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

pub mod source;

pub mod diag;

pub mod loader;

mod deep;

pub mod syntax;

pub mod builtins;

pub mod hir;

pub mod names;

pub mod types;

pub mod stage;

pub mod lower;

pub mod fmt;

pub mod ide;

pub mod words;

#[cfg(test)]
mod robust;
