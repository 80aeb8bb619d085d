//! Code that runs while compiling, and code that it makes.

use crate::{Case, bad, good, list, pieces};

/// A program with these macros and this `dsp`.
fn staged(macros: &str, dsp: &str) -> String {
    format!("#stage(macro)\n{macros}\n#stage(main)\nfn dsp() {{ {dsp} }}")
}

/// The cases.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = endless();
    cases.extend(doubling());
    cases.extend(large());
    cases
}

fn endless() -> Vec<Case> {
    let budget = "macro-budget";
    vec![
        bad("a macro that never ends", budget, staged("fn f(x) { f(x + 1) }", "$(lift(f(1)))")),
        bad(
            "macros that call each other",
            budget,
            staged("letrec loop = |x| if (x > 0) 1 + loop(x) else 0", "$(lift(loop(1)))"),
        ),
        bad(
            "a tree of macro calls",
            budget,
            staged(
                "fn f(x:float) -> float { if (x > 0) f(x - 1) + f(x - 1) else 1 }",
                "$(lift(f(60)))",
            ),
        ),
        bad(
            "a macro that prints for ever",
            budget,
            staged(
                "fn f(x:float) -> float { let y = probeln(x)\n if (x > 0) f(x - 1) + f(x - 1) else 1 }",
                "$(lift(f(60)))",
            ),
        ),
        bad(
            "an array that grows for ever",
            budget,
            staged("fn f(a:[float]) -> [float] { f(append(a, 1)) }", "$(lift(len(f([1]))))"),
        ),
        bad(
            "arrays of arrays that grow",
            budget,
            staged(
                "fn f(a:[float], n:float) -> float { if (n > 0) f(append(a, n), n - 1) + f(prepend(n, a), n - 1) else 1 }",
                "$(lift(f([1], 40)))",
            ),
        ),
    ]
}

fn doubling() -> Vec<Case> {
    let budget = "macro-budget";
    vec![
        bad(
            "code that doubles",
            budget,
            staged(
                "fn f(n:float, x:`float) -> `float { if (n > 0) f(n - 1, `($x + $x)) else x }",
                "f!(60, `1)",
            ),
        ),
        bad(
            "code that doubles by let",
            budget,
            staged(
                "fn f(n:float, x:`float) -> `float { if (n > 0) f(n - 1, `{ let a = $x\n a + $x }) else x }",
                "f!(60, `1)",
            ),
        ),
        bad(
            "code that doubles in both branches",
            budget,
            staged(
                "fn f(n:float) -> `float { if (n > 0) `(if (now > 1) $(f(n - 1)) else $(f(n - 1))) else `1 }",
                "f!(60)",
            ),
        ),
        bad(
            "texts that double",
            budget,
            staged(
                "fn f(n:float, s:string) -> string { if (n > 0) f(n - 1, str_concat(s, s)) else s }",
                "$(lift(str_length(f(60, \"x\"))))",
            ),
        ),
        bad(
            "values that double",
            budget,
            staged(
                "fn f(n:float, a:[float]) -> [float] { if (n > 0) f(n - 1, append(append(a, n), n)) else a }\nfn g(n:float, a:[float]) -> float { if (n > 0) g(n - 1, f(2000, a)) else len(a) }",
                "$(lift(g(3000, [1])))",
            ),
        ),
        bad(
            "code that nests",
            budget,
            staged(
                "fn f(n:float, x:`float) -> `float { if (n > 0) f(n - 1, `sin($x)) else x }\nfn g(n:float, x:`float) -> `float { if (n > 0) g(n - 1, f(2000, x)) else x }",
                "g!(2000, `1)",
            ),
        ),
        bad(
            "functions that double",
            "nested-too-deeply",
            staged(
                "fn f(n:float, x:`float) -> `float { if (n > 0) f(n - 1, `(|y| y + $x)(1)) else x }",
                "f!(3000, `1)",
            ),
        ),
    ]
}

fn large() -> Vec<Case> {
    let grow = "fn grow(n:float, a:[float]) -> [float] { if (n > 0) grow(n - 1, append(a, n)) else a }\nfn more(n:float, a:[float]) -> [float] { if (n > 0) more(n - 1, grow(2000, a)) else a }";
    vec![
        good(
            "an array of 20,000 from a macro",
            staged(grow, "let a = $(lift(more(10, [])))\na[now]"),
        ),
        bad(
            "an array of 1,000,000 from a macro",
            "macro-budget",
            staged(grow, "let a = $(lift(more(500, [])))\na[now]"),
        ),
        good(
            "1,000 macro calls",
            staged(
                "fn osc(f:float) { `(| | (self + $(lift(f))) % 1)() }",
                &list(1_000, "\n", |n| format!("osc!({n})")),
            ),
        ),
        good(
            "a sum of 1,000 oscillators",
            staged(
                "fn osc(f:float) { `(| | (self + $(lift(f))) % 1)() }\nfn bank(n:float, x:`float) -> `float { if (n > 0) bank(n - 1, `($x + $(osc(n)))) else x }",
                "bank!(1000, `0)",
            ),
        ),
        good(
            "10,000 macros",
            format!(
                "#stage(macro)\n{}#stage(main)\nfn dsp() {{ f5!() }}",
                pieces(10_000, |n| format!("fn f{n}() {{ `{n} }}\n"))
            ),
        ),
        bad(
            "a string of 10 MB by macros",
            "macro-budget",
            staged(
                "fn f(n:float, s:string) -> string { if (n > 0) f(n - 1, str_concat(s, \"0123456789\")) else s }\nfn g(n:float, s:string) -> string { if (n > 0) g(n - 1, f(1000, s)) else s }",
                "$(lift(str_length(g(3000, \"\"))))",
            ),
        ),
    ]
}
