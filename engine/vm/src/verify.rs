//! Every rule that bytecode obeys before it may run. The interpreter relies on all of them.
//!
//! 1. The version is [`VERSION`].
//! 2. The code of a function lies within the ops. It is a row of whole ops with known numbers, each with
//!    its second word and its list; the last one is a jump or a return.
//! 3. Registers are below the size of the frame; so are parameters and the registers of `consts`.
//!    A frame has at most 65536 registers.
//! 4. Jumps go to the start of an op of the same function.
//! 5. `consts` names constants that exist.
//! 6. A call names a function that is compiled, with as many arguments and results as that takes and
//!    gives. A closure call passes the closure at least. A return gives what its function says.
//! 7. Extensions have names that this version knows, and are called with as many operands as they take.
//! 8. The kernel is compiled, takes one parameter and gives one result; a closure function takes one
//!    parameter at least.
//!
//! What registers hold is not known here; the interpreter checks it.

use crate::code::{Bytecode, FuncCode, Instr, Opcode, Role, VERSION, length, split};
use attacca_mir::math::SlowFn;
use attacca_mir::op::Pure;

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyError {
    /// Index of the op, if it is one.
    pub at: Option<usize>,
    /// What is wrong.
    pub message: String,
}

impl std::fmt::Display for VerifyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.at {
            Some(at) => write!(f, "bytecode at {at}: {}", self.message),
            None => write!(f, "bytecode: {}", self.message),
        }
    }
}

impl std::error::Error for VerifyError {}

/// A function called by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extension {
    /// A pure op.
    Pure(Pure),
    /// A precise elementary function.
    Slow(SlowFn),
}

impl Extension {
    fn named(name: &str) -> Option<Self> {
        let pure = Pure::ALL.iter().find(|pure| pure.name() == name).map(|pure| Self::Pure(*pure));
        let slow =
            || SlowFn::ALL.iter().find(|slow| slow.name() == name).map(|slow| Self::Slow(*slow));
        pure.or_else(slow)
    }

    fn arity(self) -> usize {
        match self {
            Self::Pure(pure) => pure.params().len(),
            Self::Slow(slow) => slow.arity(),
        }
    }
}

/// Bytecode that obeys every rule above. Made by [`verify`] alone, never changed.
#[derive(Clone, Debug)]
pub struct Program {
    pub(crate) ops: Box<[Instr]>,
    pub(crate) consts: Box<[u64]>,
    pub(crate) funcs: Box<[FuncCode]>,
    pub(crate) ext: Box<[Extension]>,
    pub(crate) kernel: Option<u32>,
}

impl Program {
    /// Site of the function that an op belongs to.
    pub(crate) fn site_at(&self, pc: usize) -> u32 {
        let inside =
            |f: &&FuncCode| (f.entry as usize..f.entry as usize + f.len as usize).contains(&pc);
        self.funcs.iter().find(inside).map_or(0, |func| func.site)
    }
}

/// Checks bytecode and makes it ready to run.
pub fn verify(code: Bytecode) -> Result<Program, VerifyError> {
    if code.version != VERSION {
        return Err(error(
            None,
            format!("made for version {}, this is version {VERSION}", code.version),
        ));
    }
    let mut ext = Vec::new();
    for name in &code.ext {
        let found = Extension::named(name);
        ext.push(found.ok_or_else(|| error(None, format!("there is no function named {name}")))?);
    }
    for func in &code.funcs {
        Check { code: &code, ext: &ext, func }.function()?;
    }
    if let Some(kernel) = code.kernel {
        let func =
            code.funcs.get(kernel as usize).filter(|f| f.len > 0 && (f.params, f.rets) == (1, 1));
        func.ok_or_else(|| error(None, "the kernel is not one"))?;
    }
    Ok(Program {
        ops: code.ops.into(),
        consts: code.consts.into(),
        funcs: code.funcs.into(),
        ext: ext.into(),
        kernel: code.kernel,
    })
}

fn error(at: Option<usize>, message: impl Into<String>) -> VerifyError {
    VerifyError { at, message: message.into() }
}

struct Check<'c> {
    code: &'c Bytecode,
    ext: &'c [Extension],
    func: &'c FuncCode,
}

impl Check<'_> {
    fn function(&self) -> Result<(), VerifyError> {
        let func = self.func;
        if func.len == 0 {
            return Ok(());
        }
        let start = func.entry as usize;
        let ops = self.code.ops.get(start..start + func.len as usize);
        let ops = ops
            .ok_or_else(|| error(Some(start), format!("the code of `{}` is cut off", func.name)))?;
        if func.frame > 1 << 16
            || u32::from(func.params) > func.frame
            || func.closure && func.params == 0
        {
            return Err(error(Some(start), format!("the frame of `{}` makes no sense", func.name)));
        }
        let mut starts = vec![false; ops.len()];
        let mut targets = Vec::new();
        let mut last = None;
        let mut at = 0;
        while at < ops.len() {
            let here = start + at;
            let (op, operands, list) = split(&ops[at..])
                .ok_or_else(|| error(Some(here), "no op starts here, or it is cut off"))?;
            starts[at] = true;
            self.op(here, op, &operands, &list, &mut targets)?;
            at += length(op, &list);
            last = Some(op);
        }
        if !last.is_some_and(Opcode::ends) {
            return Err(error(Some(start + ops.len() - 1), "code goes on behind its last op"));
        }
        for (from, target) in targets {
            let inside = (target as usize).checked_sub(start).and_then(|at| starts.get(at));
            if inside != Some(&true) {
                return Err(error(Some(from), format!("jumps to {target}, where no op starts")));
            }
        }
        Ok(())
    }

    fn op(
        &self,
        at: usize,
        op: Opcode,
        operands: &[u16],
        list: &[u16],
        targets: &mut Vec<(usize, u32)>,
    ) -> Result<(), VerifyError> {
        for (place, (role, value)) in op.roles().zip(operands).enumerate() {
            match role {
                Role::Dst | Role::Src => self.register(at, *value)?,
                Role::Target => {
                    targets.push((at, u32::from(*value) | u32::from(operands[place + 1]) << 16))
                }
                Role::Ext => self.extension(at, op, *value)?,
                Role::Imm | Role::Wide | Role::High | Role::Unused => {}
            }
        }
        list.iter().try_for_each(|register| self.register(at, *register))?;
        self.special(at, op, operands)
    }

    fn register(&self, at: usize, register: u16) -> Result<(), VerifyError> {
        if u32::from(register) < self.func.frame {
            Ok(())
        } else {
            Err(error(Some(at), format!("register {register} of a frame of {}", self.func.frame)))
        }
    }

    fn extension(&self, at: usize, op: Opcode, number: u16) -> Result<(), VerifyError> {
        let operands = op.roles().filter(|role| *role == Role::Src).count();
        match self.ext.get(usize::from(number)) {
            Some(ext) if ext.arity() == operands => Ok(()),
            Some(_) => Err(error(
                Some(at),
                format!("function {number} takes other than {operands} operands"),
            )),
            None => Err(error(Some(at), format!("there is no function {number}"))),
        }
    }

    /// Rules of single ops.
    fn special(&self, at: usize, op: Opcode, operands: &[u16]) -> Result<(), VerifyError> {
        if op == Opcode::Consts {
            let (first, count) = (u32::from(operands[0]), u32::from(operands[1]));
            let from = u64::from(operands[3]) | u64::from(operands[4]) << 16;
            if first + count > self.func.frame
                || from + u64::from(count) > self.code.consts.len() as u64
            {
                return Err(error(Some(at), "constants out of range"));
            }
        } else if op == Opcode::Call {
            let callee = self.code.funcs.get(usize::from(operands[0])).filter(|f| f.len > 0);
            let callee =
                callee.ok_or_else(|| error(Some(at), "calls a function that is not there"))?;
            if (callee.params, callee.rets) != (operands[1], operands[2]) {
                return Err(error(
                    Some(at),
                    format!("calls `{}` with a wrong number of values", callee.name),
                ));
            }
        } else if op == Opcode::CallClosure && operands[1] == 0 {
            return Err(error(Some(at), "calls a closure without passing it"));
        } else if op == Opcode::Return && operands[0] != self.func.rets {
            return Err(error(
                Some(at),
                format!("returns {} of {} values", operands[0], self.func.rets),
            ));
        }
        Ok(())
    }
}
