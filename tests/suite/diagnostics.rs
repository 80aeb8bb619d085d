//! Every message golden: a program in `tests/diag` and, beside it, what the compiler says about it.
//!
//! `ATTACCA_BLESS=1` rewrites what is said.

use attacca_engine::Files;
use attacca_engine::pipeline::{self, Options};
use attacca_tests::golden::programs;

#[test]
fn messages_are_those_of_the_goldens() {
    let paths = programs("diag");
    let mut wrong = Vec::new();
    for path in &paths {
        let text = std::fs::read_to_string(path).expect("a listed file can be read");
        let folder = path.parent().expect("a file is in a folder");
        let files = Files::library().in_folder(folder);
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let compiled = pipeline::compile_with(&name, &text, &Options::default(), &files);
        let said = compiled.diagnostics.render(&compiled.sources);
        let said = said.replace(&format!("{}/", folder.display()), "");
        let golden = path.with_extension("txt");
        if std::env::var_os("ATTACCA_BLESS").is_some() {
            std::fs::write(&golden, &said).expect("the golden can be written");
        }
        let want = std::fs::read_to_string(&golden).unwrap_or_default();
        if said != want {
            wrong.push(format!("{}:\n--- expected\n{want}--- said\n{said}", path.display()));
        } else if said.is_empty() {
            wrong.push(format!("{}: nothing is said", path.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} messages differ:\n{}",
        wrong.len(),
        paths.len(),
        wrong.join("\n")
    );
    assert!(paths.len() >= 400, "only {} message goldens were found", paths.len());
}
