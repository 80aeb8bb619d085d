//! The private CLAP extension `audio.attacca.document/1`: the C structs, and nothing else.
//!
//! A plugin instance answers `get_extension("audio.attacca.document/1")` with a
//! [`DocumentExtension`]. Through it a host that knows Attacca (the demo, the tests, a text editor's
//! bridge) replaces the program, reads it back, and asks how the last compile and swap went.
//! This file depends on `std` and the types of `clap-sys` only, so that another crate may include it
//! by `#[path]`. It must never contain behaviour, and the layout of a published version never
//! changes: new things come as `/2`.
//!
//! All functions are `[main-thread]`, in CLAP's words; texts are UTF-8, not terminated by zero,
//! with their length in bytes.

use clap_sys::plugin::clap_plugin;
use std::ffi::{CStr, c_char};

/// The extension's name.
pub const DOCUMENT_EXTENSION: &CStr = c"audio.attacca.document/1";

/// [`DocumentStatus::state`]: no program has been compiled yet; the effect passes its input through,
/// the instrument is silent.
pub const DOCUMENT_SILENT: u32 = 0;
/// [`DocumentStatus::state`]: a program is running.
pub const DOCUMENT_PLAYING: u32 = 1;
/// [`DocumentStatus::state`]: the program stopped with a fault; `message` says which.
pub const DOCUMENT_FAULTED: u32 = 2;

/// How the document and its last compile stand.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct DocumentStatus {
    /// What the audio side does: one of the `DOCUMENT_` values.
    pub state: u32,
    /// 1 while a text that was handed over has not been compiled yet, else 0.
    pub compiling: u32,
    /// How many texts have been compiled (accepted or not) since the instance was made.
    pub compiles: u64,
    /// How many programs have been swapped in on the audio thread.
    pub swaps: u64,
    /// 1 if the last text compiled was accepted, else 0.
    pub accepted: u32,
    /// How many errors the last compile reported.
    pub errors: u32,
    /// Wall-clock time of the last compile, milliseconds; 0 before the first.
    pub compile_ms: f64,
    /// Time that the last swap took inside the callback, microseconds; 0 before the first.
    pub swap_us: f64,
    /// Load of the callback: time spent over time available, 0..1 and more, smoothed.
    pub load: f64,
    /// Of the last plan: state nodes that were kept.
    pub kept: u32,
    /// Of the last plan: state nodes that start fresh.
    pub fresh: u32,
    /// Of the last plan: state nodes of the old program that were dropped.
    pub dropped: u32,
    /// Line (from 1) of the first message, 0 when it has none.
    pub line: u32,
    /// The last plan in words; as many bytes as fit, terminated by zero.
    pub plan: [c_char; 512],
    /// The first message of the last compile, or the fault; terminated by zero, empty when all is well.
    pub message: [c_char; 512],
}

/// The functions that the extension offers.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct DocumentExtension {
    /// Replaces the program by `length` bytes of UTF-8 at `text` and asks for a compile; returns at once.
    ///
    /// False if the pointer is null or the text isn't UTF-8 (the document then stays as it was).
    pub set_text: Option<
        unsafe extern "C" fn(plugin: *const clap_plugin, text: *const c_char, length: u32) -> bool,
    >,
    /// Copies at most `capacity` bytes of the program's text to `buffer` (which may be null when
    /// `capacity` is 0) and returns the text's whole length in bytes.
    pub get_text: Option<
        unsafe extern "C" fn(plugin: *const clap_plugin, buffer: *mut c_char, capacity: u32) -> u32,
    >,
    /// Fills `status`; false if the pointer is null.
    pub get_status: Option<
        unsafe extern "C" fn(plugin: *const clap_plugin, status: *mut DocumentStatus) -> bool,
    >,
}
