//! Which block every path to another block passes, for the rule that definitions come before uses.
//!
//! Answers in constant time: each block has its span in a walk over the dominator tree.

use crate::module::{BlockId, Function};
use crate::opt::cfg::Cfg;
use cranelift_entity::SecondaryMap;

/// Dominance between the blocks that can be reached from the entry.
pub struct Dominance {
    /// First and last step of the walk below a block, from 1; 0 for blocks that cannot be reached.
    span: SecondaryMap<BlockId, (u32, u32)>,
}

impl Dominance {
    /// Computes dominance; every jump must name an existing block.
    pub fn of(func: &Function) -> Self {
        let children = Cfg::new(func).dominated();
        let mut span: SecondaryMap<BlockId, (u32, u32)> = SecondaryMap::new();
        let mut step = 0;
        let mut stack = vec![(func.entry, 0)];
        while let Some((block, next)) = stack.pop() {
            if next == 0 {
                step += 1;
                span[block].0 = step;
            }
            span[block].1 = step;
            if let Some(child) = children[block].get(next) {
                stack.push((block, next + 1));
                stack.push((*child, 0));
            }
        }
        Self { span }
    }

    /// Whether any path leads from the entry to this block.
    pub fn reachable(&self, block: BlockId) -> bool {
        self.span[block].0 != 0
    }

    /// Whether every path from the entry to `block` passes `above` (or they are the same).
    /// Both are reachable.
    pub fn dominates(&self, above: BlockId, block: BlockId) -> bool {
        let ((first, last), (at, _)) = (self.span[above], self.span[block]);
        first <= at && at <= last
    }
}
