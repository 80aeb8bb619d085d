//! What the host sends: events with a place in the block.

use crate::transport::Transport;
use crate::voices::Address;
use serde::{Deserialize, Serialize};

/// One host event.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Frame of the block at which it takes effect, before that frame's sample.
    pub offset: u32,
    /// What happens.
    pub kind: EventKind,
}

/// Kinds of host events.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum EventKind {
    /// A key goes down.
    NoteOn {
        /// MIDI channel, 0..=15.
        channel: u8,
        /// Key number, 0..=127.
        note: u8,
        /// 0..=127.
        velocity: f64,
        /// The host's number of this note; -1 where it gives none.
        id: i32,
    },
    /// A key comes up.
    NoteOff {
        /// MIDI channel, 0..=15.
        channel: u8,
        /// Key number, 0..=127.
        note: u8,
        /// Release velocity, 0..=127; no program reads it.
        velocity: f64,
        /// The host's number of the note; -1 for any note of this key.
        id: i32,
    },
    /// The host moves a parameter.
    Param {
        /// Parameter slot, from 0.
        slot: u16,
        /// 0..=1.
        value: f64,
    },
    /// A script sets a control in the program's own units.
    Control {
        /// Parameter slot, from 0.
        slot: u16,
        /// Any number; not clamped to the control's range.
        value: f64,
    },
    /// A MIDI controller moves.
    Cc {
        /// MIDI channel, 0..=15.
        channel: u8,
        /// Controller number, 0..=127.
        controller: u8,
        /// 0..=127.
        value: f64,
    },
    /// The pitch wheel moves.
    Bend {
        /// MIDI channel, 0..=15.
        channel: u8,
        /// -1..=1.
        value: f64,
    },
    /// Channel pressure.
    Pressure {
        /// MIDI channel, 0..=15.
        channel: u8,
        /// 0..=127.
        value: f64,
    },
    /// Sounding notes change by themselves.
    Express {
        /// Which notes.
        notes: Address,
        /// What changes.
        what: Expression,
        /// In the unit of what changes.
        value: f64,
    },
    /// The host says where its song is, at this frame.
    Transport(Transport),
    /// Every note of every channel ends: velocities go to 0, pitches stay.
    AllNotesOff,
    /// The output guard holds louder samples at this level from now on.
    Ceiling {
        /// Linear, 1 is full scale; infinity lets every finite sample pass.
        level: f64,
    },
}

/// What a note can change by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expression {
    /// 0..=1.
    Pressure,
    /// Semitones, beside the pitch wheel.
    Tuning,
    /// Brightness, 0..=1.
    Timbre,
}

/// Host events not yet taken, and where the current chunk starts in the host's block.
pub(crate) struct Pending<'a> {
    pub(crate) events: &'a [Event],
    pub(crate) base: usize,
}

impl Pending<'_> {
    /// The events at the first frame of the chunk.
    pub(crate) fn first(&self) -> &[Event] {
        let count = self.events.partition_point(|event| event.offset as usize <= self.base);
        self.events.get(..count).unwrap_or_default()
    }
}
