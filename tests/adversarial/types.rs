//! Types that grow, and many alternatives: inference, unification, `match`.

use crate::{Case, bad, good, list, pieces};

/// The cases.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = growing();
    cases.extend(generic());
    cases.extend(declared());
    cases.extend(matches());
    cases
}

fn growing() -> Vec<Case> {
    let chain = |first: &str, step: &dyn Fn(usize) -> String, count: usize| {
        format!("fn dsp() {{ {first}\n{}0 }}", pieces(count, step))
    };
    vec![
        bad(
            "pairs of pairs",
            "type-too-large",
            chain("let x0 = (1, 1)", &|n| format!("let x{} = (x{n}, x{n})\n", n + 1), 40),
        ),
        bad("generic functions given what they make", "type-too-large", {
            let f = |n: usize| format!("fn f{}(x) {{ f{n}((x, f{n}(x))) }}\n", n + 1);
            format!("fn f0(x) {{ x }}\n{}fn dsp() {{ f20(1)\n 0 }}", pieces(20, f))
        }),
        bad(
            "records of records",
            "type-too-large",
            chain("let x0 = 1", &|n| format!("let x{} = {{a = x{n}, b = x{n}}}\n", n + 1), 40),
        ),
        bad(
            "arrays of arrays",
            "type-too-large",
            chain("let x0 = [1]", &|n| format!("let x{} = [x{n}]\n", n + 1), 200),
        ),
        bad(
            "functions of functions",
            "type-too-large",
            chain(
                "let x0 = |a| a + 1",
                &|n| format!("let x{} = |a:float| (x{n}, x{n})\n", n + 1),
                40,
            ),
        ),
        bad("a chain of tuples by unification", "type-too-large", {
            let params = list(30, ", ", |n| format!("a{n}"));
            let lets = pieces(29, |n| format!("if (1) a{} else (a{n}, a{n})\n", n + 1));
            format!("fn f({params}) {{ {lets} 0 }}\nfn dsp() {{ 0 }}")
        }),
        bad("a type that holds itself", "infinite-type", "fn f(x) { x(x) }\nfn dsp() { 0 }"),
        good("4,000 parameters that are the same type", {
            let same = pieces(3_999, |n| format!("if (1) a{} else a{n}\n", n + 1));
            let params = list(4_000, ", ", |n| format!("a{n}"));
            format!("fn f({params}) {{ {same} 0 }}\nfn dsp() {{ 0 }}")
        }),
        bad("a function of 5,000 levels", "type-too-large", {
            let lets = pieces(5_000, |n| format!("let f{} = |x:float| f{n}\n", n + 1));
            format!("fn dsp() {{ let f0 = 1\n{lets} 0 }}")
        }),
    ]
}

fn generic() -> Vec<Case> {
    vec![
        bad("generic pairs of pairs", "type-too-large", {
            let f = |n: usize| format!("fn f{}(x) {{ f{n}(f{n}(x)) }}\n", n + 1);
            format!("fn f0(x) {{ (x, x) }}\n{}fn dsp() {{ let y = f5(1)\n 0 }}", pieces(5, f))
        }),
        bad("generic functions at ever more types", "program-too-large", {
            let f = |n: usize| format!("fn f{}(x) {{ f{n}((x, 1))\nf{n}({{a = x}}) }}\n", n + 1);
            format!("fn f0(x) {{ 0 }}\n{}fn dsp() {{ f40(1) }}", pieces(40, f))
        }),
        bad(
            "a generic function that calls itself at another type",
            "infinite-type",
            "fn f(x) { f((x, x)) }\nfn dsp() { f(1)\n 0 }",
        ),
        good("a generic function at 1,000 places", {
            format!(
                "fn id(x:a) -> a {{ x }}\nfn dsp() {{ {}0 }}",
                "id(1)\nid((1, 2))\n".repeat(500)
            )
        }),
        good("a generic function at 300 types", {
            format!(
                "fn id(x:a) -> a {{ x }}\nfn dsp() {{ {}0 }}",
                pieces(300, |n| format!("id({{f{n} = 1}})\n"))
            )
        }),
        good("functions with ever more variables", {
            let f = |n: usize| format!("fn f{}(x, y) {{ (f{n}(x, y), x) }}\n", n + 1);
            format!("fn f0(x, y) {{ y }}\n{}fn dsp() {{ 0 }}", pieces(60, f))
        }),
    ]
}

fn declared() -> Vec<Case> {
    let twice = |n: usize| format!("type alias A{} = (A{n}, A{n})\n", n + 1);
    let variants = |n: usize| format!("type T{} = C{}(T{n}, T{n}) | D{}\n", n + 1, n + 1, n + 1);
    vec![
        bad(
            "aliases of pairs",
            "type-too-large",
            format!("type alias A0 = float\n{}fn dsp(x:A60) {{ 0 }}", pieces(60, twice)),
        ),
        good("a chain of 10,000 aliases", {
            let alias = |n: usize| format!("type alias A{} = A{n}\n", n + 1);
            format!("type alias A0 = float\n{}fn dsp(x:A10000) {{ x }}", pieces(10_000, alias))
        }),
        bad("variants of pairs of variants", "program-too-large", {
            format!(
                "type T0 = C0(float) | D0\n{}fn f(x:T60) {{ 0 }}\nfn dsp() {{ f(D60) }}",
                pieces(60, variants)
            )
        }),
        good("a variant with 10,000 constructors", {
            let type_ = format!("type T = {}", list(10_000, " | ", |n| format!("C{n}(float)")));
            let arms = pieces(10_000, |n| format!("C{n}(x) => x + {n},\n"));
            format!("{type_}\nfn f(t) {{ match t {{ {arms} }} }}\nfn dsp() {{ f(C77(1)) }}")
        }),
        good(
            "10,000 variants",
            format!(
                "{}fn dsp() {{ 0 }}",
                pieces(10_000, |n| format!("type T{n} = A{n} | B{n}(float)\n"))
            ),
        ),
        good("a recursive variant of many arms", {
            let arms = list(500, " | ", |n| format!("C{n}(T, T, float)"));
            format!(
                "type rec T = End | {arms}\nfn dsp() {{ match C3(End, End, 1) {{ C3(a, b, x) => x, _ => 0 }} }}"
            )
        }),
        bad("a recursive variant of wide payloads", "program-too-large", {
            let wide = list(5_000, ", ", |_| "float".to_owned());
            format!("type T = A({wide}) | B\nfn f(t:T) {{ 0 }}\nfn dsp() {{ f(B) }}")
        }),
    ]
}

fn matches() -> Vec<Case> {
    let wide = |columns: usize, rows: usize| {
        let params = list(columns, ", ", |n| format!("a{n}"));
        let row = |row: usize| {
            let cells =
                list(columns, ", ", |n| if n == row % columns { "A" } else { "_" }.to_owned());
            format!("({cells}) => {row},\n")
        };
        let rows = pieces(rows, row);
        let give = list(columns, ", ", |_| "A".to_owned());
        format!(
            "type T = A | B | C\nfn f({params}) {{ match ({params}) {{ {rows} _ => 1 }} }}\nfn dsp() {{ f({give}) }}"
        )
    };
    let diagonal = |columns: usize| {
        let params = list(columns, ", ", |n| format!("a{n}"));
        let row = |row: usize| {
            let cell = |n: usize| {
                if n + 1 == row || n == row {
                    "A"
                } else if n == row + 1 {
                    "B"
                } else {
                    "_"
                }
            };
            format!("({}) => {row},\n", list(columns, ", ", |n| cell(n).to_owned()))
        };
        let give = list(columns, ", ", |_| "A".to_owned());
        format!(
            "type T = A | B\nfn f({params}) {{ match ({params}) {{ {}_ => 1 }} }}\nfn dsp() {{ f({give}) }}",
            pieces(columns, row)
        )
    };
    vec![
        good("a match over 15 columns", wide(15, 15)),
        good("a match over 60 columns", wide(60, 60)),
        good("a match along a diagonal of 60", diagonal(60)),
        good("2,000 numbers", {
            format!(
                "fn dsp() {{ match now {{ {} _ => 1 }} }}",
                pieces(2_000, |n| format!("{n} => {n},\n"))
            )
        }),
        bad("20,000 numbers", "program-too-large", {
            format!(
                "fn dsp() {{ match now {{ {} _ => 1 }} }}",
                pieces(20_000, |n| format!("{n} => {n},\n"))
            )
        }),
        good(
            "5,000 equal arms",
            format!("fn dsp() {{ match now {{ {} _ => 1 }} }}", "1 => 2,\n".repeat(5_000)),
        ),
        good("5,000 rows of numbers", {
            let row = |n: usize| format!("({n}, {}, _) => {n},\n", n % 7);
            format!("fn dsp() {{ match (now, now, now) {{ {} _ => 1 }} }}", pieces(5_000, row))
        }),
        good("matches in matches", {
            let open = "match now { 0 => 1, 1 => 2, _ => ".repeat(100);
            format!("fn dsp() {{ {open}1{} }}", "}".repeat(100))
        }),
    ]
}
