//! Carries a new processor to the audio thread, and the one it replaces back to be dropped.
//!
//! Two rings of boxes. The audio side only exchanges pointers; the worker makes and drops.

use attacca_engine::Processor;
use rtrb::{Consumer, Producer, RingBuffer};

/// New processors that can be on their way; the newest wins.
const FRESH: usize = 4;

/// The audio thread's ends.
pub(crate) struct Taking {
    fresh: Consumer<Box<Processor>>,
    used: Producer<Box<Processor>>,
}

/// The worker's ends.
pub(crate) struct Giving {
    fresh: Producer<Box<Processor>>,
    used: Consumer<Box<Processor>>,
    /// Found no room: the audio thread has not come by yet.
    waiting: Option<Box<Processor>>,
}

/// Both sides.
pub(crate) fn handoff() -> (Giving, Taking) {
    let (fresh, taken) = RingBuffer::new(FRESH);
    let (back, used) = RingBuffer::new(2 * FRESH);
    (Giving { fresh, used, waiting: None }, Taking { fresh: taken, used: back })
}

impl Taking {
    /// Exchanges the processor for the newest that has come. Audio thread.
    pub(crate) fn exchange(&mut self, processor: &mut Box<Processor>) -> bool {
        let mut exchanged = false;
        while !self.used.is_full()
            && let Ok(mut other) = self.fresh.pop()
        {
            std::mem::swap(processor, &mut other);
            exchanged = true;
            if let Err(rtrb::PushError::Full(back)) = self.used.push(other) {
                // Cannot happen: only this side fills the ring. A leak is better than a drop here.
                std::mem::forget(back);
            }
        }
        exchanged
    }
}

impl Giving {
    /// Sends a processor; one that still waits for room is dropped.
    pub(crate) fn give(&mut self, processor: Processor) {
        self.waiting = Some(Box::new(processor));
        self.push();
    }

    /// Drops what came back, sends what waits.
    pub(crate) fn poll(&mut self) {
        while self.used.pop().is_ok() {}
        self.push();
    }

    /// Whether something waits for room.
    pub(crate) fn is_busy(&self) -> bool {
        self.waiting.is_some()
    }

    fn push(&mut self) {
        if let Some(processor) = self.waiting.take()
            && let Err(rtrb::PushError::Full(back)) = self.fresh.push(processor)
        {
            self.waiting = Some(back);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use attacca_engine::{ProcessorSettings, Session, Target};

    fn processor(max_frames: usize) -> Processor {
        let settings = ProcessorSettings { max_frames, ..ProcessorSettings::default() };
        Session::with(Target::Vm, settings).1
    }

    #[test]
    fn the_newest_arrives_and_the_others_come_back() {
        let (mut giving, mut taking) = handoff();
        let mut now = Box::new(processor(1));
        assert!(!taking.exchange(&mut now));
        (0..FRESH).for_each(|_| giving.give(processor(2)));
        assert!(!giving.is_busy());
        (0..2).for_each(|_| giving.give(processor(3)));
        assert!(giving.is_busy(), "one found no room");
        assert!(taking.exchange(&mut now) && !taking.exchange(&mut now));
        giving.poll();
        assert!(!giving.is_busy());
        assert!(taking.exchange(&mut now) && !taking.exchange(&mut now));
        assert_eq!(taking.used.slots(), 2 * FRESH - 1, "the others have been dropped");
    }
}
