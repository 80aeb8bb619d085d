//! Nanoseconds per call of each elementary function, beside libm: `cargo run --release --example math_speed`.
//!
//! Throughput: independent calls over a buffer. Latency: each argument depends on the result before.

use attacca_mir::math::{Scalar, exp2_product, log2_parts, scalar};
use std::hint::black_box;
use std::time::Instant;

const POINTS: usize = 1024;
const ROUNDS: usize = 600;
const REPEATS: usize = 7;

/// Best of a few repetitions, in nanoseconds per call.
fn best(mut pass: impl FnMut()) -> f64 {
    let mut least = f64::INFINITY;
    for _ in 0..REPEATS {
        let start = Instant::now();
        for _ in 0..ROUNDS {
            pass();
        }
        least = least.min(start.elapsed().as_secs_f64());
    }
    least * 1e9 / (ROUNDS * POINTS) as f64
}

/// Throughput and latency of `f` on arguments spread over `lo..hi`.
#[inline(always)]
fn measure(f: impl Fn(f64) -> f64, lo: f64, hi: f64) -> (f64, f64) {
    let args: Vec<f64> =
        (0..POINTS).map(|i| lo + (hi - lo) * ((i * 389) % POINTS) as f64 / POINTS as f64).collect();
    let mut out = vec![0.0; POINTS];
    let throughput = best(|| {
        for (o, &x) in out.iter_mut().zip(black_box(&args)) {
            *o = f(x);
        }
        black_box(&mut out);
    });
    let latency = best(|| {
        let mut chain = 0.0;
        for &x in black_box(&args) {
            // Adds nothing, but not before the result is there.
            chain = f(x + chain) * 1e-300;
        }
        black_box(chain);
    });
    (throughput, latency)
}

macro_rules! rows {
    ($( $name:literal, $ours:expr, $theirs:expr, $lo:expr, $hi:expr; )*) => { $(
        let (ours, theirs) = (measure($ours, $lo, $hi), measure($theirs, $lo, $hi));
        println!("{:16} {:7.2} {:7.2}   {:7.2} {:7.2}", $name, ours.0, ours.1, theirs.0, theirs.1);
    )* };
}

fn main() {
    let log_of_ten = log2_parts(&mut Scalar, 10.0);
    println!("ns per call      ours: throughput, latency   libm: the same");
    rows! {
        "sin", scalar::sin, libm::sin, -10.0, 10.0;
        "cos", scalar::cos, libm::cos, -10.0, 10.0;
        "tan", scalar::tan, libm::tan, -1.5, 1.5;
        "asin", scalar::asin, libm::asin, -1.0, 1.0;
        "acos", scalar::acos, libm::acos, -1.0, 1.0;
        "atan", scalar::atan, libm::atan, -4.0, 4.0;
        "atan2", |x| scalar::atan2(x, 0.7), |x| libm::atan2(x, 0.7), -4.0, 4.0;
        "sinh", scalar::sinh, libm::sinh, -4.0, 4.0;
        "cosh", scalar::cosh, libm::cosh, -4.0, 4.0;
        "tanh", scalar::tanh, libm::tanh, -4.0, 4.0;
        "exp", scalar::exp, libm::exp, -20.0, 20.0;
        "log", scalar::log, libm::log, 0.01, 20.0;
        "pow(x, 1.7)", |x| scalar::pow(x, 1.7), |x| libm::pow(x, 1.7), 0.01, 20.0;
        "pow(10, x)", |x| exp2_product(&mut Scalar, x, log_of_ten).1, |x| libm::pow(10.0, x), -4.0, 4.0;
        "rem(x, 1.7)", |x| scalar::rem(x, black_box(1.7)), |x| libm::fmod(x, 1.7), -10.0, 10.0;
        "round", scalar::round, libm::round, -10.0, 10.0;
        "floor", scalar::floor, libm::floor, -10.0, 10.0;
    }
}
