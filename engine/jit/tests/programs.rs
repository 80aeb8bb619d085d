//! Whole programs in MIR text: state, closures, heap and recursion, faults included.

mod common;

use attacca_mir::module::Module;
use attacca_mir::{opt, text, verify};
use attacca_rt::code::{Image, LineSpec};
use attacca_rt::ctx::{Ctx, DEPTH_BUDGET, Fault, FaultKind};
use attacca_rt::heap::{FIRST, Heap, HeapRef};
use attacca_rt::state::State;
use common::Instance;

/// A module in sample form, wrapped in its frame loop and nothing else.
fn kernel(source: &str) -> Module {
    let mut module = text::parse(source).unwrap_or_else(|e| panic!("{e:?}"));
    opt::prepare(&mut module);
    opt::rc::run(&mut module);
    opt::kernel::run(&mut module);
    verify::verify(&module).unwrap_or_else(|e| panic!("{}\n{module}", verify::report(&e)));
    module
}

fn play(source: &str, inputs: &[Vec<f64>], frames: usize) -> (Vec<Vec<f64>>, Instance) {
    let mut instance = Instance::new(&kernel(source), &Image::default());
    (instance.play(inputs, frames, 4), instance)
}

const COUNTER: &str = r#"rate 48000.0
outputs 2
words 1
dsp fn0
fn fn0 "dsp"(v0: i64) -> (f64, f64) {
  state 1 { leaf 0 self 0 f64 "self" site 0 }
bb0:
  v1 = load.f64 v0+0
  v2 = const 1.0
  v3 = add v1, v2
  store.f64 v0+0, v3
  v4 = now
  return v1, v4
}
"#;

#[test]
fn state_is_kept_between_blocks_and_time_goes_on() {
    let (out, instance) = play(COUNTER, &[], 10);
    let count: Vec<f64> = (0..10u8).map(f64::from).collect();
    assert_eq!(out, [count.clone(), count]);
    assert_eq!(instance.state.words(), [10.0f64.to_bits()]);
}

#[test]
fn a_limit_and_short_channels_end_a_call_early() {
    let mut instance = Instance::new(&kernel(COUNTER), &Image::default());
    let (mut left, mut right) = ([0.0; 8], [0.0; 5]);
    let mut outs: Vec<&mut [f64]> = vec![&mut left, &mut right];
    let mut ctx = Ctx {
        state: &mut instance.state,
        cells: &[],
        inputs: &[],
        outputs: &mut outs,
        now: 100,
        limit: 103,
        fault: None,
    };
    assert_eq!(instance.code.run(&mut ctx, 8), 3);
    ctx.limit = 200;
    assert_eq!(instance.code.run(&mut ctx, 8), 5);
    assert_eq!(instance.code.run(&mut ctx, 0), 0);
}

#[test]
fn delay_lines_lie_where_the_layout_says() {
    let source = r#"rate 48000.0
inputs 1
outputs 1
words 3
dsp fn0
fn fn0 "dsp"(v0: i64, v1: f64) -> (f64) {
  state 3 {
    leaf 0 mem "mem" site 0
    child 1 fn1 "late" site 0
    child 2 fn1 "later" site 0
  }
bb0:
  v2 = iconst 1
  v3 = iadd v0, v2
  v4 = call fn1(v3, v1)
  v5 = iadd v3, v2
  v6 = call fn1(v5, v4)
  return v6
}
fn fn1 "late"(v0: i64, v1: f64) -> (f64) {
  state 1 { leaf 0 line 3 "delay" site 0 }
bb0:
  v2 = linepos v0+0
  v3 = iconst 3
  v4 = isub v2, v3
  v5 = lineload.3 v0+0, v4
  linestore.3 v0+0, v2, v1
  v6 = iconst 1
  v7 = iadd v2, v6
  linesetpos v0+0, v7
  return v5
}
"#;
    let input: Vec<f64> = (1..=20u8).map(f64::from).collect();
    let (out, instance) = play(source, std::slice::from_ref(&input), 20);
    let want: Vec<f64> = std::iter::repeat_n(0.0, 6).chain(input).take(20).collect();
    assert_eq!(out, [want]);
    let lines = [LineSpec { word: 1, len: 3 }, LineSpec { word: 2, len: 3 }];
    assert_eq!(instance.code.layout().lines, lines);
    assert_eq!(instance.state.lines()[1].pos(), 20);
}

/// Makes a closure over the input in each sample and calls it; a null one now and then.
const CLOSURES: &str = r#"rate 48000.0
inputs 1
outputs 1
dsp fn0
shape0 closure(i64, i64, f64)
site0 "dsp" 0 1 1
sig0 (f64) -> (f64, f64)
fn fn0 "dsp"(v0: i64, v1: f64) -> (f64) {
bb0:
  v2 = funcaddr fn1
  v3 = alloc shape0(v2, v0, v1)
  v4 = const 10.0
  v5, v6 = callclosure sig0 v3(v4)
  v7 = rconst 0
  v8, v9 = callclosure sig0 v7(v4)
  v10 = add v5, v6
  v11 = add v8, v9
  v12 = add v10, v11
  return v12
}
fn fn1 "dsp.lambda"(v0: ref, v1: f64) -> (f64, f64) closure {
bb0:
  v2 = heapload.f64 shape0.2 v0
  v3 = mul v1, v2
  return v1, v3
}
"#;

#[test]
fn closures_are_called_and_freed_and_null_gives_zeros() {
    let input: Vec<f64> = (0..200u8).map(f64::from).collect();
    let mut instance = Instance::new(&kernel(CLOSURES), &Image::default());
    let out = instance.play(std::slice::from_ref(&input), 200, 64);
    let want: Vec<f64> = input.iter().map(|x| 10.0 + 10.0 * x).collect();
    assert_eq!(out, [want]);
    assert!(
        instance.state.heap().used() < FIRST + 16,
        "each closure is freed before the next is made"
    );
}

#[test]
fn a_full_heap_is_a_fault_at_its_sample() {
    let module = kernel(CLOSURES);
    let mut instance = Instance::new(&module, &Image::default());
    let layout = instance.code.layout().clone();
    instance.state = State::new(&layout, &Image::default());
    // All of the heap but two objects is taken by somebody else.
    let heap: &mut Heap = instance.state.heap_mut();
    let mut taken: Vec<HeapRef> = std::iter::from_fn(|| heap.alloc(0, &[])).collect();
    heap.release(taken.pop().unwrap());
    let out = instance.play(&[vec![1.0; 9]], 9, 9);
    assert_eq!((out[0].len(), instance.fault), (9, None));
    assert!(instance.state.heap_mut().alloc(0, &[]).is_some());
    let out = instance.play(&[vec![1.0; 9]], 9, 9);
    let full = Fault { kind: FaultKind::Heap, site: 0 };
    assert_eq!((out[0].len(), instance.fault), (0, Some(full)));
}

/// Calls itself as often as the input says.
const RECURSION: &str = r#"rate 48000.0
inputs 1
outputs 1
site0 "dsp" 0 1 1
site1 "deep" 0 2 1
dsp fn0
fn fn0 "dsp"(v0: i64, v1: f64) -> (f64) {
bb0:
  v2 = call fn1(v1)
  return v2
}
fn fn1 "deep"(v0: f64) -> (f64) site 1 {
bb0:
  v1 = const 0.0
  v2 = fgt v0, v1
  branch v2, bb1, bb2
bb1:
  v3 = const 1.0
  v4 = sub v0, v3
  v5 = call fn1(v4)
  v6 = add v5, v0
  return v6
bb2:
  return v1
}
"#;

#[test]
fn recursion_runs_to_its_budget_and_not_beyond() {
    let module = kernel(RECURSION);
    let mut instance = Instance::new(&module, &Image::default());
    assert!(instance.code.layout().stack_bytes > 2000 * 32);
    let deepest = f64::from(DEPTH_BUDGET - 1);
    let out = instance.play(&[vec![3.0, deepest, 0.0]], 3, 3);
    assert_eq!(out, [vec![6.0, deepest * (deepest + 1.0) / 2.0, 0.0]]);
    let out = instance.play(&[vec![2.0, deepest + 1.0, 2.0]], 3, 3);
    assert_eq!(out, [vec![3.0]]);
    assert_eq!(instance.fault, Some(Fault { kind: FaultKind::Recursion, site: 1 }));
}

/// A global closure counts calls in its own block, as a task would.
const TASK: &str = r#"rate 48000.0
outputs 1
words 2
dsp fn0
site0 "tick" 0 1 1
shape0 closure(i64, i64)
block 1 fn1
fn fn0 "dsp"(v0: i64) -> (f64) {
bb0:
  v1 = const 0.0
  return v1
}
fn fn1 "tick"(v0: ref) -> () closure {
  state 1 { leaf 0 mem "mem" site 0 }
bb0:
  v1 = heapload.i64 shape0.1 v0
  v2 = load.f64 v1+0
  v3 = const 1.0
  v4 = add v2, v3
  store.f64 v1+0, v4
  return
}
"#;

#[test]
fn tasks_are_called_with_their_closure() {
    let module = kernel(TASK);
    let mut heap = Heap::new(128, &module.shapes.values().cloned().collect::<Vec<_>>(), &[]);
    let closure = heap.alloc(0, &[1, 1]).unwrap();
    let image = Image { heap: heap.image(), ..Image::default() };
    let mut instance = Instance::new(&module, &image);
    for _ in 0..3 {
        let mut ctx = Ctx {
            state: &mut instance.state,
            cells: &[],
            inputs: &[],
            outputs: &mut [&mut []],
            now: 5,
            limit: u64::MAX,
            fault: None,
        };
        instance.code.call(&mut ctx, closure);
        instance.code.call(&mut ctx, HeapRef::NULL);
    }
    assert_eq!(instance.state.words()[1], 3.0f64.to_bits());
}
