//! Keeps the output from hurting ears and hosts, channel by channel, and counts how often it had to.
//!
//! Takes the samples of each channel, gives them back finite and below a ceiling. One channel never
//! changes another. Arithmetic only; owns its counts and nothing else.

use crate::MAX_CHANNELS;
use crate::settings::OutputGuard;

/// Loudest sample that passes unless another ceiling is set: +12 dBFS.
pub const CEILING: f64 = 3.981_071_705_534_972_5;

/// Frames without a bad sample after which the next one counts anew.
const APART: u32 = 4_800;

/// How often a channel was held back since its processor was made. What is close together, a tenth
/// of a second at 48 kHz, counts once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Samples were beyond the ceiling.
    pub loud: u64,
    /// Samples were not finite.
    pub broken: u64,
}

/// What a scan of some samples found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Check {
    pub(crate) broken: bool,
    pub(crate) loud: bool,
}

/// One channel.
#[derive(Clone, Copy, Debug)]
struct Channel {
    held: Held,
    /// Frames since the last sample that was beyond the ceiling, and since the last broken one.
    calm: [u32; 2],
    /// What has been reported since the current program took over.
    told: Check,
}

const FRESH: Channel = Channel {
    held: Held { loud: 0, broken: 0 },
    calm: [APART; 2],
    told: Check { broken: false, loud: false },
};

/// The guard of all channels of a processor.
#[derive(Debug)]
pub(crate) struct Guards {
    mode: OutputGuard,
    ceiling: f64,
    channels: [Channel; MAX_CHANNELS],
}

impl Guards {
    /// A guard with the usual ceiling that has not acted yet.
    pub(crate) fn new(mode: OutputGuard) -> Self {
        Self { mode, ceiling: CEILING, channels: [FRESH; MAX_CHANNELS] }
    }

    /// From now on samples stay below this level, linear. Infinity lets all finite samples pass that a
    /// host can take.
    pub(crate) fn set_ceiling(&mut self, level: f64) {
        self.ceiling = if level >= 0.0 { level.min(f64::from(f32::MAX)) } else { CEILING };
    }

    /// The loudest sample that passes, linear.
    pub(crate) fn ceiling(&self) -> f64 {
        self.ceiling
    }

    /// A sample that neither ears nor hosts mind; as it is if the guard is off.
    pub(crate) fn hold(&self, x: f64) -> f64 {
        match self.mode {
            OutputGuard::Off => x,
            OutputGuard::On if x.is_finite() => x.clamp(-self.ceiling, self.ceiling),
            OutputGuard::On => 0.0,
        }
    }

    /// Guards some samples of a channel; says what was wrong with them.
    pub(crate) fn pass(&mut self, channel: usize, samples: &mut [f64]) -> Check {
        let ceiling = self.ceiling;
        let fine = samples.iter().fold(true, |fine, x| fine & (x.abs() <= ceiling));
        let frames = u32::try_from(samples.len()).unwrap_or(u32::MAX);
        let Some(state) = self.channels.get_mut(channel) else { return Check::default() };
        if fine {
            state.calm = state.calm.map(|calm| calm.saturating_add(frames));
            return Check::default();
        }
        let mut check = Check::default();
        for x in samples.iter() {
            state.note(*x, ceiling, &mut check);
        }
        for x in samples.iter_mut() {
            *x = self.hold(*x);
        }
        check
    }

    /// What of a check has not been reported yet of the program that plays.
    pub(crate) fn untold(&mut self, channel: usize, check: Check) -> Check {
        let (OutputGuard::On, Some(state)) = (self.mode, self.channels.get_mut(channel)) else {
            return Check::default();
        };
        let told = state.told;
        state.told.broken |= check.broken;
        state.told.loud |= check.loud;
        Check { broken: check.broken && !told.broken, loud: check.loud && !told.loud }
    }

    /// Another program plays: all is told anew.
    pub(crate) fn restart(&mut self) {
        for channel in &mut self.channels {
            channel.told = Check::default();
        }
    }

    /// How often a channel was held back.
    pub(crate) fn held(&self, channel: usize) -> Held {
        let channel = self.channels.get(channel).filter(|_| self.mode == OutputGuard::On);
        channel.map_or(Held::default(), |channel| channel.held)
    }
}

impl Channel {
    fn note(&mut self, x: f64, ceiling: f64, check: &mut Check) {
        let [loud, broken] = &mut self.calm;
        if x.abs() <= ceiling {
            *loud = loud.saturating_add(1);
            *broken = broken.saturating_add(1);
        } else if x.is_finite() {
            self.held.loud += u64::from(*loud >= APART);
            (*loud, check.loud) = (0, true);
            *broken = broken.saturating_add(1);
        } else {
            self.held.broken += u64::from(*broken >= APART);
            (*broken, check.broken) = (0, true);
            *loud = loud.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_channel_never_changes_another() {
        let mut guards = Guards::new(OutputGuard::On);
        let (mut left, mut right) = ([f64::NAN, 5.0, -9.0, 1.0], [0.5, 3.9, -3.9, 1.0]);
        let found = guards.pass(0, &mut left);
        assert_eq!(found, Check { broken: true, loud: true });
        assert_eq!(guards.pass(1, &mut right), Check::default());
        assert_eq!((left, right), ([0.0, CEILING, -CEILING, 1.0], [0.5, 3.9, -3.9, 1.0]));
        assert_eq!(guards.held(0), Held { loud: 1, broken: 1 });
        assert_eq!((guards.held(1), guards.held(999)), (Held::default(), Held::default()));
    }

    #[test]
    fn the_ceiling_can_be_moved_and_taken_away() {
        let mut guards = Guards::new(OutputGuard::On);
        for (level, want) in [
            (0.5, [0.5, -0.5, 0.25, 0.0]),
            (f64::INFINITY, [1e3, -1e30, 0.25, 0.0]),
            (f64::NAN, [CEILING, -CEILING, 0.25, 0.0]),
            (0.0, [0.0; 4]),
        ] {
            guards.set_ceiling(level);
            let mut samples = [1e3, -1e30, 0.25, f64::INFINITY];
            guards.pass(0, &mut samples);
            assert_eq!(samples, want, "{level}");
        }
    }

    #[test]
    fn what_is_close_together_counts_once() {
        let mut guards = Guards::new(OutputGuard::On);
        let mut play = |bad: f64, calm: usize| {
            let mut samples = vec![0.0; calm + 1];
            samples[0] = bad;
            for part in samples.chunks_mut(64) {
                guards.pass(0, part);
            }
            guards.held(0)
        };
        assert_eq!(play(9.0, 4_000).loud, 1);
        assert_eq!(play(9.0, 4_799).loud, 1);
        assert_eq!(play(9.0, 4_800).loud, 1);
        assert_eq!(play(9.0, 10_000).loud, 2);
        assert_eq!(play(f64::NAN, 1), Held { loud: 2, broken: 1 });
    }

    #[test]
    fn each_thing_is_told_once_a_program_and_channel() {
        let mut guards = Guards::new(OutputGuard::On);
        let loud = Check { broken: false, loud: true };
        assert_eq!(guards.untold(1, loud), loud);
        assert_eq!(guards.untold(1, loud), Check::default());
        assert_eq!(guards.untold(0, loud), loud);
        guards.restart();
        assert_eq!(guards.untold(1, loud), loud);
        assert_eq!(Guards::new(OutputGuard::Off).untold(0, loud), Check::default());
    }
}
