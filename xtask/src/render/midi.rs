//! Standard MIDI files as events at frames.

use crate::Failure;
use attacca_engine::{Address, EventKind, Expression};
use midly::{MetaMessage, MidiMessage, Smf, Timing, TrackEventKind};
use std::path::Path;

/// Seconds rendered after the last event.
const TAIL: f64 = 2.0;

/// The events of a file in order, and its length in frames with the tail.
pub(super) fn read(path: &Path, rate: f64) -> Result<(Vec<(u64, EventKind)>, u64), Failure> {
    let bad = |what: String| Failure::Usage(format!("{}: {what}", path.display()));
    let bytes = std::fs::read(path).map_err(|e| bad(e.to_string()))?;
    let file = Smf::parse(&bytes).map_err(|e| bad(format!("not a MIDI file: {e}")))?;
    whole(&bytes).map_err(|what| bad(what.into()))?;
    let mut ticks: Vec<(u64, TrackEventKind<'_>)> = Vec::new();
    for track in &file.tracks {
        let mut at = 0;
        for event in track {
            at += u64::from(event.delta.as_int());
            ticks.push((at, event.kind));
        }
    }
    // Stable: events of one tick stay in the order of their tracks.
    ticks.sort_by_key(|(at, _)| *at);
    let mut clock = Clock::new(file.header.timing);
    let mut events = Vec::new();
    let mut end = 0.0;
    for (at, kind) in ticks {
        end = clock.seconds(at);
        match kind {
            TrackEventKind::Meta(MetaMessage::Tempo(us)) => clock.tempo(at, us.as_int()),
            TrackEventKind::Midi { channel, message } => {
                if let Some(kind) = event(channel.as_int(), message) {
                    events.push(((end * rate).round() as u64, kind));
                }
            }
            TrackEventKind::Meta(_) | TrackEventKind::SysEx(_) | TrackEventKind::Escape(_) => {}
        }
    }
    Ok((events, ((end + TAIL) * rate).ceil() as u64))
}

/// Whether every chunk is there to its end, and as many tracks as the header says: the parser takes
/// what it finds.
fn whole(bytes: &[u8]) -> Result<(), &'static str> {
    const TRUNCATED: &str = "the MIDI file is truncated";
    let said = bytes.get(10..12).ok_or(TRUNCATED)?;
    let mut missing = u16::from_be_bytes([said[0], said[1]]);
    let mut rest = bytes;
    while let Some((head, body)) = rest.split_at_checked(8) {
        let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
        rest = body.get(length as usize..).ok_or(TRUNCATED)?;
        missing = missing.saturating_sub(u16::from(head.starts_with(b"MTrk")));
    }
    if missing > 0 { Err(TRUNCATED) } else { Ok(()) }
}

fn event(channel: u8, message: MidiMessage) -> Option<EventKind> {
    match message {
        MidiMessage::NoteOn { key, vel } if vel.as_int() > 0 => Some(EventKind::NoteOn {
            channel,
            note: key.as_int(),
            velocity: f64::from(vel.as_int()),
            id: -1,
        }),
        MidiMessage::NoteOn { key, vel } | MidiMessage::NoteOff { key, vel } => {
            Some(EventKind::NoteOff {
                channel,
                note: key.as_int(),
                velocity: f64::from(vel.as_int()),
                id: -1,
            })
        }
        MidiMessage::Controller { controller, value } => match controller.as_int() {
            120 | 123 => Some(EventKind::AllNotesOff),
            controller => {
                Some(EventKind::Cc { channel, controller, value: f64::from(value.as_int()) })
            }
        },
        MidiMessage::PitchBend { bend } => Some(EventKind::Bend { channel, value: bend.as_f64() }),
        MidiMessage::ChannelAftertouch { vel } => {
            Some(EventKind::Pressure { channel, value: f64::from(vel.as_int()) })
        }
        MidiMessage::Aftertouch { key, vel } => Some(EventKind::Express {
            notes: Address { channel: Some(channel), note: Some(key.as_int()), id: -1 },
            what: Expression::Pressure,
            value: f64::from(vel.as_int()) / 127.0,
        }),
        MidiMessage::ProgramChange { .. } => None,
    }
}

/// Ticks to seconds along the tempo changes.
struct Clock {
    seconds_per_tick: f64,
    ticks_per_beat: Option<f64>,
    since: (u64, f64),
}

impl Clock {
    fn new(timing: Timing) -> Self {
        match timing {
            Timing::Metrical(ticks) => {
                let ticks = f64::from(ticks.as_int().max(1));
                Self { seconds_per_tick: 0.5 / ticks, ticks_per_beat: Some(ticks), since: (0, 0.0) }
            }
            Timing::Timecode(fps, sub) => {
                let seconds = 1.0 / (f64::from(fps.as_f32()) * f64::from(sub.max(1)));
                Self { seconds_per_tick: seconds, ticks_per_beat: None, since: (0, 0.0) }
            }
        }
    }

    fn seconds(&self, tick: u64) -> f64 {
        self.since.1 + (tick - self.since.0) as f64 * self.seconds_per_tick
    }

    fn tempo(&mut self, tick: u64, micros_per_beat: u32) {
        self.since = (tick, self.seconds(tick));
        if let Some(ticks) = self.ticks_per_beat {
            self.seconds_per_tick = f64::from(micros_per_beat) / 1e6 / ticks;
        }
    }
}
