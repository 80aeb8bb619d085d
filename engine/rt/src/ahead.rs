//! A look at the frame after the last one, for the fade between two programs.
//!
//! Lets the old program run one frame further, once its words have been copied. Audio thread.

use crate::MAX_CHANNELS;
use crate::block::{Frame, idle_frame, spread};
use crate::event::{Event, EventKind};
use crate::fade::Fade;
use crate::param::Values;
use crate::program::Prepared;
use crate::settings::Idle;
use rtrb::Consumer;
use std::array;

/// What happens at the next sample, after the swap: the old program would have heard of it too.
pub(crate) struct Coming<'a> {
    /// The first so many events of the control side.
    pub(crate) sent: (&'a mut Consumer<EventKind>, usize),
    /// The host's events at this sample.
    pub(crate) events: &'a [Event],
    /// Values to try them on.
    pub(crate) spare: &'a mut Values,
}

impl Coming<'_> {
    /// Lets a program read what it would read then, instead of `values`. Changes nothing else.
    pub(crate) fn tell(&mut self, program: &mut Prepared, values: &Values, now: u64) {
        let (ring, count) = &mut self.sent;
        let Ok(sent) = ring.read_chunk(*count) else { return };
        if sent.is_empty() && self.events.is_empty() {
            return;
        }
        self.spare.copy_from(values);
        let (first, second) = sent.as_slices();
        let sent = first.iter().chain(second);
        for event in sent.chain(self.events.iter().map(|event| &event.kind)) {
            self.spare.take(event, now, program.rate().0);
        }
        program.read_cells(self.spare);
    }
}

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
