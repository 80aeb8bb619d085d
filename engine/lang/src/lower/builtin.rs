//! Built-ins: operators, also on tuples, `mem` and `delay`.

use attacca_mir::module::{LeafKind, ValueId};
use attacca_mir::op::{Op, Pure, Ty as Word};

use super::func::{FuncLower, Values};
use crate::builtins::{Builtin, Lowering};
use crate::hir::{ExprId, ExprKind};
use crate::source::Span;
use crate::types::CallPlan;
use crate::types::error::MAX_DELAY;
use crate::types::ty::Ty;

impl FuncLower<'_, '_> {
    /// A call of a built-in by its name or as an operator.
    pub(super) fn builtin_call(
        &mut self,
        id: ExprId,
        (callee, builtin): (ExprId, Builtin),
        args: &[ExprId],
        hint: &str,
    ) -> Values {
        let at = self.program().exprs[id].span;
        match builtin.lowering() {
            Lowering::Delay => vec![self.delay(args, hint, at)],
            Lowering::Mem => {
                let words = self.arguments(args);
                words.into_iter().map(|word| self.mem(word, hint, at)).collect()
            }
            Lowering::Array(_)
            | Lowering::Print { .. }
            | Lowering::Schedule
            | Lowering::Ignore
            | Lowering::Peak
            | Lowering::Macro => {
                let ty = self.type_of(callee);
                let words = self.arguments(args);
                if self.lo.typed.calls.get(&id) == Some(&CallPlan::Spread) {
                    let each = |word| self.builtin_words(builtin, &ty, &[word], at);
                    return words.into_iter().flat_map(each).collect();
                }
                self.builtin_words(builtin, &ty, &words, at)
            }
            Lowering::Op(_) | Lowering::Truth(_) | Lowering::And | Lowering::Or | Lowering::Not => {
                self.operator(id, builtin, args)
            }
        }
    }

    fn operator(&mut self, id: ExprId, builtin: Builtin, args: &[ExprId]) -> Values {
        let types: Vec<Ty> = args.iter().map(|arg| self.type_of(*arg)).collect();
        let words = self.arguments(args);
        if self.lo.typed.calls.get(&id) == Some(&CallPlan::Spread) {
            return words.into_iter().map(|word| self.scalar(builtin, &[word])).collect();
        }
        let operands: Vec<&Ty> = match &types[..] {
            // The operands came as one tuple.
            [Ty::Tuple(parts)] if builtin.arity() > 1 => parts.iter().collect(),
            several => several.iter().collect(),
        };
        match operands[..] {
            [left, right] => {
                let (a, b) = words.split_at(self.lo.layouts.width(left).min(words.len()));
                self.binary(builtin, (left, a), (right, b))
            }
            _ => vec![self.scalar(builtin, &words)],
        }
    }

    /// Two operands: number with number, leaf by leaf, or one number with every leaf.
    fn binary(
        &mut self,
        builtin: Builtin,
        left: (&Ty, &[ValueId]),
        right: (&Ty, &[ValueId]),
    ) -> Values {
        let is_tuple = |ty: &Ty| matches!(ty, Ty::Tuple(_));
        match (is_tuple(left.0), is_tuple(right.0), left.1, right.1) {
            (true, false, leaves, [number]) => {
                leaves.iter().map(|leaf| self.scalar(builtin, &[*leaf, *number])).collect()
            }
            (false, true, [number], leaves) => {
                leaves.iter().map(|leaf| self.scalar(builtin, &[*number, *leaf])).collect()
            }
            (_, _, a, b) => a.iter().zip(b).map(|(a, b)| self.scalar(builtin, &[*a, *b])).collect(),
        }
    }

    /// A stateless built-in on single words.
    pub(super) fn scalar(&mut self, builtin: Builtin, args: &[ValueId]) -> ValueId {
        let strings = args.first().is_some_and(|arg| self.func.values[*arg] == Word::I64);
        match (builtin.lowering(), args) {
            (Lowering::Op(op), args) => self.b().pure(op, args),
            (Lowering::Truth(op), args) => {
                let op = match (strings, op) {
                    (true, Pure::Feq) => Pure::Ieq,
                    (true, Pure::Fne) => Pure::Ine,
                    (_, op) => op,
                };
                let truth = self.b().pure(op, args);
                self.b().truth(truth)
            }
            (Lowering::And, [a, b]) => self.logic(Pure::Iand, *a, *b),
            (Lowering::Or, [a, b]) => self.logic(Pure::Ior, *a, *b),
            (Lowering::Not, [x]) => {
                let zero = self.b().fconst(0.0);
                let truth = self.b().pure(Pure::Feq, &[*x, zero]);
                self.b().truth(truth)
            }
            (
                Lowering::And
                | Lowering::Or
                | Lowering::Not
                | Lowering::Mem
                | Lowering::Delay
                | Lowering::Array(_)
                | Lowering::Print { .. }
                | Lowering::Schedule
                | Lowering::Ignore
                | Lowering::Peak
                | Lowering::Macro,
                _,
            ) => {
                debug_assert!(false, "{builtin:?} of {} words", args.len());
                self.b().fconst(0.0)
            }
        }
    }

    /// Both operands were evaluated; each is true above 0.
    fn logic(&mut self, op: Pure, a: ValueId, b: ValueId) -> ValueId {
        let zero = self.b().fconst(0.0);
        let a = self.b().pure(Pure::Fgt, &[a, zero]);
        let b = self.b().pure(Pure::Fgt, &[b, zero]);
        let truth = self.b().pure(op, &[a, b]);
        self.b().truth(truth)
    }

    fn mem(&mut self, value: ValueId, hint: &str, at: Span) -> ValueId {
        let name = if hint.is_empty() { "mem" } else { hint };
        let offset = self.leaf(LeafKind::Mem, name, at);
        let base = self.base;
        let old = self.b().value(Op::Load(Word::F64, offset), &[base], Word::F64);
        self.b().effect(Op::Store(Word::F64, offset), &[base, value]);
        old
    }

    /// `delay(max, x, t)`: the longest time is a literal, the check saw to it.
    fn delay(&mut self, args: &[ExprId], hint: &str, at: Span) -> ValueId {
        let program = self.program();
        let args = match (args, args.first().map(|arg| &program.exprs[*arg].kind)) {
            ([_], Some(ExprKind::Tuple(parts))) => parts,
            _ => args,
        };
        let [max, x, time] = args else { return self.b().fconst(0.0) };
        let kind = &program.exprs[*max].kind;
        let len =
            if let ExprKind::Number(max) = kind { max.clamp(0.0, MAX_DELAY) as u32 } else { 0 };
        let words = self.arguments(&[*x, *time]);
        let ([x, time], 1..) = (&words[..], len) else { return self.b().fconst(0.0) };
        let name = if hint.is_empty() { "delay" } else { hint };
        let offset = self.leaf(LeafKind::Line { len }, name, at);
        let base = self.base;
        self.b().delay(base, offset, len, *x, *time)
    }
}
