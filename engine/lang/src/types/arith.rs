//! Calls of built-ins: numbers, arithmetic on tuples, `mem` and `delay`.

#![expect(clippy::wildcard_enum_match_arm, reason = "only a few kinds are special at each place")]

use super::call::CallSite;
use super::error::{MAX_DELAY, MAX_SPREAD, TypeError, Why};
use super::infer::Checker;
use super::signature;
use super::ty::{Func, Ty};
use crate::builtins::Builtin;
use crate::diag::Diagnostic;
use crate::hir::{ExprId, ExprKind, Stage};
use crate::source::Span;

impl Checker<'_, '_> {
    /// The type of a call of a built-in by name or by operator.
    pub(super) fn builtin_call(&mut self, site: CallSite<'_>, builtin: Builtin) -> Ty {
        if let Some(written) = builtin.written_type() {
            let ty = signature::read(written, &mut self.table);
            self.exprs[site.callee] = Some(ty.clone());
            let found = self.arguments(site.args);
            let Ty::Func(func) = ty else { return Ty::Error };
            if builtin == Builtin::ScheduleAt && !self.can_be_scheduled(site, &found) {
                return Ty::Error;
            }
            if let Builtin::SplitHead | Builtin::SplitTail = builtin {
                self.split_of_nothing(site);
            }
            let before = self.diags.error_count();
            let result = self.apply(site, &func, &found);
            let result = match builtin {
                Builtin::Control => self.control_code(result),
                Builtin::HostPeak => self.peak_of(site, &func, result),
                _ => result,
            };
            // What a wrong argument would make of the result says nothing.
            return if self.diags.error_count() > before { Ty::Error } else { result };
        }
        self.exprs[site.callee] =
            Some(Ty::func(Ty::pack(vec![Ty::Number; builtin.arity()]), Ty::Number));
        let mut types: Vec<Ty> = site.args.iter().map(|arg| self.expr(*arg)).collect();
        let mut places: Vec<Span> = site.args.iter().map(|arg| self.span(*arg)).collect();
        if let ([only], [place]) = (&types[..], &places[..])
            && builtin.arity() > 1
            && let Ty::Tuple(parts) = self.table.resolve(only)
        {
            (places, types) = (vec![*place; parts.len()], parts.to_vec());
        }
        if let Builtin::Delay = builtin {
            self.delay_max(site);
        }
        match (builtin, &types[..], &places[..]) {
            (Builtin::Add | Builtin::Sub | Builtin::Mult | Builtin::Div, [a, b], [at, bt]) => {
                let op = self.written(site, builtin);
                self.arithmetic(site, op, (a, *at), (b, *bt))
            }
            (Builtin::Eq | Builtin::Ne, [a, b], [at, bt])
                if self.is_string(a) || self.is_string(b) =>
            {
                let (expected, found, at, other) =
                    if self.is_string(a) { (a, b, *bt, *at) } else { (b, a, *at, *bt) };
                self.expect(expected, found, at, Why::Operand(other));
                Ty::Number
            }
            (builtin, [one], _) if builtin.arity() == 1 => self.unary(site, one),
            (
                Builtin::Modulo
                | Builtin::Pow
                | Builtin::Eq
                | Builtin::Ne
                | Builtin::Lt
                | Builtin::Le
                | Builtin::Gt
                | Builtin::Ge
                | Builtin::And
                | Builtin::Or,
                [a, b],
                [at, bt],
            ) => {
                self.operands(self.written(site, builtin), [(a, *at), (b, *bt)]);
                Ty::Number
            }
            (builtin, types, places) if types.len() == builtin.arity() => {
                let why = Why::Argument(self.span(site.callee));
                for (ty, at) in types.iter().zip(places) {
                    self.expect(&Ty::Number, ty, *at, why);
                }
                Ty::Number
            }
            (builtin, types, _) => {
                let error = TypeError::ArgumentCount {
                    callee: Some(builtin.name().into()),
                    wanted: builtin.arity(),
                    given: types.len(),
                    at: self.span(site.call),
                    declared: None,
                    hint: self.count_hint(site, None, types.len() < builtin.arity()),
                };
                self.report(error);
                Ty::Error
            }
        }
    }

    /// What is split has no elements as it is written. Macro code says so when it runs.
    fn split_of_nothing(&mut self, site: CallSite<'_>) {
        let Some(array) = site.args.first() else { return };
        let empty =
            matches!(&self.program.exprs[*array].kind, ExprKind::Array(of) if of.is_empty());
        if empty && self.program.exprs[site.call].stage == Stage::Audio {
            let message = "an empty array is split here: it gives zero and an empty array";
            self.diagnose(Diagnostic::warning("empty-array", self.span(site.call), message));
        }
    }

    /// `f@time` takes the function itself; its call is the usual slip.
    fn can_be_scheduled(&mut self, site: CallSite<'_>, found: &[Ty]) -> bool {
        let ([_, task], [_, place]) = (found, site.args) else { return true };
        let task = self.table.zonk(task);
        if matches!(task, Ty::Func(_) | Ty::Var(_) | Ty::Error) {
            return true;
        }
        let message = format!("`@` schedules a function, not {}", self.show(&task));
        let mut error = Diagnostic::error("type-mismatch", self.span(*place), message);
        if let ExprKind::Call { .. } = self.program.exprs[*place].kind {
            error = error.help("write the function without calling it, as f@time");
        }
        self.diagnose(error.help("something short is written | | { .. } @ time"));
        false
    }

    /// A control's initial value may be quoted; it is a control all the same.
    fn control_code(&mut self, result: Ty) -> Ty {
        match self.table.resolve(&result) {
            Ty::Code(of) => match self.table.resolve(&of) {
                inner @ Ty::Code(_) => inner,
                _ => result,
            },
            _ => result,
        }
    }

    /// Only numbers and tuples of them have a peak.
    fn peak_of(&mut self, site: CallSite<'_>, func: &Func, result: Ty) -> Ty {
        let at = self.span(site.args.first().copied().unwrap_or(site.call));
        let found = self.table.resolve(&func.arg);
        if self.numeric(Builtin::HostPeak.name(), &found, at) { result } else { Ty::Error }
    }

    fn unary(&mut self, site: CallSite<'_>, found: &Ty) -> Ty {
        match self.table.resolve(found) {
            tuple @ Ty::Tuple(_) => self.spread(site, &tuple),
            one @ (Ty::Number
            | Ty::Int
            | Ty::Str
            | Ty::Unit
            | Ty::Record(_)
            | Ty::Func(_)
            | Ty::Array(_)
            | Ty::Code(_)
            | Ty::Variant(..)
            | Ty::Union(_)
            | Ty::Var(_)
            | Ty::Error) => {
                let func = Func { arg: Ty::Number, ret: Ty::Number, names: None };
                self.apply(site, &func, &[one])
            }
        }
    }

    /// The name or sign by which the program calls it.
    fn written(&self, site: CallSite<'_>, builtin: Builtin) -> &'static str {
        let first = site.args.first().map_or(0, |arg| self.span(*arg).start);
        let named = site.args.len() == 1 || self.span(site.callee).start < first;
        if named { builtin.name() } else { operator(builtin) }
    }

    /// Both operands must be numbers; one message for both.
    fn operands(&mut self, op: &'static str, operands: [(&Ty, Span); 2]) {
        for (ty, at) in operands {
            if self.table.unify(&Ty::Number, ty).is_err() {
                let found = self.table.zonk(ty);
                return self.report(TypeError::OnlyNumbers { op, found, at });
            }
        }
    }

    fn is_string(&self, ty: &Ty) -> bool {
        matches!(self.table.resolve(ty), Ty::Str)
    }

    /// `delay` needs its line's length before the program runs.
    fn delay_max(&mut self, site: CallSite<'_>) {
        let max = match (site.args, site.args.first().map(|arg| &self.program.exprs[*arg].kind)) {
            ([_], Some(ExprKind::Tuple(parts))) => parts.first().copied(),
            ([_, ..], _) => site.args.first().copied(),
            ([], _) => None,
        };
        let Some(max) = max else { return };
        let at = self.span(max);
        let ok = |value: f64| (0.0..MAX_DELAY + 1.0).contains(&value);
        let kind = &self.program.exprs[max].kind;
        let value = self.plain_number(max);
        let literal = matches!(kind, ExprKind::Number(_));
        let good = literal && value.is_some_and(ok);
        // What is spliced is known when the program is expanded.
        if !good && !matches!(kind, ExprKind::Error | ExprKind::Splice(_)) {
            self.report(TypeError::DelayMax { at, value });
        }
    }

    /// The value of a number as it is written, perhaps with a minus.
    fn plain_number(&self, expr: ExprId) -> Option<f64> {
        let program = self.program;
        if let ExprKind::Number(value) = &program.exprs[expr].kind {
            return Some(*value);
        }
        if let ExprKind::Call { callee, args } = &program.exprs[expr].kind
            && let ExprKind::Builtin(Builtin::Sub) = program.exprs[*callee].kind
            && let [zero, value] = args.as_slice()
            && let (ExprKind::Number(zero_value), ExprKind::Number(value)) =
                (&program.exprs[*zero].kind, &program.exprs[*value].kind)
            && self.span(*zero) == self.span(*callee)
        {
            return Some(zero_value - value);
        }
        None
    }

    /// `a op b` for `+ - * /`: numbers, equal shapes, or a number with a tuple.
    fn arithmetic(
        &mut self,
        site: CallSite<'_>,
        op: &'static str,
        a: (&Ty, Span),
        b: (&Ty, Span),
    ) -> Ty {
        let (left, right) = (self.table.resolve(a.0), self.table.resolve(b.0));
        let good = [self.numeric(op, &left, a.1), self.numeric(op, &right, b.1)];
        // Of macro code that went wrong it is not even known whether it is code.
        let macro_code = self.program.exprs[site.call].stage == Stage::Macro;
        let unknown = macro_code && (left == Ty::Error || right == Ty::Error);
        if good != [true, true] || unknown {
            return Ty::Error;
        }
        let at = self.span(site.call);
        let result = self.shape(site, op, (&left, a.1), (&right, b.1), at);
        self.numbers(&result);
        result
    }

    /// The result type of arithmetic on two operands that were found numeric.
    fn shape(
        &mut self,
        site: CallSite<'_>,
        op: &'static str,
        a: (&Ty, Span),
        b: (&Ty, Span),
        at: Span,
    ) -> Ty {
        let (left, right) = (a.0.clone(), b.0.clone());
        match (&left, &right) {
            (Ty::Tuple(_), Ty::Tuple(_)) => self.same_shape(op, (&left, a.1), (&right, b.1), at),
            (Ty::Var(_), Ty::Tuple(_)) if self.is_self(site.args.first()) => {
                self.expect(&left, &right, at, Why::Operand(b.1));
                right
            }
            (Ty::Tuple(_), Ty::Var(_)) if self.is_self(site.args.last()) => {
                self.expect(&right, &left, at, Why::Operand(a.1));
                left
            }
            (Ty::Tuple(_), _) => {
                self.expect(&Ty::Number, &right, b.1, Why::Operand(a.1));
                left
            }
            (_, Ty::Tuple(_)) => {
                self.expect(&Ty::Number, &left, a.1, Why::Operand(b.1));
                right
            }
            (
                Ty::Number
                | Ty::Int
                | Ty::Str
                | Ty::Unit
                | Ty::Record(_)
                | Ty::Func(_)
                | Ty::Array(_)
                | Ty::Code(_)
                | Ty::Variant(..)
                | Ty::Union(_)
                | Ty::Var(_)
                | Ty::Error,
                _,
            ) => {
                self.expect(&Ty::Number, &left, a.1, Why::Operand(b.1));
                self.expect(&Ty::Number, &right, b.1, Why::Operand(a.1));
                Ty::Number
            }
        }
    }

    /// Leaves whose type is still open become numbers.
    fn numbers(&mut self, ty: &Ty) {
        let mut todo = vec![self.table.resolve(ty)];
        while let Some(part) = todo.pop() {
            match self.table.resolve(&part) {
                Ty::Tuple(parts) => todo.extend(parts.iter().cloned()),
                leaf @ (Ty::Number
                | Ty::Int
                | Ty::Str
                | Ty::Unit
                | Ty::Record(_)
                | Ty::Func(_)
                | Ty::Array(_)
                | Ty::Code(_)
                | Ty::Variant(..)
                | Ty::Union(_)
                | Ty::Var(_)
                | Ty::Error) => {
                    let number = self.table.unify(&Ty::Number, &leaf);
                    debug_assert!(number.is_ok(), "checked by `numeric`");
                }
            }
        }
    }

    fn is_self(&self, arg: Option<&ExprId>) -> bool {
        arg.is_some_and(|arg| matches!(self.program.exprs[*arg].kind, ExprKind::SelfValue(_)))
    }

    /// Whether every leaf is, or may become, a number; one message an operand.
    fn numeric(&mut self, op: &'static str, ty: &Ty, at: Span) -> bool {
        let mut todo = vec![self.table.resolve(ty)];
        while let Some(part) = todo.pop() {
            match self.table.resolve(&part) {
                Ty::Number | Ty::Error => {}
                Ty::Var(var) if !self.table.rows.contains_key(&var) => {}
                Ty::Tuple(parts) if parts.len() <= MAX_SPREAD => todo.extend(parts.iter().cloned()),
                Ty::Tuple(parts) => {
                    self.report(TypeError::TooLong { length: parts.len(), at });
                    return false;
                }
                Ty::Int
                | Ty::Str
                | Ty::Unit
                | Ty::Record(_)
                | Ty::Func(_)
                | Ty::Array(_)
                | Ty::Code(_)
                | Ty::Variant(..)
                | Ty::Union(_)
                | Ty::Var(_) => {
                    let found = self.table.zonk(ty);
                    self.report(TypeError::NotNumeric { op, found, at });
                    return false;
                }
            }
        }
        true
    }

    /// Two tuples leaf by leaf; both were found numeric.
    fn same_shape(
        &mut self,
        op: &'static str,
        (left, left_at): (&Ty, Span),
        (right, right_at): (&Ty, Span),
        at: Span,
    ) -> Ty {
        if self.agree(left, right) {
            return left.clone();
        }
        let (left, right) = (self.table.zonk(left), self.table.zonk(right));
        self.report(TypeError::ShapesDiffer { op, left, right, at, places: [left_at, right_at] });
        Ty::Error
    }

    fn agree(&mut self, left: &Ty, right: &Ty) -> bool {
        match (self.table.resolve(left), self.table.resolve(right)) {
            (Ty::Tuple(xs), Ty::Tuple(ys)) => {
                xs.len() == ys.len() && xs.iter().zip(ys.iter()).all(|(x, y)| self.agree(x, y))
            }
            (Ty::Tuple(_), Ty::Number) | (Ty::Number, Ty::Tuple(_)) => false,
            (known @ Ty::Tuple(_), other) | (other, known @ Ty::Tuple(_)) => {
                self.table.unify(&known, &other).is_ok()
            }
            (x, y) => {
                self.table.unify(&x, &Ty::Number).is_ok()
                    && self.table.unify(&y, &Ty::Number).is_ok()
            }
        }
    }
}

/// How the program writes it.
fn operator(builtin: Builtin) -> &'static str {
    let signs = [
        (Builtin::Add, "+"),
        (Builtin::Sub, "-"),
        (Builtin::Mult, "*"),
        (Builtin::Div, "/"),
        (Builtin::Modulo, "%"),
        (Builtin::Pow, "^"),
        (Builtin::Eq, "=="),
        (Builtin::Ne, "!="),
        (Builtin::Lt, "<"),
        (Builtin::Le, "<="),
        (Builtin::Gt, ">"),
        (Builtin::Ge, ">="),
        (Builtin::And, "&&"),
        (Builtin::Or, "||"),
    ];
    signs.into_iter().find(|(known, _)| *known == builtin).map_or(builtin.name(), |(_, sign)| sign)
}
