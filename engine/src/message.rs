//! What the engine says, as plain data: messages with places, controls, notices, what a swap kept.
//!
//! Made from the compiler's diagnostics and the audio side's reports; a window, a terminal or a test
//! draws it as it likes.

use attacca_lang::diag::{self, Diagnostic};
use attacca_lang::source::SourceMap;
use attacca_rt::carry::Carried;
use attacca_rt::code::{Layout, Site};
use attacca_rt::ctx::{Fault, FaultKind};
use attacca_rt::swap::ProgramId;

/// How bad a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The program is rejected.
    Error,
    /// The program runs, perhaps not as meant.
    Warning,
    /// Good to know.
    Note,
}

impl Severity {
    /// The word, as printed and as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One message of the compiler with its place. Lines and columns count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// How bad.
    pub severity: Severity,
    /// Stable name in kebab case.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// Name of the file.
    pub file: String,
    /// Line of the first character.
    pub line: u32,
    /// Column of the first character.
    pub column: u32,
    /// Line after the last character.
    pub end_line: u32,
    /// Column after the last character.
    pub end_column: u32,
    /// What to do about it; empty if there is nothing to say. Several lines for several ideas.
    pub help: String,
    /// Further places with their position, then helps and notes, each with its prefix.
    pub notes: Vec<String>,
}

impl Message {
    /// A diagnostic with its span as lines and columns.
    pub fn of(diagnostic: &Diagnostic, sources: &SourceMap) -> Self {
        let (start, end) = (sources.start(diagnostic.span), sources.end(diagnostic.span));
        Self {
            severity: match diagnostic.severity {
                diag::Severity::Error => Severity::Error,
                diag::Severity::Warning => Severity::Warning,
            },
            code: diagnostic.code.to_owned(),
            message: diagnostic.message.clone(),
            file: sources.name(diagnostic.span.file).to_owned(),
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
            help: diagnostic.help.join("\n"),
            notes: diagnostic.places(sources).chain(diagnostic.remarks()).collect(),
        }
    }
}

/// A control of a program and the parameter slot it has.
#[derive(Clone, Debug, PartialEq)]
pub struct ControlInfo {
    /// Slot number, from 0.
    pub slot: u16,
    /// The name in the program.
    pub name: String,
    /// Value before anything moves it.
    pub initial: f64,
    /// Value at the host's 0.
    pub min: f64,
    /// Value at the host's 1.
    pub max: f64,
}

/// What a swap keeps, in leaves of the state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanSummary {
    /// Go on with their value.
    pub kept: usize,
    /// Start anew.
    pub fresh: usize,
    /// Of the old program, without a successor.
    pub dropped: usize,
    /// The same, leaf by leaf, one a line.
    pub text: String,
}

/// Something that happened while sound ran.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A program took over.
    SwapDone {
        /// Which.
        id: ProgramId,
        /// Its first frame, in samples since activation.
        at: u64,
        /// Time the swap took in the callback, in microseconds.
        micros: f64,
        /// State words copied.
        words: u32,
        /// Delay lines exchanged by pointer.
        lines: u32,
        /// What of the heap and the tasks went on.
        carried: Carried,
    },
    /// A program was stopped; the next good one will play.
    Fault {
        /// What and why.
        message: String,
        /// Line of the function, from 1; 0 if unknown.
        line: u32,
    },
    /// The program printed numbers (`probe`, `probeln`).
    Printed {
        /// As they are to be read.
        text: String,
    },
    /// Something odd that the sound survived.
    Report {
        /// What.
        message: String,
    },
}

/// A fault in words: reason and function; and the function's line in the program's own text, 0 if it is
/// in another file.
pub fn describe_fault(fault: Fault, layout: &Layout) -> (String, u32) {
    let site = layout.sites.get(fault.site as usize);
    let name = site.map_or("the program", |site| site.function.as_str());
    // A line of another file would be looked for in the program's own text.
    let line = site.filter(|site| site.file == 0).map_or(0, |site| site.line);
    let message = match fault.kind {
        FaultKind::Recursion => {
            format!(
                "`{name}` calls itself without end, or too often: more than 1000000 calls or 2000 levels in one sample"
            )
        }
        FaultKind::Heap => {
            format!("`{name}` makes more functions, arrays and variants than the memory holds")
        }
        FaultKind::Tasks => format!("`{name}` schedules too many tasks"),
        FaultKind::TooSlow => {
            format!("`{name}` is too slow for real time: it took longer than its sound lasts")
        }
    };
    (message, line)
}

/// A task that was scheduled too late, in words; `site` is an index into the layout's.
pub(crate) fn describe_dropped(site: u32, sites: &[Site]) -> String {
    let place = sites
        .get(site as usize)
        .map_or(String::new(), |site| format!(" (`{}`, line {})", site.function, site.line));
    format!("a task was scheduled for a time that is not in the future{place}; it is dropped")
}

/// What the output guard did to a channel, in words; `ceiling` is linear, `None` for what is not finite.
pub(crate) fn describe_guard(channel: u32, ceiling: Option<f64>) -> String {
    let output = match channel {
        0 => "the left output".to_owned(),
        1 => "the right output".to_owned(),
        other => format!("output {}", other + 1),
    };
    match ceiling {
        Some(level) => {
            let level = 20.0 * level.max(1e-9).log10();
            format!("{output} is louder than {level:+.1} dBFS and is held there")
        }
        None => format!("{output} is not a number at times; silence takes its place"),
    }
}
