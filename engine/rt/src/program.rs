//! A program ready to play: code, fresh state, the plan to fill it, and the buffers of its channels.
//!
//! Made and freed by the control side; travels to the audio side and back as one box.

use crate::carry::{Carried, Carry};
use crate::code::{Code, Image, Layout};
use crate::ctx::{Ctx, Fault};
use crate::migrate::{Plan, Resizing};
use crate::param::{CellInput, Values};
use crate::sample::Sample;
use crate::state::State;
use crate::swap::{Planned, ProgramId};
use crate::tap::Ears;
use crate::transport::{Anchor, When};
use crate::{Hz, MAX_CHANNELS};
use std::array;
use std::sync::Arc;

/// Channels that nearly every program has at most.
const FEW_CHANNELS: usize = 4;

/// What [`Prepared::new`] is made from.
#[derive(Clone)]
pub struct Preparation {
    /// Number of this program, never used before.
    pub id: ProgramId,
    /// The program that `plan` starts from; it is sent back if another one plays by then.
    pub base: ProgramId,
    /// The code.
    pub code: Arc<dyn Code>,
    /// What survives from `base`.
    pub plan: Plan,
    /// Where the values of `Layout::cells` come from, in the same order.
    pub cells: Vec<CellInput>,
    /// When it takes over.
    pub when: When,
    /// Whether it is what a reset waits for: it takes nothing over.
    pub fresh: bool,
    /// Slots (by bit) that belong to another control than before.
    pub forget: u128,
    /// The sample rate the code was compiled for.
    pub rate: Hz,
    /// Frames a kernel call renders at most.
    pub max_frames: usize,
    /// The sound files of `Layout::samples`, in order.
    pub samples: Vec<Arc<Sample>>,
}

/// A program ready to play.
pub struct Prepared {
    id: ProgramId,
    base: ProgramId,
    code: Arc<dyn Code>,
    state: State,
    plan: Plan,
    when: When,
    fresh: bool,
    /// Whether its moment has come, so that it takes over as soon as it can.
    due: bool,
    resizing: Resizing,
    carry: Carry,
    cells: Vec<CellInput>,
    values: Vec<f64>,
    forget: u128,
    rate: Hz,
    max_frames: usize,
    inputs: Vec<Box<[f64]>>,
    outputs: Vec<Box<[f64]>>,
    marks: Vec<LineMark>,
}

/// What one frame overwrites in a delay line.
#[derive(Clone, Copy, Debug, Default)]
struct LineMark {
    pos: i64,
    sample: f64,
}

impl Planned for Prepared {
    fn id(&self) -> ProgramId {
        self.id
    }

    fn base(&self) -> ProgramId {
        self.base
    }
}

impl Prepared {
    /// Makes an instance of the program. Allocates and touches all it needs; not for the audio
    /// thread. The plan must fit ([`Plan::fit`]); channels beyond [`MAX_CHANNELS`] are an error of
    /// the caller, who rejects such programs.
    pub fn new(from: Preparation, image: &Image) -> Self {
        let layout = from.code.layout();
        debug_assert!(layout.inputs.max(layout.outputs) as usize <= MAX_CHANNELS);
        let channels = |count: u32| -> Vec<Box<[f64]>> {
            (0..count).map(|_| vec![0.0; from.max_frames].into_boxed_slice()).collect()
        };
        let values = Values::default();
        Self {
            id: from.id,
            base: from.base,
            state: State::with_samples(layout, image, from.samples),
            when: from.when,
            fresh: from.fresh,
            due: false,
            resizing: Resizing::new(&from.plan),
            carry: Carry::new(&from.plan.heap),
            plan: from.plan,
            values: from.cells.iter().map(|cell| values.read(cell)).collect(),
            cells: from.cells,
            forget: from.forget,
            rate: from.rate,
            inputs: channels(layout.inputs),
            outputs: channels(layout.outputs),
            marks: vec![LineMark::default(); layout.lines.len()],
            max_frames: from.max_frames,
            code: from.code,
        }
    }

    /// What an instance of this program owns.
    pub fn layout(&self) -> &Layout {
        self.code.layout()
    }

    /// The code.
    pub fn code(&self) -> &Arc<dyn Code> {
        &self.code
    }

    /// The state of this instance.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The control side's ends of what the program prints and probes, the first time.
    pub fn take_ears(&mut self) -> Option<Ears> {
        self.state.take_ears()
    }

    /// What survives from the program before.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The sample rate the code was compiled for.
    pub fn rate(&self) -> Hz {
        self.rate
    }

    /// Whether it is what a reset waits for.
    pub(crate) fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Output channels.
    pub fn output_count(&self) -> usize {
        self.outputs.len()
    }

    /// Frames a kernel call renders at most.
    pub fn max_frames(&self) -> usize {
        self.max_frames
    }

    /// One output channel's buffer.
    pub(crate) fn output(&self, channel: usize) -> &[f64] {
        self.outputs.get(channel).map_or(&[], |buffer| buffer)
    }

    /// Slots to forget when this program takes over.
    pub(crate) fn forget(&self) -> u128 {
        self.forget
    }

    /// Tasks dropped so far because their time was not in the future, and where the first stood.
    pub(crate) fn dropped_tasks(&self) -> (u64, u32) {
        (self.state.tasks().dropped(), self.state.tasks().first_dropped())
    }

    /// Reads all cells anew.
    pub(crate) fn read_cells(&mut self, values: &Values) {
        for (value, cell) in self.values.iter_mut().zip(&self.cells) {
            *value = values.read(cell);
        }
    }

    /// Copies resized lines from `old` while it plays; true when none is left behind.
    pub(crate) fn advance_copies(&mut self, old: &Self, budget: usize) -> bool {
        self.resizing.advance(&old.state, &mut self.state, budget)
    }

    /// Frames until its moment; `None` once that has come.
    pub(crate) fn frames_to_swap(&self, anchor: &Anchor, now: u64) -> Option<u64> {
        (!self.due).then(|| anchor.frames_to(self.when, now))
    }

    /// Whether it takes over at sample `now`, but after the events there.
    pub(crate) fn follows_events(&self, now: u64) -> bool {
        self.when == When::Events(now)
    }

    /// Whether its moment has come by sample `now`.
    pub(crate) fn is_due(&mut self, anchor: &Anchor, now: u64) -> bool {
        self.due |= anchor.frames_to(self.when, now) == 0;
        self.due
    }

    /// Takes over the words of `old`, what its references reach, and its tasks.
    pub(crate) fn take_words(&mut self, old: &mut Self) -> Carried {
        self.plan.copy_words(&old.state, &mut self.state);
        let layouts = (old.code.layout(), self.code.layout());
        self.carry.run(&self.plan.heap, &mut old.state, &mut self.state, layouts)
    }

    /// Takes over the lines of `old`.
    pub(crate) fn take_lines(&mut self, old: &mut Self) {
        self.plan.exchange_lines(&mut old.state, &mut self.state);
    }

    /// Fills the input buffers from the host's channels: one input hears the mean of all, several
    /// hear one channel each, silence where the host has none.
    pub(crate) fn hear(&mut self, host: &[&[f64]], from: usize, frames: usize) {
        let mono = self.inputs.len() == 1 && host.len() > 1;
        for (channel, buffer) in self.inputs.iter_mut().enumerate() {
            let Some(buffer) = buffer.get_mut(..frames) else { continue };
            match host.get(channel).and_then(|input| input.get(from..from + frames)) {
                Some(input) => buffer.copy_from_slice(input),
                None => buffer.fill(0.0),
            }
            if mono {
                mean(buffer, host, from);
            }
        }
    }

    /// From here on the program plays: times of its first tasks count from `now`.
    pub(crate) fn begin(&mut self, now: u64) {
        self.state.tasks_mut().begin(now);
    }

    /// The sample at which the next task is due.
    pub(crate) fn next_task(&self) -> u64 {
        self.state.tasks().next()
    }

    /// Runs the tasks due at sample `now`; gives the fault that stopped them.
    pub(crate) fn run_tasks(&mut self, now: u64) -> Option<Fault> {
        loop {
            let task = match self.state.tasks_mut().due(now) {
                Ok(task) => task?,
                Err(fault) => return Some(fault),
            };
            let (_, fault) = self.enter(0, 0, now, |code, ctx| {
                code.call(ctx, task.closure);
                0
            });
            self.state.heap_mut().release(task.closure);
            if fault.is_some() {
                return fault;
            }
        }
    }

    /// Runs the kernel over frames `from..from + frames` of the buffers, up to the next task at
    /// most; returns how many were rendered and the fault that stopped it.
    pub(crate) fn run(&mut self, from: usize, frames: usize, now: u64) -> (usize, Option<Fault>) {
        let (rendered, fault) =
            self.enter(from, frames, now, |code, ctx| code.run(ctx, frames as u32) as usize);
        (rendered.min(frames), fault)
    }

    fn enter(
        &mut self,
        from: usize,
        frames: usize,
        now: u64,
        body: impl FnOnce(&dyn Code, &mut Ctx<'_>) -> usize,
    ) -> (usize, Option<Fault>) {
        // Making views of 64 channels takes longer than a small program's block.
        if self.inputs.len().max(self.outputs.len()) <= FEW_CHANNELS {
            self.enter_with::<FEW_CHANNELS>(from, frames, now, body)
        } else {
            self.enter_with::<MAX_CHANNELS>(from, frames, now, body)
        }
    }

    fn enter_with<const N: usize>(
        &mut self,
        from: usize,
        frames: usize,
        now: u64,
        body: impl FnOnce(&dyn Code, &mut Ctx<'_>) -> usize,
    ) -> (usize, Option<Fault>) {
        let mut inputs: [&[f64]; N] = [&[]; N];
        let mut outputs: [&mut [f64]; N] = array::from_fn(|_| Default::default());
        let to = from + frames;
        let used = self.outputs.len();
        for (view, buffer) in inputs.iter_mut().zip(&self.inputs) {
            *view = buffer.get(from..to).unwrap_or_default();
        }
        for (view, buffer) in outputs.iter_mut().zip(&mut self.outputs) {
            *view = buffer.get_mut(from..to).unwrap_or_default();
        }
        let limit = self.state.tasks().next();
        let mut ctx = Ctx {
            state: &mut self.state,
            cells: &self.values,
            inputs: inputs.get(..self.inputs.len()).unwrap_or_default(),
            outputs: outputs.get_mut(..used).unwrap_or_default(),
            now,
            limit,
            fault: None,
        };
        let rendered = body(&*self.code, &mut ctx);
        (rendered, ctx.fault)
    }

    /// Renders one frame more, with the tasks due at it, for its output only: lines get their overwritten
    /// sample back, words and heap are left changed (they have been copied). False if the program faults.
    pub(crate) fn look_ahead(&mut self, now: u64) -> bool {
        for (mark, line) in self.marks.iter_mut().zip(self.state.lines()) {
            *mark = LineMark { pos: line.pos(), sample: line.load(line.pos()) };
        }
        self.state.mute(true);
        let (rendered, fault) = match self.run_tasks(now) {
            None => self.run(0, 1, now),
            Some(fault) => (0, Some(fault)),
        };
        self.state.mute(false);
        for (mark, line) in self.marks.iter().zip(self.state.lines_mut()) {
            line.store(mark.pos, mark.sample);
            line.set_pos(mark.pos);
        }
        rendered == 1 && fault.is_none()
    }
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Prepared({:?} from {:?})", self.id, self.base)
    }
}

/// Replaces `buffer` by the mean of all host channels; it holds the first one already.
fn mean(buffer: &mut [f64], host: &[&[f64]], from: usize) {
    let frames = buffer.len();
    for input in host.iter().skip(1) {
        for (sum, x) in buffer.iter_mut().zip(input.get(from..from + frames).unwrap_or_default()) {
            *sum += *x;
        }
    }
    let scale = 1.0 / host.len() as f64;
    for sum in buffer {
        *sum *= scale;
    }
}
