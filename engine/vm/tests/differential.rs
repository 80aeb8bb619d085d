//! The machine against the oracle on random modules: same bits, same faults, at every block size.

mod common;

use attacca_mir::arb::{choices, from_choices, input};
use attacca_mir::backend::Backend;
use attacca_mir::eval::{Oracle, same_bits};
use attacca_mir::opt;
use attacca_rt::ftz::Guard;
use attacca_vm::Vm;
use attacca_vm::globals::run_globals;
use common::{Instance, optimised};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, max_shrink_iters: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn optimised_modules_give_the_oracles_bits(choices in choices(), inputs in input(40)) {
        let _guard = Guard::new();
        let module = from_choices(&choices);
        let mut counted = module.clone();
        opt::prepare(&mut counted);
        opt::rc::run(&mut counted);
        let mut oracle = Oracle::new(&counted, module.rate).unwrap();
        let want = oracle.render(&inputs, 40);
        let (kernel, image) = optimised(&module);
        let code = Vm.compile(&kernel).unwrap();
        for block in [1, 7, 40] {
            let mut instance = Instance::roomy(code.clone(), &image);
            let found = instance.render(&inputs, 40, block);
            prop_assert!(same_bits(&want, &found), "block {block}: {want:?}\n{found:?}\n{kernel}");
            prop_assert_eq!(oracle.fault(), instance.fault);
        }
    }

    #[test]
    fn plain_kernels_give_the_oracles_bits(choices in choices(), inputs in input(20)) {
        let _guard = Guard::new();
        let mut module = from_choices(&choices);
        opt::prepare(&mut module);
        opt::rc::run(&mut module);
        let run = run_globals(&module, &[]).unwrap();
        let mut oracle = Oracle::new(&module, module.rate).unwrap();
        let image = oracle.image();
        prop_assert_eq!(&run.image.words, &image.words);
        let want = oracle.render(&inputs, 20);
        let mut kernel = module.clone();
        (kernel.blocks, kernel.words) = (run.blocks, run.words);
        opt::kernel::run(&mut kernel);
        let mut instance = Instance::roomy(Vm.compile(&kernel).unwrap(), &run.image);
        let found = instance.render(&inputs, 20, 9);
        prop_assert!(same_bits(&want, &found), "{want:?}\n{found:?}\n{kernel}");
    }
}
