//! Swaps: what they copy is bounded and exact, what they keep goes on, whatever the backend.

use attacca_engine::pipeline::{self, Options};
use attacca_engine::render::{RenderSettings, Rendered, Renderer, Score};
use attacca_engine::{EventKind, Program, Target};
use attacca_tests::golden::{BLOCKS, files, programs};
use std::sync::Arc;

fn compile(text: &str, target: Target) -> Arc<Program> {
    let compiled = pipeline::compile("t.mmm", text, &Options { target, ..Options::default() });
    let said = compiled.diagnostics.render(&compiled.sources);
    compiled.program.unwrap_or_else(|| panic!("{said}\n{text}"))
}

/// Renders `first`, with the other programs taking over before their frames.
fn render(
    target: Target,
    block: usize,
    frames: u64,
    first: &str,
    swaps: &[(u64, &str)],
) -> Rendered {
    let swaps = swaps.iter().map(|(frame, text)| (*frame, compile(text, target))).collect();
    let settings = RenderSettings { block, ..RenderSettings::default() };
    Renderer::new(&compile(first, target), settings).run(&Score {
        frames,
        swaps,
        ..Score::default()
    })
}

/// Checks the samples of the first channel on every backend and block size.
#[track_caller]
fn check(first: &str, swaps: &[(u64, &str)], want: &[f64]) {
    for target in Target::ALL {
        for block in BLOCKS {
            let rendered = render(*target, block, want.len() as u64, first, swaps);
            assert_eq!(rendered.channels[0], want, "{target}, blocks of {block}");
            assert_eq!(rendered.swaps.len(), swaps.len(), "{target}, blocks of {block}");
        }
    }
}

/// A stereo delay of this many samples, and the same with another formula around it.
fn delay(len: u32, gain: f64) -> String {
    format!(
        "fn echo(x, t) {{ delay({len}, x + self * 0.5, t) }}\n\
         fn dsp() {{ let x = now % 7\n  (echo(x, {0}) * {gain}, echo(x * 2, {0}) * {gain}) }}",
        len - 1
    )
}

#[test]
fn a_swap_copies_few_words_and_no_line_whatever_its_length() {
    for target in Target::ALL {
        let mut seen = Vec::new();
        for len in [16, 4_800, 480_000, 1_920_000] {
            let (old, new) = (delay(len, 1.0), delay(len, 0.9));
            let rendered = render(*target, 64, 256, &old, &[(128, &new)]);
            let [swap] = &rendered.swaps[..] else { panic!("{target}: {:?}", rendered.swaps) };
            assert_eq!(swap.lines, 2, "{target}: both lines are exchanged by pointer");
            assert!(swap.plan.fresh == 0 && swap.plan.dropped == 0, "{target}: {}", swap.plan.text);
            seen.push(swap.words);
        }
        // Two `self` cells; nothing grows with the length.
        assert!(seen.iter().all(|words| *words == 2), "{target}: {seen:?} words copied");
    }
}

#[test]
fn a_line_goes_on_with_its_samples() {
    let old = "fn dsp() { delay(100, now + 1, 50) }";
    let new = "fn dsp() { delay(100, 0, 50) }";
    let want: Vec<f64> = (0..140)
        .map(|n| match n {
            0..50 => 0.0,
            50..110 => n as f64 - 49.0,
            _ => 0.0,
        })
        .collect();
    check(old, &[(60, new)], &want);
}

#[test]
fn a_counter_survives_numbers_and_formulas() {
    check(
        "fn c() { self + 1 }\nfn dsp() { c() }",
        &[(3, "fn c() { self + 10 }\nfn dsp() { c() * 2 }")],
        &[1.0, 2.0, 3.0, 26.0, 46.0],
    );
}

#[test]
fn a_call_inserted_under_another_name_leaves_the_first_alone() {
    let old = "fn c(x) { self + x }\nfn dsp() { let a = c(1)\n  a }";
    let new = "fn c(x) { self + x }\nfn dsp() { let b = c(100)\n  let a = c(1)\n  a + b }";
    check(old, &[(3, new)], &[1.0, 2.0, 3.0, 104.0, 205.0]);
}

#[test]
fn assigned_globals_go_on_while_their_initialiser_stays() {
    let old = "let n = 5\nfn dsp() { n = n + 1\n  n }";
    check(old, &[(2, "let n = 5\nfn dsp() { n = n + 10\n  n }")], &[6.0, 7.0, 17.0, 27.0]);
    check(old, &[(2, "let n = 50\nfn dsp() { n = n + 10\n  n }")], &[6.0, 7.0, 60.0, 70.0]);
}

#[test]
fn time_goes_on() {
    check(
        "fn dsp() { now }",
        &[(2, "fn dsp() { now * 10 }"), (4, "fn dsp() { -now }")],
        &[0.0, 1.0, 20.0, 30.0, -4.0],
    );
}

/// State of every kind: words, a line, a line in a loop, variables, a function value with state, an array
/// that is made anew, tasks, what a function value captured, voices.
const ALL_KINDS: &str = "use host
let beats = 0
let steps = [1, 2, 3]
fn counter(start) { let n = start
  | | { n = n + 1
    n % 1000 } }
let count = counter(5)
fn beat() { beats = beats + 1
  beat@(now + 997) }
beat@100
fn echo(x) { delay(3000, x + self * 0.5, 2500) }
fn tone(note) { note.gate * sin(self + note.freq * 0.0001) }
fn dsp() {
  if (beats % 5 > 3) { steps = [beats, steps[0], steps[1]] }
  let x = sin(count() * 0.01) * 0.3 + mem(beats) * 0.001
  (echo(x) + host::voices!(2, `tone), delay(50, x, 20) + steps[2] * 0.001)
}";

/// A program alone and while it replaces itself before every block of 64 frames.
fn by_itself(program: &Arc<Program>, frames: u64) -> [Rendered; 2] {
    let events = [57, 64, 69].map(|note| {
        let on = EventKind::NoteOn { channel: 0, note, velocity: 100.0, id: -1 };
        (frames * u64::from(note - 56) / 20, on)
    });
    let input: Vec<f64> = (0..frames).map(|n| (n as f64 * 0.03).sin() * 0.3).collect();
    let inputs = vec![input; 2];
    let mut score = Score { frames, inputs, events: events.into(), ..Score::default() };
    let settings = RenderSettings { declick: 0.005, ..RenderSettings::default() };
    let plain = Renderer::new(program, settings).run(&score);
    score.swaps = (64..frames).step_by(64).map(|frame| (frame, Arc::clone(program))).collect();
    let swapped = Renderer::new(program, settings).run(&score);
    assert_eq!(swapped.swaps.len(), score.swaps.len());
    assert!(plain.fault.is_none() && swapped.fault.is_none());
    [plain, swapped]
}

/// The first difference between two renderings, bit for bit.
fn same(plain: &Rendered, swapped: &Rendered) -> Result<(), String> {
    let bits = |x: &f64| x.to_bits();
    for (channel, (a, b)) in plain.channels.iter().zip(&swapped.channels).enumerate() {
        if let Some(frame) = (0..a.len()).find(|frame| bits(&a[*frame]) != bits(&b[*frame])) {
            let (a, b, plan) = (a[frame], b[frame], &swapped.swaps[0].plan.text);
            return Err(format!("frame {frame}, channel {channel}: {b} and not {a}\n{plan}"));
        }
    }
    Ok(())
}

fn with_library(text: &str, target: Target) -> Arc<Program> {
    let options = Options { target, ..Options::default() };
    let compiled = pipeline::compile_with("t.mmm", text, &options, &files());
    let said = compiled.diagnostics.render(&compiled.sources);
    compiled.program.unwrap_or_else(|| panic!("{said}\n{text}"))
}

#[test]
fn a_minute_of_swaps_by_itself_at_every_block_changes_no_bit() {
    std::thread::scope(|scope| {
        for target in Target::ALL {
            scope.spawn(move || {
                let program = with_library(ALL_KINDS, *target);
                let [plain, swapped] = by_itself(&program, 60 * 48_000);
                same(&plain, &swapped).unwrap_or_else(|what| panic!("{target}: {what}"));
                let last = swapped.swaps.last().expect("it was replaced");
                assert!(last.carried.words > 0 && last.carried.tasks == 1, "{target}: {last:?}");
                assert!(last.words > 0 && last.lines == 2, "{target}: {last:?}");
            });
        }
    });
}

#[test]
fn examples_that_replace_themselves_at_every_block_change_no_bit() {
    let paths = programs("../examples");
    assert!(paths.len() >= 30, "{}", paths.len());
    for path in &paths {
        let text = std::fs::read_to_string(path).expect("a listed file can be read");
        for target in Target::ALL {
            let [plain, swapped] = by_itself(&with_library(&text, *target), 9_600);
            let same = same(&plain, &swapped);
            same.unwrap_or_else(|what| panic!("{target}: {}: {what}", path.display()));
        }
    }
}

#[test]
fn a_swap_waits_for_its_beat_and_the_newest_wins() {
    use attacca_engine::When;
    // 125 beats a minute: 23 040 frames a beat, 92 160 a bar.
    let text = |n: u32| format!("fn dsp() {{ {n} }}");
    for target in Target::ALL {
        for block in [64, 512, 1000] {
            for (when, first) in [
                (When::AtOnce, 30_010),
                (When::Beat, 46_080),
                (When::Bar, 92_160),
                (When::Bars(2), 184_320),
            ] {
                let settings = RenderSettings { block, when, ..RenderSettings::default() };
                let swaps = vec![
                    (30_000, compile(&text(1), *target)),
                    (30_010, compile(&text(2), *target)),
                ];
                let score =
                    Score { frames: 185_000, tempo: Some(125.0), swaps, ..Score::default() };
                let rendered = Renderer::new(&compile(&text(0), *target), settings).run(&score);
                let samples = &rendered.channels[0];
                let found = samples.iter().position(|x| *x == 2.0);
                assert_eq!(found, Some(first), "{target}, {when:?}, blocks of {block}");
                assert_eq!(samples.contains(&1.0), when == When::AtOnce, "{target}, {when:?}");
                let last = rendered.swaps.last().map(|swap| swap.frame as usize);
                assert_eq!(last, Some(first), "{target}, {when:?}");
            }
        }
    }
}
