//! Written types.

#![expect(clippy::wildcard_enum_match_arm, reason = "only a few kinds are special at each place")]

use rustc_hash::FxHashSet;
use smol_str::SmolStr;

use super::Resolve;
use super::lookup::{FoundType, PathFound};
use super::module::Visibility;
use super::suggest::nearest;
use crate::diag::Diagnostic;
use crate::hir::{TypeExpr, TypeExprKind};
use crate::source::Span;
use crate::syntax::ast::{self, Node};
use crate::syntax::{SyntaxKind, SyntaxToken};

impl Resolve<'_> {
    /// A type; what can't be said yet counts as inferred.
    pub(super) fn ty(&mut self, ty: &ast::Type) -> TypeExpr {
        let span = self.span_of(ty.syntax());
        let kind = match ty {
            ast::Type::PrimType(it) => match it.kind() {
                Some(SyntaxKind::IntKw) => TypeExprKind::Int,
                Some(SyntaxKind::StringKw) => TypeExprKind::Str,
                Some(_) | None => TypeExprKind::Float,
            },
            ast::Type::UnitType(_) => TypeExprKind::Unit,
            ast::Type::ParenType(it) => {
                return it
                    .ty()
                    .map_or(TypeExpr { kind: TypeExprKind::Infer, span }, |it| self.ty(&it));
            }
            ast::Type::TupleType(it) => {
                TypeExprKind::Tuple(it.parts().map(|part| self.ty(&part)).collect())
            }
            ast::Type::RecordType(it) => self.record_type(it),
            ast::Type::FnType(it) => self.fn_type(it, span),
            ast::Type::PathType(it) => self.path_type(it, span),
            ast::Type::UnionType(it) => {
                TypeExprKind::Union(it.parts().map(|part| self.ty(&part)).collect())
            }
            ast::Type::ArrayType(it) => TypeExprKind::Array(self.inner_type(it.element(), span)),
            ast::Type::CodeType(it) => TypeExprKind::Code(self.inner_type(it.ty(), span)),
        };
        TypeExpr { kind, span }
    }

    fn inner_type(&mut self, ty: Option<ast::Type>, span: Span) -> Box<TypeExpr> {
        let ty = ty.map(|ty| self.ty(&ty));
        Box::new(ty.unwrap_or(TypeExpr { kind: TypeExprKind::Infer, span }))
    }

    fn record_type(&mut self, ty: &ast::RecordType) -> TypeExprKind {
        let mut fields: Vec<(SmolStr, TypeExpr)> = Vec::new();
        let mut names = FxHashSet::default();
        for field in ty.fields() {
            let (Some(name), Some(ty)) = (field.name(), field.ty()) else { continue };
            if !names.insert(SmolStr::new(name.text())) {
                self.duplicate_field(&name);
                continue;
            }
            fields.push((name.text().into(), self.ty(&ty)));
        }
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        TypeExprKind::Record(fields)
    }

    fn fn_type(&mut self, ty: &ast::FnType, span: Span) -> TypeExprKind {
        let params = ty.params().iter().map(|param| self.ty(param)).collect();
        let ret = ty.ret().map(|ret| self.ty(&ret));
        let ret = ret.unwrap_or(TypeExpr { kind: TypeExprKind::Infer, span });
        TypeExprKind::Func(params, Box::new(ret))
    }

    /// A type parameter, or a name nobody knows: that is inferred, with a warning.
    fn path_type(&mut self, ty: &ast::PathType, span: Span) -> TypeExprKind {
        let segments: Vec<SyntaxToken> = ty.segments().collect();
        let found = match segments.as_slice() {
            [] => FoundType::Nothing,
            [name] => {
                let name = name.text();
                if name.len() == 1 && name.starts_with(|c: char| c.is_ascii_lowercase()) {
                    return TypeExprKind::Param(name.into());
                }
                match self.find_type(name) {
                    FoundType::Nothing => {
                        self.unknown_type(name, span);
                        return TypeExprKind::Infer;
                    }
                    found => found,
                }
            }
            [.., name] => match self.find_type_path(&segments) {
                PathFound::Found(found) => found,
                PathFound::NoMember(module) => {
                    self.no_member(module, name, "type");
                    FoundType::Nothing
                }
                PathFound::NoModule => {
                    self.no_module(&segments);
                    FoundType::Nothing
                }
            },
        };
        match found {
            FoundType::Known(kind, visibility, declared) => {
                if visibility == Visibility::Private {
                    self.exposed(&segments, span, declared);
                }
                kind
            }
            FoundType::Private(private) => {
                self.private(&private, span);
                TypeExprKind::Infer
            }
            FoundType::Nothing => TypeExprKind::Infer,
        }
    }

    /// A private type in the signature of a public function; only the first is reported.
    fn exposed(&mut self, path: &[SyntaxToken], span: Span, declared: Span) {
        let (Some(function), Some(name)) = (self.exposing.take(), path.last()) else { return };
        let message = format!("`{function}` is public, but the type `{}` is private", name.text());
        let error = Diagnostic::error("private-type", span, message);
        let error = error.also(declared, "declared here");
        self.report(error.help("write `pub` in front of the type too, or leave it out here"));
    }

    /// What to write when a type stands where a value is needed.
    pub(super) fn type_hint(&self, name: &str) -> Option<String> {
        if matches!(name, "float" | "string" | "int") {
            return Some(format!("`{name}` is a type; types stand behind `:` and `->`"));
        }
        let FoundType::Known(kind, ..) = self.find_type(name) else { return None };
        let TypeExprKind::Named(id) = kind else {
            return Some(format!("`{name}` is a type; types stand behind `:` and `->`"));
        };
        let variants = &self.program.types.get(id)?.variants;
        let names: Vec<String> = variants.iter().map(|it| format!("`{}`", it.name)).collect();
        Some(format!("`{name}` is a type; its values are made by {}", names.join(", ")))
    }

    fn unknown_type(&mut self, name: &str, span: Span) {
        if self.may_be_foreign(name) {
            return;
        }
        let message = format!("there is no type `{name}`; it is inferred");
        let warning = Diagnostic::warning("unknown-type", span, message);
        if let Some((of, _)) = self.constructor(name)
            && let Some(of) = self.program.types.get(of).map(|def| def.name.clone())
        {
            let help = format!("`{name}` is a constructor; its type is `{of}`");
            return self.report(warning.help(help));
        }
        if self.has_said_enough() {
            return self.report(warning);
        }
        let known = ["float", "string", "int"].into_iter();
        let near = nearest(name, known.chain(self.modules.type_names())).map(str::to_owned);
        self.report(match near {
            Some(near) => warning.help(format!("did you mean `{near}`?")),
            None => warning.help("write a known type, as `float`, or leave it out"),
        });
    }
}
