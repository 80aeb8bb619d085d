//! Programs that have to be stopped, in the real plugin: each reason is told, waits for the user when its
//! session is opened, and the next good edit plays. And resets with an edit on its way.

mod rig;

use rig::document_ext::{DOCUMENT_FAULTED, DOCUMENT_PLAYING, DOCUMENT_SILENT};
use rig::session::state;
use rig::{Rig, SYNTH, entry, words};
use std::time::{Duration, Instant};

/// A thousand and more calls a sample, which no computer does in a 48000th of a second.
const SLOW: &str = "fn fib(n) { if (n < 2) { n } else { fib(n - 1) + fib(n - 2) } }

fn dsp() {
  fib(20) * 0.0 + 0.25
}";

/// A program for each reason: its text, what is said, and the line.
const FAULTS: [(&str, &str, u32); 4] = [
    ("fn down(x) { down(x + 1.0) * 0.5 }\nfn dsp() { down(now) }", "`down` calls itself", 1),
    (
        "fn tick() { tick@(now + 1.0)\n tick@(now + 1.0) }\ntick@1.0\nfn dsp() { now * 0.0 }",
        "too many tasks",
        2,
    ),
    ("let kept = [0.0]\nfn dsp() { kept = append(kept, now)\n kept[0] }", "memory", 1),
    (SLOW, "slow", 3),
];

/// Plays until this is so.
fn until(rig: &mut Rig, what: &str, is: impl Fn(&mut Rig) -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !is(rig) {
        rig.silence(64);
        rig.pump();
        assert!(Instant::now() < end, "{what}: {}", rig::describe(&rig.status()));
        std::thread::sleep(Duration::from_micros(100));
    }
}

fn stopped(rig: &mut Rig) -> bool {
    let status = rig.status();
    status.state == DOCUMENT_FAULTED && !words(&status.message).is_empty()
}

/// An instance that plays this with little patience for slow programs.
fn impatient(text: &str) -> Rig {
    let mut rig = Rig::new(&entry(), SYNTH);
    assert!(rig.load(&state(text, "{\"patience\":0.2}")));
    rig.activate(48_000.0);
    rig
}

#[test]
fn after_each_kind_of_fault_the_next_good_edit_plays() {
    let mut rig = impatient("fn dsp() { 0.125 }");
    for (n, (text, said, line)) in FAULTS.into_iter().enumerate() {
        assert!(rig.set_text(text));
        let told = |rig: &mut Rig| words(&rig.status().message).contains(said);
        until(&mut rig, said, |rig| stopped(rig) && told(rig));
        assert_eq!(rig.status().line, line, "{said}");
        let level = (n + 1) as f32 / 16.0;
        assert!(rig.set_text(&format!("fn dsp() {{ {} / 16 }}", n + 1)));
        until(&mut rig, said, |rig| rig.silence(64)[0] == vec![level; 64]);
        assert_eq!(rig.status().state, DOCUMENT_PLAYING, "{said}");
        until(&mut rig, said, |rig| !told(rig));
    }
}

#[test]
fn a_program_that_was_too_slow_waits_and_is_run_by_a_button() {
    let mut old = impatient(SLOW);
    until(&mut old, "it is too slow", stopped);
    let message = words(&old.status().message);
    assert!(message.contains("slow") && message.contains("`dsp`"), "{message}");
    assert_eq!(old.status().line, 3);
    let bytes = old.save();
    let mut new = Rig::new(&entry(), SYNTH);
    assert!(new.load(&bytes));
    new.activate(48_000.0);
    for _ in 0..100 {
        assert_eq!(new.silence(64)[0], vec![0.0; 64]);
        std::thread::sleep(Duration::from_millis(1));
    }
    let status = new.status();
    assert_eq!((status.state, status.compiles), (DOCUMENT_SILENT, 0));
    assert!(words(&status.message).contains("slow"), "{}", words(&status.message));
    for _ in 0..2 {
        new.run_again();
        until(&mut new, "it runs", |rig| rig.silence(64)[0][63] == 0.25);
        until(&mut new, "it is too slow again", stopped);
    }
    assert!(new.set_text("fn dsp() { 0.5 }"));
    until(&mut new, "the next good edit plays", |rig| rig.silence(64)[0][63] == 0.5);
}

#[test]
fn a_held_session_stops_what_another_one_played() {
    let held = state("fn dsp() { 0.75 }", "{\"faulted\":\"it never ended\"}");
    let mut rig = Rig::playing(&entry(), SYNTH, 48_000.0, "fn dsp() { 0.5 }");
    until(&mut rig, "it plays", |rig| rig.silence(64)[0][63] == 0.5);
    // An edit that is still to be compiled belongs to the old session, too.
    assert!(rig.set_text("fn dsp() { 0.625 }"));
    assert!(rig.load(&held));
    let mut heard: Vec<f32> = Vec::new();
    until(&mut rig, "it fades", |rig| rig.silence(64)[0][63] == 0.0);
    for _ in 0..50 {
        heard.extend(&rig.silence(64)[0]);
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(heard.iter().find(|x| **x != 0.0), None);
    let status = rig.status();
    assert_eq!((status.state, status.compiling), (DOCUMENT_SILENT, 0));
    assert!(words(&status.message).contains("it never ended"), "{}", words(&status.message));
    rig.run_again();
    until(&mut rig, "one button runs it", |rig| rig.silence(64)[0][63] == 0.75);
    assert_eq!(rig.status().state, DOCUMENT_PLAYING);
}

#[test]
fn a_held_session_fades_what_played() {
    let held = state("fn dsp() { 0.75 }", "{\"faulted\":\"it never ended\"}");
    let mut rig = Rig::playing(&entry(), SYNTH, 48_000.0, "fn dsp() { 0.5 }");
    until(&mut rig, "it plays", |rig| rig.silence(64)[0][63] == 0.5);
    assert!(rig.load(&held));
    let mut heard = vec![0.5f32];
    let end = Instant::now() + Duration::from_secs(10);
    while heard[heard.len() - 1] != 0.0 {
        heard.extend(&rig.silence(16)[0]);
        assert!(Instant::now() < end, "it stops");
    }
    let step = heard.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
    assert!(step < 0.05, "a click of {step}");
}

#[test]
fn an_edit_on_its_way_does_not_end_the_silence_of_a_reset() {
    let text =
        |tail: &str| format!("fn count() {{ self + 1 }}\nfn dsp() {{ count() / 16777216 }}{tail}");
    let mut rig = Rig::playing(&entry(), SYNTH, 48_000.0, &text(""));
    for _ in 0..2000 {
        rig.silence(64);
    }
    // Compiled and sent, but not taken over: nothing is processed meanwhile.
    assert!(rig.set_text(&text(" // edited")));
    let end = Instant::now() + Duration::from_secs(10);
    while rig.status().compiling != 0 {
        assert!(Instant::now() < end, "it is compiled");
        std::thread::sleep(Duration::from_millis(1));
    }
    rig.processor.as_mut().expect("it is active").reset();
    loop {
        let [block, _] = rig.silence(64);
        if let Some(first) = block.iter().position(|x| *x != 0.0) {
            let count = block[first] * 16_777_216.0;
            assert!(count <= 2.0, "the silence ended with {count}");
            break;
        }
        assert!(Instant::now() < end, "the fresh instance plays");
        std::thread::sleep(Duration::from_micros(100));
    }
    assert_eq!(rig.text(), text(" // edited"));
}

#[test]
fn a_reset_just_before_a_new_activation_does_not_silence_it() {
    let text = "fn count() { self + 1 }\nfn dsp() { count() / 16777216 }";
    let mut rig = Rig::playing(&entry(), SYNTH, 48_000.0, text);
    for wait in [0, 30] {
        rig.processor.as_mut().expect("it is active").reset();
        // The fresh instance may be there by then, or not.
        std::thread::sleep(Duration::from_millis(wait));
        rig.deactivate();
        rig.activate(48_000.0);
        until(&mut rig, "it plays", |rig| rig.silence(64)[0][63] > 0.0);
    }
}
