//! attacca-vm: MIR as register bytecode, and the machine that runs it.
//!
//! [`emit::emit`] makes a [`code::Bytecode`] of a module, [`verify::verify`] checks it, [`VmCode`] runs it
//! as a program of the runtime. [`globals::run_globals`] runs the global code of any program, whatever
//! backend plays it afterwards. Bytecode prints by `Display` and is stored by serde.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "selection names the ops it joins; all others stay themselves"
)]

pub mod code;
pub mod disasm;
pub mod emit;
mod env;
mod fuse;
pub mod globals;
mod lir;
mod regs;
mod run;
mod select;
pub mod verify;

use attacca_mir::backend::{Backend, BackendError};
use attacca_mir::layout;
use attacca_mir::module::Module;
use attacca_rt::code::{Code, Layout};
use attacca_rt::ctx::Ctx;
use attacca_rt::ftz::Guard;
use attacca_rt::heap::HeapRef;
use env::Env;
use std::sync::Arc;
use verify::{Program, VerifyError};

/// The bytecode backend.
#[derive(Clone, Copy, Debug, Default)]
pub struct Vm;

impl Backend for Vm {
    fn compile(&self, module: &Module) -> Result<Arc<dyn Code>, BackendError> {
        let code = emit::emit(module)?;
        let mut layout = layout::of(module);
        layout.scratch_words = emit::scratch_words(module, &code)?;
        let vm = VmCode::load(code, layout).map_err(|e| BackendError::Internal(e.to_string()))?;
        Ok(Arc::new(vm))
    }
}

/// Verified bytecode with the layout of its instances.
#[derive(Clone, Debug)]
pub struct VmCode {
    program: Program,
    layout: Layout,
}

impl VmCode {
    /// Checks bytecode, fresh or stored, and makes it a program. Bytecode that is wrong in ways the
    /// checks cannot see computes nonsense, but stays within its instance.
    pub fn load(code: code::Bytecode, layout: Layout) -> Result<Self, VerifyError> {
        Ok(Self { program: verify::verify(code)?, layout })
    }

    fn enter(&self, ctx: &mut Ctx<'_>, func: usize, arg: u64) -> u64 {
        let _guard = Guard::new();
        let parts = ctx.state.parts();
        let mut env = Env {
            words: parts.words,
            lines: parts.lines,
            heap: parts.heap,
            scratch: parts.scratch,
            tasks: parts.tasks,
            outlets: parts.outlets,
            samples: parts.samples,
            cells: ctx.cells,
            inputs: ctx.inputs,
            outputs: &mut *ctx.outputs,
            first_now: ctx.now as i64,
            now: ctx.now as i64,
            limit: ctx.limit,
            fault: ctx.fault,
            calls: 0,
            depth: 0,
            steps: u64::MAX,
            fresh: None,
        };
        let result = run::run(&self.program, func, &[arg], &mut env);
        ctx.fault = env.fault;
        ctx.limit = env.limit;
        result
    }
}

impl Code for VmCode {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn run(&self, ctx: &mut Ctx<'_>, frames: u32) -> u32 {
        match self.program.kernel {
            Some(kernel) if ctx.fault.is_none() => {
                let room = u32::try_from(ctx.limit.saturating_sub(ctx.now)).unwrap_or(u32::MAX);
                let frames = frames.min(room);
                self.enter(ctx, kernel as usize, u64::from(frames)) as u32
            }
            Some(_) | None => 0,
        }
    }

    fn call(&self, ctx: &mut Ctx<'_>, closure: HeapRef) {
        if closure.is_null() || ctx.fault.is_some() {
            return;
        }
        let func = ctx.state.heap().load(closure, 0) as usize;
        if self.program.funcs.get(func).is_some_and(|f| f.closure) {
            self.enter(ctx, func, u64::from(closure.0));
        }
    }
}
