//! Small tools the passes share: definitions, constants, replacing values.

use crate::module::{BlockId, Function, InstId, Jump, Term, ValueId};
use crate::op::{Op, Ty};
use cranelift_entity::SecondaryMap;
use smallvec::SmallVec;

/// A map with room for every value of a function.
pub fn of_values<T: Clone + Default>(func: &Function) -> SecondaryMap<ValueId, T> {
    let mut map = SecondaryMap::new();
    map.resize(func.values.len());
    map
}

/// The instruction that defines each value; `None` for block parameters.
pub fn definitions(func: &Function) -> SecondaryMap<ValueId, Option<InstId>> {
    let mut defs = of_values(func);
    for block in func.blocks.values() {
        for inst in &block.insts {
            for result in &func.insts[*inst].results {
                defs[*result] = Some(*inst);
            }
        }
    }
    defs
}

/// The constant an op stands for, as type and bits.
pub fn constant(op: &Op) -> Option<(Ty, u64)> {
    match op {
        Op::Fconst(bits) => Some((Ty::F64, *bits)),
        Op::Iconst(x) => Some((Ty::I64, *x as u64)),
        Op::Rconst(x) => Some((Ty::Ref, u64::from(*x))),
        _ => None,
    }
}

/// The op that makes a constant.
pub fn constant_op(ty: Ty, bits: u64) -> Op {
    match ty {
        Ty::F64 => Op::Fconst(bits),
        Ty::I64 => Op::Iconst(bits as i64),
        Ty::Ref => Op::Rconst(bits as u32),
    }
}

/// Values that stand for other values, followed to the end.
#[derive(Default)]
pub struct Aliases {
    map: SecondaryMap<ValueId, Option<ValueId>>,
    used: bool,
}

impl Aliases {
    /// From now on `from` means `to`.
    pub fn set(&mut self, from: ValueId, to: ValueId) {
        let to = self.get(to);
        if from != to {
            self.map[from] = Some(to);
            self.used = true;
        }
    }

    /// What `value` means.
    pub fn get(&self, mut value: ValueId) -> ValueId {
        while let Some(next) = self.map.get(value).copied().flatten() {
            value = next;
        }
        value
    }

    /// Whether anything was set.
    pub fn any(&self) -> bool {
        self.used
    }

    /// Replaces every use in `func`.
    pub fn apply(&self, func: &mut Function) {
        if !self.used {
            return;
        }
        for block in func.blocks.values_mut() {
            for inst in &block.insts {
                for arg in &mut func.insts[*inst].args {
                    *arg = self.get(*arg);
                }
            }
            for arg in block.end.uses_mut() {
                *arg = self.get(*arg);
            }
        }
    }
}

/// Empties blocks that cannot be reached (each becomes a jump to itself), so that scans need not ask.
pub fn clear_unreachable(func: &mut Function, cfg: &super::cfg::Cfg) {
    let dead: Vec<BlockId> = func.blocks.keys().filter(|b| !cfg.reachable(*b)).collect();
    for id in dead {
        let block = &mut func.blocks[id];
        block.insts.clear();
        block.params.clear();
        block.end = Term::Jump(Jump { to: id, args: SmallVec::new() });
    }
}
