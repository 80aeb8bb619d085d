//! Tests across crates: programs on every backend, messages, swaps, the real plugin in real hosts.

mod bounds;
mod chains;
mod clicks;
mod conformance;
mod denormals;
mod diagnostics;
mod examples;
mod format;
mod fuzz;
mod goldens;
mod guide;
mod ide;
mod instances;
mod library;
mod one_mistake;
mod random_edits;
mod random_sources;
mod soaking;
mod survives;
mod swap;
mod voices;
