//! What programs mean to the type checker: their types, and what it says about mistakes.

use expect_test::{Expect, expect};

use crate::diag::Diagnostics;
use crate::hir::{Pattern, Program, Stmt};
use crate::source::SourceMap;
use crate::types::{Typed, check as check_types};
use crate::{names, syntax};

fn typed(source: &str) -> (Typed, Diagnostics, SourceMap) {
    let mut sources = SourceMap::new();
    let file = sources.add("test.mmm", source);
    let mut diags = Diagnostics::new();
    let parse = syntax::parse(source, file, &mut diags);
    let program: Program = names::resolve(&parse, &mut diags);
    let typed = check_types(program, &mut diags);
    (typed, diags, sources)
}

/// The types of the top-level names; `dsp` may be missing.
#[track_caller]
fn check(source: &str, expected: Expect) {
    let (typed, diags, sources) = typed(source);
    let wrong: Vec<_> = diags.iter().filter(|d| d.code != "missing-dsp").collect();
    assert!(wrong.is_empty(), "{}", diags.render(&sources));
    let mut out = String::new();
    for stmt in &typed.program.stmts {
        let binding = match stmt {
            Stmt::Let { pattern: Pattern::Bind(binding), .. } | Stmt::LetRec { binding, .. } => {
                *binding
            }
            Stmt::Let { .. } | Stmt::Expr(_) => continue,
        };
        let name = &typed.program.bindings[binding].name;
        out += &format!("{name}: {}\n", typed.show_binding(binding));
    }
    expected.assert_eq(&out);
}

/// All messages: code, the text they mark, the words.
#[track_caller]
fn wrong(source: &str, expected: Expect) {
    let (_, diags, sources) = typed(source);
    let mut out = String::new();
    for one in diags.sorted() {
        let marked = sources.slice(one.span).lines().next().unwrap_or_default();
        out += &format!("{} `{marked}`: {}\n", one.code, one.message);
    }
    expected.assert_eq(&out);
}

#[test]
fn self_has_the_type_of_the_result() {
    check(
        "fn count() { self + 1.0 }",
        expect![[r#"
        count: () -> float
    "#]],
    );
    check(
        "fn pair() { let (a, b) = self\n (a + 1, a + b) }",
        expect![[r#"
        pair: () -> (float, float)
    "#]],
    );
    check(
        "fn hold(t) { if (t) { {a = 1, b = 2}.a } else self }",
        expect![[r#"
        hold: (float) -> float
    "#]],
    );
    check(
        "fn sum(t:(float, float)) { self + t }",
        expect![[r#"
        sum: (float, float) -> (float, float)
    "#]],
    );
}

#[test]
fn functions_are_polymorphic_values_are_not() {
    check(
        "fn id(x) { x }\nfn swap(p:(a, b)) -> (b, a) { (p.1, p.0) }\nlet n = id(1)\nlet s = id(\"x\")\nlet t = swap((1, \"a\"))\nlet f = id",
        expect![[r#"
            id: (a) -> a
            swap: (a, b) -> (b, a)
            n: float
            s: string
            t: (string, float)
            f: (a) -> a
        "#]],
    );
    check(
        "fn apply(f, x) { f(x) }\nlet a = apply(|x| x + 1, 2)\nlet b = apply(|s| (s, s), \"q\")",
        expect![[r#"
        apply: ((a) -> b, a) -> b
        a: float
        b: (string, string)
    "#]],
    );
    check(
        "fn compose(f, g) { |x| g(f(x)) }",
        expect![[r#"
        compose: ((a) -> b, (b) -> c) -> (a) -> c
    "#]],
    );
    check(
        "letrec fact = |n| if (n > 0) n * fact(n - 1) else 1",
        expect![[r#"
        fact: (float) -> float
    "#]],
    );
}

#[test]
fn records_are_alphabetical_and_fields_may_be_required() {
    check(
        "let r = {b = 1, a = \"x\"}",
        expect![[r#"
        r: {a: string, b: float}
    "#]],
    );
    check(
        "fn len(p) { p.x * p.x + p.y * p.y }\nlet d = len({x = 1, y = 2, z = 3})",
        expect![[r#"
        len: ({x: float, y: float, ..}) -> float
        d: float
    "#]],
    );
    check(
        "let {a = x, b = (y, _)} = {a = 1, b = (\"s\", 2)}\nlet r = (x, y)",
        expect![[r#"
        r: (float, string)
    "#]],
    );
}

#[test]
fn a_tuple_parameter_is_several_parameters() {
    check(
        "fn f(a, b) { a + b }\nfn g(t:(float, float)) { t.0 + t.1 }\nlet w = f((1, 2)) + g(1, 2)\nlet h = f\nlet i = h((1, 2)) + h({b = 2, a = 1})\nlet j = (1, 2) |> f",
        expect![[r#"
            f: (float, float) -> float
            g: (float, float) -> float
            w: float
            h: (float, float) -> float
            i: float
            j: float
        "#]],
    );
}

#[test]
fn records_pass_by_name_with_defaults() {
    check(
        "fn f(a, b, c=100) { a + b * 10 + c }\nlet x = f({b = 2, a = 1}) + f({a = 1, b = 2, c = 3, d = 4})",
        expect![[r#"
        f: (float, float, float) -> float
        x: float
    "#]],
    );
    check(
        "fn f(p:{x:float}) { p.x }\nlet a = f({x = 1, y = 2})",
        expect![[r#"
        f: ({x: float}) -> float
        a: float
    "#]],
    );
}

#[test]
fn number_functions_spread_over_tuples() {
    check(
        "fn inc(x) { self + x }\nlet a = (1, 2) |> inc\nlet b = inc(((1, 2), 3))\nlet c = sin((0, 1))",
        expect![[r#"
        inc: (float) -> float
        a: (float, float)
        b: ((float, float), float)
        c: (float, float)
    "#]],
    );
}

#[test]
fn arithmetic_works_on_tuples() {
    check(
        "let a = (1, 2) + (3, 4)\nlet b = 2 * ((1, 2), 3)\nlet c = -(1, 2)\nfn d(x) { (x, 1) / 2 }",
        expect![[r#"
            a: (float, float)
            b: ((float, float), float)
            c: (float, float)
            d: (float) -> (float, float)
        "#]],
    );
}

#[test]
fn values_have_the_wrong_type() {
    wrong(
        "fn a() { let s:string = 1.0 }",
        expect![[r#"
        type-mismatch `1.0`: expected `string`, found `float`
    "#]],
    );
    wrong(
        "fn b() { let n = 3   n(1) }",
        expect![[r#"
            not-a-function `n`: this is called like a function, but is `float`
        "#]],
    );
    wrong(
        "fn c() { let (x, y) = (1, 2, 3)   x }",
        expect![[r#"
            tuple-length `(1, 2, 3)`: expected a tuple of 2, found one of 3
        "#]],
    );
    wrong(
        "fn d() { let t = (1, 2)   t.5 }",
        expect![[r#"
        tuple-index `t.5`: there is no element 5 in a tuple of 2: elements count from 0
    "#]],
    );
    wrong(
        "fn d() { let t = (1, 2)   t.2 }",
        expect![[r#"
        tuple-index `t.2`: there is no element 2 in a tuple of 2: elements count from 0
    "#]],
    );
    wrong(
        "fn e(t) { t.0 }",
        expect![[r#"
        unknown-tuple `t.0`: element 0 of a value whose type is not known yet
    "#]],
    );
    wrong(
        "fn f() { {x = 1}.y }",
        expect![[r#"
        no-such-field `y`: `{x: float}` has no field `y`
    "#]],
    );
    wrong(
        "fn f() { let r = {x = 1}   r.y }",
        expect![[r#"
        no-such-field `y`: `{x: float}` has no field `y`
    "#]],
    );
    wrong(
        "fn g() { let k = 3   k.y }",
        expect![[r#"
        not-a-record `y`: `float` is no record, it has no field `y`
    "#]],
    );
    wrong(
        "fn k(c) { if (c) 1 else \"x\" }",
        expect![[r#"
        branches-differ `"x"`: the branches of this `if` differ: `float` and `string`
    "#]],
    );
    wrong(
        "fn l() { if (1) 5 }",
        expect![[r#"
        missing-else `if (1) 5`: this `if` gives `float` but has no `else`
    "#]],
    );
    wrong(
        "fn m() { if (\"x\") 1 else 2 }",
        expect![[r#"
        type-mismatch `"x"`: the condition of an `if` must be a number, not `string`
    "#]],
    );
    wrong(
        "let t:(float, string) = (1, 2)",
        expect![[r#"
        type-mismatch `(1, 2)`: expected `(float, string)`, found `(float, float)`
    "#]],
    );
    wrong(
        "fn f() -> string { 1 }",
        expect![[r#"
        type-mismatch `1`: expected `string`, found `float`
    "#]],
    );
    wrong(
        "let x = 1\nx = \"s\"",
        expect![[r#"
        type-mismatch `"s"`: expected `float`, found `string`
    "#]],
    );
    wrong(
        "let x:int = 1",
        expect![[r#"
        type-mismatch `1`: expected `int`, found `float`
    "#]],
    );
}

#[test]
fn arithmetic_on_something_else() {
    wrong(
        "fn n() { (1, 2) + (1, 2, 3) }",
        expect![[r#"
        shapes-differ `(1, 2) + (1, 2, 3)`: `+` needs equal shapes, not `(float, float)` and `(float, float, float)`
    "#]],
    );
    wrong(
        "fn o() { (1, \"a\") + (2, \"b\") }",
        expect![[r#"
        not-numeric `(1, "a")`: `+` works on numbers and tuples of numbers, not on `(float, string)`
        not-numeric `(2, "b")`: `+` works on numbers and tuples of numbers, not on `(float, string)`
    "#]],
    );
    wrong(
        "fn p() { \"a\" + 1 }",
        expect![[r#"
        not-numeric `"a"`: `+` works on numbers and tuples of numbers, not on `string`
    "#]],
    );
    wrong(
        "fn q() { (1, 2) == (1, 2) }",
        expect![[r#"
            not-numeric `(1, 2)`: `==` works on numbers, not on `(float, float)`
        "#]],
    );
    wrong(
        "fn r() { \"a\" == \"b\" }\nfn s() { \"a\" == 1 }",
        expect![[r#"
        type-mismatch `1`: expected `string`, found `float`
    "#]],
    );
    wrong(
        "fn t() { {x = 1} + {x = 2} }",
        expect![[r#"
        not-numeric `{x = 1}`: `+` works on numbers and tuples of numbers, not on `{x: float}`
        not-numeric `{x = 2}`: `+` works on numbers and tuples of numbers, not on `{x: float}`
    "#]],
    );
    wrong(
        "fn u() { (1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17) + 1 }",
        expect![[r#"
        tuple-too-long `(1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17)`: arithmetic works on tuples of up to 16 elements, this has 17
    "#]],
    );
    wrong(
        "fn v() { (1, 2) % 2 }",
        expect![[r#"
            not-numeric `(1, 2)`: `%` works on numbers, not on `(float, float)`
        "#]],
    );
}

#[test]
fn calls_with_wrong_arguments() {
    let p = "fn p(a, b, c) { a + b + c }\n";
    wrong(
        &format!("{p}fn q() {{ p(1, 2) }}"),
        expect![[r#"
        wrong-argument-count `p(1, 2)`: `p` takes 3 arguments, 2 given
    "#]],
    );
    wrong(
        &format!("{p}fn q() {{ p() }}"),
        expect![[r#"
        wrong-argument-count `p()`: `p` takes 3 arguments, 0 given
    "#]],
    );
    wrong(
        &format!("{p}fn q() {{ p(1) }}"),
        expect![[r#"
        wrong-argument-count `p(1)`: `p` takes 3 arguments, 1 given
    "#]],
    );
    wrong(
        &format!("{p}fn r() {{ {{a = 1, b = 2}} |> p }}"),
        expect![[r#"
        missing-argument `{a = 1, b = 2}`: `p` also needs `c`
    "#]],
    );
    wrong(
        &format!("{p}fn s() {{ {{a = 1, b = 2, d = 3}} |> p }}"),
        expect![[r#"
        missing-argument `{a = 1, b = 2, d = 3}`: `p` also needs `c`
    "#]],
    );
    wrong(
        &format!("{p}fn t() {{ (1, 2) |> p }}"),
        expect![[r#"
        wrong-argument-count `(1, 2) |> p`: `p` takes 3 arguments, 2 given
    "#]],
    );
    wrong(
        "fn f(a, b=5) { a + b }\nfn g() { f(1) }",
        expect![[r#"
        wrong-argument-count `f(1)`: `f` takes 2 arguments, 1 given
    "#]],
    );
    wrong(
        "fn f(a, b) { a + b }\nfn g() { f(\"x\", 1) }",
        expect![[r#"
        type-mismatch `"x"`: expected `float`, found `string`
    "#]],
    );
    wrong(
        "fn z() { 1 }\nfn g() { z(1) }",
        expect![[r#"
        wrong-argument-count `z(1)`: `z` takes no arguments, 1 given
    "#]],
    );
    wrong(
        "fn u(f:() -> float) -> () -> float { f }   let v = u(| | | | 1.0)",
        expect![[r#"
        type-mismatch `| | | | 1.0`: expected `() -> float`, found `() -> () -> float`
    "#]],
    );
    wrong(
        "fn g() { sin(1, 2) }",
        expect![[r#"
        wrong-argument-count `sin(1, 2)`: `sin` takes 1 argument, 2 given
    "#]],
    );
    wrong(
        "fn g() { max(1) }",
        expect![[r#"
        wrong-argument-count `max(1)`: `max` takes 2 arguments, 1 given
    "#]],
    );
    wrong(
        "fn f(p:{x:float, y:float}) { p.x }\nlet a = f({x = 1})",
        expect![[r#"
        no-such-field `{x = 1}`: `{x: float}` has no field `y`
    "#]],
    );
}

#[test]
fn functions_and_state_in_wrong_places() {
    wrong(
        "fn w(x) { self\n  |y| y }",
        expect![[r#"
            self-function `self`: `self` can't be used in a function that returns a function
        "#]],
    );
    wrong(
        "fn f(x) { f }",
        expect![[r#"
        infinite-type `f`: the type of this would contain itself
    "#]],
    );
    wrong(
        "fn g(x) { x(x) }",
        expect![[r#"
        infinite-type `x`: the type of this would contain itself
    "#]],
    );
    wrong(
        "fn a(n) { delay(n, 1, 1) }",
        expect![[r#"
            delay-max `n`: the longest time of `delay`, its first argument, must be a plain number
        "#]],
    );
    wrong(
        "fn a() { delay(16777217, 1, 1) }",
        expect![[r#"
        delay-max `16777217`: the longest time of `delay` must be from 0 to 16777216 samples, not 16777217
    "#]],
    );
    wrong(
        "let m = mem",
        expect![[r#"
            builtin-not-a-value `mem`: `mem` can only be called, not kept or passed on
        "#]],
    );
    wrong(
        "letrec x = x",
        expect![[r#"
            letrec-not-function `x`: `letrec` defines functions, this is none
        "#]],
    );
    wrong(
        "letrec x = 3",
        expect![[r#"
            letrec-not-function `3`: `letrec` defines functions, this is none
        "#]],
    );
}

#[test]
fn dsp_has_channels() {
    wrong(
        "let x = 1",
        expect![[r#"
        missing-dsp ``: there is no `dsp` function, so there is nothing to play
    "#]],
    );
    wrong(
        "let dsp = 1",
        expect![[r#"
        dsp-not-a-function `dsp`: `dsp` must be a function, this is `float`
    "#]],
    );
    wrong(
        "fn dsp() { \"x\" }",
        expect![[r#"
            dsp-output `dsp`: `dsp` must return a number for each output channel, not `string`
        "#]],
    );
    wrong(
        "fn dsp() { ((1, 2), 3) }",
        expect![[r#"
            dsp-output `dsp`: `dsp` must return a number for each output channel, not `((float, float), float)`
        "#]],
    );
    wrong(
        "fn dsp() { |x| x }",
        expect![[r#"
            dsp-output `dsp`: `dsp` must return a number for each output channel, not `(a) -> a`
        "#]],
    );
    wrong(
        "fn dsp(x:string) { 1 }",
        expect![[r#"
            dsp-input `dsp`: `dsp` takes a number for each input channel, not `string`
        "#]],
    );
    wrong(
        "fn dsp(x:(float, float), y) { 1 }",
        expect![[r#"
            dsp-input `dsp`: `dsp` takes a number for each input channel, not `((float, float), a)`
        "#]],
    );
    for good in [
        "fn dsp(x) { x }",
        "fn dsp(l, r) { (l, r) }",
        "fn dsp(x:(float, float)) { {a = x.0, b = x.1} }",
        "fn dsp() { {} }",
    ] {
        wrong(good, expect![""]);
    }
}

#[test]
fn one_mistake_is_one_message() {
    wrong(
        "fn f() { let x = 1 + \"a\"\n let y = x * 2\n let z = y(3)\n sin(z).q }\nfn g() { f() + 1 }",
        expect![[r#"
            not-numeric `"a"`: `+` works on numbers and tuples of numbers, not on `string`
            not-a-function `y`: this is called like a function, but is `float`
            not-a-record `q`: `float` is no record, it has no field `q`
        "#]],
    );
    wrong(
        "fn f() { nope(1) + 2 }\nfn g() { f().x }",
        expect![[r#"
        unknown-name `nope`: `nope` is not defined here
        not-a-record `x`: `float` is no record, it has no field `x`
    "#]],
    );
}

#[test]
fn types_that_grow_too_large_are_refused() {
    let doubled: String =
        (1..40).map(|i| format!("let t{i} = (t{}, t{})\n", i - 1, i - 1)).collect();
    let (_, diags, _) = typed(&format!("let t0 = 1\n{doubled}"));
    assert_eq!(diags.iter().next().map(|d| d.code), Some("type-too-large"));
    let nested: String = (1..500).map(|i| format!("fn f{i}() {{ f{} }}\n", i - 1)).collect();
    let (_, diags, _) = typed(&format!("fn f0() {{ 1 }}\n{nested}"));
    assert_eq!(diags.iter().next().map(|d| d.code), Some("type-too-large"));
}

#[test]
fn long_expressions_are_no_danger() {
    let (_, diags, _) = typed(&format!("fn dsp() {{ 1{} }}", " + 1".repeat(250)));
    assert!(!diags.has_errors());
    let (_, diags, _) = typed(&format!("fn dsp() {{ 1{} }}", " + 1".repeat(20_000)));
    assert!(diags.has_errors());
}
