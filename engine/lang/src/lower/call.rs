//! Calls: known functions with a state block at the call, function values, spreading, records.

use attacca_mir::module::{FuncId, LeafKind, SigId, ValueId};
use attacca_mir::op::{Op, Pure, Ty as Word};

use super::func::{FuncLower, Values};
use super::words::{Subst, concrete, extend, matched};
use crate::builtins::Builtin;
use crate::hir::{BindingId, BindingKind, ExprId, ExprKind, LambdaId, TypeId};
use crate::source::Span;
use crate::types::known::Known;
use crate::types::ty::{Ty, VarId};
use crate::types::{CallPlan, ParamSource};
use smol_str::SmolStr;

/// What a name turns out to be at one use.
pub(super) enum Resolved {
    /// A value to be read.
    Value,
    /// A known function and what its type parameters are.
    Lambda(LambdaId, Subst),
    /// A built-in under another name.
    Builtin(Builtin),
}

/// What is called.
enum Target {
    /// A known function; with its own state block for each call unless it lies around the caller.
    Known { func: FuncId, lambda: LambdaId, subst: Subst },
    /// A function value.
    Closure { value: ValueId, sig: SigId },
    /// A built-in under another name, with its type.
    Builtin(Builtin, Ty),
    /// A constructor.
    Construct(TypeId, u32),
    /// A probe and the type of what it shows.
    Probe(ExprId, Ty),
}

impl FuncLower<'_, '_> {
    /// Follows aliases to what a name stands for at the use `id`.
    pub(super) fn resolve(&self, id: ExprId, binding: BindingId) -> Resolved {
        let own = self.params_at(id, &self.subst);
        self.follow(binding, own)
    }

    /// Follows aliases where the type parameters of `binding`'s own type are numbers.
    fn resolve_plain(&self, binding: BindingId) -> Resolved {
        let vars = self.lo.typed.bindings[binding].iter().flat_map(|scheme| &scheme.vars);
        self.follow(binding, vars.map(|var| (*var, Ty::Number)).collect())
    }

    /// What the type parameters of a name are at one use.
    fn params_at(&self, id: ExprId, around: &Subst) -> Vec<(VarId, Ty)> {
        let pairs = self.lo.typed.uses.get(&id).map_or(&[][..], |pairs| pairs);
        pairs.iter().map(|(var, ty)| (*var, concrete(self.lo.typed, around, ty))).collect()
    }

    fn follow(&self, binding: BindingId, own: Vec<(VarId, Ty)>) -> Resolved {
        let typed = self.lo.typed;
        let (mut binding, mut own) = (binding, own);
        loop {
            let global = typed.program.bindings[binding].kind == BindingKind::Global;
            match typed.known.get(binding) {
                Known::Value => return Resolved::Value,
                Known::Builtin(builtin) => return Resolved::Builtin(builtin),
                Known::Lambda(lambda) if self.is_around(lambda) => {
                    return Resolved::Lambda(lambda, self.subst.clone());
                }
                Known::Lambda(lambda) => {
                    let around = if global { Subst::from([]) } else { self.subst.clone() };
                    return Resolved::Lambda(lambda, extend(&around, own));
                }
                Known::Alias(next, at) => {
                    let around = extend(&Subst::from([]), own);
                    (binding, own) = (next, self.params_at(at, &around));
                }
            }
        }
    }

    /// A call: the function, then the arguments, then the call itself.
    pub(super) fn call(&mut self, id: ExprId, callee: ExprId, args: &[ExprId]) -> Values {
        let hint = self.hint.take().unwrap_or_default();
        let at = self.program().exprs[id].span;
        if let ExprKind::Builtin(builtin) = self.program().exprs[callee].kind {
            return self.builtin_call(id, (callee, builtin), args, &hint);
        }
        let callee_ty = self.type_of(callee);
        let target = self.target(callee, &callee_ty);
        let (_, rets) = self.lo.layouts.signature(&callee_ty);
        let typed = self.lo.typed;
        match typed.calls.get(&id).unwrap_or(&CallPlan::Direct) {
            CallPlan::Direct => {
                let words = self.arguments(args);
                self.call_target(&target, words, &rets, &hint, at)
            }
            CallPlan::Spread => {
                let words = self.arguments(args);
                let calls = words
                    .into_iter()
                    .flat_map(|word| self.call_target(&target, vec![word], &rets, &hint, at));
                calls.collect()
            }
            CallPlan::ByName(sources) => {
                let words = self.by_name(&target, &callee_ty, args, sources);
                self.call_target(&target, words, &rets, &hint, at)
            }
            CallPlan::Narrow => {
                let words = self.narrow(&callee_ty, args);
                self.call_target(&target, words, &rets, &hint, at)
            }
        }
    }

    /// Calls what a name stands for, at the type `ty`.
    pub(super) fn call_binding(
        &mut self,
        binding: BindingId,
        ty: &Ty,
        words: Values,
        at: Span,
    ) -> Values {
        let (params, rets) = self.lo.layouts.signature(ty);
        let target = match self.resolve_plain(binding) {
            Resolved::Lambda(lambda, subst) => {
                let func = self.lo.instance(lambda, &subst, false);
                Target::Known { func, lambda, subst }
            }
            Resolved::Builtin(builtin) => Target::Builtin(builtin, ty.clone()),
            Resolved::Value => {
                let sig = self.lo.module.sig(params, rets.clone());
                let value = self.read(binding).first().copied();
                Target::Closure { value: value.unwrap_or(self.base), sig }
            }
        };
        self.call_target(&target, words, &rets, "", at)
    }

    /// The words of several expressions, side by side.
    pub(super) fn arguments(&mut self, args: &[ExprId]) -> Values {
        args.iter().flat_map(|arg| self.expr(*arg)).collect()
    }

    fn target(&mut self, callee: ExprId, ty: &Ty) -> Target {
        if let ExprKind::Var(binding) = self.program().exprs[callee].kind {
            match self.resolve(callee, binding) {
                Resolved::Lambda(lambda, subst) => {
                    let func = self.lo.instance(lambda, &subst, false);
                    return Target::Known { func, lambda, subst };
                }
                Resolved::Builtin(builtin) => return Target::Builtin(builtin, ty.clone()),
                Resolved::Value => {}
            }
        }
        if let ExprKind::Construct(id, index) = self.program().exprs[callee].kind {
            return Target::Construct(id, index);
        }
        if let (ExprKind::Probe { .. }, Ty::Func(func)) = (&self.program().exprs[callee].kind, ty) {
            return Target::Probe(callee, func.arg.clone());
        }
        let (params, rets) = self.lo.layouts.signature(ty);
        let sig = self.lo.module.sig(params, rets);
        let value = match self.expr(callee).first() {
            Some(value) => *value,
            None => self.null(),
        };
        Target::Closure { value, sig }
    }

    pub(super) fn null(&mut self) -> ValueId {
        self.b().value(Op::Rconst(0), &[], Word::Ref)
    }

    fn call_target(
        &mut self,
        target: &Target,
        words: Values,
        rets: &[Word],
        hint: &str,
        at: Span,
    ) -> Values {
        match target {
            Target::Known { func, lambda, .. } => {
                let mut all = vec![self.callee_base(*func, *lambda, hint, at)];
                all.extend(words);
                self.b().call(*func, &all, rets).to_vec()
            }
            Target::Closure { value, sig } => {
                self.b().call_closure(*sig, *value, &words, rets).to_vec()
            }
            Target::Builtin(builtin, ty) => self.builtin_words(*builtin, ty, &words, at),
            Target::Construct(id, index) => self.construct(*id, *index, &words),
            Target::Probe(probe, ty) => self.probe(*probe, ty, words),
        }
    }

    /// The block a known function runs on when called from here.
    fn callee_base(&mut self, func: FuncId, lambda: LambdaId, hint: &str, at: Span) -> ValueId {
        if self.is_around(lambda) {
            return self.base_of(lambda);
        }
        let base = self.base;
        self.touches_state |= self.lo.touches_state[func];
        let block = match self.child(func, hint, at) {
            None | Some(0) => base,
            Some(offset) => {
                let offset = self.b().iconst(i64::from(offset));
                self.b().pure(Pure::Iadd, &[base, offset])
            }
        };
        self.clear_shared_mems(func, block);
        block
    }

    /// The activations of a function that calls itself pass values through its one `mem` cell; each
    /// call from outside starts with an empty one (language.md 5.3, rule 6).
    fn clear_shared_mems(&mut self, func: FuncId, block: ValueId) {
        let callee = &self.lo.module.funcs[func];
        if !callee.insts.values().any(|inst| inst.op == Op::Call(func)) {
            return;
        }
        let mems = callee.state.leaves.iter().filter(|leaf| leaf.kind == LeafKind::Mem);
        for offset in mems.map(|leaf| leaf.offset).collect::<Vec<_>>() {
            let zero = self.b().fconst(0.0);
            self.b().effect(Op::Store(Word::F64, offset), &[block, zero]);
        }
    }

    /// Parameters from the fields of one record, and defaults for the others.
    fn by_name(
        &mut self,
        target: &Target,
        callee: &Ty,
        args: &[ExprId],
        sources: &[ParamSource],
    ) -> Values {
        let Some(record) = args.first() else { return Vec::new() };
        let fields = self.named_words(*record);
        let mut out = Vec::new();
        for source in sources {
            match source {
                ParamSource::Field(name) => {
                    let field = fields.iter().find(|(field, _)| field == name);
                    out.extend(field.iter().flat_map(|(_, words)| words));
                }
                ParamSource::Default(default) => {
                    out.extend(self.default(target, callee, *default));
                }
            }
        }
        out
    }

    /// The words of each field of a record. Where it is written out, a field may have become a member
    /// of a union.
    fn named_words(&mut self, record: ExprId) -> Vec<(SmolStr, Values)> {
        if let ExprKind::Record(fields) | ExprKind::Incomplete(fields) =
            &self.program().exprs[record].kind
        {
            return fields.iter().map(|(name, value)| (name.clone(), self.expr(*value))).collect();
        }
        let ty = self.type_of(record);
        let words = self.expr(record);
        let Ty::Record(fields) = &ty else { return Vec::new() };
        let field = |name: &SmolStr| {
            let (range, _) = self.lo.layouts.field_range(&ty, name);
            words.get(range).unwrap_or_default().to_vec()
        };
        fields.iter().map(|(name, _)| (name.clone(), field(name))).collect()
    }

    /// A default belongs to the called function's signature: its type parameters count there.
    fn default(&mut self, target: &Target, callee: &Ty, default: ExprId) -> Values {
        let subst = match target {
            Target::Known { subst, .. } => subst.clone(),
            Target::Closure { .. }
            | Target::Builtin(..)
            | Target::Construct(..)
            | Target::Probe(..) => self.params_of_value(callee),
        };
        let around = std::mem::replace(&mut self.subst, subst);
        let words = self.expr(default);
        self.subst = around;
        words
    }

    /// What the type parameters of a function are where it is called through a value of this type.
    fn params_of_value(&self, callee: &Ty) -> Subst {
        let mut found = Vec::new();
        if let Ty::Func(func) = callee
            && let Some(lambda) = func.names
        {
            let typed = self.lo.typed;
            let params = &typed.program.lambdas[lambda].params;
            let args = if params.len() > 1 { func.arg.parts() } else { vec![&func.arg] };
            for (param, arg) in params.iter().zip(args) {
                if let Some(scheme) = &typed.bindings[param.binding] {
                    matched(&scheme.ty, arg, &mut found);
                }
            }
        }
        extend(&Subst::from([]), found)
    }

    /// The fields that the one record parameter has, out of a record with more.
    fn narrow(&mut self, callee: &Ty, args: &[ExprId]) -> Values {
        let Some(record) = args.first() else { return Vec::new() };
        let ty = self.type_of(*record);
        let words = self.expr(*record);
        let Ty::Func(func) = callee else { return words };
        let Ty::Record(wanted) = &func.arg else { return words };
        let ranges = wanted.iter().map(|(name, _)| self.lo.layouts.field_range(&ty, name).0);
        let picked: Values =
            ranges.flat_map(|range| words.get(range).unwrap_or_default().to_vec()).collect();
        debug_assert_eq!(
            picked.len(),
            self.lo.layouts.width(&func.arg),
            "fields agree after the check"
        );
        picked
    }
}
