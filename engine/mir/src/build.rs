//! The builder: the only way to make instructions.

use crate::module::{
    Block, BlockId, FuncId, Function, Inst, InstId, Jump, Module, ShapeId, SigId, Term, ValueId,
};
use crate::op::{Op, Pure, Ty};
use attacca_rt::code::Shape;
use smallvec::SmallVec;

/// Appends instructions to one function, at the end of the current block.
pub struct Builder<'f> {
    /// The function being built.
    pub func: &'f mut Function,
    /// Where instructions go.
    pub block: BlockId,
}

impl<'f> Builder<'f> {
    /// Starts at the function's entry block.
    pub fn new(func: &'f mut Function) -> Self {
        let block = func.entry;
        Self { func, block }
    }

    /// Adds a parameter to a block; on the entry block, to the function.
    pub fn param(&mut self, block: BlockId, ty: Ty) -> ValueId {
        let value = self.func.values.push(ty);
        self.func.blocks[block].params.push(value);
        value
    }

    /// Makes an open block without moving to it.
    pub fn new_block(&mut self) -> BlockId {
        self.func.blocks.push(Block { params: Vec::new(), insts: Vec::new(), end: Term::Open })
    }

    /// Instructions go to `block` from now on.
    pub fn switch_to(&mut self, block: BlockId) {
        self.block = block;
    }

    /// Appends an instruction with results of the given types.
    pub fn inst(&mut self, op: Op, args: &[ValueId], results: &[Ty]) -> InstId {
        let results = results.iter().map(|ty| self.func.values.push(*ty)).collect();
        let inst = self.func.insts.push(Inst { op, args: SmallVec::from_slice(args), results });
        self.func.blocks[self.block].insts.push(inst);
        inst
    }

    /// Appends an instruction with one result.
    pub fn value(&mut self, op: Op, args: &[ValueId], ty: Ty) -> ValueId {
        let inst = self.inst(op, args, &[ty]);
        self.func.insts[inst].results[0]
    }

    /// Appends an instruction without results.
    pub fn effect(&mut self, op: Op, args: &[ValueId]) {
        self.inst(op, args, &[]);
    }

    /// Appends a pure op.
    pub fn pure(&mut self, op: Pure, args: &[ValueId]) -> ValueId {
        self.value(Op::Pure(op), args, op.result())
    }

    /// A float constant. Denormals are zero from the start: whether a machine's `min` or `select`
    /// flushes them differs, so none may enter a program.
    pub fn fconst(&mut self, x: f64) -> ValueId {
        let x = if x.is_subnormal() { 0.0_f64.copysign(x) } else { x };
        self.value(Op::Fconst(x.to_bits()), &[], Ty::F64)
    }

    /// An integer constant.
    pub fn iconst(&mut self, x: i64) -> ValueId {
        self.value(Op::Iconst(x), &[], Ty::I64)
    }

    /// Language truth (1.0 or 0.0) of an i64.
    pub fn truth(&mut self, cond: ValueId) -> ValueId {
        let (one, zero) = (self.fconst(1.0), self.fconst(0.0));
        self.pure(Pure::Select, &[cond, one, zero])
    }

    /// A call of a known function; `rets` are its result types.
    pub fn call(&mut self, func: FuncId, args: &[ValueId], rets: &[Ty]) -> SmallVec<[ValueId; 2]> {
        let inst = self.inst(Op::Call(func), args, rets);
        self.func.insts[inst].results.clone()
    }

    /// A call through a closure value.
    pub fn call_closure(
        &mut self,
        sig: SigId,
        closure: ValueId,
        args: &[ValueId],
        rets: &[Ty],
    ) -> SmallVec<[ValueId; 2]> {
        let mut all = vec![closure];
        all.extend_from_slice(args);
        let inst = self.inst(Op::CallClosure(sig), &all, rets);
        self.func.insts[inst].results.clone()
    }

    /// `delay(len, x, time)` on the line at `base + offset`: reads `time` samples back (truncated,
    /// clamped to `0..=len-1`, where 0 means `len`), then writes `x` and moves on. `len` is at least 1.
    pub fn delay(
        &mut self,
        base: ValueId,
        offset: u32,
        len: u32,
        x: ValueId,
        time: ValueId,
    ) -> ValueId {
        let zero = self.fconst(0.0);
        let top = self.fconst(f64::from(len - 1));
        // NaN falls to the second arm of the first select, hence to 0.
        let above = self.pure(Pure::Fgt, &[time, zero]);
        let low = self.pure(Pure::Select, &[above, time, zero]);
        let over = self.pure(Pure::Fgt, &[low, top]);
        let clamped = self.pure(Pure::Select, &[over, top, low]);
        let back = self.pure(Pure::Ftoi, &[clamped]);
        let izero = self.iconst(0);
        let full = self.iconst(i64::from(len));
        let is_zero = self.pure(Pure::Ieq, &[back, izero]);
        let back = self.pure(Pure::Iselect, &[is_zero, full, back]);
        let pos = self.value(Op::LinePos(offset), &[base], Ty::I64);
        let index = self.pure(Pure::Isub, &[pos, back]);
        let out = self.value(Op::LineLoad { offset, len }, &[base, index], Ty::F64);
        self.effect(Op::LineStore { offset, len }, &[base, pos, x]);
        let one = self.iconst(1);
        let next = self.pure(Pure::Iadd, &[pos, one]);
        self.effect(Op::LineSetPos(offset), &[base, next]);
        out
    }

    /// Ends the current block with a jump.
    pub fn jump(&mut self, to: BlockId, args: &[ValueId]) {
        self.end(Term::Jump(Jump { to, args: SmallVec::from_slice(args) }));
    }

    /// Ends the current block with a two-way branch.
    pub fn branch(
        &mut self,
        cond: ValueId,
        then: (BlockId, &[ValueId]),
        other: (BlockId, &[ValueId]),
    ) {
        let jump =
            |(to, args): (BlockId, &[ValueId])| Jump { to, args: SmallVec::from_slice(args) };
        self.end(Term::Branch { cond, then: jump(then), other: jump(other) });
    }

    /// Ends the current block with a return.
    pub fn ret(&mut self, values: &[ValueId]) {
        self.end(Term::Return(SmallVec::from_slice(values)));
    }

    fn end(&mut self, end: Term) {
        self.func.blocks[self.block].end = end;
    }
}

impl Module {
    /// The number of this shape, made if it is new.
    pub fn shape(&mut self, shape: Shape) -> ShapeId {
        match self.shapes.iter().find(|(_, s)| **s == shape) {
            Some((id, _)) => id,
            None => self.shapes.push(shape),
        }
    }

    /// The number of this signature, made if it is new.
    pub fn sig(&mut self, params: Vec<Ty>, rets: Vec<Ty>) -> SigId {
        let sig = crate::module::Signature { params, rets };
        match self.sigs.iter().find(|(_, s)| **s == sig) {
            Some((id, _)) => id,
            None => self.sigs.push(sig),
        }
    }
}
