//! Which functions of a module are compiled, and how much stack their calls can take.
//!
//! Takes a module, gives the functions that the kernel can reach; with the frame sizes of the
//! compiled functions, a bound for the stack. Pure.

use attacca_mir::module::{FuncId, Function, Module};
use attacca_mir::op::{Op, Ty};
use attacca_rt::ctx::DEPTH_BUDGET;
use cranelift_codegen::entity::SecondaryMap;

/// The part of a module that is compiled.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    /// Functions to compile, ascending.
    pub(crate) funcs: Vec<FuncId>,
    /// Whether any of them calls through a closure.
    pub(crate) closures: bool,
    /// Whether any of them can nest without a bound known here.
    pub(crate) recursion: bool,
}

impl Reach {
    /// What `kernel` and tasks of `module` can reach. Closure functions count once any call goes
    /// through a closure; those that take nothing always do, for they can be tasks.
    pub(crate) fn of(module: &Module, kernel: FuncId) -> Self {
        let mut seen: SecondaryMap<FuncId, bool> = SecondaryMap::new();
        let mut reach = Self::default();
        let mut work = vec![kernel];
        work.extend(module.funcs.iter().filter(|(_, f)| is_task(f)).map(|(id, _)| id));
        while let Some(id) = work.pop() {
            if std::mem::replace(&mut seen[id], true) {
                continue;
            }
            for op in ops(&module.funcs[id]) {
                if let Op::Call(to) = op {
                    work.push(*to);
                }
                reach.recursion |= matches!(op, Op::BudgetEnter(_));
                if matches!(op, Op::CallClosure(_)) && !reach.closures {
                    reach.closures = true;
                    work.extend(module.funcs.iter().filter(|(_, f)| f.closure).map(|(id, _)| id));
                }
            }
        }
        reach.recursion |= reach.closures;
        reach.funcs = module.funcs.keys().filter(|id| seen[*id]).collect();
        reach
    }

    /// Bytes of stack that the compiled program can take at once, given the frame size of each
    /// function: the longest chain of calls between two budgeted ones, for every level allowed.
    pub(crate) fn stack_bytes(&self, module: &Module, frames: &SecondaryMap<FuncId, u32>) -> u64 {
        let mut chains = Chains { module, frames, known: SecondaryMap::new() };
        let longest = self.funcs.iter().map(|id| chains.chain(*id)).max().unwrap_or(0);
        u64::from(longest) * (u64::from(DEPTH_BUDGET) + 2)
    }
}

/// Whether a function can be a task: called through a closure, without arguments.
pub(crate) fn is_task(func: &Function) -> bool {
    func.closure && func.params() == [Ty::Ref]
}

fn ops(func: &Function) -> impl Iterator<Item = &Op> {
    func.blocks.values().flat_map(|b| &b.insts).map(|inst| &func.insts[*inst].op)
}

struct Chains<'a> {
    module: &'a Module,
    frames: &'a SecondaryMap<FuncId, u32>,
    /// 0 is unknown, 1 is being computed.
    known: SecondaryMap<FuncId, u32>,
}

impl Chains<'_> {
    /// Bytes from this function down to, but without, the next budgeted function.
    fn chain(&mut self, id: FuncId) -> u32 {
        if self.known[id] > 1 {
            return self.known[id];
        }
        if self.known[id] == 1 {
            // A cycle without a budget: the pass puts one into each, so this is none of its cycles.
            return 0;
        }
        self.known[id] = 1;
        let module = self.module;
        let mut below = 0;
        for op in ops(&module.funcs[id]) {
            if let Op::Call(to) = op
                && !ops(&module.funcs[*to]).any(|op| matches!(op, Op::BudgetEnter(_)))
            {
                below = below.max(self.chain(*to));
            }
        }
        self.known[id] = self.frames[id].saturating_add(below).max(2);
        self.known[id]
    }
}
