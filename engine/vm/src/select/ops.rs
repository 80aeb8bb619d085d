//! Ops that touch the instance: one op of the machine each.

use super::{Purpose, Select};
use crate::code::Opcode;
use crate::lir::Slot;
use attacca_mir::backend::BackendError;
use attacca_mir::module::{FuncId, InstId, ShapeId, SigId};
use attacca_mir::op::{Effect, Op};
use cranelift_entity::EntityRef;

impl Select<'_> {
    /// Emits one instruction, if anything needs it.
    pub(super) fn inst(&mut self, inst: InstId) -> Result<(), BackendError> {
        let data = &self.func.insts[inst];
        let unused = data.results.iter().all(|value| self.uses[*value] == 0);
        if unused && data.op.effect() != Effect::Write {
            return Ok(());
        }
        match &data.op {
            Op::Fconst(_) | Op::Iconst(_) | Op::Rconst(_) | Op::FuncAddr(_) | Op::SampleRate => {}
            Op::Pure(pure) => self.pure_op(inst, *pure),
            Op::Pair(pure) => {
                return Err(BackendError::Unsupported(format!("a pair of {}", pure.name())));
            }
            Op::Slow(which) => self.extension(which.name(), data.results[0], &data.args),
            Op::Load(_, offset) => {
                self.at(Opcode::Load, [self.result(inst), None], data.args[0], *offset, &[])
            }
            Op::Store(_, offset) => self.written(Opcode::Store, inst, *offset),
            Op::LinePos(offset) => {
                self.at(Opcode::LinePos, [self.result(inst), None], data.args[0], *offset, &[]);
            }
            Op::LineSetPos(offset) => self.line_set_pos(inst, *offset),
            Op::LineLoad { offset, .. } => self.line_load(inst, *offset),
            Op::LineStore { offset, .. } => self.line_store(inst, *offset),
            Op::Block { func, offset } => self.block_op(inst, *func, *offset)?,
            Op::Alloc(shape) => self.alloc(inst, *shape)?,
            Op::HeapLoad { field, .. } => {
                self.at(Opcode::HeapLoad, [self.result(inst), None], data.args[0], *field, &[]);
            }
            Op::HeapStore { field, .. } => self.written(Opcode::HeapStore, inst, *field),
            Op::NewArray(shape) => self.numbered(Opcode::NewArray, inst, shape.as_u32())?,
            Op::ArrayLen => self.plain(Opcode::ArrayLen, inst),
            Op::ArrayLoad { shape, field, .. } => {
                self.element(Opcode::ArrayLoad, inst, *shape, *field)?;
            }
            Op::ArrayStore { shape, field, .. } => {
                self.element(Opcode::ArrayStore, inst, *shape, *field)?;
            }
            Op::ArrayCopy(_) => self.plain(Opcode::ArrayCopy, inst),
            Op::Schedule(site) => {
                let (time, closure) = (self.slot(data.args[0]), self.slot(data.args[1]));
                self.emit(Opcode::Schedule, [time, closure, Slot::Unused, Slot::Wide(*site)]);
            }
            Op::Limit => self.plain(Opcode::Limit, inst),
            Op::Print { newline } => {
                let value = self.slot(data.args[0]);
                self.emit(Opcode::Print, [value, Slot::Imm(u16::from(*newline))]);
            }
            Op::Tap(tap) => self.numbered(Opcode::Tap, inst, *tap)?,
            Op::SampleLen(sample) => self.numbered(Opcode::SampleLen, inst, *sample)?,
            Op::SampleRead { sample, channel } => self.sample_read(inst, *sample, *channel)?,
            Op::Retain => self.plain(Opcode::Retain, inst),
            Op::Release => self.plain(Opcode::Release, inst),
            Op::Call(func) => self.call(inst, *func)?,
            Op::CallClosure(sig) => self.call_closure(inst, *sig)?,
            Op::Now => self.plain(Opcode::Now, inst),
            Op::SetNow => self.plain(Opcode::SetNow, inst),
            Op::FirstNow => self.plain(Opcode::FirstNow, inst),
            Op::Cell(number) => self.numbered(Opcode::Cell, inst, *number)?,
            Op::Input(channel) => self.numbered(Opcode::Input, inst, *channel)?,
            Op::Output(channel) => self.numbered(Opcode::Output, inst, *channel)?,
            Op::BudgetReset => self.budget_reset(inst),
            Op::BudgetEnter(site) => {
                let out = Slot::Reg(data.results[0].as_u32());
                self.emit(Opcode::BudgetEnter, [out, Slot::Wide(*site)]);
            }
            Op::BudgetLeave => self.emit(Opcode::BudgetLeave, [Slot::Unused]),
            Op::Faulted => self.plain(Opcode::Faulted, inst),
        }
        Ok(())
    }

    fn result(&self, inst: InstId) -> Option<Slot> {
        self.func.insts[inst].results.first().map(|value| Slot::Reg(value.as_u32()))
    }

    /// Results, then operands.
    fn plain(&mut self, op: Opcode, inst: InstId) {
        let data = &self.func.insts[inst];
        let mut slots: Vec<_> = self.result(inst).into_iter().collect();
        for arg in &data.args {
            slots.push(self.slot(*arg));
        }
        self.emit(op, slots);
    }

    /// An op that writes: base and offset, then the other operands.
    pub(super) fn written(&mut self, op: Opcode, inst: InstId, offset: u32) {
        let data = &self.func.insts[inst];
        let mut rest = Vec::new();
        for arg in &data.args[1..] {
            rest.push(self.slot(*arg));
        }
        self.at(op, [None, None], data.args[0], offset, &rest);
    }

    /// Results, a number (a channel or cell), operands.
    fn numbered(&mut self, op: Opcode, inst: InstId, number: u32) -> Result<(), BackendError> {
        let number = Slot::Imm(small(number as usize, "channels, host values or shapes")?);
        let data = &self.func.insts[inst];
        let mut slots: Vec<_> = self.result(inst).into_iter().chain([number]).collect();
        for arg in &data.args {
            slots.push(self.slot(*arg));
        }
        self.emit(op, slots);
        Ok(())
    }

    /// Results, operands, then the number of fields of an element, and which of them it is.
    fn element(
        &mut self,
        op: Opcode,
        inst: InstId,
        shape: ShapeId,
        field: u32,
    ) -> Result<(), BackendError> {
        let data = &self.func.insts[inst];
        let mut slots: Vec<_> = self.result(inst).into_iter().collect();
        for arg in &data.args {
            slots.push(self.slot(*arg));
        }
        let stride = self.module.shapes[shape].fields.len();
        slots.extend([
            Slot::Imm(small(stride, "fields")?),
            Slot::Imm(small(field as usize, "fields")?),
        ]);
        self.emit(op, slots);
        Ok(())
    }

    fn sample_read(&mut self, inst: InstId, sample: u32, channel: u32) -> Result<(), BackendError> {
        let data = &self.func.insts[inst];
        let sample = Slot::Imm(small(sample as usize, "sound files")?);
        let channel = Slot::Imm(small(channel as usize, "channels")?);
        let (out, position) = (Slot::Reg(data.results[0].as_u32()), self.slot(data.args[0]));
        self.emit(Opcode::SampleRead, [out, sample, position, channel]);
        Ok(())
    }

    /// The op has no result of its own; one that asks for it gets 0.
    fn budget_reset(&mut self, inst: InstId) {
        if let Some(result) = self.func.insts[inst].results.first() {
            let zero = self.const_reg(0);
            self.out.push(crate::lir::Inst::Copies(vec![(result.as_u32(), zero)]));
        }
        self.emit(Opcode::BudgetReset, [Slot::Unused]);
    }

    fn block_op(&mut self, inst: InstId, func: FuncId, offset: u32) -> Result<(), BackendError> {
        let data = &self.func.insts[inst];
        let out = Slot::Reg(data.results[0].as_u32());
        match self.purpose {
            Purpose::Globals => {
                let number = small(func.index(), "functions")?;
                self.emit(Opcode::FreshBlock, [out, Slot::Imm(number)]);
            }
            Purpose::Sound => {
                let base = self.slot(data.args[0]);
                match u16::try_from(offset) {
                    Ok(offset) => self.emit(Opcode::IaddImm, [out, base, Slot::Imm(offset)]),
                    Err(_) => {
                        let offset = self.const_slot(u64::from(offset));
                        self.emit(Opcode::Iadd, [out, base, offset]);
                    }
                }
            }
        }
        Ok(())
    }

    fn alloc(&mut self, inst: InstId, shape: ShapeId) -> Result<(), BackendError> {
        let data = &self.func.insts[inst];
        let out = Slot::Reg(data.results[0].as_u32());
        let fields: Vec<_> = data.args.iter().map(|value| self.reg(*value)).collect();
        let slots = [
            out,
            Slot::Imm(small(shape.index(), "shapes")?),
            Slot::Imm(small(fields.len(), "fields")?),
        ];
        self.emit_list(Opcode::Alloc, slots, fields);
        Ok(())
    }

    fn call(&mut self, inst: InstId, func: FuncId) -> Result<(), BackendError> {
        let data = &self.func.insts[inst];
        let mut list: Vec<_> = data.args.iter().map(|value| self.reg(*value)).collect();
        list.extend(data.results.iter().map(|value| value.as_u32()));
        let counts = (small(data.args.len(), "arguments")?, small(data.results.len(), "results")?);
        let slots = [
            Slot::Imm(small(func.index(), "functions")?),
            Slot::Imm(counts.0),
            Slot::Imm(counts.1),
        ];
        self.emit_list(Opcode::Call, slots, list);
        Ok(())
    }

    /// The list holds the closure too, as the first argument.
    fn call_closure(&mut self, inst: InstId, _sig: SigId) -> Result<(), BackendError> {
        let data = &self.func.insts[inst];
        let mut list: Vec<_> = data.args.iter().map(|value| self.reg(*value)).collect();
        let closure = Slot::Reg(list[0]);
        list.extend(data.results.iter().map(|value| value.as_u32()));
        let counts = (small(data.args.len(), "arguments")?, small(data.results.len(), "results")?);
        self.emit_list(
            Opcode::CallClosure,
            [closure, Slot::Imm(counts.0), Slot::Imm(counts.1)],
            list,
        );
        Ok(())
    }
}

fn small(number: usize, what: &str) -> Result<u16, BackendError> {
    u16::try_from(number).map_err(|_| BackendError::TooLarge(format!("more than 65536 {what}")))
}
