//! A text with all that is known of it: made once an edit, asked many times.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use smol_str::SmolStr;

use super::index::{Def, DefId, Index, Mention, Space};
use super::library::{Library, Module};
use super::types::Types;
use crate::builtins::Builtin;
use crate::diag::Diagnostics;
use crate::source::SourceMap;
use crate::syntax::{self, Parse, SyntaxKind, SyntaxToken};

/// A text, its tree and what its names mean. Immutable; answers are the same from any thread.
///
/// ```
/// use attacca_lang::ide::{Library, Snapshot};
/// let snapshot = Snapshot::new("// Twice.\nfn twice(x) { x * 2 }\nfn dsp() { twice(3) }", Library::default().into());
/// let hover = snapshot.hover(45).unwrap();
/// assert_eq!(hover.title, "fn twice(x: float) -> float");
/// assert_eq!(hover.doc, "Twice.");
/// ```
#[derive(Debug)]
pub struct Snapshot {
    pub(super) text: Arc<str>,
    pub(super) parse: Parse,
    pub(super) index: Index,
    pub(super) library: Arc<Library>,
    types: OnceLock<Types>,
}

/// What a name means.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found<'a> {
    /// Something of this text.
    Here(DefId),
    /// Something of a module.
    There(&'a Module, DefId),
    /// A module of its own.
    Module(&'a Module),
    /// A built-in function or macro.
    Builtin(Builtin),
}

impl Snapshot {
    /// Reads a text, right or wrong.
    pub fn new(text: &str, library: Arc<Library>) -> Self {
        let file = SourceMap::new().add("text", text);
        let parse = syntax::parse(text, file, &mut Diagnostics::new());
        let index = Index::of(&parse.syntax());
        Self { text: text.into(), parse, index, library, types: OnceLock::new() }
    }

    /// Finds the types now, so that nobody waits for them later.
    #[must_use]
    pub fn with_types(self) -> Self {
        self.types();
        self
    }

    /// The text it was made of.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The types, found when they are first asked for.
    pub(super) fn types(&self) -> &Types {
        self.types.get_or_init(|| Types::of(&self.parse, &self.text, &self.library))
    }

    /// An offset as the tree counts, inside the text.
    pub(super) fn offset(&self, offset: usize) -> u32 {
        offset.min(self.text.len()) as u32
    }

    pub(super) fn def(&self, id: DefId) -> Option<&Def> {
        self.index.defs.get(id)
    }

    /// The token at an offset: of two that meet there, the one that is a name or number.
    pub(super) fn token_at(&self, offset: u32) -> Option<SyntaxToken> {
        let tokens = self.parse.syntax().token_at_offset(offset.into());
        let word = |token: &SyntaxToken| {
            token.kind().is_keyword()
                || matches!(token.kind(), SyntaxKind::Ident | SyntaxKind::Integer)
        };
        let tokens: Vec<SyntaxToken> = tokens.collect();
        tokens.iter().find(|token| word(token)).or(tokens.last()).cloned()
    }

    /// What a mentioned name means.
    pub(super) fn resolve(&self, mention: &Mention) -> Option<Found<'_>> {
        if let Some(target) = mention.target {
            return Some(Found::Here(target));
        }
        let (name, path) = mention.path.split_last()?;
        match (mention.space, path) {
            (Space::Module, []) => self.library.module(name).map(Found::Module),
            (_, []) => self.imported(name).or_else(|| Builtin::named(name).map(Found::Builtin)),
            (_, path) => self.member(path, name),
        }
    }

    /// What `path::name` means in the library.
    pub(super) fn member(&self, path: &[SmolStr], name: &str) -> Option<Found<'_>> {
        self.library.member(path, name).map(|(module, id)| Found::There(module, id))
    }

    /// What `use` made of a plain name.
    pub(super) fn imported(&self, name: &str) -> Option<Found<'_>> {
        let imports = self.index.imports.iter().rev();
        let mut fits = imports.filter(|import| import.name.as_ref().is_none_or(|one| one == name));
        fits.find_map(|import| self.member_anywhere(&import.path, name))
    }

    /// What `path::name` means in this text or in the library.
    fn member_anywhere(&self, path: &[SmolStr], name: &str) -> Option<Found<'_>> {
        let mut around = None;
        for part in path {
            around = match self.index.inner_module(around, part) {
                Some(inner) => Some(inner),
                None => return self.member(path, name),
            };
        }
        self.index.member(around, name).map(Found::Here)
    }

    /// The name at an offset, by mention or definition.
    pub(super) fn name_at(&self, offset: u32) -> Option<(Range<usize>, Found<'_>)> {
        if let Some(mention) = self.index.mention_at(offset) {
            return Some((usizes(&mention.range), self.resolve(mention)?));
        }
        let id = self.index.def_at(offset)?;
        Some((usizes(&self.def(id)?.range), Found::Here(id)))
    }
}

pub(super) fn usizes(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}
