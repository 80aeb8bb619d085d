//! Control flow of one function: predecessors, order, dominators, loops.

use crate::module::{BlockId, Function};
use cranelift_entity::SecondaryMap;
use smallvec::SmallVec;
use std::cell::OnceCell;

/// Control flow facts; stale as soon as the function's blocks or jumps change.
pub struct Cfg {
    /// Reachable blocks in reverse postorder; the entry is first.
    pub order: Vec<BlockId>,
    /// Position of a block in `order`; `u32::MAX` for unreachable blocks.
    pub rank: SecondaryMap<BlockId, u32>,
    /// Reachable predecessors, one entry a jump.
    pub preds: SecondaryMap<BlockId, SmallVec<[BlockId; 2]>>,
    entry: BlockId,
    /// Immediate dominator; the entry is its own. Few passes ask.
    idom: OnceCell<SecondaryMap<BlockId, BlockId>>,
}

impl Cfg {
    /// Computes order and predecessors; dominators when they are first asked for.
    pub fn new(func: &Function) -> Self {
        let order = reverse_postorder(func);
        let count = func.blocks.len();
        let mut rank = SecondaryMap::with_default(u32::MAX);
        rank.resize(count);
        for (i, block) in order.iter().enumerate() {
            rank[*block] = i as u32;
        }
        let mut preds: SecondaryMap<BlockId, SmallVec<[BlockId; 2]>> = SecondaryMap::new();
        preds.resize(count);
        for block in &order {
            for jump in func.blocks[*block].end.jumps() {
                preds[jump.to].push(*block);
            }
        }
        Self { order, rank, preds, entry: func.entry, idom: OnceCell::new() }
    }

    fn idom(&self) -> &SecondaryMap<BlockId, BlockId> {
        self.idom.get_or_init(|| dominators(self.entry, &self.order, &self.rank, &self.preds))
    }

    /// Whether `block` can be reached from the entry.
    pub fn reachable(&self, block: BlockId) -> bool {
        self.rank[block] != u32::MAX
    }

    /// Whether every path to `b` goes through `a`.
    pub fn dominates(&self, a: BlockId, mut b: BlockId) -> bool {
        let idom = self.idom();
        while self.rank[b] > self.rank[a] {
            b = idom[b];
        }
        a == b
    }

    /// Children in the dominator tree, by block.
    pub fn dominated(&self) -> SecondaryMap<BlockId, Vec<BlockId>> {
        let mut children: SecondaryMap<BlockId, Vec<BlockId>> = SecondaryMap::new();
        let idom = self.idom();
        for block in &self.order {
            if idom[*block] != *block {
                children[idom[*block]].push(*block);
            }
        }
        children
    }

    /// Dominance frontier of every block.
    pub fn frontiers(&self) -> SecondaryMap<BlockId, Vec<BlockId>> {
        let mut frontiers: SecondaryMap<BlockId, Vec<BlockId>> = SecondaryMap::new();
        let idom = self.idom();
        for block in &self.order {
            if self.preds[*block].len() < 2 {
                continue;
            }
            for pred in &self.preds[*block] {
                let mut runner = *pred;
                while runner != idom[*block] {
                    if frontiers[runner].last() != Some(block) {
                        frontiers[runner].push(*block);
                    }
                    runner = idom[runner];
                }
            }
        }
        frontiers
    }

    /// Natural loops: header and body blocks (header included), inner ones merged by header.
    pub fn loops(&self) -> Vec<(BlockId, Vec<BlockId>)> {
        let mut loops: Vec<(BlockId, Vec<BlockId>)> = Vec::new();
        // The number of the last loop found to hold a block.
        let mut inside: SecondaryMap<BlockId, u32> = SecondaryMap::new();
        for header in &self.order {
            let latches: Vec<BlockId> = self.preds[*header]
                .iter()
                .copied()
                .filter(|p| self.dominates(*header, *p))
                .collect();
            if latches.is_empty() {
                continue;
            }
            let number = loops.len() as u32 + 1;
            inside[*header] = number;
            let mut body = vec![*header];
            let mut work = latches;
            while let Some(block) = work.pop() {
                if std::mem::replace(&mut inside[block], number) != number {
                    body.push(block);
                    work.extend(self.preds[block].iter().copied());
                }
            }
            loops.push((*header, body));
        }
        loops
    }
}

fn reverse_postorder(func: &Function) -> Vec<BlockId> {
    let mut seen: SecondaryMap<BlockId, bool> = SecondaryMap::new();
    seen.resize(func.blocks.len());
    let mut order = Vec::new();
    let mut stack = vec![(func.entry, 0)];
    seen[func.entry] = true;
    while let Some((block, next)) = stack.pop() {
        match func.blocks[block].end.jumps().nth(next) {
            Some(jump) => {
                stack.push((block, next + 1));
                if !seen[jump.to] {
                    seen[jump.to] = true;
                    stack.push((jump.to, 0));
                }
            }
            None => order.push(block),
        }
    }
    order.reverse();
    order
}

/// By Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm".
fn dominators(
    entry: BlockId,
    order: &[BlockId],
    rank: &SecondaryMap<BlockId, u32>,
    preds: &SecondaryMap<BlockId, SmallVec<[BlockId; 2]>>,
) -> SecondaryMap<BlockId, BlockId> {
    let mut idom: SecondaryMap<BlockId, Option<BlockId>> = SecondaryMap::new();
    idom[entry] = Some(entry);
    let mut changed = true;
    while changed {
        changed = false;
        for block in order.iter().skip(1) {
            let mut new = None;
            for pred in &preds[*block] {
                let Some(mut a) = idom[*pred].map(|_| *pred) else { continue };
                if let Some(mut b) = new {
                    while a != b {
                        while rank[a] > rank[b] {
                            a = idom[a].unwrap_or(entry);
                        }
                        while rank[b] > rank[a] {
                            b = idom[b].unwrap_or(entry);
                        }
                    }
                }
                new = Some(a);
            }
            if idom[*block] != new {
                idom[*block] = new;
                changed = true;
            }
        }
    }
    let mut out = SecondaryMap::with_default(entry);
    for block in order {
        out[*block] = idom[*block].unwrap_or(entry);
    }
    out
}
