//! Random edits of random programs while they play, for as long as one likes: one instance, blocks of
//! all lengths, changing sample rates, pauses, notes and controls.
//!
//! Nothing may stop a program that is not meant to stop, every sample is a number, and of every program
//! that was replaced nothing is left. The same seed plays the same. Also a part of `cargo xtask soak`;
//! knows the engine only.

#![allow(unreachable_pub, reason = "public in the tests' library, a part of xtask")]

use super::pieces::{Dice, Piece, STOPPED};
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

/// One run.
struct Soak {
    dice: Dice,
    session: Session,
    processor: Processor,
    piece: Piece,
    text: String,
    programs: Vec<Weak<Program>>,
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
    let mut dice = Dice::new(seed);
    let piece = Piece::new(&mut dice);
    let (text, programs) = (String::new(), Vec::new());
    let seen = Soaked::default();
    let mut soak = Soak { dice, session, processor, piece, text, programs, seen };
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
                Notice::Fault { message, .. } if message.contains("`down`") => {
                    self.seen.faults += 1;
                }
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
