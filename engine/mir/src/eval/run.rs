//! The oracle's interpreter: one instruction after the other, calls on a stack of its own.

use super::machine::{Bug, Machine};
use crate::module::{BlockId, FuncId, Inst, Jump, Module, Term, ValueId};
use crate::op::Op;
use attacca_rt::ctx::FaultKind;
use cranelift_entity::EntityRef;
use smallvec::SmallVec;

/// Calls that may be open at once in modules without budget ops.
const MOST_FRAMES: usize = 20_000;

/// Instructions that one sample may take.
pub(super) const MOST_STEPS: u64 = 1 << 30;

/// One call that is open.
struct Frame {
    func: FuncId,
    block: BlockId,
    /// Index of the next instruction in the block.
    next: usize,
    /// Where the values of this call begin.
    base: usize,
    /// Where the caller wants the results.
    results: SmallVec<[ValueId; 2]>,
}

struct Run<'m> {
    module: &'m Module,
    frames: Vec<Frame>,
    values: Vec<u64>,
}

/// Calls `func` and gives its results; `None` if the program was stopped in between.
pub(super) fn call(
    module: &Module,
    machine: &mut Machine,
    func: FuncId,
    args: &[u64],
    samples: u64,
) -> Result<Option<Vec<u64>>, Bug> {
    let mut run = Run { module, frames: Vec::new(), values: Vec::new() };
    run.enter(func, args, SmallVec::new());
    let mut steps = MOST_STEPS.saturating_mul(samples.max(1));
    loop {
        steps -= 1;
        let site = run.site();
        if steps == 0 || run.frames.len() > MOST_FRAMES {
            machine.stop(FaultKind::Recursion, site);
            return Ok(None);
        }
        let step = run.advance(machine);
        match step.map_err(|bug| Bug(format!("in {}: {}", run.place(), bug.0)))? {
            None => {}
            Some(results) => return Ok(Some(results)),
        }
    }
}

impl Run<'_> {
    fn frame(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("a call is open until it returns its results")
    }

    fn site(&mut self) -> u32 {
        let func = self.frame().func;
        self.module.funcs[func].site
    }

    fn place(&mut self) -> String {
        let (func, block) = (self.frame().func, self.frame().block);
        format!("{func} \"{}\" {block}", self.module.funcs[func].name)
    }

    fn get(&mut self, values: &[ValueId]) -> SmallVec<[u64; 4]> {
        let base = self.frame().base;
        values.iter().map(|v| self.values[base + v.index()]).collect()
    }

    fn set(&mut self, targets: &[ValueId], words: &[u64]) {
        let base = self.frame().base;
        for (target, word) in targets.iter().zip(words) {
            self.values[base + target.index()] = *word;
        }
    }

    fn enter(&mut self, func: FuncId, args: &[u64], results: SmallVec<[ValueId; 2]>) {
        let callee = &self.module.funcs[func];
        let base = self.values.len();
        self.values.resize(base + callee.values.len(), 0);
        self.frames.push(Frame { func, block: callee.entry, next: 0, base, results });
        self.set(&callee.blocks[callee.entry].params, args);
    }

    /// One instruction or one end of a block. The results, once the first call returns.
    fn advance(&mut self, machine: &mut Machine) -> Result<Option<Vec<u64>>, Bug> {
        let module = self.module;
        let Frame { func, block, next, .. } = *self.frame();
        let func = &module.funcs[func];
        let Some(inst) = func.blocks[block].insts.get(next) else {
            return self.end(&func.blocks[block].end);
        };
        self.frame().next += 1;
        let inst = &func.insts[*inst];
        let args = self.get(&inst.args);
        if let Op::Call(callee) = &inst.op {
            self.enter(*callee, &args, inst.results.clone());
        } else if let Op::CallClosure(_) = &inst.op {
            self.call_closure(machine, inst, &args)?;
        } else if let Op::Pair(op) = &inst.op {
            let both: Vec<u64> = args.iter().map(|arg| op.eval(&[*arg])).collect();
            self.set(&inst.results, &both);
        } else {
            let result = machine.step(module, &inst.op, &args, func.site)?;
            self.set(&inst.results, result.as_slice());
        }
        Ok(None)
    }

    fn call_closure(
        &mut self,
        machine: &mut Machine,
        inst: &Inst,
        args: &[u64],
    ) -> Result<(), Bug> {
        if args[0] == 0 {
            self.set(&inst.results, &vec![0; inst.results.len()]);
            return Ok(());
        }
        let code = machine.heap.load(args[0], 0)?;
        let callee = FuncId::new(code as u32 as usize);
        match self.module.funcs.get(callee) {
            Some(func)
                if func.closure
                    && func.params().len() == args.len()
                    && func.rets.len() == inst.results.len() =>
            {
                self.enter(callee, args, inst.results.clone());
                Ok(())
            }
            Some(_) => Err(Bug(format!("calls {callee} through a closure of another type"))),
            None => Err(Bug(format!("calls a closure of function {code}, which does not exist"))),
        }
    }

    fn end(&mut self, end: &Term) -> Result<Option<Vec<u64>>, Bug> {
        match end {
            Term::Jump(jump) => self.jump(jump),
            Term::Branch { cond, then, other } => {
                let taken = if self.get(&[*cond])[0] != 0 { then } else { other };
                self.jump(taken);
            }
            Term::Return(values) => {
                let results = self.get(values);
                let Some(Frame { base, results: targets, .. }) = self.frames.pop() else {
                    return Ok(None);
                };
                self.values.truncate(base);
                if self.frames.is_empty() {
                    return Ok(Some(results.into_vec()));
                }
                self.set(&targets, &results);
            }
            Term::Open => return Err(Bug("the block has no end".into())),
        }
        Ok(None)
    }

    fn jump(&mut self, jump: &Jump) {
        let args = self.get(&jump.args);
        let func = self.frame().func;
        self.set(&self.module.funcs[func].blocks[jump.to].params, &args);
        let frame = self.frame();
        frame.block = jump.to;
        frame.next = 0;
    }
}
