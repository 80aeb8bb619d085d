//! Captured variables and small arrays that never leave the function become plain values.
//!
//! After inlining, a heap cell that is only read and written here need not be a cell; nor need an array
//! of few words whose length and indices are constants. (A closure that was inlined away no longer
//! counts: its allocation is unused and gone.)

use crate::build::Builder;
use crate::module::{Function, InstId, Module, ShapeId, ValueId};
use crate::op::Op;
use crate::opt::rewrite::{constant_op, definitions};
use crate::opt::ssa::{self, Access, Place};
use crate::verify::types::ty_of;
use attacca_rt::code::{ObjectKind, Shape};
use cranelift_entity::{PrimaryMap, SecondaryMap};
use rustc_hash::FxHashMap;

/// Runs on every function.
pub fn run(module: &mut Module) {
    let shapes = module.shapes.clone();
    for func in module.funcs.values_mut() {
        scalarise(func, &shapes);
    }
}

/// Most words of an array that becomes values.
const ARRAY_WORDS: i64 = 16;

/// An object that does not leave the function.
struct Local {
    object: ValueId,
    shape: ShapeId,
    /// Elements of an array; a cell counts as one.
    len: i64,
}

/// Runs on one function.
pub fn scalarise(func: &mut Function, shapes: &PrimaryMap<ShapeId, Shape>) {
    let local = local_objects(func, shapes);
    if local.is_empty() {
        return;
    }
    let entry = func.entry;
    let mut places = Vec::new();
    let mut first: FxHashMap<ValueId, usize> = FxHashMap::default();
    let mut zeros = Vec::new();
    for Local { object, shape, len } in &local {
        first.insert(*object, places.len());
        for kind in (0..*len).flat_map(|_| &shapes[*shape].fields) {
            let ty = ty_of(*kind);
            let initial = Builder { func, block: entry }.value(constant_op(ty, 0), &[], ty);
            zeros.push(func.blocks[entry].insts.pop());
            places.push(Place { ty, initial });
        }
    }
    func.blocks[entry].insts.splice(0..0, zeros.into_iter().flatten());
    split_initial_stores(func, &local, shapes);
    let defs = definitions(func);
    ssa::promote(func, &places, |func, inst| access(func, inst, &first, shapes, &defs));
    for block in func.blocks.values_mut() {
        block
            .insts
            .retain(|i| !func.insts[*i].results.first().is_some_and(|r| first.contains_key(r)));
    }
}

fn access(
    func: &Function,
    inst: InstId,
    first: &FxHashMap<ValueId, usize>,
    shapes: &PrimaryMap<ShapeId, Shape>,
    defs: &SecondaryMap<ValueId, Option<InstId>>,
) -> Option<Access> {
    let data = &func.insts[inst];
    let element = |shape: ShapeId, field: u32| {
        let index = integer(func, defs, data.args[1])? as usize;
        Some(first.get(&data.args[0])? + index * shapes[shape].fields.len() + field as usize)
    };
    match data.op {
        Op::HeapLoad { field, .. } => {
            Some(Access::Read(first.get(&data.args[0])? + field as usize))
        }
        Op::HeapStore { field, .. } => {
            Some(Access::Write(first.get(&data.args[0])? + field as usize, data.args[1]))
        }
        Op::ArrayLoad { shape, field, .. } => Some(Access::Read(element(shape, field)?)),
        Op::ArrayStore { shape, field, .. } => {
            Some(Access::Write(element(shape, field)?, data.args[2]))
        }
        _ => None,
    }
}

/// Gives every local object's allocation explicit stores of its fields, right behind it.
fn split_initial_stores(func: &mut Function, local: &[Local], shapes: &PrimaryMap<ShapeId, Shape>) {
    let local: FxHashMap<ValueId, &Local> = local.iter().map(|l| (l.object, l)).collect();
    for block in func.blocks.keys().collect::<Vec<_>>() {
        let insts = std::mem::take(&mut func.blocks[block].insts);
        for inst in insts {
            func.blocks[block].insts.push(inst);
            let data = func.insts[inst].clone();
            let Some(Local { object, shape, len }) =
                data.results.first().and_then(|r| local.get(r))
            else {
                continue;
            };
            let mut b = Builder { func, block };
            if let Op::Alloc(_) = data.op {
                for (field, value) in (0u32..).zip(&data.args) {
                    let ty = b.func.values[*value];
                    b.effect(Op::HeapStore { shape: *shape, field, ty }, &[*object, *value]);
                }
                continue;
            }
            for index in 0..*len {
                let at = b.iconst(index);
                for (field, kind) in (0u32..).zip(&shapes[*shape].fields) {
                    let ty = ty_of(*kind);
                    let zero = b.value(constant_op(ty, 0), &[], ty);
                    b.effect(Op::ArrayStore { shape: *shape, field, ty }, &[*object, at, zero]);
                }
            }
        }
    }
}

/// Cells and arrays made here whose every use is a load or store of a field.
fn local_objects(func: &Function, shapes: &PrimaryMap<ShapeId, Shape>) -> Vec<Local> {
    let defs = definitions(func);
    let mut local = Vec::new();
    // How far constant indices reach, and whether anything but a load or store uses the value.
    let mut escaped: SecondaryMap<ValueId, bool> = SecondaryMap::new();
    let mut used: FxHashMap<ValueId, (bool, i64)> = FxHashMap::default();
    for inst in func.blocks.values().flat_map(|block| &block.insts) {
        let data = &func.insts[*inst];
        let looked_into = match data.op {
            Op::HeapLoad { .. } | Op::HeapStore { .. } => Some((false, 0)),
            Op::ArrayLoad { .. } | Op::ArrayStore { .. } => {
                integer(func, &defs, data.args[1]).filter(|at| *at >= 0).map(|at| (true, at))
            }
            _ => None,
        };
        if let Some((array, index)) = looked_into {
            let known = used.entry(data.args[0]).or_insert((array, index));
            escaped[data.args[0]] |= known.0 != array;
            known.1 = known.1.max(index);
        }
        let others = usize::from(looked_into.is_some());
        data.args.iter().skip(others).for_each(|a| escaped[*a] = true);
        let len = match data.op {
            Op::Alloc(shape) if shapes[shape].kind == ObjectKind::Cell => Some((shape, 1)),
            Op::NewArray(shape) => integer(func, &defs, data.args[0]).map(|len| (shape, len)),
            _ => None,
        };
        if let Some((shape, len)) = len {
            local.push(Local { object: data.results[0], shape, len });
        }
    }
    for value in func.blocks.values().flat_map(|block| block.end.uses()) {
        escaped[value] = true;
    }
    local.retain(|Local { object, shape, len }| {
        let array = shapes[*shape].kind == ObjectKind::Array;
        let (as_array, reach) = used.get(object).copied().unwrap_or((array, -1));
        let words = len.saturating_mul(shapes[*shape].fields.len() as i64);
        !escaped[*object]
            && as_array == array
            && (!array || (*len > 0 && reach < *len && words <= ARRAY_WORDS))
    });
    local
}

fn integer(
    func: &Function,
    defs: &SecondaryMap<ValueId, Option<InstId>>,
    value: ValueId,
) -> Option<i64> {
    match func.insts[defs[value]?].op {
        Op::Iconst(x) => Some(x),
        _ => None,
    }
}
