//! Every golden program on the oracle and every backend, at every block size: the expected samples,
//! and the same bits everywhere.

use attacca_engine::Target;
use attacca_tests::golden::{BLOCKS, Golden, difference, programs, run};

/// Everything one program is asked for; the text says what is wrong.
fn check(golden: &Golden) -> Result<(), String> {
    let first = golden.compile(Target::Vm)?;
    let score = golden.score(&first);
    let told = attacca_engine::render::oracle(&first, &score)?;
    golden.compare_told(&told).map_err(|e| format!("oracle: {e}"))?;
    let want = told.channels;
    golden.compare_expected(&want).map_err(|e| format!("oracle: {e}"))?;
    for target in Target::ALL {
        let compiled = golden.compile(*target)?;
        for block in BLOCKS {
            let here = |e| format!("{target}, blocks of {block}: {e}");
            let got = run(&compiled, &score, block).map_err(here)?;
            golden.compare_told(&got).map_err(here)?;
            if let Some(what) = difference(&want, &got.channels) {
                return Err(format!(
                    "{target}, blocks of {block}, differs from the oracle: {what}"
                ));
            }
        }
    }
    Ok(())
}

#[test]
fn golden_programs_give_their_samples_on_every_backend() {
    let paths = programs("lang");
    let mut wrong = Vec::new();
    for path in &paths {
        let checked = Golden::read(path).and_then(|golden| check(&golden));
        if let Err(what) = checked {
            wrong.push(format!("{}: {what}", path.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} golden programs:\n{}",
        wrong.len(),
        paths.len(),
        wrong.join("\n")
    );
    assert!(paths.len() >= 120, "only {} golden programs were found", paths.len());
}
