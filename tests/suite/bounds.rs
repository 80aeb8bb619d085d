//! What a swap does in the callback, counted exactly: words, lines, objects, and the samples of lines of
//! another length, block by block.

use attacca_engine::pipeline::{self, Options};
use attacca_engine::render::{RenderSettings, Renderer, Score, SwapDone};
use attacca_engine::{Hz, Notice, ProcessorSettings, Program, Session, Target};
use attacca_tests::edits;
use attacca_tests::golden::{files, programs};
use std::sync::Arc;

/// Words of heap objects that one swap copies at most (design 5).
const MOST_HEAP_WORDS: u32 = 4_096;

/// Samples of lines of another length that one block copies at most.
const MOST_SAMPLES: u64 = 12_800;

fn compile(text: &str, target: Target) -> Arc<Program> {
    let options = Options { target, ..Options::default() };
    let compiled = pipeline::compile_with("t.mmm", text, &options, &files());
    let said = compiled.diagnostics.render(&compiled.sources);
    compiled.program.unwrap_or_else(|| panic!("{said}\n{text}"))
}

/// The swap from one program to another after some samples.
fn swap(old: &str, new: &str, target: Target) -> SwapDone {
    let (old, new) = (compile(old, target), compile(new, target));
    let score = Score { frames: 200, swaps: vec![(128, new)], ..Score::default() };
    let rendered = Renderer::new(&old, RenderSettings::default()).run(&score);
    let [swap] = &rendered.swaps[..] else { panic!("{:?}", rendered.swaps) };
    swap.clone()
}

#[test]
fn words_are_those_of_the_state_and_no_others() {
    let counters = |count: usize, factor: u32| {
        let sum = (1..=count).map(|n| format!("c({n})")).collect::<Vec<_>>().join(" + ");
        format!("fn c(x) {{ self + x }}\nfn dsp() {{ ({sum}) * {factor} }}")
    };
    for target in Target::ALL {
        for count in [1, 10, 100, 1_000] {
            let done = swap(&counters(count, 1), &counters(count, 2), *target);
            assert_eq!((done.words as usize, done.lines), (count, 0), "{target}");
            assert_eq!(done.carried.words, 0, "{target}");
        }
    }
}

#[test]
fn objects_are_copied_up_to_a_bound_and_start_fresh_beyond() {
    // An array of `len` numbers that is made anew at each sample.
    let array = |len: usize, factor: u32| {
        let zeros = vec!["0"; len].join(", ");
        format!(
            "let kept = [{zeros}]\nfn dsp() {{ let (first, rest) = split_head(kept)\n  \
             kept = append(rest, first + now)\n  kept[0] * {factor} }}"
        )
    };
    for target in Target::ALL {
        for len in [1, 100, 2_000, 4_000] {
            let done = swap(&array(len, 1), &array(len, 2), *target);
            let (words, fresh) = (done.carried.words, done.carried.fresh);
            // Its elements, its length, and its header.
            assert_eq!((words as usize, fresh), (len + 2, 0), "{target}, {len}");
        }
        for len in [4_100, 10_000] {
            let done = swap(&array(len, 1), &array(len, 2), *target);
            assert_eq!((done.carried.words, done.carried.fresh), (0, 1), "{target}, {len}");
        }
    }
}

#[test]
fn lines_of_another_length_are_copied_in_pieces() {
    let delay = |len: u32| format!("fn dsp() {{ delay({len}, now + 1, 1000) }}");
    for target in Target::ALL {
        for (from, to) in [(2_000, 3_000), (500_000, 700_000), (700_000, 500_000)] {
            let settings = ProcessorSettings {
                max_frames: 64,
                rate: Hz(48_000.0),
                ..ProcessorSettings::default()
            };
            let (mut session, mut processor) = Session::with(*target, settings);
            session.play(&compile(&delay(from), *target));
            let mut block = || processor.process(&mut [&mut [0.0; 64]], &[]);
            for _ in 0..20_000 {
                block();
            }
            session.poll();
            session.play(&compile(&delay(to), *target));
            let (mut blocks, mut swapped) = (0, false);
            while !swapped && blocks < 1_000 {
                block();
                blocks += 1;
                let notices = session.poll();
                swapped = notices.iter().any(|notice| match notice {
                    Notice::SwapDone { words, lines, .. } => {
                        assert_eq!((*words, *lines), (0, 0), "{target}: nothing else is moved");
                        true
                    }
                    Notice::Fault { .. } | Notice::Printed { .. } | Notice::Report { .. } => false,
                });
            }
            // All samples that both have room for, and those that come while the copy goes on.
            let samples = u64::from(from.min(to));
            let least = samples.div_ceil(MOST_SAMPLES);
            let most = (samples + 64 * least).div_ceil(MOST_SAMPLES) + 1;
            assert!(blocks >= least, "{target}: {blocks} blocks to copy {samples} samples");
            assert!(blocks <= most, "{target}: {blocks} blocks to copy {samples} samples");
        }
    }
}

#[test]
fn no_swap_of_an_example_or_an_edit_does_more_than_its_state_has() {
    let check = |name: &str, old: &Program, new: &Program, done: &SwapDone| {
        let (old, new) = (old.layout(), new.layout());
        let words = old.words.min(new.words);
        let lines = old.lines.len().min(new.lines.len());
        assert!(done.words <= words, "{name}: {} words of {words}", done.words);
        assert!(done.lines as usize <= lines, "{name}: {} lines of {lines}", done.lines);
        assert!(done.carried.words <= MOST_HEAP_WORDS, "{name}: {:?}", done.carried);
    };
    for target in Target::ALL {
        for edit in edits::all().unwrap_or_else(|what| panic!("{what}")) {
            let name = edit.path.display().to_string();
            let [before, after] = edit.programs(*target).unwrap_or_else(|what| panic!("{what}"));
            let rendered = edit.render(*target, 64).unwrap_or_else(|what| panic!("{name}: {what}"));
            check(&name, &before, &after, &rendered.swaps[0]);
        }
        for path in programs("../examples") {
            let text = std::fs::read_to_string(&path).expect("a listed file can be read");
            let program = compile(&text, *target);
            let score = Score {
                frames: 2_000,
                swaps: vec![(1_000, Arc::clone(&program))],
                ..Score::default()
            };
            let rendered = Renderer::new(&program, RenderSettings::default()).run(&score);
            check(&path.display().to_string(), &program, &program, &rendered.swaps[0]);
            // All lines are exchanged, whatever their length.
            assert_eq!(rendered.swaps[0].lines as usize, program.layout().lines.len());
        }
    }
}
