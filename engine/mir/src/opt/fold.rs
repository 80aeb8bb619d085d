//! Constant folding and the strict-mode identities that keep every bit.
//!
//! Folds pure ops on constants, address arithmetic, selects and branches on constants, loads of
//! fields and elements whose object is known, lengths, and calls through closures whose code is known. `x * 1`, `x / 1`
//! and `x - 0` are left alone: they flush denormals.

use crate::module::{Function, InstId, Module, Term, ValueId};
use crate::op::{Op, Pure, Ty};
use crate::opt::rewrite::{Aliases, constant, constant_op, of_values};
use crate::opt::specialise::Known;
use cranelift_entity::SecondaryMap;

/// Folds every function of the module.
pub fn run(module: &mut Module) {
    let known = Known::of(module, None);
    for func in module.funcs.values_mut() {
        fold(func, &known);
    }
}

/// Folds one function with what is known about globals and the heap.
pub fn fold(func: &mut Function, known: &Known) {
    let cfg = super::cfg::Cfg::new(func);
    let mut folder = Folder { defs: of_values(func), ..Folder::new() };
    for block in &cfg.order {
        for index in 0..func.blocks[*block].insts.len() {
            let inst = func.blocks[*block].insts[index];
            folder.inst(func, inst, known);
        }
        folder.end(func, *block);
    }
    folder.aliases.apply(func);
    let cfg = super::cfg::Cfg::new(func);
    super::rewrite::clear_unreachable(func, &cfg);
}

/// Folding in progress: remembers definitions and replaced values as it walks in dominance order.
#[derive(Default)]
pub struct Folder {
    /// Values found to stand for others.
    pub aliases: Aliases,
    defs: SecondaryMap<ValueId, Option<InstId>>,
}

impl Folder {
    /// Nothing known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Simplifies one instruction in place; its operands' definitions have been seen before.
    pub fn inst(&mut self, func: &mut Function, inst: InstId, known: &Known) {
        for i in 0..func.insts[inst].args.len() {
            func.insts[inst].args[i] = self.aliases.get(func.insts[inst].args[i]);
        }
        match self.simplify(func, inst, known) {
            Change::Keep => {}
            Change::Constant(ty, bits) => {
                let data = &mut func.insts[inst];
                data.op = constant_op(ty, bits);
                data.args.clear();
            }
            Change::Same(value) => {
                let result = func.insts[inst].results[0];
                self.aliases.set(result, value);
            }
            Change::Op(op, args) => {
                let data = &mut func.insts[inst];
                data.op = op;
                data.args = args.into();
            }
        }
        for result in &func.insts[inst].results {
            self.defs[*result] = Some(inst);
        }
    }

    fn end(&mut self, func: &mut Function, block: crate::module::BlockId) {
        let mut end = func.blocks[block].end.clone();
        for value in end.uses_mut() {
            *value = self.aliases.get(*value);
        }
        if let Term::Branch { cond, then, other } = &end {
            if let Some((_, bits)) = self.constant(func, *cond) {
                end = Term::Jump(if bits != 0 { then.clone() } else { other.clone() });
            } else if then == other {
                end = Term::Jump(then.clone());
            }
        }
        func.blocks[block].end = end;
    }

    fn def<'f>(&self, func: &'f Function, value: ValueId) -> Option<&'f Op> {
        self.defs[value].map(|inst| &func.insts[inst].op)
    }

    fn constant(&self, func: &Function, value: ValueId) -> Option<(Ty, u64)> {
        self.def(func, value).and_then(constant)
    }

    /// The heap offset `value` is known to be, if it is one.
    pub fn reference(&self, func: &Function, value: ValueId) -> Option<u32> {
        match self.constant(func, self.aliases.get(value)) {
            Some((Ty::Ref, bits)) => Some(bits as u32),
            Some(_) | None => None,
        }
    }

    fn simplify(&self, func: &Function, inst: InstId, known: &Known) -> Change {
        let data = &func.insts[inst];
        match &data.op {
            Op::Pure(op) => self.pure(func, *op, &data.args),
            Op::Load(ty, offset) => match self.constant(func, data.args[0]) {
                Some((_, base)) => known.global(base as i64 + i64::from(*offset), *ty),
                None => Change::Keep,
            },
            Op::HeapLoad { shape, field, ty } => {
                self.heap_load(func, data.args[0], known, *shape, *field, *ty)
            }
            Op::ArrayLen => self.array_len(func, data.args[0], known),
            Op::ArrayLoad { shape, field, ty } => {
                let index = self.constant(func, data.args[1]).map(|(_, bits)| bits);
                match (self.def(func, data.args[0]), index) {
                    (Some(Op::Rconst(0)), _) => Change::Constant(*ty, 0),
                    (Some(Op::Rconst(at)), Some(index)) => {
                        known.element(*at, index, *shape, *field, *ty)
                    }
                    _ => Change::Keep,
                }
            }
            Op::CallClosure(_) => self.call_closure(func, inst, known),
            Op::Block { offset, .. } if known.blocks_are_static => match self
                .constant(func, data.args[0])
            {
                Some((_, base)) => Change::Constant(Ty::I64, base.wrapping_add(u64::from(*offset))),
                None => Change::Keep,
            },
            Op::SampleRate if known.rate > 0.0 => Change::Constant(Ty::F64, known.rate.to_bits()),
            _ => Change::Keep,
        }
    }

    fn pure(&self, func: &Function, op: Pure, args: &[ValueId]) -> Change {
        let constants: Vec<Option<u64>> =
            args.iter().map(|a| self.constant(func, *a).map(|(_, bits)| bits)).collect();
        if constants.iter().all(Option::is_some) {
            let words: Vec<u64> = constants.into_iter().flatten().collect();
            return Change::Constant(op.result(), op.eval(&words));
        }
        match op {
            Pure::Iadd | Pure::Isub | Pure::Ior | Pure::Ixor if constants[1] == Some(0) => {
                Change::Same(args[0])
            }
            Pure::Iadd if constants[0] == Some(0) => Change::Same(args[1]),
            Pure::Select | Pure::Iselect => match constants[0] {
                Some(c) => Change::Same(if c != 0 { args[1] } else { args[2] }),
                None if args[1] == args[2] => Change::Same(args[1]),
                None => Change::Keep,
            },
            Pure::Fgt | Pure::Fne if constants[1] == Some(0) => self.truth_of_truth(func, args[0]),
            _ => Change::Keep,
        }
    }

    /// `select(c, 1.0, 0.0) > 0` is `c`, likewise `!= 0`.
    fn truth_of_truth(&self, func: &Function, value: ValueId) -> Change {
        let Some(inst) = self.defs[value] else { return Change::Keep };
        let data = &func.insts[inst];
        if data.op != Op::Pure(Pure::Select) {
            return Change::Keep;
        }
        let bits = |v| self.constant(func, v).map(|(_, bits)| bits);
        match (bits(data.args[1]), bits(data.args[2])) {
            (Some(one), Some(0)) if one == 1.0f64.to_bits() => {
                Change::Same(self.aliases.get(data.args[0]))
            }
            _ => Change::Keep,
        }
    }

    fn heap_load(
        &self,
        func: &Function,
        object: ValueId,
        known: &Known,
        shape: crate::module::ShapeId,
        field: u32,
        ty: Ty,
    ) -> Change {
        if known.shapes.get(shape).is_none_or(|s| !s.kind.is_constant()) {
            return Change::Keep;
        }
        let Some(inst) = self.defs[object] else { return Change::Keep };
        let data = &func.insts[inst];
        match data.op {
            // In code that is never reached, the object may be of another alternative.
            Op::Alloc(_) => match data.args.get(field as usize) {
                Some(value) if func.values[*value] == ty => Change::Same(self.aliases.get(*value)),
                Some(_) | None => Change::Keep,
            },
            Op::Rconst(0) => Change::Constant(ty, 0),
            Op::Rconst(at) => known.field(at, field, ty),
            _ => Change::Keep,
        }
    }

    fn array_len(&self, func: &Function, array: ValueId, known: &Known) -> Change {
        let Some(inst) = self.defs[array] else { return Change::Keep };
        let data = &func.insts[inst];
        match data.op {
            Op::Rconst(at) => known.array_len(at),
            Op::NewArray(_) => match self.constant(func, data.args[0]) {
                Some((ty, len)) => Change::Constant(ty, (len as i64).max(0) as u64),
                None => Change::Keep,
            },
            _ => Change::Keep,
        }
    }

    fn call_closure(&self, func: &Function, inst: InstId, known: &Known) -> Change {
        let data = &func.insts[inst];
        let callee = data.args[0];
        let Some(def) = self.defs[callee] else { return Change::Keep };
        let def = &func.insts[def];
        let target = match def.op {
            Op::Alloc(_) => {
                match def.args.first().and_then(|a| self.def(func, self.aliases.get(*a))) {
                    Some(Op::FuncAddr(target)) => Some(*target),
                    Some(Op::Iconst(number)) => known.function(*number),
                    _ => None,
                }
            }
            Op::Rconst(at) if at != 0 => known.closure_code(at),
            _ => None,
        };
        match target {
            Some(target) => Change::Op(Op::Call(target), data.args.to_vec()),
            None => Change::Keep,
        }
    }
}

/// What becomes of an instruction.
pub enum Change {
    /// It stays.
    Keep,
    /// Its result is this constant.
    Constant(Ty, u64),
    /// Its result is this value.
    Same(ValueId),
    /// It becomes another op.
    Op(Op, Vec<ValueId>),
}
