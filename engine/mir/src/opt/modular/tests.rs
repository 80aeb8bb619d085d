use crate::eval::{Oracle, same_bits};
use crate::module::Module;
use crate::op::{Op, Pure};
use crate::opt;
use crate::text::parse;
use crate::verify::{report, verify};
use attacca_rt::code::Image;
use attacca_rt::ftz::Guard;

/// The kernel of `s = (s * factor + step) % modulus`, with its state carried by the loop.
fn kernel(factor: f64, step: f64, modulus: f64) -> Module {
    let text = format!(
        r#"rate 48000.0 inputs 1 outputs 2 words 1 dsp fn0
fn fn0 "dsp"(v0: i64, v1: f64) -> (f64, f64) {{ state 1 {{ leaf 0 self 0 f64 "self" }}
bb0: v2 = load.f64 v0+0  v3 = const {factor:?}  v4 = const {step:?}  v5 = const {modulus:?}
v6 = mul v3, v2  v7 = add v6, v4  v8 = rem v7, v5  store.f64 v0+0, v8  v9 = mul v8, v1  return v9, v2 }}"#
    );
    let mut module = parse(&text).unwrap();
    opt::run(&mut module, &Image { words: vec![0], ..Image::default() });
    module
}

fn changed(module: &Module) -> Option<Module> {
    let mut after = module.clone();
    super::run(&mut after);
    verify(&after).map_err(|e| panic!("{}{after}", report(&e))).ok();
    let integers = after.funcs[after.kernel.unwrap()].insts.values();
    let any = integers.into_iter().any(|i| i.op == Op::Pure(Pure::Imul));
    any.then_some(after)
}

/// Output of two calls, and the state they leave.
fn play(module: &Module, start: f64) -> Vec<Vec<f64>> {
    let image = Image { words: vec![start.to_bits()], ..Image::default() };
    let mut oracle = Oracle::with_image(module, module.rate, &image).unwrap();
    let mut out = oracle.render(&[vec![0.5; 40]], 40);
    out.extend(oracle.render(&[vec![-3.0; 25]], 25));
    out.push(oracle.words().iter().map(|w| f64::from_bits(*w)).collect());
    out
}

#[test]
fn generators_keep_every_bit_from_any_start() {
    let _guard = Guard::new();
    let two = |k: i32| 2.0f64.powi(k);
    for (factor, step, modulus) in [
        (1664525.0, 1013904223.0, two(32)),
        (5.0, 1.0, 16.0),
        (4.0, 0.0, 8.0),
        (0.0, 3.0, 2.0),
        (7.0, 3.0, 1.0),
        (1.0, two(52), two(52)),
        (2.0, 1.0, two(52)),
        (two(21), two(21) - 1.0, two(32)),
    ] {
        let before = kernel(factor, step, modulus);
        let after = changed(&before).expect("a generator");
        let mut lowered = before.clone();
        opt::lower_math(&mut lowered);
        assert!(verify(&lowered).is_ok());
        for start in [
            0.0,
            1.0,
            5.0,
            0.5,
            -0.0,
            -3.0,
            modulus - 1.0,
            modulus,
            modulus - 0.5,
            two(32),
            two(53) + 2.0,
            two(63),
            -two(63),
            1e300,
            f64::MIN_POSITIVE / 2.0,
            f64::MIN_POSITIVE,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
        ] {
            let want = play(&before, start);
            for found in [play(&after, start), play(&lowered, start)] {
                assert!(
                    same_bits(&want, &found),
                    "{factor} {step} {modulus} from {start}: {found:?}, not {want:?}\n{after}"
                );
            }
        }
    }
}

#[test]
fn inexact_formulas_stay_on_floats() {
    let two = |k: i32| 2.0f64.powi(k);
    for (factor, step, modulus) in [
        (2.0, 2.0, two(52)),
        (1.0, 1.0, two(53)),
        (two(21) + 1.0, 0.0, two(32)),
        (0.5, 1.0, 16.0),
        (-1.0, 1.0, 16.0),
        (-0.0, 1.0, 16.0),
        (3.0, -1.0, 16.0),
        (3.0, -0.0, 16.0),
        (3.0, 0.25, 16.0),
        (3.0, 1.0, 0.5),
        (3.0, 1.0, 0.0),
        (3.0, 1.0, -16.0),
        (3.0, 1.0, 17.0),
        (3.0, 1.0, f64::INFINITY),
        (f64::NAN, 1.0, 16.0),
    ] {
        assert!(changed(&kernel(factor, step, modulus)).is_none(), "{factor} {step} {modulus}");
    }
}

#[test]
fn products_alone_keep_the_sign_of_zero() {
    let _guard = Guard::new();
    let mut module = kernel(5.0, 0.0, 16.0);
    let func = &mut module.funcs[module.kernel.unwrap()];
    let sum = func.insts.iter().find(|(_, i)| i.op == Op::Pure(Pure::Add)).map(|(id, _)| id);
    let sum = func.insts[sum.unwrap()].clone();
    let mut product = opt::rewrite::Aliases::default();
    let defs = opt::rewrite::definitions(func);
    let left = sum
        .args
        .iter()
        .find(|a| defs[**a].is_some_and(|inst| func.insts[inst].op == Op::Pure(Pure::Mul)));
    product.set(sum.results[0], *left.unwrap());
    product.apply(func);
    opt::dce::run(&mut module);
    let after = changed(&module).expect("a generator");
    for start in [-0.0, 0.0, 3.0, -3.0, 0.5] {
        assert!(same_bits(&play(&module, start), &play(&after, start)), "{start}");
    }
    assert!(play(&after, -0.0)[1][0].is_sign_negative());
}
