//! Which integers are only the bits of floats, and are better computed where floats live.
//!
//! Takes a function, gives the integer values whose every use leads back to a float (sign flips,
//! exponents put together): moving them to integer registers and back costs more than the ops. Pure.

use attacca_mir::module::{Function, Inst, ValueId};
use attacca_mir::op::{Op, Pure, Ty};
use cranelift_codegen::entity::SecondaryMap;

/// Whether an op on integers can be done in a float's register.
fn movable(func: &Function, inst: &Inst, shifts: &SecondaryMap<ValueId, bool>) -> bool {
    let Op::Pure(op) = inst.op else { return false };
    if matches!(op, Pure::Ishl | Pure::Ushr) {
        return inst.args.get(1).is_some_and(|by| func.values[*by] == Ty::I64 && shifts[*by]);
    }
    matches!(op, Pure::Iand | Pure::Ior | Pure::Ixor | Pure::Iadd | Pure::Isub)
}

/// The values of `func` to be kept as floats, given its instructions in order of execution.
pub(crate) fn floats(func: &Function) -> SecondaryMap<ValueId, bool> {
    let insts: Vec<&Inst> =
        func.blocks.values().flat_map(|b| &b.insts).map(|i| &func.insts[*i]).collect();
    let mut constants: SecondaryMap<ValueId, bool> = SecondaryMap::new();
    for inst in &insts {
        if let (Op::Iconst(_), Some(result)) = (&inst.op, inst.results.first()) {
            constants[*result] = true;
        }
    }
    let mut chosen: SecondaryMap<ValueId, bool> = SecondaryMap::new();
    // Forwards: what is made of the bits of a float. One more round for what a back edge brings is
    // not needed: block parameters are never chosen.
    let mut bits: SecondaryMap<ValueId, bool> = SecondaryMap::new();
    for _ in 0..4 {
        for inst in &insts {
            let Some(result) = inst.results.first() else { continue };
            let from = inst.args.iter().any(|arg| bits[*arg]);
            bits[*result] =
                matches!(inst.op, Op::Pure(Pure::Bits)) || from && movable(func, inst, &constants);
            chosen[*result] = from && bits[*result];
        }
    }
    // Backwards: what is used otherwise stays an integer.
    loop {
        let mut changed = false;
        let mut drop = |value: ValueId, chosen: &mut SecondaryMap<ValueId, bool>| {
            changed |= std::mem::replace(&mut chosen[value], false);
        };
        for inst in &insts {
            let kept = inst.results.first().is_some_and(|result| chosen[*result]);
            if !kept && !matches!(inst.op, Op::Pure(Pure::FromBits)) {
                inst.args.iter().for_each(|arg| drop(*arg, &mut chosen));
            }
        }
        for block in func.blocks.values() {
            block.end.uses().into_iter().for_each(|value| drop(value, &mut chosen));
        }
        if !changed {
            return chosen;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use attacca_mir::build::Builder;

    #[test]
    fn sign_flips_are_chosen_and_numbers_are_not() {
        let mut func = Function::new("f", vec![Ty::F64, Ty::I64]);
        let mut b = Builder::new(&mut func);
        let x = b.param(b.block, Ty::F64);
        let bits = b.pure(Pure::Bits, &[x]);
        let top = b.iconst(63);
        let sign = b.pure(Pure::Ishl, &[bits, top]);
        let flipped = b.pure(Pure::Ixor, &[sign, bits]);
        let out = b.pure(Pure::FromBits, &[flipped]);
        let exponent = b.pure(Pure::Ushr, &[bits, top]);
        let counted = b.pure(Pure::Iadd, &[top, top]);
        let sum = b.pure(Pure::Iadd, &[exponent, counted]);
        b.ret(&[out, sum]);
        let chosen = floats(&func);
        for (value, want) in [
            (sign, true),
            (flipped, true),
            (exponent, false),
            (counted, false),
            (sum, false),
            (bits, false),
        ] {
            assert_eq!(chosen[value], want, "{value}");
        }
    }
}
