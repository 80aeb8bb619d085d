//! Which functions of a module are compiled, and how much stack their calls can take.
//!
//! Takes a module, gives the functions that the kernel can reach; with the frame sizes of the
//! compiled functions, a bound for the stack. Pure.

use attacca_mir::module::{FuncId, Function, Module};
use attacca_mir::op::{Op, Ty};
use attacca_mir::opt::budget;
use attacca_rt::ctx::DEPTH_BUDGET;
use cranelift_codegen::entity::SecondaryMap;

/// The part of a module that is compiled.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    /// Functions to compile, ascending.
    pub(crate) funcs: Vec<FuncId>,
    /// Whether any of them calls through a closure.
    pub(crate) closures: bool,
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
                if matches!(op, Op::CallClosure(_)) && !reach.closures {
                    reach.closures = true;
                    work.extend(module.funcs.iter().filter(|(_, f)| f.closure).map(|(id, _)| id));
                }
            }
        }
        reach.funcs = module.funcs.keys().filter(|id| seen[*id]).collect();
        reach
    }

    /// Bytes of stack that the compiled program can take at once, given the frame size of each function: the
    /// longest chain of calls, and for every level that the budget allows the longest one from a function
    /// that can call itself down to the next.
    pub(crate) fn stack_bytes(&self, module: &Module, frames: &SecondaryMap<FuncId, u32>) -> u64 {
        let graph = budget::call_graph(module);
        let cyclic = budget::cyclic(module, &graph);
        let mut chains =
            Chains { graph: &graph, cyclic: &cyclic, frames, known: SecondaryMap::new() };
        let (mut first, mut level) = (0, 0);
        for id in &self.funcs {
            let chain = u64::from(chains.chain(*id));
            let longest = if cyclic.binary_search(id).is_ok() { &mut level } else { &mut first };
            *longest = chain.max(*longest);
        }
        first + level * (u64::from(DEPTH_BUDGET) + 2)
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
    graph: &'a budget::Graph,
    /// Functions that can call themselves; each counts its levels.
    cyclic: &'a [FuncId],
    frames: &'a SecondaryMap<FuncId, u32>,
    /// 0 is unknown, 1 is being computed.
    known: SecondaryMap<FuncId, u32>,
}

impl Chains<'_> {
    /// Bytes from this function down to, but without, the next one that can call itself. Chains may be as
    /// long as the program: no recursion.
    fn chain(&mut self, root: FuncId) -> u32 {
        let (graph, cyclic) = (self.graph, self.cyclic);
        let mut work = vec![root];
        while let Some(id) = work.last().copied() {
            let callees = graph[id].iter().filter(|to| cyclic.binary_search(to).is_err());
            match self.known[id] {
                0 => {
                    self.known[id] = 1;
                    work.extend(callees.filter(|to| self.known[**to] == 0));
                }
                1 => {
                    let below = callees.map(|to| self.known[*to]).max().unwrap_or(0);
                    self.known[id] = self.frames[id].saturating_add(below).max(2);
                    work.pop();
                }
                _ => {
                    work.pop();
                }
            }
        }
        self.known[root]
    }
}
