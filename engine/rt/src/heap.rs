//! The fixed heap of one instance: reference-counted objects named by word offsets.
//!
//! Takes words from the worker once, hands out and takes back objects while sound runs; never
//! allocates, never panics. Everything the allocator knows lies in the words themselves, so that
//! an image of the heap is a copy of its used words.
//!
//! Format. Word 0 (the null reference) holds the offset of the first word never used. The next words
//! are always 0, so that compiled code may read the length and the first [`NULL_FIELDS`] fields of
//! null as those of any object. Then come the first object that waits to be freed, and the first free
//! object of 2^1, 2^2 .. words. Objects follow from word [`FIRST`]. An object is a header word followed
//! by its fields, in 2^k words; an array is a header, its length, and its elements side by side. The
//! header holds the reference count (low 32 bits), the shape's index (next 16 bits) and k (high 16
//! bits). A free object's header is the offset of the next free one. An object that waits to be freed
//! has the offset of the next waiting one in place of its count.

use crate::code::{ObjectKind, Shape, WordKind};

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

/// Most elements that an array gives up at once while it is freed; one that holds refs and has more
/// counts as several objects.
pub const ELEMENT_LIMIT: u32 = 16;

/// Size of the heap when nothing else is asked for: 1 MiB.
pub const DEFAULT_HEAP_WORDS: u32 = 1 << 17;

/// Offset of the first object. The words before belong to the allocator.
pub const FIRST: u32 = 48;

/// Most fields of an object.
pub const MAX_FIELDS: usize = (1 << 16) - 1;

/// As many fields of null read as 0 by themselves.
pub const NULL_FIELDS: u32 = 15;

/// Word that holds the first waiting object, 0 if none waits.
pub const WAITING: u32 = 16;

const TOP: usize = 0;
/// Free list of class k (2^k words) is word `FREE + k`.
const FREE: u32 = 16;
/// Largest class.
const MOST_CLASS: u32 = 30;
const LOW: u64 = 0xffff_ffff;
/// In the header of a marked object; no class needs this bit.
const MARK: u64 = 1 << 63;

/// Smallest k with 2^k words for an object of `words` words, header included.
pub const fn class_of(words: u32) -> u32 {
    let class = (if words < 2 { 2 } else { words }).next_power_of_two().trailing_zeros();
    if class > MOST_CLASS { MOST_CLASS } else { class }
}

/// The header of an object with one owner, of shape number `shape`, in 2^`class` words.
pub const fn header(shape: u32, class: u32) -> u64 {
    (class as u64) << 48 | (shape as u64 & 0xffff) << 32 | 1
}

/// Word that holds the first free object of 2^`class` words, 0 if there is none.
pub const fn free_list(class: u32) -> u32 {
    FREE + class
}

/// The fixed heap of one instance.
#[derive(Clone, Debug)]
pub struct Heap {
    words: Box<[u64]>,
    shapes: Box<[ShapeInfo]>,
}

/// What the allocator needs to know of a shape.
#[derive(Clone, Debug)]
struct ShapeInfo {
    array: bool,
    /// Fields of the object or of one element.
    fields: u32,
    /// Those of them that hold refs.
    refs: Box<[u32]>,
}

impl ShapeInfo {
    fn of(shape: &Shape) -> Self {
        let fields = shape.fields.len().min(MAX_FIELDS) as u32;
        let refs = shape.fields.iter().zip(0u32..).filter(|(kind, _)| **kind == WordKind::Ref);
        Self {
            array: shape.kind == ObjectKind::Array,
            fields,
            refs: refs.map(|(_, at)| at).collect(),
        }
    }
}

impl Heap {
    /// A heap of `words` words that starts from the used words of another (`image`), or empty.
    /// There are [`FIRST`] words at least, in which nothing can be allocated. Allocates and touches
    /// every page.
    pub fn new(words: u32, shapes: &[Shape], image: &[u64]) -> Self {
        let size = (words as usize).max(image.len()).max(FIRST as usize);
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
    /// heap is full, the shape unknown or an array, or there are more fields than the shape has. Takes over the
    /// caller's ownership of the objects in `fields`.
    pub fn alloc(&mut self, shape: u32, fields: &[u64]) -> Option<HeapRef> {
        let info = self.shapes.get(shape as usize)?;
        let (class, count) = (class_of(info.fields + 1), info.fields as usize);
        if fields.len() > count || shape > 0xffff || info.array {
            return None;
        }
        let object = self.room(class)?;
        self.put(object as usize, header(shape, class));
        for at in 0..count {
            let value = fields.get(at).copied().unwrap_or(0);
            self.put(object as usize + 1 + at, value);
        }
        Some(HeapRef(object))
    }

    /// Makes an array of `len` zero elements of shape number `shape`, with one owner; null if `len` is
    /// not above 0. `None` if the heap is full, or the shape unknown or no array.
    pub fn new_array(&mut self, shape: u32, len: i64) -> Option<HeapRef> {
        if len <= 0 {
            return Some(HeapRef::NULL);
        }
        let info = self.shapes.get(shape as usize).filter(|info| info.array)?;
        let elements = u64::try_from(len).ok()?.checked_mul(u64::from(info.fields))?;
        let words = u32::try_from(elements.checked_add(2)?).ok()?;
        if words as usize > self.words.len() || shape > 0xffff {
            return None;
        }
        let class = class_of(words);
        let array = self.room(class)?;
        self.put(array as usize, header(shape, class));
        self.put(array as usize + 1, len as u64);
        let elements = array as usize + 2..array as usize + words as usize;
        if let Some(elements) = self.words.get_mut(elements) {
            elements.fill(0);
        }
        Some(HeapRef(array))
    }

    /// Number of elements of an array; 0 for null.
    #[inline]
    pub fn array_len(&self, array: HeapRef) -> u64 {
        self.word(array.0 as usize + 1)
    }

    /// Reads field `field` of element `index`, of elements of `stride` fields; 0 where there is none.
    #[inline]
    pub fn array_load(&self, array: HeapRef, index: u64, stride: u32, field: u32) -> u64 {
        if index >= self.array_len(array) {
            return 0;
        }
        let at = u64::from(array.0) + 2 + u64::from(field);
        self.word(at.wrapping_add(index.wrapping_mul(u64::from(stride))) as usize)
    }

    /// Puts a number in place of an object's reference count, which is given back; [`Heap::unmark`] puts it
    /// back there. Nothing else may be done to the object meanwhile but looking at its fields and shape.
    /// `None` if there is no such place.
    pub(crate) fn mark(&mut self, object: HeapRef, number: u32) -> Option<u32> {
        let header = self.words.get_mut(object.0 as usize)?;
        let count = *header as u32;
        *header = *header & !LOW | MARK | u64::from(number);
        Some(count)
    }

    /// The number that an object is marked with.
    pub(crate) fn marked(&self, object: HeapRef) -> Option<u32> {
        let header = self.word(object.0 as usize);
        (header & MARK != 0).then_some(header as u32)
    }

    /// Takes the mark away.
    pub(crate) fn unmark(&mut self, object: HeapRef, count: u32) {
        let header = self.word(object.0 as usize);
        self.put(object.0 as usize, header & !(LOW | MARK) | u64::from(count));
    }

    /// All elements of an array side by side, of `stride` fields each.
    pub(crate) fn elements(&self, array: HeapRef, stride: u32) -> &[u64] {
        let words = usize::try_from(self.array_len(array)).ok();
        let words = words.and_then(|len| len.checked_mul(stride as usize)).unwrap_or(0);
        let start = array.0 as usize + 2;
        self.words.get(start..start.saturating_add(words)).unwrap_or_default()
    }

    /// All elements of an array side by side, of `stride` fields each.
    pub(crate) fn elements_mut(&mut self, array: HeapRef, stride: u32) -> &mut [u64] {
        let (start, words) = (array.0 as usize + 2, self.elements(array, stride).len());
        self.words.get_mut(start..start + words).unwrap_or_default()
    }

    /// Writes field `field` of element `index`, of elements of `stride` fields; nothing happens where
    /// there is none.
    #[inline]
    pub fn array_store(&mut self, array: HeapRef, index: u64, stride: u32, field: u32, value: u64) {
        if index < self.array_len(array) {
            let at = u64::from(array.0) + 2 + u64::from(field);
            self.put(at.wrapping_add(index.wrapping_mul(u64::from(stride))) as usize, value);
        }
    }

    /// Copies `count` elements from `from_index` on of one array to `to_index` on of another of the same
    /// shape, as if all were read first; those that do not exist on both sides are left out. Refs that
    /// are copied get an owner, those overwritten lose one.
    pub fn array_copy(
        &mut self,
        (to, to_index): (HeapRef, i64),
        (from, from_index): (HeapRef, i64),
        count: i64,
    ) {
        // No array is longer than the heap, whatever broken code wrote there.
        let most = self.words.len() as u64;
        let (to_len, from_len) = (self.array_len(to).min(most), self.array_len(from).min(most));
        let (to_index, from_index) = (i128::from(to_index), i128::from(from_index));
        let first = (-to_index).max(-from_index).max(0);
        let room = (i128::from(to_len) - to_index).min(i128::from(from_len) - from_index);
        let end = i128::from(count).min(room);
        let same = self.shape(to) == self.shape(from);
        let Some(info) = self.shapes.get(self.shape(to) as usize).filter(|info| info.array && same)
        else {
            return;
        };
        if first >= end {
            return;
        }
        let (stride, owning) = (info.fields as usize, !info.refs.is_empty());
        // The numbers are not negative, and below the size of the heap.
        let place =
            |array: HeapRef, index: i128| array.0 as usize + 2 + (index + first) as usize * stride;
        let (source, target) = (place(from, from_index), place(to, to_index));
        let words = (end - first) as usize * stride;
        if source + words > self.words.len() || target + words > self.words.len() {
            return;
        }
        if owning {
            self.each_ref(from, source, words, |heap, object| heap.retain(HeapRef(object)));
            self.each_ref(to, target, words, Self::disown);
        }
        self.words.copy_within(source..source + words, target);
        if owning && self.is_waiting() {
            self.collect(RELEASE_LIMIT);
        }
    }

    /// Calls `visit` with each ref in `words` words of elements from word `first` on.
    fn each_ref(
        &mut self,
        array: HeapRef,
        first: usize,
        words: usize,
        mut visit: impl FnMut(&mut Self, u32),
    ) {
        let shape = self.shape(array) as usize;
        let Some(stride) = self.shapes.get(shape).map(|info| info.fields as usize) else { return };
        for element in (first..first + words).step_by(stride.max(1)) {
            for nth in 0.. {
                let field = self.shapes.get(shape).and_then(|info| info.refs.get(nth));
                let Some(field) = field.copied() else { break };
                let object = self.word(element + field as usize) as u32;
                visit(self, object);
            }
        }
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
        let header = self.word(object.0 as usize);
        if header & LOW == 1 && !self.is_waiting() {
            // The one that would be freed first in any case.
            self.free(object.0, header & !LOW);
        } else {
            self.disown(object.0);
        }
        if self.is_waiting() {
            self.collect(RELEASE_LIMIT - 1);
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
    #[inline]
    pub fn is_waiting(&self) -> bool {
        self.word(WAITING as usize) != 0
    }

    /// Frees up to `limit` waiting objects; returns how many. An array of refs counts as several:
    /// see [`ELEMENT_LIMIT`].
    pub fn collect(&mut self, limit: u32) -> u32 {
        for freed in 0..limit {
            let object = self.word(WAITING as usize);
            if object == 0 {
                return freed;
            }
            let header = self.word(object as usize);
            self.put(WAITING as usize, header & LOW);
            self.free(object as u32, header & !LOW);
        }
        limit
    }

    /// Gives an object's fields and words back; `header` is its header without a count.
    fn free(&mut self, object: u32, header: u64) {
        let (shape, class) = ((header >> 32) as usize & 0xffff, (header >> 48) as u32);
        let Some(info) = self.shapes.get(shape) else { return };
        let (array, stride, owning) = (info.array, info.fields as usize, !info.refs.is_empty());
        if owning && array {
            let len = self.word(object as usize + 1).min(self.words.len() as u64);
            let left = len.saturating_sub(u64::from(ELEMENT_LIMIT));
            let first = object as usize + 2 + left as usize * stride;
            self.each_ref(HeapRef(object), first, (len - left) as usize * stride, Self::disown);
            if left > 0 {
                // The rest is given up when its turn comes again.
                self.put(object as usize + 1, left);
                self.wait(object, header);
                return;
            }
        } else if owning {
            self.each_ref(HeapRef(object), object as usize + 1, stride, Self::disown);
        }
        if (1..=MOST_CLASS).contains(&class) {
            let list = free_list(class) as usize;
            let next = self.word(list);
            self.put(object as usize, next);
            self.put(list, u64::from(object));
        }
    }

    /// Puts an object in the list of those that wait to be freed.
    #[inline]
    fn wait(&mut self, object: u32, header: u64) {
        let waiting = self.word(WAITING as usize);
        self.put(object as usize, header & !LOW | waiting);
        self.put(WAITING as usize, u64::from(object));
    }

    /// One owner less; without owners the object is put in the waiting list.
    fn disown(&mut self, object: u32) {
        if object == 0 {
            return;
        }
        let header = self.word(object as usize);
        match header & LOW {
            0 => debug_assert!(false, "object {object} was released more often than owned"),
            1 => self.wait(object, header),
            // So many owners that they can no longer be counted: the object stays.
            LOW => {}
            _ => self.put(object as usize, header - 1),
        }
    }

    /// Words for an object of 2^class words: a free one, new ones, or one that waits to be freed.
    fn room(&mut self, class: u32) -> Option<u32> {
        if self.is_waiting() {
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
        let list = free_list(class) as usize;
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
mod tests;
