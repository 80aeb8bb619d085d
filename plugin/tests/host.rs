//! The real plugin file in an embedded host: found, made, played, saved, edited, destroyed.

mod rig;

use clack_host::events::event_types::{NoteOffEvent, NoteOnEvent};
use clack_host::prelude::*;
use rig::document_ext::{DOCUMENT_FAULTED, DOCUMENT_PLAYING, DOCUMENT_SILENT};
use rig::{EFFECT, Rig, SYNTH, entry, turn, words};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Block sizes that no program should notice.
const BLOCKS: [usize; 7] = [1, 3, 7, 64, 511, 1000, 5000];

fn ramp(frames: usize) -> [Vec<f32>; 2] {
    let left: Vec<f32> = (0..frames).map(|i| (i as f32 + 1.0) / 8192.0).collect();
    let right = left.iter().map(|x| -x).collect();
    [left, right]
}

#[test]
fn a_scan_finds_both_plugins() {
    let entry = entry();
    let factory = entry.get_plugin_factory().expect("the library has plugins");
    let ids: Vec<_> = factory
        .plugin_descriptors()
        .filter_map(|plugin| plugin.id().map(ToOwned::to_owned))
        .collect();
    assert_eq!(ids, [EFFECT.to_owned(), SYNTH.to_owned()]);
}

#[test]
fn there_are_128_parameters_with_fixed_ids() {
    use clack_extensions::params::{ParamInfoBuffer, PluginParams};
    let entry = entry();
    for id in [EFFECT, SYNTH] {
        let mut rig = Rig::new(&entry, id);
        for slot in 0..128 {
            let (name, value, _) = rig.param(slot);
            assert_eq!((name, value), (format!("(slot {})", slot + 1), 0.5));
        }
        let plugin = rig.instance.plugin_handle();
        let params: PluginParams = plugin.get_extension().expect("parameters are offered");
        let mut buffer = ParamInfoBuffer::new();
        assert_eq!(params.count(&plugin), 128);
        assert!(params.get_info(&plugin, 128, &mut buffer).is_none());
        for slot in [0, 9, 127] {
            let info = params.get_info(&plugin, slot, &mut buffer).expect("the slot exists");
            assert_eq!(info.id, rig::param_id(slot));
        }
    }
}

#[test]
fn without_a_program_the_effect_passes_its_input_and_the_synth_is_silent() {
    let entry = entry();
    let mut effect = Rig::playing(&entry, EFFECT, 48_000.0, "fn dsp( {");
    assert_eq!(effect.process(ramp(300), &EventBuffer::new()), ramp(300));
    assert_eq!(effect.status().state, DOCUMENT_SILENT);
    let mut synth = Rig::playing(&entry, SYNTH, 48_000.0, "this is no program");
    assert_eq!(synth.silence(300), [vec![0.0; 300], vec![0.0; 300]]);
    let status = synth.status();
    assert!(status.errors > 0 && !words(&status.message).is_empty());
}

#[test]
fn first_programs_play() {
    let entry = entry();
    for id in [EFFECT, SYNTH] {
        let mut rig = Rig::new(&entry, id);
        rig.activate(48_000.0);
        let status = rig.settle();
        assert_eq!(
            (status.state, status.errors),
            (DOCUMENT_PLAYING, 0),
            "{}",
            words(&status.message)
        );
        assert!(rig.param(0).0.ends_with("ms"), "{:?}", rig.param(0));
        let mut events = EventBuffer::new();
        events.push(&NoteOnEvent::new(0, Pckn::new(0u16, 0u16, 69u16, 1u32), 0.8));
        rig.process(ramp(512), &events);
        let heard: f32 =
            (0..100).flat_map(|_| rig.silence(512)).flatten().map(f32::abs).fold(0.0, f32::max);
        assert!(heard > 0.01 && heard < 1.5, "{heard}");
    }
}

#[test]
fn every_rate_and_block_size_plays_the_same() {
    let entry = entry();
    let text = "fn dsp(l, r) { (l * 0.5, r * 0.25) }";
    for rate in [44_100.0, 48_000.0, 96_000.0] {
        let mut rig = Rig::playing(&entry, EFFECT, rate, text);
        for frames in BLOCKS {
            let [left, right] = ramp(frames);
            let want: [Vec<f32>; 2] =
                [left.iter().map(|x| x * 0.5).collect(), right.iter().map(|x| x * 0.25).collect()];
            let got = rig.process([left, right], &EventBuffer::new());
            assert!(got == want, "rate {rate}, block {frames}");
        }
    }
}

#[test]
fn a_new_sample_rate_reaches_the_program() {
    let entry = entry();
    let mut rig = Rig::new(&entry, SYNTH);
    assert!(rig.set_text("fn dsp() { samplerate / 1000000 }"));
    for rate in [44_100.0, 96_000.0, 48_000.0] {
        rig.activate(rate);
        rig.settle();
        for _ in 0..400 {
            rig.silence(64);
        }
        assert_eq!(rig.silence(8)[0][7], (rate / 1_000_000.0) as f32);
        rig.deactivate();
    }
}

#[test]
fn notes_arrive_at_their_frame() {
    let entry = entry();
    let text = "fn dsp() {\n  let note = midi_note_mono!(0, 1, 0)\n  (note.pitch / 1000, note.velocity / 1000)\n}";
    let mut rig = Rig::playing(&entry, SYNTH, 48_000.0, text);
    let mut events = EventBuffer::new();
    events.push(&NoteOnEvent::new(77, Pckn::new(0u16, 0u16, 69u16, 1u32), 100.0 / 127.0));
    events.push(&NoteOffEvent::new(150, Pckn::new(0u16, 0u16, 69u16, 1u32), 0.0));
    let [pitch, velocity] = rig.process([vec![0.0; 200], vec![0.0; 200]], &events);
    let near = |a: f32, b: f64| (f64::from(a) - b).abs() < 1e-6;
    for frame in 0..200 {
        let (p, v) = match frame {
            0..77 => (0.001, 0.0),
            77..150 => (0.069, 0.1),
            _ => (0.069, 0.0),
        };
        assert!(
            near(pitch[frame], p) && near(velocity[frame], v),
            "frame {frame}: {} {}",
            pitch[frame],
            velocity[frame]
        );
    }
}

#[test]
fn a_control_is_a_parameter_with_its_name_and_numbers() {
    let entry = entry();
    let mut rig = Rig::playing(&entry, SYNTH, 48_000.0, "fn dsp() { Control!(\"level\", 2) / 10 }");
    assert_eq!(rig.param(0), ("level".into(), 0.5, "2.000".into()));
    assert_eq!(rig.param(1).0, "(slot 2)");
    let rescans = rig.asked.rescans.load(Ordering::SeqCst);
    assert_eq!(rescans & 0b110, 0b110, "names and texts are announced");
    assert_eq!(rescans & 0b1000, 0, "never everything, while it plays");
    let mut events = EventBuffer::new();
    events.push(&turn(33, 0, 0.75));
    rig.process([vec![0.0; 64], vec![0.0; 64]], &events);
    for _ in 0..400 {
        rig.silence(64);
    }
    assert!((rig.silence(8)[0][7] - 0.3).abs() < 1e-6);
    assert_eq!(rig.param(0), ("level".into(), 0.75, "3.000".into()));
    assert!(rig.set_text("fn dsp() { Control!(\"new\", 1) + Control!(\"level\", 2) / 10 }"));
    rig.settle();
    let names = [rig.param(0), rig.param(1)].map(|(name, value, _)| (name, value));
    assert!(names.contains(&("level".into(), 0.75)), "values follow their names: {names:?}");
    assert!(
        names.contains(&("new".into(), 0.5)),
        "new controls start at their initial value: {names:?}"
    );
}

#[test]
fn a_session_comes_back_even_if_its_text_does_not_compile() {
    let entry = entry();
    for text in
        ["fn dsp() { Control!(\"depth\", 1) }", "fn dsp() { this is \"half", "", "ä€🎹\n\\ \" {"]
    {
        let mut old = Rig::playing(&entry, SYNTH, 48_000.0, text);
        let mut events = EventBuffer::new();
        events.push(&turn(0, 0, 0.125));
        old.process([vec![0.0; 64], vec![0.0; 64]], &events);
        old.pump();
        let state = old.save();
        let mut new = Rig::new(&entry, SYNTH);
        let began = Instant::now();
        assert!(new.load(&state));
        assert!(
            began.elapsed() < Duration::from_millis(50),
            "loading returns at once: {:?}",
            began.elapsed()
        );
        assert_eq!(new.text(), text);
        assert_eq!(new.param(0).1, 0.125);
        if text.contains("depth") {
            assert_eq!(
                new.param(0).0,
                "depth",
                "the names are there before the program is compiled"
            );
        }
        new.activate(44_100.0);
        new.settle();
        assert_eq!(new.text(), text);
        assert_eq!(new.param(0).1, 0.125);
        assert_eq!(new.save(), state);
    }
}

#[test]
fn broken_and_future_states_keep_what_text_they_have() {
    let entry = entry();
    let text = "fn dsp() { 0.25 }\n// ä \"quoted\"\n";
    let mut rig = Rig::playing(&entry, SYNTH, 48_000.0, text);
    let state = rig.save();
    let body = String::from_utf8(state[8..].to_vec()).expect("JSON");
    let future = body
        .replace("\"version\":\"1\"", "\"version\":\"7\"")
        .replace("\"settings\":\"{", "\"settings\":\"[");
    let mut bytes = (future.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(future.as_bytes());
    assert!(rig.load(&bytes));
    assert_eq!(rig.text(), text);
    let status = rig.settle();
    assert!(words(&status.message).contains("newer Attacca"), "{}", words(&status.message));
    for cut in (0..state.len()).step_by(37) {
        let mut other = Rig::new(&entry, SYNTH);
        let first = other.text();
        if other.load(&state[..cut]) {
            let kept = other.text();
            assert!(text.starts_with(kept.trim_end_matches('\u{fffd}')), "cut at {cut}: {kept:?}");
        } else {
            assert_eq!(other.text(), first, "a refused state changes nothing");
        }
        let status = other.status();
        assert!(!words(&status.message).is_empty(), "cut at {cut}: a message shows");
    }
    for noise in
        [&b""[..], b"\0", &[0xff; 64], b"{}", b"\x02\0\0\0\0\0\0\0{}", b"\x04\0\0\0\0\0\0\0null"]
    {
        let mut other = Rig::new(&entry, EFFECT);
        assert!(!other.load(noise));
        other.activate(48_000.0);
        other.settle();
    }
}

#[test]
fn an_edit_while_it_plays_keeps_the_state_and_marks_the_project() {
    let entry = entry();
    let counter = "fn count() { self + 1 }\n";
    let first = format!("{counter}fn dsp() {{ count() / 16777216 }}");
    let second = format!("{counter}fn dsp() {{ count() / 16777216 + 0 * count() }}\n// edited");
    let mut rig = Rig::playing(&entry, SYNTH, 48_000.0, &first);
    for _ in 0..1000 {
        rig.silence(64);
    }
    let before = rig.silence(64)[0][63] * 16_777_216.0;
    let dirty = rig.asked.dirty.load(Ordering::SeqCst);
    let swaps = rig.status().swaps;
    assert!(rig.set_text(&second));
    let status = rig.settle();
    assert_eq!((status.state, status.accepted, status.swaps), (DOCUMENT_PLAYING, 1, swaps + 1));
    assert!(status.kept >= 1, "plan: {}", words(&status.plan));
    let after = rig.silence(64)[0][63] * 16_777_216.0;
    assert!(
        after > before && after < before + 48_000.0,
        "the count goes on: {before} then {after}"
    );
    assert!(rig.asked.dirty.load(Ordering::SeqCst) > dirty);
    assert!(status.compile_ms > 0.0);
}

#[test]
fn a_wrong_text_leaves_the_sound_alone() {
    let entry = entry();
    let mut rig = Rig::playing(&entry, SYNTH, 48_000.0, "fn dsp() { 0.25 }");
    assert!(rig.set_text("fn dsp() {\n  unknown_name + 1\n}"));
    let status = rig.settle();
    assert_eq!((status.state, status.accepted, status.line), (DOCUMENT_PLAYING, 0, 2));
    assert!(words(&status.message).contains("unknown_name"), "{}", words(&status.message));
    assert_eq!(rig.silence(64), [vec![0.25; 64], vec![0.25; 64]]);
}

#[test]
fn an_endless_recursion_is_a_fault_and_the_next_good_edit_plays() {
    let entry = entry();
    let mut rig = Rig::playing(&entry, SYNTH, 48_000.0, "fn dsp() { 0.25 }");
    assert!(rig.set_text("fn deep(x) { deep(x + 1) + 1 }\nfn dsp() { deep(0) }"));
    rig.settle();
    let end = Instant::now() + Duration::from_secs(5);
    while rig.status().state != DOCUMENT_FAULTED || rig.status().line == 0 {
        rig.silence(64);
        assert!(Instant::now() < end, "{}", rig::describe(&rig.status()));
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(!words(&rig.status().message).is_empty());
    assert!(rig.set_text("fn dsp() { 0.5 }"));
    rig.settle();
    for _ in 0..400 {
        rig.silence(64);
    }
    assert_eq!(rig.status().state, DOCUMENT_PLAYING);
    assert_eq!(rig.silence(64)[0], vec![0.5; 64]);
}

/// Plays until the program is stopped.
fn until_stopped(rig: &mut Rig) {
    let end = Instant::now() + Duration::from_secs(20);
    while rig.status().state != DOCUMENT_FAULTED || words(&rig.status().message).is_empty() {
        rig.silence(64);
        rig.pump();
        assert!(Instant::now() < end, "{}", rig::describe(&rig.status()));
        std::thread::sleep(Duration::from_micros(100));
    }
}

#[test]
fn a_program_that_faulted_waits_for_the_user_when_its_session_is_opened() {
    let entry = entry();
    let text = "fn deep(x) { deep(x + 1) + 1 }\nfn dsp() { deep(Control!(\"start\", 0)) }";
    let mut old = Rig::playing(&entry, SYNTH, 48_000.0, text);
    until_stopped(&mut old);
    let state = old.save();
    let mut new = Rig::new(&entry, SYNTH);
    assert!(new.load(&state));
    new.activate(44_100.0);
    for _ in 0..100 {
        assert_eq!(new.silence(64)[0], vec![0.0; 64]);
        new.pump();
        std::thread::sleep(Duration::from_millis(1));
    }
    let status = new.status();
    assert_eq!((status.state, status.compiles, status.compiling), (DOCUMENT_SILENT, 0, 0));
    assert!(words(&status.message).contains("`deep` calls itself"), "{}", words(&status.message));
    assert_eq!((new.text(), new.param(0).0), (text.to_owned(), "start".to_owned()));
    assert_eq!(new.save(), state, "it still waits when it is saved again");
    assert!(new.set_text(text));
    until_stopped(&mut new);
    assert!(new.set_text("fn dsp() { 0.5 }"));
    new.settle();
    let good = new.save();
    let mut third = Rig::new(&entry, SYNTH);
    assert!(third.load(&good));
    third.activate(48_000.0);
    third.settle();
    assert_eq!(third.status().state, DOCUMENT_PLAYING);
}

#[test]
fn a_reset_begins_the_program_anew() {
    let entry = entry();
    let text = "fn count() { self + 1 }\nfn dsp() { count() / 16777216 }";
    let mut rig = Rig::playing(&entry, SYNTH, 48_000.0, text);
    for _ in 0..2000 {
        rig.silence(64);
    }
    let swaps = rig.status().swaps;
    let before = rig.silence(64)[0][63] * 16_777_216.0;
    rig.processor.as_mut().expect("it is active").reset();
    assert_eq!(rig.silence(64)[0], vec![0.0; 64]);
    let end = Instant::now() + Duration::from_secs(5);
    while rig.status().swaps == swaps {
        rig.silence(64);
        assert!(Instant::now() < end, "no fresh instance came");
        std::thread::sleep(Duration::from_millis(1));
    }
    let after = rig.silence(64)[0][63] * 16_777_216.0;
    assert!(after > 0.0 && after < before / 2.0, "{before} then {after}");
}

#[test]
fn texts_that_are_no_text_are_refused() {
    let entry = entry();
    let mut rig = Rig::new(&entry, EFFECT);
    let before = rig.text();
    assert!(before.contains("echo"));
    assert!(!rig.set_bytes(b"fn dsp() { \xff }"));
    assert_eq!(rig.text(), before);
    assert!(rig.set_text(&"// long\n".repeat(20_000)));
    assert_eq!(rig.text().len(), 160_000);
}

#[test]
fn the_newest_of_many_texts_wins() {
    let entry = entry();
    let mut rig = Rig::playing(&entry, SYNTH, 48_000.0, "fn dsp() { 0 }");
    for n in 1..=200 {
        assert!(rig.set_text(&format!("fn dsp() {{ {n} / 1000 }}")));
        rig.silence(16);
    }
    rig.settle();
    for _ in 0..400 {
        rig.silence(64);
    }
    assert_eq!(rig.silence(4)[0], vec![0.2; 4]);
}

#[test]
fn twenty_instances_play_at_once_and_go_away() {
    let entry = entry();
    let text = |n: usize| format!("fn dsp() {{ {n} / 100 }}");
    let mut rigs: Vec<Rig> = (0..20)
        .map(|n| Rig::playing(&entry, if n % 2 == 0 { SYNTH } else { EFFECT }, 48_000.0, &text(n)))
        .collect();
    for (n, rig) in rigs.iter_mut().enumerate() {
        for _ in 0..100 {
            rig.silence(64);
        }
        assert_eq!(rig.silence(8)[1], vec![(n as f64 / 100.0) as f32; 8]);
    }
    for rig in &mut rigs {
        assert!(rig.set_text("fn dsp() { sin(now) }"));
    }
    let began = Instant::now();
    drop(rigs);
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "destroyed with compiles in flight: {:?}",
        began.elapsed()
    );
}

#[test]
fn instances_come_and_go() {
    let entry = entry();
    for round in 0..200 {
        let mut rig = Rig::new(&entry, if round % 2 == 0 { EFFECT } else { SYNTH });
        if round % 10 == 0 {
            rig.activate(48_000.0);
            rig.silence(32);
        }
    }
}
