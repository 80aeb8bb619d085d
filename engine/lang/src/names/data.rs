//! Declared types, constructors, arrays and `match`.

#![expect(clippy::wildcard_enum_match_arm, reason = "only a few kinds are special at each place")]

use smol_str::SmolStr;

use super::module::{TypeMember, Visibility};
use super::suggest::nearest;
use super::{Depth, Resolve};
use crate::diag::Diagnostic;
use crate::hir::{
    AliasDef, Arm, ExprId, ExprKind, MatchPattern, MemberType, Pattern, TypeDef, TypeExpr,
    TypeExprKind, TypeId, VariantDef,
};
use crate::source::Span;
use crate::syntax::ast::{self, Node};
use crate::syntax::{SyntaxKind, SyntaxToken};

impl Resolve<'_> {
    /// Gives a declared type its name, before anything mentions it.
    pub(super) fn declare_type(&mut self, item: &ast::Stmt) {
        let (name, def, public) = match item {
            ast::Stmt::TypeDef(def) => (def.name(), Some(def), def.is_public()),
            ast::Stmt::TypeAlias(def) => (def.name(), None, def.is_public()),
            ast::Stmt::FnDef(_)
            | ast::Stmt::ModDef(_)
            | ast::Stmt::UseStmt(_)
            | ast::Stmt::Include(_)
            | ast::Stmt::StageDecl(_)
            | ast::Stmt::LetStmt(_)
            | ast::Stmt::LetrecStmt(_)
            | ast::Stmt::ExprStmt(_) => return,
        };
        let Some(name) = name else { return };
        let (span, text) = (self.token_span(&name), SmolStr::new(name.text()));
        let kind = match def {
            Some(def) => {
                let recursive = def.is_recursive();
                let def = TypeDef { name: text.clone(), span, recursive, variants: Vec::new() };
                TypeExprKind::Named(self.program.types.push(def))
            }
            None => {
                let ty = TypeExpr { kind: TypeExprKind::Infer, span };
                let def = AliasDef { name: text.clone(), span, ty };
                TypeExprKind::Alias(self.program.aliases.push(def))
            }
        };
        if let (Some(def), TypeExprKind::Named(id)) = (def, &kind) {
            let names = def.variants().filter_map(|variant| variant.name());
            for (index, name) in names.enumerate() {
                self.modules.announce_constructor(name.text().into(), *id, index as u32);
            }
        }
        let member = TypeMember { kind, visibility: Visibility::of(public), span };
        self.modules.declare_type(self.module, text, member);
    }

    /// The type of this name that this module declares.
    fn declared(&self, name: &SyntaxToken) -> Option<TypeExprKind> {
        if self.depth == Depth::Inside {
            return None;
        }
        self.modules.type_member(self.module, name.text()).map(|member| member.kind.clone())
    }

    /// `type alias name = type`.
    pub(super) fn type_alias(&mut self, def: &ast::TypeAlias) {
        let Some(name) = def.name() else { return };
        let Some(TypeExprKind::Alias(id)) = self.declared(&name) else { return };
        if let Some(ty) = def.ty() {
            let ty = self.ty(&ty);
            if let Some(alias) = self.program.aliases.get_mut(id) {
                alias.ty = ty;
            }
        }
    }

    /// `type name = A | B(float)`: its constructors are seen from here on.
    pub(super) fn type_def(&mut self, def: &ast::TypeDef) {
        let Some(name) = def.name() else { return };
        let Some(TypeExprKind::Named(id)) = self.declared(&name) else { return };
        let mut variants: Vec<VariantDef> = Vec::new();
        for variant in def.variants() {
            let Some(name) = variant.name() else { continue };
            let span = self.token_span(&name);
            let mut types: Vec<TypeExpr> = variant.types().map(|ty| self.ty(&ty)).collect();
            let payload = match types.len() {
                0 | 1 => types.pop(),
                _ => Some(TypeExpr { kind: TypeExprKind::Tuple(types), span }),
            };
            if let Some(first) = variants.iter().find(|first| first.name == name.text()) {
                let message = format!("there are two constructors named `{}`", name.text());
                let error = Diagnostic::error("duplicate-constructor", span, message);
                self.report(error.also(first.span, "the first one"));
            }
            let index = variants.len() as u32;
            self.modules.add_constructor(name.text().into(), id, index);
            variants.push(VariantDef { name: name.text().into(), span, payload });
        }
        if let Some(def) = self.program.types.get_mut(id) {
            def.variants = variants;
        }
    }

    /// A constructor by its name.
    pub(super) fn constructor(&self, name: &str) -> Option<(TypeId, u32)> {
        let known = self.modules.constructor(name, self.horizon);
        known.or_else(|| self.modules.later_constructor(name))
    }

    pub(super) fn array(&mut self, expr: &ast::ArrayExpr, span: Span) -> ExprId {
        let parts = expr.parts().map(|part| self.expr(&part)).collect();
        self.add(ExprKind::Array(parts), span)
    }

    pub(super) fn index(&mut self, expr: &ast::IndexExpr, span: Span) -> ExprId {
        let base = self.maybe(expr.base(), span);
        let index = self.maybe(expr.index(), span);
        self.add(ExprKind::Index(base, index), span)
    }

    pub(super) fn match_expr(&mut self, expr: &ast::MatchExpr, span: Span) -> ExprId {
        let scrutinee = self.maybe(expr.scrutinee(), span);
        let mut arms = Vec::new();
        for arm in expr.arms() {
            let at = self.span_of(arm.syntax());
            let told = self.foreign.clone();
            let arm = self.scoped(|cx| {
                let pattern = match arm.pattern() {
                    Some(pattern) => cx.match_pattern(&pattern),
                    None => MatchPattern::Error(at),
                };
                Arm { pattern, body: cx.maybe(arm.body(), at) }
            });
            self.foreign = told;
            arms.push(arm);
        }
        self.add(ExprKind::Match { scrutinee, arms }, span)
    }

    fn match_pattern(&mut self, pattern: &ast::MatchPattern) -> MatchPattern {
        let span = self.span_of(pattern.syntax());
        match pattern {
            ast::MatchPattern::NumberPat(it) => match it.number() {
                Some(number) => MatchPattern::Number(number, span),
                None => MatchPattern::Error(span),
            },
            ast::MatchPattern::WildcardPat(_) => MatchPattern::Any(span),
            ast::MatchPattern::TuplePat(it) => {
                let parts = it.match_parts().map(|part| self.match_pattern(&part)).collect();
                MatchPattern::Tuple(parts, span)
            }
            ast::MatchPattern::CtorPat(it) => self.constructor_pattern(it, span),
        }
    }

    fn constructor_pattern(&mut self, pattern: &ast::CtorPat, span: Span) -> MatchPattern {
        let Some(name) = pattern.name() else { return MatchPattern::Error(span) };
        let bare = pattern.payload().is_none();
        let payload = pattern.payload().map(|payload| self.payload(&payload));
        let member = match name.kind() {
            SyntaxKind::FloatKw => Some(MemberType::Float),
            SyntaxKind::IntKw => Some(MemberType::Int),
            SyntaxKind::StringKw => Some(MemberType::Str),
            _ => None,
        };
        if let Some(member) = member {
            return MatchPattern::Member(member, payload, span);
        }
        if let Some((ty, index)) = self.constructor(name.text()) {
            return MatchPattern::Variant(ty, index, payload, span);
        }
        if self.may_be_foreign(name.text()) {
            return MatchPattern::Error(span);
        }
        let at = self.token_span(&name);
        let message = format!("there is no constructor `{}`", name.text());
        let error = Diagnostic::error("unknown-constructor", at, message);
        let near = (!self.has_said_enough())
            .then(|| nearest(name.text(), self.modules.constructor_names()))
            .flatten();
        let near = near.map(str::to_owned);
        self.report(match near {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help("names here are constructors; what fits everything is `_`"),
        });
        if bare {
            // It was meant as a variable perhaps: what the arm does with it is not wrong as well.
            self.foreign.insert(name.text().into());
        }
        MatchPattern::Error(span)
    }

    /// `(x)`, `(x, y)`, `((x, y))`: one pattern for what a constructor holds.
    fn payload(&mut self, tuple: &ast::TuplePat) -> Pattern {
        let span = self.span_of(tuple.syntax());
        let mut parts: Vec<Pattern> = tuple.parts().map(|part| self.pattern(&part)).collect();
        match (parts.len(), parts.pop()) {
            (1, Some(only)) => only,
            (_, last) => {
                parts.extend(last);
                Pattern::Tuple(parts, span)
            }
        }
    }
}
