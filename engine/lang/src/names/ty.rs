//! Written types.

use smol_str::SmolStr;

use super::Resolve;
use super::suggest::nearest;
use crate::diag::Diagnostic;
use crate::hir::{TypeExpr, TypeExprKind};
use crate::source::Span;
use crate::syntax::SyntaxKind;
use crate::syntax::ast::{self, Node};

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
        for field in ty.fields() {
            let (Some(name), Some(ty)) = (field.name(), field.ty()) else { continue };
            if fields.iter().any(|(other, _)| other == name.text()) {
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
        let segments: Vec<_> = ty.segments().collect();
        let [name] = segments.as_slice() else {
            if !self.foreign_any {
                self.not_supported(span, "types from modules are");
            }
            return TypeExprKind::Infer;
        };
        let name = name.text();
        if name.len() == 1 && name.starts_with(|c: char| c.is_ascii_lowercase()) {
            return TypeExprKind::Param(name.into());
        }
        if let Some(known) = self.types.get(name) {
            return known.clone();
        }
        if !self.foreign_any {
            let message = format!("there is no type `{name}`; it is inferred");
            let warning = Diagnostic::warning("unknown-type", span, message);
            let known = ["float", "string", "int"].into_iter();
            let near = nearest(name, known.chain(self.types.keys().map(SmolStr::as_str)));
            self.report(match near {
                Some(near) => warning.help(format!("did you mean `{near}`?")),
                None => warning.help("write a known type, as `float`, or leave it out"),
            });
        }
        TypeExprKind::Infer
    }
}
