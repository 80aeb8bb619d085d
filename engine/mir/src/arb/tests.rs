use super::{choices, from_choices, input};
use crate::eval::{Oracle, eval_kernel, same_bits};
use crate::module::Module;
use crate::op::Op;
use crate::opt;
use crate::text::parse;
use crate::verify::{report, verify};
use attacca_rt::ftz::Guard;
use proptest::prelude::*;

fn checked(module: &Module) -> Result<(), TestCaseError> {
    verify(module).map_err(|errors| TestCaseError::fail(format!("{}\n{module}", report(&errors))))
}

/// The module with its owners counted, as the oracle wants it: copies of arrays count.
fn counted(module: &Module) -> Module {
    let mut module = module.clone();
    opt::rc::run(&mut module);
    module
}

fn render(module: &Module, inputs: &[Vec<f64>]) -> Vec<Vec<f64>> {
    Oracle::new(module, module.rate).unwrap().render(inputs, 24)
}

/// The fault that stops the module within the frames that [`render`] renders.
fn stopped(module: &Module, inputs: &[Vec<f64>]) -> Option<attacca_rt::ctx::Fault> {
    let mut oracle = Oracle::new(module, module.rate).unwrap();
    oracle.render(inputs, 24);
    oracle.fault()
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn modules_are_valid_and_print_back(choices in choices()) {
        let module = from_choices(&choices);
        checked(&module)?;
        let text = module.to_string();
        let again = parse(&text).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
        prop_assert_eq!(again.to_string(), text);
    }

    #[test]
    fn passes_keep_every_bit(choices in choices(), inputs in input(24)) {
        let _guard = Guard::new();
        let mut module = from_choices(&choices);
        opt::prepare(&mut module);
        let want = render(&counted(&module), &inputs);
        for (name, pass) in opt::PASSES {
            if matches!(*name, "budget" | "kernel" | "finish" | "legalise" | "prune") {
                continue;
            }
            let mut changed = module.clone();
            pass(&mut changed);
            verify(&changed).map_err(|e| TestCaseError::fail(format!("{name}: {}\n{module}\n{changed}", report(&e))))?;
            let changed = if *name == "rc" { changed } else { counted(&changed) };
            let found = render(&changed, &inputs);
            prop_assert!(same_bits(&want, &found), "{name}: {want:?}\n{found:?}\n{module}\n{changed}");
        }
    }

    #[test]
    fn the_optimised_kernel_keeps_every_bit(choices in choices(), inputs in input(24)) {
        let _guard = Guard::new();
        let mut module = from_choices(&choices);
        opt::prepare(&mut module);
        let prepared = module.clone();
        let module = counted(&module);
        let want = render(&module, &inputs);
        let globals = Oracle::new(&module, module.rate).unwrap();
        let image = globals.image();
        let mut kernel = prepared;
        globals.enter_blocks(&mut kernel);
        opt::run(&mut kernel, &image);
        let (found, same) = eval_kernel(&counted(&kernel), &image, &inputs, 24).unwrap();
        prop_assert_eq!(stopped(&module, &inputs), same.fault());
        prop_assert!(same_bits(&want, &found), "optimised: {want:?}\n{found:?}\n{module}\n{kernel}");
        checked(&kernel)?;
        opt::lower_math(&mut kernel);
        opt::rc::run(&mut kernel);
        checked(&kernel)?;
        let mut oracle = Oracle::with_image(&kernel, module.rate, &image).unwrap();
        let mut found = oracle.render(&inputs, 7);
        let live = oracle.live_objects();
        let rest: Vec<Vec<f64>> = inputs.iter().map(|i| i[7..].to_vec()).collect();
        for (all, more) in found.iter_mut().zip(oracle.render(&rest, 17)) {
            all.extend(more);
        }
        prop_assert!(same_bits(&want, &found), "lowered: {want:?}\n{found:?}\n{module}\n{kernel}");
        // Tasks that wait own their objects.
        let waits = kernel.funcs.values().any(|f| f.insts.values().any(|i| matches!(i.op, Op::Schedule(_))));
        prop_assert!(waits || oracle.live_objects() <= live, "objects leak: {live}, {}\n{kernel}", oracle.live_objects());
    }
}

/// The generator is worth something only while it reaches all that programs do.
#[test]
fn modules_differ_in_all_that_matters() {
    let mut seed = 1u64;
    let mut roll = || {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) as u32
    };
    let (mut faults, mut moving, mut closures) = (0, 0, 0);
    let mut ops = std::collections::BTreeSet::new();
    for _ in 0..300 {
        let choices: Vec<u32> = (0..roll() % 400).map(|_| roll()).collect();
        let mut module = from_choices(&choices);
        opt::prepare(&mut module);
        let shared = counted(&module);
        for func in module.funcs.values() {
            ops.extend(
                func.insts
                    .values()
                    .map(|i| format!("{:?}", i.op).split('(').next().map(str::to_owned)),
            );
            closures += usize::from(func.closure);
        }
        let mut oracle = Oracle::new(&shared, module.rate).unwrap();
        let out = oracle.render(&[(0..9).map(f64::from).collect(), vec![0.5; 9]], 9);
        faults += usize::from(oracle.fault().is_some());
        moving += usize::from(out[0].windows(2).any(|w| w[0] != w[1] && w[0].is_finite()));
    }
    // All but kernel ops, those of the `rc` pass, and what legalisation makes: 26 kinds at least.
    assert!(ops.len() >= 26, "{ops:?}");
    assert!((1..60).contains(&faults), "{faults} faults");
    assert!(moving > 60, "only {moving} programs move");
    assert!(closures > 60, "only {closures} closure functions");
}
