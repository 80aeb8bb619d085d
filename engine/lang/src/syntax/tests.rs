//! Trees and messages of the grammar, and that any text has a tree that prints back.

use super::*;
use crate::source::SourceMap;
use expect_test::{Expect, expect};
use proptest::prelude::*;

/// Parses; the tree must print back to the same text.
fn parse_text(text: &str) -> (Parse, Diagnostics, SourceMap) {
    let mut sources = SourceMap::new();
    let file = sources.add("t", text);
    let mut diags = Diagnostics::new();
    let parse = parse(text, file, &mut diags);
    assert_eq!(parse.syntax().text().to_string(), text, "the tree must hold the whole text");
    (parse, diags, sources)
}

/// The tree in one line: nodes as `Kind(..)`, without those that only wrap one thing.
fn show(node: &SyntaxNode) -> String {
    let parts: Vec<String> = node
        .children_with_tokens()
        .filter_map(|it| match it {
            SyntaxElement::Node(node) => Some(show(&node)),
            SyntaxElement::Token(token) => {
                (!token.kind().is_trivia()).then(|| token.text().to_owned())
            }
        })
        .collect();
    let kind = node.kind();
    if kind == SyntaxKind::Root {
        return parts.join("\n");
    }
    let only_token = parts.len() == 1 && node.children().count() == 0;
    if kind == SyntaxKind::ExprStmt || (only_token && kind != SyntaxKind::Error) {
        return parts.join(" ");
    }
    format!("{kind:?}({})", parts.join(" "))
}

#[track_caller]
fn check(text: &str, expected: Expect) {
    let (parse, diags, sources) = parse_text(text);
    let mut out = show(&parse.syntax());
    for one in diags.sorted() {
        let at = sources.start(one.span);
        out += &format!("\nerror[{}] {}:{}: {}", one.code, at.line, at.column, one.message);
        for help in &one.help {
            out += &format!(" ({help})");
        }
    }
    expected.assert_eq(&out);
}

/// All of these must parse without a message.
#[track_caller]
fn accepts(texts: &[&str]) {
    for text in texts {
        let (_, diags, sources) = parse_text(text);
        assert!(diags.is_empty(), "{text}\n{}", diags.render(&sources));
    }
}

/// All of these must be rejected with exactly one message, of this code.
#[track_caller]
fn rejects(code: &str, texts: &[&str]) {
    for text in texts {
        let (_, diags, sources) = parse_text(text);
        let codes: Vec<_> = diags.iter().map(|one| one.code).collect();
        assert_eq!(codes, [code], "{text}\n{}", diags.render(&sources));
    }
}

#[test]
fn precedence_from_weak_to_strong() {
    check(
        "a |> f || b && c == d < e + g * h ^ i @ j",
        expect![
            "BinExpr(a |> BinExpr(f || BinExpr(b && BinExpr(c == BinExpr(d < BinExpr(e + BinExpr(g * BinExpr(h ^ BinExpr(i @ j)))))))))"
        ],
    );
}

#[test]
fn power_is_left_associative_and_weaker_than_minus() {
    check(
        "-2^2 ; 2^3^2 ; 1 - 2 - 3",
        expect![[r#"
        BinExpr(PrefixExpr(- 2) ^ 2)
        BinExpr(BinExpr(2 ^ 3) ^ 2)
        BinExpr(BinExpr(1 - 2) - 3)"#]],
    );
}

#[test]
fn schedule_binds_tighter_than_arithmetic() {
    check(
        "f@now+1 ; f@(now+1)",
        expect![[r#"
        BinExpr(BinExpr(f @ now) + 1)
        BinExpr(f @ ParenExpr(( BinExpr(now + 1) )))"#]],
    );
}

#[test]
fn quote_swallows_an_expression_and_splice_a_postfix_expression() {
    check(
        "x + `y |> f\n$f(x).y\n($f)(x)\nname!(a)(x)\n${ let k = 3  `k }",
        expect![[r#"
        BinExpr(x + QuoteExpr(` BinExpr(y |> f)))
        SpliceExpr($ FieldExpr(CallExpr(f ArgList(( x ))) . y))
        CallExpr(ParenExpr(( SpliceExpr($ f) )) ArgList(( x )))
        CallExpr(MacroCall(name ! ArgList(( a ))) ArgList(( x )))
        SpliceExpr($ Block({ LetStmt(let k = 3) QuoteExpr(` k) }))"#]],
    );
}

#[test]
fn tuple_index_and_field() {
    check(
        "t.0.1 ; r.a.b(1)[2].c",
        expect![[r#"
        ProjExpr(ProjExpr(t . 0) . 1)
        FieldExpr(IndexExpr(CallExpr(FieldExpr(FieldExpr(r . a) . b) ArgList(( 1 ))) [ 2 ]) . c)"#]],
    );
}

#[test]
fn statements_need_no_separator() {
    check(
        "let a = 1 let b = 2 a + b",
        expect![[r#"
        LetStmt(let a = 1)
        LetStmt(let b = 2)
        BinExpr(a + b)"#]],
    );
}

#[test]
fn an_operator_at_the_start_of_a_line_continues() {
    check(
        "fn demo(a) {\n let c = a\n -1\n c\n}\nfn four() { 5; -1 }",
        expect![[r#"
        FnDef(fn demo ParamList(( a )) Block({ LetStmt(let c = BinExpr(a - 1)) c }))
        FnDef(fn four ParamList(( )) Block({ BinExpr(5 - 1) }))"#]],
    );
}

#[test]
fn brackets_and_dots_continue_only_on_the_same_line() {
    check(
        "f\n(1)\na\n[2]\nr ;(3)",
        expect![[r#"
        f
        ParenExpr(( 1 ))
        a
        ArrayExpr([ 2 ])
        r
        ParenExpr(( 3 ))"#]],
    );
}

#[test]
fn a_comment_is_no_line_break() {
    check("f /* \n */ (1)", expect!["CallExpr(f ArgList(( 1 )))"]);
}

#[test]
fn pipes_lead_or_trail() {
    check(
        "a\n |> f\na |>\n f\na ||> f(_, 2)",
        expect![[r#"
        BinExpr(a |> f)
        BinExpr(a |> f)
        BinExpr(a ||> CallExpr(f ArgList(( _ , 2 ))))"#]],
    );
}

#[test]
fn else_may_be_on_the_next_line() {
    check(
        "if (c) { 1 }\nelse { 2 }",
        expect!["IfExpr(if ParenExpr(( c )) Block({ 1 }) else Block({ 2 }))"],
    );
}

#[test]
fn if_without_braces_and_chains() {
    check(
        "if (c) x else y ; if a b else if d e else g",
        expect![[r#"
        IfExpr(if ParenExpr(( c )) x else y)
        IfExpr(if a b else IfExpr(if d e else g))"#]],
    );
}

#[test]
fn braces_are_blocks_after_if_arrow_and_bars() {
    check(
        "|x| {a = x} ; match v { A => {a = 1} } ; if (c) {a=1} else {a=2}",
        expect![[r#"
        LambdaExpr(| x | Block({ AssignExpr(a = x) }))
        MatchExpr(match v { MatchArm(A => Block({ AssignExpr(a = 1) })) })
        IfExpr(if ParenExpr(( c )) Block({ AssignExpr(a = 1) }) else Block({ AssignExpr(a = 2) }))"#]],
    );
}

#[test]
fn braces_elsewhere_are_records() {
    check(
        "{ x = 3 }\nlet r = {a = 1, b = 2,}\n{r <- a = 1}\nf({..})\nf({a = 1.5, ..})\n{ x == 3 }\n{ {a = 1} }",
        expect![[r#"
            RecordExpr({ RecordField(x = 3) })
            LetStmt(let r = RecordExpr({ RecordField(a = 1) , RecordField(b = 2) , }))
            RecordUpdateExpr({ r <- RecordField(a = 1) })
            CallExpr(f ArgList(( RecordExpr({ .. }) )))
            CallExpr(f ArgList(( RecordExpr({ RecordField(a = 1.5) , .. }) )))
            Block({ BinExpr(x == 3) })
            Block({ RecordExpr({ RecordField(a = 1) }) })"#]],
    );
}

#[test]
fn lambdas() {
    check(
        "| | 1\n|a, b:float| a\n|x|-> float { x }\n|a| |b| a",
        expect![[r#"
            LambdaExpr(| | 1)
            LambdaExpr(| a , LambdaParam(b : float) | a)
            LambdaExpr(| x | RetType(-> float) Block({ x }))
            LambdaExpr(| a | LambdaExpr(| b | a))"#]],
    );
}

#[test]
fn a_bar_after_a_lambda_type_continues_only_a_union() {
    check(
        "|x:float| x\n|x:float|string| x\n|x:float| (x)\n|x:float| (x + 1)\n|f:(float)->float, y| y\n|a:A|B, c| c\n|x:float|\n[x]\nf(|x:float| x, y, |z| z)",
        expect![[r#"
            LambdaExpr(| LambdaParam(x : float) | x)
            LambdaExpr(| LambdaParam(x : UnionType(float | string)) | x)
            LambdaExpr(| LambdaParam(x : float) | ParenExpr(( x )))
            LambdaExpr(| LambdaParam(x : float) | ParenExpr(( BinExpr(x + 1) )))
            LambdaExpr(| LambdaParam(f : FnType(( float ) -> float)) , y | y)
            LambdaExpr(| LambdaParam(a : UnionType(A | B)) , c | c)
            LambdaExpr(| LambdaParam(x : float) | ArrayExpr([ x ]))
            CallExpr(f ArgList(( LambdaExpr(| LambdaParam(x : float) | x) , y , LambdaExpr(| z | z) )))"#]],
    );
}

#[test]
fn one_tuples_and_groups() {
    check(
        "(a) ; (a,) ; (a, b,) ; [] ; [1, 2,] ; {}",
        expect![[r#"
        ParenExpr(( a ))
        TupleExpr(( a , ))
        TupleExpr(( a , b , ))
        ArrayExpr([ ])
        ArrayExpr([ 1 , 2 , ])
        Block({ })"#]],
    );
}

#[test]
fn definitions() {
    check(
        "pub fn f(a, b:float = 1 + 2,) -> (float, float) { a }\nmacro m() { 1 }\nmod a { pub mod b { fn c() { 1 } } }\nmod file",
        expect![[r#"
            FnDef(pub fn f ParamList(( a , Param(b : float = BinExpr(1 + 2)) , )) RetType(-> TupleType(( float , float ))) Block({ a }))
            FnDef(macro m ParamList(( )) Block({ 1 }))
            ModDef(mod a { ModDef(pub mod b { FnDef(fn c ParamList(( )) Block({ 1 })) }) })
            ModDef(mod file)"#]],
    );
}

#[test]
fn uses_includes_and_stages() {
    check(
        "use a\nuse a::b::*\npub use a::{b, c}\ninclude(\"x.mmm\")\n#stage(macro)\n#stage(main)",
        expect![[r#"
            UseStmt(use a)
            UseStmt(use a :: b :: *)
            UseStmt(pub use a :: UseList({ b , c }))
            Include(include ( "x.mmm" ))
            StageDecl(# stage ( macro ))
            StageDecl(# stage ( main ))"#]],
    );
}

#[test]
fn type_definitions() {
    check(
        "type alias A = float|string\ntype Shape = Dot | Circle(float) | Box(float, float)\ntype rec L = End | Item(float, L)",
        expect![[r#"
            TypeAlias(type alias A = UnionType(float | string))
            TypeDef(type Shape = Dot | Variant(Circle ( float )) | Variant(Box ( float , float )))
            TypeDef(type rec L = End | Variant(Item ( float , L )))"#]],
    );
}

#[test]
fn types() {
    check(
        "let a:() = x\nlet a:(float,) = x\nlet a:(float)->()->float = x\nlet a:{x:float, y:[`float]} = x\nlet a:m::N|(int) = x",
        expect![[r#"
            LetStmt(let a : UnitType(( )) = x)
            LetStmt(let a : TupleType(( float , )) = x)
            LetStmt(let a : FnType(( float ) -> FnType(( ) -> float)) = x)
            LetStmt(let a : RecordType({ RecordTypeField(x : float) , RecordTypeField(y : ArrayType([ CodeType(` float) ])) }) = x)
            LetStmt(let a : UnionType(PathType(m :: N) | ParenType(( int ))) = x)"#]],
    );
}

#[test]
fn patterns() {
    check(
        "let (a, (_, c)) = t\nlet {x = a, y = (b, c)} = r\nletrec f = |n| f(n)",
        expect![[r#"
        LetStmt(let TuplePat(( a , TuplePat(( _ , c )) )) = t)
        LetStmt(let RecordPat({ RecordPatField(x = a) , RecordPatField(y = TuplePat(( b , c ))) }) = r)
        LetrecStmt(letrec f = LambdaExpr(| n | CallExpr(f ArgList(( n )))))"#]],
    );
}

#[test]
fn match_patterns() {
    check(
        "match v { 1 => 2, 2.5 => 3 _ => 4\n A => 5, Box((a, (b, _))) => 6, float(x) => 7, (1, B(x)) => 8 }",
        expect![
            "MatchExpr(match v { MatchArm(1 => 2) , MatchArm(2.5 => 3) MatchArm(_ => 4) MatchArm(A => 5) , MatchArm(CtorPat(Box TuplePat(( TuplePat(( a , TuplePat(( b , _ )) )) ))) => 6) , MatchArm(CtorPat(float TuplePat(( x ))) => 7) , MatchArm(TuplePat(( 1 , CtorPat(B TuplePat(( x ))) )) => 8) })"
        ],
    );
}

#[test]
fn assignment_is_not_an_argument() {
    check(
        "f(a = 1, 2)\nx = 3\n(y = 4)",
        expect![[r#"
        CallExpr(f ArgList(( a Error(=) Error(1) , 2 )))
        AssignExpr(x = 3)
        ParenExpr(( AssignExpr(y = 4) ))
        error[expected-token] 1:5: expected `,` or `)`, found `=` (arguments are given by name with a record: f({name = value}))"#]],
    );
}

#[test]
fn one_message_for_each_mistake() {
    check(
        "fn a() { 1 + }\nfn b() { [1, 2 }\nfn c() { let = 4 }\nfn d() { 2*-3 }\nfn e() { f(1 2) }",
        expect![[r#"
            FnDef(fn a ParamList(( )) Block({ BinExpr(1 + Error()) }))
            FnDef(fn b ParamList(( )) Block({ ArrayExpr([ 1 , 2) }))
            FnDef(fn c ParamList(( )) Block({ LetStmt(let Error() = 4) }))
            FnDef(fn d ParamList(( )) Block({ BinExpr(2 * PrefixExpr(- 3)) }))
            FnDef(fn e ParamList(( )) Block({ CallExpr(f ArgList(( 1 2 ))) }))
            error[expected-expression] 1:14: expected an expression, found `}`
            error[expected-token] 2:16: expected `]`, found `}`
            error[expected-token] 3:14: expected a name or a pattern, found `=`
            error[consecutive-operators] 4:11: consecutive operators without whitespace: `*-` (write `* -`)
            error[expected-token] 5:14: expected `,` or `)`, found a number"#]],
    );
}

#[test]
fn a_missing_brace_ends_at_the_next_definition() {
    check(
        "fn a() { f(1\nfn b() { 2 }\nfn c() { 3 }",
        expect![[r#"
            FnDef(fn a ParamList(( )) Block({ CallExpr(f ArgList(( 1))))
            FnDef(fn b ParamList(( )) Block({ 2 }))
            FnDef(fn c ParamList(( )) Block({ 3 }))
            error[expected-token] 2:1: expected `,` or `)`, found `fn`"#]],
    );
}

#[test]
fn nested_functions_are_parsed_and_reported() {
    check(
        "fn g() { fn h() { 1 }\n  h() }",
        expect![[r#"
        FnDef(fn g ParamList(( )) Block({ FnDef(fn h ParamList(( )) Block({ 1 })) CallExpr(h ArgList(( ))) }))
        error[nested-function] 1:10: functions cannot be nested (move it to the top level, or bind a lambda: let f = |x| { .. })"#]],
    );
}

#[test]
fn broken_match() {
    check(
        "fn f(x) { match x { -1 => 0, _ => 1 } }\nmatch x { 1 => , + }",
        expect![[r#"
        FnDef(fn f ParamList(( x )) Block({ MatchExpr(match x { MatchArm(NumberPat(- 1) => 0) , MatchArm(_ => 1) }) }))
        MatchExpr(match x { MatchArm(1 => Error()) , Error(+) })
        error[negative-pattern] 1:21: patterns can't be negative (use `if` for numbers below 0)
        error[expected-expression] 2:16: expected an expression, found `,`"#]],
    );
}

#[test]
fn stray_brackets() {
    check(
        "fn a() { 1 ) }\n} ]\nfn b() { 2 }",
        expect![[r#"
        FnDef(fn a ParamList(( )) Block({ 1 Error()) }))
        Error(})
        Error(])
        FnDef(fn b ParamList(( )) Block({ 2 }))
        error[expected-token] 1:12: expected `}`, found `)`"#]],
    );
}

#[test]
fn wrong_numbers() {
    check(
        "let a = .5\nlet b = 3.\nlet c = {x = 1.5..}",
        expect![[r#"
        LetStmt(let a = Error(Error(.) Error(5)))
        LetStmt(let b = FieldExpr(3 .))
        LetStmt(let c = RecordExpr({ RecordField(x = ProjExpr(1 . 5)) Error(..) }))
        error[expected-expression] 1:9: expected an expression, found `.` (numbers don't start with `.`: write 0.5)
        error[expected-token] 3:1: expected a field name or an index after `.`, found `let` (numbers don't end with `.`: write 3.0)
        error[expected-token] 3:17: expected `,` or `}`, found `..` (write `, ..`)"#]],
    );
}

#[test]
fn wrong_signs() {
    check(
        "a<-1\n!x\n|| 3\na & b\n“x”",
        expect![[r#"
            a
            Error(<-)
            1
            Error(!) BinExpr(x || 3)
            a
            &
            b
            “
            x
            ”
            error[expected-token] 1:2: expected a statement, found `<-` (`<-` belongs to record updates; to compare, write `< -`)
            error[expected-expression] 2:1: there is no prefix `!` (use the function: not(x))
            error[unexpected-character] 4:3: `&` means nothing here ("and" is written `&&`)
            error[unexpected-character] 5:1: `“` means nothing here (strings are written with plain `"`)"#]],
    );
}

#[test]
fn consecutive_operators() {
    rejects(
        "consecutive-operators",
        &["2*-3", "1--1", "2^-1", "--x", "1+-2", "5%-2", "2/+3", "-+x"],
    );
    accepts(&[
        "2 * -3",
        "1 - -1",
        "- - 3",
        "(-3)",
        "f(1,-3)",
        "let a =-3",
        "a>-1",
        "a&&-1",
        "2* -3",
        "2*/**/-3",
    ]);
}

#[test]
fn messages_of_the_reference() {
    rejects("expected-expression", &["fn a() { 1 + }", "( )", "if (c) (x) else (y)"]);
    rejects("expected-token", &["fn b() { [1, 2 }", "let x 5", "letrec f:float = 1", "a = b = c"]);
    rejects(
        "unexpected-end",
        &["fn c() { 1", "f(1", "[1,", "1 +", "fn", "let x =", "let x", "use", "{a ="],
    );
    rejects(
        "reserved-word",
        &[
            "fn e() { let main = 1 }",
            "fn stage() { 1 }",
            "fn f(now) { 1 }",
            "r.self",
            "{ float = 1 }",
        ],
    );
    rejects("negative-pattern", &["fn f(x) { match x { -1 => 0, _ => 1 } }"]);
    rejects("nested-function", &["fn g() { fn h() { 1 }\n  h() }"]);
    rejects("item-in-block", &["fn g() { use m\n 1 }", "fn g() { type A = B\n 1 }"]);
    rejects("reserved-type-name", &["type a = Red | Blue", "type alias b = float"]);
    rejects("unexpected-character", &["a § b", "\u{0}"]);
    rejects("unterminated-string", &["let a = \"x", "\""]);
    rejects("unterminated-comment", &["a /* b", "/*/"]);
    rejects("unmatched-bracket", &["}", "1 )"]);
}

#[test]
fn what_the_reference_accepts() {
    accepts(&[
        "",
        ";;;",
        "\u{feff}fn dsp() { 0 }",
        "fn ramp(step) { self + step }\nfn pair() { let (a, b) = self\n (a + 1, a + b) }",
        "fn dsp() { ramp(0.5) + pair().0 }",
        "#stage(macro)\nfn power(n:float, x:`float) -> `float {\n if (n > 1) `($x * $(power(n - 1, x))) else x\n}\n#stage(main)\nfn cube(v) { $(power(3, `v)) }\nfn dsp() { cube(2) + power!(2, `5) }",
        "let hits = 0\nfn tick() { hits = hits + 1\n tick@(now + 2) }\ntick@1\n| | {set(7)} @ 2",
        "fn mk(k){ let x = k  | | { x = x + 1  x } }",
        "let s = Sampler_mono!(\"kick.wav\")\nlet c = Control!(\"p\", {f=440, q=(1,2)})",
        "fn u(f:()->float) -> ()->float { f }\nlet v = u(| | 1.0)",
        "fn bank(n:float, gen:()->(float,float)->float)->(float,float)->float{ gen() }",
        "fn f(\n  a,\n  b\n) {\n  g(\n    a,\n    b,\n  )\n}",
        "match (a, b) { (1, _) => 1, (_, 2) => 2, _ => 3 }",
        "pub let k = 3",
        "a.b = 3\na[0] = 4",
        "fn f() { { {a = 1} } }",
        "1 |> _ * 2\nx ||> |y| y + 1",
    ]);
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() {
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("{", "}"),
        ("f(", ")"),
        ("-(", ")"),
        ("| | ", ""),
        ("if a ", ""),
        ("`", ""),
        ("$", ""),
        ("- ", ""),
        ("a + (", ")"),
        ("a |> b || c && d == e < f + g * h ^ (", ")"),
        ("{a = ", "}"),
        ("match x { _ => ", "}"),
        ("if a {} else ", ""),
        ("fn f() {", "}"),
        ("mod m {", "}"),
        ("{ let a:", "= 1 }"),
        ("| | {", "}"),
        ("x!(", ")"),
    ] {
        for count in [300, 20_000] {
            if open == "if a {} else " && count == 300 {
                continue; // A chain, not a nest: a thousand are allowed.
            }
            let text = format!("{}1{}\nfn b() {{ 1 }}", open.repeat(count), close.repeat(count));
            let (_, diags, _) = parse_text(&text);
            assert!(
                diags.iter().any(|one| one.code == "nested-too-deeply")
                    || open == "fn f() {"
                    || open == "{ let a:",
                "{open}"
            );
        }
        let count = 40;
        let text = format!("{}1{}", open.repeat(count), close.repeat(count));
        let (_, diags, sources) = parse_text(&text);
        assert!(
            !diags.iter().any(|one| one.code == "nested-too-deeply"),
            "{}",
            diags.render(&sources)
        );
    }
    for (start, link) in [
        ("let a:", "("),
        ("let a:", "()->"),
        ("let a:", "`"),
        ("let ", "("),
        ("match x {", "("),
        ("x", " + 1"),
        ("f", "(1)"),
        ("x", ".a"),
        ("x", "[0]"),
    ] {
        let (_, diags, _) = parse_text(&format!("{start}{}", link.repeat(20_000)));
        assert!(diags.iter().any(|one| one.code == "nested-too-deeply"), "{start}{link}");
    }
    accepts(&[
        &format!("x{}", " + 1".repeat(400)),
        &format!("{}1{}", "(".repeat(200), ")".repeat(200)),
    ]);
}

#[test]
fn mutated_programs_never_panic() {
    let mut random = mutation::Random::new(2);
    for round in 0..10_000 {
        parse_text(&mutation::mutate(round, &mut random));
    }
}

proptest! {
    #[test]
    fn any_text_prints_back(text in "\\PC*") {
        parse_text(&text);
    }

    #[test]
    fn any_tokens_print_back(parts in proptest::collection::vec(
        prop_oneof![
            proptest::sample::select(SyntaxKind::SYMBOLS).prop_map(|(text, _)| text.to_owned()),
            proptest::sample::select(SyntaxKind::KEYWORDS).prop_map(|(text, _)| text.to_owned()),
            "[a-z]{1,2}|[0-9]{1,2}|\"[a-z]\"|\n| ",
        ],
        0..60,
    )) {
        parse_text(&parts.concat());
    }
}
