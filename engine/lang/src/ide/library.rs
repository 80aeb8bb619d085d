//! Modules that a text can use: the standard library and files beside it.
//!
//! Takes texts, gives what they define with their comments. Made once and shared by all snapshots.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::docs;
use super::index::{DefId, Index};
use crate::diag::Diagnostics;
use crate::loader::{Loaded, Loader, Missing, Origin, Wanted};
use crate::source::SourceMap;
use crate::syntax::{self, TextTree};

/// How many `pub use` are followed from one module to the next.
const REEXPORTS: usize = 8;

/// The modules that can be used.
#[derive(Debug, Default)]
pub struct Library {
    modules: FxHashMap<SmolStr, Module>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Module {
    pub(super) name: SmolStr,
    pub(super) doc: String,
    pub(super) index: Index,
    text: Arc<str>,
    /// Its tree, if there is no mistake in it.
    tree: Option<TextTree>,
}

impl Library {
    /// Reads modules from their names and texts.
    pub fn new<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let modules = texts.into_iter().map(|(name, text)| {
            let file = SourceMap::new().add(name, text);
            let mut diags = Diagnostics::new();
            let parse = syntax::parse(text, file, &mut diags);
            let (name, doc) = (SmolStr::new(name), docs::heading(text));
            let index = Index::of(&parse.syntax());
            let tree = diags.is_empty().then(|| parse.into_text_tree());
            (name.clone(), Module { name, doc, index, text: text.into(), tree })
        });
        Self { modules: modules.collect() }
    }

    pub(super) fn module(&self, name: &str) -> Option<&Module> {
        self.modules.get(name)
    }

    /// All modules, by name.
    pub(super) fn modules(&self) -> Vec<&Module> {
        let mut modules: Vec<_> = self.modules.values().collect();
        modules.sort_by(|a, b| a.name.cmp(&b.name));
        modules
    }

    /// What `path::name` means: the module that defines it, and its definition there.
    pub(super) fn member(&self, path: &[SmolStr], name: &str) -> Option<(&Module, DefId)> {
        self.member_within(path, name, REEXPORTS)
    }

    fn member_within(
        &self,
        path: &[SmolStr],
        name: &str,
        depth: usize,
    ) -> Option<(&Module, DefId)> {
        let (first, inner) = path.split_first()?;
        let module = self.module(first)?;
        let mut around = None;
        for name in inner {
            around = Some(module.index.inner_module(around, name)?);
        }
        if let Some(found) = module.index.member(around, name) {
            return Some((module, found));
        }
        let depth = depth.checked_sub(1)?;
        let exports = module.index.imports.iter().filter(|import| import.public);
        exports
            .filter(|import| import.name.as_ref().is_none_or(|one| one == name))
            .find_map(|import| self.member_within(&import.path, name, depth))
    }
}

/// The modules as the compiler asks for them, so that what a text takes from them has its types.
impl Loader for Library {
    fn load(&self, _: &str, wanted: Wanted<'_>) -> Result<Loaded, Missing> {
        let module = match wanted {
            Wanted::Module(name) => self.module(name),
            Wanted::Include(_) => None,
        };
        let module = module.ok_or_else(Missing::default)?;
        let (text, tree) = (Arc::clone(&module.text), module.tree.clone());
        Ok(Loaded { name: module.name.to_string(), text, tree, origin: Origin::Library })
    }
}
