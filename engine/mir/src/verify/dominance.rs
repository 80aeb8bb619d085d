//! Which block every path to another block passes, for the rule that definitions come before uses.
//!
//! The iterative algorithm of Cooper, Harvey and Kennedy over reverse postorder.

use crate::module::{BlockId, Function};
use cranelift_entity::{EntityRef, SecondaryMap};

/// Immediate dominators of the blocks that can be reached from the entry.
pub struct Dominance {
    /// Position in reverse postorder from 1; 0 for blocks that cannot be reached.
    order: SecondaryMap<BlockId, u32>,
    /// Immediate dominator; the entry's is itself.
    parent: SecondaryMap<BlockId, BlockId>,
}

impl Dominance {
    /// Computes dominance; every jump must name an existing block.
    pub fn of(func: &Function) -> Self {
        let rpo = reverse_postorder(func);
        let mut order: SecondaryMap<BlockId, u32> = SecondaryMap::new();
        let mut preds: SecondaryMap<BlockId, Vec<BlockId>> = SecondaryMap::new();
        for (index, block) in rpo.iter().enumerate() {
            order[*block] = index as u32 + 1;
            for jump in func.blocks[*block].end.jumps() {
                preds[jump.to].push(*block);
            }
        }
        let unknown = BlockId::new(u32::MAX as usize - 1);
        let mut parent = SecondaryMap::with_default(unknown);
        parent[func.entry] = func.entry;
        let mut changed = true;
        while changed {
            changed = false;
            for block in rpo.iter().skip(1) {
                let known = preds[*block].iter().copied().filter(|p| parent[*p] != unknown);
                let Some(best) = known.reduce(|a, b| meet(&order, &parent, a, b)) else { continue };
                if parent[*block] != best {
                    parent[*block] = best;
                    changed = true;
                }
            }
        }
        Self { order, parent }
    }

    /// Whether any path leads from the entry to this block.
    pub fn reachable(&self, block: BlockId) -> bool {
        self.order[block] != 0
    }

    /// Whether every path from the entry to `block` passes `above` (or they are the same).
    /// Both are reachable.
    pub fn dominates(&self, above: BlockId, block: BlockId) -> bool {
        let mut at = block;
        while self.order[at] > self.order[above] {
            at = self.parent[at];
        }
        at == above
    }
}

fn meet(
    order: &SecondaryMap<BlockId, u32>,
    parent: &SecondaryMap<BlockId, BlockId>,
    a: BlockId,
    b: BlockId,
) -> BlockId {
    let (mut a, mut b) = (a, b);
    while a != b {
        while order[a] > order[b] {
            a = parent[a];
        }
        while order[b] > order[a] {
            b = parent[b];
        }
    }
    a
}

fn reverse_postorder(func: &Function) -> Vec<BlockId> {
    let mut seen: SecondaryMap<BlockId, bool> = SecondaryMap::new();
    let mut post = Vec::new();
    let mut stack = vec![(func.entry, successors(func, func.entry))];
    seen[func.entry] = true;
    while let Some((block, rest)) = stack.last_mut() {
        match rest.pop() {
            Some(next) if !seen[next] => {
                seen[next] = true;
                stack.push((next, successors(func, next)));
            }
            Some(_) => {}
            None => {
                post.push(*block);
                stack.pop();
            }
        }
    }
    post.reverse();
    post
}

fn successors(func: &Function, block: BlockId) -> Vec<BlockId> {
    func.blocks[block].end.jumps().map(|jump| jump.to).collect()
}
