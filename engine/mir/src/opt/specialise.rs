//! What is known once the global code has run, and the pass that puts it to use.
//!
//! A global word that no code but its own initialiser stores to is a constant. A closure in the
//! heap image never changes: its code, state base and captures are constants, so calls through it
//! become direct. Nor does an array: its length and its elements are constants. Nothing here reads a word that running code may change.

use crate::module::{FuncId, Module, ShapeId};
use crate::op::{Op, Ty};
use crate::opt::fold::Change;
use attacca_rt::code::{Image, Shape};
use cranelift_entity::{EntityRef, PrimaryMap};
use rustc_hash::{FxHashMap, FxHashSet};

/// Facts about the program outside any one function.
#[derive(Default)]
pub struct Known {
    /// Constant global words by address.
    globals: FxHashMap<i64, (Ty, u64)>,
    heap: Vec<u64>,
    functions: usize,
    /// Shapes of the module.
    pub shapes: PrimaryMap<ShapeId, Shape>,
    /// Sample rate in hertz, 0 while it is unknown.
    pub rate: f64,
    /// Whether `Op::Block` names a static block (sample code) rather than a fresh one (global code).
    pub blocks_are_static: bool,
}

impl Known {
    /// What is known of `module`; with `image`, also what its global code left behind.
    pub fn of(module: &Module, image: Option<&Image>) -> Self {
        let mut known = Self {
            functions: module.funcs.len(),
            shapes: module.shapes.clone(),
            rate: module.rate,
            ..Self::default()
        };
        let Some(image) = image else { return known };
        known.blocks_are_static = true;
        known.heap.clone_from(&image.heap);
        let stored = stored_globals(module);
        for global in &module.globals {
            if !global.assigned && !stored.contains(&global.word) {
                let bits = image.words.get(global.word as usize).copied().unwrap_or(0);
                known.globals.insert(i64::from(global.word), (global.ty, bits));
            }
        }
        known
    }

    /// The constant in a global word, if it is one.
    pub fn global(&self, address: i64, ty: Ty) -> Change {
        match self.globals.get(&address) {
            Some((found, bits)) if *found == ty => Change::Constant(ty, *bits),
            Some(_) | None => Change::Keep,
        }
    }

    /// A field of a closure in the heap image.
    pub fn field(&self, at: u32, field: u32, ty: Ty) -> Change {
        match self.heap.get((at + 1 + field) as usize) {
            Some(bits) => Change::Constant(ty, *bits),
            None => Change::Keep,
        }
    }

    /// The number of elements of an array in the heap image; null has none.
    pub fn array_len(&self, at: u32) -> Change {
        match self.heap.get(at as usize + 1) {
            _ if at == 0 => Change::Constant(Ty::I64, 0),
            Some(len) => Change::Constant(Ty::I64, *len),
            None => Change::Keep,
        }
    }

    /// A field of an element of an array in the heap image.
    pub fn element(&self, at: u32, index: u64, shape: ShapeId, field: u32, ty: Ty) -> Change {
        let Some(len) = self.heap.get(at as usize + 1) else { return Change::Keep };
        if index >= *len {
            return Change::Constant(ty, 0);
        }
        let stride = self.shapes[shape].fields.len();
        match self.heap.get(at as usize + 2 + index as usize * stride + field as usize) {
            Some(bits) => Change::Constant(ty, *bits),
            None => Change::Keep,
        }
    }

    /// The function of a closure in the heap image.
    pub fn closure_code(&self, at: u32) -> Option<FuncId> {
        self.heap.get(at as usize + 1).and_then(|number| self.function(*number as i64))
    }

    /// The function with this number.
    pub fn function(&self, number: i64) -> Option<FuncId> {
        usize::try_from(number).ok().filter(|n| *n < self.functions).map(FuncId::new)
    }
}

/// Global words stored to by any function but `init`.
fn stored_globals(module: &Module) -> FxHashSet<u32> {
    let mut stored = FxHashSet::default();
    for (id, func) in &module.funcs {
        if Some(id) == module.init {
            continue;
        }
        let defs = super::rewrite::definitions(func);
        for inst in func.insts.values() {
            let Op::Store(_, offset) = inst.op else { continue };
            if let Some(Op::Iconst(base)) = defs[inst.args[0]].map(|def| &func.insts[def].op) {
                stored.insert((*base as u32).wrapping_add(offset));
            }
        }
    }
    stored
}
