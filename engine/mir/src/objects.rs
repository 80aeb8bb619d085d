//! Reads the heap objects of a start image: their shapes, what they hold, and how a person would call it.
//!
//! Takes the words that the global code left; [`attacca_rt::heap`] says how objects lie. Never panics,
//! whatever the words are.

use crate::module::{Capture, FuncId, Module};
use crate::state_tree::StateTree;
use attacca_rt::code::{Image, ObjectKind, Shape, WordKind};
use cranelift_entity::EntityRef;
use rustc_hash::FxHashMap;

/// The objects of one image.
pub(crate) struct Objects<'a> {
    shapes: Vec<&'a Shape>,
    heap: &'a [u64],
    /// What the closures of each function carry.
    captures: Vec<&'a [Capture]>,
}

/// A reference inside an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// Its word in the heap.
    pub(crate) word: u32,
    /// The object it names; 0 is none.
    pub(crate) object: u64,
    /// A captured variable by its name, an element by its number, else the field's number.
    pub(crate) name: String,
}

impl<'a> Objects<'a> {
    pub(crate) fn of_module(module: &'a Module, image: &'a Image) -> Self {
        let captures = module.funcs.values().map(|func| &func.captures[..]).collect();
        Self { shapes: module.shapes.values().collect(), heap: &image.heap, captures }
    }

    pub(crate) fn of_tree(tree: &'a StateTree, shapes: &'a [Shape], image: &'a Image) -> Self {
        let captures = tree.funcs.values().map(|func| &func.captures[..]).collect();
        Self { shapes: shapes.iter().collect(), heap: &image.heap, captures }
    }

    /// The shape of an object. Bits 32 to 47 of the header are its number.
    pub(crate) fn shape(&self, object: u64) -> Option<&'a Shape> {
        let header = self.heap.get(object as usize).filter(|_| object != 0)?;
        self.shapes.get((header >> 32) as usize & 0xffff).copied()
    }

    /// Function and state base of a closure.
    pub(crate) fn closure(&self, object: u64) -> Option<(FuncId, u32)> {
        self.shape(object).filter(|shape| shape.kind == ObjectKind::Closure)?;
        let func = FuncId::new(self.word(object + 1) as u32 as usize);
        Some((func, self.word(object + 2) as u32))
    }

    /// The references that an object holds, in order.
    pub(crate) fn parts(&self, object: u64) -> Vec<Part> {
        let Some(shape) = self.shape(object) else { return Vec::new() };
        let refs: Vec<usize> = (0..shape.fields.len())
            .filter(|field| shape.fields.get(*field) == Some(&WordKind::Ref))
            .collect();
        let part = |offset: usize, name: String| {
            let word = object + offset as u64;
            Part { word: word as u32, object: self.word(word), name }
        };
        match shape.kind {
            ObjectKind::Closure => {
                let names = self.capture_names(object);
                let name = |field: &usize| names.get(*field - 2).cloned();
                let captured = refs.iter().filter(|field| **field >= 2);
                captured
                    .map(|field| part(1 + field, name(field).unwrap_or_else(|| field.to_string())))
                    .collect()
            }
            ObjectKind::Array => {
                let stride = shape.fields.len();
                // No element lies outside of the image, whatever the length says.
                let most = self.heap.len() / stride.max(1);
                let count = if refs.is_empty() { 0 } else { self.word(object + 1) as usize };
                let mut parts = Vec::new();
                for nth in 0..count.min(most) {
                    parts.extend(refs.iter().map(|field| {
                        let name = match stride {
                            1 => nth.to_string(),
                            _ => format!("{nth}.{field}"),
                        };
                        part(2 + nth * stride + field, name)
                    }));
                }
                parts
            }
            ObjectKind::Cell | ObjectKind::Variant => {
                refs.iter().map(|field| part(1 + field, field.to_string())).collect()
            }
        }
    }

    /// Names of captured words; the second and later words of a variable are numbered.
    fn capture_names(&self, object: u64) -> Vec<String> {
        let func = self.closure(object).map_or(usize::MAX, |(func, _)| func.index());
        let captures = self.captures.get(func).copied().unwrap_or_default();
        let mut seen: FxHashMap<&str, u32> = FxHashMap::default();
        let mut names = Vec::new();
        for capture in captures {
            let count = seen.entry(&capture.name).or_default();
            names.push(match *count {
                0 => capture.name.clone(),
                count => format!("{}.{count}", capture.name),
            });
            *count += 1;
        }
        names
    }

    fn word(&self, at: u64) -> u64 {
        self.heap.get(at as usize).copied().unwrap_or(0)
    }
}
