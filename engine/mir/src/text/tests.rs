use super::parse;
use crate::verify::{report, verify};

/// A module that has one of everything.
const ALL: &str = r#"rate 48000.0
inputs 1
outputs 1
words 9
dsp_base 1
init fn0
dsp fn1
kernel fn4
global 0 f64 "ga\"in.0" assigned text 77
shape0 closure(i64, i64, f64)
shape1 cell(f64, ref)
shape2 variant(i64, ref)
shape3 array(f64, ref)
sig0 (f64) -> (f64)
cell0 control "cut.off" 1.0 0.0 2.0
cell1 pitch 3 60.0
cell2 velocity 3 -0.0
cell3 cc 0 74 0.5
cell4 bend 15
cell5 transport barstart
cell6 voice 0 7 freq
site0 "dsp" 0 3 1
voices 8
voices 8
tap0 "out.left"
sample0 "kick.wav" 2 0
block 5 fn2

fn fn0 "init"() -> () {
bb0:
  v0 = iconst 0
  v1 = const 1e-300
  store.f64 v0+0, v1
  v2 = block.fn2 v0+5
  return
}

fn fn1 "dsp"(v0: i64, v1: f64) -> (f64) {
  state 4 {
    leaf 0 line 100 "delay" site 0
    leaf 1 mem "mem" site 0
    child 2 fn2 "osc" site 0
  }
bb0:
  v2 = const nan
  v3 = const nan_fff8000000000001
  v4 = const -inf
  v5 = linepos v0+0
  v6 = lineload.100 v0+0, v5
  linestore.100 v0+0, v5, v1
  linesetpos v0+0, v5
  v7 = block.fn2 v0+2
  v8 = funcaddr fn3
  v9 = alloc shape0(v8, v7, v6)
  retain v9
  v10 = callclosure sig0 v9(v1)
  release v9
  v11 = heapload.f64 shape0.2 v9
  v12 = rconst 0
  v13 = alloc shape1(v11, v12)
  heapstore.f64 shape1.0 v13, v10
  v14 = call fn2(v7, v10)
  v15 = flt v14, v2
  branch v15, bb1(v14), bb2
bb1(v16: f64):
  v17 = budgetenter 0
  budgetleave
  v18 = now
  v19 = samplerate
  v20 = cell 2
  v21 = slow_sin v20
  return v21
bb2:
  v22 = faulted
  v23 = sin v3
  v24 = newarray shape3 v22
  v25 = arraylen v24
  v26 = arrayload.ref shape3.1 v24, v25
  arraystore.ref shape3.1 v24, v22, v26
  arraycopy shape3 v24, v22, v24, v22, v25
  v27 = alloc shape2(v22, v26)
  schedule 0 v23, v27
  print v23
  println v23
  tap 0 v23
  v28 = samplelen 0
  v29 = sampleread 0 1 v28
  return v29
bb3:
  open
}

fn fn2 "osc"(v0: i64, v1: f64) -> (f64) {
  state 2 {
    leaf 0 self 0 f64 "self" site 0
    leaf 1 self 1 i64 "self" site 0
  }
bb0:
  v2 = load.f64 v0+0
  store.f64 v0+0, v2
  return v1
}

fn fn3 "lambda"(v0: ref, v1: f64) -> (f64) closure {
bb0:
  return v1
}

fn fn4 "kernel"(v0: i64) -> (i64) entry bb1 {
bb0:
  return v0
bb1:
  v1 = firstnow
  setnow v1
  budgetreset
  v2 = input 0 v1
  output 0 v1, v2
  jump bb0
}
"#;

#[test]
fn everything_prints_back() {
    let module = parse(ALL).unwrap();
    verify(&module).map_err(|e| report(&e)).unwrap();
    assert_eq!(module.to_string(), ALL);
}

#[test]
fn line_breaks_and_comments_mean_nothing() {
    let module = parse(
        r#"fn fn0 "dsp"(v0: i64) -> (f64) { bb0: v1 = const 2.0 ; two
        v2 = mul v1, v1 return v2 }"#,
    );
    let text = module.unwrap().to_string();
    assert!(text.contains("  v2 = mul v1, v1\n  return v2\n"), "{text}");
}

#[test]
fn errors_name_the_line() {
    for (text, line, message) in [
        ("fn fn0 \"f\"() -> () {\nbb0:\n  v0 = blub v1\n}", 3, "there is no operation `blub`"),
        ("rate\n7.x", 2, "expected a float, found `7.x`"),
        ("fn fn1 \"f\"() -> () { bb0: return }", 1, "`fn1` is out of order, number 0 is next"),
        ("fn fn0 \"f\"() -> () {\nbb0:\n return", 3, "expected `}`, found the end"),
        ("fn fn0 \"f\"() -> () {\nbb0:\n v0 = call fn7()\n return }", 3, "fn7 does not exist"),
        (
            "fn fn0 \"f\"() -> () {\nbb0:\n v99999999 = now\n return }",
            3,
            "there is no operation `v99999999`",
        ),
        ("fn fn0 \"f\"() -> () {\n}", 2, "the function has no entry block bb0"),
        ("fn fn0 \"f\"() -> () {\nbb0:\n v0, v1 = now\n return }", 3, "gives 1 results, not 2"),
        ("fn fn0 \"f", 1, "the name has no closing quote"),
        ("wurst 3", 1, "expected a header item or `fn`, found `wurst`"),
        ("\u{1f600}", 1, "`\u{1f600}` means nothing here"),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!((error.line, error.message.as_str()), (line, message), "{text}");
    }
}

#[test]
fn no_part_of_a_text_makes_the_parser_panic() {
    for end in (0..ALL.len()).filter(|at| ALL.is_char_boundary(*at)) {
        let _cut = parse(&ALL[..end]);
        let without = format!("{}{}", &ALL[..end], &ALL[(end + 7).min(ALL.len())..]);
        let _holed = parse(&without);
    }
}
