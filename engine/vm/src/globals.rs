//! Runs the global code of a program, ahead of its sound.
//!
//! Takes a module in sample form, gives the image that every instance starts from, and the state
//! blocks of the function values that the global code made. On the calling thread, within a budget;
//! for every backend alike.

use crate::emit::{emit_globals, scratch_words};
use crate::env::{Env, Fresh};
use crate::run;
use crate::verify::{Program, verify};
use attacca_mir::backend::BackendError;
use attacca_mir::cancel::Cancel;
use attacca_mir::layout;
use attacca_mir::module::{FuncId, Module};
use attacca_mir::op::Op;
use attacca_rt::code::{Dropped, Image, Layout, LineImage};
use attacca_rt::ctx::{Fault, FaultKind};
use attacca_rt::ftz::Guard;
use attacca_rt::heap::DEFAULT_HEAP_WORDS;
use attacca_rt::sample::Sample;
use attacca_rt::state::State;
use cranelift_entity::EntityRef;
use std::sync::Arc;

/// Calls that global code may make; words that it copies count too.
pub const CALL_LIMIT: u64 = 50_000_000;

/// Words of state blocks that global code may make: 128 MiB.
pub const BLOCK_LIMIT: u32 = 1 << 24;

/// Words of blocks in the first attempt; more than nearly all programs make.
const FIRST_ROOM: u32 = 1 << 12;

/// Calls that all attempts together may make.
const ALL_CALLS: u64 = 3 * CALL_LIMIT;

/// How often global code is run until it has all it needs.
const ATTEMPTS: u32 = 8;

/// What the global code left.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GlobalsRun {
    /// Words and heap that instances start from.
    pub image: Image,
    /// State blocks made for function values: address and function. They replace `Module::blocks`; the
    /// block of the global code itself is not needed once it ran.
    pub blocks: Vec<(u32, FuncId)>,
    /// Words of the state, these blocks included.
    pub words: u32,
}

/// Why there is no image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GlobalsError {
    /// The global code recursed too deep or filled the heap.
    Fault(Fault),
    /// It made more than [`CALL_LIMIT`] calls.
    TooLong,
    /// Its function values need more than [`BLOCK_LIMIT`] words of state.
    TooLarge,
    /// It could not be compiled.
    Backend(BackendError),
}

impl std::fmt::Display for GlobalsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fault(fault) => {
                let what = match fault.kind {
                    FaultKind::Recursion => "calls itself too often",
                    FaultKind::Heap => "makes more objects than the heap holds",
                    FaultKind::Tasks => "schedules too many tasks",
                    FaultKind::TooSlow => "takes too long",
                };
                write!(f, "the global code {what}")
            }
            Self::TooLong => write!(f, "the global code makes more than {CALL_LIMIT} calls"),
            Self::TooLarge => {
                f.write_str("the global code makes too many function values with state")
            }
            Self::Backend(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for GlobalsError {}

/// Runs `module.init` and gives what it left; the module's zeroed words if it has none. `samples` are
/// the sound files of the module, in order; those that are missing have no frames.
pub fn run_globals(module: &Module, samples: &[Arc<Sample>]) -> Result<GlobalsRun, GlobalsError> {
    run_unless(&Cancel::default(), module, samples)
}

/// Like [`run_globals`]; called off, it ends soon, as if it took too long.
pub fn run_unless(
    cancel: &Cancel,
    module: &Module,
    samples: &[Arc<Sample>],
) -> Result<GlobalsRun, GlobalsError> {
    let Some(init) = module.init else {
        return Ok(GlobalsRun { words: module.words, ..GlobalsRun::default() });
    };
    let code = emit_globals(module).map_err(GlobalsError::Backend)?;
    let scratch = scratch_words(module, &code).map_err(GlobalsError::Backend)?;
    let program =
        verify(code).map_err(|e| GlobalsError::Backend(BackendError::Internal(e.to_string())))?;
    let sizes: Vec<u32> = module.funcs.values().map(|func| func.state.words).collect();
    let mut layout = layout::of(module);
    layout.words = module.words.saturating_add(FIRST_ROOM);
    layout.scratch_words = scratch;
    layout.heap_words = layout.heap_words.max(DEFAULT_HEAP_WORDS);
    let plays_lines = plays_lines(module, init);
    let mut lines = std::mem::take(&mut layout.lines);
    // A second attempt has the words and lines that the first one lacked. Samples of lines it then finds
    // may lead it elsewhere; each attempt knows more of them.
    let mut left = ALL_CALLS;
    for _ in 0..ATTEMPTS {
        layout.lines.clone_from(&lines);
        if !plays_lines {
            layout.lines.iter_mut().for_each(|line| line.len = 1);
        }
        let fresh = Fresh {
            next: module.words,
            sizes: &sizes,
            blocks: Vec::with_capacity(1 << 20),
            steps: left.min(CALL_LIMIT),
            out: false,
            cancel: cancel.clone(),
        };
        let outcome = attempt(module, &layout, &program, init.index(), fresh, samples);
        left = left.saturating_sub(outcome.steps);
        if outcome.out && outcome.fault.is_none() {
            return Err(GlobalsError::TooLong);
        }
        if outcome.words > BLOCK_LIMIT {
            return Err(GlobalsError::TooLarge);
        }
        let mut blocks = module.blocks.clone();
        blocks.extend_from_slice(&outcome.blocks);
        let found = layout::lines(module, &blocks);
        if outcome.words <= layout.words && found == lines {
            return outcome.finish();
        }
        layout.words = layout.words.max(outcome.words);
        lines = found;
    }
    Err(GlobalsError::TooLong)
}

/// Whether code that `init` reaches reads or writes delay lines: most does not, and long lines take
/// longer to make than all the rest.
fn plays_lines(module: &Module, init: FuncId) -> bool {
    layout::reached(module, [init]).iter().any(|id| {
        let func = &module.funcs[*id];
        func.blocks.values().flat_map(|block| &block.insts).any(|inst| {
            matches!(
                func.insts[*inst].op,
                Op::LinePos(_) | Op::LineSetPos(_) | Op::LineLoad { .. } | Op::LineStore { .. }
            )
        })
    })
}

/// How an attempt ended.
struct Outcome {
    image: Image,
    blocks: Vec<(u32, FuncId)>,
    words: u32,
    fault: Option<Fault>,
    /// Calls made.
    steps: u64,
    /// Too many.
    out: bool,
}

/// The delay lines that were written to.
fn lines_left(layout: &Layout, state: &State) -> Vec<LineImage> {
    let lines = layout.lines.iter().zip(state.lines());
    let written = lines.map(|(spec, line)| LineImage { word: spec.word, samples: line.written() });
    written.filter(|line| !line.samples.is_empty()).collect()
}

fn attempt(
    module: &Module,
    layout: &Layout,
    program: &Program,
    init: usize,
    fresh: Fresh<'_>,
    samples: &[Arc<Sample>],
) -> Outcome {
    let _guard = Guard::new();
    let mut state = State::with_samples(layout, &Image::default(), samples.to_vec());
    let mut ears = state.take_ears().unwrap_or_default();
    let parts = state.parts();
    let cells: Vec<f64> = module.cells.iter().map(|cell| cell.initial()).collect();
    let most = fresh.steps;
    let mut env = Env {
        words: parts.words,
        lines: parts.lines,
        heap: parts.heap,
        scratch: parts.scratch,
        tasks: parts.tasks,
        outlets: parts.outlets,
        samples: parts.samples,
        cells: &cells,
        inputs: &[],
        outputs: &mut [],
        first_now: 0,
        now: 0,
        limit: u64::MAX,
        fault: None,
        calls: 0,
        depth: 0,
        steps: 0,
        fresh: Some(fresh),
    };
    run::run(program, init, &[], &mut env);
    let fresh = env.fresh.take();
    let (fault, unused) = (env.fault, env.steps);
    let (next, blocks, left, out) = fresh.map_or((module.words, Vec::new(), 0, false), |fresh| {
        (fresh.next, fresh.blocks, fresh.steps, fresh.out)
    });
    let mut words = state.words().to_vec();
    words.truncate(next as usize);
    for line in &layout.lines {
        // What a line's word holds is the instance's business.
        if let Some(word) = words.get_mut(line.word as usize) {
            *word = 0;
        }
    }
    let tasks = state.tasks();
    let dropped = Dropped { count: tasks.dropped(), site: tasks.first_dropped() };
    Outcome {
        image: Image {
            words,
            heap: state.heap().image(),
            lines: lines_left(layout, &state),
            tasks: tasks.image(),
            prints: std::iter::from_fn(|| ears.print()).collect(),
            dropped: (dropped.count > 0).then_some(dropped),
        },
        blocks: blocks.into_iter().map(|(at, func)| (at, FuncId::new(func as usize))).collect(),
        words: next,
        fault,
        steps: most.saturating_sub(left + unused),
        out,
    }
}

impl Outcome {
    fn finish(self) -> Result<GlobalsRun, GlobalsError> {
        if let Some(fault) = self.fault {
            return Err(GlobalsError::Fault(fault));
        }
        if self.out {
            return Err(GlobalsError::TooLong);
        }
        Ok(GlobalsRun { image: self.image, blocks: self.blocks, words: self.words })
    }
}
