//! A look at the frame after the last one, for the fade between two programs.
//!
//! Lets the old program run one frame further, once its words have been copied. Audio thread.

use crate::MAX_CHANNELS;
use crate::block::{Frame, idle_frame, spread};
use crate::fade::Fade;
use crate::program::Prepared;
use crate::settings::Idle;
use std::array;

/// What a look at the next frame needs beside the old program.
pub(crate) struct Ahead<'a> {
    /// A fault stopped the old program.
    pub(crate) stopped: bool,
    pub(crate) fade: &'a Fade,
    pub(crate) last: &'a Frame,
    pub(crate) inputs: &'a [&'a [f64]],
    pub(crate) host_outputs: usize,
    pub(crate) now: u64,
    pub(crate) idle: Idle,
}

impl Ahead<'_> {
    /// What the next frame would have been, had the old program gone on. Changes its words, which
    /// have been copied by then.
    pub(crate) fn expected(&self, old: &mut Prepared) -> Frame {
        let mut frame = self.idle_frame();
        if !self.stopped {
            // In an empty block nobody knows what comes in next.
            if self.inputs.iter().any(|input| input.is_empty()) {
                return *self.last;
            }
            old.hear(self.inputs, 0, 1);
            if !old.look_ahead(self.now) {
                return *self.last;
            }
            let mut views: [&mut [f64]; MAX_CHANNELS] = array::from_fn(|_| Default::default());
            for (view, value) in views.iter_mut().zip(frame.chunks_mut(1)) {
                *view = value;
            }
            spread(old, views.get_mut(..self.host_outputs).unwrap_or_default(), 0, 1);
        }
        for (channel, value) in frame.iter_mut().enumerate() {
            *value += self.fade.next(channel);
        }
        frame
    }

    /// The next frame without a program.
    pub(crate) fn idle_frame(&self) -> Frame {
        idle_frame(self.inputs, self.host_outputs, self.idle)
    }
}
