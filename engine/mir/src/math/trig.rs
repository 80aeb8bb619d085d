//! Sine, cosine and tangent of radians.
//!
//! The argument minus the nearest multiple of pi (or pi/2) is taken in parts: the first part of pi has so
//! few bits that its multiples are exact, and so is their difference from the argument (Cody and Waite).

use super::poly::{Powers, poly, tail};
use super::{Lanes, SlowFn};

/// Arguments up to 2^20 take the fast path.
const LIMIT: f64 = 1_048_576.0;
const INV_PI: f64 = std::f64::consts::FRAC_1_PI;
const TWO_OVER_PI: f64 = std::f64::consts::FRAC_2_PI;

/// The upper 33 bits of pi: times a half-integer below 2^18.4, exact.
const PI_1: f64 = 3.1415926534682512;
/// Pi less [`PI_1`]; pi differs from the sum by 7e-27.
const PI_2: f64 = 1.2154201013012384e-10;

/// The upper 33 bits of pi/2, and the rest; the sum is 4e-27 off.
const HALF_PI: [f64; 2] = [1.5707963267341256, 6.077100506506192e-11];

/// sin r = r + r z P(z), z = r^2, |r| <= pi/2; absolute error 3e-19.
const SIN: [f64; 8] = [
    -0.16666666666666666,
    0.008333333333333196,
    -0.00019841269841207673,
    2.7557319210711323e-06,
    -2.5052106827354644e-08,
    1.6058937288015275e-10,
    -7.642927504787904e-13,
    2.7205027303230313e-15,
];

/// sin r = r + r z P(z), |r| <= pi/4; relative error 2^-58.
const SIN_SHORT: [f64; 6] = [
    -0.16666666666666632,
    0.00833333333332249,
    -0.00019841269829857792,
    2.7557313706995275e-06,
    -2.5050760238992093e-08,
    1.5896908978047454e-10,
];

/// cos r = 1 - z/2 + z^2 P(z), |r| <= pi/4; absolute error 2^-64.
const COS_SHORT: [f64; 6] = [
    0.0416666666666666,
    -0.0013888888888874474,
    2.4801587289671523e-05,
    -2.755731440102192e-07,
    2.08757292794275e-09,
    -1.1359934120766979e-11,
];

/// Sine. At most the larger of 2 ulp and 2^-52 off for |x| up to 2^20, and libm's beyond.
#[inline]
pub fn sin<L: Lanes>(l: &mut L, x: L::F) -> L::F {
    let inv_pi = l.fconst(INV_PI);
    let turns = l.mul(x, inv_pi);
    let (n, shifted) = l.nearest(turns);
    let fast = sin_of_rest(l, x, n, shifted);
    let inside = within(l, x);
    l.slow(inside, fast, SlowFn::Sin, &[x])
}

/// Cosine. At most the larger of 2 ulp and 2^-52 off for |x| up to 2^20, and libm's beyond.
#[inline]
pub fn cos<L: Lanes>(l: &mut L, x: L::F) -> L::F {
    // cos x = sin(x + pi/2): the multiples of pi taken off are the half-integers.
    let (inv_pi, half) = (l.fconst(INV_PI), l.fconst(0.5));
    let turns = l.mul(x, inv_pi);
    let turns = l.add(turns, half);
    let (n, shifted) = l.nearest(turns);
    let n = l.sub(n, half);
    let fast = sin_of_rest(l, x, n, shifted);
    let inside = within(l, x);
    l.slow(inside, fast, SlowFn::Cos, &[x])
}

/// sin(x - n pi), negated where the integer in the low bits of `shifted` is odd.
#[inline(always)]
fn sin_of_rest<L: Lanes>(l: &mut L, x: L::F, n: L::F, shifted: L::F) -> L::F {
    let (p1, p2) = (l.fconst(PI_1), l.fconst(PI_2));
    let m1 = l.mul(n, p1);
    let m2 = l.mul(n, p2);
    let r = l.sub(x, m1);
    let r = l.sub(r, m2);
    // The parity moves to the sign bit, beside the polynomial rather than after it.
    let parity = l.bits(shifted);
    let parity = l.shl(parity, 63);
    let flip = l.from_bits(parity);
    let z = l.mul(r, r);
    let r = l.xor_f(r, flip);
    let powers = Powers::up_to_8(l, z);
    sin_poly(l, powers, r, z, &SIN)
}

/// r + r (c[0] z + c[1] z^2 + ...), z = r^2.
///
/// The factor is summed so that it is +0, not -0, where z is 0; and -0 + -0 * 0 keeps its sign.
#[inline(always)]
fn sin_poly<L: Lanes, const N: usize>(
    l: &mut L,
    powers: Powers<L::F>,
    r: L::F,
    z: L::F,
    c: &[f64; N],
) -> L::F {
    let first = l.fconst(c[0]);
    let first = l.mul(z, first);
    let rest = tail(l, powers, c);
    let rest = l.mul(z, rest);
    let factor = l.add(first, rest);
    let curve = l.mul(r, factor);
    l.add(r, curve)
}

/// Tangent. At most 4 ulp off for |x| up to 2^20, and libm's beyond.
#[inline]
pub fn tan<L: Lanes>(l: &mut L, x: L::F) -> L::F {
    let two_over_pi = l.fconst(TWO_OVER_PI);
    let quarters = l.mul(x, two_over_pi);
    let (n, shifted) = l.nearest(quarters);
    let mut r = x;
    for part in HALF_PI {
        let part = l.fconst(part);
        let multiple = l.mul(n, part);
        r = l.sub(r, multiple);
    }
    let z = l.mul(r, r);
    let powers = Powers::up_to_8(l, z);
    let s = sin_poly(l, powers, r, z, &SIN_SHORT);
    let c = cos_short(l, powers, z);
    // In odd quarters tan x = -1 / tan r = cos r / -sin r.
    let (bits, one) = (l.bits(shifted), l.iconst(1));
    let odd = l.iand(bits, one);
    let even = l.iconst(0);
    let even = l.ieq(odd, even);
    let minus = l.neg(s);
    let above = l.select_f(even, s, c);
    let below = l.select_f(even, c, minus);
    let fast = l.div(above, below);
    let near = within(l, x);
    let precise = rest_is_precise(l, x, r);
    let inside = l.and(near, precise);
    l.slow(inside, fast, SlowFn::Tan, &[x])
}

/// cos r for |r| <= pi/4, from the powers of z = r^2.
#[inline(always)]
fn cos_short<L: Lanes>(l: &mut L, powers: Powers<L::F>, z: L::F) -> L::F {
    let (one, half) = (l.fconst(1.0), l.fconst(0.5));
    let c = poly(l, powers, &COS_SHORT);
    let z2 = l.mul(z, z);
    let c = l.mul(c, z2);
    let square = l.mul(z, half);
    let base = l.sub(one, square);
    l.add(base, c)
}

/// |x| <= 2^20; false for NaN.
#[inline(always)]
fn within<L: Lanes>(l: &mut L, x: L::F) -> L::B {
    let (size, limit) = (l.abs(x), l.fconst(LIMIT));
    l.fle(size, limit)
}

/// Whether the rest `r` of `x` has its relative precision, which a quotient needs near 0 too: r is off by
/// at most |x| 2^-86, so by 2^-54 of itself where |r| >= |x| 2^-32. True at 0, where r is x. Hardly a
/// float in a million fails, those next to the multiples of pi/2.
#[inline(always)]
fn rest_is_precise<L: Lanes>(l: &mut L, x: L::F, r: L::F) -> L::B {
    let tiny = l.fconst(f64::from_bits((1023 - 32) << 52));
    let (size, rest) = (l.abs(x), l.abs(r));
    let least = l.mul(size, tiny);
    l.fle(least, rest)
}
