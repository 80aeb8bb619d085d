//! The order of the passes, once.
//!
//! Takes a text and options, gives a [`Compiled`]: a program ready to be instantiated, or what is
//! wrong with the text. Holds the flush-to-zero guard throughout, so that folding computes what the
//! running program would. Never panics: a panic of a pass is caught and reported as our bug.

use crate::message::Message;
use crate::program::Program;
use crate::target::Target;
use attacca_lang::diag::{Diagnostic, Diagnostics};
use attacca_lang::source::{SourceMap, Span};
use attacca_rt::Hz;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How to compile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// The backend.
    pub target: Target,
    /// The sample rate the code is for.
    pub rate: Hz,
}

impl Default for Options {
    fn default() -> Self {
        Self { target: Target::default(), rate: Hz(48_000.0) }
    }
}

/// The outcome of a compile.
#[derive(Debug)]
pub struct Compiled {
    /// The texts that spans point into.
    pub sources: SourceMap,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
    /// The program, unless there are errors.
    pub program: Option<Arc<Program>>,
    /// Time from the text to code.
    pub time: Duration,
}

impl Compiled {
    /// Errors and warnings as plain data, in the order of their places.
    pub fn messages(&self) -> Vec<Message> {
        let sorted = self.diagnostics.sorted();
        sorted.into_iter().map(|diagnostic| Message::of(diagnostic, &self.sources)).collect()
    }
}

/// Compiles a text.
pub fn compile(name: &str, text: &str, _options: &Options) -> Compiled {
    let start = Instant::now();
    let mut sources = SourceMap::new();
    let file = sources.add(name, text);
    let mut diagnostics = Diagnostics::new();
    let message = "the compiler is not complete yet";
    diagnostics.push(Diagnostic::error("not-supported-yet", Span::new(file, 0, 0), message));
    Compiled { sources, diagnostics, program: None, time: start.elapsed() }
}
