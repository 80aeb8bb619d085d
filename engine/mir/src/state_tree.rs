//! What the state means: the tree of function instances behind the flat words.
//!
//! Takes a module whose global code has run, and the image that it left; gives a [`StateTree`]: a
//! node for each function instance (with its place, callee and address), a leaf for each word or
//! delay line that it remembers. Below the root stand the instance of `dsp`, the one of the global
//! code, and one for each function value that global code made, keyed by the global that reaches it
//! and the path to it. Pure; runs on the control side. Passes never change what it reads.

use crate::align::{Place, Text};
use crate::module::{Capture, FuncId, LeafKind, Module};
use crate::objects::Objects;
use crate::op::Ty;
use attacca_rt::code::Image;
use cranelift_entity::{PrimaryMap, entity_impl};
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use std::hash::{Hash, Hasher};

/// A function instance of one program; printed `node3`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);
entity_impl!(NodeId, "node");

/// All function instances of a program that remember something.
#[derive(Clone, Debug, Default)]
pub struct StateTree {
    /// The instances; a parent's number is smaller than its children's.
    pub nodes: PrimaryMap<NodeId, Node>,
    /// Instances without a parent, in order: `dsp`, the global code, function values of globals.
    pub roots: Vec<NodeId>,
    /// Words of the global variables.
    pub globals: Vec<GlobalWord>,
    /// All functions, by [`FuncId`].
    pub funcs: PrimaryMap<FuncId, FuncInfo>,
    /// The text that the places point into; empty for modules without one.
    pub text: Text,
}

/// How a function is known again.
#[derive(Clone, Debug, PartialEq)]
pub struct FuncInfo {
    /// Its name.
    pub name: String,
    /// Its definition.
    pub place: Place,
    /// Whether it is called through closures.
    pub closure: bool,
    /// Types of its parameters, then of its results.
    pub words: (Vec<Ty>, Vec<Ty>),
    /// Hash of its type in the language; 0 for functions that are never values.
    pub types: u64,
    /// Whether an instance remembers anything.
    pub stateful: bool,
    /// The function whose instances its instances are: another one for a known function as a value.
    pub behind: FuncId,
    /// What its closures carry.
    pub captures: Vec<Capture>,
}

/// What kind of instance a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeKind {
    /// That of `dsp`.
    Dsp,
    /// That of the global code.
    Init,
    /// A function value made by global code.
    Value,
    /// A call, or a function value made while sound runs.
    Call,
}

/// One function instance.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The instance that calls or made it.
    pub parent: Option<NodeId>,
    /// Its children, in order of their state.
    pub children: Vec<NodeId>,
    /// The function, in the program's own numbering.
    pub func: FuncId,
    /// The function's name: the callee as far as identity goes.
    pub callee: String,
    /// The name that the value or result is bound to; for function values of globals the global's
    /// name and the path from it; else empty.
    pub binding: String,
    /// What kind of instance it is.
    pub kind: NodeKind,
    /// Where it is called or made; for function values of globals the global's initialiser.
    pub place: Place,
    /// Which copy of that place, see `Site`; for function values of globals a hash of the path.
    pub copy: u32,
    /// That place's line, from 1; 0 when unknown.
    pub line: u32,
    /// Word address of its block.
    pub address: u32,
    /// Hash of what it and its children remember, lengths of lines aside.
    pub shape: u64,
    /// What it remembers itself, in order.
    pub leaves: Vec<TreeLeaf>,
}

/// One remembered word or line of a node.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeLeaf {
    /// Word address.
    pub address: u32,
    /// What it is.
    pub kind: LeafKind,
    /// What a person would call it.
    pub name: String,
    /// Hash of the type where words mean nothing without the others, see `Leaf`.
    pub types: u64,
    /// Where it stands.
    pub place: Place,
    /// Which copy of that place, see `Site`.
    pub copy: u32,
    /// Line of the text, from 1; 0 when unknown.
    pub line: u32,
}

impl TreeLeaf {
    /// The type of the word; `None` for a delay line.
    pub fn ty(&self) -> Option<Ty> {
        match self.kind {
            LeafKind::SelfValue { ty, .. } => Some(ty),
            LeafKind::Mem => Some(Ty::F64),
            LeafKind::Line { .. } => None,
        }
    }
}

/// One word of a global variable.
#[derive(Clone, Debug, PartialEq)]
pub struct GlobalWord {
    /// Name, with the path of the part.
    pub name: String,
    /// Type.
    pub ty: Ty,
    /// Word address.
    pub word: u32,
    /// Whether code other than its initialiser stores to it.
    pub assigned: bool,
    /// Hash of the initialiser's text and the type.
    pub init_text: u64,
    /// The initialiser.
    pub place: Place,
    /// Line of the text, from 1; 0 when unknown.
    pub line: u32,
}

impl StateTree {
    /// The tree of `module`, whose global code has run and left `image`.
    pub fn of(module: &Module, image: &Image) -> Self {
        let mut grow = Grow { module, shapes: FxHashMap::default(), tree: Self::default() };
        if let Some(dsp) = module.dsp {
            let site = module.funcs[dsp].site;
            grow.root(
                Origin { kind: NodeKind::Dsp, binding: "dsp", site, copy: 0 },
                dsp,
                module.dsp_base,
            );
        }
        let names = paths(module, image);
        for (address, func) in &module.blocks {
            let site = module.funcs[*func].site;
            let origin = match names.get(address) {
                _ if module.init == Some(*func) => {
                    Origin { kind: NodeKind::Init, binding: "global", site, copy: 0 }
                }
                Some(found) => Origin {
                    kind: NodeKind::Value,
                    binding: &found.path,
                    site: found.site,
                    copy: hash_of(found.path.split_once('.').map(|(_, rest)| rest)) as u32,
                },
                None => Origin { kind: NodeKind::Value, binding: "", site, copy: 0 },
            };
            grow.root(origin, *func, *address);
        }
        grow.tree.globals = module.globals.iter().map(|g| GlobalWord::of(g, module)).collect();
        for (id, func) in &module.funcs {
            grow.tree.funcs.push(FuncInfo {
                name: func.name.clone(),
                place: place(module, func.site).0,
                closure: func.closure,
                words: (func.params(), func.rets.clone()),
                types: func.types,
                stateful: func.state.words > 0,
                behind: behind(module, id),
                captures: func.captures.clone(),
            });
        }
        grow.tree
    }

    /// The path of a node, for people: `dsp/osc1:sine`.
    pub fn path(&self, id: NodeId) -> String {
        let node = &self.nodes[id];
        let own = match node.binding.as_str() {
            "" => node.callee.clone(),
            binding if binding == node.callee => node.callee.clone(),
            binding => format!("{binding}:{}", node.callee),
        };
        match node.parent {
            Some(parent) => format!("{}/{own}", self.path(parent)),
            None => own,
        }
    }
}

impl std::fmt::Display for StateTree {
    /// One node a line, with its leaves below: what `dump --stage state` shows.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for global in &self.globals {
            let assigned = if global.assigned { " assigned" } else { "" };
            writeln!(
                f,
                "{:>6}  global {}: {}{assigned}",
                global.word,
                global.name,
                global.ty.name()
            )?;
        }
        let mut work: Vec<NodeId> = self.roots.iter().rev().copied().collect();
        while let Some(id) = work.pop() {
            let node = &self.nodes[id];
            work.extend(node.children.iter().rev());
            writeln!(f, "{:>6}  {} (line {})", node.address, self.path(id), node.line)?;
            for leaf in &node.leaves {
                let kind = match leaf.kind {
                    LeafKind::SelfValue { part, ty } => format!("self.{part}: {}", ty.name()),
                    LeafKind::Mem => "mem".into(),
                    LeafKind::Line { len } => format!("line of {len}"),
                };
                writeln!(f, "{:>6}    {} {kind}", leaf.address, leaf.name)?;
            }
        }
        Ok(())
    }
}

/// The place of a site, and which copy of it.
fn place(module: &Module, site: u32) -> (Place, u32) {
    let site = module.sites.get(site as usize);
    site.map_or((Place::default(), 0), |site| {
        (Place { file: site.file, start: site.start, end: site.end }, site.copy)
    })
}

fn line(module: &Module, site: u32) -> u32 {
    module.sites.get(site as usize).map_or(0, |site| site.line)
}

fn hash_of(value: impl Hash) -> u64 {
    let mut hash = FxHasher::default();
    value.hash(&mut hash);
    hash.finish()
}

/// Where a node comes from.
struct Origin<'a> {
    kind: NodeKind,
    binding: &'a str,
    site: u32,
    copy: u32,
}

impl GlobalWord {
    fn of(global: &crate::module::Global, module: &Module) -> Self {
        Self {
            name: global.name.clone(),
            ty: global.ty,
            word: global.word,
            assigned: global.assigned,
            init_text: global.init_text,
            place: place(module, global.site).0,
            line: line(module, global.site),
        }
    }
}

/// The tree while it grows.
struct Grow<'m> {
    module: &'m Module,
    shapes: FxHashMap<FuncId, u64>,
    tree: StateTree,
}

/// Uses of functions with state that a program can have. A tree with more was not finished.
pub const MOST_NODES: usize = 1 << 18;

impl Grow<'_> {
    fn root(&mut self, origin: Origin<'_>, func: FuncId, address: u32) {
        let full = self.tree.nodes.len() > MOST_NODES;
        if full || self.module.funcs[func].state.words == 0 {
            return;
        }
        let root = self.node(None, origin, func, address);
        self.tree.roots.push(root);
        // A work list instead of recursion: calls may be nested deeper than our stack.
        let mut work = vec![root];
        while let Some(id) = work.pop() {
            if self.tree.nodes.len() > MOST_NODES {
                return;
            }
            let (func, base) = (self.tree.nodes[id].func, self.tree.nodes[id].address);
            for child in &self.module.funcs[func].state.children {
                let remembers = self.module.funcs[child.func].state.words > 0;
                // An activation below its own kind shares the block of the one above.
                if remembers && !self.on_path(id, behind(self.module, child.func)) {
                    let (site, binding) = (child.site, child.binding.as_str());
                    let origin = Origin { kind: NodeKind::Call, binding, site, copy: 0 };
                    let child = self.node(Some(id), origin, child.func, base + child.offset);
                    self.tree.nodes[id].children.push(child);
                    work.push(child);
                }
            }
        }
    }

    fn on_path(&self, mut id: NodeId, func: FuncId) -> bool {
        loop {
            if self.tree.nodes[id].func == func {
                return true;
            }
            let Some(parent) = self.tree.nodes[id].parent else { return false };
            id = parent;
        }
    }

    fn node(
        &mut self,
        parent: Option<NodeId>,
        origin: Origin<'_>,
        func: FuncId,
        address: u32,
    ) -> NodeId {
        let module = self.module;
        let func = behind(module, func);
        let data = &module.funcs[func];
        let leaves = data.state.leaves.iter().map(|leaf| {
            let (place, copy) = place(module, leaf.site);
            TreeLeaf {
                address: address + leaf.offset,
                kind: leaf.kind,
                name: leaf.name.clone(),
                types: leaf.types,
                place,
                copy,
                line: line(module, leaf.site),
            }
        });
        let (place, copy) = place(module, origin.site);
        let node = Node {
            parent,
            children: Vec::new(),
            func,
            callee: data.name.clone(),
            binding: origin.binding.to_owned(),
            kind: origin.kind,
            place,
            copy: copy.wrapping_add(origin.copy),
            line: line(module, origin.site),
            address,
            shape: shape(module, func, &mut self.shapes),
            leaves: leaves.collect(),
        };
        self.tree.nodes.push(node)
    }
}

/// The function that `func` stands for where a known function is passed as a value: its block is
/// that function's block.
fn behind(module: &Module, func: FuncId) -> FuncId {
    let data = &module.funcs[func];
    match (&data.state.leaves[..], &data.state.children[..]) {
        ([], [child])
            if data.closure && child.offset == 0 && module.funcs[child.func].name == data.name =>
        {
            child.func
        }
        _ => func,
    }
}

/// Hash of what an instance of `root` remembers, with everything below.
fn shape(module: &Module, root: FuncId, known: &mut FxHashMap<FuncId, u64>) -> u64 {
    // Postorder with a stack of its own; a function met again on its way down counts as a mark.
    let mut open: FxHashSet<FuncId> = FxHashSet::default();
    let mut work = vec![root];
    while let Some(func) = work.last().copied() {
        let children = || module.funcs[func].state.children.iter();
        if known.contains_key(&func) {
            work.pop();
        } else if open.insert(func) {
            work.extend(
                children().map(|c| c.func).filter(|f| !known.contains_key(f) && !open.contains(f)),
            );
        } else {
            let mut hash = FxHasher::default();
            for leaf in &module.funcs[func].state.leaves {
                match leaf.kind {
                    LeafKind::SelfValue { part, ty } => (0, part, ty).hash(&mut hash),
                    LeafKind::Mem => 1.hash(&mut hash),
                    LeafKind::Line { .. } => 2.hash(&mut hash),
                }
            }
            for child in children().filter(|c| module.funcs[c.func].state.words > 0) {
                known.get(&child.func).copied().unwrap_or(3).hash(&mut hash);
            }
            known.insert(func, hash.finish());
            work.pop();
        }
    }
    known.get(&root).copied().unwrap_or(0)
}

/// How a global reaches a function value.
struct Found {
    /// `mk`, `pair.1`, `mk.inner` (a capture by its name).
    path: String,
    /// The global's initialiser.
    site: u32,
}

/// How globals reach each function value's block.
fn paths(module: &Module, image: &Image) -> FxHashMap<u32, Found> {
    let objects = Objects::of_module(module, image);
    let mut names = FxHashMap::default();
    let mut seen: FxHashSet<u64> = FxHashSet::default();
    for global in module.globals.iter().filter(|global| global.ty == Ty::Ref) {
        let object = image.words.get(global.word as usize).copied().unwrap_or(0);
        let mut work = vec![(object, global.name.clone())];
        while let Some((object, path)) = work.pop() {
            if object == 0 || !seen.insert(object) {
                continue;
            }
            if let Some((_, block)) = objects.closure(object) {
                let found = || Found { path: path.clone(), site: global.site };
                names.entry(block).or_insert_with(found);
            }
            let parts = objects.parts(object).into_iter().rev();
            work.extend(parts.map(|part| (part.object, format!("{path}.{}", part.name))));
        }
    }
    names
}

#[cfg(test)]
mod tests;
