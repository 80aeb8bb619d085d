//! Values that live outside the program: parameters by slot, the latest note of each channel.
//!
//! Takes host events, gives the values of a program's cells. They outlive every swap. A parameter
//! is a slot number, never a string; which slot a named control has is decided when the program is
//! compiled ([`CellInput`]).

use crate::event::{EventKind, Expression};
use crate::transport::{Anchor, TransportField};
use crate::voices::{Address, ChannelState, VoiceField, Voices};

/// Parameter slots of the plugin.
pub const SLOTS: usize = 128;

/// MIDI channels that are heard; the sixteenth is not (language reference, 10.4).
const CHANNELS: usize = 15;

/// Where a cell of a program gets its value: [`crate::code::CellSource`] with names resolved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CellInput {
    /// A parameter slot: `min + x * (max - min)` of the host's `x`, `initial` until it is moved.
    Param {
        /// Slot number, from 0.
        slot: u16,
        /// Value before anything moves it.
        initial: f64,
        /// Value at the host's 0.
        min: f64,
        /// Value at the host's 1.
        max: f64,
    },
    /// Key number of the latest note of a channel.
    Pitch {
        /// MIDI channel.
        channel: u8,
        /// Before the first note.
        initial: f64,
    },
    /// Velocity of the latest note of a channel.
    Velocity {
        /// MIDI channel.
        channel: u8,
        /// Before the first note.
        initial: f64,
    },
    /// A MIDI controller of a channel, 0..=1.
    Cc {
        /// MIDI channel.
        channel: u8,
        /// Controller number.
        number: u8,
        /// Before it moves.
        initial: f64,
    },
    /// The pitch wheel of a channel, -1..=1.
    Bend {
        /// MIDI channel.
        channel: u8,
    },
    /// A field of the host's transport.
    Transport(TransportField),
    /// A field of a voice.
    Voice {
        /// Group number.
        group: u8,
        /// Voice in the group.
        voice: u8,
        /// Which field.
        field: VoiceField,
    },
    /// Nothing moves it: a control beyond the last slot.
    Fixed(f64),
}

/// What is known of one slot.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Slot {
    Unmoved,
    /// The host's 0..=1.
    Host(f64),
    /// The program's own units.
    Direct(f64),
}

/// The latest note of a channel.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Note {
    pitch: f64,
    velocity: f64,
}

/// MIDI channels there are.
const ALL_CHANNELS: usize = 16;

/// Controllers of a channel.
const CONTROLLERS: usize = 128;

/// The controller that changes the timbre of a channel's notes (MPE).
const TIMBRE: u8 = 74;

/// What the controllers of a channel are set to; not a number before they move.
#[derive(Clone, Copy, Debug)]
struct Wheels {
    cc: [f64; CONTROLLERS],
    state: ChannelState,
}

/// Values that programs read, whichever program plays.
#[derive(Clone, Debug)]
pub struct Values {
    slots: [Slot; SLOTS],
    notes: [Option<Note>; CHANNELS],
    wheels: Box<[Wheels]>,
    voices: Voices,
    anchor: Anchor,
}

impl Default for Values {
    fn default() -> Self {
        let wheels = Wheels { cc: [f64::NAN; CONTROLLERS], state: ChannelState::default() };
        Self {
            slots: [Slot::Unmoved; SLOTS],
            notes: [None; CHANNELS],
            wheels: vec![wheels; ALL_CHANNELS].into(),
            voices: Voices::default(),
            anchor: Anchor::default(),
        }
    }
}

impl Values {
    /// Becomes like `other`. Bounded; allocates nothing.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        (self.slots, self.notes, self.anchor) = (other.slots, other.notes, other.anchor);
        for (wheels, other) in self.wheels.iter_mut().zip(&other.wheels) {
            *wheels = *other;
        }
        self.voices.copy_from(&other.voices);
    }

    /// The host's transport.
    pub(crate) fn anchor(&self) -> &Anchor {
        &self.anchor
    }

    /// Takes an event of sample `now`, at `rate` hertz; true if a program may read something else
    /// afterwards.
    pub fn take(&mut self, event: &EventKind, now: u64, rate: f64) -> bool {
        match *event {
            EventKind::NoteOn { channel, note, velocity, id } => {
                self.voice_on(channel, note, velocity, id);
                self.note(channel, note, velocity);
                true
            }
            EventKind::NoteOff { channel, note, id, .. } => {
                self.voices.note_off(Address { channel: Some(channel), note: Some(note), id });
                self.note(channel, note, 0.0);
                true
            }
            EventKind::Param { slot, value } => self.slot(slot, Slot::Host(value)),
            EventKind::Control { slot, value } => self.slot(slot, Slot::Direct(value)),
            EventKind::AllNotesOff => {
                self.voices.note_off(Address { channel: None, note: None, id: -1 });
                for note in self.notes.iter_mut().flatten() {
                    note.velocity = 0.0;
                }
                true
            }
            EventKind::Cc { channel, controller, value } => self.cc(channel, controller, value),
            EventKind::Bend { channel, value } => {
                self.voices.bend(channel, value);
                self.channel(channel, |wheels| wheels.state.wheel = value)
            }
            EventKind::Pressure { channel, value } => {
                let pressure = value / 127.0;
                self.voices.express(any_of(channel), Expression::Pressure, pressure);
                self.channel(channel, |wheels| wheels.state.pressure = pressure)
            }
            EventKind::Express { notes, what, value } => {
                self.voices.express(notes, what, value);
                true
            }
            EventKind::Transport(said) => self.anchor.take(said, now, rate),
            // The processor's own affair.
            EventKind::Ceiling { .. } => false,
        }
    }

    /// From now on groups of voices have these sizes.
    pub fn resize_voices(&mut self, counts: &[u32]) {
        self.voices.resize(counts);
    }

    /// Whether a voice needs one frame with a closed gate before its note: render one frame, then
    /// call [`Values::pass`].
    pub fn waits(&self) -> bool {
        self.voices.waits()
    }

    /// A frame or more has been rendered; true if a program may read something else now.
    pub fn pass(&mut self) -> bool {
        self.voices.pass()
    }

    /// The value of a cell now.
    pub fn read(&self, cell: &CellInput) -> f64 {
        match *cell {
            CellInput::Param { slot, initial, min, max } => {
                match self.slots.get(slot as usize).copied().unwrap_or(Slot::Unmoved) {
                    Slot::Unmoved => initial,
                    Slot::Host(x) => min + x * (max - min),
                    Slot::Direct(value) => value,
                }
            }
            CellInput::Pitch { channel, initial } => self.of(channel).map_or(initial, |n| n.pitch),
            CellInput::Velocity { channel, initial } => {
                self.of(channel).map_or(initial, |n| n.velocity)
            }
            CellInput::Cc { channel, number, initial } => {
                let wheels = self.wheels.get(channel as usize);
                let value = wheels.and_then(|wheels| wheels.cc.get(number as usize));
                value.copied().filter(|value| !value.is_nan()).unwrap_or(initial)
            }
            CellInput::Bend { channel } => {
                self.wheels.get(channel as usize).map_or(0.0, |wheels| wheels.state.wheel)
            }
            CellInput::Transport(field) => self.anchor.read(field),
            CellInput::Voice { group, voice, field } => self.voices.read(group, voice, field),
            CellInput::Fixed(value) => value,
        }
    }

    /// Forgets the values of slots whose bit is set: they belong to another control from now on.
    pub fn forget(&mut self, slots: u128) {
        for (at, slot) in self.slots.iter_mut().enumerate() {
            if slots >> at & 1 == 1 {
                *slot = Slot::Unmoved;
            }
        }
    }

    fn note(&mut self, channel: u8, note: u8, velocity: f64) {
        if let Some(place) = self.notes.get_mut(channel as usize) {
            *place = Some(Note { pitch: f64::from(note), velocity });
        }
    }

    fn voice_on(&mut self, channel: u8, note: u8, velocity: f64, id: i32) {
        let state = self.wheels.get(channel as usize).map(|wheels| wheels.state);
        self.voices.note_on(channel, note, id, velocity / 127.0, state.unwrap_or_default());
    }

    fn cc(&mut self, channel: u8, controller: u8, value: f64) -> bool {
        let value = value / 127.0;
        if controller == TIMBRE {
            self.voices.express(any_of(channel), Expression::Timbre, value);
        }
        self.channel(channel, |wheels| {
            if controller == TIMBRE {
                wheels.state.timbre = value;
            }
            if let Some(place) = wheels.cc.get_mut(controller as usize) {
                *place = value;
            }
        })
    }

    fn channel(&mut self, channel: u8, change: impl FnOnce(&mut Wheels)) -> bool {
        self.wheels.get_mut(channel as usize).map(change).is_some()
    }

    fn slot(&mut self, slot: u16, value: Slot) -> bool {
        let Some(place) = self.slots.get_mut(slot as usize) else { return false };
        *place = value;
        true
    }

    fn of(&self, channel: u8) -> Option<Note> {
        self.notes.get(channel as usize).copied().flatten()
    }
}

/// All notes of a channel.
fn any_of(channel: u8) -> Address {
    Address { channel: Some(channel), note: None, id: -1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Values {
        fn hear(&mut self, event: EventKind) -> bool {
            self.take(&event, 0, 48_000.0)
        }
    }

    #[test]
    fn controllers_and_wheels_are_read_by_channel() {
        let mut values = Values::default();
        let cc = CellInput::Cc { channel: 2, number: 1, initial: 0.25 };
        let bend = CellInput::Bend { channel: 15 };
        assert_eq!((values.read(&cc), values.read(&bend)), (0.25, 0.0));
        assert!(values.hear(EventKind::Cc { channel: 2, controller: 1, value: 127.0 }));
        assert!(values.hear(EventKind::Cc { channel: 3, controller: 1, value: 0.0 }));
        assert!(values.hear(EventKind::Bend { channel: 15, value: -0.5 }));
        assert_eq!((values.read(&cc), values.read(&bend)), (1.0, -0.5));
        assert!(!values.hear(EventKind::Bend { channel: 16, value: -0.5 }));
    }

    #[test]
    fn controls_map_the_hosts_range() {
        let mut values = Values::default();
        let cell = CellInput::Param { slot: 3, initial: 440.0, min: 0.0, max: 880.0 };
        assert_eq!(values.read(&cell), 440.0);
        assert!(values.hear(EventKind::Param { slot: 3, value: 0.25 }));
        assert_eq!(values.read(&cell), 220.0);
        assert!(values.hear(EventKind::Control { slot: 3, value: 1000.5 }));
        assert_eq!(values.read(&cell), 1000.5);
        values.forget(1 << 3);
        assert_eq!(values.read(&cell), 440.0);
        assert!(!values.hear(EventKind::Param { slot: 128, value: 1.0 }));
    }

    #[test]
    fn the_last_note_event_of_a_channel_wins() {
        let mut values = Values::default();
        let pitch = CellInput::Pitch { channel: 1, initial: 69.0 };
        let velocity = CellInput::Velocity { channel: 1, initial: 12.0 };
        let read = |values: &Values| (values.read(&pitch), values.read(&velocity));
        assert_eq!(read(&values), (69.0, 12.0));
        values.hear(EventKind::NoteOn { channel: 1, note: 60, velocity: 100.0, id: -1 });
        values.hear(EventKind::NoteOn { channel: 1, note: 64, velocity: 90.0, id: -1 });
        values.hear(EventKind::NoteOn { channel: 2, note: 1, velocity: 1.0, id: -1 });
        assert_eq!(read(&values), (64.0, 90.0));
        values.hear(EventKind::NoteOff { channel: 1, note: 60, velocity: 5.0, id: -1 });
        assert_eq!(read(&values), (60.0, 0.0));
        values.hear(EventKind::NoteOn { channel: 1, note: 70, velocity: 1.0, id: -1 });
        values.hear(EventKind::AllNotesOff);
        assert_eq!(read(&values), (70.0, 0.0));
    }
}
