//! What an editor asks about a text: plain data out, no tree nodes, no types of other passes.
//!
//! [`Snapshot`] is made once an edit and answers with byte offsets and labels; [`highlight`] needs
//! the text alone. Nothing here reports mistakes or reads files.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each service names the kinds of tokens, nodes and types it knows; all others have no answer"
)]

mod complete;
mod describe;
mod docs;
mod goto;
pub mod highlight;
mod hover;
mod index;
mod library;
mod outline;
mod rename;
mod signature;
mod snapshot;
#[cfg(test)]
mod tests;
mod types;

pub use complete::{Completion, CompletionKind, Completions};
pub use goto::Place;
pub use hover::Hover;
pub use index::DefKind;
pub use library::Library;
pub use outline::OutlineItem;
pub use rename::{TextEdit, apply};
pub use signature::Signature;
pub use snapshot::Snapshot;
