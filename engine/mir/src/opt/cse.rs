//! Common subexpressions: a pure op on the same operands is computed once, where it dominates.

use crate::module::{BlockId, Function, Module, ValueId};
use crate::op::{Effect, Op, Pure, Ty};
use crate::opt::cfg::Cfg;
use crate::opt::rewrite::Aliases;
use attacca_rt::code::Shape;
use cranelift_entity::{PrimaryMap, SecondaryMap};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::collections::hash_map::Entry;

/// Runs on every function.
pub fn run(module: &mut Module) {
    let shapes = module.shapes.clone();
    for func in module.funcs.values_mut() {
        share(func, &shapes);
    }
}

/// A hashable form of the ops that may be shared.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Float(u64),
    Int(i64),
    Ref(u32),
    Pure(Pure),
    FuncAddr(u32),
    Cell(u32),
    SampleRate,
    FirstNow,
    Field(u32, u32, Ty),
    Len,
    Element(u32, u32, Ty),
}

/// An op with its operands.
type Computed = (Key, SmallVec<[ValueId; 4]>);

/// Shares within one function: a value serves every place its block dominates.
pub fn share(func: &mut Function, shapes: &PrimaryMap<crate::module::ShapeId, Shape>) {
    let cfg = Cfg::new(func);
    let children = cfg.dominated();
    let fixed = fixed_arrays(func);
    let mut seen: FxHashMap<Computed, (ValueId, BlockId)> = FxHashMap::default();
    // The blocks that dominate the one looked at, it included.
    let mut open: SecondaryMap<BlockId, bool> = SecondaryMap::new();
    let mut aliases = Aliases::default();
    let mut stack = vec![Visit::Enter(func.entry)];
    while let Some(visit) = stack.pop() {
        match visit {
            Visit::Leave(block) => open[block] = false,
            Visit::Enter(block) => {
                open[block] = true;
                let insts = std::mem::take(&mut func.blocks[block].insts);
                let mut kept = Vec::with_capacity(insts.len());
                for inst in insts {
                    let data = &mut func.insts[inst];
                    data.args.iter_mut().for_each(|a| *a = aliases.get(*a));
                    let key = key(&data.op, shapes).filter(|key| {
                        !matches!(key, Key::Element(..)) || fixed.holds(data.args[0])
                    });
                    let Some(entry) = key.map(|k| (k, data.args.clone())) else {
                        kept.push(inst);
                        continue;
                    };
                    match seen.entry(entry) {
                        Entry::Occupied(known) if open[known.get().1] => {
                            aliases.set(data.results[0], known.get().0);
                        }
                        place => {
                            place.insert_entry((data.results[0], block));
                            kept.push(inst);
                        }
                    }
                }
                func.blocks[block].insts = kept;
                stack.push(Visit::Leave(block));
                stack.extend(children[block].iter().map(|b| Visit::Enter(*b)));
            }
        }
    }
    aliases.apply(func);
}

/// Arrays whose elements do not change while the function runs: all, if it stores to none; else those
/// of the heap image, for a function stores to arrays of its own alone.
struct Fixed {
    all: bool,
    image: SecondaryMap<ValueId, bool>,
}

impl Fixed {
    fn holds(&self, array: ValueId) -> bool {
        self.all || self.image[array]
    }
}

fn fixed_arrays(func: &Function) -> Fixed {
    let mut fixed = Fixed { all: true, image: SecondaryMap::new() };
    for inst in func.blocks.values().flat_map(|block| &block.insts) {
        let data = &func.insts[*inst];
        match data.op {
            Op::ArrayStore { .. } | Op::ArrayCopy(_) => fixed.all = false,
            Op::Rconst(_) => fixed.image[data.results[0]] = true,
            _ => {}
        }
    }
    fixed
}

enum Visit {
    Enter(BlockId),
    Leave(BlockId),
}

fn key(op: &Op, shapes: &PrimaryMap<crate::module::ShapeId, Shape>) -> Option<Key> {
    let key = match op {
        Op::Fconst(x) => Key::Float(*x),
        Op::Iconst(x) => Key::Int(*x),
        Op::Rconst(x) => Key::Ref(*x),
        Op::Pure(op) => Key::Pure(*op),
        Op::FuncAddr(f) => Key::FuncAddr(f.as_u32()),
        Op::Cell(n) => Key::Cell(*n),
        Op::SampleRate => Key::SampleRate,
        Op::FirstNow => Key::FirstNow,
        Op::HeapLoad { shape, field, ty } if shapes[*shape].kind.is_constant() => {
            Key::Field(shape.as_u32(), *field, *ty)
        }
        Op::ArrayLen => Key::Len,
        Op::ArrayLoad { shape, field, ty } => Key::Element(shape.as_u32(), *field, *ty),
        _ => return None,
    };
    debug_assert!(op.effect() != Effect::Write, "a shared op has no effect");
    Some(key)
}
