//! The backend: emits, compiles and links the functions of a module.
//!
//! Takes a verified module, gives [`JitCode`]. Holds the target description, made once. Allocates and
//! takes milliseconds; for the worker only.

use crate::code::JitCode;
use crate::emit::{self, Program};
use crate::graph::{Reach, is_task};
use crate::libcalls::Libcall;
use crate::memory::{CodeMemory, Patch, PatchKind, PatchTarget};
use crate::stubs;
use attacca_mir::backend::{Backend, BackendError};
use attacca_mir::module::{FuncId, Module};
use attacca_mir::op::Pure;
use attacca_rt::code::{Code, Layout};
use attacca_rt::ftz;
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::entity::SecondaryMap;
use cranelift_codegen::ir::{ExternalName, Function, LibCall, UserExternalName, UserFuncName};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{Context, FinalizedRelocTarget};
use rustc_hash::FxHashMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// The Cranelift backend for this machine.
#[derive(Clone)]
pub struct Jit {
    isa: OwnedTargetIsa,
    verifier: &'static str,
}

/// What a compilation came to, for measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Bytes of machine code.
    pub code_bytes: usize,
    /// Functions compiled.
    pub functions: usize,
}

/// Bytes of stack for functions in Rust and the entry, beyond the frames of generated code.
const STACK_RESERVE: u64 = 64 * 1024;

/// More stack than this is refused.
const STACK_LIMIT: u64 = 64 * 1024 * 1024;

/// Frames are counted larger by this much: return address, saved frame pointer, alignment.
const FRAME_EXTRA: u32 = 64;

/// Functions start at multiples of this many bytes.
const ALIGN: usize = 32;

/// Instructions from which on a function gets its registers by the allocator that takes one pass: the
/// other one takes time that grows with the square of the values alive at once. The code is slower for
/// it (1.4 times in a program of 1,000 lines), so programs that people write stay below.
const LARGE: usize = 40_000;

/// Stack that the host's thread surely has, in bytes; programs that need more run on their own.
const HOST_STACK: u64 = 32 * 1024;

/// Most state words: their byte offsets fit an instruction.
const WORDS_LIMIT: u32 = 1 << 27;

impl Jit {
    /// A backend for the processor this runs on.
    pub fn new() -> Result<Self, BackendError> {
        Self::with_verifier("false")
    }

    /// A backend that has Cranelift verify what it is given; slower, for tests.
    pub fn verifying() -> Result<Self, BackendError> {
        Self::with_verifier("true")
    }

    fn with_verifier(verifier: &'static str) -> Result<Self, BackendError> {
        Ok(Self { isa: isa(verifier, "backtracking")?, verifier })
    }

    /// The CLIF of a module's functions before Cranelift's passes, for people to read.
    pub fn clif(&self, module: &Module) -> Result<String, BackendError> {
        let mut unit = Unit::emit(self, module)?;
        let mut text = String::new();
        for func in std::mem::take(&mut unit.funcs) {
            let written = writeln!(text, "{}", func.display());
            debug_assert!(written.is_ok(), "strings take everything");
        }
        Ok(text)
    }

    /// The machine instructions of a module's functions, for people to read.
    pub fn disasm(&self, module: &Module) -> Result<String, BackendError> {
        let mut unit = Unit::emit(self, module)?;
        unit.want_text = true;
        unit.compile(self)?;
        Ok(unit.text)
    }

    /// Compiles as [`Backend::compile`] does and says how much code it made.
    pub fn compile_measured(
        &self,
        module: &Module,
    ) -> Result<(Arc<dyn Code>, Report), BackendError> {
        let mut unit = Unit::emit(self, module)?;
        unit.compile(self)?;
        let report = Report { code_bytes: unit.code.len(), functions: unit.reach.funcs.len() };
        Ok((Arc::new(unit.link(module)?), report))
    }
}

impl Backend for Jit {
    fn compile(&self, module: &Module) -> Result<Arc<dyn Code>, BackendError> {
        Ok(self.compile_measured(module)?.0)
    }
}

/// This machine, as Cranelift knows it.
fn isa(verifier: &str, allocator: &str) -> Result<OwnedTargetIsa, BackendError> {
    let internal = |what: String| BackendError::Internal(what);
    let mut flags = settings::builder();
    for (name, value) in [
        ("opt_level", "none"),
        ("is_pic", "false"),
        ("enable_probestack", "false"),
        ("unwind_info", "false"),
        ("enable_multi_ret_implicit_sret", "true"),
        ("preserve_frame_pointers", "false"),
        ("regalloc_algorithm", allocator),
        ("enable_verifier", verifier),
    ] {
        flags.set(name, value).map_err(|e| internal(e.to_string()))?;
    }
    let builder = cranelift_native::builder()
        .map_err(|e| BackendError::Unsupported(format!("this machine: {e}")))?;
    builder.finish(settings::Flags::new(flags)).map_err(|e| internal(e.to_string()))
}

/// One module on its way through Cranelift.
struct Unit {
    reach: Reach,
    layout: Layout,
    kernel: FuncId,
    funcs: Vec<Function>,
    consts: Vec<u64>,
    code: Vec<u8>,
    /// Where each function starts in `code`.
    starts: FxHashMap<UserExternalName, usize>,
    /// Places to be filled in, with the names they hold.
    holes: Vec<(usize, PatchKind, Name, i64)>,
    frames: SecondaryMap<FuncId, u32>,
    want_text: bool,
    text: String,
}

/// What a hole in the code names.
enum Name {
    User(UserExternalName),
    Lib(Libcall),
}

impl Unit {
    fn emit(jit: &Jit, module: &Module) -> Result<Self, BackendError> {
        // Cranelift folds constants with the arithmetic of this thread.
        let _guard = ftz::Guard::new();
        let kernel = module
            .kernel
            .ok_or_else(|| BackendError::Internal("the module has no kernel".into()))?;
        let layout = attacca_mir::layout::of(module);
        if layout.words > WORDS_LIMIT {
            return Err(BackendError::TooLarge(format!("{} state words", layout.words)));
        }
        let reach = Reach::of(module, kernel);
        let host = jit.isa.default_call_conv();
        let mut program = Program {
            module,
            layout: &layout,
            host,
            consts: Vec::new(),
            places: FxHashMap::default(),
            pairs: FxHashMap::default(),
            slow: Vec::new(),
        };
        let mut funcs = Vec::new();
        for id in &reach.funcs {
            funcs.push(emit::function(&mut program, *id)?);
        }
        funcs.extend(program.slow.iter().map(|slow| stubs::slow_trampoline(*slow, host)));
        let forgetful = reach.funcs.iter().map(|id| (*id, &module.funcs[*id]));
        let forgetful = forgetful.filter(|(_, func)| is_task(func) && !func.rets.is_empty());
        funcs.extend(forgetful.map(|(id, func)| stubs::forgetful(id, func)));
        funcs.push(stubs::task_entry(host));
        funcs.push(stubs::nothing());
        let consts = program.consts;
        Ok(Self {
            reach,
            layout,
            kernel,
            funcs,
            consts,
            code: Vec::new(),
            starts: FxHashMap::default(),
            holes: Vec::new(),
            frames: SecondaryMap::new(),
            want_text: false,
            text: String::new(),
        })
    }

    fn compile(&mut self, jit: &Jit) -> Result<(), BackendError> {
        let _guard = ftz::Guard::new();
        let mut context = Context::new();
        for func in std::mem::take(&mut self.funcs) {
            context.clear();
            context.func = func;
            context.set_disasm(self.want_text);
            self.one(jit, &mut context)?;
        }
        Ok(())
    }

    fn one(&mut self, jit: &Jit, context: &mut Context) -> Result<(), BackendError> {
        let UserFuncName::User(name) = context.func.name.clone() else {
            return Err(BackendError::Internal("a function without a number".into()));
        };
        let quick = if context.func.dfg.num_insts() > LARGE {
            Some(isa(jit.verifier, "single_pass")?)
        } else {
            None
        };
        context
            .compile(&**quick.as_ref().unwrap_or(&jit.isa), &mut ControlPlane::default())
            .map_err(|e| BackendError::Internal(format!("{name}: {:?}", e.inner)))?;
        let Some(compiled) = context.compiled_code() else {
            return Err(BackendError::Internal(format!("{name}: no code")));
        };
        self.code.resize(self.code.len().next_multiple_of(ALIGN), 0);
        let start = self.code.len();
        self.starts.insert(name.clone(), start);
        self.code.extend_from_slice(compiled.code_buffer());
        for reloc in compiled.buffer.relocs() {
            let at = start + reloc.offset as usize;
            let target = match &reloc.target {
                FinalizedRelocTarget::ExternalName(target) => target_name(&context.func, target)?,
                FinalizedRelocTarget::Func(_) => {
                    return Err(BackendError::Internal("an address inside a function".into()));
                }
            };
            self.holes.push((at, patch_kind(reloc.kind)?, target, reloc.addend));
        }
        if name.namespace == emit::FUNCS {
            let frame = compiled.buffer.frame_layout().map_or(0, |frame| frame.frame_to_fp_offset);
            self.frames[FuncId::from_u32(name.index)] = frame + FRAME_EXTRA;
        }
        if let Some(vcode) = &compiled.vcode {
            let written =
                writeln!(self.text, "; {name} ({} bytes)\n{vcode}", compiled.code_buffer().len());
            debug_assert!(written.is_ok(), "strings take everything");
        }
        Ok(())
    }

    fn link(mut self, module: &Module) -> Result<JitCode, BackendError> {
        let patches = self
            .holes
            .iter()
            .map(|(at, kind, name, addend)| {
                Ok(Patch { at: *at, kind: *kind, to: self.resolve(name)?, addend: *addend })
            })
            .collect::<Result<Vec<_>, BackendError>>()?;
        let memory = CodeMemory::new(&self.code, &patches).map_err(BackendError::Internal)?;
        let start = |namespace, index| {
            let name = UserExternalName { namespace, index };
            self.starts
                .get(&name)
                .copied()
                .ok_or_else(|| BackendError::Internal(format!("{name} was not compiled")))
        };
        let kernel = start(emit::FUNCS, self.kernel.as_u32())?;
        let task = start(emit::ENTRIES, 0)?;
        let nothing = memory.address(start(emit::ENTRIES, 1)?);
        let table = module.funcs.iter().map(|(id, func)| {
            let known = func.closure.then(|| start(emit::FUNCS, id.as_u32()).ok()).flatten();
            known.map_or(nothing, |at| memory.address(at))
        });
        let table = table.collect();
        let tasks = module.funcs.iter().map(|(id, func)| {
            let space = if func.rets.is_empty() { emit::FUNCS } else { emit::TASKS };
            let known = is_task(func).then(|| start(space, id.as_u32()).ok()).flatten();
            known.map_or(nothing, |at| memory.address(at))
        });
        let tasks = tasks.collect();
        let object_words = crate::objects::dump_words(module);
        self.layout.scratch_words = JitCode::scratch_words(&self.layout, object_words);
        let bytes = self.reach.stack_bytes(module, &self.frames);
        if bytes > HOST_STACK {
            let bytes = bytes + STACK_RESERVE;
            if bytes > STACK_LIMIT {
                return Err(BackendError::TooLarge(format!(
                    "its calls would need {bytes} bytes of stack"
                )));
            }
            self.layout.stack_bytes = bytes as usize;
        }
        Ok(JitCode {
            layout: self.layout,
            memory,
            kernel,
            task,
            consts: self.consts.into(),
            table,
            tasks,
            zeros: vec![0; object_words].into(),
        })
    }

    fn resolve(&self, name: &Name) -> Result<PatchTarget, BackendError> {
        let libcall = match name {
            Name::User(user) if user.namespace != emit::LIBCALLS => {
                let start = self.starts.get(user).copied();
                let start = start
                    .ok_or_else(|| BackendError::Internal(format!("{user} was not compiled")))?;
                return Ok(PatchTarget::Inside(start));
            }
            Name::User(user) => Libcall::from_number(user.index),
            Name::Lib(call) => Some(*call),
        };
        let address = libcall.and_then(Libcall::address);
        let address = address
            .ok_or_else(|| BackendError::Internal(format!("no function for {libcall:?}")))?;
        Ok(PatchTarget::Address(address))
    }
}

fn patch_kind(kind: Reloc) -> Result<PatchKind, BackendError> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "Cranelift's own table, which grows")]
    match kind {
        Reloc::Abs8 => Ok(PatchKind::Abs8),
        Reloc::X86CallPCRel4 | Reloc::X86PCRel4 => Ok(PatchKind::Rel4),
        Reloc::Arm64Call => Ok(PatchKind::Arm64Call),
        other => Err(BackendError::Internal(format!("relocation {other:?}"))),
    }
}

fn target_name(func: &Function, name: &ExternalName) -> Result<Name, BackendError> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "Cranelift's own table, which grows")]
    match name {
        ExternalName::User(user) => Ok(Name::User(func.params.user_named_funcs()[*user].clone())),
        ExternalName::LibCall(LibCall::FloorF64) => Ok(Name::Lib(Libcall::Pure(Pure::Floor))),
        ExternalName::LibCall(LibCall::CeilF64) => Ok(Name::Lib(Libcall::Pure(Pure::Ceil))),
        ExternalName::LibCall(LibCall::TruncF64) => Ok(Name::Lib(Libcall::Pure(Pure::Trunc))),
        other => Err(BackendError::Internal(format!("a call of {other:?}"))),
    }
}
