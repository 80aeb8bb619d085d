//! Logarithms and powers.
//!
//! x = 2^k m with m between sqrt(1/2) and sqrt(2); log m is an odd series in s = (m - 1)/(m + 1). A power
//! is 2^(y log2 x) with the logarithm in two floats. It is written as two halves, [`log2_parts`] and
//! [`exp2_product`], so that folding a constant base leaves the second half alone, with the same bits.

use super::exp::{LN2, exp2_parts};
use super::poly::{Powers, poly};
use super::{Lanes, SlowFn};

const ONE_BITS: i64 = 0x3ff0_0000_0000_0000;
/// Bits of sqrt(1/2).
const SQRT_HALF_BITS: i64 = 0x3fe6_a09e_667f_3bcd;
/// The bits of 2^52, into whose low bits an integer below 2^52 fits.
const INTEGRAL_BITS: i64 = 0x4330_0000_0000_0000;
/// Keeps 26 significant bits: products of two such floats are exact.
const UPPER_HALF: i64 = !0x07ff_ffff;
/// |y log2 x| up to here takes the fast path: 2 to this power, and its inverse, are normal.
const POWER_LIMIT: f64 = 1020.0;

/// log m = s (2 + z P(z)), z = s^2, |s| <= 0.1716; relative error 2^-59.
const LOG: [f64; 7] = [
    0.6666666666666734,
    0.39999999999416636,
    0.2857142874203011,
    0.22222198604816062,
    0.18183562864785693,
    0.15314084483951354,
    0.14795636948717866,
];

/// log m = 2/3 s (3 + z + z^2 P(z)); relative error 2^-72.
const LOG_LONG: [f64; 8] = [
    0.5999999999999996,
    0.428571428571688,
    0.33333333326049525,
    0.2727272833394533,
    0.23076833479604103,
    0.2000454573264949,
    0.17510762881396164,
    0.17996557104130725,
];

/// 2/(3 ln 2) in 26 bits, and the rest.
const TWO_OVER_3_LN2: [f64; 2] = [0.9617967009544373, -7.028461650952758e-09];

/// log2 of a number, as `hi + lo`, unevaluated; `hi` has 26 bits.
#[derive(Clone, Copy, Debug)]
pub struct Log2<F> {
    /// The value, rounded to 26 bits.
    pub hi: F,
    /// What is missing; relative error of the sum about 2^-65.
    pub lo: F,
}

/// Natural logarithm, 2 ulp; -inf for zero, NaN below it.
#[inline]
pub fn log<L: Lanes>(l: &mut L, x: L::F) -> L::F {
    let (k, m) = split(l, x);
    let (one, two, half) = (l.fconst(1.0), l.fconst(2.0), l.fconst(0.5));
    let f = l.sub(m, one);
    let below = l.add(f, two);
    let s = l.div(f, below);
    let z = l.mul(s, s);
    let powers = Powers::up_to_8(l, z);
    let p = poly(l, powers, &LOG);
    let rest = l.mul(z, p);
    // log m = s (2 + rest) = f - (f^2/2 - s (f^2/2 + rest)): f is exact, what is taken off is small.
    let square = l.mul(f, f);
    let square = l.mul(square, half);
    let sum = l.add(square, rest);
    let w = l.mul(s, sum);
    let (upper, lower) = (l.fconst(LN2[0]), l.fconst(LN2[1]));
    let upper = l.mul(k, upper);
    let lower = l.mul(k, lower);
    let w = l.add(w, lower);
    let off = l.sub(square, w);
    let off = l.sub(off, f);
    let fast = l.sub(upper, off);
    let inside = positive_normal(l, x);
    l.slow(inside, fast, SlowFn::Log, &[x])
}

/// Logarithm to base 2, 2 ulp; exact for powers of two.
#[inline]
pub fn log2<L: Lanes>(l: &mut L, x: L::F) -> L::F {
    let parts = log2_parts(l, x);
    let fast = l.add(parts.hi, parts.lo);
    let inside = positive_normal(l, x);
    l.slow(inside, fast, SlowFn::Log2, &[x])
}

/// x to the power y: at most 4 ulp off, special cases as in C99.
#[inline]
pub fn pow<L: Lanes>(l: &mut L, x: L::F, y: L::F) -> L::F {
    let log = log2_parts(l, x);
    let (exponent, fast) = exp2_product(l, y, log);
    let (size, limit) = (l.abs(exponent), l.fconst(POWER_LIMIT));
    let base = positive_normal(l, x);
    let range = l.fle(size, limit);
    let inside = l.and(base, range);
    l.slow(inside, fast, SlowFn::Pow, &[x, y])
}

/// log2 x in two floats, for positive normal x (garbage, but no trap, for others).
#[inline]
pub fn log2_parts<L: Lanes>(l: &mut L, x: L::F) -> Log2<L::F> {
    let (k, m) = split(l, x);
    let (s, s_hi, s_lo) = quotient(l, m);
    let (t_hi, t_lo) = series(l, s, s_hi, s_lo);
    // u = s t in two floats, log2 m = 2/(3 ln 2) u.
    let u = l.mul(s_hi, t_hi);
    let (a, b) = (l.mul(s_lo, t_hi), l.mul(t_lo, s));
    let v = l.add(a, b);
    let p = l.add(u, v);
    let p_hi = l.mask_f(p, UPPER_HALF);
    let p_lo = l.sub(p_hi, u);
    let p_lo = l.sub(v, p_lo);
    let (c_hi, c_lo) = (l.fconst(TWO_OVER_3_LN2[0]), l.fconst(TWO_OVER_3_LN2[1]));
    let c = l.fconst(TWO_OVER_3_LN2[0] + TWO_OVER_3_LN2[1]);
    let g_hi = l.mul(c_hi, p_hi);
    let (a, b) = (l.mul(c_lo, p_hi), l.mul(p_lo, c));
    let g_lo = l.add(a, b);
    // k + g, k exact.
    let g = l.add(g_hi, g_lo);
    let hi = l.add(g, k);
    let hi = l.mask_f(hi, UPPER_HALF);
    let lo = l.sub(hi, k);
    let lo = l.sub(lo, g_hi);
    Log2 { hi, lo: l.sub(g_lo, lo) }
}

/// s = (m - 1)/(m + 1), rounded; its upper half; and what that lacks.
#[inline(always)]
fn quotient<L: Lanes>(l: &mut L, m: L::F) -> (L::F, L::F, L::F) {
    let one = l.fconst(1.0);
    let f = l.sub(m, one);
    let d = l.add(m, one);
    let d_hi = l.mask_f(d, UPPER_HALF);
    let d_lo = l.sub(d_hi, one);
    let d_lo = l.sub(m, d_lo);
    let inverse = l.div(one, d);
    let s = l.mul(f, inverse);
    let s_hi = l.mask_f(s, UPPER_HALF);
    let (a, b) = (l.mul(s_hi, d_hi), l.mul(s_hi, d_lo));
    let rest = l.sub(f, a);
    let rest = l.sub(rest, b);
    (s, s_hi, l.mul(rest, inverse))
}

/// t = 3 + s^2 + s^4 P(s^2) in two floats, the upper one of 26 bits; s^2 is s_hi^2 and what s_lo adds.
#[inline(always)]
fn series<L: Lanes>(l: &mut L, s: L::F, s_hi: L::F, s_lo: L::F) -> (L::F, L::F) {
    let z = l.mul(s, s);
    let powers = Powers::up_to_8(l, z);
    let p = poly(l, powers, &LOG_LONG);
    let z2 = l.mul(z, z);
    let p = l.mul(z2, p);
    let both = l.add(s_hi, s);
    let more = l.mul(s_lo, both);
    let r = l.add(p, more);
    let (z_hi, three) = (l.mul(s_hi, s_hi), l.fconst(3.0));
    let t = l.add(z_hi, three);
    let t = l.add(t, r);
    let t_hi = l.mask_f(t, UPPER_HALF);
    let t_lo = l.sub(t_hi, three);
    let t_lo = l.sub(t_lo, z_hi);
    (t_hi, l.sub(r, t_lo))
}

/// `y log2 x` rounded, and 2 to its unrounded value, for a product of magnitude up to 1020.
#[inline]
pub fn exp2_product<L: Lanes>(l: &mut L, y: L::F, log: Log2<L::F>) -> (L::F, L::F) {
    let y_hi = l.mask_f(y, UPPER_HALF);
    let y_lo = l.sub(y, y_hi);
    let p_hi = l.mul(y_hi, log.hi);
    let (a, b) = (l.mul(y_lo, log.hi), l.mul(y, log.lo));
    let p_lo = l.add(a, b);
    let p = l.add(p_hi, p_lo);
    let (n, shifted) = l.nearest(p);
    // r = (p_hi - n) + p_lo in two floats, so that exact powers come out exact.
    let r = l.sub(p_hi, n);
    let r_hi = l.mask_f(r, UPPER_HALF);
    let r_lo = l.sub(r, r_hi);
    let r_lo = l.add(r_lo, p_lo);
    (p, exp2_parts(l, r_hi, r_lo, shifted))
}

/// k and m with x = 2^k m and m between sqrt(1/2) and sqrt(2), for positive normal x.
#[inline(always)]
fn split<L: Lanes>(l: &mut L, x: L::F) -> (L::F, L::F) {
    let bits = l.bits(x);
    // The biased exponent of x / sqrt(1/2), as if sqrt(1/2) were 1: never negative.
    let shift = l.iconst(ONE_BITS - SQRT_HALF_BITS);
    let moved = l.iadd(bits, shift);
    let biased = l.ushr(moved, 52);
    let exponent = l.shl(biased, 52);
    let one = l.iconst(ONE_BITS);
    let less = l.isub(exponent, one);
    let m = l.isub(bits, less);
    let m = l.from_bits(m);
    let integral = l.iconst(INTEGRAL_BITS);
    let k = l.ior(biased, integral);
    let k = l.from_bits(k);
    let bias = l.fconst(4_503_599_627_370_496.0 + 1023.0);
    (l.sub(k, bias), m)
}

/// Whether x is positive, normal and finite.
#[inline(always)]
fn positive_normal<L: Lanes>(l: &mut L, x: L::F) -> L::B {
    let (least, most) = (l.fconst(f64::MIN_POSITIVE), l.fconst(f64::MAX));
    let above = l.fle(least, x);
    let below = l.fle(x, most);
    l.and(above, below)
}
