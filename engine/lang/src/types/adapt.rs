//! Functions that go where they will be called with a record (language reference 3.4).
//!
//! A parameter `f` that is called as `f({b = 2, a = 1})` takes one record, whatever the function is that comes
//! in; the function `h(a, b)` takes two arguments in the order of its definition. So `h` becomes
//! `{ let it = h  |record| it(record) }` where it is given: the checker finds these places, the program is
//! changed, and checked again. The inner call is by name as any other: defaults are filled in, fields that
//! nobody needs are left out.

use smol_str::SmolStr;

use super::error::Why;
use super::infer::Checker;
use super::ty::{Fields, Func, Ty};
use crate::hir::{
    Binding, BindingId, BindingKind, Expr, ExprId, ExprKind, Lambda, LambdaId, Param, Pattern,
    Program, Stmt, TypeExpr, TypeExprKind,
};
use crate::source::Span;

/// A function of several parameters where one that takes a record is needed.
#[derive(Clone, Debug)]
pub(super) struct Adapter {
    /// The function.
    value: ExprId,
    /// Fields of the record.
    fields: Vec<SmolStr>,
    /// The innermost function around the place.
    around: Option<LambdaId>,
}

impl Checker<'_, '_> {
    /// Lets a function with named parameters stand for one that takes a record. None if this is no such
    /// place; else whether the types agree.
    pub(super) fn adapt(
        &mut self,
        (expected, found): (&Ty, &Ty),
        value: ExprId,
        at: Span,
        why: Why,
    ) -> Option<bool> {
        let (Ty::Func(wanted), Ty::Func(given)) = (expected, found) else { return None };
        let (arg, own) = (self.table.resolve(&wanted.arg), self.table.resolve(&given.arg));
        let (Ty::Record(fields), Ty::Tuple(parts)) = (&arg, &own) else { return None };
        let pairs = self.named(given, fields, parts)?;
        let mut agree = true;
        for (wanted, own) in pairs {
            agree = agree && self.expect(&own, &wanted, at, why);
        }
        agree = agree && self.expect(&wanted.ret, &given.ret, at, why);
        let fields = fields.iter().map(|(name, _)| name.clone()).collect();
        self.adapters.push(Adapter { value, fields, around: self.around() });
        Some(agree)
    }

    /// The types of the fields beside those of the parameters with their names, if a call by name is possible.
    fn named(&self, given: &Func, fields: &Fields, parts: &[Ty]) -> Option<Vec<(Ty, Ty)>> {
        let params = &self.program.lambdas.get(given.names?)?.params;
        if params.len() != parts.len() {
            return None;
        }
        let mut pairs = Vec::new();
        for (param, own) in params.iter().zip(parts) {
            let name = &self.program.bindings[param.binding].name;
            match fields.iter().find(|(field, _)| field == name) {
                Some((_, ty)) => pairs.push((ty.clone(), own.clone())),
                None if param.default.is_some() => {}
                None => return None,
            }
        }
        (!pairs.is_empty()).then_some(pairs)
    }
}

/// The program with its adapters written out.
pub(super) fn write_out(mut program: Program, adapters: &[Adapter]) -> Program {
    for adapter in adapters {
        write_one(&mut program, adapter);
    }
    program
}

fn write_one(program: &mut Program, adapter: &Adapter) {
    let Some(Expr { kind, span, stage }) = program.exprs.get(adapter.value).cloned() else {
        return;
    };
    let add = |program: &mut Program, kind| program.exprs.push(Expr { kind, span, stage });
    let function = add(program, kind);
    let bind = |program: &mut Program, name: &str, kind, owner| -> BindingId {
        let captured = kind == BindingKind::Local;
        let (name, assigned) = (SmolStr::new(name), false);
        program.bindings.push(Binding { name, span, kind, stage, assigned, captured, owner })
    };
    let it = bind(program, "it", BindingKind::Local, adapter.around);
    let body = add(program, ExprKind::Error);
    let lambda = program.lambdas.push(Lambda {
        name: None,
        params: Vec::new(),
        ret: None,
        body,
        uses_self: false,
        parent: adapter.around,
        captures: vec![it],
        span,
    });
    let record = bind(program, "record", BindingKind::Param, Some(lambda));
    let fields = adapter.fields.iter().map(|name| {
        let ty = TypeExpr { kind: TypeExprKind::Infer, span };
        (name.clone(), ty)
    });
    let ty = TypeExpr { kind: TypeExprKind::Record(fields.collect()), span };
    let callee = add(program, ExprKind::Var(it));
    let argument = add(program, ExprKind::Var(record));
    program.exprs[body].kind = ExprKind::Call { callee, args: vec![argument] };
    program.lambdas[lambda].params = vec![Param { binding: record, ty: Some(ty), default: None }];
    let value = Some(add(program, ExprKind::Lambda(lambda)));
    let stmts = vec![Stmt::Let { pattern: Pattern::Bind(it), ty: None, value: function }];
    program.exprs[adapter.value].kind = ExprKind::Block { stmts, value };
}
