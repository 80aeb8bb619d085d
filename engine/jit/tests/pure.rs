//! Every pure op against its meaning, bit for bit, on awkward operands.

mod common;

use attacca_mir::build::Builder;
use attacca_mir::module::{Function, Module, ValueId};
use attacca_mir::op::{Op, Pure, Ty};
use attacca_mir::opt;
use attacca_rt::code::Image;
use attacca_rt::ftz;
use common::{Instance, awkward, bits};

/// A kernel whose output is `body` of its inputs, as bits where they are integers.
fn kernel(inputs: u32, body: impl FnOnce(&mut Builder<'_>, ValueId) -> ValueId) -> Module {
    let mut module = Module { inputs, outputs: 1, rate: 48000.0, ..Module::default() };
    let mut func = Function::new("kernel", vec![Ty::I64]);
    let mut b = Builder::new(&mut func);
    let frames = b.param(b.func.entry, Ty::I64);
    let (head, loop_body, exit) = (b.new_block(), b.new_block(), b.new_block());
    let index = b.param(head, Ty::I64);
    let zero = b.iconst(0);
    b.jump(head, &[zero]);
    b.switch_to(head);
    let more = b.pure(Pure::Ilt, &[index, frames]);
    b.branch(more, (loop_body, &[]), (exit, &[]));
    b.switch_to(loop_body);
    let value = body(&mut b, index);
    b.effect(Op::Output(0), &[index, value]);
    let one = b.iconst(1);
    let next = b.pure(Pure::Iadd, &[index, one]);
    b.jump(head, &[next]);
    b.switch_to(exit);
    b.ret(&[frames]);
    module.kernel = Some(module.funcs.push(func));
    module
}

/// How an operand reaches the op.
#[derive(Clone, Copy)]
enum Operand {
    Input(u32),
    Constant(f64),
}

fn module_of(op: Pure, operands: &[Operand]) -> Module {
    let inputs = operands.iter().filter(|o| matches!(o, Operand::Input(_))).count() as u32;
    kernel(inputs, |b, index| {
        let mut args = Vec::new();
        for (operand, ty) in operands.iter().zip(op.params()) {
            let value = match (*operand, ty) {
                (Operand::Constant(x), Ty::F64) => b.fconst(x),
                (Operand::Constant(x), Ty::I64 | Ty::Ref) => b.iconst(x.to_bits() as i64),
                (Operand::Input(channel), _) => b.value(Op::Input(channel), &[index], Ty::F64),
            };
            let typed = matches!(operand, Operand::Constant(_)) || *ty == Ty::F64;
            args.push(if typed { value } else { b.pure(Pure::Bits, &[value]) });
        }
        let value = b.pure(op, &args);
        if op.result() == Ty::F64 { value } else { b.pure(Pure::FromBits, &[value]) }
    })
}

#[track_caller]
fn check(op: Pure, module: &Module, columns: &[Vec<f64>], args_of: impl Fn(usize) -> Vec<f64>) {
    let frames = columns[0].len();
    let got = Instance::new(module, &Image::default()).play(columns, frames, frames);
    let _guard = ftz::Guard::new();
    for (frame, got) in got[0].iter().enumerate() {
        let args = args_of(frame);
        let words: Vec<u64> = args.iter().map(|x| x.to_bits()).collect();
        let want = f64::from_bits(op.eval(&words));
        let same = if op.result() == Ty::F64 {
            bits(*got) == bits(want)
        } else {
            got.to_bits() == want.to_bits()
        };
        assert!(
            same,
            "{}{args:?} is {want:?} ({:x}), not {got:?} ({:x})",
            op.name(),
            want.to_bits(),
            got.to_bits()
        );
    }
}

/// All tuples of `count` awkward numbers, as columns; three-operand ops take a shorter list.
fn columns(count: usize) -> Vec<Vec<f64>> {
    let mut values = awkward();
    values.extend([3, 64, -1, 1 << 62].map(|n: i64| f64::from_bits(n as u64)));
    if count == 3 {
        values = values.into_iter().step_by(3).collect();
    }
    let n = values.len();
    let total = n.pow(count as u32);
    (0..count).map(|c| (0..total).map(|i| values[i / n.pow(c as u32) % n]).collect()).collect()
}

#[test]
fn ops_of_inputs_have_the_bits_of_their_meaning() {
    for op in Pure::ALL {
        let columns = columns(op.params().len());
        let operands: Vec<_> = (0..columns.len() as u32).map(Operand::Input).collect();
        let module = module_of(*op, &operands);
        check(*op, &module, &columns, |frame| columns.iter().map(|c| c[frame]).collect());
    }
}

#[test]
fn legalised_ops_have_the_bits_of_their_meaning() {
    for op in Pure::ALL {
        let columns = columns(op.params().len());
        let operands: Vec<_> = (0..columns.len() as u32).map(Operand::Input).collect();
        let mut module = module_of(*op, &operands);
        opt::legalise::run(&mut module);
        check(*op, &module, &columns, |frame| columns.iter().map(|c| c[frame]).collect());
    }
}

#[test]
fn ops_with_a_constant_have_the_bits_of_their_meaning() {
    let column = columns(1);
    for op in Pure::ALL.iter().filter(|op| op.params().len() == 2) {
        // The builder makes zeros of denormal constants.
        for constant in awkward().into_iter().step_by(2).filter(|x| !x.is_subnormal()) {
            let (x, c) = (Operand::Input(0), Operand::Constant(constant));
            check(*op, &module_of(*op, &[x, c]), &column, |frame| vec![column[0][frame], constant]);
            check(*op, &module_of(*op, &[c, x]), &column, |frame| vec![constant, column[0][frame]]);
        }
    }
}

#[test]
fn legalised_ops_with_a_constant_have_the_bits_of_their_meaning() {
    let column = columns(1);
    let powers =
        [1, 2, 31, 1021, 1022, 1023].into_iter().flat_map(|k| [2.0f64.powi(k), -2.0f64.powi(-k)]);
    let constants: Vec<f64> = awkward()
        .into_iter()
        .filter(|x| !x.is_subnormal())
        .chain(powers.filter(|x| x.is_normal()))
        .collect();
    for op in [Pure::Div, Pure::Rem] {
        for constant in &constants {
            let mut module = module_of(op, &[Operand::Input(0), Operand::Constant(*constant)]);
            opt::legalise::run(&mut module);
            check(op, &module, &column, |frame| vec![column[0][frame], *constant]);
        }
    }
}

#[test]
fn truths_select_branch_and_become_numbers() {
    let module = kernel(2, |b, index| {
        let x = b.value(Op::Input(0), &[index], Ty::F64);
        let y = b.value(Op::Input(1), &[index], Ty::F64);
        let (less, equal) = (b.pure(Pure::Flt, &[x, y]), b.pure(Pure::Feq, &[x, y]));
        let either = b.pure(Pure::Ior, &[less, equal]);
        let one = b.iconst(1);
        let not = b.pure(Pure::Ixor, &[either, one]);
        let two = b.pure(Pure::Iadd, &[either, either]);
        let sum = b.pure(Pure::Iadd, &[two, not]);
        let sum = b.pure(Pure::Itof, &[sum]);
        let smaller = b.pure(Pure::Select, &[less, x, y]);
        let truth = b.truth(not);
        let total = b.pure(Pure::Add, &[sum, truth]);
        b.pure(Pure::Mul, &[total, smaller])
    });
    let columns = columns(2);
    let frames = columns[0].len();
    let got = Instance::new(&module, &Image::default()).play(&columns, frames, 7);
    let _guard = ftz::Guard::new();
    for (frame, got) in got[0].iter().enumerate() {
        let (x, y) = (columns[0][frame], columns[1][frame]);
        // Twice the truth if it holds, else once the number and once the float.
        let want = 2.0 * if x < y { x } else { y };
        assert_eq!(bits(*got), bits(want), "{x:?} {y:?}");
    }
}
