//! Macro code: what it computes, what it makes, and where it stops.

use attacca_mir::eval::Oracle;

use crate::diag::Diagnostics;
use crate::hir::ExprKind;
use crate::source::SourceMap;
use crate::types::Typed;
use crate::{lower, names, stage, syntax, types};

struct Run {
    typed: Typed,
    sources: SourceMap,
    diags: Diagnostics,
}

fn run(text: &str) -> Run {
    let mut sources = SourceMap::new();
    let file = sources.add("t", text);
    let mut diags = Diagnostics::new();
    let parse = syntax::parse(text, file, &mut diags);
    let program = names::resolve(&parse, &mut diags);
    let typed = types::check(program, &mut diags);
    let typed = stage::run(typed, &mut diags);
    Run { typed, sources, diags }
}

/// What the first frames of a program are, channels one after the other.
fn frames(text: &str, count: usize) -> Vec<Vec<f64>> {
    let Run { typed, sources, mut diags } = run(text);
    assert!(!diags.has_errors(), "{}", diags.render(&sources));
    let module = lower::to_mir(&typed, &sources, &mut diags);
    assert!(!diags.has_errors(), "{}", diags.render(&sources));
    let mut oracle = Oracle::new(&module, 48_000.0).expect("the global code runs");
    oracle.render(&[], count)
}

/// The value of a macro expression that gives a number, through code and sound.
fn number(expr: &str) -> f64 {
    frames(&format!("fn dsp() {{ $(lift({expr})) }}"), 1)[0][0]
}

fn codes(text: &str) -> Vec<&'static str> {
    run(text).diags.iter().map(|one| one.code).collect()
}

#[test]
fn a_macro_that_calls_itself_unrolls() {
    let text = "#stage(macro)
        fn power(n:float, x:`float) -> `float {
          if (n > 1) `($x * $(power(n - 1, x))) else x
        }
        let order = 3
        #stage(main)
        fn cube(v) { $(power(order, `v)) }
        fn dsp() { cube(2) + power!(2, `5) }";
    assert_eq!(frames(text, 1), [[33.0]]);
}

#[test]
fn names_in_quotes_keep_their_meaning() {
    let text = "#stage(macro)
        fn m(c:`float) { `{ let x = 10
          $c + x } }
        #stage(main)
        fn dsp() { let x = 1
          m!(`x) }";
    assert_eq!(frames(text, 1), [[11.0]]);
}

#[test]
fn globals_of_macros_count() {
    let text = "#stage(macro)
        let serial = 0
        fn next() { serial = serial + 1
          lift(serial) }
        #stage(main)
        fn dsp() { (next!(), next!(), next!()) }";
    assert_eq!(frames(text, 1), [[1.0], [2.0], [3.0]]);
}

#[test]
fn code_put_in_twice_has_state_twice() {
    let text = "#stage(macro)
        fn twice(c:`float) { `($c + $c) }
        #stage(main)
        fn count() { self + 1 }
        fn dsp() { (twice!(`count()), twice!(`{ let f = |x| self + x
           f(1) })) }";
    assert_eq!(frames(text, 2), [[2.0, 4.0], [2.0, 4.0]]);
}

#[test]
fn values_compute_as_they_do_while_sound_runs() {
    assert_eq!(number("7 % 3 * 2 - 2 ^ 3 ^ 2"), -62.0);
    assert_eq!(
        number("{ let f = |x| x + 1\n (1, 2) |> |t:(float, float)| t.0 * 10 + t.1 + f(1) }"),
        14.0
    );
    assert_eq!(number("{ let x = 0\n let f = | | x\n x = 5\n f() }"), 5.0);
    assert_eq!(number("{ letrec f = |n| if (n > 0) n + f(n - 1) else 0\n f(10) }"), 55.0);
    assert_eq!(
        number("{ let a = [1, 2, 3]\n a[0] * 1000 + a[2.9] * 100 + a[-1] * 10 + a[99] }"),
        1313.0
    );
    assert_eq!(
        number(
            "{ let r = {a = 1, b = 2}\n r.a = 5\n let s = {r <- b = 7}\n r.a * 100 + r.b * 10 + s.b }"
        ),
        527.0
    );
    assert_eq!(number("match 2.7 { 1 => 10, 2 => 20, _ => 30 }"), 20.0);
    assert_eq!(
        number(
            "{ let mk = |k| { let x = k\n | | { x = x + 1\n x } }\n let a = mk(0)\n let b = mk(100)\n a() + a() + b() }"
        ),
        104.0
    );
}

#[test]
fn texts_are_counted_in_characters() {
    assert_eq!(number("str_length(\"für\")"), 3.0);
    assert_eq!(number("str_eq(str_slice(\"für Elise\", 1, 3), \"ür\")"), 1.0);
    assert_eq!(
        number("str_eq(str_take(\"ab\", 5), \"ab\") + str_length(str_drop(\"ab\", 9))"),
        1.0
    );
    assert_eq!(number("str_to_number(str_concat(\"-1\", \"2.5e1\"))"), -125.0);
    assert_eq!(number("str_length(number_to_str(0.00000012))"), 10.0);
    assert_eq!(number("str_eq(str_char_at(\"abc\", 1.9), \"b\")"), 1.0);
}

#[test]
fn a_macro_that_never_ends_is_stopped() {
    let endless = "#stage(macro)\nfn f(n:float) -> float { f(n + 1) }\n#stage(main)\nfn dsp() { $(lift(f(0))) }";
    assert_eq!(codes(endless), ["macro-budget"]);
    let wide = "#stage(macro)\nfn f(n:float) -> float { if (n > 0) f(n - 1) + f(n - 1) else 1 }\n#stage(main)\nfn dsp() { $(lift(f(60))) }";
    assert_eq!(codes(wide), ["macro-budget"]);
    let large = "#stage(macro)\nfn f(n:float, c:`float) -> `float { if (n > 0) f(n - 1, `($c + $c)) else c }\n#stage(main)\nfn dsp() { f!(60, `1) }";
    assert_eq!(codes(large), ["macro-budget"]);
    let texts = "#stage(macro)\nfn f(n:float, s:string) -> string { if (n > 0) f(n - 1, str_concat(s, s)) else s }\n#stage(main)\nfn dsp() { $(lift(str_length(f(60, \"abcdefghijklmnop\")))) }";
    assert_eq!(codes(texts), ["macro-budget"]);
}

#[test]
fn code_that_leaves_its_variable_behind_is_an_error() {
    let text = "#stage(macro)
        let kept = `0
        fn keep(c:`float) { kept = c
          c }
        #stage(main)
        fn f(x) { keep!(`x) }
        fn dsp() { f(1) + $kept }";
    assert_eq!(codes(text), ["variable-out-of-reach"]);
}

#[test]
fn expansions_tell_where_code_was_put_in() {
    let text = "#stage(macro)
        fn q() { `mem(1) }
        #stage(main)
        fn dsp() { q!() + q!() + $({ let c = `mem(2)\n `($c + $c) }) }";
    let run = run(text);
    let program = &run.typed.program;
    let mems = program.exprs.iter().filter(|(_, expr)| matches!(&expr.kind, ExprKind::Number(_)));
    let mut chains = Vec::new();
    for (id, _) in mems {
        let mut chain = Vec::new();
        let mut at = program.expanded.get(&id).copied();
        while let Some(expansion) = at.and_then(|at| program.expansions.get(at)) {
            chain.push((run.sources.slice(expansion.site).len(), expansion.copy));
            at = expansion.parent;
        }
        chains.push(chain);
    }
    let last = "$({ let c = `mem(2)\n `($c + $c) })".len();
    assert_eq!(
        chains,
        [vec![(4, 0)], vec![(4, 0)], vec![(2, 0), (last, 0)], vec![(2, 0), (last, 0)],]
    );
}

#[test]
fn the_programs_of_the_mutation_test_compile() {
    for round in 0..10 {
        let text = crate::syntax::mutation::seed(round);
        if text.contains("let n = 0") || text.contains("fn skip") {
            let run = run(text);
            assert!(!run.diags.has_errors(), "{}", run.diags.render(&run.sources));
        }
    }
}

#[test]
fn what_is_not_put_in_is_no_part_of_the_program() {
    let text = "#stage(macro)
        fn unused() { let c = Control(\"ghost\", 1)
          `2 }
        #stage(main)
        fn dsp() { unused!() }";
    let run = run(text);
    assert!(!run.diags.has_errors(), "{}", run.diags.render(&run.sources));
    let cells = run.typed.program.exprs.values().filter(|it| matches!(it.kind, ExprKind::Cell(_)));
    assert_eq!(cells.count(), 0);
}

#[test]
fn macro_code_prints_while_compiling() {
    let text = "#stage(macro)
        let x = probeln(1.5) + probe(2)
        fn m() { probeln(0.00000012)
          `1 }
        #stage(main)
        fn dsp() { m!() }";
    assert_eq!(run(text).typed.program.printed, "1.5\n20.00000012\n");
}

#[test]
fn deep_values_and_deep_code_need_no_deep_stack() {
    let text = "type rec L = End | Item(float, L)
        #stage(macro)
        let list = End
        fn grow(n:float) -> () { list = Item(n, list)
          if (n > 0) grow(n - 1) else {} }
        fn again(n:float) -> () { grow(3000)
          if (n > 0) again(n - 1) else {} }
        let done = again(10)
        fn nest(n:float, c:`float) -> `float { if (n > 0) nest(n - 1, `(-$c)) else c }
        #stage(main)
        fn dsp() { nest!(3900, `1) + $({ let l = lift(list)\n `2 }) }";
    let run = run(text);
    let codes: Vec<_> = run.diags.iter().map(|one| one.code).collect();
    assert!(codes.iter().all(|code| *code == "nested-too-deeply"), "{codes:?}");
}
