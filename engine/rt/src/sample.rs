//! Sound files in memory, as programs read them.
//!
//! Immutable, shared by all instances that play them; made and dropped on the control side.

/// One sound file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// Sample rate of the file in hertz. Nothing is resampled.
    pub rate: f64,
    /// Planar samples, full scale ±1; all channels are of one length.
    pub channels: Vec<Box<[f32]>>,
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
    /// Frames.
    pub fn frames(&self) -> usize {
        self.channels.first().map_or(0, |channel| channel.len())
    }

    /// The sample at `position` in frames, from the two frames around it in a straight line; the
    /// last frame holds until the end, outside there is silence (language reference, 10.5).
    #[inline]
    pub fn read(&self, channel: Channel, position: f64) -> f64 {
        let frames = self.frames();
        // Not so for what is no number.
        let inside = position >= 0.0 && position < frames as f64;
        if !inside {
            return 0.0;
        }
        let at = position as usize;
        let part = position - at as f64;
        if at + 1 < frames {
            self.frame(channel, at) * (1.0 - part) + self.frame(channel, at + 1) * part
        } else {
            self.frame(channel, at)
        }
    }

    #[inline]
    fn frame(&self, channel: Channel, at: usize) -> f64 {
        let of = |samples: &[f32]| f64::from(samples.get(at).copied().unwrap_or(0.0));
        match channel {
            Channel::One(channel) => {
                self.channels.get(usize::from(channel)).map_or(0.0, |samples| of(samples))
            }
            Channel::Mean => match &*self.channels {
                [samples] => of(samples),
                several => {
                    several.iter().map(|samples| of(samples)).sum::<f64>() / several.len() as f64
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_between_frames_are_interpolated() {
        let sample = Sample { rate: 1.0, channels: vec![[0.0, 0.5, -1.0].into()] };
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
        let sample = Sample { rate: 1.0, channels: vec![[1.0, 0.0].into(), [0.5, 0.5].into()] };
        assert_eq!(sample.read(Channel::Mean, 0.0), 0.75);
        assert_eq!(sample.read(Channel::One(1), 0.5), 0.5);
        assert_eq!(sample.read(Channel::One(2), 0.0), 0.0);
        for number in [0, 1, 2, 256] {
            assert_eq!(Channel::from_number(number).to_number(), number);
        }
    }
}
