//! The callback of the real plugin file neither allocates, frees nor calls the system, whatever it plays:
//! golden programs, examples, edits of the corpus and every kind of fault, with the swaps between them.
//!
//! Two proofs: the plugin of test builds carries an allocator that ends the process for a thread that is
//! inside `process`; and, on Linux, a child process whose audio thread is under seccomp. One child for each
//! backend.

#![cfg(target_os = "linux")]

#[path = "../../engine/tests/quiet/mod.rs"]
mod quiet;
mod rig;

use attacca_engine::Target;
use attacca_tests::{edits, golden};
use clack_host::events::event_types::{NoteOffEvent, NoteOnEvent};
use clack_host::prelude::*;
use clack_host::process::PluginAudioProcessor;
use clack_host::process::audio_buffers::{
    AudioPortBuffer, AudioPortBufferType, AudioPorts, InputChannel,
};
use quiet::{is_child, seccomp};
use rig::document_ext::DOCUMENT_FAULTED;
use rig::session::state;
use rig::{EFFECT, Rig, TestHost, entry, turn, words};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Programs that have to be stopped: one for each reason.
const FAULTS: [&str; 5] = [
    "fn again(f:(float)->float, x) { f(x) }\nletrec loop = |x:float| again(loop, x + 1.0) * 0.5\nfn dsp() { loop(now) }",
    "fn down(x) { down(x + 1.0) * 0.5 }\nfn dsp() { down(now) }",
    "fn tick() { tick@(now + 1.0)\n tick@(now + 1.0) }\ntick@1.0\nfn dsp() { now }",
    "let kept = [0.0]\nfn dsp() { kept = append(kept, now)\n kept[0] }",
    "fn fib(n) { if (n < 2) { n } else { fib(n - 1) + fib(n - 2) } }\nfn dsp() { fib(20) }",
];

/// Frames of the blocks, in turn.
const BLOCKS: [usize; 4] = [1, 7, 64, 33];

/// Blocks played so far, and whether it is enough.
static PLAYED: AtomicU64 = AtomicU64::new(0);
static ENOUGH: AtomicBool = AtomicBool::new(false);

/// A program, where its files are, and whether it has to be stopped.
struct Piece {
    text: String,
    folder: PathBuf,
    stops: bool,
}

fn pieces() -> Vec<Piece> {
    let folder = |path: &Path| path.parent().map(Path::to_path_buf).unwrap_or_default();
    let mut pieces = Vec::new();
    for path in golden::programs("lang").into_iter().chain(golden::programs("../examples")) {
        let text = std::fs::read_to_string(&path).expect("a listed file can be read");
        let stops =
            text.lines().any(|line| line.starts_with("// @test") && line.contains("\"stopped\""));
        pieces.push(Piece { text, folder: folder(&path), stops });
    }
    for edit in edits::all().unwrap_or_else(|what| panic!("{what}")) {
        let folder = folder(&edit.path);
        pieces.push(Piece { text: edit.before, folder: folder.clone(), stops: false });
        pieces.push(Piece { text: edit.after, folder, stops: false });
    }
    for text in FAULTS {
        pieces.push(Piece { text: text.to_owned(), folder: PathBuf::new(), stops: true });
    }
    pieces
}

/// Plays blocks from buffers that are there already.
struct Player {
    processor: PluginAudioProcessor<TestHost>,
    ports: (AudioPorts, AudioPorts),
    input: [Vec<f32>; 2],
    output: [Vec<f32>; 2],
    events: EventBuffer,
    told: EventBuffer,
    turn: usize,
}

impl Player {
    fn new(processor: PluginAudioProcessor<TestHost>) -> Self {
        let longest = BLOCKS.into_iter().max().unwrap_or(1);
        let buffers = || [vec![0.25; longest], vec![-0.5; longest]];
        let mut events = EventBuffer::new();
        let pckn = Pckn::new(0u16, 0u16, 60u16, 1u32);
        events.push(&NoteOnEvent::new(0, pckn, 0.7));
        events.push(&turn(0, 0, 0.75));
        events.push(&NoteOffEvent::new(0, pckn, 0.0));
        Self {
            processor,
            ports: (AudioPorts::with_capacity(2, 1), AudioPorts::with_capacity(2, 1)),
            input: buffers(),
            output: buffers(),
            events,
            told: EventBuffer::with_capacity(64),
            turn: 0,
        }
    }

    fn block(&mut self) {
        let frames = BLOCKS[self.turn % BLOCKS.len()];
        self.turn += 1;
        let input = self.input.iter_mut().map(|it| InputChannel::variable(&mut it[..frames]));
        let input = self.ports.0.with_input_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_input_only(input),
        }]);
        let output = self.output.iter_mut().map(|it| &mut it[..frames]);
        let mut output = self.ports.1.with_output_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_output_only(output),
        }]);
        self.told.clear();
        let started = self.processor.ensure_processing_started().expect("it is started");
        started
            .process(
                &input,
                &mut output,
                &InputEvents::from_buffer(&self.events),
                &mut OutputEvents::from_buffer(&mut self.told),
                None,
                None,
            )
            .expect("it processes");
        PLAYED.fetch_add(1, Ordering::SeqCst);
    }
}

/// Waits on the main thread, while the audio thread plays.
fn until(rig: &mut Rig, what: &str, is: impl Fn(&mut Rig) -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is(rig) {
        rig.pump();
        assert!(Instant::now() < end, "{}\n{what}", rig::describe(&rig.status()));
        std::thread::sleep(Duration::from_micros(500));
    }
}

/// Plays all pieces, one after the other, while `audio` plays blocks on its own thread.
fn play_all(target: Target, audio: fn(Player)) -> usize {
    let settings = |folder: &Path| {
        let folder = folder.display().to_string();
        serde_json::json!({"backend": target.name(), "patience": 0.2, "folder": folder}).to_string()
    };
    let mut rig = Rig::new(&entry(), EFFECT);
    assert!(rig.load(&state("fn dsp(l, r) { (l, r) }", &settings(Path::new("")))));
    rig.activate(48_000.0);
    rig.settle();
    let player = Player::new(rig.processor.take().expect("it is active"));
    std::thread::spawn(move || audio(player));
    until(&mut rig, "it plays", |_| PLAYED.load(Ordering::SeqCst) > 0);
    let pieces = pieces();
    for Piece { text, folder, stops } in &pieces {
        let before = rig.status();
        assert!(rig.load(&state(text, &settings(folder))));
        until(&mut rig, text, |rig| rig.status().compiles > before.compiles);
        let status = rig.status();
        assert_eq!(status.accepted, 1, "{}: {}\n{text}", folder.display(), words(&status.message));
        until(&mut rig, text, |rig| rig.status().swaps > before.swaps);
        if *stops {
            until(&mut rig, text, |rig| rig.status().state == DOCUMENT_FAULTED);
        }
        let blocks = PLAYED.load(Ordering::SeqCst) + BLOCKS.len() as u64;
        until(&mut rig, text, |_| PLAYED.load(Ordering::SeqCst) >= blocks);
        let call = seccomp::TRAPPED.load(Ordering::SeqCst);
        assert!(call < 0, "system call {call}\n{text}");
    }
    ENOUGH.store(true, Ordering::SeqCst);
    // The audio thread never returns its processor: an instance that it may still use is not destroyed.
    std::mem::forget(rig);
    pieces.len()
}

fn play(player: &mut Player) {
    while !ENOUGH.load(Ordering::SeqCst) {
        player.block();
    }
}

/// Under the plugin's own allocator only, which says where it was.
fn watched(mut player: Player) {
    play(&mut player);
    seccomp::done();
}

/// Under seccomp. The first blocks fetch what a thread needs of the system once.
fn trapped(mut player: Player) {
    (0..16).for_each(|_| player.block());
    seccomp::arm();
    play(&mut player);
    seccomp::done();
}

/// Runs the child for each backend.
fn prove(kind: &str) {
    for target in Target::ALL {
        let output = seccomp::child("child", &format!("{kind} {}", target.name()));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains("all was quiet"), "{target}: {text}\n{said}");
        eprintln!("{kind}: {text}");
    }
}

#[test]
fn nothing_in_the_callback_allocates() {
    prove("allocator");
}

#[test]
fn nothing_in_the_callback_calls_the_system() {
    prove("seccomp");
}

/// The children's part; does nothing in the parent.
#[test]
fn child() {
    for target in Target::ALL {
        for (kind, audio) in [("allocator", watched as fn(Player)), ("seccomp", trapped)] {
            if is_child(&format!("{kind} {}", target.name())) {
                let count = play_all(*target, audio);
                println!("{target}: {count} programs, all was quiet");
                std::process::exit(0);
            }
        }
    }
}
