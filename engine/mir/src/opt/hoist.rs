//! Moves what does not change out of loops: pure ops, loads of words nothing in the loop stores to, and
//! of elements of arrays that the global code made.

use crate::module::{BlockId, Function, Module, Term, ValueId};
use crate::op::{Effect, Op};
use crate::opt::cfg::Cfg;
use crate::opt::rewrite::definitions;
use cranelift_entity::SecondaryMap;
use rustc_hash::FxHashSet;

/// Runs on every function with a loop (the kernel).
pub fn run(module: &mut Module) {
    for func in module.funcs.values_mut() {
        hoist(func);
    }
}

/// Runs on one function, outer loops first.
pub fn hoist(func: &mut Function) {
    let cfg = Cfg::new(func);
    for (header, mut body) in cfg.loops() {
        let mut holds: SecondaryMap<BlockId, bool> = SecondaryMap::new();
        body.iter().for_each(|block| holds[*block] = true);
        let outside: Vec<BlockId> =
            cfg.preds[header].iter().copied().filter(|p| !holds[*p]).collect();
        let [before] = outside.as_slice() else { continue };
        if matches!(func.blocks[*before].end, Term::Jump(_)) {
            body.sort_unstable_by_key(|block| cfg.rank[*block]);
            hoist_loop(func, &body, *before);
        }
    }
}

/// Hoists out of a loop; `body` is in reverse postorder.
fn hoist_loop(func: &mut Function, body: &[BlockId], before: BlockId) {
    let memory = Stores::of(func, body);
    let mut inside: SecondaryMap<ValueId, bool> = SecondaryMap::new();
    for block in body {
        func.blocks[*block].params.iter().for_each(|p| inside[*p] = true);
        for inst in &func.blocks[*block].insts {
            func.insts[*inst].results.iter().for_each(|r| inside[*r] = true);
        }
    }
    for block in body {
        let insts = std::mem::take(&mut func.blocks[*block].insts);
        let (moved, kept): (Vec<_>, Vec<_>) = insts.into_iter().partition(|inst| {
            let data = &func.insts[*inst];
            let fixed = data.args.iter().all(|a| !inside[*a]);
            // A precise function stands in a cold block, to be called only where it is needed.
            let pure = data.op.effect() == Effect::Pure && !matches!(data.op, Op::Slow(_));
            let moves = fixed && (pure || memory.unchanged(func, *inst));
            if moves {
                data.results.iter().for_each(|r| inside[*r] = false);
            }
            moves
        });
        func.blocks[*block].insts = kept;
        func.blocks[before].insts.extend(moved);
    }
}

/// What a loop stores to.
struct Stores {
    everything: bool,
    words: FxHashSet<i64>,
    defs: SecondaryMap<ValueId, Option<crate::module::InstId>>,
}

impl Stores {
    fn of(func: &Function, body: &[BlockId]) -> Self {
        let (words, defs) = (FxHashSet::default(), definitions(func));
        let mut stores = Self { everything: false, words, defs };
        for inst in body.iter().flat_map(|b| &func.blocks[*b].insts) {
            match func.insts[*inst].op {
                Op::Call(_) | Op::CallClosure(_) => stores.everything = true,
                Op::Store(..) => match stores.address(func, *inst) {
                    Some(at) => drop(stores.words.insert(at)),
                    None => stores.everything = true,
                },
                _ => {}
            }
        }
        stores
    }

    fn address(&self, func: &Function, inst: crate::module::InstId) -> Option<i64> {
        let data = &func.insts[inst];
        let (Op::Load(_, offset) | Op::Store(_, offset)) = data.op else { return None };
        match func.insts[self.defs[data.args[0]]?].op {
            Op::Iconst(base) => Some(base + i64::from(offset)),
            _ => None,
        }
    }

    /// Whether this is a load that gives the same value each time round.
    fn unchanged(&self, func: &Function, inst: crate::module::InstId) -> bool {
        let data = &func.insts[inst];
        if matches!(data.op, Op::ArrayLoad { .. } | Op::ArrayLen) {
            // Arrays of the heap image never change.
            let def = self.defs[data.args[0]].map(|def| &func.insts[def].op);
            return matches!(def, Some(Op::Rconst(_)));
        }
        let load = matches!(func.insts[inst].op, Op::Load(..));
        load && !self.everything
            && self.address(func, inst).is_some_and(|at| !self.words.contains(&at))
    }
}
