//! Long programs that are not nested: chains of operators, pipes and conditions, on every backend.

use attacca_engine::Target;
use attacca_engine::pipeline::{self, Options};
use attacca_engine::render::{Score, oracle};
use attacca_tests::golden::{difference, render};

#[track_caller]
fn check(body: &str, frames: u64, want: impl Fn(usize) -> f64) {
    let text = format!("fn half(x) {{ x / 2 + 1 }}\nfn dsp() {{ {body} }}\n");
    for target in Target::ALL {
        let compiled = pipeline::compile(
            "chain.mmm",
            &text,
            &Options { target: *target, ..Options::default() },
        );
        assert!(compiled.program.is_some(), "{}", compiled.diagnostics.render(&compiled.sources));
        let score = Score { frames, ..Score::default() };
        let expected: Vec<f64> = (0..frames as usize).map(&want).collect();
        let exact = oracle(&compiled, &score).expect("it runs").channels;
        assert_eq!(exact, [expected], "oracle");
        let got = render(&compiled, &score, 64).expect("it runs");
        assert_eq!(difference(&exact, &got), None, "{target}");
    }
}

#[test]
fn a_sum_of_a_thousand_terms() {
    check(&format!("now{}", " + 1".repeat(1_000)), 3, |frame| frame as f64 + 1000.0);
}

#[test]
fn three_hundred_pipes() {
    check(&format!("2{}", " |> half".repeat(300)), 2, |_| 2.0);
}

#[test]
fn five_hundred_conditions() {
    let choice: String =
        (0..500).map(|at| format!("if (now == {at}) {{ {} }} else ", at * 2)).collect();
    check(
        &format!("{choice}{{ 7 }}"),
        503,
        |frame| if frame < 500 { frame as f64 * 2.0 } else { 7.0 },
    );
}
