//! The fixed heap of one instance: reference-counted objects named by word offsets.
//!
//! Word 0 is null. An object is a header word followed by its fields. The header holds the
//! reference count (low 32 bits) and the shape's index (next 16 bits). Free objects are kept in
//! lists by power-of-two size, linked through the heap itself; one release frees at most
//! [`RELEASE_LIMIT`] objects, the rest wait in a list inside the heap. Nothing here allocates.

use crate::code::{Shape, WordKind};

/// An offset into the heap in words; 0 is null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HeapRef(pub u32);

/// Most objects freed by one release; bounds the time it takes.
pub const RELEASE_LIMIT: u32 = 64;

/// Size of the heap when nothing else is asked for: 1 MiB.
pub const DEFAULT_HEAP_WORDS: u32 = 1 << 17;
