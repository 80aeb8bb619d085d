//! The oracle's heap: in the word format of `attacca_rt::heap`, but nothing is ever used again.
//!
//! A freed object stays behind with no owners, so that every later use of it is found.

use attacca_rt::code::{Shape, WordKind};
use attacca_rt::heap::FIRST;

/// Most words an oracle's heap may have (512 MiB).
pub(super) const LIMIT: usize = 1 << 26;

#[derive(Clone, Debug)]
pub(super) struct Heap {
    words: Vec<u64>,
    shapes: Vec<Shape>,
}

/// Why an object cannot be used: a bug of the compiler.
pub(super) struct BadRef(pub(super) String);

impl Heap {
    /// Starts as a copy of `image`, or empty.
    pub(super) fn new(shapes: Vec<Shape>, image: &[u64]) -> Self {
        let mut words = image.to_vec();
        words.resize(words.len().max(FIRST as usize), 0);
        Self { words, shapes }
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
        self.words.push(u64::from(shape) << 32 | 1);
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
                let fields = &self.shape(at)?.fields;
                let refs = fields.iter().enumerate().filter(|(_, kind)| **kind == WordKind::Ref);
                work.extend(refs.map(|(field, _)| self.words[at + 1 + field]));
            }
        }
        Ok(())
    }

    /// How many objects have owners.
    pub(super) fn live(&self) -> usize {
        let mut at = FIRST as usize;
        let mut live = 0;
        while at < self.words.len() {
            live += usize::from(self.words[at] as u32 != 0);
            let fields = self.shape(at).map_or(0, |shape| shape.fields.len());
            at += (fields + 1).next_power_of_two().max(2);
        }
        live
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
        if (field as usize) < self.shape(at)?.fields.len() {
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
