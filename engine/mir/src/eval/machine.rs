//! What the oracle's instructions work on, and what each op but calls does to it.

use super::heap::{BadRef, Heap};
use crate::module::{FuncId, Module};
use crate::op::Op;
use attacca_rt::code::{Dropped, Image, LineImage};
use attacca_rt::ctx::{CALL_BUDGET, DEPTH_BUDGET, Fault, FaultKind};
use attacca_rt::heap::HeapRef;
use attacca_rt::sample::{Channel, Sample};
use attacca_rt::sched::{TASK_PLACES, Task, sample_of};
use attacca_rt::tap::Print;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How function values get their state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Global code runs: each gets a fresh block.
    Globals,
    /// Sound runs: each points at the static block of its place.
    Sound,
}

/// A delay line.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    /// The ring; empty until the first access.
    pub(super) samples: Vec<f64>,
    /// Where the next sample goes, modulo the ring.
    pub(super) pos: i64,
}

/// One instance and what the host gives it.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub(super) phase: Phase,
    pub(super) words: Vec<u64>,
    /// By word address.
    pub(super) lines: FxHashMap<usize, Line>,
    pub(super) heap: Heap,
    pub(super) blocks: Vec<(u32, FuncId)>,
    pub(super) cells: Vec<f64>,
    pub(super) rate: f64,
    /// Time of the current sample.
    pub(super) now: i64,
    /// Kernel form: time of the first frame.
    pub(super) first_now: i64,
    pub(super) inputs: Vec<Vec<f64>>,
    pub(super) outputs: Vec<Vec<f64>>,
    pub(super) calls: u32,
    pub(super) depth: u32,
    pub(super) fault: Option<Fault>,
    /// What the program has printed.
    pub(super) printed: Vec<Print>,
    /// What each probe has recorded.
    pub(super) taps: Vec<Vec<f64>>,
    /// Sound files; those that are missing have no frames.
    pub(super) samples: Vec<Arc<Sample>>,
    /// Tasks that wait, by time and order; each owns its closure.
    pub(super) tasks: BTreeMap<(u64, u64), Waiting>,
    /// Tasks scheduled so far.
    pub(super) orders: u64,
    pub(super) dropped: Option<Dropped>,
    /// Kernel form: the kernel returns before this time.
    pub(super) limit: u64,
}

/// A task that waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) closure: u64,
    pub(super) site: u32,
}

/// A bug of the compiler, in words.
pub(super) struct Bug(pub(super) String);

impl From<BadRef> for Bug {
    fn from(bad: BadRef) -> Self {
        Self(bad.0)
    }
}

impl Machine {
    /// Runs one op that is no call. The word that it gives, if any.
    pub(super) fn step(
        &mut self,
        module: &Module,
        op: &Op,
        args: &[u64],
        site: u32,
    ) -> Result<Option<u64>, Bug> {
        Ok(Some(match op {
            Op::Fconst(bits) => *bits,
            Op::Iconst(x) => *x as u64,
            Op::Rconst(at) => u64::from(*at),
            Op::Pure(op) => op.eval(args),
            Op::Slow(op) => {
                let floats: Vec<f64> = args.iter().map(|bits| f64::from_bits(*bits)).collect();
                op.eval(&floats).to_bits()
            }
            Op::FuncAddr(func) => u64::from(func.as_u32()),
            Op::Load(_, offset) => self.words[self.word(args[0], *offset)?],
            Op::Store(_, offset) => {
                let at = self.word(args[0], *offset)?;
                self.words[at] = args[1];
                return Ok(None);
            }
            Op::LinePos(offset) => self.line(args[0], *offset)?.pos as u64,
            Op::LineSetPos(offset) => {
                self.line(args[0], *offset)?.pos = args[1] as i64;
                return Ok(None);
            }
            Op::LineLoad { offset, len } => self.sample(args[0], *offset, *len, args[1])?.to_bits(),
            Op::LineStore { offset, len } => {
                *self.sample(args[0], *offset, *len, args[1])? = f64::from_bits(args[2]);
                return Ok(None);
            }
            Op::Block { func, offset } => self.block(module, *func, args[0], *offset)?,
            Op::Alloc(shape) => self.alloc(shape.as_u32(), args, site),
            Op::HeapLoad { field, .. } => self.heap.load(args[0], *field)?,
            Op::HeapStore { field, .. } => {
                self.heap.store(args[0], *field, args[1])?;
                return Ok(None);
            }
            Op::NewArray(shape) => self.new_array(shape.as_u32(), args[0] as i64, site),
            Op::ArrayLen => self.heap.array_len(args[0])?,
            Op::ArrayLoad { field, .. } => self.heap.array_load(args[0], args[1], *field)?,
            Op::ArrayStore { field, .. } => {
                self.heap.array_store(args[0], args[1], *field, args[2])?;
                return Ok(None);
            }
            Op::ArrayCopy(_) => {
                self.heap.array_copy([args[0], args[1], args[2], args[3], args[4]])?;
                return Ok(None);
            }
            Op::Schedule(site) => {
                self.schedule(f64::from_bits(args[0]), args[1], *site)?;
                return Ok(None);
            }
            Op::Limit => self.limit,
            Op::Print { newline } => {
                self.printed.push(Print { value: f64::from_bits(args[0]), newline: *newline });
                return Ok(None);
            }
            Op::Tap(tap) => {
                self.taps[*tap as usize].push(f64::from_bits(args[0]));
                return Ok(None);
            }
            Op::SampleLen(sample) => (self.sample_file(*sample).frames() as f64).to_bits(),
            Op::SampleRead { sample, channel } => {
                let channel = Channel::from_number(*channel);
                self.sample_file(*sample).read(channel, f64::from_bits(args[0])).to_bits()
            }
            Op::Retain => {
                self.heap.retain(args[0])?;
                return Ok(None);
            }
            Op::Release => {
                self.heap.release(args[0])?;
                return Ok(None);
            }
            Op::Call(_) | Op::CallClosure(_) | Op::Pair(_) => {
                return Err(Bug("calls and pairs are the caller's part".into()));
            }
            Op::SampleRate => self.rate.to_bits(),
            Op::Now => (self.now as f64).to_bits(),
            Op::SetNow => {
                self.now = args[0] as i64;
                return Ok(None);
            }
            Op::FirstNow => self.first_now as u64,
            Op::Cell(cell) => self.cells[*cell as usize].to_bits(),
            Op::Input(channel) => {
                let frame = args[0] as usize;
                let input = self.inputs.get(*channel as usize).and_then(|input| input.get(frame));
                input.copied().unwrap_or(0.0).to_bits()
            }
            Op::Output(channel) => {
                let output = &mut self.outputs[*channel as usize];
                let frames = output.len();
                let frame = output.get_mut(args[0] as usize);
                *frame.ok_or_else(|| Bug(format!("writes frame {} of {frames}", args[0])))? =
                    f64::from_bits(args[1]);
                return Ok(None);
            }
            Op::BudgetReset => {
                self.reset_budget();
                return Ok(None);
            }
            Op::BudgetEnter(site) => u64::from(self.enter(*site)),
            Op::BudgetLeave => {
                self.depth = self.depth.saturating_sub(1);
                return Ok(None);
            }
            Op::Faulted => u64::from(self.fault.is_some()),
        }))
    }

    /// A new sample: all calls are allowed again.
    pub(super) fn reset_budget(&mut self) {
        self.calls = 0;
        self.depth = 0;
    }

    fn sample_file(&self, sample: u32) -> Arc<Sample> {
        self.samples.get(sample as usize).cloned().unwrap_or_default()
    }

    /// Takes over an owner of the closure.
    fn schedule(&mut self, time: f64, closure: u64, site: u32) -> Result<(), Bug> {
        let time = sample_of(time);
        if time <= self.now {
            let first = Dropped { count: 0, site };
            self.dropped.get_or_insert(first).count += 1;
            return Ok(self.heap.release(closure)?);
        }
        if self.tasks.len() >= TASK_PLACES as usize {
            self.stop(FaultKind::Tasks, site);
            return Ok(self.heap.release(closure)?);
        }
        let time = time as u64;
        self.tasks.insert((time, self.orders), Waiting { closure, site });
        self.orders += 1;
        self.limit = self.limit.min(time);
        Ok(())
    }

    /// The time of the next task.
    pub(super) fn next_task(&self) -> u64 {
        self.tasks.first_key_value().map_or(u64::MAX, |((time, _), _)| *time)
    }

    /// The tasks that wait, as an image holds them.
    pub(super) fn tasks_left(&self) -> Vec<Task> {
        let task = |(&(time, order), waiting): (&(u64, u64), &Waiting)| Task {
            time,
            order,
            closure: HeapRef(waiting.closure as u32),
            site: waiting.site,
        };
        self.tasks.iter().map(task).collect()
    }

    /// Stops the program, unless something else has.
    pub(super) fn stop(&mut self, kind: FaultKind, site: u32) {
        self.fault.get_or_insert(Fault { kind, site });
    }

    fn enter(&mut self, site: u32) -> bool {
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

    /// The delay lines that were written to.
    pub(super) fn lines_left(&self) -> Vec<LineImage> {
        let mut left: Vec<LineImage> = Vec::new();
        for (word, line) in &self.lines {
            let ring = line.samples.len() as i64;
            let count = line.pos.clamp(0, ring);
            if count > 0 {
                let sample = |index: i64| line.samples[(index & (ring - 1)) as usize];
                let samples = (line.pos - count..line.pos).map(sample).collect();
                left.push(LineImage { word: *word as u32, samples });
            }
        }
        left.sort_by_key(|line| line.word);
        left
    }

    /// The delay lines that an image holds.
    pub(super) fn lines_of(module: &Module, image: &Image) -> FxHashMap<usize, Line> {
        let specs = crate::layout::of(module).lines;
        let held = image.lines.iter().filter_map(|left| {
            let spec = specs.iter().find(|spec| spec.word == left.word)?;
            let mut samples = vec![0.0; spec.ring() as usize];
            let pos = left.samples.len() as i64;
            for (at, sample) in left.samples.iter().enumerate() {
                *samples.get_mut(at)? = *sample;
            }
            Some((left.word as usize, Line { samples, pos }))
        });
        held.collect()
    }

    fn word(&self, base: u64, offset: u32) -> Result<usize, Bug> {
        let at =
            (base as i64).checked_add(i64::from(offset)).and_then(|at| usize::try_from(at).ok());
        at.filter(|at| *at < self.words.len()).ok_or_else(|| {
            Bug(format!("addresses word {}+{offset} of {}", base as i64, self.words.len()))
        })
    }

    fn line(&mut self, base: u64, offset: u32) -> Result<&mut Line, Bug> {
        let at = self.word(base, offset)?;
        Ok(self.lines.entry(at).or_default())
    }

    fn sample(&mut self, base: u64, offset: u32, len: u32, index: u64) -> Result<&mut f64, Bug> {
        let ring = len.next_power_of_two() as usize;
        let line = self.line(base, offset)?;
        if line.samples.is_empty() {
            line.samples = vec![0.0; ring];
        }
        if line.samples.len() != ring {
            return Err(Bug(format!(
                "uses a line of {} samples as one of {ring}",
                line.samples.len()
            )));
        }
        Ok(&mut line.samples[index as usize & (ring - 1)])
    }

    fn block(&mut self, module: &Module, func: FuncId, base: u64, offset: u32) -> Result<u64, Bug> {
        if self.phase == Phase::Sound {
            return Ok(base.wrapping_add(u64::from(offset)));
        }
        let at = self.words.len();
        let words = module.funcs[func].state.words as usize;
        if at + words > super::heap::LIMIT {
            return Err(Bug("the global code makes more state than the oracle can hold".into()));
        }
        self.words.resize(at + words, 0);
        self.blocks.push((at as u32, func));
        Ok(at as u64)
    }

    fn new_array(&mut self, shape: u32, len: i64, site: u32) -> u64 {
        match self.heap.new_array(shape, len) {
            Some(object) => u64::from(object),
            None => {
                self.stop(FaultKind::Heap, site);
                0
            }
        }
    }

    fn alloc(&mut self, shape: u32, fields: &[u64], site: u32) -> u64 {
        match self.heap.alloc(shape, fields) {
            Some(object) => u64::from(object),
            None => {
                self.stop(FaultKind::Heap, site);
                0
            }
        }
    }
}
