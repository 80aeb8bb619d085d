//! Programs made to break the compiler: each has an answer, within a stated time and memory.
//!
//! A case is a text with what must become of it: it compiles, or the first error has a certain code. Every
//! case is compiled for both backends on a thread with the stack that the plugin's worker has. Time is the
//! thread's own (where the system tells), so that a busy machine does not matter.

mod code;
mod files;
mod macros;
mod measure;
mod text;
mod types;

use attacca_engine::loader::Memory;
use attacca_engine::pipeline::{self, Compiled, Options};
use attacca_engine::render::{RenderSettings, Renderer, Score};
use attacca_engine::{Hz, Severity, Target};
use measure::Measured;
use std::time::Duration;

/// Longest time that a compile may take.
const LONGEST: Duration = Duration::from_secs(2);

/// Most memory that a compile may hold at once, in bytes.
const MOST_BYTES: usize = 512 << 20;

/// Stack of the thread that compiles: what threads have if nobody asks for more.
const STACK: usize = 2 << 20;

/// What must become of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// It compiles.
    Compiles,
    /// The first error has this code.
    Error(&'static str),
}

/// A program, and what must become of it.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) text: String,
    pub(crate) files: Vec<(String, String)>,
    pub(crate) expect: Expect,
}

/// A program that compiles.
pub(crate) fn good(name: &'static str, text: impl Into<String>) -> Case {
    Case { name, text: text.into(), files: Vec::new(), expect: Expect::Compiles }
}

/// A program that is rejected with this code.
pub(crate) fn bad(name: &'static str, code: &'static str, text: impl Into<String>) -> Case {
    Case { name, text: text.into(), files: Vec::new(), expect: Expect::Error(code) }
}

impl Case {
    /// With files that it may use.
    pub(crate) fn with(mut self, files: impl IntoIterator<Item = (String, String)>) -> Self {
        self.files.extend(files);
        self
    }
}

/// `count` pieces, one after the other.
pub(crate) fn pieces(count: usize, piece: impl Fn(usize) -> String) -> String {
    (0..count).map(piece).collect()
}

/// `count` pieces with something between them.
pub(crate) fn list(count: usize, between: &str, piece: impl Fn(usize) -> String) -> String {
    let parts: Vec<String> = (0..count).map(piece).collect();
    parts.join(between)
}

fn compile(case: &Case, target: Target) -> (Compiled, Measured) {
    let files = case.files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let files = Memory::files(files);
    let options = Options { target, rate: Hz(48_000.0), ..Options::default() };
    let compile =
        || measure::measure(|| pipeline::compile_with("t.mmm", &case.text, &options, &files));
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, compile);
        thread.expect("a thread").join().expect("the compiler answers")
    })
}

/// What is wrong with the answer.
fn judge(case: &Case, compiled: &Compiled, measured: Measured) -> Option<String> {
    let messages = compiled.messages();
    let error = messages.iter().find(|message| message.severity == Severity::Error);
    let got = error.map_or(Expect::Compiles, |error| Expect::Error(error.code.clone().leak()));
    let mut wrong = Vec::new();
    if got != case.expect {
        let words = error.map_or("", |error| &error.message);
        let words: String = words.chars().take(200).collect();
        wrong.push(format!("{:?} is expected, not {got:?} ({words})", case.expect));
    }
    if measured.time > LONGEST {
        wrong.push(format!("it took {:?}", measured.time));
    }
    if measured.bytes > MOST_BYTES {
        wrong.push(format!("it took {} MB", measured.bytes >> 20));
    }
    (!wrong.is_empty()).then(|| wrong.join(", "))
}

/// Mistakes that the front end finds are the same for all backends.
const FRONT: &[Target] = &[Target::Jit];

/// Longest time that four samples of any program may take.
const LONGEST_RUN: Duration = Duration::from_secs(4);

/// What the first samples of a program are, if it is one, and whether it had to be stopped.
#[derive(Debug, PartialEq)]
struct Sound {
    samples: Vec<u64>,
    stopped: Option<(u64, String)>,
}

fn sound(compiled: &Compiled) -> (Option<Sound>, Measured) {
    measure::measure(|| {
        let program = compiled.program.as_ref()?;
        let score = Score { frames: 4, ..Score::default() };
        let rendered = Renderer::new(program, RenderSettings::default()).run(&score);
        let samples = rendered.channels.iter().flatten().map(|sample| sample.to_bits()).collect();
        let stopped = rendered.fault.map(|fault| (fault.frame, fault.message));
        Some(Sound { samples, stopped })
    })
}

fn all_answer(cases: Vec<Case>, targets: &[Target]) {
    let only = std::env::var("ATTACCA_CASE").unwrap_or_default();
    let mut wrong = Vec::new();
    for case in cases.iter().filter(|case| case.name.contains(&only)) {
        let mut sounds = Vec::new();
        for target in targets {
            eprint!("{} ({target}): ", case.name);
            let (compiled, measured) = compile(case, *target);
            eprintln!("{:?}, {} MB", measured.time, measured.bytes >> 20);
            if let Some(what) = judge(case, &compiled, measured) {
                eprintln!("    {what}");
                wrong.push(format!("{} ({target}): {what}", case.name));
            }
            let (sound, run) = sound(&compiled);
            if run.time > LONGEST_RUN {
                wrong.push(format!("{} ({target}): it runs {:?}", case.name, run.time));
            }
            sounds.push(sound);
        }
        sounds.dedup();
        if sounds.len() > 1 {
            wrong.push(format!("{}: the backends differ: {sounds:?}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn texts_have_an_answer() {
    all_answer(text::cases(), FRONT);
}

#[test]
fn types_have_an_answer() {
    all_answer(types::cases(), FRONT);
}

#[test]
fn macros_have_an_answer() {
    all_answer(macros::cases(), FRONT);
}

#[test]
fn files_have_an_answer() {
    all_answer(files::cases(), FRONT);
}

#[test]
fn code_has_an_answer() {
    all_answer(code::cases(), Target::ALL);
}
