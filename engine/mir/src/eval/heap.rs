//! The oracle's heap: in the word format of `attacca_rt::heap`, but nothing is ever used again.
//!
//! A freed object stays behind with no owners, so that every later use of it is found.

use attacca_rt::code::{ObjectKind, Shape, WordKind};
use attacca_rt::heap::{FIRST, header};

/// Most words an oracle's heap may have (512 MiB).
pub(super) const LIMIT: usize = 1 << 26;

#[derive(Clone, Debug)]
pub(super) struct Heap {
    words: Vec<u64>,
    shapes: Vec<Shape>,
    /// Where the first object made here lies.
    made: usize,
    /// How many of those have owners.
    live: i64,
}

/// Why an object cannot be used: a bug of the compiler.
pub(super) struct BadRef(pub(super) String);

impl Heap {
    /// Starts as a copy of `image`, or empty.
    pub(super) fn new(shapes: Vec<Shape>, image: &[u64]) -> Self {
        let mut words = image.to_vec();
        words.resize(words.len().max(FIRST as usize), 0);
        Self { made: words.len(), words, shapes, live: 0 }
    }

    /// The words as an image of `attacca_rt::heap`.
    pub(super) fn image(&self) -> Vec<u64> {
        let mut words = self.words.clone();
        words[0] = words.len() as u64;
        words
    }

    /// A new object with one owner; `None` beyond [`LIMIT`].
    pub(super) fn alloc(&mut self, shape: u32, fields: &[u64]) -> Option<u32> {
        let at = self.words.len();
        let size = (fields.len() + 1).next_power_of_two().max(2);
        if at + size > LIMIT {
            return None;
        }
        self.live += 1;
        self.words.push(header(shape, size.trailing_zeros()));
        self.words.extend_from_slice(fields);
        self.words.resize(at + size, 0);
        Some(at as u32)
    }

    /// Reads a field; 0 of null.
    pub(super) fn load(&self, object: u64, field: u32) -> Result<u64, BadRef> {
        Ok(if object == 0 { 0 } else { self.words[self.field(object, field)?] })
    }

    /// Writes a field; nothing happens for null.
    pub(super) fn store(&mut self, object: u64, field: u32, value: u64) -> Result<(), BadRef> {
        if object != 0 {
            let at = self.field(object, field)?;
            self.words[at] = value;
        }
        Ok(())
    }

    pub(super) fn retain(&mut self, object: u64) -> Result<(), BadRef> {
        if object != 0 {
            let at = self.object(object)?;
            self.words[at] += 1;
        }
        Ok(())
    }

    /// A new array of `len` zero elements with one owner, null for none; `None` beyond [`LIMIT`].
    pub(super) fn new_array(&mut self, shape: u32, len: i64) -> Option<u32> {
        if len <= 0 {
            return Some(0);
        }
        let stride = self.shapes.get(shape as usize)?.fields.len();
        let words =
            usize::try_from(len).ok()?.checked_mul(stride).filter(|words| *words < LIMIT)?;
        let mut fields = vec![0; words + 1];
        fields[0] = len as u64;
        self.alloc(shape, &fields)
    }

    /// Number of elements; 0 of null.
    pub(super) fn array_len(&self, array: u64) -> Result<u64, BadRef> {
        Ok(if array == 0 { 0 } else { self.words[self.object(array)? + 1] })
    }

    /// Reads a field of an element; 0 where there is none.
    pub(super) fn array_load(&self, array: u64, index: u64, field: u32) -> Result<u64, BadRef> {
        Ok(self.element(array, index, field)?.map_or(0, |at| self.words[at]))
    }

    /// Writes a field of an element; nothing happens where there is none.
    pub(super) fn array_store(
        &mut self,
        array: u64,
        index: u64,
        field: u32,
        value: u64,
    ) -> Result<(), BadRef> {
        if let Some(at) = self.element(array, index, field)? {
            self.words[at] = value;
        }
        Ok(())
    }

    /// Copies elements: `(to, to_index, from, from_index, count)`.
    pub(super) fn array_copy(&mut self, args: [u64; 5]) -> Result<(), BadRef> {
        let [to, to_index, from, from_index, count] = args;
        let both = (self.array_len(to)? as i128, self.array_len(from)? as i128);
        let (to_index, from_index) = (to_index as i64 as i128, from_index as i64 as i128);
        let mut copied = Vec::new();
        // Elements that exist on both sides, however far the numbers reach.
        let first = 0.max(-to_index).max(-from_index);
        let end = (count as i64 as i128).min(both.0 - to_index).min(both.1 - from_index);
        if first >= end {
            return Ok(());
        }
        let kinds = self.shape(self.object(to)?)?.fields.clone();
        for nth in first..end {
            for (field, kind) in (0u32..).zip(&kinds) {
                let value = self.array_load(from, (from_index + nth) as u64, field)?;
                copied.push((nth, field, *kind, value));
            }
        }
        for (.., value) in copied.iter().filter(|(_, _, kind, _)| *kind == WordKind::Ref) {
            self.retain(*value)?;
        }
        for (nth, field, kind, value) in copied {
            let index = (to_index + nth) as u64;
            let old = self.array_load(to, index, field)?;
            self.array_store(to, index, field, value)?;
            if kind == WordKind::Ref {
                self.release(old)?;
            }
        }
        Ok(())
    }

    /// One owner less; an object without owners gives up what it owns.
    pub(super) fn release(&mut self, object: u64) -> Result<(), BadRef> {
        let mut work = vec![object];
        while let Some(object) = work.pop() {
            if object == 0 {
                continue;
            }
            let at = self.object(object)?;
            self.words[at] -= 1;
            if self.words[at] as u32 == 0 {
                self.live -= i64::from(at >= self.made);
                let shape = self.shape(at)?;
                let (first, count) = match shape.kind {
                    ObjectKind::Array => (at + 2, self.words[at + 1] as usize),
                    ObjectKind::Closure | ObjectKind::Cell | ObjectKind::Variant => (at + 1, 1),
                };
                let stride = shape.fields.len();
                for (field, _) in
                    shape.fields.iter().enumerate().filter(|(_, kind)| **kind == WordKind::Ref)
                {
                    work.extend((0..count).map(|nth| self.words[first + nth * stride + field]));
                }
            }
        }
        Ok(())
    }

    /// How many objects made here have owners.
    pub(super) fn live(&self) -> usize {
        self.live as usize
    }

    /// Where a field of an element lies, if there is one.
    fn element(&self, array: u64, index: u64, field: u32) -> Result<Option<usize>, BadRef> {
        if index >= self.array_len(array)? {
            return Ok(None);
        }
        let at = self.object(array)?;
        let shape = self.shape(at)?;
        if shape.kind != ObjectKind::Array || field as usize >= shape.fields.len() {
            return Err(BadRef(format!("the object at {array} is no array with a field {field}")));
        }
        Ok(Some(at + 2 + index as usize * shape.fields.len() + field as usize))
    }

    fn object(&self, object: u64) -> Result<usize, BadRef> {
        let at = object as usize;
        match self.words.get(at) {
            Some(header) if at >= FIRST as usize && *header as u32 != 0 => Ok(at),
            Some(_) => Err(BadRef(format!("the object at {object} is used after it was freed"))),
            None => Err(BadRef(format!("there is no object at {object}"))),
        }
    }

    fn field(&self, object: u64, field: u32) -> Result<usize, BadRef> {
        let at = self.object(object)?;
        let shape = self.shape(at)?;
        if (field as usize) < shape.fields.len() && shape.kind != ObjectKind::Array {
            Ok(at + 1 + field as usize)
        } else {
            Err(BadRef(format!("the object at {object} has no field {field}")))
        }
    }

    fn shape(&self, at: usize) -> Result<&Shape, BadRef> {
        let shape = (self.words[at] >> 32) as usize & 0xffff;
        self.shapes.get(shape).ok_or_else(|| BadRef(format!("the object at {at} has no shape")))
    }
}
