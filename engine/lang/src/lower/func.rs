//! One MIR function in the making: entry and exit, names in scope, state, cells.

use std::collections::BTreeMap;
use std::sync::Arc;

use attacca_mir::build::Builder;
use attacca_mir::module::{BlockId, Child, FuncId, Function, Leaf, LeafKind, ShapeId, ValueId};
use attacca_mir::op::{Op, Ty as Word};
use attacca_rt::code::{ObjectKind, Shape};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::words::{Subst, concrete, is_numbers};
use super::{Lowerer, MAX_STATE_WORDS};
use crate::hir::{BindingId, BindingKind, ExpansionId, ExprId, LambdaId, Program};
use crate::source::Span;
use crate::types::ty::Ty;

/// The words of a value.
pub(super) type Values = Vec<ValueId>;

/// Where a variable's words are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In SSA values; an assignment changes the entry.
    Words(Values),
    /// In a heap cell, because a function that outlives this place may see it change.
    Cell(ValueId, ShapeId),
}

/// A MIR function and what its callers need to know of it.
pub(super) struct Finished {
    pub(super) func: Function,
    /// Samples of delay lines in one instance, callees included.
    pub(super) line_samples: u64,
    /// Whether running it touches state.
    pub(super) touches_state: bool,
}

/// A MIR function in the making.
pub(super) struct FuncLower<'l, 'a> {
    pub(super) lo: &'l mut Lowerer<'a>,
    pub(super) func: Function,
    pub(super) block: BlockId,
    /// Base of the own state block.
    pub(super) base: ValueId,
    pub(super) subst: Subst,
    pub(super) lambda: Option<LambdaId>,
    /// Whether `lambda` is lowered as a known function: it may call itself by `base`.
    pub(super) direct: bool,
    /// Bases of the known functions around that this one may call.
    pub(super) outer: FxHashMap<LambdaId, ValueId>,
    pub(super) places: BTreeMap<BindingId, Place>,
    /// The previous result, if `self` is used.
    pub(super) previous: Values,
    /// The name that the next stateful call initialises.
    pub(super) hint: Option<SmolStr>,
    pub(super) line_samples: u64,
    /// Whether running this, not only calling the function values it makes, touches state.
    pub(super) touches_state: bool,
    /// Whether this is the global code.
    pub(super) global: bool,
    /// What made the code being lowered.
    pub(super) made: Option<ExpansionId>,
    /// How often a place in made code was asked for.
    asked: FxHashMap<(ExpansionId, Span), u32>,
}

impl<'l, 'a> FuncLower<'l, 'a> {
    /// An empty function; its base must still be set.
    pub(super) fn new(lo: &'l mut Lowerer<'a>, name: String, rets: Vec<Word>, at: Span) -> Self {
        let mut func = Function::new(name, rets);
        func.site = lo.site(at, &func.name);
        let block = func.entry;
        Self {
            lo,
            func,
            block,
            base: ValueId::from_u32(0),
            subst: Arc::from([]),
            lambda: None,
            direct: false,
            outer: FxHashMap::default(),
            places: BTreeMap::new(),
            previous: Vec::new(),
            hint: None,
            line_samples: 0,
            touches_state: false,
            global: false,
            made: None,
            asked: FxHashMap::default(),
        }
    }

    /// Lowers a function at concrete types; gives it finished.
    pub(super) fn lambda(
        lo: &'l mut Lowerer<'a>,
        lambda: LambdaId,
        subst: &Subst,
        closure: bool,
    ) -> Finished {
        let typed = lo.typed;
        let data = &typed.program.lambdas[lambda];
        let ret = concrete(typed, subst, &typed.value_type(data.body));
        let name = lo.name_of(lambda);
        let rets = lo.layouts.flatten(&ret);
        let mut this = Self::new(lo, name, rets, data.span);
        this.subst = Arc::clone(subst);
        this.lambda = Some(lambda);
        this.made = typed.program.expanded.get(&data.body).copied();
        if this.made.is_some() {
            this.func.site = this.site(data.span);
        }
        this.direct = !closure;
        this.func.closure = closure;
        if closure {
            this.func.types = this.lo.type_hash(&this.lambda_type(lambda, &ret));
        }
        let first = this.param(if closure { Word::Ref } else { Word::I64 });
        let params: Vec<(BindingId, Values)> = data
            .params
            .iter()
            .map(|param| {
                let words = this.lo.layouts.flatten(&this.binding_type(param.binding));
                (param.binding, words.into_iter().map(|word| this.param(word)).collect())
            })
            .collect();
        if closure {
            this.enter_closure(lambda, first);
        } else {
            this.base = first;
        }
        for (binding, words) in params {
            this.bind(binding, words);
        }
        if data.uses_self {
            this.load_self(&ret, data.span);
        }
        let result = this.expr(data.body);
        if data.uses_self {
            this.store_self(&result);
        }
        this.b().ret(&result);
        this.finish()
    }

    /// The concrete type of a lambda that gives `ret`.
    fn lambda_type(&self, lambda: LambdaId, ret: &Ty) -> Ty {
        let params = &self.program().lambdas[lambda].params;
        let params = params.iter().map(|param| self.binding_type(param.binding)).collect();
        Ty::func(Ty::pack(params), ret.clone())
    }

    /// The function with what its callers need to know of it.
    pub(super) fn finish(self) -> Finished {
        Finished {
            func: self.func,
            line_samples: self.line_samples,
            touches_state: self.touches_state,
        }
    }

    /// A builder at the current block.
    pub(super) fn b(&mut self) -> Builder<'_> {
        Builder { func: &mut self.func, block: self.block }
    }

    /// One more parameter of the function.
    pub(super) fn param(&mut self, ty: Word) -> ValueId {
        let entry = self.func.entry;
        self.b().param(entry, ty)
    }

    /// The program being lowered.
    pub(super) fn program(&self) -> &'a Program {
        &self.lo.typed.program
    }

    /// A type with this function's type parameters filled in.
    pub(super) fn concrete(&self, ty: &Ty) -> Ty {
        concrete(self.lo.typed, &self.subst, ty)
    }

    /// The concrete type of an expression.
    pub(super) fn type_of(&self, expr: ExprId) -> Ty {
        self.concrete(&self.lo.typed.type_of(expr))
    }

    /// The concrete type of a variable.
    pub(super) fn binding_type(&self, binding: BindingId) -> Ty {
        match &self.lo.typed.bindings[binding] {
            Some(scheme) => self.concrete(&scheme.ty),
            None => Ty::Error,
        }
    }

    // ---- names ----

    /// Gives a variable its first value.
    pub(super) fn bind(&mut self, binding: BindingId, words: Values) {
        let data = &self.program().bindings[binding];
        let place = if data.assigned && data.captured && !words.is_empty() {
            let fields = words.iter().map(|word| self.func.values[*word].into()).collect();
            let shape = self.lo.module.shape(Shape { kind: ObjectKind::Cell, fields });
            Place::Cell(self.b().value(Op::Alloc(shape), &words, Word::Ref), shape)
        } else {
            Place::Words(words)
        };
        self.places.insert(binding, place);
    }

    /// Reads a variable that is no known function.
    pub(super) fn read(&mut self, binding: BindingId) -> Values {
        let words = self.lo.layouts.flatten(&self.binding_type(binding));
        if self.program().bindings[binding].kind == BindingKind::Global {
            return self.read_global(binding, &words);
        }
        match self.places.get(&binding).cloned() {
            Some(Place::Words(values)) => values,
            Some(Place::Cell(cell, shape)) => (0u32..)
                .zip(words)
                .map(|(field, ty)| self.b().value(Op::HeapLoad { shape, field, ty }, &[cell], ty))
                .collect(),
            None => {
                debug_assert!(false, "`{}` has no place", self.program().bindings[binding].name);
                self.zeros(&words)
            }
        }
    }

    fn read_global(&mut self, binding: BindingId, words: &[Word]) -> Values {
        let first = self.lo.globals.get(&binding).copied().unwrap_or(0);
        let zero = self.b().iconst(0);
        (first..)
            .zip(words)
            .map(|(at, ty)| self.b().value(Op::Load(*ty, at), &[zero], *ty))
            .collect()
    }

    /// Writes the words of a variable from number `start` on.
    pub(super) fn write(&mut self, binding: BindingId, start: usize, values: &[ValueId]) {
        if self.program().bindings[binding].kind == BindingKind::Global {
            let first = self.lo.globals.get(&binding).copied().unwrap_or(0) + start as u32;
            let zero = self.b().iconst(0);
            for (at, value) in (first..).zip(values) {
                let ty = self.func.values[*value];
                self.b().effect(Op::Store(ty, at), &[zero, *value]);
            }
            return;
        }
        match self.places.get_mut(&binding) {
            Some(Place::Words(words)) => {
                for (word, value) in words.iter_mut().skip(start).zip(values) {
                    *word = *value;
                }
            }
            Some(Place::Cell(cell, shape)) => {
                let (cell, shape) = (*cell, *shape);
                for (field, value) in (start as u32..).zip(values) {
                    let ty = self.func.values[*value];
                    self.b().effect(Op::HeapStore { shape, field, ty }, &[cell, *value]);
                }
            }
            None => {
                debug_assert!(false, "`{}` has no place", self.program().bindings[binding].name)
            }
        }
    }

    /// Zeros of these types.
    pub(super) fn zeros(&mut self, words: &[Word]) -> Values {
        let zero = |this: &mut Self, ty: &Word| match ty {
            Word::F64 => this.b().fconst(0.0),
            Word::I64 => this.b().iconst(0),
            Word::Ref => this.b().value(Op::Rconst(0), &[], Word::Ref),
        };
        words.iter().map(|ty| zero(self, ty)).collect()
    }

    // ---- state ----

    /// Sets aside words of the own block; gives their offset.
    fn reserve(&mut self, words: u32, at: Span) -> u32 {
        let offset = self.func.state.words;
        match offset.checked_add(words).filter(|sum| u64::from(*sum) <= MAX_STATE_WORDS) {
            Some(sum) => self.func.state.words = sum,
            None => self.lo.fail(
                "state-too-large",
                at,
                "this program needs more memory than can be had",
            ),
        }
        offset
    }

    /// One more remembered word or delay line; gives its offset.
    pub(super) fn leaf(&mut self, kind: LeafKind, name: &str, at: Span) -> u32 {
        let offset = self.reserve(1, at);
        self.touches_state = true;
        if let LeafKind::Line { len } = kind {
            self.line_samples =
                self.line_samples.saturating_add(u64::from(len.next_power_of_two()));
        }
        let site = self.site(at);
        let leaf = Leaf { offset, kind, name: name.into(), site, types: 0 };
        self.func.state.leaves.push(leaf);
        offset
    }

    /// The block of a callee or function value in the own block; gives its offset, or nothing if the
    /// function has no state.
    pub(super) fn child(&mut self, func: FuncId, binding: &str, at: Span) -> Option<u32> {
        let words = self.lo.module.funcs[func].state.words;
        if words == 0 {
            return None;
        }
        let offset = self.reserve(words, at);
        self.line_samples = self.line_samples.saturating_add(self.lo.line_samples[func]);
        let site = self.site(at);
        self.func.state.children.push(Child { offset, func, binding: binding.into(), site });
        Some(offset)
    }

    /// State base for a function value made here.
    pub(super) fn value_block(&mut self, func: FuncId, binding: &str, at: Span) -> ValueId {
        let words = self.lo.module.funcs[func].state.words;
        if words == 0 {
            return self.b().iconst(0);
        }
        // Global code gets its blocks when it runs; the words here only keep addresses in range.
        let offset =
            if self.global { Some(self.reserve(words, at)) } else { self.child(func, binding, at) };
        let base = self.base;
        self.b().value(Op::Block { func, offset: offset.unwrap_or(0) }, &[base], Word::I64)
    }

    /// The number of a place in this function.
    pub(super) fn site(&mut self, at: Span) -> u32 {
        let nth = self.made.map(|made| {
            let asked = self.asked.entry((made, at)).or_default();
            *asked += 1;
            (made, *asked)
        });
        self.lo.site_in(at, &self.func.name, nth)
    }

    /// All `self` of one call read what the previous call returned.
    fn load_self(&mut self, ret: &Ty, at: Span) {
        if ret.holds_function() {
            self.lo.fail(
                "self-function",
                at,
                "`self` is used here in a function that returns a function",
            );
        }
        let base = self.base;
        for (part, ty) in (0u32..).zip(self.lo.layouts.flatten(ret)) {
            let offset = self.leaf(LeafKind::SelfValue { part, ty }, "self", at);
            if let Some(leaf) = self.func.state.leaves.last_mut().filter(|_| !is_numbers(ret)) {
                leaf.types = self.lo.type_hash(ret);
            }
            let word = self.b().value(Op::Load(ty, offset), &[base], ty);
            self.previous.push(word);
        }
    }

    fn store_self(&mut self, result: &[ValueId]) {
        let base = self.base;
        for (offset, value) in (0u32..).zip(result) {
            let ty = self.func.values[*value];
            self.b().effect(Op::Store(ty, offset), &[base, *value]);
        }
    }
}
