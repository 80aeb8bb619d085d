use super::{choices, from_choices, input};
use crate::eval::{Oracle, eval_kernel, same_bits};
use crate::module::Module;
use crate::opt;
use crate::text::parse;
use crate::verify::{report, verify};
use attacca_rt::ftz::Guard;
use proptest::prelude::*;

fn checked(module: &Module) -> Result<(), TestCaseError> {
    verify(module).map_err(|errors| TestCaseError::fail(format!("{}\n{module}", report(&errors))))
}

fn render(module: &Module, inputs: &[Vec<f64>]) -> Vec<Vec<f64>> {
    Oracle::new(module, module.rate).unwrap().render(inputs, 24)
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
        let module = from_choices(&choices);
        let want = render(&module, &inputs);
        for (name, pass) in opt::PASSES {
            if matches!(*name, "kernel" | "finish" | "legalise" | "prune") {
                continue;
            }
            let mut changed = module.clone();
            pass(&mut changed);
            verify(&changed).map_err(|e| TestCaseError::fail(format!("{name}: {}\n{module}\n{changed}", report(&e))))?;
            let found = render(&changed, &inputs);
            prop_assert!(same_bits(&want, &found), "{name}: {want:?}\n{found:?}\n{module}\n{changed}");
        }
    }

    #[test]
    fn the_optimised_kernel_keeps_every_bit(choices in choices(), inputs in input(24)) {
        let _guard = Guard::new();
        let module = from_choices(&choices);
        let want = render(&module, &inputs);
        let mut prepared = module.clone();
        opt::prepare(&mut prepared);
        let mut counted = prepared.clone();
        opt::rc::run(&mut counted);
        let globals = Oracle::new(&counted, module.rate).unwrap();
        let image = globals.image();
        let mut kernel = prepared;
        globals.enter_blocks(&mut kernel);
        opt::run(&mut kernel, &image);
        let (found, _) = eval_kernel(&kernel, &image, &inputs, 24).unwrap();
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
        prop_assert!(oracle.live_objects() <= live, "objects leak: {live}, {}\n{kernel}", oracle.live_objects());
    }
}
