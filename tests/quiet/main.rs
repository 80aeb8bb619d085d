//! The audio side neither allocates, frees nor calls the system, whatever it plays: every golden program,
//! every example, every edit of the corpus and every fault, 64 frames each, on every backend.
//!
//! Two proofs, as in the engine's own test: an allocator that ends the process, and a child process
//! for each backend whose audio thread is under seccomp.

#[path = "../../engine/tests/quiet/mod.rs"]
mod quiet;

use attacca_engine::pipeline::{self, Options};
use attacca_engine::render::{RenderSettings, Renderer};
use attacca_engine::{Event, EventKind, Hz, Notice, Program, Target};
use attacca_tests::edits;
use attacca_tests::golden::{Golden, files, programs};
use quiet::ARMED;
use std::sync::Arc;

/// Frames that each program plays.
const FRAMES: usize = 64;

/// Programs that have to be stopped: one for each reason.
const FAULTS: [&str; 5] = [
    "fn again(f:(float)->float, x) { f(x) }\nletrec loop = |x:float| again(loop, x + 1.0) * 0.5\nfn dsp() { loop(now) }",
    "fn down(x) { down(x + 1.0) * 0.5 }\nfn dsp() { down(now) }",
    "fn fib(n) { if (n < 2) { n } else { fib(n - 1) + fib(n - 2) } }\nfn dsp() { fib(40) }",
    "fn tick() { tick@(now + 1.0)\n tick@(now + 1.0) }\ntick@1.0\nfn dsp() { now }",
    "fn grow(a, n) { let b = append(a, n)\n grow(b, n + 1.0) + b[0] }\nfn dsp() { grow([now], 0.0) }",
];

/// One thing to play: an instance, and a program that takes over after half of the frames.
struct Piece {
    name: String,
    renderer: Renderer,
}

/// Half of a piece, in blocks of two lengths, with events.
fn play(renderer: &mut Renderer, outputs: &mut [Vec<f64>; 2]) {
    let input = [0.25; FRAMES];
    for (n, frames) in [1, 7, FRAMES / 2 - 8].into_iter().enumerate() {
        let note = 60 + n as u8;
        let events = [
            Event { offset: 0, kind: EventKind::Param { slot: 0, value: 0.5 } },
            Event {
                offset: 0,
                kind: EventKind::NoteOn { channel: 0, note, velocity: 90.0, id: -1 },
            },
            Event {
                offset: 5,
                kind: EventKind::NoteOff { channel: 0, note, velocity: 0.0, id: -1 },
            },
        ];
        let [left, right] = outputs;
        let mut views = [&mut left[..frames], &mut right[..frames]];
        renderer.render(&[&input[..frames], &input[..frames]], &mut views, &events);
    }
}

fn compile(name: &str, text: &str, target: Target) -> Option<Arc<Program>> {
    let options = Options { target, rate: Hz(48_000.0), ..Options::default() };
    pipeline::compile_with(name, text, &options, &files()).program
}

fn settings() -> RenderSettings {
    RenderSettings { declick: 0.005, ..RenderSettings::default() }
}

/// A piece that plays one program all the time, by swapping in what it plays already.
fn alone(name: String, program: &Arc<Program>) -> (Piece, Arc<Program>) {
    (Piece { name, renderer: Renderer::new(program, settings()) }, Arc::clone(program))
}

/// Everything there is to play, with what takes over.
fn pieces(target: Target) -> Vec<(Piece, Arc<Program>)> {
    let mut pieces = Vec::new();
    for path in programs("lang") {
        let golden =
            Golden::read(&path).unwrap_or_else(|what| panic!("{}: {what}", path.display()));
        let compiled =
            golden.compile(target).unwrap_or_else(|what| panic!("{}: {what}", path.display()));
        let program = compiled.program.expect("a golden program is good");
        pieces.push(alone(path.display().to_string(), &program));
    }
    for path in programs("../examples") {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(&path).expect("a listed file can be read");
        let program = compile(&name, &text, target).unwrap_or_else(|| panic!("{name} is rejected"));
        pieces.push(alone(name, &program));
    }
    for edit in edits::all().unwrap_or_else(|what| panic!("{what}")) {
        let [before, after] = edit.programs(target).unwrap_or_else(|what| panic!("{what}"));
        let (name, renderer) =
            (edit.path.display().to_string(), Renderer::new(&before, settings()));
        pieces.push((Piece { name, renderer }, after));
    }
    for text in FAULTS {
        let program = compile(text, text, target).unwrap_or_else(|| panic!("rejected:\n{text}"));
        pieces.push(alone(text.to_owned(), &program));
    }
    pieces
}

/// All of them with a swap on its way.
fn prepared(target: Target) -> Vec<Piece> {
    let mut outputs = [vec![0.0; FRAMES], vec![0.0; FRAMES]];
    let prepare = |(mut piece, next): (Piece, Arc<Program>)| {
        // The swap is the first thing that is proved.
        play(&mut piece.renderer, &mut outputs);
        piece.renderer.swap(&next);
        piece
    };
    pieces(target).into_iter().map(prepare).collect()
}

#[test]
fn nothing_that_plays_allocates() {
    for target in Target::ALL {
        let mut outputs = [vec![0.0; FRAMES], vec![0.0; FRAMES]];
        let (mut faults, mut count) = (0, 0);
        for (mut piece, next) in pieces(*target) {
            // Told to whoever reads the message of an abort.
            eprintln!("{target}: {}", piece.name);
            for _ in 0..2 {
                ARMED.set(true);
                play(&mut piece.renderer, &mut outputs);
                ARMED.set(false);
                piece.renderer.swap(&next);
            }
            ARMED.set(true);
            play(&mut piece.renderer, &mut outputs);
            ARMED.set(false);
            let notices = piece.renderer.poll();
            let swapped = |n: &Notice| matches!(n, Notice::SwapDone { .. });
            assert!(notices.iter().any(swapped), "{target}: {}", piece.name);
            faults += usize::from(notices.iter().any(|n| matches!(n, Notice::Fault { .. })));
            count += 1;
        }
        assert!(count > 400 && faults >= FAULTS.len(), "{target}: {count} pieces, {faults} faults");
    }
}

#[cfg(target_os = "linux")]
mod seccomp {
    //! The same under seccomp.

    use super::quiet::is_child;
    use super::quiet::seccomp::{child, run};
    use super::{FRAMES, play, prepared};
    use attacca_engine::Target;

    #[test]
    fn nothing_that_plays_calls_the_system() {
        for target in Target::ALL {
            let output = child("seccomp::play_all_under_seccomp", target.name());
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(text.contains("no system call"), "{target}: {text}\n{output:?}");
        }
    }

    /// The child's part; does nothing in the parent.
    #[test]
    fn play_all_under_seccomp() {
        let Some(target) = Target::ALL.iter().find(|target| is_child(target.name())) else {
            return;
        };
        let mut pieces = prepared(*target);
        assert!(pieces.len() > 400, "{}", pieces.len());
        let mut outputs = [vec![0.0; FRAMES], vec![0.0; FRAMES]];
        run(move || {
            for piece in &mut pieces {
                play(&mut piece.renderer, &mut outputs);
                play(&mut piece.renderer, &mut outputs);
            }
        });
    }
}
