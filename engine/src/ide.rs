//! What an editor asks about a text; answers are offsets and labels.

pub use attacca_lang::ide::highlight::{Highlight, HighlightKind, highlight};
pub use attacca_lang::ide::{
    Completion, CompletionKind, Completions, DefKind, Hover, Library, OutlineItem, Place,
    Signature, Snapshot, TextEdit, apply,
};

use crate::stdlib::MODULES;
use std::sync::Arc;

/// The standard library for snapshots: read it once and share it.
///
/// ```
/// use attacca_engine::ide::{Snapshot, standard_library};
/// let snapshot = Snapshot::new("use osc::*\nfn dsp() { sinw", standard_library());
/// assert_eq!(snapshot.complete(26).items[0].label, "sinwave");
/// ```
pub fn standard_library() -> Arc<Library> {
    Arc::new(Library::new(MODULES.iter().copied()))
}
