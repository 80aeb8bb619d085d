//! What running code works on, and the parts of ops that are better out of the loop.
//!
//! Borrowed views of one instance and one block. What registers hold is never trusted here: an address
//! outside reads as 0 and writes nothing. Neither allocates nor panics.

use crate::verify::{Extension, Program};
use attacca_mir::cancel::Cancel;
use attacca_mir::math::scalar as math;
use attacca_rt::ctx::{CALL_BUDGET, DEPTH_BUDGET, Fault, FaultKind};
use attacca_rt::heap::{Heap, HeapRef};
use attacca_rt::sample::{Channel, Sample};
use attacca_rt::sched::{Scheduled, Tasks};
use attacca_rt::state::Line;
use attacca_rt::tap::Outlets;
use std::sync::Arc;

/// What the code works on: borrowed parts of an instance and of a block.
pub(crate) struct Env<'s, 'a> {
    pub(crate) words: &'s mut [u64],
    pub(crate) lines: &'s mut [Line],
    pub(crate) heap: &'s mut Heap,
    pub(crate) scratch: &'s mut [u64],
    pub(crate) tasks: &'s mut Tasks,
    pub(crate) outlets: &'s mut Outlets,
    pub(crate) samples: &'s [Arc<Sample>],
    pub(crate) cells: &'s [f64],
    pub(crate) inputs: &'s [&'a [f64]],
    pub(crate) outputs: &'s mut [&'a mut [f64]],
    pub(crate) first_now: i64,
    pub(crate) now: i64,
    /// The kernel returns before this time.
    pub(crate) limit: u64,
    pub(crate) fault: Option<Fault>,
    /// Budgeted calls in this sample, and how many are open.
    pub(crate) calls: u32,
    pub(crate) depth: u32,
    /// Calls of any kind that are left until [`Env::refill`].
    pub(crate) steps: u64,
    /// State blocks for function values, while global code runs.
    pub(crate) fresh: Option<Fresh<'s>>,
}

/// State blocks that global code takes one after the other.
pub(crate) struct Fresh<'s> {
    /// First word not taken.
    pub(crate) next: u32,
    /// Words of a block by function.
    pub(crate) sizes: &'s [u32],
    /// Address and function of each block; has room for all, or pushing stops.
    pub(crate) blocks: Vec<(u32, u32)>,
    /// Steps that it may still take.
    pub(crate) steps: u64,
    /// It had to stop for want of steps.
    pub(crate) out: bool,
    /// Nobody may want the program any more.
    pub(crate) cancel: Cancel,
}

/// Steps after which global code looks whether anybody still wants it.
const STRETCH: u64 = 1024;

/// Elements copied that take about as long as a call.
const ELEMENTS_A_STEP: u64 = 16;

/// Elements that a copy can have at most.
const MOST_AT_ONCE: i64 = 1 << 24;

impl Env<'_, '_> {
    #[inline(always)]
    pub(crate) fn word(&self, base: u64, offset: u16) -> u64 {
        let at = base.wrapping_add(u64::from(offset)) as usize;
        self.words.get(at).copied().unwrap_or(0)
    }

    #[inline(always)]
    pub(crate) fn set_word(&mut self, base: u64, offset: u16, value: u64) {
        let at = base.wrapping_add(u64::from(offset)) as usize;
        if let Some(word) = self.words.get_mut(at) {
            *word = value;
        }
    }

    /// The delay line whose word is at `base + offset`.
    #[inline(always)]
    pub(crate) fn line(&mut self, base: u64, offset: u16) -> Option<&mut Line> {
        let number = self.word(base, offset) as usize;
        self.lines.get_mut(number)
    }

    /// The first fault stays.
    #[cold]
    pub(crate) fn stop(&mut self, kind: FaultKind, site: u32) {
        self.fault.get_or_insert(Fault { kind, site });
    }

    #[inline(never)]
    pub(crate) fn schedule(&mut self, time: f64, closure: u64, site: u32) {
        let (now, closure) = (self.now.cast_unsigned(), HeapRef(closure as u32));
        match self.tasks.schedule(self.heap, now, time, closure, site) {
            Scheduled::At(time) => self.limit = self.limit.min(time),
            Scheduled::Dropped => {}
            Scheduled::Full => self.stop(FaultKind::Tasks, site),
        }
    }

    pub(crate) fn sample_len(&self, sample: u16) -> f64 {
        self.samples.get(usize::from(sample)).map_or(0.0, |sample| sample.frames() as f64)
    }

    #[inline(never)]
    pub(crate) fn sample_read(&self, sample: u16, channel: u16, position: f64) -> f64 {
        let channel = Channel::from_number(u32::from(channel));
        let sample = self.samples.get(usize::from(sample));
        sample.map_or(0.0, |sample| sample.read(channel, position))
    }

    pub(crate) fn enter(&mut self, site: u32) -> bool {
        if self.fault.is_none() && (self.calls >= CALL_BUDGET || self.depth >= DEPTH_BUDGET) {
            self.stop(FaultKind::Recursion, site);
        }
        if self.fault.is_some() {
            return false;
        }
        self.calls += 1;
        self.depth += 1;
        true
    }

    /// Base of a new zeroed block for a function; 0 where none can be had.
    #[cold]
    pub(crate) fn fresh_block(&mut self, func: u32) -> u64 {
        let Some(fresh) = &mut self.fresh else { return 0 };
        let size = fresh.sizes.get(func as usize).copied().unwrap_or(0);
        let at = fresh.next;
        fresh.next = at.saturating_add(size);
        if fresh.blocks.len() < fresh.blocks.capacity() {
            fresh.blocks.push((at, func));
        } else {
            (self.steps, fresh.steps) = (0, 0);
        }
        u64::from(at)
    }

    /// Takes further steps, if there are any. Only global code ever comes here.
    #[cold]
    pub(crate) fn refill(&mut self) -> bool {
        let Some(fresh) = &mut self.fresh else { return false };
        self.steps = if fresh.cancel.is_cancelled() { 0 } else { fresh.steps.min(STRETCH) };
        fresh.steps -= self.steps;
        fresh.out = self.steps == 0;
        !fresh.out
    }

    /// Counts elements made or copied at once by global code. More than fit no heap are not copied.
    #[inline]
    pub(crate) fn spend(&mut self, elements: i64) {
        if let Some(fresh) = &mut self.fresh {
            let steps = elements.clamp(0, MOST_AT_ONCE).unsigned_abs() / ELEMENTS_A_STEP;
            let now = steps.min(self.steps);
            self.steps -= now;
            fresh.steps = fresh.steps.saturating_sub(steps - now);
        }
    }
}

#[inline(always)]
pub(crate) fn push(line: &mut Line, value: f64) {
    let pos = line.pos();
    line.store(pos, value);
    line.set_pos(pos.wrapping_add(1));
}

/// Whole samples of a delay: truncated, clamped to `0..=len - 1`, where 0 (and NaN) means `len`.
#[inline(always)]
pub(crate) fn delay_back(time: f64, len: u32) -> i64 {
    let low = if time > 0.0 { time } else { 0.0 };
    let top = f64::from(len.wrapping_sub(1));
    let back = if low > top { top } else { low } as i64;
    if back == 0 { i64::from(len) } else { back }
}

#[inline(never)]
pub(crate) fn extension(program: &Program, number: u16, args: &[u64]) -> u64 {
    match program.ext.get(usize::from(number)) {
        Some(Extension::Pure(pure)) => pure.eval(args),
        Some(Extension::Slow(which)) => {
            let arg = |at: usize| f64::from_bits(args.get(at).copied().unwrap_or(0));
            which.call(arg(0), arg(1)).to_bits()
        }
        None => 0,
    }
}

// Out of line, so that the registers their polynomials take are not taken from the loop.

#[inline(never)]
pub(crate) fn sin(x: f64) -> f64 {
    math::sin(x)
}

#[inline(never)]
pub(crate) fn cos(x: f64) -> f64 {
    math::cos(x)
}

#[inline(never)]
pub(crate) fn tan(x: f64) -> f64 {
    math::tan(x)
}

#[inline(never)]
pub(crate) fn tanh(x: f64) -> f64 {
    math::tanh(x)
}

#[inline(never)]
pub(crate) fn log(x: f64) -> f64 {
    math::log(x)
}

#[inline(never)]
pub(crate) fn pow(x: f64, y: f64) -> f64 {
    math::pow(x, y)
}
