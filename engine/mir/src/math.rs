//! The elementary functions, each written once over the small trait [`Lanes`].
//!
//! [`Scalar`] instantiates them for one f64 (oracle, `vm`, constant folding), the legaliser for a MIR
//! builder, vector kernels for several f64 at once: the same operations in the same order, hence the
//! same bits. Nothing here fuses or reorders; no function of the platform's C library is used. Outside
//! the range of a function's polynomial its result is [`SlowFn::eval`], the pinned `libm` crate.
//!
//! Bounds (tested against a high-precision reference): `sin`, `cos`, `tanh` the larger of 2 ulp and
//! 2^-52 absolute for |x| up to 2^20; `exp` and `log` 2 ulp; `pow` 4 ulp while |y log2 x| is at most
//! 64; the others 4 ulp. Callers hold the flush-to-zero guard; denormal operands and results count as
//! zero, so accuracy is stated for normal ones. The coefficients come from `tools/coefficients.py`.

mod arc;
mod basic;
mod exp;
mod lanes;
mod log;
mod poly;
pub mod scalar;
mod slow;
mod trig;

pub use arc::{acos, asin, atan, atan2};
pub use basic::{max, min, rem, rem_const, round};
pub use exp::{cosh, exp, exp2, sinh, tanh};
pub use lanes::Lanes;
pub use log::{Log2, exp2_product, log, log2, log2_parts, pow};
pub use scalar::Scalar;
pub use slow::SlowFn;
pub use trig::{cos, sin, tan};
