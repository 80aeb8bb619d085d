//! The contract between compiled programs and the machine that plays them.
//!
//! [`Code`] is what every backend produces: immutable, shared, free of state. [`Layout`] says what
//! an instance must own for it; [`Image`] is what that instance holds before the first sample.

use crate::ctx::Ctx;
use crate::heap::HeapRef;
use crate::sched::Task;
use crate::tap::Print;
use crate::transport::{Anchor, TransportField};
use crate::voices::VoiceField;

/// Compiled code of one program. Immutable and shared; state is always an argument.
///
/// Neither function allocates, frees, locks, calls the system or panics; a program that misbehaves
/// sets `ctx.fault` and returns early.
pub trait Code: Send + Sync {
    /// What an instance running this code must own.
    fn layout(&self) -> &Layout;

    /// Renders up to `frames` frames from `ctx.inputs` into `ctx.outputs`; returns how many were
    /// rendered. Fewer than asked for means a fault, or that a task falls due (`ctx.limit`).
    fn run(&self, ctx: &mut Ctx<'_>, frames: u32) -> u32;

    /// Calls one closure without parameters (a scheduled task) at time `ctx.now`; what it returns is
    /// forgotten.
    fn call(&self, ctx: &mut Ctx<'_>, closure: HeapRef);
}

/// The kind of one state word or heap field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WordKind {
    /// A 64-bit float, kept by its bits.
    F64,
    /// A signed 64-bit integer.
    I64,
    /// An offset into the instance's heap, in words; 0 is null.
    Ref,
}

/// What one instance of a program owns. Made by the compiler, read by [`crate::state::State`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    /// Number of state words.
    pub words: u32,
    /// The delay lines, in the order of the line table.
    pub lines: Vec<LineSpec>,
    /// Size of the heap in words, word 0 (null) included. Zero for programs that never allocate.
    pub heap_words: u32,
    /// Shapes of heap objects, indexed by the shape number in an object's header.
    pub shapes: Vec<Shape>,
    /// Words of scratch a kernel call may use (VM frames, chunk buffers).
    pub scratch_words: u32,
    /// Bytes of native stack to set aside for recursion; zero when the caller's stack serves.
    pub stack_bytes: usize,
    /// Input channels `dsp` takes.
    pub inputs: u32,
    /// Output channels `dsp` gives.
    pub outputs: u32,
    /// Values the host feeds in, in the order of `Ctx::cells`.
    pub cells: Vec<CellSource>,
    /// Places that can fault, indexed by the site of a [`crate::ctx::Fault`].
    pub sites: Vec<Site>,
    /// Streams of numbers that the program shows, indexed by the number of the probe.
    pub taps: Vec<TapSource>,
    /// Sound files that the program reads, indexed by the number of the sample.
    pub samples: Vec<SampleSource>,
    /// Tasks that can wait at once; zero for programs that never schedule.
    pub tasks: u32,
    /// Printed numbers that can wait to be read; zero for programs that never print.
    pub prints: u32,
    /// Voices of each group of polyphonic voices, at most [`crate::voices::MAX_GROUPS`] groups.
    pub voices: Vec<u32>,
}

/// One delay line: `word` of the state holds its index in the line table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineSpec {
    /// State word that belongs to the line; holds the line's index, set when the instance is made.
    pub word: u32,
    /// Longest delay in samples, the `max` of `delay(max, x, t)`, at least 1.
    pub len: u32,
}

impl LineSpec {
    /// Samples in the ring: the next power of two, so that a mask replaces the modulo.
    pub fn ring(self) -> u32 {
        self.len.max(1).next_power_of_two()
    }
}

/// The fields of one kind of heap object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// What the object is.
    pub kind: ObjectKind,
    /// One entry a field, in order; field `i` is word `1 + i` of the object.
    pub fields: Vec<WordKind>,
}

/// Kinds of heap objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    /// A function value: field 0 is the function's number, field 1 the base of its state block,
    /// then the captures. Never changed after it is made.
    Closure,
    /// A captured variable that is assigned somewhere. Fields can be stored to.
    Cell,
    /// The payload of a recursive variant. Never changed after it is made.
    Variant,
    /// As many elements as it was made with; the shape's fields are those of one element. Its
    /// elements are stored to by the function that makes it, and never change afterwards.
    Array,
}

impl ObjectKind {
    /// Whether fields never change once the object is made, all at once.
    pub fn is_constant(self) -> bool {
        match self {
            Self::Closure | Self::Variant => true,
            Self::Cell | Self::Array => false,
        }
    }
}

/// Where the value of a host cell comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum CellSource {
    /// A named control (`Control!`), in the program's own units.
    Control {
        /// Parts of the name are joined by dots.
        name: String,
        /// Value before anything moves it.
        initial: f64,
        /// Value at the host's 0.
        min: f64,
        /// Value at the host's 1.
        max: f64,
    },
    /// Pitch of the most recent note on a MIDI channel, a key number 0..=127.
    MidiPitch {
        /// 0..=14.
        channel: u8,
        /// Before the first note.
        initial: f64,
    },
    /// Velocity 0..=127 of the most recent note on a MIDI channel; 0 after its note-off.
    MidiVelocity {
        /// 0..=14.
        channel: u8,
        /// Before the first note.
        initial: f64,
    },
    /// A MIDI controller of a channel, 0..=1.
    Cc {
        /// 0..=15.
        channel: u8,
        /// Controller number 0..=127.
        number: u8,
        /// Before it moves.
        initial: f64,
    },
    /// The pitch wheel of a channel, -1..=1.
    Bend {
        /// 0..=15.
        channel: u8,
    },
    /// A field of the host's transport, see [`TransportField`].
    Transport(TransportField),
    /// A field of a polyphonic voice; how many voices there are says `Layout::voices`.
    Voice {
        /// Group number, from 0.
        group: u8,
        /// Voice in the group, from 0.
        voice: u8,
        /// Which field.
        field: VoiceField,
    },
}

impl CellSource {
    /// The value before any event.
    pub fn initial(&self) -> f64 {
        match self {
            Self::Control { initial, .. }
            | Self::MidiPitch { initial, .. }
            | Self::MidiVelocity { initial, .. }
            | Self::Cc { initial, .. } => *initial,
            Self::Bend { .. } | Self::Voice { .. } => 0.0,
            Self::Transport(field) => Anchor::default().read(*field),
        }
    }
}

/// A number that a program shows while it plays (`Probe!`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapSource {
    /// The probe's name; parts of a tuple or record are joined by dots.
    pub name: String,
}

/// A sound file that a program reads (`Sampler_mono!`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleSource {
    /// The path as the program has it.
    pub path: String,
    /// File number, in the compiler's source map, of the text that names it: relative paths start there.
    pub file: u32,
    /// Place that names it, an index into `Layout::sites`.
    pub site: u32,
}

/// A place in the program text that a fault can name, and by which state is known again after an edit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    /// Name of the function.
    pub function: String,
    /// File number of the compiler's source map.
    pub file: u32,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte; 0 when unknown.
    pub end: u32,
    /// Which copy of this place: macros paste one text several times. 0 for what is written once.
    pub copy: u32,
}

/// What an instance holds before its first sample: the outcome of the global code.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Image {
    /// State words; shorter than the layout means that the rest is zero.
    pub words: Vec<u64>,
    /// The heap as the global code left it, word for word; may be shorter than the layout's.
    pub heap: Vec<u64>,
    /// The delay lines that the global code wrote to; the others are silent.
    pub lines: Vec<LineImage>,
    /// Tasks that the global code scheduled, in the order in which they run. Their times count from
    /// the swap; each owns its closure in the heap.
    pub tasks: Vec<Task>,
    /// Numbers that the global code printed, in order.
    pub prints: Vec<Print>,
    /// Tasks it scheduled for a time that was not in the future, and where the first one stood.
    pub dropped: Option<Dropped>,
}

/// Tasks that were dropped because their time was not in the future.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// How many.
    pub count: u64,
    /// Where the first one stood, an index into `Layout::sites`.
    pub site: u32,
}

/// What global code left in one delay line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LineImage {
    /// State word of the line, see [`LineSpec::word`].
    pub word: u32,
    /// The newest samples, oldest first; no more than the ring holds.
    pub samples: Vec<f64>,
}
