//! Programs of our own, broken at random, on the oracle and every backend: no panic, no hang, no difference.
//!
//! The corpus is every program under `tests/lang`, `tests/diag`, `examples` and the library. A short turn at
//! every run, half an hour with `ATTACCA_SLOW`.

use crate::random_sources::{Dice, Outcome, outcome};
use attacca_tests::golden::{programs, tests_dir};
use std::time::{Duration, Instant};

/// Longest time one input may take, compiles for the oracle and all backends included.
const PATIENCE: Duration = Duration::from_secs(30);

/// Words, numbers and signs, white space by itself.
fn pieces(text: &str) -> Vec<String> {
    let kind = |c: char| match c {
        c if c.is_whitespace() => 0,
        c if c.is_alphanumeric() || c == '_' => 1,
        _ => 2,
    };
    let mut out: Vec<String> = Vec::new();
    let mut last = None;
    for c in text.chars() {
        let same = last == Some(kind(c)) && kind(c) != 2;
        match out.last_mut() {
            Some(piece) if same => piece.push(c),
            Some(_) | None => out.push(c.to_string()),
        }
        last = Some(kind(c));
    }
    out
}

/// A program with one to three pieces lost, doubled, exchanged or taken from another.
fn broken(corpus: &[String], dice: &mut Dice) -> String {
    let mut text = pieces(dice.pick::<String>(corpus));
    let other = pieces(dice.pick::<String>(corpus));
    for _ in 0..=dice.below(3) {
        if text.is_empty() {
            break;
        }
        let (at, to) = (dice.below(text.len()), dice.below(text.len()));
        match dice.below(6) {
            0 => drop(text.remove(at)),
            1 => text.insert(to, text[at].clone()),
            2 => text.swap(at, to),
            3 if !other.is_empty() => text[at] = dice.pick(&other).clone(),
            4 => text[at] = dice.pick(&["0", "-1", "1000000", "self", "now", "{", ")"]).to_string(),
            _ => {
                let from = dice.below(other.len());
                let piece = other[from..(from + 12).min(other.len())].to_vec();
                text.splice(at..at, piece);
            }
        }
    }
    text.concat()
}

#[test]
fn broken_programs_have_one_answer_everywhere() {
    let mut paths = programs("lang");
    paths.extend(programs("diag"));
    for folder in ["../examples", "../engine/std"] {
        paths.extend(programs(folder));
    }
    let read = |path: &std::path::PathBuf| std::fs::read_to_string(path).ok();
    let corpus: Vec<String> = paths.iter().filter_map(read).filter(|it| it.len() < 6_000).collect();
    assert!(corpus.len() > 800, "only {} programs under {}", corpus.len(), tests_dir().display());
    let slow = std::env::var_os("ATTACCA_SLOW").is_some();
    let time = Duration::from_secs(if slow { 30 * 60 } else { 4 });
    let (start, mut tried, mut played) = (Instant::now(), 0_u64, 0_u64);
    while start.elapsed() < time {
        let text = broken(&corpus, &mut Dice::new(tried));
        let begin = Instant::now();
        let what = outcome(&text);
        assert!(begin.elapsed() < PATIENCE, "input {tried} takes {:?}:\n{text}", begin.elapsed());
        match what {
            Outcome::Agrees => played += 1,
            Outcome::Rejected(_) => {}
            Outcome::Differs(how) => panic!("input {tried}: {how}\n{text}"),
        }
        tried += 1;
    }
    println!("{tried} broken programs, {played} of them still played");
    assert!(played * 20 > tried, "only {played} of {tried} inputs played");
}
