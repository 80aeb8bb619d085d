//! Tests across crates: programs on every backend, messages, swaps, the real plugin in real hosts.

mod chains;
mod conformance;
mod diagnostics;
mod format;
mod goldens;
mod ide;
mod random_edits;
mod survives;
mod swap;
