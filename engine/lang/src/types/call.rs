//! The calling rules: positional, tuple, record by name, spreading over tuples.

use smol_str::SmolStr;

use super::error::{MAX_SPREAD, TypeError, Why};
use super::infer::Checker;
use super::ty::{Fields, Func, Ty};
use super::{CallPlan, ParamSource};
use crate::diag::Diagnostic;
use crate::hir::{ExprId, ExprKind, Lambda, LambdaId};
use crate::names::nearest;
use crate::source::Span;

/// The places a call's messages point at.
#[derive(Clone, Copy)]
pub(super) struct CallSite<'a> {
    pub(super) call: ExprId,
    pub(super) callee: ExprId,
    pub(super) args: &'a [ExprId],
}

impl Checker<'_, '_> {
    /// The type of a call.
    pub(super) fn call(&mut self, call: ExprId, callee: ExprId, args: &[ExprId]) -> Ty {
        let site = CallSite { call, callee, args };
        if let ExprKind::Builtin(builtin) = self.program.exprs[callee].kind {
            return self.builtin_call(site, builtin);
        }
        // In a pipe the argument is written in front of the function.
        let piped = args.first().is_some_and(|arg| self.span(*arg).start < self.span(callee).start);
        let outer = std::mem::replace(&mut self.piped_into, piped.then_some(callee));
        let callee_ty = self.expr(callee);
        self.piped_into = outer;
        let found = if self.unions
            && let Ty::Func(func) = self.table.resolve(&callee_ty)
        {
            self.arguments_for(site, &func)
        } else {
            self.arguments(args)
        };
        match self.table.resolve(&callee_ty) {
            Ty::Error => Ty::Error,
            Ty::Func(func) => self.apply(site, &func, &found),
            Ty::Var(var) if !self.table.rows.contains_key(&var) => {
                let ret = self.table.fresh();
                let wanted = Ty::func(Ty::pack(found), ret.clone());
                let at = self.span(callee);
                if self.expect(&callee_ty, &wanted, at, Why::Recursion) { ret } else { Ty::Error }
            }
            other @ (Ty::Number
            | Ty::Int
            | Ty::Str
            | Ty::Unit
            | Ty::Tuple(_)
            | Ty::Record(_)
            | Ty::Array(_)
            | Ty::Code(_)
            | Ty::Variant(..)
            | Ty::Union(_)
            | Ty::Var(_)) => {
                if piped && self.holds_error(callee) {
                    // What it would have been is not known.
                    return Ty::Error;
                }
                let found = self.table.zonk(&other);
                let at = self.span(callee);
                // Something stands between the callee and its `(`, or between that and what follows.
                let apart = match args.first() {
                    Some(first) => !piped && self.span(*first).start > at.end + 1,
                    None => self.span(call).end > at.end + 2,
                };
                self.report(TypeError::NotAFunction { found, at, piped, apart });
                Ty::Error
            }
        }
    }

    /// Whether a part of an expression, or a part of a part, was found wrong before.
    fn holds_error(&self, id: ExprId) -> bool {
        let mut wrong = false;
        self.program.exprs[id].kind.for_each_child(|child| {
            let part = &self.program.exprs[child].kind;
            wrong |= matches!(part, ExprKind::Error);
            part.for_each_child(|of| {
                wrong |= matches!(self.program.exprs[of].kind, ExprKind::Error)
            });
        });
        wrong
    }

    /// The types of arguments as written.
    pub(super) fn arguments(&mut self, args: &[ExprId]) -> Vec<Ty> {
        match args {
            [only] => vec![self.only_argument(*only)],
            several => several.iter().map(|arg| self.expr(*arg)).collect(),
        }
    }

    /// The types of arguments as written, for a function that is known: a member of a union may be part of
    /// what is written.
    fn arguments_for(&mut self, site: CallSite<'_>, func: &Func) -> Vec<Ty> {
        let arg = self.table.resolve(&func.arg);
        match (site.args, &arg) {
            (several @ [_, _, ..], Ty::Tuple(wanted)) if wanted.len() == several.len() => {
                let args = several.iter().zip(wanted.iter()).enumerate();
                let found = args.map(|(index, (id, wanted))| {
                    let why = self.parameter(site, func, index);
                    self.expr_for(*id, wanted, why)
                });
                found.collect()
            }
            ([only], _) if !matches!(self.program.exprs[*only].kind, ExprKind::Incomplete(_)) => {
                let why = self.parameter(site, func, 0);
                vec![self.expr_for(*only, &arg, why)]
            }
            _ => self.arguments(site.args),
        }
    }

    /// An argument that stands alone may leave fields out.
    fn only_argument(&mut self, arg: ExprId) -> Ty {
        let program = self.program;
        let ExprKind::Incomplete(fields) = &program.exprs[arg].kind else { return self.expr(arg) };
        let ty = self.incomplete_fields(fields);
        self.exprs[arg] = Some(ty.clone());
        ty
    }

    /// Applies a function type to the types of the arguments as written.
    pub(super) fn apply(&mut self, site: CallSite<'_>, func: &Func, found: &[Ty]) -> Ty {
        let arg = self.table.resolve(&func.arg);
        match found {
            [] => self.no_argument(site, &arg, func),
            [only] => self.one_argument(site, &arg, func, only),
            several => self.several_arguments(site, &arg, func, several),
        }
    }

    fn no_argument(&mut self, site: CallSite<'_>, arg: &Ty, func: &Func) -> Ty {
        if self.table.unify(arg, &Ty::Unit).is_err() {
            return self.wrong_count(site, arg, func, 0);
        }
        func.ret.clone()
    }

    fn several_arguments(&mut self, site: CallSite<'_>, arg: &Ty, func: &Func, found: &[Ty]) -> Ty {
        let why = Why::Argument(self.span(site.callee));
        match arg {
            Ty::Tuple(wanted) if wanted.len() == found.len() => {
                let args = wanted.iter().zip(found).zip(site.args).enumerate();
                // What a function is called with is known when the other arguments are.
                let (last, first): (Vec<_>, Vec<_>) =
                    args.partition(|(_, ((wanted, found), _))| self.waits(wanted, found));
                for (index, ((wanted, found), at)) in first.into_iter().chain(last) {
                    let why = self.parameter(site, func, index);
                    self.expect_value(wanted, found, *at, why);
                }
            }
            Ty::Var(_) => {
                let packed = Ty::pack(found.to_vec());
                self.expect(arg, &packed, self.span(site.call), why);
            }
            Ty::Error => {}
            Ty::Tuple(_)
            | Ty::Number
            | Ty::Int
            | Ty::Str
            | Ty::Unit
            | Ty::Record(_)
            | Ty::Func(_)
            | Ty::Array(_)
            | Ty::Code(_)
            | Ty::Variant(..)
            | Ty::Union(_) => return self.wrong_count(site, arg, func, found.len()),
        }
        func.ret.clone()
    }

    /// Whether an argument is a function of several parameters for one whose parameter is not known yet.
    fn waits(&self, wanted: &Ty, found: &Ty) -> bool {
        let (Ty::Func(wanted), Ty::Func(found)) =
            (self.table.resolve(wanted), self.table.resolve(found))
        else {
            return false;
        };
        let parameters = (self.table.resolve(&wanted.arg), self.table.resolve(&found.arg));
        matches!(parameters, (Ty::Var(_), Ty::Tuple(_)))
    }

    fn one_argument(&mut self, site: CallSite<'_>, arg: &Ty, func: &Func, found: &Ty) -> Ty {
        let at = site.args.first().map_or(self.span(site.call), |arg| self.span(*arg));
        let why = Why::Argument(self.span(site.callee));
        let found = self.table.resolve(found);
        match (arg, &found) {
            (Ty::Number, Ty::Tuple(_)) if self.table.unify(&func.ret, &Ty::Number).is_ok() => {
                return self.spread(site, &found);
            }
            (Ty::Tuple(wanted), Ty::Record(fields)) => {
                match func
                    .names
                    .filter(|names| self.program.lambdas[*names].params.len() == wanted.len())
                {
                    Some(names) => self.by_name(site, names, wanted, fields),
                    None => return self.no_names(site, arg, &found, func),
                }
            }
            (Ty::Tuple(wanted), Ty::Tuple(given)) if wanted.len() == given.len() => {
                self.elements(site, func, (wanted, given));
            }
            (Ty::Tuple(_), Ty::Tuple(given)) => {
                return self.wrong_count(site, arg, func, given.len());
            }
            (
                Ty::Tuple(_),
                Ty::Number
                | Ty::Str
                | Ty::Func(_)
                | Ty::Array(_)
                | Ty::Code(_)
                | Ty::Variant(..)
                | Ty::Union(_),
            ) => {
                return self.wrong_count(site, arg, func, 1);
            }
            (Ty::Unit, found) if !matches!(found, Ty::Unit | Ty::Var(_) | Ty::Error) => {
                return self.wrong_count(site, arg, func, 1);
            }
            (Ty::Record(wanted), Ty::Record(given)) if given.len() > wanted.len() => {
                if self.narrow(wanted, given, at, why) {
                    self.calls.insert(site.call, CallPlan::Narrow);
                }
            }
            (
                Ty::Number
                | Ty::Int
                | Ty::Str
                | Ty::Unit
                | Ty::Tuple(_)
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
                match site.args {
                    [only] => {
                        let why = self.parameter(site, func, 0);
                        self.expect_value(arg, &found, *only, why)
                    }
                    [] | [_, _, ..] => self.expect(arg, &found, at, why),
                };
            }
        }
        func.ret.clone()
    }

    /// A call by record of a function whose parameters have no names: only its type is written.
    fn no_names(&mut self, site: CallSite<'_>, arg: &Ty, found: &Ty, func: &Func) -> Ty {
        let at = site.args.first().map_or(self.span(site.call), |arg| self.span(*arg));
        let (wanted, shown) = (self.show(arg), self.show(found));
        let error =
            Diagnostic::error("type-mismatch", at, format!("expected {wanted}, found {shown}"));
        let error = error
            .label(format!("this is {shown}"))
            .also(
                self.span(site.callee),
                "nothing says what the parameters of this function are called",
            )
            .help("leave the function's type out, or give the arguments by position: f(1, 2)");
        self.diagnose(error);
        func.ret.clone()
    }

    /// Why an argument needs its type: its parameter if that stands in the same text, else the
    /// called function.
    fn parameter(&self, site: CallSite<'_>, func: &Func, index: usize) -> Why {
        let callee = self.span(site.callee);
        let lambda = func.names.and_then(|names| self.program.lambdas.get(names));
        let count = lambda.map_or(0, |lambda| lambda.params.len());
        // One parameter takes a whole tuple: it is why for each element.
        let index = if count == 1 { 0 } else { index };
        let param = lambda.and_then(|lambda| lambda.params.get(index));
        let binding = param.and_then(|param| self.program.bindings.get(param.binding));
        match binding.map(|binding| binding.span).filter(|span| span.file == callee.file) {
            Some(span) => Why::Parameter(span),
            None => Why::Argument(callee),
        }
    }

    /// Positional elements of a tuple argument, each with its own place if it is written out.
    fn elements(&mut self, site: CallSite<'_>, func: &Func, (wanted, given): (&[Ty], &[Ty])) {
        let Some(tuple) = site.args.first() else { return };
        let program = self.program;
        if let ExprKind::Tuple(parts) = &program.exprs[*tuple].kind {
            for (index, ((wanted, given), part)) in wanted.iter().zip(given).zip(parts).enumerate()
            {
                let why = self.parameter(site, func, index);
                self.expect_value(wanted, given, *part, why);
            }
            return;
        }
        let at = self.span(*tuple);
        for (index, (wanted, given)) in wanted.iter().zip(given).enumerate() {
            let why = self.parameter(site, func, index);
            self.expect(wanted, given, at, why);
        }
    }

    /// The function is applied to each number of a tuple; the result has the tuple's shape.
    pub(super) fn spread(&mut self, site: CallSite<'_>, tuple: &Ty) -> Ty {
        self.calls.insert(site.call, CallPlan::Spread);
        let at = site.args.first().copied().unwrap_or(site.call);
        self.leaves(tuple, at, Why::Argument(self.span(site.callee)))
    }

    /// `of` is the tuple, or what a part that is not written out belongs to.
    fn leaves(&mut self, ty: &Ty, of: ExprId, why: Why) -> Ty {
        let program = self.program;
        let at = self.span(of);
        match self.table.resolve(ty) {
            Ty::Tuple(parts) if parts.len() > MAX_SPREAD => {
                self.report(TypeError::TooLong { length: parts.len(), at });
                Ty::Error
            }
            Ty::Tuple(parts) => {
                let mut out = Vec::with_capacity(parts.len());
                for (index, part) in parts.iter().enumerate() {
                    let written = if let ExprKind::Tuple(written) = &program.exprs[of].kind {
                        written.get(index).copied()
                    } else {
                        None
                    };
                    out.push(self.leaves(part, written.unwrap_or(of), why));
                }
                Ty::tuple(out)
            }
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
                self.expect(&Ty::Number, &one, at, why);
                Ty::Number
            }
        }
    }

    /// A call with one record: parameters by name, defaults for the rest.
    fn by_name(&mut self, site: CallSite<'_>, names: LambdaId, wanted: &[Ty], fields: &Fields) {
        let program = self.program;
        let at = site.args.first().map_or(self.span(site.call), |arg| self.span(*arg));
        let callee = self.span(site.callee);
        let (mut sources, mut missing) = (Vec::new(), Vec::new());
        for (param, wanted) in program.lambdas[names].params.iter().zip(wanted) {
            let name = &program.bindings[param.binding].name;
            let declared = program.bindings[param.binding].span;
            let why = match declared.file == callee.file {
                true => Why::Parameter(declared),
                false => Why::Argument(callee),
            };
            match (fields.iter().find(|(field, _)| field == name), param.default) {
                (Some((field, ty)), _) => {
                    let place = self.field_span(site, name).unwrap_or(at);
                    match self.field_value(site, name) {
                        Some(value) => self.expect_value(wanted, ty, value, why),
                        None => self.expect(wanted, ty, place, why),
                    };
                    sources.push(ParamSource::Field(field.clone()));
                }
                (None, Some(default)) => {
                    sources.push(ParamSource::Default(default));
                }
                (None, None) => missing.push(name.clone()),
            }
        }
        if missing.is_empty() {
            self.misspelt_defaults(site, names, fields, at);
            self.plan_by_name(site.call, sources);
        } else {
            let declared = self.known.name_of(names);
            let declared = declared.and_then(|name| self.program.bindings.get(name));
            let declared = declared.map(|name| name.span);
            let misspelt = missing.first().and_then(|name| self.unused_like(names, fields, name));
            let callee = self.callee_name(site);
            self.report(TypeError::MissingArgument { callee, missing, at, declared, misspelt });
        }
    }

    /// A field that no parameter has, with a name nearly that of a parameter.
    fn unused_like(&self, names: LambdaId, fields: &Fields, wanted: &str) -> Option<SmolStr> {
        let params = &self.program.lambdas[names].params;
        let is_param =
            |field: &str| params.iter().any(|it| self.program.bindings[it.binding].name == field);
        let unused = fields.iter().map(|(field, _)| field.as_str()).filter(|it| !is_param(it));
        nearest(wanted, unused).map(SmolStr::new)
    }

    /// Fields that the function does not know are left out; one that is nearly a parameter with a
    /// default was meant to be it.
    fn misspelt_defaults(
        &mut self,
        site: CallSite<'_>,
        names: LambdaId,
        fields: &Fields,
        at: Span,
    ) {
        let program = self.program;
        for param in program.lambdas[names].params.iter().filter(|it| it.default.is_some()) {
            let name = &program.bindings[param.binding].name;
            if fields.iter().any(|(field, _)| field == name) {
                continue;
            }
            let Some(field) = self.unused_like(names, fields, name) else { continue };
            let who = self.callee_name(site).map_or("the function".into(), |it| format!("`{it}`"));
            let message = format!("{who} has no parameter `{field}`: the field is ignored");
            let place = self.field_span(site, &field).unwrap_or(at);
            let warning = Diagnostic::warning("ignored-field", place, message);
            self.diagnose(warning.help(format!("did you mean `{name}`?")));
        }
    }

    /// Where a field of a record argument is written, if it is written out.
    fn field_span(&self, site: CallSite<'_>, name: &SmolStr) -> Option<Span> {
        self.field_value(site, name).map(|value| self.span(value))
    }

    /// A field of a record argument, if it is written out.
    fn field_value(&self, site: CallSite<'_>, name: &SmolStr) -> Option<ExprId> {
        let record = &self.program.exprs[*site.args.first()?].kind;
        if let ExprKind::Record(fields) | ExprKind::Incomplete(fields) = record {
            let (_, value) = fields.iter().find(|(field, _)| field == name)?;
            return Some(*value);
        }
        None
    }

    /// A record with more fields than needed: those needed must agree.
    fn narrow(&mut self, wanted: &Fields, given: &Fields, at: Span, why: Why) -> bool {
        let mut fits = true;
        for (name, wanted_ty) in wanted.iter() {
            match given.iter().find(|(field, _)| field == name) {
                Some((_, ty)) => fits &= self.expect(wanted_ty, ty, at, why),
                None => {
                    fits = false;
                    let found = self.table.zonk(&Ty::Record(given.clone()));
                    let (field, why) = (name.clone(), Some(why));
                    self.report(TypeError::NoSuchField { field, found, at, why });
                }
            }
        }
        fits
    }

    /// Reports a wrong number of arguments. The result is not looked at any further.
    fn wrong_count(&mut self, site: CallSite<'_>, arg: &Ty, func: &Func, given: usize) -> Ty {
        let lambda = func.names.and_then(|names| self.program.lambdas.get(names));
        let unclear = func.names.is_some_and(|names| self.program.unclear.contains(&names));
        if unclear || lambda.is_some_and(|lambda| self.is_broken(lambda.span)) {
            return Ty::Error;
        }
        let name = func.names.and_then(|names| self.known.name_of(names));
        let name = name.and_then(|name| self.program.bindings.get(name));
        let constructor = self.made_by(site.callee);
        let variant = constructor.and_then(|(ty, index)| {
            self.program.types.get(ty)?.variants.get(index as usize).map(|variant| variant.span)
        });
        let declared = name.map(|name| name.span).or(variant);
        let hint = constructor.and_then(|(ty, index)| self.hides(ty, index));
        let error = TypeError::ArgumentCount {
            callee: self.callee_name(site),
            wanted: arg.count(),
            given,
            at: self.span(site.call),
            declared: declared.or(lambda.map(|lambda| self.head(lambda.span))),
            hint: hint.or_else(|| self.count_hint(site, lambda, given < arg.count())),
        };
        self.report(error);
        Ty::Error
    }

    /// What to do about a wrong number of arguments, if there is more to say.
    pub(super) fn count_hint(
        &self,
        site: CallSite<'_>,
        lambda: Option<&Lambda>,
        too_few: bool,
    ) -> Option<String> {
        if !too_few {
            return None;
        }
        if self.piped_into == Some(site.call) {
            return Some("to pipe into one of several arguments, write: x ||> f(_, y)".to_owned());
        }
        let lambda = lambda.filter(|it| it.params.iter().any(|param| param.default.is_some()))?;
        let name = self.callee_name(site).unwrap_or("f".into());
        let needed = lambda.params.iter().filter(|param| param.default.is_none());
        let needed =
            needed.map(|param| format!("{} = ..", self.program.bindings[param.binding].name));
        let needed: Vec<_> = needed.collect();
        let form = format!("{name}({{{}}})", needed.join(", "));
        Some(format!("arguments with defaults can be left out of a record: {form}"))
    }

    /// The start of a definition: enough to find it.
    fn head(&self, span: Span) -> Span {
        Span::new(span.file, span.start, span.end.min(span.start + 2))
    }

    fn callee_name(&self, site: CallSite<'_>) -> Option<SmolStr> {
        if let ExprKind::Var(binding) = &self.program.exprs[site.callee].kind {
            return Some(self.program.bindings[*binding].name.clone());
        }
        if let ExprKind::Builtin(builtin) = &self.program.exprs[site.callee].kind {
            return Some(builtin.name().into());
        }
        if let ExprKind::Construct(ty, index) = &self.program.exprs[site.callee].kind {
            let variant = self.program.types.get(*ty)?.variants.get(*index as usize)?;
            return Some(variant.name.clone());
        }
        None
    }
}
