//! Long, deep and broken texts: the lexer, the parser, names.

use crate::{Case, bad, good, list, pieces};

/// The cases.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = long();
    cases.extend(deep());
    cases.extend(broken());
    cases.extend(many_names());
    cases
}

fn long() -> Vec<Case> {
    let digits = "1".repeat(1_000_000);
    vec![
        bad("17 MB of spaces", "text-too-long", " ".repeat(17 << 20)),
        good("15 MB of spaces", format!("{}fn dsp() {{ 0 }}", " ".repeat(15 << 20))),
        good("a 10 MB comment", format!("/*{}*/ fn dsp() {{ 0 }}", "x".repeat(10 << 20))),
        good("10 MB of comments", format!("{}fn dsp() {{ 0 }}", "// a\n".repeat(2 << 20))),
        good("a 10 MB string", format!("let s = \"{}\"\nfn dsp() {{ 0 }}", "x".repeat(10 << 20))),
        good("a number of a million digits", format!("fn dsp() {{ {digits} }}")),
        good("a name of a million letters", {
            let name = "x".repeat(1_000_000);
            format!("fn {name}() {{ 1 }}\nfn dsp() {{ {name}() }}")
        }),
        good(
            "one line of 50,000 sums",
            format!("fn dsp() {{ 0 {} }}", "let a = 1 + 2 ".repeat(50_000)),
        ),
        good("200,000 statements", format!("fn dsp() {{ {} }}", "1\n".repeat(200_000))),
        good("100,000 lets", format!("fn dsp() {{ {}x }}", "let x = now\n".repeat(100_000))),
    ]
}

fn deep() -> Vec<Case> {
    let wrap = |open: &str, close: &str, count: usize| {
        format!("fn dsp() {{ {}1{} }}", open.repeat(count), close.repeat(count))
    };
    vec![
        bad("400,000 brackets", "nested-too-deeply", wrap("(", ")", 400_000)),
        bad("400,000 braces", "nested-too-deeply", wrap("{", "}", 400_000)),
        bad("400,000 quotes", "nested-too-deeply", wrap("`", "", 400_000)),
        bad("400,000 signs", "nested-too-deeply", wrap("- ", "", 400_000)),
        bad("100,000 lambdas", "nested-too-deeply", wrap("|x| ", "", 100_000)),
        bad("100,000 ifs", "nested-too-deeply", wrap("if (1) ", "", 100_000)),
        bad("a chain of 100,000 elses", "nested-too-deeply", wrap("if (1) 1 else ", "", 100_000)),
        bad(
            "a sum of 100,000",
            "nested-too-deeply",
            format!("fn dsp() {{ 1{} }}", " + 1".repeat(100_000)),
        ),
        bad(
            "100,000 pipes",
            "nested-too-deeply",
            format!("fn dsp() {{ 1{} }}", " |> sin".repeat(100_000)),
        ),
        bad(
            "100,000 calls",
            "nested-too-deeply",
            format!("fn dsp() {{ sin{} }}", "(1)".repeat(100_000)),
        ),
        bad(
            "100,000 array types",
            "nested-too-deeply",
            format!("fn dsp(x:{}float) {{ 0 }}", "[".repeat(100_000)),
        ),
        bad(
            "100,000 modules",
            "nested-too-deeply",
            format!("{}fn dsp() {{ 0 }}", "mod a {".repeat(100_000)),
        ),
        bad("100,000 patterns", "nested-too-deeply", format!("let {}a", "(".repeat(100_000))),
    ]
}

fn broken() -> Vec<Case> {
    vec![
        bad("900,000 stray signs", "expected-token", "@ ".repeat(900_000)),
        bad("two million words", "text-too-long", "a\n".repeat(2_000_000)),
        bad("a million bad characters", "unexpected-character", "§".repeat(1_000_000)),
        bad("900,000 ends", "unmatched-bracket", "}".repeat(900_000)),
        bad(
            "an open string of 10 MB",
            "text-too-long",
            format!("fn dsp() {{ \"{}", "x\n".repeat(5 << 20)),
        ),
        bad("a million comment starts", "unterminated-comment", "/* ".repeat(1_000_000)),
        bad("100,000 open functions", "reserved-word", "fn f( ".repeat(100_000)),
        bad("zero bytes", "unexpected-character", "\0".repeat(1_000_000)),
    ]
}

fn many_names() -> Vec<Case> {
    let long = "x".repeat(200);
    vec![
        good(
            "100,000 functions",
            format!("{}fn dsp() {{ f5() }}", pieces(100_000, |n| format!("fn f{n}() {{ {n} }}\n"))),
        ),
        good("80,000 functions that call each other", {
            let f = |n: usize| format!("fn f{}() {{ f{n}() + 1 }}\n", n + 1);
            format!("fn f0() {{ 0 }}\n{}fn dsp() {{ f5() }}", pieces(80_000, f))
        }),
        good(
            "50,000 globals",
            format!("{}fn dsp() {{ g5 }}", pieces(50_000, |n| format!("let g{n} = {n}\n"))),
        ),
        good(
            "one name 100,000 times",
            format!("{}fn dsp() {{ f() }}", pieces(100_000, |n| format!("fn f() {{ {n} }}\n"))),
        ),
        bad("20,000 unknown names among 20,000", "unknown-name", {
            let known = pieces(20_000, |n| format!("let known{n} = 1\n"));
            format!("{known}fn dsp() {{ {} }}", pieces(20_000, |n| format!("knwon{n}\n")))
        }),
        bad("3,000 long unknown names among 3,000", "unknown-name", {
            let known = pieces(3_000, |n| format!("let {long}{n} = 1\n"));
            format!("{known}fn dsp() {{ {} }}", pieces(3_000, |n| format!("y{long}{n}\n")))
        }),
        bad(
            "one unknown name 100,000 times",
            "unknown-name",
            format!("fn dsp() {{ {} }}", "nope\n".repeat(100_000)),
        ),
        bad(
            "10,000 parameters",
            "type-too-large",
            format!("fn f({}) {{ p1 }}\nfn dsp() {{ 0 }}", list(10_000, ", ", |n| format!("p{n}"))),
        ),
        bad(
            "a tuple of 100,000",
            "type-too-large",
            format!("fn dsp() {{ let t = ({})\n 0 }}", list(100_000, ", ", |n| n.to_string())),
        ),
        bad(
            "a record of 100,000",
            "type-too-large",
            format!(
                "fn dsp() {{ let t = {{{}}}\n 0 }}",
                list(100_000, ", ", |n| format!("f{n} = {n}"))
            ),
        ),
        bad(
            "a call with 100,000 arguments",
            "wrong-argument-count",
            format!("fn dsp() {{ max({}) }}", list(100_000, ", ", |n| n.to_string())),
        ),
        good(
            "20,000 modules",
            format!(
                "{}fn dsp() {{ m7::f() }}",
                pieces(20_000, |n| format!("mod m{n} {{ pub fn f() {{ {n} }} }}\n"))
            ),
        ),
        good(
            "20,000 uses",
            format!(
                "mod m {{ pub fn f() {{ 1 }} }}\n{}fn dsp() {{ f() }}",
                "use m::*\n".repeat(20_000)
            ),
        ),
        good("2,000 wildcards of 2,000 modules", {
            let modules =
                pieces(2_000, |n| format!("mod m{n} {{ pub fn f{n}() {{ {n} }} }}\nuse m{n}::*\n"));
            format!("{modules}fn dsp() {{ {} }}", pieces(2_000, |n| format!("f{n}()\n")))
        }),
    ]
}
