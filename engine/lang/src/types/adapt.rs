//! Places where the checker finds that the program means more than it says, and what it means, written out.
//! The changed program is checked again.
//!
//! *Functions that go where they will be called with a record* (language reference 3.4). A parameter `f` that is called as `f({b = 2, a = 1})` takes one record, whatever the function is that comes
//! in; the function `h(a, b)` takes two arguments in the order of its definition. So `h` becomes
//! `{ let it = h  |record| it(record) }` where it is given. The inner call is by name as any other: defaults
//! are filled in, fields that nobody needs are left out.
//!
//! *Branches that schedule, beside others that give a number* (language reference 10.1):
//! `if (c) { f@t } else { 0 }`. Scheduling gives no value of its own; here it gives 0.

use smol_str::SmolStr;

use super::error::Why;
use super::infer::Checker;
use super::ty::{Fields, Func, Ty};
use crate::builtins::Builtin;
use crate::diag::Diagnostic;
use crate::hir::{
    Binding, BindingId, BindingKind, Expr, ExprId, ExprKind, Lambda, LambdaId, Param, Pattern,
    Program, Stmt, TypeExpr, TypeExprKind,
};
use crate::source::Span;

/// An expression that means more than it says.
#[derive(Clone, Debug)]
pub(super) enum Adapter {
    /// A function of several parameters where one that takes a record is needed.
    Record {
        /// The function.
        value: ExprId,
        /// Fields of the record.
        fields: Vec<SmolStr>,
        /// The innermost function around the place.
        around: Option<LambdaId>,
    },
    /// It schedules, and gives 0.
    Zero(ExprId),
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
        let Some(pairs) = self.named(given, fields, parts) else {
            return self.other_names(given, fields, parts, at, why);
        };
        let mut agree = true;
        for (wanted, own) in pairs {
            agree = agree && self.expect(&own, &wanted, at, why);
        }
        agree = agree && self.expect(&wanted.ret, &given.ret, at, why);
        let fields = fields.iter().map(|(name, _)| name.clone()).collect();
        self.adapters.push(Adapter::Record { value, fields, around: self.around() });
        Some(agree)
    }

    /// Whether the last thing that an expression does is to schedule; its value is then 0 if a number is
    /// needed.
    pub(super) fn may_be_zero(&self, mut id: ExprId) -> bool {
        while let ExprKind::Block { value: Some(value), .. } = &self.program.exprs[id].kind {
            id = *value;
        }
        let ExprKind::Call { callee, .. } = &self.program.exprs[id].kind else { return false };
        matches!(self.program.exprs[*callee].kind, ExprKind::Builtin(Builtin::ScheduleAt))
    }

    /// Lets an expression that schedules give 0.
    pub(super) fn give_zero(&mut self, id: ExprId) {
        self.adapters.push(Adapter::Zero(id));
    }

    /// Says that the function has parameters of other names; none if it has no names at all.
    fn other_names(
        &mut self,
        given: &Func,
        fields: &Fields,
        parts: &[Ty],
        at: Span,
        why: Why,
    ) -> Option<bool> {
        let params = &self.program.lambdas.get(given.names?)?.params;
        if params.len() != parts.len() {
            return None;
        }
        let list = |names: &mut dyn Iterator<Item = &SmolStr>| {
            names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ")
        };
        let fields = list(&mut fields.iter().map(|(name, _)| name));
        let params =
            list(&mut params.iter().map(|param| &self.program.bindings[param.binding].name));
        let message = format!(
            "the function is called with a record of {fields}, and its parameters are {params}"
        );
        let error = Diagnostic::error("type-mismatch", at, message);
        self.diagnose(match why.words() {
            Some((span, words)) => error.also(span, words),
            None => error,
        });
        Some(false)
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
        match adapter {
            Adapter::Record { value, fields, around } => {
                pass_record(&mut program, *value, fields, *around);
            }
            Adapter::Zero(value) => then_zero(&mut program, *value),
        }
    }
    program
}

/// `value` becomes `{ value  0 }`.
fn then_zero(program: &mut Program, value: ExprId) {
    let Some(inner) = program.exprs.get(value).cloned() else { return };
    let zero = Expr { kind: ExprKind::Number(0.0), ..inner.clone() };
    let (inner, zero) = (program.exprs.push(inner), program.exprs.push(zero));
    program.exprs[value].kind =
        ExprKind::Block { stmts: vec![Stmt::Expr(inner)], value: Some(zero) };
}

/// `value` becomes `{ let it = value  |record: {fields}| it(record) }`.
fn pass_record(program: &mut Program, value: ExprId, fields: &[SmolStr], around: Option<LambdaId>) {
    let Some(Expr { kind, span, stage }) = program.exprs.get(value).cloned() else { return };
    let add = |program: &mut Program, kind| program.exprs.push(Expr { kind, span, stage });
    let function = add(program, kind);
    let bind = |program: &mut Program, name: &str, kind, owner| -> BindingId {
        let captured = kind == BindingKind::Local;
        let (name, assigned) = (SmolStr::new(name), false);
        program.bindings.push(Binding { name, span, kind, stage, assigned, captured, owner })
    };
    let it = bind(program, "it", BindingKind::Local, around);
    let body = add(program, ExprKind::Error);
    let lambda = program.lambdas.push(Lambda {
        name: None,
        params: Vec::new(),
        ret: None,
        body,
        uses_self: false,
        parent: around,
        captures: vec![it],
        span,
    });
    let record = bind(program, "record", BindingKind::Param, Some(lambda));
    let fields = fields.iter().map(|name| {
        let ty = TypeExpr { kind: TypeExprKind::Infer, span };
        (name.clone(), ty)
    });
    let ty = TypeExpr { kind: TypeExprKind::Record(fields.collect()), span };
    let callee = add(program, ExprKind::Var(it));
    let argument = add(program, ExprKind::Var(record));
    program.exprs[body].kind = ExprKind::Call { callee, args: vec![argument] };
    program.lambdas[lambda].params = vec![Param { binding: record, ty: Some(ty), default: None }];
    let result = Some(add(program, ExprKind::Lambda(lambda)));
    let stmts = vec![Stmt::Let { pattern: Pattern::Bind(it), ty: None, value: function }];
    program.exprs[value].kind = ExprKind::Block { stmts, value: result };
}
