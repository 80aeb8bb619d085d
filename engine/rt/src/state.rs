//! State of one instance: words, delay lines, heap, scratch and stack.
//!
//! Made from a [`Layout`] and an [`Image`] by the worker, which also frees it; every page is touched
//! when it is made. Each delay line is an allocation of its own behind a [`Line`] header, so that a
//! swap exchanges headers and never copies samples. Compiled code reaches the same memory through
//! the raw table of headers.
#![expect(unsafe_code, reason = "delay lines are raw allocations shared with compiled code")]

use crate::code::{Image, Layout, LineSpec};
use crate::heap::Heap;
use crate::sample::{Channel, Sample};
use crate::sched::{Task, Tasks};
use crate::tap::{Ears, Outlets, rings};
use std::mem::offset_of;
use std::sync::Arc;

/// Words on a page of memory, as small as pages come.
const PAGE_WORDS: usize = 512;

/// A piece of native stack: 16 bytes, aligned as calls want it.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(16))]
pub struct StackSlot([u64; 2]);

/// What one instance of a program owns.
#[derive(Debug)]
pub struct State {
    words: Box<[u64]>,
    lines: Box<[Line]>,
    heap: Heap,
    scratch: Box<[u64]>,
    stack: Box<[StackSlot]>,
    tasks: Tasks,
    outlets: Outlets,
    ears: Option<Ears>,
    samples: Box<[Arc<Sample>]>,
    /// [`Channel::FEW`] a sample.
    sounds: Box<[Sound]>,
}

/// All parts of a state, borrowed side by side.
#[derive(Debug)]
pub struct Parts<'a> {
    /// State words.
    pub words: &'a mut [u64],
    /// The line table.
    pub lines: &'a mut [Line],
    /// The heap.
    pub heap: &'a mut Heap,
    /// Scratch words; hold nothing between two calls.
    pub scratch: &'a mut [u64],
    /// Native stack for programs that recurse; empty for others.
    pub stack: &'a mut [StackSlot],
    /// Tasks that wait.
    pub tasks: &'a mut Tasks,
    /// Where printed and probed numbers go.
    pub outlets: &'a mut Outlets,
    /// The sound files, by number.
    pub samples: &'a [Arc<Sample>],
    /// Where their channels lie: [`Channel::FEW`] a file.
    pub sounds: &'a [Sound],
}

impl State {
    /// Makes the state of a fresh instance without its sound files. Allocates; not for the audio
    /// thread.
    pub fn new(layout: &Layout, image: &Image) -> Self {
        Self::with_samples(layout, image, Vec::new())
    }

    /// Makes the state of a fresh instance; files that are missing in `samples` are empty.
    pub fn with_samples(layout: &Layout, image: &Image, mut samples: Vec<Arc<Sample>>) -> Self {
        samples.resize_with(layout.samples.len(), Arc::default);
        let mut words = touched(layout.words as usize);
        for (word, from) in words.iter_mut().zip(&image.words) {
            *word = *from;
        }
        for (line, index) in layout.lines.iter().zip(0u64..) {
            if let Some(word) = words.get_mut(line.word as usize) {
                *word = index;
            }
        }
        let mut lines: Box<[Line]> = layout.lines.iter().map(|spec| Line::new(*spec)).collect();
        for (spec, line) in layout.lines.iter().zip(&mut lines) {
            if let Some(left) = image.lines.iter().find(|left| left.word == spec.word) {
                line.fill(&left.samples);
            }
        }
        let slots = layout.stack_bytes.div_ceil(size_of::<StackSlot>());
        let mut stack = vec![StackSlot::default(); slots].into_boxed_slice();
        for slot in stack.iter_mut().step_by(PAGE_WORDS / 2) {
            *slot = std::hint::black_box(StackSlot::default());
        }
        let (outlets, ears) = rings(layout.prints, layout.taps.len());
        Self {
            words,
            lines,
            tasks: Tasks::new(layout.tasks, &image.tasks),
            outlets,
            ears: Some(ears),
            sounds: samples.iter().flat_map(|sample| Sound::all(sample)).collect(),
            samples: samples.into(),
            heap: Heap::new(layout.heap_words, &layout.shapes, &image.heap),
            scratch: touched(layout.scratch_words as usize),
            stack,
        }
    }

    /// State words.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// State words.
    pub fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }

    /// The delay lines, in the order of the layout.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The delay lines, in the order of the layout.
    pub fn lines_mut(&mut self) -> &mut [Line] {
        &mut self.lines
    }

    /// The heap.
    pub fn heap(&self) -> &Heap {
        &self.heap
    }

    /// The heap.
    pub fn heap_mut(&mut self) -> &mut Heap {
        &mut self.heap
    }

    /// Scratch words; hold nothing between two calls.
    pub fn scratch_mut(&mut self) -> &mut [u64] {
        &mut self.scratch
    }

    /// Native stack for programs that recurse; empty for others.
    pub fn stack_mut(&mut self) -> &mut [StackSlot] {
        &mut self.stack
    }

    /// Where the channels of the sound files lie: [`Channel::FEW`] a file.
    pub fn sounds(&self) -> &[Sound] {
        &self.sounds
    }

    /// Tasks that wait.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Tasks that wait.
    pub fn tasks_mut(&mut self) -> &mut Tasks {
        &mut self.tasks
    }

    /// The control side's ends of what the program prints and probes, the first time. Control side.
    pub fn take_ears(&mut self) -> Option<Ears> {
        self.ears.take()
    }

    /// Takes tasks over with the closures they own, in place of those of its own whose function
    /// `going_on` names by its number; gives how many found room. Empties `tasks`.
    pub(crate) fn take_tasks(
        &mut self,
        tasks: &mut Vec<Task>,
        going_on: impl Fn(u64) -> bool,
    ) -> u32 {
        let heap = &mut self.heap;
        let taken = self.tasks.take_over(tasks, |task| {
            let stays = !going_on(heap.load(task.closure, 0));
            if !stays {
                heap.release(task.closure);
            }
            stays
        });
        // What found no room is left in `tasks`.
        for task in tasks.drain(..) {
            self.heap.release(task.closure);
        }
        taken
    }

    /// While muted the program schedules, prints and probes nothing: for a look ahead.
    pub(crate) fn mute(&mut self, muted: bool) {
        self.tasks.mute(muted);
        self.outlets.mute(muted);
    }

    /// Everything at once.
    pub fn parts(&mut self) -> Parts<'_> {
        Parts {
            words: &mut self.words,
            lines: &mut self.lines,
            heap: &mut self.heap,
            scratch: &mut self.scratch,
            stack: &mut self.stack,
            tasks: &mut self.tasks,
            outlets: &mut self.outlets,
            samples: &self.samples,
            sounds: &self.sounds,
        }
    }

    /// Exchanges the samples and position of line `mine` with those of line `other_line` of another
    /// state, whatever their number; no sample is copied. The longest delays stay where they are.
    /// Nothing happens if either does not exist.
    pub fn swap_line(&mut self, mine: u32, other: &mut Self, other_line: u32) {
        let (a, b) = (self.lines.get_mut(mine as usize), other.lines.get_mut(other_line as usize));
        if let (Some(a), Some(b)) = (a, b) {
            std::mem::swap(a, b);
            // The samples move; how far back they may be read stays with the program.
            std::mem::swap(&mut a.len, &mut b.len);
        }
    }
}

/// Zeroed words whose pages are all mapped.
pub(crate) fn touched(len: usize) -> Box<[u64]> {
    let mut words = vec![0u64; len].into_boxed_slice();
    for word in words.iter_mut().step_by(PAGE_WORDS) {
        // A store the compiler cannot see through: zeroed memory is mapped at its first write only.
        *word = std::hint::black_box(0);
    }
    words
}

/// Where one channel of a sound file lies, for compiled code. There is always a sample to read.
#[derive(Debug)]
#[repr(C)]
pub struct Sound {
    samples: *const f32,
    frames: i64,
    end: f64,
}

/// What a channel without samples reads.
static SILENCE: [f32; 1] = [0.0];

// SAFETY: points to the samples of a file that the state beside it holds an `Arc` of, or to a static;
// both are never written to.
unsafe impl Send for Sound {}
// SAFETY: as above.
unsafe impl Sync for Sound {}

impl Sound {
    /// Byte offset of the pointer to the samples.
    pub const SAMPLES: usize = offset_of!(Sound, samples);
    /// Byte offset of the number of frames.
    pub const FRAMES: usize = offset_of!(Sound, frames);
    /// Byte offset of the same as a float.
    pub const END: usize = offset_of!(Sound, end);
    /// Bytes of one.
    pub const SIZE: usize = size_of::<Sound>();

    /// The channels of a file that compiled code reads by itself, by their numbers. Valid as long as
    /// the file is held.
    fn all(sample: &Sample) -> impl Iterator<Item = Self> {
        (0..Channel::FEW).map(|number| {
            let sound = sample.sound(Channel::from_number(number));
            let there = if sound.is_empty() { &SILENCE[..] } else { sound };
            Self { samples: there.as_ptr(), frames: sound.len() as i64, end: sound.len() as f64 }
        })
    }
}

/// A delay line: its samples and where the next one goes. Owns the samples.
///
/// Compiled code reads `samples` and `mask` and moves `pos`; it never changes the first two.
#[derive(Debug)]
#[repr(C)]
pub struct Line {
    samples: *mut f64,
    mask: u64,
    pos: i64,
    len: u64,
}

// SAFETY: a line owns its samples alone, as a boxed slice would; the pointer is never shared.
unsafe impl Send for Line {}
// SAFETY: through a shared reference samples are only read.
unsafe impl Sync for Line {}

impl Line {
    /// Byte offset of the pointer to the samples.
    pub const SAMPLES: usize = offset_of!(Line, samples);
    /// Byte offset of the mask (ring length minus one).
    pub const MASK: usize = offset_of!(Line, mask);
    /// Byte offset of the write position.
    pub const POS: usize = offset_of!(Line, pos);
    /// Bytes of one header.
    pub const SIZE: usize = size_of::<Line>();

    /// A silent line. Allocates and touches every page.
    pub fn new(spec: LineSpec) -> Self {
        let ring = spec.ring() as usize;
        let mut samples = vec![0.0f64; ring].into_boxed_slice();
        for sample in samples.iter_mut().step_by(PAGE_WORDS) {
            *sample = std::hint::black_box(0.0);
        }
        let samples = Box::into_raw(samples).cast::<f64>();
        Self { samples, mask: ring as u64 - 1, pos: 0, len: u64::from(spec.len) }
    }

    /// Samples in the ring, a power of two.
    pub fn ring(&self) -> u32 {
        (self.mask + 1) as u32
    }

    /// Longest delay in samples.
    pub fn len(&self) -> u32 {
        self.len as u32
    }

    /// Never: the shortest line has one sample.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Writes samples, oldest first, as if a program had.
    fn fill(&mut self, samples: &[f64]) {
        for sample in samples {
            self.store(self.pos, *sample);
            self.pos += 1;
        }
    }

    /// The samples written so far, oldest first; the newest ones if the ring has wrapped.
    pub fn written(&self) -> Vec<f64> {
        let count = self.pos.clamp(0, i64::from(self.ring()));
        (self.pos - count..self.pos).map(|index| self.load(index)).collect()
    }

    /// The samples of the ring, wherever it begins.
    fn ring_samples(&self) -> &[f64] {
        // SAFETY: `samples` points to `mask + 1` floats that live as long as `self`; no `&mut` to them
        // exists while `self` is borrowed.
        unsafe { std::slice::from_raw_parts(self.samples, self.mask as usize + 1) }
    }

    /// The samples of the ring, wherever it begins.
    fn ring_samples_mut(&mut self) -> &mut [f64] {
        // SAFETY: as in `ring_samples`; `self` is borrowed alone.
        unsafe { std::slice::from_raw_parts_mut(self.samples, self.mask as usize + 1) }
    }

    /// The place of sample `index` in the ring and how many of `count` samples follow it without a gap.
    fn piece(&self, index: i64, count: usize) -> (usize, usize) {
        let at = (index as u64 & self.mask) as usize;
        (at, count.min(self.mask as usize + 1 - at))
    }

    /// Copies samples `index..index + count` of another line to the same places of this one.
    pub(crate) fn copy_from(&mut self, other: &Self, index: i64, count: usize) {
        let (mut index, mut left) = (index, count);
        while left > 0 {
            let (from, run) = other.piece(index, left);
            let (to, run) = self.piece(index, run);
            let samples = other.ring_samples().get(from..from + run).unwrap_or_default();
            if let Some(place) = self.ring_samples_mut().get_mut(to..to + run) {
                place.copy_from_slice(samples);
            }
            index += run as i64;
            left -= run;
        }
    }

    /// Silences samples `index..index + count`.
    pub(crate) fn silence(&mut self, index: i64, count: usize) {
        let (mut index, mut left) = (index, count);
        while left > 0 {
            let (at, run) = self.piece(index, left);
            self.ring_samples_mut().get_mut(at..at + run).unwrap_or_default().fill(0.0);
            index += run as i64;
            left -= run;
        }
    }

    /// Where the next sample goes; counts on for ever, taken modulo the ring.
    #[inline]
    pub fn pos(&self) -> i64 {
        self.pos
    }

    /// Moves the write position.
    #[inline]
    pub fn set_pos(&mut self, pos: i64) {
        self.pos = pos;
    }

    /// Sample `index` modulo the ring.
    #[inline]
    pub fn load(&self, index: i64) -> f64 {
        // SAFETY: `samples` points to `mask + 1` floats that live as long as `self`, and the index
        // is masked.
        unsafe { *self.samples.add((index as u64 & self.mask) as usize) }
    }

    /// Writes sample `index` modulo the ring.
    #[inline]
    pub fn store(&mut self, index: i64, value: f64) {
        // SAFETY: as in `load`; `self` is borrowed alone.
        unsafe { *self.samples.add((index as u64 & self.mask) as usize) = value }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let slice = std::ptr::slice_from_raw_parts_mut(self.samples, self.mask as usize + 1);
        // SAFETY: made by `Box::into_raw` in `new` from a slice of this length; neither field is
        // ever changed, and nobody else owns it.
        drop(unsafe { Box::from_raw(slice) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::LineImage;

    fn layout() -> Layout {
        Layout {
            words: 6,
            lines: vec![LineSpec { word: 2, len: 5 }, LineSpec { word: 4, len: 8 }],
            scratch_words: 3,
            stack_bytes: 4000,
            ..Layout::default()
        }
    }

    #[test]
    fn a_fresh_state_holds_the_image_and_the_numbers_of_its_lines() {
        let image = Image { words: vec![7, 8, 99, 9], ..Image::default() };
        let mut state = State::new(&layout(), &image);
        assert_eq!(state.words(), [7, 8, 0, 9, 1, 0]);
        let parts = state.parts();
        assert_eq!((parts.scratch.len(), parts.stack.len()), (3, 250));
        assert_eq!(parts.stack.as_ptr() as usize % 16, 0);
        assert_eq!(parts.lines[0].ring(), 8);
    }

    #[test]
    fn a_fresh_state_goes_on_with_the_lines_of_the_image() {
        let samples: Vec<f64> = (1..=11).map(f64::from).collect();
        let mut before = State::new(&layout(), &Image::default());
        before.lines_mut()[0].fill(&samples);
        // The ring holds eight; the line never written to is left out.
        assert_eq!(before.lines()[0].written(), samples[3..]);
        assert!(before.lines()[1].written().is_empty());
        let left = LineImage { word: 2, samples: before.lines()[0].written() };
        let image = Image { lines: vec![left], ..Image::default() };
        let state = State::new(&layout(), &image);
        let back = |state: &State, delay: i64| {
            let line = &state.lines()[0];
            line.load(line.pos() - delay)
        };
        for delay in 1..=5 {
            assert_eq!(back(&state, delay), back(&before, delay), "{delay} samples back");
        }
        assert_eq!((back(&state, 1), back(&state, 5)), (11.0, 7.0));
        assert!(state.lines()[1].written().is_empty());
    }

    #[test]
    fn exchanged_lines_keep_samples_and_position() {
        let (mut a, mut b) =
            (State::new(&layout(), &Image::default()), State::new(&layout(), &Image::default()));
        a.lines_mut()[0].store(13, 0.5);
        a.lines_mut()[0].set_pos(14);
        a.swap_line(0, &mut b, 1);
        assert_eq!(
            (b.lines()[1].load(13), b.lines()[1].load(5), b.lines()[1].pos()),
            (0.5, 0.5, 14)
        );
        assert_eq!(a.lines()[0].load(13), 0.0);
        a.swap_line(9, &mut b, 1);
        assert_eq!((a.lines()[0].len(), b.lines()[1].len()), (5, 8));
    }

    #[test]
    fn negative_positions_wrap() {
        let mut line = Line::new(LineSpec { word: 0, len: 3 });
        line.store(-1, 2.0);
        assert_eq!(line.load(3), 2.0);
    }
}
