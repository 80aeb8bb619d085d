//! attacca-mir: the contract between the front end and the backends.
//!
//! A [`module::Module`] is SSA with block parameters over f64, i64 and heap references. It has two
//! forms: *sample form* (`dsp` and its callees, called once per sample) and *kernel form* (one
//! function that renders a block). Backends compile what [`opt`] leaves; [`eval`] is the plain,
//! slow reading of either form, the oracle that all backends are compared with.

pub mod align;
#[cfg(any(test, feature = "arb"))]
pub mod arb;
pub mod backend;
pub mod build;
pub mod cancel;
pub mod eval;
pub mod layout;
pub mod math;
pub mod module;
mod objects;
pub mod op;
pub mod opt;
pub mod plan;
pub mod state_tree;
pub mod text;
pub mod verify;
