//! Common subexpressions: a pure op on the same operands is computed once, where it dominates.

use crate::module::{Function, Module, ValueId};
use crate::op::{Effect, Op, Pure, Ty};
use crate::opt::cfg::Cfg;
use crate::opt::rewrite::Aliases;
use attacca_rt::code::Shape;
use cranelift_entity::PrimaryMap;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

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
}

type Entry = (Key, SmallVec<[ValueId; 4]>);

/// Shares within one function: a value serves every place its block dominates.
pub fn share(func: &mut Function, shapes: &PrimaryMap<crate::module::ShapeId, Shape>) {
    let cfg = Cfg::new(func);
    let children = cfg.dominated();
    let mut seen: FxHashMap<Entry, ValueId> = FxHashMap::default();
    let mut aliases = Aliases::default();
    let mut stack = vec![Visit::Enter(func.entry)];
    while let Some(visit) = stack.pop() {
        match visit {
            Visit::Leave(keys) => keys.iter().for_each(|k| {
                seen.remove(k);
            }),
            Visit::Enter(block) => {
                let mut added = Vec::new();
                let insts = std::mem::take(&mut func.blocks[block].insts);
                let mut kept = Vec::with_capacity(insts.len());
                for inst in insts {
                    let data = &mut func.insts[inst];
                    data.args.iter_mut().for_each(|a| *a = aliases.get(*a));
                    let Some(entry) = key(&data.op, shapes).map(|k| (k, data.args.clone())) else {
                        kept.push(inst);
                        continue;
                    };
                    match seen.get(&entry) {
                        Some(value) => aliases.set(data.results[0], *value),
                        None => {
                            seen.insert(entry.clone(), data.results[0]);
                            added.push(entry);
                            kept.push(inst);
                        }
                    }
                }
                func.blocks[block].insts = kept;
                stack.push(Visit::Leave(added));
                stack.extend(children[block].iter().map(|b| Visit::Enter(*b)));
            }
        }
    }
    aliases.apply(func);
}

enum Visit {
    Enter(crate::module::BlockId),
    Leave(Vec<Entry>),
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
        _ => return None,
    };
    debug_assert!(op.effect() != Effect::Write, "a shared op has no effect");
    Some(key)
}
