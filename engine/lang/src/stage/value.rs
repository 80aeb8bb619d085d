//! What macro code computes with: values of 16 bytes, and the heap behind them.
//!
//! Values are plain data; what is larger lies in the [`Heap`], which only grows until the program is
//! expanded, within a budget. Arrays and texts are windows on buffers that grow in place at both
//! ends, so that building them element by element is cheap. Knows nothing of programs.

use std::collections::VecDeque;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use crate::builtins::Builtin;
use crate::hir::{BindingId, ExprId, LambdaId, TypeId};

/// A value while compiling.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    /// `{}`.
    Unit,
    /// A number.
    Number(f64),
    /// A string.
    Text(Text),
    /// A tuple.
    Tuple(List),
    /// A record: its field names, and where the values begin.
    Record(Shape, u32),
    /// An array.
    Array(Array),
    /// A value of a declared type: its constructor, and where what it carries is.
    Variant(TypeId, u32, Option<Slot>),
    /// A member of a union: where the value is.
    Member(Slot),
    /// A function of the program, and where the variables it captured begin.
    Closure(LambdaId, u32),
    /// A built-in function.
    Builtin(Builtin),
    /// A constructor as a function.
    Constructor(TypeId, u32),
    /// Code, in the program being made.
    Code(ExprId),
    /// A variable of the program being made. Lies in frames only.
    Name(BindingId),
    /// A variable that functions share and that is assigned. Lies in frames only.
    Cell(Slot),
    /// The zero of a type that is not known.
    Nothing,
    /// What a mistake, reported already, left.
    Poison,
}

/// Where one value lies in the heap, from 1 on.
pub(super) type Slot = std::num::NonZeroU32;

/// The names of a record's fields, alphabetical.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape(u32);

/// Values side by side.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    pub(super) at: u32,
    pub(super) len: u32,
}

/// A window on a buffer of values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Array {
    buffer: u32,
    start: i32,
    pub(super) len: u32,
}

/// A window on a buffer of text, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    buffer: u32,
    start: u32,
    end: u32,
}

/// Elements from `first` on; both ends grow.
#[derive(Debug, Default)]
struct Buffer {
    items: VecDeque<Value>,
    first: i32,
}

/// Everything larger than a value.
#[derive(Debug)]
pub(super) struct Heap {
    items: Vec<Value>,
    shapes: Vec<Arc<[SmolStr]>>,
    shape_ids: FxHashMap<Arc<[SmolStr]>, u32>,
    arrays: Vec<Buffer>,
    texts: Vec<String>,
    spent: usize,
}

impl Heap {
    pub(super) fn new() -> Self {
        Self {
            // Slots begin at 1.
            items: vec![Value::Unit],
            shapes: Vec::new(),
            shape_ids: FxHashMap::default(),
            arrays: vec![Buffer::default()],
            texts: Vec::new(),
            spent: 0,
        }
    }

    /// How much lies here, in values of 16 bytes.
    pub(super) fn spent(&self) -> usize {
        self.spent
    }

    /// Counts work that is not stored.
    pub(super) fn spend(&mut self, values: usize) {
        self.spent += values;
    }

    // ---- single values ----

    /// Stores one value.
    pub(super) fn slot(&mut self, value: Value) -> Slot {
        let at = self.items.len() as u32;
        self.spent += 1;
        self.items.push(value);
        Slot::new(at).unwrap_or(Slot::MIN)
    }

    /// The value of a slot.
    pub(super) fn get(&self, slot: Slot) -> Value {
        self.at(slot.get())
    }

    /// Changes the value of a slot.
    pub(super) fn set(&mut self, slot: Slot, value: Value) {
        if let Some(item) = self.items.get_mut(slot.get() as usize) {
            *item = value;
        }
    }

    /// The value at a position.
    pub(super) fn at(&self, at: u32) -> Value {
        self.items.get(at as usize).copied().unwrap_or(Value::Nothing)
    }

    // ---- tuples and records ----

    /// Stores values side by side and says where.
    pub(super) fn store(&mut self, values: &[Value]) -> u32 {
        let at = self.items.len() as u32;
        self.spent += values.len();
        self.items.extend_from_slice(values);
        at
    }

    /// A tuple of values.
    pub(super) fn tuple(&mut self, values: &[Value]) -> Value {
        Value::Tuple(List { at: self.store(values), len: values.len() as u32 })
    }

    /// The elements of a tuple.
    pub(super) fn list(&self, list: List) -> &[Value] {
        self.items.get(list.at as usize..(list.at + list.len) as usize).unwrap_or_default()
    }

    /// The names of a record's fields as one number; they must be alphabetical.
    pub(super) fn shape(&mut self, names: impl IntoIterator<Item = SmolStr>) -> Shape {
        let names: Arc<[SmolStr]> = names.into_iter().collect();
        if let Some(known) = self.shape_ids.get(&names) {
            return Shape(*known);
        }
        let id = self.shapes.len() as u32;
        self.shapes.push(names.clone());
        self.shape_ids.insert(names, id);
        Shape(id)
    }

    /// The field names of a shape.
    pub(super) fn names(&self, shape: Shape) -> Arc<[SmolStr]> {
        self.shapes.get(shape.0 as usize).cloned().unwrap_or_default()
    }

    fn position(&self, shape: Shape, name: &str) -> Option<u32> {
        let names = self.shapes.get(shape.0 as usize)?;
        names.iter().position(|it| it == name).map(|at| at as u32)
    }

    /// A field of a record.
    pub(super) fn field(&self, shape: Shape, at: u32, name: &str) -> Value {
        self.position(shape, name).map_or(Value::Nothing, |index| self.at(at + index))
    }

    /// A record that differs in one field.
    pub(super) fn with_field(&mut self, shape: Shape, at: u32, name: &str, value: Value) -> Value {
        let count = self.names(shape).len() as u32;
        let mut values = self.list(List { at, len: count }).to_vec();
        let place = self.position(shape, name).and_then(|index| values.get_mut(index as usize));
        if let Some(place) = place {
            *place = value;
        }
        Value::Record(shape, self.store(&values))
    }

    // ---- arrays ----

    /// An array of values.
    pub(super) fn array(&mut self, values: &[Value]) -> Array {
        if values.is_empty() {
            return Array { buffer: 0, start: 0, len: 0 };
        }
        let buffer = self.arrays.len() as u32;
        self.spent += values.len() + 2;
        self.arrays.push(Buffer { items: values.iter().copied().collect(), first: 0 });
        Array { buffer, start: 0, len: values.len() as u32 }
    }

    /// An element; the index must be below the length.
    pub(super) fn element(&self, array: Array, index: u32) -> Value {
        let found = self.arrays.get(array.buffer as usize).and_then(|buffer| {
            let at = i64::from(array.start) + i64::from(index) - i64::from(buffer.first);
            buffer.items.get(usize::try_from(at).ok()?)
        });
        found.copied().unwrap_or(Value::Nothing)
    }

    /// All elements.
    pub(super) fn elements(&self, array: Array) -> Vec<Value> {
        (0..array.len).map(|index| self.element(array, index)).collect()
    }

    /// One more element behind the others.
    pub(super) fn append(&mut self, array: Array, value: Value) -> Array {
        let array = self.own(array);
        let Some(buffer) = self.arrays.get_mut(array.buffer as usize) else { return array };
        let end = i64::from(array.start) + i64::from(array.len);
        if end != i64::from(buffer.first) + buffer.items.len() as i64 {
            let mut values = self.elements(array);
            values.push(value);
            return self.array(&values);
        }
        buffer.items.push_back(value);
        self.spent += 1;
        Array { len: array.len + 1, ..array }
    }

    /// One more element in front of the others.
    pub(super) fn prepend(&mut self, value: Value, array: Array) -> Array {
        let array = self.own(array);
        let Some(buffer) = self.arrays.get_mut(array.buffer as usize) else { return array };
        if array.start != buffer.first {
            let mut values = vec![value];
            values.extend(self.elements(array));
            return self.array(&values);
        }
        buffer.items.push_front(value);
        buffer.first -= 1;
        self.spent += 1;
        Array { start: array.start - 1, len: array.len + 1, ..array }
    }

    /// An empty array gets a buffer of its own before it grows.
    fn own(&mut self, array: Array) -> Array {
        if array.len > 0 {
            return array;
        }
        let buffer = self.arrays.len() as u32;
        self.spent += 2;
        self.arrays.push(Buffer::default());
        Array { buffer, start: 0, len: 0 }
    }

    /// All elements but the first.
    pub(super) fn rest(array: Array) -> Array {
        Array { start: array.start + 1, len: array.len.saturating_sub(1), ..array }
    }

    /// All elements but the last.
    pub(super) fn front(array: Array) -> Array {
        Array { len: array.len.saturating_sub(1), ..array }
    }

    // ---- texts ----

    /// Stores a text.
    pub(super) fn text(&mut self, text: &str) -> Text {
        let buffer = self.texts.len() as u32;
        self.spent += 2 + text.len() / 16;
        self.texts.push(text.to_owned());
        Text { buffer, start: 0, end: text.len() as u32 }
    }

    /// What a text says.
    pub(super) fn str(&self, text: Text) -> &str {
        let buffer = self.texts.get(text.buffer as usize).map_or("", String::as_str);
        buffer.get(text.start as usize..text.end as usize).unwrap_or_default()
    }

    /// A piece of a text, in bytes from its start.
    pub(super) fn piece(text: Text, from: usize, to: usize) -> Text {
        Text { start: text.start + from as u32, end: text.start + to as u32, ..text }
    }

    /// `b` behind `a`.
    pub(super) fn concat(&mut self, a: Text, b: Text) -> Text {
        let more = self.str(b).to_owned();
        self.spent += 1 + more.len() / 16;
        let at_end = self.texts.get_mut(a.buffer as usize).filter(|it| it.len() == a.end as usize);
        match at_end {
            Some(buffer) => {
                buffer.push_str(&more);
                Text { end: a.end + more.len() as u32, ..a }
            }
            None => {
                let joined = self.str(a).to_owned() + &more;
                self.text(&joined)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(heap: &Heap, array: Array) -> Vec<f64> {
        let number = |value| if let Value::Number(number) = value { number } else { f64::NAN };
        heap.elements(array).into_iter().map(number).collect()
    }

    #[test]
    fn a_value_is_small() {
        assert_eq!(size_of::<Value>(), 16);
    }

    #[test]
    fn arrays_that_share_a_buffer_do_not_see_each_other_grow() {
        let mut heap = Heap::new();
        let base = heap.array(&[Value::Number(1.0), Value::Number(2.0)]);
        let left = heap.append(base, Value::Number(3.0));
        let right = heap.append(base, Value::Number(4.0));
        let before = heap.prepend(Value::Number(0.0), base);
        let other = heap.prepend(Value::Number(9.0), base);
        assert_eq!(numbers(&heap, base), [1.0, 2.0]);
        assert_eq!(numbers(&heap, left), [1.0, 2.0, 3.0]);
        assert_eq!(numbers(&heap, right), [1.0, 2.0, 4.0]);
        assert_eq!(numbers(&heap, before), [0.0, 1.0, 2.0]);
        assert_eq!(numbers(&heap, other), [9.0, 1.0, 2.0]);
        assert_eq!(numbers(&heap, Heap::rest(left)), [2.0, 3.0]);
        assert_eq!(numbers(&heap, Heap::front(left)), [1.0, 2.0]);
        let regrown = heap.append(Heap::front(left), Value::Number(7.0));
        assert_eq!(numbers(&heap, regrown), [1.0, 2.0, 7.0]);
        assert_eq!(numbers(&heap, left), [1.0, 2.0, 3.0]);
    }

    #[test]
    fn building_an_array_takes_room_once_for_each_element() {
        let mut heap = Heap::new();
        let mut array = heap.array(&[]);
        for at in 0..1_000 {
            array = heap.append(array, Value::Number(f64::from(at)));
        }
        assert!(heap.spent() < 1_100, "{}", heap.spent());
    }

    #[test]
    fn joined_texts_leave_their_parts_alone() {
        let mut heap = Heap::new();
        let (a, b) = (heap.text("für"), heap.text("Elise"));
        let joined = heap.concat(a, b);
        let again = heap.concat(a, b);
        let twice = heap.concat(joined, joined);
        assert_eq!(heap.str(a), "für");
        assert_eq!((heap.str(joined), heap.str(again)), ("fürElise", "fürElise"));
        assert_eq!(heap.str(twice), "fürElisefürElise");
    }
}
