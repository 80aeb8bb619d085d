//! The host's song position, kept so that every frame can tell its own.
//!
//! Takes what the host says at a frame, keeps it as an anchor: beat `b` at time `t`, from where the
//! beat of any later frame follows by the tempo. As long as the host goes on as foretold the anchor
//! stays where it is, so that block sizes never show.

/// What a host says of its transport.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Transport {
    /// Beats (quarter notes) a minute.
    pub tempo: f64,
    /// Whether the song goes on.
    pub playing: bool,
    /// Song position in beats from its start.
    pub beat: f64,
    /// Beat at which the current bar starts.
    pub bar_start: f64,
    /// Number of the current bar, from 0.
    pub bar: f64,
    /// Upper figure of the time signature.
    pub numerator: f64,
    /// Lower figure of the time signature.
    pub denominator: f64,
    /// Song position in samples.
    pub position: f64,
}

impl Default for Transport {
    /// A host that says nothing: 120 beats a minute, four quarters a bar, standing at the start.
    fn default() -> Self {
        Self {
            tempo: 120.0,
            playing: false,
            beat: 0.0,
            bar_start: 0.0,
            bar: 0.0,
            numerator: 4.0,
            denominator: 4.0,
            position: 0.0,
        }
    }
}

/// What a program reads of the transport. The anchored values ([`TransportField::Beat`],
/// [`TransportField::Position`]) hold at time [`TransportField::Time`]; while playing, the beat of
/// sample `now` is `beat + (now - time) * tempo / (60 * samplerate)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransportField {
    /// Beats a minute.
    Tempo,
    /// 1 while the song goes on, else 0.
    Playing,
    /// The anchor's time, in samples since activation.
    Time,
    /// Song position at the anchor, in beats.
    Beat,
    /// Beat at which the anchor's bar starts.
    BarStart,
    /// Number of the anchor's bar, from 0.
    Bar,
    /// Beats (quarter notes) a bar has: 4 times numerator by denominator.
    BarBeats,
    /// Song position at the anchor, in samples.
    Position,
}

impl TransportField {
    /// All fields with the names of the text format.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Tempo, "tempo"),
        (Self::Playing, "playing"),
        (Self::Time, "time"),
        (Self::Beat, "beat"),
        (Self::BarStart, "barstart"),
        (Self::Bar, "bar"),
        (Self::BarBeats, "barbeats"),
        (Self::Position, "position"),
    ];

    /// The name in the text format.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(field, _)| *field == self).map_or("", |(_, name)| name)
    }
}

/// When a program that waits takes over. While the song stands, at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// As soon as it can.
    #[default]
    AtOnce,
    /// At the next beat.
    Beat,
    /// At the next bar.
    Bar,
    /// At the next bar whose number, counted from the song's start, is a multiple of this.
    Bars(u32),
    /// At this sample of [`crate::processor::Processor::now`], whatever the song does: for replaying.
    Frame(u64),
    /// The same, after the events that stand at that sample.
    Events(u64),
}

/// A place in the song.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Number of the bar, from 0.
    pub bar: f64,
    /// Beats (quarter notes) since the bar began.
    pub beat: f64,
}

/// Beats by which a host may miss what was foretold and still go on: a hundredth of a sample.
const SLACK: f64 = 1e-6;

/// The transport and the time it was said at.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Anchor {
    said: Transport,
    time: u64,
    rate: f64,
}

impl Anchor {
    /// Takes what the host says of sample `time`, at `rate` hertz; true if a program may read
    /// something else now.
    pub fn take(&mut self, said: Transport, time: u64, rate: f64) -> bool {
        if self.foretold(&said, time, rate) {
            return false;
        }
        *self = Self { said, time, rate };
        true
    }

    /// Whether the host went on as the anchor says.
    fn foretold(&self, said: &Transport, time: u64, rate: f64) -> bool {
        let old = &self.said;
        let same = old.tempo == said.tempo
            && old.playing == said.playing
            && old.numerator == said.numerator
            && old.denominator == said.denominator
            && self.rate == rate;
        if !same {
            return false;
        }
        let samples = if old.playing { time.saturating_sub(self.time) as f64 } else { 0.0 };
        let beats = samples * old.tempo / (60.0 * rate);
        let bars = ((old.beat + beats - old.bar_start) / self.bar_beats() + SLACK).floor();
        (old.beat + beats - said.beat).abs() < SLACK
            && (old.position + samples - said.position).abs() < 1.0
            && (old.bar_start + bars * self.bar_beats() - said.bar_start).abs() < SLACK
            && (old.bar + bars - said.bar).abs() < 0.5
    }

    /// Frames from sample `now` to the first one at or after the next such moment; 0 if that is now.
    pub fn frames_to(&self, when: When, now: u64) -> u64 {
        let said = &self.said;
        let (first, unit) = match when {
            When::AtOnce => return 0,
            When::Frame(frame) | When::Events(frame) => return frame.saturating_sub(now),
            When::Beat => (0.0, 1.0),
            When::Bar => (said.bar_start, self.bar_beats()),
            When::Bars(count) => {
                let count = f64::from(count.max(1));
                let first = said.bar_start - said.bar.rem_euclid(count) * self.bar_beats();
                (first, count * self.bar_beats())
            }
        };
        let step = said.tempo / (60.0 * self.rate);
        if !(said.playing && step.is_finite() && step > 0.0) {
            return 0;
        }
        let beat = said.beat + now.saturating_sub(self.time) as f64 * step;
        let since = (beat - first).rem_euclid(unit);
        // A millionth of a frame for rounding.
        if since < step * (1.0 - 1e-6) {
            return 0;
        }
        ((unit - since) / step - 1e-6).ceil().max(0.0) as u64
    }

    /// The place in the song of sample `time`, if the song goes on as it does.
    pub fn moment(&self, time: u64) -> Moment {
        let said = &self.said;
        let samples = if said.playing { time.saturating_sub(self.time) as f64 } else { 0.0 };
        let rate = if self.rate > 0.0 { self.rate } else { 1.0 };
        // A frame at or after a bar line lies a fraction of a frame behind it.
        let beat = said.beat + samples * said.tempo / (60.0 * rate) - said.bar_start + SLACK;
        let bars = (beat / self.bar_beats()).floor();
        Moment { bar: said.bar + bars, beat: beat - bars * self.bar_beats() }
    }

    fn bar_beats(&self) -> f64 {
        if self.said.denominator > 0.0 && self.said.numerator > 0.0 {
            4.0 * self.said.numerator / self.said.denominator
        } else {
            4.0
        }
    }

    /// The value of a field.
    pub fn read(&self, field: TransportField) -> f64 {
        match field {
            TransportField::Tempo => self.said.tempo,
            TransportField::Playing => f64::from(u8::from(self.said.playing)),
            TransportField::Time => self.time as f64,
            TransportField::Beat => self.said.beat,
            TransportField::BarStart => self.said.bar_start,
            TransportField::Bar => self.said.bar,
            TransportField::BarBeats => self.bar_beats(),
            TransportField::Position => self.said.position,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f64 = 48_000.0;

    fn at(time: u64) -> Transport {
        let beat = time as f64 * 90.0 / (60.0 * RATE);
        let bar = (beat / 3.0).floor();
        Transport {
            tempo: 90.0,
            playing: true,
            beat,
            bar,
            bar_start: bar * 3.0,
            numerator: 3.0,
            denominator: 4.0,
            position: time as f64,
        }
    }

    #[test]
    fn a_host_that_goes_on_leaves_the_anchor() {
        let mut anchor = Anchor::default();
        assert!(anchor.take(at(0), 0, RATE));
        for time in (0..1_000_000).step_by(441) {
            assert!(!anchor.take(at(time), time, RATE), "{time}");
        }
        assert_eq!(
            (anchor.read(TransportField::Time), anchor.read(TransportField::BarBeats)),
            (0.0, 3.0)
        );
    }

    #[test]
    fn moments_are_the_first_frames_at_or_after_beats_and_bars() {
        let mut anchor = Anchor::default();
        // 32 000 frames a beat, 3 beats a bar.
        anchor.take(at(10_000), 10_000, RATE);
        let moments = [
            (When::AtOnce, 10_000),
            (When::Beat, 32_000),
            (When::Bar, 96_000),
            (When::Bars(1), 96_000),
            (When::Bars(4), 384_000),
        ];
        for (when, want) in moments {
            assert_eq!(10_000 + anchor.frames_to(when, 10_000), want, "{when:?}");
            assert_eq!(anchor.frames_to(when, want), 0, "{when:?}");
        }
        assert_eq!(anchor.frames_to(When::Beat, 32_001), 31_999);
        for (time, bar, beat) in [(10_000, 0.0, 0.3125), (96_000, 1.0, 0.0), (384_000, 4.0, 0.0)] {
            let moment = anchor.moment(time);
            assert_eq!((moment.bar, (moment.beat - beat).abs() < 1e-5), (bar, true), "{time}");
        }
        // 7 000 frames a beat do not divide; the first frame after the beat is meant.
        let odd = Transport { tempo: 411.3, ..at(0) };
        anchor.take(odd, 0, RATE);
        let frame = anchor.frames_to(When::Beat, 1);
        let beat = |frame: u64| frame as f64 * 411.3 / (60.0 * RATE);
        assert!(beat(frame) < 1.0 && beat(frame + 1) >= 1.0, "{frame}");
        assert_eq!(anchor.frames_to(When::Beat, frame + 1), 0);
        anchor.take(Transport { playing: false, ..odd }, 50, RATE);
        assert_eq!(anchor.frames_to(When::Bar, 50), 0);
    }

    #[test]
    fn a_jump_a_stop_and_a_new_tempo_move_it() {
        let mut anchor = Anchor::default();
        anchor.take(at(0), 0, RATE);
        assert!(anchor.take(at(5000), 4000, RATE));
        assert_eq!(anchor.read(TransportField::Time), 4000.0);
        assert!(anchor.take(Transport { tempo: 91.0, ..at(5000) }, 4000, RATE));
        assert!(anchor.take(Transport { playing: false, ..at(5000) }, 4000, RATE));
        assert!(!anchor.take(Transport { playing: false, ..at(5000) }, 4000, RATE));
        assert!(anchor.take(Transport { playing: false, tempo: 91.0, ..at(5000) }, 9000, RATE));
    }
}
