//! Special values of the elementary functions: zeros with their sign, infinities, NaN, domain ends.

use attacca_mir::math::{self, Scalar, scalar};
use std::f64::consts::{FRAC_PI_2, PI};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

/// Same bits, all NaNs being one.
#[track_caller]
fn same(what: &str, got: f64, want: f64) {
    let equal = got.to_bits() == want.to_bits() || (got.is_nan() && want.is_nan());
    assert!(equal, "{what}: got {got:?}, want {want:?}");
}

#[test]
fn one_argument() {
    type Row = (&'static str, fn(f64) -> f64, &'static [(f64, f64)]);
    let rows: [Row; 13] = [
        (
            "sin",
            scalar::sin,
            &[(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN), (NAN, NAN), (FRAC_PI_2, 1.0)],
        ),
        (
            "cos",
            scalar::cos,
            &[(0.0, 1.0), (-0.0, 1.0), (INF, NAN), (-INF, NAN), (NAN, NAN), (PI, -1.0)],
        ),
        ("tan", scalar::tan, &[(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN), (NAN, NAN)]),
        (
            "asin",
            scalar::asin,
            &[
                (0.0, 0.0),
                (-0.0, -0.0),
                (1.0, FRAC_PI_2),
                (-1.0, -FRAC_PI_2),
                (1.1, NAN),
                (-INF, NAN),
                (NAN, NAN),
            ],
        ),
        (
            "acos",
            scalar::acos,
            &[
                (1.0, 0.0),
                (0.0, FRAC_PI_2),
                (-1.0, PI),
                (1.1, NAN),
                (-1.1, NAN),
                (INF, NAN),
                (NAN, NAN),
            ],
        ),
        (
            "atan",
            scalar::atan,
            &[(0.0, 0.0), (-0.0, -0.0), (INF, FRAC_PI_2), (-INF, -FRAC_PI_2), (NAN, NAN)],
        ),
        (
            "sinh",
            scalar::sinh,
            &[(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -INF), (NAN, NAN), (711.0, INF)],
        ),
        (
            "cosh",
            scalar::cosh,
            &[(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, INF), (NAN, NAN), (-711.0, INF)],
        ),
        (
            "tanh",
            scalar::tanh,
            &[(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (NAN, NAN), (25.0, 1.0)],
        ),
        (
            "exp",
            scalar::exp,
            &[
                (0.0, 1.0),
                (-0.0, 1.0),
                (INF, INF),
                (-INF, 0.0),
                (NAN, NAN),
                (710.0, INF),
                (-800.0, 0.0),
            ],
        ),
        (
            "exp2",
            scalar::exp2,
            &[(0.0, 1.0), (10.0, 1024.0), (-1.0, 0.5), (INF, INF), (-INF, 0.0), (NAN, NAN)],
        ),
        (
            "log",
            scalar::log,
            &[
                (1.0, 0.0),
                (0.0, -INF),
                (-0.0, -INF),
                (-1.0, NAN),
                (INF, INF),
                (-INF, NAN),
                (NAN, NAN),
            ],
        ),
        (
            "log2",
            scalar::log2,
            &[
                (1.0, 0.0),
                (8.0, 3.0),
                (0.125, -3.0),
                (0.0, -INF),
                (-1.0, NAN),
                (INF, INF),
                (NAN, NAN),
            ],
        ),
    ];
    for (name, f, cases) in rows {
        for &(x, want) in cases {
            same(&format!("{name}({x:?})"), f(x), want);
        }
    }
}

#[test]
fn powers_as_in_c99() {
    for (x, y, want) in [
        (NAN, 0.0, 1.0),
        (NAN, -0.0, 1.0),
        (1.0, NAN, 1.0),
        (1.0, INF, 1.0),
        (1.0, -INF, 1.0),
        (NAN, 1.0, NAN),
        (2.0, NAN, NAN),
        (0.0, 0.0, 1.0),
        (INF, 0.0, 1.0),
        (0.0, 3.0, 0.0),
        (-0.0, 3.0, -0.0),
        (-0.0, 2.0, 0.0),
        (-0.0, 0.5, 0.0),
        (0.0, -1.0, INF),
        (-0.0, -1.0, -INF),
        (-0.0, -2.0, INF),
        (-1.0, INF, 1.0),
        (-1.0, -INF, 1.0),
        (0.5, INF, 0.0),
        (2.0, INF, INF),
        (2.0, -INF, 0.0),
        (0.5, -INF, INF),
        (INF, 2.0, INF),
        (INF, 0.001, INF),
        (INF, -0.001, 0.0),
        (-INF, 3.0, -INF),
        (-INF, 2.0, INF),
        (-INF, -3.0, -0.0),
        (-INF, -2.0, 0.0),
        (-2.0, 2.0, 4.0),
        (-2.0, 3.0, -8.0),
        (-2.0, 0.5, NAN),
        (2.0, 0.5, std::f64::consts::SQRT_2),
        (2.0, 2000.0, INF),
        (2.0, -2000.0, 0.0),
        (10.0, 2.0, 100.0),
        (2.0, -1.0, 0.5),
    ] {
        same(&format!("pow({x:?}, {y:?})"), scalar::pow(x, y), want);
    }
}

#[test]
fn angles_of_points_as_in_c99() {
    let q = FRAC_PI_2;
    for (y, x, want) in [
        (0.0, 1.0, 0.0),
        (-0.0, 1.0, -0.0),
        (0.0, -1.0, PI),
        (-0.0, -1.0, -PI),
        (0.0, 0.0, 0.0),
        (-0.0, 0.0, -0.0),
        (0.0, -0.0, PI),
        (-0.0, -0.0, -PI),
        (1.0, 0.0, q),
        (1.0, -0.0, q),
        (-1.0, 0.0, -q),
        (1.0, 1.0, q / 2.0),
        (INF, 1.0, q),
        (-INF, -1.0, -q),
        (1.0, INF, 0.0),
        (-1.0, INF, -0.0),
        (1.0, -INF, PI),
        (INF, INF, q / 2.0),
        (INF, -INF, 1.5 * q),
        (NAN, 1.0, NAN),
        (1.0, NAN, NAN),
        (NAN, 0.0, NAN),
    ] {
        same(&format!("atan2({y:?}, {x:?})"), scalar::atan2(y, x), want);
    }
}

#[test]
fn remainders() {
    for (a, b, want) in [
        (-7.0, 3.0, -1.0),
        (7.0, -3.0, 1.0),
        (5.5, 1.0, 0.5),
        (-1.5, 1.0, -0.5),
        (1.0, 0.0, NAN),
        (0.0, 0.0, NAN),
        (INF, 2.0, NAN),
        (3.0, INF, 3.0),
        (-3.0, -INF, -3.0),
        (-0.0, INF, -0.0),
        (-0.0, -INF, -0.0),
        (0.0, -INF, 0.0),
        (INF, INF, NAN),
        (NAN, INF, NAN),
        (NAN, 1.0, NAN),
        (1.0, NAN, NAN),
    ] {
        same(&format!("{a:?} % {b:?}"), scalar::rem(a, b), want);
    }
}

#[test]
fn a_remainder_is_two_roundings() {
    for (a, b) in [(1e17, 0.1), (0.3, 0.1), (-1e5, 0.7), (12345.678, 9.87), (1e300, 3.0)] {
        let q = f64::trunc(a / b);
        let product = q * b;
        same(&format!("{a} % {b}"), scalar::rem(a, b), a - product);
    }
}

#[test]
fn a_constant_divisor_changes_no_bit() {
    let divisors = [
        1.0,
        -1.0,
        2.0,
        -2.0,
        0.5,
        0.125,
        4_294_967_296.0,
        3.0,
        0.1,
        0.0,
        INF,
        NAN,
        1e300,
        2.0_f64.powi(-1000),
    ];
    let values = [
        0.0,
        -0.0,
        0.25,
        0.5,
        1.0,
        -1.0,
        1.5,
        -7.25,
        1e10 + 0.3,
        -1e17,
        1e300,
        2.5e-308,
        -2.5e-308,
        INF,
        -INF,
        NAN,
    ];
    for b in divisors {
        for a in values {
            same(&format!("{a:?} % {b:?}"), math::rem_const(&mut Scalar, a, b), scalar::rem(a, b));
        }
    }
}

#[test]
fn rounding_is_exact_and_keeps_signs() {
    let edges = [
        0.0,
        0.2,
        0.5_f64.next_down(),
        0.5,
        0.7,
        1.0,
        1.5,
        2.5,
        1e15 + 0.5,
        4.5e15,
        4_503_599_627_370_495.5,
        9e15 + 1.0,
        1e300,
        INF,
        NAN,
    ];
    for size in edges {
        for x in [size, -size] {
            same(&format!("floor({x:?})"), scalar::floor(x), x.floor());
            same(&format!("ceil({x:?})"), scalar::ceil(x), x.ceil());
            same(&format!("trunc({x:?})"), scalar::trunc(x), x.trunc());
            same(&format!("round({x:?})"), scalar::round(x), x.round());
        }
    }
    let mut x = 0.001;
    while x < 1e17 {
        for x in [x, -x] {
            let got = [scalar::floor(x), scalar::ceil(x), scalar::trunc(x), scalar::round(x)];
            for (got, want) in got.into_iter().zip([x.floor(), x.ceil(), x.trunc(), x.round()]) {
                same(&format!("rounding {x:?}"), got, want);
            }
        }
        x *= 1.000_7;
    }
}

#[test]
fn extremes_ignore_nan_and_keep_the_first_of_equals() {
    for (a, b, least, most) in [
        (1.0, 2.0, 1.0, 2.0),
        (2.0, 1.0, 1.0, 2.0),
        (NAN, 1.0, 1.0, 1.0),
        (1.0, NAN, 1.0, 1.0),
        (NAN, NAN, NAN, NAN),
        (-INF, INF, -INF, INF),
        (0.0, -0.0, 0.0, 0.0),
        (-0.0, 0.0, -0.0, -0.0),
    ] {
        same(&format!("min({a:?}, {b:?})"), scalar::min(a, b), least);
        same(&format!("max({a:?}, {b:?})"), scalar::max(a, b), most);
    }
}

#[test]
fn a_folded_base_changes_no_bit() {
    // What legalisation leaves of `10 ^ y`: the logarithm computed beforehand.
    let log = math::log2_parts(&mut Scalar, 10.0);
    for i in -2000..2000 {
        let y = f64::from(i) * 0.007;
        let (_, folded) = math::exp2_product(&mut Scalar, y, log);
        same(&format!("10 ^ {y}"), folded, scalar::pow(10.0, y));
    }
}
