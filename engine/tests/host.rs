//! The host's side of programs, below the language: tasks, printing, probes, sound files, transport,
//! voices and controllers. Each program is MIR text and runs on the oracle and every backend, at
//! several block sizes, with the same samples.

use attacca_engine::pipeline::{self, Compiled, Options, compile_module};
use attacca_engine::render::{RenderSettings, Rendered, Renderer, Score, oracle};
use attacca_engine::{EventKind, Severity, Target, Transport};
use attacca_mir::text::parse;
use std::sync::Arc;

const BLOCKS: [usize; 4] = [1, 7, 64, 512];

fn compile(text: &str, target: Target) -> Compiled {
    let module = parse(text).unwrap_or_else(|e| panic!("{e}"));
    let compiled = compile_module(module, &Options { target, ..Options::default() });
    let errors = compiled.messages().into_iter().find(|m| m.severity == Severity::Error);
    assert!(errors.is_none(), "{errors:?}");
    compiled
}

fn same(a: &Rendered, b: &Rendered, what: &str) {
    assert_eq!(a.channels, b.channels, "{what}");
    assert_eq!(a.printed, b.printed, "{what}");
    assert_eq!(a.probes, b.probes, "{what}");
    let fault = |r: &Rendered| r.fault.clone().map(|fault| (fault.frame, fault.message));
    assert_eq!(fault(a), fault(b), "{what}");
}

/// Renders on every backend at every block size; all agree with the oracle, whose rendering this is.
#[track_caller]
fn render(text: &str, score: &Score) -> Rendered {
    let score = Score { probes: true, ..score.clone() };
    let mut want = oracle(&compile(text, Target::Vm), &score).unwrap();
    for target in Target::ALL {
        let program = compile(text, *target).program.unwrap();
        for block in BLOCKS {
            let settings = RenderSettings { block, ..RenderSettings::default() };
            let mut got = Renderer::new(&program, settings).run(&score);
            if let Some(fault) = &want.fault {
                // From there on the last sample decays.
                let frame = fault.frame as usize;
                got.channels.iter_mut().for_each(|channel| channel.truncate(frame));
                want.channels.iter_mut().for_each(|channel| channel.truncate(frame));
            }
            same(&got, &want, &format!("{target} in blocks of {block}"));
        }
    }
    want
}

fn frames(frames: u64) -> Score {
    Score { frames, ..Score::default() }
}

/// A program with a counter in word 0, which function 2 moves on; `init` and `dsp` are given.
fn counter(init: &str, dsp: &str, tick: &str) -> String {
    format!(
        r#"outputs 1 words 1 dsp_base 1 dsp fn0 init fn1 global 0 f64 "hits" assigned
        shape0 closure(i64, i64)  site0 "tick" 0 1 1  site1 "dsp" 0 2 1  tap0 "hits"
        fn fn0 "dsp"(v0: i64) -> (f64) {{ bb0: v90 = iconst 0  {dsp}  v91 = load.f64 v90+0  return v91 }}
        fn fn1 "init"() -> () {{ bb0: {init}  return }}
        fn fn2 "tick"(v0: ref) -> () closure {{ bb0: v1 = iconst 0  v2 = load.f64 v1+0  v3 = const 1.0
          v4 = add v2, v3  store.f64 v1+0, v4  {tick}  return }}"#
    )
}

/// Schedules function 2 at a constant time.
const AT_ONE: &str = "v0 = funcaddr fn2  v1 = iconst 0  v2 = alloc shape0(v0, v1)  v3 = const 1.0  schedule 0 v3, v2";

/// Schedules function 2 two samples later.
const AGAIN: &str = "v5 = now  v6 = const 2.0  v7 = add v5, v6  v8 = funcaddr fn2  v9 = alloc shape0(v8, v1)  schedule 0 v7, v9";

#[test]
fn tasks_schedule_themselves() {
    let text = counter(AT_ONE, "", AGAIN);
    let done = render(&text, &frames(7));
    assert_eq!(done.channels, [[0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0]]);
    render(&text, &frames(3000));
}

#[test]
fn dsp_schedules_for_the_middle_of_a_block() {
    // At every fourth sample, for two samples later.
    let dsp = "v1 = now  v2 = const 4.0  v3 = rem v1, v2  v4 = const 0.0  v5 = feq v3, v4
        branch v5, bb1, bb2
        bb1: v6 = const 2.5  v7 = add v1, v6  v8 = funcaddr fn2  v9 = alloc shape0(v8, v90)
        schedule 1 v7, v9  jump bb2
        bb2:";
    let done = render(&counter("", dsp, ""), &frames(600));
    let want: Vec<f64> = (0..600).map(|n: i32| f64::from((n + 2) / 4)).collect();
    assert_eq!(done.channels, [want]);
}

#[test]
fn equal_times_run_in_the_order_of_registration() {
    // The word becomes word * 10 + 1, then + 2 and so on: 12, not 21.
    let text = r#"outputs 1 words 1 dsp_base 1 dsp fn0 init fn1 global 0 f64 "log" assigned
        shape0 closure(i64, i64, f64)
        site0 "init" 0 1 1
        fn fn0 "dsp"(v0: i64) -> (f64) { bb0: v1 = iconst 0  v2 = load.f64 v1+0  return v2 }
        fn fn1 "init"() -> () { bb0: v0 = funcaddr fn2  v1 = iconst 0  v2 = const 3.0  v3 = const 1.0
          v4 = alloc shape0(v0, v1, v3)  schedule 0 v2, v4  v5 = const 2.0  v6 = alloc shape0(v0, v1, v5)
          schedule 0 v2, v6  v7 = alloc shape0(v0, v1, v2)  schedule 0 v5, v7  return }
        fn fn2 "log"(v0: ref) -> () closure { bb0: v1 = iconst 0  v2 = load.f64 v1+0  v3 = const 10.0
          v4 = mul v2, v3  v5 = heapload.f64 shape0.2 v0  v6 = add v4, v5  store.f64 v1+0, v6  return }"#;
    let done = render(text, &frames(5));
    assert_eq!(done.channels, [[0.0, 0.0, 3.0, 312.0, 312.0]]);
}

#[test]
fn what_a_task_returns_is_forgotten() {
    let text = r#"outputs 1 words 1 dsp_base 1 dsp fn0 init fn1 global 0 f64 "x" assigned
        shape0 closure(i64, i64)  site0 "f" 0 1 1
        fn fn0 "dsp"(v0: i64) -> (f64) { bb0: v1 = iconst 0  v2 = load.f64 v1+0  return v2 }
        fn fn1 "init"() -> () { bb0: v0 = funcaddr fn2  v1 = iconst 0  v2 = alloc shape0(v0, v1)
          v3 = const 2.0  schedule 0 v3, v2  return }
        fn fn2 "f"(v0: ref) -> (f64, f64, f64, f64, i64, i64, i64, i64, ref, f64, f64, f64) closure { bb0:
          v1 = iconst 0  v2 = const 5.0  store.f64 v1+0, v2  v3 = rconst 0
          return v2, v2, v2, v2, v1, v1, v1, v1, v3, v2, v2, v2 }"#;
    assert_eq!(render(text, &frames(4)).channels, [[0.0, 0.0, 5.0, 5.0]]);
}

#[test]
fn a_queue_that_is_full_stops_the_program_at_its_sample() {
    // Two a sample: the 16,385th is asked for in sample 8,192.
    let dsp = "v1 = const 1000000.0  v2 = funcaddr fn2  v3 = alloc shape0(v2, v90)  v4 = alloc shape0(v2, v90)
        schedule 1 v1, v3  schedule 1 v1, v4";
    let done = render(&counter("", dsp, ""), &frames(9000));
    let fault = done.fault.unwrap();
    assert_eq!((fault.frame, fault.line), (8192, 2));
    assert_eq!(fault.message, "`dsp` schedules too many tasks");
}

#[test]
fn too_many_tasks_of_one_sample_stop_the_program_there() {
    let dsp =
        "v1 = const 12000.0  v2 = funcaddr fn2  v3 = alloc shape0(v2, v90)  schedule 1 v1, v3";
    let done = render(&counter("", dsp, ""), &frames(13_000));
    assert_eq!(done.fault.unwrap().frame, 12_000);
}

#[test]
fn a_task_of_the_past_is_dropped_and_told() {
    let text = counter(
        &AT_ONE.replace("1.0", "0.9"),
        "v1 = now  v2 = funcaddr fn2  v3 = alloc shape0(v2, v90)  schedule 1 v1, v3",
        "",
    );
    assert_eq!(render(&text, &frames(600)).channels, [vec![0.0; 600]]);
    for target in Target::ALL {
        let compiled = compile(&text, *target);
        assert_eq!(compiled.messages()[0].code, "task-too-late");
        let mut renderer = Renderer::new(&compiled.program.unwrap(), RenderSettings::default());
        let done = renderer.run(&frames(600));
        let [told] = &done.reports[..] else { panic!("told once: {:?}", done.reports) };
        assert!(told.contains("not in the future (`dsp`, line 2)"), "{told}");
    }
}

#[test]
fn tasks_leak_nothing() {
    let text = counter(AT_ONE, "", AGAIN);
    for target in Target::ALL {
        let program = compile(&text, *target).program.unwrap();
        let done = Renderer::new(&program, RenderSettings::default()).run(&frames(400_000));
        assert!(done.fault.is_none(), "{target}: {:?}", done.fault);
    }
}

#[test]
fn numbers_are_printed_in_order() {
    let init = "v0 = const 0.00000012  print v0  v1 = const 3.0  println v1";
    let dsp = "v1 = now  v2 = const 2.0  v3 = div v1, v2  println v3";
    let done = render(&counter(init, dsp, ""), &frames(3));
    assert_eq!(done.printed, "0.000000123\n0\n0.5\n1\n");
}

#[test]
fn probes_show_what_passes() {
    let dsp = "v1 = now  v2 = load.f64 v90+0  v3 = const 0.5  v4 = add v2, v3  store.f64 v90+0, v4  tap 0 v4";
    let done = render(&counter("", dsp, ""), &frames(1000));
    let [probe] = &done.probes[..] else { panic!("one probe") };
    let want: Vec<f64> = (1..=1000).map(|n| f64::from(n) / 2.0).collect();
    assert_eq!((probe.name.as_str(), &probe.values), ("hits", &want));
}

/// A wav file of 16-bit samples, interleaved; gone when dropped.
struct Wav(std::path::PathBuf);

impl Wav {
    fn new(name: &str, channels: u16, samples: &[i16]) -> Self {
        let size = samples.len() as u32 * 2;
        let mut bytes = b"RIFF".to_vec();
        bytes.extend((36 + size).to_le_bytes());
        bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0");
        bytes.extend(channels.to_le_bytes());
        bytes.extend(48_000u32.to_le_bytes());
        bytes.extend((48_000 * 2 * u32::from(channels)).to_le_bytes());
        bytes.extend((2 * channels).to_le_bytes());
        bytes.extend(b"\x10\0data");
        bytes.extend(size.to_le_bytes());
        samples.iter().for_each(|sample| bytes.extend(sample.to_le_bytes()));
        let path = std::env::temp_dir().join(format!("attacca-host-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }
}

impl Drop for Wav {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

/// Reads a file from before its start to behind its end in quarters of a frame, and its length.
fn reader(path: &str, channel: u32) -> String {
    format!(
        r#"outputs 2 words 1 dsp_base 1 dsp fn0 init fn1 global 0 f64 "len"
        site0 "dsp" 0 1 1  sample0 "{path}" 0 0
        fn fn0 "dsp"(v0: i64) -> (f64, f64) {{ bb0: v1 = now  v2 = const 0.25  v3 = mul v1, v2  v4 = const 1.0
          v5 = sub v3, v4  v6 = sampleread 0 {channel} v5  v7 = iconst 0  v8 = load.f64 v7+0  return v6, v8 }}
        fn fn1 "init"() -> () {{ bb0: v0 = samplelen 0  v1 = iconst 0  store.f64 v1+0, v0  return }}"#
    )
}

#[test]
fn sound_files_are_read_between_their_frames() {
    let wav = Wav::new("mono.wav", 1, &[8192, 16384, -16384]);
    let done = render(&reader(&wav.0.display().to_string(), 0), &frames(20));
    let want = [
        0.0, 0.0, 0.0, 0.0, 0.25, 0.3125, 0.375, 0.4375, 0.5, 0.25, 0.0, -0.25, -0.5, -0.5, -0.5,
        -0.5, 0.0, 0.0, 0.0, 0.0,
    ];
    assert_eq!(done.channels, [want.to_vec(), vec![3.0; 20]]);
}

#[test]
fn several_channels_are_read_one_by_one_or_as_their_mean() {
    let wav = Wav::new("stereo.wav", 2, &[16384, -16384, 0, 16384]);
    let first = |channel| {
        let done = render(&reader(&wav.0.display().to_string(), channel), &frames(9));
        (done.channels[0][4], done.channels[0][8])
    };
    assert_eq!([0, 1, 2, 3].map(first), [(0.0, 0.25), (0.5, 0.0), (-0.5, 0.5), (0.0, 0.0)]);
}

#[test]
fn a_file_that_is_missing_is_silent_and_a_warning() {
    let text = reader("no such file.wav", 0);
    assert_eq!(render(&text, &frames(12)).channels, [vec![0.0; 12], vec![0.0; 12]]);
    let messages = compile(&text, Target::Vm).messages();
    assert_eq!(
        (messages[0].severity, messages[0].code.as_str()),
        (Severity::Warning, "sample-not-read")
    );
    assert!(
        messages[0].message.contains("`no such file.wav` cannot be read: there is no such file")
    );
}

/// One output a cell.
fn cells(sources: &[&str], more: &str) -> String {
    let count = sources.len();
    let table: String =
        sources.iter().enumerate().map(|(at, source)| format!("cell{at} {source}\n")).collect();
    let reads: String = (0..count).map(|at| format!("v{} = cell {at} ", at + 1)).collect();
    let values: Vec<String> = (1..=count).map(|at| format!("v{at}")).collect();
    let types = vec!["f64"; count].join(", ");
    let values = values.join(", ");
    format!(
        r#"outputs {count} dsp fn0 {table} {more}
        fn fn0 "dsp"(v0: i64) -> ({types}) {{ bb0: {reads} return {values} }}"#
    )
}

#[test]
fn the_song_starts_with_the_first_frame() {
    let fields = ["tempo", "playing", "time", "beat", "barstart", "bar", "barbeats", "position"];
    let sources = fields.map(|field| format!("transport {field}"));
    let text = cells(&sources.each_ref().map(String::as_str), "");
    let score = Score { tempo: Some(90.0), ..frames(3) };
    let done = render(&text, &score);
    let want = [90.0, 1.0, 0.0, 0.0, 0.0, 0.0, 4.0, 0.0];
    assert_eq!(done.channels, want.map(|value| vec![value; 3]));
}

#[test]
fn the_song_position_holds_from_its_frame_on() {
    let said = |beat, position| {
        let plain =
            Transport { tempo: 60.0, playing: true, bar_start: 8.0, ..Transport::default() };
        EventKind::Transport(Transport { beat, position, bar: 2.0, ..plain })
    };
    // A host that goes on as foretold moves nothing: at 60 a minute a sample is 1/48000 of a beat.
    let later = said(8.5 + 3.0 / 48_000.0, 103.0);
    let events = vec![(5, said(8.5, 100.0)), (8, later), (9, said(8.0, 0.0))];
    let sources = ["transport beat", "transport time", "transport position", "transport bar"];
    let done = render(&cells(&sources, ""), &Score { events, ..frames(11) });
    let want = |before: f64, then: f64, last: f64| {
        let mut all = vec![before; 5];
        all.extend([then; 4]);
        all.extend([last; 2]);
        all
    };
    let times = want(0.0, 5.0, 9.0);
    assert_eq!(
        done.channels,
        [want(0.0, 8.5, 8.0), times, want(0.0, 100.0, 0.0), want(0.0, 2.0, 2.0)]
    );
}

#[test]
fn controllers_and_voices_follow_the_events() {
    let sources = [
        "cc 0 7 0.5",
        "bend 0",
        "voice 0 0 gate",
        "voice 0 0 freq",
        "voice 0 1 gate",
        "voice 0 1 note",
        "voice 0 1 velocity",
    ];
    let on = |note| EventKind::NoteOn { channel: 0, note, velocity: 127.0, id: -1 };
    let off = |note| EventKind::NoteOff { channel: 0, note, velocity: 0.0, id: -1 };
    let events = vec![
        (1, EventKind::Cc { channel: 0, controller: 7, value: 127.0 }),
        (2, EventKind::Bend { channel: 0, value: -0.25 }),
        (3, on(69)),
        (4, on(72)),
        (5, on(75)),
        (7, off(72)),
        (8, EventKind::Bend { channel: 0, value: 0.0 }),
    ];
    let done = render(&cells(&sources, "voices 2"), &Score { events, ..frames(10) });
    assert_eq!(done.channels[0][..2], [0.5, 1.0]);
    assert_eq!(done.channels[1], [0.0, 0.0, -0.25, -0.25, -0.25, -0.25, -0.25, -0.25, 0.0, 0.0]);
    // The third note steals the first one's voice: its gate is closed for one frame.
    assert_eq!(done.channels[2], [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
    assert!(done.channels[3][3] < 440.0 && done.channels[3][3] > 415.0);
    assert!((done.channels[3][9] - 622.2539674441618).abs() < 1e-9);
    assert_eq!(done.channels[4], [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!((done.channels[5][9], done.channels[6][9]), (72.0, 1.0));
}

#[test]
fn too_many_voices_are_refused() {
    let module = parse(&cells(&["voice 0 0 gate"], "voices 65")).unwrap();
    let compiled = compile_module(module, &Options::default());
    assert!(compiled.program.is_none());
    assert_eq!(compiled.messages()[0].code, "too-many-voices");
}

#[test]
fn held_notes_sound_on_through_an_edit() {
    let on = EventKind::NoteOn { channel: 0, note: 60, velocity: 127.0, id: -1 };
    for target in Target::ALL {
        let first = compile(&cells(&["voice 0 0 gate"], "voices 4"), *target).program.unwrap();
        let second = compile(&cells(&["voice 0 0 note"], "voices 8"), *target).program.unwrap();
        let score =
            Score { events: vec![(1, on)], swaps: vec![(3, Arc::clone(&second))], ..frames(5) };
        let done = Renderer::new(&first, RenderSettings::default()).run(&score);
        assert_eq!(done.channels, [[0.0, 1.0, 1.0, 60.0, 60.0]], "{target}");
    }
}

#[test]
fn a_storm_of_tasks_in_the_language_names_its_line() {
    // The tasks double at every sample: 16,384 wait for sample 15, and the first of them asks for more.
    let text = "fn storm() {\n  storm@(now + 1)\n  storm@(now + 1)\n}\nstorm@1\nfn dsp() { now }";
    for target in Target::ALL {
        let options = Options { target: *target, ..Options::default() };
        let compiled = pipeline::compile("storm.mmm", text, &options);
        let program = compiled.program.as_ref().unwrap();
        let score = frames(40);
        let mut faults = vec![oracle(&compiled, &score).unwrap().fault.unwrap()];
        for block in BLOCKS {
            let settings = RenderSettings { block, ..RenderSettings::default() };
            faults.extend(Renderer::new(program, settings).run(&score).fault);
        }
        for fault in &faults {
            assert_eq!((fault.frame, fault.line), (15, 3), "{target}: {faults:?}");
            assert_eq!(fault.message, "`storm` schedules too many tasks");
        }
        assert_eq!(faults.len(), 1 + BLOCKS.len(), "{target}");
    }
}
