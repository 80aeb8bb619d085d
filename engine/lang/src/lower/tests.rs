//! Programs through the front end and the oracle, with the samples they play.

use attacca_mir::eval::Oracle;
use attacca_mir::module::Module;
use attacca_mir::verify::{report, verify};
use expect_test::{Expect, expect};

use super::to_mir;
use crate::diag::Diagnostics;
use crate::source::SourceMap;
use crate::{names, stage, syntax, types};

fn lower(source: &str) -> Result<Module, String> {
    let mut sources = SourceMap::new();
    let file = sources.add("test.mmm", source);
    let mut diags = Diagnostics::new();
    let parse = syntax::parse(source, file, &mut diags);
    let program = names::resolve(&parse, &mut diags);
    let typed = types::check(program, &mut diags);
    let typed = stage::run(typed, &mut diags);
    if diags.has_errors() {
        return Err(diags.render(&sources));
    }
    let module = to_mir(&typed, &sources, &mut diags);
    if diags.has_errors() { Err(diags.render(&sources)) } else { Ok(module) }
}

#[track_caller]
fn module(source: &str) -> Module {
    let module = lower(source).unwrap_or_else(|errors| panic!("{errors}"));
    if let Err(errors) = verify(&module) {
        panic!("{}\n{module}", report(&errors));
    }
    module
}

/// Renders at 48 kHz; one row a frame.
#[track_caller]
fn plays<const N: usize>(source: &str, rows: &[[f64; N]]) {
    plays_on(source, &[], rows);
}

#[track_caller]
fn plays_on<const N: usize>(source: &str, inputs: &[Vec<f64>], rows: &[[f64; N]]) {
    let module = module(source);
    let mut oracle = Oracle::new(&module, 48_000.0).unwrap_or_else(|error| panic!("{error}"));
    let planar = oracle.render(inputs, rows.len());
    assert_eq!(planar.len(), N, "channels");
    let found: Vec<Vec<f64>> = (0..rows.len())
        .map(|frame| planar.iter().map(|channel| channel[frame]).collect())
        .collect();
    assert_eq!(found, rows.iter().map(|row| row.to_vec()).collect::<Vec<_>>(), "\n{module}");
}

/// The whole module as text.
#[track_caller]
fn mir(source: &str, expected: Expect) {
    expected.assert_eq(&module(source).to_string());
}

#[test]
fn a_counter_in_mir() {
    mir(
        "fn count(step) { self + step }\nfn dsp() { count(1) }",
        expect![[r#"
            outputs 1
            words 1
            init fn2
            dsp fn1
            site0 "count" 0 1 1 bytes 0 30
            site1 "count" 0 1 1 bytes 0 30
            site2 "dsp" 0 2 1 bytes 31 52
            site3 "dsp" 0 2 12 bytes 42 50
            site4 "init" 0 1 1 bytes 0 30

            fn fn0 "count"(v0: i64, v1: f64) -> (f64) {
              state 1 {
                leaf 0 self 0 f64 "self" site 1
              }
            bb0:
              v2 = load.f64 v0+0
              v3 = add v2, v1
              store.f64 v0+0, v3
              return v3
            }

            fn fn1 "dsp"(v0: i64) -> (f64) site 2 {
              state 1 {
                child 0 fn0 "" site 3
              }
            bb0:
              v1 = const 1.0
              v2 = call fn0(v0, v1)
              return v2
            }

            fn fn2 "init"() -> () site 4 {
            bb0:
              v0 = iconst 1
              return
            }
        "#]],
    );
}

#[test]
fn self_counts_and_ticks() {
    plays("fn dsp() { self + 1 }", &[[1.0], [2.0], [3.0], [4.0]]);
    plays("fn c(x){ self + x }\nfn dsp() { c(1) + c(10) }", &[[11.0], [22.0], [33.0]]);
    plays(
        "fn pair() { let (a, b) = self\n (a + 1, a + b) }\nfn dsp() { pair() }",
        &[[1.0, 0.0], [2.0, 1.0], [3.0, 3.0]],
    );
    plays(
        "fn g() { { {a = self.a + 1, b = self.a} } }\nfn dsp() { g() }",
        &[[1.0, 0.0], [2.0, 1.0]],
    );
    plays(
        "fn hold(t, x) { if (t) x else self }\nfn dsp() { hold(now == 1, 7) }",
        &[[0.0], [7.0], [7.0]],
    );
}

#[test]
fn delays_and_mem_read_before_they_write() {
    plays(
        "fn c(){ self+1 }\nfn dsp() { let x = c()\n (delay(4,x,0), delay(4,x,1), delay(4,x,3), mem(x)) }",
        &[
            [0.0, 0.0, 0.0, 0.0],
            [0.0, 1.0, 0.0, 1.0],
            [0.0, 2.0, 0.0, 2.0],
            [0.0, 3.0, 1.0, 3.0],
            [1.0, 4.0, 2.0, 4.0],
        ],
    );
    plays(
        "fn dsp() { (delay(0, now, 1), delay(1, now + 1, 9), (3, now, 1) |> delay) }",
        &[[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 2.0, 1.0]],
    );
}

#[test]
fn operators() {
    plays(
        "fn dsp() { (-2^2, 2^3^2, 7%3*2, 1-2-3, -7%3, 7%(-3)) }",
        &[[4.0, 64.0, 2.0, -4.0, -1.0, 1.0]],
    );
    plays(
        "fn dsp() { (1 < 2, 2 <= 1, 1 == 1, 1 != 1, 1 && 0, -1 || 0, not(0), not(2)) }",
        &[[1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]],
    );
    plays("fn dsp() { (\"a\" == \"a\", \"a\" == \"b\", \"a\" != \"b\") }", &[[1.0, 0.0, 1.0]]);
    plays("fn dsp() { (2.0 + ((1,2),(3,4))).1.0 }", &[[5.0]]);
    plays("fn dsp() { ((1, 2) * (3, 4)) - 1 }", &[[2.0, 7.0]]);
    plays("fn dsp() { let a = max((1, 5))\n (a, add((1, 2), (3, 4)).1) }", &[[5.0, 6.0]]);
}

#[test]
fn function_values_carry_their_state() {
    plays(
        "fn mk(){ |x| self + x }\nlet g = mk()\nlet h = mk()\nfn dsp() { (g(1), g(1), h(1)) }",
        &[[1.0, 2.0, 1.0], [3.0, 4.0, 2.0], [5.0, 6.0, 3.0]],
    );
    plays(
        "fn ap(f,x){ f(x) }\nfn c(x){ self+x }\nfn dsp() { (ap(c,1), ap(c,10)) }",
        &[[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]],
    );
    plays(
        "fn voice(n){ let f = |x| self + x*n\n f(1) }\nfn dsp() { (voice(1), voice(10)) }",
        &[[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]],
    );
    plays("fn c(x){ self+x }\nlet g = c\nfn dsp() { (g(1), g(1)) }", &[[1.0, 1.0], [2.0, 2.0]]);
    plays("fn ap(f, x) { f(x) }\nfn dsp() { (ap(sqrt, 9), ap(|x| x * 2, 4)) }", &[[3.0, 8.0]]);
    plays(
        "fn c(x){ self+x }\nlet t = (c, c)\nfn dsp() { let (a, b) = t\n (a(1), b(10), a(1)) }",
        &[[1.0, 10.0, 2.0], [3.0, 20.0, 4.0]],
    );
}

#[test]
fn closures_capture_variables() {
    plays("fn dsp() { let x = 0\n let f = | | x\n x = 5\n f() }", &[[5.0]]);
    plays(
        "fn mk(k){ let x = k\n | | { x = x + 1\n x } }\nlet a = mk(0)\nlet b = mk(100)\nfn dsp() { (a(), b()) }",
        &[[1.0, 101.0], [2.0, 102.0]],
    );
    plays(
        "fn mk(k){ (| | { k = k + 1\n k }, | | k) }\nlet (inc, get) = mk(5)\nfn dsp() { let a = inc()\n (a, get()) }",
        &[[6.0, 6.0], [7.0, 7.0]],
    );
    plays("fn dsp() { let p = (1, 2)\n let f = |x| p.0 + p.1 * x\n f(10) }", &[[21.0]]);
    plays("let r = { let x = 3\n |y| { x = x + y\n x } }\nfn dsp() { r(1) }", &[[4.0], [5.0]]);
}

#[test]
fn variables_are_lexical() {
    plays("fn dsp() { let a = 5  let b = { let a = a + 1  a }  a*10 + b }", &[[56.0]]);
    plays(
        "fn dsp() { let a = 1\n let b = 2\n if (now) { a = 10\n let b = 3\n b = 4 } else { b = 20 }\n (a, b) }",
        &[[1.0, 20.0], [10.0, 2.0]],
    );
    plays("fn f(x) { x = x + 1\n x }\nfn dsp() { f(1) }", &[[2.0]]);
    plays(
        "fn dsp() { let r = {a = 1, b = {c = 2, d = 3}}\n let s = r\n r.b.d = 7\n (r.a, r.b.c, r.b.d, s.b.d) }",
        &[[1.0, 2.0, 7.0, 3.0]],
    );
    plays(
        "fn dsp() { let x = 1\n let set = |v| { x = v\n x }\n (x, set(2), x) }",
        &[[1.0, 2.0, 2.0]],
    );
}

#[test]
fn globals_run_once_before_the_first_sample() {
    plays("let x = 1\nfn f() { x }\nlet x = 2\nfn dsp() { (f(), x) }", &[[1.0, 2.0]]);
    plays("let n = 0\nfn dsp() { n = n + 1\n n }\nn = 10", &[[11.0], [12.0]]);
    plays(
        "let r = {a = 1, b = 2}\nfn dsp() { r.b = r.b + 1\n (r.a, r.b) }",
        &[[1.0, 3.0], [1.0, 4.0]],
    );
    plays(
        "fn c() { self + 1 }\nlet a = c() + c()\nlet (p, q) = (a, samplerate)\nfn dsp() { (p, q, now) }",
        &[[2.0, 48000.0, 0.0], [2.0, 48000.0, 1.0]],
    );
    plays(
        "let d = delay(3, 1, 1)\nlet m = mem(4)\nfn dsp() { (d, m, c) }\nlet c = 5"
            .replace("(d, m, c)", "(d, m)")
            .as_str(),
        &[[0.0, 0.0]],
    );
    plays("let f = |x| x + 1\nf = |x| x + 2\nfn dsp() { f(1) }", &[[3.0]]);
}

#[test]
fn recursion_shares_one_block() {
    plays(
        "fn r(n){ if (n>0) { r(n-1) + mem(n) } else { 0 } }\nfn dsp() { r(3) }",
        &[[3.0], [3.0], [3.0]],
    );
    plays("fn fact(n) { if (n > 1) n * fact(n - 1) else 1 }\nfn dsp() { fact(5) }", &[[120.0]]);
    plays(
        "fn dsp() { let k = 2\n letrec f = |n| if (n > 0) k + f(n - 1) else 0\n f(4) }",
        &[[8.0]],
    );
    plays(
        "fn r(n) { let h = |m| r(m - 1)\n if (n > 0) h(n) + 1 else mem(1) }\nfn dsp() { r(3) }",
        &[[3.0], [4.0]],
    );
    plays(
        "fn ap(f, x) { f(x) }\nfn r(n) { if (n > 0) ap(r, n - 1) + 1 else mem(5) }\nfn dsp() { r(2) }",
        &[[2.0], [7.0]],
    );
}

#[test]
fn the_calling_rules() {
    plays(
        "fn f(a,b,c=100){ a+b*10+c }\nfn dsp() { (f(1,2,3), f({b=2,a=1,c=3}), f({a=1,b=2}), (1,2,3) |> f) }",
        &[[24.0, 24.0, 121.0, 24.0]],
    );
    plays(
        "fn p(t:(a,b))->(b,a){ (t.1,t.0) }\nfn dsp() { let (x,y) = p((1,2))  x*10+y }",
        &[[21.0]],
    );
    plays(
        "fn inc(x){ self + x }\nfn dsp() { let y = (1,2) |> inc\n y.0 + y.1 }",
        &[[3.0], [6.0], [9.0]],
    );
    plays("fn f(p:{y:float}) { p.y }\nfn dsp() { f({x = 1, y = 2, z = 3}) }", &[[2.0]]);
    plays(
        "fn s(a, b) { a - b }\nfn dsp() { let g = s\n (g(3, 1), g((3, 1)), g({b = 1, a = 3})) }",
        &[[2.0, 2.0, 2.0]],
    );
    plays("fn f(a, b = mem(now)) { a + b }\nfn dsp() { f({a = 10}) }", &[[10.0], [10.0], [11.0]]);
}

#[test]
fn one_function_at_many_types() {
    plays(
        "fn id(x) { x }\nfn ap(f, x) { f(x) }\nfn dsp() { let p = id((1, 2))\n let s = id(\"a\") == \"a\"\n let q = ap(id, (3, 4))\n (id(5), p.0, p.1, s, q.1, id(id)(7)) }",
        &[[5.0, 1.0, 2.0, 1.0, 4.0, 7.0]],
    );
    plays(
        "fn len(p) { p.x + p.y }\nfn dsp() { (len({x = 1, y = 2}), len({w = 0, x = 3, y = 4, z = 9})) }",
        &[[3.0, 7.0]],
    );
    plays("fn dsp() { let twice = |f, x| f(f(x))\n (twice(|x| x * 3, 1), twice(|p| (p.1, p.0), (1, 2)).0) }".replace("|p| (p.1, p.0)", "|p:(float, float)| (p.1, p.0)").as_str(), &[[9.0, 1.0]]);
    plays(
        "fn last(x, y) { self\n y }\nfn dsp() { (last(1, 2), last(1, (3, 4)).1) }",
        &[[2.0, 4.0]],
    );
}

#[test]
fn branches_keep_their_own_state() {
    plays(
        "fn c() { self + 1 }\nfn dsp() { if (now % 2) c() else c() * 10 }",
        &[[10.0], [1.0], [20.0], [2.0]],
    );
    plays("fn dsp() { if (0/0) 1 else 2 }", &[[2.0]]);
    plays("fn dsp() { let x = 0\n if (now > 0) { x = now }\n x }", &[[0.0], [1.0], [2.0]]);
}

#[test]
fn channels() {
    plays_on("fn dsp(x) { x * 2 }", &[vec![1.0, 2.0]], &[[2.0], [4.0]]);
    plays_on("fn dsp(x:(float,float)) { (x.1, x.0) }", &[vec![1.0], vec![2.0]], &[[2.0, 1.0]]);
    plays_on("fn dsp(l, r) { {b = l, a = r} }", &[vec![1.0], vec![2.0]], &[[2.0, 1.0]]);
    plays("fn mk() { | | self + 1 }\nlet dsp = mk()", &[[1.0], [2.0]]);
    plays("fn voice() { self + 2 }\nlet dsp = voice", &[[2.0], [4.0]]);
    plays::<0>("fn dsp() { {} }", &[]);
}

#[test]
fn host_values_have_cells() {
    let source = "fn dsp() { let n = midi_note_mono!(0, 60, 0)\n (Control!(\"gain\", 0.5), n.pitch, n.velocity, Control!(\"gain\", 3)) }";
    plays(source, &[[0.5, 60.0, 0.0, 0.5]]);
    expect![[r#"
        [
            MidiPitch {
                channel: 0,
                initial: 60.0,
            },
            MidiVelocity {
                channel: 0,
                initial: 0.0,
            },
            Control {
                name: "gain",
                initial: 0.5,
                min: 0.0,
                max: 6.0,
            },
        ]"#]]
    .assert_eq(&format!("{:#?}", module(source).cells));
}

#[test]
fn state_has_names() {
    let module = module("fn sine(f) { self + f }\nlet mk = |k| |x| self + x * k\nlet v = mk(2)\nlet pair = (1, mk(3))\nfn dsp() { let osc1 = sine(1)\n let old = mem(osc1)\n osc1 + delay(10, old, 3) + v(1) + pair.1(1) }".replace("pair.1(1)", "{ let (_, f) = pair\n f(1) }").as_str());
    let names: Vec<_> = module.globals.iter().map(|global| global.name.as_str()).collect();
    assert_eq!(names, ["v", "pair.0", "pair.1"]);
    let Some(dsp) = module.dsp else { panic!("no dsp") };
    let state = &module.funcs[dsp].state;
    let leaves: Vec<_> = state.leaves.iter().map(|leaf| leaf.name.as_str()).collect();
    assert_eq!(leaves, ["old", "delay"]);
    let children: Vec<_> = state.children.iter().map(|child| child.binding.as_str()).collect();
    assert_eq!(children, ["osc1"]);
}

#[test]
fn global_code_keeps_lines_only_for_what_it_runs() {
    let maker = "fn echo(x) { delay(10, x, 3) }\nfn mk() { |x| echo(x) }\nlet e = mk()\n";
    assert!(module(&format!("{maker}fn dsp() {{ e(1) }}")).blocks.is_empty());
    assert_eq!(module(&format!("{maker}let y = echo(1)\nfn dsp() {{ e(y) }}")).blocks.len(), 1);
}

#[test]
fn programs_that_grow_too_large_are_refused() {
    let doubled: String =
        (1..40).map(|i| format!("fn f{i}(x) {{ f{0}(x) + f{0}(x) }}\n", i - 1)).collect();
    let errors = lower(&format!("fn f0(x) {{ self + x }}\n{doubled}fn dsp() {{ f39(1) }}"));
    assert!(errors.is_err_and(|text| text.contains("state-too-large")));
    let typed: String = (1..40)
        .map(|i| format!("fn g{i}(x) {{ (g{0}((x, 1)), g{0}((\"s\", x))).0\n x }}\n", i - 1))
        .collect();
    let errors = lower(&format!("fn g0(x) {{ x }}\n{typed}fn dsp() {{ g39(1) }}"));
    assert!(errors.is_err());
}

#[test]
fn long_programs_are_no_danger() {
    let chain: String =
        (1..3000).map(|i| format!("fn f{i}(x) {{ f{}(x) + 1 }}\n", i - 1)).collect();
    plays(&format!("fn f0(x) {{ x + 0 }}\n{chain}fn dsp() {{ f2999(1) }}"), &[[3000.0]]);
    plays(&format!("fn dsp() {{ 1{} }}", " + 1".repeat(250)), &[[251.0]]);
}

/// Mutated programs tried.
const ROUNDS: usize = 3_000;

/// Programs that between them use every part of the language core.
const SEEDS: &[&str] = &[
    "fn mk(k){ let x = k\n | | { x = x + 1\n x } }\nlet a = mk(0)\nlet (p, q) = (a, {u = 1, v = \"s\"})\nfn dsp() { (a(), p()) }",
    "fn f(a, b, c=100){ a+b*10+c }\nfn inc(x){ self + x }\nfn dsp() { let t = (1,2) |> inc\n let g = f\n (f(1,2,3), f({b=2,a=1}), g((1,2,3)), t.1) }",
    "fn id(x) { x }\nfn ap(f, x) { f(x) }\nlet r = {a = 1, b = (2, 3)}\nfn dsp(l, r2) { let p = id((l, r2))\n r.a = r.a + 1\n if (p.0 > 0) { ap(id, r.b).1 } else { ap(|y| y * mem(y), -r.a) } }",
    "fn r(n) { let h = |m| r(m - 1)\n if (n > 0) h(n) + 1 else mem(1) }\nfn dsp() { letrec f = |n| if (n > 0) f(n - 1) + delay(3, n, 1) else 0\n (r(3), f(2), Control!(\"g\", 1), midi_note_mono!(0, 60, 0).pitch) }",
];

fn random(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as usize
}

/// Names and numbers, and every other character by itself.
fn words(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len()).max(1);
        let (word, after) = rest.split_at(end);
        out.push(word);
        rest = after;
    }
    out
}

/// One to three random edits of whole tokens: removed, doubled, replaced, exchanged.
fn mutate(tokens: &[&str], state: &mut u64) -> String {
    let mut tokens = tokens.to_vec();
    for _ in 0..1 + random(state) % 3 {
        let (i, j) = (random(state) % tokens.len(), random(state) % tokens.len());
        match random(state) % 4 {
            0 => tokens[i] = "",
            1 => tokens.insert(i, tokens[j]),
            2 => tokens[i] = tokens[j],
            _ => tokens.swap(i, j),
        }
    }
    tokens.concat()
}

#[test]
fn mutated_programs_are_refused_or_run() {
    let (mut state, mut ran) = (1, 0);
    for round in 0..ROUNDS {
        let seed = SEEDS[round % SEEDS.len()];
        let tokens = words(seed);
        let source = mutate(&tokens, &mut state);
        let lowered = std::panic::catch_unwind(|| lower(&source));
        let Ok(module) = lowered.unwrap_or_else(|_| panic!("breaks on\n{source}")) else {
            continue;
        };
        if let Err(errors) = verify(&module) {
            panic!("{source}\n{}\n{module}", report(&errors));
        }
        if let Ok(mut oracle) = Oracle::new(&module, 48_000.0) {
            oracle.render(&[], 2);
            ran += 1;
        }
    }
    assert!(ran > ROUNDS / 50, "only {ran} of the mutated programs are programs");
}
