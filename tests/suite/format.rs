//! The formatter on every program we have: it changes no sample, and what it laid out stays.

use attacca_engine::{Target, format};
use attacca_tests::golden::{Golden, difference, programs, run};
use std::path::PathBuf;

/// Programs of the plugin, the library and the examples, which are kept in the standard form.
fn kept() -> Vec<PathBuf> {
    ["../engine/std", "../examples", "../plugin/programs", "../xtask/src"].map(programs).concat()
}

#[test]
fn laying_out_twice_changes_nothing() {
    let mut laid_out = 0;
    for path in [programs("."), kept()].concat() {
        let text = std::fs::read_to_string(&path).expect("a listed file can be read");
        match format("t", &text) {
            Ok(once) => {
                assert_eq!(format("t", &once).as_ref(), Ok(&once), "{}", path.display());
                laid_out += 1;
            }
            Err(refused) => {
                let codes: Vec<_> = refused.messages.iter().map(|m| m.code.as_str()).collect();
                assert!(!codes.contains(&"cannot-format"), "{}: {}", path.display(), refused.text);
            }
        }
    }
    assert!(laid_out >= 300, "only {laid_out} programs could be laid out");
}

#[test]
fn golden_programs_sound_the_same_when_laid_out() {
    let paths = programs("lang");
    for path in &paths {
        let golden = Golden::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let text = format("t", &golden.text)
            .unwrap_or_else(|refused| panic!("{}: {}", path.display(), refused.text));
        let samples = |text: &str| {
            let mut golden = golden.clone();
            golden.text = text.to_owned();
            let compiled = golden.compile(Target::Vm)?;
            run(&compiled, &golden.score(&compiled), 64).map(|rendered| rendered.channels)
        };
        let (Ok(want), Ok(got)) = (samples(&golden.text), samples(&text)) else {
            panic!("{}: does not run when it is laid out", path.display())
        };
        assert_eq!(difference(&want, &got), None, "{}", path.display());
    }
    assert!(paths.len() >= 120, "only {} golden programs were found", paths.len());
}

#[test]
fn our_own_programs_are_laid_out() {
    let wrong: Vec<String> = kept()
        .into_iter()
        .filter(|path| {
            let text = std::fs::read_to_string(path).expect("a listed file can be read");
            format("t", &text).as_ref() != Ok(&text)
        })
        .map(|path| path.display().to_string())
        .collect();
    assert!(wrong.is_empty(), "run `cargo xtask fmt` on: {}", wrong.join(" "));
}
