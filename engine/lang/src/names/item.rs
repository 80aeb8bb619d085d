//! Definitions, statements, patterns, functions.

use rustc_hash::FxHashSet;
use smol_str::SmolStr;

use super::import::gives_a_value;
use super::module::Visibility;
use super::{Depth, Resolve};
use crate::diag::Diagnostic;
use crate::hir::{
    BindingId, BindingKind, ExprId, ExprKind, Lambda, LambdaId, ModuleId, Param, Pattern, Stage,
    Stmt,
};
use crate::source::Span;
use crate::syntax::SyntaxToken;
use crate::syntax::ast::{self, Node};

/// A parameter as written.
pub(super) struct WrittenParam {
    pub(super) name: Option<SyntaxToken>,
    pub(super) ty: Option<ast::Type>,
    pub(super) default: Option<ast::Expr>,
}

impl Resolve<'_> {
    /// Notes what a top-level statement defines, before anything is resolved.
    pub(super) fn note_definition(&mut self, item: &ast::Stmt) {
        match item {
            ast::Stmt::FnDef(def) => self.note_name(def.name()),
            ast::Stmt::LetrecStmt(def) => self.note_name(def.name()),
            ast::Stmt::LetStmt(def) => match def.pattern() {
                Some(pattern) => self.note_pattern(&pattern),
                None => self.foreign_any = true,
            },
            ast::Stmt::ModDef(def) => {
                let name = def.name().filter(|_| def.is_inline());
                if let Some(name) = name {
                    let span = self.token_span(&name);
                    self.later_modules.insert(name.text().into(), span);
                }
            }
            ast::Stmt::TypeDef(_)
            | ast::Stmt::TypeAlias(_)
            | ast::Stmt::UseStmt(_)
            | ast::Stmt::Include(_)
            | ast::Stmt::StageDecl(_)
            | ast::Stmt::ExprStmt(_) => {}
        }
    }

    fn note_name(&mut self, name: Option<SyntaxToken>) {
        match name {
            Some(name) => {
                let span = self.token_span(&name);
                self.later.insert((self.module, name.text().into()), span);
            }
            None => self.foreign_any = true,
        }
    }

    fn note_pattern(&mut self, pattern: &ast::Pattern) {
        match pattern {
            ast::Pattern::NamePat(it) => self.note_name(it.name()),
            ast::Pattern::WildcardPat(_) => {}
            ast::Pattern::TuplePat(it) => it.parts().for_each(|part| self.note_pattern(&part)),
            ast::Pattern::RecordPat(it) => {
                let parts = it.fields().filter_map(|field| field.pattern());
                parts.for_each(|part| self.note_pattern(&part));
            }
        }
    }

    /// The names of a definition that is left out, so that uses of them are not reported again.
    pub(super) fn foreign_definition(&mut self, item: &ast::Stmt) {
        let before = std::mem::take(&mut self.later);
        self.note_definition(item);
        let defined = std::mem::replace(&mut self.later, before);
        self.foreign.extend(defined.into_keys().map(|(_, name)| name));
        self.foreign_any |=
            matches!(item, ast::Stmt::UseStmt(_) | ast::Stmt::Include(_) | ast::Stmt::ModDef(_));
    }

    /// One statement; may add none to `out`.
    pub(super) fn stmt(&mut self, stmt: &ast::Stmt, out: &mut Vec<Stmt>) {
        match stmt {
            ast::Stmt::FnDef(def) => out.extend(self.fn_def(def)),
            ast::Stmt::LetStmt(stmt) => out.push(self.let_stmt(stmt)),
            ast::Stmt::LetrecStmt(stmt) => out.extend(self.letrec_stmt(stmt)),
            ast::Stmt::ExprStmt(stmt) => {
                out.extend(stmt.expr().map(|expr| Stmt::Expr(self.expr(&expr))));
            }
            ast::Stmt::ModDef(def) if self.depth == Depth::Top => self.mod_def(def),
            ast::Stmt::Include(include) if self.depth == Depth::Top => self.include(include),
            ast::Stmt::ModDef(_) | ast::Stmt::Include(_) => self.foreign_definition(stmt),
            ast::Stmt::UseStmt(stmt) => self.use_stmt(stmt),
            ast::Stmt::StageDecl(decl) => {
                self.stage = if decl.is_macro() { Stage::Macro } else { Stage::Audio };
            }
            ast::Stmt::TypeAlias(def) => self.type_alias(def),
            ast::Stmt::TypeDef(def) => self.type_def(def),
        }
    }

    fn fn_def(&mut self, def: &ast::FnDef) -> Option<Stmt> {
        let name = def.name()?;
        let at = self.token_span(&name);
        let binding = match self.let_kind() {
            BindingKind::Global => {
                let main = self.module == ModuleId::ROOT && self.stage == Stage::Audio;
                if name.text() == "dsp" && main {
                    self.second_dsp(at);
                }
                self.bind_function(name.text(), at, Visibility::of(def.is_public()))
            }
            kind @ (BindingKind::Local | BindingKind::Param) => self.bind(name.text(), at, kind),
        };
        Some(self.function(def, binding))
    }

    /// What a `fn` says, for a binding that is seen already.
    pub(super) fn function(&mut self, def: &ast::FnDef, binding: BindingId) -> Stmt {
        let params: Vec<WrittenParam> = def
            .params()
            .map(|it| WrittenParam { name: it.name(), ty: it.ty(), default: it.default() })
            .collect();
        let defaults = params.iter().map(|it| it.default.as_ref().map(|it| self.expr(it)));
        let defaults: Vec<Option<ExprId>> = defaults.collect();
        let span = self.span_of(def.syntax());
        let name = self.program.bindings[binding].name.clone();
        if gives_a_value(def) {
            self.values.insert(binding);
        }
        self.exposing = def.is_public().then(|| name.clone());
        let lambda = self.lambda(span, &params, defaults, |cx| {
            let ret = def.ret().map(|ty| cx.ty(&ty));
            cx.exposing = None;
            let body = match def.body() {
                Some(body) => cx.block(&body),
                None => cx.error(span),
            };
            (ret, body)
        });
        let name = match self.module_path(self.module) {
            path if path.is_empty() => name,
            path => SmolStr::from(format!("{path}::{name}")),
        };
        self.program.lambdas[lambda].name = Some(name);
        let value = self.add(ExprKind::Lambda(lambda), span);
        if self.used[binding] {
            Stmt::LetRec { binding, value }
        } else {
            Stmt::Let { pattern: Pattern::Bind(binding), ty: None, value }
        }
    }

    /// Warns if another `dsp`, which nothing mentions, was defined before.
    fn second_dsp(&mut self, at: Span) {
        let Some(first) = self.main_dsp().filter(|first| !self.used[*first]) else { return };
        let Some(before) = self.program.bindings.get(first).map(|first| first.span) else { return };
        let message = "there is more than one `dsp`, only the last one is played";
        let warning = Diagnostic::warning("duplicate-dsp", at, message);
        self.report(warning.also(before, "this one is not played"));
    }

    /// A function: its parameters in a scope of their own, then result type and body.
    pub(super) fn lambda(
        &mut self,
        span: Span,
        params: &[WrittenParam],
        defaults: Vec<Option<ExprId>>,
        rest: impl FnOnce(&mut Self) -> (Option<crate::hir::TypeExpr>, ExprId),
    ) -> LambdaId {
        let body = self.error(span);
        let (parent, own) = (self.lambda, self.self_lambda);
        let (name, ret, uses_self, captures) = (None, None, false, Vec::new());
        let data = Lambda { name, params: vec![], ret, body, uses_self, parent, captures, span };
        let id = self.program.lambdas.push(data);
        (self.lambda, self.self_lambda) = (Some(id), Some(id));
        self.scoped(|cx| {
            let params = cx.params(params, defaults);
            let (ret, body) = rest(cx);
            let data = &mut cx.program.lambdas[id];
            (data.params, data.ret, data.body) = (params, ret, body);
        });
        (self.lambda, self.self_lambda) = (parent, own);
        id
    }

    fn params(&mut self, params: &[WrittenParam], defaults: Vec<Option<ExprId>>) -> Vec<Param> {
        let mut out: Vec<Param> = Vec::new();
        for (param, default) in params.iter().zip(defaults) {
            let Some(name) = &param.name else { continue };
            let span = self.token_span(name);
            let same = out.iter().map(|it| &self.program.bindings[it.binding]);
            if let Some(first) = same.clone().find(|it| it.name == name.text()) {
                let message = format!("there are two parameters named `{}`", name.text());
                let error = Diagnostic::error("duplicate-parameter", span, message);
                let error = error.also(first.span, "the first one");
                self.report(error.help("give one of them another name"));
            }
            let ty = param.ty.as_ref().map(|ty| self.ty(ty));
            let binding = self.bind(name.text(), span, BindingKind::Param);
            out.push(Param { binding, ty, default });
        }
        out
    }

    fn let_stmt(&mut self, stmt: &ast::LetStmt) -> Stmt {
        let span = self.span_of(stmt.syntax());
        let ty = stmt.ty().map(|ty| self.ty(&ty));
        let own = match stmt.pattern() {
            Some(ast::Pattern::NamePat(it)) => it.name(),
            Some(_) | None => None,
        };
        let outer = self.defining.len();
        self.defining.extend(own.map(|name| SmolStr::new(name.text())));
        let value = match stmt.value() {
            Some(value) => self.expr(&value),
            None => self.error(span),
        };
        self.defining.truncate(outer);
        let pattern = match stmt.pattern() {
            Some(pattern) => self.pattern(&pattern),
            None => Pattern::Ignore(span),
        };
        if let Pattern::Bind(binding) = pattern {
            self.name_lambda(binding, value);
        }
        Stmt::Let { pattern, ty, value }
    }

    fn letrec_stmt(&mut self, stmt: &ast::LetrecStmt) -> Option<Stmt> {
        let name = stmt.name()?;
        let (span, kind) = (self.token_span(&name), self.let_kind());
        let binding = self.bind(name.text(), span, kind);
        let value = match stmt.value() {
            Some(value) => self.expr(&value),
            None => self.error(span),
        };
        self.name_lambda(binding, value);
        Some(Stmt::LetRec { binding, value })
    }

    /// A lambda is called after the variable that is bound to it.
    fn name_lambda(&mut self, binding: BindingId, value: ExprId) {
        if let ExprKind::Lambda(lambda) = self.program.exprs[value].kind {
            let name = self.program.bindings[binding].name.clone();
            self.program.lambdas[lambda].name = Some(name);
        }
    }

    pub(super) fn pattern(&mut self, pattern: &ast::Pattern) -> Pattern {
        let span = self.span_of(pattern.syntax());
        match pattern {
            ast::Pattern::NamePat(it) => match it.name() {
                Some(name) => {
                    let kind = self.let_kind();
                    Pattern::Bind(self.bind(name.text(), span, kind))
                }
                None => Pattern::Ignore(span),
            },
            ast::Pattern::WildcardPat(_) => Pattern::Ignore(span),
            ast::Pattern::TuplePat(it) => {
                Pattern::Tuple(it.parts().map(|part| self.pattern(&part)).collect(), span)
            }
            ast::Pattern::RecordPat(it) => self.record_pattern(it, span),
        }
    }

    fn record_pattern(&mut self, pattern: &ast::RecordPat, span: Span) -> Pattern {
        let mut fields: Vec<(SmolStr, Pattern)> = Vec::new();
        let mut names = FxHashSet::default();
        for field in pattern.fields() {
            let (Some(name), Some(part)) = (field.name(), field.pattern()) else { continue };
            if !names.insert(SmolStr::new(name.text())) {
                self.duplicate_field(&name);
            }
            fields.push((name.text().into(), self.pattern(&part)));
        }
        Pattern::Record(fields, span)
    }

    pub(super) fn duplicate_field(&mut self, name: &SyntaxToken) {
        let message = format!("there are two fields named `{}`", name.text());
        let error = Diagnostic::error("duplicate-field", self.token_span(name), message);
        self.report(error.help("leave one of them out"));
    }

    /// `{ .. }`: a scope; the last statement is its value if it is an expression.
    pub(super) fn block(&mut self, block: &ast::Block) -> ExprId {
        let span = self.span_of(block.syntax());
        let stage = self.stage;
        let (stmts, value) = self.scoped(|cx| {
            debug_assert_eq!(cx.depth, Depth::Inside);
            let mut stmts = Vec::new();
            let all: Vec<ast::Stmt> = block.stmts().collect();
            let (last, before) = match all.split_last() {
                Some((ast::Stmt::ExprStmt(last), before)) => (last.expr(), before),
                Some(_) | None => (None, all.as_slice()),
            };
            before.iter().for_each(|stmt| cx.stmt(stmt, &mut stmts));
            let value = last.map(|last| cx.expr(&last));
            (stmts, value)
        });
        self.stage = stage;
        self.add(ExprKind::Block { stmts, value }, span)
    }
}
