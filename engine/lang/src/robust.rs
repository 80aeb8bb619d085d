//! The whole front end on broken and on extreme programs: an answer, never a panic.

use crate::diag::Diagnostics;
use crate::loader::Memory;
use crate::source::SourceMap;
use crate::syntax::mutation::{Random, mutate};
use crate::{lower, names, stage, syntax, types};

/// Files that the mutated programs may use.
fn files() -> Memory {
    Memory::files([
        ("j.mmm", "pub fn k() { m::k() + l::l() }\nmod m { pub fn k() { 2 } }\nuse l"),
        ("m.mmm", "use j::*\ninclude(\"a.mmm\")\npub fn j(x:`float) { self }"),
        ("a.mmm", "include(\"j.mmm\")\nlet q = 1\nfn broken( { 1 "),
        ("c.mmm", "mod c\nuse c::c\npub use j::k\ninclude(\"./c.mmm\")"),
    ])
    .library("l", "pub type L = End | Item(float)\npub fn l() { r() }\nfn r() { mem(1) }\npub mod x { pub fn p() { l() } }")
}

/// Runs every pass that a compilation would run; says whether there was a module.
fn compile(text: &str) -> bool {
    let mut sources = SourceMap::new();
    let file = sources.add("t", text);
    let mut diags = Diagnostics::new();
    let parse = syntax::parse(text, file, &mut diags);
    let program = names::resolve_files(&parse, &files(), &mut sources, &mut diags);
    let typed = types::check(program, &mut diags);
    let typed = stage::run(typed, &mut diags);
    if !diags.has_errors() {
        lower::to_mir(&typed, &sources, &mut diags);
    }
    diags.render(&sources);
    !diags.has_errors()
}

/// Programs tried: 100,000 in the long runs.
fn tries() -> usize {
    if std::env::var_os("ATTACCA_SLOW").is_some() { 100_000 } else { 10_000 }
}

#[test]
fn mutated_programs_never_panic() {
    let mut random = Random::new(7);
    let compiled = (0..tries()).filter(|round| compile(&mutate(*round, &mut random))).count();
    assert!(compiled > 100, "only {compiled} of the programs reached lowering");
}

#[test]
fn programs_at_the_limit_of_nesting_have_an_answer() {
    for (open, close) in [
        ("(", ")"),
        ("sin(", ")"),
        ("(1, ", ")"),
        ("{x = ", "}"),
        ("| | ", ""),
        ("{", "}"),
        ("-(", ")"),
        ("if (1) 1 else ", ""),
        ("1 + (", ")"),
        ("{ let a = ", "\n a }"),
    ] {
        for count in [50, 120, 170, 250, 900] {
            let body = format!("{}1{}", open.repeat(count), close.repeat(count));
            compile(&format!("let a = {body}\nfn dsp() {{ {body}\n 0 }}"));
        }
    }
    for link in [" + 1", " |> sin", " ^ 2", " || 1", "(1)", ".a", "[0]", " ||> sin"] {
        for count in [480, 1_000, 2_030, 2_060, 20_000] {
            compile(&format!("fn dsp() {{ 1{} }}", link.repeat(count)));
        }
    }
}

/// What people and generators write: long, but not nested.
#[test]
fn long_chains_are_accepted() {
    let sum = format!("1{}", " + 1".repeat(1_000));
    let pipes = format!("1{}", " |> sin".repeat(300));
    let choice: String = (0..500).map(|at| format!("if (now == {at}) {{ {at} }} else ")).collect();
    for body in [sum, pipes, format!("{choice}1")] {
        let text = format!("fn dsp() {{ {body} }}");
        assert!(compile(&text), "{}", &text[..60]);
        let file = SourceMap::new().add("t", &text);
        let laid_out = crate::fmt::format(&text, file, &mut Diagnostics::new());
        assert!(compile(&laid_out.expect("it has no syntax errors")));
        crate::ide::Snapshot::new(&text, crate::ide::Library::default().into()).outline();
    }
}
