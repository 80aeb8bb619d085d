//! What the editor asks about a text: plain data out, no tree nodes, no types of other passes.

pub mod highlight;
