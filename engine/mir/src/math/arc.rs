//! Inverse sine, cosine and tangent, in radians.

use super::poly::{Powers, poly};
use super::{Lanes, SlowFn};
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

/// tan(pi/8), where atan changes from t to (t - 1)/(t + 1).
const TAN_PI_8: f64 = std::f64::consts::SQRT_2 - 1.0;
/// What f64's pi/2 lacks.
const FRAC_PI_2_REST: f64 = 6.123233995736766e-17;

/// asin s = s + s z P(z), z = s^2, 0 <= s <= 1/2; relative error 2^-54.
const ASIN: [f64; 12] = [
    0.16666666666665383,
    0.07500000000342935,
    0.044642856823557085,
    0.030381959328545528,
    0.022371753582551737,
    0.01735977028002222,
    0.01388460602866343,
    0.012173233705346672,
    0.0065110330250127265,
    0.019573433727736605,
    -0.016293202598777968,
    0.031958050713395025,
];

/// atan t = t + t z P(z), z = t^2, |t| <= tan(pi/8); relative error 2^-58.
const ATAN: [f64; 11] = [
    -0.333333333333332,
    0.19999999999953819,
    -0.14285714280220643,
    0.11111110784690073,
    -0.09090897793466551,
    0.07692060850340053,
    -0.0666311119703276,
    0.0584794032919804,
    -0.05039527981845245,
    0.03806998441270458,
    -0.017912747890852964,
];

/// Inverse sine, 4 ulp; NaN outside -1..=1.
#[inline]
pub fn asin<L: Lanes>(l: &mut L, x: L::F) -> L::F {
    let (small, p) = asin_core(l, x);
    let twice = l.add(p, p);
    let (quarter, rest) = (l.fconst(FRAC_PI_2), l.fconst(FRAC_PI_2_REST));
    let twice = l.sub(twice, rest);
    let big = l.sub(quarter, twice);
    let size = l.select_f(small, p, big);
    l.with_sign(size, x)
}

/// Inverse cosine, 4 ulp; NaN outside -1..=1.
#[inline]
pub fn acos<L: Lanes>(l: &mut L, x: L::F) -> L::F {
    let (small, p) = asin_core(l, x);
    let zero = l.fconst(0.0);
    let negative = l.flt(x, zero);
    let minus = l.neg(p);
    // pi/2 - asin x near 0; 2 p on the right; pi - 2 p on the left.
    let (quarter, half) = (l.fconst(FRAC_PI_2), l.fconst(PI));
    let down = l.select_f(negative, minus, p);
    let near = l.sub(quarter, down);
    let twice = l.add(p, p);
    let left = l.sub(half, twice);
    let far = l.select_f(negative, left, twice);
    l.select_f(small, near, far)
}

/// Whether |x| <= 1/2; and asin |x| there, else asin(sqrt((1 - |x|)/2)), which is half of acos |x|.
#[inline(always)]
fn asin_core<L: Lanes>(l: &mut L, x: L::F) -> (L::B, L::F) {
    let (one, half) = (l.fconst(1.0), l.fconst(0.5));
    let size = l.abs(x);
    let small = l.fle(size, half);
    let square = l.mul(size, size);
    let complement = l.sub(one, size);
    let complement = l.mul(complement, half);
    let z = l.select_f(small, square, complement);
    let root = l.sqrt(complement);
    let s = l.select_f(small, size, root);
    let powers = Powers::up_to_8(l, z).up_to_16(l);
    let p = poly(l, powers, &ASIN);
    let cubic = l.mul(s, z);
    let tail = l.mul(cubic, p);
    (small, l.add(s, tail))
}

/// Inverse tangent, 4 ulp.
#[inline]
pub fn atan<L: Lanes>(l: &mut L, x: L::F) -> L::F {
    let one = l.fconst(1.0);
    let size = l.abs(x);
    let steep = l.flt(one, size);
    let low = l.select_f(steep, one, size);
    let high = l.select_f(steep, size, one);
    let angle = octant(l, low, high);
    let quarter = l.fconst(FRAC_PI_2);
    let other = l.sub(quarter, angle);
    let angle = l.select_f(steep, other, angle);
    l.with_sign(angle, x)
}

/// The angle of the point (x, y), 4 ulp; libm's for the origin, for infinities and NaN, and for points
/// further out than 2^1000 or nearer than 2^-960.
#[inline]
pub fn atan2<L: Lanes>(l: &mut L, y: L::F, x: L::F) -> L::F {
    let (width, height) = (l.abs(x), l.abs(y));
    let steep = l.flt(width, height);
    let low = l.select_f(steep, width, height);
    let high = l.select_f(steep, height, width);
    let angle = octant(l, low, high);
    let (quarter, half, zero) = (l.fconst(FRAC_PI_2), l.fconst(PI), l.fconst(0.0));
    let other = l.sub(quarter, angle);
    let angle = l.select_f(steep, other, angle);
    let left = l.flt(x, zero);
    let other = l.sub(half, angle);
    let angle = l.select_f(left, other, angle);
    let fast = l.with_sign(angle, y);
    // `high` is a number where the comparison is true, but `low` may still be NaN: add them.
    let (near, far) = (
        l.fconst(f64::from_bits((1023 - 960) << 52)),
        l.fconst(f64::from_bits((1023 + 1000) << 52)),
    );
    let sum = l.add(high, low);
    let below = l.fle(sum, far);
    let above = l.fle(near, sum);
    let inside = l.and(below, above);
    l.slow(inside, fast, SlowFn::Atan2, &[y, x])
}

/// atan(low / high) for 0 <= low <= high, high > 0: in 0..=pi/4. One division.
#[inline(always)]
fn octant<L: Lanes>(l: &mut L, low: L::F, high: L::F) -> L::F {
    let edge = l.fconst(TAN_PI_8);
    let edge = l.mul(high, edge);
    let flat = l.fle(low, edge);
    let difference = l.sub(low, high);
    let sum = l.add(low, high);
    let above = l.select_f(flat, low, difference);
    let below = l.select_f(flat, high, sum);
    let t = l.div(above, below);
    let z = l.mul(t, t);
    let powers = Powers::up_to_8(l, z).up_to_16(l);
    let p = poly(l, powers, &ATAN);
    let cubic = l.mul(t, z);
    let tail = l.mul(cubic, p);
    let angle = l.add(t, tail);
    let (zero, eighth) = (l.fconst(0.0), l.fconst(FRAC_PI_4));
    let base = l.select_f(flat, zero, eighth);
    l.add(base, angle)
}
