//! What the audio thread tells the others, and the few things it is told: atomics only.
//!
//! Written in `process`, read by the window and the worker. Nothing here waits; a reader may see two
//! values of different blocks.

use crate::document::PATIENCE;
use attacca_engine::{Held, Moment, Processor};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Output channels of every instance.
pub(crate) const CHANNELS: usize = 2;

/// What the audio thread tells the others.
pub(crate) struct Meter {
    /// 0 idle, 1 playing, 2 faulted.
    playing: AtomicU32,
    /// Bits of an f32: smoothed load of the callback.
    load: AtomicU32,
    /// The host asked for a reset: for the audio thread.
    pub(crate) reset: AtomicBool,
    /// The host asked for a reset: for the worker.
    pub(crate) fresh: AtomicBool,
    /// Bits of an f32: seconds that a program may be slower than real time; 0 is for ever.
    patience: AtomicU32,
    /// Bits of two f32: the bar (from 0) and beat for which the next program waits; not a number if none waits.
    waits: [AtomicU32; 2],
    /// How often each channel was held back: too loud, not finite.
    held: [[AtomicU32; 2]; CHANNELS],
}

/// What the processor did with the last block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AudioState {
    /// No program.
    Idle = 0,
    /// A program ran.
    Playing = 1,
    /// The program stopped with a fault.
    Faulted = 2,
}

impl Meter {
    /// Nothing has happened yet.
    pub(crate) fn new() -> Meter {
        let none = || AtomicU32::new(f32::NAN.to_bits());
        Meter {
            playing: AtomicU32::new(0),
            load: AtomicU32::new(0),
            reset: AtomicBool::new(false),
            fresh: AtomicBool::new(false),
            patience: AtomicU32::new(PATIENCE.to_bits()),
            waits: [none(), none()],
            held: Default::default(),
        }
    }

    /// Notes what the processor does. Audio thread.
    pub(crate) fn set_playing(&self, playing: AudioState) {
        self.playing.store(playing as u32, Ordering::Relaxed);
    }

    /// What the processor does.
    pub(crate) fn playing(&self) -> AudioState {
        match self.playing.load(Ordering::Relaxed) {
            1 => AudioState::Playing,
            2 => AudioState::Faulted,
            _ => AudioState::Idle,
        }
    }

    /// Notes what the processor waits for and held back. Audio thread.
    pub(crate) fn look_at(&self, processor: &Processor) {
        let none = Moment { bar: f64::NAN, beat: f64::NAN };
        let moment = processor.waits_for().unwrap_or(none);
        let [bar, beat] = &self.waits;
        bar.store((moment.bar as f32).to_bits(), Ordering::Relaxed);
        beat.store((moment.beat as f32).to_bits(), Ordering::Relaxed);
        for (channel, counts) in self.held.iter().enumerate() {
            let Held { loud, broken } = processor.held(channel);
            for (count, now) in counts.iter().zip([loud, broken]) {
                count.store(u32::try_from(now).unwrap_or(u32::MAX), Ordering::Relaxed);
            }
        }
    }

    /// The place in the song at which the next program takes over, while one waits.
    pub(crate) fn waits_for(&self) -> Option<Moment> {
        let read = |bits: &AtomicU32| f64::from(f32::from_bits(bits.load(Ordering::Relaxed)));
        let [bar, beat] = &self.waits;
        let moment = Moment { bar: read(bar), beat: read(beat) };
        (moment.bar.is_finite() && moment.beat.is_finite()).then_some(moment)
    }

    /// How often each channel was held back since the instance was made: too loud, not finite.
    pub(crate) fn held(&self) -> [[u32; 2]; CHANNELS] {
        self.held.each_ref().map(|channel| channel.each_ref().map(|it| it.load(Ordering::Relaxed)))
    }

    /// Folds in the load of one callback: time spent over time available. Audio thread.
    pub(crate) fn add_load(&self, load: f32) {
        let old = f32::from_bits(self.load.load(Ordering::Relaxed));
        self.load.store((old + (load - old) * 0.05).to_bits(), Ordering::Relaxed);
    }

    /// Smoothed load of the callback.
    pub(crate) fn load(&self) -> f32 {
        f32::from_bits(self.load.load(Ordering::Relaxed))
    }

    /// Seconds that a program may be slower than real time; 0 is for ever.
    pub(crate) fn patience(&self) -> f32 {
        f32::from_bits(self.patience.load(Ordering::Relaxed))
    }

    /// Sets how many seconds a program may be slower than real time; 0 is for ever.
    pub(crate) fn set_patience(&self, seconds: f32) {
        self.patience.store(seconds.to_bits(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_waits_at_first() {
        let meter = Meter::new();
        assert_eq!((meter.waits_for(), meter.held()), (None, [[0; 2]; CHANNELS]));
        assert_eq!((meter.playing(), meter.patience()), (AudioState::Idle, PATIENCE));
    }
}
