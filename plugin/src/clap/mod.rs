//! The edge to CLAP: all of the plugin's unsafe code.
//!
//! [`layer`] stands around nice-plug's wrapper and adds what it lacks, [`entry`] is the library's
//! entry point, [`document_ext`] the private extension's C types.

pub mod document_ext;
pub mod entry;
mod layer;
