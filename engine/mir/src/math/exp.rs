//! Exponentials and the hyperbolic functions.
//!
//! The argument becomes n + r with integer n and |r| <= 1/2 (of ln 2, or of 1 in base 2); a polynomial
//! gives q = e^r - 1 or 2^r - 1, and 2^n is made from the bits of n.

use super::poly::{Powers, poly};
use super::{Lanes, SlowFn};

/// e^x and e^-x are normal up to here; larger |x| take the slow path.
const LIMIT: f64 = 708.0;
/// From here on tanh is 1 to the last bit.
const TANH_LIMIT: f64 = 20.0;
const LOG2_E: f64 = std::f64::consts::LOG2_E;

/// ln 2 in 32 bits, so that its multiples by n are exact, and the rest; the sum is 1e-27 off.
pub(super) const LN2: [f64; 2] = [0.6931471806019545, -4.2009150726810846e-11];

/// e^r = 1 + r + r^2 P(r), |r| <= ln2/2; P is 1e-16 off at most.
const EXP: [f64; 10] = [
    0.5000000000000001,
    0.16666666666666674,
    0.04166666666662415,
    0.008333333333322215,
    0.0013888888917200544,
    0.00019841269886564062,
    2.480152131722224e-05,
    2.7557242367156263e-06,
    2.762007804118869e-07,
    2.511003840733968e-08,
];

/// 2^r = 1 + r P(r), |r| <= 1/2; P is 4e-17 off at most.
const EXP2: [f64; 11] = [
    std::f64::consts::LN_2,
    0.24022650695910097,
    0.05550410866482166,
    0.009618129107606887,
    0.0013333558146395995,
    0.00015403530441738451,
    1.5252733853285594e-05,
    1.3215442586644616e-06,
    1.0178051727059746e-07,
    7.072586176137311e-09,
    4.4566754822322516e-10,
];

/// [`EXP2`] without the linear term: 2^r = 1 + r ln 2 + r^2 P(r).
const EXP2_TAIL: [f64; 10] = {
    let [_, tail @ ..] = EXP2;
    tail
};

/// ln 2 in 26 bits, and the rest.
const LN2_SHORT: [f64; 2] = [0.6931471824645996, -1.904654299957768e-09];

/// e^x, 2 ulp.
#[inline]
pub fn exp<L: Lanes>(l: &mut L, x: L::F) -> L::F {
    let (scale, q) = exp_parts(l, x);
    let one = l.fconst(1.0);
    let m = l.add(q, one);
    let fast = l.mul(m, scale);
    let inside = within(l, x);
    l.slow(inside, fast, SlowFn::Exp, &[x])
}

/// 2^x, 2 ulp.
#[inline]
pub fn exp2<L: Lanes>(l: &mut L, x: L::F) -> L::F {
    let (n, shifted) = l.nearest(x);
    let r = l.sub(x, n);
    let q = exp2_minus_one(l, r);
    let (scale, one) = (power_of_two(l, shifted), l.fconst(1.0));
    let m = l.add(q, one);
    let fast = l.mul(m, scale);
    let (size, limit) = (l.abs(x), l.fconst(1020.0));
    let inside = l.fle(size, limit);
    l.slow(inside, fast, SlowFn::Exp2, &[x])
}

/// Hyperbolic sine, 4 ulp.
#[inline]
pub fn sinh<L: Lanes>(l: &mut L, x: L::F) -> L::F {
    let size = l.abs(x);
    let (scale, q) = exp_parts(l, size);
    let m = minus_one(l, scale, q);
    // (e^x - e^-x)/2 = (m + m/(m + 1))/2 with m = e^x - 1: no cancellation near 0.
    let (one, half) = (l.fconst(1.0), l.fconst(0.5));
    let e = l.add(m, one);
    let other = l.div(m, e);
    let sum = l.add(m, other);
    let fast = l.mul(sum, half);
    let fast = l.with_sign(fast, x);
    let inside = within(l, x);
    l.slow(inside, fast, SlowFn::Sinh, &[x])
}

/// Hyperbolic cosine, 4 ulp.
#[inline]
pub fn cosh<L: Lanes>(l: &mut L, x: L::F) -> L::F {
    let size = l.abs(x);
    let (scale, q) = exp_parts(l, size);
    let (one, half) = (l.fconst(1.0), l.fconst(0.5));
    let m = l.add(q, one);
    let scale = l.mul(scale, half);
    let e = l.mul(m, scale);
    let quarter = l.fconst(0.25);
    let other = l.div(quarter, e);
    let fast = l.add(e, other);
    let inside = within(l, x);
    l.slow(inside, fast, SlowFn::Cosh, &[x])
}

/// Hyperbolic tangent, at most the larger of 2 ulp and 2^-52 off; never beyond 1. No slow path.
#[inline]
pub fn tanh<L: Lanes>(l: &mut L, x: L::F) -> L::F {
    let (size, limit) = (l.abs(x), l.fconst(TANH_LIMIT));
    let beyond = l.flt(limit, size);
    let size = l.select_f(beyond, limit, size);
    // Base 2 with one rounding: a relative error of the argument reaches tanh at most once.
    let k = l.fconst(2.0 * LOG2_E);
    let y = l.mul(size, k);
    let (n, shifted) = l.nearest(y);
    let r = l.sub(y, n);
    let q = exp2_minus_one(l, r);
    let scale = power_of_two(l, shifted);
    let m = minus_one(l, scale, q);
    // tanh x = m/(m + 2) with m = e^2x - 1: no cancellation near 0.
    let two = l.fconst(2.0);
    let below = l.add(m, two);
    let t = l.div(m, below);
    l.with_sign(t, x)
}

/// 2^n and q, with e^x = 2^n (1 + q), for |x| <= [`LIMIT`].
#[inline(always)]
fn exp_parts<L: Lanes>(l: &mut L, x: L::F) -> (L::F, L::F) {
    let inv = l.fconst(LOG2_E);
    let y = l.mul(x, inv);
    let (n, shifted) = l.nearest(y);
    let mut r = x;
    for part in LN2 {
        let part = l.fconst(part);
        let multiple = l.mul(n, part);
        r = l.sub(r, multiple);
    }
    let powers = Powers::up_to_8(l, r);
    let square = powers.square();
    let powers = powers.up_to_16(l);
    let p = poly(l, powers, &EXP);
    let tail = l.mul(square, p);
    let q = l.add(r, tail);
    (power_of_two(l, shifted), q)
}

/// 2^(hi + lo) 2^n, for |hi + lo| <= 1/2, `hi` of 26 bits, and n in the low bits of `shifted`.
#[inline(always)]
pub(super) fn exp2_parts<L: Lanes>(l: &mut L, hi: L::F, lo: L::F, shifted: L::F) -> L::F {
    let r = l.add(hi, lo);
    let powers = Powers::up_to_8(l, r);
    let square = powers.square();
    let powers = powers.up_to_16(l);
    let p = poly(l, powers, &EXP2_TAIL);
    let curve = l.mul(square, p);
    // The linear term in two floats; its larger part is exact.
    let (c_hi, c_lo, c) = (l.fconst(LN2_SHORT[0]), l.fconst(LN2_SHORT[1]), l.fconst(EXP2[0]));
    let line = l.mul(hi, c_hi);
    let (a, b) = (l.mul(hi, c_lo), l.mul(lo, c));
    let rest = l.add(a, b);
    let rest = l.add(curve, rest);
    // 1 + line + rest with one rounding that matters.
    let one = l.fconst(1.0);
    let base = l.add(line, one);
    let taken = l.sub(base, one);
    let lost = l.sub(line, taken);
    let rest = l.add(rest, lost);
    let m = l.add(base, rest);
    let scale = power_of_two(l, shifted);
    l.mul(m, scale)
}

/// 2^r - 1 for |r| <= 1/2, with its full relative precision.
#[inline(always)]
fn exp2_minus_one<L: Lanes>(l: &mut L, r: L::F) -> L::F {
    let powers = Powers::up_to_8(l, r).up_to_16(l);
    let p = poly(l, powers, &EXP2);
    l.mul(r, p)
}

/// 2^n for the integer n, -1022 to 1023, in the low bits of `shifted`.
#[inline(always)]
fn power_of_two<L: Lanes>(l: &mut L, shifted: L::F) -> L::F {
    let bits = l.bits(shifted);
    let exponent = l.shl(bits, 52);
    let one = l.iconst(0x3ff0_0000_0000_0000);
    let bits = l.iadd(exponent, one);
    l.from_bits(bits)
}

/// `scale (1 + q) - 1`, without cancellation where `scale` is 1.
#[inline(always)]
fn minus_one<L: Lanes>(l: &mut L, scale: L::F, q: L::F) -> L::F {
    let one = l.fconst(1.0);
    let grown = l.mul(scale, q);
    let base = l.sub(scale, one);
    l.add(grown, base)
}

/// |x| <= 708; false for NaN.
#[inline(always)]
fn within<L: Lanes>(l: &mut L, x: L::F) -> L::B {
    let (size, limit) = (l.abs(x), l.fconst(LIMIT));
    l.fle(size, limit)
}
