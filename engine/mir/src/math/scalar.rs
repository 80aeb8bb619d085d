//! The functions on plain f64, for the oracle, `vm` and constant folding.

use super::{Lanes, SlowFn};

/// One lane: a float is an f64, an integer an i64, a mask a bool.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scalar;

impl Lanes for Scalar {
    type F = f64;
    type I = i64;
    type B = bool;

    #[inline(always)]
    fn fconst(&mut self, value: f64) -> f64 {
        value
    }
    #[inline(always)]
    fn iconst(&mut self, value: i64) -> i64 {
        value
    }
    #[inline(always)]
    fn add(&mut self, a: f64, b: f64) -> f64 {
        a + b
    }
    #[inline(always)]
    fn sub(&mut self, a: f64, b: f64) -> f64 {
        a - b
    }
    #[inline(always)]
    fn mul(&mut self, a: f64, b: f64) -> f64 {
        a * b
    }
    #[inline(always)]
    fn div(&mut self, a: f64, b: f64) -> f64 {
        a / b
    }
    #[inline(always)]
    fn neg(&mut self, a: f64) -> f64 {
        -a
    }
    #[inline(always)]
    fn abs(&mut self, a: f64) -> f64 {
        a.abs()
    }
    #[inline(always)]
    fn sqrt(&mut self, a: f64) -> f64 {
        a.sqrt()
    }
    #[inline(always)]
    fn trunc(&mut self, a: f64) -> f64 {
        trunc(a)
    }
    #[inline(always)]
    fn feq(&mut self, a: f64, b: f64) -> bool {
        a == b
    }
    #[inline(always)]
    fn flt(&mut self, a: f64, b: f64) -> bool {
        a < b
    }
    #[inline(always)]
    fn fle(&mut self, a: f64, b: f64) -> bool {
        a <= b
    }
    #[inline(always)]
    fn and(&mut self, a: bool, b: bool) -> bool {
        a & b
    }
    #[inline(always)]
    fn xor(&mut self, a: bool, b: bool) -> bool {
        a ^ b
    }
    #[inline(always)]
    fn select_f(&mut self, mask: bool, yes: f64, no: f64) -> f64 {
        if mask { yes } else { no }
    }
    #[inline(always)]
    fn bits(&mut self, a: f64) -> i64 {
        a.to_bits().cast_signed()
    }
    #[inline(always)]
    fn from_bits(&mut self, a: i64) -> f64 {
        f64::from_bits(a.cast_unsigned())
    }
    #[inline(always)]
    fn iadd(&mut self, a: i64, b: i64) -> i64 {
        a.wrapping_add(b)
    }
    #[inline(always)]
    fn isub(&mut self, a: i64, b: i64) -> i64 {
        a.wrapping_sub(b)
    }
    #[inline(always)]
    fn iand(&mut self, a: i64, b: i64) -> i64 {
        a & b
    }
    #[inline(always)]
    fn ior(&mut self, a: i64, b: i64) -> i64 {
        a | b
    }
    #[inline(always)]
    fn ixor(&mut self, a: i64, b: i64) -> i64 {
        a ^ b
    }
    #[inline(always)]
    fn shl(&mut self, a: i64, by: u32) -> i64 {
        a << by
    }
    #[inline(always)]
    fn ushr(&mut self, a: i64, by: u32) -> i64 {
        (a.cast_unsigned() >> by).cast_signed()
    }
    #[inline(always)]
    fn ieq(&mut self, a: i64, b: i64) -> bool {
        a == b
    }
    #[inline(always)]
    fn slow(&mut self, inside: bool, fast: f64, which: SlowFn, args: &[f64]) -> f64 {
        if inside { fast } else { eval_cold(which, args) }
    }
}

#[cold]
#[inline(never)]
fn eval_cold(which: SlowFn, args: &[f64]) -> f64 {
    which.eval(args)
}

/// 2^52: floats from here on are integers.
const INTEGRAL: f64 = 4_503_599_627_370_496.0;

/// Towards zero, keeping the sign of a zero. Denormals go to zero with or without the guard.
///
/// Arithmetic rather than `f64::trunc`, which is a call where the processor's instruction may not be
/// assumed, and which treats denormals as the platform likes.
#[inline]
pub fn trunc(a: f64) -> f64 {
    let m = a.abs();
    let n = (m + INTEGRAL) - INTEGRAL;
    let n = if n > m { n - 1.0 } else { n };
    if m < INTEGRAL { n.copysign(a) } else { a }
}

/// The largest integer not above `a`, keeping the sign of a zero.
#[inline]
pub fn floor(a: f64) -> f64 {
    let m = a.abs();
    let n = ((m + INTEGRAL) - INTEGRAL).copysign(a);
    let n = if n > a { n - 1.0 } else { n };
    if m < INTEGRAL { n.copysign(a) } else { a }
}

/// The smallest integer not below `a`, keeping the sign of a zero.
#[inline]
pub fn ceil(a: f64) -> f64 {
    let m = a.abs();
    let n = ((m + INTEGRAL) - INTEGRAL).copysign(a);
    let n = if n < a { n + 1.0 } else { n };
    if m < INTEGRAL { n.copysign(a) } else { a }
}

macro_rules! wrappers {
    ($( $(#[$doc:meta])* $name:ident ( $($arg:ident),* ); )*) => { $(
        $(#[$doc])*
        #[inline]
        pub fn $name($($arg: f64),*) -> f64 {
            super::$name(&mut Scalar, $($arg),*)
        }
    )* };
}

wrappers! {
    /// See [`super::rem`].
    rem(a, b);
    /// See [`super::round`].
    round(a);
    /// See [`super::min`].
    min(a, b);
    /// See [`super::max`].
    max(a, b);
    /// See [`super::sin`].
    sin(x);
    /// See [`super::cos`].
    cos(x);
    /// See [`super::tan`].
    tan(x);
    /// See [`super::asin`].
    asin(x);
    /// See [`super::acos`].
    acos(x);
    /// See [`super::atan`].
    atan(x);
    /// See [`super::atan2`].
    atan2(y, x);
    /// See [`super::sinh`].
    sinh(x);
    /// See [`super::cosh`].
    cosh(x);
    /// See [`super::tanh`].
    tanh(x);
    /// See [`super::exp`].
    exp(x);
    /// See [`super::exp2`].
    exp2(x);
    /// See [`super::log`].
    log(x);
    /// See [`super::log2`].
    log2(x);
    /// See [`super::pow`].
    pow(x, y);
}
