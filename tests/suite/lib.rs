//! What the tests share: golden programs with their expected samples.

pub mod altered;
pub mod edits;
pub mod golden;
pub mod many;
pub mod pieces;
pub mod soak;
