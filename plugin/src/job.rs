//! What the worker is asked to do, and what it tells of a program: plain data.

use crate::editor::SwapAt;
use crate::slots::Slot;
use attacca_engine::FileCopy;
use std::sync::Arc;
use std::time::Instant;

/// What the worker is asked to do.
pub(crate) enum Job {
    /// Compile this text; `serial` grows with each.
    Text {
        /// Which request this is.
        serial: u64,
        /// The program.
        text: Arc<str>,
        /// Where it comes from.
        origin: Origin,
        /// When this was asked.
        asked: Instant,
    },
    /// The names that slots have in the session that was loaded, from slot 0.
    Names(Vec<String>),
    /// From now on compile for this sample rate, in hertz.
    Rate(f64),
    /// Hear control values by OSC, or not.
    Osc(bool),
    /// When the programs of the next texts take over.
    Swap(SwapAt),
    /// The output guard's ceiling, linear.
    Ceiling(f64),
    /// Where the program's files are, and what stands in for them.
    Files {
        /// The folder; empty if there is none.
        folder: String,
        /// Copies of the files.
        copies: Vec<FileCopy>,
        /// Whether the last text is compiled again.
        again: bool,
    },
    /// Run the newest program again, from its beginning.
    Again,
    /// The program that plays must not go on.
    Hold,
    /// Begin with a new processor: for a recording, or on another backend.
    Renew(Wanted),
    /// Save what was recorded.
    SaveRecording,
    /// Finish.
    Stop,
}

/// What a new processor is made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Whether what it is given is recorded.
    pub(crate) record: bool,
    /// The backend's name; empty is the usual one.
    pub(crate) backend: String,
}

/// Where a text comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The user or a program outside: parameter values follow their names.
    Edit,
    /// A saved session: parameter values came with it.
    Session,
}

/// The parameters of a program that is going to play.
pub(crate) struct Parameters<'a> {
    /// Its controls.
    pub(crate) controls: &'a [Slot],
    /// Copies of the files it uses.
    pub(crate) files: Vec<FileCopy>,
    /// The name that each slot has or had, from slot 0.
    pub(crate) names: Vec<String>,
}
