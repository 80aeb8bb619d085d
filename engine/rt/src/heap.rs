//! The fixed heap of one instance: reference-counted objects named by word offsets.
//!
//! Takes words from the worker once, hands out and takes back objects while sound runs; never
//! allocates, never panics. Everything the allocator knows lies in the words themselves, so that
//! an image of the heap is a copy of its used words.
//!
//! Format. Word 0 (the null reference) holds the offset of the first word never used. Word 1 holds
//! the first object that waits to be freed, words 2 to 17 the first free object of 2^1 to 2^16
//! words. Objects follow from word [`FIRST`]. An object is a header word followed by its fields, in
//! 2^k words. The header holds the reference count (low 32 bits) and the shape's index (next 16
//! bits). A free object's header is the offset of the next free one. An object that waits to be
//! freed has the offset of the next waiting one in place of its count.

use crate::code::{Shape, WordKind};

/// An offset into the heap in words; 0 is null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HeapRef(pub u32);

impl HeapRef {
    /// No object.
    pub const NULL: Self = Self(0);

    /// Whether this is no object.
    pub fn is_null(self) -> bool {
        self.0 == 0
    }
}

/// Most objects freed by one release; bounds the time it takes.
pub const RELEASE_LIMIT: u32 = 64;

/// Size of the heap when nothing else is asked for: 1 MiB.
pub const DEFAULT_HEAP_WORDS: u32 = 1 << 17;

/// Offset of the first object. The words before belong to the allocator.
pub const FIRST: u32 = 18;

/// Most fields of an object.
pub const MAX_FIELDS: usize = (1 << 16) - 1;

const TOP: usize = 0;
const WAITING: usize = 1;
/// Free list of class k (2^k words) is word `FREE + k`.
const FREE: usize = 1;
const LOW: u64 = 0xffff_ffff;

/// The fixed heap of one instance.
#[derive(Clone, Debug)]
pub struct Heap {
    words: Box<[u64]>,
    shapes: Box<[ShapeInfo]>,
}

/// What the allocator needs to know of a shape.
#[derive(Clone, Debug)]
struct ShapeInfo {
    class: u32,
    fields: u32,
    refs: Box<[u32]>,
}

impl ShapeInfo {
    fn of(shape: &Shape) -> Self {
        let fields = shape.fields.len().min(MAX_FIELDS) as u32;
        let refs = shape.fields.iter().zip(0u32..).filter(|(kind, _)| **kind == WordKind::Ref);
        Self { class: class_of(fields), fields, refs: refs.map(|(_, at)| at).collect() }
    }
}

/// Smallest k with 2^k words for a header and `fields` fields.
fn class_of(fields: u32) -> u32 {
    (fields + 1).next_power_of_two().trailing_zeros().max(1)
}

impl Heap {
    /// A heap of `words` words that starts from the used words of another (`image`), or empty.
    /// Zero words make a heap in which nothing can be allocated. Allocates and touches every page.
    pub fn new(words: u32, shapes: &[Shape], image: &[u64]) -> Self {
        let size = if words == 0 && image.is_empty() {
            0
        } else {
            (words as usize).max(image.len()).max(FIRST as usize)
        };
        let mut all = crate::state::touched(size);
        for (word, from) in all.iter_mut().zip(image) {
            *word = *from;
        }
        if image.is_empty()
            && let Some(top) = all.get_mut(TOP)
        {
            *top = u64::from(FIRST);
        }
        Self { words: all, shapes: shapes.iter().map(ShapeInfo::of).collect() }
    }

    /// The used words: what [`Heap::new`] takes as an image.
    pub fn image(&self) -> Vec<u64> {
        self.words.get(..self.used() as usize).unwrap_or_default().to_vec()
    }

    /// Words that were ever in use, the allocator's own included.
    pub fn used(&self) -> u32 {
        self.word(TOP) as u32
    }

    /// All words, for compiled code that reads and writes fields by itself.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// All words, for compiled code that reads and writes fields by itself.
    pub fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }

    /// Makes an object of shape number `shape` with one owner; missing fields are 0. `None` if the
    /// heap is full, the shape unknown, or there are more fields than the shape has. Takes over the
    /// caller's ownership of the objects in `fields`.
    pub fn alloc(&mut self, shape: u32, fields: &[u64]) -> Option<HeapRef> {
        let info = self.shapes.get(shape as usize)?;
        let (class, count) = (info.class, info.fields as usize);
        if fields.len() > count || shape > 0xffff {
            return None;
        }
        let object = self.room(class)?;
        self.put(object as usize, u64::from(shape) << 32 | 1);
        for at in 0..count {
            let value = fields.get(at).copied().unwrap_or(0);
            self.put(object as usize + 1 + at, value);
        }
        Some(HeapRef(object))
    }

    /// One more owner. Null is allowed.
    #[inline]
    pub fn retain(&mut self, object: HeapRef) {
        if object.is_null() {
            return;
        }
        let header = self.word(object.0 as usize);
        if header & LOW != LOW {
            self.put(object.0 as usize, header + 1);
        }
    }

    /// One owner less; at none, the object and what it alone owns are freed: at most
    /// [`RELEASE_LIMIT`] objects now, the others by later calls. Null is allowed.
    #[inline]
    pub fn release(&mut self, object: HeapRef) {
        if object.is_null() {
            return;
        }
        self.disown(object.0);
        if self.word(WAITING) != 0 {
            self.collect(RELEASE_LIMIT);
        }
    }

    /// Reads field `field`; 0 outside the heap and for null.
    #[inline]
    pub fn load(&self, object: HeapRef, field: u32) -> u64 {
        if object.is_null() {
            return 0;
        }
        self.word(object.0 as usize + 1 + field as usize)
    }

    /// Writes field `field`; nothing happens outside the heap and for null.
    #[inline]
    pub fn store(&mut self, object: HeapRef, field: u32, value: u64) {
        if !object.is_null() {
            self.put(object.0 as usize + 1 + field as usize, value);
        }
    }

    /// The shape number of an object.
    pub fn shape(&self, object: HeapRef) -> u32 {
        (self.word(object.0 as usize) >> 32) as u32 & 0xffff
    }

    /// The number of owners of an object.
    pub fn owners(&self, object: HeapRef) -> u32 {
        (self.word(object.0 as usize) & LOW) as u32
    }

    /// Whether objects wait to be freed by later calls.
    pub fn is_waiting(&self) -> bool {
        self.word(WAITING) != 0
    }

    /// Frees up to `limit` waiting objects; returns how many.
    pub fn collect(&mut self, limit: u32) -> u32 {
        for freed in 0..limit {
            let object = self.word(WAITING);
            if object == 0 {
                return freed;
            }
            let header = self.word(object as usize);
            self.put(WAITING, header & LOW);
            self.free(object as u32, (header >> 32) as u32 & 0xffff);
        }
        limit
    }

    /// Gives an object's fields and words back.
    fn free(&mut self, object: u32, shape: u32) {
        let Some(info) = self.shapes.get(shape as usize) else { return };
        let (class, count) = (info.class as usize, info.refs.len());
        for nth in 0..count {
            let field = self.shapes.get(shape as usize).and_then(|info| info.refs.get(nth));
            let at = field.copied().unwrap_or(0);
            let child = self.word(object as usize + 1 + at as usize) as u32;
            self.disown(child);
        }
        let next = self.word(FREE + class);
        self.put(object as usize, next);
        self.put(FREE + class, u64::from(object));
    }

    /// One owner less; without owners the object is put in the waiting list.
    fn disown(&mut self, object: u32) {
        if object == 0 {
            return;
        }
        let header = self.word(object as usize);
        match header & LOW {
            0 => debug_assert!(false, "object {object} was released more often than owned"),
            1 => {
                let waiting = self.word(WAITING);
                self.put(object as usize, header & !LOW | waiting);
                self.put(WAITING, u64::from(object));
            }
            // So many owners that they can no longer be counted: the object stays.
            LOW => {}
            _ => self.put(object as usize, header - 1),
        }
    }

    /// Words for an object of 2^class words: a free one, new ones, or one that waits to be freed.
    fn room(&mut self, class: u32) -> Option<u32> {
        if self.word(WAITING) != 0 {
            self.collect(RELEASE_LIMIT);
        }
        loop {
            if let Some(object) = self.reuse(class).or_else(|| self.extend(class)) {
                return Some(object);
            }
            if self.collect(RELEASE_LIMIT) == 0 {
                return None;
            }
        }
    }

    fn reuse(&mut self, class: u32) -> Option<u32> {
        let list = FREE + class as usize;
        let object = self.word(list);
        if object == 0 {
            return None;
        }
        let next = self.word(object as usize);
        self.put(list, next);
        Some(object as u32)
    }

    fn extend(&mut self, class: u32) -> Option<u32> {
        let top = self.word(TOP);
        let end = top + (1 << class);
        if top == 0 || end > self.words.len() as u64 {
            return None;
        }
        self.put(TOP, end);
        Some(top as u32)
    }

    #[inline]
    fn word(&self, at: usize) -> u64 {
        self.words.get(at).copied().unwrap_or(0)
    }

    #[inline]
    fn put(&mut self, at: usize, value: u64) {
        if let Some(word) = self.words.get_mut(at) {
            *word = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::ObjectKind;

    fn shape(fields: &[WordKind]) -> Shape {
        Shape { kind: ObjectKind::Cell, fields: fields.to_vec() }
    }

    fn shapes() -> Vec<Shape> {
        use WordKind::{F64, Ref};
        vec![shape(&[F64]), shape(&[Ref, F64]), shape(&[F64, Ref, Ref, F64]), shape(&[])]
    }

    /// Small numbers that look random, the same at every run.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, sides: usize) -> usize {
            self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (self.0 >> 33) as usize % sides
        }
    }

    #[test]
    fn fields_read_back_and_words_are_used_again() {
        let mut heap = Heap::new(64, &shapes(), &[]);
        let first = heap.alloc(1, &[0, 5]).unwrap();
        assert_eq!((heap.load(first, 1), heap.shape(first), heap.owners(first)), (5, 1, 1));
        heap.store(first, 1, 9);
        assert_eq!(heap.load(first, 1), 9);
        heap.release(first);
        assert_eq!(heap.alloc(1, &[]), Some(first));
        assert_eq!(heap.load(first, 1), 0);
    }

    #[test]
    fn a_full_heap_says_so_and_recovers() {
        let mut heap = Heap::new(FIRST + 8, &shapes(), &[]);
        let all: Vec<_> = std::iter::from_fn(|| heap.alloc(0, &[7])).collect();
        assert_eq!(all.len(), 4);
        heap.release(all[2]);
        assert_eq!(heap.alloc(0, &[]), Some(all[2]));
        assert_eq!(Heap::new(0, &shapes(), &[]).alloc(0, &[]), None);
        assert_eq!(Heap::new(64, &shapes(), &[]).alloc(9, &[]), None);
    }

    #[test]
    fn a_long_chain_is_freed_in_pieces() {
        let mut heap = Heap::new(4096, &shapes(), &[]);
        let mut head = HeapRef::NULL;
        for _ in 0..500 {
            head = heap.alloc(1, &[u64::from(head.0)]).unwrap();
        }
        let used = heap.used();
        heap.release(head);
        assert!(heap.is_waiting());
        let mut calls = 1;
        while heap.is_waiting() {
            assert!(heap.collect(RELEASE_LIMIT) <= RELEASE_LIMIT);
            calls += 1;
        }
        assert_eq!(calls, 500u32.div_ceil(RELEASE_LIMIT));
        for _ in 0..500 {
            heap.alloc(1, &[]).unwrap();
        }
        assert_eq!(heap.used(), used, "the second chain took the words of the first");
    }

    #[test]
    fn a_waiting_chain_is_used_before_the_heap_counts_as_full() {
        let mut heap = Heap::new(FIRST + 4 * 200, &shapes(), &[]);
        let mut head = HeapRef::NULL;
        while let Some(next) = heap.alloc(1, &[u64::from(head.0)]) {
            head = next;
        }
        heap.release(head);
        for _ in 0..200 {
            assert!(heap.alloc(1, &[]).is_some());
        }
    }

    #[test]
    fn an_image_goes_on_exactly_as_its_original() {
        let mut heap = Heap::new(256, &shapes(), &[]);
        let objects: Vec<_> = (0..10).map(|n| heap.alloc(n % 3, &[]).unwrap()).collect();
        heap.release(objects[4]);
        let mut copy = Heap::new(256, &shapes(), &heap.image());
        for n in 0..8 {
            assert_eq!(heap.alloc(n % 4, &[]), copy.alloc(n % 4, &[]));
        }
        assert_eq!(heap.image(), copy.image());
    }

    #[test]
    fn owners_of_a_random_graph_are_counted_right() {
        let mut heap = Heap::new(2048, &shapes(), &[]);
        let mut dice = Dice(1);
        let mut held: Vec<(HeapRef, u64)> = Vec::new();
        for step in 0..20_000u64 {
            if dice.roll(5) < 3 {
                let child = held.get(dice.roll(held.len().max(1))).map_or(HeapRef::NULL, |h| h.0);
                heap.retain(child);
                let Some(object) = heap.alloc(1, &[u64::from(child.0), step]) else {
                    heap.release(child);
                    continue;
                };
                held.push((object, step));
            } else if !held.is_empty() {
                let at = dice.roll(held.len());
                heap.release(held.swap_remove(at).0);
            }
            for (object, mark) in &held {
                assert_eq!(heap.load(*object, 1), *mark, "an owned object was overwritten");
                assert!(heap.owners(*object) > 0);
            }
        }
        for (object, _) in held {
            heap.release(object);
        }
        while heap.collect(RELEASE_LIMIT) > 0 {}
        let used = heap.used();
        let mut again = 0;
        while heap.used() == used && heap.alloc(1, &[]).is_some() {
            again += 1;
        }
        assert!(again >= (used - FIRST) / 4, "everything came back: {again} of {used} words");
    }
}
