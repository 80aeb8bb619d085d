//! The allocator of test builds: ends the process when the audio thread allocates or frees while it is
//! inside `process`.
//!
//! The host's own allocator cannot see what this library does; builds for use don't have it.

#![expect(unsafe_code, reason = "a global allocator is unsafe to write")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Whether this thread may neither allocate nor free.
    static ARMED: Cell<bool> = const { Cell::new(false) };
}

/// While it lives, this thread may neither allocate nor free.
pub(super) struct Armed(());

/// Arms this thread.
pub(super) fn arm() -> Armed {
    ARMED.set(true);
    Armed(())
}

impl Drop for Armed {
    fn drop(&mut self) {
        ARMED.set(false);
    }
}

struct Aborting;

impl Aborting {
    fn check(what: &str) {
        if ARMED.get() {
            ARMED.set(false);
            eprintln!("the audio thread {what}:\n{}", std::backtrace::Backtrace::force_capture());
            std::process::abort();
        }
    }
}

// SAFETY: hands everything on to the system's allocator, unchanged.
unsafe impl GlobalAlloc for Aborting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::check("allocated");
        // SAFETY: the caller's promise, handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        Self::check("freed");
        // SAFETY: the caller's promise, handed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Self::check("reallocated");
        // SAFETY: the caller's promise, handed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Aborting = Aborting;
