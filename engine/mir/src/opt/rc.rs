//! Reference counting: who owns what in the heap, made explicit.
//!
//! Every `ref` value but a parameter of the function is owned by the function that computes it. An
//! allocation and a call's result come owned; what is loaded is retained, unless it is only looked into
//! before anything could take its owner away. A constant is never owned: a global that nothing
//! assigns holds it for good.
//! A field, a word, a return and a jump take an owner of their own (retained before), and a value
//! is released where it is last needed. Runs once, as the last pass; other passes know nothing of it.

use crate::build::Builder;
use crate::module::{BlockId, Function, Inst, InstId, Jump, Module, ShapeId, Term, ValueId};
use crate::op::{Effect, Op, Ty};
use crate::opt::cfg::Cfg;
use cranelift_entity::{EntitySet, SecondaryMap};
use rustc_hash::FxHashSet;
use smallvec::SmallVec;

/// Runs on every function.
pub fn run(module: &mut Module) {
    for func in module.funcs.values_mut() {
        if func.values.values().any(|ty| *ty == Ty::Ref) {
            count(func);
        }
    }
}

type Set = EntitySet<ValueId>;

/// Runs on one function.
pub fn count(func: &mut Function) {
    let mut owned = Set::new();
    let cfg = Cfg::new(func);
    for block in &cfg.order {
        let params = func.blocks[*block].params.iter().filter(|_| *block != func.entry);
        let insts = func.blocks[*block].insts.iter().map(|i| &func.insts[*i]);
        let results =
            insts.filter(|i| !matches!(i.op, Op::Rconst(_))).flat_map(|inst| &inst.results);
        for value in params.chain(results) {
            if func.values[*value] == Ty::Ref {
                owned.insert(*value);
            }
        }
    }
    let live_in = liveness(func, &cfg, &owned);
    for block in &cfg.order {
        count_block(func, *block, &owned, &live_in);
    }
    release_on_edges(func, &cfg, &owned, &live_in);
}

/// Owned values live at the start of each block (its own parameters not counted as live in).
fn liveness(func: &Function, cfg: &Cfg, owned: &Set) -> SecondaryMap<BlockId, Vec<ValueId>> {
    let mut live_in: SecondaryMap<BlockId, Vec<ValueId>> = SecondaryMap::new();
    let mut changed = true;
    while changed {
        changed = false;
        for block in cfg.order.iter().rev() {
            let mut live = live_out(func, *block, &live_in);
            live.extend(func.blocks[*block].end.uses().iter().filter(|v| owned.contains(**v)));
            for inst in func.blocks[*block].insts.iter().rev() {
                step_back(&mut live, &func.insts[*inst], owned);
            }
            func.blocks[*block].params.iter().for_each(|param| _ = live.remove(param));
            let mut live: Vec<ValueId> = live.into_iter().collect();
            live.sort_unstable();
            if live_in[*block] != live {
                live_in[*block] = live;
                changed = true;
            }
        }
    }
    live_in
}

fn add(set: &mut Vec<ValueId>, value: ValueId, owned: &Set) {
    if owned.contains(value) && !set.contains(&value) {
        set.push(value);
    }
}

/// From what is live behind an instruction to what is live in front of it.
fn step_back(live: &mut FxHashSet<ValueId>, inst: &Inst, owned: &Set) {
    inst.results.iter().for_each(|result| _ = live.remove(result));
    live.extend(inst.args.iter().filter(|arg| owned.contains(**arg)));
}

fn live_out(
    func: &Function,
    block: BlockId,
    live_in: &SecondaryMap<BlockId, Vec<ValueId>>,
) -> FxHashSet<ValueId> {
    func.blocks[block].end.jumps().flat_map(|jump| &live_in[jump.to]).copied().collect()
}

/// Inserts the ops within one block: what each instruction takes, and what dies behind it.
fn count_block(
    func: &mut Function,
    block: BlockId,
    owned: &Set,
    live_in: &SecondaryMap<BlockId, Vec<ValueId>>,
) {
    let insts = std::mem::take(&mut func.blocks[block].insts);
    let after = live_out(func, block, live_in);
    let end_uses = func.blocks[block].end.uses();
    // Walking backwards tells which use is the last; the code is then written forwards.
    let mut live = after.clone();
    live.extend(end_uses.iter().filter(|v| owned.contains(**v)));
    let mut dies: Vec<Vec<ValueId>> = vec![Vec::new(); insts.len()];
    for (index, inst) in insts.iter().enumerate().rev() {
        let data = &func.insts[*inst];
        for value in data.results.iter().chain(&data.args) {
            if owned.contains(*value) && !live.contains(value) && !dies[index].contains(value) {
                dies[index].push(*value);
            }
        }
        step_back(&mut live, data, owned);
    }
    let borrowed = borrowed(func, &insts, &mut dies, &live_behind(&after, &end_uses));
    let unused: Vec<ValueId> = func.blocks[block]
        .params
        .iter()
        .copied()
        .filter(|p| owned.contains(*p) && !live.contains(p) && block != func.entry)
        .collect();
    let mut b = Builder { func, block };
    unused.iter().for_each(|p| b.effect(Op::Release, &[*p]));
    for (index, inst) in insts.into_iter().enumerate() {
        instruction(&mut b, inst, &mut dies[index], &borrowed);
    }
    let mut dead_at_end: Vec<ValueId> = Vec::new();
    end_uses.iter().for_each(|v| add(&mut dead_at_end, *v, owned));
    dead_at_end.retain(|v| !after.contains(v));
    end(&mut b, owned, dead_at_end);
}

fn live_behind(after: &FxHashSet<ValueId>, end_uses: &[ValueId]) -> FxHashSet<ValueId> {
    after.iter().chain(end_uses).copied().collect()
}

/// Whether the op gives a ref that somebody else owns.
fn loads(op: &Op) -> bool {
    matches!(
        op,
        Op::Load(Ty::Ref, _) | Op::HeapLoad { ty: Ty::Ref, .. } | Op::ArrayLoad { ty: Ty::Ref, .. }
    )
}

/// Loaded refs that need no owner: each is only looked into, in this block, and until it was for the
/// last time nothing can lose an owner. They are taken out of `dies`.
fn borrowed(
    func: &Function,
    insts: &[InstId],
    dies: &mut [Vec<ValueId>],
    behind: &FxHashSet<ValueId>,
) -> Vec<ValueId> {
    let mut found = Vec::new();
    for (index, inst) in insts.iter().enumerate() {
        let data = &func.insts[*inst];
        if !loads(&data.op) || behind.contains(&data.results[0]) {
            continue;
        }
        let value = data.results[0];
        // In order: of a chain of loads, the first is borrowed before the next is asked for.
        let Some(last) = (index..insts.len()).find(|at| dies[*at].contains(&value)) else {
            continue;
        };
        let others_die = dies[index..last].iter().any(|dying| !dying.is_empty());
        let quiet =
            insts[index + 1..last.max(index + 1)].iter().all(|i| keeps_all(&func.insts[*i].op));
        let peeks = insts[index + 1..=last.max(index)].iter().all(|i| {
            let data = &func.insts[*i];
            !data.args.contains(&value) || looks_into(&data.op) && !data.args[1..].contains(&value)
        });
        if last > index && !others_die && quiet && peeks {
            dies[last].retain(|v| *v != value);
            found.push(value);
        }
    }
    found
}

/// Whether the first operand is an object that the op only looks into, before all else it does.
fn looks_into(op: &Op) -> bool {
    matches!(op, Op::HeapLoad { .. } | Op::HeapStore { .. } | Op::ArrayLoad { .. } | Op::ArrayLen)
}

/// Whether no object can lose an owner by the op.
fn keeps_all(op: &Op) -> bool {
    match op {
        Op::Store(ty, _) | Op::HeapStore { ty, .. } | Op::ArrayStore { ty, .. } => *ty != Ty::Ref,
        Op::LineSetPos(_)
        | Op::LineStore { .. }
        | Op::SetNow
        | Op::Output(_)
        | Op::Tap(_)
        | Op::Print { .. } => true,
        _ => op.effect() != Effect::Write,
    }
}

/// Writes one instruction with its retains before and its releases behind.
fn instruction(b: &mut Builder<'_>, inst: InstId, dies: &mut Vec<ValueId>, borrowed: &[ValueId]) {
    let data = b.func.insts[inst].clone();
    let refs: SmallVec<[ValueId; 4]> = match data.op {
        Op::Alloc(_) | Op::Schedule(_) => data.args.clone(),
        Op::Store(Ty::Ref, _) | Op::HeapStore { ty: Ty::Ref, .. } => {
            [data.args[1]].into_iter().collect()
        }
        _ => SmallVec::new(),
    };
    for value in refs {
        if b.func.values[value] != Ty::Ref {
            continue;
        }
        // The last use hands its owner over.
        match dies.iter().position(|v| *v == value) {
            Some(at) => drop(dies.remove(at)),
            None => b.effect(Op::Retain, &[value]),
        }
    }
    let old = match data.op {
        Op::Store(Ty::Ref, offset) => {
            Some(b.value(Op::Load(Ty::Ref, offset), &[data.args[0]], Ty::Ref))
        }
        Op::HeapStore { shape, field, ty: Ty::Ref } => {
            Some(b.value(Op::HeapLoad { shape, field, ty: Ty::Ref }, &[data.args[0]], Ty::Ref))
        }
        Op::ArrayStore { shape, field, ty: Ty::Ref } => Some(element(b, &data, shape, field)),
        _ => None,
    };
    let block = b.block;
    b.func.blocks[block].insts.push(inst);
    if let Op::ArrayStore { shape, field, ty: Ty::Ref } = data.op {
        // Nothing was stored where there is no such element: what stands there now is owned.
        let new = element(b, &data, shape, field);
        b.effect(Op::Retain, &[new]);
    }
    if let Some(old) = old {
        b.effect(Op::Release, &[old]);
    }
    if loads(&data.op) && !borrowed.contains(&data.results[0]) {
        match dies.iter().position(|v| *v == data.results[0]) {
            Some(at) => drop(dies.remove(at)),
            None => b.effect(Op::Retain, &[data.results[0]]),
        }
    }
    for value in dies.drain(..) {
        b.effect(Op::Release, &[value]);
    }
}

/// Reads the element that an array store is about.
fn element(b: &mut Builder<'_>, store: &Inst, shape: ShapeId, field: u32) -> ValueId {
    let op = Op::ArrayLoad { shape, field, ty: Ty::Ref };
    b.value(op, &[store.args[0], store.args[1]], Ty::Ref)
}

/// Gives jumps and returns their owners. A value that dies here is handed over once and released
/// only if nothing took it; a branch hands over on each side, so both sides get their own.
fn end(b: &mut Builder<'_>, owned: &Set, mut dies: Vec<ValueId>) {
    let block = b.block;
    match b.func.blocks[block].end.clone() {
        Term::Return(values) => {
            take_all(b, &values, &mut dies);
            dies.into_iter().for_each(|v| b.effect(Op::Release, &[v]));
        }
        Term::Jump(jump) => {
            take_all(b, &jump.args, &mut dies);
            dies.into_iter().for_each(|v| b.effect(Op::Release, &[v]));
        }
        Term::Branch { cond, then, other } => {
            let then = split_edge(b, then, owned, &dies);
            let other = split_edge(b, other, owned, &dies);
            b.func.blocks[block].end = Term::Branch { cond, then, other };
        }
        Term::Open => {}
    }
}

fn take_all(b: &mut Builder<'_>, values: &[ValueId], dies: &mut Vec<ValueId>) {
    for value in values.iter().copied().filter(|v| b.func.values[*v] == Ty::Ref).collect::<Vec<_>>()
    {
        match dies.iter().position(|v| *v == value) {
            Some(at) => drop(dies.remove(at)),
            None => b.effect(Op::Retain, &[value]),
        }
    }
}

/// Puts a block on an edge that hands refs over or ends their lives; other edges stay.
fn split_edge(b: &mut Builder<'_>, jump: Jump, owned: &Set, dies: &[ValueId]) -> Jump {
    let hands_over = jump.args.iter().any(|v| b.func.values[*v] == Ty::Ref);
    if !hands_over && dies.is_empty() {
        return jump;
    }
    debug_assert!(dies.iter().all(|v| owned.contains(*v)), "only owned values die");
    let from = b.block;
    let edge = b.new_block();
    b.switch_to(edge);
    let mut dies = dies.to_vec();
    take_all(b, &jump.args, &mut dies);
    dies.into_iter().for_each(|v| b.effect(Op::Release, &[v]));
    b.jump(jump.to, &jump.args);
    b.switch_to(from);
    Jump { to: edge, args: SmallVec::new() }
}

/// A value needed by one successor of a branch but not by the other is released on the way to the other.
fn release_on_edges(
    func: &mut Function,
    cfg: &Cfg,
    owned: &Set,
    live_in: &SecondaryMap<BlockId, Vec<ValueId>>,
) {
    for block in &cfg.order {
        let Term::Branch { cond, then, other } = func.blocks[*block].end.clone() else { continue };
        // Jumps that already go through an edge block lead to the block behind it.
        let target = |func: &Function, jump: &Jump| match &func.blocks[jump.to].end {
            Term::Jump(next) if !cfg.reachable(jump.to) => next.to,
            _ => jump.to,
        };
        let (a, c) = (target(func, &then), target(func, &other));
        let only = |here: BlockId, there: BlockId| -> Vec<ValueId> {
            live_in[there].iter().copied().filter(|v| !live_in[here].contains(v)).collect()
        };
        let (dead_then, dead_other) = (only(a, c), only(c, a));
        let then = release_on(func, *block, then, cfg, owned, &dead_then);
        let other = release_on(func, *block, other, cfg, owned, &dead_other);
        func.blocks[*block].end = Term::Branch { cond, then, other };
    }
}

fn release_on(
    func: &mut Function,
    from: BlockId,
    jump: Jump,
    cfg: &Cfg,
    owned: &Set,
    dead: &[ValueId],
) -> Jump {
    let dead: Vec<ValueId> = dead.iter().copied().filter(|v| owned.contains(*v)).collect();
    if dead.is_empty() {
        return jump;
    }
    if !cfg.reachable(jump.to) {
        // An edge block of `split_edge`. A value handed over there was retained for the parameter.
        let mut b = Builder { func, block: jump.to };
        dead.into_iter().for_each(|v| b.effect(Op::Release, &[v]));
        return jump;
    }
    let mut b = Builder { func, block: from };
    let edge = b.new_block();
    b.switch_to(edge);
    dead.iter().for_each(|v| b.effect(Op::Release, &[*v]));
    b.jump(jump.to, &jump.args);
    Jump { to: edge, args: SmallVec::new() }
}
