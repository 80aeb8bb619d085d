//! Where a name is defined.

use std::ops::Range;

use super::index::Def;
use super::snapshot::{Found, Snapshot, usizes};

/// A place in this text or in a module's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The module whose text it is in; none for the text itself.
    pub module: Option<String>,
    /// Bytes of the name.
    pub range: Range<usize>,
    /// Bytes of the whole definition.
    pub extent: Range<usize>,
}

impl Snapshot {
    /// The definition of the name at a byte offset; nothing for what is built in.
    pub fn definition(&self, offset: usize) -> Option<Place> {
        let (_, found) = self.name_at(self.offset(offset))?;
        match found {
            Found::Here(id) => Some(place(None, self.def(id)?)),
            Found::There(module, id) => {
                Some(place(Some(module.name.to_string()), module.index.defs.get(id)?))
            }
            Found::Module(module) => {
                Some(Place { module: Some(module.name.to_string()), range: 0..0, extent: 0..0 })
            }
            Found::Builtin(_) => None,
        }
    }
}

fn place(module: Option<String>, def: &Def) -> Place {
    Place { module, range: usizes(&def.range), extent: usizes(&def.extent) }
}
