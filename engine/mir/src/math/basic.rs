//! Remainder, rounding and extremes: exact, or exact up to the roundings their definition names.

use super::Lanes;

/// `a - trunc(a / b) * b`, product and difference rounded, for finite `b`; `a` for finite `a` and
/// infinite `b`; else NaN. The sign is that of `a`.
#[inline]
pub fn rem<L: Lanes>(l: &mut L, a: L::F, b: L::F) -> L::F {
    let q = l.div(a, b);
    let q = l.trunc(q);
    let product = l.mul(q, b);
    // For infinite b the quotient is a zero, or NaN for non-finite a, and the product would be NaN.
    let (size, inf) = (l.abs(b), l.fconst(f64::INFINITY));
    let endless = l.feq(size, inf);
    let none = l.abs(q);
    let product = l.select_f(endless, none, product);
    l.sub(a, product)
}

/// [`rem`] for a divisor known at compile time: the same bits, with no division where `b` is a power of
/// two (both roundings of `a * (1 / b)` and `a / b` are then the same one).
#[inline]
pub fn rem_const<L: Lanes>(l: &mut L, a: L::F, b: f64) -> L::F {
    let m = b.abs();
    // Far from the ends, so that neither 1 / b nor b is denormal.
    if m.to_bits() << 12 != 0 || !(1e-150..=1e150).contains(&m) {
        let b = l.fconst(b);
        return rem(l, a, b);
    }
    if m == 1.0 {
        let q = l.trunc(a);
        return l.sub(a, q);
    }
    let (inverse, b) = (l.fconst(1.0 / b), l.fconst(b));
    let q = l.mul(a, inverse);
    let q = l.trunc(q);
    let product = l.mul(q, b);
    l.sub(a, product)
}

/// The nearest integer, halves away from zero; keeps the sign of a zero. Exact.
#[inline]
pub fn round<L: Lanes>(l: &mut L, a: L::F) -> L::F {
    // The float before 1/2: adding 1/2 itself would lift the float before 0.5, and odd numbers near 2^52.
    let half = l.fconst(0.5_f64.next_down());
    let half = l.with_sign(half, a);
    let a = l.add(a, half);
    l.trunc(a)
}

/// The smaller of two; the other one where one is NaN; `a` where they compare equal, so that
/// `min(-0, 0)` is -0 and `min(0, -0)` is 0.
#[inline]
pub fn min<L: Lanes>(l: &mut L, a: L::F, b: L::F) -> L::F {
    let other = l.flt(b, a);
    let least = l.select_f(other, b, a);
    let number = l.feq(a, a);
    l.select_f(number, least, b)
}

/// The larger of two; the other one where one is NaN; `a` where they compare equal.
#[inline]
pub fn max<L: Lanes>(l: &mut L, a: L::F, b: L::F) -> L::F {
    let other = l.flt(a, b);
    let most = l.select_f(other, b, a);
    let number = l.feq(a, a);
    l.select_f(number, most, b)
}
