//! Pure ops: arithmetic and what it fuses with.

use super::{Select, comparison};
use crate::code::Opcode;
use crate::fuse::{self, Arith};
use crate::lir::{Inst, Slot, Test, TestKind};
use attacca_mir::module::{InstId, ValueId};
use attacca_mir::op::Pure;

/// An operand: a value, or a constant that no MIR value holds.
#[derive(Clone, Copy)]
enum Operand {
    Value(ValueId),
    Const(f64),
}

/// A step of arithmetic with its operands.
#[derive(Clone, Copy)]
struct Step {
    inst: InstId,
    kind: Arith,
    x: Operand,
    y: Operand,
}

/// A chain of arithmetic, outermost step last.
struct Chain {
    steps: [Arith; 3],
    operands: [Operand; 4],
    len: usize,
}

impl Select<'_> {
    /// Emits a pure op.
    pub(super) fn pure_op(&mut self, inst: InstId, pure: Pure) {
        let data = &self.func.insts[inst];
        let (result, args) = (data.results[0], data.args.as_slice());
        if comparison(pure).is_some() && self.only_tested(result) {
            return;
        }
        if let Some(step) = self.as_step(inst, pure, args) {
            return self.arithmetic(result, step);
        }
        match pure {
            Pure::Rem => self.remainder(result, args[0], args[1]),
            Pure::Fgt => self.simple(Opcode::Flt, result, &[args[1], args[0]]),
            Pure::Fge => self.simple(Opcode::Fle, result, &[args[1], args[0]]),
            Pure::Select => self.select_op(result, args),
            Pure::Iselect => {
                if !self.delay_back(result, args) {
                    self.select_op(result, args);
                }
            }
            Pure::Bits | Pure::FromBits => {
                let from = self.reg(args[0]);
                self.out.push(Inst::Copies(vec![(result.as_u32(), from)]));
            }
            Pure::Iadd => self.integer_sum(result, args),
            _ => match direct(pure) {
                Some(op) => self.simple(op, result, args),
                None => self.extension(pure.name(), result, args),
            },
        }
    }

    fn simple(&mut self, op: Opcode, result: ValueId, args: &[ValueId]) {
        let mut slots = vec![Slot::Reg(result.as_u32())];
        for arg in args {
            slots.push(self.slot(*arg));
        }
        self.emit(op, slots);
    }

    /// An op that has no opcode, by name.
    pub(super) fn extension(&mut self, name: &str, result: ValueId, args: &[ValueId]) {
        let op = match args.len() {
            0 | 1 => Opcode::Ext1,
            2 => Opcode::Ext2,
            _ => Opcode::Ext3,
        };
        let mut slots = vec![Slot::Reg(result.as_u32()), Slot::Imm(self.ext(name))];
        for arg in args {
            slots.push(self.slot(*arg));
        }
        self.emit(op, slots);
    }

    // ---- chains ----

    /// A step that the op using `value` may take over.
    fn step(&self, value: Operand) -> Option<Step> {
        let Operand::Value(value) = value else { return None };
        let (inst, pure, args) = self.inner(value)?;
        self.as_step(inst, pure, args)
    }

    /// The step that an instruction is. Dividing by a power of two is multiplying by its inverse.
    fn as_step(&self, inst: InstId, pure: Pure, args: &[ValueId]) -> Option<Step> {
        let (x, y) = (Operand::Value(*args.first()?), Operand::Value(*args.get(1)?));
        match pure {
            Pure::Add => Some(Step { inst, kind: Arith::Add, x, y }),
            Pure::Sub => Some(Step { inst, kind: Arith::Sub, x, y }),
            Pure::Mul => Some(Step { inst, kind: Arith::Mul, x, y }),
            Pure::Div => {
                let divisor = f64::from_bits(self.constant(args[1])?);
                let y = Operand::Const(1.0 / divisor);
                is_plain_power(divisor).then_some(Step { inst, kind: Arith::Mul, x, y })
            }
            _ => None,
        }
    }

    fn arithmetic(&mut self, result: ValueId, root: Step) {
        let (left, right) = (self.step(root.x), self.step(root.y));
        if let (Some(l), Some(r)) = (left, right)
            && let Some(op) = fuse::tree(l.kind, r.kind, root.kind)
        {
            self.covered[l.inst] = true;
            self.covered[r.inst] = true;
            return self.floats(op, result, &[l.x, l.y, r.x, r.y]);
        }
        let chain = match (left, right) {
            (Some(l), _) => self.chain(l, root.kind, root.y),
            (None, Some(r)) => self.chain(r, mirrored(root.kind), root.x),
            (None, None) => {
                let op = match root.kind {
                    Arith::Add => Opcode::Add,
                    Arith::Sub | Arith::Rsub => Opcode::Sub,
                    Arith::Mul => Opcode::Mul,
                };
                return self.floats(op, result, &[root.x, root.y]);
            }
        };
        let op = match chain.len {
            2 => fuse::pair(chain.steps[0], chain.steps[1]),
            _ => fuse::chain(chain.steps[0], chain.steps[1], chain.steps[2]),
        };
        if let Some(op) = op {
            self.floats(op, result, &chain.operands[..=chain.len]);
        }
    }

    /// The chain that ends with `last` applied to `inner` and `operand`.
    fn chain(&mut self, inner: Step, last: Arith, operand: Operand) -> Chain {
        self.covered[inner.inst] = true;
        let (first, second, other) = match (self.step(inner.x), self.step(inner.y)) {
            (Some(l), _) => (l, inner.kind, inner.y),
            (None, Some(r)) => (r, mirrored(inner.kind), inner.x),
            (None, None) => {
                let operands = [inner.x, inner.y, operand, operand];
                return Chain { steps: [inner.kind, last, last], operands, len: 2 };
            }
        };
        self.covered[first.inst] = true;
        let operands = [first.x, first.y, other, operand];
        Chain { steps: [first.kind, second, last], operands, len: 3 }
    }

    fn floats(&mut self, op: Opcode, result: ValueId, operands: &[Operand]) {
        let mut slots = vec![Slot::Reg(result.as_u32())];
        for operand in operands {
            slots.push(self.operand(*operand));
        }
        self.emit(op, slots);
    }

    fn operand(&mut self, operand: Operand) -> Slot {
        match operand {
            Operand::Value(value) => self.slot(value),
            Operand::Const(x) => self.const_slot(x.to_bits()),
        }
    }

    // ---- remainders ----

    fn remainder(&mut self, result: ValueId, a: ValueId, b: ValueId) {
        let divisor = self.constant(b).map(f64::from_bits);
        match divisor {
            Some(1.0) => match self.step(Operand::Value(a)) {
                Some(Step { inst, kind: Arith::Add, x, y }) => {
                    self.covered[inst] = true;
                    self.floats(Opcode::AddRem1, result, &[x, y]);
                }
                Some(_) | None => self.simple(Opcode::Rem1, result, &[a]),
            },
            Some(d) if d > 0.0 && is_plain_power(d) => self.power_remainder(result, a, d),
            Some(_) | None => self.simple(Opcode::Rem, result, &[a, b]),
        }
    }

    fn power_remainder(&mut self, result: ValueId, a: ValueId, divisor: f64) {
        let scale = [Operand::Const(1.0 / divisor), Operand::Const(divisor)];
        let parts = self.step(Operand::Value(a)).and_then(|sum| {
            let left = self.step(sum.x).map(|product| (product, sum.y));
            let (product, c) = left.or_else(|| self.step(sum.y).map(|product| (product, sum.x)))?;
            (sum.kind == Arith::Add && product.kind == Arith::Mul).then_some((sum, product, c))
        });
        match parts {
            Some((sum, product, c)) => {
                self.covered[sum.inst] = true;
                self.covered[product.inst] = true;
                let operands = [product.x, product.y, c, scale[0], scale[1]];
                self.floats(Opcode::MulAddRemPow2, result, &operands);
            }
            None => self.floats(Opcode::RemPow2, result, &[Operand::Value(a), scale[0], scale[1]]),
        }
    }

    // ---- selects and integers ----

    fn select_op(&mut self, result: ValueId, args: &[ValueId]) {
        let test = self.test(args[0]);
        let (yes, no) = (self.slot(args[1]), self.slot(args[2]));
        self.emit_select(Slot::Reg(result.as_u32()), test, yes, no);
    }

    fn emit_select(&mut self, result: Slot, test: Test, yes: Slot, no: Slot) {
        let (a, b) = (Slot::Reg(test.a), Slot::Reg(test.b));
        match test.kind {
            TestKind::If => self.emit(Opcode::Select, [result, a, yes, no]),
            TestKind::IfNot => self.emit(Opcode::Select, [result, a, no, yes]),
            TestKind::Flt => self.emit(Opcode::SelectFlt, [result, a, b, yes, no]),
            TestKind::NotFlt => self.emit(Opcode::SelectFlt, [result, a, b, no, yes]),
            TestKind::Fle => self.emit(Opcode::SelectFle, [result, a, b, yes, no]),
            TestKind::NotFle => self.emit(Opcode::SelectFle, [result, a, b, no, yes]),
            TestKind::Feq => self.emit(Opcode::SelectFeq, [result, a, b, yes, no]),
            TestKind::Fne => self.emit(Opcode::SelectFeq, [result, a, b, no, yes]),
            TestKind::Ilt => self.emit(Opcode::SelectIlt, [result, a, b, yes, no]),
            TestKind::Ile => self.emit(Opcode::SelectIlt, [result, b, a, no, yes]),
            TestKind::Ieq => self.emit(Opcode::SelectIeq, [result, a, b, yes, no]),
            TestKind::Ine => self.emit(Opcode::SelectIeq, [result, a, b, no, yes]),
        }
    }

    fn integer_sum(&mut self, result: ValueId, args: &[ValueId]) {
        for (value, other) in [(args[0], args[1]), (args[1], args[0])] {
            if let Some(small) = self.constant(other).and_then(|bits| u16::try_from(bits).ok()) {
                let from = self.slot(value);
                return self
                    .emit(Opcode::IaddImm, [Slot::Reg(result.as_u32()), from, Slot::Imm(small)]);
            }
        }
        self.simple(Opcode::Iadd, result, args);
    }
}

/// Whether dividing by `d` is multiplying by `1 / d`, to the bit: a power of two, so far from the ends
/// that neither it nor its inverse is denormal.
fn is_plain_power(d: f64) -> bool {
    d.to_bits() << 12 == 0 && (1e-150..=1e150).contains(&d.abs())
}

/// The step with its operands swapped.
fn mirrored(kind: Arith) -> Arith {
    match kind {
        Arith::Sub => Arith::Rsub,
        Arith::Rsub => Arith::Sub,
        Arith::Add | Arith::Mul => kind,
    }
}

/// The opcode that does a pure op by itself; `None` for those called as extensions.
fn direct(pure: Pure) -> Option<Opcode> {
    Some(match pure {
        Pure::Add => Opcode::Add,
        Pure::Sub => Opcode::Sub,
        Pure::Mul => Opcode::Mul,
        Pure::Div => Opcode::Div,
        Pure::Rem => Opcode::Rem,
        Pure::Min => Opcode::Min,
        Pure::Max => Opcode::Max,
        Pure::Pow => Opcode::Pow,
        Pure::Neg => Opcode::Neg,
        Pure::Abs => Opcode::Abs,
        Pure::Sqrt => Opcode::Sqrt,
        Pure::Floor => Opcode::Floor,
        Pure::Trunc => Opcode::Trunc,
        Pure::Sin => Opcode::Sin,
        Pure::Cos => Opcode::Cos,
        Pure::Tan => Opcode::Tan,
        Pure::Tanh => Opcode::Tanh,
        Pure::Log => Opcode::Log,
        Pure::Flt => Opcode::Flt,
        Pure::Fle => Opcode::Fle,
        Pure::Feq => Opcode::Feq,
        Pure::Fne => Opcode::Fne,
        Pure::Iadd => Opcode::Iadd,
        Pure::Isub => Opcode::Isub,
        Pure::Imul => Opcode::Imul,
        Pure::Iand => Opcode::Iand,
        Pure::Ior => Opcode::Ior,
        Pure::Ixor => Opcode::Ixor,
        Pure::Ishl => Opcode::Ishl,
        Pure::Ushr => Opcode::Ushr,
        Pure::Sshr => Opcode::Sshr,
        Pure::Ieq => Opcode::Ieq,
        Pure::Ine => Opcode::Ine,
        Pure::Ilt => Opcode::Ilt,
        Pure::Ile => Opcode::Ile,
        Pure::Ftoi => Opcode::Ftoi,
        Pure::Itof => Opcode::Itof,
        Pure::Select | Pure::Iselect => Opcode::Select,
        _ => return None,
    })
}
