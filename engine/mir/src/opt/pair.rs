//! Computes independent calls of one elementary function two at a time.
//!
//! Two sines in one block that do not need each other become one [`Op::Pair`]: a backend with two
//! lanes computes both for the price of one, with the same bits in each lane. (Larsen and
//! Amarasinghe, "Exploiting Superword Level Parallelism", for the seeds alone.) The block is put
//! in a new order for it; memory ops that may touch the same place keep theirs.

use crate::module::{BlockId, Function, Inst, InstId, Module, ValueId};
use crate::op::{Effect, Op, Pure};
use crate::opt::cfg::Cfg;
use crate::opt::rewrite::definitions;
use cranelift_entity::SecondaryMap;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// Functions that are worth it.
const PAIRED: &[Pure] = &[
    Pure::Sin,
    Pure::Cos,
    Pure::Tan,
    Pure::Asin,
    Pure::Acos,
    Pure::Atan,
    Pure::Sinh,
    Pure::Cosh,
    Pure::Tanh,
    Pure::Log,
];

/// Most candidates looked at in one block: one bit each.
const MOST: usize = 128;

/// Runs on the kernel.
pub fn run(module: &mut Module) {
    let Some(kernel) = module.kernel else { return };
    let func = &mut module.funcs[kernel];
    for block in Cfg::new(func).order {
        pair_block(func, block);
    }
}

fn pair_block(func: &mut Function, block: BlockId) {
    let insts = func.blocks[block].insts.clone();
    let candidates: Vec<usize> = (0..insts.len())
        .filter(|i| matches!(func.insts[insts[*i]].op, Op::Pure(op) if PAIRED.contains(&op)))
        .take(MOST)
        .collect();
    if candidates.len() < 2 {
        return;
    }
    let edges = dependencies(func, &insts);
    let partner = choose(func, &insts, &candidates, &edges);
    if partner.is_empty() {
        return;
    }
    let order = schedule(insts.len(), &edges, &partner);
    let mut placed = Vec::with_capacity(insts.len());
    for at in order {
        match partner.get(&at) {
            Some(other) if *other > at => placed.push(join(func, insts[at], insts[*other])),
            Some(_) => {}
            None => placed.push(insts[at]),
        }
    }
    func.blocks[block].insts = placed;
}

/// One instruction in place of two; it defines the values of both.
fn join(func: &mut Function, a: InstId, b: InstId) -> InstId {
    let (first, second) = (func.insts[a].clone(), func.insts[b].clone());
    let Op::Pure(op) = first.op else { return a };
    let args: SmallVec<[ValueId; 4]> = first.args.iter().chain(&second.args).copied().collect();
    let results = first.results.iter().chain(&second.results).copied().collect();
    func.insts.push(Inst { op: Op::Pair(op), args, results })
}

/// For each instruction, the earlier ones of the block that must stay before it.
fn dependencies(func: &Function, insts: &[InstId]) -> Vec<SmallVec<[usize; 4]>> {
    let mut position: FxHashMap<ValueId, usize> = FxHashMap::default();
    let mut memory = Memory::new(func);
    let mut edges = Vec::with_capacity(insts.len());
    for (at, inst) in insts.iter().enumerate() {
        let data = &func.insts[*inst];
        let mut before: SmallVec<[usize; 4]> =
            data.args.iter().filter_map(|arg| position.get(arg).copied()).collect();
        memory.order(func, *inst, at, &mut before);
        edges.push(before);
        for result in &data.results {
            position.insert(*result, at);
        }
    }
    edges
}

/// Places in memory that ops of a block touch, with the last op that did.
struct Memory {
    defs: SecondaryMap<ValueId, Option<InstId>>,
    last: FxHashMap<Region, usize>,
    barrier: Option<usize>,
}

/// Memory that no other region overlaps.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Region {
    /// A state word or a delay line, by its address.
    Word(i64),
    /// Output channels.
    Outputs,
    /// Input channels, which nothing writes.
    Inputs,
}

impl Memory {
    fn new(func: &Function) -> Self {
        Self { defs: definitions(func), last: FxHashMap::default(), barrier: None }
    }

    /// Adds what `inst` must stay behind. Ops that may touch anything stay behind everything.
    fn order(
        &mut self,
        func: &Function,
        inst: InstId,
        at: usize,
        before: &mut SmallVec<[usize; 4]>,
    ) {
        let data = &func.insts[inst];
        if data.op.effect() == Effect::Pure {
            return;
        }
        let region = match data.op {
            Op::Load(_, offset)
            | Op::Store(_, offset)
            | Op::LinePos(offset)
            | Op::LineSetPos(offset)
            | Op::LineLoad { offset, .. }
            | Op::LineStore { offset, .. } => self.address(func, data.args[0], offset),
            Op::Output(_) => Some(Region::Outputs),
            Op::Input(_) => Some(Region::Inputs),
            _ => None,
        };
        before.extend(self.barrier);
        match region {
            Some(region) => before.extend(self.last.insert(region, at)),
            None => {
                before.extend(self.last.drain().map(|(_, at)| at));
                self.barrier = Some(at);
            }
        }
    }

    fn address(&self, func: &Function, base: ValueId, offset: u32) -> Option<Region> {
        match func.insts[self.defs[base]?].op {
            Op::Iconst(base) => Some(Region::Word(base + i64::from(offset))),
            _ => None,
        }
    }
}

/// Partners by position, both ways. Candidates of one op pair up in order, as long as neither needs
/// the other, also through pairs made before.
fn choose(
    func: &Function,
    insts: &[InstId],
    candidates: &[usize],
    edges: &[SmallVec<[usize; 4]>],
) -> FxHashMap<usize, usize> {
    let mut needs = needed_candidates(insts.len(), candidates, edges);
    let mut partner: FxHashMap<usize, usize> = FxHashMap::default();
    for (i, a) in candidates.iter().enumerate() {
        if partner.contains_key(a) {
            continue;
        }
        let fits = |j: &usize| {
            let b = candidates[*j];
            !partner.contains_key(&b)
                && func.insts[insts[*a]].op == func.insts[insts[b]].op
                && needs[*j] & (1 << i) == 0
                && needs[i] & (1 << *j) == 0
        };
        let Some(j) = (i + 1..candidates.len()).find(fits) else { continue };
        partner.insert(*a, candidates[j]);
        partner.insert(candidates[j], *a);
        // From now on whoever needs one needs both, and all that both need.
        let both = needs[i] | needs[j] | 1 << i | 1 << j;
        needs[i] |= needs[j];
        needs[j] = needs[i];
        for need in &mut needs {
            if *need & (1 << i | 1 << j) != 0 {
                *need |= both;
            }
        }
    }
    partner
}

/// For each candidate, the candidates that it needs, directly or not, as bits.
fn needed_candidates(
    count: usize,
    candidates: &[usize],
    edges: &[SmallVec<[usize; 4]>],
) -> Vec<u128> {
    let mut number = vec![None; count];
    for (bit, at) in candidates.iter().enumerate() {
        number[*at] = Some(bit);
    }
    let mut needs = vec![0_u128; count];
    for at in 0..count {
        needs[at] = edges[at].iter().fold(0, |all, before| {
            all | needs[*before] | number[*before].map_or(0, |bit| 1 << bit)
        });
    }
    candidates.iter().map(|at| needs[*at]).collect()
}

/// An order in which everything comes behind what it needs and partners come together; else as it was.
fn schedule(
    count: usize,
    edges: &[SmallVec<[usize; 4]>],
    partner: &FxHashMap<usize, usize>,
) -> Vec<usize> {
    let mut done = vec![false; count];
    let mut order = Vec::with_capacity(count);
    let mut stack = Vec::new();
    for start in 0..count {
        stack.push(start);
        while let Some(at) = stack.last().copied() {
            if done[at] {
                stack.pop();
                continue;
            }
            let group = [Some(at), partner.get(&at).copied()];
            let waiting = stack.len();
            let needed = group.iter().flatten().flat_map(|member| &edges[*member]);
            stack.extend(needed.filter(|before| !done[**before]));
            if stack.len() == waiting {
                stack.pop();
                for member in group.into_iter().flatten() {
                    done[member] = true;
                    order.push(member);
                }
            }
        }
    }
    order
}
