//! What a text defines and mentions, by place.
//!
//! Takes any tree, however broken, and gives definitions with where they are seen, and mentions with
//! what they mean inside the text. Names of other texts are left to [`super::snapshot`]. Follows the
//! scopes of language reference 3.2, 4.6 and 7; knows no types.

use std::ops::Range;

use cranelift_entity::{PrimaryMap, entity_impl};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::docs;
use crate::deep::with_room;
use crate::syntax::ast::{self, Node};
use crate::syntax::{SyntaxElement, SyntaxKind, SyntaxNode, SyntaxToken};

/// Something a text defines; printed `def3`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct DefId(u32);
entity_impl!(DefId, "def");

/// What a definition makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DefKind {
    /// A function.
    Function,
    /// A variable.
    Variable,
    /// A parameter of a function or lambda.
    Parameter,
    /// A constructor of a variant type.
    Constructor,
    /// A type or alias.
    Type,
    /// A module.
    Module,
}

/// A definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Def {
    pub(super) name: SmolStr,
    pub(super) kind: DefKind,
    /// Bytes of the name.
    pub(super) range: Range<u32>,
    /// Bytes of the whole definition.
    pub(super) extent: Range<u32>,
    /// Where the plain name is seen, unless something hides it.
    pub(super) visible: Range<u32>,
    /// It stands at the top level or in a module.
    pub(super) global: bool,
    /// It is marked `pub`.
    pub(super) public: bool,
    /// The module of this text around it.
    pub(super) module: Option<DefId>,
    /// How it is written, without its body: `fn saw(freq, phase = 0.0)`.
    pub(super) head: String,
    /// Its parameters as written, if it is a function.
    pub(super) params: Vec<Written>,
    /// The comment above it.
    pub(super) doc: String,
}

/// A parameter as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) name: SmolStr,
    /// Bytes of the name.
    pub(super) at: u32,
    /// What stands behind the name: type and default.
    pub(super) rest: String,
    pub(super) annotated: bool,
}

/// What a mentioned name can mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Space {
    Value,
    Type,
    Module,
}

/// A name that is mentioned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mention {
    /// Bytes of the name.
    pub(super) range: Range<u32>,
    /// The names up to this one: `osc`, `saw` for the `saw` of `osc::saw`.
    pub(super) path: Vec<SmolStr>,
    pub(super) space: Space,
    /// What it means, if this text defines it.
    pub(super) target: Option<DefId>,
}

/// What `use` brings in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Import {
    /// The module.
    pub(super) path: Vec<SmolStr>,
    /// One name, or all.
    pub(super) name: Option<SmolStr>,
    pub(super) public: bool,
}

/// What a text defines and mentions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) defs: PrimaryMap<DefId, Def>,
    /// In the order of their places.
    pub(super) mentions: Vec<Mention>,
    pub(super) imports: Vec<Import>,
}

impl Index {
    /// The index of a tree.
    pub(super) fn of(root: &SyntaxNode) -> Self {
        let end = root.text_range().end().into();
        let mut build = Build {
            index: Self::default(),
            scopes: FxHashMap::default(),
            log: Vec::new(),
            types: FxHashMap::default(),
            scope_end: end,
            end,
            module: None,
            top: true,
        };
        build.declare_types(root);
        build.children(root);
        let mut index = build.index;
        index.mentions.sort_by_key(|mention| mention.range.start);
        index
    }

    /// The member of a module (or of the text) of this name; the last one counts.
    pub(super) fn member(&self, module: Option<DefId>, name: &str) -> Option<DefId> {
        let members = self.members(module).filter(|(_, def)| def.name == name);
        members.last().map(|(id, _)| id)
    }

    /// The module of this name in a module or the text.
    pub(super) fn inner_module(&self, module: Option<DefId>, name: &str) -> Option<DefId> {
        let modules = self.members(module).filter(|(_, def)| def.kind == DefKind::Module);
        modules.filter(|(_, def)| def.name == name).last().map(|(id, _)| id)
    }

    /// What stands directly in a module or at the top level.
    pub(super) fn members(&self, module: Option<DefId>) -> impl Iterator<Item = (DefId, &Def)> {
        self.defs.iter().filter(move |(_, def)| def.global && def.module == module)
    }

    /// The definition a plain name means at an offset.
    pub(super) fn visible_at(&self, offset: u32) -> impl Iterator<Item = (DefId, &Def)> {
        self.defs.iter().filter(move |(_, def)| {
            def.visible.start <= offset && offset <= def.visible.end && def.name != "_"
        })
    }

    /// The mention that holds an offset, or ends there.
    pub(super) fn mention_at(&self, offset: u32) -> Option<&Mention> {
        let behind = self.mentions.partition_point(|mention| mention.range.start <= offset);
        let mention = self.mentions.get(behind.checked_sub(1)?)?;
        (offset <= mention.range.end).then_some(mention)
    }

    /// The definition whose name holds an offset, or ends there.
    pub(super) fn def_at(&self, offset: u32) -> Option<DefId> {
        let holds = |def: &Def| def.range.start <= offset && offset <= def.range.end;
        self.defs.iter().find(|(_, def)| holds(def)).map(|(id, _)| id)
    }
}

pub(super) fn range(node: &SyntaxNode) -> Range<u32> {
    let range = node.text_range();
    range.start().into()..range.end().into()
}

fn token_range(token: &SyntaxToken) -> Range<u32> {
    let range = token.text_range();
    range.start().into()..range.end().into()
}

struct Build {
    index: Index,
    /// Visible values and modules, innermost last.
    scopes: FxHashMap<SmolStr, Vec<DefId>>,
    log: Vec<SmolStr>,
    /// Types and constructors, which are seen everywhere.
    types: FxHashMap<SmolStr, DefId>,
    /// Where the innermost scope ends.
    scope_end: u32,
    /// Where the text ends.
    end: u32,
    module: Option<DefId>,
    /// Whether the place is at the top level or directly in a module.
    top: bool,
}

impl Build {
    /// Types and constructors of the top level and of modules, before anything else.
    fn declare_types(&mut self, around: &SyntaxNode) {
        for node in around.children() {
            match node.kind() {
                SyntaxKind::ModDef => self.declare_types(&node),
                SyntaxKind::TypeAlias => {
                    let name = ast::TypeAlias::cast(node.clone()).and_then(|it| it.name());
                    self.declare_type(name, DefKind::Type, &node, &node);
                }
                SyntaxKind::TypeDef => {
                    let Some(def) = ast::TypeDef::cast(node.clone()) else { continue };
                    self.declare_type(def.name(), DefKind::Type, &node, &node);
                    for variant in def.variants() {
                        let name = variant.name();
                        self.declare_type(name, DefKind::Constructor, variant.syntax(), &node);
                    }
                }
                _ => {}
            }
        }
    }

    /// A type, or a constructor of the type that `whole` defines.
    fn declare_type(
        &mut self,
        name: Option<SyntaxToken>,
        kind: DefKind,
        extent: &SyntaxNode,
        whole: &SyntaxNode,
    ) {
        let Some(name) = name else { return };
        let id = self.add(&name, kind, extent, 0..self.end);
        if let Some(def) = self.index.defs.get_mut(id) {
            def.head = docs::one_line(whole);
            def.doc = docs::above(whole);
            def.public = docs::is_public(whole);
        }
        self.types.insert(name.text().into(), id);
    }

    fn add(
        &mut self,
        name: &SyntaxToken,
        kind: DefKind,
        extent: &SyntaxNode,
        visible: Range<u32>,
    ) -> DefId {
        self.index.defs.push(Def {
            name: name.text().into(),
            kind,
            range: token_range(name),
            extent: range(extent),
            visible,
            global: self.top,
            public: false,
            module: self.module,
            head: String::new(),
            params: Vec::new(),
            doc: String::new(),
        })
    }

    /// A name that is seen from `from` to the end of the scope.
    fn bind(&mut self, name: &SyntaxToken, kind: DefKind, extent: &SyntaxNode, from: u32) -> DefId {
        let end = self.scope_end;
        let id = self.add(name, kind, extent, from..end.max(from));
        let name: SmolStr = name.text().into();
        self.scopes.entry(name.clone()).or_default().push(id);
        self.log.push(name);
        id
    }

    /// A scope from here to the end of `around`.
    fn scoped(&mut self, around: &SyntaxNode, top: bool, inside: impl FnOnce(&mut Self)) {
        let mark = self.log.len();
        let end = inner_end(around);
        let outer = (std::mem::replace(&mut self.scope_end, end), self.top);
        self.top = top;
        inside(self);
        (self.scope_end, self.top) = outer;
        for name in self.log.drain(mark..) {
            self.scopes.get_mut(&name).and_then(Vec::pop);
        }
    }

    fn children(&mut self, node: &SyntaxNode) {
        for child in node.children().by_kind(holds_names) {
            with_room(|| self.node(&child));
        }
    }

    fn node(&mut self, node: &SyntaxNode) {
        match node.kind() {
            SyntaxKind::FnDef => self.fn_def(node),
            SyntaxKind::ModDef => self.mod_def(node),
            SyntaxKind::UseStmt => self.use_stmt(node),
            SyntaxKind::LetStmt => self.let_stmt(node),
            SyntaxKind::LetrecStmt => self.letrec_stmt(node),
            SyntaxKind::Block => self.scoped(node, false, |build| build.children(node)),
            SyntaxKind::LambdaExpr => self.lambda(node),
            SyntaxKind::MatchArm => self.scoped(node, false, |build| build.arm(node)),
            SyntaxKind::PathExpr => self.mention(node, Space::Value),
            SyntaxKind::PathType => self.mention(node, Space::Type),
            _ => self.children(node),
        }
    }

    fn fn_def(&mut self, node: &SyntaxNode) {
        let Some(def) = ast::FnDef::cast(node.clone()) else { return };
        let defaults: Vec<_> = def.params().filter_map(|param| param.default()).collect();
        defaults.iter().for_each(|default| self.node(default.syntax()));
        if let Some(name) = def.name() {
            let id = self.bind(&name, DefKind::Function, node, range(node).start);
            let params = def.params().filter_map(|it| written(it.name(), it.syntax())).collect();
            if let Some(def) = self.index.defs.get_mut(id) {
                def.head = docs::head(node);
                def.params = params;
                def.doc = docs::above(node);
                def.public = docs::is_public(node);
            }
        }
        let body = def.body();
        self.scoped(node, false, |build| {
            for param in def.params() {
                param.ty().iter().for_each(|ty| build.node(ty.syntax()));
                let from = body.as_ref().map_or(build.scope_end, |body| range(body.syntax()).start);
                param.name().iter().for_each(|name| {
                    build.bind(name, DefKind::Parameter, param.syntax(), from);
                });
            }
            def.ret().iter().for_each(|ty| build.node(ty.syntax()));
            body.iter().for_each(|body| build.node(body.syntax()));
        });
    }

    fn lambda(&mut self, node: &SyntaxNode) {
        let Some(lambda) = ast::LambdaExpr::cast(node.clone()) else { return };
        self.scoped(node, false, |build| {
            let body = lambda.body();
            let from = body.as_ref().map_or(build.scope_end, |body| range(body.syntax()).start);
            for param in lambda.params() {
                param.ty().iter().for_each(|ty| build.node(ty.syntax()));
                param.name().iter().for_each(|name| {
                    build.bind(name, DefKind::Parameter, param.syntax(), from);
                });
            }
            lambda.ret().iter().for_each(|ty| build.node(ty.syntax()));
            body.iter().for_each(|body| build.node(body.syntax()));
        });
    }

    fn let_stmt(&mut self, node: &SyntaxNode) {
        let Some(stmt) = ast::LetStmt::cast(node.clone()) else { return };
        stmt.ty().iter().for_each(|ty| self.node(ty.syntax()));
        stmt.value().iter().for_each(|value| self.node(value.syntax()));
        if let Some(pattern) = stmt.pattern() {
            self.pattern(pattern.syntax(), node, range(node).end);
        }
    }

    fn letrec_stmt(&mut self, node: &SyntaxNode) {
        let Some(stmt) = ast::LetrecStmt::cast(node.clone()) else { return };
        if let Some(name) = stmt.name() {
            let id = self.bind(&name, DefKind::Variable, node, range(node).start);
            self.describe(id, node);
        }
        stmt.value().iter().for_each(|value| self.node(value.syntax()));
    }

    /// Head, comment and, for a lambda, parameters of a variable.
    fn describe(&mut self, id: DefId, stmt: &SyntaxNode) {
        let value = stmt.children().find_map(ast::LambdaExpr::cast);
        let params = value.iter().flat_map(|lambda| lambda.params());
        let params = params.filter_map(|it| written(it.name(), it.syntax())).collect();
        let top = self.top;
        if let Some(def) = self.index.defs.get_mut(id) {
            def.params = params;
            if top {
                def.doc = docs::above(stmt);
                def.public = docs::is_public(stmt);
                def.head = format!("let {}", def.name);
            }
        }
    }

    /// The names of a pattern, seen from `from` on.
    fn pattern(&mut self, pattern: &SyntaxNode, stmt: &SyntaxNode, from: u32) {
        if let Some(name) = ast::NamePat::cast(pattern.clone()).and_then(|it| it.name()) {
            let id = self.bind(&name, DefKind::Variable, stmt, from);
            self.describe(id, stmt);
        }
        for child in pattern.children() {
            self.pattern(&child, stmt, from);
        }
    }

    /// `pattern => body`: constructors are mentioned, names are bound.
    fn arm(&mut self, node: &SyntaxNode) {
        let mut children = node.children();
        if let Some(pattern) = children.next() {
            self.arm_pattern(&pattern, node);
        }
        children.for_each(|body| self.node(&body));
    }

    fn arm_pattern(&mut self, pattern: &SyntaxNode, arm: &SyntaxNode) {
        let mut tokens = pattern.children_with_tokens().filter_map(|it| it.into_token());
        let name = tokens.find(|it| it.kind() == SyntaxKind::Ident);
        match (pattern.kind(), name) {
            (SyntaxKind::CtorPat, Some(name)) => {
                self.note(token_range(&name), vec![name.text().into()], Space::Value);
            }
            (SyntaxKind::NamePat, Some(name)) => {
                let from = range(pattern).end;
                self.bind(&name, DefKind::Variable, arm, from);
            }
            _ => {}
        }
        for child in pattern.children() {
            self.arm_pattern(&child, arm);
        }
    }

    fn mod_def(&mut self, node: &SyntaxNode) {
        let Some(def) = ast::ModDef::cast(node.clone()) else { return };
        let own = def.name().map(|name| {
            let id = self.bind(&name, DefKind::Module, node, range(node).start);
            if let Some(def) = self.index.defs.get_mut(id) {
                def.head = format!("mod {}", def.name);
                def.doc = docs::above(node);
                def.public = docs::is_public(node);
            }
            id
        });
        let outer = self.module;
        self.module = own.or(outer);
        self.scoped(node, true, |build| build.children(node));
        self.module = outer;
    }

    fn use_stmt(&mut self, node: &SyntaxNode) {
        let mut path: Vec<SmolStr> = Vec::new();
        let public = docs::is_public(node);
        let tokens: Vec<SyntaxToken> = names_and_stars(node);
        let last = tokens.len().saturating_sub(1);
        let list = node.children().find(|child| child.kind() == SyntaxKind::UseList);
        for (index, token) in tokens.iter().enumerate() {
            if token.kind() == SyntaxKind::Star {
                self.index.imports.push(Import { path: path.clone(), name: None, public });
                return;
            }
            let mut whole = path.clone();
            whole.push(token.text().into());
            let is_last = index == last && list.is_none();
            let space = if is_last && !path.is_empty() { Space::Value } else { Space::Module };
            self.note(token_range(token), whole.clone(), space);
            if is_last && !path.is_empty() {
                let name = Some(token.text().into());
                self.index.imports.push(Import { path: path.clone(), name, public });
            }
            path = whole;
        }
        for token in list.iter().flat_map(names_and_stars) {
            let mut whole = path.clone();
            whole.push(token.text().into());
            self.note(token_range(&token), whole, Space::Value);
            let name = Some(token.text().into());
            self.index.imports.push(Import { path: path.clone(), name, public });
        }
    }

    /// The names of a path. Read from the inner tree: there are many paths, and cursors cost.
    fn mention(&mut self, node: &SyntaxNode, space: Space) {
        let green = node.green();
        let mut at = range(node).start;
        let mut path: Vec<SmolStr> = Vec::new();
        let mut names = Vec::new();
        for token in green.children().filter_map(|child| child.into_token()) {
            let end = at + u32::from(token.text_len());
            if token.kind() == SyntaxKind::Ident.into() {
                path.push(token.text().into());
                names.push(at..end);
            }
            at = end;
        }
        let Some(last) = names.pop() else { return };
        for (index, range) in names.into_iter().enumerate() {
            let path = path.iter().take(index + 1).cloned().collect();
            self.note(range, path, Space::Module);
        }
        self.note(last, path, space);
    }

    fn note(&mut self, range: Range<u32>, path: Vec<SmolStr>, space: Space) {
        let target = match path.as_slice() {
            [] => None,
            [plain] => self.plain(plain, space),
            [.., last] if space == Space::Type => self.types.get(last).copied(),
            [module, rest @ ..] => self.qualified(module, rest),
        };
        self.index.mentions.push(Mention { range, path, space, target });
    }

    /// What a plain name means in this text.
    fn plain(&self, name: &SmolStr, space: Space) -> Option<DefId> {
        let visible = self.scopes.get(name).and_then(|stack| stack.last()).copied();
        let fits = |id: &DefId| {
            let module = self.index.defs.get(*id).is_some_and(|def| def.kind == DefKind::Module);
            module == (space == Space::Module)
        };
        match space {
            Space::Type => self.types.get(name).copied(),
            Space::Module => visible.filter(fits),
            Space::Value => visible.filter(fits).or_else(|| self.types.get(name).copied()),
        }
    }

    fn qualified(&self, module: &SmolStr, rest: &[SmolStr]) -> Option<DefId> {
        let mut found = self.plain(module, Space::Module)?;
        for name in rest {
            found = self.index.member(Some(found), name)?;
        }
        Some(found)
    }
}

/// Where the scope that a node makes ends: before its closing brace, else where the text goes on.
fn inner_end(node: &SyntaxNode) -> u32 {
    match node.last_child_or_token() {
        Some(SyntaxElement::Token(token)) if token.kind() == SyntaxKind::RBrace => {
            token.text_range().start().into()
        }
        Some(SyntaxElement::Node(block)) if block.kind() == SyntaxKind::Block => inner_end(&block),
        Some(_) | None => {
            let mut next = node.last_token().and_then(|last| last.next_token());
            while let Some(token) = &next {
                if !token.kind().is_trivia() {
                    return token.text_range().start().into();
                }
                next = token.next_token();
            }
            u32::MAX
        }
    }
}

/// Whether a node can hold names that are defined or mentioned.
fn holds_names(kind: SyntaxKind) -> bool {
    !matches!(
        kind,
        SyntaxKind::Literal
            | SyntaxKind::SelfExpr
            | SyntaxKind::NowExpr
            | SyntaxKind::SamplerateExpr
            | SyntaxKind::PlaceholderExpr
            | SyntaxKind::PrimType
            | SyntaxKind::UnitType
            | SyntaxKind::Include
            | SyntaxKind::StageDecl
    )
}

fn names_and_stars(node: &SyntaxNode) -> Vec<SyntaxToken> {
    let tokens = node.children_with_tokens().filter_map(|it| it.into_token());
    tokens.filter(|it| matches!(it.kind(), SyntaxKind::Ident | SyntaxKind::Star)).collect()
}

fn written(name: Option<SyntaxToken>, param: &SyntaxNode) -> Option<Written> {
    let name = name?;
    let text = docs::one_line(param);
    let rest = text.strip_prefix(name.text()).unwrap_or("");
    let (annotated, rest) = match rest.strip_prefix(':') {
        Some(ty) => (true, format!(": {}", ty.trim_start())),
        None => (false, rest.to_owned()),
    };
    Some(Written {
        name: name.text().into(),
        at: name.text_range().start().into(),
        rest,
        annotated,
    })
}
