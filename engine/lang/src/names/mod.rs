//! Tree to program: every use of a name points at its binding, sugar is gone.
//!
//! Takes a tree, gives a [`Program`] in any case. What it reports becomes [`ExprKind::Error`], so
//! that later passes stay silent about it. Definitions with syntax errors are resolved in silence.
//! Knows nothing of types.

#![expect(clippy::indexing_slicing, reason = "ids come from the arenas of the same program")]

mod data;
mod expr;
mod item;
mod scope;
mod stage;
mod suggest;
#[cfg(test)]
mod tests;
mod ty;

use cranelift_entity::SecondaryMap;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use crate::diag::{Diagnostic, Diagnostics};
use crate::hir::{
    Binding, BindingId, BindingKind, Expr, ExprId, ExprKind, LambdaId, Program, Stage,
    TypeExprKind, TypeId,
};
use crate::source::{FileId, Span};
use crate::syntax::ast::{self, Node};
use crate::syntax::{Parse, SyntaxNode, SyntaxToken};

use scope::Scopes;
pub(crate) use suggest::nearest;

/// Resolves a program.
pub fn resolve(parse: &Parse, diags: &mut Diagnostics) -> Program {
    let broken =
        diags.iter().map(|one| one.span).filter(|span| span.file == parse.file()).collect();
    let mut cx = Resolve {
        file: parse.file(),
        program: Program::default(),
        scopes: Scopes::default(),
        used: SecondaryMap::new(),
        later: FxHashMap::default(),
        types: FxHashMap::default(),
        constructors: FxHashMap::default(),
        foreign: FxHashSet::default(),
        gone: FxHashMap::default(),
        defining: Vec::new(),
        foreign_any: false,
        lambda: None,
        self_lambda: None,
        stage: Stage::Audio,
        depth: Depth::Top,
        speech: Speech::Reports,
        broken,
        diags,
    };
    cx.program(&parse.tree());
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

/// The state of the pass.
struct Resolve<'a> {
    file: FileId,
    program: Program,
    scopes: Scopes,
    /// Bindings that some expression mentions.
    used: SecondaryMap<BindingId, bool>,
    /// Where top-level names are defined, for uses before that.
    later: FxHashMap<SmolStr, Span>,
    /// Types the program declares.
    types: FxHashMap<SmolStr, TypeExprKind>,
    /// Constructors that are seen: their type and position.
    constructors: FxHashMap<SmolStr, (TypeId, u32)>,
    /// Names defined by something not supported yet.
    foreign: FxHashSet<SmolStr>,
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
    /// Places of syntax errors.
    broken: Vec<Span>,
    diags: &'a mut Diagnostics,
}

impl Resolve<'_> {
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

    fn report(&mut self, diagnostic: Diagnostic) {
        match self.speech {
            Speech::Reports => self.diags.push(diagnostic),
            Speech::Silent => {}
        }
    }

    /// Reports something that later versions understand. `what` begins the sentence.
    fn not_supported(&mut self, span: Span, what: &str) {
        let message = format!("{what} not supported yet");
        self.report(Diagnostic::error("not-supported-yet", span, message));
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
        self.scopes.bind(name.into(), binding);
        binding
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

    /// The whole text.
    fn program(&mut self, root: &ast::Root) {
        let items: Vec<ast::Stmt> = root.stmts().collect();
        for item in &items {
            self.note_definition(item);
        }
        for item in &items {
            self.declare_type(item);
        }
        let mut stmts = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let next = items.get(index + 1).map(|next| self.span_of(next.syntax()).start);
            let span = self.span_of(item.syntax());
            self.speech = self.speech_for(span, next);
            self.stmt(item, &mut stmts);
            if self.speech == Speech::Silent {
                self.program.broken.push(span);
            }
        }
        self.program.stmts = stmts;
        self.program.dsp = self.scopes.find("dsp");
    }

    /// Whether a definition has syntax errors in it or right behind it.
    fn speech_for(&self, item: Span, next: Option<u32>) -> Speech {
        let end = next.unwrap_or(u32::MAX);
        let hit = self.broken.iter().any(|error| error.end >= item.start && error.start <= end);
        if hit { Speech::Silent } else { Speech::Reports }
    }
}
