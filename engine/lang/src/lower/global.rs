//! Top level: where globals live, the order functions are lowered in, `init` and `dsp`.

use std::hash::{Hash, Hasher};

use attacca_mir::module::{FuncId, Global};
use attacca_mir::op::Ty as Word;
use cranelift_entity::SecondaryMap;
use rustc_hash::FxHasher;

use super::Lowerer;
use super::func::{FuncLower, Values};
use super::words::{Subst, concrete, extend};
use crate::hir::{BindingId, ExprId, Pattern, Program, Stmt};
use crate::types::known::{Known, mentions};
use crate::types::ty::Ty;

impl Lowerer<'_> {
    /// Gives every global value its words, in order, from address 0.
    pub(super) fn place_globals(&mut self) {
        for stmt in &self.typed.program.stmts {
            match stmt {
                Stmt::Let { pattern, value, .. } => self.place_pattern(pattern, *value),
                Stmt::LetRec { binding, value } => self.place_global(*binding, *value),
                Stmt::Expr(_) => {}
            }
        }
        self.place_constants();
        self.module.dsp_base = self.module.globals.len() as u32;
        self.module.words = self.module.dsp_base;
    }

    fn place_pattern(&mut self, pattern: &Pattern, value: ExprId) {
        match pattern {
            Pattern::Ignore(_) => {}
            Pattern::Bind(binding) => self.place_global(*binding, value),
            Pattern::Tuple(parts, _) => {
                parts.iter().for_each(|part| self.place_pattern(part, value))
            }
            Pattern::Record(fields, _) => {
                fields.iter().for_each(|(_, part)| self.place_pattern(part, value))
            }
        }
    }

    fn place_global(&mut self, binding: BindingId, value: ExprId) {
        let typed = self.typed;
        let scheme = match (&typed.bindings[binding], typed.known.get(binding)) {
            (Some(scheme), Known::Value) => scheme,
            (Some(_) | None, _) => return,
        };
        let data = &typed.program.bindings[binding];
        let ty = concrete(typed, &Subst::from([]), &scheme.ty);
        let at = typed.program.exprs[value].span;
        let mut hasher = FxHasher::default();
        (crate::words::hash(self.sources.slice(at)), self.type_hash(&ty)).hash(&mut hasher);
        let init_text = hasher.finish();
        let site = self.site(at, &data.name);
        let first = self.module.globals.len() as u32;
        self.globals.insert(binding, first);
        for (word, (name, ty)) in (first..).zip(
            self.layouts.word_names(&data.name, &ty).into_iter().zip(self.layouts.flatten(&ty)),
        ) {
            let assigned = data.assigned;
            self.module.globals.push(Global { name, ty, word, assigned, init_text, site });
        }
    }

    /// Lowers the known global functions that are used, callees first, so that long chains of calls
    /// do not become deep recursion here. Polymorphic ones follow where they are used.
    pub(super) fn lower_in_order(&mut self) {
        let typed = self.typed;
        let used = self.used();
        for stmt in &typed.program.stmts {
            let binding = match stmt {
                Stmt::Let { pattern: Pattern::Bind(binding), .. }
                | Stmt::LetRec { binding, .. } => *binding,
                Stmt::Let { .. } | Stmt::Expr(_) => continue,
            };
            let general =
                typed.bindings[binding].as_ref().is_none_or(|scheme| !scheme.vars.is_empty());
            if let (Known::Lambda(lambda), true, false) =
                (typed.known.get(binding), used[binding], general)
            {
                self.instance(lambda, &Subst::from([]), false);
            }
        }
    }

    /// The names that `dsp` and the global code reach.
    fn used(&self) -> SecondaryMap<BindingId, bool> {
        let program = &self.typed.program;
        let known = &self.typed.known;
        let mut used = SecondaryMap::new();
        let mut bindings: Vec<BindingId> = program.dsp.into_iter().collect();
        let mut lambdas = Vec::new();
        let roots = program.stmts.iter().filter_map(|stmt| match stmt {
            Stmt::Let { pattern: Pattern::Bind(binding), .. } | Stmt::LetRec { binding, .. }
                if known.get(*binding) != Known::Value =>
            {
                None
            }
            Stmt::Let { value, .. } | Stmt::LetRec { value, .. } | Stmt::Expr(value) => {
                Some(*value)
            }
        });
        let (first, nested) = mentions(program, roots);
        bindings.extend(first);
        lambdas.extend(nested);
        let mut seen = SecondaryMap::new();
        loop {
            if let Some(lambda) = lambdas.pop() {
                if !std::mem::replace(&mut seen[lambda], true) {
                    let (uses, nested) = known.mentions(lambda);
                    bindings.extend(uses);
                    lambdas.extend(nested);
                }
            } else if let Some(binding) = bindings.pop() {
                if std::mem::replace(&mut used[binding], true) {
                    continue;
                }
                match known.get(binding) {
                    Known::Lambda(lambda) => lambdas.push(lambda),
                    Known::Alias(other, _) => bindings.push(other),
                    Known::Value | Known::Builtin(_) => {}
                }
            } else {
                return used;
            }
        }
    }

    /// Lowers `dsp` and sets its block after the globals.
    pub(super) fn lower_dsp(&mut self) {
        let typed = self.typed;
        let Some(binding) = typed.program.dsp else { return };
        let Some(scheme) = &typed.bindings[binding] else { return };
        // What nothing decides about channels is a number.
        let subst = extend(&Subst::from([]), scheme.vars.iter().map(|var| (*var, Ty::Number)));
        let ty = concrete(typed, &subst, &scheme.ty);
        let (params, rets) = self.layouts.signature(&ty);
        let dsp = match typed.known.get(binding) {
            Known::Lambda(lambda) => self.instance(lambda, &subst, false),
            Known::Value | Known::Alias(..) | Known::Builtin(_) => self.dsp_wrapper(binding, &ty),
        };
        self.module.dsp = Some(dsp);
        (self.module.inputs, self.module.outputs) = (params.len() as u32, rets.len() as u32);
        self.module.words = self.module.dsp_base.saturating_add(self.module.funcs[dsp].state.words);
    }

    /// `dsp` that is a function value, or another function's name: a function that calls it.
    fn dsp_wrapper(&mut self, binding: BindingId, ty: &Ty) -> FuncId {
        let (params, rets) = self.layouts.signature(ty);
        let at = self.typed.program.bindings[binding].span;
        let mut this = FuncLower::new(self, "dsp".into(), rets, at);
        this.base = this.param(Word::I64);
        let args: Values = params.into_iter().map(|ty| this.param(ty)).collect();
        let result = this.call_binding(binding, ty, args, at);
        this.b().ret(&result);
        let finished = this.finish();
        let id = self.module.funcs.push(attacca_mir::module::Function::new("dsp", Vec::new()));
        self.define(id, finished, at);
        id
    }

    /// Lowers the global code, whose own state lies after the block of `dsp`.
    pub(super) fn lower_globals(&mut self) {
        let program: &Program = &self.typed.program;
        let Some(first) = program.exprs.values().map(|expr| expr.span).next() else { return };
        let base = self.module.words;
        let mut this = FuncLower::new(self, "init".into(), Vec::new(), first);
        this.global = true;
        this.base = this.b().iconst(i64::from(base));
        this.make_constants();
        for stmt in &program.stmts {
            this.stmt(stmt);
        }
        this.b().ret(&[]);
        let finished = this.finish();
        let (words, touches_state) = (finished.func.state.words, finished.touches_state);
        let id = self.module.funcs.push(attacca_mir::module::Function::new("init", Vec::new()));
        self.define(id, finished, first);
        self.module.init = Some(id);
        // Without it no delay lines are made for function values, which get blocks of their own.
        if touches_state {
            self.module.blocks.push((base, id));
        }
        self.module.words = base.saturating_add(words);
    }
}
