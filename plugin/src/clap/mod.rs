//! The edge to CLAP: all of the plugin's unsafe code.
//!
//! [`layer`] stands around nice-plug's wrapper and adds what it lacks, [`entry`] is the library's
//! entry point, [`document_ext`] and [`session_ext`] the private extensions' C types,
//! `quiet` the allocator of test builds.

pub mod document_ext;
pub mod entry;
mod layer;
#[cfg(debug_assertions)]
mod quiet;
pub mod session_ext;
