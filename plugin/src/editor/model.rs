//! What the window shows and what its user can do: plain data between [`View`](super::View) and the
//! rest of the plugin.

use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What a piece of text is, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Names and whatever has no better kind.
    Plain,
    /// `fn`, `let`, `if` and the like.
    Keyword,
    /// A number.
    Number,
    /// A string.
    Text,
    /// A comment.
    Comment,
    /// An operator.
    Operator,
    /// Brackets, commas, colons.
    Punctuation,
    /// `self`, `now`, `samplerate`.
    Value,
    /// A built-in function.
    Builtin,
    /// A macro call, a stage mark, a quote or splice.
    Macro,
    /// A type.
    Type,
    /// The name of a function where it is made or called.
    Function,
    /// What the lexer couldn't read.
    Wrong,
}

/// A coloured piece of text: bytes and kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// What they are.
    pub kind: TokenKind,
}

/// Colours a text: tokens in order, without overlaps.
pub type Highlighter = fn(&str) -> Vec<Token>;

/// How serious a message is, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// For information.
    Note,
    /// The program plays, but look here.
    Warning,
    /// The program was not accepted, or stopped.
    Error,
}

/// A message of the compiler, the engine or the plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// How serious.
    pub severity: Severity,
    /// What to say.
    pub text: String,
    /// What to do about it; may be empty.
    pub help: String,
    /// Line from 1; 0 when the message has no place.
    pub line: u32,
    /// Column from 1, in characters.
    pub column: u32,
    /// Line of the end, from 1.
    pub end_line: u32,
    /// Column just behind the end, from 1.
    pub end_column: u32,
}

impl Message {
    /// A message without a place.
    pub fn general(severity: Severity, text: impl Into<String>) -> Message {
        Message {
            severity,
            text: text.into(),
            help: String::new(),
            line: 0,
            column: 0,
            end_line: 0,
            end_column: 0,
        }
    }
}

/// A control that the program declares, with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Control {
    /// Number of the parameter slot, from 0.
    pub slot: usize,
    /// Its name in the program.
    pub name: String,
    /// Value, 0..1.
    pub value: f64,
    /// Initial value, 0..1.
    pub initial: f64,
    /// The value as the user reads it.
    pub text: String,
}

/// What the audio side does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Playing {
    /// No program yet: an effect passes its input through.
    Through,
    /// No program yet: an instrument is silent.
    Silent,
    /// A program plays.
    Program,
    /// The program stopped with a fault.
    Faulted,
}

/// Everything of the plugin that a frame shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// What the plugin is called, such as "effect".
    pub kind: &'static str,
    /// The text as the plugin holds it; replaces the view's text when `revision` changes.
    pub revision: u64,
    /// What the audio side does.
    pub playing: Playing,
    /// A text is being compiled.
    pub compiling: bool,
    /// Compile time of the last text, in milliseconds.
    pub compile_ms: Option<f64>,
    /// Time of the last swap in the callback, in microseconds.
    pub swap_us: Option<f64>,
    /// Load of the callback, 0..1.
    pub load: f64,
    /// The last plan in words, such as "12 kept, 1 fresh".
    pub plan: String,
    /// Messages, the most important first.
    pub messages: Vec<Message>,
    /// The program's controls.
    pub controls: Vec<Control>,
    /// The program's probes.
    pub probes: Vec<Probe>,
    /// How much of the probes is shown.
    pub span: Span,
    /// Whether control values are heard by OSC.
    pub osc: Osc,
    /// When an edit takes over.
    pub swap: SwapAt,
    /// Where in the song the edit that waits takes over: bar and beat, both from 0.
    pub waits: Option<(f64, f64)>,
    /// A fault stopped the program, and it can be run again.
    pub stopped: bool,
    /// What the output guard does.
    pub guard: Guard,
    /// Seconds that a program may be slower than real time; 0 is for ever.
    pub patience: f32,
    /// Where the program's files are.
    pub folder: Folder,
    /// What happens is recorded for a bug report.
    pub record: bool,
    /// The recording.
    pub tape: Tape,
}

/// What was recorded for a bug report.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tape {
    /// Its size in bytes.
    pub bytes: usize,
    /// Why it has ended already; empty if it goes on.
    pub over: String,
    /// The file that was saved last; empty if none was.
    pub saved: String,
    /// Why the last one could not be saved; empty if it was.
    pub failed: String,
}

/// When an edit takes over from what plays, by the host's song. While the song stands, at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum SwapAt {
    /// As soon as it is compiled.
    #[default]
    Once,
    /// At the next beat.
    Beat,
    /// At the next bar.
    Bar,
    /// At the next bar whose number, counted from the song's start, is a multiple of this.
    Bars(u32),
}

/// How much of a probe's past is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Span {
    /// 20 milliseconds; what repeats stands still.
    #[default]
    Cycles,
    /// The last 100 milliseconds.
    Moment,
    /// The last 4 seconds.
    Seconds,
}

impl Span {
    /// All of them, the shortest first.
    pub const ALL: [Span; 3] = [Span::Cycles, Span::Moment, Span::Seconds];

    /// Its length in seconds.
    pub fn seconds(self) -> f64 {
        match self {
            Span::Cycles => 0.02,
            Span::Moment => 0.1,
            Span::Seconds => 4.0,
        }
    }
}

/// The extremes of some neighbouring values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stroke {
    /// The smallest.
    pub low: f32,
    /// The largest.
    pub high: f32,
}

impl Stroke {
    /// The extremes of both.
    #[must_use]
    pub fn with(self, other: Stroke) -> Stroke {
        Stroke { low: self.low.min(other.low), high: self.high.max(other.high) }
    }
}

/// A probe of the program.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// Its name in the program.
    pub name: String,
    /// The last value.
    pub value: Option<f64>,
    /// What it has shown, oldest first, at even distances.
    pub trace: Vec<Stroke>,
}

/// The output guard.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Guard {
    /// Louder samples are held at this level, in dBFS; none lets all finite samples pass.
    pub ceiling: Option<f32>,
    /// How often each channel was held back since the user last looked.
    pub held: [Held; 2],
}

/// How often a channel was held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// Beyond the ceiling.
    pub loud: u32,
    /// Not a number, or infinite.
    pub broken: u32,
}

impl Held {
    /// Both together.
    pub fn times(self) -> u32 {
        self.loud.saturating_add(self.broken)
    }
}

/// The folder with the program's files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Folder {
    /// Its path; empty if there is none.
    pub path: String,
    /// It is not there.
    pub missing: bool,
    /// Names of the files that the program uses.
    pub files: Vec<String>,
}

/// What is done with a control.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gesture {
    /// The user takes hold of it.
    Begin,
    /// It moves to this value, 0..1.
    Set(f64),
    /// The user lets go.
    End,
}

/// What the user wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// The text changed; keep it with the session.
    Edited(String),
    /// Compile the text and play it.
    Compile(String),
    /// Compile while typing, or not.
    Live(Live),
    /// Hear control values by OSC, or not.
    Osc(Osc),
    /// When edits take over.
    Swap(SwapAt),
    /// Run the program that a fault stopped.
    Again,
    /// Hold the output at this level in dBFS, or only what is not finite.
    Ceiling(Option<f32>),
    /// Forget how often the output was held back.
    ClearGuard,
    /// Seconds that a program may be slower than real time; 0 is for ever.
    Patience(f32),
    /// Find the program's files here.
    Folder(String),
    /// Record what happens, from the program's beginning on, or no longer.
    Record(bool),
    /// Save what was recorded as a file.
    SaveRecording,
    /// Show this much of the probes.
    Span(Span),
    /// A control was touched.
    Turn {
        /// Its slot, from 0.
        slot: usize,
        /// What was done.
        gesture: Gesture,
    },
}

/// Whether the program is compiled while it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Live {
    /// After each pause in typing.
    On,
    /// Only when asked for.
    Off,
}

/// Whether programs on this machine may set controls by OSC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Osc {
    /// They are heard on UDP port 9000.
    On,
    /// No port is open.
    Off,
}
