//! How a processor behaves, and what it tells: plain data, shared with the control side.

use crate::Hz;
use crate::carry::Carried;
use crate::ctx::Fault;
use crate::swap::ProgramId;

/// What plays while no program does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Idle {
    /// The input: an effect.
    #[default]
    PassThrough,
    /// Nothing: an instrument.
    Silence,
}

/// Whether the output is kept from hurting ears and hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputGuard {
    /// Values that are not finite become 0, others stay below a ceiling; both are reported and counted,
    /// channel by channel. The ceiling is +12 dBFS until [`EventKind::Ceiling`](crate::event::EventKind::Ceiling)
    /// sets another.
    On,
    /// The program's samples as they are, and after a fault the decay of the last one, however loud.
    Off,
}

/// How state that has to be copied is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// In bounded pieces while the old program plays; the swap comes when they are done.
    Bounded,
    /// At once, so that a swap is exact: for rendering to a file.
    AtOnce,
}

/// Samples of resized lines copied in one block at most: two lines of ten seconds at 192 kHz are copied in
/// 100 ms of blocks of 64 frames, and a piece takes about 10 microseconds where it is not in any cache.
const COPY_BUDGET: usize = 12_800;

impl Pace {
    /// Samples to copy in one block at most.
    pub(crate) fn budget(self) -> usize {
        match self {
            Self::Bounded => COPY_BUDGET,
            Self::AtOnce => usize::MAX,
        }
    }
}

/// How a processor behaves; fixed when it is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProcessorSettings {
    /// Frames rendered by one kernel call at most; longer host blocks are split.
    pub max_frames: usize,
    /// Host channels of [`Processor::process`]; more are silenced.
    pub channels: usize,
    /// What plays while no program does.
    pub idle: Idle,
    /// Whether the output is guarded.
    pub guard: OutputGuard,
    /// How resized lines are copied.
    pub pace: Pace,
    /// Seconds over which the jump of a swap is hidden; 0 is off.
    pub declick: f64,
    /// Sample rate while no program plays.
    pub rate: Hz,
}

impl Default for ProcessorSettings {
    fn default() -> Self {
        Self {
            max_frames: 512,
            channels: 2,
            idle: Idle::PassThrough,
            guard: OutputGuard::On,
            pace: Pace::Bounded,
            declick: 0.005,
            rate: Hz(48_000.0),
        }
    }
}

/// What a block was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The program plays.
    Playing,
    /// There is no program.
    Idle,
    /// The program was stopped by a fault; the next good one will play.
    Faulted,
}

/// What the control side hears of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Report {
    /// A program took over.
    Swapped {
        /// Which.
        id: ProgramId,
        /// Its first frame, in samples since activation.
        at: u64,
        /// Words copied.
        words: u32,
        /// Lines exchanged.
        lines: u32,
        /// What of the heap and the tasks went on.
        carried: Carried,
        /// Time the swap took, in units of [`ftz::ticks`].
        ticks: u64,
    },
    /// A program was stopped.
    Fault {
        /// Which.
        id: ProgramId,
        /// Why and where.
        fault: Fault,
    },
    /// The guard had to change an output of a program; told once a program and channel.
    Guarded {
        /// Which.
        id: ProgramId,
        /// The host's channel, from 0.
        channel: u32,
        /// The ceiling that it was beyond, linear; `None` if it was not finite.
        ceiling: Option<f64>,
    },
    /// A task was scheduled for a time that was not in the future and dropped; told once a program.
    TaskDropped {
        /// Which program.
        id: ProgramId,
        /// Where it was scheduled, an index into `Layout::sites`.
        site: u32,
    },
    /// The program has more outputs than the host takes, once a program.
    ChannelsDropped {
        /// Which.
        id: ProgramId,
        /// The program's outputs.
        program: u32,
        /// The host's channels.
        host: u32,
    },
}
