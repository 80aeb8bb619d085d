use super::{EvalError, Oracle, eval_kernel, same_bits};
use crate::module::Module;
use crate::text::parse;
use crate::verify::{report, verify};
use attacca_rt::code::{Dropped, Image};
use attacca_rt::ctx::FaultKind;
use attacca_rt::tap::text_of;

fn module(text: &str) -> Module {
    let module = parse(text).unwrap_or_else(|e| panic!("{e}"));
    verify(&module).unwrap_or_else(|e| panic!("{}", report(&e)));
    module
}

#[track_caller]
fn check(text: &str, inputs: &[Vec<f64>], want: &[f64]) {
    let module = module(text);
    let mut oracle = Oracle::new(&module, 48000.0).unwrap();
    assert_eq!(oracle.render(inputs, want.len()), [want.to_vec()]);
}

#[test]
fn a_delay_line_gives_old_samples() {
    check(
        r#"inputs 1 outputs 1 words 1 dsp fn0
        fn fn0 "dsp"(v0: i64, v1: f64) -> (f64) { state 1 { leaf 0 line 3 "delay" }
        bb0: v2 = linepos v0+0  v3 = iconst 3  v4 = isub v2, v3  v5 = lineload.3 v0+0, v4
             linestore.3 v0+0, v2, v1  v6 = iconst 1  v7 = iadd v2, v6  linesetpos v0+0, v7  return v5 }"#,
        &[vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]],
        &[0.0, 0.0, 0.0, 1.0, 2.0, 3.0],
    );
}

#[test]
fn blocks_loop_and_merge() {
    check(
        r#"outputs 1 dsp fn0
        fn fn0 "dsp"(v0: i64) -> (f64) {
        bb0: v1 = iconst 0  v2 = const 0.0  jump bb1(v1, v2)
        bb1(v3: i64, v4: f64): v5 = iconst 5  v6 = ilt v3, v5  branch v6, bb2, bb3(v4)
        bb2: v7 = iconst 1  v8 = iadd v3, v7  v9 = itof v8  v10 = add v4, v9  jump bb1(v8, v10)
        bb3(v11: f64): return v11 }"#,
        &[],
        &[15.0, 15.0],
    );
}

/// A closure made by the global code, called twice a sample; it counts in its own block.
const CLOSURE: &str = r#"outputs 1 words 1 dsp_base 1 init fn0 dsp fn1
    global 0 ref "counter"
    shape0 closure(i64, i64, f64)
    sig0 () -> (f64)
    fn fn0 "init"() -> () { bb0: v0 = iconst 0  v1 = funcaddr fn2  v2 = block.fn2 v0+0  v3 = const 10.0
      v4 = alloc shape0(v1, v2, v3)  store.ref v0+0, v4  return }
    fn fn1 "dsp"(v0: i64) -> (f64) { bb0: v1 = iconst 0  v2 = load.ref v1+0
      v3 = callclosure sig0 v2()  v4 = callclosure sig0 v2()  v5 = add v3, v4  return v5 }
    fn fn2 "counter.lambda"(v0: ref) -> (f64) closure { state 1 { leaf 0 self 0 f64 "self" }
      bb0: v1 = heapload.i64 shape0.1 v0  v2 = load.f64 v1+0  v3 = heapload.f64 shape0.2 v0
      v4 = add v2, v3  store.f64 v1+0, v4  return v4 }"#;

#[test]
fn a_global_closure_owns_a_fresh_block() {
    let module = module(CLOSURE);
    let mut oracle = Oracle::new(&module, 1.0).unwrap();
    assert_eq!(oracle.words().len(), 2);
    assert_eq!(oracle.render(&[], 2), [[30.0, 70.0]]);
    let mut grown = module.clone();
    oracle.enter_blocks(&mut grown);
    assert_eq!((grown.words, grown.blocks.len()), (2, 1));
    let image = Oracle::new(&module, 1.0).unwrap().image();
    let mut again = Oracle::with_image(&grown, 1.0, &image).unwrap();
    assert_eq!(again.render(&[], 2), [[30.0, 70.0]]);
}

#[test]
fn denormals_are_zero() {
    check(
        r#"inputs 1 outputs 1 dsp fn0
        fn fn0 "dsp"(v0: i64, v1: f64) -> (f64) { bb0: v2 = const 1e-200  v3 = mul v1, v2  v4 = const 1e300
          v5 = mul v3, v4  return v5 }"#,
        &[vec![1e-200, 1e-50, f64::from_bits(1) * 1e200]],
        &[0.0, 1e-50 * 1e-200 * 1e300, 0.0],
    );
}

#[test]
fn endless_recursion_is_a_fault_with_and_without_budget_ops() {
    let bare = r#"outputs 1 dsp fn0 site0 "dsp" 0 1 1 site1 "f" 0 2 1
        fn fn0 "dsp"(v0: i64) -> (f64) { bb0: v1 = call fn1(v0)  return v1 }
        fn fn1 "f"(v0: i64) -> (f64) site 1 { bb0: v1 = call fn1(v0)  return v1 }"#;
    let guarded = r#"outputs 1 dsp fn0 site0 "dsp" 0 1 1 site1 "f" 0 2 1
        fn fn0 "dsp"(v0: i64) -> (f64) { bb0: v1 = call fn1(v0)  return v1 }
        fn fn1 "f"(v0: i64) -> (f64) site 1 {
        bb0: v1 = budgetenter 1  branch v1, bb1, bb2
        bb1: v2 = call fn1(v0)  budgetleave  return v2
        bb2: v3 = const 0.0  return v3 }"#;
    for text in [bare, guarded] {
        let mut oracle = Oracle::new(&module(text), 1.0).unwrap();
        assert_eq!(oracle.render(&[], 5), [Vec::<f64>::new()]);
        let fault = oracle.fault().unwrap();
        assert_eq!((fault.kind, fault.site), (FaultKind::Recursion, 1));
        assert_eq!(oracle.render(&[], 5), [Vec::<f64>::new()]);
    }
}

#[test]
fn a_kernel_renders_blocks_and_keeps_time() {
    let text = r#"inputs 1 outputs 1 kernel fn0 cell0 control "gain" 2.0 1.0 3.0
        fn fn0 "kernel"(v0: i64) -> (i64) {
        bb0: v1 = iconst 0  v2 = iconst 1  v3 = firstnow  jump bb1(v1)
        bb1(v4: i64): v5 = ilt v4, v0  branch v5, bb2, bb3
        bb2: v6 = iadd v3, v4  setnow v6  v7 = now  v8 = input 0 v4  v9 = cell 0  v10 = mul v8, v9
             v11 = add v7, v10  output 0 v4, v11  v12 = iadd v4, v2  jump bb1(v12)
        bb3: return v4 }"#;
    let module = module(text);
    let (first, mut oracle) = eval_kernel(&module, &Image::default(), &[vec![1.0; 2]], 3).unwrap();
    assert_eq!(first, [[2.0, 3.0, 2.0]]);
    oracle.set_cell(0, 3.0);
    assert_eq!(oracle.render(&[vec![1.0]], 2), [[6.0, 4.0]]);
    assert_eq!(oracle.now(), 5);
}

#[test]
fn a_null_closure_gives_zeros() {
    check(
        r#"outputs 1 dsp fn0 sig0 (f64) -> (i64, f64)
        fn fn0 "dsp"(v0: i64) -> (f64) { bb0: v1 = rconst 0  v2 = const 3.0
          v3, v4 = callclosure sig0 v1(v2)  return v4 }"#,
        &[],
        &[0.0],
    );
}

#[test]
fn owners_are_counted() {
    let text = r#"outputs 1 dsp fn0 shape0 cell(ref, f64)
        fn fn0 "dsp"(v0: i64) -> (f64) { bb0: v1 = rconst 0  v2 = const 3.0  v3 = alloc shape0(v1, v2)
          v4 = alloc shape0(v3, v2)  v5 = heapload.ref shape0.0 v4  v6 = heapload.f64 shape0.1 v5
          release v4  return v6 }"#;
    let mut oracle = Oracle::new(&module(text), 1.0).unwrap();
    assert_eq!(oracle.render(&[], 10), [vec![3.0; 10]]);
    assert_eq!(oracle.live_objects(), 0);
}

#[test]
fn elements_that_do_not_exist_are_zero_and_take_nothing() {
    check(
        r#"outputs 1 dsp fn0 shape0 array(f64)
        fn fn0 "dsp"(v0: i64) -> (f64) { bb0: v1 = iconst 3  v2 = newarray shape0 v1  v3 = const 5.0
          arraystore.f64 shape0.0 v2, v1, v3  v4 = iconst -1  arraystore.f64 shape0.0 v2, v4, v3
          v5 = iconst 2  arraystore.f64 shape0.0 v2, v5, v3  v6 = arrayload.f64 shape0.0 v2, v5
          v7 = arrayload.f64 shape0.0 v2, v1  v8 = arrayload.f64 shape0.0 v2, v4  v9 = add v6, v7
          v10 = add v9, v8  v11 = arraylen v2  v12 = itof v11  v13 = add v10, v12
          v14 = newarray shape0 v4  v15 = arrayload.f64 shape0.0 v14, v1  v16 = arraylen v14
          v17 = itof v16  v18 = add v13, v15  v19 = add v18, v17  return v19 }"#,
        &[],
        &[8.0],
    );
}

#[test]
fn copies_are_clipped_to_both_arrays() {
    // 1 2 3 4 moved by two places over itself, then the first two of it to the end of another.
    check(
        r#"outputs 1 dsp fn0 shape0 array(f64)
        fn fn0 "dsp"(v0: i64) -> (f64) { bb0: v1 = iconst 4  v2 = newarray shape0 v1  v3 = iconst 0
          v4 = iconst 1  v5 = iconst 2  v6 = iconst 3  v7 = const 1.0  v8 = const 2.0  v9 = const 3.0
          arraystore.f64 shape0.0 v2, v3, v7  arraystore.f64 shape0.0 v2, v4, v8
          arraystore.f64 shape0.0 v2, v5, v9  arraycopy shape0 v2, v5, v2, v3, v1
          v10 = newarray shape0 v5  v11 = iconst -3  v12 = iconst 100
          arraycopy shape0 v10, v11, v2, v3, v12
          v13 = arrayload.f64 shape0.0 v10, v3  v14 = arrayload.f64 shape0.0 v10, v4  v15 = const 10.0
          v16 = mul v13, v15  v17 = add v16, v14  return v17 }"#,
        &[],
        &[20.0],
    );
}

#[test]
fn arrays_own_their_elements() {
    let text = r#"outputs 1 dsp fn0 shape0 array(f64, ref) shape1 cell(f64)
        fn fn0 "dsp"(v0: i64) -> (f64) { bb0: v1 = iconst 2  v2 = newarray shape0 v1  v3 = const 1.0
          v4 = alloc shape1(v3)  v5 = iconst 0  arraystore.ref shape0.1 v2, v5, v4
          arraystore.ref shape0.1 v2, v1, v4  v6 = newarray shape0 v1
          arraycopy shape0 v6, v5, v2, v5, v1  arraystore.ref shape0.1 v2, v5, v2
          v7 = iconst 1  v8 = rconst 0  arraystore.ref shape0.1 v2, v5, v8
          v9 = arrayload.ref shape0.1 v6, v5  v10 = heapload.f64 shape1.0 v9  return v10 }"#;
    let mut counted = module(text);
    crate::opt::rc::run(&mut counted);
    verify(&counted).unwrap_or_else(|e| panic!("{}", report(&e)));
    let mut oracle = Oracle::new(&counted, 1.0).unwrap();
    assert_eq!(oracle.render(&[], 10), [vec![1.0; 10]]);
    assert_eq!(oracle.live_objects(), 0);
}

#[test]
fn an_array_that_is_too_long_is_a_fault() {
    let text = r#"outputs 1 dsp fn0 shape0 array(f64)
        fn fn0 "dsp"(v0: i64) -> (f64) { bb0: v1 = iconst 9223372036854775807  v2 = newarray shape0 v1
          v3 = arraylen v2  v4 = itof v3  return v4 }"#;
    let mut oracle = Oracle::new(&module(text), 1.0).unwrap();
    assert_eq!(oracle.render(&[], 1), [Vec::<f64>::new()]);
    assert_eq!(oracle.fault().unwrap().kind, FaultKind::Heap);
}

#[test]
fn printed_text_and_probes_are_kept() {
    let text = r#"outputs 1 dsp fn0 tap0 "x"
        fn fn0 "dsp"(v0: i64) -> (f64) { bb0: v1 = const 0.00000012  v2 = now  print v1  println v2
          tap 0 v2  return v2 }"#;
    let mut oracle = Oracle::new(&module(text), 1.0).unwrap();
    oracle.render(&[], 2);
    assert_eq!(text_of(oracle.printed()), "0.000000120\n0.000000121\n");
    assert_eq!(oracle.taps(), [vec![0.0, 1.0]]);
}

/// Counts in a global word; each count schedules the next.
fn metronome(first: &str) -> String {
    format!(
        r#"outputs 1 words 1 dsp_base 1 dsp fn0 init fn1 global 0 f64 "hits" assigned
        shape0 closure(i64, i64)  site0 "tick" 0 1 1
        fn fn0 "dsp"(v0: i64) -> (f64) {{ bb0: v1 = iconst 0  v2 = load.f64 v1+0  return v2 }}
        fn fn1 "init"() -> () {{ bb0: v0 = funcaddr fn2  v1 = iconst 0  v2 = alloc shape0(v0, v1)
          v3 = const {first}  schedule 0 v3, v2  return }}
        fn fn2 "tick"(v0: ref) -> () closure {{ bb0: v1 = iconst 0  v2 = load.f64 v1+0  v3 = const 1.0
          v4 = add v2, v3  store.f64 v1+0, v4  v5 = now  v6 = const 2.0  v7 = add v5, v6
          v8 = funcaddr fn2  v9 = alloc shape0(v8, v1)  schedule 0 v7, v9  return }}"#
    )
}

#[test]
fn tasks_run_before_their_sample() {
    let mut counted = module(&metronome("1.9"));
    crate::opt::rc::run(&mut counted);
    let mut oracle = Oracle::new(&counted, 1.0).unwrap();
    assert_eq!(oracle.image().tasks.len(), 1);
    let first = oracle.render(&[], 3);
    assert_eq!(
        (first, oracle.render(&[], 4)),
        (vec![vec![0.0, 1.0, 1.0]], vec![vec![2.0, 2.0, 3.0, 3.0]])
    );
    assert_eq!(oracle.live_objects(), 1);
}

#[test]
fn a_kernel_stops_where_a_task_is_due() {
    let mut counted = module(&metronome("1.0"));
    crate::opt::rc::run(&mut counted);
    let image = Oracle::new(&counted, 1.0).unwrap().image();
    crate::opt::kernel::run(&mut counted);
    let mut oracle = Oracle::with_image(&counted, 1.0, &image).unwrap();
    assert_eq!(oracle.render(&[], 7), [[0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0]]);
}

#[test]
fn a_task_of_the_past_is_dropped() {
    let mut counted = module(&metronome("0.5"));
    crate::opt::rc::run(&mut counted);
    let mut oracle = Oracle::new(&counted, 1.0).unwrap();
    assert_eq!(oracle.image().dropped, Some(Dropped { count: 1, site: 0 }));
    assert_eq!(oracle.dropped(), None);
    assert_eq!((oracle.render(&[], 2), oracle.live_objects()), (vec![vec![0.0, 0.0]], 0));
}

#[test]
#[should_panic(expected = "used after it was freed")]
fn using_a_freed_object_is_found() {
    let text = r#"outputs 1 dsp fn0 shape0 cell(f64)
        fn fn0 "dsp"(v0: i64) -> (f64) { bb0: v1 = const 3.0  v2 = alloc shape0(v1)
          release v2  v3 = heapload.f64 shape0.0 v2  return v3 }"#;
    Oracle::new(&module(text), 1.0).unwrap().render(&[], 1);
}

#[test]
fn a_module_without_dsp_cannot_start() {
    assert_eq!(Oracle::new(&Module::default(), 1.0).unwrap_err(), EvalError::NoDsp);
}

#[test]
fn renderings_are_compared_by_bits() {
    assert!(same_bits(&[vec![f64::NAN, 0.0]], &[vec![-f64::NAN, 0.0]]));
    assert!(!same_bits(&[vec![0.0]], &[vec![-0.0]]));
    assert!(!same_bits(&[vec![0.0]], &[vec![0.0, 0.0]]));
}
