//! Compiled code as the processor sees it, and what it reaches while it runs.
//!
//! Owns the executable pages and the constants. [`RawCtx`] is the one pointer that compiled code
//! gets: filled from a borrowed [`Ctx`] for one call, read back after it. Helpers for the heap are
//! here because they follow that pointer.
#![expect(unsafe_code, reason = "calls generated code and follows the pointer it hands back")]

use crate::memory::{self, CodeMemory};
use attacca_rt::code::{Code, Layout};
use attacca_rt::ctx::{CALL_BUDGET, Ctx, DEPTH_BUDGET, Fault, FaultKind};
use attacca_rt::heap::{FIRST, Heap, HeapRef};
use attacca_rt::sample::{Channel, Sample};
use attacca_rt::sched::Tasks;
use attacca_rt::state::{Line, Sound};
use attacca_rt::tap::Outlets;
use std::mem::offset_of;
use std::sync::Arc;

/// What compiled code sees of an instance and a block; valid for one call.
#[repr(C)]
pub(crate) struct RawCtx {
    words: *mut u64,
    lines: *mut Line,
    heap_words: *mut u64,
    cells: *const f64,
    channels: *const u64,
    consts: *const u64,
    table: *const usize,
    zeros: *const u64,
    dump: *mut u64,
    first_now: i64,
    now: i64,
    fault: u64,
    calls: i64,
    depth: i64,
    result: f64,
    limit: u64,
    tasks: *const usize,
    heap: *mut Heap,
    queue: *mut Tasks,
    outlets: *mut Outlets,
    samples: *const [Arc<Sample>],
    sounds: *const Sound,
}

/// Byte offsets of the fields of [`RawCtx`] that generated code uses.
pub(crate) mod at {
    use super::{RawCtx, offset_of};

    /// State words.
    pub(crate) const WORDS: i32 = offset_of!(RawCtx, words) as i32;
    /// The line table.
    pub(crate) const LINES: i32 = offset_of!(RawCtx, lines) as i32;
    /// Words of the heap.
    pub(crate) const HEAP: i32 = offset_of!(RawCtx, heap_words) as i32;
    /// Host values.
    pub(crate) const CELLS: i32 = offset_of!(RawCtx, cells) as i32;
    /// Addresses of the input channels, then of the output channels.
    pub(crate) const CHANNELS: i32 = offset_of!(RawCtx, channels) as i32;
    /// Constants of the program.
    pub(crate) const CONSTS: i32 = offset_of!(RawCtx, consts) as i32;
    /// Code addresses by function number.
    pub(crate) const TABLE: i32 = offset_of!(RawCtx, table) as i32;
    /// What the null object reads as.
    pub(crate) const ZEROS: i32 = offset_of!(RawCtx, zeros) as i32;
    /// Where stores to the null object go.
    pub(crate) const DUMP: i32 = offset_of!(RawCtx, dump) as i32;
    /// Time of the first frame.
    pub(crate) const FIRST_NOW: i32 = offset_of!(RawCtx, first_now) as i32;
    /// Time of the current sample.
    pub(crate) const NOW: i32 = offset_of!(RawCtx, now) as i32;
    /// The fault, packed; 0 is none.
    pub(crate) const FAULT: i32 = offset_of!(RawCtx, fault) as i32;
    /// Calls left in this sample.
    pub(crate) const CALLS: i32 = offset_of!(RawCtx, calls) as i32;
    /// Levels left.
    pub(crate) const DEPTH: i32 = offset_of!(RawCtx, depth) as i32;
    /// What a precise function found.
    pub(crate) const RESULT: i32 = offset_of!(RawCtx, result) as i32;
    /// Channels of sound files.
    pub(crate) const SOUNDS: i32 = offset_of!(RawCtx, sounds) as i32;
    /// The kernel returns before this time.
    pub(crate) const LIMIT: i32 = offset_of!(RawCtx, limit) as i32;
    /// Code addresses of tasks by function number.
    pub(crate) const TASKS: i32 = offset_of!(RawCtx, tasks) as i32;
}

/// Compiled code of one program.
#[derive(Debug)]
pub(crate) struct JitCode {
    pub(crate) layout: Layout,
    pub(crate) memory: CodeMemory,
    /// Byte offset of the kernel in `memory`.
    pub(crate) kernel: usize,
    /// Byte offset of the entry for tasks in `memory`.
    pub(crate) task: usize,
    /// Constants, by the index that the code was compiled with.
    pub(crate) consts: Box<[u64]>,
    /// Code addresses by function number; functions without code have that of one that does nothing.
    pub(crate) table: Box<[usize]>,
    /// The same for functions called as tasks.
    pub(crate) tasks: Box<[usize]>,
    /// As many zeros as the largest object or element reaches.
    pub(crate) zeros: Box<[u64]>,
}

impl JitCode {
    /// Words of scratch: the channels' addresses, and an object that takes stores to null.
    pub(crate) fn scratch_words(layout: &Layout, object_words: usize) -> u32 {
        layout.inputs + layout.outputs + object_words as u32
    }

    /// Whether the instance and the block are what this code was compiled for.
    fn fits(&self, ctx: &Ctx<'_>) -> bool {
        let (state, layout) = (&*ctx.state, &self.layout);
        state.words().len() >= layout.words as usize
            && state.lines().len() >= layout.lines.len()
            && state
                .lines()
                .iter()
                .zip(&layout.lines)
                .all(|(line, spec)| line.ring() == spec.ring())
            && state.heap().words().len() >= layout.heap_words.max(FIRST) as usize
            && state.sounds().len() >= layout.samples.len() * Channel::FEW as usize
            && ctx.cells.len() >= layout.cells.len()
            && ctx.inputs.len() >= layout.inputs as usize
            && ctx.outputs.len() >= layout.outputs as usize
    }

    /// Frames that all channels and the time limit leave room for.
    fn frames_left(&self, ctx: &Ctx<'_>, frames: u32) -> u64 {
        let inputs = ctx.inputs.iter().take(self.layout.inputs as usize).map(|c| c.len());
        let outputs = ctx.outputs.iter().take(self.layout.outputs as usize).map(|c| c.len());
        let room = inputs.chain(outputs).min().map_or(u64::MAX, |n| n as u64);
        u64::from(frames).min(room).min(ctx.limit.saturating_sub(ctx.now))
    }

    /// Fills the raw view and runs `body` with it, on the instance's own stack if it has one.
    fn enter(&self, ctx: &mut Ctx<'_>, body: impl FnOnce(*mut RawCtx) -> u64) -> u64 {
        let parts = ctx.state.parts();
        let channels = (self.layout.inputs + self.layout.outputs) as usize;
        let Some((addresses, dump)) = parts.scratch.split_at_mut_checked(channels) else {
            return 0;
        };
        if dump.len() < self.zeros.len() || size_of_val(parts.stack) < self.layout.stack_bytes {
            debug_assert!(false, "the state was made for another layout");
            return 0;
        }
        let inputs = ctx.inputs.iter().take(self.layout.inputs as usize).map(|c| c.as_ptr() as u64);
        let outputs = ctx
            .outputs
            .iter_mut()
            .take(self.layout.outputs as usize)
            .map(|c| c.as_mut_ptr() as u64);
        for (place, address) in addresses.iter_mut().zip(inputs.chain(outputs)) {
            *place = address;
        }
        let heap: *mut Heap = parts.heap;
        // SAFETY: just made from an exclusive borrow that lives through this function.
        let heap_words = unsafe { (*heap).words_mut().as_mut_ptr() };
        let mut raw = RawCtx {
            words: parts.words.as_mut_ptr(),
            lines: parts.lines.as_mut_ptr(),
            heap_words,
            cells: ctx.cells.as_ptr(),
            channels: addresses.as_ptr(),
            consts: self.consts.as_ptr(),
            table: self.table.as_ptr(),
            zeros: self.zeros.as_ptr(),
            dump: dump.as_mut_ptr(),
            first_now: ctx.now.cast_signed(),
            now: ctx.now.cast_signed(),
            fault: ctx.fault.map_or(0, Fault::to_bits),
            calls: if ctx.fault.is_some() { 0 } else { i64::from(CALL_BUDGET) },
            depth: i64::from(DEPTH_BUDGET),
            result: 0.0,
            limit: ctx.limit,
            tasks: self.tasks.as_ptr(),
            heap,
            queue: parts.tasks,
            outlets: parts.outlets,
            samples: parts.samples,
            sounds: parts.sounds.as_ptr(),
        };
        let result = if self.layout.stack_bytes > 0 {
            let (base, size) = (parts.stack.as_mut_ptr().cast(), size_of_val(parts.stack));
            // SAFETY: the stack belongs to this instance, is borrowed alone here, aligned to 16
            // bytes, mapped, and large enough: `layout.stack_bytes` covers every level that the
            // call budget allows, and its size was compared above. Nothing unwinds through it.
            unsafe { psm::on_stack(base, size, || body(&mut raw)) }
        } else {
            body(&mut raw)
        };
        ctx.fault = ctx.fault.or(Fault::from_bits(raw.fault));
        ctx.limit = raw.limit;
        result
    }
}

impl Code for JitCode {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn run(&self, ctx: &mut Ctx<'_>, frames: u32) -> u32 {
        let frames = self.frames_left(ctx, frames);
        if !self.fits(ctx) {
            debug_assert!(false, "the instance does not fit its code");
            return 0;
        }
        // SAFETY: `kernel` points into the pages that `self` owns, mapped executable until drop, and
        // was compiled as a kernel. The emitter addresses only the words, lines, cells and channels of
        // `self.layout`, whose presence `fits` checked, renders at most `frames` frames, which every
        // channel has, and keeps no pointer after it returns.
        self.enter(ctx, |raw| unsafe {
            memory::kernel_at(self.memory.address(self.kernel))(raw, frames)
        }) as u32
    }

    fn call(&self, ctx: &mut Ctx<'_>, closure: HeapRef) {
        if !self.fits(ctx) {
            debug_assert!(false, "the instance does not fit its code");
            return;
        }
        self.enter(ctx, |raw| {
            // SAFETY: as in `run`; `task` was compiled as the entry for tasks.
            unsafe { memory::task_at(self.memory.address(self.task))(raw, u64::from(closure.0)) };
            0
        });
    }
}

/// Makes an object whose fields are 0; on a full heap gives null and sets the fault.
pub(crate) const ALLOC: extern "C" fn(*mut RawCtx, u32, u32) -> u64 = alloc;
/// One owner less.
pub(crate) const RELEASE: extern "C" fn(*mut RawCtx, u64) = release;
/// Makes an array; on a full heap gives null and sets the fault.
pub(crate) const NEW_ARRAY: extern "C" fn(*mut RawCtx, u32, u32, i64) -> u64 = new_array;
/// Copies elements.
pub(crate) const ARRAY_COPY: extern "C" fn(*mut RawCtx, u64, i64, u64, i64, i64) = array_copy;

extern "C" fn alloc(raw: *mut RawCtx, shape: u32, site: u32) -> u64 {
    // SAFETY: generated code passes the pointer it was entered with. `heap` is borrowed alone by the
    // `enter` that waits for this call, and nothing else of the context refers to it meanwhile.
    let made = unsafe { &mut *(*raw).heap }.alloc(shape, &[]);
    made_or_fault(raw, made, site)
}

extern "C" fn new_array(raw: *mut RawCtx, shape: u32, site: u32, len: i64) -> u64 {
    // SAFETY: as in `alloc`.
    let made = unsafe { &mut *(*raw).heap }.new_array(shape, len);
    made_or_fault(raw, made, site)
}

fn made_or_fault(raw: *mut RawCtx, made: Option<HeapRef>, site: u32) -> u64 {
    if let Some(object) = made {
        return u64::from(object.0);
    }
    // SAFETY: as in `alloc`; the borrow of the heap is over.
    let raw = unsafe { &mut *raw };
    if raw.fault == 0 {
        raw.fault = Fault { kind: FaultKind::Heap, site }.to_bits();
    }
    raw.calls = 0;
    0
}

extern "C" fn release(raw: *mut RawCtx, object: u64) {
    // SAFETY: as in `alloc`.
    unsafe { &mut *(*raw).heap }.release(HeapRef(object as u32));
}

extern "C" fn array_copy(
    raw: *mut RawCtx,
    to: u64,
    to_index: i64,
    from: u64,
    from_index: i64,
    count: i64,
) {
    let (to, from) = (HeapRef(to as u32), HeapRef(from as u32));
    // SAFETY: as in `alloc`.
    unsafe { &mut *(*raw).heap }.array_copy((to, to_index), (from, from_index), count);
}

/// Helpers of the host features: tasks, printing, probes, sound files.
pub(crate) mod host {
    use super::{Fault, FaultKind, HeapRef, RawCtx};
    use attacca_rt::sample::Channel;
    use attacca_rt::sched::Scheduled;

    /// Schedules a closure; where there is no room, sets the fault.
    pub(crate) const SCHEDULE: extern "C" fn(*mut RawCtx, f64, u64, u32) = schedule;
    /// Prints a number.
    pub(crate) const PRINT: extern "C" fn(*mut RawCtx, f64, u32) = print;
    /// Shows a number on a probe.
    pub(crate) const TAP: extern "C" fn(*mut RawCtx, f64, u32) = tap;
    /// Frames of a sound file.
    pub(crate) const SAMPLE_LEN: extern "C" fn(*mut RawCtx, u32) -> f64 = sample_len;
    /// A sound file at a position.
    pub(crate) const SAMPLE_READ: extern "C" fn(*mut RawCtx, f64, u32, u32) -> f64 = sample_read;

    extern "C" fn schedule(raw: *mut RawCtx, time: f64, closure: u64, site: u32) {
        // SAFETY: generated code passes the pointer it was entered with; the heap and the queue are
        // borrowed alone by the `enter` that waits for this call, and are two things.
        let raw = unsafe { &mut *raw };
        // SAFETY: as above.
        let (heap, queue) = unsafe { (&mut *raw.heap, &mut *raw.queue) };
        let now = raw.now.cast_unsigned();
        match queue.schedule(heap, now, time, HeapRef(closure as u32), site) {
            Scheduled::At(time) => raw.limit = raw.limit.min(time),
            Scheduled::Dropped => {}
            Scheduled::Full => {
                if raw.fault == 0 {
                    raw.fault = Fault { kind: FaultKind::Tasks, site }.to_bits();
                }
                raw.calls = 0;
            }
        }
    }

    extern "C" fn print(raw: *mut RawCtx, value: f64, newline: u32) {
        // SAFETY: as in `schedule`.
        unsafe { &mut *(*raw).outlets }.print(value, newline != 0);
    }

    extern "C" fn tap(raw: *mut RawCtx, value: f64, probe: u32) {
        // SAFETY: as in `schedule`.
        unsafe { &mut *(*raw).outlets }.tap(probe, value);
    }

    extern "C" fn sample_len(raw: *mut RawCtx, sample: u32) -> f64 {
        // SAFETY: the files live as long as the state that `enter` borrows, and are only read.
        let samples = unsafe { &*(*raw).samples };
        samples.get(sample as usize).map_or(0.0, |sample| sample.frames() as f64)
    }

    extern "C" fn sample_read(raw: *mut RawCtx, position: f64, sample: u32, channel: u32) -> f64 {
        // SAFETY: as in `sample_len`.
        let samples = unsafe { &*(*raw).samples };
        let channel = Channel::from_number(channel);
        samples.get(sample as usize).map_or(0.0, |sample| sample.read(channel, position))
    }
}
