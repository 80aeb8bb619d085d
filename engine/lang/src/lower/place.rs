//! Places of the text, for messages and for telling state again after an edit.
//!
//! Code that a macro made has the place of the macro call that the user wrote, and a number that
//! tells it from other code of the same call: it depends on the texts on the way there, not on where
//! they stand, so that an edit elsewhere changes nothing.

use std::hash::{Hash, Hasher};

use attacca_rt::code::Site;
use cranelift_entity::SecondaryMap;
use rustc_hash::{FxHashMap, FxHasher};

use super::Lowerer;
use crate::hir::{ExpansionId, Program};
use crate::source::{SourceMap, Span};
use crate::words;

/// The macro calls that made code.
#[derive(Debug, Default)]
pub(super) struct MacroCalls {
    /// The call in the text, and a number for the way from there.
    calls: SecondaryMap<ExpansionId, Option<(Span, u64)>>,
    texts: FxHashMap<Span, u64>,
}

impl MacroCalls {
    /// Looks through the expansions of a program.
    pub(super) fn of(program: &Program, sources: &SourceMap) -> Self {
        let mut calls = Self::default();
        for (id, expansion) in program.expansions.iter() {
            // What stands around was noted before.
            let around = expansion.parent.and_then(|parent| calls.calls[parent]);
            let (site, way) = match around {
                Some((site, way)) => {
                    (site, hash((way, calls.text(expansion.site, sources), expansion.copy)))
                }
                None => (expansion.site, hash(expansion.copy)),
            };
            calls.calls[id] = Some((site, way));
        }
        calls
    }

    fn text(&mut self, span: Span, sources: &SourceMap) -> u64 {
        *self.texts.entry(span).or_insert_with(|| words::hash(sources.slice(span)))
    }
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = FxHasher::default();
    value.hash(&mut hasher);
    hasher.finish()
}

impl Lowerer<'_> {
    /// The number of a place for messages and identity. `function` is the function it is in.
    pub(super) fn site(&mut self, span: Span, function: &str) -> u32 {
        self.site_in(span, function, None)
    }

    /// The number of a place in code that a macro made; the second number tells it from others of the
    /// same text in the same function.
    pub(super) fn site_in(
        &mut self,
        span: Span,
        function: &str,
        made: Option<(ExpansionId, u32)>,
    ) -> u32 {
        let call = made.and_then(|(made, nth)| Some((nth, self.macro_calls.calls[made]?)));
        let (span, copy) = match call {
            Some((nth, (call, way))) => {
                let text = self.macro_calls.text(span, self.sources);
                // What is written once has number 0.
                (call, (hash((way, text, nth)) as u32).max(1))
            }
            None => (span, 0),
        };
        let place = self.sources.start(span);
        let site = Site {
            function: function.into(),
            file: cranelift_entity::EntityRef::index(span.file) as u32,
            line: place.line,
            column: place.column,
            start: span.start,
            end: span.end,
            copy,
        };
        self.module.sites.push(site);
        self.module.sites.len() as u32 - 1
    }
}
