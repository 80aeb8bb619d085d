//! The corpus of edits on every backend at every block size, and the page made from it.

use attacca_engine::Target;
use attacca_tests::edits;
use attacca_tests::golden::{BLOCKS, tests_dir};

#[test]
fn every_edit_keeps_what_it_should() {
    let edits = edits::all().unwrap_or_else(|what| panic!("{what}"));
    let mut wrong = Vec::new();
    for edit in &edits {
        let runs = Target::ALL.iter().flat_map(|target| BLOCKS.map(|block| (*target, block)));
        for (target, block) in runs {
            if let Err(what) = edit.check(target, block) {
                wrong
                    .push(format!("{} ({target}, blocks of {block}): {what}", edit.path.display()));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} edits:\n{}", wrong.len(), edits.len(), wrong.join("\n"));
    assert!(edits.len() >= 100, "only {} edits were found", edits.len());
}

#[test]
fn the_page_about_edits_is_up_to_date() {
    let path = tests_dir().join("../docs/what-survives.md");
    let page = edits::page().unwrap_or_else(|what| panic!("{what}"));
    if std::env::var_os("ATTACCA_BLESS").is_some() {
        std::fs::write(&path, &page).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == page,
        "{} is not what tests/edits says: run `cargo xtask bless`",
        path.display()
    );
}

#[test]
fn a_program_that_replaces_itself_at_every_block_changes_no_bit() {
    let edits = edits::all().unwrap_or_else(|what| panic!("{what}"));
    for edit in &edits {
        for target in Target::ALL {
            for text in [&edit.before, &edit.after] {
                let (plain, swapped) = edits::itself(text, *target, 7, 200)
                    .unwrap_or_else(|what| panic!("{}: {what}", edit.path.display()));
                // What is not finite starts anew, whoever takes over.
                let finite = plain.iter().flatten().all(|x| x.is_finite());
                assert!(!finite || plain == swapped, "{} ({target})\n{text}", edit.path.display());
            }
        }
    }
}
