//! Host events in the engine's words.
//!
//! Takes nice-plug's note and MIDI events and the parameter values, gives a list of
//! `attacca_engine::Event`s with offsets in frames, in order. The list is allocated once; filling it
//! never allocates, so it may be used on the audio thread. Nothing else translates events.

use crate::slots::{SLOTS, Slots};
use attacca_engine::{Address, Event, EventKind, Expression, Transport};
use nice_plug::midi::{Channel, Key, VoiceID};
use nice_plug::prelude::{NoteEvent, Transport as HostTransport};

/// How many events one block can carry; more are dropped.
const CAPACITY: usize = 2048;

/// The events of one block.
pub(crate) struct EventList {
    events: Vec<Event>,
    /// The parameter values that the processor has been told.
    told: [f32; SLOTS],
    /// What the host said of its song last.
    said: Option<Transport>,
    /// All notes are to be released at the start of the next block.
    release: bool,
}

impl EventList {
    /// An empty list with room. The first block tells all parameter values.
    pub(crate) fn new() -> EventList {
        EventList {
            events: Vec::with_capacity(CAPACITY),
            told: [f32::NAN; SLOTS],
            said: None,
            release: false,
        }
    }

    /// The events so far.
    pub(crate) fn as_slice(&self) -> &[Event] {
        &self.events
    }

    /// The processor is another one that has been told nothing.
    pub(crate) fn forget(&mut self) {
        (self.told, self.said, self.release) = ([f32::NAN; SLOTS], None, false);
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
        if std::mem::take(&mut self.release) {
            self.push(0, EventKind::AllNotesOff);
        }
    }

    /// Says where the host's song is at the start of the block.
    pub(crate) fn transport(&mut self, said: &HostTransport) {
        let new = transport(said, f64::from(said.sample_rate));
        // A host that names no position says the same at every block; only changes count then.
        let placed = said.pos_beats().is_some();
        if placed || self.said != Some(new) {
            self.push(0, EventKind::Transport(new));
        }
        self.said = Some(new);
    }

    /// Releases all notes at the start of the next block.
    pub(crate) fn all_notes_off(&mut self) {
        self.release = true;
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

/// The host's song position in the engine's words; what the host does not say is as in a song of four
/// quarters a bar.
fn transport(said: &HostTransport, rate: f64) -> Transport {
    let plain = Transport::default();
    let beat = said.pos_beats().unwrap_or(plain.beat);
    Transport {
        tempo: said.tempo.unwrap_or(plain.tempo),
        playing: said.playing,
        beat,
        bar_start: said.bar_start_pos_beats().unwrap_or(plain.bar_start),
        bar: said.bar_number().map_or(plain.bar, f64::from),
        numerator: said.time_sig_numerator.map_or(plain.numerator, f64::from),
        denominator: said.time_sig_denominator.map_or(plain.denominator, f64::from),
        position: said.pos_seconds().map_or(plain.position, |seconds| seconds * rate),
    }
}

fn translate<S>(event: &NoteEvent<S>) -> Option<EventKind> {
    let kind = match *event {
        NoteEvent::NoteOn { channel, key, velocity, voice_id, .. } => EventKind::NoteOn {
            channel: channel_of(channel),
            note: key.number()?,
            velocity: midi(velocity),
            id: id_of(voice_id),
        },
        NoteEvent::NoteOff { channel, key, velocity, voice_id, .. } => {
            released(channel, key, midi(velocity), id_of(voice_id))
        }
        NoteEvent::Choke { channel, key, voice_id, .. } => {
            released(channel, key, 0.0, id_of(voice_id))
        }
        NoteEvent::PolyPressure { channel, key, voice_id, pressure, .. } => {
            express(channel, key, voice_id, Expression::Pressure, pressure)
        }
        NoteEvent::PolyTuning { channel, key, voice_id, tuning, .. } => {
            express(channel, key, voice_id, Expression::Tuning, tuning)
        }
        NoteEvent::PolyBrightness { channel, key, voice_id, brightness, .. } => {
            express(channel, key, voice_id, Expression::Timbre, brightness)
        }
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
        | NoteEvent::PolyVolume { .. }
        | NoteEvent::PolyPan { .. }
        | NoteEvent::PolyVibrato { .. }
        | NoteEvent::PolyExpression { .. }
        | NoteEvent::MidiProgramChange { .. }
        | NoteEvent::MidiSysEx { .. }
        | _ => return None,
    };
    Some(kind)
}

fn released(channel: Channel, key: Key, velocity: f64, id: i32) -> EventKind {
    match key {
        Key::Number(note) => {
            EventKind::NoteOff { channel: channel_of(channel), note, velocity, id }
        }
        Key::Wildcard => EventKind::AllNotesOff,
    }
}

/// A note that changes by itself.
fn express(channel: Channel, key: Key, id: VoiceID, what: Expression, value: f32) -> EventKind {
    let notes = Address { channel: channel.number(), note: key.number(), id: id_of(id) };
    EventKind::Express { notes, what, value: f64::from(value) }
}

/// The host's number of a note; -1 stands for any.
fn id_of(id: VoiceID) -> i32 {
    id.id().unwrap_or(-1)
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
    fn a_host_without_a_position_is_heard_when_it_changes() {
        let mut list = EventList::new();
        let slots = Slots::new();
        list.start(&slots);
        let mut host = HostTransport::new(48_000.0);
        let mut heard = |host: &HostTransport| {
            list.start(&slots);
            list.transport(host);
            list.as_slice().len()
        };
        assert_eq!((heard(&host), heard(&host)), (1, 0));
        host.playing = true;
        assert_eq!((heard(&host), heard(&host)), (1, 0));
        host.tempo = Some(90.0);
        host.pos_beats = Some(3.0);
        assert_eq!((heard(&host), heard(&host)), (1, 1));
        let said = transport(&host, 48_000.0);
        assert_eq!((said.beat, said.position), (3.0, 96_000.0));
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
