//! Room on the stack for code that is nested deeply.

/// Where less than this is left, a new piece of stack is taken, in bytes.
const RED_ZONE: usize = 256 * 1024;
/// Size of such a piece, in bytes.
const PIECE: usize = 2 * 1024 * 1024;

/// Calls `inside` with enough stack for some levels of nesting.
pub(crate) fn with_room<T>(inside: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(RED_ZONE, PIECE, inside)
}
