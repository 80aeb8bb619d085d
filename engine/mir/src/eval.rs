//! The plain, slow reading of MIR: the oracle that passes and backends are compared with.
//!
//! Takes a verified module in either form and computes what it says, instruction by instruction,
//! with the arithmetic of `op` and the flush-to-zero mode of the runtime. Owns its state, delay
//! lines and heap; shares nothing with the backends. Never optimises. A state or heap access that
//! makes no sense is a bug of the compiler and panics with a sentence.
//!
//! ```
//! let text = r#"rate 48000.0  outputs 1  words 1  dsp fn0
//! fn fn0 "dsp"(v0: i64) -> (f64) { state 1 { leaf 0 self 0 f64 "self" }
//! bb0: v1 = load.f64 v0+0  v2 = const 1.0  v3 = add v1, v2  store.f64 v0+0, v3  return v3 }"#;
//! let module = attacca_mir::text::parse(text)?;
//! let mut oracle = attacca_mir::eval::Oracle::new(&module, module.rate)?;
//! assert_eq!(oracle.render(&[], 3), [[1.0, 2.0, 3.0]]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod heap;
mod machine;
mod run;

use crate::module::{FuncId, Module};
use attacca_rt::code::{Dropped, Image};
use attacca_rt::ctx::{Fault, FaultKind};
use attacca_rt::ftz::Guard;
use attacca_rt::sample::Sample;
use attacca_rt::sched::{TASKS_PER_SAMPLE, Task};
use attacca_rt::tap::Print;
use machine::{Bug, Machine, Phase, Waiting};
use std::sync::Arc;

/// Why a program cannot start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvalError {
    /// There is neither a `dsp` function nor a kernel.
    NoDsp,
    /// The global code was stopped.
    Fault(Fault),
}

impl std::fmt::Display for EvalError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoDsp => f.write_str("the program has no `dsp` function"),
            Self::Fault(fault) => {
                write!(f, "the global code was stopped: {:?} at site {}", fault.kind, fault.site)
            }
        }
    }
}

impl std::error::Error for EvalError {}

/// One instance of a program.
#[derive(Clone, Debug)]
pub struct Oracle {
    module: Module,
    machine: Machine,
    /// Tasks that the global code scheduled too late.
    dropped_before: Option<Dropped>,
}

impl Oracle {
    /// An instance at `rate` hertz without sound files whose global code has run (sample form).
    pub fn new(module: &Module, rate: f64) -> Result<Self, EvalError> {
        Self::with_samples(module, rate, Vec::new())
    }

    /// [`Oracle::new`] with the sound files of [`Module::samples`], in order.
    pub fn with_samples(
        module: &Module,
        rate: f64,
        samples: Vec<Arc<Sample>>,
    ) -> Result<Self, EvalError> {
        let mut oracle = Self::with_image(module, rate, &Image::default())?;
        oracle.machine.samples = samples;
        if let Some(init) = module.init {
            oracle.machine.phase = Phase::Globals;
            oracle.call_func(init, &[], 1);
            oracle.machine.phase = Phase::Sound;
            oracle.dropped_before = oracle.machine.dropped.take();
        }
        match oracle.machine.fault {
            Some(fault) => Err(EvalError::Fault(fault)),
            None => Ok(oracle),
        }
    }

    /// An instance at `rate` hertz that starts from what some global code has left (either form).
    pub fn with_image(module: &Module, rate: f64, image: &Image) -> Result<Self, EvalError> {
        if module.kernel.or(module.dsp).is_none() {
            return Err(EvalError::NoDsp);
        }
        let mut words = image.words.clone();
        words.resize(words.len().max(module.words as usize), 0);
        let machine = Machine {
            phase: Phase::Sound,
            words,
            lines: Machine::lines_of(module, image),
            heap: heap::Heap::new(module.shapes.values().cloned().collect(), &image.heap),
            blocks: module.blocks.clone(),
            cells: module.cells.iter().map(|cell| cell.initial()).collect(),
            rate,
            now: 0,
            first_now: 0,
            inputs: Vec::new(),
            outputs: Vec::new(),
            calls: 0,
            depth: 0,
            fault: None,
            printed: image.prints.clone(),
            taps: vec![Vec::new(); module.taps.len()],
            samples: Vec::new(),
            tasks: image.tasks.iter().map(waiting).collect(),
            orders: image.tasks.iter().map(|task| task.order + 1).max().unwrap_or(0),
            dropped: None,
            limit: u64::MAX,
        };
        Ok(Self { module: module.clone(), machine, dropped_before: image.dropped })
    }

    /// Renders `frames` frames, planar; `inputs[channel][frame]`, missing ones read as 0. Fewer
    /// frames mean that the program was stopped ([`Oracle::fault`]); from then on there are none.
    pub fn render(&mut self, inputs: &[Vec<f64>], frames: usize) -> Vec<Vec<f64>> {
        if self.machine.fault.is_some() {
            return vec![Vec::new(); self.module.outputs as usize];
        }
        match self.module.kernel {
            Some(kernel) => self.render_blocks(kernel, inputs, frames),
            None => self.render_samples(inputs, frames),
        }
    }

    /// Runs the tasks that are due at the present sample.
    fn run_tasks(&mut self) {
        let now = self.machine.now as u64;
        let mut ran = 0;
        while self.machine.fault.is_none() && self.machine.next_task() <= now {
            let Some((_, task)) = self.machine.tasks.pop_first() else { return };
            if ran >= TASKS_PER_SAMPLE {
                self.machine.stop(FaultKind::Tasks, task.site);
                return;
            }
            ran += 1;
            self.call(task.closure as u32);
            self.machine.heap.release(task.closure).unwrap_or_else(|bad| bug(bad.into()));
        }
    }

    /// Calls a function value without parameters or results, as the scheduler does.
    pub fn call(&mut self, closure: u32) {
        let code =
            self.machine.heap.load(u64::from(closure), 0).unwrap_or_else(|bad| bug(bad.into()));
        if closure != 0 && self.machine.fault.is_none() {
            self.machine.reset_budget();
            self.call_func(FuncId::from_u32(code as u32), &[u64::from(closure)], 1);
        }
    }

    /// Why the program was stopped.
    pub fn fault(&self) -> Option<Fault> {
        self.machine.fault
    }

    /// What the program has printed so far, the global code included.
    pub fn printed(&self) -> &[Print] {
        &self.machine.printed
    }

    /// Tasks dropped since sound runs because their time was not in the future.
    pub fn dropped(&self) -> Option<Dropped> {
        self.machine.dropped
    }

    /// What each probe has recorded so far.
    pub fn taps(&self) -> &[Vec<f64>] {
        &self.machine.taps
    }

    /// Sets a host value from the next sample on.
    pub fn set_cell(&mut self, cell: usize, value: f64) {
        if let Some(slot) = self.machine.cells.get_mut(cell) {
            *slot = value;
        }
    }

    /// The time of the next sample.
    pub fn now(&self) -> u64 {
        self.machine.now as u64
    }

    /// Sets the time of the next sample.
    pub fn set_now(&mut self, now: u64) {
        self.machine.now = now as i64;
    }

    /// State words; those of delay lines mean nothing.
    pub fn words(&self) -> &[u64] {
        &self.machine.words
    }

    /// State words, to be changed: what applying a plan does.
    pub fn words_mut(&mut self) -> &mut [u64] {
        &mut self.machine.words
    }

    /// The samples of the delay line at a word address and where the next one goes (modulo their
    /// number); no samples if the line was never used.
    pub fn line(&self, word: u32) -> (Vec<f64>, i64) {
        let line = self.machine.lines.get(&(word as usize));
        line.map_or((Vec::new(), 0), |line| (line.samples.clone(), line.pos))
    }

    /// How many heap objects have owners: stays bounded when counting is right.
    pub fn live_objects(&self) -> usize {
        self.machine.heap.live()
    }

    /// State words and heap as they are: after [`Oracle::new`] the image that the global code left.
    pub fn image(&self) -> Image {
        Image {
            words: self.machine.words.clone(),
            heap: self.machine.heap.image(),
            lines: self.machine.lines_left(),
            tasks: self.machine.tasks_left(),
            prints: self.machine.printed.clone(),
            dropped: self.dropped_before,
        }
    }

    /// Enters in `module` what its global code has made, as [`Oracle::new`] left it: the blocks of
    /// function values, and the words they take.
    pub fn enter_blocks(&self, module: &mut Module) {
        module.blocks.clone_from(&self.machine.blocks);
        module.words = self.machine.words.len() as u32;
    }

    fn call_func(&mut self, func: FuncId, args: &[u64], samples: u64) -> Option<Vec<u64>> {
        let _guard = Guard::new();
        run::call(&self.module, &mut self.machine, func, args, samples).unwrap_or_else(|b| bug(b))
    }

    fn render_samples(&mut self, inputs: &[Vec<f64>], frames: usize) -> Vec<Vec<f64>> {
        let mut outputs = vec![Vec::with_capacity(frames); self.module.outputs as usize];
        let Some(dsp) = self.module.dsp else { return outputs };
        for frame in 0..frames {
            self.run_tasks();
            if self.machine.fault.is_some() {
                break;
            }
            let input =
                |channel: u32| inputs.get(channel as usize).and_then(|input| input.get(frame));
            let mut args = vec![u64::from(self.module.dsp_base)];
            args.extend(
                (0..self.module.inputs).map(|c| input(c).copied().unwrap_or(0.0).to_bits()),
            );
            self.machine.reset_budget();
            let results = self.call_func(dsp, &args, 1).unwrap_or_default();
            if self.machine.fault.is_some() {
                break;
            }
            for (output, word) in outputs.iter_mut().zip(results) {
                output.push(f64::from_bits(word));
            }
            self.machine.now += 1;
        }
        outputs
    }

    /// Renders in pieces that end where tasks are due.
    fn render_blocks(
        &mut self,
        kernel: FuncId,
        inputs: &[Vec<f64>],
        frames: usize,
    ) -> Vec<Vec<f64>> {
        let mut outputs = vec![Vec::with_capacity(frames); self.module.outputs as usize];
        let mut done = 0;
        while done < frames {
            self.run_tasks();
            if self.machine.fault.is_some() {
                break;
            }
            let room = self.machine.next_task() - self.machine.now as u64;
            let count = (frames - done).min(usize::try_from(room).unwrap_or(usize::MAX));
            let part = |input: &Vec<f64>| input.get(done..).unwrap_or_default().to_vec();
            let inputs: Vec<Vec<f64>> = inputs.iter().map(part).collect();
            let before = self.machine.now;
            self.machine.limit = self.machine.next_task();
            for (all, part) in outputs.iter_mut().zip(self.render_block(kernel, &inputs, count)) {
                all.extend(part);
            }
            done += (self.machine.now - before) as usize;
            if self.machine.fault.is_some() {
                break;
            }
        }
        outputs
    }

    fn render_block(
        &mut self,
        kernel: FuncId,
        inputs: &[Vec<f64>],
        frames: usize,
    ) -> Vec<Vec<f64>> {
        let start = self.machine.now;
        self.machine.first_now = start;
        self.machine.inputs = inputs.to_vec();
        self.machine.outputs = vec![vec![0.0; frames]; self.module.outputs as usize];
        let results = self.call_func(kernel, &[frames as u64], frames as u64);
        let rendered = results.map_or(0, |results| results[0] as usize);
        let mut outputs = std::mem::take(&mut self.machine.outputs);
        outputs.iter_mut().for_each(|output| output.truncate(rendered));
        self.machine.now = start + rendered as i64;
        outputs
    }
}

/// Renders `frames` frames of a module in kernel form from `image`, in one call.
pub fn eval_kernel(
    module: &Module,
    image: &Image,
    inputs: &[Vec<f64>],
    frames: usize,
) -> Result<(Vec<Vec<f64>>, Oracle), EvalError> {
    let mut oracle = Oracle::with_image(module, module.rate, image)?;
    let outputs = oracle.render(inputs, frames);
    Ok((outputs, oracle))
}

fn waiting(task: &Task) -> ((u64, u64), Waiting) {
    let waiting = Waiting { closure: u64::from(task.closure.0), site: task.site };
    ((task.time, task.order), waiting)
}

fn bug(bug: Bug) -> ! {
    panic!("compiler bug found by the oracle: {}", bug.0)
}

/// Whether two renderings are the same: bit for bit, any NaN as good as another.
pub fn same_bits(a: &[Vec<f64>], b: &[Vec<f64>]) -> bool {
    let same = |a: &f64, b: &f64| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
    let channel =
        |a: &Vec<f64>, b: &Vec<f64>| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b));
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| channel(a, b))
}

#[cfg(test)]
mod tests;
