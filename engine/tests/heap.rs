//! Objects made and dropped while sound runs: arrays, function values, boxes of variants. Nothing
//! leaks, a full heap stops every backend at the same sample, and all agree with the oracle.
//!
//! `ATTACCA_SLOW=1` plays ten million samples of each.

use attacca_engine::Target;
use attacca_engine::pipeline::{Compiled, Options, compile_module};
use attacca_engine::render::{Score, oracle};
use attacca_mir::text::parse;
use attacca_rt::ctx::{Ctx, Fault, FaultKind};
use attacca_rt::state::State;

/// Frames of a block.
const BLOCK: usize = 500;

fn compile(text: &str, target: Target) -> Compiled {
    let module = parse(text).unwrap_or_else(|e| panic!("{e}"));
    compile_module(module, &Options { target, ..Options::default() })
}

/// One instance that plays for a while.
struct Player {
    compiled: Compiled,
    state: State,
    now: u64,
    fault: Option<Fault>,
}

impl Player {
    fn new(text: &str, target: Target) -> Self {
        let compiled = compile(text, target);
        let program = compiled.program.as_ref().expect("the module compiles");
        let state = State::new(program.layout(), &program.image);
        Self { compiled, state, now: 0, fault: None }
    }

    /// Plays up to `frames` more; gives the first channel of the last block.
    fn play(&mut self, frames: u64) -> Vec<f64> {
        let program = self.compiled.program.as_ref().expect("the module compiles");
        let mut output = vec![0.0; BLOCK];
        let mut rendered = 0;
        for _ in 0..frames / BLOCK as u64 {
            let mut outputs: [&mut [f64]; 1] = [&mut output];
            let mut ctx = Ctx {
                state: &mut self.state,
                cells: &[],
                inputs: &[],
                outputs: &mut outputs,
                now: self.now,
                limit: u64::MAX,
                fault: self.fault,
            };
            rendered = program.code.run(&mut ctx, BLOCK as u32) as usize;
            self.fault = ctx.fault;
            self.now += rendered as u64;
            if self.fault.is_some() {
                break;
            }
        }
        output.truncate(rendered);
        output
    }
}

/// How long leaks are looked for, in frames.
fn long() -> u64 {
    if std::env::var_os("ATTACCA_SLOW").is_some() { 10_000_000 } else { 200_000 }
}

/// The first samples are the oracle's; after a while the heap has no more words in use than before.
#[track_caller]
fn check_no_leak(text: &str) {
    let score = Score { frames: 1000, ..Score::default() };
    let want = oracle(&compile(text, Target::Vm), &score).expect("the oracle runs it");
    let expected: Vec<u64> = want.channels[0][BLOCK..].iter().map(|x| x.to_bits()).collect();
    for target in Target::ALL {
        let mut player = Player::new(text, *target);
        let found: Vec<u64> = player.play(1000).iter().map(|x| x.to_bits()).collect();
        assert_eq!(found, expected, "{target}");
        player.play(3000);
        let used = player.state.heap().used();
        player.play(long());
        assert_eq!(player.fault, None, "{target}");
        assert_eq!(player.now, 4000 + long(), "{target}");
        assert_eq!(player.state.heap().used(), used, "{target}");
    }
}

/// Arrays of changing length, filled at computed places, copied, kept in a global for a sample.
const ARRAYS: &str = r#"outputs 1 words 1 dsp_base 1 dsp fn0
    global 0 ref "last" assigned text 1
    shape0 array(f64)  site0 "dsp" 0 1 1
    fn fn0 "dsp"(v0: i64) -> (f64) {
    bb0: v1 = now  v2 = ftoi v1  v3 = iconst 15  v4 = iand v2, v3  v5 = newarray shape0 v4  v6 = iconst 3
      v7 = iand v2, v6  arraystore.f64 shape0.0 v5, v7, v1  v8 = iconst 0  v9 = load.ref v8+0
      v10 = arraylen v9  v11 = iadd v10, v4  v12 = newarray shape0 v11  arraycopy shape0 v12, v8, v9, v8, v10
      arraycopy shape0 v12, v10, v5, v8, v4  v13 = iconst 40  v14 = ilt v10, v13  branch v14, bb1, bb2
    bb1: store.ref v8+0, v12  jump bb3
    bb2: store.ref v8+0, v5  jump bb3
    bb3: v15 = arrayload.f64 shape0.0 v12, v7  v16 = itof v11  v17 = add v15, v16  return v17 }"#;

#[test]
fn arrays_made_at_each_sample_come_back() {
    check_no_leak(ARRAYS);
}

/// An array of function values that capture a cell and each other, and a chain of boxes.
const CLOSURES: &str = r#"outputs 1 words 1 dsp_base 1 dsp fn0
    global 0 ref "kept" assigned text 1
    shape0 closure(i64, i64, f64, ref)  shape1 array(f64, ref)  shape2 cell(f64)  shape3 variant(f64, ref)
    sig0 (f64) -> (f64)  site0 "dsp" 0 1 1  site1 "f" 0 2 1
    fn fn0 "dsp"(v0: i64) -> (f64) {
    bb0: v1 = now  v2 = ftoi v1  v3 = iconst 3  v4 = iand v2, v3  v5 = iconst 1  v6 = iadd v4, v5
      v7 = newarray shape1 v6  v8 = alloc shape2(v1)  v9 = funcaddr fn1  v10 = iconst 0  jump bb1(v10)
    bb1(v11: i64): v12 = ilt v11, v6  branch v12, bb2, bb3
    bb2: v13 = itof v11  v14 = alloc shape0(v9, v10, v13, v8)  arraystore.ref shape1.1 v7, v11, v14
      arraystore.f64 shape1.0 v7, v11, v13  v15 = iadd v11, v5  jump bb1(v15)
    bb3: v16 = arrayload.ref shape1.1 v7, v4  v17 = callclosure sig0 v16(v1)  v18 = load.ref v10+0
      v19 = arrayload.ref shape1.1 v18, v5  v20 = callclosure sig0 v19(v17)  store.ref v10+0, v7
      v21 = rconst 0  v22 = alloc shape3(v17, v21)  v23 = alloc shape3(v20, v22)  v24 = alloc shape3(v1, v23)
      v25 = call fn2(v24)  v26 = add v20, v25  return v26 }
    fn fn1 "f"(v0: ref, v1: f64) -> (f64) closure site 1 {
    bb0: v2 = heapload.f64 shape0.2 v0  v3 = heapload.ref shape0.3 v0  v4 = heapload.f64 shape2.0 v3
      v5 = const 0.5  v6 = mul v4, v5  heapstore.f64 shape2.0 v3, v6  v7 = add v6, v2  v8 = add v7, v1  return v8 }
    fn fn2 "sum"(v0: ref) -> (f64) {
    bb0: v1 = const 0.0  jump bb1(v0, v1)
    bb1(v2: ref, v3: f64): v4 = heapload.f64 shape3.0 v2  v5 = add v3, v4  v6 = heapload.ref shape3.1 v2
      v7 = const 1000.0  v8 = flt v4, v7  branch v8, bb2(v5), bb3
    bb2(v9: f64): return v9
    bb3: v10 = heapload.ref shape3.1 v6  jump bb1(v10, v5) }"#;

#[test]
fn function_values_and_boxes_made_at_each_sample_come_back() {
    check_no_leak(CLOSURES);
}

/// Every backend stops at the same sample, for the heap.
#[track_caller]
fn check_fills(text: &str, at_least: u64) {
    let mut stops = Vec::new();
    for target in Target::ALL {
        let mut player = Player::new(text, *target);
        player.play(1_000_000);
        assert_eq!(player.fault.map(|fault| fault.kind), Some(FaultKind::Heap), "{target}");
        assert!(player.now > at_least, "{target} stops at {}", player.now);
        stops.push(player.now);
        // Nothing is made or freed once it is stopped.
        let used = player.state.heap().used();
        player.play(BLOCK as u64);
        assert_eq!((player.state.heap().used(), player.now), (used, stops[0]), "{target}");
    }
    assert!(stops.iter().all(|stop| *stop == stops[0]), "{stops:?}");
}

#[test]
fn a_cycle_through_an_assigned_variable_fills_the_heap() {
    check_fills(
        r#"outputs 1 dsp fn0 shape0 cell(ref) shape1 closure(i64, i64, ref) sig0 () -> (f64)
        site0 "dsp" 0 1 1 site1 "f" 0 2 1
        fn fn0 "dsp"(v0: i64) -> (f64) { bb0: v1 = rconst 0  v2 = alloc shape0(v1)  v3 = funcaddr fn1  v4 = iconst 0
          v5 = alloc shape1(v3, v4, v2)  heapstore.ref shape0.0 v2, v5  v6 = callclosure sig0 v5()  return v6 }
        fn fn1 "f"(v0: ref) -> (f64) closure site 1 { bb0: v1 = heapload.ref shape1.2 v0
          v2 = heapload.ref shape0.0 v1  v3 = heapload.i64 shape1.1 v2  v4 = itof v3  return v4 }"#,
        10_000,
    );
}

#[test]
fn arrays_that_grow_for_ever_fill_the_heap() {
    check_fills(
        r#"outputs 1 words 1 dsp_base 1 dsp fn0 global 0 ref "all" assigned text 1 shape0 array(f64)
        site0 "dsp" 0 1 1
        fn fn0 "dsp"(v0: i64) -> (f64) { bb0: v1 = iconst 0  v2 = load.ref v1+0  v3 = arraylen v2  v4 = iconst 1
          v5 = iadd v3, v4  v6 = newarray shape0 v5  arraycopy shape0 v6, v1, v2, v1, v3  v7 = now
          arraystore.f64 shape0.0 v6, v3, v7  store.ref v1+0, v6  v8 = arraylen v6  v9 = itof v8  return v9 }"#,
        10_000,
    );
}

#[test]
fn lists_of_arrays_fill_the_heap() {
    check_fills(
        r#"outputs 1 words 1 dsp_base 1 dsp fn0 global 0 ref "all" assigned text 1 shape0 array(ref)
        site0 "dsp" 0 1 1
        fn fn0 "dsp"(v0: i64) -> (f64) { bb0: v1 = iconst 0  v2 = load.ref v1+0  v3 = now  v4 = ftoi v3
          v5 = iconst 7  v6 = iand v4, v5  v7 = newarray shape0 v6  arraystore.ref shape0.0 v7, v1, v2
          v8 = arraylen v7  v9 = ilt v1, v8  branch v9, bb1, bb2
        bb1: store.ref v1+0, v7  jump bb2
        bb2: v10 = const 1.0  return v10 }"#,
        10_000,
    );
}

/// A long list dropped at once is freed in pieces; what is made meanwhile finds room.
#[test]
fn a_long_list_is_freed_little_by_little() {
    let text = r#"outputs 1 words 1 dsp_base 1 dsp fn0 global 0 ref "all" assigned text 1
        shape0 variant(f64, ref) site0 "dsp" 0 1 1
        fn fn0 "dsp"(v0: i64) -> (f64) { bb0: v1 = iconst 0  v2 = load.ref v1+0  v3 = now  v4 = alloc shape0(v3, v2)
          v5 = ftoi v3  v6 = iconst 16383  v7 = iand v5, v6  v8 = ieq v7, v1  branch v8, bb1, bb2
        bb1: v9 = rconst 0  store.ref v1+0, v9  jump bb3
        bb2: store.ref v1+0, v4  jump bb3
        bb3: v10 = heapload.f64 shape0.0 v2  return v10 }"#;
    check_no_leak_from(text, 40_000);
}

#[track_caller]
fn check_no_leak_from(text: &str, first: u64) {
    for target in Target::ALL {
        let mut player = Player::new(text, *target);
        player.play(first);
        let used = player.state.heap().used();
        player.play(long());
        assert_eq!((player.fault, player.state.heap().used()), (None, used), "{target}");
    }
}
