//! The audio side neither allocates nor frees nor calls the system, on every backend: blocks of
//! live programs with swaps, events, heap objects and faults in between.
//!
//! Two proofs over the same performance: an allocator that ends the process when the audio thread
//! touches it, and, on Linux, a child process whose audio thread runs under seccomp.
#![cfg_attr(
    target_os = "linux",
    expect(unsafe_code, reason = "one test calls the system on purpose")
)]

mod quiet;

use attacca_engine::pipeline::{Options, compile_module};
use attacca_engine::render::{RenderSettings, Renderer};
use attacca_engine::{Event, EventKind, Hz, Notice, Processor, ProcessorSettings, Session, Target};
use quiet::{ARMED, ROLE, is_child};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Blocks of one performance.
const BLOCKS: u32 = 10_000;

/// Swaps in them.
const SWAPS: u32 = 200;

/// Frames of the longest block; others are shorter.
const FRAMES: usize = 64;

/// The program before swap number `n`: state that goes on, lines of changing length, function
/// values made at every sample, tasks, captured variables and assigned function values that are carried, and now and then one that has to be stopped.
fn program(n: u32) -> String {
    if n % 20 == 19 {
        return "fn down(x) { down(x + 1.0) * 0.5 }\nfn dsp(l, r) { (down(l), r) }".to_owned();
    }
    let (freq, time, line) = (200 + n, 100 + n * 7, 10_000 + n % 5 * 3_000);
    format!(
        "let kept = [0.0, 0.0, 0.0]
         fn counter(start) {{ let count = start
             | | {{ count = count + 1.0
                 count }} }}
         let steps = counter({n}.0)
         let last = counter(0.0)
         let beats = 0.0
         fn tick() {{ beats = steps()
             last = counter(beats)
             tick@(now + 37.0) }}
         tick@1.0
         fn phasor(f) {{ (self + f / samplerate) % 1.0 }}
         fn osc(f) {{ sin(phasor(f) * 6.283185307179586) }}
         fn twice(f, x) {{ f(f(x)) }}
         fn dsp(l, r) {{
             let note = midi_note_mono!(0, 60, 0)
             let gain = Control!(\"gain\", 0.5)
             let bend = |x| {{ tanh(x * gain) + note.velocity * 0.001 }}
             let table = [l, r, gain, kept[1]]
             let shapes = [bend, |x| {{ x * gain }}]
             kept = append([table[now % 4.0], shapes[now % 2.0](r)], kept[2] * 0.5)
             let wet = delay({line}, l + osc({freq}.0) * 0.2, {time}.0)
             (twice(bend, wet) + kept[2], last() * 0.0 + mem(r) + osc(note.pitch) * gain)
         }}"
    )
}

/// The blocks played so far, and how many may be: the control side leads the dance.
static PLAYED: AtomicU32 = AtomicU32::new(0);

/// One block of the performance: lengths, input and events change from block to block.
fn block(processor: &mut Processor, n: u32, left: &mut [f32], right: &mut [f32]) {
    let frames = 1 + (n as usize * 7) % FRAMES;
    let note = (40 + n % 40) as u8;
    let events = [
        Event { offset: 0, kind: EventKind::Param { slot: 0, value: f64::from(n % 10) / 10.0 } },
        Event {
            offset: n % 30,
            kind: EventKind::NoteOn { channel: 0, note, velocity: 90.0, id: -1 },
        },
        Event { offset: 40, kind: EventKind::NoteOff { channel: 0, note, velocity: 0.0, id: -1 } },
    ];
    let (left, right) = (&mut left[..frames], &mut right[..frames]);
    for (at, (l, r)) in left.iter_mut().zip(right.iter_mut()).enumerate() {
        (*l, *r) = (at as f32 / 64.0, 0.5 - at as f32 / 64.0);
    }
    processor.process(&mut [left, right], &events);
}

/// The audio thread's part: plays as many blocks as the control side allows, until all are played.
/// Waits by spinning, because everything else is a system call.
fn audio(processor: &mut Processor, allowed: &AtomicU32) {
    let (mut left, mut right) = ([0.0f32; FRAMES], [0.0f32; FRAMES]);
    let mut played = 0;
    while played < BLOCKS {
        if played < allowed.load(Ordering::Acquire) {
            block(processor, played, &mut left, &mut right);
            played += 1;
            PLAYED.store(played, Ordering::Release);
        } else {
            std::hint::spin_loop();
        }
    }
}

/// What the control side saw.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    swaps: u32,
    faults: u32,
}

/// The control side's part: edits the program and lets the audio side play some blocks, in turns.
fn control(session: &mut Session, allowed: &AtomicU32) -> Seen {
    let mut seen = Seen::default();
    for n in 0..SWAPS {
        let update = session.update(&program(n));
        assert!(update.accepted, "program {n}: {:?}", update.diagnostics);
        let target = (n + 1) * (BLOCKS / SWAPS);
        allowed.store(target, Ordering::Release);
        while PLAYED.load(Ordering::Acquire) < target {
            collect(session, &mut seen);
            std::thread::yield_now();
        }
        collect(session, &mut seen);
        assert!(!session.outstanding(), "program {n} plays by now");
    }
    seen
}

fn collect(session: &mut Session, seen: &mut Seen) {
    for notice in session.poll() {
        match notice {
            Notice::SwapDone { .. } => seen.swaps += 1,
            Notice::Fault { .. } => seen.faults += 1,
            Notice::Printed { .. } | Notice::Report { .. } => {}
        }
    }
}

fn expected() -> Seen {
    Seen { swaps: SWAPS, faults: SWAPS / 20 }
}

fn session(target: Target) -> (Session, Processor) {
    let settings =
        ProcessorSettings { max_frames: 48, rate: Hz(48_000.0), ..ProcessorSettings::default() };
    Session::with(target, settings)
}

/// Plays the performance with `arm` run first on the audio thread and `disarm` last. The audio
/// thread is not joined: under seccomp it cannot end.
fn perform(target: Target, arm: fn(), disarm: fn()) -> Seen {
    PLAYED.store(0, Ordering::Release);
    let allowed = Arc::new(AtomicU32::new(0));
    let (mut session, mut processor) = session(target);
    let theirs = Arc::clone(&allowed);
    std::thread::spawn(move || {
        arm();
        audio(&mut processor, &theirs);
        disarm();
    });
    control(&mut session, &allowed)
}

/// One performance at a time: they share `PLAYED`.
static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());

#[test]
fn the_audio_side_never_allocates() {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for target in Target::ALL {
        let seen = perform(*target, || ARMED.set(true), || ARMED.set(false));
        assert_eq!(seen, expected(), "{target}");
    }
}

/// A program that schedules at every sample, drops a task now and then, prints, probes, reads a sound
/// file and plays voices; its global code has done the same.
const HOST_FEATURES: &str = r#"outputs 2 words 1 dsp_base 1 dsp fn0 init fn1 global 0 f64 "hits" assigned
    shape0 closure(i64, i64)  site0 "tick" 0 1 1  tap0 "hits"  sample0 "FILE" 0 0
    cell0 voice 0 3 freq  cell1 transport beat  cell2 cc 0 1 0.5  voices 4
    fn fn0 "dsp"(v0: i64) -> (f64, f64) { bb0: v1 = iconst 0  v2 = load.f64 v1+0  v3 = now
      v4 = const 3.5  v5 = add v3, v4  v6 = funcaddr fn2  v7 = alloc shape0(v6, v1)  schedule 0 v5, v7
      v8 = alloc shape0(v6, v1)  schedule 0 v3, v8  tap 0 v2  println v3  v9 = sampleread 0 0 v2
      v10 = cell 0  v11 = cell 1  v12 = cell 2  v13 = add v10, v11  v14 = add v13, v12  return v9, v14 }
    fn fn1 "init"() -> () { bb0: v0 = funcaddr fn2  v1 = iconst 0  v2 = alloc shape0(v0, v1)
      v3 = const 1.0  schedule 0 v3, v2  print v3  return }
    fn fn2 "tick"(v0: ref) -> (f64) closure { bb0: v1 = iconst 0  v2 = load.f64 v1+0  v3 = const 1.0
      v4 = add v2, v3  store.f64 v1+0, v4  print v4  return v4 }"#;

/// An instance of it, with a sound file that is there.
fn host_features(target: Target) -> Renderer {
    let path = std::env::temp_dir().join(format!("attacca-realtime-{}.wav", std::process::id()));
    let mut wav = b"RIFF\x2c\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    wav.extend(b"\x80\xbb\0\0\0\x77\x01\0\x02\0\x10\0data\x08\0\0\0\0\x20\0\x40\0\x20\0\0");
    std::fs::write(&path, wav).expect("a file");
    let text = HOST_FEATURES.replace("FILE", &path.display().to_string());
    let module = attacca_mir::text::parse(&text).unwrap_or_else(|e| panic!("{e}"));
    let options = Options { target, ..Options::default() };
    let compiled = compile_module(module, &options);
    drop(std::fs::remove_file(path));
    assert_eq!(compiled.samples[0].frames(), 4);
    Renderer::new(&compiled.program.expect("a good program"), RenderSettings::default())
}

/// Some blocks of it, with notes that steal each other's voices.
fn play_host_features(renderer: &mut Renderer) {
    let (mut left, mut right) = ([0.0; FRAMES], [0.0; FRAMES]);
    for n in 0..500u32 {
        let note = (40 + n % 40) as u8;
        let events = [
            Event {
                offset: 3,
                kind: EventKind::NoteOn { channel: 0, note, velocity: 90.0, id: -1 },
            },
            Event { offset: 9, kind: EventKind::Bend { channel: 0, value: 0.5 } },
        ];
        renderer.render(&[], &mut [&mut left, &mut right], &events);
    }
}

#[test]
fn host_features_never_allocate() {
    for target in Target::ALL {
        let mut renderer = host_features(*target);
        ARMED.set(true);
        play_host_features(&mut renderer);
        ARMED.set(false);
        let notices = renderer.poll();
        let printed = |n: &Notice| matches!(n, Notice::Printed { text } if text.contains("\n3"));
        assert!(notices.iter().any(printed), "{target}: {notices:?}");
        assert!(
            !notices.iter().any(|n| matches!(n, Notice::Fault { .. })),
            "{target}: {notices:?}"
        );
    }
}

#[test]
fn the_allocator_would_notice() {
    let child = std::process::Command::new(std::env::current_exe().expect("this test's file"))
        .args(["--exact", "allocating_while_armed", "--nocapture"])
        .env(ROLE, "allocate")
        .output()
        .expect("a child process");
    assert!(!child.status.success());
    assert!(String::from_utf8_lossy(&child.stderr).contains("the audio thread allocated"));
}

#[test]
fn allocating_while_armed() {
    if is_child("allocate") {
        ARMED.set(true);
        drop(std::hint::black_box(Box::new(1)));
        ARMED.set(false);
    }
}

#[cfg(target_os = "linux")]
mod seccomp {
    //! The same performance where every system call of the audio thread is trapped and named.

    use super::quiet::is_child;
    use super::quiet::seccomp::{PLAYED_ALL, TRAPPED, arm, child, done, run};
    use super::{TURN, expected, host_features, perform, play_host_features};
    use attacca_engine::Target;
    use std::sync::PoisonError;
    use std::sync::atomic::Ordering;

    #[test]
    fn the_audio_side_never_calls_the_system() {
        for target in Target::ALL {
            let output = child("seccomp::perform_under_seccomp", target.name());
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(text.contains("no system call"), "{target}: {text}\n{:?}", output);
        }
    }

    /// The child's part; does nothing in the parent.
    #[test]
    fn perform_under_seccomp() {
        let Some(target) = Target::ALL.iter().find(|target| is_child(target.name())) else {
            return;
        };
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = perform(*target, arm, done);
        assert_eq!(seen, expected());
        let call = TRAPPED.load(Ordering::SeqCst);
        println!(
            "{}",
            if call < 0 { "no system call".into() } else { format!("system call {call}") }
        );
        std::process::exit(i32::from(call >= 0));
    }

    #[test]
    fn host_features_never_call_the_system() {
        for target in Target::ALL {
            let output = child("seccomp::host_features_under_seccomp", target.name());
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(text.contains("no system call"), "{target}: {text}\n{output:?}");
        }
    }

    /// The child's part; does nothing in the parent.
    #[test]
    fn host_features_under_seccomp() {
        let Some(target) = Target::ALL.iter().find(|target| is_child(target.name())) else {
            return;
        };
        let mut renderer = host_features(*target);
        run(move || play_host_features(&mut renderer));
    }

    #[test]
    fn the_filter_would_notice() {
        let output = child("seccomp::call_the_system_under_seccomp", "call");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains(&format!("trapped {}", libc::SYS_getppid)), "{output:?}");
    }

    /// The child's part; does nothing in the parent.
    #[test]
    fn call_the_system_under_seccomp() {
        if !is_child("call") {
            return;
        }
        std::thread::spawn(|| {
            arm();
            // SAFETY: takes nothing, gives a number.
            unsafe { libc::getppid() };
            done();
        });
        while !PLAYED_ALL.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        println!("trapped {}", TRAPPED.load(Ordering::SeqCst));
        std::process::exit(0);
    }
}
