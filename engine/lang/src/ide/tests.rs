//! Every service on small texts; `^` in a text is the offset that is asked about.

use super::*;
use expect_test::{Expect, expect};
use std::sync::Arc;

const LIBRARY: &[(&str, &str)] = &[
    (
        "osc",
        "// osc: oscillators.\nuse core::*\n\n// A ramp from 0 to 1.\npub fn phasor(freq, shift = 0.0) { self }\nfn hidden() { 0 }\npub let tau = 6.28\n",
    ),
    ("core", "// Turns notes into hertz.\npub fn midi_to_hz(note:float) -> float { note }\n"),
    ("all", "pub use osc::*\n"),
];

fn library() -> Arc<Library> {
    Arc::new(Library::new(LIBRARY.iter().copied()))
}

/// The text without its `^`, and where that stood.
fn marked(text: &str) -> (Snapshot, usize) {
    let at = text.find('^').expect("a place is marked with ^");
    (Snapshot::new(&text.replacen('^', "", 1), library()), at)
}

#[track_caller]
fn hovers(text: &str, expected: Expect) {
    let (snapshot, at) = marked(text);
    let shown = match snapshot.hover(at) {
        Some(hover) => {
            let what = &snapshot.text()[hover.range];
            format!("{what}\n{}\n{}", hover.title, hover.doc)
        }
        None => "nothing".to_owned(),
    };
    expected.assert_eq(shown.trim_end());
}

/// The first completions as `label (detail)`.
#[track_caller]
fn completes(text: &str, expected: Expect) {
    let (snapshot, at) = marked(text);
    let found = snapshot.complete(at);
    let items = found.items.iter().take(8);
    let shown: Vec<_> = items.map(|item| format!("{} | {}", item.label, item.detail)).collect();
    expected.assert_eq(&format!("{:?}\n{}", &snapshot.text()[found.range], shown.join("\n")));
}

#[track_caller]
fn signs(text: &str, expected: Expect) {
    let (snapshot, at) = marked(text);
    let shown = match snapshot.signature(at) {
        Some(found) => {
            let active =
                found.active.map_or("none", |active| &found.label[found.params[active].clone()]);
            format!("{}\nactive: {active}\n{}", found.label, found.doc)
        }
        None => "nothing".to_owned(),
    };
    expected.assert_eq(shown.trim_end());
}

#[track_caller]
fn goes(text: &str, expected: Expect) {
    let (snapshot, at) = marked(text);
    let shown = match snapshot.definition(at) {
        Some(Place { module: Some(module), range, .. }) => {
            let text =
                LIBRARY.iter().find(|(name, _)| *name == module).map_or("", |(_, text)| text);
            format!("{module}: {:?} at {}", &text[range.clone()], range.start)
        }
        Some(place) => {
            format!("{:?} at {}", &snapshot.text()[place.range.clone()], place.range.start)
        }
        None => "nothing".to_owned(),
    };
    expected.assert_eq(&shown);
}

#[track_caller]
fn renames(text: &str, name: &str, expected: Expect) {
    let (snapshot, at) = marked(text);
    let shown = match snapshot.rename(at, name) {
        Ok(edits) => apply(snapshot.text(), &edits),
        Err(reason) => format!("refused: {reason}"),
    };
    expected.assert_eq(&shown);
}

#[test]
fn hover_shows_types_and_comments() {
    hovers(
        "// Doubles.\n// In two lines.\nfn twice(x) { x * 2 }\nfn dsp() { tw^ice(3) }",
        expect![[r#"
            twice
            fn twice(x: float) -> float
            Doubles.
            In two lines."#]],
    );
    hovers(
        "let a = 1 // not this\nfn twi^ce(x:float, y = 2) { x * y }",
        expect![[r#"
            twice
            fn twice(x: float, y: float = 2) -> float"#]],
    );
    hovers(
        "use core::*\nfn dsp() { let y = (midi_to_hz(60), 1)\n y^ }",
        expect![[r#"
            y
            let y: (float, float)"#]],
    );
    hovers(
        "fn f(x) { let y = (x, \"a\")\n y^ }",
        expect![[r#"
        y
        let y: (a, string)"#]],
    );
    hovers(
        "fn f(r) { r.fr^eq * 2 }",
        expect![[r#"
        freq
        .freq: float"#]],
    );
    hovers(
        "fn f(t:(float, string)) { t.^1 }",
        expect![[r#"
        1
        .1: string"#]],
    );
    hovers(
        "fn dsp() { s^in(1) }",
        expect![[r#"
            sin
            sin(x) -> float
            sine of x radians."#]],
    );
    hovers(
        "fn dsp() { (1, se^lf) }",
        expect![[r#"
        self
        self: a
        What this function returned one sample ago; 0 at the start."#]],
    );
    hovers(
        "use osc::*\nfn dsp() { phas^or(3) }",
        expect![[r#"
            phasor
            fn phasor(freq: a, shift: float = 0.0) -> a
            A ramp from 0 to 1."#]],
    );
    hovers(
        "fn dsp() { osc::phas^or(3) }",
        expect![[r#"
        phasor
        fn phasor(freq, shift = 0.0)
        A ramp from 0 to 1."#]],
    );
    hovers(
        "use all::*\nfn dsp() { phas^or(3) }",
        expect![[r#"
            phasor
            fn phasor(freq: a, shift: float = 0.0) -> a
            A ramp from 0 to 1."#]],
    );
    hovers(
        "use os^c::*",
        expect![[r#"
        osc
        mod osc
        osc: oscillators."#]],
    );
    hovers(
        "type Shape = Dot | Circle(float)\nfn f(s) { match s { Dot => 0, Cir^cle(r) => r } }",
        expect![[r#"
            Circle
            type Shape = Dot | Circle(float)"#]],
    );
    hovers(
        "mod m {\n  // Three.\n  pub fn three() { 3 }\n}\nfn dsp() { m::thr^ee() }",
        expect![[r#"
            three
            fn three() -> float
            Three."#]],
    );
    hovers(
        "use osc::*\nfn osc() { 1 }\nfn dsp() { phas^or(3) }",
        expect![[r#"
            phasor
            fn phasor(freq: a, shift: float = 0.0) -> a
            A ramp from 0 to 1."#]],
    );
    hovers(
        "use core::*\nfn f(n) { let h^z = midi_to_hz(n)\n hz }",
        expect![[r#"
        hz
        let hz: float"#]],
    );
    hovers("fn dsp() { 1 +^ 2 }", expect!["nothing"]);
    hovers(
        "let f = |a, b| a + b\nfn dsp() { f^(1, 2) }",
        expect![[r#"
        f
        let f: (float, float) -> float"#]],
    );
    hovers(
        "fn broken(a) { a + \nfn dsp() { bro^ken(1) }",
        expect![[r#"
            broken
            fn broken(a: float) -> float"#]],
    );
}

#[test]
fn completion_offers_what_is_seen() {
    completes(
        "fn freq_of(note) { let freeze = note\n let fred = 1\n fr^ }\nlet frog = 1",
        expect![[r#"
            "fr"
            fred | let fred: float
            freeze | let freeze: a
            freq_of | fn freq_of(note: a) -> a"#]],
    );
    completes(
        "fn f(aa) { let ab = |ac| a^c\n ab }",
        expect![[r#"
        "ac"
        ac | ac: a
        aa | aa: a
        add | add(a, b) -> float
        and | and(a, b) -> float
        abs | abs(x) -> float
        asin | asin(x) -> float
        acos | acos(x) -> float
        atan | atan(x) -> float"#]],
    );
    completes(
        "fn dsp() { let r = {freq = 1, gate = \"a\"}\n r.^\n 0 }",
        expect![[r#"
        ""
        freq | float
        gate | string"#]],
    );
    completes(
        "fn dsp() { let r = {env = {attack = 1, decay = 2}}\n r.env.a^ }",
        expect![[r#"
            "a"
            attack | float"#]],
    );
    completes(
        "fn dsp() { let t = (1, \"a\")\n t.^ }",
        expect![[r#"
        ""
        0 | float
        1 | string"#]],
    );
    completes(
        "fn dsp() { osc::^ }",
        expect![[r#"
        ""
        phasor | fn phasor(freq, shift = 0.0)
        tau | let tau"#]],
    );
    completes(
        "use ^",
        expect![[r#"
        ""
        all | 
        core | Turns notes into hertz.
        osc | osc: oscillators."#]],
    );
    completes(
        "use osc::{ph^}",
        expect![[r#"
        "ph"
        phasor | fn phasor(freq, shift = 0.0)"#]],
    );
    completes(
        "use osc::*\nfn dsp() { pha^ }",
        expect![[r#"
            "pha"
            phasor | fn phasor(freq, shift = 0.0)"#]],
    );
    completes(
        "fn dsp() { midi_^ }",
        expect![[r#"
            "midi_"
            midi_note_mono! | midi_note_mono!(channel, note, velocity) -> `{pitch: float, velocity: float}
            set_midi_port | set_midi_port(name) -> ()
            core::midi_to_hz | fn midi_to_hz(note: float) -> float"#]],
    );
    completes(
        "type Shape = Dot | Disc\nfn f(s:Sh^) { 0 }",
        expect![[r#"
        "Sh"
        Shape | type Shape = Dot | Disc"#]],
    );
    completes(
        "type Shape = Dot | Disc\nfn f(s) { D^ }",
        expect![[r#"
            "D"
            Dot | type Shape = Dot | Disc
            Disc | type Shape = Dot | Disc
            div | div(a, b) -> float
            delay | delay(max, x, t) -> float"#]],
    );
    completes(
        "fn f(s^) { 0 }",
        expect![[r#"
        "s"
    "#]],
    );
    completes(
        "fn dsp() { 0 } // si^",
        expect![[r#"
        ""
    "#]],
    );
    completes(
        "fn dsp() { \"si^\" }",
        expect![[r#"
        ""
    "#]],
    );
    completes(
        "fn dsp() { 44^ }",
        expect![[r#"
        ""
    "#]],
    );
    completes(
        "fn dsp() {\n  let alpha = 1\n  alp^",
        expect![[r#"
        "alp"
        alpha | let alpha: float"#]],
    );
    completes(
        "mod m { pub fn one() { 1 } fn two() { 2 } }\nfn dsp() { m::^ }",
        expect![[r#"
            ""
            one | fn one() -> float
            two | fn two() -> float"#]],
    );
}

#[test]
fn signatures_follow_the_commas() {
    signs(
        "// Mixes.\nfn mix(a, b:float, t = 0.5) { a + b * t }\nfn dsp() { mix(1, ^",
        expect![[r#"
            fn mix(a: float, b: float, t: float = 0.5) -> float
            active: b: float
            Mixes."#]],
    );
    signs(
        "fn mix(a, b) { a + b }\nfn dsp() { mix(sin(1), 2^) }",
        expect![[r#"
        fn mix(a: float, b: float) -> float
        active: b: float"#]],
    );
    signs(
        "fn mix(a, b) { a + b }\nfn dsp() { mix(sin(^1), 2) }",
        expect![[r#"
            sin(x) -> float
            active: x
            sine of x radians."#]],
    );
    signs(
        "fn dsp() { delay(10, 1, ^) }",
        expect![[r#"
            delay(max, x, t) -> float
            active: t
            x of t samples ago, t below max; max is a number literal."#]],
    );
    signs(
        "fn dsp() { osc::phasor(3, ^) }",
        expect![[r#"
        fn phasor(freq, shift = 0.0)
        active: shift = 0.0
        A ramp from 0 to 1."#]],
    );
    signs(
        "fn dsp() { Control!(\"c\", ^) }",
        expect![[r#"
            Control!(name, initial) -> `a
            active: initial
            numbers that can be moved while sound runs; the shape of `initial`."#]],
    );
    signs(
        "let f = |a, b| a + b\nfn dsp() { f(1, 2, ^) }",
        expect![[r#"
        f(a: float, b: float) -> float
        active: none"#]],
    );
    signs(
        "fn each(f:(float)->float) { f(^1) }",
        expect![[r#"
        f: (float) -> float
        active: none"#]],
    );
    signs("fn dsp() { (1, ^2) }", expect!["nothing"]);
    signs("fn one() { 1 }\nfn dsp() { one()^ }", expect!["nothing"]);
}

#[test]
fn definitions_are_found_across_texts() {
    goes("fn f(x) { let x = x + 1\n ^x }", expect![[r#""x" at 14"#]]);
    goes("fn f(x) { let x = ^x + 1\n x }", expect![[r#""x" at 5"#]]);
    goes("fn f(n) { if (n > 0) ^f(n - 1) else 0 }", expect![[r#""f" at 3"#]]);
    goes("use osc::phasor\nfn dsp() { ^phasor(1) }", expect![[r#"osc: "phasor" at 64"#]]);
    goes("use osc::^phasor", expect![[r#"osc: "phasor" at 64"#]]);
    goes("fn dsp() { core::^midi_to_hz(1) }", expect![[r#"core: "midi_to_hz" at 34"#]]);
    goes("use all::*\nfn dsp() { ^phasor(1) }", expect![[r#"osc: "phasor" at 64"#]]);
    goes("mod m { pub fn a() { 1 } }\nuse m::a\nfn dsp() { ^a() }", expect![[r#""a" at 15"#]]);
    goes("type P = A | B\nfn f(x:^P) { x }", expect![[r#""P" at 5"#]]);
    goes("fn dsp() { ^sin(1) + nothing }", expect!["nothing"]);
    goes("let (a, {x = b}) = t\nlet c = |d| a + ^b", expect![[r#""b" at 13"#]]);
}

#[test]
fn outlines_have_levels() {
    let text = "fn f(a, b = 1) -> float { let x = 1\n x }\nlet (p, q) = (1, 2)\ntype Shape = Dot | Circle(float)\nmod m {\n pub fn g() { 1 }\n mod n { let k = 2 }\n}\nfn dsp() { 0 }";
    let items = Snapshot::new(text, library()).outline();
    let lines: Vec<_> = items
        .iter()
        .map(|item| {
            format!("{}{:?} {} | {}", "  ".repeat(item.level), item.kind, item.name, item.detail)
        })
        .collect();
    expect![[r#"
        Function f | fn f(a, b = 1) -> float
        Variable p | let p
        Variable q | let q
        Type Shape | type Shape = Dot | Circle(float)
          Constructor Dot | type Shape = Dot | Circle(float)
          Constructor Circle | type Shape = Dot | Circle(float)
        Module m | mod m
          Function g | fn g()
          Module n | mod n
            Variable k | let k
        Function dsp | fn dsp()"#]]
    .assert_eq(&lines.join("\n"));
}

#[test]
fn renaming_changes_all_uses() {
    renames(
        "fn f(x) { let y = ^x + x\n |x| x + y }",
        "freq",
        expect![[r#"
        fn f(freq) { let y = freq + freq
         |x| x + y }"#]],
    );
    renames(
        "fn f(x) { let y^ = x\n y = y + 1\n {y <- a = 1}\n y.a }",
        "z",
        expect![[r#"
        fn f(x) { let z = x
         z = z + 1
         {z <- a = 1}
         z.a }"#]],
    );
    renames(
        "fn f(x) { match x { A(y) => ^y, B => y } }",
        "z",
        expect!["fn f(x) { match x { A(z) => z, B => y } }"],
    );
    renames(
        "let gain^ = 1\nfn dsp() { gain * 2 }",
        "level",
        expect![[r#"
        let level = 1
        fn dsp() { level * 2 }"#]],
    );
    renames(
        "fn vo^ice(f) { f }\nfn dsp() { voice!(1) |> voice }",
        "organ",
        expect![[r#"
        fn organ(f) { f }
        fn dsp() { organ!(1) |> organ }"#]],
    );
}

#[test]
fn renaming_is_refused_with_a_reason() {
    renames(
        "fn f(x) { let y = ^x\n x + y }",
        "y",
        expect!["refused: `y` is used here already and would mean something else"],
    );
    renames(
        "fn f(x) { let y = 1\n ^x + y }",
        "y",
        expect!["refused: `y` is used here already and would mean something else"],
    );
    renames(
        "fn f(x) { sin(^x) }",
        "sin",
        expect!["refused: `sin` is used here already and would mean something else"],
    );
    renames("fn f(^x) { x }", "now", expect!["refused: `now` is a reserved word"]);
    renames(
        "fn f(^x) { x }",
        "1x",
        expect!["refused: `1x` is no name: letters, digits and `_`, not beginning with a digit"],
    );
    renames("fn f(x) { s^in(x) }", "y", expect!["refused: `sin` is built in"]);
    renames(
        "fn d^sp() { 0 }",
        "y",
        expect!["refused: `dsp` is what is played; with another name nothing is"],
    );
    renames(
        "fn f(a^, b) { a }\nfn dsp() { f({a = 1, b = 2}) }",
        "c",
        expect!["refused: a record of this text has a field `a`, which may name this parameter"],
    );
    renames(
        "use osc::*\nfn dsp() { pha^sor(1) }",
        "c",
        expect!["refused: this is defined in the module `osc`"],
    );
    renames(
        "mod m { pub fn g^() { 1 } }",
        "c",
        expect!["refused: `g` belongs to a module; other texts may use it"],
    );
    renames(
        "type T^ = A",
        "c",
        expect!["refused: only variables, parameters and functions are renamed"],
    );
    renames("fn dsp() { 1 ^+ 2 }", "c", expect!["refused: there is no name here"]);
}

#[test]
fn any_place_of_any_text_has_an_answer() {
    use crate::syntax::mutation::{Random, mutate};
    let mut random = Random::new(11);
    let library = library();
    for round in 0..1000 {
        let text = mutate(round, &mut random);
        let snapshot = Snapshot::new(&text, library.clone());
        snapshot.outline();
        for at in (0..=text.len() + 1).step_by(7) {
            snapshot.hover(at);
            snapshot.complete(at);
            snapshot.signature(at);
            snapshot.definition(at);
            if let Ok(edits) = snapshot.rename(at, "renamed") {
                assert!(apply(&text, &edits).contains("renamed"), "{text}");
            }
        }
    }
}
