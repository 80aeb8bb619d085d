//! Functions in Rust that generated code calls: elementary functions and the heap.
//!
//! All are `extern "C"` and cannot panic. The elementary ones are the same Rust functions that the
//! oracle runs, so their bits agree by construction; legalised modules call them in cold blocks only.

use crate::code::{self, host};
use attacca_mir::op::{Pure, SlowFn};

/// A function outside the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Libcall {
    /// `(ctx, shape, site) -> ref`, all fields 0.
    Alloc,
    /// `(ctx, object)`.
    Release,
    /// `(ctx, shape, site, len) -> ref`.
    NewArray,
    /// `(ctx, to, to_index, from, from_index, count)`.
    ArrayCopy,
    /// `(ctx, time, closure, site)`.
    Schedule,
    /// `(ctx, value, newline)`.
    Print,
    /// `(ctx, value, probe)`.
    Tap,
    /// `(ctx, sample) -> f64`.
    SampleLen,
    /// `(ctx, position, sample, channel) -> f64`.
    SampleRead,
    /// `(a, b) -> f64`, an elementary function of at most two arguments.
    Pure(Pure),
    /// `(a, b) -> f64`.
    Slow(SlowFn),
}

macro_rules! pure_calls {
    ($($name:ident $op:ident;)*) => {
        $(extern "C" fn $name(a: f64, b: f64) -> f64 {
            let args = [a.to_bits(), b.to_bits()];
            let count = Pure::$op.params().len().min(args.len());
            f64::from_bits(Pure::$op.eval(args.get(..count).unwrap_or_default()))
        })*

        fn pure_address(op: Pure) -> Option<usize> {
            $(if op == Pure::$op {
                return Some($name as extern "C" fn(f64, f64) -> f64 as usize);
            })*
            None
        }
    };
}

pure_calls! {
    pure_floor Floor;
    pure_ceil Ceil;
    pure_trunc Trunc;
    pure_sin Sin;
    pure_cos Cos;
    pure_tan Tan;
    pure_asin Asin;
    pure_acos Acos;
    pure_atan Atan;
    pure_atan2 Atan2;
    pure_sinh Sinh;
    pure_cosh Cosh;
    pure_tanh Tanh;
    pure_log Log;
    pure_pow Pow;
}

macro_rules! slow_calls {
    ($($name:ident $op:ident;)*) => {
        $(extern "C" fn $name(a: f64, b: f64) -> f64 {
            SlowFn::$op.call(a, b)
        })*

        fn slow_address(op: SlowFn) -> usize {
            match op {
                $(SlowFn::$op => $name as extern "C" fn(f64, f64) -> f64 as usize,)*
            }
        }
    };
}

slow_calls! {
    slow_sin Sin;
    slow_cos Cos;
    slow_tan Tan;
    slow_atan2 Atan2;
    slow_sinh Sinh;
    slow_cosh Cosh;
    slow_exp Exp;
    slow_exp2 Exp2;
    slow_log Log;
    slow_log2 Log2;
    slow_pow Pow;
}

impl Libcall {
    /// Functions that touch the instance, by number.
    const INSTANCE: [Self; 9] = [
        Self::Alloc,
        Self::Release,
        Self::NewArray,
        Self::ArrayCopy,
        Self::Schedule,
        Self::Print,
        Self::Tap,
        Self::SampleLen,
        Self::SampleRead,
    ];

    /// The number that stands for the function in generated code before it is linked.
    pub(crate) fn number(self) -> u32 {
        match self {
            Self::Alloc => 0,
            Self::Release => 1,
            Self::NewArray => 2,
            Self::ArrayCopy => 3,
            Self::Schedule => 4,
            Self::Print => 5,
            Self::Tap => 6,
            Self::SampleLen => 7,
            Self::SampleRead => 8,
            Self::Pure(op) => 0x100 | op as u32,
            Self::Slow(op) => 0x200 | op as u32,
        }
    }

    /// Inverse of [`Libcall::number`].
    pub(crate) fn from_number(number: u32) -> Option<Self> {
        let index = (number & 0xff) as usize;
        match number >> 8 {
            0 => Self::INSTANCE.get(index).copied(),
            1 => Pure::ALL.get(index).copied().map(Self::Pure),
            2 => SlowFn::ALL.get(index).copied().map(Self::Slow),
            _ => None,
        }
    }

    /// The address of the function; none for pure ops that are always compiled in line.
    pub(crate) fn address(self) -> Option<usize> {
        match self {
            Self::Alloc => Some(code::ALLOC as usize),
            Self::Release => Some(code::RELEASE as usize),
            Self::NewArray => Some(code::NEW_ARRAY as usize),
            Self::ArrayCopy => Some(code::ARRAY_COPY as usize),
            Self::Schedule => Some(host::SCHEDULE as usize),
            Self::Print => Some(host::PRINT as usize),
            Self::Tap => Some(host::TAP as usize),
            Self::SampleLen => Some(host::SAMPLE_LEN as usize),
            Self::SampleRead => Some(host::SAMPLE_READ as usize),
            Self::Pure(op) => pure_address(op),
            Self::Slow(op) => Some(slow_address(op)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back() {
        let pure = Pure::ALL.iter().copied().map(Libcall::Pure);
        let slow = SlowFn::ALL.into_iter().map(Libcall::Slow);
        for call in Libcall::INSTANCE.into_iter().chain(pure).chain(slow) {
            assert_eq!(Libcall::from_number(call.number()), Some(call));
        }
        assert_eq!(Libcall::from_number(0x2ff), None);
        assert_eq!(Libcall::from_number(0x9000), None);
    }
}
