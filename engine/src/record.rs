//! Recordings: everything an instance was given from its first block on, as one file that renders
//! the same bits again.
//!
//! [`Recording`] is the file; [`Collector`] fills it on the control side from the rings of
//! [`attacca_rt::record`]; [`Recording::replay`] plays it. The modules that programs use are part of it,
//! their sound files are not. Never runs on the audio thread.

use crate::message::Notice;
use crate::session::Session;
use crate::slots::SlotTable;
use crate::target::Target;
use crate::{FileCopy, Files, Idle, OutputGuard, Pace, Processor, ProcessorSettings};
use attacca_rt::Hz;
use attacca_rt::event::{Event, EventKind};
use attacca_rt::record::{Mark, Tape, Turn};
use attacca_rt::swap::ProgramId;
use attacca_rt::transport::When;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::mem::size_of;

/// The first line of a file; the number is the version of what follows.
const HEADER: &str = "Attacca recording 2: `cargo xtask render --replay FILE` plays it\n";

/// What every version starts with.
const ANY_HEADER: &str = "Attacca recording ";

/// Bytes that a recording holds at most.
pub const LARGEST: usize = 64 << 20;

/// A text that became a program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Edit {
    /// The program.
    pub text: String,
    /// The rate it was compiled for, in hertz.
    pub rate: f64,
    /// The names that slots had before.
    pub slots: SlotTable,
    /// The modules it uses.
    pub files: Vec<FileCopy>,
}

/// One thing that happened, in order.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Step {
    /// A block.
    Block {
        /// Frames.
        frames: u32,
        /// Channels.
        channels: u16,
        /// Whether its input is all 0; then it has no samples in [`Recording::samples`].
        silent: bool,
    },
    /// An event of that block.
    Event {
        /// Frame of the block.
        offset: u32,
        /// What happens.
        kind: EventKind,
    },
    /// An event of the control side, at the start of that block.
    Sent(EventKind),
    /// A program takes over in that block, or, right after [`Step::Quiet`], without one.
    Swap {
        /// Index in [`Recording::edits`].
        edit: u32,
        /// Its first frame.
        at: u64,
        /// Whether it took nothing over, since a reset waited for it.
        fresh: bool,
        /// When in that frame.
        turn: Turn,
    },
    /// Between two blocks, without a fade.
    Quiet,
    /// Between two blocks, a reset: silence until a program takes over that takes nothing over.
    Muted,
    /// Between two blocks, the program is stopped because it was too slow.
    TooSlow,
}

/// A recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// Name of the backend.
    pub target: String,
    /// Sample rate while no program plays, in hertz.
    pub rate: f64,
    /// Frames of the longest kernel call.
    pub max_frames: u32,
    /// Host channels.
    pub channels: u16,
    /// Whether the input passes while no program plays.
    pub passes: bool,
    /// Whether the output is guarded.
    pub guarded: bool,
    /// Seconds over which the jump of a swap is hidden.
    pub declick: f64,
    /// Why the recording ended before it was saved; empty if it did not.
    pub note: String,
    /// The programs.
    pub edits: Vec<Edit>,
    /// What happened.
    pub steps: Vec<Step>,
    /// Input samples of the blocks that are not silent, channel by channel.
    pub samples: Vec<f32>,
}

/// What a recording sounds like.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replayed {
    /// Planar output, as the host heard it.
    pub channels: Vec<Vec<f32>>,
    /// What the programs told while they played.
    pub notices: Vec<Notice>,
}

/// The control side of a recording that goes on.
#[derive(Debug)]
pub(crate) struct Collector {
    tape: Tape,
    recording: Recording,
    /// Which edit a program is.
    edits: BTreeMap<ProgramId, u32>,
    /// Bytes so far.
    size: usize,
    /// Where the last block starts: in the steps and in the samples.
    last: (usize, usize),
    over: bool,
}

impl Collector {
    pub(crate) fn new(tape: Tape, target: Target, settings: &ProcessorSettings) -> Self {
        let recording = Recording {
            target: target.name().to_owned(),
            rate: settings.rate.0,
            max_frames: settings.max_frames as u32,
            channels: settings.channels as u16,
            passes: settings.idle == Idle::PassThrough,
            guarded: settings.guard == OutputGuard::On,
            declick: settings.declick,
            note: String::new(),
            edits: Vec::new(),
            steps: Vec::new(),
            samples: Vec::new(),
        };
        Self { tape, recording, edits: BTreeMap::new(), size: 0, last: (0, 0), over: false }
    }

    /// Keeps a text that was sent as program `id`.
    pub(crate) fn sent(&mut self, id: ProgramId, edit: Edit) {
        if !self.over {
            let names = edit.slots.names().map(str::len).sum::<usize>();
            let files = edit.files.iter().map(|file| file.name.len() + file.text.len());
            self.size += edit.text.len() + names + files.sum::<usize>();
            self.edits.insert(id, self.recording.edits.len() as u32);
            self.recording.edits.push(edit);
        }
    }

    /// A program was planned again under another number.
    pub(crate) fn renamed(&mut self, old: ProgramId, new: ProgramId) {
        if let Some(edit) = self.edits.get(&old).copied() {
            self.edits.insert(new, edit);
        }
    }

    /// Empties the rings.
    pub(crate) fn collect(&mut self) {
        while let Ok(mark) = self.tape.marks.pop() {
            if self.over {
                self.skip(mark);
            } else if self.size > LARGEST {
                self.end("the recording is full: it holds 64 MB");
                self.skip(mark);
            } else {
                self.take(mark);
            }
        }
    }

    fn take(&mut self, mark: Mark) {
        let step = match mark {
            Mark::Block { frames, channels, silent } => {
                let (steps, samples) = (&self.recording.steps, &self.recording.samples);
                self.last = (steps.len(), samples.len());
                let count = if silent { 0 } else { frames as usize * usize::from(channels) };
                self.size += count * size_of::<f32>();
                let heard = std::iter::from_fn(|| self.tape.samples.pop().ok()).take(count);
                self.recording.samples.extend(heard);
                Step::Block { frames, channels, silent }
            }
            Mark::Event(Event { offset, kind }) => Step::Event { offset, kind },
            Mark::Sent(kind) => Step::Sent(kind),
            Mark::Swapped { id, at, fresh, turn } => match self.edits.get(&id) {
                Some(edit) => Step::Swap { edit: *edit, at, fresh, turn },
                None => return self.end("a program played whose text is not known"),
            },
            Mark::Quiet => Step::Quiet,
            Mark::Muted => Step::Muted,
            Mark::TooSlow => Step::TooSlow,
            Mark::Lost => {
                return self.end("sound came faster than it could be recorded");
            }
        };
        self.size += size_of::<Step>();
        self.recording.steps.push(step);
    }

    /// Ends the recording before the block that started last.
    fn end(&mut self, why: &str) {
        let (steps, samples) = self.last;
        self.recording.steps.truncate(steps);
        self.recording.samples.truncate(samples);
        self.recording.note = why.to_owned();
        self.over = true;
    }

    fn skip(&mut self, mark: Mark) {
        if let Mark::Block { frames, channels, silent: false } = mark
            && let Ok(chunk) = self.tape.samples.read_chunk(frames as usize * usize::from(channels))
        {
            chunk.commit_all();
        }
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    pub(crate) fn recording(&self) -> &Recording {
        &self.recording
    }
}

impl Recording {
    /// The bytes of a file.
    pub fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let body = postcard::to_allocvec(self).map_err(|e| e.to_string())?;
        Ok([HEADER.as_bytes(), &body].concat())
    }

    /// Reads a file; the text says what is wrong with it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        if let Some(body) = bytes.strip_prefix(HEADER.as_bytes()) {
            return postcard::from_bytes(body).map_err(|e| format!("a damaged recording: {e}"));
        }
        if bytes.starts_with(ANY_HEADER.as_bytes()) {
            return Err("a recording of another version of Attacca".to_owned());
        }
        Err("not a recording".to_owned())
    }

    /// Plays the recording; `target` is another backend than the recorded one, `files` finds what
    /// programs use.
    pub fn replay(&self, target: Option<Target>, files: Files) -> Result<Replayed, String> {
        let target = match target {
            Some(target) => target,
            None => self.target.parse().map_err(|e: crate::TargetError| e.to_string())?,
        };
        let (mut session, processor) = Session::with(target, self.settings());
        session.set_files(files);
        let channels = vec![Vec::new(); usize::from(self.channels)];
        let done = Replayed { channels, notices: Vec::new() };
        let samples = &self.samples[..];
        let mut player = Player { recording: self, session, processor, samples, done };
        player.run()?;
        Ok(player.done)
    }

    fn settings(&self) -> ProcessorSettings {
        ProcessorSettings {
            max_frames: self.max_frames as usize,
            channels: usize::from(self.channels),
            idle: if self.passes { Idle::PassThrough } else { Idle::Silence },
            guard: if self.guarded { OutputGuard::On } else { OutputGuard::Off },
            // A swap comes back where it was, whatever was copied before it then.
            pace: Pace::AtOnce,
            declick: self.declick,
            rate: Hz(self.rate),
        }
    }
}

/// A recording that plays.
struct Player<'a> {
    recording: &'a Recording,
    session: Session,
    processor: Processor,
    samples: &'a [f32],
    done: Replayed,
}

impl Player<'_> {
    fn run(&mut self) -> Result<(), String> {
        let mut steps = &self.recording.steps[..];
        while let [step, rest @ ..] = steps {
            steps = rest;
            match *step {
                Step::Block { frames, channels, silent } => {
                    let used = self.block(frames as usize, usize::from(channels), silent, rest)?;
                    steps = rest.get(used..).unwrap_or_default();
                }
                Step::Quiet => {
                    if let [Step::Swap { edit, fresh, .. }, later @ ..] = rest {
                        self.send(*edit, When::AtOnce, *fresh)?;
                        steps = later;
                    }
                    self.processor.apply_pending();
                    self.done.notices.extend(self.session.poll());
                }
                Step::Muted => self.processor.mute(),
                Step::TooSlow => self.processor.stop_too_slow(),
                Step::Swap { .. } | Step::Event { .. } | Step::Sent(_) => {
                    return Err("a damaged recording: an event stands outside of a block".into());
                }
            }
        }
        Ok(())
    }

    /// Plays one block; returns how many steps after it belong to it.
    fn block(
        &mut self,
        frames: usize,
        channels: usize,
        silent: bool,
        steps: &[Step],
    ) -> Result<usize, String> {
        let (mut events, mut used) = (Vec::new(), 0);
        while let Some(step) = steps.get(used) {
            match *step {
                Step::Event { offset, kind } => events.push(Event { offset, kind }),
                Step::Sent(kind) if self.session.send_event(kind) => {}
                Step::Sent(_) => return Err("too many events for one block".into()),
                Step::Swap { edit, at, fresh, turn } => {
                    let when = match turn {
                        Turn::First => When::Frame(at),
                        Turn::Events => When::Events(at),
                    };
                    self.send(edit, when, fresh)?;
                }
                Step::Block { .. } | Step::Quiet | Step::Muted | Step::TooSlow => break,
            }
            used += 1;
        }
        let mut buffers = vec![vec![0.0f32; frames]; channels];
        if !silent {
            for buffer in &mut buffers {
                let (now, later) = self
                    .samples
                    .split_at_checked(frames)
                    .ok_or("a damaged recording: samples are missing")?;
                buffer.copy_from_slice(now);
                self.samples = later;
            }
        }
        let mut views: Vec<&mut [f32]> = buffers.iter_mut().map(Vec::as_mut_slice).collect();
        self.processor.process(&mut views, &events);
        for (to, from) in self.done.channels.iter_mut().zip(&buffers) {
            to.extend_from_slice(from);
        }
        self.done.notices.extend(self.session.poll());
        Ok(used)
    }

    fn send(&mut self, edit: u32, when: When, fresh: bool) -> Result<(), String> {
        let edit = self.recording.edits.get(edit as usize);
        let edit = edit.ok_or("a damaged recording: a program is missing")?;
        self.session.prepare(edit, fresh);
        self.session.set_when(when);
        let update = self.session.update(&edit.text);
        if update.accepted {
            return Ok(());
        }
        let said = update.diagnostics.first().map_or("", |message| &message.message);
        Err(format!("a recorded program no longer compiles: {said}"))
    }
}
