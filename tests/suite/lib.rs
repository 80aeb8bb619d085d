//! What the tests share: golden programs with their expected samples.

pub mod edits;
pub mod golden;
pub mod pieces;
pub mod soak;
