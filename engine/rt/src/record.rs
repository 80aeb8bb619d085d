//! Keeps what a processor is given, so that the control side can save it and play it again.
//!
//! Two rings, samples and marks; the audio side fills them, the control side empties them. A ring
//! without room ends the recording, which then says so: nothing waits, nothing is left out silently.

use crate::event::{Event, EventKind};
use crate::swap::ProgramId;
use rtrb::chunks::ChunkError;
use rtrb::{Consumer, Producer, RingBuffer};
use serde::{Deserialize, Serialize};

/// Input samples that can wait to be collected: a second and a half of stereo at 88.2 kHz.
const SAMPLE_PLACES: usize = 1 << 18;

/// Marks that can wait to be collected.
const MARK_PLACES: usize = 1 << 13;

/// One thing that a processor was given, or that happened in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mark {
    /// A block starts; its input samples, channel by channel, stand in the other ring.
    Block {
        /// Frames.
        frames: u32,
        /// Channels.
        channels: u16,
        /// Whether every sample is 0; then none stands in the other ring.
        silent: bool,
    },
    /// An event of the block that started last; its offset counts from there.
    Event(Event),
    /// An event of the control side, heard at the start of the block that started last.
    Sent(EventKind),
    /// A program took over.
    Swapped {
        /// Which.
        id: ProgramId,
        /// Its first frame, in samples since the processor was made.
        at: u64,
        /// Whether it took nothing over, since the host had asked for a reset.
        fresh: bool,
        /// When in that frame.
        turn: Turn,
    },
    /// Between two blocks: silence until a fresh instance takes over.
    Muted,
    /// Between two blocks: the program was stopped because it was too slow.
    TooSlow,
    /// Between two blocks: what waits is let in without a fade; a swap that follows is of this kind.
    Quiet,
    /// There was no room for what follows: the recording ends before the block that started last.
    Lost,
}

/// When in a frame a program took over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Turn {
    /// Before the events that stand there.
    First,
    /// After them.
    Events,
}

/// The audio side's ends.
#[derive(Debug)]
pub struct Recorder {
    marks: Producer<Mark>,
    samples: Producer<f32>,
    lost: bool,
}

/// The control side's ends.
#[derive(Debug)]
pub struct Tape {
    /// What happened, in order.
    pub marks: Consumer<Mark>,
    /// The input samples of its blocks; they stand here before their mark does.
    pub samples: Consumer<f32>,
}

impl Recorder {
    /// Both ends of a recording. Allocates.
    pub fn new() -> (Self, Tape) {
        let (marks, marked) = RingBuffer::new(MARK_PLACES);
        let (samples, heard) = RingBuffer::new(SAMPLE_PLACES);
        let tape = Tape { marks: marked, samples: heard };
        (Self { marks, samples, lost: false }, tape)
    }

    /// Keeps one mark. Audio thread.
    pub fn mark(&mut self, mark: Mark) {
        // The last place is for saying that there was no more room.
        let mark = if self.marks.slots() > 1 { mark } else { Mark::Lost };
        if self.lost {
            return;
        }
        self.lost = mark == Mark::Lost;
        self.lost |= self.marks.push(mark).is_err();
    }

    /// Keeps frames `from..from + frames` of a host block, and those of its events that fall there;
    /// `base` is where they count from. Audio thread.
    pub(crate) fn block(
        &mut self,
        channels: &[&mut [f32]],
        from: usize,
        frames: usize,
        events: &[Event],
        base: usize,
    ) {
        if self.lost {
            return;
        }
        let total = channels.iter().map(|channel| channel.len()).min().unwrap_or(0);
        let part = |at: usize| channels[at].get(from..from + frames).unwrap_or_default();
        let silent = (0..channels.len()).all(|at| part(at).iter().all(|x| x.to_bits() == 0));
        if !silent && self.keep(channels.len(), frames, part).is_err() {
            self.lost = true;
            self.lost |= self.marks.push(Mark::Lost).is_err();
            return;
        }
        let count = channels.len() as u16;
        self.mark(Mark::Block { frames: frames as u32, channels: count, silent });
        let last = from + frames >= total;
        for event in events {
            let offset = (event.offset as usize).saturating_sub(base);
            if offset < frames || last {
                self.mark(Mark::Event(Event { offset: offset as u32, kind: event.kind }));
            }
        }
    }

    fn keep<'a>(
        &mut self,
        channels: usize,
        frames: usize,
        part: impl Fn(usize) -> &'a [f32],
    ) -> Result<(), ChunkError> {
        let chunk = self.samples.write_chunk_uninit(channels * frames)?;
        chunk.fill_from_iter((0..channels).flat_map(|at| part(at).iter().copied()));
        Ok(())
    }
}
