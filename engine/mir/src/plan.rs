//! Decides which state survives an edit.
//!
//! Takes the old and the new [`StateTree`], gives a [`StatePlan`]: pairs of leaves, with names and
//! lines for people, and what starts fresh or is dropped. What is what is decided by [`identity`]; a
//! leaf whose type changed starts fresh, alone. Pure; runs on the control side.

mod heap;
pub mod identity;
mod show;

use crate::align::Place;
use crate::module::LeafKind;
use crate::objects::Objects;
use crate::op::Ty;
use crate::state_tree::{GlobalWord, NodeId, StateTree, TreeLeaf};
use attacca_rt::carry::HeapPlan;
use attacca_rt::code::{Image, Layout, Shape};
use attacca_rt::migrate::{LineMove, Plan, WordRun};
use identity::{Identity, LeafId, identify};
use rustc_hash::{FxHashMap, FxHashSet};

/// What survives, leaf by leaf; addresses are words of the two programs' state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatePlan {
    /// Pairs of function instances: old and new.
    pub nodes: Vec<(NodeId, NodeId)>,
    /// Words that keep their value.
    pub words: Vec<WordPair>,
    /// Delay lines that keep their samples.
    pub lines: Vec<LinePair>,
    /// Captured variables of global function values that keep their values.
    pub variables: Vec<Named>,
    /// Assigned references that go on with what they reach, as far as the audio side can copy it.
    pub values: Vec<Named>,
    /// Heap objects and tasks, as the audio side wants them.
    pub heap: HeapPlan,
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
    /// What it was called, if it stands elsewhere now.
    pub was: Option<Named>,
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
    /// What it was called, if it stands elsewhere now.
    pub was: Option<Named>,
}

/// One of the two programs.
#[derive(Clone, Copy, Debug)]
pub struct Version<'a> {
    /// What its state means.
    pub tree: &'a StateTree,
    /// What its global code left.
    pub image: &'a Image,
    /// Shapes of its heap objects.
    pub shapes: &'a [Shape],
    /// Whether it schedules tasks.
    pub tasks: bool,
}

impl<'a> Version<'a> {
    fn objects(self) -> Objects<'a> {
        Objects::of_tree(self.tree, self.shapes, self.image)
    }
}

/// Makes the plan from `old` to `new`.
pub fn plan(old: Version<'_>, new: Version<'_>) -> StatePlan {
    let identity = identify(old.tree, new.tree);
    let plan = StatePlan { heap: heap::tables(old, new, &identity), ..StatePlan::default() };
    let places = identity.places.iter().collect();
    let moved = Moved::of(old.tree, new.tree, &identity);
    let mut cx = Making { old, new, moved, places, plan };
    cx.globals();
    for (from, to) in &identity.leaves {
        cx.leaf(*from, *to);
    }
    cx.objects(&identity);
    cx.rest(&identity);
    let mut plan = cx.plan;
    plan.nodes = identity.nodes;
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
        plan.heap = self.heap.clone();
        // Sorts out lines whose rings differ, and guards against layouts of other programs.
        plan.fit(old, new);
        plan
    }
}

struct Making<'t> {
    old: Version<'t>,
    new: Version<'t>,
    moved: Moved,
    places: FxHashMap<Place, Place>,
    plan: StatePlan,
}

impl Making<'_> {
    /// Assigned globals with the same name, type and initialiser keep their running value; the
    /// others come from the new start image.
    fn globals(&mut self) {
        let named = |global: &GlobalWord| Named { name: global.name.clone(), line: global.line };
        let key = |global: &GlobalWord| (global.name.clone(), global.ty, global.init_text);
        let mut olds: FxHashMap<_, Vec<&GlobalWord>> = FxHashMap::default();
        for global in self.old.tree.globals.iter().filter(|g| g.assigned).rev() {
            olds.entry(key(global)).or_default().push(global);
        }
        for global in self.new.tree.globals.iter().filter(|g| g.assigned) {
            let old = olds.get_mut(&key(global)).and_then(Vec::pop);
            match old {
                Some(old) if global.ty == Ty::Ref => {
                    self.carry(old.word, global.word);
                    self.plan.values.push(named(global));
                }
                Some(old) => self.plan.words.push(WordPair {
                    from: old.word,
                    to: global.word,
                    ty: global.ty,
                    what: named(global),
                    was: None,
                }),
                None => self.plan.fresh.push(named(global)),
            }
        }
        let mut dropped: Vec<&GlobalWord> = olds.into_values().flatten().collect();
        dropped.sort_by_key(|global| global.word);
        self.plan.dropped.extend(dropped.into_iter().map(named));
    }

    /// One leaf that goes on.
    fn leaf(&mut self, (old_node, old_leaf): LeafId, (new_node, new_leaf): LeafId) {
        let (a, b) = (&self.old.tree.nodes[old_node], &self.new.tree.nodes[new_node]);
        let (Some(old), Some(new)) =
            (a.leaves.get(old_leaf as usize), b.leaves.get(new_leaf as usize))
        else {
            return;
        };
        let what = named(self.new.tree, new_node, new);
        let was = self.moved.is(old_node, new_node).then(|| named(self.old.tree, old_node, old));
        let (from, to) = (old.address, new.address);
        match (old.kind, new.kind) {
            (LeafKind::Line { len: old_len }, LeafKind::Line { len: new_len }) => {
                self.plan.lines.push(LinePair { from, to, old_len, new_len, what, was });
            }
            (_, LeafKind::SelfValue { ty: Ty::Ref, .. }) => {
                self.carry(from, to);
                self.plan.values.push(what);
            }
            (_, LeafKind::SelfValue { ty, .. }) => {
                self.plan.words.push(WordPair { from, to, ty, what, was });
            }
            (_, LeafKind::Mem | LeafKind::Line { .. }) => {
                self.plan.words.push(WordPair { from, to, ty: Ty::F64, what, was });
            }
        }
    }

    /// Whatever has no partner starts fresh or is lost.
    fn rest(&mut self, identity: &Identity) {
        let (olds, news): (FxHashSet<LeafId>, FxHashSet<LeafId>) =
            identity.leaves.iter().copied().unzip();
        let alone = |tree: &StateTree, paired: &FxHashSet<LeafId>| -> Vec<Named> {
            let mut alone = Vec::new();
            for (id, node) in &tree.nodes {
                let leaves = (0..).zip(&node.leaves);
                let left = leaves.filter(|(number, _)| !paired.contains(&(id, *number)));
                alone.extend(left.map(|(_, leaf)| named(tree, id, leaf)));
            }
            alone
        };
        self.plan.fresh.extend(alone(self.new.tree, &news));
        self.plan.dropped.extend(alone(self.old.tree, &olds));
    }
}

/// Which instances are found at another place than before.
struct Moved {
    /// The new instance of each old one that has a partner.
    partner: FxHashMap<NodeId, NodeId>,
    /// Old instances whose partner is not where their parent's partner is.
    away: FxHashSet<NodeId>,
}

impl Moved {
    fn of(old: &StateTree, new: &StateTree, identity: &Identity) -> Self {
        let partner: FxHashMap<NodeId, NodeId> = identity.nodes.iter().copied().collect();
        let mut away = FxHashSet::default();
        for id in old.nodes.keys() {
            // Parents come first: what hangs below something that moved has moved with it.
            let parent = old.nodes[id].parent;
            let here = partner.get(&id).is_some_and(|to| {
                parent.is_none_or(|p| !away.contains(&p))
                    && parent.and_then(|p| partner.get(&p).copied()) == new.nodes[*to].parent
            });
            if !here {
                away.insert(id);
            }
        }
        Self { partner, away }
    }

    /// Whether a leaf of the old instance that is one of the new instance now has moved.
    fn is(&self, old: NodeId, new: NodeId) -> bool {
        self.partner.get(&old) != Some(&new) || self.away.contains(&old)
    }
}

fn named(tree: &StateTree, node: NodeId, leaf: &TreeLeaf) -> Named {
    Named { name: format!("{} {}", tree.path(node), leaf.name), line: leaf.line }
}

#[cfg(test)]
mod tests;
