use crate::eval::{Oracle, same_bits};
use crate::module::Module;
use crate::op::{Op, Pure};
use crate::opt;
use crate::text::parse;
use crate::verify::{report, verify};
use attacca_rt::ftz::Guard;
use std::fmt::Write as _;

/// `count` sines, each of the one before, then the smaller of the last and the input.
fn sines(count: u32) -> Module {
    let mut body = String::new();
    for n in 0..count {
        write!(body, "v{} = sin v{}  ", n + 2, n + 1).unwrap();
    }
    let text = format!(
        "rate 48000.0 inputs 1 outputs 1 words 0 dsp fn0\n\
         fn fn0 \"dsp\"(v0: i64, v1: f64) -> (f64) {{\nbb0: {body}\n v{} = min v{}, v1  return v{} }}",
        count + 2,
        count + 1,
        count + 2
    );
    parse(&text).unwrap()
}

fn left(module: &Module, op: Pure) -> usize {
    let placed = module.funcs.values().flat_map(|f| {
        f.blocks.values().flat_map(|b| &b.insts).map(|inst| f.insts[*inst].op.clone())
    });
    placed.filter(|placed| *placed == Op::Pure(op)).count()
}

fn legalised(count: u32) -> Module {
    let mut module = sines(count);
    super::run(&mut module);
    verify(&module).map_err(|e| panic!("{}", report(&e))).ok();
    module
}

#[test]
fn a_program_within_the_budget_is_written_out_as_a_whole() {
    let fit = super::BUDGET / opt::inline::cost(&Op::Pure(Pure::Sin));
    assert_eq!(left(&legalised(fit), Pure::Sin), 0);
}

#[test]
fn beyond_the_budget_functions_stay_and_small_ops_are_written_out() {
    let _mode = Guard::new();
    let fit = super::BUDGET / opt::inline::cost(&Op::Pure(Pure::Sin));
    let after = legalised(fit + 25);
    assert_eq!(left(&after, Pure::Sin), 25);
    assert_eq!(left(&after, Pure::Min), 0);
    let play = |module: &Module| {
        Oracle::new(module, module.rate).unwrap().render(&[vec![0.25, -1.5, 1.0e9]], 3)
    };
    assert!(same_bits(&play(&sines(fit + 25)), &play(&after)));
}
