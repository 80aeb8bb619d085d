//! One MIR function to CLIF.
//!
//! Takes a function of a verified module, gives a Cranelift function in SSA. Blocks, values and
//! instructions map one to one but for: float constants, which are loaded from the program's constants
//! where they are used, so that they fold into operands; truth values, which stay flags until somebody
//! needs the number; and closure calls and budget ops, which branch. Never touches memory outside
//! what [`crate::code::RawCtx`] points to.

use crate::code::at;
use crate::libcalls::Libcall;
use crate::objects::Fresh;
use attacca_mir::backend::BackendError;
use attacca_mir::module::{BlockId, FuncId, Function, Inst, InstId, Jump, Module, Term, ValueId};
use attacca_mir::op::{Op, Pure, SlowFn, Ty};
use attacca_rt::code::Layout;
use attacca_rt::state::Line;
use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::entity::SecondaryMap;
use cranelift_codegen::entity::packed_option::PackedOption;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{F64, I64};
use cranelift_codegen::ir::{
    self, AbiParam, AliasRegionData, BlockArg, FuncRef, InstBuilder, MemFlagsData, SigRef,
    Signature, Type, Value,
};
use cranelift_codegen::isa::CallConv;
use rustc_hash::FxHashMap;

/// Name space of the module's functions.
pub(crate) const FUNCS: u32 = 0;
/// Name space of [`Libcall`] numbers.
pub(crate) const LIBCALLS: u32 = 1;
/// Name space of the trampolines to precise functions, by [`Libcall`] number.
pub(crate) const SLOW: u32 = 2;
/// Name space of the entry for tasks (0) and the function that does nothing (1).
pub(crate) const ENTRIES: u32 = 3;
/// Name space of functions that call one as a task and forget what it returns.
pub(crate) const TASKS: u32 = 4;

/// What all functions of a program share while they are emitted.
pub(crate) struct Program<'m> {
    pub(crate) module: &'m Module,
    pub(crate) layout: &'m Layout,
    /// The convention of functions in Rust.
    pub(crate) host: CallConv,
    /// Constants of the program, in the order of their addresses.
    pub(crate) consts: Vec<u64>,
    /// Where each constant stands among them.
    pub(crate) places: FxHashMap<u64, usize>,
    /// Where each constant stands twice in a row.
    pub(crate) pairs: FxHashMap<u64, usize>,
    /// Precise functions that are called.
    pub(crate) slow: Vec<SlowFn>,
}

impl Program<'_> {
    /// Index of the first of two equal constants in a row.
    pub(crate) fn pair_const(&mut self, bits: u64) -> usize {
        let next = self.consts.len();
        let index = *self.pairs.entry(bits).or_insert(next);
        if index == next {
            self.consts.extend([bits, bits]);
        }
        index
    }
}

/// Kinds of memory that never overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Region {
    /// Fields of the context that change.
    Ctx,
    /// State words.
    Words,
    /// Write positions of delay lines.
    Positions,
    /// Samples in delay lines.
    Samples,
    /// Objects, and the lists of free ones.
    Heap,
    /// Output channels.
    Outputs,
}

/// The CLIF type of a MIR type.
pub(crate) fn clif_type(ty: Ty) -> Type {
    match ty {
        Ty::F64 => F64,
        Ty::I64 | Ty::Ref => I64,
    }
}

/// The signature of a module's function: the context, then its own parameters.
pub(crate) fn signature(params: &[Ty], rets: &[Ty], conv: CallConv) -> Signature {
    let mut sig = Signature::new(conv);
    sig.params.push(AbiParam::new(I64));
    sig.params.extend(params.iter().map(|ty| AbiParam::new(clif_type(*ty))));
    sig.returns.extend(rets.iter().map(|ty| AbiParam::new(clif_type(*ty))));
    sig
}

/// The CLIF of function `id`.
pub(crate) fn function(
    program: &mut Program<'_>,
    id: FuncId,
) -> Result<ir::Function, BackendError> {
    let module = program.module;
    let mir = &module.funcs[id];
    let conv = if module.kernel == Some(id) { program.host } else { CallConv::Tail };
    let sig = signature(&mir.params(), &mir.rets, conv);
    let name = ir::UserFuncName::user(FUNCS, id.as_u32());
    let mut clif = ir::Function::with_name_signature(name, sig);
    let mut emit = Emit::new(program, mir, &mut clif);
    emit.blocks()?;
    Ok(clif)
}

/// State while one function is emitted.
pub(crate) struct Emit<'a, 'm> {
    pub(crate) program: &'a mut Program<'m>,
    pub(crate) mir: &'m Function,
    pub(crate) cursor: FuncCursor<'a>,
    blocks: SecondaryMap<BlockId, PackedOption<ir::Block>>,
    pub(crate) values: SecondaryMap<ValueId, PackedOption<Value>>,
    /// The same truth as an 8-bit flag, where there is one.
    truths: SecondaryMap<ValueId, PackedOption<Value>>,
    /// Operations without operands that define values: constants.
    consts: SecondaryMap<ValueId, Option<Const>>,
    pub(crate) libcalls: FxHashMap<(u32, u32), FuncRef>,
    pub(crate) sigs: FxHashMap<attacca_mir::module::SigId, SigRef>,
    pub(crate) ctx: Value,
    entry: ir::Block,
    bases: FxHashMap<Base, Value>,
    /// The instruction that makes each value.
    pub(crate) defs: SecondaryMap<ValueId, Option<InstId>>,
    /// Integers that are computed where floats live.
    floats: SecondaryMap<ValueId, bool>,
    /// The same bits as a float, where there is one.
    as_floats: SecondaryMap<ValueId, PackedOption<Value>>,
    /// Where arrays of known length lie that were made here.
    pub(crate) fresh: SecondaryMap<ValueId, Option<Fresh>>,
}

/// A constant value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Const {
    /// A float.
    Float(f64),
    /// An integer, or the offset of an object.
    Int(i64),
}

/// Pointers in the context, read at the head of a function that needs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub(crate) enum Base {
    /// See [`at::WORDS`].
    Words = at::WORDS,
    /// See [`at::LINES`].
    Lines = at::LINES,
    /// See [`at::HEAP`].
    Heap = at::HEAP,
    /// See [`at::CELLS`].
    Cells = at::CELLS,
    /// See [`at::CHANNELS`].
    Channels = at::CHANNELS,
    /// See [`at::CONSTS`].
    Consts = at::CONSTS,
    /// See [`at::TABLE`].
    Table = at::TABLE,
    /// See [`at::ZEROS`].
    Zeros = at::ZEROS,
    /// See [`at::DUMP`].
    Dump = at::DUMP,
    /// See [`at::SOUNDS`].
    Sounds = at::SOUNDS,
}

impl<'a, 'm> Emit<'a, 'm> {
    fn new(program: &'a mut Program<'m>, mir: &'m Function, clif: &'a mut ir::Function) -> Self {
        let order = reverse_postorder(mir);
        let mut blocks: SecondaryMap<BlockId, PackedOption<ir::Block>> = SecondaryMap::new();
        let mut values: SecondaryMap<ValueId, PackedOption<Value>> = SecondaryMap::new();
        let entry = clif.dfg.make_block();
        clif.layout.append_block(entry);
        let ctx = clif.dfg.append_block_param(entry, I64);
        for id in &order {
            let block = if *id == mir.entry { entry } else { clif.dfg.make_block() };
            blocks[*id] = block.into();
            for param in &mir.blocks[*id].params {
                values[*param] =
                    clif.dfg.append_block_param(block, clif_type(mir.values[*param])).into();
            }
            if *id != mir.entry {
                clif.layout.append_block(block);
            }
            let slow = |i: &InstId| matches!(mir.insts[*i].op, Op::Slow(_));
            // The entry must stay first, where the function's prologue is.
            if *id != mir.entry && mir.blocks[*id].insts.iter().any(slow) {
                clif.layout.set_cold(block);
            }
        }
        let mut cursor = FuncCursor::new(clif);
        cursor.goto_bottom(entry);
        Self {
            program,
            mir,
            cursor,
            blocks,
            values,
            truths: SecondaryMap::new(),
            consts: SecondaryMap::new(),
            libcalls: FxHashMap::default(),
            sigs: FxHashMap::default(),
            ctx,
            entry,
            bases: FxHashMap::default(),
            defs: attacca_mir::opt::rewrite::definitions(mir),
            floats: crate::bits::floats(mir),
            as_floats: SecondaryMap::new(),
            fresh: SecondaryMap::new(),
        }
    }

    fn blocks(&mut self) -> Result<(), BackendError> {
        let mir = self.mir;
        for id in reverse_postorder(mir) {
            let Some(block) = self.blocks[id].expand() else { continue };
            self.cursor.goto_bottom(block);
            for inst in &mir.blocks[id].insts {
                self.inst(&mir.insts[*inst])?;
            }
            self.end(&mir.blocks[id].end)?;
        }
        Ok(())
    }

    fn end(&mut self, end: &Term) -> Result<(), BackendError> {
        match end {
            Term::Jump(jump) => {
                let (to, args) = self.target(jump)?;
                self.ins().jump(to, &args);
            }
            Term::Branch { cond, then, other } => {
                let (then, then_args) = self.target(then)?;
                let (other, other_args) = self.target(other)?;
                let cond = self.flag(*cond)?;
                self.ins().brif(cond, then, &then_args, other, &other_args);
            }
            Term::Return(values) => {
                let values =
                    values.iter().map(|v| self.value(*v)).collect::<Result<Vec<_>, _>>()?;
                self.ins().return_(&values);
            }
            Term::Open => return Err(BackendError::Internal("a block has no end".into())),
        }
        Ok(())
    }

    fn target(&mut self, jump: &Jump) -> Result<(ir::Block, Vec<BlockArg>), BackendError> {
        let args = jump
            .args
            .iter()
            .map(|v| self.value(*v).map(BlockArg::Value))
            .collect::<Result<_, _>>()?;
        let block = self.blocks[jump.to].expand();
        Ok((block.ok_or_else(|| BackendError::Internal("a jump to no block".into()))?, args))
    }

    // ---- values ----

    /// Inserts an instruction here.
    pub(crate) fn ins(&mut self) -> ir::InsertBuilder<'_, &mut FuncCursor<'a>> {
        self.cursor.ins()
    }

    /// A pointer of the context.
    pub(crate) fn base(&mut self, base: Base) -> Value {
        if let Some(known) = self.bases.get(&base) {
            return *known;
        }
        let here = self.cursor.position();
        self.cursor.goto_first_insertion_point(self.entry);
        let value = self.fixed(I64, self.ctx, base as i32);
        self.cursor.set_position(here);
        self.bases.insert(base, value);
        value
    }

    /// Whether the integer `v` is computed where floats live.
    pub(crate) fn is_float(&self, v: ValueId) -> bool {
        self.floats[v]
    }

    /// The bits of the integer `v` as a float, without a move if it comes from one.
    pub(crate) fn as_float(&mut self, v: ValueId) -> Result<Value, BackendError> {
        if let Some(known) = self.as_floats[v].expand() {
            return Ok(known);
        }
        if let Some(Const::Int(bits)) = self.consts[v] {
            return Ok(self.float_bits(bits.cast_unsigned()));
        }
        let value = self.value(v)?;
        Ok(self.ins().bitcast(F64, MemFlagsData::new(), value))
    }

    /// The value of `v` here. A float constant is loaded anew at each use.
    pub(crate) fn value(&mut self, v: ValueId) -> Result<Value, BackendError> {
        match self.consts[v] {
            Some(Const::Float(x)) => Ok(self.float(x)),
            Some(Const::Int(x)) => Ok(self.ins().iconst(I64, x)),
            None => self.made(v),
        }
    }

    fn made(&mut self, v: ValueId) -> Result<Value, BackendError> {
        if let Some(value) = self.values[v].expand() {
            return Ok(value);
        }
        if let Some(flag) = self.truths[v].expand() {
            return Ok(self.ins().uextend(I64, flag));
        }
        if let Some(float) = self.as_floats[v].expand() {
            return Ok(self.ins().bitcast(I64, MemFlagsData::new(), float));
        }
        Err(BackendError::Internal(format!("{v} is used before it is made")))
    }

    /// What `v` is, if it is constant.
    pub(crate) fn constant(&self, v: ValueId) -> Option<Const> {
        self.consts[v]
    }

    /// The truth of `v` as something to test against 0.
    pub(crate) fn flag(&mut self, v: ValueId) -> Result<Value, BackendError> {
        match self.truths[v].expand() {
            Some(flag) => Ok(flag),
            None => self.value(v),
        }
    }

    /// The comparison of floats that `v` is, with its operands.
    pub(crate) fn compared(&self, v: ValueId) -> Option<(Pure, [ValueId; 2])> {
        let inst = &self.mir.insts[self.defs[v]?];
        match (&inst.op, &inst.args[..]) {
            (Op::Pure(op @ (Pure::Flt | Pure::Fgt)), [a, b]) => Some((*op, [*a, *b])),
            _ => None,
        }
    }

    /// The 8-bit flag of `v`, if it came from a comparison.
    pub(crate) fn known_flag(&self, v: ValueId) -> Option<Value> {
        self.truths[v].expand()
    }

    /// A float constant, from the program's constants.
    pub(crate) fn float(&mut self, x: f64) -> Value {
        self.float_bits(x.to_bits())
    }

    /// A float constant by its bits.
    pub(crate) fn float_bits(&mut self, bits: u64) -> Value {
        if bits == 0 {
            return self.ins().f64const(0.0);
        }
        let next = self.program.consts.len();
        let index = *self.program.places.entry(bits).or_insert(next);
        if index == next {
            self.program.consts.push(bits);
        }
        let flags = MemFlagsData::trusted().with_readonly();
        let base = self.base(Base::Consts);
        self.ins().load(F64, flags, base, index as i32 * 8)
    }

    pub(crate) fn set(&mut self, inst: &Inst, value: Value) {
        if let Some(result) = inst.results.first() {
            self.values[*result] = value.into();
        }
    }

    pub(crate) fn set_flag(&mut self, inst: &Inst, flag: Value) {
        if let Some(result) = inst.results.first() {
            self.truths[*result] = flag.into();
        }
    }

    fn set_float(&mut self, inst: &Inst, float: Value) {
        if let Some(result) = inst.results.first() {
            self.as_floats[*result] = float.into();
        }
    }

    fn set_const(&mut self, inst: &Inst, value: Const) {
        if let Some(result) = inst.results.first() {
            self.consts[*result] = Some(value);
        }
    }

    pub(crate) fn args(&mut self, inst: &Inst) -> Result<Vec<Value>, BackendError> {
        inst.args.iter().map(|v| self.value(*v)).collect()
    }

    // ---- instructions ----

    fn inst(&mut self, inst: &Inst) -> Result<(), BackendError> {
        match &inst.op {
            Op::Fconst(bits) => self.set_const(inst, Const::Float(f64::from_bits(*bits))),
            Op::Iconst(x) => self.set_const(inst, Const::Int(*x)),
            Op::Rconst(x) => self.set_const(inst, Const::Int(i64::from(*x))),
            Op::FuncAddr(func) => self.set_const(inst, Const::Int(i64::from(func.as_u32()))),
            Op::SampleRate => self.set_const(inst, Const::Float(self.program.module.rate)),
            Op::Pure(op) => match crate::ops::pure(self, *op, &inst.args, inst.results[0])? {
                crate::ops::Made::Value(value) => self.set(inst, value),
                crate::ops::Made::Flag(flag) => self.set_flag(inst, flag),
                crate::ops::Made::Bits(float) => self.set_float(inst, float),
            },
            Op::Slow(slow) => self.slow(inst, *slow)?,
            Op::Pair(op) => self.pair(*op, inst)?,
            Op::Load(ty, offset) => {
                let (base, offset) = self.word(inst.args[0], *offset)?;
                let value = self.read(clif_type(*ty), Region::Words, base, offset);
                self.set(inst, value);
            }
            Op::Store(_, offset) => {
                let (base, offset) = self.word(inst.args[0], *offset)?;
                let value = self.value(inst.args[1])?;
                self.write(Region::Words, value, base, offset);
            }
            Op::LinePos(offset) => {
                let (header, at) = self.line(inst.args[0], *offset)?;
                let value = self.read(I64, Region::Positions, header, at + Line::POS as i32);
                self.set(inst, value);
            }
            Op::LineSetPos(offset) => {
                let (header, at) = self.line(inst.args[0], *offset)?;
                let value = self.value(inst.args[1])?;
                self.write(Region::Positions, value, header, at + Line::POS as i32);
            }
            Op::LineLoad { offset, len } => {
                let place = self.sample(inst.args[0], inst.args[1], *offset, *len)?;
                let value = self.read(F64, Region::Samples, place, 0);
                self.set(inst, value);
            }
            Op::LineStore { offset, len } => {
                let place = self.sample(inst.args[0], inst.args[1], *offset, *len)?;
                let value = self.value(inst.args[2])?;
                self.write(Region::Samples, value, place, 0);
            }
            Op::Block { offset, .. } => {
                let base = self.value(inst.args[0])?;
                let value = self.add(base, i64::from(*offset));
                self.set(inst, value);
            }
            Op::Alloc(shape) => self.alloc(inst, *shape)?,
            Op::HeapLoad { field, ty, .. } => self.heap_load(inst, *field, *ty)?,
            Op::HeapStore { field, .. } => self.heap_store(inst, *field)?,
            Op::NewArray(shape) => self.new_array(inst, *shape)?,
            Op::ArrayLen => self.array_len(inst)?,
            Op::ArrayLoad { shape, field, ty } => self.array_load(inst, *shape, *field, *ty)?,
            Op::ArrayStore { shape, field, .. } => self.array_store(inst, *shape, *field)?,
            Op::ArrayCopy(_) => self.array_copy(inst)?,
            Op::Schedule(site) => self.tell(inst, Libcall::Schedule, &[*site])?,
            Op::Limit => {
                let value = self.read(I64, Region::Ctx, self.ctx, at::LIMIT);
                self.set(inst, value);
            }
            Op::Print { newline } => self.tell(inst, Libcall::Print, &[u32::from(*newline)])?,
            Op::Tap(tap) => self.tell(inst, Libcall::Tap, &[*tap])?,
            Op::SampleLen(sample) => self.tell(inst, Libcall::SampleLen, &[*sample])?,
            Op::SampleRead { sample, channel } => self.sample_read(inst, *sample, *channel)?,
            Op::Retain => self.retain(inst)?,
            Op::Release => self.release(inst)?,
            Op::Call(func) => self.call(inst, *func)?,
            Op::CallClosure(sig) => self.call_closure(inst, *sig)?,
            Op::Now => {
                let now = self.read(I64, Region::Ctx, self.ctx, at::NOW);
                let value = self.ins().fcvt_from_sint(F64, now);
                self.set(inst, value);
            }
            Op::SetNow => {
                let now = self.value(inst.args[0])?;
                self.write(Region::Ctx, now, self.ctx, at::NOW);
            }
            Op::FirstNow => {
                let value = self.fixed(I64, self.ctx, at::FIRST_NOW);
                self.set(inst, value);
            }
            Op::Cell(cell) => {
                let cells = self.base(Base::Cells);
                let value = self.fixed(F64, cells, *cell as i32 * 8);
                self.set(inst, value);
            }
            Op::Input(channel) => {
                let place = self.frame(*channel, inst.args[0])?;
                let flags = MemFlagsData::trusted().with_readonly();
                let value = self.ins().load(F64, flags, place, 0);
                self.set(inst, value);
            }
            Op::Output(channel) => {
                let place = self.frame(self.program.module.inputs + *channel, inst.args[0])?;
                let value = self.value(inst.args[1])?;
                self.write(Region::Outputs, value, place, 0);
            }
            Op::BudgetReset => self.budget_reset(inst),
            Op::BudgetEnter(site) => self.budget_enter(inst, *site),
            Op::BudgetLeave => {
                let depth = self.read(I64, Region::Ctx, self.ctx, at::DEPTH);
                let depth = self.add(depth, 1);
                self.write(Region::Ctx, depth, self.ctx, at::DEPTH);
            }
            Op::Faulted => {
                let fault = self.read(I64, Region::Ctx, self.ctx, at::FAULT);
                let flag = self.compare(IntCC::NotEqual, fault, 0);
                self.set_flag(inst, flag);
            }
        }
        Ok(())
    }

    // ---- memory ----

    fn flags(&mut self, region: Region) -> MemFlagsData {
        let data =
            AliasRegionData { user_id: region as u32, description: format!("{region:?}").into() };
        let region = self.cursor.func.dfg.alias_regions.insert(data);
        MemFlagsData::trusted().with_alias_region(Some(region))
    }

    pub(crate) fn read(&mut self, ty: Type, region: Region, base: Value, offset: i32) -> Value {
        let flags = self.flags(region);
        self.ins().load(ty, flags, base, offset)
    }

    pub(crate) fn write(&mut self, region: Region, value: Value, base: Value, offset: i32) {
        let flags = self.flags(region);
        self.ins().store(flags, value, base, offset);
    }

    /// Reads what never changes during a call.
    pub(crate) fn fixed(&mut self, ty: Type, base: Value, offset: i32) -> Value {
        let flags = MemFlagsData::trusted().with_readonly().with_can_move();
        self.ins().load(ty, flags, base, offset)
    }

    /// A sum with a constant.
    pub(crate) fn add(&mut self, value: Value, more: i64) -> Value {
        if more == 0 {
            return value;
        }
        let more = self.ins().iconst(I64, more);
        self.ins().iadd(value, more)
    }

    pub(crate) fn compare(&mut self, code: IntCC, value: Value, with: i64) -> Value {
        let with = self.ins().iconst(I64, with);
        self.ins().icmp(code, value, with)
    }

    /// `base + 8 * index`, in the form that addresses fold.
    pub(crate) fn index(&mut self, base: Value, index: Value) -> Value {
        let three = self.ins().iconst(I64, 3);
        let bytes = self.ins().ishl(index, three);
        self.ins().iadd(base, bytes)
    }

    /// Address and byte offset of state word `base + offset`.
    fn word(&mut self, base: ValueId, offset: u32) -> Result<(Value, i32), BackendError> {
        match self.consts[base] {
            Some(Const::Int(base)) => {
                Ok((self.base(Base::Words), bytes(base + i64::from(offset))?))
            }
            Some(Const::Float(_)) | None => {
                let base = self.value(base)?;
                Ok((
                    {
                        let words = self.base(Base::Words);
                        self.index(words, base)
                    },
                    bytes(i64::from(offset))?,
                ))
            }
        }
    }

    /// Address and byte offset of the header of the line at word `base + offset`.
    fn line(&mut self, base: ValueId, offset: u32) -> Result<(Value, i32), BackendError> {
        if let Some(Const::Int(base)) = self.consts[base] {
            let word = base + i64::from(offset);
            let line =
                self.program.layout.lines.iter().position(|line| i64::from(line.word) == word);
            let line = line
                .ok_or_else(|| BackendError::Internal(format!("no delay line at word {word}")))?;
            return Ok((self.base(Base::Lines), line as i32 * Line::SIZE as i32));
        }
        let (word, at) = self.word(base, offset)?;
        let number = self.fixed(I64, word, at);
        let size = self.ins().iconst(I64, Line::SIZE as i64);
        let at = self.ins().imul(number, size);
        let lines = self.base(Base::Lines);
        Ok((self.ins().iadd(lines, at), 0))
    }

    /// Address of sample `index` of a line.
    fn sample(
        &mut self,
        base: ValueId,
        index: ValueId,
        offset: u32,
        len: u32,
    ) -> Result<Value, BackendError> {
        let (header, at) = self.line(base, offset)?;
        let samples = self.fixed(I64, header, at + Line::SAMPLES as i32);
        let index = self.value(index)?;
        let mask = self.ins().iconst(I64, i64::from(len.max(1).next_power_of_two()) - 1);
        let index = self.ins().band(index, mask);
        Ok(self.index(samples, index))
    }

    /// Address of a frame of a channel; outputs come after the inputs.
    fn frame(&mut self, channel: u32, frame: ValueId) -> Result<Value, BackendError> {
        let channels = self.base(Base::Channels);
        let channel = self.fixed(I64, channels, channel as i32 * 8);
        let frame = self.value(frame)?;
        Ok(self.index(channel, frame))
    }
}

/// Byte offset of a word, as far as an instruction reaches.
pub(crate) fn bytes(word: i64) -> Result<i32, BackendError> {
    word.checked_mul(8)
        .and_then(|at| i32::try_from(at).ok())
        .ok_or_else(|| BackendError::TooLarge(format!("state word {word} is out of reach")))
}

/// Reachable blocks, each before what it dominates.
fn reverse_postorder(func: &Function) -> Vec<BlockId> {
    let mut seen: SecondaryMap<BlockId, bool> = SecondaryMap::new();
    let mut order = Vec::new();
    let mut stack = vec![(func.entry, 0)];
    seen[func.entry] = true;
    while let Some((block, nth)) = stack.pop() {
        match func.blocks[block].end.jumps().nth(nth).map(|jump| jump.to) {
            Some(to) => {
                stack.push((block, nth + 1));
                if !std::mem::replace(&mut seen[to], true) {
                    stack.push((to, 0));
                }
            }
            None => order.push(block),
        }
    }
    order.reverse();
    order
}
