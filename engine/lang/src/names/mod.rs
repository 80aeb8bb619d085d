//! Tree to program: every use of a name points at its binding, sugar is gone.
//!
//! Takes a tree, gives a [`Program`] in any case. What it reports becomes [`ExprKind::Error`], so
//! that later passes stay silent about it. Definitions with syntax errors are resolved in silence.
//! Files that the program uses are asked of a [`Loader`] when their `mod`, `use` or `include` is met.
//! Knows nothing of types.

#![expect(clippy::indexing_slicing, reason = "ids come from the arenas of the same program")]

mod data;
mod expr;
mod import;
mod item;
mod lookup;
mod module;
#[cfg(test)]
mod module_tests;
mod scope;
mod stage;
mod suggest;
#[cfg(test)]
mod tests;
mod ty;
mod unknown;

use cranelift_entity::SecondaryMap;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use crate::diag::{Diagnostic, Diagnostics};
use crate::hir::{
    Binding, BindingId, BindingKind, Expr, ExprId, ExprKind, LambdaId, Module, ModuleId, Program,
    Stage, Stmt,
};
use crate::loader::{Loader, NoFiles};
use crate::source::{FileId, SourceMap, Span};
use crate::syntax::ast::{self, Node};
use crate::syntax::{End, Parse, SyntaxKind, SyntaxNode, SyntaxToken};

use module::{Modules, Time, Value, Visibility};
use scope::Scopes;
pub(crate) use suggest::nearest;

/// Messages that come with advice about names like the unknown one.
const ADVISED: usize = 25;

/// Resolves a program of one text.
pub fn resolve(parse: &Parse, diags: &mut Diagnostics) -> Program {
    resolve_files(parse, &NoFiles, &mut SourceMap::new(), diags)
}

/// Resolves a program whose modules come from a loader; adds their texts to `sources`, which holds the
/// text of `parse` already.
pub fn resolve_files(
    parse: &Parse,
    loader: &dyn Loader,
    sources: &mut SourceMap,
    diags: &mut Diagnostics,
) -> Program {
    let mut program = Program::default();
    program.modules.push(Module { path: SmolStr::default(), parent: None });
    let mut cx = Resolve {
        file: parse.file(),
        loader,
        sources,
        program,
        modules: Modules::default(),
        module: ModuleId::ROOT,
        horizon: Time::MAX,
        ready: Vec::new(),
        loads: 0,
        words: parse.words(),
        included: Vec::new(),
        library_names: None,
        misplaced: 0,
        values: FxHashSet::default(),
        scopes: Scopes::default(),
        used: SecondaryMap::new(),
        later: FxHashMap::default(),
        later_modules: FxHashMap::default(),
        exposing: None,
        foreign: FxHashSet::default(),
        told: FxHashSet::default(),
        types: Types::Known,
        gone: FxHashMap::default(),
        defining: Vec::new(),
        foreign_any: false,
        lambda: None,
        self_lambda: None,
        stage: Stage::Audio,
        depth: Depth::Top,
        speech: Speech::Reports,
        stages: Stages::Known,
        diags,
    };
    cx.note_broken(parse);
    cx.items(&parse.tree().stmts().collect::<Vec<_>>());
    cx.program.dsp = cx.main_dsp();
    cx.program
}

/// Whether a statement stands at the top level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    Top,
    Inside,
}

/// Whether messages are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speech {
    Reports,
    /// The definition has syntax errors, or words of another language: what else seems wrong may follow from them.
    Silent,
}

/// Whether it is known which code runs while compiling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stages {
    Known,
    /// A `#stage` has syntax errors.
    Unknown,
}

/// Whether it is known which types and constructors there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Types {
    Known,
    /// A `type` has syntax errors.
    Unknown,
}

/// The state of the pass.
struct Resolve<'a> {
    file: FileId,
    loader: &'a dyn Loader,
    sources: &'a mut SourceMap,
    program: Program,
    modules: Modules,
    /// The module of the code being resolved.
    module: ModuleId,
    /// Definitions up to this time are seen.
    horizon: Time,
    /// Library functions that the statement being resolved uses, for in front of it.
    ready: Vec<Stmt>,
    /// Texts asked for.
    loads: u32,
    /// Words and signs of the texts of the user.
    words: usize,
    /// The files whose `include` is being resolved, outermost first.
    included: Vec<FileId>,
    /// Public functions of the library, once somebody asked.
    library_names: Option<Vec<import::Public>>,
    /// How much stood at the wrong stage.
    misplaced: u32,
    /// Functions that are said to give something else than code.
    values: FxHashSet<BindingId>,
    /// Local variables.
    scopes: Scopes,
    /// Bindings that some expression mentions.
    used: SecondaryMap<BindingId, bool>,
    /// Where names of modules are defined, for uses before that.
    later: FxHashMap<(ModuleId, SmolStr), Span>,
    /// Where modules are defined, for uses before that.
    later_modules: FxHashMap<SmolStr, Span>,
    /// The public function whose signature is being resolved.
    exposing: Option<SmolStr>,
    /// Names defined by something not supported yet.
    foreign: FxHashSet<SmolStr>,
    /// Unknown names, and names of modules with them, that were reported: once is enough.
    told: FxHashSet<SmolStr>,
    /// Whether it is known which constructors there are.
    types: Types,
    /// Names that were seen only inside a block or function, and where they are bound.
    gone: FxHashMap<SmolStr, Span>,
    /// Names of the `let`s whose values are being resolved.
    defining: Vec<SmolStr>,
    /// Whether any unknown name may come from something not supported yet, or broken.
    foreign_any: bool,
    lambda: Option<LambdaId>,
    /// The function whose `self` is seen here: none across a quote or splice.
    self_lambda: Option<LambdaId>,
    /// When the code being resolved runs.
    stage: Stage,
    depth: Depth,
    speech: Speech,
    stages: Stages,
    diags: &'a mut Diagnostics,
}

/// What code sees around it.
#[derive(Clone, Copy, Debug)]
struct Here {
    file: FileId,
    module: ModuleId,
    stage: Stage,
    horizon: Time,
}

impl Resolve<'_> {
    fn here(&self) -> Here {
        let Self { file, module, stage, horizon, .. } = *self;
        Here { file, module, stage, horizon }
    }

    fn go(&mut self, there: Here) {
        let Here { file, module, stage, horizon } = there;
        (self.file, self.module, self.stage, self.horizon) = (file, module, stage, horizon);
    }

    /// Runs `inside` at the top level of another module or file; nothing local is seen from there.
    fn elsewhere<T>(&mut self, there: Here, inside: impl FnOnce(&mut Self) -> T) -> T {
        let here = self.here();
        self.go(there);
        let scopes = std::mem::take(&mut self.scopes);
        let gone = std::mem::take(&mut self.gone);
        let defining = std::mem::take(&mut self.defining);
        let exposing = self.exposing.take();
        let lambdas = (self.lambda.take(), self.self_lambda.take());
        let depth = std::mem::replace(&mut self.depth, Depth::Top);
        let speech = std::mem::replace(&mut self.speech, Speech::Reports);
        let result = inside(self);
        self.go(here);
        (self.scopes, self.gone, self.defining) = (scopes, gone, defining);
        (self.exposing, self.depth, self.speech) = (exposing, depth, speech);
        (self.lambda, self.self_lambda) = lambdas;
        result
    }

    fn span_of(&self, node: &SyntaxNode) -> Span {
        let range = node.text_range();
        Span::new(self.file, range.start().into(), range.end().into())
    }

    fn token_span(&self, token: &SyntaxToken) -> Span {
        let range = token.text_range();
        Span::new(self.file, range.start().into(), range.end().into())
    }

    /// The first token of a node: where to point for what spans many lines.
    fn head_span(&self, node: &impl Node) -> Span {
        node.first_token().map_or(self.span_of(node.syntax()), |token| self.token_span(&token))
    }

    /// Whether there are more messages already than anybody reads: looking for advice takes time.
    fn has_said_enough(&self) -> bool {
        self.diags.len() >= ADVISED
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        match self.speech {
            Speech::Reports => self.diags.push(diagnostic),
            Speech::Silent => {}
        }
    }

    fn add(&mut self, kind: ExprKind, span: Span) -> ExprId {
        self.program.exprs.push(Expr { kind, span, stage: self.stage })
    }

    fn error(&mut self, span: Span) -> ExprId {
        self.add(ExprKind::Error, span)
    }

    /// Makes a variable and lets it be seen from here on.
    fn bind(&mut self, name: &str, span: Span, kind: BindingKind) -> BindingId {
        let binding = self.declare(name, span, kind);
        match kind {
            BindingKind::Global => {
                let value = Value::Bound(binding);
                if self.module != ModuleId::ROOT {
                    self.modules.add_let(self.module, name.into());
                }
                self.modules.define(ModuleId::ROOT, name.into(), value, Visibility::Public, span);
            }
            BindingKind::Local | BindingKind::Param => self.scopes.bind(name.into(), binding),
        }
        binding
    }

    /// Makes a function of the current module and lets it be seen from here on.
    fn bind_function(&mut self, name: &str, span: Span, visibility: Visibility) -> BindingId {
        let binding = self.declare(name, span, BindingKind::Global);
        self.modules.define(self.module, name.into(), Value::Bound(binding), visibility, span);
        self.at_home(binding);
        binding
    }

    /// Notes that a function belongs to the current module.
    fn at_home(&mut self, binding: BindingId) {
        if self.module != ModuleId::ROOT {
            self.program.homes.insert(binding, self.module);
        }
    }

    /// Makes a variable that no name reaches yet.
    fn declare(&mut self, name: &str, span: Span, kind: BindingKind) -> BindingId {
        let (assigned, captured, owner, stage) = (false, false, self.lambda, self.stage);
        let binding = Binding { name: name.into(), span, kind, stage, assigned, captured, owner };
        self.program.bindings.push(binding)
    }

    /// How a `let` at this place binds.
    fn let_kind(&self) -> BindingKind {
        match self.depth {
            Depth::Top => BindingKind::Global,
            Depth::Inside => BindingKind::Local,
        }
    }

    /// Notes that the current function mentions a variable.
    fn mention(&mut self, binding: BindingId) {
        self.used[binding] = true;
        let Some(data) = self.program.bindings.get(binding) else { return };
        let owner = data.owner;
        if data.kind == BindingKind::Global || owner == self.lambda {
            return;
        }
        self.program.bindings[binding].captured = true;
        let mut inside = self.lambda;
        while inside != owner {
            let Some(lambda) = inside else { break };
            let data = &mut self.program.lambdas[lambda];
            if !data.captures.contains(&binding) {
                data.captures.push(binding);
            }
            inside = data.parent;
        }
    }

    /// Runs `inside` in a scope of its own.
    fn scoped<T>(&mut self, inside: impl FnOnce(&mut Self) -> T) -> T {
        let mark = self.scopes.open();
        let depth = std::mem::replace(&mut self.depth, Depth::Inside);
        let result = inside(self);
        self.depth = depth;
        for (name, binding) in self.scopes.close(mark) {
            if let Some(binding) = binding.and_then(|it| self.program.bindings.get(it)) {
                self.gone.insert(name, binding.span);
            }
        }
        result
    }

    /// All of a text, or of a module.
    fn items(&mut self, items: &[ast::Stmt]) {
        for item in items {
            self.note_definition(item);
        }
        for item in items {
            self.declare_type(item);
        }
        let outer = self.speech;
        for (index, item) in items.iter().enumerate() {
            let span = self.span_of(item.syntax());
            self.speech = self.speech_for(span);
            if let Some(next) = items.get(index + 1) {
                self.missing_fn(item, next);
            }
            self.item(item);
            if self.speech == Speech::Silent && self.speech_for(span) == Speech::Reports {
                self.program.broken.push(span);
            }
        }
        self.speech = outer;
    }

    /// One definition or statement of the top level.
    fn item(&mut self, item: &ast::Stmt) {
        let mut own = Vec::new();
        self.stmt(item, &mut own);
        self.program.stmts.append(&mut self.ready);
        self.program.stmts.append(&mut own);
    }

    /// The `dsp` that is played.
    fn main_dsp(&self) -> Option<BindingId> {
        match self.modules.member(ModuleId::ROOT, "dsp", Time::MAX)?.value {
            Value::Bound(binding) => Some(binding),
            Value::Waiting(_) | Value::Alias(_) => None,
        }
    }

    /// Notes what of a file has syntax errors. A name that is written there may be defined there.
    fn note_broken(&mut self, parse: &Parse) {
        if parse.broken().is_empty() {
            return;
        }
        self.program.broken.extend(parse.broken().iter().map(|broken| broken.span));
        if parse.end() == End::Open {
            (self.foreign_any, self.stages) = (true, Stages::Unknown);
        }
        for broken in parse.broken() {
            self.note_broken_definition(&broken.tokens);
        }
    }

    /// `name(..) { .. }` lacks its `fn`: both parts are taken for one definition that is not understood.
    fn missing_fn(&mut self, item: &ast::Stmt, next: &ast::Stmt) {
        let (ast::Stmt::ExprStmt(call), ast::Stmt::ExprStmt(block)) = (item, next) else { return };
        let (Some(ast::Expr::CallExpr(call)), Some(ast::Expr::Block(_))) =
            (call.expr(), block.expr())
        else {
            return;
        };
        let Some(ast::Expr::PathExpr(path)) = call.callee() else { return };
        let Some(name) = path.plain() else { return };
        let breaks = call.syntax().next_sibling_or_token();
        let breaks = std::iter::successors(breaks, |it| it.next_sibling_or_token());
        let known = !matches!(self.find(name.text()), lookup::Found::Nothing);
        if known
            || breaks
                .take_while(|it| it.kind() != SyntaxKind::ExprStmt)
                .any(|it| it.kind() == SyntaxKind::Newline)
        {
            return;
        }
        let help = format!("to define a function, write: fn {}(..) {{ .. }}", name.text());
        self.unknown_name_or(name.text(), self.token_span(&name), &help);
        self.foreign.insert(name.text().into());
        self.speech = Speech::Silent;
        self.program.broken.push(self.span_of(next.syntax()));
    }

    /// Notes what the tokens of one definition may define, whatever they are meant to say.
    #[expect(clippy::wildcard_enum_match_arm, reason = "few kinds of tokens define something")]
    fn note_broken_definition(&mut self, tokens: &[(SyntaxKind, SmolStr)]) {
        let kind = |at: usize| tokens.get(at).map(|(kind, _)| *kind);
        // What begins with no word of the language can be anything.
        self.foreign_any |= kind(0).is_some_and(|kind| !crate::syntax::starts_statement(kind));
        for (at, (token, text)) in tokens.iter().enumerate() {
            let before = at.checked_sub(1).and_then(kind);
            let behind = kind(at + 1);
            match token {
                SyntaxKind::Ident
                    if behind.is_some_and(stands_behind_a_new_name)
                        || before.is_some_and(stands_before_a_new_name) =>
                {
                    self.foreign.insert(text.clone());
                }
                SyntaxKind::UseKw | SyntaxKind::ModKw | SyntaxKind::IncludeKw => {
                    self.foreign_any = true;
                }
                SyntaxKind::FnKw | SyntaxKind::MacroKw => {
                    let whole = behind == Some(SyntaxKind::Ident)
                        && kind(at + 2) == Some(SyntaxKind::LParen);
                    // The name may be wrong too.
                    self.foreign_any |= !whole;
                }
                SyntaxKind::LetKw | SyntaxKind::LetrecKw => {
                    self.foreign_any |= behind.is_none_or(SyntaxKind::is_keyword);
                }
                SyntaxKind::ColonColon => {
                    self.foreign_any |= behind != Some(SyntaxKind::Ident);
                }
                SyntaxKind::TypeKw => self.types = Types::Unknown,
                SyntaxKind::Hash | SyntaxKind::StageKw => self.stages = Stages::Unknown,
                _ => {}
            }
        }
    }

    /// Whether a definition has syntax errors in it.
    fn speech_for(&self, item: Span) -> Speech {
        let mut broken = self.program.broken.iter().filter(|broken| broken.file == item.file);
        let hit = broken.any(|broken| broken.end > item.start && broken.start < item.end);
        if hit { Speech::Silent } else { Speech::Reports }
    }
}

fn stands_before_a_new_name(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        SyntaxKind::LetKw
            | SyntaxKind::LetrecKw
            | SyntaxKind::FnKw
            | SyntaxKind::MacroKw
            | SyntaxKind::PubKw
            | SyntaxKind::LParen
            | SyntaxKind::Comma
    )
}

fn stands_behind_a_new_name(kind: SyntaxKind) -> bool {
    matches!(kind, SyntaxKind::Eq | SyntaxKind::Colon | SyntaxKind::LParen | SyntaxKind::LBrace)
}
