//! Registers for the values of a function.
//!
//! Takes machine code over values, gives every value a register of the frame. Values that a copy joins
//! share a register where their lifetimes allow it, so that a loop's state stays in place; the others
//! get the lowest register free over their lifetime (linear scan). Registers are memory, there are
//! plenty, nothing is ever spilled. Parameters come first, then the constants, then the rest.

use crate::lir::{CONST, Func, Inst, Reg};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Where each value of a function lives.
pub(crate) struct Assignment {
    registers: Vec<u32>,
    consts: u32,
    /// Registers in use.
    pub(crate) frame: u32,
}

impl Assignment {
    /// The register of a value.
    pub(crate) fn of(&self, reg: Reg) -> u32 {
        if reg & CONST != 0 { self.consts + (reg & !CONST) } else { self.registers[reg as usize] }
    }
}

/// A stretch of positions, the end excluded. An op at position p reads at p and writes at p + 1.
type Range = (u32, u32);

/// Gives every value a register.
pub(crate) fn assign(func: &Func) -> Assignment {
    let ranges = Lifetimes::of(func).ranges;
    let mut classes = Classes::new(func, ranges);
    for block in func.blocks.iter().rev() {
        for inst in &block.insts {
            if let Inst::Copies(pairs) = inst {
                for (to, from) in pairs.iter().filter(|(_, from)| from & CONST == 0) {
                    classes.join(*to, *from);
                }
            }
        }
    }
    classes.scan(func)
}

/// Computes where values live, from the last block to the first.
struct Lifetimes {
    /// Ranges of every value, latest first.
    ranges: Vec<Vec<Range>>,
    /// End of the range being built; 0 for none.
    open: Vec<u32>,
    opened: Vec<Reg>,
}

impl Lifetimes {
    fn of(func: &Func) -> Self {
        let live_in = live_in(func);
        let at = index_of_labels(func);
        let count = func.values as usize;
        let mut this =
            Self { ranges: vec![Vec::new(); count], open: vec![0; count], opened: Vec::new() };
        let mut position = func.blocks.iter().map(|b| 2 * b.insts.len() as u32 + 2).sum::<u32>();
        for block in func.blocks.iter().rev() {
            for label in block.end.labels() {
                for_each_bit(&live_in[at[label as usize]], |reg| this.used(reg, position));
            }
            position -= 2;
            block.end.uses(|reg| this.used(reg, position + 1));
            for inst in block.insts.iter().rev() {
                position -= 2;
                this.inst(inst, position);
            }
            this.close_all(position);
        }
        for param in &func.params {
            let ranges = &mut this.ranges[*param as usize];
            if ranges.is_empty() {
                ranges.push((0, 1));
            }
        }
        this
    }

    fn inst(&mut self, inst: &Inst, position: u32) {
        match inst {
            Inst::Op(op) => {
                op.defs(|reg| self.defined(reg, position + 1));
                op.uses(|reg| self.used(reg, position + 1));
            }
            Inst::Copies(pairs) => {
                for (to, _) in pairs {
                    self.defined(*to, position + 1);
                }
                for (_, from) in pairs {
                    self.used(*from, position + 1);
                }
            }
        }
    }

    /// The value lives until `end`, at least.
    fn used(&mut self, reg: Reg, end: u32) {
        if reg & CONST == 0 && self.open[reg as usize] == 0 {
            self.open[reg as usize] = end;
            self.opened.push(reg);
        }
    }

    fn defined(&mut self, reg: Reg, start: u32) {
        let end = std::mem::take(&mut self.open[reg as usize]).max(start + 1);
        self.push(reg, (start, end));
    }

    fn close_all(&mut self, start: u32) {
        for reg in std::mem::take(&mut self.opened) {
            let end = std::mem::take(&mut self.open[reg as usize]);
            if end != 0 {
                self.push(reg, (start, end));
            }
        }
    }

    fn push(&mut self, reg: Reg, (start, end): Range) {
        match self.ranges[reg as usize].last_mut() {
            Some(later) if later.0 <= end => later.0 = later.0.min(start),
            Some(_) | None => self.ranges[reg as usize].push((start, end)),
        }
    }
}

/// Index of the block with each label.
fn index_of_labels(func: &Func) -> Vec<usize> {
    let mut at = vec![0; func.labels as usize];
    for (index, block) in func.blocks.iter().enumerate() {
        at[block.label as usize] = index;
    }
    at
}

/// Values that are live at the start of each block, as bits.
fn live_in(func: &Func) -> Vec<Vec<u64>> {
    let words = (func.values as usize).div_ceil(64);
    let at = index_of_labels(func);
    let mut gens = vec![vec![0u64; words]; func.blocks.len()];
    let mut kills = vec![vec![0u64; words]; func.blocks.len()];
    for ((block, uses), defs) in func.blocks.iter().zip(&mut gens).zip(&mut kills) {
        let mut use_ = |reg: Reg, defs: &[u64]| {
            if reg & CONST == 0 && !bit(defs, reg) {
                uses[reg as usize / 64] |= 1 << (reg % 64);
            }
        };
        for inst in &block.insts {
            match inst {
                Inst::Op(op) => {
                    op.uses(|reg| use_(reg, defs));
                    op.defs(|reg| defs[reg as usize / 64] |= 1 << (reg % 64));
                }
                Inst::Copies(pairs) => {
                    pairs.iter().for_each(|(_, from)| use_(*from, defs));
                    pairs.iter().for_each(|(to, _)| defs[*to as usize / 64] |= 1 << (to % 64));
                }
            }
        }
        block.end.uses(|reg| use_(reg, defs));
    }
    let mut live = gens;
    let mut changed = true;
    while changed {
        changed = false;
        for index in (0..func.blocks.len()).rev() {
            for label in func.blocks[index].end.labels() {
                let to = at[label as usize];
                for word in 0..words {
                    let new = live[to][word] & !kills[index][word] & !live[index][word];
                    if new != 0 {
                        live[index][word] |= new;
                        changed = true;
                    }
                }
            }
        }
    }
    live
}

fn bit(bits: &[u64], reg: Reg) -> bool {
    bits[reg as usize / 64] >> (reg % 64) & 1 != 0
}

fn for_each_bit(bits: &[u64], mut visit: impl FnMut(Reg)) {
    for (index, word) in bits.iter().enumerate() {
        let mut rest = *word;
        while rest != 0 {
            visit(index as Reg * 64 + rest.trailing_zeros());
            rest &= rest - 1;
        }
    }
}

/// Values that share a register, as a union-find forest.
struct Classes {
    parent: Vec<Reg>,
    /// Ranges of a class, latest first, at its root.
    ranges: Vec<Vec<Range>>,
    /// Register that the caller put a parameter into.
    fixed: Vec<Option<u32>>,
}

impl Classes {
    fn new(func: &Func, ranges: Vec<Vec<Range>>) -> Self {
        let mut fixed = vec![None; ranges.len()];
        for (register, param) in (0u32..).zip(&func.params) {
            fixed[*param as usize] = Some(register);
        }
        Self { parent: (0..func.values).collect(), ranges, fixed }
    }

    fn root(&mut self, mut reg: Reg) -> Reg {
        while self.parent[reg as usize] != reg {
            let up = self.parent[self.parent[reg as usize] as usize];
            self.parent[reg as usize] = up;
            reg = up;
        }
        reg
    }

    /// Makes two values share a register if they never live at the same time.
    fn join(&mut self, a: Reg, b: Reg) {
        let (a, b) = (self.root(a) as usize, self.root(b) as usize);
        if a == b
            || self.fixed[a].is_some() && self.fixed[b].is_some()
            || overlap(&self.ranges[a], &self.ranges[b])
        {
            return;
        }
        let mut all = std::mem::take(&mut self.ranges[b]);
        all.append(&mut self.ranges[a]);
        all.sort_unstable_by_key(|range| Reverse(range.0));
        self.ranges[a] = all;
        self.fixed[a] = self.fixed[a].or(self.fixed[b]);
        self.parent[b] = a as Reg;
    }

    /// Gives registers out in the order in which lifetimes begin.
    fn scan(mut self, func: &Func) -> Assignment {
        let consts = func.params.len() as u32;
        let mut next = consts + func.consts.len() as u32;
        let mut order: Vec<(u32, u32, Reg)> = Vec::new();
        for reg in 0..func.values {
            let ranges = &self.ranges[reg as usize];
            if let (Some(last), Some(first)) = (ranges.first(), ranges.last()) {
                order.push((first.0, last.1, reg));
            }
        }
        order.sort_unstable_by_key(|(start, _, reg)| {
            (*start, self.fixed[*reg as usize].is_none(), *reg)
        });
        let mut registers = vec![0; func.values as usize];
        let mut active: BinaryHeap<Reverse<(u32, u32)>> = BinaryHeap::new();
        let mut free: BinaryHeap<Reverse<u32>> = BinaryHeap::new();
        for (start, end, reg) in order {
            while let Some(Reverse((until, register))) = active.peek().copied()
                && until <= start
            {
                active.pop();
                free.push(Reverse(register));
            }
            let register = match self.fixed[reg as usize] {
                Some(register) => register,
                None => free.pop().map_or_else(
                    || {
                        next += 1;
                        next - 1
                    },
                    |register| register.0,
                ),
            };
            active.push(Reverse((end, register)));
            registers[reg as usize] = register;
        }
        for reg in 0..func.values {
            registers[reg as usize] = registers[self.root(reg) as usize];
        }
        Assignment { registers, consts, frame: next }
    }
}

/// Whether two lists of ranges, latest first, have a position in common.
fn overlap(a: &[Range], b: &[Range]) -> bool {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
        if x.0 >= y.1 {
            a.next();
        } else if y.0 >= x.1 {
            b.next();
        } else {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_overlap_only_where_both_live() {
        assert!(!overlap(&[(10, 12), (1, 4)], &[(4, 10)]));
        assert!(overlap(&[(10, 12), (1, 5)], &[(4, 10)]));
        assert!(!overlap(&[], &[(4, 10)]));
    }
}
