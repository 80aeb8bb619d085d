//! Small programs: what the code looks like, what stops it, what global code leaves.

mod common;

use attacca_mir::backend::Backend;
use attacca_mir::eval::{Oracle, same_bits};
use attacca_mir::module::Module;
use attacca_mir::op::{Pure, Ty};
use attacca_mir::opt;
use attacca_mir::text::parse;
use attacca_mir::verify::{report, verify};
use attacca_rt::code::{Image, LineImage};
use attacca_rt::ctx::{Ctx, FaultKind};
use attacca_rt::ftz::Guard;
use attacca_rt::heap::{FIRST, HeapRef};
use attacca_vm::Vm;
use attacca_vm::emit::emit;
use attacca_vm::globals::{GlobalsError, run_globals};
use common::{Instance, optimised};
use expect_test::{Expect, expect};

fn module(text: &str) -> Module {
    let module = parse(text).unwrap_or_else(|e| panic!("{e}"));
    verify(&module).unwrap_or_else(|e| panic!("{}", report(&e)));
    module
}

#[track_caller]
fn check_code(text: &str, expected: Expect) {
    let (module, _) = optimised(&module(text));
    expected.assert_eq(&emit(&module).unwrap_or_else(|e| panic!("{e}")).to_string());
}

/// A phasor that turns a sine, and a feedback delay.
const TONE: &str = r#"rate 48000.0 inputs 1 outputs 1 words 2 dsp fn0
    fn fn0 "dsp"(v0: i64, v1: f64) -> (f64) {
      state 2 { leaf 0 self 0 f64 "phase" leaf 1 line 100 "delay" }
    bb0: v2 = load.f64 v0+0  v3 = add v2, v1  v4 = const 1.0  v5 = rem v3, v4  store.f64 v0+0, v5
      v6 = const 6.25  v7 = mul v5, v6  v8 = sin v7
      v9 = iconst 7  v10 = linepos v0+1  v11 = isub v10, v9  v12 = lineload.100 v0+1, v11
      linestore.100 v0+1, v10, v8  v13 = iconst 1  v14 = iadd v10, v13  linesetpos v0+1, v14
      v15 = const 0.5  v16 = mul v12, v15  v17 = add v8, v16  v18 = mul v17, v6  v19 = sub v18, v6  return v19 }"#;

#[test]
fn a_tone_takes_few_ops() {
    check_code(
        TONE,
        expect![[r#"
            fn1 "kernel" params 1 results 1 frame 11 kernel
                0  consts r1 #5 0i 1i 6.25 0.5 7i
                2  line_pos r6 r2 #0
                3  load r7 r1 #0
                4  mov r8 r1
                5  jump_ile r0 r8 ->20
                7  input r9 #0 r8
                8  add_rem_1 r7 r7 r9
                9  mul r9 r7 r3
               10  sin r9 r9
               11  delay_at_sum r10 r1 #1 r6 r8 r5 r9
               13  mul r10 r10 r4
               14  add_mul_sub r9 r9 r10 r3 r3
               16  output #0 r8 r9
               17  iadd_imm r8 r8 #1
               18  jump_ilt r8 r0 ->7
               20  iadd r0 r6 r8
               21  line_set_pos r2 #0 r0
               22  store r1 #0 r7
               23  return #1 r8
        "#]],
    );
}

#[test]
fn a_tone_sounds_as_the_oracle_says() {
    let text = module(TONE);
    let input = vec![(0..200).map(|n| f64::from(n) * 1e-3).collect::<Vec<_>>()];
    let want = Oracle::new(&text, 48000.0).unwrap().render(&input, 200);
    let (kernel, image) = optimised(&text);
    let found = Instance::new(Vm.compile(&kernel).unwrap(), &image).render(&input, 200, 64);
    assert!(same_bits(&want, &found), "{want:?}\n{found:?}");
}

/// The delay as the builder writes it, in a function that is called, so that its write position stays in
/// the line; times are whole, broken, negative, too long and no number.
#[test]
fn a_whole_delay_is_one_op_and_two_for_its_time() {
    let mut module = Module { outputs: 1, inputs: 2, words: 1, ..Module::default() };
    let mut dsp = attacca_mir::module::Function::new("dsp", vec![Ty::F64]);
    dsp.state.words = 1;
    dsp.state.leaves.push(attacca_mir::module::Leaf {
        offset: 0,
        kind: attacca_mir::module::LeafKind::Line { len: 5 },
        name: "delay".into(),
        site: 0,
        types: 0,
    });
    let mut b = attacca_mir::build::Builder::new(&mut dsp);
    let entry = b.block;
    let base = b.param(entry, Ty::I64);
    let (x, time) = (b.param(entry, Ty::F64), b.param(entry, Ty::F64));
    let out = b.delay(base, 0, 5, x, time);
    b.ret(&[out]);
    module.dsp = Some(module.funcs.push(dsp));
    let times = [0.0, 1.0, 2.7, -3.0, 4.0, 9.0, f64::NAN, f64::INFINITY, 3.999, 1.0];
    let input: Vec<Vec<f64>> =
        vec![(1..31).map(f64::from).collect(), times.iter().cycle().take(30).copied().collect()];
    let want = Oracle::new(&module, 1.0).unwrap().render(&input, 30);
    opt::kernel::run(&mut module);
    let code = emit(&module).unwrap().to_string();
    assert!(
        code.contains("delay_back") && code.contains("  delay r") && !code.contains("line_"),
        "{code}"
    );
    let found =
        Instance::new(Vm.compile(&module).unwrap(), &Image::default()).render(&input, 30, 11);
    assert!(same_bits(&want, &found), "{want:?}\n{found:?}");
}

/// Every pure op on awkward operands, direct or as an extension, against the table's own meaning.
#[test]
fn every_pure_op_computes_what_its_row_says() {
    let _guard = Guard::new();
    let floats =
        [0.0, -0.0, 1.0, -1.0, 0.5, 2.5, -7.25, 1e-310, 1e300, f64::INFINITY, f64::NAN, 4e15, 3.0];
    let ints = [0i64, 1, -1, 63, 64, i64::MAX, i64::MIN, 7];
    for pure in Pure::ALL {
        let mut kernel = attacca_mir::module::Function::new("kernel", vec![Ty::I64]);
        let mut b = attacca_mir::build::Builder::new(&mut kernel);
        let entry = b.block;
        let frames = b.param(entry, Ty::I64);
        let base = b.iconst(0);
        let mut args = Vec::new();
        for (at, ty) in (1u32..).zip(pure.params()) {
            args.push(b.value(attacca_mir::op::Op::Load(*ty, at), &[base], *ty));
        }
        let result = b.pure(*pure, &args);
        b.effect(attacca_mir::op::Op::Store(pure.result(), 0), &[base, result]);
        b.ret(&[frames]);
        let mut module = Module { words: 4, ..Module::default() };
        module.kernel = Some(module.funcs.push(kernel));
        let mut instance = Instance::new(Vm.compile(&module).unwrap(), &Image::default());
        for round in 0..400usize {
            let words: Vec<u64> = pure
                .params()
                .iter()
                .enumerate()
                .map(|(at, ty)| match ty {
                    Ty::F64 => floats[(round * (at * 4 + 1) + at) % floats.len()].to_bits(),
                    Ty::I64 | Ty::Ref => ints[(round * (at * 2 + 1) + at) % ints.len()] as u64,
                })
                .collect();
            instance.state.words_mut()[1..=words.len()].copy_from_slice(&words);
            instance.render(&[], 1, 1);
            let (found, want) = (instance.state.words()[0], pure.eval(&words));
            let nan = |bits| pure.result() == Ty::F64 && f64::from_bits(bits).is_nan();
            assert!(
                found == want || nan(found) && nan(want),
                "{pure:?} {words:x?}: {found:x} for {want:x}"
            );
        }
    }
}

#[test]
fn endless_recursion_stops_with_its_line() {
    let text = r#"outputs 1 dsp fn0 site0 "dsp" 0 1 1 site1 "f" 0 2 1
        fn fn0 "dsp"(v0: i64) -> (f64) { bb0: v1 = const 3.0  v2 = call fn1(v0, v1)  return v2 }
        fn fn1 "f"(v0: i64, v1: f64) -> (f64) site 1 { bb0: v2 = const 1.0  v3 = add v1, v2
          v4 = call fn1(v0, v3)  v5 = add v4, v3  return v5 }"#;
    let (kernel, image) = optimised(&module(text));
    let mut instance = Instance::new(Vm.compile(&kernel).unwrap(), &image);
    assert_eq!(instance.render(&[], 10, 4), [Vec::<f64>::new()]);
    let fault = instance.fault.unwrap();
    assert_eq!((fault.kind, fault.site), (FaultKind::Recursion, 1));
}

#[test]
fn recursion_within_the_budget_goes_all_the_way_down() {
    let text = r#"outputs 1 inputs 1 dsp fn0
        fn fn0 "dsp"(v0: i64, v1: f64) -> (f64) { bb0: v2 = call fn1(v0, v1)  return v2 }
        fn fn1 "sum"(v0: i64, v1: f64) -> (f64) {
        bb0: v2 = const 0.0  v3 = fgt v1, v2  branch v3, bb1, bb2
        bb1: v4 = const 1.0  v5 = sub v1, v4  v6 = call fn1(v0, v5)  v7 = add v6, v1  return v7
        bb2: return v2 }"#;
    let text = module(text);
    let (kernel, image) = optimised(&text);
    let code = Vm.compile(&kernel).unwrap();
    let input = vec![vec![3.0, 1998.0, 1999.0, 2000.0]];
    let mut instance = Instance::new(code, &image);
    assert_eq!(instance.render(&input, 4, 4), [vec![6.0, 1_997_001.0, 1_999_000.0]]);
    assert_eq!(instance.fault.map(|f| f.kind), Some(FaultKind::Recursion));
}

#[test]
fn a_full_heap_stops_the_program() {
    let text = r#"outputs 1 words 1 dsp_base 1 dsp fn0 global 0 ref "chain" assigned text 1 shape0 cell(ref)
        fn fn0 "dsp"(v0: i64) -> (f64) { bb0: v1 = iconst 0  v2 = load.ref v1+0  v3 = alloc shape0(v2)
          store.ref v1+0, v3  v4 = const 1.0  return v4 }"#;
    let mut kernel = module(text);
    opt::kernel::run(&mut kernel);
    let mut instance = Instance::new(Vm.compile(&kernel).unwrap(), &Image::default());
    let out = instance.render(&[], 100_000, 512);
    assert_eq!(instance.fault.map(|f| f.kind), Some(FaultKind::Heap));
    assert!(out[0].len() > 50_000, "{}", out[0].len());
}

/// A global closure with a delay line and a counter, called by name and as a task.
const CLOSURE: &str = r#"outputs 1 words 1 dsp_base 1 init fn0 dsp fn1
    global 0 ref "counter" text 0
    shape0 closure(i64, i64, f64)
    sig0 () -> (f64)
    fn fn0 "init"() -> () { bb0: v0 = iconst 0  v1 = funcaddr fn2  v2 = block.fn2 v0+0  v3 = const 10.0
      v4 = alloc shape0(v1, v2, v3)  v5 = callclosure sig0 v4()  store.ref v0+0, v4  return }
    fn fn1 "dsp"(v0: i64) -> (f64) { bb0: v1 = iconst 0  v2 = load.ref v1+0
      v3 = callclosure sig0 v2()  v4 = callclosure sig0 v2()  v5 = add v3, v4  return v5 }
    fn fn2 "counter.lambda"(v0: ref) -> (f64) closure {
      state 2 { leaf 0 self 0 f64 "self" leaf 1 line 4 "delay" }
      bb0: v1 = heapload.i64 shape0.1 v0  v2 = load.f64 v1+0  v3 = heapload.f64 shape0.2 v0
      v4 = add v2, v3  store.f64 v1+0, v4  v5 = linepos v1+1  v6 = iconst 2  v7 = isub v5, v6
      v8 = lineload.4 v1+1, v7  linestore.4 v1+1, v5, v4  v9 = iconst 1  v10 = iadd v5, v9
      linesetpos v1+1, v10  v11 = add v4, v8  return v11 }"#;

#[test]
fn global_closures_own_blocks_and_lines() {
    let text = module(CLOSURE);
    let run = run_globals(&text, &[]).unwrap();
    assert_eq!((run.words, run.blocks.len(), run.blocks[0].0), (3, 1, 1));
    assert_eq!(run.image.words, [u64::from(FIRST), 10.0f64.to_bits(), 0]);
    // Global code turned the counter once, and its line holds that turn.
    assert_eq!(run.image.lines, [LineImage { word: 2, samples: vec![10.0] }]);
    let oracle = Oracle::new(&text, text.rate).unwrap();
    assert_eq!(oracle.image().lines, run.image.lines);
    let (kernel, image) = optimised(&text);
    let code = Vm.compile(&kernel).unwrap();
    assert_eq!(code.layout().lines.len(), 1);
    let mut instance = Instance::new(code.clone(), &image);
    assert_eq!(instance.render(&[], 3, 2), [vec![60.0, 140.0, 220.0]]);
    let mut ctx = Ctx {
        state: &mut instance.state,
        cells: &[],
        inputs: &[],
        outputs: &mut [],
        now: 3,
        limit: u64::MAX,
        fault: None,
    };
    code.call(&mut ctx, HeapRef(FIRST));
    code.call(&mut ctx, HeapRef::NULL);
    code.call(&mut ctx, HeapRef(u32::MAX));
    assert_eq!(instance.state.words()[1], 80.0f64.to_bits());
}

#[test]
fn global_code_that_never_ends_is_an_error() {
    let deep = r#"init fn0 fn fn0 "init"() -> () { bb0: v0 = iconst 0  v1 = call fn1(v0)  return }
        fn fn1 "f"(v0: i64) -> (i64) site 0 { bb0: v1 = call fn1(v0)  return v1 }"#;
    let mut deep = module(deep);
    opt::prepare(&mut deep);
    assert!(
        matches!(run_globals(&deep, &[]), Err(GlobalsError::Fault(f)) if f.kind == FaultKind::Recursion)
    );
    // Each function calls the one before twice: 2^40 calls, none of them recursive.
    let mut wide = String::from(
        "init fn0 fn fn0 \"init\"() -> () { bb0: v0 = iconst 0  v1 = call fn40(v0)  return }\n",
    );
    wide += "fn fn1 \"f\"(v0: i64) -> (i64) { bb0: return v0 }\n";
    for n in 2..=40 {
        let below = n - 1;
        wide += &format!(
            "fn fn{n} \"f\"(v0: i64) -> (i64) {{ bb0: v1 = call fn{below}(v0)  v2 = call fn{below}(v1)  return v2 }}\n"
        );
    }
    assert_eq!(run_globals(&module(&wide), &[]), Err(GlobalsError::TooLong));
}
