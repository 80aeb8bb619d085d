//! Voices of `host::voices!`: when they sleep and wake, which one a note takes, what an edit keeps.

use attacca_engine::EventKind;
use attacca_engine::pipeline::{self, Options};
use attacca_engine::render::{RenderSettings, Renderer, Score};
use attacca_engine::{Program, Target};
use attacca_tests::golden::{BLOCKS, files};
use std::sync::Arc;

fn compile(text: &str, target: Target) -> Arc<Program> {
    let options = Options { target, ..Options::default() };
    let compiled = pipeline::compile_with("voices.mmm", text, &options, &files());
    let said = compiled.diagnostics.render(&compiled.sources);
    compiled.program.unwrap_or_else(|| panic!("{said}\n{text}"))
}

fn on(frame: u64, note: u8) -> (u64, EventKind) {
    (frame, EventKind::NoteOn { channel: 0, note, velocity: 100.0, id: -1 })
}

fn off(frame: u64, note: u8) -> (u64, EventKind) {
    (frame, EventKind::NoteOff { channel: 0, note, velocity: 0.0, id: -1 })
}

/// Plays notes, perhaps with another program taking over before a frame; checks some samples on every
/// backend and block size.
#[track_caller]
fn check(text: &str, notes: &[(u64, EventKind)], swap: Option<(u64, &str)>, want: &[(usize, f64)]) {
    let frames = want.iter().map(|(frame, _)| *frame as u64 + 1).max().unwrap_or(0);
    for target in Target::ALL {
        let swaps: Vec<_> =
            swap.iter().map(|(frame, text)| (*frame, compile(text, *target))).collect();
        let score = Score { frames, events: notes.to_vec(), swaps, ..Score::default() };
        for block in BLOCKS {
            let settings = RenderSettings { block, ..RenderSettings::default() };
            let rendered = Renderer::new(&compile(text, *target), settings).run(&score);
            for (frame, want) in want {
                let got = rendered.channels[0][*frame];
                assert_eq!(got, *want, "{target}, blocks of {block}, frame {frame}");
            }
        }
    }
}

/// Voices that say how many samples they were awake, while their key is down.
fn counting(voices: u32, factor: u32) -> String {
    format!(
        "use host\nfn count() {{ self + 1 }}\n\
         fn lead(note) {{ let n = count()\n  note.gate * n * {factor} }}\n\
         fn dsp() {{ host::voices!({voices}, `lead) }}"
    )
}

#[test]
fn a_silent_voice_sleeps_after_4800_samples_until_its_next_note() {
    let notes = [on(10, 60), off(20, 60), on(10_000, 60)];
    // Awake for 10 samples with the key down and 4800 without; asleep for the others.
    let want = [(9, 0.0), (10, 1.0), (19, 10.0), (20, 0.0), (10_000, 4811.0), (10_001, 4812.0)];
    check(&counting(1, 1), &notes, None, &want);
}

#[test]
fn a_voice_that_is_loud_stays_awake() {
    let text = "use host\nfn count() { self + 1 }\nfn lead(note) { count() }\n\
        fn dsp() { host::voices!(1, `lead) }";
    check(text, &[on(10, 60), off(20, 60)], None, &[(9, 0.0), (10, 1.0), (9_000, 8991.0)]);
}

#[test]
fn a_taken_voice_keeps_its_state() {
    // Its gate is 0 for the one frame in which it is taken.
    let want = [(4, 5.0), (5, 0.0), (6, 7.0), (7, 8.0)];
    check(&counting(1, 1), &[on(0, 60), on(5, 62)], None, &want);
}

#[test]
fn a_note_takes_the_voice_released_longest_ago() {
    let text = "use host\nfn lead(note) { note.note + 0.001 }\n\
        fn dsp() { floor(host::voices!(2, `lead)) }";
    let notes = [on(0, 60), on(0, 62), off(5, 62), off(7, 60), on(10, 64)];
    check(text, &notes, None, &[(1, 122.0), (9, 122.0), (11, 124.0)]);
    let notes = [on(0, 60), on(0, 62), on(10, 64)];
    check(text, &notes, None, &[(9, 122.0), (11, 126.0)]);
}

#[test]
fn held_notes_go_on_sounding_through_an_edit() {
    let (old, new) = (counting(2, 1), counting(2, 3));
    let want = [(14, 15.0), (15, 48.0), (16, 51.0), (19, 60.0), (20, 0.0)];
    check(&old, &[on(0, 60), off(20, 60)], Some((15, &new)), &want);
}
