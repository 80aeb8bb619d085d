//! The workloads of the bench on every backend: the same bits as the oracle's over a tenth of a second.

use attacca_engine::Target;
use attacca_engine::pipeline::{self, Options};
use attacca_engine::render::{self, Score};
use attacca_tests::golden::{difference, programs, render};

#[test]
fn workloads_have_the_same_bits_on_every_backend() {
    let paths = programs("bench");
    assert!(paths.len() >= 16, "only {} workloads were found", paths.len());
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("a listed file can be read");
        let name = path.display().to_string();
        let score = Score { frames: 4_800, ..Score::default() };
        let mut want = None;
        for target in Target::ALL {
            let compiled =
                pipeline::compile(&name, &text, &Options { target: *target, ..Options::default() });
            assert!(
                compiled.program.is_some(),
                "{}",
                compiled.diagnostics.render(&compiled.sources)
            );
            let want = want.get_or_insert_with(|| {
                render::oracle(&compiled, &score).unwrap_or_else(|e| panic!("{name}: {e}")).channels
            });
            let got =
                render(&compiled, &score, 64).unwrap_or_else(|e| panic!("{name}, {target}: {e}"));
            assert_eq!(difference(want, &got), None, "{name}, {target}");
        }
    }
}
