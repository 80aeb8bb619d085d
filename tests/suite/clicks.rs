//! Edits do not click: the corpus and the examples, with numbers, structure and level changed.
//!
//! The jump at the swap is no larger than the steps before it; what is added to hide it is gone after the
//! set time.

use attacca_engine::pipeline::{self, Options};
use attacca_engine::render::{RenderSettings, Renderer, Score};
use attacca_engine::{Event, EventKind, Notice, ProcessorSettings, Program, Session, Target};
use attacca_tests::altered;
use attacca_tests::edits::{self, Edit};
use attacca_tests::golden::{files, programs};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Frames of 5 ms at 48 kHz, the time over which a jump is hidden.
const DECLICK: usize = 240;

/// What is wrong with how the jump of an edit is hidden.
fn hidden(edit: &Edit, target: Target) -> Result<(), String> {
    let at = edit.at() as usize;
    let frames = (at + DECLICK + 20) as u64;
    let alone = edit.alone(target, frames)?;
    let plain = edit.render_with(target, 64, frames, 0.0)?.channels;
    let got = edit.render_with(target, 64, frames, 0.005)?.channels;
    for (channel, ((alone, plain), got)) in alone.iter().zip(&plain).zip(&got).enumerate() {
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs()));
        if !alone[at].is_finite() || !plain[at..].iter().all(|x| x.is_finite()) {
            continue;
        }
        // The swap sample is what the old program would have played: no step that it would not make.
        if !near(alone[at], got[at]) {
            return Err(format!("channel {channel}: {} at the swap, not {}", got[at], alone[at]));
        }
        // Nor a larger one than those before; some of these programs grow, and theirs is taken then.
        let step = |samples: &[f64], frame: usize| (samples[frame] - samples[frame - 1]).abs();
        let own = (1..=at).map(|frame| step(alone, frame)).fold(0.0, f64::max);
        if at > 0 && step(got, at) > own * (1.0 + 1e-9) + 1e-12 {
            return Err(format!("channel {channel}: a step of {} after {own}", step(got, at)));
        }
        let jump = (alone[at] - plain[at]).abs();
        let left = |frame: usize| (got[frame] - plain[frame]).abs();
        let slack = |frame: usize| 1e-9 * (1.0 + plain[frame].abs());
        for frame in at + 1..at + DECLICK {
            if left(frame) > left(frame - 1) + slack(frame) {
                return Err(format!("channel {channel}: the offset grows at frame {frame}"));
            }
        }
        // After the set time it is below -80 dB of what it was; exactly nothing, in fact.
        for frame in at + DECLICK..frames as usize {
            if left(frame) > jump * 1e-4 || got[frame].to_bits() != plain[frame].to_bits() {
                return Err(format!("channel {channel}: an offset of {} is left", left(frame)));
            }
        }
        // A swap whose outputs agree adds nothing.
        if jump == 0.0 && got != plain {
            return Err(format!("channel {channel}: there was no jump to hide"));
        }
    }
    Ok(())
}

#[test]
fn no_edit_clicks() {
    let edits = edits::all().unwrap_or_else(|what| panic!("{what}"));
    let mut wrong = Vec::new();
    for edit in &edits {
        for target in Target::ALL {
            if let Err(what) = hidden(edit, *target) {
                wrong.push(format!("{} ({target}): {what}", edit.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} edits:\n{}", wrong.len(), edits.len(), wrong.join("\n"));
}

/// Where examples are edited: while notes sound, and while they fade.
const SWAPS: [u64; 2] = [20_011, 33_333];

/// Frames of 50 ms, in which the largest step is looked for.
const BEFORE: usize = 2_400;

/// A program of the edit's name; nothing if the edit makes no program of it.
fn compile(name: &str, text: &str, target: Target) -> Option<Arc<Program>> {
    let options = Options { target, ..Options::default() };
    pipeline::compile_with(name, text, &options, &files()).program
}

/// The edits that are made of an example, by what they are called: all on the jit, some on others.
fn altered_texts(text: &str, target: Target) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut add = |name: String, text: Option<String>| text.map(|text| all.insert(name, text));
    let standard = "examples are in the standard form";
    add("half the level".into(), Some(altered::halved(text).expect(standard)));
    add("another part".into(), Some(altered::extended(text).expect(standard)));
    let numbers = if target == Target::Jit { 6 } else { 1 };
    for nth in 0..numbers {
        add(format!("number {nth}"), altered::renumbered(text, nth));
    }
    all
}

/// What an example plays with another program taking over, its jump hidden or not.
fn play(old: &Arc<Program>, new: &Arc<Program>, at: u64, declick: f64) -> Vec<Vec<f64>> {
    let frames = at + (DECLICK * 2) as u64;
    let events = [52, 57, 64].map(|note| {
        let on = EventKind::NoteOn { channel: 0, note, velocity: 100.0, id: -1 };
        (u64::from(note) * 10, on)
    });
    let off = events.map(|(at, _)| (at + 24_000, EventKind::AllNotesOff));
    let input: Vec<f64> = (0..frames).map(|n| (n as f64 * 0.03).sin() * 0.3).collect();
    let score = Score {
        frames,
        inputs: vec![input; 2],
        events: [events, off].concat(),
        swaps: vec![(at, Arc::clone(new))],
        ..Score::default()
    };
    let settings = RenderSettings { declick, ..RenderSettings::default() };
    let rendered = Renderer::new(old, settings).run(&score);
    assert!(rendered.fault.is_none() && rendered.swaps.len() == 1, "{:?}", rendered.fault);
    rendered.channels
}

/// What is wrong with how the jump of an edit of an example is hidden; else how large it would have been.
fn hears_no_click(plain: &[Vec<f64>], got: &[Vec<f64>], at: usize) -> Result<f64, String> {
    let mut largest: f64 = 0.0;
    for (channel, (plain, got)) in plain.iter().zip(got).enumerate() {
        let step = |frame: usize| (got[frame] - got[frame - 1]).abs();
        let before = (at - BEFORE..at).map(step).fold(0.0, f64::max);
        if step(at) > before {
            return Err(format!("channel {channel}: a step of {} after {before}", step(at)));
        }
        if got[at + DECLICK..] != plain[at + DECLICK..] {
            return Err(format!("channel {channel}: something is left after the set time"));
        }
        largest = largest.max((got[at] - plain[at]).abs());
    }
    Ok(largest)
}

/// Edits an example in all ways on one backend; adds how many jumps there were to hide.
fn edit_example(path: &Path, target: Target, jumps: &mut usize) -> Vec<String> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).expect("a listed file can be read");
    let old = compile(&name, &text, target).expect("an example is good");
    let mut wrong = Vec::new();
    for (edit, text) in altered_texts(&text, target) {
        let Some(new) = compile(&name, &text, target) else {
            // A number may be one that the library looks at while it compiles.
            assert!(edit.starts_with("number"), "{name}, {edit}:\n{text}");
            continue;
        };
        for at in SWAPS {
            let [plain, got] = [0.0, 0.005].map(|declick| play(&old, &new, at, declick));
            match hears_no_click(&plain, &got, at as usize) {
                Ok(jump) => *jumps += usize::from(jump > 1e-3),
                Err(what) => wrong.push(format!("{name} ({target}, {edit}, {at}): {what}")),
            }
        }
    }
    wrong
}

#[test]
fn no_edit_of_an_example_clicks() {
    let (mut wrong, mut jumps) = (Vec::new(), 0);
    for path in &programs("../examples") {
        for target in Target::ALL {
            wrong.extend(edit_example(path, *target, &mut jumps));
        }
    }
    assert!(wrong.is_empty(), "{} edits:\n{}", wrong.len(), wrong.join("\n"));
    assert!(jumps > 100, "only {jumps} edits had a jump to hide");
}

#[test]
fn an_event_at_the_sample_of_a_swap_is_no_jump() {
    let text = "fn dsp() { midi_note_mono!(0, 64, 0).pitch / 64 + Control!(\"gain\", 0.5) }";
    for target in Target::ALL {
        let program = compile("t.mmm", text, *target).expect("it is good");
        let (mut session, mut processor) = Session::with(*target, ProcessorSettings::default());
        session.play(&program);
        let mut block = |events: &[Event]| {
            let mut samples = [0.0; 512];
            processor.process(&mut [&mut samples], events);
            samples
        };
        assert_eq!(block(&[])[500], 1.5, "{target}: the first fades in");
        // The host's note and a control that is set from elsewhere, both heard with the new program.
        let program = compile("t.mmm", &format!("{text} // again"), *target).expect("it is good");
        session.play(&program);
        session.set_control("gain", 1.0);
        let note = EventKind::NoteOn { channel: 0, note: 80, velocity: 90.0, id: -1 };
        let events = [Event { offset: 0, kind: note }];
        assert_eq!(block(&events), [2.25; 512], "{target}");
        let swapped = session.poll().iter().any(|n| matches!(n, Notice::SwapDone { .. }));
        assert!(swapped, "{target}");
    }
}
