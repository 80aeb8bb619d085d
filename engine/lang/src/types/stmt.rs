//! Types of statements, assignments and patterns.

use smol_str::SmolStr;

use super::error::{TypeError, Why};
use super::infer::Checker;
use super::known::Known;
use super::table::Scheme;
use super::ty::Ty;
use crate::hir::{BindingId, BindingKind, ExprId, ExprKind, Pattern, Stmt, TypeExpr};
use crate::source::Span;

impl Checker<'_, '_> {
    /// `x = e`, `x.f = e`.
    pub(super) fn assign(
        &mut self,
        target: BindingId,
        fields: &[(SmolStr, Span)],
        value: ExprId,
    ) -> Ty {
        let binding = &self.program.bindings[target];
        let mut ty = match &self.bindings[target] {
            Some(_) if self.is_beyond(binding.span, self.span(value)) => Ty::Error,
            Some(scheme) => scheme.ty.clone(),
            None => Ty::Error,
        };
        let errors = self.diags.error_count();
        for (name, at) in fields {
            ty = self.field(&ty, name, *at);
        }
        if self.diags.error_count() > errors && binding.kind == BindingKind::Local {
            // Said once; reading the field of this variable is no other mistake.
            self.bindings[target] = Some(Scheme::mono(Ty::Error));
        }
        let found = self.expr_for(value, &ty, Why::Assigned(binding.span));
        self.expect_value(&ty, &found, value, Why::Assigned(binding.span));
        Ty::Unit
    }

    /// Checks a statement and binds its names.
    pub(super) fn stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Expr(expr) => {
                self.expr(*expr);
            }
            Stmt::LetRec { binding, value } => self.letrec(*binding, *value),
            Stmt::Let { pattern: Pattern::Bind(binding), ty, value, .. } => {
                // What is known keeps its type parameters; a value has one type.
                let general = self.known.get(*binding) != Known::Value;
                if general {
                    self.table.enter();
                }
                let found = self.let_value(ty.as_ref(), *value);
                if general {
                    self.table.leave();
                }
                let scheme =
                    if general { self.table.generalise(&found) } else { Scheme::mono(found) };
                self.bindings[*binding] = Some(scheme);
            }
            Stmt::Let { pattern, ty, value } => {
                let found = self.let_value(ty.as_ref(), *value);
                self.pattern(pattern, &found, self.span(*value));
            }
        }
    }

    fn let_value(&mut self, written: Option<&TypeExpr>, value: ExprId) -> Ty {
        let Some(written) = written else { return self.expr(value) };
        // New letters of this annotation are its own: the definition may be generalised.
        let letters = self.frame.letters.clone();
        let expected = self.annotation(written);
        self.frame.letters = letters;
        let found = self.expr_for(value, &expected, Why::Annotation(written.span));
        let agrees = self.expect_value(&expected, &found, value, Why::Annotation(written.span));
        if self.wraps.contains_key(&value) {
            return expected;
        }
        // The value's own type carries parameter names that the annotation lacks.
        if agrees && !matches!(self.table.resolve(&found), Ty::Error | Ty::Var(_)) {
            found
        } else {
            expected
        }
    }

    fn letrec(&mut self, binding: BindingId, value: ExprId) {
        let data = &self.program.bindings[binding];
        let ExprKind::Lambda(lambda) = self.program.exprs[value].kind else {
            self.bindings[binding] = Some(Scheme::mono(Ty::Error));
            let found = self.expr(value);
            let found = self.table.zonk(&found);
            // Something wrong inside was reported, unless the value is the name itself.
            if found != Ty::Error || !self.diags.has_errors() {
                self.report(TypeError::LetrecNotFunction { found, at: self.span(value) });
            }
            return;
        };
        if data.assigned && data.kind != BindingKind::Global {
            self.report(TypeError::LetrecAssigned { name: data.name.clone(), at: data.span });
        }
        let general = self.known.get(binding) != Known::Value;
        if general {
            self.table.enter();
        }
        let own = self.table.fresh();
        self.bindings[binding] = Some(Scheme::mono(own.clone()));
        self.depth += 1;
        let ty = self.lambda(lambda, Some(&own));
        self.depth -= 1;
        self.exprs[value] = Some(ty.clone());
        if general {
            self.table.leave();
        }
        let scheme = if general { self.table.generalise(&ty) } else { Scheme::mono(ty) };
        self.bindings[binding] = Some(scheme);
    }

    /// Binds the names of a pattern to the parts of a value.
    pub(super) fn pattern(&mut self, pattern: &Pattern, found: &Ty, value: Span) {
        match pattern {
            Pattern::Ignore(_) => {}
            Pattern::Bind(binding) => self.bindings[*binding] = Some(Scheme::mono(found.clone())),
            Pattern::Tuple(parts, at) => {
                let wanted: Vec<Ty> = parts.iter().map(|_| self.table.fresh()).collect();
                let agrees =
                    self.expect(&Ty::tuple(wanted.clone()), found, value, Why::Pattern(*at));
                for (part, ty) in parts.iter().zip(&wanted) {
                    self.pattern(part, if agrees { ty } else { &Ty::Error }, value);
                }
            }
            Pattern::Record(fields, at) => {
                for (name, part) in fields {
                    let ty = self.field(found, name, *at);
                    self.pattern(part, &ty, value);
                }
            }
        }
    }
}
