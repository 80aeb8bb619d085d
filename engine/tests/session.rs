//! From text to sound and from edit to edit, on every backend.

use attacca_engine::pipeline::{self, Compiled, Options, Stage};
use attacca_engine::render::{RenderSettings, Renderer, Score, oracle};
use attacca_engine::{
    EventKind, Files, Hz, Idle, Message, Notice, OutputGuard, Pace, ProcessorSettings, Program,
    Session, SessionSettings, Severity, Status, Target,
};
use std::sync::Arc;

fn compiled(text: &str, target: Target) -> Compiled {
    let options = Options { target, rate: Hz(48_000.0), ..Options::default() };
    let compiled = pipeline::compile("test.mmm", text, &options);
    assert!(compiled.program.is_some(), "{}", compiled.diagnostics.render(&compiled.sources));
    compiled
}

fn program(text: &str, target: Target) -> Arc<Program> {
    compiled(text, target).program.expect("checked")
}

/// Renders a score by all backends at some block sizes and by the oracle; all must agree.
#[track_caller]
fn check(text: &str, score: &Score, want: &[f64]) {
    for target in Target::ALL {
        let compiled = compiled(text, *target);
        let program = compiled.program.as_ref().expect("checked");
        for block in [1, 3, 64] {
            let settings = RenderSettings { block, ..RenderSettings::default() };
            let done = Renderer::new(program, settings).run(score);
            assert_eq!(done.channels[0], want, "{target}, blocks of {block}");
        }
        let done = oracle(&compiled, score).expect("the oracle runs it");
        assert_eq!(done.channels[0], want, "the oracle");
    }
}

const COUNT: &str = "fn count() { self + 1.0 }\nfn dsp() { count() }";

#[test]
fn a_counter_counts() {
    check(COUNT, &Score { frames: 5, ..Score::default() }, &[1.0, 2.0, 3.0, 4.0, 5.0]);
}

#[test]
fn events_reach_the_program_at_their_frame() {
    let text = "fn dsp() { midi_note_mono!(0, 60, 0).pitch + Control!(\"gain\", 0.5) }";
    let note = EventKind::NoteOn { channel: 0, note: 70, velocity: 1.0, id: -1 };
    let events = vec![
        (2, note),
        (3, EventKind::Control { slot: 0, value: 2.0 }),
        (4, EventKind::Param { slot: 0, value: 0.0 }),
    ];
    let score = Score { frames: 5, events, ..Score::default() };
    check(text, &score, &[60.5, 60.5, 70.5, 72.0, 69.5]);
}

#[test]
fn one_input_hears_the_mean() {
    let inputs = vec![vec![1.0, 2.0], vec![0.0, 4.0]];
    let score = Score { frames: 3, inputs, ..Score::default() };
    check("fn dsp(x) { x * 2.0 }", &score, &[1.0, 6.0, 0.0]);
}

#[test]
fn globals_are_computed_before_the_first_sample() {
    let text = "let a = samplerate * 2.0\nlet f = |x| { x + a }\nfn dsp() { f(1.0) }";
    check(text, &Score { frames: 2, ..Score::default() }, &[96001.0, 96001.0]);
}

#[test]
fn state_survives_a_swap_at_its_frame() {
    for target in Target::ALL {
        let first = program(COUNT, *target);
        let next = program("fn count() { self + 10.0 }\nfn dsp() { count() }", *target);
        for block in [1, 2, 64] {
            let settings = RenderSettings { block, ..RenderSettings::default() };
            let score =
                Score { frames: 5, swaps: vec![(3, Arc::clone(&next))], ..Score::default() };
            let done = Renderer::new(&first, settings).run(&score);
            assert_eq!(done.channels, [[1.0, 2.0, 3.0, 13.0, 23.0]], "{target}, {block}");
            assert_eq!((done.swaps.len(), done.swaps[0].frame), (1, 3));
            assert_eq!((done.swaps[0].plan.kept, done.swaps[0].plan.fresh), (1, 0));
        }
    }
}

#[test]
fn a_delay_line_survives_a_swap_and_a_change_of_its_length() {
    let text = |max: u32, time: u32| {
        format!("fn count() {{ self + 1.0 }}\nfn dsp() {{ delay({max}, count(), {time}) }}")
    };
    for target in Target::ALL {
        let first = program(&text(8, 3), *target);
        for max in [8, 6, 100] {
            let next = program(&text(max, 4), *target);
            let score = Score { frames: 9, swaps: vec![(6, next)], ..Score::default() };
            let done = Renderer::new(&first, RenderSettings::default()).run(&score);
            assert_eq!(
                done.channels,
                [[0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 3.0, 4.0, 5.0]],
                "{target} {max}"
            );
        }
    }
}

#[test]
fn swapping_a_program_for_itself_changes_no_bit() {
    let text = "fn phasor(f) { (self + f / samplerate) % 1.0 }
        fn dsp() { delay(1000, sin(phasor(440.0) * 6.283185307179586), 300) + phasor(3.0) }";
    for target in Target::ALL {
        let program = program(text, *target);
        let render = |swaps: &[u64]| {
            let swaps = swaps.iter().map(|at| (*at, Arc::clone(&program))).collect();
            let settings = RenderSettings { declick: 0.005, ..RenderSettings::default() };
            Renderer::new(&program, settings).run(&Score {
                frames: 2000,
                swaps,
                ..Score::default()
            })
        };
        assert_eq!(render(&[]).channels, render(&[1, 700, 701, 1500]).channels, "{target}");
    }
}

#[test]
fn recursion_without_end_is_a_fault_at_the_same_frame_everywhere() {
    let text = "fn down(x) { down(x + 1.0) + 1.0 }
        fn count() { self + 1.0 }
        fn dsp() { let c = count()\n if (c > 5.0) { down(c) } else { c } }";
    for target in Target::ALL {
        let compiled = compiled(text, *target);
        let program = compiled.program.as_ref().expect("checked");
        let score = Score { frames: 20, ..Score::default() };
        let reference = oracle(&compiled, &score).expect("it starts").fault.expect("it faults");
        assert_eq!((reference.frame, reference.line), (5, 1));
        for block in [1, 4, 64] {
            let settings = RenderSettings { block, ..RenderSettings::default() };
            let done = Renderer::new(program, settings).run(&score);
            let fault = done.fault.expect("it faults");
            assert_eq!(fault, reference, "{target}, blocks of {block}");
            assert_eq!(done.channels[0][..5], [1.0, 2.0, 3.0, 4.0, 5.0]);
        }
    }
}

/// Every backend faults at frame `frame`, with `words` about line `line`, whatever the block size.
#[track_caller]
fn check_recursion(text: &str, frame: u64, words: &str, line: u32) {
    for target in Target::ALL {
        let compiled = compiled(text, *target);
        let program = compiled.program.as_ref().expect("checked");
        let score = Score { frames: 20, ..Score::default() };
        let reference = oracle(&compiled, &score).expect("it starts").fault.expect("it faults");
        assert_eq!((reference.frame, reference.line), (frame, line), "{target}: {reference:?}");
        assert!(reference.message.contains(words), "{}", reference.message);
        for block in [1, 4, 64] {
            let settings = RenderSettings { block, ..RenderSettings::default() };
            let done = Renderer::new(program, settings).run(&score);
            assert_eq!(done.fault.as_ref(), Some(&reference), "{target}, blocks of {block}");
        }
    }
}

#[test]
fn functions_that_call_each_other_without_end_fault_everywhere_at_once() {
    check_recursion(
        "letrec even = |x| { let odd = |y| { even(y + 1.0) * 2.0 }\n odd(x + 1.0) + 1.0 }
        fn count() { self + 1.0 }
        fn dsp() { let c = count()\n if (c > 7.0) { even(c) } else { c } }",
        7,
        "calls itself without end",
        1,
    );
}

#[test]
fn a_function_value_that_is_given_itself_faults_everywhere_at_once() {
    check_recursion(
        "let step = |x| { x + 1.0 }
        fn again(x) { step(x) }
        fn count() { self + 1.0 }
        fn dsp() { let c = count()
            if (c > 9.0) { step = |x| { again(x) + 1.0 } }
            again(c) }",
        9,
        "again",
        2,
    );
}

#[test]
fn frames_before_a_fault_are_exact_however_loud() {
    let text = "fn down(x) { down(x + 1.0) + 1.0 }
        fn count() { self + 1.0 }
        fn dsp() { let c = count()\n if (c > 70.0) { down(c) } else { c * 1000.0 } }";
    for target in Target::ALL {
        let compiled = compiled(text, *target);
        let program = compiled.program.as_ref().expect("checked");
        let score = Score { frames: 400, ..Score::default() };
        let reference = oracle(&compiled, &score).expect("it starts");
        assert_eq!(reference.fault.as_ref().map(|fault| fault.frame), Some(70));
        for block in [1, 7, 64] {
            let settings = RenderSettings { block, ..RenderSettings::default() };
            let done = Renderer::new(program, settings).run(&score);
            assert_eq!(done.fault, reference.fault, "{target}, blocks of {block}");
            assert_eq!(done.channels, reference.channels);
            // What is not guarded decays from where it was, not from a ceiling.
            assert_eq!((done.channels[0][70], done.channels[0][399]), (70_000.0, 0.0));
        }
    }
}

#[test]
fn the_image_shows_what_global_code_wrote_to_delay_lines() {
    let text = "fn mk() { |x| delay(2, x, 0) }\nlet w = mk()\nlet a = w(5)\nfn dsp() { w(0) }";
    let options = Options { target: Target::Vm, rate: Hz(48_000.0), ..Options::default() };
    let (image, _) = pipeline::dump("test.mmm", text, &options, &Files::library(), Stage::Image);
    let image = image.expect("it compiles");
    let (_, lines) = image.split_once("lines ").expect("lines are shown");
    assert!(lines.starts_with("1\n  w") && lines.ends_with(" = [5.0]\n"), "{image}");
}

#[test]
fn a_wrong_text_is_answered_with_messages_and_what_played_plays_on() {
    let settings = SessionSettings {
        target: Target::Vm,
        rate: Hz(48_000.0),
        max_frames: 64,
        idle: Idle::Silence,
    };
    let (mut session, mut processor) = Session::new(settings);
    let (mut left, mut right) = ([0.5f32; 8], [0.5f32; 8]);
    assert_eq!(processor.process(&mut [&mut left, &mut right], &[]), Status::Idle);
    assert!(session.update(COUNT).accepted);
    assert!(session.outstanding());
    assert_eq!(processor.process(&mut [&mut left, &mut right], &[]), Status::Playing);
    assert!(matches!(session.poll()[..], [Notice::SwapDone { .. }, ..]));
    assert!(!session.outstanding());
    let update = session.update("fn dsp() { nope }");
    assert!(!update.accepted);
    let message = &update.diagnostics[0];
    assert_eq!((message.line, message.column, message.code.as_str()), (1, 12, "unknown-name"));
    assert_eq!(processor.process(&mut [&mut left, &mut right], &[]), Status::Playing);
}

#[test]
fn controls_get_slots_that_stay_theirs() {
    let (mut session, _processor) = Session::with(Target::Vm, ProcessorSettings::default());
    let slots = |session: &mut Session, text: &str| -> Vec<(String, u16, f64, f64)> {
        let update = session.update(text);
        assert!(update.accepted, "{:?}", update.diagnostics);
        update.controls.into_iter().map(|c| (c.name, c.slot, c.min, c.max)).collect()
    };
    let first = slots(&mut session, "fn dsp() { Control!(\"a\", 4) + Control!(\"b\", 0) }");
    assert_eq!(first, [("a".into(), 0, 0.0, 8.0), ("b".into(), 1, -1.0, 1.0)]);
    let second = slots(&mut session, "fn dsp() { Control!(\"b\", 0) + Control!(\"c\", 0) }");
    assert_eq!(second, [("b".into(), 1, -1.0, 1.0), ("c".into(), 2, -1.0, 1.0)]);
    assert_eq!(session.slot_names(), ["a", "b", "c"]);
}

#[test]
fn controls_without_a_parameter_are_named_in_their_place() {
    let text = |names: &[String]| {
        let uses: Vec<_> = names.iter().map(|name| format!("Control!(\"{name}\", 1)")).collect();
        format!("fn dsp() {{ Control!(\"{}\", 1) +\n{} }}", names[0], uses.join(" +\n"))
    };
    let named = |messages: &[Message]| -> Vec<(String, u32)> {
        let all = messages.iter().map(|message| {
            assert_eq!(
                (message.code.as_str(), message.severity),
                ("too-many-controls", Severity::Warning)
            );
            let name = message.message.split('`').nth(1).expect("the control is named");
            (name.to_owned(), message.line)
        });
        all.collect()
    };
    let mut names: Vec<String> = (0..130).map(|n| format!("n{n}")).collect();
    assert_eq!(named(&pipeline::check("test.mmm", &text(&names[..128])).messages()), []);
    let want = [("n128".to_owned(), 130), ("n129".to_owned(), 131)];
    assert_eq!(named(&pipeline::check("test.mmm", &text(&names)).messages()), want);
    assert_eq!(named(&compiled(&text(&names), Target::Vm).messages()), want);
    // In a session the names that have a parameter keep it, wherever they stand.
    let (mut session, _processor) = Session::with(Target::Vm, ProcessorSettings::default());
    assert_eq!(named(&session.update(&text(&names[..128])).diagnostics), []);
    names.truncate(129);
    names.rotate_right(1);
    assert_eq!(named(&session.update(&text(&names)).diagnostics), [("n128".to_owned(), 1)]);
}

#[test]
fn many_edits_before_the_host_runs_end_with_the_newest() {
    let settings = ProcessorSettings {
        guard: OutputGuard::Off,
        pace: Pace::AtOnce,
        declick: 0.0,
        ..ProcessorSettings::default()
    };
    let (mut session, mut processor) = Session::with(Target::Vm, settings);
    for n in 0..30 {
        assert!(session.update(&format!("fn dsp() {{ {n}.0 }}")).accepted);
    }
    let mut out = [0.0];
    for _ in 0..40 {
        processor.render(&[], &mut [&mut out], &[]);
        session.poll();
    }
    assert_eq!((out, session.outstanding()), ([29.0], false));
}

#[test]
fn a_control_is_set_by_name_from_outside_the_host() {
    let settings =
        ProcessorSettings { guard: OutputGuard::Off, declick: 0.0, ..ProcessorSettings::default() };
    let (mut session, mut processor) = Session::with(Target::Vm, settings);
    assert!(!session.set_control("gain", 2.0), "no program, no control");
    let text = "fn dsp() { Control!(\"gain\", 0.5) }";
    assert!(session.update(text).accepted);
    assert!(session.set_control("gain", 300.0));
    assert!(!session.set_control("other", 1.0));
    let mut out = [0.0; 4];
    processor.render(&[], &mut [&mut out], &[]);
    processor.render(&[], &mut [&mut out], &[]);
    assert_eq!(out, [300.0; 4], "as it is, without the control's range");
}

#[test]
fn a_sound_file_that_changes_is_noticed() {
    let folder = std::env::temp_dir().join(format!("attacca-session-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (mut session, _processor) = Session::with(Target::Vm, ProcessorSettings::default());
    session.set_files(Files::library().in_folder(&folder));
    let text = "fn dsp() { Sampler_mono!(\"hit.wav\").player(now) }";
    let update = session.update(text);
    assert_eq!(update.diagnostics[0].code, "sample-not-read");
    assert!(!session.files_changed());
    let tone = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/lang/sampler/ramp.wav");
    std::fs::copy(tone, folder.join("hit.wav")).unwrap();
    assert!(session.files_changed());
    assert!(session.update(text).diagnostics.is_empty());
    assert!(!session.files_changed());
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_session_hears_what_its_program_prints_and_probes() {
    let settings = ProcessorSettings { declick: 0.0, ..ProcessorSettings::default() };
    for target in Target::ALL {
        let (mut session, mut processor) = Session::with(*target, settings);
        let mut out = [0.0; 3];
        let mut heard = |session: &mut Session| {
            processor.render(&[], &mut [&mut out], &[]);
            let text = |notice| match notice {
                Notice::Printed { text } => Some(text),
                Notice::SwapDone { .. } | Notice::Fault { .. } | Notice::Report { .. } => None,
            };
            session.poll().into_iter().filter_map(text).collect::<String>()
        };
        session.update("probeln(0.5)\nfn dsp() { probe(now) |> Probe!(\"x\") }");
        assert_eq!(heard(&mut session), "0.5\n012", "{target}");
        assert_eq!(session.probes()[0].values, [0.0, 1.0, 2.0]);
        assert!(session.probes()[0].values.is_empty(), "each value is given out once");
        // What the old program printed comes before what the new one's global code did.
        session.update("probeln(7)\nfn dsp() { probeln(now) }");
        assert_eq!(heard(&mut session), "7\n3\n4\n5\n", "{target}");
        assert!(session.probes().is_empty());
    }
}

#[test]
fn a_module_may_move_into_a_file_and_change_there() {
    let folder = std::env::temp_dir().join(format!("attacca-module-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let settings =
        ProcessorSettings { guard: OutputGuard::Off, declick: 0.0, ..ProcessorSettings::default() };
    let (mut session, mut processor) = Session::with(Target::Vm, settings);
    session.set_files(Files::library().in_folder(&folder));
    let mut play = |session: &mut Session, text: &str| {
        let update = session.update(text);
        assert!(update.accepted, "{:?}", update.diagnostics);
        let mut out = [0.0; 3];
        processor.render(&[], &mut [&mut out], &[]);
        session.poll();
        (out, update.plan)
    };
    let member = "pub fn count(x) { self + x }";
    let rest = "fn dsp() { tone::count(1) + 0 * tone::count(5) }";
    let (out, _) = play(&mut session, &format!("mod tone {{\n  {member}\n}}\n{rest}"));
    assert_eq!(out, [1.0, 2.0, 3.0]);
    assert!(!session.has_files());

    std::fs::write(folder.join("tone.mmm"), member).unwrap();
    let split = format!("mod tone\n{rest}");
    let (out, plan) = play(&mut session, &split);
    assert_eq!((out, plan.kept, plan.fresh), ([4.0, 5.0, 6.0], 2, 0), "{}", plan.text);
    assert!(session.has_files() && !session.files_changed());

    std::fs::write(folder.join("tone.mmm"), "pub fn count(x) { self + x * 10 }").unwrap();
    assert!(session.files_changed());
    let (out, plan) = play(&mut session, &split);
    assert_eq!((out, plan.kept), ([16.0, 26.0, 36.0], 2), "{}", plan.text);

    std::fs::write(folder.join("tone.mmm"), "pub fn count(x) { nope }").unwrap();
    let update = session.update(&split);
    assert!(!update.accepted);
    assert_eq!(update.diagnostics[0].file, folder.join("tone.mmm").display().to_string());
    std::fs::remove_dir_all(folder).unwrap();
}
