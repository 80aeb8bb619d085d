//! Where the time of an editor's answer goes, on a text of 1,000 lines: `cargo run --release --example ide_speed`.

use attacca_lang::diag::Diagnostics;
use attacca_lang::ide::{Library, Snapshot};
use attacca_lang::source::SourceMap;
use attacca_lang::{names, syntax, types};
use std::sync::Arc;
use std::time::Instant;

fn best(name: &str, mut run: impl FnMut()) {
    let times = (0..100).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64() * 1e3
    });
    println!("{name}: {:.2} ms", times.fold(f64::INFINITY, f64::min));
}

fn main() {
    let hundred = include_str!("../../../tests/bench/compile/hundred.mmm");
    let text = hundred.repeat(1000 / hundred.lines().count() + 1);
    let at = text.rfind("phasor").map_or(0, |at| at + 3);
    let library = Arc::new(Library::default());
    let file = SourceMap::new().add("t", &text);
    let parse = syntax::parse(&text, file, &mut Diagnostics::new());
    let program = names::resolve(&parse, &mut Diagnostics::new());
    best("parse", || drop(syntax::parse(&text, file, &mut Diagnostics::new())));
    best("names", || drop(names::resolve(&parse, &mut Diagnostics::new())));
    best("copy", || drop(program.clone()));
    best("types", || drop(types::check(program.clone(), &mut Diagnostics::new())));
    best("snapshot", || drop(Snapshot::new(&text, library.clone())));
    let snapshot = Snapshot::new(&text, library.clone());
    best("complete", || drop(snapshot.complete(at)));
    best("hover", || drop(snapshot.hover(at)));
    best("signature", || drop(snapshot.signature(at)));
    best("definition", || drop(snapshot.definition(at)));
    best("outline", || drop(snapshot.outline()));
    best("rename", || drop(snapshot.rename(at, "renamed")));
    best("snapshot and hover", || drop(Snapshot::new(&text, library.clone()).hover(at)));
}
