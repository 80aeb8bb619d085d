//! Polynomials by Estrin's scheme: neighbours are paired, then pairs of pairs, with x, x^2, x^4, x^8.
//!
//! The order is fixed, part of the meaning of every function: `low half + high half * x^k`, where the low
//! half holds the largest power of two of coefficients; but c[0], the largest, is added last, so that only
//! one rounding has its size. Compared with Horner's scheme it costs two or three multiplications more
//! and a third of the latency.

use super::Lanes;

/// x with the powers that the scheme needs.
#[derive(Clone, Copy)]
pub(super) struct Powers<F> {
    x: F,
    x2: F,
    x4: F,
    x8: F,
}

impl<F: Copy> Powers<F> {
    /// Powers for polynomials of up to 8 coefficients.
    #[inline(always)]
    pub(super) fn up_to_8<L: Lanes<F = F>>(l: &mut L, x: F) -> Self {
        let x2 = l.mul(x, x);
        let x4 = l.mul(x2, x2);
        Self { x, x2, x4, x8: x4 }
    }

    /// x^2, computed already.
    #[inline(always)]
    pub(super) fn square(self) -> F {
        self.x2
    }

    /// Adds x^8, for up to 16 coefficients.
    #[inline(always)]
    pub(super) fn up_to_16<L: Lanes<F = F>>(self, l: &mut L) -> Self {
        let x8 = l.mul(self.x4, self.x4);
        Self { x8, ..self }
    }
}

/// `c[0] + c[1] x + ...`, for 3 to 16 coefficients (up to 8 without [`Powers::up_to_16`]).
#[inline(always)]
pub(super) fn poly<L: Lanes, const N: usize>(l: &mut L, p: Powers<L::F>, c: &[f64; N]) -> L::F {
    let rest = tail(l, p, c);
    let first = l.fconst(c[0]);
    l.add(first, rest)
}

/// [`poly`] without c[0].
#[inline(always)]
pub(super) fn tail<L: Lanes, const N: usize>(l: &mut L, p: Powers<L::F>, c: &[f64; N]) -> L::F {
    const { assert!(2 < N && N <= 16, "the scheme has powers up to x^8") };
    tail16(l, p, c)
}

macro_rules! halves {
    ($name:ident = $low:ident + $high:ident at $n:literal $power:ident) => {
        #[inline(always)]
        fn $name<L: Lanes>(l: &mut L, p: Powers<L::F>, c: &[f64]) -> L::F {
            if c.len() <= $n {
                return $low(l, p, c);
            }
            let (low, high) = c.split_at($n);
            let low = $low(l, p, low);
            let high = $high(l, p, high);
            let high = l.mul(high, p.$power);
            l.add(low, high)
        }
    };
}

halves!(tail16 = tail8 + halves8 at 8 x8);
halves!(tail8 = tail4 + halves4 at 4 x4);
halves!(tail4 = tail2 + halves2 at 2 x2);

/// `c[1] x`: the first pair, without c[0].
#[inline(always)]
fn tail2<L: Lanes>(l: &mut L, p: Powers<L::F>, c: &[f64]) -> L::F {
    let slope = l.fconst(c[1]);
    l.mul(slope, p.x)
}

halves!(halves8 = halves4 + halves4 at 4 x4);
halves!(halves4 = halves2 + halves2 at 2 x2);
halves!(halves2 = leaf + leaf at 1 x);

#[inline(always)]
fn leaf<L: Lanes>(l: &mut L, _: Powers<L::F>, c: &[f64]) -> L::F {
    l.fconst(c[0])
}
