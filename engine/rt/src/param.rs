//! Values that live outside the program: parameters by slot, the latest note of each channel.
//!
//! Takes host events, gives the values of a program's cells. They outlive every swap. A parameter
//! is a slot number, never a string; which slot a named control has is decided when the program is
//! compiled ([`CellInput`]).

use crate::event::EventKind;

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

/// Values that programs read, whichever program plays.
#[derive(Clone, Debug)]
pub struct Values {
    slots: [Slot; SLOTS],
    notes: [Option<Note>; CHANNELS],
}

impl Default for Values {
    fn default() -> Self {
        Self { slots: [Slot::Unmoved; SLOTS], notes: [None; CHANNELS] }
    }
}

impl Values {
    /// Takes an event; true if a program may read something else now.
    pub fn take(&mut self, event: &EventKind) -> bool {
        match *event {
            EventKind::NoteOn { channel, note, velocity } => self.note(channel, note, velocity),
            EventKind::NoteOff { channel, note, .. } => self.note(channel, note, 0.0),
            EventKind::Param { slot, value } => self.slot(slot, Slot::Host(value)),
            EventKind::Control { slot, value } => self.slot(slot, Slot::Direct(value)),
            EventKind::AllNotesOff => {
                for note in self.notes.iter_mut().flatten() {
                    note.velocity = 0.0;
                }
                true
            }
            EventKind::Cc { .. } | EventKind::Bend { .. } | EventKind::Pressure { .. } => false,
        }
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

    fn note(&mut self, channel: u8, note: u8, velocity: f64) -> bool {
        let Some(place) = self.notes.get_mut(channel as usize) else { return false };
        *place = Some(Note { pitch: f64::from(note), velocity });
        true
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_map_the_hosts_range() {
        let mut values = Values::default();
        let cell = CellInput::Param { slot: 3, initial: 440.0, min: 0.0, max: 880.0 };
        assert_eq!(values.read(&cell), 440.0);
        assert!(values.take(&EventKind::Param { slot: 3, value: 0.25 }));
        assert_eq!(values.read(&cell), 220.0);
        assert!(values.take(&EventKind::Control { slot: 3, value: 1000.5 }));
        assert_eq!(values.read(&cell), 1000.5);
        values.forget(1 << 3);
        assert_eq!(values.read(&cell), 440.0);
        assert!(!values.take(&EventKind::Param { slot: 128, value: 1.0 }));
    }

    #[test]
    fn the_last_note_event_of_a_channel_wins() {
        let mut values = Values::default();
        let pitch = CellInput::Pitch { channel: 1, initial: 69.0 };
        let velocity = CellInput::Velocity { channel: 1, initial: 12.0 };
        let read = |values: &Values| (values.read(&pitch), values.read(&velocity));
        assert_eq!(read(&values), (69.0, 12.0));
        values.take(&EventKind::NoteOn { channel: 1, note: 60, velocity: 100.0 });
        values.take(&EventKind::NoteOn { channel: 1, note: 64, velocity: 90.0 });
        values.take(&EventKind::NoteOn { channel: 2, note: 1, velocity: 1.0 });
        assert_eq!(read(&values), (64.0, 90.0));
        values.take(&EventKind::NoteOff { channel: 1, note: 60, velocity: 5.0 });
        assert_eq!(read(&values), (60.0, 0.0));
        values.take(&EventKind::NoteOn { channel: 1, note: 70, velocity: 1.0 });
        values.take(&EventKind::AllNotesOff);
        assert_eq!(read(&values), (70.0, 0.0));
    }
}
