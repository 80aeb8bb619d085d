//! Random edits of random programs while they play, for as long as one likes: one instance, blocks of
//! all lengths, changing sample rates, pauses, notes and controls.
//!
//! Nothing may stop a program that is not meant to stop, every sample is a number, and of every program
//! that was replaced nothing is left. The same seed plays the same. Also a part of `cargo xtask soak`;
//! knows the engine only.

#![allow(unreachable_pub, reason = "public in the tests' library, a part of xtask")]

use attacca_engine::{
    Event, EventKind, Hz, Notice, OutputGuard, Processor, ProcessorSettings, Program, Session,
    Target, Transport, When,
};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// What a run has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Soaked {
    /// Edits made.
    pub edits: u64,
    /// Programs that took over.
    pub swaps: u64,
    /// Programs that were meant to stop, and did.
    pub faults: u64,
    /// Frames played.
    pub frames: u64,
}

/// Numbers that look random, the same at every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % sides.max(1)
    }
}

/// What every program defines.
const LIBRARY: &str = "fn phasor(f) { (self + f / samplerate) % 1.0 }
fn osc(f) { sin(phasor(f) * 6.283185307179586) }
fn smooth(x, a) { x * (1.0 - a) + self * a }
fn twice(f, x) { f(f(x)) }
fn counter(step) { let count = 0.0
    | | { count = (count + step) % 1000.0
        count } }
";

/// Kinds of voices; `N` and `M` are its numbers, `I` its own name's end.
const VOICES: [&str; 9] = [
    "osc(N.0) * 0.1",
    "delay(M, l + osc(N.0) * 0.1, N.0) * 0.2",
    "smooth(r, 0.M) * 0.3 + mem(l) * 0.1",
    "twice(|x| { tanh(x * 0.M + osc(N.0)) }, r) * 0.1",
    "{ let table = [l, r, osc(N.0), 0.M]
        table[now % 4.0] * 0.1 }",
    "stepsI() * 0.0001",
    "kI.0 * 0.0001",
    "Control!(\"gainM\", 0.5) * osc(N.0) * 0.1",
    "{ let note = midi_note_mono!(0, 60, 0)
        osc(note.pitch * N.0 * 0.01) * note.velocity * 0.001 }",
];

/// What some kinds need beside `dsp`.
const GLOBALS: [(usize, &str); 2] = [
    (5, "let stepsI = counter(N.0)\n"),
    (
        6,
        "let kI = (N.0, 0.0)\nfn tickI() { kI = (kI.1 + 1.0, N.0)\n    tickI@(now + M.0) }\ntickI@1.0\n",
    ),
];

/// A program that has to be stopped.
const STOPPED: &str = "fn down(x) { down(x + 1.0) * 0.5 }\nfn dsp(l, r) { (down(l), r) }";

#[derive(Clone, Copy)]
struct Voice {
    id: u32,
    kind: usize,
    n: usize,
    m: usize,
}

/// A program as a list of voices.
struct Piece {
    voices: Vec<Voice>,
    made: u32,
}

impl Piece {
    fn new(dice: &mut Dice) -> Self {
        let mut piece = Self { voices: Vec::new(), made: 0 };
        (0..3).for_each(|_| piece.insert(dice));
        piece
    }

    fn insert(&mut self, dice: &mut Dice) {
        let (n, m) = (1 + dice.below(900), 901 + dice.below(8000));
        self.made += 1;
        let voice = Voice { id: self.made, kind: dice.below(VOICES.len()), n, m };
        self.voices.insert(dice.below(self.voices.len() + 1), voice);
    }

    fn edit(&mut self, dice: &mut Dice) {
        let at = dice.below(self.voices.len());
        match dice.below(6) {
            0 => self.voices[at].n = 1 + dice.below(900),
            1 => self.voices[at].m = 901 + dice.below(8000),
            2 if self.voices.len() < 12 => self.insert(dice),
            3 if self.voices.len() > 1 => drop(self.voices.remove(at)),
            4 => {
                let voice = self.voices.remove(at);
                self.voices.insert(dice.below(self.voices.len() + 1), voice);
            }
            _ => self.voices[at].kind = dice.below(VOICES.len()),
        }
    }

    fn text(&self) -> String {
        let mut text = LIBRARY.to_owned();
        for voice in &self.voices {
            for (_, code) in GLOBALS.iter().filter(|(kind, _)| *kind == voice.kind) {
                text += &voice.fill(code);
            }
        }
        text += "fn dsp(l, r) {\n";
        for voice in &self.voices {
            text += &format!("    let v{} = {}\n", voice.id, voice.fill(VOICES[voice.kind]));
        }
        let names: Vec<String> = self.voices.iter().map(|voice| format!("v{}", voice.id)).collect();
        text + "    let sum = " + &names.join(" + ") + "\n    (sum, sum * 0.5 + l * 0.1)\n}\n"
    }
}

impl Voice {
    fn fill(&self, code: &str) -> String {
        let mut text = String::new();
        for (at, c) in code.char_indices() {
            let alone = !code[at + 1..].starts_with(|c: char| c.is_ascii_alphabetic());
            match c {
                'N' if alone => text += &self.n.to_string(),
                'M' if alone => text += &self.m.to_string(),
                'I' if alone => text += &self.id.to_string(),
                other => text.push(other),
            }
        }
        text
    }
}

/// One run.
struct Soak {
    dice: Dice,
    session: Session,
    processor: Processor,
    piece: Piece,
    text: String,
    programs: Vec<Weak<Program>>,
    /// Whether a program that has to be stopped may play.
    stops: bool,
    seen: Soaked,
}

/// Plays for `time`; says what was seen, or what went wrong and in which program.
pub fn soak(target: Target, seed: u64, time: Duration) -> Result<Soaked, String> {
    let settings = ProcessorSettings {
        max_frames: 256,
        guard: OutputGuard::Off,
        rate: Hz(48_000.0),
        ..ProcessorSettings::default()
    };
    let (session, processor) = Session::with(target, settings);
    let mut dice = Dice(seed);
    let piece = Piece::new(&mut dice);
    let (text, programs) = (String::new(), Vec::new());
    let seen = Soaked::default();
    let mut soak = Soak { dice, session, processor, piece, text, programs, stops: false, seen };
    let start = Instant::now();
    let done = (|| {
        while start.elapsed() < time {
            soak.step()?;
        }
        soak.end()
    })();
    done.map_err(|what| format!("{target}, seed {seed}, {:?}: {what}\n{}", soak.seen, soak.text))?;
    Ok(soak.seen)
}

impl Soak {
    /// An edit and some blocks.
    fn step(&mut self) -> Result<(), String> {
        if self.dice.below(40) == 0 {
            self.piece = Piece::new(&mut self.dice);
        }
        self.piece.edit(&mut self.dice);
        self.text = self.piece.text();
        if self.dice.below(50) == 0 {
            self.text = STOPPED.to_owned();
        }
        self.stops |= self.text == STOPPED;
        if self.dice.below(20) == 0 {
            let rates = [44_100.0, 48_000.0, 96_000.0, 192_000.0];
            self.session.set_rate(Hz(rates[self.dice.below(4)]));
        }
        let whens = [When::AtOnce, When::AtOnce, When::Beat, When::Bar];
        self.session.set_when(whens[self.dice.below(4)]);
        let update = self.session.update(&self.text);
        if !update.accepted {
            return Err(format!("rejected: {:?}", update.diagnostics));
        }
        self.seen.edits += 1;
        if self.dice.below(10) == 0 {
            self.processor.apply_pending();
        }
        for _ in 0..1 + self.dice.below(12) {
            self.block()?;
        }
        self.collect()
    }

    fn block(&mut self) -> Result<(), String> {
        let dice = &mut self.dice;
        let frames = dice.below(700);
        let mut left: Vec<f32> =
            (0..frames).map(|_| dice.below(2001) as f32 / 1000.0 - 1.0).collect();
        let mut right = left.clone();
        let (note, offset) = (40 + dice.below(40) as u8, dice.below(frames + 1) as u32);
        let tempo = 120.0 + dice.below(3) as f64;
        let song = Transport { tempo, playing: true, ..Transport::default() };
        let slot = dice.below(128) as u16;
        let all = [
            EventKind::NoteOn { channel: 0, note, velocity: 90.0, id: -1 },
            EventKind::NoteOff { channel: 0, note, velocity: 0.0, id: -1 },
            EventKind::Param { slot, value: 0.75 },
            EventKind::Transport(song),
            EventKind::AllNotesOff,
        ];
        let events = [Event { offset, kind: all[dice.below(all.len())] }];
        self.processor.process(&mut [&mut left, &mut right], &events);
        self.seen.frames += frames as u64;
        match left.iter().chain(&right).find(|x| !x.is_finite() || x.abs() > 100.0) {
            Some(x) => Err(format!("a sample is {x}")),
            None => Ok(()),
        }
    }

    fn collect(&mut self) -> Result<(), String> {
        for notice in self.session.poll() {
            match notice {
                Notice::SwapDone { .. } => self.seen.swaps += 1,
                Notice::Fault { .. } if self.stops => self.seen.faults += 1,
                Notice::Fault { message, line } => return Err(format!("line {line}: {message}")),
                Notice::Printed { .. } | Notice::Report { .. } => {}
            }
        }
        if let Some(current) = self.session.current() {
            let same = |known: &Weak<Program>| std::ptr::eq(known.as_ptr(), Arc::as_ptr(current));
            if !self.programs.last().is_some_and(same) {
                self.programs.push(Arc::downgrade(current));
            }
        }
        self.programs.retain(|program| program.strong_count() > 0);
        // What plays, what waits, and what is on its way back.
        match self.programs.len() {
            0..=12 => Ok(()),
            count => Err(format!("{count} programs are still there")),
        }
    }

    /// Lets everything in and out: one program is left.
    fn end(&mut self) -> Result<(), String> {
        self.session.set_when(When::AtOnce);
        self.session.update(&self.piece.text());
        for _ in 0..200 {
            self.block()?;
            self.collect()?;
        }
        let left = self.programs.len();
        if left == 1 && !self.session.outstanding() {
            return Ok(());
        }
        Err(format!("{left} programs are left"))
    }
}
