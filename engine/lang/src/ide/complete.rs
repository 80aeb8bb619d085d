//! What can be written at a place.

use std::ops::Range;

use rustc_hash::FxHashSet;

use super::describe::{builtin_name, documented};
use super::index::{Def, DefId, DefKind};
use super::library::Module;
use super::snapshot::{Found, Snapshot};
use crate::builtins::Builtin;
use crate::syntax::ast::{self, Node};
use crate::syntax::{SyntaxKind, SyntaxToken};

/// What a completion stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompletionKind {
    /// Something that the text or a module defines.
    Defined(DefKind),
    /// A field of a record or an element of a tuple.
    Field,
    /// A built-in function or macro.
    Builtin,
    /// A reserved word, or a type with a reserved name.
    Keyword,
}

/// Something that can be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What is shown and written.
    pub label: String,
    /// What it is.
    pub kind: CompletionKind,
    /// Its type, or how it is defined.
    pub detail: String,
    /// Its documentation; may be empty.
    pub doc: String,
}

/// What can be written, best first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completions {
    /// Bytes that the chosen one replaces: the name begun so far.
    pub range: Range<usize>,
    /// The candidates.
    pub items: Vec<Completion>,
}

/// More than these are not offered.
const MOST: usize = 100;
/// From so many letters on, members of modules that are not in use are offered, and names that have
/// the letters inside.
const LETTERS: usize = 2;

const STATEMENTS: &[(&str, &str)] = &[
    ("fn", "fn name(a, b) { .. }"),
    ("let", "let name = .."),
    ("letrec", "letrec name = |n| .."),
    ("if", "if (condition) { .. } else { .. }"),
    ("else", "if (condition) { .. } else { .. }"),
    ("match", "match value { pattern => .. }"),
    ("self", "what this function returned one sample ago"),
    ("now", "samples since the start"),
    ("samplerate", "samples per second"),
    ("use", "use module::*"),
    ("mod", "mod name { .. }"),
    ("type", "type Name = A | B(float)"),
    ("include", "include(\"file.mmm\")"),
];

const TYPES: &[(&str, &str)] =
    &[("float", "a number"), ("string", "a text"), ("int", "a whole number")];

/// What the place asks for.
enum Wanted {
    /// A name that is new: nothing to offer.
    Nothing,
    Field(ast::Expr),
    Member(Vec<smol_str::SmolStr>),
    Module,
    Type,
    Value,
}

impl Snapshot {
    /// What can be written at a byte offset.
    pub fn complete(&self, offset: usize) -> Completions {
        let at = self.offset(offset);
        let token = self.parse.syntax().token_at_offset(at.into()).left_biased();
        let word = token
            .clone()
            .filter(|token| token.kind() == SyntaxKind::Ident || token.kind().is_keyword());
        let start = word.as_ref().map_or(at, |word| word.text_range().start().into());
        let prefix = self.text.get(start as usize..at as usize).unwrap_or("").to_lowercase();
        let end = word.as_ref().map_or(at, |word| word.text_range().end().into());
        let before = match &word {
            Some(word) => word.prev_token(),
            None => token.clone(),
        };
        let quiet = word.is_none() && token.as_ref().is_some_and(|token| self.is_quiet(token, at));
        let mut items = match if quiet { Wanted::Nothing } else { wanted(before) } {
            Wanted::Nothing => Vec::new(),
            Wanted::Field(base) => self.fields(&base),
            Wanted::Member(path) => self.members(&path),
            Wanted::Module => self.modules(),
            Wanted::Type => self.written_types(),
            Wanted::Value => self.values(at, &prefix),
        };
        items.retain(|item| fits(item.label.rsplit("::").next().unwrap_or(""), &prefix));
        Completions { range: start as usize..end as usize, items: ranked(items, &prefix) }
    }

    /// Inside a comment, string or number.
    fn is_quiet(&self, token: &SyntaxToken, at: u32) -> bool {
        let inside = at < u32::from(token.text_range().end());
        match token.kind() {
            SyntaxKind::Comment => inside || token.text().starts_with("//"),
            SyntaxKind::Str => inside,
            SyntaxKind::Integer | SyntaxKind::Float => true,
            _ => false,
        }
    }

    fn fields(&self, base: &ast::Expr) -> Vec<Completion> {
        let Some(ty) = self.type_of(base) else { return Vec::new() };
        let types = self.types();
        let fields = types.fields(&ty).into_iter();
        fields
            .map(|(label, ty)| Completion {
                label,
                kind: CompletionKind::Field,
                detail: types.show(&ty),
                doc: String::new(),
            })
            .collect()
    }

    /// What `path::` can be followed by.
    fn members(&self, path: &[smol_str::SmolStr]) -> Vec<Completion> {
        let Some((first, rest)) = path.split_first() else { return Vec::new() };
        if let Some(own) = self.index.inner_module(None, first) {
            let inner = rest
                .iter()
                .try_fold(own, |around, name| self.index.inner_module(Some(around), name));
            let members = inner.map(|inner| self.index.members(Some(inner)));
            return members.into_iter().flatten().map(|(id, def)| self.own(id, def)).collect();
        }
        let Some(module) = self.library.module(first) else { return Vec::new() };
        let around = rest
            .iter()
            .try_fold(None, |around, name| module.index.inner_module(around, name).map(Some));
        match around {
            Some(around) => {
                public(module, around).map(|(id, def)| self.foreign(module, id, def)).collect()
            }
            None => Vec::new(),
        }
    }

    fn modules(&self) -> Vec<Completion> {
        let own = self.index.defs.iter().filter(|(_, def)| def.kind == DefKind::Module);
        let own = own.map(|(id, def)| self.own(id, def));
        let library = self.library.modules().into_iter().map(|module| Completion {
            label: module.name.to_string(),
            kind: CompletionKind::Defined(DefKind::Module),
            detail: first_line(&module.doc).to_owned(),
            doc: module.doc.clone(),
        });
        own.chain(library).collect()
    }

    fn written_types(&self) -> Vec<Completion> {
        let own = self.index.defs.iter().filter(|(_, def)| def.kind == DefKind::Type);
        let own = own.map(|(id, def)| self.own(id, def));
        own.chain(TYPES.iter().map(keyword)).collect()
    }

    /// All that can begin an expression or statement: nearest first.
    fn values(&self, at: u32, prefix: &str) -> Vec<Completion> {
        let mut visible: Vec<_> = self
            .index
            .visible_at(at)
            .filter(|(_, def)| def.kind != DefKind::Type && fits(&def.name, prefix))
            .collect();
        visible.sort_by_key(|(_, def)| std::cmp::Reverse(def.visible.start));
        let mut items: Vec<Completion> =
            visible.into_iter().map(|(id, def)| self.own(id, def)).collect();
        for import in &self.index.imports {
            items.extend(self.imports(import.path.as_slice(), import.name.as_deref(), prefix));
        }
        let builtins = Builtin::ALL.iter().filter(|builtin| !builtin.is_internal());
        let builtins = builtins.filter(|builtin| fits(builtin.name(), prefix));
        items.extend(builtins.map(|builtin| self.builtin(*builtin)));
        items.extend(STATEMENTS.iter().filter(|(word, _)| fits(word, prefix)).map(keyword));
        items.extend(self.modules().into_iter().filter(|item| fits(&item.label, prefix)));
        if prefix.len() >= LETTERS {
            let near: FxHashSet<String> = items.iter().map(|item| item.detail.clone()).collect();
            let far = self.not_in_use(prefix).into_iter();
            items.extend(far.filter(|item| !near.contains(&item.detail)));
        }
        items
    }

    /// What a `use` brings in.
    fn imports(
        &self,
        path: &[smol_str::SmolStr],
        name: Option<&str>,
        prefix: &str,
    ) -> Vec<Completion> {
        let all = self.members(path).into_iter();
        all.filter(|item| fits(&item.label, prefix) && name.is_none_or(|name| name == item.label))
            .collect()
    }

    /// Members of the library by their whole names.
    fn not_in_use(&self, prefix: &str) -> Vec<Completion> {
        let mut items = Vec::new();
        for module in self.library.modules() {
            for (id, def) in public(module, None).filter(|(_, def)| fits(&def.name, prefix)) {
                let mut item = self.foreign(module, id, def);
                item.label = format!("{}::{}", module.name, def.name);
                items.push(item);
            }
        }
        items
    }

    fn own(&self, id: DefId, def: &Def) -> Completion {
        Completion {
            label: def.name.to_string(),
            kind: CompletionKind::Defined(def.kind),
            detail: self.line(Found::Here(id)).text,
            doc: def.doc.clone(),
        }
    }

    fn foreign(&self, module: &Module, id: DefId, def: &Def) -> Completion {
        Completion {
            label: def.name.to_string(),
            kind: CompletionKind::Defined(def.kind),
            detail: self.line(Found::There(module, id)).text,
            doc: def.doc.clone(),
        }
    }

    fn builtin(&self, builtin: Builtin) -> Completion {
        Completion {
            label: builtin_name(builtin).to_owned(),
            kind: CompletionKind::Builtin,
            detail: self.line(Found::Builtin(builtin)).text,
            doc: documented(builtin).1.to_owned(),
        }
    }
}

/// What a module shows to others.
fn public(module: &Module, around: Option<DefId>) -> impl Iterator<Item = (DefId, &Def)> {
    module.index.members(around).filter(|(_, def)| def.public || def.kind == DefKind::Constructor)
}

fn keyword((word, detail): &(&str, &str)) -> Completion {
    Completion {
        label: (*word).to_owned(),
        kind: CompletionKind::Keyword,
        detail: (*detail).to_owned(),
        doc: String::new(),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or("")
}

/// Whether a name begins with the letters, or has several letters inside.
fn fits(name: &str, prefix: &str) -> bool {
    let name = name.to_lowercase();
    name.starts_with(prefix) || (prefix.len() >= LETTERS && name.contains(prefix))
}

/// Without doubles, those that begin with the letters first.
fn ranked(items: Vec<Completion>, prefix: &str) -> Vec<Completion> {
    let mut seen = FxHashSet::default();
    let mut items: Vec<Completion> =
        items.into_iter().filter(|item| seen.insert(item.label.clone())).collect();
    items.sort_by_key(|item| !item.label.to_lowercase().starts_with(prefix));
    items.truncate(MOST);
    items
}

/// What the token in front of a place asks for.
fn wanted(before: Option<SyntaxToken>) -> Wanted {
    let mut broken = false;
    let mut token = before;
    while let Some(trivia) = token.as_ref().filter(|token| token.kind().is_trivia()) {
        broken |= trivia.kind() == SyntaxKind::Newline;
        token = trivia.prev_token();
    }
    let Some(token) = token else { return Wanted::Value };
    match token.kind() {
        SyntaxKind::Dot if !broken => base(&token).map_or(Wanted::Nothing, Wanted::Field),
        SyntaxKind::ColonColon => Wanted::Member(path_before(&token)),
        SyntaxKind::UseKw => Wanted::Module,
        SyntaxKind::LBrace | SyntaxKind::Comma
            if token.parent().is_some_and(|list| list.kind() == SyntaxKind::UseList) =>
        {
            Wanted::Member(list_path(&token))
        }
        SyntaxKind::FnKw
        | SyntaxKind::MacroKw
        | SyntaxKind::LetKw
        | SyntaxKind::LetrecKw
        | SyntaxKind::ModKw
        | SyntaxKind::TypeKw
        | SyntaxKind::AliasKw
        | SyntaxKind::RecKw => Wanted::Nothing,
        SyntaxKind::Colon | SyntaxKind::ThinArrow => Wanted::Type,
        _ if in_parameters(&token) => Wanted::Nothing,
        _ if in_type(&token) => Wanted::Type,
        _ => Wanted::Value,
    }
}

/// The expression in front of a `.`.
fn base(dot: &SyntaxToken) -> Option<ast::Expr> {
    dot.parent()?.children().find_map(ast::Expr::cast)
}

/// A `(` or `,` of parameters: a name comes that nobody knows yet.
fn in_parameters(token: &SyntaxToken) -> bool {
    let parent = token.parent().map(|parent| parent.kind());
    matches!(token.kind(), SyntaxKind::LParen | SyntaxKind::Comma | SyntaxKind::Bar)
        && matches!(parent, Some(SyntaxKind::ParamList | SyntaxKind::LambdaExpr))
        && !(token.kind() == SyntaxKind::Bar && closes(token))
}

/// Whether a `|` ends the parameters of a lambda.
fn closes(bar: &SyntaxToken) -> bool {
    let siblings = bar.siblings_with_tokens(rowan::Direction::Prev).skip(1);
    siblings.into_iter().any(|it| it.kind() == SyntaxKind::Bar)
}

fn in_type(token: &SyntaxToken) -> bool {
    token.parent().is_some_and(|parent| {
        matches!(
            parent.kind(),
            SyntaxKind::TupleType
                | SyntaxKind::FnType
                | SyntaxKind::ArrayType
                | SyntaxKind::UnionType
                | SyntaxKind::CodeType
                | SyntaxKind::ParenType
                | SyntaxKind::UnitType
        ) || (parent.kind() == SyntaxKind::Variant && token.kind() != SyntaxKind::Ident)
            || (parent.kind() == SyntaxKind::TypeAlias && token.kind() == SyntaxKind::Eq)
    })
}

/// The names in front of a `::`.
fn path_before(colons: &SyntaxToken) -> Vec<smol_str::SmolStr> {
    let mut path = Vec::new();
    let mut token = colons.prev_token();
    while let Some(current) = token {
        match current.kind() {
            SyntaxKind::Ident => path.push(current.text().into()),
            SyntaxKind::ColonColon => {}
            kind if kind.is_trivia() && path.is_empty() => {}
            _ => break,
        }
        token = current.prev_token();
    }
    path.reverse();
    path
}

/// The names in front of the braces of a `use`.
fn list_path(token: &SyntaxToken) -> Vec<smol_str::SmolStr> {
    let list = token.parent();
    let colons = list.and_then(|list| list.first_token()).and_then(|open| open.prev_token());
    colons.map_or(Vec::new(), |colons| path_before(&colons))
}
