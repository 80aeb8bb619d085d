//! The private CLAP extension `audio.attacca.session/1`: the C structs, and nothing else.
//!
//! A plugin instance answers `get_extension("audio.attacca.session/1")` with a [`SessionExtension`]:
//! the buttons of the window for hosts that know Attacca. Like `document_ext`, this file may be included
//! by `#[path]`, and the layout of a published version never changes.
//!
//! All functions are `[main-thread]`, in CLAP's words, and return at once.

use clap_sys::plugin::clap_plugin;
use std::ffi::{CStr, c_char};

/// The extension's name.
pub const SESSION_EXTENSION: &CStr = c"audio.attacca.session/1";

/// The functions that the extension offers.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct SessionExtension {
    /// Runs the program that was stopped, from its beginning.
    pub run_again: Option<unsafe extern "C" fn(plugin: *const clap_plugin)>,
    /// Records what the instance is given, or ends that. A recording begins with a fresh instance of
    /// the program.
    pub record: Option<unsafe extern "C" fn(plugin: *const clap_plugin, on: bool)>,
    /// Asks for the recording so far to be saved as a file.
    pub save_recording: Option<unsafe extern "C" fn(plugin: *const clap_plugin)>,
    /// Copies at most `capacity` bytes of the path of the file that was saved last to `buffer` (which
    /// may be null when `capacity` is 0) and returns its whole length in bytes; 0 before the first.
    pub saved_recording: Option<
        unsafe extern "C" fn(plugin: *const clap_plugin, buffer: *mut c_char, capacity: u32) -> u32,
    >,
}
