//! The elementary functions against high-precision tables (`tools/reference.py`) and, on many more points,
//! against libm. Prints the worst errors with `--nocapture`.

use attacca_mir::math::{SlowFn, scalar};
use std::path::Path;

/// A point of a table: arguments, the rounded result, and what that lacks, in 1/1000 ulp.
struct Point {
    args: [f64; 2],
    rounded: f64,
    rest: f64,
}

fn hex(text: &str) -> f64 {
    f64::from_bits(u64::from_str_radix(text, 16).expect("16 hex digits"))
}

fn table(name: &str) -> Vec<Point> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/{name}.csv"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let points: Vec<_> = text.lines().map(point).collect();
    assert!(points.len() > 300, "{name}: table too short");
    points
}

fn point(line: &str) -> Point {
    let mut fields: Vec<_> = line.split(',').collect();
    let rest = fields.pop().and_then(|t| t.parse().ok()).expect("a count of 1/1000 ulp");
    let rounded = hex(fields.pop().expect("a result"));
    let args = [hex(fields[0]), fields.get(1).map_or(f64::NAN, |t| hex(t))];
    Point { args, rounded, rest }
}

/// Size of the last place of `x`.
fn ulp(x: f64) -> f64 {
    x.abs().next_up() - x.abs()
}

/// Error of `got` in ulp and absolute.
fn error(got: f64, p: &Point) -> (f64, f64) {
    let off = (got - p.rounded) - p.rest / 1000.0 * ulp(p.rounded);
    (off.abs() / ulp(p.rounded), off.abs())
}

/// Every point of the table is within `ulps`, or within `absolute`.
#[track_caller]
fn check(name: &str, f: fn(f64, f64) -> f64, ulps: f64, absolute: f64) {
    let (mut worst, mut worst_off, mut at) = (0.0, 0.0, [0.0; 2]);
    for p in table(name) {
        let [a, b] = p.args;
        let got = f(a, b);
        let (u, off) = error(got, &p);
        assert!(
            u <= ulps || off <= absolute,
            "{name}{:?}: {got:e} is {u} ulp, {off:e} off",
            p.args
        );
        worst_off = f64::max(worst_off, off);
        if u > worst {
            (worst, at) = (u, p.args);
        }
    }
    println!("{name:6} {worst:.3} ulp at {at:?}; {:.3e} absolute", worst_off);
}

const TINY: f64 = f64::EPSILON; // 2^-52

#[test]
fn functions_keep_their_bounds() {
    check("sin", |x, _| scalar::sin(x), 2.0, TINY);
    check("cos", |x, _| scalar::cos(x), 2.0, TINY);
    check("tan", |x, _| scalar::tan(x), 4.0, 0.0);
    check("asin", |x, _| scalar::asin(x), 4.0, 0.0);
    check("acos", |x, _| scalar::acos(x), 4.0, 0.0);
    check("atan", |x, _| scalar::atan(x), 4.0, 0.0);
    check("atan2", scalar::atan2, 4.0, 0.0);
    check("sinh", |x, _| scalar::sinh(x), 4.0, 0.0);
    check("cosh", |x, _| scalar::cosh(x), 4.0, 0.0);
    check("tanh", |x, _| scalar::tanh(x), 2.0, TINY);
    check("exp", |x, _| scalar::exp(x), 2.0, 0.0);
    check("exp2", |x, _| scalar::exp2(x), 2.0, 0.0);
    check("log", |x, _| scalar::log(x), 2.0, 0.0);
    check("log2", |x, _| scalar::log2(x), 2.0, 0.0);
    check("pow", scalar::pow, 4.0, 0.0);
}

/// A repeatable stream of numbers in 0..1 (xorshift64*).
struct Stream(u64);

impl Stream {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn within(&mut self, lo: f64, hi: f64) -> f64 {
        lo + (hi - lo) * self.next()
    }

    /// Either sign, magnitudes spread over the binades from 2^lo to 2^hi.
    fn wide(&mut self, lo: f64, hi: f64) -> f64 {
        let size = libm::exp2(self.within(lo, hi));
        if self.next() < 0.5 { -size } else { size }
    }
}

const RANDOM: usize = 300_000;

/// Random points against libm, which is itself up to 1 ulp off.
#[track_caller]
fn near_libm(
    name: &str,
    f: fn(f64, f64) -> f64,
    reference: fn(f64, f64) -> f64,
    bound: (f64, f64),
    draw: fn(&mut Stream) -> (f64, f64),
) {
    let mut stream = Stream(0x9e37_79b9_7f4a_7c15);
    let mut worst = 0.0;
    for _ in 0..RANDOM {
        let (a, b) = draw(&mut stream);
        let (got, want) = (f(a, b), reference(a, b));
        let off = (got - want).abs();
        if want.abs() >= f64::MIN_POSITIVE {
            worst = f64::max(worst, off / ulp(want));
        }
        let close = off <= (bound.0 + 1.0) * ulp(want) || off <= bound.1 + ulp(want);
        assert!(close || off <= f64::MIN_POSITIVE, "{name}({a:e}, {b:e}) = {got:e}, libm {want:e}");
    }
    println!("{name:6} {worst:.1} ulp from libm");
}

#[test]
fn random_points_stay_near_libm() {
    let circle = |s: &mut Stream| (s.wide(-30.0, 20.0), 0.0);
    let unit = |s: &mut Stream| (s.within(-1.0, 1.0), 0.0);
    let wide = |s: &mut Stream| (s.wide(-40.0, 40.0), 0.0);
    let ten = |s: &mut Stream| (s.wide(-40.0, 9.4), 0.0);
    near_libm("sin", |x, _| scalar::sin(x), |x, _| libm::sin(x), (2.0, TINY), circle);
    near_libm("cos", |x, _| scalar::cos(x), |x, _| libm::cos(x), (2.0, TINY), circle);
    near_libm("tan", |x, _| scalar::tan(x), |x, _| libm::tan(x), (4.0, 0.0), circle);
    near_libm("asin", |x, _| scalar::asin(x), |x, _| libm::asin(x), (4.0, 0.0), unit);
    near_libm("acos", |x, _| scalar::acos(x), |x, _| libm::acos(x), (4.0, 0.0), unit);
    near_libm("atan", |x, _| scalar::atan(x), |x, _| libm::atan(x), (4.0, 0.0), wide);
    near_libm("sinh", |x, _| scalar::sinh(x), |x, _| libm::sinh(x), (4.0, 0.0), ten);
    near_libm("cosh", |x, _| scalar::cosh(x), |x, _| libm::cosh(x), (4.0, 0.0), ten);
    near_libm("tanh", |x, _| scalar::tanh(x), |x, _| libm::tanh(x), (2.0, 2.0 * TINY), ten);
    near_libm("exp", |x, _| scalar::exp(x), |x, _| libm::exp(x), (2.0, 0.0), ten);
    near_libm("exp2", |x, _| scalar::exp2(x), |x, _| libm::exp2(x), (2.0, 0.0), ten);
    let positive = |s: &mut Stream| (s.wide(-1000.0, 1000.0).abs(), 0.0);
    near_libm("log", |x, _| scalar::log(x), |x, _| libm::log(x), (2.0, 0.0), positive);
    near_libm("log2", |x, _| scalar::log2(x), |x, _| libm::log2(x), (2.0, 0.0), positive);
    let plane = |s: &mut Stream| (s.wide(-30.0, 30.0), s.wide(-30.0, 30.0));
    near_libm("atan2", scalar::atan2, libm::atan2, (4.0, 0.0), plane);
    let power = |s: &mut Stream| (s.wide(-30.0, 30.0).abs(), s.wide(-20.0, 4.0));
    near_libm("pow", scalar::pow, libm::pow, (4.0, 0.0), power);
}

/// `f` rises (never falls) over neighbouring floats and over coarse steps from `lo` to `hi`.
#[track_caller]
fn rises(name: &str, f: fn(f64) -> f64, lo: f64, hi: f64, slack: f64) {
    let steps = 20_000;
    for i in 0..steps {
        let x = lo + (hi - lo) * f64::from(i) / f64::from(steps);
        let far = lo + (hi - lo) * f64::from(i + 1) / f64::from(steps);
        let (here, next, there) = (f(x), f(x.next_up()), f(far));
        assert!(here <= there, "{name} falls from {x:e} to {far:e}");
        assert!(here - next <= slack * ulp(here), "{name} falls by more than {slack} ulp at {x:e}");
    }
}

#[test]
fn rising_functions_rise() {
    rises("sin", scalar::sin, -1.57, 1.57, 4.0);
    rises("-cos", |x| -scalar::cos(x), 0.0, 3.125, 4.0);
    rises("tan", scalar::tan, -1.57, 1.57, 8.0);
    rises("asin", scalar::asin, -1.0, 0.999_999, 8.0);
    rises("-acos", |x| -scalar::acos(x), -1.0, 0.999_999, 8.0);
    rises("atan", scalar::atan, -5.0, 5.0, 8.0);
    rises("sinh", scalar::sinh, -5.0, 5.0, 8.0);
    rises("tanh", scalar::tanh, -5.0, 5.0, 4.0);
    rises("exp", scalar::exp, -5.0, 5.0, 4.0);
    rises("log", scalar::log, 0.1, 10.0, 4.0);
}

#[test]
fn waves_stay_within_one() {
    for i in 0..1_000_000 {
        let x = f64::from(i) * 1e-5;
        assert!(scalar::sin(x).abs() <= 1.0 && scalar::cos(x).abs() <= 1.0, "beyond 1 at {x}");
        assert!(scalar::tanh(x * 10.0) <= 1.0, "tanh beyond 1 at {x}");
    }
}

#[test]
fn powers_of_whole_numbers_are_exact() {
    for base in 1..=200_u64 {
        let mut want = 1_u64;
        for exponent in 0..53_i32 {
            if want >= 1 << 53 {
                break;
            }
            let got = scalar::pow(base as f64, f64::from(exponent));
            assert_eq!(got, want as f64, "{base} ^ {exponent}");
            want = want.saturating_mul(base);
        }
    }
}

#[test]
fn slow_functions_take_as_many_arguments_as_they_say() {
    for which in SlowFn::ALL {
        let args = [0.75, 0.5];
        let got = which.eval(&args[..which.arity()]);
        assert!(got.is_finite(), "{}: {got}", which.name());
        assert_eq!(got, which.call(0.75, 0.5), "{}", which.name());
    }
}
