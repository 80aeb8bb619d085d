//! Dead code: instructions without effect whose results nobody uses, arrays that are only stored to, and
//! unused block parameters.

use crate::module::{BlockId, Function, InstId, Module, ValueId};
use crate::op::{Effect, Op};
use crate::opt::cfg::Cfg;
use crate::opt::copy_prop::remove_params;
use crate::opt::rewrite::{clear_unreachable, of_values};
use cranelift_entity::SecondaryMap;
use rustc_hash::FxHashMap;

/// Runs on every function.
pub fn run(module: &mut Module) {
    for func in module.funcs.values_mut() {
        eliminate(func);
    }
}

/// Runs on one function. A value is live if something with an effect, a branch or a return needs it.
pub fn eliminate(func: &mut Function) {
    let cfg = Cfg::new(func);
    clear_unreachable(func, &cfg);
    let mut live = Liveness { values: of_values(func), work: Vec::new() };
    // Stores to an array matter only where the array does; only arrays made here are stored to.
    let mut stores: FxHashMap<ValueId, Vec<InstId>> = FxHashMap::default();
    let mut source: SecondaryMap<ValueId, Source> = of_values(func);
    for block in &cfg.order {
        for (index, param) in func.blocks[*block].params.iter().enumerate() {
            source[*param] = Source::Param(*block, index);
        }
        for inst in &func.blocks[*block].insts {
            for result in &func.insts[*inst].results {
                source[*result] = Source::Inst(*inst);
            }
            if fills(&func.insts[*inst].op) {
                stores.entry(func.insts[*inst].args[0]).or_default().push(*inst);
            }
        }
    }
    for block in &cfg.order {
        for inst in &func.blocks[*block].insts {
            if keeps(&func.insts[*inst].op) {
                func.insts[*inst].args.iter().for_each(|a| live.mark(*a));
            }
        }
        match &func.blocks[*block].end {
            crate::module::Term::Branch { cond, .. } => live.mark(*cond),
            crate::module::Term::Return(values) => values.iter().for_each(|v| live.mark(*v)),
            crate::module::Term::Jump(_) | crate::module::Term::Open => {}
        }
    }
    while let Some(value) = live.work.pop() {
        for store in stores.get(&value).into_iter().flatten() {
            func.insts[*store].args.iter().for_each(|a| live.mark(*a));
        }
        match source[value] {
            Source::Inst(inst) => func.insts[inst].args.iter().for_each(|a| live.mark(*a)),
            Source::Param(block, index) => {
                for pred in &cfg.preds[block] {
                    for jump in func.blocks[*pred].end.jumps().filter(|j| j.to == block) {
                        live.mark(jump.args[index]);
                    }
                }
            }
            Source::None => {}
        }
    }
    sweep(func, &cfg, &live.values);
}

fn sweep(func: &mut Function, cfg: &Cfg, live: &SecondaryMap<ValueId, bool>) {
    for block in &cfg.order {
        let insts = std::mem::take(&mut func.blocks[*block].insts);
        let kept = insts
            .into_iter()
            .filter(|i| {
                let data = &func.insts[*i];
                let kept = keeps(&data.op) || fills(&data.op) && live[data.args[0]];
                kept || func.insts[*i].results.iter().any(|r| live[*r])
            })
            .collect();
        func.blocks[*block].insts = kept;
        if *block == func.entry {
            continue;
        }
        let gone: Vec<usize> = (0..func.blocks[*block].params.len())
            .filter(|i| !live[func.blocks[*block].params[*i]])
            .collect();
        if !gone.is_empty() {
            remove_params(func, cfg, *block, &gone);
        }
    }
}

fn keeps(op: &Op) -> bool {
    op.effect() == Effect::Write && !fills(op)
}

/// Whether the op does nothing but store to its first operand, an array made in this function.
fn fills(op: &Op) -> bool {
    matches!(op, Op::ArrayStore { .. } | Op::ArrayCopy(_))
}

#[derive(Clone, Copy, Default)]
enum Source {
    #[default]
    None,
    Inst(InstId),
    Param(BlockId, usize),
}

struct Liveness {
    values: SecondaryMap<ValueId, bool>,
    work: Vec<ValueId>,
}

impl Liveness {
    fn mark(&mut self, value: ValueId) {
        if !self.values[value] {
            self.values[value] = true;
            self.work.push(value);
        }
    }
}
