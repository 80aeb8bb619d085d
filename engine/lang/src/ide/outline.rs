//! The definitions of a text as a list with levels.

use std::ops::Range;

use super::index::{Def, DefKind};
use super::snapshot::{Snapshot, usizes};

/// A line of the outline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutlineItem {
    /// The name.
    pub name: String,
    /// How it is written, without body.
    pub detail: String,
    /// What it makes.
    pub kind: DefKind,
    /// Bytes of the name.
    pub range: Range<usize>,
    /// Bytes of the whole definition.
    pub extent: Range<usize>,
    /// How many modules and types it is inside of.
    pub level: usize,
}

impl Snapshot {
    /// The functions, global variables, types and modules, in the order of the text.
    pub fn outline(&self) -> Vec<OutlineItem> {
        let mut defs: Vec<&Def> = self.index.defs.values().filter(|def| def.global).collect();
        defs.sort_by_key(|def| (def.range.start, std::cmp::Reverse(def.extent.end)));
        let mut around: Vec<&Def> = Vec::new();
        let mut items = Vec::new();
        for def in defs {
            around.retain(|outer| outer.extent.end >= def.extent.end);
            items.push(OutlineItem {
                name: def.name.to_string(),
                detail: def.head.clone(),
                kind: def.kind,
                range: usizes(&def.range),
                extent: usizes(&def.extent),
                level: around.len(),
            });
            if matches!(def.kind, DefKind::Module | DefKind::Type) {
                around.push(def);
            }
        }
        items
    }
}
