//! Voices of polyphonic instruments: which voice plays which note.
//!
//! Takes notes and expressions, gives the fields of each voice. A program has up to [`MAX_GROUPS`]
//! groups of up to [`MAX_VOICES`] voices; every group plays every note. The allocation outlives the
//! program, so that held notes sound on through an edit. Fixed size, no allocation.
//!
//! A new note takes the voice that was released longest ago (never used counts as longest); if all
//! are held, the one that began first. Where the voice's gate was 1 in the frame before, it is 0 for
//! one frame first, so that an envelope sees the new note begin.

use crate::event::Expression;

/// Most groups of a program.
pub const MAX_GROUPS: usize = 8;

/// Most voices of a group.
pub const MAX_VOICES: usize = 64;

/// Semitones that the pitch wheel bends at its ends.
pub const WHEEL_SEMITONES: f64 = 2.0;

/// What a program reads of a voice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VoiceField {
    /// Frequency in hertz, bends included; 0 before the first note.
    Freq,
    /// 1 while the key is held, else 0.
    Gate,
    /// Velocity of the note, 0..=1.
    Velocity,
    /// Pressure of the note or its channel, 0..=1.
    Pressure,
    /// Bend in semitones: pitch wheel and the note's own tuning together.
    Bend,
    /// Controller 74 of the channel or the note's brightness, 0..=1.
    Timbre,
    /// Key number 0..=127.
    Note,
    /// MIDI channel 0..=15.
    Channel,
}

impl VoiceField {
    /// All fields, in the order in which a program's record has them.
    pub const ALL: [Self; 8] = [
        Self::Freq,
        Self::Gate,
        Self::Velocity,
        Self::Pressure,
        Self::Bend,
        Self::Timbre,
        Self::Note,
        Self::Channel,
    ];

    /// The name in a program's record.
    pub fn name(self) -> &'static str {
        match self {
            Self::Freq => "freq",
            Self::Gate => "gate",
            Self::Velocity => "velocity",
            Self::Pressure => "pressure",
            Self::Bend => "bend",
            Self::Timbre => "timbre",
            Self::Note => "note",
            Self::Channel => "channel",
        }
    }
}

/// Which notes an event is about; `None` and -1 stand for any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Address {
    /// MIDI channel, 0..=15.
    pub channel: Option<u8>,
    /// Key number, 0..=127.
    pub note: Option<u8>,
    /// The host's number of the note.
    pub id: i32,
}

/// One voice.
#[derive(Clone, Copy, Debug, Default)]
struct Voice {
    held: bool,
    /// The gate is 0 for one frame before the note.
    waits: bool,
    /// The gate in the last frame.
    was_open: bool,
    note: u8,
    channel: u8,
    id: i32,
    velocity: f64,
    pressure: f64,
    wheel: f64,
    tuning: f64,
    timbre: f64,
    used: bool,
    /// When the note began, and when it ended, in events.
    began: u64,
    ended: u64,
}

impl Voice {
    fn open(&self) -> bool {
        self.held && !self.waits
    }

    fn fits(&self, address: Address) -> bool {
        self.used
            && address.channel.is_none_or(|channel| channel == self.channel)
            && address.note.is_none_or(|note| note == self.note)
            && (address.id < 0 || self.id < 0 || address.id == self.id)
    }

    fn bend(&self) -> f64 {
        self.wheel * WHEEL_SEMITONES + self.tuning
    }

    fn read(&self, field: VoiceField) -> f64 {
        match field {
            VoiceField::Freq if !self.used => 0.0,
            VoiceField::Freq => frequency(f64::from(self.note) + self.bend()),
            VoiceField::Gate => f64::from(u8::from(self.open())),
            VoiceField::Velocity => self.velocity,
            VoiceField::Pressure => self.pressure,
            VoiceField::Bend => self.bend(),
            VoiceField::Timbre => self.timbre,
            VoiceField::Note => f64::from(self.note),
            VoiceField::Channel => f64::from(self.channel),
        }
    }
}

/// The voices of one group.
#[derive(Clone, Debug)]
struct Group {
    count: usize,
    voices: [Voice; MAX_VOICES],
}

/// What a new note of a channel starts with.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ChannelState {
    /// -1..=1.
    pub(crate) wheel: f64,
    /// 0..=1.
    pub(crate) pressure: f64,
    /// 0..=1.
    pub(crate) timbre: f64,
}

/// All groups.
#[derive(Clone, Debug)]
pub struct Voices {
    groups: Box<[Group]>,
    /// Counts events.
    clock: u64,
    /// Whether something changed since the last frame.
    moved: bool,
}

impl Default for Voices {
    fn default() -> Self {
        let group = Group { count: 0, voices: [Voice::default(); MAX_VOICES] };
        Self { groups: vec![group; MAX_GROUPS].into(), clock: 0, moved: false }
    }
}

impl Voices {
    /// From now on groups have these many voices; notes of voices beyond end.
    pub fn resize(&mut self, counts: &[u32]) {
        let counts = counts.iter().copied().chain(std::iter::repeat(0));
        for (group, count) in self.groups.iter_mut().zip(counts) {
            let count = (count as usize).min(MAX_VOICES);
            // Voices beyond were reset when they went: this is done in the callback of a swap.
            for voice in group.voices.iter_mut().take(group.count).skip(count) {
                *voice = Voice::default();
            }
            group.count = count;
        }
    }

    /// Becomes like `other`, as far as its groups reach.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        for (group, other) in self.groups.iter_mut().zip(&other.groups) {
            group.count = other.count;
            for (voice, other) in group.voices.iter_mut().zip(&other.voices).take(other.count) {
                *voice = *other;
            }
        }
        (self.clock, self.moved) = (other.clock, other.moved);
    }

    /// The value of a voice's field; 0 for a voice that does not exist.
    pub fn read(&self, group: u8, voice: u8, field: VoiceField) -> f64 {
        let group = self.groups.get(usize::from(group));
        let voice = group.and_then(|group| group.voices.get(usize::from(voice)));
        voice.map_or(0.0, |voice| voice.read(field))
    }

    /// A key goes down; `velocity` is 0..=1.
    pub(crate) fn note_on(
        &mut self,
        channel: u8,
        note: u8,
        id: i32,
        velocity: f64,
        state: ChannelState,
    ) {
        // The same key again without a note-off between: the first note ends.
        for group in self.groups.iter_mut() {
            for voice in group.voices.iter_mut().take(group.count) {
                if voice.held && voice.channel == channel && voice.note == note && voice.id == id {
                    voice.held = false;
                    voice.ended = self.clock;
                }
            }
        }
        self.clock += 1;
        let clock = self.clock;
        for group in self.groups.iter_mut() {
            let Some(voice) = group.free() else { continue };
            *voice = Voice {
                held: true,
                waits: voice.was_open,
                was_open: voice.was_open,
                note,
                channel,
                id,
                velocity,
                pressure: state.pressure,
                wheel: state.wheel,
                tuning: 0.0,
                timbre: state.timbre,
                used: true,
                began: clock,
                ended: 0,
            };
        }
        self.moved = true;
    }

    /// Keys come up.
    pub(crate) fn note_off(&mut self, address: Address) {
        self.clock += 1;
        let clock = self.clock;
        for voice in self.playing(address).filter(|voice| voice.held) {
            (voice.held, voice.ended) = (false, clock);
        }
        self.moved = true;
    }

    /// A note changes while it sounds, or after.
    pub(crate) fn express(&mut self, address: Address, what: Expression, value: f64) {
        for voice in self.playing(address) {
            match what {
                Expression::Pressure => voice.pressure = value,
                Expression::Tuning => voice.tuning = value,
                Expression::Timbre => voice.timbre = value,
            }
        }
    }

    /// The pitch wheel of a channel moves, -1..=1.
    pub(crate) fn bend(&mut self, channel: u8, value: f64) {
        let address = Address { channel: Some(channel), note: None, id: -1 };
        self.playing(address).for_each(|voice| voice.wheel = value);
    }

    /// Whether a gate has to be 0 for one frame: then one frame is rendered, and no more.
    pub(crate) fn waits(&self) -> bool {
        self.moved && self.all().any(|voice| voice.waits)
    }

    /// A frame or more has been rendered; true if a field changed by that.
    pub(crate) fn pass(&mut self) -> bool {
        if !self.moved {
            return false;
        }
        self.moved = false;
        let mut changed = false;
        for group in self.groups.iter_mut() {
            for voice in group.voices.iter_mut().take(group.count) {
                voice.was_open = voice.open();
                if voice.waits {
                    voice.waits = false;
                    (changed, self.moved) = (true, true);
                }
            }
        }
        changed
    }

    fn all(&self) -> impl Iterator<Item = &Voice> {
        self.groups.iter().flat_map(|group| group.voices.iter().take(group.count))
    }

    fn playing(&mut self, address: Address) -> impl Iterator<Item = &mut Voice> {
        let voices =
            self.groups.iter_mut().flat_map(|group| group.voices.iter_mut().take(group.count));
        voices.filter(move |voice| voice.fits(address))
    }
}

impl Group {
    /// The voice for a new note: released longest ago, else begun first.
    fn free(&mut self) -> Option<&mut Voice> {
        let key = |voice: &Voice| match voice.held {
            false => (0, voice.ended),
            true => (1, voice.began),
        };
        self.voices.iter_mut().take(self.count).min_by_key(|voice| key(voice))
    }
}

/// 2^(n/12) for n in 0..12, correctly rounded.
const SEMITONES: [f64; 12] = [
    1.0,
    1.0594630943592953,
    1.122462048309373,
    1.189207115002721,
    1.2599210498948732,
    1.3348398541700344,
    std::f64::consts::SQRT_2,
    1.4983070768766815,
    1.5874010519681994,
    1.681792830507429,
    1.7817974362806785,
    1.8877486253633868,
];

/// Frequency in hertz of a key number, fractions included: 69 is 440 Hz. The same bits everywhere.
pub fn frequency(key: f64) -> f64 {
    let distance = (key - 69.0).clamp(-600.0, 600.0);
    let whole = distance.floor();
    let part = distance - whole;
    let steps = whole as i64;
    let octave = f64::from_bits((1023 + steps.div_euclid(12)).cast_unsigned() << 52);
    let step = SEMITONES.get(steps.rem_euclid(12) as usize).copied().unwrap_or(1.0);
    440.0 * octave * step * small_power(part)
}

/// 2^(x/12) for x in 0..1, by the series of the exponential: the ninth term is below 2^-53.
fn small_power(x: f64) -> f64 {
    let x = x * (std::f64::consts::LN_2 / 12.0);
    let mut sum = 1.0;
    for n in (1..=8).rev() {
        sum = 1.0 + sum * x / f64::from(n);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voices(count: u32) -> Voices {
        let mut voices = Voices::default();
        voices.resize(&[count]);
        voices
    }

    fn on(voices: &mut Voices, note: u8) {
        voices.note_on(0, note, -1, 0.5, ChannelState::default());
    }

    fn off(voices: &mut Voices, note: u8) {
        voices.note_off(Address { channel: Some(0), note: Some(note), id: -1 });
    }

    fn notes(voices: &Voices, count: u8) -> Vec<(f64, f64)> {
        let field = |voice, field| voices.read(0, voice, field);
        (0..count).map(|v| (field(v, VoiceField::Note), field(v, VoiceField::Gate))).collect()
    }

    #[test]
    fn notes_take_free_voices_then_the_oldest_released_then_the_oldest() {
        let mut voices = voices(3);
        for note in [60, 61, 62] {
            on(&mut voices, note);
        }
        voices.pass();
        assert_eq!(notes(&voices, 4), [(60.0, 1.0), (61.0, 1.0), (62.0, 1.0), (0.0, 0.0)]);
        off(&mut voices, 61);
        off(&mut voices, 60);
        voices.pass();
        on(&mut voices, 63);
        assert_eq!(notes(&voices, 3), [(60.0, 0.0), (63.0, 1.0), (62.0, 1.0)]);
        on(&mut voices, 64);
        on(&mut voices, 65);
        assert_eq!(notes(&voices, 3), [(64.0, 1.0), (63.0, 1.0), (65.0, 0.0)]);
        assert!(voices.waits(), "a stolen voice shows a closed gate for one frame");
        assert!(voices.pass());
        assert_eq!(notes(&voices, 3), [(64.0, 1.0), (63.0, 1.0), (65.0, 1.0)]);
        assert!(!voices.waits() && !voices.pass());
    }

    #[test]
    fn a_single_voice_opens_anew_for_a_note_at_the_frame_of_the_last_ones_end() {
        let mut voices = voices(1);
        on(&mut voices, 60);
        assert_eq!(notes(&voices, 1), [(60.0, 1.0)]);
        voices.pass();
        off(&mut voices, 60);
        on(&mut voices, 60);
        assert_eq!(notes(&voices, 1), [(60.0, 0.0)]);
        voices.pass();
        assert_eq!(notes(&voices, 1), [(60.0, 1.0)]);
    }

    #[test]
    fn the_same_key_twice_leaves_no_hanging_note() {
        let mut voices = voices(4);
        on(&mut voices, 60);
        voices.pass();
        on(&mut voices, 60);
        off(&mut voices, 60);
        assert!(notes(&voices, 4).iter().all(|(_, gate)| *gate == 0.0));
    }

    #[test]
    fn hosts_tell_notes_of_one_key_apart_by_their_number() {
        let mut voices = voices(2);
        for id in [5, 6] {
            voices.note_on(1, 60, id, 1.0, ChannelState::default());
        }
        let of = |id| Address { channel: None, note: None, id };
        voices.express(of(6), Expression::Tuning, 12.0);
        voices.note_off(of(5));
        let read = |voice, field| voices.read(0, voice, field);
        assert_eq!((read(0, VoiceField::Gate), read(1, VoiceField::Gate)), (0.0, 1.0));
        assert_eq!((read(0, VoiceField::Bend), read(1, VoiceField::Bend)), (0.0, 12.0));
        assert_eq!(read(1, VoiceField::Freq), 2.0 * read(0, VoiceField::Freq));
        assert_eq!(read(1, VoiceField::Channel), 1.0);
    }

    #[test]
    fn a_new_note_starts_with_what_its_channel_has() {
        let mut voices = voices(1);
        voices.note_on(3, 69, -1, 1.0, ChannelState { wheel: 0.5, pressure: 0.25, timbre: 0.75 });
        let read = |field| voices.read(0, 0, field);
        assert_eq!((read(VoiceField::Bend), read(VoiceField::Pressure)), (1.0, 0.25));
        assert_eq!(read(VoiceField::Timbre), 0.75);
        voices.bend(3, 0.0);
        voices.bend(2, 1.0);
        assert_eq!(voices.read(0, 0, VoiceField::Freq), 440.0);
    }

    #[test]
    fn fewer_voices_keep_the_notes_that_they_play() {
        let mut voices = voices(3);
        for note in [60, 61, 62] {
            on(&mut voices, note);
        }
        voices.resize(&[2]);
        assert_eq!(notes(&voices, 3), [(60.0, 1.0), (61.0, 1.0), (0.0, 0.0)]);
        voices.resize(&[4]);
        assert_eq!(notes(&voices, 4)[2..], [(0.0, 0.0), (0.0, 0.0)]);
        voices.resize(&[]);
        voices.resize(&[2]);
        assert_eq!(notes(&voices, 2), [(0.0, 0.0), (0.0, 0.0)]);
    }

    #[test]
    fn frequencies_follow_equal_temperament() {
        for key in 0..128 {
            let want = 440.0 * ((f64::from(key) - 69.0) / 12.0).exp2();
            for cents in [0.0, 0.25, 0.5, 0.999] {
                let found = frequency(f64::from(key) + cents);
                let want = want * (cents / 12.0).exp2();
                assert!((found / want - 1.0).abs() < 1e-15, "{key} {cents}: {found} {want}");
            }
        }
        assert_eq!((frequency(69.0), frequency(81.0), frequency(57.0)), (440.0, 880.0, 220.0));
    }
}
