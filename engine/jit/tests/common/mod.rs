//! Playing a module on the backend, and comparing it with the oracle.
#![allow(dead_code, reason = "each test file uses its own part of it")]

use attacca_jit::Jit;
use attacca_mir::backend::Backend;
use attacca_mir::module::Module;
use attacca_rt::code::{Code, Image};
use attacca_rt::ctx::{Ctx, Fault};
use attacca_rt::ftz;
use attacca_rt::state::State;
use std::sync::Arc;

/// An instance of compiled code.
pub(crate) struct Instance {
    pub(crate) code: Arc<dyn Code>,
    pub(crate) state: State,
    pub(crate) cells: Vec<f64>,
    pub(crate) now: u64,
    pub(crate) fault: Option<Fault>,
}

impl Instance {
    /// Compiles `module` and makes an instance that starts from `image`.
    pub(crate) fn new(module: &Module, image: &Image) -> Self {
        let code =
            Jit::verifying().unwrap().compile(module).unwrap_or_else(|e| panic!("{e}\n{module}"));
        let state = State::new(code.layout(), image);
        let cells = code.layout().cells.iter().map(|c| c.initial()).collect();
        Self { code, state, cells, now: 0, fault: None }
    }

    /// An instance with a larger heap: the oracle's never ends, and random programs recurse with
    /// objects at hand.
    pub(crate) fn roomy(module: &Module, image: &Image) -> Self {
        let mut instance = Self::new(module, image);
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

    /// Renders as many frames as the inputs have, or `frames` if there are none, in blocks.
    pub(crate) fn play(
        &mut self,
        inputs: &[Vec<f64>],
        frames: usize,
        block: usize,
    ) -> Vec<Vec<f64>> {
        let mut outputs = vec![Vec::new(); self.code.layout().outputs as usize];
        let mut done = 0;
        while done < frames && self.fault.is_none() {
            let guard = ftz::Guard::new();
            let cells = self.cells.clone();
            let size = self.tasks(&cells, (block - done % block).min(frames - done));
            let ins: Vec<&[f64]> = inputs.iter().map(|c| &c[done..done + size]).collect();
            let mut block = vec![vec![0.0; size]; outputs.len()];
            let mut outs: Vec<&mut [f64]> = block.iter_mut().map(|c| &mut c[..]).collect();
            let mut ctx = Ctx {
                state: &mut self.state,
                cells: &self.cells,
                inputs: &ins,
                outputs: &mut outs,
                now: self.now,
                limit: u64::MAX,
                fault: self.fault,
            };
            let rendered = self.code.run(&mut ctx, size as u32) as usize;
            self.fault = ctx.fault;
            drop(guard);
            for (all, part) in outputs.iter_mut().zip(&block) {
                all.extend_from_slice(&part[..rendered]);
            }
            self.now += rendered as u64;
            done += rendered;
            assert!(rendered > 0 || self.fault.is_some(), "a block ended early without a fault");
        }
        outputs
    }
}

/// Bits, with all NaNs alike.
pub(crate) fn bits(x: f64) -> u64 {
    if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() }
}

/// Floats at the edges of everything, and a few plain ones.
pub(crate) fn awkward() -> Vec<f64> {
    let mut all = vec![
        0.0,
        0.25,
        0.49999999999999994,
        0.5,
        1.0,
        1.5,
        2.0,
        2.5,
        3.75,
        1e-9,
        1e9,
        4503599627370495.5,
        9007199254740993.0,
        9.223372036854775e18,
        1.8446744073709552e19,
        1e300,
        f64::MAX,
        f64::MIN_POSITIVE,
        f64::MIN_POSITIVE / 4.0,
        f64::from_bits(1),
        f64::INFINITY,
        f64::NAN,
        f64::from_bits(0x7ff0_0000_0000_0001),
        std::f64::consts::PI,
        1048577.0,
        710.0,
    ];
    all.extend(all.clone().iter().map(|x| -x));
    all
}
