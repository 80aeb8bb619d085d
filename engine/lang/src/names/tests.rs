//! What names resolve to, and what is said about those that don't.

use super::*;
use crate::hir::{MatchPattern, Pattern, Stmt};
use crate::source::SourceMap;
use crate::syntax;
use expect_test::{Expect, expect};

fn resolve_text(text: &str) -> (Program, Diagnostics, SourceMap) {
    let mut sources = SourceMap::new();
    let file = sources.add("t", text);
    let mut diags = Diagnostics::new();
    let parse = syntax::parse(text, file, &mut diags);
    let program = resolve(&parse, &mut diags);
    (program, diags, sources)
}

/// Prints a program with the numbers of its bindings.
struct Show<'a>(&'a Program);

impl Show<'_> {
    fn name(&self, binding: BindingId) -> String {
        format!("{}.{}", self.0.bindings[binding].name, binding.as_u32())
    }

    fn list<T>(&self, items: &[T], show: impl Fn(&T) -> String) -> String {
        items.iter().map(show).collect::<Vec<_>>().join(", ")
    }

    fn pattern(&self, pattern: &Pattern) -> String {
        match pattern {
            Pattern::Bind(binding) => self.name(*binding),
            Pattern::Ignore(_) => "_".to_owned(),
            Pattern::Tuple(parts, _) => format!("({})", self.list(parts, |it| self.pattern(it))),
            Pattern::Record(fields, _) => {
                format!("{{{}}}", self.list(fields, |(n, p)| format!("{n} = {}", self.pattern(p))))
            }
        }
    }

    fn arm(&self, pattern: &MatchPattern) -> String {
        let with = |name: String, payload: &Option<Pattern>| {
            payload.as_ref().map_or(name.clone(), |it| format!("{name} {}", self.pattern(it)))
        };
        match pattern {
            MatchPattern::Number(number, _) => number.to_string(),
            MatchPattern::Any(_) => "_".to_owned(),
            MatchPattern::Variant(ty, index, payload, _) => {
                let variant = &self.0.types[*ty].variants[*index as usize];
                with(format!("{}.{}", variant.name, ty.as_u32()), payload)
            }
            MatchPattern::Member(member, payload, _) => with(format!("{member:?}"), payload),
            MatchPattern::Tuple(parts, _) => format!("({})", self.list(parts, |it| self.arm(it))),
            MatchPattern::Error(_) => "error".to_owned(),
        }
    }

    fn stmt(&self, stmt: &Stmt) -> String {
        match stmt {
            Stmt::Let { pattern, value, .. } => {
                format!("let {} = {}", self.pattern(pattern), self.expr(*value))
            }
            Stmt::LetRec { binding, value } => {
                format!("letrec {} = {}", self.name(*binding), self.expr(*value))
            }
            Stmt::Expr(expr) => self.expr(*expr),
        }
    }

    fn lambda(&self, id: LambdaId) -> String {
        let data = &self.0.lambdas[id];
        let params = self.list(&data.params, |param| {
            let default = param.default.map_or(String::new(), |it| format!(" = {}", self.expr(it)));
            format!("{}{default}", self.name(param.binding))
        });
        let captures = self.list(&data.captures, |it| self.name(*it));
        let captures = if captures.is_empty() { captures } else { format!("[{captures}]") };
        let name = data.name.as_deref().unwrap_or("");
        format!("{name}{captures}|{params}| {}", self.expr(data.body))
    }

    fn expr(&self, id: ExprId) -> String {
        match &self.0.exprs[id].kind {
            ExprKind::Number(number) => number.to_string(),
            ExprKind::Str(text) => format!("{text:?}"),
            ExprKind::Var(binding) => self.name(*binding),
            ExprKind::Builtin(builtin) => builtin.name().to_owned(),
            ExprKind::SelfValue(lambda) => format!("self.{}", lambda.as_u32()),
            ExprKind::Now => "now".to_owned(),
            ExprKind::SampleRate => "samplerate".to_owned(),
            ExprKind::Lambda(lambda) => self.lambda(*lambda),
            ExprKind::Call { callee, args } => {
                format!("{}({})", self.expr(*callee), self.list(args, |it| self.expr(*it)))
            }
            ExprKind::Tuple(parts) => format!("({})", self.list(parts, |it| self.expr(*it))),
            ExprKind::Proj(base, index) => format!("{}.{index}", self.expr(*base)),
            ExprKind::Record(fields) => {
                format!("{{{}}}", self.list(fields, |(n, e)| format!("{n} = {}", self.expr(*e))))
            }
            ExprKind::Field(base, name, _) => format!("{}.{name}", self.expr(*base)),
            ExprKind::If { cond, then, other } => {
                let other = other.map_or(String::new(), |it| format!(" else {}", self.expr(it)));
                format!("if {} {}{other}", self.expr(*cond), self.expr(*then))
            }
            ExprKind::Block { stmts, value } => {
                let mut parts: Vec<_> = stmts.iter().map(|it| self.stmt(it)).collect();
                parts.push(value.map_or("()".to_owned(), |it| self.expr(it)));
                format!("{{{}}}", parts.join("; "))
            }
            ExprKind::Assign { target, fields, value } => {
                let fields: String = fields.iter().map(|(name, _)| format!(".{name}")).collect();
                format!("{}{fields} := {}", self.name(*target), self.expr(*value))
            }
            ExprKind::Incomplete(fields) => {
                let fields: String =
                    fields.iter().map(|(n, e)| format!("{n} = {}, ", self.expr(*e))).collect();
                format!("{{{fields}..}}")
            }
            ExprKind::Array(parts) => format!("[{}]", self.list(parts, |it| self.expr(*it))),
            ExprKind::Index(of, index) => format!("{}[{}]", self.expr(*of), self.expr(*index)),
            ExprKind::Match { scrutinee, arms } => {
                let arms = self.list(arms, |arm| {
                    format!("{} => {}", self.arm(&arm.pattern), self.expr(arm.body))
                });
                format!("match {} {{{arms}}}", self.expr(*scrutinee))
            }
            ExprKind::Construct(ty, index) => {
                let variant = &self.0.types[*ty].variants[*index as usize];
                format!("{}.{}", variant.name, ty.as_u32())
            }
            ExprKind::Quote(code) => format!("`{}", self.expr(*code)),
            ExprKind::Splice(code) => format!("$({})", self.expr(*code)),
            ExprKind::Cell(source) => format!("{source:?}"),
            ExprKind::Probe { name, .. } => format!("probe {name}"),
            ExprKind::Sample { path, part } => format!("{part:?} of {path}"),
            ExprKind::Error => "error".to_owned(),
        }
    }
}

/// Statements, flags of the bindings that have some, and messages.
#[track_caller]
fn check(text: &str, expected: Expect) {
    let (program, diags, sources) = resolve_text(text);
    let show = Show(&program);
    let mut out: Vec<String> = program.stmts.iter().map(|stmt| show.stmt(stmt)).collect();
    for (id, binding) in &program.bindings {
        let flags: Vec<&str> = [(binding.assigned, "assigned"), (binding.captured, "captured")]
            .into_iter()
            .filter_map(|(on, name)| on.then_some(name))
            .collect();
        if !flags.is_empty() {
            out.push(format!("{}: {}", show.name(id), flags.join(", ")));
        }
    }
    for one in diags.sorted() {
        let at = sources.start(one.span);
        let remarks: Vec<_> = one.remarks().collect();
        out.push(format!(
            "{}[{}] {}:{}: {} ({})",
            one.severity.name(),
            one.code,
            at.line,
            at.column,
            one.message,
            remarks.join("; ")
        ));
    }
    expected.assert_eq(&out.join("\n"));
}

/// All of these must be rejected with exactly these codes.
#[track_caller]
fn rejects(codes: &[&str], texts: &[&str]) {
    for text in texts {
        let (_, diags, sources) = resolve_text(text);
        let found: Vec<_> = diags.iter().map(|one| one.code).collect();
        assert_eq!(found, codes, "{text}\n{}", diags.render(&sources));
    }
}

#[test]
fn operators_are_calls_of_built_ins() {
    check(
        "let a = 1 + 2 * 3 % 4 - 5 / 6 ^ 7\nlet b = a == 1 && a != 2 || a < 3\nlet c = -a",
        expect![[r#"
            let a.0 = sub(add(1, modulo(mult(2, 3), 4)), div(5, pow(6, 7)))
            let b.1 = or(and(eq(a.0, 1), ne(a.0, 2)), lt(a.0, 3))
            let c.2 = sub(0, a.0)"#]],
    );
}

#[test]
fn pipes_are_calls() {
    check(
        "fn f(x) { x }\nlet a = 1 |> f |> sin\nlet b = 3 |> f(2)",
        expect![[r#"
        let f.0 = f|x.1| {x.1}
        let a.2 = sin(f.0(1))
        let b.3 = f.0(2)(3)"#]],
    );
}

#[test]
fn macro_pipes_fill_the_hole() {
    check(
        "let a = 1 ||> max(_, 2) ||> _ * 3 ||> sin",
        expect!["let a.0 = sin(mult(max(1, 2), 3))"],
    );
}

#[test]
fn user_functions_do_not_replace_operators() {
    check(
        "fn sub(x, y) { 100 }\nlet a = 5 - 3\nlet b = sub(5, 3)",
        expect![[r#"
        let sub.0 = sub|x.1, y.2| {100}
        let a.3 = sub(5, 3)
        let b.4 = sub.0(5, 3)"#]],
    );
}

#[test]
fn a_function_that_mentions_itself_is_recursive() {
    check(
        "fn f(n) { f(n) }\nfn g(n) { n }",
        expect![[r#"
        letrec f.0 = f|n.1| {f.0(n.1)}
        let g.2 = g|n.3| {n.3}"#]],
    );
}

#[test]
fn rebinding_leaves_earlier_functions_alone() {
    check(
        "let k = 1\nfn f() { k }\nlet k = 2\nfn g() { k }\nlet k = k + 1",
        expect![[r#"
        let k.0 = 1
        let f.1 = f|| {k.0}
        let k.2 = 2
        let g.3 = g|| {k.2}
        let k.4 = add(k.2, 1)"#]],
    );
}

#[test]
fn blocks_are_scopes() {
    check(
        "fn f() { let a = 5  let b = { let a = a + 1  a }  a * 10 + b }",
        expect![
            "let f.0 = f|| {let a.1 = 5; let b.3 = {let a.2 = add(a.1, 1); a.2}; add(mult(a.1, 10), b.3)}"
        ],
    );
}

#[test]
fn self_belongs_to_the_nearest_function() {
    check(
        "fn f(x) { let g = |y| { self + y }  self + g(x) }",
        expect!["let f.0 = f|x.1| {let g.3 = g|y.2| {add(self.1, y.2)}; add(self.0, g.3(x.1))}"],
    );
}

#[test]
fn lambdas_capture_through_each_other() {
    check(
        "fn mk(k) { let x = k  | | { | | { x = x + 1  x + k } } }",
        expect![[r#"
        let mk.0 = mk|k.1| {let x.2 = k.1; [x.2, k.1]|| {[x.2, k.1]|| {x.2 := add(x.2, 1); add(x.2, k.1)}}}
        k.1: captured
        x.2: assigned, captured"#]],
    );
}

#[test]
fn globals_are_never_captured() {
    check(
        "let a = 0\nfn f() { a = a + 1  a }\nlet b = { let c = 1  | | c }",
        expect![[r#"
        let a.0 = 0
        let f.1 = f|| {a.0 := add(a.0, 1); a.0}
        let b.3 = {let c.2 = 1; [c.2]|| c.2}
        a.0: assigned
        c.2: captured"#]],
    );
}

#[test]
fn local_recursion() {
    check(
        "fn f() { letrec g = |n| if (n > 0) g(n - 1) else 0\n g(3) }",
        expect![[r#"
        let f.0 = f|| {letrec g.1 = g[g.1]|n.2| if gt(n.2, 0) g.1(sub(n.2, 1)) else 0; g.1(3)}
        g.1: captured"#]],
    );
}

#[test]
fn patterns_bind_their_parts() {
    check(
        "let (a, (_, b)) = (1, (2, 3))\nlet {x = c, y = (d, e)} = {y = (1, 2), x = a}",
        expect![[r#"
            let (a.0, (_, b.1)) = (1, (2, 3))
            let {x = c.2, y = (d.3, e.4)} = {x = a.0, y = (1, 2)}"#]],
    );
}

#[test]
fn records_are_alphabetical_and_updates_copy() {
    check(
        "let r = {b = 2, a = 1}\nlet s = {r <- b = 3, a = r.b}\nfn f() { r.a = 5\n r.a }",
        expect![[r#"
            let r.0 = {a = 1, b = 2}
            let s.2 = {let copy.1 = r.0; copy.1.b := 3; copy.1.a := r.0.b; copy.1}
            let f.3 = f|| {r.0.a := 5; r.0.a}
            r.0: assigned
            copy.1: assigned"#]],
    );
}

#[test]
fn defaults_do_not_see_parameters() {
    check(
        "let b = 7\nfn f(b, c = b) { c }",
        expect![[r#"
        let b.0 = 7
        let f.1 = f|b.2, c.3 = b.0| {c.3}"#]],
    );
}

#[test]
fn both_stages_resolve() {
    check(
        "#stage(macro)\nfn twice(c) { `($c + $c) }\nlet k = 3\n#stage(main)\nfn f(x) { twice!(`x) * $(lift(k)) }",
        expect![[r#"
            let twice.0 = twice|c.1| {`add($(c.1), $(c.1))}
            let k.2 = 3
            let f.3 = f|x.4| {mult($(twice.0(`x.4)), $(lift(k.2)))}"#]],
    );
    check(
        "type Shape = Dot | Box(float, float)\nfn f(s) { match s { Dot => 0, Box(w, h) => w * h } }\nlet a = [Dot, Box(1, 2)]\nlet b = f(a[1])",
        expect![[r#"
            let f.0 = f|s.1| {match s.1 {Dot.0 => 0, Box.0 (w.2, h.3) => mult(w.2, h.3)}}
            let a.4 = [Dot.0, Box.0(1, 2)]
            let b.5 = f.0(a.4[1])"#]],
    );
    rejects(
        &["wrong-stage"],
        &[
            "#stage(macro)\nlet k = 3\n#stage(main)\nlet a = k",
            "let z = 1\nlet a = $(lift(z))",
            "#stage(macro)\nlet a = now",
            "#stage(macro)\nlet a = mem(1)",
            "#stage(macro)\nfn f() { self }",
            "let a = str_length(\"x\")",
        ],
    );
    rejects(&["misplaced-quote"], &["let a = `1"]);
    rejects(&["misplaced-splice"], &["#stage(macro)\nlet a = $1", "#stage(macro)\nlet a = m!()"]);
    rejects(&["self-outside"], &["fn f() { $(`{ self + 1 }) }"]);
    rejects(&["unknown-constructor"], &["match 1 { Nope => 1, _ => 2 }"]);
    rejects(&["duplicate-constructor"], &["type T = A | A"]);
}

#[test]
fn a_second_dsp_is_told() {
    let codes = |text| -> Vec<_> {
        let (_, diags, _) = resolve_text(text);
        diags.iter().map(|one| (one.severity, one.code)).collect()
    };
    let told = [(crate::diag::Severity::Warning, "duplicate-dsp")];
    assert_eq!(codes("fn dsp() { 1 }\nfn dsp() { 2 }"), told);
    assert_eq!(codes("fn dsp() { 1 }\nlet old = dsp\nfn dsp() { old() }"), []);
    assert_eq!(codes("fn f() {\n let dsp = 1\n dsp }\nfn dsp() { 2 }"), []);
}

#[test]
fn the_last_dsp_counts() {
    let (program, ..) =
        resolve_text("fn dsp() { 1 }\nlet dsp = | | 2\nfn f() { let dsp = 3\n dsp }");
    assert_eq!(program.dsp.map(BindingId::as_u32), Some(1));
    assert_eq!(resolve_text("fn f() { 1 }").0.dsp, None);
}

#[test]
fn unknown_names() {
    check(
        "fn phasor(f) { f }\nfn a() { phaser(1) }\nfn b() { nope(1) }\nfn c() { later() }\nfn later() { 1 }",
        expect![[r#"
            let phasor.0 = phasor|f.1| {f.1}
            let a.2 = a|| {error(1)}
            let b.3 = b|| {error(1)}
            let c.4 = c|| {error()}
            let later.5 = later|| {1}
            error[unknown-name] 2:10: `phaser` is not defined here (help: did you mean `phasor`?)
            error[unknown-name] 3:10: `nope` is not defined here (help: define it with `let` or `fn` before its first use)
            error[unknown-name] 4:10: `later` is not defined here (help: move the definition in front of its first use)"#]],
    );
    check(
        "fn c() { { let t = 1 }\n  t }",
        expect![[r#"
            let c.0 = c|| {{let t.1 = 1; ()}; error}
            error[unknown-name] 2:3: `t` is not defined here (help: define it where both places see it, or pass it on)"#]],
    );
    rejects(
        &["unknown-name"],
        &["let x = x", "x = 1", "letrec f = g", "fn f() { g() } fn g() { 1 }"],
    );
}

#[test]
fn wrong_places() {
    rejects(&["self-outside"], &["let y = self", "fn f(a = self) { a }", "self"]);
    rejects(&["duplicate-parameter"], &["fn i(p, p) { p }", "|a, b, a| a"]);
    rejects(
        &["duplicate-field"],
        &["{a = 1, a = 2}", "let {a = x, a = y} = r", "let z:{a:float, a:float} = 1"]
            .map(|it| if it.contains("= r") { "let r = 1 let {a = x, a = y} = r" } else { it }),
    );
    rejects(
        &["not-assignable"],
        &[
            "sin = 1",
            "let t = 1\nt.0 = 2",
            "let a = 1\na[0] = 2",
            "1 = 2",
            "now = 1",
            "fn f() { self = 1 }",
        ],
    );
    rejects(
        &["misplaced-placeholder"],
        &["fn c() { 5 |> max(_, 1) }", "max(_, 1)", "_", "1 ||> max(_, _)", "1 ||> max(_ * 2, 3)"],
    );
    rejects(&["prefix-plus"], &["+1", "let a = 2 * +1"]);
    rejects(&["unknown-type"], &["let a:Foo = 1", "fn f(x:Flaot) { x }"]);
}

#[test]
fn one_mistake_in_a_module_is_one_message() {
    rejects(
        &["file-not-found"],
        &["use osc::*\nlet a = sinwave(1, 0)", "include(\"x\")\nlet a = b", "mod m\nlet a = m::f"],
    );
    rejects(&["unknown-module"], &["let a = m::f", "let a:m::T = 1", "fn dsp() { m::f!(1) }"]);
    rejects(
        &["unknown-name"],
        &["mod m { fn f() { nope } }\nlet a = 1", "mod m { pub fn f() { 1 } }\nlet a = f()"],
    );
    rejects(&["private-member"], &["mod m { fn f() { 1 } }\nlet a = m::f()"]);
    rejects(&["private-type"], &["type alias A = float\npub fn f(x:A) { x }"]);
    rejects(
        &["unknown-member"],
        &["mod m { }\nuse m::f\nlet a = f()", "mod m { }\nlet a = m::f()"],
    );
}

#[test]
fn broken_definitions_are_silent_and_others_are_not() {
    rejects(
        &["expected-expression", "unknown-name"],
        &["fn a() { nope + }\nfn b() { nope }\nfn c() { 1 }"],
    );
    rejects(&["expected-token"], &["let = 3\nlet b = a"]);
    rejects(&["nested-function"], &["fn g() { fn h() { nope }\n  h() }"]);
}

#[test]
fn workloads_resolve() {
    for text in [
        "fn phasor(freq){\n (self + freq/48000.0) % 1.0\n}\nfn svf(x, g, k)->(float,float,float){\n let (s1, s2, _lp) = self\n let hp = (x - (k + g)*s1 - s2) / (1.0 + g*(g + k))\n let bp = g*hp + s1\n (g*hp + bp, g*bp + s2, hp)\n}\nfn env(gate, up){\n let rate = if (gate > 0.5) up else 0.0\n self + (1.0 - self)*rate\n}\nfn dsp(){\n let (_a, _b, l) = svf(phasor(440.0), 0.5, 0.1)\n (l * env(1.0, 0.1), delay(100.0, mem(l), 3.0))\n}",
        "fn vib(freq, rate){\n sin(freq*rate)\n}\nfn bank(n:float, gen:()->(float,float)->float)->(float,float)->float{\n if (n > 0.0){\n  let rest = bank(n - 1.0, gen)\n  let g = gen()\n  |freq, rate| { g(freq, rate)*0.5 + rest(freq*1.125, rate + 0.7)*0.8 }\n } else {\n  |freq, rate| { 0.0 }\n }\n}\nlet voices = bank(16.0, | | vib)\nfn dsp(){\n voices(110.0, 3.0)\n}",
    ] {
        let (_, diags, sources) = resolve_text(text);
        assert!(diags.is_empty(), "{}", diags.render(&sources));
    }
}

#[test]
fn deep_programs_resolve_without_overflow() {
    for (open, close) in [
        ("(", ")"),
        ("sin(", ")"),
        ("| | ", ""),
        ("{", "}"),
        ("-(", ")"),
        ("if 1 ", ""),
        ("1 + (", ")"),
    ] {
        for count in [150, 5_000] {
            resolve_text(&format!("let a = {}1{}", open.repeat(count), close.repeat(count)));
        }
    }
    resolve_text(&format!("let a = 1{}", " + 1".repeat(5_000)));
    resolve_text(&format!("let a = 1{}", " |> sin".repeat(500)));
}
