//! What names mean across modules and files.

#![expect(clippy::wildcard_enum_match_arm, reason = "only a few kinds are looked at in each test")]

use super::resolve_files;
use crate::diag::Diagnostics;
use crate::hir::{ExprKind, Program, Stmt};
use crate::loader::Memory;
use crate::source::SourceMap;
use crate::syntax;

fn resolve_with(text: &str, files: &Memory) -> (Program, Diagnostics, SourceMap) {
    let mut sources = SourceMap::new();
    let file = sources.add("t.mmm", text);
    let mut diags = Diagnostics::new();
    let parse = syntax::parse(text, file, &mut diags);
    let program = resolve_files(&parse, files, &mut sources, &mut diags);
    (program, diags, sources)
}

/// What each use of a name is, at its definition: the line, as `file:line`.
#[track_caller]
fn meanings(text: &str, files: &Memory) -> Vec<String> {
    let (program, diags, sources) = resolve_with(text, files);
    assert!(!diags.has_errors(), "{}", diags.render(&sources));
    let main = program.exprs.values().filter(|expr| sources.name(expr.span.file) == "t.mmm");
    let place = |kind: &ExprKind| match kind {
        ExprKind::Var(binding) => {
            let span = program.bindings[*binding].span;
            Some(format!("{}:{}", sources.name(span.file), sources.start(span).line))
        }
        ExprKind::Builtin(builtin) => Some(builtin.name().to_owned()),
        _ => None,
    };
    main.filter_map(|expr| place(&expr.kind)).collect()
}

fn codes(text: &str, files: &Memory) -> Vec<&'static str> {
    resolve_with(text, files).1.iter().map(|one| one.code).collect()
}

#[test]
fn order_of_lookup() {
    let none = Memory::default();
    for (text, want) in [
        // Local, before all else.
        ("fn f() { 1 }\nfn g(f) { f }", vec!["t.mmm:2"]),
        // The module's own, then the one around it, then the program's.
        ("fn f() { 1 }\nmod m {\npub fn f() { 2 }\nfn g() { f }\n}", vec!["t.mmm:3"]),
        ("fn f() { 1 }\nmod m {\npub fn f() { 2 }\nmod n { fn g() { f } }\n}", vec!["t.mmm:3"]),
        ("fn f() { 1 }\nmod m {\nfn g() { f }\n}", vec!["t.mmm:1"]),
        // The program's before an alias, an alias before a wildcard, a wildcard before what is built in.
        ("mod m { pub fn f() { 1 } }\nuse m::f\nfn f() { 2 }\nlet a = f", vec!["t.mmm:3"]),
        (
            "mod m { pub fn f() { 1 } }\nmod n {\npub fn f() { 2 } }\nuse m::*\nuse n::f\nlet a = f",
            vec!["t.mmm:3"],
        ),
        ("mod m { pub fn sin() { 1 } }\nuse m::*\nlet a = sin", vec!["t.mmm:1"]),
        ("mod m { fn sin() { 1 } }\nuse m::*\nlet a = sin", vec!["sin"]),
        // The newest of two definitions, for those that come later.
        ("fn f() { 1 }\nlet a = f\nfn f() { 2 }\nlet b = f", vec!["t.mmm:1", "t.mmm:3"]),
        // An absolute path before a relative one.
        (
            "mod m {\npub fn f() { 1 } }\nmod n {\nmod m {\npub fn f() { 2 } }\nfn g() { m::f } }",
            vec!["t.mmm:2"],
        ),
        ("mod n {\nmod m {\npub fn f() { 2 } }\nfn g() { m::f } }", vec!["t.mmm:3"]),
    ] {
        assert_eq!(meanings(text, &none), want, "{text}");
    }
}

#[test]
fn library_functions_are_resolved_when_they_are_used() {
    let files = Memory::files([])
        .library("a", "pub fn used() { helper() }\nfn helper() { 1 }")
        .library("b", "fn helper() { 1 }\npub fn used() { helper() }\npub fn unused() { nothing }");
    // No forward references in the library either.
    assert_eq!(codes("use a::*\nfn dsp() { used() }", &files), ["unknown-name"]);
    let (program, diags, _) = resolve_with("use b::*\nfn dsp() { used() + used() }", &files);
    assert!(diags.is_empty());
    let names: Vec<_> =
        program.lambdas.values().filter_map(|lambda| lambda.name.as_deref()).collect();
    assert_eq!(names, ["dsp", "b::used", "b::helper"]);
    let order = program.stmts.iter().map(|stmt| match stmt {
        Stmt::Let { value, .. } | Stmt::LetRec { value, .. } | Stmt::Expr(value) => *value,
    });
    let order: Vec<_> = order
        .filter_map(|value| match program.exprs[value].kind {
            ExprKind::Lambda(lambda) => program.lambdas[lambda].name.as_deref(),
            _ => None,
        })
        .collect();
    assert_eq!(order, ["b::helper", "b::used", "dsp"], "what is used stands in front");
}

#[test]
fn library_functions_see_what_was_defined_before_them_only() {
    let files = Memory::files([])
        .library("a", "pub fn clip() { 1 }")
        .library("b", "use a::*\npub fn used() { clip() }\npub fn sines() { sin(1) }");
    let text = "use b::*\nfn clip() { 2 }\nfn sin(x) { 3 }\nfn dsp() { used() + sines() }";
    let (program, diags, sources) = resolve_with(text, &files);
    assert!(!diags.has_errors());
    let in_library = program.exprs.values().filter(|expr| sources.name(expr.span.file) == "b.mmm");
    let main = in_library.filter_map(|expr| match expr.kind {
        ExprKind::Var(binding) => Some(sources.name(program.bindings[binding].span.file)),
        _ => None,
    });
    assert_eq!(main.collect::<Vec<_>>(), ["a.mmm"], "`clip` is the library's, `sin` is built in");
}

#[test]
fn functions_know_their_module() {
    let text = "mod a { mod b { pub fn f() { 1 } } let k = 2 }\nfn g() { a::b::f() + k }";
    let (program, diags, _) = resolve_with(text, &Memory::default());
    assert!(diags.is_empty());
    let home = |name: &str| {
        let found = program.bindings.iter().find(|(_, binding)| binding.name == name);
        let module = found.and_then(|(id, _)| program.module_of(id));
        module.map(|module| program.modules[module].path.to_string())
    };
    assert_eq!((home("f"), home("g"), home("k")), (Some("a::b".into()), None, None));
}

#[test]
fn a_module_in_a_file_has_the_names_of_one_in_the_text() {
    let names = |text: &str, files: &Memory| {
        let (program, diags, sources) = resolve_with(text, files);
        assert!(diags.is_empty(), "{}", diags.render(&sources));
        let names = program.lambdas.values().filter_map(|lambda| lambda.name.clone());
        names.collect::<Vec<_>>()
    };
    let inline = names("mod m { pub fn f() { self } }\nfn dsp() { m::f() }", &Memory::default());
    let files = Memory::files([("m.mmm", "pub fn f() { self }")]);
    assert_eq!(names("mod m\nfn dsp() { m::f() }", &files), inline);
    assert_eq!(names("use m\nfn dsp() { m::f() }", &files), inline);
}

#[test]
fn files_that_use_each_other_end() {
    let files = Memory::files([
        ("a.mmm", "use b::*\npub fn a() { 1 }"),
        ("b.mmm", "use a::*\npub fn b() { 2 }"),
        ("x.mmm", "include(\"y.mmm\")\nfn x() { 1 }"),
        ("y.mmm", "include(\"x.mmm\")\nfn y() { 1 }"),
        ("z.mmm", "include(\"z.mmm\")"),
        ("t.mmm", ""),
        ("deep.mmm", "mod deep"),
    ]);
    assert_eq!(codes("use a::*\nfn dsp() { a() + b() }", &files), [""; 0]);
    assert_eq!(codes("include(\"x.mmm\")\nfn dsp() { x() }", &files), ["include-cycle"]);
    assert_eq!(codes("include(\"z.mmm\")", &files), ["include-cycle"]);
    assert_eq!(codes("include(\"t.mmm\")", &files), ["include-cycle"]);
    assert_eq!(codes("mod deep", &files), ["nested-too-deeply"]);
    let doubling: Vec<(String, String)> = (0..30)
        .map(|at| (format!("f{at}.mmm"), format!("include(\"f{0}.mmm\")\n", at + 1).repeat(2)))
        .collect();
    let doubling =
        Memory::files(doubling.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    let found = codes("include(\"f0.mmm\")", &doubling);
    assert!(found.contains(&"too-many-files") || found.contains(&"file-not-found"), "{found:?}");
}

#[test]
fn names_of_the_library_are_suggested() {
    let files = Memory::files([]).library("osc", "pub fn sinwave(f) { f }\nfn hidden_wave() { 1 }");
    let help = |text: &str| {
        let (_, diags, _) = resolve_with(text, &files);
        diags.iter().flat_map(|one| one.help.clone()).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(help("let a = sinwave(1)"), "it is in the library; write at the top: use osc::*");
    assert!(help("let a = sinwav(1)").contains("did you mean `sinwave` of the library?"));
    assert_eq!(help("use osc::*\nlet a = sinwav(1)"), "did you mean `sinwave`?");
    assert!(!help("let a = hidden_wave()").contains("library"));
    assert_eq!(help("let a = osc::sinwave(1)"), "write `use osc` at the top");
    assert_eq!(help("use osk::*"), "did you mean `osc`?");
}
