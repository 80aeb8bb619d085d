//! The standard form, and that it keeps tokens, tree and comments and stays as it is.

use super::format;
use crate::diag::Diagnostics;
use crate::source::SourceMap;
use crate::syntax::mutation::{Random, mutate};
use expect_test::{Expect, expect};
use proptest::prelude::*;

fn laid_out(text: &str) -> Result<String, String> {
    let mut sources = SourceMap::new();
    let file = sources.add("t", text);
    let mut diags = Diagnostics::new();
    format(text, file, &mut diags).ok_or_else(|| diags.render(&sources))
}

/// Lays out, and again.
fn stable(text: &str) -> String {
    let once = laid_out(text).unwrap_or_else(|said| panic!("{text}\n{said}"));
    let again = laid_out(&once).unwrap_or_else(|said| panic!("{once}\n{said}"));
    assert_eq!(once, again, "from\n{text}");
    once
}

#[track_caller]
fn check(text: &str, expected: Expect) {
    expected.assert_eq(&stable(text));
}

#[test]
fn definitions() {
    check(
        "pub fn f(x,y:float=1+2,)->(float,float){x*2 ; // twice\n\n\n\n(x,y) }\nmacro m(){`1}\nuse a::b::{c,d}\npub use  a::*\ninclude( \"x.mmm\" )\n# stage(macro)\nmod m{pub mod n{fn a(){1}}}\nmod file\nmod e{}",
        expect![[r#"
            pub fn f(x, y: float = 1 + 2,) -> (float, float) {
              x * 2 // twice

              (x, y)
            }
            macro m() { `1 }
            use a::b::{c, d}
            pub use a::*
            include("x.mmm")
            #stage(macro)
            mod m { pub mod n { fn a() { 1 } } }
            mod file
            mod e {}
        "#]],
    );
}

#[test]
fn statements_get_lines_of_their_own() {
    check(
        "let a=1 let b=2 a+b\nfn f(){ 5; -1 }\nlet c = a\n  -1\nf ;(1)\n007\nlet x = 1e3",
        expect![[r#"
            let a = 1
            let b = 2
            a + b
            fn f() { 5 - 1 }
            let c = a - 1
            f
            (1)
            0
            0
            7
            let x = 1
            e3
        "#]],
    );
}

#[test]
fn operators_and_signs() {
    check(
        "2 * -3 - - 3^x@(now+1)\na&&b||c==d\nf@-1\n(-3,+x) ; 1 .0.1 ; 1.5 .x ; t.0.1\n|x| |y| x+y\nlet g=|x:float|string,y|->float {x}\n| |1\n$f(x).y ; ($f)(x) ; ${`{1}} ; `-x",
        expect![[r#"
            2 * -3 - -3 ^ x@(now + 1)
            a && b || c == d
            f@-1
            (-3, +x)
            1 .0.1
            1.5 .x
            t.0.1
            |x| |y| x + y
            let g = |x: float | string, y| -> float { x }
            | | 1
            $f(x).y
            ($f)(x)
            ${ `{ 1 } }
            `-x
        "#]],
    );
}

#[test]
fn a_line_break_that_matters_stays() {
    check(
        "if (c)\n(x) else (y)\nif (c)\n[1] else 2\nmatch v { A => f\n(1, x) => 2 }",
        expect![[r#"
        if (c)
          (x)
        else
          (y)
        if (c)
          [1]
        else
          2
        match v {
          A => f
          (1, x) => 2
        }
    "#]],
    );
}

#[test]
fn choices() {
    check(
        "let rate=if(target>self)up else down\nif(c){a}else if(d){b}else{0}\nif(c){a}else{\n0}\nif (loooooooooooooooooooooooooooooooooooong > 1) aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa else bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\nif (c) { 1 } else x\nif (loooooooooooooooooooooooooooooooooooong > 1) if (d) aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa else bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
        expect![[r#"
            let rate = if (target > self) up else down
            if (c) { a } else if (d) { b } else { 0 }
            if (c) {
              a
            } else {
              0
            }
            if (loooooooooooooooooooooooooooooooooooong > 1)
              aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
            else
              bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
            if (c) { 1 } else x
            if (loooooooooooooooooooooooooooooooooooong > 1)
              if (d) aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa else bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
        "#]],
    );
}

#[test]
fn long_lines() {
    check(
        "fn dsp(){ let s = partial(1.0) + partial(2.0) + partial(3.0) + partial(4.0) + partial(5.0) + partial(6.0) * partial(7.0) + partial(8.0)\n(line(x + (b0 + b1)*g, 1933.0), line(x + (b0 - b1)*g, 2251.0), line(x + (b2 + b3)*g, 2539.0), line(x))\nif (aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa && bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb && ccccccccccccccccccccc) { 1 } else { 2 } }\nfn f(aaaaaaaaaaaaaaaaaaaaaaaaaaa:float,bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb:float,cccccccccccccccccccc:float) { 1 }\ntype Shape = Dooooooooooooooooooooooooooooooooooooot | Circle(float) | Boooooooooooooooox(float, float)",
        expect![[r#"
            fn dsp() {
              let s = partial(1.0) + partial(2.0) + partial(3.0) + partial(4.0) + partial(5.0)
                + partial(6.0) * partial(7.0) + partial(8.0)
              (
                line(x + (b0 + b1) * g, 1933.0),
                line(x + (b0 - b1) * g, 2251.0),
                line(x + (b2 + b3) * g, 2539.0),
                line(x)
              )
              if (aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
                && bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
                && ccccccccccccccccccccc) {
                1
              } else {
                2
              }
            }
            fn f(
              aaaaaaaaaaaaaaaaaaaaaaaaaaa: float,
              bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb: float,
              cccccccccccccccccccc: float
            ) { 1 }
            type Shape
              = Dooooooooooooooooooooooooooooooooooooot
              | Circle(float)
              | Boooooooooooooooox(float, float)
        "#]],
    );
}

#[test]
fn lists() {
    check(
        "f(\n a, b)\nf(a, |x| {\n x\n})\nf({a=1,b=2})\nlet r={\n a=1,\n\n b=2,..}\n{r<-x=1,y=2}\nlet table=[1,2,3,\n4,5,-6]\nlet {a=x,b=(y,_)}=r\n[]\n(e,)\nlet v:{x:float,y:[`float]}=x\nlet h:()->float|(int)=x",
        expect![[r#"
            f(
              a,
              b
            )
            f(a, |x| {
              x
            })
            f({a = 1, b = 2})
            let r = {
              a = 1,

              b = 2,
              ..
            }
            {r <- x = 1, y = 2}
            let table = [
              1, 2, 3,
              4, 5, -6
            ]
            let {a = x, b = (y, _)} = r
            []
            (e,)
            let v: {x: float, y: [`float]} = x
            let h: () -> float | (int) = x
        "#]],
    );
}

#[test]
fn pipes_stay_on_their_lines() {
    check(
        "x|>f|>g\nx |>\nf |> g(1)\n  ||> h(_,2)\nosc(freq) |> |x| x*2",
        expect![[r#"
            x |> f |> g
            x
              |> f
              |> g(1)
              ||> h(_, 2)
            osc(freq) |> |x| x * 2
        "#]],
    );
}

#[test]
fn matches() {
    check(
        "match v{1=>2,Box(a,(b,_))=>{a} float(x)=>x}\nmatch v{\n1=>2,\n\n// rest\n_=>{\n3}}\nmatch v{}",
        expect![[r#"
            match v {
              1 => 2,
              Box(a, (b, _)) => { a }
              float(x) => x
            }
            match v {
              1 => 2,

              // rest
              _ => {
                3
              }
            }
            match v {}
        "#]],
    );
}

#[test]
fn comments_stay() {
    check(
        "// file\n\n\n/* a */ fn f( // params\n  x, /* second */ y // last\n  // dangling\n){ // body\n  // first\n\n  x // value\n\n  // end\n}\nlet a = 1 + // one\n  // two\n  2 /* three */\nif (c) // then\n  x\n// otherwise\nelse y\nfn /* odd */ g // odder\n() { /* empty */ }\nf /* \n */ (1)\nlet t = [ // rows\n 1, // one\n 2]\na; // b\n/* c\n   d */ e\n// end",
        expect![[r#"
            // file

            /* a */ fn f( // params
              x,
              /* second */ y // last
              // dangling
            ) { // body
              // first

              x // value

              // end
            }
            let a = 1 // one
              // two
              + 2 /* three */
            if (c) // then
              x
            // otherwise
            else
              y
            fn /* odd */ g() { // odder
              /* empty */
            }
            f/* 
             */ (1)
            let t = [ // rows
              1, // one
              2
            ]
            a // b
            /* c
               d */ e
            // end
        "#]],
    );
}

#[test]
fn what_does_not_parse_is_refused() {
    for text in ["fn f( {", "2*-3", "let x = \"", "a & b"] {
        assert!(laid_out(text).is_err_and(|said| said.contains("error[")), "{text}");
    }
    assert_eq!(laid_out("").as_deref(), Ok(""));
    assert_eq!(laid_out("\u{feff};;\r\n").as_deref(), Ok(""));
}

#[test]
fn deep_programs() {
    for (open, close) in [("(", ")"), ("[", "]"), ("f(", ")"), ("{", "}"), ("| | ", ""), ("- ", "")]
    {
        stable(&format!("{}1{}", open.repeat(200), close.repeat(200)));
    }
    stable(&format!("x{}", " + 1".repeat(400)));
}

#[test]
fn mutated_programs_keep_their_meaning() {
    let mut random = Random::new(5);
    let mut tried = 0;
    for round in 0..10_000 {
        let text = mutate(round, &mut random);
        match laid_out(&text) {
            Ok(_) => {
                stable(&text);
                tried += 1;
            }
            Err(said) => assert!(!said.contains("cannot-format"), "{text}\n{said}"),
        }
    }
    assert!(tried > 500, "only {tried} of the programs could be laid out");
}

/// Pieces of expressions and statements, in any order: most don't parse, many do.
fn pieces() -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(vec![
        "a",
        "b",
        "f(",
        ")",
        "(",
        "1",
        "0.5",
        ",",
        "[",
        "]",
        "{",
        "}",
        " + ",
        " - ",
        " |> ",
        "\n",
        "\n\n",
        ";",
        "// c\n",
        "/* d */",
        "/* e\n */",
        "let x = ",
        "if ",
        " else ",
        "|y| ",
        "| | ",
        "`",
        "$",
        ".x",
        ".0",
        " match v { ",
        " => ",
        "_",
        "fn g() {",
        "x = ",
        "m!(",
        " -",
        "\n-",
        "{x = ",
        "self",
        "@",
    ]);
    proptest::collection::vec(piece, 1..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]
    #[test]
    fn any_program_stays_as_it_was_laid_out(text in pieces()) {
        match laid_out(&text) {
            Ok(_) => drop(stable(&text)),
            Err(said) => prop_assert!(!said.contains("cannot-format"), "{text}\n{said}"),
        }
    }
}
