//! Runs linear congruential generators on integers.
//!
//! Noise is written `s = (s * A + B) % M`. On floats each sample waits for a product, a sum, a
//! quotient, a truncation, another product and a difference; on integers for a product, a sum and a
//! mask. The pass finds such a value carried round the loop of the kernel (after `promote`), where
//! `M` is a power of two up to 2^52, `A` and `B` are integers from 0 and `(M - 1) * A + B < 2^53`.
//! An integer `n` goes round beside the float `s`, which all other uses read as before.
//!
//! Why no bit changes. Say `s` is an integer of `0..M`, with the sign of +0 if it is zero. Product
//! and sum are integers below 2^53, hence exact; the quotient by a power of two moves the exponent
//! alone, hence is exact; what `rem` truncates, multiplies and subtracts from these is exact too. So
//! the result is the true remainder, which is `(n * A + B) & (M - 1)`; both ways make +0 of a zero,
//! and the result is again an integer of `0..M`. No step meets a denormal.
//!
//! What `s` is when the kernel starts nobody knows: an edit may have left anything there. Whether it
//! is such an integer is found out once before the loop, by comparing bits (so -0, fractions, NaN and
//! denormals are not), and the float formula stays for the case that it is not.

use crate::build::Builder;
use crate::module::{BlockId, Function, InstId, Module, Term, ValueId};
use crate::op::{Op, Pure, Ty};
use crate::opt::cfg::Cfg;
use crate::opt::rewrite::{Aliases, definitions};
use cranelift_entity::SecondaryMap;

/// Runs on the kernel.
pub fn run(module: &mut Module) {
    let Some(kernel) = module.kernel else { return };
    let func = &mut module.funcs[kernel];
    // A generator that was rewritten is none any more: the loop now carries a block parameter.
    while let Some(found) = find(func) {
        rewrite(func, &found);
    }
}

/// `s = (s * factor + step) % modulus`, carried by a loop.
struct Generator {
    /// The block before the loop; it ends in a jump to `header`.
    before: BlockId,
    header: BlockId,
    /// The block that jumps back to `header`.
    latch: BlockId,
    /// `s`: a parameter of `header`.
    state: ValueId,
    /// What `s` is when the loop starts.
    start: ValueId,
    /// The block in which the next `s` is computed.
    block: BlockId,
    formula: Formula,
}

/// `(s * factor + step) % modulus`, without the sum if there is no `step`.
struct Formula {
    factor: i64,
    step: Option<i64>,
    modulus: i64,
    next: ValueId,
    /// Product, sum and remainder.
    insts: Vec<InstId>,
}

fn find(func: &Function) -> Option<Generator> {
    let cfg = Cfg::new(func);
    let facts = Facts { func, defs: definitions(func), uses: uses(func) };
    for (header, body) in cfg.loops() {
        let (inside, outside): (Vec<BlockId>, Vec<BlockId>) =
            cfg.preds[header].iter().partition(|p| body.contains(p));
        let ([latch], [before]) = (inside.as_slice(), outside.as_slice()) else { continue };
        let Term::Jump(enter) = &func.blocks[*before].end else { continue };
        let Some(back) = func.blocks[*latch].end.jumps().find(|j| j.to == header) else { continue };
        for (i, state) in func.blocks[header].params.iter().enumerate() {
            let Some(formula) = facts.formula(*state, back.args[i]) else { continue };
            let holds = |b: &&BlockId| {
                func.blocks[**b].insts.iter().any(|i| Some(*i) == facts.defs[formula.next])
            };
            let Some(block) = body.iter().find(holds) else { continue };
            let (before, latch, block) = (*before, *latch, *block);
            let (state, start) = (*state, enter.args[i]);
            return Some(Generator { before, header, latch, state, start, block, formula });
        }
    }
    None
}

fn uses(func: &Function) -> SecondaryMap<ValueId, u32> {
    let mut uses = SecondaryMap::new();
    for block in func.blocks.values() {
        block.insts.iter().flat_map(|i| &func.insts[*i].args).for_each(|a| uses[*a] += 1);
        block.end.uses().into_iter().for_each(|a| uses[a] += 1);
    }
    uses
}

/// What the search asks about values.
struct Facts<'f> {
    func: &'f Function,
    defs: SecondaryMap<ValueId, Option<InstId>>,
    uses: SecondaryMap<ValueId, u32>,
}

impl Facts<'_> {
    /// How a generator gets from `state` to `next`, if it is one.
    fn formula(&self, state: ValueId, next: ValueId) -> Option<Formula> {
        let (rem, [total, modulus]) = self.pure(next, Pure::Rem)?;
        let modulus = self.integer(modulus)?;
        let (product, step, sum) = match self.once(total, Pure::Add) {
            Some((sum, [a, b])) => match (self.integer(a), self.integer(b)) {
                (None, Some(step)) => (a, Some(step), Some(sum)),
                (Some(step), None) => (b, Some(step), Some(sum)),
                (Some(_), Some(_)) | (None, None) => return None,
            },
            None => (total, None, None),
        };
        let (mul, [a, b]) = self.once(product, Pure::Mul)?;
        let factor = match (a == state, b == state) {
            (true, false) => self.integer(b)?,
            (false, true) => self.integer(a)?,
            (true, true) | (false, false) => return None,
        };
        let most =
            i128::from(modulus - 1) * i128::from(factor) + i128::from(step.unwrap_or_default());
        let exact = modulus.count_ones() == 1 && modulus <= 1 << 52 && most < 1 << 53;
        let insts = [mul].into_iter().chain(sum).chain([rem]).collect();
        exact.then_some(Formula { factor, step, modulus, next, insts })
    }

    fn pure(&self, value: ValueId, op: Pure) -> Option<(InstId, [ValueId; 2])> {
        let inst = self.defs[value]?;
        let data = &self.func.insts[inst];
        match data.args.as_slice() {
            [a, b] if data.op == Op::Pure(op) => Some((inst, [*a, *b])),
            _ => None,
        }
    }

    /// [`Facts::pure`] for a value used in one place only.
    fn once(&self, value: ValueId, op: Pure) -> Option<(InstId, [ValueId; 2])> {
        (self.uses[value] == 1).then(|| self.pure(value, op))?
    }

    /// The integer below 2^53, not negative (nor -0), that the constant `value` is.
    fn integer(&self, value: ValueId) -> Option<i64> {
        let Op::Fconst(bits) = self.func.insts[self.defs[value]?].op else { return None };
        let n = f64::from_bits(bits) as i64;
        ((0..1 << 53).contains(&n) && (n as f64).to_bits() == bits).then_some(n)
    }
}

/// Puts a branch and the two ways before all else in the block: the formula needs nothing of it, and
/// what remains of the block stays in one piece.
fn rewrite(func: &mut Function, found: &Generator) {
    let formula = &found.formula;
    for block in func.blocks.values_mut() {
        block.insts.retain(|i| !formula.insts.contains(i));
    }
    let mut b = Builder { func, block: found.before };
    let (start, exact) = enter(&mut b, found);
    b.func.blocks[found.before].end.jumps_mut().for_each(|jump| jump.args.push(start));
    let number = b.param(found.header, Ty::I64);

    let (whole, float, join) = (b.new_block(), b.new_block(), b.new_block());
    let (next, next_number) = (b.param(join, Ty::F64), b.param(join, Ty::I64));
    let (top, rest) = (&mut b.func.blocks[found.block], Term::Open);
    let (insts, end) = (std::mem::take(&mut top.insts), std::mem::replace(&mut top.end, rest));
    (b.func.blocks[join].insts, b.func.blocks[join].end) = (insts, end);
    let latch = if found.latch == found.block { join } else { found.latch };
    let back = b.func.blocks[latch].end.jumps_mut().filter(|jump| jump.to == found.header);
    back.for_each(|jump| jump.args.push(next_number));
    let mut stands_for = Aliases::default();
    stands_for.set(formula.next, next);
    stands_for.apply(b.func);

    b.switch_to(found.block);
    b.branch(exact, (whole, &[]), (float, &[]));
    b.switch_to(whole);
    let total = on_integers(&mut b, number, formula);
    let value = b.pure(Pure::Itof, &[total]);
    b.jump(join, &[value, total]);
    b.switch_to(float);
    let value = on_floats(&mut b, found.state, formula);
    let none = b.iconst(0);
    b.jump(join, &[value, none]);
}

fn on_integers(b: &mut Builder<'_>, number: ValueId, formula: &Formula) -> ValueId {
    let factor = b.iconst(formula.factor);
    let mut total = b.pure(Pure::Imul, &[number, factor]);
    if let Some(step) = formula.step {
        let step = b.iconst(step);
        total = b.pure(Pure::Iadd, &[total, step]);
    }
    let mask = b.iconst(formula.modulus - 1);
    b.pure(Pure::Iand, &[total, mask])
}

fn on_floats(b: &mut Builder<'_>, state: ValueId, formula: &Formula) -> ValueId {
    let factor = b.fconst(formula.factor as f64);
    let mut total = b.pure(Pure::Mul, &[state, factor]);
    if let Some(step) = formula.step {
        let step = b.fconst(step as f64);
        total = b.pure(Pure::Add, &[total, step]);
    }
    let modulus = b.fconst(formula.modulus as f64);
    b.pure(Pure::Rem, &[total, modulus])
}

/// The start as an integer, and whether it is one of `0..modulus` in every bit.
fn enter(b: &mut Builder<'_>, found: &Generator) -> (ValueId, ValueId) {
    let number = b.pure(Pure::Ftoi, &[found.start]);
    let back = b.pure(Pure::Itof, &[number]);
    let (is, was) = (b.pure(Pure::Bits, &[back]), b.pure(Pure::Bits, &[found.start]));
    let same = b.pure(Pure::Ieq, &[is, was]);
    let (zero, modulus) = (b.iconst(0), b.iconst(found.formula.modulus));
    let low = b.pure(Pure::Ile, &[zero, number]);
    let high = b.pure(Pure::Ilt, &[number, modulus]);
    let within = b.pure(Pure::Iand, &[low, high]);
    (number, b.pure(Pure::Iand, &[same, within]))
}

#[cfg(test)]
mod tests;
