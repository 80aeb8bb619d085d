//! Copy propagation over block parameters, and merging of blocks.
//!
//! A parameter that gets the same value from every jump is that value. A block whose only
//! predecessor ends in a plain jump to it is appended there.

use crate::module::{BlockId, Function, Module, Term, ValueId};
use crate::opt::cfg::Cfg;
use crate::opt::rewrite::{Aliases, clear_unreachable};

/// Runs on every function.
pub fn run(module: &mut Module) {
    for func in module.funcs.values_mut() {
        propagate(func);
    }
}

/// Runs on one function until nothing changes.
pub fn propagate(func: &mut Function) {
    loop {
        let cfg = Cfg::new(func);
        clear_unreachable(func, &cfg);
        let merged = merge_blocks(func, &cfg);
        let cfg = if merged { Cfg::new(func) } else { cfg };
        if !same_parameters(func, &cfg) && !merged {
            return;
        }
    }
}

/// Appends blocks to their only predecessor.
fn merge_blocks(func: &mut Function, cfg: &Cfg) -> bool {
    let mut changed = false;
    let mut aliases = Aliases::default();
    for block in &cfg.order {
        while let Term::Jump(jump) = &func.blocks[*block].end {
            let to = jump.to;
            if cfg.preds[to].len() != 1 || to == func.entry || to == *block {
                break;
            }
            let args = jump.args.clone();
            let params = std::mem::take(&mut func.blocks[to].params);
            for (param, arg) in params.iter().zip(&args) {
                aliases.set(*param, *arg);
            }
            let insts = std::mem::take(&mut func.blocks[to].insts);
            let looped = Term::Jump(crate::module::Jump { to, args: Default::default() });
            let end = std::mem::replace(&mut func.blocks[to].end, looped);
            func.blocks[*block].insts.extend(insts);
            func.blocks[*block].end = end;
            changed = true;
        }
    }
    aliases.apply(func);
    changed
}

/// Replaces parameters that have one value.
fn same_parameters(func: &mut Function, cfg: &Cfg) -> bool {
    let mut aliases = Aliases::default();
    let mut dropped: Vec<(BlockId, Vec<usize>)> = Vec::new();
    for block in cfg.order.iter().skip(1) {
        let params = func.blocks[*block].params.clone();
        let mut gone = Vec::new();
        for (index, param) in params.iter().enumerate() {
            if let Some(value) = only_value(func, cfg, &aliases, *block, index, *param) {
                aliases.set(*param, value);
                gone.push(index);
            }
        }
        if !gone.is_empty() {
            dropped.push((*block, gone));
        }
    }
    for (block, gone) in &dropped {
        remove_params(func, cfg, *block, gone);
    }
    aliases.apply(func);
    !dropped.is_empty()
}

fn only_value(
    func: &Function,
    cfg: &Cfg,
    aliases: &Aliases,
    block: BlockId,
    index: usize,
    param: ValueId,
) -> Option<ValueId> {
    let mut only = None;
    for pred in &cfg.preds[block] {
        for jump in func.blocks[*pred].end.jumps().filter(|j| j.to == block) {
            let value = aliases.get(jump.args[index]);
            if value == param || Some(value) == only {
                continue;
            }
            if only.is_some() {
                return None;
            }
            only = Some(value);
        }
    }
    only
}

/// Removes parameters (ascending indices) of a block and the arguments of every jump to it. Blocks
/// that cannot be reached must have been cleared.
pub fn remove_params(func: &mut Function, cfg: &Cfg, block: BlockId, gone: &[usize]) {
    for index in gone.iter().rev() {
        func.blocks[block].params.remove(*index);
    }
    let mut preds = cfg.preds[block].clone();
    preds.sort();
    preds.dedup();
    for pred in preds {
        for jump in func.blocks[pred].end.jumps_mut().filter(|j| j.to == block) {
            for index in gone.iter().rev() {
                jump.args.remove(*index);
            }
        }
    }
}
