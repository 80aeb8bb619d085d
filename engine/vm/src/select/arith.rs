//! Pure ops: arithmetic and what it fuses with.

use super::{Select, comparison};
use crate::code::Opcode;
use crate::fuse::{self, Arith};
use crate::lir::{Inst, Slot, Test, TestKind};
use attacca_mir::module::{InstId, ValueId};
use attacca_mir::op::Pure;

/// A chain of arithmetic, outermost step last.
struct Chain {
    steps: [Arith; 3],
    operands: [ValueId; 4],
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
        match pure {
            Pure::Add | Pure::Sub | Pure::Mul => self.arithmetic(inst, result),
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

    /// A step that the op using `value` may take over: its kind and operands.
    fn step(&self, value: ValueId) -> Option<(InstId, Arith, ValueId, ValueId)> {
        let (inst, pure, args) = self.inner(value)?;
        Some((inst, arith(pure)?, args[0], args[1]))
    }

    fn arithmetic(&mut self, root: InstId, result: ValueId) {
        let data = &self.func.insts[root];
        let Some(kind) = (match data.op {
            attacca_mir::op::Op::Pure(pure) => arith(pure),
            _ => None,
        }) else {
            return;
        };
        let (x, y) = (data.args[0], data.args[1]);
        let (left, right) = (self.step(x), self.step(y));
        if let (Some(l), Some(r)) = (left, right)
            && let Some(op) = fuse::tree(l.1, r.1, kind)
        {
            self.covered[l.0] = true;
            self.covered[r.0] = true;
            return self.simple(op, result, &[l.2, l.3, r.2, r.3]);
        }
        let chain = match (left, right) {
            (Some(l), _) => self.chain(l, kind, y),
            (None, Some(r)) => self.chain(r, mirrored(kind), x),
            (None, None) => {
                let op = match kind {
                    Arith::Add => Opcode::Add,
                    Arith::Sub | Arith::Rsub => Opcode::Sub,
                    Arith::Mul => Opcode::Mul,
                };
                return self.simple(op, result, &[x, y]);
            }
        };
        let op = match chain.len {
            2 => fuse::pair(chain.steps[0], chain.steps[1]),
            _ => fuse::chain(chain.steps[0], chain.steps[1], chain.steps[2]),
        };
        if let Some(op) = op {
            self.simple(op, result, &chain.operands[..=chain.len]);
        }
    }

    /// The chain that ends with `last` applied to `inner` and `operand`.
    fn chain(
        &mut self,
        (inst, kind, x, y): (InstId, Arith, ValueId, ValueId),
        last: Arith,
        operand: ValueId,
    ) -> Chain {
        self.covered[inst] = true;
        let (first, second, other) = match (self.step(x), self.step(y)) {
            (Some(l), _) => (l, kind, y),
            (None, Some(r)) => (r, mirrored(kind), x),
            (None, None) => {
                return Chain {
                    steps: [kind, last, last],
                    operands: [x, y, operand, operand],
                    len: 2,
                };
            }
        };
        self.covered[first.0] = true;
        Chain {
            steps: [first.1, second, last],
            operands: [first.2, first.3, other, operand],
            len: 3,
        }
    }

    // ---- remainders ----

    fn remainder(&mut self, result: ValueId, a: ValueId, b: ValueId) {
        let divisor = self.constant(b).map(f64::from_bits);
        match divisor {
            Some(1.0) => match self.step(a) {
                Some((inst, Arith::Add, x, y)) => {
                    self.covered[inst] = true;
                    self.simple(Opcode::AddRem1, result, &[x, y]);
                }
                Some(_) | None => self.simple(Opcode::Rem1, result, &[a]),
            },
            // Dividing by a power of two is multiplying by its inverse, to the bit, far from the ends.
            Some(d) if d.to_bits() << 12 == 0 && (1e-150..=1e150).contains(&d) => {
                self.power_remainder(result, a, d);
            }
            Some(_) | None => self.simple(Opcode::Rem, result, &[a, b]),
        }
    }

    fn power_remainder(&mut self, result: ValueId, a: ValueId, divisor: f64) {
        let scale =
            [self.const_slot((1.0 / divisor).to_bits()), self.const_slot(divisor.to_bits())];
        let mut slots = vec![Slot::Reg(result.as_u32())];
        let parts = self.step(a).and_then(|(sum, kind, x, y)| {
            let left = self.step(x).map(|p| (p, y));
            let (product, c) = left.or_else(|| self.step(y).map(|p| (p, x)))?;
            (kind == Arith::Add && product.1 == Arith::Mul).then_some((sum, product, c))
        });
        let op = match parts {
            Some((sum, product, c)) => {
                self.covered[sum] = true;
                self.covered[product.0] = true;
                for value in [product.2, product.3, c] {
                    slots.push(self.slot(value));
                }
                Opcode::MulAddRemPow2
            }
            None => {
                slots.push(self.slot(a));
                Opcode::RemPow2
            }
        };
        slots.extend(scale);
        self.emit(op, slots);
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

fn arith(pure: Pure) -> Option<Arith> {
    match pure {
        Pure::Add => Some(Arith::Add),
        Pure::Sub => Some(Arith::Sub),
        Pure::Mul => Some(Arith::Mul),
        _ => None,
    }
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
