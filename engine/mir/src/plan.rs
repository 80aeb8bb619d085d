//! Decides which state survives an edit.
//!
//! Takes the old and the new [`StateTree`], gives a [`StatePlan`]: pairs of leaves, with names and
//! lines for people, and what starts fresh or is dropped. Pure; runs on the control side.
//!
//! Identity of function instances, rules of design 5, each node used once:
//! (1) aligned call sites (needs both texts; not here yet: `by_token` is its place);
//! (2) same parent, same binding name, the same callee preferred;
//! (3) same parent, same callee and shape, in order; then, as long as rule 1 is not there, same
//!     parent and callee where both sides have equally many left: its body was edited;
//! (4), (5) anywhere, unique on both sides (not here yet).
//! Within a pair, leaves match by kind, type and name; of the same callee, the rest in order.

use crate::module::LeafKind;
use crate::op::Ty;
use crate::state_tree::{GlobalWord, Node, NodeId, StateTree, TreeLeaf};
use attacca_rt::code::Layout;
use attacca_rt::migrate::{LineMove, Plan, WordRun};
use rustc_hash::FxHashMap;

/// What survives, leaf by leaf; addresses are words of the two programs' state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatePlan {
    /// Pairs of function instances: old and new.
    pub nodes: Vec<(NodeId, NodeId)>,
    /// Words that keep their value.
    pub words: Vec<WordPair>,
    /// Delay lines that keep their samples.
    pub lines: Vec<LinePair>,
    /// What of the new program starts anew.
    pub fresh: Vec<Named>,
    /// What of the old program is lost.
    pub dropped: Vec<Named>,
}

/// A leaf by name, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Path and name: `dsp/osc1:sine phase`.
    pub name: String,
    /// Line of the text, from 1; 0 when unknown.
    pub line: u32,
}

/// A word that keeps its value.
#[derive(Clone, Debug, PartialEq)]
pub struct WordPair {
    /// Address in the old state.
    pub from: u32,
    /// Address in the new state.
    pub to: u32,
    /// Its type on both sides.
    pub ty: Ty,
    /// What it is called in the new program.
    pub what: Named,
}

/// A delay line that keeps its samples.
#[derive(Clone, Debug, PartialEq)]
pub struct LinePair {
    /// Address of its word in the old state.
    pub from: u32,
    /// Address of its word in the new state.
    pub to: u32,
    /// Longest delay before, in samples.
    pub old_len: u32,
    /// Longest delay now, in samples.
    pub new_len: u32,
    /// What it is called in the new program.
    pub what: Named,
}

/// Makes the plan from `old` to `new`.
pub fn plan(old: &StateTree, new: &StateTree) -> StatePlan {
    let mut cx = Match { old, new, plan: StatePlan::default() };
    cx.globals();
    let mut work = cx.siblings(&old.roots, &new.roots);
    while let Some((from, to)) = work.pop() {
        cx.plan.nodes.push((from, to));
        cx.leaves(from, to);
        work.extend(cx.siblings(&old.nodes[from].children, &new.nodes[to].children));
    }
    cx.rest();
    let mut plan = cx.plan;
    plan.nodes.sort_unstable();
    plan.words.sort_by_key(|word| word.to);
    plan.lines.sort_by_key(|line| line.to);
    plan
}

impl StatePlan {
    /// Whether nothing starts fresh and nothing is lost, lengths of lines included.
    pub fn is_complete(&self) -> bool {
        self.fresh.is_empty()
            && self.dropped.is_empty()
            && self.lines.iter().all(|l| l.old_len == l.new_len)
    }

    /// The plan as addresses for the audio side. Words side by side become one run; lines are
    /// exchanged where both rings have the same size and the new delay is not longer.
    pub fn lower(&self, old: &Layout, new: &Layout) -> Plan {
        let mut plan = Plan::default();
        for word in &self.words {
            let kind = word.ty.into();
            match plan.words.last_mut() {
                Some(WordRun { from, to, len, kind: last })
                    if *last == kind && *from + *len == word.from && *to + *len == word.to =>
                {
                    *len += 1;
                }
                Some(_) | None => {
                    plan.words.push(WordRun { from: word.from, to: word.to, len: 1, kind })
                }
            }
        }
        let table = |layout: &Layout| -> FxHashMap<u32, u32> {
            layout.lines.iter().zip(0..).map(|(line, index)| (line.word, index)).collect()
        };
        let (old_lines, new_lines) = (table(old), table(new));
        for line in &self.lines {
            if let (Some(from), Some(to)) = (old_lines.get(&line.from), new_lines.get(&line.to)) {
                plan.lines.push(LineMove { from: *from, to: *to });
            }
        }
        // Sorts out lines whose rings differ, and guards against layouts of other programs.
        plan.fit(old, new);
        plan
    }
}

impl std::fmt::Display for StatePlan {
    /// A summary and what starts fresh, is resized or lost: a line each.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts = [self.words.len(), self.lines.len(), self.fresh.len(), self.dropped.len()];
        let [words, lines, fresh, dropped] = counts;
        writeln!(
            f,
            "keeps {words} words and {lines} delay lines, {fresh} start fresh, {dropped} are dropped"
        )?;
        for line in self.lines.iter().filter(|line| line.old_len != line.new_len) {
            writeln!(
                f,
                "  resized {} from {} to {} samples",
                line.what, line.old_len, line.new_len
            )?;
        }
        for named in &self.fresh {
            writeln!(f, "  fresh {named}")?;
        }
        for named in &self.dropped {
            writeln!(f, "  dropped {named}")?;
        }
        Ok(())
    }
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (line {})", self.name, self.line)
    }
}

struct Match<'t> {
    old: &'t StateTree,
    new: &'t StateTree,
    plan: StatePlan,
}

impl Match<'_> {
    /// Assigned globals with the same name, type and initialiser keep their running value; the
    /// others come from the new start image.
    fn globals(&mut self) {
        let named = |global: &GlobalWord| Named { name: global.name.clone(), line: 0 };
        let mut olds: Vec<&GlobalWord> = self.old.globals.iter().filter(|g| g.assigned).collect();
        for global in self.new.globals.iter().filter(|g| g.assigned) {
            let same = |old: &&GlobalWord| {
                (&old.name, old.ty, old.init_text) == (&global.name, global.ty, global.init_text)
            };
            // What a reference reaches lies in the old heap and stays there.
            match olds.iter().position(same).filter(|_| global.ty != Ty::Ref) {
                Some(at) => {
                    let old = olds.remove(at);
                    let what = named(global);
                    self.plan.words.push(WordPair {
                        from: old.word,
                        to: global.word,
                        ty: global.ty,
                        what,
                    });
                }
                None => self.plan.fresh.push(named(global)),
            }
        }
        self.plan.dropped.extend(olds.into_iter().map(named));
    }

    /// Pairs the children of a pair of parents.
    fn siblings(&self, old: &[NodeId], new: &[NodeId]) -> Vec<(NodeId, NodeId)> {
        let mut left = Left { old: old.to_vec(), new: new.to_vec(), pairs: Vec::new() };
        let nodes = (self.old, self.new);
        left.pair(nodes, |a, b| {
            !b.binding.is_empty() && a.binding == b.binding && a.callee == b.callee
        });
        left.pair(nodes, |a, b| !b.binding.is_empty() && a.binding == b.binding);
        left.pair(nodes, |a, b| a.callee == b.callee && a.shape == b.shape);
        let count = |tree: &StateTree, ids: &[NodeId], callee: &str| {
            ids.iter().filter(|id| tree.nodes[**id].callee == callee).count()
        };
        let (olds, news) = (left.old.clone(), left.new.clone());
        left.pair(nodes, |a, b| {
            a.callee == b.callee
                && count(self.old, &olds, &a.callee) == count(self.new, &news, &a.callee)
        });
        left.pairs
    }

    fn leaves(&mut self, from: NodeId, to: NodeId) {
        let (a, b) = (&self.old.nodes[from], &self.new.nodes[to]);
        let mut olds: Vec<&TreeLeaf> = a.leaves.iter().collect();
        let mut pairs: Vec<(&TreeLeaf, &TreeLeaf)> = Vec::new();
        let mut news: Vec<&TreeLeaf> = b.leaves.iter().collect();
        let mut pair = |alike: &dyn Fn(&TreeLeaf, &TreeLeaf) -> bool| {
            news.retain(|new| match olds.iter().position(|old| alike(old, new)) {
                Some(at) => {
                    pairs.push((olds.remove(at), new));
                    false
                }
                None => true,
            });
        };
        pair(&|old, new| same_kind(old, new) && old.name == new.name);
        if a.callee == b.callee {
            pair(&same_kind);
        }
        self.plan.fresh.extend(news.iter().map(|leaf| named(self.new, to, leaf)));
        self.plan.dropped.extend(olds.iter().map(|leaf| named(self.old, from, leaf)));
        for (old, new) in pairs {
            let what = named(self.new, to, new);
            match (old.kind, new.kind) {
                (LeafKind::Line { len: old_len }, LeafKind::Line { len: new_len }) => {
                    let (from, to) = (old.address, new.address);
                    self.plan.lines.push(LinePair { from, to, old_len, new_len, what });
                }
                (_, LeafKind::SelfValue { ty: Ty::Ref, .. }) => self.plan.fresh.push(what),
                (_, LeafKind::SelfValue { ty, .. }) => {
                    self.plan.words.push(WordPair { from: old.address, to: new.address, ty, what });
                }
                (_, LeafKind::Mem | LeafKind::Line { .. }) => {
                    let (from, to) = (old.address, new.address);
                    self.plan.words.push(WordPair { from, to, ty: Ty::F64, what });
                }
            }
        }
    }

    /// Whatever has no partner starts fresh or is lost.
    fn rest(&mut self) {
        let mut paired_old = vec![false; self.old.nodes.len()];
        let mut paired_new = vec![false; self.new.nodes.len()];
        for (from, to) in &self.plan.nodes {
            paired_old[from.as_u32() as usize] = true;
            paired_new[to.as_u32() as usize] = true;
        }
        let alone = |tree: &StateTree, paired: &[bool]| -> Vec<Named> {
            let nodes = tree.nodes.iter().filter(|(id, _)| !paired[id.as_u32() as usize]);
            nodes
                .flat_map(|(id, node)| node.leaves.iter().map(move |leaf| (id, leaf)))
                .map(|(id, leaf)| named(tree, id, leaf))
                .collect()
        };
        self.plan.fresh.extend(alone(self.new, &paired_new));
        self.plan.dropped.extend(alone(self.old, &paired_old));
    }
}

/// Siblings that have no partner yet.
struct Left {
    old: Vec<NodeId>,
    new: Vec<NodeId>,
    pairs: Vec<(NodeId, NodeId)>,
}

impl Left {
    /// Pairs what is alike, in order.
    fn pair(&mut self, (old, new): (&StateTree, &StateTree), alike: impl Fn(&Node, &Node) -> bool) {
        let (olds, pairs) = (&mut self.old, &mut self.pairs);
        self.new.retain(|to| {
            let found = olds.iter().position(|from| alike(&old.nodes[*from], &new.nodes[*to]));
            found.map(|at| pairs.push((olds.remove(at), *to))).is_none()
        });
    }
}

fn same_kind(a: &TreeLeaf, b: &TreeLeaf) -> bool {
    match (a.kind, b.kind) {
        (LeafKind::Line { .. }, LeafKind::Line { .. }) => true,
        (a, b) => a == b,
    }
}

fn named(tree: &StateTree, node: NodeId, leaf: &TreeLeaf) -> Named {
    Named { name: format!("{} {}", tree.path(node), leaf.name), line: leaf.line }
}

#[cfg(test)]
mod tests;
