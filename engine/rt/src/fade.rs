//! The offset that hides a jump: added at a swap or fault, gone after a few milliseconds.

use crate::{Hz, MAX_CHANNELS};

/// Seconds over which the last output decays after a fault.
const FAULT_FADE: f64 = 0.005;

/// What plays after a fault where nothing else does: the frame `last` decays to silence. All of `outputs` is
/// written, the first frame is the one after `last`.
pub fn after_fault(last: &[f64], outputs: &mut [&mut [f64]], rate: Hz) {
    let mut fade = Fade::new();
    fade.start_fault(std::array::from_fn(|at| last.get(at).copied().unwrap_or(0.0)), rate);
    let frames = outputs.iter().map(|output| output.len()).min().unwrap_or(0);
    outputs.iter_mut().for_each(|output| output.fill(0.0));
    fade.add(outputs, 0, frames);
}

/// A time as a number of frames.
pub(crate) fn frames_of(seconds: f64, rate: Hz) -> u32 {
    (seconds * rate.0).round().clamp(0.0, 1e6) as u32
}

/// An offset per output channel that decays in a straight line, counted in frames so that block
/// sizes never show.
#[derive(Clone, Debug)]
pub(crate) struct Fade {
    /// What the first frame after the jump should be; waits for that frame.
    goal: Option<[f64; MAX_CHANNELS]>,
    offset: [f64; MAX_CHANNELS],
    left: u32,
    len: u32,
}

impl Fade {
    pub(crate) fn new() -> Self {
        Self { goal: None, offset: [0.0; MAX_CHANNELS], left: 0, len: 1 }
    }

    /// From the next frame on, hides a jump away from `goal` over `len` frames; 0 hides nothing.
    pub(crate) fn start(&mut self, goal: [f64; MAX_CHANNELS], len: u32) {
        self.left = 0;
        self.goal = (len > 0).then_some(goal);
        self.len = len.max(1);
    }

    /// From the next frame on, lets the last good output decay.
    pub(crate) fn start_fault(&mut self, last: [f64; MAX_CHANNELS], rate: Hz) {
        self.start(last, frames_of(FAULT_FADE, rate));
    }

    /// What would be added to `channel` in the next frame.
    pub(crate) fn next(&self, channel: usize) -> f64 {
        let offset = self.offset.get(channel).copied().unwrap_or(0.0);
        if self.left == 0 { 0.0 } else { offset * self.gain(self.left) }
    }

    /// Adds the offset to frames `from..from + frames`.
    pub(crate) fn add(&mut self, outputs: &mut [&mut [f64]], from: usize, frames: usize) {
        if let Some(goal) = self.goal.take() {
            for ((offset, goal), output) in self.offset.iter_mut().zip(goal).zip(outputs.iter()) {
                let jump = goal - output.get(from).copied().unwrap_or(0.0);
                *offset = if jump.is_finite() { jump } else { 0.0 };
            }
            self.left = self.len;
        }
        if self.left == 0 {
            return;
        }
        let count = frames.min(self.left as usize);
        for (offset, output) in self.offset.iter().zip(outputs.iter_mut()) {
            // Adding 0.0 would turn -0.0 into 0.0: no jump changes no bit.
            if *offset == 0.0 {
                continue;
            }
            let frames = output.get_mut(from..from + count).unwrap_or_default();
            for (frame, left) in frames.iter_mut().zip((0..=self.left).rev()) {
                *frame += *offset * (f64::from(left) / f64::from(self.len));
            }
        }
        self.left -= count as u32;
    }

    fn gain(&self, left: u32) -> f64 {
        f64::from(left) / f64::from(self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_frame_meets_the_goal_and_the_rest_decays() {
        for pieces in [vec![8], vec![1; 8], vec![3, 5]] {
            let mut fade = Fade::new();
            fade.start([1.0; MAX_CHANNELS], 4);
            let mut out = [0.0; 8];
            let mut from = 0;
            for frames in pieces {
                fade.add(&mut [&mut out], from, frames);
                from += frames;
            }
            assert_eq!(out, [1.0, 0.75, 0.5, 0.25, 0.0, 0.0, 0.0, 0.0]);
        }
    }

    #[test]
    fn no_jump_changes_no_bit() {
        let mut fade = Fade::new();
        fade.start([-0.0; MAX_CHANNELS], 4);
        let mut out = [-0.0f64; 4];
        fade.add(&mut [&mut out], 0, 4);
        assert!(out.iter().all(|x| x.is_sign_negative()));
    }
}
