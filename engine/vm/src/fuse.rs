//! Operations that do the work of two or three: sums of products, filters, mixes.
//!
//! A dispatch costs more than an addition, so short chains of `+`, `-` and `*` whose inner results
//! nobody else needs become one op. Every step still rounds on its own, in source order. Which chains
//! exist is a full table: all pairs, all triples in a row, all pairs joined by a third.

use crate::code::Opcode;

/// One step of a chain, applied to what came before (`t`) and an operand (`x`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arith {
    /// `t + x`.
    Add,
    /// `t - x`.
    Sub,
    /// `x - t`.
    Rsub,
    /// `t * x`.
    Mul,
}

/// The op for `second(first(a, b), c)`. `None` where the table has no such op.
pub(crate) fn pair(first: Arith, second: Arith) -> Option<Opcode> {
    use Arith::{Add, Mul, Rsub, Sub};
    Some(match (first, second) {
        (Add, Add) => Opcode::AddAdd,
        (Add, Sub) => Opcode::AddSub,
        (Add, Rsub) => Opcode::AddRsub,
        (Add, Mul) => Opcode::AddMul,
        (Sub, Add) => Opcode::SubAdd,
        (Sub, Sub) => Opcode::SubSub,
        (Sub, Rsub) => Opcode::SubRsub,
        (Sub, Mul) => Opcode::SubMul,
        (Mul, Add) => Opcode::MulAdd,
        (Mul, Sub) => Opcode::MulSub,
        (Mul, Rsub) => Opcode::MulRsub,
        (Mul, Mul) => Opcode::MulMul,
        (Rsub, _) => return None,
    })
}

/// The op for `third(second(first(a, b), c), d)`. `None` where the table has no such op.
pub(crate) fn chain(first: Arith, second: Arith, third: Arith) -> Option<Opcode> {
    use Arith::{Add, Mul, Rsub, Sub};
    Some(match (first, second, third) {
        (Add, Add, Add) => Opcode::AddAddAdd,
        (Add, Add, Sub) => Opcode::AddAddSub,
        (Add, Add, Rsub) => Opcode::AddAddRsub,
        (Add, Add, Mul) => Opcode::AddAddMul,
        (Add, Sub, Add) => Opcode::AddSubAdd,
        (Add, Sub, Sub) => Opcode::AddSubSub,
        (Add, Sub, Rsub) => Opcode::AddSubRsub,
        (Add, Sub, Mul) => Opcode::AddSubMul,
        (Add, Rsub, Add) => Opcode::AddRsubAdd,
        (Add, Rsub, Sub) => Opcode::AddRsubSub,
        (Add, Rsub, Rsub) => Opcode::AddRsubRsub,
        (Add, Rsub, Mul) => Opcode::AddRsubMul,
        (Add, Mul, Add) => Opcode::AddMulAdd,
        (Add, Mul, Sub) => Opcode::AddMulSub,
        (Add, Mul, Rsub) => Opcode::AddMulRsub,
        (Add, Mul, Mul) => Opcode::AddMulMul,
        (Sub, Add, Add) => Opcode::SubAddAdd,
        (Sub, Add, Sub) => Opcode::SubAddSub,
        (Sub, Add, Rsub) => Opcode::SubAddRsub,
        (Sub, Add, Mul) => Opcode::SubAddMul,
        (Sub, Sub, Add) => Opcode::SubSubAdd,
        (Sub, Sub, Sub) => Opcode::SubSubSub,
        (Sub, Sub, Rsub) => Opcode::SubSubRsub,
        (Sub, Sub, Mul) => Opcode::SubSubMul,
        (Sub, Rsub, Add) => Opcode::SubRsubAdd,
        (Sub, Rsub, Sub) => Opcode::SubRsubSub,
        (Sub, Rsub, Rsub) => Opcode::SubRsubRsub,
        (Sub, Rsub, Mul) => Opcode::SubRsubMul,
        (Sub, Mul, Add) => Opcode::SubMulAdd,
        (Sub, Mul, Sub) => Opcode::SubMulSub,
        (Sub, Mul, Rsub) => Opcode::SubMulRsub,
        (Sub, Mul, Mul) => Opcode::SubMulMul,
        (Mul, Add, Add) => Opcode::MulAddAdd,
        (Mul, Add, Sub) => Opcode::MulAddSub,
        (Mul, Add, Rsub) => Opcode::MulAddRsub,
        (Mul, Add, Mul) => Opcode::MulAddMul,
        (Mul, Sub, Add) => Opcode::MulSubAdd,
        (Mul, Sub, Sub) => Opcode::MulSubSub,
        (Mul, Sub, Rsub) => Opcode::MulSubRsub,
        (Mul, Sub, Mul) => Opcode::MulSubMul,
        (Mul, Rsub, Add) => Opcode::MulRsubAdd,
        (Mul, Rsub, Sub) => Opcode::MulRsubSub,
        (Mul, Rsub, Rsub) => Opcode::MulRsubRsub,
        (Mul, Rsub, Mul) => Opcode::MulRsubMul,
        (Mul, Mul, Add) => Opcode::MulMulAdd,
        (Mul, Mul, Sub) => Opcode::MulMulSub,
        (Mul, Mul, Rsub) => Opcode::MulMulRsub,
        (Mul, Mul, Mul) => Opcode::MulMulMul,
        (Rsub, ..) => return None,
    })
}

/// The op for `join(left(a, b), right(c, d))`. `None` where the table has no such op.
pub(crate) fn tree(left: Arith, right: Arith, join: Arith) -> Option<Opcode> {
    use Arith::{Add, Mul, Rsub, Sub};
    Some(match (left, right, join) {
        (Add, Add, Add) => Opcode::AddOfAddAdd,
        (Add, Add, Sub) => Opcode::SubOfAddAdd,
        (Add, Add, Mul) => Opcode::MulOfAddAdd,
        (Add, Sub, Add) => Opcode::AddOfAddSub,
        (Add, Sub, Sub) => Opcode::SubOfAddSub,
        (Add, Sub, Mul) => Opcode::MulOfAddSub,
        (Add, Mul, Add) => Opcode::AddOfAddMul,
        (Add, Mul, Sub) => Opcode::SubOfAddMul,
        (Add, Mul, Mul) => Opcode::MulOfAddMul,
        (Sub, Add, Add) => Opcode::AddOfSubAdd,
        (Sub, Add, Sub) => Opcode::SubOfSubAdd,
        (Sub, Add, Mul) => Opcode::MulOfSubAdd,
        (Sub, Sub, Add) => Opcode::AddOfSubSub,
        (Sub, Sub, Sub) => Opcode::SubOfSubSub,
        (Sub, Sub, Mul) => Opcode::MulOfSubSub,
        (Sub, Mul, Add) => Opcode::AddOfSubMul,
        (Sub, Mul, Sub) => Opcode::SubOfSubMul,
        (Sub, Mul, Mul) => Opcode::MulOfSubMul,
        (Mul, Add, Add) => Opcode::AddOfMulAdd,
        (Mul, Add, Sub) => Opcode::SubOfMulAdd,
        (Mul, Add, Mul) => Opcode::MulOfMulAdd,
        (Mul, Sub, Add) => Opcode::AddOfMulSub,
        (Mul, Sub, Sub) => Opcode::SubOfMulSub,
        (Mul, Sub, Mul) => Opcode::MulOfMulSub,
        (Mul, Mul, Add) => Opcode::AddOfMulMul,
        (Mul, Mul, Sub) => Opcode::SubOfMulMul,
        (Mul, Mul, Mul) => Opcode::MulOfMulMul,
        (Rsub, ..) | (_, Rsub, _) | (.., Rsub) => return None,
    })
}
