//! Files that use each other.

use crate::{Case, bad, good, pieces};

fn file(name: String, text: impl Into<String>) -> (String, String) {
    (name, text.into())
}

/// The cases.
pub(crate) fn cases() -> Vec<Case> {
    let uses =
        |count: usize| format!("{}fn dsp() {{ 0 }}", pieces(count, |n| format!("use m{n}::*\n")));
    let modules = |count: usize| {
        (0..count).map(|n| file(format!("m{n}.mmm"), format!("pub fn f{n}() {{ {n} }}")))
    };
    let twice = |n: usize| {
        let next = format!("include(\"a{}.mmm\")\ninclude(\"a{}.mmm\")\n", n + 1, n + 1);
        file(format!("a{n}.mmm"), if n == 40 { "let x = 1".to_owned() } else { next })
    };
    let chain =
        |n: usize| file(format!("c{n}.mmm"), format!("use c{}::*\npub fn g{n}() {{ 1 }}", n + 1));
    vec![
        good("400 files", uses(400)).with(modules(400)),
        bad("600 files", "too-many-files", uses(600)).with(modules(600)),
        bad(
            "files that include files twice",
            "too-many-files",
            "include(\"a0.mmm\")\nfn dsp() { 0 }",
        )
        .with((0..=40).map(twice)),
        bad("a file that includes itself", "include-cycle", "include(\"a.mmm\")\nfn dsp() { 0 }")
            .with([file("a.mmm".into(), "include(\"a.mmm\")")]),
        bad("files that include each other", "include-cycle", "include(\"a.mmm\")\nfn dsp() { 0 }")
            .with([
                file("a.mmm".into(), "include(\"b.mmm\")"),
                file("b.mmm".into(), "include(\"a.mmm\")"),
            ]),
        good("modules that use each other", "use a::*\nfn dsp() { 0 }").with([
            file("a.mmm".into(), "use b::*\npub fn f() { 1 }"),
            file("b.mmm".into(), "use a::*\npub fn g() { 1 }"),
        ]),
        bad("a chain of 1,000 files", "nested-too-deeply", "use c0::*\nfn dsp() { 0 }")
            .with((0..1_000).map(chain)),
        bad("a module of 17 MB", "text-too-long", "use m::*\nfn dsp() { 0 }")
            .with([file("m.mmm".into(), " ".repeat(17 << 20))]),
        good("a module of 30,000 functions", "use m::*\nfn dsp() { f7() }")
            .with([file("m.mmm".into(), pieces(30_000, |n| format!("pub fn f{n}() {{ {n} }}\n")))]),
        bad(
            "300 files of 100 kB, each a mistake",
            "text-too-long",
            pieces(300, |n| format!("use m{n}::*\n")),
        )
        .with((0..300).map(|n| file(format!("m{n}.mmm"), "pub fn f() { nope }\n".repeat(5_000)))),
        good("modules that pass on others' names", {
            let next =
                |n: usize| format!("mod m{} {{ pub use m{n}::*\npub use m{n}::f }}\n", n + 1);
            format!(
                "mod m0 {{ pub fn f() {{ 1 }} }}\n{}use m200::*\nfn dsp() {{ f() }}",
                pieces(200, next)
            )
        }),
    ]
}
