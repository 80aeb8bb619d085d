//! From a module to bytecode.
//!
//! Takes verified MIR, chooses ops (`select`), gives them registers (`regs`), and writes the code of
//! every function that can run into one [`Bytecode`]. Also says how much scratch its frames need.
//! Never runs anything.

use crate::code::{Bytecode, FuncCode, Instr, Opcode, Role, VERSION};
use crate::lir::{End, Func, Inst, Label, MachineOp, Reg, Slot, Test, TestKind};
use crate::regs::{Assignment, assign};
use crate::run::HEADER;
use crate::select::{Purpose, select};
use attacca_mir::backend::BackendError;
use attacca_mir::layout;
use attacca_mir::module::{FuncId, Function, Module};
use attacca_mir::op::Op;
use attacca_mir::opt::promote;
use attacca_rt::ctx::DEPTH_BUDGET;
use cranelift_entity::{EntityRef, SecondaryMap};
use rustc_hash::FxHashMap;

/// Most words of scratch that frames may take: 128 MiB.
const MOST_SCRATCH: u64 = 1 << 24;

/// Most state words kept in registers.
const MOST_WORDS: usize = 1 << 12;

/// Bytecode of the functions that can run while sound runs.
pub fn emit(module: &Module) -> Result<Bytecode, BackendError> {
    if module.kernel.is_none() {
        return Err(BackendError::Internal("the module has no kernel".into()));
    }
    // Registers are plenty here: all state that can be is kept in them over the frame loop.
    let mut module = module.clone();
    promote::run_with(&mut module, MOST_WORDS);
    emit_funcs(&module, &layout::live_funcs(&module), Purpose::Sound)
}

/// Bytecode of the global code and what it can reach.
pub(crate) fn emit_globals(module: &Module) -> Result<Bytecode, BackendError> {
    emit_funcs(module, &layout::reached(module, module.init), Purpose::Globals)
}

fn emit_funcs(
    module: &Module,
    live: &[FuncId],
    purpose: Purpose,
) -> Result<Bytecode, BackendError> {
    let mut code = Bytecode {
        version: VERSION,
        funcs: vec![FuncCode::default(); module.funcs.len()],
        kernel: module.kernel.filter(|id| live.contains(id)).map(|id| id.index() as u32),
        ..Bytecode::default()
    };
    let mut pool = FxHashMap::default();
    for id in live {
        let func = &module.funcs[*id];
        let machine = select(module, func, purpose, &mut code.ext)?;
        let registers = assign(&machine);
        let mut writer = Writer::new(&machine, &registers, &code);
        let first = constants(&machine.consts, &mut code.consts, &mut pool);
        writer.function(first)?;
        let (ops, frame) = writer.finish()?;
        code.funcs[id.index()] = FuncCode {
            name: func.name.clone(),
            entry: code.ops.len() as u32,
            len: ops.len() as u32,
            frame,
            params: halfword(machine.params.len(), "parameters")?,
            rets: halfword(func.rets.len(), "results")?,
            closure: func.closure,
            site: func.site,
        };
        code.ops.extend(ops);
    }
    Ok(code)
}

/// Puts constants into the pool in a row; gives the place of the first.
fn constants(new: &[u64], pool: &mut Vec<u64>, known: &mut FxHashMap<Vec<u64>, u32>) -> u32 {
    *known.entry(new.to_vec()).or_insert_with(|| {
        pool.extend_from_slice(new);
        (pool.len() - new.len()) as u32
    })
}

/// Words of scratch that frames can take: the deepest chain of calls, and as many frames of functions
/// that count their calls as the budget allows; then the fields of an object in the making.
pub(crate) fn scratch_words(module: &Module, code: &Bytecode) -> Result<u32, BackendError> {
    let mut depths =
        Depths { module, code, known: SecondaryMap::new(), counted: SecondaryMap::new() };
    for (id, func) in module.funcs.iter().filter(|(id, _)| Some(*id) != module.kernel) {
        let mut head = func.blocks[func.entry].insts.iter();
        depths.counted[id] = head.any(|inst| matches!(func.insts[*inst].op, Op::BudgetEnter(_)));
    }
    let (mut plain, mut counted) = (0, 0);
    for id in module.funcs.keys() {
        let depth = depths.of(id);
        if depths.counted[id] {
            counted = counted.max(depth);
        } else {
            plain = plain.max(depth);
        }
    }
    // One level more than the budget: the call that is refused has a frame too.
    let fields = module.shapes.values().map(|shape| shape.fields.len() as u64).max().unwrap_or(0);
    let words = plain + counted * (u64::from(DEPTH_BUDGET) + 1) + fields;
    if words > MOST_SCRATCH {
        return Err(BackendError::TooLarge(
            "functions that call themselves need too much memory".into(),
        ));
    }
    Ok(words as u32)
}

/// Words that a call of each function takes, up to the calls that the budget counts.
struct Depths<'m> {
    module: &'m Module,
    code: &'m Bytecode,
    known: SecondaryMap<FuncId, Option<u64>>,
    counted: SecondaryMap<FuncId, bool>,
}

impl Depths<'_> {
    fn of(&mut self, id: FuncId) -> u64 {
        if let Some(depth) = self.known[id] {
            return depth;
        }
        let code = &self.code.funcs[id.index()];
        let frame = if code.len == 0 { 0 } else { u64::from(code.frame) + HEADER as u64 };
        // A cycle that no budget counts ends here; the interpreter stops it when scratch is full.
        self.known[id] = Some(frame);
        let module = self.module;
        let func = &module.funcs[id];
        let mut deepest = 0;
        for inst in func.blocks.values().flat_map(|block| &block.insts) {
            match func.insts[*inst].op {
                Op::Call(to) => deepest = deepest.max(self.uncounted(to)),
                Op::CallClosure(sig) => {
                    let sig = &module.sigs[sig];
                    let fits = |f: &Function| {
                        f.closure && f.rets == sig.rets && f.params()[1..] == sig.params[..]
                    };
                    for (to, _) in module.funcs.iter().filter(|(_, f)| fits(f)) {
                        deepest = deepest.max(self.uncounted(to));
                    }
                }
                _ => {}
            }
        }
        self.known[id] = Some(frame + deepest);
        frame + deepest
    }

    /// [`Self::of`] a callee; 0 if the budget counts it.
    fn uncounted(&mut self, id: FuncId) -> u64 {
        if self.counted[id] { 0 } else { self.of(id) }
    }
}

fn halfword(number: usize, what: &str) -> Result<u16, BackendError> {
    u16::try_from(number)
        .map_err(|_| BackendError::TooLarge(format!("a function with {number} {what}")))
}

/// Writes the code of one function.
struct Writer<'f> {
    func: &'f Func,
    registers: &'f Assignment,
    /// Index of the function's first op in the program.
    start: u32,
    ops: Vec<Instr>,
    /// Index of the block with each label.
    at: Vec<usize>,
    /// Copies of each block's instructions, in an order that is right one by one.
    moves: FxHashMap<(usize, usize), Vec<(u32, u32)>>,
    /// Start of each block once written.
    placed: Vec<u32>,
    /// Jumps: index of the word, halfword in it, label.
    jumps: Vec<(usize, usize, Label)>,
    /// Registers, one for breaking cycles of copies included.
    frame: u32,
}

impl<'f> Writer<'f> {
    fn new(func: &'f Func, registers: &'f Assignment, code: &Bytecode) -> Self {
        let mut at = vec![0; func.labels as usize];
        for (index, block) in func.blocks.iter().enumerate() {
            at[block.label as usize] = index;
        }
        let mut this = Self {
            func,
            registers,
            start: code.ops.len() as u32,
            ops: Vec::new(),
            at,
            moves: FxHashMap::default(),
            placed: vec![0; func.blocks.len()],
            jumps: Vec::new(),
            frame: registers.frame,
        };
        this.order_copies();
        this
    }

    fn order_copies(&mut self) {
        let spare = self.registers.frame;
        for (index, block) in self.func.blocks.iter().enumerate() {
            for (place, inst) in block.insts.iter().enumerate() {
                if let Inst::Copies(pairs) = inst {
                    let pairs = pairs
                        .iter()
                        .map(|(to, from)| (self.registers.of(*to), self.registers.of(*from)));
                    let moves = one_by_one(pairs.collect(), spare);
                    if moves.iter().any(|(to, _)| *to == spare) {
                        self.frame = spare + 1;
                    }
                    self.moves.insert((index, place), moves);
                }
            }
        }
    }

    fn function(&mut self, first_const: u32) -> Result<(), BackendError> {
        let count = self.func.consts.len();
        if count > 0 {
            let slots = [
                Slot::Reg(crate::lir::CONST),
                Slot::Imm(halfword(count, "constants")?),
                Slot::Unused,
                Slot::Wide(first_const),
            ];
            self.op(&MachineOp::new(Opcode::Consts, slots))?;
        }
        for index in 0..self.func.blocks.len() {
            self.placed[index] = self.ops.len() as u32;
            for (place, inst) in self.func.blocks[index].insts.iter().enumerate() {
                match inst {
                    Inst::Op(op) => self.op(op)?,
                    Inst::Copies(_) => {
                        let moves = self.moves.get(&(index, place)).cloned().unwrap_or_default();
                        self.copies(&moves)?;
                    }
                }
            }
            self.end(index)?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(Vec<Instr>, u32), BackendError> {
        for (word, half, label) in std::mem::take(&mut self.jumps) {
            let target = self.start + self.placed[self.at[label as usize]];
            // The two halves never straddle words: targets stand in b, c or in a second word's front.
            let mut parts = self.ops[word].parts();
            parts[half] = target as u16;
            parts[half + 1] = (target >> 16) as u16;
            self.ops[word] = Instr::from_parts(parts);
        }
        halfword(self.frame as usize, "values alive")?;
        Ok((self.ops, self.frame))
    }

    // ---- ops ----

    fn op(&mut self, op: &MachineOp) -> Result<(), BackendError> {
        let mut halves = vec![op.op as u16];
        let roles = op.op.roles().filter(|role| *role != Role::High);
        for (slot, role) in op.slots.iter().zip(roles) {
            match *slot {
                Slot::Reg(reg) => halves.push(self.register(reg)?),
                Slot::Imm(number) => halves.push(number),
                Slot::Wide(number) if role == Role::Target => {
                    self.jumps.push((self.ops.len() + halves.len() / 4, halves.len() % 4, number));
                    halves.extend([0, 0]);
                }
                Slot::Wide(number) => halves.extend([number as u16, (number >> 16) as u16]),
                Slot::Unused => halves.push(0),
            }
        }
        halves.resize(4 * op.op.words(), 0);
        for reg in &op.list {
            halves.push(self.register(*reg)?);
        }
        self.push(&halves);
        Ok(())
    }

    fn register(&self, reg: Reg) -> Result<u16, BackendError> {
        halfword(self.registers.of(reg) as usize, "values alive")
    }

    fn push(&mut self, halves: &[u16]) {
        for word in halves.chunks(4) {
            let mut parts = [0; 4];
            parts[..word.len()].copy_from_slice(word);
            self.ops.push(Instr::from_parts(parts));
        }
    }

    fn copies(&mut self, moves: &[(u32, u32)]) -> Result<(), BackendError> {
        let mut halves = match moves.len() {
            0 => return Ok(()),
            1 => vec![Opcode::Mov as u16],
            2 => vec![Opcode::Mov2 as u16],
            3 => vec![Opcode::Mov3 as u16],
            count => vec![Opcode::Moves as u16, halfword(count, "values of a block")?, 0, 0],
        };
        for (to, from) in moves {
            halves.push(halfword(*to as usize, "values alive")?);
            halves.push(halfword(*from as usize, "values alive")?);
        }
        self.push(&halves);
        Ok(())
    }

    // ---- ends ----

    fn end(&mut self, index: usize) -> Result<(), BackendError> {
        match &self.func.blocks[index].end {
            End::Return(values) => {
                let count = Slot::Imm(halfword(values.len(), "results")?);
                let op = MachineOp {
                    op: Opcode::Return,
                    slots: [count].into_iter().collect(),
                    list: values.clone(),
                };
                self.op(&op)
            }
            End::Jump(to) => self.goto(index, *to),
            End::Branch(test, then, other) => self.branch(index, *test, *then, *other),
        }
    }

    /// Goes to a block. Where that one only tests and branches, the test is made here.
    fn goto(&mut self, index: usize, to: Label) -> Result<(), BackendError> {
        let to = self.through(to);
        if self.is_next(index, to) {
            return Ok(());
        }
        let target = self.at[to as usize];
        if let End::Branch(test, then, other) = self.func.blocks[target].end
            && self.is_bare(target)
        {
            return self.branch(index, test, then, other);
        }
        self.op(&MachineOp::new(Opcode::Jump, [Slot::Unused, Slot::Wide(to)]))
    }

    fn branch(
        &mut self,
        index: usize,
        test: Test,
        then: Label,
        other: Label,
    ) -> Result<(), BackendError> {
        let (then, other) = (self.through(then), self.through(other));
        if self.is_next(index, then) {
            return self.jump_if(test.negated(), other);
        }
        self.jump_if(test, then)?;
        if self.is_next(index, other) {
            return Ok(());
        }
        self.op(&MachineOp::new(Opcode::Jump, [Slot::Unused, Slot::Wide(other)]))
    }

    fn jump_if(&mut self, test: Test, to: Label) -> Result<(), BackendError> {
        let (a, b) = (Slot::Reg(test.a), Slot::Reg(test.b));
        let op = match test.kind {
            TestKind::If | TestKind::IfNot => MachineOp::new(test.jump(), [a, Slot::Wide(to)]),
            TestKind::Flt
            | TestKind::Fle
            | TestKind::Feq
            | TestKind::Fne
            | TestKind::NotFlt
            | TestKind::NotFle
            | TestKind::Ilt
            | TestKind::Ile
            | TestKind::Ieq
            | TestKind::Ine => MachineOp::new(test.jump(), [a, b, Slot::Unused, Slot::Wide(to)]),
        };
        self.op(&op)
    }

    fn is_next(&self, index: usize, to: Label) -> bool {
        self.at[to as usize] == index + 1
    }

    /// Whether a block does nothing before its end.
    fn is_bare(&self, index: usize) -> bool {
        self.func.blocks[index].insts.iter().enumerate().all(|(place, inst)| match inst {
            Inst::Op(_) => false,
            Inst::Copies(_) => self.moves.get(&(index, place)).is_none_or(Vec::is_empty),
        })
    }

    /// Where a jump to `label` ends up: behind blocks that do nothing.
    fn through(&self, mut label: Label) -> Label {
        for _ in 0..self.func.blocks.len() {
            let index = self.at[label as usize];
            match self.func.blocks[index].end {
                End::Jump(to) if self.is_bare(index) => label = to,
                End::Jump(_) | End::Branch(..) | End::Return(_) => return label,
            }
        }
        label
    }
}

/// Puts copies that happen at once in an order in which they may be done one by one.
fn one_by_one(mut pairs: Vec<(u32, u32)>, spare: u32) -> Vec<(u32, u32)> {
    pairs.retain(|(to, from)| to != from);
    let mut readers: FxHashMap<u32, u32> = FxHashMap::default();
    for (_, from) in &pairs {
        *readers.entry(*from).or_default() += 1;
    }
    let mut done = Vec::with_capacity(pairs.len());
    while !pairs.is_empty() {
        let before = pairs.len();
        pairs.retain(|(to, from)| {
            let free = readers.get(to).is_none_or(|count| *count == 0);
            if free {
                done.push((*to, *from));
                readers.entry(*from).and_modify(|count| *count -= 1);
            }
            !free
        });
        if pairs.len() == before {
            // Only cycles are left: one value waits in the spare register.
            let (waiting, _) = pairs[0];
            done.push((spare, waiting));
            let count = readers.insert(waiting, 0).unwrap_or(0);
            readers.insert(spare, count);
            for (_, from) in pairs.iter_mut().filter(|(_, from)| *from == waiting) {
                *from = spare;
            }
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pairs: &[(u32, u32)]) {
        let mut registers: Vec<u32> = (0..10).collect();
        for (to, from) in one_by_one(pairs.to_vec(), 9) {
            registers[to as usize] = registers[from as usize];
        }
        for (to, from) in pairs {
            assert_eq!(registers[*to as usize], *from, "{pairs:?}");
        }
    }

    #[test]
    fn copies_at_once_are_ordered() {
        check(&[(0, 1), (1, 2), (2, 3)]);
        check(&[(0, 1), (1, 0)]);
        check(&[(0, 1), (1, 2), (2, 0), (3, 0), (5, 4), (4, 5), (7, 7)]);
        check(&[(1, 0), (2, 0), (0, 1)]);
    }
}
