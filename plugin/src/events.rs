//! Host events in the engine's words.
//!
//! Takes nice-plug's note and MIDI events and the parameter values, gives a list of
//! `attacca_engine::Event`s with offsets in frames, in order. The list is allocated once; filling it
//! never allocates, so it may be used on the audio thread. Nothing else translates events.

use crate::slots::{SLOTS, Slots};
use attacca_engine::{Event, EventKind};
use nice_plug::midi::{Channel, Key};
use nice_plug::prelude::NoteEvent;

/// How many events one block can carry; more are dropped.
const CAPACITY: usize = 2048;

/// The events of one block.
pub(crate) struct EventList {
    events: Vec<Event>,
    /// The parameter values that the processor has been told.
    told: [f32; SLOTS],
}

impl EventList {
    /// An empty list with room. The first block tells all parameter values.
    pub(crate) fn new() -> EventList {
        EventList { events: Vec::with_capacity(CAPACITY), told: [f32::NAN; SLOTS] }
    }

    /// The events so far.
    pub(crate) fn as_slice(&self) -> &[Event] {
        &self.events
    }

    /// Starts a new block with the parameter values that changed since the last.
    pub(crate) fn start(&mut self, slots: &Slots) {
        self.events.clear();
        for (slot, told) in self.told.iter_mut().enumerate() {
            let value = slots.value(slot);
            if value.to_bits() != told.to_bits() {
                *told = value;
                let kind = EventKind::Param { slot: slot as u16, value: f64::from(value) };
                self.events.push(Event { offset: 0, kind });
            }
        }
    }

    /// Releases all notes at the start of the block.
    pub(crate) fn all_notes_off(&mut self) {
        self.push(0, EventKind::AllNotesOff);
    }

    /// Adds an event of the host; what the language has no word for is left out.
    pub(crate) fn add<S>(&mut self, event: &NoteEvent<S>) {
        if let Some(kind) = translate(event) {
            self.push(event.timing(), kind);
        }
    }

    fn push(&mut self, offset: u32, kind: EventKind) {
        if self.events.len() < CAPACITY {
            self.events.push(Event { offset, kind });
        }
    }
}

fn translate<S>(event: &NoteEvent<S>) -> Option<EventKind> {
    let kind = match *event {
        NoteEvent::NoteOn { channel, key, velocity, .. } => EventKind::NoteOn {
            channel: channel_of(channel),
            note: key.number()?,
            velocity: midi(velocity),
        },
        NoteEvent::NoteOff { channel, key, velocity, .. } => released(channel, key, midi(velocity)),
        NoteEvent::Choke { channel, key, .. } => released(channel, key, 0.0),
        NoteEvent::MidiCC { channel, cc: 120 | 123, .. } if channel < 16 => EventKind::AllNotesOff,
        NoteEvent::MidiCC { channel, cc, value, .. } => {
            EventKind::Cc { channel, controller: cc, value: midi(value) }
        }
        NoteEvent::MidiPitchBend { channel, value, .. } => {
            EventKind::Bend { channel, value: f64::from(value) * 2.0 - 1.0 }
        }
        NoteEvent::MidiChannelPressure { channel, pressure, .. } => {
            EventKind::Pressure { channel, value: midi(pressure) }
        }
        NoteEvent::VoiceTerminated { .. }
        | NoteEvent::PolyModulation { .. }
        | NoteEvent::MonoAutomation { .. }
        | NoteEvent::PolyPressure { .. }
        | NoteEvent::PolyVolume { .. }
        | NoteEvent::PolyPan { .. }
        | NoteEvent::PolyTuning { .. }
        | NoteEvent::PolyVibrato { .. }
        | NoteEvent::PolyExpression { .. }
        | NoteEvent::PolyBrightness { .. }
        | NoteEvent::MidiProgramChange { .. }
        | NoteEvent::MidiSysEx { .. }
        | _ => return None,
    };
    Some(kind)
}

fn released(channel: Channel, key: Key, velocity: f64) -> EventKind {
    match key {
        Key::Number(note) => EventKind::NoteOff { channel: channel_of(channel), note, velocity },
        Key::Wildcard => EventKind::AllNotesOff,
    }
}

fn channel_of(channel: Channel) -> u8 {
    channel.number().unwrap_or(0)
}

/// A velocity 0..1 as MIDI counts it, 0..127: whole where it came from a MIDI byte.
fn midi(velocity: f32) -> f64 {
    let value = f64::from(velocity) * 127.0;
    let whole = value.round();
    if (value - whole).abs() < 1e-4 { whole } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nice_plug::midi::VoiceID;

    #[test]
    fn every_midi_velocity_comes_back_whole() {
        for byte in 0..=127u8 {
            assert_eq!(midi(f32::from(byte) / 127.0), f64::from(byte));
        }
    }

    #[test]
    fn parameters_are_told_once() {
        let slots = Slots::new();
        let mut list = EventList::new();
        list.start(&slots);
        assert_eq!(list.as_slice().len(), SLOTS);
        list.start(&slots);
        assert_eq!(list.as_slice().len(), 0);
        slots.set_value(3, 0.75);
        list.start(&slots);
        let told: Vec<String> =
            list.as_slice().iter().map(|event| format!("{:?}", event.kind)).collect();
        assert_eq!(told, ["Param { slot: 3, value: 0.75 }"]);
    }

    #[test]
    fn a_note_off_for_every_key_releases_all() {
        let mut list = EventList::new();
        let (voice_id, channel) = (VoiceID::Wildcard, Channel::Wildcard);
        list.add(&NoteEvent::<()>::NoteOff {
            timing: 7,
            voice_id,
            channel,
            key: Key::Wildcard,
            velocity: 0.0,
        });
        assert!(matches!(list.as_slice(), [Event { offset: 7, kind: EventKind::AllNotesOff }]));
    }
}
