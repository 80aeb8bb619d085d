//! What of the heap survives: function values of globals with the variables they captured, arrays and
//! other values that are assigned, tasks that wait.
//!
//! Objects that global names reach in both start images by the same way are the same. A function value
//! made anew has new constants; the cells of its assigned variables get their running values. What was
//! assigned while sound ran is copied by the audio side ([`attacca_rt::carry`]), by the tables made here.

use super::identity::Identity;
use super::{Making, Named, Version};
use crate::align::Place;
use crate::module::{Capture, CaptureKind, FuncId};
use crate::objects::Objects;
use crate::op::Ty;
use crate::state_tree::{FuncInfo, GlobalWord, StateTree};
use attacca_rt::carry::{Captured, FuncMove, HeapPlan, RefMove, Slot};
use attacca_rt::code::{ObjectKind, Shape, WordKind};
use attacca_rt::migrate::WordRun;
use cranelift_entity::EntityRef;
use rustc_hash::{FxHashMap, FxHashSet};

/// The tables that carrying needs, without anything to carry yet.
pub(super) fn tables(old: Version<'_>, new: Version<'_>, identity: &Identity) -> HeapPlan {
    let funcs = same_functions(old.tree, new.tree, identity);
    let moves = old.tree.funcs.iter().map(|(id, info)| {
        let to = (*funcs.get(&id)?)?;
        function_move(info, to, old.tree, new)
    });
    let shapes = old.shapes.iter().map(|shape| {
        let same = |new: &Shape| new == shape && shape.kind != ObjectKind::Closure;
        new.shapes.iter().position(same).map(|at| at as u32)
    });
    HeapPlan {
        funcs: moves.collect(),
        shapes: shapes.collect(),
        blocks: blocks(old.tree, new.tree, identity, &funcs),
        tasks: old.tasks && new.tasks,
        ..HeapPlan::default()
    }
}

/// The new function of each old one that lives on.
fn same_functions(
    old: &StateTree,
    new: &StateTree,
    identity: &Identity,
) -> FxHashMap<FuncId, Option<FuncId>> {
    let mut by_place: FxHashMap<(Place, bool, u64), Vec<FuncId>> = FxHashMap::default();
    let mut by_name: FxHashMap<(&str, bool, u64), Vec<FuncId>> = FxHashMap::default();
    for (id, info) in &new.funcs {
        by_place.entry((info.place, info.closure, info.types)).or_default().push(id);
        by_name.entry((&info.name, info.closure, info.types)).or_default().push(id);
    }
    let mut olds: FxHashMap<(&str, bool, u64), u32> = FxHashMap::default();
    for info in old.funcs.values() {
        *olds.entry((&info.name, info.closure, info.types)).or_default() += 1;
    }
    let same_words = |info: &FuncInfo, ids: &[FuncId]| {
        let mut same = ids.iter().filter(|id| new.funcs[**id].words == info.words);
        same.next().copied().filter(|_| same.next().is_none())
    };
    let find = |info: &FuncInfo| -> Option<FuncId> {
        let place = identity.places.get(info.place);
        let here = place.and_then(|place| by_place.get(&(place, info.closure, info.types)));
        let named = (info.name.as_str(), info.closure, info.types);
        let there = by_name.get(&named).filter(|_| olds.get(&named) == Some(&1));
        here.and_then(|ids| same_words(info, ids))
            .or_else(|| there.and_then(|ids| same_words(info, ids)))
    };
    old.funcs.iter().map(|(id, info)| (id, find(info))).collect()
}

/// How function values of `info` become ones of `to`; `None` if what they carry does not.
fn function_move(
    info: &FuncInfo,
    to: FuncId,
    old: &StateTree,
    new: Version<'_>,
) -> Option<FuncMove> {
    let next = &new.tree.funcs[to];
    if !info.closure || !next.closure {
        return None;
    }
    let mut fields = vec![WordKind::I64; 2];
    fields.extend(next.captures.iter().map(|capture| WordKind::from(capture.ty)));
    let shape = Shape { kind: ObjectKind::Closure, fields };
    let shape = new.shapes.iter().position(|known| *known == shape)? as u32;
    let mut captures = Vec::new();
    for (at, capture) in next.captures.iter().enumerate() {
        let nth = next.captures[..at].iter().filter(|c| c.name == capture.name).count();
        let same = |(_, c): &(u32, &Capture)| *c == capture;
        let (field, _) = (2u32..).zip(&info.captures).filter(same).nth(nth)?;
        let what = match capture.kind {
            CaptureKind::Value | CaptureKind::Cell => Captured::Word(capture.ty.into()),
            CaptureKind::Base => Captured::Base(only_function(old, &capture.name)?.as_u32()),
        };
        captures.push((field, what));
    }
    Some(FuncMove { to: to.as_u32(), shape, stateful: next.stateful, captures })
}

/// The one known function of this name, at one set of types.
fn only_function(tree: &StateTree, name: &str) -> Option<FuncId> {
    let mut found = tree.funcs.iter().filter(|(_, info)| !info.closure && info.name == name);
    let (id, _) = found.next()?;
    found.next().is_none().then_some(id)
}

/// Blocks of functions that live on, where they lie now.
fn blocks(
    old: &StateTree,
    new: &StateTree,
    identity: &Identity,
    funcs: &FxHashMap<FuncId, Option<FuncId>>,
) -> Vec<((u32, u32), u32)> {
    let mut users: FxHashMap<FuncId, Vec<FuncId>> = FxHashMap::default();
    for (id, info) in &old.funcs {
        users.entry(info.behind).or_default().push(id);
    }
    let mut blocks = Vec::new();
    for (from, to) in &identity.nodes {
        let (from, to) = (&old.nodes[*from], &new.nodes[*to]);
        for user in users.get(&from.func).into_iter().flatten() {
            // A block is good for the one function whose state it holds.
            let fits = |next: &FuncId| new.funcs[*next].behind == to.func;
            if funcs.get(user).copied().flatten().filter(fits).is_some() {
                blocks.push(((from.address, user.as_u32()), to.address));
            }
        }
    }
    blocks.sort_unstable();
    blocks.dedup_by_key(|(key, _)| *key);
    blocks
}

impl Making<'_> {
    /// A reference of the state that goes on with all it reaches.
    pub(super) fn carry(&mut self, from: u32, to: u32) {
        let step = RefMove { from: Slot::State(from), to: Slot::State(to) };
        self.plan.heap.refs.push(step);
    }

    /// What globals that nobody assigns reach in both images.
    pub(super) fn objects(&mut self, identity: &Identity) {
        let (old, new) = (self.old, self.new);
        let (olds, news) = (old.objects(), new.objects());
        let mut walk = Walk { olds, news, seen: FxHashSet::default(), path: Vec::new() };
        for (from, to) in constants(old.tree, new.tree, identity) {
            let word = |version: Version<'_>, global: &GlobalWord| {
                version.image.words.get(global.word as usize).copied().unwrap_or(0)
            };
            let root = Step {
                old: word(old, from),
                new: word(new, to),
                name: to.name.clone(),
                line: to.line,
            };
            walk.path.push(root);
            while let Some(step) = walk.path.pop() {
                self.object(&mut walk, &step);
            }
        }
        self.plan.heap.same.sort_unstable();
    }

    fn object(&mut self, walk: &mut Walk<'_>, step: &Step) {
        let (Some(old), Some(new)) = (walk.olds.shape(step.old), walk.news.shape(step.new)) else {
            return;
        };
        if old.kind != new.kind || !walk.seen.insert(step.old) || !walk.seen_new(step.new) {
            return;
        }
        match new.kind {
            ObjectKind::Closure => {
                let (from, to) = (walk.olds.closure(step.old), walk.news.closure(step.new));
                let same = from.zip(to).is_some_and(|((from, _), (to, _))| self.is_same(from, to));
                if !same {
                    return;
                }
            }
            ObjectKind::Cell => {
                if old.fields != new.fields {
                    return;
                }
                self.cell(step, &new.fields);
            }
            ObjectKind::Variant | ObjectKind::Array => {
                if old.fields != new.fields {
                    return;
                }
            }
        }
        self.plan.heap.same.push((step.old as u32, step.new as u32));
        if new.kind == ObjectKind::Cell {
            // What an assigned variable refers to is copied, not compared.
            return;
        }
        let olds: FxHashMap<String, u64> =
            walk.olds.parts(step.old).into_iter().map(|part| (part.name, part.object)).collect();
        for part in walk.news.parts(step.new).into_iter().rev() {
            if let Some(object) = olds.get(&part.name) {
                let name = format!("{}.{}", step.name, part.name);
                walk.path.push(Step { old: *object, new: part.object, name, line: step.line });
            }
        }
    }

    /// The words of an assigned captured variable.
    fn cell(&mut self, step: &Step, fields: &[WordKind]) {
        for (field, kind) in (1u32..).zip(fields) {
            let (from, to) = (step.old as u32 + field, step.new as u32 + field);
            match kind {
                WordKind::F64 | WordKind::I64 => {
                    self.plan.heap.fields.push(WordRun { from, to, len: 1, kind: *kind });
                }
                WordKind::Ref => {
                    let step = RefMove { from: Slot::Heap(from), to: Slot::Heap(to) };
                    self.plan.heap.refs.push(step);
                }
            }
        }
        self.plan.variables.push(Named { name: step.name.clone(), line: step.line });
    }

    /// Whether two functions are one: by the tables, or by name where types differ.
    fn is_same(&self, from: FuncId, to: FuncId) -> bool {
        let (Some(old), Some(new)) = (self.old.tree.funcs.get(from), self.new.tree.funcs.get(to))
        else {
            return false;
        };
        let moved = self.plan.heap.funcs.get(from.index()).and_then(Option::as_ref);
        moved.is_some_and(|moved| moved.to == to.as_u32())
            || self.places.get(&old.place).is_some_and(|place| *place == new.place)
            || old.name == new.name
    }
}

/// Two objects on the way from a global.
struct Step {
    old: u64,
    new: u64,
    name: String,
    line: u32,
}

struct Walk<'a> {
    olds: Objects<'a>,
    news: Objects<'a>,
    /// Old objects met, and new ones with the highest bit set.
    seen: FxHashSet<u64>,
    path: Vec<Step>,
}

impl Walk<'_> {
    fn seen_new(&mut self, object: u64) -> bool {
        self.seen.insert(object | 1 << 63)
    }
}

/// Pairs of global references that nobody assigns: by name, else by the place of the initialiser.
fn constants<'t>(
    old: &'t StateTree,
    new: &'t StateTree,
    identity: &Identity,
) -> Vec<(&'t GlobalWord, &'t GlobalWord)> {
    let fits = |global: &&GlobalWord| global.ty == Ty::Ref && !global.assigned;
    let olds: Vec<&GlobalWord> = old.globals.iter().filter(fits).collect();
    let suffix = |global: &GlobalWord| {
        global.name.split_once('.').map_or(String::new(), |(_, rest)| rest.to_owned())
    };
    let mut by_name: FxHashMap<&str, &GlobalWord> = FxHashMap::default();
    let mut by_place: FxHashMap<(Place, String), &GlobalWord> = FxHashMap::default();
    for global in olds {
        by_name.insert(&global.name, global);
        if let Some(place) = identity.places.get(global.place) {
            by_place.insert((place, suffix(global)), global);
        }
    }
    let names: FxHashSet<&str> = new.globals.iter().map(|global| global.name.as_str()).collect();
    let pair = |global: &'t GlobalWord| {
        let here = by_name.get(global.name.as_str()).copied();
        let there = || {
            let renamed = by_place.get(&(global.place, suffix(global))).copied();
            renamed.filter(|old| !names.contains(old.name.as_str()))
        };
        Some((here.or_else(there)?, global))
    };
    new.globals.iter().filter(fits).filter_map(pair).collect()
}
