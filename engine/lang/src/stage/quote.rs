//! Makes the new program: copies audio code and puts the code of splices in.
//!
//! Every copy of a binding or function is a new one, so that names never meet by accident and code
//! that is put in twice has its variables and state twice. Code is put in as it is the first time,
//! and copied from then on.

use rustc_hash::FxHashMap;

use super::eval::{Machine, NOTHING, Result, Stop};
use super::value::Value;
use crate::diag::Diagnostic;
use crate::hir::{
    Arm, Binding, BindingId, Expr, ExprId, ExprKind, Lambda, LambdaId, MatchPattern, Param,
    Pattern, Stage, Stmt,
};
use crate::source::Span;

impl Machine<'_, '_> {
    /// Adds an expression to the new program.
    pub(super) fn make(&mut self, kind: ExprKind, span: Span) -> ExprId {
        self.out.exprs.push(Expr { kind, span, stage: Stage::Audio })
    }

    /// Code as a value.
    pub(super) fn quote(&mut self, code: ExprId) -> Result<Value> {
        // A quoted splice is the code that it would put in.
        if let ExprKind::Splice(inner) = self.program.exprs[code].kind {
            return self.eval(inner);
        }
        self.copy(code).map(Value::Code)
    }

    /// Puts code in at a place.
    pub(super) fn embed(&mut self, id: ExprId, value: Value, site: Span) -> Result<ExprId> {
        let root = match value {
            Value::Code(root) => root,
            Value::Unit => {
                let stmts = Vec::new();
                self.make(ExprKind::Block { stmts, value: None }, site)
            }
            Value::Nothing => {
                let message = "there is no code to put in here";
                let error = Diagnostic::error("no-code", site, message);
                return self.stop(error.help(NOTHING));
            }
            Value::Number(_)
            | Value::Text(_)
            | Value::Tuple(_)
            | Value::Record(..)
            | Value::Array(_)
            | Value::Variant(..)
            | Value::Member(..)
            | Value::Closure(..)
            | Value::Builtin(_)
            | Value::Constructor(..)
            | Value::Name(_)
            | Value::Cell(_)
            | Value::Poison => return Err(Stop),
        };
        let root = if self.spliced.contains_key(&root) { self.copy_again(id, root)? } else { root };
        self.spliced.insert(root, site);
        Ok(root)
    }

    /// `$e`: evaluates the macro code and puts the result in.
    fn splice(&mut self, id: ExprId, code: ExprId) -> Result<ExprId> {
        let site = self.span(id);
        if !self.sites.is_empty() {
            return self.splice_at(id, code, site);
        }
        // One mistake does not hide those of other macro calls.
        match self.trial(|machine| machine.splice_at(id, code, site)) {
            Ok(root) => Ok(root),
            Err(Stop) => Ok(self.make(ExprKind::Error, site)),
        }
    }

    fn splice_at(&mut self, id: ExprId, code: ExprId, site: Span) -> Result<ExprId> {
        self.sites.push(site);
        let value = self.eval(code)?;
        let root = self.embed(id, value, site)?;
        self.sites.pop();
        Ok(root)
    }

    // ---- audio code of the old program ----

    /// Copies an expression of the audio program.
    pub(super) fn copy(&mut self, id: ExprId) -> Result<ExprId> {
        self.step(id)?;
        self.nested(id, |machine| machine.copy_kind(id))
    }

    fn copies(&mut self, ids: &[ExprId]) -> Result<Vec<ExprId>> {
        ids.iter().map(|id| self.copy(*id)).collect()
    }

    fn copy_fields<N: Clone>(&mut self, fields: &[(N, ExprId)]) -> Result<Vec<(N, ExprId)>> {
        fields.iter().map(|(name, value)| Ok((name.clone(), self.copy(*value)?))).collect()
    }

    fn copy_kind(&mut self, id: ExprId) -> Result<ExprId> {
        let program = self.program;
        let expr = &program.exprs[id];
        let kind = match &expr.kind {
            ExprKind::Splice(code) => return self.splice(id, *code),
            ExprKind::Var(binding) => ExprKind::Var(self.name(id, *binding)?),
            ExprKind::Lambda(lambda) => ExprKind::Lambda(self.copy_lambda(*lambda)?),
            ExprKind::SelfValue(lambda) => match self.lambdas[*lambda] {
                Some(lambda) => ExprKind::SelfValue(lambda),
                None => ExprKind::Error,
            },
            ExprKind::Call { callee, args } => {
                let callee = self.copy(*callee)?;
                ExprKind::Call { callee, args: self.copies(args)? }
            }
            ExprKind::Tuple(parts) => ExprKind::Tuple(self.copies(parts)?),
            ExprKind::Array(parts) => ExprKind::Array(self.copies(parts)?),
            ExprKind::Proj(of, index) => ExprKind::Proj(self.copy(*of)?, *index),
            ExprKind::Record(fields) => ExprKind::Record(self.copy_fields(fields)?),
            ExprKind::Incomplete(fields) => ExprKind::Incomplete(self.copy_fields(fields)?),
            ExprKind::Field(of, name, at) => ExprKind::Field(self.copy(*of)?, name.clone(), *at),
            ExprKind::If { cond, then, other } => {
                let (cond, then) = (self.copy(*cond)?, self.copy(*then)?);
                let other = other.map(|other| self.copy(other)).transpose()?;
                ExprKind::If { cond, then, other }
            }
            ExprKind::Block { stmts, value } => {
                let stmts = self.copy_stmts(stmts)?;
                let value = value.map(|value| self.copy(value)).transpose()?;
                ExprKind::Block { stmts, value }
            }
            ExprKind::Assign { target, fields, value } => {
                let target = self.name(id, *target)?;
                let value = self.copy(*value)?;
                ExprKind::Assign { target, fields: fields.clone(), value }
            }
            ExprKind::Index(of, index) => {
                let of = self.copy(*of)?;
                ExprKind::Index(of, self.copy(*index)?)
            }
            ExprKind::Match { scrutinee, arms } => {
                let scrutinee = self.copy(*scrutinee)?;
                let arms = arms.iter().map(|arm| {
                    let pattern = self.copy_match(&arm.pattern);
                    Ok(Arm { pattern, body: self.copy(arm.body)? })
                });
                ExprKind::Match { scrutinee, arms: arms.collect::<Result<_>>()? }
            }
            kind @ (ExprKind::Number(_)
            | ExprKind::Str(_)
            | ExprKind::Builtin(_)
            | ExprKind::Now
            | ExprKind::SampleRate
            | ExprKind::Construct(..)
            | ExprKind::Cell(_)
            | ExprKind::Probe { .. }
            | ExprKind::Sample { .. }
            | ExprKind::Error) => kind.clone(),
            ExprKind::Quote(_) => return Err(Stop),
        };
        match expr.stage {
            Stage::Audio => Ok(self.make(kind, expr.span)),
            Stage::Macro => {
                let message = "this runs while compiling, and the code around it while sound runs";
                let error = Diagnostic::error("wrong-stage", expr.span, message);
                self.stop(error.help("put it in with `$`, or leave out the `#stage` here"))
            }
        }
    }

    /// The statements of a block; those of macro code run and are gone.
    fn copy_stmts(&mut self, stmts: &[Stmt]) -> Result<Vec<Stmt>> {
        let mut out = Vec::with_capacity(stmts.len());
        for stmt in stmts {
            match self.program.exprs[stmt.value()].stage {
                Stage::Macro => self.stmt(stmt)?,
                Stage::Audio => out.push(self.copy_stmt(stmt)?),
            }
        }
        Ok(out)
    }

    /// Copies a statement of the audio program.
    pub(super) fn copy_stmt(&mut self, stmt: &Stmt) -> Result<Stmt> {
        Ok(match stmt {
            Stmt::Let { pattern, ty, value } => {
                let value = self.copy(*value)?;
                Stmt::Let { pattern: self.copy_pattern(pattern), ty: ty.clone(), value }
            }
            Stmt::LetRec { binding, value } => {
                let binding = self.copy_binding(*binding);
                Stmt::LetRec { binding, value: self.copy(*value)? }
            }
            Stmt::Expr(value) => Stmt::Expr(self.copy(*value)?),
        })
    }

    fn copy_binding(&mut self, binding: BindingId) -> BindingId {
        let data: &Binding = &self.program.bindings[binding];
        let name = self.out.bindings.push(data.clone());
        if let Some(module) = self.program.homes.get(&binding) {
            self.out.homes.insert(name, *module);
        }
        self.bind(binding, Value::Name(name));
        name
    }

    fn copy_pattern(&mut self, pattern: &Pattern) -> Pattern {
        pattern.renamed(&mut |binding| self.copy_binding(binding))
    }

    fn copy_match(&mut self, pattern: &MatchPattern) -> MatchPattern {
        pattern.renamed(&mut |binding| self.copy_binding(binding))
    }

    fn copy_lambda(&mut self, id: LambdaId) -> Result<LambdaId> {
        let program = self.program;
        let lambda = &program.lambdas[id];
        let defaults = lambda.params.iter().map(|param| param.default);
        let defaults = defaults.map(|default| default.map(|it| self.copy(it)).transpose());
        let defaults = defaults.collect::<Result<Vec<_>>>()?;
        let copied = self.out.lambdas.push(Lambda { params: Vec::new(), ..lambda.clone() });
        // The same quote may be run again inside its own splices.
        let outer = self.lambdas[id].replace(copied);
        let params = lambda.params.iter().zip(defaults).map(|(param, default)| {
            let binding = self.copy_binding(param.binding);
            Param { binding, ty: param.ty.clone(), default }
        });
        let params: Vec<Param> = params.collect();
        let body = self.copy(lambda.body);
        self.lambdas[id] = outer;
        let data = &mut self.out.lambdas[copied];
        (data.params, data.body) = (params, body?);
        Ok(copied)
    }

    // ---- code that is in its place already ----

    /// Copies code of the new program, with variables and functions of its own.
    fn copy_again(&mut self, id: ExprId, root: ExprId) -> Result<ExprId> {
        Again { machine: self, id, names: FxHashMap::default(), lambdas: FxHashMap::default() }
            .expr(root)
    }
}

/// One copy of code of the new program.
struct Again<'m, 't, 'd> {
    machine: &'m mut Machine<'t, 'd>,
    /// The splice that wants it.
    id: ExprId,
    names: FxHashMap<BindingId, BindingId>,
    lambdas: FxHashMap<LambdaId, LambdaId>,
}

impl Again<'_, '_, '_> {
    fn expr(&mut self, old: ExprId) -> Result<ExprId> {
        self.machine.step(self.id)?;
        let new = crate::deep::with_room(|| self.parts(old))?;
        // What was put in inside is put in there again.
        if let Some(site) = self.machine.spliced.get(&old).copied() {
            self.machine.spliced.insert(new, site);
        }
        Ok(new)
    }

    fn fresh(&mut self, old: BindingId) -> BindingId {
        let bindings = &mut self.machine.out.bindings;
        let new = bindings.push(bindings[old].clone());
        self.names.insert(old, new);
        new
    }

    fn name(&self, old: BindingId) -> BindingId {
        self.names.get(&old).copied().unwrap_or(old)
    }

    fn exprs(&mut self, old: &[ExprId]) -> Result<Vec<ExprId>> {
        old.iter().map(|id| self.expr(*id)).collect()
    }

    fn fields<N: Clone>(&mut self, fields: &[(N, ExprId)]) -> Result<Vec<(N, ExprId)>> {
        fields.iter().map(|(name, value)| Ok((name.clone(), self.expr(*value)?))).collect()
    }

    fn stmt(&mut self, stmt: &Stmt) -> Result<Stmt> {
        Ok(match stmt {
            Stmt::Let { pattern, ty, value } => {
                let value = self.expr(*value)?;
                let pattern = pattern.renamed(&mut |binding| self.fresh(binding));
                Stmt::Let { pattern, ty: ty.clone(), value }
            }
            Stmt::LetRec { binding, value } => {
                let binding = self.fresh(*binding);
                Stmt::LetRec { binding, value: self.expr(*value)? }
            }
            Stmt::Expr(value) => Stmt::Expr(self.expr(*value)?),
        })
    }

    fn lambda(&mut self, old: LambdaId) -> Result<LambdaId> {
        let data = self.machine.out.lambdas[old].clone();
        let defaults = data.params.iter().map(|param| param.default);
        let defaults = defaults.map(|default| default.map(|it| self.expr(it)).transpose());
        let defaults = defaults.collect::<Result<Vec<_>>>()?;
        let new = self.machine.out.lambdas.push(data.clone());
        self.lambdas.insert(old, new);
        let params = data.params.iter().zip(defaults).map(|(param, default)| {
            let binding = self.fresh(param.binding);
            Param { binding, ty: param.ty.clone(), default }
        });
        let params: Vec<Param> = params.collect();
        let body = self.expr(data.body)?;
        let copied = &mut self.machine.out.lambdas[new];
        (copied.params, copied.body) = (params, body);
        Ok(new)
    }

    fn parts(&mut self, old: ExprId) -> Result<ExprId> {
        let Expr { kind, span, .. } = self.machine.out.exprs[old].clone();
        let kind = match kind {
            ExprKind::Var(name) => ExprKind::Var(self.name(name)),
            ExprKind::Lambda(lambda) => ExprKind::Lambda(self.lambda(lambda)?),
            ExprKind::SelfValue(lambda) => {
                ExprKind::SelfValue(self.lambdas.get(&lambda).copied().unwrap_or(lambda))
            }
            ExprKind::Call { callee, args } => {
                let callee = self.expr(callee)?;
                ExprKind::Call { callee, args: self.exprs(&args)? }
            }
            ExprKind::Tuple(parts) => ExprKind::Tuple(self.exprs(&parts)?),
            ExprKind::Array(parts) => ExprKind::Array(self.exprs(&parts)?),
            ExprKind::Proj(of, index) => ExprKind::Proj(self.expr(of)?, index),
            ExprKind::Record(fields) => ExprKind::Record(self.fields(&fields)?),
            ExprKind::Incomplete(fields) => ExprKind::Incomplete(self.fields(&fields)?),
            ExprKind::Field(of, name, at) => ExprKind::Field(self.expr(of)?, name, at),
            ExprKind::If { cond, then, other } => {
                let (cond, then) = (self.expr(cond)?, self.expr(then)?);
                ExprKind::If { cond, then, other: other.map(|it| self.expr(it)).transpose()? }
            }
            ExprKind::Block { stmts, value } => {
                let stmts = stmts.iter().map(|stmt| self.stmt(stmt)).collect::<Result<_>>()?;
                ExprKind::Block { stmts, value: value.map(|it| self.expr(it)).transpose()? }
            }
            ExprKind::Assign { target, fields, value } => {
                let target = self.name(target);
                ExprKind::Assign { target, fields, value: self.expr(value)? }
            }
            ExprKind::Index(of, index) => {
                let of = self.expr(of)?;
                ExprKind::Index(of, self.expr(index)?)
            }
            ExprKind::Match { scrutinee, arms } => {
                let scrutinee = self.expr(scrutinee)?;
                let arms = arms.iter().map(|arm| {
                    let pattern = arm.pattern.renamed(&mut |binding| self.fresh(binding));
                    Ok(Arm { pattern, body: self.expr(arm.body)? })
                });
                ExprKind::Match { scrutinee, arms: arms.collect::<Result<_>>()? }
            }
            kind @ (ExprKind::Number(_)
            | ExprKind::Str(_)
            | ExprKind::Builtin(_)
            | ExprKind::Now
            | ExprKind::SampleRate
            | ExprKind::Construct(..)
            | ExprKind::Cell(_)
            | ExprKind::Probe { .. }
            | ExprKind::Sample { .. }
            | ExprKind::Quote(_)
            | ExprKind::Splice(_)
            | ExprKind::Error) => kind,
        };
        Ok(self.machine.make(kind, span))
    }
}
