//! Compiled code against the oracle on random modules: same bits, same faults, at every block size.

mod common;

use attacca_mir::arb::{choices, from_choices, input};
use attacca_mir::eval::{Oracle, same_bits};
use attacca_mir::{opt, verify};
use attacca_rt::ftz::Guard;
use common::Instance;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, max_shrink_iters: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn optimised_modules_give_the_oracles_bits(choices in choices(), inputs in input(40)) {
        let _guard = Guard::new();
        let mut module = from_choices(&choices);
        opt::prepare(&mut module);
        let mut counted = module.clone();
        opt::rc::run(&mut counted);
        let mut oracle = Oracle::new(&counted, module.rate).unwrap();
        let image = oracle.image();
        oracle.enter_blocks(&mut module);
        let want = oracle.render(&inputs, 40);
        opt::run(&mut module, &image);
        opt::lower_math(&mut module);
        opt::rc::run(&mut module);
        verify::verify(&module).map_err(|e| TestCaseError::fail(verify::report(&e)))?;
        for block in [1, 7, 40] {
            let mut instance = Instance::roomy(&module, &image);
            let found = instance.play(&inputs, 40, block);
            prop_assert!(same_bits(&want, &found), "block {block}: {want:?}\n{found:?}\n{module}");
            prop_assert_eq!(oracle.fault(), instance.fault);
        }
    }

    #[test]
    fn plain_kernels_give_the_oracles_bits(choices in choices(), inputs in input(20)) {
        let _guard = Guard::new();
        let mut module = from_choices(&choices);
        opt::prepare(&mut module);
        opt::rc::run(&mut module);
        let mut oracle = Oracle::new(&module, module.rate).unwrap();
        let image = oracle.image();
        oracle.enter_blocks(&mut module);
        let want = oracle.render(&inputs, 20);
        opt::kernel::run(&mut module);
        let mut instance = Instance::roomy(&module, &image);
        let found = instance.play(&inputs, 20, 9);
        prop_assert!(same_bits(&want, &found), "{want:?}\n{found:?}\n{module}");
        prop_assert_eq!(oracle.fault(), instance.fault);
    }
}
