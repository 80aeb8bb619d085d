//! Captured variables that never leave the function become plain values.
//!
//! After inlining, a heap cell that is only read and written here need not be a cell. (A closure
//! that was inlined away no longer counts: its allocation is unused and gone.)

use crate::build::Builder;
use crate::module::{Function, InstId, Module, ValueId};
use crate::op::{Op, Ty};
use crate::opt::rewrite::constant_op;
use crate::opt::ssa::{self, Access, Place};
use attacca_rt::code::{ObjectKind, Shape, WordKind};
use cranelift_entity::{PrimaryMap, SecondaryMap};
use rustc_hash::FxHashMap;

/// Runs on every function.
pub fn run(module: &mut Module) {
    let shapes = module.shapes.clone();
    for func in module.funcs.values_mut() {
        scalarise(func, &shapes);
    }
}

/// Runs on one function.
pub fn scalarise(func: &mut Function, shapes: &PrimaryMap<crate::module::ShapeId, Shape>) {
    let local = local_cells(func, shapes);
    if local.is_empty() {
        return;
    }
    let entry = func.entry;
    let mut places = Vec::new();
    let mut first: FxHashMap<ValueId, usize> = FxHashMap::default();
    let mut zeros = Vec::new();
    for (cell, shape) in &local {
        first.insert(*cell, places.len());
        for field in &shapes[*shape].fields {
            let ty = match field {
                WordKind::F64 => Ty::F64,
                WordKind::I64 => Ty::I64,
                WordKind::Ref => Ty::Ref,
            };
            let initial = Builder { func, block: entry }.value(constant_op(ty, 0), &[], ty);
            zeros.push(func.blocks[entry].insts.pop());
            places.push(Place { ty, initial });
        }
    }
    func.blocks[entry].insts.splice(0..0, zeros.into_iter().flatten());
    split_initial_stores(func, &local);
    ssa::promote(func, &places, |func, inst| access(func, inst, &first));
    for block in func.blocks.values_mut() {
        block
            .insts
            .retain(|i| !func.insts[*i].results.first().is_some_and(|r| first.contains_key(r)));
    }
}

fn access(func: &Function, inst: InstId, first: &FxHashMap<ValueId, usize>) -> Option<Access> {
    let data = &func.insts[inst];
    match data.op {
        Op::HeapLoad { field, .. } => {
            Some(Access::Read(first.get(&data.args[0])? + field as usize))
        }
        Op::HeapStore { field, .. } => {
            Some(Access::Write(first.get(&data.args[0])? + field as usize, data.args[1]))
        }
        _ => None,
    }
}

/// Gives every local cell's allocation explicit stores of its fields, right behind it.
fn split_initial_stores(func: &mut Function, local: &[(ValueId, crate::module::ShapeId)]) {
    let shapes: FxHashMap<ValueId, crate::module::ShapeId> = local.iter().copied().collect();
    for block in func.blocks.keys().collect::<Vec<_>>() {
        let insts = std::mem::take(&mut func.blocks[block].insts);
        for inst in insts {
            func.blocks[block].insts.push(inst);
            let data = func.insts[inst].clone();
            let Some(cell) = data.results.first() else { continue };
            let Some(shape) = shapes.get(cell) else { continue };
            for (field, value) in data.args.iter().enumerate() {
                let ty = func.values[*value];
                let op = Op::HeapStore { shape: *shape, field: field as u32, ty };
                Builder { func, block }.effect(op, &[*cell, *value]);
            }
        }
    }
}

/// Cells allocated here whose every use is a load or store of a field.
fn local_cells(
    func: &Function,
    shapes: &PrimaryMap<crate::module::ShapeId, Shape>,
) -> Vec<(ValueId, crate::module::ShapeId)> {
    let mut cells = Vec::new();
    let mut escaped: SecondaryMap<ValueId, bool> = SecondaryMap::new();
    for block in func.blocks.values() {
        for inst in &block.insts {
            let data = &func.insts[*inst];
            let object = match data.op {
                Op::HeapLoad { .. } | Op::HeapStore { .. } => 1,
                _ => 0,
            };
            data.args.iter().skip(object).for_each(|a| escaped[*a] = true);
            if let Op::Alloc(shape) = data.op
                && shapes[shape].kind == ObjectKind::Cell
            {
                cells.push((data.results[0], shape));
            }
        }
        block.end.uses().into_iter().for_each(|v| escaped[v] = true);
    }
    cells.retain(|(cell, _)| !escaped[*cell]);
    cells
}
