//! Inlining under a budget, callees into one root function.
//!
//! Calls are folded as they come into sight, so that a closure whose code becomes known on the way
//! is inlined too. A function already on the inlining path is entered again only with another
//! constant closure (a chain of closures built by global code is finite), never with the same.

use crate::module::{BlockId, FuncId, Function, Inst, InstId, Jump, Module, Term, ValueId};
use crate::op::{Op, Pure};
use crate::opt::cfg::Cfg;
use crate::opt::fold::Folder;
use crate::opt::rewrite::{clear_unreachable, of_values};
use crate::opt::specialise::Known;
use cranelift_entity::SecondaryMap;
use std::collections::VecDeque;

/// Largest size of the kernel that inlining may reach, in [`cost`] units.
pub const KERNEL_BUDGET: u32 = 40_000;

/// Largest size of any other function that inlining may reach.
pub const FUNCTION_BUDGET: u32 = 2_000;

/// A callee this small is inlined even when the budget is used up.
const TINY: u32 = 12;

/// Deepest chain of inlined calls.
const MAX_DEPTH: u32 = 200;

/// Inlines calls of the kernel (or of `dsp`, before there is a kernel), then of what it still calls.
pub fn run(module: &mut Module) {
    let known = Known::of(module, None);
    run_with(module, &known);
}

/// Inlines with what is known about globals and the heap.
pub fn run_with(module: &mut Module, known: &Known) {
    let Some(root) = module.kernel.or(module.dsp) else { return };
    let mut sizes = SecondaryMap::new();
    for (id, func) in &module.funcs {
        sizes[id] = size(func);
    }
    // What a function reaches is asked when its calls are inlined: most of what a chain of calls
    // reached before is then reached no more.
    let mut reached = Reached::new(root);
    let mut budget = KERNEL_BUDGET;
    while let Some(func) = reached.next() {
        inline_into(module, func, budget, known, &mut sizes);
        reached.follow(module, func);
        budget = FUNCTION_BUDGET;
    }
}

/// Functions that code of `root` can reach: called, or made into a value. Where a closure of unknown
/// code is called, every closure function counts as reached (the heap image may hold it).
pub fn reachable(module: &Module, root: FuncId) -> Vec<FuncId> {
    let mut reached = Reached::new(root);
    while let Some(func) = reached.next() {
        reached.follow(module, func);
    }
    reached.found
}

/// A walk over what a function reaches.
struct Reached {
    seen: SecondaryMap<FuncId, bool>,
    found: Vec<FuncId>,
    /// How many of `found` the walk has been to.
    done: usize,
    /// Whether a closure of unknown code is called.
    unknown: bool,
}

impl Reached {
    fn new(root: FuncId) -> Self {
        let mut reached =
            Self { seen: SecondaryMap::new(), found: Vec::new(), done: 0, unknown: false };
        reached.add(root);
        reached
    }

    fn add(&mut self, func: FuncId) {
        if !std::mem::replace(&mut self.seen[func], true) {
            self.found.push(func);
        }
    }

    fn next(&mut self) -> Option<FuncId> {
        let next = self.found.get(self.done).copied();
        self.done += 1;
        next
    }

    /// Adds what the code of `func` names.
    fn follow(&mut self, module: &Module, func: FuncId) {
        let func = &module.funcs[func];
        for inst in func.blocks.values().flat_map(|b| &b.insts) {
            match func.insts[*inst].op {
                Op::Call(to) | Op::FuncAddr(to) => self.add(to),
                // A task may be any closure, one of the heap image too.
                Op::CallClosure(_) | Op::Schedule(_) if !self.unknown => {
                    self.unknown = true;
                    for (id, _) in module.funcs.iter().filter(|(_, f)| f.closure) {
                        self.add(id);
                    }
                }
                _ => {}
            }
        }
    }
}

/// What an op costs after legalisation, in instructions.
pub fn cost(op: &Op) -> u32 {
    match op {
        Op::Fconst(_) | Op::Iconst(_) | Op::Rconst(_) | Op::FuncAddr(_) => 0,
        Op::Pure(op) => match op {
            Pure::Pow => 90,
            Pure::Sin | Pure::Cos | Pure::Log => 30,
            Pure::Tan | Pure::Tanh | Pure::Sinh | Pure::Cosh => 45,
            Pure::Asin | Pure::Acos | Pure::Atan | Pure::Atan2 => 45,
            Pure::Rem | Pure::Round | Pure::Min | Pure::Max => 5,
            _ => 1,
        },
        Op::Call(_) | Op::CallClosure(_) | Op::Alloc(_) => 6,
        Op::NewArray(_) | Op::ArrayCopy(_) | Op::Schedule(_) | Op::Print { .. } => 6,
        Op::ArrayLoad { .. } | Op::ArrayStore { .. } | Op::Tap(_) => 4,
        Op::SampleRead { .. } => 20,
        Op::LineLoad { .. } | Op::LineStore { .. } => 3,
        _ => 1,
    }
}

fn size(func: &Function) -> u32 {
    func.blocks.values().flat_map(|b| &b.insts).map(|i| cost(&func.insts[*i].op)).sum()
}

/// One call that has been inlined: the function, its constant closure (0 if none), and the call around it.
struct Link {
    func: FuncId,
    closure: u32,
    parent: Option<usize>,
    depth: u32,
}

struct Inliner<'m> {
    module: &'m Module,
    known: &'m Known,
    sizes: &'m SecondaryMap<FuncId, u32>,
    folder: Folder,
    links: Vec<Link>,
    left: u32,
    /// Blocks still to be scanned, the next one last; with the instructions that stand in them.
    work: Vec<(BlockId, VecDeque<(InstId, usize)>)>,
}

fn inline_into(
    module: &mut Module,
    root: FuncId,
    budget: u32,
    known: &Known,
    sizes: &mut SecondaryMap<FuncId, u32>,
) {
    let mut func = std::mem::replace(&mut module.funcs[root], Function::new("", Vec::new()));
    let mut inliner = Inliner {
        module,
        known,
        sizes,
        folder: Folder::new(),
        links: vec![Link { func: root, closure: 0, parent: None, depth: 0 }],
        left: budget.saturating_sub(sizes[root]),
        work: Vec::new(),
    };
    let order = Cfg::new(&func).order;
    for block in order.into_iter().rev() {
        let insts = std::mem::take(&mut func.blocks[block].insts);
        inliner.work.push((block, insts.into_iter().map(|i| (i, 0)).collect()));
    }
    while let Some((block, insts)) = inliner.work.pop() {
        inliner.block(&mut func, block, insts);
    }
    inliner.folder.aliases.apply(&mut func);
    sizes[root] = size(&func);
    module.funcs[root] = func;
    let func = &mut module.funcs[root];
    let cfg = Cfg::new(func);
    clear_unreachable(func, &cfg);
}

impl Inliner<'_> {
    fn block(&mut self, func: &mut Function, block: BlockId, mut insts: VecDeque<(InstId, usize)>) {
        while let Some((inst, link)) = insts.pop_front() {
            self.folder.inst(func, inst, self.known);
            let callee = match func.insts[inst].op {
                Op::Call(callee) => self.admits(func, inst, callee, link),
                _ => None,
            };
            let Some((callee, closure)) = callee else {
                func.blocks[block].insts.push(inst);
                continue;
            };
            let depth = self.links[link].depth + 1;
            self.links.push(Link { func: callee, closure, parent: Some(link), depth });
            let link = self.links.len() - 1;
            if self.splice(func, block, inst, callee, link, &mut insts) {
                return;
            }
        }
    }

    /// The callee and its constant closure, if this call is to be inlined.
    fn admits(
        &mut self,
        func: &Function,
        inst: InstId,
        callee: FuncId,
        link: usize,
    ) -> Option<(FuncId, u32)> {
        // The body of the root is being rebuilt: it cannot be copied.
        if callee == self.links[0].func {
            return None;
        }
        let size = self.sizes[callee];
        if size > TINY && size > self.left || self.links[link].depth >= MAX_DEPTH {
            return None;
        }
        let closure = match func.insts[inst].args.first() {
            Some(arg) if self.module.funcs[callee].closure => {
                self.folder.reference(func, *arg).unwrap_or(0)
            }
            Some(_) | None => 0,
        };
        let mut at = Some(link);
        while let Some(index) = at {
            let outer = &self.links[index];
            if outer.func == callee && (closure == 0 || outer.closure == closure) {
                return None;
            }
            at = outer.parent;
        }
        self.left = self.left.saturating_sub(size);
        Some((callee, closure))
    }

    /// Puts the callee's body in place of the call. True if the rest of the block moved elsewhere.
    fn splice(
        &mut self,
        func: &mut Function,
        block: BlockId,
        call: InstId,
        callee: FuncId,
        link: usize,
        rest: &mut VecDeque<(InstId, usize)>,
    ) -> bool {
        let body = &self.module.funcs[callee];
        let order = Cfg::new(body).order;
        let args = func.insts[call].args.clone();
        let results = func.insts[call].results.clone();
        let mut values: SecondaryMap<ValueId, Option<ValueId>> = of_values(body);
        for (param, arg) in body.blocks[body.entry].params.iter().zip(&args) {
            values[*param] = Some(*arg);
        }
        let mut blocks: SecondaryMap<BlockId, Option<BlockId>> = SecondaryMap::new();
        blocks[body.entry] = Some(block);
        for from in order.iter().skip(1) {
            let params: Vec<ValueId> = body.blocks[*from]
                .params
                .iter()
                .map(|p| clone_value(func, body, &mut values, *p))
                .collect();
            let to = func.blocks.push(crate::module::Block {
                params,
                insts: Vec::new(),
                end: Term::Open,
            });
            blocks[*from] = Some(to);
        }
        let mut cloned: Vec<(BlockId, VecDeque<(InstId, usize)>)> = Vec::new();
        for from in &order {
            let insts = body.blocks[*from]
                .insts
                .iter()
                .map(|inst| (clone_inst(func, body, &mut values, &body.insts[*inst]), link))
                .collect();
            cloned.push((blocks[*from].unwrap_or(block), insts));
        }
        if let [only] = order.as_slice()
            && let Term::Return(returned) = &body.blocks[*only].end
        {
            for (result, value) in results.iter().zip(returned) {
                self.folder.aliases.set(*result, values[*value].unwrap_or(*value));
            }
            let (_, insts) = cloned.swap_remove(0);
            for item in insts.into_iter().rev() {
                rest.push_front(item);
            }
            return false;
        }
        // Results become parameters of the block that goes on after the call.
        let params: Vec<ValueId> = results.to_vec();
        let end = std::mem::replace(&mut func.blocks[block].end, Term::Open);
        let after = func.blocks.push(crate::module::Block { params, insts: Vec::new(), end });
        for from in &order {
            let to = blocks[*from].unwrap_or(block);
            func.blocks[to].end = clone_end(&body.blocks[*from].end, &values, &blocks, after);
        }
        self.work.push((after, std::mem::take(rest)));
        self.work.extend(cloned.into_iter().rev());
        true
    }
}

fn clone_value(
    func: &mut Function,
    body: &Function,
    values: &mut SecondaryMap<ValueId, Option<ValueId>>,
    value: ValueId,
) -> ValueId {
    let new = func.values.push(body.values[value]);
    values[value] = Some(new);
    new
}

fn clone_inst(
    func: &mut Function,
    body: &Function,
    values: &mut SecondaryMap<ValueId, Option<ValueId>>,
    inst: &Inst,
) -> InstId {
    let args = inst.args.iter().map(|a| values[*a].unwrap_or(*a)).collect();
    let results = inst.results.iter().map(|r| clone_value(func, body, values, *r)).collect();
    func.insts.push(Inst { op: inst.op.clone(), args, results })
}

fn clone_end(
    end: &Term,
    values: &SecondaryMap<ValueId, Option<ValueId>>,
    blocks: &SecondaryMap<BlockId, Option<BlockId>>,
    after: BlockId,
) -> Term {
    let value = |v: &ValueId| values[*v].unwrap_or(*v);
    let jump = |j: &Jump| Jump {
        to: blocks[j.to].unwrap_or(after),
        args: j.args.iter().map(value).collect(),
    };
    match end {
        Term::Jump(to) => Term::Jump(jump(to)),
        Term::Branch { cond, then, other } => {
            Term::Branch { cond: value(cond), then: jump(then), other: jump(other) }
        }
        Term::Return(returned) => {
            Term::Jump(Jump { to: after, args: returned.iter().map(value).collect() })
        }
        Term::Open => Term::Open,
    }
}
