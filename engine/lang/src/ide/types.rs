//! Types by place, from the compiler's own passes.

use std::ops::Range;

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::library::Library;
use crate::diag::Diagnostics;
use crate::hir::{BindingId, ExprId};
use crate::names;
use crate::source::SourceMap;
use crate::syntax::Parse;
use crate::syntax::ast::{self, Node};
use crate::types::ty::{Func, Ty};
use crate::types::{self, Typed};

/// The types of a text.
#[derive(Debug)]
pub(super) struct Types {
    typed: Typed,
    /// Names by their module (empty for the text itself) and the offset of their definition.
    bindings: FxHashMap<SmolStr, FxHashMap<u32, BindingId>>,
    /// Expressions by their place.
    exprs: FxHashMap<(u32, u32), ExprId>,
}

impl Types {
    /// The types of a text and of what it uses of the library.
    pub(super) fn of(parse: &Parse, text: &str, library: &Library) -> Self {
        let mut diags = Diagnostics::new();
        let mut sources = SourceMap::new();
        let file = sources.add("", text);
        debug_assert_eq!(file, parse.file(), "the first text has the first number");
        let program = names::resolve_files(parse, library, &mut sources, &mut diags);
        let typed = types::check(program, &mut diags);
        let mut bindings: FxHashMap<SmolStr, FxHashMap<u32, BindingId>> = FxHashMap::default();
        for (id, binding) in typed.program.bindings.iter() {
            let name = sources.name(binding.span.file);
            if !bindings.contains_key(name) {
                bindings.insert(name.into(), FxHashMap::default());
            }
            if let Some(places) = bindings.get_mut(name) {
                places.insert(binding.span.start, id);
            }
        }
        // Of expressions at one place the last one is what is written there; others are made of it.
        let mut exprs = FxHashMap::default();
        for (id, expr) in typed.program.exprs.iter().filter(|(_, it)| it.span.file == file) {
            if typed.exprs.get(id).is_some_and(Option::is_some) {
                exprs.insert((expr.span.start, expr.span.end), id);
            }
        }
        Self { typed, bindings, exprs }
    }

    /// The type of the name defined at an offset.
    pub(super) fn of_name(&self, at: u32) -> Option<Ty> {
        self.of_member("", at)
    }

    /// The type of the name defined at an offset of a module, if the text uses it.
    pub(super) fn of_member(&self, module: &str, at: u32) -> Option<Ty> {
        let binding = self.bindings.get(module)?.get(&at)?;
        let scheme = self.typed.bindings.get(*binding)?.as_ref()?;
        (scheme.ty != Ty::Error).then(|| scheme.ty.clone())
    }

    /// In the words of the language.
    pub(super) fn show(&self, ty: &Ty) -> String {
        self.typed.show(ty)
    }

    /// The types of a function's parameters, if there are `count`, and of its result.
    pub(super) fn signature(&self, ty: &Ty, count: usize) -> Option<(Vec<Ty>, Ty)> {
        let Ty::Func(func) = ty else { return None };
        let Func { arg, ret, .. } = func.as_ref();
        let params = match arg {
            Ty::Unit if count == 0 => Vec::new(),
            Ty::Tuple(parts) if count == parts.len() && count > 1 => parts.to_vec(),
            one if count == 1 => vec![one.clone()],
            _ => return None,
        };
        Some((params, ret.clone()))
    }

    /// The type of what is written here, also in a text that is not finished.
    pub(super) fn of_expr(
        &self,
        expr: &ast::Expr,
        name: &dyn Fn(u32) -> Option<u32>,
    ) -> Option<Ty> {
        if let Some(ty) = self.at(super::index::range(expr.syntax())) {
            return Some(ty);
        }
        match expr {
            ast::Expr::PathExpr(path) => {
                let mention = path.plain()?.text_range().start().into();
                self.of_name(name(mention)?)
            }
            ast::Expr::ParenExpr(inner) => self.of_expr(&inner.expr()?, name),
            ast::Expr::FieldExpr(field) => {
                let base = self.of_expr(&field.base()?, name)?;
                let wanted = field.name()?;
                let fields = self.fields(&base).into_iter();
                fields.into_iter().find(|(name, _)| name == wanted.text()).map(|(_, ty)| ty)
            }
            ast::Expr::CallExpr(call) => match self.of_expr(&call.callee()?, name)? {
                Ty::Func(func) => Some(func.ret.clone()),
                _ => None,
            },
            _ => None,
        }
    }

    /// The type of the expression that fills a range.
    pub(super) fn at(&self, range: Range<u32>) -> Option<Ty> {
        let id = self.exprs.get(&(range.start, range.end))?;
        let ty = self.typed.type_of(*id);
        (ty != Ty::Error).then_some(ty)
    }

    /// Fields of a record, elements of a tuple: name and type.
    pub(super) fn fields(&self, ty: &Ty) -> Vec<(String, Ty)> {
        match ty {
            Ty::Record(fields) => {
                fields.iter().map(|(name, ty)| (name.to_string(), ty.clone())).collect()
            }
            Ty::Var(var) => {
                let fields = self.typed.rows.get(var).into_iter().flat_map(|fields| fields.iter());
                fields.map(|(name, ty)| (name.to_string(), ty.clone())).collect()
            }
            Ty::Tuple(parts) => parts
                .iter()
                .enumerate()
                .map(|(index, ty)| (index.to_string(), ty.clone()))
                .collect(),
            _ => Vec::new(),
        }
    }
}
