//! Function values: what they capture, how they are made and entered.

use attacca_mir::module::{FuncId, FuncState, Function, ShapeId, ValueId};
use attacca_mir::op::{Op, Ty as Word};
use attacca_rt::code::{ObjectKind, Shape, WordKind};

use super::func::{FuncLower, Place, Values};
use super::words::Subst;
use super::{Instance, Lowerer};
use crate::builtins::Builtin;
use crate::hir::{BindingId, LambdaId};
use crate::source::Span;
use crate::types::known::Known;
use crate::types::ty::Ty;
use attacca_mir::build::Builder;
use attacca_mir::module::{self, CaptureKind, Child};

/// One thing a closure carries.
enum Capture {
    /// The words of a variable that never changes.
    Words(BindingId, Vec<Word>),
    /// The cell of a variable that changes.
    Cell(BindingId, ShapeId),
    /// The state base of a known function around it, which it calls.
    Base(LambdaId),
}

impl Capture {
    fn words(&self) -> &[Word] {
        match self {
            Self::Words(_, words) => words,
            Self::Cell(..) => &[Word::Ref],
            Self::Base(_) => &[Word::I64],
        }
    }
}

impl FuncLower<'_, '_> {
    /// What a function value made from `lambda` carries, in order.
    fn captures(&mut self, lambda: LambdaId) -> Vec<Capture> {
        let typed = self.lo.typed;
        let own = typed.known.name_of(lambda);
        let mut out = Vec::new();
        for binding in &typed.program.lambdas[lambda].captures {
            // Known functions need no value; a recursive one reaches itself by its closure.
            if typed.known.get(*binding) != Known::Value || own == Some(*binding) {
                continue;
            }
            let words = self.lo.layouts.flatten(&self.binding_type(*binding));
            let data = &typed.program.bindings[*binding];
            if data.assigned && data.captured && !words.is_empty() {
                let fields = words.iter().map(|word| (*word).into()).collect();
                let shape = self.lo.module.shape(Shape { kind: ObjectKind::Cell, fields });
                out.push(Capture::Cell(*binding, shape));
            } else {
                out.push(Capture::Words(*binding, words));
            }
        }
        out.extend(typed.known.outer(lambda).iter().map(|outer| Capture::Base(*outer)));
        out
    }

    fn closure_shape(&mut self, captures: &[Capture]) -> ShapeId {
        let words = captures.iter().flat_map(|capture| capture.words());
        let mut fields = vec![WordKind::I64, WordKind::I64];
        fields.extend(words.map(|word| WordKind::from(*word)));
        self.lo.module.shape(Shape { kind: ObjectKind::Closure, fields })
    }

    /// The captures word by word, for what survives an edit.
    fn capture_names(&self, captures: &[Capture]) -> Vec<module::Capture> {
        let words = |capture: &Capture| {
            let (name, kind, types) = match capture {
                Capture::Words(binding, _) => self.captured(*binding, CaptureKind::Value),
                Capture::Cell(binding, _) => self.captured(*binding, CaptureKind::Cell),
                Capture::Base(lambda) => (self.lo.name_of(*lambda), CaptureKind::Base, 0),
            };
            let word = |ty: &Word| module::Capture { name: name.clone(), kind, ty: *ty, types };
            capture.words().iter().map(word).collect::<Vec<_>>()
        };
        captures.iter().flat_map(words).collect()
    }

    fn captured(&self, binding: BindingId, kind: CaptureKind) -> (String, CaptureKind, u64) {
        let types = self.lo.type_hash(&self.binding_type(binding));
        (self.program().bindings[binding].name.to_string(), kind, types)
    }

    /// Reads base and captures at the entry of a function called through values.
    pub(super) fn enter_closure(&mut self, lambda: LambdaId, closure: ValueId) {
        let captures = self.captures(lambda);
        let shape = self.closure_shape(&captures);
        self.func.captures = self.capture_names(&captures);
        self.base =
            self.b().value(Op::HeapLoad { shape, field: 1, ty: Word::I64 }, &[closure], Word::I64);
        let mut field = 2;
        for capture in &captures {
            let mut words = Vec::new();
            for ty in capture.words() {
                words.push(self.b().value(Op::HeapLoad { shape, field, ty: *ty }, &[closure], *ty));
                field += 1;
            }
            match (capture, &words[..]) {
                (Capture::Cell(binding, shape), [cell]) => {
                    self.places.insert(*binding, Place::Cell(*cell, *shape));
                }
                (Capture::Base(outer), [base]) => {
                    self.outer.insert(*outer, *base);
                }
                (Capture::Words(binding, _) | Capture::Cell(binding, _), _) => {
                    self.places.insert(*binding, Place::Words(words));
                }
                (Capture::Base(_), _) => {}
            }
        }
        if let Some(own) = self.lo.typed.known.name_of(lambda) {
            self.places.insert(own, Place::Words(vec![closure]));
        }
    }

    /// Makes a function value of a lambda.
    pub(super) fn make_closure(&mut self, lambda: LambdaId, binding: &str, at: Span) -> Values {
        let captures = self.captures(lambda);
        let shape = self.closure_shape(&captures);
        let subst = self.subst.clone();
        let func = self.lo.instance(lambda, &subst, true);
        let block = self.value_block(func, binding, at);
        let mut fields = vec![self.b().value(Op::FuncAddr(func), &[], Word::I64), block];
        for capture in captures {
            match capture {
                Capture::Words(binding, _) => fields.extend(self.read(binding)),
                Capture::Cell(binding, _) => fields.extend(self.cell_of(binding)),
                Capture::Base(outer) => fields.push(self.base_of(outer)),
            }
        }
        vec![self.b().value(Op::Alloc(shape), &fields, Word::Ref)]
    }

    fn cell_of(&mut self, binding: BindingId) -> Option<ValueId> {
        match self.places.get(&binding) {
            Some(Place::Cell(cell, _)) => Some(*cell),
            Some(Place::Words(_)) | None => {
                debug_assert!(false, "`{}` has no cell", self.program().bindings[binding].name);
                None
            }
        }
    }

    /// The base of a known function whose body this is, or is inside of.
    pub(super) fn base_of(&self, lambda: LambdaId) -> ValueId {
        self.outer.get(&lambda).copied().unwrap_or(self.base)
    }

    /// Whether a known function is the one being lowered or one around it: then it runs on that
    /// one's state block.
    pub(super) fn is_around(&self, lambda: LambdaId) -> bool {
        (self.direct && self.lambda == Some(lambda)) || self.outer.contains_key(&lambda)
    }

    /// Makes a function value of a known function.
    pub(super) fn known_value(
        &mut self,
        lambda: LambdaId,
        subst: &Subst,
        ty: &Ty,
        at: Span,
    ) -> Values {
        let func = self.lo.instance(lambda, subst, false);
        let thunk = self.lo.thunk(func, ty);
        let name = self.lo.module.funcs[func].name.clone();
        let block = if self.is_around(lambda) {
            self.base_of(lambda)
        } else {
            self.value_block(thunk, &name, at)
        };
        self.alloc_plain(thunk, block)
    }

    /// Makes a function value of a built-in.
    pub(super) fn builtin_value(&mut self, builtin: Builtin, ty: &Ty, at: Span) -> Values {
        let thunk = self.lo.builtin_thunk(builtin, ty, at);
        self.plain_function(thunk)
    }

    /// Makes a function value of a function without state and captures.
    pub(super) fn plain_function(&mut self, thunk: FuncId) -> Values {
        let block = self.b().iconst(0);
        self.alloc_plain(thunk, block)
    }

    fn alloc_plain(&mut self, func: FuncId, block: ValueId) -> Values {
        let shape = self.closure_shape(&[]);
        let code = self.b().value(Op::FuncAddr(func), &[], Word::I64);
        vec![self.b().value(Op::Alloc(shape), &[code, block], Word::Ref)]
    }
}

impl Lowerer<'_> {
    /// The function by which a known function of type `ty` is called through values.
    fn thunk(&mut self, func: FuncId, ty: &Ty) -> FuncId {
        let key = Instance::Thunk(func);
        if let Some(id) = self.instances.get(&key) {
            return *id;
        }
        let (params, rets) = self.layouts.signature(ty);
        let mut thunk = Function::new(self.module.funcs[func].name.clone(), rets.clone());
        thunk.closure = true;
        thunk.types = self.type_hash(ty);
        thunk.site = self.module.funcs[func].site;
        let shape = Shape { kind: ObjectKind::Closure, fields: vec![WordKind::I64; 2] };
        let shape = self.module.shape(shape);
        let mut b = Builder::new(&mut thunk);
        let entry = b.block;
        let closure = b.param(entry, Word::Ref);
        let params: Vec<ValueId> = params.into_iter().map(|ty| b.param(entry, ty)).collect();
        let mut args =
            vec![b.value(Op::HeapLoad { shape, field: 1, ty: Word::I64 }, &[closure], Word::I64)];
        args.extend(params);
        let result = b.call(func, &args, &rets);
        b.ret(&result);
        let id = self.module.funcs.push(thunk);
        self.instances.insert(key, id);
        if self.open[func] {
            self.thunks.push((id, func));
        } else {
            self.give_block(id, func);
        }
        id
    }

    /// A thunk's block is its function's block.
    fn give_block(&mut self, thunk: FuncId, func: FuncId) {
        let words = self.module.funcs[func].state.words;
        let site = self.module.funcs[func].site;
        if words > 0 {
            let child = Child { offset: 0, func, binding: String::new(), site };
            self.module.funcs[thunk].state =
                FuncState { words, leaves: Vec::new(), children: vec![child] };
        }
        self.line_samples[thunk] = self.line_samples[func];
    }

    /// Completes the thunks of a function that were made while it was open.
    pub(super) fn finish_thunks(&mut self, finished: FuncId) {
        for (thunk, func) in std::mem::take(&mut self.thunks) {
            if func == finished {
                self.give_block(thunk, func);
            } else {
                self.thunks.push((thunk, func));
            }
        }
    }

    fn builtin_thunk(&mut self, builtin: Builtin, ty: &Ty, at: Span) -> FuncId {
        let key = Instance::Builtin(builtin, ty.clone());
        if let Some(id) = self.instances.get(&key) {
            return *id;
        }
        let (params, rets) = self.layouts.signature(ty);
        let mut this = FuncLower::new(self, builtin.name().into(), rets, at);
        this.func.closure = true;
        this.param(Word::Ref);
        let args: Values = params.into_iter().map(|word| this.param(word)).collect();
        let result = this.builtin_words(builtin, ty, &args, at);
        this.b().ret(&result);
        let func = this.finish().func;
        let id = self.module.funcs.push(func);
        self.instances.insert(key, id);
        id
    }
}
