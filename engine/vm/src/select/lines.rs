//! Delay lines: the parts of a delay become one op where they stand together.

use super::Select;
use crate::code::Opcode;
use crate::lir::{Reg, Slot};
use attacca_mir::module::{InstId, ValueId};
use attacca_mir::op::{Effect, Op, Pure};

/// A line as an instruction names it: base value and offset.
type LineName = (ValueId, u32);

/// The read of a delay, ready to be joined with its write.
struct Back {
    load: InstId,
    index: InstId,
    out: ValueId,
    back: ValueId,
}

impl Select<'_> {
    /// The whole-sample length of a delay as [`attacca_mir::build::Builder::delay`] computes it, in one
    /// op: `back == 0 ? len : back`, where `back = ftoi(clamp(time, 0, len - 1))`.
    pub(super) fn delay_back(&mut self, result: ValueId, args: &[ValueId]) -> bool {
        let Some((time, len, taken)) = self.match_delay_back(args) else { return false };
        for inst in taken {
            self.covered[inst] = true;
        }
        let time = self.slot(time);
        self.emit(
            Opcode::DelayBack,
            [Slot::Reg(result.as_u32()), time, Slot::Unused, Slot::Wide(len)],
        );
        true
    }

    fn match_delay_back(&self, args: &[ValueId]) -> Option<(ValueId, u32, Vec<InstId>)> {
        let len = u32::try_from(self.constant(args[1])?).ok().filter(|len| *len > 0)?;
        let (is_zero, Pure::Ieq, eq) = self.pure(args[0])? else { return None };
        let back = args[2];
        let (ftoi, Pure::Ftoi, clamped) = self.pure(back)? else { return None };
        let (upper, Pure::Select, upper_args) = self.pure(clamped[0])? else { return None };
        let (over, Pure::Fgt, over_args) = self.pure(upper_args[0])? else { return None };
        let low = upper_args[2];
        let (lower, Pure::Select, lower_args) = self.pure(low)? else { return None };
        let (above, Pure::Fgt, above_args) = self.pure(lower_args[0])? else { return None };
        let time = lower_args[1];
        let top = f64::from(len - 1).to_bits();
        let zero = 0.0f64.to_bits();
        let same = eq[0] == back
            && self.constant(eq[1]) == Some(0)
            && over_args[..] == [low, upper_args[1]]
            && self.constant(upper_args[1]) == Some(top)
            && above_args[..] == [time, lower_args[2]]
            && self.constant(lower_args[2]) == Some(zero);
        let counts = [
            (args[0], 1),
            (back, 2),
            (clamped[0], 1),
            (upper_args[0], 1),
            (low, 2),
            (lower_args[0], 1),
        ];
        let alone = counts.iter().all(|(value, uses)| self.uses[*value] == *uses);
        let taken = vec![is_zero, ftoi, upper, over, lower, above];
        let here = taken.iter().all(|inst| self.is_here(*inst) && !self.covered[*inst]);
        (same && alone && here).then_some((time, len, taken))
    }

    /// Emits a read of a line.
    pub(super) fn line_load(&mut self, inst: InstId, offset: u32) {
        let data = &self.func.insts[inst];
        let (base, index, out) = (data.args[0], data.args[1], data.results[0]);
        let out = Slot::Reg(out.as_u32());
        if let Some((sub, Pure::Isub, args)) = self.inner(index) {
            self.covered[sub] = true;
            if self.reads_position(args[0], (base, offset), inst) {
                let back = self.slot(args[1]);
                return self.at(Opcode::LineBack, [Some(out), None], base, offset, &[back]);
            }
            let (a, b) = (self.slot(args[0]), self.slot(args[1]));
            return self.at(Opcode::LineLoadSub, [Some(out), None], base, offset, &[a, b]);
        }
        let index = self.slot(index);
        self.at(Opcode::LineLoad, [Some(out), None], base, offset, &[index]);
    }

    /// Emits a move of the write position; with the store before it, and the read before that, if they
    /// belong together.
    pub(super) fn line_set_pos(&mut self, inst: InstId, offset: u32) {
        let data = &self.func.insts[inst];
        let (base, next) = (data.args[0], data.args[1]);
        let Some((store, x, sum, pos)) = self.match_push(inst, (base, offset)) else {
            let next = self.slot(next);
            return self.at(Opcode::LineSetPos, [None, None], base, offset, &[next]);
        };
        self.covered[store] = true;
        self.covered[sum] = true;
        let back = self.match_back(pos, (base, offset), store, inst);
        let x = self.slot(x);
        match back {
            Some(Back { load, index, out, back }) => {
                self.covered[load] = true;
                self.covered[index] = true;
                self.uses[pos] -= 3;
                let back = self.slot(back);
                self.at(
                    Opcode::Delay,
                    [Some(Slot::Reg(out.as_u32())), None],
                    base,
                    offset,
                    &[back, x],
                );
            }
            None => {
                self.uses[pos] -= 2;
                self.at(Opcode::LinePush, [None, None], base, offset, &[x]);
            }
        }
    }

    /// Emits a store; with the read before it, if they belong together.
    pub(super) fn line_store(&mut self, inst: InstId, offset: u32) {
        let data = &self.func.insts[inst];
        let (base, pos) = (data.args[0], data.args[1]);
        match self.match_back(pos, (base, offset), inst, inst) {
            Some(Back { load, index, out, back }) => {
                self.covered[load] = true;
                self.covered[index] = true;
                let out = Some(Slot::Reg(out.as_u32()));
                let (back, x) = (self.slot(back), self.slot(data.args[2]));
                // Both the read and the write used the position; here it is used once.
                self.uses[pos] -= 1;
                match self.inner(pos) {
                    Some((sum, Pure::Iadd, args)) => {
                        self.covered[sum] = true;
                        let rest = [self.slot(args[0]), self.slot(args[1]), back, x];
                        self.at(Opcode::DelayAtSum, [out, None], base, offset, &rest);
                    }
                    Some(_) | None => {
                        let pos = self.slot(pos);
                        self.at(Opcode::DelayAt, [out, None], base, offset, &[pos, back, x]);
                    }
                }
            }
            None => self.written(Opcode::LineStore, inst, offset),
        }
    }

    /// Whether `pos` is the write position of the line as it still is at `at`.
    fn reads_position(&mut self, pos: ValueId, line: LineName, at: InstId) -> bool {
        let Some(read) = self.position_of(pos, line) else { return false };
        let clear = self.is_here(read) && self.is_clear(read, at, line, None);
        if clear {
            self.uses[pos] -= 1;
        }
        clear
    }

    /// The instruction that read `pos` as the write position of the line.
    fn position_of(&self, pos: ValueId, line: LineName) -> Option<InstId> {
        let read = self.def[pos]?;
        let data = &self.func.insts[read];
        (data.op == Op::LinePos(line.1) && data.args[0] == line.0).then_some(read)
    }

    /// For `setpos line, pos + 1`: the store at `pos` before it, what it stores, the sum, and `pos`.
    fn match_push(
        &self,
        set: InstId,
        line: LineName,
    ) -> Option<(InstId, ValueId, InstId, ValueId)> {
        let next = self.func.insts[set].args[1];
        let (sum, Pure::Iadd, args) = self.inner(next)? else { return None };
        let pos = args[0];
        if self.constant(args[1]) != Some(1) {
            return None;
        }
        let read = self.position_of(pos, line).filter(|read| self.is_here(*read))?;
        let before = self.place[set].1 as usize;
        let insts = &self.func.blocks[self.block].insts[..before];
        let store = *insts.iter().rev().find(|inst| {
            let data = &self.func.insts[**inst];
            matches!(data.op, Op::LineStore { offset, .. } if (data.args[0], offset) == line)
        })?;
        let data = &self.func.insts[store];
        let fits = data.args[1] == pos && !self.covered[store];
        (fits
            && self.is_clear(store, set, line, None)
            && self.is_clear(read, store, line, Some(line)))
        .then_some((store, data.args[2], sum, pos))
    }

    /// The read at `pos - back` before the store, if nothing needs its value before `set`.
    fn match_back(&self, pos: ValueId, line: LineName, store: InstId, set: InstId) -> Option<Back> {
        let before = self.place[store].1 as usize;
        let insts = &self.func.blocks[self.block].insts[..before];
        let load = *insts.iter().rev().find(|inst| {
            let data = &self.func.insts[**inst];
            matches!(data.op, Op::LineLoad { offset, .. } if (data.args[0], offset) == line)
        })?;
        let data = &self.func.insts[load];
        let (index, Pure::Isub, args) = self.inner(data.args[1])? else { return None };
        let (out, back) = (data.results[0], args[1]);
        let fits = args[0] == pos && !self.covered[load] && self.uses[out] > 0;
        let early = self.between(load, set).iter().any(|i| self.func.insts[*i].args.contains(&out))
            || self.func.insts[store].args.contains(&out);
        (fits && !early && self.is_clear(load, store, line, None)).then_some(Back {
            load,
            index,
            out,
            back,
        })
    }

    /// Instructions of this block after `from` and before `to`.
    fn between(&self, from: InstId, to: InstId) -> &[InstId] {
        let (from, to) = (self.place[from].1 as usize + 1, self.place[to].1 as usize);
        self.func.blocks[self.block].insts.get(from..to).unwrap_or_default()
    }

    /// Whether nothing between two instructions may touch the line, reads of `except` apart.
    fn is_clear(&self, from: InstId, to: InstId, line: LineName, except: Option<LineName>) -> bool {
        self.between(from, to).iter().all(|inst| {
            let data = &self.func.insts[*inst];
            match data.op {
                Op::Call(_) | Op::CallClosure(_) => false,
                Op::LineLoad { offset, .. } => {
                    except == Some((data.args[0], offset))
                        || self.differs(line, (data.args[0], offset))
                }
                Op::LinePos(offset) => {
                    (data.args[0], offset) == line || self.differs(line, (data.args[0], offset))
                }
                Op::LineSetPos(offset) | Op::LineStore { offset, .. } => {
                    self.differs(line, (data.args[0], offset))
                }
                _ => data.op.effect() != Effect::Write || is_harmless(&data.op),
            }
        })
    }

    /// Whether two names certainly mean two lines.
    fn differs(&self, a: LineName, b: LineName) -> bool {
        match (self.constant(a.0), self.constant(b.0)) {
            (Some(x), Some(y)) => x.wrapping_add(u64::from(a.1)) != y.wrapping_add(u64::from(b.1)),
            (None, None) | (Some(_), None) | (None, Some(_)) => a.0 == b.0 && a.1 != b.1,
        }
    }

    /// Emits an op on the state word at `base + offset`: results, address, other operands.
    pub(super) fn at(
        &mut self,
        op: Opcode,
        results: [Option<Slot>; 2],
        base: ValueId,
        offset: u32,
        rest: &[Slot],
    ) {
        let (base, sum) = self.address(base, offset);
        let place = [Slot::Reg(base), Slot::Imm(sum.map_or(offset as u16, |_| 0))];
        let slots: Vec<_> =
            results.into_iter().flatten().chain(place).chain(rest.iter().copied()).collect();
        self.emit(op, slots);
        if let Some((from, offset)) = sum {
            self.emit(Opcode::Iadd, [Slot::Reg(base), Slot::Reg(from), offset]);
        }
    }

    /// The base to use; and if the offset is too large for an op, what to add to what for it.
    fn address(&mut self, base: ValueId, offset: u32) -> (Reg, Option<(Reg, Slot)>) {
        let base = self.reg(base);
        if u16::try_from(offset).is_ok() {
            return (base, None);
        }
        let offset = self.const_slot(u64::from(offset));
        (self.temp(), Some((base, offset)))
    }
}

/// Writes that no delay line notices.
fn is_harmless(op: &Op) -> bool {
    matches!(
        op,
        Op::HeapStore { .. }
            | Op::Retain
            | Op::Release
            | Op::Output(_)
            | Op::SetNow
            | Op::BudgetReset
            | Op::BudgetLeave
    )
}
