//! Chooses ops for a function: from MIR to machine code over values.
//!
//! Each block is read from its end, so that an op can take over the ops that feed it alone: chains of
//! arithmetic, comparisons in front of selects and branches, the parts of a delay. Constants are
//! values of the function that are never computed. No registers yet.

use crate::code::Opcode;
use crate::lir::{Block, CONST, End, Func, Inst, Label, MachineOp, Reg, Slot, Test, TestKind};
use attacca_mir::backend::BackendError;
use attacca_mir::module::{BlockId, Function, InstId, Jump, Module, Term, ValueId};
use attacca_mir::op::{Op, Pure};
use cranelift_entity::{EntityRef, SecondaryMap};
use rustc_hash::FxHashMap;

mod arith;
mod lines;
mod ops;

/// What the code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Playing: state blocks of function values are static.
    Sound,
    /// Global code: function values own fresh blocks.
    Globals,
}

/// Machine code of `func`. Adds the names of the extensions it needs to `ext`.
pub(crate) fn select(
    module: &Module,
    func: &Function,
    purpose: Purpose,
    ext: &mut Vec<String>,
) -> Result<Func, BackendError> {
    let order = order(func);
    let mut cx = Select::new(module, func, purpose, ext, &order);
    let mut blocks = Vec::new();
    for block in &order {
        cx.block(*block, &mut blocks)?;
    }
    let params = func.blocks[func.entry].params.iter().map(|v| v.as_u32()).collect();
    Ok(Func { blocks, params, consts: cx.const_bits, values: cx.values, labels: cx.labels })
}

/// Reachable blocks, a branch's first target before its second where that is possible.
fn order(func: &Function) -> Vec<BlockId> {
    let mut seen: SecondaryMap<BlockId, bool> = SecondaryMap::new();
    let mut post = Vec::new();
    let mut stack = vec![(func.entry, successors(func, func.entry))];
    seen[func.entry] = true;
    while let Some((block, next)) = stack.last_mut() {
        match next.pop() {
            Some(to) => {
                if !std::mem::replace(&mut seen[to], true) {
                    stack.push((to, successors(func, to)));
                }
            }
            None => {
                post.push(*block);
                stack.pop();
            }
        }
    }
    post.reverse();
    post
}

fn successors(func: &Function, block: BlockId) -> Vec<BlockId> {
    func.blocks[block].end.jumps().map(|jump| jump.to).collect()
}

/// What is known of the function while its ops are chosen.
struct Select<'m> {
    module: &'m Module,
    func: &'m Function,
    purpose: Purpose,
    ext: &'m mut Vec<String>,
    /// Instruction that gives a value.
    def: SecondaryMap<ValueId, Option<InstId>>,
    /// Block and place of an instruction.
    place: SecondaryMap<InstId, (u32, u32)>,
    /// Uses of a value.
    uses: SecondaryMap<ValueId, u32>,
    /// Uses as the condition of a select or branch.
    tests: SecondaryMap<ValueId, u32>,
    /// Instructions whose work another op does.
    covered: SecondaryMap<InstId, bool>,
    consts: FxHashMap<u64, Reg>,
    const_bits: Vec<u64>,
    values: u32,
    labels: Label,
    /// The block being read, and its ops so far, last first.
    block: BlockId,
    out: Vec<Inst>,
}

impl<'m> Select<'m> {
    fn new(
        module: &'m Module,
        func: &'m Function,
        purpose: Purpose,
        ext: &'m mut Vec<String>,
        order: &[BlockId],
    ) -> Self {
        let mut cx = Self {
            module,
            func,
            purpose,
            ext,
            def: SecondaryMap::new(),
            place: SecondaryMap::new(),
            uses: SecondaryMap::new(),
            tests: SecondaryMap::new(),
            covered: SecondaryMap::new(),
            consts: FxHashMap::default(),
            const_bits: Vec::new(),
            values: func.values.len() as u32,
            labels: func.blocks.len() as Label,
            block: func.entry,
            out: Vec::new(),
        };
        for block in order {
            cx.count(*block);
        }
        cx
    }

    fn count(&mut self, id: BlockId) {
        let block = &self.func.blocks[id];
        for (inst, place) in block.insts.iter().zip(0u32..) {
            let data = &self.func.insts[*inst];
            self.place[*inst] = (id.as_u32(), place);
            for value in &data.results {
                self.def[*value] = Some(*inst);
            }
            for value in &data.args {
                self.uses[*value] += 1;
            }
            if let Op::Pure(Pure::Select | Pure::Iselect) = data.op {
                self.tests[data.args[0]] += 1;
            }
        }
        for value in block.end.uses() {
            self.uses[value] += 1;
        }
        if let Term::Branch { cond, .. } = block.end {
            self.tests[cond] += 1;
        }
    }

    fn block(&mut self, id: BlockId, blocks: &mut Vec<Block>) -> Result<(), BackendError> {
        self.block = id;
        let mut edges = Vec::new();
        let end = match &self.func.blocks[id].end {
            Term::Jump(jump) => {
                self.copies(jump);
                End::Jump(jump.to.as_u32())
            }
            Term::Branch { cond, then, other } => {
                let test = self.test(*cond);
                let then = self.edge(then, &mut edges);
                let other = self.edge(other, &mut edges);
                End::Branch(test, then, other)
            }
            Term::Return(values) => End::Return(values.iter().map(|v| self.reg(*v)).collect()),
            Term::Open => return Err(BackendError::Internal(format!("{id} has no end"))),
        };
        for inst in self.func.blocks[id].insts.iter().rev() {
            if !self.covered[*inst] {
                self.inst(*inst)?;
            }
        }
        let mut insts = std::mem::take(&mut self.out);
        insts.reverse();
        blocks.push(Block { label: id.as_u32(), insts, end });
        blocks.append(&mut edges);
        Ok(())
    }

    /// The label to branch to: the target, or a new block that gives the target its values.
    fn edge(&mut self, jump: &Jump, edges: &mut Vec<Block>) -> Label {
        if jump.args.is_empty() {
            return jump.to.as_u32();
        }
        let before = self.out.len();
        self.copies(jump);
        let insts = self.out.split_off(before);
        let label = self.labels;
        self.labels += 1;
        edges.push(Block { label, insts, end: End::Jump(jump.to.as_u32()) });
        label
    }

    fn copies(&mut self, jump: &Jump) {
        let params = &self.func.blocks[jump.to].params;
        let pairs: Vec<_> = params
            .iter()
            .zip(&jump.args)
            .map(|(to, from)| (to.as_u32(), self.reg(*from)))
            .collect();
        if !pairs.is_empty() {
            self.out.push(Inst::Copies(pairs));
        }
    }

    // ---- values ----

    /// The number of a value in machine code.
    fn reg(&mut self, value: ValueId) -> Reg {
        match self.constant(value) {
            Some(bits) => self.const_reg(bits),
            None => value.as_u32(),
        }
    }

    /// The operand for a value.
    fn slot(&mut self, value: ValueId) -> Slot {
        Slot::Reg(self.reg(value))
    }

    fn const_reg(&mut self, bits: u64) -> Reg {
        let next = CONST | self.const_bits.len() as Reg;
        let reg = *self.consts.entry(bits).or_insert(next);
        if reg == next {
            self.const_bits.push(bits);
        }
        reg
    }

    fn const_slot(&mut self, bits: u64) -> Slot {
        Slot::Reg(self.const_reg(bits))
    }

    /// A new temporary.
    fn temp(&mut self) -> Reg {
        self.values += 1;
        self.values - 1
    }

    /// The value's bits, if it is a constant.
    fn constant(&self, value: ValueId) -> Option<u64> {
        match &self.func.insts[self.def[value]?].op {
            Op::Fconst(bits) => Some(*bits),
            Op::Iconst(x) => Some(*x as u64),
            Op::Rconst(offset) => Some(u64::from(*offset)),
            Op::FuncAddr(func) => Some(func.index() as u64),
            Op::SampleRate => Some(self.module.rate.to_bits()),
            _ => None,
        }
    }

    /// The pure op that gives a value, and its operands.
    fn pure(&self, value: ValueId) -> Option<(InstId, Pure, &'m [ValueId])> {
        let inst = self.def[value]?;
        let data = &self.func.insts[inst];
        match data.op {
            Op::Pure(pure) => Some((inst, pure, &data.args)),
            _ => None,
        }
    }

    /// [`Self::pure`] if the value is used once, and computed in this block by an op not yet taken:
    /// then the op that uses it may do its work.
    fn inner(&self, value: ValueId) -> Option<(InstId, Pure, &'m [ValueId])> {
        self.pure(value).filter(|(inst, ..)| {
            self.uses[value] == 1 && self.is_here(*inst) && !self.covered[*inst]
        })
    }

    fn is_here(&self, inst: InstId) -> bool {
        self.place[inst].0 == self.block.as_u32()
    }

    // ---- comparisons ----

    /// The test that a condition stands for.
    fn test(&mut self, cond: ValueId) -> Test {
        if let Some((_, pure, args)) = self.pure(cond)
            && let Some(kind) = comparison(pure)
            && self.only_tested(cond)
        {
            let (a, b) = if swaps(pure) { (args[1], args[0]) } else { (args[0], args[1]) };
            return Test { kind, a: self.reg(a), b: self.reg(b) };
        }
        let a = self.reg(cond);
        Test { kind: TestKind::If, a, b: a }
    }

    /// Whether a comparison's value is never needed itself: selects and branches compare again.
    fn only_tested(&self, value: ValueId) -> bool {
        self.uses[value] == self.tests[value]
    }

    // ---- emitting, last op first ----

    fn emit(&mut self, op: Opcode, slots: impl IntoIterator<Item = Slot>) {
        self.out.push(Inst::Op(MachineOp::new(op, slots)));
    }

    fn emit_list(&mut self, op: Opcode, slots: impl IntoIterator<Item = Slot>, list: Vec<Reg>) {
        let slots = slots.into_iter().collect();
        self.out.push(Inst::Op(MachineOp { op, slots, list }));
    }

    /// Number of an extension.
    fn ext(&mut self, name: &str) -> u16 {
        let found = self.ext.iter().position(|known| known == name);
        found.unwrap_or_else(|| {
            self.ext.push(name.to_owned());
            self.ext.len() - 1
        }) as u16
    }
}

/// The test that a comparison makes; of its operands swapped where [`swaps`] says so.
fn comparison(pure: Pure) -> Option<TestKind> {
    match pure {
        Pure::Flt | Pure::Fgt => Some(TestKind::Flt),
        Pure::Fle | Pure::Fge => Some(TestKind::Fle),
        Pure::Feq => Some(TestKind::Feq),
        Pure::Fne => Some(TestKind::Fne),
        Pure::Ilt => Some(TestKind::Ilt),
        Pure::Ile => Some(TestKind::Ile),
        Pure::Ieq => Some(TestKind::Ieq),
        Pure::Ine => Some(TestKind::Ine),
        _ => None,
    }
}

/// Whether a comparison is done with its operands swapped.
fn swaps(pure: Pure) -> bool {
    matches!(pure, Pure::Fgt | Pure::Fge)
}
