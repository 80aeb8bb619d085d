//! What the state means: the tree of function instances behind the flat words.
//!
//! Takes a module whose global code has run, and the image that it left; gives a [`StateTree`]: a
//! node for each function instance (with its place, callee and address), a leaf for each word or
//! delay line that it remembers. Below the root stand the instance of `dsp`, the one of the global
//! code, and one for each function value that global code made, keyed by the global that reaches it
//! and the path to it. Pure; runs on the control side. Passes never change what it reads.

use crate::module::{FuncId, LeafKind, Module};
use crate::op::Ty;
use attacca_rt::code::{Image, ObjectKind, WordKind};
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
    /// Where it is called or made, an index of `Module::sites`.
    pub site: u32,
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
    /// Hash of the initialiser's text.
    pub init_text: u64,
}

impl StateTree {
    /// The tree of `module`, whose global code has run and left `image`.
    pub fn of(module: &Module, image: &Image) -> Self {
        let mut grow = Grow { module, shapes: FxHashMap::default(), tree: Self::default() };
        if let Some(dsp) = module.dsp {
            grow.root(dsp, "dsp", module.dsp_base);
        }
        let names = paths(module, image);
        for (address, func) in &module.blocks {
            let made = names.get(address).map_or("", String::as_str);
            let name = if module.init == Some(*func) { "global" } else { made };
            grow.root(*func, name, *address);
        }
        grow.tree.globals = module.globals.iter().map(GlobalWord::of).collect();
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

impl GlobalWord {
    fn of(global: &crate::module::Global) -> Self {
        Self {
            name: global.name.clone(),
            ty: global.ty,
            word: global.word,
            assigned: global.assigned,
            init_text: global.init_text,
        }
    }
}

/// The tree while it grows.
struct Grow<'m> {
    module: &'m Module,
    shapes: FxHashMap<FuncId, u64>,
    tree: StateTree,
}

impl Grow<'_> {
    fn root(&mut self, func: FuncId, binding: &str, address: u32) {
        if self.module.funcs[func].state.words == 0 {
            return;
        }
        let root = self.node(None, func, binding, self.module.funcs[func].site, address);
        self.tree.roots.push(root);
        // A work list instead of recursion: calls may be nested deeper than our stack.
        let mut work = vec![root];
        while let Some(id) = work.pop() {
            let (func, base) = (self.tree.nodes[id].func, self.tree.nodes[id].address);
            for child in &self.module.funcs[func].state.children {
                let remembers = self.module.funcs[child.func].state.words > 0;
                // An activation below its own kind shares the block of the one above.
                if remembers && !self.on_path(id, child.func) {
                    let at = base + child.offset;
                    let child = self.node(Some(id), child.func, &child.binding, child.site, at);
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
        func: FuncId,
        binding: &str,
        site: u32,
        address: u32,
    ) -> NodeId {
        let module = self.module;
        let line = |site: u32| module.sites.get(site as usize).map_or(0, |site| site.line);
        let data = &module.funcs[func];
        let leaves = data.state.leaves.iter().map(|leaf| TreeLeaf {
            address: address + leaf.offset,
            kind: leaf.kind,
            name: leaf.name.clone(),
            line: line(leaf.site),
        });
        let node = Node {
            parent,
            children: Vec::new(),
            func,
            callee: data.name.clone(),
            binding: binding.to_owned(),
            site,
            line: line(site),
            address,
            shape: shape(module, func, &mut self.shapes),
            leaves: leaves.collect(),
        };
        self.tree.nodes.push(node)
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
                module.funcs[child.func].name.hash(&mut hash);
            }
            known.insert(func, hash.finish());
            work.pop();
        }
    }
    known.get(&root).copied().unwrap_or(0)
}

/// The name of each function value's block that a global reaches: `mk`, `pair.1`, `mk.2` (a capture).
fn paths(module: &Module, image: &Image) -> FxHashMap<u32, String> {
    let mut names = FxHashMap::default();
    let mut seen: FxHashSet<u64> = FxHashSet::default();
    for global in module.globals.iter().filter(|global| global.ty == Ty::Ref) {
        let object = image.words.get(global.word as usize).copied().unwrap_or(0);
        let mut work = vec![(object, global.name.clone())];
        while let Some((object, path)) = work.pop() {
            if object == 0 || !seen.insert(object) {
                continue;
            }
            let word = |field: usize| image.heap.get(object as usize + field).copied().unwrap_or(0);
            // The header's bits 32 to 47 are the shape (`attacca_rt::heap`).
            let number = (word(0) >> 32) as usize & 0xffff;
            let Some(shape) = module.shapes.values().nth(number) else { continue };
            if shape.kind == ObjectKind::Closure {
                names.entry(word(2) as u32).or_insert_with(|| path.clone());
            }
            let refs =
                || shape.fields.iter().enumerate().filter(|(_, kind)| **kind == WordKind::Ref);
            if shape.kind == ObjectKind::Array && refs().next().is_some() {
                let stride = shape.fields.len();
                for nth in (0..word(1) as usize).rev() {
                    for (field, _) in refs() {
                        work.push((
                            word(2 + nth * stride + field),
                            format!("{path}.{nth}.{field}"),
                        ));
                    }
                }
            } else if shape.kind != ObjectKind::Array {
                let fields: Vec<usize> = refs().map(|(field, _)| field).collect();
                for field in fields.into_iter().rev() {
                    work.push((word(1 + field), format!("{path}.{field}")));
                }
            }
        }
    }
    names
}

#[cfg(test)]
mod tests;
