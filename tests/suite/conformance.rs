//! The workloads of the bench on every backend: the same bits as the oracle's over a tenth of a second;
//! literals as mimium reads them.

use attacca_engine::Target;
use attacca_engine::pipeline::{self, Literals, Options};
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

#[test]
fn literals_are_rounded_on_demand_as_mimium_rounds_them() {
    let text = "fn dsp() { (0.01, 0.001, 0.1, 0.3, 100000, 0.01 + 0.01) }";
    // From mimium 4.1.
    let (a, b) = (0.01000213623046875, 0.0010004043579101563);
    for (literals, want) in [
        (Literals::Exact, [0.01, 0.001, 0.1, 0.3, 100_000.0, 0.02]),
        (Literals::Mimium, [a, b, 0.1, 0.3, 100_000.0, a + a]),
    ] {
        let compiled =
            pipeline::compile("t.mmm", text, &Options { literals, ..Options::default() });
        let score = Score { frames: 1, ..Score::default() };
        let got = render(&compiled, &score, 64).unwrap();
        assert_eq!(got.concat(), want, "{literals:?}");
    }
}
