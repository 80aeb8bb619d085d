//! Types of expressions, statements and patterns, in source order.

use cranelift_entity::SecondaryMap;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::adapt::Adapter;
use super::data::sample_part;
use super::declared::AliasState;
use super::error::{TypeError, Why};
use super::known::KnownFunctions;
use super::signature;
use super::table::{Clash, Scheme, Table};
use super::ty::{Func, Rows, Ty, VarId};
use super::{CallPlan, ParamSource};
use crate::builtins::Builtin;
use crate::deep::with_room;
use crate::diag::{Diagnostic, Diagnostics, Severity};
use crate::hir::{
    AliasId, BindingId, ExpansionId, ExprId, ExprKind, LambdaId, Program, TypeExpr, TypeId,
};
use crate::source::Span;

/// Deepest nesting of expressions, lambdas included.
const MAX_DEPTH: u32 = 3_000;

/// The function being checked, or the global code.
#[derive(Default)]
pub(super) struct Frame {
    lambda: Option<LambdaId>,
    ret: Option<Ty>,
    /// Type parameters of its signature.
    pub(super) letters: FxHashMap<SmolStr, Ty>,
    self_at: Option<Span>,
}

/// One run of the checker.
pub(super) struct Checker<'p, 'd> {
    pub(super) program: &'p Program,
    pub(super) known: &'p KnownFunctions,
    pub(super) diags: &'d mut Diagnostics,
    pub(super) table: Table,
    pub(super) exprs: SecondaryMap<ExprId, Option<Ty>>,
    pub(super) bindings: SecondaryMap<BindingId, Option<Scheme>>,
    uses: FxHashMap<ExprId, Vec<(VarId, Ty)>>,
    pub(super) calls: FxHashMap<ExprId, CallPlan>,
    pub(super) frame: Frame,
    /// The types of the parameters of every function checked so far.
    pub(super) params: FxHashMap<LambdaId, Vec<Ty>>,
    /// The function of the pipe being checked.
    pub(super) piped_into: Option<ExprId>,
    /// What the constructors of each declared type carry.
    pub(super) payloads: SecondaryMap<TypeId, Vec<Option<Ty>>>,
    /// What aliases stand for.
    pub(super) aliases: SecondaryMap<AliasId, AliasState>,
    /// Values that become a member of a union: which member.
    pub(super) wraps: FxHashMap<ExprId, (u32, Ty)>,
    /// Functions that stand where one is needed that takes a record.
    pub(super) adapters: Vec<Adapter>,
    /// Whether the program mentions any union.
    pub(super) unions: bool,
    /// Fields that were read of records not known yet, and where.
    field_uses: Vec<(SmolStr, Span)>,
    pub(super) depth: u32,
    too_deep: bool,
    /// What put the code in that is being checked.
    expansion: Option<ExpansionId>,
}

/// What the checker found.
pub(super) struct Tables {
    pub(super) exprs: SecondaryMap<ExprId, Option<Ty>>,
    pub(super) bindings: SecondaryMap<BindingId, Option<Scheme>>,
    pub(super) uses: FxHashMap<ExprId, Vec<(VarId, Ty)>>,
    pub(super) calls: FxHashMap<ExprId, CallPlan>,
    pub(super) rows: Rows,
    pub(super) payloads: SecondaryMap<TypeId, Vec<Option<Ty>>>,
    pub(super) wraps: FxHashMap<ExprId, (u32, Ty)>,
    pub(super) adapters: Vec<Adapter>,
}

impl<'p, 'd> Checker<'p, 'd> {
    pub(super) fn new(
        program: &'p Program,
        known: &'p KnownFunctions,
        diags: &'d mut Diagnostics,
    ) -> Self {
        Self {
            program,
            known,
            diags,
            table: Table::default(),
            exprs: SecondaryMap::new(),
            bindings: SecondaryMap::new(),
            uses: FxHashMap::default(),
            calls: FxHashMap::default(),
            frame: Frame::default(),
            params: FxHashMap::default(),
            piped_into: None,
            payloads: SecondaryMap::new(),
            aliases: SecondaryMap::new(),
            wraps: FxHashMap::default(),
            adapters: Vec::new(),
            unions: false,
            field_uses: Vec::new(),
            depth: 0,
            too_deep: false,
            expansion: None,
        }
    }

    /// Checks all top-level statements.
    pub(super) fn program_stmts(&mut self) {
        let program = self.program;
        self.declared_types();
        for stmt in &program.stmts {
            self.stmt(stmt);
        }
    }

    /// The side tables, with every variable replaced by what it became.
    pub(super) fn finish(mut self) -> Tables {
        for ty in self.program.exprs.keys() {
            if let Some(ty) = &mut self.exprs[ty] {
                *ty = self.table.zonk(ty);
            }
        }
        for binding in self.program.bindings.keys() {
            if let Some(scheme) = &mut self.bindings[binding] {
                scheme.ty = self.table.zonk(&scheme.ty);
            }
        }
        for ty in self.program.types.keys() {
            for payload in self.payloads[ty].iter_mut().flatten() {
                *payload = self.table.zonk(payload);
            }
        }
        for (_, ty) in self.uses.values_mut().flatten() {
            *ty = self.table.zonk(ty);
        }
        Tables {
            exprs: self.exprs,
            bindings: self.bindings,
            uses: self.uses,
            calls: self.calls,
            rows: self.table.final_rows(),
            payloads: self.payloads,
            wraps: self.wraps,
            adapters: self.adapters,
        }
    }

    /// The innermost function around what is being checked.
    pub(super) fn around(&self) -> Option<LambdaId> {
        self.frame.lambda
    }

    /// What is known of the innermost function.
    pub(super) fn frame(&mut self) -> &mut Frame {
        &mut self.frame
    }

    /// Adds a message.
    pub(super) fn report(&mut self, error: TypeError) {
        self.diagnose(error.diagnostic(&self.table.rows));
    }

    /// Adds a message, unless it belongs to something with syntax errors. Errors in what a macro made
    /// also show the macro call.
    pub(super) fn diagnose(&mut self, diagnostic: Diagnostic) {
        if self.is_broken(diagnostic.span) {
            return;
        }
        let site = match diagnostic.severity {
            Severity::Warning => None,
            Severity::Error => self.expansion.and_then(|it| self.program.outermost(it)),
        };
        self.diags.push(match site {
            Some(site) => diagnostic.in_macro_call(site, "in the code that this macro call made"),
            None => diagnostic,
        });
    }

    /// Whether a place belongs to something with syntax errors, which is not understood.
    pub(super) fn is_broken(&self, at: Span) -> bool {
        let holds = |broken: &Span| {
            broken.file == at.file && broken.start <= at.start && at.end <= broken.end
        };
        self.program.broken.iter().any(holds)
    }

    /// Whether a definition has syntax errors, and what uses it has none: nothing is known of it there.
    pub(super) fn is_beyond(&self, definition: Span, used: Span) -> bool {
        self.is_broken(definition) && !self.is_broken(used)
    }

    /// Makes `found` agree with `expected`, or says why it does not.
    pub(super) fn expect(&mut self, expected: &Ty, found: &Ty, at: Span, why: Why) -> bool {
        match self.table.unify(expected, found) {
            Ok(()) => true,
            Err(clash) => {
                self.clash(clash, expected, found, at, why);
                false
            }
        }
    }

    fn clash(&mut self, clash: Clash, expected: &Ty, found: &Ty, at: Span, why: Why) {
        let (expected, found) = (self.table.zonk(expected), self.table.zonk(found));
        let hidden = self.hidden_constructor(&expected, &found);
        let error = match clash {
            Clash::Differ => TypeError::Mismatch { expected, found, at, why },
            Clash::Length => TypeError::Length { expected, found, at, why },
            Clash::Infinite => TypeError::Infinite { at },
            Clash::Large => TypeError::Large { at },
            Clash::Field(field) => {
                // The record that lacks the field is the one to show.
                let found = if found.field(&field).is_some() { expected } else { found };
                // In the code of a macro call the place that needs the field tells more than the call.
                let at = self.expansion.and_then(|_| self.field_use(&field)).unwrap_or(at);
                TypeError::NoSuchField { field, found, at, why: Some(why) }
            }
        };
        let error = error.diagnostic(&self.table.rows);
        self.diagnose(match hidden {
            Some(help) => error.help(help),
            None => error,
        });
    }

    /// The one place where a field was read of a record that was not known yet.
    fn field_use(&self, field: &str) -> Option<Span> {
        let mut uses = self.field_uses.iter().filter(|(name, _)| name == field);
        let (_, first) = uses.next()?;
        uses.all(|(_, at)| at == first).then_some(*first)
    }

    /// Finds the type of an expression and writes it down.
    pub(super) fn expr(&mut self, id: ExprId) -> Ty {
        self.depth += 1;
        let around = self.expansion;
        if !self.program.expanded.is_empty() {
            self.expansion = self.program.expanded.get(&id).copied();
        }
        let ty = match self.depth {
            0..=MAX_DEPTH => with_room(|| self.expr_kind(id)),
            _ => self.give_up(id),
        };
        self.expansion = around;
        self.depth -= 1;
        self.exprs[id] = Some(ty.clone());
        ty
    }

    fn give_up(&mut self, id: ExprId) -> Ty {
        if !self.too_deep {
            self.too_deep = true;
            self.report(TypeError::Deep { at: self.span(id) });
        }
        Ty::Error
    }

    /// Where an expression is.
    pub(super) fn span(&self, id: ExprId) -> Span {
        self.program.exprs[id].span
    }

    fn expr_kind(&mut self, id: ExprId) -> Ty {
        let program = self.program;
        match &program.exprs[id].kind {
            ExprKind::Number(_) | ExprKind::Now | ExprKind::SampleRate | ExprKind::Cell(_) => {
                Ty::Number
            }
            ExprKind::Str(_) => Ty::Str,
            ExprKind::Var(binding) => self.variable(id, *binding),
            ExprKind::Builtin(builtin) => self.builtin_value(id, *builtin),
            ExprKind::SelfValue(lambda) => self.self_value(id, *lambda),
            ExprKind::Lambda(lambda) => self.lambda(*lambda, None),
            ExprKind::Call { callee, args } => self.call(id, *callee, args),
            ExprKind::Tuple(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| self.expr(*part)).collect();
                self.built(id, Ty::tuple(parts))
            }
            ExprKind::Proj(of, index) => self.projection(id, *of, *index),
            ExprKind::Record(fields) => {
                let fields: Vec<_> =
                    fields.iter().map(|(name, value)| (name.clone(), self.expr(*value))).collect();
                self.built(id, Ty::record(fields))
            }
            ExprKind::Field(of, name, at) => {
                let record = self.expr(*of);
                self.field(&record, name, *at)
            }
            ExprKind::If { cond, then, other } => self.if_expr(id, *cond, *then, *other),
            ExprKind::Block { stmts, value } => {
                for stmt in stmts {
                    self.stmt(stmt);
                }
                value.map_or(Ty::Unit, |value| self.expr(value))
            }
            ExprKind::Assign { target, fields, value } => self.assign(*target, fields, *value),
            ExprKind::Incomplete(fields) => self.incomplete(id, fields),
            ExprKind::Array(parts) => self.array(parts),
            ExprKind::Index(of, index) => self.index(*of, *index),
            ExprKind::Match { scrutinee, arms } => self.match_expr(id, *scrutinee, arms),
            ExprKind::Construct(ty, index) => self.constructor(*ty, *index),
            ExprKind::Quote(code) => {
                let ty = self.expr(*code);
                Ty::Code(std::sync::Arc::new(ty))
            }
            ExprKind::Splice(code) => self.splice(*code),
            ExprKind::Probe { .. } => {
                let ty = self.table.fresh();
                Ty::func(ty.clone(), ty)
            }
            ExprKind::Sample { part, .. } => sample_part(*part),
            ExprKind::Error => Ty::Error,
        }
    }

    /// A type that was put together, unless it grew beyond the limits.
    fn built(&mut self, id: ExprId, ty: Ty) -> Ty {
        if self.table.fits(&ty) {
            return ty;
        }
        self.report(TypeError::Large { at: self.span(id) });
        Ty::Error
    }

    fn variable(&mut self, id: ExprId, binding: BindingId) -> Ty {
        let Some(scheme) = self.bindings[binding].clone() else {
            // Its definition went wrong and was reported.
            return Ty::Error;
        };
        if self.is_beyond(self.program.bindings[binding].span, self.span(id)) {
            return Ty::Error;
        }
        let (ty, params) = self.table.instantiate(&scheme);
        if !params.is_empty() {
            self.uses.insert(id, params);
        }
        ty
    }

    fn builtin_value(&mut self, id: ExprId, builtin: Builtin) -> Ty {
        if matches!(builtin, Builtin::Mem | Builtin::Delay) {
            self.report(TypeError::BuiltinValue { name: builtin.name(), at: self.span(id) });
            return Ty::Error;
        }
        if let Some(written) = builtin.written_type() {
            return signature::read(written, &mut self.table);
        }
        Ty::func(Ty::pack(vec![Ty::Number; builtin.arity()]), Ty::Number)
    }

    fn self_value(&mut self, id: ExprId, lambda: LambdaId) -> Ty {
        let at = self.span(id);
        let frame = self.frame();
        match (&frame.ret, frame.lambda == Some(lambda)) {
            (Some(ret), true) => {
                let ret = ret.clone();
                frame.self_at = frame.self_at.or(Some(at));
                ret
            }
            (Some(_) | None, _) => {
                self.report(TypeError::SelfOutside { at });
                Ty::Error
            }
        }
    }

    /// A function; `own` is the type by which it knows itself.
    pub(super) fn lambda(&mut self, id: LambdaId, own: Option<&Ty>) -> Ty {
        let program = self.program;
        let lambda = &program.lambdas[id];
        let around =
            std::mem::replace(&mut self.frame, Frame { lambda: Some(id), ..Frame::default() });
        let mut params = Vec::with_capacity(lambda.params.len());
        for param in &lambda.params {
            let ty = self.annotated_or_fresh(param.ty.as_ref());
            self.bindings[param.binding] = Some(Scheme::mono(ty.clone()));
            params.push(ty);
        }
        let ret = self.annotated_or_fresh(lambda.ret.as_ref());
        for (param, ty) in lambda.params.iter().zip(&params) {
            if let Some(default) = param.default {
                let found = self.expr(default);
                let why = Why::Parameter(program.bindings[param.binding].span);
                self.expect(ty, &found, self.span(default), why);
            }
        }
        self.frame().ret = Some(ret.clone());
        self.params.insert(id, params.clone());
        let arg = Ty::pack(params);
        let ty = Ty::Func(std::sync::Arc::new(Func { arg, ret: ret.clone(), names: Some(id) }));
        if let Some(own) = own {
            self.expect(own, &ty, lambda.span, Why::Recursion);
        }
        let body = match &lambda.ret {
            Some(written) => self.expr_for(lambda.body, &ret, Why::Result(written.span)),
            None => self.expr(lambda.body),
        };
        let why = match (&lambda.ret, self.frame().self_at) {
            (Some(written), _) => Why::Result(written.span),
            (None, Some(at)) => Why::SelfUse(at),
            (None, None) => Why::Recursion,
        };
        let fits = self.expect_value(&ret, &body, lambda.body, why);
        self.check_self(lambda.span, &ret);
        self.frame = around;
        if !fits {
            // What it gives is not known: calls of it are not wrong as well.
            let arg = Ty::pack(self.params.get(&id).cloned().unwrap_or_default());
            return Ty::Func(std::sync::Arc::new(Func { arg, ret: Ty::Error, names: Some(id) }));
        }
        if !self.table.fits(&ty) {
            self.report(TypeError::Large { at: lambda.span });
            return Ty::Error;
        }
        ty
    }

    fn annotated_or_fresh(&mut self, written: Option<&TypeExpr>) -> Ty {
        match written {
            Some(written) => self.annotation(written),
            None => self.table.fresh(),
        }
    }

    /// Where the value of an expression comes from: the last expression of nested blocks.
    pub(super) fn result_span(&self, mut id: ExprId) -> Span {
        while let ExprKind::Block { value: Some(value), .. } = &self.program.exprs[id].kind {
            id = *value;
        }
        self.span(id)
    }

    fn check_self(&mut self, function: Span, ret: &Ty) {
        let Some(at) = self.frame().self_at else { return };
        let ret = self.table.zonk(ret);
        if ret.holds_function() {
            self.report(TypeError::SelfFunction { ret, at, function });
        }
    }

    fn projection(&mut self, id: ExprId, of: ExprId, index: u32) -> Ty {
        let at = self.span(id);
        let found = self.expr(of);
        match self.table.resolve(&found) {
            Ty::Error => Ty::Error,
            Ty::Var(var) if !self.table.rows.contains_key(&var) => {
                let of_self = matches!(self.program.exprs[of].kind, ExprKind::SelfValue(_));
                self.report(TypeError::UnknownTuple { index, at, of_self });
                Ty::Error
            }
            Ty::Tuple(parts) if (index as usize) < parts.len() => {
                parts.get(index as usize).cloned().unwrap_or(Ty::Error)
            }
            found @ (Ty::Tuple(_)
            | Ty::Number
            | Ty::Int
            | Ty::Str
            | Ty::Unit
            | Ty::Record(_)
            | Ty::Func(_)
            | Ty::Array(_)
            | Ty::Code(_)
            | Ty::Variant(..)
            | Ty::Union(_)
            | Ty::Var(_)) => {
                let found = self.table.zonk(&found);
                self.report(TypeError::TupleIndex { index, found, at });
                Ty::Error
            }
        }
    }

    /// The type of a field of a record type.
    pub(super) fn field(&mut self, record: &Ty, name: &SmolStr, at: Span) -> Ty {
        match self.table.resolve(record) {
            Ty::Error => Ty::Error,
            Ty::Var(var) => {
                self.field_uses.push((name.clone(), at));
                self.table.need_field(var, name)
            }
            found @ Ty::Record(_) => match found.field(name) {
                Some(ty) => ty.clone(),
                None => {
                    let found = self.table.zonk(&found);
                    self.report(TypeError::NoSuchField {
                        field: name.clone(),
                        found,
                        at,
                        why: None,
                    });
                    Ty::Error
                }
            },
            found @ (Ty::Number
            | Ty::Int
            | Ty::Str
            | Ty::Unit
            | Ty::Tuple(_)
            | Ty::Func(_)
            | Ty::Array(_)
            | Ty::Code(_)
            | Ty::Variant(..)
            | Ty::Union(_)) => {
                let found = self.table.zonk(&found);
                self.report(TypeError::NotARecord { field: name.clone(), found, at });
                Ty::Error
            }
        }
    }

    fn if_expr(&mut self, id: ExprId, cond: ExprId, then: ExprId, other: Option<ExprId>) -> Ty {
        let found = self.expr(cond);
        self.expect(&Ty::Number, &found, self.span(cond), Why::Condition);
        let then_ty = self.expr(then);
        let then_at = self.result_span(then);
        let Some(other) = other else {
            if self.table.unify(&Ty::Unit, &then_ty).is_err() {
                let found = self.table.zonk(&then_ty);
                self.report(TypeError::MissingElse { found, at: then_at, whole: self.span(id) });
                return Ty::Error;
            }
            return Ty::Unit;
        };
        let other_ty = self.expr(other);
        match (self.table.resolve(&then_ty), self.table.resolve(&other_ty)) {
            (Ty::Unit, Ty::Number) if self.may_be_zero(then) => {
                self.give_zero(then);
                return Ty::Number;
            }
            (Ty::Number, Ty::Unit) if self.may_be_zero(other) => {
                self.give_zero(other);
                return Ty::Number;
            }
            _ => {}
        }
        match self.table.unify(&then_ty, &other_ty) {
            Ok(()) if self.table.resolve(&then_ty) == Ty::Error => other_ty,
            Ok(()) => then_ty,
            Err(Clash::Differ | Clash::Length | Clash::Field(_)) => {
                let (then, other_ty) = (self.table.zonk(&then_ty), self.table.zonk(&other_ty));
                let at = self.result_span(other);
                self.report(TypeError::Branches { then, other: other_ty, then_at, at });
                Ty::Error
            }
            Err(clash @ (Clash::Infinite | Clash::Large)) => {
                self.clash(clash, &then_ty, &other_ty, self.span(other), Why::Condition);
                Ty::Error
            }
        }
    }

    /// Notes how a call by record fills the parameters.
    pub(super) fn plan_by_name(&mut self, call: ExprId, sources: Vec<ParamSource>) {
        self.calls.insert(call, CallPlan::ByName(sources));
    }
}
