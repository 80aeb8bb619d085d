//! Instances to render with, for the tests of this crate.
#![allow(dead_code, reason = "each test file uses its own part of it")]

use attacca_mir::module::Module;
use attacca_mir::opt;
use attacca_rt::code::{Code, Image};
use attacca_rt::ctx::{Ctx, Fault};
use attacca_rt::state::State;
use attacca_vm::globals::run_globals;
use std::sync::Arc;

/// One instance of some code.
pub(crate) struct Instance {
    /// The code.
    pub(crate) code: Arc<dyn Code>,
    /// Its state.
    pub(crate) state: State,
    /// Why it was stopped.
    pub(crate) fault: Option<Fault>,
    now: u64,
}

impl Instance {
    /// An instance that starts from `image`.
    pub(crate) fn new(code: Arc<dyn Code>, image: &Image) -> Self {
        let state = State::new(code.layout(), image);
        Self { code, state, fault: None, now: 0 }
    }

    /// An instance with a larger heap: the oracle's never ends, and random programs recurse with
    /// objects at hand.
    pub(crate) fn roomy(code: Arc<dyn Code>, image: &Image) -> Self {
        let mut instance = Self::new(code, image);
        let mut layout = instance.code.layout().clone();
        layout.heap_words *= 8;
        instance.state = State::new(&layout, image);
        instance
    }

    /// Runs the tasks that are due; gives how many of `frames` frames can be rendered before the next.
    fn tasks(&mut self, cells: &[f64], frames: usize) -> usize {
        let layout = self.code.layout();
        let inputs = vec![&[] as &[f64]; layout.inputs as usize];
        let outputs = layout.outputs;
        while self.fault.is_none() {
            let task = match self.state.tasks_mut().due(self.now) {
                Ok(Some(task)) => task,
                Ok(None) => break,
                Err(fault) => {
                    self.fault = Some(fault);
                    break;
                }
            };
            let mut outputs: Vec<&mut [f64]> = (0..outputs).map(|_| Default::default()).collect();
            let mut ctx = Ctx {
                state: &mut self.state,
                cells,
                inputs: &inputs,
                outputs: &mut outputs,
                now: self.now,
                limit: u64::MAX,
                fault: None,
            };
            self.code.call(&mut ctx, task.closure);
            self.fault = ctx.fault;
            self.state.heap_mut().release(task.closure);
        }
        let room = self.state.tasks().next().saturating_sub(self.now);
        if self.fault.is_some() { 0 } else { frames.min(usize::try_from(room).unwrap_or(frames)) }
    }

    /// Renders in blocks of `block` frames, until a fault at most.
    pub(crate) fn render(
        &mut self,
        inputs: &[Vec<f64>],
        frames: usize,
        block: usize,
    ) -> Vec<Vec<f64>> {
        let mut all = vec![Vec::new(); self.code.layout().outputs as usize];
        let cells: Vec<f64> = self.code.layout().cells.iter().map(|cell| cell.initial()).collect();
        let mut start = 0;
        while start < frames && self.fault.is_none() {
            let left = (block - start % block).min(frames - start);
            let count = self.tasks(&cells, left);
            let parts: Vec<&[f64]> =
                inputs.iter().map(|i| i.get(start..start + count).unwrap_or_default()).collect();
            let mut buffers = vec![vec![0.0; count]; all.len()];
            let mut outputs: Vec<&mut [f64]> = buffers.iter_mut().map(Vec::as_mut_slice).collect();
            let mut ctx = Ctx {
                state: &mut self.state,
                cells: &cells,
                inputs: &parts,
                outputs: &mut outputs,
                now: self.now,
                limit: u64::MAX,
                fault: self.fault,
            };
            let rendered = self.code.run(&mut ctx, count as u32) as usize;
            self.fault = ctx.fault;
            self.now += rendered as u64;
            start += rendered;
            for (all, buffer) in all.iter_mut().zip(&buffers) {
                all.extend_from_slice(&buffer[..rendered]);
            }
        }
        all
    }
}

/// A module in sample form as the pipeline optimises it, and its image.
pub(crate) fn optimised(module: &Module) -> (Module, Image) {
    let mut module = module.clone();
    opt::prepare(&mut module);
    let mut counted = module.clone();
    opt::rc::run(&mut counted);
    let run = run_globals(&counted, &[]).unwrap_or_else(|e| panic!("{e}"));
    module.blocks = run.blocks;
    module.words = run.words;
    opt::run(&mut module, &run.image);
    opt::rc::run(&mut module);
    (module, run.image)
}
