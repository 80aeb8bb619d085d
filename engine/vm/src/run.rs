//! The interpreter: runs verified bytecode over one instance.
//!
//! Takes a [`Program`] (checked by `verify`, so that registers, constants, targets and lists are in
//! range) and an [`Env`]. Frames of called functions lie in scratch, never on the native stack. Does
//! not allocate, panic or recurse; what a register holds is never trusted: state words, lines, heap,
//! channels and closures are checked where they are used, and what lies outside reads as 0.
#![expect(
    unsafe_code,
    reason = "registers and code are read without bounds checks; the verifier made them"
)]

use crate::code::{Instr, Opcode};
use crate::env::{Env, cos, delay_back, extension, log, pow, push, sin, tan, tanh};
use crate::verify::Program;
use attacca_mir::math::{Scalar, rem_const, scalar as math};
use attacca_rt::ctx::FaultKind;
use attacca_rt::heap::HeapRef;

/// Words before the registers of a frame: where the caller goes on, and where its registers are.
pub(crate) const HEADER: usize = 2;

/// Where the first frame returns to.
const OUTSIDE: u64 = u64::MAX;

/// The registers of a frame.
#[derive(Clone, Copy)]
struct Regs(*mut u64);

impl Regs {
    #[inline(always)]
    fn get(self, register: u16) -> u64 {
        // SAFETY: made only by `frame_at`, for a frame that lies in scratch; verified code names no
        // register outside its frame.
        unsafe { *self.0.add(usize::from(register)) }
    }

    #[inline(always)]
    fn set(self, register: u16, value: u64) {
        // SAFETY: as in `get`; scratch is borrowed alone while the interpreter runs.
        unsafe { *self.0.add(usize::from(register)) = value };
    }

    #[inline(always)]
    fn float(self, register: u16) -> f64 {
        f64::from_bits(self.get(register))
    }

    #[inline(always)]
    fn set_float(self, register: u16, value: f64) {
        self.set(register, value.to_bits());
    }

    #[inline(always)]
    fn int(self, register: u16) -> i64 {
        self.get(register) as i64
    }

    #[inline(always)]
    fn set_truth(self, register: u16, value: bool) {
        self.set(register, u64::from(value));
    }
}

/// The code of a program.
#[derive(Clone, Copy)]
struct Ops(*const Instr);

impl Ops {
    #[inline(always)]
    fn at(self, pc: usize) -> Instr {
        // SAFETY: `pc` starts at a verified entry, moves by the length of verified ops and to verified
        // targets, and no function's last op goes on behind itself.
        unsafe { *self.0.add(pc) }
    }

    /// Halfword `index` of the words from `pc` on.
    #[inline(always)]
    fn half(self, pc: usize, index: usize) -> u16 {
        // SAFETY: a word is four u16 in a row, without padding; the verifier saw that the list is as
        // long as its op says.
        unsafe { *self.0.add(pc).cast::<u16>().add(index) }
    }
}

#[inline(always)]
fn opcode(number: u16) -> Opcode {
    // SAFETY: `pc` is always at the start of an op, and the verifier saw that its number is that of an
    // `Opcode`, which is a `u16`.
    unsafe { std::mem::transmute::<u16, Opcode>(number) }
}

#[inline(always)]
fn wide(low: u16, high: u16) -> u32 {
    u32::from(low) | u32::from(high) << 16
}

/// The frames of one run.
struct Stack {
    scratch: *mut u64,
    len: usize,
    /// Place of the current frame's registers, and how many there are.
    at: usize,
    size: usize,
}

impl Stack {
    fn regs(&self) -> Regs {
        self.frame_at(self.at)
    }

    #[inline(always)]
    fn frame_at(&self, at: usize) -> Regs {
        debug_assert!(at <= self.len);
        // SAFETY: `at` is the place of an open frame, which `push` saw to lie in scratch.
        Regs(unsafe { self.scratch.add(at) })
    }

    /// Opens a frame of `size` registers above the current one; `None` if scratch is full.
    #[inline(always)]
    fn push(&mut self, back: u64, size: usize) -> Option<Regs> {
        let at = self.at + self.size + HEADER;
        if at + size > self.len {
            return None;
        }
        // SAFETY: `at - HEADER ..  at + size` lies in scratch, above every register of open frames.
        unsafe {
            *self.scratch.add(at - 2) = back;
            *self.scratch.add(at - 1) = self.at as u64;
        }
        (self.at, self.size) = (at, size);
        Some(self.regs())
    }

    /// Closes the current frame; gives where its caller goes on.
    #[inline(always)]
    fn pop(&mut self) -> u64 {
        // SAFETY: the two words were written when the frame was opened, and are no registers.
        let (back, at) =
            unsafe { (*self.scratch.add(self.at - 2), *self.scratch.add(self.at - 1) as usize) };
        (self.at, self.size) = (at, (self.at - HEADER).saturating_sub(at));
        back
    }

    /// Free words above the current frame.
    fn above(&mut self, count: usize) -> Option<&mut [u64]> {
        let from = self.at + self.size;
        if from + count > self.len {
            return None;
        }
        // SAFETY: in scratch, above every open frame, and borrowed from `self` alone.
        Some(unsafe { std::slice::from_raw_parts_mut(self.scratch.add(from), count) })
    }
}

/// Calls function number `func` with `args`; gives its first result, 0 if there is none or if the
/// arguments are not as many as it takes. The caller holds the flush-to-zero guard.
pub(crate) fn run(program: &Program, func: usize, args: &[u64], env: &mut Env<'_, '_>) -> u64 {
    let Some(entry) = program.funcs.get(func) else { return 0 };
    if entry.len == 0 || usize::from(entry.params) != args.len() {
        return 0;
    }
    let mut stack =
        Stack { scratch: env.scratch.as_mut_ptr(), len: env.scratch.len(), at: 0, size: 0 };
    let Some(regs) = stack.push(OUTSIDE, entry.frame as usize) else {
        env.stop(FaultKind::Recursion, entry.site);
        return 0;
    };
    for (register, word) in (0u16..).zip(args) {
        regs.set(register, *word);
    }
    interpret(program, entry.entry as usize, &mut stack, env)
}

fn interpret(program: &Program, entry: usize, stack: &mut Stack, env: &mut Env<'_, '_>) -> u64 {
    let ops = Ops(program.ops.as_ptr());
    let mut regs = stack.regs();
    let mut pc = entry;
    loop {
        let i = ops.at(pc);
        // The operands of the second word, for ops that have one.
        macro_rules! x {
            () => {
                ops.at(pc + 1)
            };
        }
        macro_rules! float1 {
            ($f:expr) => {{
                regs.set_float(i.a, $f(regs.float(i.b)));
                pc += 1;
            }};
        }
        macro_rules! float2 {
            ($f:expr) => {{
                regs.set_float(i.a, $f(regs.float(i.b), regs.float(i.c)));
                pc += 1;
            }};
        }
        macro_rules! int2 {
            ($f:expr) => {{
                regs.set(i.a, $f(regs.int(i.b), regs.int(i.c)) as u64);
                pc += 1;
            }};
        }
        macro_rules! truth {
            ($get:ident, $op:tt) => {{
                regs.set_truth(i.a, regs.$get(i.b) $op regs.$get(i.c));
                pc += 1;
            }};
        }
        macro_rules! jump_when {
            ($holds:expr) => {{
                let x = x!();
                pc = if $holds { wide(x.code, x.a) as usize } else { pc + 2 };
            }};
        }
        macro_rules! select {
            ($holds:expr) => {{
                let x = x!();
                let (yes, no) = (regs.get(x.code), regs.get(x.a));
                regs.set(i.a, if $holds { yes } else { no });
                pc += 2;
            }};
        }
        macro_rules! step {
            (add, $t:expr, $x:expr) => {
                $t + $x
            };
            (sub, $t:expr, $x:expr) => {
                $t - $x
            };
            (rsub, $t:expr, $x:expr) => {
                $x - $t
            };
            (mul, $t:expr, $x:expr) => {
                $t * $x
            };
        }
        macro_rules! fused2 {
            ($f:ident, $s:ident) => {{
                let t = step!($f, regs.float(i.b), regs.float(i.c));
                regs.set_float(i.a, step!($s, t, regs.float(x!().code)));
                pc += 2;
            }};
        }
        macro_rules! fused3 {
            ($f:ident, $s:ident, $l:ident) => {{
                let x = x!();
                let t = step!($f, regs.float(i.b), regs.float(i.c));
                let t = step!($s, t, regs.float(x.code));
                regs.set_float(i.a, step!($l, t, regs.float(x.a)));
                pc += 2;
            }};
        }
        macro_rules! tree3 {
            ($f:ident, $s:ident, $j:ident) => {{
                let x = x!();
                let left = step!($f, regs.float(i.b), regs.float(i.c));
                let right = step!($s, regs.float(x.code), regs.float(x.a));
                regs.set_float(i.a, step!($j, left, right));
                pc += 2;
            }};
        }
        match opcode(i.code) {
            Opcode::Mov => {
                regs.set(i.a, regs.get(i.b));
                pc += 1;
            }
            Opcode::Mov2 => {
                regs.set(i.a, regs.get(i.b));
                regs.set(i.c, regs.get(x!().code));
                pc += 2;
            }
            Opcode::Mov3 => {
                let x = x!();
                regs.set(i.a, regs.get(i.b));
                regs.set(i.c, regs.get(x.code));
                regs.set(x.a, regs.get(x.b));
                pc += 2;
            }
            Opcode::Moves => {
                let count = usize::from(i.a);
                for at in 0..count {
                    regs.set(ops.half(pc + 1, 2 * at), regs.get(ops.half(pc + 1, 2 * at + 1)));
                }
                pc += 1 + count.div_ceil(2);
            }
            Opcode::Consts => {
                let x = x!();
                let from = wide(x.code, x.a) as usize;
                let consts = program.consts.get(from..from + usize::from(i.b)).unwrap_or_default();
                for (register, word) in (i.a..).zip(consts) {
                    regs.set(register, *word);
                }
                pc += 2;
            }
            Opcode::Jump => pc = wide(i.b, i.c) as usize,
            Opcode::JumpIf => {
                pc = if regs.get(i.a) != 0 { wide(i.b, i.c) as usize } else { pc + 1 }
            }
            Opcode::JumpIfNot => {
                pc = if regs.get(i.a) == 0 { wide(i.b, i.c) as usize } else { pc + 1 }
            }
            Opcode::JumpFlt => jump_when!(regs.float(i.a) < regs.float(i.b)),
            Opcode::JumpFle => jump_when!(regs.float(i.a) <= regs.float(i.b)),
            Opcode::JumpFeq => jump_when!(regs.float(i.a) == regs.float(i.b)),
            Opcode::JumpFne => jump_when!(regs.float(i.a) != regs.float(i.b)),
            Opcode::JumpNotFlt => jump_when!(!holds_flt(regs, i)),
            Opcode::JumpNotFle => jump_when!(!holds_fle(regs, i)),
            Opcode::JumpIlt => jump_when!(regs.int(i.a) < regs.int(i.b)),
            Opcode::JumpIle => jump_when!(regs.int(i.a) <= regs.int(i.b)),
            Opcode::JumpIeq => jump_when!(regs.get(i.a) == regs.get(i.b)),
            Opcode::JumpIne => jump_when!(regs.get(i.a) != regs.get(i.b)),
            Opcode::Return => {
                let values = pc + 1;
                let count = usize::from(i.a);
                let back = stack.pop();
                if back == OUTSIDE {
                    return if count > 0 { regs.get(ops.half(values, 0)) } else { 0 };
                }
                pc = back as usize;
                let call = ops.at(pc);
                let caller = stack.regs();
                let first = usize::from(call.b);
                for at in 0..count {
                    caller.set(ops.half(pc + 1, first + at), regs.get(ops.half(values, at)));
                }
                pc += 1 + (first + count).div_ceil(4);
                regs = caller;
            }
            Opcode::Call => {
                if env.steps == 0 && !env.refill() {
                    return 0;
                }
                env.steps -= 1;
                let callee = usize::from(i.a);
                (pc, regs) = call(program, callee, ops, pc, stack, env);
            }
            Opcode::CallClosure => {
                if env.steps == 0 && !env.refill() {
                    return 0;
                }
                env.steps -= 1;
                let code = env.heap.load(HeapRef(regs.get(i.a) as u32), 0) as usize;
                let fits = regs.get(i.a) != 0
                    && program.funcs.get(code).is_some_and(|f| {
                        f.closure && f.len != 0 && f.params == i.b && f.rets == i.c
                    });
                if fits {
                    (pc, regs) = call(program, code, ops, pc, stack, env);
                } else {
                    pc = skip_call(ops, pc, regs);
                }
            }

            Opcode::Add => float2!(|a, b| a + b),
            Opcode::Sub => float2!(|a, b| a - b),
            Opcode::Mul => float2!(|a, b| a * b),
            Opcode::Div => float2!(|a, b| a / b),
            Opcode::Rem => float2!(math::rem),
            Opcode::Min => float2!(math::min),
            Opcode::Max => float2!(math::max),
            Opcode::Pow => float2!(pow),
            Opcode::Neg => float1!(|a: f64| -a),
            Opcode::Abs => float1!(f64::abs),
            Opcode::Sqrt => float1!(f64::sqrt),
            Opcode::Floor => float1!(math::floor),
            Opcode::Trunc => float1!(math::trunc),
            Opcode::Sin => float1!(sin),
            Opcode::Cos => float1!(cos),
            Opcode::Tan => float1!(tan),
            Opcode::Tanh => float1!(tanh),
            Opcode::Log => float1!(log),
            Opcode::Flt => truth!(float, <),
            Opcode::Fle => truth!(float, <=),
            Opcode::Feq => truth!(float, ==),
            Opcode::Fne => truth!(float, !=),
            Opcode::Iadd => int2!(i64::wrapping_add),
            Opcode::Isub => int2!(i64::wrapping_sub),
            Opcode::Imul => int2!(i64::wrapping_mul),
            Opcode::Iand => int2!(|a: i64, b: i64| a & b),
            Opcode::Ior => int2!(|a: i64, b: i64| a | b),
            Opcode::Ixor => int2!(|a: i64, b: i64| a ^ b),
            Opcode::Ishl => int2!(|a: i64, b: i64| a.wrapping_shl(b as u32)),
            Opcode::Ushr => int2!(|a: i64, b: i64| (a as u64).wrapping_shr(b as u32)),
            Opcode::Sshr => int2!(|a: i64, b: i64| a.wrapping_shr(b as u32)),
            Opcode::Ieq => truth!(get, ==),
            Opcode::Ine => truth!(get, !=),
            Opcode::Ilt => truth!(int, <),
            Opcode::Ile => truth!(int, <=),
            Opcode::Ftoi => {
                regs.set(i.a, regs.float(i.b) as i64 as u64);
                pc += 1;
            }
            Opcode::Itof => {
                regs.set_float(i.a, regs.int(i.b) as f64);
                pc += 1;
            }
            Opcode::IaddImm => {
                regs.set(i.a, regs.get(i.b).wrapping_add(u64::from(i.c)));
                pc += 1;
            }
            Opcode::Select => {
                let no = regs.get(x!().code);
                regs.set(i.a, if regs.get(i.b) != 0 { regs.get(i.c) } else { no });
                pc += 2;
            }
            Opcode::SelectFlt => select!(regs.float(i.b) < regs.float(i.c)),
            Opcode::SelectFle => select!(regs.float(i.b) <= regs.float(i.c)),
            Opcode::SelectFeq => select!(regs.float(i.b) == regs.float(i.c)),
            Opcode::SelectIlt => select!(regs.int(i.b) < regs.int(i.c)),
            Opcode::SelectIeq => select!(regs.get(i.b) == regs.get(i.c)),
            Opcode::Ext1 => {
                regs.set(i.a, extension(program, i.b, &[regs.get(i.c)]));
                pc += 1;
            }
            Opcode::Ext2 => {
                let args = [regs.get(i.c), regs.get(x!().code)];
                regs.set(i.a, extension(program, i.b, &args));
                pc += 2;
            }
            Opcode::Ext3 => {
                let x = x!();
                let args = [regs.get(i.c), regs.get(x.code), regs.get(x.a)];
                regs.set(i.a, extension(program, i.b, &args));
                pc += 2;
            }

            Opcode::Rem1 => float1!(|a| rem_const(&mut Scalar, a, 1.0)),
            Opcode::AddRem1 => float2!(|a: f64, b: f64| rem_const(&mut Scalar, a + b, 1.0)),
            Opcode::RemPow2 => {
                let value = regs.float(i.b);
                let q = math::trunc(value * regs.float(i.c));
                regs.set_float(i.a, value - q * regs.float(x!().code));
                pc += 2;
            }
            Opcode::MulAddRemPow2 => {
                let x = x!();
                let value = regs.float(i.b) * regs.float(i.c) + regs.float(x.code);
                let q = math::trunc(value * regs.float(x.a));
                regs.set_float(i.a, value - q * regs.float(x.b));
                pc += 2;
            }
            Opcode::DelayBack => {
                let x = x!();
                regs.set(i.a, delay_back(regs.float(i.b), wide(x.code, x.a)) as u64);
                pc += 2;
            }

            Opcode::Load => {
                regs.set(i.a, env.word(regs.get(i.b), i.c));
                pc += 1;
            }
            Opcode::Store => {
                env.set_word(regs.get(i.a), i.b, regs.get(i.c));
                pc += 1;
            }
            Opcode::LinePos => {
                let pos = env.line(regs.get(i.b), i.c).map_or(0, |line| line.pos());
                regs.set(i.a, pos as u64);
                pc += 1;
            }
            Opcode::LineSetPos => {
                let pos = regs.int(i.c);
                if let Some(line) = env.line(regs.get(i.a), i.b) {
                    line.set_pos(pos);
                }
                pc += 1;
            }
            Opcode::LineLoad => {
                let index = regs.int(x!().code);
                let sample = env.line(regs.get(i.b), i.c).map_or(0.0, |line| line.load(index));
                regs.set_float(i.a, sample);
                pc += 2;
            }
            Opcode::LineStore => {
                let (index, value) = (regs.int(i.c), regs.float(x!().code));
                if let Some(line) = env.line(regs.get(i.a), i.b) {
                    line.store(index, value);
                }
                pc += 2;
            }
            Opcode::LineLoadSub => {
                let x = x!();
                let index = regs.int(x.code).wrapping_sub(regs.int(x.a));
                let sample = env.line(regs.get(i.b), i.c).map_or(0.0, |line| line.load(index));
                regs.set_float(i.a, sample);
                pc += 2;
            }
            Opcode::LineBack => {
                let back = regs.int(x!().code);
                let sample = env
                    .line(regs.get(i.b), i.c)
                    .map_or(0.0, |line| line.load(line.pos().wrapping_sub(back)));
                regs.set_float(i.a, sample);
                pc += 2;
            }
            Opcode::DelayAt => {
                let x = x!();
                let (at, back, value) = (regs.int(x.code), regs.int(x.a), regs.float(x.b));
                let sample = env.line(regs.get(i.b), i.c).map_or(0.0, |line| {
                    let sample = line.load(at.wrapping_sub(back));
                    line.store(at, value);
                    sample
                });
                regs.set_float(i.a, sample);
                pc += 2;
            }
            Opcode::DelayAtSum => {
                let x = x!();
                let at = regs.int(x.code).wrapping_add(regs.int(x.a));
                let (back, value) = (regs.int(x.b), regs.float(x.c));
                let sample = env.line(regs.get(i.b), i.c).map_or(0.0, |line| {
                    let sample = line.load(at.wrapping_sub(back));
                    line.store(at, value);
                    sample
                });
                regs.set_float(i.a, sample);
                pc += 2;
            }
            Opcode::LinePush => {
                let value = regs.float(i.c);
                if let Some(line) = env.line(regs.get(i.a), i.b) {
                    push(line, value);
                }
                pc += 1;
            }
            Opcode::Delay => {
                let x = x!();
                let (back, value) = (regs.int(x.code), regs.float(x.a));
                let sample = env.line(regs.get(i.b), i.c).map_or(0.0, |line| {
                    let sample = line.load(line.pos().wrapping_sub(back));
                    push(line, value);
                    sample
                });
                regs.set_float(i.a, sample);
                pc += 2;
            }

            Opcode::Alloc => {
                let count = usize::from(i.c);
                let object = alloc(env, stack, i, regs, |at| ops.half(pc + 1, at));
                let object = object.unwrap_or_else(|| {
                    env.stop(FaultKind::Heap, program.site_at(pc));
                    HeapRef::NULL
                });
                regs.set(i.a, u64::from(object.0));
                pc += 1 + count.div_ceil(4);
            }
            Opcode::HeapLoad => {
                regs.set(i.a, env.heap.load(HeapRef(regs.get(i.b) as u32), u32::from(i.c)));
                pc += 1;
            }
            Opcode::HeapStore => {
                let value = regs.get(i.c);
                env.heap.store(HeapRef(regs.get(i.a) as u32), u32::from(i.b), value);
                pc += 1;
            }
            Opcode::Retain => {
                env.heap.retain(HeapRef(regs.get(i.a) as u32));
                pc += 1;
            }
            Opcode::Release => {
                env.heap.release(HeapRef(regs.get(i.a) as u32));
                pc += 1;
            }
            Opcode::NewArray => {
                env.spend(regs.int(i.c));
                let array = env.heap.new_array(u32::from(i.b), regs.int(i.c));
                let array = array.unwrap_or_else(|| {
                    env.stop(FaultKind::Heap, program.site_at(pc));
                    HeapRef::NULL
                });
                regs.set(i.a, u64::from(array.0));
                pc += 1;
            }
            Opcode::ArrayLen => {
                regs.set(i.a, env.heap.array_len(HeapRef(regs.get(i.b) as u32)));
                pc += 1;
            }
            Opcode::ArrayLoad => {
                let x = x!();
                let (array, index) = (HeapRef(regs.get(i.b) as u32), regs.get(i.c));
                let (stride, field) = (u32::from(x.code), u32::from(x.a));
                regs.set(i.a, env.heap.array_load(array, index, stride, field));
                pc += 2;
            }
            Opcode::ArrayStore => {
                let x = x!();
                let (array, index) = (HeapRef(regs.get(i.a) as u32), regs.get(i.b));
                let (stride, field) = (u32::from(x.code), u32::from(x.a));
                env.heap.array_store(array, index, stride, field, regs.get(i.c));
                pc += 2;
            }
            Opcode::ArrayCopy => {
                let x = x!();
                let to = (HeapRef(regs.get(i.a) as u32), regs.int(i.b));
                let from = (HeapRef(regs.get(i.c) as u32), regs.int(x.code));
                env.spend(regs.int(x.a));
                env.heap.array_copy(to, from, regs.int(x.a));
                pc += 2;
            }
            Opcode::FreshBlock => {
                let block = env.fresh_block(u32::from(i.b));
                regs.set(i.a, block);
                pc += 1;
            }

            Opcode::Schedule => {
                let x = x!();
                env.schedule(regs.float(i.a), regs.get(i.b), wide(x.code, x.a));
                pc += 2;
            }
            Opcode::Limit => {
                regs.set(i.a, env.limit);
                pc += 1;
            }
            Opcode::Print => {
                env.outlets.print(regs.float(i.a), i.b != 0);
                pc += 1;
            }
            Opcode::Tap => {
                env.outlets.tap(u32::from(i.a), regs.float(i.b));
                pc += 1;
            }
            Opcode::SampleLen => {
                regs.set_float(i.a, env.sample_len(i.b));
                pc += 1;
            }
            Opcode::SampleRead => {
                let value = env.sample_read(i.b, x!().code, regs.float(i.c));
                regs.set_float(i.a, value);
                pc += 2;
            }
            Opcode::Now => {
                regs.set_float(i.a, env.now as f64);
                pc += 1;
            }
            Opcode::SetNow => {
                env.now = regs.int(i.a);
                pc += 1;
            }
            Opcode::FirstNow => {
                regs.set(i.a, env.first_now as u64);
                pc += 1;
            }
            Opcode::Cell => {
                regs.set_float(i.a, env.cells.get(usize::from(i.b)).copied().unwrap_or(0.0));
                pc += 1;
            }
            Opcode::Input => {
                let channel = env.inputs.get(usize::from(i.b));
                let sample = channel.and_then(|frames| frames.get(regs.get(i.c) as usize));
                regs.set_float(i.a, sample.copied().unwrap_or(0.0));
                pc += 1;
            }
            Opcode::Output => {
                let channel = env.outputs.get_mut(usize::from(i.a));
                if let Some(sample) =
                    channel.and_then(|frames| frames.get_mut(regs.get(i.b) as usize))
                {
                    *sample = regs.float(i.c);
                }
                pc += 1;
            }
            Opcode::BudgetReset => {
                (env.calls, env.depth) = (0, 0);
                pc += 1;
            }
            Opcode::BudgetEnter => {
                let entered = env.enter(wide(i.b, i.c));
                regs.set_truth(i.a, entered);
                pc += 1;
            }
            Opcode::BudgetLeave => {
                env.depth = env.depth.saturating_sub(1);
                pc += 1;
            }
            Opcode::Faulted => {
                regs.set_truth(i.a, env.fault.is_some());
                pc += 1;
            }

            Opcode::AddAdd => fused2!(add, add),
            Opcode::AddSub => fused2!(add, sub),
            Opcode::AddRsub => fused2!(add, rsub),
            Opcode::AddMul => fused2!(add, mul),
            Opcode::SubAdd => fused2!(sub, add),
            Opcode::SubSub => fused2!(sub, sub),
            Opcode::SubRsub => fused2!(sub, rsub),
            Opcode::SubMul => fused2!(sub, mul),
            Opcode::MulAdd => fused2!(mul, add),
            Opcode::MulSub => fused2!(mul, sub),
            Opcode::MulRsub => fused2!(mul, rsub),
            Opcode::MulMul => fused2!(mul, mul),
            Opcode::AddAddAdd => fused3!(add, add, add),
            Opcode::AddAddSub => fused3!(add, add, sub),
            Opcode::AddAddRsub => fused3!(add, add, rsub),
            Opcode::AddAddMul => fused3!(add, add, mul),
            Opcode::AddSubAdd => fused3!(add, sub, add),
            Opcode::AddSubSub => fused3!(add, sub, sub),
            Opcode::AddSubRsub => fused3!(add, sub, rsub),
            Opcode::AddSubMul => fused3!(add, sub, mul),
            Opcode::AddRsubAdd => fused3!(add, rsub, add),
            Opcode::AddRsubSub => fused3!(add, rsub, sub),
            Opcode::AddRsubRsub => fused3!(add, rsub, rsub),
            Opcode::AddRsubMul => fused3!(add, rsub, mul),
            Opcode::AddMulAdd => fused3!(add, mul, add),
            Opcode::AddMulSub => fused3!(add, mul, sub),
            Opcode::AddMulRsub => fused3!(add, mul, rsub),
            Opcode::AddMulMul => fused3!(add, mul, mul),
            Opcode::SubAddAdd => fused3!(sub, add, add),
            Opcode::SubAddSub => fused3!(sub, add, sub),
            Opcode::SubAddRsub => fused3!(sub, add, rsub),
            Opcode::SubAddMul => fused3!(sub, add, mul),
            Opcode::SubSubAdd => fused3!(sub, sub, add),
            Opcode::SubSubSub => fused3!(sub, sub, sub),
            Opcode::SubSubRsub => fused3!(sub, sub, rsub),
            Opcode::SubSubMul => fused3!(sub, sub, mul),
            Opcode::SubRsubAdd => fused3!(sub, rsub, add),
            Opcode::SubRsubSub => fused3!(sub, rsub, sub),
            Opcode::SubRsubRsub => fused3!(sub, rsub, rsub),
            Opcode::SubRsubMul => fused3!(sub, rsub, mul),
            Opcode::SubMulAdd => fused3!(sub, mul, add),
            Opcode::SubMulSub => fused3!(sub, mul, sub),
            Opcode::SubMulRsub => fused3!(sub, mul, rsub),
            Opcode::SubMulMul => fused3!(sub, mul, mul),
            Opcode::MulAddAdd => fused3!(mul, add, add),
            Opcode::MulAddSub => fused3!(mul, add, sub),
            Opcode::MulAddRsub => fused3!(mul, add, rsub),
            Opcode::MulAddMul => fused3!(mul, add, mul),
            Opcode::MulSubAdd => fused3!(mul, sub, add),
            Opcode::MulSubSub => fused3!(mul, sub, sub),
            Opcode::MulSubRsub => fused3!(mul, sub, rsub),
            Opcode::MulSubMul => fused3!(mul, sub, mul),
            Opcode::MulRsubAdd => fused3!(mul, rsub, add),
            Opcode::MulRsubSub => fused3!(mul, rsub, sub),
            Opcode::MulRsubRsub => fused3!(mul, rsub, rsub),
            Opcode::MulRsubMul => fused3!(mul, rsub, mul),
            Opcode::MulMulAdd => fused3!(mul, mul, add),
            Opcode::MulMulSub => fused3!(mul, mul, sub),
            Opcode::MulMulRsub => fused3!(mul, mul, rsub),
            Opcode::MulMulMul => fused3!(mul, mul, mul),
            Opcode::AddOfAddAdd => tree3!(add, add, add),
            Opcode::SubOfAddAdd => tree3!(add, add, sub),
            Opcode::MulOfAddAdd => tree3!(add, add, mul),
            Opcode::AddOfAddSub => tree3!(add, sub, add),
            Opcode::SubOfAddSub => tree3!(add, sub, sub),
            Opcode::MulOfAddSub => tree3!(add, sub, mul),
            Opcode::AddOfAddMul => tree3!(add, mul, add),
            Opcode::SubOfAddMul => tree3!(add, mul, sub),
            Opcode::MulOfAddMul => tree3!(add, mul, mul),
            Opcode::AddOfSubAdd => tree3!(sub, add, add),
            Opcode::SubOfSubAdd => tree3!(sub, add, sub),
            Opcode::MulOfSubAdd => tree3!(sub, add, mul),
            Opcode::AddOfSubSub => tree3!(sub, sub, add),
            Opcode::SubOfSubSub => tree3!(sub, sub, sub),
            Opcode::MulOfSubSub => tree3!(sub, sub, mul),
            Opcode::AddOfSubMul => tree3!(sub, mul, add),
            Opcode::SubOfSubMul => tree3!(sub, mul, sub),
            Opcode::MulOfSubMul => tree3!(sub, mul, mul),
            Opcode::AddOfMulAdd => tree3!(mul, add, add),
            Opcode::SubOfMulAdd => tree3!(mul, add, sub),
            Opcode::MulOfMulAdd => tree3!(mul, add, mul),
            Opcode::AddOfMulSub => tree3!(mul, sub, add),
            Opcode::SubOfMulSub => tree3!(mul, sub, sub),
            Opcode::MulOfMulSub => tree3!(mul, sub, mul),
            Opcode::AddOfMulMul => tree3!(mul, mul, add),
            Opcode::SubOfMulMul => tree3!(mul, mul, sub),
            Opcode::MulOfMulMul => tree3!(mul, mul, mul),
        }
    }
}

// NaN makes both comparisons false, so "not less" is no "greater or equal".
#[inline(always)]
fn holds_flt(regs: Regs, i: Instr) -> bool {
    regs.float(i.a) < regs.float(i.b)
}

#[inline(always)]
fn holds_fle(regs: Regs, i: Instr) -> bool {
    regs.float(i.a) <= regs.float(i.b)
}

/// Enters a function whose arguments and results the list of the call at `pc` names.
#[inline(always)]
fn call(
    program: &Program,
    callee: usize,
    ops: Ops,
    pc: usize,
    stack: &mut Stack,
    env: &mut Env<'_, '_>,
) -> (usize, Regs) {
    let caller = stack.regs();
    // The verifier saw that the function exists, or `CallClosure` looked.
    let Some(func) = program.funcs.get(callee) else { return (skip_call(ops, pc, caller), caller) };
    let Some(regs) = stack.push(pc as u64, func.frame as usize) else {
        env.stop(FaultKind::Recursion, func.site);
        return (skip_call(ops, pc, caller), caller);
    };
    for at in 0..func.params {
        regs.set(at, caller.get(ops.half(pc + 1, usize::from(at))));
    }
    (func.entry as usize, regs)
}

/// Gives zeros for the results of the call at `pc`, and where code goes on.
#[cold]
fn skip_call(ops: Ops, pc: usize, regs: Regs) -> usize {
    let i = ops.at(pc);
    let (first, count) = (usize::from(i.b), usize::from(i.c));
    for at in first..first + count {
        regs.set(ops.half(pc + 1, at), 0);
    }
    pc + 1 + (first + count).div_ceil(4)
}

#[inline(never)]
fn alloc(
    env: &mut Env<'_, '_>,
    stack: &mut Stack,
    i: Instr,
    regs: Regs,
    list: impl Fn(usize) -> u16,
) -> Option<HeapRef> {
    let fields = stack.above(usize::from(i.c))?;
    for (at, field) in fields.iter_mut().enumerate() {
        *field = regs.get(list(at));
    }
    env.heap.alloc(u32::from(i.b), fields)
}
