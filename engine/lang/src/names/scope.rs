//! Which names are visible.
//!
//! A name's newest binding is seen; closing a scope brings the older ones back.

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use crate::hir::BindingId;

/// Visible names, innermost binding last.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    bindings: FxHashMap<SmolStr, Vec<BindingId>>,
    /// Names in the order they were bound, for closing scopes.
    log: Vec<SmolStr>,
}

/// Where a scope began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark(usize);

impl Scopes {
    pub(super) fn open(&self) -> Mark {
        Mark(self.log.len())
    }

    /// Ends a scope; gives what is no longer seen.
    pub(super) fn close(&mut self, mark: Mark) -> Vec<(SmolStr, Option<BindingId>)> {
        let pop = |name: SmolStr| {
            let binding = self.bindings.get_mut(&name).and_then(Vec::pop);
            (name, binding)
        };
        self.log.drain(mark.0..).map(pop).collect()
    }

    pub(super) fn bind(&mut self, name: SmolStr, binding: BindingId) {
        self.bindings.entry(name.clone()).or_default().push(binding);
        self.log.push(name);
    }

    pub(super) fn find(&self, name: &str) -> Option<BindingId> {
        self.bindings.get(name).and_then(|stack| stack.last()).copied()
    }

    /// All visible names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let visible = self.bindings.iter().filter(|(_, stack)| !stack.is_empty());
        visible.map(|(name, _)| name.as_str())
    }
}
