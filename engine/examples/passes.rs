//! Time of each pass of the front end, for programs with and without imports: median of many compiles
//! in one session, as when one types.
//!
//! `cargo run --release -p attacca-engine --example passes [FILE..]`

use attacca_engine::loader::Files;
use attacca_engine::pipeline::{self, Options};
use attacca_lang::diag::Diagnostics;
use attacca_lang::source::SourceMap;
use attacca_lang::{lower, names, stage, syntax, types, words};
use std::time::{Duration, Instant};

const ROUNDS: usize = 51;

/// Names of the passes, in order.
const PASSES: [&str; 8] =
    ["sources", "parse", "names", "types", "stage", "lower", "words", "whole"];

fn main() {
    let files = Files::from_environment().in_folder("");
    let given: Vec<(String, String)> = std::env::args()
        .skip(1)
        .map(|path| (path.clone(), std::fs::read_to_string(&path).expect("a readable file")))
        .collect();
    let programs = if given.is_empty() { own() } else { given };
    println!("{:<28} {}", "median in µs", PASSES.map(|pass| format!("{pass:>8}")).concat());
    for (name, text) in programs {
        let rounds: Vec<[Duration; 8]> =
            (0..ROUNDS).map(|_| passes(&name, &text, &files)).collect();
        let median = |pass: usize| {
            let mut times: Vec<Duration> = rounds.iter().map(|round| round[pass]).collect();
            times.sort();
            times[ROUNDS / 2].as_secs_f64() * 1e6
        };
        let row: String = (0..PASSES.len()).map(|pass| format!("{:>8.0}", median(pass))).collect();
        println!("{name:<28} {row}");
    }
}

/// Programs of our own: nothing imported, one module, everything, and long ones.
fn own() -> Vec<(String, String)> {
    let all: String = attacca_engine::stdlib::MODULES
        .iter()
        .map(|(name, _)| format!("use {name}::*\n"))
        .collect();
    let voice = |at: usize, osc: &str| {
        format!(
            "fn voice{at}(freq, cut) {{\n  let a = {osc}\n  let b = mem(a) * 0.5 + a\n  let c = if (b > cut) cut else b\n  c + delay(100, c, 20) * 0.3\n}}\n"
        )
    };
    let voices = |count: usize, osc: &str| -> String {
        let calls: Vec<String> =
            (0..count).map(|at| format!("voice{at}({}, 0.5)", 100 + at)).collect();
        let sums: Vec<String> = calls.chunks(8).map(|part| part.join(" + ")).collect();
        let lets: String =
            sums.iter().enumerate().map(|(at, sum)| format!("  let s{at} = {sum}\n")).collect();
        let total: Vec<String> = (0..sums.len()).map(|at| format!("s{at}")).collect();
        let voices: String = (0..count).map(|at| voice(at, osc)).collect();
        format!("{voices}fn dsp() {{\n{lets}  {}\n}}\n", total.join(" + "))
    };
    let plain = "(self + freq / samplerate) % 1";
    vec![
        ("10 lines".into(), voices(1, plain)),
        ("10 lines, use osc::*".into(), format!("use osc::*\n{}", voices(1, "sinwave(freq, 0)"))),
        ("10 lines, everything".into(), format!("{all}{}", voices(1, "sinwave(freq, 0)"))),
        ("100 lines".into(), voices(16, plain)),
        ("100 lines, use osc::*".into(), format!("use osc::*\n{}", voices(16, "sinwave(freq, 0)"))),
        ("100 lines, everything".into(), format!("{all}{}", voices(16, "sinwave(freq, 0)"))),
        ("1000 lines".into(), voices(160, plain)),
        ("1000 lines, everything".into(), format!("{all}{}", voices(160, "sinwave(freq, 0)"))),
    ]
}

/// One compile, pass by pass, and one as a whole.
fn passes(name: &str, text: &str, files: &Files) -> [Duration; 8] {
    let mut times = [Duration::ZERO; 8];
    let mut start = Instant::now();
    let mut done = |pass: usize| {
        times[pass] = start.elapsed();
        start = Instant::now();
    };
    let (mut sources, mut diags) = (SourceMap::new(), Diagnostics::new());
    let file = sources.add(name, text);
    done(0);
    let parse = syntax::parse(text, file, &mut diags);
    done(1);
    let named = names::resolve_files(&parse, files, &mut sources, &mut diags);
    done(2);
    let typed = types::check(named, &mut diags);
    done(3);
    let typed = stage::run(typed, &mut diags);
    done(4);
    assert!(!diags.has_errors(), "{}", diags.render(&sources));
    let module = lower::to_mir(&typed, &sources, &mut diags);
    done(5);
    let tokens = words::of(&sources);
    done(6);
    drop((module, tokens));
    done(7);
    let compiled = pipeline::compile_with(name, text, &Options::default(), files);
    assert!(compiled.program.is_some(), "{}", compiled.diagnostics.render(&compiled.sources));
    times[7] = compiled.time;
    times
}
