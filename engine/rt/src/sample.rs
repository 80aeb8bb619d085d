//! Sound files in memory, as programs read them.
//!
//! Immutable, shared by all instances that play them; made and dropped on the control side.

/// One sound file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    rate: f64,
    channels: Vec<Box<[f32]>>,
    /// Their mean, where there are several.
    mean: Option<Box<[f32]>>,
}

/// What to read of a file with several channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// The mean of all channels.
    Mean,
    /// One channel by number, from 0; silent if the file has fewer.
    One(u8),
}

impl Channel {
    /// Numbers of channels that compiled code reads by itself: the mean, and eight channels.
    pub const FEW: u32 = 9;

    /// As one small number: 0 is the mean, then the channels.
    pub fn to_number(self) -> u32 {
        match self {
            Self::Mean => 0,
            Self::One(channel) => u32::from(channel) + 1,
        }
    }

    /// Inverse of [`Channel::to_number`]; what is too large is the last channel.
    pub fn from_number(number: u32) -> Self {
        match number.checked_sub(1) {
            None => Self::Mean,
            Some(channel) => Self::One(u8::try_from(channel).unwrap_or(u8::MAX)),
        }
    }
}

impl Sample {
    /// A file of `rate` hertz with planar channels, full scale ±1, of one length. Nothing is resampled.
    /// Their mean is computed here, once, and rounded to 32 bits as the channels are.
    pub fn new(rate: f64, channels: Vec<Box<[f32]>>) -> Self {
        let frames = channels.iter().map(|channel| channel.len()).min().unwrap_or(0);
        let of = |samples: &[f32], at: usize| f64::from(samples.get(at).copied().unwrap_or(0.0));
        let mean = |at| {
            let sum: f64 = channels.iter().map(|samples| of(samples, at)).sum();
            (sum / channels.len() as f64) as f32
        };
        let mean = (channels.len() > 1).then(|| (0..frames).map(mean).collect());
        Self { rate, channels, mean }
    }

    /// Sample rate of the file in hertz.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// Frames.
    pub fn frames(&self) -> usize {
        self.channels.first().map_or(0, |channel| channel.len())
    }

    /// The samples of a channel; none if the file does not have it.
    pub fn sound(&self, channel: Channel) -> &[f32] {
        let found = match channel {
            Channel::One(channel) => self.channels.get(usize::from(channel)),
            Channel::Mean => self.mean.as_ref().or(self.channels.first()),
        };
        found.map_or(&[], |samples| samples)
    }

    /// The sample at `position` in frames, from the two frames around it in a straight line; the
    /// last frame holds until the end, outside there is silence (language reference, 10.5). Compiled
    /// code does the same steps in the same order.
    #[inline]
    pub fn read(&self, channel: Channel, position: f64) -> f64 {
        let sound = self.sound(channel);
        // Not so for what is no number.
        let inside = position >= 0.0 && position < sound.len() as f64;
        let at = if inside { position as usize } else { 0 };
        let Some(first) = sound.get(at).copied().map(f64::from).filter(|_| inside) else {
            return 0.0;
        };
        let part = position - at as f64;
        match sound.get(at + 1).copied().map(f64::from) {
            Some(second) => first * (1.0 - part) + second * part,
            None => first,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_between_frames_are_interpolated() {
        let sample = Sample::new(1.0, vec![[0.0, 0.5, -1.0].into()]);
        let read = |position| sample.read(Channel::Mean, position);
        for (position, want) in [
            (0.0, 0.0),
            (0.5, 0.25),
            (1.0, 0.5),
            (1.25, 0.125),
            (2.0, -1.0),
            (2.75, -1.0),
            (3.0, 0.0),
            (-0.25, 0.0),
            (f64::NAN, 0.0),
            (f64::INFINITY, 0.0),
        ] {
            assert_eq!(read(position), want, "{position}");
        }
        assert_eq!(Sample::default().read(Channel::Mean, 0.0), 0.0);
    }

    #[test]
    fn several_channels_are_read_by_number_or_as_their_mean() {
        let sample = Sample::new(1.0, vec![[1.0, 0.0].into(), [0.5, 0.5].into()]);
        assert_eq!(sample.read(Channel::Mean, 0.0), 0.75);
        assert_eq!(sample.read(Channel::One(1), 0.5), 0.5);
        assert_eq!(sample.read(Channel::One(2), 0.0), 0.0);
        for number in [0, 1, 2, 256] {
            assert_eq!(Channel::from_number(number).to_number(), number);
        }
    }
}
