//! The operations that the elementary functions are written in.
//!
//! An implementor is an emitter: it computes, or appends to a function being built. The functions above
//! it contain no control flow of their own, so one implementation fits a number, a vector and a builder.

use super::slow::SlowFn;

/// 1.5 * 2^52: added to a float of magnitude below 2^51, it leaves the nearest integer (ties to even)
/// in the low bits of the sum.
pub(super) const SHIFTER: f64 = 6_755_399_441_055_744.0;

/// Arithmetic on one or more f64 lanes. Every operation is IEEE-754, to nearest, and none may be fused,
/// reordered or left out.
///
/// Integers wrap. Masks are whatever the implementor likes: an i64 0 or 1, or a vector of all-ones.
pub trait Lanes {
    /// Floats.
    type F: Copy;
    /// 64-bit integers.
    type I: Copy;
    /// Truth values.
    type B: Copy;

    /// A constant, the same in every lane.
    fn fconst(&mut self, value: f64) -> Self::F;
    /// An integer constant, the same in every lane.
    fn iconst(&mut self, value: i64) -> Self::I;

    /// `a + b`.
    fn add(&mut self, a: Self::F, b: Self::F) -> Self::F;
    /// `a - b`.
    fn sub(&mut self, a: Self::F, b: Self::F) -> Self::F;
    /// `a * b`.
    fn mul(&mut self, a: Self::F, b: Self::F) -> Self::F;
    /// `a / b`.
    fn div(&mut self, a: Self::F, b: Self::F) -> Self::F;
    /// The sign flipped, of zero and NaN too.
    fn neg(&mut self, a: Self::F) -> Self::F;
    /// The sign cleared.
    fn abs(&mut self, a: Self::F) -> Self::F;
    /// Square root, NaN below zero.
    fn sqrt(&mut self, a: Self::F) -> Self::F;
    /// The integer next to `a` on the side of zero; keeps the sign of a zero.
    fn trunc(&mut self, a: Self::F) -> Self::F;

    /// `a == b`; false with NaN.
    fn feq(&mut self, a: Self::F, b: Self::F) -> Self::B;
    /// `a < b`; false with NaN.
    fn flt(&mut self, a: Self::F, b: Self::F) -> Self::B;
    /// `a <= b`; false with NaN.
    fn fle(&mut self, a: Self::F, b: Self::F) -> Self::B;

    /// Both.
    fn and(&mut self, a: Self::B, b: Self::B) -> Self::B;
    /// Exactly one.
    fn xor(&mut self, a: Self::B, b: Self::B) -> Self::B;

    /// `yes` where `mask` holds, else `no`. Moves bits, computes nothing.
    fn select_f(&mut self, mask: Self::B, yes: Self::F, no: Self::F) -> Self::F;

    /// The bits of a float.
    fn bits(&mut self, a: Self::F) -> Self::I;
    /// The float with these bits.
    #[expect(clippy::wrong_self_convention, reason = "self is the emitter, not the value")]
    fn from_bits(&mut self, a: Self::I) -> Self::F;
    /// `a + b`, wrapping.
    fn iadd(&mut self, a: Self::I, b: Self::I) -> Self::I;
    /// `a - b`, wrapping.
    fn isub(&mut self, a: Self::I, b: Self::I) -> Self::I;
    /// Bitwise and.
    fn iand(&mut self, a: Self::I, b: Self::I) -> Self::I;
    /// Bitwise or.
    fn ior(&mut self, a: Self::I, b: Self::I) -> Self::I;
    /// Bitwise exclusive or.
    fn ixor(&mut self, a: Self::I, b: Self::I) -> Self::I;
    /// Shift left by a constant below 64.
    fn shl(&mut self, a: Self::I, by: u32) -> Self::I;
    /// Logical shift right by a constant below 64.
    fn ushr(&mut self, a: Self::I, by: u32) -> Self::I;
    /// Truth of `a == b`.
    fn ieq(&mut self, a: Self::I, b: Self::I) -> Self::B;

    /// `fast` where `inside` holds, else `which` of `args`.
    ///
    /// `fast` is computed already, in straight-line code, and is garbage (but never traps) outside. A
    /// builder puts the call into a cold block that joins after it; a vector repairs the lanes that
    /// need it. The branch depends on the arguments only, and is almost never taken.
    fn slow(&mut self, inside: Self::B, fast: Self::F, which: SlowFn, args: &[Self::F]) -> Self::F;

    /// `a` with the bits of `b` flipped: with `b` a sign bit, `-a` or `a`.
    fn xor_f(&mut self, a: Self::F, b: Self::F) -> Self::F {
        let (a, b) = (self.bits(a), self.bits(b));
        let x = self.ixor(a, b);
        self.from_bits(x)
    }

    /// `a` with only the bits of `mask` kept.
    fn mask_f(&mut self, a: Self::F, mask: i64) -> Self::F {
        let (a, mask) = (self.bits(a), self.iconst(mask));
        let x = self.iand(a, mask);
        self.from_bits(x)
    }

    /// `a` with its sign bit set where that of `sign` is: `a` is positive, or has that sign already.
    fn with_sign(&mut self, a: Self::F, sign: Self::F) -> Self::F {
        let (bits, sign, mask) = (self.bits(a), self.bits(sign), self.iconst(i64::MIN));
        let sign = self.iand(sign, mask);
        let x = self.ior(bits, sign);
        self.from_bits(x)
    }

    /// The nearest integer to `a`, |a| < 2^51, twice: as a float, and as a float plus 1.5 * 2^52,
    /// whose low bits are that integer.
    fn nearest(&mut self, a: Self::F) -> (Self::F, Self::F) {
        let shifter = self.fconst(SHIFTER);
        let shifted = self.add(a, shifter);
        (self.sub(shifted, shifter), shifted)
    }
}
