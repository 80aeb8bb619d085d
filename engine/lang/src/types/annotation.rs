//! Written types: `float`, `(a, b) -> a` and so on, turned into [`Ty`].

use std::sync::Arc;

use smol_str::SmolStr;

use super::infer::Checker;
use super::ty::Ty;
use crate::hir::{TypeExpr, TypeExprKind};

impl Checker<'_, '_> {
    /// The type an annotation says. Lower-case letters are parameters of the signature around it.
    pub(super) fn annotation(&mut self, written: &TypeExpr) -> Ty {
        match &written.kind {
            TypeExprKind::Float => Ty::Number,
            TypeExprKind::Int => Ty::Int,
            TypeExprKind::Str => Ty::Str,
            TypeExprKind::Unit => Ty::Unit,
            TypeExprKind::Tuple(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| self.annotation(part)).collect();
                Ty::tuple(parts)
            }
            TypeExprKind::Record(fields) => {
                let fields: Vec<_> =
                    fields.iter().map(|(name, ty)| (name.clone(), self.annotation(ty))).collect();
                Ty::record(fields)
            }
            TypeExprKind::Func(params, ret) => {
                let params = params.iter().map(|param| self.annotation(param)).collect();
                let ret = self.annotation(ret);
                Ty::func(Ty::pack(params), ret)
            }
            TypeExprKind::Array(of) => Ty::Array(Arc::new(self.annotation(of))),
            TypeExprKind::Code(of) => Ty::Code(Arc::new(self.annotation(of))),
            TypeExprKind::Union(members) => {
                let members: Vec<_> = members.iter().map(|it| self.annotation(it)).collect();
                self.union(members)
            }
            TypeExprKind::Named(id) => self.declared(*id),
            TypeExprKind::Alias(id) => self.alias(*id, written.span),
            TypeExprKind::Param(letter) => self.type_param(letter),
            TypeExprKind::Infer => self.table.fresh(),
        }
    }

    fn type_param(&mut self, letter: &SmolStr) -> Ty {
        if let Some(ty) = self.frame().letters.get(letter) {
            return ty.clone();
        }
        let ty = self.table.fresh();
        self.frame().letters.insert(letter.clone(), ty.clone());
        ty
    }
}
