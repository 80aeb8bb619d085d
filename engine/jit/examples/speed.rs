//! Nanoseconds per frame and compile times of a few programs in MIR text.
//!
//! `cargo run --release -p attacca-jit --example speed [asm]`; with `asm` the machine code is printed.

use attacca_jit::Jit;
use attacca_mir::eval::Oracle;
use attacca_mir::module::Module;
use attacca_mir::{opt, text};
use attacca_rt::ctx::Ctx;
use attacca_rt::ftz::Guard;
use attacca_rt::state::State;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

const BLOCK: usize = 512;

fn main() {
    let asm = std::env::args().any(|a| a == "asm");
    let mut programs = vec![
        ("sine", sine(1)),
        ("additive32", sine(32)),
        ("biquad8", biquads(8)),
        ("large", sine(200)),
    ];
    programs.extend([
        ("closure calls", CLOSURE.to_owned()),
        ("array of 4", array("iconst 4")),
        ("array of n", array("iand v2, v3")),
        ("kept array", kept_array()),
        ("table lookup", lookup()),
    ]);
    for (name, source) in programs {
        match measure(&source, asm) {
            Ok(line) => println!("{name:16} {line}"),
            Err(error) => println!("{name:16} {error}"),
        }
    }
}

fn measure(source: &str, asm: bool) -> Result<String, String> {
    let _guard = Guard::new();
    let mut module = text::parse(source).map_err(|e| format!("{e:?}"))?;
    opt::prepare(&mut module);
    let oracle = Oracle::new(&module, module.rate).map_err(|e| format!("{e:?}"))?;
    let image = oracle.image();
    oracle.enter_blocks(&mut module);
    opt::run(&mut module, &image);
    opt::lower_math(&mut module);
    opt::rc::run(&mut module);
    let jit = Jit::new().map_err(|e| e.to_string())?;
    if asm {
        println!("{module}\n{}", jit.disasm(&module).map_err(|e| e.to_string())?);
    }
    let compile = best(10, || jit.compile_measured(&module).map(drop).map_err(|e| e.to_string()))?;
    let (code, report) = jit.compile_measured(&module).map_err(|e| e.to_string())?;
    let mut state = State::new(code.layout(), &image);
    let input = vec![0.25; BLOCK];
    let mut output = vec![0.0; BLOCK];
    let inputs: Vec<&[f64]> = (0..module.inputs).map(|_| &input[..]).collect();
    let blocks = 60;
    let time = best(300, || {
        for block in 0..blocks {
            let mut outputs: [&mut [f64]; 1] = [&mut output];
            let mut ctx = Ctx {
                state: &mut state,
                cells: &[],
                inputs: &inputs,
                outputs: &mut outputs,
                now: block * BLOCK as u64,
                limit: u64::MAX,
                fault: None,
            };
            if code.run(&mut ctx, BLOCK as u32) != BLOCK as u32 {
                return Err(format!("stopped by {:?}", ctx.fault));
            }
        }
        Ok(())
    })?;
    let frames = blocks as f64 * BLOCK as f64;
    Ok(format!(
        "{:8.2} ns/frame  {:7} ops  {:7.3} ms to compile  {:6} bytes",
        time.as_secs_f64() * 1e9 / frames,
        ops(&module),
        compile.as_secs_f64() * 1e3,
        report.code_bytes
    ))
}

/// An array made and dropped in each sample, filled, and read at a computed place.
fn array(len: &str) -> String {
    format!(
        r#"rate 48000.0 outputs 1 words 1 dsp fn0 shape0 array(f64)
        fn fn0 "dsp"(v0: i64) -> (f64) {{ state 1 {{ leaf 0 self 0 f64 "self" }}
        bb0: v1 = load.f64 v0+0  v2 = ftoi v1  v3 = iconst 7  v4 = {len}  v5 = iconst 3  v6 = iconst 1
          v7 = newarray shape0 v4  v8 = iconst 0  arraystore.f64 shape0.0 v7, v8, v1
          arraystore.f64 shape0.0 v7, v6, v1  arraystore.f64 shape0.0 v7, v3, v1
          arraystore.f64 shape0.0 v7, v5, v1  v9 = iand v2, v5  v10 = arrayload.f64 shape0.0 v7, v9
          v11 = const 1.0  v12 = add v10, v11  store.f64 v0+0, v12  return v12 }}"#
    )
}

/// An array that a global holds until the next sample.
fn kept_array() -> String {
    r#"rate 48000.0 outputs 1 words 1 dsp_base 1 dsp fn0 global 0 ref "g" assigned shape0 array(f64)
    fn fn0 "dsp"(v0: i64) -> (f64) { bb0: v1 = iconst 0  v2 = load.ref v1+0  v3 = iconst 3
      v4 = arrayload.f64 shape0.0 v2, v3  v5 = const 1.0  v6 = add v4, v5  v7 = iconst 4
      v8 = newarray shape0 v7  arraystore.f64 shape0.0 v8, v3, v6  store.ref v1+0, v8  return v6 }"#
        .to_owned()
}

/// A place in an array that the global code made, found anew in each sample.
fn lookup() -> String {
    r#"rate 48000.0 outputs 1 words 2 dsp_base 1 init fn1 dsp fn0 global 0 ref "g" shape0 array(f64)
    fn fn0 "dsp"(v0: i64) -> (f64) { state 1 { leaf 0 self 0 f64 "self" }
    bb0: v1 = iconst 0  v2 = load.ref v1+0  v3 = load.f64 v0+0  v4 = ftoi v3  v5 = arraylen v2
      v6 = iconst 63  v7 = iand v4, v6  v8 = arrayload.f64 shape0.0 v2, v7  v9 = const 1.0  v10 = add v3, v9
      store.f64 v0+0, v10  return v8 }
    fn fn1 "init"() -> () { bb0: v0 = iconst 0  v1 = iconst 64  v2 = newarray shape0 v1  store.ref v0+0, v2  return }"#
        .to_owned()
}

fn ops(module: &Module) -> usize {
    let kernel = module.kernel.map(|id| &module.funcs[id]);
    kernel.map_or(0, |func| func.blocks.values().map(|b| b.insts.len()).sum())
}

fn best(times: usize, mut body: impl FnMut() -> Result<(), String>) -> Result<Duration, String> {
    let mut best = Duration::MAX;
    for _ in 0..times {
        let start = Instant::now();
        body()?;
        best = best.min(start.elapsed());
    }
    Ok(best)
}

/// A sum of sines, each with a phase of its own that wraps.
fn sine(count: u32) -> String {
    let mut source = format!(
        "rate 48000.0\noutputs 1\nwords {count}\ndsp fn0\nfn fn0 \"dsp\"(v0: i64) -> (f64) {{\n  state {count} {{\n"
    );
    let mut body = String::from("bb0:\n  v1 = const 0.0\n");
    let mut sum = "v1".to_owned();
    for n in 0..count {
        let v = 10 + n * 12;
        let put = writeln!(source, "    leaf {n} self 0 f64 \"self\" site 0").and_then(|()| {
            writeln!(
                body,
                "  v{a} = load.f64 v0+{n}\n  v{b} = const {inc:?}\n  v{c} = add v{a}, v{b}\n  v{d} = const 1.0\n  \
                 v{e} = rem v{c}, v{d}\n  store.f64 v0+{n}, v{e}\n  v{f} = const 6.283185307179586\n  \
                 v{g} = mul v{e}, v{f}\n  v{h} = sin v{g}\n  v{i} = add {sum}, v{h}",
                a = v, b = v + 1, c = v + 2, d = v + 3, e = v + 4, f = v + 5, g = v + 6, h = v + 7, i = v + 8,
                inc = 440.0 * f64::from(n + 1) / 48000.0,
            )
        });
        assert!(put.is_ok(), "strings take everything");
        sum = format!("v{}", v + 8);
    }
    source + "  }\n" + &body + &format!("  return {sum}\n}}\n")
}

/// Biquads in a row, transposed direct form 2.
fn biquads(count: u32) -> String {
    let words = count * 2;
    let mut source = format!(
        "rate 48000.0\ninputs 1\noutputs 1\nwords {words}\ndsp fn0\nfn fn0 \"dsp\"(v0: i64, v1: f64) -> (f64) {{\n  state {words} {{\n"
    );
    let mut body = String::from("bb0:\n");
    let mut x = "v1".to_owned();
    for n in 0..count {
        let v = 10 + n * 30;
        let k = 1.0 + f64::from(n) * 0.01;
        let put = writeln!(source, "    leaf {} self 0 f64 \"a\" site 0\n    leaf {} self 0 f64 \"b\" site 0", n * 2, n * 2 + 1)
            .and_then(|()| {
                writeln!(
                    body,
                    "  v{0} = load.f64 v0+{s}\n  v{1} = load.f64 v0+{t}\n  v{2} = const {b0:?}\n  v{3} = const {b1:?}\n  \
                     v{4} = const {a1:?}\n  v{5} = const {a2:?}\n  v{6} = mul {x}, v{2}\n  v{7} = add v{6}, v{0}\n  \
                     v{8} = mul {x}, v{3}\n  v{9} = mul v{7}, v{4}\n  v{10} = sub v{8}, v{9}\n  v{11} = add v{10}, v{1}\n  \
                     store.f64 v0+{s}, v{11}\n  v{12} = mul {x}, v{2}\n  v{13} = mul v{7}, v{5}\n  v{14} = sub v{12}, v{13}\n  \
                     store.f64 v0+{t}, v{14}",
                    v, v + 1, v + 2, v + 3, v + 4, v + 5, v + 6, v + 7, v + 8, v + 9, v + 10, v + 11, v + 12, v + 13, v + 14,
                    s = n * 2, t = n * 2 + 1, b0 = 0.2 * k, b1 = 0.4 * k, a1 = -0.5 * k, a2 = 0.2 * k,
                )
            });
        assert!(put.is_ok(), "strings take everything");
        x = format!("v{}", v + 7);
    }
    source + "  }\n" + &body + &format!("  return {x}\n}}\n")
}

/// Sixteen calls through a closure that nothing is known of.
const CLOSURE: &str = r#"rate 48000.0
outputs 1
words 1
init fn1
dsp fn0
global 0 ref "f" assigned text 1
dsp_base 1
shape0 closure(i64, i64)
sig0 (f64) -> (f64)
site0 "dsp" 0 1 1
fn fn0 "dsp"(v0: i64) -> (f64) {
bb0:
  v1 = iconst 0
  v2 = load.ref v1+0
  v3 = const 1.0
  v4 = callclosure sig0 v2(v3)
  v5 = callclosure sig0 v2(v4)
  v6 = callclosure sig0 v2(v5)
  v7 = callclosure sig0 v2(v6)
  v8 = callclosure sig0 v2(v7)
  v9 = callclosure sig0 v2(v8)
  v10 = callclosure sig0 v2(v9)
  v11 = callclosure sig0 v2(v10)
  v12 = callclosure sig0 v2(v11)
  v13 = callclosure sig0 v2(v12)
  v14 = callclosure sig0 v2(v13)
  v15 = callclosure sig0 v2(v14)
  v16 = callclosure sig0 v2(v15)
  v17 = callclosure sig0 v2(v16)
  v18 = callclosure sig0 v2(v17)
  v19 = callclosure sig0 v2(v18)
  store.ref v1+0, v2
  return v19
}
fn fn1 "init"() -> () {
bb0:
  v0 = iconst 0
  v1 = funcaddr fn2
  v2 = alloc shape0(v1, v0)
  store.ref v0+0, v2
  return
}
fn fn2 "half"(v0: ref, v1: f64) -> (f64) closure {
bb0:
  v2 = const 0.5
  v3 = mul v1, v2
  return v3
}
"#;
