//! Counts calls that may recurse, or that are too many, so that what never ends becomes a fault.
//!
//! `insert` puts a budget check at the head of every function on a cycle of the call graph, where
//! a call through an unknown closure may reach every closure function of the same signature. Where
//! functions that call others several times add up to very many calls, there are checks along the way.
//! `prune` removes the checks again once the kernel's call graph is exact, free of cycles, and
//! small enough: then the number of calls in a sample is bounded by the budget.

mod many;

use crate::build::Builder;
use crate::module::{FuncId, Function, Module, Term};
use crate::op::{Op, Ty};
use crate::opt::rewrite::constant_op;
use cranelift_entity::SecondaryMap;
use smallvec::SmallVec;

/// Inserts the checks. Runs right behind lowering, for the oracle as for the backends.
pub fn insert(module: &mut Module) {
    let graph = call_graph(module);
    let mut guarded = cyclic(module, &graph);
    guarded.extend(many::steps(module, &graph, &guarded));
    for func in guarded {
        let site = module.funcs[func].site;
        guard(&mut module.funcs[func], site);
    }
}

/// Removes the checks, and the test for faults in the kernel's loop, where nothing can fault.
pub fn prune(module: &mut Module) {
    let Some(kernel) = module.kernel else { return };
    let reached = super::inline::reachable(module, kernel);
    let graph = call_graph(module);
    let in_cycle = cyclic(module, &graph);
    let ops = || reached.iter().flat_map(|f| placed(&module.funcs[*f]));
    if reached.iter().any(|f| in_cycle.binary_search(f).is_ok())
        || ops().any(|op| matches!(op, Op::CallClosure(_)))
    {
        return;
    }
    if ops().filter(|op| matches!(op, Op::BudgetEnter(_))).count() as u32
        >= attacca_rt::ctx::DEPTH_BUDGET
    {
        return;
    }
    if many::most_checks(module, kernel, &graph) > u64::from(attacca_rt::ctx::CALL_BUDGET) {
        return;
    }
    let faults = ops().any(Op::stops);
    for func in reached {
        remove(&mut module.funcs[func], faults);
    }
}

fn placed(func: &Function) -> impl Iterator<Item = &Op> {
    func.blocks.values().flat_map(|b| &b.insts).map(|i| &func.insts[*i].op)
}

fn remove(func: &mut Function, faults: bool) {
    for block in func.blocks.values_mut() {
        block.insts.retain(|i| !matches!(func.insts[*i].op, Op::BudgetReset | Op::BudgetLeave));
    }
    for inst in func.insts.values_mut() {
        match inst.op {
            Op::BudgetEnter(_) => inst.op = Op::Iconst(1),
            Op::Faulted if !faults => inst.op = Op::Iconst(0),
            _ => {}
        }
    }
}

/// The call graph.
pub type Graph = SecondaryMap<FuncId, Vec<FuncId>>;

/// Edges of the call graph, one for each call; a call through a closure goes to every closure function that fits.
pub fn call_graph(module: &Module) -> Graph {
    let mut graph = Graph::new();
    for (id, func) in &module.funcs {
        for op in placed(func) {
            match op {
                Op::Call(to) => graph[id].push(*to),
                Op::CallClosure(sig) => {
                    let sig = &module.sigs[*sig];
                    let fits = |f: &Function| {
                        f.closure
                            && f.rets == sig.rets
                            && f.params().get(1..) == Some(sig.params.as_slice())
                    };
                    graph[id]
                        .extend(module.funcs.iter().filter(|(_, f)| fits(f)).map(|(to, _)| to));
                }
                _ => {}
            }
        }
    }
    graph
}

/// Functions on a cycle, in order: Tarjan, "Depth-First Search and Linear Graph Algorithms", without recursion.
pub fn cyclic(module: &Module, graph: &Graph) -> Vec<FuncId> {
    let mut state = Tarjan::default();
    let mut found = Vec::new();
    for root in module.funcs.keys() {
        if state.index[root] == 0 {
            state.visit(root, graph, &mut found);
        }
    }
    found.sort();
    found
}

#[derive(Default)]
struct Tarjan {
    index: SecondaryMap<FuncId, u32>,
    low: SecondaryMap<FuncId, u32>,
    on_stack: SecondaryMap<FuncId, bool>,
    stack: Vec<FuncId>,
    count: u32,
}

impl Tarjan {
    fn open(&mut self, func: FuncId) {
        self.count += 1;
        self.index[func] = self.count;
        self.low[func] = self.count;
        self.on_stack[func] = true;
        self.stack.push(func);
    }

    fn visit(&mut self, root: FuncId, graph: &Graph, found: &mut Vec<FuncId>) {
        self.open(root);
        let mut work = vec![(root, 0)];
        while let Some((func, next)) = work.pop() {
            if let Some(to) = graph[func].get(next).copied() {
                work.push((func, next + 1));
                if self.index[to] == 0 {
                    self.open(to);
                    work.push((to, 0));
                } else if self.on_stack[to] {
                    self.low[func] = self.low[func].min(self.index[to]);
                }
                continue;
            }
            if let Some((parent, _)) = work.last() {
                self.low[*parent] = self.low[*parent].min(self.low[func]);
            }
            if self.low[func] == self.index[func] {
                self.close(func, graph, found);
            }
        }
    }

    fn close(&mut self, func: FuncId, graph: &Graph, found: &mut Vec<FuncId>) {
        let mut members = Vec::new();
        while let Some(member) = self.stack.pop() {
            self.on_stack[member] = false;
            members.push(member);
            if member == func {
                break;
            }
        }
        if members.len() > 1 || graph[func].contains(&func) {
            found.extend(members);
        }
    }
}

/// Puts the check at the head of a function, and its counterpart before each return.
fn guard(func: &mut Function, site: u32) {
    for block in func.blocks.keys().collect::<Vec<_>>() {
        if matches!(func.blocks[block].end, Term::Return(_)) {
            Builder { func, block }.effect(Op::BudgetLeave, &[]);
        }
    }
    let entry = func.entry;
    let insts = std::mem::take(&mut func.blocks[entry].insts);
    let end = std::mem::replace(&mut func.blocks[entry].end, Term::Open);
    let rets = func.rets.clone();
    let mut b = Builder::new(func);
    let (body, spent) = (b.new_block(), b.new_block());
    let allowed = b.value(Op::BudgetEnter(site), &[], Ty::I64);
    b.branch(allowed, (body, &[]), (spent, &[]));
    b.switch_to(spent);
    let zeros: SmallVec<[_; 4]> =
        rets.iter().map(|ty| b.value(constant_op(*ty, 0), &[], *ty)).collect();
    b.ret(&zeros);
    func.blocks[body].insts = insts;
    func.blocks[body].end = end;
}
