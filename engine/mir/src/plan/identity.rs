//! Which instance, word and line of the new program is which of the old one.
//!
//! Takes two state trees, gives pairs of items: an item is a function instance or one thing that it
//! remembers. Each item is used once. The rules of design 5, the surest first; those about siblings
//! look at the children of a pair, the others at whatever has no partner yet:
//!
//! 1. a call site (or `mem`, `delay`) inside aligned tokens, with the same callee, in a pair of
//!    parents; the same with a callee of the same shape; then wherever it went, the nearest pair
//!    around it first;
//! 2. same parent, same binding name, same callee or shape;
//! 3. same parent, same callee and shape, in order; then same callee where both sides have equally
//!    many left: its body was edited;
//! 4. anywhere: equal binding name, callee and shape, unique below the nearest pair, then at all;
//! 5. anywhere: equal callee and shape, likewise, and in order where the nearest pair has equally many of
//!    both; `mem` and `delay` below the nearest pair only, `self` not at all, since such a callee says
//!    little; then runs of one place that became fewer or more;
//! 6. same parent and the same aligned place, or the same binding, whatever the callee. Last, since the
//!    callee itself may have moved below the new one (an expression that became a function).
//!
//! A function that was renamed is the same callee: its definition stands in aligned tokens and its old
//! name is gone.

use crate::align::{Alignment, Homes, Place, Places};
use crate::module::LeafKind;
use crate::state_tree::{NodeId, NodeKind, StateTree};
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use std::hash::{Hash, Hasher};

/// What became of what.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// Old and new instances.
    pub nodes: Vec<(NodeId, NodeId)>,
    /// Old and new leaves: instance and number of the leaf.
    pub leaves: Vec<(LeafId, LeafId)>,
    /// Places of the new text by those of the old.
    pub places: Places,
}

/// A leaf by its instance and number.
pub type LeafId = (NodeId, u32);

/// A rule; the order is the order in which they are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    /// What exists once in an instance: `self`, and the roots.
    Own,
    /// Values of globals are known by the global's name before all else.
    Global,
    Place,
    PlaceShape,
    PlaceAnywhere,
    Name,
    NameShape,
    Order,
    Edited,
    NameAnywhere,
    Anywhere,
    PlaceRuns,
    PlaceOnly,
    NameOnly,
}

impl Rule {
    const ALL: [Self; 14] = [
        Self::Own,
        Self::Global,
        Self::Place,
        Self::PlaceShape,
        Self::PlaceAnywhere,
        Self::Name,
        Self::NameShape,
        Self::Order,
        Self::Edited,
        Self::NameAnywhere,
        Self::Anywhere,
        Self::PlaceRuns,
        Self::PlaceOnly,
        Self::NameOnly,
    ];

    /// Whether it looks beyond siblings.
    fn is_anywhere(self) -> bool {
        match self {
            Self::PlaceAnywhere | Self::NameAnywhere | Self::Anywhere | Self::PlaceRuns => true,
            Self::Own
            | Self::Global
            | Self::Place
            | Self::PlaceShape
            | Self::Name
            | Self::NameShape
            | Self::Order
            | Self::Edited
            | Self::PlaceOnly
            | Self::NameOnly => false,
        }
    }
}

/// A node or a leaf, with what rules compare; 0 stands for what it does not have.
#[derive(Clone, Debug)]
struct Item {
    node: NodeId,
    leaf: Option<u32>,
    parent: Option<usize>,
    children: Vec<usize>,
    /// Known to be one of a kind among its siblings.
    own: u64,
    global: bool,
    callee: u64,
    shape: u64,
    binding: u64,
    place: u64,
    partner: Option<usize>,
}

impl Item {
    /// Equal for items that the rule pairs; `None` if the rule says nothing about this one.
    fn key(&self, rule: Rule) -> Option<u64> {
        let is_node = self.leaf.is_none();
        let all = |known: bool, parts: &[u64]| {
            (known && parts.iter().all(|part| *part != 0)).then(|| hash(parts))
        };
        match rule {
            Rule::Own => all(true, &[self.own]),
            Rule::Global => all(self.global, &[self.binding, self.callee]),
            Rule::Place | Rule::PlaceAnywhere | Rule::PlaceRuns => {
                all(true, &[self.place, self.callee])
            }
            Rule::PlaceShape => all(is_node, &[self.place, self.shape]),
            Rule::Name => all(true, &[self.binding, self.callee]),
            Rule::NameShape => all(is_node, &[self.binding, self.shape]),
            Rule::Order => all(true, &[self.callee, self.shape]),
            Rule::Edited => all(true, &[self.callee]),
            Rule::NameAnywhere => all(true, &[self.binding, self.callee, self.shape]),
            Rule::Anywhere => all(is_node || self.own == 0, &[self.callee, self.shape]),
            Rule::PlaceOnly => all(is_node, &[self.place]),
            Rule::NameOnly => all(is_node, &[self.binding]),
        }
    }
}

/// Finds what became of what.
pub fn identify(old: &StateTree, new: &StateTree) -> Identity {
    let places = places(old, new);
    let renamed = renamed(old, new, &places);
    let was = |place: Place| places.get(place).map_or(0, hash);
    let olds = items(old, &was, &renamed);
    let news =
        items(new, &|place| if place.end > 0 { hash(place) } else { 0 }, &FxHashMap::default());
    let mut cx = Match { old: olds, new: news, pairs: Vec::new() };
    let (old_roots, new_roots) = (roots(&cx.old), roots(&cx.new));
    for (step, rule) in Rule::ALL.into_iter().enumerate() {
        let known = cx.pairs.len();
        if rule.is_anywhere() {
            cx.anywhere(rule);
        } else {
            cx.siblings(&old_roots, &new_roots, rule);
            for at in 0..known {
                cx.children(at, rule);
            }
        }
        cx.settle(known, &Rule::ALL[..=step]);
    }
    let mut identity = Identity { places, ..Identity::default() };
    for (from, to) in cx.pairs {
        let (from, to) = (&cx.old[from], &cx.new[to]);
        match (from.leaf, to.leaf) {
            (Some(a), Some(b)) => identity.leaves.push(((from.node, a), (to.node, b))),
            _ => identity.nodes.push((from.node, to.node)),
        }
    }
    identity
}

/// Old places with what became of them; definitions among definitions, uses among uses.
fn places(old: &StateTree, new: &StateTree) -> Places {
    if old.text.files.is_empty() || new.text.files.is_empty() {
        return Places::default();
    }
    let aligned = Alignment::of(&old.text, &new.text);
    let definitions =
        |tree: &StateTree| -> Vec<Place> { tree.funcs.values().map(|func| func.place).collect() };
    let uses = |tree: &StateTree| -> Vec<Place> {
        let nodes = tree.nodes.values();
        let places =
            nodes.flat_map(|n| std::iter::once(n.place).chain(n.leaves.iter().map(|l| l.place)));
        places.chain(tree.globals.iter().map(|global| global.place)).collect()
    };
    let (olds, news) = ((&old.text, &definitions(old)[..]), (&new.text, &definitions(new)[..]));
    let mut places = Places::of(olds, news, &aligned, &Homes::none());
    let homes = Homes::of(&places);
    let (olds, news) = ((&old.text, &uses(old)[..]), (&new.text, &uses(new)[..]));
    places.add(Places::of(olds, news, &aligned, &homes));
    places
}

/// New names of functions whose old names are gone.
fn renamed<'t>(
    old: &'t StateTree,
    new: &'t StateTree,
    places: &Places,
) -> FxHashMap<&'t str, &'t str> {
    let names: FxHashSet<&str> = new.funcs.values().map(|func| func.name.as_str()).collect();
    let by_place: FxHashMap<Place, &str> =
        new.funcs.values().map(|func| (func.place, func.name.as_str())).collect();
    let gone = old.funcs.values().filter(|func| !names.contains(func.name.as_str()));
    gone.filter_map(|func| Some((func.name.as_str(), *by_place.get(&places.get(func.place)?)?)))
        .collect()
}

fn roots(items: &[Item]) -> Vec<usize> {
    (0..items.len()).filter(|at| items[*at].parent.is_none()).collect()
}

/// The nodes of a tree, callers first, then the leaves.
fn items(
    tree: &StateTree,
    place: &dyn Fn(Place) -> u64,
    renamed: &FxHashMap<&str, &str>,
) -> Vec<Item> {
    let named = |name: &str| if name.is_empty() { 0 } else { hash(name) };
    let copy = |place: u64, copy: u32| if place == 0 { 0 } else { hash((place, copy)) };
    let mut items: Vec<Item> = Vec::new();
    for (id, node) in &tree.nodes {
        let callee = renamed.get(node.callee.as_str()).map_or(node.callee.as_str(), |name| name);
        let root = matches!(node.kind, NodeKind::Dsp | NodeKind::Init);
        items.push(Item {
            node: id,
            leaf: None,
            parent: node.parent.map(|parent| parent.as_u32() as usize),
            children: Vec::new(),
            own: if root { hash(node.kind) } else { 0 },
            global: node.kind == NodeKind::Value,
            callee: hash(callee),
            // 0 is for what is missing.
            shape: node.shape.max(1),
            binding: named(&node.binding),
            place: copy(place(node.place), node.copy),
            partner: None,
        });
    }
    for (id, node) in &tree.nodes {
        for (number, leaf) in (0u32..).zip(&node.leaves) {
            let (kind, generic) = match leaf.kind {
                LeafKind::SelfValue { part, ty } => (hash((1, part, ty, leaf.types)), "self"),
                LeafKind::Mem => (hash(2), "mem"),
                LeafKind::Line { .. } => (hash(3), "delay"),
            };
            items.push(Item {
                node: id,
                leaf: Some(number),
                parent: Some(id.as_u32() as usize),
                children: Vec::new(),
                own: if generic == "self" { kind } else { 0 },
                global: false,
                callee: kind,
                shape: kind,
                // `self` belongs to its function alone.
                binding: if generic == "self" || leaf.name == generic {
                    0
                } else {
                    named(&leaf.name)
                },
                place: copy(place(leaf.place), leaf.copy),
                partner: None,
            });
        }
    }
    for at in 0..items.len() {
        if let Some(parent) = items[at].parent {
            items[parent].children.push(at);
        }
    }
    items
}

fn hash(value: impl Hash) -> u64 {
    let mut hash = FxHasher::default();
    value.hash(&mut hash);
    hash.finish().max(1)
}

struct Match {
    old: Vec<Item>,
    new: Vec<Item>,
    pairs: Vec<(usize, usize)>,
}

/// Items that share a key, old and new, in order.
type Groups = FxHashMap<u64, (Vec<usize>, Vec<usize>)>;

impl Match {
    fn pair(&mut self, from: usize, to: usize) {
        if self.old[from].partner.is_none() && self.new[to].partner.is_none() {
            self.old[from].partner = Some(to);
            self.new[to].partner = Some(from);
            self.pairs.push((from, to));
        }
    }

    /// Applies the rules to the children of every pair from number `from` on, and of those they make.
    fn settle(&mut self, from: usize, rules: &[Rule]) {
        let mut at = from;
        while at < self.pairs.len() {
            for rule in rules.iter().filter(|rule| !rule.is_anywhere()) {
                self.children(at, *rule);
            }
            at += 1;
        }
    }

    /// Applies a rule to the children of pair number `at`.
    fn children(&mut self, at: usize, rule: Rule) {
        let (from, to) = self.pairs[at];
        if self.old[from].children.is_empty() || self.new[to].children.is_empty() {
            return;
        }
        let olds = std::mem::take(&mut self.old[from].children);
        let news = std::mem::take(&mut self.new[to].children);
        self.siblings(&olds, &news, rule);
        self.old[from].children = olds;
        self.new[to].children = news;
    }

    fn siblings(&mut self, olds: &[usize], news: &[usize], rule: Rule) {
        let groups = self.groups(olds, news, rule, false);
        for (olds, news) in in_order(groups) {
            if rule != Rule::Edited || olds.len() == news.len() {
                olds.iter().zip(&news).for_each(|(from, to)| self.pair(*from, *to));
            }
        }
    }

    /// Applies a rule to all items without a partner: first below the nearest pair, then at all.
    fn anywhere(&mut self, rule: Rule) {
        let (old_order, new_order) = (in_text_order(&self.old), in_text_order(&self.new));
        let free = |items: &[Item], order: &[usize]| -> Vec<usize> {
            order.iter().copied().filter(|at| items[*at].partner.is_none()).collect()
        };
        for near in [true, false] {
            let (olds, news) = (free(&self.old, &old_order), free(&self.new, &new_order));
            if olds.is_empty() || news.is_empty() {
                return;
            }
            let groups = self.groups(&olds, &news, rule, near);
            for (olds, news) in in_order(groups) {
                // What `mem` and `delay` are called says nothing about a far one.
                let says = near || rule != Rule::Anywhere || self.new[news[0]].leaf.is_none();
                let (same, one) = (olds.len() == news.len(), olds.len().max(news.len()) == 1);
                // Below one pair the runs of a place, and the uses of a function that was written out or
                // made of them, stand in order.
                let paired = match rule {
                    Rule::PlaceAnywhere | Rule::Anywhere => one || near && same,
                    Rule::PlaceRuns => near,
                    Rule::NameAnywhere
                    | Rule::Own
                    | Rule::Global
                    | Rule::Place
                    | Rule::PlaceShape
                    | Rule::Name
                    | Rule::NameShape
                    | Rule::Order
                    | Rule::Edited
                    | Rule::PlaceOnly
                    | Rule::NameOnly => one,
                };
                if says && paired {
                    olds.iter().zip(&news).for_each(|(from, to)| self.pair(*from, *to));
                }
            }
        }
    }

    /// Groups what has no partner by its key; `near` adds the nearest pair around it to the key.
    fn groups(&self, olds: &[usize], news: &[usize], rule: Rule, near: bool) -> Groups {
        let mut groups = Groups::default();
        for at in olds.iter().copied().filter(|at| self.old[*at].partner.is_none()) {
            if let Some(key) = self.old[at].key(rule) {
                let key = if near { hash((key, around(&self.old, at, |_, new| new))) } else { key };
                groups.entry(key).or_default().0.push(at);
            }
        }
        if groups.is_empty() {
            return groups;
        }
        for at in news.iter().copied().filter(|at| self.new[*at].partner.is_none()) {
            if let Some(key) = self.new[at].key(rule) {
                let key = if near { hash((key, around(&self.new, at, |new, _| new))) } else { key };
                if let Some(group) = groups.get_mut(&key) {
                    group.1.push(at);
                }
            }
        }
        groups
    }
}

/// All items as a reader meets them: every one before what is inside it, and that before its next sibling.
fn in_text_order(items: &[Item]) -> Vec<usize> {
    let mut order = Vec::with_capacity(items.len());
    let mut next = roots(items);
    next.reverse();
    while let Some(at) = next.pop() {
        order.push(at);
        next.extend(items[at].children.iter().rev());
    }
    order
}

/// The nearest pair around an item, by its new item's number plus one; 0 if there is none.
fn around(items: &[Item], at: usize, number: impl Fn(usize, usize) -> usize) -> u64 {
    let mut next = items[at].parent;
    while let Some(parent) = next {
        if let Some(partner) = items[parent].partner {
            return number(parent, partner) as u64 + 1;
        }
        next = items[parent].parent;
    }
    0
}

/// Groups with both sides, in the order of their first new items: callers before callees.
fn in_order(groups: Groups) -> Vec<(Vec<usize>, Vec<usize>)> {
    let mut groups: Vec<_> = groups.into_values().filter(|(_, news)| !news.is_empty()).collect();
    groups.sort_unstable_by_key(|(_, news)| news[0]);
    groups
}
