//! Programs that are good but become too much: lowering, the passes, global code, machine code, plans.

use crate::{Case, bad, good, list, pieces};

/// The cases.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = much_code();
    cases.extend(much_state());
    cases.extend(global_code());
    cases.extend(closures());
    cases
}

/// Functions that call the one before twice.
fn doubling(first: &str, count: usize, call: &str) -> String {
    let f = |n: usize| format!("fn f{}(x) {{ {} }}\n", n + 1, call.replace("F", &format!("f{n}")));
    format!("{first}\n{}fn dsp() {{ f{count}(now) }}", pieces(count, f))
}

fn much_code() -> Vec<Case> {
    vec![
        good("calls that double", doubling("fn f0(x) { x + 1 }", 40, "F(x) + F(x + 1)")),
        good(
            "calls that double, with branches",
            doubling("fn f0(x) { x + 1 }", 40, "if (x > 2) F(x) else F(x + 1) + F(x + 2)"),
        ),
        good("a chain of 9,000 functions", {
            let f = |n: usize| format!("fn f{}(x) {{ sin(f{n}(x)) }}\n", n + 1);
            format!("fn f0(x) {{ x }}\n{}fn dsp() {{ f9000(now) }}", pieces(9_000, f))
        }),
        bad("a chain of 20,000 functions", "program-too-large", {
            let f = |n: usize| format!("fn f{}(x) {{ sin(f{n}(x)) }}\n", n + 1);
            format!("fn f0(x) {{ x }}\n{}fn dsp() {{ f20000(now) }}", pieces(20_000, f))
        }),
        good(
            "5,000 sines",
            format!("fn dsp() {{ {}x }}", pieces(5_000, |n| format!("let x = sin({} + now)\n", n))),
        ),
        good(
            "a chain of 5,000 sines",
            format!("fn dsp() {{ let x = now\n{}x }}", "let x = sin(x)\n".repeat(5_000)),
        ),
        good(
            "20,000 operations",
            format!("fn dsp() {{ let x = now\n{}x }}", "let x = x * 0.5 + 1\n".repeat(20_000)),
        ),
        bad(
            "200,000 operations, too many words",
            "text-too-long",
            format!("fn dsp() {{ let x = now\n{}x }}", "let x = x * 0.5 + 1\n".repeat(200_000)),
        ),
        good(
            "3,000 branches",
            format!(
                "fn dsp() {{ let x = now\n{}x }}",
                pieces(3_000, |n| format!("let x = if (x > {n}) sin(x) else x\n"))
            ),
        ),
        bad(
            "15,000 branches",
            "program-too-large",
            format!(
                "fn dsp() {{ let x = now\n{}x }}",
                pieces(15_000, |n| format!("let x = if (x > {n}) x * 2 else probe(x)\n"))
            ),
        ),
        good("many branches in many functions", {
            let lines = pieces(90, |n| format!("let x = if (x > {n}) x * 2 else probe(x)\n"));
            let f = |n: usize| format!("fn f{n}(x) {{ {lines}x }}\n");
            format!("{}fn dsp() {{ {}0 }}", pieces(110, f), pieces(110, |n| format!("f{n}(now)\n")))
        }),
        good("100 nested branches", {
            let open = pieces(100, |n| format!("if (now > {n}) {{ "));
            format!("fn dsp() {{ {open} 1 {} }}", "} else { 2 }".repeat(100))
        }),
        bad(
            "an array of 100,000 literals",
            "program-too-large",
            format!("let a = [{}]\nfn dsp() {{ a[now] }}", list(100_000, ", ", |n| n.to_string())),
        ),
        bad(
            "an array of 1,000,000 literals",
            "text-too-long",
            format!(
                "let a = [{}]\nfn dsp() {{ a[now] }}",
                list(1_000_000, ", ", |n| n.to_string())
            ),
        ),
        good(
            "an array of 30,000 literals",
            format!("let a = [{}]\nfn dsp() {{ a[now] }}", list(30_000, ", ", |n| n.to_string())),
        ),
        good(
            "140,000 operations",
            format!("fn dsp() {{ let x = now\n{}x }}", "let x = x * 0.5 + 1\n".repeat(70_000)),
        ),
        good(
            "an array of 20,000 expressions",
            format!(
                "fn dsp() {{ let a = [{}]\na[now] }}",
                list(20_000, ", ", |n| format!("now * {n}"))
            ),
        ),
        good("a recursion over a chain of 9,000 functions", {
            let f = |n: usize| format!("fn f{}(x) {{ sin(f{n}(x)) }}\n", n + 1);
            format!(
                "fn f0(x) {{ x }}\n{}fn down(x) {{ if (x > 0) down(x - 1) + f9000(x) else 0 }}\nfn dsp() {{ down(2) }}",
                pieces(9_000, f)
            )
        }),
        good(
            "an array of 10,000 expressions",
            format!(
                "fn dsp() {{ let a = [{}]\na[now] }}",
                list(10_000, ", ", |n| format!("now * {n}"))
            ),
        ),
        good("a tuple of 2,000", {
            let t = list(2_000, ", ", |n| n.to_string());
            format!("fn dsp() {{ let t = ({t})\nlet (a, b) = (t, t)\nb.7 + a.1999 }}")
        }),
        good("wide values through many branches", {
            let t = list(1_000, ", ", |n| format!("now + {n}"));
            format!(
                "fn dsp() {{ let t = ({t})\n{}t.7 }}",
                pieces(50, |n| format!("let t = if (now > {n}) t else t + 1\n"))
                    .replace("t + 1", "t")
            )
        }),
        good("every elementary function 500 times", {
            let each = ["sin", "cos", "tan", "tanh", "log", "sqrt", "atan", "sinh"];
            let line = |n: usize| format!("let x = {}(x + {n})\n", each[n % each.len()]);
            format!("fn dsp() {{ let x = now\n{}x }}", pieces(4_000, line))
        }),
        good("100 inputs and outputs of wide functions", {
            let params = list(400, ", ", |n| format!("a{n}"));
            let give = list(400, ", ", |_| "now".to_owned());
            let f = |n: usize| {
                format!("fn f{}({params}) {{ f{n}({params}) + f{n}({params}) }}\n", n + 1)
            };
            format!("fn f0({params}) {{ a1 + a399 }}\n{}fn dsp() {{ f12({give}) }}", pieces(12, f))
        }),
    ]
}

fn much_state() -> Vec<Case> {
    vec![
        bad(
            "state that doubles",
            "state-too-large",
            doubling("fn f0(x) { self + x }", 40, "F(x) + F(x + 1)"),
        ),
        bad(
            "a quarter of a million uses of a function with state",
            "state-too-large",
            doubling("fn f0(x) { self + x }", 18, "F(x) + F(x)"),
        ),
        bad(
            "state that is squared",
            "state-too-large",
            doubling(
                "fn f0(x) { self + x }",
                8,
                "F(x) + F(x) + F(x) + F(x) + F(x) + F(x) + F(x) + F(x) + F(x) + F(x)",
            ),
        ),
        good("10,000 phasors", {
            let sum = pieces(10_000, |n| format!("let s = s + f({n})\n"));
            format!("fn f(x) {{ (self + x) % 1 }}\nfn dsp() {{ let s = 0\n{sum}s }}")
        }),
        bad(
            "1,000 of the longest delays",
            "state-too-large",
            format!("fn dsp() {{ {} }}", pieces(1_000, |n| format!("delay(16777216, now, {n})\n"))),
        ),
        bad(
            "a delay of a thousand digits",
            "delay-max",
            format!("fn dsp() {{ delay({}, now, 1) }}", "9".repeat(300)),
        ),
        bad("a delay without an end", "delay-max", "fn dsp() { delay(1 / 0, now, 1) }"),
        bad("a delay longer than the longest", "delay-max", "fn dsp() { delay(16777217, now, 1) }"),
        good(
            "three of the longest delays",
            format!("fn dsp() {{ {} }}", pieces(3, |n| format!("delay(16777216, now, {n})\n"))),
        ),
        bad(
            "delays that double",
            "state-too-large",
            doubling("fn f0(x) { delay(1000, x, 10) }", 40, "F(x) + F(x + 1)"),
        ),
        good(
            "5,000 short delays",
            format!(
                "fn dsp() {{ {} }}",
                pieces(5_000, |n| format!("delay(10, now, {})\n", n % 10))
            ),
        ),
        good("a `self` of 2,000 numbers", {
            let parts = list(2_000, ", ", |n| format!("x + {n}"));
            format!("fn f(x) {{ let old = self\n({parts}) }}\nfn dsp() {{ f(now).7 }}")
        }),
        bad("wide state that doubles", "state-too-large", {
            let parts = list(2_000, ", ", |n| format!("x + {n}"));
            doubling(
                &format!("fn g(x) {{ let old = self\n({parts}) }}\nfn f0(x) {{ g(x).7 }}"),
                16,
                "F(x) + F(x + 1)",
            )
        }),
    ]
}

fn global_code() -> Vec<Case> {
    let fault = "global-fault";
    vec![
        bad(
            "a global that never ends",
            fault,
            "fn f(x) { f(x + 1) }\nlet g = f(1)\nfn dsp() { g }",
        ),
        bad(
            "a global of a tree of calls",
            fault,
            "fn fib(n) { if (n < 2) n else fib(n - 1) + fib(n - 2) }\nlet g = fib(80)\nfn dsp() { g }",
        ),
        bad(
            "a global of calls that double",
            fault,
            doubling("fn f0(x) { x + 1 }", 50, "F(x) + F(x + 1)")
                .replace("fn dsp() { f50(now) }", "let g = f50(1)\nfn dsp() { g }"),
        ),
        bad(
            "globals that fill the memory",
            fault,
            "fn grow(a, n) { if (n > 0) grow(append(append(a, n), n), n - 1) else a }\nfn more(a, n) { if (n > 0) more(grow(a, 1000), n - 1) else a }\nlet a = more([0], 1500)\nfn dsp() { a[0] }",
        ),
        bad(
            "globals that copy for ever",
            fault,
            "fn grow(a, n) { if (n > 0) grow(append(a, n), n - 1) else a }\nfn more(a, n) { if (n > 0) more(grow(a, 1000), n - 1) else a }\nlet big = more([0], 20)\nfn spin(n) { if (n > 0) len(append(big, n)) + spin(n - 1) + spin(n - 1) else 0 }\nlet g = spin(40)\nfn dsp() { g }",
        ),
        bad(
            "a global of task storms",
            fault,
            "fn t() { 0 }\nfn storm(n) { t@(n + 1)\nif (n > 0) storm(n - 1) + storm(n - 1) else 0 }\nlet g = storm(30)\nfn dsp() { g }",
        ),
        bad(
            "globals that print for ever",
            fault,
            "fn say(n) { probeln(n)\nif (n > 0) say(n - 1) + say(n - 1) else 0 }\nlet g = say(60)\nfn dsp() { g }",
        ),
        good(
            "20,000 globals that compute",
            format!("{}fn dsp() {{ g7 }}", pieces(20_000, |n| format!("let g{n} = sin({n})\n"))),
        ),
        good(
            "5,000 closures in globals",
            format!(
                "fn mk(a) {{ |x| self + x * a }}\n{}fn dsp() {{ g7(1) }}",
                pieces(5_000, |n| format!("let g{n} = mk({n})\n"))
            ),
        ),
    ]
}

fn closures() -> Vec<Case> {
    let array = |count: usize| {
        let all = list(count, ", ", |n| format!("mk({n})"));
        format!("fn mk(s) {{ |x| self + x * s }}\nlet all = [{all}]\nfn dsp() {{ all[0](1) }}")
    };
    vec![
        good("an array of 8,000 functions with state", array(8_000)),
        bad("an array of 50,000 functions with state", "program-too-large", array(50_000)),
        good("functions that double functions", {
            let f = |n: usize| format!("let f{} = twice(f{n})\n", n + 1);
            format!(
                "fn twice(f) {{ |x| f(f(x)) }}\nlet f0 = |x| x + 1\n{}fn dsp() {{ f40(now) }}",
                pieces(40, f)
            )
        }),
        good("functions that double functions each sample", {
            let f = |n: usize| format!("let f{} = twice(f{n})\n", n + 1);
            format!(
                "fn twice(f:(float)->float) {{ |x:float| f(f(x)) }}\nfn dsp() {{ let f0 = |x| x + now\n{}f40(now) }}",
                pieces(40, f)
            )
        }),
        good(
            "iterated doubling",
            "fn twice(f:(float)->float) { |x:float| f(f(x)) }\nfn times(n, f:(float)->float) -> (float)->float { if (n > 0) twice(times(n - 1, f)) else f }\nfn dsp() { let f = times(40, |x| x + 1)\n f(now) }",
        ),
        good(
            "1,000 lambdas",
            format!(
                "fn dsp() {{ {} }}",
                pieces(1_000, |n| format!("let f = |x| x + {n}\nf(now)\n"))
            ),
        ),
        good("a function in 60 functions", {
            let open = pieces(60, |n| format!("(|x{n}| "));
            let vars = list(60, " + ", |n| format!("x{n}"));
            format!("fn dsp() {{ {open} {vars} {} }}", ")(now)".repeat(60))
        }),
        good("500 functions of one signature through values", {
            let all = list(500, ", ", |n| format!("f{n}"));
            let f = |n: usize| format!("fn f{n}(x) {{ sin(x) + {n} }}\n");
            format!(
                "{}let a = [{all}]\nfn call(n, x) {{ let f = a[n]\n f(x) }}\nfn dsp() {{ {}0 }}",
                pieces(500, f),
                "call(now, 1)\n".repeat(500)
            )
        }),
        good("300 generic lambdas in each other", {
            let f = |n: usize| format!("let f{} = |x| f{n}(x) + f{n}(x + 1)\n", n + 1);
            format!("fn dsp() {{ let f0 = |x| x\n{}f60(now) }}", pieces(60, f))
        }),
    ]
}
