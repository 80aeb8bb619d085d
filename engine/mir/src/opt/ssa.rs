//! Turns places that are loaded and stored into SSA values: the machinery of `promote` and `cells`.
//!
//! Cytron et al., "Efficiently Computing Static Single Assignment Form": block parameters at the
//! iterated dominance frontier of the stores, then a walk down the dominator tree.

use crate::module::{BlockId, Function, InstId, Term, ValueId};
use crate::op::Ty;
use crate::opt::cfg::Cfg;
use crate::opt::rewrite::Aliases;
use cranelift_entity::SecondaryMap;

/// What an instruction does to a place.
#[derive(Clone, Copy)]
pub enum Access {
    /// Its result is the place's value.
    Read(usize),
    /// The place's value becomes this.
    Write(usize, ValueId),
}

/// A place to be turned into values.
pub struct Place {
    /// Type of its value.
    pub ty: Ty,
    /// Its value on entry; defined in the entry block, before its end.
    pub initial: ValueId,
}

/// Replaces all accesses of `places`; the instructions go. Gives the final value of every place at
/// each return.
pub fn promote(
    func: &mut Function,
    places: &[Place],
    access: impl Fn(&Function, InstId) -> Option<Access>,
) -> Vec<(BlockId, Vec<ValueId>)> {
    let cfg = Cfg::new(func);
    let params = insert_params(func, &cfg, places, &access);
    let children = cfg.dominated();
    let mut aliases = Aliases::default();
    let mut returns = Vec::new();
    let initial: Vec<ValueId> = places.iter().map(|p| p.initial).collect();
    let mut stack = vec![(func.entry, initial)];
    while let Some((block, mut now)) = stack.pop() {
        for (place, param) in &params[block] {
            now[*place] = *param;
        }
        let insts = std::mem::take(&mut func.blocks[block].insts);
        let mut kept = Vec::with_capacity(insts.len());
        for inst in insts {
            match access(func, inst) {
                Some(Access::Read(place)) => aliases.set(func.insts[inst].results[0], now[place]),
                Some(Access::Write(place, value)) => now[place] = aliases.get(value),
                None => kept.push(inst),
            }
        }
        let data = &mut func.blocks[block];
        data.insts = kept;
        for jump in data.end.jumps_mut() {
            jump.args.extend(params[jump.to].iter().map(|(place, _)| now[*place]));
        }
        if matches!(data.end, Term::Return(_)) {
            returns.push((block, now.clone()));
        }
        stack.extend(children[block].iter().map(|child| (*child, now.clone())));
    }
    aliases.apply(func);
    for (_, values) in &mut returns {
        values.iter_mut().for_each(|v| *v = aliases.get(*v));
    }
    returns
}

fn insert_params(
    func: &mut Function,
    cfg: &Cfg,
    places: &[Place],
    access: &impl Fn(&Function, InstId) -> Option<Access>,
) -> SecondaryMap<BlockId, Vec<(usize, ValueId)>> {
    let mut stored: Vec<Vec<BlockId>> = vec![Vec::new(); places.len()];
    for block in &cfg.order {
        for inst in &func.blocks[*block].insts {
            if let Some(Access::Write(place, _)) = access(func, *inst)
                && stored[place].last() != Some(block)
            {
                stored[place].push(*block);
            }
        }
    }
    let frontiers = cfg.frontiers();
    let mut params: SecondaryMap<BlockId, Vec<(usize, ValueId)>> = SecondaryMap::new();
    for (index, place) in places.iter().enumerate() {
        let mut work = stored[index].clone();
        while let Some(block) = work.pop() {
            for join in &frontiers[block] {
                if params[*join].iter().any(|(p, _)| *p == index) {
                    continue;
                }
                let value = func.values.push(place.ty);
                func.blocks[*join].params.push(value);
                params[*join].push((index, value));
                work.push(*join);
            }
        }
    }
    params
}
