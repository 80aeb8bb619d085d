//! Writes elementary functions out as basic ops, for backends that compile to machine code.
//!
//! The formulas are those of [`crate::math`], instantiated for a builder: the same operations in
//! the same order as the oracle computes, hence the same bits. Where a formula does not reach, a
//! cold block calls the precise function ([`Op::Slow`]).

use crate::build::Builder;
use crate::math::{self, Lanes, SlowFn};
use crate::module::{Function, Inst, Module, ValueId};
use crate::op::{Op, Pure, Ty};
use crate::opt::cfg::Cfg;
use crate::opt::rewrite::{Aliases, definitions};

/// Instructions written out in one program; beyond, elementary functions stay one op, which a
/// backend calls. Keeps the time of a compile in proportion to the text.
const BUDGET: u32 = 40_000;

/// An op this small is written out even when the budget is used up: a call would cost as much.
const SMALL: u32 = 5;

/// Runs on every function the kernel can reach.
pub fn run(module: &mut Module) {
    let Some(root) = module.kernel.or(module.dsp) else { return };
    let mut left = BUDGET;
    for func in super::inline::reachable(module, root) {
        legalise(&mut module.funcs[func], &mut left);
    }
}

/// Runs on one function, as far as `left` instructions go.
fn legalise(func: &mut Function, left: &mut u32) {
    let mut aliases = Aliases::default();
    let constants = definitions(func);
    let constant = |func: &Function, value: ValueId| match func.insts
        [constants.get(value).copied().flatten()?]
    .op
    {
        Op::Fconst(bits) => Some(f64::from_bits(bits)),
        _ => None,
    };
    for block in Cfg::new(func).order {
        let insts = std::mem::take(&mut func.blocks[block].insts);
        let end = std::mem::replace(&mut func.blocks[block].end, crate::module::Term::Open);
        let mut emit = Emit { b: Builder { func, block } };
        for inst in insts {
            let data = emit.b.func.insts[inst].clone();
            let divisor = data.args.get(1).and_then(|b| constant(emit.b.func, aliases.get(*b)));
            let cost = super::inline::cost(&data.op);
            let fits = cost <= SMALL || cost <= *left;
            let expanded = if fits { expand(&mut emit, &data, &aliases, divisor) } else { None };
            match expanded {
                Some(value) => {
                    *left = left.saturating_sub(cost);
                    aliases.set(data.results[0], value);
                }
                None => {
                    let last = emit.b.block;
                    emit.b.func.blocks[last].insts.push(inst);
                }
            }
        }
        let last = emit.b.block;
        func.blocks[last].end = end;
    }
    aliases.apply(func);
}

/// The value of an elementary function or cheaper division written out, or `None` for an op that stays.
fn expand(
    emit: &mut Emit<'_>,
    inst: &Inst,
    aliases: &Aliases,
    second: Option<f64>,
) -> Option<ValueId> {
    let Op::Pure(op) = inst.op else { return None };
    let a = aliases.get(*inst.args.first()?);
    let b = inst.args.get(1).map_or(a, |b| aliases.get(*b));
    let value = match op {
        Pure::Div => {
            let inverse = emit.fconst(exact_reciprocal(second?)?);
            emit.mul(a, inverse)
        }
        Pure::Rem => match second {
            Some(divisor) => math::rem_const(emit, a, divisor),
            None => math::rem(emit, a, b),
        },
        Pure::Round => math::round(emit, a),
        Pure::Min => math::min(emit, a, b),
        Pure::Max => math::max(emit, a, b),
        Pure::Sin => math::sin(emit, a),
        Pure::Cos => math::cos(emit, a),
        Pure::Tan => math::tan(emit, a),
        Pure::Asin => math::asin(emit, a),
        Pure::Acos => math::acos(emit, a),
        Pure::Atan => math::atan(emit, a),
        Pure::Atan2 => math::atan2(emit, a, b),
        Pure::Sinh => math::sinh(emit, a),
        Pure::Cosh => math::cosh(emit, a),
        Pure::Tanh => math::tanh(emit, a),
        Pure::Log => math::log(emit, a),
        Pure::Pow => math::pow(emit, a, b),
        _ => return None,
    };
    Some(value)
}

/// `1 / x` of a power of two, where that is normal: multiplying by it scales as exactly as dividing by
/// `x` does, so that the same results overflow or are flushed, and no bit differs.
fn exact_reciprocal(x: f64) -> Option<f64> {
    let inverse = 1.0 / x;
    let power = x.is_normal() && x.to_bits() << 12 == 0;
    (power && inverse.is_normal()).then_some(inverse)
}

/// A builder as an implementor of [`Lanes`]: values stand for numbers.
struct Emit<'f> {
    b: Builder<'f>,
}

macro_rules! emit_ops {
    ($( $name:ident ( $($arg:ident),* ) $op:ident; )*) => {
        $( fn $name(&mut self, $($arg: ValueId),*) -> ValueId { self.b.pure(Pure::$op, &[$($arg),*]) } )*
    };
}

impl Lanes for Emit<'_> {
    type F = ValueId;
    type I = ValueId;
    type B = ValueId;

    emit_ops! {
        add(a, b) Add;
        sub(a, b) Sub;
        mul(a, b) Mul;
        div(a, b) Div;
        neg(a) Neg;
        abs(a) Abs;
        sqrt(a) Sqrt;
        trunc(a) Trunc;
        feq(a, b) Feq;
        flt(a, b) Flt;
        fle(a, b) Fle;
        and(a, b) Iand;
        xor(a, b) Ixor;
        select_f(mask, yes, no) Select;
        bits(a) Bits;
        from_bits(a) FromBits;
        iadd(a, b) Iadd;
        isub(a, b) Isub;
        iand(a, b) Iand;
        ior(a, b) Ior;
        ixor(a, b) Ixor;
        ieq(a, b) Ieq;
    }

    fn fconst(&mut self, value: f64) -> ValueId {
        self.b.fconst(value)
    }

    fn iconst(&mut self, value: i64) -> ValueId {
        self.b.iconst(value)
    }

    fn shl(&mut self, a: ValueId, by: u32) -> ValueId {
        let by = self.b.iconst(i64::from(by));
        self.b.pure(Pure::Ishl, &[a, by])
    }

    fn ushr(&mut self, a: ValueId, by: u32) -> ValueId {
        let by = self.b.iconst(i64::from(by));
        self.b.pure(Pure::Ushr, &[a, by])
    }

    fn slow(&mut self, inside: ValueId, fast: ValueId, which: SlowFn, args: &[ValueId]) -> ValueId {
        let (cold, join) = (self.b.new_block(), self.b.new_block());
        let result = self.b.param(join, Ty::F64);
        self.b.branch(inside, (join, &[fast]), (cold, &[]));
        self.b.switch_to(cold);
        let precise = self.b.value(Op::Slow(which), args, Ty::F64);
        self.b.jump(join, &[precise]);
        self.b.switch_to(join);
        result
    }
}

#[cfg(test)]
mod tests;
